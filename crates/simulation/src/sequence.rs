//! The order of one conversation, or of one account, on one node: the real [`Gaps`], and around it the faults that can only be put there.

use chat::{AccountEvent, Event, Number};
use stream::gaps::{Gaps, Turn};
use tokio::time::Instant;

use crate::fault::Fault;

/// What has a number.
pub(crate) trait Numbered {
    fn number(&self) -> Number;
}

impl Numbered for Event {
    fn number(&self) -> Number {
        self.number
    }
}

impl Numbered for AccountEvent {
    fn number(&self) -> Number {
        self.number
    }
}

#[derive(Debug)]
pub(crate) struct Sequence<E> {
    gaps: Gaps<E>,
    /// The largest number that was heard of.
    head: Number,
    fault: Option<Fault>,
}

impl<E: Numbered> Sequence<E> {
    pub(crate) fn new(last: Number, fault: Option<Fault>) -> Self {
        Self { gaps: Gaps::new(last), head: last, fault }
    }

    pub(crate) fn last(&self) -> Number {
        self.gaps.last()
    }

    /// The event, if it is its turn; then [`Sequence::pop`] gives what it has held up.
    pub(crate) fn offer(&mut self, event: E, now: Instant) -> Option<E> {
        let number = event.number();
        self.head = self.head.max(number);
        match self.fault {
            Some(Fault::PassesGaps) if number > self.last() => {
                self.gaps = Gaps::new(number);
                return Some(event);
            }
            Some(Fault::PassesTwice) if number <= self.last() => return Some(event),
            _ => {}
        }
        match self.gaps.offer(number, event, now) {
            Turn::Now(event) => Some(event),
            Turn::Later => None,
        }
    }

    /// The next that has waited and whose turn it is now.
    pub(crate) fn pop(&mut self) -> Option<E> {
        self.gaps.pop()
    }

    pub(crate) fn heard_of(&mut self, head: Number, now: Instant) {
        self.head = self.head.max(head);
        self.gaps.heard_of(head, now);
    }

    /// The same, and nothing is on its way.
    pub(crate) fn must_read_to(&mut self, head: Number, now: Instant) {
        self.heard_of(head, now);
        self.gaps.hurry(now);
    }

    pub(crate) fn due(&self) -> Option<Instant> {
        if self.fault == Some(Fault::NeverReads) { None } else { self.gaps.due() }
    }

    pub(crate) fn read_after(&mut self, now: Instant) -> Option<Number> {
        self.gaps.read_after(now)
    }

    /// Whether what was read is news.
    pub(crate) fn filled(&mut self, to: Number, now: Instant) -> bool {
        let to = if self.fault == Some(Fault::TakesOldReadings) { to.max(self.head) } else { to };
        self.gaps.filled(to, now)
    }

    pub(crate) fn failed(&mut self, now: Instant) {
        self.gaps.failed(now);
    }
}
