//! The order of a conversation, out of what comes from several nodes in any order.
//!
//! Numbers are given by the database, and events travel by two ways: those of this node directly, those of others by
//! way of Redis, which may lose them, double them or bring them late. [`Gaps`] lets each number pass once and in its
//! turn; what comes before its turn waits, and what does not come in time is to be read from the database. It does no
//! I/O and knows no clock, so that a simulation can try it with thousands of worlds.

use std::{collections::BTreeMap, time::Duration};

use chat::{
    Number,
    mutants::{self, Mutant},
};
use tokio::time::Instant;

/// How long a number that is missing may still be on its way, before the database is asked.
pub const PATIENCE: Duration = Duration::from_millis(50);
/// How long after a failed reading the next is tried.
pub const AGAIN: Duration = Duration::from_millis(500);
/// Events that may wait for their turn. More are let go: the reading that is due brings them.
const AHEAD: usize = 1_024;

/// Which numbers of a conversation have passed, and what waits for those before it.
#[derive(Debug)]
pub struct Gaps<E> {
    last: Number,
    /// The largest number that is known to exist.
    head: Number,
    /// Absent where nothing waits, which is nearly always.
    gap: Option<Box<Gap<E>>>,
}

#[derive(Debug)]
struct Gap<E> {
    ahead: BTreeMap<Number, E>,
    due: Instant,
    reading: bool,
    /// The largest number that was known to exist when the reading began: the database must have it.
    asked: Number,
    /// The largest that was heard of since.
    since: Number,
}

/// What becomes of an event that has come.
#[derive(Debug, PartialEq, Eq)]
pub enum Turn<E> {
    /// It is the next: tell it, then ask [`Gaps::pop`] for what it has held up.
    Now(E),
    /// It waits, or it has been told before.
    Later,
}

impl<E> Gaps<E> {
    /// Everything up to `last` is known.
    #[must_use]
    pub fn new(last: Number) -> Self {
        Self { last, head: last, gap: None }
    }

    /// The number up to which everything has passed.
    #[must_use]
    pub fn last(&self) -> Number {
        self.last
    }

    /// An event has come.
    pub fn offer(&mut self, number: Number, event: E, now: Instant) -> Turn<E> {
        if number <= self.last {
            return Turn::Later;
        }
        self.note(number);
        if number == self.last.next() || mutants::is(Mutant::NoReread) {
            self.pass(number);
            return Turn::Now(event);
        }
        let gap = self.gap_from(now + PATIENCE);
        if gap.ahead.len() < AHEAD {
            gap.ahead.insert(number, event);
        }
        Turn::Later
    }

    /// The next event that has waited and whose turn it is now.
    pub fn pop(&mut self) -> Option<E> {
        let gap = self.gap.as_mut()?;
        let event = gap.ahead.remove(&self.last.next())?;
        self.pass(self.last.next());
        Some(event)
    }

    /// The database has this head: what is missing up to there may be on its way still.
    pub fn heard_of(&mut self, head: Number, now: Instant) {
        if head > self.last && !mutants::is(Mutant::NoReread) {
            self.note(head);
            self.gap_from(now + PATIENCE);
        }
    }

    /// What is missing is not on its way: the database is to be asked at once.
    pub fn hurry(&mut self, now: Instant) {
        if let Some(gap) = &mut self.gap {
            gap.due = gap.due.min(now);
        }
    }

    /// There is a change with this number, as somebody says.
    fn note(&mut self, number: Number) {
        self.head = self.head.max(number);
        if let Some(gap) = &mut self.gap {
            gap.since = gap.since.max(number);
        }
    }

    /// When something has to be read, if anything is missing and it is not being read.
    #[must_use]
    pub fn due(&self) -> Option<Instant> {
        self.gap.as_ref().filter(|gap| !gap.reading).map(|gap| gap.due)
    }

    /// The number after which the database is to be read, if it is time. Its answer goes to [`Gaps::filled`] or
    /// [`Gaps::failed`].
    pub fn read_after(&mut self, now: Instant) -> Option<Number> {
        let gap = self.gap.as_mut().filter(|gap| !gap.reading && gap.due <= now)?;
        gap.reading = true;
        gap.asked = self.head;
        gap.since = Number(0);
        Some(self.last)
    }

    /// What was read takes subscribers to `to`: true if that is news to them. What waited for it may be next.
    ///
    /// Whoever told of a number, told it after its commit; what was told before the reading began, and of which it has
    /// brought nothing, is not true and is let go. So a number that leads costs a reading, however large it is.
    pub fn filled(&mut self, to: Number, now: Instant) -> bool {
        let news = to > self.last;
        if let Some(gap) = &mut self.gap {
            gap.reading = false;
            gap.due = now + PATIENCE;
            let is_untrue = !news && to < gap.asked;
            let known = if is_untrue { gap.asked } else { to };
            gap.ahead = gap.ahead.split_off(&known.next());
            if is_untrue {
                self.head = gap.since;
            }
        }
        self.head = self.head.max(to).max(self.last);
        self.pass(self.last.max(to));
        news
    }

    /// It could not be read now.
    pub fn failed(&mut self, now: Instant) {
        if let Some(gap) = &mut self.gap {
            gap.reading = false;
            gap.due = now + AGAIN;
        }
    }

    fn pass(&mut self, number: Number) {
        self.last = number;
        // A reading that is under way still wants its answer taken.
        if self.gap.as_ref().is_some_and(|gap| self.last >= self.head && !gap.reading) {
            self.gap = None;
        }
    }

    fn gap_from(&mut self, due: Instant) -> &mut Gap<E> {
        self.gap.get_or_insert_with(|| {
            Box::new(Gap { ahead: BTreeMap::new(), due, reading: false, asked: Number(0), since: Number(0) })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(gaps: &mut Gaps<i64>, number: i64, now: Instant) -> Vec<i64> {
        let mut told = Vec::new();
        if let Turn::Now(event) = gaps.offer(Number(number), number, now) {
            told.push(event);
        }
        told.extend(std::iter::from_fn(|| gaps.pop()));
        told
    }

    #[test]
    fn each_number_passes_once_and_in_its_turn() {
        let now = Instant::now();
        let mut gaps = Gaps::new(Number(4));
        assert_eq!(take(&mut gaps, 5, now), [5]);
        assert_eq!(take(&mut gaps, 5, now), [0; 0]);
        assert_eq!(take(&mut gaps, 8, now), [0; 0]);
        assert_eq!(take(&mut gaps, 7, now), [0; 0]);
        assert_eq!(take(&mut gaps, 6, now), [6, 7, 8]);
        assert_eq!(gaps.due(), None);
    }

    #[test]
    fn what_does_not_come_is_read() {
        let now = Instant::now();
        let mut gaps = Gaps::new(Number(0));
        assert_eq!(take(&mut gaps, 3, now), [0; 0]);
        assert_eq!(gaps.read_after(now), None, "it may be on its way");
        let later = now + PATIENCE;
        assert_eq!(gaps.due(), Some(later));
        assert_eq!(gaps.read_after(later), Some(Number(0)));
        assert_eq!(gaps.read_after(later), None, "once is enough");
        // Meanwhile more has come, also what was missing.
        assert_eq!(take(&mut gaps, 5, later), [0; 0]);
        assert_eq!(take(&mut gaps, 1, later), [1]);
        assert!(gaps.filled(Number(4), later));
        assert_eq!((gaps.pop(), gaps.pop(), gaps.last()), (Some(5), None, Number(5)));
        assert_eq!(gaps.due(), None);
    }

    #[test]
    fn a_failed_reading_is_tried_again_and_a_late_answer_is_no_news() {
        let now = Instant::now();
        let mut gaps: Gaps<i64> = Gaps::new(Number(7));
        gaps.heard_of(Number(7), now);
        assert_eq!(gaps.due(), None);
        gaps.heard_of(Number(9), now);
        assert_eq!(gaps.read_after(now + PATIENCE), Some(Number(7)));
        gaps.failed(now);
        assert_eq!(gaps.due(), Some(now + AGAIN));
        assert_eq!(gaps.read_after(now + AGAIN), Some(Number(7)));
        assert_eq!((take(&mut gaps, 8, now), take(&mut gaps, 9, now)), (vec![8], vec![9]));
        assert!(!gaps.filled(Number(9), now));
        assert_eq!((gaps.due(), gaps.last()), (None, Number(9)));
    }

    #[test]
    fn a_reading_that_was_too_old_is_repeated() {
        let now = Instant::now();
        let mut gaps: Gaps<i64> = Gaps::new(Number(0));
        gaps.heard_of(Number(5), now);
        assert_eq!(gaps.read_after(now + PATIENCE), Some(Number(0)));
        assert!(gaps.filled(Number(3), now));
        assert_eq!(gaps.read_after(now + PATIENCE), Some(Number(3)));
    }

    #[test]
    fn a_number_that_the_database_does_not_have_costs_one_reading() {
        let now = Instant::now();
        let mut gaps: Gaps<i64> = Gaps::new(Number(7));
        gaps.heard_of(Number(1_000_000_000_000), now);
        assert_eq!(take(&mut gaps, 900, now), [0; 0]);
        assert_eq!(gaps.read_after(now + PATIENCE), Some(Number(7)));
        assert_eq!(take(&mut gaps, 8, now), [8]);
        assert_eq!(take(&mut gaps, 10, now), [0; 0]);
        assert!(!gaps.filled(Number(8), now));
        // What came meanwhile and may be true is read once more.
        assert_eq!(gaps.read_after(now + PATIENCE), Some(Number(8)));
        assert!(gaps.filled(Number(10), now));
        assert_eq!((gaps.due(), gaps.last()), (None, Number(10)));
        assert_eq!(take(&mut gaps, 11, now), [11]);
    }

    #[test]
    fn what_was_told_while_it_was_being_read_may_be_newer_than_what_was_read() {
        let now = Instant::now();
        let mut gaps: Gaps<i64> = Gaps::new(Number(7));
        gaps.heard_of(Number(9), now);
        assert_eq!(gaps.read_after(now + PATIENCE), Some(Number(7)));
        gaps.heard_of(Number(12), now);
        assert!(gaps.filled(Number(9), now));
        assert_eq!(gaps.read_after(now + PATIENCE), Some(Number(9)));
        assert!(gaps.filled(Number(12), now));
        assert_eq!(gaps.due(), None);
    }

    #[test]
    fn a_crowd_that_waits_is_bounded_and_nothing_is_lost_by_it() {
        let now = Instant::now();
        let mut gaps = Gaps::new(Number(0));
        for number in 2..5_000 {
            assert_eq!(take(&mut gaps, number, now), [0; 0]);
        }
        assert_eq!(gaps.read_after(now + PATIENCE), Some(Number(0)));
        assert!(gaps.filled(Number(1), now));
        let told: Vec<i64> = std::iter::from_fn(|| gaps.pop()).collect();
        assert_eq!(told, (2..=1_025).collect::<Vec<_>>());
        assert_eq!(gaps.read_after(now + PATIENCE), Some(Number(1_025)), "what was let go is read");
    }
}
