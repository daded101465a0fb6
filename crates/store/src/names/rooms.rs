//! The keys of rooms' and groups' names.

use chat::{
    Millis,
    names::{compared, look_alike, mended, search_key},
};
use sqlx::FromRow;

use super::{BATCH, Found, Settled, keyed_room, note};
use crate::{Conn, Result};

/// Whether a row's keys are of another name than it has.
macro_rules! stale {
    () => {
        "keyed IS DISTINCT FROM visibility || '|' || name"
    };
}

statements! {
    STALE = concat!("SELECT id, kind, visibility, name FROM conversations
             WHERE id > $1 AND name IS NOT NULL AND ($2 = 1 OR ", stale!(), ") ORDER BY id LIMIT CAST($3 AS BIGINT)");
    OF_KEY = concat!("SELECT id, CAST(CASE WHEN ", stale!(), " THEN 1 ELSE 0 END AS BIGINT) FROM conversations WHERE name_key = $1 AND id <> $2");
    OF_LOOK = concat!("SELECT id, CAST(CASE WHEN ", stale!(), " THEN 1 ELSE 0 END AS BIGINT) FROM conversations WHERE look_key = $1 AND id <> $2");
    FREE_KEY = "UPDATE conversations SET name_key = NULL WHERE id = $1";
    FREE_LOOK = "UPDATE conversations SET look_key = NULL WHERE id = $1";
    /// Of a damaged head no number is taken: see `heads`.
    RENAME = "UPDATE conversations SET name = $2, head = head + 1, rev = head + 1 WHERE id = $1 AND head < 4503599627370498";
    KEYS = "UPDATE conversations SET name_key = $2, room_key = $3, look_key = $4, search_key = $5, keyed = $6 WHERE id = $1";
}

#[derive(FromRow)]
struct Row {
    id: i64,
    kind: String,
    visibility: String,
    name: String,
}

/// Makes the keys of the next rows after this id; the last of them, if there may be more.
pub(super) async fn settle(
    conn: &mut Conn,
    after: i64,
    all: bool,
    now: Millis,
    settled: &mut Settled,
) -> Result<Option<i64>> {
    // Nobody makes a room meanwhile, nor settles names on another node.
    conn.before_making("conversation").await?;
    let rows = sql!(conn, fetch_all as Row, STALE, after, i64::from(all), BATCH)?;
    let last = rows.last().map(|row| row.id);
    for row in rows {
        settle_one(conn, &row, all, now, settled).await?;
        settled.keyed += 1;
    }
    Ok(last)
}

async fn settle_one(conn: &mut Conn, row: &Row, all: bool, now: Millis, settled: &mut Settled) -> Result<()> {
    let is_room = row.kind == "room";
    let is_public = is_room && row.visibility == "public";
    let clean = mended(&row.name).or_else(|| is_room.then(|| format!("room {}", row.id)));
    let mut name = clean.clone();
    if let (Some(clean), true) = (&clean, is_public) {
        let (free, holder) = free_name(conn, clean, row.id, all).await?;
        if let Some(other) = holder {
            settled.renamed += 1;
            let was = Some(row.name.as_str());
            let found = Found { noun: "room", subject: row.id, what: "renamed", was, name: Some(&free), other };
            note(conn, &found, now).await?;
        }
        name = Some(free);
    }
    if name.as_deref() != Some(row.name.as_str()) {
        settled.cleaned += u64::from(clean.as_deref() != Some(row.name.as_str()));
        sql!(conn, execute, RENAME, row.id, name.as_deref())?;
    }
    let Some(name) = name else { return Ok(()) };
    let mut look = is_public.then(|| look_alike(&name));
    if let Some(key) = &look
        && let Some(other) = holder(conn, Key::Look, key, row.id, all).await?
    {
        settled.alike += 1;
        let found = Found { noun: "room", subject: row.id, what: "alike", was: None, name: Some(&name), other };
        note(conn, &found, now).await?;
        look = None;
    }
    let (unique, key) = (is_public.then(|| compared(&name)), is_room.then(|| compared(&name)));
    let search = is_room.then(|| search_key([name.as_str()]));
    sql!(conn, execute, KEYS, row.id, unique, key, look, search, keyed_room(&row.visibility, &name))?;
    Ok(())
}

/// This name, or the first with a number behind it that no other public room has; and the room that has this one.
async fn free_name(conn: &mut Conn, wanted: &str, id: i64, all: bool) -> Result<(String, Option<i64>)> {
    let taken = holder(conn, Key::Name, &compared(wanted), id, all).await?;
    let (mut name, mut number, mut is_taken) = (wanted.to_owned(), 1, taken.is_some());
    while is_taken {
        number += 1;
        name = format!("{wanted} ({number})");
        is_taken = holder(conn, Key::Name, &compared(&name), id, all).await?.is_some();
    }
    Ok((name, taken))
}

/// One of the two keys that public rooms cannot share.
#[derive(Clone, Copy)]
enum Key {
    Name,
    Look,
}

/// Which other room has a key. A newer one whose own keys are still to be made gives it up.
async fn holder(conn: &mut Conn, which: Key, key: &str, id: i64, all: bool) -> Result<Option<i64>> {
    let (of, free) = match which {
        Key::Name => (OF_KEY, FREE_KEY),
        Key::Look => (OF_LOOK, FREE_LOOK),
    };
    let Some((other, stale)) = sql!(conn, fetch_optional as (i64, i64), of, key, id)? else { return Ok(None) };
    if other > id && (all || stale == 1) {
        sql!(conn, execute, free, other)?;
        return Ok(None);
    }
    Ok(Some(other))
}
