//! Who is writing: told to the others, never kept, and over by itself.

use std::time::Instant;

use serde_json::json;
use testkit::Town;

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
