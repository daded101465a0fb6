//! Saying, changing and taking back; each said once, whatever happens.

use serde_json::{Value, json};
use testkit::Town;

#[tokio::test]
async fn what_is_said_is_heard_by_all_once_and_in_order() {
    let town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    ann.hears("bob joins").await;
    ann.says(&room, "hello").await;
    bob.says(&room, "hello yourself").await;
    bob.hears("ann: hello").await;
    ann.hears_themselves("ann: hello").await;
    ann.hears("bob: hello yourself").await;
    ann.hears_nothing_more().await;
    bob.hears_nothing_more().await;
}

#[tokio::test]
async fn an_edit_a_deletion_and_a_reply_reach_everyone_once() {
    let town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    let hello = ann.says(&room, "helo").await;
    ann.edits(&hello, "hello").await;
    let answer = bob.replies(&hello, "hello!").await;
    bob.hears("ann: helo").await;
    let edited = bob.hears("ann edits: hello").await;
    assert!(edited["data"]["edited_at"].is_string() && edited["data"]["rev"].as_i64() > Some(hello.seq));
    ann.hears("bob joins").await;
    assert_eq!(ann.hears("bob: hello!").await["data"]["parent"], hello.seq);
    ann.deletes(&hello).await;
    let deleted = bob.hears("a message of ann is deleted").await;
    assert!(deleted["data"]["text"].is_null() && deleted["data"]["deleted_at"].is_string());
    bob.hears_nothing_more().await;
    assert_eq!(bob.knows(&room), [None, Some("hello!".into())]);
    // The tombstone keeps its place, and nothing can be done to it.
    for command in ["message.edit", "message.delete", "reaction.add"] {
        let mut data = json!({"conversation": room.id, "seq": hello.seq});
        match command {
            "message.edit" => data["text"] = "again".into(),
            "reaction.add" => data["emoji"] = "👍".into(),
            _ => {}
        }
        ann.asks(command, data).await.refused("not_found");
    }
    bob.deletes(&answer).await;
    bob.hears("a message of bob is deleted").await;
}

#[tokio::test]
async fn only_the_author_edits_and_only_moderators_delete_what_others_said() {
    let town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    let (hers, his) = (ann.says(&room, "mine").await, bob.says(&room, "mine too").await);
    for (who, said) in [(&ann, &his), (&bob, &hers)] {
        let edit = json!({"conversation": room.id, "seq": said.seq, "text": "no"});
        who.asks("message.edit", edit).await.refused("forbidden");
    }
    bob.asks("message.delete", json!({"conversation": room.id, "seq": hers.seq})).await.refused("forbidden");
    ann.deletes(&his).await;
    assert_eq!(bob.knows(&room), [Some("mine".into()), None]);
}

#[tokio::test]
async fn a_repeated_send_gets_the_first_answer_wherever_it_comes_in() {
    let town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    let draft = json!({"conversation": room.id, "client_id": "once", "text": "only once"});
    let first = ann.asks("message.send", draft.clone()).await.granted();
    assert_eq!(first["repeated"], false);
    let path = format!("/v1/conversations/{}/messages", room.id);
    let body = json!({"text": "only once"});
    let again = [
        ann.asks("message.send", draft).await.granted(),
        ann.requests("PUT", &format!("{path}/once"), body.clone()).await.granted(),
        ann.requests("POST", &path, json!({"text": "only once", "client_id": "once"})).await.granted(),
        ann.requests_with("POST", &path, body.clone(), &[("idempotency-key", "once")]).await.granted(),
        ann.requests_with("POST", &path, body, &[("idempotency-key", "\"once\"")]).await.granted(),
    ];
    for answer in again {
        assert_eq!((&answer["seq"], &answer["id"], &answer["repeated"]), (&first["seq"], &first["id"], &json!(true)));
        assert_eq!(answer["created_at"], first["created_at"]);
    }
    // The id is the sender's: another may use it as well.
    bob.asks("message.send", json!({"conversation": room.id, "client_id": "once", "text": "bob's"})).await.granted();
    assert_eq!(ann.knows(&room), [Some("only once".into()), Some("bob's".into())]);
}

#[tokio::test]
async fn the_same_client_id_with_other_content_is_refused() {
    let town = Town::opens().await;
    let ann = town.person("ann").await;
    let (room, other) = (ann.opens_room("garden").await, ann.opens_room("kitchen").await);
    let first = ann.says(&room, "first").await;
    let send = |room: i64, text: &str| json!({"conversation": room, "client_id": first.client_id, "text": text});
    ann.asks("message.send", send(room.id, "second")).await.refused("idempotency_mismatch");
    ann.asks("message.send", send(other.id, "first")).await.refused("idempotency_mismatch");
    let mut reply = send(room.id, "first");
    reply["parent"] = first.seq.into();
    ann.asks("message.send", reply).await.refused("idempotency_mismatch");
    let path = format!("/v1/conversations/{}/messages/{}", room.id, first.client_id);
    ann.requests("PUT", &path, json!({"text": "other"})).await.refused(422, "idempotency_mismatch");
    assert_eq!(ann.knows(&room).len(), 1);
}

#[tokio::test]
async fn repeats_at_the_same_time_are_one_message() {
    let town = Town::opens().await;
    let ann = town.person("ann").await;
    let phone = ann.on_another_device().await;
    let room = ann.opens_room("garden").await;
    let draft = json!({"conversation": room.id, "client_id": "at once", "text": "now"});
    ann.asks("message.send", draft).await.refused("invalid");
    let draft = json!({"conversation": room.id, "client_id": "at-once", "text": "now"});
    let path = format!("/v1/conversations/{}/messages/at-once", room.id);
    let mut sends = Vec::new();
    for _ in 0..8 {
        sends.push(ann.begins("message.send", draft.clone()));
        sends.push(phone.begins("message.send", draft.clone()));
    }
    let (put, mut answers) = tokio::join!(ann.requests("PUT", &path, json!({"text": "now"})), async {
        let mut answers = Vec::new();
        for send in sends {
            answers.push(send.await.granted());
        }
        answers
    });
    answers.push(put.granted());
    assert!(answers.iter().all(|answer| answer["seq"] == answers[0]["seq"]), "{answers:?}");
    assert_eq!(answers.iter().filter(|answer| answer["repeated"] == false).count(), 1);
    ann.says(&room, "after").await;
    assert_eq!(phone.knows(&room), [Some("now".into()), Some("after".into())]);
}

#[tokio::test]
async fn text_is_kept_as_it_was_written() {
    let town = Town::opens().await;
    let ann = town.person("ann").await;
    let room = ann.opens_room("garden").await;
    let texts = [
        "<script>alert('hello')</script>",
        "  spaces before, and after  ",
        "several\nlines\r\nand\ttabs",
        "e\u{301} is not é, and \u{202e}this\u{202c} is turned",
        "👩‍👩‍👧‍👦 🇫🇷 𝒳 \u{10ffff}",
        "'; DROP TABLE messages; --",
        "\\u0000 is six characters, %00 is three",
        "\u{feff}.\u{200b}",
    ];
    for text in texts {
        ann.says(&room, text).await;
    }
    let page = ann.requests("GET", &format!("/v1/conversations/{}/messages", room.id), json!(null)).await.granted();
    let kept: Vec<_> = page["messages"].as_array().unwrap().iter().map(|m| m["text"].as_str().unwrap()).collect();
    assert_eq!(kept, texts);
}

#[tokio::test]
async fn text_that_cannot_be_kept_is_refused_by_name_and_the_connection_lives() {
    let town = Town::opens().await;
    let ann = town.person("ann").await;
    let room = ann.opens_room("garden").await;
    for text in ["", "   \n", "nul \0 in it", "\u{feff}\u{200b}"] {
        let refusal = ann.asks("message.send", ann.draft(&room, text)).await.refused("invalid");
        assert_eq!(refusal["errors"][0]["pointer"], "/text", "{refusal}");
    }
    for (data, pointer) in [
        (json!({"conversation": room.id, "client_id": "a", "text": 5}), "/text"),
        (json!({"conversation": room.id, "client_id": "a"}), "/text"),
        (json!({"conversation": "room", "client_id": "a", "text": "a"}), "/conversation"),
        (json!({"conversation": room.id, "client_id": "a", "text": "a", "parent": -1}), "/parent"),
        (json!({"conversation": room.id, "client_id": "a", "text": "a", "colour": "red"}), "/colour"),
    ] {
        let refusal = ann.asks("message.send", data.clone()).await.refused("invalid");
        assert_eq!(refusal["errors"][0]["pointer"], pointer, "{data}: {refusal}");
    }
    let lone = format!(
        r#"{{"id":"lone","type":"message.send","data":{{"conversation":{},"client_id":"s","text":"\ud800"}}}}"#,
        room.id
    );
    let mut stranger = town.stranger().await;
    let token = ann.tokens().access;
    stranger.writes(json!({"id": "1", "type": "authenticate", "data": {"token": token}})).await;
    stranger.hears().await;
    stranger.writes(lone).await;
    let mut answer = stranger.hears().await;
    // That they are present now may be told before.
    while answer["re"].is_null() && answer["type"] == "presence.changed" {
        answer = stranger.hears().await;
    }
    assert_eq!((&answer["re"], &answer["type"]), (&json!("lone"), &json!("error")), "{answer}");
    // To itself, as an answer or an author, a message cannot be a reply.
    let mut draft = ann.draft(&room, "to nothing");
    draft["parent"] = 999.into();
    let refusal = ann.asks("message.send", draft).await;
    assert_eq!(refusal.frame["type"], "error", "a reply to nothing: {}", refusal.frame);
    ann.says(&room, "still here").await;
    assert_eq!(ann.knows(&room), [Some("still here".into())]);
}

#[tokio::test]
async fn a_message_has_so_many_characters_and_not_one_more() {
    let town = Town::with(|config| config.limits.message_length = 10).await;
    let ann = town.person("ann").await;
    let room = ann.opens_room("garden").await;
    // Characters, not bytes nor UTF-16 units.
    for most in ["1234567890", "éééééééééé", "𝒳𝒳𝒳𝒳𝒳𝒳𝒳𝒳𝒳𝒳"] {
        let said = ann.says(&room, most).await;
        let more = format!("{most}!");
        let refusal = ann.asks("message.send", ann.draft(&room, &more)).await.refused("invalid");
        assert!(refusal["detail"].as_str().unwrap().contains("11"), "{refusal}");
        let edit = json!({"conversation": room.id, "seq": said.seq, "text": more});
        ann.asks("message.edit", edit).await.refused("invalid");
    }
    assert_eq!(ann.knows(&room).len(), 3);
}

#[tokio::test]
async fn the_newest_page_is_of_now_however_often_it_was_just_read() {
    let town = Town::opens().await;
    let ann = town.person("ann").await;
    let room = ann.opens_room("garden").await;
    let first = ann.says(&room, "roses").await;
    let page =
        async || ann.asks("message.history", json!({"conversation": room.id})).await.granted()["messages"].clone();
    let message = |data: serde_json::Value| {
        let mut data = data;
        data["conversation"] = json!(room.id);
        data["seq"] = json!(first.seq);
        data
    };
    for round in 0..5 {
        let text = format!("roses {round}");
        page().await;
        ann.asks("message.edit", message(json!({"text": text}))).await.granted();
        assert_eq!(page().await[0]["text"], text);
        ann.asks("reaction.add", message(json!({"emoji": "👍"}))).await.granted();
        assert_eq!(page().await[0]["reactions"][0]["emoji"], "👍");
        ann.asks("reaction.remove", message(json!({"emoji": "👍"}))).await.granted();
        assert_eq!(page().await[0]["reactions"], json!([]));
        let said = ann.says(&room, "tulips").await;
        assert_eq!(page().await.as_array().and_then(|page| page.last().cloned()).expect("a message")["seq"], said.seq);
    }
}

#[tokio::test]
async fn history_is_read_before_after_and_around_a_place() {
    let town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let room = ann.opens_room("garden").await;
    let said = ann.says_all(&room, (0..20).map(|n| n.to_string())).await;
    ann.edits(&said[3], "3 edited").await;
    ann.deletes(&said[5]).await;
    let (first, last) = (said[0].seq, said[19].seq);
    let path = format!("/v1/conversations/{}/messages", room.id);
    let page = async |query: String| {
        let page = ann.requests("GET", &format!("{path}?{query}"), json!(null)).await.granted();
        let seqs: Vec<i64> = page["messages"].as_array().unwrap().iter().map(|m| m["seq"].as_i64().unwrap()).collect();
        (seqs, page["has_more_before"] == true, page["has_more_after"] == true, page["head"].as_i64().unwrap())
    };
    let head = last + 2;
    let all: Vec<i64> = (first..=last).collect();
    assert_eq!(page("limit=200".into()).await, (all.clone(), false, false, head));
    assert_eq!(page("limit=3".into()).await, (all[17..].to_vec(), true, false, head));
    assert_eq!(page(format!("before_seq={}&limit=3", first + 5)).await, (all[2..5].to_vec(), true, true, head));
    assert_eq!(page(format!("before_seq={first}&limit=3")).await, (vec![], false, true, head));
    assert_eq!(page(format!("after_seq={}&limit=3", first + 5)).await, (all[6..9].to_vec(), true, true, head));
    assert_eq!(page(format!("after_seq={last}&limit=3")).await, (vec![], true, false, head));
    assert_eq!(page(format!("around_seq={}&limit=5", first + 8)).await, (all[6..11].to_vec(), true, true, head));
    assert_eq!(page(format!("around_seq={first}&limit=4")).await.0, all[0..4]);
    // The socket answers alike; two anchors at once are a mistake.
    let on_socket = json!({"conversation": room.id, "before_seq": first + 5, "limit": 3});
    let on_socket = ann.asks("message.history", on_socket).await.granted();
    assert_eq!(on_socket["messages"][0]["seq"], first + 2);
    let two = ann.requests("GET", &format!("{path}?before_seq=1&after_seq=1"), json!(null)).await;
    two.refused(422, "invalid");
    // A message by itself, with its tombstone's place.
    let one = ann.requests("GET", &format!("{path}/{}", said[3].seq), json!(null)).await.granted();
    assert_eq!(one["text"], "3 edited");
    let gone = ann.requests("GET", &format!("{path}/{}", said[5].seq), json!(null)).await.granted();
    assert!(gone["text"].is_null());
    bob.requests("GET", &path, json!(null)).await.refused(404, "not_found");
    bob.requests("GET", &format!("{path}/{first}"), json!(null)).await.refused(404, "not_found");
}

#[tokio::test]
async fn many_speak_at_once_and_all_hear_the_same_order() {
    let town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let cid = town.person("cid").await;
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    cid.joins(&room).await;
    let texts = |name: &str| (0..50).map(|n| format!("{name} {n}")).collect::<Vec<_>>();
    let (a, b, c) = tokio::join!(
        ann.says_all(&room, texts("ann")),
        bob.says_all(&room, texts("bob")),
        cid.says_all(&room, texts("cid")),
    );
    for said in [&a, &b, &c] {
        assert!(said.windows(2).all(|pair| pair[0].seq < pair[1].seq), "one's own order is kept");
    }
    let mut seqs: Vec<i64> = [a, b, c].concat().iter().map(|said| said.seq).collect();
    seqs.sort_unstable();
    assert!(seqs.windows(2).all(|pair| pair[1] == pair[0] + 1), "no gaps");
    assert_eq!(ann.knows(&room), bob.knows(&room));
    assert_eq!(ann.knows(&room).len(), 150);
}

#[tokio::test]
async fn pipelined_commands_take_effect_and_are_answered_in_order() {
    let town = Town::opens().await;
    let ann = town.person("ann").await;
    let room = ann.opens_room("garden").await;
    let mut pipe = town.stranger().await;
    let login = json!({"token": ann.tokens().access});
    // All of it before the first answer, the log-in included.
    pipe.writes(json!({"id": "login", "type": "authenticate", "data": login})).await;
    let mut expected = vec!["login".to_owned()];
    for n in 0..40 {
        let (kind, data) = match n % 5 {
            0 | 1 => {
                ("message.send", json!({"conversation": room.id, "client_id": format!("p{n}"), "text": n.to_string()}))
            }
            2 => ("message.history", json!({"conversation": room.id, "limit": 1})),
            3 => ("message.send", json!({"conversation": room.id, "client_id": "p0", "text": "0"})),
            _ => ("ping", json!({})),
        };
        pipe.writes(json!({"id": n.to_string(), "type": kind, "data": data})).await;
        expected.push(n.to_string());
    }
    let (mut answered, mut last_sent) = (Vec::new(), 0);
    while answered.len() < expected.len() {
        let frame = pipe.hears().await;
        let Some(re) = frame["re"].as_str() else { continue };
        match frame["type"].as_str().unwrap() {
            "message.sent" if frame["data"]["repeated"] == false => last_sent = frame["data"]["seq"].as_i64().unwrap(),
            "history" => {
                assert_eq!(frame["data"]["messages"][0]["seq"], last_sent, "a question sees what was sent before")
            }
            "error" => panic!("{frame}"),
            _ => {}
        }
        answered.push(re.to_owned());
    }
    assert_eq!(answered, expected);
}

#[tokio::test]
async fn a_message_is_heard_before_or_with_its_answer_and_never_twice() {
    let town = Town::opens().await;
    let ann = town.person("ann").await;
    let room = ann.opens_room("garden").await;
    let draft = ann.draft(&room, "hello");
    ann.asks("message.send", draft.clone()).await.granted();
    assert_eq!(ann.asks("message.send", draft).await.granted()["repeated"], true);
    ann.hears_themselves("ann: hello").await;
    ann.hears_nothing_more().await;
    assert_eq!(ann.knows(&room).len(), 1);
}

#[tokio::test]
async fn a_message_says_what_its_text_is_about() {
    let town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let room = ann.opens_group(&[&bob]).await;
    bob.hears("added to it").await;
    let image = json!({"conversation": room.id, "message_type": "image", "text": "a lime tree", "client_id": "i-1"});
    let sent = ann.asks("message.send", image.clone()).await.granted();
    assert_eq!(bob.hears("ann: a lime tree").await["data"]["message_type"], "image");
    assert_eq!(ann.asks("message.send", image).await.granted()["repeated"], true);
    // The type belongs to what was said: under the same client id another one is another message.
    let text = json!({"conversation": room.id, "text": "a lime tree", "client_id": "i-1"});
    ann.asks("message.send", text).await.refused("idempotency_mismatch");
    let found = bob.requests("GET", &format!("/v1/messages/{}", sent["id"]), Value::Null).await.granted();
    assert_eq!((&found["message_type"], &found["seq"]), (&json!("image"), &sent["seq"]));
    let eve = town.person("eve").await;
    assert_eq!(eve.requests("GET", &format!("/v1/messages/{}", sent["id"]), Value::Null).await.status, 404);
    assert_eq!(bob.requests("GET", "/v1/messages/987654", Value::Null).await.status, 404);
}
