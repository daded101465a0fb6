//! Queries: what clients can ask for without changing anything.

use crate::{
    ConversationId, FileId, MessageId, Number, UserGroupId, UserId,
    inbox::InboxPlace,
    messages::{Anchor, View},
    people::NamesPeople,
    search::{Order, SearchCursor},
    threads::ThreadPosition,
};

/// A query of an authenticated speaker.
#[derive(Clone, Debug, PartialEq, Eq, NamesPeople)]
pub enum Query {
    /// The speaker's own account.
    Me,
    /// The speaker's own sessions.
    Sessions,
    /// A file that the speaker may read.
    File(FileId),
    /// An address that opens a file for the speaker's session for some minutes.
    FileLink(FileId),
    /// Somebody's public profile.
    User(UserId),
    /// Somebody's public profile, by name.
    UserByName(String),
    /// People whose name begins with `prefix`.
    Users {
        /// Beginning of the username or display name; empty for all.
        prefix: String,
        /// Continue after this id.
        after: Option<UserId>,
        /// The largest number of entries.
        limit: i64,
    },
    /// The public profiles of these people. Unknown ids are left out, and so are profiles that the client knows
    /// already.
    UsersById {
        /// The accounts.
        users: Vec<UserId>,
        /// The [`crate::accounts::Account::rev`] that the client knows of each, in the same order; empty if it knows
        /// none.
        revs: Vec<Number>,
    },
    /// Accounts, deactivated ones too. Administrators only.
    Accounts {
        /// Beginning of the username, the mail address, or the display, first or last name; empty for all.
        search: String,
        /// Continue after this id.
        after: Option<UserId>,
        /// The largest number of entries.
        limit: i64,
    },
    /// The speaker's conversations, most recently active first.
    Conversations {
        /// Continue after this position.
        after: Option<ListPosition>,
        /// How many.
        limit: i64,
    },
    /// Those of the speaker's conversations that they have hidden, most recently active first.
    HiddenConversations {
        /// Continue after this position.
        after: Option<ListPosition>,
        /// How many.
        limit: i64,
    },
    /// Public rooms, by name.
    Discover {
        /// Beginning of the name; empty for all.
        prefix: String,
        /// Continue after this name.
        after: Option<String>,
        /// How many.
        limit: i64,
    },
    /// The public room of this id, as [`Query::Discover`] shows it; none if there is no such room.
    PublicRoom(ConversationId),
    /// One conversation, as one of its members sees it.
    Conversation(ConversationId),
    /// A public room or one of the speaker's own, by name.
    RoomByName(String),
    /// The speaker's direct conversation with somebody, if there is one. It is not opened.
    DirectWith(UserId),
    /// The members of a conversation.
    Members {
        /// The conversation.
        conversation: ConversationId,
        /// Continue after this account.
        after: Option<UserId>,
        /// The largest number of entries.
        limit: i64,
    },
    /// A member's abilities in a conversation, with the reasons.
    Abilities {
        /// The conversation.
        conversation: ConversationId,
        /// The member.
        user: UserId,
    },
    /// The members' read and delivered markers.
    Markers(ConversationId),
    /// A page of messages.
    History {
        /// The conversation.
        conversation: ConversationId,
        /// The messages.
        view: View,
        /// The part.
        anchor: Anchor,
        /// The largest number of messages.
        limit: i64,
    },
    /// One message.
    Message {
        /// The conversation.
        conversation: ConversationId,
        /// The message.
        seq: Number,
    },
    /// The earlier texts of an edited message, the last one first. Answered with [`crate::Reply::Versions`].
    Versions {
        /// The conversation.
        conversation: ConversationId,
        /// The message.
        seq: Number,
        /// Replaced before this number.
        before: Option<Number>,
        /// The largest number of entries.
        limit: i64,
    },
    /// One message, by its id alone.
    MessageById(MessageId),
    /// A part of the messages that are not deleted, newest first, for clients that page by offset. New messages shift
    /// such pages: the native endpoint pages by number ([`Query::History`]).
    Timeline {
        /// The conversation.
        conversation: ConversationId,
        /// The number of newest messages to skip.
        offset: i64,
        /// The largest number of messages; at most [`crate::Limits::timeline_page`].
        limit: i64,
    },
    /// Everything that has changed since a number.
    CatchUp {
        /// The conversation.
        conversation: ConversationId,
        /// The last number that the client has seen.
        since: Number,
    },
    /// The speaker's own notification settings.
    Notifications,
    /// Whether a message notifies the speaker at this moment, and why or why not.
    ExplainNotification {
        /// The conversation.
        conversation: ConversationId,
        /// The message.
        seq: Number,
    },
    /// The threads that the speaker follows, the one with the newest reply first.
    Threads {
        /// Only those with unread replies.
        unread: bool,
        /// Continue after this position.
        after: Option<ThreadPosition>,
        /// How many.
        limit: i64,
    },
    /// The speaker's own reminders, in the order of their times.
    Reminders {
        /// Only those that are due, or only those that are not; all if absent.
        due: Option<bool>,
    },
    /// The devices on which the speaker is told, and the server's key.
    PushDevices,
    /// The messages that the speaker has saved, the last one first.
    SavedMessages {
        /// Saved before this number of the account.
        before: Option<Number>,
        /// The largest number of entries.
        limit: i64,
        /// Whether the messages themselves are wanted.
        messages: bool,
    },
    /// The changes of the speaker's account after a number.
    AccountChanges {
        /// The last number that the client has seen.
        since: Number,
    },
    /// The speaker's drafts.
    Drafts,
    /// Messages that the speaker may see.
    Search {
        /// The search as it was typed: see [`crate::search::parse`].
        q: String,
        /// How many minutes the asker's clock is ahead of UTC, for its days.
        utc_offset: i64,
        /// In this conversation only.
        conversation: Option<ConversationId>,
        /// In which order.
        order: Order,
        /// Where the page before ended.
        after: Option<SearchCursor>,
        /// How many.
        limit: i64,
    },
    /// The speaker's own inbox, newest first.
    Inbox {
        /// Older than this; the newest if absent.
        before: Option<InboxPlace>,
        /// Whether the threads that the speaker follows are wanted as well, each by its newest reply of others.
        threads: bool,
        /// How many.
        limit: i64,
    },
    /// How many people a text would reach.
    Reach {
        /// The conversation.
        conversation: ConversationId,
        /// The text.
        text: String,
    },
    /// The user groups of the server.
    UserGroups {
        /// The number that the asker knows: if nothing has changed since, the groups are not told again.
        rev: Option<Number>,
    },
    /// The custom emoji of the server.
    Emoji {
        /// The number that the asker knows: if nothing has changed since, the emoji are not told again.
        rev: Option<Number>,
    },
    /// A user group with its people.
    UserGroup(UserGroupId),
    /// Suggestions for the end of a search that somebody is typing.
    CompleteSearch {
        /// The search, up to where one types.
        q: String,
        /// How many suggestions.
        limit: i64,
    },
    /// Who is here, of these people.
    Presence(Vec<UserId>),
}

/// The position at which a page of the conversation list ended.
///
/// The list is read in two passes, so that conversations which move up between two pages are not missed: first
/// downwards by time of last activity; then, by id, those that were active after the first page was read.
#[derive(Clone, PartialEq, Eq, NamesPeople)]
pub struct ListPosition {
    /// The last conversation's time of last activity, in milliseconds; absent in the second pass.
    pub active_at: Option<i64>,
    /// The last conversation.
    pub conversation: ConversationId,
    /// The second pass has the conversations that were active after this time, in milliseconds.
    pub horizon: i64,
    /// Conversations of the second pass that the first pass has listed already.
    pub listed: Vec<ConversationId>,
}

impl ListPosition {
    /// The horizon of a list that has no second pass.
    pub const NO_HORIZON: i64 = crate::MAX_SAFE_INTEGER;
}

/// Shows a position without a second pass as a time and a conversation only.
impl std::fmt::Debug for ListPosition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct("ListPosition");
        if let Some(active_at) = &self.active_at {
            shown.field("active_at", active_at);
        }
        shown.field("conversation", &self.conversation);
        if self.horizon != Self::NO_HORIZON {
            shown.field("horizon", &self.horizon).field("listed", &self.listed);
        }
        shown.finish()
    }
}
