//! Credentials that are accepted, and those that are not.

use super::*;

/// The answer to a handshake that becomes no socket.
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
        for endpoint in [town.matcha(), town.address()] {
            let headers = [("authorization", &*authorization), ("x-user-id", "77")];
            assert_eq!(town.handshake_at(endpoint, path, &headers).await.0, 101, "{path}");
            let in_query = format!("{path}?a=1&token={token}");
            assert_eq!(town.handshake_at(endpoint, &in_query, &[]).await.0, 101, "{path}");
            // One that is good is enough.
            let other = [("authorization", "Bearer nonsense")];
            assert_eq!(town.handshake_at(endpoint, &in_query, &other).await.0, 101, "{path}");
        }
    }
    let alice = town.absent("alice").await;
    let own = alice.tokens();
    // The cookie that Dreametrix' endpoint gives for a token.
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
    let endpoint = town.matcha();
    let ours = format!("http://localhost:{}", town.address().port());
    for path in [SERVICE, "/ws"] {
        for origin in ["https://chat.example.org", &ours] {
            let headers = [("cookie", &*cookie), ("origin", origin)];
            assert_eq!(town.handshake_at(endpoint, path, &headers).await.0, 101, "{path} {origin}");
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
    let rest = Rest::to(endpoint);
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
    for endpoint in [town.address(), town.matcha()] {
        let rest = Rest::to(endpoint);
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
