//! Judges what clients saw against what the server kept.
//!
//! Each client writes a history that only grows: what it began, how it ended, every frame it was given. After the
//! faults, when all is quiet, one fresh reader dumps the conversations. From the two follows whether the promises
//! were kept: the rules are numbered as in the delivery contract. Nothing here knows how the histories came about.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    fmt,
};

use serde::Serialize;

/// What a text was, without the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Content(pub u64);

impl Content {
    /// The hash of a text (FNV-1a: the same in every run).
    #[must_use]
    pub fn of(text: &str) -> Self {
        Self(
            text.bytes()
                .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)),
        )
    }
}

/// A message as a client was shown it, or as it is kept in the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Its place.
    pub seq: i64,
    /// The number of its last change.
    pub rev: i64,
    /// Its id.
    pub id: i64,
    /// Who said it.
    pub author: i64,
    /// The sender's id for the send.
    pub cid: Option<String>,
    /// Its text; absent once deleted.
    pub content: Option<Content>,
}

/// Something that a client did or was told.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case", tag = "step")]
pub enum Step {
    /// A send began, or was repeated.
    Invoke {
        /// Where.
        conversation: i64,
        /// The sender's id for it.
        cid: String,
        /// What.
        content: Content,
    },
    /// A send was acknowledged.
    Ok {
        /// Where.
        conversation: i64,
        /// The sender's id for it.
        cid: String,
        /// The place it got.
        seq: i64,
        /// The message's id.
        message: i64,
        /// The database history that the server named.
        epoch: String,
        /// Whether the server said that it only repeated an earlier answer.
        repeated: bool,
    },
    /// A send was definitely refused.
    Fail {
        /// The sender's id for it.
        cid: String,
    },
    /// Nobody knows what became of a send.
    Unknown {
        /// The sender's id for it.
        cid: String,
    },
    /// An edit began.
    Edit {
        /// Where.
        conversation: i64,
        /// Of which message.
        seq: i64,
        /// The new text.
        content: Content,
    },
    /// An edit was acknowledged.
    Edited {
        /// Where.
        conversation: i64,
        /// Of which message.
        seq: i64,
        /// The number it got.
        rev: i64,
    },
    /// A connection resumes a conversation.
    Resume {
        /// Which.
        conversation: i64,
        /// From where; at the first time, the head that the server told.
        cursor: i64,
    },
    /// A live event.
    Event {
        /// Where.
        conversation: i64,
        /// Its number.
        seq: i64,
        /// The message it carries, if it is about one.
        row: Option<Row>,
    },
    /// A catch-up answer.
    Changes {
        /// Where.
        conversation: i64,
        /// After this number.
        from: i64,
        /// Up to this one.
        to: i64,
        /// Whether the conversation must be read anew.
        reset: bool,
        /// The messages that changed, as they are now.
        rows: Vec<Row>,
    },
}

/// A step with its time and connection.
#[derive(Clone, Debug, Serialize)]
pub struct Entry {
    /// Monotonic time in nanoseconds, the same clock for all clients.
    pub at: u64,
    /// The connection, unique within the history.
    pub connection: u64,
    /// What happened.
    #[serde(flatten)]
    pub step: Step,
}

/// Everything one client did and was told.
#[derive(Clone, Debug, Default, Serialize)]
pub struct History {
    /// The client's name in reports.
    pub client: String,
    /// The user it speaks for.
    pub author: i64,
    /// In the order in which it happened.
    pub entries: Vec<Entry>,
}

/// A conversation as a fresh reader finds it in the end.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Log {
    /// Which.
    pub conversation: i64,
    /// The number of its last change.
    pub head: i64,
    /// All its messages.
    pub rows: Vec<Row>,
    /// The numbers of what is not a message: memberships, the conversation itself.
    pub others: Vec<i64>,
}

/// All that the checker needs.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// The clients' histories.
    pub histories: Vec<History>,
    /// The conversations in the end.
    pub logs: Vec<Log>,
}

/// The rules, numbered as in the delivery contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// Durability: what was acknowledged is kept.
    I1,
    /// No duplicate effect.
    I2,
    /// Numbers without holes.
    I3,
    /// No phantom.
    I4,
    /// All answers to one send are the same.
    I5,
    /// Every receiver sees the one order.
    I6,
    /// Every receiver gets everything.
    I7,
    /// A sender's messages keep their order.
    I8,
    /// What was acknowledged before another began stands before it.
    I9,
    /// What was delivered is kept.
    I11,
    /// What was refused is not kept.
    I15,
}

/// A promise that was not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which rule.
    pub rule: Rule,
    /// Who, where, what.
    pub detail: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.rule, self.detail)
    }
}

/// Judges the evidence; an empty list means that every promise was kept.
#[must_use]
pub fn check(evidence: &Evidence) -> Vec<Violation> {
    let mut court = Court::new(evidence);
    court.logs_are_whole();
    court.sends_are_honest();
    court.edits_are_kept();
    court.order_is_real();
    evidence.histories.iter().for_each(|history| court.senders_are_in_order(history));
    evidence.histories.iter().for_each(|history| court.receiver_agrees(history));
    court.violations
}

/// A final log with its rows at hand.
struct Kept<'a> {
    log: &'a Log,
    rows: BTreeMap<i64, &'a Row>,
}

/// What became of a send.
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
    /// Numbers that a client was told of, per conversation.
    told: HashSet<(i64, i64)>,
    violations: Vec<Violation>,
}

impl<'a> Court<'a> {
    fn new(evidence: &'a Evidence) -> Self {
        let index = |log: &'a Log| Kept { log, rows: log.rows.iter().map(|row| (row.seq, row)).collect() };
        let kept = evidence.logs.iter().map(|log| (log.conversation, index(log))).collect();
        let (sends, edits, told) = (BTreeMap::new(), HashSet::new(), HashSet::new());
        let mut court = Self { evidence, kept, sends, edits, told, violations: Vec::new() };
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
            }
            Step::Edited { conversation, rev: seq, .. } | Step::Event { conversation, seq, .. } => {
                self.told.insert((*conversation, *seq));
            }
            Step::Unknown { .. } | Step::Resume { .. } | Step::Changes { .. } => {}
        }
    }

    fn accuse(&mut self, rule: Rule, detail: String) {
        self.violations.push(Violation { rule, detail });
    }

    /// I2, I3, I4: each log by itself.
    fn logs_are_whole(&mut self) {
        let mut places: HashMap<(i64, String), (i64, i64)> = HashMap::new();
        let by_content: HashMap<(i64, Content), String> =
            self.sends.iter().map(|((author, cid), sent)| ((*author, sent.content), cid.clone())).collect();
        for log in &self.evidence.logs {
            self.numbers_are_whole(log);
            for row in &log.rows {
                // A server that forgot the sender's id is still found out by the text.
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
        for number in 1..=log.head {
            // An edit that was edited again leaves no row with its number, but was told to those who listened.
            if !used.contains(&number) && !self.told.contains(&(log.conversation, number)) {
                self.accuse(Rule::I3, format!("{} has a hole at {number} of {}", log.conversation, log.head));
            }
        }
    }

    fn row_was_sent(&mut self, conversation: i64, row: &Row, cid: &str) {
        let Some(sent) = self.sends.get(&(row.author, cid.to_owned())) else {
            return self.accuse(Rule::I4, format!("nobody sent {cid} of {} at {}", row.author, row.seq));
        };
        let original = row.content == Some(sent.content);
        let edited = row.content.is_none_or(|content| self.edits.contains(&(conversation, row.seq, content)));
        let changed = row.rev > row.seq;
        if sent.conversation != conversation || !(original || changed && edited) {
            self.accuse(Rule::I4, format!("{cid} at {} in {conversation} is not what was sent", row.seq));
        }
    }

    /// I1, I5, I15: each send by its answers.
    fn sends_are_honest(&mut self) {
        let kept: HashSet<(i64, &str)> = self
            .evidence
            .logs
            .iter()
            .flat_map(|log| log.rows.iter().filter_map(|row| Some((row.author, row.cid.as_deref()?))))
            .collect();
        let mut found = Vec::new();
        for ((author, cid), sent) in &self.sends {
            if sent.refused && (kept.contains(&(*author, cid.as_str())) || !sent.acks.is_empty()) {
                found.push((Rule::I15, format!("{cid} of {author} was refused and is kept")));
            }
            let mut answers = sent.acks.iter().map(|(_, answer)| answer);
            let Some(first) = answers.next() else { continue };
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
        found.into_iter().for_each(|(rule, detail)| self.accuse(rule, detail));
    }

    /// I1 for edits: an acknowledged one is there, or a later one.
    fn edits_are_kept(&mut self) {
        let mut found = Vec::new();
        for entry in self.evidence.histories.iter().flat_map(|history| &history.entries) {
            if let Step::Edited { conversation, seq, rev } = entry.step {
                let row = self.kept.get(&conversation).and_then(|kept| kept.rows.get(&seq));
                if row.is_none_or(|row| row.rev < rev) {
                    found.push(format!("the edit {rev} of {seq} in {conversation} is not there: {row:?}"));
                }
            }
        }
        found.into_iter().for_each(|detail| self.accuse(Rule::I1, detail));
    }

    /// I9, in one pass over time for each conversation.
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
        let mut found = Vec::new();
        for (conversation, mut moments) in moments {
            // At the same instant nothing was known yet: the beginning (false) sorts before the answer (true).
            moments.sort_unstable();
            let mut latest: Option<(i64, &str)> = None;
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
        found.into_iter().for_each(|detail| self.accuse(Rule::I9, detail));
    }

    /// I8: on one connection, in one conversation, numbers rise in the order of sends.
    fn senders_are_in_order(&mut self, history: &History) {
        let mut begun: HashMap<(u64, &str), usize> = HashMap::new();
        let mut answered: BTreeMap<(u64, i64), Vec<(usize, i64)>> = BTreeMap::new();
        for (place, entry) in history.entries.iter().enumerate() {
            match &entry.step {
                Step::Invoke { cid, .. } => {
                    begun.insert((entry.connection, cid), place);
                }
                // A repeat is answered with the place that an earlier connection got for it.
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
            for pair in sends.windows(2).filter(|pair| pair[0].1 >= pair[1].1) {
                let (first, second) = (pair[0].1, pair[1].1);
                let place = format!("on connection {connection} of {} in {conversation}", history.client);
                self.accuse(Rule::I8, format!("{place} a send got {first} and the next one {second}"));
            }
        }
    }

    /// I6, I7, I11: what one client was told.
    fn receiver_agrees(&mut self, history: &History) {
        let mut views: BTreeMap<i64, View> = BTreeMap::new();
        for entry in &history.entries {
            match &entry.step {
                Step::Resume { conversation, cursor } => {
                    let view = views.entry(*conversation).or_insert_with(|| View::new(*cursor));
                    view.live = None;
                    if view.cursor != *cursor {
                        let (client, own) = (&history.client, view.cursor);
                        self.accuse(Rule::I6, format!("{client} resumed {conversation} at {cursor} instead of {own}"));
                    }
                }
                Step::Event { conversation, seq, row } => {
                    let view = views.entry(*conversation).or_insert_with(|| View::new(seq - 1));
                    self.event(history, *conversation, view, *seq, row.as_ref());
                }
                Step::Changes { conversation, from, to, reset, rows } => {
                    let view = views.entry(*conversation).or_insert_with(|| View::new(*from));
                    self.changes(history, *conversation, view, (*from, *to, *reset), rows);
                }
                _ => {}
            }
        }
        for (conversation, view) in &views {
            self.view_is_complete(history, *conversation, view);
        }
    }

    fn event(&mut self, history: &History, conversation: i64, view: &mut View, seq: i64, row: Option<&Row>) {
        let place = format!("{} in {conversation}", history.client);
        if let Some(row) = row {
            self.row_is_kept(&place, conversation, row);
        }
        // An event that a catch-up answer already covers is no fault: the protocol says to drop it.
        if view.live.is_some_and(|last| seq <= last) {
            self.accuse(Rule::I6, format!("{place} was told {seq} again on one connection"));
        }
        view.live = view.live.max(Some(seq));
        if seq <= view.cursor {
            return;
        }
        if seq > view.cursor + 1 {
            self.accuse(Rule::I6, format!("{place} was told {seq} after {}", view.cursor));
        }
        view.cursor = seq;
        view.rows.extend(row.map(|row| (row.seq, row.clone())));
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
        } else if from > view.cursor {
            self.accuse(Rule::I6, format!("{place} was caught up from {from}, but stood at {}", view.cursor));
        }
        let given: HashSet<i64> = rows.iter().map(|row| row.seq).collect();
        let missing: Vec<i64> = self.kept.get(&conversation).map_or_else(Vec::new, |kept| {
            let within = |number: i64| from < number && number <= to;
            let wanted = kept.log.rows.iter().filter(|row| within(row.seq) || within(row.rev));
            wanted.map(|row| row.seq).filter(|seq| !reset && !given.contains(seq)).collect()
        });
        for seq in missing {
            self.accuse(Rule::I7, format!("{place} was caught up from {from} to {to} without {seq}"));
        }
        view.cursor = view.cursor.max(to);
        view.rows.extend(rows.iter().map(|row| (row.seq, row.clone())));
    }

    /// I11 and the contents of I6: what was shown is kept, or something later of it.
    fn row_is_kept(&mut self, place: &str, conversation: i64, row: &Row) {
        let kept = self.kept.get(&conversation).and_then(|kept| kept.rows.get(&row.seq).copied());
        match kept {
            None => self.accuse(Rule::I11, format!("{place} was shown {row:?}, which is not kept")),
            Some(kept) if kept.id != row.id || kept.author != row.author || kept.cid != row.cid => {
                self.accuse(Rule::I11, format!("{place} was shown {row:?}, and kept is another message: {kept:?}"));
            }
            Some(kept) if kept.rev < row.rev => {
                self.accuse(Rule::I11, format!("{place} was shown {row:?}, and kept is an older state: {kept:?}"));
            }
            Some(kept) if kept.rev == row.rev && kept.content != row.content => {
                self.accuse(Rule::I6, format!("{place} was shown {row:?}, and kept is another text: {kept:?}"));
            }
            Some(_) => {}
        }
    }

    /// I7: old snapshot and events make the fresh snapshot.
    fn view_is_complete(&mut self, history: &History, conversation: i64, view: &View) {
        let Some(kept) = self.kept.get(&conversation) else { return };
        let place = format!("{} in {conversation}", history.client);
        let mut found = Vec::new();
        if view.cursor != kept.log.head {
            found.push(format!("{place} ended at {} of {}", view.cursor, kept.log.head));
        }
        for (seq, row) in &kept.rows {
            match view.rows.get(seq) {
                None if *seq > view.start => found.push(format!("{place} never got {seq}")),
                Some(own) if own != *row => found.push(format!("{place} ended with {own:?} instead of {row:?}")),
                _ => {}
            }
        }
        found.into_iter().for_each(|detail| self.accuse(Rule::I7, detail));
    }
}

/// A conversation as one client has it.
struct View {
    start: i64,
    cursor: i64,
    /// The number of the last live event on the present connection.
    live: Option<i64>,
    rows: BTreeMap<i64, Row>,
}

impl View {
    fn new(start: i64) -> Self {
        Self { start, cursor: start, live: None, rows: BTreeMap::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: i64 = 9;

    fn row(seq: i64, author: i64, cid: &str) -> Row {
        Row { seq, rev: seq, id: 100 + seq, author, cid: Some(cid.into()), content: Some(Content::of(cid)) }
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
        Step::Event { conversation: ROOM, seq: row.rev, row: Some(row) }
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

    /// Ann and Bob are in the room (1 and 2). Ann says a and b; b's answer is lost and she repeats it; Bob, who is
    /// cut off for b and c, catches up; Ann edits a.
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
            histories: vec![
                History { client: "ann".into(), author: 1, entries: ann },
                History { client: "bob".into(), author: 2, entries: bob },
            ],
            logs: vec![Log { conversation: ROOM, head: 8, rows, others: vec![1, 2] }],
        }
    }

    /// The rules that are broken after a change of the clean evidence.
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
    fn i3_a_hole_and_a_number_beyond_the_head() {
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
        // Bob's c, at 5, began only after e, at 8, had been answered.
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
}
