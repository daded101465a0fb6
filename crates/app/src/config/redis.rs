//! `[redis]`: what nodes tell each other through.

use std::fmt;

use super::{Secrecy, Secret, auth::secret, database::without_password, key::Key};

/// Redis, through which nodes tell each other of changes. Without it a server is alone on its database, or hears of the
/// others by asking the database once a second.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Redis {
    /// Where it is; none: nodes have nothing but the database between them.
    pub url: Option<RedisUrl>,
    /// Whether it is a Redis Cluster.
    pub cluster: bool,
    /// With which nodes encrypt what they tell each other there; none: `auth.jwt_secret`.
    pub secret: Option<Secret>,
    /// With which others may encrypt it while the secret is being changed.
    pub accepted_secret: Option<Secret>,
}

/// The address of a Redis server. It may hold a password, so that `Debug` does not tell that part.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisUrl(String);

impl RedisUrl {
    /// Accepts `redis://`, and a bare `HOST:PORT` as Matcha's documents have it.
    ///
    /// # Errors
    /// The fault; never the text itself.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        match text.strip_prefix("redis://") {
            Some(rest) if !rest.is_empty() => Ok(Self(text.to_owned())),
            Some(_) => Err("names no Redis server".to_owned()),
            None if text.starts_with("rediss://") => {
                Err("asks for TLS, which this program does not speak to Redis; use a private network".to_owned())
            }
            None if text.rsplit_once(':').is_some_and(|(host, port)| is_bare(host) && port.parse::<u16>().is_ok()) => {
                Ok(Self(format!("redis://{text}")))
            }
            None => Err("is not the URL of a Redis server".to_owned()),
        }
    }

    /// The whole URL, password included.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The URL as it may be shown.
    #[must_use]
    pub fn without_password(&self) -> String {
        without_password(&self.0)
    }
}

fn is_bare(host: &str) -> bool {
    !host.is_empty() && !host.contains(['/', '@', ':'])
}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.without_password())
    }
}

pub(super) fn keys() -> Vec<Key> {
    vec![
        Key::new(
            "redis",
            "url",
            "What several nodes on one PostgreSQL tell each other through: a Redis or Valkey server of version 6 or later. \
             Nothing is kept there. While it is away, nodes ask the database once a second.",
            "redis://USER:PASSWORD@HOST:PORT/DATABASE (user, password and database may be left out), or HOST:PORT",
            |_, config, input| input.text().and_then(RedisUrl::parse).map(|url| config.redis.url = Some(url)),
            |_, config| config.redis.url.as_ref().map(|url| url.reveal().to_owned().into()),
        )
        .unset("\"redis://localhost\"", "no Redis: right for a single node")
        .secrecy(Secrecy::Url),
        Key::new(
            "redis",
            "cluster",
            "Whether `redis.url` is one of the nodes of a Redis Cluster. Then channels are sharded, which asks for \
             version 7.",
            "true or false",
            |_, config, input| input.boolean().map(|on| config.redis.cluster = on),
            |_, config| Some(config.redis.cluster.into()),
        ),
        Key::new(
            "redis",
            "secret",
            "Encrypts and signs what nodes tell each other through Redis; the same on every node.",
            "32 characters or more, not a sample from a document",
            |_, config, input| {
                config.redis.secret = Some(secret(input.text()?)?);
                Ok(())
            },
            |_, config| config.redis.secret.as_ref().map(|secret| secret.reveal().to_owned().into()),
        )
        .unset("\"…\"", "`auth.jwt_secret`, from which a key of its own is derived")
        .secrecy(Secrecy::Hidden),
        Key::new(
            "redis",
            "accepted_secret",
            "A second secret by which other nodes are understood, while the first is changed on one node after another.",
            "32 characters or more, not a sample from a document",
            |_, config, input| {
                config.redis.accepted_secret = Some(secret(input.text()?)?);
                Ok(())
            },
            |_, config| config.redis.accepted_secret.as_ref().map(|secret| secret.reveal().to_owned().into()),
        )
        .unset("\"…\"", "no other")
        .secrecy(Secrecy::Hidden),
    ]
}
