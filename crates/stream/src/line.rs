//! A connection to Redis, to one server or a cluster. No other module knows the difference.

use std::time::Duration;

use redis::{
    AsyncConnectionConfig, Client, ProtocolVersion, PushInfo, RedisResult,
    aio::{ConnectionLike, MultiplexedConnection},
    cluster::ClusterClientBuilder,
    cluster_async::ClusterConnection,
};

/// How long connecting may take.
const CONNECTING: Duration = Duration::from_secs(2);
/// How long an answer may take. A healthy Redis answers within a millisecond.
const ANSWERING: Duration = Duration::from_secs(1);
/// Channels that one command takes.
const AT_ONCE: usize = 512;

/// The address of Redis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// `redis://…`.
    pub url: String,
    /// Whether it is a cluster: then channels are sharded.
    pub cluster: bool,
}

impl Address {
    /// The URL with the protocol version in which the server can push messages.
    fn resp3(&self) -> String {
        let separator = if self.url.contains('?') { '&' } else { '?' };
        format!("{}{separator}protocol=resp3", self.url)
    }
}

/// A connection. Cheap to clone; clones share it.
#[derive(Clone)]
pub(crate) enum Line {
    One(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl Line {
    /// Connects. Messages that the server pushes go to `pushed`, which must not block.
    pub(crate) async fn open(
        address: &Address,
        pushed: impl Fn(PushInfo) -> Result<(), ()> + Send + Sync + 'static,
    ) -> RedisResult<Self> {
        let connecting = async {
            if address.cluster {
                let client = ClusterClientBuilder::new([address.url.as_str()])
                    .use_protocol(ProtocolVersion::RESP3)
                    .connection_timeout(CONNECTING)
                    .response_timeout(ANSWERING)
                    .retries(1)
                    .push_sender(pushed)
                    .build()?;
                return client.get_async_connection().await.map(Self::Cluster);
            }
            let config = AsyncConnectionConfig::new()
                .set_connection_timeout(Some(CONNECTING))
                .set_response_timeout(Some(ANSWERING))
                .set_push_sender(pushed);
            Client::open(address.resp3())?.get_multiplexed_async_connection_with_config(&config).await.map(Self::One)
        };
        tokio::time::timeout(CONNECTING, connecting).await.unwrap_or_else(|_| Err(slow()))
    }

    /// Publishes each item on its channel, in this order per channel.
    pub(crate) async fn publish(&mut self, said: &[(String, Vec<u8>)]) -> RedisResult<()> {
        let publishing = async {
            match self {
                Self::One(line) => {
                    let mut all = redis::pipe();
                    for (channel, words) in said {
                        all.publish(channel, words).ignore();
                    }
                    all.query_async(line).await
                }
                Self::Cluster(line) => {
                    let one = |(channel, words): &(String, Vec<u8>)| {
                        let mut line = line.clone();
                        let command = redis::Cmd::spublish(channel, words);
                        async move { command.query_async::<i64>(&mut line).await }
                    };
                    futures_util::future::try_join_all(said.iter().map(one)).await.map(|_| ())
                }
            }
        };
        tokio::time::timeout(ANSWERING, publishing).await.unwrap_or_else(|_| Err(slow()))
    }

    pub(crate) async fn subscribe(&mut self, channels: &[String]) -> RedisResult<()> {
        for some in channels.chunks(AT_ONCE) {
            match self {
                Self::One(line) => line.subscribe(some).await?,
                Self::Cluster(line) => {
                    for channel in some {
                        line.ssubscribe(channel).await?;
                    }
                }
            }
        }
        Ok(())
    }

    pub(crate) async fn unsubscribe(&mut self, channels: &[String]) -> RedisResult<()> {
        for some in channels.chunks(AT_ONCE) {
            match self {
                Self::One(line) => line.unsubscribe(some).await?,
                Self::Cluster(line) => {
                    for channel in some {
                        line.sunsubscribe(channel).await?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Checks that the server answers.
    pub(crate) async fn ping(&mut self) -> RedisResult<()> {
        let ping = redis::cmd("PING");
        let asking = async {
            match self {
                Self::One(line) => line.req_packed_command(&ping).await.map(|_| ()),
                Self::Cluster(line) => line.req_packed_command(&ping).await.map(|_| ()),
            }
        };
        tokio::time::timeout(ANSWERING, asking).await.unwrap_or_else(|_| Err(slow()))
    }
}

fn slow() -> redis::RedisError {
    std::io::Error::from(std::io::ErrorKind::TimedOut).into()
}
