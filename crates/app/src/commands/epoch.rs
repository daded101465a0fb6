//! `palabre epoch`: which history of the database this is, and how an operator begins another.

use clap::Subcommand;
use dialects::time::Time;

use super::say;
use crate::{config::Loaded, parts};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Tell the epoch, and why it began if it took another's place
    Show,
    /// Begin another: all connections come back and read everything anew
    ///
    /// For a database that has come back with less without a server noticing, such as one whose files were copied back
    /// while no server ran. Running servers obey within seconds.
    Renew,
}

pub(super) async fn run(command: Command, loaded: Loaded) -> anyhow::Result<()> {
    let db = parts::database(&loaded.config).await?;
    db.usable().await?;
    let epoch = match command {
        Command::Show => db.epoch().await?,
        Command::Renew => db.renew_epoch("an operator has asked for it", parts::clock()()).await?,
    };
    let record = db.history_record().await?;
    db.close().await;
    say(&epoch)?;
    record.map_or(Ok(()), |record| {
        say(&format!("since {}, after {}: {}", Time(chat::Millis(record.at)), record.from, record.why))
    })
}
