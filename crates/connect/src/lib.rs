//! Listeners, HTTP and WebSocket, authentication, the life of a connection. Only this crate knows axum.
//!
//! Read it in this order: [`listen`] accepts, [`router`] finds the handler, [`authenticate`] verifies credentials,
//! [`socket`] reads and [`writer`] writes, [`steps`] executes what a dialect asks for; `rest` does the same for a
//! request; `ops` is for the operator, `pages` serves the web client.

pub mod address;
pub mod below;
pub mod listen;
pub mod router;

pub use bulk::Bulk;
pub use connections::{Bounds, Connections};

mod authenticate;
mod body;
mod bulk;
mod connections;
mod files;
mod forwarded;
mod handshake;
mod headers;
mod http;
mod incoming;
mod missed;
mod numbers;
mod ops;
mod pages;
mod peer;
mod rest;
mod socket;
mod steps;
mod transfer;
mod writer;

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
    },
};

use chat::{ConnectionId, Limits, accounts::Speaker, network::Network};
use dialects::{AllStatistics, Dialect, ServerInfo, Statistics};
use engine::{Engine, Pace};
use subscribers::{CloseReason, Hub, Numbers, Outbox};

pub use address::{PublicUrl, Site};

/// The state that all endpoints share.
pub struct Shared {
    /// Executes commands and queries.
    pub engine: Engine,
    /// Delivers events to connections.
    pub hub: Hub,
    /// The numbers that hosts give to people, at the old endpoints.
    pub numbers: Arc<Numbers>,
    /// The description of this server, without the parts that change while it runs.
    pub info: ServerInfo,
    /// The server's place on the web, and the origins that may connect.
    pub site: Site,
    /// The metrics in Prometheus' text format.
    pub metrics: Box<dyn Fn() -> String + Send + Sync>,
    /// Whether metrics are served on the common port.
    pub metrics_here: bool,
    /// Set when the server is stopping: no new client is admitted.
    pub draining: AtomicBool,
    /// All connections.
    pub connections: Arc<Connections>,
    /// The threads of connections that carry a large body.
    pub(crate) bulk: Bulk,
    missed: missed::Missed,
    counters: Counters,
    began: std::time::Instant,
}

#[derive(Default)]
struct Counters {
    connection: AtomicU64,
    sockets: AtomicI64,
    unauthenticated: Mutex<HashMap<Network, i64>>,
    /// Sockets that the hub does not know yet, so that it cannot close them.
    unknown: Mutex<HashMap<ConnectionId, Arc<Outbox>>>,
}

impl Shared {
    /// The shared state, with empty counters and caches.
    #[must_use]
    pub fn new(
        engine: Engine,
        hub: Hub,
        numbers: Arc<Numbers>,
        info: ServerInfo,
        site: Site,
        metrics: Box<dyn Fn() -> String + Send + Sync>,
        metrics_here: bool,
    ) -> Self {
        let bounds = Bounds::new(&info.limits, usize::MAX);
        Self {
            engine,
            hub,
            numbers,
            info,
            site,
            metrics,
            metrics_here,
            draining: AtomicBool::new(false),
            connections: Arc::new(Connections::new(bounds)),
            bulk: Bulk::default(),
            missed: missed::Missed::default(),
            counters: Counters::default(),
            began: std::time::Instant::now(),
        }
    }

    /// The same, for a system that can hold this number of connections.
    #[must_use]
    pub fn holding(self, connections: usize) -> Self {
        let bounds = Bounds::new(self.limits(), connections);
        Self { connections: Arc::new(Connections::new(bounds)), ..self }
    }

    /// The same, with threads for connections that carry a large body.
    #[must_use]
    pub fn with_bulk(self, bulk: Bulk) -> Self {
        Self { bulk, ..self }
    }

    /// The number of open sockets, authenticated or not.
    #[must_use]
    pub fn sockets(&self) -> i64 {
        self.counters.sockets.load(Ordering::Relaxed)
    }

    /// Closes the unauthenticated sockets with a request to reconnect, now and from now on.
    pub fn close_unauthenticated(&self) {
        self.draining.store(true, Ordering::Relaxed);
        for (_, outbox) in self.unknown().drain() {
            outbox.end(CloseReason::Restart(0));
        }
    }

    /// Keeps a socket until the hub knows it. While the server is stopping, it is closed at once.
    pub(crate) fn note_unknown(&self, connection: ConnectionId, outbox: &Arc<Outbox>) {
        self.unknown().insert(connection, outbox.clone());
        if self.draining.load(Ordering::Relaxed) {
            outbox.end(CloseReason::Restart(0));
        }
    }

    pub(crate) fn is_known(&self, connection: ConnectionId) {
        self.unknown().remove(&connection);
    }

    fn unknown(&self) -> std::sync::MutexGuard<'_, HashMap<ConnectionId, Arc<Outbox>>> {
        self.counters.unknown.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// The description of this server, as it is now.
    ///
    /// # Errors
    /// The store's errors.
    pub(crate) async fn server(&self) -> chat::Result<ServerInfo> {
        let needs_administrator = self.engine.needs_administrator().await?;
        let avatar = self.engine.server_avatar().await?;
        Ok(ServerInfo { needs_administrator, avatar, ..self.info_of(self.engine.epoch().id) })
    }

    /// The description of this server in this epoch.
    pub(crate) fn info_of(&self, epoch: String) -> ServerInfo {
        ServerInfo { epoch, ..self.info.clone() }
    }

    /// The server's statistics for administrators.
    ///
    /// # Errors
    /// `forbidden` for all others; the store's errors.
    pub(crate) async fn all_statistics(&self, speaker: &Speaker) -> chat::Result<AllStatistics> {
        let kept = self.engine.statistics(speaker).await?;
        Ok(AllStatistics {
            connections: self.hub.connections(),
            people_here: self.hub.people(),
            deliveries: self.hub.deliveries(),
            uptime_seconds: self.uptime_seconds(),
            version: self.info.version.clone(),
            kept,
        })
    }

    fn uptime_seconds(&self) -> i64 {
        i64::try_from(self.began.elapsed().as_secs()).unwrap_or(i64::MAX)
    }

    /// The server's public statistics.
    ///
    /// # Errors
    /// The store's errors.
    pub(crate) async fn statistics(&self) -> chat::Result<Statistics> {
        let (messages, conversations, active_at) = self.engine.totals().await?;
        Ok(Statistics {
            connections: self.hub.connections(),
            people_here: self.hub.people(),
            messages,
            conversations,
            uptime_seconds: self.uptime_seconds(),
            active_at,
        })
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.info.limits
    }

    pub(crate) fn next_connection(&self) -> ConnectionId {
        let id = self.counters.connection.fetch_add(1, Ordering::Relaxed) + 1;
        ConnectionId(i64::try_from(id).unwrap_or(i64::MAX))
    }

    /// Counts an unauthenticated socket; false if its address has too many.
    pub(crate) fn admit_unauthenticated(&self, address: IpAddr) -> bool {
        let mut unauthenticated =
            self.counters.unauthenticated.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let count = unauthenticated.entry(Network::of(address)).or_insert(0);
        if *count >= self.limits().unauthenticated_per_address {
            return false;
        }
        *count += 1;
        true
    }

    pub(crate) fn forget_unauthenticated(&self, address: IpAddr) {
        let mut unauthenticated =
            self.counters.unauthenticated.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let network = Network::of(address);
        if let Some(count) = unauthenticated.get_mut(&network) {
            *count -= 1;
            if *count <= 0 {
                unauthenticated.remove(&network);
            }
        }
    }
}

/// An endpoint: what a listener serves.
#[derive(Clone)]
pub struct Endpoint {
    /// The state that all endpoints share.
    pub shared: Arc<Shared>,
    /// The dialect of its sockets.
    pub dialect: Dialect,
    /// Whether only pages of the allowed origins may connect.
    pub restricts_origins: bool,
    /// Origins whose pages may connect here, besides those of all endpoints, in normal form.
    pub origins: Arc<[String]>,
    /// How fast messages may come through it.
    pub pace: Pace,
}

impl Endpoint {
    /// The same endpoint for clients of another dialect.
    #[must_use]
    pub fn speaking(&self, dialect: Dialect) -> Self {
        Self { dialect, ..self.clone() }
    }
}
