//! Statistics for administrators.

use std::{
    sync::Mutex,
    time::{Duration, Instant},
};

use chat::{Error, Result, accounts::Speaker, permission, statistics::Stored};

use crate::Engine;

/// For this long a count is reused: pages with statistics ask every few seconds, each for itself.
const FRESH: Duration = Duration::from_secs(5);

/// The last count, and its time.
#[derive(Default)]
pub(crate) struct Counted(Mutex<Option<(Instant, Stored)>>);

impl Counted {
    fn recent(&self) -> Option<Stored> {
        let last = *self.0.lock().ok()?;
        last.filter(|(at, _)| at.elapsed() < FRESH).map(|(_, kept)| kept)
    }

    fn keep(&self, kept: Stored) {
        if let Ok(mut last) = self.0.lock() {
            *last = Some((Instant::now(), kept));
        }
    }
}

impl Engine {
    /// The server's statistics. Stored things are counted at most every few seconds; what this process counts is
    /// always current.
    ///
    /// # Errors
    /// `forbidden` for all but administrators, or the store's.
    pub async fn statistics(&self, speaker: &Speaker) -> Result<Stored> {
        if !permission::may_administer(speaker.role) {
            return Err(Error::forbidden("Only administrators may see the server's statistics."));
        }
        let inner = &self.inner;
        let kept = match inner.counted.recent() {
            Some(kept) => kept,
            None => {
                let kept = store::statistics::kept(&inner.db).await?;
                inner.counted.keep(kept);
                kept
            }
        };
        let sent = i64::try_from(inner.writer.messages_sent()).unwrap_or(i64::MAX);
        Ok(Stored { messages_sent: sent, files_infected: inner.infected.count(), ..kept })
    }
}
