//! `palabre bench`: drives a running server with the native protocol and says what it does.
//!
//! `socket` → `scan` → `load` is the path of a frame; `works`, `idle`, `history`, `list`, `search`, `files`,
//! `mentions`, `squares`, `storm`, `storms` and `wide` are the works;
//! `filling` and `measured` is what those have in common that ask; `flush`, `index` and `thumbnail` need no server.

mod connect;
mod crew;
mod files;
mod filling;
mod flush;
mod histogram;
mod history;
mod idle;
mod index;
mod list;
mod load;
mod measured;
mod mentions;
mod report;
mod scan;
mod search;
mod server;
mod socket;
mod squares;
mod storm;
mod storms;
#[cfg(test)]
mod tests;
mod thumbnail;
mod wide;
mod works;

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crew::Host;
use report::Report;
use socket::Target;

const HELP: &str = "\
The server must let the load in. Start it with a secret of 32 or more characters, and limits that the load does not reach:
  PALABRE_AUTH__JWT_SECRET=…                        the load's --secret
  PALABRE_AUTH__HOST_CREATE_USERS=true
  PALABRE_LIMITS__MESSAGES_PER_MINUTE=1000000000    and MESSAGE_BURST, REQUESTS_PER_MINUTE, REQUEST_BURST,
                                                    SEARCHES_PER_MINUTE, SEARCH_BURST
  PALABRE_LIMITS__UNAUTHENTICATED_PER_ADDRESS=1000000
  PALABRE_LIMITS__CONNECTIONS_PER_USER=1000000      one person makes all rooms of a work
The users `bench-…` and their rooms stay in its database, and are used again in the next run.";

/// Arguments of `palabre bench`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    work: Work,
}

/// The options that all works have in common.
#[derive(Clone, Debug, clap::Args)]
pub struct Common {
    /// The server's native socket; repeated for several nodes, over which connections are spread.
    #[arg(long, global = true, default_value = "ws://127.0.0.1:8080/v1/ws")]
    url: Vec<String>,
    /// The secret with which the host application's tokens are signed (the server's `auth.jwt_secret`).
    #[arg(long, global = true, env = "PALABRE_BENCH_SECRET", hide_env_values = true, default_value = "")]
    secret: String,
    /// The server's process, to read its processor time and memory; repeated for several nodes.
    #[arg(long, global = true)]
    server_pid: Vec<u32>,
    /// Seconds that are measured.
    #[arg(long, global = true, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    seconds: u64,
    /// Seconds that pass before.
    #[arg(long, global = true, default_value_t = 2, value_parser = clap::value_parser!(u64).range(0..=600))]
    warm_up: u64,
    /// Seconds, at most, in which everything must have arrived after the last send.
    #[arg(long, global = true, default_value_t = 15, value_parser = clap::value_parser!(u64).range(1..=600))]
    settle: u64,
    /// Bytes of a message's text.
    #[arg(long, global = true, default_value_t = 64, value_parser = bytes)]
    text_bytes: usize,
    /// Time every so many deliveries [default: 1, or 8 with more than 200 connections].
    #[arg(long, global = true)]
    sample: Option<u64>,
    /// Threads of the load.
    #[arg(long, global = true, default_value_t = 1)]
    threads: usize,
    /// Write the figures to this file as JSON.
    #[arg(long, global = true)]
    json: Option<PathBuf>,
    /// Something about the server that belongs beside the figures, such as `database=postgres`; repeatable.
    #[arg(long, global = true)]
    setting: Vec<String>,
    /// Allow a server on another machine.
    #[arg(long, global = true)]
    allow_remote: bool,
}

#[cfg(test)]
impl Default for Common {
    fn default() -> Self {
        Self {
            url: Vec::new(),
            secret: String::new(),
            server_pid: Vec::new(),
            seconds: 1,
            warm_up: 0,
            settle: 5,
            text_bytes: 64,
            sample: None,
            threads: 1,
            json: None,
            setting: Vec::new(),
            allow_remote: false,
        }
    }
}

/// The kind of load.
#[derive(Clone, Debug, clap::Subcommand)]
enum Work {
    /// One room; its senders each wait for an acknowledgement before the next message.
    W1c {
        /// Members.
        #[arg(long, default_value_t = 1_000)]
        members: usize,
        /// Members who send.
        #[arg(long, default_value_t = 20)]
        senders: usize,
    },
    /// One room; messages are sent at a fixed rate, and latency counts from the time when each was due.
    W1 {
        /// Members.
        #[arg(long, default_value_t = 1_000)]
        members: usize,
        /// Members who send.
        #[arg(long, default_value_t = 20)]
        senders: usize,
        /// Messages a second of all senders together.
        #[arg(long, default_value_t = 100.0, value_parser = rate)]
        rate: f64,
    },
    /// Many rooms with one sender each, who waits for the acknowledgement.
    W2c {
        /// Rooms.
        #[arg(long, default_value_t = 100)]
        rooms: usize,
        /// Members of each.
        #[arg(long, default_value_t = 10, value_parser = count)]
        members: usize,
        /// Wait afterwards until the followers of conversations have seen what was said last, and say how long it took.
        #[arg(long)]
        followers: bool,
    },
    /// Many rooms with one sender each; messages are sent at a fixed rate, as in W1.
    W2 {
        /// Rooms.
        #[arg(long, default_value_t = 100)]
        rooms: usize,
        /// Members of each.
        #[arg(long, default_value_t = 10, value_parser = count)]
        members: usize,
        /// Messages a second of all senders together.
        #[arg(long, default_value_t = 1_000.0, value_parser = rate)]
        rate: f64,
    },
    /// Pairs in direct conversations; one of each sends and waits for the acknowledgement.
    W3c {
        /// Pairs.
        #[arg(long, default_value_t = 500)]
        pairs: usize,
    },
    /// Idle connections: how fast they are made, what each costs, also after a large frame.
    W4 {
        /// Connections.
        #[arg(long, default_value_t = 10_000, value_parser = count)]
        connections: usize,
        /// Connections that are made at the same time.
        #[arg(long, default_value_t = 256, value_parser = count)]
        connecting: usize,
        /// Bytes of the large frame.
        #[arg(long, default_value_t = 61_440)]
        large_bytes: usize,
    },
    /// Pages of a long history.
    W5 {
        /// Messages in the room.
        #[arg(long, default_value_t = 1_000_000)]
        messages: i64,
        /// Send the messages that the room does not hold yet.
        #[arg(long)]
        fill: bool,
        /// Connections that ask.
        #[arg(long, default_value_t = 8, value_parser = count)]
        connections: usize,
        /// Requests that each has under way.
        #[arg(long, default_value_t = 4, value_parser = count)]
        depth: usize,
        /// Messages on a page.
        #[arg(long, default_value_t = 50, value_parser = count)]
        page: usize,
        /// Which pages.
        #[arg(long, value_enum, default_value = "newest")]
        pages: history::Pages,
    },
    /// Everybody in a room is cut off at once and comes back for what was said meanwhile.
    W6 {
        /// Clients.
        #[arg(long, default_value_t = 5_000, value_parser = count)]
        clients: usize,
        /// Messages sent while they are away.
        #[arg(long, default_value_t = 50, value_parser = count)]
        messages: usize,
        /// Clients that are coming back at the same time [default: all].
        #[arg(long, value_parser = count)]
        connecting: Option<usize>,
    },
    /// Searches among many messages in many rooms.
    Search {
        /// Messages in all rooms together.
        #[arg(long, default_value_t = 1_000_000)]
        messages: i64,
        /// Send the messages that the rooms do not hold yet, and wait until they are found.
        #[arg(long)]
        fill: bool,
        /// Rooms, of all of which the asker is a member.
        #[arg(long, default_value_t = 500, value_parser = count)]
        rooms: usize,
        /// Connections that ask.
        #[arg(long, default_value_t = 1, value_parser = count)]
        connections: usize,
        /// What is looked for.
        #[arg(long, value_enum, default_value = "words")]
        sought: search::Sought,
    },
    /// Making the index for searching anew; needs a database that no server uses.
    Index {
        /// The URL of the database, as in database.url.
        #[arg(long)]
        database: String,
    },
    /// Somebody comes in and reads the whole list of their conversations, in some of which much is unread.
    List {
        /// Conversations.
        #[arg(long, default_value_t = 200, value_parser = count)]
        conversations: usize,
        /// In how many of them something is unread.
        #[arg(long, default_value_t = 200)]
        unread_in: usize,
        /// Unread messages in each of those.
        #[arg(long, default_value_t = 1_000)]
        unread: i64,
        /// Send the messages that are not there yet.
        #[arg(long)]
        fill: bool,
        /// Conversations on a page.
        #[arg(long, default_value_t = 200, value_parser = count)]
        page: usize,
    },
    /// The thumbnails of a photo, as the server makes them after an upload; needs no server.
    Thumbnail {
        /// The photo, a JPEG [default: one of 12 megapixels that is made up].
        #[arg(long)]
        photo: Option<PathBuf>,
        /// How many times.
        #[arg(long, default_value_t = 10, value_parser = count)]
        times: usize,
    },
    /// Somebody comes back as a client does, from where they were, and reads what a client reads then.
    Connect {
        /// Conversations.
        #[arg(long, default_value_t = 1_000, value_parser = count)]
        conversations: usize,
        /// In how many of them something is unread.
        #[arg(long, default_value_t = 300)]
        unread_in: usize,
        /// Unread messages in each of those.
        #[arg(long, default_value_t = 10)]
        unread: i64,
        /// Send the messages that are not there yet.
        #[arg(long)]
        fill: bool,
    },
    /// Sends that name people beside plain ones, in turns of --seconds each: how many times as much they cost.
    Mentions {
        /// Members of the room.
        #[arg(long, default_value_t = 1_000, value_parser = count)]
        members: usize,
        /// How many of them a message names.
        #[arg(long, default_value_t = 10)]
        named: usize,
        /// How many of them send.
        #[arg(long, default_value_t = 20, value_parser = count)]
        senders: usize,
        /// How many of them are connected and listen, which costs the same for both.
        #[arg(long, default_value_t = 0)]
        listeners: usize,
        /// Turns of each kind.
        #[arg(long, default_value_t = 3, value_parser = count)]
        turns: usize,
    },
    /// Very many people come into one room, and very many type in another.
    Squares {
        /// People.
        #[arg(long, default_value_t = 10_000, value_parser = count)]
        people: usize,
        /// Those of them who type at once.
        #[arg(long, default_value_t = 1_000)]
        typists: usize,
    },
    /// Everybody in many rooms is cut off at once and comes back, several times: what that costs, and what stays.
    Storms {
        /// Clients.
        #[arg(long, default_value_t = 5_000, value_parser = count)]
        clients: usize,
        /// Rooms, over which they are spread.
        #[arg(long, default_value_t = 500, value_parser = count)]
        rooms: usize,
        /// Storms.
        #[arg(long, default_value_t = 3, value_parser = count)]
        storms: usize,
        /// Clients that are coming back at the same time [default: all].
        #[arg(long, value_parser = count)]
        connecting: Option<usize>,
    },
    /// Somebody in very many conversations connects, on a server that was just started.
    Wide {
        /// Conversations.
        #[arg(long, default_value_t = 5_000, value_parser = count)]
        conversations: usize,
        /// Make those that are missing, and measure nothing.
        #[arg(long)]
        fill: bool,
    },
    /// Files up and down at once, and one again and again, while somebody sends.
    Files {
        /// Bytes of each.
        #[arg(long, default_value_t = 10_000_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000_000))]
        bytes: u32,
        /// Transfers at the same time.
        #[arg(long, default_value_t = 100, value_parser = count)]
        transfers: usize,
        /// A URL of as many bytes on another server, to be read in turn with ours.
        #[arg(long)]
        against: Option<String>,
    },
    /// The disk's flushes, to set beside the figures; needs no server.
    Flush {
        /// Where to write: the directory of the server's data.
        #[arg(long, default_value = ".")]
        directory: PathBuf,
    },
}

fn count(text: &str) -> Result<usize, String> {
    let count = text.parse().map_err(|_| "must be a whole number".to_owned())?;
    if (1..=1_000_000).contains(&count) { Ok(count) } else { Err("must be from 1 to 1000000".into()) }
}

fn bytes(text: &str) -> Result<usize, String> {
    let bytes = text.parse().map_err(|_| "must be a whole number".to_owned())?;
    if (17..=10_000).contains(&bytes) { Ok(bytes) } else { Err("must be from 17 to 10000".into()) }
}

fn rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text.parse().map_err(|_| "must be a number".to_owned())?;
    if (0.1..=1_000_000.0).contains(&rate) { Ok(rate) } else { Err("must be from 0.1 to 1000000".into()) }
}

impl Work {
    /// Sockets that the load needs at most.
    fn sockets(&self) -> usize {
        match self {
            Self::W1c { members, .. } | Self::W1 { members, .. } => *members,
            Self::W2c { rooms, members, .. } | Self::W2 { rooms, members, .. } => rooms * members,
            Self::Mentions { senders, listeners, .. } => senders + listeners,
            Self::W3c { pairs } => pairs * 2,
            Self::W4 { connections, .. } | Self::W5 { connections, .. } | Self::Search { connections, .. } => {
                *connections
            }
            Self::W6 { clients, .. } => *clients,
            Self::Squares { people, .. } => *people,
            Self::Storms { clients, .. } => *clients,
            Self::Wide { .. } => 100,
            Self::Files { transfers, .. } => *transfers,
            // The reader and four who write.
            Self::List { .. } | Self::Connect { .. } => 5,
            Self::Index { .. } | Self::Thumbnail { .. } | Self::Flush { .. } => 0,
        }
    }
}

/// Runs the work, prints the figures and writes them where they were wanted.
///
/// # Errors
/// If the work cannot be done, or a message was lost, duplicated or out of order.
pub async fn run(args: Args) -> Result<()> {
    // The load has a runtime of its own, so that its threads can be counted.
    let json = args.common.json.clone();
    let report = tokio::task::spawn_blocking(move || {
        let mut builder = match args.common.threads {
            0 | 1 => tokio::runtime::Builder::new_current_thread(),
            threads => {
                let mut builder = tokio::runtime::Builder::new_multi_thread();
                builder.worker_threads(threads);
                builder
            }
        };
        builder.enable_all().build()?.block_on(work(&args))
    })
    .await??;
    print!("{report}");
    if let Some(path) = json {
        report.write(&path)?;
    }
    if !report.clean() {
        bail!("not everything that was promised arrived; see the table");
    }
    Ok(())
}

async fn work(args: &Args) -> Result<Report> {
    let common = &args.common;
    if let Work::Flush { directory } = &args.work {
        return flush::run(directory, common.seconds, &common.setting);
    }
    if let Work::Thumbnail { photo, times } = &args.work {
        return thumbnail::run(photo.as_deref(), *times, &common.setting);
    }
    if let Work::Index { database } = &args.work {
        return index::run(database, &common.setting).await;
    }
    if common.secret.is_empty() {
        bail!("the load needs --secret or PALABRE_BENCH_SECRET: the secret of the host application's tokens");
    }
    let wanted = args.work.sockets() as u64 + 50;
    if let Some(most) = server::open_files().filter(|most| *most < wanted) {
        bail!("the load needs {wanted} open files and may have {most}; raise it with `ulimit -n {wanted}`");
    }
    let mut targets = Vec::with_capacity(common.url.len());
    for url in &common.url {
        targets.push(Target::parse(url, common.allow_remote).await?);
    }
    let first = targets.first().cloned().context("the load needs --url")?;
    let host = Host::new(targets, &common.secret)?;
    // Fails early, with the server's own words.
    let (socket, _) = host.enter(&host.person("probe", 0)?).await.context("the server is not ready for the load")?;
    socket.cut();
    match args.work.clone() {
        Work::W1c { members, senders } => works::room(common, &host, members, senders, None).await,
        Work::W1 { members, senders, rate } => works::room(common, &host, members, senders, Some(rate)).await,
        Work::W2c { rooms, members, followers } => {
            let mut report = works::rooms(common, &host, rooms, members, None).await?;
            if followers {
                works::followed(&host, &mut report).await?;
            }
            Ok(report)
        }
        Work::W2 { rooms, members, rate } => works::rooms(common, &host, rooms, members, Some(rate)).await,
        Work::W3c { pairs } => works::pairs(common, &host, pairs).await,
        Work::W4 { connections, connecting, large_bytes } => {
            idle::run(common, &host, connections, connecting, large_bytes).await
        }
        Work::W5 { messages, fill, connections, depth, page, pages } => {
            let question = history::Question { messages, fill, connections, depth, page, pages };
            history::run(common, &host, question).await
        }
        Work::W6 { clients, messages, connecting } => {
            storm::run(common, &host, clients, messages, connecting.unwrap_or(clients)).await
        }
        Work::Search { messages, fill, rooms, connections, sought } => {
            let load = search::SearchLoad { messages, fill, rooms, connections, sought };
            search::run(common, &host, load).await
        }
        Work::List { conversations, unread_in, unread, fill, page } => {
            let load = list::ListLoad { conversations, unread_in, unread, fill, page };
            list::run(common, &host, load).await
        }
        Work::Connect { conversations, unread_in, unread, fill } => {
            let load = list::ListLoad { conversations, unread_in, unread, fill, page: 200 };
            connect::run(common, &host, load).await
        }
        Work::Mentions { members, named, senders, listeners, turns } => {
            let load = mentions::MentionsLoad { members, named, senders, listeners, turns };
            mentions::run(common, &host, load).await
        }
        Work::Squares { people, typists } => squares::run(common, &host, people, typists.min(people)).await,
        Work::Storms { clients, rooms, storms, connecting } => {
            let connecting = connecting.unwrap_or(clients);
            storms::run(common, &host, storms::StormLoad { clients, rooms, storms, connecting }).await
        }
        Work::Wide { conversations, fill } => wide::run(common, &host, conversations, fill).await,
        Work::Files { bytes, transfers, against } => {
            let load = files::FilesLoad { bytes: usize::try_from(bytes)?, transfers, against };
            files::run(common, &host, &first, load).await
        }
        Work::Index { .. } | Work::Thumbnail { .. } | Work::Flush { .. } => bail!("this needs no server"),
    }
}
