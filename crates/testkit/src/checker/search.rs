//! S1: what is kept is found, within five seconds after it was said, and nothing else.

use std::collections::BTreeMap;

use super::{Evidence, Log, Row, Rule, Searched, Step, Violation};

/// Judges the rule, and counts how often it was applied. Who found what they may not read is judged with all else that
/// was shown.
pub(super) fn judge(evidence: &Evidence) -> (Vec<Violation>, Vec<(Rule, u64)>) {
    let (mut details, mut applied) = (Vec::new(), 0);
    for history in &evidence.histories {
        for entry in &history.entries {
            let Step::Searched { conversation, rows, .. } = &entry.step else { continue };
            applied += rows.len() as u64;
            let deleted = rows.iter().find(|row| row.content.is_none());
            details.extend(deleted.map(|row| format!("{} found {row:?} in {conversation}", history.client)));
        }
    }
    for searched in &evidence.searches {
        let Some(log) = evidence.logs.iter().find(|log| log.conversation == searched.conversation) else { continue };
        applied += log.rows.len() as u64;
        details.extend(differences(log, searched));
    }
    (details.into_iter().map(|detail| Violation { rule: Rule::S1, detail }).collect(), vec![(Rule::S1, applied)])
}

/// Where what is found is not what is kept.
pub(crate) fn differences(log: &Log, searched: &Searched) -> Vec<String> {
    let place = log.conversation;
    let found: BTreeMap<i64, &Row> = searched.rows.iter().map(|row| (row.seq, row)).collect();
    // Of what is older than the last page nothing is known.
    let oldest = if searched.whole { 0 } else { found.keys().next().copied().unwrap_or(i64::MAX) };
    let kept: BTreeMap<i64, &Row> = log.rows.iter().filter(|row| row.seq >= oldest).map(|row| (row.seq, row)).collect();
    let missing = kept.values().filter(|row| row.content.is_some() && !found.contains_key(&row.seq));
    let missing = missing.map(|row| format!("{row:?} in {place} is kept and not found"));
    let wrong = found.values().filter(|row| row.content.is_none() || kept.get(&row.seq) != Some(*row));
    missing.chain(wrong.map(|row| format!("{row:?} in {place} is found and not kept"))).collect()
}
