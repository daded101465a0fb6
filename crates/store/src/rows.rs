//! Which rows cannot be read: for the doctor, who reads all of them.

use sqlx::{AssertSqlSafe, Column as _, Row as _, SqliteConnection, TypeInfo as _, ValueRef as _, sqlite::SqliteRow};

use crate::{
    Conn, Result,
    heads::head_is_wrong,
    tables::{Column, Kind, Owner, TABLES, Tables},
};

/// A fault of rows, and the statement that finds them: how many, and the least id among them.
const WRONG: &[(&str, &str)] = &[
    ("conversations of an unknown kind", "conversations WHERE kind NOT IN ('room', 'group', 'direct')"),
    ("conversations of an unknown visibility", "conversations WHERE visibility NOT IN ('public', 'private')"),
    ("conversations whose head is not their last number", concat!("conversations WHERE ", head_is_wrong!())),
    ("accounts of an unknown role", "users WHERE role NOT IN ('guest', 'user', 'moderator', 'admin')"),
    ("messages of an unknown type", "messages WHERE message_type NOT IN ('text', 'image', 'file', 'audio', 'video')"),
    ("messages at no place", "messages WHERE seq < 1 OR seq > 9007199254740991 OR rev < seq OR rev > 9007199254740991"),
    ("messages without a text", "messages WHERE text IS NULL AND deleted_at IS NULL"),
    ("messages of an impossible time", "messages WHERE created_at < 0 OR created_at > 253402300799999"),
    (
        "replies in a thread without a summary",
        "messages WHERE thread IS NOT NULL AND NOT EXISTS (SELECT 1 FROM threads t \
         WHERE t.conversation_id = messages.conversation_id AND t.seq = messages.thread)",
    ),
    ("messages of nobody", "messages WHERE NOT EXISTS (SELECT 1 FROM users u WHERE u.id = author_id)"),
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
        "threads about no message",
        "conversation_id",
        "threads WHERE NOT EXISTS (SELECT 1 FROM messages m WHERE m.conversation_id = threads.conversation_id \
         AND m.seq = threads.seq)",
    ),
    (
        "threads whose summary is not that of their replies",
        "conversation_id",
        "threads WHERE replies <> (SELECT COUNT(*) FROM messages m WHERE m.conversation_id = threads.conversation_id \
         AND m.thread = threads.seq AND m.thread IS NOT NULL AND m.deleted_at IS NULL) \
         OR COALESCE(last_seq, 0) <> (SELECT COALESCE(MAX(m.seq), 0) FROM messages m \
         WHERE m.conversation_id = threads.conversation_id AND m.thread = threads.seq AND m.thread IS NOT NULL \
         AND m.deleted_at IS NULL)",
    ),
    (
        "earlier texts of messages that are deleted or not there",
        "conversation_id",
        "message_versions WHERE NOT EXISTS (SELECT 1 FROM messages m \
         WHERE m.conversation_id = message_versions.conversation_id AND m.seq = message_versions.seq \
         AND m.deleted_at IS NULL)",
    ),
    (
        "earlier texts in conversations that keep none",
        "conversation_id",
        "message_versions WHERE EXISTS (SELECT 1 FROM conversations c \
         WHERE c.id = message_versions.conversation_id AND c.edit_history = 0)",
    ),
    // In such a conversation only owners may do anything.
    ("policies whose rules are no object", "conversation_id", "policies WHERE rules NOT LIKE '{%}'"),
    ("reactions of nobody", "message_id", "reactions WHERE NOT EXISTS (SELECT 1 FROM users u WHERE u.id = user_id)"),
];

/// The unreadable rows, in words, such as `2 messages of nobody (the first is 17)`. Empty is good.
///
/// # Errors
/// Those of the database.
pub(crate) async fn unreadable(conn: &mut Conn) -> Result<Vec<String>> {
    unreadable_in(TABLES, conn).await
}

/// [`unreadable`] with these tables.
pub(crate) async fn unreadable_in(tables: Tables, conn: &mut Conn) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for (what, which) in WRONG {
        found.extend(wrong(conn, what, "id", which).await?);
    }
    for (what, id, which) in WRONG_PARTS {
        found.extend(wrong(conn, what, id, which).await?);
    }
    for table in tables {
        if let (Some((wanted, column)), Some(id)) = (table.owner.named_by(), first_number(table.columns)) {
            let name = table.name;
            let which = format!("{name} WHERE NOT EXISTS (SELECT 1 FROM {wanted} w WHERE w.id = {name}.{column})");
            found.extend(wrong(conn, &format!("{name} of {}", nothing(table.owner)), id, &which).await?);
        }
    }
    // SQLite takes texts as they come; PostgreSQL takes none that is not UTF-8.
    if let Conn::Sqlite(conn) = conn {
        for table in tables.iter().filter(|table| table.columns.iter().any(|column| column.kind == Kind::Text)) {
            found.extend(texts(conn, table.name, first_number(table.columns)).await?);
        }
    }
    Ok(found)
}

/// Rows whose account, conversation or message is not there.
fn nothing(owner: Owner) -> &'static str {
    match owner {
        Owner::Server | Owner::Root => "nothing",
        Owner::Account(_) => "nobody",
        Owner::Conversation(..) => "no conversation",
        Owner::Message(_) => "no message",
    }
}

/// The first column, by which a row is named, if it is a number.
fn first_number(columns: &[Column]) -> Option<&'static str> {
    columns.first().filter(|column| column.kind == Kind::Number).map(|column| column.name)
}

/// How many rows of `which` there are, and the least number in their column `id`; nothing if there are none.
async fn wrong(conn: &mut Conn, what: &str, id: &str, which: &str) -> Result<Option<String>> {
    // Made of constants only.
    let text = AssertSqlSafe(format!("SELECT COUNT(*), COALESCE(MIN({id}), 0) FROM {which}"));
    let (count, first): (i64, i64) = match conn {
        Conn::Sqlite(c) => sqlx::query_as(text).fetch_one(&mut **c).await?,
        Conn::Postgres(c) => sqlx::query_as(text).fetch_one(&mut **c).await?,
    };
    Ok((count > 0).then(|| format!("{count} {what} (the first is {first})")))
}

/// Which texts of a table are none: not UTF-8, or something else where a text should be.
async fn texts(conn: &mut SqliteConnection, table: &str, id: Option<&str>) -> Result<Option<String>> {
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
            first.get_or_insert_with(|| (column.name().to_owned(), row_id(&row, id)));
        }
    }
    Ok(first.map(|(column, id)| {
        format!("{count} rows of {table} with a text that is not UTF-8 (the first is {column}{id})")
    }))
}

/// Which row it is, as it can be told: rows of some tables are named by texts, which are nobody's business.
fn row_id(row: &SqliteRow, id: Option<&str>) -> String {
    id.map(|id| format!(" of {}", row.try_get::<i64, _>(id).unwrap_or_default())).unwrap_or_default()
}
