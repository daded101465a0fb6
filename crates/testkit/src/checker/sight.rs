//! The rules about who may see what, and when: I10, I12 and I13.

use std::collections::{BTreeMap, HashMap};

use super::{Evidence, History, Row, Rule, Step, Violation};
use crate::law::UNREAD_CAP;

/// Judges the rules, and counts how often each was applied.
pub(super) fn judge(evidence: &Evidence) -> (Vec<Violation>, Vec<(Rule, u64)>) {
    let mut eyes = Eyes::new(evidence);
    for history in &evidence.histories {
        eyes.outsider_sees_nothing(history);
        eyes.nothing_after_going(history);
        eyes.reads_are_fresh(history);
        eyes.markers_move_forward(history);
    }
    eyes.unread_is_counted();
    (eyes.violations, eyes.counts.into_iter().collect())
}

/// A period in which somebody was certainly not a member: from the acknowledgement of the removal to the beginning of
/// the next addition.
struct Absence {
    from: u64,
    to: u64,
}

struct Eyes<'a> {
    evidence: &'a Evidence,
    /// By conversation and user.
    absences: HashMap<(i64, i64), Vec<Absence>>,
    /// When the send of each message began, by conversation and place.
    begun: HashMap<(i64, i64), u64>,
    /// When each state of a message was acknowledged: by conversation and number, (time, rev).
    acknowledged: HashMap<(i64, i64), Vec<(u64, i64)>>,
    /// When each number of a conversation was acknowledged; the numbers rise.
    heads: HashMap<i64, Vec<(u64, i64)>>,
    violations: Vec<Violation>,
    counts: BTreeMap<Rule, u64>,
}

impl<'a> Eyes<'a> {
    fn new(evidence: &'a Evidence) -> Self {
        let mut eyes = Self {
            evidence,
            absences: absences(evidence),
            begun: HashMap::new(),
            acknowledged: HashMap::new(),
            heads: HashMap::new(),
            violations: Vec::new(),
            counts: BTreeMap::new(),
        };
        eyes.note_sends();
        for entry in evidence.histories.iter().flat_map(|history| &history.entries) {
            match entry.step {
                Step::Edited { conversation, seq, rev }
                | Step::Deleted { conversation, seq, rev }
                | Step::Reacted { conversation, seq, rev } => {
                    eyes.acknowledged.entry((conversation, seq)).or_default().push((entry.at, rev));
                    eyes.heads.entry(conversation).or_default().push((entry.at, rev));
                }
                Step::Ok { conversation, seq, .. } => {
                    eyes.acknowledged.entry((conversation, seq)).or_default().push((entry.at, seq));
                    eyes.heads.entry(conversation).or_default().push((entry.at, seq));
                }
                _ => {}
            }
        }
        for heads in eyes.heads.values_mut() {
            heads.sort_unstable();
            let mut highest = 0;
            for (_, number) in heads {
                highest = highest.max(*number);
                *number = highest;
            }
        }
        eyes
    }

    fn note_sends(&mut self) {
        let mut invoked: HashMap<(i64, &str), u64> = HashMap::new();
        for history in &self.evidence.histories {
            for entry in &history.entries {
                if let Step::Invoke { cid, .. } = &entry.step {
                    invoked.entry((history.author, cid)).or_insert(entry.at);
                }
            }
        }
        for log in &self.evidence.logs {
            for row in &log.rows {
                let known = row.cid.as_deref().and_then(|cid| invoked.get(&(row.author, cid)));
                self.begun.extend(known.map(|at| ((log.conversation, row.seq), *at)));
            }
        }
    }

    fn accuse(&mut self, rule: Rule, detail: String) {
        self.violations.push(Violation { rule, detail });
    }

    fn applied(&mut self, rule: Rule, times: usize) {
        *self.counts.entry(rule).or_default() += times as u64;
    }

    /// Checks I10: somebody who is certainly outside is not shown what was said since. Somebody who was never inside is
    /// shown nothing.
    fn outsider_sees_nothing(&mut self, history: &History) {
        let stranger = self.evidence.strangers.contains(&history.author);
        let (mut found, mut counted) = (Vec::new(), 0);
        for entry in &history.entries {
            let (conversation, rows): (i64, &[Row]) = match &entry.step {
                Step::Event { conversation, row, .. } => (*conversation, row.as_slice()),
                Step::Changes { conversation, rows, .. } | Step::Read { conversation, rows, .. } => {
                    (*conversation, rows)
                }
                Step::Searched { conversation, rows, .. } if !rows.is_empty() => (*conversation, rows),
                Step::Added { conversation, .. } => (*conversation, &[]),
                Step::Denied { .. } | Step::Searched { .. } => {
                    counted += 1;
                    continue;
                }
                _ => continue,
            };
            counted += 1;
            let client = &history.client;
            if stranger {
                found.push(format!("{client}, who was never in {conversation}, was shown {:?}", entry.step));
                continue;
            }
            let Some(absences) = self.absences.get(&(conversation, history.author)) else { continue };
            let Some(absence) = absences.iter().find(|absence| absence.from < entry.at && entry.at < absence.to) else {
                continue;
            };
            for row in rows {
                if self.begun.get(&(conversation, row.seq)).is_some_and(|begun| *begun > absence.from) {
                    let since = (entry.at - absence.from) / 1_000_000;
                    found.push(format!("{client}, {since} ms out of {conversation}, was shown {row:?}"));
                }
            }
        }
        self.applied(Rule::I10, counted);
        found.into_iter().for_each(|detail| self.accuse(Rule::I10, detail));
    }

    /// Checks I10: after a connection has received its own removal, it receives no later event of the conversation.
    fn nothing_after_going(&mut self, history: &History) {
        let mut gone: BTreeMap<i64, i64> = BTreeMap::new();
        let mut found = Vec::new();
        for entry in &history.entries {
            match &entry.step {
                Step::Welcome { .. } => gone.clear(),
                Step::Added { conversation, .. } | Step::Resume { conversation, .. } => {
                    gone.remove(conversation);
                }
                Step::Removed { conversation } => {
                    gone.entry(*conversation).or_insert(0);
                }
                Step::Event { conversation, seq, member, .. } => {
                    if let Some(left) = gone.get(conversation).filter(|left| **left < *seq) {
                        let client = &history.client;
                        found.push(format!("{client} was told {seq} in {conversation} after going (at {left})"));
                    }
                    if *member == Some((history.author, false)) {
                        gone.insert(*conversation, *seq);
                    }
                }
                _ => {}
            }
        }
        found.into_iter().for_each(|detail| self.accuse(Rule::I10, detail));
    }

    /// Checks I13: a page shows what was acknowledged before it was asked for.
    fn reads_are_fresh(&mut self, history: &History) {
        let (mut found, mut counted) = (Vec::new(), 0);
        for entry in &history.entries {
            let (conversation, begun, head, rows) = match &entry.step {
                Step::Read { conversation, begun, head, rows } => (conversation, begun, Some(head), rows),
                // A new message may be found later; one that is found is as it is now.
                Step::Searched { conversation, begun, rows } => (conversation, begun, None, rows),
                _ => continue,
            };
            let place = format!("{} in {conversation}", history.client);
            counted += 1 + rows.len();
            let heads = self.heads.get(conversation).map(Vec::as_slice).unwrap_or_default();
            let before = heads.partition_point(|(at, _)| at < begun);
            if let Some(((_, known), head)) = before.checked_sub(1).and_then(|last| heads.get(last)).zip(head)
                && known > head
            {
                found.push(format!("{place} was told the head {head} after {known} was acknowledged"));
            }
            for row in rows {
                let known = self.acknowledged.get(&(*conversation, row.seq)).into_iter().flatten();
                let newest = known.filter(|(at, _)| at < begun).map(|(_, rev)| *rev).max();
                if let Some(rev) = newest.filter(|rev| *rev > row.rev) {
                    found.push(format!("{place} read {row:?} after its change {rev} was acknowledged"));
                }
            }
        }
        self.applied(Rule::I13, counted);
        found.into_iter().for_each(|detail| self.accuse(Rule::I13, detail));
    }

    /// Checks I12: a move that began after another was acknowledged is not behind it, and no marker is beyond the head.
    fn markers_move_forward(&mut self, history: &History) {
        let mut moved: BTreeMap<i64, Vec<(u64, u64, i64)>> = BTreeMap::new();
        for entry in &history.entries {
            if let Step::MarkerMoved { conversation, begun, read_seq } = entry.step {
                moved.entry(conversation).or_default().push((entry.at, begun, read_seq));
            }
        }
        let mut found = Vec::new();
        for (conversation, moves) in &moved {
            let log = self.evidence.logs.iter().find(|log| log.conversation == *conversation);
            let last = log.and_then(|log| log.markers.iter().find(|marker| marker.user == history.author));
            for (index, (at, _, read_seq)) in moves.iter().enumerate() {
                let later = moves.iter().skip(index + 1).find(|(_, begun, later)| begun > at && later < read_seq);
                if let Some((_, _, later)) = later {
                    found.push(format!("{} in {conversation}: from {read_seq} back to {later}", history.client));
                }
                if log.is_some_and(|log| *read_seq > log.head) {
                    found.push(format!("{} in {conversation}: {read_seq} is beyond the head", history.client));
                }
                if let Some(last) = last.filter(|last| last.read_seq < *read_seq) {
                    found.push(format!("{} in {conversation}: {read_seq} was lost: {last:?}", history.client));
                }
            }
        }
        self.applied(Rule::I12, moved.values().map(Vec::len).sum());
        found.into_iter().for_each(|detail| self.accuse(Rule::I12, detail));
    }

    /// Checks I12: unread messages are those of others beyond the marker, counted up to a hundred.
    fn unread_is_counted(&mut self) {
        let mut found = Vec::new();
        for log in &self.evidence.logs {
            for marker in &log.markers {
                let unread =
                    |row: &&Row| row.seq > marker.read_seq && row.author != marker.user && row.content.is_some();
                let counted = log.rows.iter().filter(unread).take(UNREAD_CAP).count() as i64;
                if counted != marker.unread {
                    found.push(format!("{marker:?} in {}, but {counted} are unread", log.conversation));
                }
            }
            self.applied(Rule::I12, log.markers.len());
        }
        found.into_iter().for_each(|detail| self.accuse(Rule::I12, detail));
    }
}

/// The periods in which each user was certainly not a member.
fn absences(evidence: &Evidence) -> HashMap<(i64, i64), Vec<Absence>> {
    // When, whether it was acknowledged then, and whether they were to be inside.
    type Moves = Vec<(u64, bool, bool)>;
    let mut moves: HashMap<(i64, i64), Moves> = HashMap::new();
    for entry in evidence.histories.iter().flat_map(|history| &history.entries) {
        match entry.step {
            Step::Move { conversation, user, inside } => {
                moves.entry((conversation, user)).or_default().push((entry.at, false, inside));
            }
            Step::Moved { conversation, user, inside } => {
                moves.entry((conversation, user)).or_default().push((entry.at, true, inside));
            }
            _ => {}
        }
    }
    let mut absences: HashMap<(i64, i64), Vec<Absence>> = HashMap::new();
    for (whom, mut moves) in moves {
        moves.sort_unstable();
        let mut away: Option<u64> = None;
        let found = absences.entry(whom).or_default();
        for (at, done, inside) in moves {
            if !inside && done {
                away.get_or_insert(at);
            } else if inside && let Some(from) = away.take() {
                found.push(Absence { from, to: at });
            }
        }
        found.extend(away.map(|from| Absence { from, to: u64::MAX }));
    }
    absences
}
