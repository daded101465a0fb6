//! A store of files that goes away between any two steps, alone or with the server.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use blobs::{Blobs, Error, Folder, Reading, Result, Work, Writing};
use chat::FileId;

/// The part that goes away at the chosen step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goes {
    /// The store, which stays away.
    Store,
    /// The whole process, at once: nothing that it holds is given back or written.
    Process,
}

/// A folder that goes away at a certain step: where a blob is begun, written, finished, opened or removed.
#[derive(Clone)]
pub struct Breaking {
    /// The folder.
    pub folder: Folder,
    /// Steps that are still begun, that at which it goes away among them.
    left: Arc<AtomicUsize>,
    /// Whether that step is still done, and only not answered.
    is_done: bool,
    goes: Goes,
}

impl Breaking {
    /// A folder at this path that goes away at this step, counted from 1.
    #[must_use]
    pub fn at(path: &Path, step: usize, is_done: bool, goes: Goes) -> Self {
        Self { folder: Folder::at(path), left: Arc::new(AtomicUsize::new(step)), is_done, goes }
    }

    /// Whether it has not come to that step.
    #[must_use]
    pub fn is_there(&self) -> bool {
        self.left.load(Ordering::Relaxed) > 0
    }

    /// Does a step, unless it has gone away.
    async fn step<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        match self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)) {
            Ok(1) if self.is_done => work.await.and(self.go()),
            Ok(left) if left > 1 => work.await,
            _ => self.go(),
        }
    }

    #[expect(clippy::disallowed_methods, reason = "what is under way must not be finished")]
    fn go<T>(&self) -> Result<T> {
        if self.goes == Goes::Process {
            std::process::exit(9);
        }
        gone()
    }

    /// Does what is no step of a file's life; not if it has gone away.
    async fn beside<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        if self.is_there() { work.await } else { gone() }
    }
}

fn gone<T>() -> Result<T> {
    Err(Error::Unavailable("it has gone away".into()))
}

impl Blobs for Breaking {
    fn begin(&self, id: FileId) -> Work<'_, Box<dyn Writing>> {
        Box::pin(async move {
            let inner = self.step(self.folder.begin(id)).await?;
            Ok(Box::new(Breakable { breaking: self.clone(), inner }) as _)
        })
    }

    fn open(&self, id: FileId) -> Work<'_, Box<dyn Reading>> {
        Box::pin(self.step(self.folder.open(id)))
    }

    fn remove(&self, id: FileId) -> Work<'_, ()> {
        Box::pin(self.step(self.folder.remove(id)))
    }

    fn list(&self, after: Option<FileId>, older_than: Duration, limit: usize) -> Work<'_, Vec<FileId>> {
        Box::pin(self.beside(self.folder.list(after, older_than, limit)))
    }

    fn sweep_unfinished(&self, older_than: Duration) -> Work<'_, usize> {
        Box::pin(self.beside(self.folder.sweep_unfinished(older_than)))
    }
}

struct Breakable {
    breaking: Breaking,
    inner: Box<dyn Writing>,
}

impl Writing for Breakable {
    fn write(&mut self, bytes: Vec<u8>) -> Work<'_, ()> {
        let Self { breaking, inner } = self;
        Box::pin(breaking.step(inner.write(bytes)))
    }

    fn written(&mut self) -> Work<'_, Box<dyn Reading>> {
        let Self { breaking, inner } = self;
        Box::pin(breaking.step(inner.written()))
    }

    fn finish(self: Box<Self>) -> Work<'static, ()> {
        let Self { breaking, inner } = *self;
        Box::pin(async move { breaking.step(inner.finish()).await })
    }
}
