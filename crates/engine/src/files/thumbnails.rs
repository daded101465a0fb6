//! Thumbnails of a picture that was just uploaded. They are made before it is a file, so that a message has them and its
//! blurhash from its first moment on, and nothing has to be told later.
//!
//! One picture is decoded at a time on each node, on a thread that may wait. Whoever has waited too long for their turn
//! has none: the picture is then shown as it is.

use std::{sync::Arc, time::Duration};

use blobs::Reading;
use chat::{
    Error, FileId, Result,
    accounts::Speaker,
    files::{File, Thumbnail, ThumbnailSize},
};
use store::files::thumbnails;
use tokio::sync::Semaphore;

use super::{
    Files, note, random_id,
    shrink::{MOST_BYTES, Made, Shrunk, shrink},
};
use crate::{Call, Engine, files::BLOCK};

/// How long a picture waits for its turn.
const PATIENCE: Duration = Duration::from_secs(10);

/// The turns of decoding on this node: there is one.
pub(crate) struct Turns(Arc<Semaphore>);

impl Default for Turns {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(1)))
    }
}

/// The stored thumbnails and the blurhash of a picture.
#[derive(Default)]
pub(super) struct Kept {
    pub blurhash: Option<String>,
    pub thumbnails: Vec<Thumbnail>,
}

impl Engine {
    /// Opens a picture in a size for somebody who may read it: its thumbnail, or the picture itself where it has none.
    ///
    /// # Errors
    /// `not_found` if there is no such picture, or they may not read it; `unavailable`.
    pub async fn open_thumbnail(
        &self,
        speaker: &Speaker,
        id: FileId,
        size: ThumbnailSize,
    ) -> Result<(Thumbnail, Box<dyn Reading>)> {
        let call = Call { engine: self.clone(), speaker: speaker.clone(), origin: None };
        let mut conn = call.db.read().await?;
        let stored = call.readable_file(&mut conn, id).await?;
        let made = thumbnails::of(&mut conn, std::iter::once(stored.number)).await?;
        drop(conn);
        let blobs = &call.files()?.blobs;
        for thumbnail in made.into_iter().filter(|one| one.size == size) {
            match blobs.open(thumbnail.id).await {
                Ok(reading) if i64::try_from(reading.size()) == Ok(thumbnail.bytes) => return Ok((thumbnail, reading)),
                // It was left behind when the files were moved: the picture itself is there.
                Ok(_) | Err(blobs::Error::NotFound) => tracing::warn!(file = %id, "a thumbnail is not whole"),
                Err(error) => return Err(error.into()),
            }
        }
        let is_shown = stored.file.pixels.is_some() && stored.file.is_shown_inline();
        let File { media_type, size: bytes, .. } = stored.file;
        if !is_shown {
            return Err(Error::not_found("picture"));
        }
        let reading = blobs.open(id).await.inspect_err(note)?;
        Ok((Thumbnail { id, size, media_type, bytes }, reading))
    }
}

impl Call {
    /// Makes the thumbnails of a picture whose bytes are whole, and keeps their bytes. A file that is none, or is broken,
    /// has none.
    pub(super) async fn make_thumbnails(&self, file: &File) -> Kept {
        if file.pixels.is_none() || file.size > MOST_BYTES {
            return Kept::default();
        }
        let Ok(files) = self.files() else { return Kept::default() };
        let turn = tokio::time::timeout(PATIENCE, self.turns.0.clone().acquire_owned());
        let Ok(Ok(turn)) = turn.await else {
            tracing::warn!(file = %file.id, "too many pictures wait for their thumbnails: this one has none");
            return Kept::default();
        };
        let began = std::time::Instant::now();
        let Some(bytes) = read(files, file).await else { return Kept::default() };
        let media_type = file.media_type.clone();
        let work = move || {
            // The turn is over when the thread has done, even if nobody waits for it any more.
            let _turn = turn;
            shrink(&bytes, &media_type)
        };
        let made = tokio::task::spawn_blocking(work).await.ok().flatten();
        metrics::histogram!("palabre_thumbnails_seconds").record(began.elapsed());
        let Some(Made { blurhash, thumbnails }) = made else { return Kept::default() };
        let mut kept = Vec::with_capacity(thumbnails.len());
        for shrunk in thumbnails {
            match keep(files, shrunk).await {
                Ok(thumbnail) => kept.push(thumbnail),
                Err(error) => tracing::warn!(%error, file = %file.id, "a thumbnail cannot be kept"),
            }
        }
        Kept { blurhash: Some(blurhash).filter(|hash| !hash.is_empty()), thumbnails: kept }
    }
}

/// All bytes of a picture.
async fn read(files: &Files, file: &File) -> Option<Vec<u8>> {
    let mut reading = files.blobs.open(file.id).await.inspect_err(note).ok()?;
    let mut bytes = Vec::with_capacity(usize::try_from(file.size).ok()?);
    loop {
        let block = reading.read(bytes.len() as u64, BLOCK).await.inspect_err(note).ok()?;
        if block.is_empty() {
            return Some(bytes);
        }
        bytes.extend_from_slice(&block);
    }
}

async fn keep(files: &Files, Shrunk { size, media_type, bytes }: Shrunk) -> Result<Thumbnail> {
    let (id, length) = (random_id()?, i64::try_from(bytes.len()).unwrap_or(i64::MAX));
    let mut writing = files.blobs.begin(id).await.inspect_err(note)?;
    writing.write(bytes).await.inspect_err(note)?;
    writing.finish().await.inspect_err(note)?;
    Ok(Thumbnail { id, size, media_type: media_type.to_owned(), bytes: length })
}
