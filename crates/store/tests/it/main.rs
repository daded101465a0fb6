//! The store on both databases: SQLite always, PostgreSQL too when `PALABRE_TEST_POSTGRES` names one.
//! `cargo xtask check` always names one.

mod chance;
mod clock;
mod history;
mod identities;
mod jobs;
mod listing;
mod log;
mod mentions;
mod names;
mod policies;
mod push_devices;
mod reminders;
mod saved;
mod schema;
mod search;
mod threads;
mod transfer;
mod turns;
mod unreadable;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use chat::{
    ClientId, ConversationId, Error, ErrorCode, Millis, Number, Outgoing, UserId,
    accounts::{Profile, ServerRole, Speaker},
    conversations::{Kind, Visibility},
    members::Role,
    mentions::Called,
    messages::{MessageType, Sent, Submission},
    threads::Target,
};
use store::{Append, Committed, Db, NewMessage, Options, Writer};
use tokio::sync::{mpsc, oneshot};

static NEXT: AtomicU64 = AtomicU64::new(0);

/// A fresh database of each kind that there is, with its temporary folder.
async fn databases() -> Vec<Db> {
    let databases = unmigrated().await;
    for db in &databases {
        db.migrate().await.unwrap();
    }
    databases
}

/// The same, without tables.
async fn unmigrated() -> Vec<Db> {
    let mut databases = Vec::new();
    for url in unmigrated_urls().await {
        databases.push(Db::open(&options(&url)).await.unwrap());
    }
    databases
}

async fn unmigrated_urls() -> Vec<String> {
    let unique = format!("palabre_store_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let folder = std::env::temp_dir().join(&unique);
    std::fs::create_dir_all(&folder).unwrap();
    let mut urls = vec![format!("sqlite:{}/test.db", folder.display())];
    if let Ok(server) = std::env::var("PALABRE_TEST_POSTGRES") {
        let admin = Db::open(&options(&server)).await.unwrap();
        admin.create_schema_for_tests(&unique).await.unwrap();
        admin.close().await;
        let separator = if server.contains('?') { '&' } else { '?' };
        urls.push(format!("{server}{separator}options[search_path]={unique},public"));
    }
    urls
}

fn options(url: &str) -> Options {
    Options { url: url.to_owned(), readers: 2, connect_timeout: Duration::from_secs(5) }
}

/// A writer with what it hands over; answers are given at once.
fn writer(db: &Db) -> (Writer, mpsc::Receiver<Committed>) {
    writer_at(db, Arc::new(|| Millis(1_000)))
}

/// The same with a clock of its own.
fn writer_at(db: &Db, clock: Arc<dyn Fn() -> Millis + Send + Sync>) -> (Writer, mpsc::Receiver<Committed>) {
    let (outlet, mut batches) = mpsc::channel::<(Committed, Vec<Box<dyn FnOnce() + Send>>)>(64);
    let (told, told_to) = mpsc::channel(1_024);
    tokio::spawn(async move {
        while let Some((committed, answers)) = batches.recv().await {
            for answer in answers {
                answer();
            }
            told.send(committed).await.unwrap();
        }
    });
    let (writer, _task) = Writer::start(db.clone(), clock, outlet);
    (writer, told_to)
}

fn number(told: Outgoing) -> i64 {
    match told {
        Outgoing::Event(event) => event.number.0,
        other => panic!("{other:?}"),
    }
}

/// A room of ann and bob; returns both and the room.
async fn room(writer: &Writer) -> (UserId, UserId, ConversationId) {
    writer
        .change(&[], None, |unit| {
            Box::pin(async move {
                let mut people = Vec::new();
                for username in ["Ann", "Bob"] {
                    let new = store::accounts::NewAccount {
                        id: None,
                        username,
                        email: None,
                        password_hash: None,
                        role: ServerRole::User,
                        profile: &Profile::default(),
                    };
                    people.push(store::accounts::create(&mut unit.conn, &new, unit.now).await?);
                }
                let new = store::conversations::NewConversation {
                    kind: Kind::Room,
                    visibility: Visibility::Public,
                    name: Some("Garden"),
                    topic: None,
                    pair: None,
                    created_by: people[0],
                    client_id: None,
                };
                let id = store::conversations::create(&mut unit.conn, &new, unit.now).await?;
                for user in &people {
                    store::members::join(&mut unit.conn, id, *user, Role::Member, Number(1), unit.now).await?;
                }
                Ok((people[0], people[1], id))
            })
        })
        .await
        .unwrap()
}

fn speaker(user: UserId) -> Speaker {
    let name = format!("user {user}");
    Speaker { user, username: name.clone(), shown_name: name, role: ServerRole::User, session: None }
}

fn say(
    writer: &Writer,
    author: UserId,
    conversation: ConversationId,
    client_id: &str,
    text: &str,
) -> oneshot::Receiver<chat::Result<Sent>> {
    say_in(writer, author, (conversation, Target::Unaware), client_id, text)
}

fn say_in(
    writer: &Writer,
    author: UserId,
    (conversation, target): (ConversationId, Target),
    client_id: &str,
    text: &str,
) -> oneshot::Receiver<chat::Result<Sent>> {
    let (answer, result) = oneshot::channel();
    let submission = Submission {
        conversation,
        client_id: (!client_id.is_empty()).then(|| ClientId::parse(client_id).unwrap()),
        message_type: MessageType::Text,
        text: text.to_owned(),
        parent: None,
        files: Vec::new(),
        target,
        ..Submission::default()
    };
    let called = Some(Called::of_text(text)).filter(|called| !called.is_empty()).map(Box::new);
    let message =
        NewMessage { author: speaker(author), submission, origin: None, called, unconfirmed: 20, has_link: false };
    let writer = writer.clone();
    tokio::spawn(async move {
        writer.append(Append { message, done: Box::new(move |outcome| answer.send(outcome).unwrap()) }).await;
    });
    result
}

#[tokio::test]
async fn every_statement_is_accepted_by_both_databases() {
    for db in databases().await {
        let mut conn = db.read().await.unwrap();
        for (name, text) in store::statements() {
            if let Err(error) = conn.prepare(text).await {
                panic!("{name}: {error}");
            }
        }
    }
}

/// SQLite plans a statement for the value of a bare `LIMIT $n`, and prepares it anew each time that it is bound: reading a
/// page took a quarter longer for that. Of a cast it does not know the value.
#[test]
fn no_statement_has_a_bare_parameter_as_its_limit() {
    for (name, text) in store::statements() {
        assert!(!text.contains("LIMIT $"), "{name}: write LIMIT CAST($n AS BIGINT)");
    }
}

#[tokio::test]
async fn a_repeated_send_is_the_same_message_and_another_under_its_id_is_refused() {
    for db in databases().await {
        let (writer, _told) = writer(&db);
        let (ann, bob, room) = room(&writer).await;
        let first = say(&writer, ann, room, "c1", "hello").await.unwrap().unwrap();
        let again = say(&writer, ann, room, "c1", "hello").await.unwrap().unwrap();
        assert_eq!(Sent { repeated: true, ..first.clone() }, again);
        let other = say(&writer, ann, room, "c1", "good-bye").await.unwrap().unwrap_err();
        assert_eq!(other.code, ErrorCode::IdempotencyMismatch);
        // The same id of another author is another message.
        let bobs = say(&writer, bob, room, "c1", "hello").await.unwrap().unwrap();
        assert_eq!((first.seq, bobs.seq), (Number(2), Number(3)));
    }
}

#[tokio::test]
async fn many_sends_at_once_are_numbered_without_gaps_and_told_in_order() {
    for db in databases().await {
        let (writer, mut told) = writer(&db);
        let (ann, _bob, room) = room(&writer).await;
        told.recv().await.unwrap();
        // Every third repeats the one before it, some in the same batch.
        let sends: Vec<_> = (0..300)
            .map(|i| say(&writer, ann, room, &format!("c{}", i - i % 3 / 2), &format!("text {}", i - i % 3 / 2)))
            .collect();
        let mut seqs = Vec::new();
        for send in sends {
            let sent = send.await.unwrap().unwrap();
            if !sent.repeated {
                seqs.push(sent.seq.0);
            }
        }
        seqs.sort_unstable();
        assert_eq!(seqs, (2..=201).collect::<Vec<_>>());
        let mut numbers = Vec::new();
        while numbers.len() < 200 {
            numbers.extend(told.recv().await.unwrap().into_iter().map(number));
        }
        assert_eq!(numbers, (2..=201).collect::<Vec<_>>());
        let page = store::messages::before(&mut db.read().await.unwrap(), room, Number(i64::MAX), Number(0), 1_000)
            .await
            .unwrap();
        assert_eq!(page.iter().map(|m| m.seq.0).collect::<Vec<_>>(), numbers);
    }
}

#[tokio::test]
async fn a_stranger_and_a_missing_parent_are_refused_without_a_gap() {
    for db in databases().await {
        let (writer, _told) = writer(&db);
        let (ann, bob, room) = room(&writer).await;
        writer
            .change(&[room.into()], None, move |unit| {
                Box::pin(async move {
                    store::members::set_role(&mut unit.conn, room, bob, None, Number(1)).await?;
                    Ok(())
                })
            })
            .await
            .unwrap();
        let stranger = say(&writer, bob, room, "", "let me in").await.unwrap().unwrap_err();
        assert_eq!(stranger.code, ErrorCode::NotFound);
        let (answer, result) = oneshot::channel();
        let (message_type, parent) = (MessageType::Text, Some(Number(99)));
        let submission = Submission {
            conversation: room,
            client_id: None,
            message_type,
            text: "what?".into(),
            parent,
            files: Vec::new(),
            target: Target::Unaware,
            ..Submission::default()
        };
        let message = NewMessage {
            author: speaker(ann),
            submission,
            origin: None,
            called: None,
            unconfirmed: 0,
            has_link: false,
        };
        writer.append(Append { message, done: Box::new(move |outcome| answer.send(outcome).unwrap()) }).await;
        assert_eq!(result.await.unwrap().unwrap_err().field.as_deref(), Some("/parent"));
        assert_eq!(say(&writer, ann, room, "", "alone").await.unwrap().unwrap().seq, Number(2));
    }
}

#[tokio::test]
async fn a_refused_change_leaves_nothing_and_a_panicking_one_fails_alone_in_time() {
    for db in databases().await {
        let (writer, mut told) = writer(&db);
        let (ann, _bob, room) = room(&writer).await;
        told.recv().await.unwrap();
        let refused: chat::Result<()> = writer
            .change(&[room.into()], None, move |unit| {
                Box::pin(async move {
                    let number = unit.next_number(room).await?;
                    store::messages::touch(&mut unit.conn, room, Number(1), number).await?;
                    Err(Error::forbidden("changed my mind"))
                })
            })
            .await;
        assert_eq!(refused.unwrap_err().code, ErrorCode::Forbidden);
        assert!(told.recv().await.unwrap().is_empty());
        let panicked: chat::Result<()> =
            writer.change(&[], None, |_unit| Box::pin(async { panic!("a mistake") })).await;
        assert_eq!(panicked.unwrap_err().code, ErrorCode::Internal);
        assert_eq!(say(&writer, ann, room, "", "still here").await.unwrap().unwrap().seq, Number(2));
    }
}

#[tokio::test]
async fn that_there_is_room_again_is_tried_and_what_is_tried_leaves_nothing() {
    for url in unmigrated_urls().await {
        let db = Db::open(&options(&url)).await.unwrap();
        db.migrate().await.unwrap();
        let (writer, mut told) = writer(&db);
        tokio::spawn(async move { while told.recv().await.is_some() {} });
        let full: chat::Result<()> = writer
            .change(&[], None, |_unit| {
                Box::pin(async { Err(store::Error::StorageFull("could not extend file".into()).into()) })
            })
            .await;
        assert_eq!(full.unwrap_err().code, ErrorCode::StorageFull);
        writer.check().await.unwrap();
        schema::later_version(&url, "CREATE TABLE palabre_room (filler TEXT)").await;
    }
}
