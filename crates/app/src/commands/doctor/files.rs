//! The files that messages hold: whether all that the database knows are where they are kept, whether there are others,
//! whether the store can be reached, and the scanner.

use blobs::{Blobs, Folder, Scanner};
use chat::FileId;
use futures_util::{StreamExt as _, stream};
use std::time::Duration;

use super::finding::Finding;
use crate::{
    config::{Config, FilesPlace},
    parts,
};

const CHECK: &str = "files";
/// Rows that are read together.
const PAGE: i64 = 1_000;
/// Blobs that are looked at together.
const LIST: usize = 1_000;
/// Files that are named.
const NAMED: usize = 5;
/// Files that are asked after at once, where they are far away.
const AT_ONCE: usize = 16;
/// A younger file may belong to an upload that is under way.
const AGE: Duration = Duration::from_secs(86_400);

/// Looks at every file of a database that can be read; of others nothing is said here.
pub(super) async fn examine(config: &Config) -> Vec<Finding> {
    let mut findings = scanner(config).await;
    let shown = config.files_place().to_string();
    if let Some(problem) = unreachable(config, &shown).await {
        findings.push(problem);
        return findings;
    }
    let (Ok(blobs), Ok(db)) = (parts::blobs(config), parts::database(config).await) else { return findings };
    let folder = match config.files_place() {
        FilesPlace::Folder(path) => Some(Folder::at(&path)),
        FilesPlace::Bucket { .. } => None,
    };
    let looked = look(&db, &*blobs, folder.as_ref()).await;
    let strays = strays(&db, &*blobs).await;
    db.close().await;
    findings.extend(looked.ok().map(|(count, missing)| judge(count, &missing, &shown)));
    findings.extend(strays.filter(|count| *count > 0).map(|count| {
        let says = format!("{count} in {shown} are not known to the database, and older than a day");
        Finding::note(CHECK, format!("{says}; the server's sweep removes what has no row twice, an hour apart"))
    }));
    findings
}

fn judge(count: usize, missing: &[FileId], shown: &str) -> Finding {
    if missing.is_empty() {
        return Finding::good(CHECK, format!("{count} files, all in {shown}"));
    }
    let named: Vec<String> = missing.iter().take(NAMED).map(FileId::to_string).collect();
    Finding::problem(
        CHECK,
        format!("{} of {count} files are not whole in {shown}: {} …", missing.len(), named.join(", ")),
        "let all nodes have the same place (data.files); what is lost is in the folder beside a backup, FILE.files",
    )
}

/// Whether the bucket can be used; a folder is looked at with its files.
async fn unreachable(config: &Config, shown: &str) -> Option<Finding> {
    let bucket = match parts::bucket(config) {
        Ok(bucket) => bucket?,
        Err(why) => return Some(Finding::problem(CHECK, why.to_string(), "set s3.endpoint to the URL of the store")),
    };
    let why = bucket.check().await.err()?;
    Some(Finding::problem(
        CHECK,
        format!("{shown} cannot be used: {why}"),
        "see that the store runs, that the bucket is there, that s3.access_key may list it and get, put and delete its \
         objects, and that this machine's clock is right; meanwhile files are refused, and nothing is lost",
    ))
}

async fn scanner(config: &Config) -> Vec<Finding> {
    let Some(address) = config.data.scanner.clone() else { return Vec::new() };
    vec![match Scanner::at(address).version().await {
        Ok(version) => Finding::good("scanner", version),
        Err(why) if config.data.accept_unscanned => {
            Finding::warning("scanner", format!("{why}; files are accepted unscanned"), "see that clamd runs")
        }
        Err(why) => {
            Finding::problem("scanner", format!("{why}; files are refused"), "see that clamd runs, and data.scanner")
        }
    }]
}

/// How many files there are, and which of them are not there with all their bytes.
async fn look(db: &store::Db, blobs: &dyn Blobs, folder: Option<&Folder>) -> store::Result<(usize, Vec<FileId>)> {
    let (mut count, mut missing, mut last) = (0, Vec::new(), 0);
    loop {
        let page = store::files::page(&mut *db.read().await?, last, PAGE).await?;
        let Some(newest) = page.last() else { return Ok((count, missing)) };
        last = newest.number;
        count += page.len();
        let sizes = stream::iter(&page).map(async |stored| {
            let size = match folder {
                Some(folder) => folder.size_of(stored.file.id),
                None => blobs.open(stored.file.id).await.map(|reading| reading.size()),
            };
            let is_whole = size.is_ok_and(|found| i64::try_from(found) == Ok(stored.file.size));
            (!is_whole).then_some(stored.file.id)
        });
        missing.extend(sizes.buffered(AT_ONCE).filter_map(async |wrong| wrong).collect::<Vec<_>>().await);
    }
}

/// How many blobs have no row, if they can be listed.
async fn strays(db: &store::Db, blobs: &dyn Blobs) -> Option<usize> {
    let (mut count, mut last) = (0, None);
    loop {
        let page = blobs.list(last, AGE, LIST).await.ok()?;
        let Some(newest) = page.last() else { return Some(count) };
        last = Some(*newest);
        let rows = store::files::known_blobs(&mut *db.read().await.ok()?, &page).await.ok()?;
        count += page.len() - rows.len();
    }
}
