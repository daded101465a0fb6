//! A request that adds to an upload.

use aws_lc_rs::digest;
use blobs::Writing;
use chat::{
    Error, ErrorCode, Result,
    files::HEAD,
    uploads::{Algorithm, Checksum, PART, Upload},
};
use store::uploads::{self, Part, StoredUpload};

use super::{Stage, in_hand::Hold};
use crate::{
    Call,
    files::{BLOCK, Place, note, random_id},
};

/// A request that adds to an upload. Dropped before its end, what has come is kept, unless a checksum had to be compared
/// first.
pub struct Appending(Option<State>);

struct State {
    call: Call,
    /// The upload that it adds to; nothing if that is a file already, to which no byte can be added.
    upload: Option<StoredUpload>,
    /// The file that the upload has become, then.
    finished: Option<Upload>,
    hold: Hold,
    _place: Place,
    /// The checksum that all bytes of the request must have, and the state of their own so far.
    checksum: Option<(Checksum, digest::Context)>,
    /// Bytes that the upload has with what came by this request.
    come: i64,
    /// The first bytes of the whole, until they have told the type.
    head: Option<Vec<u8>>,
    gathered: Vec<u8>,
    writing: Option<Under>,
    /// Parts that are on the disk, by which the upload has not grown yet.
    kept: Vec<Part>,
    /// The bytes that came are not wanted.
    is_refused: bool,
}

/// A part that is being written.
struct Under {
    part: Part,
    writing: Box<dyn Writing>,
}

impl Appending {
    pub(super) fn of(call: Call, stage: Stage, (hold, place): (Hold, Place), checksum: Option<Checksum>) -> Self {
        let come = stage.received();
        let (upload, finished) = match stage {
            Stage::Unfinished(stored) => (Some(stored), None),
            Stage::Finished(_) => (None, Some(stage.shown())),
        };
        let checksum = checksum.map(|checksum| {
            let algorithm = match checksum.algorithm {
                Algorithm::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
                Algorithm::Sha256 => &digest::SHA256,
            };
            (checksum, digest::Context::new(algorithm))
        });
        Self(Some(State {
            call,
            upload,
            finished,
            hold,
            _place: place,
            checksum,
            come,
            head: (come == 0).then(Vec::new),
            gathered: Vec::new(),
            writing: None,
            kept: Vec::new(),
            is_refused: false,
        }))
    }

    /// Returns when another request wants to go on with the upload: this one should end.
    pub fn is_asked_for(&self) -> impl Future<Output = ()> + Send + use<> {
        let asked = self.0.as_ref().map(|state| state.hold.is_asked_for());
        async move {
            match asked {
                Some(asked) => asked.await,
                None => std::future::pending().await,
            }
        }
    }

    /// Adds bytes.
    ///
    /// # Errors
    /// `too_large` if they are more than were announced, `unsupported_type` as soon as the first bytes tell, `conflict`
    /// if another node goes on with it, `storage_full`, or `unavailable`.
    pub async fn write(&mut self, piece: &[u8]) -> Result<()> {
        match &mut self.0 {
            Some(state) => state.write(piece).await,
            None => Err(Error::internal()),
        }
    }

    /// Ends the request: all its bytes have come. The upload is a file if they were the last.
    ///
    /// # Errors
    /// As [`Appending::write`]; `checksum_mismatch`; and those of a file that is refused as a whole.
    pub async fn finish(mut self) -> Result<Upload> {
        let Some(mut state) = self.0.take() else { return Err(Error::internal()) };
        if let Some(finished) = state.finished {
            return Ok(finished);
        }
        let ended = state.end().await;
        if let Err(error) = ended {
            state.discard().await;
            return Err(error);
        }
        let id = state.upload.as_ref().map(|upload| upload.id).ok_or_else(Error::internal)?;
        let stage = state.call.own_upload(id).await?;
        Ok(state.call.completed(stage).await?.shown())
    }
}

impl Drop for Appending {
    fn drop(&mut self) {
        let Some(mut state) = self.0.take().filter(|state| state.upload.is_some()) else { return };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        // Whoever asks for the upload waits until this has been done: the state has it in hand.
        runtime.spawn(async move {
            if state.is_refused || state.checksum.is_some() || state.end().await.is_err() {
                state.discard().await;
            }
        });
    }
}

impl State {
    async fn write(&mut self, piece: &[u8]) -> Result<()> {
        let written = self.take(piece).await;
        // After a mistake of the line or the disk, what came before it is good; what is not wanted is not kept.
        self.is_refused |= written.as_ref().is_err_and(|error| error.code == ErrorCode::UnsupportedType);
        written
    }

    async fn take(&mut self, piece: &[u8]) -> Result<()> {
        let size = self.upload.as_ref().map_or(self.come, |upload| upload.size);
        let come = self.come.saturating_add(i64::try_from(piece.len()).unwrap_or(i64::MAX));
        if come > size {
            return Err(Error::new(ErrorCode::TooLarge, format!("This upload has {size} bytes and no more.")));
        }
        self.recognise(piece)?;
        self.come = come;
        if let Some((_, digest)) = &mut self.checksum {
            digest.update(piece);
        }
        self.gathered.extend_from_slice(piece);
        if self.gathered.len() >= BLOCK { self.pass_on().await } else { Ok(()) }
    }

    /// Refuses what is not accepted before all of it has come. What these bytes do not tell is told at the end.
    fn recognise(&mut self, piece: &[u8]) -> Result<()> {
        let Some(head) = &mut self.head else { return Ok(()) };
        head.extend(piece.iter().take(HEAD - head.len()));
        if head.len() == HEAD {
            let head = std::mem::take(head);
            self.head = None;
            self.call.accepted_type(&head)?;
        }
        Ok(())
    }

    /// Writes what was gathered, and begins another part if this one is large.
    async fn pass_on(&mut self) -> Result<()> {
        if self.gathered.is_empty() {
            return Ok(());
        }
        let block = std::mem::take(&mut self.gathered);
        let length = i64::try_from(block.len()).unwrap_or(i64::MAX);
        if self.writing.is_none() {
            let id = random_id()?;
            let writing = self.call.files()?.blobs.begin(id).await.inspect_err(note)?;
            self.writing = Some(Under { part: Part { id, size: 0 }, writing });
        }
        let Some(under) = &mut self.writing else { return Err(Error::internal()) };
        under.writing.write(block).await.inspect_err(note)?;
        under.part.size += length;
        if u64::try_from(under.part.size).is_ok_and(|size| size >= PART) { self.end_part().await } else { Ok(()) }
    }

    /// Puts the part on the disk. The upload grows by it now, or with all others if there is a checksum.
    async fn end_part(&mut self) -> Result<()> {
        let Some(Under { part, writing }) = self.writing.take() else { return Ok(()) };
        writing.finish().await.inspect_err(note)?;
        self.kept.push(part);
        if self.checksum.is_none() { self.grow().await } else { Ok(()) }
    }

    async fn grow(&mut self) -> Result<()> {
        if self.kept.is_empty() {
            return Ok(());
        }
        let Some(upload) = &mut self.upload else { return Err(Error::internal()) };
        let (number, from, parts) = (upload.number, upload.received, self.kept.clone());
        let bytes: i64 = parts.iter().map(|part| part.size).sum();
        let grow = self.call.change(&[], move |unit| {
            Box::pin(async move { Ok(uploads::grow(&mut unit.conn, number, from, &parts).await?) })
        });
        match grow.await {
            Ok(true) => {
                upload.received += bytes;
                self.kept.clear();
                Ok(())
            }
            Ok(false) => {
                Err(Error::new(ErrorCode::Conflict, "Another request has gone on with this upload, or ended it."))
            }
            // The upload may have grown by them: they are not removed, and a sweep finds them if not.
            Err(error) if error.code == ErrorCode::OutcomeUnknown => {
                self.kept.clear();
                Err(error)
            }
            Err(error) => Err(error),
        }
    }

    /// Keeps all that has come, if it has its checksum.
    async fn end(&mut self) -> Result<()> {
        self.pass_on().await?;
        self.end_part().await?;
        if let Some((wanted, digest)) = self.checksum.take()
            && digest.finish().as_ref() != wanted.value.as_slice()
        {
            let detail = "The bytes that came do not have this checksum; none of them is kept.";
            return Err(Error::new(ErrorCode::ChecksumMismatch, detail));
        }
        self.grow().await
    }

    /// Removes what was written, and by which the upload has not grown.
    async fn discard(&mut self) {
        self.writing = None;
        for part in std::mem::take(&mut self.kept) {
            let Ok(files) = self.call.files() else { return };
            if let Err(error) = files.blobs.remove(part.id).await {
                tracing::warn!(%error, part = %part.id, "a part is left to the sweep");
            }
        }
    }
}
