//! Translates bytes to commands and queries, and replies and events to bytes.
//!
//! A dialect is a pure translator. It performs no I/O and has no clock; it knows neither sockets nor the other
//! dialects. It returns what it needs as a [`Step`]; the owner of the socket executes the step and hands the result
//! back. So a dialect can be tested by transcripts, line by line.

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
