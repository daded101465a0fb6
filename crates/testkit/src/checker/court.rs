//! The rules about messages: I1 to I9, I11 and I15.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use promises::{Change, Known, Number, Place};

use super::{Content, Entry, Evidence, History, Log, Row, Rows, Rule, Step, Violation};

/// Judges the rules, and counts how often each was applied.
pub(super) fn judge(evidence: &Evidence) -> (Vec<Violation>, Vec<(Rule, u64)>) {
    let mut court = Court::new(evidence);
    court.logs_are_whole();
    court.sends_are_honest();
    court.changes_are_kept();
    court.order_is_real();
    evidence.histories.iter().for_each(|history| court.senders_are_in_order(history));
    evidence.histories.iter().for_each(|history| court.receiver_agrees(history));
    (court.violations, court.counts.into_iter().collect())
}

/// The most gaps of one log that are reported.
const ENOUGH: usize = 10_000;

/// A final log, with its rows by number.
struct Kept<'a> {
    log: &'a Log,
    rows: BTreeMap<i64, &'a Row>,
}

/// The record of a send.
struct Sent {
    conversation: i64,
    content: Content,
    invoked: u64,
    acks: Vec<(u64, Answer)>,
    refused: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Answer {
    conversation: i64,
    seq: i64,
    message: i64,
    epoch: String,
}

struct Court<'a> {
    evidence: &'a Evidence,
    kept: BTreeMap<i64, Kept<'a>>,
    sends: BTreeMap<(i64, String), Sent>,
    edits: HashSet<(i64, i64, Content)>,
    /// Numbers that some client received, per conversation.
    told: HashSet<(i64, i64)>,
    /// How many changes other than sends were tried, per conversation.
    tried: HashMap<i64, usize>,
    deletions: HashSet<(i64, i64)>,
    violations: Vec<Violation>,
    counts: BTreeMap<Rule, u64>,
}

impl<'a> Court<'a> {
    fn new(evidence: &'a Evidence) -> Self {
        let index = |log: &'a Log| Kept { log, rows: log.rows.iter().map(|row| (row.seq, row)).collect() };
        let kept = evidence.logs.iter().map(|log| (log.conversation, index(log))).collect();
        let (sends, edits, told) = (BTreeMap::new(), HashSet::new(), HashSet::new());
        let (tried, deletions) = (HashMap::new(), HashSet::new());
        let (violations, counts) = (Vec::new(), BTreeMap::new());
        let mut court = Self { evidence, kept, sends, edits, told, tried, deletions, violations, counts };
        for history in &evidence.histories {
            history.entries.iter().for_each(|entry| court.note(history.author, entry));
        }
        court
    }

    fn note(&mut self, author: i64, entry: &Entry) {
        match &entry.step {
            Step::Invoke { conversation, cid, content } => {
                self.sends.entry((author, cid.clone())).or_insert_with(|| Sent {
                    conversation: *conversation,
                    content: *content,
                    invoked: entry.at,
                    acks: Vec::new(),
                    refused: false,
                });
            }
            Step::Ok { conversation, cid, seq, message, epoch, .. } => {
                let answer = Answer { conversation: *conversation, seq: *seq, message: *message, epoch: epoch.clone() };
                if let Some(sent) = self.sends.get_mut(&(author, cid.clone())) {
                    sent.acks.push((entry.at, answer));
                }
            }
            Step::Fail { cid } => {
                if let Some(sent) = self.sends.get_mut(&(author, cid.clone())) {
                    sent.refused = true;
                }
            }
            Step::Edit { conversation, seq, content } => {
                self.edits.insert((*conversation, *seq, *content));
                *self.tried.entry(*conversation).or_default() += 1;
            }
            Step::Delete { conversation, seq } => {
                self.deletions.insert((*conversation, *seq));
                *self.tried.entry(*conversation).or_default() += 1;
            }
            Step::React { conversation, .. } | Step::Move { conversation, .. } => {
                *self.tried.entry(*conversation).or_default() += 1;
            }
            Step::Edited { conversation, rev: seq, .. }
            | Step::Deleted { conversation, rev: seq, .. }
            | Step::Reacted { conversation, rev: seq, .. }
            | Step::Event { conversation, seq, .. } => {
                self.told.insert((*conversation, *seq));
            }
            _ => {}
        }
    }

    fn applied(&mut self, rule: Rule, times: usize) {
        *self.counts.entry(rule).or_default() += times as u64;
    }

    fn accuse(&mut self, rule: Rule, detail: String) {
        self.violations.push(Violation { rule, detail });
    }

    /// Checks I2, I3 and I4 for each log by itself.
    fn logs_are_whole(&mut self) {
        let mut places: HashMap<(i64, String), (i64, i64)> = HashMap::new();
        let by_content: HashMap<(i64, Content), String> =
            self.sends.iter().map(|((author, cid), sent)| ((*author, sent.content), cid.clone())).collect();
        for log in &self.evidence.logs {
            self.numbers_are_whole(log);
            [Rule::I2, Rule::I4].into_iter().for_each(|rule| self.applied(rule, log.rows.len()));
            for row in &log.rows {
                // If a server forgot the sender's id, the message is still recognised by its text.
                let known = row.content.and_then(|content| by_content.get(&(row.author, content)).cloned());
                let Some(cid) = row.cid.clone().or(known) else {
                    self.accuse(Rule::I4, format!("{} in {} has no known origin", row.seq, log.conversation));
                    continue;
                };
                self.row_was_sent(log.conversation, row, &cid);
                if let Some((conversation, seq)) = places.insert((row.author, cid.clone()), (log.conversation, row.seq))
                {
                    let place = format!("{} in {} and {seq} in {conversation}", row.seq, log.conversation);
                    self.accuse(Rule::I2, format!("{cid} of {} is kept twice: {place}", row.author));
                }
            }
        }
    }

    fn numbers_are_whole(&mut self, log: &Log) {
        let mut places = BTreeSet::new();
        let twice: Vec<i64> = log.rows.iter().map(|row| row.seq).filter(|seq| !places.insert(*seq)).collect();
        for seq in twice {
            self.accuse(Rule::I3, format!("{} has two messages with number {seq}", log.conversation));
        }
        let changes = log.rows.iter().map(|row| row.rev).chain(log.others.iter().copied());
        let used: BTreeSet<i64> = places.into_iter().chain(changes).collect();
        if let Some(beyond) = used.last().filter(|last| **last > log.head) {
            self.accuse(Rule::I3, format!("{} has number {beyond} beyond its head {}", log.conversation, log.head));
        }
        let heard = self.told.iter().filter(|(conversation, _)| *conversation == log.conversation).map(|(_, seq)| *seq);
        let found: BTreeSet<i64> = heard.chain(used).filter(|number| *number <= log.head).collect();
        // A server with a fault may count in other steps than one.
        let ends = found.iter().copied().chain([log.head + 1]);
        let gaps = ends.scan(0, |last, next| Some((std::mem::replace(last, next) + 1)..next)).flatten();
        let gaps: Vec<i64> = gaps.take(ENOUGH).collect();
        // A change that was changed again leaves no row with its number. If no client received it either, somebody must
        // still have tried such a change, and no other number may account for it.
        let of_messages: BTreeSet<i64> = log.rows.iter().map(|row| row.seq).collect();
        let located = found.iter().filter(|number| **number > log.base && !of_messages.contains(number)).count();
        let tried = self.tried.get(&log.conversation).copied().unwrap_or_default();
        self.applied(Rule::I3, found.len());
        for number in gaps.into_iter().skip(tried.saturating_sub(located)) {
            self.accuse(Rule::I3, format!("{} has a gap at {number} of {}", log.conversation, log.head));
        }
    }

    fn row_was_sent(&mut self, conversation: i64, row: &Row, cid: &str) {
        let Some(sent) = self.sends.get(&(row.author, cid.to_owned())) else {
            return self.accuse(Rule::I4, format!("nobody sent {cid} of {} at {}", row.author, row.seq));
        };
        let original = row.content == Some(sent.content);
        let edited = match row.content {
            Some(content) => self.edits.contains(&(conversation, row.seq, content)),
            None => self.deletions.contains(&(conversation, row.seq)),
        };
        let changed = row.rev > row.seq;
        if sent.conversation != conversation || !(original || changed && edited) {
            self.accuse(Rule::I4, format!("{cid} at {} in {conversation} is not what was sent", row.seq));
        }
    }

    /// Checks I1, I5 and I15: each send by its answers.
    fn sends_are_honest(&mut self) {
        let kept: HashSet<(i64, &str)> = self
            .evidence
            .logs
            .iter()
            .flat_map(|log| log.rows.iter().filter_map(|row| Some((row.author, row.cid.as_deref()?))))
            .collect();
        let (mut found, mut counted) = (Vec::new(), (0, 0));
        for ((author, cid), sent) in &self.sends {
            if sent.refused && (kept.contains(&(*author, cid.as_str())) || !sent.acks.is_empty()) {
                found.push((Rule::I15, format!("{cid} of {author} was refused and is kept")));
            }
            let mut answers = sent.acks.iter().map(|(_, answer)| answer);
            counted.1 += usize::from(sent.refused);
            let Some(first) = answers.next() else { continue };
            counted.0 += sent.acks.len();
            if let Some(other) = answers.find(|other| *other != first) {
                found.push((Rule::I5, format!("{cid} of {author} was answered with {first:?} and {other:?}")));
            }
            let row = self.kept.get(&first.conversation).and_then(|kept| kept.rows.get(&first.seq));
            let same = row.is_some_and(|row| {
                row.author == *author
                    && row.id == first.message
                    && row.cid.as_ref().is_none_or(|kept| kept == cid)
                    && (row.content == Some(sent.content) || row.rev > row.seq)
            });
            if !same {
                let place = format!("{} in {}", first.seq, first.conversation);
                found.push((Rule::I1, format!("{cid} of {author}, acknowledged at {place}, is not there: {row:?}")));
            }
        }
        [Rule::I1, Rule::I5].into_iter().for_each(|rule| self.applied(rule, counted.0));
        self.applied(Rule::I15, counted.1);
        found.into_iter().for_each(|(rule, detail)| self.accuse(rule, detail));
    }

    /// Checks I1 for edits, deletions and reactions: an acknowledged one is there, or a later one.
    fn changes_are_kept(&mut self) {
        let (mut found, mut counted) = (Vec::new(), 0);
        for entry in self.evidence.histories.iter().flat_map(|history| &history.entries) {
            let (conversation, seq, rev, deleted) = match entry.step {
                Step::Edited { conversation, seq, rev } | Step::Reacted { conversation, seq, rev } => {
                    (conversation, seq, rev, false)
                }
                Step::Deleted { conversation, seq, rev } => (conversation, seq, rev, true),
                _ => continue,
            };
            counted += 1;
            let row = self.kept.get(&conversation).and_then(|kept| kept.rows.get(&seq));
            if row.is_none_or(|row| row.rev < rev || (deleted && row.content.is_some())) {
                found.push(format!("the change {rev} of {seq} in {conversation} is not there: {row:?}"));
            }
        }
        self.applied(Rule::I1, counted);
        found.into_iter().for_each(|detail| self.accuse(Rule::I1, detail));
    }

    /// Checks I9, in one pass over time for each conversation.
    fn order_is_real(&mut self) {
        let mut moments: BTreeMap<i64, Vec<(u64, bool, i64, &str)>> = BTreeMap::new();
        for log in &self.evidence.logs {
            for row in &log.rows {
                let Some(cid) = &row.cid else { continue };
                let Some(sent) = self.sends.get(&(row.author, cid.clone())) else { continue };
                let moments = moments.entry(log.conversation).or_default();
                moments.push((sent.invoked, false, row.seq, cid));
                moments.extend(sent.acks.first().map(|(at, _)| (*at, true, row.seq, cid.as_str())));
            }
        }
        let (mut found, mut counted) = (Vec::new(), 0);
        for (conversation, mut moments) in moments {
            // At the same instant the answer cannot have been known: a beginning (false) sorts before an answer (true).
            moments.sort_unstable();
            let mut latest: Option<(i64, &str)> = None;
            counted += moments.len();
            for (_, answered, seq, cid) in moments {
                match latest {
                    _ if answered => latest = latest.max(Some((seq, cid))),
                    Some((before, other)) if before > seq => {
                        found.push(format!(
                            "in {conversation} {cid} at {seq} began after {other} at {before} was answered"
                        ));
                    }
                    _ => {}
                }
            }
        }
        self.applied(Rule::I9, counted);
        found.into_iter().for_each(|detail| self.accuse(Rule::I9, detail));
    }

    /// Checks I8: on one connection, in one conversation, numbers rise in the order of sends.
    fn senders_are_in_order(&mut self, history: &History) {
        let mut begun: HashMap<(u64, &str), usize> = HashMap::new();
        let mut answered: BTreeMap<(u64, i64), Vec<(usize, i64)>> = BTreeMap::new();
        for (place, entry) in history.entries.iter().enumerate() {
            match &entry.step {
                Step::Invoke { cid, .. } => {
                    begun.insert((entry.connection, cid), place);
                }
                // A repeat is answered with the number that an earlier connection got for it.
                Step::Ok { conversation, cid, seq, repeated: false, .. } => {
                    if let Some(begin) = begun.get(&(entry.connection, cid.as_str())) {
                        answered.entry((entry.connection, *conversation)).or_default().push((*begin, *seq));
                    }
                }
                _ => {}
            }
        }
        for ((connection, conversation), mut sends) in answered {
            sends.sort_unstable();
            self.applied(Rule::I8, sends.len());
            for pair in sends.windows(2).filter(|pair| pair[0].1 >= pair[1].1) {
                let (first, second) = (pair[0].1, pair[1].1);
                let place = format!("on connection {connection} of {} in {conversation}", history.client);
                self.accuse(Rule::I8, format!("{place} a send got {first} and the next one {second}"));
            }
        }
    }

    /// Checks I6, I7 and I11: what one client was sent.
    fn receiver_agrees(&mut self, history: &History) {
        let mut views: BTreeMap<i64, View> = BTreeMap::new();
        for entry in &history.entries {
            match &entry.step {
                Step::Resume { conversation, cursor } => {
                    let view = views.entry(*conversation).or_insert_with(|| View::new(*cursor));
                    view.live = None;
                    if view.known.cursor != Number(*cursor) {
                        let (client, own) = (&history.client, view.known.cursor);
                        self.accuse(Rule::I6, format!("{client} resumed {conversation} at {cursor} instead of {own}"));
                    }
                }
                Step::Added { conversation, head } => {
                    views.insert(*conversation, View::new(*head));
                }
                Step::Removed { conversation } => {
                    views.remove(conversation);
                }
                Step::Read { conversation, rows, .. } | Step::Searched { conversation, rows, .. } => {
                    let place = format!("{} in {conversation}", history.client);
                    rows.iter().for_each(|row| self.row_is_kept(&place, *conversation, row));
                }
                Step::Event { conversation, seq, row, .. } => {
                    let view = views.entry(*conversation).or_insert_with(|| View::new(seq - 1));
                    self.event(history, *conversation, view, *seq, row.as_ref());
                }
                Step::Changes { conversation, from, to, reset, rows } => match views.get_mut(conversation) {
                    Some(view) => self.changes(history, *conversation, view, (*from, *to, *reset), rows),
                    // It was asked for before their removal, and says nothing about their state.
                    None => {
                        let place = format!("{} in {conversation}", history.client);
                        rows.iter().for_each(|row| self.row_is_kept(&place, *conversation, row));
                    }
                },
                _ => {}
            }
        }
        for (conversation, view) in &views {
            self.view_is_complete(history, *conversation, view);
        }
        for log in self.evidence.logs.iter().filter(|log| log.members.contains(&history.author)) {
            if !views.contains_key(&log.conversation) {
                let (client, conversation) = (&history.client, log.conversation);
                self.accuse(Rule::I7, format!("{client} is a member of {conversation} and was never told"));
            }
        }
    }

    fn event(&mut self, history: &History, conversation: i64, view: &mut View, seq: i64, row: Option<&Row>) {
        self.applied(Rule::I6, 1);
        let place = format!("{} in {conversation}", history.client);
        if let Some(row) = row {
            self.row_is_kept(&place, conversation, row);
        }
        // An event that a catch-up answer covers already is no fault: the protocol says to drop it.
        if view.live.is_some_and(|last| seq <= last) {
            self.accuse(Rule::I6, format!("{place} was told {seq} again on one connection"));
        }
        view.live = view.live.max(Some(seq));
        match view.known.place(Number(seq)) {
            Place::Known => return,
            Place::Next => {}
            Place::Beyond => self.accuse(Rule::I6, format!("{place} was told {seq} after {}", view.known.cursor)),
        }
        let change = row.map_or(Change::Nothing, |row| Change::Message(row.clone()));
        // An answer that was read before an event may come after it, and an event may come after an answer that covers
        // it.
        let _newer = view.known.apply(Number(seq), change);
    }

    fn changes(
        &mut self,
        history: &History,
        conversation: i64,
        view: &mut View,
        (from, to, reset): (i64, i64, bool),
        rows: &[Row],
    ) {
        let place = format!("{} in {conversation}", history.client);
        rows.iter().for_each(|row| self.row_is_kept(&place, conversation, row));
        if reset {
            *view = View::new(to);
        } else if Number(from) > view.known.cursor {
            self.accuse(Rule::I6, format!("{place} was caught up from {from}, but stood at {}", view.known.cursor));
        }
        let given: HashSet<i64> = rows.iter().map(|row| row.seq).collect();
        let missing: Vec<i64> = self.kept.get(&conversation).map_or_else(Vec::new, |kept| {
            let within = |number: i64| from < number && number <= to;
            // Rows that have changed since come with their own numbers; at the end none may be missing.
            let wanted = kept.log.rows.iter().filter(|row| within(row.rev));
            wanted.map(|row| row.seq).filter(|seq| !reset && !given.contains(seq)).collect()
        });
        self.applied(Rule::I7, 1);
        for seq in missing {
            self.accuse(Rule::I7, format!("{place} was caught up from {from} to {to} without {seq}"));
        }
        // An answer that was read before an event may come after it.
        let _older = view.known.catch_up(Number(to), (), [], rows.iter().cloned(), []);
    }

    /// Checks I11 and the contents of I6: what was shown is kept, or a later version of it.
    fn row_is_kept(&mut self, place: &str, conversation: i64, row: &Row) {
        self.applied(Rule::I11, 1);
        let kept = self.kept.get(&conversation).and_then(|kept| kept.rows.get(&row.seq).copied());
        match kept {
            None => self.accuse(Rule::I11, format!("{place} was shown {row:?}, which is not kept")),
            Some(kept) if kept.id != row.id || kept.author != row.author || kept.cid != row.cid => {
                self.accuse(Rule::I11, format!("{place} was shown {row:?}, and kept is another message: {kept:?}"));
            }
            Some(kept) if kept.rev < row.rev => {
                self.accuse(Rule::I11, format!("{place} was shown {row:?}, and kept is an older state: {kept:?}"));
            }
            Some(kept) if kept.rev == row.rev && (kept.content, kept.reactions) != (row.content, row.reactions) => {
                self.accuse(Rule::I6, format!("{place} was shown {row:?}, and kept is another text: {kept:?}"));
            }
            Some(_) => {}
        }
    }

    /// Checks I7: old snapshot and events make the fresh snapshot.
    fn view_is_complete(&mut self, history: &History, conversation: i64, view: &View) {
        let place = format!("{} in {conversation}", history.client);
        self.applied(Rule::I7, 1);
        let mut found = Vec::new();
        let Some(kept) = self.kept.get(&conversation) else { return };
        if view.known.cursor != Number(kept.log.head) {
            found.push(format!("{place} ended at {} of {}", view.known.cursor, kept.log.head));
        }
        for (seq, row) in &kept.rows {
            match view.known.messages.get(&Number(*seq)) {
                None if *seq > view.start => found.push(format!("{place} never got {seq}")),
                Some(own) if own != *row => found.push(format!("{place} ended with {own:?} instead of {row:?}")),
                _ => {}
            }
        }
        found.into_iter().for_each(|detail| self.accuse(Rule::I7, detail));
    }
}

/// A conversation as one client knows it.
struct View {
    /// The number at which it began; earlier messages are not missed.
    start: i64,
    known: Known<Rows>,
    /// The number of the last live event on the present connection.
    live: Option<i64>,
}

impl View {
    fn new(start: i64) -> Self {
        Self { start, known: Known::at(Number(start)), live: None }
    }
}
