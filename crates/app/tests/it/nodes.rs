//! Several nodes. Every other story is told on two of them as well, by `cargo xtask with-nodes`; these are about what
//! lies between them. On a single node they hold by themselves.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use palabre::config::RedisUrl;
use serde_json::{Value, json};
use testkit::{Person, Rest, Room, Town, equal, host_token, until};

/// How long what is over may go on while nodes do not hear each other: five seconds, and as long again for a machine
/// that tells two hundred other stories meanwhile. How long it takes on a quiet one is printed (`--nocapture`).
const DEAF: Duration = Duration::from_secs(10);

fn in_time(what: &str, begin: Instant) {
    let took = begin.elapsed();
    println!("{what} after {took:?}");
    assert!(took < DEAF, "{what} after {took:?}");
}

/// A town whose nodes have a Redis that is not there.
async fn deaf() -> Town {
    Town::with(|config| {
        if config.redis.url.is_some() {
            // Nobody listens on this port.
            config.redis.url = Some(RedisUrl::parse("redis://127.0.0.1:1").expect("the URL of a Redis"));
        }
    })
    .await
}

#[tokio::test]
async fn nodes_that_do_not_hear_each_other_tell_everything_all_the_same() {
    let town = deaf().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    // After each of these everybody has been told, or the law would not hold.
    let said = ann.says(&room, "is anybody there?").await;
    bob.reacts(&said, "👍").await;
    ann.edits(&said, "who is there?").await;
    assert_eq!(bob.knows(&room), [Some("who is there?".into())]);
}

#[tokio::test]
async fn an_old_client_hears_the_first_words_of_somebody_on_a_node_that_is_not_heard() {
    let town = deaf().await;
    let bob = town.person("bob").await;
    let path = format!("/?token={}", bob.tokens().access);
    let mut page = town.socket_at(town.last_chat_server(), &path, &[]).await.expect("let in");
    page.writes(json!({"type": "leave", "room": "nowhere at all"})).await;
    page.hears().await;
    for name in ["ann", "cid", "dora"] {
        let friend = town.person(name).await;
        let direct = friend.turns_to(&bob).await;
        for text in ["hello", "it is me", "are you there?"] {
            friend.says(&direct, text).await;
        }
        for text in ["hello", "it is me", "are you there?"] {
            let heard = page.hears().await;
            assert_eq!(
                (&heard["data"]["content"], &heard["data"]["username"]),
                (&json!(text), &json!(name)),
                "{heard}"
            );
        }
    }
}

#[tokio::test]
async fn who_is_put_out_or_deactivated_is_so_on_nodes_that_do_not_hear_it() {
    let town = deaf().await;
    let ann = town.admin("ann").await;
    let (bob, cid) = (town.person("bob").await, town.person("cid").await);
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    cid.joins(&room).await;
    let begin = Instant::now();
    // Granted, and by the law known to him.
    ann.removes(&bob, &room).await;
    in_time("put out", begin);
    bob.forgets().await;
    ann.says(&room, "not for bob").await;
    bob.hears_nothing_more().await;
    for person in [&bob, &cid] {
        let begin = Instant::now();
        ann.asks("user.active", json!({"user": person.id(), "active": false})).await.granted();
        assert_eq!(person.is_sent_away().await.0, 4502);
        in_time("deactivated", begin);
    }
}

#[tokio::test]
async fn a_refresh_token_is_traded_once_on_all_nodes_together() {
    let town = Town::opens().await;
    for round in 0..10 {
        let ann = town.absent(&format!("ann{round}")).await;
        let body = json!({"refresh_token": ann.tokens().refresh});
        let refresh = async |rest: &Rest, agent: &str| {
            rest.ask_with("POST", "/v1/sessions/refresh", None, &body, &[("user-agent", agent)]).await.status
        };
        let (first, last) = (town.rests().next().unwrap(), town.rests().last().unwrap());
        let (one, other) = tokio::join!(refresh(first, "one"), refresh(last, "other"));
        assert!(one == 200 || other == 200, "{one} {other}");
        assert!(one != 200 || other != 200, "both were given a successor");
    }
}

#[tokio::test]
async fn two_administrators_cannot_put_each_other_out() {
    let town = Town::opens().await;
    let ann = town.admin("ann").await;
    ann.hangs_up().await;
    let (first, last) = (town.rests().next().unwrap(), town.rests().last().unwrap());
    for round in 0..10 {
        let bob = town.absent(&format!("bob{round}")).await;
        ann.requests("PUT", &format!("/v1/users/{}/role", bob.id()), json!({"role": "admin"})).await.granted();
        let put = async |rest: &Rest, by: &Person, whom: &Person, active: bool| {
            let (path, token) = (format!("/v1/users/{}/active", whom.id()), by.tokens().access);
            rest.ask("PUT", &path, Some(&token), &json!({"active": active})).await.status
        };
        let (one, other) = tokio::join!(put(first, &ann, &bob, false), put(last, &bob, &ann, false));
        assert!(one == 200 || other == 200, "{one} {other}");
        assert!(one != 200 || other != 200, "nobody is left");
        if other == 200 {
            assert_eq!(put(last, &bob, &ann, true).await, 200);
            ann.takes_tokens(&town.logs_in("ann", ann.password()).await.granted());
        }
    }
}

#[tokio::test]
async fn whoever_guesses_on_one_node_has_guessed_on_all() {
    let town = Town::with(|config| config.limits.login_attempts = 3).await;
    let ann = town.absent("ann").await;
    let log_in = async |rest: &Rest, password: &str| {
        let body = json!({"username": "ann", "password": password});
        rest.ask("POST", "/v1/sessions", None, &body).await.status
    };
    let (first, last) = (town.rests().next().unwrap(), town.rests().last().unwrap());
    for _ in 0..3 {
        assert_eq!(log_in(first, "a wrong guess").await, 401);
    }
    // The right one does not count, so it tells when the other node has heard of the wrong ones.
    let begin = Instant::now();
    until(async || {
        in_time("guessed", begin);
        let answer = log_in(last, ann.password()).await;
        assert!([201, 429].contains(&answer), "{answer}");
        equal(answer, &429)
    })
    .await;
    assert_eq!(log_in(first, ann.password()).await, 429);
}

/// How many people are brought in; on a single node, where nobody could come to wait for another, only so many.
const THOUSAND: usize = 1_000;
const ALONE: usize = 100;
/// How many of them listen.
const LISTENERS: usize = 60;
/// So many requests are under way at once.
const AT_ONCE: usize = 10;
/// All of it is over by then, on a machine that tells other stories meanwhile.
const PATIENCE: Duration = Duration::from_secs(240);

/// Somebody of the thousand: their token and their node.
struct Guest<'t> {
    token: String,
    id: i64,
    rest: &'t Rest,
}

impl Guest<'_> {
    async fn asks(&self, method: &str, path: &str, body: Value) -> Value {
        self.rest.ask(method, path, Some(&self.token), &body).await.granted()
    }

    async fn saves(&self, room: &Room, text: &str) {
        self.asks("PUT", &format!("/v1/conversations/{}/draft", room.id), json!({"text": text})).await;
    }

    /// The changes of their account: that they came into a room, and their only draft.
    async fn knows(&self, room: &Room) -> (usize, String) {
        let changes = self.asks("GET", "/v1/users/me/changes?since=0", Value::Null).await;
        let events = changes["events"].as_array().expect("events").clone();
        let added = |event: &&Value| event["type"] == "conversation.added" && event["conversation"] == room.id;
        let draft = events.iter().find(|event| event["type"] == "draft.saved").map(|event| &event["data"]["text"]);
        let draft = draft.and_then(Value::as_str).unwrap_or_default().to_owned();
        (events.iter().filter(added).count(), draft)
    }
}

async fn in_groups(guests: &[Guest<'_>], act: impl AsyncFn(&Guest<'_>)) {
    for group in guests.chunks(AT_ONCE) {
        join_all(group.iter().map(async |guest| act(guest).await)).await;
    }
}

#[tokio::test]
async fn a_thousand_people_are_brought_in_by_two_on_two_nodes_while_they_save_drafts() {
    let town = Town::with_a_host().await;
    let begin = Instant::now();
    let token = |index: usize| {
        host_token(
            &json!({"sub": format!("g{index}"), "username": format!("guest{index}"), "exp": testkit::now() + 900}),
        )
    };
    let (ann, bob) = (town.sent_by_host(&token(THOUSAND)).await, town.sent_by_host(&token(THOUSAND + 1)).await);
    let (hall, party) = (ann.opens_room("hall").await, ann.opens_private_room("party").await);
    ann.adds(&bob, &party).await;
    ann.makes(&bob, "admin", &party).await.granted();
    let rests: Vec<&Rest> = town.rests().collect();
    let count = if rests.len() > 1 { THOUSAND } else { ALONE };
    let mut guests = Vec::new();
    for index in 0..count {
        let (token, rest) = (token(index), rests[index % rests.len()]);
        guests.push(Guest { token, id: 0, rest });
    }
    for group in guests.chunks_mut(AT_ONCE) {
        join_all(group.iter_mut().map(async |guest| {
            guest.id = guest.asks("GET", "/v1/users/me", Value::Null).await["id"].as_i64().expect("an id");
            guest.asks("POST", &format!("/v1/conversations/{}/join", hall.id), Value::Null).await;
        }))
        .await;
    }
    let mut listeners = Vec::new();
    for guest in &guests[..LISTENERS] {
        listeners.push(town.sent_by_host(&guest.token).await);
    }
    // Both bring in everybody, one from the front and one from the back, each on a node of their own.
    let bring = async |by: &Person, rest: &Rest, ids: Vec<i64>| {
        let (token, path) = (by.tokens().access, format!("/v1/conversations/{}/members", party.id));
        for group in ids.chunks(AT_ONCE) {
            join_all(group.iter().map(async |id| {
                rest.ask("POST", &path, Some(&token), &json!({"user": id})).await.granted();
            }))
            .await;
        }
    };
    let ids: Vec<i64> = guests.iter().map(|guest| guest.id).collect();
    let backwards = ids.iter().rev().copied().collect();
    let saving = in_groups(&guests, async |guest| {
        for text in ["a word", "a word more"] {
            guest.saves(&hall, text).await;
        }
    });
    let [first, last] = [rests[0], rests[rests.len() - 1]];
    tokio::join!(bring(&ann, first, ids), bring(&bob, last, backwards), saving);
    assert!(begin.elapsed() < PATIENCE, "it took {:?}", begin.elapsed());
    in_groups(&guests, async |guest| {
        assert_eq!(guest.knows(&party).await, (1, "a word more".to_owned()), "{}", guest.id);
    })
    .await;
    assert_eq!(ann.sees(&party).await["member_count"], count + 2);
    // Everybody who listened was told each number once, and knows what a fresh reading shows: that is the law.
    ann.asks("ping", json!({})).await.granted();
    for listener in &listeners {
        listener.hears("added to party").await;
    }
    println!("{count} people in {:?}", begin.elapsed());
}
