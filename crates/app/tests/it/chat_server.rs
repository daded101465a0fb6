//! The old chat-server's endpoint, as its unchanged clients use it.

use std::time::Duration;

use palabre::config::Secret;
use serde_json::{Value, json};
use testkit::{Person, Stranger, Town, host_token, host_token_signed, now};

/// A client of the old protocol with somebody's token.
async fn old_client(town: &Town, person: &Person) -> Stranger {
    let mut client = town.old_client(&format!("/?token={}", person.tokens().access), &[]).await.expect("let in");
    // The old protocol has no greeting: whoever is answered listens.
    client.writes(json!({"type": "dm_history", "with": person.id(), "limit": 1})).await;
    next(&mut client, "dm_history").await;
    client
}

/// The next frame, which must be of this type; its data.
async fn next(client: &mut Stranger, kind: &str) -> Value {
    let frame = client.hears().await;
    assert_eq!(frame["type"], kind, "{frame}");
    frame["data"].clone()
}

/// Asks for a room's history, and gives the texts.
async fn history(client: &mut Stranger, room: &str, limit: i64) -> Vec<String> {
    client.writes(json!({"type": "room_history", "room": room, "limit": limit})).await;
    let mut untyped = Vec::new();
    loop {
        let frame = client.hears().await;
        if frame["type"] == "room_history" {
            let texts = |of: &[Value]| of.iter().map(|m| m["content"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
            let all = texts(frame["data"].as_array().unwrap());
            assert_eq!(texts(&untyped), all, "once untyped, once in one frame");
            return all;
        }
        assert!(frame.get("type").is_none(), "{frame}");
        untyped.push(frame);
    }
}

#[tokio::test]
async fn the_documents_messages_are_understood_and_answered() {
    let town = Town::opens().await;
    let (alice, bob) = (town.person("alice").await, town.absent("bob").await);
    let room = alice.opens_room("general").await;
    let (mut a, mut b) = (old_client(&town, &alice).await, old_client(&town, &bob).await);
    b.writes(json!({"type": "join", "room": "general"})).await;
    assert_eq!(next(&mut b, "join_ack").await, json!({"room": "general", "status": "ok"}));
    a.writes(json!({"type": "message", "room": "general", "content": "Bonjour"})).await;
    let heard = next(&mut b, "message").await;
    assert_eq!((&heard["fromUser"], &heard["username"]), (&json!(alice.id()), &json!("alice")));
    assert_eq!((&heard["content"], &heard["room"]), (&json!("Bonjour"), &json!("general")));
    assert!(heard["id"].is_i64() && heard["timestamp"].as_str().unwrap().ends_with('Z'));
    // The sender hears it, and that it was sent.
    let mut own = [a.hears().await, a.hears().await];
    own.sort_by_key(|frame| frame["type"].as_str().map(str::to_owned));
    assert_eq!(own[0]["data"], heard);
    assert_eq!(own[1], json!({"type": "message_sent", "data": {"room": "general", "status": "ok"}}));
    assert_eq!(history(&mut b, "general", 50).await, ["Bonjour"]);
    for (frame, words) in [
        (json!({"type": "join", "room": "nowhere"}), "Room inexistante."),
        (
            json!({"type": "message", "room": "nowhere", "content": "x"}),
            "Impossible d'envoyer un message à une room inexistante.",
        ),
        (json!({"type": "dm", "to": 9_999, "content": "x"}), "Utilisateur destinataire introuvable."),
        (json!({"type": "room_history", "room": "nowhere"}), "Room inconnue."),
        (json!({"type": "dm_history", "with": 9_999}), "Utilisateur introuvable pour DM."),
    ] {
        b.writes(&frame).await;
        assert_eq!(next(&mut b, "error").await["message"], words, "{frame}");
    }
    alice.says(&room, "still here").await;
}

#[tokio::test]
async fn a_direct_message_comes_to_all_sockets_but_the_one_that_sent_it() {
    let town = Town::opens().await;
    let (alice, bob) = (town.absent("alice").await, town.absent("bob").await);
    let (mut desk, mut phone) = (old_client(&town, &alice).await, old_client(&town, &alice).await);
    let (mut bobs, mut other) = (old_client(&town, &bob).await, old_client(&town, &bob).await);
    desk.writes(json!({"type": "dm", "to": bob.id(), "content": "Salut"})).await;
    assert_eq!(next(&mut desk, "dm_sent").await, json!({"to": bob.id(), "status": "ok"}));
    for client in [&mut phone, &mut bobs, &mut other] {
        let heard = next(client, "dm").await;
        assert_eq!((&heard["fromUser"], &heard["to"]), (&json!(alice.id()), &json!(bob.id())));
        assert_eq!(heard["content"], "Salut");
    }
    bobs.writes(json!({"type": "dm", "to": alice.id(), "content": "Salut à toi"})).await;
    assert_eq!(next(&mut desk, "dm").await["content"], "Salut à toi");
    assert_eq!(next(&mut bobs, "dm_sent").await["to"], alice.id());
    // Nothing came twice: the next thing that the sender hears is this.
    desk.writes(json!({"type": "dm_history", "with": bob.id(), "limit": 50})).await;
    let page = next(&mut desk, "dm_history").await;
    let texts: Vec<_> = page.as_array().unwrap().iter().map(|m| m["content"].as_str().unwrap()).collect();
    assert_eq!(texts, ["Salut", "Salut à toi"]);
    // One of two connections may go; the other stays.
    drop(phone);
    bobs.writes(json!({"type": "dm", "to": alice.id(), "content": "encore"})).await;
    assert_eq!(next(&mut desk, "dm").await["content"], "encore");
    // To oneself it comes back.
    desk.writes(json!({"type": "dm", "to": alice.id(), "content": "pain"})).await;
    let mut own = [desk.hears().await["type"].clone(), desk.hears().await["type"].clone()];
    own.sort_by_key(|kind| kind.as_str().map(str::to_owned));
    assert_eq!(own, ["dm", "dm_sent"]);
}

#[tokio::test]
async fn histories_are_the_newest_oldest_first() {
    let town = Town::opens().await;
    let alice = town.person("alice").await;
    let room = alice.opens_room("general").await;
    let mut client = old_client(&town, &alice).await;
    assert_eq!(history(&mut client, "general", 50).await, Vec::<String>::new());
    let said = alice.says_all(&room, (0..60).map(|n| n.to_string())).await;
    for _ in 0..60 {
        next(&mut client, "message").await;
    }
    alice.edits(&said[58], "58, edited").await;
    alice.deletes(&said[59]).await;
    // Edits and deletions have no word here; the history shows what came of them.
    assert_eq!(history(&mut client, "general", 3).await, ["56", "57", "58, edited"]);
    client.writes(json!({"type": "room_history", "room": "general"})).await;
    let mut count = 0;
    while client.hears().await["type"] != "room_history" {
        count += 1;
    }
    assert_eq!(count, 50);
    assert_eq!(history(&mut client, "GENERAL", 0).await.len(), 1);
    assert_eq!(history(&mut client, "general", 5_000).await.len(), 59);
}

#[tokio::test]
async fn what_is_said_at_one_endpoint_is_heard_at_the_other() {
    let town = Town::opens().await;
    let (alice, bob) = (town.person("alice").await, town.person("bob").await);
    let room = alice.opens_room("general").await;
    let mut old = old_client(&town, &bob).await;
    // Speaking in a public room is entering it.
    old.writes(json!({"type": "message", "room": "general", "content": "from the old endpoint"})).await;
    alice.hears("bob joins").await;
    alice.hears("bob: from the old endpoint").await;
    bob.hears("added to general").await;
    let mut kinds = [old.hears().await["type"].clone(), old.hears().await["type"].clone()];
    kinds.sort_by_key(|kind| kind.as_str().map(str::to_owned));
    assert_eq!(kinds, ["message", "message_sent"]);
    let said = alice.says(&room, "from the new one").await;
    assert_eq!(next(&mut old, "message").await["content"], "from the new one");
    alice.reacts(&said, "👍").await;
    alice.types(&room).await;
    old.writes(json!({"type": "typing", "room": "general", "isTyping": true})).await;
    alice.notices("bob types").await;
    old.writes(json!({"type": "typing", "room": "general", "isTyping": false})).await;
    alice.notices("bob stops typing").await;
    let direct = alice.turns_to(&bob).await;
    alice.says(&direct, "and to you alone").await;
    let heard = next(&mut old, "dm").await;
    assert_eq!((&heard["content"], &heard["to"]), (&json!("and to you alone"), &json!(bob.id())));
    // A group has no word at this endpoint.
    let group = alice.opens_group(&[&bob]).await;
    alice.says(&group, "not at the old endpoint").await;
    assert!(old.hears_nothing(Duration::from_millis(100)).await);
    // Membership outlives the socket, until one leaves.
    drop(old);
    let mut again = old_client(&town, &bob).await;
    alice.says(&room, "welcome back").await;
    assert_eq!(next(&mut again, "message").await["content"], "welcome back");
    again.writes(json!({"type": "leave", "room": "general"})).await;
    alice.hears("bob leaves").await;
    alice.says(&room, "gone").await;
    assert!(again.hears_nothing(Duration::from_millis(100)).await);
    bob.does_not_see(&room).await;
}

#[tokio::test]
async fn private_rooms_are_not_there_for_others() {
    let town = Town::opens().await;
    let (alice, bob) = (town.person("alice").await, town.absent("bob").await);
    let room = alice.opens_private_room("secret").await;
    alice.says(&room, "hush").await;
    let mut old = old_client(&town, &bob).await;
    for frame in [
        json!({"type": "join", "room": "secret"}),
        json!({"type": "message", "room": "secret", "content": "x"}),
        json!({"type": "room_history", "room": "secret"}),
        json!({"type": "leave", "room": "secret"}),
    ] {
        old.writes(&frame).await;
        next(&mut old, "error").await;
    }
    old.writes(json!({"type": "typing", "room": "secret", "isTyping": true})).await;
    alice.says(&room, "still hushed").await;
    assert!(old.hears_nothing(Duration::from_millis(100)).await);
    // A member is at home there.
    alice.adds(&bob, &room).await;
    assert_eq!(history(&mut old, "secret", 50).await, ["hush", "still hushed"]);
}

#[tokio::test]
async fn a_token_may_stand_anywhere_and_a_bad_one_is_refused_before_there_is_a_socket() {
    let town = Town::with_a_host().await;
    let token = host_token(&json!({"user_id": 77, "username": "alice", "iat": now(), "exp": now() + 600}));
    let bearer = format!("Bearer {token}");
    for path in [
        format!("/?token={token}"),
        format!("/ws?token={token}"),
        format!("/any/path/at/all?a=1&token={token}"),
        format!("/?token={token}&b=2"),
    ] {
        assert_eq!(town.old_handshake(&path, &[]).await.0, 101, "{path}");
    }
    assert_eq!(town.old_handshake("/", &[("authorization", &bearer)]).await.0, 101);
    assert_eq!(town.old_handshake("/", &[("authorization", &token)]).await.0, 101, "without a scheme, as it was");
    let good = format!("/?token={token}");
    assert_eq!(town.old_handshake(&good, &[("authorization", "Bearer nonsense")]).await.0, 101, "one is good");
    let claims = json!({"user_id": 77, "username": "alice", "exp": now() + 600});
    for bad in [
        host_token(&json!({"user_id": 77, "username": "alice", "exp": now() - 120})),
        host_token_signed(&claims, "another secret, of which nobody knows"),
        host_token(&json!({"username": "alice", "exp": now() + 600})),
        format!("{}x", &token[..token.len() - 1]),
        format!("eyJhbGciOiJub25lIn0.{}.", token.split('.').nth(1).unwrap()),
        "nonsense".into(),
        String::new(),
    ] {
        let (status, head) = town.old_handshake(&format!("/?token={bad}"), &[]).await;
        assert_eq!(status, 401, "{bad}: {head}");
        let bearer = format!("Bearer {bad}");
        assert_eq!(town.old_handshake("/", &[("authorization", &bearer)]).await.0, 401, "{bad}");
    }
    assert_eq!(town.old_handshake("/", &[]).await.0, 401);
    assert_eq!(town.old_handshake(&format!("/?mytoken={token}"), &[]).await.0, 401);
    // On our own endpoint a token in the address is none.
    let mut stranger = town.stranger().await;
    stranger.writes(json!({"id": "1", "type": "authenticate"})).await;
    assert_eq!(stranger.hears().await["error"]["code"], "unauthenticated");
}

#[tokio::test]
async fn any_page_may_connect_unless_origins_are_configured() {
    let town = Town::opens().await;
    let alice = town.absent("alice").await;
    let path = format!("/?token={}", alice.tokens().access);
    let origin = [("origin", "https://elsewhere.example.org")];
    assert_eq!(town.old_handshake(&path, &origin).await.0, 101);
    let strict =
        Town::with(|config| config.chat_server.allowed_origins = vec!["https://chat.example.org".into()]).await;
    let alice = strict.absent("alice").await;
    let path = format!("/?token={}", alice.tokens().access);
    assert_eq!(strict.old_handshake(&path, &origin).await.0, 403);
    assert_eq!(strict.old_handshake(&path, &[("origin", "https://chat.example.org")]).await.0, 101);
}

#[tokio::test]
async fn what_the_old_server_ignored_is_refused_in_words_and_the_connection_lives() {
    let town = Town::with(|config| config.limits.message_length = 10).await;
    let alice = town.person("alice").await;
    let room = alice.opens_room("general").await;
    let mut old = old_client(&town, &alice).await;
    let say = |content: Value| json!({"type": "message", "room": "general", "content": content}).to_string();
    for frame in [
        "".to_owned(),
        "{".into(),
        "[]".into(),
        "5".into(),
        json!({"type": "fly"}).to_string(),
        json!({"type": 5}).to_string(),
        json!({"room": "general"}).to_string(),
        json!({"type": "join"}).to_string(),
        json!({"type": "join", "room": 5}).to_string(),
        json!({"type": "dm", "to": "bob", "content": "x"}).to_string(),
        json!({"type": "dm", "to": 1}).to_string(),
        say(json!(5)),
        say(json!("")),
        say(json!("nul \0")),
        say(json!("12345678901")),
        r#"{"type":"message","room":"general","content":"\ud800"}"#.into(),
    ] {
        old.writes(&frame).await;
        let words = next(&mut old, "error").await["message"].clone();
        assert!(words.as_str().is_some_and(|words| !words.is_empty()), "{frame}");
    }
    old.writes(say(json!("1234567890"))).await;
    let mut kinds = [old.hears().await["type"].clone(), old.hears().await["type"].clone()];
    kinds.sort_by_key(|kind| kind.as_str().map(str::to_owned));
    assert_eq!(kinds, ["message", "message_sent"]);
    alice.hears_themselves("alice: 1234567890").await;
    assert_eq!(alice.knows(&room), [Some("1234567890".into())]);
}

#[tokio::test]
async fn ending_a_session_ends_its_sockets_at_this_endpoint_too() {
    let town = Town::opens().await;
    let alice = town.absent("alice").await;
    let mut old = old_client(&town, &alice).await;
    assert_eq!(alice.requests("DELETE", "/v1/sessions/current", Value::Null).await.status, 204);
    assert_eq!(old.is_sent_away().await.0, 4501);
    assert_eq!(town.old_handshake(&format!("/?token={}", alice.tokens().access), &[]).await.0, 401);
}

#[tokio::test]
async fn the_pages_requests_are_answered_in_the_old_shapes() {
    let town = Town::with(|config| {
        config.auth.jwt_secret = Some(Secret::new("between the pages and the town: 9c2a"));
    })
    .await;
    let rest = testkit::Rest::to(town.chat_server());
    let registration = json!({"username": "alice", "email": "alice@example.org", "password": "under the tree"});
    let registered = rest.ask("POST", "/api/v1/auth/register", None, &registration).await;
    assert!(registered.status < 300, "{}", registered.text);
    let login = json!({"email": "alice@example.org", "password": "under the tree"});
    let answer = rest.ask("POST", "/api/v1/auth/login", None, &login).await.granted();
    assert_eq!(answer["success"], true);
    let token = answer["data"]["access_token"].as_str().unwrap();
    let get = async |path: &str| rest.ask("GET", path, Some(token), &Value::Null).await.granted();
    assert!(get("/me").await["id"].is_i64());
    let made = rest.ask("POST", "/chat/rooms", Some(token), &json!({"name": "general"})).await.granted();
    assert_eq!(made["name"], "general");
    assert_eq!(get("/chat/rooms").await[0]["name"], "general");
    assert_eq!(get("/api/v1/rooms").await["data"][0]["name"], "general");
    assert_eq!(get("/users/except-me").await, json!([]));
    assert_eq!(get("/chat/rooms/general/messages").await["messages"], json!([]));
    let wrong = json!({"email": "alice@example.org", "password": "not that"});
    assert_eq!(rest.ask("POST", "/api/v1/auth/login", None, &wrong).await.status, 401);
    for path in ["/me", "/chat/rooms", "/users/except-me", "/users/1", "/chat/dm/1"] {
        assert_eq!(rest.ask("GET", path, None, &Value::Null).await.status, 401, "{path}");
    }
}

#[tokio::test]
async fn a_session_that_ends_while_its_socket_comes_in_ends_the_socket_all_the_same() {
    let town = Town::opens().await;
    let mut came_in = 0;
    for round in 0..40 {
        let alice = town.absent(&format!("alice{round}")).await;
        let path = format!("/?token={}", alice.tokens().access);
        let coming = town.old_client(&path, &[]);
        let leaving = async {
            // At another moment of the handshake each time.
            tokio::time::sleep(Duration::from_micros(50 * round)).await;
            alice.requests("DELETE", "/v1/sessions/current", Value::Null).await
        };
        let (socket, answer) = tokio::join!(coming, leaving);
        assert_eq!(answer.status, 204);
        if let Ok(mut socket) = socket {
            came_in += 1;
            assert_eq!(socket.is_sent_away().await.0, 4501, "round {round}");
        }
    }
    assert!(came_in > 0, "nobody came in in time");
}
