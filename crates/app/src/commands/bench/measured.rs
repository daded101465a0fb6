//! The part of a run that is measured, of requests in a closed loop.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::{Duration, Instant},
};

use anyhow::Result;

use super::{Common, histogram::Histogram, report::Report, server::usage};

/// When it begins and ends, and what was answered.
#[derive(Default)]
pub struct Measured {
    span: Option<(Instant, Instant)>,
    answers: AtomicU64,
    refused: AtomicU64,
    times: Histogram,
}

impl Measured {
    /// Begins after the warm-up.
    pub fn after_warm_up(common: &Common) -> Self {
        let start = Instant::now() + Duration::from_secs(common.warm_up);
        Self { span: Some((start, start + Duration::from_secs(common.seconds))), ..Self::default() }
    }

    /// Whether there is nothing more to be asked.
    pub fn is_over(&self) -> bool {
        self.span.is_none_or(|(_, end)| Instant::now() >= end)
    }

    /// Notes an answer to what was asked at this moment.
    pub fn answered(&self, asked: Instant) {
        self.answers.fetch_add(1, Relaxed);
        if self.span.is_some_and(|(start, end)| asked >= start && Instant::now() < end) {
            self.times.record(u64::try_from(asked.elapsed().as_micros()).unwrap_or(u64::MAX));
        }
    }

    /// Notes a refusal.
    pub fn refused(&self) {
        self.refused.fetch_add(1, Relaxed);
    }

    /// Waits until it is over, and puts into a report what the server did meanwhile.
    ///
    /// # Errors
    /// If the server's process cannot be looked at.
    pub async fn wait(&self, common: &Common, report: &mut Report) -> Result<()> {
        let Some((start, end)) = self.span else { return Ok(()) };
        report.remember("before", usage(&common.server_pid)?);
        tokio::time::sleep_until(start.into()).await;
        let (before, answers_before) = (usage(&common.server_pid)?, self.answers.load(Relaxed));
        tokio::time::sleep_until(end.into()).await;
        let (after, answers) = (usage(&common.server_pid)?, self.answers.load(Relaxed) - answers_before);
        report.seconds = (end - start).as_secs_f64();
        report.requests_per_second = Some(answers as f64 / report.seconds);
        report.server_cpu_seconds = before.zip(after).map(|(before, after)| after.cpu_seconds - before.cpu_seconds);
        report.requests_per_cpu_second = report.server_cpu_seconds.map(|cpu| answers as f64 / cpu.max(0.01));
        report.remember("after", after);
        Ok(())
    }

    /// Puts the times of the answers into a report, once everybody who asks has ended.
    pub fn tell(&self, report: &mut Report) {
        report.request = self.times.percentiles();
        report.refused = self.refused.load(Relaxed);
    }
}
