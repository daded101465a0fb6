//! For each rule a hand-made history that breaks it.

use std::collections::BTreeSet;

use super::*;

const ROOM: i64 = 9;

fn row(seq: i64, author: i64, cid: &str) -> Row {
    Row {
        seq,
        rev: seq,
        id: 100 + seq,
        author,
        cid: Some(cid.into()),
        content: Some(Content::of(cid)),
        reactions: Content::of(""),
    }
}

fn entry(at: u64, connection: u64, step: Step) -> Entry {
    Entry { at, connection, step }
}

fn invoke(cid: &str) -> Step {
    Step::Invoke { conversation: ROOM, cid: cid.into(), content: Content::of(cid) }
}

fn ok(cid: &str, seq: i64, repeated: bool) -> Step {
    Step::Ok { conversation: ROOM, cid: cid.into(), seq, message: 100 + seq, epoch: "e".into(), repeated }
}

fn event(row: Row) -> Step {
    Step::Event { conversation: ROOM, seq: row.rev, created: row.seq == row.rev, row: Some(row), member: None }
}

fn resume(cursor: i64) -> Step {
    Step::Resume { conversation: ROOM, cursor }
}

fn changes(from: i64, to: i64, rows: Vec<Row>) -> Step {
    Step::Changes { conversation: ROOM, from, to, reset: false, rows }
}

fn edited() -> Row {
    Row { rev: 6, content: Some(Content::of("new")), ..row(3, 1, "a") }
}

/// Ann and Bob are in the room (joined at 1 and 2). Ann says a and b; the answer to b is lost and she repeats it; Bob,
/// who is disconnected during b and c, catches up; Ann edits a.
fn clean() -> Evidence {
    let ann = vec![
        entry(1, 1, resume(2)),
        entry(2, 1, invoke("a")),
        entry(5, 1, ok("a", 3, false)),
        entry(6, 1, event(row(3, 1, "a"))),
        entry(7, 1, invoke("b")),
        entry(9, 1, Step::Unknown { cid: "b".into() }),
        entry(10, 2, resume(3)),
        entry(11, 2, changes(3, 5, vec![row(4, 1, "b"), row(5, 2, "c")])),
        entry(12, 2, invoke("b")),
        entry(13, 2, ok("b", 4, true)),
        entry(20, 2, Step::Edit { conversation: ROOM, seq: 3, content: Content::of("new") }),
        entry(21, 2, Step::Edited { conversation: ROOM, seq: 3, rev: 6 }),
        entry(22, 2, event(edited())),
        entry(23, 2, invoke("refused")),
        entry(24, 2, Step::Fail { cid: "refused".into() }),
        entry(25, 2, invoke("d")),
        entry(26, 2, invoke("e")),
        entry(27, 2, event(row(7, 1, "d"))),
        entry(28, 2, event(row(8, 1, "e"))),
        entry(29, 2, ok("d", 7, false)),
        entry(30, 2, ok("e", 8, false)),
        entry(31, 2, Step::Remind { conversation: ROOM, seq: 5 }),
        entry(32, 2, Step::Reminded { conversation: ROOM, seq: 5, reminder: 1 }),
        entry(33, 2, Step::Remind { conversation: ROOM, seq: 7 }),
    ];
    let bob = vec![
        entry(1, 1, resume(2)),
        entry(4, 1, event(row(3, 1, "a"))),
        entry(8, 1, invoke("c")),
        entry(9, 1, ok("c", 5, false)),
        entry(15, 2, resume(3)),
        entry(16, 2, changes(3, 6, vec![edited(), row(4, 1, "b"), row(5, 2, "c")])),
        entry(27, 2, event(row(7, 1, "d"))),
        entry(28, 2, event(row(8, 1, "e"))),
    ];
    let rows = vec![edited(), row(4, 1, "b"), row(5, 2, "c"), row(7, 1, "d"), row(8, 1, "e")];
    Evidence {
        histories: vec![history("ann", 1, ann), history("bob", 2, bob)],
        // Whether the second reminder was created is unknown.
        reminders: vec![reminder(1, 5), reminder(2, 7)],
        logs: vec![Log { conversation: ROOM, head: 8, base: 2, rows, others: vec![1, 2], ..Log::default() }],
        ..Evidence::default()
    }
}

fn reminder(id: i64, seq: i64) -> Reminder {
    Reminder { user: 1, id, conversation: ROOM, seq, due: true }
}

fn history(client: &str, author: i64, entries: Vec<Entry>) -> History {
    History { client: client.into(), author, entries, ..History::default() }
}

/// The rules that a change of the clean evidence breaks.
fn broken(change: impl FnOnce(&mut Evidence)) -> BTreeSet<Rule> {
    let mut evidence = clean();
    change(&mut evidence);
    check(&evidence).into_iter().map(|violation| violation.rule).collect()
}

fn ann(evidence: &mut Evidence) -> &mut Vec<Entry> {
    &mut evidence.histories[0].entries
}

fn bob(evidence: &mut Evidence) -> &mut Vec<Entry> {
    &mut evidence.histories[1].entries
}

#[test]
fn a_clean_history_is_acquitted() {
    assert_eq!(check(&clean()), []);
}

#[test]
fn i1_an_acknowledged_message_that_is_gone() {
    let rules = broken(|evidence| evidence.logs[0].rows.retain(|row| row.seq != 5));
    assert!(rules.contains(&Rule::I1), "{rules:?}");
}

#[test]
fn i1_an_acknowledged_message_with_another_text() {
    let rules = broken(|evidence| evidence.logs[0].rows[2].content = Some(Content::of("other")));
    assert!(rules.contains(&Rule::I1), "{rules:?}");
}

#[test]
fn i1_an_acknowledged_edit_that_is_gone() {
    let rules = broken(|evidence| evidence.logs[0].rows[0] = row(3, 1, "a"));
    assert!(rules.contains(&Rule::I1), "{rules:?}");
}

#[test]
fn i2_a_message_that_is_kept_twice() {
    let rules = broken(|evidence| {
        evidence.logs[0].rows.push(row(9, 1, "b"));
        evidence.logs[0].head = 9;
    });
    assert!(rules.contains(&Rule::I2), "{rules:?}");
}

#[test]
fn i2_a_message_that_is_kept_twice_without_the_senders_id() {
    let rules = broken(|evidence| {
        evidence.logs[0].rows.push(Row { cid: None, ..row(9, 1, "b") });
        evidence.logs[0].head = 9;
    });
    assert!(rules.contains(&Rule::I2), "{rules:?}");
}

#[test]
fn i3_a_gap_and_a_number_beyond_the_head() {
    assert!(broken(|evidence| evidence.logs[0].others = vec![1]).contains(&Rule::I3));
    assert!(broken(|evidence| evidence.logs[0].head = 7).contains(&Rule::I3));
    assert!(broken(|evidence| evidence.logs[0].rows[1].seq = 5).contains(&Rule::I3));
}

#[test]
fn i4_a_message_that_nobody_sent() {
    let rules = broken(|evidence| {
        evidence.logs[0].rows.push(row(9, 2, "phantom"));
        evidence.logs[0].head = 9;
    });
    assert!(rules.contains(&Rule::I4), "{rules:?}");
}

#[test]
fn i4_an_edit_that_nobody_made() {
    let rules = broken(|evidence| evidence.logs[0].rows[0].content = Some(Content::of("forged")));
    assert!(rules.contains(&Rule::I4), "{rules:?}");
}

#[test]
fn i5_two_answers_to_one_send() {
    let rules = broken(|evidence| {
        ann(evidence).push(entry(40, 2, ok("b", 5, true)));
    });
    assert_eq!(rules, [Rule::I5].into());
}

#[test]
fn i6_a_jump_within_a_connection() {
    let rules = broken(|evidence| bob(evidence).retain(|entry| entry.at != 27));
    assert!(rules.contains(&Rule::I6), "{rules:?}");
}

#[test]
fn i6_a_repeat_within_a_connection() {
    let rules = broken(|evidence| bob(evidence).push(entry(31, 2, event(row(8, 1, "e")))));
    assert_eq!(rules, [Rule::I6].into());
}

#[test]
fn an_event_that_a_catch_up_covered_may_come_late() {
    let mut evidence = clean();
    bob(&mut evidence).insert(6, entry(17, 2, event(row(5, 2, "c"))));
    assert_eq!(check(&evidence), []);
}

#[test]
fn i6_another_text_at_the_same_place() {
    let rules = broken(|evidence| {
        let other = Row { content: Some(Content::of("other")), ..row(8, 1, "e") };
        bob(evidence)[7].step = event(other);
    });
    assert!(rules.contains(&Rule::I6), "{rules:?}");
}

#[test]
fn i7_a_receiver_who_never_gets_the_end() {
    let rules = broken(|evidence| drop(bob(evidence).pop()));
    assert_eq!(rules, [Rule::I7].into());
}

#[test]
fn i7_a_catch_up_that_leaves_something_out() {
    let rules = broken(|evidence| bob(evidence)[5].step = changes(3, 6, vec![edited(), row(5, 2, "c")]));
    assert_eq!(rules, [Rule::I7].into());
    let rules = broken(|evidence| bob(evidence)[5].step = changes(3, 6, vec![row(4, 1, "b"), row(5, 2, "c")]));
    assert_eq!(rules, [Rule::I7].into());
}

#[test]
fn i8_a_sender_whose_messages_change_places() {
    let rules = broken(|evidence| {
        evidence.logs[0].rows[3] = row(7, 1, "e");
        evidence.logs[0].rows[4] = row(8, 1, "d");
        for entries in [0, 1] {
            for entry in &mut evidence.histories[entries].entries {
                match &mut entry.step {
                    Step::Event { row: Some(shown), .. } if shown.seq == 7 => *shown = row(7, 1, "e"),
                    Step::Event { row: Some(shown), .. } if shown.seq == 8 => *shown = row(8, 1, "d"),
                    Step::Ok { cid, seq, message, .. } if cid == "d" => (*seq, *message) = (8, 108),
                    Step::Ok { cid, seq, message, .. } if cid == "e" => (*seq, *message) = (7, 107),
                    _ => {}
                }
            }
        }
    });
    assert_eq!(rules, [Rule::I8].into());
}

#[test]
fn i9_a_later_send_at_an_earlier_place() {
    // Bob's c, at 5, began only after e, at 8, was answered.
    let rules = broken(|evidence| bob(evidence)[2].at = 35);
    assert_eq!(rules, [Rule::I9].into());
}

#[test]
fn i11_a_delivered_message_that_is_not_kept() {
    let rules = broken(|evidence| bob(evidence).push(entry(31, 2, event(row(9, 1, "gone")))));
    assert!(rules.contains(&Rule::I11), "{rules:?}");
}

#[test]
fn i11_a_delivered_message_whose_place_another_took() {
    let rules = broken(|evidence| bob(evidence)[1].step = event(row(3, 1, "gone")));
    assert!(rules.contains(&Rule::I11), "{rules:?}");
}

#[test]
fn i15_a_refused_message_that_is_kept() {
    let rules = broken(|evidence| {
        evidence.logs[0].rows.push(row(9, 1, "refused"));
        evidence.logs[0].head = 9;
    });
    assert!(rules.contains(&Rule::I15), "{rules:?}");
}

fn read(begun: u64, head: i64, rows: Vec<Row>) -> Step {
    Step::Read { conversation: ROOM, begun, head, rows }
}

fn searched(begun: u64, rows: Vec<Row>) -> Step {
    Step::Searched { conversation: ROOM, begun, rows }
}

#[test]
fn s1_what_is_kept_is_found_and_nothing_else() {
    let found = |change: fn(&mut Searched)| {
        broken(|evidence| {
            let rows = evidence.logs[0].rows.iter().rev().cloned().collect();
            let mut searched = Searched { conversation: ROOM, rows, whole: true };
            change(&mut searched);
            evidence.searches.push(searched);
        })
    };
    assert_eq!(found(|_| {}), BTreeSet::new());
    let s1 = BTreeSet::from([Rule::S1]);
    assert_eq!(found(|searched| drop(searched.rows.remove(2))), s1, "something is missing");
    assert_eq!(found(|searched| drop(searched.rows.pop())), s1, "the oldest is missing");
    assert_eq!(found(|searched| searched.rows[4] = row(3, 1, "a")), s1, "an edited text as it was");
    assert_eq!(found(|searched| searched.rows.push(row(9, 1, "z"))), s1, "what is not kept");
    let newest = |searched: &mut Searched| {
        searched.rows.truncate(3);
        searched.whole = false;
    };
    assert_eq!(found(newest), BTreeSet::new(), "of what is older nothing was asked");
    let deleted = Row { content: None, ..edited() };
    let rules = broken(|evidence| bob(evidence).push(entry(40, 2, searched(38, vec![deleted]))));
    assert!(rules.contains(&Rule::S1), "{rules:?}");
}

#[test]
fn i10_and_i13_what_is_found_is_judged_as_what_is_read() {
    assert_eq!(broken(|evidence| bob(evidence).push(entry(40, 2, searched(38, vec![edited()])))), BTreeSet::new());
    let rules = broken(|evidence| bob(evidence).push(entry(40, 2, searched(38, vec![row(3, 1, "a")]))));
    assert_eq!(rules, BTreeSet::from([Rule::I13]), "an edited text as it was");
    let pried = |rows: Vec<Row>| {
        broken(|evidence| {
            evidence.histories.push(history("eve", 3, vec![entry(40, 1, searched(38, rows))]));
            evidence.strangers.insert(3);
        })
    };
    assert_eq!((pried(vec![]), pried(vec![edited()])), (BTreeSet::new(), BTreeSet::from([Rule::I10])));
    let rules = broken_wandering(|evidence| bob(evidence).insert(8, entry(47, 2, searched(46, vec![row(10, 1, "f")]))));
    assert!(rules.contains(&Rule::I10), "{rules:?}");
}

fn marker_moved(begun: u64, read_seq: i64) -> Step {
    Step::MarkerMoved { conversation: ROOM, begun, read_seq }
}

/// Ann removes Bob, says f, and adds him again; Bob receives his removal and his return.
fn wandering() -> Evidence {
    let mut evidence = clean();
    let moving = |inside| Step::Move { conversation: ROOM, user: 2, inside };
    let moved = |inside| Step::Moved { conversation: ROOM, user: 2, inside };
    let left = Step::Event { conversation: ROOM, seq: 9, row: None, created: false, member: Some((2, false)) };
    let joined = Step::Event { conversation: ROOM, seq: 11, row: None, created: false, member: Some((2, true)) };
    ann(&mut evidence).extend([
        entry(40, 2, moving(false)),
        entry(42, 2, left.clone()),
        entry(43, 2, moved(false)),
        entry(44, 2, invoke("f")),
        entry(45, 2, event(row(10, 1, "f"))),
        entry(46, 2, ok("f", 10, false)),
        entry(50, 2, moving(true)),
        entry(52, 2, joined),
        entry(53, 2, moved(true)),
    ]);
    bob(&mut evidence).extend([
        entry(42, 2, left),
        entry(43, 2, Step::Removed { conversation: ROOM }),
        entry(52, 2, Step::Added { conversation: ROOM, head: 11 }),
    ]);
    let log = &mut evidence.logs[0];
    log.rows.push(row(10, 1, "f"));
    (log.head, log.members) = (11, vec![1, 2]);
    evidence
}

/// The rules that a change of the evidence with Bob's removal breaks.
fn broken_wandering(change: impl FnOnce(&mut Evidence)) -> BTreeSet<Rule> {
    let mut evidence = wandering();
    change(&mut evidence);
    check(&evidence).into_iter().map(|violation| violation.rule).collect()
}

#[test]
fn a_member_who_leaves_and_returns_is_acquitted() {
    assert_eq!(check(&wandering()), []);
}

#[test]
fn i7_a_member_who_was_never_told() {
    let rules = broken_wandering(|evidence| drop(bob(evidence).pop()));
    assert_eq!(rules, [Rule::I7].into());
}

#[test]
fn i10_an_event_after_going() {
    let rules = broken_wandering(|evidence| bob(evidence).insert(10, entry(45, 2, event(row(10, 1, "f")))));
    assert!(rules.contains(&Rule::I10), "{rules:?}");
}

#[test]
fn i10_a_page_and_a_catch_up_while_outside() {
    let page = read(44, 10, vec![row(10, 1, "f")]);
    let rules = broken_wandering(|evidence| bob(evidence).insert(10, entry(47, 2, page)));
    assert_eq!(rules, [Rule::I10].into());
    let caught_up = changes(9, 10, vec![row(10, 1, "f")]);
    let rules = broken_wandering(|evidence| bob(evidence).insert(10, entry(47, 2, caught_up)));
    assert!(rules.contains(&Rule::I10), "{rules:?}");
}

#[test]
fn i10_a_stranger_who_sees_anything() {
    let stranger = |step| {
        broken(|evidence| {
            evidence.strangers.insert(3);
            let entries = vec![entry(30, 1, step)];
            evidence.histories.push(history("eve", 3, entries));
        })
    };
    assert_eq!(stranger(Step::Denied { conversation: ROOM }), BTreeSet::new());
    assert!(stranger(event(row(8, 1, "e"))).contains(&Rule::I10));
    assert!(stranger(read(29, 8, Vec::new())).contains(&Rule::I10));
    assert!(stranger(Step::Added { conversation: ROOM, head: 8 }).contains(&Rule::I10));
}

#[test]
fn i12_a_marker_that_goes_back_or_is_lost_or_lies_beyond_the_head() {
    let marks = |read_seq, unread, steps: Vec<(u64, Step)>| {
        broken(move |evidence| {
            bob(evidence).extend(steps.into_iter().map(|(at, step)| entry(at, 2, step)));
            evidence.logs[0].markers.push(Marker { user: 2, read_seq, unread });
        })
    };
    assert_eq!(marks(7, 1, vec![(41, marker_moved(40, 5)), (43, marker_moved(42, 7))]), BTreeSet::new());
    assert_eq!(marks(7, 1, vec![(41, marker_moved(40, 7)), (43, marker_moved(42, 5))]), [Rule::I12].into(), "back");
    assert_eq!(
        marks(7, 1, vec![(41, marker_moved(40, 5)), (43, marker_moved(39, 7))]),
        BTreeSet::new(),
        "at the same time"
    );
    assert_eq!(marks(5, 2, vec![(41, marker_moved(40, 7))]), [Rule::I12].into(), "lost");
    assert_eq!(marks(9, 0, vec![(41, marker_moved(40, 9))]), [Rule::I12].into(), "beyond");
    assert_eq!(marks(7, 3, Vec::new()), [Rule::I12].into(), "counted wrong");
}

#[test]
fn i13_a_page_that_shows_an_outdated_state() {
    let page =
        |begun, head, row| broken(|evidence| bob(evidence).push(entry(begun + 10, 2, read(begun, head, vec![row]))));
    assert_eq!(page(35, 8, edited()), BTreeSet::new());
    assert_eq!(page(35, 8, row(3, 1, "a")), [Rule::I13].into(), "the text before the edit");
    assert_eq!(page(20, 8, row(3, 1, "a")), BTreeSet::new(), "asked before the edit was acknowledged");
    assert_eq!(page(35, 7, edited()), [Rule::I13].into(), "the head before the last send");
}

#[test]
fn i1_a_deleted_message_that_is_there_again() {
    let rules = broken(|evidence| {
        ann(evidence).push(entry(40, 2, Step::Delete { conversation: ROOM, seq: 8 }));
        ann(evidence).push(entry(41, 2, Step::Deleted { conversation: ROOM, seq: 8, rev: 9 }));
    });
    assert_eq!(rules, [Rule::I1].into());
}

#[test]
fn i3_a_tried_change_that_no_client_received_accounts_for_one_gap_only() {
    let tried = |evidence: &mut Evidence| {
        ann(evidence).push(entry(40, 2, Step::React { conversation: ROOM, seq: 8 }));
        evidence.logs[0].others.retain(|number| *number != 2);
    };
    assert_eq!(broken(tried), BTreeSet::new());
    let rules = broken(|evidence| {
        tried(evidence);
        evidence.logs[0].others.clear();
    });
    assert_eq!(rules, [Rule::I3].into());
}

#[test]
fn i16_each_bound_is_measured() {
    let spell = |trouble, node, from: u64, to: u64| {
        let (from, to) = (from * 1_000_000_000, to * 1_000_000_000);
        Spell { trouble, what: String::new(), node, from, to }
    };
    let second = |at: u64| at * 1_000_000_000;
    let mut evidence = Evidence::default();
    let said =
        |at: u64, cid: &str| vec![entry(second(at), 1, invoke(cid)), entry(second(at) + 1, 1, ok(cid, 3, false))];
    let ann = [said(2, "a"), said(11, "b"), said(20, "c")].concat();
    let heard = |at: u64, cid: &str| entry(second(at), 1, event(row(3, 1, cid)));
    let bob = vec![
        entry(0, 1, Step::Welcome { node: 0 }),
        heard(3, "a"),
        heard(15, "b"),
        heard(21, "c"),
        entry(second(30), 1, Step::Lost { node: 0 }),
        entry(second(31), 2, Step::Welcome { node: 1 }),
        entry(second(32), 2, Step::CaughtUp),
    ];
    evidence.histories.push(history("ann", 1, ann));
    evidence.histories.push(history("bob", 2, bob));
    let lost = vec![entry(0, 1, Step::Welcome { node: 0 }), entry(second(30), 1, Step::Lost { node: 0 })];
    evidence.histories.push(history("jim", 4, lost));
    evidence.histories.push(history("kim", 5, vec![entry(second(39), 1, Step::Welcome { node: 1 })]));
    let late = vec![entry(0, 1, Step::Welcome { node: 0 }), heard(9, "a")];
    evidence.histories.push(History { dawdles: true, ..history("eve", 3, late) });
    let spells = [
        spell(Trouble::Redis, None, 10, 17),
        spell(Trouble::Node, Some(0), 30, 31),
        spell(Trouble::Database, None, 18, 19),
    ];
    let figures = figures(&evidence, &spells);
    assert_eq!(figures.calm, [second(1)], "the first; who dawdles is to blame for hearing it late");
    assert_eq!(figures.without_redis, [second(4)], "the second; the third was too near to the database's trouble");
    assert_eq!(figures.database_back, [second(1) + 1]);
    assert_eq!(figures.moved_on, [second(2), second(9)], "the second never caught up while there was time");
    let broken = figures.bounds().into_iter().filter(|bound| !bound.is_kept()).map(|bound| bound.name);
    assert_eq!(broken.count(), 2, "four seconds without Redis, nine for coming back");
}

#[test]
fn p4_a_reminder_that_is_lost_never_due_doubled_or_not_asked_for() {
    let only = |change: &dyn Fn(&mut Vec<Reminder>)| broken(|evidence| change(&mut evidence.reminders));
    assert_eq!(only(&|kept| kept.truncate(1)), BTreeSet::new(), "what was never answered may not be there");
    for change in [
        (&|kept: &mut Vec<Reminder>| kept.retain(|one| one.seq != 5)) as &dyn Fn(&mut Vec<Reminder>),
        &|kept| kept[0].due = false,
        &|kept| kept[1].due = false,
        &|kept| kept.push(reminder(3, 5)),
        &|kept| kept[0].id = 9,
        &|kept| kept.push(reminder(3, 8)),
        &|kept| kept[1].user = 2,
    ] {
        assert_eq!(only(change), [Rule::P4].into());
    }
}

// ---- accounts -----------------------------------------------------------------------------------

fn told(after: i64, seq: i64, says: AccountWord) -> Step {
    Step::Account { event: AccountEvent { seq, after, says } }
}

/// Bob joins a room, saves a draft, reconnects, saves another one, and discards it.
fn drafting(change: impl FnOnce(&mut Vec<Entry>)) -> Vec<String> {
    let (text, word) = (Content::of("hey"), |text: &str| AccountWord::Draft(1, Content::of(text)));
    let mut entries = vec![
        entry(1, 1, Step::Welcome { node: 0 }),
        entry(2, 1, told(0, 2, AccountWord::Added(1))),
        entry(3, 1, told(2, 3, word("he"))),
        entry(4, 1, Step::Lost { node: 0 }),
        entry(5, 2, Step::Welcome { node: 1 }),
        entry(6, 2, told(3, 5, word("hey"))),
        entry(7, 2, told(5, 6, AccountWord::Other)),
    ];
    change(&mut entries);
    let drafts = [(1, text)].into();
    let accounts = vec![AccountLog { user: 2, seq: 6, conversations: vec![1], drafts }];
    let evidence = Evidence { histories: vec![history("bob", 2, entries)], accounts, ..Evidence::default() };
    let found = check(&evidence);
    found.into_iter().filter(|violation| violation.rule == Rule::A1).map(|violation| violation.detail).collect()
}

#[test]
fn an_account_delivered_in_order_is_acquitted() {
    assert_eq!(drafting(|_| {}), [""; 0]);
    // The account is read again from the beginning, while live events go on.
    let anew = |entries: &mut Vec<Entry>| {
        let events = vec![
            AccountEvent { seq: 2, after: 0, says: AccountWord::Added(1) },
            AccountEvent { seq: 5, after: 2, says: AccountWord::Draft(1, Content::of("hey")) },
        ];
        entries[5] = entry(6, 2, Step::AccountReset);
        entries.push(entry(8, 2, Step::AccountRead { to: 5, events }));
    };
    assert_eq!(drafting(anew), [""; 0]);
}

#[test]
fn a1_a_number_of_an_account_left_out_repeated_or_forgotten() {
    assert!(drafting(|entries| _ = entries.remove(2))[0].contains("5 of its account after 2"));
    assert!(drafting(|entries| entries.push(entries[5].clone()))[0].contains("after 6 on one connection"));
    assert!(drafting(|entries| _ = entries.pop())[0].contains("ended at 5"));
    let found = drafting(|entries| entries[5] = entry(6, 2, told(3, 5, AccountWord::NoDraft(1))));
    assert!(found[0].contains("draft in 1 is not known"), "{found:?}");
    let found = drafting(|entries| entries.push(entry(8, 2, Step::AccountReset)));
    assert_eq!(found, ["bob was never answered what its account is"]);
}
