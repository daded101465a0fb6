//! Reactions: rows and statements.

use std::collections::HashMap;

use chat::{MessageId, Number, UserId, reactions::Reaction};

use crate::{Conn, Result, appends::json_ids};

statements! {
    ADD = "INSERT INTO reactions (message_id, emoji, user_id, number) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
    REMOVE = "DELETE FROM reactions WHERE message_id = $1 AND emoji = $2 AND user_id = $3";
    CLEAR = "DELETE FROM reactions WHERE message_id = $1";
    OF = "SELECT r.message_id, r.emoji, r.user_id FROM reactions r
          WHERE r.message_id IN (SELECT CAST(j.value ->> 'v' AS BIGINT) FROM json_each($1) AS j) ORDER BY r.number";
}

/// Adds a reaction.
///
/// # Errors
/// Those of the database.
pub async fn add(conn: &mut Conn, message: MessageId, emoji: &str, user: UserId, number: Number) -> Result<()> {
    sql!(conn, execute, ADD, message.0, emoji, user.0, number.0)?;
    Ok(())
}

/// Takes a reaction back.
///
/// # Errors
/// Those of the database.
pub async fn remove(conn: &mut Conn, message: MessageId, emoji: &str, user: UserId) -> Result<()> {
    sql!(conn, execute, REMOVE, message.0, emoji, user.0)?;
    Ok(())
}

/// Takes all reactions of a message away.
///
/// # Errors
/// Those of the database.
pub async fn clear(conn: &mut Conn, message: MessageId) -> Result<()> {
    sql!(conn, execute, CLEAR, message.0)?;
    Ok(())
}

/// The reactions of these messages.
///
/// # Errors
/// Those of the database.
pub async fn of(conn: &mut Conn, messages: &[MessageId]) -> Result<HashMap<MessageId, Vec<Reaction>>> {
    let rows = sql!(conn, fetch_all as (i64, String, i64), OF, json_ids(messages.iter().map(|m| m.0))?)?;
    let mut found: HashMap<MessageId, Vec<Reaction>> = HashMap::new();
    for (message, emoji, user) in rows {
        let reactions = found.entry(MessageId(message)).or_default();
        match reactions.iter_mut().find(|r| r.emoji == emoji) {
            Some(reaction) => reaction.users.push(UserId(user)),
            None => reactions.push(Reaction { emoji, users: vec![UserId(user)] }),
        }
    }
    Ok(found)
}
