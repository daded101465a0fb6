//! Uploads in parts: a file that comes over several requests, as tus 1.0 describes it, so that a broken line costs
//! nothing of what has come. Nobody can read it before it is whole; from then on it is a file, under the same id.

use crate::{FileId, Millis, files::File, people::NamesPeople};

/// How long an upload may take, in milliseconds: a day. Afterwards its parts are removed.
pub const LASTS: i64 = 86_400_000;
/// Bytes of a part at most. What has come of a larger one is kept even if the server is killed.
pub const PART: u64 = 8 << 20;

/// A file that somebody wants to upload in parts.
#[derive(Clone, Debug, PartialEq, Eq, NamesPeople)]
pub struct NewUpload {
    /// Its name.
    pub name: String,
    /// Its size in bytes.
    pub size: i64,
}

/// An upload in parts, as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq, NamesPeople)]
pub struct Upload {
    /// The id of the file that it becomes.
    pub id: FileId,
    /// The file's name, in stored form.
    pub name: String,
    /// The file's size in bytes.
    pub size: i64,
    /// How many bytes have come and are kept.
    pub received: i64,
    /// When it is given up unless it is whole by then; absent once it is a file.
    pub expires_at: Option<Millis>,
    /// The file, once it is whole.
    pub file: Option<File>,
}

/// The checksum that the bytes of a request must have, or none of them is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checksum {
    /// How it is computed.
    pub algorithm: Algorithm,
    /// Its value.
    pub value: Vec<u8>,
}

/// How a checksum is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// SHA-1, which every tus client knows. It finds mistakes of the line, not a forger.
    Sha1,
    /// SHA-256.
    Sha256,
}

impl Algorithm {
    /// All algorithms.
    pub const ALL: [Self; 2] = [Self::Sha1, Self::Sha256];

    /// The name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
        }
    }

    /// How many bytes a value has.
    #[must_use]
    pub fn length(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }

    /// The algorithm of this name, if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }
}
