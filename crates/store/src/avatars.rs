//! Avatars, and pictures that no message carries in general: the files that hold them, and where they are named.

use chat::{ConversationId, FileId, Millis, Number, UserId, avatars::Holder};
use sqlx::FromRow;

use crate::{
    Conn, Result,
    jobs::{self, Kind},
};

statements! {
    /// No message has this id: see the migration.
    HOLD = "UPDATE files SET held_by = $2, conversation_id = $3, message_id = 0
            WHERE number = $1 AND message_id IS NULL AND gone_at IS NULL";
    RELEASE = "UPDATE files SET gone_at = $2 WHERE id = $1 AND held_by IS NOT NULL AND gone_at IS NULL RETURNING number";
    RELEASE_SERVERS = "UPDATE files SET gone_at = $1 WHERE held_by = 'server' AND gone_at IS NULL RETURNING number";
    HOLDER = "SELECT held_by, conversation_id FROM files WHERE id = $1 AND gone_at IS NULL AND held_by IS NOT NULL";
    OF_SERVER = "SELECT id FROM files WHERE held_by = 'server' AND gone_at IS NULL ORDER BY number DESC LIMIT 1";
    SET_OF_ACCOUNT = "UPDATE users SET avatar = $2, card_rev = $3 WHERE id = $1";
    SET_OF_CONVERSATION = "UPDATE conversations SET avatar = $2, rev = $3 WHERE id = $1";
}

#[derive(FromRow)]
struct Held {
    held_by: String,
    conversation_id: Option<i64>,
}

/// Has a file held that waits: no message can carry it any more, and it stays. False if it does not wait any more.
///
/// # Errors
/// Those of the database.
pub async fn hold(conn: &mut Conn, number: i64, holder: Holder) -> Result<bool> {
    let conversation = match holder {
        Holder::Conversation(conversation) => Some(conversation.0),
        Holder::Account | Holder::Server | Holder::Emoji => None,
    };
    if sql!(conn, execute, HOLD, number, holder.name(), conversation)? == 0 {
        return Ok(false);
    }
    jobs::remove(conn, Kind::File, number).await?;
    Ok(true)
}

/// Gives a picture up that was held; its bytes are then removed by a job.
///
/// # Errors
/// Those of the database.
pub async fn release(conn: &mut Conn, picture: FileId, now: Millis) -> Result<()> {
    for (number,) in sql!(conn, fetch_all as (i64,), RELEASE, picture.to_string(), now.0)? {
        jobs::add(conn, Kind::File, number, now).await?;
    }
    Ok(())
}

/// Gives the server's avatar up, if it has one.
///
/// # Errors
/// Those of the database.
pub async fn release_servers(conn: &mut Conn, now: Millis) -> Result<()> {
    for (number,) in sql!(conn, fetch_all as (i64,), RELEASE_SERVERS, now.0)? {
        jobs::add(conn, Kind::File, number, now).await?;
    }
    Ok(())
}

/// The holder of this picture; nothing if it is none, or is one of a later version.
///
/// # Errors
/// Those of the database.
pub async fn holder(conn: &mut Conn, picture: FileId) -> Result<Option<Holder>> {
    let held = sql!(conn, fetch_optional as Held, HOLDER, picture.to_string())?;
    Ok(held.and_then(|held| Holder::from_name(&held.held_by, held.conversation_id.map(ConversationId))))
}

/// The server's avatar.
///
/// # Errors
/// Those of the database.
pub async fn of_server(conn: &mut Conn) -> Result<Option<FileId>> {
    let found = sql!(conn, fetch_optional as (String,), OF_SERVER)?;
    Ok(found.and_then(|(id,)| FileId::parse(&id)))
}

/// Stores a person's avatar, which was changed under this number of their account.
///
/// # Errors
/// Those of the database.
pub async fn set_of_account(conn: &mut Conn, user: UserId, picture: Option<FileId>, rev: Number) -> Result<()> {
    sql!(conn, execute, SET_OF_ACCOUNT, user.0, picture.map(|id| id.to_string()), rev.0)?;
    Ok(())
}

/// Stores the avatar of a room or group, which was changed under this number.
///
/// # Errors
/// Those of the database.
pub async fn set_of_conversation(
    conn: &mut Conn,
    conversation: ConversationId,
    picture: Option<FileId>,
    rev: Number,
) -> Result<()> {
    sql!(conn, execute, SET_OF_CONVERSATION, conversation.0, picture.map(|id| id.to_string()), rev.0)?;
    Ok(())
}
