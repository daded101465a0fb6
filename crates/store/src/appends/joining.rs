//! Sends that join a thread: whether they may, and what becomes of the thread.

use std::collections::HashMap;

use chat::{
    ConversationId, Error as Refusal, Millis, Number,
    policies::{Ability, Grant},
    threads::{Summary, Target, ThreadKey},
};

use super::{Checked, rights};
use crate::{
    Result, Unit,
    threads::{self, Looked, Reply},
    writer::NewMessage,
};

/// The state of a thread after a reply.
pub(super) struct InThread {
    pub also_in_room: bool,
    /// The thread's summary with the reply.
    pub summary: Summary,
    /// Whether somebody is to follow the thread by taking part.
    pub is_news: bool,
}

/// A thread that a send is to join.
pub(super) struct Joining {
    root: Number,
    also_in_room: bool,
    /// Whether its sender asked for it; otherwise it answers a reply, and knows no threads.
    pub is_wanted: bool,
    looked: Looked,
}

impl Joining {
    /// Whether the author sees the message that the thread is about, and there can be replies to it.
    pub fn is_open_to(&self, row: &Checked) -> bool {
        row.visible_from.is_some_and(|from| self.root.0 >= from) && self.looked.is_open()
    }

    /// The reply with this number; the thread's summary has it from here on, also for the next one of the batch.
    pub fn reply(
        self,
        append: &NewMessage,
        (number, at): (Number, Millis),
        threads: &mut HashMap<(i64, i64), Summary>,
    ) -> InThread {
        let (author, key) = (append.author.user, (append.submission.conversation.0, self.root.0));
        let summary = threads.entry(key).or_insert_with(|| self.looked.summary(self.root));
        summary.add(number, author, at);
        let (also_in_room, is_news) = (self.also_in_room, self.looked.is_new_to(author));
        InThread { also_in_room, summary: summary.clone(), is_news }
    }
}

fn no_root() -> Refusal {
    let detail = "thread must be the seq of a message of the conversation that is no reply in a thread itself.";
    Refusal::invalid("thread", detail)
}

/// Looks at the threads that the sends of a batch are to join, if any; by the places of the sends.
pub(super) async fn join(unit: &mut Unit, run: &[NewMessage], rows: &[Checked]) -> Result<HashMap<usize, Joining>> {
    let (mut places, mut replies) = (Vec::new(), Vec::new());
    for (index, (append, row)) in run.iter().zip(rows).enumerate() {
        let (root, also_in_room, is_wanted) = match (append.submission.target, row.parent_thread) {
            (Target::Thread { root, also_in_room }, _) => (root, also_in_room, true),
            (Target::Unaware, Some(root)) => (Number(root), false, false),
            (Target::Unaware | Target::Room, _) => continue,
        };
        replies.push(Reply { c: append.submission.conversation.0, s: root.0, u: append.author.user.0 });
        places.push((index, root, also_in_room, is_wanted));
    }
    if replies.is_empty() {
        return Ok(HashMap::new());
    }
    let mut looked = threads::look(&mut unit.conn, &replies).await?;
    mend(unit, &replies, &mut looked).await?;
    let joined = places.into_iter().zip(looked);
    Ok(joined
        .map(|((index, root, also_in_room, is_wanted), looked)| {
            (index, Joining { root, also_in_room, is_wanted, looked })
        })
        .collect())
}

/// Makes those summaries anew that are not those of their replies. The first reply of a thread after a start looks at
/// it; the number of that reply is then the summary's, so that everybody is told.
async fn mend(unit: &mut Unit, replies: &[Reply], looked: &mut [Looked]) -> Result<()> {
    let unknown = unit.heads.unknown_threads(replies.iter().map(|reply| (reply.c, reply.s)));
    if unknown.is_empty() {
        return Ok(());
    }
    for (conversation, root) in threads::wrong(&mut unit.conn, &unknown).await? {
        let key = ThreadKey { conversation: ConversationId(conversation), root: Number(root) };
        let summary = threads::anew(&mut unit.conn, key, key.root).await?;
        tracing::error!(conversation, root, "the summary of a thread was made anew of its replies");
        for (_, looked) in
            replies.iter().zip(&mut *looked).filter(|(reply, _)| (reply.c, reply.s) == (conversation, root))
        {
            looked.mend(&summary)?;
        }
        unit.heads.mended_thread();
    }
    unit.heads.remember_threads(unknown);
    Ok(())
}

/// Refuses unless the author may say this there: in the room, in a thread, or in both.
pub(super) fn require(
    append: &NewMessage,
    row: &Checked,
    role: &str,
    joining: Option<&Joining>,
    now: Millis,
) -> std::result::Result<(), Refusal> {
    let mut rights = rights(append, row, role);
    if joining.is_none_or(|joining| joining.also_in_room) {
        rights.require(Ability::Post, now)?;
    }
    let Some(Joining { looked, .. }) = joining else { return Ok(()) };
    rights.grants.extend(grant(Ability::ReplyInThreads, looked.given, looked.ends_at));
    rights.require(Ability::ReplyInThreads, now)?;
    joining.is_none_or(|joining| joining.is_open_to(row)).then_some(()).ok_or_else(no_root)
}

pub(super) fn grant(ability: Ability, given: Option<i64>, ends_at: Option<i64>) -> Option<Grant> {
    given.map(|given| Grant { ability, given: given == 1, ends_at: ends_at.map(Millis) })
}

/// The thread that was asked for, if one was. What joins one by what it answers has said nothing more than that.
pub(super) fn asked(append: &NewMessage) -> impl Iterator<Item = u8> {
    let asked = match append.submission.target {
        Target::Unaware | Target::Room => None,
        Target::Thread { root, also_in_room } => Some((root, also_in_room)),
    };
    asked.into_iter().flat_map(|(root, also_in_room)| root.0.to_le_bytes().into_iter().chain([u8::from(also_in_room)]))
}
