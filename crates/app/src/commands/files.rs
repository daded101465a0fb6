//! The bytes of files, which backups take along: beside each backup is a folder with those that its messages hold.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context as _, ensure};
use blobs::{Blobs, Folder, carry};
use chat::FileId;
use futures_util::{StreamExt as _, stream};
use store::Db;

use crate::{
    config::{Config, FilesPlace},
    parts,
};

/// Rows that are read together.
const PAGE: i64 = 1_000;
/// Files that are carried at once from or to a store that is far away.
const AT_ONCE: usize = 8;

/// How many files were brought along, and how many have no bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Brought {
    /// Files with all their bytes.
    pub files: u64,
    /// Files that were not found, or have another size: some may have been deleted meanwhile.
    pub missing: u64,
}

/// Where files are brought from or to.
#[derive(Clone)]
pub(super) enum Place {
    /// A folder; between two, files are linked where they can be.
    Folder(Folder),
    /// Another store.
    Store(Arc<dyn Blobs>),
}

impl Place {
    /// Where the files of this configuration are.
    pub(super) fn of(config: &Config) -> anyhow::Result<Self> {
        Ok(match config.files_place() {
            FilesPlace::Folder(path) => Self::folder(&path),
            FilesPlace::Bucket { .. } => Self::Store(parts::blobs(config)?),
        })
    }

    /// A folder.
    pub(super) fn folder(path: &Path) -> Self {
        Self::Folder(Folder::at(path))
    }

    fn blobs(&self) -> &dyn Blobs {
        match self {
            Self::Folder(folder) => folder,
            Self::Store(store) => &**store,
        }
    }
}

/// The folder of the files of a backup: `FILE.files`.
pub(super) fn beside(backup: &Path) -> PathBuf {
    let mut name = OsString::from(backup.as_os_str());
    name.push(".files");
    PathBuf::from(name)
}

/// Brings the files of a database from one place to another. What the folder of an earlier backup has is taken from
/// there, so that it takes no room and no time twice.
pub(super) async fn bring(db: &Db, from: &Place, earlier: Option<&Path>, to: &Place) -> anyhow::Result<Brought> {
    let sources: Vec<Place> = earlier.map(Place::folder).into_iter().chain([from.clone()]).collect();
    let (mut brought, mut last) = (Brought::default(), 0);
    loop {
        let mut conn = db.read().await?;
        let page = store::files::page(&mut conn, last, PAGE).await?;
        let Some(newest) = page.last() else { return Ok(brought) };
        last = newest.number;
        let smaller = store::files::thumbnails::of(&mut conn, page.iter().map(|stored| stored.number)).await?;
        drop(conn);
        let blobs = page.iter().map(|stored| (stored.file.id, stored.file.size));
        let mut under_way = stream::iter(blobs.map(|blob| bring_one(blob, &sources, to))).buffer_unordered(AT_ONCE);
        while let Some(has_come) = under_way.next().await {
            if has_come? { brought.files += 1 } else { brought.missing += 1 }
        }
        // Without its thumbnails a picture is shown as it is: nothing is missing.
        let blobs = smaller.iter().map(|thumbnail| (thumbnail.id, thumbnail.bytes));
        let mut under_way = stream::iter(blobs.map(|blob| bring_one(blob, &sources, to))).buffer_unordered(AT_ONCE);
        while let Some(has_come) = under_way.next().await {
            has_come?;
        }
    }
}

/// Whether one of the places had the blob of this size.
async fn bring_one((id, size): (FileId, i64), sources: &[Place], target: &Place) -> anyhow::Result<bool> {
    let size = u64::try_from(size).unwrap_or_default();
    for source in sources {
        let brought = match (source, target) {
            (Place::Folder(source), Place::Folder(target)) => {
                let (source, target) = (source.clone(), target.clone());
                // Each waits for the disk: several share a flush.
                tokio::task::spawn_blocking(move || match source.size_of(id)? {
                    found if found == size => source.bring(id, &target),
                    _ => Err(blobs::Error::NotFound),
                })
                .await?
            }
            _ => carry(id, size, source.blobs(), target.blobs()).await,
        };
        match brought {
            Ok(()) => return Ok(true),
            Err(blobs::Error::NotFound) => {}
            Err(error) => return Err(error).with_context(|| format!("the file {id} cannot be brought along")),
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
