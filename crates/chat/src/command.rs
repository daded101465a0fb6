//! Commands: the changes that clients can ask for. Every endpoint translates to these.

use crate::{
    ClientId, ConversationId, FileId, Millis, Number, PushDeviceId, ReminderId, SessionId, UserGroupId, UserId,
    accounts::{ProfileChange, ServerRole},
    avatars::AvatarOf,
    conversations::Visibility,
    drafts::DraftKey,
    files::Voice,
    inbox::InboxReading,
    markers::Marker,
    members::Role,
    messages::Submission,
    notifications::{NotificationChange, NotificationLevel},
    people::NamesPeople,
    presence::Presence,
    push_devices::NewPushDevice,
    threads::ThreadKey,
    uploads::NewUpload,
};

/// A change that an authenticated speaker asks for.
#[derive(Clone, PartialEq, Eq, NamesPeople)]
pub enum Command {
    /// Send a message. Answered with [`crate::Reply::Sent`].
    SendMessage(Submission),
    /// Change the text of one's own message.
    EditMessage {
        /// The conversation.
        conversation: ConversationId,
        /// The message.
        seq: Number,
        /// The new text.
        text: String,
    },
    /// Turn a message into a tombstone.
    DeleteMessage {
        /// The conversation.
        conversation: ConversationId,
        /// The message.
        seq: Number,
    },
    /// Add an emoji to a message; repeating it changes nothing.
    AddReaction {
        /// The conversation.
        conversation: ConversationId,
        /// The message.
        seq: Number,
        /// The emoji.
        emoji: String,
    },
    /// Remove one's own reaction; repeating it changes nothing.
    RemoveReaction {
        /// The conversation.
        conversation: ConversationId,
        /// The message.
        seq: Number,
        /// The emoji.
        emoji: String,
    },
    /// Take the preview of its link off a message; repeating it changes nothing. Answered with
    /// [`crate::Reply::Message`].
    RemovePreview {
        /// The conversation.
        conversation: ConversationId,
        /// The message.
        seq: Number,
    },
    /// Move one's own marker forward.
    MoveMarker {
        /// The conversation.
        conversation: ConversationId,
        /// The marker.
        marker: Marker,
        /// The number to move it to.
        seq: Number,
    },
    /// Remove an own file that no message holds yet; repeating it changes nothing.
    RemoveFile(FileId),
    /// Begin to upload a file in parts.
    BeginUpload(NewUpload),
    /// Say how far an own upload has come. One whose bytes have all come and that is no file yet becomes one.
    CheckUpload(FileId),
    /// Give an own upload up, or the file that it has become while no message holds it.
    RemoveUpload(FileId),
    /// Say of an own recording that no message holds yet that it is a voice message. Answered with [`crate::Reply::File`].
    SetVoice {
        /// The recording.
        file: FileId,
        /// How long it is and what it looks like.
        voice: Voice,
    },
    /// Show another picture of somebody or something, or none. Answered with [`crate::Reply::Account`],
    /// [`crate::Reply::User`] or [`crate::Reply::Conversation`]; of the server there is nothing to add.
    SetAvatar {
        /// Whose.
        of: AvatarOf,
        /// A picture that the speaker has uploaded and nothing holds yet; none takes the picture away.
        picture: Option<FileId>,
    },
    /// Add a custom emoji. Server moderators and administrators only. Answered with [`crate::Reply::Emoji`].
    AddEmoji {
        /// Its name, which no other has.
        name: String,
        /// A picture that the speaker has uploaded and nothing holds yet.
        picture: FileId,
    },
    /// Remove a custom emoji by its name; repeating it changes nothing. Server moderators and administrators only.
    RemoveEmoji(String),
    /// Move one's own read markers of all conversations to their ends, and remove all marks of unread conversations.
    ReadAll,
    /// Mark a conversation as unread from a message on, on all of one's devices, until one reads on. The read marker,
    /// which others see, stays. Answered with [`crate::Reply::Conversation`].
    MarkUnread {
        /// The conversation.
        conversation: ConversationId,
        /// The message.
        seq: Number,
    },
    /// Change what notifies in a conversation. Absent fields stay. Answered with [`crate::Reply::Conversation`].
    SetConversationNotifications {
        /// The conversation.
        conversation: ConversationId,
        /// Which messages notify; `Some(None)`: the level of its kind.
        level: Option<Option<NotificationLevel>>,
        /// Nothing notifies before this moment; `Some(None)` ends the mute.
        muted_until: Option<Option<Millis>>,
    },
    /// Change what notifies everywhere. Answered with [`crate::Reply::Notifications`].
    SetNotifications(NotificationChange),
    /// Follow a thread, or stop. Answered with [`crate::Reply::Thread`].
    FollowThread {
        /// The thread.
        key: ThreadKey,
        /// Whether to follow it.
        follows: bool,
    },
    /// Say which replies of a thread that one follows notify. Answered with [`crate::Reply::Thread`].
    SetThreadNotifications {
        /// The thread.
        key: ThreadKey,
        /// Which of them; absent: as in its conversation.
        level: Option<NotificationLevel>,
    },
    /// Note how far one has read a thread that one follows. Answered with [`crate::Reply::Thread`].
    ReadThread {
        /// The thread.
        key: ThreadKey,
        /// The number up to which everything was read.
        seq: Number,
    },
    /// Set a reminder of a message; an existing one for the message is moved.
    CreateReminder {
        /// The conversation.
        conversation: ConversationId,
        /// The message.
        seq: Number,
        /// When it becomes due.
        at: Millis,
    },
    /// Remove one's own reminder, due or not; repeating it changes nothing.
    CancelReminder(ReminderId),
    /// Tell the speaker on this browser from now on, in place of what their session had subscribed before. Answered with
    /// [`crate::Reply::PushDevice`].
    AddPushDevice(Box<NewPushDevice>),
    /// Tell the speaker on this device no longer; repeating it changes nothing.
    RemovePushDevice(PushDeviceId),
    /// Save a message, to find it again; repeating it changes nothing. Answered with [`crate::Reply::SavedMessage`].
    SaveMessage {
        /// The conversation.
        conversation: ConversationId,
        /// The message.
        seq: Number,
    },
    /// Take a message off one's saved ones; repeating it changes nothing.
    UnsaveMessage {
        /// The conversation.
        conversation: ConversationId,
        /// The message.
        seq: Number,
    },
    /// Open a room.
    CreateRoom {
        /// Unique name.
        name: String,
        /// Its subject.
        topic: Option<String>,
        /// Public or private.
        visibility: Visibility,
        /// Makes a repeat harmless, as for a send.
        client_id: Option<ClientId>,
    },
    /// Open a group.
    CreateGroup {
        /// Its name, if it has one.
        name: Option<String>,
        /// The other members.
        members: Vec<UserId>,
        /// Makes a repeat harmless, as for a send.
        client_id: Option<ClientId>,
    },
    /// Get the direct conversation with somebody; it is opened if there is none.
    OpenDirect {
        /// The other person.
        user: UserId,
    },
    /// Join a public room.
    JoinConversation(ConversationId),
    /// Leave a room or a group.
    LeaveConversation(ConversationId),
    /// Hide a conversation from one's own list until something happens in it. Others do not notice.
    HideConversation(ConversationId),
    /// Add somebody to a room or group.
    AddMember {
        /// The conversation.
        conversation: ConversationId,
        /// The person.
        user: UserId,
    },
    /// Remove somebody from a room or group.
    RemoveMember {
        /// The conversation.
        conversation: ConversationId,
        /// The person.
        user: UserId,
    },
    /// Give a member another role.
    SetMemberRole {
        /// The conversation.
        conversation: ConversationId,
        /// The member.
        user: UserId,
        /// The new role.
        role: Role,
    },
    /// Change a room's or group's name, topic or visibility, whether it keeps earlier texts of edited messages,
    /// or whether its messages get previews. Absent fields stay.
    UpdateConversation {
        /// The conversation.
        conversation: ConversationId,
        /// The new name.
        name: Option<String>,
        /// The new topic; `Some(None)` clears it.
        topic: Option<Option<String>>,
        /// Public or private; rooms only.
        visibility: Option<Visibility>,
        /// Whether earlier texts of edited messages are kept from now on; false removes those that there are.
        edit_history: Option<bool>,
        /// Whether new messages get previews of their links.
        previews: Option<bool>,
    },
    /// Save a draft for all of one's devices. Answered with [`crate::Reply::DraftSaved`].
    SaveDraft {
        /// The draft.
        key: DraftKey,
        /// The text so far.
        text: String,
        /// The `seq` of the message that it replies to.
        parent: Option<Number>,
        /// The [`crate::drafts::Draft::rev`] of the draft that this one was begun from; 0 if there was none.
        since: Number,
    },
    /// Discard a draft that was sent or is not wanted any more. Repeating it changes nothing.
    DiscardDraft(DraftKey),
    /// Mark something in one's own inbox as read. Answered with [`crate::Reply::InboxRead`].
    ReadInbox(InboxReading),
    /// Make a user group. Server moderators and administrators only. Answered with [`crate::Reply::UserGroup`].
    CreateUserGroup {
        /// Its name, which no other group and no person has.
        name: String,
        /// The people.
        people: Vec<UserId>,
    },
    /// Give a user group another name. Server moderators and administrators only.
    RenameUserGroup {
        /// The group.
        group: UserGroupId,
        /// The new name.
        name: String,
    },
    /// Remove a user group; repeating it changes nothing. Server moderators and administrators only.
    DeleteUserGroup(UserGroupId),
    /// Put people into a user group. Server moderators and administrators only.
    AddToUserGroup {
        /// The group.
        group: UserGroupId,
        /// The people.
        people: Vec<UserId>,
    },
    /// Take people out of a user group. Server moderators and administrators only.
    RemoveFromUserGroup {
        /// The group.
        group: UserGroupId,
        /// The people.
        people: Vec<UserId>,
    },
    /// Change one's own profile.
    UpdateProfile(ProfileChange),
    /// Change one's own password; ends all other sessions.
    ChangePassword {
        /// The present password.
        current: String,
        /// The new one.
        new: String,
    },
    /// Give the own account another mail address, or none. One logs in by it, so the password is asked for.
    /// Answered with [`crate::Reply::Account`].
    ChangeEmail {
        /// The present password.
        current: String,
        /// The new address, which others may name as well.
        email: Option<String>,
    },
    /// End one of one's own sessions.
    EndSession(SessionId),
    /// Give an account another server role. Administrators only.
    SetServerRole {
        /// The account.
        user: UserId,
        /// The new role.
        role: ServerRole,
    },
    /// Deactivate an account or bring it back. Administrators only.
    SetActive {
        /// The account.
        user: UserId,
        /// True activates it again.
        active: bool,
    },
    /// Be online, busy or invisible, on all of one's devices; or away, on the connection that asks, or on all if none does.
    SetPresence(Presence),
    /// Be so on the connection that asks: whoever has several is shown as on the most present one. Of a request it is
    /// the only connection of its session; where there are several, the request cannot mean one of them, and only that
    /// the person is online is heard.
    SetPresenceHere(Presence),
    /// Say that the person is doing something on the connection that asks. Where all connections that have ever said so
    /// have been silent for a while, the person is shown as away.
    ShowActivity,
    /// Tell the others of a conversation that one is writing, or has stopped.
    Typing {
        /// The conversation.
        conversation: ConversationId,
        /// The `seq` of the message in whose thread one writes; absent in the room.
        thread: Option<Number>,
        /// Started or stopped.
        typing: bool,
    },
}

impl Command {
    /// Whether it counts against the rate of messages: those commands publish a text to the whole conversation.
    #[must_use]
    pub fn is_paced_as_a_message(&self) -> bool {
        matches!(self, Self::SendMessage(_) | Self::EditMessage { .. })
    }
}

/// A request of a client that is not authenticated.
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
