//! Custom emoji: rows and statements. They are few, and read whole.

use chat::{
    FileId, Millis, Number, UserId,
    emoji::{Emoji, EmojiList},
};
use sqlx::FromRow;

use crate::{Conn, Error, Result, unreadable};

statements! {
    ALL = "SELECT name, picture, added_by, created_at FROM emoji ORDER BY name";
    BY_NAME = "SELECT name, picture, added_by, created_at FROM emoji WHERE name = $1";
    COUNT = "SELECT COUNT(*) FROM emoji";
    ADD = "INSERT INTO emoji (name, picture, added_by, created_at) VALUES ($1, $2, $3, $4)";
    REMOVE = "DELETE FROM emoji WHERE name = $1";
    REV = "SELECT value FROM counters WHERE name = 'emoji_changes'";
}

#[derive(FromRow)]
struct Row {
    name: String,
    picture: String,
    added_by: i64,
    created_at: i64,
}

impl Row {
    fn read(self) -> Result<Emoji> {
        let Some(picture) = FileId::parse(&self.picture) else {
            return Err(Error::Unreadable { table: "emoji", id: 0, what: format!("picture of {}", self.name) });
        };
        let (added_by, created_at) = (UserId(self.added_by), Millis(self.created_at));
        Ok(Emoji { name: self.name, picture, added_by, created_at })
    }
}

/// All emoji by name, unless this number of the last change is known.
///
/// # Errors
/// Those of the database.
pub async fn all(conn: &mut Conn, known: Option<Number>) -> Result<EmojiList> {
    // Read before the emoji, which may be newer: whoever knows this number then asks again.
    let (rev,) = sql!(conn, fetch_one as (i64,), REV)?;
    let rev = Number(rev);
    if known == Some(rev) {
        return Ok(EmojiList { rev, emoji: None });
    }
    let rows = sql!(conn, fetch_all as Row, ALL)?;
    Ok(EmojiList { rev, emoji: Some(unreadable::readable(rows, Row::read)?) })
}

/// The emoji of this name.
///
/// # Errors
/// Those of the database.
pub async fn by_name(conn: &mut Conn, name: &str) -> Result<Option<Emoji>> {
    sql!(conn, fetch_optional as Row, BY_NAME, name)?.map(Row::read).transpose()
}

/// How many emoji there are.
///
/// # Errors
/// Those of the database.
pub async fn count(conn: &mut Conn) -> Result<i64> {
    let (count,) = sql!(conn, fetch_one as (i64,), COUNT)?;
    Ok(count)
}

/// Notes that the list changes: those who know it must ask again. Until the end of this transaction nobody else can change
/// it, on whatever node.
///
/// # Errors
/// Those of the database.
pub async fn change(conn: &mut Conn) -> Result<()> {
    conn.next_id("emoji_changes").await.map(|_| ())
}

/// Adds an emoji, after [`change`].
///
/// # Errors
/// Those of the database.
pub async fn add(conn: &mut Conn, emoji: &Emoji) -> Result<()> {
    sql!(conn, execute, ADD, &emoji.name, emoji.picture.to_string(), emoji.added_by.0, emoji.created_at.0)?;
    Ok(())
}

/// Removes an emoji, after [`change`]. What was written and reacted with it stays, as a text.
///
/// # Errors
/// Those of the database.
pub async fn remove(conn: &mut Conn, name: &str) -> Result<()> {
    sql!(conn, execute, REMOVE, name)?;
    Ok(())
}
