//! Rows that hold what the program never writes, on both databases: each stops nothing but itself.

use chat::{
    ConversationId, Fact, Number, UserId,
    conversations::{Kind, Visibility},
    members::{Member, Role},
    threads::{Target, ThreadKey},
};
use store::{Db, Writer};

use super::{options, room, say, say_in, schema::later_version as run, unmigrated_urls, writer};

/// The broken column, and whether SQLite alone can hold it.
const BROKEN: &[(&str, bool)] = &[
    ("INSERT INTO policies (conversation_id, rules) VALUES (1, 'nonsense')", false),
    ("UPDATE messages SET message_type = 'hologram' WHERE seq = 2", false),
    ("UPDATE messages SET message_type = '' WHERE seq = 2", false),
    ("UPDATE messages SET author_id = 999 WHERE seq = 2", false),
    ("UPDATE messages SET author_id = -1 WHERE seq = 2", false),
    ("UPDATE messages SET text = NULL WHERE seq = 2", false),
    ("UPDATE messages SET created_at = 9000000000000000000 WHERE seq = 2", false),
    ("UPDATE messages SET created_at = -1 WHERE seq = 2", false),
    ("UPDATE messages SET rev = 1 WHERE seq = 2", false),
    ("UPDATE messages SET parent = -7 WHERE seq = 2", false),
    ("UPDATE messages SET deleted_at = -5, edited_at = 9000000000000000000 WHERE seq = 2", false),
    ("UPDATE messages SET client_id = ' not an id ' WHERE seq = 2", false),
    ("UPDATE messages SET text = CAST(x'ff22c3' AS TEXT) WHERE seq = 2", true),
    ("UPDATE messages SET message_type = CAST(x'c328' AS TEXT) WHERE seq = 2", true),
    ("UPDATE users SET role = 'emperor' WHERE id = 1", false),
    ("UPDATE users SET display_name = CAST(x'fe' AS TEXT) WHERE id = 2", true),
    ("UPDATE members SET role = 'emperor' WHERE user_id = 1", false),
    ("UPDATE members SET role = CAST(x'ff' AS TEXT) WHERE user_id = 2", true),
    ("UPDATE conversations SET visibility = 'hidden' WHERE id = 1", false),
    ("UPDATE conversations SET topic = CAST(x'ff' AS TEXT) WHERE id = 1", true),
    ("UPDATE conversations SET name = CAST(x'ff' AS TEXT) WHERE id = 1", true),
    ("INSERT INTO reactions (message_id, emoji, user_id, number) VALUES (2, CAST(x'ff' AS TEXT), 1, 3)", true),
    ("UPDATE sessions SET agent = CAST(x'ff' AS TEXT)", true),
];

/// The reading of a room whose every second row may be broken.
async fn everything_else_is_read(db: &Db, what: &str, ann: UserId, room: ConversationId) {
    let conn = &mut db.read().await.unwrap();
    let seqs = |messages: &[chat::messages::Message]| messages.iter().map(|m| m.seq.0).collect::<Vec<_>>();
    let page = store::messages::before(conn, room, Number(i64::MAX), Number(0), 10).await.unwrap();
    assert_eq!(seqs(&page), [2, 3, 4], "{what}: history has no gap");
    assert!(page.iter().all(|m| m.text.is_some() != m.deleted_at.is_some()), "{what}: {page:?}");
    assert!(page.iter().all(|m| m.rev >= m.seq && m.created_at.0 >= 0), "{what}: {page:?}");
    assert_eq!(page[1].text.as_deref(), Some("two"), "{what}");
    let after = store::messages::after(conn, room, Number(1), 10).await.unwrap();
    assert_eq!(seqs(&after), [2, 3, 4], "{what}: catching up has none either");
    assert_eq!(store::messages::one(conn, room, Number(2)).await.unwrap().unwrap().seq, Number(2), "{what}");
    assert!(store::conversations::by_id(conn, room).await.unwrap().is_some(), "{what}: it can be caught up");
    assert!(store::members::membership(conn, room, ann).await.unwrap().is_some(), "{what}");
    let role = store::members::membership(conn, room, ann).await.unwrap().unwrap().role;
    assert!(role <= Role::Member || !what.contains("members"), "{what}: nobody may more than before");
    let belongings = store::members::of_users(conn, &[ann]).await.unwrap();
    assert_eq!(belongings.len(), 1, "{what}");
    let listed = store::listing::listed(conn, ann, None, 10).await.unwrap();
    assert_eq!(listed.len(), 1, "{what}");
    assert_eq!(store::messages::newest(conn, &[room]).await.unwrap().len(), 1, "{what}");
    assert!(!store::members::page(conn, room, UserId(0), 10).await.unwrap().is_empty(), "{what}");
    store::members::changed(conn, room, Number(0), Number(i64::MAX)).await.unwrap();
    store::sessions::of_user(conn, ann, chat::Millis(0)).await.unwrap();
}

#[tokio::test]
async fn one_row_that_cannot_be_read_stops_nothing_but_itself() {
    for (what, only_sqlite) in BROKEN {
        for url in unmigrated_urls().await {
            if *only_sqlite && !url.starts_with("sqlite:") {
                continue;
            }
            let db = Db::open(&options(&url)).await.unwrap();
            db.migrate().await.unwrap();
            let (writer, mut told) = writer(&db);
            tokio::spawn(async move { while told.recv().await.is_some() {} });
            let (ann, bob, room) = room(&writer).await;
            for text in ["one", "two", "three"] {
                say(&writer, ann, room, "", text).await.unwrap().unwrap();
            }
            run(&url, what).await;
            everything_else_is_read(&db, what, ann, room).await;
            let found = store::doctor::unreadable_rows(&url).await.unwrap();
            let harmless = what.contains("parent") || what.contains("client_id") || what.contains("sessions");
            let harmless = harmless || what.contains("deleted_at = -5");
            assert!(harmless || !found.is_empty(), "{what}: the doctor finds {found:?}");
            let sent = say(&writer, bob, room, "", "it goes on").await.unwrap();
            let is_closed = what.contains("members SET role = CAST") || what.contains("policies");
            assert!(sent.is_ok() || is_closed, "{what}: {sent:?}");
            drop(writer);
        }
    }
}

#[tokio::test]
async fn a_damaged_text_of_a_person_costs_its_field_and_not_the_account() {
    for damage in [
        "UPDATE users SET username = CAST(x'ff80fe' AS TEXT) WHERE id = 1",
        "UPDATE users SET email = CAST(x'ff80fe' AS TEXT) WHERE id = 1",
        "UPDATE users SET display_name = CAST(x'ff80fe' AS TEXT) WHERE id = 1",
        "UPDATE users SET language = CAST(x'ff80fe' AS TEXT), time_zone = CAST(x'ff' AS TEXT) WHERE id = 1",
        "UPDATE users SET status_message = CAST(x'ff80fe' AS TEXT) WHERE id = 1",
    ] {
        for url in unmigrated_urls().await.into_iter().filter(|url| url.starts_with("sqlite:")) {
            let db = Db::open(&options(&url)).await.unwrap();
            db.migrate().await.unwrap();
            let (writer, mut told) = writer(&db);
            tokio::spawn(async move { while told.recv().await.is_some() {} });
            let (ann, bob, _room) = room(&writer).await;
            let session = writer
                .change(&[], None, move |unit| {
                    Box::pin(async move {
                        let (origin, now) = (chat::sessions::Origin::default(), unit.now);
                        let id = store::sessions::create(&mut unit.conn, ann, &origin, now, now, now).await?;
                        store::sessions::add_token(&mut unit.conn, "hash", id).await?;
                        Ok(id)
                    })
                })
                .await
                .unwrap();
            run(&url, damage).await;
            run(&url, "UPDATE sessions SET agent = CAST(x'ff' AS TEXT), address = CAST(x'fe' AS TEXT)").await;
            let conn = &mut db.read().await.unwrap();
            let account = store::accounts::by_id(conn, ann).await.unwrap().expect(damage);
            assert!(account.active, "{damage}");
            assert_eq!(store::accounts::by_ids(conn, &[ann, bob]).await.unwrap().len(), 2, "{damage}");
            let token = store::sessions::token(conn, "hash", chat::Millis(0)).await.unwrap().expect(damage);
            assert_eq!((token.session, token.agent), (session, None), "{damage}");
            drop(writer);
        }
    }
}

/// A change that leaves its number in the first message of a room.
async fn touch(writer: &Writer, room: ConversationId) -> i64 {
    let scopes = [room.into()];
    let work = writer.change(&scopes, None, move |unit| {
        Box::pin(async move {
            let number = unit.next_number(room).await?;
            store::messages::touch(&mut unit.conn, room, Number(2), number).await?;
            let member = Member {
                user: UserId(1),
                username: "ann".into(),
                shown_name: "Ann".into(),
                role: Some(Role::Owner),
                rev: number,
                joined_at: unit.now,
            };
            unit.record(room, number, UserId(1), Fact::MemberUpdated(member));
            Ok(number.0)
        })
    });
    work.await.unwrap()
}

/// A conversation of one besides the room.
async fn diary(writer: &Writer, of: UserId) -> ConversationId {
    let work = writer.change(&[], None, move |unit| {
        Box::pin(async move {
            let new = store::conversations::NewConversation {
                kind: Kind::Group,
                visibility: Visibility::Private,
                name: None,
                topic: None,
                pair: None,
                created_by: of,
                client_id: None,
            };
            let id = store::conversations::create(&mut unit.conn, &new, unit.now).await?;
            store::members::join(&mut unit.conn, id, of, Role::Owner, Number(1), unit.now).await?;
            Ok(id)
        })
    });
    work.await.unwrap()
}

/// A writer of which nobody hears.
fn writing(db: &Db) -> (Writer, tokio::task::JoinHandle<()>) {
    let (writer, mut told) = writer(db);
    (writer, tokio::spawn(async move { while told.recv().await.is_some() {} }))
}

/// Heads that are not the last number, which is 5.
const DAMAGED_HEADS: &[i64] = &[4, 3, 1, 0, -7, i64::MIN, i64::MAX, 1 << 60];

#[tokio::test]
async fn a_damaged_head_is_mended_by_the_next_change_and_no_number_is_given_twice() {
    for url in unmigrated_urls().await {
        let db = Db::open(&options(&url)).await.unwrap();
        db.migrate().await.unwrap();
        let (mut writer, _) = writing(&db);
        let (ann, bob, garden) = room(&writer).await;
        let diary = diary(&writer, bob).await;
        for text in ["one", "two", "three"] {
            say(&writer, ann, garden, "", text).await.unwrap().unwrap();
        }
        let mut last = touch(&writer, garden).await;
        assert_eq!(last, 5);
        for (head, by_a_change, is_restarted) in DAMAGED_HEADS
            .iter()
            .flat_map(|head| [(*head, false, false), (*head, true, false), (*head, false, true), (*head, true, true)])
        {
            if is_restarted {
                // It has given no number yet.
                (writer, _) = writing(&db);
            }
            let head = if (1..5).contains(&head) { head + last - 5 } else { head };
            let what = format!("UPDATE conversations SET head = {head} WHERE id = {garden}");
            run(&url, what.clone().leak()).await;
            let found = store::doctor::unreadable_rows(&url).await.unwrap();
            assert!(found.iter().any(|found| found.contains("head")), "{what}: {found:?}");
            let mut numbers = Vec::new();
            if by_a_change {
                numbers.push(touch(&writer, garden).await);
            }
            // All at once: the others of the batch do not suffer.
            let others: Vec<_> = (0..3).map(|_| say(&writer, bob, diary, "", "elsewhere")).collect();
            for said in [say(&writer, ann, garden, "", "a"), say(&writer, bob, garden, "", "b")] {
                numbers.push(said.await.unwrap().expect(&what).seq.0);
            }
            for other in others {
                other.await.unwrap().expect(&what);
            }
            numbers.push(touch(&writer, garden).await);
            let next: Vec<i64> = (last + 1..).take(numbers.len()).collect();
            numbers.sort_unstable();
            assert_eq!(numbers, next, "{what}");
            last += numbers.len() as i64;
            let conn = &mut db.read().await.unwrap();
            assert_eq!(store::conversations::heads(conn, &[garden]).await.unwrap(), [(garden, Number(last))], "{what}");
            assert!(store::doctor::unreadable_rows(&url).await.unwrap().is_empty(), "{what}");
        }
        drop(writer);
    }
}

#[tokio::test]
async fn a_row_that_is_beyond_every_number_raises_no_head() {
    for url in unmigrated_urls().await {
        let db = Db::open(&options(&url)).await.unwrap();
        db.migrate().await.unwrap();
        let (writer, mut told) = writer(&db);
        tokio::spawn(async move { while told.recv().await.is_some() {} });
        let (ann, _bob, garden) = room(&writer).await;
        say(&writer, ann, garden, "", "one").await.unwrap().unwrap();
        const BEYOND: &str = "UPDATE messages SET rev = 9223372036854775807;
                              UPDATE members SET rev = 9223372036854775807 WHERE user_id = 2;
                              UPDATE conversations SET rev = 9223372036854775807, head = 1";
        run(&url, BEYOND).await;
        assert_eq!(say(&writer, ann, garden, "", "two").await.unwrap().unwrap().seq, Number(3));
        assert_eq!(say(&writer, ann, garden, "", "three").await.unwrap().unwrap().seq, Number(4));
        drop(writer);
    }
}

#[tokio::test]
async fn the_summary_of_a_thread_that_is_damaged_is_found_and_mended_by_the_next_reply() {
    for url in unmigrated_urls().await {
        let db = Db::open(&options(&url)).await.unwrap();
        db.migrate().await.unwrap();
        let (ann, garden, root) = {
            let (first, mut told) = writer(&db);
            tokio::spawn(async move { while told.recv().await.is_some() {} });
            let (ann, _bob, garden) = room(&first).await;
            let root = say(&first, ann, garden, "", "roses?").await.unwrap().unwrap().seq;
            for text in ["red", "white"] {
                let thread = (garden, Target::Thread { root, also_in_room: false });
                say_in(&first, ann, thread, "", text).await.unwrap().unwrap();
            }
            assert_eq!(store::doctor::unreadable_rows(&url).await.unwrap(), [] as [&str; 0]);
            (ann, garden, root)
        };
        let damages = [
            "UPDATE threads SET replies = 7",
            "UPDATE threads SET last_seq = 1",
            "UPDATE threads SET replies = 0, last_seq = NULL, participants = '[]'",
            "DELETE FROM threads",
        ];
        for (damage, replies) in damages.iter().zip(3..) {
            run(&url, damage).await;
            let found = store::doctor::unreadable_rows(&url).await.unwrap();
            assert_eq!(found.len(), 1, "{damage}: {found:?}");
            // The program has started anew since.
            let (again, mut told) = writer(&db);
            tokio::spawn(async move { while told.recv().await.is_some() {} });
            let thread = (garden, Target::Thread { root, also_in_room: false });
            let sent = say_in(&again, ann, thread, "", "pink").await.unwrap().unwrap();
            let conn = &mut db.read().await.unwrap();
            let key = ThreadKey { conversation: garden, root };
            let summary = store::threads::one(conn, key).await.unwrap().expect("a thread");
            assert_eq!(
                (summary.replies, summary.last_seq, summary.rev),
                (replies, Some(sent.seq), sent.seq),
                "{damage}"
            );
            assert_eq!(summary.participants, [ann]);
            assert_eq!(store::doctor::unreadable_rows(&url).await.unwrap(), [] as [&str; 0], "{damage}");
        }
    }
}

#[tokio::test]
async fn earlier_texts_that_should_be_gone_are_found() {
    for url in unmigrated_urls().await {
        let db = Db::open(&options(&url)).await.unwrap();
        db.migrate().await.unwrap();
        let (writer, mut told) = writer(&db);
        tokio::spawn(async move { while told.recv().await.is_some() {} });
        let (ann, _bob, garden) = room(&writer).await;
        say(&writer, ann, garden, "", "roses").await.unwrap().unwrap();
        const KEEP: &str = "UPDATE conversations SET edit_history = 1;
             INSERT INTO message_versions (conversation_id, seq, number, editor_id, written_at, text)
                 SELECT conversation_id, seq, seq + 1, 1, 1, 'rosse' FROM messages";
        run(&url, KEEP).await;
        assert_eq!(store::doctor::unreadable_rows(&url).await.unwrap(), [] as [&str; 0]);
        for (damage, undo) in [
            ("UPDATE conversations SET edit_history = 0", "UPDATE conversations SET edit_history = 1"),
            ("UPDATE messages SET text = NULL, deleted_at = 1", "UPDATE messages SET text = 'x', deleted_at = NULL"),
        ] {
            run(&url, damage).await;
            assert_eq!(store::doctor::unreadable_rows(&url).await.unwrap().len(), 1, "{damage}");
            run(&url, undo).await;
        }
        drop(writer);
    }
}

#[tokio::test]
async fn a_conversation_of_an_unknown_kind_is_left_out_and_the_others_are_there() {
    for url in unmigrated_urls().await {
        let db = Db::open(&options(&url)).await.unwrap();
        db.migrate().await.unwrap();
        let (writer, mut told) = writer(&db);
        tokio::spawn(async move { while told.recv().await.is_some() {} });
        let (ann, _bob, garden) = room(&writer).await;
        let text = "INSERT INTO conversations (id, kind, visibility, created_by, created_at, head, rev, member_count, active_at)
                        VALUES (77, 'castle', 'private', 1, 1, 1, 1, 1, 1);
                    INSERT INTO members (conversation_id, user_id, role, rev, joined_at, read_seq, delivered_seq)
                        VALUES (77, 1, 'owner', 1, 1, 0, 0)";
        run(&url, text).await;
        let conn = &mut db.read().await.unwrap();
        let castle = ConversationId(77);
        assert!(store::conversations::by_id(conn, castle).await.unwrap().is_none());
        assert!(store::members::membership(conn, castle, ann).await.unwrap().is_none());
        let ids: Vec<_> = store::members::of_users(conn, &[ann]).await.unwrap()[&ann]
            .memberships
            .iter()
            .map(|b| b.conversation)
            .collect();
        assert_eq!(ids, [garden]);
        assert_eq!(store::listing::listed(conn, ann, None, 10).await.unwrap().len(), 1);
        assert_eq!(store::doctor::unreadable_rows(&url).await.unwrap().len(), 1);
    }
}
