//! Jobs: work that is done after its cause was committed. A node's workers ask here what is due, claim it and have it
//! done; the work of a job is in the file of its noun.

use std::time::Duration;

use chat::{Error, Millis, Result};
use store::{
    Unit,
    jobs::{Job, Kind},
};

use crate::{Engine, files, push_devices, reminders, threads, uploads};

/// Which jobs are done one beside the other: whoever waits for somebody else's server must not hold up what is done here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Jobs that need nobody else.
    Here,
    /// Jobs that wait for the store of files, which may be a bucket.
    Files,
    /// Jobs that wait for the pages behind links.
    Pages,
    /// Jobs that wait for the push services of people's devices.
    Devices,
}

impl Lane {
    fn of(kind: Kind) -> Self {
        match kind {
            Kind::Reminder | Kind::Follow | Kind::Push => Self::Here,
            Kind::File | Kind::Upload => Self::Files,
            Kind::Preview => Self::Pages,
            Kind::PushDevice => Self::Devices,
        }
    }

    fn kinds(self) -> Vec<Kind> {
        Kind::ALL.iter().copied().filter(|kind| Self::of(*kind) == self).collect()
    }
}

/// When the next job is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// There is no job.
    Never,
    /// After this time from now.
    In(Duration),
    /// Now, or earlier.
    Now,
}

/// The database's time in a transaction, because a lease must mean the same to all nodes. On SQLite, which has one
/// node, that node's time.
pub(crate) async fn now(unit: &mut Unit) -> Result<Millis> {
    Ok(store::clock::now(&mut unit.conn).await?.map_or(unit.now, Millis))
}

impl Engine {
    /// When the next job of a lane is due, on any node. Only reads.
    ///
    /// # Errors
    /// The store's.
    pub async fn next_job(&self, lane: Lane) -> Result<Due> {
        let mut conn = self.inner.db.read().await?;
        let Some(due_at) = store::jobs::next(&mut conn, &lane.kinds()).await? else { return Ok(Due::Never) };
        let now = store::clock::now(&mut conn).await?.map_or_else(|| self.now(), Millis);
        Ok(match u64::try_from(due_at.since(now)) {
            Ok(left) if left > 0 => Due::In(Duration::from_millis(left)),
            Ok(_) | Err(_) => Due::Now,
        })
    }

    /// Claims at most `limit` jobs of a lane that are due: they are this node's until their lease runs out.
    ///
    /// # Errors
    /// The store's.
    pub async fn claim_jobs(&self, lane: Lane, limit: i64) -> Result<Vec<Job>> {
        let work = self.inner.writer.change(&[], None, move |unit| {
            Box::pin(async move {
                let now = now(unit).await?;
                Ok(store::jobs::claim(&mut unit.conn, &lane.kinds(), limit, now).await?)
            })
        });
        work.await
    }

    /// Does a claimed job. Its end is committed together with its effect: both or neither. Nothing is done if the claim
    /// has run out and another was made, or the job is gone.
    ///
    /// # Errors
    /// The reason why it could not be done: it must be tried again.
    pub async fn do_job(&self, job: Job) -> Result<()> {
        match job.kind {
            Kind::Reminder => reminders::become_due(self, job).await,
            Kind::File => files::tend(self, job).await,
            Kind::Upload => uploads::tend(self, job).await,
            Kind::Follow => threads::follow_by_taking_part(self, job).await,
            // Whoever does it looks at the page first.
            Kind::Preview => self.keep_no_preview(job).await,
            Kind::Push => push_devices::decide(self, job).await,
            Kind::PushDevice => push_devices::tell(self, job).await,
        }
    }

    /// Records that a claimed job has failed. True if it was given up; otherwise it will be tried again.
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
