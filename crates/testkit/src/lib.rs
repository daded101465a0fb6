//! Towns and people: a whole server in the test, and those who use it.
//!
//! A [`Town`] is a server in the test's own process; a [`Person`] has an account and a socket. After everything that
//! anybody does, the town checks that everybody's old snapshot and the events that they received make what a fresh
//! reading shows (`law`).

pub mod api;
pub mod carrier;
pub mod checker;
pub mod dice;
pub mod kill;
pub mod linker;
pub mod policies;
pub mod process;
pub mod talker;

mod breaking;
mod inbox;
mod law;
mod model;
mod person;
mod push_service;
mod raw;
mod rest;
mod stranger;
mod town;
mod until;

pub use breaking::{Breaking, Goes};
pub use person::{Person, Reply, Room, Said, Tokens};
pub use push_service::{Browser, PushService, Pushed};
pub use raw::{Raw, RawAnswer};
pub use rest::{Answer, Rest};
pub use stranger::{Stranger, Wire};
pub use town::{Town, host_token, host_token_signed, now};
pub use until::{equal, until};
