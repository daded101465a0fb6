//! When the events of a person's account are delivered.

use super::*;

#[tokio::test(start_paused = true)]
async fn an_account_that_cannot_be_read_is_read_again() {
    let mut hub = Small::new();
    let bob = hub.has(BOB, belongs(BOB, 5)).await;
    let away = Error::new(ErrorCode::Unavailable, "The database is away.");
    let changes = account_changes(BOB, 1, vec![(3, removed())]);
    hub.desk.account_changes.lock().expect("a desk").extend([Err(away), Ok(changes)]);
    hub.is_invalidated(BOB, 3);
    hub.reads().await;
    assert_eq!(told(&bob), [""; 0]);
    tokio::time::advance(stream::gaps::AGAIN).await;
    hub.reads().await;
    assert!(hub.state.channels.is_empty(), "he is put out");
    assert_eq!(told(&bob), ["conversation.removed 3"], "and is told");
    hub.is_invalidated(BOB, 3);
    hub.state.read_gaps();
    hub.state.on_tick();
    assert!(hub.requests.try_recv().is_err(), "once");
}

#[tokio::test]
async fn a_new_member_is_told_once_the_conversation_has_reached_the_number() {
    let mut hub = Small::new();
    hub.has(ANN, belongs(ANN, 5)).await;
    let bob = hub.has(BOB, nothing()).await;
    hub.commits(BOB, 1, added(7));
    for seq in 6..=8 {
        hub.hears(seq, said(seq));
    }
    assert_eq!(told(&bob), ["conversation.added 1", "message.created 8"]);
}

#[tokio::test]
async fn an_event_of_an_account_waits_for_the_ones_before_it() {
    let mut hub = Small::new();
    hub.has(ANN, belongs(ANN, 5)).await;
    let bob = hub.has(BOB, nothing()).await;
    hub.commits(BOB, 1, added(6));
    hub.commits(BOB, 2, removed());
    // Another connection that comes meanwhile is sent the same: from the number that the first connection has reached.
    let (phone, attached) = hub.attaches(BOB);
    assert_eq!(attached.await.expect("an answer").expect("belongings"), into(0, &[]));
    hub.hears(6, said(6));
    hub.hears(7, said(7));
    for device in [bob, phone] {
        assert_eq!(told(&device), ["conversation.added 1", "conversation.removed 2"]);
    }
}

#[tokio::test]
async fn a_new_member_of_a_conversation_that_has_moved_on_gets_its_present_state() {
    let mut hub = Small::new();
    hub.has(ANN, belongs(ANN, 5)).await;
    let bob = hub.has(BOB, nothing()).await;
    hub.hears(6, said(6));
    hub.hears(7, said(7));
    let away = Error::new(ErrorCode::Unavailable, "The database is away.");
    hub.desk.listed.lock().expect("a desk").extend([Err(away), Ok(Some(listed(7)))]);
    hub.commits(BOB, 1, added(6));
    hub.serves().await;
    assert_eq!(told(&bob), [""; 0]);
    hub.state.on_tick();
    hub.serves().await;
    hub.hears(8, said(8));
    assert_eq!(told(&bob), ["conversation.added 1", "message.created 8"]);
}

#[tokio::test]
async fn an_old_client_is_told_what_was_said_since_its_person_came_in_on_another_node() {
    let mut hub = Small::new();
    let page = hub.has(BOB, nothing()).await;
    hub.dialect = Dialect::named("matcha_gateway").expect("a dialect of an old system");
    let (old, attached) = hub.attaches(BOB);
    hub.answered.push(attached);
    // Brought in with 5; 6 and 7 were said before this node read of it, 8 between its two readings.
    let desk = hub.desk.clone();
    let said: Vec<Message> = (6..=8).map(|seq| said(seq).message().expect("a message").clone()).collect();
    let since = CaughtUp {
        from: Number(5),
        to: Number(8),
        conversation: listed(8).conversation,
        members: Vec::new(),
        messages: said,
        threads: Vec::new(),
        reset: false,
        more: false,
    };
    desk.account_changes.lock().expect("a desk").push_back(Ok(account_changes(BOB, 0, vec![(1, added(7))])));
    desk.listed.lock().expect("a desk").push_back(Ok(Some(listed(7))));
    desk.since_joining.lock().expect("a desk").push_back(Ok(Some(since)));
    hub.is_invalidated(BOB, 1);
    hub.reads().await;
    hub.serves().await;
    hub.hears(8, super::said(8));
    assert_eq!(told(&page), ["conversation.added 1", "message.created 8"]);
    let text = String::from_utf8_lossy(&old.outbox.take().0.into_iter().flatten().collect::<Vec<u8>>()).into_owned();
    assert_eq!(text.matches("not for everybody").count(), 3, "{text}");
}

#[tokio::test]
async fn an_account_that_waits_for_a_dropped_channel_begins_it_again() {
    let mut hub = Small::new();
    let ann = hub.has(ANN, belongs(ANN, 5)).await;
    let bob = hub.has(BOB, nothing()).await;
    hub.commits(BOB, 1, added(7));
    hub.desk.heads.lock().expect("a desk").push_back(Ok(vec![(GARDEN, Number(9))]));
    hub.state.detach(ANN, ann.id);
    hub.state.tell_stalled_accounts();
    assert_eq!(told(&bob), ["conversation.added 1"]);
    // Events between that number and now were not delivered to anybody here.
    hub.serves().await;
    assert!(hub.state.channels.get(&GARDEN).expect("a channel").gaps.due().is_some());
    hub.hears(8, said(8));
    assert_eq!(told(&bob), ["message.created 8"]);
}

#[tokio::test]
async fn changes_during_an_attach_follow_as_events() {
    let mut hub = Small::new();
    hub.answers_with(nothing());
    let (bob, attached) = hub.attaches(BOB);
    // One change is made here, one elsewhere; the reading has neither.
    hub.commits(BOB, 1, added(5));
    hub.is_invalidated(BOB, 2);
    hub.serves().await;
    assert_eq!(attached.await.expect("an answer").expect("belongings"), into(0, &[]));
    hub.desk.account_changes.lock().expect("a desk").push_back(Ok(account_changes(BOB, 1, vec![(2, removed())])));
    hub.reads().await;
    assert_eq!(told(&bob), ["conversation.added 1", "conversation.removed 2"]);
}

#[tokio::test]
async fn an_account_below_the_published_number_proves_another_history() {
    let mut hub = Small::new();
    let bob = hub.has(BOB, belongs(BOB, 5)).await;
    let other = AccountChanges { to: Number(0), reset: true, ..account_changes(BOB, 1, Vec::new()) };
    hub.desk.account_changes.lock().expect("a desk").push_back(Ok(other));
    hub.is_invalidated(BOB, 3);
    hub.reads().await;
    assert_eq!(hub.desk.lost.lock().expect("a desk").len(), 1);
    assert!(matches!(bob.outbox.take().1, Some(CloseReason::Restart(_))), "and he comes back");
}
