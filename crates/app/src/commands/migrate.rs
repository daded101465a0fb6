//! `palabre migrate`

use crate::config::Loaded;

pub(super) async fn run(_loaded: Loaded) -> anyhow::Result<()> {
    anyhow::bail!("`palabre migrate` is not wired yet")
}
