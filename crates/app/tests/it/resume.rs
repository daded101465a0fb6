//! Losing the connection, coming back, and having missed nothing.

use serde_json::{Value, json};
use testkit::{Person, Room, Stranger, Town};

#[tokio::test]
async fn whoever_comes_back_has_missed_nothing() {
    let town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let cid = town.person("cid").await;
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    let (first, second) = (ann.says(&room, "first").await, ann.says(&room, "second").await);
    ann.reacts(&second, "👍").await;
    bob.forgets().await;
    bob.is_cut_off();
    ann.edits(&first, "first, edited").await;
    ann.deletes(&second).await;
    let third = ann.says(&room, "third").await;
    ann.reacts(&third, "🎉").await;
    ann.reacts(&first, "👀").await;
    ann.takes_back(&first, "👀").await;
    cid.joins(&room).await;
    ann.makes(&cid, "moderator", &room).await.granted();
    cid.says(&room, "hello").await;
    cid.leaves(&room).await;
    ann.asks("conversation.update", json!({"conversation": room.id, "topic": "roses"})).await.granted();
    let cursor = bob.cursor(&room);
    bob.comes_back().await;
    let changes = bob.catches_up().await;
    assert_eq!(changes["data"]["from"], cursor);
    assert_eq!(changes["data"]["reset"], false);
    // The messages that changed, and the new ones; each once and in its present state.
    assert_eq!(changes["data"]["messages"].as_array().unwrap().len(), 4);
    assert_eq!(bob.catch_ups(), 0);
    bob.hears_nothing_more().await;
    let texts = [Some("first, edited".into()), None, Some("third".into()), Some("hello".into())];
    assert_eq!(bob.knows(&room), texts);
    // And life goes on from there.
    ann.says(&room, "welcome back").await;
    bob.hears("ann: welcome back").await;
}

#[tokio::test]
async fn whoever_missed_nothing_is_told_nothing() {
    let town = Town::opens().await;
    let ann = town.person("ann").await;
    let room = ann.opens_room("garden").await;
    ann.says(&room, "hello").await;
    ann.forgets().await;
    ann.hangs_up().await;
    let welcome = ann.comes_back().await;
    assert_eq!(welcome["conversations"], json!([{"id": room.id, "head": ann.cursor(&room)}]));
    assert_eq!(ann.catch_ups(), 0);
    ann.hears_nothing_more().await;
}

#[tokio::test]
async fn whoever_was_brought_in_or_put_out_meanwhile_learns_it() {
    let town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let (garden, kitchen) = (ann.opens_room("garden").await, ann.opens_private_room("kitchen").await);
    bob.joins(&garden).await;
    ann.says(&garden, "before").await;
    bob.forgets().await;
    bob.is_cut_off();
    ann.removes(&bob, &garden).await;
    ann.says(&garden, "not for bob").await;
    ann.adds(&bob, &kitchen).await;
    ann.says(&kitchen, "for bob").await;
    let direct = ann.turns_to(&bob).await;
    ann.says(&direct, "come back").await;
    bob.comes_back().await;
    // By the numbers of his account; and his cursor of the garden is answered, too.
    for words in ["out: removed", "added to kitchen", "added to ann", "out: left"] {
        bob.hears(words).await;
    }
    bob.hears_nothing_more().await;
    bob.does_not_see(&garden).await;
    assert_eq!(bob.knows(&kitchen), [Some("for bob".into())]);
    assert_eq!(bob.knows(&direct), [Some("come back".into())]);
    ann.says(&garden, "still not for bob").await;
    ann.says(&direct, "there you are").await;
    bob.hears("ann: there you are").await;
    bob.hears_nothing_more().await;
}

#[tokio::test]
async fn removed_and_brought_back_while_away_one_catches_up() {
    let town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let group = ann.opens_group(&[&bob]).await;
    ann.says(&group, "one").await;
    bob.is_cut_off();
    ann.removes(&bob, &group).await;
    ann.says(&group, "two").await;
    ann.adds(&bob, &group).await;
    ann.says(&group, "three").await;
    bob.comes_back().await;
    assert_eq!(bob.knows(&group).last().unwrap().as_deref(), Some("three"));
}

#[tokio::test]
async fn too_much_to_catch_up_with_is_read_anew() {
    let town = Town::with(|config| config.limits.catch_up = 10).await;
    let (ann, bob) = town.two("ann", "bob").await;
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    bob.says(&room, "before").await;
    // Ten changes are caught up with, one by one.
    bob.is_cut_off();
    ann.says_all(&room, (0..10).map(|n| n.to_string())).await;
    bob.comes_back().await;
    assert_eq!(bob.catches_up().await["data"]["reset"], false);
    // Eleven are not.
    bob.is_cut_off();
    ann.says_all(&room, (10..21).map(|n| n.to_string())).await;
    bob.comes_back().await;
    let changes = bob.catches_up().await;
    assert_eq!(changes["data"]["reset"], true);
    assert_eq!(changes["data"]["messages"], json!([]));
    assert_eq!(bob.knows(&room).len(), 22);
    ann.says(&room, "and on").await;
    bob.hears("ann: and on").await;
}

/// Much is said and changed while somebody is away: sixty long messages, of which some are edited, deleted or reacted
/// to long after they were said, and a few comings and goings between them.
async fn much_happens(ann: &Person, room: &Room, cid: &Person) {
    let mut said = Vec::new();
    for n in 0..60 {
        said.push(ann.says(room, &format!("{n} {}", "𝒳".repeat(1_900))).await);
        if n % 20 == 10 {
            cid.joins(room).await;
            cid.leaves(room).await;
        }
    }
    for (n, message) in said.iter().enumerate().step_by(7) {
        match n % 3 {
            0 => ann.edits(message, &format!("{n} edited")).await,
            1 => ann.deletes(message).await,
            _ => _ = ann.reacts(message, "👍").await,
        }
    }
}

/// About what one piece may have on the wire: 128 KiB, and the message that goes beyond.
const PIECE: usize = 150_000;

#[tokio::test]
async fn who_missed_much_is_told_in_pieces_that_lead_from_one_to_the_next() {
    let town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let cid = town.person("cid").await;
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    ann.says(&room, "before").await;
    bob.hears("ann: before").await;
    bob.forgets().await;
    bob.is_cut_off();
    much_happens(&ann, &room, &cid).await;
    let (mut at, head) = (bob.cursor(&room), ann.cursor(&room));
    bob.comes_back().await;
    let mut pieces = 0;
    loop {
        let piece = bob.catches_up().await;
        let data = &piece["data"];
        assert_eq!((&data["from"], &data["reset"]), (&json!(at), &json!(false)));
        assert!(piece.to_string().len() < PIECE, "{}", piece.to_string().len());
        at = data["to"].as_i64().unwrap();
        for row in data["messages"].as_array().unwrap().iter().chain(data["members"].as_array().unwrap()) {
            let rev = row["rev"].as_i64().unwrap();
            assert!(rev > data["from"].as_i64().unwrap() && rev <= at, "{rev} is not of {}..{at}", data["from"]);
        }
        pieces += 1;
        if data["more"] == false {
            break;
        }
    }
    assert_eq!((at, bob.catch_ups()), (head, 0));
    assert!(pieces >= 3, "{pieces} pieces");
    // The law is checked by the town: what he knows now is what a fresh reading gives.
    ann.says(&room, "welcome back").await;
    bob.hears("ann: welcome back").await;
}

#[tokio::test]
async fn whoever_is_cut_off_while_catching_up_goes_on_from_the_last_piece() {
    let town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let cid = town.person("cid").await;
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    let token = bob.tokens().access;
    let (mut at, mut tries) = (bob.cursor(&room), 0);
    bob.hangs_up().await;
    much_happens(&ann, &room, &cid).await;
    let head = ann.cursor(&room);
    let mut known = std::collections::BTreeMap::new();
    // Each try hears one piece, and is cut.
    while at < head {
        let mut socket = town.stranger().await;
        let data = json!({"token": token, "cursors": {room.id.to_string(): at}});
        socket.writes(json!({"id": "1", "type": "authenticate", "data": data})).await;
        assert_eq!(socket.hears().await["type"], "authenticated");
        let piece = hears_no_presence(&mut socket).await;
        assert_eq!((&piece["type"], &piece["data"]["from"]), (&json!("conversation.changes"), &json!(at)));
        for message in piece["data"]["messages"].as_array().unwrap() {
            known.insert(message["seq"].as_i64().unwrap(), message.clone());
        }
        let to = piece["data"]["to"].as_i64().unwrap();
        assert!(to > at, "it got no further than {at}");
        (at, tries) = (to, tries + 1);
    }
    assert!(tries >= 3, "{tries} tries");
    let path = format!("/v1/conversations/{}/messages?limit=200", room.id);
    let page = ann.requests("GET", &path, json!(null)).await.granted();
    let kept: Vec<Value> = page["messages"].as_array().unwrap().clone();
    assert_eq!(known.into_values().collect::<Vec<_>>(), kept);
}

#[tokio::test]
async fn who_asks_for_changes_is_answered_in_pieces_too() {
    let town = Town::opens().await;
    let ann = town.person("ann").await;
    let cid = town.person("cid").await;
    let room = ann.opens_room("garden").await;
    much_happens(&ann, &room, &cid).await;
    let (mut since, head) = (0, ann.cursor(&room));
    let mut pieces = 0;
    loop {
        let path = format!("/v1/conversations/{}/changes?since={since}", room.id);
        let over_rest = ann.requests("GET", &path, json!(null)).await.granted();
        let on_socket =
            ann.begins("conversation.sync", json!({"conversation": room.id, "since": since})).await.granted();
        assert_eq!(over_rest, on_socket);
        assert!(over_rest.to_string().len() < PIECE);
        // Until the last piece, the row says how much there is still to come.
        assert_eq!(over_rest["conversation"]["head"], head);
        since = over_rest["to"].as_i64().unwrap();
        pieces += 1;
        assert_eq!(over_rest["more"], since < head);
        if since == head {
            break;
        }
    }
    assert!(pieces >= 3, "{pieces} pieces");
}

#[tokio::test]
async fn changes_can_be_asked_for_from_any_number() {
    let town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let room = ann.opens_room("garden").await;
    let hello = ann.says(&room, "hello").await;
    ann.says(&room, "again").await;
    ann.edits(&hello, "hello!").await;
    let head = ann.cursor(&room);
    for since in 0..=head {
        let on_socket = ann.syncs(&room, since).await;
        let path = format!("/v1/conversations/{}/changes?since={since}", room.id);
        assert_eq!(ann.requests("GET", &path, json!(null)).await.granted(), on_socket);
        assert_eq!((&on_socket["from"], &on_socket["to"]), (&json!(since), &json!(head)));
    }
    assert_eq!(ann.syncs(&room, head).await["messages"], json!([]));
    // A number of another history of the database: begin anew.
    let ahead = ann.begins("conversation.sync", json!({"conversation": room.id, "since": head + 1})).await.granted();
    assert_eq!(ahead["reset"], true);
    for since in [json!(-1), json!("0"), json!(null), json!(1.5), json!(9_007_199_254_740_993_u64)] {
        ann.asks("conversation.sync", json!({"conversation": room.id, "since": since})).await.refused("invalid");
    }
    bob.asks("conversation.sync", json!({"conversation": room.id, "since": 0})).await.refused("not_found");
}

#[tokio::test]
async fn two_devices_know_the_same_whatever_each_missed() {
    let town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let room = ann.opens_group(&[&bob]).await;
    let phone = ann.on_another_device().await;
    ann.says(&room, "from the desk").await;
    phone.is_cut_off();
    bob.says(&room, "from bob").await;
    let kitchen = ann.opens_room("kitchen").await;
    phone.comes_back().await;
    ann.is_cut_off();
    phone.says(&room, "from the phone").await;
    phone.leaves(&kitchen).await;
    ann.comes_back().await;
    assert_eq!(ann.knows(&room), phone.knows(&room));
    ann.does_not_see(&kitchen).await;
    ann.says(&room, "together").await;
    phone.hears_themselves("ann: together").await;
}

#[tokio::test]
async fn coming_and_going_while_others_speak_loses_nothing() {
    // Each number is a piece of its own.
    let town = Town::with(|config| config.limits.catch_up_bytes = 1).await;
    let (ann, bob) = town.two("ann", "bob").await;
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    let speaking = async {
        for n in 0..15 {
            ann.says_all(&room, (0..4).map(|m| format!("{n}.{m}"))).await;
        }
    };
    let wandering = async {
        for n in 0..12 {
            if n % 2 == 0 {
                bob.is_cut_off()
            } else {
                bob.hangs_up().await
            };
            tokio::task::yield_now().await;
            bob.comes().await;
        }
    };
    tokio::join!(speaking, wandering);
    bob.syncs(&room, bob.cursor(&room)).await;
    assert_eq!(bob.knows(&room).len(), 60);
}

#[tokio::test]
async fn a_slow_reader_is_sent_away_and_loses_nothing() {
    let town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    bob.stops_listening();
    ann.hangs_up().await;
    // More than the kernel keeps for somebody who does not read, and the queue behind it.
    let mut pen = town.stranger().await;
    pen.writes(json!({"id": "login", "type": "authenticate", "data": {"token": ann.tokens().access}})).await;
    pen.hears().await;
    let (rounds, at_once) = (50, 20);
    let long = "𝒳".repeat(1_900);
    for n in 0..rounds {
        for m in 0..at_once {
            let data =
                json!({"conversation": room.id, "client_id": format!("{n}.{m}"), "text": format!("{n}.{m} {long}")});
            pen.writes(json!({"id": "send", "type": "message.send", "data": data})).await;
        }
        let mut answered = 0;
        while answered < at_once {
            answered += usize::from(pen.hears().await["type"] == "message.sent");
        }
    }
    bob.listens_again();
    let (code, reason) = bob.is_sent_away().await;
    assert_eq!((code, &reason["code"], &reason["retry"]), (4008, &json!("slow_consumer"), &json!(true)));
    let heard = bob.knows(&room).len();
    assert!(heard < rounds * at_once, "he was sent away before the end");
    bob.comes_back().await;
    // He has not lost one of them: catching up begins where he stopped.
    assert_eq!(bob.knows(&room).len(), rounds * at_once);
    ann.comes_back().await;
    ann.says(&room, "there you are").await;
    assert_eq!(bob.knows(&room).last().unwrap().as_deref(), Some("there you are"));
}

#[tokio::test]
async fn a_cursor_that_is_none_is_refused() {
    let town = Town::opens().await;
    let ann = town.absent("ann").await;
    let token = ann.tokens().access;
    for cursors in [json!({"x": 1}), json!({"1": -1}), json!({"1": "5"}), json!([1]), json!({"1": null}), json!("all")]
    {
        let mut stranger = town.stranger().await;
        let data = json!({"token": token, "cursors": cursors});
        stranger.writes(json!({"id": "1", "type": "authenticate", "data": data})).await;
        assert_eq!(stranger.hears().await["error"]["code"], "invalid", "{cursors}");
        // It can be said again, better.
        stranger.writes(json!({"id": "2", "type": "authenticate", "data": {"token": token}})).await;
        assert_eq!(stranger.hears().await["type"], "authenticated", "{cursors}");
    }
}

/// The next frame that is not about who is here, which may be told at any time.
async fn hears_no_presence(socket: &mut Stranger) -> Value {
    loop {
        let frame = socket.hears().await;
        if frame["type"] != "presence.changed" {
            return frame;
        }
    }
}

#[tokio::test]
async fn a_cursor_of_another_history_is_void_wherever_it_stands() {
    let town = Town::opens().await;
    let ann = town.person("ann").await;
    let room = ann.opens_room("garden").await;
    ann.says(&room, "hello").await;
    let (head, token) = (ann.cursor(&room), ann.tokens().access);
    let epoch = town.request("GET", "/v1/server", json!({})).await.body["epoch"].clone();
    // Of this history, or of one that is not named: only what is beyond the head is void.
    for (epoch, cursor, reset) in [
        (epoch.clone(), head - 1, Some(false)),
        (epoch, head, None),
        (json!(null), head, None),
        (json!("another"), head, Some(true)),
        (json!("another"), head - 1, Some(true)),
        (json!("another"), 0, Some(true)),
        (json!(""), head + 5, Some(true)),
    ] {
        let mut socket = town.stranger().await;
        let data = json!({"token": token, "epoch": epoch, "cursors": {room.id.to_string(): cursor}});
        socket.writes(json!({"id": "1", "type": "authenticate", "data": data})).await;
        assert_eq!(socket.hears().await["type"], "authenticated");
        socket.writes(r#"{"id":"2","type":"ping"}"#).await;
        if let Some(reset) = reset {
            let changes = hears_no_presence(&mut socket).await;
            assert_eq!((&changes["type"], &changes["data"]["reset"]), (&json!("conversation.changes"), &json!(reset)));
            assert_eq!(changes["data"]["to"], head);
        }
        assert_eq!(hears_no_presence(&mut socket).await["type"], "pong", "{epoch} {cursor}");
    }
}

#[tokio::test]
async fn in_another_history_everybody_is_sent_away_and_no_cursor_from_before_is_honoured() {
    let town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    ann.says(&room, "hello").await;
    let (head, token) = (ann.cursor(&room), ann.tokens().access);
    let epoch = async || town.request("GET", "/v1/server", json!({})).await.body["epoch"].clone();
    let before = epoch().await;
    town.begins_another_history().await;
    for person in [&ann, &bob] {
        let (code, reason) = person.is_sent_away().await;
        assert_eq!((code, &reason["code"], &reason["retry"]), (4010, &json!("new_history"), &json!(true)));
    }
    let after = epoch().await;
    assert_ne!(before, after);
    // One that does not say of which history it is may be of the one before.
    for (epoch, reset) in [(before, true), (json!(null), true), (after.clone(), false)] {
        let mut socket = town.stranger().await;
        let data = json!({"token": token, "epoch": epoch, "cursors": {room.id.to_string(): head - 1}});
        socket.writes(json!({"id": "1", "type": "authenticate", "data": data})).await;
        let welcome = socket.hears().await;
        assert_eq!((&welcome["type"], &welcome["data"]["epoch"]), (&json!("authenticated"), &after));
        let changes = hears_no_presence(&mut socket).await;
        assert_eq!(changes["data"]["reset"], json!(reset), "{epoch}");
    }
}

#[tokio::test]
async fn a_damaged_head_stops_nobody_whoever_listens_and_whoever_comes_back() {
    for head in [1, -7, i64::MAX] {
        let town = Town::alone().await;
        let (ann, bob) = town.two("ann", "bob").await;
        let room = ann.opens_room("garden").await;
        bob.joins(&room).await;
        let said = ann.says(&room, "one").await;
        ann.edits(&said, "two").await;
        bob.hears("ann: one").await;
        bob.hears("ann edits: two").await;
        let last = bob.cursor(&room);
        town.has_a_damaged_head(&room, head).await;
        assert_eq!(ann.says(&room, "three").await.seq, last + 1, "{head}");
        bob.hears("ann: three").await;
        town.has_a_damaged_head(&room, head).await;
        ann.edits(&said, "four").await;
        bob.hears("ann edits: four").await;
        // One who comes back meanwhile is told of a head that is none, and goes on from there all the same.
        town.has_a_damaged_head(&room, head).await;
        let mut socket = town.stranger().await;
        let data = json!({"token": bob.tokens().access, "cursors": {room.id.to_string(): last + 2}});
        socket.writes(json!({"id": "1", "type": "authenticate", "data": data})).await;
        assert_eq!(socket.hears().await["type"], "authenticated");
        assert_eq!(ann.says(&room, "five").await.seq, last + 3, "{head}");
        bob.hears("ann: five").await;
        while !socket.hears().await.to_string().contains("five") {}
        let texts = ["four", "three", "five"].map(|text| Some(text.to_owned()));
        assert_eq!(bob.knows(&room), texts, "{head}");
    }
}
