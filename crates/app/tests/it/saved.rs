//! Saving messages to find them again: one's own list, alike on all devices, of what one may see.

use serde_json::{Value, json};
use testkit::{
    Person, Said, Town,
    policies::{Ability, Role},
};

fn place(of: &Said) -> Value {
    json!({"conversation": of.room.id, "seq": of.seq})
}

async fn saves(person: &Person, of: &Said) -> Value {
    person.asks("message.save", place(of)).await.granted()
}

async fn unsaves(person: &Person, of: &Said) {
    person.asks("message.unsave", place(of)).await.granted();
}

async fn page(person: &Person, what: Value) -> (Vec<Value>, Value) {
    let page = person.asks("saved.list", what).await.granted();
    (page["entries"].as_array().unwrap().clone(), page["next_cursor"].clone())
}

/// The texts of what somebody has saved, the last one first; null where the message is not shown.
async fn texts(person: &Person) -> Vec<Value> {
    page(person, json!({})).await.0.iter().map(|entry| entry["message"]["text"].clone()).collect()
}

#[tokio::test]
async fn a_saved_message_is_in_ones_own_list_on_every_device_and_in_nobody_elses() {
    let mut town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    let said = ann.says_all(&room, ["lime tree", "pear tree"]).await;
    let phone = bob.on_another_device().await;
    let away = bob.on_another_device().await;
    away.hangs_up().await;
    let known = away.comes().await["account_seq"].clone();
    away.hangs_up().await;
    let saved = saves(&bob, &said[0]).await;
    assert_eq!((&saved["conversation"], &saved["seq"]), (&json!(room.id), &json!(said[0].seq)));
    for device in [&bob, &phone] {
        let told = device.notices(&format!("saved {}", said[0].seq)).await;
        assert_eq!((&told["data"], &told["account_seq"]), (&saved, &saved["rev"]));
        assert_eq!(told.get("conversation"), None, "it is of an account, and waits for no conversation");
    }
    assert_eq!(saves(&bob, &said[0]).await, saved, "repeating it changes nothing");
    let other = saves(&bob, &said[1]).await;
    assert_eq!(texts(&phone).await, ["pear tree", "lime tree"], "the last one first");
    assert_eq!(texts(&ann).await, [] as [Value; 0]);
    unsaves(&ann, &said[0]).await;
    assert_eq!(texts(&bob).await.len(), 2, "nobody else takes it off");
    // On every node, and without the messages where they are not wanted.
    for rest in town.rests() {
        let path = "/v1/saved?messages=false";
        let listed = rest.ask("GET", path, Some(&bob.tokens().access), &Value::Null).await.granted();
        let bare = |saved: &Value| json!({"saved": saved, "message": null});
        assert_eq!(listed, json!({"entries": [bare(&other), bare(&saved)], "next_cursor": null}));
    }
    for _ in 0..2 {
        unsaves(&phone, &said[0]).await;
        assert_eq!(texts(&bob).await, ["pear tree"]);
    }
    bob.notices(&format!("unsaved {}", said[0].seq)).await;
    // A person who was away is told what is true now, not what happened meanwhile.
    away.connects().await;
    let back = json!({"token": away.tokens().access, "cursors": away.cursors(), "account_seq": known});
    away.authenticates(back).await.granted();
    away.notices(&format!("saved {}", said[1].seq)).await;
    away.notices(&format!("unsaved {}", said[0].seq)).await;
    assert!(!away.has_noticed(&format!("saved {}", said[0].seq)).await);
    assert!(!ann.has_noticed("saved").await && !ann.has_noticed("unsaved").await, "nobody else is told");
    town.closes().await;
}

#[tokio::test]
async fn only_what_one_may_see_is_saved_and_shown() {
    let mut town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let room = ann.opens_room("garden").await;
    let (said, gone) = (ann.says(&room, "here").await, ann.says(&room, "gone").await);
    ann.deletes(&gone).await;
    let nothing = Said { seq: 99, ..said.clone() };
    for (person, of) in [(&bob, &said), (&ann, &gone), (&ann, &nothing)] {
        person.asks("message.save", place(of)).await.refused("not_found");
    }
    bob.joins(&room).await;
    let later = ann.says_all(&room, ["to be deleted", "to be edited"]).await;
    for one in [&said, &later[0], &later[1]] {
        saves(&bob, one).await;
    }
    ann.deletes(&later[0]).await;
    ann.edits(&later[1], "edited").await;
    assert_eq!(texts(&bob).await, [json!("edited"), Value::Null, json!("here")], "as they are now");
    ann.removes(&bob, &room).await;
    bob.forgets().await;
    let (entries, _) = page(&bob, json!({})).await;
    assert_eq!(entries.len(), 3, "the entries are still theirs");
    assert!(entries.iter().all(|entry| entry["message"].is_null()), "{entries:?}");
    // They can be taken off, and what was not is there again for somebody who comes back.
    unsaves(&bob, &later[0]).await;
    bob.joins(&room).await;
    assert_eq!(texts(&bob).await, ["edited", "here"]);
    town.closes().await;
}

#[tokio::test]
async fn what_was_said_before_one_may_see_is_neither_saved_nor_shown() {
    let mut town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    let early = ann.says(&room, "before").await;
    saves(&bob, &early).await;
    bob.leaves(&room).await;
    town.sets(&room, Ability::SeeEarlierHistory, Some(Role::Moderator)).await;
    bob.joins(&room).await;
    let late = ann.says(&room, "after").await;
    saves(&bob, &late).await;
    assert_eq!(texts(&bob).await, [json!("after"), Value::Null]);
    unsaves(&bob, &early).await;
    bob.asks("message.save", place(&early)).await.refused("not_found");
    town.closes().await;
}

#[tokio::test]
async fn one_saves_as_many_messages_as_the_limit_says_and_reads_them_page_by_page() {
    let mut town = Town::with(|config| config.limits.saved_messages = 5).await;
    let ann = town.person("ann").await;
    let room = ann.opens_room("garden").await;
    let said = ann.says_all(&room, ["1", "2", "3", "4", "5", "6"]).await;
    for one in &said[..5] {
        saves(&ann, one).await;
    }
    let refused = ann.asks("message.save", place(&said[5])).await.refused("limit_reached");
    assert!(refused["detail"].as_str().unwrap().contains('5'), "{refused}");
    saves(&ann, &said[0]).await;
    let (mut found, mut cursor) = (Vec::new(), Value::Null);
    loop {
        let mut what = json!({"limit": 2});
        if !cursor.is_null() {
            what["cursor"] = cursor;
        }
        let (entries, next) = page(&ann, what).await;
        assert!((1..=2).contains(&entries.len()));
        found.extend(entries.iter().map(|entry| entry["message"]["text"].as_str().unwrap().to_owned()));
        cursor = next;
        if cursor.is_null() {
            break;
        }
    }
    assert_eq!(found, ["5", "4", "3", "2", "1"]);
    unsaves(&ann, &said[0]).await;
    saves(&ann, &said[5]).await;
    assert_eq!(texts(&ann).await, ["6", "5", "4", "3", "2"]);
    town.closes().await;
}
