//! Keeps a follower following: tells it where something has changed, pass after pass.
//!
//! A node hears of its own commits at once, and of those of others within a second through the database. Changes that
//! nobody has told are found when all conversations are looked at: when shards are taken over, when another node has
//! died, and every five minutes.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use chat::{ConversationId, Number, Result};
use engine::{Engine, Follower, Held, Pass, Shards};
use tokio::sync::watch;

/// How often leases are renewed, and what other nodes have said is read.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often all conversations are looked at.
const SCAN_EVERY: Duration = Duration::from_secs(300);
/// Passes are at least so far apart, so that many changes are one pass.
const APART: Duration = Duration::from_millis(250);
/// Conversations of one pass.
const PORTION: usize = 2_000;
/// Numbers that a pass goes through at least and at most: fewer after one that has failed, as it may have been too much.
const NUMBERS: std::ops::RangeInclusive<i64> = 10..=2_000;
/// While a follower is far behind, it works so many times as long as it rests: others have something to do, too.
const WORK_TO_REST: u32 = 3;
/// Giving the shards back may take this long when a node stops.
const LEAVING: Duration = Duration::from_secs(1);

/// Where something has changed that the follower has not seen.
struct Behind {
    head: Number,
    since: Instant,
}

/// A follower on this node.
struct Following {
    engine: Engine,
    follower: Follower,
    held: Shards,
    behind: HashMap<ConversationId, Behind>,
    /// The heads of conversations that others follow, of which they are to be told.
    to_tell: HashMap<ConversationId, Number>,
    looked_at: Option<Instant>,
    scanned_at: Option<Instant>,
    is_prepared: bool,
    /// Through how many numbers the next pass may go.
    numbers: i64,
}

/// Follows until it is told to stop.
pub(crate) async fn work(engine: Engine, follower: Follower, mut stopped: watch::Receiver<bool>) {
    let mut following = Following::new(engine, follower);
    loop {
        let pause = match following.step().await {
            Ok(pause) => pause,
            Err(error) => {
                tracing::debug!(follower = follower.name(), %error, "it cannot be followed now");
                LOOK_EVERY
            }
        };
        let waits_for_news = following.behind.is_empty();
        tokio::select! {
            // An error would mean that nobody can stop it any more.
            _told = stopped.changed() => break,
            () = tokio::time::sleep(pause) => {}
            () = following.engine.commits(), if waits_for_news => {
                // Changes that come together are one pass.
                tokio::time::sleep(APART).await;
            }
        }
    }
    // Otherwise the leases run out.
    let leaving = tokio::time::timeout(LEAVING, following.engine.stop_following(follower)).await;
    tracing::debug!(follower = follower.name(), left = leaving.is_ok(), "not followed here any more");
}

impl Following {
    fn new(engine: Engine, follower: Follower) -> Self {
        Self {
            engine,
            follower,
            held: Shards::default(),
            behind: HashMap::new(),
            to_tell: HashMap::new(),
            looked_at: None,
            scanned_at: None,
            is_prepared: false,
            numbers: *NUMBERS.end(),
        }
    }

    /// Looks, hears, tells and follows; returns how long to rest.
    async fn step(&mut self) -> Result<Duration> {
        if self.looked_at.is_none_or(|at| at.elapsed() >= LOOK_EVERY) {
            self.look().await?;
        }
        self.hear().await?;
        self.tell().await?;
        if self.behind.is_empty() {
            self.report();
            return Ok(LOOK_EVERY);
        }
        let begun = Instant::now();
        let whole = self.pass().await?;
        self.report();
        let took = begun.elapsed();
        Ok(if whole { APART } else { (took / WORK_TO_REST).min(APART) })
    }

    /// Renews what is followed here, and looks for what nobody says.
    async fn look(&mut self) -> Result<()> {
        if !self.is_prepared {
            self.engine.prepare_to_follow(self.follower).await?;
            self.is_prepared = true;
        }
        let Held { shards, taken, somebody_died } = self.engine.followed(self.follower).await?;
        self.held = shards;
        self.behind.retain(|conversation, _| shards.have(*conversation));
        let is_due = self.scanned_at.is_none_or(|at| at.elapsed() >= SCAN_EVERY);
        let unsure = if is_due || somebody_died { shards } else { taken };
        if !unsure.are_none() {
            self.scan(unsure).await?;
            if is_due {
                self.scanned_at = Some(Instant::now());
            }
        }
        for (conversation, head) in self.engine.told_to_follower(self.follower).await? {
            self.note(conversation, head);
        }
        self.looked_at = Some(Instant::now());
        Ok(())
    }

    /// Looks at all conversations of some shards.
    async fn scan(&mut self, shards: Shards) -> Result<()> {
        for (conversation, head) in self.engine.not_followed_yet(self.follower, shards).await? {
            self.note(conversation, head);
        }
        Ok(())
    }

    /// Takes note of what this node has committed.
    async fn hear(&mut self) -> Result<()> {
        let Some(committed) = self.engine.committed_here() else { return self.scan(Shards::ALL).await };
        for (conversation, head) in committed {
            if self.held.have(conversation) {
                self.note(conversation, head);
            } else {
                self.to_tell.insert(conversation, head);
            }
        }
        Ok(())
    }

    fn note(&mut self, conversation: ConversationId, head: Number) {
        if self.held.have(conversation) {
            let behind = self.behind.entry(conversation);
            let behind = behind.or_insert_with(|| Behind { head, since: Instant::now() });
            behind.head = behind.head.max(head);
        }
    }

    /// Tells those who follow what this node does not.
    async fn tell(&mut self) -> Result<()> {
        if self.to_tell.is_empty() {
            return Ok(());
        }
        let heads: Vec<_> = self.to_tell.iter().map(|(conversation, head)| (*conversation, *head)).collect();
        self.engine.tell_follower(self.follower, &heads).await?;
        self.to_tell.clear();
        Ok(())
    }

    /// Has a portion of what is behind followed, the longest first. Whether that was all of it.
    async fn pass(&mut self) -> Result<bool> {
        let mut waiting: Vec<(Instant, ConversationId)> =
            self.behind.iter().map(|(conversation, behind)| (behind.since, *conversation)).collect();
        waiting.sort_unstable();
        waiting.truncate(PORTION);
        let wanted: Vec<ConversationId> = waiting.into_iter().map(|(_, conversation)| conversation).collect();
        let numbers = self.numbers;
        self.numbers = (numbers / 4).max(*NUMBERS.start());
        let Pass { reached, texts } = self.engine.follow(self.follower, &wanted, numbers).await?;
        self.numbers = (numbers * 2).min(*NUMBERS.end());
        let name = self.follower.name();
        metrics::counter!("palabre_follower_texts_total", "follower" => name).increment(texts as u64);
        if reached.is_empty() {
            // Others follow these by now, or they are not there.
            self.behind.retain(|conversation, _| !wanted.contains(conversation));
        }
        for (conversation, cursor, head) in reached {
            let is_there = |behind: &Behind| cursor >= head && cursor >= behind.head.min(head);
            if self.behind.get(&conversation).is_some_and(is_there) {
                self.behind.remove(&conversation);
            }
        }
        Ok(self.behind.is_empty())
    }

    /// How far behind it is: the age of what it has not seen for the longest time.
    fn report(&self) {
        let name = self.follower.name();
        let lag = self.behind.values().map(|behind| behind.since.elapsed()).max().unwrap_or_default();
        metrics::gauge!("palabre_follower_lag_seconds", "follower" => name).set(lag.as_secs_f64());
        metrics::gauge!("palabre_follower_behind", "follower" => name).set(self.behind.len() as f64);
    }
}
