//! A folder for what tests write, in memory where there is enough: a database waits for its disk with each commit, and a
//! test that does is slow without being any truer. That commits are flushed is proven by `chaos` alone, on a disk.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use anyhow::Context as _;

use crate::postgres::remove_left_over;

/// Linux' file system in memory.
const MEMORY: &str = "/dev/shm";
/// So much must be free there, in bytes; containers often have less.
const ENOUGH: u64 = 4 << 30;
/// The prefix of its folders.
const PREFIX: &str = "palabre-check-scratch-";

static FOLDER: OnceLock<PathBuf> = OnceLock::new();

/// This process's folder, for `TMPDIR`. It is made when it is first asked for.
///
/// # Errors
/// If it cannot be made.
pub fn folder() -> anyhow::Result<&'static Path> {
    if let Some(folder) = FOLDER.get() {
        return Ok(folder);
    }
    let place = if has_room() { PathBuf::from(MEMORY) } else { std::env::temp_dir() };
    remove_left_over(&place, PREFIX);
    let folder = place.join(format!("{PREFIX}{}", std::process::id()));
    fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    Ok(FOLDER.get_or_init(|| folder))
}

/// Removes it with all that tests have left in it. A run that is killed leaves it to the next.
pub fn remove() {
    if let Some(folder) = FOLDER.get() {
        let _ = fs::remove_dir_all(folder);
    }
}

fn has_room() -> bool {
    rustix::fs::statvfs(MEMORY).is_ok_and(|there| there.f_bavail.saturating_mul(there.f_frsize) >= ENOUGH)
}
