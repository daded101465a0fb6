//! Sees when somebody is to be told on their devices: whenever this node has committed messages, it has it decided who.
//! Other nodes see their own commits themselves; those that nobody has seen, because a node has died, are found when
//! everything is looked at.

use std::time::{Duration, Instant};

use engine::Engine;
use tokio::sync::watch;

/// Messages of this time are noted together.
const APART: Duration = Duration::from_millis(250);
/// How often everything is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(300);
/// How often it is counted what waits, at least.
const COUNT_EVERY: Duration = Duration::from_secs(10);
/// After a failure.
const PAUSE: Duration = Duration::from_secs(1);

/// Watches until it is told to stop.
pub(crate) async fn watch(engine: Engine, mut stopped: watch::Receiver<bool>) {
    let mut looked_at: Option<Instant> = None;
    let mut counted_at: Option<Instant> = None;
    loop {
        if counted_at.is_none_or(|at| at.elapsed() >= COUNT_EVERY) {
            counted_at = Some(Instant::now());
            count(&engine).await;
        }
        let all = looked_at.is_none_or(|at| at.elapsed() >= LOOK_EVERY);
        let looked = look(&engine, all).await;
        match &looked {
            Ok(()) if all => looked_at = Some(Instant::now()),
            Ok(()) => {}
            Err(error) => {
                tracing::debug!(%error, "who is to be told on devices cannot be seen now");
                // The notes are lost by now.
                looked_at = None;
            }
        }
        tokio::select! {
            // An error would mean that nobody can stop it any more.
            _told = stopped.changed() => return,
            () = rest(&engine, looked.is_ok()) => {}
        }
    }
}

/// Waits until there may be something to see again.
async fn rest(engine: &Engine, all_is_well: bool) {
    if !all_is_well {
        return tokio::time::sleep(PAUSE).await;
    }
    tokio::time::sleep(APART).await;
    tokio::select! {
        () = engine.message_commits() => {}
        () = tokio::time::sleep(COUNT_EVERY) => {}
    }
}

/// How far behind telling is, whichever node is to do it.
async fn count(engine: &Engine) {
    let Ok(Some((waiting, lag))) = engine.waiting_pushes().await else { return };
    metrics::gauge!("palabre_pushes_waiting").set(waiting as f64);
    metrics::gauge!("palabre_push_lag_seconds").set(lag as f64 / 1_000.0);
}

async fn look(engine: &Engine, all: bool) -> chat::Result<()> {
    if all {
        let devices = engine.sweep_push_devices().await?;
        metrics::gauge!("palabre_push_devices").set(devices as f64);
    }
    engine.decide_pushes(all).await
}
