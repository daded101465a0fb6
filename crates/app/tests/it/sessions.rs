//! Proving who one is: logging in, trading tokens, ending sessions, and coming with another's word.

use palabre::config::layers::{Sources, merge};
use serde_json::{Value, json};
use testkit::{Person, Town, host_token, host_token_signed, now};

#[tokio::test]
async fn one_logs_in_by_name_or_mail_address_however_it_is_written() {
    let town = Town::opens().await;
    let registration = json!({"username": "Ann", "password": "hello trees", "email": "Ann@example.org"});
    town.request("POST", "/v1/accounts", registration).await.granted();
    for name in ["Ann", "ann", "ANN", "ann@example.org", "ANN@EXAMPLE.ORG"] {
        assert_eq!(town.logs_in(name, "hello trees").await.granted()["user"]["username"], "Ann", "{name}");
    }
    for password in ["Hello trees", "hello trees ", "hello", ""] {
        town.logs_in("ann", password).await.refused(401, "bad_credentials");
    }
}

#[tokio::test]
async fn known_and_unknown_names_are_answered_alike() {
    let town = Town::with(|config| config.limits.login_attempts = 3).await;
    town.absent("ann").await;
    let answer = async |name: &str| {
        let mut answer = town.logs_in(name, "a wrong password").await;
        answer.body["request_id"] = Value::Null;
        (answer.status, answer.body, answer.headers.len())
    };
    for _ in 0..3 {
        let (known, unknown) = (answer("ann").await, answer("nobody").await);
        assert_eq!(known.0, 401);
        assert_eq!(known, unknown);
    }
    // And both are slowed down alike.
    let (known, unknown) = (answer("ann").await, answer("nobody").await);
    assert_eq!((known.0, unknown.0), (429, 429));
    assert_eq!(known.1["code"], unknown.1["code"]);
}

#[tokio::test]
async fn guessing_ends_after_so_many_tries_for_this_account_alone() {
    let town = Town::with(|config| config.limits.login_attempts = 2).await;
    let (ann, bob) = (town.absent("ann").await, town.absent("bob").await);
    for _ in 0..2 {
        town.logs_in("ann", "a wrong guess").await.refused(401, "bad_credentials");
    }
    let refused = town.logs_in("ANN", ann.password()).await;
    let seconds: u32 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=300).contains(&seconds));
    refused.refused(429, "rate_limited");
    town.logs_in("bob", bob.password()).await.granted();
    // She can still use the session that she has.
    ann.comes().await;
}

#[tokio::test]
async fn a_refresh_token_is_good_once_and_its_reuse_ends_the_session() {
    let town = Town::opens().await;
    let ann = town.person("ann").await;
    let first = ann.tokens();
    let refresh =
        async |token: &str| town.request("POST", "/v1/sessions/refresh", json!({"refresh_token": token})).await;
    let second = refresh(&first.refresh).await.granted();
    assert_eq!(second["session"], first.session, "the session stays the same");
    assert_ne!(second["refresh_token"], first.refresh.as_str());
    let third = refresh(second["refresh_token"].as_str().unwrap()).await.granted();
    ann.takes_tokens(&third);
    ann.requests("GET", "/v1/users/me", json!(null)).await.granted();
    // Somebody has the first one too: nobody knows who of the two is ann.
    refresh(&first.refresh).await.refused(401, "unauthenticated");
    assert_eq!(ann.is_sent_away().await.0, 4501);
    refresh(third["refresh_token"].as_str().unwrap()).await.refused(401, "unauthenticated");
    ann.requests("GET", "/v1/users/me", json!(null)).await.refused(401, "unauthenticated");
    for nonsense in ["", "plb_rt_x", "null", &first.access] {
        assert!(matches!(refresh(nonsense).await.status, 401 | 422), "{nonsense}");
    }
    town.logs_in("ann", ann.password()).await.granted();
}

#[tokio::test]
async fn a_used_refresh_token_stays_good_until_its_successor_is_used() {
    let town = Town::opens().await;
    let ann = town.person("ann").await;
    let rests: Vec<_> = town.rests().collect();
    let refresh = async |at: usize, token: &str, agent: &str| {
        let (rest, body) = (rests[at % rests.len()], json!({"refresh_token": token}));
        rest.ask_with("POST", "/v1/sessions/refresh", None, &body, &[("user-agent", agent)]).await
    };
    let first = ann.tokens().refresh;
    let next = |answer: &Value| answer["refresh_token"].as_str().unwrap().to_owned();
    // However often its answer is lost, on whatever node it is asked for again, it is the same.
    let second = next(&refresh(0, &first, "phone/1.0").await.granted());
    for at in 0..4 {
        assert_eq!(next(&refresh(at, &first, "phone/1.1").await.granted()), second);
    }
    let third = next(&refresh(1, &second, "phone/1.1").await.granted());
    assert_ne!(third, second);
    assert_eq!(next(&refresh(0, &second, "phone/1.1").await.granted()), third);
    assert!(ann.is_connected());
    // The second was used, so that the answer to the first arrived: who has it now has taken it from somebody.
    refresh(1, &first, "phone/1.1").await.refused(401, "unauthenticated");
    refresh(0, &third, "phone/1.1").await.refused(401, "unauthenticated");
    assert_eq!(ann.is_sent_away().await.0, 4501);
    assert!(town.log().iter().any(|line| line.contains("after its successor was used")), "the operator is told why");
}

#[tokio::test]
async fn two_tabs_that_refresh_at_once_get_one_answer() {
    let town = Town::opens().await;
    let ann = town.person("ann").await;
    let body = json!({"refresh_token": ann.tokens().refresh});
    let refreshing = town
        .rests()
        .chain(town.rests())
        .chain(town.rests())
        .map(|rest| rest.ask_with("POST", "/v1/sessions/refresh", None, &body, &[("user-agent", "tab")]));
    let answers = futures_util::future::join_all(refreshing).await;
    let tokens: Vec<Value> = answers.into_iter().map(|answer| answer.granted()["refresh_token"].clone()).collect();
    assert!(tokens.iter().all(|token| *token == tokens[0]), "{tokens:?}");
    assert!(ann.is_connected());
}

#[tokio::test]
async fn a_lost_answer_to_a_refresh_may_not_be_asked_for_by_another_client() {
    let town = Town::opens().await;
    let ann = town.person("ann").await;
    let body = json!({"refresh_token": ann.tokens().refresh});
    let refresh = async |agent: &str| {
        let headers = [("user-agent", agent)];
        town.rest().ask_with("POST", "/v1/sessions/refresh", None, &body, &headers).await
    };
    refresh("phone").await.granted();
    refresh("phone").await.granted();
    refresh("thief").await.refused(401, "unauthenticated");
    refresh("phone").await.refused(401, "unauthenticated");
    assert_eq!(ann.is_sent_away().await.0, 4501);
}

/// A town that believes what a proxy says of where somebody comes from.
async fn behind_a_proxy(change: impl FnOnce(&mut palabre::config::Config)) -> Town {
    let flags = vec![("--trusted-proxies", "server.trusted_proxies", "127.0.0.1".to_owned())];
    let loaded = merge(&Sources { flags, ..Sources::default() }).unwrap();
    Town::with(|config| {
        config.server.trusted_proxies = loaded.config.server.trusted_proxies;
        change(config);
    })
    .await
}

async fn logs_in_from(town: &Town, address: &str, name: &str, password: &str) -> testkit::Answer {
    let body = json!({"username": name, "password": password});
    town.rest().ask_with("POST", "/v1/sessions", None, &body, &[("x-forwarded-for", address)]).await
}

#[tokio::test]
async fn guessing_over_many_names_or_from_many_addresses_of_one_network_ends() {
    let town = behind_a_proxy(|config| {
        config.limits.login_attempts = 3;
        config.limits.login_attempts_per_address = 6;
    })
    .await;
    town.absent("ann").await;
    for i in 0..3 {
        let address = format!("2001:db8:1:2::{i}");
        logs_in_from(&town, &address, "ann", "a wrong guess").await.refused(401, "bad_credentials");
    }
    logs_in_from(&town, "2001:db8:1:2:ffff::1", "ann", "a wrong guess").await.refused(429, "rate_limited");
    for i in 0..3 {
        let name = format!("invented{i}");
        logs_in_from(&town, "2001:db8:1:2::9", &name, "a wrong guess").await.refused(401, "bad_credentials");
    }
    logs_in_from(&town, "2001:db8:1:2::9", "nobody", "a wrong guess").await.refused(429, "rate_limited");
    logs_in_from(&town, "2001:db8:1:3::9", "nobody", "a wrong guess").await.refused(401, "bad_credentials");
}

#[tokio::test]
async fn whoever_guesses_from_everywhere_shuts_the_person_out_of_nowhere_they_have_been() {
    let town = behind_a_proxy(|config| config.limits.login_attempts_per_account = 4).await;
    let ann = town.person("ann").await;
    logs_in_from(&town, "192.0.2.7", "ann", ann.password()).await.granted();
    for i in 0..4 {
        logs_in_from(&town, &format!("198.51.100.{i}"), "ann", "a wrong guess").await.refused(401, "bad_credentials");
    }
    // Also with the right one: what is refused tells nothing.
    let refused = logs_in_from(&town, "203.0.113.1", "ann", ann.password()).await;
    assert!(refused.header("retry-after").unwrap().parse::<u32>().unwrap() <= 3_600);
    refused.refused(429, "rate_limited");
    logs_in_from(&town, "203.0.113.1", "nobody", "a wrong guess").await.refused(401, "bad_credentials");
    // From home, also as IPv4 in IPv6, and with the session that she has, nothing has changed.
    logs_in_from(&town, "192.0.2.7", "ann", ann.password()).await.granted();
    logs_in_from(&town, "::ffff:192.0.2.7", "ann", ann.password()).await.granted();
    ann.requests("GET", "/v1/users/me", json!(null)).await.granted();
    let refresh = json!({"refresh_token": ann.tokens().refresh});
    town.request("POST", "/v1/sessions/refresh", refresh).await.granted();
    assert!(ann.is_connected());
}

#[tokio::test]
async fn somebody_elses_log_in_is_answered_while_a_stranger_sends_hundreds() {
    let town = behind_a_proxy(|config| {
        config.limits.login_attempts_per_address = 1_000;
        config.limits.registrations_per_hour = 1_000;
    })
    .await;
    let bob = town.absent("bob").await;
    let flood = (0..300).map(|at| {
        let town = &town;
        async move {
            let name = format!("invented{at}");
            (logs_in_from(town, "198.51.100.1", &name, "a wrong guess").await.status, false)
        }
    });
    let mut all: Vec<futures_util::future::LocalBoxFuture<'_, (u16, bool)>> = Vec::new();
    for one in flood {
        all.push(Box::pin(one));
    }
    all.push(Box::pin(async {
        // Comes when they are all there.
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        (logs_in_from(&town, "203.0.113.1", "bob", bob.password()).await.status, true)
    }));
    let mut waiting: futures_util::stream::FuturesUnordered<_> = all.into_iter().collect();
    let (mut before, mut refused, mut after) = (0, 0, None);
    while let Some((status, is_bob)) = futures_util::StreamExt::next(&mut waiting).await {
        match (is_bob, status) {
            (true, status) => {
                assert_eq!(status, 201);
                after = Some(before);
            }
            (false, 401) => before += 1,
            (false, status) => {
                assert_eq!(status, 429);
                refused += 1;
            }
        }
    }
    assert!(refused > 0 && before >= 100, "{refused} refused, {before} compared");
    assert!(after.is_some_and(|before_him| before_him < before), "not after all of them: {after:?} of {before}");
}

#[tokio::test]
async fn registrations_are_counted_by_network() {
    let town = behind_a_proxy(|config| config.limits.registrations_per_hour = 2).await;
    let register = async |address: &str, name: &str| {
        let body = json!({"username": name, "password": "the tree in the middle"});
        town.rest().ask_with("POST", "/v1/accounts", None, &body, &[("x-forwarded-for", address)]).await
    };
    register("2001:db8::1", "ann").await.granted();
    register("2001:db8::2", "bob").await.granted();
    register("2001:db8::3", "eve").await.refused(429, "rate_limited");
    register("2001:db8:0:1::3", "eve").await.granted();
}

#[tokio::test]
async fn a_hosts_token_that_ends_ends_its_sockets_and_one_comes_back_with_another() {
    let town = Town::with_a_host().await;
    let claims = |exp: u64| host_token(&json!({"user_id": 41, "username": "ann", "exp": exp}));
    // It has ended within the leeway, so that it is good for its rest.
    let short = town.sent_by_host(&claims(now() - 57)).await;
    let long = town.sent_by_host(&claims(now() + 600)).await;
    let (code, reason) = short.is_sent_away().await;
    assert_eq!((code, &reason["code"], &reason["retry"]), (4011, &json!("token_expired"), &json!(true)));
    assert!(long.is_connected());
    town.sent_by_host(&claims(now() + 600)).await;
}

#[tokio::test]
async fn of_two_refreshes_at_once_by_different_clients_one_is_a_thief() {
    let town = Town::opens().await;
    let ann = town.absent("ann").await;
    let body = json!({"refresh_token": ann.tokens().refresh});
    let refresh = async |agent: &str| {
        town.rest().ask_with("POST", "/v1/sessions/refresh", None, &body, &[("user-agent", agent)]).await.status
    };
    let (one, other) = tokio::join!(refresh("one"), refresh("other"));
    assert_eq!([one, other].iter().filter(|status| **status == 200).count(), 1);
    ann.requests("GET", "/v1/users/me", json!(null)).await.refused(401, "unauthenticated");
}

#[tokio::test]
async fn logging_out_ends_the_session_everywhere_at_once() {
    let town = Town::opens().await;
    let ann = town.person("ann").await;
    let tokens = ann.tokens();
    assert_eq!(ann.requests("DELETE", "/v1/sessions/current", json!(null)).await.status, 204);
    let (code, reason) = ann.is_sent_away().await;
    assert_eq!((code, &reason["code"], &reason["retry"]), (4501, &json!("session_ended"), &json!(false)));
    ann.requests("GET", "/v1/users/me", json!(null)).await.refused(401, "unauthenticated");
    let refresh = json!({"refresh_token": tokens.refresh});
    town.request("POST", "/v1/sessions/refresh", refresh).await.refused(401, "unauthenticated");
    ann.connects().await;
    ann.authenticates(json!({"token": tokens.access})).await.refused("unauthenticated");
    assert_eq!(ann.is_sent_away().await.0, 4500);
}

async fn on_another_session(town: &Town, person: &Person) -> Person {
    let phone = person.on_another_device().await;
    phone.hangs_up().await;
    phone.takes_tokens(&town.logs_in(person.name(), person.password()).await.granted());
    phone.comes().await;
    phone
}

#[tokio::test]
async fn one_lists_and_ends_ones_own_sessions_and_nobody_elses() {
    let town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let phone = on_another_session(&town, &ann).await;
    let sessions = ann.requests("GET", "/v1/sessions", json!(null)).await.granted();
    let sessions = sessions["sessions"].as_array().unwrap();
    assert_eq!(sessions.len(), 2);
    let current: Vec<_> = sessions.iter().filter(|session| session["current"] == true).collect();
    assert_eq!(current.len(), 1);
    assert_eq!(current[0]["id"], ann.tokens().session);
    assert!(current[0]["address"].as_str().unwrap().contains("127.0.0.1"));
    let path = format!("/v1/sessions/{}", phone.tokens().session);
    bob.requests("DELETE", &path, json!(null)).await.refused(404, "not_found");
    assert!(phone.is_connected());
    assert_eq!(ann.requests("DELETE", &path, json!(null)).await.status, 204);
    assert_eq!(phone.is_sent_away().await.0, 4501);
    ann.requests("DELETE", &path, json!(null)).await.refused(404, "not_found");
    assert!(ann.is_connected());
}

#[tokio::test]
async fn a_new_password_ends_all_other_sessions() {
    let town = Town::opens().await;
    let ann = town.person("ann").await;
    let phone = on_another_session(&town, &ann).await;
    let change = |current: &str, new: &str| json!({"current": current, "new": new});
    ann.asks("account.password", change("not it, sorry", "another tree")).await.refused("bad_credentials");
    ann.asks("account.password", change(ann.password(), "short")).await.refused("invalid");
    ann.asks("account.password", change(ann.password(), "another tree")).await.granted();
    assert_eq!(phone.is_sent_away().await.0, 4501);
    assert!(ann.is_connected());
    ann.requests("GET", "/v1/users/me", json!(null)).await.granted();
    phone.requests("GET", "/v1/users/me", json!(null)).await.refused(401, "unauthenticated");
    let refresh = json!({"refresh_token": phone.tokens().refresh});
    town.request("POST", "/v1/sessions/refresh", refresh).await.refused(401, "unauthenticated");
    town.logs_in("ann", ann.password()).await.refused(401, "bad_credentials");
    town.logs_in("ann", "another tree").await.granted();
}

#[tokio::test]
async fn another_mail_address_asks_for_the_password_and_is_logged_in_by_from_then_on() {
    let town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let phone = on_another_session(&town, &ann).await;
    let change = |current: &str, email: Value| json!({"current": current, "email": email});
    let new = json!("Ann@Example.org");
    ann.asks("account.email", change("not it, sorry", new.clone())).await.refused("bad_credentials");
    ann.asks("account.email", change(ann.password(), json!("nowhere"))).await.refused("invalid");
    let account = ann.asks("account.email", change(ann.password(), new.clone())).await.granted();
    assert_eq!(account["email"], new);
    phone.notices("account.updated").await;
    town.logs_in("ann@example.org", ann.password()).await.granted();
    // Others may name it as well, and nothing tells them that they are not alone.
    let other = "a whole other tree";
    bob.asks("account.password", json!({"current": bob.password(), "new": other})).await.granted();
    bob.requests("PUT", "/v1/users/me/email", change(other, new)).await.granted();
    for (person, password) in [(&ann, ann.password()), (&bob, other)] {
        let tokens = town.logs_in("ann@example.org", password).await.granted();
        assert_eq!(tokens["user"]["id"], person.id());
    }
    ann.asks("account.email", change(ann.password(), json!(null))).await.granted();
    town.logs_in("ann@example.org", ann.password()).await.refused(401, "bad_credentials");
    town.logs_in("ann@example.org", other).await.granted();
    town.logs_in("ann", ann.password()).await.granted();
    assert!(phone.is_connected());
}

#[tokio::test]
async fn a_credential_comes_in_the_header_the_subprotocol_or_the_first_frame() {
    let town = Town::opens().await;
    let ann = town.absent("ann").await;
    let bearer = format!("Bearer {}", ann.tokens().access);
    let welcome = ann.comes_with(&[("authorization", &bearer)]).await;
    assert_eq!((&welcome["user"]["id"], &welcome["session"]), (&json!(ann.id()), &json!(ann.tokens().session)));
    assert_eq!(welcome["ping_seconds"], 25);
    assert_eq!(welcome["limits"]["message_length"], 2_000);
    ann.asks("authenticate", json!({"token": ann.tokens().access})).await.refused("conflict");
    ann.opens_room("garden").await;
    let offered = format!("palabre.v1, bearer.{}", ann.tokens().access);
    let (status, head) = town.handshake(&[("sec-websocket-protocol", &offered)]).await;
    assert_eq!(status, 101);
    let chosen = head.lines().find(|line| line.to_ascii_lowercase().starts_with("sec-websocket-protocol"));
    assert_eq!(chosen.unwrap().split(' ').nth(1), Some("palabre.v1"), "the token is not echoed");
    // Not in the address, where it would stand in logs; and a bad one is refused before there is a socket.
    for headers in [[("authorization", "Bearer nonsense")], [("sec-websocket-protocol", "bearer.nonsense")]] {
        assert_eq!(town.handshake(&headers).await.0, 401);
    }
}

#[tokio::test]
async fn nothing_is_told_before_authenticate_and_little_may_be_asked() {
    let town = Town::with(|config| config.limits.authentication_seconds = 1).await;
    let ann = town.person("ann").await;
    let room = ann.opens_room("garden").await;
    let mut silent = town.stranger().await;
    let mut asking = town.stranger().await;
    for (kind, data) in [
        ("conversation.list", json!({})),
        ("message.send", json!({"conversation": room.id, "client_id": "a", "text": "hello"})),
        ("typing.set", json!({"conversation": room.id, "typing": true})),
    ] {
        asking.writes(json!({"id": kind, "type": kind, "data": data})).await;
        let answer = asking.hears().await;
        assert_eq!((&answer["re"], &answer["error"]["code"]), (&json!(kind), &json!("unauthenticated")));
    }
    asking.writes(json!({"id": "s", "type": "server.get"})).await;
    assert_eq!(asking.hears().await["data"]["limits"]["message_length"], 2_000);
    ann.says(&room, "not for strangers").await;
    let (code, reason) = silent.is_sent_away().await;
    assert_eq!((code, &reason["retry"]), (4500, &json!(false)));
    // With the token in the handshake, authenticate still comes first.
    let bearer = format!("Bearer {}", ann.tokens().access);
    let late = town.stranger_with(&[("authorization", &bearer)]).await;
    ann.says(&room, "nor for the hasty").await;
    let mut late = late;
    let (code, _) = late.is_sent_away().await;
    assert_eq!(code, 4500);
}

#[tokio::test]
async fn forged_tokens_open_nothing() {
    let town = Town::opens().await;
    let ann = town.absent("ann").await;
    let good = ann.tokens().access;
    let parts: Vec<&str> = good.split('.').collect();
    let claims = json!({"iss": "palabre", "sub": ann.id().to_string(), "sid": ann.tokens().session, "iat": now(),
        "exp": now() + 900, "user_id": ann.id(), "username": "ann", "role": "admin"});
    let flipped = if parts[2].starts_with('A') { 'B' } else { 'A' };
    for forged in [
        format!("{}.{}.", parts[0], parts[1]),
        format!("{}.{}.{flipped}{}", parts[0], parts[1], &parts[2][1..]),
        format!("eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0.{}.", parts[1]),
        host_token_signed(&claims, "not the key of this town, but as long as one"),
        host_token(&claims),
        "x".repeat(5_000),
        "..".into(),
    ] {
        let answer = town.rest().ask("GET", "/v1/users/me", Some(&forged), &Value::Null).await;
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
        answer.refused(401, "unauthenticated");
        let mut stranger = town.stranger().await;
        stranger.writes(json!({"id": "1", "type": "authenticate", "data": {"token": forged}})).await;
        assert_eq!(stranger.hears().await["error"]["code"], "unauthenticated");
        assert_eq!(stranger.is_sent_away().await.0, 4500);
    }
}

#[tokio::test]
async fn a_hosts_users_come_with_its_tokens_and_are_known_at_first_sight() {
    let town = Town::with_a_host().await;
    let exp = now() + 600;
    let ann = town.sent_by_host(&host_token(&json!({"user_id": 41, "username": "ann", "exp": exp}))).await;
    assert_eq!(ann.name(), "ann");
    assert_ne!(ann.id(), 41, "the host's numbers are its own");
    let bob = town.sent_by_host(&host_token(&json!({"sub": "u-7", "username": "Bob B.", "exp": exp}))).await;
    let seen = ann.requests("GET", &format!("/v1/users/{}", bob.id()), json!(null)).await.granted();
    assert_eq!(seen["display_name"], "Bob B.");
    let room = ann.turns_to(&bob).await;
    ann.says(&room, "hello").await;
    bob.hears("added to ann").await;
    bob.hears("ann: hello").await;
    // The same person comes again with another token, as themselves.
    let again = host_token(&json!({"user_id": "41", "username": "renamed", "exp": exp + 1}));
    let again = town.sent_by_host(&again).await;
    assert_eq!((again.id(), again.name()), (ann.id(), "ann"));
    // Nobody can log in with a password that there is not.
    town.logs_in("ann", "").await.refused(401, "bad_credentials");
    let admin = town.sent_by_host(&host_token(&json!({"user_id": 1, "role": "super_admin", "exp": exp}))).await;
    admin.asks("user.active", json!({"user": bob.id(), "active": false})).await.granted();
    assert_eq!(bob.is_sent_away().await.0, 4502);
}

#[tokio::test]
async fn a_hosts_token_never_takes_over_an_account_that_is_here() {
    let town = Town::with_a_host().await;
    let ann = town.person("ann").await;
    let exp = now() + 600;
    for claims in [
        json!({"user_id": ann.id(), "username": "ann", "exp": exp}),
        json!({"user_id": ann.id() + 1_000, "username": "ANN", "exp": exp}),
        json!({"sub": "ann", "username": "ann", "exp": exp}),
    ] {
        let other = town.sent_by_host(&host_token(&claims)).await;
        assert_ne!(other.id(), ann.id(), "{claims}");
        assert_ne!(other.name().to_lowercase(), "ann", "{claims}");
    }
}

#[tokio::test]
async fn a_hosts_token_that_is_old_forged_or_nobodys_is_refused() {
    let town = Town::with_a_host().await;
    let exp = now() + 600;
    let good = json!({"user_id": 5, "username": "ann", "exp": exp});
    for token in [
        host_token(&json!({"user_id": 5, "exp": now() - 120})),
        host_token(&json!({"user_id": 5})),
        host_token(&json!({"exp": exp})),
        host_token(&json!({"user_id": {"$gt": 0}, "exp": exp})),
        host_token(&json!({"user_id": "", "exp": exp})),
        host_token(&json!({"user_id": 5, "exp": exp, "nbf": exp - 100})),
        host_token(&json!({"user_id": 5, "exp": exp, "aud": "mailer"})),
        host_token(&json!({"user_id": 5, "exp": exp, "type": "refresh"})),
        host_token(&json!({"user_id": 5, "exp": exp, "scope": "password_reset"})),
        host_token(&json!({"user_id": 5, "exp": exp, "purpose": "verify-email"})),
        host_token_signed(&good, "another host's secret of some length"),
    ] {
        town.rest().ask("GET", "/v1/users/me", Some(&token), &Value::Null).await.refused(401, "unauthenticated");
    }
    let strict = Town::with(|config| {
        config.auth.jwt_secret = Some(palabre::config::Secret::new("between the town and its host: 5f0e8c"));
    })
    .await;
    let answer = strict.rest().ask("GET", "/v1/users/me", Some(&host_token(&good)), &Value::Null).await;
    answer.refused(401, "unauthenticated");
}
