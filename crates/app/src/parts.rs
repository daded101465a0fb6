//! The parts of which `serve` and the operator's commands are both built: from a configuration to the parts
//! that it describes.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::Context as _;
use blobs::{Blobs, Folder, S3, Scanner, s3::Bucket};
use chat::{Millis, identities::Numbering};
use dialects::Dialect;
use engine::{Clock, Engine, Files, Host, Keys, Settings};
use outgoing::Outgoing;
use store::{Db, Options, transfer::Lifecycle};
use stream::fingerprint;

use crate::{
    config::{Config, DatabaseUrl, FilesPlace, numbering},
    descriptors, pushes, secrets,
};

/// The time of this machine.
#[must_use]
pub fn clock() -> Clock {
    Arc::new(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    })
}

/// Opens the configured database, if a server may work on it; the data folder is made if it is not there. Does not
/// migrate.
///
/// # Errors
/// The folder cannot be made, the database cannot be reached, or it was moved away or is half full. The message
/// holds no password.
pub async fn database(config: &Config) -> anyhow::Result<Db> {
    let db = any_database(config).await?;
    match db.lifecycle().await.map(|lifecycle| departed(&lifecycle)) {
        Ok(None) => Ok(db),
        Ok(Some(why)) => anyhow::bail!("{}: {why}", config.database_url().without_password()),
        Err(error) => Err(error).context("the database cannot be read"),
    }
}

/// Opens the configured database, whatever became of it.
///
/// # Errors
/// As [`database`].
pub async fn any_database(config: &Config) -> anyhow::Result<Db> {
    secrets::prepare_folder(&config.data.dir)?;
    if config.database.url.is_none() {
        // For its owner only, whatever the folder's rights are; SQLite gives its side files the same.
        secrets::own_file(&config.data.dir.join("palabre.db"))?;
    }
    open(config, &config.database_url()).await
}

/// Opens a database with the configured number of connections.
///
/// # Errors
/// It cannot be reached. The message holds no password.
pub async fn open(config: &Config, url: &DatabaseUrl) -> anyhow::Result<Db> {
    let options = Options {
        url: url.reveal().to_owned(),
        // One connection is the writer's.
        readers: config.database.max_connections - 1,
        connect_timeout: Duration::from_secs(config.database.connect_timeout_seconds),
    };
    Db::open(&options).await.with_context(|| format!("the database {} cannot be opened", url.without_password()))
}

/// Why no server may work on a database, if so.
#[must_use]
pub fn departed(lifecycle: &Lifecycle) -> Option<String> {
    match lifecycle {
        Lifecycle::Living => None,
        Lifecycle::Moved(mark) => Some(format!(
            "this database was moved to {0} and lives there; set database.url to it (docs/operate/backup.md says how to go back)",
            mark.other
        )),
        Lifecycle::Incomplete(mark) => Some(format!(
            "this database is not whole: the move from {0} was not finished, or was taken back; repeat `palabre move`, or use {0}",
            mark.other
        )),
    }
}

/// The secret with which nodes seal their words to each other: one of its own, else the one that signs tokens.
///
/// # Errors
/// The key that signs tokens cannot be read or made.
pub fn node_secrets(config: &Config) -> anyhow::Result<stream::Secrets> {
    let own = match &config.redis.secret {
        Some(secret) => secret.reveal().as_bytes().to_vec(),
        None => secrets::signing_key(config)?,
    };
    let accepted = config.redis.accepted_secret.as_ref().map(|secret| secret.reveal().as_bytes().to_vec());
    Ok(stream::Secrets { own, accepted })
}

/// The pace of messages on Matcha's endpoints.
const MATCHA_PACE: engine::Pace = engine::Pace(1);
/// One connection in so many may wait for a password to be hashed.
const KEPT_FROM_LOG_INS: usize = 8;

/// How fast messages may come from clients of a dialect.
#[must_use]
pub fn pace_of(dialect: Dialect) -> engine::Pace {
    match dialect.paths.beside.unwrap_or(dialect.name) {
        "matcha" => MATCHA_PACE,
        _ => engine::Pace::default(),
    }
}

/// The hosts whose people are let in.
fn hosts(config: &Config) -> Vec<Host> {
    let hosts = config.hosts.with_default(&config.auth).into_iter().filter(|(_, host)| host.secret.is_some());
    hosts.map(|(name, host)| Host { name, creates_users: host.create_users }).collect()
}

/// Which dialects speak the numbers of a host, and how they are made. Where there is no host, and nobody has ever come
/// from it, an old endpoint's clients have registered here, and speak our ids.
///
/// # Errors
/// The store's.
pub async fn numberings(config: &Config, engine: &Engine) -> chat::Result<Vec<(Dialect, Numbering)>> {
    let hosts = config.hosts.with_default(&config.auth);
    let mut found = Vec::new();
    for dialect in Dialect::all() {
        let endpoint = dialect.paths.beside.unwrap_or(dialect.name);
        let of_endpoint = config.endpoint_hosts().into_iter().find(|(name, _)| *name == endpoint);
        let Some((name, host)) = of_endpoint.and_then(|(_, name)| hosts.get_key_value(name)) else { continue };
        if engine.has_people_of(name).await? {
            found.push((dialect, numbering(name, host)));
        }
    }
    Ok(found)
}

/// The client for requests to other servers. It says of itself where this one is.
#[must_use]
pub fn outgoing(config: &Config, public_url: &str) -> Outgoing {
    let user_agent = format!("Palabre/{} (chat server; +{public_url})", env!("CARGO_PKG_VERSION"));
    Outgoing::new(outgoing::OutgoingConfig::new(user_agent, config.outgoing.allow.clone()))
}

/// The bucket in which files are kept, if they are in one.
///
/// # Errors
/// What is wrong with the address of its store.
pub fn bucket(config: &Config) -> anyhow::Result<Option<S3>> {
    let FilesPlace::Bucket { name, prefix } = config.files_place() else { return Ok(None) };
    let s3 = &config.s3;
    let bucket = Bucket {
        path_style: s3.path_style.unwrap_or(s3.endpoint.is_some()),
        endpoint: s3.endpoint.clone(),
        region: s3.region.clone().unwrap_or_else(|| "us-east-1".to_owned()),
        name,
        prefix,
        access_key: s3.access_key.clone().unwrap_or_default(),
        secret_key: s3.secret_key.as_ref().map(|secret| secret.reveal().to_owned()).unwrap_or_default(),
        encryption: s3.encryption.clone(),
        gather: config.data.dir.join("uploads"),
    };
    S3::at(bucket).map(Some).map_err(|why| anyhow::anyhow!("s3.endpoint: {why}"))
}

/// Where files are kept.
///
/// # Errors
/// What is wrong with the address of the store.
pub fn blobs(config: &Config) -> anyhow::Result<Arc<dyn Blobs>> {
    if let FilesPlace::Folder(path) = config.files_place() {
        return Ok(Arc::new(Folder::at(&path)));
    }
    match bucket(config)? {
        Some(s3) => Ok(Arc::new(s3)),
        None => anyhow::bail!("data.files names neither a folder nor a bucket"),
    }
}

/// The token by which nodes that keep files compare their stores: alike on those that have the same one. In a folder
/// the token is made if `make` says so; absent if it is not there, or the folder cannot be read.
#[must_use]
pub fn files_token(config: &Config, make: bool) -> Option<String> {
    let place = config.files_place();
    match &place {
        FilesPlace::Folder(path) => match Folder::at(path).token(make) {
            Ok(token) => token,
            Err(error) => {
                tracing::warn!(%error, folder = %path.display(), "the folder of files cannot be read or written");
                None
            }
        },
        FilesPlace::Bucket { .. } => Some(fingerprint(
            place.to_string().as_bytes(),
            &[config.s3.endpoint.as_deref().unwrap_or("aws").as_bytes()],
        )),
    }
}

/// How the engine is to work. `setup_secret` is the one that makes the first administrator.
///
/// # Errors
/// The key that signs tokens cannot be read or made.
pub fn engine_settings(config: &Config, setup_secret: Option<String>) -> anyhow::Result<Settings> {
    const DAY: i64 = 86_400;
    let own = secrets::signing_key(config)?;
    let mut keys = Keys::new(&own, None);
    for (name, host) in config.hosts.with_default(&config.auth) {
        if let Some(secret) = &host.secret {
            keys = keys.with_host(&name, secret.reveal().as_bytes(), host.audience.as_deref());
        }
    }
    Ok(Settings {
        name: config.server.name.clone(),
        limits: config.limits.clone(),
        // The place in this list is the place in `MATCHA_PACE`.
        paces: vec![(config.limits.matcha_messages_per_minute, config.limits.matcha_messages_per_minute)],
        shared: config.redis.url.is_some(),
        keys: keys.with_url(config.server.public_url.as_deref()),
        access_seconds: config.auth.access_minutes * 60,
        idle_seconds: config.auth.refresh_days * DAY,
        session_seconds: config.auth.refresh_absolute_days * DAY,
        open_registration: config.auth.open_registration,
        hosts: hosts(config),
        waiting_log_ins: descriptors::for_connections(&config.database) / KEPT_FROM_LOG_INS,
        files: Some(Files {
            blobs: blobs(config)?,
            classes: config.data.file_types.clone(),
            scanner: config.data.scanner.clone().map(Scanner::at),
            accept_unscanned: config.data.accept_unscanned,
        }),
        previews: config.previews.enabled,
        push: pushes::pushing(config)?,
        setup_secret,
        asks_further: None,
    })
}
