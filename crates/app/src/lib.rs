//! The Palabre server: command line, configuration, wiring, start and stop.

mod asker;
pub mod commands;
pub mod config;
pub mod logging;
mod metrics;
pub mod parts;
pub mod secrets;
pub mod serve;
