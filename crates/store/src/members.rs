//! Members: rows and statements.

use std::collections::HashMap;

use chat::{
    ConversationId, Millis, Number, UserId,
    accounts::ServerRole,
    conversations::{Conversation, Kind},
    members::{Departure, Member, Role},
    notifications::ConversationSettings,
    policies::{Grant, Policy, Rights},
};
use sqlx::FromRow;

use crate::{
    Conn, Result, account_changes,
    appends::{json_ids, json_places},
    conversations,
    notifications::HereRow,
    policies,
    unreadable::{self, Rest, Salvage},
};

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

/// The columns of [`MembershipRow`], of memberships `m` in conversations `c` with their policy `p` and grants `g`.
macro_rules! membership_columns {
    () => {
        concat!(
            conversation_columns!("c."),
            ", m.user_id, m.role, m.visible_from, m.notify, m.muted_until, m.unread_from, p.rules, g.ability, g.given, \
             g.ends_at "
        )
    };
}

statements! {
    JOIN = "INSERT INTO members (conversation_id, user_id, role, rev, joined_at, read_seq, delivered_seq, joined_number, invited_by)
            VALUES ($1, $2, $3, $4, $5, $6, $6, $6, $7)
            ON CONFLICT (conversation_id, user_id) DO UPDATE SET role = excluded.role, rev = excluded.rev, \
                joined_at = excluded.joined_at, read_seq = excluded.read_seq, delivered_seq = excluded.delivered_seq, \
                read_at = NULL, hidden_seq = 0, joined_number = excluded.joined_number, invited_by = excluded.invited_by, \
                declined = 0, visible_from = 0, unread_from = 0";
    LEAVE = "UPDATE members SET role = NULL, rev = $3, declined = $4 WHERE conversation_id = $1 AND user_id = $2";
    DECLINED = "SELECT declined FROM members WHERE conversation_id = $1 AND user_id = $2 AND role IS NULL";
    DECLINED_THESE = "SELECT conversation_id FROM members WHERE user_id = $1 AND role IS NULL AND declined <> 0
                      AND conversation_id IN (SELECT CAST(j.value ->> 'v' AS BIGINT) FROM json_each($2) AS j)";
    ASK_BACK = "UPDATE members SET declined = 2 WHERE conversation_id = $1 AND user_id = $2 AND role IS NULL AND declined = 1";
    WITHDRAW = "UPDATE members SET declined = 1 WHERE conversation_id = $1 AND user_id = $2 AND role IS NULL AND declined = 2";
    WITHDRAW_ALL = "UPDATE members SET declined = 1 WHERE conversation_id = $1 AND role IS NULL AND declined = 2";
    HIDE = "UPDATE members SET hidden_seq = $3 WHERE conversation_id = $1 AND user_id = $2 AND role IS NOT NULL";
    SHOW = "UPDATE members SET hidden_seq = 0 WHERE conversation_id = $1 AND user_id = $2";
    HIDDEN = "SELECT m.hidden_seq FROM members m JOIN conversations c ON c.id = m.conversation_id
                 WHERE m.conversation_id = $1 AND m.user_id = $2 AND m.hidden_seq >= c.head";
    SET_ROLE = "UPDATE members SET role = $3, rev = $4 WHERE conversation_id = $1 AND user_id = $2";
    ONE = concat!("SELECT ", columns!(), "
             FROM members m JOIN users u ON u.id = m.user_id WHERE m.conversation_id = $1 AND m.user_id = $2");
    PAGE = concat!("SELECT ", columns!(), "
             FROM members m JOIN users u ON u.id = m.user_id
             WHERE m.conversation_id = $1 AND m.role IS NOT NULL AND m.user_id > $2 ORDER BY m.user_id LIMIT CAST($3 AS BIGINT)");
    CHANGED = concat!("SELECT ", columns!(), "
             FROM members m JOIN users u ON u.id = m.user_id
             WHERE m.conversation_id = $1 AND m.rev > $2 AND m.rev <= $3 ORDER BY m.rev");
    /// One row, or one for each of the member's grants.
    MEMBERSHIP = concat!("SELECT ", membership_columns!(), "FROM members m JOIN conversations c ON c.id = m.conversation_id
                  LEFT JOIN policies p ON p.conversation_id = m.conversation_id
                  LEFT JOIN grants g ON g.conversation_id = m.conversation_id AND g.user_id = m.user_id
                  WHERE m.conversation_id = $1 AND m.user_id = $2 AND m.role IS NOT NULL");
    /// The same of several people in several conversations.
    MEMBERSHIPS = concat!("SELECT ", membership_columns!(), "FROM json_each($1) AS j CROSS JOIN members m
                  JOIN conversations c ON c.id = m.conversation_id
                  LEFT JOIN policies p ON p.conversation_id = m.conversation_id
                  LEFT JOIN grants g ON g.conversation_id = m.conversation_id AND g.user_id = m.user_id
                  WHERE m.conversation_id = CAST(j.value ->> 'c' AS BIGINT) AND m.user_id = CAST(j.value ->> 'u' AS BIGINT)
                  AND m.role IS NOT NULL");
    OWNERS = "SELECT COUNT(*) FROM members WHERE conversation_id = $1 AND role = 'owner'";
    HEIR = "SELECT user_id FROM members WHERE conversation_id = $1 AND role IS NOT NULL
            ORDER BY CASE role WHEN 'admin' THEN 0 WHEN 'moderator' THEN 1 ELSE 2 END, joined_number, joined_at, user_id LIMIT 1";
    COUNT_OWN = "SELECT COUNT(*) FROM members WHERE user_id = $1 AND role IS NOT NULL AND invited_by IS NULL";
    /// The memberships of others that somebody brought about: those that last, and those that began in a span of time.
    COUNT_INVITED = "SELECT COUNT(role), COUNT(CASE WHEN joined_at > $2 AND joined_at <= $3 THEN 1 END) \
                     FROM members WHERE invited_by = $1";
    MOST_INVITED = "SELECT COUNT(*) AS times FROM members WHERE invited_by = $1
                        AND user_id IN (SELECT CAST(j.value ->> 'v' AS BIGINT) FROM json_each($2) AS j)
                    GROUP BY user_id ORDER BY times DESC LIMIT 1";
    OF_USERS = "SELECT m.user_id, c.id, c.kind, c.name, c.pair_low, c.pair_high, c.head, c.member_count, m.visible_from
                FROM json_each($1) AS j
                JOIN members m ON m.user_id = CAST(j.value ->> 'v' AS BIGINT) AND m.role IS NOT NULL
                JOIN conversations c ON c.id = m.conversation_id";
    AMONG = "SELECT m.conversation_id, m.user_id, u.username
             FROM json_each($1) AS j
             JOIN members m ON m.user_id = CAST(j.value ->> 'v' AS BIGINT) AND m.role IS NOT NULL
             JOIN users u ON u.id = m.user_id
             WHERE m.conversation_id IN (SELECT CAST(k.value ->> 'v' AS BIGINT) FROM json_each($2) AS k)";
    CONVERSATIONS_OF = "SELECT conversation_id FROM members WHERE user_id = $1 AND role IS NOT NULL LIMIT CAST($2 AS BIGINT)";
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
    fn read(self) -> Member {
        Member {
            user: UserId(self.user_id),
            username: self.username,
            shown_name: self.shown_name,
            role: self.role.as_deref().map(|role| read_role(role, self.conversation_id, self.user_id)),
            rev: Number(self.rev),
            joined_at: Millis(self.joined_at),
        }
    }
}

/// The role of this name; the lowest if there is none of this name.
pub(crate) fn read_role(role: &str, conversation: i64, user: i64) -> Role {
    Role::from_name(role).unwrap_or_else(|| {
        unreadable::note(TABLE, format!("conversation_id {conversation}, user_id {user}"), "role");
        Role::Member
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
    join_by(conn, conversation, user, role, number, now, None).await
}

/// The same for somebody whom `by` brings in, unless that is the person themself.
///
/// # Errors
/// Those of the database.
pub async fn join_by(
    conn: &mut Conn,
    conversation: ConversationId,
    user: UserId,
    role: Role,
    number: Number,
    now: Millis,
    by: Option<UserId>,
) -> Result<()> {
    let by = by.filter(|by| *by != user).map(|by| by.0);
    sql!(conn, execute, JOIN, conversation.0, user.0, role.name(), number.0, now.0, number.0, by)?;
    Ok(())
}

/// Ends a membership under this number: a member left by themself, or was removed.
///
/// # Errors
/// Those of the database.
pub async fn leave(
    conn: &mut Conn,
    conversation: ConversationId,
    user: UserId,
    departure: Departure,
    number: Number,
) -> Result<()> {
    let declined = i64::from(departure == Departure::Left);
    sql!(conn, execute, LEAVE, conversation.0, user.0, number.0, declined)?;
    crate::threads::forget(conn, user, conversation).await?;
    Ok(())
}

/// Whether somebody who is no member (any more) may be brought in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Return {
    /// By whoever may invite.
    Open,
    /// They left by themselves: by nobody.
    Declined,
    /// They left by themselves, and a member has asked them to come back: they may join.
    AskedBack,
}

/// How somebody who is no member can come (back).
///
/// # Errors
/// Those of the database.
pub async fn way_back(conn: &mut Conn, conversation: ConversationId, user: UserId) -> Result<Return> {
    let found = sql!(conn, fetch_optional as (i64,), DECLINED, conversation.0, user.0)?;
    Ok(match found {
        Some((1,)) => Return::Declined,
        Some((2,)) => Return::AskedBack,
        _ => Return::Open,
    })
}

/// Which of these conversations a person has left by themself.
///
/// # Errors
/// Those of the database.
pub async fn left(conn: &mut Conn, user: UserId, these: &[ConversationId]) -> Result<Vec<ConversationId>> {
    let rows = sql!(conn, fetch_all as (i64,), DECLINED_THESE, user.0, json_ids(these.iter().map(|id| id.0))?)?;
    Ok(rows.into_iter().map(|(id,)| ConversationId(id)).collect())
}

/// Lets somebody who left by themself join again.
///
/// # Errors
/// Those of the database.
pub async fn ask_back(conn: &mut Conn, conversation: ConversationId, user: UserId) -> Result<()> {
    sql!(conn, execute, ASK_BACK, conversation.0, user.0)?;
    Ok(())
}

/// Takes back that somebody who left by themself may join again: they are where they were before they were asked.
///
/// # Errors
/// Those of the database.
pub async fn withdraw(conn: &mut Conn, conversation: ConversationId, user: UserId) -> Result<()> {
    sql!(conn, execute, WITHDRAW, conversation.0, user.0)?;
    Ok(())
}

/// The same for all who were asked back into a conversation.
///
/// # Errors
/// Those of the database.
pub async fn withdraw_all(conn: &mut Conn, conversation: ConversationId) -> Result<()> {
    sql!(conn, execute, WITHDRAW_ALL, conversation.0)?;
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
    Ok(sql!(conn, fetch_all as Row, ONE, conversation.0, user.0)?.pop().map(Row::read))
}

/// The members with ids after `after`.
///
/// # Errors
/// Those of the database.
pub async fn page(conn: &mut Conn, conversation: ConversationId, after: UserId, limit: i64) -> Result<Vec<Member>> {
    Ok(sql!(conn, fetch_all as Row, PAGE, conversation.0, after.0, limit)?.into_iter().map(Row::read).collect())
}

/// The memberships whose last change came after `since` and up to `to`, departures included.
///
/// # Errors
/// Those of the database.
pub async fn changed(conn: &mut Conn, conversation: ConversationId, since: Number, to: Number) -> Result<Vec<Member>> {
    Ok(sql!(conn, fetch_all as Row, CHANGED, conversation.0, since.0, to.0)?.into_iter().map(Row::read).collect())
}

#[derive(FromRow)]
struct MembershipRow {
    #[sqlx(flatten)]
    conversation: conversations::Row,
    user_id: i64,
    role: String,
    visible_from: i64,
    #[sqlx(flatten)]
    here: HereRow,
    rules: Option<String>,
    ability: Option<String>,
    given: Option<i64>,
    ends_at: Option<i64>,
}

impl Salvage for MembershipRow {
    fn salvage(rest: &Rest) -> Option<Self> {
        Some(Self {
            conversation: conversations::Row::salvage(rest)?,
            user_id: rest.number("user_id")?,
            role: rest.text("role").unwrap_or_default(),
            visible_from: rest.number("visible_from")?,
            here: HereRow::salvage(rest)?,
            rules: rest.text("rules"),
            ability: rest.text("ability"),
            given: rest.number("given"),
            ends_at: rest.number("ends_at"),
        })
    }
}

/// A conversation as one of its members has it, with all that decides what they may do and see in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// The conversation.
    pub conversation: Conversation,
    /// The member's role.
    pub role: Role,
    /// The number from which on they see messages; 0 if they see all.
    pub visible_from: Number,
    /// The member's own settings of the conversation.
    pub settings: ConversationSettings,
    /// The conversation's policy.
    pub policy: Policy,
    /// The abilities that were given to the member, or withdrawn from them.
    pub grants: Vec<Grant>,
}

impl Membership {
    /// The rights by which it is decided what the member may do; they have this role on the server.
    #[must_use]
    pub fn rights(&self, server_role: ServerRole) -> Rights {
        Rights {
            kind: self.conversation.kind,
            visibility: self.conversation.visibility,
            members: self.conversation.member_count,
            role: self.role,
            server_role,
            policy: self.policy.clone(),
            grants: self.grants.clone(),
        }
    }
}

/// The conversation and the person's place in it: the only way to a conversation on someone's behalf.
///
/// # Errors
/// Those of the database.
pub async fn membership(conn: &mut Conn, conversation: ConversationId, user: UserId) -> Result<Option<Membership>> {
    let rows = sql!(conn, salvage as MembershipRow, MEMBERSHIP, conversation.0, user.0)?;
    Ok(read_memberships(rows)?.pop().map(|(_, membership)| membership))
}

/// The same of several members, each in a conversation of theirs; whoever is no member has none.
///
/// # Errors
/// Those of the database.
pub async fn memberships(
    conn: &mut Conn,
    places: &[(ConversationId, UserId)],
) -> Result<HashMap<(ConversationId, UserId), Membership>> {
    let mut rows = sql!(conn, salvage as MembershipRow, MEMBERSHIPS, json_places(places)?)?;
    rows.sort_unstable_by_key(|row| (row.conversation.id, row.user_id));
    Ok(read_memberships(rows)?.into_iter().collect())
}

/// The memberships in these rows, of which one has one or several, one after the other.
fn read_memberships(rows: Vec<MembershipRow>) -> Result<Vec<((ConversationId, UserId), Membership)>> {
    let mut read: Vec<((ConversationId, UserId), Membership)> = Vec::new();
    for row in rows {
        let (conversation, user) = (row.conversation.id, row.user_id);
        let place = (ConversationId(conversation), UserId(user));
        let grant = row.ability.as_deref().zip(row.given);
        let grant = grant.and_then(|(ability, given)| policies::read_grant(ability, given, row.ends_at));
        if let Some((_, membership)) = read.last_mut().filter(|(last, _)| *last == place) {
            membership.grants.extend(grant);
            continue;
        }
        let Some(found) = unreadable::one(row.conversation.read())? else { continue };
        let membership = Membership {
            conversation: found,
            role: read_role(&row.role, conversation, user),
            visible_from: Number(row.visible_from),
            settings: row.here.read(user),
            policy: policies::read_rules(row.rules.as_deref(), conversation),
            grants: grant.into_iter().collect(),
        };
        read.push((place, membership));
    }
    Ok(read)
}

/// How many owners a conversation has.
///
/// # Errors
/// Those of the database.
pub async fn owners(conn: &mut Conn, conversation: ConversationId) -> Result<i64> {
    let (count,) = sql!(conn, fetch_one as (i64,), OWNERS, conversation.0)?;
    Ok(count)
}

/// The next owner when the last one goes: the highest role, then the longest membership.
///
/// # Errors
/// Those of the database.
pub async fn heir(conn: &mut Conn, conversation: ConversationId) -> Result<Option<UserId>> {
    Ok(sql!(conn, fetch_optional as (i64,), HEIR, conversation.0)?.map(|(id,)| UserId(id)))
}

/// How many conversations a person belongs to by their own doing: those that they opened or joined.
///
/// # Errors
/// Those of the database.
pub async fn count_own(conn: &mut Conn, user: UserId) -> Result<i64> {
    let (count,) = sql!(conn, fetch_one as (i64,), COUNT_OWN, user.0)?;
    Ok(count)
}

/// How many memberships of others a person has brought about that last, and how many that began after `since`.
///
/// # Errors
/// Those of the database.
pub async fn count_invited(conn: &mut Conn, by: UserId, since: Millis, now: Millis) -> Result<(i64, i64)> {
    sql!(conn, fetch_one as (i64, i64), COUNT_INVITED, by.0, since.0, now.0)
}

/// Into how many conversations a person has brought one of these others, past memberships included: of that other
/// with whom they did it most.
///
/// # Errors
/// Those of the database.
pub async fn most_invited(conn: &mut Conn, by: UserId, others: &[UserId]) -> Result<i64> {
    let others = json_ids(others.iter().map(|user| user.0))?;
    let found = sql!(conn, fetch_optional as (i64,), MOST_INVITED, by.0, others)?;
    Ok(found.map_or(0, |(times,)| times))
}

/// Whether two people belong to a conversation together.
///
/// # Errors
/// Those of the database.
pub async fn share(conn: &mut Conn, one: UserId, other: UserId) -> Result<bool> {
    let (count,) = sql!(conn, fetch_one as (i64,), SHARE, one.0, other.0)?;
    Ok(count > 0)
}

/// The conversations of somebody, at most so many.
///
/// # Errors
/// Those of the database.
pub async fn conversations_of(conn: &mut Conn, user: UserId, limit: i64) -> Result<Vec<ConversationId>> {
    let found = sql!(conn, fetch_all as (i64,), CONVERSATIONS_OF, user.0, limit)?;
    Ok(found.into_iter().map(|(id,)| ConversationId(id)).collect())
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

/// A membership as the hub needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Belonging {
    /// Whose.
    pub user: UserId,
    /// To what.
    pub conversation: ConversationId,
    /// The kind of the conversation.
    pub place: chat::conversations::Place,
    /// Its head when this was read.
    pub head: Number,
    /// How many members it has.
    pub member_count: i64,
    /// The number from which on they see messages; 0 if they see all.
    pub visible_from: Number,
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
    visible_from: i64,
}

impl Salvage for BelongingRow {
    fn salvage(rest: &Rest) -> Option<Self> {
        Some(Self {
            user_id: rest.number("user_id")?,
            id: rest.number("id")?,
            kind: rest.text("kind")?,
            name: rest.text("name"),
            pair_low: rest.number("pair_low"),
            pair_high: rest.number("pair_high"),
            head: rest.number("head")?,
            member_count: rest.number("member_count").unwrap_or_default(),
            visible_from: rest.number("visible_from")?,
        })
    }
}

/// A person as the hub needs them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Belongings {
    /// A number of their account: what was changed later may be in the memberships already, and comes as an event.
    pub account: Number,
    /// Their memberships.
    pub memberships: Vec<Belonging>,
}

/// The memberships of all of these people, in two questions.
///
/// # Errors
/// Those of the database.
pub async fn of_users(conn: &mut Conn, users: &[UserId]) -> Result<HashMap<UserId, Belongings>> {
    // First, so that nothing of what the memberships lack is missing among the events.
    let heads = account_changes::heads(conn, users).await?;
    let mut of: HashMap<UserId, Belongings> =
        heads.into_iter().map(|(user, account)| (user, Belongings { account, memberships: Vec::new() })).collect();
    for membership in belongings(conn, users).await? {
        of.entry(membership.user).or_default().memberships.push(membership);
    }
    Ok(of)
}

async fn belongings(conn: &mut Conn, users: &[UserId]) -> Result<Vec<Belonging>> {
    let rows = sql!(conn, salvage as BelongingRow, OF_USERS, json_ids(users.iter().map(|u| u.0))?)?;
    unreadable::readable(rows, |row| {
        Ok(Belonging {
            user: UserId(row.user_id),
            conversation: ConversationId(row.id),
            place: chat::conversations::Place {
                kind: Kind::from_name(&row.kind).ok_or_else(|| conversations::unreadable_kind(row.id))?,
                name: row.name,
                pair: row.pair_low.zip(row.pair_high).map(|(low, high)| (UserId(low), UserId(high))),
            },
            head: Number(row.head),
            member_count: row.member_count,
            visible_from: Number(row.visible_from),
        })
    })
}
