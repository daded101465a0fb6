//! The stream that feeds a node's subscribers: the writer's batches in the order of their commits, and what other nodes
//! publish.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use chat::{ConversationId, Notice, Outgoing};
use store::Epoch;
use tokio::sync::{mpsc, watch};

use crate::{
    Address, Clock, Heard, Hearing, Look, Mute, People, Secrets,
    interest::Interest,
    invalidations,
    publisher::{Publication, Publisher},
    receiver::Receiver,
    seal::Sealer,
};

/// Batches that may wait for the subscribers; when there are more, the writer waits.
const QUEUE: usize = 64;
/// Items of other nodes that may wait for the subscribers.
const HEARD: usize = 1_024;

/// An answer that is due at the moment when subscribers are sent the change.
type Answer = Box<dyn FnOnce() + Send>;

/// A batch that was committed, with its answers.
pub struct Batch {
    /// The items to publish, in order.
    pub told: Arc<Vec<Outgoing>>,
    /// The answers to those who asked for the changes.
    pub answers: Vec<Answer>,
}

/// The items that this node receives.
pub struct Stream {
    committed: mpsc::Receiver<(Vec<Outgoing>, Vec<Answer>)>,
    heard: mpsc::Receiver<Heard>,
    hear: Option<mpsc::Sender<Heard>>,
    handle: Handle,
}

/// A handle to publish to other nodes.
#[derive(Clone, Default)]
pub struct Handle {
    node: i64,
    publisher: Option<Publisher>,
    interest: Option<Arc<Interest>>,
    hears: Option<Arc<AtomicBool>>,
}

/// Parameters for the exchange with other nodes.
pub struct Others {
    /// Redis, if there is one.
    pub redis: Option<Address>,
    /// Whether other nodes may write to the same database.
    pub several: bool,
    /// The epoch of the database's history, and each that follows.
    pub epochs: watch::Receiver<Epoch>,
    /// The secrets that only the nodes of this server have.
    pub secrets: Secrets,
    /// A random number that no other life of a node has.
    pub life: [u8; 8],
    /// The clock that all nodes share.
    pub clock: Clock,
    /// The name of this node.
    pub node: i64,
    /// The place of the newest invalidation, taken before anything else was read.
    pub newest_invalidation: i64,
    /// Reads invalidations.
    pub look: Look,
    /// Writes to the database that this node cannot publish.
    pub mute: Mute,
}

impl Stream {
    /// A stream that receives this node's batches only, and the outlet for the writer.
    #[must_use]
    pub fn new() -> (Self, store::writer::Outlet) {
        let (outlet, committed) = mpsc::channel(QUEUE);
        let (hear, heard) = mpsc::channel(HEARD);
        (Self { committed, heard, hear: Some(hear), handle: Handle::default() }, outlet)
    }

    /// Starts to receive from other nodes and to publish to them.
    #[must_use]
    pub fn with(mut self, others: Others) -> Self {
        let Some(hear) = self.hear.take() else { return self };
        tokio::spawn(invalidations::run(others.look, others.newest_invalidation, hear.clone()));
        // Without other nodes there is nothing to receive but invalidations.
        let hears = others.several.then(|| Arc::new(AtomicBool::new(false)));
        let Some((address, hears)) = others.redis.zip(hears.clone()) else {
            self.handle.hears = hears;
            return self;
        };
        let Others { node, epochs, secrets, clock, .. } = others;
        let interest = Arc::new(Interest::default());
        let sealer = Sealer::new(secrets.own.clone(), node, others.life);
        self.handle = Handle {
            node,
            publisher: Some(Publisher::start(address.clone(), epochs.clone(), sealer, clock.clone(), others.mute)),
            interest: Some(interest.clone()),
            hears: Some(hears.clone()),
        };
        tokio::spawn(Receiver { address, epochs, secrets, node, clock, interest, heard: hear, hears }.run());
        self
    }

    /// The handle to publish to other nodes.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// The next item; `None` once the writer has ended and all of its batches were handed over.
    pub async fn next(&mut self) -> Option<Heard> {
        tokio::select! {
            committed = self.committed.recv() => {
                let (told, answers) = committed?;
                let told = Arc::new(told);
                if let Some(publisher) = &self.handle.publisher
                    && !told.is_empty()
                {
                    publisher.publish(Publication::Outgoing(told.clone()));
                }
                Some(Heard::Committed(Batch { told, answers }))
            }
            Some(heard) = self.heard.recv() => Some(heard),
        }
    }
}

impl Handle {
    /// The name of this node.
    #[must_use]
    pub fn node(&self) -> i64 {
        self.node
    }

    /// Subscribes to a conversation's events on other nodes, or unsubscribes.
    pub fn want(&self, conversation: ConversationId, wanted: bool) {
        if let Some(interest) = &self.interest {
            interest.set(conversation, wanted);
        }
    }

    /// Publishes an ephemeral event to other nodes' subscribers.
    pub fn say(&self, notice: Notice) {
        if let Some(publisher) = &self.publisher {
            publisher.publish(Publication::Notice(notice));
        }
    }

    /// Publishes the presence of people on this node.
    pub fn say_people(&self, people: People) {
        if let Some(publisher) = &self.publisher {
            publisher.publish(Publication::People(people));
        }
    }

    /// How well other nodes are received.
    #[must_use]
    pub fn hearing(&self) -> Hearing {
        match &self.hears {
            None => Hearing::Alone,
            Some(hears) if hears.load(Ordering::Relaxed) => Hearing::Good,
            Some(_) => Hearing::Poor,
        }
    }

    /// Whether this node can publish to others.
    #[must_use]
    pub fn is_heard(&self) -> bool {
        self.publisher.is_some()
    }
}
