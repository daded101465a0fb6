//! Threads: how one asks for them and follows them, and how they are shown.

use chat::{
    Command, ConversationId, Error, Number, Query, notifications,
    threads::{self, Target, ThreadKey, ThreadPosition},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    fields::{self, Integer, NotificationLevel, Text, number},
    messages::Message,
    pages::{CURSOR_DIGITS, page_limit, strange_cursor},
};
use crate::{input::nullable, time::Time};

/// The place of a new message: absent says that the client knows no threads, 0 is the room.
pub(super) fn target(thread: Option<Integer>, also_in_room: bool) -> Result<Target, Error> {
    match thread {
        Some(Integer(root)) if root > 0 => Ok(Target::Thread { root: Number(root), also_in_room }),
        _ if also_in_room => {
            Err(Error::invalid("also_in_room", "also_in_room belongs to a reply in a thread: thread is missing."))
        }
        Some(_) => Ok(Target::Room),
        None => Ok(Target::Unaware),
    }
}

/// A thread, and whether to follow it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FollowThread {
    /// Where.
    conversation: Integer,
    /// The `seq` of the message that the thread is about.
    thread: Integer,
    /// Whether to follow it.
    follows: bool,
}

impl From<FollowThread> for Command {
    fn from(follow: FollowThread) -> Self {
        Self::FollowThread { key: key(follow.conversation, follow.thread), follows: follow.follows }
    }
}

/// A thread, and which of its replies notify.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SetThreadNotifications {
    /// Where.
    conversation: Integer,
    /// The `seq` of the message that the thread is about.
    thread: Integer,
    /// The replies that notify; null: as in its conversation.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<NotificationLevel>)]
    level: Option<Option<NotificationLevel>>,
}

impl SetThreadNotifications {
    pub(super) fn command(self) -> Result<Command, Error> {
        let level =
            self.level.ok_or_else(|| Error::invalid("level", "level is missing; null is as in its conversation."))?;
        let key = key(self.conversation, self.thread);
        Ok(Command::SetThreadNotifications { key, level: level.map(|level| level.0) })
    }
}

/// A thread, and how far it was read.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReadThread {
    /// Where.
    conversation: Integer,
    /// The `seq` of the message that the thread is about.
    thread: Integer,
    /// The last reply that was read.
    seq: Integer,
}

impl From<ReadThread> for Command {
    fn from(read: ReadThread) -> Self {
        Self::ReadThread { key: key(read.conversation, read.thread), seq: Number(read.seq.0) }
    }
}

fn key(conversation: Integer, thread: Integer) -> ThreadKey {
    ThreadKey { conversation: ConversationId(conversation.0), root: Number(thread.0) }
}

/// A page of the threads that the speaker follows.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ListThreads {
    /// Whether only those with unread replies are wanted.
    unread: Option<bool>,
    /// The previous page's `next_cursor`.
    cursor: Option<Text>,
    /// How many; 50 if absent.
    limit: Option<Integer>,
}

impl ListThreads {
    pub(super) fn query(self) -> Result<Query, Error> {
        let read = |Text(text): Text| position(&text).ok_or_else(strange_cursor);
        Ok(Query::Threads {
            unread: self.unread.unwrap_or_default(),
            after: self.cursor.map(read).transpose()?,
            limit: page_limit(self.limit)?,
        })
    }
}

/// The position that [`cursor_of`] wrote.
fn position(cursor: &str) -> Option<ThreadPosition> {
    let number = |text: &str| number(text).filter(|_| text.len() <= CURSOR_DIGITS);
    let mut numbers = cursor.split('-').map(number);
    let (last_at, conversation, root) = (numbers.next()??, numbers.next()??, numbers.next()??);
    let key = ThreadKey { conversation: ConversationId(conversation), root: Number(root) };
    numbers.next().is_none().then_some(ThreadPosition { last_at, key })
}

/// The end of a page of followed threads, as an opaque cursor.
pub(super) fn cursor_of(position: &ThreadPosition) -> String {
    format!("{}-{}-{}", position.last_at, position.key.conversation, position.key.root)
}

/// A thread, as the message shows it that it is about.
#[derive(Serialize, ToSchema)]
pub struct ThreadSummary<'a> {
    /// The `seq` of that message.
    root: i64,
    /// How many replies there are that are not deleted.
    replies: i64,
    /// The newest of them.
    last_seq: Option<i64>,
    /// When that was stored.
    #[schema(value_type = Option<fields::Moment>)]
    last_at: Option<Time>,
    /// The authors of the newest replies, the last one first; at most five.
    #[schema(value_type = Vec<i64>)]
    participants: People<'a>,
    /// The number of its last change.
    rev: i64,
}

/// People, by their ids.
struct People<'a>(&'a [chat::UserId]);

impl Serialize for People<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|user| user.0))
    }
}

impl<'a> From<&'a threads::Summary> for ThreadSummary<'a> {
    fn from(summary: &'a threads::Summary) -> Self {
        Self {
            root: summary.root.0,
            replies: summary.replies,
            last_seq: summary.last_seq.map(|seq| seq.0),
            last_at: summary.last_at.map(Time),
            participants: People(&summary.participants),
            rev: summary.rev.0,
        }
    }
}

/// Whether the speaker follows a thread, and how far they have read it.
#[derive(Serialize, ToSchema)]
pub struct Thread {
    /// Where.
    conversation: i64,
    /// The `seq` of the message that the thread is about.
    thread: i64,
    /// Whether they follow it.
    follows: bool,
    /// The number up to which they have read its replies.
    read_seq: i64,
    /// The replies that notify; `null`: as in its conversation.
    #[schema(value_type = Option<fields::NotificationLevel>)]
    level: Option<&'static str>,
    /// The `account_seq` of the last change of this; 0 if they have nothing to do with the thread.
    rev: i64,
}

impl From<&threads::Following> for Thread {
    fn from(following: &threads::Following) -> Self {
        Self {
            conversation: following.key.conversation.0,
            thread: following.key.root.0,
            follows: following.follows,
            read_seq: following.read_seq.0,
            level: following.level.map(notifications::NotificationLevel::name),
            rev: following.rev.0,
        }
    }
}

/// A thread that the speaker follows.
#[derive(Serialize, ToSchema)]
pub struct FollowedThread<'a> {
    #[serde(flatten)]
    thread: Thread,
    /// Replies of others after `read_seq`; 100 means "100 or more".
    unread: i64,
    /// The number of the thread's last change that `unread` includes.
    counted_to: i64,
    /// The message that the thread is about, with the thread's `summary`.
    message: Message<'a>,
}

impl<'a> From<&'a threads::Followed> for FollowedThread<'a> {
    fn from(followed: &'a threads::Followed) -> Self {
        Self {
            thread: Thread::from(&followed.following),
            unread: followed.unread,
            counted_to: followed.counted_to.0,
            message: Message::from(&followed.root),
        }
    }
}

/// A page of the threads that the speaker follows, the one with the newest reply first.
#[derive(Serialize, ToSchema)]
pub struct Threads<'a> {
    /// The threads.
    pub(crate) threads: Vec<FollowedThread<'a>>,
    /// Present if there are more: give it as `cursor`.
    pub(crate) next_cursor: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_was_written_and_others_are_refused() {
        let key = ThreadKey { conversation: ConversationId(12), root: Number(40) };
        let written = ThreadPosition { last_at: 1_735_732_800_000, key };
        assert_eq!(position(&cursor_of(&written)), Some(written));
        for strange in ["", "1-2", "1-2-3-4", "1-2-x", "-1-2-3", "1234567890123456-2-3", "1--3"] {
            assert_eq!(position(strange), None, "{strange}");
        }
    }
}
