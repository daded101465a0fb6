//! Whether the nodes on one database fit together: what must be alike on all of them, compared by way of the database.
//!
//! Each node says every few seconds of what kind it is, by fingerprints from which nobody learns a secret. One that
//! would sign other tokens than those that are there does not start. Whatever else differs is told in every node's log
//! and by `palabre doctor`.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::bail;
use chat::Millis;
use engine::{Clock, Engine};
use serde::{Deserialize, Serialize};
use store::{Db, nodes::Present};
use stream::{Handle, Hearing, fingerprint};
use subscribers::Book;

use crate::{
    config::{Config, Host},
    parts, secrets,
};

/// How often a node says that it is there.
const EVERY: Duration = Duration::from_secs(5);
/// How long what a node has said holds.
pub(crate) const LEASE: Duration = Duration::from_secs(15);
/// How long a node may be there without being heard on Redis.
const UNHEARD: Duration = Duration::from_secs(10);
/// How often is told again what is still wrong.
const AGAIN: Duration = Duration::from_mins(10);

/// A node's entry about itself.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) struct About {
    /// Its name on Redis.
    pub node: i64,
    /// Where it listens, for operators.
    pub listen: String,
    /// Of what signs access tokens.
    pub tokens: String,
    /// Of what encrypts frames on Redis.
    pub frames: String,
    /// Of the settings that people would notice.
    pub settings: String,
    /// Of where it keeps files; absent if it has none yet, or does not say.
    #[serde(default)]
    pub files: Option<String>,
    /// Whether it has a Redis, and hears it.
    pub redis: Redis,
    /// The faults that it has found.
    #[serde(default)]
    pub wrong: Vec<String>,
}

/// The settings of a host that must be alike. Its secret stands in it as a fingerprint, unless it is the one that signs
/// tokens, which is compared by itself.
fn of_host(config: &Config, (name, host): (&String, &Host)) -> String {
    let secret = host.secret.as_ref().filter(|_| config.hosts.0.contains_key(name));
    let secret = secret.map(|secret| fingerprint(secret.reveal().as_bytes(), &[b"host"]));
    format!("{name} {secret:?} {:?} {} {}", host.audience, host.create_users, host.offset)
}

/// A node's Redis.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Redis {
    /// None is configured.
    None,
    /// It is away.
    Away,
    /// It is there.
    There,
}

impl About {
    /// The entry of the node with this configuration. It is the same in every history of the database: a node that
    /// has started in an earlier one fits together with one that starts in this.
    ///
    /// # Errors
    /// The key that signs tokens cannot be read or made.
    pub(crate) fn of(config: &Config, node: i64) -> anyhow::Result<Self> {
        let print = |what: &str, secret: &[u8]| fingerprint(secret, &[what.as_bytes()]);
        let auth = &config.auth;
        let settings = format!(
            "{:?} {} {:?} {:?} {}",
            config.limits,
            auth.accepts_host_tokens(),
            config.endpoint_hosts(),
            config.hosts.with_default(auth).iter().map(|host| of_host(config, host)).collect::<Vec<_>>(),
            auth.open_registration
        );
        Ok(Self {
            node,
            listen: config.server.listen.to_string(),
            tokens: print("tokens", &secrets::signing_key(config)?),
            frames: print("frames", &parts::node_secrets(config)?.own),
            settings: print("settings", settings.as_bytes()),
            files: parts::files_token(config, false),
            redis: if config.redis.url.is_some() { Redis::Away } else { Redis::None },
            wrong: Vec::new(),
        })
    }

    /// How another differs, in words; the first is whether it is a mistake in any case.
    pub(crate) fn differences(&self, other: &Self) -> Vec<(bool, String)> {
        let mut found = Vec::new();
        let mut say = |is_grave, what: &str| found.push((is_grave, format!("the node at {} {what}", other.listen)));
        if self.tokens != other.tokens {
            say(true, "signs access tokens with another auth.jwt_secret: each refuses the other's tokens");
        }
        if (self.redis == Redis::None) != (other.redis == Redis::None) {
            let (has, lacks) = ("has a redis.url, and this one has none", "has no redis.url, and this one has one");
            say(true, if self.redis == Redis::None { has } else { lacks });
        } else if self.redis != Redis::None && self.frames != other.frames {
            say(false, "encrypts its frames on Redis with another secret");
        }
        if self.files.as_ref().zip(other.files.as_ref()).is_some_and(|(own, other)| own != other) {
            say(true, "keeps files elsewhere: each has files that the other cannot read");
        }
        if self.settings != other.settings {
            say(false, "has other limits or other rules for accounts");
        }
        found
    }
}

/// The entries of other nodes, each once, of those that can be read.
pub(crate) fn others(present: &[Present], own: i64) -> Vec<About> {
    let said = present.iter().filter_map(|one| serde_json::from_str::<About>(&one.about).ok());
    // The last that a node has said is last.
    let each: BTreeMap<i64, About> = said.map(|about| (about.node, about)).collect();
    each.into_values().filter(|about| about.node != own).collect()
}

/// Sees that no node is there that signs other tokens. One that has just ended may look as if it were: it is waited for
/// until its word does not hold any more.
///
/// # Errors
/// If one is there, or the database cannot be read.
pub(crate) async fn refuse_unlike(db: &Db, own: &About, clock: &Clock) -> anyhow::Result<()> {
    if db.is_sqlite() {
        return Ok(());
    }
    let began = Instant::now();
    let mut first: Option<Millis> = None;
    loop {
        let present = store::nodes::present(&mut *db.read().await?, since(clock)).await?;
        let strange =
            |one: &&Present| serde_json::from_str::<About>(&one.about).is_ok_and(|about| about.tokens != own.tokens);
        let Some(stranger) = present.iter().rev().find(strange) else { return Ok(()) };
        let first = *first.get_or_insert(Millis(stranger.seen_at));
        if stranger.seen_at > first.0 || began.elapsed() > LEASE + EVERY {
            bail!(
                "another node on this database signs access tokens with another auth.jwt_secret: each would refuse \
                 the other's tokens; set the same auth.jwt_secret on every node"
            );
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

fn since(clock: &Clock) -> Millis {
    Millis(clock().0 - i64::try_from(LEASE.as_millis()).unwrap_or(0))
}

/// Says that this node is there, and compares it with others, as long as there is an engine.
pub(crate) struct Watch {
    pub engine: std::sync::Weak<Engine>,
    pub db: Db,
    pub clock: Clock,
    pub book: Arc<Book>,
    pub handle: Handle,
    pub own: About,
}

impl Watch {
    pub(crate) async fn run(mut self) {
        let mut ticks = tokio::time::interval(EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut met: BTreeMap<i64, Instant> = BTreeMap::new();
        let mut told: Option<(Vec<String>, Instant)> = None;
        loop {
            ticks.tick().await;
            let Some(engine) = self.engine.upgrade() else { return };
            self.own.redis = match self.handle.hearing() {
                _ if self.own.redis == Redis::None => Redis::None,
                Hearing::Good => Redis::There,
                Hearing::Alone | Hearing::Poor => Redis::Away,
            };
            match self.look(&mut met).await {
                Ok(wrong) => {
                    metrics::gauge!("palabre_nodes_unlike").set(wrong.len() as f64);
                    let is_news = told.as_ref().is_none_or(|(before, at)| *before != wrong || at.elapsed() > AGAIN);
                    if is_news {
                        wrong.iter().for_each(|what| tracing::error!("nodes do not fit together: {what}"));
                        told = Some((wrong.clone(), Instant::now()));
                    }
                    self.own.wrong = wrong;
                }
                Err(error) => tracing::debug!(%error, "other nodes cannot be looked at now"),
            }
            let about = serde_json::to_string(&self.own).unwrap_or_default();
            if let Err(error) = engine.say_about(about).await {
                tracing::debug!(%error, "that this node is there cannot be said now");
            }
        }
    }

    /// The faults. `met` are the nodes that were seen, and when first.
    async fn look(&self, met: &mut BTreeMap<i64, Instant>) -> store::Result<Vec<String>> {
        let mut conn = self.db.read().await?;
        let others = others(&store::nodes::present(&mut conn, since(&self.clock)).await?, self.own.node);
        met.retain(|node, _| others.iter().any(|other| other.node == *node));
        let heard: BTreeSet<i64> = self.book.heard().into_iter().collect();
        let mut wrong = Vec::new();
        for other in &others {
            let since = met.entry(other.node).or_insert_with(Instant::now);
            wrong.extend(self.own.differences(other).into_iter().map(|(_, what)| what));
            let both = self.own.redis == Redis::There && other.redis == Redis::There;
            if both && since.elapsed() > UNHEARD && !heard.contains(&other.node) && self.own.frames == other.frames {
                wrong.push(format!(
                    "the node at {} hears a Redis and so does this one, but not each other: they are on different servers",
                    other.listen
                ));
            }
        }
        Ok(wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{FilesPlace, RedisUrl, Secret};

    fn about(node: i64, change: impl Fn(&mut Config)) -> About {
        let mut config = Config::default();
        config.auth.jwt_secret = Some(Secret::new("one secret of thirty-two letters"));
        config.redis.url = RedisUrl::parse("redis://127.0.0.1").ok();
        change(&mut config);
        About::of(&config, node).expect("a configuration")
    }

    fn differences(change: impl Fn(&mut Config)) -> Vec<bool> {
        about(1, |_| {}).differences(&about(2, change)).into_iter().map(|(is_grave, _)| is_grave).collect()
    }

    #[test]
    fn nodes_that_do_not_fit_together_are_told_apart() {
        assert_eq!(differences(|_| {}), [false; 0]);
        assert_eq!(differences(|c| c.server.listen = "127.0.0.2:9".parse().expect("an address")), [false; 0]);
        let other = || Some(Secret::new("another secret of 32 letters ..."));
        // Frames are encrypted with a key that is derived from it.
        assert_eq!(differences(|c| c.auth.jwt_secret = other()), [true, false]);
        assert_eq!(differences(|c| c.redis.secret = other()), [false]);
        assert_eq!(differences(|c| c.redis.url = None), [true]);
        assert_eq!(differences(|c| c.limits.message_length += 1), [false]);
        assert_eq!(differences(|c| c.auth.open_registration = !c.auth.open_registration), [false]);
    }

    #[test]
    fn nodes_that_do_not_have_the_same_files_are_told_apart() {
        let bucket = |name: &str| Some(FilesPlace::Bucket { name: name.to_owned(), prefix: String::new() });
        let differs = |one: &Option<FilesPlace>, other: &Option<FilesPlace>| {
            let (one, other) = (about(1, |c| c.data.files = one.clone()), about(2, |c| c.data.files = other.clone()));
            one.differences(&other).into_iter().map(|(is_grave, _)| is_grave).collect::<Vec<_>>()
        };
        assert_eq!(differs(&bucket("one"), &bucket("one")), [false; 0]);
        assert_eq!(differs(&bucket("one"), &bucket("other")), [true]);
        // A folder that is not there yet has nothing to be compared.
        assert_eq!(differs(&bucket("one"), &Some(FilesPlace::Folder("/nowhere/at/all".into()))), [false; 0]);
    }

    #[test]
    fn what_a_node_says_shows_no_secret() {
        assert!(!serde_json::to_string(&about(1, |_| {})).expect("JSON").contains("thirty-two"));
    }

    #[test]
    fn of_what_a_node_has_said_the_last_counts() {
        let say = |seen_at, about: &About| Present { seen_at, about: serde_json::to_string(about).expect("JSON") };
        let (before, after) = (about(2, |c| c.limits.message_length += 1), about(2, |_| {}));
        let present =
            [say(1, &before), say(2, &about(1, |_| {})), say(3, &after), Present { seen_at: 4, about: "?".into() }];
        assert_eq!(others(&present, 1), [after]);
    }
}
