//! How they say it: bytes to commands and queries, replies and events to bytes.
//!
//! A dialect is a pure translator. It performs no I/O and knows no clock; it sees neither sockets nor
//! the other dialects. What it wants done it says as a [`Step`]; whoever holds the socket does it and
//! hands the result back. So a dialect can be tested by transcripts, line by line.

mod answer;
pub mod chat_server;
pub mod dialect;
pub mod dreametrix;
mod input;
pub mod matcha;
pub mod native;
mod output;
#[cfg(test)]
mod replay;
pub mod rest;
pub mod step;
mod steps;
pub mod time;

pub use dialect::{Credentials, Dialect, Hears, Paths, Translator};
pub use step::{AllStatistics, Resume, ServerInfo, Statistics, Step, Text, Then, Welcome};
