//! The index for searching proposes what a naive search over the rows finds, on both databases; it follows what changes,
//! and is made anew when it is lost.

use std::collections::BTreeSet;

use chat::{
    ConversationId, MessageId, Millis, Number, UserId,
    conversations::Kind,
    messages::Message,
    search::{Has, Phrase, matching},
};
use store::{
    Db, Writer,
    search::{
        self, Needle, Pass,
        examined::{State, examine},
    },
};

use crate::{
    chance::{Chance, WORDS},
    databases, options, room, say, unmigrated_urls, writer,
};

/// Has the index follow until it has seen everything.
async fn caught_up(db: &Db) -> usize {
    let mut texts = 0;
    search::look(db).await.unwrap();
    loop {
        let held = search::look(db).await.unwrap().shards;
        let behind: Vec<ConversationId> =
            search::behind(db, held).await.unwrap().into_iter().map(|(id, _)| id).collect();
        if behind.is_empty() {
            assert_eq!(search::status(db).await.unwrap(), search::Status::default());
            return texts;
        }
        let Pass { reached, texts: of_pass } = search::pass(db, &behind, 100).await.unwrap();
        assert!(!reached.is_empty());
        texts += of_pass;
    }
}

/// The ids of what is found: proposed by the index, and looked at.
async fn found(db: &Db, needle: &Needle, user: UserId) -> BTreeSet<i64> {
    let mut found = BTreeSet::new();
    let mut end = 1 << 40;
    loop {
        let ids = search::candidates(db, needle, (0, end), 7).await.unwrap();
        assert!(ids.is_sorted_by(|one, next| one > next), "newest first, each once: {ids:?}");
        let Some(last) = ids.last() else { return found };
        end = last.0;
        let time = (Millis(0), Millis(i64::MAX));
        let rows = store::messages::found(&mut db.read().await.unwrap(), &ids, user, time, &Kind::ALL).await.unwrap();
        for row in rows {
            let text = row.text.unwrap();
            if matching::places(&text, &needle.words, &needle.not).is_some() {
                found.insert(row.id.0);
            }
        }
    }
}

/// The ids that a search without an index finds among these messages.
fn naive(all: &[Message], needle: &Needle) -> BTreeSet<i64> {
    let is_found = |message: &&Message| {
        let Some(text) = &message.text else { return false };
        (needle.authors.is_empty() || needle.authors.contains(&message.author))
            && (needle.conversations.is_empty() || needle.conversations.contains(&message.conversation))
            && needle.has.iter().all(|has| has.is_in(text, &message.files))
            && matching::matched_in(text, &message.files, &needle.words, &needle.not).is_some()
    };
    all.iter().filter(is_found).map(|message| message.id.0).collect()
}

async fn read_all(db: &Db, room: ConversationId) -> Vec<Message> {
    let mut conn = db.read().await.unwrap();
    store::messages::before(&mut conn, room, Number(1 << 40), Number(0), 10_000).await.unwrap()
}

async fn edit(writer: &Writer, room: ConversationId, seq: i64, text: Option<String>) {
    let scopes = [room.into()];
    let work = writer.change(&scopes, None, move |unit| {
        Box::pin(async move {
            let number = unit.next_number(room).await?;
            match &text {
                Some(text) => store::messages::edit(&mut unit.conn, room, Number(seq), text, number, unit.now).await?,
                None => {
                    let message = store::messages::one(&mut unit.conn, room, Number(seq)).await?.unwrap();
                    store::messages::delete(&mut unit.conn, &message, number, unit.now).await?;
                }
            }
            Ok(())
        })
    });
    work.await.unwrap();
}

async fn touch(writer: &Writer, room: ConversationId, seq: i64) {
    let scopes = [room.into()];
    let work = writer.change(&scopes, None, move |unit| {
        Box::pin(async move {
            let number = unit.next_number(room).await?;
            Ok(store::messages::touch(&mut unit.conn, room, Number(seq), number).await?)
        })
    });
    work.await.unwrap();
}

fn needle(words: &str) -> Needle {
    Needle { words: vec![Phrase::of(words, false).unwrap()], ..Needle::default() }
}

#[tokio::test]
async fn the_index_finds_what_a_naive_search_finds() {
    for db in databases().await {
        search::check_version(&db).await.unwrap();
        let (writer, mut told) = writer(&db);
        tokio::spawn(async move { while told.recv().await.is_some() {} });
        let (ann, bob, garden) = room(&writer).await;
        let mut chance = Chance(0x5EED);
        let mut seqs = Vec::new();
        for at in 0..300 {
            let author = if at % 3 == 0 { bob } else { ann };
            let text = if at == 7 { "the end ".repeat(300) } else { chance.text(6) };
            seqs.push(say(&writer, author, garden, "", &text).await.unwrap().unwrap().seq.0);
            if at == 150 {
                caught_up(&db).await;
            }
            if at % 20 == 19 {
                // The long one stays: it is asked for at the end.
                let old = seqs[8 + chance.below(seqs.len() - 8)];
                let text = (chance.below(3) > 0).then(|| chance.text(6));
                edit(&writer, garden, old, text).await;
            }
        }
        caught_up(&db).await;
        let all = read_all(&db, garden).await;
        let mut hits = 0;
        for at in 0..400 {
            let phrases = |chance: &mut Chance, most: usize| -> Vec<Phrase> {
                let count = chance.below(most + 1);
                (0..count).filter_map(|_| Phrase::of(&chance.text(2), chance.below(5) == 0)).collect()
            };
            let mut words = phrases(&mut chance, 2);
            if words.is_empty() {
                words.extend(Phrase::of(WORDS[chance.below(WORDS.len())], false));
            }
            let needle = Needle {
                not: phrases(&mut chance, 1),
                authors: if at % 5 == 0 { vec![bob] } else { vec![] },
                conversations: if at % 7 == 0 { vec![garden, ConversationId(99)] } else { vec![] },
                has: if at % 11 == 0 { vec![Has::Link] } else { vec![] },
                words,
            };
            if needle.words.is_empty() && needle.authors.is_empty() {
                continue;
            }
            let expected = naive(&all, &needle);
            hits += expected.len();
            assert_eq!(found(&db, &needle, ann).await, expected, "{needle:?}");
        }
        assert!(hits > 1_000, "the questions find something: {hits}");
        let often = needle("end the");
        assert!(!found(&db, &often, ann).await.is_empty(), "a term that stands there more often than its positions");
    }
}

#[tokio::test]
async fn a_reaction_indexes_nothing_anew_and_an_edit_does() {
    for db in databases().await {
        let (writer, mut told) = writer(&db);
        tokio::spawn(async move { while told.recv().await.is_some() {} });
        let (ann, _bob, garden) = room(&writer).await;
        let seq = say(&writer, ann, garden, "", "apples").await.unwrap().unwrap().seq.0;
        assert_eq!(caught_up(&db).await, 1);
        touch(&writer, garden, seq).await;
        assert_eq!(caught_up(&db).await, 0);
        edit(&writer, garden, seq, Some("pears".into())).await;
        touch(&writer, garden, seq).await;
        assert_eq!(caught_up(&db).await, 1);
        assert_eq!(
            (found(&db, &needle("apples"), ann).await.len(), found(&db, &needle("pears"), ann).await.len()),
            (0, 1)
        );
        edit(&writer, garden, seq, None).await;
        assert_eq!(caught_up(&db).await, 1);
        let left = search::candidates(&db, &needle("pears"), (0, 1 << 40), 10).await.unwrap();
        assert_eq!(left, [] as [MessageId; 0], "what was deleted is not in the index either");
    }
}

#[tokio::test]
async fn an_emptied_or_lost_index_is_made_anew() {
    for url in unmigrated_urls().await {
        let db = Db::open(&options(&url)).await.unwrap();
        db.migrate().await.unwrap();
        let (writer, mut told) = writer(&db);
        tokio::spawn(async move { while told.recv().await.is_some() {} });
        let (ann, _bob, garden) = room(&writer).await;
        say(&writer, ann, garden, "", "one apple").await.unwrap().unwrap();
        caught_up(&db).await;
        search::clear(&db).await.unwrap();
        assert_eq!(found(&db, &needle("apple"), ann).await.len(), 0);
        assert!(!search::look(&db).await.unwrap().taken.are_none(), "whoever follows looks at all conversations");
        caught_up(&db).await;
        assert_eq!(found(&db, &needle("apple"), ann).await.len(), 1);
        let Some(file) = url.strip_prefix("sqlite:").map(|path| path.replace("test.db", "test.search.db")) else {
            continue;
        };
        // Lost while it is open, and damaged.
        std::fs::remove_file(&file).unwrap();
        caught_up(&db).await;
        assert_eq!(found(&db, &needle("apple"), ann).await.len(), 1);
        std::fs::write(&file, "this is no index").unwrap();
        let db = Db::open(&options(&url)).await.unwrap();
        caught_up(&db).await;
        assert_eq!(found(&db, &needle("apple"), ann).await.len(), 1);
        assert_eq!(store::Damage::seen(), None, "it says nothing of the database");
    }
}

#[tokio::test]
async fn an_examination_tells_what_became_of_the_index_and_changes_nothing() {
    for url in unmigrated_urls().await {
        let db = Db::open(&options(&url)).await.unwrap();
        db.migrate().await.unwrap();
        assert_eq!(examine(&url).await.unwrap().state, State::Absent);
        let (writer, mut told) = writer(&db);
        tokio::spawn(async move { while told.recv().await.is_some() {} });
        let (ann, _bob, garden) = room(&writer).await;
        search::check_version(&db).await.unwrap();
        say(&writer, ann, garden, "", "one apple").await.unwrap().unwrap();
        let found = examine(&url).await.unwrap();
        assert_eq!((found.state, found.status.behind), (State::Good, 1));
        assert!(found.status.changes > 0 && found.bytes > 0);
        caught_up(&db).await;
        assert_eq!(examine(&url).await.unwrap().status, search::Status::default());
        let Some(file) = url.strip_prefix("sqlite:").map(|path| path.replace("test.db", "test.search.db")) else {
            continue;
        };
        drop(writer);
        db.close().await;
        std::fs::write(&file, "this is no index, and stays what it is").unwrap();
        assert!(matches!(examine(&url).await.unwrap().state, State::Damaged(_)));
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "this is no index, and stays what it is");
        std::fs::remove_file(&file).unwrap();
        assert_eq!(examine(&url).await.unwrap().state, State::Absent);
        assert!(!std::path::Path::new(&file).exists());
    }
}

#[tokio::test]
async fn only_who_holds_the_lease_writes_the_index() {
    for url in unmigrated_urls().await {
        let open = || async { Db::open(&options(&url)).await.unwrap() };
        let (db, other) = (open().await, open().await);
        db.migrate().await.unwrap();
        if db.is_sqlite() {
            continue;
        }
        let (writer, mut told) = writer(&db);
        tokio::spawn(async move { while told.recv().await.is_some() {} });
        let (ann, _bob, garden) = room(&writer).await;
        say(&writer, ann, garden, "", "one apple").await.unwrap().unwrap();
        caught_up(&db).await;
        say(&writer, ann, garden, "", "two apples").await.unwrap().unwrap();
        let stranger = search::pass(&other, &[garden], 100).await.unwrap();
        assert_eq!(stranger, Pass::default(), "a node without the lease leaves it alone");
        // It tells the one that has it.
        search::tell(&other, &[(garden, Number(3))]).await.unwrap();
        assert_eq!(search::told(&db).await.unwrap(), [(garden, Number(3))]);
        caught_up(&db).await;
        assert_eq!(search::told(&db).await.unwrap(), []);
        // A second node gets its share once it is given back, and the rest when the first has left.
        search::look(&other).await.unwrap();
        let kept = search::look(&db).await.unwrap().shards;
        let half = search::look(&other).await.unwrap().shards;
        assert_eq!((kept.0.count_ones(), half.0.count_ones(), kept.0 & half.0), (32, 32, 0));
        search::leave(&db).await.unwrap();
        assert_eq!(search::look(&other).await.unwrap().shards.0, u64::MAX);
    }
}

#[tokio::test]
async fn what_a_node_followed_that_died_another_follows_on() {
    for url in unmigrated_urls().await {
        let open = || async { Db::open(&options(&url)).await.unwrap() };
        let (dead, living) = (open().await, open().await);
        dead.migrate().await.unwrap();
        if dead.is_sqlite() {
            continue;
        }
        let (writer, mut told) = writer(&dead);
        tokio::spawn(async move { while told.recv().await.is_some() {} });
        let (ann, _bob, garden) = room(&writer).await;
        say(&writer, ann, garden, "", "one apple").await.unwrap().unwrap();
        caught_up(&dead).await;
        say(&writer, ann, garden, "", "two apples").await.unwrap().unwrap();
        // From here on it says nothing more, neither that it leaves nor what it has committed.
        let held = search::look(&living).await.unwrap();
        assert!(held.shards.are_none() && !held.somebody_died, "{held:?}");
        tokio::time::sleep(std::time::Duration::from_millis(4_100)).await;
        let held = search::look(&living).await.unwrap();
        assert!(held.somebody_died && held.taken.0 == u64::MAX, "{held:?}");
        assert_eq!(caught_up(&living).await, 1, "it goes on from where the other was");
        assert_eq!(found(&living, &needle("two"), ann).await.len(), 1);
    }
}

/// On PostgreSQL, which counts what it reads: here without statistics of its tables, as after many messages have come.
#[tokio::test]
async fn reading_a_few_messages_reads_no_others() {
    for db in databases().await.into_iter().filter(|db| !db.is_sqlite()) {
        let (writer, mut told) = writer(&db);
        tokio::spawn(async move { while told.recv().await.is_some() {} });
        let (ann, _, garden) = room(&writer).await;
        let mut ids = Vec::new();
        for at in 0..8 {
            ids.push(say(&writer, ann, garden, "", &format!("{at}")).await.unwrap().unwrap().id);
        }
        let mut conn = db.read().await.unwrap();
        many_more(&mut conn, garden, ann).await;
        let before = fetched(&mut conn).await;
        let time = (Millis(0), Millis(i64::MAX));
        let rows = store::messages::found(&mut conn, &ids, ann, time, &Kind::ALL).await.unwrap();
        assert_eq!(rows.len(), 8);
        let read = fetched(&mut conn).await - before;
        assert!((8..40).contains(&read), "{read} messages were read for 8");
        assert_eq!(store::messages::newest_in_room(&mut conn, &[garden]).await.unwrap().len(), 1);
        assert_eq!(store::messages::newest(&mut conn, &[garden]).await.unwrap().len(), 1);
        let read = fetched(&mut conn).await - before - read;
        assert!((2..40).contains(&read), "{read} messages were read for the newest");
    }
}

/// Makes the table so long that reading it is worth avoiding.
async fn many_more(conn: &mut store::Conn, room: ConversationId, author: UserId) {
    let store::Conn::Postgres(conn) = conn else { panic!("this is PostgreSQL's") };
    let insert = "INSERT INTO messages (conversation_id, seq, rev, author_id, content_hash, text, created_at)
                  SELECT $1, n, n, $2, 0, 'more', 0 FROM generate_series(1001, 21000) AS n";
    sqlx::query(insert).bind(room.0).bind(author.0).execute(&mut **conn).await.unwrap();
}

/// How many rows of messages this connection has read since PostgreSQL last gathered its counts.
async fn fetched(conn: &mut store::Conn) -> i64 {
    let store::Conn::Postgres(conn) = conn else { panic!("only PostgreSQL counts") };
    let count = "SELECT COALESCE(idx_tup_fetch, 0) + seq_tup_read FROM pg_stat_xact_user_tables
                 WHERE relid = 'messages'::regclass";
    sqlx::query_scalar(count).fetch_one(&mut **conn).await.unwrap()
}
