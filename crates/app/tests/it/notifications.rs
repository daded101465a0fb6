//! Notifications, quiet hours, and messages marked as unread: alike on all devices, and nobody else's.

use serde_json::{Value, json};
use testkit::{Person, Room, Said, Town};

const FOREVER: &str = "9999-12-31T23:59:59Z";
/// The notice of settings by which everything would notify, were it not for a mute without an end.
const ALL_MUTED: &str = "settings: \"everything\" \"9999-12-31T23:59:59.000Z\" null";

async fn sets(person: &Person, what: Value) -> Value {
    person.asks("notifications.set", what).await.granted()
}

async fn sets_here(person: &Person, room: &Room, mut what: Value) -> Value {
    what["conversation"] = room.id.into();
    person.asks("conversation.notifications", what).await.granted()["settings"].clone()
}

/// The rule that decides whether a message notifies somebody, and whether it does.
async fn why(person: &Person, said: &Said) -> (bool, String) {
    let asked = json!({"conversation": said.room.id, "seq": said.seq});
    let told = person.asks("notifications.explain", asked).await.granted();
    (told["notifies"] == true, told["why"].as_str().unwrap().to_owned())
}

async fn marks_unread(person: &Person, said: &Said) -> Value {
    person.asks("marker.unread", json!({"conversation": said.room.id, "seq": said.seq})).await.granted()
}

#[tokio::test]
async fn settings_are_alike_on_all_devices_also_on_one_that_was_away() {
    let town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    let (phone, away) = (bob.on_another_device().await, bob.on_another_device().await);
    away.hangs_up().await;
    let known = away.comes().await["account_seq"].clone();
    away.hangs_up().await;
    let fresh = bob.asks("notifications.get", json!({})).await.granted();
    let usual = json!({"rooms": "everything", "groups": "everything", "directs": "everything", "quiet_hours": null, "keywords": [], "rev": 0});
    assert_eq!(fresh, usual);
    let night = json!({"days": [1, 7], "from": "22:30", "to": "07:00", "time_zone": "Europe/Paris"});
    let set = sets(
        &bob,
        json!({"rooms": "mentions", "keywords": [" lime tree ", "Lime  Tree", "pear"], "quiet_hours": night}),
    )
    .await;
    assert_eq!(set["keywords"], json!(["lime tree", "pear"]), "each once");
    assert_eq!(
        (&set["rooms"], &set["groups"], &set["quiet_hours"]),
        (&json!("mentions"), &json!("everything"), &night)
    );
    let muted = sets_here(&bob, &room, json!({"level": "everything", "muted_until": FOREVER})).await;
    assert_eq!(muted, json!({"level": "everything", "muted_until": "9999-12-31T23:59:59.000Z", "unread_from": null}));
    for device in [&bob, &phone] {
        let told = device.notices("notifications").await;
        assert_eq!((&told["data"], told.get("conversation")), (&set, None));
        assert_eq!(told["account_seq"], set["rev"]);
        let told = device.notices(ALL_MUTED).await;
        assert_eq!((&told["data"], &told["conversation"]), (&muted, &json!(room.id)));
    }
    away.connects().await;
    let back = json!({"token": away.tokens().access, "cursors": away.cursors(), "account_seq": known});
    away.authenticates(back).await.granted();
    assert_eq!(away.notices("notifications").await["data"], set);
    assert_eq!(away.notices(ALL_MUTED).await["data"], muted);
    assert_eq!(phone.sees(&room).await["settings"], muted);
    // An update that changes nothing takes no number.
    let again = sets(&phone, json!({"rooms": "mentions", "quiet_hours": night})).await;
    assert_eq!(again["rev"], set["rev"]);
    // Absent fields stay, and null takes away.
    let set = sets(&phone, json!({"quiet_hours": null})).await;
    assert_eq!((&set["quiet_hours"], &set["keywords"]), (&json!(null), &json!(["lime tree", "pear"])));
    assert_eq!(sets_here(&phone, &room, json!({"level": null})).await["muted_until"], muted["muted_until"]);
    let open = sets_here(&phone, &room, json!({"muted_until": null})).await;
    assert_eq!(open, json!({"level": null, "muted_until": null, "unread_from": null}));
    // Nobody else sees any of it.
    assert_eq!(ann.sees(&room).await["settings"], open);
    assert!(!ann.has_noticed("settings").await && !ann.has_noticed("notifications").await);
}

#[tokio::test]
async fn one_may_ask_why_a_message_notified_or_did_not() {
    let town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let room = ann.opens_room("garden").await;
    let before = ann.says(&room, "before bob came").await;
    bob.joins(&room).await;
    let plain = ann.says(&room, "the roses bloom").await;
    let call = ann.says(&room, "@bob look").await;
    let lime = ann.says(&room, "A LIME-tree, too").await;
    assert_eq!(why(&bob, &plain).await, (true, "everything".into()));
    assert_eq!(why(&ann, &plain).await, (false, "own".into()));
    sets(&bob, json!({"rooms": "mentions", "keywords": ["lime"]})).await;
    assert_eq!(why(&bob, &plain).await, (false, "not_mentioned".into()));
    assert_eq!(why(&bob, &call).await, (true, "mentioned".into()));
    assert_eq!(why(&bob, &lime).await, (true, "keyword".into()));
    let asked = format!("/v1/conversations/{}/messages/{}/notification", room.id, lime.seq);
    let told = bob.requests("GET", &asked, json!(null)).await.granted();
    let words = json!({"notifies": true, "why": "keyword", "level": "mentions", "own_level": false, "thread_level": false, "muted_until": null, "keyword": "lime", "pushes": []});
    assert_eq!(told, words);
    // A person with quiet hours around the clock is notified of nothing.
    let days: Vec<i64> = (1..=7).collect();
    sets(&bob, json!({"quiet_hours": {"days": days, "from": "00:00", "to": "00:00", "time_zone": "Asia/Kolkata"}}))
        .await;
    assert_eq!(why(&bob, &call).await, (false, "quiet_hours".into()));
    sets_here(&bob, &room, json!({"level": "nothing"})).await;
    assert_eq!(why(&bob, &call).await, (false, "nothing".into()));
    sets_here(&bob, &room, json!({"muted_until": FOREVER})).await;
    let told = bob.requests("GET", &asked, json!(null)).await.granted();
    assert_eq!(
        (&told["why"], &told["muted_until"], &told["own_level"]),
        (&json!("muted"), &json!("9999-12-31T23:59:59.000Z"), &json!(true))
    );
    ann.deletes(&lime).await;
    assert_eq!(why(&bob, &lime).await, (false, "deleted".into()));
    // It says nothing of what one may not see.
    let cid = town.person("cid").await;
    let of = |said: &Said| json!({"conversation": said.room.id, "seq": said.seq});
    cid.asks("notifications.explain", of(&plain)).await.refused("not_found");
    bob.asks("notifications.explain", json!({"conversation": room.id, "seq": 9_000})).await.refused("not_found");
    assert!(why(&bob, &before).await.1 == "muted", "of earlier messages, where they are seen");
    bob.leaves(&room).await;
    bob.asks("notifications.explain", of(&plain)).await.refused("not_found");
    bob.asks("conversation.notifications", json!({"conversation": room.id, "level": "nothing"}))
        .await
        .refused("not_found");
    bob.asks("marker.unread", of(&plain)).await.refused("not_found");
    // The settings of a conversation hold when its member comes back.
    bob.joins(&room).await;
    assert_eq!(bob.sees(&room).await["settings"]["level"], "nothing");
}

#[tokio::test]
async fn what_is_marked_as_unread_stays_so_until_one_reads_on() {
    let town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    let phone = bob.on_another_device().await;
    let (one, own) = (ann.says(&room, "one").await, bob.says(&room, "own").await);
    let (two, three) = (ann.says(&room, "two").await, ann.says(&room, "three").await);
    bob.reads(&three).await;
    assert_eq!(bob.sees(&room).await["unread"], 0);
    let marked = marks_unread(&bob, &own).await;
    assert_eq!((&marked["unread"], &marked["read_seq"]), (&json!(2), &json!(three.seq)), "his own does not count");
    assert_eq!(marked["settings"]["unread_from"], own.seq);
    let told = phone.notices(&format!("settings: null null {}", own.seq)).await;
    assert_eq!(told["conversation"], room.id);
    assert_eq!(marks_unread(&phone, &one).await["unread"], 3);
    // Somewhere in the middle: the rest is still unread.
    bob.reads(&two).await;
    phone.notices(&format!("settings: null null {}", two.seq + 1)).await;
    assert_eq!(phone.sees(&room).await["unread"], 1);
    // Further back than the mark is nothing new.
    bob.reads(&one).await;
    assert_eq!(phone.sees(&room).await["settings"]["unread_from"], two.seq + 1);
    let four = ann.says(&room, "four").await;
    assert_eq!(bob.sees(&room).await["unread"], 2);
    bob.reads(&four).await;
    phone.notices("settings: null null null").await;
    let read = phone.sees(&room).await;
    assert_eq!((&read["unread"], &read["read_seq"]), (&json!(0), &json!(four.seq)));
    // Others have seen the marker all along, and nothing of the mark.
    ann.notices(&format!("bob has read {}", four.seq)).await;
    assert!(!ann.has_noticed("settings").await);
    for bad in [json!(0), json!(9_000)] {
        bob.asks("marker.unread", json!({"conversation": room.id, "seq": bad})).await.refused("not_found");
    }
    ann.deletes(&two).await;
    bob.asks("marker.unread", json!({"conversation": room.id, "seq": two.seq})).await.refused("not_found");
    // A person who leaves and comes back begins anew.
    marks_unread(&bob, &one).await;
    bob.leaves(&room).await;
    bob.joins(&room).await;
    assert_eq!(bob.sees(&room).await["settings"]["unread_from"], json!(null));
}

#[tokio::test]
async fn all_is_read_at_once() {
    let town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let phone = bob.on_another_device().await;
    let (garden, shed) = (ann.opens_room("garden").await, ann.opens_room("shed").await);
    let direct = ann.turns_to(&bob).await;
    for room in [&garden, &shed] {
        bob.joins(room).await;
        ann.says(room, "hello").await;
    }
    let first = ann.says(&shed, "one").await;
    let last = ann.says(&direct, "are you there?").await;
    marks_unread(&bob, &first).await;
    for _ in 0..2 {
        bob.asks("marker.read_all", json!({})).await.granted();
        for room in [&garden, &shed, &direct] {
            let seen = phone.sees(room).await;
            assert_eq!((&seen["unread"], &seen["settings"]["unread_from"]), (&json!(0), &json!(null)));
            assert_eq!(seen["read_seq"], seen["head"]);
        }
    }
    ann.notices(&format!("bob has read {}", last.seq)).await;
    phone.notices("settings: null null null").await;
    assert_eq!(bob.requests("PUT", "/v1/users/me/read", json!({})).await.status, 204);
}

#[tokio::test]
async fn unread_messages_are_counted_to_a_hundred() {
    let town = Town::with(|config| config.limits.message_burst = 1_000).await;
    let (ann, bob) = town.two("ann", "bob").await;
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    bob.stops_listening();
    for count in 1..=102 {
        ann.says(&room, "again").await;
        if count >= 99 {
            assert_eq!(bob.sees(&room).await["unread"], count.min(100));
        }
    }
    bob.listens_again();
}

#[tokio::test]
async fn settings_that_mean_nothing_are_refused() {
    let town = Town::with(|config| {
        config.limits.keywords_per_user = 2;
        config.limits.keyword_length = 5;
    })
    .await;
    let ann = town.person("ann").await;
    let room = ann.opens_room("garden").await;
    sets(&ann, json!({"keywords": ["limes", "pears"]})).await;
    let hours = |days: Value, from: &str, to: &str, zone: &str| json!({"quiet_hours": {"days": days, "from": from, "to": to, "time_zone": zone}});
    for wrong in [
        json!({"keywords": ["a", "b", "c"]}),
        json!({"keywords": ["cherry"]}),
        json!({"keywords": [""]}),
        json!({"keywords": ["…!"]}),
        json!({"keywords": "lime"}),
        json!({"keywords": null}),
        json!({"rooms": "some"}),
        json!({"rooms": null}),
        json!({"direct": "everything"}),
        hours(json!([]), "22:00", "07:00", "UTC"),
        hours(json!([0]), "22:00", "07:00", "UTC"),
        hours(json!([8]), "22:00", "07:00", "UTC"),
        hours(json!([1]), "24:00", "07:00", "UTC"),
        hours(json!([1]), "22:00", "7:00", "UTC"),
        hours(json!([1]), "22:00", "07:60", "UTC"),
        hours(json!([1]), "22:00", "07:00", "Mars/Olympus"),
        hours(json!([1]), "22:00", "07:00", ""),
    ] {
        ann.asks("notifications.set", wrong.clone()).await.refused("invalid");
    }
    let here = |mut what: Value| {
        what["conversation"] = room.id.into();
        what
    };
    for wrong in
        [json!({}), json!({"level": "loud"}), json!({"muted_until": "2020-01-01T00:00:00Z"}), json!({"muted_until": 5})]
    {
        ann.asks("conversation.notifications", here(wrong)).await.refused("invalid");
    }
    let kept = ann.asks("notifications.get", json!({})).await.granted();
    assert_eq!((&kept["keywords"], &kept["quiet_hours"]), (&json!(["limes", "pears"]), &json!(null)));
}
