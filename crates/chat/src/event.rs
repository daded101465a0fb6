//! What has happened, told to those who may know it.
//!
//! Two scopes number their changes: a conversation, whose [`Event`] all its members are told, and an account, whose
//! [`AccountEvent`] only its own person's connections are told. Both are durable: they are told after their commit, and
//! whoever missed some reads what they changed. A [`Signal`] is everything else; it has no number, and what a
//! reconnected client missed of it can be read fresh.

use crate::{
    ConnectionId, ConversationId, Millis, Number, ReminderId, SessionId, UserId,
    accounts::{Account, ServerRole},
    conversations::{Conversation, Listed},
    drafts::{Draft, DraftKey},
    markers::Markers,
    members::{Departure, Member},
    messages::Message,
    presence::Seen,
    reminders::Reminder,
};

/// What numbers its changes: 1, 2, 3 … without gaps. Their order is the order in which a transaction locks them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// What all members of a conversation share.
    Conversation(ConversationId),
    /// What concerns one person on all their devices.
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Where it happened.
    pub conversation: ConversationId,
    /// Its number: the one after the previous event's of the same conversation.
    pub number: Number,
    /// Who did it.
    pub actor: UserId,
    /// On which connection of this node, if on one: some endpoints do not echo to it.
    pub origin: Option<ConnectionId>,
    /// When.
    pub at: Millis,
    /// What happened.
    pub fact: Fact,
}

/// What happened in a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// A message was sent.
    MessageCreated(Message),
    /// A message's text was changed: the message as it is now.
    MessageEdited(Message),
    /// A message became a tombstone.
    MessageDeleted(Message),
    /// Somebody reacted: the message as it is now.
    ReactionAdded {
        /// The message as it is now.
        message: Message,
        /// By whom.
        user: UserId,
        /// With what.
        emoji: String,
    },
    /// Somebody took a reaction back.
    ReactionRemoved {
        /// The message as it is now.
        message: Message,
        /// By whom.
        user: UserId,
        /// Which.
        emoji: String,
    },
    /// Somebody became a member.
    MemberJoined {
        /// The new membership.
        member: Member,
        /// How many members there are now.
        member_count: i64,
    },
    /// Somebody is a member no more.
    MemberLeft {
        /// The membership, without a role.
        member: Member,
        /// Why.
        departure: Departure,
        /// How many members there are now.
        member_count: i64,
    },
    /// A member's role was changed.
    MemberUpdated(Member),
    /// The conversation was made; those in it are told by [`AccountFact::ConversationAdded`].
    ConversationCreated(Conversation),
    /// The conversation was renamed, described, opened or closed.
    ConversationUpdated(Conversation),
}

impl Fact {
    /// The message that it is about, if it is about one.
    #[must_use]
    pub fn message(&self) -> Option<&Message> {
        match self {
            Self::MessageCreated(message)
            | Self::MessageEdited(message)
            | Self::MessageDeleted(message)
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

/// A committed, numbered change of an account, as its person's connections are told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountEvent {
    /// Whose.
    pub account: UserId,
    /// The number that it follows: the one before its own, unless what came in between is said by later events.
    pub after: Number,
    /// Its number in the account.
    pub number: Number,
    /// On which connection of this node it was caused, if on one.
    pub origin: Option<ConnectionId>,
    /// What is true of it now.
    pub fact: AccountFact,
}

/// What is true now of one thing that belongs to an account. Being told it twice does no harm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccountFact {
    /// They are a member of this conversation. Its head is the number from which its events follow.
    ConversationAdded(Box<Listed>),
    /// They are a member of it no more.
    ConversationRemoved {
        /// Of what.
        conversation: ConversationId,
        /// Why.
        departure: Departure,
    },
    /// They took the conversation out of their list, where the next event of it brings it back.
    ConversationHidden {
        /// Which.
        conversation: ConversationId,
        /// Up to which number: told after it and before the next.
        at: Number,
    },
    /// Their profile is this.
    ProfileChanged(Box<Account>),
    /// They have begun to write this and not sent it.
    DraftSaved(Draft),
    /// There is no such draft any more.
    DraftDiscarded(DraftKey),
    /// They have asked for this reminder, or it is due.
    ReminderChanged(Reminder),
    /// They have no such reminder any more.
    ReminderRemoved(ReminderId),
}

impl AccountFact {
    /// The conversation that it is about, if it is about one.
    #[must_use]
    pub fn conversation(&self) -> Option<ConversationId> {
        match self {
            Self::ConversationAdded(listed) => Some(listed.conversation.id),
            Self::ConversationRemoved { conversation, .. } | Self::ConversationHidden { conversation, .. } => {
                Some(*conversation)
            }
            // A reminder stays where one is no member any more: nobody has to wait for anything of the conversation.
            Self::ProfileChanged(_) | Self::ReminderChanged(_) | Self::ReminderRemoved(_) => None,
            Self::DraftSaved(draft) => Some(draft.key.conversation),
            Self::DraftDiscarded(key) => Some(key.conversation),
        }
    }
}

/// A change without a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signal {
    /// To one connection that comes back with a cursor of a conversation to which its person does not belong.
    NotAMember(ConversationId),
    /// To the members (in large conversations to the person's own connections): somebody's marker moved.
    MarkerMoved {
        /// Where.
        conversation: ConversationId,
        /// The markers now.
        markers: Markers,
    },
    /// To the other members: somebody started or stopped writing.
    Typing {
        /// Where.
        conversation: ConversationId,
        /// Who.
        user: UserId,
        /// Their name.
        username: String,
        /// What they are called: see [`Account::shown_name`].
        shown_name: String,
        /// Started or stopped (by themselves, or because time ran out).
        typing: bool,
    },
    /// To those who share a conversation: somebody tells something else about themselves.
    CardChanged {
        /// Where both are members.
        conversation: ConversationId,
        /// Who, as others see them.
        account: Box<Account>,
    },
    /// To those who share a conversation: people came, went or changed their presence.
    PresenceChanged {
        /// Where both are members.
        conversation: ConversationId,
        /// Who, and how they are now shown.
        people: Vec<(UserId, String, Seen)>,
    },
}

/// A signal and those who are to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// To whom.
    pub to: Audience,
    /// What.
    pub signal: Signal,
}

/// Who is to be told of a [`Signal`]. Whether they may know is the hub's to check: only members listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// All connections of one person.
    User(UserId),
    /// All members of a conversation.
    Members(ConversationId),
    /// All members of a conversation but one.
    OtherMembers(ConversationId, UserId),
}

/// A change of an account that open connections must obey. Not shown to anybody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Revocation {
    /// The session is over: close its connections.
    SessionEnded {
        /// Whose.
        user: UserId,
        /// Which.
        session: SessionId,
    },
    /// All of the person's sessions but one are over.
    SessionsEnded {
        /// Whose.
        user: UserId,
        /// The one that goes on.
        except: Option<SessionId>,
    },
    /// The account was deactivated: close its connections.
    Deactivated(UserId),
    /// The account has another role on the server.
    RoleChanged {
        /// Whose.
        user: UserId,
        /// The role now.
        role: ServerRole,
    },
}

impl Revocation {
    /// Whose account it is about.
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

/// One thing to tell after a commit. What a commit tells is a list of these, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outgoing {
    /// A numbered change of a conversation. Those of one conversation stand in the order of their numbers.
    Event(Event),
    /// A numbered change of an account. Those of one account stand in the order of their numbers, after the changes of
    /// conversations that they name.
    Account(AccountEvent),
    /// A change without a number.
    Notice(Notice),
    /// What open connections must obey.
    Revocation(Revocation),
    /// Nobody knows whether a batch was committed: what it would tell has to be looked for.
    Doubt,
    /// The database has come back as another history: nothing that was told before is sure any more.
    NewHistory,
}
