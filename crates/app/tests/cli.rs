//! The command line as an operator uses it: the real program, in a folder of its own.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::PathBuf,
    process::{Command, Stdio},
    time::Duration,
};

use serde_json::json;

/// An empty folder with nothing in the environment but a database, if one is given.
struct Shell(PathBuf, Option<String>);

/// The output of a command, and its end.
struct Said {
    code: i32,
    out: String,
    err: String,
}

impl Shell {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("palabre-cli-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("folder");
        Self(folder, None)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.0.join(name), text).expect(name);
    }

    fn run(&self, words: &[&str]) -> Said {
        self.run_with(&[], "", words)
    }

    fn run_with(&self, environment: &[(&str, &str)], input: &str, words: &[&str]) -> Said {
        let mut child = Command::new(env!("CARGO_BIN_EXE_palabre"))
            .args(words)
            .current_dir(&self.0)
            .env_clear()
            .envs(self.1.iter().map(|url| ("DATABASE_URL", url.as_str())))
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("started");
        let mut stdin = child.stdin.take().expect("stdin");
        // A command that reads nothing may be gone before this is written.
        let _ = stdin.write_all(input.as_bytes());
        drop(stdin);
        let output = child.wait_with_output().expect("ended");
        Said {
            code: output.status.code().expect("not by a signal"),
            out: String::from_utf8(output.stdout).expect("UTF-8"),
            err: String::from_utf8(output.stderr).expect("UTF-8"),
        }
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn every_command_has_help() {
    let shell = Shell::new("help");
    let commands = "serve|backup|restore|move|migrate|user|user add|user list|user import|user password|user role|user token|room|room create|\
                    room list|jobs|jobs list|jobs retry|policy|policy set|explain|config|config template|config check|config docs|doctor|bench|version";
    for command in commands.split('|') {
        let words: Vec<&str> = command.split(' ').chain(["--help"]).collect();
        let said = shell.run(&words);
        assert_eq!(said.code, 0, "{command}: {}", said.err);
        assert!(said.out.contains(&format!("Usage: palabre {command}")), "{command}: {}", said.out);
        assert!(said.out.contains("--config"), "{command}");
    }
    let said = shell.run(&["version"]);
    assert_eq!((said.code, said.out.trim()), (0, concat!("palabre ", env!("CARGO_PKG_VERSION"))));
}

#[test]
fn the_last_words_of_a_first_start_say_how_the_administrator_is_made() {
    let shell = Shell::new("invitation");
    for (client, environment) in [(true, "development"), (true, "production"), (false, "development")] {
        let mut server = Command::new(env!("CARGO_BIN_EXE_palabre"))
            .args(["serve", "--listen", "127.0.0.1:0", "--data-dir", "data"])
            .current_dir(&shell.0)
            .env_clear()
            .env("PALABRE_WEB__CLIENT", client.to_string())
            .env("PALABRE_SERVER__ENVIRONMENT", environment)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("started");
        let lines = BufReader::new(server.stdout.take().expect("stdout")).lines().map(|line| line.expect("UTF-8"));
        let (mut said, mut lines) = (Vec::new(), lines);
        while said.last().is_none_or(|line: &String| !line.contains("setup")) {
            said.push(lines.next().expect("it says how"));
        }
        server.kill().expect("killed");
        server.wait().expect("ended");
        assert_eq!(lines.next(), None, "the last words");
        let secret = fs::read_to_string(shell.0.join("data/setup.secret")).expect("a secret");
        let (url, last) = (said[0].rsplit_once(' ').expect("an address").1, said.last().expect("a line"));
        if client && web::is_built() {
            assert_eq!(*last, format!("Open {url}/#setup={} to make the first administrator.", secret.trim()));
        } else {
            assert!(last.contains("setup_secret") && last.contains(secret.trim()), "{said:?}");
        }
        let misses_client = said.iter().any(|line| line.contains("was not built"));
        assert_eq!(misses_client, client && !web::is_built(), "{said:?}");
    }
}

#[test]
fn a_wrong_command_line_or_configuration_ends_with_2_and_says_what_is_allowed() {
    let shell = Shell::new("wrong");
    for words in
        [&["sing"][..], &["user", "add"], &["user", "add", "ann", "--role", "queen"], &["serve", "--lisen", "x"]]
    {
        assert_eq!(shell.run(words).code, 2, "{words:?}");
    }
    for words in [
        &["config", "check", "--config", "missing.toml"][..],
        &["config", "check", "--listen", "somewhere"],
        &["serve", "--listen", "somewhere"],
        &["user", "list", "--database-url", "mysql://x"],
    ] {
        let said = shell.run(words);
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{words:?}");
        assert!(said.err.contains("--listen: server.listen") || words[3] != "somewhere", "{}", said.err);
    }
    let said = shell.run_with(&[("PALABRE_SERVER__LISEN", "x")], "", &["serve"]);
    assert!(said.code == 2 && said.err.contains("PALABRE_SERVER__LISEN"), "{}", said.err);
    assert!(!shell.0.join("data").exists(), "nothing was made");
}

#[test]
fn a_server_that_may_not_make_tables_says_who_may() {
    let shell = Shell::new("tables");
    let said =
        shell.run_with(&[("PALABRE_DATABASE__AUTO_MIGRATE", "false")], "", &["serve", "--listen", "127.0.0.1:0"]);
    assert!(said.code == 1 && said.err.contains("there are no tables yet; run `palabre migrate`"), "{}", said.err);
}

#[test]
fn the_layers_are_told_with_their_origins() {
    let shell = Shell::new("layers");
    shell.write("palabre.toml", "[server]\nname = \"Usual\"\nshutdown_seconds = 5\n");
    shell.write("other.toml", "[server]\nname = \"Other\"\n");
    let line = |said: &Said, key: &str| {
        let line = said.out.lines().find(|line| line.starts_with(&format!("{key} = ")));
        line.unwrap_or_else(|| panic!("{key}: {}{}", said.out, said.err))
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    };
    let said = shell.run(&["config", "check"]);
    assert_eq!(line(&said, "server.name"), "server.name = \"Usual\" # palabre.toml");
    assert_eq!(line(&said, "server.listen"), "server.listen = \"127.0.0.1:8080\" # default");

    let environment = [("PALABRE_CONFIG", "other.toml"), ("WS_BIND_ADDR", "0.0.0.0:9001"), ("LOG_FORMAT", "json")];
    let said = shell.run_with(&environment, "", &["config", "check", "--listen", "127.0.0.1:0"]);
    assert_eq!(line(&said, "server.name"), "server.name = \"Other\" # other.toml");
    assert_eq!(line(&said, "server.shutdown_seconds"), "server.shutdown_seconds = 30 # default");
    assert_eq!(line(&said, "server.listen"), "server.listen = \"127.0.0.1:0\" # --listen");
    assert_eq!(line(&said, "chat_server.listen"), "chat_server.listen = \"0.0.0.0:9001\" # WS_BIND_ADDR");
    assert_eq!(line(&said, "log.format"), "log.format = \"json\" # LOG_FORMAT");

    let said = shell.run_with(&environment, "", &["--config", "palabre.toml", "config", "check"]);
    assert_eq!(line(&said, "server.name"), "server.name = \"Usual\" # palabre.toml");
}

#[test]
fn the_template_is_accepted_as_it_is_printed() {
    let shell = Shell::new("template");
    let before = shell.run(&["config", "check"]).out;
    shell.write("palabre.toml", &shell.run(&["config", "template"]).out);
    let after = shell.run(&["config", "check"]);
    assert_eq!((after.code, after.out), (0, before));
}

/// An empty schema on the PostgreSQL that `PALABRE_TEST_POSTGRES` names; `cargo xtask check` names one.
fn postgres_schema(story: &str) -> Option<String> {
    let server = std::env::var("PALABRE_TEST_POSTGRES").ok()?;
    let schema = format!("palabre_cli_{story}_{}", std::process::id());
    let options = store::Options { url: server.clone(), readers: 1, connect_timeout: Duration::from_secs(5) };
    let runtime = tokio::runtime::Runtime::new().expect("runtime");
    runtime.block_on(async {
        let db = store::Db::open(&options).await.expect("open");
        db.create_schema_for_tests(&schema).await.expect("schema");
    });
    Some(format!("{server}?options[search_path]={schema}"))
}

#[test]
fn an_operator_makes_accounts_and_rooms_without_a_server() {
    story_of_an_operator(&mut Shell::new("operator"), None);
}

#[test]
fn an_operator_makes_accounts_and_rooms_on_postgresql() {
    if let Some(url) = postgres_schema("operator") {
        story_of_an_operator(&mut Shell::new("operator-postgres"), Some(url));
    }
}

fn story_of_an_operator(shell: &mut Shell, database: Option<String>) {
    let where_it_is = if database.is_some() { "postgres://" } else { "sqlite:./data/palabre.db" };
    shell.1 = database;
    let said = shell.run(&["user", "add", "ann", "--role", "admin", "--email", "ann@example.org"]);
    assert_eq!(said.code, 0, "{}", said.err);
    let made = said.out.lines().last().and_then(|line| line.strip_prefix("password: ")).expect("told once").to_owned();
    assert!(made.len() >= 20 && !said.err.contains(&made), "{}", said.err);

    let said = shell.run_with(&[], "correct horse battery\n", &["user", "add", "bob", "--password-stdin"]);
    assert!(
        said.code == 0 && !said.out.contains("password") && !said.err.contains("horse"),
        "{}{}",
        said.out,
        said.err
    );
    let said = shell.run(&["user", "add", "BOB"]);
    assert!(said.code == 1 && !said.out.contains("password"), "{}{}", said.out, said.err);
    assert_eq!(shell.run_with(&[], "\n", &["user", "add", "carl", "--password-stdin"]).code, 1, "no password");

    assert_eq!(shell.run(&["user", "role", "bob", "moderator"]).code, 0);
    assert_eq!(shell.run(&["user", "role", "nobody", "user"]).code, 1);
    let list = shell.run(&["user", "list"]).out;
    let lines: Vec<Vec<&str>> = list.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0], ["id", "name", "role", "state", "email"]);
    assert_eq!(lines[1], ["1", "ann", "admin", "active", "ann@example.org"]);
    assert_eq!(lines[2], ["2", "bob", "moderator", "active"]);
    assert_eq!(lines.len(), 3);

    let said = shell.run(&["user", "password", "bob"]);
    assert!(said.code == 0 && said.out.contains("password: "), "{}{}", said.out, said.err);
    let said = shell.run(&["user", "token", "ann", "--ttl", "12h"]);
    assert_eq!((said.code, said.out.trim().split('.').count()), (0, 3), "{}{}", said.out, said.err);
    assert_eq!(shell.run(&["user", "token", "ann", "--ttl", "soon"]).code, 2);

    assert_eq!(shell.run(&["room", "create", "lobby", "--owner", "ann", "--topic", "Everything"]).code, 0);
    assert_eq!(shell.run(&["room", "create", "den", "--owner", "bob", "--private"]).code, 0);
    assert_eq!(shell.run(&["room", "create", "Lobby", "--owner", "bob"]).code, 1, "the name is taken");
    assert_eq!(shell.run(&["room", "create", "attic", "--owner", "nobody"]).code, 1);
    let list = shell.run(&["room", "list"]).out;
    assert!(list.lines().any(|line| line.contains("lobby") && line.contains("public") && line.contains("Everything")));
    assert!(list.lines().any(|line| line.contains("den") && line.contains("private")), "{list}");
    assert_eq!(list.lines().count(), 3);

    let said = shell.run(&["migrate"]).out;
    assert!(said.starts_with(where_it_is) && said.trim().ends_with("is up to date"), "{said}");
}

/// Adds a job to the database of a folder, and has it fail as often as it is tried.
async fn give_up_a_job(url: &str, subject: i64) {
    let options = store::Options { url: url.to_owned(), readers: 1, connect_timeout: Duration::from_secs(5) };
    let db = store::Db::open(&options).await.expect("the database");
    db.epoch().await.expect("a history");
    let (outlet, mut batches) = tokio::sync::mpsc::channel::<(store::Committed, Vec<Box<dyn FnOnce() + Send>>)>(16);
    tokio::spawn(async move {
        while let Some((_, answers)) = batches.recv().await {
            answers.into_iter().for_each(|answer| answer());
        }
    });
    let (writer, _task) = store::Writer::start(db, std::sync::Arc::new(|| chat::Millis(1_000)), outlet);
    let work = writer.change(&[], None, move |unit| {
        Box::pin(async move {
            let mut now = chat::Millis(1_000);
            store::jobs::add(&mut unit.conn, store::jobs::Kind::Reminder, subject, now).await?;
            loop {
                let jobs = store::jobs::claim(&mut unit.conn, store::jobs::Kind::ALL, 1, now).await?;
                if store::jobs::fail(&mut unit.conn, &jobs[0], "internal", now).await? {
                    return Ok(());
                }
                now = now.plus(jobs[0].pause().unwrap_or_default());
            }
        })
    });
    work.await.expect("a job that was given up");
}

#[tokio::test]
async fn jobs_that_were_given_up_are_listed_and_tried_again() {
    let shell = Shell::new("jobs");
    assert_eq!(shell.run(&["migrate"]).code, 0);
    let said = shell.run(&["jobs", "list"]);
    assert_eq!((said.code, said.out.trim()), (0, "0 waiting, 0 given up"), "{}", said.err);
    let url = format!("sqlite:{}", shell.0.join("data/palabre.db").display());
    give_up_a_job(&url, 7).await;
    give_up_a_job(&url, 8).await;
    let listed = shell.run(&["jobs", "list"]);
    let lines: Vec<&str> = listed.out.lines().collect();
    assert_eq!(lines[0], "0 waiting, 2 given up");
    let words: Vec<&str> = lines[2].split_whitespace().collect();
    assert_eq!((words[0], words[1], words[2], words[4]), ("reminder", "7", "13", "internal"), "{}", listed.out);
    let retry = |words: &[&str]| shell.run(&[&["jobs", "retry"], words].concat());
    assert_eq!((retry(&[]).code, retry(&["reminder"]).code, retry(&["--all", "reminder", "7"]).code), (2, 2, 2));
    let nothing = retry(&["reminder", "9"]);
    assert_eq!((nothing.code, nothing.err.contains("no job reminder 9")), (1, true), "{}", nothing.err);
    assert_eq!(retry(&["reminder", "7"]).code, 0);
    assert_eq!(shell.run(&["jobs", "list"]).out.lines().next(), Some("1 waiting, 1 given up"));
    assert_eq!(retry(&["--all"]).out.trim(), "tried again: 1");
    assert_eq!(shell.run(&["jobs", "list"]).out.trim(), "2 waiting, 0 given up");
}

#[test]
fn an_operator_sets_a_policy_and_is_told_who_may_what_and_why() {
    let shell = Shell::new("policy");
    assert_eq!(shell.run(&["user", "add", "ann"]).code, 0);
    assert_eq!(shell.run(&["room", "create", "garden", "--owner", "ann"]).code, 0);
    let room =
        shell.run(&["room", "list"]).out.lines().nth(1).and_then(|line| line.split(' ').next().map(str::to_owned));
    let room = room.expect("a room");
    let help = shell.run(&["policy", "set", "--help"]).out;
    assert!(help.contains("attach") && help.contains("mention_everybody") && !help.contains("leave"), "{help}");
    let set = |ability: &str, role: &str| {
        shell.run(&["policy", "set", "--conversation", &room, "--ability", ability, "--role", role])
    };
    let said = set("post", "moderator");
    assert_eq!((said.code, said.out.trim()), (0, format!("post in conversation {room} takes moderator").as_str()));
    let told = shell.run(&["explain", "--conversation", &room, "--user", "1"]);
    assert_eq!(told.code, 0, "{}", told.err);
    assert!(told.out.starts_with("role: owner\n"), "{}", told.out);
    let line = |of: &str| told.out.lines().find(|line| line.starts_with(of)).map(str::to_owned).unwrap_or_default();
    assert!(line("post").ends_with("yes  by this conversation's policy it takes moderator"), "{}", told.out);
    assert!(line("set_roles").ends_with("yes  by default it takes admin"), "{}", told.out);
    assert_eq!(set("post", "default").code, 0);
    let told = shell.run(&["explain", "--conversation", &room, "--user", "1"]);
    assert!(!told.out.contains("policy"), "{}", told.out);
    for wrong in [set("leave", "owner"), shell.run(&["explain", "--conversation", &room, "--user", "99"])] {
        assert_eq!(wrong.code, 1, "{}{}", wrong.out, wrong.err);
    }
    assert_eq!(set("levitate", "owner").code, 2);
    assert_eq!(set("post", "king").code, 2);
}

/// The secret of a host application.
const HOST: [(&str, &str); 1] = [("JWT_SECRET", "n3Wq8ZkP1xVb6TgYc0RmJ5sLd9HfEa2u")];

impl Shell {
    fn imports(&self, words: &[&str]) -> Said {
        self.run_with(&HOST, "", &[&["user", "import"], words].concat())
    }
}

#[test]
fn an_operator_brings_people_from_a_file_once_however_often() {
    story_of_an_import(&mut Shell::new("import"), None);
}

#[test]
fn an_operator_brings_people_from_a_file_once_on_postgresql() {
    if let Some(url) = postgres_schema("import") {
        story_of_an_import(&mut Shell::new("import-postgres"), Some(url));
    }
}

fn story_of_an_import(shell: &mut Shell, database: Option<String>) {
    shell.1 = database;
    let bcrypt = "$2b$04$abcdefghijklmnopqrstuuQtSN3/pEhRqVe.UgUQMcN9audjDmq4m";
    let huge = "pbkdf2_sha256$1000000000$seasalt$JdpaOTGHz4YjyZD6VvLtA844/OO/ih1VfVpRQmMlLHQ=";
    shell.write(
        "people.csv",
        &[
            "\u{feff}external_id,username,display_name,first_name,email,password_hash\r\n",
            &format!("1,alice,,,alice@example.org,{bcrypt}\r\n"),
            "2,Élodie,\"Dupré, Élodie\",,,\r\n",
            "3,张伟,,,,\r\n",
            "\r\n",
            "4,ALICE,,,,\r\n",
            &format!(",dora,,Dora,,{bcrypt}\r\n"),
            "5,eve,,,no address,\r\n",
            &format!("6,fay,,,,{huge}\r\n"),
            "1,alice again,,,,\r\n",
            "7,gil\r\n",
            ",no name,,,,\r\n",
            ",,Nobody,,,\r\n",
        ]
        .concat(),
    );
    let expected = |trial: bool| {
        let made = if trial { "would make" } else { "made" };
        let id = |id: i64| if trial { String::new() } else { format!(", id {id}") };
        let someone = |id: i64| if trial { "somebody under a made username".to_owned() } else { format!("user_{id}") };
        let here = if trial { "alice again" } else { "alice" };
        [
            format!("line 2: {made} alice{}", id(1)),
            format!("line 3: {made} {}{}", someone(2), id(2)),
            format!("line 4: {made} {}{}", someone(3), id(3)),
            format!("line 6: {made} {}{}", someone(4), id(4)),
            format!("line 7: {made} dora{}", id(5)),
            "line 8: refused: email must be an email address such as ann@example.org.".into(),
            "line 9: refused: password_hash has 1000000000 iterations; 1 to 3000000 are allowed".into(),
            format!("line 10: {here} is here already{}", id(1)),
            "line 11: refused: it has 2 fields, and there are 6 columns".into(),
            "line 12: refused: username must have 3 to 50 characters of a-z, A-Z, 0-9, _ and -.".into(),
            "line 13: refused: external_id or username is needed".into(),
            format!("5 {}, 1 here already, 5 refused", if trial { "would be made" } else { "made" }),
        ]
    };
    let list = |shell: &Shell| shell.run_with(&HOST, "", &["user", "list"]).out;
    let trial = shell.imports(&["people.csv", "--dry-run"]);
    assert_eq!(trial.out.lines().collect::<Vec<_>>(), expected(true), "{}", trial.err);
    assert_eq!((trial.code, list(shell).lines().count()), (1, 1), "a trial makes nobody");
    let said = shell.imports(&["people.csv"]);
    assert_eq!((said.code, said.out.lines().collect::<Vec<_>>()), (1, expected(false).iter().map(|l| &**l).collect()));
    assert!(said.err.contains("5 refused; mend their lines"), "{}", said.err);
    let people = list(shell);
    assert_eq!(people.lines().count(), 6, "{people}");
    // Again: nobody is made twice, and nobody is changed.
    let again = shell.imports(&["people.csv"]);
    assert!(again.out.ends_with("0 made, 6 here already, 5 refused\n"), "{}", again.out);
    assert_eq!(list(shell), people);
    // The refused value is mended, in the other form.
    shell.write(
        "more.jsonl",
        "{\"external_id\":5,\"username\":\"eve\",\"email\":\"eve@example.org\"}\n{\"external_id\":6,\"username\":\"fay\",\"password_hash\":\"!x\"}\n",
    );
    let more = shell.imports(&["more.jsonl"]);
    assert_eq!(
        (more.code, &*more.out),
        (0, "line 1: made eve, id 6\nline 2: made fay, id 7\n2 made, 0 here already, 0 refused\n")
    );
    for said in [trial, said, again, more] {
        let all = format!("{}{}", said.out, said.err);
        assert!(!all.contains("QtSN3") && !all.contains("JdpaOTGH"), "a hash is never shown: {all}");
    }
}

#[test]
fn a_file_that_cannot_be_read_to_its_end_makes_nobody() {
    let shell = Shell::new("import-wrong");
    let many: String = (1..=500).map(|n| format!("{n},person{n}\n")).collect();
    for (text, words) in [
        ("external_id,name\n1,ann\n".to_owned(), "line 1: there is no column \"name\"; allowed are external_id, host"),
        (format!("external_id,username\n{many}501,\"open\n"), "line 502: a quote that begins here is not closed"),
        (String::new(), "it is empty"),
    ] {
        shell.write("people.csv", &text);
        let said = shell.imports(&["people.csv"]);
        assert!(said.code == 1 && said.out.is_empty() && said.err.contains(words), "{words}: {}{}", said.out, said.err);
        assert!(said.err.contains("people.csv"), "{}", said.err);
    }
    assert_eq!(shell.run_with(&HOST, "", &["user", "list"]).out.lines().count(), 1);
    let missing = shell.imports(&["nowhere.csv"]);
    assert!(missing.code == 1 && missing.err.contains("nowhere.csv"), "{}", missing.err);
    let folder = shell.imports(&["."]);
    assert!(folder.code == 1 && folder.err.contains(". is no file"), "{}", folder.err);
    // A host that the configuration does not have is none: its people would be somebody else's.
    shell.write("people.csv", "external_id,host,username\n1,elsewhere,ann\n");
    let said = shell.imports(&["people.csv"]);
    assert!(
        said.out.contains("line 2: refused: there is no host \"elsewhere\"; the configuration has default"),
        "{}",
        said.out
    );
    let without = shell.run_with(&[], "", &["user", "import", "people.csv", "--host", "default"]);
    assert!(without.out.contains("the configuration has none"), "{}{}", without.out, without.err);
}

/// A server on a folder, until it is dropped.
struct Running {
    server: std::process::Child,
    address: std::net::SocketAddr,
    /// Where its log goes: kept open, or writing there fails.
    _said: BufReader<std::process::ChildStdout>,
}

impl Running {
    fn on(shell: &Shell) -> Self {
        let mut server = Command::new(env!("CARGO_BIN_EXE_palabre"))
            .args(["serve", "--listen", "127.0.0.1:0"])
            .current_dir(&shell.0)
            .env_clear()
            .envs(HOST)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("started");
        let mut line = String::new();
        let mut said = BufReader::new(server.stdout.take().expect("stdout"));
        said.read_line(&mut line).expect("UTF-8");
        let port = line.trim().rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        let port: u16 = port.unwrap_or_else(|| panic!("it says where it is: {line}"));
        Self { server, address: ([127, 0, 0, 1], port).into(), _said: said }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

#[tokio::test]
async fn imported_people_log_in_with_the_passwords_that_they_had_and_are_who_their_host_says() {
    let shell = Shell::new("import-log-in");
    // Of one password: from glibc's crypt, from Python's hashlib, and as Django writes bcrypt behind a digest.
    let hashes = [
        ("alice", "$2b$04$abcdefghijklmnopqrstuuQtSN3/pEhRqVe.UgUQMcN9audjDmq4m"),
        ("bob", "pbkdf2_sha256$1000$seasalt$JdpaOTGHz4YjyZD6VvLtA844/OO/ih1VfVpRQmMlLHQ="),
        ("carol", "bcrypt_sha256$$2b$04$abcdefghijklmnopqrstuuCgQ/XiLt7A2RmUUAnaKuhI/e9BGXq.2"),
    ];
    let lines: Vec<String> = hashes
        .iter()
        .zip(11..)
        .map(|((name, hash), id)| {
            let person =
                json!({"external_id": id, "username": name, "email": "all@example.org", "password_hash": hash});
            format!("{person}\n")
        })
        .collect();
    shell.write("people.jsonl", &lines.concat());
    assert_eq!(shell.imports(&["people.jsonl"]).code, 0);
    let server = Running::on(&shell);
    let rest = testkit::Rest::to(server.address);
    let log_in = async |name: &str, password: &str| {
        let body = json!({"username": name, "password": password});
        rest.ask("POST", "/v1/sessions", None, &body).await
    };
    for (name, _) in hashes {
        assert_eq!(log_in(name, "under the trees").await.status, 401, "{name}");
        // The second time it is checked by our own hash.
        for _ in 0..2 {
            let answer = log_in(name, "under the tree").await;
            assert!(answer.status < 300, "{name}: {}", answer.text);
        }
        assert_eq!(log_in(name, "under the trees").await.status, 401, "{name}");
    }
    let url = format!("sqlite:{}", shell.0.join("data/palabre.db").display());
    let options = store::Options { url, readers: 1, connect_timeout: Duration::from_secs(5) };
    let db = store::Db::open(&options).await.expect("open");
    for (name, _) in hashes {
        let kept = store::accounts::passwords(&mut db.read().await.expect("a connection"), name).await.expect("read");
        assert!(kept[0].1.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{name}: {}", kept[0].1);
    }
    // A password that was imported can be changed like any.
    let token = log_in("alice", "under the tree").await.granted()["access_token"].as_str().expect("a token").to_owned();
    let change = json!({"current": "under the tree", "new": "beside the river"});
    let changed = rest.ask("PUT", "/v1/users/me/password", Some(&token), &change).await;
    assert!(changed.status < 300, "{}", changed.text);
    assert!(log_in("alice", "beside the river").await.status < 300);
    // The host's token is the same person's, who were never here.
    let claims = json!({"user_id": 12, "username": "robert", "exp": testkit::now() + 600});
    let theirs = testkit::host_token_signed(&claims, HOST[0].1);
    let me = rest.ask("GET", "/v1/users/me", Some(&theirs), &serde_json::Value::Null).await.granted();
    assert_eq!(me["username"], "bob", "{me}");
    drop(server);
}
