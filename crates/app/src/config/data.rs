//! `[data]`: where files are kept.

use std::path::PathBuf;

use chat::files::FileClass;

use super::key::{Key, text};

/// Where files are kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Data {
    /// The folder of the server's secrets and, unless configured otherwise, of its database.
    pub dir: PathBuf,
    /// The folder of the files that messages carry, if it is another than `files` in `dir`.
    pub files: Option<PathBuf>,
    /// The classes of files that are accepted.
    pub file_types: Vec<FileClass>,
}

impl Default for Data {
    fn default() -> Self {
        Self { dir: PathBuf::from("./data"), files: None, file_types: FileClass::USUAL.to_vec() }
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
            "The folder of the files that messages carry. Several nodes need one that they share. Made with the first \
             file, for its owner only.",
            "a path",
            |_, config, input| path(input.text()?).map(|path| config.data.files = Some(path)),
            |_, config| config.data.files.as_ref().and_then(|path| text(&path.display())),
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
    ]
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
