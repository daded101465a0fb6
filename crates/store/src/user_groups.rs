//! User groups: rows and statements. They are few, and read whole.

use chat::{
    Millis, Number, UserGroupId, UserId,
    names::compared,
    user_groups::{UserGroup, UserGroups},
};
use sqlx::FromRow;

use crate::{Conn, Result, appends::json_ids};

macro_rules! group {
    () => {
        "SELECT g.id, g.name, (SELECT COUNT(*) FROM user_group_members s WHERE s.group_id = g.id) AS size,
                (SELECT COUNT(*) FROM user_group_members o WHERE o.group_id = g.id AND o.user_id = $1) AS mine
         FROM user_groups g "
    };
}

statements! {
    ALL = concat!(group!(), "ORDER BY g.name_key, g.id");
    ONE = concat!(group!(), "WHERE g.id = $2");
    BY_NAME = "SELECT id FROM user_groups WHERE name_key = $1";
    COUNT = "SELECT COUNT(*) FROM user_groups";
    PEOPLE = "SELECT user_id FROM user_group_members WHERE group_id = $1 ORDER BY user_id";
    OF_USER = "SELECT group_id FROM user_group_members WHERE user_id = $1 ORDER BY group_id";
    CREATE = "INSERT INTO user_groups (id, name, name_key, created_at) VALUES ($1, $2, $3, $4)";
    RENAME = "UPDATE user_groups SET name = $2, name_key = $3 WHERE id = $1";
    DELETE = "DELETE FROM user_groups WHERE id = $1";
    /// Ids of nobody are left out, and so are accounts that are not active.
    ADD = "INSERT INTO user_group_members (group_id, user_id, added_at)
           SELECT CAST($1 AS BIGINT), u.id, CAST($3 AS BIGINT) FROM users u
           WHERE u.id IN (SELECT CAST(j.value ->> 'v' AS BIGINT) FROM json_each($2) AS j) AND u.deactivated_at IS NULL
           ON CONFLICT DO NOTHING";
    REMOVE = "DELETE FROM user_group_members
              WHERE group_id = $1 AND user_id IN (SELECT CAST(j.value ->> 'v' AS BIGINT) FROM json_each($2) AS j)";
    EMPTY = "DELETE FROM user_group_members WHERE group_id = $1";
    REV = "SELECT value FROM counters WHERE name = 'user_group_changes'";
}

#[derive(FromRow)]
struct Row {
    id: i64,
    name: String,
    size: i64,
    mine: i64,
}

impl From<Row> for UserGroup {
    fn from(row: Row) -> Self {
        Self { id: UserGroupId(row.id), name: row.name, size: row.size, mine: row.mine != 0 }
    }
}

/// All groups as somebody sees them, unless they know this number of the last change.
///
/// # Errors
/// Those of the database.
pub async fn all(conn: &mut Conn, asker: UserId, known: Option<Number>) -> Result<UserGroups> {
    // Read before the groups, which may be newer: whoever knows this number then asks again.
    let (rev,) = sql!(conn, fetch_one as (i64,), REV)?;
    if known == Some(Number(rev)) {
        return Ok(UserGroups { rev: Number(rev), groups: None });
    }
    let rows = sql!(conn, fetch_all as Row, ALL, asker.0)?;
    Ok(UserGroups { rev: Number(rev), groups: Some(rows.into_iter().map(UserGroup::from).collect()) })
}

/// One group as somebody sees it.
///
/// # Errors
/// Those of the database.
pub async fn one(conn: &mut Conn, asker: UserId, group: UserGroupId) -> Result<Option<UserGroup>> {
    Ok(sql!(conn, fetch_optional as Row, ONE, asker.0, group.0)?.map(UserGroup::from))
}

/// The group of this name, in whatever case.
///
/// # Errors
/// Those of the database.
pub async fn by_name(conn: &mut Conn, name: &str) -> Result<Option<UserGroupId>> {
    Ok(sql!(conn, fetch_optional as (i64,), BY_NAME, compared(name))?.map(|(id,)| UserGroupId(id)))
}

/// How many groups there are.
///
/// # Errors
/// Those of the database.
pub async fn count(conn: &mut Conn) -> Result<i64> {
    let (count,) = sql!(conn, fetch_one as (i64,), COUNT)?;
    Ok(count)
}

/// The people of a group, by id.
///
/// # Errors
/// Those of the database.
pub async fn people(conn: &mut Conn, group: UserGroupId) -> Result<Vec<UserId>> {
    let rows = sql!(conn, fetch_all as (i64,), PEOPLE, group.0)?;
    Ok(rows.into_iter().map(|(id,)| UserId(id)).collect())
}

/// The groups of a person, by id.
///
/// # Errors
/// Those of the database.
pub async fn of_user(conn: &mut Conn, user: UserId) -> Result<Vec<UserGroupId>> {
    let rows = sql!(conn, fetch_all as (i64,), OF_USER, user.0)?;
    Ok(rows.into_iter().map(|(id,)| UserGroupId(id)).collect())
}

/// Makes a group without people.
///
/// # Errors
/// Those of the database.
pub async fn create(conn: &mut Conn, name: &str, now: Millis) -> Result<UserGroupId> {
    let id = conn.next_id("user_group").await?;
    sql!(conn, execute, CREATE, id, name, compared(name), now.0)?;
    note_change(conn).await?;
    Ok(UserGroupId(id))
}

/// Gives a group another name.
///
/// # Errors
/// Those of the database.
pub async fn rename(conn: &mut Conn, group: UserGroupId, name: &str) -> Result<()> {
    sql!(conn, execute, RENAME, group.0, name, compared(name))?;
    note_change(conn).await
}

/// Removes a group. Messages go on naming its id, which then reaches nobody.
///
/// # Errors
/// Those of the database.
pub async fn delete(conn: &mut Conn, group: UserGroupId) -> Result<()> {
    sql!(conn, execute, EMPTY, group.0)?;
    sql!(conn, execute, DELETE, group.0)?;
    note_change(conn).await
}

/// Puts people into a group. Those who belong to it stay as they are.
///
/// # Errors
/// Those of the database.
pub async fn add(conn: &mut Conn, group: UserGroupId, people: &[UserId], now: Millis) -> Result<()> {
    let people = json_ids(people.iter().map(|user| user.0))?;
    sql!(conn, execute, ADD, group.0, people, now.0)?;
    note_change(conn).await
}

/// Takes people out of a group.
///
/// # Errors
/// Those of the database.
pub async fn remove(conn: &mut Conn, group: UserGroupId, people: &[UserId]) -> Result<()> {
    sql!(conn, execute, REMOVE, group.0, json_ids(people.iter().map(|user| user.0))?)?;
    note_change(conn).await
}

/// Those who know the list must ask again.
async fn note_change(conn: &mut Conn) -> Result<()> {
    conn.next_id("user_group_changes").await.map(|_| ())
}
