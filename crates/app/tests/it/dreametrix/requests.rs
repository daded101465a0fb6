//! Requests and their answers, as forms and as JSON.

use super::*;

/// Writes a whole request before it reads, as simple clients do; the answer's status.
async fn writes_then_reads(town: &Town, token: &str, body: &str) -> Option<u16> {
    let mut stream = TcpStream::connect(town.dreametrix()).await.unwrap();
    let head = format!(
        "POST /chats/messages/create/ HTTP/1.1\r\nhost: school\r\nauthorization: Bearer {token}\r\n\
         content-type: multipart/form-data; boundary=PALABRE\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.ok()?;
    stream.write_all(body.as_bytes()).await.ok()?;
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.ok()?;
    std::str::from_utf8(&answer).ok()?.split(' ').nth(1)?.parse().ok()
}

/// Makes a request whose body is a form in parts, as the web client sends them; what has a file's name is a file.
async fn sends_form(town: &Town, method: &str, path: &str, token: &str, fields: &[(&str, &str, &str)]) -> Answer {
    let part = |(name, file, value): &(&str, &str, &str)| {
        let file = if file.is_empty() { String::new() } else { format!("; filename=\"{file}\"") };
        format!("--PALABRE\r\ncontent-disposition: form-data; name=\"{name}\"{file}\r\n\r\n{value}\r\n")
    };
    let body = fields.iter().map(part).chain(["--PALABRE--\r\n".to_owned()]).collect();
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str()), ("content-type", "multipart/form-data; boundary=PALABRE")];
    rest(town).ask_raw(method, path, &headers, body).await
}

#[tokio::test]
async fn rooms_are_made_listed_changed_and_left_as_forms_and_as_json() {
    let town = Town::opens().await;
    let (alice, bob, cid) = (town.person("alice").await, town.person("bob").await, town.absent("cid").await);
    let token = alice.tokens().access;
    let ask = async |who: &Person, method: &str, path: &str, body: Value| {
        rest(&town).ask(method, path, Some(&who.tokens().access), &body).await
    };
    let (bobs, cids) = (bob.id().to_string(), cid.id().to_string());
    let fields = [
        ("name", "", "Classe 3B"),
        ("details", "", "Devoirs d'été"),
        ("is_group", "", "true"),
        ("is_deleted", "", "false"),
        ("extra_data", "", ""),
        ("participants", "", bobs.as_str()),
        ("participants", "", cids.as_str()),
        ("initial_message", "", "Bienvenue !"),
    ];
    let mut b = client(&town, &bob).await;
    let made = sends_form(&town, "POST", "/chats/rooms/create/", &token, &fields).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let room = Room { id: made.body["id"].as_i64().unwrap() };
    assert_eq!(made.body["uuid"], uuid(1, room.id));
    assert_eq!((&made.body["name"], &made.body["details"]), (&json!("Classe 3B"), &json!("Devoirs d'été")));
    assert_eq!(made.body["last_message"]["content"], "Bienvenue !");
    assert_eq!(made.body["participant_ids_cache"].as_array().map(Vec::len), Some(3));
    let told = heard_by_now(&mut b).await;
    assert!(told.iter().any(|frame| frame["data"]["room"]["name"] == "Classe 3B"), "{told:?}");
    assert!(told.iter().any(|frame| frame["data"]["content"] == "Bienvenue !"), "{told:?}");
    bob.hears("added to Classe 3B").await;
    // The same as plain and as wrapped JSON; a pair has one conversation, which is named after the other.
    let direct = ask(&alice, "POST", "/chats/rooms/", json!({"participants": [bob.id()]})).await;
    assert_eq!((direct.status, &direct.body["name"]), (201, &json!("bob")), "{}", direct.text);
    assert_eq!((&direct.body["room_type"], &direct.body["is_group"]), (&json!("private"), &json!(false)));
    let wrapped = json!({"data": {"participants": [bob.id()], "is_group": false}});
    let again = ask(&alice, "POST", "/chats/rooms/", wrapped).await;
    assert_eq!((again.status, &again.body["id"]), (201, &direct.body["id"]));
    let wrapped = json!({"data": {"name": "Seule", "is_group": true}});
    assert_eq!(ask(&alice, "POST", "/chats/rooms/", wrapped).await.status, 201);
    let list = ask(&alice, "GET", "/chats/rooms/?limit=2", Value::Null).await.granted();
    assert_eq!((&list["count"], list["results"].as_array().map(Vec::len)), (&json!(3), Some(2)));
    let next_page = list["next"].as_str().unwrap();
    let path = next_page.strip_prefix(&format!("http://{}", town.dreametrix())).unwrap();
    let list = ask(&alice, "GET", path, Value::Null).await.granted();
    assert_eq!((&list["next"], list["results"].as_array().map(Vec::len)), (&Value::Null, Some(1)));
    let found = ask(&alice, "GET", "/chats/rooms/?name=classe&details=d%C3%A9t", Value::Null).await.granted();
    assert_eq!(found["count"], 0);
    let found = ask(&alice, "GET", "/chats/rooms/?name=classe&details=%C3%A9t&school=4", Value::Null).await.granted();
    assert_eq!((&found["count"], &found["results"][0]["id"]), (&json!(1), &json!(room.id)));
    // By its number and by its uuid, with its messages, whose sender is a number here.
    let seen = ask(&bob, "GET", &format!("/chats/rooms/{}/", uuid(1, room.id)), Value::Null).await.granted();
    assert_eq!(seen["mmessages"][0]["sender"], alice.id());
    assert_eq!((&seen["mmessages"][0]["content"], &seen["unread_count"]), (&json!("Bienvenue !"), &json!(1)));
    // Read marks.
    let mark = format!("/chats/rooms/{}/mark_as_read/", room.id);
    assert_eq!(ask(&bob, "POST", &mark, Value::Null).await.granted(), json!({"success": true}));
    let seen = ask(&bob, "GET", &format!("/chats/rooms/{}/", room.id), Value::Null).await.granted();
    assert_eq!(seen["unread_count"], 0);
    // Only who may changes it.
    let path = format!("/chats/rooms/{}/", room.id);
    let hall = alice.opens_room("hall").await;
    bob.joins(&hall).await;
    let bobs_try = ask(&bob, "PATCH", &format!("/chats/rooms/{}/", hall.id), json!({"name": "mine"})).await;
    assert_eq!(bobs_try.status, 403, "{}", bobs_try.text);
    let changed = sends_form(&town, "PUT", &path, &token, &[("name", "", "Classe 4B"), ("details", "", "")]).await;
    assert_eq!((changed.status, &changed.body["name"]), (200, &json!("Classe 4B")), "{}", changed.text);
    assert_eq!(changed.body["details"], "");
    let told = heard_by_now(&mut b).await;
    assert!(told.iter().any(|frame| frame["data"]["room"]["name"] == "Classe 4B"), "{told:?}");
    // Deleting it is leaving it: the others keep it.
    assert_eq!(ask(&alice, "DELETE", &path, Value::Null).await.status, 204);
    assert_eq!(ask(&alice, "GET", &path, Value::Null).await.status, 404);
    assert_eq!(ask(&bob, "GET", &path, Value::Null).await.status, 200);
    let path = format!("/chats/rooms/{}/", direct.body["id"]);
    assert_eq!(ask(&alice, "DELETE", &path, Value::Null).await.status, 204);
    assert_eq!(ask(&alice, "GET", "/chats/rooms/", Value::Null).await.granted()["count"], 2);
    assert_eq!(ask(&bob, "DELETE", "/chats/rooms/", Value::Null).await.status, 405);
    assert_eq!(ask(&bob, "GET", "/chats/nowhere/", Value::Null).await.status, 404);
    // The room is the same at the new endpoint.
    bob.says(&room, "only two of us").await;
    alice.does_not_see(&room).await;
}

#[tokio::test]
async fn messages_are_sent_read_changed_and_deleted_as_forms_and_as_json() {
    let town = Town::opens().await;
    let (alice, bob) = (town.person("alice").await, town.person("bob").await);
    let token = alice.tokens().access;
    let room = alice.opens_group(&[&bob]).await;
    let ask = async |who: &Person, method: &str, path: &str, body: Value| {
        rest(&town).ask(method, path, Some(&who.tokens().access), &body).await
    };
    let mut b = client(&town, &bob).await;
    bob.hears("added to it").await;
    let name = uuid(1, room.id);
    let number = room.id.to_string();
    for (fields, words) in [
        (vec![("chat_room_id", "", name.as_str()), ("content", "", "Bonjour, l'été")], "Bonjour, l'été"),
        (vec![("chat_room_id", "", name.as_str()), ("content", "", ""), ("emoji", "", "😀")], "😀"),
        (vec![("chat", "", number.as_str()), ("content", "", "sans pièce"), ("attachment", "", "")], "sans pièce"),
    ] {
        let sent = sends_form(&town, "POST", "/chats/messages/create/", &token, &fields).await;
        assert_eq!((sent.status, &sent.body["content"]), (201, &json!(words)), "{}", sent.text);
        assert_eq!(sent.body["sender"]["username"], "alice");
        let data = next(&mut b, "message").await["data"].clone();
        assert_eq!((&data["id"], &data["uuid"]), (&sent.body["id"], &sent.body["uuid"]));
        bob.hears(&format!("alice: {words}")).await;
    }
    for body in [
        json!({"chat_room_id": room.id, "content": "four", "message_type": "text"}),
        json!({"data": {"chat": room.id, "content": "five", "message_type": "image"}}),
    ] {
        assert_eq!(ask(&alice, "POST", "/chats/messages/", body).await.status, 201);
        next(&mut b, "message").await;
    }
    // A page of them, the newest first; the sender is a person here.
    let page = |limit: i64, offset: i64| format!("/chats/messages/?chat={name}&limit={limit}&offset={offset}");
    let contents = |page: &Value| {
        let all = page["results"].as_array().unwrap();
        all.iter().map(|m| m["content"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let first = ask(&bob, "GET", &page(2, 0), Value::Null).await.granted();
    assert_eq!((&first["count"], contents(&first)), (&json!(5), vec!["five".to_owned(), "four".to_owned()]));
    assert_eq!(first["results"][0]["sender"]["id"], alice.id());
    assert_eq!(first["results"][0]["message_type"], "image");
    let last = ask(&bob, "GET", &page(2, 4), Value::Null).await.granted();
    assert_eq!((&last["next"], contents(&last)), (&Value::Null, vec!["Bonjour, l'été".to_owned()]));
    // A message's status: sent, then read by all others.
    let id = first["results"][0]["id"].as_i64().unwrap();
    let path = format!("/chats/messages/{id}/");
    assert_eq!(ask(&alice, "GET", &path, Value::Null).await.granted()["status"], "sent");
    ask(&bob, "POST", &format!("/chats/rooms/{number}/mark_as_read/"), Value::Null).await.granted();
    let by_uuid = format!("/chats/messages/{}/", uuid(2, id));
    assert_eq!(ask(&alice, "GET", &by_uuid, Value::Null).await.granted()["status"], "read");
    alice.notices("bob has read 6").await;
    // Only the author changes it; deleted, it is in no list.
    assert_eq!(ask(&bob, "PATCH", &path, json!({"content": "mine"})).await.status, 403);
    let changed = ask(&alice, "PUT", &path, json!({"data": {"content": "5"}})).await.granted();
    assert_eq!(changed["content"], "5");
    bob.hears("alice: four").await;
    bob.hears("alice: five").await;
    bob.hears("alice edits: 5").await;
    assert_eq!(next(&mut b, "room_update").await["data"]["message"]["content"], "5");
    assert_eq!(ask(&bob, "DELETE", &path, Value::Null).await.status, 403);
    assert_eq!(ask(&alice, "DELETE", &path, Value::Null).await.status, 204);
    assert_eq!(next(&mut b, "room_update").await["data"]["message"]["is_deleted"], true);
    assert_eq!(ask(&alice, "GET", &page(2, 0), Value::Null).await.granted()["count"], 4);
    let gone = ask(&alice, "GET", &path, Value::Null).await.granted();
    assert_eq!((&gone["is_deleted"], &gone["content"]), (&json!(true), &json!("")));
    assert_eq!(alice.knows(&room).len(), 5);
}

#[tokio::test]
async fn a_file_is_refused_as_not_kept_here_however_large_it_is() {
    let town = Town::opens().await;
    let (alice, bob) = (town.person("alice").await, town.absent("bob").await);
    let room = alice.opens_group(&[&bob]).await;
    let (token, name) = (alice.tokens().access, uuid(1, room.id));
    for size in [1, 60_000, 70_000, 10 << 20] {
        let file = "x".repeat(size);
        for (path, field) in [
            ("/chats/messages/create/", "attachment"),
            ("/chats/messages/create/", "voice_note"),
            ("/chats/messages/", "anything"),
        ] {
            let fields =
                [("chat_room_id", "", name.as_str()), ("content", "", "look"), (field, "photo.jpg", file.as_str())];
            let answer = sends_form(&town, "POST", path, &token, &fields).await;
            assert_eq!(answer.status, 501, "{size} {field}: {}", answer.text);
            assert_eq!(answer.body["detail"], answer.body["message"]);
            assert!(answer.body["detail"].as_str().unwrap().starts_with("Files"), "{}", answer.text);
        }
    }
    // Also to those who read the answer only when they have written everything.
    let head = "--PALABRE\r\ncontent-disposition: form-data; name=\"attachment\"; filename=\"photo.jpg\"\r\n\r\n";
    for size in [70_000, 10 << 20] {
        let body = format!("{head}{}\r\n--PALABRE--\r\n", "x".repeat(size));
        assert_eq!(writes_then_reads(&town, &token, &body).await, Some(501), "{size}");
    }
    let body = json!({"chat_room_id": room.id, "content": "look", "attachment": "data:image/png;base64,AAAA"});
    assert_eq!(rest(&town).ask("POST", "/chats/messages/", Some(&token), &body).await.status, 501);
    // Nothing of it was said: a message without its attachment would be another message.
    assert_eq!(alice.knows(&room), []);
    // Text that is too much is too large, not a file.
    let long = "x".repeat(70_000);
    let fields = [("chat_room_id", "", name.as_str()), ("content", "", long.as_str())];
    let answer = sends_form(&town, "POST", "/chats/messages/create/", &token, &fields).await;
    assert_eq!(answer.status, 413, "{}", answer.text);
    alice.says(&room, "words alone").await;
}
