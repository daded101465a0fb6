//! How the server is doing, as those are told who may ask.

use serde_json::{Value, json};
use testkit::Town;

#[tokio::test]
async fn administrators_see_how_the_server_is_doing_and_nobody_else_does() {
    let town = Town::alone().await;
    let admin = town.admin("ann").await;
    let (bob, cid) = town.two("bob", "cid").await;
    admin.asks("user.role", json!({"user": cid.id(), "role": "moderator"})).await.granted();
    cid.is_sent_away().await;
    cid.comes_back().await;
    bob.asks("server.statistics", json!({})).await.refused("forbidden");
    cid.asks("server.statistics", json!({})).await.refused("forbidden");
    let path = "/v1/server/statistics";
    town.request("GET", path, Value::Null).await.refused(401, "unauthenticated");
    bob.requests("GET", path, Value::Null).await.refused(403, "forbidden");

    let room = bob.opens_room("garden").await;
    bob.opens_private_room("shed").await;
    bob.opens_group(&[&cid, &admin]).await;
    bob.turns_to(&cid).await;
    cid.joins(&room).await;
    bob.says_all(&room, ["one", "two", "three"]).await;
    let statistics = admin.requests("GET", path, Value::Null).await.granted();
    assert_eq!(statistics["conversations"], json!({"rooms": 2, "groups": 1, "direct": 1}));
    for (figure, value) in [("connections", 3), ("people_here", 3), ("accounts", 3), ("messages_sent", 3)] {
        assert_eq!(statistics[figure], value, "{figure}: {statistics}");
    }
    let number = |figure: &str| statistics[figure].as_i64().unwrap();
    assert!(number("messages") >= 3 && number("uptime_seconds") < 600, "{statistics}");
    assert!(number("deliveries") >= 2, "what was said went to two people: {statistics}");
    assert!(number("storage_bytes") > 50_000, "an empty database is larger: {statistics}");
    assert_eq!((&statistics["jobs_waiting"], &statistics["jobs_failed"]), (&json!(0), &json!(0)), "{statistics}");
    assert!(statistics["search_behind"].is_i64(), "{statistics}");
    assert_eq!(statistics["version"], env!("CARGO_PKG_VERSION"));
    // Counts may be some seconds old; the number of messages sent is not.
    bob.says(&room, "four").await;
    let later = admin.asks("server.statistics", json!({})).await.granted();
    assert_eq!(later["messages_sent"], 4);
    // Clients of the version before ask by the former name, and are answered by it.
    let former = admin.asks("server.figures", json!({})).await;
    assert_eq!(former.frame["type"], "figures");
    assert_eq!(admin.requests("GET", "/v1/server/figures", Value::Null).await.granted()["messages_sent"], 4);
}
