//! Reactions: rows and statements.

use std::collections::HashMap;

use chat::{
    MessageId, Number, UserId,
    reactions::{Reaction, emoji},
};

use crate::{Conn, Result, appends::json_ids};

statements! {
    ADD = "INSERT INTO reactions (message_id, emoji, user_id, number) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
    REMOVE = "DELETE FROM reactions WHERE message_id = $1 AND emoji = $2 AND user_id = $3";
    BY = "SELECT emoji FROM reactions WHERE message_id = $1 AND user_id = $2";
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

/// Takes a reaction back, in all the presentations in which its emoji was once kept.
///
/// # Errors
/// Those of the database.
pub async fn remove(conn: &mut Conn, message: MessageId, emoji: &str, user: UserId) -> Result<()> {
    for (kept,) in sql!(conn, fetch_all as (String,), BY, message.0, user.0)? {
        if form(kept.clone()) == emoji {
            sql!(conn, execute, REMOVE, message.0, kept, user.0)?;
        }
    }
    Ok(())
}

/// The form of a kept emoji. Reactions from before there were forms may be of any presentation, and any text.
fn form(kept: String) -> String {
    emoji(&kept).unwrap_or(kept)
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
    for (message, kept, user) in rows {
        let reactions = found.entry(MessageId(message)).or_default();
        let (emoji, user) = (form(kept), UserId(user));
        match reactions.iter_mut().find(|r| r.emoji == emoji) {
            Some(reaction) if reaction.users.contains(&user) => {}
            Some(reaction) => reaction.users.push(user),
            None => reactions.push(Reaction { emoji, users: vec![user] }),
        }
    }
    Ok(found)
}
