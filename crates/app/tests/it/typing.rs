//! Typing indicators: told to the others, never kept, and over by themselves.

use std::time::Instant;

use chat::{members::Role, policies::Ability};
use serde_json::{Value, json};
use testkit::{Said, Town};

#[tokio::test]
async fn typing_is_seen_by_the_others_and_ends_by_itself() {
    let town = Town::with(|config| config.limits.typing_ms = 500).await;
    let (ann, bob) = town.two("ann", "bob").await;
    let phone = bob.on_another_device().await;
    let room = ann.turns_to(&bob).await;
    let began = Instant::now();
    bob.types(&room).await;
    ann.notices("bob types").await;
    ann.notices("bob stops typing").await;
    let lasted = began.elapsed().as_millis();
    assert!((500..2_000).contains(&lasted), "it lasted {lasted} ms");
    assert!(!bob.has_noticed("typ").await && !phone.has_noticed("typ").await, "one knows that oneself");
}

#[tokio::test]
async fn typing_ends_with_the_message_or_when_one_stops() {
    let town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let room = ann.turns_to(&bob).await;
    bob.types(&room).await;
    ann.notices("bob types").await;
    bob.says(&room, "hello").await;
    ann.notices("bob stops typing").await;
    bob.types(&room).await;
    bob.asks("typing.set", json!({"conversation": room.id, "typing": false})).await.granted();
    ann.notices("bob types").await;
    ann.notices("bob stops typing").await;
    // Stopping what was not begun is told to nobody.
    let path = format!("/v1/conversations/{}/typing", room.id);
    assert_eq!(bob.requests("PUT", &path, json!({"typing": false})).await.status, 204);
    assert!(!ann.has_noticed("typ").await);
    assert_eq!(bob.requests("PUT", &path, json!({"typing": true})).await.status, 204);
    ann.notices("bob types").await;
}

#[tokio::test]
async fn only_members_type() {
    let town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let room = ann.opens_room("garden").await;
    bob.asks("typing.set", json!({"conversation": room.id, "typing": true})).await.refused("not_found");
    bob.joins(&room).await;
    bob.types(&room).await;
    ann.notices("bob types").await;
    ann.asks("typing.set", json!({"conversation": room.id})).await.refused("invalid");
    ann.asks("typing.set", json!({"conversation": room.id, "typing": "yes"})).await.refused("invalid");
}

fn in_thread(root: &Said, typing: bool) -> Value {
    json!({"conversation": root.room.id, "thread": root.seq, "typing": typing})
}

#[tokio::test]
async fn typing_in_a_thread_is_told_apart_from_typing_in_the_room() {
    let town = Town::with(|config| config.limits.typing_ms = 2_000).await;
    let (ann, bob) = town.two("ann", "bob").await;
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    let root = ann.says(&room, "roses?").await;
    bob.asks("typing.set", in_thread(&root, true)).await.granted();
    let told = ann.notices(&format!("bob types in {}", root.seq)).await;
    assert_eq!((&told["type"], &told["data"]["thread"]), (&json!("thread.typing"), &json!(root.seq)));
    bob.types(&room).await;
    ann.notices("bob types").await;
    // A message in the room ends what was written there, a reply what was written in its thread.
    bob.says(&room, "hello").await;
    ann.notices("bob stops typing").await;
    bob.says_in_thread(&root, "yes").await;
    ann.notices(&format!("bob stops typing in {}", root.seq)).await;
    // It ends by itself, and when one says so.
    bob.asks("typing.set", in_thread(&root, true)).await.granted();
    bob.asks("typing.set", in_thread(&root, false)).await.granted();
    bob.asks("typing.set", in_thread(&root, true)).await.granted();
    for words in ["types in", "stops typing in", "types in", "stops typing in"] {
        ann.notices(&format!("bob {words} {}", root.seq)).await;
    }
    assert!(!bob.has_noticed("typ").await, "one knows that oneself");
}

#[tokio::test]
async fn who_may_be_seen_typing_in_a_thread_and_by_whom() {
    let town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let cid = town.person("cid").await;
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    let root = ann.says(&room, "roses?").await;
    let aside = ann.says_in_thread(&root, "red ones").await;
    cid.asks("typing.set", in_thread(&root, true)).await.refused("not_found");
    // What is no thread has none, and who does not see the root neither types there nor learns who does.
    town.sets(&room, Ability::SeeEarlierHistory, Some(Role::Admin)).await;
    cid.joins(&room).await;
    cid.asks("typing.set", in_thread(&root, true)).await.refused("not_found");
    bob.asks("typing.set", in_thread(&aside, true)).await.refused("not_found");
    bob.asks("typing.set", in_thread(&root, true)).await.granted();
    ann.notices(&format!("bob types in {}", root.seq)).await;
    assert!(!cid.has_noticed("bob types").await);
    // A person who may not reply is not shown typing.
    town.sets(&room, Ability::ReplyInThreads, Some(Role::Owner)).await;
    bob.asks("typing.set", in_thread(&root, true)).await.refused("forbidden");
    bob.asks("typing.set", in_thread(&root, false)).await.granted();
    ann.notices(&format!("bob stops typing in {}", root.seq)).await;
    bob.types(&room).await;
    ann.notices("bob types").await;
}
