//! A world in which the database goes back: a copy of it is made, more is written, and then the copy replaces it under
//! the running nodes. Nodes, writers and their knowledge of the history are the real ones (`store::history`); the world
//! decides which node writes, checks, connects and restarts, and when.
//!
//! A loss that no node remembers cannot be noticed: so a node restarts only once another has seen how far it had come.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use anyhow::Context as _;
use chat::{
    ClientId, ConversationId, Millis, Number, Outgoing, UserId,
    accounts::{Profile, ServerRole, Speaker},
    conversations::{Kind, Visibility},
    members::Role,
    messages::{MessageType, Sent, Submission},
    threads::Target,
};
use store::{Append, Committed, Db, NewMessage, Options, Writer};
use tokio::sync::{mpsc, oneshot};

use crate::dice::Dice;

/// Steps in one world.
const STEPS: u64 = 120;
const CLIENTS: usize = 4;
const BATCHES: usize = 64;
const ALL: i64 = 10_000;

/// A deliberate mistake in a world of this kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slip {
    /// Nodes compare what they know with the database only in their own transactions.
    NeverLooks,
    /// Cursors are accepted whatever history they belong to.
    HonoursOldCursors,
    /// Connected clients are not sent away.
    KeepsConnections,
}

impl Slip {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::NeverLooks, Self::HonoursOldCursors, Self::KeepsConnections];
}

/// The outcome of a world.
#[derive(Clone, Debug, Default)]
pub struct Failovers {
    /// The promises that were not kept.
    pub broken: Vec<String>,
    /// How often the database came back with less.
    pub losses: u64,
    /// Sends that were acknowledged and lost.
    pub lost: u64,
    /// Sends that were acknowledged.
    pub acks: u64,
}

type Batch = (Committed, Vec<Box<dyn FnOnce() + Send>>);

struct Node {
    db: Db,
    writer: Writer,
    batches: mpsc::Receiver<Batch>,
}

#[derive(Clone, Default)]
struct Client {
    node: usize,
    /// The epoch and the number that it knows; `None` before its first connection.
    epoch: Option<String>,
    cursor: Number,
    known: BTreeMap<Number, String>,
    /// Whether it is connected.
    connected: bool,
}

struct Ack {
    cid: String,
    seq: Number,
    epoch: String,
    /// Whether the acknowledgement came after the present copy was made.
    after_copy: bool,
}

struct World {
    folder: PathBuf,
    dice: Dice,
    slip: Option<Slip>,
    clock: Arc<AtomicI64>,
    nodes: Vec<Node>,
    clients: Vec<Client>,
    speaker: Speaker,
    room: ConversationId,
    acks: Vec<Ack>,
    sent: u64,
    kept: u64,
    /// For each node, whether it has checked the history since the database last came back.
    looked: Vec<bool>,
    outcome: Failovers,
}

/// Lets a world happen in this folder, which is made and removed, and judges it.
///
/// # Errors
/// If the database fails by itself, which is not part of the simulation.
pub fn go_back(folder: &Path, seed: u64, slip: Option<Slip>) -> anyhow::Result<Failovers> {
    std::fs::create_dir_all(folder)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let outcome = runtime.block_on(async {
        let mut world = World::found(folder.to_owned(), Dice::new(seed), slip).await?;
        for _ in 0..STEPS {
            world.step().await?;
        }
        world.end().await
    });
    std::fs::remove_dir_all(folder).ok();
    outcome
}

impl World {
    async fn found(folder: PathBuf, mut dice: Dice, slip: Option<Slip>) -> anyhow::Result<Self> {
        let clock = Arc::new(AtomicI64::new(1_000_000));
        let count = usize::try_from(dice.between(2, 4))?;
        let mut nodes = Vec::new();
        for index in 0..count {
            let db = open(&folder).await?;
            if index == 0 {
                db.migrate().await?;
            }
            nodes.push(node(db, &clock).await?);
        }
        let first = nodes.first_mut().context("a world without nodes")?;
        let (user, room) = settle(first).await?;
        let name = "ann".to_owned();
        let speaker = Speaker { user, username: name.clone(), shown_name: name, role: ServerRole::User, session: None };
        let clients = (0..CLIENTS).map(|index| Client { node: index % count, ..Client::default() }).collect();
        let looked = vec![true; count];
        let (acks, outcome) = (Vec::new(), Failovers::default());
        Ok(Self { folder, dice, slip, clock, nodes, clients, speaker, room, acks, sent: 0, kept: 0, looked, outcome })
    }

    async fn step(&mut self) -> anyhow::Result<()> {
        self.clock.fetch_add(50, Ordering::Relaxed);
        let node = usize::try_from(self.dice.below(self.nodes.len() as u64))?;
        let client = usize::try_from(self.dice.below(self.clients.len() as u64))?;
        match self.dice.below(100) {
            0..45 => self.send(node).await,
            45..65 => self.look(node).await,
            65..85 => self.connect(client).await,
            85..92 => self.keep().await,
            92..96 => self.come_back().await,
            _ => self.restart(node).await,
        }
    }

    async fn send(&mut self, node: usize) -> anyhow::Result<()> {
        self.sent += 1;
        let cid = format!("c{}", self.sent);
        let (answer, mut result) = oneshot::channel::<chat::Result<Sent>>();
        let submission = Submission {
            conversation: self.room,
            client_id: Some(ClientId::parse(&cid).map_err(anyhow::Error::msg)?),
            message_type: MessageType::Text,
            text: format!("text of {cid}"),
            parent: None,
            files: Vec::new(),
            target: Target::Unaware,
            ..Submission::default()
        };
        let message = NewMessage {
            author: self.speaker.clone(),
            submission,
            origin: None,
            called: None,
            unconfirmed: 0,
            has_link: false,
        };
        let done = Box::new(move |outcome| _ = answer.send(outcome));
        self.nodes[node].writer.append(Append { message, done }).await;
        self.hand_over(node).await;
        if let Ok(Ok(sent)) = result.try_recv() {
            let epoch = epoch(&self.nodes[node].db);
            self.outcome.acks += 1;
            self.acks.push(Ack { cid, seq: sent.seq, epoch, after_copy: true });
            self.tell(node, &sent);
        }
        Ok(())
    }

    /// Hands over the answers of the next batch; closes the node's connections if the batch begins a new history.
    async fn hand_over(&mut self, node: usize) {
        let Some((told, answers)) = self.nodes[node].batches.recv().await else { return };
        answers.into_iter().for_each(|answer| answer());
        if told.contains(&Outgoing::NewHistory) && self.slip != Some(Slip::KeepsConnections) {
            for client in self.clients.iter_mut().filter(|client| client.node == node) {
                client.connected = false;
            }
        }
    }

    /// Delivers a sent message to the node's own subscribers whose next number it is.
    fn tell(&mut self, node: usize, sent: &Sent) {
        let cid = sent.client_id.as_ref().map(ToString::to_string).unwrap_or_default();
        for client in self.clients.iter_mut().filter(|client| client.node == node && client.connected) {
            if sent.seq == client.cursor.next() {
                client.cursor = sent.seq;
                client.known.insert(sent.seq, cid.clone());
            }
        }
    }

    /// The check that a node makes every second.
    async fn look(&mut self, node: usize) -> anyhow::Result<()> {
        self.looked[node] = true;
        if self.slip == Some(Slip::NeverLooks) {
            return Ok(());
        }
        let now = Millis(self.clock.load(Ordering::Relaxed));
        let db = self.nodes[node].db.clone();
        if !db.is_same_history(&mut *db.read().await?, now).await? {
            let writer = self.nodes[node].writer.clone();
            let (_refused, ()) =
                tokio::join!(writer.change(&[], None, |_| Box::pin(async { Ok(()) })), self.hand_over(node));
        }
        Ok(())
    }

    /// A client connects or reconnects, with the history and the number that it knows.
    async fn connect(&mut self, client: usize) -> anyhow::Result<()> {
        let node = usize::try_from(self.dice.below(self.nodes.len() as u64))?;
        let db = self.nodes[node].db.clone();
        let present = epoch(&db);
        let rows = self.rows(&db).await?;
        let head = rows.keys().next_back().copied().unwrap_or(Number(1));
        let me = &mut self.clients[client];
        let honoured = me.epoch.as_ref() == Some(&present) || self.slip == Some(Slip::HonoursOldCursors);
        if me.epoch.is_some() && honoured && me.cursor <= head {
            me.known.extend(rows.range(me.cursor.next()..).map(|(seq, cid)| (*seq, cid.clone())));
        } else {
            me.known = rows;
        }
        (me.node, me.epoch, me.cursor, me.connected) = (node, Some(present), head, true);
        Ok(())
    }

    async fn rows(&self, db: &Db) -> anyhow::Result<BTreeMap<Number, String>> {
        let page = store::messages::before(&mut *db.read().await?, self.room, Number(i64::MAX), Number(0), ALL).await?;
        let cid = |id: Option<ClientId>| id.map(|id| id.to_string()).unwrap_or_default();
        Ok(page.into_iter().map(|message| (message.seq, cid(message.client_id))).collect())
    }

    async fn keep(&mut self) -> anyhow::Result<()> {
        let operator = open(&self.folder).await?;
        self.kept += 1;
        operator.keep_for_tests(&self.copy()).await?;
        operator.close().await;
        self.acks.iter_mut().for_each(|ack| ack.after_copy = false);
        Ok(())
    }

    fn copy(&self) -> PathBuf {
        self.folder.join(format!("kept-{}", self.kept))
    }

    async fn come_back(&mut self) -> anyhow::Result<()> {
        if self.kept == 0 || self.looked.iter().any(|looked| !looked) {
            return Ok(());
        }
        let operator = open(&self.folder).await?;
        operator.come_back_for_tests(&self.copy()).await?;
        operator.close().await;
        self.outcome.losses += u64::from(self.acks.iter().any(|ack| ack.after_copy));
        self.looked.fill(false);
        Ok(())
    }

    /// A node restarts and loses its memory, once the others have seen how far it had come.
    async fn restart(&mut self, node: usize) -> anyhow::Result<()> {
        if self.looked.iter().any(|looked| !looked) {
            return Ok(());
        }
        for other in 0..self.nodes.len() {
            self.look(other).await?;
        }
        self.clients.iter_mut().filter(|client| client.node == node).for_each(|client| client.connected = false);
        let fresh = self::node(open(&self.folder).await?, &self.clock).await?;
        // The writer of the old node ends by itself, and closes the file.
        self.nodes[node] = fresh;
        // The new node reads the present state.
        self.look(node).await
    }

    async fn end(mut self) -> anyhow::Result<Failovers> {
        for _ in 0..2 {
            for node in 0..self.nodes.len() {
                self.look(node).await?;
            }
        }
        // Clients that were sent away reconnect; the others have been sent everything.
        for client in 0..self.clients.len() {
            if !self.clients[client].connected || self.clients[client].epoch.is_none() {
                self.connect(client).await?;
            }
        }
        let (db, last) = (open(&self.folder).await?, epoch(&self.nodes[0].db));
        db.epoch().await?;
        let rows = self.rows(&db).await?;
        let mut broken = Vec::new();
        for (index, node) in self.nodes.iter().enumerate() {
            if epoch(&node.db) != epoch(&db) {
                broken.push(format!("node {index} is in another history than the database"));
            }
        }
        for (index, client) in self.clients.iter().enumerate() {
            if let Some((seq, cid)) = client.known.iter().find(|(seq, cid)| rows.get(seq) != Some(cid)) {
                broken.push(format!("client {index} has {cid} at {seq}, where {:?} is", rows.get(seq)));
            }
        }
        for ack in &self.acks {
            if rows.get(&ack.seq) != Some(&ack.cid) {
                self.outcome.lost += 1;
                if ack.epoch == last {
                    broken.push(format!("{} was acknowledged in this history and is not there", ack.cid));
                }
            }
        }
        if self.outcome.losses == 0 && self.acks.iter().any(|ack| ack.epoch != last) {
            broken.push("the epoch is another one, though nothing was lost".to_owned());
        }
        Ok(Failovers { broken, ..self.outcome })
    }
}

fn epoch(db: &Db) -> String {
    db.epochs().borrow().id.clone()
}

async fn open(folder: &Path) -> anyhow::Result<Db> {
    let url = format!("sqlite:{}", folder.join("failover.db").display());
    Ok(Db::open(&Options { url, readers: 1, connect_timeout: Duration::from_secs(30) }).await?)
}

async fn node(db: Db, clock: &Arc<AtomicI64>) -> anyhow::Result<Node> {
    db.epoch().await?;
    let (outlet, batches) = mpsc::channel(BATCHES);
    let time = clock.clone();
    let (writer, _task) = Writer::start(db.clone(), Arc::new(move || Millis(time.load(Ordering::Relaxed))), outlet);
    Ok(Node { db, writer, batches })
}

/// Creates a person and a conversation.
async fn settle(node: &mut Node) -> anyhow::Result<(UserId, ConversationId)> {
    let profile = Profile::default();
    let settling = node.writer.change(&[], None, move |unit| {
        Box::pin(async move {
            let new = store::accounts::NewAccount {
                id: None,
                username: "ann",
                email: None,
                password_hash: None,
                role: ServerRole::User,
                profile: &profile,
            };
            let ann = store::accounts::create(&mut unit.conn, &new, unit.now).await?;
            let new = store::conversations::NewConversation {
                kind: Kind::Room,
                visibility: Visibility::Public,
                name: Some("Garden"),
                topic: None,
                pair: None,
                created_by: ann,
                client_id: None,
            };
            let room = store::conversations::create(&mut unit.conn, &new, unit.now).await?;
            store::members::join(&mut unit.conn, room, ann, Role::Owner, Number(1), unit.now).await?;
            Ok((ann, room))
        })
    });
    let answers = async {
        if let Some((_, answers)) = node.batches.recv().await {
            answers.into_iter().for_each(|answer| answer());
        }
    };
    Ok(tokio::join!(settling, answers).0?)
}
