//! What people can ask to see. A query changes nothing.

use crate::{ConversationId, MessageId, Number, UserId, messages::Anchor};

/// A question by somebody with an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Query {
    /// The speaker's own account.
    Me,
    /// The speaker's own sessions.
    Sessions,
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
        /// How many.
        limit: i64,
    },
    /// The public profiles of these people; ids that are nobody's are left out, and so is who is known already.
    UsersById {
        /// Whose.
        users: Vec<UserId>,
        /// The [`crate::accounts::Account::rev`] that is known of each, in the same order; empty if none is.
        revs: Vec<Number>,
    },
    /// Accounts, deactivated ones too. Administrators only.
    Accounts {
        /// Beginning of the username, the mail address, or the display, first or last name; empty for all.
        search: String,
        /// Continue after this id.
        after: Option<UserId>,
        /// How many.
        limit: i64,
    },
    /// The speaker's conversations, most recently active first.
    Conversations {
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
    /// One conversation, as one of its members sees it.
    Conversation(ConversationId),
    /// A public room or one of the speaker's own, by its name.
    RoomByName(String),
    /// The speaker's direct conversation with somebody, if there is one. Asking opens none.
    DirectWith(UserId),
    /// The members of a conversation.
    Members {
        /// Where.
        conversation: ConversationId,
        /// Continue after this account.
        after: Option<UserId>,
        /// How many.
        limit: i64,
    },
    /// What a member may do in a conversation, and why.
    Abilities {
        /// Where.
        conversation: ConversationId,
        /// Who.
        user: UserId,
    },
    /// The members' read and delivered markers.
    Markers(ConversationId),
    /// A page of messages.
    History {
        /// Where.
        conversation: ConversationId,
        /// Which part.
        anchor: Anchor,
        /// How many.
        limit: i64,
    },
    /// One message.
    Message {
        /// Where.
        conversation: ConversationId,
        /// Which.
        seq: Number,
    },
    /// One message, by its id alone.
    MessageById(MessageId),
    /// A part of the messages that are not deleted, newest first, for those who page by counting. Live
    /// conversations move under such pages: our own endpoint pages by place ([`Query::History`]).
    Timeline {
        /// Where.
        conversation: ConversationId,
        /// How many of the newest to leave out.
        offset: i64,
        /// How many; at most [`crate::Limits::timeline_page`].
        limit: i64,
    },
    /// Everything that has changed since a number.
    CatchUp {
        /// Where.
        conversation: ConversationId,
        /// The last number that the asker has seen.
        since: Number,
    },
    /// The speaker's own reminders, by their moments.
    Reminders {
        /// Only those that are due, or only those that are not; all if absent.
        due: Option<bool>,
    },
    /// Everything of the speaker's account that has changed since a number of it.
    AccountChanges {
        /// The last number that the asker has seen.
        since: Number,
    },
    /// The speaker's drafts.
    Drafts,
    /// Messages that the speaker may see, newest first.
    Search {
        /// What is looked for, as it was typed: see [`crate::search::parse`].
        q: String,
        /// How many minutes the asker's clock is ahead of UTC, for its days.
        utc_offset: i64,
        /// In this conversation only.
        conversation: Option<ConversationId>,
        /// Older than this message.
        before: Option<MessageId>,
        /// How many.
        limit: i64,
    },
    /// Who is here, of these people.
    Presence(Vec<UserId>),
}

/// Where a page of the conversation list ended.
///
/// The list is read in two passes, so that nothing is missed that moves up between two pages: first downwards by time
/// of last activity; then, by id, what was active after the first page had been read.
#[derive(Clone, PartialEq, Eq)]
pub struct ListPosition {
    /// The last conversation's time of last activity, in milliseconds; absent in the second pass.
    pub active_at: Option<i64>,
    /// The last conversation.
    pub conversation: ConversationId,
    /// The second pass is of what was active after this, in milliseconds.
    pub horizon: i64,
    /// What the first pass has listed of that already.
    pub listed: Vec<ConversationId>,
}

impl ListPosition {
    /// The horizon of a list that has no second pass.
    pub const NO_HORIZON: i64 = crate::MAX_SAFE_INTEGER;
}

/// Says no more than there is: a position without a second pass is a time and a conversation.
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
