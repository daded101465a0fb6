//! The people of host applications: known at the old endpoints by their host's numbers, and by nobody else's.

mod hostile;
mod story;

use std::net::SocketAddr;

use palabre::config::{Config, Host, Secret};
use serde_json::{Value, json};
use testkit::{Person, Rest, Stranger, Town, host_token, host_token_signed, now};

/// Where the numbers of those begin who have none in the host.
const OFFSET: i64 = 1_000_000_000;
/// The secret of a second host.
const OTHER: &str = "between the town and the school: 81c6";

/// A token of the town's host for its user of this number.
fn token_of(number: i64, username: &str) -> String {
    host_token(&json!({"user_id": number, "sub": number.to_string(), "username": username, "exp": now() + 600}))
}

/// A second host beside the first, whose endpoint is Dreametrix'.
fn with_a_school(config: &mut Config) {
    let school = Host { secret: Some(Secret::new(OTHER)), create_users: true, ..Host::default() };
    config.hosts.0.insert("school".into(), school);
    config.dreametrix.host = Some("school".into());
}

/// Two hosts that share one server.
async fn two_hosts() -> Town {
    Town::with_a_host_and(with_a_school).await
}

async fn get(rest: &Rest, path: &str, token: &str) -> Value {
    rest.ask("GET", path, Some(token), &Value::Null).await.granted()
}

/// Somebody's account, as they see it at our own endpoint.
async fn account(town: &Town, token: &str) -> Value {
    get(town.rest(), "/v1/users/me", token).await
}

/// How many conversations somebody has.
async fn conversations(town: &Town, person: &Person) -> usize {
    let all = get(town.rest(), "/v1/conversations", &person.tokens().access).await;
    all["conversations"].as_array().expect("a list").len()
}

/// A client of the old chat-server's pages.
async fn page(town: &Town, token: &str) -> Stranger {
    page_at(town, town.chat_server(), token).await
}

/// The same at the listener of some node.
async fn page_at(town: &Town, node: SocketAddr, token: &str) -> Stranger {
    let mut client = town.socket_at(node, &format!("/?token={token}"), &[]).await.expect("let in");
    // The old protocol has no greeting: whoever is answered listens.
    client.writes(json!({"type": "leave", "room": "nowhere at all"})).await;
    assert_eq!(client.hears().await["type"], "error");
    client
}

#[tokio::test]
async fn an_account_of_a_host_has_an_id_of_ours_and_its_name_is_shown_as_it_is() {
    let town = Town::with_a_host().await;
    let dave = town.person("dave").await;
    for (number, name) in [(7, "Élodie Dupré"), (8, "张伟"), (9, "dave"), (10, "DAVE"), (11, "a"), (12, "x y")] {
        let me = account(&town, &token_of(number, name)).await;
        assert_ne!(me["id"], number);
        assert_eq!(me["display_name"], name);
        let username = me["username"].as_str().expect("a username").to_owned();
        assert_eq!(username, format!("user_{}", me["id"]), "{name}");
        // The old pages have one field for it.
        let shown = get(&Rest::to(town.chat_server()), "/me", &token_of(number, name)).await;
        assert_eq!((&shown["id"], &shown["username"]), (&json!(number), &json!(name)));
    }
    let me = account(&town, &token_of(13, "erin")).await;
    assert_eq!((&me["username"], &me["display_name"]), (&json!("erin"), &json!("erin")));
    let nameless = host_token(&json!({"sub": "14", "exp": now() + 600}));
    let me = account(&town, &nameless).await;
    assert_eq!(me["username"], format!("user_{}", me["id"]));
    let full = host_token(&json!({"sub": "15", "username": "frank", "name": "Frank Ö.", "exp": now() + 600}));
    let me = account(&town, &full).await;
    assert_eq!((&me["username"], &me["display_name"]), (&json!("frank"), &json!("Frank Ö.")));
    // A made name is nobody's who has taken it before.
    let next = me["id"].as_i64().expect("an id") + 2;
    town.absent(&format!("user_{next}")).await;
    let me = account(&town, &token_of(16, "dave")).await;
    assert_eq!(me["id"], next);
    assert!(me["username"].as_str().is_some_and(|name| name.starts_with(&format!("user_{next}_"))), "{me}");
    drop(dave);
}

#[tokio::test]
async fn people_without_a_name_are_not_blank_on_matchas_pages() {
    let town = Town::with_a_host().await;
    let nameless = |sub: &str| host_token(&json!({"sub": sub, "exp": now() + 600}));
    let matcha = Rest::to(town.matcha());
    for (number, token, name) in
        [(2, nameless("2"), "user_"), (3, token_of(3, "dave"), "dave"), (4, token_of(4, "张伟"), "张伟")]
    {
        get(town.rest(), "/v1/users/me", &token).await;
        let with = json!({"user_id": number});
        let made = matcha.ask("POST", "/api/v1/chat/conversations", Some(&nameless("1")), &with).await.granted();
        let other = &made["data"]["other_user"];
        assert_eq!(other["id"], number, "{made}");
        assert!(other["first_name"].as_str().is_some_and(|first| first.starts_with(name)), "{made}");
    }
}

#[tokio::test]
async fn without_a_host_old_clients_go_on_with_our_ids() {
    let town = Town::opens().await;
    let alice = town.absent("alice").await;
    let me = get(&Rest::to(town.chat_server()), "/me", &alice.tokens().access).await;
    assert_eq!(me["id"], alice.id());
}

#[tokio::test]
async fn who_logs_in_at_an_old_endpoint_reads_their_number_in_their_token() {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let town = Town::with_a_host().await;
    let stranger = town.absent("stranger").await;
    let rest = Rest::to(town.chat_server());
    let login = json!({"username": "stranger", "password": stranger.password()});
    let answer = rest.ask("POST", "/api/v1/auth/login", None, &login).await.granted();
    let token = answer["data"]["access_token"].as_str().expect("a token").to_owned();
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).expect("claims")).expect("base64");
    let claims: Value = serde_json::from_slice(&payload).expect("claims");
    let number = OFFSET + stranger.id();
    assert_eq!((&claims["user_id"], &claims["sub"]), (&json!(number), &json!(number.to_string())));
    assert_eq!(answer["data"]["user"]["id"], number);
    // It is theirs at every endpoint, and so is what follows it.
    assert_eq!(account(&town, &token).await["id"], stranger.id());
    assert_eq!(get(&rest, "/me", &token).await["id"], number);
    let refresh = json!({"refresh_token": answer["data"]["refresh_token"]});
    let next = rest.ask("POST", "/api/v1/auth/refresh", None, &refresh).await.granted();
    assert_eq!(next["data"]["user"]["id"], number);
}

#[tokio::test]
async fn two_hosts_that_share_a_server_do_not_merge_their_users() {
    let town = two_hosts().await;
    let ours = token_of(1, "ann");
    let theirs = host_token_signed(&json!({"user_id": 1, "username": "anna", "exp": now() + 600}), OTHER);
    let (ann, anna) = (account(&town, &ours).await, account(&town, &theirs).await);
    assert_ne!(ann["id"], anna["id"]);
    // Each is 1 at the endpoint of its host, and not there at the other's.
    assert_eq!(get(&Rest::to(town.chat_server()), "/me", &ours).await["id"], 1);
    for (token, status) in [(&theirs, 101), (&ours, 401)] {
        let path = format!("/ws/chat/?token={token}");
        assert_eq!(town.handshake_at(town.dreametrix(), &path, &[]).await.0, status);
    }
    assert_eq!(town.old_handshake(&format!("/?token={theirs}"), &[]).await.0, 401);
    // The person whom one host calls 1 is not the 1 of the other: each is known there by the offset and their id.
    let people = get(&Rest::to(town.chat_server()), "/users/except-me", &ours).await;
    let ids: Vec<i64> = people.as_array().expect("people").iter().filter_map(|one| one["id"].as_i64()).collect();
    assert_eq!(ids, [OFFSET + anna["id"].as_i64().expect("an id")]);
}

#[tokio::test]
async fn where_people_are_not_created_a_number_that_nobody_knows_is_not_found() {
    let town = Town::with_a_host_and(|config| config.auth.host_create_users = false).await;
    let stranger = town.absent("stranger").await;
    let token = stranger.tokens().access;
    let mut old = page(&town, &token).await;
    old.writes(json!({"type": "dm", "to": stranger.id(), "content": "x"})).await;
    assert_eq!(old.hears().await["data"]["message"], "Utilisateur destinataire introuvable.");
    assert_eq!(conversations(&town, &stranger).await, 0);
    // Nobody of the host comes in who is not known.
    assert_eq!(town.old_handshake(&format!("/?token={}", token_of(5, "eve")), &[]).await.0, 401);
}
