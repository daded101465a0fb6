//! Matcha's endpoints, as their unchanged clients use them: the chat service, and the gateway in front of it.

mod access;
mod hearing;
mod hostile;
mod limits;
mod requests;

use std::time::{Duration, Instant};

use palabre::config::Deployment;
use serde_json::{Value, json};
use testkit::{Person, Rest, Room, Stranger, Town, host_token, host_token_signed, now};

const SERVICE: &str = "/api/v1/chat/ws";
const LIST: &str = "/api/v1/chat/conversations";
const SAY: &str = "/api/v1/chat/messages";

/// A socket of one of the endpoints. Presence is told whenever the others come and go: it is passed over here.
struct Client(Stranger);

impl Client {
    async fn writes(&mut self, frame: impl ToString) {
        self.0.writes(frame).await;
    }

    async fn hears(&mut self) -> Value {
        loop {
            let frame = self.0.hears().await;
            if frame["type"] != "presence_update" {
                return frame;
            }
        }
    }

    /// The next frame, which must be of this type.
    async fn next(&mut self, kind: &str) -> Value {
        let frame = self.hears().await;
        assert_eq!(frame["type"], kind, "{frame}");
        frame
    }

    /// The next two frames, in the order of these types, in whichever order they come.
    async fn both(&mut self, first: &str, second: &str) -> (Value, Value) {
        let (one, other) = (self.hears().await, self.hears().await);
        let (one, other) = if one["type"] == first { (one, other) } else { (other, one) };
        assert_eq!((&one["type"], &other["type"]), (&json!(first), &json!(second)), "{one} {other}");
        (one, other)
    }

    /// Has heard all there was: what was told before comes before the answer to this.
    async fn is_quiet(&mut self) {
        self.writes(json!({"type": "are you there"})).await;
        let words = self.next("error").await["data"]["message"].clone();
        assert_eq!(words, "unknown message type");
    }

    /// Writes a frame that is refused; the words, and what the gateway calls it.
    async fn is_refused(&mut self, frame: impl ToString) -> (String, String) {
        let frame = frame.to_string();
        self.writes(&frame).await;
        let shown: String = frame.chars().take(100).collect();
        let data = self.next("error").await["data"].clone();
        let text = |field: &str| data[field].as_str().unwrap_or_default().to_owned();
        assert!(!text("message").is_empty(), "{shown}");
        assert!(data["code"] == "HANDLE_ERROR" || !text("error_type").is_empty(), "{shown}: {data}");
        (text("message"), text("error_type"))
    }
}

fn bearer(person: &Person) -> String {
    format!("Bearer {}", person.tokens().access)
}

/// The chat service's socket, as the document says: with both headers.
async fn service(town: &Town, person: &Person) -> Client {
    let headers = [("authorization", &*bearer(person)), ("x-user-id", &person.id().to_string())];
    let mut client = Client(town.socket_at(town.matcha(), SERVICE, &headers).await.expect("let in"));
    let greeting = json!({"type": "connected", "data": {"user_id": person.id(), "status": "connected"}});
    assert_eq!(client.hears().await, greeting);
    client
}

/// The gateway's socket, as the web client opens it, from a page of the application.
async fn gateway(town: &Town, person: &Person) -> Client {
    let path = format!("/ws?token={}", person.tokens().access);
    let origin = format!("http://{}", town.address());
    let mut client = Client(town.socket_at(town.address(), &path, &[("origin", &origin)]).await.expect("let in"));
    let id = person.id().to_string();
    let greeting = json!({"type": "connection_ack", "data": {"status": "connected", "user_id": id}});
    assert_eq!(client.hears().await, greeting);
    client
}

/// The same, subscribed to a conversation.
async fn subscribed(town: &Town, person: &Person, room: &Room) -> Client {
    let mut client = gateway(town, person).await;
    let channel = format!("chat_{}", room.id);
    client.writes(json!({"type": "subscribe", "data": {"channel": channel}})).await;
    let frame = client.next("subscription_ack").await;
    assert_eq!((&frame["data"]["channel"], &frame["data"]["status"]), (&json!(channel), &json!("subscribed")));
    assert!(frame["data"]["timestamp"].is_i64() && frame["user_id"] == json!(person.id().to_string()), "{frame}");
    client
}

/// The form that the web client demands of every answer; anything else makes it throw.
#[track_caller]
fn checked(answer: testkit::Answer) -> testkit::Answer {
    assert_eq!(answer.header("content-type"), Some("application/json"), "{}: {}", answer.status, answer.text);
    assert_eq!(answer.body["success"], answer.status < 300, "{}: {}", answer.status, answer.text);
    assert_ne!(answer.status, 204);
    let words = answer.body["error"].as_str().unwrap_or_default();
    assert_eq!(words.is_empty(), answer.status < 300, "{}", answer.text);
    answer
}

/// The web client's requests.
struct Pages {
    rest: Rest,
    token: String,
}

impl Pages {
    fn of(town: &Town, person: &Person) -> Self {
        Self { rest: Rest::to(town.address()), token: person.tokens().access }
    }

    async fn gets(&self, path: &str) -> Value {
        checked(self.rest.ask("GET", path, Some(&self.token), &Value::Null).await).granted()["data"].clone()
    }

    async fn asks(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let answer = checked(self.rest.ask(method, path, Some(&self.token), &body).await);
        assert!(answer.status < 300, "{method} {path}: {}", answer.text);
        (answer.status, answer.body["data"].clone())
    }

    async fn is_refused(&self, method: &str, path: &str, body: Value) -> (u16, String) {
        let answer = checked(self.rest.ask(method, path, Some(&self.token), &body).await);
        assert!(answer.status >= 400, "{method} {path}: {}", answer.text);
        (answer.status, answer.body["error"].as_str().unwrap_or_default().to_owned())
    }

    async fn turns_to(&self, other: &Person) -> Room {
        let (status, conversation) = self.asks("POST", LIST, json!({"user_id": other.id()})).await;
        assert_eq!(status, 201);
        Room { id: conversation["id"].as_i64().expect("an id") }
    }

    async fn says(&self, room: &Room, text: &str) -> Value {
        let (status, message) = self.asks("POST", SAY, json!({"conversation_id": room.id, "message": text})).await;
        assert_eq!(status, 201);
        message
    }

    /// The messages of a conversation, newest first.
    async fn reads(&self, room: &Room, query: &str) -> Vec<Value> {
        self.gets(&format!("{LIST}/{}/messages{query}", room.id)).await.as_array().expect("a bare array").clone()
    }

    async fn unread(&self, room: &Room) -> Value {
        self.gets(&format!("{LIST}/{}", room.id)).await["unread_count"].clone()
    }
}

fn texts(messages: &[Value]) -> Vec<&str> {
    messages.iter().map(|message| message["msg"].as_str().expect("a text")).collect()
}

fn fields(object: &Value) -> Vec<&str> {
    let mut names: Vec<&str> = object.as_object().expect("an object").keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

fn is_time(value: &Value) -> bool {
    value.as_str().is_some_and(|time| time.len() == 24 && time.starts_with("20") && time.ends_with('Z'))
}
