//! Frames that nobody should send, and somebody will: refused with words, and the connection lives; abuse ends it.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::{Person, Room, Town, Wire};

#[tokio::test]
async fn only_pages_of_an_allowed_origin_may_connect() {
    let town = Town::with(|config| config.server.allowed_origins = vec!["https://chat.example.org".into()]).await;
    let port = town.address().port();
    for good in ["https://chat.example.org", &format!("http://localhost:{port}"), &format!("http://127.0.0.1:{port}")] {
        assert_eq!(town.handshake(&[("origin", good)]).await.0, 101, "{good}");
    }
    assert_eq!(town.handshake(&[]).await.0, 101, "programs send none");
    let ann = town.absent("ann").await;
    let bearer = format!("Bearer {}", ann.tokens().access);
    for bad in [
        "null",
        "*",
        "https://chat.example.org/",
        "https://chat.example.org.",
        "https://chat.example.org:443",
        "https://chat.example.org:8443",
        "http://chat.example.org",
        "HTTPS://CHAT.EXAMPLE.ORG",
        "https://evil.example.org",
        "https://chat.example.org.evil.com",
        "https://evilchat.example.org",
        "https://chat.example.org@evil.com",
        "https://chat.example.org https://evil.com",
        "http://localhost",
        "http://localhost:1",
        "file://",
        "chat.example.org",
    ] {
        assert_eq!(town.turned_away(&[("origin", bad)]).await, 403, "{bad}");
        // A credential does not help: it is the page that is not trusted.
        assert_eq!(town.turned_away(&[("origin", bad), ("authorization", &bearer)]).await, 403, "{bad}");
        let answer = town.rest().ask_with("GET", "/v1/server", None, &Value::Null, &[("origin", bad)]).await;
        assert_eq!(answer.header("access-control-allow-origin"), None, "{bad}");
    }
    let origin = [("origin", "https://chat.example.org")];
    let answer = town.rest().ask_with("GET", "/v1/server", None, &Value::Null, &origin).await;
    assert_eq!(answer.header("access-control-allow-origin"), Some("https://chat.example.org"));
    assert_eq!(answer.header("vary"), Some("origin"));
}

#[tokio::test]
async fn a_handshake_that_is_none_is_refused_in_words() {
    let town = Town::opens().await;
    let shake =
        async |headers: &[(&str, &str)]| town.rest().ask_with("GET", "/v1/ws", None, &Value::Null, headers).await;
    let key = ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
    let (connection, upgrade) = (("connection", "upgrade"), ("upgrade", "websocket"));
    let version = ("sec-websocket-version", "13");
    for headers in [
        vec![key, version],
        vec![connection, key, version],
        vec![connection, ("upgrade", "h2c"), key, version],
        vec![connection, upgrade, key],
        vec![connection, upgrade, version],
        vec![connection, upgrade, version, ("sec-websocket-key", "short")],
        vec![connection, upgrade, version, ("sec-websocket-key", "not base64, twenty-four")],
    ] {
        shake(&headers).await.refused(400, "malformed");
    }
    for headers in [vec![], vec![connection, upgrade, key, ("sec-websocket-version", "12")]] {
        shake(&headers).await.refused(426, "upgrade_required");
    }
    let many = format!("{}websocket", "x, ".repeat(3));
    assert_eq!(town.handshake(&[("upgrade", &many)]).await.0, 101);
}

#[tokio::test]
async fn a_frame_has_so_many_bytes_and_not_one_more() {
    let town = Town::with(|config| config.limits.frame_bytes = 1_024).await;
    let ann = town.person("ann").await;
    let padded = |length: usize| {
        let frame = r#"{"id":"padded","type":"ping"}"#;
        format!("{frame}{}", " ".repeat(length - frame.len()))
    };
    let mut stranger = town.stranger().await;
    stranger.writes(json!({"id": "1", "type": "authenticate", "data": {"token": ann.tokens().access}})).await;
    stranger.hears().await;
    stranger.writes(padded(1_024)).await;
    assert_eq!(stranger.hears().await["re"], "padded");
    for length in [1_025, 70_000, 1_000_000] {
        stranger.writes(padded(length)).await;
        let answer = stranger.hears().await;
        assert_eq!((&answer["re"], &answer["error"]["code"]), (&Value::Null, &json!("too_large")), "{length}");
    }
    // A request that is pipelined behind it is heard in its turn.
    stranger.writes(json!({"id": "before", "type": "ping"})).await;
    stranger.writes(padded(5_000)).await;
    stranger.writes(json!({"id": "after", "type": "ping"})).await;
    assert_eq!(stranger.hears().await["re"], "before");
    assert_eq!(stranger.hears().await["error"]["code"], "too_large");
    assert_eq!(stranger.hears().await["re"], "after");
}

#[tokio::test]
async fn what_cannot_be_understood_is_refused_by_name_and_the_connection_lives() {
    let town = Town::opens().await;
    let ann = town.person("ann").await;
    let room = ann.opens_room("garden").await;
    for nonsense in ["", "{", "hello", "[]", "5", "null", "\"text\"", "{}", r#"{"id":5,"type":"ping"}"#] {
        ann.writes(nonsense);
        ann.is_refused("malformed").await;
    }
    ann.writes(&format!(r#"{{"id":"{}","type":"ping"}}"#, "x".repeat(65)));
    assert_eq!(ann.is_refused("malformed").await["errors"][0]["pointer"], "/id");
    ann.writes(&format!("{}{}", "[".repeat(5_000), "]".repeat(5_000)));
    ann.is_refused("malformed").await;
    ann.writes_bytes(br#"{"id":"b","type":"ping"}"#);
    ann.is_refused("malformed").await;

    let mut stranger = town.stranger().await;
    let longest = "x".repeat(64);
    for (frame, id, code, pointer) in [
        (json!({"id": "1", "type": "fly"}), "1", "unknown_command", "/type"),
        (json!({"id": "2", "type": "Ping"}), "2", "unknown_command", "/type"),
        (json!({"id": "3"}), "3", "malformed", "/type"),
        (json!({"id": "4", "type": 5}), "4", "malformed", "/type"),
        (json!({"id": "5", "type": "ping", "date": {}}), "5", "malformed", "/date"),
        (json!({"id": "6", "type": "ping", "data": {"x": 1}}), "6", "invalid", "/x"),
        (json!({"id": "7", "type": "session.create", "data": {"username": "x"}}), "7", "invalid", "/password"),
        (json!({"id": longest, "type": "fly"}), &longest, "unknown_command", "/type"),
    ] {
        stranger.writes(&frame).await;
        let answer = stranger.hears().await;
        assert_eq!((&answer["re"], &answer["error"]["code"]), (&json!(id), &json!(code)), "{frame}: {answer}");
        assert_eq!(answer["error"]["errors"][0]["pointer"], pointer, "{frame}: {answer}");
    }
    ann.says(&room, "still here").await;
}

#[tokio::test]
async fn the_hundredth_unreadable_frame_ends_the_connection() {
    let town = Town::opens().await;
    let mut stranger = town.stranger().await;
    for _ in 0..99 {
        stranger.writes("nonsense").await;
    }
    for _ in 0..99 {
        assert_eq!(stranger.hears().await["error"]["code"], "malformed");
    }
    stranger.writes(json!({"id": "1", "type": "ping"})).await;
    stranger.hears().await;
    stranger.writes("nonsense").await;
    let (code, reason) = stranger.is_sent_away().await;
    assert_eq!((code, &reason["code"], &reason["retry"]), (4503, &json!("protocol_violation"), &json!(false)));
}

#[tokio::test]
async fn far_too_many_commands_end_the_connection_for_a_while() {
    let town = Town::with(|config| {
        config.limits.request_burst = 5;
        config.limits.requests_per_minute = 1;
    })
    .await;
    let ann = town.absent("ann").await;
    let mut hasty = town.stranger().await;
    hasty.writes(json!({"id": "1", "type": "authenticate", "data": {"token": ann.tokens().access}})).await;
    hasty.hears().await;
    for n in 0..200 {
        hasty.writes(json!({"id": n.to_string(), "type": "ping"})).await;
    }
    let mut refused = 0;
    for _ in 0..100 {
        let answer = hasty.hears().await;
        if answer["error"]["code"] == "rate_limited" {
            assert!(answer["error"]["retry_after_ms"].as_i64() > Some(0));
            refused += 1;
        }
    }
    assert!(refused >= 94, "{refused}");
    let (code, reason) = hasty.is_sent_away().await;
    assert_eq!((code, &reason["retry"]), (4009, &json!(true)));
    assert!(reason["retry_after_ms"].as_i64() >= Some(1_000));
}

const PING: &[u8] = br#"{"id":"p","type":"ping"}"#;

#[tokio::test]
async fn what_is_not_websocket_ends_the_connection() {
    let town = Town::opens().await;
    let unmasked = [&[0x81, 0x18][..], PING].concat();
    let endless = [0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
    // RFC 6455 by the letter: `autobahn.rs`.
    for bytes in [&unmasked[..], &endless, b"GET / HTTP/1.1\r\n\r\n", &[0xff; 64], &[0x91, 0x80, 0, 0, 0, 0]] {
        let mut wire = town.wire().await;
        wire.writes(bytes).await;
        assert_eq!(wire.is_sent_away().await, Some(1002), "{bytes:?}");
    }
    for (what, first, payload) in [
        ("a reserved bit", 0xc1, PING),
        ("an unknown opcode", 0x83, PING),
        ("an unknown control opcode", 0x8b, PING),
        ("a ping in parts", 0x09, PING),
        ("a ping that is too long", 0x89, &[b'x'; 126]),
        ("a close frame that is too long", 0x88, &[b'x'; 126]),
    ] {
        let mut wire = town.wire().await;
        wire.writes_frame(first, payload).await;
        assert_eq!(wire.is_sent_away().await, Some(1002), "{what}");
    }
    let mut wire = town.wire().await;
    wire.writes_frame(0x01, b"{").await;
    wire.writes_frame(0x81, PING).await;
    assert_eq!(wire.is_sent_away().await, Some(1002), "a message within a message");
}

async fn answers(wire: &mut Wire) -> bool {
    wire.writes_frame(0x81, PING).await;
    wire.hears_text().await["re"] == "p"
}

#[tokio::test]
async fn a_message_may_come_in_parts_but_not_in_crumbs() {
    let town = Town::opens().await;
    let mut wire = town.wire().await;
    wire.writes_frame(0x01, &PING[..5]).await;
    wire.writes_frame(0x89, b"hello?").await;
    assert_eq!(wire.hears().await, Some((0x0a, b"hello?".to_vec())), "a ping between is answered at once");
    wire.writes_frame(0x00, &PING[5..9]).await;
    wire.writes_frame(0x80, &PING[9..]).await;
    assert_eq!(wire.hears_text().await["re"], "p");
    // Not UTF-8, in one piece of bytes: refused, and the connection lives. As a text it ends it.
    wire.writes_frame(0x82, &[0xff, 0xfe]).await;
    assert_eq!(wire.hears_text().await["error"]["code"], "malformed");
    assert!(answers(&mut wire).await);
    // Sixty-four parts are enough.
    wire.writes_frame(0x01, PING).await;
    for _ in 0..62 {
        wire.writes_frame(0x00, b" ").await;
    }
    wire.writes_frame(0x80, b" ").await;
    assert_eq!(wire.hears_text().await["re"], "p");
    wire.writes_frame(0x01, PING).await;
    for _ in 0..64 {
        wire.writes_frame(0x00, b" ").await;
    }
    assert_eq!(wire.is_sent_away().await, Some(4503));
    // Bytes that come one at a time are as good as any.
    let mut slow = town.wire().await;
    let frame: Vec<u8> = [&[0x81, 0x98, 0, 0, 0, 0][..], PING].concat();
    for byte in frame {
        slow.writes(&[byte]).await;
    }
    assert_eq!(slow.hears_text().await["re"], "p");
}

#[tokio::test]
async fn parts_may_not_add_up_to_more_than_a_frame() {
    let town = Town::with(|config| config.limits.frame_bytes = 1_024).await;
    let mut wire = town.wire().await;
    wire.writes_frame(0x01, &[b' '; 600]).await;
    wire.writes_frame(0x80, &[b' '; 600]).await;
    assert_eq!(wire.hears_text().await["error"]["code"], "too_large");
    assert!(answers(&mut wire).await);
}

#[tokio::test]
async fn whoever_is_silent_is_asked_and_whoever_does_not_answer_is_gone() {
    let town = Town::with(|config| config.limits.ping_seconds = 1).await;
    let ann = town.person("ann").await;
    let room = ann.opens_room("garden").await;
    let mut wire = town.wire().await;
    let login = json!({"id": "1", "type": "authenticate", "data": {"token": ann.tokens().access}});
    wire.writes_frame(0x81, login.to_string().as_bytes()).await;
    assert_eq!(wire.hears_text().await["data"]["ping_seconds"], 1);
    wire.is_pinged().await;
    wire.writes_frame(0x8a, b"").await;
    wire.is_pinged().await;
    let gone = tokio::time::timeout(Duration::from_secs(3), async { while wire.hears().await.is_some() {} }).await;
    assert!(gone.is_ok(), "it is not kept for ever");
    // A client that answers, as any library does by itself, stays.
    ann.says(&room, "still here").await;
}

/// Says what makes a page of history some 700 kB long.
async fn says_much(person: &Person, room: &Room) {
    let long = "𝒳".repeat(1_900);
    for ten in 0..10 {
        person.says_all(room, (0..10).map(|n| format!("{ten}{n} {long}"))).await;
    }
}

/// Somebody who logs in on the level of bytes, and asks for far more than they read: ten pages of history, and then to
/// say something.
async fn asks_and_does_not_read(town: &Town, person: &Person, room: &Room) -> Wire {
    let mut wire = town.wire().await;
    let mut frames = Vec::new();
    let data = json!({"token": person.tokens().access});
    frames.push(json!({"id": "login", "type": "authenticate", "data": data}));
    for n in 0..10 {
        let data = json!({"conversation": room.id, "limit": 100});
        frames.push(json!({"id": format!("page{n}"), "type": "message.history", "data": data}));
    }
    let data = json!({"conversation": room.id, "client_id": "last", "text": "and I read nothing"});
    frames.push(json!({"id": "last", "type": "message.send", "data": data}));
    for frame in frames {
        wire.writes_frame(0x81, frame.to_string().as_bytes()).await;
    }
    wire
}

#[tokio::test]
async fn whoever_does_not_take_their_answers_gets_no_more_of_them() {
    let town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    says_much(&ann, &room).await;
    ann.forgets().await;
    let mut wire = asks_and_does_not_read(&town, &bob, &room).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(ann.knows(&room).len(), 100, "what he asked for last has to wait for what he does not take");
    assert_eq!(wire.hears_answer().await["re"], "login");
    for n in 0..10 {
        let page = wire.hears_answer().await;
        assert_eq!(
            (&page["re"], page["data"]["messages"].as_array().map(Vec::len)),
            (&json!(format!("page{n}")), Some(100))
        );
    }
    assert_eq!(wire.hears_answer().await["re"], "last");
    ann.hears("bob: and I read nothing").await;
}

#[tokio::test]
async fn whoever_takes_slowly_what_they_asked_for_is_waited_for() {
    let town = Town::with(|config| config.limits.ping_seconds = 1).await;
    let (ann, bob) = town.two("ann", "bob").await;
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    says_much(&ann, &room).await;
    bob.hangs_up().await;
    for _ in 0..5 {
        let mut wire = asks_and_does_not_read(&town, &bob, &room).await;
        match takes_slowly(&mut wire).await {
            Ok(()) => {
                wire.is_sent_away().await;
                return;
            }
            // Somebody who takes nothing for so long may be sent away: the machine was too busy, and he not only slow.
            Err(longest) if longest >= Duration::from_secs(1) => {}
            Err(longest) => panic!("he was sent away, and needed {longest:?} for an answer at most"),
        }
    }
    panic!("he was never let read as slowly as he wanted");
}

/// Takes nine answers at leisure; if he is sent away before, how long one of them took at most. His pongs would stand
/// behind his questions, which are not read meanwhile; and he gives none.
async fn takes_slowly(wire: &mut Wire) -> Result<(), Duration> {
    let mut longest = Duration::ZERO;
    for answer in ["login", "page0", "page1", "page2", "page3", "page4", "page5", "page6", "page7"] {
        let since = Instant::now();
        tokio::time::sleep(Duration::from_millis(700)).await;
        let heard = wire.hears_answer_if_it_stays().await;
        longest = longest.max(since.elapsed());
        assert_eq!(heard.ok_or(longest)?["re"], answer);
    }
    Ok(())
}

#[tokio::test]
async fn whoever_is_sent_away_is_obeyed_no_more_even_if_they_do_not_listen() {
    let town = Town::opens().await;
    let (ann, bob) = (town.admin("ann").await, town.person("bob").await);
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    says_much(&ann, &room).await;
    bob.hangs_up().await;
    let mut wire = asks_and_does_not_read(&town, &bob, &room).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    ann.asks("user.active", json!({"user": bob.id(), "active": false})).await.granted();
    // Longer than nodes take to hear of it, and than one waits for a close reason to be read.
    tokio::time::sleep(Duration::from_secs(5)).await;
    wire.is_sent_away().await;
    assert_eq!(ann.knows(&room).len(), 100, "nothing that was asked on a connection that had ended");
}
