//! The vocabulary of Palabre: identifiers, nouns, commands, queries, replies and events.
//!
//! This crate knows nobody: no I/O, no serialisation, no clock; of libraries only Unicode's tables, behind [`names`]. Every endpoint speaks to the engine in
//! these words, and every listener is told of what happened in them. Read it in this order.

mod ids;
mod time;

pub mod accounts;
pub mod avatars;
pub mod conversations;
pub mod drafts;
pub mod emoji;
pub mod files;
pub mod identities;
pub mod inbox;
pub mod markers;
pub mod members;
pub mod mentions;
pub mod messages;
pub mod names;
pub mod network;
pub mod notifications;
pub mod policies;
pub mod presence;
pub mod previews;
pub mod push_devices;
pub mod rates;
pub mod reactions;
pub mod reminders;
pub mod saved;
pub mod search;
pub mod sessions;
pub mod statistics;
pub mod text;
pub mod threads;
pub mod uploads;
pub mod user_groups;
pub mod versions;

pub mod command;
pub mod event;
pub mod query;
pub mod reply;

pub mod error;
pub mod limits;
pub mod mutants;
pub mod people;
pub mod permission;

pub use command::{Command, Visit};
pub use error::{Error, ErrorCode, Result};
pub use event::{AccountEvent, AccountFact, Event, Fact, Notice, Outgoing, Revocation, Scope, Signal};
pub use ids::{
    ClientId, ConnectionId, ConversationId, FileId, MAX_SAFE_INTEGER, MessageId, Number, PushDeviceId, ReminderId,
    SessionId, UserGroupId, UserId,
};
pub use limits::Limits;
pub use query::Query;
pub use reply::Reply;
pub use time::Millis;
