//! Drafts: what somebody has begun to write is on all of their devices, and nobody else is told.

use serde_json::{Value, json};
use testkit::{Person, Stranger, Town};

#[tokio::test]
async fn two_devices_have_the_same_drafts() {
    let town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let phone = ann.on_another_device().await;
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    let said = ann.says(&room, "roses?").await;
    for person in [&bob, &phone] {
        person.forgets().await;
    }
    let draft = ann.begins_to_write(&room, "I think", 0).await;
    assert_eq!(draft["replaced"], Value::Null);
    let told = phone.notices("draft: I think").await;
    assert_eq!((&told["account_seq"], &told["data"]["rev"]), (&draft["rev"], &draft["rev"]));
    // An edit of one's own message is another draft of the same conversation; the phone goes on with both.
    phone.asks("draft.save", json!({"conversation": room.id, "edit": said.seq, "text": "roses!"})).await.granted();
    ann.notices("draft: roses!").await;
    let more = json!({"conversation": room.id, "text": "I think so", "parent": said.seq, "since": draft["rev"]});
    let more = phone.asks("draft.save", more).await.granted();
    assert_eq!((&more["replaced"], &more["parent"]), (&Value::Null, &json!(said.seq)));
    ann.notices("draft: I think so").await;
    assert_eq!(ann.drafts().await, ["I think so", "roses!"]);
    // The same text once more changes nothing.
    let again = json!({"conversation": room.id, "text": "I think so", "parent": said.seq});
    assert_eq!(ann.asks("draft.save", again).await.granted()["rev"], more["rev"]);
    assert_eq!(ann.account_seq(), more["rev"].as_i64().unwrap());
    assert!(!bob.has_noticed("draft").await);
    bob.hears_nothing_more().await;
    assert_eq!(bob.drafts().await, [""; 0]);
}

#[tokio::test]
async fn whoever_was_away_finds_what_other_devices_have_begun_and_dropped() {
    let town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let phone = ann.on_another_device().await;
    let (garden, kitchen) = (ann.opens_room("garden").await, ann.opens_room("kitchen").await);
    ann.begins_to_write(&garden, "roses", 0).await;
    let known = phone.account_seq();
    phone.is_cut_off();
    ann.drops_draft(&garden).await;
    ann.begins_to_write(&kitchen, "so", 0).await;
    ann.begins_to_write(&kitchen, "soup", 0).await;
    ann.requests("PATCH", "/v1/users/me", json!({"city": "Lyon"})).await.granted();
    let attic = bob.opens_room("attic").await;
    bob.adds(&ann, &attic).await;
    phone.forgets_everything_unheard();
    phone.comes_back().await;
    // One frame for each thing, each of which says what it follows: "so" was not worth a word.
    assert_eq!(phone.account_seq(), known + 5);
    let frames = [phone.notices("no draft").await, phone.notices("draft: soup").await];
    let numbers = |frame: &Value| (frame["account_after"].as_i64(), frame["account_seq"].as_i64());
    assert_eq!(frames.each_ref().map(numbers), [(None, Some(known + 1)), (Some(known + 1), Some(known + 3))]);
    phone.hears("added to attic").await;
    phone.hears_nothing_more().await;
    // And life goes on from there.
    ann.begins_to_write(&garden, "tulips", 0).await;
    phone.notices("draft: tulips").await;
}

#[tokio::test]
async fn of_two_drafts_the_later_one_is_kept_and_the_other_is_offered() {
    let town = Town::opens().await;
    let ann = town.person("ann").await;
    let phone = ann.on_another_device().await;
    let room = ann.opens_room("garden").await;
    let first = ann.begins_to_write(&room, "on the desk", 0).await;
    let second = phone.begins_to_write(&room, "on the phone", 0).await;
    assert_eq!((&second["replaced"]["text"], &second["replaced"]["rev"]), (&json!("on the desk"), &first["rev"]));
    let rev = second["rev"].as_i64().unwrap();
    assert_eq!(phone.begins_to_write(&room, "on the phone, too", rev).await["replaced"], Value::Null);
    // Both wrote the same: there is nothing to offer.
    assert_eq!(ann.begins_to_write(&room, "on the phone, too", 0).await["replaced"], Value::Null);
    assert_eq!(ann.drafts().await, ["on the phone, too"]);
}

#[tokio::test]
async fn what_is_dropped_is_gone_everywhere_and_dropping_it_again_does_no_harm() {
    let town = Town::opens().await;
    let ann = town.person("ann").await;
    let phone = ann.on_another_device().await;
    let room = ann.opens_room("garden").await;
    let path = format!("/v1/conversations/{}/draft", room.id);
    ann.requests("PUT", &path, json!({"text": "roses"})).await.granted();
    phone.notices("draft: roses").await;
    let listed = phone.requests("GET", "/v1/drafts", Value::Null).await.granted();
    assert_eq!(listed["drafts"][0]["text"], "roses");
    phone.requests("DELETE", &path, Value::Null).await.granted();
    ann.notices("no draft").await;
    let number = ann.account_seq();
    ann.drops_draft(&room).await;
    phone.drops_draft(&room).await;
    assert_eq!((ann.account_seq(), ann.drafts().await), (number, vec![]));
    // A message does not touch the draft: whoever has sent it drops it.
    ann.begins_to_write(&room, "tulips", 0).await;
    ann.says(&room, "tulips").await;
    assert_eq!(phone.drafts().await, ["tulips"]);
}

#[tokio::test]
async fn a_draft_that_cannot_be_is_refused() {
    let town = Town::with(|config| config.limits.drafts_per_user = 2).await;
    let (ann, bob) = town.two("ann", "bob").await;
    let (garden, kitchen) = (ann.opens_room("garden").await, ann.opens_room("kitchen").await);
    bob.joins(&garden).await;
    let said = ann.says(&garden, "roses?").await;
    let refused = async |person: &Person, draft: Value, code: &str| {
        person.asks("draft.save", draft).await.refused(code);
    };
    let id = garden.id;
    refused(&ann, json!({"conversation": id, "text": ""}), "invalid").await;
    refused(&ann, json!({"conversation": id, "text": "x".repeat(2_001)}), "invalid").await;
    refused(&ann, json!({"conversation": id, "text": "x", "parent": 0}), "invalid").await;
    refused(&ann, json!({"conversation": id, "text": "x", "edit": said.seq, "parent": said.seq}), "invalid").await;
    refused(&ann, json!({"conversation": id, "text": "x", "edit": 999}), "not_found").await;
    refused(&bob, json!({"conversation": id, "text": "x", "edit": said.seq}), "forbidden").await;
    refused(&bob, json!({"conversation": kitchen.id, "text": "x"}), "not_found").await;
    // Two are enough here, however often each is saved.
    ann.begins_to_write(&garden, "one", 0).await;
    ann.begins_to_write(&kitchen, "two", 0).await;
    ann.begins_to_write(&kitchen, "still two", 0).await;
    refused(&ann, json!({"conversation": id, "text": "three", "edit": said.seq}), "limit_reached").await;
    ann.drops_draft(&kitchen).await;
    ann.asks("draft.save", json!({"conversation": id, "text": "three", "edit": said.seq})).await.granted();
}

#[tokio::test]
async fn whoever_leaves_keeps_their_draft_and_may_drop_it() {
    let town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    bob.begins_to_write(&room, "before I go", 0).await;
    bob.leaves(&room).await;
    assert_eq!(bob.drafts().await, ["before I go"]);
    bob.asks("draft.save", json!({"conversation": room.id, "text": "and then"})).await.refused("not_found");
    bob.drops_draft(&room).await;
    assert_eq!(bob.drafts().await, [""; 0]);
}

/// Frames until something other than presence comes.
async fn next(socket: &mut Stranger) -> Value {
    loop {
        let frame = socket.hears().await;
        if frame["type"] != "presence.changed" {
            return frame;
        }
    }
}

#[tokio::test]
async fn whoever_missed_what_is_forgotten_reads_their_account_anew() {
    let town = Town::opens().await;
    let ann = town.person("ann").await;
    let phone = ann.on_another_device().await;
    let (garden, kitchen) = (ann.opens_room("garden").await, ann.opens_room("kitchen").await);
    ann.begins_to_write(&garden, "roses", 0).await;
    phone.hangs_up().await;
    ann.drops_draft(&garden).await;
    // So much is begun and begun again that nobody remembers any more what was dropped before.
    let mut saves = Vec::new();
    for count in 0..2_320 {
        let draft = json!({"conversation": kitchen.id, "text": format!("the {count}th try")});
        saves.push(ann.begins("draft.save", draft));
        if saves.len() == 32 {
            for save in saves.drain(..) {
                save.await.granted();
            }
        }
    }
    for save in saves {
        save.await.granted();
    }
    phone.forgets_everything_unheard();
    phone.comes_back().await;
    phone.notices("account.reset").await;
    assert_eq!((phone.account_seq(), phone.drafts().await), (ann.account_seq(), ann.drafts().await));
    let changes = ann.requests("GET", "/v1/users/me/changes?since=1", Value::Null).await.granted();
    assert_eq!((&changes["reset"], &changes["to"]), (&json!(true), &json!(ann.account_seq())));
}

#[tokio::test]
async fn a_number_of_another_history_or_beyond_the_last_says_nothing() {
    let town = Town::opens().await;
    let ann = town.person("ann").await;
    let room = ann.opens_room("garden").await;
    ann.begins_to_write(&room, "roses", 0).await;
    let (token, head) = (ann.tokens().access, ann.account_seq());
    let epoch = town.request("GET", "/v1/server", json!({})).await.body["epoch"].clone();
    let comes = async |epoch: &Value, account_seq: i64| {
        let mut socket = town.stranger().await;
        let data = json!({"token": token, "epoch": epoch, "account_seq": account_seq, "cursors": {}});
        socket.writes(json!({"id": "1", "type": "authenticate", "data": data})).await;
        let welcome = next(&mut socket).await;
        assert_eq!((&welcome["type"], &welcome["data"]["account_seq"]), (&json!("authenticated"), &json!(head)));
        socket.writes(json!({"id": "2", "type": "ping", "data": {}})).await;
        next(&mut socket).await
    };
    assert_eq!(comes(&epoch, head).await["re"], "2");
    assert_eq!(comes(&epoch, head - 1).await["type"], "draft.saved");
    for (epoch, account_seq) in [(&epoch, head + 1), (&json!("another"), head - 1), (&json!("another"), head)] {
        let frame = comes(epoch, account_seq).await;
        assert_eq!((&frame["type"], &frame["account_seq"]), (&json!("account.reset"), &json!(head)), "{epoch}");
    }
}

#[tokio::test]
async fn a_client_that_knows_nothing_of_numbers_sees_what_it_saw() {
    let town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let room = ann.opens_room("garden").await;
    let token = bob.tokens().access;
    let mut old = town.stranger().await;
    let hello = json!({"id": "1", "type": "authenticate", "data": {"token": token, "cursors": {}}});
    old.writes(hello.clone()).await;
    assert_eq!(next(&mut old).await["type"], "authenticated");
    ann.adds(&bob, &room).await;
    let added = next(&mut old).await;
    assert_eq!(
        (&added["type"], &added["conversation"], &added["data"]["id"]),
        (&json!("conversation.added"), &json!(room.id), &json!(room.id))
    );
    ann.says(&room, "welcome").await;
    assert_eq!(next(&mut old).await["type"], "message.created");
    // It missed this, and reads its list, as it always did: nothing is told of it.
    drop(old);
    ann.removes(&bob, &room).await;
    let mut old = town.stranger().await;
    old.writes(hello).await;
    assert_eq!(next(&mut old).await["data"]["conversations"], json!([]));
    old.writes(json!({"id": "2", "type": "ping", "data": {}})).await;
    assert_eq!(next(&mut old).await["re"], "2");
}
