//! Jobs: each is done once, by whichever node claims it, and none is forgotten.

use std::collections::BTreeSet;

use chat::{Error, Millis};
use store::{
    Db, Writer,
    jobs::{self, Job, Kind, LEASE, TRIES},
};

use crate::{databases, options, unmigrated_urls, writer};

const LEASE_MS: i64 = LEASE.as_millis() as i64;

/// The writers of two nodes on each kind of database; on SQLite, which has one node, both are the same.
async fn pairs() -> Vec<(Writer, Writer)> {
    let mut pairs = Vec::new();
    for url in unmigrated_urls().await {
        let db = Db::open(&options(&url)).await.unwrap();
        db.migrate().await.unwrap();
        let (one, mut told) = writer(&db);
        tokio::spawn(async move { while told.recv().await.is_some() {} });
        let other = if db.is_sqlite() {
            one.clone()
        } else {
            let (other, mut told) = writer(&Db::open(&options(&url)).await.unwrap());
            tokio::spawn(async move { while told.recv().await.is_some() {} });
            other
        };
        pairs.push((one, other));
    }
    pairs
}

async fn add(writer: &Writer, subjects: std::ops::Range<i64>, due_at: i64) {
    let work = writer.change(&[], None, move |unit| {
        Box::pin(async move {
            for subject in subjects {
                jobs::add(&mut unit.conn, Kind::Reminder, subject, Millis(due_at)).await?;
            }
            Ok(())
        })
    });
    work.await.unwrap();
}

async fn claim(writer: &Writer, limit: i64, now: i64) -> Vec<Job> {
    let work = writer.change(&[], None, move |unit| {
        Box::pin(async move { Ok(jobs::claim(&mut unit.conn, Kind::ALL, limit, Millis(now)).await?) })
    });
    work.await.unwrap()
}

async fn finish(writer: &Writer, job: Job) -> bool {
    let work =
        writer.change(&[], None, move |unit| Box::pin(async move { Ok(jobs::finish(&mut unit.conn, &job).await?) }));
    work.await.unwrap()
}

async fn fail(writer: &Writer, job: Job, now: i64) -> bool {
    let work = writer.change(&[], None, move |unit| {
        Box::pin(async move { Ok(jobs::fail(&mut unit.conn, &job, "unavailable", Millis(now)).await?) })
    });
    work.await.unwrap()
}

fn subjects(jobs: &[Job]) -> Vec<i64> {
    jobs.iter().map(|job| job.subject).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_that_claim_at_once_claim_each_job_once() {
    for (one, other) in pairs().await {
        add(&one, 0..200, 1_000).await;
        add(&one, 200..210, 5_000).await;
        let all = |node: Writer| async move {
            let mut claimed = Vec::new();
            loop {
                let jobs = claim(&node, 7, 2_000).await;
                assert!(jobs.len() <= 7, "{}", jobs.len());
                if jobs.is_empty() {
                    return claimed;
                }
                claimed.extend(subjects(&jobs));
            }
        };
        let (ours, theirs) = tokio::join!(tokio::spawn(all(one.clone())), tokio::spawn(all(other)));
        let claimed = [ours.unwrap(), theirs.unwrap()].concat();
        // A job that one node passed over while the other was claiming it was claimed by that.
        let each: BTreeSet<i64> = claimed.iter().copied().collect();
        assert_eq!(claimed.len(), each.len(), "some were claimed twice");
        assert_eq!(each, (0..200).collect());
    }
}

#[tokio::test]
async fn what_is_due_first_is_claimed_first_and_nothing_before_it_is_due() {
    for (one, _) in pairs().await {
        add(&one, 3..4, 3_000).await;
        add(&one, 1..2, 2_000).await;
        add(&one, 2..3, 2_500).await;
        assert_eq!(claim(&one, 10, 1_999).await, []);
        assert_eq!(subjects(&claim(&one, 1, 3_000).await), [1]);
        assert_eq!(subjects(&claim(&one, 10, 3_000).await), [2, 3]);
    }
}

#[tokio::test]
async fn a_claim_that_runs_out_is_anothers_and_says_nothing_any_more() {
    for (one, other) in pairs().await {
        add(&one, 7..8, 1_000).await;
        let died = claim(&one, 10, 1_000).await[0];
        assert_eq!((died.tries, died.due_at), (1, Millis(1_000)));
        assert_eq!(claim(&other, 10, 999 + LEASE_MS).await, []);
        let second = claim(&other, 10, 1_000 + LEASE_MS).await[0];
        assert_eq!(second.tries, 2);
        assert!(!finish(&one, died).await, "its claim has run out");
        assert!(!fail(&one, died, 2_000).await);
        assert_eq!(claim(&one, 10, 3_000).await, [], "and does not give the job back");
        assert!(finish(&other, second).await);
        assert!(!finish(&other, second).await, "it is done once");
        assert_eq!(claim(&one, 10, 1_000_000_000).await, []);
    }
}

#[tokio::test]
async fn what_fails_is_tried_again_later_and_later_and_then_given_up_until_somebody_asks() {
    for db in databases().await {
        let (writer, _told) = writer(&db);
        add(&writer, 7..8, 0).await;
        let (mut now, mut pauses) = (0, Vec::new());
        for tries in 1..=TRIES {
            let job = claim(&writer, 10, now).await[0];
            assert_eq!(job.tries, tries);
            let given_up = fail(&writer, job, now).await;
            assert_eq!(given_up, tries == TRIES);
            let mut conn = db.read().await.unwrap();
            match jobs::next(&mut conn, Kind::ALL).await.unwrap() {
                Some(Millis(due_at)) => {
                    assert!(claim(&writer, 10, due_at - 1).await.is_empty());
                    pauses.push(due_at - now);
                    now = due_at;
                }
                None => assert!(given_up),
            }
        }
        assert_eq!(pauses.len() as i64, TRIES - 1);
        assert!(pauses.windows(2).all(|two| two[0] < two[1]), "{pauses:?}");
        assert_eq!(claim(&writer, 10, i64::MAX / 2).await, []);
        let mut conn = db.read().await.unwrap();
        assert_eq!(jobs::counts(&mut conn).await.unwrap(), (0, 1));
        let failed = jobs::failed(&mut conn, 10).await.unwrap();
        let shown = (failed[0].kind.as_str(), failed[0].subject, failed[0].tries, failed[0].error.as_deref());
        assert_eq!(shown, ("reminder", 7, TRIES, Some("unavailable")));
        drop(conn);
        let again = |kind: &'static str, subject| {
            writer.change(&[], None, move |unit| {
                Box::pin(async move { Ok(jobs::again(&mut unit.conn, kind, subject, Millis(5)).await?) })
            })
        };
        assert!(!again("reminder", 8).await.unwrap() && !again("other", 7).await.unwrap());
        assert!(again("reminder", 7).await.unwrap());
        assert_eq!(claim(&writer, 10, 5).await[0].tries, 1);
    }
}

#[tokio::test]
async fn a_job_whose_cause_is_refused_is_not_there_and_one_that_is_added_again_is_due_anew() {
    for db in databases().await {
        let (writer, _told) = writer(&db);
        let refused: chat::Result<()> = writer
            .change(&[], None, |unit| {
                Box::pin(async move {
                    jobs::add(&mut unit.conn, Kind::Reminder, 1, Millis(1)).await?;
                    Err(Error::forbidden("changed my mind"))
                })
            })
            .await;
        refused.unwrap_err();
        assert_eq!(claim(&writer, 10, 10).await, []);

        add(&writer, 2..3, 1).await;
        let job = claim(&writer, 10, 1).await[0];
        add(&writer, 2..3, 500).await;
        assert!(!finish(&writer, job).await, "what is to be done is another thing now");
        assert_eq!(claim(&writer, 10, 499).await, []);
        let later = claim(&writer, 10, 500).await[0];
        assert_eq!(later.tries, 1);
        let mut conn = db.read().await.unwrap();
        assert_eq!(jobs::overdue(&mut conn, Millis(500)).await.unwrap(), 0, "it is being done");
        assert_eq!(jobs::overdue(&mut conn, Millis(500 + LEASE_MS)).await.unwrap(), 1, "nobody has done it");
    }
}
