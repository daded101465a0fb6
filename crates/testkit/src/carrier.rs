//! A client that carries files while things break: it uploads them, sends them in messages, and reads what is there, as
//! its sender, as another member, and as somebody who is none.

use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::{
    api::Api,
    checker::{Carried, FileRead, FileStep, file_content},
    dice::Dice,
    rest::Rest,
    talker::{Person, Phase},
};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// Bytes of a file: most are small, some take many blocks.
const SMALL: u64 = 4_000;
const LARGE: u64 = 200_000;
/// How often something is asked for at the end that was not answered.
const TRIES: usize = 20;
/// Files that are read again at the end, the newest.
const READ_AGAIN: usize = 60;

/// A client that carries files.
pub struct Carrier {
    owner: Person,
    friend: Person,
    stranger: Person,
    room: i64,
    dice: Dice,
    http: reqwest::Client,
    /// Of the nodes, `http://HOST:PORT`.
    nodes: Vec<String>,
    carried: Carried,
    /// The files that were sent.
    sent: Vec<String>,
    said: u64,
}

impl Carrier {
    /// Makes a private room for two, in which nobody else talks. `urls` are the nodes' socket URLs.
    ///
    /// # Errors
    /// If the server refuses.
    pub async fn settles(
        api: &Api,
        [owner, friend, stranger]: [&Person; 3],
        name: &str,
        urls: &[String],
        dice: Dice,
    ) -> Result<Self> {
        let room = json!({"kind": "room", "name": name, "visibility": "private", "client_id": name});
        let made = api.post(&owner.token, "conversations", &room).await?;
        let room = made["id"].as_i64().context("a conversation without an id")?;
        api.post(&owner.token, &format!("conversations/{room}/members"), &json!({"user": friend.id})).await?;
        let node = |url: &String| url.replacen("ws://", "http://", 1).trim_end_matches("/v1/ws").to_owned();
        Ok(Self {
            owner: owner.clone(),
            friend: friend.clone(),
            stranger: stranger.clone(),
            room,
            dice,
            http: Rest::client(),
            nodes: urls.iter().map(node).collect(),
            carried: Carried { client: name.to_owned(), steps: Vec::new() },
            sent: Vec::new(),
            said: 0,
        })
    }

    /// Carries files until the phase is no longer [`Phase::Talk`]; then reads the newest again.
    pub async fn live(mut self, phases: watch::Receiver<Phase>) -> Carried {
        while *phases.borrow() == Phase::Talk {
            if let Some(file) = self.upload().await {
                self.read(&file).await;
                self.send(&file, &phases).await;
            }
            if let Some(file) = self.dice.pick(&self.sent).cloned() {
                self.read(&file).await;
            }
            tokio::time::sleep(self.dice.millis(10, 100)).await;
        }
        for file in self.sent.iter().rev().take(READ_AGAIN).cloned().collect::<Vec<_>>() {
            for _ in 0..TRIES {
                if self.read_as(&self.friend.clone(), &file, true).await != FileRead::Unknown {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
        self.carried
    }

    fn node(&mut self) -> String {
        self.dice.pick(&self.nodes).cloned().unwrap_or_default()
    }

    /// Uploads a file. If it was answered it is whole, and can be read.
    async fn upload(&mut self) -> Option<String> {
        let size = if self.dice.one_in(4) { LARGE } else { SMALL };
        let size = self.dice.between(1, size);
        let bytes: Vec<u8> =
            (0..size).map(|_| b'a' + u8::try_from(self.dice.roll() % 26).unwrap_or_default()).collect();
        let content = file_content(&bytes);
        let url = format!("{}/v1/files?name=carried.txt", self.node());
        let request = self.http.post(url).bearer_auth(&self.owner.token).body(bytes);
        let answer = request.timeout(PATIENCE).send().await.ok().filter(|answer| answer.status().is_success())?;
        let file: Value = answer.json().await.ok()?;
        let file = file["id"].as_str()?.to_owned();
        self.carried.steps.push(FileStep::Uploaded { file: file.clone(), content });
        Some(file)
    }

    /// Sends a file in a message, again and again with the same client id until that was answered.
    async fn send(&mut self, file: &str, phases: &watch::Receiver<Phase>) {
        self.said += 1;
        let message = json!({"text": "", "files": [file], "client_id": format!("carried-{}", self.said)});
        for nth in 0.. {
            if nth > TRIES && *phases.borrow() != Phase::Talk {
                return;
            }
            let url = format!("{}/v1/conversations/{}/messages", self.node(), self.room);
            let request = self.http.post(url).bearer_auth(&self.owner.token).json(&message);
            match request.timeout(PATIENCE).send().await.map(|answer| answer.status()) {
                Ok(status) if status.is_success() => {
                    self.carried.steps.push(FileStep::Sent { file: file.to_owned() });
                    self.sent.push(file.to_owned());
                    return;
                }
                Ok(status) if status.is_client_error() && status != reqwest::StatusCode::TOO_MANY_REQUESTS => {
                    self.carried.steps.push(FileStep::Refused { file: file.to_owned(), status: status.as_u16() });
                    return;
                }
                _ => tokio::time::sleep(self.dice.millis(20, 100)).await,
            }
        }
    }

    /// Reads a file as one of those who may, or as somebody who may not.
    async fn read(&mut self, file: &str) {
        let is_sent = self.sent.iter().any(|sent| sent == file);
        let (reader, may) = match self.dice.between(0, 4) {
            0 => (self.stranger.clone(), false),
            1 if is_sent => (self.friend.clone(), true),
            _ => (self.owner.clone(), true),
        };
        self.read_as(&reader, file, may).await;
    }

    async fn read_as(&mut self, reader: &Person, file: &str, may: bool) -> FileRead {
        let url = format!("{}/v1/files/{file}", self.node());
        let request = self.http.get(url).bearer_auth(&reader.token).timeout(PATIENCE);
        let read = match request.send().await {
            Ok(answer) => match answer.status().as_u16() {
                // An answer that is broken off says nothing: its reader knows that it has not all.
                200 => answer.bytes().await.map_or(FileRead::Unknown, |bytes| FileRead::Whole(file_content(&bytes))),
                404 => FileRead::Missing,
                500 => FileRead::Broken,
                _ => FileRead::Unknown,
            },
            Err(_) => FileRead::Unknown,
        };
        self.carried.steps.push(FileStep::Read { file: file.to_owned(), may, read });
        read
    }
}
