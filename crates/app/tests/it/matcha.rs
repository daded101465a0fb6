//! Matcha's doors, as their unchanged clients use them: the chat service, and the gateway in front of it.

use std::time::{Duration, Instant};

use palabre::config::Deployment;
use serde_json::{Value, json};
use testkit::{Person, Rest, Room, Stranger, Town, host_token, host_token_signed, now};

const SERVICE: &str = "/api/v1/chat/ws";
const LIST: &str = "/api/v1/chat/conversations";
const SAY: &str = "/api/v1/chat/messages";

/// A socket of one of the doors. Presence is told whenever the others come and go: it is passed over here.
struct Client(Stranger);

impl Client {
    async fn writes(&mut self, frame: impl ToString) {
        self.0.writes(frame).await;
    }

    async fn hears(&mut self) -> Value {
        loop {
            let frame = self.0.hears().await;
            if frame["type"] != "presence_update" {
                return frame;
            }
        }
    }

    /// The next frame, which must be of this type.
    async fn next(&mut self, kind: &str) -> Value {
        let frame = self.hears().await;
        assert_eq!(frame["type"], kind, "{frame}");
        frame
    }

    /// The next two frames, in the order of these types, in whichever order they come.
    async fn both(&mut self, first: &str, second: &str) -> (Value, Value) {
        let (one, other) = (self.hears().await, self.hears().await);
        let (one, other) = if one["type"] == first { (one, other) } else { (other, one) };
        assert_eq!((&one["type"], &other["type"]), (&json!(first), &json!(second)), "{one} {other}");
        (one, other)
    }

    /// Has heard all there was: what was told before comes before the answer to this.
    async fn is_quiet(&mut self) {
        self.writes(json!({"type": "are you there"})).await;
        let words = self.next("error").await["data"]["message"].clone();
        assert_eq!(words, "unknown message type");
    }

    /// Writes a frame that is refused; the words, and what the gateway calls it.
    async fn is_refused(&mut self, frame: impl ToString) -> (String, String) {
        let frame = frame.to_string();
        self.writes(&frame).await;
        let shown: String = frame.chars().take(100).collect();
        let data = self.next("error").await["data"].clone();
        let text = |field: &str| data[field].as_str().unwrap_or_default().to_owned();
        assert!(!text("message").is_empty(), "{shown}");
        assert!(data["code"] == "HANDLE_ERROR" || !text("error_type").is_empty(), "{shown}: {data}");
        (text("message"), text("error_type"))
    }
}

fn bearer(person: &Person) -> String {
    format!("Bearer {}", person.tokens().access)
}

/// The chat service's socket, as the document says: with both headers.
async fn service(town: &Town, person: &Person) -> Client {
    let headers = [("authorization", &*bearer(person)), ("x-user-id", &person.id().to_string())];
    let mut client = Client(town.socket_at(town.matcha(), SERVICE, &headers).await.expect("let in"));
    let greeting = json!({"type": "connected", "data": {"user_id": person.id(), "status": "connected"}});
    assert_eq!(client.hears().await, greeting);
    client
}

/// The gateway's socket, as the web client opens it, from a page of the application.
async fn gateway(town: &Town, person: &Person) -> Client {
    let path = format!("/ws?token={}", person.tokens().access);
    let origin = format!("http://{}", town.address());
    let mut client = Client(town.socket_at(town.address(), &path, &[("origin", &origin)]).await.expect("let in"));
    let id = person.id().to_string();
    let greeting = json!({"type": "connection_ack", "data": {"status": "connected", "user_id": id}});
    assert_eq!(client.hears().await, greeting);
    client
}

/// The same, subscribed to a conversation.
async fn subscribed(town: &Town, person: &Person, room: &Room) -> Client {
    let mut client = gateway(town, person).await;
    let channel = format!("chat_{}", room.id);
    client.writes(json!({"type": "subscribe", "data": {"channel": channel}})).await;
    let frame = client.next("subscription_ack").await;
    assert_eq!((&frame["data"]["channel"], &frame["data"]["status"]), (&json!(channel), &json!("subscribed")));
    assert!(frame["data"]["timestamp"].is_i64() && frame["user_id"] == json!(person.id().to_string()), "{frame}");
    client
}

/// What the web client demands of every answer; anything else makes it throw.
#[track_caller]
fn checked(answer: testkit::Answer) -> testkit::Answer {
    assert_eq!(answer.header("content-type"), Some("application/json"), "{}: {}", answer.status, answer.text);
    assert_eq!(answer.body["success"], answer.status < 300, "{}: {}", answer.status, answer.text);
    assert_ne!(answer.status, 204);
    let words = answer.body["error"].as_str().unwrap_or_default();
    assert_eq!(words.is_empty(), answer.status < 300, "{}", answer.text);
    answer
}

/// The web client's requests.
struct Pages {
    rest: Rest,
    token: String,
}

impl Pages {
    fn of(town: &Town, person: &Person) -> Self {
        Self { rest: Rest::to(town.address()), token: person.tokens().access }
    }

    async fn gets(&self, path: &str) -> Value {
        checked(self.rest.ask("GET", path, Some(&self.token), &Value::Null).await).granted()["data"].clone()
    }

    async fn asks(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let answer = checked(self.rest.ask(method, path, Some(&self.token), &body).await);
        assert!(answer.status < 300, "{method} {path}: {}", answer.text);
        (answer.status, answer.body["data"].clone())
    }

    async fn is_refused(&self, method: &str, path: &str, body: Value) -> (u16, String) {
        let answer = checked(self.rest.ask(method, path, Some(&self.token), &body).await);
        assert!(answer.status >= 400, "{method} {path}: {}", answer.text);
        (answer.status, answer.body["error"].as_str().unwrap_or_default().to_owned())
    }

    async fn turns_to(&self, other: &Person) -> Room {
        let (status, conversation) = self.asks("POST", LIST, json!({"user_id": other.id()})).await;
        assert_eq!(status, 201);
        Room { id: conversation["id"].as_i64().expect("an id") }
    }

    async fn says(&self, room: &Room, text: &str) -> Value {
        let (status, message) = self.asks("POST", SAY, json!({"conversation_id": room.id, "message": text})).await;
        assert_eq!(status, 201);
        message
    }

    /// The messages of a conversation, newest first.
    async fn reads(&self, room: &Room, query: &str) -> Vec<Value> {
        self.gets(&format!("{LIST}/{}/messages{query}", room.id)).await.as_array().expect("a bare array").clone()
    }

    async fn unread(&self, room: &Room) -> Value {
        self.gets(&format!("{LIST}/{}", room.id)).await["unread_count"].clone()
    }
}

fn texts(messages: &[Value]) -> Vec<&str> {
    messages.iter().map(|message| message["msg"].as_str().expect("a text")).collect()
}

fn fields(object: &Value) -> Vec<&str> {
    let mut names: Vec<&str> = object.as_object().expect("an object").keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

fn is_time(value: &Value) -> bool {
    value.as_str().is_some_and(|time| time.len() == 24 && time.starts_with("20") && time.ends_with('Z'))
}

// ---- what is heard by whom -----------------------------------------------------------------------

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
    // From the new door, and from the pages.
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
    // Whoever sends without having subscribed is told that it is stored, and no more.
    phone.writes(say("from the phone")).await;
    phone.next("chat_ack").await;
    for client in [&mut desk, &mut bobs] {
        assert_eq!(client.next("chat_message").await["data"]["message"], "from the phone");
    }
    alice.says(&other, "elsewhere").await;
    bob.says(&room, "from the new door").await;
    Pages::of(&town, &bob).says(&room, "from a page").await;
    for client in [&mut desk, &mut bobs] {
        assert_eq!(client.next("chat_message").await["data"]["message"], "from the new door");
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
    let joined = json!({"status": "joined", "user_id": bob.id().to_string(), "conversation_id": room.id.to_string()});
    assert_eq!(bobs.next("connection_ack").await["data"], joined);
    assert_eq!(Pages::of(&town, &bob).unread(&room).await, 0);
    alice.says(&room, "welcome back").await;
    assert_eq!(bobs.next("chat_message").await["data"]["message"], "welcome back");
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
    // Whoever is put out hears nothing more, though the subscription was never ended.
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
    // The web client's frame does not say what it means; and it reaches the other doors.
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
        assert_eq!(frame["data"], data);
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
    // Whoever wishes is not seen; and is again.
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
async fn rooms_of_the_new_door_are_heard_and_spoken_in_but_not_listed() {
    let town = Town::opens().await;
    let (alice, bob) = town.two("alice", "bob").await;
    let room = alice.opens_room("garden").await;
    bob.joins(&room).await;
    alice.hears("bob joins").await;
    let (mut direct, mut web) = (service(&town, &bob).await, subscribed(&town, &bob, &room).await);
    let said = alice.says(&room, "under the tree").await;
    assert_eq!(direct.next("new_message").await["conversation_id"], room.id);
    assert_eq!(web.next("chat_message").await["data"]["message_id"], said.id);
    direct.writes(json!({"type": "send_message", "conversation_id": room.id, "content": "from the old door"})).await;
    alice.hears("bob: from the old door").await;
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
    assert_eq!(texts(&pages.reads(&room, "").await), ["from the old door", "over the tree"]);
    assert_eq!(pages.gets(LIST).await["conversations"], json!([]));
    let one = pages.gets(&format!("{LIST}/{}", room.id)).await;
    assert_eq!((&one["user1_id"], &one["user2_id"]), (&json!(alice.id()), &Value::Null));
    let reaction = json!({"type": "reaction_add", "message_id": mistake.id, "emoji": "👍"});
    assert_eq!(direct.is_refused(reaction).await.0, "message not found");
}

// ---- requests ------------------------------------------------------------------------------------

#[tokio::test]
async fn the_list_is_an_array_for_the_document_and_an_object_for_the_web_client() {
    let town = Town::opens().await;
    let names = json!({"username": "bob", "password": "under the tree", "first_name": "Bob", "last_name": "X"});
    let bob = town.request("POST", "/v1/accounts", names).await.granted()["user"]["id"].as_i64().unwrap();
    let (alice, carol) = (town.person("alice").await, town.person("carol").await);
    let pages = Pages::of(&town, &alice);
    let empty = json!({"conversations": [], "has_more": false, "total": 0});
    assert_eq!(pages.gets(LIST).await, empty);
    let (status, made) = pages.asks("POST", LIST, json!({"user_id": bob})).await;
    assert_eq!((status, &made["last_message_content"], &made["last_message_at"]), (201, &json!(""), &Value::Null));
    let room = pages.turns_to(&carol).await;
    assert_eq!(Pages::of(&town, &carol).turns_to(&alice).await.id, room.id, "the same for either of them");
    carol.says(&room, "Coucou").await;
    let object = pages.gets(LIST).await;
    assert_eq!((&object["has_more"], &object["total"]), (&json!(false), &json!(2)));
    let [newest, oldest] = &object["conversations"].as_array().unwrap()[..] else { panic!("{object}") };
    assert_eq!((&newest["id"], &newest["last_message"]), (&json!(room.id), &json!("Coucou")));
    assert_eq!((&newest["last_message_content"], &newest["unread_count"]), (&json!("Coucou"), &json!(1)));
    assert!(is_time(&newest["last_message_at"]) && is_time(&newest["created_at"]));
    let ids = (alice.id().min(carol.id()), alice.id().max(carol.id()));
    assert_eq!((&newest["user1_id"], &newest["user2_id"]), (&json!(ids.0), &json!(ids.1)));
    let other = json!({"id": bob, "username": "bob", "first_name": "Bob", "last_name": "X", "avatar": ""});
    assert_eq!(oldest["other_user"], other);
    let own = alice.id().to_string();
    let headers = [("x-user-id", &*own)];
    let array = pages.rest.ask_with("GET", LIST, Some(&pages.token), &Value::Null, &headers).await;
    assert_eq!(checked(array).granted()["data"], object["conversations"]);
    let part = pages.gets(&format!("{LIST}?limit=1&offset=1")).await;
    assert_eq!((&part["conversations"], &part["has_more"]), (&json!([oldest]), &json!(false)));
    assert_eq!(pages.gets(&format!("{LIST}?limit=1")).await["has_more"], true);
    for (body, status) in [
        (json!({"user_id": alice.id()}), 400),
        (json!({"user_id": 999_999}), 404),
        (json!({"user_id": "bob"}), 400),
        (json!({}), 400),
    ] {
        assert_eq!(pages.is_refused("POST", LIST, body.clone()).await.0, status, "{body}");
    }
}

#[tokio::test]
async fn messages_are_a_bare_array_newest_first_and_know_when_they_were_read() {
    let town = Town::opens().await;
    let (alice, bob) = town.two("alice", "bob").await;
    let (hers, his) = (Pages::of(&town, &alice), Pages::of(&town, &bob));
    let room = hers.turns_to(&bob).await;
    assert_eq!(hers.reads(&room, "").await, Vec::<Value>::new());
    let said = hers.says(&room, "Coucou").await;
    assert_eq!(fields(&said), ["conv_id", "id", "message", "msg", "reactions", "read_at", "sender_id", "time"]);
    assert_eq!((&said["conv_id"], &said["sender_id"]), (&json!(room.id), &json!(alice.id())));
    assert_eq!((&said["msg"], &said["message"]), (&json!("Coucou"), &json!("Coucou")));
    assert!(is_time(&said["time"]) && said["read_at"].is_null());
    assert_eq!(json!(his.reads(&room, "").await), json!([said]));
    bob.says(&room, "Salut").await;
    assert_eq!(texts(&hers.reads(&room, "").await), ["Salut", "Coucou"]);
    assert_eq!(his.unread(&room).await, 1);
    // The document's path, and the program's; each with and without the slash.
    for end in ["", "/", "/read", "/read/"] {
        hers.says(&room, "and you?").await;
        assert_ne!(his.unread(&room).await, 0, "{end}");
        assert_eq!(his.asks("PUT", &format!("{LIST}/{}{end}", room.id), Value::Null).await.0, 200);
        assert_eq!(his.unread(&room).await, 0, "{end}");
    }
    let read = hers.reads(&room, "?limit=10").await;
    assert!(
        read.iter().all(|message| is_time(&message["read_at"]) == (message["sender_id"] == alice.id())),
        "{read:?}"
    );
    bob.says(&room, "yes").await;
}

#[tokio::test]
async fn a_page_has_up_to_a_thousand_messages() {
    let town = Town::opens().await;
    let (alice, bob) = town.two("alice", "bob").await;
    let room = alice.turns_to(&bob).await;
    alice.says_all(&room, (1..=1_003).map(|n| n.to_string())).await;
    let pages = Pages::of(&town, &bob);
    let numbers = |from: i64, to: i64| (to..=from).rev().map(|n| n.to_string()).collect::<Vec<_>>();
    for (query, from, to) in [
        ("?limit=1000", 1_003, 4),
        ("?limit=5000", 1_003, 4),
        ("?limit=300&offset=500", 503, 204),
        ("", 1_003, 954),
        ("?limit=1000&offset=1000", 3, 1),
        ("?limit=0", 1_003, 1_003),
        ("?limit=-5&offset=-5", 1_003, 1_003),
    ] {
        assert_eq!(texts(&pages.reads(&room, query).await), numbers(from, to), "{query}");
    }
    assert_eq!(pages.reads(&room, "?offset=9007199254740991").await, Vec::<Value>::new());
    for query in ["?limit=x", "?limit=1.5", "?offset=", "?offset=99999999999999999999", "?limit=%ff"] {
        let path = format!("{LIST}/{}/messages{query}", room.id);
        assert_eq!(pages.is_refused("GET", &path, Value::Null).await.0, 400, "{query}");
    }
}

#[tokio::test]
async fn a_deleted_conversation_leaves_ones_own_list_until_something_is_said_in_it() {
    let town = Town::opens().await;
    let (alice, bob) = town.two("alice", "bob").await;
    let (hers, his) = (Pages::of(&town, &alice), Pages::of(&town, &bob));
    let room = hers.turns_to(&bob).await;
    hers.says(&room, "Coucou").await;
    let target = json!({"target_user_id": bob.id()});
    let (status, done) = hers.asks("DELETE", LIST, target.clone()).await;
    assert!(status == 200 && done["message"].is_string(), "{done}");
    assert_eq!(hers.gets(LIST).await["total"], 0);
    assert_eq!(his.gets(LIST).await["total"], 1, "the other one keeps it");
    let mut direct = service(&town, &alice).await;
    bob.says(&room, "are you still there?").await;
    assert_eq!(direct.next("new_message").await["data"]["message"], "are you still there?");
    assert_eq!(hers.gets(LIST).await["conversations"][0]["last_message"], "are you still there?");
    assert_eq!(texts(&hers.reads(&room, "").await), ["are you still there?", "Coucou"]);
    hers.asks("DELETE", LIST, target).await;
    for nobody in [999_999, alice.id()] {
        assert_eq!(hers.is_refused("DELETE", LIST, json!({"target_user_id": nobody})).await.0, 404, "{nobody}");
    }
    // Turning to somebody again is finding it again.
    assert_eq!(hers.turns_to(&bob).await.id, room.id);
    bob.says(&room, "here I am").await;
}

#[tokio::test]
async fn what_was_not_read_is_a_notification() {
    let town = Town::opens().await;
    let (alice, bob) = town.two("alice", "bob").await;
    let carol = town.person("carol").await;
    let (room, other) = (alice.turns_to(&bob).await, carol.turns_to(&bob).await);
    let first = alice.says(&room, "one").await;
    alice.says(&room, "two").await;
    carol.says(&other, "three").await;
    let (his, mut web) = (Pages::of(&town, &bob), gateway(&town, &bob).await);
    let mark = |id: &str| json!({"type": "notification", "data": {"action": "mark_read", "notification_id": id}});
    web.writes(mark(&first.id.to_string())).await;
    let expected = json!({"notification_id": first.id.to_string(), "status": "success"});
    assert_eq!(web.next("notification_marked_read").await["data"], expected);
    assert_eq!((his.unread(&room).await, his.unread(&other).await), (json!(1), json!(1)));
    web.writes(json!({"type": "notification", "data": {"action": "mark_all_read"}})).await;
    web.next("all_notifications_marked_read").await;
    assert_eq!((his.unread(&room).await, his.unread(&other).await), (json!(0), json!(0)));
    assert_eq!(web.is_refused(mark("999999")).await.1, "message_not_found");
    web.writes(json!({"type": "ping"})).await;
    let pong = web.next("pong").await;
    assert!(is_time(&pong["data"]["timestamp"]) && pong["user_id"] == json!(bob.id().to_string()), "{pong}");
    alice.says(&room, "four").await;
}

#[tokio::test]
async fn every_answer_is_json_that_says_whether_it_went_well() {
    let town = Town::opens().await;
    let (alice, bob) = town.two("alice", "bob").await;
    let token = alice.tokens().access;
    let room = alice.turns_to(&bob).await;
    let said = alice.says(&room, "Coucou").await.id;
    let (one, reactions) = (format!("{LIST}/{}", room.id), format!("{SAY}/{said}/reactions"));
    let own_door = Rest::to(town.matcha());
    for rest in [&own_door, &Rest::to(town.address())] {
        let mine = std::ptr::eq(rest, &own_door);
        for (method, path, body, expected) in [
            ("GET", LIST, Value::Null, 200),
            ("POST", LIST, json!({"user_id": bob.id()}), 201),
            ("GET", &*one, Value::Null, 200),
            ("PUT", &*format!("{one}/read"), Value::Null, 200),
            ("GET", &*format!("{one}/messages"), Value::Null, 200),
            ("POST", SAY, json!({"conversation_id": room.id, "message": "x"}), 201),
            ("POST", "/api/v1/chat/reactions", json!({"message_id": said, "emoji": "👍"}), 201),
            ("GET", &*reactions, Value::Null, 200),
            ("DELETE", &*format!("{reactions}/%F0%9F%91%8D"), Value::Null, 200),
            ("PUT", "/api/v1/chat/presence/online", Value::Null, 200),
            ("GET", "/api/v1/chat/stats", Value::Null, 200),
            ("GET", "/api/v1/chat/stats/detailed", Value::Null, 200),
            ("GET", "/api/v1/users/999999/online-status", Value::Null, 404),
            ("DELETE", LIST, json!({"target_user_id": bob.id()}), 200),
            ("GET", "/api/v1/chat/nothing", Value::Null, 404),
            ("GET", "/api/v1/chat/conversations/x", Value::Null, 400),
            ("GET", "/api/v1/chat/conversations/999999", Value::Null, 404),
            ("GET", "/api/v1/chat/%ff", Value::Null, 404),
            ("PATCH", LIST, Value::Null, 405),
            ("POST", "/api/v1/users/1/online-status", Value::Null, 405),
            ("GET", "/api/v1/auth/refresh", Value::Null, 405),
            ("GET", SERVICE, Value::Null, 400),
            ("POST", SERVICE, json!({}), 404),
            ("GET", "/ws", Value::Null, 400),
            ("POST", "/ws", json!({}), 404),
        ] {
            let answer = checked(rest.ask(method, path, Some(&token), &body).await);
            assert_eq!(answer.status, expected, "{method} {path}: {}", answer.text);
            if !path.contains("refresh") && !path.ends_with("ws") && ![404, 405].contains(&expected) {
                let answer = checked(rest.ask(method, path, None, &body).await);
                assert_eq!((answer.status, answer.header("www-authenticate")), (401, Some("Bearer")), "{path}");
            }
        }
        let raw = async |kind: &str, body: &str| {
            let headers = [("authorization", &*bearer(&alice)), ("content-type", kind)];
            checked(rest.ask_raw("POST", SAY, &headers, body.to_owned()).await)
        };
        let text = format!(r#"{{"conversation_id":{},"message":"x"}}"#, room.id);
        assert_eq!(raw("application/json; charset=utf-8", &text).await.status, 201);
        assert_eq!(raw("text/plain", &text).await.status, 400);
        assert_eq!(raw("application/x-www-form-urlencoded", "message=x").await.status, 400);
        assert_eq!(raw("multipart/form-data", "x").await.status, 400);
        let large = text.replace('x', &"x".repeat(70_000));
        let answer = raw("application/json", &large).await;
        assert_eq!((answer.status, &answer.body["error"]), (413, &json!("message too long")));
        // What is nobody's on the common port is answered in its own words; here everything is this door's.
        for path in ["/", "/v1/users/me", "/stats/x", "/api/v1/chat", "/api/v1/chat/", "/health/"] {
            if mine {
                assert_eq!(checked(rest.ask("GET", path, Some(&token), &Value::Null).await).status, 404, "{path}");
            }
        }
    }
    alice.says(&room, "still here").await;
}

#[tokio::test]
async fn health_and_figures_are_told_as_monitors_expect_them() {
    let town = Town::alone().await;
    let (alice, bob) = town.two("alice", "bob").await;
    let (common, own) = (Rest::to(town.address()), Rest::to(town.matcha()));
    let healthy = json!({"status": "ok", "service": "chat-service", "version": "1.0.0"});
    for (rest, path) in [(&own, "/health"), (&own, "/api/v1/chat/health"), (&common, "/api/v1/chat/health")] {
        for headers in [vec![], vec![("x-user-id", "1")], vec![("authorization", "Bearer nonsense")]] {
            let answer = rest.ask_with("GET", path, None, &Value::Null, &headers).await;
            assert_eq!((answer.status, &answer.body), (200, &healthy), "{path}");
        }
    }
    // On the common port it is the operator's.
    assert_eq!(common.ask("GET", "/health", None, &Value::Null).await.body, json!({"status": "ok"}));
    let room = alice.turns_to(&bob).await;
    let before = Pages::of(&town, &alice).gets("/api/v1/chat/stats").await;
    let _socket = service(&town, &alice).await;
    alice.says(&room, "Coucou").await;
    let answer = checked(own.ask("GET", "/stats", Some(&alice.tokens().access), &Value::Null).await).granted();
    let after = &answer["data"];
    let more = |field: &str| after[field].as_i64().unwrap() - before[field].as_i64().unwrap();
    assert_eq!((more("active_connections"), more("connected_users"), more("total_messages_sent")), (1, 0, 1));
    assert!(after["uptime_seconds"].is_i64() && is_time(&after["last_activity"]), "{after}");
    let groups = Pages::of(&town, &alice).gets("/api/v1/chat/stats/detailed").await;
    assert_eq!(fields(&groups), ["health", "service", "websocket"]);
    assert_eq!(groups["websocket"]["connected_users"], 2);
}

// ---- who is let in -------------------------------------------------------------------------------

/// What a handshake is answered, which is no socket.
async fn turned_away(town: &Town, path: &str, headers: &[(&str, &str)]) -> (u16, String) {
    let upgrade = [
        ("connection", "upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    let rest = Rest::to(town.matcha());
    let answer = rest.ask_with("GET", path, None, &Value::Null, &[&upgrade, headers].concat()).await;
    assert!(answer.status >= 400, "let in: {path} {headers:?}");
    let answer = checked(answer);
    (answer.status, answer.body["error"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn x_user_id_must_be_the_user_of_the_token() {
    let town = Town::opens().await;
    let (alice, bob) = (town.person("alice").await, town.person("bob").await);
    let room = alice.turns_to(&bob).await;
    let authorization = bearer(&alice);
    let (own, others) = (alice.id().to_string(), bob.id().to_string());
    let rest = Rest::to(town.matcha());
    let list = async |id: &str| {
        let headers = [("authorization", &*authorization), ("x-user-id", id)];
        checked(rest.ask_with("GET", LIST, None, &Value::Null, &headers).await).status
    };
    assert_eq!(list(&own).await, 200);
    for bad in [&*others, "0", "-1", "", "x", &format!("0{own}"), &format!("{own}.0"), &format!("{own},{own}")] {
        assert_eq!(list(bad).await, 403, "{bad}");
        for path in [SERVICE, "/ws", &format!("/ws?token={}", alice.tokens().access)] {
            let headers = [("authorization", &*authorization), ("x-user-id", bad)];
            assert_eq!(turned_away(&town, path, &headers).await, (403, "access denied".into()), "{path} {bad}");
        }
    }
    // Nothing is done before it is looked at.
    let headers = [("authorization", &*authorization), ("x-user-id", &*others)];
    let body = json!({"conversation_id": room.id, "message": "in bob's name"});
    assert_eq!(checked(rest.ask_with("POST", SAY, None, &body, &headers).await).status, 403);
    assert_eq!(alice.knows(&room), []);
    // The header alone is no credential.
    for path in [SERVICE, "/ws"] {
        assert_eq!(turned_away(&town, path, &[("x-user-id", &own)]).await.0, 401);
        let headers = [("authorization", &*authorization), ("x-user-id", &*own)];
        assert_eq!(town.handshake_at(town.matcha(), path, &headers).await.0, 101);
    }
    assert_eq!(checked(rest.ask_with("GET", LIST, None, &Value::Null, &[("x-user-id", &own)]).await).status, 401);
    alice.says(&room, "in my own name").await;
}

#[tokio::test]
async fn a_bad_token_is_refused_before_there_is_a_socket() {
    let town = Town::with_a_host().await;
    let claims = json!({"sub": "77", "iat": now(), "nbf": now(), "exp": now() + 600, "scope": "access"});
    let token = host_token(&claims);
    let authorization = format!("Bearer {token}");
    for path in [SERVICE, "/ws"] {
        for door in [town.matcha(), town.address()] {
            let headers = [("authorization", &*authorization), ("x-user-id", "77")];
            assert_eq!(town.handshake_at(door, path, &headers).await.0, 101, "{path}");
            let in_query = format!("{path}?a=1&token={token}");
            assert_eq!(town.handshake_at(door, &in_query, &[]).await.0, 101, "{path}");
            // One that is good is enough.
            let other = [("authorization", "Bearer nonsense")];
            assert_eq!(town.handshake_at(door, &in_query, &other).await.0, 101, "{path}");
        }
    }
    let alice = town.absent("alice").await;
    let own = alice.tokens();
    // The cookie that Dreametrix' door gives for a token.
    let path = format!("/ws/chat/?token={}", own.access);
    let (_, head) = town.handshake_at(town.dreametrix(), &path, &[]).await;
    let cookie = head.split_once("sessionid=").expect("a cookie").1.split(';').next().unwrap().to_owned();
    let payload = token.split('.').nth(1).unwrap();
    let mut refresh = claims.clone();
    refresh["scope"] = json!("refresh");
    let rest = Rest::to(town.matcha());
    for (what, bad) in [
        ("expired", host_token(&json!({"sub": "77", "exp": now() - 120}))),
        ("not yet", host_token(&json!({"sub": "77", "nbf": now() + 300, "exp": now() + 600}))),
        ("forged", host_token_signed(&claims, "another secret, of which nobody knows")),
        ("nobody's", host_token(&json!({"exp": now() + 600}))),
        ("cut", token[..token.len() - 1].to_owned()),
        ("alg none", format!("eyJhbGciOiJub25lIn0.{payload}.")),
        ("alg none, signed", format!("eyJhbGciOiJub25lIn0.{payload}.{}", token.rsplit('.').next().unwrap())),
        ("a host's refresh token", host_token(&refresh)),
        ("our refresh token", own.refresh.clone()),
        ("a cookie", cookie),
        ("nonsense", "nonsense".into()),
        ("huge", "x".repeat(6_000)),
    ] {
        let bearer = format!("Bearer {bad}");
        for path in [SERVICE, "/ws"] {
            let refused = (401, "missing or invalid token".to_owned());
            assert_eq!(turned_away(&town, path, &[("authorization", &bearer)]).await, refused, "{what}");
            assert_eq!(turned_away(&town, &format!("{path}?token={bad}"), &[]).await, refused, "{what}");
        }
        assert_eq!(checked(rest.ask("GET", LIST, Some(&bad), &Value::Null).await).status, 401, "{what}");
    }
    // Nothing at all is as little; on either listener, and a token in the address of a request is none.
    for path in [SERVICE, "/ws", "/ws?token=", &format!("/ws?mytoken={token}")] {
        assert_eq!(turned_away(&town, path, &[]).await.0, 401, "{path}");
        assert_eq!(town.handshake_at(town.address(), path, &[]).await.0, 401, "{path}");
    }
    let path = format!("{LIST}?token={token}");
    assert_eq!(checked(rest.ask("GET", &path, None, &Value::Null).await).status, 401);
}

#[tokio::test]
async fn a_cookie_is_good_for_pages_of_an_allowed_origin_alone() {
    let town = Town::with(|config| config.server.allowed_origins = vec!["https://chat.example.org".into()]).await;
    let (alice, bob) = (town.absent("alice").await, town.absent("bob").await);
    let cookie = format!("theme=dark; access_token={}; x=1", alice.tokens().access);
    let door = town.matcha();
    let ours = format!("http://localhost:{}", town.address().port());
    for path in [SERVICE, "/ws"] {
        for origin in ["https://chat.example.org", &ours] {
            let headers = [("cookie", &*cookie), ("origin", origin)];
            assert_eq!(town.handshake_at(door, path, &headers).await.0, 101, "{path} {origin}");
        }
        let refused = (403, "origin not allowed".to_owned());
        assert_eq!(turned_away(&town, path, &[("cookie", &cookie)]).await, refused, "{path}");
        for origin in ["https://evil.example.org", "http://localhost:3000", "null", "https://chat.example.org.evil.com"]
        {
            let headers = [("cookie", &*cookie), ("origin", origin)];
            assert_eq!(turned_away(&town, path, &headers).await, refused, "{path} {origin}");
            // It is the page that is not trusted: a token does not help.
            let with_token = format!("{path}?token={}", alice.tokens().access);
            assert_eq!(turned_away(&town, &with_token, &[("origin", origin)]).await, refused, "{path} {origin}");
        }
        let origin = ("origin", "https://chat.example.org");
        for bad in [
            "access_token=nonsense",
            "access_token=",
            "ACCESS_TOKEN=x",
            &format!("access_token={}", alice.tokens().refresh),
        ] {
            assert_eq!(turned_away(&town, path, &[("cookie", bad), origin]).await.0, 401, "{path} {bad}");
        }
    }
    // Of a request that changes nothing browsers need not name the page; of another they must.
    let rest = Rest::to(door);
    let ask = async |method: &str, headers: &[(&str, &str)]| {
        let body = if method == "GET" { Value::Null } else { json!({"user_id": bob.id()}) };
        checked(rest.ask_with(method, LIST, None, &body, headers).await).status
    };
    let (cookie, evil) = (("cookie", &*cookie), ("origin", "https://evil.example.org"));
    assert_eq!(ask("GET", &[cookie]).await, 200);
    assert_eq!(ask("GET", &[cookie, evil]).await, 403);
    assert_eq!(ask("POST", &[cookie]).await, 403);
    assert_eq!(ask("POST", &[cookie, evil]).await, 403);
    assert_eq!(ask("POST", &[cookie, ("origin", "https://chat.example.org")]).await, 201);
    // Where nothing is configured, the old system's own pages may come while one works on it.
    let open = Town::with(|config| config.server.environment = Deployment::Development).await;
    let alice = open.absent("alice").await;
    let cookie = format!("access_token={}", alice.tokens().access);
    for (origin, status) in
        [("http://localhost:3000", 101), ("http://127.0.0.1:8000", 101), ("http://localhost:3001", 403)]
    {
        let headers = [("cookie", &*cookie), ("origin", origin)];
        assert_eq!(open.handshake_at(open.matcha(), "/ws", &headers).await.0, status, "{origin}");
    }
}

#[tokio::test]
async fn pages_of_an_allowed_origin_may_ask_and_read_the_answers() {
    let town = Town::with(|config| config.server.environment = Deployment::Development).await;
    let alice = town.absent("alice").await;
    for door in [town.address(), town.matcha()] {
        let rest = Rest::to(door);
        for (origin, allowed) in [("http://localhost:3000", true), ("https://evil.example.org", false)] {
            let shown = allowed.then_some(origin);
            let wish = [
                ("origin", origin),
                ("access-control-request-method", "DELETE"),
                ("access-control-request-headers", "authorization,content-type,x-user-id"),
            ];
            let preflight = rest.ask_with("OPTIONS", LIST, None, &Value::Null, &wish).await;
            assert_eq!(preflight.status, if allowed { 204 } else { 405 }, "{origin}");
            assert_eq!(preflight.header("access-control-allow-origin"), shown);
            let allows = preflight.header("access-control-allow-headers").unwrap_or_default();
            assert!(!allowed || ["authorization", "content-type", "x-user-id"].iter().all(|one| allows.contains(one)));
            let methods = preflight.header("access-control-allow-methods").unwrap_or_default();
            assert!(!allowed || (methods.contains("PUT") && methods.contains("DELETE")), "{methods}");
            // Errors can be read too, or the client could not tell them apart.
            for token in [Some(&*alice.tokens().access), None] {
                let answer = checked(rest.ask_with("GET", LIST, token, &Value::Null, &[("origin", origin)]).await);
                assert_eq!(answer.header("access-control-allow-origin"), shown, "{}", answer.status);
            }
        }
    }
}

#[tokio::test]
async fn a_refresh_token_is_traded_once_and_a_thief_ends_the_session() {
    let town = Town::opens().await;
    let alice = town.absent("alice").await;
    let mut web = gateway(&town, &alice).await;
    let rest = Rest::to(town.address());
    let refresh =
        async |body: Value, token: Option<&str>| checked(rest.ask("POST", "/api/v1/auth/refresh", token, &body).await);
    // The web client sends its old access token along.
    let first = json!({"refresh_token": alice.tokens().refresh});
    let answer = refresh(first.clone(), Some("an old one")).await.granted();
    assert_eq!(fields(&answer["data"]), ["access_token", "refresh_token"]);
    let token = answer["data"]["access_token"].as_str().unwrap();
    assert_eq!(checked(rest.ask("GET", LIST, Some(token), &Value::Null).await).status, 200);
    for bad in [json!(alice.tokens().access), json!("plb_rt_x"), json!("")] {
        assert_eq!(refresh(json!({"refresh_token": bad}), None).await.status, 401, "{bad}");
    }
    for bad in [json!({}), json!({"refresh_token": 5}), json!([]), json!({"refresh_token": "a\0"}), Value::Null] {
        assert_eq!(refresh(bad.clone(), None).await.status, 400, "{bad}");
    }
    web.is_quiet().await;
    // The answer may have been lost: until the second is used, the first gives it again.
    let again = refresh(first.clone(), None).await.granted();
    assert_eq!(again["data"]["refresh_token"], answer["data"]["refresh_token"]);
    let second = json!({"refresh_token": answer["data"]["refresh_token"]});
    let third = refresh(second, None).await.granted();
    web.is_quiet().await;
    assert_eq!(refresh(first, None).await.status, 401);
    assert_eq!(web.0.is_sent_away().await.0, 4501);
    assert_eq!(checked(rest.ask("GET", LIST, Some(token), &Value::Null).await).status, 401);
    let third = json!({"refresh_token": third["data"]["refresh_token"]});
    assert_eq!(refresh(third, None).await.status, 401);
}

#[tokio::test]
async fn a_deactivated_account_is_nobody_here() {
    let town = Town::opens().await;
    let admin = town.admin("ann").await;
    let bob = town.absent("bob").await;
    let room = Pages::of(&town, &bob).turns_to(&admin).await;
    let (mut direct, mut web) = (service(&town, &bob).await, subscribed(&town, &bob, &room).await);
    admin.asks("user.active", json!({"user": bob.id(), "active": false})).await.granted();
    assert_eq!((direct.0.is_sent_away().await.0, web.0.is_sent_away().await.0), (4502, 4502));
    for path in [SERVICE, "/ws"] {
        assert_eq!(turned_away(&town, path, &[("authorization", &bearer(&bob))]).await.0, 401);
    }
    let (his, hers) = (Pages::of(&town, &bob), Pages::of(&town, &admin));
    assert_eq!(his.is_refused("GET", LIST, Value::Null).await.0, 401);
    let refresh = json!({"refresh_token": bob.tokens().refresh});
    assert_eq!(his.is_refused("POST", "/api/v1/auth/refresh", refresh).await.0, 401);
    let carol = town.person("carol").await;
    let refused = Pages::of(&town, &carol).is_refused("POST", LIST, json!({"user_id": bob.id()})).await;
    assert_eq!(refused, (404, "user not found".into()));
    assert_eq!(hers.reads(&room, "").await, Vec::<Value>::new());
}

// ---- limits --------------------------------------------------------------------------------------

#[tokio::test]
async fn a_text_has_a_thousand_characters_and_not_one_more() {
    let town = Town::opens().await;
    let (alice, bob) = town.two("alice", "bob").await;
    let room = alice.turns_to(&bob).await;
    let pages = Pages::of(&town, &alice);
    let (mut direct, mut web) = (service(&town, &alice).await, gateway(&town, &alice).await);
    for letter in ["x", "é", "👍"] {
        let (fits, long) = (letter.repeat(1_000), letter.repeat(1_001));
        let frame = |text: &str| json!({"type": "send_message", "conversation_id": room.id, "content": text});
        let on_web = |text: &str| json!({"type": "send_message", "data": {"conversation_id": room.id.to_string(), "message": text}});
        assert_eq!(pages.says(&room, &fits).await["msg"], fits.as_str());
        direct.next("new_message").await;
        direct.writes(frame(&fits)).await;
        assert_eq!(direct.next("new_message").await["data"]["message"], fits.as_str());
        web.writes(on_web(&fits)).await;
        web.next("chat_ack").await;
        direct.next("new_message").await;
        let body = json!({"conversation_id": room.id, "message": long});
        assert_eq!(pages.is_refused("POST", SAY, body).await, (400, "message too long".into()));
        assert_eq!(direct.is_refused(frame(&long)).await.0, "message too long");
        assert_eq!(web.is_refused(on_web(&long)).await, ("message too long".into(), "message_too_long".into()));
    }
    assert_eq!(pages.reads(&room, "").await.len(), 9);
    // Ten characters are an emoji, eleven are none.
    let message = alice.says(&room, "Coucou").await.id;
    for (length, good) in [(10, true), (11, false)] {
        let emoji = "é".repeat(length);
        let body = json!({"message_id": message, "emoji": emoji});
        let answer = pages.rest.ask("POST", "/api/v1/chat/reactions", Some(&pages.token), &body).await;
        assert_eq!(checked(answer).status, if good { 201 } else { 400 });
        assert_eq!(pages.reads(&room, "?limit=1").await[0]["reactions"].as_array().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn a_hundred_messages_a_minute_are_one_persons_on_all_ways_of_these_doors_together() {
    let town = Town::with(|config| {
        config.limits.matcha_messages_per_minute = chat::Limits::default().matcha_messages_per_minute;
    })
    .await;
    let (alice, bob) = town.two("alice", "bob").await;
    let room = alice.turns_to(&bob).await;
    let pages = Pages::of(&town, &alice);
    let say = json!({"conversation_id": room.id, "message": "x", "content": "x"});
    let flat = json!({"type": "send_message", "conversation_id": room.id, "content": "x"});
    let nested = json!({"type": "send_message", "data": say});
    let (mut web, mut granted) = (gateway(&town, &alice).await, 60);
    let began = Instant::now();
    for _ in 0..30 {
        web.writes(&nested).await;
    }
    for _ in 0..30 {
        web.next("chat_ack").await;
    }
    for _ in 0..30 {
        pages.says(&room, "x").await;
    }
    let mut direct = service(&town, &alice).await;
    for _ in 0..40 {
        direct.writes(&flat).await;
    }
    for _ in 0..40 {
        direct.next("new_message").await;
    }
    granted += 40;
    // A hundred at once; one more with every 600 ms that have passed. Each way finds the same end.
    loop {
        direct.writes(&flat).await;
        let frame = direct.hears().await;
        if frame["type"] == "error" {
            assert_eq!(frame["data"], json!({"code": "HANDLE_ERROR", "message": "rate limited"}));
            break;
        }
        granted += 1;
        assert!(granted < 1_000, "nobody is slowed down");
    }
    loop {
        web.writes(&nested).await;
        let frame = web.hears().await;
        if frame["type"] == "error" {
            assert_eq!(frame["data"]["error_type"], "rate_limited");
            assert_eq!(frame["data"]["message"], "rate limited");
            break;
        }
        granted += 1;
        assert!(granted < 1_000, "nobody is slowed down");
    }
    loop {
        let answer = checked(pages.rest.ask("POST", SAY, Some(&pages.token), &say).await);
        if answer.status == 429 {
            assert_eq!((&answer.body["error"], answer.header("retry-after")), (&json!("rate limited"), Some("1")));
            break;
        }
        granted += 1;
        assert!(granted < 1_000, "nobody is slowed down");
    }
    let more = u64::try_from(began.elapsed().as_millis() / 600).unwrap();
    assert!((100..=100 + more).contains(&granted), "{granted} in {:?}", began.elapsed());
    assert_eq!(pages.reads(&room, "?limit=1000").await.len() as u64, granted, "what was refused was not stored");
    // She may still speak at the new door, do other things here, and nobody else pays for it.
    alice.says(&room, "at the new door").await;
    web.writes(json!({"type": "ping"})).await;
    web.next("pong").await;
    assert_eq!(pages.rest.ask("GET", LIST, Some(&pages.token), &Value::Null).await.status, 200);
    Pages::of(&town, &bob).says(&room, "from bob").await;
}

// ---- what nobody should send ---------------------------------------------------------------------

/// What is no frame, on either socket.
fn nonsense() -> Vec<String> {
    let deep = |open: &str, close: &str| {
        let times = 60_000 / (open.len() + close.len());
        format!("{}1{}", open.repeat(times), close.repeat(times))
    };
    let mut all: Vec<String> =
        ["", "{", "x", "[]", "5", "null", "\"x\"", "{\"type\":", "\0", "{\"a\":\"\\ud800\"}", "{}", "{\"type\":null}"]
            .map(str::to_owned)
            .into();
    all.extend([deep("[", "]"), deep("{\"a\":", "}"), deep("{\"type\":", "}"), deep("[", "")]);
    for field in ["data", "conversation_id", "x", "type"] {
        all.push(format!("{{\"type\":\"fly\",\"{field}\":{}}}", deep("[[[", "]]]")));
    }
    all.push(format!("{{{}\"type\":\"fly\"}}", "\"a\":[],".repeat(7_000)));
    for tag in ["5", "[]", "{}", "\"fly\"", "\"SEND_MESSAGE\"", "\"\\u0000\"", "\"\\ud800\"", "\"send_message \""] {
        all.push(format!("{{\"type\":{tag}}}"));
    }
    all
}

#[tokio::test]
async fn what_cannot_be_understood_is_refused_in_words_and_the_connection_lives() {
    let town = Town::opens().await;
    let (alice, bob) = town.two("alice", "bob").await;
    let room = alice.turns_to(&bob).await;
    let said = alice.says(&room, "Coucou").await.id;
    let (mut direct, mut web) = (service(&town, &alice).await, subscribed(&town, &alice, &room).await);
    for frame in nonsense() {
        assert!(frame.len() < 65_536);
        direct.is_refused(&frame).await;
        web.is_refused(&frame).await;
    }
    let id = room.id;
    for text in ["\"\"", "\" \\n\"", "5", "null", "[]", "{}", "\"a\\u0000b\"", "\"\\ud800\"", "\"\\udc00\\ud800\""] {
        direct.is_refused(format!(r#"{{"type":"send_message","conversation_id":{id},"content":{text}}}"#)).await;
        web.is_refused(format!(r#"{{"type":"chat","data":{{"conversation_id":"{id}","message":{text}}}}}"#)).await;
    }
    drop((direct, web));
    let (mut direct, mut web) = (service(&town, &alice).await, subscribed(&town, &alice, &room).await);
    for wrong in ["null", "\"\"", "\"x\"", "-1", "1.5", "1e300", "9007199254740992", "[1]", "{}", "true", "\"\\u0000\""]
    {
        for kind in ["send_message", "join_conversation", "typing"] {
            let frame = format!(r#"{{"type":"{kind}","conversation_id":{wrong},"content":"x"}}"#);
            assert_eq!(direct.is_refused(frame).await.0, "invalid conversation ID", "{kind} {wrong}");
            let frame = format!(r#"{{"type":"{kind}","data":{{"conversation_id":{wrong},"message":"x"}}}}"#);
            let kind = web.is_refused(frame).await.1;
            let missing = if wrong == "null" { "missing_conversation_id" } else { "invalid_conversation_id" };
            assert_eq!(kind, missing, "{wrong}");
        }
        let frame = format!(r#"{{"type":"reaction_add","message_id":{wrong},"emoji":"x"}}"#);
        direct.is_refused(&frame).await;
        assert_eq!(web.is_refused(&frame).await.1, "invalid_reaction_data");
    }
    for rest in ["", r#","emoji":5"#, r#","emoji":"""#, r#","emoji":"\u0000""#, r#","emoji":"\ud800""#] {
        let frame = format!(r#"{{"type":"reaction_add","message_id":{said}{rest}}}"#);
        direct.is_refused(&frame).await;
        assert_eq!(web.is_refused(&frame).await.1, "invalid_reaction_data", "{rest}");
    }
    for data in ["", ",\"data\":5", ",\"data\":null", ",\"data\":[]", ",\"data\":\"x y\"", ",\"data\":{\"channel\":5}"]
    {
        for kind in ["subscribe", "unsubscribe", "send_message", "typing", "join_conversation", "notification"] {
            web.is_refused(format!(r#"{{"type":"{kind}"{data}}}"#)).await;
        }
    }
    // A frame that is too large is passed over, and what comes behind it is heard.
    for client in [&mut direct, &mut web] {
        for length in [65_537, 1_000_000] {
            assert_eq!(client.is_refused("x".repeat(length)).await.0, "message too long");
        }
        client.is_quiet().await;
    }
    direct.writes(json!({"type": "send_message", "conversation_id": room.id, "content": "still here"})).await;
    direct.next("new_message").await;
    assert_eq!(web.next("chat_message").await["data"]["message"], "still here");
    bob.says(&room, "so am I").await;
    assert_eq!(alice.knows(&room).len(), 3);
}

#[tokio::test]
async fn the_hundredth_unreadable_frame_ends_the_connection() {
    let town = Town::opens().await;
    let alice = town.absent("alice").await;
    for mut client in [service(&town, &alice).await, gateway(&town, &alice).await] {
        for _ in 0..99 {
            client.is_refused("nonsense").await;
        }
        client.writes("nonsense").await;
        assert_eq!(client.0.is_sent_away().await.0, 4503);
    }
}

#[tokio::test]
async fn bad_bodies_are_refused_in_words_and_change_nothing() {
    let town = Town::opens().await;
    let (alice, bob) = town.two("alice", "bob").await;
    let room = alice.turns_to(&bob).await;
    let said = alice.says(&room, "Coucou").await.id;
    let rest = Rest::to(town.matcha());
    let headers = [("authorization", &*bearer(&alice)), ("content-type", "application/json")];
    let id = room.id;
    let mut bodies = nonsense();
    for text in ["\"\"", "5", "null", "[]", "\"a\\u0000b\"", "\"\\ud800\""] {
        bodies.push(format!(r#"{{"conversation_id":{id},"message":{text}}}"#));
        bodies.push(format!(r#"{{"message_id":{said},"emoji":{text}}}"#));
    }
    for wrong in ["null", "\"\"", "-1", "1.5", "9007199254740992", "[1]"] {
        bodies
            .push(format!(r#"{{"conversation_id":{wrong},"message":"x","user_id":{wrong},"target_user_id":{wrong}}}"#));
        bodies.push(format!(r#"{{"message_id":{wrong},"emoji":"x"}}"#));
    }
    for (method, path) in [("POST", SAY), ("POST", LIST), ("DELETE", LIST), ("POST", "/api/v1/chat/reactions")] {
        for body in &bodies {
            let shown: String = body.chars().take(100).collect();
            let answer = checked(rest.ask_raw(method, path, &headers, body.clone()).await);
            assert_eq!(answer.status, 400, "{method} {path} {shown}: {}", answer.text);
        }
    }
    for path in ["%00", "a%00b", "%ff", "%ed%a0%80", "-1", "9007199254740992", "1e3", "%20"] {
        for whole in [format!("{LIST}/{path}"), format!("{LIST}/{path}/messages"), format!("{SAY}/{path}/reactions")] {
            let answer = checked(rest.ask_raw("GET", &whole, &headers, String::new()).await);
            assert_eq!(answer.status, 400, "{whole}: {}", answer.text);
        }
    }
    let answer = rest.ask_raw("DELETE", &format!("{SAY}/{said}/reactions/%00"), &headers, String::new()).await;
    assert_eq!(checked(answer).status, 400);
    alice.says(&room, "still here").await;
    assert_eq!(alice.knows(&room).len(), 2);
}

#[tokio::test]
async fn what_belongs_to_others_is_not_there() {
    let town = Town::opens().await;
    let (alice, bob) = town.two("alice", "bob").await;
    let carol = town.person("carol").await;
    let (room, group) = (alice.turns_to(&bob).await, alice.opens_group(&[&bob, &carol]).await);
    let left = alice.says(&group, "before she left").await.id;
    alice.removes(&carol, &group).await;
    let said = alice.says(&room, "for bob alone").await.id;
    let (mut bobs, mut bobs_web) = (service(&town, &bob).await, subscribed(&town, &bob, &room).await);
    let (mut direct, mut web) = (service(&town, &carol).await, gateway(&town, &carol).await);
    let pages = Pages::of(&town, &carol);
    for (id, message) in [(room.id, said), (group.id, left), (999_999, 999_999)] {
        let text = id.to_string();
        for kind in ["send_message", "join_conversation", "typing"] {
            let frame = json!({"type": kind, "conversation_id": id, "content": "x"});
            assert_eq!(direct.is_refused(frame).await.0, "conversation not found", "{kind}");
            let frame = json!({"type": kind, "data": {"conversation_id": text, "message": "x"}});
            assert_eq!(web.is_refused(frame).await.1, "access_denied", "{kind}");
        }
        for kind in ["reaction_add", "reaction_remove"] {
            let frame = json!({"type": kind, "message_id": message, "emoji": "👍"});
            assert_eq!(direct.is_refused(&frame).await.0, "message not found", "{kind}");
            assert_eq!(web.is_refused(&frame).await.1, "message_not_found", "{kind}");
        }
        let mark = json!({"action": "mark_read", "notification_id": message.to_string()});
        assert_eq!(web.is_refused(json!({"type": "notification", "data": mark})).await.1, "message_not_found");
        for (method, path, body) in [
            ("GET", format!("{LIST}/{id}"), Value::Null),
            ("PUT", format!("{LIST}/{id}/"), Value::Null),
            ("GET", format!("{LIST}/{id}/messages"), Value::Null),
            ("POST", SAY.into(), json!({"conversation_id": id, "message": "x"})),
            ("POST", "/api/v1/chat/reactions".into(), json!({"message_id": message, "emoji": "👍"})),
            ("GET", format!("{SAY}/{message}/reactions"), Value::Null),
            ("DELETE", format!("{SAY}/{message}/reactions/x"), Value::Null),
        ] {
            let (status, words) = pages.is_refused(method, &path, body).await;
            assert_eq!(status, 404, "{method} {path}");
            assert!(["conversation not found", "message not found"].contains(&&*words), "{words}");
        }
    }
    bobs.is_quiet().await;
    bobs_web.is_quiet().await;
    alice.says(&group, "among ourselves").await;
    assert!(web.0.hears_nothing(Duration::from_millis(50)).await);
}
