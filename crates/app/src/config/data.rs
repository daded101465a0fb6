//! `[data]`: where files are kept.

use std::path::PathBuf;

use super::key::{Key, text};

/// Where files are kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Data {
    /// The folder of the server's secrets and, unless configured otherwise, of its database.
    pub dir: PathBuf,
}

impl Default for Data {
    fn default() -> Self {
        Self { dir: PathBuf::from("./data") }
    }
}

pub(super) fn keys() -> Vec<Key> {
    vec![Key::new(
        "data",
        "dir",
        "The folder of the server's secrets and of its SQLite file. Made on first start, for its owner only.",
        "a path",
        |_, config, input| {
            let path = input.text()?;
            if path.trim().is_empty() || path.contains('\0') {
                return Err("is not a path".to_owned());
            }
            config.data.dir = PathBuf::from(path);
            Ok(())
        },
        |_, config| text(&config.data.dir.display()),
    )]
}
