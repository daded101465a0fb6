//! Abilities and sight: policies, grants, and the number from which on a member sees messages.

use dialects::native::table::OPERATIONS;
use serde_json::{Value, json};
use testkit::{
    Person, Rest, Room, Said, Stranger, Town,
    policies::{Ability, Role},
};

/// A text that nobody may see who joined later.
const SECRET: &str = "the key is under the mat";

/// The sentence of a refusal to post, and its code.
fn is_about_moderators(problem: &Value) {
    let detail = problem["detail"].as_str().unwrap_or_default();
    assert_eq!(detail, "The role moderator is needed to post messages here; yours is member.", "{problem}");
}

#[tokio::test]
async fn a_policy_that_forbids_posting_refuses_a_send_by_every_way() {
    let town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    let said = bob.says(&room, "while I may").await;
    town.sets(&room, Ability::Post, Some(Role::Moderator)).await;
    let send = json!({"conversation": room.id, "text": "may I?", "client_id": "c1"});
    is_about_moderators(&bob.asks("message.send", send).await.refused("forbidden"));
    let messages = format!("/v1/conversations/{}/messages", room.id);
    let text = json!({"text": "may I?"});
    is_about_moderators(&bob.requests("POST", &messages, text.clone()).await.refused(403, "forbidden"));
    let put = bob.requests("PUT", &format!("{messages}/c2"), text.clone()).await;
    is_about_moderators(&put.refused(403, "forbidden"));
    // To change what one has said is to say something.
    let edit = bob.requests("PATCH", &format!("{messages}/{}", said.seq), text).await;
    is_about_moderators(&edit.refused(403, "forbidden"));
    let typing = json!({"conversation": room.id, "typing": true});
    is_about_moderators(&bob.asks("typing.set", typing).await.refused("forbidden"));
    are_refused_at_the_old_endpoints(&town, &bob, &room).await;
    // To take it back is not.
    bob.deletes(&said).await;
    let seen = ann.sees(&room).await["last_message"]["text"].clone();
    assert_eq!(seen, Value::Null, "nothing was stored of it");
    ann.says(&room, "I am the owner").await;
    bob.reacts(&ann.says(&room, "reactions are free").await, "👍").await;
    town.sets(&room, Ability::Post, None).await;
    bob.says(&room, "as before").await;
}

/// Sends of the old systems' clients are refused in the words that these have for it.
async fn are_refused_at_the_old_endpoints(town: &Town, person: &Person, room: &Room) {
    let token = person.tokens().access;
    let (chat_server, dreametrix) = (format!("/?token={token}"), format!("/ws/chat/?token={token}"));
    let id = room.id;
    for (address, path, frame, words) in [
        (
            town.chat_server(),
            &chat_server,
            json!({"type": "message", "room": "garden", "content": "may I?"}),
            "Permissions insuffisantes.",
        ),
        (
            town.dreametrix(),
            &dreametrix,
            json!({"type": "send_message", "room_id": id, "content": "may I?"}),
            "The role moderator is needed",
        ),
        (
            town.address(),
            &format!("/ws?token={token}"),
            json!({"type": "send_message", "data": {"conversation_id": id.to_string(), "message": "may I?"}}),
            "access_denied",
        ),
    ] {
        let mut socket = town.socket_at(address, path, &[]).await.expect("let in");
        socket.writes(frame).await;
        let heard = until(&mut socket, "error").await;
        assert!(heard.contains(words), "{path}: {heard}");
    }
    for (address, path, body) in [
        (town.dreametrix(), "/chats/messages/create/", json!({"chat": id, "content": "may I?"})),
        (town.matcha(), "/api/v1/chat/messages", json!({"conversation_id": id, "message": "may I?"})),
    ] {
        let answer = Rest::to(address).ask("POST", path, Some(&token), &body).await;
        assert_eq!(answer.status, 403, "{path}: {}", answer.text);
    }
}

#[tokio::test]
async fn who_is_muted_is_told_how_long_it_lasts_and_then_speaks_again() {
    let town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    town.grants(&bob, &room, Ability::Post, false, Some(60_000)).await;
    let send = json!({"conversation": room.id, "text": "mm"});
    let problem = bob.asks("message.send", send.clone()).await.refused("forbidden");
    assert!(problem["retry_after_ms"].as_i64().is_some_and(|ms| (1..=60_000).contains(&ms)), "{problem}");
    // Leaving and coming back does not end it.
    bob.leaves(&room).await;
    bob.joins(&room).await;
    bob.asks("message.send", send).await.refused("forbidden");
    town.grants(&bob, &room, Ability::Post, false, Some(-1)).await;
    bob.says(&room, "it has ended").await;
}

#[tokio::test]
async fn a_policy_may_also_give_more_than_the_default() {
    let town = Town::opens().await;
    let (ann, bob, cleo) = (town.person("ann").await, town.person("bob").await, town.person("cleo").await);
    let room = ann.opens_private_room("garden").await;
    ann.adds(&bob, &room).await;
    bob.asks("member.add", json!({"conversation": room.id, "user": cleo.id()})).await.refused("forbidden");
    town.sets(&room, Ability::Invite, Some(Role::Member)).await;
    bob.adds(&cleo, &room).await;
    let update = json!({"conversation": room.id, "topic": "bees"});
    bob.asks("conversation.update", update.clone()).await.refused("forbidden");
    town.grants(&bob, &room, Ability::EditSettings, true, None).await;
    bob.asks("conversation.update", update).await.granted();
    // Beside the ability, acting on somebody takes a higher role.
    town.sets(&room, Ability::RemoveMembers, Some(Role::Member)).await;
    bob.asks("member.remove", json!({"conversation": room.id, "user": ann.id()})).await.refused("forbidden");
}

#[tokio::test]
async fn a_member_is_told_what_they_may_and_why_and_a_moderator_of_others_too() {
    let town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    town.sets(&room, Ability::React, Some(Role::Moderator)).await;
    town.grants(&bob, &room, Ability::Invite, true, Some(600_000)).await;
    town.grants(&bob, &room, Ability::Post, false, None).await;
    let ask = |user: &Person| json!({"conversation": room.id, "user": user.id()});
    let told = bob.asks("member.abilities", ask(&bob)).await.granted();
    assert_eq!(
        (&told["role"], &told["acting_role"], &told["visible_from"]),
        (&json!("member"), &json!("member"), &json!(0))
    );
    let of = |ability: &str| {
        let all = told["abilities"].as_array().expect("abilities");
        all.iter().find(|one| one["ability"] == ability).cloned().expect("an ability")
    };
    let default = |ability: &str, may: bool, needed: &str| json!({"ability": ability, "may": may, "reason": "role", "needed_role": needed, "by_policy": false, "ends_at": null});
    assert_eq!(of("set_roles"), default("set_roles", false, "admin"));
    assert_eq!(of("leave"), default("leave", true, "member"));
    let react = of("react");
    assert_eq!(
        (&react["may"], &react["needed_role"], &react["by_policy"]),
        (&json!(false), &json!("moderator"), &json!(true))
    );
    let invite = of("invite");
    assert_eq!((&invite["may"], &invite["reason"]), (&json!(true), &json!("grant")));
    assert!(invite["ends_at"].is_string(), "{invite}");
    let post = of("post");
    assert_eq!((&post["may"], &post["reason"], &post["ends_at"]), (&json!(false), &json!("withdrawal"), &Value::Null));
    bob.asks("member.abilities", ask(&ann)).await.refused("forbidden");
    ann.makes(&bob, "moderator", &room).await.granted();
    let path = format!("/v1/conversations/{}/members/{}/abilities", room.id, ann.id());
    let told = bob.requests("GET", &path, Value::Null).await.granted();
    assert!(told["abilities"].as_array().is_some_and(|all| all.iter().all(|one| one["may"] == true)), "{told}");
    let cleo = town.person("cleo").await;
    bob.asks("member.abilities", ask(&cleo)).await.refused("not_found");
    cleo.asks("member.abilities", ask(&cleo)).await.refused("not_found");
}

/// A path of a table, with what stands for its placeholders.
fn filled(path: &str, room: &Room, said: &Said, user: &Person) -> String {
    let message = if path.starts_with("/v1/conversations") { said.seq } else { said.id };
    let uuid = |noun: u8, id: i64| format!("{noun:08}-0000-8000-8000-{id:012x}");
    let (id, user) = (if path.contains("messages") { uuid(3, said.id) } else { uuid(2, room.id) }, user.id());
    path.replace("{conversation}", &room.id.to_string())
        .replace("{room}", &room.id.to_string())
        .replace("{message}", &message.to_string())
        .replace("{user}", &user.to_string())
        .replace("{id}", &id)
        .replace("{name}", "garden")
        .replace("{session}", "1")
        .replace("{emoji}", "%F0%9F%91%8D")
}

/// Everything that can be read by a GET at any endpoint: where, and whether the secret stands in the answer.
async fn reads(town: &Town, person: &Person, room: &Room, said: &Said) -> Vec<(String, bool)> {
    let token = person.tokens().access;
    let native = Rest::to(town.address());
    let mut asked: Vec<(&Rest, String)> = Vec::new();
    let routes = OPERATIONS.iter().flat_map(|operation| operation.routes).filter(|route| route.method == "GET");
    for route in routes {
        let path = filled(route.path, room, said, person);
        asked.push((&native, path.clone()));
        for (name, _) in route.query.iter().filter(|(name, _)| name.ends_with("_seq") || *name == "since") {
            for seq in [0, said.seq - 1, said.seq, said.seq + 1] {
                asked.push((&native, format!("{path}?{name}={seq}")));
            }
        }
    }
    let old = [
        (Rest::to(town.chat_server()), include_str!("../../../dialects/src/chat_server/surface.txt")),
        (Rest::to(town.dreametrix()), include_str!("../../../dialects/src/dreametrix/surface.txt")),
        (Rest::to(town.matcha()), include_str!("../../../dialects/src/matcha/surface.txt")),
    ];
    for (rest, surface) in &old {
        let calls = surface.lines().filter_map(|line| line.strip_prefix("call GET ")?.split_whitespace().next());
        for path in calls.map(|path| filled(path, room, said, person)) {
            asked.push((rest, format!("{path}?chat={0}&room={0}&room_id={0}", room.id)));
            asked.push((rest, path));
        }
    }
    let mut seen = Vec::new();
    for (rest, path) in asked {
        let answer = rest.ask("GET", &path, Some(&token), &Value::Null).await;
        seen.push((path, answer.text.contains(SECRET)));
    }
    seen
}

/// Everything that can be read over sockets: the native one's reads, and the history of the old ones.
async fn socket_reads(town: &Town, person: &Person, room: &Room, said: &Said) -> Vec<(String, bool)> {
    let mut seen = Vec::new();
    for (kind, data) in [
        ("message.get", json!({"conversation": room.id, "seq": said.seq})),
        ("message.find", json!({"message": said.id})),
        ("message.history", json!({"conversation": room.id})),
        ("message.history", json!({"conversation": room.id, "around_seq": said.seq})),
        ("conversation.sync", json!({"conversation": room.id, "since": 0})),
        ("conversation.get", json!({"conversation": room.id})),
        ("conversation.list", json!({})),
        ("room.get", json!({"name": "garden"})),
    ] {
        seen.push((kind.to_owned(), person.asks(kind, data).await.frame.to_string().contains(SECRET)));
    }
    let path = format!("/?token={}", person.tokens().access);
    let mut client = town.old_client(&path, &[]).await.expect("let in");
    client.writes(json!({"type": "room_history", "room": "garden", "limit": 50})).await;
    seen.push(("room_history".into(), until(&mut client, "room_history").await.contains(SECRET)));
    let path = format!("/ws/chat/?token={}", person.tokens().access);
    let mut client = town.socket_at(town.dreametrix(), &path, &[]).await.expect("let in");
    client.writes(json!({"type": "join_room", "room_id": room.id})).await;
    seen.push(("join_room".into(), until(&mut client, "room_joined").await.contains(SECRET)));
    seen
}

/// All that comes up to a frame of a type, as one text.
async fn until(socket: &mut Stranger, kind: &str) -> String {
    let mut heard = String::new();
    loop {
        let frame = socket.hears().await;
        heard += &frame.to_string();
        if frame["type"] == kind {
            return heard;
        }
    }
}

#[tokio::test]
async fn a_newcomer_to_a_room_that_hides_its_history_sees_nothing_older_by_any_way() {
    let town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    let secret = ann.says(&room, SECRET).await;
    town.sets(&room, Ability::SeeEarlierHistory, Some(Role::Moderator)).await;
    let cleo = town.person("cleo").await;
    cleo.joins(&room).await;
    let mut by_bob = reads(&town, &bob, &room, &secret).await;
    by_bob.extend(socket_reads(&town, &bob, &room, &secret).await);
    let shown = by_bob.iter().filter(|(_, shows)| *shows).count();
    assert!(shown >= 20, "the walk comes by the message where it can be seen: {by_bob:?}");
    let mut by_cleo = reads(&town, &cleo, &room, &secret).await;
    by_cleo.extend(socket_reads(&town, &cleo, &room, &secret).await);
    let leaks: Vec<_> = by_cleo.into_iter().filter(|(_, shows)| *shows).collect();
    assert_eq!(leaks, []);
    // Nor can she answer it, or put anything on it.
    let answer = json!({"conversation": room.id, "text": "what?", "parent": secret.seq});
    cleo.asks("message.send", answer).await.refused("invalid");
    let react = json!({"conversation": room.id, "seq": secret.seq, "emoji": "👍"});
    cleo.asks("reaction.add", react).await.refused("not_found");
    let listed = cleo.sees(&room).await;
    assert_eq!((&listed["unread"], &listed["last_message"]), (&json!(0), &Value::Null));
    let newer = ann.says(&room, "welcome").await;
    assert_eq!(cleo.sees(&room).await["last_message"]["seq"], newer.seq);
    let before = format!("/v1/conversations/{}/messages?before_seq={}", room.id, newer.seq);
    let page = cleo.requests("GET", &before, Value::Null).await.granted();
    assert_eq!((&page["messages"], &page["has_more_before"]), (&json!([]), &json!(false)));
}

#[tokio::test]
async fn of_what_happens_to_a_message_from_before_a_newcomer_hears_the_bare_number() {
    let town = Town::opens().await;
    let (ann, bob, cleo) = (town.person("ann").await, town.person("bob").await, town.person("cleo").await);
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    let secret = ann.says(&room, "the key").await;
    town.sets(&room, Ability::SeeEarlierHistory, Some(Role::Moderator)).await;
    cleo.joins(&room).await;
    // After each of these the town compares what everybody was told with what they read.
    ann.edits(&secret, SECRET).await;
    cleo.hears("event.hidden").await;
    bob.hears("ann: the key").await;
    bob.hears("cleo joins").await;
    bob.hears(&format!("ann edits: {SECRET}")).await;
    bob.reacts(&secret, "👍").await;
    cleo.hears("event.hidden").await;
    let answer = json!({"conversation": room.id, "text": "I found it", "parent": secret.seq});
    bob.asks("message.send", answer).await.granted();
    cleo.hears("bob: I found it").await;
    let phone = cleo.on_another_device().await;
    bob.takes_back(&secret, "👍").await;
    cleo.hears("event.hidden").await;
    phone.hears("event.hidden").await;
    // And when she comes back.
    cleo.hangs_up().await;
    ann.edits(&secret, &format!("{SECRET}!")).await;
    ann.says(&room, "good morning").await;
    cleo.comes_back().await;
    assert!(cleo.knows(&room).iter().flatten().all(|text| !text.contains("the key")), "{:?}", cleo.knows(&room));
    ann.deletes(&secret).await;
    cleo.hears("event.hidden").await;
    // A person who joins anew sees from then on.
    cleo.leaves(&room).await;
    ann.says(&room, "while she is away").await;
    cleo.joins(&room).await;
    let seen = cleo.requests("GET", &format!("/v1/conversations/{}/messages", room.id), Value::Null).await.granted();
    assert_eq!(seen["messages"], json!([]));
    town.sets(&room, Ability::SeeEarlierHistory, None).await;
    cleo.leaves(&room).await;
    cleo.joins(&room).await;
    let seen = cleo.requests("GET", &format!("/v1/conversations/{}/messages", room.id), Value::Null).await.granted();
    assert!(seen.to_string().contains("while she is away"), "{seen}");
}
