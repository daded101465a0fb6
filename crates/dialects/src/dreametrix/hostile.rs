//! Whatever is sent, the answer is a refusal that names the field, or a step; never a panic.

use chat::{
    ConversationId, Millis, Number, Reply, UserId,
    conversations::{Conversation, Kind, Listed, Visibility},
    members::Role,
};
use serde_json::{Value, json};

use super::{decode::decode, rest};
use crate::{
    Step,
    replay::ann,
    rest::{Body, Call, FormValue, Request},
};

/// The words of a refusal, if a frame is one.
fn refusal(frame: &str) -> Option<String> {
    match decode(Some(&ann()), frame) {
        Step::Refuse(frames) => {
            assert_eq!(frames.len(), 1);
            let said: Value = serde_json::from_str(&frames[0]).unwrap();
            assert_eq!(said["type"], "error");
            assert_eq!(said["message"], said["data"]["error"]);
            Some(said["message"].as_str().unwrap().to_owned())
        }
        _ => None,
    }
}

const FRAMES: [(&str, &[&str]); 9] = [
    (r#"{"type":"join_room","room_id":1}"#, &["room_id"]),
    (r#"{"type":"leave_room","room_id":1}"#, &["room_id"]),
    (r#"{"type":"send_message","room_id":1,"content":"x"}"#, &["room_id", "content"]),
    (r#"{"type":"message","room_id":1,"content":"x"}"#, &["room_id", "content"]),
    (r#"{"type":"typing_start","room_id":1}"#, &["room_id"]),
    (r#"{"type":"typing_stop","room_id":1}"#, &["room_id"]),
    (r#"{"type":"typing","room_id":1,"is_typing":true}"#, &["room_id", "is_typing"]),
    (r#"{"type":"user_status","status":"away"}"#, &["status"]),
    (r#"{"type":"ping"}"#, &[]),
];

/// Values that no field of this endpoint can have.
fn wrong() -> Vec<String> {
    let nested = |open: &str, close: &str| format!("{}1{}", open.repeat(20_000), close.repeat(20_000));
    let short = ["1.5", "-1", "1e400", "1e30", "9007199254740992", "18446744073709551616", "{}", "[]", "[{}]"];
    let texts = [r#""a\u0000b""#, r#""\ud800""#, r#""\udc00x""#, r#""\ud800\u0041""#];
    let deep = [nested("[", "]"), nested("{\"a\":", "}")];
    short.iter().chain(&texts).map(|text| (*text).to_owned()).chain(deep).collect()
}

/// The object as text with one field's value replaced by this text.
fn with_field(input: &Value, field: &str, text: &str) -> String {
    let input = input.as_object().unwrap();
    let value = |name: &str, value: &Value| if name == field { text.to_owned() } else { value.to_string() };
    let fields: Vec<String> = input.iter().map(|(name, old)| format!("{name:?}:{}", value(name, old))).collect();
    format!("{{{}}}", fields.join(","))
}

#[test]
fn every_field_of_every_frame_refuses_what_it_cannot_be() {
    let mut tried = 0;
    for (frame, fields) in FRAMES {
        assert!(refusal(frame).is_none(), "{frame}");
        let input: Value = serde_json::from_str(frame).unwrap();
        let kind = input["type"].as_str().unwrap();
        for field in fields.iter().chain(&["type"]) {
            for text in wrong().iter().chain([&"null".to_owned()]) {
                let mutated = with_field(&input, field, text);
                let shown: String = mutated.chars().take(100).collect();
                let words = refusal(&mutated).unwrap_or_else(|| panic!("{shown} was accepted"));
                assert!(words.starts_with(&format!("{field} ")), "{shown}: {words}");
                tried += 1;
                if *field != "type" {
                    let nested = format!("{{\"type\":{kind:?},\"data\":{mutated}}}");
                    let words = refusal(&nested).unwrap_or_else(|| panic!("{shown} was accepted in data"));
                    assert!(words.starts_with(&format!("{field} ")), "{shown}: {words}");
                }
            }
        }
    }
    assert!(tried > 250, "{tried}");
}

#[test]
fn a_frame_that_ends_early_is_no_json() {
    for (frame, _) in FRAMES {
        for end in 0..frame.len() {
            assert_eq!(refusal(&frame[..end]).as_deref(), Some("Invalid JSON"), "{}", &frame[..end]);
        }
        assert_eq!(refusal(&format!("{frame} x")).as_deref(), Some("Invalid JSON"));
    }
}

const REQUESTS: [(&str, &str, &str, &[&str]); 8] = [
    (
        "POST",
        "/chats/rooms/",
        r#"{"name":"n","details":"d","is_group":true,"participants":[1]}"#,
        &["name", "details", "is_group"],
    ),
    (
        "POST",
        "/chats/rooms/create/",
        r#"{"name":"n","is_group":true,"initial_message":"x"}"#,
        &["name", "initial_message"],
    ),
    ("PUT", "/chats/rooms/12/", r#"{"name":"n","details":"d"}"#, &["name", "details"]),
    ("PATCH", "/chats/rooms/12/", r#"{"name":"n"}"#, &["name"]),
    (
        "POST",
        "/chats/messages/",
        r#"{"chat_room_id":12,"content":"x","emoji":"x","message_type":"text"}"#,
        &["chat_room_id", "content", "emoji", "message_type"],
    ),
    ("POST", "/chats/messages/create/", r#"{"chat":12,"content":"x"}"#, &["chat", "content"]),
    ("PUT", "/chats/messages/7/", r#"{"content":"x"}"#, &["content"]),
    ("PATCH", "/chats/messages/7/", r#"{"content":"x"}"#, &["content"]),
];

fn ask(method: &str, path: &str, body: Body) -> Result<Call, chat::Error> {
    let matched = rest::route(method, path).unwrap_or_else(|e| panic!("{method} {path}: {e:?}"));
    let speaker = ann();
    rest::request(&matched, &Request { speaker: Some(&speaker), query: "", body: &body, header: &|_| None, base: "" })
}

#[test]
fn every_field_of_every_body_refuses_what_it_cannot_be() {
    let json = |text: &str| Body::Json(text.as_bytes().to_vec());
    let mut tried = 0;
    for (method, path, body, fields) in REQUESTS {
        assert!(ask(method, path, json(body)).is_ok(), "{method} {path}");
        assert!(ask(method, path, json(&format!("{{\"data\":{body}}}"))).is_ok(), "{method} {path}");
        let input: Value = serde_json::from_str(body).unwrap();
        for field in fields {
            for text in wrong() {
                let mutated = with_field(&input, field, &text);
                for body in [mutated.clone(), format!("{{\"data\":{mutated}}}")] {
                    let shown: String = body.chars().take(100).collect();
                    let error = ask(method, path, json(&body)).err().unwrap_or_else(|| panic!("{shown} was accepted"));
                    assert_eq!(error.field.as_deref(), Some(format!("/{field}").as_str()), "{shown}");
                    let (status, said) = rest::problem(&error);
                    let said: Value = serde_json::from_str(&said).unwrap();
                    assert_eq!((status, &said["errors"][field][0]), (422, &said["detail"]), "{shown}");
                    tried += 1;
                }
            }
        }
        for end in 0..body.len() {
            assert!(ask(method, path, json(&body[..end])).is_err(), "{}", &body[..end]);
        }
        assert!(ask(method, path, Body::Json(b"{\"content\":\"\xff\"}".to_vec())).is_err());
    }
    assert!(tried > 400, "{tried}");
}

#[test]
fn forms_are_read_as_strictly() {
    let text = |name: &str, text: &str| (name.to_owned(), FormValue::Text(text.to_owned()));
    let refused = |fields: Vec<(String, FormValue)>| {
        ask("POST", "/chats/messages/", Body::Form(fields)).err().and_then(|error| error.field)
    };
    assert_eq!(refused(vec![text("chat", "12"), text("content", "x")]), None);
    for wrong in ["", " ", "-1", "1.5", "true", "null", "12\0", "9007199254740992"] {
        let field = refused(vec![text("chat", wrong), text("content", "x")]);
        assert_eq!(field.as_deref(), Some("/chat"), "{wrong:?}");
    }
    assert_eq!(refused(vec![text("chat", "12"), text("content", "a\0b")]).as_deref(), Some("/content"));
    assert_eq!(refused(Vec::new()).as_deref(), Some("/chat_room_id"));
}

/// A room with so many members, as the server answers.
fn room(member_count: i64) -> Reply {
    let conversation = Conversation {
        id: ConversationId(12),
        kind: Kind::Room,
        visibility: Visibility::Public,
        name: Some("Tous".into()),
        topic: None,
        avatar: None,
        created_by: UserId(1),
        created_at: Millis(0),
        head: Number(4),
        rev: Number(1),
        member_count,
        edit_history: false,
        pair: None,
        previews: false,
    };
    let (role, read_seq) = (Role::Member, Number(0));
    Reply::Conversation(Box::new(Listed {
        conversation,
        role,
        read_seq,
        visible_from: Number(0),
        unread: 0,
        unread_for_me: 0,
        settings: chat::notifications::ConversationSettings::default(),
        last_message: None,
        room: None,
        peer: None,
    }))
}

#[test]
fn the_markers_of_a_large_room_are_not_asked_for() {
    for (members, asks) in [(200, true), (201, false)] {
        let matched = rest::route("GET", "/chats/messages/").unwrap();
        let (speaker, body) = (ann(), Body::Json(Vec::new()));
        let request =
            Request { speaker: Some(&speaker), query: "chat=12", body: &body, header: &|_| None, base: "http://p" };
        let Ok(Call { step, pending }) = rest::request(&matched, &request) else { panic!("refused") };
        let Step::Ask(_, then) = step else { panic!("asks for no conversation") };
        let Step::Ask(_, then) = then(Ok(room(members))) else { panic!("asks for no messages") };
        let last = then(Ok(Reply::Timeline { messages: Vec::new(), total: 0 }));
        assert_eq!(matches!(last, Step::Ask(..)), asks, "{members}");
        if !asks {
            let answer: Value = serde_json::from_slice(&pending.outcome().unwrap().content.unwrap().bytes).unwrap();
            assert_eq!(answer, json!({ "count": 0, "next": null, "previous": null, "results": [] }));
        }
    }
}
