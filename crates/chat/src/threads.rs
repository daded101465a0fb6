//! Threads: what is said about one message, apart from the rest of its conversation.
//!
//! A thread is the messages whose [`crate::messages::Message::thread`] is the `seq` of its root. They have numbers of
//! the conversation like all others, and stand in their thread only, or in the room as well.

use crate::{
    ConversationId, Millis, Number, UserId, messages::Message, notifications::NotificationLevel, people::NamesPeople,
};

/// The largest number of people that a summary names.
pub const PARTICIPANTS: usize = 5;

/// The key of a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, NamesPeople)]
pub struct ThreadKey {
    /// The conversation.
    pub conversation: ConversationId,
    /// The `seq` of the message that it is about.
    pub root: Number,
}

/// Where a new message is to stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, NamesPeople)]
pub enum Target {
    /// In the room, said by a client that knows no threads: what it answers decides. An answer to a reply of a thread
    /// joins that thread.
    #[default]
    Unaware,
    /// In the room, whatever it answers.
    Room,
    /// In a thread.
    Thread {
        /// The `seq` of the message that the thread is about.
        root: Number,
        /// Whether it is to stand in the room as well.
        also_in_room: bool,
    },
}

/// A thread as its root shows it.
#[derive(Clone, Debug, PartialEq, Eq, NamesPeople)]
pub struct Summary {
    /// The `seq` of the root.
    pub root: Number,
    /// The number of replies that are not deleted.
    pub replies: i64,
    /// The newest of them; none if all are deleted.
    pub last_seq: Option<Number>,
    /// When that was stored.
    pub last_at: Option<Millis>,
    /// Those who wrote the newest replies, the last one first; at most [`PARTICIPANTS`].
    pub participants: Vec<UserId>,
    /// The number of its last change: of a reply or of a reply's deletion.
    pub rev: Number,
}

impl Summary {
    /// A thread without replies.
    #[must_use]
    pub fn new(root: Number) -> Self {
        Self { root, replies: 0, last_seq: None, last_at: None, participants: Vec::new(), rev: root }
    }

    /// Adds a reply.
    pub fn add(&mut self, seq: Number, author: UserId, at: Millis) {
        self.replies += 1;
        (self.last_seq, self.last_at, self.rev) = (Some(seq), Some(at), seq);
        self.participants.retain(|one| *one != author);
        self.participants.insert(0, author);
        self.participants.truncate(PARTICIPANTS);
    }
}

/// Whether somebody follows a thread, and how far they have read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, NamesPeople)]
pub struct Following {
    /// The thread.
    pub key: ThreadKey,
    /// Whether they follow it.
    pub follows: bool,
    /// The number up to which they have read its replies.
    pub read_seq: Number,
    /// Which of its replies notify; absent: as in its conversation. Only who follows it has a level.
    pub level: Option<NotificationLevel>,
    /// The number of the last change of this in the person's account.
    pub rev: Number,
}

/// A thread that somebody follows, as their list shows it.
#[derive(Clone, Debug, PartialEq, Eq, NamesPeople)]
pub struct Followed {
    /// How far they have read it.
    pub following: Following,
    /// Replies of others after that, counted up to [`crate::limits::UNREAD_CAP`].
    pub unread: i64,
    /// The number of the thread's last change that the count includes.
    pub counted_to: Number,
    /// The message that it is about, with the thread's summary.
    pub root: Message,
}

/// The position at which a page of followed threads ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, NamesPeople)]
pub struct ThreadPosition {
    /// When the last thread's newest reply was stored, in milliseconds; 0 if it has none.
    pub last_at: i64,
    /// The last thread.
    pub key: ThreadKey,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_names_the_last_five_who_wrote_the_last_one_first() {
        let mut summary = Summary::new(Number(3));
        for (seq, author) in (4..).zip([1, 2, 3, 4, 5, 6, 2]) {
            summary.add(Number(seq), UserId(author), Millis(seq * 10));
        }
        assert_eq!((summary.replies, summary.last_seq, summary.rev), (7, Some(Number(10)), Number(10)));
        assert_eq!(summary.last_at, Some(Millis(100)));
        assert_eq!(summary.participants, [2, 6, 5, 4, 3].map(UserId));
    }
}
