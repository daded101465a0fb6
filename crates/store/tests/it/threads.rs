//! Threads as they are kept.

use chat::{
    Number,
    messages::View,
    threads::{Target, ThreadKey},
};
use sqlx::{Connection as _, Row as _};
use store::threads;

use crate::{Db, databases, options, room, say, say_in, unmigrated_urls, writer};

#[tokio::test]
async fn replies_of_one_batch_are_counted_in_their_order_and_each_stands_where_it_was_sent() {
    for db in databases().await {
        let (writer, _told) = writer(&db);
        let (ann, bob, room) = room(&writer).await;
        let root = say(&writer, ann, room, "", "roses?").await.unwrap().unwrap().seq;
        let other = say(&writer, ann, room, "", "tulips?").await.unwrap().unwrap().seq;
        let in_thread = |root, also_in_room| (room, Target::Thread { root, also_in_room });
        let sends = [
            say_in(&writer, bob, in_thread(root, false), "", "red"),
            say_in(&writer, ann, in_thread(other, false), "", "no"),
            say_in(&writer, ann, in_thread(root, true), "", "white"),
            say_in(&writer, bob, in_thread(root, false), "", "pink"),
        ];
        for send in sends {
            send.await.unwrap().unwrap();
        }
        let conn = &mut db.read().await.unwrap();
        let key = |root| ThreadKey { conversation: room, root };
        let summary = threads::one(conn, key(root)).await.unwrap().expect("a thread");
        assert_eq!((summary.replies, summary.participants.len()), (3, 2));
        let of = |view| (room, view);
        let page =
            store::messages::before_in(conn, of(View::Thread(root)), Number(i64::MAX), Number(0), 9).await.unwrap();
        let last = page.last().expect("a reply");
        assert_eq!((page.len(), summary.last_seq, summary.rev), (3, Some(last.seq), last.seq));
        assert_eq!(threads::one(conn, key(other)).await.unwrap().map(|summary| summary.replies), Some(1));
        let page = store::messages::after_in(conn, of(View::Room), Number(0), 9).await.unwrap();
        let texts: Vec<&str> = page.iter().filter_map(|message| message.text.as_deref()).collect();
        assert_eq!(texts, ["roses?", "tulips?", "white"]);
        assert_eq!(page[0].summary.as_deref(), Some(&summary), "it is joined in");
        assert_eq!(threads::changed(conn, room, root, summary.rev, Number(0)).await.unwrap().len(), 2);
        assert_eq!(threads::changed(conn, room, root, summary.rev, Number(root.0 + 1)).await.unwrap().len(), 1);
        let newest = store::messages::newest_in_room(conn, &[room]).await.unwrap();
        assert_eq!(newest[&room].text.as_deref(), Some("white"));
    }
}

#[tokio::test]
async fn what_stands_in_the_room_and_in_a_thread_is_found_by_an_index_of_its_own() {
    let mut seen = 0;
    for url in unmigrated_urls().await.into_iter().filter(|url| url.starts_with("sqlite:")) {
        Db::open(&options(&url)).await.unwrap().migrate().await.unwrap();
        let mut conn = sqlx::SqliteConnection::connect(&url).await.unwrap();
        let statements = store::statements();
        for (name, index) in [
            ("messages::BEFORE_IN_ROOM", "messages_in_room"),
            ("messages::AFTER_IN_ROOM", "messages_in_room"),
            ("messages::NEWEST_IN_ROOM", "messages_in_room"),
            ("listing::LISTED", "messages_in_room"),
            ("messages::BEFORE_IN_THREAD", "messages_in_thread"),
            ("messages::AFTER_IN_THREAD", "messages_in_thread"),
            ("threads::FOLLOWED", "messages_in_thread"),
            ("inbox::THREADS", "messages_in_thread"),
            ("threads::NEWEST", "messages_in_thread"),
            ("threads::COUNT", "messages_in_thread"),
            ("threads::CHANGED", "threads_by_rev"),
        ] {
            let (_, text) = statements.iter().find(|(known, _)| known.ends_with(name)).expect(name);
            let text = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {text}"));
            let plan = sqlx::query(text).fetch_all(&mut conn).await.unwrap();
            let plan: Vec<String> = plan.iter().map(|row| row.get::<String, _>("detail")).collect();
            assert!(plan.iter().any(|step| step.contains(index)), "{name}: {plan:?}");
            seen += 1;
        }
    }
    assert!(seen > 0);
}
