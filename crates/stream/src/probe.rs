//! For the operator: checks whether a Redis server can do what nodes need of it. Leaves nothing behind there.

use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use redis::{AsyncCommands as _, Client, InfoDict, RedisError, aio::MultiplexedConnection};

/// Pings that are sent; the median of their times is reported.
const PINGS: usize = 5;
/// A published message must come back within this time.
const HEARING: Duration = Duration::from_secs(2);

/// The result of a probe.
#[derive(Clone, Debug)]
pub struct Probed {
    /// Product and version, such as `Redis 7.0.15`.
    pub version: String,
    /// The major version of Redis that it is compatible with.
    pub major: u32,
    /// How long a ping takes: the median of five.
    pub round_trip: Duration,
    /// How long a published message took to come back on its channel, or why it did not.
    pub hears: Result<Duration, String>,
    /// Whether it is a node of a Redis Cluster, and the cluster's state: `ok` if it is healthy.
    pub cluster: Option<String>,
    /// Whether it is a replica, which accepts no writes.
    pub is_replica: bool,
    /// Bytes that may wait for a subscriber before the server cuts it off, if the server says so; 0 means no bound.
    pub subscriber_bytes: Option<u64>,
}

/// Probes the server.
///
/// # Errors
/// If it cannot be reached within `patience`, or rejects the credentials. The error text holds no password.
pub async fn probe(url: &str, patience: Duration) -> Result<Probed, String> {
    let late = || format!("no answer within {} seconds", patience.as_secs());
    tokio::time::timeout(patience, look(url)).await.map_err(|_| late())?.map_err(|error| words(&error))
}

async fn look(url: &str) -> Result<Probed, RedisError> {
    let client = Client::open(url)?;
    let mut redis = client.get_multiplexed_async_connection().await?;
    let round_trip = round_trip(&mut redis).await?;
    let info: InfoDict = redis::cmd("INFO").query_async(&mut redis).await?;
    let valkey: Option<String> = info.get("valkey_version");
    let compatible: String = info.get("redis_version").unwrap_or_default();
    let major = compatible.split('.').next().and_then(|number| number.parse().ok()).unwrap_or_default();
    let version = valkey.map_or(format!("Redis {compatible}"), |own| format!("Valkey {own} (as Redis {compatible})"));
    let cluster = if info.get::<u8>("cluster_enabled") == Some(1) { Some(state(&mut redis).await?) } else { None };
    let hears = match tokio::time::timeout(HEARING, hear_oneself(&client, &mut redis)).await {
        Ok(heard) => heard.map_err(|error| words(&error)),
        Err(_) => Err(format!("nothing was heard within {} seconds", HEARING.as_secs())),
    };
    let buffers = setting(&mut redis, "client-output-buffer-limit").await;
    Ok(Probed {
        version,
        major,
        round_trip,
        hears,
        cluster,
        is_replica: info.get::<String>("role").is_some_and(|role| role != "master"),
        subscriber_bytes: buffers.as_deref().and_then(of_subscribers),
    })
}

async fn round_trip(redis: &mut MultiplexedConnection) -> Result<Duration, RedisError> {
    let mut times = Vec::with_capacity(PINGS);
    for _ in 0..PINGS {
        let begin = Instant::now();
        let _pong: String = redis::cmd("PING").query_async(redis).await?;
        times.push(begin.elapsed());
    }
    times.sort_unstable();
    Ok(times[PINGS / 2])
}

/// The node's `cluster_state`: `ok` if the cluster is healthy.
async fn state(redis: &mut MultiplexedConnection) -> Result<String, RedisError> {
    let info: InfoDict = redis::cmd("CLUSTER").arg("INFO").query_async(redis).await?;
    Ok(info.get("cluster_state").unwrap_or_else(|| "unknown".to_owned()))
}

/// Subscribes to a channel that nobody else uses, publishes there, and measures how long the message takes.
async fn hear_oneself(client: &Client, redis: &mut MultiplexedConnection) -> Result<Duration, RedisError> {
    let channel = format!("palabre:doctor:{}:{:?}", std::process::id(), Instant::now());
    let mut listening = client.get_async_pubsub().await?;
    listening.subscribe(&channel).await?;
    let begin = Instant::now();
    let _heard_by: i64 = redis.publish(&channel, "well?").await?;
    let heard = listening.on_message().next().await;
    heard.map(|_| begin.elapsed()).ok_or_else(|| (redis::ErrorKind::Io, "the connection was cut").into())
}

/// A setting; `None` if the server does not show its settings, as hosted ones do not.
async fn setting(redis: &mut MultiplexedConnection, name: &str) -> Option<String> {
    let pair: Vec<String> = redis::cmd("CONFIG").arg("GET").arg(name).query_async(redis).await.ok()?;
    pair.into_iter().nth(1)
}

/// The hard limit in `normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60`.
fn of_subscribers(limits: &str) -> Option<u64> {
    let mut words = limits.split_whitespace().skip_while(|word| *word != "pubsub");
    words.nth(1)?.parse().ok()
}

/// A description of the error that holds no part of the URL.
fn words(error: &RedisError) -> String {
    match (error.kind(), error.detail()) {
        (redis::ErrorKind::InvalidClientConfig, _) => "its address is not understood".to_owned(),
        (_, Some(detail)) => format!("{} ({detail})", error.category()),
        (_, None) => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::of_subscribers;

    #[test]
    fn the_bound_of_subscribers_is_found_among_others() {
        let limits = "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60";
        assert_eq!(of_subscribers(limits), Some(33_554_432));
        assert_eq!(of_subscribers("normal 0 0 0"), None);
    }
}
