//! Rooms, groups and direct conversations: opening, finding, listing and describing them.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::{Person, Room, Town};

/// The names of the public rooms that somebody discovers.
async fn discovers(person: &Person, prefix: &str) -> Vec<(String, bool)> {
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/v1/rooms?prefix={prefix}{cursor}");
        let page = person.requests("GET", &path, json!(null)).await.granted();
        let rooms = page["rooms"].as_array().unwrap().iter();
        found.extend(rooms.map(|room| (room["name"].as_str().unwrap().to_owned(), room["member"] == true)));
        let Some(next) = page["next_cursor"].as_str() else { return found };
        cursor = format!("&cursor={next}");
    }
}

#[tokio::test]
async fn public_rooms_are_found_and_private_ones_are_not_there() {
    let town = Town::with(|config| config.limits.list_page = 2).await;
    let (ann, bob) = town.two("ann", "bob").await;
    for name in ["garden", "gate", "gallery", "kitchen"] {
        ann.opens_room(name).await;
    }
    let secret = ann.opens_private_room("garage").await;
    let found = discovers(&bob, "GA").await;
    assert_eq!(found, [("gallery".into(), false), ("garden".into(), false), ("gate".into(), false)]);
    let name = |name: &str| format!("/v1/rooms/{name}");
    let seen = bob.requests("GET", &name("Garden"), json!(null)).await.granted();
    assert_eq!((&seen["name"], &seen["member"]), (&json!("garden"), &json!(false)));
    bob.requests("GET", &name("garage"), json!(null)).await.refused(404, "not_found");
    bob.requests("GET", &name("nowhere"), json!(null)).await.refused(404, "not_found");
    let known = ann.requests("GET", &name("garage"), json!(null)).await.granted();
    assert_eq!((&known["id"], &known["role"]), (&json!(secret.id), &json!("owner")));
    // Foreign and absent are answered alike.
    let mut answers = Vec::new();
    for id in [secret.id, 9_999] {
        for (method, path, body) in [
            ("GET", "", json!(null)),
            ("PATCH", "", json!({"topic": "x"})),
            ("POST", "/join", json!(null)),
            ("POST", "/leave", json!(null)),
            ("GET", "/members", json!(null)),
            ("POST", "/members", json!({"user": bob.id()})),
            ("GET", "/messages", json!(null)),
            ("PUT", "/messages/c1", json!({"text": "hello"})),
            ("GET", "/changes?since=0", json!(null)),
            ("GET", "/markers", json!(null)),
            ("PUT", "/read", json!({"seq": 1})),
            ("PUT", "/typing", json!({"typing": true})),
        ] {
            let answer = bob.requests(method, &format!("/v1/conversations/{id}{path}"), body).await;
            let mut problem = answer.refused(404, "not_found");
            problem["request_id"] = Value::Null;
            answers.push(problem);
        }
    }
    let (foreign, absent) = answers.split_at(12);
    assert_eq!(foreign, absent);
}

#[tokio::test]
async fn a_room_has_a_name_of_its_own() {
    let town = Town::with(|config| {
        config.limits.name_length = 10;
        config.limits.topic_length = 10;
    })
    .await;
    let ann = town.person("ann").await;
    ann.opens_room("Garden").await;
    let create = |name: &str| json!({"kind": "room", "name": name});
    for taken in ["Garden", "garden", "GARDEN"] {
        ann.asks("conversation.create", create(taken)).await.refused("conflict");
    }
    let trimmed = ann.asks("conversation.create", create(" a hall\u{200b} ")).await.granted();
    assert_eq!(trimmed["name"], "a hall");
    for bad in ["", " ", "x\ny", "nul\0", "12345678901"] {
        let refusal = ann.asks("conversation.create", create(bad)).await.refused("invalid");
        assert_eq!(refusal["errors"][0]["pointer"], "/name", "{bad:?}");
    }
    let whole = json!({"kind": "room", "name": "éééééééééé", "topic": "0123456789"});
    ann.asks("conversation.create", whole).await.granted();
    for (field, value) in [
        ("topic", json!("01234567890")),
        ("visibility", json!("hidden")),
        ("kind", json!("hall")),
        ("members", json!([1])),
        ("user", json!(1)),
    ] {
        let mut data = create("kitchen");
        data[field] = value;
        ann.asks("conversation.create", data).await.refused("invalid");
    }
}

#[tokio::test]
async fn a_conversation_asked_for_twice_is_opened_once() {
    let town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let data = json!({"kind": "room", "name": "garden", "client_id": "open-1"});
    let first = ann.asks("conversation.create", data.clone()).await.granted();
    assert_eq!(ann.asks("conversation.create", data).await.granted()["id"], first["id"]);
    let headers = [("idempotency-key", "open-1")];
    let body = json!({"kind": "room", "name": "garden"});
    let again = ann.requests_with("POST", "/v1/conversations", body, &headers).await.granted();
    assert_eq!(again["id"], first["id"]);
    let other = json!({"kind": "room", "name": "kitchen", "client_id": "open-1"});
    ann.asks("conversation.create", other).await.refused("idempotency_mismatch");
    let group = json!({"kind": "group", "members": [bob.id()], "client_id": "open-2"});
    let group_id = ann.asks("conversation.create", group.clone()).await.granted()["id"].clone();
    assert_eq!(ann.asks("conversation.create", group).await.granted()["id"], group_id);
    bob.hears("added to it").await;
    bob.hears_nothing_more().await;
}

#[tokio::test]
async fn a_direct_conversation_is_one_per_pair_from_both_sides_at_once() {
    let town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let ask = |of: &Person, to: &Person| of.begins("conversation.create", json!({"kind": "direct", "user": to.id()}));
    let mut asked = Vec::new();
    for _ in 0..5 {
        asked.push(ask(&ann, &bob));
        asked.push(ask(&bob, &ann));
    }
    let mut ids = Vec::new();
    for answer in asked {
        ids.push(answer.await.granted()["id"].as_i64().unwrap());
    }
    assert!(ids.windows(2).all(|pair| pair[0] == pair[1]), "{ids:?}");
    let room = Room { id: ids[0] };
    ann.says(&room, "hello").await;
    assert_eq!(bob.sees(&room).await["peer"]["username"], "ann");
    assert_eq!(ann.sees(&room).await["peer"]["username"], "bob");
    // It is its pair's for ever.
    ann.asks("conversation.leave", json!({"conversation": room.id})).await.refused("forbidden");
    ann.asks("conversation.update", json!({"conversation": room.id, "name": "us"})).await.refused("forbidden");
    let cid = town.person("cid").await;
    ann.asks("member.add", json!({"conversation": room.id, "user": cid.id()})).await.refused("forbidden");
    ann.asks("member.remove", json!({"conversation": room.id, "user": bob.id()})).await.refused("forbidden");
    ann.makes(&bob, "owner", &room).await.refused("forbidden");
    cid.does_not_see(&room).await;
    // With oneself there is one, too; with nobody there is none.
    let notes = ann.turns_to(&ann).await;
    assert_eq!(ann.turns_to(&ann).await, notes);
    ann.says(&notes, "buy roses").await;
    ann.asks("conversation.create", json!({"kind": "direct", "user": 9_999})).await.refused("not_found");
}

#[tokio::test]
async fn a_group_is_private_and_need_not_be_named() {
    let town = Town::with(|config| config.limits.group_members = 3).await;
    let (ann, bob) = town.two("ann", "bob").await;
    let (cid, dan) = town.two("cid", "dan").await;
    let group = ann.opens_group(&[&bob, &cid]).await;
    let seen = bob.sees(&group).await;
    assert_eq!(
        (&seen["visibility"], &seen["name"], &seen["member_count"]),
        (&json!("private"), &Value::Null, &json!(3))
    );
    // Everybody may name it and bring a friend, as long as there is room.
    bob.asks("conversation.update", json!({"conversation": group.id, "name": "us"})).await.granted();
    ann.hears("it is called us").await;
    cid.asks("member.add", json!({"conversation": group.id, "user": dan.id()})).await.refused("limit_reached");
    ann.removes(&bob, &group).await;
    cid.adds(&dan, &group).await;
    dan.hears("added to us").await;
    bob.does_not_see(&group).await;
    let update = json!({"conversation": group.id, "visibility": "public"});
    ann.asks("conversation.update", update).await.refused("invalid");
    bob.asks("conversation.join", json!({"conversation": group.id})).await.refused("not_found");
    let too_many = json!({"kind": "group", "members": [bob.id(), cid.id(), dan.id()]});
    ann.asks("conversation.create", too_many).await.refused("limit_reached");
    ann.asks("conversation.create", json!({"kind": "group", "members": [9_999]})).await.refused("not_found");
    // Oneself, and somebody twice, count once.
    let twice = json!({"kind": "group", "members": [ann.id(), bob.id(), bob.id()]});
    assert_eq!(ann.asks("conversation.create", twice).await.granted()["member_count"], 2);
}

#[tokio::test]
async fn the_list_shows_the_last_message_and_what_is_unread_newest_first() {
    let town = Town::with(|config| config.limits.list_page = 2).await;
    let (ann, bob) = town.two("ann", "bob").await;
    let mut rooms = Vec::new();
    for name in ["one", "two", "three"] {
        let room = ann.opens_room(name).await;
        bob.joins(&room).await;
        // The list is in order of time, which has milliseconds.
        tokio::time::sleep(Duration::from_millis(3)).await;
        rooms.push(room);
    }
    let (first, second) = (ann.says(&rooms[0], "a").await, ann.says(&rooms[0], "b").await);
    bob.says(&rooms[0], "mine").await;
    tokio::time::sleep(Duration::from_millis(3)).await;
    let last = ann.says(&rooms[1], "c").await;
    ann.deletes(&last).await;
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/v1/conversations?limit=2{cursor}");
        let page = bob.requests("GET", &path, json!(null)).await.granted();
        seen.extend(page["conversations"].as_array().unwrap().clone());
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    let shown: Vec<_> = seen.iter().map(|c| (c["name"].as_str().unwrap(), c["unread"].as_i64().unwrap())).collect();
    assert_eq!(shown, [("two", 0), ("one", 2), ("three", 0)]);
    assert!(seen[0]["last_message"]["text"].is_null() && seen[0]["last_message"]["deleted_at"].is_string());
    bob.reads(&first).await;
    assert_eq!(bob.sees(&rooms[0]).await["unread"], 1);
    bob.reads(&second).await;
    assert_eq!(bob.sees(&rooms[0]).await["unread"], 0);
    assert_eq!(ann.sees(&rooms[0]).await["unread"], 1);
}

#[tokio::test]
async fn a_room_is_renamed_described_and_closed_for_all_to_see() {
    let town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let (room, _) = (ann.opens_room("garden").await, ann.opens_room("kitchen").await);
    bob.joins(&room).await;
    let update = |fields: Value| {
        let mut data = fields;
        data["conversation"] = room.id.into();
        data
    };
    ann.asks("conversation.update", update(json!({"name": "Park", "topic": "roses"}))).await.granted();
    let told = bob.hears("it is called Park").await;
    assert_eq!(told["data"]["topic"], "roses");
    // An update that changes nothing is no change.
    ann.asks("conversation.update", update(json!({"name": "Park"}))).await.granted();
    bob.hears_nothing_more().await;
    ann.asks("conversation.update", update(json!({"topic": null}))).await.granted();
    assert!(bob.hears("it is called Park").await["data"]["topic"].is_null());
    ann.asks("conversation.update", update(json!({"name": "Kitchen"}))).await.refused("conflict");
    ann.asks("conversation.update", update(json!({"name": null}))).await.refused("invalid");
    bob.asks("conversation.update", update(json!({"topic": "mine"}))).await.refused("forbidden");
    ann.asks("conversation.update", update(json!({"visibility": "private"}))).await.granted();
    bob.hears("it is called Park").await;
    let cid = town.person("cid").await;
    cid.asks("conversation.join", json!({"conversation": room.id})).await.refused("not_found");
    assert_eq!(discovers(&cid, "").await, [("kitchen".into(), false)]);
    // Members stay in.
    bob.says(&room, "still here").await;
    // The old name is free again.
    cid.opens_room("garden").await;
}

#[tokio::test]
async fn a_guest_sees_only_where_they_were_brought_into() {
    let town = Town::with_a_host().await;
    let ann = town.person("ann").await;
    let bob = town.absent("bob").await;
    let claims = json!({"user_id": 900, "username": "gus", "role": "guest", "exp": testkit::now() + 600});
    let gus = town.sent_by_host(&testkit::host_token(&claims)).await;
    let (open, private) = (ann.opens_room("garden").await, ann.opens_private_room("kitchen").await);
    for create in [
        json!({"kind": "room", "name": "mine"}),
        json!({"kind": "group", "members": [ann.id()]}),
        json!({"kind": "direct", "user": ann.id()}),
    ] {
        gus.asks("conversation.create", create).await.refused("forbidden");
    }
    gus.asks("conversation.join", json!({"conversation": open.id})).await.refused("not_found");
    gus.asks("room.list", json!({})).await.refused("forbidden");
    gus.asks("user.list", json!({})).await.refused("forbidden");
    gus.asks("user.get", json!({"user": ann.id()})).await.refused("not_found");
    ann.adds(&gus, &private).await;
    gus.hears("added to kitchen").await;
    gus.says(&private, "hello").await;
    ann.hears("gus joins").await;
    ann.hears("gus: hello").await;
    assert_eq!(gus.asks("user.get", json!({"user": ann.id()})).await.granted()["username"], "ann");
    gus.asks("user.get", json!({"user": bob.id()})).await.refused("not_found");
    let people = gus.asks("presence.get", json!({"users": [ann.id(), bob.id()]})).await.granted();
    assert_eq!(people["people"].as_array().unwrap().len(), 1);
    // A user may turn to a guest, who may answer.
    let direct = ann.turns_to(&gus).await;
    gus.says(&direct, "yes?").await;
}

#[tokio::test]
async fn what_others_do_to_somebody_takes_nothing_of_what_they_may_do_themselves() {
    let town = Town::with(|config| config.limits.conversations_per_user = 2).await;
    let (ann, bob) = town.two("ann", "bob").await;
    let (one, two) = (ann.opens_room("one").await, ann.opens_room("two").await);
    let three = bob.opens_room("three").await;
    // Ann is where one may be. Bob may write to her and bring her in all the same.
    bob.adds(&ann, &three).await;
    let direct = bob.turns_to(&ann).await;
    ann.says(&direct, "hello").await;
    ann.leaves(&three).await;
    // Their own acts count: ann's third, and bob's.
    let mut refusals = Vec::new();
    let room = json!({"kind": "room", "name": "four"});
    refusals.push(ann.asks("conversation.create", room.clone()).await.refused("limit_reached"));
    refusals.push(ann.asks("conversation.join", json!({"conversation": three.id})).await.refused("limit_reached"));
    refusals.push(bob.asks("conversation.create", room).await.refused("limit_reached"));
    let group = json!({"kind": "group", "members": [ann.id()]});
    refusals.push(bob.asks("conversation.create", group).await.refused("limit_reached"));
    for refusal in refusals {
        assert!(refusal["detail"].as_str().unwrap().starts_with("You may"), "{refusal}");
    }
    ann.leaves(&two).await;
    ann.joins(&three).await;
    ann.sees(&one).await;
}

#[tokio::test]
async fn whoever_brings_others_in_does_it_at_their_own_cost() {
    let town = Town::with(|config| {
        config.limits.invited_per_user = 4;
        config.limits.invited_per_pair = 2;
    })
    .await;
    let (ann, bob) = town.two("ann", "bob").await;
    let (cid, dan) = (town.absent("cid").await, town.absent("dan").await);
    let group = |people: &[&Person]| json!({"kind": "group", "members": people.iter().map(|person| person.id()).collect::<Vec<_>>()});
    let (first, second) = (ann.opens_group(&[&bob]).await, ann.opens_group(&[&bob]).await);
    // Twice the same person; that bob leaves does not make room for a third time.
    bob.leaves(&first).await;
    ann.asks("conversation.create", group(&[&bob])).await.refused("limit_reached");
    ann.asks("conversation.create", json!({"kind": "direct", "user": bob.id()})).await.refused("limit_reached");
    // Four in all, of whom three are there; with the fourth it is enough.
    ann.asks("conversation.create", group(&[&cid, &dan])).await.granted();
    ann.adds(&dan, &second).await;
    let refusal = ann.asks("member.add", json!({"conversation": second.id, "user": cid.id()})).await;
    let refusal = refusal.refused("limit_reached");
    assert!(refusal["detail"].as_str().unwrap().starts_with("You may bring"), "{refusal}");
    // Nobody else pays for it.
    bob.opens_group(&[&cid, &dan]).await;
}

#[tokio::test]
async fn so_many_may_be_brought_in_within_an_hour() {
    let town = Town::with(|config| config.limits.invitations_per_hour = 2).await;
    let (ann, bob) = town.two("ann", "bob").await;
    let cid = town.absent("cid").await;
    ann.opens_group(&[&bob, &cid]).await;
    ann.asks("conversation.create", json!({"kind": "direct", "user": cid.id()})).await.refused("limit_reached");
    ann.opens_room("garden").await;
    bob.turns_to(&cid).await;
    // Each time counts, also if it is one person whom one puts out in between.
    let dan = town.person("dan").await;
    let group = dan.opens_group(&[&cid]).await;
    dan.removes(&cid, &group).await;
    dan.adds(&cid, &group).await;
    dan.removes(&cid, &group).await;
    dan.asks("member.add", json!({"conversation": group.id, "user": cid.id()})).await.refused("limit_reached");
}

#[tokio::test]
async fn a_private_rooms_name_is_known_to_its_members_alone() {
    let town = Town::opens().await;
    let (ann, eve) = town.two("ann", "eve").await;
    let secret = ann.opens_private_room("layoffs").await;
    // Everything that eve does with the name goes as if there were no such room.
    let hers = eve.opens_private_room("Layoffs").await;
    let public = eve.opens_room("layoffs").await;
    let other = eve.opens_room("kitchen").await;
    let rename = |room: &Room, name: &str| json!({"conversation": room.id, "name": name});
    eve.asks("conversation.update", rename(&other, "LAYOFFS")).await.refused("conflict");
    eve.asks("conversation.update", rename(&public, "garden")).await.granted();
    eve.asks("conversation.update", rename(&other, "LAYOFFS")).await.granted();
    // Two public rooms have no name in common, however the second comes to it.
    let publish = |room: &Room| json!({"conversation": room.id, "visibility": "public"});
    ann.asks("conversation.update", publish(&secret)).await.refused("conflict");
    // A name means the public room, else the oldest private one that one is in.
    let named = async |person: &Person| {
        let answer = person.requests("GET", "/v1/rooms/layoffs", json!(null)).await;
        if answer.status == 404 { None } else { answer.granted()["id"].as_i64() }
    };
    assert_eq!((named(&ann).await, named(&eve).await), (Some(other.id), Some(other.id)));
    eve.asks("conversation.update", json!({"conversation": other.id, "visibility": "private"})).await.granted();
    assert_eq!((named(&ann).await, named(&eve).await), (Some(secret.id), Some(hers.id)));
    let bob = town.person("bob").await;
    assert_eq!(named(&bob).await, None);
    ann.asks("conversation.update", publish(&secret)).await.granted();
    assert_eq!((named(&bob).await, named(&eve).await), (Some(secret.id), Some(secret.id)));
}

#[tokio::test]
async fn a_list_misses_nothing_that_moves_between_two_pages() {
    let town = Town::opens().await;
    let ann = town.person("ann").await;
    let mut rooms = Vec::new();
    for name in ["one", "two", "three", "four", "five", "six", "seven"] {
        rooms.push(ann.opens_room(name).await);
    }
    // Whatever moves after whichever page, every room is on some page, and none is there more than twice. Only the last
    // page may be empty.
    for moving in [vec![0], vec![6], vec![3, 2], vec![0, 1, 2, 3, 4, 5, 6]] {
        for after in 1..5 {
            let (mut listed, mut cursor, mut pages) = (Vec::new(), String::new(), 0);
            loop {
                let path = format!("/v1/conversations?limit=2{cursor}");
                let page = ann.requests("GET", &path, json!(null)).await.granted();
                let before = listed.len();
                listed.extend(page["conversations"].as_array().unwrap().iter().map(|c| c["id"].as_i64().unwrap()));
                assert!(listed.len() > before || page["next_cursor"].is_null(), "an empty page is the last: {page}");
                pages += 1;
                assert!(pages < 12, "the list has an end");
                if pages == after {
                    for place in &moving {
                        ann.says(&rooms[*place], "moves up").await;
                    }
                }
                let Some(next) = page["next_cursor"].as_str() else { break };
                cursor = format!("&cursor={next}");
            }
            for room in &rooms {
                let times = listed.iter().filter(|id| **id == room.id).count();
                assert!((1..=2).contains(&times), "{} is there {times} times: {listed:?}", room.id);
            }
        }
    }
}

#[tokio::test]
async fn what_changes_nothing_is_told_to_nobody() {
    let town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let phone = ann.on_another_device().await;
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    let said = ann.says(&room, "same").await;
    bob.reacts(&said, "👍").await;
    bob.reads(&said).await;
    let data = |more: Value| {
        let mut data = json!({"conversation": room.id});
        data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        data
    };
    ann.asks("conversation.update", data(json!({"topic": "plants"}))).await.granted();
    ann.asks("conversation.hide", data(json!({}))).await.granted();
    let head = bob.sees(&room).await["head"].clone();
    for person in [&ann, &bob, &phone] {
        person.forgets().await;
    }
    let edited = ann.asks("message.edit", data(json!({"seq": said.seq, "text": "same"}))).await.granted();
    assert_eq!(edited["edited_at"], json!(null));
    bob.asks("reaction.add", data(json!({"seq": said.seq, "emoji": "👍"}))).await.granted();
    bob.asks("reaction.remove", data(json!({"seq": said.seq, "emoji": "🎉"}))).await.granted();
    bob.asks("marker.read", data(json!({"seq": 1}))).await.granted();
    bob.asks("conversation.join", data(json!({}))).await.granted();
    let same = json!({"name": "garden", "topic": "plants", "visibility": "public"});
    ann.asks("conversation.update", data(same)).await.granted();
    ann.asks("conversation.hide", data(json!({}))).await.granted();
    ann.asks("member.add", data(json!({"user": bob.id()}))).await.granted();
    ann.asks("member.update", data(json!({"user": bob.id(), "role": "member"}))).await.granted();
    for person in [&ann, &bob, &phone] {
        person.hears_nothing_more().await;
    }
    assert_eq!(bob.sees(&room).await["head"], head);
}

/// The observer: connected, a member of nothing, and told nothing of what others do.
#[tokio::test]
async fn whoever_belongs_to_nothing_hears_nothing() {
    let town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let eve = town.absent("eve").await;
    let mut observer = town.stranger().await;
    observer.writes(json!({"id": "1", "type": "authenticate", "data": {"token": eve.tokens().access}})).await;
    assert_eq!(observer.hears().await["data"]["conversations"], json!([]));
    let room = ann.opens_room("garden").await;
    let secret = ann.opens_private_room("kitchen").await;
    let (group, direct) = (ann.opens_group(&[&bob]).await, ann.turns_to(&bob).await);
    bob.joins(&room).await;
    ann.adds(&bob, &secret).await;
    for place in [&room, &secret, &group, &direct] {
        let said = ann.says(place, "hello").await;
        bob.types(place).await;
        ann.edits(&said, "hello!").await;
        bob.reacts(&said, "👍").await;
        bob.reads(&said).await;
        ann.deletes(&said).await;
    }
    ann.makes(&bob, "admin", &room).await.granted();
    ann.asks("conversation.update", json!({"conversation": room.id, "topic": "roses"})).await.granted();
    ann.is_now("busy").await;
    bob.asks("account.update", json!({"city": "Lyon"})).await.granted();
    bob.leaves(&group).await;
    ann.removes(&bob, &room).await;
    // Longer than the hub waits with presence.
    assert!(observer.hears_nothing(Duration::from_millis(400)).await);
    // A cursor for what one does not belong to is answered like one for what there is not.
    let mut other = town.stranger().await;
    let data = json!({"token": eve.tokens().access, "cursors": {room.id.to_string(): 0, "9999": 5}});
    other.writes(json!({"id": "1", "type": "authenticate", "data": data})).await;
    other.hears().await;
    let answers = [other.hears().await, other.hears().await];
    assert!(answers.iter().all(|a| a["type"] == "conversation.removed" && a["data"] == answers[0]["data"]));
}

#[tokio::test]
async fn what_one_hides_is_out_of_ones_own_list_until_something_happens_in_it() {
    let town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let talk = ann.turns_to(&bob).await;
    ann.says(&talk, "Good morning").await;
    let list = async |person: &Person| {
        let listed = person.requests("GET", "/v1/conversations", Value::Null).await.granted();
        listed["conversations"].as_array().unwrap().len()
    };
    let phone = ann.on_another_device().await;
    ann.asks("conversation.hide", json!({"conversation": talk.id})).await.granted();
    phone.hears("hidden").await;
    assert_eq!((list(&ann).await, list(&bob).await), (0, 1));
    // It is out of the list, and no further: what is known of it stays, and it can be asked for.
    let direct = ann.requests("GET", &format!("/v1/users/{}/conversation", bob.id()), Value::Null).await.granted();
    assert_eq!(direct["id"], talk.id);
    bob.says(&talk, "Are you there?").await;
    phone.hears("bob: Are you there?").await;
    assert_eq!(list(&ann).await, 1);
    // A person who opens it again has it again.
    ann.asks("conversation.hide", json!({"conversation": talk.id})).await.granted();
    assert_eq!(list(&ann).await, 0);
    assert_eq!(ann.turns_to(&bob).await.id, talk.id);
    phone.hears("hidden").await;
    phone.hears("added to bob").await;
    assert_eq!(list(&ann).await, 1);
    let eve = town.person("eve").await;
    let refused = eve.asks("conversation.hide", json!({"conversation": talk.id})).await;
    assert_eq!(refused.refused("not_found")["status"], 404);
}

/// Both may be committed together: the one who hides has then seen the message, and must hear it first.
#[tokio::test]
async fn what_is_hidden_while_the_other_speaks_is_heard_as_the_list_has_it() {
    let town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let talk = ann.turns_to(&bob).await;
    for round in 0..60 {
        let said = bob.begins("message.send", bob.draft(&talk, &format!("Are you there? {round}")));
        let hidden = ann.begins("conversation.hide", json!({"conversation": talk.id}));
        said.await.granted();
        hidden.await.granted();
        // With every question the law is checked: the list shows what was heard.
        ann.asks("account.get", json!({})).await.granted();
    }
}

#[tokio::test]
async fn asking_for_a_direct_conversation_opens_none() {
    let town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let path = format!("/v1/users/{}/conversation", bob.id());
    assert_eq!(ann.requests("GET", &path, Value::Null).await.status, 404);
    let talk = bob.turns_to(&ann).await;
    assert_eq!(ann.requests("GET", &path, Value::Null).await.granted()["id"], talk.id);
}
