//! Whom messages are for: found with the batch, counted by index, and gone with the text.

use chat::{
    ConversationId, MessageId, Number, UserGroupId, UserId,
    inbox::{InboxPlace, InboxReason},
    mentions::Mentions,
};
use store::{Db, Writer};

use super::{databases, policies::statements, room, say, writer};

async fn group_of(writer: &Writer, name: &'static str, people: Vec<UserId>) -> UserGroupId {
    writer
        .change(&[], None, move |unit| {
            Box::pin(async move {
                let group = store::user_groups::create(&mut unit.conn, name, unit.now).await?;
                store::user_groups::add(&mut unit.conn, group, &people, unit.now).await?;
                Ok(group)
            })
        })
        .await
        .unwrap()
}

async fn for_me(db: &Db, user: UserId, room: ConversationId) -> i64 {
    let entry = store::listing::entry(&mut db.read().await.unwrap(), user, room).await.unwrap();
    entry.unwrap().unread_for_me
}

async fn of(db: &Db, id: MessageId) -> Mentions {
    let mut found = store::mentions::of(&mut db.read().await.unwrap(), &[id]).await.unwrap();
    found.remove(&id).unwrap_or_default()
}

#[tokio::test]
async fn names_in_texts_are_found_counted_and_listed_and_gone_with_the_text() {
    for db in databases().await {
        let (writer, _told) = writer(&db);
        let (ann, bob, room) = room(&writer).await;
        let group = group_of(&writer, "Gardeners", vec![bob]).await;
        let named = say(&writer, ann, room, "1", "@BOB and @bob, @gardeners, @nobody, @here").await.unwrap().unwrap();
        let plain = say(&writer, ann, room, "2", "bob@example.org `@bob`").await.unwrap().unwrap();
        assert_eq!(
            of(&db, named.id).await,
            Mentions { people: vec![bob], groups: vec![group], here: true, ..Mentions::default() }
        );
        assert_eq!(of(&db, plain.id).await, Mentions::default());
        // A repeat adds nothing, and three reasons are one message.
        assert!(
            say(&writer, ann, room, "1", "@BOB and @bob, @gardeners, @nobody, @here").await.unwrap().unwrap().repeated
        );
        assert_eq!((for_me(&db, bob, room).await, for_me(&db, ann, room).await), (1, 0));
        let conn = &mut db.read().await.unwrap();
        let page = store::inbox::page(conn, bob, InboxPlace::END, 10).await.unwrap();
        let mut reasons: Vec<InboxReason> = page.iter().map(|entry| entry.reason).collect();
        reasons.sort_unstable();
        assert_eq!(reasons, [InboxReason::Mention, InboxReason::Group, InboxReason::Here]);
        assert!(page.iter().all(|entry| entry.source.seq == named.seq && !entry.passed));
        assert_eq!(store::inbox::page(conn, bob, page[0].place, 10).await.unwrap().len(), 0);
        assert_eq!(store::inbox::page(conn, ann, InboxPlace::END, 10).await.unwrap().len(), 0);
        let seq = named.seq;
        writer
            .change(&[room.into()], None, move |unit| {
                Box::pin(async move {
                    let message = store::messages::one(&mut unit.conn, room, seq).await?;
                    let message = message.ok_or_else(chat::Error::internal)?;
                    let number = unit.next_number(room).await?;
                    Ok(store::messages::delete(&mut unit.conn, &message, number, unit.now).await?)
                })
            })
            .await
            .unwrap();
        assert_eq!((of(&db, named.id).await, for_me(&db, bob, room).await), (Mentions::default(), 0));
    }
}

#[tokio::test]
async fn what_one_cannot_see_is_not_counted_and_not_listed() {
    for db in databases().await {
        let (writer, _told) = writer(&db);
        let (ann, bob, room) = room(&writer).await;
        let first = say(&writer, ann, room, "", "@bob @room").await.unwrap().unwrap();
        say(&writer, ann, room, "", "@bob").await.unwrap().unwrap();
        let beyond = Number(first.seq.0 + 1);
        writer
            .change(&[room.into()], None, move |unit| {
                Box::pin(async move { Ok(store::policies::see_from(&mut unit.conn, room, bob, beyond).await?) })
            })
            .await
            .unwrap();
        assert_eq!(for_me(&db, bob, room).await, 1);
        let page = store::inbox::page(&mut db.read().await.unwrap(), bob, InboxPlace::END, 10).await.unwrap();
        assert_eq!(page.iter().map(|entry| entry.source.seq).collect::<Vec<_>>(), [beyond]);
    }
}

#[tokio::test]
async fn a_text_that_names_nobody_costs_no_statement_and_ten_names_cost_two() {
    for db in databases().await.into_iter().skip(1) {
        statements();
        let (writer, _told) = writer(&db);
        let (ann, _bob, room) = room(&writer).await;
        let ten: String = (0..9).map(|n| format!("@nobody{n} ")).collect::<String>() + "@bob";
        say(&writer, ann, room, "", &ten).await.unwrap().unwrap();
        say(&writer, ann, room, "", "@room").await.unwrap().unwrap();
        let count = async |text: &str| {
            let before = statements();
            say(&writer, ann, room, "", text).await.unwrap().unwrap();
            statements() - before
        };
        assert_eq!(count("mail ann@example.org `@bob`").await, 4, "BEGIN, the check, the rows, COMMIT");
        assert_eq!(count(&ten).await, 6, "the names, and the rows of those who have them");
        assert_eq!(count("@room").await, 6, "the grant of the author, and one row");
    }
}
