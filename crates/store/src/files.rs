//! Files: rows and statements. The bytes are kept elsewhere, by the file's id; a row is written once they are whole, and
//! is removed after they are.

pub mod thumbnails;

use std::collections::{HashMap, HashSet};

use chat::{
    ConversationId, Error as Refusal, FileId, MessageId, Millis, Number, UserId,
    files::{File, StoredFile, Voice},
    policies::{Ability, Grant},
};
use serde::Serialize;
use sqlx::FromRow;

use crate::{
    Conn, Error, Result,
    appends::{json, json_ids},
    jobs::{self, Kind},
    policies, unreadable, uploads,
    writer::NewMessage,
};

/// The columns of [`Row`].
macro_rules! columns {
    () => {
        "f.number, f.id, f.owner_id, f.name, f.media_type, f.size, f.sha256, f.width, f.height, f.created_at, \
         f.conversation_id, f.seq, f.message_id, f.gone_at, f.blurhash, \
         f.voice_ms, f.waveform"
    };
}

statements! {
    INSERT = "INSERT INTO files (number, id, owner_id, name, media_type, size, sha256, width, height, created_at,
                     blurhash)
              VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    BY_ID = concat!("SELECT ", columns!(), " FROM files f WHERE f.id = $1");
    BY_NUMBER = concat!("SELECT ", columns!(), " FROM files f WHERE f.number = $1");
    BY_IDS = concat!("SELECT ", columns!(), " FROM files f
                      WHERE f.id IN (SELECT j.value ->> 'v' FROM json_each($1) AS j)");
    PAGE = concat!("SELECT ", columns!(), " FROM files f WHERE f.number > $1 AND f.gone_at IS NULL
                    ORDER BY f.number LIMIT CAST($2 AS BIGINT)");
    OF_MESSAGES = concat!("SELECT ", columns!(), " FROM files f
                           WHERE f.message_id IN (SELECT CAST(j.value ->> 'v' AS BIGINT) FROM json_each($1) AS j)
                           AND f.place >= 0 AND f.gone_at IS NULL ORDER BY f.message_id, f.place");
    SET_VOICE = "UPDATE files SET voice_ms = $2, waveform = $3
                 WHERE number = $1 AND message_id IS NULL AND gone_at IS NULL";
    ATTACH = "UPDATE files SET conversation_id = CAST(j.value ->> 'c' AS BIGINT), seq = CAST(j.value ->> 's' AS BIGINT),
                     message_id = CAST(j.value ->> 'm' AS BIGINT), place = CAST(j.value ->> 'p' AS BIGINT)
              FROM json_each($1) AS j
              WHERE files.id = j.value ->> 'f' AND files.message_id IS NULL AND files.gone_at IS NULL";
    GRANTS = "SELECT g.conversation_id, g.user_id, g.given, g.ends_at FROM grants g
              WHERE g.ability = 'attach' AND (g.conversation_id, g.user_id) IN
                 (SELECT CAST(j.value ->> 'c' AS BIGINT), CAST(j.value ->> 'u' AS BIGINT) FROM json_each($1) AS j)";
    GIVE_UP_WAITING = "UPDATE files SET gone_at = $2 WHERE number = $1 AND message_id IS NULL AND gone_at IS NULL";
    GIVE_UP_OF_MESSAGE = "UPDATE files SET gone_at = $2 WHERE message_id = $1 AND gone_at IS NULL RETURNING number";
    FORGET = "DELETE FROM files WHERE number = $1 AND gone_at IS NOT NULL RETURNING size";
    USED_BY = "SELECT CAST(COALESCE(SUM(size), 0) AS BIGINT),
                      CAST(COALESCE(SUM(CASE WHEN message_id IS NULL THEN 1 ELSE 0 END), 0) AS BIGINT)
               FROM files WHERE owner_id = $1 AND gone_at IS NULL";
    COUNT = "SELECT COUNT(*) FROM files WHERE gone_at IS NULL";
    USED = "SELECT value FROM counters WHERE name = 'file_bytes'";
    ADD_USED = "UPDATE counters SET value = value + $1 WHERE name = 'file_bytes' RETURNING value";
}

#[derive(FromRow)]
struct Row {
    number: i64,
    id: String,
    owner_id: i64,
    name: String,
    media_type: String,
    size: i64,
    sha256: String,
    width: Option<i64>,
    height: Option<i64>,
    created_at: i64,
    conversation_id: Option<i64>,
    seq: Option<i64>,
    message_id: Option<i64>,
    gone_at: Option<i64>,
    blurhash: Option<String>,
    voice_ms: Option<i64>,
    waveform: Option<String>,
}

impl Row {
    fn read(self) -> Result<StoredFile> {
        let Some(id) = FileId::parse(&self.id) else {
            return Err(Error::Unreadable { table: "files", id: self.number, what: "id".into() });
        };
        let place = self.conversation_id.zip(self.seq).map(|(place, seq)| (ConversationId(place), Number(seq)));
        Ok(StoredFile {
            file: File {
                id,
                name: self.name,
                media_type: self.media_type,
                size: self.size,
                sha256: self.sha256,
                pixels: self.width.zip(self.height),
                blurhash: self.blurhash,
                voice: self.voice_ms.zip(self.waveform).and_then(|(ms, waveform)| Voice::read(ms, &waveform)),
            },
            number: self.number,
            owner: UserId(self.owner_id),
            // A row that says a message but no place is held all the same: by no message, see `avatars`, or it is damaged.
            place: place.or(self.message_id.map(|_| (ConversationId(0), Number(0)))),
            created_at: Millis(self.created_at),
            gone_at: self.gone_at.map(Millis),
        })
    }
}

/// A file's id as an element of a statement's parameter.
#[derive(Serialize)]
struct Id {
    v: String,
}

/// Stores a file whose bytes are whole, now; it waits for a message. Returns its number.
///
/// # Errors
/// Those of the database.
pub async fn add(conn: &mut Conn, owner: UserId, file: &File, now: Millis) -> Result<i64> {
    let number = conn.next_id("file").await?;
    let (id, (width, height)) = (file.id.to_string(), file.pixels.unzip());
    sql!(
        conn,
        execute,
        INSERT,
        number,
        id,
        owner.0,
        &file.name,
        &file.media_type,
        file.size,
        &file.sha256,
        width,
        height,
        now.0,
        &file.blurhash
    )?;
    Ok(number)
}

/// The file of this id, whoever may read it.
///
/// # Errors
/// Those of the database.
pub async fn by_id(conn: &mut Conn, id: FileId) -> Result<Option<StoredFile>> {
    sql!(conn, fetch_optional as Row, BY_ID, id.to_string())?.map(Row::read).transpose()
}

/// The file of this number.
///
/// # Errors
/// Those of the database.
pub async fn by_number(conn: &mut Conn, number: i64) -> Result<Option<StoredFile>> {
    sql!(conn, fetch_optional as Row, BY_NUMBER, number)?.map(Row::read).transpose()
}

/// Which of these files are known.
///
/// # Errors
/// Those of the database.
pub async fn known(conn: &mut Conn, ids: &[FileId]) -> Result<HashMap<FileId, StoredFile>> {
    let ids = json(&ids.iter().map(|id| Id { v: id.to_string() }).collect::<Vec<_>>())?;
    let rows = sql!(conn, fetch_all as Row, BY_IDS, ids)?;
    Ok(unreadable::readable(rows, Row::read)?.into_iter().map(|stored| (stored.file.id, stored)).collect())
}

/// Which of these blobs are known: those of files, of thumbnails, and of parts of uploads.
///
/// # Errors
/// Those of the database.
pub async fn known_blobs(conn: &mut Conn, ids: &[FileId]) -> Result<HashSet<FileId>> {
    let mut found: HashSet<FileId> = known(conn, ids).await?.into_keys().collect();
    found.extend(thumbnails::known(conn, ids).await?);
    found.extend(uploads::known(conn, ids).await?);
    Ok(found)
}

/// Files with a greater number than this one, at most so many, by their numbers; without those that were given up.
///
/// # Errors
/// Those of the database.
pub async fn page(conn: &mut Conn, after: i64, limit: i64) -> Result<Vec<StoredFile>> {
    unreadable::readable(sql!(conn, fetch_all as Row, PAGE, after, limit)?, Row::read)
}

/// The files of these messages, in the order of their senders.
///
/// # Errors
/// Those of the database.
pub async fn of(conn: &mut Conn, messages: &[MessageId]) -> Result<HashMap<MessageId, Vec<File>>> {
    let rows = sql!(conn, fetch_all as Row, OF_MESSAGES, json_ids(messages.iter().map(|message| message.0))?)?;
    let mut found: HashMap<MessageId, Vec<File>> = HashMap::new();
    let read = |row: Row| row.message_id.map(|message| Ok((MessageId(message), row.read()?.file))).transpose();
    for (message, file) in unreadable::readable(rows, read)?.into_iter().flatten() {
        found.entry(message).or_default().push(file);
    }
    Ok(found)
}

/// Somebody in a conversation, as an element of a statement's parameter.
#[derive(Serialize)]
struct Author {
    c: i64,
    u: i64,
}

/// Says of a file that still waits that it is a recording. Whether it did.
///
/// # Errors
/// Those of the database.
pub async fn set_voice(conn: &mut Conn, number: i64, voice: &Voice) -> Result<bool> {
    Ok(sql!(conn, execute, SET_VOICE, number, voice.duration_ms, voice.written())? == 1)
}

/// The files that the sends of a batch name, until each is taken by one of them.
#[derive(Default)]
pub(crate) struct Offered {
    files: HashMap<FileId, StoredFile>,
    /// The grants to attach files, by conversation and author.
    grants: HashMap<(i64, i64), Grant>,
}

impl Offered {
    /// Looks them up. Sends without files cost nothing.
    pub(crate) async fn by<'a>(conn: &mut Conn, sends: impl Iterator<Item = &'a NewMessage>) -> Result<Self> {
        let sends: Vec<&NewMessage> = sends.filter(|send| !send.submission.files.is_empty()).collect();
        if sends.is_empty() {
            return Ok(Self::default());
        }
        let ids: Vec<FileId> = sends.iter().flat_map(|send| send.submission.files.iter().copied()).collect();
        let author = |send: &&NewMessage| Author { c: send.submission.conversation.0, u: send.author.user.0 };
        let authors = json(&sends.iter().map(author).collect::<Vec<_>>())?;
        let rows = sql!(conn, fetch_all as (i64, i64, i64, Option<i64>), GRANTS, authors)?;
        let read = |(conversation, user, given, ends_at)| {
            Some(((conversation, user), policies::read_grant(Ability::Attach.name(), given, ends_at)?))
        };
        let grants = rows.into_iter().filter_map(read).collect();
        Ok(Self { files: known(conn, &ids).await?, grants })
    }

    /// The grant by which an author may attach files there, or may not.
    pub(crate) fn grant(&self, conversation: ConversationId, author: UserId) -> Option<Grant> {
        self.grants.get(&(conversation.0, author.0)).copied()
    }

    /// Takes the files of a send, all or none.
    ///
    /// # Errors
    /// The refusal, if one of them is not the author's, or does not wait for a message.
    pub(crate) fn take(&mut self, author: UserId, wanted: &[FileId]) -> chat::Result<Vec<File>> {
        let waits = |id: &FileId| {
            self.files.get(id).is_some_and(|one| one.owner == author && one.place.is_none() && one.gone_at.is_none())
        };
        if let Some(at) = wanted.iter().position(|id| !waits(id)) {
            let detail = "This is no file of yours that waits for a message: upload it (again) and send that one.";
            return Err(Refusal::invalid(&format!("/files/{at}"), detail));
        }
        Ok(wanted.iter().filter_map(|id| self.files.remove(id)).map(|stored| stored.file).collect())
    }
}

/// A file that a new message holds.
#[derive(Serialize)]
pub(crate) struct Attached {
    /// The file.
    f: String,
    c: i64,
    s: i64,
    m: i64,
    /// Its place among the message's files.
    p: i64,
}

impl Attached {
    pub(crate) fn all(files: &[File], conversation: ConversationId, seq: Number, message: MessageId) -> Vec<Self> {
        let one = |(place, file): (i64, &File)| Self {
            f: file.id.to_string(),
            c: conversation.0,
            s: seq.0,
            m: message.0,
            p: place,
        };
        (0..).zip(files).map(one).collect()
    }
}

/// Gives files to the messages that hold them from now on.
///
/// # Errors
/// Those of the database; `Unavailable` if one of them was taken or given up by another node since it was looked up.
pub(crate) async fn attach(conn: &mut Conn, files: &[Attached]) -> Result<()> {
    if files.is_empty() {
        return Ok(());
    }
    let attached = sql!(conn, execute, ATTACH, json(files)?)?;
    if usize::try_from(attached).is_ok_and(|attached| attached == files.len()) {
        return Ok(());
    }
    Err(Error::Unavailable("a file was taken by another node meanwhile".into()))
}

/// Gives a file up that still waits for a message: none can take it any more. Whether it did.
///
/// # Errors
/// Those of the database.
pub async fn give_up_waiting(conn: &mut Conn, number: i64, now: Millis) -> Result<bool> {
    Ok(sql!(conn, execute, GIVE_UP_WAITING, number, now.0)? == 1)
}

/// Gives the files of a message up, whose bytes are then removed by jobs.
///
/// # Errors
/// Those of the database.
pub async fn give_up_of_message(conn: &mut Conn, message: MessageId, now: Millis) -> Result<()> {
    for (number,) in sql!(conn, fetch_all as (i64,), GIVE_UP_OF_MESSAGE, message.0, now.0)? {
        jobs::add(conn, Kind::File, number, now).await?;
    }
    Ok(())
}

/// Forgets a file that was given up, after its bytes were removed.
///
/// # Errors
/// Those of the database.
pub async fn forget(conn: &mut Conn, number: i64) -> Result<()> {
    thumbnails::forget(conn, number).await?;
    if let Some((size,)) = sql!(conn, fetch_optional as (i64,), FORGET, number)? {
        add_used(conn, -size).await?;
    }
    Ok(())
}

/// How many bytes somebody's files have, and how many of them wait for a message.
///
/// # Errors
/// Those of the database.
pub async fn used_by(conn: &mut Conn, owner: UserId) -> Result<(i64, i64)> {
    sql!(conn, fetch_one as (i64, i64), USED_BY, owner.0)
}

/// How many bytes all files of the server have, those included that are being removed.
///
/// # Errors
/// Those of the database.
pub async fn used(conn: &mut Conn) -> Result<i64> {
    let (bytes,) = sql!(conn, fetch_one as (i64,), USED)?;
    Ok(bytes)
}

/// How many files there are, without those that were given up.
///
/// # Errors
/// Those of the database.
pub async fn count(conn: &mut Conn) -> Result<i64> {
    let (count,) = sql!(conn, fetch_one as (i64,), COUNT)?;
    Ok(count)
}

/// Counts bytes that have come or gone; returns how many there are then.
///
/// # Errors
/// Those of the database.
pub async fn add_used(conn: &mut Conn, bytes: i64) -> Result<i64> {
    let (bytes,) = sql!(conn, fetch_one as (i64,), ADD_USED, bytes)?;
    Ok(bytes)
}
