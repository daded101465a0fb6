//! Earlier texts of edited messages: kept where the room wants it, read by those who may, gone with the message.

use chat::{members::Role, policies::Ability};
use serde_json::{Value, json};
use testkit::{Person, Room, Said, Town};

/// The earlier texts of a message that somebody is shown, the last one first.
async fn texts(person: &Person, said: &Said) -> Vec<String> {
    let page = person.asks("message.versions", place(said)).await.granted();
    let versions = page["versions"].as_array().unwrap();
    versions.iter().map(|version| version["text"].as_str().unwrap().to_owned()).collect()
}

fn place(said: &Said) -> Value {
    json!({"conversation": said.room.id, "seq": said.seq})
}

async fn keeps_edits(person: &Person, room: &Room, kept: bool) {
    let set = json!({"conversation": room.id, "edit_history": kept});
    assert_eq!(person.asks("conversation.update", set).await.granted()["edit_history"], kept);
}

#[tokio::test]
async fn earlier_texts_are_kept_while_the_room_wants_it_and_all_members_know_that() {
    let town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    let said = bob.says(&room, "roses").await;
    bob.edits(&said, "red roses").await;
    assert_eq!(texts(&ann, &said).await, [] as [&str; 0], "nothing is kept unless somebody wants it");
    bob.forgets().await;
    keeps_edits(&ann, &room, true).await;
    let told = bob.hears("it is called garden").await;
    assert_eq!(told["data"]["edit_history"], true);
    bob.edits(&said, "red roses!").await;
    bob.edits(&said, "white roses").await;
    bob.edits(&said, "white roses").await;
    assert_eq!(texts(&ann, &said).await, ["red roses!", "red roses"], "an edit that changes nothing is none");
    let page = ann.asks("message.versions", place(&said)).await.granted();
    let (last, first) = (&page["versions"][0], &page["versions"][1]);
    assert_eq!(first["editor"], json!({"id": bob.id(), "username": "bob"}));
    assert!(
        first["written_at"].as_str() <= last["written_at"].as_str()
            && first["number"].as_i64() < last["number"].as_i64()
    );
    // The same over REST, page by page.
    let path = format!("/v1/conversations/{}/messages/{}/versions?limit=1", room.id, said.seq);
    let newest = bob.requests("GET", &path, Value::Null).await.granted();
    assert_eq!(newest["versions"][0]["text"], "red roses!");
    let next = format!("{path}&cursor={}", newest["next_cursor"].as_str().unwrap());
    let oldest = bob.requests("GET", &next, Value::Null).await.granted();
    assert_eq!((&oldest["versions"][0]["text"], &oldest["next_cursor"]), (&json!("red roses"), &Value::Null));
    // Reading them changes nothing for anybody, and searching finds none of them.
    let found = ann.requests("GET", "/v1/search/messages?q=red", Value::Null).await.granted();
    assert_eq!(found["results"], json!([]));
}

#[tokio::test]
async fn earlier_texts_go_with_their_message_and_with_the_setting() {
    let town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    keeps_edits(&ann, &room, true).await;
    let (gone, left) = (bob.says(&room, "the secret is 42").await, bob.says(&room, "roses").await);
    bob.edits(&gone, "no secret").await;
    bob.edits(&left, "tulips").await;
    ann.deletes(&gone).await;
    ann.asks("message.versions", place(&gone)).await.refused("not_found");
    assert_eq!(texts(&ann, &left).await, ["roses"]);
    keeps_edits(&ann, &room, false).await;
    assert_eq!(texts(&ann, &left).await, [] as [&str; 0]);
    // Removed texts do not come back with the setting.
    keeps_edits(&ann, &room, true).await;
    assert_eq!(texts(&ann, &left).await, [] as [&str; 0]);
    bob.edits(&left, "lilies").await;
    assert_eq!(texts(&bob, &left).await, ["tulips"]);
}

#[tokio::test]
async fn who_may_read_earlier_texts_and_who_may_have_them_kept() {
    let town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let (cid, dan) = town.two("cid", "dan").await;
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    let keep = json!({"conversation": room.id, "edit_history": true});
    bob.asks("conversation.update", keep.clone()).await.refused("forbidden");
    dan.asks("conversation.update", keep).await.refused("not_found");
    keeps_edits(&ann, &room, true).await;
    let said = bob.says(&room, "roses").await;
    bob.edits(&said, "tulips").await;
    for role in ["member", "moderator", "admin"] {
        ann.makes(&bob, role, &room).await.granted();
        assert_eq!(texts(&bob, &said).await, ["roses"], "{role}");
    }
    dan.asks("message.versions", place(&said)).await.refused("not_found");
    // The ability is one of the policy's, and can be withdrawn.
    town.sets(&room, Ability::SeeEditHistory, Some(Role::Admin)).await;
    ann.makes(&bob, "member", &room).await.granted();
    bob.asks("message.versions", place(&said)).await.refused("forbidden");
    town.sets(&room, Ability::SeeEditHistory, None).await;
    town.grants(&bob, &room, Ability::SeeEditHistory, false, None).await;
    bob.asks("message.versions", place(&said)).await.refused("forbidden");
    assert_eq!(texts(&ann, &said).await, ["roses"]);
    // A person who does not see the message does not see its earlier texts.
    town.sets(&room, Ability::SeeEarlierHistory, Some(Role::Admin)).await;
    cid.joins(&room).await;
    cid.asks("message.versions", place(&said)).await.refused("not_found");
    cid.asks("message.versions", json!({"conversation": room.id, "seq": 9_999})).await.refused("not_found");
    // Somebody who is put out sees nothing any more.
    ann.removes(&bob, &room).await;
    bob.asks("message.versions", place(&said)).await.refused("not_found");
    // Two people have no settings, and so nothing is kept.
    let direct = ann.turns_to(&cid).await;
    let keep = json!({"conversation": direct.id, "edit_history": true});
    ann.asks("conversation.update", keep).await.refused("forbidden");
    for wrong in [json!(null), json!("yes"), json!(1)] {
        let set = json!({"conversation": room.id, "edit_history": wrong});
        let problem = ann.asks("conversation.update", set).await.refused("invalid");
        assert_eq!(problem["errors"][0]["pointer"], "/edit_history");
    }
}

#[tokio::test]
async fn so_many_earlier_texts_are_kept_and_not_one_more() {
    let town = Town::with(|config| config.limits.versions_per_message = 2).await;
    let ann = town.person("ann").await;
    let room = ann.opens_room("garden").await;
    keeps_edits(&ann, &room, true).await;
    let said = ann.says(&room, "one").await;
    let other = ann.says(&room, "uno").await;
    ann.edits(&other, "due").await;
    for text in ["two", "three"] {
        ann.edits(&said, text).await;
    }
    assert_eq!(texts(&ann, &said).await, ["two", "one"]);
    ann.edits(&said, "four").await;
    assert_eq!(texts(&ann, &said).await, ["three", "two"], "the oldest goes");
    assert_eq!(texts(&ann, &other).await, ["uno"]);
}

#[tokio::test]
async fn a_page_of_earlier_texts_is_no_longer_than_a_slow_line_can_take() {
    let town = Town::with(|config| {
        config.limits.message_length = 10_000;
        config.limits.queue_bytes = 65_536;
    })
    .await;
    let ann = town.person("ann").await;
    let room = ann.opens_room("garden").await;
    keeps_edits(&ann, &room, true).await;
    let said = ann.says(&room, "短").await;
    for version in 0..5 {
        ann.edits(&said, &format!("{version}{}", "长".repeat(4_000))).await;
    }
    let mut asked = place(&said);
    let mut lengths = Vec::new();
    loop {
        let page = ann.asks("message.versions", asked.clone()).await.granted();
        lengths.push(page["versions"].as_array().unwrap().len());
        let Some(next) = page["next_cursor"].as_str() else { break };
        asked["cursor"] = next.into();
    }
    assert_eq!(lengths, [2, 3], "12,000 bytes each, and the first is short");
}
