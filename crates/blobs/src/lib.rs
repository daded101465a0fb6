//! Where the bytes of files are kept. A blob is written once, from its first byte to its last, and is readable when it
//! is whole; it never changes, and is removed once nothing needs it.
//!
//! The database knows every file; this store may hold blobs that it does not know (of an upload whose end was not
//! committed), never the reverse. What a blob is, whose, and who may read it, is not known here: a blob has an id, which
//! is all that its path is made of. [`folder`] keeps them in a folder, [`s3`] in a bucket. [`scanner`] asks somebody else
//! whether one does harm, before it is readable.

pub mod folder;
pub mod s3;
pub mod scanner;

use std::{future::Future, ops::Range, pin::Pin, time::Duration};

use chat::FileId;

pub use folder::Folder;
pub use s3::S3;
pub use scanner::Scanner;

/// Bytes that are carried at once from one store to another.
const CARRIED: usize = 256 << 10;

/// The result of an operation.
pub type Result<T> = std::result::Result<T, Error>;
/// An operation under way.
pub type Work<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

/// Why the store did not do something.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no blob of this id.
    #[error("there is no such blob")]
    NotFound,
    /// There is no room, or not more than is kept free for the database.
    #[error("there is no room for files")]
    Full,
    /// It cannot be reached, or refuses to read or write.
    #[error("the files cannot be read or written: {0}")]
    Unavailable(String),
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        use std::io::ErrorKind;
        match error.kind() {
            ErrorKind::NotFound => Self::NotFound,
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => Self::Full,
            _ => Self::Unavailable(error.to_string()),
        }
    }
}

impl From<Error> for chat::Error {
    fn from(error: Error) -> Self {
        let refusal = |code, detail: &str| Self { retry_after_ms: Some(5_000), ..Self::new(code, detail) };
        match error {
            Error::NotFound => Self::not_found("file"),
            Error::Full => refusal(chat::ErrorCode::StorageFull, "There is no room for files; try again later."),
            Error::Unavailable(_) => {
                refusal(chat::ErrorCode::Unavailable, "Files cannot be read or written at the moment; try again.")
            }
        }
    }
}

/// A store of blobs. Several nodes may work on one at the same time.
pub trait Blobs: Send + Sync {
    /// Begins a blob. It is not readable before [`Writing::finish`], and is gone if that never comes.
    fn begin(&self, id: FileId) -> Work<'_, Box<dyn Writing>>;

    /// Opens a blob for reading.
    fn open(&self, id: FileId) -> Work<'_, Box<dyn Reading>>;

    /// Removes a blob. It does no harm if there is none.
    fn remove(&self, id: FileId) -> Work<'_, ()>;

    /// Blobs that were finished before so long ago, at most so many, in the order of their ids after this one.
    fn list(&self, after: Option<FileId>, older_than: Duration, limit: usize) -> Work<'_, Vec<FileId>>;

    /// Removes what is left of uploads that were begun before so long ago and never finished. Returns how many.
    fn sweep_unfinished(&self, older_than: Duration) -> Work<'_, usize>;
}

/// A blob that is being written. Dropped before its end, nothing of it stays.
pub trait Writing: Send {
    /// Adds bytes at its end.
    fn write(&mut self, bytes: Vec<u8>) -> Work<'_, ()>;

    /// Opens what was written so far for reading, for whoever must look at it before others may.
    fn written(&mut self) -> Work<'_, Box<dyn Reading>>;

    /// Makes it readable, and returns once it would survive a power failure.
    fn finish(self: Box<Self>) -> Work<'static, ()>;
}

/// A blob that is open for reading. It can be read to its end even if it is removed meanwhile, once it was begun.
pub trait Reading: Send {
    /// Its size in bytes.
    fn size(&self) -> u64;

    /// Says which part will be read, so that a store that is far away can be asked for that and no more.
    fn plan(&mut self, part: Range<u64>) {
        let _read_as_it_comes = part;
    }

    /// Reads so many bytes from this place on; fewer only at the end.
    fn read(&mut self, from: u64, most: usize) -> Work<'_, Vec<u8>>;
}

/// Brings a blob from one store to another, a block at a time, unless it is there with this size. What comes must have
/// this size.
///
/// # Errors
/// `NotFound` if there is no such blob, or none of this size; what keeps it from being read or written.
pub async fn carry(id: FileId, size: u64, from: &dyn Blobs, to: &dyn Blobs) -> Result<()> {
    if to.open(id).await.is_ok_and(|there| there.size() == size) {
        return Ok(());
    }
    let mut reading = from.open(id).await?;
    if reading.size() != size {
        return Err(Error::NotFound);
    }
    let (mut writing, mut at) = (to.begin(id).await?, 0);
    while at < size {
        let block = reading.read(at, CARRIED).await?;
        if block.is_empty() {
            return Err(Error::Unavailable("a file is shorter than it was".into()));
        }
        at += block.len() as u64;
        writing.write(block).await?;
    }
    writing.finish().await
}
