//! What a client knows of a conversation, reduced from what it was told by the rules of "Coming back".

use std::{collections::BTreeMap, convert::Infallible, fmt};

use chat::{Fact, Number, UserId, members::Member, messages::Message};

/// The form in which a judge has what was told.
pub trait Form {
    /// A message as it was at one number.
    type Message: Clone + fmt::Debug + PartialEq;
    /// A membership as it was at one number.
    type Member: Clone + fmt::Debug + PartialEq;
    /// The conversation's row.
    type Row: Clone + Default + fmt::Debug + PartialEq;

    /// A message's place, and the number of its last change.
    fn message(message: &Self::Message) -> (Number, Number);
    /// Whose membership it is, the number of its last change, and whether they are in.
    fn member(member: &Self::Member) -> (UserId, Number, bool);
    /// The conversation has come to this number, and to so many members, where an event tells that.
    fn moved(row: &mut Self::Row, head: Number, member_count: Option<i64>);
}

/// What an event changes in what a client knows.
#[derive(Clone, Debug)]
pub enum Change<F: Form> {
    /// A message is new, or has changed.
    Message(F::Message),
    /// Somebody has come, gone or got another role; how many there are now, if that is told.
    Member(F::Member, Option<i64>),
    /// The row has changed.
    Row(F::Row),
    /// Nothing that this form has.
    Nothing,
}

/// Where an event stands to what is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// It is known already: a repeat does no harm.
    Known,
    /// It is the next.
    Next,
    /// Something before it is missing.
    Beyond,
}

/// A conversation as a client knows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Known<F: Form> {
    /// The number of the last change that it knows; negative before it has read anything.
    pub cursor: Number,
    /// The row.
    pub row: F::Row,
    /// Those who are in.
    pub members: BTreeMap<UserId, F::Member>,
    /// Messages by their places, tombstones included.
    pub messages: BTreeMap<Number, F::Message>,
    /// Messages before this place are not known.
    pub floor: Number,
}

/// Nothing, not even a number.
impl<F: Form> Default for Known<F> {
    fn default() -> Self {
        Self::at(Number(0))
    }
}

impl<F: Form> Known<F> {
    /// Nothing but a number: what comes after it is to be told.
    #[must_use]
    pub fn at(cursor: Number) -> Self {
        let (row, members, messages) = (F::Row::default(), BTreeMap::new(), BTreeMap::new());
        Self { cursor, row, members, messages, floor: Number(0) }
    }

    /// What was read at one number.
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

    /// Where an event of this number stands: the next is applied, what is not larger is dropped, and a gap must not
    /// be.
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

    /// Applies an event that is not known yet. False if it shows something older than is known, which cannot be.
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

    /// Applies a catch-up answer up to `to`, which is not behind the cursor: the rows that have changed, as they are
    /// now. Returns how many of them are older than what is known, which cannot be: they were read after it.
    pub fn catch_up(
        &mut self,
        to: Number,
        row: F::Row,
        members: impl IntoIterator<Item = F::Member>,
        messages: impl IntoIterator<Item = F::Message>,
    ) -> usize {
        let messages = messages.into_iter().map(|message| self.put_message(message)).filter(|taken| !taken).count();
        let members = members.into_iter().map(|member| self.put_member(member)).filter(|taken| !taken).count();
        self.row = row;
        self.cursor = self.cursor.max(to);
        messages + members
    }

    /// Puts a message in its place. False if it is older than what is known of it, and was dropped.
    pub fn put_message(&mut self, message: F::Message) -> bool {
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

    /// Puts a membership in its place, or takes away who has gone. False if it is older than what is known of it.
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

    /// The law: old snapshot + events = fresh snapshot. What differs from what is read fresh at the same number, in
    /// words.
    #[must_use]
    pub fn differences(&self, fresh: &Self) -> Vec<String> {
        let mut words = Vec::new();
        if self.row != fresh.row {
            words.push(format!("the row is known as {:?}, but is {:?}", self.row, fresh.row));
        }
        differ("member", &self.members, &fresh.members, &mut words);
        // What one of them does not reach down to cannot be compared.
        let floor = self.floor.max(fresh.floor);
        let [known, fresh] = [self, fresh].map(|of| of.messages.range(floor..).collect::<BTreeMap<_, _>>());
        differ("message", &known, &fresh, &mut words);
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

/// A membership where a judge has noted none.
pub type Nobody = Infallible;

/// Facts, as the program has them. Their row is not compared: the head is the cursor, and nothing else of it changes in
/// the simulation's worlds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts;

impl Form for Facts {
    type Message = Message;
    type Member = Member;
    type Row = ();

    fn message(message: &Message) -> (Number, Number) {
        (message.seq, message.rev)
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

    /// A message as its place, its last change and its text; a member as who, when and whether.
    #[derive(Clone, Debug, PartialEq)]
    struct Plain;

    impl Form for Plain {
        type Message = (i64, i64, &'static str);
        type Member = (i64, i64, bool);
        type Row = (i64, i64);

        fn message(message: &Self::Message) -> (Number, Number) {
            (Number(message.0), Number(message.1))
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
        assert_eq!(caught_up.catch_up(Number(7), (7, 1), [(2, 6, false)], [(2, 5, "d"), (4, 4, "c")]), 0);
        let fresh = Known::read(Number(7), (7, 1), [(1, 1, true)], [(2, 5, "d"), (3, 3, "b"), (4, 4, "c")]);
        for known in [heard, caught_up] {
            assert_eq!(known.differences(&fresh), [""; 0]);
            assert_eq!(known, fresh);
        }
    }

    #[test]
    fn whatever_differs_is_told_but_what_is_out_of_sight() {
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
    fn what_is_older_than_what_is_known_is_counted_and_dropped() {
        let mut known = known();
        assert!(known.apply(Number(4), Change::Message((2, 4, "new"))));
        assert!(!known.apply(Number(5), Change::Message((2, 3, "old"))));
        assert_eq!(known.catch_up(Number(5), (5, 2), [(1, 0, false)], [(2, 3, "old"), (3, 5, "late")]), 2);
        assert_eq!(known.messages[&Number(2)], (2, 4, "new"));
        assert_eq!(known.messages[&Number(3)], (3, 5, "late"));
        assert!(known.members.contains_key(&UserId(1)));
    }
}
