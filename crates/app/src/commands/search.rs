//! `palabre search`: how the index for searching stands, and making it anew.

use clap::Subcommand;
use engine::operator;

use super::{operator::open, say};
use crate::config::Loaded;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Tell how far the index is behind
    Status,
    /// Empty the index; a running server begins to make it anew within a second
    Rebuild,
}

pub(super) async fn run(command: Command, loaded: Loaded) -> anyhow::Result<()> {
    let engine = open(&loaded.config, None).await?;
    match command {
        Command::Status => {
            let status = operator::search_status(&engine).await?;
            match status.behind {
                0 => say("everything is in the index"),
                behind => {
                    say(&format!("{} changes in {behind} conversations are not in the index yet", status.changes))
                }
            }
        }
        Command::Rebuild => {
            operator::clear_search(&engine).await?;
            say("the index is empty; a running server makes it anew, one that starts does so then")
        }
    }
}
