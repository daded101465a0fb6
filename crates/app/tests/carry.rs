//! Backup, restore and move as an operator uses them: the real program, beside a server that works, and killed.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use chat::{
    ClientId, ConversationId, Millis, Number, UserId,
    accounts::{ServerRole, Speaker},
    messages::{MessageType, Submission},
};
use store::{Append, Db, NewMessage, Options, Writer, transfer::Lifecycle};
use tokio::sync::{mpsc, oneshot};

/// An empty folder, in which the program finds nothing else.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("palabre-carry-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("folder");
        Self(folder)
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_palabre"));
        command.args(words).current_dir(&self.0).env_clear().stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs it to its end: its exit code, and all that it said.
    fn run(&self, words: &[&str]) -> (i32, String) {
        let output = self.command(words).output().expect("it runs");
        let said = [output.stdout, output.stderr].map(|said| String::from_utf8(said).expect("UTF-8")).concat();
        (output.status.code().expect("not by a signal"), said)
    }

    fn done(&self, words: &[&str]) -> String {
        let (code, said) = self.run(words);
        assert_eq!(code, 0, "{words:?}: {said}");
        said
    }

    fn refused(&self, words: &[&str], why: &str) {
        let (code, said) = self.run(words);
        assert!(code == 1 && said.contains(why), "{words:?}: {code}, {said}");
    }

    /// A server that is running.
    fn serve(&self, words: &[&str]) -> Running {
        let all: Vec<&str> = ["serve", "--listen", "127.0.0.1:0"].iter().chain(words).copied().collect();
        let mut child = self.command(&all).spawn().expect("it starts");
        let mut lines = BufReader::new(child.stdout.take().expect("stdout")).lines();
        let first = lines.next().expect("a line").expect("UTF-8");
        assert!(first.contains("is running"), "{first}");
        std::thread::spawn(move || lines.for_each(drop));
        Running(child)
    }
}

/// A server in a process of its own; it ends with the test, also with one that fails.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already, which is as good.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

async fn open(url: &str) -> Db {
    let options = Options { url: url.to_owned(), readers: 3, connect_timeout: Duration::from_secs(10) };
    Db::open(&options).await.expect(url)
}

/// Makes ann and her room in the place's database, as an operator does.
fn settle(place: &Place) {
    place.done(&["user", "add", "ann", "--role", "admin"]);
    place.done(&["room", "create", "garden", "--owner", "ann"]);
}

/// The number of a file's messages, by what `restore --check` says.
fn messages_in(said: &str) -> i64 {
    let words: Vec<&str> = said.split_whitespace().collect();
    let at = words.iter().position(|word| *word == "messages").expect("a count");
    words[at - 1].parse().expect("a number")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_backs_up_a_running_server_and_restores_it_elsewhere() {
    let (here, there) = (Place::new("here"), Place::new("there"));
    settle(&here);
    let server = here.serve(&[]);
    let talk = Talk::begin(&here.0.join("data/palabre.db")).await;
    talk.reaches(200).await;
    let said = here.done(&["backup", "one.backup"]);
    assert!(said.contains("1 accounts, 1 conversations"), "{said}");
    here.done(&["backup", "."]);
    here.refused(&["backup", "one.backup"], "is there already");
    talk.stop().await;
    drop(server);

    let named: Vec<PathBuf> =
        fs::read_dir(&here.0).expect("folder").map(|entry| entry.expect("entry").path()).collect();
    let backups: Vec<&PathBuf> = named.iter().filter(|path| path.extension().is_some_and(|e| e == "backup")).collect();
    assert_eq!(backups.len(), 2, "nothing is left beside them: {named:?}");
    assert!(backups.iter().all(|path| fs::metadata(path).expect("file").permissions().mode() & 0o777 == 0o600));
    let file = here.0.join("one.backup");
    let path = file.to_str().expect("UTF-8");
    let checked = there.done(&["restore", "--check", path]);
    assert!(checked.contains("whole") && messages_in(&checked) >= 200, "{checked}");

    let mut bytes = fs::read(&file).expect("file");
    let cut = there.0.join("cut.backup");
    fs::write(&cut, &bytes[..bytes.len() - 100]).expect("written");
    there.refused(&["restore", "cut.backup"], "the backup is damaged");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&cut, &bytes).expect("written");
    there.refused(&["restore", "cut.backup"], "damaged");
    assert!(!there.0.join("data").exists(), "nothing was made");

    let said = there.done(&["restore", path]);
    assert!(said.contains("1 accounts") && said.contains("must log in again"), "{said}");
    assert_eq!(messages_in(&said), messages_in(&checked));
    assert!(there.done(&["user", "list"]).contains("ann"));
    there.refused(&["restore", path], "to go on, stop the server and move that file");
    let epoch = async |place: &Place| open(&sqlite(place)).await.epoch().await.expect("epoch");
    assert_ne!(epoch(&here).await, epoch(&there).await);
    here.refused(&["backup", "x.backup", "--data-dir", "nowhere"], "no such database");
}

fn sqlite(place: &Place) -> String {
    format!("sqlite:{}", place.0.join("data/palabre.db").display())
}

/// Somebody who goes on sending messages, in this process, into the database of a server in another.
struct Talk {
    stop: Arc<AtomicBool>,
    acked: Arc<AtomicI64>,
    task: tokio::task::JoinHandle<()>,
}

impl Talk {
    async fn begin(file: &Path) -> Self {
        let db = open(&format!("sqlite:{}", file.display())).await;
        db.migrate().await.expect("migrated");
        db.epoch().await.expect("epoch");
        let (outlet, mut batches) = mpsc::channel::<(store::Committed, Vec<Box<dyn FnOnce() + Send>>)>(64);
        tokio::spawn(async move {
            while let Some((_, answers)) = batches.recv().await {
                answers.into_iter().for_each(|answer| answer());
            }
        });
        let (writer, _) = Writer::start(db, Arc::new(|| Millis(1_000)), outlet);
        let (stop, acked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicI64::new(0)));
        let task = tokio::spawn(talk(writer, stop.clone(), acked.clone()));
        Self { stop, acked, task }
    }

    async fn reaches(&self, count: i64) {
        let began = Instant::now();
        while self.acked.load(Ordering::Relaxed) < count {
            assert!(began.elapsed() < Duration::from_secs(60), "{} only", self.acked.load(Ordering::Relaxed));
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// The last client id that was acknowledged.
    async fn stop(self) -> i64 {
        self.stop.store(true, Ordering::Relaxed);
        self.task.await.expect("talked");
        self.acked.load(Ordering::Relaxed)
    }
}

/// Messages that are sent at once.
const SENDS: i64 = 25;

/// Sends them in batches, whose client ids count; repeats what was refused for a while, until told to stop.
async fn talk(writer: Writer, stop: Arc<AtomicBool>, acked: Arc<AtomicI64>) {
    let mut next = 0;
    while !stop.load(Ordering::Relaxed) {
        let mut answers = Vec::new();
        for number in next + 1..=next + SENDS {
            let (answer, result) = oneshot::channel();
            let done = Box::new(move |outcome| drop(answer.send(outcome)));
            writer.append(Append { message: message(number), done }).await;
            answers.push(result);
        }
        for result in answers {
            match result.await.expect("an answer") {
                Ok(_) => next += 1,
                // It was moved away, or is about to be.
                Err(_) => break,
            }
        }
        acked.store(next, Ordering::Relaxed);
        // Enough to be in the way of a move, and not so much that copying it becomes the test.
        let pace = if next < 15_000 { 1 } else { 50 };
        tokio::time::sleep(Duration::from_millis(pace)).await;
    }
}

fn message(number: i64) -> NewMessage {
    let name = "ann".to_owned();
    let author =
        Speaker { user: UserId(1), username: name.clone(), shown_name: name, role: ServerRole::Admin, session: None };
    let submission = Submission {
        conversation: ConversationId(1),
        client_id: ClientId::parse(&format!("c{number}")).ok(),
        message_type: MessageType::Text,
        text: format!("message {number}: {}", "and so on ".repeat(10)),
        parent: None,
        files: Vec::new(),
        target: chat::threads::Target::Unaware,
        ..Submission::default()
    };
    NewMessage { author, submission, origin: None, called: None, unconfirmed: 0, has_link: false }
}

/// Chance that can be repeated.
fn dice(seed: &mut u64, most: u64) -> Duration {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    Duration::from_millis((*seed >> 33) % most)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_that_is_killed_again_and_again_loses_nothing_and_leaves_one_living_copy() {
    let Ok(server) = std::env::var("PALABRE_TEST_POSTGRES") else { return };
    let schema = format!("palabre_move_{}", std::process::id());
    let url = testkit::kill::fresh_schema(&server, &schema).await.expect("a schema");
    let here = Place::new("move");
    settle(&here);
    let mut running = here.serve(&[]);
    let talk = Talk::begin(&here.0.join("data/palabre.db")).await;
    talk.reaches(15_000).await;
    let mut seed = std::env::var("PALABRE_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(5);
    println!("PALABRE_SEED={seed}");
    let (source, target) = (open(&sqlite(&here)).await, open(&url).await);

    let (mut kills, mut paused) = (0, 0);
    for attempt in 0_u64.. {
        let mut child = here.command(&["move"]).env("PALABRE_MOVE_TO", &url).spawn().expect("it starts");
        let mut lines = BufReader::new(child.stdout.take().expect("stdout")).lines();
        let mut said = Vec::new();
        if attempt < 4 {
            tokio::time::sleep(dice(&mut seed, 100 * (attempt + 1))).await;
        } else {
            // The end is the delicate part: there the kill comes a moment after the pause begins.
            for line in lines.by_ref().map(|line| line.expect("UTF-8")) {
                said.push(line);
                if said.last().is_some_and(|line| line.contains("nobody can write")) {
                    paused += 1;
                    if attempt <= 6 {
                        tokio::time::sleep(dice(&mut seed, 50)).await;
                    }
                    break;
                }
            }
        }
        // Then at the very moment at which the one is sealed and the other does not live yet.
        while attempt > 6
            && child.try_wait().expect("asked").is_none()
            && source.lifecycle().await.expect("read") == Lifecycle::Living
        {}
        child.kill().expect("killed, or has ended");
        let status = child.wait().expect("ended");
        // PostgreSQL may still be ending what a dead program had asked for; people never come without their mark.
        let filled = has_people(&target).await;
        let (here_now, there_now) = (source.lifecycle().await.expect("read"), target.lifecycle().await.expect("read"));
        println!("attempt {attempt}: {status}, {here_now:?}, {there_now:?}, {said:?}");
        assert!(here_now != Lifecycle::Living || there_now != Lifecycle::Living || !filled, "two living copies");
        // Or it was killed when it had asked for the last commit already.
        if status.success() || matches!(here_now, Lifecycle::Moved(_)) && there_now == Lifecycle::Living {
            break;
        }
        let why = child.stderr.take().map(std::io::read_to_string).expect("stderr");
        assert!(status.code().is_none(), "it did not fail by itself: {said:?} {why:?}");
        kills += 1;
        if there_now != Lifecycle::Living && attempt == 5 {
            here.refused(&["serve", "--listen", "127.0.0.1:0", "--database-url", &url], "is not whole");
        }
        assert!(attempt < 60, "it comes to an end");
    }
    assert!(kills >= 3, "{kills} kills");
    println!("{kills} kills, {paused} of them in the pause");

    // The server on the SQLite database has stopped, and says why; nobody starts on it again.
    let began = Instant::now();
    while running.0.try_wait().expect("asked").is_none() {
        assert!(began.elapsed() < Duration::from_secs(30), "the server stops by itself");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let acked = talk.stop().await;
    let told = std::io::read_to_string(running.0.stderr.take().expect("stderr")).expect("UTF-8");
    assert!(told.contains("was moved to postgres://"), "{told}");
    for words in [&["serve", "--listen", "127.0.0.1:0"][..], &["user", "list"], &["backup", "."]] {
        here.refused(words, "was moved to postgres://");
    }
    here.refused(&["move", "--to", &url], "already");
    assert!(here.done(&["user", "list", "--database-url", &url]).contains("ann"));
    let password = url.split(['@']).next().and_then(|who| who.rsplit(':').next()).expect("a password");
    assert!(!told.contains(password) && !here.run(&["serve"]).1.contains(password), "a secret is told");

    // Everything that was acknowledged is there, once, and with what it said.
    let mut conn = target.read().await.expect("connection");
    let (mut after, mut found, mut seqs) = (Number(0), 0, 1);
    loop {
        let page = store::messages::after(&mut conn, ConversationId(1), after, 1_000).await.expect("page");
        let Some(last) = page.last() else { break };
        after = last.seq;
        for message in &page {
            found += 1;
            seqs += 1;
            assert_eq!(message.seq.0, seqs, "without a gap");
            assert_eq!(message.client_id.as_ref().map(ToString::to_string), Some(format!("c{found}")));
        }
    }
    // A message whose answer was lost may be there besides.
    assert!(found >= acked, "{found} of {acked}");
    println!("{acked} acknowledged, {found} found");

    // And the other way of two living copies: going back while the new one has changed.
    let mut elsewhere = here.serve(&["--database-url", &url]);
    here.done(&["room", "create", "attic", "--owner", "ann", "--database-url", &url]);
    here.refused(&["move", "--back", "--to", &url], "would be lost");
    here.done(&["move", "--back", "--to", &url, "--abandon"]);
    let began = Instant::now();
    while elsewhere.0.try_wait().expect("asked").is_none() {
        assert!(began.elapsed() < Duration::from_secs(30), "the server of the given-up copy stops too");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    here.refused(&["serve", "--listen", "127.0.0.1:0", "--database-url", &url], "is not whole");
    let rooms = here.done(&["room", "list"]);
    assert!(rooms.contains("garden") && !rooms.contains("attic"), "{rooms}");
}

async fn has_people(db: &Db) -> bool {
    let mut conn = db.read().await.expect("connection");
    store::accounts::admins(&mut conn).await.is_ok_and(|admins| admins > 0)
}
