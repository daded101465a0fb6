//! Alice of the host writes to its user 2, bob, who has not come yet; a stranger has our id 2. Bob reads it when he
//! comes, and nobody else ever. At each of the old endpoints.

use super::*;

const CHATS: &str = "/api/v1/chat/conversations";

/// The first administrator, who is made by the set-up link, and a stranger who registers: our ids 1 and 2.
async fn begins() -> (Town, Person, Person) {
    let town = Town::with_a_host().await;
    let admin = town.admin("root").await;
    let stranger = town.person("stranger").await;
    assert_eq!((admin.id(), stranger.id()), (1, 2));
    (town, admin, stranger)
}

/// Neither of our own people has anything of what the host's people wrote to each other.
async fn ends(town: &Town, others: [&Person; 2]) {
    for other in others {
        assert_eq!(conversations(town, other).await, 0, "{}", other.name());
    }
}

#[tokio::test]
async fn at_the_chat_servers_endpoint() {
    let (town, admin, stranger) = begins().await;
    let (alice, bob) = (token_of(1, "alice"), token_of(2, "bob"));
    let mut hers = page(&town, &alice).await;
    let mut strangers = page(&town, &stranger.tokens().access).await;
    // Where there are two nodes, bob comes to the other one.
    let elsewhere = town.last_chat_server();
    hers.writes(json!({"type": "dm", "to": 2, "content": "for bob"})).await;
    assert_eq!(hers.hears().await, json!({"type": "dm_sent", "data": {"to": 2, "status": "ok"}}));
    hers.writes(json!({"type": "dm", "to": 2, "content": "still for bob"})).await;
    hers.hears().await;
    // Bob comes: what was written waits for him, and what is written now he hears.
    let mut his = page_at(&town, elsewhere, &bob).await;
    his.writes(json!({"type": "dm_history", "with": 1})).await;
    let history = his.hears().await["data"].clone();
    let said: Vec<&Value> = history.as_array().expect("a history").iter().map(|one| &one["content"]).collect();
    assert_eq!(said, ["for bob", "still for bob"]);
    assert!(history.as_array().expect("two").iter().all(|one| one["fromUser"] == 1 && one["to"] == 2), "{history}");
    hers.writes(json!({"type": "dm", "to": 2, "content": "there you are"})).await;
    let heard = his.hears().await["data"].clone();
    assert_eq!((&heard["fromUser"], &heard["to"], &heard["username"]), (&json!(1), &json!(2), &json!("alice")));
    hers.hears().await;
    his.writes(json!({"type": "dm", "to": 1, "content": "here I am"})).await;
    let heard = hers.hears().await["data"].clone();
    assert_eq!((&heard["fromUser"], &heard["to"], &heard["username"]), (&json!(2), &json!(1), &json!("bob")));
    // The account that waited has bob's name.
    assert_eq!(account(&town, &bob).await["username"], "bob");
    ends(&town, [&admin, &stranger]).await;
    // The stranger is there, under a number that is nobody's else.
    let number = OFFSET + stranger.id();
    let people = get(&Rest::to(town.chat_server()), "/users/except-me", &alice).await;
    let mut ids: Vec<i64> = people.as_array().expect("people").iter().filter_map(|one| one["id"].as_i64()).collect();
    ids.sort_unstable();
    assert_eq!(ids, [2, OFFSET + admin.id(), number]);
    hers.writes(json!({"type": "dm", "to": number, "content": "for the stranger"})).await;
    let heard = strangers.hears().await["data"].clone();
    assert_eq!((&heard["fromUser"], &heard["to"]), (&json!(1), &json!(number)));
    stranger.hears("added to alice").await;
    // On another node the conversation may come with the message in it, and then no event of it follows.
    let listed = stranger.requests("GET", "/v1/conversations?limit=1", serde_json::Value::Null).await.granted();
    assert_eq!(listed["conversations"][0]["last_message"]["text"], "for the stranger");
    let path = format!("/users/{}", OFFSET + 77);
    assert_eq!(Rest::to(town.chat_server()).ask("GET", &path, Some(&alice), &Value::Null).await.status, 404);
}

#[tokio::test]
async fn at_dreametrix_endpoint() {
    let (town, admin, stranger) = begins().await;
    let (alice, bob) = (token_of(1, "alice"), token_of(2, "bob"));
    let rest = Rest::to(town.dreametrix());
    let made = rest.ask("POST", "/chats/rooms/", Some(&alice), &json!({"participants": [2]})).await.granted();
    let room = made["id"].as_i64().expect("a room");
    let say = async |token: &str, text: &str| {
        let body = json!({"chat_room_id": room, "content": text});
        rest.ask("POST", "/chats/messages/", Some(token), &body).await.granted()
    };
    assert_eq!(say(&alice, "for bob").await["sender"]["id"], 1);
    let mut his = town.socket_at(town.dreametrix(), &format!("/ws/chat/?token={bob}"), &[]).await.expect("let in");
    assert_eq!(his.hears().await["data"], json!({"user_id": 2, "status": "online"}));
    let rooms = get(&rest, "/chats/rooms/", &bob).await;
    assert_eq!((&rooms["count"], &rooms["results"][0]["id"]), (&json!(1), &json!(room)));
    let mut inside: Vec<i64> = rooms["results"][0]["participants"]
        .as_array()
        .expect("people")
        .iter()
        .filter_map(|one| one["id"].as_i64())
        .collect();
    inside.sort_unstable();
    assert_eq!(inside, [1, 2]);
    let page = get(&rest, &format!("/chats/messages/?chat={room}"), &bob).await;
    assert_eq!((&page["results"][0]["content"], &page["results"][0]["sender"]["id"]), (&json!("for bob"), &json!(1)));
    say(&alice, "there you are").await;
    let frame = loop {
        let frame = his.hears().await;
        if frame["type"] == "message" {
            break frame;
        }
    };
    assert_eq!(frame["data"]["sender"], 1, "{frame}");
    assert_eq!(say(&bob, "here I am").await["sender"]["id"], 2);
    assert_eq!(account(&town, &bob).await["username"], "bob");
    ends(&town, [&admin, &stranger]).await;
    // A group, with one who has not come and the stranger by the number that is theirs.
    let number = OFFSET + stranger.id();
    let body = json!({"participants": [2, 3, number], "is_group": true, "name": "all"});
    let group = rest.ask("POST", "/chats/rooms/", Some(&alice), &body).await.granted();
    let mut ids: Vec<i64> =
        group["participants"].as_array().expect("people").iter().filter_map(|one| one["id"].as_i64()).collect();
    ids.sort_unstable();
    assert_eq!(ids, [1, 2, 3, number]);
    stranger.hears("added to all").await;
    let carol = get(&rest, "/chats/rooms/", &token_of(3, "carol")).await;
    assert_eq!(carol["results"][0]["id"], group["id"]);
}

#[tokio::test]
async fn at_matchas_endpoints() {
    let (town, admin, stranger) = begins().await;
    let (alice, bob) = (token_of(1, "alice"), token_of(2, "bob"));
    let rest = Rest::to(town.matcha());
    let made = rest.ask("POST", CHATS, Some(&alice), &json!({"user_id": 2})).await.granted()["data"].clone();
    let (id, mut pair) = (made["id"].clone(), [made["user1_id"].as_i64(), made["user2_id"].as_i64()]);
    pair.sort_unstable();
    assert_eq!((pair, &made["other_user"]["id"]), ([Some(1), Some(2)], &json!(2)));
    let say = async |token: &str, text: &str| {
        let body = json!({"conversation_id": id, "message": text});
        rest.ask("POST", "/api/v1/chat/messages", Some(token), &body).await.granted()["data"].clone()
    };
    assert_eq!(say(&alice, "for bob").await["sender_id"], 1);
    // Bob comes to both, the service and the gateway.
    let headers = [("authorization", &*format!("Bearer {bob}")), ("x-user-id", "2")];
    let mut service = town.socket_at(town.matcha(), "/api/v1/chat/ws", &headers).await.expect("let in");
    assert_eq!(service.hears().await["data"]["user_id"], 2);
    let origin = format!("http://{}", town.address());
    let path = format!("/ws?token={bob}");
    let mut gateway = town.socket_at(town.address(), &path, &[("origin", &origin)]).await.expect("let in");
    assert_eq!(gateway.hears().await["data"]["user_id"], "2");
    let channel = format!("chat_{}", id.as_i64().expect("an id"));
    gateway.writes(json!({"type": "subscribe", "data": {"channel": channel}})).await;
    let list = get(&rest, CHATS, &bob).await["data"].clone();
    let first = if list.is_array() { list[0].clone() } else { list["conversations"][0].clone() };
    assert_eq!((&first["id"], &first["other_user"]["id"]), (&id, &json!(1)));
    let messages = get(&rest, &format!("{CHATS}/{id}/messages"), &bob).await["data"].clone();
    assert_eq!((&messages[0]["msg"], &messages[0]["sender_id"]), (&json!("for bob"), &json!(1)));
    let until = async |client: &mut Stranger, kind: &str| loop {
        let frame = client.hears().await;
        if frame["type"] == kind {
            break frame;
        }
    };
    until(&mut gateway, "subscription_ack").await;
    say(&alice, "there you are").await;
    for client in [&mut service, &mut gateway] {
        let frame = loop {
            let frame = client.hears().await;
            if frame.to_string().contains("there you are") {
                break frame;
            }
        };
        assert_eq!(frame["data"]["sender_id"], 1, "{frame}");
    }
    assert_eq!(say(&bob, "here I am").await["sender_id"], 2);
    assert_eq!(account(&town, &bob).await["username"], "bob");
    ends(&town, [&admin, &stranger]).await;
    // Whether somebody is here is asked by their number, too.
    let path = format!("/api/v1/users/{}/online-status", OFFSET + stranger.id());
    let status = get(&rest, &path, &alice).await["data"].clone();
    assert_eq!(status["user_id"], OFFSET + stranger.id(), "{status}");
    assert_eq!(rest.ask("GET", "/api/v1/users/3/online-status", Some(&alice), &Value::Null).await.status, 404);
}
