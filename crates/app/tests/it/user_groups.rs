//! User groups: kept by the server's moderators and administrators, and called by everybody.

use serde_json::{Value, json};
use testkit::{Person, Town};

async fn groups(person: &Person) -> Value {
    person.asks("user_group.list", json!({})).await.granted()["groups"].clone()
}

#[tokio::test]
async fn a_group_is_called_by_its_name_and_reaches_those_who_belong_to_it_then() {
    let town = Town::opens().await;
    let admin = town.admin("root").await;
    let (ann, bob) = town.two("ann", "bob").await;
    let carol = town.person("carol").await;
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    carol.joins(&room).await;
    let outside = json!({"name": "gardeners", "people": [bob.id(), admin.id()]});
    ann.asks("user_group.create", outside.clone()).await.refused("forbidden");
    let group = admin.asks("user_group.create", outside).await.granted();
    assert_eq!((&group["size"], &group["mine"]), (&json!(2), &json!(true)));
    let said = ann.says(&room, "@Gardeners, it rains").await;
    let path = format!("/v1/conversations/{}/messages/{}", room.id, said.seq);
    let message = carol.requests("GET", &path, Value::Null).await.granted();
    assert_eq!(message["mentions"]["groups"], json!([group["id"]]));
    assert_eq!(bob.sees(&room).await["unread_for_me"], 1);
    assert_eq!(carol.sees(&room).await["unread_for_me"], 0);
    // The administrator belongs to the group, and not to the room.
    assert_eq!(admin.asks("inbox.list", json!({})).await.granted()["items"], json!([]));
    // A person who comes later was not called.
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    let change = json!({"group": group["id"], "people": [carol.id(), bob.id()]});
    admin.asks("user_group.add", change).await.granted();
    assert_eq!(carol.sees(&room).await["unread_for_me"], 0);
    ann.says(&room, "@gardeners again").await;
    assert_eq!(carol.sees(&room).await["unread_for_me"], 1);
    assert_eq!(groups(&carol).await[0]["mine"], true);
    // A person who is taken out has nothing of it any more.
    let change = json!({"group": group["id"], "people": [bob.id()]});
    let left = admin.asks("user_group.remove", change).await.granted();
    assert_eq!(left["people"], json!([admin.id(), carol.id()]));
    assert_eq!(bob.sees(&room).await["unread_for_me"], 0);
    for _ in 0..2 {
        admin.asks("user_group.delete", json!({"group": group["id"]})).await.granted();
    }
    assert_eq!(groups(&ann).await, json!([]));
    admin.asks("user_group.get", json!({"group": group["id"]})).await.refused("not_found");
}

#[tokio::test]
async fn a_group_has_a_name_of_its_own_that_a_text_can_call() {
    let town = Town::opens().await;
    let admin = town.admin("root").await;
    let ann = town.person("ann").await;
    let create = |name: &str| json!({"name": name});
    for wrong in ["a", "two words", "@dev", "here", "Room", "dev-", "équipe", "", "x".repeat(51).as_str()] {
        admin.asks("user_group.create", create(wrong)).await.refused("invalid");
    }
    admin.asks("user_group.create", create("ANN")).await.refused("conflict");
    let dev = admin.asks("user_group.create", create("Equipe")).await.granted();
    admin.asks("user_group.create", create("eQUIPE")).await.refused("conflict");
    let other = admin.asks("user_group.create", create("gardeners")).await.granted();
    let rename = |name: &str| json!({"group": other["id"], "name": name});
    admin.asks("user_group.rename", rename("equipe")).await.refused("conflict");
    let renamed = admin.asks("user_group.rename", rename("Gardeners")).await.granted();
    assert_eq!(renamed["name"], "Gardeners");
    // Nobody takes a group's name.
    let account = json!({"username": "gardeners", "password": "correct horse battery"});
    town.rest().ask("POST", "/v1/accounts", None, &account).await.refused(409, "conflict");
    // The list is told once for each change.
    let list = ann.asks("user_group.list", json!({})).await.granted();
    let again = ann.asks("user_group.list", json!({"rev": list["rev"]})).await.granted();
    assert_eq!((&again["rev"], &again["groups"]), (&list["rev"], &Value::Null));
    admin.asks("user_group.delete", json!({"group": dev["id"]})).await.granted();
    let again = ann.asks("user_group.list", json!({"rev": list["rev"]})).await.granted();
    assert_eq!(again["groups"][0]["name"], "Gardeners");
}

#[tokio::test]
async fn moderators_keep_groups_within_the_limits_and_guests_know_their_names_alone() {
    let town = Town::with(|config| {
        (config.limits.user_groups, config.limits.user_group_people) = (1, 2);
    })
    .await;
    let admin = town.admin("root").await;
    let ann = town.person("ann").await;
    let (staff, guest) = (town.absent("staff").await, town.absent("guest").await);
    admin.asks("user.role", json!({"user": staff.id(), "role": "moderator"})).await.granted();
    admin.asks("user.role", json!({"user": guest.id(), "role": "guest"})).await.granted();
    staff.comes().await;
    guest.comes().await;
    let people = json!([staff.id(), ann.id(), guest.id()]);
    let group = json!({"name": "gardeners", "people": people});
    staff.asks("user_group.create", group).await.refused("invalid");
    let group = json!({"name": "gardeners", "people": [staff.id(), ann.id()]});
    let group = staff.asks("user_group.create", group).await.granted();
    let of = json!({"group": group["id"]});
    staff.asks("user_group.create", json!({"name": "ops"})).await.refused("limit_reached");
    let more = json!({"group": group["id"], "people": [guest.id()]});
    staff.asks("user_group.add", more.clone()).await.refused("limit_reached");
    staff.asks("user_group.remove", json!({"group": group["id"], "people": [staff.id()]})).await.granted();
    assert_eq!(staff.asks("user_group.add", more).await.granted()["people"], json!([ann.id(), guest.id()]));
    // Nobody else changes one, and none of those who are not there is put into one.
    for (name, change) in [
        ("user_group.create", json!({"name": "mine"})),
        ("user_group.rename", json!({"group": group["id"], "name": "mine"})),
        ("user_group.add", json!({"group": group["id"], "people": [ann.id()]})),
        ("user_group.remove", json!({"group": group["id"], "people": [ann.id()]})),
        ("user_group.delete", of.clone()),
    ] {
        ann.asks(name, change).await.refused("forbidden");
    }
    staff.asks("user_group.remove", json!({"group": group["id"], "people": [ann.id()]})).await.granted();
    let nobody = json!({"group": group["id"], "people": [9_000_000]});
    assert_eq!(staff.asks("user_group.add", nobody).await.granted()["people"], json!([guest.id()]));
    let gone = json!({"group": 9_000_000, "people": [ann.id()]});
    staff.asks("user_group.add", gone).await.refused("not_found");
    // A guest may write the name, and does not learn who answers to it.
    assert_eq!(groups(&guest).await[0]["name"], "gardeners");
    guest.asks("user_group.get", of.clone()).await.refused("forbidden");
    assert_eq!(ann.asks("user_group.get", of).await.granted()["people"], json!([guest.id()]));
}
