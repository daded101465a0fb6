//! Subscriptions at either of the endpoints.

use super::*;

#[tokio::test]
async fn both_sides_hear_a_new_message_once_on_every_connection() {
    let town = Town::opens().await;
    let (alice, bob) = (town.absent("alice").await, town.person("bob").await);
    let room = Pages::of(&town, &alice).turns_to(&bob).await;
    bob.hears("added to alice").await;
    let (mut desk, mut phone) = (service(&town, &alice).await, service(&town, &alice).await);
    let mut bobs = service(&town, &bob).await;
    desk.writes(json!({"type": "send_message", "conversation_id": room.id, "content": "Coucou"})).await;
    let heard = desk.next("new_message").await;
    assert_eq!(fields(&heard), ["conversation_id", "data", "timestamp", "type"]);
    assert_eq!(fields(&heard["data"]), ["id", "message", "read_at", "sender_id", "timestamp"]);
    assert_eq!((&heard["conversation_id"], &heard["data"]["message"]), (&json!(room.id), &json!("Coucou")));
    assert_eq!((&heard["data"]["sender_id"], &heard["data"]["read_at"]), (&json!(alice.id()), &Value::Null));
    assert!(heard["data"]["id"].is_i64() && is_time(&heard["data"]["timestamp"]) && is_time(&heard["timestamp"]));
    assert_eq!(phone.hears().await, heard);
    assert_eq!(bobs.hears().await, heard);
    bob.hears("alice: Coucou").await;
    // From the new endpoint, and from the pages.
    bob.says(&room, "Salut").await;
    let said = Pages::of(&town, &bob).says(&room, "Ça va ?").await;
    for client in [&mut desk, &mut phone, &mut bobs] {
        let heard = client.next("new_message").await;
        assert_eq!((&heard["data"]["message"], &heard["data"]["sender_id"]), (&json!("Salut"), &json!(bob.id())));
        assert_eq!(client.next("new_message").await["data"]["id"], said["id"]);
        client.is_quiet().await;
    }
    // One of two connections may go; the other stays.
    drop(phone);
    bob.says(&room, "encore").await;
    assert_eq!(desk.next("new_message").await["data"]["message"], "encore");
}

#[tokio::test]
async fn chat_messages_come_to_connections_that_asked_for_them_and_to_no_others() {
    let town = Town::opens().await;
    let (alice, bob) = town.two("alice", "bob").await;
    let room = alice.turns_to(&bob).await;
    let other = alice.opens_group(&[&bob]).await;
    let (mut desk, mut phone) = (subscribed(&town, &alice, &room).await, gateway(&town, &alice).await);
    let mut bobs = subscribed(&town, &bob, &room).await;
    let say =
        |text: &str| json!({"type": "send_message", "data": {"conversation_id": room.id.to_string(), "message": text}});
    desk.writes(say("Coucou")).await;
    let (heard, ack) = desk.both("chat_message", "chat_ack").await;
    let id = heard["data"]["message_id"].as_i64().expect("a number");
    assert!(is_time(&heard["data"]["timestamp"]) && ack["data"]["timestamp"].is_i64(), "{heard} {ack}");
    let expected = json!({
        "type": "chat_message", "channel": format!("chat_{}", room.id), "from_user": alice.id().to_string(),
        "data": {
            "type": "chat_message", "conversation_id": room.id.to_string(), "message": "Coucou", "message_id": id,
            "from_user": alice.id().to_string(), "sender_id": alice.id(), "read_at": null,
            "timestamp": heard["data"]["timestamp"],
        },
    });
    assert_eq!(heard, expected);
    let stored = json!({"status": "success", "timestamp": ack["data"]["timestamp"],
        "conversation_id": room.id.to_string(), "message_id": id});
    assert_eq!(ack, json!({"type": "chat_ack", "data": stored, "user_id": alice.id().to_string()}));
    assert_eq!(bobs.hears().await, expected);
    // A client that has not subscribed is told nothing; not of other conversations either.
    phone.is_quiet().await;
    alice.says(&other, "elsewhere").await;
    bob.says(&room, "from the new endpoint").await;
    Pages::of(&town, &bob).says(&room, "from a page").await;
    for client in [&mut desk, &mut bobs] {
        assert_eq!(client.next("chat_message").await["data"]["message"], "from the new endpoint");
        assert_eq!(client.next("chat_message").await["data"]["message"], "from a page");
        client.is_quiet().await;
    }
    phone.is_quiet().await;
    // A plain name is a channel too; and what was subscribed to ends.
    bobs.writes(json!({"type": "unsubscribe", "data": format!("chat_{}", room.id)})).await;
    assert_eq!(bobs.next("unsubscription_ack").await["data"]["status"], "unsubscribed");
    phone.writes(json!({"type": "subscribe", "data": format!("chat_{}", room.id)})).await;
    phone.next("subscription_ack").await;
    alice.says(&room, "to the phone").await;
    assert_eq!(phone.next("chat_message").await["data"]["message"], "to the phone");
    bobs.is_quiet().await;
    // Joining is subscribing, and reading.
    bobs.writes(json!({"type": "join_conversation", "data": {"conversation_id": room.id.to_string()}})).await;
    let joined = bobs.next("connection_ack").await["data"].clone();
    let expected = json!({"status": "joined", "user_id": bob.id().to_string(), "conversation_id": room.id.to_string(),
        "timestamp": joined["timestamp"]});
    assert_eq!(joined, expected);
    assert!(joined["timestamp"].is_i64(), "{joined}");
    assert_eq!(Pages::of(&town, &bob).unread(&room).await, 0);
    alice.says(&room, "welcome back").await;
    assert_eq!(bobs.next("chat_message").await["data"]["message"], "welcome back");
}

#[tokio::test]
async fn whoever_speaks_or_writes_in_a_conversation_hears_it_without_having_subscribed() {
    let town = Town::opens().await;
    let (alice, bob) = town.two("alice", "bob").await;
    let (room, other) = (alice.turns_to(&bob).await, alice.opens_group(&[&bob]).await);
    let say = |room: i64, text: &str| json!({"type": "send_message", "data": {"conversation_id": room.to_string(), "message": text}});
    // The page has come back after a cut. It does not subscribe again, and shows what it says when it hears it.
    let mut page = gateway(&town, &alice).await;
    page.writes(say(room.id, "I am back")).await;
    let (heard, ack) = page.both("chat_message", "chat_ack").await;
    assert_eq!(heard["data"]["message_id"], ack["data"]["message_id"]);
    bob.says(&room, "so I hear").await;
    assert_eq!(page.next("chat_message").await["data"]["message"], "so I hear");
    // Nothing else has changed for it, and it can end what it began.
    bob.says(&other, "in the group").await;
    page.is_quiet().await;
    page.writes(json!({"type": "unsubscribe", "data": format!("chat_{}", room.id)})).await;
    page.next("unsubscription_ack").await;
    bob.says(&room, "and now?").await;
    page.is_quiet().await;
    // Writing is enough; to stop writing is not, since the page may have gone elsewhere meanwhile.
    page.writes(json!({"type": "typing", "data": {"conversation_id": other.id.to_string(), "is_typing": false}})).await;
    bob.says(&other, "not yet").await;
    page.is_quiet().await;
    page.writes(json!({"type": "typing", "data": {"conversation_id": other.id.to_string()}})).await;
    bob.notices("alice types").await;
    bob.says(&other, "go on").await;
    assert_eq!(page.next("chat_message").await["data"]["message"], "go on");
    // A person who cannot speak somewhere does not hear it later either.
    let carol = town.person("carol").await;
    let mut carols = gateway(&town, &carol).await;
    assert_eq!(carols.is_refused(say(other.id, "let me in")).await.1, "access_denied");
    alice.adds(&carol, &other).await;
    bob.says(&other, "welcome").await;
    carols.is_quiet().await;
}

#[tokio::test]
async fn only_members_may_subscribe() {
    let town = Town::opens().await;
    let (alice, bob) = town.two("alice", "bob").await;
    let carol = town.person("carol").await;
    let (room, group) = (alice.turns_to(&bob).await, alice.opens_group(&[&bob, &carol]).await);
    let public = alice.opens_room("garden").await;
    let mut carols = subscribed(&town, &carol, &group).await;
    let mut direct = service(&town, &carol).await;
    for channel in [format!("chat_{}", room.id), format!("chat_{}", public.id), "chat_999999".into(), "chat_x".into()] {
        for data in [json!(channel), json!({"channel": channel})] {
            let (_, kind) = carols.is_refused(json!({"type": "subscribe", "data": data})).await;
            assert_eq!(kind, "access_denied", "{channel}");
        }
    }
    for name in ["", "no spaces", "é", &"x".repeat(51), "a/b"] {
        let (_, kind) = carols.is_refused(json!({"type": "subscribe", "data": name})).await;
        assert_eq!(kind, "invalid_channel_name", "{name}");
    }
    for name in ["user-updates", &"x".repeat(50)] {
        carols.writes(json!({"type": "subscribe", "data": name})).await;
        assert_eq!(carols.next("subscription_ack").await["data"]["channel"], name);
    }
    alice.says(&room, "for bob alone").await;
    alice.says(&group, "for all").await;
    assert_eq!(carols.next("chat_message").await["data"]["message"], "for all");
    assert_eq!(direct.next("new_message").await["data"]["message"], "for all");
    // A removed member hears nothing more, though the subscription was never ended.
    alice.removes(&carol, &group).await;
    alice.says(&group, "without carol").await;
    carols.is_quiet().await;
    direct.is_quiet().await;
    let channel = format!("chat_{}", group.id);
    assert_eq!(carols.is_refused(json!({"type": "subscribe", "data": channel})).await.1, "access_denied");
}

#[tokio::test]
async fn typing_is_told_to_the_others_and_not_to_the_typist() {
    let town = Town::opens().await;
    let (alice, bob) = town.two("alice", "bob").await;
    let room = alice.turns_to(&bob).await;
    let (mut direct, mut web) = (service(&town, &alice).await, subscribed(&town, &alice, &room).await);
    let (mut bobs, mut bobs_web) = (service(&town, &bob).await, subscribed(&town, &bob, &room).await);
    let mut elsewhere = gateway(&town, &bob).await;
    direct.writes(json!({"type": "typing", "conversation_id": room.id, "is_typing": true})).await;
    let data = json!({"user_id": alice.id(), "is_typing": true});
    assert_eq!(bobs.hears().await, json!({"type": "typing", "conversation_id": room.id, "data": data}));
    let relayed = json!({"conversation_id": room.id.to_string(), "user_id": alice.id(), "is_typing": true});
    assert_eq!(bobs_web.hears().await, json!({"type": "typing", "data": relayed}));
    bob.notices("alice types").await;
    direct.writes(json!({"type": "typing", "conversation_id": room.id, "is_typing": false})).await;
    assert_eq!(bobs.next("typing").await["data"]["is_typing"], false);
    assert_eq!(bobs_web.next("typing").await["data"]["is_typing"], false);
    // The web client's frame does not say what it means; and it reaches the other endpoints.
    web.writes(json!({"type": "typing", "data": {"conversation_id": room.id.to_string()}})).await;
    assert_eq!(bobs.next("typing").await["data"], data);
    assert_eq!(bobs_web.next("typing").await["data"], relayed);
    bob.notices("alice types").await;
    bob.types(&room).await;
    assert_eq!(direct.next("typing").await["data"], json!({"user_id": bob.id(), "is_typing": true}));
    assert_eq!(web.next("typing").await["data"]["user_id"], bob.id());
    for client in [&mut direct, &mut web, &mut bobs, &mut bobs_web, &mut elsewhere] {
        client.is_quiet().await;
    }
}

#[tokio::test]
async fn adding_a_reaction_again_takes_it_back_at_the_gateway_alone() {
    let town = Town::opens().await;
    let (alice, bob) = town.two("alice", "bob").await;
    let room = alice.turns_to(&bob).await;
    let message = alice.says(&room, "Coucou").await.id;
    let (mut direct, mut web) = (service(&town, &bob).await, subscribed(&town, &bob, &room).await);
    let mut alices = service(&town, &alice).await;
    let add = json!({"type": "reaction_add", "message_id": message, "emoji": "👍"});
    let told = |action: &str| json!({"message_id": message, "user_id": bob.id(), "emoji": "👍", "action": action});
    for action in ["add", "remove", "add"] {
        web.writes(&add).await;
        let frame = web.next("reaction_update").await;
        let mut data = told(action);
        data["type"] = json!("reaction_update");
        data["conversation_id"] = json!(room.id);
        data["timestamp"] = frame["data"]["timestamp"].clone();
        assert!(data["timestamp"].is_i64(), "{frame}");
        assert_eq!((&frame["data"], &frame["channel"]), (&data, &json!(format!("chat_{}", room.id))));
        for client in [&mut direct, &mut alices] {
            let expected = json!({"type": "reaction_update", "conversation_id": room.id, "data": told(action)});
            assert_eq!(client.hears().await, expected);
        }
    }
    // On the service's socket and from the pages adding is adding, however often.
    direct.writes(&add).await;
    direct.is_quiet().await;
    let pages = Pages::of(&town, &bob);
    let body = json!({"message_id": message, "emoji": "👍"});
    let first = pages.asks("POST", "/api/v1/chat/reactions", body.clone()).await;
    assert_eq!((first.0, &first.1["user_id"], &first.1["emoji"]), (201, &json!(bob.id()), &json!("👍")));
    assert_eq!(pages.asks("POST", "/api/v1/chat/reactions", body).await, first);
    let path = format!("/api/v1/chat/messages/{message}/reactions");
    assert_eq!(pages.gets(&path).await, json!([first.1]));
    assert_eq!(pages.reads(&room, "").await[0]["reactions"], json!([first.1]));
    web.is_quiet().await;
    for expected in [json!([first.1]), json!([])] {
        assert_eq!(pages.gets(&path).await, expected);
        assert_eq!(pages.asks("DELETE", &format!("{path}/%F0%9F%91%8D"), Value::Null).await.0, 200);
    }
    assert_eq!(alices.next("reaction_update").await["data"], told("remove"));
    direct.next("reaction_update").await;
    direct.writes(json!({"type": "reaction_remove", "message_id": message, "emoji": "👍"})).await;
    direct.is_quiet().await;
    alices.is_quiet().await;
    alice.says(&room, "merci").await;
}

/// The next that is told of somebody's presence.
async fn presence_of(client: &mut Client, person: &Person) -> Value {
    loop {
        let frame = client.0.hears().await;
        if frame["type"] == "presence_update" && frame["data"]["user_id"] == person.id() {
            return frame;
        }
    }
}

#[tokio::test]
async fn presence_is_told_to_partners_and_to_nobody_else() {
    let town = Town::opens().await;
    let (alice, bob) = (town.absent("alice").await, town.absent("bob").await);
    let carol = town.absent("carol").await;
    Pages::of(&town, &alice).turns_to(&bob).await;
    let (mut direct, mut web) = (service(&town, &alice).await, gateway(&town, &alice).await);
    let (mut stranger, mut strange_web) = (service(&town, &carol).await, gateway(&town, &carol).await);
    let bobs = service(&town, &bob).await;
    let here = json!({"user_id": bob.id(), "is_online": true, "last_seen": null});
    assert_eq!(presence_of(&mut direct, &bob).await, json!({"type": "presence_update", "data": here}));
    let expected = json!({"type": "presence_update", "data": here, "channel": "user-updates"});
    assert_eq!(presence_of(&mut web, &bob).await, expected);
    let (pages, his) = (Pages::of(&town, &alice), Pages::of(&town, &bob));
    let (online, presence) =
        (format!("/api/v1/users/{}/online-status", bob.id()), format!("/api/v1/chat/users/{}/presence", bob.id()));
    assert_eq!(pages.gets(&online).await, here);
    let active = pages.gets(&presence).await;
    assert!(active["is_online"] == true && is_time(&active["last_activity"]), "{active}");
    // A person who wishes so is not seen; and is again.
    assert_eq!(his.asks("PUT", "/api/v1/chat/presence/offline", Value::Null).await.0, 200);
    assert_eq!(presence_of(&mut direct, &bob).await["data"]["is_online"], false);
    assert_eq!(presence_of(&mut web, &bob).await["data"]["is_online"], false);
    assert_eq!(pages.gets(&online).await["is_online"], false);
    assert_eq!(his.asks("PUT", "/api/v1/chat/presence/online", Value::Null).await.0, 200);
    assert_eq!(presence_of(&mut direct, &bob).await["data"]["is_online"], true);
    // Gone is who has no connection left, a moment later.
    drop(bobs);
    let gone = presence_of(&mut direct, &bob).await;
    assert!(gone["data"]["is_online"] == false && is_time(&gone["data"]["last_seen"]), "{gone}");
    // Others are told nothing of it.
    for client in [&mut stranger, &mut strange_web] {
        client.writes(json!({"type": "are you there"})).await;
        assert_eq!(client.0.hears().await["type"], "error");
    }
}

#[tokio::test]
async fn closing_one_of_two_pages_makes_nobody_offline() {
    let town = Town::opens().await;
    let (alice, bob) = (town.absent("alice").await, town.absent("bob").await);
    Pages::of(&town, &alice).turns_to(&bob).await;
    let mut hers = service(&town, &alice).await;
    let (one, two) = (gateway(&town, &bob).await, gateway(&town, &bob).await);
    assert_eq!(presence_of(&mut hers, &bob).await["data"]["is_online"], true);
    let his = Pages::of(&town, &bob);
    let online = format!("/api/v1/users/{}/online-status", bob.id());
    // A page says so when it is closed, though another is open.
    assert_eq!(his.asks("PUT", "/api/v1/chat/presence/offline", Value::Null).await.0, 200);
    drop(one);
    tokio::time::sleep(Duration::from_millis(2_600)).await;
    assert_eq!(Pages::of(&town, &alice).gets(&online).await["is_online"], true);
    hers.is_quiet().await;
    // The last one goes.
    assert_eq!(his.asks("PUT", "/api/v1/chat/presence/offline", Value::Null).await.0, 200);
    assert_eq!(presence_of(&mut hers, &bob).await["data"]["is_online"], false);
    drop(two);
}

#[tokio::test]
async fn a_page_that_says_so_after_it_was_closed_hides_no_other() {
    let town = Town::opens().await;
    let (alice, bob) = (town.absent("alice").await, town.absent("bob").await);
    Pages::of(&town, &alice).turns_to(&bob).await;
    let (one, two) = (gateway(&town, &bob).await, gateway(&town, &bob).await);
    drop(one);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(Pages::of(&town, &bob).asks("PUT", "/api/v1/chat/presence/offline", Value::Null).await.0, 200);
    tokio::time::sleep(Duration::from_millis(2_600)).await;
    let online = format!("/api/v1/users/{}/online-status", bob.id());
    assert_eq!(Pages::of(&town, &alice).gets(&online).await["is_online"], true);
    drop(two);
}

#[tokio::test]
async fn rooms_of_the_new_endpoint_are_heard_and_spoken_in_but_not_listed() {
    let town = Town::opens().await;
    let (alice, bob) = town.two("alice", "bob").await;
    let room = alice.opens_room("garden").await;
    bob.joins(&room).await;
    alice.hears("bob joins").await;
    let (mut direct, mut web) = (service(&town, &bob).await, subscribed(&town, &bob, &room).await);
    let said = alice.says(&room, "under the tree").await;
    assert_eq!(direct.next("new_message").await["conversation_id"], room.id);
    assert_eq!(web.next("chat_message").await["data"]["message_id"], said.id);
    direct
        .writes(json!({"type": "send_message", "conversation_id": room.id, "content": "from the old endpoint"}))
        .await;
    alice.hears("bob: from the old endpoint").await;
    // Edits, deletions and members coming and going have no words here.
    alice.edits(&said, "over the tree").await;
    let mistake = alice.says(&room, "a mistake").await;
    direct.next("new_message").await;
    direct.next("new_message").await;
    alice.deletes(&mistake).await;
    let carol = town.person("carol").await;
    carol.joins(&room).await;
    direct.is_quiet().await;
    let pages = Pages::of(&town, &bob);
    assert_eq!(texts(&pages.reads(&room, "").await), ["from the old endpoint", "over the tree"]);
    assert_eq!(pages.gets(LIST).await["conversations"], json!([]));
    let one = pages.gets(&format!("{LIST}/{}", room.id)).await;
    assert_eq!((&one["user1_id"], &one["user2_id"]), (&json!(alice.id()), &Value::Null));
    let reaction = json!({"type": "reaction_add", "message_id": mistake.id, "emoji": "👍"});
    assert_eq!(direct.is_refused(reaction).await.0, "message not found");
}
