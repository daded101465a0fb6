//! Whatever is sent to these endpoints, the answer is a refusal that names the field, or a step; never a panic.

use std::panic::catch_unwind;

use serde_json::{Value, json};

use super::rest;
use crate::{
    Dialect, Step,
    replay::ann,
    rest::{Body, Call, Request},
};

/// Every frame of both sockets, with every field that it may have.
fn frames() -> Vec<(Dialect, Value)> {
    let service = [
        json!({ "type": "send_message", "conversation_id": 1, "content": "x" }),
        json!({ "type": "send_message", "conversation_id": "1", "message": "x" }),
        json!({ "type": "join_conversation", "conversation_id": 1 }),
        json!({ "type": "typing", "conversation_id": 1, "is_typing": true }),
        json!({ "type": "reaction_add", "message_id": 5, "emoji": "👍" }),
        json!({ "type": "reaction_remove", "message_id": 5, "emoji": "👍" }),
    ];
    let gateway = [
        json!({ "type": "subscribe", "data": { "channel": "chat_1" } }),
        json!({ "type": "unsubscribe", "data": { "channel": "user-updates" } }),
        json!({ "type": "send_message", "data": { "conversation_id": "1", "message": "x" } }),
        json!({ "type": "chat", "data": { "conversation_id": 1, "content": "x" } }),
        json!({ "type": "typing", "data": { "conversation_id": "1", "is_typing": false } }),
        json!({ "type": "join_conversation", "data": { "conversation_id": "1" } }),
        json!({ "type": "reaction_add", "message_id": 5, "emoji": "👍" }),
        json!({ "type": "reaction_remove", "message_id": 5, "emoji": "👍" }),
        json!({ "type": "notification", "data": { "action": "mark_read", "notification_id": "4" } }),
        json!({ "type": "ping" }),
    ];
    let service = service.into_iter().map(|frame| (named("matcha"), frame));
    service.chain(gateway.into_iter().map(|frame| (named("matcha_gateway"), frame))).collect()
}

/// Every request with a body.
fn requests() -> Vec<(&'static str, &'static str, Value)> {
    vec![
        ("POST", "/api/v1/chat/conversations", json!({ "user_id": 2 })),
        ("DELETE", "/api/v1/chat/conversations", json!({ "target_user_id": 2 })),
        ("POST", "/api/v1/chat/messages", json!({ "conversation_id": 1, "message": "x" })),
        ("POST", "/api/v1/chat/messages", json!({ "conversation_id": "1", "content": "x" })),
        ("POST", "/api/v1/chat/reactions", json!({ "message_id": 5, "emoji": "👍" })),
        ("POST", "/api/v1/auth/refresh", json!({ "refresh_token": "r" })),
    ]
}

/// Values that this field cannot have, whatever its type: a text, an id or a truth.
fn wrong_values(right: &Value) -> Vec<String> {
    let deep = format!("{}1{}", "[".repeat(20_000), "]".repeat(20_000));
    let deep_object = format!("{}1{}", "{\"a\":".repeat(20_000), "}".repeat(20_000));
    let mut wrong: Vec<String> = ["1.5", "1e400", "-1", "{\"x\":1}", "[{}]", "\"a\\u0000b\"", "\"\\ud800\""]
        .into_iter()
        .chain(["\"\\udc00x\"", "9007199254740992", "18446744073709551616", "1e30", "99999999999999999999999999"])
        .map(str::to_owned)
        .collect();
    wrong.extend([deep, deep_object]);
    wrong.push(if right.is_boolean() { "\"true\"" } else { "true" }.into());
    wrong
}

/// The object as text, with one field's value replaced by this text; without the field if there is none.
fn with_field(object: &Value, field: &str, text: Option<&str>) -> String {
    let fields: Vec<String> = object
        .as_object()
        .unwrap()
        .iter()
        .filter_map(|(name, value)| {
            let value = if name == field { text?.to_owned() } else { value.to_string() };
            Some(format!("{name:?}:{value}"))
        })
        .collect();
    format!("{{{}}}", fields.join(","))
}

fn named(name: &str) -> Dialect {
    Dialect::named(name).unwrap()
}

/// The outcome of a frame: its refusal, if it is not understood.
fn refusal(dialect: Dialect, frame: &str) -> Option<Value> {
    let shown: String = frame.chars().take(200).collect();
    let step = catch_unwind(|| (dialect.decode)(Some(&ann()), frame)).unwrap_or_else(|_| panic!("panicked at {shown}"));
    let Step::Refuse(frames) = step else { return None };
    assert_eq!(frames.len(), 1, "{shown}");
    let refused: Value = serde_json::from_str(&frames[0]).unwrap();
    assert_eq!(refused["type"], "error", "{shown}");
    Some(refused)
}

/// Whether a refusal says which field is meant; the old words for a conversation are two.
fn names_it(words: &str, field: &str) -> bool {
    words.contains(field) || (field == "conversation_id" && words == "invalid conversation ID")
}

/// Each field of a frame, under `data` or not: its name, its value, and how the frame reads with another one.
fn fields(frame: &Value) -> Vec<(String, Value, impl Fn(Option<&str>) -> String)> {
    let inner = frame.get("data").cloned();
    let object = inner.as_ref().unwrap_or(frame).as_object().unwrap().clone();
    object
        .into_iter()
        .filter(|(name, _)| name != "type")
        .map(|(name, value)| {
            let (frame, inner, field) = (frame.clone(), inner.clone(), name.clone());
            let replaced = move |text: Option<&str>| match &inner {
                Some(inner) => with_field(&frame, "data", Some(&with_field(inner, &field, text))),
                None => with_field(&frame, &field, text),
            };
            (name, value, replaced)
        })
        .collect()
}

#[test]
fn every_example_is_understood_and_extra_fields_do_no_harm() {
    for (dialect, mut frame) in frames() {
        assert_eq!(refusal(dialect, &frame.to_string()), None, "{frame}");
        frame["zzz"] = json!({ "deep": [1, { "a": null }] });
        if let Some(data) = frame.get_mut("data") {
            data["zzz"] = json!([null]);
        }
        assert_eq!(refusal(dialect, &frame.to_string()), None, "{frame}");
    }
}

#[test]
fn every_field_of_every_frame_refuses_what_it_cannot_be() {
    let mut tried = 0;
    for (dialect, frame) in frames() {
        for (name, value, replaced) in fields(&frame) {
            for wrong in wrong_values(&value) {
                let text = replaced(Some(&wrong));
                let shown: String = text.chars().take(200).collect();
                let refused = refusal(dialect, &text).unwrap_or_else(|| panic!("accepted: {shown}"));
                let words = refused["data"]["message"].as_str().unwrap();
                assert!(names_it(words, &name), "{shown}\n{refused}");
                tried += 1;
            }
        }
    }
    assert!(tried > 300, "{tried}");
}

#[test]
fn a_missing_field_is_named_unless_it_may_be_missing() {
    for (dialect, frame) in frames() {
        for (name, _, replaced) in fields(&frame) {
            let refused = refusal(dialect, &replaced(None));
            if name == "is_typing" {
                assert_eq!(refused, None, "{frame}");
                continue;
            }
            let refused = refused.unwrap_or_else(|| panic!("{frame} without {name}"));
            let words = refused["data"]["message"].as_str().unwrap();
            // A text has several names; the usual one is said.
            let name = match (name.as_str(), dialect.name) {
                ("message", "matcha") => "content",
                ("content", "matcha_gateway") => "message",
                (name, _) => name,
            };
            assert!(names_it(words, name), "{frame} without {name}: {refused}");
        }
    }
}

#[test]
fn damaged_frames_are_refused_or_understood_and_nothing_else() {
    let mut dice = 0x2545_f491_4f6c_dd1d_u64;
    let mut roll = |most: usize| {
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        usize::try_from(dice % u64::try_from(most).unwrap()).unwrap()
    };
    let spare: Vec<char> = "{}[]\":,\\0-9eu\u{0}\u{feff}é👍 nullt".chars().collect();
    for (dialect, frame) in frames() {
        let frame: Vec<char> = frame.to_string().chars().collect();
        for end in 0..frame.len() {
            let cut: String = frame[..end].iter().collect();
            assert!(refusal(dialect, &cut).is_some(), "{cut}");
        }
        for _ in 0..500 {
            let mut damaged = frame.clone();
            for _ in 0..=roll(3) {
                let at = roll(damaged.len());
                match roll(3) {
                    0 => damaged[at] = spare[roll(spare.len())],
                    1 => damaged.insert(at, spare[roll(spare.len())]),
                    _ => drop(damaged.remove(at)),
                }
            }
            let _either = refusal(dialect, &damaged.iter().collect::<String>());
        }
    }
}

fn ask(method: &str, path: &str, query: &str, body: &str) -> Result<Call, chat::Error> {
    let speaker = ann();
    let matched = crate::rest::Found::among(rest::ROUTES, method, path).map_err(|misrouted| misrouted.error)?;
    let body = Body::Json(body.as_bytes().to_vec());
    rest::request(&matched, &Request { speaker: Some(&speaker), query, body: &body, header: &|_| None, base: "" })
}

#[test]
fn every_field_of_every_request_refuses_what_it_cannot_be() {
    for (method, path, body) in requests() {
        assert!(ask(method, path, "", &body.to_string()).is_ok(), "{method} {path} {body}");
        for (field, value) in body.as_object().unwrap() {
            for wrong in wrong_values(value) {
                let text = with_field(&body, field, Some(&wrong));
                let shown: String = text.chars().take(200).collect();
                let error = ask(method, path, "", &text).err().unwrap_or_else(|| panic!("{method} {path} {shown}"));
                let (status, refused) = rest::problem(&error);
                let refused: Value = serde_json::from_str(&refused).unwrap();
                assert_eq!((status, &refused["success"]), (400, &json!(false)), "{shown}: {refused}");
                assert!(names_it(refused["error"].as_str().unwrap(), field), "{shown}: {refused}");
            }
            assert!(ask(method, path, "", &with_field(&body, field, None)).is_err(), "{body} without {field}");
        }
        for whole in ["", "[]", "7", "null", "\"x\"", "{", "{}", "\u{feff}{}"] {
            assert!(ask(method, path, "", whole).is_err(), "{method} {path} {whole}");
        }
    }
}

#[test]
fn every_path_and_query_is_answered() {
    let odd = ["0", "-1", "1.5", "x", "%00", "%ff", "%", "..", "9007199254740992", "%F0%9F%91%8D", "a%2Fb", "+1"];
    for (_, template) in rest::paths() {
        for one in odd {
            let path = template.replace("{conversation}", one).replace("{message}", one);
            let path = path.replace("{user}", one).replace("{emoji}", one);
            for method in ["GET", "POST", "PUT", "DELETE", "HEAD", "PATCH"] {
                for query in ["", "limit=&offset=", "limit=1&limit=x", "limit=-9223372036854775808", "%", "&&=&"] {
                    if let Err(error) = ask(method, &path, query, "{}") {
                        let (status, body) = rest::problem(&error);
                        assert!((400..500).contains(&status), "{method} {path}?{query}: {body}");
                    }
                }
            }
        }
    }
}
