//! Previews of links: rows and statements. The picture of one is a file that the message holds, at a place where no file
//! of its sender stands.

use std::collections::HashMap;

use chat::{FileId, MessageId, Millis, files::File, messages::Message, previews::Preview};
use sqlx::FromRow;

use crate::{
    Conn, Result,
    appends::json_ids,
    jobs::{self, Kind},
    unreadable,
};

/// The place of a preview's picture among the files of its message.
const PICTURE: i64 = -1;

statements! {
    OF = "SELECT p.message_id, p.url, p.site, p.title, p.description,
                 f.id AS file_id, f.name, f.media_type, f.size, f.sha256, f.width, f.height, f.blurhash
          FROM json_each($1) AS j
          JOIN previews p ON p.message_id = CAST(j.value ->> 'v' AS BIGINT)
          LEFT JOIN files f ON f.message_id = p.message_id AND f.place < 0 AND f.gone_at IS NULL";
    PUT = "INSERT INTO previews (message_id, url, site, title, description) VALUES ($1, $2, $3, $4, $5)";
    MARK = "UPDATE messages SET preview = $2 WHERE id = $1";
    HOLD = "UPDATE files SET conversation_id = $2, seq = $3, message_id = $4, place = $5
            WHERE id = $1 AND owner_id = $6 AND message_id IS NULL AND gone_at IS NULL";
    REMOVE = "DELETE FROM previews WHERE message_id = $1";
    GIVE_UP = "UPDATE files SET gone_at = $2 WHERE message_id = $1 AND place < 0 AND gone_at IS NULL RETURNING number";
}

#[derive(FromRow)]
struct Row {
    message_id: i64,
    url: String,
    site: Option<String>,
    title: String,
    description: Option<String>,
    file_id: Option<String>,
    name: Option<String>,
    media_type: Option<String>,
    size: Option<i64>,
    sha256: Option<String>,
    width: Option<i64>,
    height: Option<i64>,
    blurhash: Option<String>,
}

impl Row {
    fn read(self) -> Result<(MessageId, Preview)> {
        let row = self;
        // A picture that cannot be read is none.
        let id = row.file_id.and_then(|id| FileId::parse(&id));
        let image = id.zip(row.name).zip(row.media_type).zip(row.size.zip(row.sha256));
        let image = image.map(|(((id, name), media_type), (size, sha256))| File {
            id,
            name,
            media_type,
            size,
            sha256,
            pixels: row.width.zip(row.height),
            blurhash: row.blurhash,
            voice: None,
        });
        let (url, site, title, description) = (row.url, row.site, row.title, row.description);
        Ok((MessageId(row.message_id), Preview { url, site, title, description, image }))
    }
}

/// The previews of these messages.
///
/// # Errors
/// Those of the database.
pub async fn of(conn: &mut Conn, messages: &[MessageId]) -> Result<HashMap<MessageId, Preview>> {
    let rows = sql!(conn, fetch_all as Row, OF, json_ids(messages.iter().map(|message| message.0))?)?;
    Ok(unreadable::readable(rows, Row::read)?.into_iter().collect())
}

/// Gives a message without a preview this one. Its picture must be a file of the author's that waits for a message;
/// otherwise the preview has none. The message's `rev` changes with it.
///
/// # Errors
/// Those of the database.
pub async fn put(conn: &mut Conn, message: &Message, preview: &Preview) -> Result<()> {
    let (site, description) = (preview.site.as_deref(), preview.description.as_deref());
    sql!(conn, execute, PUT, message.id.0, preview.url.as_str(), site, preview.title.as_str(), description)?;
    sql!(conn, execute, MARK, message.id.0, 1_i64)?;
    if let Some(image) = &preview.image {
        let (id, place, seq) = (image.id.to_string(), message.conversation.0, message.seq.0);
        sql!(conn, execute, HOLD, id, place, seq, message.id.0, PICTURE, message.author.0)?;
    }
    Ok(())
}

/// Takes the preview off a message, if it has one: its picture is removed by a job. The message's `rev` changes with it.
///
/// # Errors
/// Those of the database.
pub async fn remove(conn: &mut Conn, message: &Message, now: Millis) -> Result<()> {
    if message.preview.is_none() {
        return Ok(());
    }
    sql!(conn, execute, REMOVE, message.id.0)?;
    sql!(conn, execute, MARK, message.id.0, 0_i64)?;
    for (number,) in sql!(conn, fetch_all as (i64,), GIVE_UP, message.id.0, now.0)? {
        jobs::add(conn, Kind::File, number, now).await?;
    }
    Ok(())
}
