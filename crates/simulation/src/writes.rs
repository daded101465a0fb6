//! How a node writes: the commands that have piled up are one transaction. After its commit it is published to other
//! nodes and to subscribers, and the commands are answered. Anything may break in between.

use std::rc::Rc;

use chat::{
    Command, Error, ErrorCode, Event, Fact, MessageId, Millis, Number, Outgoing, Reply,
    messages::{Message, Sent, Submission},
};
use store::invalidations;
use stream::wire;

use crate::{
    agenda::{Channel, Frame, Happening, Job, Letter, Written},
    fault::Fault,
    node::Meanwhile,
    world::{World, note},
};

/// Commands that one transaction takes at most.
const BATCH: usize = 16;

/// A transaction on its way into the database.
pub(crate) struct Flight {
    node: usize,
    life: u32,
    cable: u32,
    jobs: Vec<Job>,
}

impl World<'_> {
    /// Puts a command into the node's queue.
    pub(crate) fn write(&mut self, node: usize, job: Job) {
        self.nodes[node].queue.push_back(job);
        self.write_next(node);
    }

    fn write_next(&mut self, node: usize) {
        let writer = &mut self.nodes[node];
        if writer.writing || writer.queue.is_empty() {
            return;
        }
        let size = writer.queue.len().min(BATCH);
        let jobs: Vec<Job> = writer.queue.drain(..size).collect();
        writer.writing = true;
        let (life, cable) = (writer.life, writer.cable);
        let within = self.pace(node, self.weather.database);
        if self.reaches_database(node) {
            let flight = self.count();
            self.flights.insert(flight, Flight { node, life, cable, jobs });
            self.plan_in(within, Happening::Commit { flight });
        } else {
            let refuse = || Err(Error::new(ErrorCode::Unavailable, "The database is away."));
            let written = Some(Written { told: Vec::new(), replies: jobs.iter().map(|_| refuse()).collect() });
            self.plan_in(within + 100_000, Happening::Committed { node, life, cable, jobs, written });
        }
    }

    /// The database executes a transaction.
    pub(crate) fn commit(&mut self, flight: u64) {
        let Some(Flight { node, life, cable, jobs }) = self.flights.remove(&flight) else { return };
        let written = Some(self.execute(node, &jobs));
        let within = self.pace(node, self.weather.database);
        self.plan_in(within, Happening::Committed { node, life, cable, jobs, written });
    }

    fn execute(&mut self, node: usize, jobs: &[Job]) -> Written {
        let millis = i64::try_from(self.now.as_millis()).unwrap_or(i64::MAX);
        self.database.set_clock(1_000_000_000 + millis + self.nodes[node].skew);
        let commands = jobs.iter().map(|job| (job.speaker.clone(), job.command.clone()));
        let commands = commands.map(|(speaker, command)| (speaker, self.forget_id(command))).collect();
        let (told, replies) = self.database.commit(commands);
        for one in &told {
            match one {
                Outgoing::Event(event) => {
                    note!(self, "node {node} commits {}", self.shown(event));
                    self.figures.changes += 1;
                }
                Outgoing::Account(event) => {
                    note!(self, "node {node} commits {}", self.shown_account(event));
                    self.figures.account_changes += 1;
                }
                Outgoing::Notice(_) | Outgoing::Revocation(_) | Outgoing::Doubt | Outgoing::NewHistory => {}
            }
        }
        self.judge.record(self.now, &told);
        self.note_invalidations(node, invalidations::of(&told).len());
        Written { told, replies }
    }

    fn forget_id(&mut self, command: Command) -> Command {
        match command {
            Command::SendMessage(submission) if self.fault == Some(Fault::ForgetsClientIds) => {
                Command::SendMessage(Submission { client_id: None, ..submission })
            }
            command => command,
        }
    }

    /// Notes that the newest invalidations are this node's own.
    fn note_invalidations(&mut self, node: usize, count: usize) {
        if count == 0 {
            return;
        }
        let newest = self.database.newest_invalidation().unwrap_or_default();
        let first = newest - i64::try_from(count).unwrap_or(0) + 1;
        let name = self.nodes[node].name;
        self.invalidations_of.extend((first..=newest).map(|id| (id, name)));
    }

    /// Breaks the connections to the database: nobody knows whether the transactions on them have arrived.
    pub(crate) fn doubt_flights(&mut self, of: Option<usize>) {
        let doubtful: Vec<u64> = self
            .flights
            .iter()
            .filter(|(_, flight)| of.is_none_or(|node| node == flight.node))
            .map(|(id, _)| *id)
            .collect();
        for id in doubtful {
            let Some(flight) = self.flights.remove(&id) else { continue };
            if self.dice.chance(500) {
                self.execute(flight.node, &flight.jobs);
            } else {
                note!(self, "what node {} was writing is lost", flight.node);
            }
            let Flight { node, life, cable, jobs } = flight;
            self.plan_in(300_000, Happening::Committed { node, life, cable, jobs, written: None });
        }
    }

    /// Decides for each transaction of a node that has died whether it still arrives.
    pub(crate) fn abandon_flights(&mut self, node: usize) {
        let own: Vec<u64> = self.flights.iter().filter(|(_, flight)| flight.node == node).map(|(id, _)| *id).collect();
        for id in own {
            if self.dice.chance(500) {
                self.flights.remove(&id);
            }
        }
    }

    /// The node learns the outcome of its transaction.
    pub(crate) fn committed(&mut self, node: usize, cable: u32, jobs: Vec<Job>, written: Option<Written>) {
        self.nodes[node].writing = false;
        match written.filter(|_| cable == self.nodes[node].cable) {
            None => self.answer_unknown(node, &jobs),
            Some(mut written) => {
                self.renumber(node, &mut written.told);
                // Half of a node's crashes come at the worst moments.
                let dies = (!self.quiet && self.dice.chance(12)).then(|| self.dice.below(4));
                let publishes_first = self.dice.chance(500);
                for step in 0..4 {
                    if dies == Some(step) {
                        note!(self, "node {node} dies after {step} steps of telling");
                        self.figures.troubles += 1;
                        self.kill(node);
                        let lasting = self.dice.between(100_000, 2_000_000);
                        self.plan_in(lasting, Happening::Heals(crate::agenda::Trouble::Node(node)));
                        return;
                    }
                    match step {
                        0 if publishes_first => self.tell_others(node, &written.told),
                        1 => self.tell_here(node, &written.told),
                        2 if !publishes_first => self.tell_others(node, &written.told),
                        3 => self.answer(node, &jobs, std::mem::take(&mut written.replies)),
                        _ => {}
                    }
                }
            }
        }
        self.write_next(node);
    }

    fn answer(&mut self, node: usize, jobs: &[Job], replies: Vec<chat::Result<Reply>>) {
        for (job, reply) in jobs.iter().zip(replies) {
            self.send(node, job.connection, Frame::Answer { request: job.request, reply });
        }
    }

    fn answer_unknown(&mut self, node: usize, jobs: &[Job]) {
        note!(self, "node {node} does not know what became of {} commands", jobs.len());
        // The transaction may have been committed, and then no other node publishes it. The node takes another name, so
        // that it reads the invalidations that it has written under the old one.
        self.ask_heads(node);
        if self.fault != Some(Fault::IgnoresOwnInvalidations) {
            self.nodes[node].name = self.count();
        }
        for job in jobs {
            self.figures.unknown += 1;
            let mut reply = Err(Error::new(ErrorCode::OutcomeUnknown, "The commit was not confirmed."));
            match (self.fault, &job.command) {
                (Some(Fault::RefusesAfterCommit), _) => {
                    reply = Err(Error::new(ErrorCode::Forbidden, "Nothing was stored."));
                }
                (Some(Fault::AnswersBeforeCommit), Command::SendMessage(submission)) => {
                    reply = Ok(Reply::Sent(self.guess(node, submission)));
                }
                (Some(Fault::TellsBeforeCommit), Command::SendMessage(submission)) => {
                    let told = self.imagine(node, job, submission);
                    self.offer(node, told);
                }
                _ => {}
            }
            self.send(node, job.connection, Frame::Answer { request: job.request, reply });
        }
    }

    /// Delivers what was committed to this node's subscribers.
    fn tell_here(&mut self, node: usize, told: &[Outgoing]) {
        self.nodes[node].keep(Meanwhile::Outgoing(Rc::new(told.to_vec())));
        for one in told {
            match one {
                Outgoing::Event(event) => self.offer(node, event.clone()),
                Outgoing::Account(event) => self.take_account_event(node, event, true),
                Outgoing::Notice(_) | Outgoing::Revocation(_) | Outgoing::Doubt | Outgoing::NewHistory => {}
            }
        }
    }

    /// Publishes to the other nodes, in the form that the real nodes write.
    fn tell_others(&mut self, node: usize, told: &[Outgoing]) {
        let mut matters = false;
        let mut heard = true;
        for invalidation in invalidations::of(told) {
            heard &= self.publish(node, Channel::Invalidations, Letter::Invalidation(invalidation));
        }
        for conversation in self.town.rooms.clone() {
            let words = || told.iter().filter(|one| wire::about(one) == Some(conversation));
            if let Some(frame) = wire::encode(words()) {
                matters |= words().any(|one| matches!(one, Outgoing::Event(_)));
                heard &= self.publish(node, Channel::Conversation(conversation), Letter::Frame(conversation, frame));
            }
        }
        if matters && !heard && !self.nodes[node].muted {
            self.nodes[node].muted = true;
            let life = self.nodes[node].life;
            self.plan_in(1_000_000, Happening::Mutes { node, life });
        }
    }

    /// Writes to the database that this node could not publish.
    pub(crate) fn mutes(&mut self, node: usize) -> anyhow::Result<()> {
        self.nodes[node].muted = false;
        if self.reaches_database(node) {
            self.database.say_mute()?;
            self.note_invalidations(node, 1);
            note!(self, "node {node} says that it could not tell others");
        }
        Ok(())
    }

    // ---- used by faults only ----------------------------------------------------------------------

    fn renumber(&mut self, node: usize, told: &mut [Outgoing]) {
        if self.fault != Some(Fault::NumbersFromMemory) {
            return;
        }
        for one in told {
            if let Outgoing::Event(event) = one {
                let before = Number(event.number.0 - 1);
                let counter = self.nodes[node].counters.entry(event.conversation).or_insert(before);
                *counter = counter.next();
                event.number = *counter;
            }
        }
    }

    fn guess(&mut self, node: usize, submission: &Submission) -> Sent {
        let last = self.nodes[node].rooms.get(&submission.conversation).map_or(Number(0), |room| room.sequence.last());
        Sent {
            conversation: submission.conversation,
            seq: last.next(),
            id: MessageId(0),
            client_id: submission.client_id.clone(),
            created_at: Millis(0),
            repeated: false,
        }
    }

    fn imagine(&mut self, node: usize, job: &Job, submission: &Submission) -> Event {
        let Sent { conversation, seq, id, client_id, created_at, .. } = self.guess(node, submission);
        let message = Message {
            id,
            conversation,
            seq,
            rev: seq,
            author: job.speaker.user,
            author_name: job.speaker.username.clone(),
            author_shown_name: job.speaker.shown_name.clone(),
            author_role: job.speaker.role,
            message_type: submission.message_type,
            client_id,
            text: Some(submission.text.clone()),
            parent: None,
            thread: None,
            also_in_room: false,
            summary: None,
            created_at,
            edited_at: None,
            deleted_at: None,
            files: Vec::new(),
            reactions: Vec::new(),
            mentions: chat::mentions::Mentions::default(),
            preview: None,
        };
        let fact = Fact::MessageCreated(message);
        Event { conversation, number: seq, actor: job.speaker.user, origin: None, at: created_at, fact, thread: None }
    }
}
