//! What a person hears, as a person would say it.

use std::collections::VecDeque;

use serde_json::Value;

/// Something that was heard.
#[derive(Clone, Debug)]
pub struct Heard {
    /// In words: `ann: hello`, `ann edits: hello`, `bob joins`.
    pub words: String,
    /// Whether the hearer said or did it.
    pub own: bool,
    /// The frame.
    pub frame: Value,
}

/// What was heard and not asked for yet.
#[derive(Debug, Default)]
pub struct Inbox {
    /// Numbered events, and coming into and out of conversations.
    pub heard: VecDeque<Heard>,
    /// Typing, presence, markers, the own account and drafts.
    pub signals: VecDeque<Heard>,
    /// Frames of catching up.
    pub changes: VecDeque<Value>,
    /// Refusals that answer no command whose id could be read.
    pub refusals: VecDeque<Value>,
}

impl Inbox {
    /// Puts a frame where it belongs. `name` knows people by their id, `me` is the hearer.
    pub fn put(&mut self, frame: &Value, me: i64, name: &dyn Fn(i64) -> String) {
        let kind = frame["type"].as_str().unwrap_or_default();
        let data = &frame["data"];
        let (words, actor) = words(kind, data, name);
        let heard = Heard { words, own: actor == Some(me), frame: frame.clone() };
        match kind {
            "conversation.changes" => self.changes.push_back(frame.clone()),
            "typing.started" | "typing.stopped" | "marker.moved" | "presence.changed" | "account.updated"
            | "user.updated" | "draft.saved" | "draft.discarded" | "account.reset" | "reminder.set"
            | "reminder.due" | "reminder.removed" => self.signals.push_back(heard),
            _ => self.heard.push_back(heard),
        }
    }
}

/// A frame in words, and who did it if it tells.
fn words(kind: &str, data: &Value, name: &dyn Fn(i64) -> String) -> (String, Option<i64>) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let person = |of: &Value| (text(&of["username"]), of["id"].as_i64());
    match kind {
        "message.created" => {
            let (author, id) = person(&data["author"]);
            (format!("{author}: {}", text(&data["text"])), id)
        }
        "message.edited" => {
            let (author, id) = person(&data["author"]);
            (format!("{author} edits: {}", text(&data["text"])), id)
        }
        "message.deleted" => (format!("a message of {} is deleted", person(&data["author"]).0), None),
        "reaction.added" | "reaction.removed" => {
            let user = data["user"].as_i64();
            let did = if kind == "reaction.added" { "reacts" } else { "takes back" };
            (format!("{} {did} {}", user.map(name).unwrap_or_default(), text(&data["emoji"])), user)
        }
        "member.joined" => (format!("{} joins", person(&data["member"]["user"]).0), None),
        "member.left" => {
            let did = if data["reason"] == "left" { "leaves" } else { "is removed" };
            (format!("{} {did}", person(&data["member"]["user"]).0), None)
        }
        "member.updated" => (format!("{} is {}", person(&data["user"]).0, text(&data["role"])), None),
        "conversation.updated" => (format!("it is called {}", text(&data["name"])), None),
        "conversation.added" => {
            let what = data["name"].as_str().or(data["peer"]["username"].as_str()).unwrap_or("it");
            (format!("added to {what}"), None)
        }
        "conversation.removed" => (format!("out: {}", text(&data["reason"])), None),
        "draft.saved" => (format!("draft: {}", text(&data["text"])), None),
        "draft.discarded" => ("no draft".to_owned(), None),
        "conversation.hidden" => ("hidden".to_owned(), None),
        "reminder.set" | "reminder.due" | "reminder.removed" => {
            (format!("reminder {} {}", data["id"], kind.trim_start_matches("reminder.")), None)
        }
        "typing.started" => (format!("{} types", person(&data["user"]).0), None),
        "typing.stopped" => (format!("{} stops typing", person(&data["user"]).0), None),
        "marker.moved" => {
            let user = data["user"].as_i64();
            (format!("{} has read {}", user.map(name).unwrap_or_default(), data["read_seq"]), user)
        }
        "presence.changed" => {
            let all: Vec<String> = data["people"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|one| format!("{} is {}", person(&one["user"]).0, text(&one["presence"])))
                .collect();
            (all.join(", "), None)
        }
        other => (other.to_owned(), None),
    }
}
