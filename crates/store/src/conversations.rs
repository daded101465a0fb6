//! Conversations: rows and statements.

use chat::{
    ClientId, ConversationId, FileId, Millis, Number, UserId,
    conversations::{Conversation, Kind, Visibility},
    names::{compared, look_alike, search_key},
};
use sqlx::FromRow;

use crate::{
    Conn, Db, Error, Result,
    appends::json_ids,
    clock,
    names::{self, Sought},
    unreadable::{self, Rest, Salvage},
};

const TABLE: &str = "conversations";

/// The columns of [`Row`]; `$of` stands before each: the name of their table with a point, or nothing.
macro_rules! conversation_columns {
    ($of:literal) => {
        conversation_columns!($of, "kind" "visibility" "name" "topic" "avatar" "pair_low" "pair_high" "created_by" "created_at"
                                   "head" "rev" "member_count" "active_at" "edit_history" "previews")
    };
    ($of:literal, $($column:literal)*) => {
        concat!($of, "id" $(, ", ", $of, $column)*)
    };
}

/// Times beyond `$2` are taken back to before `$1`, in the order in which they were.
macro_rules! take_back {
    ($locking:literal) => {
        concat!(
            "UPDATE conversations SET active_at = $1 - r.place
             FROM (SELECT id, ROW_NUMBER() OVER (ORDER BY active_at DESC, id DESC) AS place
                   FROM (SELECT id, active_at FROM conversations WHERE active_at > $2",
            $locking,
            ") AS ahead) AS r
             WHERE conversations.id = r.id"
        )
    };
}

/// On PostgreSQL other nodes write too, and hold rows. What one of them changes meanwhile it dates anew by itself; so
/// nobody is waited for, and nobody can come to wait for each other.
const TAKE_BACK_FREE: &str = take_back!(" ORDER BY id FOR UPDATE SKIP LOCKED");

/// A program of before migration 6 knows `name_key` alone, gives it to private rooms too, and leaves `room_key` as it is.
/// So where there is a `name_key` it is the one that holds.
macro_rules! settle_names {
    ($locking:literal) => {
        concat!(
            "UPDATE conversations SET
                 room_key = name_key, name_key = CASE WHEN visibility = 'private' THEN NULL ELSE name_key END
             FROM (SELECT id FROM conversations WHERE kind = 'room' AND name_key IS NOT NULL
                   AND (visibility = 'private' OR room_key IS NULL OR room_key <> name_key)",
            $locking,
            ") AS unsettled
             WHERE conversations.id = unsettled.id"
        )
    };
}

/// Waits for no other node, which may be one of those programs: see [`TAKE_BACK_FREE`].
const SETTLE_NAMES_FREE: &str = settle_names!(" ORDER BY id FOR UPDATE SKIP LOCKED");

statements! {
    /// `$3` is as far ahead of `$2` as a time may be to hold it up.
    NEXT_NUMBER = "UPDATE conversations SET head = CASE WHEN head < 4503599627370498 THEN head + 1 ELSE head END, \
                   active_at = CASE WHEN active_at > $2 AND active_at <= $3 THEN active_at ELSE $2 END \
                   WHERE id = $1 RETURNING head";
    TAKE_BACK = take_back!("");
    CREATE = "INSERT INTO conversations (id, kind, visibility, name, name_key, topic, pair_low, pair_high, created_by, client_id, \
                                         created_at, head, rev, member_count, active_at, room_key, look_key, search_key, keyed)
              VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 1, 1, 0, $11, $12, $13, $14, $15)";
    /// One that looks like an older room stays without the key that both would have, as long as it keeps its name.
    UPDATE = "UPDATE conversations SET name = $2, name_key = $3, topic = $4, visibility = $5, rev = $6, room_key = $7, \
                     look_key = CASE WHEN keyed = $10 THEN look_key ELSE $8 END, search_key = $9, keyed = $10, edit_history = $11, previews = $12 \
                     WHERE id = $1";
    COUNT_MEMBERS = "UPDATE conversations SET member_count = member_count + $2 WHERE id = $1 RETURNING member_count";
    BY_ID = concat!("SELECT ", conversation_columns!(""), "
             FROM conversations WHERE id = $1");
    PUBLIC_BY_NAME = concat!("SELECT ", conversation_columns!(""), "
             FROM conversations WHERE name_key = $1 AND visibility = 'public'");
    BY_LOOK = "SELECT id FROM conversations WHERE look_key = $1";
    /// Through the person's memberships, whatever rooms of this name there are besides.
    PRIVATE_BY_NAME = concat!("SELECT ", conversation_columns!("c."), "
             FROM members m JOIN conversations c ON c.id = m.conversation_id
             WHERE m.user_id = $1 AND m.role IS NOT NULL AND COALESCE(c.name_key, c.room_key) = $2 AND c.visibility = 'private'
             ORDER BY c.id LIMIT 1");
    BY_PAIR = concat!("SELECT ", conversation_columns!(""), "
             FROM conversations WHERE pair_low = $1 AND pair_high = $2");
    BY_CLIENT_ID = concat!("SELECT ", conversation_columns!(""), "
             FROM conversations WHERE created_by = $1 AND client_id = $2");
    PUBLIC = concat!("SELECT ", conversation_columns!("c."), ", m.role
              FROM conversations c LEFT JOIN members m ON m.conversation_id = c.id AND m.user_id = $1
              WHERE c.name_key > $4 AND c.visibility = 'public' AND ", names_hold!("$2", "$3", "c.name_key", "c."), "
              ORDER BY c.name_key LIMIT CAST($5 AS BIGINT)");
    /// Through the person's memberships, the most recently active first.
    OWN_ROOMS = concat!("SELECT ", conversation_columns!("c."), "
              FROM members m JOIN conversations c ON c.id = m.conversation_id
              WHERE m.user_id = $1 AND m.role IS NOT NULL AND c.kind = 'room' AND ", names_hold!("$2", "$3", "c.room_key", "c."), "
              ORDER BY c.active_at DESC, c.id DESC LIMIT CAST($4 AS BIGINT)");
    PUBLIC_BY_ID = concat!("SELECT ", conversation_columns!("c."), ", m.role
                    FROM conversations c LEFT JOIN members m ON m.conversation_id = c.id AND m.user_id = $1
                    WHERE c.id = $2 AND c.visibility = 'public'");
    ALL_ROOMS = concat!("SELECT ", conversation_columns!(""), "
             FROM (SELECT ", conversation_columns!(""), ", COALESCE(name_key, room_key) AS listed_key FROM conversations WHERE kind = 'room') AS rooms
             WHERE listed_key > $1 OR (listed_key = $1 AND id > $2) ORDER BY listed_key, id LIMIT CAST($3 AS BIGINT)");
    SETTLE_NAMES = settle_names!("");
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
    avatar: Option<String>,
    pair_low: Option<i64>,
    pair_high: Option<i64>,
    created_by: i64,
    created_at: i64,
    pub head: i64,
    rev: i64,
    member_count: i64,
    pub active_at: i64,
    edit_history: i64,
    /// 1 if new messages get previews of their links.
    previews: i64,
}

impl Row {
    pub(crate) fn read(self) -> Result<Conversation> {
        Ok(Conversation {
            id: ConversationId(self.id),
            kind: Kind::from_name(&self.kind).ok_or_else(|| unreadable_kind(self.id))?,
            // An unreadable visibility counts as private: nobody is shown more than they may see.
            visibility: Visibility::from_name(&self.visibility).unwrap_or_else(|| {
                unreadable::note(TABLE, self.id, "visibility");
                Visibility::Private
            }),
            name: self.name,
            topic: self.topic,
            avatar: self.avatar.as_deref().and_then(FileId::parse),
            created_by: UserId(self.created_by),
            created_at: Millis(self.created_at),
            head: Number(self.head),
            rev: Number(self.rev),
            member_count: self.member_count,
            edit_history: self.edit_history == 1,
            pair: self.pair_low.zip(self.pair_high).map(|(low, high)| (UserId(low), UserId(high))),
            previews: self.previews == 1,
        })
    }
}

impl Salvage for Row {
    fn salvage(rest: &Rest) -> Option<Self> {
        Some(Self {
            id: rest.number("id")?,
            kind: rest.text("kind")?,
            visibility: rest.text("visibility").unwrap_or_default(),
            name: rest.text("name"),
            topic: rest.text("topic"),
            avatar: rest.text("avatar"),
            pair_low: rest.number("pair_low"),
            pair_high: rest.number("pair_high"),
            created_by: rest.number("created_by")?,
            created_at: rest.number("created_at").unwrap_or_default(),
            head: rest.number("head")?,
            rev: rest.number("rev")?,
            member_count: rest.number("member_count").unwrap_or_default(),
            active_at: rest.number("active_at").unwrap_or_default(),
            edit_history: rest.number("edit_history").unwrap_or_default(),
            previews: rest.number("previews").unwrap_or_default(),
        })
    }
}

/// Of a conversation whose kind cannot be read nobody knows what it is: it is left out everywhere.
pub(crate) fn unreadable_kind(id: i64) -> Error {
    Error::Unreadable { table: TABLE, id, what: "kind".to_owned() }
}

/// The keys of a conversation's name.
struct Keys {
    /// The compared form, which only public rooms have: it is unique.
    unique: Option<String>,
    /// The compared form by which members find their room. Groups and direct conversations have none.
    key: Option<String>,
    /// The skeleton of look-alikes, which only public rooms have: it is unique as well.
    look: Option<String>,
    /// The words of a room's name.
    search: Option<String>,
    /// Of what the keys were made.
    keyed: Option<String>,
}

impl Keys {
    fn of(kind: Kind, visibility: Visibility, name: Option<&str>) -> Self {
        let room = name.filter(|_| kind == Kind::Room);
        let public = room.filter(|_| visibility == Visibility::Public);
        Self {
            unique: public.map(compared),
            key: room.map(compared),
            look: public.map(look_alike),
            search: room.map(|name| search_key([name])),
            keyed: name.map(|name| names::keyed_room(visibility.name(), name)),
        }
    }
}

/// The statement that locks the rows of these conversations in one order, where other nodes write too.
pub(crate) fn lock_text(conversations: &[ConversationId]) -> String {
    let ids: Vec<String> = conversations.iter().map(|id| id.0.to_string()).collect();
    format!("SELECT id FROM conversations WHERE id IN ({}) ORDER BY id FOR UPDATE", ids.join(", "))
}

impl Db {
    /// Gives the rooms that programs of before migration 6 have made or renamed the names by which they are found, and
    /// takes from private ones the unique name, by which a stranger could find out about them. Returns how many.
    ///
    /// Before the writer is started.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn settle_room_names(&self) -> Result<u64> {
        let conn = &mut self.write().await?;
        let text = if conn.is_sqlite() { SETTLE_NAMES } else { SETTLE_NAMES_FREE };
        sql!(conn, execute, text)
    }
}

/// Takes the conversation's next number. A damaged head does not overflow: see [`crate::heads`].
pub(crate) async fn next_number(conn: &mut Conn, id: ConversationId, now: Millis) -> Result<Number> {
    let (head,) = sql!(conn, fetch_one as (i64,), NEXT_NUMBER, id.0, now.0, clock::furthest(now).0)?;
    Ok(Number(head))
}

/// Takes times of last activity that lie in the future back to just before now; their order stays. Returns how many.
///
/// They are of a time when the clock was ahead. Left as they are, those conversations would stand above all others
/// in everybody's list until the clock has come to them. On PostgreSQL those are left as they are that another node
/// is changing.
///
/// # Errors
/// Those of the database.
pub async fn take_back_future(conn: &mut Conn, now: Millis) -> Result<u64> {
    let text = if conn.is_sqlite() { TAKE_BACK } else { TAKE_BACK_FREE };
    sql!(conn, execute, text, now.0, clock::furthest(now).0)
}

/// The contents of a new conversation.
pub struct NewConversation<'a> {
    /// Room, group or direct.
    pub kind: Kind,
    /// Public or private.
    pub visibility: Visibility,
    /// Its name.
    pub name: Option<&'a str>,
    /// Its topic.
    pub topic: Option<&'a str>,
    /// The pair of a direct conversation, lower id first.
    pub pair: Option<(UserId, UserId)>,
    /// The person who opens it.
    pub created_by: UserId,
    /// The creator's id for this request.
    pub client_id: Option<&'a ClientId>,
}

/// Stores a new conversation without members; its head and rev are 1.
///
/// # Errors
/// [`Error::Conflict`] if it is a public room and the name of another one is the same or looks the same, or if its pair
/// or client id is taken.
pub async fn create(conn: &mut Conn, new: &NewConversation<'_>, now: Millis) -> Result<ConversationId> {
    let id = conn.next_id("conversation").await?;
    let keys = Keys::of(new.kind, new.visibility, new.name);
    let (low, high) = (new.pair.map(|p| p.0.0), new.pair.map(|p| p.1.0));
    sql!(
        conn,
        execute,
        CREATE,
        id,
        new.kind.name(),
        new.visibility.name(),
        new.name,
        keys.unique,
        new.topic,
        low,
        high,
        new.created_by.0,
        new.client_id.map(ClientId::as_str),
        now.0,
        keys.key,
        keys.look,
        keys.search,
        keys.keyed
    )?;
    Ok(ConversationId(id))
}

/// Stores a conversation's name, topic and visibility, and whether it keeps earlier texts, changed under its `rev`.
///
/// # Errors
/// [`Error::Conflict`] if it is a public room and the name of another one is the same or looks the same.
pub async fn update(conn: &mut Conn, conversation: &Conversation) -> Result<()> {
    let keys = Keys::of(conversation.kind, conversation.visibility, conversation.name.as_deref());
    sql!(
        conn,
        execute,
        UPDATE,
        conversation.id.0,
        conversation.name.as_deref(),
        keys.unique,
        conversation.topic.as_deref(),
        conversation.visibility.name(),
        conversation.rev.0,
        keys.key,
        keys.look,
        keys.search,
        keys.keyed,
        i64::from(conversation.edit_history),
        i64::from(conversation.previews)
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
    Ok(unreadable::readable(sql!(conn, salvage as Row, BY_ID, id.0)?, Row::read)?.pop())
}

/// The public room of this name.
///
/// # Errors
/// Those of the database.
pub async fn public_by_name(conn: &mut Conn, name: &str) -> Result<Option<Conversation>> {
    Ok(unreadable::readable(sql!(conn, salvage as Row, PUBLIC_BY_NAME, compared(name))?, Row::read)?.pop())
}

/// Of the private rooms of this name the oldest of which this person is a member.
///
/// # Errors
/// Those of the database.
pub async fn private_by_name(conn: &mut Conn, user: UserId, name: &str) -> Result<Option<Conversation>> {
    Ok(unreadable::readable(sql!(conn, salvage as Row, PRIVATE_BY_NAME, user.0, compared(name))?, Row::read)?.pop())
}

/// Whether there is a public room whose name looks like this one, or is the same.
///
/// # Errors
/// Those of the database.
pub async fn is_look_alike(conn: &mut Conn, name: &str) -> Result<bool> {
    Ok(sql!(conn, fetch_optional as (i64,), BY_LOOK, look_alike(name))?.is_some())
}

/// The direct conversation of this pair.
///
/// # Errors
/// Those of the database.
pub async fn by_pair(conn: &mut Conn, low: UserId, high: UserId) -> Result<Option<Conversation>> {
    Ok(unreadable::readable(sql!(conn, salvage as Row, BY_PAIR, low.0, high.0)?, Row::read)?.pop())
}

/// The conversation that this person opened with this client id.
///
/// # Errors
/// Those of the database.
pub async fn by_client_id(conn: &mut Conn, creator: UserId, client_id: &ClientId) -> Result<Option<Conversation>> {
    Ok(unreadable::readable(sql!(conn, salvage as Row, BY_CLIENT_ID, creator.0, client_id.as_str())?, Row::read)?.pop())
}

#[derive(FromRow)]
struct PublicRow {
    #[sqlx(flatten)]
    conversation: Row,
    role: Option<String>,
}

impl Salvage for PublicRow {
    fn salvage(rest: &Rest) -> Option<Self> {
        Some(Self { conversation: Row::salvage(rest)?, role: rest.text("role") })
    }
}

/// Public rooms of whose name every word of `search` begins a word, by name, after the name `after`; all if there is no
/// word. Each with whether `user` is a member.
///
/// # Errors
/// Those of the database.
pub async fn public(
    conn: &mut Conn,
    user: UserId,
    search: &str,
    after: &str,
    limit: i64,
) -> Result<Vec<(Conversation, bool)>> {
    let sought = Sought::new(search)?;
    let (longest, all) = (sought.longest, sought.all);
    let rows = sql!(conn, salvage as PublicRow, PUBLIC, user.0, longest, all, compared(after), limit)?;
    unreadable::readable(rows, |row| Ok((row.conversation.read()?, row.role.is_some())))
}

/// Rooms of somebody of whose name every word of `search` begins a word, the most recently active first; all if there is
/// no word.
///
/// # Errors
/// Those of the database.
pub async fn own_rooms(conn: &mut Conn, user: UserId, search: &str, limit: i64) -> Result<Vec<Conversation>> {
    let Sought { longest, all } = Sought::new(search)?;
    unreadable::readable(sql!(conn, salvage as Row, OWN_ROOMS, user.0, longest, all, limit)?, Row::read)
}

/// The public room of this id, with whether `user` is a member; nothing if there is none.
///
/// # Errors
/// Those of the database.
pub async fn public_by_id(conn: &mut Conn, user: UserId, id: ConversationId) -> Result<Vec<(Conversation, bool)>> {
    let rows = sql!(conn, salvage as PublicRow, PUBLIC_BY_ID, user.0, id.0)?;
    unreadable::readable(rows, |row| Ok((row.conversation.read()?, row.role.is_some())))
}

/// All rooms after this one (its name and id), for the operator: by name, those of one name by id.
///
/// # Errors
/// Those of the database.
pub async fn all_rooms(conn: &mut Conn, after: (&str, ConversationId), limit: i64) -> Result<Vec<Conversation>> {
    let (name, id) = after;
    unreadable::readable(sql!(conn, salvage as Row, ALL_ROOMS, compared(name), id.0, limit)?, Row::read)
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
