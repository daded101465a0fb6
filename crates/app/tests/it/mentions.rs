//! Whom a message is for: people, user groups, those who are present and everybody; found by the server.

use serde_json::{Value, json};
use testkit::{
    Person, Room, Said, Town,
    policies::{Ability, Role},
};

/// Whom a message is for, as somebody reads it.
async fn mentions(person: &Person, said: &Said) -> Value {
    let path = format!("/v1/conversations/{}/messages/{}", said.room.id, said.seq);
    person.requests("GET", &path, Value::Null).await.granted()["mentions"].clone()
}

fn people(ids: &[i64]) -> Value {
    json!({"people": ids, "groups": [], "here": false, "room": false, "reply_to": null})
}

async fn for_me(person: &Person, room: &Room) -> Value {
    person.sees(room).await["unread_for_me"].clone()
}

#[tokio::test]
async fn people_are_named_by_id_and_whoever_is_not_there_stays_plain_text() {
    let town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let stranger = town.person("carol").await;
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    let said = ann.says(&room, "@Bob, @carol and @nobody: `@ann` @bob").await;
    assert_eq!(mentions(&ann, &said).await, people(&[bob.id()]));
    assert_eq!((for_me(&bob, &room).await, for_me(&ann, &room).await), (json!(1), json!(0)));
    // Earlier messages are not for a person who came later.
    stranger.joins(&room).await;
    assert_eq!(for_me(&stranger, &room).await, 0);
    // One who names themselves is not told of it.
    let said = bob.says(&room, "@bob").await;
    assert_eq!(mentions(&ann, &said).await, people(&[bob.id()]));
    assert_eq!(for_me(&bob, &room).await, 1);
    // A text of one who has left calls nobody who has left.
    stranger.leaves(&room).await;
    let said = ann.says(&room, "@carol?").await;
    assert_eq!(mentions(&ann, &said).await, Value::Null);
    let last = ann.says(&room, "nobody").await;
    bob.reads(&last).await;
    assert_eq!(for_me(&bob, &room).await, 0);
}

#[tokio::test]
async fn an_edit_names_anew_and_a_deletion_names_nobody() {
    let town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let carol = town.person("carol").await;
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    carol.joins(&room).await;
    let said = ann.says(&room, "@bob and @room").await;
    assert_eq!((for_me(&bob, &room).await, for_me(&carol, &room).await), (json!(1), json!(1)));
    ann.edits(&said, "@carol").await;
    assert_eq!(mentions(&bob, &said).await, people(&[carol.id()]));
    assert_eq!((for_me(&bob, &room).await, for_me(&carol, &room).await), (json!(0), json!(1)));
    ann.deletes(&said).await;
    assert_eq!(mentions(&bob, &said).await, Value::Null);
    assert_eq!(for_me(&carol, &room).await, 0);
}

#[tokio::test]
async fn a_reply_is_for_the_one_who_is_answered_and_all_is_for_one_in_a_direct_conversation() {
    let town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    let question = bob.says(&room, "who has the key?").await;
    let answer = ann.replies(&question, "I have").await;
    assert_eq!(mentions(&bob, &answer).await["reply_to"], bob.id());
    assert_eq!(for_me(&bob, &room).await, 1);
    let own = bob.replies(&question, "found it").await;
    assert_eq!(mentions(&bob, &own).await, Value::Null, "whoever answers themselves");
    let direct = ann.turns_to(&bob).await;
    ann.says(&direct, "the key is yours").await;
    assert_eq!(for_me(&bob, &direct).await, 1);
}

#[tokio::test]
async fn everybody_is_reached_by_those_who_may_and_confirmed_beyond_the_bound() {
    let town = Town::with(|config| config.limits.mentions_unconfirmed = 1).await;
    let (ann, bob) = town.two("ann", "bob").await;
    let carol = town.person("carol").await;
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    let said = ann.says(&room, "@room").await;
    assert_eq!(mentions(&bob, &said).await["room"], true, "one person needs no confirmation");
    carol.joins(&room).await;
    let send = |reach: Value| json!({"conversation": room.id, "text": "@here", "client_id": "c1", "reach": reach});
    for reach in [Value::Null, json!(1)] {
        let refusal = ann.asks("message.send", send(reach)).await.refused("confirmation_needed");
        assert!(refusal["detail"].as_str().unwrap_or_default().contains("2 people"), "{refusal}");
    }
    let reach = json!({"conversation": room.id, "text": "@here"});
    let reach = ann.asks("message.reach", reach).await.granted();
    assert_eq!(reach, json!({"people": 2, "must_confirm": true, "may_call_everybody": true}));
    let sent = ann.asks("message.send", send(json!(2))).await.granted();
    assert_eq!(for_me(&carol, &room).await, 1);
    // How many it may reach is no part of what is said.
    assert_eq!(ann.asks("message.send", send(json!(3))).await.granted()["seq"], sent["seq"]);
    // Without the ability it is plain text, also where it would have to be confirmed.
    town.sets(&room, Ability::MentionEverybody, Some(Role::Moderator)).await;
    let said = bob.says(&room, "@room @here").await;
    assert_eq!(mentions(&ann, &said).await, Value::Null);
    town.grants(&bob, &room, Ability::MentionEverybody, true, None).await;
    let send = json!({"conversation": room.id, "text": "@room", "reach": 2});
    bob.asks("message.send", send).await.granted();
    assert_eq!(for_me(&carol, &room).await, 2);
    // An edit asks nobody: it does not reach those whom it did not reach before.
    let said = bob.says(&room, "hello").await;
    bob.edits(&said, "hello @room").await;
    assert_eq!(mentions(&ann, &said).await, Value::Null);
}

#[tokio::test]
async fn what_is_sent_through_an_old_endpoint_names_people_as_well() {
    let town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    let token = ann.tokens().access;
    let body = json!({"chat": room.id, "content": "@bob, come"});
    let rest = testkit::Rest::to(town.dreametrix());
    rest.ask("POST", "/chats/messages/create/", Some(&token), &body).await.granted();
    assert_eq!(for_me(&bob, &room).await, 1);
}
