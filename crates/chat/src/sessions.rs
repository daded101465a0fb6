//! Sessions: log-ins and their rotating tokens.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use crate::{
    Error, Millis, Result, SessionId,
    accounts::{Account, ServerRole},
    network::Network,
    people::NamesPeople,
};

/// The tokens after a successful log-in.
#[derive(Clone, PartialEq, Eq, NamesPeople)]
pub struct Tokens {
    /// A short-lived JWT for the `Authorization: Bearer` header.
    pub access_token: String,
    /// Seconds until the access token expires.
    pub expires_in: i64,
    /// The token for the next pair. It stays valid until its successor is used; after that, using it ends the session.
    pub refresh_token: String,
    /// The session of both tokens.
    pub session: SessionId,
    /// The account.
    pub account: Account,
}

/// The outcome of a visit.
#[derive(Clone, PartialEq, Eq)]
pub enum Visited {
    /// A session has begun.
    In(Box<Tokens>),
    /// A further proof is needed first. There is no session yet.
    Challenge(Challenge),
}

impl Visited {
    /// The tokens, for a dialect that cannot ask its clients for more.
    ///
    /// # Errors
    /// `forbidden` if a further proof is needed.
    pub fn tokens(self) -> Result<Tokens> {
        match self {
            Self::In(tokens) => Ok(*tokens),
            Self::Challenge(_) => {
                Err(Error::forbidden("This account needs more than a password, and this client cannot ask for it."))
            }
        }
    }
}

/// A further proof that is needed after a correct password.
#[derive(Clone, PartialEq, Eq)]
pub struct Challenge {
    /// The kind of proof, by its name in the protocol.
    pub asks_for: String,
    /// The token that the answer must carry. It proves that the password was correct.
    pub token: String,
}

/// A session, as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq, NamesPeople)]
pub struct Session {
    /// When it began.
    pub id: SessionId,
    /// When the password was checked.
    pub created_at: Millis,
    /// When its refresh token was last used.
    pub used_at: Millis,
    /// When it ends if it is not used.
    pub expires_at: Millis,
    /// The client's own description (`User-Agent`).
    pub agent: Option<String>,
    /// The network address of the last use.
    pub address: Option<String>,
}

/// The origin of a log-in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The client's own description (`User-Agent`).
    pub agent: Option<String>,
    /// The network address.
    pub address: Option<String>,
}

impl Origin {
    /// The network that unauthenticated attempts are counted for. Without a readable address, as in a test without a
    /// network, it is a network of its own.
    #[must_use]
    pub fn network(&self) -> Network {
        let address = self.address.as_deref().and_then(|address| address.parse().ok());
        Network::of(address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)))
    }
}

/// Whether a person with open connections may keep them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Whether the account may be used.
    pub active: bool,
    /// Its role on the server.
    pub role: ServerRole,
    /// Those of the asked-for sessions that continue, and for how much longer if they are not used.
    pub live: HashMap<SessionId, Duration>,
}
