//! Does the jobs that are due, a portion at a time, without waiting for the slow ones of the portion before.

use std::{panic::AssertUnwindSafe, time::Duration};

use chat::{Error, ErrorCode, Result};
use engine::{Due, Engine, Job, Lane};
use futures_util::FutureExt as _;
use tokio::{sync::watch, task::JoinSet};

/// How often is looked at least: jobs of other nodes' people become due without a word.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Jobs that are claimed at once. Their changes share the writer's batches with what people do.
const PORTION: usize = 10;
/// Jobs of a lane that may be under way: more than are claimed at once, so that those that are slow do not hold up those
/// that come after them. Whoever has a push service of their own decides how slow it is. Fewer than the requests that may
/// go out at the same time, for which they would wait otherwise while their time runs.
const UNDER_WAY: usize = 60;
/// A job may take this long, well within its lease.
const PATIENCE: Duration = Duration::from_secs(20);

/// Does the jobs of a lane until it is told to stop.
pub(crate) async fn work(engine: Engine, lane: Lane, mut stopped: watch::Receiver<bool>) {
    let mut under_way = JoinSet::new();
    loop {
        while under_way.try_join_next().is_some() {}
        let is_full = under_way.len() + PORTION > UNDER_WAY;
        let pause = match take_due(&engine, lane, &mut under_way, is_full).await {
            Ok(pause) => pause.min(LOOK_EVERY),
            Err(error) => {
                tracing::debug!(%error, "jobs cannot be looked for now");
                LOOK_EVERY
            }
        };
        tokio::select! {
            // An error would mean that nobody can stop it any more.
            _told = stopped.changed() => break,
            () = tokio::time::sleep(pause) => {}
            _done = under_way.join_next(), if is_full => {}
        }
    }
    while under_way.join_next().await.is_some() {}
}

/// Begins with a portion of what is due, if there is room for it; returns how long to wait for the next.
async fn take_due(engine: &Engine, lane: Lane, under_way: &mut JoinSet<()>, is_full: bool) -> Result<Duration> {
    if is_full {
        return Ok(LOOK_EVERY);
    }
    match engine.next_job(lane).await? {
        Due::Never => return Ok(LOOK_EVERY),
        Due::In(left) => return Ok(left),
        Due::Now => {}
    }
    let jobs = engine.claim_jobs(lane, i64::try_from(PORTION).unwrap_or(1)).await?;
    // Others are doing what is due, or it is of a kind that only they know.
    if jobs.is_empty() {
        return Ok(LOOK_EVERY);
    }
    for job in jobs {
        let engine = engine.clone();
        under_way.spawn(async move { attempt(&engine, job).await });
    }
    Ok(Duration::ZERO)
}

async fn attempt(engine: &Engine, job: Job) {
    let began = engine.now();
    // One that panics must be counted as tried, or it would come again for ever.
    let doing = AssertUnwindSafe(engine.do_job(job)).catch_unwind();
    let outcome = match tokio::time::timeout(PATIENCE, doing).await {
        Ok(done) => done.unwrap_or_else(|_| Err(Error::internal())),
        Err(_) => Err(Error::new(ErrorCode::Unavailable, "The job took too long.")),
    };
    let kind = job.kind.name();
    let Err(error) = outcome else {
        metrics::counter!("palabre_jobs_done_total", "kind" => kind).increment(1);
        let late = Duration::from_millis(u64::try_from(began.since(job.due_at)).unwrap_or(0));
        metrics::histogram!("palabre_job_lateness_seconds", "kind" => kind).record(late);
        return;
    };
    metrics::counter!("palabre_job_failures_total", "kind" => kind).increment(1);
    let (subject, tries) = (job.subject, job.tries);
    match engine.note_failed_job(job, &error).await {
        Ok(true) => {
            metrics::counter!("palabre_jobs_given_up_total", "kind" => kind).increment(1);
            tracing::error!(kind, subject, tries, %error, "a job was given up; palabre jobs lists it");
        }
        Ok(false) => tracing::warn!(kind, subject, tries, %error, "a job has failed and is tried again"),
        // It is tried again when its lease has run out.
        Err(noting) => tracing::warn!(kind, subject, tries, %error, %noting, "a job has failed"),
    }
}
