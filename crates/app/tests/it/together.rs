//! People who do everything that one does here, at once: on one node, and (by `cargo xtask with-nodes`) on two, to which
//! they and their devices connect in turn. After each thing they do the town compares what every device knows with what it
//! reads fresh.

use serde_json::{Value, json};
use testkit::{Person, Room, Said, Town, until};

const FOREVER: &str = "9999-12-31T23:59:59Z";

/// The items of somebody's inbox: reason, text, and whether it is read.
async fn inbox(person: &Person) -> Vec<(String, String, bool)> {
    let page = person.asks("inbox.list", json!({"threads": true})).await.granted();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let item = |item: &Value| (text(&item["reason"]), text(&item["message"]["text"]), item["read"] == true);
    page["items"].as_array().unwrap().iter().map(item).collect()
}

fn item(reason: &str, text: &str, read: bool) -> (String, String, bool) {
    (reason.into(), text.into(), read)
}

async fn why(person: &Person, said: &Said) -> String {
    let asked = json!({"conversation": said.room.id, "seq": said.seq});
    person.asks("notifications.explain", asked).await.granted()["why"].as_str().unwrap().to_owned()
}

/// Waits until somebody follows a thread, which taking part brings a moment later.
async fn follows(person: &Person, root: &Said) {
    until(async || {
        let list = person.requests("GET", "/v1/threads", Value::Null).await.granted();
        let follows = list["threads"].as_array().unwrap().iter().any(|one| one["thread"] == root.seq);
        if follows { Ok(()) } else { Err(list) }
    })
    .await;
}

#[tokio::test]
async fn two_people_do_all_that_one_does_here() {
    let mut town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    // Text, as it was written, and what it said before.
    ann.asks("conversation.update", json!({"conversation": room.id, "edit_history": true})).await.granted();
    bob.forgets().await;
    let roses = ann.says(&room, "*roses* or `tulips`? 玫瑰 🌹").await;
    bob.hears("ann: *roses* or `tulips`? 玫瑰 🌹").await;
    ann.edits(&roses, "*roses* or `lilies`? 玫瑰 🌹").await;
    let asked = json!({"conversation": room.id, "seq": roses.seq});
    let page = bob.asks("message.versions", asked).await.granted();
    assert_eq!(page["versions"][0]["text"], "*roses* or `tulips`? 玫瑰 🌹");
    // A mention, and a call of everybody.
    bob.forgets().await;
    let called = ann.says(&room, "@bob what do you say?").await;
    bob.hears("ann: @bob what do you say?").await;
    assert_eq!(bob.sees(&room).await["unread_for_me"], 1);
    ann.says(&room, "@room everybody may say something").await;
    // A thread, in which one sees the other write.
    bob.asks("typing.set", json!({"conversation": room.id, "thread": roses.seq, "typing": true})).await.granted();
    ann.notices(&format!("bob types in {}", roses.seq)).await;
    let reply = bob.says_in_thread(&roses, "lilies").await;
    ann.notices(&format!("bob stops typing in {}", roses.seq)).await;
    follows(&ann, &roses).await;
    follows(&bob, &roses).await;
    bob.reacts(&called, "👍").await;
    let second = ann.says_in_thread(&roses, "white ones?").await;
    assert_eq!(inbox(&ann).await, [item("reaction", "@bob what do you say?", false), item("thread", "lilies", false)]);
    assert_eq!(
        inbox(&bob).await,
        [
            item("thread", "white ones?", false),
            item("room", "@room everybody may say something", false),
            item("mention", "@bob what do you say?", false),
        ]
    );
    // Quiet: of the thread, of the room, and of everything but a word.
    let level = |level: Value| json!({"conversation": room.id, "thread": roses.seq, "level": level});
    assert_eq!(why(&bob, &second).await, "everything");
    bob.asks("thread.notifications", level(json!("nothing"))).await.granted();
    assert_eq!(why(&bob, &second).await, "nothing");
    bob.asks("thread.notifications", level(Value::Null)).await.granted();
    bob.asks("notifications.set", json!({"rooms": "mentions", "keywords": ["lime"]})).await.granted();
    let lime = ann.says(&room, "the LIME tree").await;
    assert_eq!((why(&bob, &second).await, why(&bob, &lime).await), ("not_mentioned".into(), "keyword".into()));
    bob.asks("conversation.notifications", json!({"conversation": room.id, "muted_until": FOREVER})).await.granted();
    assert_eq!(why(&bob, &lime).await, "muted");
    // Marks: what is read, what is unread again, and all of it at once.
    bob.asks("thread.read", json!({"conversation": room.id, "thread": roses.seq, "seq": second.seq})).await.granted();
    bob.reads(&lime).await;
    assert_eq!(bob.sees(&room).await["unread"], 0);
    assert!(inbox(&bob).await.iter().all(|(.., read)| *read));
    bob.asks("marker.unread", json!({"conversation": room.id, "seq": called.seq})).await.granted();
    assert_eq!(bob.sees(&room).await["room"]["unread"], 3);
    bob.asks("marker.read_all", json!({})).await.granted();
    assert_eq!(bob.sees(&room).await["unread"], 0);
    let newest = ann.asks("inbox.list", json!({"threads": true})).await.granted()["items"][0]["id"].clone();
    ann.asks("inbox.read", json!({"all_to": newest})).await.granted();
    assert!(inbox(&ann).await.iter().all(|(.., read)| *read));
    // A deleted message is gone from all of it.
    bob.deletes(&reply).await;
    ann.deletes(&roses).await;
    bob.asks("message.versions", json!({"conversation": room.id, "seq": roses.seq})).await.refused("not_found");
    assert_eq!(inbox(&ann).await.len(), 1);
    bob.is_now("busy").await;
    ann.notices("bob is busy").await;
    town.closes().await;
}

/// A week in which much happens that concerns bob: others talk, and he does something on his laptop and his phone.
async fn a_week(ann: &Person, bob: &Person, phone: &Person, garden: &Room) {
    let root = ann.says(garden, "who waters the roses?").await;
    let (kept, dropped) = (ann.says(garden, "keep this").await, ann.says(garden, "not this").await);
    for day in 1..=7 {
        ann.says_all(garden, (0..6).map(|hour| format!("day {day}, hour {hour}"))).await;
        ann.says_in_thread(&root, &format!("day {day}: who?")).await;
        bob.says_in_thread(&root, &format!("day {day}: me")).await;
        phone.begins_to_write(garden, &format!("on day {day}"), 0).await;
        ann.edits(&dropped, &format!("not this, {day}")).await;
    }
    follows(bob, &root).await;
    for (device, said) in [(bob, &kept), (phone, &dropped)] {
        let place = json!({"conversation": garden.id, "seq": said.seq});
        device.asks("message.save", place.clone()).await.granted();
        let at = json!({"conversation": garden.id, "seq": said.seq, "at": in_a_year()});
        device.asks("reminder.create", at).await.granted();
    }
    bob.asks("message.unsave", json!({"conversation": garden.id, "seq": dropped.seq})).await.granted();
    let level = json!({"conversation": garden.id, "thread": root.seq, "level": "mentions"});
    phone.asks("thread.notifications", level).await.granted();
    let read = json!({"conversation": garden.id, "thread": root.seq, "seq": root.seq + 4});
    phone.asks("thread.read", read).await.granted();
    bob.asks("notifications.set", json!({"rooms": "mentions", "keywords": ["roses"]})).await.granted();
    bob.asks("conversation.notifications", json!({"conversation": garden.id, "level": "everything"})).await.granted();
    let newest = bob.asks("inbox.list", json!({})).await.granted()["items"][0]["id"].clone();
    if newest.is_string() {
        bob.asks("inbox.read", json!({"items": [newest]})).await.granted();
    }
    bob.reads(&kept).await;
    phone.asks("marker.unread", json!({"conversation": garden.id, "seq": root.seq})).await.granted();
    phone.asks("account.update", json!({"display_name": "Bob Bricoleur"})).await.granted();
    let (attic, cellar) = (ann.opens_private_room("attic").await, ann.opens_private_room("cellar").await);
    ann.adds(bob, &attic).await;
    ann.adds(bob, &cellar).await;
    ann.says(&attic, "@bob up here").await;
    bob.leaves(&cellar).await;
}

/// A moment in about a year.
fn in_a_year() -> String {
    let year = 1_970 + testkit::now() / 31_557_600 + 1;
    format!("{year}-06-01T00:00:00Z")
}

/// Everything that is one person's own, as a device of theirs reads it.
async fn own(device: &Person) -> Vec<Value> {
    let mut all = Vec::new();
    for path in [
        "/v1/users/me",
        "/v1/drafts",
        "/v1/saved",
        "/v1/reminders",
        "/v1/threads",
        "/v1/inbox?threads=true",
        "/v1/users/me/notifications",
        "/v1/conversations",
    ] {
        all.push(device.requests("GET", path, Value::Null).await.granted());
    }
    all
}

/// `catch_up`: how many changes one catches up with before one reads anew.
async fn away_for_a_week(catch_up: i64) {
    let mut town = Town::with(|config| config.limits.catch_up = catch_up).await;
    let (ann, bob) = town.two("ann", "bob").await;
    let (phone, tablet) = (bob.on_another_device().await, bob.on_another_device().await);
    let garden = ann.opens_room("garden").await;
    bob.joins(&garden).await;
    ann.says(&garden, "@bob before you go").await;
    tablet.begins_to_write(&garden, "before the week", 0).await;
    tablet.is_cut_off();
    a_week(&ann, &bob, &phone, &garden).await;
    // After this the town compares all that the tablet knows with what it reads.
    tablet.comes_back().await;
    assert_eq!(tablet.account_seq(), bob.account_seq());
    assert_eq!((tablet.account_seq(), tablet.cursor(&garden)), (phone.account_seq(), phone.cursor(&garden)));
    assert_eq!(tablet.drafts().await, ["on day 7"]);
    let (mine, others) = (own(&tablet).await, own(&bob).await);
    assert_eq!(mine, others);
    assert_eq!(mine, own(&phone).await);
    let list = &mine[7]["conversations"];
    let names: Vec<&Value> = list.as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert_eq!(names, [&json!("attic"), &json!("garden")]);
    assert_eq!(mine[4]["threads"][0]["level"], "mentions");
    // And it goes on as if it had not been away.
    tablet.forgets().await;
    ann.says(&garden, "welcome back").await;
    tablet.hears("ann: welcome back").await;
    tablet.reads(&ann.says(&garden, "well?").await).await;
    assert_eq!(bob.sees(&garden).await["unread"], phone.sees(&garden).await["unread"]);
    town.closes().await;
}

#[tokio::test]
async fn a_device_that_was_away_for_a_week_has_everything_as_the_others_have_it() {
    away_for_a_week(1_000).await;
}

#[tokio::test]
async fn so_has_one_that_has_missed_too_much_to_catch_up() {
    away_for_a_week(12).await;
}
