//! Reminders as they are kept.

use chat::{Millis, Number, reminders::Reminder};
use store::reminders;

use crate::{databases, room, writer};

#[tokio::test]
async fn somebody_has_one_reminder_of_a_message_which_moves() {
    for db in databases().await {
        let (writer, _told) = writer(&db);
        let (ann, bob, room) = room(&writer).await;
        let put = |user, seq, at, rev| {
            writer.change(&[], None, move |unit| {
                let when = (unit.now, Number(rev));
                Box::pin(
                    async move { Ok(reminders::put(&mut unit.conn, user, room, Number(seq), Millis(at), when).await?) },
                )
            })
        };
        let first = put(ann, 2, 9_000, 1).await.unwrap();
        let bobs = put(bob, 2, 9_000, 1).await.unwrap();
        let second = put(ann, 3, 8_000, 2).await.unwrap();
        assert!(first.id != bobs.id && first.id != second.id);
        let due = writer.change(&[], None, move |unit| {
            Box::pin(
                async move { Ok(reminders::become_due(&mut unit.conn, first.id, (Millis(9_001), Number(3))).await?) },
            )
        });
        assert_eq!(due.await.unwrap(), Some(Reminder { due_at: Some(Millis(9_001)), rev: Number(3), ..first }));
        // Asked for again, it waits again, under the same id.
        let moved = put(ann, 2, 20_000, 4).await.unwrap();
        assert_eq!(moved, Reminder { at: Millis(20_000), rev: Number(4), ..first });
        let mut conn = db.read().await.unwrap();
        assert_eq!(reminders::of_user(&mut conn, ann).await.unwrap(), [second, moved]);
        assert_eq!(reminders::of_message(&mut conn, bob, room, Number(2)).await.unwrap(), Some(bobs));
        assert_eq!(reminders::count(&mut conn, ann).await.unwrap(), 2);
        drop(conn);
        let remove = |user| {
            writer.change(&[], None, move |unit| {
                Box::pin(async move { Ok(reminders::remove(&mut unit.conn, user, moved.id).await?) })
            })
        };
        assert!(!remove(bob).await.unwrap(), "it is another's");
        assert!(remove(ann).await.unwrap() && !remove(ann).await.unwrap());
        let mut conn = db.read().await.unwrap();
        assert_eq!(reminders::by_id(&mut conn, moved.id).await.unwrap(), None);
        assert_eq!(reminders::of_user(&mut conn, ann).await.unwrap(), [second]);
    }
}
