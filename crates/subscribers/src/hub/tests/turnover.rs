//! Joins and leaves of a large channel.

use super::*;

fn came(user: i64, rev: i64, member_count: i64) -> Fact {
    let username = format!("user{user}");
    let member = Member {
        user: UserId(user),
        shown_name: username.clone(),
        username,
        role: Some(Role::Member),
        rev: Number(rev),
        joined_at: Millis(0),
    };
    Fact::MemberJoined { member, member_count }
}

fn frames(subscriber: &Subscriber) -> Vec<serde_json::Value> {
    let bytes: Vec<u8> = subscriber.outbox.take().0.into_iter().flatten().collect();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let begins: Vec<usize> = text.match_indices("{\"type\":\"").map(|(at, _)| at).collect();
    let one = |at: &usize| serde_json::Deserializer::from_str(&text[*at..]).into_iter().next();
    begins.iter().filter_map(one).map(|frame| frame.expect("a frame")).collect()
}

fn run(from: i64, to: i64, count: i64) -> serde_json::Value {
    let data = serde_json::json!({"from": from, "to": to, "member_count": count});
    serde_json::json!({"type": "members.changed", "conversation": 7, "seq": to, "data": data})
}

/// A large channel with a client that takes runs as one, and another that does not.
async fn large() -> (Small, Arc<Subscriber>, Arc<Subscriber>) {
    let mut hub = Small::new();
    hub.state.presence_members = 100;
    let plain = hub.has(ANN, belongs(ANN, 5)).await;
    hub.gathers = true;
    let gathering = hub.has(BOB, belongs(BOB, 5)).await;
    (hub, plain, gathering)
}

#[tokio::test(start_paused = true)]
async fn of_a_run_of_joins_the_first_is_told_at_once_and_the_rest_together() {
    let (mut hub, plain, gathering) = large().await;
    for number in 6..=50 {
        hub.hears(number, came(number, number, 100 + number));
    }
    assert_eq!(told(&plain).len(), 45, "today's events");
    assert_eq!(frames(&gathering), [run(6, 6, 106)]);
    tokio::time::advance(Duration::from_secs(1)).await;
    hub.state.hand_out(Vec::new());
    assert_eq!(frames(&gathering), [run(7, 50, 150)]);
    tokio::time::advance(Duration::from_secs(5)).await;
    hub.state.hand_out(Vec::new());
    assert_eq!(frames(&gathering), [serde_json::Value::Null; 0]);
}

#[tokio::test(start_paused = true)]
async fn what_happens_after_a_run_is_told_after_it() {
    let (mut hub, plain, gathering) = large().await;
    for number in 6..=9 {
        hub.hears(number, came(number, number, 100 + number));
    }
    hub.hears(10, said(10));
    assert_eq!(told(&plain).last().map(String::as_str), Some("message.created 10"));
    let heard = frames(&gathering);
    assert_eq!(heard[..2], [run(6, 6, 106), run(7, 9, 109)]);
    assert_eq!((&heard[2]["type"], &heard[2]["seq"]), (&"message.created".into(), &10.into()));
}

#[tokio::test(start_paused = true)]
async fn in_a_small_channel_everybody_is_told_of_each() {
    let (mut hub, _, gathering) = large().await;
    hub.hears(6, came(6, 6, 99));
    hub.hears(7, came(7, 7, 100));
    assert_eq!(told(&gathering), ["member.joined 6", "member.joined 7"]);
    hub.hears(8, came(8, 8, 101));
    assert_eq!(frames(&gathering), [run(8, 8, 101)]);
}

#[tokio::test(start_paused = true)]
async fn of_ten_thousand_joins_each_costs_nobody_a_frame() {
    let (mut hub, _, gathering) = large().await;
    for number in 6..10_006 {
        hub.hears(number, came(number, number, 100 + number));
        if number % 1_000 == 0 {
            tokio::time::advance(Duration::from_millis(500)).await;
        }
    }
    tokio::time::advance(Duration::from_secs(1)).await;
    hub.state.hand_out(Vec::new());
    let heard = frames(&gathering);
    assert!(heard.len() <= 8, "{}", heard.len());
    let runs: Vec<(i64, i64)> = heard
        .iter()
        .map(|frame| (frame["data"]["from"].as_i64().expect("from"), frame["data"]["to"].as_i64().expect("to")))
        .collect();
    assert_eq!(runs.first().map(|(from, _)| *from), Some(6));
    assert!(runs.windows(2).all(|two| two[0].1 + 1 == two[1].0), "without a gap: {runs:?}");
    assert_eq!(
        heard.last().map(|frame| &frame["data"]),
        Some(&run(runs.last().expect("one").0, 10_005, 10_105)["data"])
    );
}
