//! The server with a full disk, with a damaged file, and with a folder that another server has.

use std::{
    fs,
    io::{Seek as _, SeekFrom, Write as _},
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use testkit::{
    Rest,
    process::{Process, Setup},
};

use crate::beside::{Folder, doctor, server};

const PASSWORD: &str = "a bench under 3 old trees";

/// A server that goes on when its files may not grow, as it does on a full disk.
async fn bounded(folder: &Folder) -> Process {
    let environment = [
        ("PALABRE_LIMITS__MESSAGES_PER_MINUTE", "1000000"),
        ("PALABRE_LIMITS__MESSAGE_BURST", "1000000"),
        ("PALABRE_LIMITS__REQUEST_BURST", "1000000"),
    ];
    let setup = Setup {
        binary: env!("CARGO_BIN_EXE_palabre").into(),
        data: folder.data(),
        database_url: None,
        environment: environment.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
        wrapper: Vec::new(),
    };
    Process::start(setup).await.expect("the server starts")
}

/// Lets the server's files grow to so many bytes from now on.
fn may_grow(server: &Process, bytes: &str) {
    let pid = server.id().expect("it runs").to_string();
    let limit = format!("--fsize={bytes}:unlimited");
    let status = Command::new("prlimit").args(["--pid", &pid, &limit]).status().expect("prlimit");
    assert!(status.success(), "{status}");
}

async fn ready(rest: &Rest) -> (u16, Value) {
    let answer = rest.ask("GET", "/ready", None, &json!(null)).await;
    (answer.status, answer.body)
}

#[tokio::test]
async fn a_full_disk_is_told_as_such_and_is_over_when_there_is_room_again() {
    let folder = Folder::new("full");
    let server = bounded(&folder).await;
    let rest = Rest::to(server.address());
    let account = json!({"username": "ann", "password": PASSWORD});
    let token = rest.ask("POST", "/v1/accounts", None, &account).await.granted()["access_token"].clone();
    let token = token.as_str().expect("a token");
    let ask = async |method: &str, path: &str, body: Value| rest.ask(method, path, Some(token), &body).await;
    let room = ask("POST", "/v1/conversations", json!({"kind": "room", "name": "garden"})).await.granted();
    let path = format!("/v1/conversations/{}", room["id"]);
    let messages = format!("{path}/messages");
    let first = ask("POST", &messages, json!({"text": "before"})).await.granted();
    assert_eq!(ready(&rest).await.0, 200);

    may_grow(&server, "700000");
    let (mut stored, mut refused) = (1, 0);
    for turn in 0..2_000 {
        let answer = ask("POST", &messages, json!({"text": format!("{turn} {}", "x".repeat(1_900))})).await;
        match answer.status {
            200 | 201 => stored += 1,
            _ => {
                answer.refused(507, "storage_full");
                refused += 1;
                if refused == 20 {
                    break;
                }
            }
        }
    }
    assert_eq!(refused, 20, "the files could not grow");
    // Something small may find room still where something large does not: whoever spreads the load is told of that.
    for _ in 0..30 {
        let (status, body) = ready(&rest).await;
        assert!(status == 503 && body["reason"].as_str().unwrap().contains("no room"), "{status} {body}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(!folder.data().join("palabre.db-room").exists(), "what was tried is gone");
    // The space that is left is enough for something small, and the log's beginning is written anew: no byte is left.
    may_grow(&server, "1");
    // Every kind of write says the same, and so does the server to whoever spreads the load.
    let edit = format!("{messages}/{}", first["seq"]);
    let large = "y".repeat(1_900);
    for (method, path, body) in [
        ("PATCH", edit.as_str(), json!({"text": large})),
        ("PUT", &format!("{edit}/reactions/%F0%9F%91%8D"), json!(null)),
        ("PATCH", &path, json!({"topic": "plants"})),
        ("POST", "/v1/conversations", json!({"kind": "room", "name": "kitchen"})),
        ("PATCH", "/v1/users/me", json!({"display_name": "Ann"})),
        ("PUT", &format!("{path}/read"), json!({"seq": first["seq"].as_i64().unwrap() + 1})),
        ("POST", "/v1/accounts", json!({"username": "bob", "password": PASSWORD})),
        ("POST", "/v1/sessions", account.clone()),
    ] {
        ask(method, path, body).await.refused(507, "storage_full");
    }
    let (status, body) = ready(&rest).await;
    assert!(status == 503 && body["reason"].as_str().unwrap().contains("no room"), "{status} {body}");
    // Reading goes on.
    let page = ask("GET", &format!("{messages}?limit=200"), json!(null)).await.granted();
    assert!(!page["messages"].as_array().unwrap().is_empty());

    may_grow(&server, "unlimited");
    let begin = Instant::now();
    while ready(&rest).await.0 != 200 {
        assert!(begin.elapsed() < Duration::from_secs(20), "it does not recover");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let last = ask("POST", &messages, json!({"text": "after"})).await.granted();
    // Refused messages are not there: every number is a message that was acknowledged.
    assert_eq!(last["seq"].as_i64().unwrap(), first["seq"].as_i64().unwrap() + stored);
}

#[tokio::test]
async fn a_second_server_on_one_file_is_refused_and_told_by_whom_it_is_held() {
    let folder = Folder::new("second");
    let first = server(&folder, &[]).await;
    let link = folder.0.join("link");
    std::os::unix::fs::symlink(folder.data(), &link).expect("a link");
    let other = folder.0.join("other");
    let file = format!("sqlite:{}", link.join("palabre.db").display());
    let serve = |data: &Path, more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_palabre"));
        command.env_clear().args(["serve", "--listen", "127.0.0.1:0", "--data-dir"]).arg(data).args(more);
        command.output().expect("started")
    };
    for output in [serve(&folder.data(), &[]), serve(&link, &[]), serve(&other, &["--database-url", &file])] {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let pid = first.id().expect("it runs");
        assert!(!output.status.success(), "{said}");
        for words in [format!("pid {pid}"), first.address().to_string(), "since 20".to_owned()] {
            assert!(said.contains(&words), "{words}: {said}");
        }
    }
    assert_eq!(ready(&Rest::to(first.address())).await.0, 200, "the first goes on");
    // The kernel takes it back, however the first ended.
    drop(first);
    let again = server(&folder, &[]).await;
    assert_eq!(ready(&Rest::to(again.address())).await.0, 200);
}

#[tokio::test]
async fn a_damaged_page_is_noticed_at_the_start() {
    let folder = Folder::new("damaged");
    let mut running = server(&folder, &[]).await;
    running.stop(Duration::from_secs(20)).await.expect("it stops");
    let file = folder.data().join("palabre.db");
    let size = fs::metadata(&file).expect("the file").len();
    let whole = fs::read(&file).expect("the file");
    for page in [1, size / 4096 / 2] {
        let mut open = fs::OpenOptions::new().write(true).open(&file).expect("the file");
        open.seek(SeekFrom::Start(page * 4096)).expect("seek");
        open.write_all(&[0xa5; 4096]).expect("write");
        drop(open);
        let output = Command::new(env!("CARGO_BIN_EXE_palabre"))
            .env_clear()
            .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(folder.data())
            .output()
            .expect("started");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success(), "page {page}: {said}");
        assert!(said.contains("damaged") && said.contains("palabre restore"), "page {page}: {said}");
        doctor(&folder.data(), &[]).has_problem(&["database:"]);
        fs::write(&file, &whole).expect("mended");
    }
    running.restart().await.expect("whole it starts");
}
