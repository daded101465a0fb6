//! The answers to commands and queries.

use crate::{
    AccountEvent, Number, UserId,
    accounts::Account,
    conversations::{Conversation, Listed},
    drafts::{Draft, Saved},
    emoji::{Emoji, EmojiList},
    files::{File, FileLink},
    inbox::{InboxPlace, Item, ReadState},
    markers::Markers,
    members::Member,
    mentions::Reached,
    messages::{Message, Page, Sent},
    notifications::{NotificationDecision, NotificationSettings},
    people::NamesPeople,
    policies::Explanation,
    presence::Seen,
    push_devices::{PushDevice, PushExplained, PushedMessage},
    query::ListPosition,
    reminders::Reminder,
    saved::{SavedEntry, SavedMessage},
    search::{Hit, SearchCursor, Suggestion},
    sessions::{Session, Tokens},
    threads::{Followed, Following, Summary, ThreadPosition},
    uploads::Upload,
    user_groups::{UserGroupPeople, UserGroups},
    versions::VersionPage,
};

/// The answer to a command or query.
#[derive(Clone, PartialEq, Eq, NamesPeople)]
pub enum Reply {
    /// It is done, and there is nothing to add.
    Done,
    /// To a registration, log-in or refresh.
    Tokens(Box<Tokens>),
    /// To a send.
    Sent(Sent),
    /// A file in its present state.
    File(Box<File>),
    /// An address that opens a file.
    FileLink(Box<FileLink>),
    /// An upload in parts.
    Upload(Box<Upload>),
    /// To an edit, deletion or reaction: the message in its new state.
    Message(Box<Message>),
    /// To every command that creates or changes a conversation: its state as the speaker sees it.
    Conversation(Box<Listed>),
    /// To a change of a membership.
    Member(Member),
    /// The speaker's own account, or any for an administrator.
    Account(Box<Account>),
    /// A public profile.
    User(Box<Account>),
    /// A page of public profiles.
    Users {
        /// The people.
        users: Vec<Account>,
        /// Present if there are more.
        next: Option<UserId>,
    },
    /// A page of accounts, for an administrator.
    Accounts {
        /// The accounts.
        accounts: Vec<Account>,
        /// Present if there are more.
        next: Option<UserId>,
    },
    /// The speaker's sessions.
    Sessions(Vec<Session>),
    /// A page of the speaker's conversations.
    Conversations {
        /// The conversations.
        conversations: Vec<Listed>,
        /// Present if there are more.
        next: Option<ListPosition>,
    },
    /// A page of public rooms.
    Rooms {
        /// The rooms, each with whether the speaker is a member.
        rooms: Vec<(Conversation, bool)>,
        /// The last name, if there are more.
        next: Option<String>,
    },
    /// A page of members.
    Members {
        /// The members.
        members: Vec<Member>,
        /// Present if there are more.
        next: Option<UserId>,
    },
    /// A member's abilities in a conversation, with the reasons.
    // It is about the person who was asked for.
    #[nobody]
    Abilities(Box<Explanation>),
    /// Read and delivered markers.
    Markers(Vec<Markers>),
    /// A page of a message's earlier texts.
    Versions(VersionPage),
    /// A page of history.
    History(Page),
    /// A part of the messages that are not deleted, newest first.
    Timeline {
        /// The messages.
        messages: Vec<Message>,
        /// The number of such messages in the whole conversation.
        total: i64,
    },
    /// The changes after a number.
    CaughtUp(Box<CaughtUp>),
    /// The changes of the speaker's account after a number.
    AccountChanges(Box<AccountChanges>),
    /// To a saved draft.
    DraftSaved(Box<Saved>),
    /// The speaker's drafts.
    Drafts(Vec<Draft>),
    /// The presence of people.
    Presence(Vec<(UserId, Seen)>),
    /// The speaker's notification settings.
    Notifications(Box<NotificationSettings>),
    /// Whether a message notifies the speaker, and why.
    NotificationExplained {
        /// By the settings.
        decision: Box<NotificationDecision>,
        /// The state of its pushes to the person's devices.
        pushes: Vec<PushExplained>,
    },
    /// Whether the speaker follows a thread, and how far they have read it.
    Thread(Following),
    /// A page of the threads that the speaker follows.
    Threads {
        /// The threads.
        threads: Vec<Followed>,
        /// Present if there are more.
        next: Option<ThreadPosition>,
    },
    /// A reminder in its present state.
    Reminder(Reminder),
    /// The speaker's reminders.
    Reminders(Vec<Reminder>),
    /// A device on which the speaker is told.
    PushDevice(Box<PushDevice>),
    /// The devices on which the speaker is told.
    PushDevices {
        /// In the order of their ids.
        devices: Vec<PushDevice>,
        /// The server's public key, which browsers need to subscribe; absent if the server tells nobody.
        key: Option<String>,
    },
    /// The parts of a message that a device may show after a push about it.
    PushedMessage(Box<PushedMessage>),
    /// A message that the speaker has saved.
    SavedMessage(SavedMessage),
    /// A page of the messages that the speaker has saved.
    SavedMessages {
        /// The last one first.
        entries: Vec<SavedEntry>,
        /// Present if there are more: those saved before this number.
        next: Option<Number>,
    },
    /// The messages that were found, in the order that was asked for.
    Found {
        /// The messages.
        hits: Vec<Hit>,
        /// Present if there may be more.
        next: Option<SearchCursor>,
    },
    /// Suggestions for the place where one types a search.
    Suggestions {
        /// From which Unicode scalar value on a suggestion takes the place of what was typed.
        from: usize,
        /// The likeliest first.
        suggestions: Vec<Suggestion>,
    },
    /// The marker's position after a move.
    Marker(Markers),
    /// A page of the speaker's inbox, newest first.
    Inbox {
        /// The items.
        items: Vec<Item>,
        /// Present if there may be more: go on before this one.
        next: Option<InboxPlace>,
        /// How much of the whole inbox is read.
        state: ReadState,
    },
    /// How much of the speaker's inbox is read.
    InboxRead(ReadState),
    /// How many people a text would reach.
    Reach(Reached),
    /// A custom emoji.
    Emoji(Emoji),
    /// The custom emoji of the server.
    EmojiList(EmojiList),
    /// The user groups of the server.
    UserGroups(UserGroups),
    /// A user group with its people.
    UserGroup(UserGroupPeople),
}

/// The changes of a conversation that take a client from one number to another: the rows that have changed in between,
/// in their present state.
#[derive(Clone, Debug, PartialEq, Eq, NamesPeople)]
pub struct CaughtUp {
    /// The number that the client had.
    pub from: Number,
    /// The number that it has after applying this.
    pub to: Number,
    /// The conversation's row now; if more is to come its head is beyond `to`.
    pub conversation: Conversation,
    /// Memberships that changed, departures included.
    pub members: Vec<Member>,
    /// Messages that are new or changed, by `seq`; without the summaries of threads.
    pub messages: Vec<Message>,
    /// The summaries of threads that have changed.
    pub threads: Vec<Summary>,
    /// True if there was too much to send: the client must forget the conversation and read it again, from its newest
    /// page of history, whose head is then the cursor.
    pub reset: bool,
    /// True if this is one piece, and the changes after `to` are still to come. `to` is then a cursor: a row that has
    /// changed again since comes later, with its newer number.
    pub more: bool,
}

impl CaughtUp {
    /// The answer for a member who sees messages from this number on.
    #[must_use]
    pub fn seen_from(&self, number: Number) -> Self {
        let mut seen = self.clone();
        seen.messages.retain(|message| message.seq >= number);
        seen.threads.retain(|thread| thread.root >= number);
        seen
    }
}

/// The changes of an account that take a client from one number to another: an event for each thing that has changed in
/// between, as it is now, in the order of their numbers.
#[derive(Clone, Debug, PartialEq, Eq, NamesPeople)]
pub struct AccountChanges {
    /// The number that the client had.
    pub from: Number,
    /// The number that it has after applying these.
    pub to: Number,
    /// The events; the last one's number is `to`.
    pub events: Vec<AccountEvent>,
    /// True if there was too much to send, or the number is not of this history: the client must forget the account and
    /// read it again; `to` is then the cursor.
    pub reset: bool,
    /// True if the changes after `to` are still to come.
    pub more: bool,
}

impl AccountChanges {
    /// The part for a connection whose live events follow `live_from`. Later changes come as live events: if they were
    /// in this answer, the client would take the live event for a repeat, and not learn from where on the events of a
    /// conversation follow. So the last event covers all numbers up to `live_from`, and a client beyond that reads
    /// again.
    #[must_use]
    pub fn until(mut self, live_from: Number) -> Self {
        if self.reset || self.from > live_from {
            return Self { to: live_from, events: Vec::new(), reset: true, more: false, ..self };
        }
        let last = self.events.iter().position(|event| event.number >= live_from);
        let last = last.or_else(|| self.events.len().checked_sub(1).filter(|_| !self.more));
        if let Some(last) = last {
            self.events.truncate(last + 1);
            if let Some(event) = self.events.last_mut() {
                event.number = live_from;
            }
            (self.to, self.more) = (live_from, false);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AccountFact, ConversationId, drafts::DraftKey};

    fn changes(from: i64, numbers: &[i64], more: bool) -> AccountChanges {
        let key = DraftKey { conversation: ConversationId(1), edit: None, thread: None };
        let event = |(after, number): (&i64, &i64)| AccountEvent {
            account: UserId(1),
            after: Number(*after),
            number: Number(*number),
            origin: None,
            fact: AccountFact::DraftDiscarded(key),
        };
        let before = std::iter::once(&from).chain(numbers);
        let events = before.zip(numbers).map(event).collect();
        let to = Number(numbers.last().copied().unwrap_or(from));
        AccountChanges { from: Number(from), to, events, reset: false, more }
    }

    fn told(changes: &AccountChanges) -> (Vec<(i64, i64)>, i64, bool, bool) {
        let events = changes.events.iter().map(|event| (event.after.0, event.number.0)).collect();
        (events, changes.to.0, changes.reset, changes.more)
    }

    #[test]
    fn missed_changes_end_where_live_events_begin() {
        let until = |changes: AccountChanges, live_from| told(&changes.until(Number(live_from)));
        assert_eq!(until(changes(3, &[4, 6], false), 6), (vec![(3, 4), (4, 6)], 6, false, false));
        // 5 and 6 have changed again since, and come as live events.
        assert_eq!(until(changes(3, &[4, 7, 9], false), 6), (vec![(3, 4), (4, 6)], 6, false, false));
        assert_eq!(until(changes(3, &[8, 9], true), 6), (vec![(3, 6)], 6, false, false));
        assert_eq!(until(changes(3, &[4, 5], true), 6), (vec![(3, 4), (4, 5)], 5, false, true));
    }

    #[test]
    fn a_client_beyond_the_beginning_of_live_events_reads_again() {
        assert_eq!(told(&changes(8, &[9], false).until(Number(6))), (vec![], 6, true, false));
        let reset = AccountChanges { reset: true, ..changes(3, &[], false) };
        assert_eq!(told(&reset.until(Number(6))), (vec![], 6, true, false));
    }
}
