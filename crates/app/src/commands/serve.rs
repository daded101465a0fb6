//! `palabre serve`

use crate::config::Loaded;

pub(super) async fn run(loaded: Loaded) -> anyhow::Result<()> {
    crate::serve::run(loaded.config).await
}
