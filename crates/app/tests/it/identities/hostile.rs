//! Tokens and numbers that are made to mean somebody else.

use super::*;

#[tokio::test]
async fn a_subject_that_is_no_number_is_refused_where_people_are_known_by_numbers() {
    let town = Town::with_a_host().await;
    let alice = town.old_handshake(&format!("/?token={}", token_of(1, "alice")), &[]).await;
    assert_eq!(alice.0, 101);
    for subject in [
        "01",
        "+1",
        "-1",
        "0",
        "٣",
        "１",
        "1.0",
        "1e0",
        "0x1",
        "one",
        "1000000000",
        "1000000002",
        "9223372036854775808",
    ] {
        let token = host_token(&json!({"sub": subject, "exp": now() + 600}));
        for (endpoint, path) in [
            (town.chat_server(), format!("/?token={token}")),
            (town.dreametrix(), format!("/ws/chat/?token={token}")),
            (town.matcha(), format!("/api/v1/chat/ws?token={token}")),
            (town.address(), format!("/ws?token={token}")),
        ] {
            assert_eq!(town.handshake_at(endpoint, &path, &[]).await.0, 401, "{subject} {path}");
        }
        for (rest, path) in [
            (Rest::to(town.chat_server()), "/me"),
            (Rest::to(town.dreametrix()), "/chats/rooms/"),
            (Rest::to(town.matcha()), "/api/v1/chat/conversations"),
        ] {
            assert_eq!(rest.ask("GET", path, Some(&token), &Value::Null).await.status, 401, "{subject} {path}");
        }
        // At our own endpoint it is as good as any: a person of their own, whom the old endpoints know by the offset.
        let me = account(&town, &token).await;
        let number = OFFSET + me["id"].as_i64().expect("an id");
        let seen = get(&Rest::to(town.chat_server()), &format!("/users/{number}"), &token_of(1, "alice")).await;
        assert_eq!(seen["id"], number);
    }
    let warned =
        town.log().iter().filter(|line| line.contains("refused: The token's user_id or sub is no number")).count();
    assert!(warned > 0, "it is logged");
    for bad in [
        json!(-1),
        json!(1.5),
        json!(1.0),
        json!(1e300),
        json!(""),
        json!(" 1"),
        json!("1 "),
        json!("x".repeat(300)),
        json!("1\n"),
        json!("a\u{0}"),
        json!([1]),
        json!({"id": 1}),
    ] {
        let token = host_token(&json!({"user_id": bad, "exp": now() + 600}));
        assert_eq!(town.rest().ask("GET", "/v1/users/me", Some(&token), &Value::Null).await.status, 401, "{bad}");
        assert_eq!(town.old_handshake(&format!("/?token={token}"), &[]).await.0, 401, "{bad}");
    }
}

#[tokio::test]
async fn a_number_that_means_nobody_reaches_nobody() {
    let town = Town::with_a_host().await;
    let (admin, stranger) = (town.admin("root").await, town.person("stranger").await);
    let token = token_of(5, "alice");
    let mut old = page(&town, &token).await;
    for to in [json!(0), json!(OFFSET), json!(OFFSET + 9_999), json!(9_007_199_254_740_991_i64)] {
        old.writes(json!({"type": "dm", "to": to, "content": "x"})).await;
        assert_eq!(old.hears().await["type"], "error", "{to}");
        old.writes(json!({"type": "dm_history", "with": to})).await;
        assert_eq!(old.hears().await["type"], "error", "{to}");
    }
    for to in [json!(-1), json!("1"), json!(1.5), json!(null), json!("٣")] {
        old.writes(json!({"type": "dm", "to": to, "content": "x"})).await;
        assert_eq!(old.hears().await["type"], "error", "{to}");
    }
    // Asking for a number that nobody knows makes nobody.
    let rest = Rest::to(town.chat_server());
    for number in [1, 2, 77] {
        assert_eq!(rest.ask("GET", &format!("/users/{number}"), Some(&token), &Value::Null).await.status, 404);
        let matcha = Rest::to(town.matcha());
        let path = format!("/api/v1/users/{number}/online-status");
        assert_eq!(matcha.ask("GET", &path, Some(&token), &Value::Null).await.status, 404);
    }
    for text in ["+5", "5%20", "%D9%A3", "%EF%BC%95", "5.0", "-5", "99999999999999999999"] {
        let answer = rest.ask("GET", &format!("/users/{text}"), Some(&token), &Value::Null).await;
        assert!((400..500).contains(&answer.status), "{text}: {}", answer.status);
    }
    for other in [&admin, &stranger] {
        assert_eq!(conversations(&town, other).await, 0);
    }
}

#[tokio::test]
async fn nobody_names_more_than_twenty_people_a_day_who_have_not_come() {
    let town = Town::with_a_host().await;
    let mut alice = page(&town, &token_of(1, "alice")).await;
    let mut writes = async |to: i64| {
        alice.writes(json!({"type": "dm", "to": to, "content": "x"})).await;
        alice.hears().await
    };
    for to in 100..120 {
        assert_eq!(writes(to).await["type"], "dm_sent", "{to}");
    }
    let refused = writes(120).await;
    assert_eq!(refused["type"], "error", "{refused}");
    // Those whom they have named stay theirs to write to; and to others it is open to name them.
    assert_eq!(writes(100).await["type"], "dm_sent");
    let body = json!({"participants": (200..221).collect::<Vec<i64>>(), "is_group": true, "name": "many"});
    let dreametrix = Rest::to(town.dreametrix());
    let answer = dreametrix.ask("POST", "/chats/rooms/", Some(&token_of(2, "bob")), &body).await;
    assert_eq!(answer.status, 429, "{}", answer.text);
    // All of them or none: nobody was made for a group that there is not.
    let mut bob = page(&town, &token_of(2, "bob")).await;
    bob.writes(json!({"type": "dm_history", "with": 200})).await;
    assert_eq!(bob.hears().await["type"], "error");
    bob.writes(json!({"type": "dm", "to": 120, "content": "x"})).await;
    assert_eq!(bob.hears().await["type"], "dm_sent");
}

#[tokio::test]
async fn what_is_refused_makes_nobody_and_uses_up_none_of_the_twenty() {
    let town = Town::with_a_host().await;
    let dreametrix = Rest::to(town.dreametrix());
    let refused = async |body: Value| {
        let answer = dreametrix.ask("POST", "/chats/rooms/", Some(&token_of(1, "alice")), &body).await;
        assert!((400..500).contains(&answer.status) && answer.status != 429, "{body}: {}", answer.text);
    };
    for first in [100, 110, 120] {
        let people: Vec<i64> = (first..first + 10).collect();
        refused(json!({"participants": people, "is_group": true, "name": "x".repeat(2_000)})).await;
        refused(json!({"participants": people, "is_group": true, "name": "a\u{0}b"})).await;
    }
    let gone = account(&town, &token_of(2, "bob")).await["id"].as_i64().expect("an id");
    let root = town.admin("root").await;
    root.asks("user.active", json!({"user": gone, "active": false})).await.granted();
    refused(json!({"participants": [2, 130, 131], "is_group": true, "name": "with bob"})).await;
    let mut alice = page(&town, &token_of(1, "alice")).await;
    for nobody in [100, 119, 131] {
        alice.writes(json!({"type": "dm_history", "with": nobody})).await;
        assert_eq!(alice.hears().await["type"], "error", "{nobody}");
    }
    for to in 200..220 {
        alice.writes(json!({"type": "dm", "to": to, "content": "x"})).await;
        assert_eq!(alice.hears().await["type"], "dm_sent", "{to}");
    }
}

#[tokio::test]
async fn a_token_of_one_host_is_never_somebody_of_another() {
    let town = two_hosts().await;
    let theirs = |sub: &str| host_token_signed(&json!({"sub": sub, "iss": "default", "exp": now() + 600}), OTHER);
    let ann = account(&town, &token_of(1, "ann")).await["id"].clone();
    for sub in ["1", "01", "1\u{200b}"] {
        assert_ne!(account(&town, &theirs(sub)).await["id"], ann, "{sub}");
    }
    let unknown = host_token_signed(&json!({"sub": "1", "exp": now() + 600}), "of no host at all, but as long as one");
    assert_eq!(town.rest().ask("GET", "/v1/users/me", Some(&unknown), &Value::Null).await.status, 401);
    // The ids of one host's people name nobody of the other.
    let body = json!({"participants": [1]});
    let school = Rest::to(town.dreametrix());
    let made = school.ask("POST", "/chats/rooms/", Some(&theirs("7")), &body).await.granted();
    assert_eq!(made["participants"].as_array().map(Vec::len), Some(2), "{made}");
    let ours = get(town.rest(), "/v1/conversations", &token_of(1, "ann")).await;
    assert_eq!(ours["conversations"], json!([]));
    let rooms = get(&school, "/chats/rooms/", &theirs("1")).await;
    assert_eq!(rooms["count"], 1);
}
