//! Presence, as people wish to be seen.

use std::time::Duration;

use serde_json::json;
use testkit::{Person, Town, equal, until};

async fn presence_of(asker: &Person, of: &Person) -> (String, bool) {
    let path = format!("/v1/presence?users={}", of.id());
    let answer = asker.requests("GET", &path, json!(null)).await.granted();
    let one = &answer["people"][0];
    (one["presence"].as_str().unwrap().to_owned(), one["last_seen_at"].is_string())
}

#[tokio::test]
async fn friends_see_one_come_be_busy_and_go() {
    let town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let room = ann.turns_to(&bob).await;
    for chosen in ["away", "busy", "online"] {
        bob.is_now(chosen).await;
        ann.notices(&format!("bob is {chosen}")).await;
        assert_eq!(presence_of(&ann, &bob).await, (chosen.to_owned(), false));
    }
    assert_eq!(ann.sees(&room).await["peer"]["presence"], "online");
    bob.hangs_up().await;
    // Not at once: most who go come back in a moment.
    let gone = ann.notices("bob is offline").await;
    assert!(gone["data"]["people"][0]["last_seen_at"].is_string());
    // When that was is noted a moment after it was told.
    until(async || equal(presence_of(&ann, &bob).await, &("offline".to_owned(), true))).await;
    bob.comes_back().await;
    ann.notices("bob is online").await;
    assert_eq!(presence_of(&ann, &bob).await, ("online".to_owned(), false));
}

#[tokio::test]
async fn whoever_is_invisible_looks_like_one_who_is_not_here() {
    let town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let room = ann.turns_to(&bob).await;
    bob.is_now("away").await;
    ann.notices("bob is away").await;
    bob.is_now("invisible").await;
    let told = ann.notices("bob is offline").await;
    assert!(!told.to_string().contains("invisible"), "{told}");
    assert!(told["data"]["people"][0]["last_seen_at"].is_null());
    assert_eq!(presence_of(&ann, &bob).await.0, "offline");
    assert_eq!(ann.sees(&room).await["peer"]["presence"], "offline");
    // He hears everything all the same.
    ann.says(&room, "are you there?").await;
    bob.hears("added to ann").await;
    bob.hears("ann: are you there?").await;
    // Nothing betrays that he goes and comes, as long as he stays invisible.
    bob.is_now("busy").await;
    ann.notices("bob is busy").await;
}

#[tokio::test]
async fn a_short_absence_is_not_told() {
    let town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    ann.turns_to(&bob).await;
    bob.is_now("away").await;
    ann.notices("bob is away").await;
    bob.is_cut_off();
    bob.comes_back().await;
    // A signal would have come with one of the hub's next ticks.
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert!(!ann.has_noticed("bob is offline").await);
}

#[tokio::test]
async fn one_is_here_as_long_as_any_device_is() {
    let town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    ann.turns_to(&bob).await;
    let phone = bob.on_another_device().await;
    bob.hangs_up().await;
    tokio::time::sleep(Duration::from_millis(2_600)).await;
    assert!(!ann.has_noticed("bob is offline").await);
    assert_eq!(presence_of(&ann, &phone).await.0, "online");
}

#[tokio::test]
async fn one_is_away_when_one_is_at_no_device() {
    let town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    ann.turns_to(&bob).await;
    let phone = bob.on_another_device().await;
    // The phone is in a pocket; he looks at the other.
    phone.is_now("away").await;
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert!(!ann.has_noticed("bob is away").await);
    // The presence of one device does not bring the other back.
    bob.is_now("online").await;
    bob.hangs_up().await;
    ann.notices("bob is away").await;
    bob.comes_back().await;
    ann.notices("bob is online").await;
    // The chosen presence is of one node: of two the more present is shown, and the phone's may be another.
    phone.hangs_up().await;
    bob.is_now("busy").await;
    ann.notices("bob is busy").await;
}

#[tokio::test]
async fn presence_is_one_of_four_words_and_told_to_friends_only() {
    let town = Town::with(|config| config.limits.list_page = 3).await;
    let (ann, bob) = town.two("ann", "bob").await;
    for bad in [json!("offline"), json!("happy"), json!(1), json!(null)] {
        ann.asks("presence.set", json!({"presence": bad})).await.refused("invalid");
    }
    let path = "/v1/users/me/presence";
    assert_eq!(ann.requests("PUT", path, json!({"presence": "busy"})).await.status, 204);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!bob.has_noticed("ann").await, "they share no conversation");
    bob.asks("presence.get", json!({"users": [1, 2, 3]})).await.granted();
    bob.asks("presence.get", json!({"users": [1, 2, 3, 4]})).await.refused("invalid");
    assert_eq!(bob.asks("presence.get", json!({"users": [9_999]})).await.granted()["people"], json!([]));
}

#[tokio::test]
async fn in_a_large_room_nobody_is_told_who_comes() {
    let town = Town::with(|config| config.limits.presence_members = 1).await;
    let (ann, bob) = town.two("ann", "bob").await;
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    bob.is_now("busy").await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!ann.has_noticed("bob is busy").await);
}

#[tokio::test]
async fn what_one_chooses_to_be_is_so_on_all_devices_and_nodes_until_one_chooses_otherwise() {
    let town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    ann.turns_to(&bob).await;
    // People and devices connect to the one node and the other in turn.
    let (laptop, phone) = (bob.on_another_device().await, bob.on_another_device().await);
    let cid = town.person("cid").await;
    cid.turns_to(&bob).await;
    for (device, chosen) in [(&bob, "busy"), (&laptop, "invisible"), (&phone, "busy")] {
        device.is_now(chosen).await;
        let seen = if chosen == "invisible" { "offline" } else { chosen };
        for other in [&ann, &cid] {
            other.notices(&format!("bob is {seen}")).await;
            assert_eq!(presence_of(other, &bob).await.0, seen);
        }
    }
    // It is of the person: it stays when the device goes on which it was chosen, and for those that come.
    phone.hangs_up().await;
    laptop.hangs_up().await;
    let tablet = bob.on_another_device().await;
    tokio::time::sleep(Duration::from_millis(2_600)).await;
    for other in [&ann, &cid] {
        assert_eq!(presence_of(other, &bob).await.0, "busy");
        assert!(!other.has_noticed("bob is o").await, "nobody is told anything else");
    }
    tablet.is_now("online").await;
    for other in [&ann, &cid] {
        other.notices("bob is online").await;
        assert_eq!(presence_of(other, &bob).await.0, "online");
    }
}
