//! The receiver: hears, by way of Redis, what other nodes tell. It comes back by itself, and says when something may have
//! been missed.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use chat::{ConversationId, Outgoing};
use redis::{PushInfo, PushKind, RedisResult, Value};
use store::{Epoch, Invalidation};
use tokio::{
    sync::{mpsc, watch},
    time::Instant,
};

use crate::{
    Clock, Heard,
    channels::{About, Channels, read_invalidation},
    interest::Interest,
    line::{Address, Line},
    people,
    seal::{Opened, Opener, Sealed, Secrets},
    wire,
};

/// Words of the server that may wait; more, and all heads are asked for.
const QUEUE: usize = 16_384;
/// How often Redis is asked whether it is there.
const PING_EVERY: Duration = Duration::from_secs(1);
/// How long to rest at least before connecting again.
const REST_MS: u64 = 100;
/// How often is told of frames that do not open.
const WARN_EVERY: Duration = Duration::from_mins(1);

pub(crate) struct Receiver {
    pub address: Address,
    pub epochs: watch::Receiver<Epoch>,
    pub secrets: Secrets,
    pub node: i64,
    pub clock: Clock,
    pub interest: Arc<Interest>,
    pub heard: mpsc::Sender<Heard>,
    /// Whether what others say is heard.
    pub hears: Arc<AtomicBool>,
}

/// What is heard of one history. It outlasts the connections: a frame that was heard before one broke is not heard for
/// the first time after it.
struct Hearing {
    epoch: String,
    channels: Channels,
    opener: Opener,
    warned_at: Option<Instant>,
    /// When heads were last asked for because of a frame that does not open.
    refused_at: Option<Instant>,
}

/// How long to wait before connecting again: not all nodes at once.
pub(crate) fn rest() -> Duration {
    let mut chance = [0_u8; 2];
    // Without chance all wait equally long, which does no harm.
    let _none = getrandom::fill(&mut chance);
    Duration::from_millis(REST_MS + u64::from(u16::from_le_bytes(chance)) % 200)
}

impl Hearing {
    fn of(epoch: String, secrets: &Secrets, node: i64) -> Self {
        let channels = Channels::new(&epoch);
        let opener = Opener::new(secrets.clone(), epoch.clone(), node);
        Self { epoch, channels, opener, warned_at: None, refused_at: None }
    }

    /// Begins with nothing where it is another history, and goes on where only the connection is another.
    fn turn_to(&mut self, epoch: String, secrets: &Secrets, node: i64) {
        if self.epoch != epoch {
            *self = Self::of(epoch, secrets, node);
        }
    }
}

impl Receiver {
    /// Listens until nobody wants to hear any more.
    pub(crate) async fn run(self) {
        let mut said = false;
        let mut hearing = Hearing::of(self.epochs.borrow().id.clone(), &self.secrets, self.node);
        while !self.heard.is_closed() {
            if let Err(error) = self.listen(&mut hearing).await {
                if self.hears.swap(false, Ordering::Relaxed) || !said {
                    tracing::warn!(%error, "Redis is away; other nodes' messages are looked for in the database");
                    said = true;
                }
                metrics::gauge!("palabre_redis_connected").set(0.0);
            }
            tokio::time::sleep(rest()).await;
        }
    }

    async fn listen(&self, hearing: &mut Hearing) -> RedisResult<()> {
        let mut epochs = self.epochs.clone();
        let epoch = epochs.borrow_and_update().id.clone();
        hearing.turn_to(epoch, &self.secrets, self.node);
        let channels = hearing.channels.clone();
        let (pushed, mut pushes) = mpsc::channel(QUEUE);
        let lost = Arc::new(AtomicBool::new(false));
        let overflow = lost.clone();
        let mut line = Line::open(&self.address, move |push: PushInfo| {
            if let Err(mpsc::error::TrySendError::Full(_)) = pushed.try_send(push) {
                overflow.store(true, Ordering::Relaxed);
            }
            Ok(())
        })
        .await?;
        line.subscribe(&[channels.invalidations(), channels.people()]).await?;
        let all = self.interest.all();
        line.subscribe(&names(&channels, &all)).await?;
        tracing::info!("Redis is there: other nodes are heard");
        metrics::gauge!("palabre_redis_connected").set(1.0);
        self.hears.store(true, Ordering::Relaxed);
        // Whatever was said before this moment was not heard.
        self.hear(Heard::Missed).await;
        let mut pings = tokio::time::interval(PING_EVERY);
        pings.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                push = pushes.recv() => match push {
                    Some(push) if push.kind == PushKind::Disconnection => {
                        if let Line::One(_) = line {
                            return Err(gone());
                        }
                        // A cluster's connection subscribes again by itself.
                        self.hear(Heard::Missed).await;
                    }
                    Some(push) => self.take(hearing, &push).await,
                    None => return Err(gone()),
                },
                (more, less) = self.interest.changes() => {
                    line.unsubscribe(&names(&channels, &less)).await?;
                    line.subscribe(&names(&channels, &more)).await?;
                    self.hear(Heard::Listening(more)).await;
                }
                changed = epochs.changed() => {
                    // Another history has other channels and other keys. A database that is no more has neither.
                    return changed.map_err(|_| gone());
                }
                _ = pings.tick() => {
                    line.ping().await?;
                    if lost.swap(false, Ordering::Relaxed) {
                        self.hear(Heard::Missed).await;
                    }
                    if self.heard.is_closed() {
                        return Ok(());
                    }
                }
            }
        }
    }

    async fn take(&self, hearing: &mut Hearing, push: &PushInfo) {
        if !matches!(push.kind, PushKind::Message | PushKind::SMessage) {
            return;
        }
        let [channel, frame] = push.data.as_slice() else { return };
        let (Some(channel), Value::BulkString(frame)) = (text(channel), frame) else { return };
        let Some(about) = hearing.channels.about(channel) else { return };
        match hearing.opener.open(channel, frame, (self.clock)()) {
            Ok(opened) => self.take_opened(about, opened).await,
            Err(Sealed::Own) => {}
            Err(Sealed::Foreign) => self.refuse(hearing).await,
        }
    }

    /// What a node has said. Of what is heard again or late only numbers count, which say themselves what is news.
    async fn take_opened(&self, about: About, opened: Opened) {
        let Opened { node, words, is_fresh } = opened;
        if !is_fresh {
            metrics::counter!("palabre_node_frames_refused_total", "why" => "stale").increment(1);
        }
        let Ok(words) = std::str::from_utf8(&words) else { return };
        match about {
            About::Conversation(conversation) => {
                let mut words = wire::decode(conversation, words);
                words.retain(|word| {
                    is_fresh || matches!(word, wire::Heard::Outgoing(Outgoing::Event(_)) | wire::Heard::Number(_))
                });
                if !words.is_empty() {
                    self.hear(Heard::Said(conversation, words)).await;
                }
            }
            About::Invalidations if is_fresh => {
                if let Some(invalidation) = read_invalidation(words) {
                    self.hear(Heard::Invalidation(invalidation)).await;
                }
            }
            About::People if is_fresh => {
                if let Some(word) = people::decode(words) {
                    self.hear(Heard::People(node, word)).await;
                }
            }
            About::Invalidations | About::People => {}
        }
    }

    /// A frame that no node with our secret has made for us. It may be of a node that has another secret, or is of an
    /// earlier version: what such a one commits is looked for in the database every second.
    async fn refuse(&self, hearing: &mut Hearing) {
        metrics::counter!("palabre_node_frames_refused_total", "why" => "sealed").increment(1);
        if is_due(&mut hearing.warned_at, WARN_EVERY) {
            tracing::warn!(
                "Redis has brought a frame that does not open: somebody else publishes there, or a node has another \
                 secret or is of an earlier version"
            );
        }
        if is_due(&mut hearing.refused_at, PING_EVERY) {
            self.hear(Heard::Invalidation(Invalidation::Mute)).await;
        }
    }

    async fn hear(&self, heard: Heard) {
        // Whoever has gone needs not hear it; `run` sees that.
        let _gone = self.heard.send(heard).await;
    }
}

/// Whether so much time has passed since, or it never was; notes that it is now.
fn is_due(at: &mut Option<Instant>, every: Duration) -> bool {
    let is_due = at.is_none_or(|at| at.elapsed() >= every);
    if is_due {
        *at = Some(Instant::now());
    }
    is_due
}

fn names(channels: &Channels, conversations: &[ConversationId]) -> Vec<String> {
    conversations.iter().map(|id| channels.of(*id)).collect()
}

fn text(value: &Value) -> Option<&str> {
    match value {
        Value::BulkString(bytes) => std::str::from_utf8(bytes).ok(),
        Value::SimpleString(text) => Some(text),
        _ => None,
    }
}

fn gone() -> redis::RedisError {
    std::io::Error::from(std::io::ErrorKind::ConnectionAborted).into()
}

#[cfg(test)]
mod tests {
    use chat::Millis;

    use super::*;
    use crate::seal::Sealer;

    #[test]
    fn a_frame_that_was_heard_before_a_connection_broke_is_not_fresh_on_the_next() {
        let secrets = Secrets { own: b"secret".to_vec(), accepted: None };
        let mut sealer = Sealer::new(b"secret".to_vec(), 1, [7; 8]);
        let mut sealed = |epoch| sealer.seal(epoch, "c:1", b"hello", Millis(0)).expect("a frame");
        let mut hearing = Hearing::of("first".into(), &secrets, 2);
        let is_fresh = |hearing: &mut Hearing, frame: &[u8]| {
            hearing.opener.open("c:1", frame, Millis(0)).map(|opened| opened.is_fresh)
        };
        let frame = sealed("first");
        assert_eq!(is_fresh(&mut hearing, &frame), Ok(true));
        hearing.turn_to("first".into(), &secrets, 2);
        assert_eq!(is_fresh(&mut hearing, &frame), Ok(false));
        hearing.turn_to("second".into(), &secrets, 2);
        assert_eq!(is_fresh(&mut hearing, &frame), Err(Sealed::Foreign));
        assert_eq!(is_fresh(&mut hearing, &sealed("second")), Ok(true));
    }
}
