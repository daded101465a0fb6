//! Missing numbers, and impossible heads.

use super::*;

#[tokio::test]
async fn a_member_who_left_within_a_gap_and_attached_during_its_reading_gets_nothing_of_it() {
    let mut hub = Small::new();
    let ann = hub.has(ANN, belongs(ANN, 5)).await;
    hub.hears(8, said(8));
    let bob = hub.has(BOB, belongs(BOB, 5)).await;
    let (Fact::MemberLeft { member, .. }, Fact::MessageCreated(message)) = (left(BOB), said(7)) else { unreachable!() };
    let changes = CaughtUp {
        from: Number(5),
        to: Number(7),
        conversation: listed(7).conversation,
        members: vec![member],
        messages: vec![message],
        threads: Vec::new(),
        reset: false,
        more: false,
    };
    let asked = gaps::Asked { generation: 0, last: Number(5) };
    hub.state.serve(Control::Gaps(gaps::Read::Changes(GARDEN, asked, Box::new(Ok(changes)), None)));
    assert_eq!(told(&bob), [""; 0]);
    assert_eq!(told(&ann), ["conversation.changes 7", "message.created 8"]);
    hub.commits(BOB, 2, removed());
    assert_eq!(told(&bob), ["conversation.removed 2"]);
}

#[tokio::test]
async fn a_connection_that_came_during_a_large_reading_reconnects_and_is_not_removed() {
    let mut hub = Small::new();
    let ann = hub.has(ANN, belongs(ANN, 5)).await;
    let cid = hub.has(CID, belongs(CID, 5)).await;
    let bob = hub.has(BOB, belongs(BOB, 5)).await;
    let changes = CaughtUp {
        from: Number(5),
        to: Number(7),
        conversation: listed(7).conversation,
        members: Vec::new(),
        messages: Vec::new(),
        threads: Vec::new(),
        reset: true,
        more: false,
    };
    let asked = gaps::Asked { generation: 0, last: Number(5) };
    // When the members were asked for, Bob was not here; and Cid has gone.
    let members = gaps::Members { asked: [ANN, CID].into(), inside: [ANN].into() };
    hub.state.serve(Control::Gaps(gaps::Read::Changes(GARDEN, asked, Box::new(Ok(changes)), Some(members))));
    assert_eq!(told(&ann), ["conversation.changes "]);
    assert_eq!(told(&cid), [""; 0]);
    assert!(matches!(bob.outbox.take().1, Some(CloseReason::Restart(_))));
    assert_eq!((ann.outbox.take().1, cid.outbox.take().1), (None, None));
}

#[tokio::test]
async fn a_head_below_the_published_number_proves_another_history() {
    let mut hub = Small::new();
    let lost = |hub: &Small| hub.desk.lost.lock().expect("a desk").len();
    hub.has(BOB, belongs(BOB, 5)).await;
    let head = |number| Ok(vec![(GARDEN, Number(number))]);
    hub.desk.heads.lock().expect("a desk").extend([head(5), head(4)]);
    hub.state.ask_all_heads();
    // The conversation goes on during the lookup: its answer is older, and not wrong.
    hub.hears(6, said(6));
    hub.serves().await;
    assert_eq!(lost(&hub), 0);
    hub.state.ask_all_heads();
    hub.serves().await;
    assert_eq!(lost(&hub), 1);
    // Questions about the history before are dropped.
    hub.desk.heads.lock().expect("a desk").push_back(head(3));
    hub.state.ask_all_heads();
    hub.state.tell(&Arc::new(vec![Outgoing::NewHistory]), Vec::new());
    hub.serves().await;
    assert_eq!(lost(&hub), 1);
}

#[tokio::test]
async fn a_damaged_head_is_no_loss_and_hides_none() {
    let mut hub = Small::new();
    let lost = |hub: &Small| hub.desk.lost.lock().expect("a desk").len();
    let kitchen = ConversationId(8);
    let mut both = belongs(BOB, 5);
    both.memberships.push(Belonging { conversation: kitchen, ..both.memberships[0].clone() });
    hub.has(BOB, both).await;
    let low = || Ok(vec![(GARDEN, Number(4)), (kitchen, Number(4))]);
    hub.desk.heads.lock().expect("a desk").extend([low(), low(), low()]);
    hub.desk.is_damaged.store(true, Ordering::Relaxed);
    hub.state.ask_all_heads();
    hub.serves().await;
    hub.serves().await;
    assert_eq!(lost(&hub), 1);
    // That of the one is damaged; the other is looked at, and is lost.
    hub.desk.is_damaged.store(false, Ordering::Relaxed);
    for _ in 0..2 {
        hub.state.ask_all_heads();
        hub.serves().await;
    }
    assert_eq!(lost(&hub), 2);
}

#[tokio::test]
async fn a_loss_is_reported_once_per_history_and_for_the_history_it_was_published_in() {
    let mut hub = Small::new();
    let heads = |hub: &Small, numbers: [i64; 2]| {
        let heads = numbers.map(|number| Ok(vec![(GARDEN, Number(number))]));
        hub.desk.heads.lock().expect("a desk").extend(heads);
    };
    let lost = |hub: &Small| hub.desk.lost.lock().expect("a desk").clone();
    hub.has(BOB, belongs(BOB, 5)).await;
    // The database has another history already, and the hub has not noticed yet.
    *hub.desk.epoch.lock().expect("a desk") = "second".to_owned();
    heads(&hub, [4, 3]);
    for _ in 0..2 {
        hub.state.ask_all_heads();
        hub.serves().await;
    }
    assert_eq!(lost(&hub), [""]);
    hub.state.tell(&Arc::new(vec![Outgoing::NewHistory]), Vec::new());
    hub.has(ANN, belongs(ANN, 3)).await;
    heads(&hub, [2, 1]);
    for _ in 0..2 {
        hub.state.ask_all_heads();
        hub.serves().await;
    }
    assert_eq!(lost(&hub), ["", "second"]);
}

#[tokio::test]
async fn a_head_that_nobody_has_written_is_read_once() {
    let mut hub = Small::new();
    hub.has(BOB, belongs(BOB, 5)).await;
    hub.state.note_head(GARDEN, Number(1_000_000_000_000));
    let channel = hub.state.channels.get_mut(&GARDEN).expect("a channel");
    assert!(channel.gaps.due().is_some());
    let later = Instant::now() + Duration::from_secs(1);
    assert_eq!(channel.gaps.read_after(later), Some(Number(5)));
    channel.gaps.filled(Number(5), later);
    assert_eq!(channel.gaps.due(), None);
}
