//! The school messenger's endpoint, as its document's clients and its web client use it.

mod access;
mod hostile;
mod requests;
mod rooms;

use std::time::Duration;

use palabre::config::{
    Config, Deployment, Secret,
    layers::{Sources, merge},
};
use serde_json::{Value, json};
use testkit::{Answer, Person, Rest, Room, Stranger, Town, host_token, host_token_signed, now};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Where the school's pages are served.
const PAGE: &str = "https://school.example.org";
const ORIGIN: (&str, &str) = ("origin", PAGE);

/// A town whose pages are the school's.
async fn school() -> Town {
    Town::with(of_school).await
}

fn of_school(config: &mut Config) {
    config.server.allowed_origins = vec![PAGE.into()];
}

/// A client of the old protocol with somebody's token. The first that it hears is that they are here.
async fn client(town: &Town, person: &Person) -> Stranger {
    let path = format!("/ws/chat/?token={}", person.tokens().access);
    let mut client = town.socket_at(town.dreametrix(), &path, &[]).await.expect("let in");
    assert_eq!(client.hears().await["data"], json!({"user_id": person.id(), "status": "online"}));
    client
}

/// The next frame but for who is here, which must be of this type.
async fn next(client: &mut Stranger, kind: &str) -> Value {
    loop {
        let frame = client.hears().await;
        if frame["type"] != "user_status" {
            assert_eq!(frame["type"], kind, "{frame}");
            return frame;
        }
    }
}

/// The next message's text and room.
async fn message(client: &mut Stranger) -> (String, i64) {
    let data = next(client, "message").await["data"].clone();
    (data["content"].as_str().unwrap().to_owned(), data["chat"].as_i64().unwrap())
}

/// The next refusal's words, where either kind of client looks for them.
async fn refused(client: &mut Stranger) -> String {
    let frame = next(client, "error").await;
    assert_eq!(frame["message"], frame["data"]["error"], "{frame}");
    frame["message"].as_str().unwrap().to_owned()
}

/// Waits until this person is told to be so; other news of people are passed over.
async fn sees(client: &mut Stranger, person: &Person, status: &str) -> Value {
    loop {
        let frame = client.hears().await;
        assert_eq!(frame["type"], "user_status", "{frame}");
        if frame["data"]["user_id"] == person.id() && frame["data"]["status"] == status {
            return frame["data"].clone();
        }
    }
}

/// Everything that has come by now and was not asked for.
async fn heard_by_now(client: &mut Stranger) -> Vec<Value> {
    client.writes(json!({"type": "ping", "data": {}})).await;
    let mut heard = Vec::new();
    loop {
        let frame = client.hears().await;
        if frame == json!({"type": "pong", "data": {}}) {
            return heard;
        }
        heard.push(frame);
    }
}

/// Whether nothing has come by now, but for who is here.
async fn hears_nothing_more(client: &mut Stranger) {
    let heard: Vec<Value> = heard_by_now(client).await;
    let heard: Vec<&Value> = heard.iter().filter(|frame| frame["type"] != "user_status").collect();
    assert!(heard.is_empty(), "{heard:?}");
}

fn rest(town: &Town) -> Rest {
    Rest::to(town.dreametrix())
}

fn uuid(noun: u8, id: i64) -> String {
    format!("{noun:08}-0000-8000-8000-{id:012x}")
}
