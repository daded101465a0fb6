//! The command line: one file per command.
//!
//! Exit codes: 0 done, 1 failed, 2 the command line or the configuration is not acceptable.

mod backup;
pub mod bench;
mod config;
mod docs;
mod doctor;
mod epoch;
mod files;
mod jobs;
mod migrate;
mod moving;
mod operator;
mod policy;
mod restore;
mod room;
mod search;
mod serve;
mod user;

use std::{
    io::{self, Write as _},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Args, Parser, Subcommand};

use crate::config::{ConfigError, Flags, Loaded, load};

/// A self-hosted conversation server: rooms, groups and direct messages in real time, kept for ever.
#[derive(Debug, Parser)]
#[command(name = "palabre", version, disable_help_subcommand = true)]
struct Cli {
    #[command(flatten)]
    settings: Settings,
    #[command(subcommand)]
    command: Command,
}

/// The flags that every command has; stronger than the environment and the file.
#[derive(Args, Debug)]
struct Settings {
    /// Read this TOML file [default: $PALABRE_CONFIG, else ./palabre.toml if it is there]
    #[arg(long, global = true, value_name = "FILE", help_heading = "Configuration")]
    config: Option<PathBuf>,
    /// Listen here [default: 127.0.0.1:8080]
    #[arg(long, global = true, value_name = "ADDRESS:PORT", help_heading = "Configuration")]
    listen: Option<String>,
    /// Use this database: sqlite:FILE or postgres://… [default: palabre.db in the data folder]
    #[arg(long, global = true, value_name = "URL", help_heading = "Configuration")]
    database_url: Option<String>,
    /// Keep secrets and the SQLite file here [default: ./data]
    #[arg(long, global = true, value_name = "FOLDER", help_heading = "Configuration")]
    data_dir: Option<String>,
    /// Log this much: error, warn, info, debug or trace [default: info]
    #[arg(long, global = true, value_name = "LEVEL", help_heading = "Configuration")]
    log_level: Option<String>,
}

impl Settings {
    fn flags(self) -> Flags {
        let settings = [
            ("--listen", "server.listen", self.listen),
            ("--database-url", "database.url", self.database_url),
            ("--data-dir", "data.dir", self.data_dir),
            ("--log-level", "log.level", self.log_level),
        ];
        let settings = settings.into_iter().filter_map(|(flag, key, value)| Some((flag, key, value?))).collect();
        Flags { file: self.config, settings }
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server
    Serve,
    /// Bring the database's tables up to date
    Migrate,
    /// Write all that the database holds into a file, also while the server runs
    Backup(backup::Args),
    /// Fill an empty database with a backup
    Restore(restore::Args),
    /// Move from SQLite to PostgreSQL, also while the server runs
    Move(moving::Args),
    /// Make and change accounts
    #[command(subcommand)]
    User(user::Command),
    /// Make and list rooms
    #[command(subcommand)]
    Room(room::Command),
    /// List jobs that were given up, and have them tried again
    #[command(subcommand)]
    Jobs(jobs::Command),
    /// Tell how the index for searching stands, or make it anew
    #[command(subcommand)]
    Search(search::Command),
    /// Set which role is needed for what in a conversation
    #[command(subcommand)]
    Policy(policy::Command),
    /// Tell what a member may do in a conversation, and why
    Explain(policy::Args),
    /// Tell which history of the database this is, or begin another
    #[command(subcommand)]
    Epoch(epoch::Command),
    /// Show, check and explain the configuration
    #[command(subcommand)]
    Config(config::Command),
    /// Check what this node needs, and say what to do about what is wrong
    Doctor(doctor::Args),
    /// Measure a running server
    Bench(bench::Args),
    /// Tell the program's version
    Version,
    /// Print a generated document
    #[command(hide = true)]
    Docs(docs::Args),
}

/// Reads the command line, does what it says, and tells how it ended.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli.command, &cli.settings.flags()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "palabre: {error:#}");
            ExitCode::from(if error.is::<ConfigError>() { 2 } else { 1 })
        }
    }
}

/// `palabre config docs | head` is no failure.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

fn run(command: Command, flags: &Flags) -> anyhow::Result<()> {
    match command {
        Command::Serve => wait_for(serve::run(with_log(flags)?)),
        Command::Migrate => wait_for(migrate::run(with_log(flags)?)),
        Command::Backup(args) => wait_for(backup::run(args, with_log(flags)?)),
        Command::Restore(args) => wait_for(restore::run(args, with_log(flags)?)),
        Command::Move(args) => wait_for(moving::run(args, with_log(flags)?)),
        Command::User(command) => wait_for(user::run(command, with_log(flags)?)),
        Command::Room(command) => wait_for(room::run(command, with_log(flags)?)),
        Command::Jobs(command) => wait_for(jobs::run(command, with_log(flags)?)),
        Command::Search(command) => wait_for(search::run(command, with_log(flags)?)),
        Command::Policy(command) => wait_for(policy::run(command, with_log(flags)?)),
        Command::Explain(args) => wait_for(policy::explain(args, with_log(flags)?)),
        Command::Epoch(command) => wait_for(epoch::run(command, with_log(flags)?)),
        Command::Config(command) => config::run(&command, flags),
        Command::Doctor(args) => wait_for(doctor::run(args, flags)),
        Command::Bench(args) => wait_for(bench::run(args)),
        Command::Version => say(&format!("palabre {}", env!("CARGO_PKG_VERSION"))),
        Command::Docs(args) => docs::run(&args),
    }
}

/// The configuration of a command that works: from here on there is a log.
fn with_log(flags: &Flags) -> anyhow::Result<Loaded> {
    let loaded = load(flags)?;
    crate::logging::start(&loaded.config.log)?;
    Ok(loaded)
}

fn wait_for(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(work)
}

/// Writes lines to standard output.
fn say(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{}", text.trim_end())?;
    Ok(out.flush()?)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::Cli;
    use crate::config::layers::is_not_a_key;

    /// The variables that a command and those below it read by themselves.
    fn variables(command: &clap::Command) -> Vec<String> {
        let own = command.get_arguments().filter_map(clap::Arg::get_env);
        let own = own.map(|name| name.to_string_lossy().into_owned());
        own.chain(command.get_subcommands().flat_map(variables)).collect()
    }

    #[test]
    fn what_a_command_reads_by_itself_is_not_taken_for_a_misspelt_key() {
        let names = variables(&Cli::command());
        assert!(names.iter().any(|name| name == "PALABRE_MOVE_TO"), "{names:?}");
        for name in names {
            assert!(is_not_a_key(&name), "{name} would be refused");
        }
    }
}
