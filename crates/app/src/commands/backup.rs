//! `palabre backup`

use std::{
    fs::{self, File, OpenOptions},
    io::{BufReader, BufWriter, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, ensure};
use dialects::time::Time;
use store::transfer::backup::{self, Contents};

use super::{
    files::{self, Brought, Place},
    say,
};
use crate::{config::Loaded, parts};

#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// The file to write, which must not be there yet; or a folder, in which it is named after the time
    #[arg(value_name = "FILE|FOLDER")]
    to: PathBuf,
}

pub(super) async fn run(Args { to }: Args, loaded: Loaded) -> anyhow::Result<()> {
    let now = parts::clock()();
    let file = if to.is_dir() { to.join(format!("palabre-{}.backup", stamp(now))) } else { to };
    ensure!(!file.exists(), "{} is there already; name another file", file.display());
    let folder = files::beside(&file);
    files::refuse_another(&folder)?;
    let url = loaded.config.database_url();
    ensure!(
        url.sqlite_path().is_none_or(|path| path.exists()),
        "{}: there is no such database",
        url.without_password()
    );
    let db = parts::database(&loaded.config).await?;
    let aside = Aside::beside(&file)?;
    let (contents, out) = backup::write(&db, now, BufWriter::new(aside.create()?)).await?;
    let written = out.into_inner().context("the backup cannot be written")?;
    written.sync_all().with_context(|| format!("{} cannot be written to its disk", file.display()))?;
    // A backup that cannot be read is none.
    let (_, read) = store::transfer::restore::inspect(BufReader::new(File::open(&aside.path)?))?;
    ensure!(read == contents, "the backup reads otherwise than it was written");
    let bytes = written.metadata()?.len();
    // A backup without the files that its messages hold is none either.
    let (from, to) = (Place::of(&loaded.config)?, Place::folder(&folder));
    let with = files::bring(&db, &from, files::earlier(&file).as_deref(), &to).await;
    let named = match with {
        Ok(with) => aside.becomes(&file).map(|()| with),
        Err(error) => Err(error),
    };
    let with = named.inspect_err(|_| {
        // Nothing of a backup that failed is left.
        let _gone = fs::remove_dir_all(&folder);
    })?;
    say(&format!("{}: {}, {bytes} bytes; {}", file.display(), summary(&contents), told(with)))
}

/// The contents of a backup, in a few words.
pub(super) fn summary(contents: &Contents) -> String {
    let of = |table| contents.rows(table);
    format!("{} accounts, {} conversations, {} messages", of("users"), of("conversations"), of("messages"))
}

/// The rows that were brought along, in a few words.
pub(super) fn told(Brought { files, missing }: Brought) -> String {
    if missing == 0 { format!("{files} files") } else { format!("{files} files, and {missing} that are missing") }
}

/// The time as a part of a file's name: `20261121T113000Z`.
fn stamp(now: chat::Millis) -> String {
    let text = Time(now).to_string();
    let whole = text.split('.').next().unwrap_or_default();
    format!("{}Z", whole.replace(['-', ':'], ""))
}

/// The file under another name, until it is whole; gone if it never is.
struct Aside {
    path: PathBuf,
}

impl Aside {
    fn beside(file: &Path) -> anyhow::Result<Self> {
        let name = file.file_name().with_context(|| format!("{} names no file", file.display()))?;
        let mut aside = std::ffi::OsString::from(".");
        aside.push(name);
        aside.push(format!(".{}", std::process::id()));
        Ok(Self { path: file.with_file_name(aside) })
    }

    /// For its owner only: it holds what everybody said, and the hashes of their passwords.
    fn create(&self) -> anyhow::Result<File> {
        let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&self.path);
        made.with_context(|| format!("{} cannot be made", self.path.display()))
    }

    /// Gives it its name, and has that written to the disk.
    fn becomes(self, file: &Path) -> anyhow::Result<()> {
        // A link, because it fails where a renaming would take another file's place.
        fs::hard_link(&self.path, file).with_context(|| format!("{} cannot be made", file.display()))?;
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder)?
            .sync_all()
            .with_context(|| format!("{} cannot be written to its disk", folder.display()))?;
        std::io::stdout().flush()?;
        Ok(())
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        // Nothing to be done about it: the next backup has another name.
        let _ = fs::remove_file(&self.path);
    }
}
