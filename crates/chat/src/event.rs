//! What has happened, told to those who may know it.
//!
//! An [`Event`] is a durable change: it has a number and is told after its commit. A [`Signal`] is
//! everything else; it has no number, and what a reconnected client missed it can read fresh.

use crate::{
    ConnectionId, ConversationId, Millis, Number, SessionId, UserId,
    accounts::{Account, ServerRole},
    conversations::{Conversation, Listed},
    markers::Markers,
    members::{Departure, Member},
    messages::Message,
    presence::Seen,
};

/// A committed, numbered change of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Where it happened.
    pub conversation: ConversationId,
    /// Its number: the one after the previous event's of the same conversation.
    pub number: Number,
    /// Who did it.
    pub actor: UserId,
    /// On which connection of this node, if on one: some doors do not echo to it.
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
    /// The conversation was made; those in it are told by [`Signal::ConversationAdded`].
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

/// A change without a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signal {
    /// To a person's own connections: they are now a member of this conversation.
    ConversationAdded(Box<Listed>),
    /// To a person's own connections: they are a member no more.
    ConversationRemoved {
        /// Of what.
        conversation: ConversationId,
        /// Why.
        departure: Departure,
    },
    /// To a person's own connections: they took the conversation out of their list, where the next event of it
    /// brings it back.
    ConversationHidden {
        /// Which.
        conversation: ConversationId,
        /// Up to which number: told after it and before the next.
        at: Number,
    },
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
    /// To those who share a conversation: people came, went or changed their presence.
    PresenceChanged {
        /// Where both are members.
        conversation: ConversationId,
        /// Who, and how they are now shown.
        people: Vec<(UserId, String, Seen)>,
    },
    /// To a person's own connections: their profile changed.
    ProfileChanged(Box<Account>),
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
pub enum Order {
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

impl Order {
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
#[expect(clippy::large_enum_variant, reason = "nearly all are events; a box would cost an allocation for each message")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// A numbered change. Those of one conversation stand in the order of their numbers.
    Event(Event),
    /// A change without a number.
    Notice(Notice),
    /// What open connections must obey.
    Order(Order),
    /// Nobody knows whether a batch was committed: what it would tell has to be looked for.
    Doubt,
    /// The database has come back as another history: nothing that was told before is sure any more.
    NewHistory,
}
