//! `palabre user import`

use std::{
    fs::File,
    io::{BufReader, Write as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use engine::{
    Engine,
    operator::{Import, Outcome, Person},
};

use super::people::People;
use crate::{commands::operator::open, config::Loaded};

/// People who are made in one transaction. A server that runs meanwhile waits that long.
const BATCH: usize = 200;

#[derive(clap::Args, Debug)]
pub(in crate::commands) struct Args {
    /// The people: CSV, whose first line names its columns, or JSON Lines
    ///
    /// Columns or fields: external_id, host, username, display_name, first_name, last_name, email, password_hash. One of
    /// external_id and username is needed. A password_hash is bcrypt's, Argon2's in the PHC form, or Django's
    /// pbkdf2_sha256; it is replaced by one of ours when its person logs in.
    file: PathBuf,
    /// The host application of those who name none
    #[arg(long, value_name = "NAME", default_value = chat::identities::DEFAULT_HOST)]
    host: String,
    /// Say what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
}

/// How many came to what.
#[derive(Default)]
struct Count {
    made: u64,
    here: u64,
    refused: u64,
}

pub(super) async fn run(args: Args, loaded: Loaded) -> anyhow::Result<()> {
    let name = args.file.display().to_string();
    let kind = std::fs::metadata(&args.file).with_context(|| name.clone())?;
    if !kind.is_file() {
        bail!("{name} is no file; an import reads its people twice");
    }
    // Once through, before anybody is made: whatever stops the reading stops it here.
    let mut people = read(&args.file)?;
    while people.next().with_context(|| name.clone())?.is_some() {}
    let mut people = read(&args.file)?;
    let engine = open(&loaded.config, None).await?;
    let mut import = Import::of(args.host, args.dry_run);
    let mut count = Count::default();
    loop {
        let (mut batch, mut at) = (Vec::with_capacity(BATCH), 0);
        while batch.len() < BATCH
            && let Some((line, entry)) = people.next().with_context(|| name.clone())?
        {
            at = line;
            batch.push((line, entry));
        }
        if batch.is_empty() {
            break;
        }
        let words = || format!("{name}: of those up to line {at} the last were not made; import the file again");
        bring(&engine, &mut import, batch, args.dry_run, &mut count).await.with_context(words)?;
    }
    let Count { made, here, refused } = count;
    let verb = if args.dry_run { "would be made" } else { "made" };
    super::say(&format!("{made} {verb}, {here} here already, {refused} refused"))?;
    if refused > 0 {
        bail!("{name}: {refused} refused; mend their lines and import the file again, nobody is made twice");
    }
    Ok(())
}

fn read(file: &Path) -> anyhow::Result<People<BufReader<File>>> {
    let open = || People::of(BufReader::new(File::open(file)?));
    open().with_context(|| file.display().to_string())
}

/// Makes those of a batch, and tells what became of each.
async fn bring(
    engine: &Engine,
    import: &mut Import,
    batch: Vec<(u64, Result<Person, String>)>,
    is_trial: bool,
    count: &mut Count,
) -> anyhow::Result<()> {
    let (mut lines, mut people) = (Vec::with_capacity(batch.len()), Vec::with_capacity(batch.len()));
    for (line, entry) in batch {
        match entry {
            Ok(person) => {
                lines.push((line, None));
                people.push(person);
            }
            Err(why) => lines.push((line, Some(why))),
        }
    }
    let mut outcomes = import.bring(engine, people).await?.into_iter();
    let mut out = std::io::stdout().lock();
    for (line, why) in lines {
        let outcome = match why {
            Some(why) => Outcome::Refused(why),
            None => outcomes.next().context("somebody was forgotten")?,
        };
        writeln!(out, "line {line}: {}", tell(&outcome, is_trial, count))?;
    }
    Ok(out.flush()?)
}

/// The outcome for one person, counted and in words.
fn tell(outcome: &Outcome, is_trial: bool, count: &mut Count) -> String {
    let with_id = |id: &Option<chat::UserId>| id.map(|id| format!(", id {id}")).unwrap_or_default();
    match outcome {
        Outcome::Made { username, id } => {
            count.made += 1;
            let name = username.as_deref().unwrap_or("somebody under a made username");
            format!("{} {name}{}", if is_trial { "would make" } else { "made" }, with_id(id))
        }
        Outcome::Here { username, id } => {
            count.here += 1;
            format!("{username} is here already{}", with_id(id))
        }
        Outcome::Refused(why) => {
            count.refused += 1;
            format!("refused: {why}")
        }
    }
}
