//! Connections for reading go round those who ask.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use chat::UserId;
use store::turns::{Reader, reading_for};

use crate::databases;

const LOUD: Reader = Reader::Person(UserId(1));
const QUIET: Reader = Reader::Person(UserId(2));

#[tokio::test]
async fn whoever_reads_much_waits_for_themselves() {
    for db in databases().await {
        let mut all = Vec::new();
        while let Ok(held) = tokio::time::timeout(Duration::from_millis(200), db.read()).await {
            all.push(held.unwrap());
        }
        let had = Arc::new(Mutex::new(Vec::new()));
        let ask = |reader| {
            let (db, had) = (db.clone(), had.clone());
            tokio::spawn(reading_for(reader, async move {
                let _held = db.read().await.unwrap();
                had.lock().unwrap().push(reader);
            }))
        };
        let mut asked: Vec<_> = (0..50).map(|_| ask(LOUD)).collect();
        tokio::task::yield_now().await;
        asked.push(ask(QUIET));
        tokio::task::yield_now().await;
        all.truncate(1);
        drop(all);
        for asked in asked {
            asked.await.unwrap();
        }
        let had = had.lock().unwrap();
        let before = had.iter().position(|reader| *reader == QUIET).unwrap();
        assert_eq!(had.len(), 51);
        assert!(before <= 8, "{before} of them were read before");
    }
}
