//! The list of a person's conversations, by last activity: rows and statements.

use chat::{
    ConversationId, Number, UserId,
    conversations::{Conversation, Kind},
    limits::UNREAD_CAP,
    members::Role,
    notifications::ConversationSettings,
};
use sqlx::FromRow;

use crate::{
    Conn, Result,
    appends::{json_ids, json_places},
    conversations,
    members::read_role,
    notifications::HereRow,
    unreadable::{self, Rest, Salvage},
};

/// The columns of [`ListedRow`], of memberships `m` in conversations `c`.
///
/// Unread messages are counted by indexes, what stands in the room and what stands aside in threads, from one number on
/// and up to [`chat::limits::UNREAD_CAP`]: no more rows than that are read of each.
macro_rules! entry_columns {
    () => {
        concat!(
            conversation_columns!("c."),
            ", m.user_id, m.role, m.visible_from, m.read_seq, m.hidden_seq, ",
            unread_for_me!(),
            " AS unread_for_me, \
                m.notify, m.muted_until, m.unread_from, (
             SELECT COUNT(*) FROM (SELECT 1 FROM messages n
                 WHERE n.conversation_id = c.id AND n.aside = 2 AND n.author_id <> m.user_id AND n.deleted_at IS NULL
                 AND n.seq >= ",
            unread_from!(),
            "
                 UNION ALL SELECT 1 FROM messages n
                 WHERE n.conversation_id = c.id AND n.author_id <> m.user_id AND n.deleted_at IS NULL
                 AND n.seq < ",
            first_aside!("c.id"),
            " AND n.seq >= ",
            unread_from!(),
            "
                 LIMIT 100) AS counted) AS unread_in_room, (
             SELECT COUNT(*) FROM (SELECT 1 FROM messages n
                 WHERE n.conversation_id = c.id AND n.aside = 1 AND n.author_id <> m.user_id AND n.deleted_at IS NULL
                 AND n.seq >= ",
            unread_from!(),
            "
                 LIMIT 100) AS counted) AS unread_aside "
        )
    };
}

/// Entries of the list of `$1`, hidden ones too.
macro_rules! entry {
    () => {
        concat!(
            "SELECT ",
            entry_columns!(),
            "FROM members m JOIN conversations c ON c.id = m.conversation_id
             WHERE m.user_id = $1 AND m.role IS NOT NULL "
        )
    };
}

/// The same: all that are not hidden, or `$2` alone.
macro_rules! listed {
    () => {
        concat!(entry!(), "AND (c.id = $2 OR ($2 = 0 AND c.head > m.hidden_seq)) ")
    };
}

statements! {
    LISTED = concat!(listed!(), "AND (c.active_at < $3 OR (c.active_at = $3 AND c.id < $4))
              ORDER BY c.active_at DESC, c.id DESC LIMIT CAST($5 AS BIGINT)");
    /// Those that are hidden.
    HIDDEN = concat!(entry!(), "AND c.head <= m.hidden_seq AND (c.active_at < $2 OR (c.active_at = $2 AND c.id < $3))
              ORDER BY c.active_at DESC, c.id DESC LIMIT CAST($4 AS BIGINT)");
    /// These, hidden ones too.
    THESE = concat!(entry!(), "AND c.id IN (SELECT CAST(j.value ->> 'v' AS BIGINT) FROM json_each($2) AS j)");
    /// These of several people, hidden ones too.
    OF_THESE = concat!("SELECT ", entry_columns!(), "FROM json_each($1) AS j CROSS JOIN members m
              JOIN conversations c ON c.id = m.conversation_id
              WHERE m.conversation_id = CAST(j.value ->> 'c' AS BIGINT) AND m.user_id = CAST(j.value ->> 'u' AS BIGINT)
              AND m.role IS NOT NULL");
    /// Conversations that were active after `$3`, by id.
    MOVED = concat!(listed!(), "AND c.active_at > $3 AND c.id > $4 ORDER BY c.id LIMIT CAST($5 AS BIGINT)");
}

#[derive(FromRow)]
struct ListedRow {
    #[sqlx(flatten)]
    conversation: conversations::Row,
    user_id: i64,
    role: String,
    visible_from: i64,
    read_seq: i64,
    hidden_seq: i64,
    #[sqlx(flatten)]
    here: HereRow,
    unread_for_me: i64,
    unread_in_room: i64,
    unread_aside: i64,
}

impl Salvage for ListedRow {
    fn salvage(rest: &Rest) -> Option<Self> {
        Some(Self {
            conversation: conversations::Row::salvage(rest)?,
            user_id: rest.number("user_id")?,
            role: rest.text("role").unwrap_or_default(),
            visible_from: rest.number("visible_from")?,
            read_seq: rest.number("read_seq")?,
            hidden_seq: rest.number("hidden_seq").unwrap_or_default(),
            here: HereRow::salvage(rest)?,
            unread_for_me: rest.number("unread_for_me").unwrap_or_default(),
            unread_in_room: rest.number("unread_in_room").unwrap_or_default(),
            unread_aside: rest.number("unread_aside").unwrap_or_default(),
        })
    }
}

/// A conversation in somebody's list, without its last message and peer.
pub struct Entry {
    /// In whose list.
    pub user: UserId,
    /// The conversation.
    pub conversation: Conversation,
    /// The person's role.
    pub role: Role,
    /// The number from which on they see messages; 0 if they see all.
    pub visible_from: Number,
    /// Their read marker.
    pub read_seq: Number,
    /// The number up to which it is out of the person's list, if it is.
    pub hidden: Option<Number>,
    /// Others' messages after it, or from the mark on, counted up to [`chat::limits::UNREAD_CAP`].
    pub unread: i64,
    /// Those of them that are for the person.
    pub unread_for_me: i64,
    /// The same without those that are in threads only.
    pub unread_in_room: i64,
    /// The person's own settings.
    pub settings: ConversationSettings,
    /// Its time of last activity, in milliseconds: what the list is ordered by.
    pub active_at: i64,
}

/// A conversation of a person's list.
///
/// # Errors
/// Those of the database.
pub async fn entry(conn: &mut Conn, user: UserId, only: ConversationId) -> Result<Option<Entry>> {
    let rows = sql!(conn, salvage as ListedRow, LISTED, user.0, only.0, i64::MAX, i64::MAX, 1_i64)?;
    Ok(read(rows)?.pop())
}

/// Those of these conversations to which a person belongs, hidden ones too.
///
/// # Errors
/// Those of the database.
pub async fn entries(conn: &mut Conn, user: UserId, these: &[ConversationId]) -> Result<Vec<Entry>> {
    let ids = json_ids(these.iter().map(|id| id.0))?;
    read(sql!(conn, salvage as ListedRow, THESE, user.0, ids)?)
}

/// Those of these people's conversations to which they belong, hidden ones too, in no particular order: each of a
/// conversation and one of its members.
///
/// # Errors
/// Those of the database.
pub async fn of_these(conn: &mut Conn, these: &[(ConversationId, UserId)]) -> Result<Vec<Entry>> {
    read(sql!(conn, salvage as ListedRow, OF_THESE, json_places(these)?)?)
}

/// The conversations that a person has hidden, the most recently active first, after this time of last activity and id.
///
/// # Errors
/// Those of the database.
pub async fn hidden(
    conn: &mut Conn,
    user: UserId,
    after: Option<(i64, ConversationId)>,
    limit: i64,
) -> Result<Vec<Entry>> {
    let (active_at, id) = after.map_or((i64::MAX, i64::MAX), |(active_at, id)| (active_at, id.0));
    read(sql!(conn, salvage as ListedRow, HIDDEN, user.0, active_at, id, limit)?)
}

/// A person's conversations, the most recently active first, after this time of last activity and id.
///
/// # Errors
/// Those of the database.
pub async fn listed(
    conn: &mut Conn,
    user: UserId,
    after: Option<(i64, ConversationId)>,
    limit: i64,
) -> Result<Vec<Entry>> {
    let (active_at, id) = after.map_or((i64::MAX, i64::MAX), |(active_at, conversation)| (active_at, conversation.0));
    read(sql!(conn, salvage as ListedRow, LISTED, user.0, 0_i64, active_at, id, limit)?)
}

/// Those of a person's conversations that were active after a time, by id, after this one.
///
/// # Errors
/// Those of the database.
pub async fn moved(
    conn: &mut Conn,
    user: UserId,
    horizon: i64,
    after: ConversationId,
    limit: i64,
) -> Result<Vec<Entry>> {
    read(sql!(conn, salvage as ListedRow, MOVED, user.0, 0_i64, horizon, after.0, limit)?)
}

fn read(rows: Vec<ListedRow>) -> Result<Vec<Entry>> {
    unreadable::readable(rows, |row| {
        let user = UserId(row.user_id);
        let (active_at, head) = (row.conversation.active_at, row.conversation.head);
        let role = read_role(&row.role, row.conversation.id, user.0);
        let conversation = row.conversation.read()?;
        Ok(Entry {
            user,
            active_at,
            hidden: (row.hidden_seq >= head).then_some(Number(row.hidden_seq)),
            role,
            // Two people speak to nobody but each other.
            unread_for_me: if conversation.kind == Kind::Direct { row.unread_in_room } else { row.unread_for_me },
            conversation,
            visible_from: Number(row.visible_from),
            read_seq: Number(row.read_seq),
            unread: (row.unread_in_room + row.unread_aside).min(UNREAD_CAP),
            unread_in_room: row.unread_in_room,
            settings: row.here.read(user.0),
        })
    })
}
