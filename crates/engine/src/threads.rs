//! Threads: who follows which, how far they have read it, and that taking part is to follow.
//!
//! A reply is a message like any other (`messages.rs`). Whether somebody follows a thread concerns them alone, and has
//! the numbers of their account. A send numbers no account, so that taking part is noted by a job.

use chat::{
    AccountFact, Error, ErrorCode, Number, Reply, Result, Scope, UserId,
    messages::Message,
    notifications::{InThread, NotificationLevel},
    threads::{Followed, Following, ThreadKey, ThreadPosition},
};
use store::{
    Conn, Unit,
    jobs::{self, Job},
    threads,
};

use crate::{
    Call, Engine,
    access::Access,
    history::{cut, fitting, text_bytes},
};

impl Access {
    /// The message that a thread is about, deleted or not. One that the member does not see is not found, and neither
    /// is a reply, which has no thread of its own.
    pub(crate) async fn root(&self, conn: &mut Conn, root: Number) -> Result<Message> {
        let message = self.message(conn, root).await?;
        if message.thread.is_some() || (message.deleted_at.is_some() && message.summary.is_none()) {
            return Err(Error::not_found("thread"));
        }
        Ok(message)
    }
}

impl Call {
    /// Follows a thread, or stops. Who begins to follow has read what is there.
    pub(crate) async fn follow_thread(&self, key: ThreadKey, follows: bool) -> Result<Reply> {
        let (call, me) = (self.clone(), self.speaker.user);
        self.change(&[me.into()], move |unit| {
            Box::pin(async move {
                let access = call.access_in(&mut unit.conn, key.conversation).await?;
                let root = access.root(&mut unit.conn, key.root).await?;
                let before = threads::following(&mut unit.conn, me, key).await?;
                if follows && before.is_none_or(|before| !before.follows) {
                    call.require_room_to_follow(unit).await?;
                }
                let read = |root: &Message| root.summary.as_ref().and_then(|summary| summary.last_seq);
                let before = before.unwrap_or(Following {
                    key,
                    follows: false,
                    read_seq: read(&root).unwrap_or(key.root),
                    level: None,
                    rev: Number(0),
                });
                // Who stops following begins anew if they ever follow it again.
                let following = Following { follows, level: before.level.filter(|_| follows), ..before };
                // Whoever stops following what they do not follow is remembered all the same: taking part changes
                // nothing any more.
                if before == following && before.rev > Number(0) {
                    return Ok(Reply::Thread(before));
                }
                put(unit, me, following).await.map(Reply::Thread)
            })
        })
        .await
    }

    /// Says which replies of a thread notify, which a person follows.
    pub(crate) async fn set_thread_notifications(
        &self,
        key: ThreadKey,
        level: Option<NotificationLevel>,
    ) -> Result<Reply> {
        let (call, me) = (self.clone(), self.speaker.user);
        self.change(&[me.into()], move |unit| {
            Box::pin(async move {
                let access = call.access_in(&mut unit.conn, key.conversation).await?;
                access.root(&mut unit.conn, key.root).await?;
                match threads::following(&mut unit.conn, me, key).await? {
                    Some(before) if before.follows && before.level == level => Ok(Reply::Thread(before)),
                    Some(before) if before.follows => {
                        put(unit, me, Following { level, ..before }).await.map(Reply::Thread)
                    }
                    _ => Err(Error::new(ErrorCode::Conflict, "You do not follow this thread: follow it first.")),
                }
            })
        })
        .await
    }

    /// Notes how far a person has read a thread that they follow. It only moves forward.
    pub(crate) async fn read_thread(&self, key: ThreadKey, seq: Number) -> Result<Reply> {
        if seq.0 < 0 {
            return Err(Error::invalid("seq", "seq must not be negative."));
        }
        let (call, me) = (self.clone(), self.speaker.user);
        self.change(&[me.into()], move |unit| {
            Box::pin(async move {
                let access = call.access_in(&mut unit.conn, key.conversation).await?;
                access.root(&mut unit.conn, key.root).await?;
                // A place beyond the head would hide later replies.
                let seq = seq.min(access.conversation.head);
                match threads::following(&mut unit.conn, me, key).await? {
                    Some(before) if before.follows && before.read_seq < seq => {
                        put(unit, me, Following { read_seq: seq, ..before }).await.map(Reply::Thread)
                    }
                    Some(before) => Ok(Reply::Thread(before)),
                    None => Ok(Reply::Thread(Following { read_seq: seq, ..forgotten(key) })),
                }
            })
        })
        .await
    }

    async fn require_room_to_follow(&self, unit: &mut Unit) -> Result<()> {
        let most = self.settings.limits.followed_threads_per_user;
        if threads::how_many(&mut unit.conn, self.speaker.user).await? < most {
            return Ok(());
        }
        Err(Error::limit_reached(format!("You may follow at most {most} threads: stop following one first.")))
    }

    /// A page of the threads that the person follows, the one with the newest reply first.
    pub(crate) async fn threads(&self, unread: bool, after: Option<ThreadPosition>, limit: i64) -> Result<Reply> {
        let mut conn = self.db.read().await?;
        let limit = limit.clamp(1, self.settings.limits.list_page);
        let mut entries = threads::followed(&mut conn, self.speaker.user, unread, after, limit + 1).await?;
        let mut more = cut(&mut entries, limit).is_some();
        let keys: Vec<ThreadKey> = entries.iter().map(|entry| entry.following.key).collect();
        let mut roots = store::messages::these(&mut conn, &keys).await?;
        let text = |entry: &threads::FollowedEntry| roots.get(&entry.following.key).map_or(0, text_bytes);
        let fitting = fitting(&entries, self.settings.limits.queue_bytes, text);
        more |= fitting < entries.len();
        entries.truncate(fitting);
        let last = entries.last().filter(|_| more);
        let next = last.map(|last| ThreadPosition { last_at: last.last_at, key: last.following.key });
        let followed = |entry: threads::FollowedEntry| {
            let root = roots.remove(&entry.following.key)?;
            let threads::FollowedEntry { following, unread, counted_to, .. } = entry;
            Some(Followed { following, unread, counted_to, root })
        };
        Ok(Reply::Threads { threads: entries.into_iter().filter_map(followed).collect(), next })
    }
}

/// Stores what is new about a thread that somebody follows, under the next number of their account.
async fn put(unit: &mut Unit, user: UserId, following: Following) -> Result<Following> {
    let following = Following { rev: unit.next_number_of(user).await?, ..following };
    threads::follow(&mut unit.conn, user, &following).await?;
    unit.record_of(user, following.rev, AccountFact::ThreadFollowed(following)).await?;
    Ok(following)
}

/// Has those follow a thread who take part in it with a reply: its author, and whoever wrote the message that the thread
/// is about. Ends the job.
pub(crate) async fn follow_by_taking_part(engine: &Engine, job: Job) -> Result<()> {
    // Who is concerned must be known before the transaction begins. It never changes.
    let concerned = concerned(&mut *engine.inner.db.read().await?, job.subject).await?;
    let scopes: Vec<Scope> = concerned.iter().flat_map(|of| &of.people).map(|(user, _)| (*user).into()).collect();
    let most = engine.limits().followed_threads_per_user;
    let work = engine.inner.writer.change(&scopes, None, move |unit| {
        Box::pin(async move {
            if !jobs::finish(&mut unit.conn, &job).await? {
                return Ok(());
            }
            let Some(Concerned { key, people }) = concerned else { return Ok(()) };
            for (user, read_seq) in people {
                if takes_note(unit, user, key).await? && threads::how_many(&mut unit.conn, user).await? < most {
                    put(unit, user, Following { follows: true, read_seq, ..forgotten(key) }).await?;
                }
            }
            Ok(())
        })
    });
    work.await
}

/// Who takes part in a thread by a reply, each with the number up to which they know it.
struct Concerned {
    key: ThreadKey,
    people: Vec<(UserId, Number)>,
}

async fn concerned(conn: &mut Conn, reply: i64) -> Result<Option<Concerned>> {
    let Some(reply) = store::messages::by_id(conn, chat::MessageId(reply)).await? else { return Ok(None) };
    let Some(root) = reply.thread else { return Ok(None) };
    let key = ThreadKey { conversation: reply.conversation, root };
    let mut people = vec![(reply.author, reply.seq)];
    if let Some(root) = store::messages::one(conn, key.conversation, root).await? {
        people.extend(Some((root.author, root.seq)).filter(|(author, _)| *author != reply.author));
    }
    Ok(Some(Concerned { key, people }))
}

/// Whether taking part makes somebody follow a thread: they are a member who sees its root, and have not decided
/// themselves.
async fn takes_note(unit: &mut Unit, user: UserId, key: ThreadKey) -> Result<bool> {
    let found = store::members::membership(&mut unit.conn, key.conversation, user).await?;
    let sees = found.is_some_and(|found| key.root >= found.visible_from);
    Ok(sees && threads::following(&mut unit.conn, user, key).await?.is_none())
}

/// A person's relation to the thread in which a message stands; nothing if the message stands in none, or in the room
/// as well as in a thread that they do not follow.
pub(crate) async fn in_thread(conn: &mut Conn, user: UserId, message: &Message) -> Result<Option<InThread>> {
    let Some(root) = message.thread else { return Ok(None) };
    let key = ThreadKey { conversation: message.conversation, root };
    let followed = threads::following(conn, user, key).await?.filter(|following| following.follows);
    let not_followed = (!message.also_in_room).then_some(InThread::NotFollowed);
    Ok(followed.map(|following| InThread::Followed(following.level)).or(not_followed))
}

/// A thread that somebody has nothing to do with any more, for those who were away: they left its conversation.
pub(crate) fn forgotten(key: ThreadKey) -> Following {
    Following { key, follows: false, read_seq: Number(0), level: None, rev: Number(0) }
}
