//! `[database]`: where conversations are kept.

use std::{fmt, path::Path};

use super::{Secrecy, key::Key};

/// Where conversations are kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Database {
    /// The database, if it is not the SQLite file in the data folder; see [`super::Config::database_url`].
    pub url: Option<DatabaseUrl>,
    /// Connections that are held at most.
    pub max_connections: u32,
    /// Seconds to wait for a connection.
    pub connect_timeout_seconds: u64,
    /// Whether `serve` brings the tables up to date.
    pub auto_migrate: bool,
}

impl Default for Database {
    fn default() -> Self {
        Self { url: None, max_connections: 20, connect_timeout_seconds: 2, auto_migrate: true }
    }
}

/// The address of a database. It may hold a password, so that `Debug` does not tell that part.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(String);

impl DatabaseUrl {
    /// Accepts `sqlite:`, `postgres://` and `postgresql://`, which becomes `postgres://`.
    ///
    /// # Errors
    /// The fault; never the text itself.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if let Some(file) = text.strip_prefix("sqlite:") {
            if file.starts_with("file:") || file.starts_with(":memory:") {
                return Err("does not have the path of a file after sqlite:".to_owned());
            }
            let named = !file.trim_start_matches('/').is_empty();
            return if named { Ok(Self(text.to_owned())) } else { Err("names no SQLite file".to_owned()) };
        }
        let rest = text.strip_prefix("postgres://").or_else(|| text.strip_prefix("postgresql://"));
        match (rest, text.split_once(':')) {
            (Some(""), _) => Err("names no PostgreSQL server".to_owned()),
            (Some(rest), _) => Ok(Self(format!("postgres://{rest}"))),
            (None, Some((scheme, _))) if scheme.len() < 20 => Err(format!("{scheme} is not a database that is known")),
            (None, _) => Err("is not the URL of a database".to_owned()),
        }
    }

    /// A SQLite file.
    #[must_use]
    pub fn sqlite_file(path: &Path) -> Self {
        Self(format!("sqlite:{}", path.display()))
    }

    /// The whole URL, password included.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether it is a SQLite database.
    #[must_use]
    pub fn is_sqlite(&self) -> bool {
        self.0.starts_with("sqlite:")
    }

    /// The file of a SQLite database.
    #[must_use]
    pub fn sqlite_path(&self) -> Option<&Path> {
        let path = self.0.strip_prefix("sqlite:")?;
        let path = path.strip_prefix("//").unwrap_or(path);
        Some(Path::new(path.split('?').next().unwrap_or(path)))
    }

    /// The URL as it may be shown.
    #[must_use]
    pub fn without_password(&self) -> String {
        without_password(&self.0)
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.without_password())
    }
}

/// A URL with its password left out, wherever a URL can hold one.
pub(super) fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (rest, query) = rest.split_at(rest.find('?').unwrap_or(rest.len()));
    let shown = match rest.rsplit_once('@') {
        Some((who, place)) => {
            let name = who.split_once(':').map_or(who.to_owned(), |(name, _)| format!("{name}:(hidden)"));
            format!("{scheme}://{name}@{place}")
        }
        None => format!("{scheme}://{rest}"),
    };
    let parameters: Vec<&str> = query
        .trim_start_matches('?')
        .split('&')
        .map(|pair| if pair.starts_with("password=") { "password=(hidden)" } else { pair })
        .filter(|pair| !pair.is_empty())
        .collect();
    if parameters.is_empty() { shown } else { format!("{shown}?{}", parameters.join("&")) }
}

pub(super) fn keys() -> Vec<Key> {
    vec![
        Key::new(
            "database",
            "url",
            "The database. The same server runs on SQLite and on PostgreSQL.",
            "sqlite:FILE (its path, no URI), or postgres://USER:PASSWORD@HOST:PORT/NAME (postgresql:// too)",
            |_, config, input| input.text().and_then(DatabaseUrl::parse).map(|url| config.database.url = Some(url)),
            |_, config| config.database.url.as_ref().map(|url| url.reveal().to_owned().into()),
        )
        .unset("\"postgres://palabre:PASSWORD@localhost/palabre\"", "`palabre.db`, a SQLite file in the data folder")
        .secrecy(Secrecy::Url),
        Key::new(
            "database",
            "max_connections",
            "Connections to the database that are held at most; with PostgreSQL one more keeps the index for searching.",
            "2 to 1000",
            |_, config, input| input.within(2..=1_000).map(|count| config.database.max_connections = count),
            |_, config| Some(i64::from(config.database.max_connections).into()),
        ),
        Key::new(
            "database",
            "connect_timeout_seconds",
            "Seconds to wait for a connection before a request is refused as unavailable.",
            "1 to 300",
            |_, config, input| input.within(1..=300).map(|seconds| config.database.connect_timeout_seconds = seconds),
            |_, config| i64::try_from(config.database.connect_timeout_seconds).ok().map(Into::into),
        ),
        Key::new(
            "database",
            "auto_migrate",
            "Whether `serve` brings the tables up to date; if not, `palabre migrate` must be run.",
            "true or false",
            |_, config, input| input.boolean().map(|on| config.database.auto_migrate = on),
            |_, config| Some(config.database.auto_migrate.into()),
        ),
    ]
}
