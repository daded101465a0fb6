//! The AsyncAPI 3.0 document of the socket, made of the operations' table and the list of events.

use chat::Limits;
use serde_json::{Map, Value, json};

use super::{
    encode::{Described, EVENTS, Numbered, THREADED},
    forms,
    openapi::{VERSION, pretty, problem},
    schemas::{Parts, Shape},
    table::{OPERATIONS, Operation},
    threads,
};

/// The document, as pretty JSON. The same every time.
#[must_use]
pub fn document() -> String {
    document_at("http://localhost:8080", "", &Limits::default())
}

/// The document of a server with these limits at an origin (`https://example.org`), below a path of it (`/chat`; empty
/// for none).
#[must_use]
pub fn document_at(origin: &str, path: &str, limits: &Limits) -> String {
    let (scheme, host) = origin.split_once("://").unwrap_or(("http", origin));
    let mut server = json!({ "host": host, "protocol": if scheme == "https" { "wss" } else { "ws" } });
    if !path.is_empty() {
        server["pathname"] = path.into();
    }
    let mut parts = Parts::new();
    let mut messages: Map<String, Value> = Map::new();
    let mut operations: Map<String, Value> = Map::new();
    let problem = problem(&mut parts);
    messages.insert("error".into(), refusal(&problem));
    for operation in OPERATIONS {
        messages.insert(format!("command.{}", operation.name), command(operation, limits, &mut parts));
        for (answer, output) in operation.answers.iter().zip(operation.outputs) {
            let data = output.reference(true, &mut parts);
            messages.entry(format!("answer.{answer}")).or_insert_with(|| self::answer(answer, &data));
        }
        operations.insert(operation.name.into(), asked(operation));
    }
    let summary = Shape::of::<threads::ThreadSummary<'static>>().reference(true, &mut parts);
    for told in EVENTS {
        let data = told.data.reference(true, &mut parts);
        let mut message = event_message(told, &data);
        if THREADED.contains(&told.name) {
            message["payload"]["properties"]["thread"] = summary.clone();
        }
        messages.insert(format!("event.{}", told.name), message);
        operations.insert(
            format!("on.{}", told.name),
            json!({
                "action": "send",
                "summary": told.summary,
                "channel": { "$ref": "#/channels/socket" },
                "messages": [in_channel(&format!("event.{}", told.name))],
            }),
        );
    }
    let channel: Map<String, Value> = messages
        .keys()
        .map(|name| (name.clone(), json!({ "$ref": format!("#/components/messages/{name}") })))
        .collect();
    let document = json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Palabre",
            "version": VERSION,
            "description": "The socket: one JSON object per text frame. Commands are answered in the order in which \
                            they were sent; events carry their number in the conversation.",
        },
        "defaultContentType": "application/json",
        "servers": { "own": server },
        "channels": {
            "socket": {
                "address": "/v1/ws",
                "title": "The socket",
                "servers": [{ "$ref": "#/servers/own" }],
                "messages": channel,
            },
        },
        "operations": operations,
        "components": { "messages": messages, "schemas": parts },
    });
    pretty(&document)
}

fn in_channel(message: &str) -> Value {
    json!({ "$ref": format!("#/channels/socket/messages/{message}") })
}

/// The commands that the server receives, and its replies.
fn asked(operation: &Operation) -> Value {
    let mut replies: Vec<Value> =
        operation.answers.iter().map(|answer| in_channel(&format!("answer.{answer}"))).collect();
    replies.push(in_channel("error"));
    json!({
        "action": "receive",
        "summary": operation.summary,
        "channel": { "$ref": "#/channels/socket" },
        "messages": [in_channel(&format!("command.{}", operation.name))],
        "reply": { "channel": { "$ref": "#/channels/socket" }, "messages": replies },
    })
}

fn command(operation: &Operation, limits: &Limits, parts: &mut Parts) -> Value {
    let mut data = operation.input.own(false, parts);
    forms::complete(operation, &mut data, limits);
    let mut required = vec!["id", "type"];
    if data["required"].as_array().is_some_and(|fields| !fields.is_empty()) {
        required.push("data");
    }
    json!({
        "name": operation.name,
        "title": operation.name,
        "summary": operation.summary,
        "payload": {
            "type": "object",
            "properties": {
                "id": { "type": "string", "minLength": 1, "maxLength": 64, "description": "Chosen by the client." },
                "type": { "const": operation.name },
                "data": data,
            },
            "required": required,
            "additionalProperties": false,
        },
    })
}

fn answer(name: &str, data: &Value) -> Value {
    json!({
        "name": name,
        "title": name,
        "payload": {
            "type": "object",
            "properties": {
                "re": { "type": "string", "description": "The command's id." },
                "type": { "const": name },
                "data": data,
            },
            "required": ["re", "type", "data"],
        },
    })
}

fn refusal(problem: &Value) -> Value {
    json!({
        "name": "error",
        "title": "error",
        "summary": "A command was refused.",
        "payload": {
            "type": "object",
            "properties": {
                "re": { "type": ["string", "null"], "description": "The command's id; null if it could not be read." },
                "type": { "const": "error" },
                "error": problem,
            },
            "required": ["re", "type", "error"],
        },
    })
}

fn event_message(told: &Described, data: &Value) -> Value {
    let mut properties = json!({ "type": { "const": told.name }, "data": data });
    let mut required = vec!["type", "data"];
    if told.placed {
        properties["conversation"] =
            json!({ "type": "integer", "description": "The conversation in which it happened." });
        required.push("conversation");
    }
    match told.number {
        Numbered::InConversation => {
            properties["seq"] = json!({ "type": "integer", "description": "Its number in the conversation." });
            required.push("seq");
        }
        Numbered::InAccount | Numbered::InAccountMostly => {
            properties["account_seq"] = json!({ "type": "integer", "description": "Its number in the account." });
            properties["account_after"] = json!({
                "type": "integer",
                "description": "The number that it follows, if that is not the one before its own.",
            });
            if told.number == Numbered::InAccount {
                required.push("account_seq");
            }
        }
        Numbered::Not => {}
    }
    json!({
        "name": told.name,
        "title": told.name,
        "summary": told.summary,
        "payload": { "type": "object", "properties": properties, "required": required },
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_command_answer_and_event_is_in_the_document() {
        let document: Value = serde_json::from_str(&document()).unwrap();
        let messages = document["channels"]["socket"]["messages"].as_object().unwrap();
        for operation in OPERATIONS {
            assert!(messages.contains_key(&format!("command.{}", operation.name)));
            assert_eq!(document["operations"][operation.name]["action"], "receive");
            for answer in operation.answers {
                assert!(messages.contains_key(&format!("answer.{answer}")), "{answer}");
            }
        }
        for told in EVENTS {
            assert!(messages.contains_key(&format!("event.{}", told.name)));
        }
        super::super::openapi::tests::assert_no_loose_ends(&document);
        assert_eq!(super::document(), super::document());
    }

    /// The transcripts play every fact and signal that there is (`replay` would not compile without them), so
    /// that their frames are all that the server can tell.
    #[test]
    fn what_the_transcripts_tell_is_what_is_documented() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/native/transcripts");
        let mut told = BTreeSet::new();
        let mut answered = BTreeSet::new();
        for entry in std::fs::read_dir(folder).unwrap() {
            let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
            for frame in text.lines().filter_map(|line| line.strip_prefix("< {")) {
                let frame: Value = serde_json::from_str(&format!("{{{frame}")).unwrap();
                let kind = frame["type"].as_str().unwrap().to_owned();
                if frame.get("re").is_some() {
                    answered.insert(kind)
                } else {
                    told.insert(kind)
                };
            }
        }
        let documented: BTreeSet<String> = EVENTS.iter().map(|told| told.name.to_owned()).collect();
        assert_eq!(told, documented);
        answered.remove("error");
        let answers: BTreeSet<String> =
            OPERATIONS.iter().flat_map(|operation| operation.answers).map(|answer| (*answer).to_owned()).collect();
        assert_eq!(answered, answers);
    }
}
