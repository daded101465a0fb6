//! Conversations: rows and statements.

use chat::{
    ClientId, ConversationId, Millis, Number, UserId,
    conversations::{Conversation, Kind, Visibility},
};
use sqlx::FromRow;

use crate::{
    Conn, Error, Result,
    appends::{json_ids, sorted},
};

const TABLE: &str = "conversations";

/// The columns of [`Row`].
macro_rules! columns {
    () => {
        "id, kind, visibility, name, topic, pair_low, pair_high, created_by, created_at, head, rev, member_count, active_at"
    };
}

statements! {
    NEXT_NUMBER = "UPDATE conversations SET head = head + 1, \
                   active_at = CASE WHEN active_at < $2 THEN $2 ELSE active_at END WHERE id = $1 RETURNING head";
    CREATE = "INSERT INTO conversations (id, kind, visibility, name, name_key, topic, pair_low, pair_high, created_by, client_id, \
                                         created_at, head, rev, member_count, active_at)
              VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 1, 1, 0, $11)";
    UPDATE = "UPDATE conversations SET name = $2, name_key = $3, topic = $4, visibility = $5, rev = $6 WHERE id = $1";
    COUNT_MEMBERS = "UPDATE conversations SET member_count = member_count + $2 WHERE id = $1 RETURNING member_count";
    BY_ID = concat!("SELECT ", columns!(), "
             FROM conversations WHERE id = $1");
    BY_NAME = concat!("SELECT ", columns!(), "
             FROM conversations WHERE name_key = $1");
    BY_PAIR = concat!("SELECT ", columns!(), "
             FROM conversations WHERE pair_low = $1 AND pair_high = $2");
    BY_CLIENT_ID = concat!("SELECT ", columns!(), "
             FROM conversations WHERE created_by = $1 AND client_id = $2");
    PUBLIC = "SELECT c.id, c.kind, c.visibility, c.name, c.topic, c.pair_low, c.pair_high, c.created_by, c.created_at, c.head, c.rev, \
                     c.member_count, c.active_at, m.role
              FROM conversations c LEFT JOIN members m ON m.conversation_id = c.id AND m.user_id = $1
              WHERE c.name_key >= $2 AND c.name_key < $3 AND c.name_key > $4 AND c.visibility = 'public'
              ORDER BY c.name_key LIMIT $5";
    ALL_ROOMS = concat!("SELECT ", columns!(), "
             FROM conversations WHERE kind = 'room' AND name_key > $1 ORDER BY name_key LIMIT $2");
    HEADS = "SELECT c.id, c.head FROM json_each($1) AS j JOIN conversations c ON c.id = CAST(j.value ->> 'v' AS BIGINT)";
    TOTALS = "SELECT (SELECT COUNT(*) FROM users), (SELECT COUNT(*) FROM conversations)";
}

#[derive(FromRow)]
pub(crate) struct Row {
    pub id: i64,
    kind: String,
    visibility: String,
    name: Option<String>,
    topic: Option<String>,
    pair_low: Option<i64>,
    pair_high: Option<i64>,
    created_by: i64,
    created_at: i64,
    pub head: i64,
    rev: i64,
    member_count: i64,
    pub active_at: i64,
}

impl Row {
    pub(crate) fn read(self) -> Result<Conversation> {
        let unreadable = |what: &str| Error::Unreadable { table: TABLE, id: self.id, what: what.to_owned() };
        Ok(Conversation {
            id: ConversationId(self.id),
            kind: Kind::from_name(&self.kind).ok_or_else(|| unreadable("kind"))?,
            visibility: Visibility::from_name(&self.visibility).ok_or_else(|| unreadable("visibility"))?,
            name: self.name,
            topic: self.topic,
            created_by: UserId(self.created_by),
            created_at: Millis(self.created_at),
            head: Number(self.head),
            rev: Number(self.rev),
            member_count: self.member_count,
            pair: self.pair_low.zip(self.pair_high).map(|(low, high)| (UserId(low), UserId(high))),
        })
    }
}

/// The form of a name under which it is unique: without case.
#[must_use]
pub fn name_key(name: &str) -> String {
    name.to_lowercase()
}

/// What begins a transaction on PostgreSQL and locks the rows of these conversations, in one order.
pub(crate) fn beginning_with(ids: Vec<ConversationId>) -> String {
    let ids: Vec<String> = sorted(ids).iter().map(|id| id.0.to_string()).collect();
    // Numbers need no quotes; and what is prepared could not be one text with BEGIN.
    let lock = format!("SELECT id FROM conversations WHERE id IN ({}) ORDER BY id FOR UPDATE", ids.join(", "));
    if ids.is_empty() { "BEGIN".to_owned() } else { format!("BEGIN; {lock}") }
}

/// Takes the conversation's next number.
pub(crate) async fn next_number(conn: &mut Conn, id: ConversationId, now: Millis) -> Result<Number> {
    let (head,) = sql!(conn, fetch_one as (i64,), NEXT_NUMBER, id.0, now.0)?;
    Ok(Number(head))
}

/// What a new conversation is made of.
pub struct New<'a> {
    /// Room, group or direct.
    pub kind: Kind,
    /// Public or private.
    pub visibility: Visibility,
    /// Its name.
    pub name: Option<&'a str>,
    /// What it is about.
    pub topic: Option<&'a str>,
    /// The pair of a direct conversation, lower id first.
    pub pair: Option<(UserId, UserId)>,
    /// Who opens it.
    pub created_by: UserId,
    /// The creator's id for this request.
    pub client_id: Option<&'a ClientId>,
}

/// Stores a new conversation without members; its head and rev are 1.
///
/// # Errors
/// [`Error::Conflict`] if its name, pair or client id is taken.
pub async fn create(conn: &mut Conn, new: &New<'_>, now: Millis) -> Result<ConversationId> {
    let id = conn.next_id("conversation").await?;
    let key = (new.kind == Kind::Room).then(|| new.name.map(name_key)).flatten();
    let (low, high) = (new.pair.map(|p| p.0.0), new.pair.map(|p| p.1.0));
    sql!(
        conn,
        execute,
        CREATE,
        id,
        new.kind.name(),
        new.visibility.name(),
        new.name,
        key.as_deref(),
        new.topic,
        low,
        high,
        new.created_by.0,
        new.client_id.map(ClientId::as_str),
        now.0
    )?;
    Ok(ConversationId(id))
}

/// Stores a conversation's name, topic and visibility, changed under this number.
///
/// # Errors
/// [`Error::Conflict`] if its name is taken.
pub async fn update(conn: &mut Conn, conversation: &Conversation) -> Result<()> {
    let key = (conversation.kind == Kind::Room).then(|| conversation.name.as_deref().map(name_key)).flatten();
    sql!(
        conn,
        execute,
        UPDATE,
        conversation.id.0,
        conversation.name.as_deref(),
        key.as_deref(),
        conversation.topic.as_deref(),
        conversation.visibility.name(),
        conversation.rev.0
    )?;
    Ok(())
}

/// Changes the number of members by so many; returns how many there are.
///
/// # Errors
/// Those of the database.
pub async fn count_members(conn: &mut Conn, id: ConversationId, by: i64) -> Result<i64> {
    let (count,) = sql!(conn, fetch_one as (i64,), COUNT_MEMBERS, id.0, by)?;
    Ok(count)
}

/// The conversation of this id.
///
/// # Errors
/// Those of the database.
pub async fn by_id(conn: &mut Conn, id: ConversationId) -> Result<Option<Conversation>> {
    sql!(conn, fetch_optional as Row, BY_ID, id.0)?.map(Row::read).transpose()
}

/// The room of this name.
///
/// # Errors
/// Those of the database.
pub async fn by_name(conn: &mut Conn, name: &str) -> Result<Option<Conversation>> {
    sql!(conn, fetch_optional as Row, BY_NAME, name_key(name))?.map(Row::read).transpose()
}

/// The direct conversation of this pair.
///
/// # Errors
/// Those of the database.
pub async fn by_pair(conn: &mut Conn, low: UserId, high: UserId) -> Result<Option<Conversation>> {
    sql!(conn, fetch_optional as Row, BY_PAIR, low.0, high.0)?.map(Row::read).transpose()
}

/// The conversation that this person opened with this client id.
///
/// # Errors
/// Those of the database.
pub async fn by_client_id(conn: &mut Conn, creator: UserId, client_id: &ClientId) -> Result<Option<Conversation>> {
    sql!(conn, fetch_optional as Row, BY_CLIENT_ID, creator.0, client_id.as_str())?.map(Row::read).transpose()
}

#[derive(FromRow)]
struct PublicRow {
    #[sqlx(flatten)]
    conversation: Row,
    role: Option<String>,
}

/// Public rooms whose name begins with `prefix`, by name, after the name `after`; each with whether
/// `user` is a member.
///
/// # Errors
/// Those of the database.
pub async fn public(
    conn: &mut Conn,
    user: UserId,
    prefix: &str,
    after: &str,
    limit: i64,
) -> Result<Vec<(Conversation, bool)>> {
    let low = name_key(prefix);
    let high = format!("{low}\u{10ffff}");
    sql!(conn, fetch_all as PublicRow, PUBLIC, user.0, low, high, name_key(after), limit)?
        .into_iter()
        .map(|row| Ok((row.conversation.read()?, row.role.is_some())))
        .collect()
}

/// All rooms, for the operator, by name.
///
/// # Errors
/// Those of the database.
pub async fn all_rooms(conn: &mut Conn, after: &str, limit: i64) -> Result<Vec<Conversation>> {
    sql!(conn, fetch_all as Row, ALL_ROOMS, name_key(after), limit)?.into_iter().map(Row::read).collect()
}

/// The heads of these conversations; those that are not there are left out.
///
/// # Errors
/// Those of the database.
pub async fn heads(conn: &mut Conn, ids: &[ConversationId]) -> Result<Vec<(ConversationId, Number)>> {
    let rows = sql_many!(conn, (i64, i64), "id, head", HEADS, json_ids(ids.iter().map(|id| id.0))?)?;
    Ok(rows.into_iter().map(|(id, head)| (ConversationId(id), Number(head))).collect())
}

/// How many users and conversations there are.
///
/// # Errors
/// Those of the database.
pub async fn totals(conn: &mut Conn) -> Result<(i64, i64)> {
    sql!(conn, fetch_one as (i64, i64), TOTALS)
}
