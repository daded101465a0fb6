//! Programs of two versions on the same tables.

use chat::ConversationId;
use sqlx::Connection as _;
use store::Schema;

use super::{Db, Number, options, room, say, unmigrated_urls, writer};

/// The migration of a later version: it only adds.
const ADDED: &str = "
    ALTER TABLE messages ADD COLUMN mood TEXT;
    ALTER TABLE conversations ADD COLUMN colour INTEGER NOT NULL DEFAULT 7;
    ALTER TABLE users ADD COLUMN shoe_size INTEGER;
    CREATE TABLE pins (conversation_id INTEGER NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (conversation_id, seq));
    INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
        SELECT 9000, 'pins', TRUE, checksum, 1 FROM _sqlx_migrations WHERE version = 1;";

/// The same of one that has taken something away.
const TAKEN: &str =
    "INSERT INTO meta (key, value) VALUES ('needs', '9000') ON CONFLICT (key) DO UPDATE SET value = excluded.value";

pub(super) async fn later_version(url: &str, text: &'static str) {
    if url.starts_with("sqlite:") {
        let mut conn = sqlx::SqliteConnection::connect(url).await.unwrap();
        sqlx::raw_sql(text).execute(&mut conn).await.unwrap();
        conn.close().await.unwrap();
    } else {
        let mut conn = sqlx::PgConnection::connect(url).await.unwrap();
        sqlx::raw_sql(text).execute(&mut conn).await.unwrap();
        conn.close().await.unwrap();
    }
}

#[tokio::test]
async fn an_older_program_goes_on_and_starts_again_on_tables_to_which_a_later_one_has_added() {
    for url in unmigrated_urls().await {
        let db = Db::open(&options(&url)).await.unwrap();
        assert_eq!(db.schema().await.unwrap(), Schema::Absent);
        db.migrate().await.unwrap();
        assert_eq!(db.schema().await.unwrap(), Schema::Fresh);
        let (running, _told) = writer(&db);
        let (ann, bob, garden) = room(&running).await;
        say(&running, ann, garden, "a1", "before").await.unwrap().unwrap();
        let read = async |db: &Db| {
            let page = store::messages::before(&mut db.read().await.unwrap(), garden, Number(i64::MAX), Number(0), 10)
                .await
                .unwrap();
            page.into_iter().map(|message| message.text.unwrap_or_default()).collect::<Vec<_>>()
        };
        assert_eq!(read(&db).await, ["before"]);

        later_version(&url, ADDED).await;
        say(&running, bob, garden, "b1", "meanwhile").await.unwrap().unwrap();
        assert_eq!(read(&db).await, ["before", "meanwhile"]);

        let again = Db::open(&options(&url)).await.unwrap();
        again.migrate().await.unwrap();
        assert_eq!(again.schema().await.unwrap(), Schema::Ahead(9_000));
        let (started, _told) = writer(&again);
        assert!(say(&started, bob, garden, "b1", "meanwhile").await.unwrap().unwrap().repeated);
        say(&started, bob, garden, "b2", "after").await.unwrap().unwrap();
        assert_eq!(read(&again).await, ["before", "meanwhile", "after"]);

        later_version(&url, TAKEN).await;
        assert_eq!(again.schema().await.unwrap(), Schema::Beyond(9_000));
        again.migrate().await.unwrap_err();
        again.usable().await.unwrap_err();
    }
}

/// The writes of a program from before migration 6: it makes a private room, and renames one that a later program made.
const BEFORE_ROOM_KEYS: &str = "
    INSERT INTO conversations (id, kind, visibility, name, name_key, created_by, created_at, head, rev, member_count, active_at)
        VALUES (77, 'room', 'private', 'Attic', 'attic', 1, 1, 1, 1, 1, 1);
    INSERT INTO members (conversation_id, user_id, role, rev, joined_at, read_seq, delivered_seq)
        VALUES (77, 1, 'owner', 1, 1, 0, 0);
    UPDATE conversations SET visibility = 'private', name = 'Cellar', name_key = 'cellar' WHERE id = 1;";

#[tokio::test]
async fn private_rooms_of_an_older_program_are_found_by_members_and_end_to_take_the_name_from_others() {
    for url in unmigrated_urls().await {
        let db = Db::open(&options(&url)).await.unwrap();
        db.migrate().await.unwrap();
        let (running, mut told) = writer(&db);
        tokio::spawn(async move { while told.recv().await.is_some() {} });
        let (ann, _bob, garden) = room(&running).await;
        drop(running);
        later_version(&url, BEFORE_ROOM_KEYS).await;
        let found = async || {
            let conn = &mut db.read().await.unwrap();
            let mut ids = Vec::new();
            for name in ["Attic", "CELLAR", "Garden"] {
                let room = store::conversations::private_by_name(conn, ann, name).await.unwrap();
                ids.push(room.map(|room| room.id.0));
            }
            let all = store::conversations::all_rooms(conn, ("attic", ConversationId(0)), 10).await.unwrap();
            (ids, all.iter().map(|room| room.id.0).collect::<Vec<_>>())
        };
        let expected = (vec![Some(77), Some(garden.0), None], vec![77, garden.0]);
        assert_eq!(found().await, expected);
        for settled in [2, 0] {
            assert_eq!(db.settle_room_names().await.unwrap(), settled);
            assert_eq!(found().await, expected);
        }
        // The names are free for what everybody may see.
        later_version(&url, "UPDATE conversations SET name_key = 'attic' WHERE id = 1").await;
    }
}
