//! A client that talks while things break: it loses its connection, reconnects, repeats sends with an unknown outcome,
//! and writes a history.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{
    net::{TcpSocket, TcpStream},
    sync::watch,
};
use tokio_websockets::{ClientBuilder, Limits, Message, WebSocketStream};

use crate::{
    api::{account_event, row},
    checker::{AccountEvent, Content, Entry, History, Step},
    dice::Dice,
};

mod acting;
mod habits;
mod hearing;

pub use habits::Habits;

/// The most sends that a client has under way.
const PIPELINE: usize = 8;
/// The most messages of others that it remembers, to react to them.
const RECENT: usize = 64;
/// A connection that has been silent for this long is pinged …
const ASK_AFTER: Duration = Duration::from_secs(2);
/// … and one that is silent for this long is given up.
const GIVE_UP_AFTER: Duration = Duration::from_secs(5);
const EMOJI: [&str; 3] = ["👍", "🌳", "🎉"];

/// The phase of a run, for all talkers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Talk.
    Talk,
    /// Send nothing new; resolve unknown outcomes, and bring back all members.
    Finish,
    /// Leave.
    Over,
}

/// A person with an account.
#[derive(Clone, Debug)]
pub struct Person {
    /// The username.
    pub name: String,
    /// The user's id.
    pub id: i64,
    /// An access token.
    pub token: String,
}

/// A membership that one talker alone begins and ends.
#[derive(Clone, Debug)]
pub struct Charge {
    /// The conversation.
    pub conversation: i64,
    /// The user; may be the talker's own.
    pub user: i64,
    /// Whether they are a member, as far as is known.
    pub inside: bool,
    /// The membership that is wanted, until its outcome is known, and whether it was asked for before.
    pub wanted: Option<(bool, bool)>,
    /// Whether a request is under way.
    under_way: bool,
}

impl Charge {
    /// A charge of a present member.
    #[must_use]
    pub fn of(conversation: i64, user: i64) -> Self {
        Self { conversation, user, inside: true, wanted: None, under_way: false }
    }
}

/// A talker's state, for [`wait_for_quiet`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Whether nothing is pending.
    pub settled: bool,
    /// Its user, and the number of the account that it has reached.
    pub account: (i64, i64),
    /// The numbers that it has reached, by conversation.
    pub cursors: BTreeMap<i64, i64>,
}

type Socket = WebSocketStream<TcpStream>;

/// A send without a definite outcome yet.
struct Pending {
    conversation: i64,
    cid: String,
    text: String,
    under_way: bool,
    /// Whether the outcome of an earlier attempt is unknown.
    doubtful: bool,
}

/// A command other than a send, until it is answered or the connection is lost.
enum Asked {
    Edit { conversation: i64, seq: i64 },
    Delete { conversation: i64, seq: i64 },
    React { conversation: i64, seq: i64 },
    Move { charge: usize },
    Read { conversation: i64, begun: u64 },
    Sync { conversation: i64 },
    Search { conversation: i64, begun: u64 },
    Marker { conversation: i64, begun: u64 },
    Remind { conversation: i64, seq: i64 },
    Draft,
    Account,
}

/// An account that is being read again.
#[derive(Default)]
struct Reading {
    since: i64,
    events: Vec<AccountEvent>,
    under_way: bool,
}

/// A client that talks, loses its connection, reconnects and repeats sends with an unknown outcome.
pub struct Talker {
    history: History,
    token: String,
    places: Vec<i64>,
    charges: Vec<Charge>,
    habits: Habits,
    dice: Dice,
    clock: Instant,
    standing: Arc<Mutex<Standing>>,
    connection: u64,
    node: usize,
    epoch: String,
    welcome: bool,
    cursors: BTreeMap<i64, i64>,
    /// The account's number that it has reached.
    account: i64,
    /// The number after which the account's events are live.
    live_from: i64,
    /// The part of its account that has been read, while the account must be read again.
    reading: Option<Reading>,
    /// The heads up to which it must catch up after the welcome, by conversation; `None` once it has.
    behind: Option<BTreeMap<i64, i64>>,
    pending: VecDeque<Pending>,
    asked: HashMap<String, Asked>,
    /// Its own messages that were not edited yet: each is edited or deleted at most once.
    own: Vec<(i64, i64)>,
    /// Messages that it received lately.
    recent: VecDeque<(i64, i64)>,
    /// Messages that it has asked a reminder of.
    reminded: BTreeSet<(i64, i64)>,
    said: u64,
}

impl Talker {
    /// A client that talks in `places`. `clock` is the same for all whose histories are judged together.
    #[must_use]
    pub fn new(
        person: &Person,
        places: Vec<i64>,
        charges: Vec<Charge>,
        habits: Habits,
        dice: Dice,
        clock: Instant,
    ) -> (Self, Arc<Mutex<Standing>>) {
        let standing = Arc::new(Mutex::new(Standing::default()));
        let talker = Self {
            history: History {
                client: person.name.clone(),
                author: person.id,
                dawdles: habits.dawdles,
                entries: Vec::new(),
            },
            token: person.token.clone(),
            places,
            charges,
            habits,
            dice,
            clock,
            standing: Arc::clone(&standing),
            connection: 0,
            node: 0,
            epoch: String::new(),
            welcome: false,
            cursors: BTreeMap::new(),
            account: 0,
            live_from: 0,
            reading: None,
            behind: None,
            pending: VecDeque::new(),
            asked: HashMap::new(),
            own: Vec::new(),
            recent: VecDeque::new(),
            reminded: BTreeSet::new(),
            said: 0,
        };
        (talker, standing)
    }

    fn now(&self) -> u64 {
        u64::try_from(self.clock.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    fn note(&mut self, step: Step) {
        let at = self.now();
        self.history.entries.push(Entry { at, connection: self.connection, step });
    }

    fn stand(&self) {
        let at_home = self.charges.iter().all(|charge| charge.inside && charge.wanted.is_none());
        if let Ok(mut standing) = self.standing.lock() {
            let settled = self.welcome && self.pending.is_empty() && at_home && self.reading.is_none();
            let account = (self.history.author, self.account);
            *standing = Standing { settled, account, cursors: self.cursors.clone() };
        }
    }

    /// Runs until the phase is [`Phase::Over`], on one node after the other; `urls` are the nodes' socket URLs.
    pub async fn live(mut self, urls: Vec<String>, mut phases: watch::Receiver<Phase>) -> History {
        while *phases.borrow() != Phase::Over {
            self.connection += 1;
            self.node = usize::try_from(self.dice.between(0, urls.len() as u64)).unwrap_or_default();
            // Lost connections are the purpose of the test; whatever the reason, the client reconnects.
            if let Err(error) = self.connect_and_talk(&urls[self.node], &mut phases).await
                && error.to_string().contains("refused:")
            {
                eprintln!("{}: {error:#}", self.history.client);
            }
            self.lose_connection();
            let pause = if self.dice.one_in(6) && urls.len() == 1 {
                self.dice.millis(100, 700)
            } else {
                self.dice.millis(5, 60)
            };
            tokio::time::sleep(pause).await;
        }
        self.history
    }

    /// Notes that the outcome of the sends under way is unknown.
    fn lose_connection(&mut self) {
        if self.welcome {
            self.note(Step::Lost { node: self.node });
        }
        self.welcome = false;
        self.behind = None;
        let mut lost = Vec::new();
        for pending in &mut self.pending {
            if std::mem::take(&mut pending.under_way) {
                pending.doubtful = true;
                lost.push(pending.cid.clone());
            }
        }
        lost.into_iter().for_each(|cid| self.note(Step::Unknown { cid }));
        self.asked.clear();
        if self.reading.take().is_some() {
            self.account = 0;
        }
        self.charges.iter_mut().for_each(|charge| charge.under_way = false);
        self.stand();
    }

    async fn connect_and_talk(&mut self, url: &str, phases: &mut watch::Receiver<Phase>) -> Result<()> {
        let builder = ClientBuilder::new().uri(url)?.limits(Limits::unlimited());
        // At the end all connect as ordinary clients: through a tiny window, catching up might take minutes.
        let slow = self.habits.dawdles && *phases.borrow() == Phase::Talk;
        let stream = connect(url, slow);
        let connecting = async { anyhow::Ok(builder.connect_on(stream.await?).await?) };
        let (mut socket, _) = tokio::time::timeout(Duration::from_secs(3), connecting).await??;
        self.welcome = false;
        let resumed: Vec<(i64, i64)> = self.cursors.iter().map(|(place, cursor)| (*place, *cursor)).collect();
        for (conversation, cursor) in resumed {
            self.note(Step::Resume { conversation, cursor });
        }
        let cursors: BTreeMap<String, i64> =
            self.cursors.iter().map(|(place, cursor)| (place.to_string(), *cursor)).collect();
        let data = json!({"token": self.token, "cursors": cursors, "account_seq": self.account});
        say(&mut socket, "authenticate", "authenticate", data).await?;
        let begin = Instant::now();
        while !self.welcome {
            let limit = GIVE_UP_AFTER.saturating_sub(begin.elapsed());
            let frame = tokio::time::timeout(limit, socket.next()).await?.context("closed")??;
            self.hear(&frame)?;
        }
        self.repeat(&mut socket).await?;
        self.talk(&mut socket, phases).await
    }

    /// Repeats all sends without a definite outcome, with the same ids and in the same order.
    async fn repeat(&mut self, socket: &mut Socket) -> Result<()> {
        for index in 0..self.pending.len() {
            if !self.pending[index].under_way {
                self.send(socket, index).await?;
            }
        }
        self.ask_for_account(socket).await?;
        for index in 0..self.charges.len() {
            if self.charges[index].wanted.is_some() && !self.charges[index].under_way {
                self.bring_about(socket, index).await?;
            }
        }
        Ok(())
    }

    async fn send(&mut self, socket: &mut Socket, index: usize) -> Result<()> {
        let pending = &mut self.pending[index];
        pending.under_way = true;
        let (conversation, cid, text) = (pending.conversation, pending.cid.clone(), pending.text.clone());
        self.note(Step::Invoke { conversation, cid: cid.clone(), content: Content::of(&text) });
        let data = json!({"conversation": conversation, "client_id": cid, "text": text});
        say(socket, &cid, "message.send", data).await
    }

    async fn talk(&mut self, socket: &mut Socket, phases: &mut watch::Receiver<Phase>) -> Result<()> {
        let mut heard = Instant::now();
        let mut asked = false;
        let mut next = tokio::time::Instant::now() + self.dice.millis(self.habits.pause.0, self.habits.pause.1);
        loop {
            self.stand();
            let phase = *phases.borrow();
            tokio::select! {
                frame = socket.next() => {
                    self.hear(&frame.context("closed")??)?;
                    (heard, asked) = (Instant::now(), false);
                }
                changed = phases.changed() => {
                    changed?;
                    if *phases.borrow() == Phase::Over || self.habits.dawdles {
                        return Ok(());
                    }
                }
                () = tokio::time::sleep_until(next) => {
                    next = tokio::time::Instant::now() + self.dice.millis(self.habits.pause.0, self.habits.pause.1);
                    if self.habits.dawdles && phase == Phase::Talk {
                        tokio::time::sleep(self.dice.millis(2_000, 4_500)).await;
                        (heard, asked) = (Instant::now(), false);
                    }
                    if heard.elapsed() > GIVE_UP_AFTER {
                        bail!("silence");
                    }
                    if heard.elapsed() > ASK_AFTER && !asked {
                        asked = true;
                        say(socket, "ping", "ping", json!({})).await?;
                    }
                    // Only a send whose outcome the server has called unknown is pending here without being under way.
                    self.repeat(socket).await?;
                    if phase == Phase::Talk && !self.habits.silent {
                        self.act(socket).await?;
                        if self.dice.one_in(self.habits.hop) {
                            return Ok(());
                        }
                    } else if phase == Phase::Finish {
                        self.rejoin_all(socket).await?;
                    }
                }
            }
        }
    }

    /// Makes everybody a member at the end.
    async fn rejoin_all(&mut self, socket: &mut Socket) -> Result<()> {
        for index in 0..self.charges.len() {
            let charge = &mut self.charges[index];
            if !charge.inside && charge.wanted.is_none() {
                charge.wanted = Some((true, false));
                self.bring_about(socket, index).await?;
            }
        }
        Ok(())
    }

    /// An id for a command that is not a send.
    fn name(&mut self, what: &str) -> String {
        self.said += 1;
        format!("{what}:{}", self.said)
    }
}

/// Connects to the address in a URL; with `slow`, the system's receive buffer is small.
async fn connect(url: &str, slow: bool) -> Result<TcpStream> {
    let address = url.split('/').nth(2).context("a URL without an address")?;
    if !slow {
        return Ok(TcpStream::connect(address).await?);
    }
    let socket = TcpSocket::new_v4()?;
    socket.set_recv_buffer_size(4_096)?;
    Ok(socket.connect(address.parse()?).await?)
}

async fn say(socket: &mut Socket, id: &str, command: &str, data: Value) -> Result<()> {
    let text = json!({"id": id, "type": command, "data": data}).to_string();
    tokio::time::timeout(GIVE_UP_AFTER, socket.send(Message::text(text))).await??;
    Ok(())
}

/// Waits until no talker has anything pending and all have been at the same numbers for a while.
///
/// # Errors
/// If that does not happen within `patience`.
pub async fn wait_for_quiet(standings: &[Arc<Mutex<Standing>>], patience: Duration) -> Result<()> {
    let begin = Instant::now();
    let (mut since, mut last) = (Instant::now(), Vec::new());
    while begin.elapsed() < patience {
        let now: Vec<Standing> =
            standings.iter().map(|one| one.lock().map(|one| one.clone()).unwrap_or_default()).collect();
        let mut heads: BTreeMap<i64, BTreeSet<i64>> = BTreeMap::new();
        for (conversation, cursor) in now.iter().flat_map(|one| &one.cursors) {
            heads.entry(*conversation).or_default().insert(*cursor);
        }
        let mut accounts: BTreeMap<i64, BTreeSet<i64>> = BTreeMap::new();
        for (user, number) in now.iter().map(|one| one.account) {
            accounts.entry(user).or_default().insert(number);
        }
        let level = heads.values().chain(accounts.values()).all(|cursors| cursors.len() == 1);
        if now != last || !level || !now.iter().all(|one| one.settled) {
            since = Instant::now();
        }
        if since.elapsed() > Duration::from_millis(1_500) {
            return Ok(());
        }
        last = now;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let open = last.iter().filter(|one| !one.settled).count();
    let mut cursors: BTreeMap<i64, BTreeMap<i64, usize>> = BTreeMap::new();
    for (conversation, cursor) in last.iter().flat_map(|one| &one.cursors) {
        *cursors.entry(*conversation).or_default().entry(*cursor).or_default() += 1;
    }
    bail!("the clients did not become quiet: {open} have something open; how many stand where: {cursors:?}")
}
