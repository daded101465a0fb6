//! Many listeners in one room, who are not told of each message by itself.

use serde_json::json;
use testkit::{Person, Room, Stranger, Town};

/// One more socket of somebody's, and the number after which it hears what is said in a room.
async fn listens(town: &Town, person: &Person, room: &Room) -> (Stranger, i64) {
    let mut socket = town.stranger().await;
    let token = person.tokens().access;
    socket.writes(json!({"id": "1", "type": "authenticate", "data": {"token": token}})).await;
    loop {
        let frame = socket.hears().await;
        if frame["re"] == "1" {
            let conversations = frame["data"]["conversations"].as_array().expect("conversations");
            let here = conversations.iter().find(|one| one["id"] == room.id).expect("the room");
            return (socket, here["head"].as_i64().expect("a head"));
        }
    }
}

async fn next_number(socket: &mut Stranger, room: &Room) -> i64 {
    loop {
        let frame = socket.hears().await;
        if frame["conversation"] == room.id
            && let Some(number) = frame["seq"].as_i64()
        {
            return number;
        }
    }
}

#[tokio::test]
async fn whoever_comes_into_a_crowd_while_much_is_said_hears_each_number_once_and_in_order() {
    let town = Town::with(|config| config.limits.connections_per_user = 200).await;
    let (ann, bob) = town.two("ann", "bob").await;
    let room = ann.opens_room("square").await;
    bob.joins(&room).await;
    let mut crowd = Vec::new();
    for _ in 0..80 {
        crowd.push(listens(&town, &bob, &room).await);
    }
    let saying = ann.says_all(&room, (0..400).map(|count| format!("the {count}th")));
    let coming = async {
        for _ in 0..60 {
            crowd.push(listens(&town, &bob, &room).await);
        }
    };
    let (said, ()) = tokio::join!(saying, coming);
    let last = said.last().expect("something was said").seq;
    assert!(crowd.last().is_some_and(|(_, head)| *head > said[0].seq), "they came while it was said");
    for (socket, head) in &mut crowd {
        for number in *head + 1..=last {
            assert_eq!(next_number(socket, &room).await, number, "after {head}");
        }
    }
}
