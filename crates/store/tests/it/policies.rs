//! Policies, grants, and the number from which on a member sees messages: obeyed where a send is stored, and in reads.

use std::{
    cell::Cell,
    sync::{
        Arc, Once,
        atomic::{AtomicI64, Ordering},
    },
};

use chat::{
    ConversationId, ErrorCode, Millis, Number, UserId,
    members::Role,
    messages::{MessageType, Submission},
    policies::{Ability, Grant, Policy},
    threads::Target,
};
use store::{Append, NewMessage, Writer};
use tokio::sync::oneshot;
use tracing::{Event, Metadata, Subscriber, span};

use super::{databases, room, say, speaker, writer, writer_at};

async fn sets(writer: &Writer, room: ConversationId, ability: Ability, role: Option<Role>) {
    writer
        .change(&[room.into()], None, move |unit| {
            Box::pin(async move {
                let mut policy = store::policies::of(&mut unit.conn, room).await?;
                policy.set(ability, role);
                Ok(store::policies::set(&mut unit.conn, room, &policy).await?)
            })
        })
        .await
        .unwrap();
}

async fn grants(writer: &Writer, room: ConversationId, user: UserId, given: bool, ends_at: Option<Millis>) {
    let grant = Grant { ability: Ability::Post, given, ends_at };
    writer
        .change(&[room.into()], None, move |unit| {
            Box::pin(async move { Ok(store::policies::grant(&mut unit.conn, room, user, grant).await?) })
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn whoever_may_not_post_is_refused_in_words_that_name_the_role_and_leaves_no_gap() {
    for db in databases().await {
        let (writer, _told) = writer(&db);
        let (ann, bob, room) = room(&writer).await;
        let before = say(&writer, ann, room, "c1", "hello").await.unwrap().unwrap();
        sets(&writer, room, Ability::Post, Some(Role::Moderator)).await;
        let refusal = say(&writer, ann, room, "c2", "again").await.unwrap().unwrap_err();
        assert_eq!(refusal.code, ErrorCode::Forbidden);
        assert_eq!(refusal.detail, "The role moderator is needed to post messages here; yours is member.");
        // A message that was stored before is still answered as a repeat.
        assert_eq!(say(&writer, ann, room, "c1", "hello").await.unwrap().unwrap().seq, before.seq);
        grants(&writer, room, bob, true, None).await;
        assert_eq!(say(&writer, bob, room, "", "I may").await.unwrap().unwrap().seq, Number(3));
        sets(&writer, room, Ability::Post, None).await;
        // A refused send has not used its client id up.
        assert_eq!(say(&writer, ann, room, "c2", "again").await.unwrap().unwrap().seq, Number(4));
        assert_eq!(store::policies::of(&mut db.read().await.unwrap(), room).await.unwrap(), Policy::default());
    }
}

#[tokio::test]
async fn a_mute_ends_by_itself() {
    for db in databases().await {
        let now = Arc::new(AtomicI64::new(1_000));
        let clock = now.clone();
        let (writer, _told) = writer_at(&db, Arc::new(move || Millis(clock.load(Ordering::Relaxed))));
        let (ann, bob, room) = room(&writer).await;
        grants(&writer, room, ann, false, Some(Millis(2_500))).await;
        let refusal = say(&writer, ann, room, "", "mm").await.unwrap().unwrap_err();
        assert_eq!(refusal.code, ErrorCode::Forbidden);
        // The writer dates each transaction a little later than the one before.
        assert!(refusal.retry_after_ms.is_some_and(|ms| (1_400..=1_500).contains(&ms)), "{refusal:?}");
        say(&writer, bob, room, "", "only ann is muted").await.unwrap().unwrap();
        now.store(2_500, Ordering::Relaxed);
        say(&writer, ann, room, "", "at last").await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn nobody_reads_or_answers_what_was_said_before_the_number_from_which_they_see() {
    for db in databases().await {
        let (writer, _told) = writer(&db);
        let (ann, bob, room) = room(&writer).await;
        for text in ["two", "three", "four"] {
            say(&writer, ann, room, "", text).await.unwrap().unwrap();
        }
        writer
            .change(&[room.into()], None, move |unit| {
                Box::pin(async move {
                    let number = unit.next_number(room).await?;
                    store::messages::edit(&mut unit.conn, room, Number(2), "two!", number, unit.now).await?;
                    Ok(store::policies::see_from(&mut unit.conn, room, bob, Number(4)).await?)
                })
            })
            .await
            .unwrap();
        let conn = &mut db.read().await.unwrap();
        let (all, from) = (Number(0), Number(4));
        assert_eq!(store::messages::before(conn, room, Number(9), from, 10).await.unwrap().len(), 1);
        assert_eq!(store::messages::changed(conn, room, Number(4), Number(5), all).await.unwrap().len(), 1);
        assert!(store::messages::changed(conn, room, Number(4), Number(5), from).await.unwrap().is_empty());
        assert_eq!(store::messages::created(conn, room, Number(0), Number(5), from).await.unwrap().len(), 1);
        assert_eq!(store::messages::timeline(conn, room, from, 0, 10).await.unwrap().len(), 1);
        assert_eq!(store::messages::count(conn, room, from).await.unwrap(), 1);
        let entry = store::listing::entry(conn, bob, room).await.unwrap().unwrap();
        assert_eq!((entry.visible_from, entry.unread), (Number(4), 1));
        for (parent, sees) in [(3, false), (4, true)] {
            let (answer, result) = oneshot::channel();
            let (message_type, parent) = (MessageType::Text, Some(Number(parent)));
            let submission = Submission {
                conversation: room,
                client_id: None,
                message_type,
                text: "ah".into(),
                parent,
                files: Vec::new(),
                target: Target::Unaware,
                ..Submission::default()
            };
            let message = NewMessage {
                author: speaker(bob),
                submission,
                origin: None,
                called: None,
                unconfirmed: 0,
                has_link: false,
            };
            writer.append(Append { message, done: Box::new(move |outcome| answer.send(outcome).unwrap()) }).await;
            assert_eq!(result.await.unwrap().is_ok(), sees);
        }
    }
}

thread_local! {
    static SENT: Cell<usize> = const { Cell::new(0) };
}

/// How many statements this thread has sent since it first asked. SQLite's are sent by a thread of their own, and not
/// seen.
pub(super) fn statements() -> usize {
    static COUNTING: Once = Once::new();
    // For the whole program: of subscribers that come and go with tests, beside each other, some hear nothing.
    COUNTING.call_once(|| tracing::subscriber::set_global_default(Statements).expect("nobody else listens"));
    SENT.get()
}

struct Statements;

impl Subscriber for Statements {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "sqlx::query"
    }

    fn new_span(&self, _attributes: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _span: &span::Id, _values: &span::Record<'_>) {}

    fn record_follows_from(&self, _span: &span::Id, _follows: &span::Id) {}

    fn event(&self, _event: &Event<'_>) {
        SENT.set(SENT.get() + 1);
    }

    fn enter(&self, _span: &span::Id) {}

    fn exit(&self, _span: &span::Id) {}
}

#[tokio::test]
async fn a_send_under_a_policy_takes_no_more_statements_than_one_without() {
    for db in databases().await.into_iter().skip(1) {
        statements();
        let (writer, _told) = writer(&db);
        let (ann, _bob, room) = room(&writer).await;
        say(&writer, ann, room, "", "what is prepared is prepared").await.unwrap().unwrap();
        let count = async |text: &str| {
            let before = statements();
            say(&writer, ann, room, "", text).await.unwrap().unwrap();
            statements() - before
        };
        let without = count("without a policy").await;
        sets(&writer, room, Ability::Post, Some(Role::Member)).await;
        grants(&writer, room, ann, true, None).await;
        assert_eq!(count("with one, and a grant").await, without);
        assert_eq!(without, 4, "BEGIN, the check, the rows, COMMIT");
    }
}
