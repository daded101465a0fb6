//! The bytes of files, which backups take along: beside each backup is a folder with those that its messages hold.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, ensure};
use blobs::Folder;
use chat::files::StoredFile;
use store::Db;

/// Rows that are read together.
const PAGE: i64 = 1_000;

/// How many files were brought along, and how many have no bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Brought {
    /// Files with all their bytes.
    pub files: u64,
    /// Files that were not found, or have another size: some may have been deleted meanwhile.
    pub missing: u64,
}

/// The folder of the files of a backup: `FILE.files`.
pub(super) fn beside(backup: &Path) -> PathBuf {
    let mut name = OsString::from(backup.as_os_str());
    name.push(".files");
    PathBuf::from(name)
}

/// Brings the files of a database from one folder to another. What the folder of an earlier backup has is taken from
/// there, so that it takes no room twice.
pub(super) async fn bring(db: &Db, from: &Path, earlier: Option<&Path>, to: &Path) -> anyhow::Result<Brought> {
    let (source, target) = (Folder::at(from), Folder::at(to));
    let sources: Vec<Folder> = earlier.map(Folder::at).into_iter().chain([source]).collect();
    let (mut brought, mut last) = (Brought::default(), 0);
    loop {
        let page = store::files::page(&mut *db.read().await?, last, PAGE).await?;
        let Some(newest) = page.last() else { return Ok(brought) };
        last = newest.number;
        for stored in &page {
            if bring_one(stored, &sources, &target)? { brought.files += 1 } else { brought.missing += 1 }
        }
    }
}

/// Whether one of the folders had the file.
fn bring_one(stored: &StoredFile, sources: &[Folder], target: &Folder) -> anyhow::Result<bool> {
    let id = stored.file.id;
    for source in sources {
        let is_whole = source.size_of(id).is_ok_and(|size| i64::try_from(size) == Ok(stored.file.size));
        if is_whole {
            source.bring(id, target).with_context(|| format!("the file {id} cannot be brought along"))?;
            return Ok(true);
        }
    }
    Ok(false)
}

/// The folder of the newest backup beside this one, if there is one.
pub(super) fn earlier(backup: &Path) -> Option<PathBuf> {
    let folder = backup.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folders = fs::read_dir(folder).ok()?.flatten().filter(|entry| {
        entry.file_name().to_string_lossy().ends_with(".backup.files") && entry.path() != beside(backup)
    });
    folders.max_by_key(|entry| entry.metadata().and_then(|metadata| metadata.modified()).ok()).map(|entry| entry.path())
}

/// Makes sure that the folder of a backup's files is not there yet.
pub(super) fn refuse_another(folder: &Path) -> anyhow::Result<()> {
    ensure!(!folder.exists(), "{} is there already; remove it, or name another file", folder.display());
    Ok(())
}
