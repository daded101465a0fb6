//! Log-ins and who has come with one: what may be asked of them, and how they are shown.

use chat::{ConversationId, Number, SessionId, sessions};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error as _, MapAccess, Visitor},
};
use utoipa::ToSchema;

use super::{
    accounts::Account,
    fields::{self, Integer, Text},
    server::{FEATURE_LEVEL, LimitValues},
};
use crate::time::Time;

/// The credential of the speaker, and the numbers to resume from.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Authenticate {
    /// The access token; absent if the handshake had it.
    pub(super) token: Option<Text>,
    /// The `epoch` with which the cursors were told; if it is not the server's any more, each is answered by a reset.
    pub(super) epoch: Option<Text>,
    /// The last `account_seq` that the client has applied; what it missed of its account is told if this is given.
    pub(super) account_seq: Option<Integer>,
    /// The feature level that the client was written for. From 7 on it is told of runs of joins and leaves in large
    /// conversations by `members.changed`; without one, of each of them.
    pub(super) feature_level: Option<Integer>,
    /// For each conversation (its id as the key) the last number that the client has seen.
    #[serde(default)]
    #[schema(value_type = Option<std::collections::BTreeMap<String, Integer>>)]
    pub(super) cursors: Cursors,
}

#[derive(Default)]
pub(super) struct Cursors(pub(super) Vec<(ConversationId, Number)>);

impl<'de> Deserialize<'de> for Cursors {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Cursors;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object of conversation ids and numbers")
            }

            fn visit_unit<E: serde::de::Error>(self) -> Result<Cursors, E> {
                Ok(Cursors::default())
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Cursors, A::Error> {
                let mut cursors = Vec::new();
                while let Some((key, Integer(since))) = map.next_entry::<String, Integer>()? {
                    let id = fields::number(&key)
                        .ok_or_else(|| A::Error::custom("must have ids of conversations as its keys"))?;
                    cursors.push((ConversationId(id), Number(since)));
                }
                Ok(Cursors(cursors))
            }
        }
        deserializer.deserialize_any(Entries)
    }
}

/// Name and password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LogIn {
    /// Username or email address.
    pub(super) username: Text,
    /// The password.
    pub(super) password: Text,
}

/// A refresh token.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Refresh {
    /// The token; it is used up.
    pub(super) refresh_token: Text,
}

/// A session.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OfSession {
    /// Which.
    pub(super) session: Integer,
}

/// The tokens of a successful log-in.
#[derive(Serialize, ToSchema)]
pub struct Tokens<'a> {
    /// For the `Authorization: Bearer` header.
    access_token: &'a str,
    /// Always `Bearer`.
    token_type: &'static str,
    /// Seconds until the access token expires.
    expires_in: i64,
    /// The single-use token for the next pair. Using one twice ends the session.
    refresh_token: &'a str,
    /// The session that both belong to.
    session: i64,
    /// The account that they belong to.
    user: Account<'a>,
}

impl<'a> From<&'a sessions::Tokens> for Tokens<'a> {
    fn from(tokens: &'a sessions::Tokens) -> Self {
        Self {
            access_token: &tokens.access_token,
            token_type: "Bearer",
            expires_in: tokens.expires_in,
            refresh_token: &tokens.refresh_token,
            session: tokens.session.0,
            user: Account::from(&tokens.account),
        }
    }
}

/// A log-in, as its owner sees it.
#[derive(Serialize, ToSchema)]
pub struct Session<'a> {
    /// Its id.
    id: i64,
    /// When the password was checked.
    #[schema(value_type = fields::Moment)]
    created_at: Time,
    /// When its refresh token was last used.
    #[schema(value_type = fields::Moment)]
    used_at: Time,
    /// When it ends unless it is used.
    #[schema(value_type = fields::Moment)]
    expires_at: Time,
    /// The client's own description.
    agent: Option<&'a str>,
    /// The network address of the last use.
    address: Option<&'a str>,
    /// Whether this is the session that asks.
    current: bool,
}

impl<'a> Session<'a> {
    /// A session, as seen from the session `current`.
    #[must_use]
    pub fn new(session: &'a sessions::Session, current: Option<SessionId>) -> Self {
        Self {
            id: session.id.0,
            created_at: Time(session.created_at),
            used_at: Time(session.used_at),
            expires_at: Time(session.expires_at),
            agent: session.agent.as_deref(),
            address: session.address.as_deref(),
            current: current == Some(session.id),
        }
    }
}

/// The speaker's sessions.
#[derive(Serialize, ToSchema)]
pub struct Sessions<'a> {
    /// The sessions.
    pub(crate) sessions: Vec<Session<'a>>,
}

/// A conversation and the number from which its live events follow.
#[derive(Serialize, ToSchema)]
pub struct Head {
    /// The conversation.
    id: i64,
    /// Its last number.
    head: i64,
}

/// The first answer of an authenticated connection.
#[derive(Serialize, ToSchema)]
pub struct Authenticated<'a> {
    /// The person who has authenticated.
    user: Account<'a>,
    /// The session; `null` for a token of a host application.
    session: Option<i64>,
    /// The id of this history of the database; when it changes, all cursors are void.
    epoch: &'a str,
    /// Increases with every addition to the protocol.
    feature_level: i64,
    /// Seconds of silence after which the server pings.
    ping_seconds: i64,
    /// The limits in force.
    limits: LimitValues<'a>,
    /// The number from which live events of the account follow.
    account_seq: i64,
    /// Every conversation of the person, with the number from which live events follow.
    conversations: Vec<Head>,
}

impl<'a> From<&'a crate::Welcome> for Authenticated<'a> {
    fn from(welcome: &'a crate::Welcome) -> Self {
        let limits = &welcome.server.limits;
        Self {
            user: Account::from(&welcome.account),
            session: welcome.speaker.session.map(|session| session.0),
            epoch: &welcome.server.epoch,
            feature_level: FEATURE_LEVEL,
            ping_seconds: limits.ping_seconds,
            limits: LimitValues(limits),
            account_seq: welcome.account_seq.0,
            conversations: welcome.conversations.iter().map(|(id, head)| Head { id: id.0, head: head.0 }).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use chat::{ConversationId, Limits, MAX_SAFE_INTEGER, Number};
    use serde_json::json;

    use super::*;
    use crate::replay::nouns;

    /// It is one answer: what is larger than a queue would close whoever reads slowly.
    #[test]
    fn a_greeting_with_as_many_conversations_as_one_may_be_in_fits_into_a_queue() {
        let limits = Limits::default();
        let numbers = 0..limits.conversations_per_user;
        let mut welcome = nouns::welcome(&json!({}));
        welcome.conversations =
            numbers.map(|number| (ConversationId(MAX_SAFE_INTEGER - number), Number(MAX_SAFE_INTEGER))).collect();
        let bytes = serde_json::to_vec(&Authenticated::from(&welcome)).unwrap().len();
        assert!(bytes > 200_000, "{bytes} bytes are no test");
        assert!(bytes as i64 <= limits.queue_bytes, "{bytes}");
    }
}
