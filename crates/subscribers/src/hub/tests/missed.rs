//! What a node has missed and reads, and those who come in meanwhile.

use super::*;

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
