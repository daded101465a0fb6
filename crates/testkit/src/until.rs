//! Waiting for what comes about by itself: on another node, by a worker, or by a follower.

use std::{
    fmt::Debug,
    time::{Duration, Instant},
};

/// Far longer than anything takes, on a busy machine too: only a test that fails waits so long.
const PATIENCE: Duration = Duration::from_secs(60);
/// The pause between two looks.
const PAUSE: Duration = Duration::from_millis(20);

/// Looks again and again until what is waited for is there, and returns it; until then the look says how it stands.
///
/// # Panics
/// If it does not come about, with how it stood last.
pub async fn until<T, E: Debug>(mut look: impl AsyncFnMut() -> Result<T, E>) -> T {
    let begin = Instant::now();
    loop {
        match look().await {
            Ok(there) => return there,
            Err(stands) => assert!(begin.elapsed() < PATIENCE, "after {PATIENCE:?} it is still {stands:?}"),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// The look of [`until`] at a value that is to become equal to another.
///
/// # Errors
/// The value, as long as it is different.
pub fn equal<T: PartialEq<U>, U: ?Sized>(found: T, wanted: &U) -> Result<T, T> {
    if found == *wanted { Ok(found) } else { Err(found) }
}
