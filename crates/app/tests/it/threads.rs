//! Threads: people reply to one message, apart from the room, and follow what they take part in.

use chat::{members::Role, policies::Ability};
use serde_json::{Value, json};
use testkit::{Person, Room, Said, Town, until};

/// A page of messages of a room: with `thread` 0 what stands in it, else the replies of a thread.
async fn page(person: &Person, room: &Room, thread: i64) -> Value {
    let path = format!("/v1/conversations/{}/messages?thread={thread}", room.id);
    person.requests("GET", &path, Value::Null).await.granted()
}

async fn seqs(person: &Person, room: &Room, thread: i64) -> Vec<i64> {
    let page = page(person, room, thread).await;
    page["messages"].as_array().unwrap().iter().map(|message| message["seq"].as_i64().unwrap()).collect()
}

/// The summary of its thread that a root shows.
async fn summary(person: &Person, root: &Said) -> Value {
    let path = format!("/v1/conversations/{}/messages/{}", root.room.id, root.seq);
    person.requests("GET", &path, Value::Null).await.granted()["summary"].clone()
}

/// The threads that somebody follows: the root's `seq`, and how many replies are unread.
async fn followed(person: &Person) -> Vec<(i64, i64)> {
    let list = person.requests("GET", "/v1/threads", Value::Null).await.granted();
    let number = |value: &Value| value.as_i64().unwrap();
    list["threads"].as_array().unwrap().iter().map(|one| (number(&one["thread"]), number(&one["unread"]))).collect()
}

/// Waits until somebody follows so many threads: what taking part brings comes a moment later.
async fn follows(person: &Person, threads: usize) -> Vec<(i64, i64)> {
    until(async || {
        let followed = followed(person).await;
        if followed.len() == threads { Ok(followed) } else { Err(followed) }
    })
    .await
}

fn reply(room: &Room, root: i64, text: &str) -> Value {
    json!({"conversation": room.id, "thread": root, "text": text})
}

#[tokio::test]
async fn replies_stand_in_their_thread_and_its_root_shows_them() {
    let mut town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    let root = ann.says(&room, "who waters the roses?").await;
    let other = ann.says(&room, "and who the lime tree?").await;
    ann.forgets().await;
    let first = bob.says_in_thread(&root, "I do").await;
    let told = ann.hears("bob: I do").await;
    assert_eq!((&told["data"]["thread"], &told["data"]["also_in_room"]), (&json!(root.seq), &json!(false)));
    let thread = json!({"root": root.seq, "replies": 1, "last_seq": first.seq, "participants": [bob.id()],
        "last_at": told["data"]["created_at"], "rev": first.seq});
    assert_eq!(told["thread"], thread, "the event says what becomes of the thread");
    assert_eq!(summary(&ann, &root).await, thread);
    // Both also stand in the room.
    let second = ann
        .asks(
            "message.send",
            json!({"conversation": room.id, "thread": root.seq, "also_in_room": true,
        "text": "thank you"}),
        )
        .await
        .granted()["seq"]
        .as_i64()
        .unwrap();
    assert_eq!(seqs(&bob, &room, root.seq).await, [first.seq, second]);
    assert_eq!(seqs(&bob, &room, 0).await, [root.seq, other.seq, second]);
    assert_eq!(summary(&bob, &root).await["participants"], json!([ann.id(), bob.id()]));
    // A client that knows no threads is shown all of them in the room.
    let all = format!("/v1/conversations/{}/messages", room.id);
    let all = bob.requests("GET", &all, Value::Null).await.granted();
    assert_eq!(all["messages"].as_array().unwrap().len(), 4);
    // A page within a thread has a beginning and an end of its own.
    let before = format!("/v1/conversations/{}/messages?thread={}&before_seq={second}&limit=5", room.id, root.seq);
    let before = bob.requests("GET", &before, Value::Null).await.granted();
    assert_eq!((&before["messages"][0]["seq"], &before["has_more_before"]), (&json!(first.seq), &json!(false)));
    let around = format!("/v1/conversations/{}/messages?thread=0&around_seq={}&limit=2", room.id, first.seq);
    let around = bob.requests("GET", &around, Value::Null).await.granted();
    assert_eq!(
        around["messages"].as_array().unwrap().iter().map(|one| &one["seq"]).collect::<Vec<_>>(),
        [&json!(other.seq), &json!(second)]
    );
    town.closes().await;
}

#[tokio::test]
async fn the_list_tells_what_is_new_in_the_room_apart_from_what_is_new_in_threads() {
    let mut town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    let root = ann.says(&room, "roses?").await;
    assert_eq!(bob.sees(&room).await["room"], Value::Null, "there is no difference");
    let aside = ann.says_in_thread(&root, "the red ones").await;
    let listed = bob.sees(&room).await;
    assert_eq!((&listed["unread"], &listed["last_message"]["seq"]), (&json!(2), &json!(aside.seq)));
    let in_room = &listed["room"];
    assert_eq!((&in_room["unread"], &in_room["last_message"]["seq"]), (&json!(1), &json!(root.seq)));
    bob.reads(&root).await;
    let listed = bob.sees(&room).await;
    assert_eq!((&listed["unread"], &listed["room"]["unread"]), (&json!(1), &json!(0)));
    // A reply that stands in the room as well counts there.
    let both = json!({"conversation": room.id, "thread": root.seq, "also_in_room": true, "text": "all of them"});
    ann.asks("message.send", both).await.granted();
    let listed = bob.sees(&room).await;
    assert_eq!((&listed["unread"], &listed["room"]["unread"]), (&json!(2), &json!(1)));
    assert_eq!(listed["room"]["last_message"]["text"], "all of them");
    town.closes().await;
}

#[tokio::test]
async fn a_deleted_reply_leaves_the_thread_and_a_deleted_root_keeps_it() {
    let mut town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    let (root, bare) = (ann.says(&room, "roses?").await, ann.says(&room, "tulips?").await);
    let (first, second) = (bob.says_in_thread(&root, "yes").await, ann.says_in_thread(&root, "good").await);
    bob.forgets().await;
    ann.deletes(&second).await;
    let told = bob.hears("a message of ann is deleted").await;
    assert_eq!((&told["thread"]["replies"], &told["thread"]["rev"]), (&json!(1), &told["seq"]));
    let thread = summary(&bob, &root).await;
    assert_eq!((&thread["last_seq"], &thread["participants"]), (&json!(first.seq), &json!([bob.id()])));
    ann.deletes(&root).await;
    assert_eq!(summary(&bob, &root).await["replies"], 1);
    let third = bob.says_in_thread(&root, "still here").await;
    assert_eq!(seqs(&ann, &room, root.seq).await, [first.seq, second.seq, third.seq]);
    bob.deletes(&first).await;
    bob.deletes(&third).await;
    let thread = summary(&bob, &root).await;
    assert_eq!(
        (&thread["replies"], &thread["last_seq"], &thread["participants"]),
        (&json!(0), &Value::Null, &json!([]))
    );
    // Of what is deleted no thread begins.
    ann.deletes(&bare).await;
    let problem = bob.asks("message.send", reply(&room, bare.seq, "tulips!")).await.refused("invalid");
    assert_eq!(problem["errors"][0]["pointer"], "/thread");
    bob.asks("message.history", json!({"conversation": room.id, "thread": bare.seq})).await.refused("not_found");
    town.closes().await;
}

#[tokio::test]
async fn whoever_knows_no_threads_joins_one_by_answering_a_reply_and_quotes_everything_else() {
    let mut town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    let root = ann.says(&room, "roses?").await;
    let first = ann.says_in_thread(&root, "red ones").await;
    let quote =
        |seq: i64, thread: Option<i64>| json!({"conversation": room.id, "parent": seq, "thread": thread, "text": "hm"});
    let joined = bob.asks("message.send", quote(first.seq, None)).await.granted()["seq"].clone();
    let quoted = bob.asks("message.send", quote(root.seq, None)).await.granted()["seq"].clone();
    // A client that knows threads may quote a reply in the room.
    let in_room = bob.asks("message.send", quote(first.seq, Some(0))).await.granted()["seq"].clone();
    let numbers = |seqs: Vec<i64>| seqs.into_iter().map(Value::from).collect::<Vec<_>>();
    assert_eq!(numbers(seqs(&ann, &room, root.seq).await), [json!(first.seq), joined]);
    assert_eq!(numbers(seqs(&ann, &room, 0).await), [json!(root.seq), quoted, in_room]);
    town.closes().await;
}

#[tokio::test]
async fn what_is_no_root_has_no_thread() {
    let mut town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let (room, attic) = (ann.opens_room("garden").await, ann.opens_private_room("attic").await);
    bob.joins(&room).await;
    let root = ann.says(&room, "roses?").await;
    let first = bob.says_in_thread(&root, "yes").await;
    let hidden = ann.says(&attic, "the key").await;
    for thread in [first.seq, root.seq + 100, 1, 9_007_199_254_740_991] {
        let problem = bob.asks("message.send", reply(&room, thread, "x")).await.refused("invalid");
        assert_eq!(problem["errors"][0]["pointer"], "/thread", "{thread}");
        for (kind, more) in [("thread.follow", json!({"follows": true})), ("thread.read", json!({"seq": 1}))] {
            let mut asked = json!({"conversation": room.id, "thread": thread});
            asked.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            bob.asks(kind, asked).await.refused("not_found");
        }
        bob.asks("message.history", json!({"conversation": room.id, "thread": thread})).await.refused("not_found");
    }
    // Nor is there one for whoever is no member.
    bob.asks("message.send", reply(&attic, hidden.seq, "x")).await.refused("not_found");
    bob.asks("thread.follow", json!({"conversation": attic.id, "thread": hidden.seq, "follows": true}))
        .await
        .refused("not_found");
    bob.asks("message.history", json!({"conversation": attic.id, "thread": hidden.seq})).await.refused("not_found");
    let alone = json!({"conversation": room.id, "text": "x", "also_in_room": true});
    let problem = bob.asks("message.send", alone).await.refused("invalid");
    assert_eq!(problem["errors"][0]["pointer"], "/also_in_room");
    town.closes().await;
}

#[tokio::test]
async fn a_client_id_belongs_to_a_message_in_its_thread() {
    let mut town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    let (root, other) = (ann.says(&room, "roses?").await, ann.says(&room, "tulips?").await);
    let send = |thread: i64, also: bool| json!({"conversation": room.id, "client_id": "c-1", "text": "yes", "thread": thread, "also_in_room": also});
    let first = bob.asks("message.send", send(root.seq, false)).await.granted();
    let again = bob.asks("message.send", send(root.seq, false)).await.granted();
    assert_eq!((&again["seq"], &again["repeated"]), (&first["seq"], &json!(true)));
    for (thread, also) in [(other.seq, false), (0, false), (root.seq, true)] {
        bob.asks("message.send", send(thread, also)).await.refused("idempotency_mismatch");
    }
    assert_eq!(summary(&ann, &root).await["replies"], 1, "a repeat is no reply");
    town.closes().await;
}

#[tokio::test]
async fn taking_part_follows_a_thread_until_one_decides_oneself() {
    let mut town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let phone = bob.on_another_device().await;
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    let root = ann.says(&room, "roses?").await;
    let first = bob.says_in_thread(&root, "yes").await;
    // The person who asked has not read the answer; the one who answered knows it.
    assert_eq!(follows(&ann, 1).await, [(root.seq, 1)]);
    assert_eq!(follows(&bob, 1).await, [(root.seq, 0)]);
    phone.notices(&format!("thread {} followed", root.seq)).await;
    let read = json!({"conversation": room.id, "thread": root.seq, "seq": first.seq});
    assert_eq!(ann.asks("thread.read", read).await.granted()["read_seq"], first.seq);
    assert_eq!(followed(&ann).await, [(root.seq, 0)]);
    let back = json!({"conversation": room.id, "thread": root.seq, "seq": 1});
    assert_eq!(ann.asks("thread.read", back).await.granted()["read_seq"], first.seq, "never back");
    let far = json!({"conversation": room.id, "thread": root.seq, "seq": 1_000_000});
    assert_eq!(ann.asks("thread.read", far).await.granted()["read_seq"], ann.cursor(&room), "nor beyond the head");
    ann.says_in_thread(&root, "which?").await;
    assert_eq!(followed(&bob).await, [(root.seq, 1)]);
    let unread = bob.requests("GET", "/v1/threads?unread=true", Value::Null).await.granted();
    assert_eq!(
        (&unread["threads"][0]["thread"], &unread["threads"][0]["message"]["seq"]),
        (&json!(root.seq), &json!(root.seq))
    );
    let stop = json!({"conversation": room.id, "thread": root.seq, "follows": false});
    bob.asks("thread.follow", stop).await.granted();
    phone.notices(&format!("thread {} not followed", root.seq)).await;
    assert_eq!(followed(&bob).await, []);
    // Taking part changes nothing any more; elsewhere it does.
    bob.says_in_thread(&root, "the red ones").await;
    let other = ann.says(&room, "tulips?").await;
    bob.says_in_thread(&other, "no").await;
    assert_eq!(follows(&bob, 1).await, [(other.seq, 0)]);
    town.closes().await;
}

#[tokio::test]
async fn whoever_was_away_finds_threads_as_they_are_and_leaving_ends_them() {
    let mut town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let phone = bob.on_another_device().await;
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    let (roses, tulips) = (ann.says(&room, "roses?").await, ann.says(&room, "tulips?").await);
    phone.is_cut_off();
    bob.asks("thread.follow", json!({"conversation": room.id, "thread": tulips.seq, "follows": true})).await.granted();
    for text in ["red", "white", "pink"] {
        ann.says_in_thread(&roses, text).await;
        ann.says_in_thread(&tulips, text).await;
    }
    bob.says_in_thread(&roses, "all").await;
    follows(&bob, 2).await;
    // After this the town compares what the phone knows with what it reads.
    phone.comes_back().await;
    assert_eq!(followed(&phone).await, [(roses.seq, 0), (tulips.seq, 3)]);
    let first = phone.requests("GET", "/v1/threads?limit=1", Value::Null).await.granted();
    let next = format!("/v1/threads?limit=1&cursor={}", first["next_cursor"].as_str().unwrap());
    let second = phone.requests("GET", &next, Value::Null).await.granted();
    assert_eq!((&second["threads"][0]["thread"], &second["next_cursor"]), (&json!(tulips.seq), &Value::Null));
    bob.leaves(&room).await;
    assert_eq!(followed(&bob).await, []);
    bob.joins(&room).await;
    assert_eq!(followed(&bob).await, [], "whoever comes back begins anew");
    town.closes().await;
}

#[tokio::test]
async fn who_may_reply_is_decided_as_who_may_post_unless_something_else_is_said() {
    let mut town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    let root = ann.says(&room, "news").await;
    let said = bob.says_in_thread(&root, "thanks").await;
    let send = |also: bool| json!({"conversation": room.id, "thread": root.seq, "also_in_room": also, "text": "x"});
    town.sets(&room, Ability::Post, Some(Role::Moderator)).await;
    bob.asks("message.send", send(false)).await.refused("forbidden");
    let edit = json!({"conversation": room.id, "seq": said.seq, "text": "thank you"});
    bob.asks("message.edit", edit.clone()).await.refused("forbidden");
    // A room of news in which everybody may ask.
    town.sets(&room, Ability::ReplyInThreads, Some(Role::Member)).await;
    bob.asks("message.send", send(false)).await.granted();
    bob.asks("message.edit", edit).await.granted();
    bob.asks("message.send", send(true)).await.refused("forbidden");
    bob.asks("message.send", json!({"conversation": room.id, "text": "x"})).await.refused("forbidden");
    // An answer to a reply is one, also from a client that knows no threads.
    bob.asks("message.send", json!({"conversation": room.id, "text": "x", "parent": said.seq})).await.granted();
    bob.asks("message.send", json!({"conversation": room.id, "text": "x", "parent": root.seq}))
        .await
        .refused("forbidden");
    // A muted person is mute everywhere.
    town.grants(&bob, &room, Ability::Post, false, Some(60_000)).await;
    let problem = bob.asks("message.send", send(false)).await.refused("forbidden");
    assert!(problem["retry_after_ms"].as_i64().is_some_and(|ms| (1..=60_000).contains(&ms)), "{problem}");
    town.grants(&bob, &room, Ability::ReplyInThreads, true, None).await;
    bob.asks("message.send", send(false)).await.granted();
    town.grants(&bob, &room, Ability::ReplyInThreads, false, None).await;
    town.sets(&room, Ability::Post, None).await;
    town.grants(&bob, &room, Ability::Post, true, None).await;
    bob.asks("message.send", send(false)).await.refused("forbidden");
    bob.says(&room, "in the room I may").await;
    town.closes().await;
}

#[tokio::test]
async fn a_newcomer_who_does_not_see_a_root_learns_nothing_of_its_thread() {
    let mut town = Town::opens().await;
    let (ann, bob, cleo) = (town.person("ann").await, town.person("bob").await, town.person("cleo").await);
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    let root = ann.says(&room, "the key is under the mat").await;
    let first = bob.says_in_thread(&root, "which mat?").await;
    town.sets(&room, Ability::SeeEarlierHistory, Some(Role::Moderator)).await;
    cleo.joins(&room).await;
    cleo.forgets().await;
    bob.forgets().await;
    let later = ann.says_in_thread(&root, "the green one").await;
    let told = cleo.hears("ann: the green one").await;
    assert_eq!((&told["thread"], &told["data"]["summary"]), (&Value::Null, &Value::Null), "{told}");
    assert_eq!(bob.hears("ann: the green one").await["thread"]["replies"], 2);
    ann.deletes(&first).await;
    cleo.hears("event.hidden").await;
    // The reply itself is said after her coming; the thread is not there for her by any way.
    let thread = json!({"conversation": room.id, "thread": root.seq});
    cleo.asks("message.history", thread.clone()).await.refused("not_found");
    for (kind, field, value) in [("thread.follow", "follows", json!(true)), ("thread.read", "seq", json!(later.seq))] {
        let mut asked = thread.clone();
        asked[field] = value;
        cleo.asks(kind, asked).await.refused("not_found");
    }
    let problem = cleo.asks("message.send", reply(&room, root.seq, "aha")).await.refused("invalid");
    assert_eq!(problem["errors"][0]["pointer"], "/thread");
    // Her answers stand in the room, because her client knows no threads.
    let answer = json!({"conversation": room.id, "parent": later.seq, "text": "which green one?"});
    let answer = cleo.asks("message.send", answer).await.granted();
    assert!(seqs(&ann, &room, 0).await.contains(&answer["seq"].as_i64().unwrap()));
    cleo.hangs_up().await;
    bob.says_in_thread(&root, "found it").await;
    cleo.comes_back().await;
    let sync = json!({"conversation": room.id, "since": later.seq});
    assert_eq!(cleo.asks("conversation.sync", sync).await.granted()["threads"], json!([]));
    town.closes().await;
}

#[tokio::test]
async fn nobody_follows_more_threads_than_the_limit() {
    let mut town = Town::with(|config| config.limits.followed_threads_per_user = 2).await;
    let (ann, bob) = town.two("ann", "bob").await;
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    let said = [ann.says(&room, "a").await, ann.says(&room, "b").await, ann.says(&room, "c").await];
    let follow = |of: &Said, follows: bool| json!({"conversation": room.id, "thread": of.seq, "follows": follows});
    bob.asks("thread.follow", follow(&said[0], true)).await.granted();
    bob.asks("thread.follow", follow(&said[1], true)).await.granted();
    bob.asks("thread.follow", follow(&said[1], true)).await.granted();
    bob.asks("thread.follow", follow(&said[2], true)).await.refused("limit_reached");
    bob.says_in_thread(&said[2], "me too").await;
    follows(&ann, 1).await;
    assert_eq!(followed(&bob).await.len(), 2, "taking part follows no more");
    bob.asks("thread.follow", follow(&said[0], false)).await.granted();
    bob.asks("thread.follow", follow(&said[2], true)).await.granted();
    town.closes().await;
}

#[tokio::test]
async fn a_thread_has_a_draft_of_its_own() {
    let mut town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let phone = bob.on_another_device().await;
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    let root = ann.says(&room, "roses?").await;
    bob.begins_to_write(&room, "in the room", 0).await;
    let draft = json!({"conversation": room.id, "thread": root.seq, "text": "in the thread"});
    bob.asks("draft.save", draft).await.granted();
    let told = phone.notices("draft: in the thread").await;
    assert_eq!((&told["data"]["thread"], &told["data"]["edit"]), (&json!(root.seq), &Value::Null));
    let mut drafts = phone.drafts().await;
    drafts.sort();
    assert_eq!(drafts, ["in the room", "in the thread"]);
    let nowhere = json!({"conversation": room.id, "thread": root.seq + 50, "text": "x"});
    bob.asks("draft.save", nowhere).await.refused("not_found");
    let both = json!({"conversation": room.id, "thread": root.seq, "edit": root.seq, "text": "x"});
    bob.asks("draft.save", both).await.refused("invalid");
    bob.asks("draft.discard", json!({"conversation": room.id, "thread": root.seq})).await.granted();
    assert_eq!(phone.drafts().await, ["in the room"]);
    town.closes().await;
}

/// Sets which replies of a thread notify somebody.
async fn level(person: &Person, root: &Said, level: Value) -> Value {
    let set = json!({"conversation": root.room.id, "thread": root.seq, "level": level});
    person.asks("thread.notifications", set).await.granted()
}

/// Why a message notifies somebody, or does not.
async fn why(person: &Person, said: &Said) -> String {
    let asked = json!({"conversation": said.room.id, "seq": said.seq});
    person.asks("notifications.explain", asked).await.granted()["why"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_followed_thread_has_a_level_of_its_own_on_all_devices() {
    let mut town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let (phone, away) = (bob.on_another_device().await, bob.on_another_device().await);
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    let root = ann.says(&room, "roses?").await;
    bob.says_in_thread(&root, "yes").await;
    follows(&bob, 1).await;
    away.is_cut_off();
    let plain = ann.says_in_thread(&root, "red ones").await;
    let called = ann.says_in_thread(&root, "@bob which?").await;
    assert_eq!(why(&bob, &plain).await, "everything");
    let set = level(&bob, &root, json!("mentions")).await;
    assert_eq!((&set["level"], &set["follows"]), (&json!("mentions"), &json!(true)));
    assert_eq!(phone.notices(&format!("thread {} followed", root.seq)).await["data"]["level"], Value::Null);
    assert_eq!(phone.notices(&format!("thread {} followed", root.seq)).await["data"], set);
    assert_eq!((why(&phone, &plain).await, why(&phone, &called).await), ("not_mentioned".into(), "mentioned".into()));
    let asked = json!({"conversation": room.id, "seq": plain.seq});
    let told = bob.asks("notifications.explain", asked).await.granted();
    assert_eq!(
        (&told["level"], &told["thread_level"], &told["own_level"]),
        (&json!("mentions"), &json!(true), &json!(false))
    );
    level(&phone, &root, json!("nothing")).await;
    assert_eq!((why(&bob, &plain).await, why(&bob, &called).await), ("nothing".into(), "nothing".into()));
    // After this the town compares what the third device knows with what it reads.
    away.comes_back().await;
    let list = away.requests("GET", "/v1/threads", Value::Null).await.granted();
    assert_eq!(list["threads"][0]["level"], "nothing");
    // What changes nothing takes no number, reading on keeps it, and whoever stops following forgets it.
    let before = bob.account_seq();
    level(&bob, &root, json!("nothing")).await;
    assert_eq!(bob.account_seq(), before);
    let read = json!({"conversation": room.id, "thread": root.seq, "seq": called.seq});
    assert_eq!(bob.asks("thread.read", read).await.granted()["level"], "nothing");
    for follows in [false, true] {
        let follow = json!({"conversation": room.id, "thread": root.seq, "follows": follows});
        assert_eq!(bob.asks("thread.follow", follow).await.granted()["level"], Value::Null);
    }
    // The conversation's level is another matter: a thread may be louder than its room.
    bob.asks("conversation.notifications", json!({"conversation": room.id, "level": "nothing"})).await.granted();
    assert_eq!(why(&bob, &plain).await, "nothing");
    level(&bob, &root, json!("everything")).await;
    assert_eq!(why(&bob, &plain).await, "everything");
    let list = ann.requests("GET", "/v1/threads", Value::Null).await.granted();
    assert_eq!(list["threads"][0]["level"], Value::Null, "it is bob's alone");
    town.closes().await;
}

#[tokio::test]
async fn of_threads_that_one_does_not_follow_only_what_is_for_one_notifies() {
    let mut town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    let root = ann.says(&room, "roses?").await;
    let aside = ann.says_in_thread(&root, "red ones").await;
    let called = ann.says_in_thread(&root, "@bob which?").await;
    let both = json!({"conversation": room.id, "thread": root.seq, "also_in_room": true, "text": "all of them"});
    let both = ann.asks("message.send", both).await.granted()["seq"].as_i64().unwrap();
    assert_eq!((why(&bob, &aside).await, why(&bob, &called).await), ("not_mentioned".into(), "mentioned".into()));
    assert_eq!(why(&bob, &Said { seq: both, ..called.clone() }).await, "everything", "it stands in the room as well");
    // A level is of a thread that one follows, and of one that one sees.
    for (thread, code) in [(root.seq, "conflict"), (aside.seq, "not_found"), (9_999, "not_found")] {
        let set = json!({"conversation": room.id, "thread": thread, "level": "nothing"});
        bob.asks("thread.notifications", set).await.refused(code);
    }
    let attic = ann.opens_private_room("attic").await;
    let hidden = ann.says(&attic, "the key").await;
    let set = json!({"conversation": attic.id, "thread": hidden.seq, "level": "nothing"});
    bob.asks("thread.notifications", set).await.refused("not_found");
    for wrong in [json!("loud"), json!(1)] {
        let set = json!({"conversation": room.id, "thread": root.seq, "level": wrong});
        let problem = bob.asks("thread.notifications", set).await.refused("invalid");
        assert_eq!(problem["errors"][0]["pointer"], "/level");
    }
    town.closes().await;
}
