//! Being reminded of what was said: by whichever node, once, and for as long as one wants to know.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chat::Millis;
use dialects::time::Time;
use serde_json::{Value, json};
use testkit::{Person, Said, Town, equal, until};

/// A moment so many milliseconds ahead.
fn ahead(ms: i64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Time(Millis(i64::try_from(now.as_millis()).unwrap() + ms)).to_string()
}

fn reminder(of: &Said, at: &str) -> Value {
    json!({"conversation": of.room.id, "seq": of.seq, "at": at})
}

/// Asks to be reminded of something that was said.
async fn asks_for(person: &Person, of: &Said, at: &str) -> Value {
    person.asks("reminder.create", reminder(of, at)).await.granted()
}

async fn list(person: &Person, what: Value) -> Vec<Value> {
    let list = person.asks("reminder.list", what).await.granted();
    list["reminders"].as_array().unwrap().clone()
}

/// Waits until so many of somebody's reminders are due.
async fn due(person: &Person, count: usize) -> Vec<Value> {
    until(async || {
        let due = list(person, json!({"due": true})).await;
        assert!(due.len() <= count, "{due:?}");
        if due.len() == count { Ok(due) } else { Err(list(person, json!({})).await) }
    })
    .await
}

#[tokio::test]
async fn whoever_asked_is_reminded_until_they_dismiss_it_and_nobody_else_is() {
    let mut town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    let (said, other) = (ann.says(&room, "water the lime tree").await, ann.says(&room, "and the pear").await);
    let at = ahead(1_500);
    let made = asks_for(&bob, &said, &at).await;
    assert_eq!((&made["conversation"], &made["seq"]), (&json!(room.id), &json!(said.seq)));
    assert_eq!((&made["at"], &made["due"]), (&json!(at), &json!(false)));
    let later = asks_for(&bob, &other, &ahead(3_600_000)).await;
    assert_eq!(list(&bob, json!({})).await, [made.clone(), later.clone()]);
    assert_eq!(list(&bob, json!({"due": true})).await, [] as [Value; 0]);
    let now_due = due(&bob, 1).await;
    assert!(ahead(0) >= at, "not before its moment");
    let mut expected = made.clone();
    expected["due"] = true.into();
    expected["rev"] = now_due[0]["rev"].clone();
    assert!(expected["rev"].as_i64() > later["rev"].as_i64(), "a change of the account, with its number: {expected}");
    assert_eq!(now_due, [expected.clone()]);
    assert_eq!(list(&bob, json!({"due": false})).await, std::slice::from_ref(&later));
    // Nobody else sees it or dismisses it.
    assert_eq!(list(&ann, json!({})).await, [] as [Value; 0]);
    ann.asks("reminder.cancel", json!({"reminder": made["id"]})).await.granted();
    assert_eq!(list(&bob, json!({"due": true})).await, [expected]);
    // It is there on every node, and after it was dismissed on none.
    for rest in town.rests() {
        let listed =
            rest.ask("GET", "/v1/reminders?due=true", Some(&bob.tokens().access), &Value::Null).await.granted();
        assert_eq!(listed["reminders"][0]["id"], made["id"]);
    }
    for _ in 0..2 {
        bob.asks("reminder.cancel", json!({"reminder": made["id"]})).await.granted();
        assert_eq!(list(&bob, json!({})).await, std::slice::from_ref(&later));
    }
    town.closes().await;
}

#[tokio::test]
async fn every_device_is_told_of_a_reminder_at_once_and_one_that_was_away_when_it_returns() {
    let mut town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    let said = ann.says(&room, "water the lime tree").await;
    let phone = bob.on_another_device().await;
    let away = bob.on_another_device().await;
    away.hangs_up().await;
    let known = away.comes().await["account_seq"].clone();
    away.hangs_up().await;
    let made = asks_for(&bob, &said, &ahead(1_500)).await;
    let words = |what: &str| format!("reminder {} {what}", made["id"]);
    for device in [&bob, &phone] {
        assert_eq!(device.notices(&words("set")).await["data"], made);
        let due = device.notices(&words("due")).await;
        assert_eq!((&due["data"]["due"], &due["data"]["seq"]), (&json!(true), &json!(said.seq)));
        assert!(due["account_seq"].as_i64() > made["rev"].as_i64(), "{due}");
        assert_eq!(due.get("conversation"), None, "it is of an account, and waits for no conversation");
    }
    // A person who was away is told what is true now, not what happened meanwhile.
    away.connects().await;
    let back = json!({"token": away.tokens().access, "cursors": away.cursors(), "account_seq": known});
    away.authenticates(back).await.granted();
    away.notices(&words("due")).await;
    assert!(!away.has_noticed(&words("set")).await);
    phone.asks("reminder.cancel", json!({"reminder": made["id"]})).await.granted();
    for device in [&bob, &phone, &away] {
        device.notices(&words("removed")).await;
    }
    assert!(!ann.has_noticed("reminder").await, "nobody else is told");
    town.closes().await;
}

#[tokio::test]
async fn a_message_has_one_reminder_which_moves_and_may_be_taken_back() {
    let mut town = Town::with(|config| config.limits.reminders = 2).await;
    let ann = town.person("ann").await;
    let room = ann.opens_room("garden").await;
    let said = ann.says_all(&room, ["one", "two", "three"]).await;
    let first = asks_for(&ann, &said[0], &ahead(1_200)).await;
    asks_for(&ann, &said[1], &ahead(1_200)).await;
    let refused = ann.asks("reminder.create", reminder(&said[2], &ahead(60_000))).await.refused("limit_reached");
    assert!(refused["detail"].as_str().unwrap().contains('2'), "{refused}");
    // The same message again is no further one.
    let moved = asks_for(&ann, &said[0], &ahead(60_000)).await;
    assert_eq!((&moved["id"], &moved["due"]), (&first["id"], &json!(false)));
    let now_due = due(&ann, 1).await;
    assert_eq!(now_due[0]["seq"], said[1].seq);
    assert_eq!(
        list(&ann, json!({"due": false})).await,
        std::slice::from_ref(&moved),
        "it was moved, and is not due yet"
    );
    // One that is due may be asked for anew.
    asks_for(&ann, &said[1], &ahead(70_000)).await;
    assert_eq!(list(&ann, json!({"due": true})).await, [] as [Value; 0]);
    ann.asks("reminder.cancel", json!({"reminder": moved["id"]})).await.granted();
    asks_for(&ann, &said[2], &ahead(1_200)).await;
    assert_eq!(due(&ann, 1).await[0]["seq"], said[2].seq);
    town.closes().await;
}

#[tokio::test]
async fn a_reminder_is_of_a_message_that_one_may_see_and_within_its_bounds() {
    let town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let room = ann.opens_room("garden").await;
    let (said, gone) = (ann.says(&room, "here").await, ann.says(&room, "gone").await);
    ann.deletes(&gone).await;
    let tomorrow = ahead(86_400_000);
    bob.asks("reminder.create", reminder(&said, &tomorrow)).await.refused("not_found");
    ann.asks("reminder.create", reminder(&gone, &tomorrow)).await.refused("not_found");
    let nothing = Said { seq: 99, ..said.clone() };
    ann.asks("reminder.create", reminder(&nothing, &tomorrow)).await.refused("not_found");
    let day = 86_400_000;
    for wrong in [ahead(-1), ahead(900), ahead(5 * 366 * day + day)] {
        let refused = ann.asks("reminder.create", reminder(&said, &wrong)).await.refused("invalid");
        assert_eq!(refused["errors"][0]["pointer"], "/at", "{wrong}");
    }
    let made = asks_for(&ann, &said, &ahead(5 * 365 * day)).await;
    assert_eq!(list(&ann, json!({})).await, [made]);
}

#[tokio::test]
async fn a_reminder_of_what_was_deleted_or_left_is_due_and_does_not_lead_to_the_text() {
    let mut town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let (garden, shed) = (ann.opens_room("garden").await, ann.opens_room("shed").await);
    bob.joins(&garden).await;
    bob.joins(&shed).await;
    let (deleted, left) = (ann.says(&garden, "a secret").await, ann.says(&shed, "another").await);
    asks_for(&bob, &deleted, &ahead(1_500)).await;
    asks_for(&bob, &left, &ahead(1_600)).await;
    ann.deletes(&deleted).await;
    ann.removes(&bob, &shed).await;
    bob.forgets().await;
    let both = due(&bob, 2).await;
    assert!(both.iter().all(|reminder| reminder.get("text").is_none()), "{both:?}");
    let get = |of: &Said| json!({"conversation": of.room.id, "seq": of.seq});
    assert_eq!(bob.asks("message.get", get(&deleted)).await.granted()["text"], Value::Null);
    bob.asks("message.get", get(&left)).await.refused("not_found");
    town.closes().await;
}

#[tokio::test]
async fn what_became_due_while_no_server_ran_is_due_when_one_runs_again() {
    let mut town = Town::opens().await;
    let ann = town.person("ann").await;
    let room = ann.opens_room("garden").await;
    let said = ann.says(&room, "later").await;
    let made = asks_for(&ann, &said, &ahead(1_200)).await;
    let access = ann.tokens().access;
    town.closes().await;
    tokio::time::sleep(Duration::from_millis(1_300)).await;
    let town = town.opens_again().await;
    until(async || {
        let due = town.rest().ask("GET", "/v1/reminders?due=true", Some(&access), &Value::Null).await.granted();
        equal(due["reminders"][0]["id"].clone(), &made["id"])
    })
    .await;
}
