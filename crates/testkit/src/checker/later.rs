//! P4: a reminder comes due, and only once.

use std::collections::{BTreeMap, BTreeSet};

use super::{Evidence, Reminder, Rule, Step, Violation};

/// A reminder's user, conversation and message.
type Key = (i64, i64, i64);

/// Judges the rule, and counts how often it was applied.
pub(super) fn judge(evidence: &Evidence) -> (Vec<Violation>, Vec<(Rule, u64)>) {
    let (mut asked, mut granted) = (BTreeSet::new(), BTreeMap::new());
    for history in &evidence.histories {
        for entry in &history.entries {
            match entry.step {
                Step::Remind { conversation, seq } => drop(asked.insert((history.author, conversation, seq))),
                Step::Reminded { conversation, seq, reminder } => {
                    granted.insert((history.author, conversation, seq), reminder);
                }
                _ => {}
            }
        }
    }
    let mut kept: BTreeMap<Key, Vec<&Reminder>> = BTreeMap::new();
    for reminder in &evidence.reminders {
        kept.entry((reminder.user, reminder.conversation, reminder.seq)).or_default().push(reminder);
    }
    let lost = granted.iter().filter(|(key, _)| !kept.contains_key(*key));
    let lost = lost.map(|(key, id)| format!("reminder {id} {} was granted and is not there", of(key)));
    let wrong = kept.iter().filter_map(|(key, found)| wrong(key, found, asked.contains(key), granted.get(key)));
    let violations = lost.chain(wrong).map(|detail| Violation { rule: Rule::P4, detail }).collect();
    (violations, vec![(Rule::P4, granted.len() as u64)])
}

fn of((user, conversation, seq): &Key) -> String {
    format!("of {user} about {seq} in {conversation}")
}

/// The mistake in the reminders that somebody has of one message, if there is one.
fn wrong(key: &Key, found: &[&Reminder], asked: bool, granted: Option<&i64>) -> Option<String> {
    let ids: Vec<i64> = found.iter().map(|reminder| reminder.id).collect();
    match (found, granted) {
        _ if !asked => Some(format!("nobody asked for the reminder {} {ids:?}", of(key))),
        ([one], Some(id)) if one.id != *id => Some(format!("reminder {id} {} has become {}", of(key), one.id)),
        ([one], _) if one.due => None,
        ([one], _) => Some(format!("reminder {} {} was never due", one.id, of(key))),
        _ => Some(format!("there are several reminders {}: {ids:?}", of(key))),
    }
}
