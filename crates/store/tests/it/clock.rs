//! A clock that was wrong, and is right again.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use chat::{ConversationId, Millis, Number, UserId};
use store::Db;
use tokio::sync::oneshot;

use super::{databases, options, room, say, unmigrated_urls, writer_at};

const DAY: i64 = 86_400_000;
const TODAY: i64 = 1_800_000_000_000;

async fn order(db: &Db, user: UserId) -> Vec<ConversationId> {
    let entries = store::listing::listed(&mut db.read().await.unwrap(), user, None, 10).await.unwrap();
    assert!(entries.iter().all(|entry| entry.active_at <= TODAY + 10 * DAY));
    entries.into_iter().map(|entry| entry.conversation.id).collect()
}

#[tokio::test]
async fn what_a_clock_that_was_ahead_has_dated_holds_nothing_up() {
    for db in databases().await {
        let time = Arc::new(AtomicI64::new(TODAY + 400 * DAY));
        let clock = {
            let time = time.clone();
            Arc::new(move || Millis(time.load(Ordering::Relaxed)))
        };
        let (writer, mut told) = writer_at(&db, clock.clone());
        tokio::spawn(async move { while told.recv().await.is_some() {} });
        let (ann, _bob, garden) = room(&writer).await;
        let other = writer
            .change(&[], None, move |unit| {
                Box::pin(async move {
                    let new = store::conversations::NewConversation {
                        kind: chat::conversations::Kind::Group,
                        visibility: chat::conversations::Visibility::Private,
                        name: None,
                        topic: None,
                        pair: None,
                        created_by: ann,
                        client_id: None,
                    };
                    let id = store::conversations::create(&mut unit.conn, &new, unit.now).await?;
                    let (role, now) = (chat::members::Role::Owner, unit.now);
                    store::members::join(&mut unit.conn, id, ann, role, Number(1), now).await?;
                    Ok(id)
                })
            })
            .await
            .unwrap();
        say(&writer, ann, garden, "", "in the future").await.unwrap().unwrap();
        say(&writer, ann, other, "", "a moment later").await.unwrap().unwrap();

        // While it runs the clock is put right; another conversation is the newest at once.
        time.store(TODAY, Ordering::Relaxed);
        let sent = say(&writer, ann, garden, "", "today").await.unwrap().unwrap();
        assert_eq!(sent.created_at, Millis(TODAY));
        assert_eq!(order(&db, ann).await, [garden, other]);
        let sent = say(&writer, ann, other, "", "a little later").await.unwrap().unwrap();
        assert!((TODAY..TODAY + 2_000).contains(&sent.created_at.0), "{sent:?}");
        assert_eq!(order(&db, ann).await, [other, garden]);

        // It was ahead once more, and was put right while the server was down.
        time.store(TODAY + 800 * DAY, Ordering::Relaxed);
        say(&writer, ann, garden, "", "in the future").await.unwrap().unwrap();
        drop(writer);
        time.store(TODAY + DAY, Ordering::Relaxed);
        let (writer, mut told) = writer_at(&db, clock.clone());
        tokio::spawn(async move { while told.recv().await.is_some() {} });
        let sent = say(&writer, ann, other, "", "tomorrow").await.unwrap().unwrap();
        assert_eq!(sent.created_at, Millis(TODAY + DAY));
        assert_eq!(order(&db, ann).await, [other, garden]);
        let sent = say(&writer, ann, garden, "", "tomorrow too").await.unwrap().unwrap();
        assert!(sent.created_at.0 < TODAY + DAY + 2_000, "{sent:?}");
    }
}

#[tokio::test]
async fn what_another_node_holds_is_not_waited_for_to_take_its_time_back() {
    for url in unmigrated_urls().await.into_iter().filter(|url| !url.starts_with("sqlite:")) {
        let (db, other) = (Db::open(&options(&url)).await.unwrap(), Db::open(&options(&url)).await.unwrap());
        db.migrate().await.unwrap();
        let (ahead, mut told) = writer_at(&other, Arc::new(|| Millis(TODAY + 400 * DAY)));
        tokio::spawn(async move { while told.recv().await.is_some() {} });
        let (ann, _bob, garden) = room(&ahead).await;
        let (holds, held) = oneshot::channel();
        let (let_go, gone) = oneshot::channel::<()>();
        let holding = ahead.clone();
        let holding = tokio::spawn(async move {
            let work = async move {
                holds.send(()).unwrap();
                gone.await.unwrap();
                Ok(())
            };
            holding.change(&[garden.into()], None, |_unit| Box::pin(work)).await
        });
        held.await.unwrap();

        // The node whose clock is right finds a time in the future in a row that it cannot have.
        let (right, mut told) = writer_at(&db, Arc::new(|| Millis(TODAY)));
        tokio::spawn(async move { while told.recv().await.is_some() {} });
        right
            .change(&[], None, move |unit| {
                Box::pin(async move { Ok(store::sessions::of_user(&mut unit.conn, ann, unit.now).await?) })
            })
            .await
            .unwrap();
        let_go.send(()).unwrap();
        holding.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_session_that_began_while_the_clock_was_ahead_does_not_last_as_much_longer() {
    const WHOLE: i64 = 90 * DAY;
    for db in databases().await {
        let clock = Arc::new(move || Millis(TODAY));
        let (writer, mut told) = writer_at(&db, clock);
        tokio::spawn(async move { while told.recv().await.is_some() {} });
        let (ann, _bob, _garden) = room(&writer).await;
        let at = |day: i64| Millis(TODAY + day * DAY);
        let session = writer
            .change(&[], None, move |unit| {
                Box::pin(async move {
                    let (conn, origin) = (&mut unit.conn, chat::sessions::Origin::default());
                    let ahead = Millis(TODAY + 400 * DAY);
                    let ends = ahead.plus(WHOLE);
                    let id = store::sessions::create(conn, ann, &origin, ahead, ends, ends).await?;
                    // Used today; it is idle for at most thirty days and lasts ninety.
                    let today = at(0);
                    store::sessions::note_use(conn, id, &origin, today, at(30), today.plus(WHOLE)).await?;
                    for day in [29, 58, 87] {
                        let latest = at(day).plus(WHOLE);
                        store::sessions::note_use(conn, id, &origin, at(day), at(day + 30), latest).await?;
                    }
                    Ok(id)
                })
            })
            .await
            .unwrap();
        let conn = &mut db.read().await.unwrap();
        let is_live = async |conn: &mut store::Conn, now| {
            store::sessions::live(conn, &[(session, ann)], now).await.unwrap().contains_key(&session)
        };
        assert!(is_live(conn, Millis(TODAY + WHOLE - 1)).await);
        assert!(!is_live(conn, Millis(TODAY + WHOLE)).await);
    }
}
