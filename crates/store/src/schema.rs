//! Which migrations a database's tables have come through, and whether this program may work on them.
//!
//! A migration only adds, so that programs of two versions work on the same tables while nodes are restarted one after
//! another, and an older one can be started again. One that takes away what earlier programs use writes into `meta`,
//! under [`NEEDS`], the number of the migration that a program must know from then on.

use std::fmt;

use sqlx::{PgConnection, SqliteConnection, migrate::Migrator};

use crate::{
    db::{Conn, Db},
    error::{Error, Result},
};

static SQLITE_MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES_MIGRATIONS: Migrator = sqlx::migrate!("migrations/postgres");

/// The key in `meta` under which stands which migration a program must know; without it, any will do.
pub(crate) const NEEDS: &str = "needs";

/// How a database's tables compare with those that this program makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Schema {
    /// There are none yet.
    Absent,
    /// They are this program's.
    Fresh,
    /// So many migrations are missing.
    Behind(usize),
    /// A later program has added to them; its last migration.
    Ahead(i64),
    /// A later program has taken from them what this one needs; the migration that a program must know.
    Beyond(i64),
    /// A migration failed half-way, or is not the one that this program knows under its number.
    Foreign(i64),
}

/// The consequence for a program that wants to work on the tables.
impl fmt::Display for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("there are no tables yet"),
            Self::Fresh => f.write_str("the tables are those of this version"),
            Self::Behind(missing) => write!(f, "the tables are of an older version, {missing} migrations behind"),
            Self::Ahead(last) => write!(
                f,
                "a later version of Palabre has added to the tables (migration {last}); this one can work on them"
            ),
            Self::Beyond(needs) => write!(
                f,
                "a later version of Palabre has changed the tables, and only one that knows migration {needs} can work \
                 on them; this one knows them up to {}",
                schema()
            ),
            Self::Foreign(version) => {
                write!(f, "migration {version} has failed, or is not the one that this version knows")
            }
        }
    }
}

impl Db {
    /// Brings the schema up to this program's. What a later program has made stays.
    ///
    /// # Errors
    /// If a migration fails, or has failed before; or if this program must not touch the tables.
    pub async fn migrate(&self) -> Result<()> {
        if let schema @ (Schema::Beyond(_) | Schema::Foreign(_)) = self.schema().await? {
            return Err(Error::Other(schema.to_string()));
        }
        match self.write().await? {
            Conn::Sqlite(mut conn) => beside_later(&SQLITE_MIGRATIONS).run(&mut *conn).await,
            Conn::Postgres(mut conn) => beside_later(&POSTGRES_MIGRATIONS).run(&mut *conn).await,
        }
        .map_err(|e| Error::Other(format!("migration: {e}")))
    }

    /// Brings an empty database's schema up to an earlier program's, as long as that is not beyond this one's.
    ///
    /// # Errors
    /// If a migration fails, or there is no migration of this number.
    pub async fn migrate_to(&self, version: i64) -> Result<()> {
        if !SQLITE_MIGRATIONS.version_exists(version) {
            return Err(Error::Other(format!("this program knows no schema {version}; it knows up to {}", schema())));
        }
        match self.write().await? {
            Conn::Sqlite(mut conn) => SQLITE_MIGRATIONS.run_to(version, &mut *conn).await,
            Conn::Postgres(mut conn) => POSTGRES_MIGRATIONS.run_to(version, &mut *conn).await,
        }
        .map_err(|e| Error::Other(format!("migration: {e}")))
    }

    /// Sees that this program can work on the tables, and how they compare with its own.
    ///
    /// # Errors
    /// If it cannot, or they cannot be read.
    pub async fn usable(&self) -> Result<Schema> {
        match self.schema().await? {
            schema @ (Schema::Fresh | Schema::Ahead(_)) => Ok(schema),
            schema @ (Schema::Absent | Schema::Behind(_)) => {
                Err(Error::Other(format!("{schema}; run `palabre migrate`")))
            }
            schema @ (Schema::Beyond(_) | Schema::Foreign(_)) => Err(Error::Other(schema.to_string())),
        }
    }

    /// How the tables compare with this program's.
    ///
    /// # Errors
    /// If they cannot be read.
    pub async fn schema(&self) -> Result<Schema> {
        match &mut *self.read().await? {
            Conn::Sqlite(conn) => of_sqlite(conn).await,
            Conn::Postgres(conn) => of_postgres(conn).await,
        }
    }
}

/// The number of this program's last migration.
pub(crate) fn schema() -> i64 {
    SQLITE_MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or_default()
}

pub(crate) async fn of_sqlite(conn: &mut SqliteConnection) -> Result<Schema> {
    let text = "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = '_sqlx_migrations'";
    let (tables,): (i64,) = sqlx::query_as(text).fetch_one(&mut *conn).await?;
    if tables == 0 {
        return Ok(Schema::Absent);
    }
    let applied: Vec<Applied> = sqlx::query_as(APPLIED).fetch_all(&mut *conn).await?;
    if applied.is_empty() {
        return Ok(Schema::Absent);
    }
    let needs: Option<(String,)> = sqlx::query_as(META).bind(NEEDS).fetch_optional(&mut *conn).await?;
    Ok(compare(&SQLITE_MIGRATIONS, &applied, needs))
}

pub(crate) async fn of_postgres(conn: &mut PgConnection) -> Result<Schema> {
    let text = "SELECT to_regclass('_sqlx_migrations') IS NOT NULL";
    let (there,): (bool,) = sqlx::query_as(text).fetch_one(&mut *conn).await?;
    if !there {
        return Ok(Schema::Absent);
    }
    let applied: Vec<Applied> = sqlx::query_as(APPLIED).fetch_all(&mut *conn).await?;
    if applied.is_empty() {
        return Ok(Schema::Absent);
    }
    let needs: Option<(String,)> = sqlx::query_as(META).bind(NEEDS).fetch_optional(&mut *conn).await?;
    Ok(compare(&POSTGRES_MIGRATIONS, &applied, needs))
}

const APPLIED: &str = "SELECT version, checksum, success FROM _sqlx_migrations ORDER BY version";
const META: &str = "SELECT value FROM meta WHERE key = $1";

/// A migration's number, checksum, and whether it was done to its end.
type Applied = (i64, Vec<u8>, bool);

/// The same migrations, for tables on which a later program's may have been made.
fn beside_later(known: &Migrator) -> Migrator {
    let mut migrator = Migrator::with_migrations(known.iter().cloned().collect());
    migrator.set_ignore_missing(true);
    migrator
}

fn compare(known: &Migrator, applied: &[Applied], needs: Option<(String,)>) -> Schema {
    let of = |version: i64| known.iter().find(|migration| migration.version == version);
    let is_foreign = |(version, checksum, success): &&Applied| {
        !success || of(*version).is_some_and(|migration| migration.checksum.as_ref() != checksum.as_slice())
    };
    if let Some((version, ..)) = applied.iter().find(is_foreign) {
        return Schema::Foreign(*version);
    }
    // An unreadable value was not written by a program that this one knows.
    let needs = needs.map_or(0, |(needs,)| needs.parse().unwrap_or(i64::MAX));
    if needs > schema() {
        return Schema::Beyond(needs);
    }
    let missing = known.iter().filter(|migration| applied.iter().all(|(version, ..)| *version != migration.version));
    match (missing.count(), applied.iter().rev().find(|(version, ..)| of(*version).is_none())) {
        (0, None) => Schema::Fresh,
        (0, Some((last, ..))) => Schema::Ahead(*last),
        (missing, _) => Schema::Behind(missing),
    }
}

#[cfg(test)]
mod tests {
    use super::{Applied, POSTGRES_MIGRATIONS, SQLITE_MIGRATIONS, Schema, compare, schema};

    /// On PostgreSQL a new row locks those that it refers to. Rows of conversations are locked before those of accounts:
    /// so what is written under an account's lock must refer to no conversation.
    #[test]
    fn what_belongs_to_accounts_refers_to_no_conversation() {
        for migrator in [&SQLITE_MIGRATIONS, &POSTGRES_MIGRATIONS] {
            let text: String = migrator.iter().map(|migration| migration.sql.as_str()).collect();
            let referring = text
                .split("CREATE TABLE ")
                .skip(1)
                .filter(|table| {
                    let body = table.split(");").next().unwrap_or_default();
                    body.contains("REFERENCES conversations") || body.contains("REFERENCES messages")
                })
                .map(|table| table.split_whitespace().next().unwrap_or_default())
                .collect::<Vec<_>>();
            assert_eq!(referring, ["members", "reactions", "policies", "grants"], "{text}");
        }
    }

    #[test]
    fn tables_are_compared_with_the_programs() {
        let all: Vec<_> = SQLITE_MIGRATIONS.iter().map(|m| (m.version, m.checksum.to_vec(), true)).collect();
        let needing = |needs: Option<&str>, change: &dyn Fn(&mut Vec<Applied>)| {
            let mut applied = all.clone();
            change(&mut applied);
            compare(&SQLITE_MIGRATIONS, &applied, needs.map(|needs| (needs.to_owned(),)))
        };
        let changed = |change: &dyn Fn(&mut Vec<Applied>)| needing(None, change);
        let later = |all: &mut Vec<Applied>| all.push((9_000, Vec::new(), true));
        assert_eq!(changed(&|_| {}), Schema::Fresh);
        assert_eq!(changed(&|all| all.truncate(all.len() - 2)), Schema::Behind(2));
        assert_eq!(changed(&later), Schema::Ahead(9_000));
        assert_eq!(needing(Some(&schema().to_string()), &later), Schema::Ahead(9_000));
        assert_eq!(needing(Some(&(schema() + 1).to_string()), &later), Schema::Beyond(schema() + 1));
        assert_eq!(needing(Some("what is this?"), &later), Schema::Beyond(i64::MAX));
        assert_eq!(changed(&|all| all[0].1.clear()), Schema::Foreign(1));
        assert_eq!(changed(&|all| all[1].2 = false), Schema::Foreign(2));
    }
}
