//! The publisher: tells other nodes, by way of Redis, what was committed here. It never holds anybody up. What it cannot
//! tell the others find in the database; that there is something to look for it says there, by an invalidation.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use chat::{ConversationId, Notice, Outgoing, event::Audience};
use store::Epoch;
use tokio::{
    sync::{mpsc, watch},
    time::Instant,
};

use crate::{
    Clock,
    channels::{Channels, write_invalidation},
    line::{Address, Line},
    people::{self, People},
    seal::Sealer,
    wire,
};

/// What may wait to be told.
const QUEUE: usize = 4_096;
/// What is told with one round trip.
const AT_ONCE: usize = 256;
/// A node that cannot tell anything says so in the database this often.
const MUTE_EVERY: Duration = Duration::from_secs(1);

/// Something to tell other nodes.
pub(crate) enum Publication {
    Outgoing(Arc<Vec<Outgoing>>),
    Notice(Notice),
    People(People),
}

/// The way to tell other nodes.
#[derive(Clone)]
pub(crate) struct Publisher {
    publications: mpsc::Sender<Publication>,
    dropped: Arc<AtomicBool>,
}

impl Publisher {
    /// Starts telling. `mute` says in the database that this node cannot.
    pub(crate) fn start(
        address: Address,
        epochs: watch::Receiver<Epoch>,
        sealer: Sealer,
        clock: Clock,
        mute: crate::Mute,
    ) -> Self {
        let (publications, queue) = mpsc::channel(QUEUE);
        let dropped = Arc::new(AtomicBool::new(false));
        let ringer = Ringer {
            address,
            epochs,
            sealer,
            clock,
            mute,
            dropped: dropped.clone(),
            line: None,
            muted_at: None,
            again: None,
        };
        tokio::spawn(ringer.run(queue));
        Self { publications, dropped }
    }

    /// Puts it into the queue; if that is full, the others will look into the database. What may be missed leaves half
    /// of the queue to what may not.
    pub(crate) fn publish(&self, publication: Publication) {
        if matches!(publication, Publication::Notice(_)) && self.publications.capacity() < QUEUE / 2 {
            return;
        }
        if self.publications.try_send(publication).is_err() {
            self.dropped.store(true, Ordering::Relaxed);
        }
    }
}

struct Ringer {
    address: Address,
    epochs: watch::Receiver<Epoch>,
    sealer: Sealer,
    clock: Clock,
    mute: crate::Mute,
    dropped: Arc<AtomicBool>,
    line: Option<Line>,
    muted_at: Option<Instant>,
    /// When to try to connect again.
    again: Option<Instant>,
}

impl Ringer {
    async fn run(mut self, mut queue: mpsc::Receiver<Publication>) {
        let mut publications = Vec::with_capacity(AT_ONCE);
        while queue.recv_many(&mut publications, AT_ONCE).await > 0 {
            let (said, matters) = self.words(&publications);
            publications.clear();
            let told = said.is_empty() || self.publish(&said).await;
            let dropped = self.dropped.swap(false, Ordering::Relaxed);
            if (matters && !told) || dropped {
                self.say_mute().await;
            }
        }
    }

    /// What goes to which channel, each conversation's in its order; and whether events are among it.
    fn words(&mut self, publications: &[Publication]) -> (Vec<(String, Vec<u8>)>, bool) {
        let epoch = self.epochs.borrow().id.clone();
        let channels = Channels::new(&epoch);
        let (words, matters) = words(&channels, publications);
        let now = (self.clock)();
        let sealed = words.into_iter().filter_map(|(channel, words)| {
            let frame = self.sealer.seal(&epoch, &channel, &words, now)?;
            Some((channel, frame))
        });
        (sealed.collect(), matters)
    }

    async fn publish(&mut self, said: &[(String, Vec<u8>)]) -> bool {
        if self.line.is_none() {
            if self.again.is_some_and(|again| Instant::now() < again) {
                return false;
            }
            match Line::open(&self.address, |_| Ok(())).await {
                Ok(line) => self.line = Some(line),
                Err(error) => {
                    tracing::debug!(%error, "Redis cannot be reached; other nodes look into the database");
                    self.again = Some(Instant::now() + crate::receiver::rest());
                    return false;
                }
            }
        }
        let Some(line) = &mut self.line else { return false };
        match line.publish(said).await {
            Ok(()) => {
                metrics::counter!("palabre_node_publishes_total").increment(said.len() as u64);
                true
            }
            Err(error) => {
                tracing::debug!(%error, "Redis did not take what was said; other nodes look into the database");
                self.line = None;
                false
            }
        }
    }

    async fn say_mute(&mut self) {
        metrics::counter!("palabre_node_publish_failures_total").increment(1);
        if self.muted_at.is_none_or(|at| at.elapsed() >= MUTE_EVERY) {
            self.muted_at = Some(Instant::now());
            // Not waited for: a database that is away, too, must not hold up what comes next.
            tokio::spawn((self.mute)());
        }
    }
}

/// The same before it is sealed.
fn words(channels: &Channels, publications: &[Publication]) -> (Vec<(String, Vec<u8>)>, bool) {
    let mut order: Vec<ConversationId> = Vec::new();
    let mut of: HashMap<ConversationId, Vec<&Outgoing>> = HashMap::new();
    let mut notices = Vec::new();
    let mut said = Vec::new();
    let mut matters = false;
    for publication in publications {
        match publication {
            Publication::Outgoing(told) => {
                for one in told.iter() {
                    matters |= matches!(one, Outgoing::Event(_));
                    if let Some(conversation) = wire::about(one) {
                        let words = of.entry(conversation).or_insert_with(|| {
                            order.push(conversation);
                            Vec::new()
                        });
                        words.push(one);
                    }
                }
                let invalidations = store::invalidations::of(told).into_iter();
                said.extend(
                    invalidations
                        .map(|invalidation| (channels.invalidations(), write_invalidation(invalidation).into_bytes())),
                );
            }
            Publication::Notice(notice) => {
                if let Audience::Members(conversation) | Audience::OtherMembers(conversation, _) = notice.to {
                    notices.push((conversation, Outgoing::Notice(notice.clone())));
                }
            }
            Publication::People(word) => said.extend(people::encode(word).map(|words| (channels.people(), words))),
        }
    }
    for conversation in order {
        let words = of.remove(&conversation).unwrap_or_default();
        said.extend(wire::encode(words.into_iter()).map(|frame| (channels.of(conversation), frame.into_bytes())));
    }
    for (conversation, told) in &notices {
        let frame = wire::encode(std::iter::once(told));
        said.extend(frame.map(|frame| (channels.of(*conversation), frame.into_bytes())));
    }
    (said, matters)
}
