//! Which rows cannot be read: for the doctor, who reads all of them.

use sqlx::{AssertSqlSafe, Column as _, Row as _, SqliteConnection, TypeInfo as _, ValueRef as _};

use crate::{Conn, Result, heads::head_is_wrong};

/// What is wrong with rows, and how they are found: how many, and the least id among them.
const WRONG: &[(&str, &str)] = &[
    ("conversations of an unknown kind", "conversations WHERE kind NOT IN ('room', 'group', 'direct')"),
    ("conversations of an unknown visibility", "conversations WHERE visibility NOT IN ('public', 'private')"),
    ("conversations whose head is not their last number", concat!("conversations WHERE ", head_is_wrong!())),
    ("accounts of an unknown role", "users WHERE role NOT IN ('guest', 'user', 'moderator', 'admin')"),
    ("messages of an unknown type", "messages WHERE message_type NOT IN ('text', 'image', 'file', 'audio', 'video')"),
    ("messages at no place", "messages WHERE seq < 1 OR seq > 9007199254740991 OR rev < seq OR rev > 9007199254740991"),
    ("messages without a text", "messages WHERE text IS NULL AND deleted_at IS NULL"),
    ("messages of an impossible time", "messages WHERE created_at < 0 OR created_at > 253402300799999"),
    ("messages of nobody", "messages WHERE NOT EXISTS (SELECT 1 FROM users u WHERE u.id = author_id)"),
    (
        "messages in no conversation",
        "messages WHERE NOT EXISTS (SELECT 1 FROM conversations c WHERE c.id = conversation_id)",
    ),
    ("sessions of nobody", "sessions WHERE NOT EXISTS (SELECT 1 FROM users u WHERE u.id = user_id)"),
];

/// The same of tables whose rows have no id of their own; the number is that of what they belong to.
const WRONG_PARTS: &[(&str, &str, &str)] = &[
    (
        "members of an unknown role",
        "conversation_id",
        "members WHERE role NOT IN ('member', 'moderator', 'admin', 'owner')",
    ),
    (
        "members who are nobody",
        "conversation_id",
        "members WHERE NOT EXISTS (SELECT 1 FROM users u WHERE u.id = user_id)",
    ),
    (
        "members of no conversation",
        "conversation_id",
        "members WHERE NOT EXISTS (SELECT 1 FROM conversations c WHERE c.id = conversation_id)",
    ),
    (
        "reactions to no message",
        "message_id",
        "reactions WHERE NOT EXISTS (SELECT 1 FROM messages m WHERE m.id = message_id)",
    ),
    ("reactions of nobody", "message_id", "reactions WHERE NOT EXISTS (SELECT 1 FROM users u WHERE u.id = user_id)"),
];

/// Tables whose texts SQLite takes as they come; PostgreSQL takes none that is not UTF-8.
const WITH_TEXTS: &[&str] = &["users", "sessions", "conversations", "members", "messages", "reactions"];

/// What cannot be read, in words, such as `2 messages of nobody (the first is 17)`. Empty is good.
///
/// # Errors
/// Those of the database.
pub(crate) async fn unreadable(conn: &mut Conn) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let parts = WRONG_PARTS.iter().copied();
    for (what, id, which) in WRONG.iter().map(|(what, which)| (*what, "id", *which)).chain(parts) {
        // Made of constants only.
        let text = AssertSqlSafe(format!("SELECT COUNT(*), COALESCE(MIN({id}), 0) FROM {which}"));
        let (count, first): (i64, i64) = match conn {
            Conn::Sqlite(c) => sqlx::query_as(text).fetch_one(&mut **c).await?,
            Conn::Postgres(c) => sqlx::query_as(text).fetch_one(&mut **c).await?,
        };
        if count > 0 {
            found.push(format!("{count} {what} (the first is {first})"));
        }
    }
    if let Conn::Sqlite(conn) = conn {
        for table in WITH_TEXTS {
            found.extend(texts(conn, table).await?);
        }
    }
    Ok(found)
}

/// Which texts of a table are none: not UTF-8, or something else where a text should be.
async fn texts(conn: &mut SqliteConnection, table: &str) -> Result<Option<String>> {
    use futures_util::TryStreamExt as _;
    let text = AssertSqlSafe(format!("SELECT * FROM {table}"));
    let mut rows = sqlx::query(text).fetch(conn);
    let (mut count, mut first) = (0_u64, None);
    while let Some(row) = rows.try_next().await? {
        let is_text = |at: usize| row.try_get_raw(at).is_ok_and(|value| value.type_info().name() == "TEXT");
        let is_wrong = |at: usize| is_text(at) && row.try_get::<String, _>(at).is_err();
        let wrong = row.columns().iter().find(|column| is_wrong(column.ordinal()));
        if let Some(column) = wrong {
            count += 1;
            first.get_or_insert_with(|| (column.name().to_owned(), row.try_get::<i64, _>(0).unwrap_or_default()));
        }
    }
    Ok(first.map(|(column, id)| {
        format!("{count} rows of {table} with a text that is not UTF-8 (the first is {column} of {id})")
    }))
}
