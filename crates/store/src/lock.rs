//! One server for a SQLite file: advisory locks, which the kernel takes back at any death.
//!
//! Two servers on one file would store everything, and their people would hear each other late. What holds is a lock on
//! the file itself (`flock`, of which SQLite's own locks know nothing), whatever name or link leads to it. A file beside
//! it, locked first, says by whom it is held.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read as _, Seek as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use crate::{Error, Result, db};

/// A held lock. Dropping it gives it back; not while the database is open: closing any descriptor of its file would
/// take SQLite's own locks away from this process.
#[derive(Debug)]
pub struct Lock {
    /// Beside the database.
    file: File,
    /// The database itself.
    _database: File,
}

impl Lock {
    /// Locks the SQLite file of a URL, and writes down who holds it. Of PostgreSQL, which many nodes share, none is
    /// taken.
    ///
    /// # Errors
    /// [`Error::Held`] with what its holder wrote down; or what is wrong with the folder.
    pub fn take(url: &str, holder: &str) -> Result<Option<Self>> {
        if !url.starts_with("sqlite:") {
            return Ok(None);
        }
        let options = db::sqlite_options(url)?;
        let path = beside(options.get_filename())?;
        let (mut file, is_free) = try_lock(&path)?;
        if !is_free {
            let mut holder = String::new();
            // The holder's name is for people: without it, it is enough to know that the lock is held.
            let _unknown = file.read_to_string(&mut holder);
            return Err(Error::Held(holder.trim().to_owned()));
        }
        let (database, is_free) = try_lock(options.get_filename())?;
        if !is_free {
            return Err(Error::Held(
                "a server that came to it by another way, or whose lock file was removed".to_owned(),
            ));
        }
        let mut lock = Self { file, _database: database };
        lock.describe(holder);
        Ok(Some(lock))
    }

    /// Writes down who holds it. On a full disk it is held all the same.
    pub fn describe(&mut self, holder: &str) {
        let written = self
            .file
            .set_len(0)
            .and_then(|()| self.file.rewind())
            .and_then(|()| self.file.write_all(holder.as_bytes()));
        if let Err(error) = written {
            tracing::warn!(%error, "who holds the database could not be written down");
        }
    }
}

/// Opens a file, makes it if it is not there, and locks it; false if somebody else has.
fn try_lock(path: &Path) -> Result<(File, bool)> {
    let said = |error: io::Error| Error::Other(explain(path, &error));
    let mut open = OpenOptions::new();
    // For its owner only.
    open.read(true).write(true).create(true).truncate(false).mode(0o600);
    let file = open.open(path).map_err(said)?;
    match file.try_lock() {
        Ok(()) => Ok((file, true)),
        Err(TryLockError::WouldBlock) => Ok((file, false)),
        Err(TryLockError::Error(error)) => Err(said(error)),
    }
}

/// The lock of a SQLite file, wherever links lead to it.
fn beside(file: &Path) -> Result<PathBuf> {
    let said = |error: io::Error| Error::Other(explain(file, &error));
    let real = match file.canonicalize() {
        Ok(real) => real,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            folder.canonicalize().map_err(said)?.join(file.file_name().unwrap_or_default())
        }
        Err(error) => return Err(said(error)),
    };
    let mut name = real.into_os_string();
    name.push(".lock");
    Ok(name.into())
}

fn explain(path: &Path, error: &io::Error) -> String {
    let path = path.display();
    match error.kind() {
        io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => {
            format!("{path}: the folder of the database cannot be written to ({error}); the server needs to")
        }
        io::ErrorKind::Unsupported => format!(
            "{path}: this file system knows no locks ({error}), as some network file systems do not; put the database \
             on a disk of this machine"
        ),
        _ => format!("{path} cannot be locked: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_held_once_whatever_path_leads_to_it() {
        let folder = std::env::temp_dir().join(format!("palabre-lock-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("data")).unwrap();
        let link = folder.join("link");
        let _other_run = std::fs::remove_file(&link);
        std::os::unix::fs::symlink(folder.join("data"), &link).unwrap();
        let url = |path: &Path| format!("sqlite:{}", path.display());
        let (direct, other) = (url(&folder.join("data/palabre.db")), url(&link.join("palabre.db")));
        let mut held = Lock::take(&direct, "nobody yet").unwrap().unwrap();
        held.describe("pid 7, at 127.0.0.1:8080");
        for way in [&direct, &other] {
            match Lock::take(way, "another") {
                Err(Error::Held(by)) => assert_eq!(by, "pid 7, at 127.0.0.1:8080"),
                other => panic!("{other:?}"),
            }
        }
        drop(held);
        let again = Lock::take(&other, "the next").unwrap();
        assert!(again.is_some());
        // A name of its own in another folder, and a lock file that somebody has removed.
        let hard = folder.join("hard.db");
        std::fs::hard_link(folder.join("data/palabre.db"), &hard).unwrap();
        assert!(matches!(Lock::take(&url(&hard), "another"), Err(Error::Held(_))));
        std::fs::remove_file(folder.join("data/palabre.db.lock")).unwrap();
        assert!(matches!(Lock::take(&direct, "another"), Err(Error::Held(_))));
        drop(again);
        // A link to what is not there yet.
        let (later, target) = (folder.join("later.db"), folder.join("target.db"));
        std::os::unix::fs::symlink(&target, &later).unwrap();
        let first = Lock::take(&url(&later), "the first").unwrap();
        assert!(first.is_some() && matches!(Lock::take(&url(&target), "another"), Err(Error::Held(_))));
        assert!(Lock::take("postgres://localhost/x", "a node").unwrap().is_none());
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
