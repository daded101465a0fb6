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
/// Bytes of a file that a store of others takes in two parts.
const IN_PARTS: u64 = 17 << 20;
/// One of so many files is as large as that, if any may be.
const RARELY: u64 = 40;
/// Pixels of a picture: so wide that it has a thumbnail.
const PIXELS: (u32, u32) = (700, 60);
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
    /// Whether some files are so large that they go in parts.
    has_large: bool,
    /// The pictures among the files that were sent.
    pictures: Vec<String>,
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
        has_large: bool,
    ) -> Result<Self> {
        let room = json!({"kind": "room", "name": name, "visibility": "private", "client_id": name});
        let made = api.post(&owner.token, "conversations", &room).await?;
        let room = made["id"].as_i64().context("a conversation without an id")?;
        api.post(&owner.token, &format!("conversations/{room}/members"), &json!({"user": friend.id})).await?;
        Ok(Self {
            owner: owner.clone(),
            friend: friend.clone(),
            stranger: stranger.clone(),
            room,
            dice,
            http: Rest::client(),
            nodes: urls.iter().map(|url| url_of(url)).collect(),
            carried: Carried { client: name.to_owned(), steps: Vec::new() },
            sent: Vec::new(),
            said: 0,
            has_large,
            pictures: Vec::new(),
        })
    }

    /// Carries files until the phase is no longer [`Phase::Talk`]; then sees whether everything works again, and reads the
    /// newest once more.
    pub async fn live(mut self, phases: watch::Receiver<Phase>) -> Carried {
        while *phases.borrow() == Phase::Talk {
            if let Some(file) = self.upload().await {
                self.read(&file).await;
                self.send(&file, &phases).await;
            }
            if let Some(file) = self.dice.pick(&self.sent).cloned() {
                self.read(&file).await;
            }
            if let Some(file) = self.dice.pick(&self.pictures).cloned() {
                self.read_thumbnail(&file).await;
            }
            tokio::time::sleep(self.dice.millis(10, 100)).await;
        }
        self.goes_on(&phases).await;
        for file in self.sent.iter().rev().take(READ_AGAIN).cloned().collect::<Vec<_>>() {
            let mut tries = 0..TRIES;
            let is_read = loop {
                if self.read_as(&self.friend.clone(), &file, true).await != FileRead::Unknown {
                    break true;
                }
                if tries.next().is_none() {
                    break false;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            };
            if !is_read {
                self.carried.steps.push(FileStep::Stuck { what: "reading" });
            }
        }
        self.carried
    }

    /// Uploads one more file and sends it, now that nothing breaks any more.
    async fn goes_on(&mut self, phases: &watch::Receiver<Phase>) {
        for _ in 0..TRIES {
            if let Some(file) = self.upload().await {
                let before = self.sent.len();
                self.send(&file, phases).await;
                let is_sent = self.sent.len() > before;
                self.carried.steps.push(if is_sent { FileStep::WentOn } else { FileStep::Stuck { what: "sending" } });
                return;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        self.carried.steps.push(FileStep::Stuck { what: "uploading" });
    }

    fn node(&mut self) -> String {
        self.dice.pick(&self.nodes).cloned().unwrap_or_default()
    }

    /// Uploads a file, or a picture. If it was answered it is whole, and can be read.
    async fn upload(&mut self) -> Option<String> {
        let is_picture = self.dice.one_in(4);
        let (name, bytes) = if is_picture {
            ("carried.png", png(PIXELS.0, PIXELS.1, &mut self.dice))
        } else {
            ("carried.txt", self.text())
        };
        let content = file_content(&bytes);
        let url = format!("{}/v1/files?name={name}", self.node());
        let request = self.http.post(url).bearer_auth(&self.owner.token).body(bytes);
        let answer = request.timeout(PATIENCE).send().await.ok()?;
        if !answer.status().is_success() {
            self.note_refusal("an upload", &answer);
            return None;
        }
        let file: Value = answer.json().await.ok()?;
        let file = file["id"].as_str()?.to_owned();
        self.carried.steps.push(FileStep::Uploaded { file: file.clone(), content });
        if is_picture {
            self.pictures.push(file.clone());
        }
        Some(file)
    }

    fn text(&mut self) -> Vec<u8> {
        let letter = |dice: &mut Dice| b'a' + u8::try_from(dice.roll() % 26).unwrap_or_default();
        if self.has_large && self.dice.one_in(RARELY) {
            let line: Vec<u8> = (0..1_009).map(|_| letter(&mut self.dice)).collect();
            return line.iter().copied().cycle().take(usize::try_from(IN_PARTS).unwrap_or_default()).collect();
        }
        let size = if self.dice.one_in(4) { LARGE } else { SMALL };
        (0..self.dice.between(1, size)).map(|_| letter(&mut self.dice)).collect()
    }

    /// A refusal of the server's own must say when to try again.
    fn note_refusal(&mut self, what: &'static str, answer: &reqwest::Response) {
        if answer.status().is_server_error() {
            let (status, has_hint) = (answer.status().as_u16(), answer.headers().contains_key("retry-after"));
            self.carried.steps.push(FileStep::Later { what, status, has_hint });
        }
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
        let read = self.get(reader, file).await;
        self.carried.steps.push(FileStep::Read { file: file.to_owned(), may, read });
        read
    }

    /// Reads the thumbnail of a picture that was sent.
    async fn read_thumbnail(&mut self, file: &str) {
        let read = self.get(&self.friend.clone(), &format!("{file}/thumbnail/small")).await;
        self.carried.steps.push(FileStep::Thumbnail { file: file.to_owned(), read });
    }

    async fn get(&mut self, reader: &Person, path: &str) -> FileRead {
        let url = format!("{}/v1/files/{path}", self.node());
        let request = self.http.get(url).bearer_auth(&reader.token).timeout(PATIENCE);
        let Ok(answer) = request.send().await else { return FileRead::Unknown };
        match answer.status().as_u16() {
            // An answer that is broken off says nothing: its reader knows that it has not all.
            200 => answer.bytes().await.map_or(FileRead::Unknown, |bytes| FileRead::Whole(file_content(&bytes))),
            404 => FileRead::Missing,
            500 => FileRead::Broken,
            _ => {
                self.note_refusal("reading", &answer);
                FileRead::Unknown
            }
        }
    }
}

/// The address of a node whose socket has this URL.
pub(crate) fn url_of(socket: &str) -> String {
    socket.replacen("ws://", "http://", 1).trim_end_matches("/v1/ws").to_owned()
}

/// A grey picture of random dots, not compressed.
pub(crate) fn png(width: u32, height: u32, dice: &mut Dice) -> Vec<u8> {
    let mut rows = Vec::new();
    for _ in 0..height {
        // Each row begins with its filter: none.
        rows.push(0);
        rows.extend((0..width).map(|_| u8::try_from(dice.roll() & 255).unwrap_or_default()));
    }
    let mut packed = vec![0x78, 0x01];
    let mut blocks = rows.chunks(60_000).peekable();
    while let Some(block) = blocks.next() {
        let length = u16::try_from(block.len()).unwrap_or_default();
        packed.push(u8::from(blocks.peek().is_none()));
        packed.extend(length.to_le_bytes());
        packed.extend((!length).to_le_bytes());
        packed.extend_from_slice(block);
    }
    let sums = rows.iter().fold((1_u32, 0_u32), |(one, two), byte| {
        let one = (one + u32::from(*byte)) % 65_521;
        (one, (two + one) % 65_521)
    });
    packed.extend((sums.1 << 16 | sums.0).to_be_bytes());
    let head = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 0, 0, 0, 0]].concat();
    let mut picture = b"\x89PNG\r\n\x1a\n".to_vec();
    for (kind, content) in [(b"IHDR", head), (b"IDAT", packed), (b"IEND", Vec::new())] {
        let named = [&kind[..], &content].concat();
        picture.extend(u32::try_from(content.len()).unwrap_or_default().to_be_bytes());
        picture.extend_from_slice(&named);
        picture.extend(crc(&named).to_be_bytes());
    }
    picture
}

/// The checksum of a part of a PNG.
fn crc(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _: u32| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
    !bytes.iter().fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}
