//! Uploads in parts: rows and statements. A part's row is written after its bytes, and by it the upload has grown; both
//! are removed once the upload is a file or was given up.

use std::collections::HashSet;

use chat::{FileId, Millis, UserId, uploads::NewUpload};
use serde::Serialize;
use sqlx::FromRow;

use crate::{Conn, Error, Result, appends::json, unreadable};

/// The columns of [`Row`].
macro_rules! columns {
    () => {
        "number, id, owner_id, name, size, received, expires_at, gone_at"
    };
}

statements! {
    INSERT = "INSERT INTO uploads (number, id, owner_id, name, size, created_at, expires_at)
              VALUES ($1, $2, $3, $4, $5, $6, $7)";
    BY_ID = concat!("SELECT ", columns!(), " FROM uploads WHERE id = $1");
    BY_NUMBER = concat!("SELECT ", columns!(), " FROM uploads WHERE number = $1");
    /// Of two requests that continue from the same place, one does.
    GROW = "UPDATE uploads SET received = received + $3, parts = parts + $4
            WHERE number = $1 AND received = $2 AND received + $3 <= size AND gone_at IS NULL RETURNING parts";
    ADD_PARTS = "INSERT INTO upload_parts (upload, nth, id, size)
                 SELECT CAST($1 AS BIGINT), CAST(j.value ->> 'n' AS BIGINT), j.value ->> 'i', CAST(j.value ->> 's' AS BIGINT)
                 FROM json_each($2) AS j";
    PARTS = "SELECT id, size FROM upload_parts WHERE upload = $1 ORDER BY nth";
    END = "UPDATE uploads SET gone_at = $2 WHERE number = $1 AND gone_at IS NULL";
    FORGET_PARTS = "DELETE FROM upload_parts WHERE upload = $1";
    FORGET = "DELETE FROM uploads WHERE number = $1 AND gone_at IS NOT NULL";
    RESERVED_BY = "SELECT COUNT(*), CAST(COALESCE(SUM(size), 0) AS BIGINT) FROM uploads
                   WHERE owner_id = $1 AND gone_at IS NULL";
    RESERVED = "SELECT CAST(COALESCE(SUM(size), 0) AS BIGINT) FROM uploads WHERE gone_at IS NULL";
    KNOWN = "SELECT id FROM upload_parts WHERE id IN (SELECT j.value ->> 'v' FROM json_each($1) AS j)";
}

/// An upload with what only the server needs to know of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredUpload {
    /// The number of its row, by which jobs name it.
    pub number: i64,
    /// Its id, which the file gets.
    pub id: FileId,
    /// Who uploads it.
    pub owner: UserId,
    /// The name of the file.
    pub name: String,
    /// Bytes of the whole.
    pub size: i64,
    /// Bytes that have come.
    pub received: i64,
    /// When it is given up.
    pub expires_at: Millis,
    /// When it became a file or was given up.
    pub gone_at: Option<Millis>,
}

#[derive(FromRow)]
struct Row {
    number: i64,
    id: String,
    owner_id: i64,
    name: String,
    size: i64,
    received: i64,
    expires_at: i64,
    gone_at: Option<i64>,
}

impl Row {
    fn read(self) -> Result<StoredUpload> {
        let Some(id) = FileId::parse(&self.id) else {
            return Err(Error::Unreadable { table: "uploads", id: self.number, what: "id".into() });
        };
        Ok(StoredUpload {
            number: self.number,
            id,
            owner: UserId(self.owner_id),
            name: self.name,
            size: self.size,
            received: self.received,
            expires_at: Millis(self.expires_at),
            gone_at: self.gone_at.map(Millis),
        })
    }
}

/// A part whose bytes are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// The id of its bytes.
    pub id: FileId,
    /// How many there are.
    pub size: i64,
}

#[derive(Serialize)]
struct NewPart {
    n: i64,
    i: String,
    s: i64,
}

#[derive(Serialize)]
struct Id {
    v: String,
}

/// Begins an upload now. Returns its number.
///
/// # Errors
/// Those of the database.
pub async fn add(
    conn: &mut Conn,
    (id, owner): (FileId, UserId),
    new: &NewUpload,
    now: Millis,
    expires_at: Millis,
) -> Result<i64> {
    let number = conn.next_id("upload").await?;
    sql!(conn, execute, INSERT, number, id.to_string(), owner.0, &new.name, new.size, now.0, expires_at.0)?;
    Ok(number)
}

/// The upload of this id, whoever it belongs to.
///
/// # Errors
/// Those of the database.
pub async fn by_id(conn: &mut Conn, id: FileId) -> Result<Option<StoredUpload>> {
    sql!(conn, fetch_optional as Row, BY_ID, id.to_string())?.map(Row::read).transpose()
}

/// The upload of this number.
///
/// # Errors
/// Those of the database.
pub async fn by_number(conn: &mut Conn, number: i64) -> Result<Option<StoredUpload>> {
    sql!(conn, fetch_optional as Row, BY_NUMBER, number)?.map(Row::read).transpose()
}

/// Adds parts behind so many bytes that have come. False if it has come to another place meanwhile, or is gone: then
/// nothing was added.
///
/// # Errors
/// Those of the database.
pub async fn grow(conn: &mut Conn, number: i64, from: i64, parts: &[Part]) -> Result<bool> {
    let (bytes, count) = (parts.iter().map(|part| part.size).sum::<i64>(), i64::try_from(parts.len()).unwrap_or(0));
    let Some((all,)) = sql!(conn, fetch_optional as (i64,), GROW, number, from, bytes, count)? else {
        return Ok(false);
    };
    let new = |(n, part): (i64, &Part)| NewPart { n, i: part.id.to_string(), s: part.size };
    let rows: Vec<NewPart> = (all - count..).zip(parts).map(new).collect();
    sql!(conn, execute, ADD_PARTS, number, json(&rows)?)?;
    Ok(true)
}

/// The parts of an upload, in their order.
///
/// # Errors
/// Those of the database, also if one of them cannot be read: an upload with a gap is none.
pub async fn parts(conn: &mut Conn, number: i64) -> Result<Vec<Part>> {
    let rows = sql!(conn, fetch_all as (String, i64), PARTS, number)?;
    let read = |(id, size): (String, i64)| match FileId::parse(&id) {
        Some(id) => Ok(Part { id, size }),
        None => Err(Error::Unreadable { table: "upload_parts", id: number, what: "id".into() }),
    };
    rows.into_iter().map(read).collect()
}

/// Ends an upload: it has become a file, or is given up. Whether it had not ended before.
///
/// # Errors
/// Those of the database.
pub async fn end(conn: &mut Conn, number: i64, now: Millis) -> Result<bool> {
    Ok(sql!(conn, execute, END, number, now.0)? == 1)
}

/// Forgets an upload that has ended, after the bytes of its parts were removed.
///
/// # Errors
/// Those of the database.
pub async fn forget(conn: &mut Conn, number: i64) -> Result<()> {
    sql!(conn, execute, FORGET_PARTS, number)?;
    sql!(conn, execute, FORGET, number)?;
    Ok(())
}

/// How many uploads of somebody are not whole yet, and the bytes that they will have.
///
/// # Errors
/// Those of the database.
pub async fn reserved_by(conn: &mut Conn, owner: UserId) -> Result<(i64, i64)> {
    sql!(conn, fetch_one as (i64, i64), RESERVED_BY, owner.0)
}

/// The bytes that all uploads will have that are not whole yet.
///
/// # Errors
/// Those of the database.
pub async fn reserved(conn: &mut Conn) -> Result<i64> {
    let (bytes,) = sql!(conn, fetch_one as (i64,), RESERVED)?;
    Ok(bytes)
}

/// Which of these are parts of uploads.
///
/// # Errors
/// Those of the database.
pub async fn known(conn: &mut Conn, ids: &[FileId]) -> Result<HashSet<FileId>> {
    let ids = json(&ids.iter().map(|id| Id { v: id.to_string() }).collect::<Vec<_>>())?;
    let rows = sql!(conn, fetch_all as (String,), KNOWN, ids)?;
    unreadable::readable(rows, |(id,)| Ok(FileId::parse(&id))).map(|ids| ids.into_iter().flatten().collect())
}
