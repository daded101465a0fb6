//! Custom emoji: kept by the server's moderators, and reacted with by everybody.

use serde_json::{Value, json};
use testkit::{Person, Town};

use super::avatars::{png, uploads};

async fn list(person: &Person, known: Value) -> Value {
    person.asks("emoji.list", json!({"rev": known})).await.granted()
}

#[tokio::test]
async fn a_moderator_adds_an_emoji_and_everybody_reacts_with_it_until_it_is_gone() {
    let mut town = Town::opens().await;
    let root = town.admin("root").await;
    let (ann, bob) = town.two("ann", "bob").await;
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    let said = ann.says(&room, "look :blobby:").await;
    let react = json!({"conversation": room.id, "seq": said.seq, "emoji": ":blobby:"});
    let refused = bob.asks("reaction.add", react.clone()).await.refused("invalid");
    assert!(refused["detail"].as_str().unwrap().contains(":blobby:"), "{refused}");
    let before = list(&ann, Value::Null).await;
    assert_eq!(before["emoji"], json!([]));
    let picture = uploads(town.rest(), &root, png(64, 64, 500)).await;
    let add = json!({"name": "blobby", "picture": picture});
    ann.asks("emoji.add", json!({"name": "blobby", "picture": uploads(town.rest(), &ann, png(9, 9, 50)).await}))
        .await
        .refused("forbidden");
    let added = root.asks("emoji.add", add.clone()).await.granted();
    assert_eq!(
        (&added["name"], &added["picture"], &added["added_by"]),
        (&json!("blobby"), &picture, &json!(root.id()))
    );
    assert_eq!(root.asks("emoji.add", add).await.granted(), added, "a repeat gets the same answer");
    let after = list(&ann, before["rev"].clone()).await;
    assert_eq!(after["emoji"], json!([added]));
    assert_eq!(list(&ann, after["rev"].clone()).await["emoji"], Value::Null);
    let address = format!("/v1/pictures/{}", picture.as_str().unwrap());
    for rest in town.rests() {
        assert_eq!(rest.bytes(&address, &bob.tokens().access, &[]).await.0.status, 200);
        assert_eq!(rest.ask("GET", &address, None, &Value::Null).await.status, 401);
    }
    let message = bob.reacts(&said, ":blobby:").await;
    assert_eq!(message["reactions"], json!([{"emoji": ":blobby:", "users": [bob.id()]}]));
    // Reactions with it stay, and can be taken back; nobody can add to them.
    ann.asks("emoji.remove", json!({"name": "blobby"})).await.refused("forbidden");
    for _ in 0..2 {
        root.asks("emoji.remove", json!({"name": "blobby"})).await.granted();
    }
    assert_eq!(list(&ann, after["rev"].clone()).await["emoji"], json!([]));
    ann.asks("reaction.add", react).await.refused("invalid");
    assert_eq!(town.rest().bytes(&address, &bob.tokens().access, &[]).await.0.status, 404);
    let message = bob.takes_back(&said, ":blobby:").await;
    assert_eq!(message["reactions"], json!([]));
    town.closes().await;
}

#[tokio::test]
async fn an_emoji_has_a_name_of_its_own_and_a_small_picture_and_there_are_only_so_many() {
    let town = Town::with(|config| config.limits.emoji = 1).await;
    let root = town.admin("root").await;
    let rest = town.rest();
    let picture = uploads(rest, &root, png(512, 512, 128_000)).await;
    let add =
        async |name: &str, picture: &Value| root.asks("emoji.add", json!({"name": name, "picture": picture})).await;
    for wrong in ["", "x", "Parrot", "two words", ":blobby:", "smile", "été", "a".repeat(33).as_str()] {
        assert_eq!(add(wrong, &picture).await.refused("invalid")["errors"][0]["pointer"], "/name", "{wrong}");
    }
    for (bytes, code) in [
        (png(512, 512, 128_001), "too_large"),
        (png(513, 1, 100), "invalid"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF\0".to_vec(), "unsupported_type"),
    ] {
        add("blobby", &uploads(rest, &root, bytes).await).await.refused(code);
    }
    add("blobby", &picture).await.granted();
    let gif = uploads(rest, &root, b"GIF89a\x40\0\x40\0\x80\0\0".to_vec()).await;
    add("blobby", &gif).await.refused("conflict");
    add("blob", &gif).await.refused("limit_reached");
    root.asks("emoji.remove", json!({"name": "blobby"})).await.granted();
    add("blob", &gif).await.granted();
}
