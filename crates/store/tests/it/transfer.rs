//! Backups, restores and moves: what is transferred is all there, and there is never a second living copy.

use std::{
    collections::BTreeMap,
    io::Read as _,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use chat::{
    ConversationId, Error, ErrorCode, MessageId, Millis, Number, Scope, UserId,
    accounts::{Profile, ServerRole},
    identities::Identity,
    inbox::{InboxPlace, ReadState},
    members::Role,
    mentions::Mentions,
    policies::{Ability, Grant, Policy},
    saved::SavedMessage,
    sessions::Origin,
};
use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use store::{
    Db, Schema, Writer,
    jobs::Kind,
    transfer::{
        Lifecycle, backup,
        moving::{self, Names, Progress},
        restore,
    },
};

use super::{databases, options, room, say, schema::later_version, unmigrated_urls, writer};

/// Texts that a careless way of writing them down would change.
const TEXTS: [&str; 6] = [
    "plain",
    "tab\tnew\nline\r\\N \\. back\\slash \"quoted\" {\"a\":[1]}",
    "\u{1}\u{1b}\u{7f}\u{85}\u{2028}\u{feff}",
    "Привет, 世界, é e\u{301}, 👩‍👩‍👧‍👦 🏳️‍🌈 \u{10ffff}",
    " ",
    "'; DROP TABLE messages; --",
];

async fn change<F>(writer: &Writer, conversation: Option<ConversationId>, work: F)
where
    F: for<'u> FnOnce(&'u mut store::Unit) -> store::writer::Work<'u, ()> + Send + 'static,
{
    let scopes: Vec<Scope> = conversation.into_iter().map(Scope::from).collect();
    writer.change(&scopes, None, work).await.unwrap();
}

/// A town with all that can be kept: people with every field and none, a room, edits, deletions, reactions, markers,
/// departures, a policy, a withdrawal, sessions, and a reminder with its job.
async fn town(db: &Db) -> (Writer, UserId, UserId, ConversationId) {
    db.epoch().await.unwrap();
    let (writer, mut told) = writer(db);
    tokio::spawn(async move { while told.recv().await.is_some() {} });
    let (ann, bob, room) = room(&writer).await;
    let long = "ß".repeat(10_000);
    for (at, text) in TEXTS.into_iter().chain([long.as_str()]).enumerate() {
        say(&writer, ann, room, &format!("c{at}"), text).await.unwrap().unwrap();
    }
    say(&writer, bob, room, "", "without a client id").await.unwrap().unwrap();
    change(&writer, Some(room), move |unit| {
        Box::pin(async move {
            let profile =
                Profile {
                    display_name: Some("Zoé \"Z\"\t".into()), city: Some("東京".into()), ..Profile::default()
                };
            let new = store::accounts::NewAccount {
                id: None,
                username: "Zoe",
                email: Some("zoe@example.org"),
                password_hash: Some("$argon2id$v=19$…"),
                role: ServerRole::Admin,
                profile: &profile,
            };
            let zoe = store::accounts::create(&mut unit.conn, &new, unit.now).await?;
            let identity = Identity { issuer: "default".into(), subject: "host-7".into() };
            let new = store::identities::NewIdentity { identity: &identity, user: zoe, named_by: Some(ann) };
            store::identities::add(&mut unit.conn, &new, unit.now).await?;
            let number = unit.next_number(room).await?;
            store::members::join(&mut unit.conn, room, zoe, Role::Admin, number, unit.now).await?;
            let number = unit.next_number(room).await?;
            store::messages::edit(&mut unit.conn, room, Number(2), TEXTS[3], number, unit.now).await?;
            let message = store::messages::one(&mut unit.conn, room, Number(3)).await?.unwrap();
            let number = unit.next_number(room).await?;
            store::messages::delete(&mut unit.conn, &message, number, unit.now).await?;
            let message = store::messages::one(&mut unit.conn, room, Number(4)).await?.unwrap();
            for (emoji, who) in [("👍", ann), ("👍", bob), ("🏳️‍🌈", zoe)] {
                let number = unit.next_number(room).await?;
                store::reactions::add(&mut unit.conn, message.id, emoji, who, number).await?;
                store::messages::touch(&mut unit.conn, room, Number(4), number).await?;
            }
            store::markers::advance(&mut unit.conn, room, bob, Number(4), Number(6), unit.now).await?;
            store::members::hide(&mut unit.conn, room, ann, Number(5)).await?;
            let mut policy = Policy::default();
            policy.set(Ability::React, Some(Role::Moderator));
            store::policies::set(&mut unit.conn, room, &policy).await?;
            let withdrawn = Grant { ability: Ability::React, given: false, ends_at: Some(Millis(9_000)) };
            store::policies::grant(&mut unit.conn, room, bob, withdrawn).await?;
            store::policies::see_from(&mut unit.conn, room, bob, Number(2)).await?;
            let number = unit.next_number(room).await?;
            store::members::set_role(&mut unit.conn, room, zoe, None, number).await?;
            let origin = Origin { agent: Some("Mozilla/5.0 \"x\"".into()), address: None };
            let session = store::sessions::create(
                &mut unit.conn,
                ann,
                &origin,
                unit.now,
                Millis(i64::MAX / 2),
                Millis(i64::MAX / 2),
            )
            .await?;
            store::sessions::add_token(&mut unit.conn, "used", session).await?;
            store::sessions::use_token(&mut unit.conn, "used", "good", unit.now).await?;
            store::sessions::add_token(&mut unit.conn, "good", session).await?;
            let (at, when) = (Millis(90_000_000), (unit.now, Number(1)));
            let reminder = store::reminders::put(&mut unit.conn, bob, room, Number(2), at, when).await?;
            store::jobs::add(&mut unit.conn, Kind::Reminder, reminder.id.0, at).await?;
            let group = store::user_groups::create(&mut unit.conn, "Gardeners", unit.now).await?;
            store::user_groups::add(&mut unit.conn, group, &[ann, bob], unit.now).await?;
            let message = store::messages::one(&mut unit.conn, room, Number(2)).await?.ok_or_else(Error::internal)?;
            let called = Mentions { people: vec![bob], groups: vec![group], room: true, ..Mentions::default() };
            store::mentions::change(&mut unit.conn, &message, &called, message.rev, unit.now).await?;
            let place = InboxPlace { at: Millis(1), message: message.id, actor: ann };
            let read = ReadState { all_to: Some(place), single: vec![], rev: Number(1) };
            store::inbox::set_read_state(&mut unit.conn, bob, &read).await?;
            let (message, seq, saved_at, rev) = (MessageId(1), Number(2), unit.now, Number(2));
            let saved = SavedMessage { message, conversation: room, seq, saved_at, rev };
            store::saved::save(&mut unit.conn, bob, &saved).await?;
            Ok(())
        })
    })
    .await;
    (writer, ann, bob, room)
}

async fn backed_up(db: &Db) -> Vec<u8> {
    backup::write(db, Millis(5), Vec::new()).await.unwrap().1
}

/// The lines of a backup.
fn lines(file: &[u8]) -> Vec<String> {
    let mut text = String::new();
    GzDecoder::new(file).read_to_string(&mut text).unwrap();
    text.lines().map(str::to_owned).collect()
}

/// All rows of a database, but those of `left`; in an order of their own.
async fn rows(db: &Db, left: &[&str]) -> Vec<String> {
    let mut table = String::new();
    let mut rows = Vec::new();
    for line in lines(&backed_up(db).await) {
        if let Some(rest) = line.strip_prefix("{\"table\":\"") {
            table = rest.split('"').next().unwrap().to_owned();
        } else if line.starts_with('[') && !left.contains(&table.as_str()) {
            rows.push(format!("{table} {line}"));
        }
    }
    rows.sort();
    rows
}

/// A message's id must not be used again.
async fn goes_on(db: &Db, ann: UserId, room: ConversationId) {
    let (writer, mut told) = writer(db);
    tokio::spawn(async move { while told.recv().await.is_some() {} });
    let conn = &mut db.read().await.unwrap();
    let last = store::messages::before(conn, room, Number(i64::MAX), Number(0), 1).await.unwrap()[0].id;
    let sent = say(&writer, ann, room, "after", "it goes on").await.unwrap().unwrap();
    assert!(sent.id > last, "{sent:?} after {last}");
    let again = say(&writer, ann, room, "c0", TEXTS[0]).await.unwrap().unwrap();
    assert!(again.repeated, "what was sent before is recognised");
}

#[tokio::test]
async fn every_table_and_column_is_carried_or_left_behind_on_purpose() {
    for db in databases().await {
        assert_eq!(store::transfer::check_tables(&db).await.unwrap(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_backup_of_either_database_is_restored_into_either() {
    for from in databases().await {
        let (_writer, ann, _bob, room) = town(&from).await;
        let file = backed_up(&from).await;
        let (header, contents) = restore::inspect(&*file).unwrap();
        assert_eq!((header.made_at, header.epoch.len()), (5, 32));
        assert_eq!((contents.rows("users"), contents.rows("messages"), contents.rows("reactions")), (3, 8, 3));
        for to in empty_databases().await {
            assert_eq!(restore::read(&to, Millis(77), &*file).await.unwrap(), contents);
            let left = ["meta", "counters", "sessions"];
            assert_eq!(rows(&from, &left).await, rows(&to, &left).await);
            // A new history; nobody is logged in, and what was given after the backup is good for nobody.
            let epoch = to.epoch().await.unwrap();
            assert!(epoch.len() == 32 && epoch != header.epoch, "{epoch}");
            let conn = &mut to.read().await.unwrap();
            let live = store::sessions::of_user(conn, ann, Millis(0)).await.unwrap();
            assert_eq!(live.len(), 0);
            assert_eq!(
                store::sessions::of_user(&mut from.read().await.unwrap(), ann, Millis(0)).await.unwrap().len(),
                1
            );
            let counters: Vec<String> =
                rows(&to, &["meta"]).await.into_iter().filter(|r| r.starts_with("counters")).collect();
            assert_eq!(
                counters,
                [
                    r#"counters ["conversation",1]"#,
                    r#"counters ["emoji_changes",0]"#,
                    r#"counters ["file",0]"#,
                    r#"counters ["file_bytes",0]"#,
                    r#"counters ["push_device",0]"#,
                    r#"counters ["reminder",1]"#,
                    r#"counters ["session",1000001]"#,
                    r#"counters ["upload",0]"#,
                    r#"counters ["user",3]"#,
                    r#"counters ["user_group",1]"#,
                    r#"counters ["user_group_changes",2]"#
                ]
            );
            goes_on(&to, ann, room).await;
        }
    }
}

/// Databases without tables.
async fn empty_databases() -> Vec<Db> {
    super::unmigrated().await
}

const NEEDS_3: &str =
    "INSERT INTO meta (key, value) VALUES ('needs', '3') ON CONFLICT (key) DO UPDATE SET value = excluded.value";
const NEEDS_5: &str =
    "INSERT INTO meta (key, value) VALUES ('needs', '5') ON CONFLICT (key) DO UPDATE SET value = excluded.value";

#[tokio::test]
async fn what_migrations_write_for_programs_is_neither_carried_nor_in_the_way() {
    for url in unmigrated_urls().await {
        let from = Db::open(&options(&url)).await.unwrap();
        from.migrate().await.unwrap();
        let _town = town(&from).await;
        later_version(&url, NEEDS_3).await;
        let file = backed_up(&from).await;
        for url in unmigrated_urls().await {
            let to = Db::open(&options(&url)).await.unwrap();
            to.migrate().await.unwrap();
            later_version(&url, NEEDS_5).await;
            restore::read(&to, Millis(77), &*file).await.unwrap();
            assert_eq!(to.schema().await.unwrap(), Schema::Fresh);
            later_version(&url, "UPDATE meta SET value = '9000' WHERE key = 'needs'").await;
            assert_eq!(to.schema().await.unwrap(), Schema::Beyond(9_000), "its own stays");
        }
    }
}

#[tokio::test]
async fn a_database_that_holds_anything_is_not_restored_into() {
    for db in databases().await {
        let (_writer, ..) = town(&db).await;
        let (file, before) = (backed_up(&db).await, rows(&db, &[]).await);
        let refused = restore::read(&db, Millis(7), &*file).await.unwrap_err().to_string();
        assert!(refused.contains("not empty"), "{refused}");
        assert_eq!(rows(&db, &[]).await, before);
    }
    // Not even one in which a server has only been started.
    let file = {
        let db = &databases().await[0];
        town(db).await;
        backed_up(db).await
    };
    for db in databases().await {
        db.epoch().await.unwrap();
        let refused = restore::read(&db, Millis(7), &*file).await.unwrap_err().to_string();
        assert!(refused.contains("a server has worked on it"), "{refused}");
    }
}

/// The same lines with one changed, and sums as they were: what only the sums can find.
fn forged(file: &[u8], from: &str, to: &str) -> Vec<u8> {
    let text: String = lines(file).join("\n") + "\n";
    assert!(text.contains(from), "{from}");
    zipped(&text.replacen(from, to, 1))
}

fn zipped(text: &str) -> Vec<u8> {
    let mut out = GzEncoder::new(Vec::new(), Compression::fast());
    std::io::Write::write_all(&mut out, text.as_bytes()).unwrap();
    out.finish().unwrap()
}

#[tokio::test]
async fn a_damaged_or_shortened_backup_is_refused_and_nothing_is_written() {
    let source = &databases().await[0];
    town(source).await;
    let file = backed_up(source).await;
    let mut damaged: Vec<(String, Vec<u8>)> = vec![
        ("another text".into(), forged(&file, "without a client", "with a client")),
        ("another number".into(), forged(&file, "[1,1,2,", "[1,1,9,")),
        ("a missing row".into(), forged(&file, "[\"user\",3]\n", "")),
        ("a row too many".into(), forged(&file, "[\"user\",3]\n", "[\"user\",3]\n[\"you\",3]\n")),
        ("a short row".into(), forged(&file, "[\"user\",3]\n", "[\"user\"]\n")),
        ("another table".into(), forged(&file, "{\"table\":\"users\"", "{\"table\":\"usurs\"")),
        ("another column".into(), forged(&file, "\"username_key\"", "\"user_name_key\"")),
        ("a later format".into(), forged(&file, "\"format\":1", "\"format\":2")),
        ("something after its end".into(), zipped(&(lines(&file).join("\n") + "\n[1]\n"))),
        ("no backup".into(), b"SQLite format 3\0".to_vec()),
        ("nothing".into(), Vec::new()),
    ];
    damaged.extend((1..20).map(|cut| (format!("cut at {cut}/20"), file[..file.len() * cut / 20].to_vec())));
    damaged.extend((1..20).map(|place| {
        let mut flipped = file.clone();
        let at = file.len() * place / 20;
        flipped[at] ^= 0x10;
        (format!("a flipped bit at {at}"), flipped)
    }));
    // A bit that decides nothing for the compression harms nothing.
    let unpacked = |file: &[u8]| {
        let mut text = Vec::new();
        GzDecoder::new(file).read_to_end(&mut text).map(|_| text).ok()
    };
    let unharmed = unpacked(&file);
    damaged.retain(|(_, damaged)| unpacked(damaged) != unharmed);
    assert!(damaged.len() > 40, "{}", damaged.len());
    for to in empty_databases().await {
        for (what, file) in &damaged {
            assert!(restore::inspect(&**file).is_err(), "{what}");
            // Also where the first reading was left out: it is one transaction.
            assert!(restore::read(&to, Millis(7), &**file).await.is_err(), "{what}");
        }
        restore::read(&to, Millis(7), &*file).await.expect("the database is as empty as before");
    }
}

#[tokio::test]
async fn a_backup_made_while_others_write_is_of_one_moment() {
    for db in databases().await {
        let (writer, ann, _bob, first) = town(&db).await;
        let (stop, said) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let mut talk = tokio::task::JoinSet::new();
        for who in 0..4 {
            let (writer, stop, said) = (writer.clone(), stop.clone(), said.clone());
            talk.spawn(async move {
                for at in (0..).take_while(|_| !stop.load(Ordering::Relaxed)) {
                    say(&writer, ann, first, &format!("{who}-{at}"), "on and on").await.unwrap().unwrap();
                    said.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let (mut files, mut counts) = (Vec::new(), Vec::new());
        for _ in 0..5 {
            // However busy the machine is: something was committed since the backup before.
            let before = said.load(Ordering::Relaxed);
            while said.load(Ordering::Relaxed) < before + 4 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            files.push(backed_up(&db).await);
        }
        stop.store(true, Ordering::Relaxed);
        talk.join_all().await;
        for file in &files {
            counts.push(whole(&lines(file)));
        }
        assert!(counts.windows(2).all(|pair| pair[0] < pair[1]), "what was committed before is in it: {counts:?}");
    }
}

/// Every number up to each conversation's head is there; returns how many messages.
fn whole(lines: &[String]) -> usize {
    let (mut table, mut heads, mut numbers, mut count) = (String::new(), BTreeMap::new(), BTreeMap::new(), 0);
    for line in lines {
        if let Some(rest) = line.strip_prefix("{\"table\":\"") {
            table = rest.split('"').next().unwrap().to_owned();
        } else if line.starts_with('[') {
            let row: Vec<serde_json::Value> = serde_json::from_str(line).unwrap();
            let number = |at: usize| row[at].as_i64().unwrap();
            match table.as_str() {
                "conversations" => drop(heads.insert(number(0), number(11))),
                "messages" => {
                    count += 1;
                    numbers.entry(number(1)).or_insert_with(Vec::new).push(number(2));
                }
                _ => {}
            }
        }
    }
    for (conversation, head) in heads {
        let mut found: Vec<i64> = numbers.remove(&conversation).unwrap_or_default();
        found.sort_unstable();
        // The fixture used the numbers from 10 to 16 for what is no message.
        let wanted: Vec<i64> = (2..=head).filter(|number| !(10..=16).contains(number)).collect();
        assert_eq!(found, wanted, "in {conversation} up to {head}");
    }
    assert!(numbers.is_empty(), "messages of no conversation: {numbers:?}");
    count
}

fn names() -> Names {
    Names { from: "sqlite:here".into(), to: "postgres://there".into() }
}

/// The schemas of these tests are in one PostgreSQL database, which has one move at a time.
static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

async fn moved(from: &Db, to: &Db, tell: &mut (dyn FnMut(Progress) + Send)) -> store::Result<moving::Report> {
    let _turn = TURN.lock().await;
    moving::run(from, to, &names(), &|| Millis(9), tell).await
}

/// A SQLite database as the server has it and as a move opens it, and an empty one of PostgreSQL, if there is a server.
async fn pair() -> Option<(Db, Db, Db)> {
    let url = unmigrated_urls().await;
    let [server, from] = [Db::open(&options(&url[0])).await.unwrap(), Db::open(&options(&url[0])).await.unwrap()];
    server.migrate().await.unwrap();
    Some((server, from, Db::open(&options(url.get(1)?)).await.unwrap()))
}

#[tokio::test]
async fn a_move_carries_everything_while_others_write_and_leaves_one_living_copy() {
    let Some((server, from, to)) = pair().await else { return };
    let (writer, ann, bob, first) = town(&server).await;
    let talking = tokio::spawn({
        let writer = writer.clone();
        async move {
            for at in 0.. {
                let sent = say(&writer, ann, first, &format!("t{at}"), "on and on").await.unwrap();
                if let Err(error) = sent {
                    return (at, error);
                }
                let done: chat::Result<()> = writer
                    .change(&[first.into()], None, move |unit| {
                        Box::pin(async move {
                            let number = unit.next_number(first).await?;
                            // Old messages too: what was transferred long ago changes.
                            let seq = Number(4);
                            store::reactions::clear(&mut unit.conn, MessageId(3)).await?;
                            store::reactions::add(&mut unit.conn, MessageId(3), &format!("r{at}"), bob, number).await?;
                            store::messages::touch(&mut unit.conn, first, seq, number).await?;
                            store::markers::advance(&mut unit.conn, first, bob, number, number, unit.now).await?;
                            Ok(())
                        })
                    })
                    .await;
                if let Err(error) = done {
                    return (at, error);
                }
            }
            unreachable!()
        }
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    let mut steps = Vec::new();
    let report = moved(&from, &to, &mut |step| steps.push(step)).await.unwrap();
    let (sent, refusal) = talking.await.unwrap();
    assert!(sent > 10, "it was written meanwhile: {sent}");
    assert_eq!(refusal.code, ErrorCode::Unavailable, "whoever writes is told to come back: {refusal:?}");
    assert!(steps.contains(&Progress::Paused) && matches!(steps[0], Progress::Begun { again: false }), "{steps:?}");
    assert!(report.messages > 18 && report.paused < report.took, "{report:?}");

    assert_eq!(rows(&from, &[]).await, rows(&to, &[]).await, "everything, the epoch too");
    assert!(matches!(from.lifecycle().await.unwrap(), Lifecycle::Moved(mark) if mark.other == "postgres://there"));
    assert_eq!(to.lifecycle().await.unwrap(), Lifecycle::Living);
    goes_on(&to, ann, first).await;
    let again = moved(&from, &to, &mut |_| {}).await.unwrap_err().to_string();
    assert!(again.contains("moved to postgres://there already"), "{again}");

    // Back, but not if that would lose something.
    let refused = moving::back(&from, Some(&to), false, Millis(10)).await.unwrap_err().to_string();
    assert!(refused.contains("would be lost"), "{refused}");
    assert_eq!(to.lifecycle().await.unwrap(), Lifecycle::Living);
    assert!(moving::back(&from, None, false, Millis(10)).await.is_err());
    moving::back(&from, Some(&to), true, Millis(10)).await.unwrap();
    assert_eq!(from.lifecycle().await.unwrap(), Lifecycle::Living);
    assert!(matches!(to.lifecycle().await.unwrap(), Lifecycle::Incomplete(_)));
    let (here, mut told) = super::writer(&from);
    tokio::spawn(async move { while told.recv().await.is_some() {} });
    say(&here, ann, first, "home", "again").await.unwrap().unwrap();
    let (there, mut told) = super::writer(&to);
    tokio::spawn(async move { while told.recv().await.is_some() {} });
    let refusal = say(&there, ann, first, "lost", "nobody would find this").await.unwrap().unwrap_err();
    assert_eq!(refusal.code, ErrorCode::Unavailable);
    drop(there);
    let refused = moved(&from, &to, &mut |_| {}).await.unwrap_err().to_string();
    assert!(refused.contains("is not whole; empty it"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_that_finds_a_difference_moves_nothing() {
    let Some((server, from, to)) = pair().await else { return };
    let (_writer, _ann, _bob, room) = town(&server).await;
    let admin = to.clone();
    // Somebody else writes into the target, after the copy and before the comparison.
    let tampered = AtomicBool::new(false);
    let mut spoil = |step| {
        if matches!(step, Progress::Copied { .. }) && !tampered.swap(true, Ordering::Relaxed) {
            let admin = admin.clone();
            tokio::task::block_in_place(|| {
                tokio::runtime::Handle::current().block_on(async move {
                    let mut conn = admin.read().await.unwrap();
                    let (seq, rev) = (Number(2), Number(11));
                    store::messages::edit(&mut conn, room, seq, "something else", rev, Millis(1_000)).await.unwrap();
                });
            });
        }
    };
    let refused = moved(&from, &to, &mut spoil).await;
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("checksum of these conversations differs: 1"), "{refused}");
    assert_eq!(from.lifecycle().await.unwrap(), Lifecycle::Living);
    assert!(matches!(to.lifecycle().await.unwrap(), Lifecycle::Incomplete(_)));
}

#[tokio::test]
async fn a_database_that_is_not_empty_or_half_filled_by_another_is_not_moved_to() {
    let Some((server, from, to)) = pair().await else { return };
    town(&server).await;
    to.migrate().await.unwrap();
    to.epoch().await.unwrap();
    let refused = moved(&from, &to, &mut |_| {}).await.unwrap_err().to_string();
    assert!(refused.contains("a server has worked on it"), "{refused}");
    let backwards = moved(&to, &from, &mut |_| {}).await.unwrap_err().to_string();
    assert!(backwards.contains("from SQLite to PostgreSQL"), "{backwards}");
    assert_eq!(from.lifecycle().await.unwrap(), Lifecycle::Living);
}
