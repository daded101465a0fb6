//! A message whose send was acknowledged is found after any number of kills, once, and in its place.
//!
//! `PALABRE_SEED` repeats a run. `PALABRE_TEST_POSTGRES` adds a run on that database. That the checker sees anything at
//! all is proven by `cargo xtask mutants`.

#[path = "kill/parts.rs"]
mod parts;

use std::time::Duration;

use chat::Millis;
use dialects::time::Time;
use serde_json::json;
use testkit::{
    api::Api,
    kill::{Report, Scenario, kill_scenario},
    process::{Process, Setup},
};

const PASSWORD: &str = "a long talk under a tree";

const KILLS: usize = 22;
const CLIENTS: usize = 8;

fn seed() -> u64 {
    let given = std::env::var("PALABRE_SEED").ok().map(|seed| seed.parse().expect("PALABRE_SEED is a number"));
    given.unwrap_or_else(|| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a clock after 1970");
        u64::from(now.subsec_nanos()) ^ now.as_secs()
    })
}

async fn run(database: &str, database_url: Option<String>) -> Report {
    let seed = seed();
    println!("{database}: PALABRE_SEED={seed}");
    let folder = std::env::temp_dir().join(format!("palabre-kill-{database}-{}", std::process::id()));
    let scenario = Scenario {
        binary: env!("CARGO_BIN_EXE_palabre").into(),
        folder: folder.clone(),
        database_url,
        seed,
        kills: KILLS,
        clients: CLIENTS,
    };
    let report = kill_scenario(scenario).await.expect("the scenario runs to its end");
    if report.violations.is_empty() {
        std::fs::remove_dir_all(&folder).expect("the folder can be removed");
    } else {
        println!("the histories and the server's log are in {}", folder.display());
    }
    report
}

fn tell(report: &Report) {
    let Report { seed, kills, acked, unknown, repeated, refused, edited, reminded, events, catch_ups, kept, .. } =
        report;
    let slowest = report.slowest_start.as_millis();
    println!(
        "seed {seed}: {kills} kills, slowest start {slowest} ms; {acked} acknowledged, {unknown} unknown, \
         {repeated} stored the first time, {refused} refused, {edited} edited, {reminded} reminders, {events} events, \
         {catch_ups} catch-ups, {kept} kept"
    );
    report.violations.iter().take(10).for_each(|violation| println!("{violation}"));
    println!("{} broken promises", report.violations.len());
}

fn judge(report: &Report) {
    tell(report);
    let Report { seed, kills, acked, unknown, repeated, refused, reminded, catch_ups, .. } = report;
    assert!(report.violations.is_empty(), "seed {seed}: promises were broken");
    // A run in which nothing happened proves nothing.
    assert!(
        *kills >= 20 && *acked > 1_000 && *unknown > 20 && *repeated > 0 && *reminded > 50 && *catch_ups > 20,
        "seed {seed}: too little happened"
    );
    assert_eq!(*refused, 0, "seed {seed}: nothing may be refused here");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_when_the_server_is_killed() {
    judge(&run("sqlite", None).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_when_the_server_is_killed_on_postgres() {
    let Ok(server) = std::env::var("PALABRE_TEST_POSTGRES") else {
        return println!("PALABRE_TEST_POSTGRES names no database; `cargo xtask check` always names one");
    };
    let schema = format!("palabre_kill_{}", std::process::id());
    let url = testkit::kill::fresh_schema(&server, &schema).await.expect("a fresh schema");
    judge(&run("postgres", Some(url)).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reminder_of_a_node_that_was_killed_is_due_on_another() {
    let Ok(server) = std::env::var("PALABRE_TEST_POSTGRES") else {
        return println!("PALABRE_TEST_POSTGRES names no database; `cargo xtask check` always names one");
    };
    let schema = format!("palabre_kill_reminder_{}", std::process::id());
    let url = testkit::kill::fresh_schema(&server, &schema).await.expect("a fresh schema");
    let folder = std::env::temp_dir().join(&schema);
    let node = |name: &str| Setup {
        binary: env!("CARGO_BIN_EXE_palabre").into(),
        data: folder.join(name),
        database_url: Some(url.clone()),
        environment: testkit::kill::environment(),
        wrapper: Vec::new(),
    };
    let mut first = Process::start(node("one")).await.expect("a node");
    let api = Api::at(first.address());
    let tokens = api.post("", "accounts", &json!({"username": "ann", "password": PASSWORD})).await.expect("an account");
    let token = tokens["access_token"].as_str().expect("a token").to_owned();
    let room = json!({"kind": "room", "name": "garden"});
    let room = api.post(&token, "conversations", &room).await.expect("a room")["id"].clone();
    let place = format!("conversations/{room}/messages");
    let said = api.post(&token, &place, &json!({"text": "water the lime tree"})).await.expect("a message");
    let at = Time(Millis(now_ms() + 2_000)).to_string();
    let wanted = json!({"conversation": room, "seq": said["seq"], "at": at});
    let made = api.post(&token, "reminders", &wanted).await.expect("a reminder");
    first.kill().expect("it was alive");
    let second = Process::start(node("two")).await.expect("another node");
    let api = Api::at(second.address());
    let login = json!({"username": "ann", "password": PASSWORD});
    let token = api.post("", "sessions", &login).await.expect("a log-in")["access_token"].as_str().unwrap().to_owned();
    let due = async {
        loop {
            let due = api.get(&token, "reminders?due=true").await.expect("the reminders")["reminders"].clone();
            if due[0]["id"] == made["id"] {
                return due.as_array().map_or(0, Vec::len);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    assert_eq!(tokio::time::timeout(Duration::from_secs(20), due).await.expect("it is due"), 1);
    drop(second);
    std::fs::remove_dir_all(&folder).expect("the folder can be removed");
}

fn now_ms() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a clock after 1970");
    i64::try_from(now.as_millis()).expect("a moment")
}
