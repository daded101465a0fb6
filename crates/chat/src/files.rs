//! Files that messages carry. Their bytes are kept elsewhere, by the file's id; who may read them follows from the
//! message that holds them.

mod voice;

use crate::{ConversationId, FileId, Millis, Number, UserId, people::NamesPeople};
pub use voice::{BARS, HIGHEST, Voice};

/// How long a file waits for its message, in milliseconds: a day. Afterwards it is removed.
pub const WAITS: i64 = 86_400_000;
/// Characters of a file's name at most: what file systems take.
pub const NAME_LENGTH: i64 = 255;
/// How many first bytes of a file tell its type.
pub const HEAD: usize = 8_192;
/// How long a link to a file is good, in seconds. Clocks may differ by a minute, and in no case is it good for more than
/// ten.
pub const LINK_SECONDS: i64 = 540;

/// A file, as a message shows it. Its bytes never change.
#[derive(Clone, Debug, PartialEq, Eq, NamesPeople)]
pub struct File {
    /// Its id, which cannot be guessed.
    pub id: FileId,
    /// The name that its owner gave it, in stored form. It is never part of a path.
    pub name: String,
    /// The media type, as its bytes tell it; never what its sender said.
    pub media_type: String,
    /// Its size in bytes.
    pub size: i64,
    /// The SHA-256 of its bytes, in lowercase hexadecimal digits.
    pub sha256: String,
    /// An image's width and height in pixels, as it is shown; absent for other files and until they are known.
    pub pixels: Option<(i64, i64)>,
    /// How an image looks from far away, as a blurhash; absent for other files and those that cannot be decoded.
    pub blurhash: Option<String>,
    /// The length and loudness of a recording, if its owner has made it for a voice message.
    pub voice: Option<Voice>,
}

/// The two sizes in which a picture is also kept, to be shown sooner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ThumbnailSize {
    /// For a list of messages.
    Small,
    /// For a whole screen.
    Large,
}

impl ThumbnailSize {
    /// Both sizes.
    pub const ALL: [Self; 2] = [Self::Small, Self::Large];

    /// The name on the wire and in the database.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Large => "large",
        }
    }

    /// Pixels of its longer side at most.
    #[must_use]
    pub fn pixels(self) -> u32 {
        match self {
            Self::Small => 640,
            Self::Large => 1_600,
        }
    }

    /// The size of this name, if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|size| size.name() == name)
    }
}

/// A picture made smaller. Its bytes are kept as a file's are, and never change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thumbnail {
    /// The id of its bytes. Nobody is told it.
    pub id: FileId,
    /// How large it is.
    pub size: ThumbnailSize,
    /// Its media type.
    pub media_type: String,
    /// Its size in bytes.
    pub bytes: i64,
}

/// An address that opens one file for the session that asked for it, without any other credential.
#[derive(Clone, Debug, PartialEq, Eq, NamesPeople)]
pub struct FileLink {
    /// The file.
    pub file: FileId,
    /// The token in the address.
    pub token: String,
    /// Until when it does.
    pub expires_at: Millis,
}

/// A file with what only the server needs to know of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredFile {
    /// The file as others see it.
    pub file: File,
    /// The number of its row, by which jobs name it.
    pub number: i64,
    /// Who uploaded it.
    pub owner: UserId,
    /// The message that holds it; absent while it waits for one.
    pub place: Option<(ConversationId, Number)>,
    /// When it was uploaded.
    pub created_at: Millis,
    /// When it was given up: its message was deleted, or none came. Its bytes are being removed, and nobody may read it.
    pub gone_at: Option<Millis>,
}

/// A file that somebody wants to upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewFile {
    /// Its name.
    pub name: String,
    /// Its size in bytes, if the sender says it beforehand.
    pub size: Option<u64>,
}

/// A class of media types, by which an operator decides which files are accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileClass {
    /// Pictures that consist of pixels.
    Image,
    /// Sounds.
    Audio,
    /// Films.
    Video,
    /// PDF.
    Pdf,
    /// Documents, tables and presentations of office programs, and books.
    Office,
    /// Text of any kind: source code, HTML and SVG among them. It is never shown as what it describes.
    Text,
    /// Archives. They are never unpacked.
    Archive,
    /// Fonts.
    Font,
    /// Whatever is not recognised.
    Other,
}

impl FileClass {
    /// All classes.
    pub const ALL: [Self; 9] = [
        Self::Image,
        Self::Audio,
        Self::Video,
        Self::Pdf,
        Self::Office,
        Self::Text,
        Self::Archive,
        Self::Font,
        Self::Other,
    ];
    /// The classes that are accepted unless the configuration says otherwise.
    pub const USUAL: [Self; 7] =
        [Self::Image, Self::Audio, Self::Video, Self::Pdf, Self::Office, Self::Text, Self::Archive];

    /// The name in the configuration and in refusals.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Audio => "audio",
            Self::Video => "video",
            Self::Pdf => "pdf",
            Self::Office => "office",
            Self::Text => "text",
            Self::Archive => "archive",
            Self::Font => "font",
            Self::Other => "other",
        }
    }

    /// The class of this name, if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.name() == name)
    }
}

/// Media types that browsers may show by themselves. Everything else is offered for saving: a page or a drawing with
/// scripts must never run in this server's name.
const INLINE: &[&str] = &[
    "image/png",
    "image/jpeg",
    "image/gif",
    "image/webp",
    "image/avif",
    "audio/mpeg",
    "audio/m4a",
    "audio/ogg",
    "audio/opus",
    "audio/x-flac",
    "audio/x-wav",
    "audio/aac",
    "audio/webm",
    "video/mp4",
    "video/webm",
    "video/ogg",
    "video/quicktime",
    "application/pdf",
];

impl File {
    /// Whether browsers may show it by themselves, and need not save it.
    #[must_use]
    pub fn is_shown_inline(&self) -> bool {
        INLINE.contains(&self.media_type.as_str())
    }

    /// Its name and size, for those who know no files.
    #[must_use]
    pub fn called(&self) -> String {
        format!("📎 {} ({})", self.name, readable_size(self.size))
    }
}

/// A size for people: `1.2 MB`, by powers of 1,000.
#[must_use]
pub fn readable_size(bytes: i64) -> String {
    let bytes = bytes.max(0);
    let unit = |name: &str, one: i64| {
        let tenths = bytes.saturating_mul(10) / one;
        if tenths < 100 { format!("{}.{} {name}", tenths / 10, tenths % 10) } else { format!("{} {name}", tenths / 10) }
    };
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => unit("kB", 1_000),
        1_000_000..1_000_000_000 => unit("MB", 1_000_000),
        _ => unit("GB", 1_000_000_000),
    }
}

/// The last part of a path: clients that send one mean the file's name.
#[must_use]
pub fn base_name(name: &str) -> &str {
    name.rsplit(['/', '\\']).next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_said_in_one_unit() {
        let said = [0, 999, 1_000, 1_234, 99_999, 10_485_760, 5_368_709_120].map(readable_size);
        assert_eq!(said, ["0 B", "999 B", "1.0 kB", "1.2 kB", "99 kB", "10 MB", "5.3 GB"]);
    }

    #[test]
    fn of_a_path_only_its_last_part_is_the_name() {
        for (path, name) in
            [("a.png", "a.png"), ("C:\\fakepath\\a.png", "a.png"), ("../../etc/passwd", "passwd"), ("a/", "")]
        {
            assert_eq!(base_name(path), name);
        }
    }

    #[test]
    fn classes_are_found_by_their_names() {
        for class in FileClass::ALL {
            assert_eq!(FileClass::from_name(class.name()), Some(class));
        }
        assert_eq!(FileClass::from_name("program"), None);
    }

    #[test]
    fn pages_and_drawings_with_scripts_are_never_shown_inline() {
        let file = |media_type: &str| File {
            id: FileId::of([0; 16]),
            name: "a".into(),
            media_type: media_type.into(),
            size: 1,
            sha256: String::new(),
            pixels: None,
            blurhash: None,
            voice: None,
        };
        for shown in ["image/png", "video/mp4", "application/pdf"] {
            assert!(file(shown).is_shown_inline(), "{shown}");
        }
        for saved in ["image/svg+xml", "text/html", "text/plain; charset=utf-8", "application/zip", ""] {
            assert!(!file(saved).is_shown_inline(), "{saved}");
        }
    }
}
