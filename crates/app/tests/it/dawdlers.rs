//! Clients that keep the server waiting: each wait has a clock, and each address a bound, so that nobody else waits.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::{Raw, Town};

const HANDSHAKE: &str = "GET /v1/ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
const HALF_A_BODY: &str = "POST /v1/sessions HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n\
                           Content-Length: 60000\r\n\r\n{";
const HALF_A_FORM: &str = "POST /v1/sessions HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\
                           Content-Type: multipart/form-data; boundary=B\r\n\r\n--B\r\ncontent-disposition: form-data; \
                           name=\"username\"\r\n\r\nann";
const LARGE_DOCUMENT: &str = "GET /v1/openapi.json HTTP/1.1\r\nHost: a\r\n\r\n";
/// A masked text frame of 50 bytes that says `{`, and then nothing.
const HALF_A_FRAME: &[u8] = &[0x81, 0x80 | 50, 0, 0, 0, 0, b'{'];
/// A masked fragment that is not the last one.
const FRAGMENT: &[u8] = &[0x01, 0x81, 0, 0, 0, 0, b'{'];
/// A masked close frame with a code that nobody may send: the server sends its close frame, and nobody answers.
const BAD_CLOSE: &[u8] = &[0x88, 0x82, 0, 0, 0, 0, 0x03, 0xed];

/// The bytes of a connection before it falls silent.
fn ways() -> Vec<(&'static str, Vec<u8>)> {
    let socket = |frames: &[u8]| [HANDSHAKE.as_bytes(), frames].concat();
    vec![
        ("nothing", Vec::new()),
        ("half a head", b"GET /health HTTP/1.1\r\nHos".to_vec()),
        ("a head without its body", HALF_A_BODY.trim_end_matches('{').into()),
        ("half a body", HALF_A_BODY.into()),
        (
            "half a chunk",
            HALF_A_BODY.replace("Content-Length: 60000", "Transfer-Encoding: chunked").replace("{", "9\r\n{").into(),
        ),
        ("half a form", HALF_A_FORM.into()),
        ("answers that are not read", LARGE_DOCUMENT.repeat(20).into()),
        ("a handshake and nothing", socket(b"")),
        ("half a frame", socket(HALF_A_FRAME)),
        ("a message that does not end", socket(FRAGMENT)),
        ("a close frame that is not answered", socket(BAD_CLOSE)),
        ("a request, and nothing", b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n".to_vec()),
    ]
}

#[tokio::test]
async fn however_many_dawdle_at_one_address_those_who_speak_are_answered() {
    let town = Town::with(|config| {
        config.limits.unauthenticated_connections_per_address = 16;
        config.limits.unauthenticated_per_address = 1_000;
    })
    .await;
    let ann = town.person("ann").await;
    let room = ann.opens_room("garden").await;
    for (way, bytes) in ways() {
        let mut dawdlers = Vec::new();
        for _ in 0..40 {
            let mut raw = Raw::connect_narrowly(town.address()).await;
            raw.writes(&bytes).await;
            dawdlers.push(raw);
        }
        // From the same address, on a connection of one's own.
        let mut newcomer = Raw::connect(town.address()).await;
        newcomer.writes("GET /health HTTP/1.1\r\nHost: a\r\n\r\n").await;
        assert_eq!(newcomer.hears().await.map(|answer| answer.status), Some(200), "beside {way}");
        ann.says(&room, way).await;
        // Those who came first made room.
        for (at, dawdler) in dawdlers.iter_mut().take(20).enumerate() {
            assert!(dawdler.is_closed().await, "number {at} of those who say {way}");
        }
    }
}

#[tokio::test]
async fn whoever_does_not_go_on_is_gone_in_time_however_they_have_begun() {
    let town = Town::opens().await;
    let ann = town.absent("ann").await;
    let login = json!({"id": "1", "type": "authenticate", "data": {"token": ann.tokens().access}}).to_string();
    let mut as_member = [HANDSHAKE.as_bytes(), &[0x81, 0xfe]].concat();
    as_member.extend((login.len() as u16).to_be_bytes());
    as_member.extend([&[0; 4], login.as_bytes()].concat());
    let members = [("a member's half a frame", HALF_A_FRAME), ("a member's message that does not end", FRAGMENT)];
    let mut waiting = tokio::task::JoinSet::new();
    for (way, bytes) in ways() {
        let mut raw = Raw::connect_narrowly(town.address()).await;
        raw.writes(&bytes).await;
        waiting.spawn(async move {
            // A client that does not read learns by writing that nobody is there.
            while way == "answers that are not read" && raw.writes("x").await {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            (way, raw.is_closed().await)
        });
    }
    for (way, bytes) in members {
        let mut raw = Raw::connect(town.address()).await;
        raw.writes([&as_member, bytes].concat()).await;
        waiting.spawn(async move {
            // A pong now and then is no reason to wait for the rest.
            while bytes == FRAGMENT && raw.writes([0x8a, 0x80, 0, 0, 0, 0]).await {
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
            (way, raw.is_closed().await)
        });
    }
    while let Some(ended) = waiting.join_next().await {
        let (way, is_closed) = ended.unwrap();
        assert!(is_closed, "{way}");
    }
}

#[tokio::test]
async fn a_body_that_dribbles_is_answered_that_it_was_too_slow() {
    let town = Town::opens().await;
    let mut raw = Raw::connect(town.address()).await;
    raw.writes(HALF_A_BODY).await;
    let dribbles = async {
        loop {
            tokio::time::sleep(Duration::from_secs(1)).await;
            raw.writes(" ").await;
        }
    };
    let _never = tokio::time::timeout(Duration::from_millis(9_500), dribbles).await;
    let answer = raw.hears().await.expect("an answer");
    assert_eq!(answer.status, 408);
    let problem: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(problem["code"], "too_slow");
    assert!(raw.is_closed().await);
}

#[tokio::test]
async fn callers_behind_a_proxy_are_counted_by_their_own_addresses() {
    let town = Town::with(|config| {
        config.server.trusted_proxies = vec![palabre::config::Subnet::parse("127.0.0.1").unwrap()];
        config.limits.unauthenticated_connections_per_address = 8;
    })
    .await;
    let mut of_one_caller = Vec::new();
    for _ in 0..20 {
        let mut raw = Raw::connect(town.address()).await;
        raw.writes(HALF_A_BODY.replace("\r\n\r\n{", "\r\nX-Forwarded-For: 203.0.113.1\r\n\r\n{")).await;
        of_one_caller.push(raw);
    }
    for raw in &mut of_one_caller[..12] {
        assert!(raw.is_closed().await, "eight of one caller are enough");
    }
    let mut idle = Vec::new();
    for _ in 0..20 {
        idle.push(Raw::connect(town.address()).await);
    }
    for raw in &mut idle {
        raw.writes("GET /health HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.2\r\n\r\n").await;
        assert_eq!(raw.hears().await.map(|answer| answer.status), Some(200), "a proxy may have many connections");
    }
}
