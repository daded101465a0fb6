//! What will happen, in the order of virtual time.

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

/// Something that happens at its time.
pub(crate) enum Happening {
    /// A client does something of its own accord.
    Acts { client: usize },
    /// A client without a line tries to get one.
    Connects { client: usize },
    /// What a client said reaches its node.
    ToNode { node: usize, life: u32, connection: u64, request: Request },
    /// What a node said reaches its client.
    ToClient { client: usize, connection: u64, frame: Frame },
    /// A client finds that its line is broken.
    LineIsBroken { client: usize, connection: u64 },
    /// A node finds that a connection is gone.
    ConnectionIsGone { node: usize, life: u32, connection: u64 },
    /// The database does what a node wrote.
    Commit { flight: u64 },
    /// A node learns what became of it; nothing if nobody knows.
    Committed { node: usize, life: u32, cable: u32, jobs: Vec<Job>, written: Option<Written> },
    /// A node says in the database that it cannot tell others.
    Mutes { node: usize, life: u32 },
    /// A client repeats a send.
    Repeats { client: usize, cid: String },
    /// The database answers a node's question.
    Ask { node: usize, life: u32, cable: u32, question: Question },
    /// A node gets the answer.
    Answered { node: usize, life: u32, cable: u32, question: Question, answer: chat::Result<Answer> },
    /// A node looks for what is due of a conversation or an account.
    Due { node: usize, life: u32, scope: Scope },
    /// A node tries again to tell of accounts that have waited.
    GoesOn { node: usize, life: u32 },
    /// A node reads invalidations, and looks whether it is time to ask for heads.
    Ticks { node: usize, life: u32 },
    /// A letter reaches Redis.
    AtRedis { node: usize, wire: u32, channel: Channel, letter: Rc<Letter> },
    /// A letter reaches a node.
    FromRedis { node: usize, wire: u32, letter: Rc<Letter> },
    /// A node subscribes to a channel, or no longer.
    Subscribes { node: usize, wire: u32, channel: Channel, wanted: bool },
    /// A node finds that Redis is away.
    RedisIsAway { node: usize, life: u32 },
    /// A node tries to reach Redis.
    SeeksRedis { node: usize, life: u32 },
    /// Something breaks.
    Breaks(Trouble),
    /// It is well again.
    Heals(Trouble),
}

/// What can break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    Node(usize),
    /// The way from a node to the database.
    Cable(usize),
    /// The way from a node to Redis.
    Wire(usize),
    Slowness(usize),
    Redis,
    /// The database machine.
    Machine,
    /// A client's line.
    Line(usize),
}

/// What a client says to its node.
#[derive(Clone)]
pub(crate) enum Request {
    Hello { client: usize, speaker: Speaker, account: Option<Number>, cursors: Vec<(ConversationId, Number)> },
    Do { request: u64, command: Command },
    ReadAnew { request: u64, conversation: ConversationId },
    ReadAccount { request: u64 },
}

/// What a node says to a client.
#[derive(Clone)]
pub(crate) enum Frame {
    /// The numbers after which the account's events follow, and each conversation's.
    Welcome {
        account: Number,
        attached: Vec<(ConversationId, Number)>,
    },
    Event(Rc<Event>),
    /// What was missed: by this client (`live` is false), or by its node.
    Changes {
        changes: Rc<CaughtUp>,
        live: bool,
    },
    /// What has changed of the account: as it happened (`live`), or missed by this client.
    Account {
        event: Rc<AccountEvent>,
        live: bool,
    },
    /// The client must read its account anew; this is then its cursor.
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

/// What the database said to a transaction.
pub(crate) struct Written {
    pub told: Vec<Outgoing>,
    pub replies: Vec<chat::Result<Reply>>,
}

/// What a node asks of the database.
#[derive(Clone, Debug)]
pub(crate) enum Question {
    /// What a newcomer belongs to.
    Belongings {
        connection: u64,
        since: u64,
    },
    /// A conversation as somebody sees it, of whom an event of this number says that they belong to it.
    Listed {
        user: UserId,
        conversation: ConversationId,
        number: Number,
    },
    /// What has changed of an account that this node has missed.
    Account {
        user: UserId,
        after: Number,
    },
    /// What has changed of an account that a connection has missed.
    AccountMissed {
        connection: u64,
        cursor: Number,
    },
    /// At whom to look again.
    Invalidations {
        after: i64,
    },
    Heads(Vec<ConversationId>),
    /// What a connection has missed.
    Missed {
        connection: u64,
        conversation: ConversationId,
        cursor: Number,
        live_from: Number,
    },
    /// What this node has missed, and which of these people may know.
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

/// What the database answers.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    Belongings(Belongings),
    /// For a member.
    Listed(Box<Option<Listed>>),
    AccountChanges(Rc<AccountChanges>),
    Account(Rc<KnownAccount<Facts>>),
    Invalidations(Vec<Kept>),
    Heads(Vec<(ConversationId, Number)>),
    Changes(Rc<CaughtUp>),
    Gap(Rc<CaughtUp>, BTreeSet<UserId>),
    Snapshot(Rc<Snapshot>),
}

/// What nodes tell each other through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Channel {
    Conversation(ConversationId),
    Invalidations,
}

/// What nodes tell each other: a frame of [`stream::wire`], or an invalidation.
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

/// Everything that will happen; of what happens at the same time, first what was planned first.
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
