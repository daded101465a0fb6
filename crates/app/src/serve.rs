//! Builds every part in the order of the journey; stops them in reverse.

use crate::config::Config;

/// Runs the server until it is told to stop.
///
/// # Errors
/// What kept it from starting or from stopping in order.
pub async fn run(_config: Config) -> anyhow::Result<()> {
    anyhow::bail!("the server is not wired yet")
}
