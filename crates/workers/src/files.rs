//! Sweeps the store of files: what nobody needs there is removed, an hour after it was found for the first time.

use std::time::Duration;

use engine::{Engine, Swept};
use tokio::sync::watch;

/// Between two sweeps.
const EVERY: Duration = Duration::from_secs(3_600);
/// A younger file may belong to an upload that is under way.
const AGE: Duration = Duration::from_secs(86_400);

/// Sweeps until it is told to stop.
pub(crate) async fn sweep(engine: Engine, mut stopped: watch::Receiver<bool>) {
    loop {
        match engine.sweep_files(AGE).await {
            Ok(Swept { unfinished: 0, removed: 0, suspected: 0 }) => {}
            Ok(Swept { unfinished, removed, suspected }) => {
                tracing::info!(unfinished, removed, suspected, "the store of files was swept");
            }
            Err(error) => tracing::warn!(%error, "the store of files cannot be swept now"),
        }
        tokio::select! {
            // An error would mean that nobody can stop it any more.
            _told = stopped.changed() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}
