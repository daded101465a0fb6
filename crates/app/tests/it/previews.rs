//! Previews of links: what the page behind a message's first link says of itself, where a room wants it.

mod site;

use serde_json::{Value, json};
use testkit::{
    Person, Room, Said, Town,
    policies::{Ability, Role},
};

use crate::files::pictures::photo;
use site::{Site, html, image, page};

/// A town that makes previews, and may ask the sites of this test.
async fn town() -> Town {
    Town::with(|config| {
        config.previews.enabled = true;
        config.outgoing.allow = vec!["127.0.0.1".parse().expect("an address")];
    })
    .await
}

async fn wants_previews(person: &Person, room: &Room, previews: bool) {
    let data = json!({"conversation": room.id, "previews": previews});
    let answer = person.asks("conversation.update", data).await.granted();
    assert_eq!(answer["previews"], previews);
}

/// A room that wants previews, with both of them in it, who have heard of all that.
async fn garden(ann: &Person, bob: &Person) -> Room {
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    wants_previews(ann, &room, true).await;
    ann.forgets().await;
    bob.forgets().await;
    room
}

async fn message(person: &Person, said: &Said) -> Value {
    let data = json!({"conversation": said.room.id, "seq": said.seq});
    person.asks("message.get", data).await.granted()
}

async fn takes_off(person: &Person, said: &Said) -> testkit::Reply {
    let data = json!({"conversation": said.room.id, "seq": said.seq});
    person.asks("preview.remove", data).await
}

async fn status(town: &Town, person: &Person, file: &Value) -> u16 {
    let path = format!("/v1/files/{}", file["id"].as_str().unwrap());
    town.rests().last().unwrap().bytes(&path, &person.tokens().access, &[]).await.0.status
}

#[tokio::test]
async fn a_link_gets_its_preview_with_a_picture_that_only_members_may_read() {
    let mut town = town().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let eve = town.person("eve").await;
    let room = garden(&ann, &bob).await;
    let site = Site::opens().await;
    site.has(
        "/tree",
        html(
            "<meta property=og:title content='A\u{202e} tree'><meta property=og:site_name content=Trees>\
        <meta name=description content='It is\n green.'><meta property=og:image content=/tree.png>",
        ),
    );
    site.has("/tree.png", image(640, 480));
    let link = site.url("/tree?a=b#top");
    let said = ann.says(&room, &format!("look: {link}")).await;
    bob.hears(&format!("ann: look: {link}")).await;
    let heard = bob.hears("the page is called A tree").await;
    ann.hears("the page is called A tree").await;
    let preview = heard["data"]["preview"].clone();
    assert_eq!((&preview["url"], &preview["site"]), (&json!(link), &json!("Trees")));
    assert_eq!(preview["description"], "It is green.");
    let file = preview["image"].clone();
    assert_eq!((&file["media_type"], &file["width"], &file["height"]), (&json!("image/png"), &json!(640), &json!(480)));
    // Nobody sees an attachment, or a changed text.
    let shown = message(&bob, &said).await;
    assert_eq!((&shown["preview"], &shown["files"], &shown["edited_at"]), (&preview, &json!([]), &Value::Null));
    assert!(shown["rev"].as_i64() > shown["seq"].as_i64());
    for (person, may) in [(&ann, 200), (&bob, 200), (&eve, 404)] {
        assert_eq!(status(&town, person, &file).await, may);
    }
    let requests = site.requests();
    assert_eq!(requests.len(), 2, "the page and its picture: {requests:?}");
    assert!(requests[0].starts_with("GET /tree?a=b HTTP/1.1\r\n") && requests[0].contains("user-agent: Palabre/"));
    assert!(!requests.concat().to_lowercase().contains("cookie"));
    // A removed member reads it no more, and a deletion takes it along.
    ann.removes(&bob, &room).await;
    assert_eq!(status(&town, &bob, &file).await, 404);
    ann.deletes(&said).await;
    assert_eq!(message(&ann, &said).await["preview"], Value::Null);
    assert_eq!(status(&town, &ann, &file).await, 404);
    town.keeps(0).await;
    town.closes().await;
}

#[tokio::test]
async fn how_a_picture_looks_from_far_away_is_in_the_event_and_whenever_the_preview_is_read() {
    let mut town = town().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let room = garden(&ann, &bob).await;
    let site = Site::opens().await;
    site.has("/tree", html("<title>A tree</title><meta property=og:image content=/tree.jpg>"));
    site.has("/tree.jpg", site::answer("200 OK", "Content-Type: image/jpeg\r\n", &photo(2_000, 100)));
    let said = ann.says(&room, &site.url("/tree")).await;
    let picture = ann.hears("the page is called A tree").await["data"]["preview"]["image"].clone();
    let blurhash = picture["blurhash"].as_str().unwrap();
    assert!(blurhash.len() == 28 && blurhash.starts_with('L'), "{blurhash}");
    bob.forgets().await;
    // The same to who asks for it, to who was away, and to who comes later.
    assert_eq!(message(&bob, &said).await["preview"]["image"], picture);
    let newcomer = town.person("newcomer").await;
    newcomer.joins(&room).await;
    ann.hears("newcomer joins").await;
    for reader in [&ann, &newcomer] {
        let history = reader.asks("message.history", json!({"conversation": room.id})).await.granted();
        assert_eq!(history["messages"][0]["preview"]["image"], picture);
    }
    bob.stops_listening();
    let again = ann.says(&room, &format!("again: {}", site.url("/tree"))).await;
    let anew = ann.hears("the page is called A tree").await["data"]["preview"]["image"].clone();
    assert_eq!((&anew["blurhash"], anew["id"] == picture["id"]), (&json!(blurhash), false), "each has its own");
    bob.listens_again();
    bob.hangs_up().await;
    bob.comes_back().await;
    assert_eq!(message(&bob, &again).await["preview"]["image"], anew);
    for size in ["small", "large"] {
        let path = format!("/v1/files/{}/thumbnail/{size}", picture["id"].as_str().unwrap());
        assert_eq!(town.rest().bytes(&path, &bob.tokens().access, &[]).await.0.status, 200);
    }
    for said in [&said, &again] {
        ann.deletes(said).await;
    }
    // With their thumbnails.
    town.keeps(0).await;
    town.closes().await;
}

#[tokio::test]
async fn nobody_is_asked_where_the_server_or_the_room_does_not_want_it() {
    let site = Site::opens().await;
    site.has("/", page("A page"));
    let mut town = town().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    ann.says(&room, &site.url("/")).await;
    // A member may not decide it; who may, does.
    let refused = bob.asks("conversation.update", json!({"conversation": room.id, "previews": true})).await;
    refused.refused("forbidden");
    wants_previews(&ann, &room, true).await;
    for quiet in ["no link".to_owned(), format!("> {}", site.url("/")), format!("`{}`", site.url("/"))] {
        ann.says(&room, &quiet).await;
    }
    wants_previews(&ann, &room, false).await;
    ann.says(&room, &site.url("/")).await;
    let direct = ann.turns_to(&bob).await;
    ann.says(&direct, &site.url("/")).await;
    ann.asks("conversation.update", json!({"conversation": direct.id, "previews": true})).await.refused("forbidden");
    town.closes().await;
    assert_eq!(site.requests(), [] as [String; 0]);

    let mut off = Town::opens().await;
    let ann = off.person("ann").await;
    let room = ann.opens_room("garden").await;
    let refused = ann.asks("conversation.update", json!({"conversation": room.id, "previews": true})).await;
    assert_eq!(refused.refused("invalid")["errors"][0]["pointer"], "/previews");
    wants_previews(&ann, &room, false).await;
    assert_eq!(off.rest().ask("GET", "/v1/server", None, &Value::Null).await.granted()["previews"], false);
    ann.says(&room, &site.url("/")).await;
    off.closes().await;
    assert_eq!(site.requests(), [] as [String; 0]);
}

#[tokio::test]
async fn a_preview_is_taken_off_by_its_author_and_by_who_may_delete_and_does_not_come_back() {
    let mut town = town().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let (carl, eve) = (town.person("carl").await, town.person("eve").await);
    let room = garden(&ann, &bob).await;
    carl.joins(&room).await;
    bob.forgets().await;
    let site = Site::opens().await;
    site.has("/", html("<title>A page</title><meta property=og:image content=/a.png>"));
    site.has("/a.png", image(10, 10));
    let mut said = Vec::new();
    for nth in 0..2 {
        said.push(bob.says(&room, &format!("{nth} {}", site.url("/"))).await);
        bob.hears("the page is called A page").await;
    }
    // Asked for once for both, page and picture, on each node that has made one.
    let asked = site.requests().len();
    assert!((2..=2 * town.rests().count()).contains(&asked), "{asked}");
    takes_off(&carl, &said[0]).await.refused("forbidden");
    takes_off(&eve, &said[0]).await.refused("not_found");
    ann.forgets().await;
    let taken = takes_off(&bob, &said[0]).await.granted();
    assert_eq!((&taken["preview"], taken["text"].is_string()), (&Value::Null, true));
    ann.hears("the preview is gone").await;
    assert_eq!(takes_off(&bob, &said[0]).await.granted()["rev"], taken["rev"], "repeating it changes nothing");
    ann.hears_nothing_more().await;
    // Another word beside the same link brings nothing back.
    bob.edits(&said[0], &format!("again {}", site.url("/"))).await;
    let path = format!("/v1/conversations/{}/messages/{}/preview", room.id, said[1].seq);
    ann.makes(&carl, "moderator", &room).await.granted();
    let taken = carl.requests("DELETE", &path, Value::Null).await.granted();
    assert_eq!(taken["preview"], Value::Null);
    town.keeps(0).await;
    town.closes().await;
    assert_eq!(site.requests().len(), asked);
}

#[tokio::test]
async fn an_edit_changes_the_preview_with_the_link_and_only_then() {
    let mut town = town().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let room = garden(&ann, &bob).await;
    let site = Site::opens().await;
    for name in ["one", "two"] {
        site.has(&format!("/{name}"), page(name));
    }
    let (one, two) = (site.url("/one"), site.url("/two"));
    let said = ann.says(&room, &one).await;
    ann.hears("the page is called one").await;
    ann.edits(&said, &format!("see {one} and {two}")).await;
    let kept = message(&bob, &said).await;
    assert_eq!(kept["preview"]["title"], "one");
    ann.edits(&said, &format!("see {two} and {one}")).await;
    ann.hears("the page is called two").await;
    assert_eq!(message(&bob, &said).await["preview"]["title"], "two");
    ann.edits(&said, &format!("see `{two}`")).await;
    assert_eq!(message(&bob, &said).await["preview"], Value::Null);
    ann.edits(&said, &two).await;
    ann.hears("the page is called two").await;
    // Previews from before the room wanted none stay, and are not made anew.
    wants_previews(&ann, &room, false).await;
    ann.edits(&said, &format!("{two} is good")).await;
    assert_eq!(message(&bob, &said).await["preview"]["title"], "two");
    ann.edits(&said, &one).await;
    town.closes().await;
    // Each page once, on each node that has looked.
    let asked = site.requests().len();
    assert!((2..=2 * town.rests().count()).contains(&asked), "{asked}");
}

#[tokio::test]
async fn who_does_not_see_the_message_hears_only_a_number_and_old_endpoints_nothing() {
    let mut town = town().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let newcomer = town.person("newcomer").await;
    let room = garden(&ann, &bob).await;
    town.sets(&room, Ability::SeeEarlierHistory, Some(Role::Moderator)).await;
    let site = Site::opens().await;
    site.has("/", html("<title>A page</title><meta property=og:image content=/a.png>"));
    site.has("/a.png", image(10, 10));
    let said = ann.says(&room, "nothing yet").await;
    newcomer.joins(&room).await;
    newcomer.forgets().await;
    bob.stops_listening();
    ann.edits(&said, &site.url("/")).await;
    ann.hears("newcomer joins").await;
    let heard = ann.hears("the page is called A page").await;
    // Of both changes the newcomer learns that there was one.
    newcomer.hears("event.hidden").await;
    newcomer.hears("event.hidden").await;
    newcomer.hears_nothing_more().await;
    assert_eq!(status(&town, &newcomer, &heard["data"]["preview"]["image"]).await, 404);
    takes_off(&newcomer, &said).await.refused("not_found");
    // A person who was away finds it among the changes.
    bob.listens_again();
    bob.hangs_up().await;
    bob.comes_back().await;
    assert_eq!(message(&bob, &said).await["preview"]["title"], "A page");
    town.closes().await;
}

#[tokio::test]
async fn of_what_is_no_page_or_is_not_to_be_asked_there_is_no_preview_and_no_word() {
    let mut town = town().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let room = garden(&ann, &bob).await;
    let site = Site::opens().await;
    site.has("/untitled", html("<p>nothing</p>"));
    site.has("/text", site::answer("200 OK", "Content-Type: text/plain\r\n", b"<title>x</title>"));
    site.has("/error", site::answer("500 Oops", "Content-Type: text/html\r\n", b"<title>x</title>"));
    for (path, place) in [
        ("/metadata", "http://169.254.169.254/latest/meta-data/"),
        ("/inside", "http://10.0.0.1/"),
        ("/file", "file:///etc/passwd"),
        ("/round", "/round"),
    ] {
        site.has(path, site::answer("302 Found", &format!("Location: {place}\r\n"), b""));
    }
    site.has("/svg", html("<title>svg</title><meta property=og:image content=/a.svg>"));
    site.has("/a.svg", site::answer("200 OK", "Content-Type: image/svg+xml\r\n", b"<svg/>"));
    site.has("/liar", html("<title>liar</title><meta property=og:image content=/b.png>"));
    site.has("/b.png", site::answer("200 OK", "Content-Type: image/png\r\n", b"<html><script>"));
    site.has("/bomb", html("<title>bomb</title><meta property=og:image content=/c.png>"));
    site.has("/c.png", image(50_000, 50_000));
    site.has("/spy", html("<title>spy</title><meta property=og:image content=http://169.254.169.254/a.png>"));
    let nothing = ["/untitled", "/text", "/error", "/metadata", "/inside", "/file", "/round", "/missing"];
    for path in nothing {
        ann.says(&room, &site.url(path)).await;
    }
    ann.says(&room, "http://[::1]:1/ http://localhost/").await;
    // A page without a picture of its own is a page all the same.
    for title in ["svg", "liar", "bomb", "spy"] {
        ann.says(&room, &site.url(&format!("/{title}"))).await;
        let heard = ann.hears(&format!("the page is called {title}")).await;
        assert_eq!(heard["data"]["preview"]["image"], Value::Null, "{title}");
    }
    ann.hears_nothing_more().await;
    town.keeps(0).await;
    town.closes().await;
}

#[tokio::test]
async fn a_picture_that_cannot_be_kept_just_now_comes_with_its_preview_a_moment_later() {
    let mut folder = None;
    let mut town = Town::with(|config| {
        config.previews.enabled = true;
        config.outgoing.allow = vec!["127.0.0.1".parse().expect("an address")];
        // In a folder, also where others are in a bucket: only there can a test keep it from being written.
        let files = config.data.dir.join("files");
        config.data.files = Some(palabre::config::FilesPlace::Folder(files.clone()));
        folder = Some(files);
    })
    .await;
    let folder = folder.unwrap();
    let (ann, bob) = town.two("ann", "bob").await;
    let room = garden(&ann, &bob).await;
    let site = Site::opens().await;
    site.has("/tree", html("<title>A tree</title><meta property=og:image content=/tree.png>"));
    site.has("/tree.png", image(640, 480));
    site.has("/bush", page("A bush"));
    // Nothing can be written where a file stands in the folder's place.
    let aside = folder.with_extension("aside");
    let was_there = std::fs::rename(&folder, &aside).is_ok();
    std::fs::write(&folder, b"in the way").unwrap();
    let said = ann.says(&room, &site.url("/tree")).await;
    bob.hears(&format!("ann: {}", site.url("/tree"))).await;
    testkit::until(async || testkit::equal(site.requests().len(), &2)).await;
    // By the time that another page was looked at, the picture of the first could not be kept.
    let other = ann.says(&room, &site.url("/bush")).await;
    bob.hears(&format!("ann: {}", site.url("/bush"))).await;
    bob.hears("the page is called A bush").await;
    assert_eq!(message(&bob, &said).await["preview"], Value::Null);
    std::fs::remove_file(&folder).unwrap();
    if was_there {
        std::fs::rename(&aside, &folder).unwrap();
    }
    let heard = bob.hears("the page is called A tree").await;
    assert_eq!(heard["data"]["preview"]["image"]["width"], 640);
    let most = 1 + 2 * town.rests().count();
    assert!(site.requests().len() <= most, "no node asks for a page again: {:?}", site.requests());
    ann.deletes(&said).await;
    ann.deletes(&other).await;
    town.keeps(0).await;
    town.closes().await;
}
