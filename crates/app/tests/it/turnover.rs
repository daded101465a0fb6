//! Joins and leaves of large conversations, told together to those who take them so.

use serde_json::{Value, json};
use testkit::{Person, Room, Stranger, Town};

/// One more socket of somebody's, of a client of this feature level.
async fn socket(town: &Town, person: &Person, level: Value) -> Stranger {
    let mut socket = town.stranger().await;
    let mut data = json!({"token": person.tokens().access, "feature_level": level});
    if level.is_null() {
        data.as_object_mut().expect("an object").remove("feature_level");
    }
    socket.writes(json!({"id": "1", "type": "authenticate", "data": data})).await;
    while socket.hears().await["re"] != "1" {}
    socket
}

/// The next event of a room.
async fn next(socket: &mut Stranger, room: &Room) -> Value {
    loop {
        let frame = socket.hears().await;
        if frame["conversation"] == room.id && frame["seq"].is_i64() {
            return frame;
        }
    }
}

#[tokio::test]
async fn who_comes_into_a_large_room_is_counted_and_not_announced() {
    let town = Town::with(|config| config.limits.presence_members = 3).await;
    let (ann, bob) = town.two("ann", "bob").await;
    let room = ann.opens_room("square").await;
    bob.joins(&room).await;
    let head = bob.sees(&room).await["head"].as_i64().expect("a head");
    let mut gathering = socket(&town, &bob, json!(7)).await;
    let mut earlier = socket(&town, &bob, json!(6)).await;
    let mut silent = socket(&town, &bob, Value::Null).await;
    for index in 0..20 {
        town.person(&format!("guest{index}")).await.joins(&room).await;
    }
    let said = ann.says(&room, "so many!").await;
    // A client that takes them one by one hears every number.
    for socket in [&mut earlier, &mut silent] {
        for number in head + 1..said.seq {
            let heard = next(socket, &room).await;
            assert_eq!((&heard["type"], &heard["seq"]), (&json!("member.joined"), &json!(number)));
        }
        assert_eq!(next(socket, &room).await["type"], "message.created");
    }
    // One that takes them together hears of none by itself once they are more than three, and comes to the same number.
    let (mut cursor, mut count) = (head, json!(2));
    loop {
        let heard = next(&mut gathering, &room).await;
        if heard["type"] == "message.created" {
            assert_eq!(heard["seq"], cursor + 1);
            break;
        }
        let data = &heard["data"];
        if cursor == head {
            assert_eq!((&heard["type"], &heard["seq"]), (&json!("member.joined"), &json!(head + 1)), "the third");
            cursor += 1;
            continue;
        }
        assert_eq!((&heard["type"], &data["from"]), (&json!("members.changed"), &json!(cursor + 1)), "{heard}");
        assert_eq!(heard["seq"], data["to"]);
        cursor = data["to"].as_i64().expect("a number");
        count = data["member_count"].clone();
    }
    assert_eq!(count, 22);
    assert_eq!(ann.sees(&room).await["member_count"], 22);
    // A run is told also if nothing follows it.
    let last = town.person("last").await;
    last.joins(&room).await;
    let heard = next(&mut gathering, &room).await;
    assert_eq!((&heard["type"], &heard["data"]["member_count"]), (&json!("members.changed"), &json!(23)));
    last.leaves(&room).await;
    let heard = next(&mut gathering, &room).await;
    assert_eq!((&heard["type"], &heard["data"]["member_count"]), (&json!("members.changed"), &json!(22)));
}
