//! A client that sends links while things break, to a site of its own, takes some of their previews off, and tells in the
//! end what became of all of them.

use std::{
    collections::HashMap,
    net::Ipv4Addr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::watch,
};

use crate::{
    api::Api,
    carrier::{png, url_of},
    checker::{Link, Linked, Picture, file_content},
    dice::Dice,
    rest::Rest,
    talker::{Person, Phase},
};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often something is asked for at the end that was not answered.
const TRIES: usize = 40;
/// Milliseconds between two links: a node looks at 20 pages of one person in a minute, and no test wants more.
const PACE: (u64, u64) = (3_200, 4_000);
/// How long previews are waited for at the end: until the lease of a node that died has run out, and another has looked.
const LATE: Duration = store::jobs::LEASE.saturating_mul(2);

/// A client that sends links.
pub struct Linker {
    author: Person,
    room: i64,
    base: i64,
    dice: Dice,
    http: reqwest::Client,
    /// Of the nodes, `http://HOST:PORT`.
    nodes: Vec<String>,
    name: String,
    site: Site,
    /// The pages whose links were sent, by the numbers of their messages, and whether their previews were taken off.
    sent: HashMap<i64, (u64, bool)>,
}

impl Linker {
    /// Opens a site, and a room that wants previews, in which nobody else talks. `nth` tells the sites apart. `urls` are
    /// the nodes' socket URLs.
    ///
    /// # Errors
    /// If the server refuses.
    pub async fn settles(api: &Api, author: &Person, nth: u8, urls: &[String], dice: Dice) -> Result<Self> {
        let name = format!("links{nth}");
        let room = json!({"kind": "room", "name": name, "visibility": "private", "client_id": name});
        let made = api.post(&author.token, "conversations", &room).await?;
        let room = made["id"].as_i64().context("a conversation without an id")?;
        let http = Rest::client();
        let nodes: Vec<String> = urls.iter().map(|url| url_of(url)).collect();
        let url = format!("{}/v1/conversations/{room}", nodes.first().context("there is no node")?);
        let wants = http.patch(&url).bearer_auth(&author.token).json(&json!({"previews": true})).send().await?;
        let base = wants.error_for_status()?.json::<Value>().await?["head"].as_i64().context("no head")?;
        let (author, site) = (author.clone(), Site::opens(nth).await?);
        Ok(Self { author, room, base, dice, http, nodes, name, site, sent: HashMap::new() })
    }

    /// Sends links until the phase is no longer [`Phase::Talk`]; then waits for the previews, and reads all of them.
    ///
    /// # Errors
    /// If the room cannot be read at the end.
    pub async fn live(mut self, phases: watch::Receiver<Phase>) -> Result<Linked> {
        for page in 1.. {
            if *phases.borrow() != Phase::Talk {
                break;
            }
            let Some(seq) = self.send(page, &phases).await else { continue };
            // The first one of all is taken off before it can be there.
            let is_unwanted = page % 3 == 1;
            if is_unwanted {
                if page > 1 {
                    tokio::time::sleep(self.dice.millis(0, 2_500)).await;
                }
                let path = format!("conversations/{}/messages/{seq}/preview", self.room);
                let is_off = self.ask(reqwest::Method::DELETE, &path, None).await.is_some();
                self.sent.insert(seq, (page, is_off));
            }
            let pause = self.dice.millis(PACE.0, PACE.1);
            let mut over = phases.clone();
            drop(tokio::time::timeout(pause, over.wait_for(|phase| *phase != Phase::Talk)).await);
        }
        self.wait_for_previews().await?;
        self.tell().await
    }

    /// Sends the link of a page, again and again with the same client id until that was answered.
    async fn send(&mut self, page: u64, phases: &watch::Receiver<Phase>) -> Option<i64> {
        let message = json!({"text": format!("see {}", self.site.link(page)), "client_id": format!("link-{page}")});
        let path = format!("conversations/{}/messages", self.room);
        loop {
            if let Some(answer) = self.ask(reqwest::Method::POST, &path, Some(&message)).await {
                let seq = answer["seq"].as_i64()?;
                self.sent.insert(seq, (page, false));
                return Some(seq);
            }
            if *phases.borrow() != Phase::Talk {
                return None;
            }
        }
    }

    /// Asks some node, again until one has answered; `None` if none does.
    async fn ask(&mut self, method: reqwest::Method, path: &str, body: Option<&Value>) -> Option<Value> {
        for _ in 0..TRIES {
            let url = format!("{}/v1/{path}", self.dice.pick(&self.nodes).cloned().unwrap_or_default());
            let mut request = self.http.request(method.clone(), url).bearer_auth(&self.author.token).timeout(PATIENCE);
            if let Some(body) = body {
                request = request.json(body);
            }
            let answer = request.send().await.ok().filter(|answer| answer.status().is_success());
            if let Some(answer) = answer
                && let Ok(text) = answer.text().await
            {
                return Some(serde_json::from_str(&text).unwrap_or_default());
            }
            tokio::time::sleep(self.dice.millis(50, 200)).await;
        }
        None
    }

    /// The messages of the room, and its head.
    async fn read(&mut self) -> Result<(Vec<Value>, i64)> {
        let (mut messages, mut after) = (Vec::new(), 0);
        loop {
            let path = format!("conversations/{}/messages?after_seq={after}&limit=200", self.room);
            let page = self.ask(reqwest::Method::GET, &path, None).await.context("the room cannot be read")?;
            let page = page["messages"].as_array().cloned().unwrap_or_default();
            let Some(last) = page.last().and_then(|message| message["seq"].as_i64()) else { break };
            after = last;
            messages.extend(page);
        }
        let place = format!("conversations/{}", self.room);
        let room = self.ask(reqwest::Method::GET, &place, None).await.context("the room cannot be read")?;
        Ok((messages, room["head"].as_i64().context("no head")?))
    }

    fn is_wanted(&self, message: &Value) -> bool {
        message["seq"].as_i64().and_then(|seq| self.sent.get(&seq)).is_some_and(|(_, is_off)| !is_off)
    }

    async fn wait_for_previews(&mut self) -> Result<()> {
        let begin = Instant::now();
        while begin.elapsed() < LATE {
            let (messages, _) = self.read().await?;
            let is_there = |message: &&Value| !self.is_wanted(message) || !message["preview"].is_null();
            if messages.iter().filter(|message| !is_there(message)).count() == 0 {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        Ok(())
    }

    async fn tell(&mut self) -> Result<Linked> {
        let (messages, head) = self.read().await?;
        let mut linked = Linked { client: self.name.clone(), changes: head - self.base, links: Vec::new() };
        for message in messages {
            let number = |name: &str| message[name].as_i64().unwrap_or_default();
            let (seq, rev, preview) = (number("seq"), number("rev"), &message["preview"]);
            let (page, is_off) = self.sent.get(&seq).copied().unwrap_or_default();
            let (asked, was_served) = self.site.served(page);
            let picture = match preview["image"]["id"].as_str() {
                Some(file) => self.picture(page, file).await,
                None => Picture::None,
            };
            let is_right = preview["title"] == title(page) && preview["url"] == self.site.link(page);
            let has_preview = !preview.is_null();
            linked.links.push(Link {
                seq,
                is_changed: rev > seq,
                has_preview,
                is_right,
                is_off,
                asked,
                was_served,
                picture,
            });
        }
        Ok(linked)
    }

    async fn picture(&mut self, page: u64, file: &str) -> Picture {
        for _ in 0..TRIES {
            let node = self.dice.pick(&self.nodes).cloned().unwrap_or_default();
            let request = self.http.get(format!("{node}/v1/files/{file}")).bearer_auth(&self.author.token);
            match request.timeout(PATIENCE).send().await {
                Ok(answer) if answer.status().is_success() => {
                    if let Ok(bytes) = answer.bytes().await {
                        let is_whole = file_content(&bytes) == file_content(&picture(page));
                        return if is_whole { Picture::Whole } else { Picture::Other };
                    }
                }
                Ok(answer) if answer.status().is_client_error() => return Picture::Other,
                _ => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
        Picture::Other
    }
}

fn title(page: u64) -> String {
    format!("Page {page}")
}

/// The picture of a page.
fn picture(page: u64) -> Vec<u8> {
    png(64, 32, &mut Dice(page))
}

/// How often each page was asked for, and whether it and its picture were given to their ends the last time.
type Asked = Arc<Mutex<HashMap<u64, (u64, bool)>>>;

/// A site whose pages have titles and pictures, and come slowly.
struct Site {
    base: String,
    asked: Asked,
    task: tokio::task::AbortHandle,
}

impl Site {
    /// Each has an address of its own, as other sites would: a node asks only so much of one host.
    async fn opens(nth: u8) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::new(127, 0, 1, nth), 0)).await?;
        let (base, asked) = (format!("http://{}", listener.local_addr()?), Asked::default());
        let (noted, mut dice) = (asked.clone(), Dice(u64::from(nth)));
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, noted.clone(), dice.millis(0, 500)));
            }
        });
        Ok(Self { base, asked, task: serving.abort_handle() })
    }

    fn link(&self, page: u64) -> String {
        format!("{}/page/{page}", self.base)
    }

    fn served(&self, page: u64) -> (u64, bool) {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).get(&page).copied().unwrap_or_default()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Answers one request; whoever asks goes on with another connection.
async fn serve(mut stream: TcpStream, asked: Asked, pause: Duration) -> std::io::Result<()> {
    let (mut request, mut buffer) = (Vec::new(), [0; 4_096]);
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut buffer).await? {
            0 => return Ok(()),
            count => request.extend_from_slice(buffer.get(..count).unwrap_or_default()),
        }
    }
    let request = String::from_utf8_lossy(&request).into_owned();
    let path = request.split(' ').nth(1).unwrap_or_default();
    let page: u64 = path.rsplit('/').next().and_then(|page| page.parse().ok()).unwrap_or_default();
    let is_picture = path.starts_with("/picture/");
    let note = |is_served: bool| {
        let mut asked = asked.lock().unwrap_or_else(PoisonError::into_inner);
        let (count, served) = asked.entry(page).or_default();
        *count += u64::from(!is_picture && !is_served);
        *served = is_served;
    };
    note(false);
    tokio::time::sleep(pause).await;
    let (kind, body) = if is_picture {
        ("image/png", picture(page))
    } else {
        let head = format!("<title>{}</title><meta property=og:image content=/picture/{page}>", title(page));
        ("text/html", format!("<!doctype html><html><head>{head}</head></html>").into_bytes())
    };
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n", body.len());
    stream.write_all(head.as_bytes()).await?;
    let (first, rest) = body.split_at(body.len() / 2);
    stream.write_all(first).await?;
    tokio::time::sleep(pause / 4).await;
    stream.write_all(rest).await?;
    stream.shutdown().await?;
    // The picture is what is asked for last.
    note(is_picture);
    Ok(())
}
