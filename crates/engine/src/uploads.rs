//! Uploads in parts. What comes is kept in parts of some megabytes, each of which is on the disk before the upload has
//! grown by it; so a line that breaks costs nothing of what has come, and a server that is killed at most a part.
//!
//! A part is a blob of its own, as it came. Once all have come they are read again, as one upload by one request would
//! bring them, and become a file: its type is told, what a photo says beside the picture is overwritten, its room is
//! checked. Before that nobody can read a byte of it.
//!
//! Nobody leads: of two requests that continue an upload from the same place, on whatever nodes, one grows it.

mod appending;
mod in_hand;

use chat::{
    Error, FileId, Reply, Result,
    accounts::Speaker,
    files::{File, NAME_LENGTH, base_name},
    uploads::{Checksum, LASTS, NewUpload, Upload},
};
use store::{
    Conn, files,
    jobs::{self, Job, Kind},
    uploads::{self, StoredUpload},
};

use crate::{
    Call, Engine,
    files::{BLOCK, check_size, note, random_id},
    text,
};
pub use appending::Appending;
pub(crate) use in_hand::InHand;

impl Engine {
    /// Goes on with an upload from so many bytes, which must be as many as have come. With a checksum, the request's
    /// bytes are kept if all of them have it.
    ///
    /// # Errors
    /// `not_found` if the speaker has no such upload, `conflict` if it has come to another place, `locked` while another
    /// request completes it, `rate_limited`, or `unavailable`.
    pub async fn append(
        &self,
        speaker: &Speaker,
        id: FileId,
        offset: i64,
        checksum: Option<Checksum>,
    ) -> Result<Appending> {
        let call = Call { engine: self.clone(), speaker: speaker.clone(), origin: None };
        call.own_upload(id).await?;
        let place = self.inner.under_way.enter(speaker.user, call.settings.limits.uploads_at_once)?;
        let hold = self.inner.in_hand.enter(id).await?;
        let upload = call.own_upload(id).await?;
        let come = upload.received();
        if offset != come {
            return Err(Error::new(chat::ErrorCode::Conflict, format!("{come} bytes of this upload have come.")));
        }
        Ok(Appending::of(call, upload, (hold, place), checksum))
    }
}

/// An upload that is not whole yet, or what has become of it.
enum Stage {
    Unfinished(StoredUpload),
    Finished(File),
}

impl Stage {
    fn received(&self) -> i64 {
        match self {
            Self::Unfinished(stored) => stored.received,
            Self::Finished(file) => file.size,
        }
    }

    fn shown(self) -> Upload {
        match self {
            Self::Unfinished(StoredUpload { id, name, size, received, expires_at, .. }) => {
                Upload { id, name, size, received, expires_at: Some(expires_at), file: None }
            }
            Self::Finished(file) => Upload {
                id: file.id,
                name: file.name.clone(),
                size: file.size,
                received: file.size,
                expires_at: None,
                file: Some(file),
            },
        }
    }
}

impl Call {
    pub(crate) async fn begin_upload(&self, new: NewUpload) -> Result<Reply> {
        let name = text::name("name", base_name(&new.name), NAME_LENGTH)?;
        if new.size < 1 {
            return Err(Error::invalid("size", "A file must have at least one byte."));
        }
        check_size(&self.settings.limits, new.size)?;
        self.files()?;
        self.rates.admit_upload(self.speaker.user)?;
        let (call, id) = (self.clone(), random_id()?);
        let scopes = [self.speaker.user.into()];
        let begin = self.change(&scopes, move |unit| {
            Box::pin(async move {
                let (conn, owner) = (&mut unit.conn, call.speaker.user);
                let most = call.settings.limits.unfinished_uploads_per_user;
                if uploads::reserved_by(conn, owner).await?.0 >= most {
                    let detail = format!("At most {most} of your uploads may be unfinished.");
                    return Err(Error::limit_reached(detail));
                }
                call.check_room_for_a_file(conn, new.size).await?;
                let (new, expires_at) = (NewUpload { name, ..new }, unit.now.plus(LASTS));
                let number = uploads::add(conn, (id, owner), &new, unit.now, expires_at).await?;
                jobs::add(conn, Kind::Upload, number, expires_at).await?;
                let NewUpload { name, size } = new;
                Ok(Upload { id, name, size, received: 0, expires_at: Some(expires_at), file: None })
            })
        });
        Ok(Reply::Upload(Box::new(begin.await?)))
    }

    /// How far an own upload has come. A request that is still adding to it is asked to end: who asks has probably lost
    /// its line.
    pub(crate) async fn check_upload(&self, id: FileId) -> Result<Reply> {
        self.own_upload(id).await?;
        let _hold = self.in_hand.enter(id).await?;
        let stage = self.completed(self.own_upload(id).await?).await?;
        Ok(Reply::Upload(Box::new(stage.shown())))
    }

    pub(crate) async fn remove_upload(&self, id: FileId) -> Result<Reply> {
        let Stage::Unfinished(stored) = self.own_upload(id).await? else { return self.remove_file(id).await };
        // Who still adds to it finds it gone.
        self.change(&[self.speaker.user.into()], move |unit| {
            Box::pin(async move {
                if uploads::end(&mut unit.conn, stored.number, unit.now).await? {
                    jobs::add(&mut unit.conn, Kind::Upload, stored.number, unit.now).await?;
                }
                Ok(Reply::Done)
            })
        })
        .await
    }

    /// An upload of the speaker's, or the file that it has become.
    async fn own_upload(&self, id: FileId) -> Result<Stage> {
        let nothing = || Error::not_found("upload");
        let mut conn = self.db.read().await?;
        let found = uploads::by_id(&mut conn, id).await?.filter(|stored| stored.owner == self.speaker.user);
        match found {
            Some(stored) if stored.gone_at.is_none() && stored.expires_at > (self.clock)() => {
                Ok(Stage::Unfinished(stored))
            }
            _ => self.own_file(&mut conn, id).await?.map(Stage::Finished).ok_or_else(nothing),
        }
    }

    async fn own_file(&self, conn: &mut Conn, id: FileId) -> Result<Option<File>> {
        let found = files::by_id(conn, id).await?;
        let is_own = |stored: &chat::files::StoredFile| stored.owner == self.speaker.user && stored.gone_at.is_none();
        Ok(found.filter(is_own).map(|stored| stored.file))
    }

    /// Makes a file of an upload whose bytes have all come. What was interrupted in it is done anew.
    async fn completed(&self, stage: Stage) -> Result<Stage> {
        let stored = match stage {
            Stage::Unfinished(stored) if stored.received == stored.size => stored,
            stage => return Ok(stage),
        };
        let parts = uploads::parts(&mut *self.db.read().await?, stored.number).await?;
        if parts.iter().map(|part| part.size).sum::<i64>() != stored.size {
            tracing::error!(upload = stored.number, "the parts of an upload are not all there");
            return Err(Error::internal());
        }
        let blobs = &self.files()?.blobs;
        let writing = blobs.begin(stored.id).await.inspect_err(note)?;
        let name = (stored.id, stored.name);
        let mut whole = crate::files::Upload::of(self.clone(), name, writing, Some(stored.number));
        for part in parts {
            let mut reading = blobs.open(part.id).await.inspect_err(note)?;
            let mut read = 0;
            loop {
                let block = reading.read(read, BLOCK).await.inspect_err(note)?;
                if block.is_empty() {
                    break;
                }
                read += block.len() as u64;
                whole.write(&block).await?;
            }
            if i64::try_from(read) != Ok(part.size) {
                tracing::error!(upload = stored.number, part = %part.id, "a part of an upload is not whole");
                return Err(Error::internal());
            }
        }
        Ok(Stage::Finished(whole.finish().await?))
    }
}

/// Removes the parts of an upload that has become a file or was given up; and gives up one that was not whole in time.
/// First the row says that it is over, so that nothing more comes; then the bytes are removed, and at last the rows.
pub(crate) async fn tend(engine: &Engine, job: Job) -> Result<()> {
    let inner = &engine.inner;
    let number = job.subject;
    let end = inner.writer.change(&[], None, move |unit| {
        Box::pin(async move {
            uploads::end(&mut unit.conn, number, unit.now).await?;
            let Some(stored) = uploads::by_number(&mut unit.conn, number).await? else { return Ok(Vec::new()) };
            let mut blobs: Vec<FileId> =
                uploads::parts(&mut unit.conn, number).await?.into_iter().map(|part| part.id).collect();
            // It may have been written, and not committed, when its server was killed.
            let is_file = files::by_id(&mut unit.conn, stored.id).await?.is_some();
            blobs.extend((!is_file).then_some(stored.id));
            Ok(blobs)
        })
    });
    for blob in end.await? {
        inner.files()?.blobs.remove(blob).await.inspect_err(note)?;
    }
    let work = inner.writer.change(&[], None, move |unit| {
        Box::pin(async move {
            if jobs::finish(&mut unit.conn, &job).await? {
                uploads::forget(&mut unit.conn, number).await?;
            }
            Ok(())
        })
    });
    work.await
}
