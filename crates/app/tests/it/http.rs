//! HTTP/1.1 by the letter, on the level of bytes: what two readers may understand differently is refused, and the
//! connection closed. The rules themselves are tested in `connect/src/http/`.

use testkit::{Raw, Town};

/// A request that is answered 200.
const GOOD: &str = "GET /health HTTP/1.1\r\nHost: a\r\n\r\n";

/// A request for the server's health with these fields.
fn health(fields: &str) -> String {
    format!("GET /health HTTP/1.1\r\n{fields}\r\n")
}

/// A request with this transfer coding and body.
fn chunked(body: &str) -> String {
    format!(
        "POST /v1/sessions HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n{body}"
    )
}

/// Requests that are refused, and how.
fn refused() -> Vec<(u16, String)> {
    let long = "x".repeat(10_000);
    let many = (0..65).map(|at| format!("X-{at}: a\r\n")).collect::<String>();
    vec![
        (400, health("")),
        (400, health("Host: a\r\nHost: a\r\n")),
        (400, health("Host: a b\r\n")),
        (400, health("Host: a/b\r\n")),
        (400, health("Host: user@a\r\n")),
        (400, health("Host: a:99999\r\n")),
        (400, health("Host: a%zz\r\n")),
        (400, health("Host: [::1\r\n")),
        (400, health("Host: :80\r\n")),
        (400, "GET /health#x HTTP/1.1\r\nHost: a\r\n\r\n".to_owned()),
        (400, "GET http://a:99999/health HTTP/1.1\r\nHost: a:99999\r\n\r\n".to_owned()),
        (400, "\r\n".repeat(5)),
        (400, "GET /health HTTP/1.1\nHost: a\n\n".to_owned()),
        (400, "GET /health HTTP/1.1\r\nHost: a\nX: b\r\n\r\n".to_owned()),
        (400, "GET /health HTTP/1.1\r\nHost: a\rX: b\r\n\r\n".to_owned()),
        (400, health("Host: a\r\nX: a\r\n b\r\n")),
        (400, health("Host: a\r\nX : a\r\n")),
        (400, health("Host: a\r\n X: a\r\n")),
        (400, health("Host : a\r\n")),
        (400, health("Host: a\r\nX: a\0b\r\n")),
        (400, health("Host: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n")),
        (400, health("Host: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n")),
        (400, health("Host: a\r\nContent-Length: 1, 1\r\n")),
        (400, health("Host: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n")),
        (400, health("Host: a\r\nContent-Length: +1\r\n")),
        (400, health("Host: a\r\nContent-Length: -1\r\n")),
        (400, health("Host: a\r\nContent-Length: one\r\n")),
        (400, health("Host: a\r\nTransfer-Encoding: chunked, chunked\r\n")),
        (400, health("Host: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n")),
        (400, health("Host: a\r\nTransfer-Encoding: identity\r\n")),
        (400, health("Host: a\r\nTransfer-Encoding: chunked, gzip\r\n")),
        (501, health("Host: a\r\nTransfer-Encoding: gzip, chunked\r\n")),
        (413, health("Host: a\r\nContent-Length: 99999999999999999999999\r\n")),
        (400, chunked("x\r\n")),
        (400, chunked("-1\r\nx\r\n0\r\n\r\n")),
        (400, chunked("0x1\r\nx\r\n0\r\n\r\n")),
        (400, chunked("1\nx\r\n0\r\n\r\n")),
        (400, chunked("1\r\nxx\r\n0\r\n\r\n")),
        (400, chunked("FFFFFFFFFFFFFFFFF\r\nx")),
        (400, "GET http://b/health HTTP/1.1\r\nHost: a\r\n\r\n".to_owned()),
        (400, "GET health HTTP/1.1\r\nHost: a\r\n\r\n".to_owned()),
        (400, "GET  /health HTTP/1.1\r\nHost: a\r\n\r\n".to_owned()),
        (400, "GET /health\r\nHost: a\r\n\r\n".to_owned()),
        (400, "GET /health HTTP/1.1 \r\nHost: a\r\n\r\n".to_owned()),
        (505, "GET /health HTTP/2.0\r\nHost: a\r\n\r\n".to_owned()),
        (501, "CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n".to_owned()),
        (414, format!("GET /{long} HTTP/1.1\r\nHost: a\r\n\r\n")),
        (431, health(&format!("Host: a\r\nX: {long}\r\nY: {long}\r\n"))),
        (431, health(&format!("Host: a\r\n{many}"))),
    ]
}

#[tokio::test]
async fn what_is_not_http_is_refused_in_its_turn_and_the_connection_closed() {
    let town = Town::opens().await;
    for (status, request) in refused() {
        let mut raw = Raw::connect(town.address()).await;
        // Together with a good one before and behind it, in one write.
        raw.writes(format!("{GOOD}{request}{GOOD}")).await;
        assert_eq!(raw.hears().await.expect("an answer").status, 200, "{request:?}");
        let answer = raw.hears().await.unwrap_or_else(|| panic!("no answer to {request:?}"));
        assert_eq!(answer.status, status, "{request:?}");
        assert_eq!(answer.header("connection"), Some("close"), "{request:?}");
        assert!(raw.hears().await.is_none(), "{request:?} was not the last word");
    }
}

#[tokio::test]
async fn what_is_not_http_is_refused_however_the_network_cuts_it() {
    let town = Town::opens().await;
    for (status, request) in refused().into_iter().filter(|(_, request)| request.len() < 1_000) {
        let mut raw = Raw::connect(town.address()).await;
        for byte in request.as_bytes() {
            raw.writes([*byte]).await;
        }
        let answer = raw.hears().await.unwrap_or_else(|| panic!("no answer to {request:?}"));
        assert_eq!(answer.status, status, "{request:?}");
        assert!(raw.hears().await.is_none(), "{request:?} was not the last word");
    }
}

#[tokio::test]
async fn good_requests_of_every_form_are_answered() {
    let town = Town::opens().await;
    let mut raw = Raw::connect(town.address()).await;
    for request in [
        GOOD.to_owned(),
        format!("\r\n{GOOD}"),
        format!("\r\n\r\n\r\n\r\n{GOOD}"),
        health("host:a\r\nX:\tb \r\n"),
        health("Host: [::1]:8080\r\nContent-Length: 0\r\n"),
        "GET http://A.example/health HTTP/1.1\r\nHost: a.EXAMPLE\r\n\r\n".to_owned(),
        "HEAD /health HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
    ] {
        raw.writes(&request).await;
        let is_head = request.starts_with("HEAD");
        if is_head {
            // It tells a length, and has no body.
            raw.writes(GOOD).await;
            continue;
        }
        assert_eq!(raw.hears().await.expect("an answer").status, 200, "{request:?}");
    }
    let mut old = Raw::connect(town.address()).await;
    old.writes("GET /health HTTP/1.0\r\n\r\n").await;
    assert_eq!(old.hears().await.expect("an answer").status, 200, "HTTP/1.0 knows no Host");
    let mut raw = Raw::connect(town.address()).await;
    let log_in = r#"{"username":"nobody","password":"a long password"}"#;
    let (first, second) = log_in.split_at(10);
    raw.writes(chunked(&format!("A;x=y\r\n{first}\r\n{:x}\r\n{second}\r\n0\r\nX-Sum: 1\r\n\r\n{GOOD}", second.len())))
        .await;
    assert_eq!(raw.hears().await.expect("an answer").status, 401, "it was read to its end");
    assert_eq!(raw.hears().await.expect("an answer").status, 200, "and the next as well");
}

/// A handshake with its fields changed.
fn handshake(line: &str, leave_out: &str, add: &str) -> String {
    let fields = [
        "Host: a",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ];
    let kept = fields.iter().filter(|field| leave_out.is_empty() || !field.starts_with(leave_out));
    let kept: String = kept.map(|field| format!("{field}\r\n")).collect();
    format!("{line}\r\n{kept}{add}\r\n")
}

#[tokio::test]
async fn a_handshake_is_one_by_the_letter_or_none() {
    const LINE: &str = "GET /v1/ws HTTP/1.1";
    const KEY: &str = "Sec-WebSocket-Key";
    let town = Town::opens().await;
    for (status, request) in [
        (101, handshake(LINE, "", "")),
        (400, handshake("GET /v1/ws HTTP/1.0", "", "")),
        (400, handshake(LINE, "", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n")),
        (400, handshake(LINE, KEY, "")),
        (400, handshake(LINE, KEY, "Sec-WebSocket-Key: short\r\n")),
        (400, handshake(LINE, KEY, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZSE=x\r\n")),
        (400, handshake(LINE, "Connection", "")),
        (400, handshake(LINE, "Connection", "Connection: close\r\n")),
        (400, handshake(LINE, "Upgrade", "Upgrade: h2c\r\n")),
        (400, handshake(LINE, "", "Content-Length: 1\r\n")),
        (400, handshake(LINE, "Sec-WebSocket-Version", "")),
        (426, handshake(LINE, "Sec-WebSocket-Version", "Sec-WebSocket-Version: 8\r\n")),
        (426, handshake(LINE, "", "Sec-WebSocket-Version: 8\r\n")),
        (426, format!("{LINE}\r\nHost: a\r\n\r\n")),
    ] {
        let mut raw = Raw::connect(town.address()).await;
        raw.writes(&request).await;
        let answer = raw.hears().await.unwrap_or_else(|| panic!("no answer to {request:?}"));
        assert_eq!(answer.status, status, "{request:?}");
        if status == 426 {
            assert_eq!(answer.header("upgrade"), Some("websocket"), "{request:?}");
            let connection = answer.header("connection").unwrap_or_default();
            assert!(connection.split(',').any(|option| option.trim() == "upgrade"), "{request:?}: {connection:?}");
            assert_eq!(answer.header("sec-websocket-version"), Some("13"), "{request:?}");
        }
    }
}

#[tokio::test]
async fn what_follows_a_refused_handshake_is_nobodys_request() {
    let town = Town::opens().await;
    let mut raw = Raw::connect(town.address()).await;
    let refused = handshake("GET /v1/ws HTTP/1.1", "Sec-WebSocket-Version", "Sec-WebSocket-Version: 8\r\n");
    raw.writes(format!("{refused}{GOOD}")).await;
    assert_eq!(raw.hears().await.expect("an answer").status, 426);
    assert!(raw.hears().await.is_none(), "it might have been frames");
}
