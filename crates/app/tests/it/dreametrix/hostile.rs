//! Frames and requests that nobody should send, and the pace.

use super::*;

#[tokio::test]
async fn what_cannot_be_understood_is_refused_in_words_and_the_connection_lives() {
    let town = Town::opens().await;
    let alice = town.person("alice").await;
    let room = alice.opens_room("Classe 3B").await;
    let mut a = client(&town, &alice).await;
    let say = |content: &str| format!(r#"{{"type":"send_message","room_id":{},"content":{content}}}"#, room.id);
    let nested = format!("{}1{}", r#"{"a":"#.repeat(10_000), "}".repeat(10_000));
    let big = format!(r#"{{"type":"ping","data":{{}}}}{}"#, " ".repeat(70_000));
    for (frame, words) in [
        (String::new(), "Invalid JSON"),
        ("{".into(), "Invalid JSON"),
        ("hello".into(), "Invalid JSON"),
        ("\u{feff}{}".into(), "Invalid JSON"),
        (r#"{"type":"ping"} x"#.into(), "Invalid JSON"),
        ("[]".into(), "The input must be a JSON object."),
        ("5".into(), "The input must be a JSON object."),
        ("null".into(), "The input must be a JSON object."),
        ("{}".into(), "type is missing."),
        (r#"{"type":5}"#.into(), "type must be"),
        (r#"{"type":{"type":"ping"}}"#.into(), "type must be"),
        (r#"{"data":{"type":"ping"}}"#.into(), "type is missing."),
        (r#"{"type":"fly"}"#.into(), "Unknown message type"),
        (r#"{"type":"Ping"}"#.into(), "Unknown message type"),
        (r#"{"type":"join_room"}"#.into(), "room_id is missing."),
        (r#"{"type":"join_room","room_id":null}"#.into(), "room_id is missing."),
        (r#"{"type":"join_room","room_id":-1}"#.into(), "room_id must be"),
        (r#"{"type":"join_room","room_id":1.5}"#.into(), "room_id must be"),
        (r#"{"type":"join_room","room_id":9007199254740993}"#.into(), "room_id must be"),
        (r#"{"type":"join_room","room_id":1e999}"#.into(), "room_id must be"),
        (r#"{"type":"join_room","room_id":true}"#.into(), "room_id must be"),
        (r#"{"type":"join_room","room_id":"room_1"}"#.into(), "room_id must be"),
        (r#"{"type":"join_room","room_id":[1]}"#.into(), "room_id must be"),
        (r#"{"type":"join_room","data":[]}"#.into(), "data must be an object."),
        (r#"{"type":"typing","data":{"room_id":1}}"#.into(), "is_typing is missing."),
        (r#"{"type":"typing","data":{"room_id":1,"is_typing":"yes"}}"#.into(), "is_typing must be"),
        (r#"{"type":"user_status","status":"happy"}"#.into(), "status must be one of"),
        (r#"{"type":"user_status","status":7}"#.into(), "status must be"),
        (r#"{"type":"user_status"}"#.into(), "status is missing."),
        (format!(r#"{{"type":"send_message","room_id":{}}}"#, room.id), "content is missing."),
        (r#"{"type":"send_message","content":"x"}"#.into(), "room_id is missing."),
        (say("5"), "content must be"),
        (say("null"), "content is missing."),
        (say("[\"x\"]"), "content must be"),
        (say("\"\""), "content must"),
        (say(r#""nul \u0000""#), "content must be a text without NUL"),
        (say(r#""\ud800""#), "content must be"),
        (say(r#""\udc00\ud800""#), "content must be"),
        (say(&format!("\"{}\"", "x".repeat(2_001))), "content must have at most 2000"),
        (say(&format!("\"{}\"", "é".repeat(30_000))), "content must have at most 2000"),
        (format!("{}{}", "[".repeat(30_000), "]".repeat(30_000)), "The input must be a JSON object."),
        (nested[..50_000].to_owned(), "Invalid JSON"),
        (nested.clone(), "type is missing."),
        (format!(r#"{{"type":{nested}}}"#), "type must be"),
        (say(&nested), "content must be"),
        (format!(r#"{{"type":"join_room","data":{nested}}}"#), "room_id is missing."),
        (big.clone(), "A frame may have at most 65536 bytes."),
        (say(&format!("\"{}\"", "x".repeat(300_000))), "A frame may have at most 65536 bytes."),
    ] {
        a.writes(&frame).await;
        let said = refused(&mut a).await;
        let shown: String = frame.chars().take(90).collect();
        assert!(said.starts_with(words), "{shown}: {said}");
    }
    // A field that is given twice counts as it did: the last one. So does the longest text.
    let twice = format!(r#"{{"type":"send_message","room_id":"x","room_id":{},"content":"once"}}"#, room.id);
    a.writes(twice).await;
    assert_eq!(message(&mut a).await.0, "once");
    let longest = "é".repeat(2_000);
    a.writes(json!({"type": "send_message", "room_id": room.id, "content": longest})).await;
    assert_eq!(message(&mut a).await.0, longest);
    a.writes(say(r#""\ud83d\ude00""#)).await;
    assert_eq!(message(&mut a).await.0, "😀");
    hears_nothing_more(&mut a).await;
    assert_eq!(alice.knows(&room).len(), 3);
    alice.says(&room, "still here").await;
}

#[tokio::test]
async fn a_request_that_cannot_be_understood_is_refused_by_field_as_forms_want_it() {
    let town = Town::opens().await;
    let (alice, bob) = (town.person("alice").await, town.absent("bob").await);
    let room = alice.opens_group(&[&bob]).await;
    let token = alice.tokens().access;
    let bearer = format!("Bearer {token}");
    let said = alice.says(&room, "hello").await;
    let (here, it) = (format!("/chats/rooms/{}/", room.id), format!("/chats/messages/{}/", said.id));
    let rooms = "/chats/rooms/";
    let messages = "/chats/messages/";
    let send = |content: &str| format!(r#"{{"chat":{},"content":{content}}}"#, room.id);
    let long = format!("\"{}\"", "x".repeat(2_001));
    let named = format!(r#"{{"name":"{}","is_group":true}}"#, "x".repeat(101));
    let deep = format!("{}{}", "[".repeat(30_000), "]".repeat(30_000));
    for (method, path, body, status, field) in [
        ("POST", messages, "{".to_owned(), 400, ""),
        ("POST", messages, "[]".into(), 422, ""),
        ("POST", messages, deep.clone(), 422, ""),
        ("POST", messages, format!(r#"{{"chat":{deep}}}"#), 422, "chat"),
        ("POST", messages, " ".repeat(70_000), 413, ""),
        ("POST", messages, send(&format!("\"{}\"", "x".repeat(66_000))), 413, ""),
        ("POST", messages, "{}".into(), 422, "chat_room_id"),
        ("POST", messages, r#"{"chat":"here","content":"x"}"#.into(), 422, "chat"),
        ("POST", messages, r#"{"chat_room_id":-1,"content":"x"}"#.into(), 422, "chat_room_id"),
        ("POST", messages, format!(r#"{{"chat":{}}}"#, room.id), 422, "content"),
        ("POST", messages, send("5"), 422, "content"),
        ("POST", messages, send("\"\""), 422, "content"),
        ("POST", messages, send(r#""a\u0000b""#), 422, "content"),
        ("POST", messages, send(r#""\ud800""#), 422, "content"),
        ("POST", messages, send(&long), 422, "content"),
        ("POST", messages, send(r#""x","message_type":"song""#), 422, "message_type"),
        ("PATCH", &it, "{}".into(), 422, "content"),
        ("PATCH", &it, r#"{"content":"\u0000"}"#.into(), 422, "content"),
        ("PUT", &it, format!(r#"{{"content":{long}}}"#), 422, "content"),
        ("POST", rooms, r#"{"is_group":true}"#.into(), 422, "name"),
        ("POST", rooms, r#"{"name":"n","is_group":"true"}"#.into(), 422, "is_group"),
        ("POST", rooms, named, 422, "name"),
        ("POST", rooms, "{}".into(), 422, "participants"),
        ("POST", rooms, r#"{"participants":["bob"]}"#.into(), 422, "participants"),
        ("POST", rooms, format!(r#"{{"participants":{}}}"#, bob.id()), 422, "participants"),
        ("PUT", &here, r#"{"name":7}"#.into(), 422, "name"),
        ("GET", "/chats/messages/", String::new(), 422, "chat"),
        ("GET", "/chats/messages/?chat=here", String::new(), 422, "chat"),
        ("GET", "/chats/rooms/?limit=-1", String::new(), 422, "limit"),
        ("GET", "/chats/rooms/?offset=1.5", String::new(), 422, "offset"),
        ("GET", "/chats/rooms/?name=%ff", String::new(), 400, "name"),
        ("GET", "/chats/rooms/nowhere/", String::new(), 404, ""),
        ("GET", "/chats/rooms/9007199254740993/", String::new(), 404, ""),
    ] {
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        let answer = rest(&town).ask_raw(method, path, &headers, body.clone()).await;
        let shown: String = body.chars().take(90).collect();
        assert_eq!(answer.status, status, "{method} {path} {shown}: {}", answer.text);
        assert_eq!(answer.header("content-type"), Some("application/json"));
        let detail = answer.body["detail"].as_str().unwrap();
        assert!(!detail.is_empty() && answer.body["message"] == detail, "{shown}: {}", answer.text);
        if field.is_empty() {
            assert_eq!(answer.body.get("errors"), None, "{shown}: {}", answer.text);
        } else {
            assert_eq!(answer.body["errors"][field][0], detail, "{shown}: {}", answer.text);
        }
    }
    let headers = [("authorization", bearer.as_str()), ("content-type", "text/plain")];
    assert_eq!(rest(&town).ask_raw("POST", messages, &headers, send("\"x\"")).await.status, 400);
    assert_eq!(alice.knows(&room), [Some("hello".into())]);
}

#[tokio::test]
async fn who_speaks_too_fast_or_comes_too_often_is_told_so_at_this_endpoint_too() {
    let town = Town::with(|config| {
        config.limits.message_burst = 2;
        config.limits.messages_per_minute = 60;
        config.limits.connections_per_user = 2;
    })
    .await;
    let (alice, bob) = (town.absent("alice").await, town.absent("bob").await);
    let mut a = client(&town, &alice).await;
    let _second = client(&town, &alice).await;
    let path = format!("/ws/chat/?token={}", alice.tokens().access);
    let mut third = town.socket_at(town.dreametrix(), &path, &[]).await.unwrap();
    refused(&mut third).await;
    assert_eq!(third.is_sent_away().await.0, 4504);
    let (token, pair) = (alice.tokens().access, json!({"participants": [bob.id()]}));
    let made = rest(&town).ask("POST", "/chats/rooms/", Some(&token), &pair).await.granted();
    let room = made["id"].clone();
    let mut b = client(&town, &bob).await;
    for n in 0..3 {
        a.writes(json!({"type": "send_message", "room_id": room, "content": n.to_string()})).await;
    }
    assert_eq!((message(&mut b).await.0, message(&mut b).await.0), ("0".into(), "1".into()));
    let mut kinds = Vec::new();
    while kinds.len() < 3 {
        let frame = a.hears().await;
        match frame["type"].as_str().unwrap() {
            "message" | "error" => kinds.push(frame["type"].clone()),
            _ => {}
        }
    }
    assert_eq!(kinds.iter().filter(|kind| **kind == "error").count(), 1, "{kinds:?}");
    // The request is counted with the frames, and says when to come back.
    let body = json!({"chat": room, "content": "x"});
    let answer = rest(&town).ask("POST", "/chats/messages/", Some(&token), &body).await;
    assert_eq!((answer.status, answer.header("retry-after")), (429, Some("1")), "{}", answer.text);
    hears_nothing_more(&mut b).await;
}

#[tokio::test]
async fn the_hundredth_unreadable_frame_ends_the_connection_here_too() {
    let town = Town::opens().await;
    let alice = town.absent("alice").await;
    let mut a = client(&town, &alice).await;
    for _ in 0..99 {
        a.writes("nonsense").await;
    }
    for _ in 0..99 {
        assert_eq!(refused(&mut a).await, "Invalid JSON");
    }
    hears_nothing_more(&mut a).await;
    a.writes("nonsense").await;
    assert_eq!(a.is_sent_away().await.0, 4503);
}
