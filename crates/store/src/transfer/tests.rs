//! Tables that will be added after today's are backed up, restored and moved for having an entry in the list of tables.

use std::{
    io::Read as _,
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use chat::Millis;
use flate2::read::GzDecoder;
use tokio::sync::Notify;

use super::{
    Lifecycle, backup, check_these, lifecycle,
    moving::{self, Names, Progress, Report},
    restore,
};
use crate::{
    Conn, Db, Options, Result, rows,
    tables::{Changes, Owner, TABLES, Tables},
};

/// One table for each way in which a row may belong to something and be found when it has changed.
static ADDED: Tables = tables! {
    sketches by (user_id, conversation_id) of Owner::Account("user_id");
    { user_id: Number, conversation_id: Number, text: Text }
    strands by (conversation_id, root) of Owner::Conversation("conversation_id", Changes::Rev);
    { conversation_id: Number, root: Number, rev: Number, replies: Number }
    polls by (id) of Owner::Conversation("conversation_id", Changes::Rev);
    { id: Number, conversation_id: Number, rev: Number, question: Text }
    stars by (message_id, user_id) of Owner::Message("message_id");
    { message_id: Number, user_id: Number }
};

/// Today's list with those after it.
static LATER: LazyLock<Tables> = LazyLock::new(|| Box::leak([TABLES, ADDED].concat().into_boxed_slice()));

/// The statements of a later migration.
const CREATED: &str = "
    CREATE TABLE sketches (
        user_id BIGINT NOT NULL, conversation_id BIGINT NOT NULL, text TEXT, PRIMARY KEY (user_id, conversation_id));
    CREATE TABLE strands (
        conversation_id BIGINT NOT NULL, root BIGINT NOT NULL, rev BIGINT NOT NULL, replies BIGINT NOT NULL,
        PRIMARY KEY (conversation_id, root));
    CREATE TABLE polls (ID, conversation_id BIGINT NOT NULL, rev BIGINT NOT NULL, question TEXT NOT NULL);
    CREATE TABLE stars (message_id BIGINT NOT NULL, user_id BIGINT NOT NULL, PRIMARY KEY (message_id, user_id))";

/// Two people who talk in two conversations, and something in each of the later tables.
const FILLED: &str = "
    INSERT INTO users (id, username, username_key, role, created_at)
    VALUES (1, 'Ann', 'ann', 'user', 1), (70000000000, 'Bob', 'bob', 'user', 1);
    INSERT INTO conversations (
        id, kind, visibility, created_by, created_at, head, rev, member_count, active_at)
    VALUES (1, 'group', 'private', 1, 1, 5, 1, 2, 1), (2, 'group', 'private', 1, 1, 2, 1, 2, 1);
    INSERT INTO messages (conversation_id, seq, rev, author_id, content_hash, text, created_at)
    VALUES (1, 2, 2, 1, 7, 'one', 1), (1, 3, 3, 1, 7, 'two', 1), (2, 2, 2, 1, 7, 'three', 1);
    INSERT INTO sketches VALUES (1, 1, 'a word'), (1, 2, 'another'), (70000000000, 1, NULL);
    INSERT INTO strands VALUES (1, 2, 4, 1), (1, 3, 5, 0), (2, 2, 2, 9);
    INSERT INTO polls (conversation_id, rev, question) VALUES (1, 4, 'when?'), (2, 2, 'where?');
    INSERT INTO stars VALUES (1, 1), (2, 1), (3, 70000000000)";

/// People go on while their history is moved: something is new, something changed, something gone in each table.
const MEANWHILE: &str = "
    UPDATE conversations SET head = 8 WHERE id = 1;
    INSERT INTO messages (conversation_id, seq, rev, author_id, content_hash, text, created_at)
    VALUES (1, 6, 6, 1, 7, 'four', 1);
    UPDATE messages SET rev = 7 WHERE id = 1;
    DELETE FROM stars WHERE message_id = 1;
    INSERT INTO stars VALUES (4, 1);
    UPDATE strands SET rev = 6, replies = 2 WHERE conversation_id = 1 AND root = 2;
    INSERT INTO strands VALUES (1, 6, 8, 0);
    UPDATE polls SET rev = 8, question = 'when then?' WHERE id = 1;
    INSERT INTO polls (conversation_id, rev, question) VALUES (1, 7, 'why?');
    UPDATE sketches SET text = 'a better word' WHERE user_id = 1 AND conversation_id = 1;
    DELETE FROM sketches WHERE user_id = 1 AND conversation_id = 2;
    INSERT INTO sketches VALUES (70000000000, 2, 'new')";

/// And again, once everything was compared.
const IN_THE_END: &str = "
    UPDATE conversations SET head = 4 WHERE id = 2;
    UPDATE messages SET rev = 3 WHERE id = 3;
    INSERT INTO stars VALUES (3, 1);
    UPDATE strands SET rev = 4, replies = 10 WHERE conversation_id = 2;
    INSERT INTO polls (conversation_id, rev, question) VALUES (2, 4, 'who?');
    UPDATE sketches SET text = 'the last word' WHERE user_id = 1";

static NEXT: AtomicU64 = AtomicU64::new(0);

/// A SQLite database and, if there is a server, one of PostgreSQL: new, with today's and the later tables.
async fn databases() -> Vec<(String, Db)> {
    let unique = format!("palabre_later_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let folder = std::env::temp_dir().join(&unique);
    std::fs::create_dir_all(&folder).unwrap();
    let mut urls = vec![format!("sqlite:{}/test.db", folder.display())];
    if let Ok(server) = std::env::var("PALABRE_TEST_POSTGRES") {
        open(&server).await.create_schema_for_tests(&unique).await.unwrap();
        let separator = if server.contains('?') { '&' } else { '?' };
        urls.push(format!("{server}{separator}options[search_path]={unique},public"));
    }
    let mut databases = Vec::new();
    for url in urls {
        let db = open(&url).await;
        db.migrate().await.unwrap();
        let id = if db.is_sqlite() {
            "id INTEGER PRIMARY KEY AUTOINCREMENT"
        } else {
            "id BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY"
        };
        done(&db, &CREATED.replace("ID", id)).await.unwrap();
        databases.push((url, db));
    }
    databases
}

async fn open(url: &str) -> Db {
    Db::open(&Options { url: url.to_owned(), readers: 2, connect_timeout: Duration::from_secs(5) }).await.unwrap()
}

async fn done(db: &Db, statements: &str) -> Result<()> {
    lifecycle::run(&mut db.write().await.unwrap(), statements.to_owned()).await
}

/// One that was filled, as if a server had.
async fn filled(db: &Db) {
    db.epoch().await.unwrap();
    done(db, FILLED).await.unwrap();
}

async fn backed_up(db: &Db) -> Vec<u8> {
    backup::write_tables(*LATER, db, Millis(5), Vec::new()).await.unwrap().1
}

/// All rows but those of `left`, each with its table; in an order of their own.
async fn rows_of(db: &Db, left: &[&str]) -> Vec<String> {
    let mut text = String::new();
    GzDecoder::new(&*backed_up(db).await).read_to_string(&mut text).unwrap();
    let (mut table, mut rows) = ("", Vec::new());
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("{\"table\":\"") {
            table = rest.split('"').next().unwrap();
        } else if line.starts_with('[') && !left.contains(&table) {
            rows.push(format!("{table} {line}"));
        }
    }
    rows.sort();
    rows
}

/// The rows of the later tables, as [`MEANWHILE`] and [`IN_THE_END`] leave them.
const LEFT: [&str; 13] = [
    r#"sketches [1,1,"the last word"]"#,
    r#"sketches [70000000000,1,null]"#,
    r#"sketches [70000000000,2,"new"]"#,
    r#"polls [1,1,8,"when then?"]"#,
    r#"polls [2,2,2,"where?"]"#,
    r#"polls [3,1,7,"why?"]"#,
    r#"polls [4,2,4,"who?"]"#,
    "stars [2,1]",
    "stars [3,1]",
    "stars [3,70000000000]",
    "stars [4,1]",
    "strands [1,2,6,2]",
    "strands [1,3,5,0]",
];

/// The schemas of these tests are in one PostgreSQL database, which has one move at a time.
static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

async fn moved(from: &Db, to: &Db, tell: &mut (dyn FnMut(Progress) + Send)) -> Result<Report> {
    let names = Names { from: "sqlite:here".into(), to: "postgres://there".into() };
    let _turn = TURN.lock().await;
    moving::run_tables(*LATER, from, to, &names, &|| Millis(9), tell).await
}

/// Does it while a move waits.
fn at_once(db: &Db, statements: &'static str) {
    tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(done(db, statements))).unwrap();
}

#[tokio::test]
async fn a_table_that_nobody_has_listed_is_noticed() {
    for (_, db) in databases().await {
        assert_eq!(check_these(*LATER, &db).await.unwrap(), Vec::<String>::new());
        let forgotten = check_these(TABLES, &db).await.unwrap();
        assert_eq!(forgotten.len(), 13, "{forgotten:?}");
        assert!(forgotten.contains(&"sketches.text would not be transferred".to_owned()), "{forgotten:?}");
    }
    static ODD: Tables = tables! {
        sketches by (user_id, conversation_id) of Owner::Account("text");
        { user_id: Number, conversation_id: Number, text: Text }
    };
    let odd: Tables = Box::leak([*LATER, ODD].concat().into_boxed_slice());
    for (_, db) in databases().await {
        assert_eq!(check_these(odd, &db).await.unwrap(), ["sketches.text may be null"]);
    }
}

#[tokio::test]
async fn rows_of_later_tables_are_backed_up_and_restored() {
    for (_, from) in databases().await {
        filled(&from).await;
        let file = backed_up(&from).await;
        let (_, contents) = restore::inspect_tables(*LATER, &*file).unwrap();
        let counts = ["sketches", "strands", "polls", "stars"].map(|table| contents.rows(table));
        assert_eq!(counts, [3, 3, 2, 3]);
        assert!(restore::inspect(&*file).is_err(), "today's program knows no such tables");
        for (_, to) in databases().await {
            assert_eq!(restore::read_tables(*LATER, &to, Millis(77), &*file).await.unwrap(), contents);
            let left = ["meta", "counters"];
            assert_eq!(rows_of(&from, &left).await, rows_of(&to, &left).await);
            done(&to, "INSERT INTO polls (conversation_id, rev, question) VALUES (1, 5, 'how?')").await.unwrap();
            assert!(rows_of(&to, &[]).await.contains(&r#"polls [3,1,5,"how?"]"#.to_owned()), "its ids go on");
            let again = restore::read_tables(*LATER, &to, Millis(78), &*file).await.unwrap_err().to_string();
            assert!(again.contains("not empty"), "{again}");
        }
    }
}

#[tokio::test]
async fn a_backup_with_rows_beyond_their_conversations_heads_is_not_restored() {
    for (_, from) in databases().await {
        filled(&from).await;
        done(&from, "UPDATE strands SET rev = 6 WHERE root = 3").await.unwrap();
        let file = backed_up(&from).await;
        for (_, to) in databases().await {
            let refused = restore::read_tables(*LATER, &to, Millis(77), &*file).await.unwrap_err().to_string();
            assert!(refused.contains("1 strands do not fit their conversations"), "{refused}");
        }
    }
}

#[tokio::test]
async fn a_database_in_which_only_a_later_table_has_rows_is_not_restored_into() {
    let (_, from) = databases().await.remove(0);
    filled(&from).await;
    let file = backed_up(&from).await;
    for (_, to) in databases().await {
        done(&to, "INSERT INTO stars VALUES (1, 1)").await.unwrap();
        let refused = restore::read_tables(*LATER, &to, Millis(7), &*file).await.unwrap_err().to_string();
        assert!(refused.contains("not empty (stars)"), "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_later_tables_are_moved_and_those_that_change_meanwhile_arrive_too() {
    let [(url, server), (_, to)] = &databases().await[..] else { return };
    let from = open(url).await;
    filled(server).await;
    let mut steps = Vec::new();
    let mut talk = |step| {
        if matches!(step, Progress::Copied { table: "polls", .. }) {
            at_once(server, MEANWHILE);
        }
        if matches!(step, Progress::Compared { .. }) {
            at_once(server, IN_THE_END);
        }
        steps.push(step);
    };
    let report = moved(&from, to, &mut talk).await.unwrap();
    assert_eq!((report.conversations, report.messages), (2, 4));
    assert!(steps.contains(&Progress::Copied { table: "messages", last: 3 }), "{steps:?}");

    let all = rows_of(&from, &[]).await;
    assert_eq!(all, rows_of(to, &[]).await);
    let missing = LEFT.iter().filter(|row| !all.contains(&(**row).to_owned()));
    assert_eq!(missing.collect::<Vec<_>>(), Vec::<&&str>::new(), "{all:#?}");
    for table in ADDED {
        let sealed = done(server, &format!("DELETE FROM {}", table.name)).await;
        assert!(sealed.is_err(), "{} of what was moved away can be written to", table.name);
    }
    done(to, "INSERT INTO polls (conversation_id, rev, question) VALUES (1, 8, 'how?')").await.unwrap();
    assert!(rows_of(to, &[]).await.contains(&r#"polls [5,1,8,"how?"]"#.to_owned()), "its ids go on");

    moving::back_tables(*LATER, &from, Some(to), false, Millis(10)).await.unwrap();
    assert_eq!(from.lifecycle().await.unwrap(), Lifecycle::Living);
    for table in ADDED {
        let sealed = done(to, &format!("DELETE FROM {}", table.name)).await;
        assert!(sealed.is_err(), "{} of what was given up can be written to", table.name);
    }
    assert_eq!(rows_of(&from, &[]).await, all, "all is as it was");
    for table in ADDED {
        done(server, &format!("DELETE FROM {}", table.name)).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_that_was_stopped_goes_on_with_later_tables() {
    let [(url, server), (target, to)] = &databases().await[..] else { return };
    let from = open(url).await;
    filled(server).await;
    {
        let (from, to, stop) = (open(url).await, open(target).await, Notify::new());
        let mut stopping = |step| {
            if matches!(step, Progress::Compared { .. }) {
                stop.notify_one();
            }
        };
        tokio::select! {
            biased;
            () = stop.notified() => {}
            ended = moved(&from, &to, &mut stopping) => panic!("it was not stopped: {ended:?}"),
        }
    }
    assert!(matches!(to.lifecycle().await.unwrap(), Lifecycle::Incomplete(_)));
    // As if it had been stopped before these were transferred.
    done(to, "DELETE FROM polls; DELETE FROM strands; DELETE FROM stars").await.unwrap();
    done(server, MEANWHILE).await.unwrap();
    done(server, IN_THE_END).await.unwrap();
    let mut steps = Vec::new();
    moved(&from, to, &mut |step| steps.push(step)).await.unwrap();
    assert_eq!(steps[0], Progress::Begun { again: true });
    assert_eq!(rows_of(&from, &[]).await, rows_of(to, &[]).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_that_finds_a_difference_in_a_later_table_moves_nothing() {
    let [(url, server), (_, to)] = &databases().await[..] else { return };
    let from = open(url).await;
    filled(server).await;
    let other = to.clone();
    let mut spoil = |step| {
        if matches!(step, Progress::Copied { table: "polls", .. }) {
            tokio::task::block_in_place(|| {
                tokio::runtime::Handle::current().block_on(async {
                    // The move has the connection that writes.
                    let mut conn = other.read().await.unwrap();
                    lifecycle::run(&mut conn, "UPDATE polls SET question = 'what?' WHERE id = 2".into()).await.unwrap();
                });
            });
        }
    };
    let refused = moved(&from, to, &mut spoil).await.unwrap_err().to_string();
    assert!(refused.contains("checksum of these conversations differs: 2"), "{refused}");
    assert_eq!(from.lifecycle().await.unwrap(), Lifecycle::Living);
}

#[tokio::test]
async fn the_doctor_looks_into_later_tables() {
    for (_, db) in databases().await {
        filled(&db).await;
        done(&db, "INSERT INTO sketches VALUES (5, 1, 'x'), (6, 1, 'y'); INSERT INTO stars VALUES (99, 1)")
            .await
            .unwrap();
        let mut conn = db.write().await.unwrap();
        let mut wanted = vec!["2 sketches of nobody (the first is 5)", "1 stars of no message (the first is 99)"];
        if let Conn::Sqlite(_) = conn {
            let odd = "INSERT INTO sketches VALUES (1, 3, CAST(x'ff' AS TEXT))";
            lifecycle::run(&mut conn, odd.into()).await.unwrap();
            wanted.push("1 rows of sketches with a text that is not UTF-8 (the first is text of 1)");
        }
        assert_eq!(rows::unreadable_in(*LATER, &mut conn).await.unwrap(), wanted);
    }
}
