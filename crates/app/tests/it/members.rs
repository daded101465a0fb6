//! Membership and roles.

use serde_json::json;
use testkit::{Person, Room, Town};

/// A person with a role in a room of ann's.
async fn with_role(town: &Town, owner: &Person, room: &Room, name: &str, role: &str) -> Person {
    let person = town.absent(name).await;
    owner.adds(&person, room).await;
    if role != "member" {
        owner.makes(&person, role, room).await.granted();
    }
    person
}

#[tokio::test]
async fn people_come_and_go_and_all_who_stay_hear_it() {
    let town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    assert_eq!(ann.hears("bob joins").await["data"]["member_count"], 2);
    // Joining again changes nothing.
    bob.joins(&room).await;
    ann.hears_nothing_more().await;
    ann.says(&room, "hello").await;
    bob.leaves(&room).await;
    let left = ann.hears("bob leaves").await;
    assert_eq!((&left["data"]["member_count"], &left["data"]["member"]["role"]), (&json!(1), &json!(null)));
    ann.says(&room, "alone").await;
    bob.does_not_see(&room).await;
    bob.asks("message.send", bob.draft(&room, "no")).await.refused("not_found");
    bob.asks("typing.set", json!({"conversation": room.id, "typing": true})).await.refused("not_found");
    bob.asks("conversation.leave", json!({"conversation": room.id})).await.refused("not_found");
    // A person who comes back to a public room can read what was said meanwhile, and has it read already.
    bob.joins(&room).await;
    assert_eq!(bob.knows(&room), [Some("hello".into()), Some("alone".into())]);
    assert_eq!(bob.sees(&room).await["unread"], 0);
}

#[tokio::test]
async fn whoever_is_removed_hears_that_and_nothing_more() {
    let town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let phone = bob.on_another_device().await;
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    ann.removes(&bob, &room).await;
    bob.hears("bob is removed").await;
    bob.hears("out: removed").await;
    phone.hears("added to garden").await;
    phone.hears("bob is removed").await;
    phone.hears("out: removed").await;
    ann.hears("bob joins").await;
    ann.hears("bob is removed").await;
    ann.says(&room, "not for bob").await;
    ann.types(&room).await;
    bob.hears_nothing_more().await;
    phone.hears_nothing_more().await;
    ann.asks("member.remove", json!({"conversation": room.id, "user": bob.id()})).await.refused("not_found");
    // It was no ban.
    bob.joins(&room).await;
}

#[tokio::test]
async fn into_a_private_room_one_is_brought() {
    let town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let cid = town.person("cid").await;
    let room = ann.opens_private_room("kitchen").await;
    bob.asks("conversation.join", json!({"conversation": room.id})).await.refused("not_found");
    ann.says(&room, "before bob").await;
    ann.adds(&bob, &room).await;
    bob.hears("added to kitchen").await;
    // Adding somebody who is there changes nothing.
    ann.adds(&bob, &room).await;
    ann.hears("bob joins").await;
    ann.hears_nothing_more().await;
    bob.asks("member.add", json!({"conversation": room.id, "user": cid.id()})).await.refused("forbidden");
    for nobody in [json!(9_999), json!(0)] {
        ann.asks("member.add", json!({"conversation": room.id, "user": nobody})).await.refused("not_found");
    }
    ann.asks("member.add", json!({"conversation": room.id, "user": "bob"})).await.refused("invalid");
    ann.makes(&bob, "admin", &room).await.granted();
    bob.adds(&cid, &room).await;
    cid.hears("added to kitchen").await;
}

#[tokio::test]
async fn whoever_left_by_themself_comes_back_by_themself() {
    let town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let group = ann.opens_group(&[&bob]).await;
    bob.leaves(&group).await;
    let join = json!({"conversation": group.id});
    // They were not asked back: to them it is not there.
    bob.asks("conversation.join", join.clone()).await.refused("not_found");
    let add = json!({"conversation": group.id, "user": bob.id()});
    bob.forgets().await;
    ann.asks("member.add", add.clone()).await.refused("not_accepting");
    ann.asks("member.add", add.clone()).await.refused("not_accepting");
    bob.hears_nothing_more().await;
    bob.joins(&group).await;
    ann.says(&group, "welcome back").await;
    assert_eq!(bob.sees(&group).await["role"], "member");
    // A removed member has declined nothing, but cannot come by themself.
    ann.removes(&bob, &group).await;
    bob.asks("conversation.join", join).await.refused("not_found");
    ann.adds(&bob, &group).await;
}

#[tokio::test]
async fn whoever_was_asked_back_may_be_asked_no_more() {
    let town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let group = ann.opens_group(&[&bob]).await;
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    for place in [&group, &room] {
        bob.leaves(place).await;
        let both = json!({"conversation": place.id, "user": bob.id()});
        ann.asks("member.remove", both.clone()).await.refused("not_found");
        ann.asks("member.add", both.clone()).await.refused("not_accepting");
    }
    let join = |place: &Room| json!({"conversation": place.id});
    // By name, and by closing the room.
    let both = json!({"conversation": group.id, "user": bob.id()});
    ann.asks("member.remove", both.clone()).await.granted();
    ann.asks("member.remove", both.clone()).await.refused("not_found");
    ann.asks("conversation.update", json!({"conversation": room.id, "visibility": "private"})).await.granted();
    for place in [&group, &room] {
        bob.asks("conversation.join", join(place)).await.refused("not_found");
    }
    // They left by themself, still.
    ann.asks("member.add", both).await.refused("not_accepting");
    bob.joins(&group).await;
}

#[tokio::test]
async fn members_are_listed_page_by_page() {
    let town = Town::with(|config| config.limits.list_page = 2).await;
    let ann = town.person("ann").await;
    let room = ann.opens_room("garden").await;
    for name in ["bob", "cid", "dan", "eve"] {
        with_role(&town, &ann, &room, name, "member").await;
    }
    let (mut names, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/v1/conversations/{}/members?limit=100{cursor}", room.id);
        let page = ann.requests("GET", &path, json!(null)).await.granted();
        let members = page["members"].as_array().unwrap();
        assert!(members.len() <= 2);
        names.extend(members.iter().map(|m| m["user"]["username"].as_str().unwrap().to_owned()));
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(names, ["ann", "bob", "cid", "dan", "eve"]);
}

/// Every role against every role: the table stands here once more, written by hand.
#[tokio::test]
async fn nobody_gives_or_takes_above_themselves() {
    const ROLES: [&str; 4] = ["member", "moderator", "admin", "owner"];
    let town = Town::opens().await;
    let ann = town.person("ann").await;
    let room = ann.opens_room("garden").await;
    let mut people = Vec::new();
    for (rank, role) in ROLES.into_iter().enumerate() {
        people.push((rank, with_role(&town, &ann, &room, &format!("the-{role}"), role).await));
    }
    let target = with_role(&town, &ann, &room, "target", "member").await;
    let path = format!("/v1/conversations/{}/members/{}", room.id, target.id());
    for (held, role) in ROLES.into_iter().enumerate() {
        for (rank, actor) in &people {
            let outranks = *rank > held || *rank == 3;
            for (given, wanted) in ROLES.into_iter().enumerate() {
                let may = *rank >= 2 && (given == held || (outranks && (*rank > given || *rank == 3)));
                let answer = actor.requests("PATCH", &path, json!({"role": wanted})).await;
                let expected = if may { 200 } else { 403 };
                assert_eq!(answer.status, expected, "{actor:?} makes a {role} {wanted}: {}", answer.text);
                if may && given != held {
                    ann.requests("PATCH", &path, json!({"role": role})).await.granted();
                }
            }
            let may_remove = *rank >= 1 && outranks;
            let answer = actor.requests("DELETE", &path, json!(null)).await;
            assert_eq!(answer.status, if may_remove { 204 } else { 403 }, "{actor:?} removes a {role}");
            if may_remove {
                ann.adds(&target, &room).await;
                ann.requests("PATCH", &path, json!({"role": role})).await.granted();
            }
        }
        if let Some(next) = ROLES.get(held + 1) {
            ann.requests("PATCH", &path, json!({"role": next})).await.granted();
        }
    }
    // Nor do they raise themselves.
    for (rank, actor) in &people[..3] {
        let own = format!("/v1/conversations/{}/members/{}", room.id, actor.id());
        for above in &ROLES[rank + 1..] {
            actor.requests("PATCH", &own, json!({"role": above})).await.refused(403, "forbidden");
        }
    }
}

#[tokio::test]
async fn there_is_always_an_owner_while_there_are_members() {
    let town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let cid = town.person("cid").await;
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    cid.joins(&room).await;
    ann.makes(&cid, "moderator", &room).await.granted();
    ann.makes(&ann, "member", &room).await.refused("forbidden");
    bob.forgets().await;
    ann.leaves(&room).await;
    // The highest of those who stay inherits; and then the longest.
    bob.hears("ann leaves").await;
    bob.hears("cid is owner").await;
    cid.leaves(&room).await;
    bob.hears("cid leaves").await;
    bob.hears("bob is owner").await;
    bob.leaves(&room).await;
    // An empty room belongs to whoever comes first.
    cid.joins(&room).await;
    assert_eq!(cid.sees(&room).await["role"], "owner");
    ann.joins(&room).await;
    assert_eq!(ann.sees(&room).await["role"], "member");
    // Two owners: one of them may step down, or be put out by the other.
    cid.makes(&ann, "owner", &room).await.granted();
    cid.makes(&cid, "member", &room).await.granted();
    ann.makes(&cid, "owner", &room).await.granted();
    cid.removes(&ann, &room).await;
    cid.makes(&cid, "admin", &room).await.refused("forbidden");
}

#[tokio::test]
async fn the_servers_staff_keeps_order_in_public_rooms_only() {
    let town = Town::opens().await;
    let admin = town.admin("adm").await;
    let (ann, bob) = town.two("ann", "bob").await;
    let staff = town.absent("mod").await;
    admin.asks("user.role", json!({"user": staff.id(), "role": "moderator"})).await.granted();
    staff.comes().await;
    let (open, private) = (ann.opens_room("garden").await, ann.opens_private_room("kitchen").await);
    for room in [&open, &private] {
        ann.adds(&bob, room).await;
        ann.adds(&staff, room).await;
        ann.adds(&admin, room).await;
    }
    let (in_open, in_private) = (bob.says(&open, "rude").await, bob.says(&private, "rude").await);
    staff.deletes(&in_open).await;
    let delete = json!({"conversation": private.id, "seq": in_private.seq});
    for of_staff in [&staff, &admin] {
        of_staff.asks("message.delete", delete.clone()).await.refused("forbidden");
        let remove = json!({"conversation": private.id, "user": bob.id()});
        of_staff.asks("member.remove", remove).await.refused("forbidden");
    }
    staff.asks("conversation.update", json!({"conversation": open.id, "topic": "x"})).await.refused("forbidden");
    admin.asks("conversation.update", json!({"conversation": open.id, "topic": "x"})).await.granted();
    staff.removes(&bob, &open).await;
    staff.asks("member.remove", json!({"conversation": open.id, "user": ann.id()})).await.refused("forbidden");
    // An administrator who does not belong to a private room does not see it either.
    ann.removes(&admin, &private).await;
    admin.does_not_see(&private).await;
}

#[tokio::test]
async fn a_room_holds_so_many_and_not_one_more() {
    let town = Town::with(|config| config.limits.room_members = 2).await;
    let (ann, bob) = town.two("ann", "bob").await;
    let cid = town.person("cid").await;
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    cid.asks("conversation.join", json!({"conversation": room.id})).await.refused("limit_reached");
    ann.asks("member.add", json!({"conversation": room.id, "user": cid.id()})).await.refused("limit_reached");
    bob.leaves(&room).await;
    cid.joins(&room).await;
}
