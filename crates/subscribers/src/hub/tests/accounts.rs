//! What a person's account tells, and when.

use super::*;

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_of_an_account_is_asked_again() {
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
async fn who_comes_in_before_the_room_has_come_so_far_is_told_when_it_has() {
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
async fn what_an_account_tells_waits_for_what_it_told_before() {
    let mut hub = Small::new();
    hub.has(ANN, belongs(ANN, 5)).await;
    let bob = hub.has(BOB, nothing()).await;
    hub.commits(BOB, 1, added(6));
    hub.commits(BOB, 2, removed());
    // Whoever comes meanwhile is told the same: from the number that his other connection has come to.
    let (phone, attached) = hub.attaches(BOB);
    assert_eq!(attached.await.expect("an answer").expect("belongings"), into(0, &[]));
    hub.hears(6, said(6));
    hub.hears(7, said(7));
    for device in [bob, phone] {
        assert_eq!(told(&device), ["conversation.added 1", "conversation.removed 2"]);
    }
}

#[tokio::test]
async fn who_comes_in_after_the_room_has_gone_on_is_told_how_it_is_now() {
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
async fn who_waits_for_a_room_that_is_left_by_all_begins_it_anew() {
    let mut hub = Small::new();
    let ann = hub.has(ANN, belongs(ANN, 5)).await;
    let bob = hub.has(BOB, nothing()).await;
    hub.commits(BOB, 1, added(7));
    hub.desk.heads.lock().expect("a desk").push_back(Ok(vec![(GARDEN, Number(9))]));
    hub.state.detach(ANN, ann.id);
    hub.state.tell_stalled_accounts();
    assert_eq!(told(&bob), ["conversation.added 1"]);
    // What was told between the number and now was told to nobody here.
    hub.serves().await;
    assert!(hub.state.channels.get(&GARDEN).expect("a channel").gaps.due().is_some());
    hub.hears(8, said(8));
    assert_eq!(told(&bob), ["message.created 8"]);
}

#[tokio::test]
async fn what_changes_while_somebody_comes_in_follows() {
    let mut hub = Small::new();
    hub.answers_with(nothing());
    let (bob, attached) = hub.attaches(BOB);
    // One change here, one elsewhere; and what was read has neither.
    hub.commits(BOB, 1, added(5));
    hub.is_invalidated(BOB, 2);
    hub.serves().await;
    assert_eq!(attached.await.expect("an answer").expect("belongings"), into(0, &[]));
    hub.desk.account_changes.lock().expect("a desk").push_back(Ok(account_changes(BOB, 1, vec![(2, removed())])));
    hub.reads().await;
    assert_eq!(told(&bob), ["conversation.added 1", "conversation.removed 2"]);
}

#[tokio::test]
async fn an_account_below_what_was_told_is_another_history() {
    let mut hub = Small::new();
    let bob = hub.has(BOB, belongs(BOB, 5)).await;
    let other = AccountChanges { to: Number(0), reset: true, ..account_changes(BOB, 1, Vec::new()) };
    hub.desk.account_changes.lock().expect("a desk").push_back(Ok(other));
    hub.is_invalidated(BOB, 3);
    hub.reads().await;
    assert_eq!(hub.desk.lost.lock().expect("a desk").len(), 1);
    assert!(matches!(bob.outbox.take().1, Some(CloseReason::Restart(_))), "and he comes back");
}
