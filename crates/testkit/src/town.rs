//! A town: a whole server in the test's own process, with a database and ports of its own. With `PALABRE_TEST_REDIS` or
//! `PALABRE_TEST_REDIS_CLUSTER` (and PostgreSQL) it has two nodes, and people connect to the one and the other in turn,
//! so that each story is also tested on several nodes.

use std::{
    collections::BTreeMap,
    fmt,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use app::{
    config::{Config, DatabaseUrl, FilesPlace, RedisUrl, Secret},
    serve::Server,
};
use futures_util::future::join_all;
use jsonwebtoken::{EncodingKey, Header};
use serde_json::{Value, json};

use crate::{
    law,
    person::{Inner, Person, Room, tokens_of},
    rest::{Answer, Rest},
    stranger::{self, Stranger, Wire},
    until::until,
};

/// The password of people whose password does not matter.
const PASSWORD: &str = "the tree in the middle";
/// The secret that a town shares with a host application.
const HOST_SECRET: &str = "between the town and its host: 5f0e8c";

static TOWNS: AtomicU64 = AtomicU64::new(0);

/// The common state of a town and its people.
pub struct Shared {
    pub rest: Rest,
    pub address: SocketAddr,
    /// The nodes that people connect to, in turn.
    pub nodes: Vec<(Rest, SocketAddr)>,
    pub people: Mutex<Vec<Arc<Inner>>>,
    /// Counts client ids, so that no two devices of a person choose the same.
    pub sends: AtomicU64,
    mistakes: Arc<Mutex<Vec<String>>>,
    /// Whether a test has damaged a row: that the log mentions it is no mistake of the server's.
    is_damaged: AtomicBool,
}

impl Shared {
    /// Checks the law for everybody.
    pub async fn law(&self, touched: Option<i64>) {
        let people = self.people.lock().unwrap_or_else(PoisonError::into_inner).clone();
        join_all(people.iter().map(|person| law::holds(person, touched))).await;
        let mistakes = self.mistakes.lock().unwrap_or_else(PoisonError::into_inner);
        let is_damaged = self.is_damaged.load(Ordering::Relaxed);
        let own = |line: &&String| !(is_damaged && line.starts_with("store::unreadable"));
        assert_eq!(mistakes.iter().find(own), None, "the server logged mistakes: {mistakes:?}");
    }
}

/// A server and its users. A test owns its town, which ends with the test.
pub struct Town {
    shared: Arc<Shared>,
    server: Option<Server>,
    second: Option<Server>,
    pub(crate) config: Config,
    setup_secret: Option<String>,
    log: Arc<Mutex<Vec<String>>>,
    _logging: tracing::subscriber::DefaultGuard,
}

impl fmt::Debug for Town {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a town at {}", self.shared.address)
    }
}

impl Town {
    /// A town with the default configuration, except for rate limits: people in tests are quick.
    pub async fn opens() -> Self {
        Self::with(|_| {}).await
    }

    /// A town of a single node, even where others have two: for stories about one node's own metrics and shutdown.
    pub async fn alone() -> Self {
        Self::with(|config| config.redis.url = None).await
    }

    /// A town with a changed configuration.
    ///
    /// # Panics
    /// If it cannot be built.
    pub async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        let unique = format!("town_{}_{}_{now}", std::process::id(), TOWNS.fetch_add(1, Ordering::Relaxed));
        let mut config = Self::ground(&unique).await;
        change(&mut config);
        Self::build(config).await
    }

    /// The configuration of a town with a database of its own.
    async fn ground(unique: &str) -> Config {
        let folder = std::env::temp_dir().join(format!("palabre_{unique}"));
        std::fs::create_dir_all(&folder).expect("a folder");
        let mut config = Config::in_folder(&folder);
        config.server.listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let any_port = Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        config.chat_server.listen = any_port;
        config.dreametrix.listen = any_port;
        config.matcha.listen = any_port;
        config.database.max_connections = 4;
        if let Ok(server) = std::env::var("PALABRE_TEST_POSTGRES") {
            let url = crate::kill::fresh_schema(&server, &format!("palabre_{unique}")).await.expect("a schema");
            config.database.url = Some(DatabaseUrl::parse(&url).expect("the URL of a database"));
            let cluster = std::env::var("PALABRE_TEST_REDIS_CLUSTER");
            config.redis.cluster = cluster.is_ok();
            if let Ok(redis) = cluster.or_else(|_| std::env::var("PALABRE_TEST_REDIS")) {
                config.redis.url = Some(RedisUrl::parse(&redis).expect("the URL of a Redis"));
            }
        }
        if let Ok(endpoint) = std::env::var("PALABRE_TEST_S3") {
            config.data.files = Some(FilesPlace::Bucket { name: "palabre".to_owned(), prefix: unique.to_owned() });
            config.s3.endpoint = Some(endpoint);
            config.s3.access_key = Some("testing".to_owned());
            config.s3.secret_key = Some(Secret::new("testing"));
        }
        let limits = &mut config.limits;
        for rate in [
            &mut limits.messages_per_minute,
            &mut limits.message_burst,
            &mut limits.matcha_messages_per_minute,
            &mut limits.requests_per_minute,
            &mut limits.request_burst,
            &mut limits.registrations_per_hour,
        ] {
            *rate = 1_000_000;
        }
        config
    }

    /// Another server on the same data. The first must have been closed.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn opens_again(&self) -> Self {
        self.opens_again_with(|_| {}).await
    }

    /// The same with other settings.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn opens_again_with(&self, change: impl FnOnce(&mut Config)) -> Self {
        assert!(self.server.is_none(), "two servers cannot share a town");
        let mut config = self.config.clone();
        change(&mut config);
        Self::build(config).await
    }

    async fn build(config: Config) -> Self {
        let mistakes = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::new(Mutex::new(Vec::new()));
        let logging = tracing::subscriber::set_default(Log { mistakes: mistakes.clone(), lines: log.clone() });
        let server = Server::start(&config).await.expect("a server");
        let mut nodes = vec![(Rest::to(server.address), server.address)];
        let second = if config.redis.url.is_some() {
            let second = Server::start(&config).await.expect("a second node");
            nodes.push((Rest::to(second.address), second.address));
            Some(second)
        } else {
            None
        };
        let shared = Shared {
            rest: Rest::to(server.address),
            address: server.address,
            nodes,
            people: Mutex::default(),
            sends: AtomicU64::new(1),
            mistakes,
            is_damaged: AtomicBool::new(false),
        };
        let setup_secret = server.setup_secret.clone();
        Self { shared: Arc::new(shared), server: Some(server), second, config, setup_secret, log, _logging: logging }
    }

    /// A town that accepts the tokens of a host application, and creates its users when they first connect.
    pub async fn with_a_host() -> Self {
        Self::with_a_host_and(|_| {}).await
    }

    /// The same with something else set otherwise.
    pub async fn with_a_host_and(change: impl FnOnce(&mut Config)) -> Self {
        Self::with(|config| {
            config.auth.jwt_secret = Some(Secret::new(HOST_SECRET));
            config.auth.host_create_users = true;
            change(config);
        })
        .await
    }

    /// The address of the common port.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.shared.address
    }

    /// The secret for creating the first administrator.
    #[must_use]
    pub fn setup_secret(&self) -> &str {
        self.setup_secret.as_deref().unwrap_or_default()
    }

    /// The names of everything that is kept where files are, what is still being written included, sorted.
    ///
    /// # Panics
    /// If the store does not answer.
    #[must_use]
    pub fn blobs(&self) -> Vec<PathBuf> {
        match self.config.files_place() {
            FilesPlace::Folder(folder) => files_below(folder),
            FilesPlace::Bucket { .. } => {
                let (bucket, gather) =
                    (app::parts::blobs(&self.config).expect("a store"), self.config.data.dir.join("uploads"));
                // On a thread of its own, so that whoever asks need not wait for it as one waits for a future.
                let listing = std::thread::spawn(move || {
                    let runtime =
                        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
                    runtime.block_on(bucket.list(None, Duration::ZERO, 1_000)).expect("a list")
                });
                let listed = listing.join().expect("a list").into_iter().map(|id| PathBuf::from(id.to_string()));
                let mut found: Vec<PathBuf> = listed.chain(files_below(gather)).collect();
                found.sort();
                found
            }
        }
    }

    /// Waits until so many files are kept.
    ///
    /// # Panics
    /// If there are others after a minute.
    pub async fn keeps(&self, count: usize) {
        until(async || {
            let blobs = self.blobs();
            if blobs.len() == count { Ok(()) } else { Err(blobs) }
        })
        .await;
    }

    /// Begins another history of the database, as an operator does beside the running servers.
    pub async fn begins_another_history(&self) {
        let url = self.config.database_url().reveal().to_owned();
        let options = store::Options { url, readers: 1, connect_timeout: Duration::from_secs(10) };
        let db = store::Db::open(&options).await.expect("the town's database");
        db.renew_epoch("a test has asked for it", app::parts::clock()()).await.expect("a new epoch");
        db.close().await;
    }

    /// Writes a false head of a room into the database, beside the running servers.
    pub async fn has_a_damaged_head(&self, room: &Room, head: i64) {
        let url = self.config.database_url().reveal().to_owned();
        let options = store::Options { url, readers: 1, connect_timeout: Duration::from_secs(10) };
        self.shared.is_damaged.store(true, Ordering::Relaxed);
        let db = store::Db::open(&options).await.expect("the town's database");
        db.damage_head_for_tests(room.id, head).await.expect("another head");
        db.close().await;
    }

    /// Stops the server in order, as SIGTERM does, once all due jobs are done. None may have been given up.
    ///
    /// # Panics
    /// If jobs are left.
    pub async fn closes(&mut self) {
        self.has_done_all_jobs().await;
        for server in self.server.take().into_iter().chain(self.second.take()) {
            server.stop(Duration::from_secs(10)).await;
        }
    }

    /// Waits until no job is due.
    async fn has_done_all_jobs(&self) {
        let url = self.config.database_url().reveal().to_owned();
        let options = store::Options { url, readers: 1, connect_timeout: Duration::from_secs(10) };
        let db = store::Db::open(&options).await.expect("the town's database");
        until(async || {
            let mut conn = db.read().await.expect("a connection");
            let (_, given_up) = store::jobs::counts(&mut conn).await.expect("the jobs");
            assert_eq!(given_up, 0, "jobs were given up");
            let due = store::jobs::overdue(&mut conn, app::parts::clock()()).await.expect("the jobs");
            if due == 0 { Ok(()) } else { Err(format!("{due} jobs are due and not done")) }
        })
        .await;
        db.close().await;
    }

    /// A person who registers and connects.
    ///
    /// # Panics
    /// If they are refused.
    pub async fn person(&self, name: &str) -> Person {
        let person = self.absent(name).await;
        person.comes().await;
        person
    }

    /// A person who registers and does not connect yet.
    ///
    /// # Panics
    /// If they are refused.
    pub async fn absent(&self, name: &str) -> Person {
        self.registers(json!({"username": name, "password": PASSWORD})).await
    }

    /// The first administrator, connected.
    ///
    /// # Panics
    /// If there is one already.
    pub async fn admin(&self, name: &str) -> Person {
        let secret = self.setup_secret();
        let person = self.registers(json!({"username": name, "password": PASSWORD, "setup_secret": secret})).await;
        person.comes().await;
        person
    }

    /// Two people, connected.
    pub async fn two(&self, one: &str, other: &str) -> (Person, Person) {
        (self.person(one).await, self.person(other).await)
    }

    async fn registers(&self, registration: Value) -> Person {
        let tokens = self.request("POST", "/v1/accounts", registration.clone()).await.granted();
        let name = registration["username"].as_str().unwrap_or_default();
        let id = tokens["user"]["id"].as_i64().expect("an id");
        Person::new(self.shared.clone(), name, PASSWORD, id, tokens_of(&tokens))
    }

    /// A person with a host application's token.
    ///
    /// # Panics
    /// If they are refused.
    pub async fn sent_by_host(&self, token: &str) -> Person {
        let account = self.shared.rest.ask("GET", "/v1/users/me", Some(token), &Value::Null).await.granted();
        let tokens = tokens_of(&json!({"access_token": token}));
        let name = account["username"].as_str().unwrap_or_default();
        let id = account["id"].as_i64().expect("an id");
        let person = Person::new(self.shared.clone(), name, PASSWORD, id, tokens);
        person.comes().await;
        person
    }

    /// A request without a token.
    pub async fn request(&self, method: &str, path: &str, body: Value) -> Answer {
        self.shared.rest.ask(method, path, None, &body).await
    }

    /// A client for requests after which the law is not checked.
    #[must_use]
    pub fn rest(&self) -> &Rest {
        &self.shared.rest
    }

    /// Such a client for each node.
    pub fn rests(&self) -> impl Iterator<Item = &Rest> {
        self.shared.nodes.iter().map(|(rest, _)| rest)
    }

    /// Tries to log in.
    pub async fn logs_in(&self, name: &str, password: &str) -> Answer {
        self.request("POST", "/v1/sessions", json!({"username": name, "password": password})).await
    }

    /// A socket of the native protocol that has sent nothing.
    ///
    /// # Panics
    /// If it cannot be opened.
    pub async fn stranger(&self) -> Stranger {
        self.stranger_with(&[]).await
    }

    /// The same with headers in the handshake.
    ///
    /// # Panics
    /// If it cannot be opened.
    pub async fn stranger_with(&self, headers: &[(&str, &str)]) -> Stranger {
        Stranger::new(stranger::connect(self.shared.address, "/v1/ws", headers).await.expect("a socket"))
    }

    /// The status with which a socket of the native protocol is refused.
    ///
    /// # Panics
    /// If it is accepted.
    pub async fn turned_away(&self, headers: &[(&str, &str)]) -> u16 {
        let (status, head) = self.handshake(headers).await;
        assert_ne!(status, 101, "let in: {head}");
        status
    }

    /// A socket at the level of bytes.
    pub async fn wire(&self) -> Wire {
        Wire::connect(self.shared.address).await
    }

    /// All lines that the server has logged so far, of every level.
    #[must_use]
    pub fn log(&self) -> Vec<String> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A socket of the old chat-server's protocol, at any path.
    ///
    /// # Errors
    /// The reason why it cannot be opened.
    pub async fn old_client(&self, path: &str, headers: &[(&str, &str)]) -> Result<Stranger, String> {
        let socket = stranger::connect(self.chat_server(), path, headers).await;
        socket.map(Stranger::new).map_err(|error| error.to_string())
    }

    fn listener_of(&self, dialect: &str) -> SocketAddr {
        let address = self.server.as_ref().and_then(|server| server.addresses.get(dialect).copied());
        address.unwrap_or_else(|| panic!("{dialect} has no listener"))
    }

    /// The listener of the old chat-server's clients.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    pub fn chat_server(&self) -> SocketAddr {
        self.listener_of("chat_server")
    }

    /// The same of the last node: where there are two, what is said at the one is told by the other.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    pub fn last_chat_server(&self) -> SocketAddr {
        let second = self.second.as_ref().map(|node| node.addresses["chat_server"]);
        second.unwrap_or_else(|| self.chat_server())
    }

    /// The listener of Dreametrix' clients.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    pub fn dreametrix(&self) -> SocketAddr {
        self.listener_of("dreametrix")
    }

    /// The listener of Matcha's clients.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    pub fn matcha(&self) -> SocketAddr {
        self.listener_of("matcha")
    }

    /// A socket at an old endpoint: a listener, a path and headers.
    ///
    /// # Errors
    /// The reason why it cannot be opened.
    pub async fn socket_at(
        &self,
        endpoint: SocketAddr,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Result<Stranger, String> {
        stranger::connect(endpoint, path, headers).await.map(Stranger::new).map_err(|error| error.to_string())
    }

    /// A handshake at an old endpoint; returns the status and the head of the answer.
    pub async fn handshake_at(&self, endpoint: SocketAddr, path: &str, headers: &[(&str, &str)]) -> (u16, String) {
        stranger::shake_hands(endpoint, path, headers).await
    }

    /// A handshake at the native endpoint; returns the status and the head of the answer.
    pub async fn handshake(&self, headers: &[(&str, &str)]) -> (u16, String) {
        stranger::shake_hands(self.shared.address, "/v1/ws", headers).await
    }

    /// A handshake at the old chat-server's endpoint.
    pub async fn old_handshake(&self, path: &str, headers: &[(&str, &str)]) -> (u16, String) {
        stranger::shake_hands(self.chat_server(), path, headers).await
    }

    /// The metrics: from name and labels to value.
    pub async fn figures(&self) -> BTreeMap<String, f64> {
        let text = self.request("GET", "/metrics", Value::Null).await.text;
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        lines.filter_map(|line| line.rsplit_once(' ')).filter_map(|(k, v)| Some((k.into(), v.parse().ok()?))).collect()
    }
}

impl Drop for Town {
    fn drop(&mut self) {
        // Files that the server still holds open keep their space on the disk until the test ends.
        let _in_use = std::fs::remove_dir_all(&self.config.data.dir);
    }
}

/// A host application's token.
#[must_use]
pub fn host_token(claims: &Value) -> String {
    host_token_signed(claims, HOST_SECRET)
}

/// A token of the same form, signed with another secret.
#[must_use]
pub fn host_token_signed(claims: &Value, secret: &str) -> String {
    let key = EncodingKey::from_secret(secret.as_bytes());
    jsonwebtoken::encode(&Header::default(), claims, &key).expect("a token")
}

/// Seconds since 1970.
#[must_use]
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// Keeps the server's log. No test may cause a line that the server logs as its own mistake.
struct Log {
    mistakes: Arc<Mutex<Vec<String>>>,
    lines: Arc<Mutex<Vec<String>>>,
}

/// The crates whose log lines are kept.
const PARTS: [&str; 9] =
    ["palabre", "connect", "dialects", "engine", "store", "stream", "subscribers", "chat", "workers"];

/// A log line that is being put together.
struct Words(String);

impl tracing::field::Visit for Words {
    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn fmt::Debug) {
        self.0.push_str(&format!(" {field}={value:?}"));
    }
}

impl Log {
    fn keep(&self, level: tracing::Level, line: String) {
        if level == tracing::Level::ERROR {
            self.mistakes.lock().unwrap_or_else(PoisonError::into_inner).push(line.clone());
        }
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }
}

impl tracing::Subscriber for Log {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        let part = metadata.target().split("::").next().unwrap_or_default();
        *metadata.level() == tracing::Level::ERROR || PARTS.contains(&part)
    }

    fn new_span(&self, span: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        let mut words = Words(span.metadata().name().to_owned());
        span.record(&mut words);
        self.keep(tracing::Level::TRACE, words.0);
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, values: &tracing::span::Record<'_>) {
        let mut words = Words(String::new());
        values.record(&mut words);
        self.keep(tracing::Level::TRACE, words.0);
    }

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        let mut words = Words(event.metadata().target().to_owned());
        event.record(&mut words);
        self.keep(*event.metadata().level(), words.0);
    }

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}

/// The paths of all files below a folder but for its token, sorted.
fn files_below(folder: PathBuf) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![folder]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.path().is_dir() { folders.push(entry.path()) } else { found.push(entry.path()) }
        }
    }
    found.retain(|path| !path.ends_with("token"));
    found.sort();
    found
}
