//! Sessions and their refresh tokens: rows and statements. Tokens are kept hashed only.

use chat::{
    Millis, SessionId, UserId,
    sessions::{Origin, Session},
};
use std::collections::HashMap;

use serde::Serialize;
use sqlx::FromRow;

use crate::{
    Conn, Result,
    appends::json,
    push_devices,
    unreadable::{Rest, Salvage},
};

statements! {
    CREATE = "INSERT INTO sessions (id, user_id, agent, address, created_at, used_at, expires_at, ends_at)
              VALUES ($1, $2, $3, $4, $5, $5, $6, $7)";
    LIVE = "SELECT s.id, s.expires_at FROM json_each($1) AS j JOIN sessions s ON s.id = CAST(j.value ->> 'v' AS BIGINT)
            WHERE s.user_id = CAST(j.value ->> 'u' AS BIGINT) AND s.ended_at IS NULL AND s.expires_at > $2";
    OF_USER = "SELECT id, agent, address, created_at, used_at, expires_at FROM sessions
               WHERE user_id = $1 AND ended_at IS NULL AND expires_at > $2 ORDER BY id DESC";
    USE = "UPDATE sessions SET used_at = $2, agent = $3, address = $4, \
               expires_at = CASE WHEN $5 < ends_at THEN $5 ELSE ends_at END, \
               ends_at = CASE WHEN $6 < ends_at THEN $6 ELSE ends_at END WHERE id = $1";
    END = "UPDATE sessions SET ended_at = $3 WHERE id = $1 AND user_id = $2 AND ended_at IS NULL";
    END_OTHERS = "UPDATE sessions SET ended_at = $3 WHERE user_id = $1 AND id <> $2 AND ended_at IS NULL";
    ADD_TOKEN = "INSERT INTO refresh_tokens (hash, session_id) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    TOKEN = "SELECT t.session_id, s.user_id, s.agent, t.used_at, n.hash AS next, n.used_at AS next_used_at,
                    s.expires_at, s.ended_at
             FROM refresh_tokens t JOIN sessions s ON s.id = t.session_id LEFT JOIN refresh_tokens n ON n.hash = t.successor
             WHERE t.hash = $1";
    USE_TOKEN = "UPDATE refresh_tokens SET used_at = $2, successor = $3 WHERE hash = $1 AND used_at IS NULL";
    REPLACE_SUCCESSOR = "UPDATE refresh_tokens SET successor = $2 WHERE hash = $1";
    FORGET_TOKEN = "DELETE FROM refresh_tokens WHERE hash = $1 AND used_at IS NULL";
    LOCK = "UPDATE sessions SET used_at = used_at WHERE id = $1";
    ADDRESSES = "SELECT address FROM sessions WHERE user_id = $1 AND address IS NOT NULL ORDER BY id DESC LIMIT 50";
}

/// Stores a new session.
///
/// # Errors
/// Those of the database.
pub async fn create(
    conn: &mut Conn,
    user: UserId,
    origin: &Origin,
    now: Millis,
    expires_at: Millis,
    ends_at: Millis,
) -> Result<SessionId> {
    let id = conn.next_id("session").await?;
    let (agent, address) = (origin.agent.as_deref(), origin.address.as_deref());
    sql!(conn, execute, CREATE, id, user.0, agent, address, now.0, expires_at.0, ends_at.0)?;
    Ok(SessionId(id))
}

/// Which of these sessions, each of this person, go on, and until when unless they are used.
///
/// # Errors
/// Those of the database.
pub async fn live(
    conn: &mut Conn,
    sessions: &[(SessionId, UserId)],
    now: Millis,
) -> Result<HashMap<SessionId, Millis>> {
    #[derive(Serialize)]
    struct Asked {
        v: i64,
        u: i64,
    }
    if sessions.is_empty() {
        return Ok(HashMap::new());
    }
    let asked: Vec<Asked> = sessions.iter().map(|(session, user)| Asked { v: session.0, u: user.0 }).collect();
    let rows = sql!(conn, fetch_all as (i64, i64), LIVE, json(&asked)?, now.0)?;
    Ok(rows.into_iter().map(|(id, until)| (SessionId(id), Millis(until))).collect())
}

#[derive(FromRow)]
struct Row {
    id: i64,
    agent: Option<String>,
    address: Option<String>,
    created_at: i64,
    used_at: i64,
    expires_at: i64,
}

/// A client's name and address are for people: without them a session goes on.
impl Salvage for Row {
    fn salvage(rest: &Rest) -> Option<Self> {
        Some(Self {
            id: rest.number("id")?,
            agent: rest.text("agent"),
            address: rest.text("address"),
            created_at: rest.number("created_at").unwrap_or_default(),
            used_at: rest.number("used_at").unwrap_or_default(),
            expires_at: rest.number("expires_at")?,
        })
    }
}

/// A person's sessions that go on, newest first.
///
/// # Errors
/// Those of the database.
pub async fn of_user(conn: &mut Conn, user: UserId, now: Millis) -> Result<Vec<Session>> {
    let rows = sql!(conn, salvage as Row, OF_USER, user.0, now.0)?;
    Ok(rows
        .into_iter()
        .map(|row| Session {
            id: SessionId(row.id),
            created_at: Millis(row.created_at),
            used_at: Millis(row.used_at),
            expires_at: Millis(row.expires_at),
            agent: row.agent,
            address: row.address,
        })
        .collect())
}

/// Notes a use of a session and moves its end to `expires_at`, if its last end is not sooner. That is `latest` at most:
/// a session that began while the clock was ahead does not last as much longer.
///
/// # Errors
/// Those of the database.
pub async fn note_use(
    conn: &mut Conn,
    id: SessionId,
    origin: &Origin,
    now: Millis,
    expires_at: Millis,
    latest: Millis,
) -> Result<()> {
    let (agent, address) = (origin.agent.as_deref(), origin.address.as_deref());
    sql!(conn, execute, USE, id.0, now.0, agent, address, expires_at.0, latest.0)?;
    Ok(())
}

/// Ends a session of this person; false if there was none.
///
/// # Errors
/// Those of the database.
pub async fn end(conn: &mut Conn, id: SessionId, user: UserId, now: Millis) -> Result<bool> {
    let ended = sql!(conn, execute, END, id.0, user.0, now.0)? > 0;
    if ended {
        push_devices::end_with_sessions(conn, user, now).await?;
    }
    Ok(ended)
}

/// Ends all sessions of a person but one.
///
/// # Errors
/// Those of the database.
pub async fn end_others(conn: &mut Conn, user: UserId, except: Option<SessionId>, now: Millis) -> Result<()> {
    sql!(conn, execute, END_OTHERS, user.0, except.map_or(0, |s| s.0), now.0)?;
    push_devices::end_with_sessions(conn, user, now).await
}

/// Stores a refresh token's hash.
///
/// # Errors
/// Those of the database.
pub async fn add_token(conn: &mut Conn, hash: &str, session: SessionId) -> Result<()> {
    sql!(conn, execute, ADD_TOKEN, hash, session.0)?;
    Ok(())
}

/// The network addresses from which somebody has lately logged in or refreshed, also in sessions that have ended.
///
/// # Errors
/// Those of the database.
pub async fn addresses(conn: &mut Conn, user: UserId) -> Result<Vec<String>> {
    let rows = sql!(conn, fetch_all as (String,), ADDRESSES, user.0)?;
    Ok(rows.into_iter().map(|(address,)| address).collect())
}

/// The row of a refresh token.
pub struct Token {
    /// Its session.
    pub session: SessionId,
    /// Whose.
    pub user: UserId,
    /// The client that last used the session.
    pub agent: Option<String>,
    /// Whether it was traded.
    pub used: Use,
    /// Whether the session goes on.
    pub live: bool,
}

/// How far a refresh token was used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Use {
    /// It was not traded yet.
    Unused,
    /// It was traded for the token of this hash, which nobody has used: the answer may have been lost.
    Traded(String),
    /// The token that it was traded for was used: that one arrived.
    Over,
}

#[derive(FromRow)]
struct TokenRow {
    session_id: i64,
    user_id: i64,
    agent: Option<String>,
    used_at: Option<i64>,
    next: Option<String>,
    next_used_at: Option<i64>,
    expires_at: i64,
    ended_at: Option<i64>,
}

impl Salvage for TokenRow {
    fn salvage(rest: &Rest) -> Option<Self> {
        let over = |column: &str| rest.number(column).or_else(|| rest.text(column).map(|_| 0));
        Some(Self {
            session_id: rest.number("session_id")?,
            user_id: rest.number("user_id")?,
            agent: rest.text("agent"),
            used_at: over("used_at"),
            next: rest.text("next"),
            next_used_at: over("next_used_at"),
            expires_at: rest.number("expires_at")?,
            ended_at: over("ended_at"),
        })
    }
}

/// The refresh token of this hash.
///
/// # Errors
/// Those of the database.
pub async fn token(conn: &mut Conn, hash: &str, now: Millis) -> Result<Option<Token>> {
    Ok(sql!(conn, salvage as TokenRow, TOKEN, hash)?.pop().map(|row| Token {
        session: SessionId(row.session_id),
        user: UserId(row.user_id),
        agent: row.agent,
        used: match (row.used_at, row.next, row.next_used_at) {
            (None, ..) => Use::Unused,
            (Some(_), Some(next), None) => Use::Traded(next),
            // A program of the version before notes no successor.
            (Some(_), ..) => Use::Over,
        },
        live: row.ended_at.is_none() && row.expires_at > now.0,
    }))
}

/// Makes whoever else trades a token of this session, on another node, wait for this transaction.
///
/// # Errors
/// Those of the database.
pub async fn lock(conn: &mut Conn, session: SessionId) -> Result<()> {
    sql!(conn, execute, LOCK, session.0)?;
    Ok(())
}

/// Marks a refresh token as traded for another.
///
/// # Errors
/// Those of the database.
pub async fn use_token(conn: &mut Conn, hash: &str, successor: &str, now: Millis) -> Result<()> {
    sql!(conn, execute, USE_TOKEN, hash, now.0, successor)?;
    Ok(())
}

/// Gives a traded token another successor in place of one that nobody has used, which is good no more.
///
/// # Errors
/// Those of the database.
pub async fn replace_successor(conn: &mut Conn, hash: &str, from: &str, to: &str) -> Result<()> {
    sql!(conn, execute, REPLACE_SUCCESSOR, hash, to)?;
    sql!(conn, execute, FORGET_TOKEN, from)?;
    Ok(())
}
