//! Files: uploading, reading, and removing them. Who may read a file follows from the message that holds it; before
//! there is one, only its owner may.

mod blurhash;
mod credentials;
mod jpeg_memory;
mod pictures;
mod scan;
mod shrink;
mod sweep;
mod thumbnails;
mod types;
mod under_way;
mod voice;

use std::{sync::Arc, time::Duration};

use aws_lc_rs::digest;
use blobs::{Blobs, Reading, Scanner, Writing};
use chat::{
    Error, ErrorCode, FileId, Limits, Reply, Result,
    accounts::Speaker,
    files::{File, FileClass, HEAD, NAME_LENGTH, NewFile, StoredFile, Thumbnail, WAITS, base_name, readable_size},
    mutants::{self, Mutant},
};
use store::{
    Conn,
    files::{self, give_up_waiting},
    jobs::{self, Job, Kind},
    uploads,
};

use crate::{Call, Engine, Inner, text};
use pictures::Picture;
pub(crate) use scan::Infected;
pub use shrink::{look_at_photo, sample_photo};
pub(crate) use sweep::Suspects;
pub use sweep::Swept;
pub(crate) use thumbnails::Turns;
pub(crate) use under_way::{Place, UnderWay};

/// Bytes that are gathered before they are written: few writes, and little memory for each upload.
pub(crate) const BLOCK: usize = 128 << 10;

/// Where the bytes of files are kept, and which files are accepted.
#[derive(Clone)]
pub struct Files {
    /// The store of their bytes.
    pub blobs: Arc<dyn Blobs>,
    /// The classes that are accepted.
    pub classes: Vec<FileClass>,
    /// The scanner of files before they can be read, if there is one.
    pub scanner: Option<Scanner>,
    /// Whether they are accepted unscanned while it is away.
    pub accept_unscanned: bool,
}

impl Inner {
    pub(crate) fn files(&self) -> Result<&Files> {
        self.settings.files.as_ref().ok_or_else(|| Error::forbidden("This server takes no files."))
    }
}

/// An upload that is under way. Dropped before its end, nothing of it stays.
pub struct Upload {
    call: Call,
    id: FileId,
    name: String,
    writing: Box<dyn Writing>,
    gathered: Vec<u8>,
    /// The first bytes, until they have told the type.
    head: Vec<u8>,
    media_type: Option<&'static str>,
    /// The picture, if it is one.
    picture: Option<Picture>,
    hash: digest::Context,
    size: i64,
    /// The upload in parts that it completes.
    parts_of: Option<i64>,
    _place: Option<Place>,
}

impl Engine {
    /// Begins to upload a file. It is refused now if it is known to be too large, or too much with what there is.
    ///
    /// # Errors
    /// `invalid`, `too_large`, `limit_reached`, `rate_limited`, `storage_full`, or `unavailable`.
    pub async fn upload(&self, speaker: &Speaker, new: NewFile) -> Result<Upload> {
        let call = Call { engine: self.clone(), speaker: speaker.clone(), origin: None };
        let name = text::name("name", base_name(&new.name), NAME_LENGTH)?;
        let announced = i64::try_from(new.size.unwrap_or(0)).unwrap_or(i64::MAX);
        check_size(&call.settings.limits, announced)?;
        let files = call.files()?;
        let place = self.inner.under_way.enter(speaker.user, call.settings.limits.uploads_at_once)?;
        call.rates.admit_upload(speaker.user)?;
        call.check_room_for_a_file(&mut *call.db.read().await?, announced).await?;
        let id = random_id()?;
        let writing = files.blobs.begin(id).await.inspect_err(note)?;
        Ok(Upload { _place: Some(place), ..Upload::of(call, (id, name), writing, None) })
    }

    /// Opens a file for somebody who may read it.
    ///
    /// # Errors
    /// `not_found` if there is none, or they may not; `unavailable`.
    pub async fn open_file(&self, speaker: &Speaker, id: FileId) -> Result<(File, Box<dyn Reading>)> {
        let call = Call { engine: self.clone(), speaker: speaker.clone(), origin: None };
        let stored = call.readable_file(&mut *call.db.read().await?, id).await?;
        let reading = call.files()?.blobs.open(id).await.inspect_err(note)?;
        if i64::try_from(reading.size()) != Ok(stored.file.size) {
            tracing::error!(file = %id, size = reading.size(), expected = stored.file.size, "a file is not whole");
            return Err(Error::internal());
        }
        Ok((stored.file, reading))
    }
}

impl Upload {
    /// One into which nothing has come yet; the number of the upload in parts that it completes, if it does.
    pub(crate) fn of(
        call: Call,
        (id, name): (FileId, String),
        writing: Box<dyn Writing>,
        parts_of: Option<i64>,
    ) -> Self {
        Self {
            call,
            id,
            name,
            writing,
            gathered: Vec::new(),
            head: Vec::new(),
            media_type: None,
            picture: None,
            hash: digest::Context::new(&digest::SHA256),
            size: 0,
            parts_of,
            _place: None,
        }
    }

    /// Adds bytes.
    ///
    /// # Errors
    /// `too_large`, `unsupported_type` as soon as the first bytes tell, `storage_full`, or `unavailable`.
    pub async fn write(&mut self, piece: &[u8]) -> Result<()> {
        self.size = self.size.saturating_add(i64::try_from(piece.len()).unwrap_or(i64::MAX));
        check_size(&self.call.settings.limits, self.size)?;
        if self.media_type.is_none() {
            self.head.extend(piece.iter().take(HEAD - self.head.len()));
            if self.head.len() == HEAD {
                self.recognise()?;
            }
        }
        self.gathered.extend_from_slice(piece);
        if self.gathered.len() >= BLOCK { self.pass_on(false).await } else { Ok(()) }
    }

    /// Stores what was gathered; of a picture what is done of it.
    async fn pass_on(&mut self, is_end: bool) -> Result<()> {
        let done = match &mut self.picture {
            Some(picture) => picture.pass(&mut self.gathered, is_end),
            None => self.gathered.len(),
        };
        let rest = self.gathered.split_off(done);
        let block = std::mem::replace(&mut self.gathered, rest);
        if block.is_empty() {
            return Ok(());
        }
        self.hash.update(&block);
        Ok(self.writing.write(block).await.inspect_err(note)?)
    }

    fn recognise(&mut self) -> Result<()> {
        let media_type = self.call.accepted_type(&std::mem::take(&mut self.head))?;
        self.media_type = Some(media_type);
        self.picture = Picture::of(media_type);
        Ok(())
    }

    /// Makes it a file, which waits for a message of its owner.
    ///
    /// # Errors
    /// As [`Upload::write`]; `file_infected` if the scanner says so; `limit_reached` if others have used up the room
    /// meanwhile.
    pub async fn finish(mut self) -> Result<File> {
        if self.size == 0 {
            return Err(Error::invalid("size", "A file must have at least one byte."));
        }
        if self.media_type.is_none() {
            self.recognise()?;
        }
        self.pass_on(true).await?;
        self.call.scan(self.id, &mut *self.writing).await?;
        let is_early = mutants::is(Mutant::RowBeforeBytes) || mutants::is(Mutant::AckBeforeBytes);
        let mut late = None;
        if is_early {
            late = Some(self.writing)
        } else {
            self.writing.finish().await.inspect_err(note)?
        }
        let file = File {
            id: self.id,
            name: self.name,
            media_type: self.media_type.unwrap_or("application/octet-stream").to_owned(),
            size: self.size,
            sha256: self.hash.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect(),
            pixels: self.picture.as_ref().and_then(Picture::pixels),
            blurhash: None,
            voice: None,
        };
        let seen = self.call.make_thumbnails(&file).await;
        let file = File { blurhash: seen.blurhash, ..file };
        let mut unneeded: Vec<FileId> = seen.thumbnails.iter().map(|thumbnail| thumbnail.id).collect();
        // A file that another request has completed at the same time is that request's, too.
        unneeded.extend(self.parts_of.is_none().then_some(self.id));
        let kept = self.call.keep_file(file, seen.thumbnails, self.parts_of).await;
        if let Some(writing) = late {
            finish_late(writing).await?;
        }
        // Of a commit in doubt nobody knows yet whether the file is needed: it waits, or is found by the sweep.
        if kept.as_ref().is_err_and(|error| error.code != ErrorCode::OutcomeUnknown) {
            for id in unneeded {
                if let Err(error) = self.call.files()?.blobs.remove(id).await {
                    tracing::warn!(%error, file = %id, "a refused file is left to the sweep");
                }
            }
        }
        kept
    }
}

impl Call {
    /// The media type of a file that begins so.
    ///
    /// # Errors
    /// `unsupported_type` if such files are not accepted.
    pub(crate) fn accepted_type(&self, head: &[u8]) -> Result<&'static str> {
        let (class, media_type) = types::of(head);
        let accepted = &self.files()?.classes;
        if accepted.contains(&class) {
            return Ok(media_type);
        }
        let names: Vec<&str> = accepted.iter().map(|class| class.name()).collect();
        let detail = format!("A file of this type ({media_type}) is not accepted; accepted are: {}.", names.join(", "));
        Err(Error::new(ErrorCode::UnsupportedType, detail))
    }

    /// Makes it a file. Of an upload in parts that has become one already, or is gone, that counts.
    async fn keep_file(&self, file: File, thumbnails: Vec<Thumbnail>, parts_of: Option<i64>) -> Result<File> {
        let call = self.clone();
        self.change(&[self.speaker.user.into()], move |unit| {
            Box::pin(async move {
                let owner = call.speaker.user;
                if let Some(upload) = parts_of {
                    if !uploads::end(&mut unit.conn, upload, unit.now).await? {
                        let there = files::by_id(&mut unit.conn, file.id).await?;
                        return there.map(|stored| stored.file).ok_or_else(|| Error::not_found("upload"));
                    }
                    jobs::add(&mut unit.conn, Kind::Upload, upload, unit.now).await?;
                }
                call.check_room_for_a_file(&mut unit.conn, file.size).await?;
                let number = files::add(&mut unit.conn, owner, &file, unit.now).await?;
                files::thumbnails::add(&mut unit.conn, number, owner, &thumbnails).await?;
                let all = files::add_used(&mut unit.conn, file.size).await?;
                check_server(&call.settings.limits, all)?;
                jobs::add(&mut unit.conn, Kind::File, number, unit.now.plus(WAITS)).await?;
                Ok(file)
            })
        })
        .await
    }

    /// Refuses a file for which there is no room among the speaker's or the server's.
    pub(crate) async fn check_room_for_a_file(&self, conn: &mut Conn, size: i64) -> Result<()> {
        let limits = &self.settings.limits;
        let (used, waiting) = files::used_by(conn, self.speaker.user).await?;
        let (unfinished, reserved) = uploads::reserved_by(conn, self.speaker.user).await?;
        let (used, waiting) = (used.saturating_add(reserved), waiting.saturating_add(unfinished));
        if waiting >= limits.waiting_files_per_user {
            let most = limits.waiting_files_per_user;
            return Err(Error::limit_reached(format!("You may have at most {most} files that were not sent yet.")));
        }
        if used.saturating_add(size) > limits.file_bytes_per_user {
            let most = readable_size(limits.file_bytes_per_user);
            let detail = format!("Your files may have {most} in all; delete messages with files that are not needed.");
            return Err(Error::limit_reached(detail));
        }
        let all = files::used(conn).await?.saturating_add(uploads::reserved(conn).await?);
        check_server(limits, all.saturating_add(size))
    }

    /// The file of this id, if the speaker may read it; otherwise there is none.
    pub(crate) async fn readable_file(&self, conn: &mut Conn, id: FileId) -> Result<StoredFile> {
        let nothing = || Error::not_found("file");
        let stored = files::by_id(conn, id).await?.filter(|stored| stored.gone_at.is_none()).ok_or_else(nothing)?;
        if mutants::is(Mutant::FilesForAnybody) {
            return Ok(stored);
        }
        let Some((conversation, seq)) = stored.place else {
            return if stored.owner == self.speaker.user { Ok(stored) } else { Err(nothing()) };
        };
        let access = self.access_in(conn, conversation).await.map_err(as_no_file)?;
        access.live_message(conn, seq).await.map_err(as_no_file)?;
        Ok(stored)
    }

    /// A file that the speaker may read, without its bytes.
    pub(crate) async fn file(&self, id: FileId) -> Result<Reply> {
        let stored = self.readable_file(&mut *self.db.read().await?, id).await?;
        Ok(Reply::File(Box::new(stored.file)))
    }

    pub(crate) async fn remove_file(&self, id: FileId) -> Result<Reply> {
        let user = self.speaker.user;
        self.change(&[user.into()], move |unit| {
            Box::pin(async move {
                let Some(stored) = files::by_id(&mut unit.conn, id).await?.filter(|stored| stored.owner == user) else {
                    return Ok(Reply::Done);
                };
                if stored.place.is_some() {
                    let detail = "This file is in use: delete the message that holds it, or replace the picture.";
                    return Err(Error::new(ErrorCode::Conflict, detail));
                }
                if give_up_waiting(&mut unit.conn, stored.number, unit.now).await? {
                    jobs::add(&mut unit.conn, Kind::File, stored.number, unit.now).await?;
                }
                Ok(Reply::Done)
            })
        })
        .await
    }
}

/// Why somebody may not read a file is not said; that it cannot be looked up now, is.
fn as_no_file(error: Error) -> Error {
    if error.code == ErrorCode::NotFound { Error::not_found("file") } else { error }
}

/// Two deliberate faults: the bytes of a file come after its row, before the answer or after it.
async fn finish_late(writing: Box<dyn Writing>) -> Result<()> {
    let late = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        writing.finish().await
    };
    if mutants::is(Mutant::RowBeforeBytes) {
        return Ok(late.await?);
    }
    tokio::spawn(late);
    Ok(())
}

pub(crate) fn check_size(limits: &Limits, size: i64) -> Result<()> {
    if size <= limits.file_bytes {
        return Ok(());
    }
    let most = limits.file_bytes;
    let detail = format!("A file may have at most {most} bytes ({}).", readable_size(most));
    Err(Error::new(ErrorCode::TooLarge, detail))
}

fn check_server(limits: &Limits, all: i64) -> Result<()> {
    if all <= limits.file_bytes_per_server {
        return Ok(());
    }
    Err(Error::new(ErrorCode::StorageFull, "This server has no room for more files."))
}

pub(crate) fn random_id() -> Result<FileId> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(|error| {
        tracing::error!(%error, "the system gives no random numbers");
        Error::internal()
    })?;
    Ok(FileId::of(random))
}

pub(crate) fn note(error: &blobs::Error) {
    tracing::warn!(%error, "the store of files refused");
}

/// Removes a file that was given up, or for which no message has come. First the row says that it is gone, so that no
/// message can take it; then its bytes are removed, and at last the row, together with the job.
pub(crate) async fn tend(engine: &Engine, job: Job) -> Result<()> {
    let inner = &engine.inner;
    let number = job.subject;
    let gave_up = inner.writer.change(&[], None, move |unit| {
        Box::pin(async move {
            give_up_waiting(&mut unit.conn, number, unit.now).await?;
            Ok(files::by_number(&mut unit.conn, number).await?.filter(|stored| stored.gone_at.is_some()))
        })
    });
    let gone: Option<StoredFile> = gave_up.await?;
    if let Some(stored) = &gone {
        let smaller = files::thumbnails::of(&mut *inner.db.read().await?, std::iter::once(number)).await?;
        for id in smaller.iter().map(|thumbnail| thumbnail.id).chain([stored.file.id]) {
            inner.files()?.blobs.remove(id).await.inspect_err(note)?;
        }
    }
    let work = inner.writer.change(&[], None, move |unit| {
        Box::pin(async move {
            if jobs::finish(&mut unit.conn, &job).await? && gone.is_some() {
                files::forget(&mut unit.conn, number).await?;
            }
            Ok(())
        })
    });
    work.await
}
