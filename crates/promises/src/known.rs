//! The state of a conversation in a client, reduced from what it was sent by the rules of "Coming back".

use std::{collections::BTreeMap, convert::Infallible, fmt};

use chat::{Fact, Number, UserId, members::Member, messages::Message, threads::Summary};

/// The form in which a judge represents what clients were sent.
pub trait Form {
    /// A message as it was at one number.
    type Message: Clone + fmt::Debug + PartialEq;
    /// A membership as it was at one number.
    type Member: Clone + fmt::Debug + PartialEq;
    /// A thread as its root showed it at one number.
    type Thread: Clone + fmt::Debug + PartialEq;
    /// The conversation's row.
    type Row: Clone + Default + fmt::Debug + PartialEq;

    /// The number with which a message was created, and that of its last change.
    fn message(message: &Self::Message) -> (Number, Number);
    /// The `seq` of a thread's root, and the number of the thread's last change.
    fn thread(thread: &Self::Thread) -> (Number, Number);
    /// Takes from a message what it shows of the thread about it: that has a number of its own.
    fn take_thread(message: &mut Self::Message) -> Option<Self::Thread>;
    /// A membership's user, the number of its last change, and whether they are a member.
    fn member(member: &Self::Member) -> (UserId, Number, bool);
    /// Notes that the conversation has reached this number, and how many members it has, if the event says so.
    fn moved(row: &mut Self::Row, head: Number, member_count: Option<i64>);
}

/// A change that an event makes to a client's state.
#[derive(Clone, Debug)]
pub enum Change<F: Form> {
    /// A message is new, or has changed.
    Message(F::Message),
    /// A membership has changed; with the number of members, if the event gives it.
    Member(F::Member, Option<i64>),
    /// The row has changed.
    Row(F::Row),
    /// Nothing that this form represents.
    Nothing,
}

/// The place of an event in relation to the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// It was applied already: a repeat does no harm.
    Known,
    /// It is the next.
    Next,
    /// Something before it is missing.
    Beyond,
}

/// A conversation's state, as a client knows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Known<F: Form> {
    /// The number of the last change that is applied; negative before anything was read.
    pub cursor: Number,
    /// The row.
    pub row: F::Row,
    /// The present members.
    pub members: BTreeMap<UserId, F::Member>,
    /// Messages by the number with which they were created, tombstones included.
    pub messages: BTreeMap<Number, F::Message>,
    /// The known summaries of threads, by their roots.
    pub threads: BTreeMap<Number, F::Thread>,
    /// Messages before this number are unknown.
    pub floor: Number,
}

/// An empty state at number 0.
impl<F: Form> Default for Known<F> {
    fn default() -> Self {
        Self::at(Number(0))
    }
}

impl<F: Form> Known<F> {
    /// An empty state at this number: changes after it are expected.
    #[must_use]
    pub fn at(cursor: Number) -> Self {
        let (row, members, floor) = (F::Row::default(), BTreeMap::new(), Number(0));
        Self { cursor, row, members, messages: BTreeMap::new(), threads: BTreeMap::new(), floor }
    }

    /// A state that was read in full, at one number.
    pub fn read(
        head: Number,
        row: F::Row,
        members: impl IntoIterator<Item = F::Member>,
        messages: impl IntoIterator<Item = F::Message>,
    ) -> Self {
        let mut known = Self { row, ..Self::at(head) };
        members.into_iter().for_each(|member| _ = known.put_member(member));
        messages.into_iter().for_each(|message| _ = known.put_message(message));
        known
    }

    /// The place of an event with this number: the next is applied, one that is not larger is dropped, and a gap must
    /// not occur.
    #[must_use]
    pub fn place(&self, number: Number) -> Place {
        if number <= self.cursor {
            Place::Known
        } else if number == self.cursor.next() {
            Place::Next
        } else {
            Place::Beyond
        }
    }

    /// Applies an event that was not applied yet. False if it shows an older state than the known one, which must not
    /// happen.
    pub fn apply(&mut self, number: Number, change: Change<F>) -> bool {
        let mut member_count = None;
        let is_newer = match change {
            Change::Message(message) => self.put_message(message),
            Change::Member(member, count) => {
                member_count = count;
                self.put_member(member)
            }
            Change::Row(row) => {
                self.row = row;
                true
            }
            Change::Nothing => true,
        };
        self.cursor = self.cursor.max(number);
        F::moved(&mut self.row, self.cursor, member_count);
        is_newer
    }

    /// Applies a catch-up answer up to `to`, which must not be below the cursor: the rows that have changed, as they
    /// are now. Returns how many of them are older than the known ones, which must not happen, because they were read
    /// later.
    pub fn catch_up(
        &mut self,
        to: Number,
        row: F::Row,
        members: impl IntoIterator<Item = F::Member>,
        messages: impl IntoIterator<Item = F::Message>,
        threads: impl IntoIterator<Item = F::Thread>,
    ) -> usize {
        let threads = threads.into_iter().map(|thread| self.put_thread(thread)).filter(|taken| !taken).count();
        let messages = messages.into_iter().map(|message| self.put_message(message)).filter(|taken| !taken).count();
        let members = members.into_iter().map(|member| self.put_member(member)).filter(|taken| !taken).count();
        self.row = row;
        self.cursor = self.cursor.max(to);
        messages + members + threads
    }

    /// Stores a message. False if it is older than the known one and was dropped.
    pub fn put_message(&mut self, mut message: F::Message) -> bool {
        // A message's summary of its thread may be newer or older than the message itself.
        if let Some(thread) = F::take_thread(&mut message) {
            self.put_thread(thread);
        }
        let (seq, rev) = F::message(&message);
        if seq < self.floor {
            return true;
        }
        let is_old = self.messages.get(&seq).is_some_and(|known| F::message(known).1 > rev);
        if !is_old {
            self.messages.insert(seq, message);
        }
        !is_old
    }

    /// Stores what is known of a thread. False if it is older than what was known and was dropped.
    pub fn put_thread(&mut self, thread: F::Thread) -> bool {
        let (root, rev) = F::thread(&thread);
        if root < self.floor {
            return true;
        }
        let is_old = self.threads.get(&root).is_some_and(|known| F::thread(known).1 > rev);
        if !is_old {
            self.threads.insert(root, thread);
        }
        !is_old
    }

    /// Stores a membership, or removes one that has ended. False if it is older than the known one.
    pub fn put_member(&mut self, member: F::Member) -> bool {
        let (user, rev, inside) = F::member(&member);
        if self.members.get(&user).is_some_and(|known| F::member(known).1 > rev) {
            return false;
        }
        if inside {
            self.members.insert(user, member);
        } else {
            self.members.remove(&user);
        }
        true
    }

    /// The law: old snapshot + events = fresh snapshot. Describes each difference from a state that was read fresh at
    /// the same number.
    #[must_use]
    pub fn differences(&self, fresh: &Self) -> Vec<String> {
        let mut words = Vec::new();
        if self.row != fresh.row {
            words.push(format!("the row is known as {:?}, but is {:?}", self.row, fresh.row));
        }
        differ("member", &self.members, &fresh.members, &mut words);
        // Messages that one of the two does not reach cannot be compared.
        let floor = self.floor.max(fresh.floor);
        let [known_threads, fresh_threads] =
            [self, fresh].map(|of| of.threads.range(floor..).collect::<BTreeMap<_, _>>());
        let [known, fresh] = [self, fresh].map(|of| of.messages.range(floor..).collect::<BTreeMap<_, _>>());
        differ("message", &known, &fresh, &mut words);
        differ("thread", &known_threads, &fresh_threads, &mut words);
        words
    }
}

pub(crate) fn differ<K: Ord + fmt::Display, V: fmt::Debug + PartialEq>(
    what: &str,
    known: &BTreeMap<K, V>,
    fresh: &BTreeMap<K, V>,
    words: &mut Vec<String>,
) {
    for (id, own) in known {
        match fresh.get(id) {
            Some(other) if own == other => {}
            Some(other) => words.push(format!("{what} {id} is known as {own:?}, but is {other:?}")),
            None => words.push(format!("{what} {id} is known as {own:?}, but is not there")),
        }
    }
    let missing = fresh.iter().filter(|(id, _)| !known.contains_key(id));
    words.extend(missing.map(|(id, other)| format!("{what} {id} is not known, but is {other:?}")));
}

/// The membership of judges that record none.
pub type Nobody = Infallible;
/// The threads of judges that record none.
pub type NoThreads = Infallible;

/// Facts in the program's own types. The row is not compared: its head is the cursor, and nothing else of it changes in
/// the simulation's worlds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts;

impl Form for Facts {
    type Message = Message;
    type Member = Member;
    type Thread = Summary;
    type Row = ();

    fn message(message: &Message) -> (Number, Number) {
        (message.seq, message.rev)
    }

    fn thread(thread: &Summary) -> (Number, Number) {
        (thread.root, thread.rev)
    }

    fn take_thread(message: &mut Message) -> Option<Summary> {
        message.summary.take().map(|summary| *summary)
    }

    fn member(member: &Member) -> (UserId, Number, bool) {
        (member.user, member.rev, member.role.is_some())
    }

    fn moved((): &mut (), _head: Number, _member_count: Option<i64>) {}
}

impl From<&Fact> for Change<Facts> {
    fn from(fact: &Fact) -> Self {
        match fact {
            Fact::MessageCreated(message)
            | Fact::MessageEdited(message)
            | Fact::MessageDeleted(message)
            | Fact::MessagePreviewed(message)
            | Fact::ReactionAdded { message, .. }
            | Fact::ReactionRemoved { message, .. } => Self::Message(message.clone()),
            Fact::MemberJoined { member, member_count } | Fact::MemberLeft { member, member_count, .. } => {
                Self::Member(member.clone(), Some(*member_count))
            }
            Fact::MemberUpdated(member) => Self::Member(member.clone(), None),
            Fact::ConversationCreated(_) | Fact::ConversationUpdated(_) => Self::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A message as its number, its last change and its text; a membership as user, number and whether they are in.
    #[derive(Clone, Debug, PartialEq)]
    struct Plain;

    impl Form for Plain {
        type Message = (i64, i64, &'static str);
        type Member = (i64, i64, bool);
        type Thread = (i64, i64, i64);
        type Row = (i64, i64);

        fn message(message: &Self::Message) -> (Number, Number) {
            (Number(message.0), Number(message.1))
        }

        fn thread(thread: &Self::Thread) -> (Number, Number) {
            (Number(thread.0), Number(thread.1))
        }

        fn take_thread(_message: &mut Self::Message) -> Option<Self::Thread> {
            None
        }

        fn member(member: &Self::Member) -> (UserId, Number, bool) {
            (UserId(member.0), Number(member.1), member.2)
        }

        fn moved(row: &mut (i64, i64), head: Number, member_count: Option<i64>) {
            *row = (head.0, member_count.unwrap_or(row.1));
        }
    }

    fn known() -> Known<Plain> {
        Known::read(Number(3), (3, 2), [(1, 1, true), (2, 1, true)], [(2, 2, "a"), (3, 3, "b")])
    }

    #[test]
    fn old_snapshot_and_events_are_a_fresh_snapshot_and_so_are_changes() {
        let (mut heard, mut caught_up) = (known(), known());
        assert_eq!([3, 4, 5].map(|number| heard.place(Number(number))), [Place::Known, Place::Next, Place::Beyond]);
        assert!(heard.apply(Number(4), Change::Message((4, 4, "c"))));
        assert!(heard.apply(Number(5), Change::Message((2, 5, "d"))));
        assert!(heard.apply(Number(6), Change::Member((2, 6, false), Some(1))));
        assert!(heard.apply(Number(7), Change::Nothing));
        assert_eq!(caught_up.catch_up(Number(7), (7, 1), [(2, 6, false)], [(2, 5, "d"), (4, 4, "c")], [(3, 7, 1)]), 0);
        assert!(heard.put_thread((3, 7, 1)) && !heard.put_thread((3, 6, 9)), "the newer summary stays");
        let fresh = Known::read(Number(7), (7, 1), [(1, 1, true)], [(2, 5, "d"), (3, 3, "b"), (4, 4, "c")]);
        let fresh = Known { threads: [(Number(3), (3, 7, 1))].into(), ..fresh };
        for known in [heard, caught_up] {
            assert_eq!(known.differences(&fresh), [""; 0]);
            assert_eq!(known, fresh);
        }
    }

    #[test]
    fn every_difference_in_the_known_range_is_reported() {
        let fresh = Known::<Plain>::read(Number(3), (3, 1), [(1, 1, true)], [(2, 2, "x"), (4, 4, "c")]);
        let words = known().differences(&fresh);
        let wanted =
            ["the row is", "member 2 is known", "message 2 is known", "message 3 is known", "message 4 is not"];
        assert!(
            words.len() == 5 && words.iter().zip(wanted).all(|(word, wanted)| word.starts_with(wanted)),
            "{words:?}"
        );
        let high = Known { floor: Number(4), ..fresh };
        assert_eq!(known().differences(&high).len(), 3, "only the row, a member and what is above the floor");
    }

    #[test]
    fn rows_older_than_the_known_ones_are_counted_and_dropped() {
        let mut known = known();
        assert!(known.apply(Number(4), Change::Message((2, 4, "new"))));
        assert!(!known.apply(Number(5), Change::Message((2, 3, "old"))));
        assert_eq!(known.catch_up(Number(5), (5, 2), [(1, 0, false)], [(2, 3, "old"), (3, 5, "late")], []), 2);
        assert_eq!(known.messages[&Number(2)], (2, 4, "new"));
        assert_eq!(known.messages[&Number(3)], (3, 5, "late"));
        assert!(known.members.contains_key(&UserId(1)));
    }
}
