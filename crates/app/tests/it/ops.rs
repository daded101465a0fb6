//! The operator's questions to the server, and its end.

use palabre::config::{Deployment, Secret};
use serde_json::{Value, json};
use testkit::{Rest, Town, host_token, now, until};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

#[tokio::test]
async fn it_says_that_it_lives_and_that_it_takes_work() {
    let town = Town::opens().await;
    assert_eq!(town.request("GET", "/health", Value::Null).await.granted(), json!({"status": "ok"}));
    assert_eq!(town.request("GET", "/ready", Value::Null).await.granted(), json!({"status": "ready"}));
    let server = town.request("GET", "/v1/server", Value::Null).await.granted();
    assert_eq!(server["feature_level"], 8);
    assert!(server["epoch"].as_str().is_some_and(|epoch| epoch.len() >= 16));
}

#[tokio::test]
async fn the_figures_have_the_names_that_dashboards_know() {
    let town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    ann.says(&room, "hello").await;
    town.logs_in("ann", "not her password").await.refused(401, "bad_credentials");
    town.logs_in("ann", ann.password()).await.granted();
    bob.hangs_up().await;
    let wanted = [
        "chat_websocket_connections_active",
        "chat_websocket_connections_total",
        "chat_websocket_connection_duration_seconds_count",
        "chat_messages_received_total",
        "chat_messages_sent_total",
        "chat_message_processing_duration_seconds_count",
        "chat_db_operation_duration_seconds_count",
        "chat_auth_requests_total{",
        "auth_login_attempts_total",
        "auth_login_failures_total",
        "palabre_commit_batch_size_count",
        "palabre_deliveries_total",
        "palabre_goodbyes_total{",
    ];
    // Some follow with the hub's next tick.
    let figures = until(async || {
        let figures = town.figures().await;
        let is_there = |name: &str| figures.iter().any(|(figure, value)| figure.starts_with(name) && *value >= 0.0);
        let missing: Vec<&str> = wanted.into_iter().filter(|name| !is_there(name)).collect();
        if missing.is_empty() { Ok(figures) } else { Err(missing) }
    })
    .await;
    // Nobody's name, address or words become a label.
    assert!(!figures.keys().any(|figure| figure.contains("garden") || figure.contains("ann\"")));
}

#[tokio::test]
async fn it_says_what_a_newcomer_can_do_here() {
    let town = Town::opens().await;
    let server = async || town.request("GET", "/v1/server", Value::Null).await.granted();
    let before = server().await;
    assert_eq!((&before["open_registration"], &before["playground"]), (&json!(true), &json!(false)));
    assert_eq!(before["needs_administrator"], true);
    assert!(!before.to_string().contains(town.setup_secret()), "the secret itself is told to nobody");
    let bob = town.person("bob").await;
    assert_eq!(server().await["needs_administrator"], true, "an ordinary account is no administrator");
    town.admin("ann").await;
    assert_eq!(server().await["needs_administrator"], false);
    assert_eq!(bob.asks("server.get", json!({})).await.granted()["needs_administrator"], false);

    let closed = Town::with(|config| {
        config.auth.open_registration = false;
        config.server.environment = Deployment::Development;
    })
    .await;
    let server = closed.request("GET", "/v1/server", Value::Null).await.granted();
    assert_eq!((&server["open_registration"], &server["playground"]), (&json!(false), &json!(true)));
}

#[tokio::test]
async fn figures_may_have_a_listener_of_their_own() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let town = Town::with(|config| {
        config.server.metrics_listen = Some(free);
        config.redis.url = None;
    })
    .await;
    assert_eq!(town.request("GET", "/metrics", Value::Null).await.status, 404);
    let operator = Rest::to(free);
    let figures = operator.ask("GET", "/metrics", None, &Value::Null).await;
    assert!(figures.status == 200 && figures.header("content-type").unwrap().starts_with("text/plain"));
    assert_eq!(operator.ask("GET", "/health", None, &Value::Null).await.status, 200);
    assert_eq!(operator.ask("GET", "/v1/server", None, &Value::Null).await.status, 404);
}

#[tokio::test]
async fn strangers_take_no_places_on_the_operators_own_listener() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let town = Town::with(|config| {
        config.server.metrics_listen = Some(free);
        config.limits.unauthenticated_connections = 4;
        config.redis.url = None;
    })
    .await;
    let mut of_operator = TcpStream::connect(free).await.unwrap();
    let mut strangers = Vec::new();
    for _ in 0..8 {
        strangers.push(TcpStream::connect(town.address()).await.unwrap());
    }
    // They come to so many that those go who came first.
    assert_eq!(strangers[0].read(&mut [0]).await.unwrap_or(0), 0);
    of_operator.write_all(b"GET /health HTTP/1.1\r\nhost: it\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    of_operator.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test]
async fn a_server_that_stops_tells_all_sockets_to_come_back() {
    let mut town = Town::alone().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let mut old = town.old_client(&format!("/?token={}", bob.tokens().access), &[]).await.unwrap();
    let room = ann.opens_room("garden").await;
    ann.says(&room, "good night").await;
    let address = town.address();
    town.closes().await;
    let mut after = Vec::new();
    for person in [&ann, &bob] {
        let (code, reason) = person.is_sent_away().await;
        assert_eq!((code, &reason["code"], &reason["retry"]), (1012, &json!("restart"), &json!(true)));
        after.push(reason["retry_after_ms"].as_i64().unwrap());
    }
    after.push(old.is_sent_away().await.1["retry_after_ms"].as_i64().unwrap());
    after.sort_unstable();
    after.dedup();
    assert_eq!(after.len(), 3, "they do not all come back at once: {after:?}");
    assert!(TcpStream::connect(address).await.is_err(), "nobody is let in any more");
}

#[tokio::test]
async fn what_was_sent_before_the_end_is_answered_or_refused_but_not_forgotten() {
    let mut town = Town::opens().await;
    let ann = town.person("ann").await;
    let room = ann.opens_room("garden").await;
    let mut pipe = town.stranger().await;
    pipe.writes(json!({"id": "0", "type": "authenticate", "data": {"token": ann.tokens().access}})).await;
    pipe.hears().await;
    for n in 0..200 {
        let data = json!({"conversation": room.id, "client_id": format!("n{n}"), "text": n.to_string()});
        pipe.writes(json!({"id": n.to_string(), "type": "message.send", "data": data})).await;
    }
    let listening = async {
        let mut acked = 0;
        loop {
            match pipe.hears_or_goodbye().await {
                Ok(frame) if frame["type"] == "message.sent" => acked += 1,
                Ok(_) => {}
                Err(close_reason) => return (acked, close_reason),
            }
        }
    };
    let ((acked, close_reason), ()) = tokio::join!(listening, town.closes());
    assert_eq!(close_reason, 1012);
    // A server that starts on the same data finds everything that was acknowledged.
    let again = town.opens_again().await;
    let path = format!("/v1/conversations/{}/messages?limit=200", room.id);
    let page = again.rest().ask("GET", &path, Some(&ann.tokens().access), &Value::Null).await.granted();
    let kept = page["messages"].as_array().unwrap().len();
    assert!(kept >= acked, "{acked} were acknowledged, {kept} are kept");
}

#[tokio::test]
async fn the_log_tells_no_password_no_token_and_no_words_of_anybody() {
    let town = Town::with(|config| {
        config.auth.jwt_secret = Some(Secret::new("between the town and its host: 5f0e8c"));
        config.auth.host_create_users = true;
    })
    .await;
    let (ann, bob) = town.two("ann", "bob").await;
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    ann.says(&room, "a word that nobody else should read").await;
    town.logs_in("ann", "a password that is wrong").await.refused(401, "bad_credentials");
    town.logs_in("a password typed as a name", "x").await.refused(401, "bad_credentials");
    let token = host_token(&json!({"user_id": 5, "username": "cid", "exp": now() + 600}));
    town.old_client(&format!("/?token={token}"), &[]).await.unwrap();
    town.request("GET", &format!("/v1/users/me?token={token}"), Value::Null).await;
    let refresh = json!({"refresh_token": bob.tokens().refresh});
    let second = town.request("POST", "/v1/sessions/refresh", refresh.clone()).await.granted();
    let second = json!({"refresh_token": second["refresh_token"]});
    town.request("POST", "/v1/sessions/refresh", second.clone()).await.granted();
    town.request("POST", "/v1/sessions/refresh", refresh).await.refused(401, "unauthenticated");
    ann.writes("not json, with a word that nobody else should read");
    ann.is_refused("malformed").await;
    let log = town.log();
    assert!(log.len() > 10, "the log is empty: {log:?}");
    for secret in [
        "a word that nobody",
        ann.password(),
        "a password",
        &token,
        &ann.tokens().access,
        &ann.tokens().refresh,
        &bob.tokens().refresh,
        second["refresh_token"].as_str().unwrap(),
        "between the town",
        town.setup_secret(),
    ] {
        let telling = log.iter().find(|line| line.contains(secret));
        assert_eq!(telling, None, "{secret} is in the log");
    }
}
