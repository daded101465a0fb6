//! Facts about a database that an operator should know: whether it can be written to, how durable it is, and whether
//! its tables are this program's. Looks and changes nothing.

use std::{
    str::FromStr,
    time::{Duration, Instant},
};

use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection, postgres::PgConnectOptions,
    sqlite::SqliteConnectOptions,
};

use crate::{
    Db, Options, db,
    error::{Error, Result},
    history::Record,
    identities::{self, Squatted},
    names::{self, NameFinding},
    nodes::Present,
    rows,
    schema::{self, Schema},
};

/// Questions of which the quickest counts.
const QUESTIONS: usize = 5;

/// The findings.
#[derive(Clone, Debug, PartialEq)]
pub struct Examined {
    /// Product and version, such as `SQLite 3.50.1`.
    pub version: String,
    /// PostgreSQL's version as a number, such as 150013; 0 for SQLite.
    pub version_number: i64,
    /// Settings on which durability hangs, as they are for the server's writer.
    pub durability: Vec<Setting>,
    /// Why nothing can be written, if nothing can.
    pub read_only: Option<String>,
    /// Connections that PostgreSQL accepts in all.
    pub connections: Option<i64>,
    /// PostgreSQL's clock in milliseconds since 1970, now.
    pub clock: Option<i64>,
    /// How long a question took: the shortest of a few, since the first has to be prepared.
    pub round_trip: Duration,
    /// How the tables compare with this program's.
    pub schema: Schema,
    /// The id of this history of the database, if the server has made one.
    pub epoch: Option<String>,
    /// Why this history began, if it took another's place.
    pub record: Option<Record>,
    /// The entries of the nodes that were there within the last quarter of a minute.
    pub nodes: Vec<Present>,
}

/// A setting, as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Its name in the database.
    pub name: &'static str,
    /// Its value.
    pub value: String,
    /// Whether what was acknowledged survives a power cut with it.
    pub durable: bool,
}

/// Looks at a database. Nothing if it is a SQLite file that is not there yet.
///
/// # Errors
/// If it cannot be reached within `patience` or does not answer.
pub async fn examine(url: &str, patience: Duration) -> Result<Option<Examined>> {
    let work = async {
        if url.starts_with("sqlite:") {
            let options = db::sqlite_options(url)?;
            return if options.get_filename().exists() { sqlite(options).await.map(Some) } else { Ok(None) };
        }
        postgres(db::postgres_options(url)?).await.map(Some)
    };
    let late = || Error::Unavailable(format!("no answer within {} seconds", patience.as_secs()));
    tokio::time::timeout(patience, work).await.map_err(|_| late())?
}

/// Rows that cannot be read, in words; empty is good. Reads all of them.
///
/// # Errors
/// Those of the database.
pub async fn unreadable_rows(url: &str) -> Result<Vec<String>> {
    let options = Options { url: url.to_owned(), readers: 1, connect_timeout: Duration::from_secs(5) };
    let db = Db::open(&options).await?;
    let found = rows::unreadable(&mut *db.read().await?).await;
    db.close().await;
    found
}

/// Numbers of hosts under which old endpoints knew somebody else; at most so many.
///
/// # Errors
/// Those of the database.
pub async fn squatted_numbers(url: &str, limit: i64) -> Result<Vec<Squatted>> {
    let options = Options { url: url.to_owned(), readers: 1, connect_timeout: Duration::from_secs(5) };
    let db = Db::open(&options).await?;
    let found = identities::squatted(&mut *db.read().await?, limit).await;
    db.close().await;
    found
}

/// Findings about names that still hold, at most so many.
///
/// # Errors
/// Those of the database.
pub async fn name_findings(url: &str, limit: i64) -> Result<Vec<NameFinding>> {
    let options = Options { url: url.to_owned(), readers: 1, connect_timeout: Duration::from_secs(5) };
    let db = Db::open(&options).await?;
    let found = names::findings(&mut *db.read().await?, limit).await;
    db.close().await;
    found
}

/// The damage that SQLite's own check finds in a file, at most ten lines; empty is good. Reads all of it.
///
/// # Errors
/// If it cannot be read at all.
pub async fn check_file(url: &str) -> Result<Vec<String>> {
    let mut conn = SqliteConnectOptions::from_str(url)?.connect().await?;
    let lines: Vec<(String,)> = sqlx::query_as("PRAGMA integrity_check(10)").fetch_all(&mut conn).await?;
    conn.close().await?;
    Ok(lines.into_iter().map(|(line,)| line).filter(|line| line != "ok").collect())
}

async fn sqlite(options: SqliteConnectOptions) -> Result<Examined> {
    let mut conn = options.create_if_missing(false).connect().await?;
    let mut round_trip = Duration::MAX;
    let mut version = String::new();
    for _ in 0..QUESTIONS {
        let begin = Instant::now();
        (version,) = sqlx::query_as("SELECT sqlite_version()").fetch_one(&mut conn).await?;
        round_trip = round_trip.min(begin.elapsed());
    }
    let (journal,): (String,) = sqlx::query_as("PRAGMA journal_mode").fetch_one(&mut conn).await?;
    let (synchronous,): (i64,) = sqlx::query_as("PRAGMA synchronous").fetch_one(&mut conn).await?;
    let durability = vec![
        Setting { name: "journal_mode", durable: journal == "wal", value: journal },
        Setting { name: "synchronous", durable: synchronous >= 2, value: synchronous.to_string() },
    ];
    let read_only = match sqlx::query("BEGIN IMMEDIATE").execute(&mut conn).await {
        Ok(_) => sqlx::query("ROLLBACK").execute(&mut conn).await.map(|_| None)?,
        Err(error) if is_read_only(&error) => Some(error.to_string()),
        // A server that writes at the moment.
        Err(_) => None,
    };
    let schema = schema::of_sqlite(&mut conn).await?;
    let epoch: Option<(String,)> = match schema {
        Schema::Absent => None,
        _ => sqlx::query_as(EPOCH).fetch_optional(&mut conn).await?,
    };
    let record: Option<(String,)> = match schema {
        Schema::Absent => None,
        _ => sqlx::query_as(RECORD).fetch_optional(&mut conn).await?,
    };
    conn.close().await?;
    Ok(Examined {
        version: format!("SQLite {version}"),
        version_number: 0,
        durability,
        read_only,
        connections: None,
        clock: None,
        round_trip,
        schema,
        record: record.and_then(|(text,)| serde_json::from_str(&text).ok()),
        epoch: epoch.map(|(epoch,)| epoch),
        nodes: Vec::new(),
    })
}

fn is_read_only(error: &sqlx::Error) -> bool {
    // Extended codes carry READONLY in their last byte.
    let code = error.as_database_error().and_then(|error| error.code()).and_then(|code| code.parse::<u32>().ok());
    code.is_some_and(|code| code & 0xff == 8)
}

async fn postgres(options: PgConnectOptions) -> Result<Examined> {
    let mut conn = options.connect().await?;
    let version = show(&mut conn, "server_version").await?;
    let version_number = show(&mut conn, "server_version_num").await?.parse().unwrap_or_default();
    let mut durability = Vec::new();
    for (name, good) in
        [("fsync", &["on"][..]), ("full_page_writes", &["on"]), ("synchronous_commit", &["on", "remote_apply"])]
    {
        let value = show(&mut conn, name).await?;
        durability.push(Setting { name, durable: good.contains(&value.as_str()), value });
    }
    let (standby,): (bool,) = sqlx::query_as("SELECT pg_is_in_recovery()").fetch_one(&mut conn).await?;
    let read_only = if standby {
        Some("the server is a standby, which accepts no writes".to_owned())
    } else if show(&mut conn, "transaction_read_only").await? == "on" {
        Some("default_transaction_read_only is on".to_owned())
    } else {
        None
    };
    let connections = show(&mut conn, "max_connections").await?.parse().ok();
    let mut round_trip = Duration::MAX;
    let mut clock = 0;
    for _ in 0..QUESTIONS {
        let begin = Instant::now();
        let text = "SELECT (EXTRACT(EPOCH FROM clock_timestamp()) * 1000)::bigint";
        (clock,) = sqlx::query_as(text).fetch_one(&mut conn).await?;
        round_trip = round_trip.min(begin.elapsed());
        clock += i64::try_from(begin.elapsed().as_millis() / 2).unwrap_or_default();
    }
    let schema = schema::of_postgres(&mut conn).await?;
    let epoch: Option<(String,)> = match schema {
        Schema::Absent => None,
        _ => sqlx::query_as(EPOCH).fetch_optional(&mut conn).await?,
    };
    let record: Option<(String,)> = match schema {
        Schema::Absent => None,
        _ => sqlx::query_as(RECORD).fetch_optional(&mut conn).await?,
    };
    let nodes: Vec<Present> = match schema {
        Schema::Fresh | Schema::Ahead(_) => {
            sqlx::query_as(PRESENT).bind(clock - PRESENT_MS).fetch_all(&mut conn).await?
        }
        _ => Vec::new(),
    };
    conn.close().await?;
    Ok(Examined {
        version: format!("PostgreSQL {version}"),
        version_number,
        durability,
        read_only,
        connections,
        clock: Some(clock),
        round_trip,
        schema,
        record: record.and_then(|(text,)| serde_json::from_str(&text).ok()),
        epoch: epoch.map(|(epoch,)| epoch),
        nodes,
    })
}

async fn show(conn: &mut PgConnection, setting: &'static str) -> Result<String> {
    // Made of constants only.
    let text = AssertSqlSafe(format!("SHOW {setting}"));
    let (value,): (String,) = sqlx::query_as(text).fetch_one(conn).await?;
    Ok(value)
}

const RECORD: &str = "SELECT value FROM meta WHERE key = 'history'";
const PRESENT: &str = "SELECT seen_at, about FROM nodes WHERE about <> '' AND seen_at > $1 ORDER BY seen_at";
/// Milliseconds for which what a node has said holds.
const PRESENT_MS: i64 = 15_000;
const EPOCH: &str = "SELECT value FROM meta WHERE key = 'epoch'";
