//! What a node has missed and reads, and those who come in meanwhile.

use super::*;

#[tokio::test]
async fn who_left_within_a_hole_and_came_in_while_it_was_read_hears_nothing_of_it() {
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
        reset: false,
        more: false,
    };
    let asked = holes::Asked { generation: 0, last: Number(5) };
    hub.state.serve(Control::Holes(holes::Read::Changes(GARDEN, asked, Box::new(Ok(changes)), None)));
    assert_eq!(told(&bob), [""; 0]);
    assert_eq!(told(&ann), ["conversation.changes 7", "message.created 8"]);
    hub.commits(BOB, 2, removed());
    assert_eq!(told(&bob), ["conversation.removed 2"]);
}

#[tokio::test]
async fn who_came_in_while_too_much_was_read_comes_again_and_is_not_put_out_unasked() {
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
        reset: true,
        more: false,
    };
    let asked = holes::Asked { generation: 0, last: Number(5) };
    // When it was asked, Bob was not here; and Cid has gone.
    let members = holes::Members { asked: [ANN, CID].into(), inside: [ANN].into() };
    hub.state.serve(Control::Holes(holes::Read::Changes(GARDEN, asked, Box::new(Ok(changes)), Some(members))));
    assert_eq!(told(&ann), ["conversation.changes "]);
    assert_eq!(told(&cid), [""; 0]);
    assert!(matches!(bob.outbox.take().1, Some(Goodbye::Restart(_))));
    assert_eq!((ann.outbox.take().1, cid.outbox.take().1), (None, None));
}
