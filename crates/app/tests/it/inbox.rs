//! Items for somebody: newest first, read by itself or all at once, on all devices, and nothing that they may not see.

use serde_json::{Value, json};
use testkit::{Person, Town};

async fn inbox(person: &Person) -> Vec<Value> {
    let page = person.asks("inbox.list", json!({})).await.granted();
    page["items"].as_array().cloned().unwrap_or_default()
}

/// Why each is there, what its message says, and whether it is read.
async fn shown(person: &Person) -> Vec<(String, String, bool)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let item = |item: &Value| (text(&item["reason"]), text(&item["message"]["text"]), item["read"] == true);
    inbox(person).await.iter().map(item).collect()
}

fn item(reason: &str, text: &str, read: bool) -> (String, String, bool) {
    (reason.into(), text.into(), read)
}

#[tokio::test]
async fn mentions_replies_and_reactions_are_in_the_inbox_newest_first_and_read_by_themselves_or_all() {
    let town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    let question = bob.says(&room, "who waters?").await;
    ann.says(&room, "@bob does").await;
    ann.says(&room, "@room and @bob").await;
    ann.replies(&question, "you").await;
    ann.reacts(&question, "👍").await;
    let all = [
        item("reaction", "who waters?", false),
        item("reply", "you", false),
        item("mention", "@room and @bob", false),
        item("mention", "@bob does", false),
    ];
    assert_eq!(shown(&bob).await, all);
    assert_eq!(shown(&ann).await, [] as [(String, String, bool); 0], "nothing was for ann");
    // Page by page.
    let first = bob.asks("inbox.list", json!({"limit": 3})).await.granted();
    let next = bob.asks("inbox.list", json!({"limit": 3, "cursor": first["next_cursor"]})).await.granted();
    let texts = |page: &Value| page["items"].as_array().map_or(0, Vec::len);
    assert!(texts(&first) >= 2 && texts(&first) + texts(&next) >= 3, "{first} {next}");
    // One by itself.
    let ids: Vec<Value> = inbox(&bob).await.iter().map(|item| item["id"].clone()).collect();
    let before = bob.account_seq();
    for _ in 0..2 {
        bob.asks("inbox.read", json!({"items": [ids[3]]})).await.granted();
    }
    assert_eq!(bob.account_seq(), before + 1, "reading it again changes nothing");
    let read: Vec<bool> = shown(&bob).await.into_iter().map(|(.., read)| read).collect();
    assert_eq!(read, [false, false, false, true]);
    // Messages that are read in their conversation are read here, reactions are not.
    bob.reads(&ann.says(&room, "good").await).await;
    let read: Vec<bool> = shown(&bob).await.into_iter().map(|(.., read)| read).collect();
    assert_eq!(read, [false, true, true, true]);
    let state = bob.asks("inbox.read", json!({"all_to": ids[0]})).await.granted();
    assert_eq!((&state["all_to"], &state["items"]), (&ids[0], &json!([])));
    assert!(shown(&bob).await.iter().all(|(.., read)| *read));
    // Taken back.
    ann.takes_back(&question, "👍").await;
    bob.deletes(&question).await;
    assert_eq!(shown(&bob).await.len(), 3);
    for wrong in [json!({"items": ["x"]}), json!({"all_to": "1.2"}), json!({"items": [ids[0]], "all_to": ids[0]})] {
        bob.asks("inbox.read", wrong).await.refused("invalid");
    }
    let to_come = json!({"all_to": "999999999999999.1.1"});
    bob.asks("inbox.read", to_come).await.refused("invalid");
}

#[tokio::test]
async fn the_inbox_has_nothing_of_places_that_one_has_left() {
    let town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    ann.says(&room, "@bob and @room").await;
    let edited = ann.says(&room, "somebody").await;
    bob.reads(&ann.says(&room, "later").await).await;
    ann.edits(&edited, "@bob").await;
    assert_eq!(shown(&bob).await, [item("mention", "@bob", false), item("mention", "@bob and @room", true)]);
    bob.leaves(&room).await;
    assert_eq!(shown(&bob).await, [] as [(String, String, bool); 0]);
}

/// The same with the threads that one follows.
async fn with_threads(person: &Person) -> Vec<(String, String, bool)> {
    let page = person.asks("inbox.list", json!({"threads": true})).await.granted();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let item = |item: &Value| (text(&item["reason"]), text(&item["message"]["text"]), item["read"] == true);
    page["items"].as_array().unwrap().iter().map(item).collect()
}

#[tokio::test]
async fn followed_threads_are_in_the_inbox_of_whoever_asks_for_them() {
    let mut town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    let (roses, tulips) = (ann.says(&room, "roses?").await, ann.says(&room, "tulips?").await);
    let follow = |root: i64, follows: bool| json!({"conversation": room.id, "thread": root, "follows": follows});
    for root in [&roses, &tulips] {
        bob.asks("thread.follow", follow(root.seq, true)).await.granted();
    }
    assert_eq!(with_threads(&bob).await, [] as [(String, String, bool); 0], "nobody has replied yet");
    ann.says_in_thread(&roses, "red").await;
    let white = ann.says_in_thread(&roses, "white").await;
    ann.says_in_thread(&tulips, "@bob look").await;
    let mention = item("mention", "@bob look", false);
    // One item for each thread: its newest reply. One that is for bob anyway is there once.
    assert_eq!(with_threads(&bob).await, [mention.clone(), item("thread", "white", false)]);
    assert_eq!(shown(&bob).await, std::slice::from_ref(&mention), "whoever does not ask for them sees what there was");
    // Own messages are no news.
    bob.says_in_thread(&roses, "both").await;
    assert_eq!(with_threads(&bob).await, [mention.clone(), item("thread", "white", false)]);
    // Read in the thread, or by itself, or with all; and new with the next reply.
    let read = json!({"conversation": room.id, "thread": roses.seq, "seq": white.seq});
    bob.asks("thread.read", read).await.granted();
    assert_eq!(with_threads(&bob).await[1], item("thread", "white", true));
    ann.says_in_thread(&roses, "pink").await;
    assert_eq!(with_threads(&bob).await[0], item("thread", "pink", false));
    let page = bob.requests("GET", "/v1/inbox?threads=true&limit=1", Value::Null).await.granted();
    let (id, next) = (&page["items"][0]["id"], page["next_cursor"].as_str().unwrap());
    bob.asks("inbox.read", json!({"items": [id]})).await.granted();
    assert_eq!(with_threads(&bob).await[0], item("thread", "pink", true));
    let page = bob.requests("GET", &format!("/v1/inbox?threads=true&limit=1&cursor={next}"), Value::Null).await;
    assert_eq!(page.granted()["items"][0]["message"]["text"], "@bob look");
    let last = ann.says_in_thread(&roses, "yellow").await;
    let all_to = with_threads_ids(&bob).await.remove(0);
    bob.asks("inbox.read", json!({"all_to": all_to})).await.granted();
    assert!(with_threads(&bob).await.iter().all(|(.., read)| *read));
    // A deleted reply gives its place to the one before; a thread that is quiet, or not followed, is not there.
    ann.deletes(&last).await;
    assert_eq!(with_threads(&bob).await[0].1, "pink");
    for level in ["mentions", "nothing"] {
        let set = json!({"conversation": room.id, "thread": roses.seq, "level": level});
        bob.asks("thread.notifications", set).await.granted();
        assert_eq!(with_threads(&bob).await.len(), 1, "{level}");
    }
    let set = json!({"conversation": room.id, "thread": roses.seq, "level": "everything"});
    bob.asks("thread.notifications", set).await.granted();
    assert_eq!(with_threads(&bob).await.len(), 2);
    bob.asks("thread.follow", follow(roses.seq, false)).await.granted();
    assert_eq!(with_threads(&bob).await.len(), 1);
    bob.leaves(&room).await;
    assert_eq!(with_threads(&bob).await, [] as [(String, String, bool); 0]);
    town.closes().await;
}

async fn with_threads_ids(person: &Person) -> Vec<Value> {
    let page = person.asks("inbox.list", json!({"threads": true})).await.granted();
    page["items"].as_array().unwrap().iter().map(|item| item["id"].clone()).collect()
}
