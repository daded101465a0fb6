//! Push devices as they are kept, and what they are to be told.

use chat::{
    ConversationId, Millis, Number, SessionId, UserId,
    push_devices::{PushDevice, PushKind, PushState},
    sessions::Origin,
};
use store::{
    Db, Unit, Writer, jobs,
    push_devices::{self, Delivery, PushAddress, PushProgress},
};

use crate::{databases, room, writer};

const NOW: Millis = Millis(1_000_000);
const LATER: Millis = Millis(2_000_000);

async fn logs_in(writer: &Writer, user: UserId, until: Millis) -> SessionId {
    let work = writer.change(&[], None, move |unit: &mut Unit| {
        Box::pin(async move {
            let origin = Origin { agent: Some("Firefox".into()), address: None };
            Ok(store::sessions::create(&mut unit.conn, user, &origin, NOW, until, until).await?)
        })
    });
    work.await.unwrap()
}

async fn subscribes(writer: &Writer, user: UserId, session: SessionId, at: &'static str) -> PushDevice {
    let work = writer.change(&[], None, move |unit: &mut Unit| {
        Box::pin(async move {
            let address = PushAddress { endpoint: at, p256dh: "BCVx", auth: "BTBZ" };
            let shown = ("fr", true);
            let when = (NOW, Number(4));
            Ok(push_devices::add(&mut unit.conn, (user, session), address, shown, when).await?)
        })
    });
    work.await.unwrap().expect("it was added")
}

async fn is_told(writer: &Writer, device: &PushDevice, conversation: ConversationId, seq: i64) {
    is_told_as(writer, device, conversation, (seq, PushKind::Mention, NOW)).await;
}

async fn is_told_as(
    writer: &Writer,
    device: &PushDevice,
    conversation: ConversationId,
    (seq, kind, at): (i64, PushKind, Millis),
) {
    let (user, device) = (device.user, device.id);
    let work = writer.change(&[], None, move |unit: &mut Unit| {
        Box::pin(async move {
            let delivery = Delivery { user, device, conversation, reminder: 0, seq: Number(seq), kind };
            Ok(push_devices::deliver(&mut unit.conn, &delivery, at).await?)
        })
    });
    work.await.unwrap();
}

async fn settles(writer: &Writer, delivery: Delivery, state: PushState) {
    let work = writer.change(&[], None, move |unit: &mut Unit| {
        Box::pin(async move { Ok(push_devices::settle(&mut unit.conn, &delivery, (state, LATER), Some("413")).await?) })
    });
    work.await.unwrap();
}

/// The numbers of what waits for a device.
async fn waiting(db: &Db, device: &PushDevice) -> Vec<(i64, bool, bool)> {
    let found = push_devices::waiting(&mut db.read().await.unwrap(), device.id, 10).await.unwrap();
    found.iter().map(|one| (one.delivery.seq.0, one.is_there, one.is_read)).collect()
}

#[tokio::test]
async fn a_device_counts_as_long_as_its_session_and_its_members_are_found() {
    for db in databases().await {
        let (writer, _told) = writer(&db);
        let (ann, bob, conversation) = room(&writer).await;
        let (short, long) = (logs_in(&writer, bob, Millis(1_500_000)).await, logs_in(&writer, bob, LATER).await);
        let phone = subscribes(&writer, bob, short, "https://push.example.org/a").await;
        let tablet = subscribes(&writer, bob, long, "https://push.example.org/b").await;
        assert_eq!((phone.agent.as_deref(), &*phone.language, phone.shows_text), (Some("Firefox"), "fr", true));
        let mut conn = db.read().await.unwrap();
        assert_eq!(push_devices::of_user(&mut conn, bob).await.unwrap(), [phone.clone(), tablet.clone()]);
        assert_eq!(push_devices::count(&mut conn, ann).await.unwrap(), 0);
        let replaced = push_devices::replaced_by(&mut conn, long, "https://push.example.org/a").await.unwrap();
        assert_eq!(replaced, [phone.clone(), tablet.clone()], "of the same session, and at the same address");
        let nobody = ConversationId(conversation.0 + 1);
        let listened = push_devices::are_listened_to(&mut conn, &[nobody, conversation]).await.unwrap();
        assert_eq!(listened, [conversation]);
        let audience = async |conn: &mut store::Conn, now| {
            let found = push_devices::audience(conn, conversation, UserId(0), now, 10).await.unwrap();
            found.into_iter().map(|one| one.device).collect::<Vec<_>>()
        };
        assert_eq!(audience(&mut conn, NOW).await, [phone.id, tablet.id]);
        assert_eq!(audience(&mut conn, Millis(1_500_000)).await, [tablet.id], "a session that is over counts no more");
        let target = push_devices::target(&mut conn, phone.id, Millis(1_500_000)).await.unwrap().unwrap();
        assert_eq!((&*target.endpoint, target.goes_on), ("https://push.example.org/a", 0));
        drop(conn);
        let ended = writer.change(&[], None, move |unit: &mut Unit| {
            Box::pin(async move { Ok(store::sessions::end(&mut unit.conn, long, bob, NOW).await?) })
        });
        assert!(ended.await.unwrap());
        let due = writer.change(&[], None, move |unit: &mut Unit| {
            Box::pin(async move { Ok(jobs::claim(&mut unit.conn, &[jobs::Kind::PushDevice], 10, NOW).await?) })
        });
        let due: Vec<i64> = due.await.unwrap().iter().map(|job| job.subject).collect();
        assert_eq!(due, [tablet.id.0], "the end of a session has its device removed");
    }
}

#[tokio::test]
async fn a_device_is_told_the_newest_of_a_conversation_and_what_became_of_it_is_kept() {
    for db in databases().await {
        let (writer, _told) = writer(&db);
        let (_, bob, conversation) = room(&writer).await;
        let session = logs_in(&writer, bob, LATER).await;
        let phone = subscribes(&writer, bob, session, "https://push.example.org/a").await;
        for seq in [5, 7, 6] {
            is_told(&writer, &phone, conversation, seq).await;
        }
        assert_eq!(waiting(&db, &phone).await, [(7, false, false)], "there is no such message");
        let found = push_devices::waiting(&mut db.read().await.unwrap(), phone.id, 10).await.unwrap()[0].delivery;
        // A newer message that came while this one was sent still waits.
        is_told(&writer, &phone, conversation, 8).await;
        settles(&writer, found, PushState::Sent).await;
        assert_eq!(waiting(&db, &phone).await.len(), 1);
        settles(&writer, Delivery { seq: Number(8), ..found }, PushState::GivenUp).await;
        assert_eq!(waiting(&db, &phone).await, []);
        let mut conn = db.read().await.unwrap();
        let told = push_devices::explain(&mut conn, bob, conversation).await.unwrap();
        assert_eq!((told[0].state, told[0].seq, told[0].at), (Some(PushState::GivenUp), Some(Number(8)), Some(LATER)));
        assert_eq!(told[0].error.as_deref(), Some("413"));
        drop(conn);
        let progress = PushProgress { seq: 8, goal: 9, after_user: 3, decided_at: 7 };
        let set = writer.change(&[], None, move |unit: &mut Unit| {
            Box::pin(async move { Ok(push_devices::set_progress(&mut unit.conn, conversation, progress).await?) })
        });
        set.await.unwrap();
        let mut conn = db.read().await.unwrap();
        assert_eq!(push_devices::progress(&mut conn, conversation).await.unwrap(), progress);
        drop(conn);
        let gone = writer.change(&[], None, move |unit: &mut Unit| {
            Box::pin(async move { Ok(push_devices::remove(&mut unit.conn, bob, phone.id).await?) })
        });
        assert!(gone.await.unwrap());
        assert_eq!(push_devices::explain(&mut db.read().await.unwrap(), bob, conversation).await.unwrap(), []);
    }
}

#[tokio::test]
async fn what_is_urgent_takes_the_place_of_what_waits_and_stays_urgent() {
    for db in databases().await {
        let (writer, _told) = writer(&db);
        let (_, bob, conversation) = room(&writer).await;
        let session = logs_in(&writer, bob, LATER).await;
        let phone = subscribes(&writer, bob, session, "https://push.example.org/a").await;
        let waits = async || {
            let mut conn = db.read().await.unwrap();
            let delivery = push_devices::waiting(&mut conn, phone.id, 10).await.unwrap()[0].delivery;
            let (count, since) = push_devices::all_waiting(&mut conn).await.unwrap();
            (delivery.seq.0, delivery.kind, count, since)
        };
        // An edit of an earlier message calls them; then something plain is said. All of it waits since the first.
        for (seq, kind, as_seq, as_kind) in [
            (20, PushKind::Message, 20, PushKind::Message),
            (5, PushKind::Mention, 5, PushKind::Mention),
            (4, PushKind::Message, 5, PushKind::Mention),
            (22, PushKind::Message, 22, PushKind::Mention),
        ] {
            is_told_as(&writer, &phone, conversation, (seq, kind, NOW.plus(seq))).await;
            assert_eq!(waits().await, (as_seq, as_kind, 1, NOW.plus(20)));
        }
    }
}
