//! Builds every part in the order of a message's journey; stops them in reverse.

use std::{
    net::SocketAddr,
    sync::{Arc, Weak, atomic::Ordering},
    time::{Duration, Instant},
};

use anyhow::Context as _;
use chat::{Error, ErrorCode};
use connect::{Door, Shared, listen, router};
use dialects::{Dialect, ServerInfo};
use engine::Engine;
use store::{Db, Writer};
use stream::Stream;
use subscribers::{Book, Hub, Lookups};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

use crate::{
    config::{Config, Deployment},
    metrics, parts, secrets,
};

/// Within this time the sockets of a stopping server are told to come back, one after another.
const SPREAD: Duration = Duration::from_secs(5);
/// The database may take this long to be closed.
const CLOSING: Duration = Duration::from_secs(5);

/// A server that is running.
pub struct Server {
    /// Where the native door listens.
    pub address: SocketAddr,
    /// Where the door of chat-server's clients listens, if it is open.
    pub chat_server_address: Option<SocketAddr>,
    /// The address that people use.
    pub public_url: String,
    /// With which the first administrator is made, while there is none.
    pub setup_secret: Option<String>,
    shared: Arc<Shared>,
    /// The engine that the hub asks. It is lent: the hub ends after the writer, and the writer after the
    /// last engine.
    lent: Arc<Engine>,
    db: Db,
    stop: watch::Sender<bool>,
    listeners: Vec<JoinHandle<()>>,
    writer: JoinHandle<()>,
}

impl Server {
    /// Opens the database and the doors.
    ///
    /// # Errors
    /// What kept it from starting.
    pub async fn start(config: &Config) -> anyhow::Result<Self> {
        let db = parts::database(config).await?;
        if config.database.auto_migrate {
            db.migrate().await.context("the database cannot be migrated")?;
        }
        let epoch = db.epoch().await.context("the database is not ready; run `palabre migrate`")?;
        let admins = store::accounts::admins(&mut db.read().await?).await?;
        let setup_secret = secrets::setup_secret(&config.data.dir, admins > 0)?.map(|s| s.reveal().to_owned());

        let (stream, outlet) = Stream::new();
        let (writer, writing) = Writer::start(db.clone(), parts::clock(), outlet);
        let book = Arc::new(Book::default());
        let here = {
            let book = book.clone();
            Arc::new(move |user| book.look_up(user))
        };
        let settings = parts::engine_settings(config, setup_secret.clone())?;
        let engine = Engine::new(db.clone(), writer, parts::clock(), here, settings);
        let lent = Arc::new(engine.clone());
        let (hub, _) = Hub::start(stream, lookups(&lent), book, &config.limits);

        let native = listen::bind(config.server.listen)
            .with_context(|| format!("server.listen: {} cannot be opened", config.server.listen))?;
        let address = native.local_addr()?;
        let shared = Arc::new(shared(config, engine, hub, epoch, address));
        let (stop, stopped) = watch::channel(false);
        let door = |dialect| Door {
            shared: shared.clone(),
            dialect,
            restricts_origins: !config.server.allowed_origins.is_empty(),
        };
        let open = |listener: TcpListener, router| tokio::spawn(listen::serve(listener, router, stopped.clone()));
        let mut listeners = vec![open(native, router::native(door(Dialect::Native)))];
        let mut chat_server_address = None;
        if let Some(wanted) = config.chat_server.address() {
            let listener =
                listen::bind(wanted).with_context(|| format!("chat_server.listen: {wanted} cannot be opened"))?;
            chat_server_address = Some(listener.local_addr()?);
            listeners.push(open(listener, router::chat_server(door(Dialect::ChatServer))));
        }
        if let Some(wanted) = config.server.metrics_listen {
            let listener =
                listen::bind(wanted).with_context(|| format!("server.metrics_listen: {wanted} cannot be opened"))?;
            listeners.push(open(listener, router::operator(door(Dialect::Native))));
        }
        let public_url = config.public_url(address);
        Ok(Self {
            address,
            chat_server_address,
            public_url,
            setup_secret,
            shared,
            lent,
            db,
            stop,
            listeners,
            writer: writing,
        })
    }

    /// Stops: lets nobody in, tells sockets to come back, finishes commits, leaves. Takes at most
    /// about as long as `patience`.
    pub async fn stop(self, patience: Duration) {
        let began = Instant::now();
        self.shared.draining.store(true, Ordering::Relaxed);
        // An error would mean that nobody listens any more.
        let _nobody_listens = self.stop.send(true);
        self.shared.hub.drain(SPREAD).await;
        while self.shared.sockets() > 0 && began.elapsed() < patience {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        for listener in &self.listeners {
            listener.abort();
        }
        drop((self.shared, self.lent));
        // The writer ends when the last request has let go of it and all it accepted is committed.
        let left = patience.saturating_sub(began.elapsed()).max(Duration::from_secs(1));
        if tokio::time::timeout(left, self.writer).await.is_err() {
            tracing::warn!("requests were still running when the time to stop was over");
        }
        if tokio::time::timeout(CLOSING, self.db.close()).await.is_err() {
            tracing::warn!("the database was still in use when the server left");
        }
    }
}

fn lookups(engine: &Arc<Engine>) -> Lookups {
    let (for_belongings, for_gone) = (Arc::downgrade(engine), Arc::downgrade(engine));
    Lookups {
        belongings: Box::new(move |user| {
            let engine = Weak::upgrade(&for_belongings);
            Box::pin(async move {
                match engine {
                    Some(engine) => engine.belongings(user).await,
                    None => Err(Error::new(ErrorCode::Unavailable, "The server is stopping.")),
                }
            })
        }),
        gone: Box::new(move |users| {
            let Some(engine) = Weak::upgrade(&for_gone) else { return };
            tokio::spawn(async move {
                if let Err(error) = engine.note_last_seen(users).await {
                    tracing::debug!(%error, "when people were last seen could not be noted");
                }
            });
        }),
        clock: parts::clock(),
    }
}

fn shared(config: &Config, engine: Engine, hub: Hub, epoch: String, address: SocketAddr) -> Shared {
    let info = ServerInfo {
        name: config.server.name.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        epoch,
        limits: config.limits.clone(),
    };
    let proxies = config.server.trusted_proxies.clone();
    let is_trusted_proxy = Box::new(move |address| proxies.iter().any(|proxy| proxy.contains(address)));
    let handle = metrics::recorder();
    Shared::new(
        engine,
        hub,
        info,
        origins(config, address),
        is_trusted_proxy,
        Box::new(move || handle.render()),
        config.server.metrics_listen.is_none(),
    )
}

/// The origins whose pages may connect: the configured ones, and our own pages'.
fn origins(config: &Config, address: SocketAddr) -> Vec<String> {
    let mut origins = config.server.allowed_origins.clone();
    origins.push(config.public_url(address));
    if config.server.public_url.is_none() {
        origins
            .extend([format!("http://localhost:{}", address.port()), format!("http://127.0.0.1:{}", address.port())]);
    }
    origins
}

/// Runs the server until it is told to stop.
///
/// # Errors
/// What kept it from starting or from stopping in order.
pub async fn run(config: Config) -> anyhow::Result<()> {
    let server = Server::start(&config).await?;
    announce(&config, &server);
    signalled().await?;
    tracing::info!("stopping");
    server.stop(Duration::from_secs(config.server.shutdown_seconds)).await;
    Ok(())
}

/// Tells the operator where the server is and how to begin. To standard output, where a log is not.
fn announce(config: &Config, server: &Server) {
    tracing::info!(address = %server.address, database = %config.database_url().without_password(), "listening");
    println!("Palabre {} is running at {}", env!("CARGO_PKG_VERSION"), server.public_url);
    if let Some(address) = server.chat_server_address {
        println!("chat-server's clients connect to ws://{address}/");
    }
    if config.server.environment == Deployment::Development {
        println!("The API is described at {}/docs", server.public_url);
    }
    if let Some(secret) = &server.setup_secret {
        println!("There is no administrator yet. Make the first one, once, with this secret:");
        println!("  {}/#setup={secret}", server.public_url);
        println!(
            "  curl -H 'content-type: application/json' {}/v1/accounts \\\n    -d '{{\"username\":\"admin\",\"password\":\"…\",\"setup_secret\":\"{secret}\"}}'",
            server.public_url
        );
    }
}

/// Waits for SIGTERM or Ctrl-C.
async fn signalled() -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).context("SIGTERM cannot be listened for")?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted.context("Ctrl-C cannot be listened for")?,
        _ = terminate.recv() => {}
    }
    Ok(())
}
