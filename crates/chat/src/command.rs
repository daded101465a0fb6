//! What people can ask the server to do. Every endpoint ends in one of these.

use crate::{
    ClientId, ConversationId, Millis, Number, ReminderId, SessionId, UserId,
    accounts::{ProfileChange, ServerRole},
    conversations::Visibility,
    drafts::DraftKey,
    markers::Marker,
    members::Role,
    messages::Submission,
    presence::Presence,
};

/// A change that somebody with an account asks for.
#[derive(Clone, PartialEq, Eq)]
pub enum Command {
    /// Say something. Answered with [`crate::Reply::Sent`].
    SendMessage(Submission),
    /// Change the text of an own message.
    EditMessage {
        /// Where.
        conversation: ConversationId,
        /// Which message.
        seq: Number,
        /// The new text.
        text: String,
    },
    /// Turn a message into a tombstone.
    DeleteMessage {
        /// Where.
        conversation: ConversationId,
        /// Which message.
        seq: Number,
    },
    /// Add an emoji to a message; repeating it changes nothing.
    AddReaction {
        /// Where.
        conversation: ConversationId,
        /// Which message.
        seq: Number,
        /// The emoji.
        emoji: String,
    },
    /// Take an own emoji back; repeating it changes nothing.
    RemoveReaction {
        /// Where.
        conversation: ConversationId,
        /// Which message.
        seq: Number,
        /// The emoji.
        emoji: String,
    },
    /// Move an own marker forward.
    MoveMarker {
        /// Where.
        conversation: ConversationId,
        /// Which marker.
        marker: Marker,
        /// Up to which number.
        seq: Number,
    },
    /// Be reminded of a message at a moment. If one already is to be, then at this moment instead.
    CreateReminder {
        /// Where.
        conversation: ConversationId,
        /// Which message.
        seq: Number,
        /// When.
        at: Millis,
    },
    /// Take an own reminder back, or dismiss one that is due; repeating it changes nothing.
    CancelReminder(ReminderId),
    /// Open a room.
    CreateRoom {
        /// Unique name.
        name: String,
        /// What it is about.
        topic: Option<String>,
        /// Public or private.
        visibility: Visibility,
        /// Makes a repeat harmless, as for a send.
        client_id: Option<ClientId>,
    },
    /// Bring a few people together.
    CreateGroup {
        /// A name, if it is to have one.
        name: Option<String>,
        /// Who else is in it.
        members: Vec<UserId>,
        /// Makes a repeat harmless, as for a send.
        client_id: Option<ClientId>,
    },
    /// Get the direct conversation with somebody, opening it if there is none.
    OpenDirect {
        /// The other person.
        user: UserId,
    },
    /// Enter a public room.
    JoinConversation(ConversationId),
    /// Leave a room or a group.
    LeaveConversation(ConversationId),
    /// Take a conversation out of one's own list until something happens in it. The others see nothing of it.
    HideConversation(ConversationId),
    /// Bring somebody into a room or group.
    AddMember {
        /// Where.
        conversation: ConversationId,
        /// Whom.
        user: UserId,
    },
    /// Put somebody out of a room or group.
    RemoveMember {
        /// Where.
        conversation: ConversationId,
        /// Whom.
        user: UserId,
    },
    /// Give a member another role.
    SetMemberRole {
        /// Where.
        conversation: ConversationId,
        /// Whom.
        user: UserId,
        /// The new role.
        role: Role,
    },
    /// Rename, describe, open or close a room or group. Absent fields stay.
    UpdateConversation {
        /// Where.
        conversation: ConversationId,
        /// The new name.
        name: Option<String>,
        /// The new topic; `Some(None)` clears it.
        topic: Option<Option<String>>,
        /// Public or private; rooms only.
        visibility: Option<Visibility>,
    },
    /// Keep what one has begun to write, for all of one's devices. Answered with [`crate::Reply::DraftSaved`].
    SaveDraft {
        /// Which.
        key: DraftKey,
        /// The text so far.
        text: String,
        /// The `seq` of the message that it will answer.
        parent: Option<Number>,
        /// The [`crate::drafts::Draft::rev`] of the draft from which this one was begun; 0 if from none.
        since: Number,
    },
    /// Drop a draft: it was sent, or is not wanted any more. Repeating it changes nothing.
    DiscardDraft(DraftKey),
    /// Change the own profile.
    UpdateProfile(ProfileChange),
    /// Change the own password; ends all other sessions.
    ChangePassword {
        /// The present password.
        current: String,
        /// The new one.
        new: String,
    },
    /// End one of one's own sessions.
    EndSession(SessionId),
    /// Give an account another server role. Administrators only.
    SetServerRole {
        /// Whom.
        user: UserId,
        /// The new role.
        role: ServerRole,
    },
    /// Deactivate an account or bring it back. Administrators only.
    SetActive {
        /// Whom.
        user: UserId,
        /// True brings it back.
        active: bool,
    },
    /// Be online, busy or invisible, on all of one's devices; or away, on the connection that asks, or on all if none does.
    SetPresence(Presence),
    /// Be so on the connection that asks: whoever has several is shown as on the most present one. Of a request it is
    /// the only connection of its session; where there are several, the request cannot mean one of them, and only that
    /// the person is online is heard.
    SetPresenceHere(Presence),
    /// Tell the others of a conversation that one is writing, or has stopped.
    Typing {
        /// Where.
        conversation: ConversationId,
        /// Started or stopped.
        typing: bool,
    },
}

impl Command {
    /// Whether it counts at the pace of messages: everybody in the conversation is told a text by it.
    #[must_use]
    pub fn is_paced_as_a_message(&self) -> bool {
        matches!(self, Self::SendMessage(_) | Self::EditMessage { .. })
    }
}

/// What somebody without an account, or before proving it, can ask for.
#[derive(Clone, PartialEq, Eq)]
pub enum Visit {
    /// Open an account. Answered with [`crate::Reply::Tokens`].
    Register(Box<crate::accounts::Registration>),
    /// Begin a session. Answered with [`crate::Reply::Tokens`].
    LogIn {
        /// Username or mail address.
        name: String,
        /// The password.
        password: String,
    },
    /// Trade a refresh token for a new pair. Answered with [`crate::Reply::Tokens`].
    Refresh {
        /// The token; it is used up.
        token: String,
    },
}
