//! The ear: hears, by way of Redis, what other nodes tell. It comes back by itself, and says when something may have
//! been missed.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use chat::ConversationId;
use redis::{PushInfo, PushKind, RedisResult, Value};
use tokio::sync::mpsc;

use crate::{
    Heard,
    channels::{Channels, Said},
    interest::Interest,
    line::{Address, Line},
    people, wire,
};

/// Words of the server that may wait; more, and all heads are asked for.
const QUEUE: usize = 16_384;
/// How often Redis is asked whether it is there.
const PING_EVERY: Duration = Duration::from_secs(1);
/// How long to rest at least before connecting again.
const REST_MS: u64 = 100;

pub(crate) struct Ear {
    pub address: Address,
    pub channels: Channels,
    pub interest: Arc<Interest>,
    pub heard: mpsc::Sender<Heard>,
    /// Whether what others say is heard.
    pub hears: Arc<AtomicBool>,
}

/// How long to wait before connecting again: not all nodes at once.
pub(crate) fn rest() -> Duration {
    let mut chance = [0_u8; 2];
    // Without chance all wait equally long, which does no harm.
    let _none = getrandom::fill(&mut chance);
    Duration::from_millis(REST_MS + u64::from(u16::from_le_bytes(chance)) % 200)
}

impl Ear {
    /// Listens until nobody wants to hear any more.
    pub(crate) async fn run(self) {
        let mut said = false;
        while !self.heard.is_closed() {
            if let Err(error) = self.listen().await {
                if self.hears.swap(false, Ordering::Relaxed) || !said {
                    tracing::warn!(%error, "Redis is away; other nodes' messages are looked for in the database");
                    said = true;
                }
                metrics::gauge!("palabre_redis_connected").set(0.0);
            }
            tokio::time::sleep(rest()).await;
        }
    }

    async fn listen(&self) -> RedisResult<()> {
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
        line.subscribe(&[self.channels.nudges(), self.channels.people()]).await?;
        let all = self.interest.all();
        line.subscribe(&self.names(&all)).await?;
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
                    Some(push) => self.take(&push).await,
                    None => return Err(gone()),
                },
                (more, less) = self.interest.changes() => {
                    line.unsubscribe(&self.names(&less)).await?;
                    line.subscribe(&self.names(&more)).await?;
                    self.hear(Heard::Listening(more)).await;
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

    fn names(&self, conversations: &[ConversationId]) -> Vec<String> {
        conversations.iter().map(|id| self.channels.of(*id)).collect()
    }

    async fn take(&self, push: &PushInfo) {
        if !matches!(push.kind, PushKind::Message | PushKind::SMessage) {
            return;
        }
        let [channel, words] = push.data.as_slice() else { return };
        let (Some(channel), Value::BulkString(words)) = (text(channel), words) else { return };
        match self.channels.read(channel, words) {
            Some(Said::Of(conversation, frame)) => {
                let words = wire::decode(conversation, frame);
                self.hear(Heard::Said(conversation, words)).await;
            }
            Some(Said::Nudge(nudge)) => self.hear(Heard::Nudge(nudge)).await,
            Some(Said::People(node, word)) => {
                if let Some(word) = people::decode(word) {
                    self.hear(Heard::People(node, word)).await;
                }
            }
            None => {}
        }
    }

    async fn hear(&self, heard: Heard) {
        // Whoever has gone needs not hear it; `run` sees that.
        let _gone = self.heard.send(heard).await;
    }
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
