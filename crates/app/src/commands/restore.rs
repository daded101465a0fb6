//! `palabre restore`

use std::{
    fs::File,
    io::BufReader,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use dialects::time::Time;
use store::lock::Lock;

use super::{
    backup::{summary, told},
    files::{self, Place},
    say,
};
use crate::{config::Loaded, parts, secrets};

#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// A file that `palabre backup` wrote
    file: PathBuf,
    /// Only read it, and say whether it is unharmed and what it holds
    #[arg(long)]
    check: bool,
}

pub(super) async fn run(Args { file, check }: Args, loaded: Loaded) -> anyhow::Result<()> {
    // Twice through the file: nothing of a damaged one reaches a database.
    let name = || file.display().to_string();
    let (header, contents) = store::transfer::restore::inspect(open(&file)?).with_context(name)?;
    let made = Time(chat::Millis(header.made_at));
    if check {
        return say(&format!("{}: whole, made {made}; {}", file.display(), summary(&contents)));
    }
    let url = loaded.config.database_url();
    let advice = || {
        let place = url.without_password();
        if url.is_sqlite() {
            format!(
                "{place} was left as it was; to go on, stop the server and move that file and its -wal and -shm away"
            )
        } else {
            format!("{place} was left as it was; to go on, make an empty database and name it with --database-url")
        }
    };
    secrets::prepare_folder(&loaded.config.data.dir)?;
    // No server may be on the file, nor come while it is filled.
    let holder = format!("pid {}, palabre restore", std::process::id());
    let _lock = Lock::take(url.reveal(), &holder).with_context(advice)?;
    let db = parts::any_database(&loaded.config).await?;
    let restored = store::transfer::restore::read(&db, parts::clock()(), open(&file)?).await.with_context(advice)?;
    let from = files::beside(&file);
    let with = files::bring(&db, &Place::folder(&from), None, &Place::of(&loaded.config)?).await?;
    db.close().await;
    say(&format!("{}: {} of {made}; {}", url.without_password(), summary(&restored), told(with)))?;
    if with.missing > 0 {
        say(&format!("The files that are missing were not in {}; their messages are there.", from.display()))?;
    }
    say("It is a new history: clients begin anew, and everybody must log in again.")
}

fn open(file: &Path) -> anyhow::Result<BufReader<File>> {
    Ok(BufReader::new(File::open(file).with_context(|| format!("{} cannot be opened", file.display()))?))
}
