//! `palabre migrate`

use store::Schema;

use super::say;
use crate::{config::Loaded, parts};

pub(super) async fn run(loaded: Loaded) -> anyhow::Result<()> {
    let db = parts::database(&loaded.config).await?;
    db.migrate().await?;
    let schema = db.usable().await?;
    db.close().await;
    let database = loaded.config.database_url().without_password().to_string();
    match schema {
        Schema::Ahead(_) => say(&format!("{database}: {schema}")),
        _ => say(&format!("{database} is up to date")),
    }
}
