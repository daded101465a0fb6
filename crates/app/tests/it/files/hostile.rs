//! The limits of files: sizes, rates, rooms, types, names and paths.

use serde_json::{Value, json};
use testkit::{Raw, Town, until};

use super::{image, message, path, sends, uploads};

/// A request whose body has this framing.
fn upload(token: &str, name: &str, framing: &str) -> String {
    format!(
        "POST /v1/files?name={name} HTTP/1.1\r\nhost: palabre\r\nauthorization: Bearer {token}\r\n{framing}\r\n\r\n"
    )
}

#[tokio::test]
async fn a_file_has_at_most_as_many_bytes_as_the_limit_says_and_is_refused_before_they_come() {
    let mut town = Town::with(|config| config.limits.file_bytes = 70_000).await;
    let ann = town.person("ann").await;
    let token = ann.tokens().access;
    town.rest().upload(&token, "a.png", image(70_000)).await.granted();
    let refused = town.rest().upload(&token, "a.png", image(70_001)).await.refused(413, "too_large");
    assert!(refused["detail"].as_str().unwrap().contains("70000"), "{refused}");
    // Nothing but the head is sent here.
    let mut raw = Raw::connect(town.address()).await;
    raw.writes(upload(&token, "a.png", "content-length: 70001").as_bytes()).await;
    assert_eq!(raw.hears().await.unwrap().status, 413);
    // Without an announced size it is refused when it is too much.
    let mut raw = Raw::connect(town.address()).await;
    raw.writes(upload(&token, "a.png", "transfer-encoding: chunked").as_bytes()).await;
    for chunk in image(70_001).chunks(10_000) {
        raw.writes(format!("{:x}\r\n", chunk.len()).as_bytes()).await;
        raw.writes(chunk).await;
        raw.writes(b"\r\n").await;
    }
    assert_eq!(raw.hears().await.unwrap().status, 413);
    let empty = town.rest().upload(&token, "a.png", Vec::new()).await.refused(422, "invalid");
    assert!(empty["detail"].as_str().unwrap().contains("one byte"), "{empty}");
    town.keeps(1).await;
    town.closes().await;
}

#[tokio::test]
async fn nothing_stays_of_an_upload_that_is_broken_off() {
    let mut town = Town::opens().await;
    let ann = town.person("ann").await;
    let mut raw = Raw::connect(town.address()).await;
    raw.writes(upload(&ann.tokens().access, "a.png", "content-length: 1000000").as_bytes()).await;
    raw.writes(&image(300_000)).await;
    town.keeps(1).await;
    drop(raw);
    town.keeps(0).await;
    town.closes().await;
}

#[tokio::test]
async fn somebodys_files_and_the_servers_have_only_so_much_room() {
    let mut town = Town::with(|config| {
        config.limits.file_bytes_per_user = 1_000;
        config.limits.file_bytes_per_server = 1_500;
        config.limits.waiting_files_per_user = 2;
    })
    .await;
    let (ann, bob) = town.two("ann", "bob").await;
    let room = ann.opens_room("garden").await;
    let (a, b) = (ann.tokens().access, bob.tokens().access);
    let first = uploads(town.rest(), &ann, "a.png", image(600)).await;
    town.rest().upload(&a, "a.png", image(401)).await.refused(422, "limit_reached");
    let second = town.rest().upload(&a, "a.png", image(400)).await.granted();
    let third = town.rest().upload(&a, "a.png", image(30)).await.refused(422, "limit_reached");
    assert!(third["detail"].as_str().unwrap().contains("2 files"), "{third}");
    town.rest().upload(&b, "b.png", image(501)).await.refused(507, "storage_full");
    town.rest().upload(&b, "b.png", image(500)).await.granted();
    // Sent ones do not wait, and those that are removed take no room.
    let sent = sends(&ann, &room, &[&first]).await;
    let full = town.rest().upload(&a, "a.png", image(30)).await.refused(422, "limit_reached");
    assert!(full["detail"].as_str().unwrap().contains("1.0 kB"), "{full}");
    ann.deletes(&sent).await;
    ann.asks("file.remove", json!({"file": second["id"]})).await.granted();
    town.keeps(1).await;
    // The room is counted free a moment after the bytes are gone.
    let last = until(async || {
        let answer = town.rest().upload(&a, "a.png", image(1_000)).await;
        if answer.status == 507 { Err(answer.text) } else { Ok(answer) }
    });
    last.await.granted();
    town.closes().await;
}

#[tokio::test]
async fn uploads_have_a_rate_and_only_some_are_under_way_at_once() {
    let mut town = Town::with(|config| {
        (config.limits.uploads_per_minute, config.limits.upload_burst) = (1, 4);
        config.limits.uploads_at_once = 2;
    })
    .await;
    let ann = town.person("ann").await;
    let token = ann.tokens().access;
    let mut slow = Vec::new();
    for _ in 0..2 {
        let mut raw = Raw::connect(town.address()).await;
        raw.writes(upload(&token, "a.png", "content-length: 1000").as_bytes()).await;
        raw.writes(&image(500)).await;
        slow.push(raw);
    }
    town.keeps(2).await;
    let one_too_many = town.rest().upload(&token, "a.png", image(10)).await.refused(429, "rate_limited");
    assert!(one_too_many["detail"].as_str().unwrap().contains("at once"), "{one_too_many}");
    drop(slow);
    town.keeps(0).await;
    for _ in 0..2 {
        town.rest().upload(&token, "a.png", image(30)).await.granted();
    }
    let too_often = town.rest().upload(&token, "a.png", image(30)).await;
    assert!(too_often.header("retry-after").is_some());
    too_often.refused(429, "rate_limited");
    town.closes().await;
}

#[tokio::test]
async fn a_file_is_what_its_bytes_say_and_is_never_shown_as_a_page() {
    let mut town = Town::opens().await;
    let ann = town.person("ann").await;
    let token = ann.tokens().access;
    for (name, bytes) in [
        ("page.html", "<!DOCTYPE html><script>alert(1)</script>"),
        ("drawing.svg", "<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\"/>"),
        ("image.png", "<html><body onload=alert(1)>"),
    ] {
        let file = town.rest().upload(&token, name, bytes.as_bytes()).await.granted();
        let (answer, read) = town.rest().bytes(&path(&file), &token, &[]).await;
        assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"), "{name}");
        assert!(answer.header("content-disposition").unwrap().starts_with("attachment;"), "{name}");
        assert_eq!((answer.header("x-content-type-options"), read == bytes.as_bytes()), (Some("nosniff"), true));
    }
    let program = b"MZ\x90\0\x03\0\0\0".repeat(2_000);
    for name in ["setup.exe", "photo.png"] {
        let refused = town.rest().upload(&token, name, program.clone()).await.refused(415, "unsupported_type");
        assert!(refused["detail"].as_str().unwrap().contains("image, audio"), "{refused}");
    }
    town.keeps(3).await;
    town.closes().await;
}

#[tokio::test]
async fn a_name_is_only_a_name_and_a_path_leads_to_no_other_file() {
    let mut town = Town::opens().await;
    let ann = town.person("ann").await;
    let token = ann.tokens().access;
    for (name, kept) in [
        ("../../../etc/passwd", "passwd"),
        ("a\u{202e}gnp.exe", "agnp.exe"),
        ("\"; filename=\"evil.html", "\"; filename=\"evil.html"),
        (".htaccess", ".htaccess"),
        ("世界🌳.png", "世界🌳.png"),
        (&"x".repeat(255), &"x".repeat(255)),
    ] {
        let file = town.rest().upload(&token, name, image(30)).await.granted();
        assert_eq!(file["name"], kept, "{name:?}");
        let (answer, _) = town.rest().bytes(&path(&file), &token, &[]).await;
        let disposition = answer.header("content-disposition").unwrap();
        assert!(
            disposition.starts_with("inline; filename=\"") && answer.header("set-cookie").is_none(),
            "{disposition}"
        );
        assert_eq!(disposition.matches('"').count(), 2, "{disposition}");
    }
    for bad in ["", "/", "..\\", "\u{200b}", "a\0b", "a\r\nset-cookie: a=b", &"x".repeat(256)] {
        town.rest().upload(&token, bad, image(30)).await.refused(422, "invalid");
    }
    town.rest().ask("POST", "/v1/files", Some(&token), &Value::Null).await.refused(422, "invalid");
    let kept = town.blobs();
    let name = kept[0].file_name().unwrap().to_str().unwrap().to_owned();
    let long = "0".repeat(5_000);
    for bad in [
        "..%2f..%2fpalabre.db",
        "%2e%2e%2fpalabre.db",
        "..%5cpalabre.db",
        "%2fetc%2fpasswd",
        "a%00b",
        "00112233445566778899aabbccddeeff",
        &name.to_uppercase(),
        &format!("{name}%20"),
        &format!("%20{name}"),
        &format!("{}%2f{name}", &name[..2]),
        &long,
    ] {
        let (answer, _) = town.rest().bytes(&format!("/v1/files/{bad}"), &token, &[]).await;
        assert!([400, 404].contains(&answer.status), "{bad}: {} {}", answer.status, answer.text);
    }
    for bad in ["/v1/files/", "/v1/files/../secrets", "/v1/files/..%2f", "/v1/files//"] {
        let mut raw = Raw::connect(town.address()).await;
        raw.writes(format!("GET {bad} HTTP/1.1\r\nhost: palabre\r\nauthorization: Bearer {token}\r\n\r\n").as_bytes())
            .await;
        assert!([400, 404, 405].contains(&raw.hears().await.unwrap().status), "{bad}");
    }
    assert_eq!(town.blobs(), kept);
    town.closes().await;
}

#[tokio::test]
async fn a_file_that_is_deleted_while_it_is_read_is_read_to_its_end() {
    let mut town = Town::opens().await;
    let ann = town.person("ann").await;
    let room = ann.opens_room("garden").await;
    let bytes = image(8_000_000);
    let file = uploads(town.rest(), &ann, "a.png", bytes.clone()).await;
    let sent = sends(&ann, &room, &[&file]).await;
    let mut raw = Raw::connect_narrowly(town.address()).await;
    let token = ann.tokens().access;
    raw.writes(
        format!("GET {} HTTP/1.1\r\nhost: palabre\r\nauthorization: Bearer {token}\r\n\r\n", path(&file)).as_bytes(),
    )
    .await;
    assert!(raw.is_answered().await);
    ann.deletes(&sent).await;
    town.keeps(0).await;
    let answer = raw.hears().await.unwrap();
    assert_eq!((answer.status, answer.body == bytes), (200, true));
    ann.asks("message.send", message(&room, "again", &[&file])).await.refused("invalid");
    town.closes().await;
}
