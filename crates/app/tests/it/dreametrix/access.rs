//! Access by token and by cookie.

use super::*;

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
        for endpoint in [town.dreametrix(), town.address()] {
            assert_eq!(town.handshake_at(endpoint, &path, &headers).await.0, 101, "{path} {headers:?}");
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
    // Our own endpoint takes neither the address nor the cookie.
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
    // It is no token, wherever a token may stand, at any endpoint.
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
        for endpoint in [town.dreametrix(), town.address()] {
            let path = format!("/ws/chat/{query}");
            assert_eq!(town.handshake_at(endpoint, &path, &[("origin", bad)]).await.0, 403, "{bad}");
            let headers = [("origin", bad), ("authorization", bearer.as_str())];
            assert_eq!(town.handshake_at(endpoint, "/ws/chat/", &headers).await.0, 403, "{bad}");
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
            config.dreametrix.allowed_origins = named;
            // Those of all endpoints open a further one, and shut none.
            config.server.allowed_origins = vec!["https://elsewhere.example.org".into()];
        })
        .await;
        let query = format!("?token={}", town.absent("bob").await.tokens().access);
        for page in ["http://localhost:3000", "http://127.0.0.1:8000"] {
            assert_eq!(shake(&town, &query, &[("origin", page)]).await.0, status, "{page} {deployment:?}");
        }
        assert_eq!(
            town.turned_away(&[("origin", "http://localhost:3000")]).await,
            403,
            "at our own endpoint it is not"
        );
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
