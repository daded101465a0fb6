//! The answers to commands and queries.

use crate::{
    AccountEvent, MessageId, Number, UserId,
    accounts::Account,
    conversations::{Conversation, Listed},
    drafts::{Draft, Saved},
    markers::Markers,
    members::Member,
    messages::{Message, Page, Sent},
    policies::Explanation,
    presence::Seen,
    query::ListPosition,
    reminders::Reminder,
    search::Hit,
    sessions::{Session, Tokens},
};

/// What comes back.
#[derive(Clone, PartialEq, Eq)]
pub enum Reply {
    /// It is done, and there is nothing to add.
    Done,
    /// To a registration, log-in or refresh.
    Tokens(Box<Tokens>),
    /// To a send.
    Sent(Sent),
    /// To an edit, deletion or reaction: the message in its new state.
    Message(Box<Message>),
    /// To whatever makes or changes a conversation: as the speaker sees it now.
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
        /// Present if there are more: the last name.
        next: Option<String>,
    },
    /// A page of members.
    Members {
        /// The members.
        members: Vec<Member>,
        /// Present if there are more.
        next: Option<UserId>,
    },
    /// What a member may do in a conversation, and why.
    Abilities(Box<Explanation>),
    /// Read and delivered markers.
    Markers(Vec<Markers>),
    /// A page of history.
    History(Page),
    /// A part of the messages that are not deleted, newest first.
    Timeline {
        /// The messages.
        messages: Vec<Message>,
        /// How many there are in the whole conversation.
        total: i64,
    },
    /// What has changed since a number.
    CaughtUp(Box<CaughtUp>),
    /// What has changed of the speaker's account since a number.
    AccountChanges(Box<AccountChanges>),
    /// To a saved draft.
    DraftSaved(Box<Saved>),
    /// The speaker's drafts.
    Drafts(Vec<Draft>),
    /// Who is here.
    Presence(Vec<(UserId, Seen)>),
    /// A reminder as it stands now.
    Reminder(Reminder),
    /// The speaker's reminders.
    Reminders(Vec<Reminder>),
    /// What was found, newest first.
    Found {
        /// The messages.
        hits: Vec<Hit>,
        /// Present if there may be more: go on before this message.
        next: Option<MessageId>,
    },
    /// The marker's position after a move.
    Marker(Markers),
}

/// What takes a client of a conversation from one number to another: the rows that have changed in
/// between, in their present state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaughtUp {
    /// The number that the client had.
    pub from: Number,
    /// The number that it has after applying this.
    pub to: Number,
    /// The conversation as it stands; where there is more to come its head is beyond `to`.
    pub conversation: Conversation,
    /// Memberships that changed, departures included.
    pub members: Vec<Member>,
    /// Messages that are new or changed, by `seq`.
    pub messages: Vec<Message>,
    /// True if there was too much to send: forget the conversation and read it anew, from its
    /// newest page of history, whose head is then the cursor.
    pub reset: bool,
    /// True if this is a piece, and what changed after `to` is still to be told. `to` is then a number to go on from:
    /// a row that has changed again since comes later, with its newer number.
    pub more: bool,
}

impl CaughtUp {
    /// The same for a member who sees messages from this number on.
    #[must_use]
    pub fn seen_from(&self, number: Number) -> Self {
        let mut seen = self.clone();
        seen.messages.retain(|message| message.seq >= number);
        seen
    }
}

/// What takes a client of an account from one number to another: an event for each thing that has changed in between,
/// as it is now, in the order of their numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountChanges {
    /// The number that the client had.
    pub from: Number,
    /// The number that it has after applying these.
    pub to: Number,
    /// The events; the last one's number is `to`.
    pub events: Vec<AccountEvent>,
    /// True if there was too much to send, or the number is not of this history: forget what is known of the account
    /// and read it anew; `to` is then the cursor.
    pub reset: bool,
    /// True if what changed after `to` is still to be told.
    pub more: bool,
}

impl AccountChanges {
    /// What a connection is told of these, whose live events follow `live_from`. What has changed since is told live: a
    /// client that had heard of it already would take that for a repeat, and never learn from where on the events of a
    /// conversation follow. So the last event stands for all up to `live_from`, and a client that is beyond reads anew.
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
        let key = DraftKey { conversation: ConversationId(1), edit: None };
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
    fn what_was_missed_ends_where_live_events_begin() {
        let until = |changes: AccountChanges, live_from| told(&changes.until(Number(live_from)));
        assert_eq!(until(changes(3, &[4, 6], false), 6), (vec![(3, 4), (4, 6)], 6, false, false));
        // 5 and 6 have changed again since, and come live.
        assert_eq!(until(changes(3, &[4, 7, 9], false), 6), (vec![(3, 4), (4, 6)], 6, false, false));
        assert_eq!(until(changes(3, &[8, 9], true), 6), (vec![(3, 6)], 6, false, false));
        assert_eq!(until(changes(3, &[4, 5], true), 6), (vec![(3, 4), (4, 5)], 5, false, true));
    }

    #[test]
    fn whoever_is_beyond_where_live_events_begin_reads_anew() {
        assert_eq!(told(&changes(8, &[9], false).until(Number(6))), (vec![], 6, true, false));
        let reset = AccountChanges { reset: true, ..changes(3, &[], false) };
        assert_eq!(told(&reset.until(Number(6))), (vec![], 6, true, false));
    }
}
