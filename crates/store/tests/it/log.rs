//! SQLite's log beside its file.

use std::time::{Duration, Instant};

use sqlx::Connection as _;
use store::Db;

use super::{options, room, say, unmigrated_urls, writer};

/// More than the log may keep for good.
const MUCH: u64 = 20 << 20;

#[tokio::test]
async fn the_log_that_a_long_reader_made_large_is_short_again_when_nobody_writes_any_more() {
    let url = unmigrated_urls().await.swap_remove(0);
    let log = format!("{}-wal", url.trim_start_matches("sqlite:"));
    let size = || std::fs::metadata(&log).map_or(0, |about| about.len());
    let db = Db::open(&options(&url)).await.unwrap();
    db.migrate().await.unwrap();
    let (writer, mut told) = writer(&db);
    tokio::spawn(async move { while told.recv().await.is_some() {} });
    let (ann, _bob, garden) = room(&writer).await;
    let mut reader = sqlx::SqliteConnection::connect(&url).await.unwrap();
    read(&mut reader, "BEGIN").await;
    read(&mut reader, "SELECT COUNT(*) FROM messages").await;
    let text = "x".repeat(10_000);
    while size() < MUCH {
        let sends: Vec<_> = (0..200).map(|_| say(&writer, ann, garden, "", &text)).collect();
        for send in sends {
            send.await.unwrap().unwrap();
        }
    }
    read(&mut reader, "COMMIT").await;
    let begin = Instant::now();
    while size() > 16 << 20 {
        assert!(begin.elapsed() < Duration::from_secs(30), "{} bytes", size());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    say(&writer, ann, garden, "", "it goes on").await.unwrap().unwrap();
}

async fn read(reader: &mut sqlx::SqliteConnection, text: &'static str) {
    sqlx::query(text).fetch_all(reader).await.unwrap();
}
