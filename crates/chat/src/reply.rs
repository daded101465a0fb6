//! The answers to commands and queries.

use crate::{
    Number, UserId,
    accounts::Account,
    conversations::{Conversation, Listed},
    markers::Markers,
    members::Member,
    messages::{Message, Page, Sent},
    presence::Seen,
    query::ListPosition,
    reminders::Reminder,
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
    /// Who is here.
    Presence(Vec<(UserId, Seen)>),
    /// A reminder as it stands now.
    Reminder(Reminder),
    /// The speaker's reminders.
    Reminders(Vec<Reminder>),
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
