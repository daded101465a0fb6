//! Sessions: a log-in and its rotating tokens.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use crate::{
    Error, Millis, Result, SessionId,
    accounts::{Account, ServerRole},
    network::Network,
};

/// What a successful log-in gives.
#[derive(Clone, PartialEq, Eq)]
pub struct Tokens {
    /// A short-lived JWT for the `Authorization: Bearer` header.
    pub access_token: String,
    /// Seconds until the access token expires.
    pub expires_in: i64,
    /// The token for the next pair. It stays good until its successor is used; after that, using it ends the session.
    pub refresh_token: String,
    /// The session that both belong to.
    pub session: SessionId,
    /// Whose they are.
    pub account: Account,
}

/// What a visit comes to.
#[derive(Clone, PartialEq, Eq)]
pub enum Visited {
    /// They are in.
    In(Box<Tokens>),
    /// Something more is asked of them first. There is no session yet.
    Challenge(Challenge),
}

impl Visited {
    /// The tokens, for a dialect that cannot ask its clients for more.
    ///
    /// # Errors
    /// `forbidden` if more is asked.
    pub fn tokens(self) -> Result<Tokens> {
        match self {
            Self::In(tokens) => Ok(*tokens),
            Self::Challenge(_) => {
                Err(Error::forbidden("This account needs more than a password, and this client cannot ask for it."))
            }
        }
    }
}

/// What is asked of somebody whose password was right.
#[derive(Clone, PartialEq, Eq)]
pub struct Challenge {
    /// What they must show, by its name in the protocol.
    pub asks_for: String,
    /// What the answer brings back. Whoever has it has shown the password.
    pub token: String,
}

/// A log-in, as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// When the password was checked.
    pub created_at: Millis,
    /// When its refresh token was last used.
    pub used_at: Millis,
    /// When it ends unless it is used.
    pub expires_at: Millis,
    /// The client's own description (`User-Agent`).
    pub agent: Option<String>,
    /// The network address of the last use.
    pub address: Option<String>,
}

/// Where a log-in comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The client's own description (`User-Agent`).
    pub agent: Option<String>,
    /// The network address.
    pub address: Option<String>,
}

impl Origin {
    /// The network by which what strangers may do is counted. Whoever comes from no readable address, as in a trial
    /// without a network, is of one network that nobody else is of.
    #[must_use]
    pub fn network(&self) -> Network {
        let address = self.address.as_deref().and_then(|address| address.parse().ok());
        Network::of(address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)))
    }
}

/// What is still true of a person whose connections are open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Whether the account may be used.
    pub active: bool,
    /// What it may do on the server.
    pub role: ServerRole,
    /// Those of the asked-for sessions that go on, and how much longer unless they are used.
    pub live: HashMap<SessionId, Duration>,
}
