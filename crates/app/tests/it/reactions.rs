//! One emoji by one person on one message, at most once.

use serde_json::json;
use testkit::Town;

#[tokio::test]
async fn a_reaction_is_seen_by_all_and_repeating_it_changes_nothing() {
    let town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    ann.hears("bob joins").await;
    let hello = ann.says(&room, "hello").await;
    let message = bob.reacts(&hello, "👍").await;
    assert_eq!(message["reactions"], json!([{"emoji": "👍", "users": [bob.id()]}]));
    bob.reacts(&hello, "👍").await;
    ann.hears("bob reacts 👍").await;
    ann.hears_nothing_more().await;
    ann.reacts(&hello, "🎉").await;
    let message = ann.reacts(&hello, "👍").await;
    let both = json!([{"emoji": "👍", "users": [bob.id(), ann.id()]}, {"emoji": "🎉", "users": [ann.id()]}]);
    assert_eq!(message["reactions"], both);
    bob.takes_back(&hello, "👍").await;
    bob.takes_back(&hello, "👍").await;
    ann.hears("bob takes back 👍").await;
    ann.hears_nothing_more().await;
    // Nobody takes back what another put there.
    let message = bob.takes_back(&hello, "🎉").await;
    assert_eq!(message["reactions"].as_array().unwrap().len(), 2);
    // An edit leaves them, a deletion takes them along.
    ann.edits(&hello, "hello!").await;
    let seen = bob.requests("GET", &format!("/v1/conversations/{}/messages/{}", room.id, hello.seq), json!(null)).await;
    assert_eq!(seen.granted()["reactions"].as_array().unwrap().len(), 2);
    ann.deletes(&hello).await;
    let seen = bob.requests("GET", &format!("/v1/conversations/{}/messages/{}", room.id, hello.seq), json!(null)).await;
    assert_eq!(seen.granted()["reactions"], json!([]));
}

#[tokio::test]
async fn over_rest_the_emoji_stands_in_the_path() {
    let town = Town::opens().await;
    let ann = town.person("ann").await;
    let room = ann.opens_room("garden").await;
    let hello = ann.says(&room, "hello").await;
    let path = |emoji: &str| format!("/v1/conversations/{}/messages/{}/reactions/{emoji}", room.id, hello.seq);
    let family = "%F0%9F%91%A9%E2%80%8D%F0%9F%91%A7";
    let message = ann.requests("PUT", &path(family), json!(null)).await.granted();
    assert_eq!(message["reactions"][0]["emoji"], "👩\u{200d}👧");
    let message = ann.requests("DELETE", &path(family), json!(null)).await.granted();
    assert_eq!(message["reactions"], json!([]));
    ann.requests("PUT", &path("%00"), json!(null)).await.refused(422, "invalid");
}

#[tokio::test]
async fn there_are_so_many_emoji_and_not_one_more() {
    let town = Town::with(|config| {
        config.limits.reactions_per_user = 2;
        config.limits.reactions_per_message = 3;
        config.limits.emoji_length = 4;
    })
    .await;
    let (ann, bob) = town.two("ann", "bob").await;
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    let hello = ann.says(&room, "hello").await;
    let react = |emoji: &str| json!({"conversation": room.id, "seq": hello.seq, "emoji": emoji});
    ann.reacts(&hello, "👍").await;
    ann.reacts(&hello, "🎉").await;
    ann.asks("reaction.add", react("👀")).await.refused("limit_reached");
    bob.reacts(&hello, "👀").await;
    bob.asks("reaction.add", react("🌹")).await.refused("limit_reached");
    // One that is there already takes no more room.
    bob.reacts(&hello, "👍").await;
    ann.takes_back(&hello, "🎉").await;
    // As long as there may be, and one longer.
    ann.reacts(&hello, "👨\u{200d}👩🏽").await;
    for bad in ["👨🏽\u{200d}👩🏽", "", " ", "a\nb", "a\0", "abcd", "👍👍", ":+1:", "\u{200b}"] {
        bob.asks("reaction.add", react(bad)).await.refused("invalid");
    }
    let nowhere = json!({"conversation": room.id, "seq": 999, "emoji": "👍"});
    bob.asks("reaction.add", nowhere).await.refused("not_found");
}

#[tokio::test]
async fn an_emoji_is_one_in_all_its_presentations() {
    let town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let room = ann.opens_room("garden").await;
    bob.joins(&room).await;
    let hello = ann.says(&room, "hello").await;
    let (plain, picture) = ("\u{2764}", "\u{2764}\u{fe0f}");
    ann.reacts(&hello, plain).await;
    bob.reacts(&hello, picture).await;
    let message = bob.reacts(&hello, "\u{2764}\u{fe0e}").await;
    assert_eq!(message["reactions"], json!([{"emoji": picture, "users": [ann.id(), bob.id()]}]));
    let message = ann.takes_back(&hello, plain).await;
    assert_eq!(message["reactions"], json!([{"emoji": picture, "users": [bob.id()]}]));
}

#[tokio::test]
async fn whoever_does_not_belong_cannot_react() {
    let town = Town::opens().await;
    let (ann, bob) = town.two("ann", "bob").await;
    let room = ann.opens_room("garden").await;
    let hello = ann.says(&room, "hello").await;
    let react = json!({"conversation": room.id, "seq": hello.seq, "emoji": "👍"});
    bob.asks("reaction.add", react.clone()).await.refused("not_found");
    bob.asks("reaction.remove", react).await.refused("not_found");
}
