//! One conversation, heard through every endpoint: what is said on any of them is heard on all, once, in one order.

use palabre::config::Config;
use serde_json::{Value, json};
use testkit::{Person, Room, Stranger, Town};

/// Five people in a public room, each at another endpoint.
struct Five {
    town: Town,
    room: Room,
    native: Person,
    sockets: Vec<(&'static str, Person, Stranger)>,
}

/// How long a frame that must not come is waited for.
const A_WHILE: std::time::Duration = std::time::Duration::from_millis(300);

impl Five {
    async fn meet() -> Self {
        let town = Town::opens().await;
        let native = town.person("nora").await;
        let room = native.opens_room("tilleul").await;
        let mut sockets = Vec::new();
        for (endpoint, name) in
            [("chat_server", "chloe"), ("dreametrix", "dora"), ("matcha", "mina"), ("gateway", "gwen")]
        {
            let person = town.absent(name).await;
            person.requests("POST", &format!("/v1/conversations/{}/join", room.id), Value::Null).await.granted();
            native.hears(&format!("{name} joins")).await;
            let (address, path) = match endpoint {
                "chat_server" => (town.chat_server(), "/"),
                "dreametrix" => (town.dreametrix(), "/ws/chat/"),
                "matcha" => (town.matcha(), "/api/v1/chat/ws"),
                _ => (town.address(), "/ws"),
            };
            let path = format!("{path}?token={}", person.tokens().access);
            let mut socket = town.socket_at(address, &path, &[]).await.expect(endpoint);
            if endpoint == "gateway" {
                socket.writes(json!({"type": "subscribe", "data": {"channel": format!("chat_{}", room.id)}})).await;
                until(&mut socket, "subscription_ack").await;
            }
            if endpoint == "matcha" {
                until(&mut socket, "connected").await;
            }
            sockets.push((endpoint, person, socket));
        }
        Self { town, room, native, sockets }
    }

    /// Says something at an endpoint, in its own words.
    async fn say(&mut self, endpoint: &str, text: &str) {
        let room = self.room.id;
        let frame = match endpoint {
            "native" => {
                self.native.says(&self.room, text).await;
                return;
            }
            "chat_server" => json!({"type": "message", "room": "tilleul", "content": text}),
            "matcha" => {
                json!({"type": "send_message", "conversation_id": room, "content": text})
            }
            "dreametrix" => json!({"type": "send_message", "room_id": room, "content": text}),
            _ => json!({"type": "send_message", "data": {"conversation_id": room.to_string(), "message": text}}),
        };
        let socket = self.sockets.iter_mut().find(|(name, ..)| *name == endpoint).expect("an endpoint");
        socket.2.writes(frame).await;
    }
}

/// The next frame of a type; presence, typing and such between are passed over.
async fn until(socket: &mut Stranger, kind: &str) -> Value {
    loop {
        let frame = socket.hears().await;
        if frame["type"] == kind {
            return frame;
        }
        assert_ne!(frame["type"], "error", "{frame}");
    }
}

/// The next message that an endpoint tells: its author, its text, its id and where it was said.
async fn hears_message(endpoint: &str, socket: &mut Stranger) -> (Value, Value, Value, Value) {
    let take = |frame: &Value, names: [&str; 4]| {
        let [author, text, id, place] = names.map(|name| frame.pointer(name).cloned().unwrap_or_default());
        (author, text, id, place)
    };
    match endpoint {
        "chat_server" => {
            let frame = until(socket, "message").await;
            take(&frame, ["/data/fromUser", "/data/content", "/data/id", "/data/room"])
        }
        "dreametrix" => {
            let frame = until(socket, "message").await;
            take(&frame, ["/data/sender", "/data/content", "/data/id", "/data/chat"])
        }
        "matcha" => {
            let frame = until(socket, "new_message").await;
            take(&frame, ["/data/sender_id", "/data/message", "/data/id", "/conversation_id"])
        }
        _ => {
            let frame = until(socket, "chat_message").await;
            take(&frame, ["/data/sender_id", "/data/message", "/data/message_id", "/data/conversation_id"])
        }
    }
}

#[tokio::test]
async fn what_is_said_at_any_endpoint_is_heard_at_all_five_once_and_in_one_order() {
    let mut five = Five::meet().await;
    let endpoints = ["native", "chat_server", "dreametrix", "matcha", "gateway"];
    let names = ["nora", "chloe", "dora", "mina", "gwen"];
    let ids: Vec<i64> =
        std::iter::once(five.native.id()).chain(five.sockets.iter().map(|(_, person, _)| person.id())).collect();
    let mut said = Vec::new();
    for round in 1..=3 {
        for ((endpoint, name), author) in endpoints.into_iter().zip(names).zip(&ids) {
            let text = format!("« {endpoint} » n° {round}, 🌳");
            five.say(endpoint, &text).await;
            if endpoint == "native" {
                five.native.hears_themselves(&format!("{name}: {text}")).await;
            } else {
                five.native.hears(&format!("{name}: {text}")).await;
            }
            said.push((*author, text));
        }
    }
    let history = format!("/v1/conversations/{}/messages", five.room.id);
    let history = five.native.requests("GET", &history, Value::Null).await.granted();
    let kept: Vec<(i64, String, i64)> = history["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| (m["author"]["id"].as_i64().unwrap(), m["text"].as_str().unwrap().into(), m["id"].as_i64().unwrap()))
        .collect();
    assert_eq!(kept.iter().map(|(by, text, _)| (*by, text.clone())).collect::<Vec<_>>(), said);
    for (endpoint, _, socket) in &mut five.sockets {
        let place = match *endpoint {
            "chat_server" => json!("tilleul"),
            "gateway" => json!(five.room.id.to_string()),
            _ => json!(five.room.id),
        };
        for (author, text, id) in &kept {
            let heard = hears_message(endpoint, socket).await;
            assert_eq!(heard, (json!(author), json!(text), json!(id), place.clone()), "{endpoint}");
        }
    }
    // Nothing is told twice: whatever is left to hear is no message.
    five.say("native", "the end").await;
    for (endpoint, _, socket) in &mut five.sockets {
        assert_eq!(hears_message(endpoint, socket).await.1, "the end", "{endpoint}");
    }
}

#[tokio::test]
async fn typing_and_reactions_are_told_where_a_endpoint_has_a_word_for_them() {
    let mut five = Five::meet().await;
    five.native.types(&five.room).await;
    let nora = five.native.id();
    for (endpoint, _, socket) in five.sockets.iter_mut().filter(|(endpoint, ..)| *endpoint != "chat_server") {
        let frame = until(socket, "typing").await;
        assert_eq!(frame["data"]["user_id"], nora, "{endpoint}");
        assert_eq!(frame["data"]["is_typing"], true, "{endpoint}");
    }
    let said = five.native.says(&five.room, "Who likes it?").await;
    five.native.reacts(&said, "👍").await;
    for (endpoint, _, socket) in
        five.sockets.iter_mut().filter(|(endpoint, ..)| matches!(*endpoint, "matcha" | "gateway"))
    {
        let frame = until(socket, "reaction_update").await;
        let data = &frame["data"];
        assert_eq!(
            (&data["user_id"], &data["emoji"], &data["action"]),
            (&json!(nora), &json!("👍"), &json!("add")),
            "{endpoint}"
        );
    }
    drop(five.town);
}

#[tokio::test]
async fn whoever_is_put_out_hears_nothing_more_at_any_endpoint() {
    let mut five = Five::meet().await;
    for at in 0..five.sockets.len() {
        let (_, person, _) = &five.sockets[at];
        let (user, room) = (person.id(), five.room.id);
        five.native.asks("member.remove", json!({"conversation": room, "user": user})).await.granted();
    }
    five.say("native", "Only for those who are still here").await;
    for (endpoint, _, socket) in &mut five.sockets {
        loop {
            let Ok(frame) = tokio::time::timeout(A_WHILE, socket.hears()).await else { break };
            assert!(!frame.to_string().contains("still here"), "{endpoint} hears {frame}");
        }
    }
    // And they cannot speak: the answer is an error in each endpoint's own form.
    for endpoint in ["chat_server", "dreametrix", "matcha", "gateway"] {
        // The old chat-server's clients enter public rooms by speaking in them.
        if endpoint != "chat_server" {
            five.say(endpoint, "let me in").await;
            let (_, _, socket) = five.sockets.iter_mut().find(|(name, ..)| *name == endpoint).unwrap();
            assert_eq!(socket.hears().await["type"], "error", "{endpoint}");
        }
    }
    assert!(!five.native.has_noticed("let me in").await);
}

/// How a town is configured, and what each endpoint then answers to each page.
type Origins = (fn(&mut Config), [(&'static str, [u16; 4]); 5]);

#[tokio::test]
async fn the_origins_of_one_endpoint_shut_and_open_no_other() {
    const SCHOOL: &str = "https://school.example.org";
    const DATES: &str = "https://dates.example.org";
    const TALAS: &str = "https://talas.example.org";
    const ANY: &str = "https://anywhere.example.org";
    let pages = [SCHOOL, DATES, TALAS, ANY];
    let cases: [Origins; 4] = [
        // An origin that is allowed everywhere opens where pages must be named, and shuts out nobody elsewhere.
        (
            |config| config.server.allowed_origins = vec![SCHOOL.into()],
            [
                ("native", [101, 403, 403, 403]),
                ("chat_server", [101, 101, 101, 101]),
                ("dreametrix", [101, 403, 403, 403]),
                ("matcha", [101, 403, 403, 403]),
                ("gateway", [101, 403, 403, 403]),
            ],
        ),
        (
            |config| config.dreametrix.allowed_origins = vec![SCHOOL.into()],
            [
                ("native", [403, 403, 403, 403]),
                ("chat_server", [101, 101, 101, 101]),
                ("dreametrix", [101, 403, 403, 403]),
                ("matcha", [403, 403, 403, 403]),
                ("gateway", [403, 403, 403, 403]),
            ],
        ),
        (
            |config| config.matcha.allowed_origins = vec![DATES.into()],
            [
                ("native", [403, 403, 403, 403]),
                ("chat_server", [101, 101, 101, 101]),
                ("dreametrix", [403, 403, 403, 403]),
                ("matcha", [403, 101, 403, 403]),
                ("gateway", [403, 101, 403, 403]),
            ],
        ),
        (
            |config| config.chat_server.allowed_origins = vec![TALAS.into()],
            [
                ("native", [403, 403, 403, 403]),
                ("chat_server", [403, 403, 101, 403]),
                ("dreametrix", [403, 403, 403, 403]),
                ("matcha", [403, 403, 403, 403]),
                ("gateway", [403, 403, 403, 403]),
            ],
        ),
    ];
    for (configure, expected) in cases {
        let town = Town::with(configure).await;
        let token = town.absent("nora").await.tokens().access;
        for (endpoint, statuses) in expected {
            let (address, path) = match endpoint {
                "native" => (town.address(), "/v1/ws".to_owned()),
                "chat_server" => (town.chat_server(), format!("/?token={token}")),
                "dreametrix" => (town.dreametrix(), format!("/ws/chat/?token={token}")),
                "matcha" => (town.matcha(), format!("/api/v1/chat/ws?token={token}")),
                _ => (town.address(), format!("/ws?token={token}")),
            };
            for (page, status) in pages.into_iter().zip(statuses) {
                let (got, head) = town.handshake_at(address, &path, &[("origin", page)]).await;
                assert_eq!(got, status, "{page} at {endpoint}, {expected:?}: {head}");
            }
        }
        // A page may read the answers of those endpoints at which it may connect, and of no others.
        for (path, endpoint) in [("/chats/rooms/", "dreametrix"), ("/api/v1/chat/conversations", "matcha")] {
            let (_, statuses) = expected.iter().find(|(name, _)| *name == endpoint).expect("an endpoint");
            for (page, status) in pages.into_iter().zip(statuses) {
                let answer = town.rest().ask_with("GET", path, Some(&token), &Value::Null, &[("origin", page)]).await;
                let shown = (*status == 101).then_some(page);
                assert_eq!(answer.header("access-control-allow-origin"), shown, "{page} {path}");
            }
        }
    }
}

#[tokio::test]
async fn whoever_shares_several_conversations_is_told_once_that_somebody_came() {
    let town = Town::opens().await;
    let (nora, dora) = (town.person("nora").await, town.absent("dora").await);
    for name in ["tilleul", "jardin", "cour"] {
        let room = nora.opens_room(name).await;
        dora.requests("POST", &format!("/v1/conversations/{}/join", room.id), Value::Null).await.granted();
        nora.hears("dora joins").await;
    }
    for (endpoint, path, presence) in
        [(town.dreametrix(), "/ws/chat/", "busy"), (town.matcha(), "/api/v1/chat/ws", "away")]
    {
        let mut socket =
            town.socket_at(endpoint, &format!("{path}?token={}", dora.tokens().access), &[]).await.expect("a socket");
        nora.is_now(presence).await;
        let mut told = 0;
        while let Ok(frame) = tokio::time::timeout(A_WHILE * 3, socket.hears()).await {
            told += i32::from(frame["data"]["user_id"] == nora.id());
        }
        assert_eq!(told, 1, "{path}");
    }
}
