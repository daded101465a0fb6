//! Everything that is countable has a limit: as many as that, and not one more. Limits that belong to one
//! noun are tested with it.

use serde_json::{Value, json};
use testkit::{Person, Stranger, Town};

#[tokio::test]
async fn the_limits_in_force_are_told() {
    let town = Town::with(|config| config.limits.message_length = 1_234).await;
    let ann = town.absent("ann").await;
    let server = town.request("GET", "/v1/server", Value::Null).await.granted();
    assert_eq!(server["limits"]["message_length"], 1_234);
    for (name, ..) in chat::Limits::TABLE {
        assert!(server["limits"][name].is_i64(), "{name} is not told");
    }
    assert_eq!(ann.comes().await["limits"], server["limits"]);
}

#[tokio::test]
async fn one_says_so_many_messages_at_once_and_not_one_more() {
    let town = Town::with(|config| {
        config.limits.message_burst = 3;
        config.limits.messages_per_minute = 60;
    })
    .await;
    let (ann, bob) = town.two("ann", "bob").await;
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    ann.says_all(&room, ["one", "two", "three"]).await;
    let draft = ann.draft(&room, "four");
    let refusal = ann.asks("message.send", draft.clone()).await.refused("rate_limited");
    let wait = refusal["retry_after_ms"].as_i64().unwrap();
    assert!((1..=1_000).contains(&wait), "{refusal}");
    // Nobody else pays for it, and other commands go on.
    bob.says(&room, "from bob").await;
    ann.asks("ping", json!({})).await.granted();
    tokio::time::sleep(std::time::Duration::from_millis(wait.unsigned_abs() + 20)).await;
    // A refused message was not stored: the same again is the first.
    assert_eq!(ann.asks("message.send", draft).await.granted()["repeated"], false);
    assert_eq!(bob.knows(&room).len(), 5);
}

#[tokio::test]
async fn an_edit_counts_as_a_message_on_sockets_over_rest_and_at_the_old_endpoints() {
    let town = Town::with(|config| {
        config.limits.message_burst = 5;
        config.limits.messages_per_minute = 1;
        config.limits.request_burst = 1_000;
    })
    .await;
    let (ann, bob) = town.two("ann", "bob").await;
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    let said = ann.says(&room, "one").await;
    ann.edits(&said, "two").await;
    let path = format!("/v1/conversations/{}/messages/{}", room.id, said.seq);
    let edit = |text: &str| json!({"text": text});
    let third = ann.requests("PATCH", &path, edit("three")).await;
    assert_eq!(third.header("x-ratelimit-bucket"), Some("messages"));
    assert_eq!(third.header("x-ratelimit-remaining"), Some("2"));
    third.granted();
    let (token, old) = (ann.tokens().access, format!("/chats/messages/{}/", said.id));
    let old_endpoint = testkit::Rest::to(town.dreametrix());
    old_endpoint.ask("PATCH", &old, Some(&token), &json!({"content": "four"})).await.granted();
    ann.says(&room, "five").await;
    // Now there is nothing left, for edits and for messages, wherever.
    let data = json!({"conversation": room.id, "seq": said.seq, "text": "six"});
    let refusal = ann.asks("message.edit", data.clone()).await.refused("rate_limited");
    assert!(refusal["retry_after_ms"].as_i64().is_some_and(|ms| ms > 1_000), "{refusal}");
    ann.requests("PATCH", &path, edit("six")).await.refused(429, "rate_limited");
    assert_eq!(old_endpoint.ask("PATCH", &old, Some(&token), &json!({"content": "six"})).await.status, 429);
    ann.asks("message.send", ann.draft(&room, "six")).await.refused("rate_limited");
    // All other commands go at the pace of requests.
    ann.reacts(&said, "👍").await;
    for words in ["ann: one", "ann edits: two", "ann edits: three", "ann edits: four", "ann: five"] {
        bob.hears(words).await;
    }
    assert_eq!(bob.knows(&room), [Some("four".to_owned()), Some("five".to_owned())]);
    // A client that goes on all the same is sent away, as with messages.
    let (mut socket, _) = socket_of(&town, &ann).await;
    for _ in 0..100 {
        socket.writes(json!({"id": "9", "type": "message.edit", "data": data})).await;
    }
    assert_eq!(socket.is_sent_away().await.0, 4009);
}

/// A socket on which somebody has asked to be let in.
async fn socket_of(town: &Town, person: &Person) -> (Stranger, Value) {
    let mut socket = town.stranger().await;
    let data = json!({"token": person.tokens().access});
    socket.writes(json!({"id": "1", "type": "authenticate", "data": data})).await;
    let answer = socket.hears().await;
    (socket, answer)
}

#[tokio::test]
async fn one_has_so_many_sockets_and_not_one_more() {
    let town = Town::with(|config| config.limits.connections_per_user = 2).await;
    let (ann, bob) = (town.absent("ann").await, town.absent("bob").await);
    let (first, answer) = socket_of(&town, &ann).await;
    assert_eq!(answer["type"], "authenticated");
    let (_second, answer) = socket_of(&town, &ann).await;
    assert_eq!(answer["type"], "authenticated");
    let (mut third, answer) = socket_of(&town, &ann).await;
    assert_eq!(answer["error"]["code"], "limit_reached");
    let (code, reason) = third.is_sent_away().await;
    assert_eq!((code, &reason["code"], &reason["retry"]), (4504, &json!("too_many_connections"), &json!(false)));
    assert_eq!(socket_of(&town, &bob).await.1["type"], "authenticated");
    // The old endpoint counts the same people.
    let path = format!("/?token={}", ann.tokens().access);
    let mut old = town.old_client(&path, &[]).await.unwrap();
    assert_eq!(old.is_sent_away().await.0, 4504);
    // A connection that ends makes room.
    drop(first);
    loop {
        if socket_of(&town, &ann).await.1["type"] == "authenticated" {
            break;
        }
    }
}

#[tokio::test]
async fn so_many_strangers_come_from_one_address_and_not_one_more() {
    let town = Town::with(|config| config.limits.unauthenticated_per_address = 2).await;
    let ann = town.absent("ann").await;
    let one = town.stranger().await;
    let mut two = town.stranger().await;
    assert_eq!(town.turned_away(&[]).await, 429);
    // With a credential in the handshake one is no stranger.
    let bearer = format!("Bearer {}", ann.tokens().access);
    assert_eq!(town.handshake(&[("authorization", &bearer)]).await.0, 101);
    // A connection that has authenticated, or has gone, makes room.
    two.writes(json!({"id": "1", "type": "authenticate", "data": {"token": ann.tokens().access}})).await;
    two.hears().await;
    let _three = town.stranger().await;
    assert_eq!(town.turned_away(&[]).await, 429);
    drop(one);
    while town.handshake(&[]).await.0 != 101 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn the_server_has_so_many_sockets_and_not_one_more() {
    let town = Town::with(|config| config.limits.connections = 2).await;
    let one = town.stranger().await;
    let _two = town.stranger().await;
    assert_eq!(town.turned_away(&[]).await, 503);
    assert_eq!(town.request("GET", "/health", Value::Null).await.status, 200);
    drop(one);
    while town.handshake(&[]).await.0 != 101 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_page_of_history_has_so_many_messages_and_not_one_more() {
    let town = Town::with(|config| config.limits.history_page = 5).await;
    let ann = town.person("ann").await;
    let room = ann.opens_room("garden").await;
    ann.says_all(&room, (0..7).map(|n| n.to_string())).await;
    let page = async |limit: i64| {
        let path = format!("/v1/conversations/{}/messages?limit={limit}", room.id);
        ann.requests("GET", &path, Value::Null).await.granted()["messages"].as_array().unwrap().len()
    };
    assert_eq!((page(4).await, page(5).await, page(6).await, page(1_000).await), (4, 5, 5, 5));
}

#[tokio::test]
async fn a_client_id_has_so_many_characters_and_not_one_more() {
    let town = Town::opens().await;
    let ann = town.person("ann").await;
    let room = ann.opens_room("garden").await;
    let send = |client_id: &str| json!({"conversation": room.id, "client_id": client_id, "text": "hello"});
    for good in ["a", &"x".repeat(64), "!~"] {
        ann.asks("message.send", send(good)).await.granted();
    }
    for bad in ["", &"x".repeat(65), "a b", "é", "a\0"] {
        let refusal = ann.asks("message.send", send(bad)).await.refused("invalid");
        assert_eq!(refusal["errors"][0]["pointer"], "/client_id", "{bad:?}");
    }
}
