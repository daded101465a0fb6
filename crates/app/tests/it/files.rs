//! Files that messages carry: uploaded, sent, read by those who see the message, and gone with it.

mod broken;
mod hostile;
pub(crate) mod pictures;
mod scanned;
mod sweep;
mod voice;

use chat::FileId;
use serde_json::{Value, json};
use testkit::{
    Answer, Person, Rest, Room, Said, Town, equal,
    policies::{Ability, Role},
    until,
};

/// The beginning of an image, and something after it.
pub(crate) fn image(length: usize) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    bytes.extend((bytes.len()..length).map(|at| u8::try_from(at % 251).unwrap()));
    bytes
}

async fn uploads(rest: &Rest, person: &Person, name: &str, bytes: Vec<u8>) -> Value {
    rest.upload(&person.tokens().access, name, bytes).await.granted()
}

fn message(room: &Room, client_id: &str, files: &[&Value]) -> Value {
    let files: Vec<&Value> = files.iter().map(|file| &file["id"]).collect();
    json!({"conversation": room.id, "client_id": client_id, "text": "", "files": files})
}

async fn sends(person: &Person, room: &Room, files: &[&Value]) -> Said {
    let client_id = person.new_client_id();
    let sent = person.asks("message.send", message(room, &client_id, files)).await.granted();
    let number = |name: &str| sent[name].as_i64().unwrap();
    Said { room: *room, seq: number("seq"), id: number("id"), client_id, repeated: false }
}

fn path(file: &Value) -> String {
    format!("/v1/files/{}", file["id"].as_str().unwrap())
}

/// The answer to somebody who asks for a file with these headers.
async fn asks_for(rest: &Rest, person: &Person, file: &Value, headers: &[(&str, &str)]) -> (Answer, Vec<u8>) {
    rest.bytes(&path(file), &person.tokens().access, headers).await
}

async fn status(rest: &Rest, person: &Person, file: &Value) -> u16 {
    asks_for(rest, person, file, &[]).await.0.status
}

#[tokio::test]
async fn a_file_is_uploaded_sent_and_read_by_the_members_and_nobody_else() {
    let mut town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let eve = town.person("eve").await;
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    let bytes = image(300_000);
    let file = uploads(town.rest(), &ann, "C:\\fakepath\\Été 1.png", bytes.clone()).await;
    assert_eq!((&file["name"], &file["media_type"]), (&json!("Été 1.png"), &json!("image/png")));
    assert_eq!((&file["size"], file["sha256"].as_str().unwrap().len()), (&json!(bytes.len()), 64));
    // Before it is sent it is its owner's alone.
    assert_eq!((status(town.rest(), &ann, &file).await, status(town.rest(), &bob, &file).await), (200, 404));
    let sent = sends(&ann, &room, &[&file]).await;
    let heard = bob.asks("message.get", json!({"conversation": room.id, "seq": sent.seq})).await.granted();
    assert_eq!((&heard["text"], &heard["files"]), (&json!(""), &json!([file])));
    for rest in town.rests() {
        let (answer, read) = asks_for(rest, &bob, &file, &[]).await;
        assert_eq!((answer.status, read == bytes), (200, true));
        assert_eq!(answer.header("content-type"), Some("image/png"));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("cache-control"), Some("private, no-cache"));
        assert_eq!(answer.header("content-length"), Some("300000"));
        assert!(answer.header("content-disposition").unwrap().starts_with("inline; filename=\"_t_ 1.png\""));
        assert!(answer.header("content-security-policy").unwrap().contains("sandbox"));
        assert_eq!(status(rest, &eve, &file).await, 404);
        assert_eq!(rest.ask("GET", &path(&file), None, &Value::Null).await.status, 401);
    }
    town.closes().await;
}

#[tokio::test]
async fn who_may_see_the_message_may_read_its_file_whatever_their_role_and_at_once_no_more() {
    let mut town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let (newcomer, root) = (town.person("newcomer").await, town.admin("root").await);
    let room = ann.opens_private_room("garden").await;
    town.sets(&room, Ability::SeeEarlierHistory, Some(Role::Moderator)).await;
    ann.adds(&bob, &room).await;
    let file = uploads(town.rest(), &ann, "a.png", image(100)).await;
    let sent = sends(&ann, &room, &[&file]).await;
    let rest = town.rests().last().unwrap();
    for role in ["member", "moderator", "admin"] {
        ann.makes(&bob, role, &room).await.granted();
        assert_eq!(status(rest, &bob, &file).await, 200, "{role}");
    }
    // The server's administrator is no member, and who came later does not see the message.
    ann.adds(&newcomer, &room).await;
    assert_eq!((status(rest, &root, &file).await, status(rest, &newcomer, &file).await), (404, 404));
    // A person who says it there again has no right to it either.
    let stolen = newcomer.asks("message.send", message(&room, "stolen", &[&file])).await.refused("invalid");
    assert_eq!(stolen["errors"][0]["pointer"], "/files/0");
    ann.makes(&bob, "member", &room).await.granted();
    ann.removes(&bob, &room).await;
    assert_eq!((status(rest, &bob, &file).await, status(rest, &ann, &file).await), (404, 200));
    let access = ann.tokens().access;
    ann.deletes(&sent).await;
    assert_eq!(rest.bytes(&path(&file), &access, &[]).await.0.status, 404);
    town.keeps(0).await;
    town.closes().await;
}

#[tokio::test]
async fn a_message_takes_its_files_once_and_a_repeat_gets_the_first_answer() {
    let mut town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    let mut files = Vec::new();
    for nth in 0..11 {
        files.push(uploads(town.rest(), &ann, &format!("{nth}.png"), image(50 + nth)).await);
    }
    let all: Vec<&Value> = files.iter().collect();
    let send = async |person: &Person, client_id: &str, files: &[&Value]| {
        person.asks("message.send", message(&room, client_id, files)).await
    };
    let refused = send(&ann, "many", &all).await.refused("invalid");
    assert_eq!(
        (&refused["errors"][0]["pointer"], refused["detail"].as_str().unwrap().contains("10")),
        (&json!("/files"), true)
    );
    send(&ann, "twice", &[all[0], all[0]]).await.refused("invalid");
    send(&bob, "not-mine", &[all[0]]).await.refused("invalid");
    ann.asks("message.send", json!({"conversation": room.id, "text": ""})).await.refused("invalid");
    let first = send(&ann, "ten", &all[..10]).await.granted();
    let again = send(&ann, "ten", &all[..10]).await.granted();
    assert_eq!((&again["seq"], &again["repeated"]), (&first["seq"], &json!(true)));
    send(&ann, "ten", &all[1..10]).await.refused("idempotency_mismatch");
    let without = json!({"conversation": room.id, "client_id": "ten", "text": "ten"});
    ann.asks("message.send", without).await.refused("idempotency_mismatch");
    send(&ann, "sent-already", &[all[10], all[3]]).await.refused("invalid");
    // A refused send has taken none.
    let last = send(&ann, "last", &[all[10]]).await.granted();
    // In their order, in whatever way the message is read.
    let history = bob.asks("message.history", json!({"conversation": room.id})).await.granted();
    let names = |message: &Value| -> Vec<String> {
        message["files"].as_array().unwrap().iter().map(|file| file["name"].as_str().unwrap().to_owned()).collect()
    };
    let of =
        |seq: &Value| history["messages"].as_array().unwrap().iter().find(|one| one["seq"] == *seq).cloned().unwrap();
    assert_eq!(names(&of(&first["seq"])), (0..10).map(|nth| format!("{nth}.png")).collect::<Vec<_>>());
    assert_eq!(names(&of(&last["seq"])), ["10.png"]);
    // Its text may be changed, also to nothing; a message without files needs one.
    for text in ["ten photos", ""] {
        let edited = ann
            .asks("message.edit", json!({"conversation": room.id, "seq": first["seq"], "text": text}))
            .await
            .granted();
        assert_eq!((&edited["text"], names(&edited).len()), (&json!(text), 10));
    }
    let plain = ann.says(&room, "plain").await;
    ann.asks("message.edit", json!({"conversation": room.id, "seq": plain.seq, "text": ""})).await.refused("invalid");
    town.closes().await;
}

#[tokio::test]
async fn a_file_is_read_in_ranges_and_not_again_by_who_has_it() {
    let mut town = Town::opens().await;
    let ann = town.person("ann").await;
    let bytes = image(200_000);
    let file = uploads(town.rest(), &ann, "a.png", bytes.clone()).await;
    let tag = format!("\"{}\"", file["id"].as_str().unwrap());
    for (range, part, said) in [
        ("bytes=0-99", 0..100, "bytes 0-99/200000"),
        ("bytes=150000-", 150_000..200_000, "bytes 150000-199999/200000"),
        ("bytes=-1", 199_999..200_000, "bytes 199999-199999/200000"),
    ] {
        let (answer, read) = asks_for(town.rest(), &ann, &file, &[("range", range), ("if-range", &tag)]).await;
        assert_eq!((answer.status, read == bytes[part]), (206, true), "{range}");
        assert_eq!(answer.header("content-range"), Some(said));
    }
    let (whole, read) = asks_for(town.rest(), &ann, &file, &[("range", "bytes=0-9"), ("if-range", "\"other\"")]).await;
    assert_eq!((whole.status, read.len(), whole.header("accept-ranges")), (200, 200_000, Some("bytes")));
    let (beyond, _) = asks_for(town.rest(), &ann, &file, &[("range", "bytes=200000-")]).await;
    assert_eq!(beyond.header("content-range"), Some("bytes */200000"));
    beyond.refused(416, "range_not_satisfiable");
    let (same, read) = asks_for(town.rest(), &ann, &file, &[("if-none-match", &tag)]).await;
    assert_eq!((same.status, read.len(), same.header("etag")), (304, 0, Some(tag.as_str())));
    let head = town.rest().ask("HEAD", &path(&file), Some(&ann.tokens().access), &Value::Null).await;
    assert_eq!((head.status, head.header("content-length"), head.text.as_str()), (200, Some("200000"), ""));
    let saved = format!("{}?download=true", path(&file));
    let (saved, _) = town.rest().bytes(&saved, &ann.tokens().access, &[]).await;
    assert!(saved.header("content-disposition").unwrap().starts_with("attachment;"));
    town.closes().await;
}

#[tokio::test]
async fn a_photo_tells_its_size_and_not_where_it_was_taken() {
    let mut town = Town::opens().await;
    let ann = town.person("ann").await;
    let room = ann.opens_room("garden").await;
    let segment = |kind: u8, data: &[u8]| {
        let length = u16::try_from(data.len() + 2).unwrap().to_be_bytes();
        [&[0xff, kind][..], &length, data].concat()
    };
    let place = [&b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0"[..], &b"52.5200 N 13.4050 E ".repeat(3_000)].concat();
    let frame = segment(0xc0, b"\x08\x01\xe0\x02\x80\x01\x01\x11\0");
    let picture: Vec<u8> = (0..300_000_u32).map(|at| u8::try_from(at % 255).unwrap()).collect();
    let photo = [
        &[0xff, 0xd8][..],
        &segment(0xe1, &place),
        &frame,
        &segment(0xda, b"\x01\x01\0\0\x3f\0"),
        &picture,
        &[0xff, 0xd9],
    ]
    .concat();
    let file = uploads(town.rest(), &ann, "photo.jpg", photo.clone()).await;
    assert_eq!((&file["width"], &file["height"], &file["size"]), (&json!(640), &json!(480), &json!(photo.len())));
    let said = sends(&ann, &room, &[&file]).await;
    let message = ann.asks("message.get", json!({"conversation": room.id, "seq": said.seq})).await.granted();
    assert_eq!(message["files"], json!([file]));
    let (_, read) = asks_for(town.rest(), &ann, &file, &[]).await;
    assert!(!read.windows(7).any(|window| window == b"52.5200"), "where it was taken");
    assert_eq!((read.len(), read[read.len() - picture.len() - 2..read.len() - 2] == *picture), (photo.len(), true));
    town.closes().await;
}

#[tokio::test]
async fn a_file_that_is_not_sent_waits_for_a_day_or_until_its_owner_does_not_want_it() {
    let mut town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let room = ann.opens_room("garden").await;
    let mut files = Vec::new();
    for name in ["kept.png", "forgotten.png", "unwanted.png"] {
        files.push(uploads(town.rest(), &ann, name, image(100)).await);
    }
    let [kept, forgotten, unwanted] = [&files[0], &files[1], &files[2]];
    town.keeps(3).await;
    bob.asks("file.remove", json!({"file": unwanted["id"]})).await.granted();
    assert_eq!(status(town.rest(), &ann, unwanted).await, 200, "it is not bob's to remove");
    for _ in 0..2 {
        ann.asks("file.remove", json!({"file": unwanted["id"]})).await.granted();
        assert_eq!(status(town.rest(), &ann, unwanted).await, 404);
    }
    town.keeps(2).await;
    sends(&ann, &room, &[kept]).await;
    let admin = town.admin("root").await;
    let statistics = admin.asks("server.statistics", json!({})).await.granted();
    assert_eq!((&statistics["files"], &statistics["file_bytes"]), (&json!(2), &json!(200)));
    ann.asks("file.remove", json!({"file": kept["id"]})).await.refused("conflict");
    for file in [kept, forgotten] {
        town.has_waited_for(FileId::parse(file["id"].as_str().unwrap()).unwrap()).await;
    }
    town.keeps(1).await;
    ann.asks("message.send", message(&room, "late", &[forgotten])).await.refused("invalid");
    assert_eq!((status(town.rest(), &ann, kept).await, status(town.rest(), &ann, forgotten).await), (200, 404));
    town.closes().await;
}

#[tokio::test]
async fn a_browser_reads_files_with_a_cookie_that_is_good_for_nothing_else() {
    let mut town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let file = uploads(town.rest(), &ann, "a.png", image(100)).await;
    let given = ann.requests("POST", "/v1/files/cookie", Value::Null).await;
    let cookie = given.header("set-cookie").unwrap().to_owned();
    assert_eq!(given.status, 204);
    let (pair, attributes) = cookie.split_once(';').unwrap();
    assert!(pair.starts_with("palabre_files=") && attributes.contains("HttpOnly"), "{cookie}");
    assert!(attributes.contains("Path=/v1/files;"), "{cookie}");
    let with_cookie = async |method: &str, path: &str| {
        town.rest().ask_with(method, path, None, &Value::Null, &[("cookie", pair)]).await.status
    };
    assert_eq!(with_cookie("GET", &path(&file)).await, 200);
    let of_bob = uploads(town.rest(), &bob, "b.png", image(100)).await;
    assert_eq!(with_cookie("GET", &path(&of_bob)).await, 404);
    for (method, path) in [
        ("GET", "/v1/users/me"),
        ("POST", "/v1/files?name=a.png"),
        ("POST", "/v1/files/cookie"),
        ("DELETE", &path(&file)),
        ("GET", "/v1/conversations"),
    ] {
        assert_eq!(with_cookie(method, path).await, 401, "{method} {path}");
    }
    // Its value is no token, and another cookie opens no file.
    let value = pair.split_once('=').unwrap().1;
    assert_eq!(town.rest().ask("GET", "/v1/users/me", Some(value), &Value::Null).await.status, 401);
    let others = format!("sessionid={value}; palabre_files={}", ann.tokens().access);
    let other = town.rest().ask_with("GET", &path(&file), None, &Value::Null, &[("cookie", &others)]).await;
    assert_eq!(other.status, 401);
    // It ends with its session.
    ann.requests("DELETE", "/v1/sessions/current", Value::Null).await.granted();
    until(async || equal(with_cookie("GET", &path(&file)).await, &401)).await;
    town.closes().await;
}
