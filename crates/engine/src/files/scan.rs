//! Has a scanner look at an upload before anybody can read it.

use std::sync::atomic::{AtomicI64, Ordering};

use blobs::{Writing, scanner::Verdict};
use chat::{Error, ErrorCode, FileId, Result};

use super::note;
use crate::Call;

/// How soon an upload may be tried again that could not be scanned, in milliseconds.
const LATER: i64 = 30_000;

/// How many files were found infected since this process was started.
#[derive(Default)]
pub(crate) struct Infected(AtomicI64);

impl Infected {
    pub(crate) fn count(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Call {
    /// Has what was written scanned, if there is a scanner.
    ///
    /// # Errors
    /// `file_infected`; `too_large` for the scanner; `unavailable` if it is away and nothing is accepted unscanned.
    pub(super) async fn scan(&self, id: FileId, writing: &mut dyn Writing) -> Result<()> {
        let files = self.files()?;
        let Some(scanner) = &files.scanner else { return Ok(()) };
        let written = writing.written().await.inspect_err(note)?;
        match scanner.judge(written).await {
            Ok(Verdict::Clean) => Ok(()),
            Ok(Verdict::Infected(name)) => {
                self.infected.0.fetch_add(1, Ordering::Relaxed);
                metrics::counter!("palabre_files_infected_total").increment(1);
                tracing::warn!(file = %id, user = self.speaker.user.0, name, "an infected file was refused");
                // The malware's name may help them to clean their machine.
                let name: String = name.chars().filter(|c| c.is_ascii_graphic()).take(100).collect();
                let detail =
                    format!("The scanner of this server says that the file does harm ({name}); it was not kept.");
                Err(Error::new(ErrorCode::FileInfected, detail))
            }
            Ok(Verdict::TooLarge) => {
                tracing::warn!(file = %id, "a file is larger than the scanner takes: raise its StreamMaxLength");
                let detail = "The file is larger than the scanner of this server takes.";
                Err(Error::new(ErrorCode::TooLarge, detail))
            }
            Err(why) => {
                metrics::counter!("palabre_files_unscanned_total").increment(1);
                if files.accept_unscanned {
                    tracing::warn!(file = %id, why, "a file was accepted unscanned");
                    return Ok(());
                }
                tracing::warn!(file = %id, why, "a file could not be scanned, and was refused");
                let detail = "Files cannot be scanned at the moment, and are not accepted meanwhile; try again later.";
                Err(Error { retry_after_ms: Some(LATER), ..Error::new(ErrorCode::Unavailable, detail) })
            }
        }
    }
}
