//! Unread messages are counted in an index, up to a bound. Here they are also counted one by one, after whatever happened.

use chat::{
    ConversationId, Number, UserId, limits::UNREAD_CAP, messages::Message, notifications::ConversationSettings,
};
use store::{Db, Writer};

use super::{chance::Chance, databases, room, say, writer};

async fn messages(db: &Db, room: ConversationId) -> Vec<Message> {
    store::messages::after(&mut db.read().await.unwrap(), room, Number(0), 10_000).await.unwrap()
}

/// Deletes the message with this number, if there is one.
async fn deletes(db: &Db, writer: &Writer, room: ConversationId, seq: Number) {
    let Some(message) = store::messages::one(&mut db.read().await.unwrap(), room, seq).await.unwrap() else { return };
    writer
        .change(&[room.into()], None, move |unit| {
            Box::pin(async move {
                let number = unit.next_number(room).await?;
                Ok(store::messages::delete(&mut unit.conn, &message, number, unit.now).await?)
            })
        })
        .await
        .unwrap();
}

/// Something that changes what bob has to read.
async fn happens(chance: &mut Chance, db: &Db, writer: &Writer, (ann, bob, room): (UserId, UserId, ConversationId)) {
    let head = store::listing::entry(&mut db.read().await.unwrap(), bob, room).await.unwrap().unwrap();
    let head = head.conversation.head.0;
    let somewhere = Number(1 + i64::try_from(chance.below(usize::try_from(head).unwrap())).unwrap());
    match chance.below(8) {
        0..3 => {
            let authors = (0..=chance.below(40)).map(|_| if chance.below(4) == 0 { bob } else { ann });
            for said in authors.map(|author| say(writer, author, room, "", "hey")).collect::<Vec<_>>() {
                said.await.unwrap().unwrap();
            }
        }
        3 | 4 => deletes(db, writer, room, somewhere).await,
        5 => {
            let seq = Number(somewhere.0 / 2);
            writer
                .change(&[room.into()], None, move |unit| {
                    Box::pin(async move {
                        Ok(store::markers::advance(&mut unit.conn, room, bob, seq, seq, unit.now).await?)
                    })
                })
                .await
                .unwrap();
        }
        6 => {
            let unread_from = (chance.below(2) == 0).then_some(somewhere);
            let settings = ConversationSettings { unread_from, ..Default::default() };
            writer
                .change(&[room.into(), bob.into()], None, move |unit| {
                    Box::pin(
                        async move { Ok(store::notifications::set_here(&mut unit.conn, room, bob, &settings).await?) },
                    )
                })
                .await
                .unwrap();
        }
        _ => {
            let from = Number(somewhere.0 + 5);
            writer
                .change(&[room.into()], None, move |unit| {
                    Box::pin(async move { Ok(store::policies::see_from(&mut unit.conn, room, bob, from).await?) })
                })
                .await
                .unwrap();
        }
    }
}

#[tokio::test]
async fn unread_messages_are_as_many_as_one_counts_up_to_the_bound() {
    let mut bounded = 0;
    for (seed, db) in databases().await.into_iter().enumerate() {
        let (writer, _told) = writer(&db);
        let place = room(&writer).await;
        let (_, bob, room) = place;
        let mut chance = Chance(seed as u64 + 7);
        for step in 0..90 {
            happens(&mut chance, &db, &writer, place).await;
            let entry = store::listing::entry(&mut db.read().await.unwrap(), bob, room).await.unwrap().unwrap();
            let settings = entry.settings;
            let from = settings.unread_from.unwrap_or_else(|| entry.read_seq.next().max(entry.visible_from));
            let all = messages(&db, room).await;
            let unread = all.iter().filter(|it| it.author != bob && it.deleted_at.is_none() && it.seq >= from).count();
            let unread = i64::try_from(unread).unwrap();
            bounded += i64::from(unread >= UNREAD_CAP);
            assert_eq!(entry.unread, unread.min(UNREAD_CAP), "step {step} of {seed}: from {from}, {settings:?}");
        }
    }
    assert!(bounded > 10, "the bound was reached {bounded} times");
}
