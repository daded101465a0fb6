//! `palabre room`

use clap::Subcommand;

use crate::config::Loaded;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make a room
    Create {
        /// The room's name
        name: String,
        /// Only those who are invited may see and enter it
        #[arg(long)]
        private: bool,
        /// What it is about
        #[arg(long, value_name = "TEXT")]
        topic: Option<String>,
        /// The account that owns it; a public room may do without
        #[arg(long, value_name = "NAME", required_if_eq("private", "true"))]
        owner: Option<String>,
    },
    /// List the rooms
    List,
}

pub(super) async fn run(command: Command, _loaded: Loaded) -> anyhow::Result<()> {
    match command {
        Command::Create { name, private, topic, owner } => {
            let _ = (name, private, topic, owner);
            anyhow::bail!("`palabre room create` is not wired yet")
        }
        Command::List => anyhow::bail!("`palabre room list` is not wired yet"),
    }
}
