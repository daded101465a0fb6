//! Does the jobs that are due, one portion after another.

use std::time::Duration;

use chat::{Error, ErrorCode, Result};
use engine::{Due, Engine, Job, Lane};
use futures_util::future::join_all;
use tokio::sync::watch;

/// How often is looked at least: jobs of other nodes' people become due without a word.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Jobs that are claimed at once. Their changes share the writer's batches with what people do.
const PORTION: i64 = 50;
/// A job may take this long, well within its lease.
const PATIENCE: Duration = Duration::from_secs(20);

/// Does the jobs of a lane until it is told to stop.
pub(crate) async fn work(engine: Engine, lane: Lane, mut stopped: watch::Receiver<bool>) {
    loop {
        let pause = match do_due(&engine, lane).await {
            Ok(pause) => pause.min(LOOK_EVERY),
            Err(error) => {
                tracing::debug!(%error, "jobs cannot be looked for now");
                LOOK_EVERY
            }
        };
        tokio::select! {
            // An error would mean that nobody can stop it any more.
            _told = stopped.changed() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Does a portion of what is due; returns how long to wait for the next.
async fn do_due(engine: &Engine, lane: Lane) -> Result<Duration> {
    match engine.next_job(lane).await? {
        Due::Never => return Ok(LOOK_EVERY),
        Due::In(left) => return Ok(left),
        Due::Now => {}
    }
    let jobs = engine.claim_jobs(lane, PORTION).await?;
    // Others are doing what is due, or it is of a kind that only they know.
    if jobs.is_empty() {
        return Ok(LOOK_EVERY);
    }
    join_all(jobs.into_iter().map(|job| attempt(engine, job))).await;
    Ok(Duration::ZERO)
}

async fn attempt(engine: &Engine, job: Job) {
    let began = engine.now();
    let done = tokio::time::timeout(PATIENCE, engine.do_job(job)).await;
    let outcome = done.unwrap_or_else(|_| Err(Error::new(ErrorCode::Unavailable, "The job took too long.")));
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
