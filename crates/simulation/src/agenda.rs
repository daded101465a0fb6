//! The events of a world that are still to happen, in the order of virtual time.

use std::{
    cmp::Reverse,
    collections::{BTreeSet, BinaryHeap},
    rc::Rc,
    time::Duration,
};

use chat::{
    AccountEvent, Command, ConversationId, Event, Number, Outgoing, Reply, Scope, UserId,
    accounts::Speaker,
    conversations::Listed,
    reply::{AccountChanges, CaughtUp},
};
use promises::{Facts, KnownAccount};
use store::{Invalidation, invalidations::Kept, members::Belongings};

use crate::database::Snapshot;

/// Something that happens at a given time.
pub(crate) enum Happening {
    /// A client does something of its own accord.
    Acts { client: usize },
    /// A client without a connection tries to connect.
    Connects { client: usize },
    /// A client's request reaches its node.
    ToNode { node: usize, life: u32, connection: u64, request: Request },
    /// A node's frame reaches its client.
    ToClient { client: usize, connection: u64, frame: Frame },
    /// A client notices that its connection is broken.
    LineIsBroken { client: usize, connection: u64 },
    /// A node notices that a connection is gone.
    ConnectionIsGone { node: usize, life: u32, connection: u64 },
    /// The database executes a node's transaction.
    Commit { flight: u64 },
    /// A node learns the outcome of its transaction; `written` is `None` if the outcome is unknown.
    Committed { node: usize, life: u32, cable: u32, jobs: Vec<Job>, written: Option<Written> },
    /// A node writes to the database that it cannot publish.
    Mutes { node: usize, life: u32 },
    /// A client repeats a send.
    Repeats { client: usize, cid: String },
    /// The database answers a node's question.
    Ask { node: usize, life: u32, cable: u32, question: Question },
    /// A node gets the answer.
    Answered { node: usize, life: u32, cable: u32, question: Question, answer: chat::Result<Answer> },
    /// A node checks what is due for a conversation or an account.
    Due { node: usize, life: u32, scope: Scope },
    /// A node retries the delivery of account events that have waited.
    GoesOn { node: usize, life: u32 },
    /// A node reads invalidations, and checks whether it is time to ask for heads.
    Ticks { node: usize, life: u32 },
    /// A letter reaches Redis.
    AtRedis { node: usize, wire: u32, channel: Channel, letter: Rc<Letter> },
    /// A letter reaches a node.
    FromRedis { node: usize, wire: u32, letter: Rc<Letter> },
    /// A node subscribes to a channel or unsubscribes from it.
    Subscribes { node: usize, wire: u32, channel: Channel, wanted: bool },
    /// A node notices that Redis is away.
    RedisIsAway { node: usize, life: u32 },
    /// A node tries to connect to Redis.
    SeeksRedis { node: usize, life: u32 },
    /// Something breaks.
    Breaks(Trouble),
    /// A trouble ends.
    Heals(Trouble),
}

/// Something that can break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    Node(usize),
    /// The connection between a node and the database.
    Cable(usize),
    /// The connection between a node and Redis.
    Wire(usize),
    Slowness(usize),
    Redis,
    /// The machine that the database runs on.
    Machine,
    /// A client's connection.
    Line(usize),
}

/// A client's request to its node.
#[derive(Clone)]
pub(crate) enum Request {
    Hello { client: usize, speaker: Speaker, account: Option<Number>, cursors: Vec<(ConversationId, Number)> },
    Do { request: u64, command: Command },
    ReadAnew { request: u64, conversation: ConversationId },
    ReadAccount { request: u64 },
}

/// A node's frame to a client.
#[derive(Clone)]
pub(crate) enum Frame {
    /// The numbers after which live events follow: the account's, and each conversation's.
    Welcome {
        account: Number,
        attached: Vec<(ConversationId, Number)>,
    },
    Event(Rc<Event>),
    /// Missed changes: those that this client has missed (`live` is false), or those that its node has missed.
    Changes {
        changes: Rc<CaughtUp>,
        live: bool,
    },
    /// A change of the account: live, or one that this client has missed.
    Account {
        event: Rc<AccountEvent>,
        live: bool,
    },
    /// The client must read its account again; this is then its cursor.
    AccountReset(Number),
    Answer {
        request: u64,
        reply: chat::Result<Reply>,
    },
    ReadAnew {
        request: u64,
        conversation: ConversationId,
        read: chat::Result<Rc<Snapshot>>,
    },
    AccountRead {
        request: u64,
        read: chat::Result<Rc<KnownAccount<Facts>>>,
    },
    Closed,
}

/// A command on its way into the database.
#[derive(Clone)]
pub(crate) struct Job {
    pub connection: u64,
    pub request: u64,
    pub speaker: Speaker,
    pub command: Command,
}

/// The database's result of a transaction.
pub(crate) struct Written {
    pub told: Vec<Outgoing>,
    pub replies: Vec<chat::Result<Reply>>,
}

/// A node's question to the database.
#[derive(Clone, Debug)]
pub(crate) enum Question {
    /// The conversations of a person whose connection has just opened.
    Belongings {
        connection: u64,
        since: u64,
    },
    /// A conversation as this user sees it, after an event of the given number has said that they belong to it.
    Listed {
        user: UserId,
        conversation: ConversationId,
        number: Number,
    },
    /// The changes of an account that this node has missed.
    Account {
        user: UserId,
        after: Number,
    },
    /// The changes of an account that a connection has missed.
    AccountMissed {
        connection: u64,
        cursor: Number,
    },
    /// The invalidations after a place: whom and what to recheck.
    Invalidations {
        after: i64,
    },
    Heads(Vec<ConversationId>),
    /// The changes that a connection has missed.
    Missed {
        connection: u64,
        conversation: ConversationId,
        cursor: Number,
        live_from: Number,
    },
    /// The changes that this node has missed, and which of these people may see them.
    Gap {
        room: u64,
        conversation: ConversationId,
        after: Number,
        people: Vec<UserId>,
    },
    /// A conversation from the beginning.
    Anew {
        connection: u64,
        request: u64,
        conversation: ConversationId,
    },
    /// An account from the beginning.
    AccountAnew {
        connection: u64,
        request: u64,
    },
}

/// The database's answer to a question.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    Belongings(Belongings),
    /// The conversation, if the user is a member of it.
    Listed(Box<Option<Listed>>),
    AccountChanges(Rc<AccountChanges>),
    Account(Rc<KnownAccount<Facts>>),
    Invalidations(Vec<Kept>),
    Heads(Vec<(ConversationId, Number)>),
    Changes(Rc<CaughtUp>),
    Gap(Rc<CaughtUp>, BTreeSet<UserId>),
    Snapshot(Rc<Snapshot>),
}

/// A Redis channel between nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Channel {
    Conversation(ConversationId),
    Invalidations,
}

/// A message between nodes: a frame of [`stream::wire`], or an invalidation.
#[derive(Debug)]
pub(crate) enum Letter {
    Frame(ConversationId, String),
    Invalidation(Invalidation),
}

struct Entry {
    at: Duration,
    place: u64,
    what: Happening,
}

/// Everything that will happen. Of two things at the same time, the one that was planned first comes first.
#[derive(Default)]
pub(crate) struct Agenda {
    entries: BinaryHeap<Reverse<Entry>>,
    planned: u64,
}

impl Agenda {
    pub(crate) fn plan(&mut self, at: Duration, what: Happening) {
        self.planned += 1;
        self.entries.push(Reverse(Entry { at, place: self.planned, what }));
    }

    pub(crate) fn next(&mut self) -> Option<(Duration, Happening)> {
        self.entries.pop().map(|Reverse(entry)| (entry.at, entry.what))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.place).cmp(&(other.at, other.place))
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Entry {}
