//! Rooms on the socket: which of their events each connection hears.

use super::*;

#[tokio::test]
async fn the_documents_frames_are_understood_and_answered() {
    let town = Town::opens().await;
    let (alice, bob) = (town.person("alice").await, town.absent("bob").await);
    let room = alice.opens_room("Classe 3B").await;
    alice.adds(&bob, &room).await;
    let (mut a, mut b) = (client(&town, &alice).await, client(&town, &bob).await);
    for (kind, answer) in [("join_room", "room_joined"), ("leave_room", "room_left"), ("join_room", "room_joined")] {
        b.writes(json!({"type": kind, "room_id": room.id})).await;
        assert_eq!(next(&mut b, answer).await, json!({"type": answer, "room_id": room.id}));
    }
    a.writes(json!({"type": "send_message", "room_id": room.id, "content": "Bonjour"})).await;
    let heard = next(&mut b, "message").await;
    let data = &heard["data"];
    assert_eq!((&data["content"], &data["status"]), (&json!("Bonjour"), &json!("sent")));
    let sender = json!({"id": alice.id(), "name": "alice", "role": "user", "avatar": null});
    assert_eq!(data["sender_info"], sender);
    assert!(data["id"].is_i64() && data["created_at"].as_str().unwrap().ends_with('Z'));
    assert_eq!(next(&mut a, "message").await, heard, "the sender hears it as all others do");
    for (kind, is_typing) in [("typing_start", true), ("typing_stop", false)] {
        a.writes(json!({"type": kind, "room_id": room.id})).await;
        let typing = json!({"user_id": alice.id(), "user_name": "alice", "room_id": room.id, "is_typing": is_typing});
        assert_eq!(next(&mut b, "typing").await["data"], typing);
    }
    a.writes(json!({"type": "heartbeat"})).await;
    next(&mut a, "heartbeat_ack").await;
    hears_nothing_more(&mut a).await;
    alice.hears_themselves("alice: Bonjour").await;
}

#[tokio::test]
async fn the_web_clients_frames_are_understood_and_answered() {
    let town = Town::opens().await;
    let (alice, bob) = (town.person("alice").await, town.absent("bob").await);
    let room = alice.opens_room("Classe 3B").await;
    alice.adds(&bob, &room).await;
    let (mut a, mut b) = (client(&town, &alice).await, client(&town, &bob).await);
    let at = "2025-01-01T12:00:00.000Z";
    // The handshake has shown the person: the first frame is neither answered nor believed.
    b.writes(json!({"type": "auth", "data": {"user_id": alice.id()}, "timestamp": at})).await;
    hears_nothing_more(&mut b).await;
    let (number, text) = (json!(room.id), json!(room.id.to_string()));
    for name in [number, text, json!(uuid(1, room.id)), json!(uuid(1, room.id).to_uppercase())] {
        b.writes(json!({"type": "join_room", "data": {"room_id": name}, "room_id": name, "timestamp": at})).await;
        assert_eq!(next(&mut b, "room_joined").await["room_id"], room.id);
        let said = json!({"type": "message", "data": {"room_id": name, "content": "Salut"}, "room_id": name,
                          "user_id": alice.id(), "timestamp": at});
        b.writes(said).await;
        let data = next(&mut a, "message").await["data"].clone();
        assert_eq!((&data["sender"], &data["chat"]), (&json!(bob.id()), &json!(room.id)));
        assert_eq!(data["uuid"], uuid(2, data["id"].as_i64().unwrap()));
        assert_eq!((&data["message_type"], &data["is_deleted"]), (&json!("text"), &json!(false)));
        assert_eq!(next(&mut b, "message").await["data"], data);
    }
    for is_typing in [true, false] {
        let data = json!({"room_id": room.id, "is_typing": is_typing});
        b.writes(json!({"type": "typing", "data": data, "room_id": room.id, "user_id": alice.id()})).await;
        let typing = next(&mut a, "typing").await["data"].clone();
        assert_eq!((&typing["user_id"], &typing["is_typing"]), (&json!(bob.id()), &json!(is_typing)));
    }
    b.writes(json!({"type": "ping", "data": {}, "timestamp": at})).await;
    assert_eq!(next(&mut b, "pong").await, json!({"type": "pong", "data": {}}));
    b.writes(json!({"type": "leave_room", "data": {"room_id": room.id}, "room_id": room.id})).await;
    next(&mut b, "room_left").await;
}

#[tokio::test]
async fn one_connection_hears_many_rooms_and_a_new_one_hears_them_all_again() {
    let town = school().await;
    let (alice, bob) = (town.person("alice").await, town.absent("bob").await);
    let (one, two) = (alice.opens_room("one").await, alice.opens_private_room("two").await);
    for room in [&one, &two] {
        alice.adds(&bob, room).await;
    }
    let three = alice.turns_to(&bob).await;
    let mut b = client(&town, &bob).await;
    let in_all = async |client: &mut Stranger, words: &str| {
        for room in [&one, &two, &three] {
            alice.says(room, words).await;
            assert_eq!(message(client).await, (words.to_owned(), room.id));
        }
    };
    in_all(&mut b, "without joining").await;
    for room in [&one, &two] {
        b.writes(json!({"type": "join_room", "room_id": room.id})).await;
        next(&mut b, "room_joined").await;
    }
    in_all(&mut b, "after joining two").await;
    b.writes(json!({"type": "leave_room", "room_id": one.id})).await;
    next(&mut b, "room_left").await;
    drop(b);
    let mut again = client(&town, &bob).await;
    in_all(&mut again, "after coming back").await;
    // A room that opens meanwhile is heard too.
    let four = alice.opens_room("four").await;
    alice.adds(&bob, &four).await;
    let told = next(&mut again, "room_update").await["data"].clone();
    assert_eq!((&told["room_id"], &told["room"]["name"]), (&json!(four.id), &json!("four")));
    alice.says(&four, "here as well").await;
    loop {
        let frame = again.hears().await;
        if frame["type"] == "message" {
            assert_eq!((&frame["data"]["content"], &frame["data"]["chat"]), (&json!("here as well"), &json!(four.id)));
            break;
        }
    }
}

#[tokio::test]
async fn of_a_room_that_was_left_nothing_comes_on_this_connection() {
    let town = Town::opens().await;
    let (alice, bob) = (town.person("alice").await, town.person("bob").await);
    let (quiet, other) = (alice.opens_room("quiet").await, alice.opens_room("other").await);
    for room in [&quiet, &other] {
        alice.adds(&bob, room).await;
    }
    let (mut desk, mut phone) = (client(&town, &bob).await, client(&town, &bob).await);
    desk.writes(json!({"type": "leave_room", "room_id": quiet.id})).await;
    next(&mut desk, "room_left").await;
    let said = alice.says(&quiet, "psst").await;
    alice.edits(&said, "psst!").await;
    alice.types(&quiet).await;
    alice.says(&other, "hello").await;
    assert_eq!(message(&mut desk).await, ("hello".into(), other.id));
    hears_nothing_more(&mut desk).await;
    // The other connection, and the new endpoint, hear it all.
    assert_eq!(message(&mut phone).await, ("psst".into(), quiet.id));
    assert_eq!(next(&mut phone, "room_update").await["data"]["message"]["content"], "psst!");
    next(&mut phone, "typing").await;
    assert_eq!(message(&mut phone).await, ("hello".into(), other.id));
    bob.hears("added to quiet").await;
    bob.hears("added to other").await;
    bob.hears("alice: psst").await;
    // It was no leaving for good: it can be turned on again.
    desk.writes(json!({"type": "join_room", "room_id": quiet.id})).await;
    next(&mut desk, "room_joined").await;
    alice.says(&quiet, "welcome back").await;
    assert_eq!(next(&mut desk, "typing").await["data"]["is_typing"], false, "it ends with the message");
    assert_eq!(message(&mut desk).await, ("welcome back".into(), quiet.id));
}

/// The frames that name a room.
fn frames_in(room: &Value) -> [Value; 7] {
    [
        json!({"type": "join_room", "room_id": room}),
        json!({"type": "leave_room", "room_id": room}),
        json!({"type": "send_message", "room_id": room, "content": "x"}),
        json!({"type": "message", "data": {"room_id": room, "content": "x"}}),
        json!({"type": "typing_start", "room_id": room}),
        json!({"type": "typing_stop", "room_id": room}),
        json!({"type": "typing", "data": {"room_id": room, "is_typing": true}}),
    ]
}

#[tokio::test]
async fn a_room_of_others_and_one_that_is_not_there_are_the_same() {
    let town = Town::opens().await;
    let (alice, bob) = (town.person("alice").await, town.absent("bob").await);
    let (public, private) = (alice.opens_room("public").await, alice.opens_private_room("private").await);
    let mut b = client(&town, &bob).await;
    let mut a = client(&town, &alice).await;
    let foreign = "f47ac10b-58cc-4372-a567-0e02b2c3d479";
    for name in [json!(public.id), json!(private.id), json!(uuid(1, private.id)), json!(9_999), json!(foreign)] {
        for frame in frames_in(&name) {
            b.writes(&frame).await;
            assert_eq!(refused(&mut b).await, "Invalid room ID", "{frame}");
        }
    }
    hears_nothing_more(&mut a).await;
    let bobs = Some(bob.tokens().access);
    let ask =
        async |method: &str, path: String, body: Value| rest(&town).ask(method, &path, bobs.as_deref(), &body).await;
    for room in [public.id.to_string(), private.id.to_string(), uuid(1, private.id), "9999".into(), foreign.into()] {
        for (method, path, body) in [
            ("GET", format!("/chats/rooms/{room}/"), Value::Null),
            ("PUT", format!("/chats/rooms/{room}/"), json!({"name": "mine"})),
            ("DELETE", format!("/chats/rooms/{room}/"), Value::Null),
            ("POST", format!("/chats/rooms/{room}/mark_as_read/"), Value::Null),
            ("GET", format!("/chats/messages/?chat={room}"), Value::Null),
            ("POST", "/chats/messages/create/".into(), json!({"chat_room_id": room, "content": "x"})),
        ] {
            let answer = ask(method, path.clone(), body).await;
            assert_eq!(answer.status, 404, "{method} {path}: {}", answer.text);
        }
    }
    let said = alice.says(&private, "hush").await;
    for id in [said.id.to_string(), uuid(2, said.id), "9999".into(), uuid(1, said.id)] {
        for method in ["GET", "PATCH", "DELETE"] {
            let answer = ask(method, format!("/chats/messages/{id}/"), json!({"content": "x"})).await;
            assert_eq!(answer.status, 404, "{method} {id}: {}", answer.text);
        }
    }
    assert_eq!(ask("GET", "/chats/rooms/".into(), Value::Null).await.granted()["count"], 0);
    alice.says(&private, "still ours").await;
}

#[tokio::test]
async fn whoever_is_put_out_of_a_room_hears_and_reaches_it_no_more() {
    let town = Town::opens().await;
    let (alice, bob) = (town.person("alice").await, town.absent("bob").await);
    let room = alice.opens_room("Classe 3B").await;
    alice.adds(&bob, &room).await;
    let (mut a, mut b) = (client(&town, &alice).await, client(&town, &bob).await);
    b.writes(json!({"type": "join_room", "room_id": room.id})).await;
    next(&mut b, "room_joined").await;
    alice.removes(&bob, &room).await;
    let left = json!({"room_id": room.id, "participant_removed": bob.id()});
    assert_eq!(next(&mut a, "room_update").await["data"], left);
    assert_eq!(next(&mut b, "room_update").await["data"], left);
    assert_eq!(next(&mut b, "room_update").await["data"], json!({"room_id": room.id, "removed": true}));
    let said = alice.says(&room, "he has gone").await;
    hears_nothing_more(&mut b).await;
    for frame in frames_in(&json!(room.id)) {
        b.writes(&frame).await;
        assert_eq!(refused(&mut b).await, "Invalid room ID", "{frame}");
    }
    let token = bob.tokens().access;
    for path in [format!("/chats/rooms/{}/", room.id), format!("/chats/messages/{}/", said.id)] {
        assert_eq!(rest(&town).ask("GET", &path, Some(&token), &Value::Null).await.status, 404, "{path}");
    }
    // Having joined before is no way back; a new membership is.
    alice.adds(&bob, &room).await;
    next(&mut b, "room_update").await;
    alice.says(&room, "welcome back").await;
    let heard = heard_by_now(&mut b).await;
    assert!(heard.iter().any(|frame| frame["data"]["content"] == "welcome back"), "{heard:?}");
}

#[tokio::test]
async fn what_is_said_at_one_endpoint_is_heard_at_the_other() {
    let town = Town::opens().await;
    let (alice, bob) = (town.person("alice").await, town.person("bob").await);
    let room = alice.opens_group(&[&bob]).await;
    bob.hears("added to it").await;
    let mut old = client(&town, &bob).await;
    old.writes(json!({"type": "send_message", "room_id": room.id, "content": "from the old endpoint"})).await;
    alice.hears("bob: from the old endpoint").await;
    bob.hears_themselves("bob: from the old endpoint").await;
    assert_eq!(message(&mut old).await.0, "from the old endpoint");
    let said = alice.says(&room, "from the new one").await;
    let heard = next(&mut old, "message").await["data"].clone();
    assert_eq!(heard["id"], said.id);
    alice.types(&room).await;
    assert_eq!(next(&mut old, "typing").await["data"]["user_name"], "alice");
    old.writes(json!({"type": "typing_start", "room_id": room.id})).await;
    alice.notices("bob types").await;
    old.writes(json!({"type": "typing", "room_id": room.id, "is_typing": false})).await;
    alice.notices("bob stops typing").await;
    // Every event but a new message is an update, which the old page passes over; reactions and markers have no word.
    alice.reacts(&said, "👍").await;
    bob.reads(&said).await;
    alice.edits(&said, "from the newest one").await;
    let update = next(&mut old, "room_update").await["data"]["message"].clone();
    assert_eq!((&update["id"], &update["content"]), (&json!(said.id), &json!("from the newest one")));
    assert!(update["last_update"].as_str() > heard["last_update"].as_str());
    alice.deletes(&said).await;
    let update = next(&mut old, "room_update").await["data"]["message"].clone();
    assert_eq!((&update["is_deleted"], &update["content"]), (&json!(true), &json!("")));
    let cid = town.absent("cid").await;
    alice.adds(&cid, &room).await;
    assert_eq!(next(&mut old, "room_update").await["data"]["participant_added"]["username"], "cid");
    hears_nothing_more(&mut old).await;
}

#[tokio::test]
async fn a_person_is_as_present_as_the_most_present_of_their_tabs() {
    let town = Town::opens().await;
    let (alice, bob) = (town.person("alice").await, town.absent("bob").await);
    let robert = town.person("robert").await;
    let room = alice.opens_private_room("Classe 3B").await;
    alice.adds(&bob, &room).await;
    alice.adds(&robert, &room).await;
    let mut a = client(&town, &alice).await;
    let (mut one, mut two) = (client(&town, &bob).await, client(&town, &bob).await);
    sees(&mut a, &bob, "online").await;
    let says = async |tab: &mut Stranger, status: &str| {
        tab.writes(json!({"type": "user_status", "data": {"status": status}, "user_id": bob.id()})).await;
        heard_by_now(tab).await;
    };
    let nothing_of_bob = async |a: &mut Stranger| {
        tokio::time::sleep(Duration::from_millis(600)).await;
        let heard = heard_by_now(a).await;
        assert!(!heard.iter().any(|frame| frame["data"]["user_id"] == bob.id()), "{heard:?}");
    };
    // One tab is closed, another hidden: he looks at the one that is left.
    says(&mut one, "offline").await;
    nothing_of_bob(&mut a).await;
    drop(one);
    let mut three = client(&town, &bob).await;
    says(&mut three, "away").await;
    nothing_of_bob(&mut a).await;
    // The visible one is closed; then the last.
    says(&mut two, "offline").await;
    sees(&mut a, &bob, "away").await;
    drop(two);
    says(&mut three, "offline").await;
    sees(&mut a, &bob, "offline").await;
    says(&mut three, "online").await;
    sees(&mut a, &bob, "online").await;
    drop(three);
    sees(&mut a, &bob, "offline").await;
    // The wish of a person for all their devices stays, whatever a tab says when it is opened.
    robert.is_now("invisible").await;
    sees(&mut a, &robert, "offline").await;
    let mut tab = client(&town, &robert).await;
    says(&mut tab, "online").await;
    tokio::time::sleep(Duration::from_millis(600)).await;
    let heard = heard_by_now(&mut a).await;
    assert!(!heard.iter().any(|frame| frame["type"] == "user_status"), "{heard:?}");
}

#[tokio::test]
async fn whoever_has_left_a_room_on_a_tab_and_speaks_there_hears_it_again() {
    let town = Town::opens().await;
    let (alice, bob) = (town.person("alice").await, town.absent("bob").await);
    let room = alice.opens_private_room("Classe 3B").await;
    alice.adds(&bob, &room).await;
    let mut tab = client(&town, &bob).await;
    tab.writes(json!({"type": "leave_room", "room_id": room.id})).await;
    next(&mut tab, "room_left").await;
    alice.says(&room, "unheard").await;
    hears_nothing_more(&mut tab).await;
    tab.writes(json!({"type": "send_message", "room_id": room.id, "content": "me again"})).await;
    assert_eq!(message(&mut tab).await.0, "me again");
    alice.hears("bob joins").await;
    alice.hears("bob: me again").await;
    alice.says(&room, "heard").await;
    assert_eq!(message(&mut tab).await.0, "heard");
}

#[tokio::test]
async fn whoever_shares_a_room_is_told_who_comes_and_goes() {
    let town = Town::opens().await;
    let (alice, bob) = (town.person("alice").await, town.absent("bob").await);
    let stranger = town.absent("eve").await;
    let room = alice.opens_private_room("Classe 3B").await;
    alice.adds(&bob, &room).await;
    let (mut a, mut e) = (client(&town, &alice).await, client(&town, &stranger).await);
    let mut desk = client(&town, &bob).await;
    let online = sees(&mut a, &bob, "online").await;
    assert!(online.get("last_seen").is_none(), "{online}");
    alice.notices("bob is online").await;
    let phone = client(&town, &bob).await;
    drop(phone);
    for (status, shown) in [("away", "away"), ("busy", "away"), ("online", "online")] {
        desk.writes(json!({"type": "user_status", "data": {"status": status}, "user_id": bob.id()})).await;
        sees(&mut a, &bob, shown).await;
        alice.notices(&format!("bob is {status}")).await;
    }
    alice.is_now("busy").await;
    sees(&mut desk, &alice, "away").await;
    // One of two connections has gone, long ago by now: he is still here.
    tokio::time::sleep(Duration::from_millis(2_600)).await;
    let heard = heard_by_now(&mut a).await;
    assert!(!heard.iter().any(|frame| frame["data"]["status"] == "offline"), "{heard:?}");
    drop(desk);
    let gone = sees(&mut a, &bob, "offline").await;
    assert!(gone["last_seen"].as_str().unwrap().ends_with('Z'), "{gone}");
    alice.notices("bob is offline").await;
    // A person who comes back within the grace was never away.
    let desk = client(&town, &bob).await;
    sees(&mut a, &bob, "online").await;
    drop(desk);
    tokio::time::sleep(Duration::from_millis(900)).await;
    let mut desk = client(&town, &bob).await;
    tokio::time::sleep(Duration::from_millis(2_600)).await;
    assert_eq!(heard_by_now(&mut a).await, [] as [Value; 0]);
    // A person who says to be away although here is shown as gone, and hears everything.
    desk.writes(json!({"type": "user_status", "status": "offline"})).await;
    let hidden = sees(&mut a, &bob, "offline").await;
    assert!(hidden.get("last_seen").is_none(), "{hidden}");
    alice.says(&room, "are you there?").await;
    assert_eq!(message(&mut desk).await.0, "are you there?");
    assert_eq!(heard_by_now(&mut e).await, [] as [Value; 0], "they share no room");
}
