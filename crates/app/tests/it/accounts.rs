//! Opening an account, what it tells about its owner, and what administrators may do to it.

use serde_json::json;
use testkit::Town;

const GOOD: &str = "the tree in the middle";

#[tokio::test]
async fn an_account_is_opened_under_a_free_name_with_a_good_password() {
    let town = Town::opens().await;
    let opened = town
        .request(
            "POST",
            "/v1/accounts",
            json!({"username": "Ann-1_x", "password": GOOD, "email": "ann@example.org", "city": "Lyon"}),
        )
        .await;
    assert_eq!(opened.status, 201);
    let tokens = opened.granted();
    let user = &tokens["user"];
    assert_eq!((&user["username"], &user["city"], &user["role"]), (&json!("Ann-1_x"), &json!("Lyon"), &json!("user")));
    assert_eq!((&tokens["token_type"], &tokens["expires_in"]), (&json!("Bearer"), &json!(900)));
    assert!(!tokens.to_string().contains("argon2"), "the hash is nobody's");

    let long = "x".repeat(51);
    let too_long = format!("long {}", "x".repeat(252));
    for (fields, status, code, pointer) in [
        (json!({"username": "ann-1_X"}), 409, "conflict", "/username"),
        (json!({"username": "bob", "email": "ANN@example.org"}), 409, "conflict", "/email"),
        (json!({"username": "an"}), 422, "invalid", "/username"),
        (json!({"username": long}), 422, "invalid", "/username"),
        (json!({"username": "ann bob"}), 422, "invalid", "/username"),
        (json!({"username": "anné"}), 422, "invalid", "/username"),
        (json!({"username": "ann\u{0}"}), 422, "invalid", "/username"),
        (json!({"username": ["ann"]}), 422, "invalid", "/username"),
        (json!({"username": "bob", "email": "nowhere"}), 422, "invalid", "/email"),
        (json!({"username": "bob", "password": "1234567"}), 422, "invalid", "/password"),
        (json!({"username": "bob", "password": "password"}), 422, "invalid", "/password"),
        (json!({"username": "bobbobbob", "password": "BobBobBob"}), 422, "invalid", "/password"),
        (json!({"username": "bob", "password": too_long}), 422, "invalid", "/password"),
        (json!({"username": "bob", "password": null}), 422, "invalid", "/password"),
        (json!({"username": "bob", "role": "admin"}), 422, "invalid", "/role"),
        (json!({"username": "bob", "birth_date": "1990-02-30"}), 422, "invalid", "/birth_date"),
    ] {
        let mut registration = json!({"password": GOOD});
        for (name, value) in fields.as_object().unwrap() {
            registration[name] = value.clone();
        }
        let refusal = town.request("POST", "/v1/accounts", registration).await.refused(status, code);
        assert_eq!(refusal["errors"][0]["pointer"], pointer, "{fields}: {refusal}");
    }
    // The shortest and the longest that there may be.
    for (name, password) in [("bob", "12ab56cd".to_owned()), (&"y".repeat(50)[..], "é".repeat(256))] {
        let registration = json!({"username": name, "password": password});
        town.request("POST", "/v1/accounts", registration).await.granted();
        town.logs_in(name, &password).await.granted();
    }
}

#[tokio::test]
async fn the_first_administrator_is_made_with_the_secret_and_only_once() {
    let town = Town::opens().await;
    let register = async |name: &str, secret: &str| {
        let registration = json!({"username": name, "password": GOOD, "setup_secret": secret});
        town.request("POST", "/v1/accounts", registration).await
    };
    register("bob", "not the secret").await.refused(403, "forbidden");
    register("bob", "").await.refused(403, "forbidden");
    let admin = register("ann", town.setup_secret()).await.granted();
    assert_eq!(admin["user"]["role"], "admin");
    register("bob", town.setup_secret()).await.refused(403, "forbidden");
}

#[tokio::test]
async fn a_server_may_be_closed_to_newcomers() {
    let town = Town::with(|config| config.auth.open_registration = false).await;
    let registration = json!({"username": "bob", "password": GOOD});
    town.request("POST", "/v1/accounts", registration).await.refused(403, "forbidden");
    town.admin("ann").await;
}

#[tokio::test]
async fn so_many_accounts_an_hour_come_from_one_address_and_not_one_more() {
    let town = Town::with(|config| config.limits.registrations_per_hour = 2).await;
    town.absent("ann").await;
    // What is refused for itself does not count.
    town.request("POST", "/v1/accounts", json!({"username": "x", "password": GOOD})).await.refused(422, "invalid");
    town.absent("bob").await;
    let answer = town.request("POST", "/v1/accounts", json!({"username": "cid", "password": GOOD})).await;
    assert!(answer.header("retry-after").unwrap().parse::<u32>().unwrap() > 3_000);
    answer.refused(429, "rate_limited");
}

#[tokio::test]
async fn a_profile_is_changed_cleared_and_told_to_ones_own_devices() {
    let town = Town::with(|config| config.limits.profile_length = 20).await;
    let (ann, bob) = town.two("ann", "bob").await;
    let phone = ann.on_another_device().await;
    let profile = json!({
        "display_name": "Ann 🌳", "first_name": "Anne", "last_name": "Dupont", "birth_date": "1990-12-31",
        "profession": "gardener", "city": "Lyon", "language": "fr", "time_zone": "Europe/Paris",
        "status_message": "in the garden"
    });
    let account = ann.asks("account.update", profile.clone()).await.granted();
    for (field, value) in profile.as_object().unwrap() {
        assert_eq!(&account[field], value);
    }
    assert_eq!(phone.notices("account.updated").await["data"]["city"], "Lyon");
    let cleared = ann.requests("PATCH", "/v1/users/me", json!({"city": null})).await.granted();
    assert_eq!((&cleared["city"], &cleared["profession"]), (&json!(null), &json!("gardener")));
    assert!(!bob.has_noticed("account.updated").await);
    // Others see what is public, and no more.
    let seen = bob.requests("GET", &format!("/v1/users/{}", ann.id()), json!(null)).await.granted();
    assert_eq!(seen["display_name"], "Ann 🌳");
    for hidden in ["email", "birth_date", "role", "active", "last_seen_at", "password"] {
        assert!(seen.get(hidden).is_none(), "{hidden} is told to others: {seen}");
    }
    ann.asks("account.update", json!({"city": "x".repeat(20)})).await.granted();
    for (field, value) in [
        ("city", json!("x".repeat(21))),
        ("city", json!(5)),
        ("birth_date", json!("yesterday")),
        ("first_name", json!("Ann\nBob")),
        ("username", json!("other")),
        ("role", json!("admin")),
    ] {
        let refusal = ann.asks("account.update", json!({field: value})).await.refused("invalid");
        assert_eq!(refusal["errors"][0]["pointer"], format!("/{field}"));
    }
}

#[tokio::test]
async fn people_are_found_by_the_beginning_of_their_name_page_by_page() {
    let town = Town::with(|config| config.limits.list_page = 2).await;
    let ann = town.person("anna").await;
    for name in ["Annie", "annette", "bob"] {
        town.absent(name).await;
    }
    let (mut names, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/v1/users?prefix=ann&limit=9{cursor}");
        let page = ann.requests("GET", &path, json!(null)).await.granted();
        let users = page["users"].as_array().unwrap();
        assert!(users.len() <= 2);
        names.extend(users.iter().map(|user| user["username"].as_str().unwrap().to_owned()));
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    names.sort();
    assert_eq!(names, ["Annie", "anna", "annette"]);
    for pattern in ["%25", "a_n", "*", "'"] {
        let page = ann.requests("GET", &format!("/v1/users?prefix={pattern}"), json!(null)).await.granted();
        assert_eq!(page["users"], json!([]), "{pattern} is no pattern");
    }
}

#[tokio::test]
async fn only_administrators_give_server_roles_and_not_to_themselves() {
    let town = Town::opens().await;
    let admin = town.admin("ann").await;
    let bob = town.person("bob").await;
    let role = |user: i64, role: &str| json!({"user": user, "role": role});
    bob.asks("user.role", role(bob.id(), "admin")).await.refused("forbidden");
    bob.asks("user.role", role(admin.id(), "user")).await.refused("forbidden");
    bob.asks("user.active", json!({"user": admin.id(), "active": false})).await.refused("forbidden");
    admin.asks("user.role", role(admin.id(), "user")).await.refused("invalid");
    admin.asks("user.role", role(9_999, "user")).await.refused("not_found");
    admin.asks("user.role", role(bob.id(), "king")).await.refused("invalid");
    let changed = admin.asks("user.role", role(bob.id(), "moderator")).await.granted();
    assert_eq!(changed["role"], "moderator");
    // The connection kept the old role: it is told to come back, and has the new one then.
    let (code, reason) = bob.is_sent_away().await;
    assert_eq!((code, &reason["retry"]), (1012, &json!(true)));
    assert_eq!(bob.comes_back().await["user"]["role"], "moderator");
    bob.asks("user.role", role(admin.id(), "user")).await.refused("forbidden");
}

#[tokio::test]
async fn a_deactivated_account_opens_nothing_until_it_is_brought_back() {
    let town = Town::opens().await;
    let admin = town.admin("ann").await;
    let bob = town.person("bob").await;
    let room = admin.opens_room("garden").await;
    bob.joins(&room).await;
    let active = |active: bool| json!({"user": bob.id(), "active": active});
    admin.asks("user.active", active(false)).await.granted();
    let (code, reason) = bob.is_sent_away().await;
    assert_eq!((code, &reason["code"], &reason["retry"]), (4502, &json!("deactivated"), &json!(false)));
    bob.requests("GET", "/v1/users/me", json!(null)).await.refused(401, "unauthenticated");
    town.logs_in("bob", bob.password()).await.refused(401, "bad_credentials");
    let refresh = json!({"refresh_token": bob.tokens().refresh});
    town.request("POST", "/v1/sessions/refresh", refresh).await.refused(401, "unauthenticated");
    admin.asks("conversation.create", json!({"kind": "direct", "user": bob.id()})).await.refused("not_found");
    admin.asks("user.active", active(true)).await.granted();
    // Old sessions stay ended; a new one is as good as ever.
    bob.requests("GET", "/v1/users/me", json!(null)).await.refused(401, "unauthenticated");
    bob.takes_tokens(&town.logs_in("bob", bob.password()).await.granted());
    bob.comes_back().await;
    admin.says(&room, "welcome back").await;
    bob.hears("ann: welcome back").await;
}
