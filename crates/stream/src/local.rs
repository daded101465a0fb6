//! The stream that a node's subscribers are fed from: the writer's batches, in the order of their commits, and what other
//! nodes tell.

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

/// Batches that may wait for the subscribers; then the writer waits.
const QUEUE: usize = 64;
/// What other nodes have said and may wait for the subscribers.
const HEARD: usize = 1_024;

/// An answer that is due at the same moment at which subscribers are told.
type Answer = Box<dyn FnOnce() + Send>;

/// What was committed together.
pub struct Batch {
    /// What to tell, in order.
    pub told: Arc<Vec<Outgoing>>,
    /// The answers to those who asked for the changes.
    pub answers: Vec<Answer>,
}

/// What this node hears.
pub struct Stream {
    committed: mpsc::Receiver<(Vec<Outgoing>, Vec<Answer>)>,
    heard: mpsc::Receiver<Heard>,
    hear: Option<mpsc::Sender<Heard>>,
    handle: Handle,
}

/// How this node reaches others.
#[derive(Clone, Default)]
pub struct Handle {
    node: i64,
    publisher: Option<Publisher>,
    interest: Option<Arc<Interest>>,
    hears: Option<Arc<AtomicBool>>,
}

/// What is needed to hear others.
pub struct Others {
    /// Redis, if there is one.
    pub redis: Option<Address>,
    /// Whether other nodes may write to the same database.
    pub several: bool,
    /// The epoch of the database's history, and each that follows.
    pub epochs: watch::Receiver<Epoch>,
    /// What all nodes know and nobody else.
    pub secrets: Secrets,
    /// A random number that no other life of a node has.
    pub life: [u8; 8],
    /// Tells the time.
    pub clock: Clock,
    /// What this node is called.
    pub node: i64,
    /// The place of the newest invalidation before anything was read.
    pub newest_invalidation: i64,
    /// Reads invalidations.
    pub look: Look,
    /// Says that this node cannot tell others.
    pub mute: Mute,
}

impl Stream {
    /// A stream, and the outlet that the writer is to be given. It hears this node alone.
    #[must_use]
    pub fn new() -> (Self, store::writer::Outlet) {
        let (outlet, committed) = mpsc::channel(QUEUE);
        let (hear, heard) = mpsc::channel(HEARD);
        (Self { committed, heard, hear: Some(hear), handle: Handle::default() }, outlet)
    }

    /// Begins to hear others, and to tell them.
    #[must_use]
    pub fn with(mut self, others: Others) -> Self {
        let Some(hear) = self.hear.take() else { return self };
        tokio::spawn(invalidations::run(others.look, others.newest_invalidation, hear.clone()));
        // What invalidations bring is all there is to hear, but for other nodes.
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

    /// How others are reached.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// The next that is heard; nothing once the writer has ended and all it committed was handed over.
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
    /// What this node is called.
    #[must_use]
    pub fn node(&self) -> i64 {
        self.node
    }

    /// Wants to hear of a conversation, or no longer.
    pub fn want(&self, conversation: ConversationId, wanted: bool) {
        if let Some(interest) = &self.interest {
            interest.set(conversation, wanted);
        }
    }

    /// Tells other nodes' subscribers something that may be missed.
    pub fn say(&self, notice: Notice) {
        if let Some(publisher) = &self.publisher {
            publisher.publish(Publication::Notice(notice));
        }
    }

    /// Tells other nodes of people here.
    pub fn say_people(&self, people: People) {
        if let Some(publisher) = &self.publisher {
            publisher.publish(Publication::People(people));
        }
    }

    /// How well others are heard.
    #[must_use]
    pub fn hearing(&self) -> Hearing {
        match &self.hears {
            None => Hearing::Alone,
            Some(hears) if hears.load(Ordering::Relaxed) => Hearing::Good,
            Some(_) => Hearing::Poor,
        }
    }

    /// Whether others can be told.
    #[must_use]
    pub fn is_heard(&self) -> bool {
        self.publisher.is_some()
    }
}
