//! The frames that a person receives, described in plain words.

use std::collections::VecDeque;

use serde_json::Value;

/// A received frame.
#[derive(Clone, Debug)]
pub struct Heard {
    /// A description: `ann: hello`, `ann edits: hello`, `bob joins`.
    pub words: String,
    /// Whether the receiver did it themselves.
    pub own: bool,
    /// The frame.
    pub frame: Value,
}

/// Received frames that the test has not asked for yet.
#[derive(Debug, Default)]
pub struct Inbox {
    /// Numbered events, and the person's own joins and removals.
    pub heard: VecDeque<Heard>,
    /// Typing, presence, markers, changes of the own account and drafts.
    pub signals: VecDeque<Heard>,
    /// Catch-up frames.
    pub changes: VecDeque<Value>,
    /// Refusals of frames whose command id could not be read.
    pub refusals: VecDeque<Value>,
}

impl Inbox {
    /// Sorts a frame in. `name` gives people's names by their id, `me` is the receiver.
    pub fn put(&mut self, frame: &Value, me: i64, name: &dyn Fn(i64) -> String) {
        let kind = frame["type"].as_str().unwrap_or_default();
        let data = &frame["data"];
        let (words, actor) = words(kind, data, name);
        let heard = Heard { words, own: actor == Some(me), frame: frame.clone() };
        match kind {
            "conversation.changes" => self.changes.push_back(frame.clone()),
            "typing.started"
            | "typing.stopped"
            | "thread.typing"
            | "marker.moved"
            | "presence.changed"
            | "account.updated"
            | "user.updated"
            | "draft.saved"
            | "draft.discarded"
            | "account.reset"
            | "reminder.set"
            | "reminder.due"
            | "reminder.removed"
            | "push_device.added"
            | "push_device.removed"
            | "message.saved"
            | "message.unsaved"
            | "thread.followed"
            | "conversation.settings"
            | "notifications.changed" => self.signals.push_back(heard),
            _ => self.heard.push_back(heard),
        }
    }
}

/// Describes a frame; also returns who did it, if the frame says so.
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
        "message.previewed" => match data["preview"]["title"].as_str() {
            Some(title) => (format!("the page is called {title}"), None),
            None => ("the preview is gone".to_owned(), None),
        },
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
        "conversation.settings" => {
            (format!("settings: {} {} {}", data["level"], data["muted_until"], data["unread_from"]), None)
        }
        "notifications.changed" => ("notifications".to_owned(), None),
        "reminder.set" | "reminder.due" | "reminder.removed" => {
            (format!("reminder {} {}", data["id"], kind.trim_start_matches("reminder.")), None)
        }
        "push_device.added" | "push_device.removed" => {
            (format!("device {} {}", data["id"], kind.trim_start_matches("push_device.")), None)
        }
        "message.saved" | "message.unsaved" => {
            (format!("{} {}", kind.trim_start_matches("message."), data["seq"]), None)
        }
        "thread.followed" => {
            let what = if data["follows"] == true { "followed" } else { "not followed" };
            (format!("thread {} {what}", data["thread"]), None)
        }
        "typing.started" => (format!("{} types", person(&data["user"]).0), None),
        "thread.typing" => {
            let does = if data["typing"] == true { "types" } else { "stops typing" };
            (format!("{} {does} in {}", person(&data["user"]).0, data["thread"]), None)
        }
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
