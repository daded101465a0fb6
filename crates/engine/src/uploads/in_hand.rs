//! Which uploads a request of this node has in hand. There is one at a time; who comes next has probably lost its line,
//! and the one before waits in vain: it is asked to keep what has come, and to end.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use chat::{Error, ErrorCode, FileId, Result};
use tokio::sync::{Notify, watch};

/// How long the next one waits for the one before.
const PATIENCE: Duration = Duration::from_secs(5);
/// How soon an upload that is in hand may be tried again, in milliseconds.
const SOON: i64 = 1_000;

/// The uploads that are in hand.
#[derive(Default)]
pub(crate) struct InHand(Arc<Mutex<HashMap<FileId, Arc<Holder>>>>);

struct Holder {
    /// Rings when another request comes for the upload.
    asked: Notify,
    /// Ends when the upload is free.
    over: watch::Receiver<()>,
}

/// Has an upload in hand until it is dropped.
pub(super) struct Hold {
    all: Arc<Mutex<HashMap<FileId, Arc<Holder>>>>,
    id: FileId,
    holder: Arc<Holder>,
    _over: watch::Sender<()>,
}

impl InHand {
    /// Takes an upload, from whoever has it.
    ///
    /// # Errors
    /// `locked` if it is not given back in time.
    pub(super) async fn enter(&self, id: FileId) -> Result<Hold> {
        self.enter_within(id, PATIENCE).await
    }

    async fn enter_within(&self, id: FileId, patience: Duration) -> Result<Hold> {
        let until = tokio::time::Instant::now() + patience;
        loop {
            let before = match self.take(id) {
                Ok(hold) => return Ok(hold),
                Err(before) => before,
            };
            before.asked.notify_one();
            let mut over = before.over.clone();
            if tokio::time::timeout_at(until, over.changed()).await.is_err() {
                let detail = "Another request has this upload in hand; try again.";
                return Err(Error { retry_after_ms: Some(SOON), ..Error::new(ErrorCode::Locked, detail) });
            }
        }
    }

    fn take(&self, id: FileId) -> std::result::Result<Hold, Arc<Holder>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = all.get(&id) {
            return Err(before.clone());
        }
        let (sender, over) = watch::channel(());
        let holder = Arc::new(Holder { asked: Notify::new(), over });
        all.insert(id, holder.clone());
        Ok(Hold { all: self.0.clone(), id, holder, _over: sender })
    }
}

impl Hold {
    /// Returns when another request wants the upload.
    pub(super) fn is_asked_for(&self) -> impl Future<Output = ()> + Send + use<> {
        let holder = self.holder.clone();
        async move { holder.asked.notified().await }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        // Those who wait are told after this, when the sender is dropped.
        self.all.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_next_one_asks_the_one_before_to_end_and_waits_for_it() {
        let (in_hand, id) = (InHand::default(), FileId::of([1; 16]));
        let first = in_hand.enter(id).await.unwrap();
        assert!(in_hand.enter(FileId::of([2; 16])).await.is_ok(), "others are free");
        let refused = in_hand.enter_within(id, Duration::from_millis(20)).await.map(|_| ()).unwrap_err();
        assert_eq!((refused.code, refused.retry_after_ms), (ErrorCode::Locked, Some(SOON)));
        first.is_asked_for().await;
        let (second, ()) = tokio::join!(in_hand.enter(id), async { drop(first) });
        drop(second.unwrap());
        assert!(in_hand.enter(id).await.is_ok());
    }
}
