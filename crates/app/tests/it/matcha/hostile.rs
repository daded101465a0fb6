//! Frames and requests that nobody should send.

use super::*;

/// Texts that are no frame, on either socket.
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
