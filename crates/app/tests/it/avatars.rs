//! Avatars: of people, of rooms and groups, and of the server; seen by those who may, and gone with what they showed.

use serde_json::{Value, json};
use testkit::{Answer, Person, Rest, Town, equal, until};

/// A PNG of this size, by its header, with so many bytes.
pub(crate) fn png(width: u32, height: u32, length: usize) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    bytes.extend(width.to_be_bytes());
    bytes.extend(height.to_be_bytes());
    bytes.resize(length.max(bytes.len()), 7);
    bytes
}

pub(crate) async fn uploads(rest: &Rest, person: &Person, bytes: Vec<u8>) -> Value {
    rest.upload(&person.tokens().access, "me.png", bytes).await.granted()["id"].clone()
}

fn path(picture: &Value) -> String {
    format!("/v1/pictures/{}", picture.as_str().unwrap())
}

async fn shown(rest: &Rest, person: &Person, picture: &Value) -> (Answer, Vec<u8>) {
    rest.bytes(&path(picture), &person.tokens().access, &[]).await
}

async fn status(rest: &Rest, person: &Person, picture: &Value) -> u16 {
    shown(rest, person, picture).await.0.status
}

#[tokio::test]
async fn a_person_shows_a_picture_and_whoever_is_logged_in_sees_it() {
    let mut town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let eve = town.person("eve").await;
    let room = ann.opens_private_room("garden").await;
    ann.adds(&bob, &room).await;
    let bytes = png(512, 512, 3_000);
    let picture = uploads(town.rest(), &ann, bytes.clone()).await;
    // Before it is shown it is nobody's picture.
    assert_eq!(status(town.rest(), &ann, &picture).await, 404);
    let account = ann.asks("account.avatar", json!({"picture": picture})).await.granted();
    assert_eq!(account["avatar"], picture);
    assert!(account["rev"].as_i64().unwrap() > 0);
    for rest in town.rests() {
        let (answer, read) = shown(rest, &eve, &picture).await;
        assert_eq!((answer.status, read == bytes), (200, true));
        assert_eq!(answer.header("content-type"), Some("image/png"));
        assert_eq!(answer.header("cache-control"), Some("private, max-age=31536000, immutable"));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert!(answer.header("content-security-policy").unwrap().contains("sandbox"));
        assert_eq!(rest.ask("GET", &path(&picture), None, &Value::Null).await.status, 401);
        // It is no file that a message could carry, and no path of files leads to it.
        let file = format!("/v1/files/{}", picture.as_str().unwrap());
        assert_eq!(rest.bytes(&file, &ann.tokens().access, &[]).await.0.status, 404);
    }
    let carried = json!({"conversation": room.id, "text": "", "files": [picture]});
    ann.asks("message.send", carried).await.refused("invalid");
    ann.asks("file.remove", json!({"file": picture})).await.refused("conflict");
    // A browser shows it by its address, with a cookie that is sent below pictures as below files.
    let given = town.rest().ask("POST", "/v1/files/cookie", Some(&bob.tokens().access), &Value::Null).await;
    let cookies: Vec<&str> = given.headers.get_all("set-cookie").iter().map(|one| one.to_str().unwrap()).collect();
    for place in ["Path=/v1/files;", "Path=/v1/pictures;"] {
        assert_eq!(cookies.iter().filter(|cookie| cookie.contains(place)).count(), 1, "{cookies:?}");
    }
    let cookie = cookies[1].split(';').next().unwrap();
    let by_cookie = town.rest().ask_raw("GET", &path(&picture), &[("cookie", cookie)], String::new()).await;
    assert_eq!(by_cookie.status, 200);
    // Its card has it, told and read.
    let card = bob.asks("user.list", json!({"users": [ann.id()], "revs": [0]})).await.granted();
    assert_eq!(card["users"][0]["avatar"], picture);
    // A repeat changes nothing; another one takes its place, and the bytes of the first are gone.
    let again = ann.asks("account.avatar", json!({"picture": picture})).await.granted();
    assert_eq!(again["rev"], account["rev"]);
    let other = uploads(town.rest(), &ann, png(16, 16, 100)).await;
    ann.asks("account.avatar", json!({"picture": other})).await.granted();
    town.keeps(1).await;
    assert_eq!((status(town.rest(), &bob, &picture).await, status(town.rest(), &bob, &other).await), (404, 200));
    let none = ann.asks("account.avatar", json!({"picture": null})).await.granted();
    assert_eq!(none["avatar"], Value::Null);
    town.keeps(0).await;
    town.closes().await;
}

#[tokio::test]
async fn a_card_with_another_picture_is_told_to_those_who_share_a_conversation() {
    let town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    let picture = uploads(town.rest(), &ann, png(64, 64, 200)).await;
    ann.asks("account.avatar", json!({"picture": picture})).await.granted();
    let card = bob.notices("user.updated").await["data"].clone();
    assert_eq!((&card["id"], &card["avatar"]), (&json!(ann.id()), &picture));
}

#[tokio::test]
async fn a_picture_is_small_and_of_few_types_and_its_owners_own() {
    let town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let rest = town.rest();
    let set = async |picture: &Value| ann.asks("account.avatar", json!({"picture": picture})).await;
    let fits = uploads(rest, &ann, png(512, 512, 512_000)).await;
    set(&fits).await.granted();
    for (bytes, code, word) in [
        (png(512, 512, 512_001), "too_large", "512000"),
        (png(513, 512, 100), "invalid", "513 × 512"),
        (png(512, 513, 100), "invalid", "512 × 513"),
        (png(50_000, 50_000, 100), "invalid", "cannot be read"),
        (b"\x89PNG\r\n\x1a\n\0\0".to_vec(), "invalid", "cannot be read"),
        (b"GIF89a\x40\0\x40\0\x80\0\0".to_vec(), "unsupported_type", "image/gif"),
        (b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>".to_vec(), "unsupported_type", "text/plain"),
    ] {
        let refused = set(&uploads(rest, &ann, bytes).await).await.refused(code);
        assert_eq!(refused["errors"][0]["pointer"], "/picture", "{refused}");
        assert!(refused["detail"].as_str().unwrap().contains(word), "{word}: {refused}");
    }
    // Nobody shows what another person has uploaded, or what nobody has, or what a message carries.
    let bobs = uploads(rest, &bob, png(16, 16, 50)).await;
    set(&bobs).await.refused("invalid");
    set(&json!("00".repeat(16))).await.refused("invalid");
    let room = ann.opens_room("garden").await;
    let carried = uploads(rest, &ann, png(16, 16, 60)).await;
    ann.asks("message.send", json!({"conversation": room.id, "text": "", "files": [carried]})).await.granted();
    set(&carried).await.refused("invalid");
    assert_eq!(ann.asks("account.get", json!({})).await.granted()["avatar"], fits);
}

#[tokio::test]
async fn a_room_shows_a_picture_to_its_members_and_a_public_one_to_all() {
    let mut town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let (eve, root) = (town.person("eve").await, town.admin("root").await);
    let room = ann.opens_private_room("garden").await;
    ann.adds(&bob, &room).await;
    let set = async |person: &Person, conversation: i64, picture: &Value| {
        person.asks("conversation.avatar", json!({"conversation": conversation, "picture": picture})).await
    };
    let own = uploads(town.rest(), &bob, png(64, 64, 300)).await;
    set(&bob, room.id, &own).await.refused("forbidden");
    set(&eve, room.id, &own).await.refused("not_found");
    let picture = uploads(town.rest(), &ann, png(64, 64, 300)).await;
    let shown = set(&ann, room.id, &picture).await.granted();
    assert_eq!(shown["avatar"], picture);
    assert_eq!(bob.sees(&room).await["avatar"], picture);
    // The law: who was told has the same as who reads it anew. The town compares both.
    bob.says(&room, "a fine picture").await;
    for rest in town.rests() {
        assert_eq!((status(rest, &bob, &picture).await, status(rest, &eve, &picture).await), (200, 404));
        assert_eq!(status(rest, &root, &picture).await, 404, "an administrator of the server is no member");
    }
    ann.removes(&bob, &room).await;
    assert_eq!((status(town.rest(), &bob, &picture).await, status(town.rest(), &ann, &picture).await), (404, 200));
    let public = json!({"conversation": room.id, "visibility": "public"});
    ann.asks("conversation.update", public).await.granted();
    assert_eq!(status(town.rest(), &eve, &picture).await, 200);
    let group = ann.opens_group(&[&eve]).await;
    let face = uploads(town.rest(), &ann, png(64, 64, 300)).await;
    set(&ann, group.id, &face).await.granted();
    let pair = ann.turns_to(&eve).await;
    set(&ann, pair.id, &face).await.refused("forbidden");
    set(&ann, room.id, &Value::Null).await.granted();
    assert_eq!(status(town.rest(), &ann, &picture).await, 404);
    town.closes().await;
}

/// The answer to a stranger who asks until it has this status: nodes learn within a second what the server shows.
async fn answers(rest: &Rest, address: &str, status: u16) -> Answer {
    until(async || {
        let answer = rest.ask("GET", address, None, &Value::Null).await;
        if answer.status == status { Ok(answer) } else { Err((answer.status, answer.text)) }
    })
    .await
}

#[tokio::test]
async fn the_server_shows_a_picture_to_strangers_and_moderators_take_pictures_away() {
    let mut town = Town::opens().await;
    let (root, ann) = (town.admin("root").await, town.person("ann").await);
    let rest = town.rest();
    let picture = uploads(rest, &root, png(64, 64, 300)).await;
    let anns = uploads(rest, &ann, png(64, 64, 300)).await;
    ann.asks("server.avatar", json!({"picture": anns})).await.refused("forbidden");
    root.asks("server.avatar", json!({"picture": picture})).await.granted();
    // Another node sees it within a second.
    until(async || equal(ann.asks("server.get", json!({})).await.granted()["avatar"].clone(), &picture)).await;
    let address = format!("/v1/server/avatar/{}", picture.as_str().unwrap());
    let answer = answers(rest, &address, 200).await;
    assert_eq!((answer.status, answer.header("cache-control")), (200, Some("public, max-age=31536000, immutable")));
    // A picture that is not the server's is not opened by this path for anybody.
    ann.asks("account.avatar", json!({"picture": anns})).await.granted();
    let stolen = format!("/v1/server/avatar/{}", anns.as_str().unwrap());
    assert_eq!(rest.ask("GET", &stolen, None, &Value::Null).await.status, 404);
    // Nobody takes another person's picture away but moderators, and nobody chooses it.
    let eve = town.person("eve").await;
    eve.asks("user.avatar", json!({"user": ann.id()})).await.refused("forbidden");
    let bare = root.asks("user.avatar", json!({"user": ann.id()})).await.granted();
    assert_eq!(bare["avatar"], Value::Null);
    assert_eq!(ann.asks("account.get", json!({})).await.granted()["avatar"], Value::Null);
    root.asks("server.avatar", json!({"picture": null})).await.granted();
    assert_eq!(answers(rest, &address, 404).await.status, 404);
    town.keeps(0).await;
    town.closes().await;
}
