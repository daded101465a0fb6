//! The files that messages hold: whether all that the database knows are in their folder.

use blobs::Folder;
use chat::FileId;

use super::finding::Finding;
use crate::{config::Config, parts};

const CHECK: &str = "files";
/// Rows that are read together.
const PAGE: i64 = 1_000;
/// Files that are named.
const NAMED: usize = 5;

/// Looks at every file of a database that can be read; of others nothing is said here.
pub(super) async fn examine(config: &Config) -> Option<Finding> {
    let (folder, shown) = (Folder::at(&config.files_folder()), config.files_folder().display().to_string());
    let db = parts::database(config).await.ok()?;
    let looked = look(&db, &folder).await;
    db.close().await;
    let (count, missing) = looked.ok()?;
    if missing.is_empty() {
        return Some(Finding::good(CHECK, format!("{count} files, all in {shown}")));
    }
    let named: Vec<String> = missing.iter().take(NAMED).map(FileId::to_string).collect();
    Some(Finding::problem(
        CHECK,
        format!("{} of {count} files are not whole in {shown}: {} …", missing.len(), named.join(", ")),
        "let all nodes have the same folder (data.files); what is lost is in the folder beside a backup, FILE.files",
    ))
}

/// How many files there are, and which of them are not there with all their bytes.
async fn look(db: &store::Db, folder: &Folder) -> store::Result<(usize, Vec<FileId>)> {
    let (mut count, mut missing, mut last) = (0, Vec::new(), 0);
    loop {
        let page = store::files::page(&mut *db.read().await?, last, PAGE).await?;
        let Some(newest) = page.last() else { return Ok((count, missing)) };
        last = newest.number;
        count += page.len();
        let is_whole = |id, size| folder.size_of(id).is_ok_and(|found| i64::try_from(found) == Ok(size));
        let wrong = page.iter().filter(|stored| !is_whole(stored.file.id, stored.file.size));
        missing.extend(wrong.map(|stored| stored.file.id));
    }
}
