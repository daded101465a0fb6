//! The project's own commands. `cargo xtask` lists them.

mod chaos;
mod check;
mod client;
mod coverage;
mod generate;
mod hostile;
mod mutants;
mod postgres;
mod processor;
mod redis;
mod release;
mod run;
mod s3;
mod scratch;
mod shell;
mod supply;
mod tidy;
mod tools;

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask run [FLAG…]           build the web client (with Node and npm, if they are there) and the server, and
                                  start it on http://localhost:8080, data in ./data, for development unless
                                  something else is configured; flags are those of `palabre serve`
cargo xtask check [--no-install]  everything that must hold: the clients, format, clippy, tidy, supply, all tests on SQLite,
                                  on PostgreSQL and on two nodes, in browsers, while things break; as root, what is missing
                                  is installed from Debian's packages unless --no-install is given (but Node is not)
cargo xtask check --quick         what can be known within minutes: format, tidy, clippy, unit tests with all transcripts,
                                  and the stories on SQLite
cargo xtask step NAME             one of the steps that can run by themselves, such as \"the clients' tests\"
cargo xtask tidy                  the rules of the house that the compiler does not check
cargo xtask release               build the program as people get it, and tell its size
cargo xtask supply                licences, sources and second versions of everything that the lock files name, held
                                  against deny.toml and clients/deny.toml
cargo xtask with-postgres COMMAND…
                                  run a command with a private PostgreSQL in PALABRE_TEST_POSTGRES
cargo xtask with-nodes COMMAND…   the same with a private Redis in PALABRE_TEST_REDIS besides: stories then have two nodes
cargo xtask with-cluster COMMAND…
                                  the same with a private Redis Cluster instead, in PALABRE_TEST_REDIS_CLUSTER
cargo xtask with-s3 COMMAND…      run a command with a private S3 store in PALABRE_TEST_S3: stories then keep files there
cargo xtask mutants               see the checker find each deliberate fault of the server
cargo xtask chaos [--shard I/N]   the long gate: nodes, databases, Redis and the ways between them are broken for
                                  forty minutes while people talk; the results are written to docs/reliability
cargo xtask hostile               a stranger against the release binary, in every way that waits, piles up or breaks the
                                  protocol: three minutes, in which others must not feel it
cargo xtask gen [--check]         write the generated documents, or check that they are fresh
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (command, rest) = match arguments.split_first() {
        Some((command, rest)) => (command.as_str(), rest),
        None => ("help", &[][..]),
    };
    let words: Vec<&str> = rest.iter().map(String::as_str).collect();
    let done = match (command, words.as_slice()) {
        ("run", _) => run::run(rest),
        ("check", []) => check::run(true),
        ("check", ["--no-install"]) => check::run(false),
        ("check", ["--quick"]) => check::quick(),
        ("with-postgres", [program, arguments @ ..]) => check::with_postgres(program, arguments),
        ("with-nodes", [program, arguments @ ..]) => check::with_nodes(program, arguments),
        ("with-cluster", [program, arguments @ ..]) => check::with_cluster(program, arguments),
        ("with-s3", [program, arguments @ ..]) => check::with_s3(program, arguments),
        ("mutants", []) => shell::build_everything().and_then(|()| mutants::run()),
        ("step", [name]) => check::step(name),
        ("chaos", flags) => chaos::gate(flags),
        ("hostile", []) => hostile::attack_release(),
        ("tidy", []) => tidy::run(),
        ("release", []) => release::build(&[]),
        ("supply", []) => supply::run(),
        ("gen", []) => generate::write(),
        ("gen", ["--check"]) => shell::build_everything().and_then(|()| generate::check()),
        ("help" | "--help" | "-h", _) => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprint!("There is no such command or flag.\n\n{HELP}");
            return ExitCode::from(2);
        }
    };
    scratch::remove();
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
