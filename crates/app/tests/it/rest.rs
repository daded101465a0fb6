//! Requests: the same commands, with statuses, headers and problems as programs expect them.

use serde_json::{Value, json};
use testkit::Town;

#[tokio::test]
async fn a_refusal_is_a_problem_object() {
    let town = Town::opens().await;
    let ann = town.person("ann").await;
    let room = ann.opens_room("garden").await;
    let path = format!("/v1/conversations/{}/messages/a", room.id);
    let answer = ann.requests("PUT", &path, json!({"text": "x".repeat(2_001)})).await;
    let id = answer.header("x-request-id").unwrap().to_owned();
    let problem = answer.refused(422, "invalid");
    assert_eq!(problem["type"], "https://palabre.chat/problems/invalid");
    assert_eq!((&problem["status"], &problem["request_id"]), (&json!(422), &json!(id)));
    assert_eq!(problem["errors"][0]["pointer"], "/text");
    assert!(problem["title"].is_string() && problem["detail"].as_str().unwrap().contains("2001"));
    // On the socket it is the same, but for the request's id.
    let mut on_socket = ann.asks("message.send", ann.draft(&room, &"x".repeat(2_001))).await.refused("invalid");
    on_socket["request_id"] = problem["request_id"].clone();
    assert_eq!(on_socket, problem);
}

#[tokio::test]
async fn a_request_has_an_id_the_callers_own_if_it_is_harmless() {
    let town = Town::opens().await;
    let id = async |given: &str| {
        let answer = town.rest().ask_with("GET", "/v1/server", None, &Value::Null, &[("x-request-id", given)]).await;
        answer.header("x-request-id").unwrap().to_owned()
    };
    assert_eq!(id("my-request_1.2").await, "my-request_1.2");
    let long = "x".repeat(65);
    for harmful in ["", "a b", "a\"b", "<script>", "a/b", &long] {
        let given = id(harmful).await;
        assert!(given != harmful && given.len() == 16, "{harmful} became {given}");
    }
}

#[tokio::test]
async fn what_there_is_not_is_404_and_a_wrong_method_says_which_there_are() {
    let town = Town::opens().await;
    for path in ["/v1", "/v1/", "/v1/nothing", "/v2/server", "/v1/server/", "//v1/server", "/v1/users/me/x", "/.git"] {
        let answer = town.request("GET", path, Value::Null).await;
        assert_eq!(answer.status, 404, "{path}");
        answer.refused(404, "unknown_command");
    }
    for (method, path, allowed) in [
        ("DELETE", "/v1/server", "GET, HEAD"),
        ("POST", "/v1/conversations/1", "GET, HEAD, PATCH"),
        ("PATCH", "/v1/accounts", "GET, HEAD, POST"),
        ("PATCH", "/v1/sessions/refresh", "POST"),
        ("POST", "/v1/users/me/password", "PUT"),
    ] {
        let answer = town.request(method, path, Value::Null).await;
        let mut allow: Vec<&str> = answer.header("allow").unwrap_or_default().split(", ").collect();
        allow.sort_unstable();
        allow.retain(|method| *method != "OPTIONS");
        let mut expected: Vec<&str> = allowed.split(", ").collect();
        if !allow.contains(&"HEAD") {
            expected.retain(|method| *method != "HEAD");
        }
        assert_eq!(allow, expected, "{path}");
        answer.refused(405, "method_not_allowed");
    }
}

/// Every operation that the server's own document lists.
async fn operations(town: &Town) -> Vec<(String, String)> {
    let document = town.request("GET", "/v1/openapi.json", Value::Null).await.granted();
    let mut all = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            if ["get", "put", "post", "patch", "delete"].contains(&method.as_str()) {
                let mut parts = path.split('/').map(|part| if part.starts_with('{') { "1" } else { part });
                let path = parts.by_ref().collect::<Vec<_>>().join("/");
                all.push((method.to_uppercase(), path));
            }
        }
    }
    assert!(all.len() > 35, "{all:?}");
    all
}

#[tokio::test]
async fn every_operation_needs_a_credential_but_those_that_give_one() {
    // The ticket of a push is its own credential, and the server's picture is for everybody.
    const OPEN: [(&str, &str); 6] = [
        ("GET", "/v1/server"),
        ("POST", "/v1/accounts"),
        ("POST", "/v1/sessions"),
        ("POST", "/v1/sessions/refresh"),
        ("POST", "/v1/push/open"),
        ("GET", "/v1/server/avatar/1"),
    ];
    let town = Town::opens().await;
    let everything = operations(&town).await;
    for (method, path) in &everything {
        let open = OPEN.contains(&(method, path));
        for token in [None, Some("nonsense")] {
            let answer = town.rest().ask(method, path, token, &Value::Null).await;
            assert_eq!(answer.status != 401, open, "{method} {path} is answered by {}", answer.status);
            if !open {
                assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
                answer.refused(401, "unauthenticated");
            }
        }
        if !open {
            // Another scheme is no credential; a token in the address neither.
            let headers = [("authorization", "Basic YW5uOmFubg==")];
            let answer = town.rest().ask_with(method, path, None, &Value::Null, &headers).await;
            assert_eq!(answer.status, 401, "{method} {path}");
        }
    }
    let ann = town.absent("ann").await;
    let path = format!("/v1/users/me?token={}", ann.tokens().access);
    town.request("GET", &path, Value::Null).await.refused(401, "unauthenticated");
}

#[tokio::test]
async fn every_answer_carries_the_security_headers() {
    let town = Town::opens().await;
    let mut requests = operations(&town).await;
    for (method, path) in [
        ("GET", "/"),
        ("GET", "/docs"),
        ("GET", "/docs/docs.js"),
        ("GET", "/docs/docs.css"),
        ("GET", "/health"),
        ("GET", "/ready"),
        ("GET", "/metrics"),
        ("GET", "/v1/openapi.json"),
        ("GET", "/v1/asyncapi.json"),
        ("GET", "/v1/ws"),
        ("GET", "/nothing"),
        ("DELETE", "/health"),
        ("OPTIONS", "/v1/server"),
    ] {
        requests.push((method.into(), path.into()));
    }
    for (method, path) in requests {
        let answer = town.rest().ask(&method, &path, None, &Value::Null).await;
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("x-frame-options", "DENY"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{method} {path}");
        }
        let policy = answer.header("content-security-policy").unwrap_or_default();
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{method} {path}: {policy}");
        assert!(answer.header("x-request-id").is_some() && answer.header("cache-control").is_some());
        assert_eq!(answer.header("access-control-allow-origin"), None);
        assert_eq!(answer.header("server"), None);
    }
}

#[tokio::test]
async fn the_documents_are_served_and_need_no_foreign_host() {
    let town = Town::opens().await;
    let openapi = town.request("GET", "/v1/openapi.json", Value::Null).await.granted();
    assert!(openapi["openapi"].as_str().unwrap().starts_with("3.1"));
    let asyncapi = town.request("GET", "/v1/asyncapi.json", Value::Null).await.granted();
    assert!(asyncapi["asyncapi"].as_str().unwrap().starts_with('3'));
    for (path, media_type) in
        [("/docs", "text/html"), ("/docs/docs.js", "text/javascript"), ("/docs/docs.css", "text/css")]
    {
        let answer = town.request("GET", path, Value::Null).await;
        assert!(answer.header("content-type").unwrap().starts_with(media_type));
        for foreign in ["src=\"http", "href=\"http", "src=\"//", "url(http", "import(\"http", "fetch(\"http"] {
            assert!(!answer.text.contains(foreign), "{path} has {foreign}");
        }
    }
}

#[tokio::test]
async fn a_body_is_json_of_so_many_bytes_and_not_one_more() {
    let town = Town::with(|config| config.limits.frame_bytes = 1_024).await;
    let ann = town.absent("ann").await;
    let token = format!("Bearer {}", ann.tokens().access);
    let patch = async |media_type: &str, body: String| {
        let headers = [("authorization", &token[..]), ("content-type", media_type)];
        town.rest().ask_raw("PATCH", "/v1/users/me", &headers, body).await.status
    };
    let whole = |length: usize| {
        let body = r#"{"city":"Lyon"}"#;
        format!("{body}{}", " ".repeat(length - body.len()))
    };
    let json_type = "application/json";
    assert_eq!(patch(json_type, whole(1_024)).await, 200);
    assert_eq!(patch("Application/JSON; charset=utf-8", whole(100)).await, 200);
    assert_eq!(patch(json_type, whole(1_025)).await, 413);
    for (media_type, body) in [
        ("text/plain", whole(100)),
        ("application/x-www-form-urlencoded", "city=Lyon".into()),
        (json_type, "{".into()),
        (json_type, "[]".into()),
        (json_type, "\"city\"".into()),
        (json_type, r#"{"city":"Lyon","city":"Paris"}"#.into()),
        (json_type, format!("{}{}", "[".repeat(400), "]".repeat(400))),
    ] {
        assert_eq!(patch(media_type, body.clone()).await, 400, "{media_type}: {body}");
    }
    assert_eq!(patch(json_type, r#"{"city":"\ud800"}"#.into()).await / 100, 4);
    assert_eq!(patch(json_type, r#"{"town":"Lyon"}"#.into()).await, 422);
}

#[tokio::test]
async fn path_query_and_body_must_agree_and_hold_nothing_unknown() {
    let town = Town::opens().await;
    let ann = town.person("ann").await;
    let (room, other) = (ann.opens_room("garden").await, ann.opens_room("kitchen").await);
    let path = format!("/v1/conversations/{}/messages", room.id);
    let body = json!({"text": "hello", "conversation": other.id});
    ann.requests("POST", &path, body).await.refused(400, "malformed");
    let body = json!({"text": "hello", "conversation": room.id, "client_id": "b"});
    ann.requests("POST", &path, body).await.granted();
    ann.requests("PUT", &format!("{path}/a"), json!({"text": "x", "client_id": "b"})).await.refused(400, "malformed");
    ann.requests("GET", &format!("{path}?limit=5&colour=red"), Value::Null).await.refused(422, "invalid");
    ann.requests("GET", &format!("{path}?limit=5&limit=6"), Value::Null).await.refused(400, "malformed");
    for limit in ["0x5", "-1", "five", "1.5", "", "9007199254740993"] {
        ann.requests("GET", &format!("{path}?limit={limit}"), Value::Null).await.refused(422, "invalid");
    }
    for id in ["x", "-1", "1.0", "01x", "9007199254740992"] {
        let answer = ann.requests("GET", &format!("/v1/conversations/{id}"), Value::Null).await;
        assert!(matches!(answer.status, 404 | 422), "{id}: {}", answer.text);
    }
    ann.requests_with("POST", &path, json!({"text": "x"}), &[("idempotency-key", "a b")])
        .await
        .refused(400, "malformed");
    ann.requests_with("POST", &path, json!({"text": "x", "client_id": "c"}), &[("idempotency-key", "d")])
        .await
        .refused(400, "malformed");
    // Without any, a send is possible, and can be repeated by nobody.
    ann.requests("POST", &path, json!({"text": "once"})).await.granted();
    ann.requests("POST", &path, json!({"text": "once"})).await.granted();
    assert_eq!(ann.knows(&room).len(), 3);
}

#[tokio::test]
async fn statuses_are_those_of_the_document() {
    let town = Town::opens().await;
    let ann = town.person("ann").await;
    let bob = town.absent("bob").await;
    let created = ann.requests("POST", "/v1/conversations", json!({"kind": "room", "name": "garden"})).await;
    assert_eq!(created.status, 201);
    let path = format!("/v1/conversations/{}", created.granted()["id"]);
    for (method, path, body, status) in [
        ("POST", format!("{path}/members"), json!({"user": bob.id()}), 201),
        ("PATCH", format!("{path}/members/{}", bob.id()), json!({"role": "admin"}), 200),
        ("POST", format!("{path}/messages"), json!({"text": "hello"}), 201),
        ("PATCH", format!("{path}/messages/4"), json!({"text": "hello!"}), 200),
        ("PUT", format!("{path}/messages/4/reactions/%F0%9F%91%8D"), Value::Null, 200),
        ("DELETE", format!("{path}/messages/4/reactions/%F0%9F%91%8D"), Value::Null, 200),
        ("GET", format!("{path}/changes?since=0"), Value::Null, 200),
        ("DELETE", format!("{path}/messages/4"), Value::Null, 200),
        ("DELETE", format!("{path}/members/{}", bob.id()), Value::Null, 204),
        ("PUT", "/v1/users/me/presence".into(), json!({"presence": "away"}), 204),
        ("POST", format!("{path}/leave"), Value::Null, 204),
    ] {
        let answer = ann.requests(method, &path, body).await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text);
        assert_eq!(status == 204, answer.text.is_empty(), "{method} {path}");
    }
    let head = town.rest().ask("HEAD", "/v1/server", None, &Value::Null).await;
    assert_eq!((head.status, head.text.as_str()), (200, ""));
}

#[tokio::test]
async fn answers_tell_how_much_of_the_rate_is_left() {
    let town = Town::with(|config| {
        config.limits.request_burst = 3;
        config.limits.requests_per_minute = 60;
        config.limits.message_burst = 2;
        config.limits.messages_per_minute = 6;
    })
    .await;
    let ann = town.absent("ann").await;
    let token = ann.tokens().access;
    let me = async || town.rest().ask("GET", "/v1/users/me", Some(&token), &Value::Null).await;
    let first = me().await;
    assert_eq!(first.header("ratelimit-policy"), Some("\"requests\";q=60;w=60"));
    assert_eq!(first.header("ratelimit"), Some("\"requests\";r=2;t=1"));
    assert_eq!((first.header("x-ratelimit-limit"), first.header("x-ratelimit-remaining")), (Some("3"), Some("2")));
    assert!(first.header("x-ratelimit-reset-after").unwrap().parse::<f64>().unwrap() <= 1.0);
    assert_eq!(me().await.header("x-ratelimit-remaining"), Some("1"));
    assert_eq!(me().await.header("x-ratelimit-remaining"), Some("0"));
    let refused = me().await;
    assert_eq!((refused.header("retry-after"), refused.header("x-ratelimit-remaining")), (Some("1"), Some("0")));
    let problem = refused.refused(429, "rate_limited");
    assert!((1..=1_000).contains(&problem["retry_after_ms"].as_i64().unwrap()));
    // Messages have a rate of their own; another person has both for themselves.
    let bob = town.absent("bob").await;
    let token = bob.tokens().access;
    let room = json!({"kind": "room", "name": "garden"});
    let room = town.rest().ask("POST", "/v1/conversations", Some(&token), &room).await.granted();
    let path = format!("/v1/conversations/{}/messages", room["id"]);
    let send = async || town.rest().ask("POST", &path, Some(&token), &json!({"text": "hello"})).await;
    let sent = send().await;
    assert_eq!(sent.header("ratelimit-policy"), Some("\"messages\";q=6;w=60"));
    assert_eq!(sent.header("x-ratelimit-bucket"), Some("messages"));
    send().await.granted();
    let refused = send().await;
    assert!((9..=10).contains(&refused.header("retry-after").unwrap().parse::<i32>().unwrap()));
    refused.refused(429, "rate_limited");
}

#[tokio::test]
async fn everything_that_the_socket_can_do_rest_can_do_too() {
    let town = Town::opens().await;
    let asyncapi = town.request("GET", "/v1/asyncapi.json", Value::Null).await.granted();
    let commands = asyncapi.to_string();
    let openapi = town.request("GET", "/v1/openapi.json", Value::Null).await.granted();
    let mut names = Vec::new();
    for methods in openapi["paths"].as_object().unwrap().values() {
        for operation in methods.as_object().unwrap().values() {
            names.extend(operation["operationId"].as_str().map(str::to_owned));
        }
    }
    assert!(names.len() > 35, "{names:?}");
    for name in [
        "account.register",
        "session.create",
        "session.refresh",
        "session.list",
        "session.logout",
        "session.end",
        "account.get",
        "account.update",
        "account.password",
        "account.email",
        "presence.set",
        "presence.get",
        "user.get",
        "user.list",
        "user.role",
        "user.active",
        "account.list",
        "server.statistics",
        "server.figures",
        "conversation.create",
        "conversation.list",
        "conversation.get",
        "conversation.update",
        "conversation.join",
        "conversation.leave",
        "conversation.sync",
        "room.list",
        "room.get",
        "member.list",
        "member.add",
        "member.update",
        "member.remove",
        "message.send",
        "message.history",
        "message.get",
        "message.edit",
        "message.delete",
        "reaction.add",
        "reaction.remove",
        "marker.read",
        "marker.delivered",
        "marker.list",
        "typing.set",
    ] {
        assert!(commands.contains(name), "{name} is not in the description of the socket");
        assert!(names.iter().any(|id| id.starts_with(name)), "{name} is not in the description of REST: {names:?}");
    }
}
