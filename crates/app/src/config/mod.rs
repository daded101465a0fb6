//! The settings of an operator: one file per section, each with its keys, defaults and checks.
//!
//! [`keys`] is the one table. Reading ([`layers`]), the template, the reference and the report
//! ([`describe`]) all follow it; the names that the replaced systems read from the environment stand
//! in [`old_names`]. Layers, weakest first: defaults, TOML file, environment, flags.

mod auth;
mod chat_server;
mod data;
mod database;
pub mod describe;
mod hosts;
mod key;
pub mod layers;
mod limits;
mod log;
mod old_endpoints;
pub mod old_names;
mod outgoing;
mod previews;
mod push;
mod redis;
mod s3;
mod secret;
mod server;
mod values;
mod web;

#[cfg(test)]
mod tests;

use std::{
    net::{IpAddr, SocketAddr},
    path::Path,
};

pub use auth::Auth;
pub use chat_server::ChatServer;
pub use data::{Data, FilesPlace};
pub use database::{Database, DatabaseUrl};
pub use hosts::{Host, HostKey, Hosts, keys as host_keys, numbering};
pub use key::{Input, Key, Secrecy};
pub(crate) use layers::MOVE_VARIABLE;
pub use layers::{ConfigError, Flags, Loaded, ValueSource, load};
pub use log::{Format, Level, Log};
pub use old_endpoints::OldEndpoint;
pub use outgoing::Outgoing;
pub use previews::Previews;
pub use push::Push;
pub use redis::{Redis, RedisUrl};
pub use s3::ObjectStore;
pub use secret::Secret;
pub use server::{Deployment, Server};
pub use values::Subnet;
pub(crate) use values::seconds;
pub use web::Web;

/// Everything that can be set, in force.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    /// How the server is reached.
    pub server: Server,
    /// Where conversations are kept.
    pub database: Database,
    /// Redis, through which nodes tell each other of changes.
    pub redis: Redis,
    /// Where files are kept.
    pub data: Data,
    /// The store of files, where `data.files` names a bucket.
    pub s3: ObjectStore,
    /// Accounts and sessions.
    pub auth: Auth,
    /// The host applications whose people are let in.
    pub hosts: Hosts,
    /// How much is allowed.
    pub limits: chat::Limits,
    /// The endpoint for clients of the old chat-server.
    pub chat_server: ChatServer,
    /// The endpoint for clients of Dreametrix.
    pub dreametrix: OldEndpoint,
    /// The endpoint for clients of Matcha.
    pub matcha: OldEndpoint,
    /// Requests to other servers.
    pub outgoing: Outgoing,
    /// Previews of links.
    pub previews: Previews,
    /// Being told on one's devices.
    pub push: Push,
    /// The web client.
    pub web: Web,
    /// The log.
    pub log: Log,
}

impl Config {
    /// The defaults, with everything kept in `folder`.
    #[must_use]
    pub fn in_folder(folder: &Path) -> Self {
        Self { data: Data { dir: folder.to_owned(), ..Data::default() }, ..Self::default() }
    }

    /// The database: the configured one, else a SQLite file in the data folder.
    #[must_use]
    pub fn database_url(&self) -> DatabaseUrl {
        self.database.url.clone().unwrap_or_else(|| DatabaseUrl::sqlite_file(&self.data.dir.join("palabre.db")))
    }

    /// Where the files are that messages carry.
    #[must_use]
    pub fn files_place(&self) -> FilesPlace {
        self.data.files.clone().unwrap_or_else(|| FilesPlace::Folder(self.data.dir.join("files")))
    }

    /// The address that people use, without a slash at its end: the configured one, else a guess from
    /// the address that was bound.
    #[must_use]
    pub fn public_url(&self, bound: SocketAddr) -> String {
        if let Some(url) = &self.server.public_url {
            return url.clone();
        }
        let usual = bound.port() == 80;
        let host = match bound.ip().to_canonical() {
            ip if ip.is_loopback() || ip.is_unspecified() => "localhost".to_owned(),
            IpAddr::V4(v4) => v4.to_string(),
            IpAddr::V6(v6) => format!("[{v6}]"),
        };
        if usual { format!("http://{host}") } else { format!("http://{host}:{}", bound.port()) }
    }

    /// Whether the playground is served: as configured, else where somebody works on the server.
    #[must_use]
    pub fn playground(&self) -> bool {
        let development = self.server.environment == Deployment::Development;
        self.web.client && self.web.playground.unwrap_or(development)
    }

    /// The listeners of the old systems' clients: the dialect, the setting, and where, if there is one.
    fn listeners(&self) -> [(&'static str, &'static str, Option<SocketAddr>); 3] {
        [
            ("chat_server", "chat_server.listen", self.chat_server.address()),
            ("dreametrix", "dreametrix.listen", self.dreametrix.listen),
            ("matcha", "matcha.listen", self.matcha.listen),
        ]
    }

    /// Where a dialect of this name has a listener of its own, if it does.
    #[must_use]
    pub fn listener_of(&self, dialect: &str) -> Option<SocketAddr> {
        self.listeners().into_iter().find(|(name, ..)| *name == dialect).and_then(|(.., address)| address)
    }

    /// Origins whose pages may connect to the endpoint of the dialect of this name, besides those of all endpoints.
    #[must_use]
    pub fn origins_of(&self, dialect: &str) -> &[String] {
        match dialect {
            "chat_server" => &self.chat_server.allowed_origins,
            "dreametrix" => &self.dreametrix.allowed_origins,
            "matcha" => &self.matcha.allowed_origins,
            _ => &[],
        }
    }

    /// The old endpoints by the name of their dialect, and the host whose each is.
    #[must_use]
    pub fn endpoint_hosts(&self) -> [(&'static str, &str); 3] {
        [("chat_server", &self.chat_server.host), ("dreametrix", &self.dreametrix.host), ("matcha", &self.matcha.host)]
            .map(|(endpoint, host)| (endpoint, host.as_deref().unwrap_or(chat::identities::DEFAULT_HOST)))
    }

    /// Checks that need more than one key.
    fn check_together(&self) -> Vec<String> {
        let mut problems = self.auth.check();
        problems.extend(self.hosts.check(&self.auth));
        let hosts = self.hosts.with_default(&self.auth);
        for (endpoint, host) in self.endpoint_hosts() {
            if !hosts.contains_key(host) {
                problems.push(format!("{endpoint}.host is {host}, and there is no section [hosts.{host}]"));
            }
        }
        let has_keys = self.s3.access_key.is_some() && self.s3.secret_key.is_some();
        if matches!(self.data.files, Some(FilesPlace::Bucket { .. })) && !has_keys {
            problems.push("data.files names a bucket, and s3.access_key or s3.secret_key is not set".to_owned());
        }
        let mut listeners = vec![("server.listen", self.server.listen)];
        listeners.extend(self.server.metrics_listen.map(|address| ("server.metrics_listen", address)));
        listeners.extend(self.listeners().into_iter().filter_map(|(_, name, address)| Some((name, address?))));
        for (at, (name, address)) in listeners.iter().enumerate() {
            let rival = listeners[..at].iter().find(|(_, other)| other == address && address.port() != 0);
            problems.extend(rival.map(|(other, _)| format!("{name} and {other} are the same address, {address}")));
        }
        problems
    }
}

/// Every key, section by section.
#[must_use]
pub fn keys() -> Vec<Key> {
    [
        server::keys(),
        database::keys(),
        redis::keys(),
        data::keys(),
        s3::keys(),
        auth::keys(),
        limits::keys(),
        chat_server::keys(),
        old_endpoints::keys(),
        outgoing::keys(),
        previews::keys(),
        push::keys(),
        web::keys(),
        log::keys(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The sections' names, and what each is about.
pub const SECTIONS: &[(&str, &str)] = &[
    ("server", "How the server is reached."),
    ("database", "Where conversations are kept."),
    ("redis", "What several nodes tell each other through."),
    ("data", "Where files are kept."),
    ("s3", "The S3-compatible store, where `data.files` names a bucket."),
    ("auth", "Who is let in."),
    ("limits", "How much is allowed. The API tells every client the limits in force."),
    ("chat_server", "The endpoint for clients of the old chat-server: a WebSocket listener of its own, any path."),
    ("dreametrix", "The endpoint for clients of Dreametrix: /ws/chat/ and /chats/ on the common port."),
    ("matcha", "The endpoint for clients of Matcha: /api/v1/chat/ and its gateway's /ws on the common port."),
    ("outgoing", "What may be asked of other servers, for previews of links and the like."),
    ("previews", "Previews of links: what the page behind a link says of itself."),
    ("push", "Being told of messages on one's devices, while no page is open."),
    ("web", "The web client, at `/`."),
    ("log", "What is written about the server's work, on standard error. Never a token, a password or a message."),
];
