//! Answers and bodies of a dialect besides JSON: pages, redirects and cookies, bodies that are taken piece by piece,
//! and a visit that is asked for more than a password. No dialect of the product does all of it yet: this one is the
//! test's own, and the server is given it as a value.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use chat::{
    Error, Query, Reply, Visit,
    sessions::{Challenge, Visited},
};
use dialects::{
    Credentials, Dialect, Paths, Step, Translator,
    rest::{Call, Cookie, Desk, Matched, Misrouted, Request, RestAnswer, Takes},
};
use palabre::{
    config::Config,
    serve::{Additions, Server},
};
use serde_json::json;
use testkit::{Answer, Rest};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

const HTML: &str = "text/html; charset=utf-8";
const PASSWORD: &str = "the tree in the middle";
const UPLOAD: u64 = 100 << 20;
/// The bytes that the systems of both sides may hold of a connection, with room to spare.
const ON_THE_WAY: u64 = 24 << 20;

/// The bytes that uploads are made of.
static CHUNK: [u8; 64 << 10] = [1; 64 << 10];

/// Bytes of uploads that the dialect has been given.
static TAKEN: AtomicU64 = AtomicU64::new(0);

static TRIAL: Translator = Translator {
    name: "trial",
    system: "a trial",
    credentials: Credentials { cookie: Some("trial"), in_query: false, ..Translator::SILENT.credentials },
    paths: Paths { sockets: &[], requests: &["/trial/{*rest}"], beside: None },
    route,
    ..Translator::SILENT
};

fn route(method: &str, path: &str) -> Result<Matched, Misrouted> {
    let (path, needs_speaker, takes, read): (_, _, _, fn(&Request<'_>, Desk) -> Step) = match (method, path) {
        ("GET", "/trial/enter") => ("/trial/enter", false, Takes::Whole, enter),
        ("GET", "/trial/home") => ("/trial/home", true, Takes::Whole, |_, desk| home(desk)),
        ("GET", "/trial/broken") => ("/trial/broken", false, Takes::Whole, |_, desk| {
            desk.end(Ok(RestAnswer::see_other("/\r\nset-cookie: a=b")))
        }),
        ("PUT", "/trial/file") => {
            ("/trial/file", false, Takes::Pieces { most: UPLOAD }, |_, desk| take(Upload::default(), desk))
        }
        _ => return Err(Misrouted { error: Error::not_found("path"), allow: Vec::new() }),
    };
    let read = move |request: &Request<'_>| {
        let (desk, pending) = Desk::new();
        Ok(Call { step: read(request, desk), pending })
    };
    Ok(Matched { path, needs_speaker, files_cookie: None, linked: None, takes, always: &[], read: Box::new(read) })
}

/// Logs in the person whom the query names: they are sent on with a cookie, or get a page that asks them for more.
fn enter(request: &Request<'_>, desk: Desk) -> Step {
    let secure = request.base.starts_with("https:");
    let visit = Visit::LogIn { name: request.query.to_owned(), password: PASSWORD.to_owned() };
    let answer = move |visited| match visited {
        Visited::In(tokens) => {
            let value = tokens.access_token.as_str();
            let cookie = Cookie { name: "trial", value, path: "/trial/", lasts: Some(60), secure };
            RestAnswer::see_other("/trial/home").with_cookie(&cookie)
        }
        Visited::Challenge(Challenge { asks_for, token }) => {
            RestAnswer::of(401, HTML, format!("<form><input name={asks_for}><input name=token value={token}></form>"))
        }
    };
    Step::Visit(visit, Box::new(move |visited| desk.end(visited.map(answer))))
}

/// A page with the name of whoever has the cookie.
fn home(desk: Desk) -> Step {
    Step::Ask(
        Query::Me,
        Box::new(move |reply| {
            desk.end(match reply {
                Ok(Reply::Account(me)) => Ok(RestAnswer::of(200, HTML, format!("<h1>{}</h1>", me.username))),
                Ok(_) => Err(Error::internal()),
                Err(error) => Err(error),
            })
        }),
    )
}

#[derive(Default)]
struct Upload {
    bytes: u64,
    largest: usize,
    is_spoilt: bool,
}

/// Takes an upload piece by piece and tells what it was.
fn take(upload: Upload, desk: Desk) -> Step {
    Step::Piece(Box::new(move |piece| match piece {
        Ok(Some(piece)) => {
            TAKEN.fetch_add(piece.len() as u64, Ordering::Relaxed);
            let is_spoilt = upload.is_spoilt || !CHUNK.starts_with(&piece);
            let largest = upload.largest.max(piece.len());
            take(Upload { bytes: upload.bytes + piece.len() as u64, largest, is_spoilt }, desk)
        }
        Ok(None) => {
            let Upload { bytes, largest, is_spoilt } = upload;
            let told = json!({"bytes": bytes, "largest": largest, "is_spoilt": is_spoilt});
            desk.end(Ok(RestAnswer::json(200, told.to_string())))
        }
        Err(error) => desk.end(Err(error)),
    }))
}

/// A server with the trial's dialect, which asks everybody for more whose name ends in `2`.
async fn serves() -> (Server, Rest, tempfile::Folder) {
    let folder = tempfile::Folder::new();
    let mut config = Config::in_folder(folder.path());
    config.server.listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    config.chat_server.listen = Some(config.server.listen);
    let asks_further = |account: &chat::accounts::Account| {
        let challenge = Challenge { asks_for: "totp".to_owned(), token: format!("of-{}", account.username) };
        account.username.ends_with('2').then_some(challenge)
    };
    let additions = Additions {
        dialects: Dialect::of_requests(&TRIAL).into_iter().collect(),
        asks_further: Some(Arc::new(asks_further)),
        ..Additions::default()
    };
    let server = Server::start_with(&config, additions).await.expect("a server");
    let rest = Rest::to(server.address);
    (server, rest, folder)
}

/// A folder that goes with its test.
mod tempfile {
    use std::{
        path::{Path, PathBuf},
        sync::atomic::{AtomicU64, Ordering},
    };

    static COUNT: AtomicU64 = AtomicU64::new(0);

    pub(super) struct Folder(PathBuf);

    impl Folder {
        pub(super) fn new() -> Self {
            let unique = format!("palabre_answers_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
            let folder = std::env::temp_dir().join(unique);
            std::fs::create_dir_all(&folder).expect("a folder");
            Self(folder)
        }

        pub(super) fn path(&self) -> &Path {
            &self.0
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _gone = std::fs::remove_dir_all(&self.0);
        }
    }
}

async fn get(rest: &Rest, path: &str, headers: &[(&str, &str)]) -> Answer {
    rest.ask_with("GET", path, None, &json!(null), headers).await
}

async fn registers(rest: &Rest, name: &str) -> Answer {
    rest.ask("POST", "/v1/accounts", None, &json!({"username": name, "password": PASSWORD})).await
}

/// Asks as a browser that does not follow: the status and the head of the answer.
async fn head_of(address: SocketAddr, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    (answer.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status"), answer)
}

#[tokio::test]
async fn a_dialect_redirects_gives_a_cookie_and_shows_a_page_to_whoever_brings_it() {
    let (server, rest, _folder) = serves().await;
    registers(&rest, "ann").await.granted();
    let (status, head) = head_of(server.address, "/trial/enter?ann").await;
    assert_eq!(status, 303, "{head}");
    assert!(head.contains("location: /trial/home\r\n"), "{head}");
    let cookie = head.lines().find_map(|line| line.strip_prefix("set-cookie: ")).expect("a cookie");
    let (pair, rules) = cookie.split_once(';').expect("its rules");
    assert_eq!(rules, " Path=/trial/; HttpOnly; SameSite=Lax; Max-Age=60");
    let page = get(&rest, "/trial/home", &[("cookie", pair)]).await;
    assert_eq!((page.status, page.header("content-type"), &*page.text), (200, Some(HTML), "<h1>ann</h1>"));
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"), "it is dressed as all answers are");
    assert_eq!(get(&rest, "/trial/home", &[]).await.status, 401);
    // An answer that HTTP cannot express is refused, and no header becomes two.
    let (status, head) = head_of(server.address, "/trial/broken").await;
    assert_eq!(status, 500, "{head}");
    assert!(!head.contains("a=b"), "{head}");
    server.stop(Duration::from_secs(10)).await;
}

#[tokio::test]
async fn a_visit_that_is_asked_for_more_has_no_session_until_then() {
    let (server, rest, _folder) = serves().await;
    // Our own dialect and the old ones cannot ask for it yet: they refuse, and say why.
    let refused = registers(&rest, "bob2").await.refused(403, "forbidden");
    assert!(refused["detail"].as_str().is_some_and(|detail| detail.contains("more than a password")), "{refused}");
    let log_in = json!({"username": "bob2", "password": PASSWORD});
    rest.ask("POST", "/v1/sessions", None, &log_in).await.refused(403, "forbidden");
    let old = Rest::to(server.addresses["chat_server"]);
    let log_in = json!({"email": "bob2", "password": PASSWORD});
    let old = old.ask("POST", "/api/v1/auth/login", None, &log_in).await;
    assert_eq!(old.status, 403, "{}", old.text);
    let asked = get(&rest, "/trial/enter?bob2", &[]).await;
    assert_eq!((asked.status, asked.header("content-type"), asked.header("set-cookie")), (401, Some(HTML), None));
    assert_eq!(asked.text, "<form><input name=totp><input name=token value=of-bob2></form>");
    // A wrong password is a wrong password, whoever is asked for more.
    let wrong = json!({"username": "bob2", "password": "the tree in the muddle"});
    rest.ask("POST", "/v1/sessions", None, &wrong).await.refused(401, "bad_credentials");
    server.stop(Duration::from_secs(10)).await;
}

#[tokio::test]
async fn an_upload_of_a_hundred_megabytes_is_taken_as_it_comes() {
    let (server, _, _folder) = serves().await;
    let before = TAKEN.load(Ordering::Relaxed);
    let mut stream = TcpStream::connect(server.address).await.expect("a connection");
    let head = format!("PUT /trial/file HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: {UPLOAD}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.expect("a head");
    let mut written = 0;
    while written < UPLOAD {
        stream.write_all(&CHUNK).await.expect("a chunk");
        written += CHUNK.len() as u64;
        let taken = TAKEN.load(Ordering::Relaxed) - before;
        assert!(written - taken <= ON_THE_WAY, "{written} bytes were written, and the dialect has {taken}");
    }
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    let body: serde_json::Value = serde_json::from_str(answer.lines().last().unwrap_or_default()).expect("JSON");
    assert_eq!((body["bytes"].as_u64(), &body["is_spoilt"]), (Some(UPLOAD), &json!(false)), "{answer}");
    assert!(body["largest"].as_u64().is_some_and(|largest| largest <= 64 << 10), "a piece is small: {answer}");
    server.stop(Duration::from_secs(10)).await;
}

#[tokio::test]
async fn an_upload_that_is_too_large_is_refused_before_it_comes() {
    let (server, _, _folder) = serves().await;
    let mut stream = TcpStream::connect(server.address).await.expect("a connection");
    let head = format!(
        "PUT /trial/file HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: {}\r\n\r\n",
        UPLOAD + 1
    );
    stream.write_all(head.as_bytes()).await.expect("a head");
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.expect("an answer");
    assert_eq!(&answer, b"HTTP/1.1 413");
    server.stop(Duration::from_secs(10)).await;
}
