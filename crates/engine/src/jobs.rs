//! Jobs: what is done after its cause was committed. A node's workers ask here what is due, claim it and have it done;
//! what a job means is in the file of its noun.

use std::time::Duration;

use chat::{Error, Millis, Result};
use store::{
    Unit,
    jobs::{Job, Kind},
};

use crate::{Engine, reminders};

/// When the next job is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// There is none.
    Never,
    /// After this time.
    In(Duration),
    /// Now, or before.
    Now,
}

/// The database's time in a transaction: a lease must mean the same to all nodes. The node's own on SQLite, which has
/// one node.
pub(crate) async fn now(unit: &mut Unit) -> Result<Millis> {
    Ok(store::clock::now(&mut unit.conn).await?.map_or(unit.now, Millis))
}

impl Engine {
    /// When the next job is due, on whichever node. Only reads.
    ///
    /// # Errors
    /// The store's.
    pub async fn next_job(&self) -> Result<Due> {
        let mut conn = self.inner.db.read().await?;
        let Some(due_at) = store::jobs::next(&mut conn).await? else { return Ok(Due::Never) };
        let now = store::clock::now(&mut conn).await?.map_or_else(|| self.now(), Millis);
        Ok(match u64::try_from(due_at.since(now)) {
            Ok(left) if left > 0 => Due::In(Duration::from_millis(left)),
            Ok(_) | Err(_) => Due::Now,
        })
    }

    /// Claims jobs that are due, at most so many: until their lease runs out they are this node's.
    ///
    /// # Errors
    /// The store's.
    pub async fn claim_jobs(&self, limit: i64) -> Result<Vec<Job>> {
        let work = self.inner.writer.change(&[], None, move |unit| {
            Box::pin(async move {
                let now = now(unit).await?;
                Ok(store::jobs::claim(&mut unit.conn, limit, now).await?)
            })
        });
        work.await
    }

    /// Does a job that was claimed. Its end is committed together with its effect, so that it has both or neither. Nothing
    /// is done if the claim has run out meanwhile, and another has been made or the job is gone.
    ///
    /// # Errors
    /// Why it could not be done: it is to be tried again.
    pub async fn do_job(&self, job: Job) -> Result<()> {
        match job.kind {
            Kind::Reminder => reminders::become_due(self, job).await,
        }
    }

    /// Notes that a claimed job could not be done. Whether it was given up: it is tried again otherwise.
    ///
    /// # Errors
    /// The store's; the job is then tried again when its lease has run out.
    pub async fn note_failed_job(&self, job: Job, error: &Error) -> Result<bool> {
        let code = error.code.name();
        let work = self.inner.writer.change(&[], None, move |unit| {
            Box::pin(async move {
                let now = now(unit).await?;
                Ok(store::jobs::fail(&mut unit.conn, &job, code, now).await?)
            })
        });
        work.await
    }
}
