//! A server that is told to stop says so to its sockets, finishes, and leaves; also while people are connected.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use futures_util::{SinkExt as _, StreamExt as _};
use tokio_websockets::{ClientBuilder, CloseCode, Message};

/// Far less than the patience of a server whose requests do not end.
const SOON: Duration = Duration::from_secs(10);

fn ended(child: &mut Child) -> Option<bool> {
    let until = Instant::now() + SOON;
    while Instant::now() < until {
        if let Some(status) = child.try_wait().expect("the server can be waited for") {
            return Some(status.success());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().expect("the server can be killed");
    None
}

#[tokio::test]
async fn a_server_that_is_told_to_stop_says_goodbye_and_leaves() {
    let data = std::env::temp_dir().join(format!("palabre-stop-{}", std::process::id()));
    let mut server = Command::new(env!("CARGO_BIN_EXE_palabre"))
        .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
        .arg(&data)
        .env_clear()
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the server starts");
    let mut lines = BufReader::new(server.stdout.take().expect("it has an output")).lines();
    let first = lines.next().expect("it says something").expect("which is text");
    let port = first.rsplit_once(':').expect("it tells its address").1.to_owned();

    let token = Command::new(env!("CARGO_BIN_EXE_palabre"))
        .args(["user", "add", "ann", "--data-dir"])
        .arg(&data)
        .env_clear()
        .status()
        .and_then(|_| {
            let mut token = Command::new(env!("CARGO_BIN_EXE_palabre"));
            token.args(["user", "token", "ann", "--data-dir"]).arg(&data).env_clear().output()
        })
        .expect("the operator can make a token");
    let token = String::from_utf8(token.stdout).expect("a token is text").trim().to_owned();
    let uri = format!("ws://127.0.0.1:{port}/v1/ws").parse().expect("an address");
    let (mut socket, _) = ClientBuilder::from_uri(uri).connect().await.expect("a socket");
    let hello = format!(r#"{{"id":"1","type":"authenticate","data":{{"token":"{token}"}}}}"#);
    socket.send(Message::text(hello)).await.expect("the socket takes it");
    let welcome = socket.next().await.expect("an answer").expect("which can be read");
    assert!(welcome.as_text().is_some_and(|text| text.contains(r#""type":"authenticated""#)), "{welcome:?}");

    let id = server.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().expect("there is a kill").success());
    let close_reason = loop {
        let frame = socket.next().await.expect("a close frame").expect("which can be read");
        if let Some((code, reason)) = frame.as_close() {
            break (code, reason.to_owned());
        }
    };
    assert_eq!(close_reason.0, CloseCode::SERVICE_RESTART);
    assert!(close_reason.1.starts_with(r#"{"code":"restart","retry":true,"#), "{}", close_reason.1);
    drop(socket);
    assert_eq!(ended(&mut server), Some(true), "in time, and in order");
    fs::remove_dir_all(&data).expect("the folder can be removed");
}
