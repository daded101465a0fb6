//! The list of one's conversations and what is not in it: what one has hidden, and rooms that a link leads to.

use serde_json::{Value, json};
use testkit::{Person, Town};

/// The ids of the conversations that somebody has hidden.
async fn hidden(person: &Person) -> Vec<i64> {
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/v1/conversations?hidden=true&limit=1{cursor}");
        let page = person.requests("GET", &path, Value::Null).await.granted();
        found.extend(page["conversations"].as_array().unwrap().iter().map(|one| one["id"].as_i64().unwrap()));
        let Some(next) = page["next_cursor"].as_str() else { return found };
        cursor = format!("&cursor={next}");
    }
}

#[tokio::test]
async fn what_one_has_hidden_is_listed_apart_and_comes_back_by_entering_it_again() {
    let town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let (attic, cellar) = (ann.opens_room("attic").await, ann.opens_private_room("cellar").await);
    bob.joins(&attic).await;
    let phone = ann.on_another_device().await;
    for room in [&attic, &cellar] {
        ann.asks("conversation.hide", json!({"conversation": room.id})).await.granted();
        phone.hears("hidden").await;
    }
    assert_eq!(hidden(&ann).await, [attic.id, cellar.id]);
    assert_eq!(hidden(&bob).await, [0; 0]);
    // A private one, too: who is in it needs no invitation. A second time it changes nothing.
    for _ in 0..2 {
        let back = ann.asks("conversation.join", json!({"conversation": cellar.id})).await.granted();
        assert_eq!(back["name"], "cellar");
    }
    phone.hears("added to cellar").await;
    assert_eq!(hidden(&ann).await, [attic.id]);
    bob.says(&attic, "Anybody up here?").await;
    phone.hears("bob: Anybody up here?").await;
    assert_eq!(hidden(&ann).await, [0; 0]);
}

#[tokio::test]
async fn a_link_to_a_public_room_shows_it_and_one_to_a_private_room_shows_nothing() {
    let town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let (open, closed) = (ann.opens_room("garden").await, ann.opens_private_room("garage").await);
    let found = async |person: &Person, id: i64| {
        let path = format!("/v1/rooms?conversation={id}");
        person.requests("GET", &path, Value::Null).await.granted()
    };
    let seen = found(&bob, open.id).await;
    assert_eq!((&seen["rooms"][0]["name"], &seen["rooms"][0]["member"]), (&json!("garden"), &json!(false)));
    assert_eq!(found(&ann, open.id).await["rooms"][0]["member"], true);
    // Foreign, private and absent are answered alike.
    let nothing = found(&bob, 9_999).await;
    assert_eq!(nothing["rooms"], json!([]));
    assert_eq!(found(&bob, closed.id).await, nothing);
    assert_eq!(found(&ann, ann.turns_to(&bob).await.id).await, nothing);
    let both = format!("/v1/rooms?conversation={}&prefix=g", open.id);
    bob.requests("GET", &both, Value::Null).await.refused(422, "invalid");
}

#[tokio::test]
async fn a_page_of_long_texts_has_fewer_entries_and_none_is_missing() {
    // About six of these.
    let town = Town::with(|config| config.limits.queue_bytes = 16_384).await;
    let ann = town.person("ann").await;
    let mut rooms = Vec::new();
    for count in 0..15 {
        let room = ann.opens_room(&format!("room {count}")).await;
        if count > 0 {
            ann.says(&room, &"x".repeat(2_000)).await;
        }
        rooms.push(room.id);
    }
    let (mut found, mut pages, mut cursor) = (Vec::new(), 0, json!(null));
    loop {
        let page = ann.asks("conversation.list", json!({"limit": 200, "cursor": cursor})).await.granted();
        let listed = page["conversations"].as_array().unwrap();
        assert!((1..=6).contains(&listed.len()), "{}", listed.len());
        found.extend(listed.iter().filter_map(|one| one["id"].as_i64()));
        (pages, cursor) = (pages + 1, page["next_cursor"].clone());
        if cursor.is_null() {
            break;
        }
    }
    rooms.reverse();
    assert_eq!(found, rooms, "on {pages} pages");
    assert!(pages > 2);
}

#[tokio::test]
async fn what_is_read_on_coming_back_comes_in_pages_that_a_slow_line_can_take() {
    let most = 32_768;
    let mut town = Town::with(|config| {
        config.limits.queue_bytes = most;
        config.limits.message_length = 4_000;
    })
    .await;
    let (ann, bob) = town.two("ann", "bob").await;
    let long = "长".repeat(2_000);
    for index in 0..12 {
        let room = ann.opens_room(&format!("room{index}")).await;
        bob.joins(&room).await;
        let root = ann.says(&room, &format!("@bob {long}")).await;
        bob.asks("thread.follow", json!({"conversation": room.id, "thread": root.seq, "follows": true}))
            .await
            .granted();
        ann.says_in_thread(&root, &long).await;
    }
    for (asked, field) in
        [("/v1/conversations", "conversations"), ("/v1/threads", "threads"), ("/v1/inbox?threads=true", "items")]
    {
        let (mut found, mut pages, mut cursor) = (0, 0, String::new());
        loop {
            let sign = if asked.contains('?') { '&' } else { '?' };
            let page = bob.requests("GET", &format!("{asked}{sign}limit=200{cursor}"), Value::Null).await;
            assert!(i64::try_from(page.text.len()).unwrap() <= most, "{asked}: {} bytes", page.text.len());
            let page = page.granted();
            found += page[field].as_array().unwrap().len();
            pages += 1;
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(found, if field == "items" { 24 } else { 12 }, "{asked}");
        assert!(pages > 2, "{asked}");
    }
    town.closes().await;
}
