//! An engine for the operator's commands, beside a server that may be running on the same database.

use std::sync::Arc;

use chat::presence::{Presence, Seen};
use engine::Engine;
use store::Writer;
use tokio::sync::mpsc;

use crate::{config::Config, parts};

/// Commits that may wait to be answered.
const QUEUE: usize = 16;

/// Opens the database and an engine on it. Sessions that it begins last `access_seconds` if given.
pub(super) async fn open(config: &Config, access_seconds: Option<i64>) -> anyhow::Result<Engine> {
    let db = parts::database(config).await?;
    if config.database.auto_migrate {
        db.migrate().await?;
    }
    db.usable().await?;
    let mut settings = parts::engine_settings(config, None)?;
    if let Some(seconds) = access_seconds {
        settings.access_seconds = seconds;
        settings.idle_seconds = settings.idle_seconds.max(seconds);
        settings.session_seconds = settings.session_seconds.max(seconds);
    }
    let (outlet, mut batches) = mpsc::channel::<(store::Committed, Vec<Box<dyn FnOnce() + Send>>)>(QUEUE);
    tokio::spawn(async move {
        while let Some((_, answers)) = batches.recv().await {
            answers.into_iter().for_each(|answer| answer());
        }
    });
    let (writer, _) = Writer::start(db.clone(), parts::clock(), outlet);
    // Nobody is connected to a command.
    let here = Arc::new(|_| Seen { presence: Presence::Offline, last_seen_at: None });
    Ok(Engine::new(db, writer, parts::clock(), here, settings))
}

/// Columns as wide as their widest cell.
pub(super) fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let cell = |row: &Vec<String>, at: usize| row.get(at).map_or(0, |cell| cell.chars().count());
    let widths: Vec<usize> = (0..columns).map(|at| rows.iter().map(|row| cell(row, at)).max().unwrap_or(0)).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}
