//! Finding things again: by words, by who and where; never what one may not read, nor what is not there any more.

mod alike;

use serde_json::{Value, json};
use testkit::{
    Person, Town,
    policies::{Ability, Role},
    until,
};

async fn search(person: &Person, what: Value) -> Value {
    person.asks("message.search", what).await.granted()
}

/// The texts of what is found, newest first.
async fn texts(person: &Person, q: &str) -> Vec<String> {
    let found = search(person, json!({"q": q})).await;
    let results = found["results"].as_array().unwrap().clone();
    results.iter().map(|result| result["message"]["text"].as_str().unwrap().to_owned()).collect()
}

/// Waits until so much is found by this: the index follows.
async fn finds(person: &Person, q: &str, texts_found: &[&str]) {
    until(async || {
        let found = texts(person, q).await;
        if found == texts_found { Ok(()) } else { Err(format!("{q} finds {found:?} and not {texts_found:?}")) }
    })
    .await;
}

/// A town in which one may search as often as a test does.
async fn town() -> Town {
    Town::with(|config| {
        config.limits.searches_per_minute = 100_000;
        config.limits.search_burst = 10_000;
        config.limits.requests_per_minute = 100_000;
        config.limits.request_burst = 10_000;
        config.limits.messages_per_minute = 100_000;
        config.limits.message_burst = 10_000;
    })
    .await
}

#[tokio::test]
async fn a_message_is_found_by_words_by_whom_and_where_it_was_said() {
    let mut town = town().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let (garden, shed) = (ann.opens_room("garden").await, ann.opens_room("tool shed").await);
    bob.joins(&garden).await;
    ann.says(&garden, "Das Café an der Straße").await;
    bob.says(&garden, "le café d’à côté, https://example.com").await;
    ann.says(&garden, "我在東京的咖啡館").await;
    ann.says(&shed, "كِتَاب في المقهى, and a cafe").await;
    finds(
        &ann,
        "cafe",
        &["كِتَاب في المقهى, and a cafe", "le café d’à côté, https://example.com", "Das Café an der Straße"],
    )
    .await;
    finds(&bob, "cafe", &["le café d’à côté, https://example.com", "Das Café an der Straße"]).await;
    for (q, found) in [
        ("STRASSE", "Das Café an der Straße"),
        ("\"cafe an der\"", "Das Café an der Straße"),
        ("cafe from:bob", "le café d’à côté, https://example.com"),
        ("cafe -strasse in:garden", "le café d’à côté, https://example.com"),
        ("has:link in:#Garden", "le café d’à côté, https://example.com"),
        ("東京", "我在東京的咖啡館"),
        ("咖 from:me", "我在東京的咖啡館"),
        ("كتاب", "كِتَاب في المقهى, and a cafe"),
        ("in:\"tool shed\" caf*", "كِتَاب في المقهى, and a cafe"),
        ("type:room example.com after:2020-01-01 before:2100-01-01", "le café d’à côté, https://example.com"),
    ] {
        assert_eq!(texts(&ann, q).await, [found], "{q}");
    }
    for nothing in
        ["cafe an", "from:nobody cafe", "in:nowhere cafe", "type:direct cafe", "cafe on:2020-01-01", "cafe is:edited"]
    {
        let nothing = if nothing == "cafe an" { "\"cafe der\"" } else { nothing };
        assert_eq!(texts(&ann, nothing).await, [] as [&str; 0], "{nothing}");
    }
    let found = search(&ann, json!({"q": "cafe", "conversation": garden.id, "limit": 1})).await;
    let result = &found["results"][0];
    assert_eq!((&result["highlights"], &result["message"]["conversation"]), (&json!([[3, 7]]), &json!(garden.id)));
    let next = search(&ann, json!({"q": "cafe", "conversation": garden.id, "cursor": found["next_cursor"]})).await;
    assert_eq!((next["results"].as_array().unwrap().len(), &next["next_cursor"]), (1, &Value::Null));
    let rest = ann.requests("GET", "/v1/search/messages?q=caf%C3%A9%20strasse", Value::Null).await.granted();
    assert_eq!(rest["results"][0]["message"]["text"], "Das Café an der Straße");
    town.closes().await;
}

#[tokio::test]
async fn what_was_changed_is_found_as_it_is_and_never_as_it_was() {
    let mut town = town().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let garden = ann.opens_room("garden").await;
    bob.joins(&garden).await;
    let said = ann.says(&garden, "the old apple tree").await;
    finds(&bob, "apple", &["the old apple tree"]).await;
    ann.edits(&said, "the old pear tree").await;
    assert_eq!(texts(&bob, "apple").await, [] as [&str; 0], "from the moment on that the edit is acknowledged");
    finds(&bob, "pear is:edited", &["the old pear tree"]).await;
    assert_eq!(texts(&bob, "pear has:reaction").await, [] as [&str; 0]);
    bob.reacts(&said, "👍").await;
    assert_eq!(texts(&bob, "pear has:reaction").await, ["the old pear tree"]);
    ann.deletes(&said).await;
    assert_eq!(texts(&bob, "pear").await, [] as [&str; 0]);
    town.closes().await;
}

#[tokio::test]
async fn nobody_finds_what_they_may_not_read() {
    let mut town = town().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let admin = town.admin("root").await;
    let (open, closed) = (ann.opens_room("open").await, ann.opens_private_room("closed").await);
    ann.says(&open, "a secret in the open").await;
    ann.says(&closed, "a secret behind the door").await;
    finds(&ann, "secret", &["a secret behind the door", "a secret in the open"]).await;
    for stranger in [&bob, &admin] {
        assert_eq!(texts(stranger, "secret").await, [] as [&str; 0], "not even a public room, before one is in it");
        assert_eq!(texts(stranger, "secret in:closed").await, [] as [&str; 0]);
        assert_eq!(texts(stranger, &format!("secret in:{}", closed.id)).await, [] as [&str; 0]);
        let inside = json!({"q": "secret", "conversation": closed.id});
        stranger.asks("message.search", inside).await.refused("not_found");
    }
    bob.joins(&open).await;
    ann.adds(&bob, &closed).await;
    finds(&bob, "secret", &["a secret behind the door", "a secret in the open"]).await;
    ann.removes(&bob, &closed).await;
    assert_eq!(texts(&bob, "secret").await, ["a secret in the open"], "from the moment on that they are put out");
    bob.leaves(&open).await;
    assert_eq!(texts(&bob, "secret").await, [] as [&str; 0]);
    town.closes().await;
}

#[tokio::test]
async fn whatever_is_asked_the_answer_comes_soon_and_is_no_error_of_the_server() {
    let mut town = town().await;
    let ann = town.person("ann").await;
    let garden = ann.opens_room("garden").await;
    ann.says(&garden, "NEAR the (garden) AND \"shed\" it's").await;
    finds(&ann, "garden", &["NEAR the (garden) AND \"shed\" it's"]).await;
    for q in [
        "NEAR(garden shed, 5)",
        "garden AND",
        "terms:garden",
        "^garden",
        "{a b}: garden",
        "garden & !shed | x",
        "'garden':*",
        "garden <-> shed",
        "\\ ' \" garden",
        "garden'; DROP TABLE messages; --",
        "\u{E000}c1 garden",
        "(((((garden",
        "🎉🎉🎉",
        "*** garden",
        "garden:*",
        "\u{202E}garden",
        "%_ garden",
    ] {
        ann.asks("message.search", json!({"q": q})).await.granted();
    }
    let found = texts(&ann, "'garden' AND it's").await;
    assert_eq!(found.len(), 1);
    let many = "x ".repeat(10_000);
    let letters = "a b c d e f g h i j k l m n o p q r s t u";
    for (q, allowed) in [
        (many.as_str(), "at most 500"),
        (letters, "at most 20"),
        ("is:edited", "needs a word"),
        ("has:voice", "link, file, image or reaction"),
    ] {
        let refused = ann.asks("message.search", json!({"q": q})).await.refused("invalid");
        assert_eq!(refused["errors"][0]["pointer"], "/q", "{refused}");
        assert!(refused["detail"].as_str().unwrap().contains(allowed), "{refused}");
    }
    town.closes().await;
}

#[tokio::test]
async fn who_searches_too_often_is_told_when_to_come_again() {
    let mut town = Town::with(|config| config.limits.search_burst = 3).await;
    let ann = town.person("ann").await;
    ann.opens_room("garden").await;
    for _ in 0..3 {
        search(&ann, json!({"q": "x"})).await;
    }
    let refused = ann.asks("message.search", json!({"q": "x"})).await.refused("rate_limited");
    assert!(refused["retry_after_ms"].as_i64().unwrap() > 0, "{refused}");
    town.closes().await;
}

#[tokio::test]
async fn what_was_said_before_a_restart_is_found_after_it() {
    let mut town = town().await;
    let ann = town.person("ann").await;
    let garden = ann.opens_room("garden").await;
    for n in 0..50 {
        ann.says(&garden, &format!("apple number {n}")).await;
    }
    let access = ann.tokens().access;
    town.closes().await;
    let town = town.opens_again().await;
    until(async || {
        let path = "/v1/search/messages?q=apple%20number&limit=50";
        let found = town.rest().ask("GET", path, Some(&access), &Value::Null).await.granted();
        if found["results"].as_array().unwrap().len() == 50 { Ok(()) } else { Err(found) }
    })
    .await;
}

#[tokio::test]
async fn the_most_relevant_comes_first_if_one_asks_so_page_by_page() {
    let mut town = town().await;
    let ann = town.person("ann").await;
    let garden = ann.opens_room("garden").await;
    let long = format!("an apple in a long text {}and at its end a pie", "word ".repeat(40));
    for text in ["apple pie, apple pie", &long, "an apple and then there was a pie", "apple pie"] {
        ann.says(&garden, text).await;
    }
    finds(&ann, "apple pie", &["apple pie", "an apple and then there was a pie", &long, "apple pie, apple pie"]).await;
    let best = ["apple pie, apple pie", "apple pie", "an apple and then there was a pie", &long];
    for limit in 1..=4 {
        let (mut found, mut cursor) = (Vec::new(), Value::Null);
        loop {
            let asked = json!({"q": "apple pie", "order": "best", "limit": limit, "cursor": cursor});
            let page = search(&ann, asked).await;
            found.extend(page["results"].as_array().unwrap().iter().map(|one| one["message"]["text"].clone()));
            cursor = page["next_cursor"].clone();
            if cursor.is_null() {
                break;
            }
            // A message that is written meanwhile is newer than the first page, and on none of the others.
            ann.says(&garden, &format!("apple pie number {limit}")).await;
        }
        let expected: Vec<&str> =
            found.iter().map(|text| text.as_str().unwrap()).filter(|text| !text.contains("number")).collect();
        assert_eq!(expected, best, "{limit} on a page");
    }
    let first = search(&ann, json!({"q": "apple pie", "order": "best", "limit": 1})).await;
    let of_the_other = json!({"q": "apple pie", "cursor": first["next_cursor"]});
    let refused = ann.asks("message.search", of_the_other).await.refused("invalid");
    assert_eq!(refused["errors"][0]["pointer"], "/cursor", "{refused}");
    let rest = ann.requests("GET", "/v1/search/messages?q=apple%20pie&order=best&limit=1", Value::Null).await.granted();
    assert_eq!(rest, first);
    town.closes().await;
}

#[tokio::test]
async fn who_came_later_finds_nothing_from_before_they_may_see() {
    let mut town = town().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let garden = ann.opens_room("garden").await;
    let old = ann.says(&garden, "the old secret").await;
    town.sets(&garden, Ability::SeeEarlierHistory, Some(Role::Moderator)).await;
    bob.joins(&garden).await;
    ann.says(&garden, "a new secret").await;
    finds(&ann, "secret", &["a new secret", "the old secret"]).await;
    for order in ["newest", "best"] {
        let found = search(&bob, json!({"q": "secret", "order": order})).await;
        assert_eq!(found["results"].as_array().unwrap().len(), 1, "{found}");
        assert_eq!(found["results"][0]["message"]["text"], "a new secret");
    }
    // Nor what it becomes, whatever he asks with.
    ann.edits(&old, "the old secret https://example.com").await;
    finds(&ann, "has:link in:garden", &["the old secret https://example.com"]).await;
    for q in ["has:link in:garden", "from:ann old", "is:edited secret", "\"old secret\""] {
        assert_eq!(texts(&bob, q).await, [] as [&str; 0], "{q}");
    }
    town.closes().await;
}

#[tokio::test]
async fn what_was_said_in_a_thread_is_found_there() {
    let mut town = town().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let garden = ann.opens_room("garden").await;
    bob.joins(&garden).await;
    let root = ann.says(&garden, "an apple to talk about").await;
    let reply = json!({"conversation": garden.id, "text": "an apple in the thread", "thread": root.seq});
    bob.asks("message.send", reply).await.granted();
    ann.says(&garden, "an apple in the room").await;
    finds(&ann, "apple", &["an apple in the room", "an apple in the thread", "an apple to talk about"]).await;
    assert_eq!(texts(&ann, "apple is:thread").await, ["an apple in the thread", "an apple to talk about"]);
    let found = search(&ann, json!({"q": "\"in the thread\""})).await;
    assert_eq!(found["results"][0]["message"]["thread"], root.seq, "{found}");
    town.closes().await;
}

async fn suggested(person: &Person, q: &str) -> Vec<String> {
    let answer = person.asks("search.complete", json!({"q": q})).await.granted();
    let suggestions = answer["suggestions"].as_array().unwrap().clone();
    suggestions.iter().map(|one| one["text"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn what_one_types_is_completed_from_what_one_may_know() {
    let mut town = town().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let admin = town.admin("annabel").await;
    let (shed, closed) = (ann.opens_room("tool shed").await, ann.opens_private_room("tool box").await);
    bob.opens_room("toolmakers").await;
    bob.joins(&shed).await;
    ann.turns_to(&bob).await;
    assert_eq!(suggested(&ann, "apple i").await, ["in:", "is:"]);
    assert_eq!(suggested(&ann, "apple has:").await, ["has:link", "has:file", "has:image", "has:reaction"]);
    assert_eq!(suggested(&bob, "from:ann").await, ["from:ann", "from:annabel"]);
    assert_eq!(suggested(&bob, "from:m").await, ["from:me"]);
    assert_eq!(suggested(&ann, "in:to").await, ["in:\"tool shed\"", "in:\"tool box\""], "the liveliest first");
    assert_eq!(suggested(&bob, "in:\"tool s").await, ["in:\"tool shed\""]);
    assert_eq!(suggested(&ann, "in:@b").await, ["in:@bob"]);
    assert_eq!(suggested(&admin, "in:@b").await, [] as [&str; 0]);
    for nothing in ["apple", "-from:a", "\"from:a", "before:2026", "mentions:a"] {
        assert_eq!(suggested(&ann, nothing).await, [] as [&str; 0], "{nothing}");
    }
    // A person in no room of that name is told nothing of it, and one who was put out no more.
    assert_eq!(suggested(&admin, "in:tool").await, [] as [&str; 0]);
    ann.adds(&bob, &closed).await;
    assert_eq!(suggested(&bob, "in:\"tool b").await, ["in:\"tool box\""]);
    ann.removes(&bob, &closed).await;
    assert_eq!(suggested(&bob, "in:\"tool b").await, [] as [&str; 0]);
    // A private room whose name a public one has is named by its id: the name would mean the other.
    bob.opens_room("kitchen").await;
    let own = ann.opens_private_room("kitchen").await;
    assert_eq!(suggested(&ann, "in:kit").await, [format!("in:{}", own.id)]);
    let answer = ann.asks("search.complete", json!({"q": "été in:kit", "limit": 1})).await.granted();
    assert_eq!(answer["from"], 4);
    assert_eq!(answer["suggestions"][0]["room"], json!({"id": own.id, "name": "kitchen"}));
    // A guest knows those with whom they share a conversation.
    admin.asks("user.role", json!({"user": bob.id(), "role": "guest"})).await.granted();
    bob.comes_back().await;
    assert_eq!(suggested(&bob, "from:ann").await, ["from:ann"]);
    for (q, allowed) in [("x".repeat(501), "at most 500"), (format!("from:{}", "x".repeat(101)), "at most 100")] {
        let refused = ann.asks("search.complete", json!({"q": q})).await.refused("invalid");
        assert!(refused["detail"].as_str().unwrap().contains(allowed), "{refused}");
    }
    let rest = ann.requests("GET", "/v1/search/suggestions?q=ty", Value::Null).await.granted();
    assert_eq!(rest, json!({"from": 0, "suggestions": [{"text": "type:", "user": null, "room": null}]}));
    town.closes().await;
}

#[tokio::test]
async fn whichever_node_is_asked_finds_the_same_and_nothing_that_is_gone() {
    let mut town = town().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let garden = ann.opens_room("garden").await;
    bob.joins(&garden).await;
    let mut said = Vec::new();
    for n in 0..10 {
        said.push(ann.says(&garden, &format!("apple {n}")).await);
        bob.says(&garden, &format!("pear {n}")).await;
    }
    finds(&ann, "apple 9", &["apple 9"]).await;
    finds(&ann, "pear 9", &["pear 9"]).await;
    let everywhere = async |person: &Person, q: &str| {
        let (mut answers, token) = (Vec::new(), person.tokens().access);
        for rest in town.rests() {
            let path = format!("/v1/search/messages?q={q}&limit=50&order=best");
            let found = rest.ask("GET", &path, Some(&token), &Value::Null).await.granted();
            answers.push(found["results"].as_array().unwrap().len());
        }
        answers.dedup();
        answers
    };
    assert_eq!(everywhere(&bob, "apple").await, [10]);
    for (n, message) in said.iter().enumerate() {
        // Every node knows of it from the acknowledgement on.
        ann.deletes(message).await;
        assert_eq!(everywhere(&bob, "apple").await, [9 - n]);
    }
    assert_eq!(everywhere(&bob, "pear").await, [10]);
    ann.removes(&bob, &garden).await;
    assert_eq!(everywhere(&bob, "pear").await, [0]);
    town.closes().await;
}

#[tokio::test]
async fn a_file_is_found_by_its_name_by_whoever_sees_its_message() {
    let mut town = town().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let eve = town.person("eve").await;
    let garden = ann.opens_private_room("garden").await;
    ann.adds(&bob, &garden).await;
    let mut ids = Vec::new();
    for (name, bytes) in [("Plan für 東京.png", &b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"[..]), ("notes.txt", b"quince")] {
        let file = town.rest().upload(&ann.tokens().access, name, bytes.to_vec()).await.granted();
        ids.push(file["id"].clone());
    }
    let send = json!({"conversation": garden.id, "client_id": ann.new_client_id(), "text": "see", "files": ids});
    let sent = ann.asks("message.send", send).await.granted();
    finds(&bob, "plan", &["see"]).await;
    for q in ["fur 東京", "see plan", "\"notes txt\"", "has:file", "has:image from:ann", "see has:file"] {
        assert_eq!(texts(&bob, q).await, ["see"], "{q}");
    }
    for q in ["quince", "\"see plan\"", "plan -notes", "has:link has:file"] {
        assert_eq!(texts(&bob, q).await, [] as [&str; 0], "{q}");
    }
    let found = search(&bob, json!({"q": "see plan"})).await;
    let result = &found["results"][0];
    assert_eq!(
        (&result["highlights"], &result["message"]["files"][1]["name"]),
        (&json!([[0, 3]]), &json!("notes.txt"))
    );
    assert_eq!(texts(&eve, "plan").await, [] as [&str; 0]);
    ann.asks("message.delete", json!({"conversation": garden.id, "seq": sent["seq"]})).await.granted();
    assert_eq!(texts(&bob, "plan").await, [] as [&str; 0]);
    town.closes().await;
}
