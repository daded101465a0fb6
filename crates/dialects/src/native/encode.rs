//! Replies, events and signals to frames; and what the documents say of each event.

use chat::{
    AccountEvent, AccountFact, ConversationId, Error, Event, Fact, Number, Reply, SessionId, Signal,
    members::{Departure, Turnover},
    reply::{AccountChanges, CaughtUp},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    account_changes, accounts, conversations, drafts, emoji, files, inbox, markers, members, mentions, messages,
    notifications, pages, policies, presence, push_devices, reactions, reminders, saved,
    schemas::Shape,
    search, server, sessions,
    threads::{self, ThreadSummary},
    typing, user_groups, versions,
};
use crate::Text;

/// An event's or signal's frame.
#[derive(Serialize)]
struct Outgoing<'a, T> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    conversation: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<i64>,
    data: T,
    /// The thread that changes with it, for those who see the message that the thread is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    thread: Option<ThreadSummary<'a>>,
}

/// The frame of an event of an account.
#[derive(Serialize)]
struct ToldAccount<T> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    conversation: Option<i64>,
    account_seq: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    account_after: Option<i64>,
    data: T,
}

/// Writes a value. Only maps with keys that are no strings cannot be written, and no view has one.
fn write<T: Serialize>(value: &T) -> Text {
    let mut bytes = Vec::with_capacity(512);
    match serde_json::to_writer(&mut bytes, value) {
        Ok(()) => String::from_utf8(bytes).unwrap_or_default(),
        Err(_) => String::new(),
    }
}

fn told<T: Serialize>(kind: &'static str, conversation: Option<ConversationId>, seq: Option<i64>, data: T) -> Text {
    write(&Outgoing { kind, conversation: conversation.map(|id| id.0), seq, data, thread: None })
}

/// The description of an event's frame in the document of the socket.
pub(super) struct Described {
    /// The frame's type.
    pub(super) name: &'static str,
    /// What the event reports, in a line.
    pub(super) summary: &'static str,
    /// The source of its number.
    pub(super) number: Numbered,
    /// Whether it belongs to a conversation.
    pub(super) placed: bool,
    /// The type of `data`.
    pub(super) data: Shape,
}

/// The source of an event's number.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Numbered {
    /// Its conversation.
    InConversation,
    /// The account of the person who is told.
    InAccount,
    /// The account, but where it answers a cursor of a conversation in which the person is not (any more).
    InAccountMostly,
    /// Nothing.
    Not,
}

const fn numbered<T: ToSchema>(name: &'static str, summary: &'static str) -> Described {
    Described { name, summary, number: Numbered::InConversation, placed: true, data: Shape::of::<T>() }
}

const fn own<T: ToSchema>(name: &'static str, summary: &'static str, placed: bool) -> Described {
    Described { name, summary, number: Numbered::InAccount, placed, data: Shape::of::<T>() }
}

const fn unnumbered<T: ToSchema>(name: &'static str, summary: &'static str) -> Described {
    Described { name, summary, number: Numbered::Not, placed: true, data: Shape::of::<T>() }
}

type Message = messages::Message<'static>;
type Conversation = conversations::Conversation<'static>;
type Row = conversations::ConversationRow<'static>;
type Reaction = reactions::ReactionChange<'static>;

/// Every event and signal that has a frame.
pub(super) static EVENTS: &[Described] = &[
    numbered::<Message>("message.created", "A message was sent."),
    numbered::<Message>("message.edited", "A message's text was changed."),
    numbered::<Message>("message.deleted", "A message became a tombstone."),
    numbered::<Message>("message.previewed", "A message has the preview of its link now, or has lost it."),
    numbered::<Reaction>("reaction.added", "Somebody reacted to a message."),
    numbered::<Reaction>("reaction.removed", "Somebody took a reaction back."),
    numbered::<members::Arrival<'static>>("member.joined", "Somebody became a member."),
    numbered::<members::Leaving<'static>>("member.left", "Somebody is a member no more."),
    numbered::<members::Member<'static>>("member.updated", "A member has another role."),
    numbered::<members::Turnover>(
        "members.changed",
        "In a large conversation people came and went, from one number up to this one; for clients that authenticate \
         with feature level 7. Nothing if you are there already.",
    ),
    numbered::<Row>("conversation.created", "The conversation was opened: its first change."),
    numbered::<Row>("conversation.updated", "The conversation was renamed, described, opened or closed."),
    numbered::<server::Done>(
        "event.hidden",
        "Something about a message that you do not see has changed: take its number as passed.",
    ),
    own::<Conversation>("conversation.added", "You are now a member; its head is your cursor.", true),
    Described {
        number: Numbered::InAccountMostly,
        ..own::<members::Removal>("conversation.removed", "You are a member no more.", true)
    },
    own::<conversations::Hiding>(
        "conversation.hidden",
        "You took it out of your list; the next event of it brings it back.",
        true,
    ),
    own::<accounts::Account<'static>>("account.updated", "Your profile was changed.", false),
    own::<drafts::Draft<'static>>("draft.saved", "You have begun to write this.", true),
    own::<drafts::DraftKey>("draft.discarded", "There is no such draft any more.", true),
    own::<notifications::ConversationSettings>(
        "conversation.settings",
        "You have set what notifies here, or marked it as unread or read on.",
        true,
    ),
    own::<notifications::Notifications<'static>>(
        "notifications.changed",
        "You have set what you want to be notified of.",
        false,
    ),
    own::<threads::Thread>("thread.followed", "You follow a thread or do so no longer, or have read on.", true),
    own::<reminders::Reminder>("reminder.set", "You have asked to be reminded.", false),
    own::<reminders::Reminder>("reminder.due", "A reminder is due.", false),
    own::<reminders::RemovedReminder>("reminder.removed", "You have no such reminder any more.", false),
    own::<inbox::InboxRead>("inbox.read", "You have read something in your inbox.", false),
    own::<user_groups::OwnUserGroups>("user_groups.changed", "You belong to these user groups now.", false),
    own::<push_devices::PushDevice<'static>>("push_device.added", "You are told on this device.", false),
    own::<push_devices::RemovedPushDevice>("push_device.removed", "You are told on this device no longer.", false),
    own::<saved::SavedMessage>("message.saved", "You have saved a message.", false),
    own::<saved::UnsavedMessage>("message.unsaved", "You have taken a message off your saved ones.", false),
    own::<server::Done>(
        "account.reset",
        "Too much of your account has changed, or your number is not of this history: read it anew.",
        false,
    ),
    unnumbered::<conversations::Changes<'static>>(
        "conversation.changes",
        "The changes of a conversation that you have missed.",
    ),
    unnumbered::<markers::Marker>("marker.moved", "Somebody has read or received more."),
    unnumbered::<typing::Typing<'static>>("typing.started", "Somebody is writing."),
    unnumbered::<typing::ThreadTyping<'static>>(
        "thread.typing",
        "Somebody is writing in a thread, or has stopped; for those who see the message that it is about.",
    ),
    unnumbered::<typing::Typing<'static>>("typing.stopped", "Somebody has stopped writing."),
    Described {
        placed: false,
        ..unnumbered::<accounts::User<'static>>("user.updated", "Somebody tells something else about themselves.")
    },
    unnumbered::<presence::PresenceChange<'static>>("presence.changed", "People came, went or are busy."),
];

/// The events by which a thread's summary may change: it is told beside the message.
pub(super) const THREADED: &[&str] = &["message.created", "message.deleted"];

/// The frame of a numbered event.
#[must_use]
pub fn event(event: &Event) -> Text {
    fn tell<T: Serialize>(event: &Event, kind: &'static str, data: T) -> Text {
        let (conversation, seq) = (Some(event.conversation.0), Some(event.number.0));
        let thread = event.thread.as_deref().map(ThreadSummary::from);
        write(&Outgoing { kind, conversation, seq, data, thread })
    }
    match &event.fact {
        Fact::MessageCreated(message) => tell(event, "message.created", messages::Message::from(message)),
        Fact::MessageEdited(message) => tell(event, "message.edited", messages::Message::from(message)),
        Fact::MessageDeleted(message) => tell(event, "message.deleted", messages::Message::from(message)),
        Fact::MessagePreviewed(message) => tell(event, "message.previewed", messages::Message::from(message)),
        Fact::ReactionAdded { message, user, emoji } => {
            tell(event, "reaction.added", reactions::ReactionChange { message: message.into(), user: user.0, emoji })
        }
        Fact::ReactionRemoved { message, user, emoji } => {
            tell(event, "reaction.removed", reactions::ReactionChange { message: message.into(), user: user.0, emoji })
        }
        Fact::MemberJoined { member, member_count } => {
            tell(event, "member.joined", members::Arrival { member: member.into(), member_count: *member_count })
        }
        Fact::MemberLeft { member, departure, member_count } => {
            let reason = departure.name();
            tell(event, "member.left", members::Leaving { member: member.into(), member_count: *member_count, reason })
        }
        Fact::MemberUpdated(member) => tell(event, "member.updated", members::Member::from(member)),
        Fact::ConversationCreated(row) => {
            tell(event, "conversation.created", conversations::ConversationRow::from(row))
        }
        Fact::ConversationUpdated(row) => {
            tell(event, "conversation.updated", conversations::ConversationRow::from(row))
        }
    }
}

/// The frame of an event of which only the number may be known: it is about a message that the subscriber does not see.
#[must_use]
pub fn hidden(conversation: ConversationId, number: Number) -> Text {
    told("event.hidden", Some(conversation), Some(number.0), server::Done {})
}

/// The frame of a run of joins and leaves.
#[must_use]
pub fn turnover(conversation: ConversationId, turnover: &Turnover) -> Text {
    told("members.changed", Some(conversation), Some(turnover.to.0), members::Turnover::from(turnover))
}

/// The frame of a numbered event of an account.
#[must_use]
pub fn account(event: &AccountEvent) -> Text {
    fn tell<T: Serialize>(event: &AccountEvent, kind: &'static str, data: T) -> Text {
        let follows = event.after.next() != event.number;
        write(&ToldAccount {
            kind,
            conversation: event.fact.conversation().map(|id| id.0),
            account_seq: event.number.0,
            account_after: follows.then_some(event.after.0),
            data,
        })
    }
    match &event.fact {
        AccountFact::ConversationAdded(listed) => {
            tell(event, "conversation.added", conversations::Conversation::from(&**listed))
        }
        AccountFact::ConversationRemoved { departure, .. } => {
            tell(event, "conversation.removed", members::Removal { reason: departure.name() })
        }
        AccountFact::ConversationHidden { at, .. } => {
            tell(event, "conversation.hidden", conversations::Hiding { at: at.0 })
        }
        AccountFact::ProfileChanged(account) => tell(event, "account.updated", accounts::Account::from(&**account)),
        AccountFact::ThreadFollowed(following) => tell(event, "thread.followed", threads::Thread::from(following)),
        AccountFact::DraftSaved(draft) => tell(event, "draft.saved", drafts::Draft::from(draft)),
        AccountFact::DraftDiscarded(key) => tell(event, "draft.discarded", drafts::DraftKey::from(key)),
        AccountFact::ConversationSettingsChanged { settings, .. } => {
            tell(event, "conversation.settings", notifications::ConversationSettings::from(settings))
        }
        AccountFact::NotificationsChanged(settings) => {
            tell(event, "notifications.changed", notifications::Notifications::from(&**settings))
        }
        AccountFact::ReminderChanged(reminder) => {
            let kind = if reminder.due_at.is_some() { "reminder.due" } else { "reminder.set" };
            tell(event, kind, reminders::Reminder::from(reminder))
        }
        AccountFact::InboxRead(state) => tell(event, "inbox.read", inbox::InboxRead::from(state)),
        AccountFact::UserGroupsChanged(groups) => {
            let groups = groups.iter().map(|group| group.0).collect();
            tell(event, "user_groups.changed", user_groups::OwnUserGroups { groups })
        }
        AccountFact::ReminderRemoved(id) => tell(event, "reminder.removed", reminders::RemovedReminder { id: id.0 }),
        AccountFact::PushDeviceAdded(device) => {
            tell(event, "push_device.added", push_devices::PushDevice::from(device))
        }
        AccountFact::PushDeviceRemoved(id) => {
            tell(event, "push_device.removed", push_devices::RemovedPushDevice { id: id.0 })
        }
        AccountFact::MessageSaved(saved) => tell(event, "message.saved", saved::SavedMessage::from(saved)),
        AccountFact::MessageUnsaved { conversation, seq } => {
            tell(event, "message.unsaved", saved::UnsavedMessage::new(*conversation, *seq))
        }
    }
}

/// The frames that take a reconnected client of an account from its cursor towards the present.
#[must_use]
pub fn account_caught_up(changes: &AccountChanges) -> Vec<Text> {
    if !changes.reset {
        return changes.events.iter().map(account).collect();
    }
    let (account_seq, data) = (changes.to.0, server::Done {});
    vec![write(&ToldAccount { kind: "account.reset", conversation: None, account_seq, account_after: None, data })]
}

/// The frame of a signal.
#[must_use]
pub fn signal(signal: &Signal) -> Text {
    match signal {
        Signal::NotAMember(conversation) => {
            told("conversation.removed", Some(*conversation), None, members::Removal { reason: Departure::Left.name() })
        }
        Signal::MarkerMoved { conversation, markers } => {
            told("marker.moved", Some(*conversation), None, markers::Marker::from(markers))
        }
        // Of another type than in the room: a client that knows no threads would show it there.
        Signal::Typing { conversation, thread: Some(root), user, username, typing, .. } => {
            let user = accounts::Person::new(*user, username);
            let data = typing::ThreadTyping { thread: root.0, user, typing: *typing };
            told("thread.typing", Some(*conversation), None, data)
        }
        Signal::Typing { conversation, thread: None, user, username, typing, .. } => {
            let kind = if *typing { "typing.started" } else { "typing.stopped" };
            told(kind, Some(*conversation), None, typing::Typing { user: accounts::Person::new(*user, username) })
        }
        Signal::CardChanged { account, .. } => told("user.updated", None, None, accounts::User::from(&**account)),
        Signal::PresenceChanged { conversation, people } => {
            let people = people.iter().map(presence::NamedPresence::from).collect();
            told("presence.changed", Some(*conversation), None, presence::PresenceChange { people })
        }
    }
}

/// The frame that takes a reconnected client from its cursor to the present.
#[must_use]
pub fn caught_up(conversation: ConversationId, caught_up: &CaughtUp) -> Text {
    told("conversation.changes", Some(conversation), None, conversations::Changes::from(caught_up))
}

/// The frame that refuses a command; without an id if none could be read.
#[must_use]
pub fn refusal(id: Option<&str>, error: &Error) -> Text {
    #[derive(Serialize)]
    struct Refused<'a> {
        re: Option<&'a str>,
        #[serde(rename = "type")]
        kind: &'static str,
        error: server::Problem<'a>,
    }
    write(&Refused { re: id, kind: "error", error: server::Problem::new(error, None) })
}

/// The problem object of a refusal.
#[must_use]
pub fn problem(error: &Error, request_id: Option<&str>) -> Text {
    write(&server::Problem::new(error, request_id))
}

/// The answer to a command or request: the frame's type and the object, which is also REST's body.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The frame's type.
    pub(crate) kind: &'static str,
    /// The object as JSON.
    pub(crate) data: Text,
}

impl Answer {
    /// An answer of this type.
    pub(crate) fn new<T: Serialize>(kind: &'static str, data: &T) -> Self {
        Self { kind, data: write(data) }
    }

    /// The answer's frame.
    pub(crate) fn frame(&self, id: &str) -> Text {
        let id = write(&id);
        ["{\"re\":", &id, ",\"type\":\"", self.kind, "\",\"data\":", &self.data, "}"].concat()
    }
}

/// The answer to a reply. `session` is the one that asks; `types` are those that the operation's answers may have.
pub(crate) fn answer(reply: &Reply, session: Option<SessionId>, types: &[&str]) -> Result<Answer, Error> {
    Ok(match reply {
        Reply::Done => Answer::new("done", &server::Done {}),
        Reply::Tokens(tokens) => Answer::new("tokens", &sessions::Tokens::from(&**tokens)),
        Reply::Sent(sent) => Answer::new("message.sent", &messages::MessageSent::from(sent)),
        Reply::Message(message) => Answer::new("message", &messages::Message::from(&**message)),
        Reply::Conversation(listed) => Answer::new("conversation", &conversations::Conversation::from(&**listed)),
        Reply::Member(member) => Answer::new("member", &members::Member::from(member)),
        Reply::Account(account) => Answer::new("account", &accounts::Account::from(&**account)),
        Reply::User(account) => Answer::new("user", &accounts::User::from(&**account)),
        Reply::Users { users, next } => {
            let users = users.iter().map(accounts::User::from).collect();
            Answer::new("users", &accounts::Users { users, next_cursor: next.map(|id| id.to_string()) })
        }
        Reply::Accounts { accounts, next } => {
            let accounts = accounts.iter().map(accounts::Account::from).collect();
            Answer::new("accounts", &accounts::Accounts { accounts, next_cursor: next.map(|id| id.to_string()) })
        }
        Reply::Sessions(sessions) => {
            let sessions = sessions.iter().map(|one| sessions::Session::new(one, session)).collect();
            Answer::new("sessions", &sessions::Sessions { sessions })
        }
        Reply::Conversations { conversations, next } => {
            let conversations = conversations.iter().map(conversations::Conversation::from).collect();
            let next_cursor = next.as_ref().map(pages::cursor_of);
            Answer::new("conversations", &conversations::Conversations { conversations, next_cursor })
        }
        Reply::Rooms { rooms, next } => {
            let mut rooms = rooms.iter().map(|(row, member)| conversations::Room { row: row.into(), member: *member });
            if types.contains(&"room") {
                let room = rooms.next().ok_or_else(|| Error::not_found("room"))?;
                return Ok(Answer::new("room", &room));
            }
            Answer::new("rooms", &conversations::Rooms { rooms: rooms.collect(), next_cursor: next.as_deref() })
        }
        Reply::Members { members, next } => {
            let members = members.iter().map(members::Member::from).collect();
            Answer::new("members", &members::Members { members, next_cursor: next.map(|id| id.to_string()) })
        }
        Reply::Abilities(explanation) => Answer::new("abilities", &policies::Abilities::from(&**explanation)),
        Reply::Markers(markers) => {
            Answer::new("markers", &markers::Markers { markers: markers.iter().map(markers::Marker::from).collect() })
        }
        Reply::History(page) => Answer::new("history", &messages::History::from(page)),
        Reply::Versions(page) => Answer::new("message.versions", &versions::Versions::from(page)),
        // No operation of ours asks for one.
        Reply::Timeline { .. } | Reply::Upload(_) => return Err(Error::internal()),
        Reply::File(file) => Answer::new("file", &files::File::from(&**file)),
        Reply::FileLink(link) => Answer::new("file.link", &files::Link::from(&**link)),
        Reply::CaughtUp(caught_up) => Answer::new("conversation.changes", &conversations::Changes::from(&**caught_up)),
        Reply::AccountChanges(changes) => {
            Answer::new("account.changes", &account_changes::AccountChanges::from(&**changes))
        }
        Reply::DraftSaved(saved) => Answer::new("draft", &drafts::SavedDraft::from(&**saved)),
        Reply::Drafts(all) => {
            Answer::new("drafts", &drafts::Drafts { drafts: all.iter().map(drafts::Draft::from).collect() })
        }
        Reply::Presence(people) => {
            Answer::new("presence", &presence::Presences { people: people.iter().map(Into::into).collect() })
        }
        Reply::Notifications(settings) => {
            Answer::new("notifications", &notifications::Notifications::from(&**settings))
        }
        Reply::NotificationExplained { decision, pushes } => {
            Answer::new("notification.explained", &notifications::NotificationExplained::new(decision, pushes))
        }
        Reply::PushDevice(device) => Answer::new("push_device", &push_devices::PushDevice::from(&**device)),
        Reply::PushDevices { devices, key } => {
            Answer::new("push_devices", &push_devices::PushDevices::new(devices, key.as_deref()))
        }
        Reply::PushedMessage(message) => Answer::new("pushed_message", &push_devices::PushedMessage::from(&**message)),
        Reply::Thread(following) => Answer::new("thread", &threads::Thread::from(following)),
        Reply::Threads { threads: all, next } => {
            let threads = all.iter().map(threads::FollowedThread::from).collect();
            Answer::new("threads", &threads::Threads { threads, next_cursor: next.as_ref().map(threads::cursor_of) })
        }
        Reply::Reminder(reminder) => Answer::new("reminder", &reminders::Reminder::from(reminder)),
        Reply::Reminders(all) => {
            let reminders = all.iter().map(reminders::Reminder::from).collect();
            Answer::new("reminders", &reminders::Reminders { reminders })
        }
        Reply::SavedMessage(saved) => Answer::new("saved.message", &saved::SavedMessage::from(saved)),
        Reply::SavedMessages { entries, next } => {
            Answer::new("saved.messages", &saved::SavedMessages::new(entries, *next))
        }
        Reply::Found { hits, next } => {
            let results = hits.iter().map(search::SearchResult::from).collect();
            let next_cursor = next.as_ref().map(search::cursor_of);
            Answer::new("search.results", &search::SearchResults { results, next_cursor })
        }
        Reply::Inbox { items, next, state } => {
            let items = items.iter().map(inbox::InboxItem::from).collect();
            let (next_cursor, read) = (next.map(|place| place.to_string()), inbox::InboxRead::from(state));
            Answer::new("inbox", &inbox::Inbox { items, next_cursor, read })
        }
        Reply::InboxRead(state) => Answer::new("inbox.state", &inbox::InboxRead::from(state)),
        Reply::Reach(reached) => Answer::new("reach", &mentions::Reach::from(reached)),
        Reply::Emoji(one) => Answer::new("emoji", &emoji::Emoji::from(one)),
        Reply::EmojiList(list) => Answer::new("emoji_list", &emoji::EmojiList::from(list)),
        Reply::UserGroups(groups) => Answer::new("user_groups", &user_groups::UserGroups::from(groups)),
        Reply::UserGroup(group) => Answer::new("user_group", &user_groups::UserGroupPeople::from(group)),
        Reply::Suggestions { from, suggestions } => {
            let suggestions = suggestions.iter().map(search::SearchSuggestion::from).collect();
            Answer::new("search.suggestions", &search::SearchSuggestions { from: *from, suggestions })
        }
        Reply::Marker(markers) => Answer::new("marker", &markers::Marker::from(markers)),
    })
}
