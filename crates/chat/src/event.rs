//! Events: what has happened, for those who may know it.
//!
//! Two scopes number their changes: a conversation, whose [`Event`]s go to all its members, and an account, whose
//! [`AccountEvent`]s go to its own person's connections only. Both are durable: they are published after their commit,
//! and a client that has missed some reads what they changed. A [`Signal`] is an ephemeral event; it has no number, and
//! after a reconnection its present state can be read.

use crate::{
    ConnectionId, ConversationId, Millis, Number, PushDeviceId, ReminderId, SessionId, UserGroupId, UserId,
    accounts::{Account, ServerRole},
    conversations::{Conversation, Listed},
    drafts::{Draft, DraftKey},
    inbox::ReadState,
    markers::Markers,
    members::{Departure, Member},
    messages::Message,
    notifications::{ConversationSettings, NotificationSettings},
    people::NamesPeople,
    presence::Seen,
    push_devices::PushDevice,
    reminders::Reminder,
    saved::SavedMessage,
    threads::{Following, Summary},
};

/// A scope of numbers: 1, 2, 3 … without gaps. The order of scopes is the order in which a transaction locks them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// The changes that all members of a conversation share.
    Conversation(ConversationId),
    /// The changes that concern one person on all their devices.
    Account(UserId),
}

impl From<ConversationId> for Scope {
    fn from(conversation: ConversationId) -> Self {
        Self::Conversation(conversation)
    }
}

impl From<UserId> for Scope {
    fn from(account: UserId) -> Self {
        Self::Account(account)
    }
}

/// A committed, numbered change of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, NamesPeople)]
pub struct Event {
    /// The conversation.
    pub conversation: ConversationId,
    /// Its number: the one after the previous event's of the same conversation.
    pub number: Number,
    /// The account that caused it.
    pub actor: UserId,
    /// The connection of this node that caused it, if one did: some endpoints do not echo to it.
    pub origin: Option<ConnectionId>,
    /// When it happened.
    pub at: Millis,
    /// The change.
    pub fact: Fact,
    /// The summary of the thread that changes with it, for those who see the thread's root.
    pub thread: Option<Box<Summary>>,
}

/// A change of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, NamesPeople)]
pub enum Fact {
    /// A message was created.
    MessageCreated(Message),
    /// A message's text was changed.
    MessageEdited(Message),
    /// A message became a tombstone.
    MessageDeleted(Message),
    /// A message has got the preview of its link, or has lost it.
    MessagePreviewed(Message),
    /// A reaction was added.
    ReactionAdded {
        /// The message as it is now.
        message: Message,
        /// The account that reacted.
        user: UserId,
        /// The emoji.
        emoji: String,
    },
    /// A reaction was removed.
    ReactionRemoved {
        /// The message as it is now.
        message: Message,
        /// The account that had reacted.
        user: UserId,
        /// The emoji.
        emoji: String,
    },
    /// Somebody became a member.
    MemberJoined {
        /// The new membership.
        member: Member,
        /// The number of members afterwards.
        member_count: i64,
    },
    /// A member left or was removed.
    MemberLeft {
        /// The membership, without a role.
        member: Member,
        /// How they left.
        departure: Departure,
        /// The number of members afterwards.
        member_count: i64,
    },
    /// A member's role was changed.
    MemberUpdated(Member),
    /// The conversation was created; its members learn it by [`AccountFact::ConversationAdded`].
    ConversationCreated(Conversation),
    /// The conversation's name, topic, visibility or picture was changed.
    ConversationUpdated(Conversation),
}

impl Fact {
    /// How many members there are after this join or leave; nothing if it is something else.
    #[must_use]
    pub fn members_after(&self) -> Option<i64> {
        match self {
            Self::MemberJoined { member_count, .. } | Self::MemberLeft { member_count, .. } => Some(*member_count),
            Self::MessageCreated(_)
            | Self::MessageEdited(_)
            | Self::MessageDeleted(_)
            | Self::MessagePreviewed(_)
            | Self::ReactionAdded { .. }
            | Self::ReactionRemoved { .. }
            | Self::MemberUpdated(_)
            | Self::ConversationCreated(_)
            | Self::ConversationUpdated(_) => None,
        }
    }

    /// The message that it is about, if it is about one.
    #[must_use]
    pub fn message(&self) -> Option<&Message> {
        match self {
            Self::MessageCreated(message)
            | Self::MessageEdited(message)
            | Self::MessageDeleted(message)
            | Self::MessagePreviewed(message)
            | Self::ReactionAdded { message, .. }
            | Self::ReactionRemoved { message, .. } => Some(message),
            Self::MemberJoined { .. }
            | Self::MemberLeft { .. }
            | Self::MemberUpdated(_)
            | Self::ConversationCreated(_)
            | Self::ConversationUpdated(_) => None,
        }
    }
}

/// A committed, numbered change of an account, in the form in which its person's connections receive it.
#[derive(Clone, Debug, PartialEq, Eq, NamesPeople)]
pub struct AccountEvent {
    /// The account.
    pub account: UserId,
    /// The number that it follows: the one before its own, or a smaller one if later events report the changes in
    /// between.
    pub after: Number,
    /// Its number in the account.
    pub number: Number,
    /// The connection of this node that caused it, if one did.
    pub origin: Option<ConnectionId>,
    /// The change.
    pub fact: AccountFact,
}

/// The present state of one thing that belongs to an account. Receiving it twice does no harm.
#[derive(Clone, Debug, PartialEq, Eq, NamesPeople)]
pub enum AccountFact {
    /// The person is a member of this conversation. Its events follow after its head.
    ConversationAdded(Box<Listed>),
    /// The person is no longer a member of it.
    ConversationRemoved {
        /// The conversation.
        conversation: ConversationId,
        /// How they left.
        departure: Departure,
    },
    /// The person has hidden the conversation from their list; its next event brings it back.
    ConversationHidden {
        /// The conversation.
        conversation: ConversationId,
        /// The number up to which it is hidden: this event comes after that number and before the next.
        at: Number,
    },
    /// The person's profile has changed.
    ProfileChanged(Box<Account>),
    /// A draft was saved.
    DraftSaved(Draft),
    /// A draft was discarded.
    DraftDiscarded(DraftKey),
    /// The person has other settings for a conversation.
    ConversationSettingsChanged {
        /// The conversation.
        conversation: ConversationId,
        /// The settings now.
        settings: ConversationSettings,
    },
    /// The person has other notification settings.
    NotificationsChanged(Box<NotificationSettings>),
    /// The person follows a thread or does so no longer, or has read on in it.
    ThreadFollowed(Following),
    /// A reminder was created or changed, or is due.
    ReminderChanged(Reminder),
    /// A reminder was removed.
    ReminderRemoved(ReminderId),
    /// The person has marked something in their inbox as read.
    InboxRead(ReadState),
    /// The person belongs to these user groups.
    UserGroupsChanged(Vec<UserGroupId>),
    /// The person is told on this device.
    PushDeviceAdded(PushDevice),
    /// The person is told on this device no longer.
    PushDeviceRemoved(PushDeviceId),
    /// A message was saved.
    MessageSaved(SavedMessage),
    /// A message is not saved any more.
    MessageUnsaved {
        /// The conversation.
        conversation: ConversationId,
        /// The message.
        seq: Number,
    },
}

/// A change of the list of conversations that an account's person is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListChange<'a> {
    /// [`AccountFact::ConversationAdded`].
    Added(&'a Listed),
    /// [`AccountFact::ConversationRemoved`].
    Removed(ConversationId),
    /// [`AccountFact::ConversationHidden`].
    Hidden {
        /// The conversation.
        conversation: ConversationId,
        /// The number up to which it is hidden.
        at: Number,
    },
}

/// The subject of an account's change, for those who follow conversations.
enum About<'a> {
    /// The person's list of conversations.
    List(ListChange<'a>),
    /// Something in a conversation, which is told after the conversation's events.
    Conversation(ConversationId),
    /// Something that stays when its person has left a conversation, so that it need not wait for the events of one.
    Account,
}

impl AccountFact {
    fn about(&self) -> About<'_> {
        match self {
            Self::ConversationAdded(listed) => About::List(ListChange::Added(listed)),
            Self::ConversationRemoved { conversation, .. } => About::List(ListChange::Removed(*conversation)),
            Self::ConversationHidden { conversation, at } => {
                About::List(ListChange::Hidden { conversation: *conversation, at: *at })
            }
            Self::ConversationSettingsChanged { conversation, .. } => About::Conversation(*conversation),
            Self::ThreadFollowed(following) => About::Conversation(following.key.conversation),
            Self::DraftSaved(draft) => About::Conversation(draft.key.conversation),
            Self::DraftDiscarded(key) => About::Conversation(key.conversation),
            Self::ProfileChanged(_)
            | Self::NotificationsChanged(_)
            | Self::ReminderChanged(_)
            | Self::ReminderRemoved(_)
            | Self::InboxRead(_)
            | Self::UserGroupsChanged(_)
            | Self::PushDeviceAdded(_)
            | Self::PushDeviceRemoved(_)
            | Self::MessageSaved(_)
            | Self::MessageUnsaved { .. } => About::Account,
        }
    }

    /// The change of the person's list of conversations, if it is one. Code that follows conversations asks for this, so
    /// that it need not know what else belongs to an account.
    #[must_use]
    pub fn list_change(&self) -> Option<ListChange<'_>> {
        match self.about() {
            About::List(change) => Some(change),
            About::Conversation(_) | About::Account => None,
        }
    }

    /// The conversation that it is about, if it is about one.
    #[must_use]
    pub fn conversation(&self) -> Option<ConversationId> {
        match self.about() {
            About::List(ListChange::Added(listed)) => Some(listed.conversation.id),
            About::List(ListChange::Removed(conversation) | ListChange::Hidden { conversation, .. })
            | About::Conversation(conversation) => Some(conversation),
            About::Account => None,
        }
    }
}

/// An ephemeral event: a change without a number.
#[derive(Clone, Debug, PartialEq, Eq, NamesPeople)]
pub enum Signal {
    /// For one connection that resumed a conversation that its person is not a member of.
    NotAMember(ConversationId),
    /// For the members (in large conversations for the person's own connections): somebody's marker has moved.
    MarkerMoved {
        /// The conversation.
        conversation: ConversationId,
        /// The markers now.
        markers: Markers,
    },
    /// For the other members: somebody has started or stopped writing. In a thread, for those who see its root.
    Typing {
        /// The conversation.
        conversation: ConversationId,
        /// The `seq` of the message in whose thread they write; absent in the room.
        thread: Option<Number>,
        /// The person.
        user: UserId,
        /// Their username.
        username: String,
        /// Their name as others see it: see [`Account::shown_name`].
        shown_name: String,
        /// Whether they have started, or stopped (also because time ran out).
        typing: bool,
    },
    /// For those who share a conversation with the person: their profile has changed.
    CardChanged {
        /// The shared conversation.
        conversation: ConversationId,
        /// The account, as others see it.
        account: Box<Account>,
    },
    /// For those who share a conversation with the people: their presence has changed.
    PresenceChanged {
        /// The shared conversation.
        conversation: ConversationId,
        /// The people: id, username, and presence as others see it.
        people: Vec<(UserId, String, Seen)>,
    },
}

/// A signal and its audience.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The audience.
    pub to: Audience,
    /// The signal.
    pub signal: Signal,
}

/// The audience of a [`Signal`]. The hub sees to permissions: only members listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// All connections of one person.
    User(UserId),
    /// All members of a conversation.
    Members(ConversationId),
    /// All members of a conversation but one.
    OtherMembers(ConversationId, UserId),
}

/// A change of an account that open connections must obey. It is not shown to anybody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Revocation {
    /// The session has ended: close its connections.
    SessionEnded {
        /// The account.
        user: UserId,
        /// The session.
        session: SessionId,
    },
    /// All sessions of the account but one have ended.
    SessionsEnded {
        /// The account.
        user: UserId,
        /// The session that continues.
        except: Option<SessionId>,
    },
    /// The account was deactivated: close its connections.
    Deactivated(UserId),
    /// The account has another server role.
    RoleChanged {
        /// The account.
        user: UserId,
        /// The new role.
        role: ServerRole,
    },
}

impl Revocation {
    /// The account that it is about.
    #[must_use]
    pub fn user(&self) -> UserId {
        match self {
            Self::SessionEnded { user, .. }
            | Self::SessionsEnded { user, .. }
            | Self::Deactivated(user)
            | Self::RoleChanged { user, .. } => *user,
        }
    }
}

/// One thing to publish after a commit. A commit has a list of these, in order.
#[expect(clippy::large_enum_variant, reason = "nearly all are events; a box would cost an allocation for each message")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outgoing {
    /// A numbered change of a conversation. Those of one conversation are in the order of their numbers.
    Event(Event),
    /// A numbered change of an account. Those of one account are in the order of their numbers, after the changes of
    /// conversations that they name.
    Account(AccountEvent),
    /// An ephemeral event.
    Notice(Notice),
    /// A change that open connections must obey.
    Revocation(Revocation),
    /// The outcome of a commit is unknown: its events must be looked for in the database.
    Doubt,
    /// The database has come back as another history: earlier events may not be part of it.
    NewHistory,
}
