//! The school messenger's door, as its document's clients and its web client use it.

use std::time::Duration;

use palabre::config::{
    Config, Deployment, Secret,
    layers::{Sources, merge},
};
use serde_json::{Value, json};
use testkit::{Answer, Person, Rest, Room, Stranger, Town, host_token, host_token_signed, now};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Where the school's pages are served.
const PAGE: &str = "https://school.example.org";
const ORIGIN: (&str, &str) = ("origin", PAGE);

/// A town whose pages are the school's.
async fn school() -> Town {
    Town::with(of_school).await
}

fn of_school(config: &mut Config) {
    config.server.allowed_origins = vec![PAGE.into()];
}

/// A client of the old protocol with somebody's token. The first that it hears is that they are here.
async fn client(town: &Town, person: &Person) -> Stranger {
    let path = format!("/ws/chat/?token={}", person.tokens().access);
    let mut client = town.socket_at(town.dreametrix(), &path, &[]).await.expect("let in");
    assert_eq!(client.hears().await["data"], json!({"user_id": person.id(), "status": "online"}));
    client
}

/// The next frame but for who is here, which must be of this type.
async fn next(client: &mut Stranger, kind: &str) -> Value {
    loop {
        let frame = client.hears().await;
        if frame["type"] != "user_status" {
            assert_eq!(frame["type"], kind, "{frame}");
            return frame;
        }
    }
}

/// The next message's text and room.
async fn message(client: &mut Stranger) -> (String, i64) {
    let data = next(client, "message").await["data"].clone();
    (data["content"].as_str().unwrap().to_owned(), data["chat"].as_i64().unwrap())
}

/// The next refusal's words, where either kind of client looks for them.
async fn refused(client: &mut Stranger) -> String {
    let frame = next(client, "error").await;
    assert_eq!(frame["message"], frame["data"]["error"], "{frame}");
    frame["message"].as_str().unwrap().to_owned()
}

/// Waits until this person is told to be so; other news of people are passed over.
async fn sees(client: &mut Stranger, person: &Person, status: &str) -> Value {
    loop {
        let frame = client.hears().await;
        assert_eq!(frame["type"], "user_status", "{frame}");
        if frame["data"]["user_id"] == person.id() && frame["data"]["status"] == status {
            return frame["data"].clone();
        }
    }
}

/// Everything that has come by now and was not asked for.
async fn heard_by_now(client: &mut Stranger) -> Vec<Value> {
    client.writes(json!({"type": "ping", "data": {}})).await;
    let mut heard = Vec::new();
    loop {
        let frame = client.hears().await;
        if frame == json!({"type": "pong", "data": {}}) {
            return heard;
        }
        heard.push(frame);
    }
}

/// Whether nothing has come by now, but for who is here.
async fn hears_nothing_more(client: &mut Stranger) {
    let heard: Vec<Value> = heard_by_now(client).await;
    let heard: Vec<&Value> = heard.iter().filter(|frame| frame["type"] != "user_status").collect();
    assert!(heard.is_empty(), "{heard:?}");
}

fn rest(town: &Town) -> Rest {
    Rest::to(town.dreametrix())
}

fn uuid(noun: u8, id: i64) -> String {
    format!("{noun:08}-0000-8000-8000-{id:012x}")
}

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
    // Who one is was shown by the handshake: what the first frame says is neither answered nor believed.
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
    // The other connection, and the new door, hear it all.
    assert_eq!(message(&mut phone).await, ("psst".into(), quiet.id));
    assert_eq!(next(&mut phone, "room_update").await["data"]["message"]["content"], "psst!");
    next(&mut phone, "typing").await;
    assert_eq!(message(&mut phone).await, ("hello".into(), other.id));
    bob.hears("added to quiet").await;
    bob.hears("added to other").await;
    bob.hears("alice: psst").await;
    // It was no leaving for good: one can still speak there, and turn it on again.
    desk.writes(json!({"type": "send_message", "room_id": quiet.id, "content": "I am here"})).await;
    assert_eq!(message(&mut phone).await, ("I am here".into(), quiet.id));
    hears_nothing_more(&mut desk).await;
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
async fn what_is_said_at_one_door_is_heard_at_the_other() {
    let town = Town::opens().await;
    let (alice, bob) = (town.person("alice").await, town.person("bob").await);
    let room = alice.opens_group(&[&bob]).await;
    bob.hears("added to it").await;
    let mut old = client(&town, &bob).await;
    old.writes(json!({"type": "send_message", "room_id": room.id, "content": "from the old door"})).await;
    alice.hears("bob: from the old door").await;
    bob.hears_themselves("bob: from the old door").await;
    assert_eq!(message(&mut old).await.0, "from the old door");
    let said = alice.says(&room, "from the new one").await;
    let heard = next(&mut old, "message").await["data"].clone();
    assert_eq!(heard["id"], said.id);
    alice.types(&room).await;
    assert_eq!(next(&mut old, "typing").await["data"]["user_name"], "alice");
    old.writes(json!({"type": "typing_start", "room_id": room.id})).await;
    alice.notices("bob types").await;
    old.writes(json!({"type": "typing", "room_id": room.id, "is_typing": false})).await;
    alice.notices("bob stops typing").await;
    // What is no new message is an update, which the old page passes over; reactions and markers have no word.
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
    // Who comes back within the grace was never away.
    let desk = client(&town, &bob).await;
    sees(&mut a, &bob, "online").await;
    drop(desk);
    tokio::time::sleep(Duration::from_millis(900)).await;
    let mut desk = client(&town, &bob).await;
    tokio::time::sleep(Duration::from_millis(2_600)).await;
    assert_eq!(heard_by_now(&mut a).await, [] as [Value; 0]);
    // Who says to be away although here is shown as gone, and hears everything.
    desk.writes(json!({"type": "user_status", "status": "offline"})).await;
    let hidden = sees(&mut a, &bob, "offline").await;
    assert!(hidden.get("last_seen").is_none(), "{hidden}");
    alice.says(&room, "are you there?").await;
    assert_eq!(message(&mut desk).await.0, "are you there?");
    assert_eq!(heard_by_now(&mut e).await, [] as [Value; 0], "they share no room");
}

/// The cookie that a handshake's answer sets, with what it says about it.
fn cookie_of(head: &str) -> Option<(String, String)> {
    let line = head.lines().find_map(|line| line.strip_prefix("set-cookie: sessionid="))?;
    let (value, attributes) = line.split_once(';')?;
    Some((value.to_owned(), attributes.trim().to_owned()))
}

/// A handshake at the school messenger's own listener.
async fn shake(town: &Town, query: &str, headers: &[(&str, &str)]) -> (u16, String) {
    town.handshake_at(town.dreametrix(), &format!("/ws/chat/{query}"), headers).await
}

#[tokio::test]
async fn a_token_opens_the_socket_and_nothing_else_does() {
    let town = Town::with_a_host().await;
    let claims = json!({"user_id": 77, "username": "alice", "exp": now() + 600});
    let token = host_token(&claims);
    let query = format!("?token={token}");
    let bearer = format!("Bearer {token}");
    for (path, headers) in [
        (format!("/ws/chat/{query}"), vec![]),
        (format!("/ws/chat{query}"), vec![]),
        (format!("/ws/chat/?a=1&token={token}&b=2"), vec![]),
        ("/ws/chat/".into(), vec![("authorization", bearer.as_str())]),
        ("/ws/chat/".into(), vec![("authorization", token.as_str())]),
        (format!("/ws/chat/{query}"), vec![("authorization", "Bearer nonsense")]),
    ] {
        for door in [town.dreametrix(), town.address()] {
            assert_eq!(town.handshake_at(door, &path, &headers).await.0, 101, "{path} {headers:?}");
        }
    }
    let bob = town.absent("bob").await.tokens();
    assert_eq!(shake(&town, &format!("?token={}", bob.access), &[]).await.0, 101);
    let payload = token.split('.').nth(1).unwrap();
    for bad in [
        host_token(&json!({"user_id": 77, "username": "alice", "exp": now() - 120})),
        host_token(&json!({"user_id": 77, "username": "alice", "exp": now() + 600, "nbf": now() + 300})),
        host_token(&json!({"username": "alice", "exp": now() + 600})),
        host_token_signed(&claims, "another secret, of which nobody knows"),
        format!("{}x", &token[..token.len() - 1]),
        format!("eyJhbGciOiJub25lIn0.{payload}."),
        format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{payload}."),
        format!("{}.{payload}.{}", bob.access.split('.').next().unwrap(), token.split('.').nth(2).unwrap()),
        bob.refresh.clone(),
        "nonsense".into(),
        "a.b.c".into(),
        String::new(),
    ] {
        let (bearer, cookie) = (format!("Bearer {bad}"), format!("sessionid={bad}"));
        for (query, headers) in [
            (format!("?token={bad}"), vec![]),
            (String::new(), vec![("authorization", bearer.as_str())]),
            (String::new(), vec![("cookie", cookie.as_str()), ("origin", "http://localhost:0")]),
        ] {
            let (status, head) = shake(&town, &query, &headers).await;
            assert_eq!(status, 401, "{bad}: {head}");
            assert_eq!(cookie_of(&head), None);
        }
        let answer = rest(&town).ask("GET", "/chats/rooms/", Some(&bad), &Value::Null).await;
        assert_eq!((answer.status, answer.body["detail"].is_string()), (401, true), "{bad}: {}", answer.text);
    }
    assert_eq!(shake(&town, "", &[]).await.0, 401);
    assert_eq!(shake(&town, &format!("?mytoken={token}"), &[]).await.0, 401);
    assert_eq!(rest(&town).ask("GET", "/chats/rooms/", None, &Value::Null).await.status, 401);
    // In a request the token has no place in the address.
    assert_eq!(rest(&town).ask("GET", &format!("/chats/rooms/{query}"), None, &Value::Null).await.status, 401);
    // Our own door takes neither the address nor the cookie.
    let cookie = format!("sessionid={token}");
    let (status, head) = town.handshake_at(town.address(), &format!("/v1/ws{query}"), &[("cookie", &cookie)]).await;
    assert_eq!((status, cookie_of(&head)), (101, None));
    let mut stranger = town.stranger_with(&[("cookie", &cookie)]).await;
    stranger.writes(json!({"id": "1", "type": "authenticate"})).await;
    assert_eq!(stranger.hears().await["error"]["code"], "unauthenticated");
}

#[tokio::test]
async fn whoever_came_with_a_token_comes_back_with_the_cookie_alone() {
    let town = school().await;
    let (alice, bob) = (town.person("alice").await, town.absent("bob").await);
    let room = alice.opens_room("Classe 3B").await;
    alice.adds(&bob, &room).await;
    let (status, head) = shake(&town, &format!("?token={}", bob.tokens().access), &[ORIGIN]).await;
    assert_eq!(status, 101);
    let (value, attributes) = cookie_of(&head).unwrap();
    assert_eq!(attributes, "Path=/; HttpOnly; SameSite=Lax", "no page can read it, and it ends with the browser");
    let cookie = ("cookie", format!("theme=dark; sessionid={value}; csrftoken=x"));
    let cookie = (cookie.0, cookie.1.as_str());
    // Only a page of the school comes back with it, and is given no other one.
    let (status, head) = shake(&town, "", &[cookie, ORIGIN]).await;
    assert_eq!((status, cookie_of(&head)), (101, None));
    let mut back = town.socket_at(town.dreametrix(), "/ws/chat/", &[cookie, ORIGIN]).await.unwrap();
    assert_eq!(back.hears().await["data"]["user_id"], bob.id());
    alice.says(&room, "welcome back").await;
    assert_eq!(message(&mut back).await.0, "welcome back");
    for origin in [None, Some("https://evil.example.org"), Some("null"), Some("https://school.example.org.evil.com")] {
        let headers: Vec<(&str, &str)> = origin.map(|o| ("origin", o)).into_iter().chain([cookie]).collect();
        let (status, head) = shake(&town, "", &headers).await;
        assert_eq!(status, 403, "{origin:?}: {head}");
        let common = town.handshake_at(town.address(), "/ws/chat/", &headers).await.0;
        assert_eq!(common, 403, "{origin:?}");
    }
    // It is no token, wherever a token may stand, at any door.
    let bearer = format!("Bearer {value}");
    assert_eq!(shake(&town, &format!("?token={value}"), &[ORIGIN]).await.0, 401);
    assert_eq!(shake(&town, "", &[("authorization", &bearer), ORIGIN]).await.0, 401);
    assert_eq!(town.handshake(&[("authorization", &bearer)]).await.0, 401);
    assert_eq!(rest(&town).ask("GET", "/chats/rooms/", Some(&value), &Value::Null).await.status, 401);
    town.rest().ask("GET", "/v1/users/me", Some(&value), &Value::Null).await.refused(401, "unauthenticated");
    // A forged one is none.
    for bad in [format!("{}x", &value[..value.len() - 1]), "nonsense".into()] {
        let cookie = format!("sessionid={bad}");
        assert_eq!(shake(&town, "", &[("cookie", &cookie), ORIGIN]).await.0, 401, "{bad}");
    }
    // A token that a page has put into the cookie itself is as good as in its place; a refresh token is not.
    for (token, status) in [(bob.tokens().access, 101), (bob.tokens().refresh, 401)] {
        let cookie = format!("sessionid={token}");
        assert_eq!(shake(&town, "", &[("cookie", &cookie), ORIGIN]).await.0, status);
    }
    // A good token beside a worn out cookie opens all the same, and the other way round.
    let token = format!("?token={}", bob.tokens().access);
    assert_eq!(shake(&town, &token, &[("cookie", "sessionid=old"), ORIGIN]).await.0, 101);
    assert_eq!(shake(&town, "?token=old", &[cookie, ORIGIN]).await.0, 101);
    // Requests: a reading one needs no origin, since no other page could read the answer; a changing one does.
    let ask = async |method: &str, headers: &[(&str, &str)]| {
        let body = json!({"chat_room_id": room.id, "content": "by cookie"});
        let body = if method == "POST" { body } else { Value::Null };
        let path = format!("/chats/messages/?chat={}", room.id);
        rest(&town).ask_with(method, &path, None, &body, headers).await.status
    };
    let foreign = ("origin", "https://evil.example.org");
    assert_eq!((ask("GET", &[cookie]).await, ask("GET", &[cookie, foreign]).await), (200, 403));
    assert_eq!((ask("POST", &[cookie]).await, ask("POST", &[cookie, foreign]).await), (403, 403));
    assert_eq!(ask("POST", &[cookie, ORIGIN]).await, 201);
    assert_eq!(message(&mut back).await.0, "by cookie");
    alice.hears("bob joins").await;
    alice.hears("bob: by cookie").await;
    let secrets = [value, bob.tokens().access];
    assert!(!town.log().iter().any(|line| secrets.iter().any(|secret| line.contains(secret))), "they are in the log");
}

#[tokio::test]
async fn behind_a_proxy_that_speaks_tls_the_cookie_is_for_tls_alone() {
    for (proxies, secure) in [("127.0.0.1", true), ("10.0.0.0/8", false)] {
        let flags = vec![("--trusted-proxies", "server.trusted_proxies", proxies.to_owned())];
        let loaded = merge(&Sources { flags, ..Sources::default() }).unwrap();
        let town = Town::with(|config| config.server.trusted_proxies = loaded.config.server.trusted_proxies).await;
        let query = format!("?token={}", town.absent("bob").await.tokens().access);
        let (_, head) = shake(&town, &query, &[("x-forwarded-proto", "https")]).await;
        assert_eq!(cookie_of(&head).unwrap().1.ends_with("; Secure"), secure, "{head}");
    }
}

#[tokio::test]
async fn the_end_of_a_session_is_the_end_of_its_cookie_and_its_sockets() {
    let town = school().await;
    let admin = town.admin("ann").await;
    let (alice, bob) = (town.absent("alice").await, town.absent("bob").await);
    for (person, code) in [(&alice, 4501), (&bob, 4502)] {
        let token = format!("?token={}", person.tokens().access);
        let cookie = cookie_of(&shake(&town, &token, &[]).await.1).unwrap().0;
        let cookie = format!("sessionid={cookie}");
        let headers = [("cookie", cookie.as_str()), ORIGIN];
        let mut by_token = client(&town, person).await;
        let mut by_cookie = town.socket_at(town.dreametrix(), "/ws/chat/", &headers).await.unwrap();
        if code == 4501 {
            assert_eq!(person.requests("DELETE", "/v1/sessions/current", Value::Null).await.status, 204);
        } else {
            admin.asks("user.active", json!({"user": person.id(), "active": false})).await.granted();
        }
        assert_eq!(by_token.is_sent_away().await.0, code);
        assert_eq!(by_cookie.is_sent_away().await.0, code);
        assert_eq!(shake(&town, "", &headers).await.0, 401);
        assert_eq!(shake(&town, &token, &[]).await.0, 401);
        let answer = rest(&town).ask_with("GET", "/chats/rooms/", None, &Value::Null, &headers).await;
        assert_eq!(answer.status, 401);
        let answer = rest(&town).ask("GET", "/chats/rooms/", Some(&person.tokens().access), &Value::Null).await;
        assert_eq!(answer.status, 401);
    }
}

#[tokio::test]
async fn a_page_of_elsewhere_is_refused_whatever_it_brings() {
    let town = school().await;
    let bob = town.absent("bob").await;
    let token = bob.tokens().access;
    let (query, bearer) = (format!("?token={token}"), format!("Bearer {token}"));
    for bad in ["https://evil.example.org", "null", "http://school.example.org", "https://school.example.org:8443"] {
        for door in [town.dreametrix(), town.address()] {
            let path = format!("/ws/chat/{query}");
            assert_eq!(town.handshake_at(door, &path, &[("origin", bad)]).await.0, 403, "{bad}");
            let headers = [("origin", bad), ("authorization", bearer.as_str())];
            assert_eq!(town.handshake_at(door, "/ws/chat/", &headers).await.0, 403, "{bad}");
        }
        assert_eq!(shake(&town, "", &[("origin", bad)]).await.0, 403, "{bad}");
        let answer = rest(&town).ask_with("GET", "/chats/rooms/", Some(&token), &Value::Null, &[("origin", bad)]).await;
        assert_eq!(answer.header("access-control-allow-origin"), None, "{bad}");
    }
    // Programs name no origin; the school's page is welcome, and its browser may send and read everything.
    assert_eq!(shake(&town, &query, &[]).await.0, 101);
    assert_eq!(shake(&town, &query, &[ORIGIN]).await.0, 101);
    let asks = [ORIGIN, ("access-control-request-method", "PATCH")];
    let answer = rest(&town).ask_with("OPTIONS", "/chats/messages/1/", None, &Value::Null, &asks).await;
    assert_eq!(answer.status, 204);
    assert_eq!(answer.header("access-control-allow-origin"), Some(PAGE));
    assert_eq!(answer.header("access-control-allow-credentials"), Some("true"));
    assert!(answer.header("access-control-allow-methods").unwrap().contains("PATCH"));
}

#[tokio::test]
async fn where_somebody_works_on_it_the_old_pages_are_welcome_without_being_named() {
    for (deployment, named, status) in [
        (Deployment::Development, vec![], 101),
        (Deployment::Development, vec![PAGE.to_owned()], 403),
        (Deployment::Production, vec![], 403),
    ] {
        let town = Town::with(|config| {
            config.server.environment = deployment;
            config.server.allowed_origins = named;
        })
        .await;
        let query = format!("?token={}", town.absent("bob").await.tokens().access);
        for page in ["http://localhost:3000", "http://127.0.0.1:8000"] {
            assert_eq!(shake(&town, &query, &[("origin", page)]).await.0, status, "{page} {deployment:?}");
        }
        assert_eq!(town.turned_away(&[("origin", "http://localhost:3000")]).await, 403, "at our own door it is not");
    }
}

#[tokio::test]
async fn a_guests_cookie_lives_no_longer_than_the_hosts_token() {
    let town = Town::with(|config| {
        of_school(config);
        config.auth.jwt_secret = Some(Secret::new("between the school and its host: 77aa"));
        config.auth.host_create_users = true;
    })
    .await;
    let token = |exp: u64| {
        let claims = json!({"user_id": 77, "username": "alice", "role": "super_admin", "exp": exp});
        host_token_signed(&claims, "between the school and its host: 77aa")
    };
    // A minute's difference of clocks is forgiven; this one has little more than a second to live.
    let short = token(now() - 58);
    let cookie = cookie_of(&shake(&town, &format!("?token={short}"), &[]).await.1).unwrap().0;
    let cookie = format!("sessionid={cookie}");
    let headers = [("cookie", cookie.as_str()), ORIGIN];
    assert_eq!(shake(&town, "", &headers).await.0, 101);
    tokio::time::sleep(Duration::from_millis(3_100)).await;
    assert_eq!(shake(&town, "", &headers).await.0, 401);
    assert_eq!(shake(&town, &format!("?token={}", token(now() + 60)), &[]).await.0, 101);
}

/// Writes a whole request before it reads, as simple clients do; the answer's status.
async fn writes_then_reads(town: &Town, token: &str, body: &str) -> Option<u16> {
    let mut stream = TcpStream::connect(town.dreametrix()).await.unwrap();
    let head = format!(
        "POST /chats/messages/create/ HTTP/1.1\r\nhost: school\r\nauthorization: Bearer {token}\r\n\
         content-type: multipart/form-data; boundary=PALABRE\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.ok()?;
    stream.write_all(body.as_bytes()).await.ok()?;
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.ok()?;
    std::str::from_utf8(&answer).ok()?.split(' ').nth(1)?.parse().ok()
}

/// Makes a request whose body is a form in parts, as the web client sends them; what has a file's name is a file.
async fn sends_form(town: &Town, method: &str, path: &str, token: &str, fields: &[(&str, &str, &str)]) -> Answer {
    let part = |(name, file, value): &(&str, &str, &str)| {
        let file = if file.is_empty() { String::new() } else { format!("; filename=\"{file}\"") };
        format!("--PALABRE\r\ncontent-disposition: form-data; name=\"{name}\"{file}\r\n\r\n{value}\r\n")
    };
    let body = fields.iter().map(part).chain(["--PALABRE--\r\n".to_owned()]).collect();
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str()), ("content-type", "multipart/form-data; boundary=PALABRE")];
    rest(town).ask_raw(method, path, &headers, body).await
}

#[tokio::test]
async fn rooms_are_made_listed_changed_and_left_as_forms_and_as_json() {
    let town = Town::opens().await;
    let (alice, bob, cid) = (town.person("alice").await, town.person("bob").await, town.absent("cid").await);
    let token = alice.tokens().access;
    let ask = async |who: &Person, method: &str, path: &str, body: Value| {
        rest(&town).ask(method, path, Some(&who.tokens().access), &body).await
    };
    let (bobs, cids) = (bob.id().to_string(), cid.id().to_string());
    let fields = [
        ("name", "", "Classe 3B"),
        ("details", "", "Devoirs d'été"),
        ("is_group", "", "true"),
        ("is_deleted", "", "false"),
        ("extra_data", "", ""),
        ("participants", "", bobs.as_str()),
        ("participants", "", cids.as_str()),
        ("initial_message", "", "Bienvenue !"),
    ];
    let mut b = client(&town, &bob).await;
    let made = sends_form(&town, "POST", "/chats/rooms/create/", &token, &fields).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let room = Room { id: made.body["id"].as_i64().unwrap() };
    assert_eq!(made.body["uuid"], uuid(1, room.id));
    assert_eq!((&made.body["name"], &made.body["details"]), (&json!("Classe 3B"), &json!("Devoirs d'été")));
    assert_eq!(made.body["last_message"]["content"], "Bienvenue !");
    assert_eq!(made.body["participant_ids_cache"].as_array().map(Vec::len), Some(3));
    let told = heard_by_now(&mut b).await;
    assert!(told.iter().any(|frame| frame["data"]["room"]["name"] == "Classe 3B"), "{told:?}");
    assert!(told.iter().any(|frame| frame["data"]["content"] == "Bienvenue !"), "{told:?}");
    bob.hears("added to Classe 3B").await;
    // The same as plain and as wrapped JSON; a pair has one conversation, which is named after the other.
    let direct = ask(&alice, "POST", "/chats/rooms/", json!({"participants": [bob.id()]})).await;
    assert_eq!((direct.status, &direct.body["name"]), (201, &json!("bob")), "{}", direct.text);
    assert_eq!((&direct.body["room_type"], &direct.body["is_group"]), (&json!("private"), &json!(false)));
    let wrapped = json!({"data": {"participants": [bob.id()], "is_group": false}});
    let again = ask(&alice, "POST", "/chats/rooms/", wrapped).await;
    assert_eq!((again.status, &again.body["id"]), (201, &direct.body["id"]));
    let wrapped = json!({"data": {"name": "Seule", "is_group": true}});
    assert_eq!(ask(&alice, "POST", "/chats/rooms/", wrapped).await.status, 201);
    let list = ask(&alice, "GET", "/chats/rooms/?limit=2", Value::Null).await.granted();
    assert_eq!((&list["count"], list["results"].as_array().map(Vec::len)), (&json!(3), Some(2)));
    let next_page = list["next"].as_str().unwrap();
    let path = next_page.strip_prefix(&format!("http://{}", town.dreametrix())).unwrap();
    let list = ask(&alice, "GET", path, Value::Null).await.granted();
    assert_eq!((&list["next"], list["results"].as_array().map(Vec::len)), (&Value::Null, Some(1)));
    let found = ask(&alice, "GET", "/chats/rooms/?name=classe&details=d%C3%A9t", Value::Null).await.granted();
    assert_eq!(found["count"], 0);
    let found = ask(&alice, "GET", "/chats/rooms/?name=classe&details=%C3%A9t&school=4", Value::Null).await.granted();
    assert_eq!((&found["count"], &found["results"][0]["id"]), (&json!(1), &json!(room.id)));
    // By its number and by its uuid, with its messages, whose sender is a number here.
    let seen = ask(&bob, "GET", &format!("/chats/rooms/{}/", uuid(1, room.id)), Value::Null).await.granted();
    assert_eq!(seen["mmessages"][0]["sender"], alice.id());
    assert_eq!((&seen["mmessages"][0]["content"], &seen["unread_count"]), (&json!("Bienvenue !"), &json!(1)));
    // Read marks.
    let mark = format!("/chats/rooms/{}/mark_as_read/", room.id);
    assert_eq!(ask(&bob, "POST", &mark, Value::Null).await.granted(), json!({"success": true}));
    let seen = ask(&bob, "GET", &format!("/chats/rooms/{}/", room.id), Value::Null).await.granted();
    assert_eq!(seen["unread_count"], 0);
    // Only who may changes it.
    let path = format!("/chats/rooms/{}/", room.id);
    let hall = alice.opens_room("hall").await;
    bob.joins(&hall).await;
    let bobs_try = ask(&bob, "PATCH", &format!("/chats/rooms/{}/", hall.id), json!({"name": "mine"})).await;
    assert_eq!(bobs_try.status, 403, "{}", bobs_try.text);
    let changed = sends_form(&town, "PUT", &path, &token, &[("name", "", "Classe 4B"), ("details", "", "")]).await;
    assert_eq!((changed.status, &changed.body["name"]), (200, &json!("Classe 4B")), "{}", changed.text);
    assert_eq!(changed.body["details"], "");
    let told = heard_by_now(&mut b).await;
    assert!(told.iter().any(|frame| frame["data"]["room"]["name"] == "Classe 4B"), "{told:?}");
    // Deleting it is leaving it: the others keep it.
    assert_eq!(ask(&alice, "DELETE", &path, Value::Null).await.status, 204);
    assert_eq!(ask(&alice, "GET", &path, Value::Null).await.status, 404);
    assert_eq!(ask(&bob, "GET", &path, Value::Null).await.status, 200);
    let path = format!("/chats/rooms/{}/", direct.body["id"]);
    assert_eq!(ask(&alice, "DELETE", &path, Value::Null).await.status, 204);
    assert_eq!(ask(&alice, "GET", "/chats/rooms/", Value::Null).await.granted()["count"], 2);
    assert_eq!(ask(&bob, "DELETE", "/chats/rooms/", Value::Null).await.status, 405);
    assert_eq!(ask(&bob, "GET", "/chats/nowhere/", Value::Null).await.status, 404);
    // What all this came to is the same at the new door.
    bob.says(&room, "only two of us").await;
    alice.does_not_see(&room).await;
}

#[tokio::test]
async fn messages_are_sent_read_changed_and_deleted_as_forms_and_as_json() {
    let town = Town::opens().await;
    let (alice, bob) = (town.person("alice").await, town.person("bob").await);
    let token = alice.tokens().access;
    let room = alice.opens_group(&[&bob]).await;
    let ask = async |who: &Person, method: &str, path: &str, body: Value| {
        rest(&town).ask(method, path, Some(&who.tokens().access), &body).await
    };
    let mut b = client(&town, &bob).await;
    bob.hears("added to it").await;
    let name = uuid(1, room.id);
    let number = room.id.to_string();
    for (fields, words) in [
        (vec![("chat_room_id", "", name.as_str()), ("content", "", "Bonjour, l'été")], "Bonjour, l'été"),
        (vec![("chat_room_id", "", name.as_str()), ("content", "", ""), ("emoji", "", "😀")], "😀"),
        (vec![("chat", "", number.as_str()), ("content", "", "sans pièce"), ("attachment", "", "")], "sans pièce"),
    ] {
        let sent = sends_form(&town, "POST", "/chats/messages/create/", &token, &fields).await;
        assert_eq!((sent.status, &sent.body["content"]), (201, &json!(words)), "{}", sent.text);
        assert_eq!(sent.body["sender"]["username"], "alice");
        let data = next(&mut b, "message").await["data"].clone();
        assert_eq!((&data["id"], &data["uuid"]), (&sent.body["id"], &sent.body["uuid"]));
        bob.hears(&format!("alice: {words}")).await;
    }
    for body in [
        json!({"chat_room_id": room.id, "content": "four", "message_type": "text"}),
        json!({"data": {"chat": room.id, "content": "five", "message_type": "image"}}),
    ] {
        assert_eq!(ask(&alice, "POST", "/chats/messages/", body).await.status, 201);
        next(&mut b, "message").await;
    }
    // A page of them, the newest first; the sender is a person here.
    let page = |limit: i64, offset: i64| format!("/chats/messages/?chat={name}&limit={limit}&offset={offset}");
    let contents = |page: &Value| {
        let all = page["results"].as_array().unwrap();
        all.iter().map(|m| m["content"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let first = ask(&bob, "GET", &page(2, 0), Value::Null).await.granted();
    assert_eq!((&first["count"], contents(&first)), (&json!(5), vec!["five".to_owned(), "four".to_owned()]));
    assert_eq!(first["results"][0]["sender"]["id"], alice.id());
    assert_eq!(first["results"][0]["message_type"], "image");
    let last = ask(&bob, "GET", &page(2, 4), Value::Null).await.granted();
    assert_eq!((&last["next"], contents(&last)), (&Value::Null, vec!["Bonjour, l'été".to_owned()]));
    // What has become of one: sent, then read by all others.
    let id = first["results"][0]["id"].as_i64().unwrap();
    let path = format!("/chats/messages/{id}/");
    assert_eq!(ask(&alice, "GET", &path, Value::Null).await.granted()["status"], "sent");
    ask(&bob, "POST", &format!("/chats/rooms/{number}/mark_as_read/"), Value::Null).await.granted();
    let by_uuid = format!("/chats/messages/{}/", uuid(2, id));
    assert_eq!(ask(&alice, "GET", &by_uuid, Value::Null).await.granted()["status"], "read");
    alice.notices("bob has read 6").await;
    // Only the author changes it; deleted, it is in no list.
    assert_eq!(ask(&bob, "PATCH", &path, json!({"content": "mine"})).await.status, 403);
    let changed = ask(&alice, "PUT", &path, json!({"data": {"content": "5"}})).await.granted();
    assert_eq!(changed["content"], "5");
    bob.hears("alice: four").await;
    bob.hears("alice: five").await;
    bob.hears("alice edits: 5").await;
    assert_eq!(next(&mut b, "room_update").await["data"]["message"]["content"], "5");
    assert_eq!(ask(&bob, "DELETE", &path, Value::Null).await.status, 403);
    assert_eq!(ask(&alice, "DELETE", &path, Value::Null).await.status, 204);
    assert_eq!(next(&mut b, "room_update").await["data"]["message"]["is_deleted"], true);
    assert_eq!(ask(&alice, "GET", &page(2, 0), Value::Null).await.granted()["count"], 4);
    let gone = ask(&alice, "GET", &path, Value::Null).await.granted();
    assert_eq!((&gone["is_deleted"], &gone["content"]), (&json!(true), &json!("")));
    assert_eq!(alice.knows(&room).len(), 5);
}

#[tokio::test]
async fn a_file_is_refused_as_not_kept_here_however_large_it_is() {
    let town = Town::opens().await;
    let (alice, bob) = (town.person("alice").await, town.absent("bob").await);
    let room = alice.opens_group(&[&bob]).await;
    let (token, name) = (alice.tokens().access, uuid(1, room.id));
    for size in [1, 60_000, 70_000, 10 << 20] {
        let file = "x".repeat(size);
        for (path, field) in [
            ("/chats/messages/create/", "attachment"),
            ("/chats/messages/create/", "voice_note"),
            ("/chats/messages/", "anything"),
        ] {
            let fields =
                [("chat_room_id", "", name.as_str()), ("content", "", "look"), (field, "photo.jpg", file.as_str())];
            let answer = sends_form(&town, "POST", path, &token, &fields).await;
            assert_eq!(answer.status, 501, "{size} {field}: {}", answer.text);
            assert_eq!(answer.body["detail"], answer.body["message"]);
            assert!(answer.body["detail"].as_str().unwrap().starts_with("Files"), "{}", answer.text);
        }
    }
    // Also to those who read the answer only when they have written everything.
    let head = "--PALABRE\r\ncontent-disposition: form-data; name=\"attachment\"; filename=\"photo.jpg\"\r\n\r\n";
    for size in [70_000, 10 << 20] {
        let body = format!("{head}{}\r\n--PALABRE--\r\n", "x".repeat(size));
        assert_eq!(writes_then_reads(&town, &token, &body).await, Some(501), "{size}");
    }
    let body = json!({"chat_room_id": room.id, "content": "look", "attachment": "data:image/png;base64,AAAA"});
    assert_eq!(rest(&town).ask("POST", "/chats/messages/", Some(&token), &body).await.status, 501);
    // Nothing of it was said: a message without its attachment would be another message.
    assert_eq!(alice.knows(&room), []);
    // Text that is too much is too large, not a file.
    let long = "x".repeat(70_000);
    let fields = [("chat_room_id", "", name.as_str()), ("content", "", long.as_str())];
    let answer = sends_form(&town, "POST", "/chats/messages/create/", &token, &fields).await;
    assert_eq!(answer.status, 413, "{}", answer.text);
    alice.says(&room, "words alone").await;
}

#[tokio::test]
async fn what_cannot_be_understood_is_refused_in_words_and_the_connection_lives() {
    let town = Town::opens().await;
    let alice = town.person("alice").await;
    let room = alice.opens_room("Classe 3B").await;
    let mut a = client(&town, &alice).await;
    let say = |content: &str| format!(r#"{{"type":"send_message","room_id":{},"content":{content}}}"#, room.id);
    let nested = format!("{}1{}", r#"{"a":"#.repeat(10_000), "}".repeat(10_000));
    let big = format!(r#"{{"type":"ping","data":{{}}}}{}"#, " ".repeat(70_000));
    for (frame, words) in [
        (String::new(), "Invalid JSON"),
        ("{".into(), "Invalid JSON"),
        ("hello".into(), "Invalid JSON"),
        ("\u{feff}{}".into(), "Invalid JSON"),
        (r#"{"type":"ping"} x"#.into(), "Invalid JSON"),
        ("[]".into(), "The input must be a JSON object."),
        ("5".into(), "The input must be a JSON object."),
        ("null".into(), "The input must be a JSON object."),
        ("{}".into(), "type is missing."),
        (r#"{"type":5}"#.into(), "type must be"),
        (r#"{"type":{"type":"ping"}}"#.into(), "type must be"),
        (r#"{"data":{"type":"ping"}}"#.into(), "type is missing."),
        (r#"{"type":"fly"}"#.into(), "Unknown message type"),
        (r#"{"type":"Ping"}"#.into(), "Unknown message type"),
        (r#"{"type":"join_room"}"#.into(), "room_id is missing."),
        (r#"{"type":"join_room","room_id":null}"#.into(), "room_id is missing."),
        (r#"{"type":"join_room","room_id":-1}"#.into(), "room_id must be"),
        (r#"{"type":"join_room","room_id":1.5}"#.into(), "room_id must be"),
        (r#"{"type":"join_room","room_id":9007199254740993}"#.into(), "room_id must be"),
        (r#"{"type":"join_room","room_id":1e999}"#.into(), "room_id must be"),
        (r#"{"type":"join_room","room_id":true}"#.into(), "room_id must be"),
        (r#"{"type":"join_room","room_id":"room_1"}"#.into(), "room_id must be"),
        (r#"{"type":"join_room","room_id":[1]}"#.into(), "room_id must be"),
        (r#"{"type":"join_room","data":[]}"#.into(), "data must be an object."),
        (r#"{"type":"typing","data":{"room_id":1}}"#.into(), "is_typing is missing."),
        (r#"{"type":"typing","data":{"room_id":1,"is_typing":"yes"}}"#.into(), "is_typing must be"),
        (r#"{"type":"user_status","status":"happy"}"#.into(), "status must be one of"),
        (r#"{"type":"user_status","status":7}"#.into(), "status must be"),
        (r#"{"type":"user_status"}"#.into(), "status is missing."),
        (format!(r#"{{"type":"send_message","room_id":{}}}"#, room.id), "content is missing."),
        (r#"{"type":"send_message","content":"x"}"#.into(), "room_id is missing."),
        (say("5"), "content must be"),
        (say("null"), "content is missing."),
        (say("[\"x\"]"), "content must be"),
        (say("\"\""), "content must"),
        (say(r#""nul \u0000""#), "content must be a text without NUL"),
        (say(r#""\ud800""#), "content must be"),
        (say(r#""\udc00\ud800""#), "content must be"),
        (say(&format!("\"{}\"", "x".repeat(2_001))), "content must have at most 2000"),
        (say(&format!("\"{}\"", "é".repeat(30_000))), "content must have at most 2000"),
        (format!("{}{}", "[".repeat(30_000), "]".repeat(30_000)), "The input must be a JSON object."),
        (nested[..50_000].to_owned(), "Invalid JSON"),
        (nested.clone(), "type is missing."),
        (format!(r#"{{"type":{nested}}}"#), "type must be"),
        (say(&nested), "content must be"),
        (format!(r#"{{"type":"join_room","data":{nested}}}"#), "room_id is missing."),
        (big.clone(), "A frame may have at most 65536 bytes."),
        (say(&format!("\"{}\"", "x".repeat(300_000))), "A frame may have at most 65536 bytes."),
    ] {
        a.writes(&frame).await;
        let said = refused(&mut a).await;
        let shown: String = frame.chars().take(90).collect();
        assert!(said.starts_with(words), "{shown}: {said}");
    }
    // A field that is given twice counts as it did: the last one. So does the longest text.
    let twice = format!(r#"{{"type":"send_message","room_id":"x","room_id":{},"content":"once"}}"#, room.id);
    a.writes(twice).await;
    assert_eq!(message(&mut a).await.0, "once");
    let longest = "é".repeat(2_000);
    a.writes(json!({"type": "send_message", "room_id": room.id, "content": longest})).await;
    assert_eq!(message(&mut a).await.0, longest);
    a.writes(say(r#""\ud83d\ude00""#)).await;
    assert_eq!(message(&mut a).await.0, "😀");
    hears_nothing_more(&mut a).await;
    assert_eq!(alice.knows(&room).len(), 3);
    alice.says(&room, "still here").await;
}

#[tokio::test]
async fn a_request_that_cannot_be_understood_is_refused_by_field_as_forms_want_it() {
    let town = Town::opens().await;
    let (alice, bob) = (town.person("alice").await, town.absent("bob").await);
    let room = alice.opens_group(&[&bob]).await;
    let token = alice.tokens().access;
    let bearer = format!("Bearer {token}");
    let said = alice.says(&room, "hello").await;
    let (here, it) = (format!("/chats/rooms/{}/", room.id), format!("/chats/messages/{}/", said.id));
    let rooms = "/chats/rooms/";
    let messages = "/chats/messages/";
    let send = |content: &str| format!(r#"{{"chat":{},"content":{content}}}"#, room.id);
    let long = format!("\"{}\"", "x".repeat(2_001));
    let named = format!(r#"{{"name":"{}","is_group":true}}"#, "x".repeat(101));
    let deep = format!("{}{}", "[".repeat(30_000), "]".repeat(30_000));
    for (method, path, body, status, field) in [
        ("POST", messages, "{".to_owned(), 400, ""),
        ("POST", messages, "[]".into(), 422, ""),
        ("POST", messages, deep.clone(), 422, ""),
        ("POST", messages, format!(r#"{{"chat":{deep}}}"#), 422, "chat"),
        ("POST", messages, " ".repeat(70_000), 413, ""),
        ("POST", messages, send(&format!("\"{}\"", "x".repeat(66_000))), 413, ""),
        ("POST", messages, "{}".into(), 422, "chat_room_id"),
        ("POST", messages, r#"{"chat":"here","content":"x"}"#.into(), 422, "chat"),
        ("POST", messages, r#"{"chat_room_id":-1,"content":"x"}"#.into(), 422, "chat_room_id"),
        ("POST", messages, format!(r#"{{"chat":{}}}"#, room.id), 422, "content"),
        ("POST", messages, send("5"), 422, "content"),
        ("POST", messages, send("\"\""), 422, "content"),
        ("POST", messages, send(r#""a\u0000b""#), 422, "content"),
        ("POST", messages, send(r#""\ud800""#), 422, "content"),
        ("POST", messages, send(&long), 422, "content"),
        ("POST", messages, send(r#""x","message_type":"song""#), 422, "message_type"),
        ("PATCH", &it, "{}".into(), 422, "content"),
        ("PATCH", &it, r#"{"content":"\u0000"}"#.into(), 422, "content"),
        ("PUT", &it, format!(r#"{{"content":{long}}}"#), 422, "content"),
        ("POST", rooms, r#"{"is_group":true}"#.into(), 422, "name"),
        ("POST", rooms, r#"{"name":"n","is_group":"true"}"#.into(), 422, "is_group"),
        ("POST", rooms, named, 422, "name"),
        ("POST", rooms, "{}".into(), 422, "participants"),
        ("POST", rooms, r#"{"participants":["bob"]}"#.into(), 422, "participants"),
        ("POST", rooms, format!(r#"{{"participants":{}}}"#, bob.id()), 422, "participants"),
        ("PUT", &here, r#"{"name":7}"#.into(), 422, "name"),
        ("GET", "/chats/messages/", String::new(), 422, "chat"),
        ("GET", "/chats/messages/?chat=here", String::new(), 422, "chat"),
        ("GET", "/chats/rooms/?limit=-1", String::new(), 422, "limit"),
        ("GET", "/chats/rooms/?offset=1.5", String::new(), 422, "offset"),
        ("GET", "/chats/rooms/?name=%ff", String::new(), 400, "name"),
        ("GET", "/chats/rooms/nowhere/", String::new(), 404, ""),
        ("GET", "/chats/rooms/9007199254740993/", String::new(), 404, ""),
    ] {
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        let answer = rest(&town).ask_raw(method, path, &headers, body.clone()).await;
        let shown: String = body.chars().take(90).collect();
        assert_eq!(answer.status, status, "{method} {path} {shown}: {}", answer.text);
        assert_eq!(answer.header("content-type"), Some("application/json"));
        let detail = answer.body["detail"].as_str().unwrap();
        assert!(!detail.is_empty() && answer.body["message"] == detail, "{shown}: {}", answer.text);
        if field.is_empty() {
            assert_eq!(answer.body.get("errors"), None, "{shown}: {}", answer.text);
        } else {
            assert_eq!(answer.body["errors"][field][0], detail, "{shown}: {}", answer.text);
        }
    }
    let headers = [("authorization", bearer.as_str()), ("content-type", "text/plain")];
    assert_eq!(rest(&town).ask_raw("POST", messages, &headers, send("\"x\"")).await.status, 400);
    assert_eq!(alice.knows(&room), [Some("hello".into())]);
}

#[tokio::test]
async fn who_speaks_too_fast_or_comes_too_often_is_told_so_at_this_door_too() {
    let town = Town::with(|config| {
        config.limits.message_burst = 2;
        config.limits.messages_per_minute = 60;
        config.limits.connections_per_user = 2;
    })
    .await;
    let (alice, bob) = (town.absent("alice").await, town.absent("bob").await);
    let mut a = client(&town, &alice).await;
    let _second = client(&town, &alice).await;
    let path = format!("/ws/chat/?token={}", alice.tokens().access);
    let mut third = town.socket_at(town.dreametrix(), &path, &[]).await.unwrap();
    refused(&mut third).await;
    assert_eq!(third.is_sent_away().await.0, 4504);
    let (token, pair) = (alice.tokens().access, json!({"participants": [bob.id()]}));
    let made = rest(&town).ask("POST", "/chats/rooms/", Some(&token), &pair).await.granted();
    let room = made["id"].clone();
    let mut b = client(&town, &bob).await;
    for n in 0..3 {
        a.writes(json!({"type": "send_message", "room_id": room, "content": n.to_string()})).await;
    }
    assert_eq!((message(&mut b).await.0, message(&mut b).await.0), ("0".into(), "1".into()));
    let mut kinds = Vec::new();
    while kinds.len() < 3 {
        let frame = a.hears().await;
        match frame["type"].as_str().unwrap() {
            "message" | "error" => kinds.push(frame["type"].clone()),
            _ => {}
        }
    }
    assert_eq!(kinds.iter().filter(|kind| **kind == "error").count(), 1, "{kinds:?}");
    // The request is counted with the frames, and says when to come back.
    let body = json!({"chat": room, "content": "x"});
    let answer = rest(&town).ask("POST", "/chats/messages/", Some(&token), &body).await;
    assert_eq!((answer.status, answer.header("retry-after")), (429, Some("1")), "{}", answer.text);
    hears_nothing_more(&mut b).await;
}

#[tokio::test]
async fn the_hundredth_unreadable_frame_ends_the_connection_here_too() {
    let town = Town::opens().await;
    let alice = town.absent("alice").await;
    let mut a = client(&town, &alice).await;
    for _ in 0..99 {
        a.writes("nonsense").await;
    }
    for _ in 0..99 {
        assert_eq!(refused(&mut a).await, "Invalid JSON");
    }
    hears_nothing_more(&mut a).await;
    a.writes("nonsense").await;
    assert_eq!(a.is_sent_away().await.0, 4503);
}
