//! `palabre migrate`

use super::say;
use crate::{config::Loaded, parts};

pub(super) async fn run(loaded: Loaded) -> anyhow::Result<()> {
    let db = parts::database(&loaded.config).await?;
    db.migrate().await?;
    db.close().await;
    say(&format!("{} is up to date", loaded.config.database_url().without_password()))
}
