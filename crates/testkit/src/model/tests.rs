use serde_json::json;

use super::*;

fn message(seq: i64, rev: i64, text: &str) -> Value {
    json!({"seq": seq, "rev": rev, "text": text})
}

fn event(seq: i64, data: &Value) -> Value {
    json!({"type": "message.created", "conversation": 1, "seq": seq, "data": data})
}

fn following(head: i64) -> Model {
    let mut model = Model::default();
    assert_eq!(model.welcome(&json!({"account_seq": 5, "conversations": [{"id": 1, "head": head}]})), Ok(vec![1]));
    model.read(1, Snapshot::read(Number(head), row_of(&json!({"head": head})), [], []));
    model.put_account(Some(KnownAccount::read(Number(5), None, [(ConversationId(1), None)], [])));
    model
}

fn hidden(seq: i64, after: i64) -> Value {
    json!({"type": "conversation.hidden", "conversation": 1, "account_seq": seq, "account_after": after, "data": {"at": 1}})
}

#[test]
fn events_of_the_account_come_once_in_order_and_name_the_number_they_follow() {
    let [mut follows, mut jumps, mut repeats] = [following(3), following(3), following(3)];
    assert_eq!(follows.hear(&hidden(8, 5)), Ok(Next::Listen));
    assert_eq!((follows.shown(), follows.account_seq()), (BTreeSet::new(), Some(8)));
    assert_eq!(follows.hear(&event(4, &message(4, 4, "a"))), Ok(Next::Listen));
    assert_eq!(follows.shown(), BTreeSet::from([1]));
    assert!(jumps.hear(&hidden(8, 7)).is_err());
    repeats.hear(&hidden(6, 5)).unwrap();
    assert!(repeats.hear(&hidden(6, 5)).is_err());
    let reset = json!({"type": "account.reset", "account_seq": 9, "data": {}});
    assert_eq!(follows.hear(&reset), Ok(Next::ReadAccount(9)));
}

#[test]
fn a_jump_a_repeat_and_a_foreign_conversation_are_noticed() {
    let mut model = following(3);
    assert_eq!(model.hear(&event(4, &message(4, 4, "a"))), Ok(Next::Listen));
    assert!(model.hear(&event(6, &message(6, 6, "c"))).is_err());
    assert!(model.hear(&event(4, &message(4, 4, "a"))).is_err());
    let foreign = json!({"type": "typing.started", "conversation": 2, "data": {}});
    assert!(model.hear(&foreign).is_err());
}

#[test]
fn events_follow_from_the_end_of_changes_that_came_unasked() {
    let changes = json!({"type": "conversation.changes", "conversation": 1, "data": {"from": 3, "to": 5,
        "reset": false, "members": [], "messages": [], "threads": [], "conversation": {"head": 5}}});
    let (mut jumps, mut repeats, mut gaps) = (following(3), following(3), following(3));
    for model in [&mut jumps, &mut repeats, &mut gaps] {
        assert_eq!(model.hear(&changes), Ok(Next::Listen));
    }
    assert_eq!(jumps.hear(&event(6, &message(6, 6, "c"))), Ok(Next::Listen));
    // The reading was newer than the number that events follow.
    assert_eq!(repeats.hear(&event(4, &message(4, 4, "a"))), Ok(Next::Listen));
    assert!(gaps.hear(&event(7, &message(7, 7, "d"))).is_err());
}

#[test]
fn events_and_changes_come_to_the_same() {
    let (mut heard, mut caught_up) = (following(3), following(3));
    heard.hear(&event(4, &message(4, 4, "a"))).unwrap();
    let edited = json!({"type": "message.edited", "conversation": 1, "seq": 5, "data": message(4, 5, "b")});
    heard.hear(&edited).unwrap();
    let changes = json!({"from": 3, "to": 5, "reset": false, "members": [], "messages": [message(4, 5, "b")], "threads": [],
        "conversation": {"head": 5}});
    assert_eq!(caught_up.take_changes(1, &changes), Ok(false));
    let (heard, caught_up) = (heard.get(1).unwrap(), caught_up.get(1).unwrap());
    assert_eq!(heard.known.differences(&caught_up.known), [""; 0]);
    assert_eq!((heard.known.cursor, caught_up.known.cursor), (Number(5), Number(5)));
    let mut other = heard.known.clone();
    other.messages.clear();
    assert!(other.differences(&heard.known).concat().contains("message 4"));
}
