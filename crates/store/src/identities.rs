//! Identities: which account is whom in the systems that vouch for people.
//!
//! An identity is added once, in the transaction that makes its account ([`add`]), and never changes: what was read of
//! one may be kept for ever.

use std::collections::HashMap;

use chat::{
    Millis, Number, UserId,
    accounts::Account,
    identities::{DEFAULT_HOST, Identity},
};
use serde::Serialize;
use sqlx::FromRow;

use crate::{
    Conn, Result,
    accounts::Row,
    appends::{json, json_ids},
    unreadable::{Rest, Salvage},
};

/// An account's columns beside those of its identity.
macro_rules! account {
    () => {
        "u.id, u.username, u.email, u.role, u.display_name, u.first_name, u.last_name, u.birth_date, u.profession, u.city, \
         u.language, u.time_zone, u.status_message, u.avatar, u.card_rev, u.created_at, u.last_seen_at, u.deactivated_at"
    };
}

statements! {
    ADD = "INSERT INTO identities (issuer, subject, user_id, created_at, named_by, awaited) VALUES ($1, $2, $3, $4, $5, $6)";
    // A program of the version before looks there for the people of the one host that it knows.
    NOTE_EXTERNAL_ID = "UPDATE users SET external_id = $2 WHERE id = $1 AND external_id IS NULL";
    BY_SUBJECTS = concat!("SELECT i.issuer, i.subject, i.awaited,
             (SELECT a.head FROM account_heads a WHERE a.user_id = u.id) AS account_head, ", account!(), "
             FROM json_each($1) AS j JOIN identities i ON i.issuer = j.value ->> 'issuer' AND i.subject = j.value ->> 'subject'
             JOIN users u ON u.id = i.user_id");
    // Made by a program of the version before, since the tables were brought up.
    BY_EXTERNAL_IDS = concat!("SELECT 'default' AS issuer, u.external_id AS subject, CAST(0 AS BIGINT) AS awaited,
             CAST(NULL AS BIGINT) AS account_head, ", account!(), "
             FROM json_each($1) AS j JOIN users u ON u.external_id = j.value ->> 'subject'
             WHERE j.value ->> 'issuer' = 'default'
             AND NOT EXISTS (SELECT 1 FROM identities i WHERE i.issuer = 'default' AND i.user_id = u.id)");
    OF_USERS = "SELECT user_id, subject FROM identities
             WHERE issuer = $1 AND user_id IN (SELECT CAST(j.value ->> 'v' AS BIGINT) FROM json_each($2) AS j)";
    ARE_THERE = "SELECT COUNT(*) FROM (SELECT 1 FROM identities WHERE issuer = $1 LIMIT 1) AS one";
    HAS_COME = "UPDATE identities SET awaited = 0 WHERE issuer = $1 AND subject = $2 AND awaited = 1";
    NAMED_SINCE = "SELECT COUNT(*) FROM identities WHERE named_by = $1 AND created_at > $2";
    SQUATTED = "SELECT s.issuer, s.subject, s.user_id, u.username, i.user_id AS meant
             FROM squatted_numbers s JOIN users u ON u.id = s.user_id
             LEFT JOIN identities i ON i.issuer = s.issuer AND i.subject = s.subject
             ORDER BY CASE WHEN i.user_id IS NULL THEN 1 ELSE 0 END, s.user_id LIMIT CAST($1 AS BIGINT)";
}

/// An identity that is to be added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewIdentity<'a> {
    /// The person who is meant.
    pub identity: &'a Identity,
    /// Their account.
    pub user: UserId,
    /// The person who wrote to them or named them before they came, if the account was made for that; their name is
    /// taken from their first token then.
    pub named_by: Option<UserId>,
}

/// Somebody whom an issuer vouches for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Their account.
    pub account: Account,
    /// How far the account had come when it was read; 0 if that is not known.
    pub account_head: Number,
    /// Whether they have not come yet, and others know them by their number alone.
    pub awaited: bool,
    /// Whether a program of the version before has made the account, so that the identity is still to be added.
    pub unnoted: bool,
}

/// Adds an identity to an account. It is for ever: neither is given another.
///
/// # Errors
/// [`crate::Error::Conflict`] if the issuer knows the account as somebody else, or the identity is another account's.
pub async fn add(conn: &mut Conn, new: &NewIdentity<'_>, now: Millis) -> Result<()> {
    let Identity { issuer, subject } = new.identity;
    let awaited = i64::from(new.named_by.is_some());
    sql!(conn, execute, ADD, issuer, subject, new.user.0, now.0, new.named_by.map(|user| user.0), awaited)?;
    if issuer == DEFAULT_HOST {
        sql!(conn, execute, NOTE_EXTERNAL_ID, new.user.0, subject)?;
    }
    Ok(())
}

#[derive(FromRow)]
struct KnownRow {
    issuer: String,
    subject: String,
    awaited: i64,
    account_head: Option<i64>,
    #[sqlx(flatten)]
    account: Row,
}

impl Salvage for KnownRow {
    fn salvage(rest: &Rest) -> Option<Self> {
        Some(Self {
            issuer: rest.text("issuer")?,
            subject: rest.text("subject")?,
            awaited: rest.number("awaited").unwrap_or_default(),
            account_head: rest.number("account_head"),
            account: Row::salvage(rest)?,
        })
    }
}

/// The accounts of these people. Whoever is nobody's is left out.
///
/// # Errors
/// Those of the database.
pub async fn by_subjects(conn: &mut Conn, identities: &[Identity]) -> Result<HashMap<Identity, Known>> {
    #[derive(Serialize)]
    struct Asked<'a> {
        issuer: &'a str,
        subject: &'a str,
    }
    if identities.is_empty() {
        return Ok(HashMap::new());
    }
    let asked: Vec<Asked<'_>> =
        identities.iter().map(|Identity { issuer, subject }| Asked { issuer, subject }).collect();
    let asked = json(&asked)?;
    let mut known = HashMap::new();
    for (statement, unnoted) in [(BY_SUBJECTS, false), (BY_EXTERNAL_IDS, true)] {
        if unnoted && known.len() == identities.len() {
            break;
        }
        for row in sql!(conn, salvage as KnownRow, statement, &asked)? {
            let identity = Identity { issuer: row.issuer, subject: row.subject };
            let account_head = Number(row.account_head.unwrap_or_default());
            let found = Known { account: row.account.read()?, account_head, awaited: row.awaited != 0, unnoted };
            known.entry(identity).or_insert(found);
        }
    }
    Ok(known)
}

/// The subjects of these accounts at an issuer. Accounts that it does not know are left out.
///
/// # Errors
/// Those of the database.
pub async fn of_users(conn: &mut Conn, issuer: &str, users: &[UserId]) -> Result<HashMap<UserId, String>> {
    if users.is_empty() {
        return Ok(HashMap::new());
    }
    let ids = json_ids(users.iter().map(|user| user.0))?;
    let rows = sql!(conn, fetch_all as (i64, String), OF_USERS, issuer, ids)?;
    Ok(rows.into_iter().map(|(user, subject)| (UserId(user), subject)).collect())
}

/// Whether an issuer knows anybody here.
///
/// # Errors
/// Those of the database.
pub async fn are_there(conn: &mut Conn, issuer: &str) -> Result<bool> {
    let (one,) = sql!(conn, fetch_one as (i64,), ARE_THERE, issuer)?;
    Ok(one > 0)
}

/// Notes that somebody has come who was awaited; false if they were not.
///
/// # Errors
/// Those of the database.
pub async fn has_come(conn: &mut Conn, identity: &Identity) -> Result<bool> {
    Ok(sql!(conn, execute, HAS_COME, &identity.issuer, &identity.subject)? > 0)
}

/// How many people somebody has named since this time who had not come.
///
/// # Errors
/// Those of the database.
pub async fn named_since(conn: &mut Conn, author: UserId, since: Millis) -> Result<i64> {
    let (count,) = sql!(conn, fetch_one as (i64,), NAMED_SINCE, author.0, since.0)?;
    Ok(count)
}

/// An account that old endpoints had under a number of the host's that the host had not given to it.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Squatted {
    /// The host.
    pub issuer: String,
    /// The number.
    pub subject: String,
    /// The account's id.
    pub user_id: i64,
    /// The account's name.
    pub username: String,
    /// The account of whom the host means, if they have come.
    pub meant: Option<i64>,
}

/// Numbers under which accounts were known that the host may mean somebody else by; those first of which it is known.
///
/// # Errors
/// Those of the database.
pub async fn squatted(conn: &mut Conn, limit: i64) -> Result<Vec<Squatted>> {
    sql!(conn, fetch_all as Squatted, SQUATTED, limit)
}
