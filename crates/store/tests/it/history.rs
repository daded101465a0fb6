//! A database that comes back with less than it has acknowledged.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use chat::{ErrorCode, Millis, Outgoing, sessions::Origin};
use store::{Committed, Writer};
use tokio::sync::mpsc;

use super::{Db, options, room, say, schema::later_version as run, unmigrated_urls, writer, writer_at};

const NOW: Millis = Millis(1_000);
/// In milliseconds.
const DAY: i64 = 24 * 60 * 60_000;
/// The history that a node which has committed something would find in a copy from before that.
const BACK: &str = "UPDATE nodes SET mark = mark - 1";
/// The same, after another node has given the lost numbers to other messages.
const BACK_AND_GROWN: &str = "UPDATE nodes SET mark = mark - 1; UPDATE conversations SET head = head + 20";
/// A copy from before the node's first transaction.
const BACK_TO_BEFORE: &str = "DELETE FROM nodes";

struct Opened {
    url: String,
    db: Db,
}

/// Two openings of each database that there is: two nodes, or a server and an operator's command.
async fn nodes() -> Vec<(Opened, Opened)> {
    let mut all = Vec::new();
    for url in unmigrated_urls().await {
        let open = async || Opened { url: url.clone(), db: Db::open(&options(&url)).await.unwrap() };
        let (one, other) = (open().await, open().await);
        one.db.migrate().await.unwrap();
        one.db.epoch().await.unwrap();
        other.db.epoch().await.unwrap();
        all.push((one, other));
    }
    all
}

fn epoch(opened: &Opened) -> String {
    opened.db.epochs().borrow().id.clone()
}

async fn is_same(opened: &Opened) -> bool {
    is_same_at(opened, NOW).await
}

async fn is_same_at(opened: &Opened, now: Millis) -> bool {
    opened.db.is_same_history(&mut opened.db.read().await.unwrap(), now).await.unwrap()
}

#[tokio::test]
async fn a_node_whose_transactions_are_gone_begins_a_new_history_and_writes_nothing_before() {
    for lost in [BACK, BACK_AND_GROWN, BACK_TO_BEFORE] {
        for (one, _) in nodes().await {
            let (running, mut told) = writer(&one.db);
            let (ann, _, garden) = room(&running).await;
            say(&running, ann, garden, "a1", "kept").await.unwrap().unwrap();
            assert!(is_same(&one).await);
            let before = epoch(&one);
            run(&one.url, lost).await;
            let refused = say(&running, ann, garden, "a2", "of the history before").await.unwrap().unwrap_err();
            assert_eq!(refused.code, ErrorCode::Unavailable, "{lost}");
            assert_ne!(epoch(&one), before);
            assert!(one.db.epochs().borrow().is_later);
            let record = one.db.history_record().await.unwrap().expect("a record");
            assert_eq!((record.from, record.at), (before, 1_000));
            // Connected clients are told before anything of the new history.
            say(&running, ann, garden, "a3", "of the new one").await.unwrap().unwrap();
            let mut batches = Vec::new();
            while let Ok(batch) = told.try_recv() {
                batches.push(batch);
            }
            let anew = batches.iter().position(|batch| batch.contains(&Outgoing::NewHistory)).expect("it is told");
            assert_eq!(anew, batches.len() - 2, "{batches:?}");
            assert!(is_same(&one).await);
        }
    }
}

#[tokio::test]
async fn what_a_node_has_lost_is_seen_by_the_others_also_without_it() {
    for lost in [BACK, BACK_AND_GROWN, BACK_TO_BEFORE] {
        for (one, other) in nodes().await {
            let (running, _told) = writer(&one.db);
            let (ann, _, garden) = room(&running).await;
            say(&running, ann, garden, "a1", "soon to be lost").await.unwrap().unwrap();
            // The other has never written, and the one never writes again.
            let (idle, _other_told) = writer(&other.db);
            assert!(is_same(&other).await);
            run(&one.url, lost).await;
            assert!(!is_same(&other).await, "{lost}");
            let before = epoch(&other);
            let followed = idle.change(&[], None, |_| Box::pin(async { Ok(()) })).await;
            assert_eq!(followed.unwrap_err().code, ErrorCode::Unavailable);
            assert_ne!(epoch(&other), before);
            assert!(is_same(&other).await);
        }
    }
}

#[tokio::test]
async fn a_new_history_is_begun_once_by_whichever_node_sees_it_first() {
    for (one, other) in nodes().await {
        let ((first, _told), (second, mut second_told)) = (writer(&one.db), writer(&other.db));
        let (ann, _, garden) = room(&first).await;
        say(&second, ann, garden, "a1", "hello").await.unwrap().unwrap();
        assert!(is_same(&one).await && is_same(&other).await);
        run(&one.url, BACK).await;
        // Both find it by themselves and at once.
        let (one_says, other_says) =
            tokio::join!(say(&first, ann, garden, "b1", "a"), say(&second, ann, garden, "b2", "b"));
        assert!(one_says.unwrap().is_err() && other_says.unwrap().is_err());
        assert_eq!(epoch(&one), epoch(&other));
        assert_eq!(one.db.history_record().await.unwrap(), other.db.history_record().await.unwrap());
        let mut told = Vec::new();
        while let Ok(batch) = second_told.try_recv() {
            told.extend(batch);
        }
        assert_eq!(told.iter().filter(|told| **told == Outgoing::NewHistory).count(), 1);
        for (writer, id) in [(&first, "c1"), (&second, "c2")] {
            say(writer, ann, garden, id, "again").await.unwrap().unwrap();
        }
    }
}

#[tokio::test]
async fn a_database_that_lost_nothing_is_the_same_history() {
    for (one, other) in nodes().await {
        let ((first, _told), (second, _other_told)) = (writer(&one.db), writer(&other.db));
        let (ann, _, garden) = room(&first).await;
        for turn in 0..5 {
            say(&first, ann, garden, &format!("a{turn}"), "one").await.unwrap().unwrap();
            say(&second, ann, garden, &format!("b{turn}"), "other").await.unwrap().unwrap();
            assert!(is_same(&one).await && is_same(&other).await);
        }
        // What a promoted standby may do: its sequences jump ahead.
        run(&one.url, "UPDATE counters SET value = value + 32").await;
        assert!(is_same(&one).await && is_same(&other).await);
        say(&first, ann, garden, "c1", "one").await.unwrap().unwrap();
        assert_eq!(epoch(&one), epoch(&other));
        assert_eq!(one.db.history_record().await.unwrap(), None);
    }
}

/// A writer whose clock the test puts forward.
fn timed(db: &Db) -> (Writer, mpsc::Receiver<Committed>, Arc<AtomicI64>) {
    let time = Arc::new(AtomicI64::new(NOW.0));
    let clock = time.clone();
    let (writer, told) = writer_at(db, Arc::new(move || Millis(clock.load(Ordering::Relaxed))));
    (writer, told, time)
}

#[tokio::test]
async fn a_node_that_was_cut_off_until_the_others_had_forgotten_it_has_lost_nothing() {
    for (one, other) in nodes().await {
        let (running, _told, time) = timed(&one.db);
        let (ann, _, garden) = room(&running).await;
        let before = epoch(&one);
        let now = Millis(NOW.0 + 4 * DAY);
        time.store(now.0, Ordering::Relaxed);
        let (others, _other_told) = writer_at(&other.db, Arc::new(move || now));
        let db = other.db.clone();
        others
            .change(&[], None, |unit| Box::pin(async move { Ok(db.forget_nodes(&mut unit.conn, unit.now).await?) }))
            .await
            .unwrap();
        say(&running, ann, garden, "a1", "back again").await.unwrap().unwrap();
        assert_eq!(epoch(&one), before);
        assert!(is_same_at(&one, now).await);
    }
}

#[tokio::test]
async fn what_is_lost_in_an_outage_of_hours_is_found() {
    for (one, _) in nodes().await {
        let (running, _told, time) = timed(&one.db);
        let (ann, _, garden) = room(&running).await;
        let before = epoch(&one);
        time.fetch_add(DAY / 2, Ordering::Relaxed);
        run(&one.url, BACK_TO_BEFORE).await;
        say(&running, ann, garden, "a1", "of before").await.unwrap().unwrap_err();
        assert_ne!(epoch(&one), before);
    }
}

#[tokio::test]
async fn what_was_asked_of_the_history_before_does_not_begin_another() {
    for (one, _) in nodes().await {
        let (running, _told) = writer(&one.db);
        let (ann, _, garden) = room(&running).await;
        let first = epoch(&one);
        assert!(one.db.note_lost(&first, "a head has fallen".into()));
        say(&running, ann, garden, "a1", "of before").await.unwrap().unwrap_err();
        let second = epoch(&one);
        assert_ne!(second, first);
        assert!(!one.db.note_lost(&first, "a head had fallen".into()));
        say(&running, ann, garden, "a2", "of now").await.unwrap().unwrap();
        assert_eq!(epoch(&one), second);
    }
}

#[tokio::test]
async fn a_history_that_was_begun_in_a_transaction_that_failed_has_lost_nothing() {
    for (one, _) in nodes().await {
        let (running, _told) = writer(&one.db);
        let before = epoch(&one);
        run(&one.url, "DELETE FROM meta WHERE key = 'epoch'").await;
        let nothing = async || running.change(&[], None, |_| Box::pin(async { Ok(()) })).await;
        assert_eq!(nothing().await.unwrap_err().code, ErrorCode::Unavailable);
        nothing().await.unwrap();
        assert_eq!((epoch(&one), one.db.history_record().await.unwrap()), (before, None));
    }
}

#[tokio::test]
async fn an_epoch_that_was_over_never_holds_again() {
    for (one, _) in nodes().await {
        let (running, _told) = writer(&one.db);
        let (ann, _, garden) = room(&running).await;
        let first = epoch(&one);
        run(&one.url, BACK).await;
        say(&running, ann, garden, "a1", "lost").await.unwrap().unwrap_err();
        let second = epoch(&one);
        // The next copy is from before the first loss.
        let back =
            format!("UPDATE meta SET value = '{first}' WHERE key = 'epoch'; DELETE FROM meta WHERE key = 'history'");
        run(&one.url, back.leak()).await;
        assert!(!is_same(&one).await);
        say(&running, ann, garden, "a2", "lost").await.unwrap().unwrap_err();
        assert!(![&first, &second].contains(&&epoch(&one)));
        say(&running, ann, garden, "a3", "kept").await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn another_database_in_its_place_is_followed_and_not_renewed() {
    for (one, _) in nodes().await {
        let (running, _told) = writer(&one.db);
        let (ann, _, garden) = room(&running).await;
        run(&one.url, "UPDATE meta SET value = 'restored' WHERE key = 'epoch'; DELETE FROM nodes").await;
        say(&running, ann, garden, "a1", "of before").await.unwrap().unwrap_err();
        assert_eq!(epoch(&one), "restored");
        say(&running, ann, garden, "a2", "of now").await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn an_operator_begins_a_new_history_and_running_nodes_follow() {
    for (one, command) in nodes().await {
        let (running, _told) = writer(&one.db);
        let (ann, _, garden) = room(&running).await;
        let fresh = command.db.renew_epoch("by hand", NOW).await.unwrap();
        assert!(!is_same(&one).await);
        say(&running, ann, garden, "a1", "of before").await.unwrap().unwrap_err();
        assert_eq!(epoch(&one), fresh);
        assert_eq!(one.db.history_record().await.unwrap().map(|record| record.why), Some("by hand".to_owned()));
    }
}

#[tokio::test]
async fn a_session_that_was_lost_shares_its_id_with_no_later_one() {
    for (one, command) in nodes().await {
        let (running, _told) = writer(&one.db);
        let (ann, ..) = room(&running).await;
        let session = async || {
            running
                .change(&[], None, move |unit| {
                    Box::pin(async move {
                        let (origin, later) = (Origin::default(), Millis(9_000));
                        Ok(store::sessions::create(&mut unit.conn, ann, &origin, unit.now, later, later).await?)
                    })
                })
                .await
        };
        let before = session().await.unwrap();
        command.db.renew_epoch("by hand", NOW).await.unwrap();
        session().await.unwrap_err();
        assert!(session().await.unwrap().0 > before.0 + 1_000_000);
    }
}
