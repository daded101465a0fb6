//! Pictures made smaller. Their rows are written with that of their file, after their bytes, and are removed with it.

use std::collections::HashSet;

use chat::{
    FileId, UserId,
    files::{Thumbnail, ThumbnailSize},
};

use super::Id;
use crate::{Conn, Error, Result, appends::json, appends::json_ids, unreadable};

statements! {
    INSERT = "INSERT INTO thumbnails (file, size, owner_id, id, media_type, bytes) VALUES ($1, $2, $3, $4, $5, $6)";
    OF_FILES = "SELECT file, size, id, media_type, bytes FROM thumbnails
                WHERE file IN (SELECT CAST(j.value ->> 'v' AS BIGINT) FROM json_each($1) AS j) ORDER BY file, size";
    FORGET = "DELETE FROM thumbnails WHERE file = $1";
    KNOWN = "SELECT id FROM thumbnails WHERE id IN (SELECT j.value ->> 'v' FROM json_each($1) AS j)";
}

type Row = (i64, String, String, String, i64);

fn read((file, size, id, media_type, bytes): Row) -> Result<Thumbnail> {
    let wrong = |what: &str| Error::Unreadable { table: "thumbnails", id: file, what: what.into() };
    let size = ThumbnailSize::from_name(&size).ok_or_else(|| wrong("size"))?;
    let id = FileId::parse(&id).ok_or_else(|| wrong("id"))?;
    Ok(Thumbnail { id, size, media_type, bytes })
}

/// Stores those of a file.
///
/// # Errors
/// Those of the database.
pub async fn add(conn: &mut Conn, file: i64, owner: UserId, thumbnails: &[Thumbnail]) -> Result<()> {
    for one in thumbnails {
        let (size, id) = (one.size.name(), one.id.to_string());
        sql!(conn, execute, INSERT, file, size, owner.0, id, &one.media_type, one.bytes)?;
    }
    Ok(())
}

/// Those of these files, by the numbers of the files.
///
/// # Errors
/// Those of the database.
pub async fn of(conn: &mut Conn, files: impl Iterator<Item = i64>) -> Result<Vec<Thumbnail>> {
    unreadable::readable(sql!(conn, fetch_all as Row, OF_FILES, json_ids(files)?)?, read)
}

/// Forgets those of a file, after their bytes were removed.
///
/// # Errors
/// Those of the database.
pub async fn forget(conn: &mut Conn, file: i64) -> Result<()> {
    sql!(conn, execute, FORGET, file)?;
    Ok(())
}

/// Which of these are thumbnails.
pub(super) async fn known(conn: &mut Conn, ids: &[FileId]) -> Result<HashSet<FileId>> {
    let ids = json(&ids.iter().map(|id| Id { v: id.to_string() }).collect::<Vec<_>>())?;
    let rows = sql!(conn, fetch_all as (String,), KNOWN, ids)?;
    Ok(rows.into_iter().filter_map(|(id,)| FileId::parse(&id)).collect())
}
