//! The order of one conversation on one node: the real [`Gaps`], and around it the faults that can only be put there.

use chat::{Event, Number};
use stream::gaps::{Gaps, Turn};
use tokio::time::Instant;

use crate::fault::Fault;

#[derive(Debug)]
pub(crate) struct Sequence {
    gaps: Gaps<Event>,
    /// The largest number that was heard of.
    head: Number,
    fault: Option<Fault>,
}

impl Sequence {
    pub(crate) fn new(last: Number, fault: Option<Fault>) -> Self {
        Self { gaps: Gaps::new(last), head: last, fault }
    }

    pub(crate) fn last(&self) -> Number {
        self.gaps.last()
    }

    /// What is to be told now that this event has come.
    pub(crate) fn offer(&mut self, event: Event, now: Instant) -> Vec<Event> {
        let number = event.number;
        self.head = self.head.max(number);
        match self.fault {
            Some(Fault::PassesHoles) if number > self.last() => {
                self.gaps = Gaps::new(number);
                return vec![event];
            }
            Some(Fault::PassesTwice) if number <= self.last() => return vec![event],
            _ => {}
        }
        let mut told = Vec::new();
        if let Turn::Now(event) = self.gaps.offer(number, event, now) {
            told.push(event);
            told.extend(self.waited());
        }
        told
    }

    /// What has waited and whose turn it is now.
    fn waited(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.gaps.pop()).collect()
    }

    pub(crate) fn heard_of(&mut self, head: Number, now: Instant) {
        self.head = self.head.max(head);
        self.gaps.heard_of(head, now);
    }

    pub(crate) fn due(&self) -> Option<Instant> {
        if self.fault == Some(Fault::NeverReads) { None } else { self.gaps.due() }
    }

    pub(crate) fn read_after(&mut self, now: Instant) -> Option<Number> {
        self.gaps.read_after(now)
    }

    /// Whether what was read is news, and what is to be told after it.
    pub(crate) fn filled(&mut self, to: Number, now: Instant) -> (bool, Vec<Event>) {
        let to = if self.fault == Some(Fault::TakesOldReadings) { to.max(self.head) } else { to };
        let news = self.gaps.filled(to, now);
        (news, self.waited())
    }

    pub(crate) fn failed(&mut self, now: Instant) {
        self.gaps.failed(now);
    }
}
