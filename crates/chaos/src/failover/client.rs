//! A client that follows the protocol: it keeps its epoch with its cursor, repeats unanswered sends, and reads
//! everything again when the server asks it to.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use futures_util::{SinkExt as _, StreamExt as _};
use promises::{Change, Form, Known, NoThreads, Nobody, Number, Place, UserId};
use serde_json::{Value, json};
use testkit::api::Api;
use tokio::{net::TcpStream, sync::watch};
use tokio_websockets::{ClientBuilder, Message, WebSocketStream};

/// The pause between two sends.
const PACE: Duration = Duration::from_millis(60);
/// The pause between two attempts to connect.
const REST: Duration = Duration::from_millis(150);
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(6);

type Socket = WebSocketStream<TcpStream>;

/// The form of the room: numbers and client ids of messages. Nothing else happens in it, and no message is changed.
#[derive(Clone, Debug)]
pub struct Said;

impl Form for Said {
    type Message = (i64, String);
    type Member = Nobody;
    type Thread = NoThreads;
    type Row = ();

    fn message((seq, _): &(i64, String)) -> (Number, Number) {
        (Number(*seq), Number(*seq))
    }

    fn thread(thread: &NoThreads) -> (Number, Number) {
        match *thread {}
    }

    fn take_thread(_message: &mut Self::Message) -> Option<NoThreads> {
        None
    }

    fn member(member: &Nobody) -> (UserId, Number, bool) {
        match *member {}
    }

    fn moved((): &mut (), _head: Number, _member_count: Option<i64>) {}
}

/// The state of a client, and its record of what has happened.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// The epoch that it knows; `None` when it must read everything again.
    pub epoch: Option<String>,
    /// The epoch in which it began.
    pub first: Option<String>,
    /// The state of the room.
    pub known: Known<Said>,
    /// The client ids of unanswered sends.
    pub pending: BTreeMap<String, ()>,
    /// Acknowledged sends: client id, number, epoch and time.
    pub acks: Vec<(String, i64, String, Instant)>,
    /// The close codes of its connections, and when they were closed.
    pub closed: Vec<(u16, Instant)>,
    /// When it first learned of another epoch than its first.
    pub told: Option<Instant>,
    /// The server's mistakes.
    pub wrong: Vec<String>,
}

impl State {
    /// Notes the epoch.
    fn learn(&mut self, epoch: String) {
        if *self.first.get_or_insert_with(|| epoch.clone()) != epoch {
            self.told.get_or_insert_with(Instant::now);
        }
        self.epoch = Some(epoch);
    }
}

/// A client on one node.
pub struct Client {
    name: String,
    token: String,
    node: SocketAddr,
    room: i64,
    sent: u64,
    state: Arc<Mutex<State>>,
}

impl Client {
    /// A client that knows nothing yet.
    pub fn new(name: String, token: String, node: SocketAddr, room: i64) -> Self {
        Self { name, token, node, room, sent: 0, state: Arc::default() }
    }

    /// Its state, also readable while it runs.
    pub fn state(&self) -> Arc<Mutex<State>> {
        self.state.clone()
    }

    fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    /// Talks while `talks` is true, and receives for ever.
    pub async fn live(mut self, talks: watch::Receiver<bool>) {
        loop {
            // Ended connections are the purpose of the test.
            let _ended = self.connect_and_talk(&talks).await;
            tokio::time::sleep(REST).await;
        }
    }

    async fn connect_and_talk(&mut self, talks: &watch::Receiver<bool>) -> Result<()> {
        if self.with(|state| state.epoch.is_none()) {
            self.read_everything().await?;
        }
        let uri = format!("ws://{}/v1/ws", self.node);
        let stream = TcpStream::connect(self.node).await?;
        let (mut socket, _) = ClientBuilder::new().uri(&uri)?.connect_on(stream).await?;
        let (epoch, cursor) = self.with(|state| (state.epoch.clone(), state.known.cursor.0));
        let data = json!({"token": self.token, "epoch": epoch, "cursors": {self.room.to_string(): cursor}});
        say(&mut socket, "hello", "authenticate", &data).await?;
        let mut open = false;
        let mut next = tokio::time::interval(PACE);
        loop {
            tokio::select! {
                frame = socket.next() => {
                    let frame = frame.context("closed")??;
                    if let Some((code, _)) = frame.as_close() {
                        self.with(|state| state.closed.push((code.into(), Instant::now())));
                        bail!("closed");
                    }
                    if let Some(text) = frame.as_text() {
                        let frame: Value = serde_json::from_str(text)?;
                        open |= self.hear(&frame)?;
                        if frame["type"] == "authenticated" {
                            for cid in self.with(|state| state.pending.keys().cloned().collect::<Vec<_>>()) {
                                self.send(&mut socket, &cid).await?;
                            }
                        }
                    }
                }
                _ = next.tick(), if open && *talks.borrow() => {
                    self.sent += 1;
                    let cid = format!("{}-{}", self.name, self.sent);
                    self.with(|state| state.pending.insert(cid.clone(), ()));
                    self.send(&mut socket, &cid).await?;
                }
                () = tokio::time::sleep(PATIENCE), if self.with(|state| !state.pending.is_empty()) => bail!("no answer"),
            }
        }
    }

    /// Reads everything. The epoch is read first, so that the state is not older than it.
    async fn read_everything(&self) -> Result<()> {
        let api = Api::at(self.node);
        let server = tokio::time::timeout(PATIENCE, api.get("", "server")).await??;
        let epoch = server["epoch"].as_str().context("a server without an epoch")?.to_owned();
        let log = tokio::time::timeout(PATIENCE, api.dump(&self.token, self.room, 0)).await??;
        let rows = log.rows.into_iter().filter_map(|row| Some((row.seq, row.cid?)));
        self.with(|state| {
            state.learn(epoch);
            state.known = Known::read(Number(log.head), (), [], rows);
        });
        Ok(())
    }

    async fn send(&self, socket: &mut Socket, cid: &str) -> Result<()> {
        let data = json!({"conversation": self.room, "client_id": cid, "text": format!("text of {cid}")});
        say(socket, cid, "message.send", &data).await
    }

    /// Applies a frame; true if it is the welcome.
    fn hear(&self, frame: &Value) -> Result<bool> {
        let (kind, data) = (frame["type"].as_str().unwrap_or_default(), &frame["data"]);
        match kind {
            "authenticated" => {
                let epoch = data["epoch"].as_str().context("a welcome without an epoch")?.to_owned();
                if self.with(|state| state.epoch.as_ref() != Some(&epoch)) {
                    self.with(|state| {
                        state.learn(epoch);
                        state.epoch = None;
                    });
                    bail!("another history");
                }
                return Ok(true);
            }
            "message.sent" => self.with(|state| {
                let (cid, epoch) = (frame["re"].as_str().unwrap_or_default(), state.epoch.clone().unwrap_or_default());
                state.pending.remove(cid);
                if let Some(seq) = data["seq"].as_i64() {
                    state.acks.push((cid.to_owned(), seq, epoch, Instant::now()));
                }
            }),
            // The send is repeated over the next connection, with the same client id.
            "error" => bail!("refused: {}", frame["error"]["code"]),
            "conversation.changes" if data["reset"] == true => {
                self.with(|state| state.epoch = None);
                bail!("read anew");
            }
            "conversation.changes" => {
                let messages = data["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
                let to = data["to"].as_i64().context("changes without an end")?;
                let said = messages.iter().filter_map(said);
                self.with(|state| state.known.catch_up(Number(to), (), [], said, []));
            }
            "message.created" => {
                let seq = Number(frame["seq"].as_i64().context("an event without a number")?);
                let change = said(data).map_or(Change::Nothing, Change::Message);
                self.with(|state| {
                    if state.known.place(seq) == Place::Beyond {
                        state.wrong.push(format!("{seq} was told after {}", state.known.cursor));
                    }
                    state.known.apply(seq, change)
                });
            }
            _ => {}
        }
        Ok(false)
    }
}

/// The number and client id of a message, if it has a client id.
fn said(message: &Value) -> Option<(i64, String)> {
    Some((message["seq"].as_i64()?, message["client_id"].as_str()?.to_owned()))
}

async fn say(socket: &mut Socket, id: &str, command: &str, data: &Value) -> Result<()> {
    let text = json!({"id": id, "type": command, "data": data}).to_string();
    tokio::time::timeout(PATIENCE, socket.send(Message::text(text))).await??;
    Ok(())
}
