//! The work that waits to be written, and how much of it is written together.

use std::collections::HashSet;

use chat::{ConnectionId, Scope};
use tokio::sync::mpsc;

use super::{Answer, Append, Closure, Settled};

/// Writes that may wait; more are held back before.
pub(super) const QUEUE: usize = 8_192;
/// Writes that one transaction takes at most. Not more, so that under load one batch is answered and
/// asks again while the next is committed, instead of all waiting for the same commit.
const BATCH: usize = 128;

pub(super) enum Job {
    Append(Append),
    Change { scopes: Vec<Scope>, origin: Option<ConnectionId>, work: Closure, refuse: Answer },
}

impl Job {
    /// The scopes that it numbers, as far as they exist already.
    pub(super) fn scopes(&self) -> impl Iterator<Item = Scope> + '_ {
        let (sent, declared) = match self {
            Self::Append(append) => (Some(Scope::Conversation(append.message.submission.conversation)), &[][..]),
            Self::Change { scopes, .. } => (None, &scopes[..]),
        };
        sent.into_iter().chain(declared.iter().copied())
    }

    pub(super) fn into_refusal(self) -> Settled {
        match self {
            Self::Append(append) => {
                Box::new(move |failure| (append.done)(Err(failure.unwrap_or_else(chat::Error::internal))))
            }
            Self::Change { refuse, .. } => refuse,
        }
    }
}

/// The work that waits to be written.
pub(super) struct Queue {
    pub(super) jobs: mpsc::Receiver<Job>,
    /// The work that came too late for the last batch, and is the first of the next.
    pub(super) left: Option<Job>,
}

impl Queue {
    /// All that has piled up, or else the next that comes; nothing once nobody can write any more.
    pub(super) async fn next(&mut self) -> Vec<Job> {
        let mut batch = Vec::with_capacity(BATCH);
        match self.left.take() {
            None => {
                let _count = self.jobs.recv_many(&mut batch, BATCH).await;
            }
            Some(left) => {
                batch.push(left);
                while batch.len() < BATCH
                    && let Ok(job) = self.jobs.try_recv()
                {
                    batch.push(job);
                }
            }
        }
        batch
    }

    /// Adds what has come while the rows of a batch were waited for, as far as it changes no others. Where several
    /// nodes write into one conversation this makes their batches large: each gathers while another commits.
    pub(super) fn join_in(&mut self, batch: &mut Vec<Job>) {
        let locked: HashSet<Scope> = batch.iter().flat_map(Job::scopes).collect();
        while batch.len() < BATCH
            && let Ok(job) = self.jobs.try_recv()
        {
            if job.scopes().any(|scope| !locked.contains(&scope)) {
                // All stays in the order in which it came.
                self.left = Some(job);
                return;
            }
            batch.push(job);
        }
    }
}

#[cfg(test)]
mod tests {
    use chat::ConversationId;

    use super::*;

    fn job(conversation: Option<i64>) -> Job {
        Job::Change {
            scopes: conversation.map(|id| Scope::Conversation(ConversationId(id))).into_iter().collect(),
            origin: None,
            work: Box::new(|_| Box::pin(async { Err(chat::Error::internal()) })),
            refuse: Box::new(|_| {}),
        }
    }

    fn places(batch: &[Job]) -> Vec<Option<i64>> {
        let place = |scope| match scope {
            Scope::Conversation(id) => id.0,
            Scope::Account(id) => -id.0,
        };
        batch.iter().map(|job| job.scopes().map(place).next()).collect()
    }

    #[tokio::test]
    async fn a_batch_takes_in_what_comes_meanwhile_up_to_the_first_that_is_elsewhere() {
        let (sender, jobs) = mpsc::channel(QUEUE);
        let mut queue = Queue { jobs, left: None };
        let send = |conversation| assert!(sender.try_send(job(conversation)).is_ok());
        send(Some(1));
        send(Some(2));
        let mut batch = queue.next().await;
        [Some(2), None, Some(1), Some(3), Some(1)].into_iter().for_each(send);
        queue.join_in(&mut batch);
        assert_eq!(places(&batch), [Some(1), Some(2), Some(2), None, Some(1)]);
        assert_eq!(places(&queue.next().await), [Some(3), Some(1)], "in the order in which they came");
    }

    #[tokio::test]
    async fn no_batch_grows_beyond_its_size() {
        let (sender, jobs) = mpsc::channel(QUEUE);
        let mut queue = Queue { jobs, left: Some(job(Some(1))) };
        (0..2 * BATCH).for_each(|_| assert!(sender.try_send(job(Some(1))).is_ok()));
        let mut batch = queue.next().await;
        assert_eq!(batch.len(), BATCH);
        queue.join_in(&mut batch);
        assert_eq!(batch.len(), BATCH);
    }
}
