//! Push devices of a script, and what they are told.

use chat::{
    ConversationId, Number, PushDeviceId, SessionId, UserId,
    push_devices::{PushDevice, PushExplained, PushKind, PushState, PushedMessage},
};
use serde_json::Value;

use super::{
    NOON,
    nouns::{int, optional, text},
};

pub(super) fn push_device(value: &Value) -> PushDevice {
    PushDevice {
        id: PushDeviceId(int(&value["id"], 3)),
        user: UserId(3),
        session: SessionId(int(&value["session"], 9)),
        agent: optional(&value["agent"]),
        language: text(&value["language"], "en"),
        shows_text: value["text"] != false,
        created_at: NOON,
        rev: Number(int(&value["rev"], 5)),
    }
}

pub(super) fn push_explained(value: &Value) -> PushExplained {
    PushExplained {
        device: PushDeviceId(int(&value["device"], 3)),
        state: value["state"].as_str().and_then(PushState::from_name),
        seq: value["seq"].as_i64().map(Number),
        at: value["state"].as_str().map(|_| NOON),
        error: optional(&value["error"]),
    }
}

pub(super) fn pushed_message(value: &Value) -> PushedMessage {
    PushedMessage {
        conversation: ConversationId(int(&value["conversation"], 12)),
        seq: Number(int(&value["seq"], 42)),
        thread: value["thread"].as_i64().map(Number),
        kind: PushKind::Mention,
        name: optional(&value["name"]),
        author: text(&value["author"], "Bob"),
        text: optional(&value["text"]),
        is_read: value["read"] == true,
        unread: int(&value["unread"], 1),
        language: text(&value["language"], "en"),
    }
}
