//! `palabre user`

mod import;
mod people;

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use anyhow::{Context as _, ensure};
use chat::{UserId, accounts::ServerRole};
use clap::Subcommand;
use engine::{Engine, operator};

use super::{
    operator::{open, table},
    say,
};
use crate::{
    config::{Loaded, Secret},
    secrets,
};

/// Accounts that are read at once.
const PAGE: i64 = 500;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make an account
    ///
    /// Without --password-stdin a password is made and printed once.
    Add {
        /// The account's name: 3 to 50 of a-z, A-Z, 0-9, _ and -
        name: String,
        /// Its mail address
        #[arg(long, value_name = "ADDRESS")]
        email: Option<String>,
        /// What it may do on the server: guest, user, moderator or admin
        #[arg(long, value_name = "ROLE", default_value = "user", value_parser = role)]
        role: ServerRole,
        /// Read the password from standard input, one line
        #[arg(long)]
        password_stdin: bool,
    },
    /// Make accounts for people of another system, from a file
    Import(import::Args),
    /// List the accounts
    List,
    /// Give an account a new password, and end its sessions
    ///
    /// Without --password-stdin a password is made and printed once.
    Password {
        /// The account's name
        name: String,
        /// Read the password from standard input, one line
        #[arg(long)]
        password_stdin: bool,
    },
    /// Change what an account may do on the server
    Role {
        /// The account's name
        name: String,
        /// guest, user, moderator or admin
        #[arg(value_parser = role)]
        role: ServerRole,
    },
    /// Make an access token for an account, and print it
    Token {
        /// The account's name
        name: String,
        /// How long it is good for, such as 15m, 12h or 7d [default: auth.access_minutes]
        #[arg(long, value_name = "DURATION", value_parser = ttl)]
        ttl: Option<Ttl>,
    },
}

/// Seconds that a token is good for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ttl(i64);

fn role(text: &str) -> Result<ServerRole, String> {
    ServerRole::from_name(text).ok_or_else(|| {
        let names: Vec<&str> = ServerRole::ALL.iter().map(|role| role.name()).collect();
        format!("is none of {}", names.join(", "))
    })
}

fn ttl(text: &str) -> Result<Ttl, String> {
    match crate::config::seconds(text)? {
        seconds @ 1..=31_536_000 => Ok(Ttl(seconds)),
        _ => Err("must be from one second to 365 days".to_owned()),
    }
}

pub(super) async fn run(command: Command, loaded: Loaded) -> anyhow::Result<()> {
    let config = &loaded.config;
    match command {
        Command::Add { name, email, role, password_stdin } => {
            let (password, made_here) = password(password_stdin)?;
            let engine = open(config, None).await?;
            let account = operator::add_user(&engine, &name, email, password.reveal().to_owned(), role).await?;
            if role == ServerRole::Admin {
                secrets::forget_setup_secret(&config.data.dir)?;
            }
            say(&format!("made {} {}, id {}", role.name(), account.username, account.id))?;
            tell(&password, made_here)
        }
        Command::Import(args) => import::run(args, loaded).await,
        Command::List => list(&open(config, None).await?).await,
        Command::Password { name, password_stdin } => {
            let (password, made_here) = password(password_stdin)?;
            let engine = open(config, None).await?;
            operator::set_password(&engine, &name, password.reveal().to_owned()).await?;
            say(&format!("{name} has another password; the sessions have ended"))?;
            tell(&password, made_here)
        }
        Command::Role { name, role } => {
            operator::set_role(&open(config, None).await?, &name, role).await?;
            say(&format!("{name} is {} now", role.name()))
        }
        Command::Token { name, ttl } => {
            let engine = open(config, ttl.map(|ttl| ttl.0)).await?;
            say(&operator::token(&engine, &name).await?.access_token)
        }
    }
}

async fn list(engine: &Engine) -> anyhow::Result<()> {
    let header = ["id", "name", "role", "state", "email"].map(str::to_owned).to_vec();
    let (mut rows, mut after) = (vec![header], UserId(0));
    loop {
        let page = operator::list_users(engine, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.id;
        rows.extend(page.iter().map(|account| {
            vec![
                account.id.to_string(),
                account.username.clone(),
                account.role.name().to_owned(),
                if account.active { "active" } else { "deactivated" }.to_owned(),
                account.email.clone().unwrap_or_default(),
            ]
        }));
    }
    say(&table(&rows))
}

/// A password that was made here is told once; nobody can read it again.
fn tell(password: &Secret, made_here: bool) -> anyhow::Result<()> {
    if made_here { say(&format!("password: {}", password.reveal())) } else { Ok(()) }
}

/// The password from standard input, or a new one; true if it was made here and must be told.
fn password(from_stdin: bool) -> anyhow::Result<(Secret, bool)> {
    if !from_stdin {
        return Ok((secrets::random_text(15)?, true));
    }
    let stdin = io::stdin();
    if stdin.is_terminal() {
        write!(io::stderr(), "Password (it will be seen): ")?;
    }
    let mut line = String::new();
    stdin.lock().read_line(&mut line).context("the password cannot be read")?;
    let password = line.trim_end_matches(['\r', '\n']);
    ensure!(!password.is_empty(), "no password came on standard input");
    Ok((Secret::new(password), false))
}
