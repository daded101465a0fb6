//! Being told on one's devices while one is away: by a push service of our own, which takes only what is signed, and whose
//! browsers decrypt it.

use std::time::{Duration, Instant};

use palabre::config::Config;
use serde_json::{Value, json};
use testkit::{
    Browser, Person, PushService, Pushed, Room, Said, Town,
    policies::{Ability, Role},
    until,
};

/// Pushes may go to this machine, and nobody waits.
fn here(config: &mut Config) {
    config.push.wait_seconds = 0;
    config.outgoing.allow = vec!["127.0.0.0/8".parse().expect("a range")];
}

/// The same, with a moment in which to read on another device.
fn patient(config: &mut Config) {
    here(config);
    config.push.wait_seconds = 1;
}

async fn key(person: &Person) -> String {
    let found = person.asks("push_device.list", json!({})).await.granted();
    found["key"].as_str().expect("the server has a key").to_owned()
}

async fn devices(person: &Person) -> Vec<i64> {
    let found = person.asks("push_device.list", json!({})).await.granted();
    found["devices"].as_array().unwrap().iter().map(|device| device["id"].as_i64().unwrap()).collect()
}

/// Somebody wants to be told on a browser.
async fn subscribes(person: &Person, service: &PushService, name: &str) -> Browser {
    let browser = service.browser(name, &key(person).await);
    person.asks("push_device.add", browser.subscription()).await.granted();
    browser
}

/// The parts of a pushed message that a device is shown, with the ticket alone.
async fn opens(town: &Town, pushed: &Pushed) -> testkit::Answer {
    let ticket = &pushed.payload["ticket"];
    town.request("POST", "/v1/push/open", json!({ "ticket": ticket })).await
}

async fn explained(person: &Person, said: &Said) -> Value {
    let asked = json!({"conversation": said.room.id, "seq": said.seq});
    person.asks("notifications.explain", asked).await.granted()
}

/// Waits until what has become of a message on somebody's only device is this.
async fn becomes(person: &Person, said: &Said, state: &str) -> Value {
    until(async || {
        let told = explained(person, said).await["pushes"][0].clone();
        if told["state"] == state { Ok(told) } else { Err(told) }
    })
    .await
}

async fn room_of(ann: &Person, bob: &Person) -> Room {
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    room
}

#[tokio::test]
async fn whoever_is_away_is_told_where_a_message_is_and_never_what_it_says() {
    let (mut town, service) = (Town::with(here).await, PushService::opens().await);
    let (ann, bob) = town.two("ann", "bob").await;
    let room = room_of(&ann, &bob).await;
    let (of_ann, of_bob) = (subscribes(&ann, &service, "laptop").await, subscribes(&bob, &service, "phone").await);
    bob.hangs_up().await;
    let said = ann.says(&room, "the **lime** tree is dry").await;
    let told = service.tells(&of_bob).await;
    let mut keys: Vec<&String> = told.payload.as_object().unwrap().keys().collect();
    keys.sort_unstable();
    assert_eq!(keys, ["conversation", "kind", "seq", "ticket"]);
    assert_eq!(told.payload["conversation"], room.id);
    assert_eq!((&told.payload["seq"], &told.payload["kind"]), (&json!(said.seq), &json!("message")));
    assert_eq!((told.topic, told.urgency, told.ttl), (format!("c{}", room.id), "normal".to_owned(), 86_400));
    let told = Pushed { topic: String::new(), urgency: String::new(), ttl: 0, payload: told.payload };
    let shown = opens(&town, &told).await.granted();
    assert_eq!(
        shown,
        json!({
            "conversation": room.id, "seq": said.seq, "thread": null, "kind": "message", "name": "garden", "author": "ann",
            "text": "the lime tree is dry", "read": false, "unread": 1, "language": "en",
        })
    );
    // Once, by whichever node, and nobody is told of their own.
    service.tells_nothing(&of_ann).await;
    assert_eq!((service.count(), service.mistakes()), (1, Vec::<String>::new()));
    bob.comes().await;
    assert_eq!(becomes(&bob, &said, "sent").await["seq"], said.seq);
    bob.reads(&said).await;
    assert_eq!(opens(&town, &told).await.granted()["read"], true);
    // A ticket is no other credential, and no other credential is a ticket.
    let ticket = told.payload["ticket"].as_str().unwrap();
    town.rest().ask("GET", "/v1/users/me", Some(ticket), &Value::Null).await.refused(401, "unauthenticated");
    let access = bob.tokens().access;
    town.request("POST", "/v1/push/open", json!({ "ticket": access })).await.refused(401, "unauthenticated");
    town.closes().await;
}

#[tokio::test]
async fn what_was_read_on_another_device_is_not_told() {
    let (mut town, service) = (Town::with(patient).await, PushService::opens().await);
    let (ann, bob) = town.two("ann", "bob").await;
    let room = room_of(&ann, &bob).await;
    let of_bob = subscribes(&bob, &service, "phone").await;
    let said = ann.says(&room, "tea?").await;
    bob.reads(&said).await;
    service.tells_nothing(&of_bob).await;
    assert_eq!(explained(&bob, &said).await["pushes"][0]["state"], "read");
    // A person without devices learns that, too.
    assert_eq!(explained(&ann, &said).await["pushes"], json!([]));
    town.closes().await;
}

#[tokio::test]
async fn a_storm_of_messages_is_few_pushes_and_the_last_one_tells_the_newest() {
    let (mut town, service) = (Town::with(patient).await, PushService::opens().await);
    let (ann, bob) = town.two("ann", "bob").await;
    let room = room_of(&ann, &bob).await;
    let of_bob = subscribes(&bob, &service, "phone").await;
    let said = ann.says_all(&room, (0..300).map(|number| format!("drop {number}"))).await;
    let (first, last) = (said.first().unwrap(), said.last().unwrap());
    let mut told = service.tells(&of_bob).await;
    while told.payload["seq"] != last.seq {
        told = service.tells(&of_bob).await;
    }
    assert!(service.count() <= 4, "{} pushes", service.count());
    let gathered = becomes(&bob, first, "sent").await;
    assert_eq!(gathered["seq"], last.seq, "the first was gathered with the others");
    town.closes().await;
}

#[tokio::test]
async fn one_is_told_by_ones_own_settings_and_at_once_of_what_is_for_oneself() {
    let (mut town, service) = (Town::with(here).await, PushService::opens().await);
    let (ann, bob) = town.two("ann", "bob").await;
    let room = room_of(&ann, &bob).await;
    let of_bob = subscribes(&bob, &service, "phone").await;
    bob.asks("conversation.notifications", json!({"conversation": room.id, "level": "mentions"})).await.granted();
    let said = ann.says(&room, "nothing for anybody").await;
    service.tells_nothing(&of_bob).await;
    assert_eq!(explained(&bob, &said).await["pushes"][0]["state"], Value::Null);
    let root = ann.says(&room, "tea, @bob?").await;
    let told = service.tells(&of_bob).await;
    assert_eq!((&told.payload["seq"], &told.payload["kind"]), (&json!(root.seq), &json!("mention")));
    assert_eq!(told.urgency, "high");
    let direct = ann.turns_to(&bob).await;
    let said = ann.says(&direct, "psst").await;
    let told = service.tells(&of_bob).await;
    assert_eq!((&told.payload["seq"], &told.payload["kind"]), (&json!(said.seq), &json!("direct")));
    assert_eq!(opens(&town, &told).await.granted()["name"], Value::Null);
    // Of a thread that one does not follow one is told nothing, and of one that one follows where it stands.
    bob.asks("conversation.notifications", json!({"conversation": room.id, "level": "everything"})).await.granted();
    let other = ann.says(&room, "another thing").await;
    bob.reads(&other).await;
    ann.says_in_thread(&other, "about that").await;
    service.tells_nothing(&of_bob).await;
    let follow = json!({"conversation": room.id, "thread": other.seq, "follows": true});
    bob.asks("thread.follow", follow).await.granted();
    let reply = ann.says_in_thread(&other, "and that").await;
    let told = service.tells(&of_bob).await;
    assert_eq!(told.payload["seq"], reply.seq);
    assert_eq!(opens(&town, &told).await.granted()["thread"], other.seq);
    town.closes().await;
}

#[tokio::test]
async fn an_edit_tells_those_whom_it_calls_once_and_nobody_who_was_called_before() {
    let (mut town, service) = (Town::with(here).await, PushService::opens().await);
    let (ann, bob) = town.two("ann", "bob").await;
    let carol = town.person("carol").await;
    let room = room_of(&ann, &bob).await;
    carol.joins(&room).await;
    let (of_bob, of_carol) = (subscribes(&bob, &service, "phone").await, subscribes(&carol, &service, "tablet").await);
    for person in [&bob, &carol] {
        let mentions = json!({"conversation": room.id, "level": "mentions"});
        person.asks("conversation.notifications", mentions).await.granted();
    }
    let said = ann.says(&room, "@bob waters the tree").await;
    assert_eq!(service.tells(&of_bob).await.payload["seq"], said.seq);
    let other = ann.says(&room, "something else").await;
    for person in [&bob, &carol] {
        person.reads(&other).await;
    }
    // Carol had read it; what it says now is for her.
    ann.edits(&said, "@bob or @carol waters the tree").await;
    let told = service.tells(&of_carol).await;
    assert_eq!((&told.payload["seq"], &told.payload["kind"]), (&json!(said.seq), &json!("mention")));
    let shown = opens(&town, &told).await.granted();
    assert_eq!((&shown["text"], &shown["read"]), (&json!("@bob or @carol waters the tree"), &json!(false)));
    assert_eq!(becomes(&carol, &said, "sent").await["seq"], said.seq);
    // Another edit calls nobody anew, and reading on is reading it.
    ann.edits(&said, "@bob or @carol waters the trees").await;
    service.tells_nothing(&of_carol).await;
    service.tells_nothing(&of_bob).await;
    carol.reads(&ann.says(&room, "thanks").await).await;
    assert_eq!(opens(&town, &told).await.granted()["read"], true);
    // Nobody is told of an edit that calls nobody, or only its author.
    ann.edits(&other, "something else, @ann").await;
    service.tells_nothing(&of_carol).await;
    // Whoever the edit calls no more is told no more of it.
    let inbox = async |person: &Person| {
        let page = person.asks("inbox.list", json!({})).await.granted();
        page["items"].as_array().unwrap().len()
    };
    assert_eq!((inbox(&bob).await, inbox(&carol).await), (1, 1));
    ann.edits(&said, "@bob waters the trees").await;
    assert_eq!((inbox(&bob).await, inbox(&carol).await), (1, 0));
    assert_eq!((service.count(), service.mistakes()), (2, Vec::<String>::new()));
    town.closes().await;
}

#[tokio::test]
async fn an_edit_that_calls_nobody_any_more_and_one_of_before_somebody_came_tell_nobody() {
    let (mut town, service) = (Town::with(patient).await, PushService::opens().await);
    let (ann, bob) = town.two("ann", "bob").await;
    let room = ann.opens_room("garden").await;
    let early = ann.says(&room, "before bob").await;
    town.sets(&room, Ability::SeeEarlierHistory, Some(Role::Moderator)).await;
    bob.joins(&room).await;
    let of_bob = subscribes(&bob, &service, "phone").await;
    let said = ann.says(&room, "a quiet word").await;
    bob.reads(&said).await;
    ann.edits(&early, "before @bob").await;
    service.tells_nothing(&of_bob).await;
    // Taken back within the moment that a message waits.
    ann.edits(&said, "a quiet word, @bob").await;
    ann.edits(&said, "a quiet word").await;
    service.tells_nothing(&of_bob).await;
    // Read beyond the edit on another device within that moment.
    ann.edits(&said, "@room a quiet word").await;
    bob.reads(&ann.says(&room, "and another").await).await;
    service.tells_nothing(&of_bob).await;
    town.closes().await;
}

#[tokio::test]
async fn a_device_ends_with_its_session_and_may_show_nothing_afterwards() {
    let (mut town, service) = (Town::with(here).await, PushService::opens().await);
    let (ann, bob) = town.two("ann", "bob").await;
    let room = room_of(&ann, &bob).await;
    let tokens = town.logs_in("bob", bob.password()).await.granted();
    let token = tokens["access_token"].as_str().unwrap();
    let browser = service.browser("phone", &key(&bob).await);
    let added = town.rest().ask("POST", "/v1/push-devices", Some(token), &browser.subscription()).await.granted();
    bob.notices(&format!("device {} added", added["id"])).await;
    ann.says(&room, "tea?").await;
    let told = service.tells(&browser).await;
    opens(&town, &told).await.granted();
    town.rest().ask("DELETE", "/v1/sessions/current", Some(token), &Value::Null).await.granted();
    bob.notices(&format!("device {} removed", added["id"])).await;
    assert_eq!(devices(&bob).await, [] as [i64; 0]);
    opens(&town, &told).await.refused(401, "unauthenticated");
    ann.says(&room, "nobody?").await;
    service.tells_nothing(&browser).await;
    town.closes().await;
}

#[tokio::test]
async fn whoever_was_removed_from_a_conversation_reads_nothing_of_it_by_a_push() {
    let (mut town, service) = (Town::with(patient).await, PushService::opens().await);
    let (ann, bob) = town.two("ann", "bob").await;
    let room = room_of(&ann, &bob).await;
    let of_bob = subscribes(&bob, &service, "phone").await;
    let said = ann.says(&room, "a secret").await;
    let told = service.tells(&of_bob).await;
    ann.says(&room, "another secret").await;
    ann.removes(&bob, &room).await;
    opens(&town, &told).await.refused(404, "not_found");
    // Nor is what was deleted shown.
    bob.joins(&room).await;
    opens(&town, &told).await.granted();
    ann.deletes(&said).await;
    opens(&town, &told).await.refused(404, "not_found");
    // Nor anything on a device that was removed.
    let said = ann.says(&room, "a third").await;
    let told = service.tells(&of_bob).await;
    assert_eq!(told.payload["seq"], said.seq, "of the second nothing was told");
    let device = devices(&bob).await[0];
    bob.asks("push_device.remove", json!({ "device": device })).await.granted();
    opens(&town, &told).await.refused(404, "not_found");
    town.closes().await;
}

#[tokio::test]
async fn what_a_push_service_answers_is_obeyed() {
    let (mut town, service) = (Town::with(here).await, PushService::opens().await);
    let (ann, bob) = town.two("ann", "bob").await;
    let room = room_of(&ann, &bob).await;
    let of_bob = subscribes(&bob, &service, "phone").await;
    // A push that comes too soon is tried again, not before the push service allows it; later messages go along.
    service.answers(&of_bob, &[(429, "3")]);
    let first = ann.says(&room, "one").await;
    let waits = becomes(&bob, &first, "waiting").await;
    assert!(waits["error"] == "429" || waits["error"] == Value::Null, "{waits}");
    let begun = Instant::now();
    let told = service.tells(&of_bob).await;
    assert!(begun.elapsed() >= Duration::from_secs(2), "it waited {:?}", begun.elapsed());
    assert_eq!((&told.payload["seq"], service.count()), (&json!(first.seq), 2));
    // A refused push is given up, and the device goes on.
    service.answers(&of_bob, &[(413, "")]);
    let second = ann.says(&room, "two").await;
    assert_eq!(becomes(&bob, &second, "given_up").await["error"], "413");
    let third = ann.says(&room, "three").await;
    assert_eq!(service.tells(&of_bob).await.payload["seq"], third.seq);
    // A subscription that is over ends the device.
    service.answers(&of_bob, &[(410, "")]);
    let device = devices(&bob).await[0];
    ann.says(&room, "four").await;
    bob.notices(&format!("device {device} removed")).await;
    assert_eq!(devices(&bob).await, [] as [i64; 0]);
    town.closes().await;
}

#[tokio::test]
async fn a_push_service_that_dawdles_keeps_nobody_elses_devices_waiting() {
    let (mut town, service) = (Town::with(here).await, PushService::opens().await);
    let (ann, bob) = town.two("ann", "bob").await;
    let eve = town.person("eve").await;
    let (of_ann_and_bob, of_ann_and_eve) = (room_of(&ann, &bob).await, ann.opens_room("shed").await);
    eve.joins(&of_ann_and_eve).await;
    let (of_bob, of_eve) = (subscribes(&bob, &service, "phone").await, subscribes(&eve, &service, "trap").await);
    service.dawdles(&of_eve, Duration::from_secs(8));
    ann.says(&of_ann_and_eve, "for eve").await;
    until(async || if service.count() == 1 { Ok(()) } else { Err(service.count()) }).await;
    let (said, began) = (ann.says(&of_ann_and_bob, "for bob").await, Instant::now());
    assert_eq!(service.tells(&of_bob).await.payload["seq"], said.seq);
    assert!(began.elapsed() < Duration::from_secs(6), "bob was told after {:?}", began.elapsed());
    town.closes().await;
}

#[tokio::test]
async fn what_waits_when_push_is_switched_off_is_given_up() {
    let (mut town, service) = (Town::with(here).await, PushService::opens().await);
    let (ann, bob) = town.two("ann", "bob").await;
    let room = room_of(&ann, &bob).await;
    let of_bob = subscribes(&bob, &service, "phone").await;
    service.answers(&of_bob, &[(429, "2")]);
    let said = ann.says(&room, "one").await;
    becomes(&bob, &said, "waiting").await;
    until(async || testkit::equal(service.count(), &1)).await;
    town.closes().await;
    let mut off = town.opens_again_with(|config| config.push.enabled = false).await;
    // Until the job is due. It is done, and does not come again.
    tokio::time::sleep(Duration::from_secs(3)).await;
    off.closes().await;
    assert_eq!(service.count(), 1);
}

#[tokio::test]
async fn a_reminder_that_is_due_is_told_whatever_keeps_one_quiet() {
    let (mut town, service) = (Town::with(here).await, PushService::opens().await);
    let (ann, bob) = town.two("ann", "bob").await;
    let room = room_of(&ann, &bob).await;
    let said = ann.says(&room, "water the lime tree").await;
    bob.reads(&said).await;
    let mute = json!({"conversation": room.id, "muted_until": "9999-12-31T23:59:59Z"});
    bob.asks("conversation.notifications", mute).await.granted();
    let of_bob = subscribes(&bob, &service, "phone").await;
    let at = i64::try_from(testkit::now()).unwrap() * 1_000 + 2_500;
    let at = dialects::time::Time(chat::Millis(at)).to_string();
    let asked = json!({"conversation": room.id, "seq": said.seq, "at": at});
    bob.asks("reminder.create", asked).await.granted();
    let told = service.tells(&of_bob).await;
    assert_eq!((&told.payload["kind"], &told.payload["seq"]), (&json!("reminder"), &json!(said.seq)));
    assert_eq!(told.urgency, "high");
    let shown = opens(&town, &told).await.granted();
    assert_eq!((&shown["text"], &shown["read"]), (&json!("water the lime tree"), &json!(false)));
    town.closes().await;
}

#[tokio::test]
async fn only_what_a_browser_gives_is_a_subscription() {
    let town = Town::with(here).await;
    let service = PushService::opens().await;
    let bob = town.person("bob").await;
    let good = service.browser("phone", &key(&bob).await).subscription();
    let with = |pointer: &str, value: Value| {
        let mut changed = good.clone();
        *changed.pointer_mut(pointer).unwrap() = value;
        changed
    };
    let long = format!("https://push.example.org/{}", "a".repeat(1_000));
    for endpoint in [
        "",
        "push.example.org",
        "http://push.example.org/a",
        "ftp://push.example.org/a",
        "https://ann@push.example.org/a",
        "https://10.0.0.1/a",
        "https://169.254.169.254/latest",
        "https://[::1]/a",
        "https://[fd00::1]/a",
        "https://0xa000001/a",
        &long,
    ] {
        let refused = bob.asks("push_device.add", with("/endpoint", json!(endpoint))).await;
        let refused = refused.refused("invalid");
        assert_eq!(refused["errors"][0]["pointer"], "/endpoint", "{endpoint}: {refused}");
    }
    for (pointer, value) in [
        ("/keys/p256dh", json!("")),
        ("/keys/p256dh", json!("A".repeat(87))),
        ("/keys/p256dh", json!("A".repeat(30_000))),
        ("/keys/auth", json!("AAAA")),
        ("/keys/auth", json!("A".repeat(30_000))),
    ] {
        bob.asks("push_device.add", with(pointer, value)).await.refused("invalid");
    }
    let mut french = good.clone();
    french["language"] = json!("fr_FR");
    bob.asks("push_device.add", french).await.refused("invalid");
    assert_eq!(devices(&bob).await, [] as [i64; 0]);
    town.request("POST", "/v1/push-devices", good.clone()).await.refused(401, "unauthenticated");
    town.request("GET", "/v1/push-devices", Value::Null).await.refused(401, "unauthenticated");
    town.request("POST", "/v1/push/open", json!({"ticket": "a.b.c"})).await.refused(401, "unauthenticated");
}

#[tokio::test]
async fn a_session_has_one_device_and_a_person_so_many() {
    let town = Town::with(|config| {
        here(config);
        config.limits.push_devices = 2;
    })
    .await;
    let service = PushService::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let phone = service.browser("phone", &key(&bob).await).subscription();
    let first = bob.asks("push_device.add", phone.clone()).await.granted();
    let again = bob.asks("push_device.add", phone.clone()).await.granted();
    assert_eq!(first, again, "repeating it changes nothing");
    let other = service.browser("tablet", &key(&bob).await).subscription();
    let second = bob.asks("push_device.add", other).await.granted();
    assert_eq!(devices(&bob).await, [second["id"].as_i64().unwrap()], "it takes the place of the first");
    let mut tokens = Vec::new();
    for _ in 0..2 {
        let answer = town.logs_in("bob", bob.password()).await.granted();
        tokens.push(answer["access_token"].as_str().unwrap().to_owned());
    }
    let add = async |token: &str, name: &str| {
        let browser = service.browser(name, &key(&bob).await);
        town.rest().ask("POST", "/v1/push-devices", Some(token), &browser.subscription()).await
    };
    add(&tokens[0], "second").await.granted();
    add(&tokens[1], "third").await.refused(422, "limit_reached");
    // Nobody sees or removes another's; and a browser tells only whoever used it last.
    assert_eq!(devices(&ann).await, [] as [i64; 0]);
    ann.asks("push_device.remove", json!({"device": second["id"]})).await.granted();
    assert_eq!(devices(&bob).await.len(), 2);
    let taken = service.browser("tablet", &key(&ann).await).subscription();
    ann.asks("push_device.add", taken).await.granted();
    bob.notices(&format!("device {} removed", second["id"])).await;
    assert_eq!((devices(&ann).await.len(), devices(&bob).await.len()), (1, 1));
}

#[tokio::test]
async fn a_server_that_tells_nobody_says_so_and_people_of_a_host_are_told_by_their_host() {
    let off = Town::with(|config| config.push.enabled = false).await;
    let bob = off.person("bob").await;
    assert_eq!(bob.asks("push_device.list", json!({})).await.granted(), json!({"devices": [], "key": null}));
    let service = PushService::opens().await;
    let phone = service.browser("phone", "").subscription();
    bob.asks("push_device.add", phone).await.refused("forbidden");
}
