//! Looks for bytes that no file has: of uploads whose row was never committed. They are removed at the second sweep that
//! finds them; one alone may have looked at a moment at which the row was still to come.

use std::{collections::HashSet, sync::Mutex, time::Duration};

use chat::{FileId, Result};

use crate::Engine;

/// Blobs that are looked at together.
const PAGE: usize = 500;
/// Blobs without a row that may be found beside as many with one. Where there are many more, the folder is another
/// server's, or the database is not the one to which it belongs.
const STRAY: usize = 100;
/// Blobs without a row that are remembered until the next sweep.
const REMEMBERED: usize = 100_000;

/// Blobs that were without a row at the last sweep.
#[derive(Default)]
pub(crate) struct Suspects(Mutex<HashSet<FileId>>);

/// The findings of a sweep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Remains of uploads that were broken off, which are removed.
    pub unfinished: usize,
    /// Blobs without a row that are removed.
    pub removed: usize,
    /// Blobs without a row that are removed at the next sweep if they still have none.
    pub suspected: usize,
}

impl Engine {
    /// Removes what is left of uploads that were broken off so long ago, and blobs of that age which have had no row at
    /// the last sweep either.
    ///
    /// # Errors
    /// The store's, or those of the store of files.
    pub async fn sweep_files(&self, age: Duration) -> Result<Swept> {
        let Ok(files) = self.inner.files() else { return Ok(Swept::default()) };
        let unfinished = files.blobs.sweep_unfinished(age).await?;
        let (mut known, mut orphans, mut last) = (0, HashSet::new(), None);
        loop {
            let page = files.blobs.list(last, age, PAGE).await?;
            last = page.last().copied();
            if page.is_empty() || orphans.len() >= REMEMBERED {
                break;
            }
            let rows = store::files::known_blobs(&mut *self.inner.db.read().await?, &page).await?;
            known += rows.len();
            orphans.extend(page.into_iter().filter(|id| !rows.contains(id)));
        }
        if orphans.len() > known + STRAY {
            tracing::error!(
                unknown = orphans.len(),
                known,
                "most files in the folder are not this database's; none is removed: is data.files another server's?"
            );
            return Ok(Swept { unfinished, removed: 0, suspected: orphans.len() });
        }
        let suspects = self.inner.suspects.exchange(HashSet::new());
        let (twice, once): (HashSet<FileId>, HashSet<FileId>) =
            orphans.into_iter().partition(|id| suspects.contains(id));
        let (removed, suspected) = (twice.len(), once.len());
        self.inner.suspects.exchange(once);
        for id in twice {
            files.blobs.remove(id).await?;
        }
        Ok(Swept { unfinished, removed, suspected })
    }
}

impl Suspects {
    fn exchange(&self, next: HashSet<FileId>) -> HashSet<FileId> {
        std::mem::replace(&mut *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner), next)
    }
}
