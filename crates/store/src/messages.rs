//! Messages: rows and statements. New ones are written by [`crate::appends`].
//!
//! A message that cannot be read whole is shown all the same, as a tombstone if need be: without its number there would
//! be a gap that nothing closes.

use std::{collections::HashMap, ops::RangeInclusive};

use chat::{
    ClientId, ConversationId, MessageId, Millis, Number, UserId,
    accounts::ServerRole,
    conversations::Kind,
    mentions::Mentions,
    messages::{Message, MessageType, View},
    text,
    threads::ThreadKey,
};
use serde::{Deserialize, Serialize};
use sqlx::FromRow;

use crate::{
    Conn, Error, Result,
    aside::Stands,
    files, mentions, previews, reactions,
    threads::Stored,
    unreadable::{self, Rest, Salvage},
    versions,
};

const TABLE: &str = "messages";
/// Where a message can be.
const PLACES: RangeInclusive<i64> = 1..=chat::MAX_SAFE_INTEGER;
/// When it can be of: until the year 9999.
const TIMES: RangeInclusive<i64> = 0..=253_402_300_799_999;

/// The columns of [`Row`].
macro_rules! columns {
    () => {
        concat!(
            "m.id, m.conversation_id, m.seq, m.rev, m.author_id, COALESCE(u.username, '') AS username, COALESCE(",
            shown_name!(),
            ", '') AS shown_name, COALESCE(u.role, 'guest') AS role, m.message_type, m.client_id, m.text, m.parent, m.created_at, m.edited_at, m.deleted_at, \
             m.thread, m.aside, t.replies, t.last_seq, t.last_at, t.participants, t.rev AS thread_rev, m.files, m.preview"
        )
    };
}

/// The joins to a message `m`: its author and, of a root, its thread.
macro_rules! joined {
    () => {
        " LEFT JOIN users u ON u.id = m.author_id
              LEFT JOIN threads t ON t.conversation_id = m.conversation_id AND t.seq = m.seq "
    };
}

statements! {
    ONE = concat!("SELECT ", columns!(), "
             FROM messages m", joined!(), "WHERE m.conversation_id = $1 AND m.seq = $2");
    BY_ID = concat!("SELECT ", columns!(), "
             FROM messages m", joined!(), "WHERE m.id = $1");
    CONVERSATION_OF = "SELECT conversation_id FROM messages WHERE id = $1";
    TIMELINE = concat!("SELECT ", columns!(), "
             FROM messages m", joined!(), "WHERE m.conversation_id = $1 AND m.seq >= $2 AND m.deleted_at IS NULL ORDER BY m.seq DESC LIMIT CAST($3 AS BIGINT) OFFSET $4");
    COUNT = "SELECT COUNT(*) FROM messages WHERE conversation_id = $1 AND seq >= $2 AND deleted_at IS NULL";
    NEWEST_OF_ALL = "SELECT id, created_at FROM messages ORDER BY id DESC LIMIT 1";
    BEFORE = concat!("SELECT ", columns!(), "
             FROM messages m", joined!(), "WHERE m.conversation_id = $1 AND m.seq < $2 AND m.seq >= $3 ORDER BY m.seq DESC LIMIT CAST($4 AS BIGINT)");
    AFTER = concat!("SELECT ", columns!(), "
             FROM messages m", joined!(), "WHERE m.conversation_id = $1 AND m.seq > $2 ORDER BY m.seq LIMIT CAST($3 AS BIGINT)");
    /// The messages in the room after the first one aside, and those before it, all of which are in the room: each by an
    /// index of its own. See [`aside`](crate::aside).
    BEFORE_IN_ROOM = concat!("SELECT ", columns!(), "
             FROM (SELECT later.* FROM (SELECT x.* FROM messages x
                     WHERE x.conversation_id = $1 AND x.seq < $2 AND x.seq >= $3 AND x.aside = 2
                     ORDER BY x.seq DESC LIMIT CAST($4 AS BIGINT)) AS later
                 UNION ALL
                 SELECT earlier.* FROM (SELECT y.* FROM messages y
                     WHERE y.conversation_id = $1 AND y.seq >= $3 AND y.seq < (SELECT COALESCE(MIN(t.seq), $2)
                         FROM messages t WHERE t.conversation_id = $1 AND t.aside = 1 AND t.seq < $2)
                     ORDER BY y.seq DESC LIMIT CAST($4 AS BIGINT)) AS earlier) AS m", joined!(), "
             ORDER BY m.seq DESC LIMIT CAST($4 AS BIGINT)");
    AFTER_IN_ROOM = concat!("SELECT ", columns!(), "
             FROM (SELECT earlier.* FROM (SELECT y.* FROM messages y
                     WHERE y.conversation_id = $1 AND y.seq > $2 AND y.seq < ", first_aside!("$1"), "
                     ORDER BY y.seq LIMIT CAST($3 AS BIGINT)) AS earlier
                 UNION ALL
                 SELECT later.* FROM (SELECT x.* FROM messages x
                     WHERE x.conversation_id = $1 AND x.seq > $2 AND x.aside = 2
                     ORDER BY x.seq LIMIT CAST($3 AS BIGINT)) AS later) AS m", joined!(), "
             ORDER BY m.seq LIMIT CAST($3 AS BIGINT)");
    /// Members who see the root see all of its replies: they came later.
    BEFORE_IN_THREAD = concat!("SELECT ", columns!(), "
             FROM messages m", joined!(), "WHERE m.conversation_id = $1 AND m.thread = $2 AND m.thread IS NOT NULL
              AND m.seq < $3 ORDER BY m.seq DESC LIMIT CAST($4 AS BIGINT)");
    AFTER_IN_THREAD = concat!("SELECT ", columns!(), "
             FROM messages m", joined!(), "WHERE m.conversation_id = $1 AND m.thread = $2 AND m.thread IS NOT NULL
              AND m.seq > $3 ORDER BY m.seq LIMIT CAST($4 AS BIGINT)");
    CHANGED = concat!("SELECT ", columns!(), "
             FROM messages m", joined!(), "WHERE m.conversation_id = $1 AND m.rev > $2 AND m.rev <= $3 AND m.rev > m.seq AND m.seq >= $4 ORDER BY m.seq");
    CREATED = concat!("SELECT ", columns!(), "
             FROM messages m", joined!(), "WHERE m.conversation_id = $1 AND m.seq > $2 AND m.seq <= $3 AND m.rev = m.seq AND m.seq >= $4 ORDER BY m.seq");
    NEWEST = concat!("SELECT ", columns!(), "
             FROM json_each($1) AS j
             JOIN messages m ON m.conversation_id = CAST(j.value ->> 'v' AS BIGINT) AND m.seq = (
             SELECT MAX(n.seq) FROM messages n WHERE n.conversation_id = CAST(j.value ->> 'v' AS BIGINT))", joined!());
    NEWEST_IN_ROOM = concat!("SELECT ", columns!(), "
             FROM json_each($1) AS j
             JOIN messages m ON m.conversation_id = CAST(j.value ->> 'v' AS BIGINT) AND m.seq = (
             SELECT COALESCE(MAX(n.seq), (SELECT MAX(e.seq) FROM messages e
                 WHERE e.conversation_id = CAST(j.value ->> 'v' AS BIGINT)
                 AND e.seq < ", first_aside!("CAST(j.value ->> 'v' AS BIGINT)"), "))
             FROM messages n WHERE n.conversation_id = CAST(j.value ->> 'v' AS BIGINT) AND n.aside = 2)",
             joined!());
    THESE = concat!("SELECT ", columns!(), "
             FROM json_each($1) AS j
             JOIN messages m ON m.conversation_id = CAST(j.value ->> 'c' AS BIGINT)
              AND m.seq = CAST(j.value ->> 's' AS BIGINT)", joined!());
    /// Membership and what it shows are of the same moment as the rows.
    /// The proposed messages are read first, by their ids, and nothing else is read of messages: both databases would
    /// rather go through all messages of the person's conversations and look for each among the ids, SQLite unless the
    /// order of its joins is given, and PostgreSQL unless the part is materialized.
    FOUND = concat!("WITH m AS MATERIALIZED (
                 SELECT x.* FROM json_each($1) AS j CROSS JOIN messages x
                 WHERE x.id = CAST(j.value ->> 'v' AS BIGINT) AND x.deleted_at IS NULL
                  AND x.created_at >= $3 AND x.created_at < $4)
             SELECT ", columns!(), "
             FROM m CROSS JOIN members b CROSS JOIN conversations c", joined!(), "WHERE b.conversation_id = m.conversation_id
              AND b.user_id = $2 AND b.role IS NOT NULL AND b.visible_from <= m.seq
              AND c.id = m.conversation_id AND c.kind IN (SELECT k.value ->> 'v' FROM json_each($5) AS k)
             ORDER BY m.id DESC");
    /// Of the messages that changed last, those whose edits have called somebody after a number and since a moment.
    CALLED_BY_EDIT = concat!("SELECT ", columns!(), "
             FROM messages m", joined!(), "WHERE m.id IN (SELECT x.id FROM messages x WHERE x.conversation_id = $1
                 AND x.rev > x.seq AND x.rev > $2 ORDER BY x.rev DESC LIMIT CAST($4 AS BIGINT))
             AND m.deleted_at IS NULL AND m.edited_at >= $3
             AND (EXISTS (SELECT 1 FROM mentions a WHERE a.message_id = m.id AND a.reason = 'mention'
                      AND a.number > $2 AND a.number > m.seq)
                  OR EXISTS (SELECT 1 FROM broadcasts b WHERE b.message_id = m.id AND b.number > $2 AND b.number > m.seq))
             ORDER BY m.seq");
    EDIT = "UPDATE messages SET text = $3, rev = $4, text_rev = $4, edited_at = $5
            WHERE conversation_id = $1 AND seq = $2";
    DELETE = "UPDATE messages SET text = NULL, rev = $3, text_rev = $3, deleted_at = $4
              WHERE conversation_id = $1 AND seq = $2";
    TOUCH = "UPDATE messages SET rev = $3 WHERE conversation_id = $1 AND seq = $2";
}

/// The fields of [`Row`], in their order.
const COLUMNS: &str = "id, conversation_id, seq, rev, author_id, username, shown_name, role, message_type, client_id, \
                       text, parent, created_at, edited_at, deleted_at, thread, aside, replies, last_seq, last_at, \
                       participants, thread_rev, files, preview";

#[derive(FromRow, Deserialize)]
struct Row {
    id: i64,
    conversation_id: i64,
    seq: i64,
    rev: i64,
    author_id: i64,
    username: String,
    shown_name: String,
    role: String,
    message_type: String,
    client_id: Option<String>,
    text: Option<String>,
    parent: Option<i64>,
    created_at: i64,
    edited_at: Option<i64>,
    deleted_at: Option<i64>,
    thread: Option<i64>,
    /// Where it stands: see [`Stands`].
    aside: i64,
    replies: Option<i64>,
    last_seq: Option<i64>,
    last_at: Option<i64>,
    participants: Option<String>,
    thread_rev: Option<i64>,
    /// How many files it carries.
    files: i64,
    /// 1 if it has a preview of its link.
    preview: i64,
}

impl Row {
    /// The message; nothing of a place that no message can have.
    fn read(self) -> Result<Message> {
        let row = self;
        let mut wrong: Vec<&str> = Vec::new();
        if !PLACES.contains(&row.seq) {
            return Err(Error::Unreadable { table: TABLE, id: row.id, what: "seq".into() });
        }
        let mut found = |what, is_wrong: bool| {
            if is_wrong {
                wrong.push(what);
            }
            is_wrong
        };
        let rev = if found("rev", !(row.seq..=*PLACES.end()).contains(&row.rev)) { row.seq } else { row.rev };
        let message_type = MessageType::from_name(&row.message_type);
        found("message_type", message_type.is_none());
        let author_role = ServerRole::from_name(&row.role);
        found("author's role", author_role.is_none());
        found("author", row.username.is_empty());
        let is_time = |at: &i64| TIMES.contains(at);
        found("created_at", !is_time(&row.created_at));
        let created_at = row.created_at.clamp(*TIMES.start(), *TIMES.end());
        let deleted_at = row.deleted_at.filter(is_time);
        found("deleted_at", deleted_at != row.deleted_at);
        let edited_at = row.edited_at.filter(is_time);
        found("edited_at", edited_at != row.edited_at);
        let is_empty = found("text", row.text.is_none() && row.deleted_at.is_none());
        let deleted_at = if row.deleted_at.is_some() || is_empty { deleted_at.or(Some(created_at)) } else { None };
        let thread = Stored::of(row.replies, row.last_seq, row.last_at, row.participants, row.thread_rev);
        if !wrong.is_empty() {
            unreadable::note(TABLE, row.id, wrong.join(", "));
        }
        Ok(Message {
            id: MessageId(row.id),
            conversation: ConversationId(row.conversation_id),
            seq: Number(row.seq),
            rev: Number(rev),
            author: UserId(row.author_id),
            author_role: author_role.unwrap_or(ServerRole::Guest),
            message_type: message_type.unwrap_or_default(),
            author_name: row.username,
            author_shown_name: row.shown_name,
            client_id: row.client_id.and_then(|id| ClientId::parse(&id).ok()),
            text: row.text.filter(|_| deleted_at.is_none()),
            parent: row.parent.map(Number),
            thread: row.thread.map(Number),
            also_in_room: row.thread.is_some() && row.aside != Stands::Aside.stored(),
            summary: thread.map(|stored| Box::new(stored.read(Number(row.seq)))),
            created_at: Millis(created_at),
            edited_at: edited_at.map(Millis),
            deleted_at: deleted_at.map(Millis),
            files: Vec::new(),
            reactions: Vec::new(),
            mentions: Mentions::default(),
            preview: None,
        })
    }
}

impl Salvage for Row {
    fn salvage(rest: &Rest) -> Option<Self> {
        let seq = rest.number("seq")?;
        Some(Self {
            id: rest.number("id")?,
            conversation_id: rest.number("conversation_id")?,
            seq,
            rev: rest.number("rev").unwrap_or(seq),
            author_id: rest.number("author_id").unwrap_or_default(),
            username: rest.text("username").unwrap_or_default(),
            shown_name: rest.text("shown_name").unwrap_or_default(),
            role: rest.text("role").unwrap_or_default(),
            message_type: rest.text("message_type").unwrap_or_default(),
            client_id: rest.text("client_id"),
            text: rest.text("text"),
            parent: rest.number("parent"),
            created_at: rest.number("created_at").unwrap_or_default(),
            edited_at: rest.number("edited_at"),
            deleted_at: rest.number("deleted_at"),
            thread: rest.number("thread"),
            aside: rest.number("aside").unwrap_or_default(),
            replies: rest.number("replies"),
            last_seq: rest.number("last_seq"),
            last_at: rest.number("last_at"),
            participants: rest.text("participants"),
            thread_rev: rest.number("thread_rev"),
            // Looked for, if it cannot be read.
            files: rest.number("files").unwrap_or(1),
            preview: rest.number("preview").unwrap_or(1),
        })
    }
}

/// Turns rows into messages with their reactions and those whom they are for, their files and previews. Only a changed message can have reactions.
async fn complete(conn: &mut Conn, rows: Vec<Row>) -> Result<Vec<Message>> {
    let with_files = rows.iter().filter(|row| row.files > 0 && row.deleted_at.is_none());
    let with_files: Vec<MessageId> = with_files.map(|row| MessageId(row.id)).collect();
    let previewed = rows.iter().filter(|row| row.preview > 0 && row.deleted_at.is_none());
    let previewed: Vec<MessageId> = previewed.map(|row| MessageId(row.id)).collect();
    let mut messages: Vec<Message> = unreadable::readable(rows, Row::read)?;
    let changed: Vec<MessageId> =
        messages.iter().filter(|m| m.rev > m.seq && m.deleted_at.is_none()).map(|m| m.id).collect();
    if !changed.is_empty() {
        let mut found: HashMap<MessageId, _> = reactions::of(conn, &changed).await?;
        for message in &mut messages {
            message.reactions = found.remove(&message.id).unwrap_or_default();
        }
    }
    // Only a text with an `@` names anybody, and only an answer is for somebody without.
    let names = |m: &&Message| m.text.as_deref().is_some_and(|text| m.parent.is_some() || text::may_mention(text));
    let for_somebody: Vec<MessageId> = messages.iter().filter(names).map(|m| m.id).collect();
    if !for_somebody.is_empty() {
        let mut found = mentions::of(conn, &for_somebody).await?;
        for message in &mut messages {
            message.mentions = found.remove(&message.id).unwrap_or_default();
        }
    }
    if !with_files.is_empty() {
        let mut found = files::of(conn, &with_files).await?;
        for message in messages.iter_mut().filter(|message| message.deleted_at.is_none()) {
            message.files = found.remove(&message.id).unwrap_or_default();
        }
    }
    if !previewed.is_empty() {
        let mut found = previews::of(conn, &previewed).await?;
        for message in messages.iter_mut().filter(|message| message.deleted_at.is_none()) {
            message.preview = found.remove(&message.id).map(Box::new);
        }
    }
    Ok(messages)
}

/// The message at this place.
///
/// # Errors
/// Those of the database.
pub async fn one(conn: &mut Conn, conversation: ConversationId, seq: Number) -> Result<Option<Message>> {
    let rows = sql!(conn, salvage as Row, ONE, conversation.0, seq.0)?;
    Ok(complete(conn, rows).await?.pop())
}

/// The message of this id, in whatever conversation.
///
/// # Errors
/// Those of the database.
pub async fn by_id(conn: &mut Conn, id: MessageId) -> Result<Option<Message>> {
    let rows = sql!(conn, salvage as Row, BY_ID, id.0)?;
    Ok(complete(conn, rows).await?.pop())
}

/// In which conversation the message of this id is.
///
/// # Errors
/// Those of the database.
pub async fn conversation_of(conn: &mut Conn, id: MessageId) -> Result<Option<ConversationId>> {
    let found = sql!(conn, fetch_optional as (i64,), CONVERSATION_OF, id.0)?;
    Ok(found.map(|(conversation,)| ConversationId(conversation)))
}

/// At most `limit` messages from `from` on that are not deleted, newest first, without the `offset` newest.
///
/// # Errors
/// Those of the database.
pub async fn timeline(
    conn: &mut Conn,
    conversation: ConversationId,
    from: Number,
    offset: i64,
    limit: i64,
) -> Result<Vec<Message>> {
    let rows = sql_many!(conn, Row, COLUMNS, TIMELINE, conversation.0, from.0, limit, offset)?;
    complete(conn, rows).await
}

/// How many messages of a conversation from `from` on are not deleted.
///
/// # Errors
/// Those of the database.
pub async fn count(conn: &mut Conn, conversation: ConversationId, from: Number) -> Result<i64> {
    let (count,) = sql!(conn, fetch_one as (i64,), COUNT, conversation.0, from.0)?;
    Ok(count)
}

/// How many messages there are on the server, and when the newest was stored. Not counted one by one: ids are
/// given in order and rows are never removed. PostgreSQL leaves an id out when a transaction fails.
///
/// # Errors
/// Those of the database.
pub async fn total(conn: &mut Conn) -> Result<(i64, Option<Millis>)> {
    let newest = sql!(conn, fetch_optional as (i64, i64), NEWEST_OF_ALL)?;
    Ok(newest.map_or((0, None), |(id, at)| (id, Some(Millis(at)))))
}

/// At most `limit` messages before this place and from `from` on, oldest first.
///
/// # Errors
/// Those of the database.
pub async fn before(
    conn: &mut Conn,
    conversation: ConversationId,
    seq: Number,
    from: Number,
    limit: i64,
) -> Result<Vec<Message>> {
    before_in(conn, (conversation, View::All), seq, from, limit).await
}

/// Of the `limit` messages that were changed last, those whose edits have called somebody: after this number, and by an
/// edit that is not older than this moment; oldest first.
///
/// # Errors
/// Those of the database.
pub async fn called_by_edit(
    conn: &mut Conn,
    conversation: ConversationId,
    after: Number,
    since: Millis,
    limit: i64,
) -> Result<Vec<Message>> {
    let rows = sql_many!(conn, Row, COLUMNS, CALLED_BY_EDIT, conversation.0, after.0, since.0, limit)?;
    complete(conn, rows).await
}

/// The same of those messages that are in view.
///
/// # Errors
/// Those of the database.
pub async fn before_in(
    conn: &mut Conn,
    (conversation, view): (ConversationId, View),
    seq: Number,
    from: Number,
    limit: i64,
) -> Result<Vec<Message>> {
    let mut rows = match view {
        View::All => sql_many!(conn, Row, COLUMNS, BEFORE, conversation.0, seq.0, from.0, limit)?,
        View::Room => sql_many!(conn, Row, COLUMNS, BEFORE_IN_ROOM, conversation.0, seq.0, from.0, limit)?,
        View::Thread(root) => sql_many!(conn, Row, COLUMNS, BEFORE_IN_THREAD, conversation.0, root.0, seq.0, limit)?,
    };
    rows.reverse();
    complete(conn, rows).await
}

/// At most `limit` messages after this place, oldest first.
///
/// # Errors
/// Those of the database.
pub async fn after(conn: &mut Conn, conversation: ConversationId, seq: Number, limit: i64) -> Result<Vec<Message>> {
    after_in(conn, (conversation, View::All), seq, limit).await
}

/// The same of those messages that are in view.
///
/// # Errors
/// Those of the database.
pub async fn after_in(
    conn: &mut Conn,
    (conversation, view): (ConversationId, View),
    seq: Number,
    limit: i64,
) -> Result<Vec<Message>> {
    let rows = match view {
        View::All => sql_many!(conn, Row, COLUMNS, AFTER, conversation.0, seq.0, limit)?,
        View::Room => sql_many!(conn, Row, COLUMNS, AFTER_IN_ROOM, conversation.0, seq.0, limit)?,
        View::Thread(root) => sql_many!(conn, Row, COLUMNS, AFTER_IN_THREAD, conversation.0, root.0, seq.0, limit)?,
    };
    complete(conn, rows).await
}

/// The messages from `from` on that were changed after they were created, and for the last time after `since` and up to
/// `to`.
///
/// # Errors
/// Those of the database.
pub async fn changed(
    conn: &mut Conn,
    conversation: ConversationId,
    since: Number,
    to: Number,
    from: Number,
) -> Result<Vec<Message>> {
    let rows = sql_many!(conn, Row, COLUMNS, CHANGED, conversation.0, since.0, to.0, from.0)?;
    complete(conn, rows).await
}

/// The messages from `from` on that were created after `since` and up to `to`, and never changed.
///
/// # Errors
/// Those of the database.
pub async fn created(
    conn: &mut Conn,
    conversation: ConversationId,
    since: Number,
    to: Number,
    from: Number,
) -> Result<Vec<Message>> {
    let rows = sql_many!(conn, Row, COLUMNS, CREATED, conversation.0, since.0, to.0, from.0)?;
    complete(conn, rows).await
}

/// The newest message of each of these conversations.
///
/// # Errors
/// Those of the database.
pub async fn newest(conn: &mut Conn, conversations: &[ConversationId]) -> Result<HashMap<ConversationId, Message>> {
    let ids = crate::appends::json_ids(conversations.iter().map(|c| c.0))?;
    let rows = sql_many!(conn, Row, COLUMNS, NEWEST, ids.as_str())?;
    Ok(complete(conn, rows).await?.into_iter().map(|m| (m.conversation, m)).collect())
}

/// The messages about which these threads are.
///
/// # Errors
/// Those of the database.
pub async fn these(conn: &mut Conn, roots: &[ThreadKey]) -> Result<HashMap<ThreadKey, Message>> {
    #[derive(Serialize)]
    struct Place {
        c: i64,
        s: i64,
    }
    let place = |key: &ThreadKey| Place { c: key.conversation.0, s: key.root.0 };
    let places = crate::appends::json(&roots.iter().map(place).collect::<Vec<_>>())?;
    let rows = sql_many!(conn, Row, COLUMNS, THESE, places.as_str())?;
    let key = |one: &Message| ThreadKey { conversation: one.conversation, root: one.seq };
    Ok(complete(conn, rows).await?.into_iter().map(|one| (key(&one), one)).collect())
}

/// The newest message that stands in the room, of each of these conversations.
///
/// # Errors
/// Those of the database.
pub async fn newest_in_room(
    conn: &mut Conn,
    conversations: &[ConversationId],
) -> Result<HashMap<ConversationId, Message>> {
    let ids = crate::appends::json_ids(conversations.iter().map(|c| c.0))?;
    let rows = sql_many!(conn, Row, COLUMNS, NEWEST_IN_ROOM, ids.as_str())?;
    Ok(complete(conn, rows).await?.into_iter().map(|m| (m.conversation, m)).collect())
}

/// Of the messages with these ids those that a person may see and that are not deleted, newest first: in conversations of
/// these kinds, of the time from the first moment to before the second.
///
/// # Errors
/// Those of the database.
pub async fn found(
    conn: &mut Conn,
    ids: &[MessageId],
    user: UserId,
    (since, until): (Millis, Millis),
    kinds: &[Kind],
) -> Result<Vec<Message>> {
    #[derive(Serialize)]
    struct Name {
        v: &'static str,
    }
    let ids = crate::appends::json_ids(ids.iter().map(|id| id.0))?;
    let kinds = crate::appends::json(&kinds.iter().map(|kind| Name { v: kind.name() }).collect::<Vec<_>>())?;
    let rows = sql_many!(conn, Row, COLUMNS, FOUND, ids.as_str(), user.0, since.0, until.0, kinds.as_str())?;
    complete(conn, rows).await
}

/// Gives a message another text.
///
/// # Errors
/// Those of the database.
pub async fn edit(
    conn: &mut Conn,
    conversation: ConversationId,
    seq: Number,
    text: &str,
    number: Number,
    now: Millis,
) -> Result<()> {
    sql!(conn, execute, EDIT, conversation.0, seq.0, text, number.0, now.0)?;
    Ok(())
}

/// Turns a message into a tombstone: its text, its earlier texts, its reactions, its files and its preview are gone.
///
/// # Errors
/// Those of the database.
pub async fn delete(conn: &mut Conn, message: &Message, number: Number, now: Millis) -> Result<()> {
    reactions::clear(conn, message.id).await?;
    mentions::clear(conn, message.id).await?;
    versions::clear(conn, message.conversation, message.seq).await?;
    previews::remove(conn, message, now).await?;
    if !message.files.is_empty() {
        files::give_up_of_message(conn, message.id, now).await?;
    }
    sql!(conn, execute, DELETE, message.conversation.0, message.seq.0, number.0, now.0)?;
    Ok(())
}

/// Marks a message as changed under this number.
///
/// # Errors
/// Those of the database.
pub async fn touch(conn: &mut Conn, conversation: ConversationId, seq: Number, number: Number) -> Result<()> {
    sql!(conn, execute, TOUCH, conversation.0, seq.0, number.0)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_of_which_only_the_place_can_be_read_is_there_as_a_tombstone() {
        let rest = Rest::of_numbers(&[("id", 7), ("conversation_id", 1), ("seq", 3)]);
        let message = Row::salvage(&rest).expect("enough can be read").read().expect("a place");
        assert_eq!((message.seq, message.rev), (Number(3), Number(3)));
        assert!(message.text.is_none() && message.deleted_at.is_some(), "{message:?}");
    }
}
