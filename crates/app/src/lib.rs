//! The Palabre server: command line, configuration, wiring, start and stop.

mod alike;
mod asker;
mod clock;
pub mod commands;
pub mod config;
mod descriptors;
pub mod logging;
mod metrics;
pub mod parts;
mod pushes;
pub mod secrets;
pub mod serve;

/// Puts the deliberate fault into force that `MUTANT_OF_PALABRE` names, if it names one. No release can.
///
/// # Errors
/// If there is no such fault.
#[cfg(debug_assertions)]
pub fn choose_mutant() -> Result<(), String> {
    std::env::var("MUTANT_OF_PALABRE").map_or(Ok(()), |name| chat::mutants::choose(&name))
}
