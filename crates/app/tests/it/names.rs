//! Names that a person cannot tell apart are one, and others are not.

use serde_json::{Value, json};
use testkit::Town;

#[tokio::test]
async fn a_password_is_the_same_in_all_normal_forms() {
    let town = Town::alone().await;
    let registration = |name: &str, password: &str| json!({"username": name, "password": password});
    town.request("POST", "/v1/accounts", registration("composed", "correct horse caf\u{e9}")).await.granted();
    town.request("POST", "/v1/accounts", registration("decomposed", "correct horse cafe\u{301}")).await.granted();
    for name in ["composed", "decomposed", "\u{ff23}omposed"] {
        for password in ["correct horse caf\u{e9}", "correct horse cafe\u{301}", "correct\u{a0}horse caf\u{e9}"] {
            town.logs_in(name, password).await.granted();
        }
        town.logs_in(name, "correct horse cafe").await.refused(401, "bad_credentials");
    }
}

#[tokio::test]
async fn rooms_whose_names_are_the_same_or_look_the_same_are_one() {
    let town = Town::opens().await;
    let ann = town.person("ann").await;
    let make = async |name: &str, visibility: &str| {
        ann.asks("conversation.create", json!({"kind": "room", "name": name, "visibility": visibility})).await
    };
    for name in ["Caf\u{e9}", "kitchen", "The long table"] {
        make(name, "public").await.granted();
    }
    for name in [
        "Cafe\u{301}",
        "CAF\u{c9}",
        "kitchen\u{200b}",
        "\u{ff4b}itchen",
        " Kitchen ",
        "k\u{456}tchen",
        "kit\u{ad}chen",
        "\u{202e}kitchen",
        "The\u{a0}long  table",
    ] {
        let refusal = make(name, "public").await.refused("conflict");
        assert_eq!(refusal["errors"][0]["pointer"], "/name", "{refusal}");
        // Private rooms are called as their members like.
        make(name, "private").await.granted();
    }
    for (name, wanted) in [("CAFE\u{301}", "Caf\u{e9}"), ("\u{ff2b}itchen\u{200b}", "kitchen")] {
        let found = ann.asks("room.get", json!({"name": name})).await;
        let found = found.granted();
        assert!(found.to_string().contains(wanted), "{found}");
    }
    let hall = make("Hall", "public").await.granted();
    let rename = |name: &str| json!({"conversation": hall["id"], "name": name});
    ann.asks("conversation.update", rename("k\u{456}tchen")).await.refused("conflict");
    ann.asks("conversation.update", rename("HALL\u{200b}")).await.granted();
    let town_hall = make("Town\u{202e} hall  ", "public").await.granted();
    assert_eq!(town_hall["name"], "Town hall");
}

#[tokio::test]
async fn what_nobody_can_see_is_no_name_and_no_message() {
    let town = Town::opens().await;
    let ann = town.person("ann").await;
    let garden = ann.opens_room("garden").await;
    let said = ann.says(&garden, "hello").await;
    for blank in
        ["\u{200b}", "\u{2800}", "\u{3164}", "\u{ad}", "\u{202e}", "\u{feff}", " \u{2060}\n", "\u{301}", "\u{e0041}"]
    {
        let send = json!({"conversation": garden.id, "text": blank, "client_id": ann.new_client_id()});
        ann.asks("message.send", send).await.refused("invalid");
        ann.asks("message.edit", json!({"conversation": garden.id, "seq": said.seq, "text": blank}))
            .await
            .refused("invalid");
        ann.asks("conversation.create", json!({"kind": "room", "name": blank})).await.refused("invalid");
        ann.asks("conversation.create", json!({"kind": "group", "name": blank, "members": []}))
            .await
            .refused("invalid");
        ann.asks("conversation.update", json!({"conversation": garden.id, "name": blank})).await.refused("invalid");
        for field in ["display_name", "first_name", "last_name", "city", "status_message"] {
            ann.asks("account.update", json!({field: blank})).await.refused("invalid");
        }
        // A topic of nothing is none.
        let cleared =
            ann.asks("conversation.update", json!({"conversation": garden.id, "topic": blank})).await.granted();
        assert_eq!(cleared["topic"], Value::Null);
    }
    let written = "    let x = 1;\r\n\tdone \u{202e}x  ";
    let kept = ann.says(&garden, written).await;
    assert_eq!(
        ann.sees(&garden).await["last_message"]["text"],
        written,
        "{}: a text stays as it was written",
        kept.seq
    );
}

#[tokio::test]
async fn names_are_kept_without_what_turns_the_direction() {
    let town = Town::opens().await;
    let ann = town.person("ann").await;
    let names = json!({"display_name": "Al \u{202e}ecila ", "first_name": "Ann\u{200b}e", "status_message": "\u{2067}away\u{2069}"});
    let account = ann.asks("account.update", names).await.granted();
    assert_eq!(
        (&account["display_name"], &account["first_name"], &account["status_message"]),
        (&json!("Al ecila"), &json!("Anne"), &json!("away"))
    );
    let family = "Fam\u{1f469}\u{200d}\u{1f680} \u{645}\u{6cc}\u{200c}\u{62e}";
    let account = ann.asks("account.update", json!({"display_name": family})).await.granted();
    assert_eq!(account["display_name"], family, "what the writing needs stays");
    ann.asks("account.update", json!({"display_name": "two\nlines"})).await.refused("invalid");
}

#[tokio::test]
async fn people_and_rooms_are_found_by_every_word_of_their_names() {
    let town = Town::opens().await;
    let (ann, marie) = town.two("ann", "marie").await;
    let names =
        json!({"display_name": "Marie E\u{301}lodie", "first_name": "Conan", "last_name": "O'Brien \u{5f20}\u{4f1f}"});
    marie.asks("account.update", names).await.granted();
    for (search, found) in [
        ("marie", true),
        ("elodie", true),
        ("\u{c9}LODIE", true),
        ("Marie E\u{301}lo", true),
        ("Marie \u{c9}lodie", true),
        ("brien", true),
        ("obrien", true),
        ("\u{4f1f}", true),
        ("elo bri", true),
        ("lodie", false),
        ("marie smith", false),
        ("_", false),
        ("%", false),
    ] {
        let people = ann.asks("user.list", json!({"prefix": search})).await.granted();
        let ids: Vec<&Value> = people["users"].as_array().unwrap().iter().map(|user| &user["id"]).collect();
        assert_eq!(ids == [&json!(marie.id())], found, "{search}: {people}");
    }
    ann.opens_room("Garden of the N\u{f6}rth").await;
    for (search, found) in [("garden", true), ("NORTH", true), ("no\u{308}r gar", true), ("rth", false)] {
        let rooms = ann.asks("room.list", json!({"prefix": search})).await.granted();
        assert_eq!(rooms["rooms"].as_array().unwrap().len() == 1, found, "{search}: {rooms}");
    }
}

#[tokio::test]
async fn usernames_that_look_alike_are_one() {
    let town = Town::alone().await;
    let register = async |name: &str| {
        town.request("POST", "/v1/accounts", json!({"username": name, "password": "the tree in the middle"})).await
    };
    register("paypal").await.granted();
    for name in ["PayPal", "paypa1", "paypaI"] {
        let refusal = register(name).await.refused(409, "conflict");
        assert_eq!(refusal["errors"][0]["pointer"], "/username", "{refusal}");
    }
    register("paypal-2").await.granted();
}
