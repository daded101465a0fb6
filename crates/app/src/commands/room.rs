//! `palabre room`

use chat::{
    ConversationId,
    conversations::{Conversation, Visibility},
};
use clap::Subcommand;
use engine::{Engine, operator};

use super::{
    operator::{open, table},
    say,
};
use crate::config::Loaded;

/// Rooms that are read at once.
const PAGE: i64 = 500;

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
        /// The account that owns it
        #[arg(long, value_name = "NAME")]
        owner: String,
    },
    /// List the rooms
    List,
}

pub(super) async fn run(command: Command, loaded: Loaded) -> anyhow::Result<()> {
    let engine = open(&loaded.config, None).await?;
    match command {
        Command::Create { name, private, topic, owner } => {
            let visibility = if private { Visibility::Private } else { Visibility::Public };
            let room = operator::create_room(&engine, &owner, name, topic, visibility).await?;
            say(&format!("made {} room {}, {}", visibility.name(), room.id, name_of(&room)))
        }
        Command::List => list(&engine).await,
    }
}

async fn list(engine: &Engine) -> anyhow::Result<()> {
    let header = ["id", "name", "visibility", "members", "topic"].map(str::to_owned).to_vec();
    let (mut rows, mut after) = (vec![header], (String::new(), ConversationId(0)));
    loop {
        let page = operator::list_rooms(engine, (&after.0, after.1), PAGE).await?;
        let Some(last) = page.last() else { break };
        after = (name_of(last).to_owned(), last.id);
        rows.extend(page.iter().map(|room| {
            vec![
                room.id.to_string(),
                name_of(room).to_owned(),
                room.visibility.name().to_owned(),
                room.member_count.to_string(),
                room.topic.clone().unwrap_or_default(),
            ]
        }));
    }
    say(&table(&rows))
}

fn name_of(room: &Conversation) -> &str {
    room.name.as_deref().unwrap_or_default()
}
