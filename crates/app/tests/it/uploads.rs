//! Uploads in parts, as tus 1.0 describes them: by their owner alone, from where they broke off, and a file at the end.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chat::FileId;
use serde_json::{Value, json};
use testkit::{
    Answer, Person, Raw, Rest, Room, Town,
    policies::{Ability, Role},
    until,
};

use crate::files::image;

const VERSION: (&str, &str) = ("tus-resumable", "1.0.0");
const BYTES: (&str, &str) = ("content-type", "application/offset+octet-stream");
const PLACE: &str = "/v1/files/uploads";

/// Begins an upload; gives its path and what was answered.
pub(crate) async fn begins(rest: &Rest, person: &Person, name: &str, size: usize) -> (String, Answer) {
    let metadata = format!("filename {},filetype aW1hZ2UvcG5n", STANDARD.encode(name));
    let headers = [VERSION, ("upload-length", &size.to_string()), ("upload-metadata", &metadata)];
    let answer = rest.sends_bytes(("POST", PLACE), &person.tokens().access, &headers, Vec::new()).await;
    let path = answer.header("location").and_then(|place| place.find(PLACE).map(|at| place[at..].to_owned()));
    (path.unwrap_or_default(), answer)
}

/// Goes on with an upload from this place.
pub(crate) async fn goes_on(rest: &Rest, person: &Person, path: &str, from: usize, bytes: Vec<u8>) -> Answer {
    let headers = [VERSION, BYTES, ("upload-offset", &from.to_string())];
    rest.sends_bytes(("PATCH", path), &person.tokens().access, &headers, bytes).await
}

async fn looks(rest: &Rest, person: &Person, path: &str) -> Answer {
    rest.ask_with("HEAD", path, Some(&person.tokens().access), &Value::Null, &[VERSION]).await
}

pub(crate) async fn gives_up(rest: &Rest, person: &Person, path: &str) -> Answer {
    rest.ask_with("DELETE", path, Some(&person.tokens().access), &Value::Null, &[VERSION]).await
}

fn id(path: &str) -> &str {
    path.rsplit('/').next().unwrap()
}

fn offset(answer: &Answer) -> usize {
    assert!((200..300).contains(&answer.status), "{}: {}", answer.status, answer.text);
    assert_eq!(answer.header("tus-resumable"), Some("1.0.0"));
    answer.header("upload-offset").unwrap().parse().unwrap()
}

async fn sends(person: &Person, room: &Room, file: &str) -> testkit::Reply {
    person.asks("message.send", json!({"conversation": room.id, "text": "", "files": [file]})).await
}

#[tokio::test]
async fn what_comes_in_parts_is_the_file_that_one_request_makes_and_is_read_when_it_is_whole() {
    let mut town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    let about = town.rest().ask("OPTIONS", PLACE, None, &Value::Null).await;
    assert_eq!((about.status, about.header("tus-version")), (204, Some("1.0.0")));
    assert_eq!(about.header("tus-max-size"), Some("10485760"));
    assert!(about.header("tus-extension").unwrap().contains("creation-with-upload"));
    let bytes = image(500_000);
    let whole = town.rest().upload(&bob.tokens().access, "Été.png", bytes.clone()).await.granted();
    let (path, begun) = begins(town.rest(), &ann, "C:\\fakepath\\Été.png", bytes.len()).await;
    assert_eq!((begun.status, offset(&begun)), (201, 0));
    assert!(begun.header("upload-expires").unwrap().ends_with("GMT"));
    let file = format!("/v1/files/{}", id(&path));
    let mut from = 0;
    for (nth, part) in bytes.chunks(200_000).enumerate() {
        // By turns on all nodes.
        let rests: Vec<&Rest> = town.rests().collect();
        let rest = rests[nth % rests.len()];
        let before = looks(rest, &ann, &path).await;
        assert_eq!((before.status, offset(&before)), (200, from));
        assert_eq!(before.header("upload-length"), Some("500000"));
        assert_eq!(before.header("cache-control"), Some("no-store"));
        assert_eq!(rest.bytes(&file, &ann.tokens().access, &[]).await.0.status, 404, "half a file is none");
        sends(&ann, &room, id(&path)).await.refused("invalid");
        let added = goes_on(rest, &ann, &path, from, part.to_vec()).await;
        from += part.len();
        assert_eq!((added.status, offset(&added)), (204, from));
    }
    assert_eq!(offset(&looks(town.rest(), &ann, &path).await), bytes.len(), "who did not hear the end asks");
    let details = ann.asks("file.get", json!({"file": id(&path)})).await.granted();
    for same in ["name", "media_type", "size", "sha256", "width", "height", "blurhash"] {
        assert_eq!(details[same], whole[same], "{same}");
    }
    assert_eq!(town.rest().bytes(&file, &ann.tokens().access, &[]).await.1, bytes);
    sends(&ann, &room, id(&path)).await.granted();
    assert_eq!(town.rests().last().unwrap().bytes(&file, &bob.tokens().access, &[]).await.0.status, 200);
    // Its parts are gone: two files are left.
    town.keeps(2).await;
    town.closes().await;
}

#[tokio::test]
async fn what_has_come_before_the_line_broke_is_kept_and_a_request_that_hangs_gives_way() {
    let mut town = Town::opens().await;
    let ann = town.person("ann").await;
    let bytes = image(600_000);
    let (path, _) = begins(town.rest(), &ann, "a.png", bytes.len()).await;
    let head = |from: usize, length: usize| {
        format!(
            "PATCH {path} HTTP/1.1\r\nhost: palabre\r\nauthorization: Bearer {}\r\ntus-resumable: 1.0.0\r\n\
             content-type: application/offset+octet-stream\r\nupload-offset: {from}\r\ncontent-length: {length}\r\n\r\n",
            ann.tokens().access
        )
    };
    let mut raw = Raw::connect(town.address()).await;
    raw.writes(head(0, bytes.len()).as_bytes()).await;
    raw.writes(&bytes[..250_000]).await;
    town.keeps(1).await;
    drop(raw);
    // Once the server has read what was sent, it has it.
    let come = until(async || match offset(&looks(town.rest(), &ann, &path).await) {
        0 => Err("nothing has come"),
        come => Ok(come),
    })
    .await;
    assert!(come > 100_000 && come <= 250_000, "{come}");
    // One that hangs: its network has changed, and it does not know yet.
    let mut hanging = Raw::connect(town.address()).await;
    hanging.writes(head(come, bytes.len() - come).as_bytes()).await;
    hanging.writes(&bytes[come..come + 150_000]).await;
    town.keeps(2).await;
    let next = offset(&looks(town.rest(), &ann, &path).await);
    assert!(next > come, "{next}");
    assert_eq!(hanging.hears().await.unwrap().status, 423);
    let wrong = goes_on(town.rest(), &ann, &path, come, bytes[come..].to_vec()).await.refused(409, "conflict");
    assert!(wrong["detail"].as_str().unwrap().contains(&next.to_string()), "{wrong}");
    let done = goes_on(town.rest(), &ann, &path, next, bytes[next..].to_vec()).await;
    assert_eq!(offset(&done), bytes.len());
    let read = town.rest().bytes(&format!("/v1/files/{}", id(&path)), &ann.tokens().access, &[]).await.1;
    assert!(read == bytes);
    town.closes().await;
}

#[tokio::test]
async fn what_two_requests_bring_from_the_same_place_is_kept_once() {
    let mut town = Town::opens().await;
    let ann = town.person("ann").await;
    let bytes = image(300_000);
    let (path, _) = begins(town.rest(), &ann, "a.png", bytes.len()).await;
    let rests: Vec<&Rest> = town.rests().collect();
    let (first, last) = (rests[0], rests[rests.len() - 1]);
    let half = || bytes[..150_000].to_vec();
    let (one, other) = tokio::join!(goes_on(first, &ann, &path, 0, half()), goes_on(last, &ann, &path, 0, half()));
    let statuses = [one.status, other.status];
    // The later one may have ended the earlier, and then finds that some of it has come.
    assert!(statuses.iter().all(|status| matches!(status, 204 | 409 | 423)), "{statuses:?}");
    assert!(statuses != [204, 204], "both have gone on");
    let come = offset(&looks(first, &ann, &path).await);
    assert!(come <= 150_000 && (come == 150_000 || !statuses.contains(&204)), "{come} {statuses:?}");
    goes_on(last, &ann, &path, come, bytes[come..].to_vec()).await.granted();
    let read = first.bytes(&format!("/v1/files/{}", id(&path)), &ann.tokens().access, &[]).await.1;
    assert!(read == bytes);
    town.keeps(1).await;
    town.closes().await;
}

#[tokio::test]
async fn nobody_but_its_owner_finds_an_upload() {
    let mut town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let root = town.admin("root").await;
    let (path, _) = begins(town.rest(), &ann, "a.png", 100).await;
    for other in [&bob, &root] {
        for rest in town.rests() {
            assert_eq!(looks(rest, other, &path).await.status, 404);
            goes_on(rest, other, &path, 0, image(10)).await.refused(404, "not_found");
            gives_up(rest, other, &path).await.refused(404, "not_found");
        }
    }
    for method in ["HEAD", "PATCH", "DELETE", "POST"] {
        let answer = town.rest().ask_with(method, &path, None, &Value::Null, &[VERSION, BYTES]).await;
        assert_eq!((answer.status, answer.header("tus-resumable")), (401, Some("1.0.0")), "{method}");
    }
    assert_eq!(town.rest().ask_with("POST", PLACE, None, &Value::Null, &[VERSION]).await.status, 401);
    for odd in ["..%2f..%2fpalabre.db", "%00", "ABCDEFABCDEFABCDEFABCDEFABCDEFAB", "a"] {
        assert_eq!(looks(town.rest(), &ann, &format!("{PLACE}/{odd}")).await.status, 404, "{odd}");
    }
    assert_eq!(offset(&looks(town.rest(), &ann, &path).await), 0);
    gives_up(town.rest(), &ann, &path).await.granted();
    assert_eq!(looks(town.rest(), &ann, &path).await.status, 404);
    town.closes().await;
}

#[tokio::test]
async fn bytes_that_do_not_have_their_checksum_are_not_kept() {
    let mut town = Town::opens().await;
    let ann = town.person("ann").await;
    let bytes = b"hello tus".to_vec();
    let (path, _) = begins(town.rest(), &ann, "a.txt", bytes.len()).await;
    let patch = async |checksum: &str, from: &str, bytes: &[u8]| {
        let headers = [VERSION, BYTES, ("upload-offset", from), ("upload-checksum", checksum)];
        town.rest().sends_bytes(("PATCH", &path), &ann.tokens().access, &headers, bytes.to_vec()).await
    };
    // Of "hello" by both algorithms, and of "hullo".
    let (sha1, sha256) = ("sha1 qvTGHdzF6KLavt4PO0gs2a6pQ00=", "sha256 LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=");
    patch(sha1, "0", b"hullo").await.refused(460, "checksum_mismatch");
    patch(sha256, "0", b"hullo").await.refused(460, "checksum_mismatch");
    for wrong in ["md5 XUFAKrxLKna5cZ2REBfFkg==", "sha1", "sha1 !", "sha256 qvTGHdzF6KLavt4PO0gs2a6pQ00="] {
        patch(wrong, "0", b"hello").await.refused(400, "malformed");
    }
    assert_eq!(offset(&looks(town.rest(), &ann, &path).await), 0);
    town.keeps(0).await;
    assert_eq!(offset(&patch(sha1, "0", b"hello").await), 5);
    goes_on(town.rest(), &ann, &path, 5, bytes[5..].to_vec()).await.granted();
    let read = town.rest().bytes(&format!("/v1/files/{}", id(&path)), &ann.tokens().access, &[]).await.1;
    assert_eq!(read, bytes);
    town.closes().await;
}

#[tokio::test]
async fn an_upload_begins_with_its_first_bytes_and_may_be_all_of_them() {
    let mut town = Town::opens().await;
    let ann = town.person("ann").await;
    let begin = async |size: &str, bytes: Vec<u8>| {
        let headers = [VERSION, BYTES, ("upload-length", size), ("upload-metadata", "filename YS5wbmc=")];
        town.rest().sends_bytes(("POST", PLACE), &ann.tokens().access, &headers, bytes).await
    };
    let whole = begin("3000", image(3_000)).await;
    assert_eq!((whole.status, offset(&whole)), (201, 3_000));
    assert_eq!((&whole.body["name"], &whole.body["size"]), (&json!("a.png"), &json!(3_000)));
    assert!(whole.header("location").unwrap().ends_with(whole.body["id"].as_str().unwrap()));
    let half = begin("3000", image(1_000)).await;
    assert_eq!((half.status, offset(&half), half.text.as_str()), (201, 1_000, ""));
    // For who can send neither PATCH nor DELETE.
    let place = half.header("location").unwrap();
    let path = &place[place.find(PLACE).unwrap()..];
    let instead = ("x-http-method-override", "PATCH");
    let headers = [VERSION, BYTES, instead, ("upload-offset", "1000")];
    let rest = image(3_000)[1_000..].to_vec();
    assert_eq!(offset(&town.rest().sends_bytes(("POST", path), &ann.tokens().access, &headers, rest).await), 3_000);
    let bare = town.rest().sends_bytes(("POST", path), &ann.tokens().access, &[VERSION], Vec::new()).await;
    bare.refused(405, "method_not_allowed");
    // A file that waits for its message can be given up the same way.
    gives_up(town.rest(), &ann, path).await.granted();
    assert_eq!(looks(town.rest(), &ann, path).await.status, 404);
    town.keeps(1).await;
    town.closes().await;
}

#[tokio::test]
async fn an_upload_has_the_limits_of_a_file_and_only_some_are_unfinished() {
    let mut town = Town::with(|config| {
        config.limits.file_bytes = 1_000;
        config.limits.file_bytes_per_user = 2_500;
        config.limits.unfinished_uploads_per_user = 3;
    })
    .await;
    let ann = town.person("ann").await;
    let token = ann.tokens().access;
    let begin =
        async |headers: &[(&str, &str)]| town.rest().sends_bytes(("POST", PLACE), &token, headers, Vec::new()).await;
    begin(&[("upload-length", "10")]).await.refused(412, "unsupported_version");
    begin(&[("tus-resumable", "0.2.2"), ("upload-length", "10")]).await.refused(412, "unsupported_version");
    begin(&[VERSION]).await.refused(422, "invalid");
    begin(&[VERSION, ("upload-defer-length", "1")]).await.refused(422, "invalid");
    for (size, status, code) in
        [("0", 422, "invalid"), ("-1", 422, "invalid"), ("x", 422, "invalid"), ("1001", 413, "too_large")]
    {
        begin(&[VERSION, ("upload-length", size)]).await.refused(status, code);
    }
    let (first, _) = begins(town.rest(), &ann, "a.png", 1_000).await;
    begins(town.rest(), &ann, "b.png", 1_000).await.1.granted();
    // An upload that was begun has its room reserved, here and for uploads by one request.
    begins(town.rest(), &ann, "c.png", 501).await.1.refused(422, "limit_reached");
    town.rest().upload(&token, "c.png", image(501)).await.refused(422, "limit_reached");
    begins(town.rest(), &ann, "c.png", 100).await.1.granted();
    let fourth = begins(town.rest(), &ann, "d.png", 1).await.1.refused(422, "limit_reached");
    assert!(fourth["detail"].as_str().unwrap().contains('3'), "{fourth}");
    // No more bytes than were announced, and none behind what has not come.
    goes_on(town.rest(), &ann, &first, 0, image(1_001)).await.refused(413, "too_large");
    goes_on(town.rest(), &ann, &first, 1, image(10)).await.refused(409, "conflict");
    let headers = [VERSION, ("content-type", "image/png"), ("upload-offset", "0")];
    town.rest().sends_bytes(("PATCH", &first), &token, &headers, image(10)).await.refused(415, "unsupported_type");
    assert_eq!(offset(&looks(town.rest(), &ann, &first).await), 0);
    // A day later it is gone, with what has come of it.
    goes_on(town.rest(), &ann, &first, 0, image(900)).await.granted();
    town.keeps(1).await;
    town.has_waited_for_upload(FileId::parse(id(&first)).unwrap()).await;
    town.keeps(0).await;
    assert_eq!(looks(town.rest(), &ann, &first).await.status, 404);
    goes_on(town.rest(), &ann, &first, 900, image(100)).await.refused(404, "not_found");
    begins(town.rest(), &ann, "d.png", 1_000).await.1.granted();
    town.closes().await;
}

#[tokio::test]
async fn a_type_that_is_not_accepted_is_refused_with_the_first_bytes() {
    let mut town = Town::opens().await;
    let ann = town.person("ann").await;
    let program: Vec<u8> = b"\x7fELF".iter().copied().chain([0; 20_000]).collect();
    let (path, _) = begins(town.rest(), &ann, "a.png", 1_000_000).await;
    let refused = goes_on(town.rest(), &ann, &path, 0, program.clone()).await.refused(415, "unsupported_type");
    assert!(refused["detail"].as_str().unwrap().contains("image"), "{refused}");
    assert_eq!(offset(&looks(town.rest(), &ann, &path).await), 0);
    // In pieces too small to tell, it is refused at the end, and nothing can be read.
    let (path, _) = begins(town.rest(), &ann, "a.png", 5_000).await;
    goes_on(town.rest(), &ann, &path, 0, program[..3_000].to_vec()).await.granted();
    goes_on(town.rest(), &ann, &path, 3_000, program[..2_000].to_vec()).await.refused(415, "unsupported_type");
    assert_eq!(town.rest().bytes(&format!("/v1/files/{}", id(&path)), &ann.tokens().access, &[]).await.0.status, 404);
    gives_up(town.rest(), &ann, &path).await.granted();
    town.keeps(0).await;
    town.closes().await;
}

#[tokio::test]
async fn what_a_photo_says_beside_the_picture_is_gone_however_it_was_cut() {
    let mut town = Town::opens().await;
    let ann = town.person("ann").await;
    let segment = |kind: u8, data: &[u8]| {
        let length = u16::try_from(data.len() + 2).unwrap().to_be_bytes();
        [&[0xff, kind][..], &length, data].concat()
    };
    let place = [&b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0"[..], &b"52.5200 N 13.4050 E ".repeat(300)].concat();
    let frame = segment(0xc0, b"\x08\x01\xe0\x02\x80\x01\x01\x11\0");
    let end = segment(0xda, b"\x01\x01\0\0\x3f\0");
    let photo = [&[0xff, 0xd8][..], &segment(0xe1, &place), &frame, &end, &[9; 5_000], &[0xff, 0xd9]].concat();
    let (path, _) = begins(town.rest(), &ann, "photo.jpg", photo.len()).await;
    let mut from = 0;
    for part in photo.chunks(1_111) {
        goes_on(town.rest(), &ann, &path, from, part.to_vec()).await.granted();
        from += part.len();
    }
    let whole = town.rest().upload(&ann.tokens().access, "photo.jpg", photo.clone()).await.granted();
    let details = ann.asks("file.get", json!({"file": id(&path)})).await.granted();
    assert_eq!((&details["sha256"], &details["width"]), (&whole["sha256"], &json!(640)));
    let read = town.rest().bytes(&format!("/v1/files/{}", id(&path)), &ann.tokens().access, &[]).await.1;
    assert!(!read.windows(7).any(|window| window == b"52.5200"), "where it was taken");
    town.closes().await;
}

#[tokio::test]
async fn who_may_not_attach_files_sends_none_and_everything_else() {
    let mut town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    let file = async |person: &Person| {
        let file = town.rest().upload(&person.tokens().access, "a.png", image(100)).await.granted();
        file["id"].as_str().unwrap().to_owned()
    };
    sends(&bob, &room, &file(&bob).await).await.granted();
    town.sets(&room, Ability::Attach, Some(Role::Moderator)).await;
    let waiting = file(&bob).await;
    let refused = sends(&bob, &room, &waiting).await.refused("forbidden");
    assert!(refused["detail"].as_str().unwrap().contains("moderator is needed to send files"), "{refused}");
    bob.says(&room, "only words").await;
    sends(&ann, &room, &file(&ann).await).await.granted();
    let own = json!({"conversation": room.id, "user": bob.id()});
    let abilities = bob.asks("member.abilities", own).await.granted();
    let attach = abilities["abilities"].as_array().unwrap().iter().find(|one| one["ability"] == "attach").unwrap();
    assert_eq!(attach["may"], json!(false), "{attach}");
    town.grants(&bob, &room, Ability::Attach, true, None).await;
    sends(&bob, &room, &waiting).await.granted();
    town.sets(&room, Ability::Attach, None).await;
    town.grants(&bob, &room, Ability::Attach, false, Some(60_000)).await;
    let muted = sends(&bob, &room, &file(&bob).await).await.refused("forbidden");
    assert!(muted["retry_after_ms"].as_i64().unwrap() > 0, "{muted}");
    // In a thread as in the room; and a grant to post is none to attach.
    let root = ann.says(&room, "a thread").await;
    let reply = json!({"conversation": room.id, "text": "", "thread": root.seq, "files": [file(&bob).await]});
    bob.asks("message.send", reply).await.refused("forbidden");
    let direct = bob.asks("conversation.create", json!({"kind": "direct", "user": ann.id()})).await.granted();
    let message = json!({"conversation": direct["id"], "text": "", "files": [file(&bob).await]});
    bob.asks("message.send", message).await.granted();
    town.closes().await;
}
