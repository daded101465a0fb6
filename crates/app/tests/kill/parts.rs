//! Whoever was told that a part of their upload has come finds it after their server was killed between any two steps:
//! a part written, its row written, the whole put together and in its place, its row written, the parts removed; sent,
//! given up, deleted. What was begun goes on; what nobody needs is swept; no row is without its bytes.
//!
//! The server is this program once more, in a process of its own, and its store of files ends it at the step.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use blobs::{Blobs as _, Folder};
use chat::{FileId, Millis, presence};
use palabre::{
    config::{Config, DatabaseUrl},
    parts,
    serve::{Additions, Server},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::{
    Db, Writer,
    jobs::{self, Kind},
};
use testkit::{Answer, Breaking, Goes, Rest};

/// What the environment tells a server that is to die, as JSON.
const ORDER: &str = "PALABRE_TEST_DIES";
const PASSWORD: &str = "a long talk under a tree";
const UPLOADS: &str = "/v1/files/uploads";
const PATIENCE: Duration = Duration::from_secs(60);
/// Servers that die at the same time.
const AT_ONCE: usize = 4;

/// A server that dies.
#[derive(Clone, Serialize, Deserialize)]
struct Order {
    folder: PathBuf,
    database_url: Option<String>,
    /// The step of the store of files at which it dies.
    step: usize,
    /// Whether that step is still done.
    is_done: bool,
}

impl Order {
    fn config(&self) -> Config {
        let mut config = Config::in_folder(&self.folder);
        config.server.listen = "127.0.0.1:0".parse().unwrap();
        config.chat_server.listen = None;
        config.database.url = self.database_url.as_deref().map(|url| DatabaseUrl::parse(url).unwrap());
        config
    }

    fn files(&self) -> Folder {
        Folder::at(&self.folder.join("files"))
    }

    /// Where the server says at which address it is.
    fn address(&self) -> PathBuf {
        self.folder.join("address")
    }

    /// Is that server, until it dies or is killed.
    async fn serves(&self) {
        // With a deliberate fault the judge must find something.
        #[cfg(debug_assertions)]
        palabre::choose_mutant().unwrap();
        let store = Breaking::at(&self.folder.join("files"), self.step, self.is_done, Goes::Process);
        let additions = Additions { blobs: Some(Arc::new(store)), ..Additions::default() };
        let server = Server::start_with(&self.config(), additions).await.unwrap();
        let aside = self.folder.join("address.new");
        std::fs::write(&aside, server.address.to_string()).unwrap();
        std::fs::rename(&aside, self.address()).unwrap();
        std::future::pending::<()>().await;
    }
}

/// A server in a process of its own.
struct Dying(Child);

impl Dying {
    async fn starts(order: &Order, test: &str) -> (Self, Rest) {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args([test, "--exact"]).env(ORDER, serde_json::to_string(order).unwrap());
        let mut dying = Self(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
        let begun = Instant::now();
        loop {
            if let Ok(address) = std::fs::read_to_string(order.address()) {
                return (dying, Rest::to(address.parse().unwrap()));
            }
            assert!(!dying.is_dead() && begun.elapsed() < PATIENCE, "step {}: it does not start", order.step);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn is_dead(&mut self) -> bool {
        self.0.try_wait().unwrap().is_some()
    }
}

impl Drop for Dying {
    fn drop(&mut self) {
        let _dead = self.0.kill();
        let _dead = self.0.wait();
    }
}

/// What somebody has asked of the server, and what they were told.
#[derive(Default)]
struct Told {
    token: String,
    room: String,
    /// The path of an upload that becomes a file and is sent, and how many of its bytes have come.
    upload: Option<String>,
    come: usize,
    sent: Option<Value>,
    is_deletion_asked: bool,
    is_deleted: bool,
    /// The path of another, which is given up, and how many of its bytes have come.
    other: Option<String>,
    others_come: usize,
    is_giving_up_asked: bool,
    is_given_up: bool,
}

fn bytes() -> Vec<u8> {
    (0..300_000).map(|at: u32| b'a' + u8::try_from(at % 23).unwrap()).collect()
}

/// Goes on with an upload.
async fn goes_on(rest: &Rest, token: &str, path: &str, from: usize, to: usize) -> Option<Answer> {
    let from_text = from.to_string();
    let headers = [
        ("tus-resumable", "1.0.0"),
        ("content-type", "application/offset+octet-stream"),
        ("upload-offset", &from_text),
    ];
    rest.tries_bytes(("PATCH", path), token, &headers, bytes()[from..to].to_vec()).await
}

/// How many bytes of an upload have come; nothing if there is none.
async fn looks(rest: &Rest, token: &str, path: &str) -> Option<usize> {
    let answer = rest.ask_with("HEAD", path, Some(token), &Value::Null, &[("tus-resumable", "1.0.0")]).await;
    assert!(matches!(answer.status, 200 | 404), "{}", answer.status);
    answer.header("upload-offset").map(|offset| offset.parse().unwrap())
}

fn id_of(path: &str) -> FileId {
    FileId::parse(path.rsplit('/').next().unwrap()).unwrap()
}

fn message(path: &str) -> Value {
    json!({"text": "", "files": [path.rsplit('/').next()], "client_id": "one"})
}

impl Told {
    async fn begins(&self, rest: &Rest) -> Option<String> {
        let headers = [
            ("tus-resumable", "1.0.0"),
            ("upload-length", "300000"),
            // "a.txt"
            ("upload-metadata", "filename YS50eHQ="),
        ];
        let answer = rest.tries_bytes(("POST", UPLOADS), &self.token, &headers, Vec::new()).await?;
        assert_eq!(answer.status, 201, "{}", answer.text);
        let place = answer.header("location")?;
        Some(place[place.find(UPLOADS)?..].to_owned())
    }

    async fn asks(&self, rest: &Rest, method: &str, path: &str, body: &Value) -> Option<Value> {
        let headers = [("content-type", "application/json"), ("tus-resumable", "1.0.0")];
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let answer =
            rest.tries_bytes((method, path), &self.token, &headers[usize::from(body.is_null())..], text).await?;
        Some(answer.granted())
    }

    /// Uploads, sends, gives up and deletes; ends where no answer comes. After each thing its job is waited for, so that
    /// the steps of all runs are the same.
    async fn lives(&mut self, rest: &Rest, (order, server): (&Order, &mut Dying)) -> Option<()> {
        let path = self.begins(rest).await?;
        self.upload = Some(path.clone());
        for (from, to) in [(0, 150_000), (150_000, 300_000)] {
            let answer = goes_on(rest, &self.token, &path, from, to).await?;
            assert_eq!((answer.status, answer.header("upload-offset")), (204, Some(to.to_string().as_str())));
            self.come = to;
        }
        // The whole is there, and its parts are not.
        keeps(order, server, 1).await?;
        let messages = format!("{}/messages", self.room);
        self.sent = Some(self.asks(rest, "POST", &messages, &message(&path)).await?);
        let other = self.begins(rest).await?;
        self.other = Some(other.clone());
        goes_on(rest, &self.token, &other, 0, 100_000).await?.granted();
        self.others_come = 100_000;
        self.is_giving_up_asked = true;
        self.asks(rest, "DELETE", &other, &Value::Null).await?;
        self.is_given_up = true;
        keeps(order, server, 1).await?;
        self.is_deletion_asked = true;
        let seq = self.sent.as_ref().map(|sent| sent["seq"].clone())?;
        self.asks(rest, "DELETE", &format!("{messages}/{seq}"), &Value::Null).await?;
        self.is_deleted = true;
        keeps(order, server, 0).await
    }

    /// What was acknowledged is there, what was under way goes on, and what is no more stays gone.
    async fn judges(&self, rest: &Rest, what: &str) {
        if let Some(path) = &self.upload {
            self.judges_upload(rest, path, what).await;
        }
        if let Some(path) = &self.other {
            let come = looks(rest, &self.token, path).await;
            assert!(come.is_some() || self.is_giving_up_asked, "{what}: an upload is gone");
            assert!(come.is_none() || !self.is_given_up, "{what}: what was given up is there again");
            assert!(come.is_none_or(|come| come >= self.others_come), "{what}: {come:?} of {}", self.others_come);
            if come.is_some() {
                self.asks(rest, "DELETE", path, &Value::Null).await;
            }
        }
    }

    async fn judges_upload(&self, rest: &Rest, path: &str, what: &str) {
        let file = path.replace("/uploads/", "/");
        let read = async || rest.bytes(&file, &self.token, &[]).await;
        let Some(come) = looks(rest, &self.token, path).await else {
            assert!(self.is_deletion_asked, "{what}: the upload is gone");
            assert_eq!(read().await.0.status, 404);
            return;
        };
        assert!(!self.is_deleted && come >= self.come, "{what}: {come} of {}", self.come);
        if come < 300_000 {
            assert_eq!(read().await.0.status, 404, "{what}: half of it can be read");
            goes_on(rest, &self.token, path, come, 300_000).await.unwrap().granted();
        }
        assert!(read().await.1 == bytes(), "{what}: other bytes than were sent");
        // A send that is repeated is the same message.
        let place = format!("{}/messages", self.room);
        let sent = self.asks(rest, "POST", &place, &message(path)).await.unwrap();
        assert!(self.sent.as_ref().is_none_or(|before| before["seq"] == sent["seq"]), "{what}: it was sent twice");
        let history = self.asks(rest, "GET", &place, &Value::Null).await.unwrap();
        let messages = history["messages"].as_array().unwrap();
        assert_eq!(messages.len(), 1, "{what}: {history}");
        assert!(read().await.1 == bytes(), "{what}: its message has no file");
    }
}

/// Waits until so many blobs are kept; nothing once the server is dead.
async fn keeps(order: &Order, server: &mut Dying, count: usize) -> Option<()> {
    let begun = Instant::now();
    loop {
        if server.is_dead() {
            return None;
        }
        let kept = order.files().list(None, Duration::ZERO, 100).await.unwrap();
        if kept.len() == count {
            return Some(());
        }
        assert!(begun.elapsed() < PATIENCE, "step {}: {kept:?} instead of {count}", order.step);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// No row of the database is without its bytes.
async fn is_whole(db: &Db, order: &Order, told: &Told, what: &str) {
    let (folder, mut conn) = (order.files(), db.read().await.unwrap());
    for row in store::files::page(&mut conn, 0, 100).await.unwrap() {
        assert_eq!(folder.size_of(row.file.id).ok(), u64::try_from(row.file.size).ok(), "{what}: a file has no bytes");
    }
    for path in told.upload.iter().chain(&told.other) {
        let Some(upload) = store::uploads::by_id(&mut conn, id_of(path)).await.unwrap() else { continue };
        let parts = store::uploads::parts(&mut conn, upload.number).await.unwrap();
        // Of one that is over its parts are being removed.
        if upload.gone_at.is_none() {
            assert_eq!(parts.iter().map(|part| part.size).sum::<i64>(), upload.received, "{what}: a part is missing");
            let kept = |part: &store::uploads::Part| folder.size_of(part.id).ok() == u64::try_from(part.size).ok();
            assert!(parts.iter().all(kept), "{what}: a part has no bytes");
        }
    }
}

/// A node beside the server.
async fn node(order: &Order) -> (engine::Engine, Writer) {
    let config = order.config();
    let db = parts::database(&config).await.unwrap();
    let (outlet, _batches) = tokio::sync::mpsc::channel(1);
    let (writer, _task) = Writer::start(db.clone(), parts::clock(), outlet);
    let here = Arc::new(|_| presence::Seen { presence: presence::Presence::Offline, last_seen_at: None });
    let settings = parts::engine_settings(&config, None).unwrap();
    let engine = engine::Engine::new(db, writer.clone(), parts::clock(), here, settings);
    (engine, writer)
}

/// Two sweeps, for which everything is old enough.
async fn is_swept(engine: &engine::Engine) {
    for _ in 0..2 {
        engine.sweep_files(Duration::ZERO).await.unwrap();
    }
}

/// The jobs that the dead server had claimed are due now, and not when its lease is over.
async fn are_due(writer: &Writer, told: &Told) {
    let ids: Vec<FileId> = told.upload.iter().chain(&told.other).map(|path| id_of(path)).collect();
    let work = writer.change(&[], None, move |unit| {
        Box::pin(async move {
            for id in ids {
                let upload = store::uploads::by_id(&mut unit.conn, id).await?;
                if let Some(upload) = upload.filter(|upload| upload.gone_at.is_some()) {
                    jobs::add(&mut unit.conn, Kind::Upload, upload.number, unit.now).await?;
                }
                let file = store::files::by_id(&mut unit.conn, id).await?;
                if let Some(file) = file.filter(|file| file.gone_at.is_some()) {
                    jobs::add(&mut unit.conn, Kind::File, file.number, unit.now).await?;
                }
            }
            Ok(())
        })
    });
    work.await.unwrap();
}

/// All jobs that are due within an hour are done.
async fn is_tended(db: &Db, what: &str) {
    let soon = Millis(parts::clock()().0 + 3_600_000);
    let begun = Instant::now();
    while store::jobs::overdue(&mut db.read().await.unwrap(), soon).await.unwrap() > 0 {
        assert!(begun.elapsed() < PATIENCE, "{what}: jobs are left");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Lives until the server dies at this step, and judges with the next one. Whether it died.
async fn dies_at(order: Order, test: &'static str) -> bool {
    let what = format!("killed {} step {}", if order.is_done { "after" } else { "before" }, order.step);
    let (mut server, rest) = Dying::starts(&order, test).await;
    let account = json!({"username": "ann", "password": PASSWORD});
    let tokens = rest.ask("POST", "/v1/accounts", None, &account).await.granted();
    let token = tokens["access_token"].as_str().unwrap().to_owned();
    let room = json!({"kind": "room", "name": "garden"});
    let room = rest.ask("POST", "/v1/conversations", Some(&token), &room).await.granted()["id"].clone();
    let mut told = Told { token, room: format!("/v1/conversations/{room}"), ..Told::default() };
    let has_died = told.lives(&rest, (&order, &mut server)).await.is_none();
    drop(server);

    let config = order.config();
    let options = store::Options {
        url: config.database_url().reveal().to_owned(),
        readers: 1,
        connect_timeout: Duration::from_secs(10),
    };
    let db = Db::open(&options).await.unwrap();
    is_whole(&db, &order, &told, &what).await;
    let server = Server::start(&config).await.unwrap();
    let (engine, writer) = node(&order).await;
    // A sweep takes nothing that is needed.
    is_swept(&engine).await;
    are_due(&writer, &told).await;
    let rest = Rest::to(server.address);
    told.judges(&rest, &what).await;
    is_whole(&db, &order, &told, &what).await;
    is_tended(&db, &what).await;
    is_swept(&engine).await;
    let left = order.files().list(None, Duration::ZERO, 100).await.unwrap();
    let needed = usize::from(told.upload.is_some() && !told.is_deletion_asked);
    assert!(left.len() == needed || told.is_deletion_asked && left.len() <= 1, "{what}: {left:?}");
    let unfinished = std::fs::read_dir(order.folder.join("files/unfinished")).map_or(0, Iterator::count);
    assert_eq!(unfinished, 0, "{what}: half a blob is left");
    server.stop(Duration::from_secs(5)).await;
    db.close().await;
    std::fs::remove_dir_all(&order.folder).unwrap();
    has_died
}

/// Kills a server before and after each step, until there are no more.
async fn dies_everywhere(test: &'static str, place: &Path, database_url: impl AsyncFn(&str) -> Option<String>) {
    let order = async |step: usize, is_done: bool| {
        let name = format!("{step}_{is_done}");
        let folder = place.join(&name);
        let _none = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        Order { folder, database_url: database_url(&name).await, step, is_done }
    };
    let mut steps = 0;
    'all: for wave in 0.. {
        let mut orders = Vec::new();
        for nth in 0..AT_ONCE {
            orders.push(order(1 + (wave * AT_ONCE + nth) / 2, nth % 2 == 1).await);
        }
        for has_died in futures_util::future::join_all(orders.into_iter().map(|order| dies_at(order, test))).await {
            if !has_died {
                break 'all;
            }
            steps += 1;
        }
        assert!(wave < 100, "it never comes to its end");
    }
    println!("{steps} deaths");
    assert!(steps > 30, "{steps} deaths: a server that dies at once, or never, proves nothing");
    std::fs::remove_dir_all(place).unwrap();
}

fn order() -> Option<Order> {
    std::env::var(ORDER).ok().map(|order| serde_json::from_str(&order).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_in_parts_goes_on_wherever_its_server_was_killed() {
    if let Some(order) = order() {
        return order.serves().await;
    }
    let place = std::env::temp_dir().join(format!("palabre-parts-{}", std::process::id()));
    dies_everywhere("parts::an_upload_in_parts_goes_on_wherever_its_server_was_killed", &place, async |_| None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_in_parts_goes_on_wherever_its_server_was_killed_on_postgres() {
    if let Some(order) = order() {
        return order.serves().await;
    }
    let Ok(server) = std::env::var("PALABRE_TEST_POSTGRES") else {
        return println!("PALABRE_TEST_POSTGRES names no database; `cargo xtask check` always names one");
    };
    let place = std::env::temp_dir().join(format!("palabre-parts-postgres-{}", std::process::id()));
    let schema = async |name: &str| {
        let schema = format!("palabre_parts_{}_{name}", std::process::id());
        Some(testkit::kill::fresh_schema(&server, &schema).await.expect("a fresh schema"))
    };
    dies_everywhere("parts::an_upload_in_parts_goes_on_wherever_its_server_was_killed_on_postgres", &place, schema)
        .await;
}
