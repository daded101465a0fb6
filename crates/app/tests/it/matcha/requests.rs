//! Requests and their answers.

use super::*;

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
    let read = web.next("notification_marked_read").await["data"].clone();
    let expected = json!({"notification_id": first.id.to_string(), "status": "read", "timestamp": read["timestamp"]});
    assert_eq!(read, expected);
    assert!(read["timestamp"].is_i64(), "{read}");
    assert_eq!((his.unread(&room).await, his.unread(&other).await), (json!(1), json!(1)));
    web.writes(json!({"type": "notification", "data": {"action": "mark_all_read"}})).await;
    assert_eq!(web.next("all_notifications_marked_read").await["data"]["status"], "all_read");
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
    let own_endpoint = Rest::to(town.matcha());
    for rest in [&own_endpoint, &Rest::to(town.address())] {
        let mine = std::ptr::eq(rest, &own_endpoint);
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
        // A path that is nobody's on the common port is answered in its own words; here everything is this endpoint's.
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
