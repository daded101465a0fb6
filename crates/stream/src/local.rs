//! The stream that a node's listeners are fed from: the writer's batches, in the order of their commits, and what other
//! nodes tell.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use chat::{ConversationId, Notice, Told};
use store::Epoch;
use tokio::sync::{mpsc, watch};

use crate::{
    Address, Clock, Heard, Hearing, Look, Mute, People, Secrets,
    bell::{Bell, Ring},
    ear::Ear,
    interest::Interest,
    nudges,
    seal::Sealer,
};

/// Batches that may wait for the listeners; then the writer waits.
const QUEUE: usize = 64;
/// What other nodes have said and may wait for the listeners.
const HEARD: usize = 1_024;

/// An answer that is due at the same moment at which listeners are told.
type Answer = Box<dyn FnOnce() + Send>;

/// What was committed together.
pub struct Batch {
    /// What to tell, in order.
    pub told: Arc<Vec<Told>>,
    /// The answers to those who asked for the changes.
    pub answers: Vec<Answer>,
}

/// What this node hears.
pub struct Stream {
    committed: mpsc::Receiver<(Vec<Told>, Vec<Answer>)>,
    heard: mpsc::Receiver<Heard>,
    hear: Option<mpsc::Sender<Heard>>,
    voice: Voice,
}

/// How this node reaches others.
#[derive(Clone, Default)]
pub struct Voice {
    node: i64,
    bell: Option<Bell>,
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
    /// The place of the newest nudge before anything was read.
    pub newest_nudge: i64,
    /// Reads nudges.
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
        (Self { committed, heard, hear: Some(hear), voice: Voice::default() }, outlet)
    }

    /// Begins to hear others, and to tell them.
    #[must_use]
    pub fn with(mut self, others: Others) -> Self {
        let Some(hear) = self.hear.take() else { return self };
        tokio::spawn(nudges::run(others.look, others.newest_nudge, hear.clone()));
        // What nudges bring is all there is to hear, but for other nodes.
        let hears = others.several.then(|| Arc::new(AtomicBool::new(false)));
        let Some((address, hears)) = others.redis.zip(hears.clone()) else {
            self.voice.hears = hears;
            return self;
        };
        let Others { node, epochs, secrets, clock, .. } = others;
        let interest = Arc::new(Interest::default());
        let sealer = Sealer::new(secrets.own.clone(), node, others.life);
        self.voice = Voice {
            node,
            bell: Some(Bell::start(address.clone(), epochs.clone(), sealer, clock.clone(), others.mute)),
            interest: Some(interest.clone()),
            hears: Some(hears.clone()),
        };
        tokio::spawn(Ear { address, epochs, secrets, node, clock, interest, heard: hear, hears }.run());
        self
    }

    /// How others are reached.
    #[must_use]
    pub fn voice(&self) -> Voice {
        self.voice.clone()
    }

    /// The next that is heard; nothing once the writer has ended and all it committed was handed over.
    pub async fn next(&mut self) -> Option<Heard> {
        tokio::select! {
            committed = self.committed.recv() => {
                let (told, answers) = committed?;
                let told = Arc::new(told);
                if let Some(bell) = &self.voice.bell
                    && !told.is_empty()
                {
                    bell.ring(Ring::Told(told.clone()));
                }
                Some(Heard::Committed(Batch { told, answers }))
            }
            Some(heard) = self.heard.recv() => Some(heard),
        }
    }
}

impl Voice {
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

    /// Tells other nodes' listeners something that may be missed.
    pub fn say(&self, notice: Notice) {
        if let Some(bell) = &self.bell {
            bell.ring(Ring::Notice(notice));
        }
    }

    /// Tells other nodes of people here.
    pub fn say_people(&self, people: People) {
        if let Some(bell) = &self.bell {
            bell.ring(Ring::People(people));
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
        self.bell.is_some()
    }
}
