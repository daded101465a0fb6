//! Threads as they are kept.

use chat::{
    ConversationId, Number,
    messages::View,
    threads::{Target, ThreadKey},
};
use sqlx::{Connection as _, Row as _};
use store::threads;

use crate::{Db, databases, options, room, say, say_in, schema::later_version, unmigrated_urls, writer};

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
            ("messages::BEFORE_IN_ROOM", "messages_aside (conversation_id=? AND seq<?)"),
            ("messages::BEFORE_IN_ROOM", "autoindex_messages_1 (conversation_id=? AND seq>? AND seq<?)"),
            ("messages::AFTER_IN_ROOM", "messages_in_room"),
            ("messages::AFTER_IN_ROOM", "autoindex_messages_1 (conversation_id=? AND seq>? AND seq<?)"),
            ("messages::NEWEST_IN_ROOM", "messages_in_room"),
            ("listing::LISTED", "messages_in_room"),
            ("listing::LISTED", "autoindex_messages_1 (conversation_id=? AND seq>? AND seq<?)"),
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

/// Where the messages after the root stand, by letter: `r` in the room, `a` aside, `b` in both.
const STANDING: &str = "rrrrabraabrbarrabbaaaarrbararrabaaaaaaaarbrrra";

#[tokio::test]
async fn what_stands_in_the_room_is_what_is_left_without_what_stands_aside_wherever_one_reads() {
    for db in databases().await {
        let (writer, _told) = writer(&db);
        let (ann, bob, room) = room(&writer).await;
        let root = say(&writer, ann, room, "", "roses?").await.unwrap().unwrap().seq;
        let standing: Vec<char> = STANDING.chars().collect();
        // Some alone and some in batches.
        for some in standing.chunks(7) {
            let sends = some.iter().map(|letter| match letter {
                'r' => say_in(&writer, ann, (room, Target::Room), "", "here"),
                letter => {
                    say_in(&writer, ann, (room, Target::Thread { root, also_in_room: *letter == 'b' }), "", "there")
                }
            });
            for send in sends.collect::<Vec<_>>() {
                send.await.unwrap().unwrap();
            }
        }
        let conn = &mut db.read().await.unwrap();
        let all = store::messages::after_in(conn, (room, View::All), Number(0), 999).await.unwrap();
        let in_room: Vec<i64> = all.iter().filter(|one| one.is_in_room()).map(|one| one.seq.0).collect();
        assert_eq!((all.len(), in_room.len()), (1 + standing.len(), 1 + STANDING.replace('a', "").len()));
        let last = all.last().expect("a message").seq.0;
        for (at, from, limit) in (0..last + 2).flat_map(|at| [(at, 0, 1), (at, 0, 4), (at, 9, 30), (at, 0, 99)]) {
            let view = (room, View::Room);
            let page = store::messages::before_in(conn, view, Number(at), Number(from), limit).await.unwrap();
            let before = in_room.iter().filter(|seq| **seq < at && **seq >= from).copied();
            let before: Vec<i64> = before.rev().take(usize::try_from(limit).unwrap()).collect();
            let read: Vec<i64> = page.iter().rev().map(|one| one.seq.0).collect();
            assert_eq!(read, before, "{limit} before {at} from {from}");
            let page = store::messages::after_in(conn, view, Number(at), limit).await.unwrap();
            let after = in_room.iter().filter(|seq| **seq > at).copied().take(usize::try_from(limit).unwrap());
            let read: Vec<i64> = page.iter().map(|one| one.seq.0).collect();
            assert_eq!(read, after.collect::<Vec<i64>>(), "{limit} after {at}");
        }
        let newest = store::messages::newest_in_room(conn, &[room]).await.unwrap();
        assert_eq!(Some(&newest[&room].seq.0), in_room.last());
        let entry = store::listing::entry(conn, bob, room).await.unwrap().expect("an entry");
        assert_eq!((entry.unread, entry.unread_in_room), (all.len() as i64, in_room.len() as i64));
    }
}

/// The last migration before messages in the room were told apart by what was said before them.
const BEFORE_IN_ROOM: i64 = 25;

/// The rows that a program of that version has left: a conversation with a thread, and one without.
const LEFT: &str = "
    INSERT INTO messages (conversation_id, seq, rev, author_id, content_hash, text, created_at, thread, aside) VALUES
        (7, 1, 1, 1, 0, 'a', 1, NULL, 0), (7, 2, 2, 1, 0, 'b', 1, 1, 1), (7, 3, 3, 1, 0, 'c', 1, NULL, 0),
        (7, 4, 4, 1, 0, 'd', 1, 1, 0), (8, 1, 1, 1, 0, 'e', 1, NULL, 0), (8, 2, 2, 1, 0, 'f', 1, NULL, 0);";

#[tokio::test]
async fn what_stood_in_a_room_before_its_index_was_made_smaller_is_found_there() {
    for url in unmigrated_urls().await {
        let db = Db::open(&options(&url)).await.unwrap();
        db.migrate_to(BEFORE_IN_ROOM).await.unwrap();
        later_version(&url, LEFT).await;
        db.migrate().await.unwrap();
        let conn = &mut db.read().await.unwrap();
        for (conversation, here) in [(7, vec![1, 3, 4]), (8, vec![1, 2])] {
            let view = (ConversationId(conversation), View::Room);
            let page = store::messages::before_in(conn, view, Number(99), Number(0), 9).await.unwrap();
            assert_eq!(page.iter().map(|one| one.seq.0).collect::<Vec<_>>(), here);
        }
    }
}
