//! Keys of names: of rows that are there already, of those that an earlier program writes, and of other tables.

use chat::{ConversationId, MessageId, Millis, Number, UserId, conversations::Visibility, reactions::Reaction};
use store::{Db, names::Settled};

use super::{options, schema::later_version, unmigrated_urls, writer};

/// The rows that a program of the version before has left: names under keys without case, and nothing else.
const BEFORE: &str = "
    INSERT INTO users (id, username, username_key, email, mail_key, role, display_name, first_name, last_name, created_at) VALUES
        (1, 'user1', 'user1', 'Zoe\u{308}@x.example', 'zoe\u{308}@x.example', 'user', NULL, NULL, NULL, 1),
        (2, 'userl', 'userl', NULL, NULL, 'user', 'Al \u{202e}ecila', '\u{200b}', 'Dupont', 1),
        (3, 'Marie', 'marie', NULL, NULL, 'user', 'Marie E\u{301}lodie', NULL, 'Wei \u{5f20}\u{4f1f}', 1);
    INSERT INTO account_heads (user_id, head) VALUES (1, 0), (2, 7), (3, 0);
    INSERT INTO conversations (id, kind, visibility, name, name_key, room_key, created_by, created_at, head, rev, member_count, active_at) VALUES
        (1, 'room', 'public', 'Caf\u{e9}', 'caf\u{e9}', 'caf\u{e9}', 1, 1, 1, 1, 0, 1),
        (2, 'room', 'public', 'Cafe\u{301}', 'cafe\u{301}', 'cafe\u{301}', 1, 1, 5, 2, 0, 1),
        (3, 'room', 'public', 'kitchen', 'kitchen', 'kitchen', 1, 1, 1, 1, 0, 1),
        (4, 'room', 'public', 'kitchen\u{200b}', 'kitchen\u{200b}', 'kitchen\u{200b}', 1, 1, 1, 1, 0, 1),
        (5, 'room', 'public', 'k\u{456}tchen', 'k\u{456}tchen', 'k\u{456}tchen', 1, 1, 1, 1, 0, 1),
        (6, 'room', 'private', 'Kitchen', NULL, 'kitchen', 1, 1, 1, 1, 0, 1),
        (7, 'room', 'public', '\u{200b}', '\u{200b}', '\u{200b}', 1, 1, 1, 1, 0, 1),
        (8, 'group', 'private', '\u{3164}', NULL, NULL, 1, 1, 1, 1, 0, 1),
        (9, 'room', 'public', 'kitchen (2)', 'kitchen (2)', 'kitchen (2)', 1, 1, 1, 1, 0, 1),
        (10, 'direct', 'private', NULL, NULL, NULL, 1, 1, 1, 1, 0, 1);";

async fn before() -> Vec<(Db, String)> {
    let mut all = Vec::new();
    for url in unmigrated_urls().await {
        let db = Db::open(&options(&url)).await.unwrap();
        db.migrate().await.unwrap();
        later_version(&url, BEFORE).await;
        all.push((db, url));
    }
    all
}

/// Name, head and rev of a conversation.
async fn room(db: &Db, id: i64) -> (Option<String>, i64, i64) {
    let room = store::conversations::by_id(&mut db.read().await.unwrap(), ConversationId(id)).await.unwrap().unwrap();
    (room.name, room.head.0, room.rev.0)
}

async fn named(db: &Db, name: &str) -> Option<i64> {
    let room = store::conversations::public_by_name(&mut db.read().await.unwrap(), name).await.unwrap();
    room.map(|room| room.id.0)
}

#[tokio::test]
async fn names_from_before_get_keys_and_of_two_that_fall_together_the_newer_gets_a_number() {
    for (db, _) in before().await {
        let settled = db.settle_names(Millis(5)).await.unwrap();
        assert_eq!(settled, Settled { keyed: 12, cleaned: 6, renamed: 3, alike: 2 });
        assert_eq!(room(&db, 1).await, (Some("Caf\u{e9}".into()), 1, 1), "the older one has changed in nothing");
        assert_eq!(room(&db, 2).await, (Some("Caf\u{e9} (2)".into()), 6, 6));
        assert_eq!(room(&db, 3).await, (Some("kitchen".into()), 1, 1));
        assert_eq!(room(&db, 4).await, (Some("kitchen (2)".into()), 2, 2), "the newer of that name makes room");
        assert_eq!(room(&db, 5).await, (Some("k\u{456}tchen".into()), 1, 1), "what only looks alike stays");
        assert_eq!(room(&db, 7).await, (Some("room 7".into()), 2, 2));
        assert_eq!(room(&db, 8).await, (None, 2, 2));
        assert_eq!(room(&db, 9).await, (Some("kitchen (2) (2)".into()), 2, 2));
        assert_eq!(named(&db, "CAFE\u{301}").await, Some(1));
        assert_eq!(named(&db, "\u{ff4b}itchen\u{200b}").await, Some(3));
        let conn = &mut db.read().await.unwrap();
        let found = store::names::findings(conn, 10).await.unwrap();
        let told: Vec<_> =
            found.iter().map(|f| (f.noun.as_str(), f.subject, f.what.as_str(), f.name.as_deref(), f.other)).collect();
        assert_eq!(
            told,
            [
                ("room", 2, "renamed", Some("Caf\u{e9} (2)"), 1),
                ("room", 4, "renamed", Some("kitchen (2)"), 3),
                ("room", 9, "renamed", Some("kitchen (2) (2)"), 4),
                ("room", 5, "alike", Some("k\u{456}tchen"), 3),
                ("user", 2, "alike", None, 1),
            ]
        );
    }
}

#[tokio::test]
async fn profiles_from_before_lose_what_is_not_to_be_seen_and_people_are_found_by_every_word() {
    for (db, _) in before().await {
        db.settle_names(Millis(5)).await.unwrap();
        let conn = &mut db.read().await.unwrap();
        let bob = store::accounts::by_id(conn, UserId(2)).await.unwrap().unwrap();
        assert_eq!(bob.profile.display_name.as_deref(), Some("Al ecila"));
        assert_eq!((bob.profile.first_name, bob.rev), (None, Number(8)), "a change like any other");
        let changes = store::account_changes::since(conn, UserId(2), Number(7), 10).await.unwrap();
        assert_eq!(changes.iter().map(|change| change.rev.0).collect::<Vec<_>>(), [8]);
        for (search, wanted) in [
            ("elodie", &[3][..]),
            ("MARIE E\u{301}LO", &[3]),
            ("\u{c9}lodie wei", &[3]),
            ("\u{4f1f}", &[3]),
            ("dupont", &[2]),
            ("user", &[1, 2]),
            ("lodie", &[]),
            ("_", &[]),
            ("%", &[]),
            ("", &[1, 2, 3]),
        ] {
            let found = store::accounts::page(conn, search, UserId(0), 10).await.unwrap();
            assert_eq!(found.iter().map(|account| account.id.0).collect::<Vec<_>>(), wanted, "{search}");
        }
        let found = store::accounts::search(conn, "ZO\u{cb}@x", UserId(0), 10).await.unwrap();
        assert_eq!(found.iter().map(|account| account.id.0).collect::<Vec<_>>(), [1]);
        let rooms = store::conversations::public(conn, UserId(1), "2 KITCH", "", 10).await.unwrap();
        assert_eq!(rooms.iter().map(|(room, _)| room.id.0).collect::<Vec<_>>(), [4, 9]);
        assert!(rooms.iter().all(|(room, _)| room.visibility == Visibility::Public));
    }
}

#[tokio::test]
async fn keys_are_made_once_and_anew_for_other_tables_and_for_what_an_earlier_program_writes() {
    for (db, url) in before().await {
        db.settle_names(Millis(5)).await.unwrap();
        assert_eq!(db.settle_names(Millis(6)).await.unwrap(), Settled::default(), "all is done");
        later_version(&url, "UPDATE meta SET value = '0, Unicode 1' WHERE key = 'names'").await;
        let again = db.settle_names(Millis(7)).await.unwrap();
        assert_eq!(again, Settled { keyed: 11, cleaned: 0, renamed: 0, alike: 2 }, "nobody is renamed twice");
        assert_eq!(room(&db, 4).await, (Some("kitchen (2)".into()), 2, 2));
        // It renames an older room to what a newer one is called, and a person.
        later_version(
            &url,
            "UPDATE conversations SET name = 'CAFE\u{301} (2)', name_key = 'cafe\u{301} (2)', room_key = 'cafe\u{301} (2)' WHERE id = 1;
             UPDATE users SET last_name = 'Dupond' WHERE id = 2",
        )
        .await;
        let settled = db.settle_names(Millis(8)).await.unwrap();
        assert_eq!(settled, Settled { keyed: 2, cleaned: 1, renamed: 1, alike: 1 });
        assert_eq!(room(&db, 1).await.0.as_deref(), Some("CAF\u{c9} (2) (2)"), "who came by the name first keeps it");
        assert_eq!((named(&db, "caf\u{e9} (2)").await, named(&db, "caf\u{e9}").await), (Some(2), None));
        let conn = &mut db.read().await.unwrap();
        let found = store::accounts::page(conn, "dupond", UserId(0), 10).await.unwrap();
        assert_eq!(found.len(), 1);
    }
}

#[tokio::test]
async fn reactions_from_before_are_one_in_all_presentations_of_their_emoji() {
    let heart = "\u{2764}\u{fe0f}";
    for (db, url) in before().await {
        later_version(&url, REACTIONS).await;
        let (running, mut told) = writer(&db);
        tokio::spawn(async move { while told.recv().await.is_some() {} });
        let of = |emoji: &str, users: &[i64]| Reaction {
            emoji: emoji.into(),
            users: users.iter().copied().map(UserId).collect(),
        };
        let read = async || {
            let conn = &mut db.read().await.unwrap();
            store::reactions::of(conn, &[MessageId(1)]).await.unwrap().remove(&MessageId(1)).unwrap()
        };
        assert_eq!(read().await, [of(heart, &[1, 2]), of("lol", &[2])]);
        let taken = running.change(&[], None, move |unit| {
            Box::pin(async move { Ok(store::reactions::remove(&mut unit.conn, MessageId(1), heart, UserId(1)).await?) })
        });
        taken.await.unwrap();
        assert_eq!(read().await, [of(heart, &[2]), of("lol", &[2])]);
    }
}

const REACTIONS: &str = "
    INSERT INTO messages (id, conversation_id, seq, rev, author_id, client_id, content_hash, text, created_at)
        VALUES (1, 1, 1, 1, 1, 'a', 1, 'hello', 1);
    INSERT INTO reactions (message_id, emoji, user_id, number) VALUES
        (1, '\u{2764}', 1, 2), (1, '\u{2764}\u{fe0f}', 1, 3), (1, '\u{2764}', 2, 4), (1, 'lol', 2, 5);";
