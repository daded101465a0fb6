//! `[data]`: where files are kept.

use std::{fmt, path::PathBuf};

use blobs::scanner::ScannerAddress;
use chat::files::FileClass;

use super::key::{Key, text};

/// Where files are kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Data {
    /// The folder of the server's secrets and, unless configured otherwise, of its database.
    pub dir: PathBuf,
    /// Where the files are that messages carry, if it is another place than `files` in `dir`.
    pub files: Option<FilesPlace>,
    /// The classes of files that are accepted.
    pub file_types: Vec<FileClass>,
    /// The scanner of files before they can be read, if there is one.
    pub scanner: Option<ScannerAddress>,
    /// Whether files are accepted unscanned while the scanner is away.
    pub accept_unscanned: bool,
}

impl Default for Data {
    fn default() -> Self {
        let file_types = FileClass::USUAL.to_vec();
        Self { dir: PathBuf::from("./data"), files: None, file_types, scanner: None, accept_unscanned: false }
    }
}

/// Where files are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FilesPlace {
    /// In a folder.
    Folder(PathBuf),
    /// In a bucket of the store that `[s3]` describes, under names that begin with a prefix, which may be empty.
    Bucket {
        /// The bucket.
        name: String,
        /// The beginning of the names.
        prefix: String,
    },
}

impl fmt::Display for FilesPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(path) => path.display().fmt(f),
            Self::Bucket { name, prefix } if prefix.is_empty() => write!(f, "s3://{name}"),
            Self::Bucket { name, prefix } => write!(f, "s3://{name}/{prefix}"),
        }
    }
}

pub(super) fn keys() -> Vec<Key> {
    vec![
        Key::new(
            "data",
            "dir",
            "The folder of the server's secrets and of its SQLite file. Made on first start, for its owner only.",
            "a path",
            |_, config, input| path(input.text()?).map(|path| config.data.dir = path),
            |_, config| text(&config.data.dir.display()),
        ),
        Key::new(
            "data",
            "files",
            "Where the files are that messages carry: a folder, or a bucket of the store that `[s3]` describes. Several \
             nodes need one that they share. A folder is made for its owner only.",
            "a path, or s3://BUCKET or s3://BUCKET/PREFIX",
            |_, config, input| files_place(input.text()?).map(|place| config.data.files = Some(place)),
            |_, config| config.data.files.as_ref().and_then(text),
        )
        .unset("\"./data/files\"", "`files` in `data.dir`"),
        Key::new(
            "data",
            "file_types",
            "The types of files that people may send. A file's type is told by its first bytes; its name does not count. \
             Source code, HTML and SVG are text, and programs are among the others. Nothing is ever executed or unpacked.",
            "a list of image, audio, video, pdf, office, text, archive, font and other",
            |_, config, input| classes(&input.list()?).map(|classes| config.data.file_types = classes),
            |_, config| {
                Some(config.data.file_types.iter().map(|class| class.name().to_owned()).collect::<Vec<_>>().into())
            },
        ),
        Key::new(
            "data",
            "scanner",
            "What scans files before anybody can read them: a clamd. What it finds infected is refused. Its \
             StreamMaxLength must not be below `limits.file_bytes`.",
            "tcp://HOST:PORT, or unix:PATH",
            |_, config, input| scanner(input.text()?).map(|address| config.data.scanner = Some(address)),
            |_, config| match config.data.scanner.as_ref()? {
                ScannerAddress::Tcp(address) => Some(format!("tcp://{address}").into()),
                ScannerAddress::Unix(path) => Some(format!("unix:{}", path.display()).into()),
            },
        )
        .unset("\"unix:/run/clamav/clamd.ctl\"", "no scanner"),
        Key::new(
            "data",
            "accept_unscanned",
            "Whether files are accepted unscanned while the scanner is away; if not, uploads are refused meanwhile.",
            "true or false",
            |_, config, input| input.boolean().map(|on| config.data.accept_unscanned = on),
            |_, config| Some(config.data.accept_unscanned.into()),
        ),
    ]
}

fn files_place(place: &str) -> Result<FilesPlace, String> {
    let Some(rest) = place.trim().strip_prefix("s3://") else { return path(place).map(FilesPlace::Folder) };
    let (name, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    let prefix = prefix.trim_end_matches('/');
    let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-".contains(c);
    if !(3..=63).contains(&name.len()) || !name.chars().all(is_name) {
        return Err("does not name a bucket: 3 to 63 small letters, digits, dots and hyphens".to_owned());
    }
    let is_letter = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let is_part = |part: &str| !["", ".", ".."].contains(&part) && part.chars().all(is_letter);
    if !prefix.is_empty() && !prefix.split('/').all(is_part) {
        return Err("has a prefix with something else than letters, digits, dots, hyphens and slashes".to_owned());
    }
    Ok(FilesPlace::Bucket { name: name.to_owned(), prefix: prefix.to_owned() })
}

fn scanner(address: &str) -> Result<ScannerAddress, String> {
    if let Some(socket) = address.strip_prefix("unix:") {
        return path(socket).map(ScannerAddress::Unix);
    }
    let place = address.strip_prefix("tcp://").ok_or("is neither tcp:// nor unix:")?;
    let is_good = place.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
    if is_good { Ok(ScannerAddress::Tcp(place.to_owned())) } else { Err("has no host with a port".to_owned()) }
}

fn path(text: &str) -> Result<PathBuf, String> {
    if text.trim().is_empty() || text.contains('\0') {
        Err("is not a path".to_owned())
    } else {
        Ok(PathBuf::from(text))
    }
}

fn classes(names: &[String]) -> Result<Vec<FileClass>, String> {
    let class = |name: &String| FileClass::from_name(name).ok_or_else(|| format!("has {name:?}, which is no type"));
    names.iter().map(class).collect()
}
