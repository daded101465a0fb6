//! How far one has read, and how far what was said has come.

use serde_json::json;
use testkit::Town;

#[tokio::test]
async fn markers_move_forward_only_and_the_others_see_it() {
    let town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let room = ann.opens_group(&[&bob]).await;
    let (one, two) = (ann.says(&room, "one").await, ann.says(&room, "two").await);
    bob.reads(&one).await;
    let told = ann.notices(&format!("bob has read {}", one.seq)).await;
    let read_at = told["data"]["read_at"].clone();
    assert!(read_at.is_string());
    assert_eq!(
        told["data"],
        json!({"user": bob.id(), "read_seq": one.seq, "delivered_seq": one.seq, "read_at": read_at})
    );
    let at = |seq: i64| json!({"conversation": room.id, "seq": seq});
    let marker = bob.asks("marker.delivered", at(two.seq)).await.granted();
    assert_eq!((&marker["read_seq"], &marker["delivered_seq"]), (&json!(one.seq), &json!(two.seq)));
    assert_eq!(marker["read_at"], read_at, "what was received was not read");
    bob.reads(&two).await;
    // Back is nowhere, and beyond the end is the end.
    let marker = bob.asks("marker.read", at(one.seq)).await.granted();
    assert_eq!(marker["read_seq"], two.seq);
    let marker = bob.asks("marker.read", at(9_000)).await.granted();
    assert_eq!(marker["read_seq"], bob.cursor(&room));
    let three = ann.says(&room, "three").await;
    assert_eq!(bob.sees(&room).await["unread"], 1);
    let path = format!("/v1/conversations/{}", room.id);
    let moved = bob.requests("PUT", &format!("{path}/read"), json!({"seq": three.seq})).await.granted();
    assert_eq!(moved["read_seq"], three.seq);
    let markers = ann.requests("GET", &format!("{path}/markers"), json!(null)).await.granted();
    assert_eq!(markers["markers"][1], moved);
    for bad in [json!(-1), json!("1"), json!(1.5), json!(null)] {
        bob.asks("marker.read", json!({"conversation": room.id, "seq": bad})).await.refused("invalid");
    }
}

#[tokio::test]
async fn ones_other_device_learns_what_was_read() {
    let town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let phone = bob.on_another_device().await;
    let room = ann.turns_to(&bob).await;
    let hello = ann.says(&room, "hello").await;
    bob.reads(&hello).await;
    phone.notices(&format!("bob has read {}", hello.seq)).await;
    assert_eq!(phone.sees(&room).await["unread"], 0);
}

#[tokio::test]
async fn in_a_large_room_nobody_is_told_who_has_read() {
    let town = Town::with(|config| config.limits.presence_members = 2).await;
    let (ann, bob) = town.two("ann", "bob").await;
    let phone = bob.on_another_device().await;
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    let cid = town.absent("cid").await;
    let small = ann.says(&room, "two are here").await;
    bob.reads(&small).await;
    ann.notices(&format!("bob has read {}", small.seq)).await;
    ann.adds(&cid, &room).await;
    let large = ann.says(&room, "three are here").await;
    bob.reads(&large).await;
    phone.notices(&format!("bob has read {}", large.seq)).await;
    assert!(!ann.has_noticed("has read").await);
}

#[tokio::test]
async fn whoever_does_not_belong_has_no_marker() {
    let town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let room = ann.opens_room("garden").await;
    bob.asks("marker.read", json!({"conversation": room.id, "seq": 1})).await.refused("not_found");
    bob.asks("marker.list", json!({"conversation": room.id})).await.refused("not_found");
}
