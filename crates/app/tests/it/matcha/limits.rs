//! How much, and how fast.

use super::*;

/// The next frame of the gateway's that answers. Who speaks there hears the conversation as well, from then on.
async fn answer(client: &mut Client) -> Value {
    loop {
        let frame = client.hears().await;
        if frame["type"] != "chat_message" {
            return frame;
        }
    }
}

/// The next answer, which must be of this type.
async fn answered(client: &mut Client, kind: &str) -> Value {
    let frame = answer(client).await;
    assert_eq!(frame["type"], kind, "{frame}");
    frame
}

#[tokio::test]
async fn a_text_has_a_thousand_characters_and_not_one_more() {
    let town = Town::opens().await;
    let (alice, bob) = town.two("alice", "bob").await;
    let room = alice.turns_to(&bob).await;
    let pages = Pages::of(&town, &alice);
    let (mut direct, mut web) = (service(&town, &alice).await, gateway(&town, &alice).await);
    for letter in ["x", "é", "👍"] {
        let (fits, long) = (letter.repeat(1_000), letter.repeat(1_001));
        let frame = |text: &str| json!({"type": "send_message", "conversation_id": room.id, "content": text});
        let on_web = |text: &str| json!({"type": "send_message", "data": {"conversation_id": room.id.to_string(), "message": text}});
        assert_eq!(pages.says(&room, &fits).await["msg"], fits.as_str());
        direct.next("new_message").await;
        direct.writes(frame(&fits)).await;
        assert_eq!(direct.next("new_message").await["data"]["message"], fits.as_str());
        web.writes(on_web(&fits)).await;
        answered(&mut web, "chat_ack").await;
        direct.next("new_message").await;
        let body = json!({"conversation_id": room.id, "message": long});
        assert_eq!(pages.is_refused("POST", SAY, body).await, (400, "message too long".into()));
        assert_eq!(direct.is_refused(frame(&long)).await.0, "message too long");
        web.writes(on_web(&long)).await;
        let refused = &answered(&mut web, "error").await["data"];
        assert_eq!(
            (&refused["message"], &refused["error_type"]),
            (&json!("message too long"), &json!("message_too_long"))
        );
    }
    assert_eq!(pages.reads(&room, "").await.len(), 9);
    // Ten characters are an emoji, eleven are none.
    let message = alice.says(&room, "Coucou").await.id;
    let kiss = "👩🏽\u{200d}❤\u{fe0f}\u{200d}💋\u{200d}👨🏽";
    for (length, emoji, good) in
        [(10, kiss.to_owned(), true), (11, format!("{kiss}\u{fe0f}"), false), (4, "lol!".to_owned(), false)]
    {
        assert_eq!(emoji.chars().count(), length);
        let body = json!({"message_id": message, "emoji": emoji});
        let answer = pages.rest.ask("POST", "/api/v1/chat/reactions", Some(&pages.token), &body).await;
        assert_eq!(checked(answer).status, if good { 201 } else { 400 });
        assert_eq!(pages.reads(&room, "?limit=1").await[0]["reactions"].as_array().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn a_hundred_messages_a_minute_are_one_persons_on_all_ways_of_these_endpoints_together() {
    let town = Town::with(|config| {
        config.limits.matcha_messages_per_minute = chat::Limits::default().matcha_messages_per_minute;
    })
    .await;
    let (alice, bob) = town.two("alice", "bob").await;
    let room = alice.turns_to(&bob).await;
    let pages = Pages::of(&town, &alice);
    let say = json!({"conversation_id": room.id, "message": "x", "content": "x"});
    let flat = json!({"type": "send_message", "conversation_id": room.id, "content": "x"});
    let nested = json!({"type": "send_message", "data": say});
    let (mut web, mut granted) = (gateway(&town, &alice).await, 60);
    let began = Instant::now();
    for _ in 0..30 {
        web.writes(&nested).await;
    }
    for _ in 0..30 {
        answered(&mut web, "chat_ack").await;
    }
    for _ in 0..30 {
        pages.says(&room, "x").await;
    }
    let mut direct = service(&town, &alice).await;
    for _ in 0..40 {
        direct.writes(&flat).await;
    }
    for _ in 0..40 {
        direct.next("new_message").await;
    }
    granted += 40;
    // A hundred at once; one more with every 600 ms that have passed. Each way finds the same end.
    loop {
        direct.writes(&flat).await;
        let frame = direct.hears().await;
        if frame["type"] == "error" {
            assert_eq!(frame["data"], json!({"code": "HANDLE_ERROR", "message": "rate limited"}));
            break;
        }
        granted += 1;
        assert!(granted < 1_000, "nobody is slowed down");
    }
    loop {
        web.writes(&nested).await;
        let frame = answer(&mut web).await;
        if frame["type"] == "error" {
            assert_eq!(frame["data"]["error_type"], "rate_limited");
            assert_eq!(frame["data"]["message"], "rate limited");
            break;
        }
        granted += 1;
        assert!(granted < 1_000, "nobody is slowed down");
    }
    loop {
        let answer = checked(pages.rest.ask("POST", SAY, Some(&pages.token), &say).await);
        if answer.status == 429 {
            assert_eq!((&answer.body["error"], answer.header("retry-after")), (&json!("rate limited"), Some("1")));
            break;
        }
        granted += 1;
        assert!(granted < 1_000, "nobody is slowed down");
    }
    let more = u64::try_from(began.elapsed().as_millis() / 600).unwrap();
    assert!((100..=100 + more).contains(&granted), "{granted} in {:?}", began.elapsed());
    assert_eq!(pages.reads(&room, "?limit=1000").await.len() as u64, granted, "what was refused was not stored");
    // She may still speak at the new endpoint, do other things here, and nobody else pays for it.
    alice.says(&room, "at the new endpoint").await;
    web.writes(json!({"type": "ping"})).await;
    answered(&mut web, "pong").await;
    assert_eq!(pages.rest.ask("GET", LIST, Some(&pages.token), &Value::Null).await.status, 200);
    Pages::of(&town, &bob).says(&room, "from bob").await;
}
