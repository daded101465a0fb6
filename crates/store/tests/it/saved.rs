//! Saved messages as they are kept.

use chat::{MessageId, Millis, Number, saved::SavedMessage};
use store::saved;

use crate::{databases, room, writer};

#[tokio::test]
async fn saved_messages_are_read_from_the_last_to_the_first_and_by_their_numbers() {
    for db in databases().await {
        let (writer, _told) = writer(&db);
        let (ann, bob, conversation) = room(&writer).await;
        let one = |seq: i64, rev: i64| SavedMessage {
            message: MessageId(100 + seq),
            conversation,
            seq: Number(seq),
            saved_at: Millis(rev * 1_000),
            rev: Number(rev),
        };
        let save = |user, what: SavedMessage| {
            writer.change(&[], None, move |unit| {
                Box::pin(async move { Ok(saved::save(&mut unit.conn, user, &what).await?) })
            })
        };
        for (seq, rev) in [(2, 5), (3, 7), (1, 9)] {
            save(ann, one(seq, rev)).await.unwrap();
        }
        save(bob, one(2, 5)).await.unwrap();
        assert!(save(bob, one(2, 6)).await.is_err(), "once for each person and message");
        let mut conn = db.read().await.unwrap();
        let newest = saved::before(&mut conn, ann, Number(i64::MAX), 2).await.unwrap();
        assert_eq!(newest, [one(1, 9), one(3, 7)]);
        assert_eq!(saved::before(&mut conn, ann, Number(7), 2).await.unwrap(), [one(2, 5)]);
        let mut within = saved::within(&mut conn, ann, Number(5), Number(7)).await.unwrap();
        within.sort_by_key(|saved| saved.rev);
        assert_eq!(within, [one(2, 5), one(3, 7)]);
        assert_eq!(saved::one(&mut conn, ann, conversation, Number(3)).await.unwrap(), Some(one(3, 7)));
        assert_eq!(saved::one(&mut conn, bob, conversation, Number(3)).await.unwrap(), None);
        assert_eq!(saved::count(&mut conn, ann).await.unwrap(), 3);
        drop(conn);
        let unsave = |user, seq| {
            writer.change(&[], None, move |unit| {
                Box::pin(async move { Ok(saved::unsave(&mut unit.conn, user, conversation, Number(seq)).await?) })
            })
        };
        assert!(!unsave(bob, 3).await.unwrap(), "it is another's");
        assert!(unsave(ann, 3).await.unwrap() && !unsave(ann, 3).await.unwrap());
        let mut conn = db.read().await.unwrap();
        assert_eq!((saved::count(&mut conn, ann).await.unwrap(), saved::count(&mut conn, bob).await.unwrap()), (2, 1));
    }
}
