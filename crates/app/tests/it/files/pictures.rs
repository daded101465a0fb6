//! Pictures: their thumbnails, and how they look from far away, from the message's first moment on.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use serde_json::{Value, json};
use testkit::{Person, Rest, Town, equal, until};

use super::{path, sends, uploads};

/// A photo of this size, with enough in it that smaller ones are smaller.
pub(crate) fn photo(width: u32, height: u32) -> Vec<u8> {
    let pixels = RgbImage::from_fn(width, height, |x, y| {
        let noise = (x * 31 + y * 17 + x * y * 7) as u8;
        Rgb([noise, (x * 255 / width) as u8, (y * 255 / height) as u8])
    });
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::ImageRgb8(pixels).write_to(&mut bytes, ImageFormat::Jpeg).unwrap();
    bytes.into_inner()
}

/// A picture in a size, as somebody is shown it: the status, the type, width and height.
async fn shown(rest: &Rest, person: &Person, file: &Value, size: &str) -> (u16, String, (u32, u32)) {
    let thumbnail = format!("{}/thumbnail/{size}", path(file));
    let (answer, bytes) = rest.bytes(&thumbnail, &person.tokens().access, &[]).await;
    let decoded = image::load_from_memory(&bytes).map(|image| (image.width(), image.height())).unwrap_or_default();
    (answer.status, answer.header("content-type").unwrap_or_default().to_owned(), decoded)
}

#[tokio::test]
async fn a_picture_is_seen_small_and_large_by_those_who_see_its_message_and_nobody_else() {
    let mut town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let eve = town.person("eve").await;
    let room = ann.opens_private_room("garden").await;
    ann.adds(&bob, &room).await;
    let file = uploads(town.rest(), &ann, "photo.jpg", photo(2_000, 100)).await;
    let blurhash = file["blurhash"].as_str().unwrap();
    assert!(blurhash.len() == 28 && blurhash.starts_with('L'), "{blurhash}");
    assert_eq!((shown(town.rest(), &bob, &file, "small").await.0, town.blobs().len()), (404, 3));
    let said = sends(&ann, &room, &[&file]).await;
    let message = bob.asks("message.get", json!({"conversation": room.id, "seq": said.seq})).await.granted();
    assert_eq!(message["files"], json!([file]), "it is in the message");
    for rest in town.rests() {
        for (size, pixels) in [("small", (640, 32)), ("large", (1_600, 80))] {
            let jpeg = "image/jpeg".to_owned();
            assert_eq!(shown(rest, &bob, &file, size).await, (200, jpeg, pixels), "{size}");
            assert_eq!(shown(rest, &eve, &file, size).await.0, 404);
        }
    }
    let small = format!("{}/thumbnail/small", path(&file));
    let (answer, _) = town.rest().bytes(&small, &bob.tokens().access, &[]).await;
    let tag = answer.header("etag").unwrap().to_owned();
    assert_eq!(tag, format!("\"{}-small\"", file["id"].as_str().unwrap()));
    assert_eq!(answer.header("cache-control"), Some("private, no-cache"));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert!(answer.header("content-security-policy").unwrap().contains("sandbox"));
    let (same, _) = town.rest().bytes(&small, &bob.tokens().access, &[("if-none-match", &tag)]).await;
    assert_eq!(same.status, 304);
    let huge = format!("{}/thumbnail/huge", path(&file));
    town.rest().ask("GET", &huge, Some(&bob.tokens().access), &Value::Null).await.refused(422, "invalid");
    assert_eq!(town.rest().ask("GET", &small, None, &Value::Null).await.status, 401);
    // Gone with it, for those who were removed and for all.
    ann.removes(&bob, &room).await;
    assert_eq!(shown(town.rests().last().unwrap(), &bob, &file, "small").await.0, 404);
    ann.deletes(&said).await;
    assert_eq!(shown(town.rest(), &ann, &file, "large").await.0, 404);
    town.keeps(0).await;
    town.closes().await;
}

#[tokio::test]
async fn a_picture_that_is_small_or_cannot_be_decoded_is_shown_as_it_is() {
    let mut town = Town::opens().await;
    let ann = town.person("ann").await;
    let tiny = uploads(town.rest(), &ann, "tiny.jpg", photo(60, 40)).await;
    assert!(tiny["blurhash"].is_string());
    assert_eq!(shown(town.rest(), &ann, &tiny, "large").await, (200, "image/jpeg".into(), (60, 40)));
    // The header of a picture, and nothing that can be decoded behind it.
    let broken =
        [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x02\x80\0\0\x01\xe0\x08\x02\0\0\0".as_slice(), &[7; 900]].concat();
    let broken = uploads(town.rest(), &ann, "broken.png", broken).await;
    assert_eq!((&broken["blurhash"], &broken["width"]), (&Value::Null, &json!(640)));
    assert_eq!(shown(town.rest(), &ann, &broken, "small").await.0, 200);
    // One that would be as large as a city is none.
    let city = [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\xc3\x50\0\0\xc3\x50\x08\x02\0\0\0".as_slice(), &[7; 900]].concat();
    let city = uploads(town.rest(), &ann, "city.png", city).await;
    assert_eq!((&city["blurhash"], &city["width"]), (&Value::Null, &Value::Null));
    let text = uploads(town.rest(), &ann, "a.txt", b"only words".to_vec()).await;
    for none in [&city, &text] {
        assert_eq!(shown(town.rest(), &ann, none, "small").await.0, 404);
    }
    assert_eq!(town.blobs().len(), 4, "no thumbnail takes room that shows nothing more");
    town.closes().await;
}

#[tokio::test]
async fn a_link_opens_one_file_for_its_session_and_nothing_else() {
    let mut town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    let file = uploads(town.rest(), &ann, "photo.jpg", photo(2_000, 100)).await;
    let other = uploads(town.rest(), &ann, "other.jpg", photo(60, 40)).await;
    bob.asks("file.link", json!({"file": file["id"]})).await.refused("not_found");
    sends(&ann, &room, &[&file, &other]).await;
    let link = bob.asks("file.link", json!({"file": file["id"]})).await.granted();
    let (place, token) = link["path"].as_str().unwrap().split_once("?link=").unwrap();
    assert_eq!(place, path(&file));
    let opens = async |path: &str| town.rest().ask("GET", path, None, &Value::Null).await.status;
    assert_eq!(opens(link["path"].as_str().unwrap()).await, 200);
    assert_eq!(opens(&format!("{place}/thumbnail/small?link={token}")).await, 200);
    assert_eq!(opens(&format!("{place}?download=true&link={token}")).await, 200);
    for wrong in [
        format!("{}?link={token}", path(&other)),
        format!("{place}?link={}", &token[..token.len() - 2]),
        format!("{place}?link="),
        format!("{place}/details?link={token}"),
        format!("/v1/users/me?link={token}"),
    ] {
        assert_ne!(opens(&wrong).await, 200, "{wrong}");
    }
    assert_eq!(town.rest().ask("GET", "/v1/users/me", Some(token), &Value::Null).await.status, 401);
    let cookie = format!("palabre_files={token}");
    let with_cookie = town.rest().ask_with("GET", place, None, &Value::Null, &[("cookie", &cookie)]).await;
    assert_eq!(with_cookie.status, 401);
    // It gives no right: who leaves sees nothing by it.
    bob.leaves(&room).await;
    assert_eq!(opens(link["path"].as_str().unwrap()).await, 404);
    let own = ann.asks("file.link", json!({"file": file["id"]})).await.granted();
    assert_eq!(opens(own["path"].as_str().unwrap()).await, 200);
    ann.requests("DELETE", "/v1/sessions/current", Value::Null).await.granted();
    until(async || equal(opens(own["path"].as_str().unwrap()).await, &401)).await;
    town.closes().await;
}
