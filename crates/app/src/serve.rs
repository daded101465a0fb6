//! Builds every part in the order of a message's journey; stops them in reverse.

use std::{
    collections::BTreeMap,
    io::{self, Write as _},
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, anyhow};
use blobs::Blobs;
use connect::{Bulk, Connections, Endpoint, PublicUrl, Shared, Site, listen, router};
use dialects::{Dialect, ServerInfo, time::Time};
use engine::{AsksFurther, Engine, Pace, Settings};
use store::{Db, Schema, Writer, damage::Checked, lock::Lock};
use stream::Stream;
use subscribers::{Book, Hub, Lookups, Numbers};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};
use workers::Workers;

use crate::{
    alike::{self, About, Watch},
    asker::Asker,
    clock::Compared,
    config::{Config, Deployment},
    descriptors, metrics, parts, secrets,
};

/// Within this time the sockets of a stopping server are told to come back, one after another.
const SPREAD: Duration = Duration::from_secs(5);
/// A database that is away may take this long to come, before the server gives up its start.
const STARTING: Duration = Duration::from_secs(30);
/// Looking for damage may make a start so much longer.
const LOOKING: Duration = Duration::from_millis(700);
/// How often is looked whether the database was moved away.
const LOOK: Duration = Duration::from_millis(500);
/// That this node leaves may take this long to be said.
const LEAVING: Duration = Duration::from_secs(1);
/// The database may take this long to be closed.
const CLOSING: Duration = Duration::from_secs(5);

/// Parts that no configuration sets: trials bring them along.
#[derive(Default)]
pub struct Additions {
    /// Dialects that are served on the common port besides those of the list.
    pub dialects: Vec<Dialect>,
    /// The further proof that is asked of those who log in, besides their password.
    pub asks_further: Option<AsksFurther>,
    /// Where files are kept, in the place of what the configuration names.
    pub blobs: Option<Arc<dyn Blobs>>,
}

/// A server that is running.
pub struct Server {
    /// Where the native endpoint listens.
    pub address: SocketAddr,
    /// Listeners of the old systems' clients, by the dialects' names.
    pub addresses: BTreeMap<&'static str, SocketAddr>,
    /// The address that people use.
    pub public_url: String,
    /// With which the first administrator is made, while there is none.
    pub setup_secret: Option<String>,
    shared: Arc<Shared>,
    /// The engine that the hub asks. It is lent: the hub ends after the writer, and the writer after the
    /// last engine.
    lent: Arc<Engine>,
    db: Db,
    /// Given back last, when nothing of this server uses the database any more.
    _lock: Option<Lock>,
    stop: watch::Sender<bool>,
    listeners: Vec<JoinHandle<()>>,
    writer: JoinHandle<()>,
    hub: JoinHandle<()>,
    workers: Workers,
}

impl Server {
    /// Opens the database and the endpoints.
    ///
    /// # Errors
    /// The reason why it did not start.
    pub async fn start(config: &Config) -> anyhow::Result<Self> {
        Self::start_with(config, Additions::default()).await
    }

    /// The same with something besides what the configuration says.
    ///
    /// # Errors
    /// The reason why it did not start.
    pub async fn start_with(config: &Config, additions: Additions) -> anyhow::Result<Self> {
        descriptors::raise();
        let mut lock = hold(config)?;
        look_for_damage(config).await?;
        let db = reached(config).await?;
        if let Some(why) = store::standby::read_only(&mut *db.read().await?).await? {
            anyhow::bail!("{why}; promote it, or set database.url to the primary server");
        }
        if config.database.auto_migrate {
            db.migrate().await.context("the database cannot be migrated")?;
        }
        if let schema @ Schema::Ahead(_) = db.usable().await.context("this program cannot work on the database")? {
            tracing::warn!("{schema}");
        }
        // Known from here on: the engine has it, and follows when the database becomes another history.
        db.epoch().await.context("the database is not ready")?;
        if let Err(error) = db.settle_room_names().await {
            tracing::warn!(%error, "the names of rooms that an earlier version has made were not looked at");
        }
        match db.settle_names(parts::clock()()).await {
            Ok(settled) if settled.keyed > 0 => tracing::info!(?settled, "the keys of names were made"),
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "not all keys of names were made; the next start goes on"),
        }
        let admins = store::accounts::admins(&mut *db.read().await?).await?;
        let setup_secret = secrets::setup_secret(&config.data.dir, admins > 0)?.map(|s| s.reveal().to_owned());

        let clock = Compared::new(parts::clock());
        compare(&db, &clock).await?;
        if !db.is_sqlite() {
            // Other nodes compare it with theirs.
            let _kept_elsewhere = parts::files_token(config, true);
        }
        let about = About::of(config, db.node())?;
        alike::refuse_unlike(&db, &about, &clock.clock()).await?;
        // Later invalidations are heard from now on; earlier ones are in the rows that will be read.
        let newest_invalidation = store::invalidations::newest(&mut *db.read().await?).await?;
        let (stream, outlet) = Stream::new();
        let (writer, writing) = Writer::start(db.clone(), clock.clock(), outlet);
        let book = Arc::new(Book::default());
        let here = {
            let book = book.clone();
            Arc::new(move |user| book.look_up(user))
        };
        let Additions { dialects, asks_further, blobs } = additions;
        let mut settings = Settings { asks_further, ..parts::engine_settings(config, setup_secret.clone())? };
        if let Some((files, blobs)) = settings.files.as_mut().zip(blobs) {
            files.blobs = blobs;
        }
        let engine = Engine::new(db.clone(), writer, clock.clock(), here, settings);
        let lent = Arc::new(engine.clone());
        let asker = Asker::new(&lent, clock.clone());
        let seal = (parts::node_secrets(config)?, secrets::random_bytes()?);
        let stream = stream.with(asker.others(config, &db, newest_invalidation, seal));
        if !db.is_sqlite() {
            let (engine, db, clock) = (Arc::downgrade(&lent), db.clone(), clock.clock());
            let watch = Watch { engine, db, clock, book: book.clone(), handle: stream.handle(), own: about };
            tokio::spawn(watch.run());
        }
        let asker: Arc<dyn Lookups> = Arc::new(asker);
        let numbers = Arc::new(Numbers::new(asker.clone(), &parts::numberings(config, &engine).await?));
        let (hub, handing_out) = Hub::start(stream, asker, book, numbers.clone(), &config.limits);

        let native = listen::bind(config.server.listen)
            .with_context(|| format!("server.listen: {} cannot be opened", config.server.listen))?;
        let address = native.local_addr()?;
        let shared = Arc::new(shared(config, engine, (hub, numbers), address)?);
        let (stop, stopped) = watch::channel(false);
        let endpoints = Endpoints::new(config, &shared);
        let open = |listener: TcpListener, router, connections: &Arc<Connections>| {
            tokio::spawn(listen::serve(listener, router, shared.clone(), connections.clone(), stopped.clone()))
        };
        let (everybody, operator) = (&shared.connections, &Arc::new(Connections::of_operator()));
        let guests = dialects.into_iter().map(|dialect| endpoints.native.speaking(dialect));
        let on_common_port: Vec<Endpoint> = endpoints.on_common_port().into_iter().chain(guests).collect();
        let common = router::native(endpoints.native.clone(), &on_common_port, config.web.client);
        let mut listeners = vec![open(native, common, everybody)];
        let mut own = |name: &str, wanted: Option<SocketAddr>, router, connections| {
            let Some(wanted) = wanted else { return anyhow::Ok(None) };
            let listener = listen::bind(wanted).with_context(|| format!("{name}: {wanted} cannot be opened"))?;
            let address = listener.local_addr()?;
            listeners.push(open(listener, router, connections));
            Ok(Some(address))
        };
        let mut addresses = BTreeMap::new();
        for (endpoint, wanted) in &endpoints.others {
            let dialect = endpoint.dialect;
            let setting = format!("{}.listen", dialect.name);
            let address = own(&setting, *wanted, router::own(endpoint.clone(), &endpoints.beside(dialect)), everybody)?;
            addresses.extend(address.map(|address| (dialect.name, address)));
        }
        own("server.metrics_listen", config.server.metrics_listen, router::operator(endpoints.native), operator)?;
        let public_url = shared.site.public_url.to_string();
        if let Some(lock) = &mut lock {
            lock.describe(&holder(address));
        }
        let workers = Workers::start(Engine::clone(&lent), parts::outgoing(config, &public_url), public_url.clone());
        Ok(Self {
            _lock: lock,
            address,
            addresses,
            public_url,
            setup_secret,
            shared,
            lent,
            db,
            stop,
            listeners,
            writer: writing,
            hub: handing_out,
            workers,
        })
    }

    /// The part that has ended by itself, which must never be: without it the rest is of no use.
    fn broken(&self) -> Option<&'static str> {
        let parts = [
            ("the writer", self.writer.is_finished()),
            ("the hub", self.hub.is_finished()),
            ("a worker", self.workers.are_broken()),
        ];
        parts.into_iter().find(|(_, has_ended)| *has_ended).map(|(name, _)| name)
    }

    /// Stops: lets nobody in, tells sockets to come back, finishes commits, leaves. Takes at most
    /// about as long as `patience`.
    pub async fn stop(self, patience: Duration) {
        let began = Instant::now();
        self.shared.close_unauthenticated();
        // An error would mean that nobody listens any more.
        let _nobody_listens = self.stop.send(true);
        self.shared.hub.drain(SPREAD).await;
        while self.shared.sockets() > 0 && began.elapsed() < patience {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        for listener in &self.listeners {
            listener.abort();
        }
        self.workers.stop().await;
        if !self.db.is_sqlite() {
            let leaving = self.lent.say_about(String::new());
            // If it cannot be said, its word holds for a few seconds more.
            let _said = tokio::time::timeout(LEAVING, leaving).await;
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

/// Compares this machine's clock with the database's, before anything is dated by it.
async fn compare(db: &Db, clock: &Compared) -> anyhow::Result<()> {
    let mut conn = db.read().await?;
    let begun = Instant::now();
    if let Some(theirs) = store::clock::now(&mut conn).await? {
        clock.compare(begun, theirs);
    }
    Ok(())
}

/// Makes sure that no other server works on the SQLite file.
fn hold(config: &Config) -> anyhow::Result<Option<Lock>> {
    secrets::prepare_folder(&config.data.dir)?;
    Lock::take(config.database_url().reveal(), &holder(config.server.listen))
        .with_context(|| config.database_url().without_password())
}

/// The message to a second server about the first.
fn holder(address: SocketAddr) -> String {
    format!("pid {}, at {address}, since {}", std::process::id(), Time(parts::clock()()))
}

/// Looks whether the SQLite file is damaged, as far as that is possible in [`LOOKING`].
async fn look_for_damage(config: &Config) -> anyhow::Result<()> {
    let url = config.database_url();
    match store::damage::check(url.reveal(), LOOKING).await {
        Ok(Checked::Whole) => Ok(()),
        Ok(Checked::Partly) => {
            tracing::info!("the file is too large to look for damage in all of it now; palabre doctor does");
            Ok(())
        }
        Err(error @ store::Error::Damaged(_)) => Err(error).with_context(|| {
            format!(
                "{}: keep a copy of the folder, move the file and its -wal and -shm away, and restore the last good \
                 backup with `palabre restore`; `palabre doctor` names all that it finds",
                url.without_password()
            )
        }),
        // An error is reported by the one that opens it.
        Err(error) => {
            tracing::debug!(%error, "the file could not be looked at");
            Ok(())
        }
    }
}

/// Opens the database; waits for one that is starting too, as where all of a machine's services start together.
async fn reached(config: &Config) -> anyhow::Result<Db> {
    let began = Instant::now();
    loop {
        match parts::database(config).await {
            Err(error) if began.elapsed() < STARTING && is_away(&error) => {
                tracing::warn!("{error:#}; trying again");
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
            opened => return opened,
        }
    }
}

fn is_away(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(store::Error::Unavailable(_)))
}

/// The ways in.
struct Endpoints {
    native: Endpoint,
    /// Those of the old systems' clients, and where each listens besides the common port.
    others: Vec<(Endpoint, Option<SocketAddr>)>,
}

impl Endpoints {
    fn new(config: &Config, shared: &Arc<Shared>) -> Self {
        let native = Endpoint {
            shared: shared.clone(),
            dialect: Dialect::NATIVE,
            restricts_origins: true,
            origins: Arc::new([]),
            pace: Pace::default(),
        };
        let other = |dialect: Dialect| {
            let section = dialect.paths.beside.unwrap_or(dialect.name);
            let (listen, own) = (config.listener_of(section), config.origins_of(section));
            let speaks_by_cookie = dialect.credentials.cookie.is_some();
            let old = if speaks_by_cookie { old_origins(config, own, listen) } else { Vec::new() };
            let endpoint = Endpoint {
                // Without a cookie, and a list of its own: any page may connect that has a token for the URL. What is
                // allowed at other endpoints shuts nobody out here.
                restricts_origins: speaks_by_cookie || !own.is_empty(),
                origins: own.iter().cloned().chain(old).collect(),
                pace: parts::pace_of(dialect),
                ..native.speaking(dialect)
            };
            (endpoint, listen.filter(|_| dialect.paths.beside.is_none()))
        };
        let others = Dialect::all().filter(|dialect| *dialect != Dialect::NATIVE).map(other).collect();
        Self { native, others }
    }

    /// Those that are served on the common port.
    fn on_common_port(&self) -> Vec<Endpoint> {
        self.others.iter().map(|(endpoint, _)| endpoint.clone()).collect()
    }

    /// Those that are served beside another on its own listener.
    fn beside(&self, dialect: Dialect) -> Vec<Endpoint> {
        let endpoints = self.others.iter().map(|(endpoint, _)| endpoint);
        endpoints.filter(|endpoint| endpoint.dialect.paths.beside == Some(dialect.name)).cloned().collect()
    }
}

/// Origins that an old endpoint has besides the configured ones: its own listener's; and, where somebody works on it
/// and has configured none for it, those that the old systems admitted.
fn old_origins(config: &Config, own: &[String], listen: Option<SocketAddr>) -> Vec<String> {
    let old = config.server.environment == Deployment::Development && own.is_empty();
    let ports = listen.map(|address| address.port()).into_iter().chain(old.then_some(3000)).chain(old.then_some(8000));
    ports.flat_map(pages_of_port).collect()
}

fn shared(
    config: &Config,
    engine: Engine,
    (hub, numbers): (Hub, Arc<Numbers>),
    address: SocketAddr,
) -> anyhow::Result<Shared> {
    let info = ServerInfo {
        name: config.server.name.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        epoch: String::new(),
        limits: config.limits.clone(),
        open_registration: config.auth.open_registration,
        needs_administrator: false,
        playground: config.playground(),
        previews: config.previews.enabled,
        avatar: None,
    };
    let proxies = config.server.trusted_proxies.clone();
    let is_trusted_proxy = Box::new(move |address| proxies.iter().any(|proxy| proxy.contains(address)));
    let handle = metrics::recorder();
    let public_url = config.public_url(address);
    let public_url =
        PublicUrl::parse(&public_url).map_err(|wrong| anyhow!("server.public_url: {public_url} {wrong}"))?;
    Ok(Shared::new(
        engine,
        hub,
        numbers,
        info,
        Site { allowed_origins: origins(config, &public_url, address)?, public_url, is_trusted_proxy },
        Box::new(move || handle.render()),
        config.server.metrics_listen.is_none(),
    )
    .with_bulk(Bulk::start().context("there are no threads for large bodies")?)
    .holding(descriptors::for_connections(&config.database)))
}

/// The origins whose pages may connect, in their normal form: the configured ones, and our own pages'.
fn origins(config: &Config, public_url: &PublicUrl, address: SocketAddr) -> anyhow::Result<Vec<String>> {
    let configured = config.server.allowed_origins.iter().map(|origin| {
        connect::address::origin(origin).map_err(|wrong| anyhow!("server.allowed_origins: {origin} {wrong}"))
    });
    let mut origins = configured.collect::<Result<Vec<_>, _>>()?;
    origins.push(public_url.origin().to_owned());
    if config.server.public_url.is_none() {
        origins.extend(pages_of_port(address.port()));
    }
    Ok(origins)
}

/// Origins of this machine's pages at a port, as browsers write them: without the port that is the usual one.
fn pages_of_port(port: u16) -> [String; 2] {
    let port = if port == 80 { String::new() } else { format!(":{port}") };
    ["localhost", "127.0.0.1"].map(|host| format!("http://{host}{port}"))
}

/// Runs the server until it is told to stop.
///
/// # Errors
/// The reason why it did not start, or did not stop in order.
pub async fn run(config: Config) -> anyhow::Result<()> {
    let _larger_than_allowed = survive_large_files()?;
    let server = Server::start(&config).await?;
    announce(&config, &server);
    let trouble = tokio::select! {
        signal = signalled() => { signal?; None }
        why = trouble(&server, &config) => Some(why),
    };
    tracing::info!("stopping");
    server.stop(Duration::from_secs(config.server.shutdown_seconds)).await;
    trouble.map_or(Ok(()), |why| Err(anyhow::anyhow!(why)))
}

/// Waits until the server is of no use any more. The database may be no server's: it was moved away while we were
/// working on it, and whoever starts us again starts us on the other, if the configuration already names that.
async fn trouble(server: &Server, config: &Config) -> String {
    let mut tick = tokio::time::interval(LOOK);
    loop {
        tick.tick().await;
        if let Some(part) = server.broken() {
            return format!("{part} has ended by itself; the log says why");
        }
        // A database that cannot be asked at the moment has not gone for good.
        if let Ok(lifecycle) = server.db.lifecycle().await
            && let Some(why) = parts::departed(&lifecycle)
        {
            return format!("{}: {why}", config.database_url().without_password());
        }
    }
}

/// Tells the operator where the server is and how to begin. To standard output, where a log is not; that nobody reads it
/// to its end is no reason to stop.
fn announce(config: &Config, server: &Server) {
    tracing::info!(address = %server.address, database = %config.database_url().without_password(), "listening");
    let mut lines = vec![format!("Palabre {} is running at {}", env!("CARGO_PKG_VERSION"), server.public_url)];
    for dialect in Dialect::all() {
        if let Some(address) = server.addresses.get(dialect.name) {
            let path = dialect.paths.sockets.first().unwrap_or(&"/");
            lines.push(format!("Clients of {} connect to ws://{address}{path}", dialect.system));
        }
    }
    if config.server.environment == Deployment::Development {
        lines.push(format!("The API is described at {}/docs", server.public_url));
    }
    if config.web.client && !web::is_built() {
        let missing = "The web client was not built into this program: install Node and npm, and run cargo xtask run";
        lines.push(missing.to_owned());
    }
    if let Some(secret) = &server.setup_secret {
        lines.extend(invitation(config, &server.public_url, secret));
    }
    if let Err(error) = writeln!(io::stdout(), "{}", lines.join("\n")) {
        tracing::debug!(%error, "nobody reads what the server says at its start");
    }
}

/// How the first administrator is made. The last words of the start, so that they are seen.
fn invitation(config: &Config, url: &str, secret: &str) -> Vec<String> {
    let first = "There is no administrator yet.".to_owned();
    if config.web.client && web::is_built() {
        return vec![first, format!("Open {url}/#setup={secret} to make the first administrator.")];
    }
    let request = format!(
        "  curl -H 'content-type: application/json' {url}/v1/accounts \\\n    -d '{{\"username\":\"admin\",\"password\":\"…\",\"setup_secret\":\"{secret}\"}}'"
    );
    vec![first, "Make the first one, once, with this secret:".to_owned(), request]
}

/// A file that may not grow (`LimitFSIZE`, `prlimit --fsize`) is a full disk, and no reason to be killed by SIGXFSZ.
fn survive_large_files() -> anyhow::Result<tokio::signal::unix::Signal> {
    let kind = tokio::signal::unix::SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw());
    tokio::signal::unix::signal(kind).context("SIGXFSZ cannot be listened for")
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
