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
        (json!({"username": "bob", "password": "Sunshine2024!"}), 422, "invalid", "/password"),
        (json!({"username": "bob", "password": "palabre2026"}), 422, "invalid", "/password"),
        (json!({"username": "bob", "password": "treehouse", "email": "treehouse@x.org"}), 422, "invalid", "/password"),
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
async fn many_who_come_with_the_secret_at_once_make_one_administrator() {
    let town = Town::opens().await;
    let rests: Vec<_> = town.rests().collect();
    let registering = (0..12_usize).map(|at| {
        let body = json!({"username": format!("admin{at}"), "password": GOOD, "setup_secret": town.setup_secret()});
        let rest = rests[at % rests.len()];
        async move { rest.ask("POST", "/v1/accounts", None, &body).await }
    });
    let answers = futures_util::future::join_all(registering).await;
    let (made, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 201);
    assert_eq!((made.len(), refused.len()), (1, 11));
    for answer in refused {
        answer.refused(403, "forbidden");
    }
}

#[tokio::test]
async fn a_name_that_many_want_at_once_is_given_to_one() {
    let town = Town::opens().await;
    let rests: Vec<_> = town.rests().collect();
    let registering = (0..8_usize).map(|at| {
        let rest = rests[at % rests.len()];
        async move { rest.ask("POST", "/v1/accounts", None, &json!({"username": "ann", "password": GOOD})).await }
    });
    let answers = futures_util::future::join_all(registering).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
    for answer in answers.into_iter().filter(|answer| answer.status != 201) {
        assert_eq!(answer.refused(409, "conflict")["errors"][0]["pointer"], "/username");
    }
}

#[tokio::test]
async fn registering_does_not_tell_whether_a_mail_address_has_an_account() {
    let town = Town::opens().await;
    let register = async |name: &str, password: &str, email: &str| {
        let body = json!({"username": name, "password": password, "email": email});
        let answer = town.request("POST", "/v1/accounts", body).await;
        (answer.status, answer.granted())
    };
    let (first, ann) = register("ann", "the first tree", "Ann@example.org").await;
    let (second, bob) = register("bob", "the second tree", "ann@EXAMPLE.org").await;
    assert_eq!((first, second), (201, 201));
    assert_eq!(bob["user"]["email"], "ann@EXAMPLE.org", "it is told what was said");
    assert_eq!(ann.as_object().unwrap().len(), bob.as_object().unwrap().len());
    // Nor does logging in by it: everybody who has named it comes in, each with their own password.
    for (name, password, user) in [
        ("ann@example.org", "the first tree", "ann"),
        ("ANN@example.org", "the second tree", "bob"),
        ("ann", "the first tree", "ann"),
        ("bob", "the second tree", "bob"),
    ] {
        assert_eq!(town.logs_in(name, password).await.granted()["user"]["username"], user);
    }
    town.logs_in("ann@example.org", "a third tree").await.refused(401, "bad_credentials");
    town.logs_in("bob", "the first tree").await.refused(401, "bad_credentials");
    // Of two with one password, the older account is meant, until it is deactivated.
    register("eve", "the first tree", "ann@example.org").await;
    assert_eq!(town.logs_in("ann@example.org", "the first tree").await.granted()["user"]["username"], "ann");
    let admin = town.admin("root").await;
    admin.asks("user.active", json!({"user": ann["user"]["id"], "active": false})).await.granted();
    assert_eq!(town.logs_in("ann@example.org", "the first tree").await.granted()["user"]["username"], "eve");
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
    // A request that is refused for itself does not count.
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
async fn what_somebody_tells_about_themselves_is_told_to_those_who_know_them_and_asked_for_by_its_number() {
    let town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let eve = town.person("eve").await;
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    ann.turns_to(&bob).await;
    ann.asks("account.update", json!({"display_name": "Ann of the garden", "birth_date": "1990-12-31"}))
        .await
        .granted();
    let card = bob.notices("user.updated").await["data"].clone();
    assert_eq!((&card["id"], &card["display_name"]), (&json!(ann.id()), &json!("Ann of the garden")));
    assert!(card["rev"].as_i64().unwrap() > 0);
    assert!(card.get("birth_date").is_none() && card.get("email").is_none(), "{card}");
    assert!(!eve.has_noticed("user.updated").await, "they share nothing");
    // Over REST, while she has no connection: he is told all the same.
    ann.hangs_up().await;
    ann.requests("PATCH", "/v1/users/me", json!({"city": "Lyon"})).await.granted();
    loop {
        let newer = bob.notices("user.updated").await["data"].clone();
        if newer["city"] == "Lyon" {
            assert!(newer["rev"].as_i64() > card["rev"].as_i64());
            break;
        }
    }
    // A client that comes back asks for what is newer than it knows, and for nothing else.
    let asks = async |revs: serde_json::Value| {
        let asked = json!({"users": [ann.id(), bob.id()], "revs": revs});
        bob.asks("user.list", asked).await.granted()["users"].clone()
    };
    let all = asks(json!([card["rev"], 9_999])).await;
    assert_eq!(all.as_array().unwrap().len(), 2, "{all}");
    let known = asks(json!([all[0]["rev"], all[1]["rev"]])).await;
    assert_eq!(known, json!([]));
    bob.asks("user.list", json!({"users": [ann.id()], "revs": [1, 2]})).await.refused("invalid");
    bob.asks("user.list", json!({"revs": [1]})).await.refused("invalid");
}

#[tokio::test]
async fn what_changes_nothing_in_an_account_is_told_to_nobody() {
    let town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let admin = town.admin("root").await;
    let phone = ann.on_another_device().await;
    ann.asks("account.update", json!({"city": "Lyon"})).await.granted();
    assert_eq!(phone.notices("account.updated").await["data"]["city"], "Lyon");
    ann.asks("account.update", json!({"city": "Lyon"})).await.granted();
    assert!(!phone.has_noticed("account.updated").await);
    // A person whose role and state do not change is not sent away.
    admin.asks("user.role", json!({"user": bob.id(), "role": "user"})).await.granted();
    admin.asks("user.active", json!({"user": bob.id(), "active": true})).await.granted();
    bob.hears_nothing_more().await;
    bob.asks("account.get", json!({})).await.granted();
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
async fn people_are_found_by_their_ids_the_deactivated_too() {
    let town = Town::with(|config| config.limits.list_page = 4).await;
    let admin = town.admin("ann").await;
    let (bob, cid) = town.two("bob", "cid").await;
    bob.asks("account.update", json!({"display_name": "Bob B."})).await.granted();
    admin.asks("user.active", json!({"user": bob.id(), "active": false})).await.granted();
    let path = format!("/v1/users?users={},{},9999,{}", cid.id(), bob.id(), bob.id());
    let found = cid.requests("GET", &path, json!(null)).await.granted();
    let names: Vec<_> = found["users"].as_array().unwrap().iter().map(|user| &user["username"]).collect();
    assert_eq!(names, ["bob", "cid"]);
    assert_eq!(found["next_cursor"], json!(null));
    assert_eq!(found["users"][0]["display_name"], "Bob B.");
    assert!(found["users"][0].get("email").is_none() && found["users"][0].get("active").is_none());
    let none = cid.asks("user.list", json!({"users": []})).await.granted();
    assert_eq!(none["users"], json!([]));
    cid.asks("user.list", json!({"users": [1, 2, 3, 4]})).await.granted();
    let refusal = cid.asks("user.list", json!({"users": [1, 2, 3, 4, 5]})).await.refused("invalid");
    assert_eq!(refusal["errors"][0]["pointer"], "/users");
    for (field, value) in [("prefix", json!("b")), ("cursor", json!("1")), ("limit", json!(1))] {
        let refusal = cid.asks("user.list", json!({"users": [1], field: value})).await.refused("invalid");
        assert_eq!(refusal["errors"][0]["pointer"], format!("/{field}"));
    }
    // A guest is shown those with whom they share a conversation, and themselves.
    let dan = town.person("dan").await;
    admin.asks("user.role", json!({"user": dan.id(), "role": "guest"})).await.granted();
    dan.is_sent_away().await;
    dan.comes_back().await;
    let room = cid.opens_private_room("shed").await;
    cid.adds(&dan, &room).await;
    let seen = dan.asks("user.list", json!({"users": [admin.id(), cid.id(), dan.id()]})).await.granted();
    let names: Vec<_> = seen["users"].as_array().unwrap().iter().map(|user| &user["username"]).collect();
    assert_eq!(names, ["cid", "dan"]);
}

#[tokio::test]
async fn administrators_find_accounts_by_whatever_they_are_called() {
    let town = Town::with(|config| config.limits.list_page = 2).await;
    let admin = town.admin("root").await;
    let people = [
        ("marie", json!({"email": "m.curie@example.org", "display_name": "Élodie Martin"})),
        ("paul", json!({"first_name": "ÉLOÏSE", "last_name": "van Dyck"})),
        ("a_b", json!({"display_name": "100% Zoé"})),
        ("axb", json!({"first_name": "Curt", "last_name": "Élan"})),
    ];
    for (name, fields) in &people {
        let mut registration = json!({"username": name, "password": GOOD});
        registration.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        town.request("POST", "/v1/accounts", registration).await.granted();
    }
    let found = async |search: &str| {
        let (mut names, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let mut asked = json!({"search": search, "limit": 50});
            asked["cursor"] = json!(cursor);
            let page = admin.asks("account.list", asked).await.granted();
            let accounts = page["accounts"].as_array().unwrap();
            assert!(accounts.len() <= 2, "more than a page");
            names.extend(accounts.iter().map(|account| account["username"].as_str().unwrap().to_owned()));
            let Some(next) = page["next_cursor"].as_str() else { return names };
            cursor = Some(next.to_owned());
        }
    };
    assert_eq!(found("").await, ["root", "marie", "paul", "a_b", "axb"]);
    for (search, names) in [
        ("MAR", &["marie"][..]),
        ("m.curie@", &["marie"]),
        ("M.CURIE@EXAMPLE.ORG", &["marie"]),
        ("curie", &[]),
        ("élo", &["marie", "paul"]),
        ("ÉLO", &["marie", "paul"]),
        ("Él", &["marie", "paul", "axb"]),
        ("VAN d", &["paul"]),
        ("100%", &["a_b"]),
        ("1%", &[]),
        ("%", &[]),
        ("a_", &["a_b"]),
        ("_", &[]),
        ("\\", &[]),
        ("'", &[]),
    ] {
        assert_eq!(found(search).await, names, "{search}");
    }
    let paul = admin.requests("GET", "/v1/accounts?search=paul", json!(null)).await.granted();
    let id = paul["accounts"][0]["id"].as_i64().unwrap();
    admin.asks("user.active", json!({"user": id, "active": false})).await.granted();
    let paul = admin.requests("GET", "/v1/accounts?search=paul", json!(null)).await.granted();
    let account = &paul["accounts"][0];
    assert_eq!((&account["active"], &account["role"]), (&json!(false), &json!("user")));
    assert!(account["created_at"].is_string() && account["last_seen_at"].is_null(), "{account}");
    let too_long = format!("/v1/accounts?search={}", "x".repeat(256));
    admin.requests("GET", &too_long, json!(null)).await.refused(422, "invalid");
}

#[tokio::test]
async fn nobody_but_administrators_lists_accounts() {
    let town = Town::opens().await;
    let admin = town.admin("ann").await;
    let (bob, cid) = town.two("bob", "cid").await;
    admin.asks("user.role", json!({"user": cid.id(), "role": "moderator"})).await.granted();
    cid.is_sent_away().await;
    cid.comes_back().await;
    town.request("GET", "/v1/accounts", json!(null)).await.refused(401, "unauthenticated");
    for person in [&bob, &cid] {
        person.asks("account.list", json!({"search": "ann"})).await.refused("forbidden");
        person.requests("GET", "/v1/accounts", json!(null)).await.refused(403, "forbidden");
    }
}

#[tokio::test]
async fn administrators_cannot_leave_the_server_without_one() {
    let town = Town::opens().await;
    let ann = town.admin("ann").await;
    let bob = town.person("bob").await;
    ann.asks("user.role", json!({"user": ann.id(), "role": "user"})).await.refused("invalid");
    ann.asks("user.active", json!({"user": ann.id(), "active": false})).await.refused("invalid");
    // Two who put each other out at the same moment: one of them stays.
    for round in 0..12 {
        let (first, other) = if round % 2 == 0 { (&ann, &bob) } else { (&bob, &ann) };
        let names = [(&ann, "admin"), (&bob, "admin")];
        for (person, role) in names {
            let by = if person.id() == first.id() { other } else { first };
            let me = person.requests("GET", "/v1/users/me", json!(null)).await.granted();
            if me["role"] != role {
                by.asks("user.role", json!({"user": person.id(), "role": role})).await.granted();
                person.is_sent_away().await;
                person.comes_back().await;
            }
        }
        let demote = async |by: &testkit::Person, whom: &testkit::Person| {
            let path = format!("/v1/users/{}/role", whom.id());
            town.rest().ask("PUT", &path, Some(&by.tokens().access), &json!({"role": "user"})).await
        };
        let (one, two) = tokio::join!(demote(first, other), demote(other, first));
        let mut statuses = [one.status, two.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 403], "{} {}", one.text, two.text);
        let server = town.request("GET", "/v1/server", json!(null)).await.granted();
        assert_eq!(server["needs_administrator"], false);
        let loser = if one.status == 200 { other } else { first };
        loser.is_sent_away().await;
        loser.comes_back().await;
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
