//! Joins and leaves of a large channel, gathered for those who take a run of them as one.
//!
//! Ten thousand people who come into one room would be told of each other fifty million times. So a join is told at
//! once if none was for a while, and those that follow within [`EVERY`] are told together. Whatever else happens in the
//! channel comes after the run that was before it.

use chat::{ConversationId, Event, members::Turnover};
use tokio::time::{Duration, Instant};

use crate::{
    audience::{Audience, Listening},
    channel::Channel,
};

/// The least time between two runs of one channel.
const EVERY: Duration = Duration::from_secs(1);

/// Joins and leaves that wait to be told.
#[derive(Clone, Copy)]
pub(crate) struct Run {
    turnover: Turnover,
    /// When they are told, if nothing else happens before.
    due: Instant,
}

impl Channel {
    /// Takes an event into the run if it is a join or leave and the channel has more members than `most`; else ends the
    /// run, because it comes before the event. Returns the audiences that are told of the event by itself, and when the
    /// run is due if it has begun with it.
    pub(crate) fn gather(&mut self, event: &Event, most: i64, now: Instant) -> (Listening, Option<Instant>) {
        let count = event.fact.members_after().filter(|count| *count > most);
        let Some(member_count) = count.filter(|_| self.listening[Audience::GATHERING.place()] > 0) else {
            self.end_run(event.conversation, now);
            return (self.listening, None);
        };
        let rare = self.rare();
        let begins = rare.run.is_none();
        let due = rare.turnover_at.map_or(now, |told| now.max(told + EVERY));
        let from = event.number;
        let run = rare.run.get_or_insert(Run { turnover: Turnover { from, to: from, member_count }, due });
        (run.turnover.to, run.turnover.member_count) = (event.number, member_count);
        let due = begins.then_some(run.due);
        let mut rest = self.listening;
        rest[Audience::GATHERING.place()] = 0;
        (rest, due)
    }

    /// Ends the run, if there is one: it will be handed out with the rest.
    pub(crate) fn end_run(&mut self, conversation: ConversationId, now: Instant) {
        let Some(rare) = self.known_rare() else { return };
        if let Some(run) = rare.run.take() {
            rare.turnover_at = Some(now);
            self.chunk.add_turnover(conversation, &run.turnover);
        }
    }

    /// The same, if it is due.
    pub(crate) fn end_due_run(&mut self, conversation: ConversationId, now: Instant) {
        if self.known_rare().and_then(|rare| rare.run).is_some_and(|run| run.due <= now) {
            self.end_run(conversation, now);
        }
    }
}
