//! Members: rows and statements.

use chat::{
    ConversationId, Millis, Number, UserId,
    conversations::{Conversation, Kind},
    members::{Member, Role},
};
use sqlx::FromRow;

use crate::{Conn, Error, Result, appends::json_ids, conversations};

const TABLE: &str = "members";

/// The columns of [`Row`].
macro_rules! columns {
    () => {
        concat!(
            "m.conversation_id, m.user_id, u.username, ",
            shown_name!(),
            " AS shown_name, m.role, m.rev, m.joined_at"
        )
    };
}

statements! {
    JOIN = "INSERT INTO members (conversation_id, user_id, role, rev, joined_at, read_seq, delivered_seq)
            VALUES ($1, $2, $3, $4, $5, $6, $6)
            ON CONFLICT (conversation_id, user_id) DO UPDATE SET role = excluded.role, rev = excluded.rev, \
                joined_at = excluded.joined_at, read_seq = excluded.read_seq, delivered_seq = excluded.delivered_seq, \
                read_at = NULL, hidden_seq = 0";
    HIDE = "UPDATE members SET hidden_seq = $3 WHERE conversation_id = $1 AND user_id = $2 AND role IS NOT NULL";
    SHOW = "UPDATE members SET hidden_seq = 0 WHERE conversation_id = $1 AND user_id = $2";
    HIDDEN = "SELECT m.hidden_seq FROM members m JOIN conversations c ON c.id = m.conversation_id
                 WHERE m.conversation_id = $1 AND m.user_id = $2 AND m.hidden_seq >= c.head";
    SET_ROLE = "UPDATE members SET role = $3, rev = $4 WHERE conversation_id = $1 AND user_id = $2";
    ONE = concat!("SELECT ", columns!(), "
             FROM members m JOIN users u ON u.id = m.user_id WHERE m.conversation_id = $1 AND m.user_id = $2");
    PAGE = concat!("SELECT ", columns!(), "
             FROM members m JOIN users u ON u.id = m.user_id
             WHERE m.conversation_id = $1 AND m.role IS NOT NULL AND m.user_id > $2 ORDER BY m.user_id LIMIT $3");
    CHANGED = concat!("SELECT ", columns!(), "
             FROM members m JOIN users u ON u.id = m.user_id
             WHERE m.conversation_id = $1 AND m.rev > $2 AND m.rev <= $3 ORDER BY m.rev");
    MEMBERSHIP = "SELECT c.id, c.kind, c.visibility, c.name, c.topic, c.pair_low, c.pair_high, c.created_by, c.created_at, c.head, \
                         c.rev, c.member_count, c.active_at, m.role
                  FROM members m JOIN conversations c ON c.id = m.conversation_id
                  WHERE m.conversation_id = $1 AND m.user_id = $2 AND m.role IS NOT NULL";
    OWNERS = "SELECT COUNT(*) FROM members WHERE conversation_id = $1 AND role = 'owner'";
    HEIR = "SELECT user_id FROM members WHERE conversation_id = $1 AND role IS NOT NULL
            ORDER BY CASE role WHEN 'admin' THEN 0 WHEN 'moderator' THEN 1 ELSE 2 END, joined_at, user_id LIMIT 1";
    COUNT_OF_USER = "SELECT COUNT(*) FROM members WHERE user_id = $1 AND role IS NOT NULL";
    OF_USERS = "SELECT m.user_id, c.id, c.kind, c.name, c.pair_low, c.pair_high, c.head, c.member_count
                FROM json_each($1) AS j
                JOIN members m ON m.user_id = CAST(j.value ->> 'v' AS BIGINT) AND m.role IS NOT NULL
                JOIN conversations c ON c.id = m.conversation_id";
    AMONG = "SELECT m.conversation_id, m.user_id, u.username
             FROM json_each($1) AS j
             JOIN members m ON m.user_id = CAST(j.value ->> 'v' AS BIGINT) AND m.role IS NOT NULL
             JOIN users u ON u.id = m.user_id
             WHERE m.conversation_id IN (SELECT CAST(k.value ->> 'v' AS BIGINT) FROM json_each($2) AS k)";
    SHARE = "SELECT COUNT(*) FROM members a JOIN members b ON b.conversation_id = a.conversation_id
             WHERE a.user_id = $1 AND b.user_id = $2 AND a.role IS NOT NULL AND b.role IS NOT NULL";
}

#[derive(FromRow)]
struct Row {
    conversation_id: i64,
    user_id: i64,
    username: String,
    shown_name: String,
    role: Option<String>,
    rev: i64,
    joined_at: i64,
}

impl Row {
    fn read(self) -> Result<Member> {
        Ok(Member {
            user: UserId(self.user_id),
            username: self.username,
            shown_name: self.shown_name,
            role: self.role.as_deref().map(|role| read_role(role, self.conversation_id)).transpose()?,
            rev: Number(self.rev),
            joined_at: Millis(self.joined_at),
        })
    }
}

pub(crate) fn read_role(role: &str, conversation: i64) -> Result<Role> {
    Role::from_name(role).ok_or_else(|| Error::Unreadable {
        table: TABLE,
        id: conversation,
        what: format!("role {role}"),
    })
}

/// Makes somebody a member (again), under this number; their markers begin there.
///
/// # Errors
/// Those of the database.
pub async fn join(
    conn: &mut Conn,
    conversation: ConversationId,
    user: UserId,
    role: Role,
    number: Number,
    now: Millis,
) -> Result<()> {
    sql!(conn, execute, JOIN, conversation.0, user.0, role.name(), number.0, now.0, number.0)?;
    Ok(())
}

/// Gives a member another role, or none: they have left.
///
/// # Errors
/// Those of the database.
pub async fn set_role(
    conn: &mut Conn,
    conversation: ConversationId,
    user: UserId,
    role: Option<Role>,
    number: Number,
) -> Result<()> {
    sql!(conn, execute, SET_ROLE, conversation.0, user.0, role.map(Role::name), number.0)?;
    Ok(())
}

/// Takes a conversation out of a member's list until its head is beyond this number.
///
/// # Errors
/// Those of the database.
pub async fn hide(conn: &mut Conn, conversation: ConversationId, user: UserId, head: Number) -> Result<()> {
    sql!(conn, execute, HIDE, conversation.0, user.0, head.0)?;
    Ok(())
}

/// Brings a conversation back into a member's list.
///
/// # Errors
/// Those of the database.
pub async fn show(conn: &mut Conn, conversation: ConversationId, user: UserId) -> Result<()> {
    sql!(conn, execute, SHOW, conversation.0, user.0)?;
    Ok(())
}

/// The number up to which a conversation is out of a member's list, if it is.
///
/// # Errors
/// Those of the database.
pub async fn hidden(conn: &mut Conn, conversation: ConversationId, user: UserId) -> Result<Option<Number>> {
    let found = sql!(conn, fetch_optional as (i64,), HIDDEN, conversation.0, user.0)?;
    Ok(found.map(|(number,)| Number(number)))
}

/// A membership, present or past.
///
/// # Errors
/// Those of the database.
pub async fn one(conn: &mut Conn, conversation: ConversationId, user: UserId) -> Result<Option<Member>> {
    sql!(conn, fetch_optional as Row, ONE, conversation.0, user.0)?.map(Row::read).transpose()
}

/// The members with ids after `after`.
///
/// # Errors
/// Those of the database.
pub async fn page(conn: &mut Conn, conversation: ConversationId, after: UserId, limit: i64) -> Result<Vec<Member>> {
    sql!(conn, fetch_all as Row, PAGE, conversation.0, after.0, limit)?.into_iter().map(Row::read).collect()
}

/// The memberships whose last change came after `since` and up to `to`, departures included.
///
/// # Errors
/// Those of the database.
pub async fn changed(conn: &mut Conn, conversation: ConversationId, since: Number, to: Number) -> Result<Vec<Member>> {
    sql!(conn, fetch_all as Row, CHANGED, conversation.0, since.0, to.0)?.into_iter().map(Row::read).collect()
}

#[derive(FromRow)]
struct MembershipRow {
    #[sqlx(flatten)]
    conversation: conversations::Row,
    role: String,
}

/// The conversation and the person's role in it: the only way to a conversation on someone's behalf.
///
/// # Errors
/// Those of the database.
pub async fn membership(
    conn: &mut Conn,
    conversation: ConversationId,
    user: UserId,
) -> Result<Option<(Conversation, Role)>> {
    sql!(conn, fetch_optional as MembershipRow, MEMBERSHIP, conversation.0, user.0)?
        .map(|row| Ok((row.conversation.read()?, read_role(&row.role, conversation.0)?)))
        .transpose()
}

/// How many owners a conversation has.
///
/// # Errors
/// Those of the database.
pub async fn owners(conn: &mut Conn, conversation: ConversationId) -> Result<i64> {
    let (count,) = sql!(conn, fetch_one as (i64,), OWNERS, conversation.0)?;
    Ok(count)
}

/// Who becomes the owner when the last one goes: the highest role, then the longest membership.
///
/// # Errors
/// Those of the database.
pub async fn heir(conn: &mut Conn, conversation: ConversationId) -> Result<Option<UserId>> {
    Ok(sql!(conn, fetch_optional as (i64,), HEIR, conversation.0)?.map(|(id,)| UserId(id)))
}

/// How many conversations a person belongs to.
///
/// # Errors
/// Those of the database.
pub async fn count_of_user(conn: &mut Conn, user: UserId) -> Result<i64> {
    let (count,) = sql!(conn, fetch_one as (i64,), COUNT_OF_USER, user.0)?;
    Ok(count)
}

/// Whether two people belong to a conversation together.
///
/// # Errors
/// Those of the database.
pub async fn share(conn: &mut Conn, one: UserId, other: UserId) -> Result<bool> {
    let (count,) = sql!(conn, fetch_one as (i64,), SHARE, one.0, other.0)?;
    Ok(count > 0)
}

/// Which of these people, with their names, belong to which of these conversations.
///
/// # Errors
/// Those of the database.
pub async fn among(
    conn: &mut Conn,
    users: &[UserId],
    conversations: &[ConversationId],
) -> Result<Vec<(ConversationId, UserId, String)>> {
    let (users, conversations) =
        (json_ids(users.iter().map(|user| user.0))?, json_ids(conversations.iter().map(|id| id.0))?);
    let rows = sql!(conn, fetch_all as (i64, i64, String), AMONG, users, conversations)?;
    Ok(rows.into_iter().map(|(conversation, user, name)| (ConversationId(conversation), UserId(user), name)).collect())
}

/// What the hub needs to know of a membership.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Belonging {
    /// Whose.
    pub user: UserId,
    /// To what.
    pub conversation: ConversationId,
    /// What sort of place it is.
    pub place: chat::conversations::Place,
    /// Its head when this was read.
    pub head: Number,
    /// How many members it has.
    pub member_count: i64,
}

#[derive(FromRow)]
struct BelongingRow {
    user_id: i64,
    id: i64,
    kind: String,
    name: Option<String>,
    pair_low: Option<i64>,
    pair_high: Option<i64>,
    head: i64,
    member_count: i64,
}

/// The memberships of all of these people, in one question.
///
/// # Errors
/// Those of the database.
pub async fn of_users(conn: &mut Conn, users: &[UserId]) -> Result<Vec<Belonging>> {
    sql!(conn, fetch_all as BelongingRow, OF_USERS, json_ids(users.iter().map(|u| u.0))?)?
        .into_iter()
        .map(|row| {
            let unreadable = || Error::Unreadable { table: "conversations", id: row.id, what: "kind".into() };
            Ok(Belonging {
                user: UserId(row.user_id),
                conversation: ConversationId(row.id),
                place: chat::conversations::Place {
                    kind: Kind::from_name(&row.kind).ok_or_else(unreadable)?,
                    name: row.name,
                    pair: row.pair_low.zip(row.pair_high).map(|(low, high)| (UserId(low), UserId(high))),
                },
                head: Number(row.head),
                member_count: row.member_count,
            })
        })
        .collect()
}
