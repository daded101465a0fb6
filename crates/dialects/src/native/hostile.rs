//! Every frame, however hostile, is answered with a refusal that names the field, or with a step; never with a panic.

use std::panic::catch_unwind;

use chat::{ErrorCode, accounts::Speaker};
use serde_json::{Map, Value, json};

use super::{
    decode::decode,
    rest,
    table::{OPERATIONS, Operation},
};
use crate::{
    Step,
    replay::ann,
    rest::{Body, Call, Request},
};

/// An input with every field that the operation knows. Where fields exclude each other, one choice.
fn full(operation: &str) -> Value {
    let profile = json!({
        "display_name": "Ann", "first_name": "Ann", "last_name": null, "birth_date": "2000-01-02",
        "profession": "x", "city": "x", "language": "fr", "time_zone": "Europe/Paris", "status_message": "x",
    });
    let with = |mut input: Value| {
        input.as_object_mut().unwrap().extend(profile.as_object().unwrap().clone());
        input
    };
    match operation {
        "ping" | "server.get" | "server.statistics" | "server.figures" | "session.list" | "session.logout"
        | "account.get" | "draft.list" => json!({}),
        "authenticate" => json!({ "token": "t", "epoch": "e", "account_seq": 5, "cursors": { "12": 40 } }),
        "account.sync" => json!({ "since": 5 }),
        "draft.save" => json!({ "conversation": 1, "edit": 3, "thread": 2, "text": "x", "parent": 4, "since": 5 }),
        "draft.discard" => json!({ "conversation": 1, "edit": 3, "thread": 2 }),
        "account.register" => {
            with(json!({ "username": "ann", "password": "p", "email": "a@b.c", "setup_secret": "s" }))
        }
        "session.create" => json!({ "username": "ann", "password": "p" }),
        "session.refresh" => json!({ "refresh_token": "t" }),
        "session.end" => json!({ "session": 1 }),
        "account.update" => with(json!({})),
        "account.password" => json!({ "current": "a", "new": "b" }),
        "account.email" => json!({ "current": "a", "email": "ann@example.org" }),
        "presence.set" => json!({ "presence": "busy" }),
        "presence.get" => json!({ "users": [1, 2] }),
        "user.get" | "direct.get" => json!({ "user": 1 }),
        "user.list" | "room.list" => json!({ "prefix": "a", "cursor": "3", "limit": 5 }),
        "account.list" => json!({ "search": "a", "cursor": "3", "limit": 5 }),
        "user.role" => json!({ "user": 1, "role": "admin" }),
        "user.active" => json!({ "user": 1, "active": false }),
        "conversation.create" => {
            json!({ "kind": "room", "name": "r", "topic": "t", "visibility": "private", "client_id": "c" })
        }
        "conversation.list" => json!({ "cursor": "17-3", "limit": 5, "hidden": true }),
        "conversation.update" => {
            json!({ "conversation": 1, "name": "n", "topic": null, "visibility": "public", "edit_history": true, "previews": true })
        }
        "conversation.get" | "conversation.join" | "conversation.leave" | "conversation.hide" | "marker.list" => {
            json!({ "conversation": 1 })
        }
        "conversation.sync" => json!({ "conversation": 1, "since": 0 }),
        "room.get" => json!({ "name": "general" }),
        "member.list" => json!({ "conversation": 1, "cursor": "3", "limit": 5 }),
        "member.add" | "member.remove" | "member.abilities" => json!({ "conversation": 1, "user": 2 }),
        "member.update" => json!({ "conversation": 1, "user": 2, "role": "owner" }),
        "message.send" => {
            json!({
                "conversation": 1, "client_id": "c", "message_type": "image", "text": "x", "parent": 4, "thread": 3,
                "also_in_room": false, "files": ["00112233445566778899aabbccddeeff"],
            })
        }
        "account.avatar" | "server.avatar" => json!({ "picture": "00112233445566778899aabbccddeeff" }),
        "user.avatar" => json!({ "user": 1 }),
        "conversation.avatar" => json!({ "conversation": 1, "picture": null }),
        "file.voice" => {
            json!({ "file": "00112233445566778899aabbccddeeff", "duration_ms": 1000, "waveform": [0, 31] })
        }
        "emoji.list" => json!({ "rev": 3 }),
        "emoji.add" => json!({ "name": "parrot", "picture": "00112233445566778899aabbccddeeff" }),
        "emoji.remove" => json!({ "name": "parrot" }),
        "file.get" | "file.link" | "file.remove" => json!({ "file": "00112233445566778899aabbccddeeff" }),
        "message.versions" => json!({ "conversation": 1, "seq": 2, "cursor": "9", "limit": 5 }),
        "message.find" => json!({ "message": 7 }),
        "message.search" => {
            json!({ "q": "x", "conversation": 1, "utc_offset": "+02:00", "order": "best", "cursor": "9", "limit": 5 })
        }
        "search.complete" => json!({ "q": "from:a", "limit": 5 }),
        "message.history" => json!({ "conversation": 1, "before_seq": 9, "thread": 3, "limit": 5 }),
        "thread.list" => json!({ "unread": true, "cursor": "17-3-4", "limit": 5 }),
        "thread.follow" => json!({ "conversation": 1, "thread": 2, "follows": true }),
        "thread.notifications" => json!({ "conversation": 1, "thread": 2, "level": "mentions" }),
        "thread.read" => json!({ "conversation": 1, "thread": 2, "seq": 5 }),
        "message.edit" => json!({ "conversation": 1, "seq": 2, "text": "x" }),
        "reaction.add" | "reaction.remove" => json!({ "conversation": 1, "seq": 2, "emoji": "👍" }),
        "notifications.get" | "push_device.list" | "presence.active" | "marker.read_all" => json!({}),
        "notifications.set" => json!({
            "rooms": "mentions", "groups": "everything", "directs": "nothing", "keywords": ["deploy"],
            "quiet_hours": { "days": [1], "from": "22:00", "to": "07:00", "time_zone": "UTC" },
        }),
        "conversation.notifications" => {
            json!({ "conversation": 1, "level": "mentions", "muted_until": "2025-01-01T12:00:00Z" })
        }
        "notifications.explain" | "marker.unread" => json!({ "conversation": 1, "seq": 2 }),
        "message.get" | "message.delete" | "message.save" | "message.unsave" | "marker.read" | "marker.delivered"
        | "preview.remove" => json!({ "conversation": 1, "seq": 2 }),
        "saved.list" => json!({ "cursor": "3", "limit": 5, "messages": false }),
        "reminder.create" => json!({ "conversation": 1, "seq": 2, "at": "2025-01-01T12:00:00Z" }),
        "message.reach" => json!({ "conversation": 1, "text": "@room" }),
        "inbox.list" => json!({ "cursor": "1735732800000.7.3", "limit": 20, "threads": true }),
        "inbox.read" => json!({ "items": ["1735732800000.7.3"] }),
        "user_group.list" => json!({ "rev": 3 }),
        "user_group.get" | "user_group.delete" => json!({ "group": 4 }),
        "user_group.create" => json!({ "name": "dev", "people": [1, 2] }),
        "user_group.rename" => json!({ "group": 4, "name": "dev" }),
        "user_group.add" | "user_group.remove" => json!({ "group": 4, "people": [1, 2] }),
        "push_device.add" => json!({
            "endpoint": "https://push.example.org/a", "keys": { "p256dh": "BCVx", "auth": "BTBZ" }, "language": "fr",
            "text": false,
        }),
        "push_device.remove" => json!({ "device": 3 }),
        "push.open" => json!({ "ticket": "a.b.c" }),
        "reminder.cancel" => json!({ "reminder": 7 }),
        "reminder.list" => json!({ "due": true }),
        "typing.set" => json!({ "conversation": 1, "thread": 2, "typing": true }),
        other => panic!("{other} has no example: add one"),
    }
}

/// The refusal of a step, if it is one.
fn refusal(step: Step) -> Option<Value> {
    match step {
        Step::Refuse(frames) => {
            assert_eq!(frames.len(), 1);
            Some(serde_json::from_str(&frames[0]).unwrap())
        }
        _ => None,
    }
}

fn send(kind: &str, data: &str) -> Option<Value> {
    let frame = format!("{{\"id\":\"c1\",\"type\":\"{kind}\",\"data\":{data}}}");
    let speaker = ann();
    catch_unwind(|| refusal(decode(Some(&speaker), &frame))).unwrap_or_else(|_| panic!("panicked at {frame}"))
}

/// The input as text with one field's value replaced by this text.
fn with_field(input: &Map<String, Value>, field: &str, text: &str) -> String {
    let fields: Vec<String> = input
        .iter()
        .map(|(name, value)| format!("{:?}:{}", name, if name == field { text.to_owned() } else { value.to_string() }))
        .collect();
    format!("{{{}}}", fields.join(","))
}

fn names_it(refused: &Value, pointer: &str) -> bool {
    let error = &refused["error"];
    let there = error["errors"][0]["pointer"].as_str().unwrap_or_default();
    error["code"] == "invalid" && (there == pointer || there.starts_with(&format!("{pointer}/")))
}

#[test]
fn every_example_is_understood_and_answered() {
    for operation in OPERATIONS {
        let input = full(operation.name);
        assert!(send(operation.name, &input.to_string()).is_none(), "{}: {input}", operation.name);
    }
}

#[test]
fn every_field_of_every_command_refuses_what_it_cannot_be() {
    let deep = format!("{}1{}", "[".repeat(20_000), "]".repeat(20_000));
    let deep_object = format!("{}1{}", "{\"a\":".repeat(20_000), "}".repeat(20_000));
    let wrong_for_all = ["1.5", "1e400", "-1", "{\"x\":1}", "[{}]", "\"a\\u0000b\"", &deep, &deep_object];
    // A lone surrogate is refused wherever a text is read, and is no number either.
    let surrogates = ["\"\\ud800\"", "\"\\udc00x\"", "\"\\ud800\\u0041\""];
    let huge = ["9007199254740992", "18446744073709551616", "1e30", "99999999999999999999999999"];
    let mut tried = 0;
    for operation in OPERATIONS {
        let input = full(operation.name);
        let input = input.as_object().unwrap();
        for (field, value) in input {
            let pointer = format!("/{field}");
            let mut wrong: Vec<&str> = wrong_for_all.iter().chain(&surrogates).chain(&huge).copied().collect();
            wrong.push(if value.is_boolean() { "\"true\"" } else { "true" });
            wrong.push(if value.is_string() || value.is_null() { "7" } else { "\"7\"" });
            for text in wrong {
                let data = with_field(input, field, text);
                let shown: String = data.chars().take(200).collect();
                let refused = send(operation.name, &data).unwrap_or_else(|| panic!("{}: {shown}", operation.name));
                assert_eq!(refused["re"], "c1");
                assert!(names_it(&refused, &pointer), "{}: {shown}\n{refused}", operation.name);
                tried += 1;
            }
        }
    }
    assert!(tried > 1_000, "{tried}");
}

#[test]
fn a_missing_field_is_named_or_optional_and_null_is_an_error_or_an_absence() {
    let mut required = 0;
    for operation in OPERATIONS {
        let input = full(operation.name);
        for field in input.as_object().unwrap().keys() {
            let mut without = input.as_object().unwrap().clone();
            without.remove(field);
            if let Some(refused) = send(operation.name, &Value::Object(without).to_string()) {
                assert!(names_it(&refused, &format!("/{field}")), "{}: {refused}", operation.name);
                required += 1;
            }
            let null = with_field(input.as_object().unwrap(), field, "null");
            if let Some(refused) = send(operation.name, &null) {
                assert!(names_it(&refused, &format!("/{field}")), "{}: {refused}", operation.name);
            }
        }
    }
    assert!(required > 30, "{required}");
}

#[test]
fn unknown_and_doubled_fields_are_named() {
    for operation in OPERATIONS {
        let mut input = full(operation.name);
        let double = input.as_object().unwrap().iter().next().map(|(name, value)| (name.clone(), value.clone()));
        input["tex~t/"] = json!({ "deep": [1, 2, { "a": null }] });
        let refused = send(operation.name, &input.to_string()).unwrap();
        assert!(names_it(&refused, "/tex~0t~1"), "{}: {refused}", operation.name);
        if let Some((name, value)) = double {
            let data = format!("{{{name:?}:{value},{name:?}:{value}}}");
            let refused = send(operation.name, &data).unwrap();
            assert!(names_it(&refused, &format!("/{name}")), "{}: {refused}", operation.name);
        }
    }
}

#[test]
fn data_must_be_an_object() {
    for operation in OPERATIONS {
        for data in ["[]", "[1,\"c\",\"x\",null]", "\"x\"", "7", "true"] {
            let refused = send(operation.name, data).unwrap();
            assert_eq!(refused["error"]["errors"][0]["pointer"], "", "{} {data}", operation.name);
        }
    }
}

#[test]
fn unreadable_frames_are_refused_and_say_so() {
    let deep = "[".repeat(60_000);
    let cases = [
        ("", "malformed", Value::Null),
        ("nonsense", "malformed", Value::Null),
        ("{", "malformed", Value::Null),
        ("[]", "malformed", Value::Null),
        ("[1,2]", "malformed", Value::Null),
        ("7", "malformed", Value::Null),
        ("\"x\"", "malformed", Value::Null),
        ("null", "malformed", Value::Null),
        (deep.as_str(), "malformed", Value::Null),
        ("{}", "malformed", Value::Null),
        (r#"{"type":"ping"}"#, "malformed", Value::Null),
        (r#"{"id":7,"type":"ping"}"#, "malformed", Value::Null),
        (r#"{"id":"","type":"ping"}"#, "malformed", Value::Null),
        (r#"{"id":"\ud800","type":"ping"}"#, "malformed", Value::Null),
        (r#"{"id":"a","id":"b","type":"ping"}"#, "malformed", Value::Null),
        (r#"{"id":"a","type":"ping"} x"#, "malformed", Value::Null),
        (r#"{"id":"a"}"#, "malformed", json!("a")),
        (r#"{"id":"a","type":7}"#, "malformed", json!("a")),
        (r#"{"id":"a","type":"ping","type":"ping"}"#, "malformed", json!("a")),
        (r#"{"id":"a","type":"ping","extra":1}"#, "malformed", json!("a")),
        (r#"{"id":"a","type":"message.sned"}"#, "unknown_command", json!("a")),
    ];
    for (frame, code, re) in cases {
        let shown: String = frame.chars().take(80).collect();
        let refused = refusal(decode(Some(&ann()), frame)).unwrap_or_else(|| panic!("{shown} was accepted"));
        assert_eq!(refused["type"], "error", "{shown}");
        assert_eq!(refused["error"]["code"], code, "{shown}");
        assert_eq!(refused["re"], re, "{shown}");
    }
    let long = "é".repeat(64);
    assert!(refusal(decode(None, &json!({ "id": long, "type": "ping" }).to_string())).is_none());
    let longer = "é".repeat(65);
    assert!(refusal(decode(None, &json!({ "id": longer, "type": "ping" }).to_string())).is_some());
}

#[test]
fn strangers_may_only_introduce_themselves() {
    let open =
        ["authenticate", "ping", "server.get", "account.register", "session.create", "session.refresh", "push.open"];
    for operation in OPERATIONS {
        let frame = json!({ "id": "1", "type": operation.name, "data": full(operation.name) }).to_string();
        let refused = refusal(decode(None, &frame));
        assert_eq!(refused.is_none(), open.contains(&operation.name), "{}", operation.name);
        if let Some(refused) = refused {
            assert_eq!(refused["error"]["code"], "unauthenticated");
        }
    }
}

/// Method, path, query and body that say the same as the input.
fn over_rest(operation: &Operation, route: usize, input: &Value) -> (String, String, String) {
    let route = &operation.routes[route];
    let text = |value: &Value| match value {
        Value::String(text) => text.replace('%', "%25").replace('👍', "%F0%9F%91%8D"),
        Value::Array(items) => items.iter().map(Value::to_string).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    };
    let mut body = input.as_object().unwrap().clone();
    let mut path = route.path.to_owned();
    for (placeholder, field, _) in route.path_fields {
        path = path.replace(&format!("{{{placeholder}}}"), &text(&body.remove(*field).unwrap()));
    }
    let query: Vec<String> =
        route.query.iter().filter_map(|(name, _)| Some(format!("{name}={}", text(&body.remove(*name)?)))).collect();
    let body = if body.is_empty() { String::new() } else { Value::Object(body).to_string() };
    (path, query.join("&"), body)
}

#[test]
fn every_operation_says_the_same_over_rest() {
    for operation in OPERATIONS {
        for index in 0..operation.routes.len() {
            let (path, query, body) = over_rest(operation, index, &full(operation.name));
            let method = operation.routes[index].method;
            let matched = rest::route(method, &path).unwrap_or_else(|e| panic!("{method} {path}: {e:?}"));
            assert_eq!(matched.operation(), operation.name, "{method} {path}");
            let call = ask(&matched, &query, body.as_bytes(), None, Some(&ann()));
            assert!(call.is_ok(), "{method} {path}?{query} {body}: {:?}", call.err());
            // Extra fields and parameters are named here as well.
            let extra = ask(&matched, "zzz=1", body.as_bytes(), None, Some(&ann()));
            assert_eq!(extra.err().unwrap().field.as_deref(), Some("/zzz"));
            let extra = ask(&matched, &query, b"{\"zzz\":1}", None, Some(&ann())).err().unwrap();
            assert!(extra.field.is_some(), "{extra:?}");
            if operation.speaker {
                let stranger = ask(&matched, &query, body.as_bytes(), None, None).err().unwrap();
                assert_eq!(stranger.code, ErrorCode::Unauthenticated);
            }
        }
    }
}

fn ask(
    matched: &rest::Matched,
    query: &str,
    body: &[u8],
    key: Option<&str>,
    speaker: Option<&Speaker>,
) -> Result<Call, chat::Error> {
    let header = |name: &str| key.filter(|_| name == "idempotency-key").map(str::to_owned);
    rest::request(matched, &Request { speaker, query, body: &Body::Json(body.to_vec()), header: &header, base: "" })
}

fn post(path: &str, query: &str, body: &[u8], key: Option<&str>) -> Result<Step, chat::Error> {
    let matched = rest::route("POST", path).unwrap();
    ask(&matched, query, body, key, Some(&ann())).map(|call| call.step)
}

#[test]
fn what_is_given_twice_must_agree() {
    let path = "/v1/conversations/12/messages";
    let submission = |step: Result<Step, chat::Error>| match step {
        Ok(Step::Send(submission, _)) => submission,
        Ok(_) => panic!("not a send"),
        Err(error) => panic!("{error}"),
    };
    let sent = submission(post(path, "", br#"{"text":"x","conversation":12}"#, Some("\"k-1\"")));
    assert_eq!((sent.conversation.0, sent.client_id.unwrap().as_str()), (12, "k-1"));
    assert!(post(path, "", br#"{"text":"x","client_id":"k"}"#, Some("k")).is_ok());
    let refused = |body: &[u8], key| {
        let error = post(path, "", body, key).err().unwrap();
        (error.code, error.field.unwrap_or_default())
    };
    assert_eq!(refused(br#"{"text":"x","conversation":13}"#, None), (ErrorCode::Malformed, "/conversation".into()));
    assert_eq!(refused(br#"{"text":"x","client_id":"k"}"#, Some("j")), (ErrorCode::Malformed, "/client_id".into()));
    assert_eq!(refused(br#"{"text":"x"}"#, Some("a b")), (ErrorCode::Malformed, "/client_id".into()));
    assert_eq!(refused(br#"{"text":"x","text":"y"}"#, None), (ErrorCode::Malformed, "/text".into()));
    assert_eq!(refused(b"[1]", None).0, ErrorCode::Malformed);
    assert_eq!(refused(b"\"x\"", None).0, ErrorCode::Malformed);
    assert_eq!(refused(b"{\"text\":\"\xff\"}", None).0, ErrorCode::Malformed);
    assert_eq!(refused(br#"{"text":"\ud83d"}"#, None), (ErrorCode::Invalid, "/text".into()));
    assert_eq!(refused("[".repeat(60_000).as_bytes(), None).0, ErrorCode::Malformed);
}

#[test]
fn refusals_do_not_repeat_what_was_sent() {
    let refused = send("session.create", r#"{"username":"ann","password":["hunter2"]}"#).unwrap();
    assert!(!refused.to_string().contains("hunter2"), "{refused}");
    let refused = send("user.get", r#"{"user":"hunter2, expected hunter2"}"#).unwrap();
    assert_eq!(refused["error"]["detail"], "user must be a whole number from 0 to 9007199254740991.");
}
