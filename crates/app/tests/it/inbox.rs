//! What was for somebody: newest first, read by itself or all at once, on all devices, and nothing that they may not see.

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
    // What is read in its conversation is read here, but for reactions.
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
