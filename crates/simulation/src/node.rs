//! A node: its subscribers and their connections. Modelled on `subscribers/src/hub.rs`, but without bytes: frames are
//! inspected, not encoded.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    rc::Rc,
    time::Duration,
};

use chat::{
    ConversationId, Event, Number, Outgoing, UserId,
    accounts::Speaker,
    reply::{AccountChanges, CaughtUp},
};
use store::members::Belongings;

use crate::{
    account::Account,
    agenda::{Frame, Happening, Job, Question, Request},
    fault::Fault,
    sequence::Sequence,
    world::{World, note},
};

/// How long a catch-up answer is kept for other connections; as in `connect/src/missed.rs`.
const KEPT: Duration = Duration::from_secs(2);

#[derive(Default)]
pub(crate) struct Node {
    pub up: bool,
    /// How often the node has started.
    pub life: u32,
    pub slow: bool,
    /// By how much its clock is wrong, in milliseconds.
    pub skew: i64,
    pub cable_cut: bool,
    /// Counts the connections to the database: a question that was asked over an earlier one gets no answer.
    pub cable: u32,
    /// Whether it receives what other nodes publish, as far as it knows.
    pub hears: bool,
    pub rooms: BTreeMap<ConversationId, Room>,
    pub people: BTreeMap<UserId, Person>,
    pub connections: BTreeMap<u64, Connection>,
    /// How many readings of memberships are under way; `kept` has what has happened since the first of them began.
    pub loading: usize,
    kept: Vec<(u64, Meanwhile)>,
    tick: u64,
    /// People whose accounts have an event that waits for a conversation.
    pub stalled: BTreeSet<UserId>,
    /// The name under which it writes invalidations. It takes another one after a commit whose outcome it did not
    /// learn.
    pub name: u64,
    /// The newest invalidation at its start. Later ones are read repeatedly, because some become visible late.
    pub invalidations_after: i64,
    pub invalidations_heard: BTreeSet<i64>,
    pub reading_invalidations: bool,
    pub heads_at: Duration,
    /// When the last subscription will have reached Redis.
    pub subscribed_until: Duration,
    pub queue: VecDeque<Job>,
    pub writing: bool,
    /// Whether it is about to write to the database that it could not publish.
    pub muted: bool,
    pub missed: BTreeMap<(ConversationId, Number, Number), (Duration, Rc<CaughtUp>)>,
    /// The events that were published here, for [`Fault::ResumesFromMemory`].
    pub memory: BTreeMap<ConversationId, Vec<Event>>,
    /// For [`Fault::NumbersFromMemory`].
    pub counters: BTreeMap<ConversationId, Number>,
}

/// Something that happens while a person's memberships are being read.
#[derive(Clone, Debug)]
pub(crate) enum Meanwhile {
    /// This was published here.
    Outgoing(Rc<Vec<Outgoing>>),
    /// A person has left the conversation, with this number.
    Left(UserId, ConversationId, Number),
    /// Another node reports that an account has reached this number.
    Account(UserId, Number),
}

impl Node {
    /// Keeps an occurrence for the people whose memberships are being read.
    pub(crate) fn keep(&mut self, what: Meanwhile) {
        self.tick += 1;
        if self.loading > 0 {
            self.kept.push((self.tick, what));
        }
    }
}

/// A conversation with subscribers on this node.
#[derive(Debug)]
pub(crate) struct Room {
    pub sequence: Sequence<Event>,
    pub subscribers: BTreeSet<u64>,
    /// Distinguishes it from earlier and later instances of the same conversation.
    pub born: u64,
    /// When the node next checks whether anything is due.
    pub wakes: Option<Duration>,
    /// People whose accounts wait for a number that was not delivered yet.
    pub later: Vec<(Number, UserId)>,
}

#[derive(Debug)]
pub(crate) struct Person {
    pub subscribers: BTreeSet<u64>,
    pub belongs: BTreeSet<ConversationId>,
    pub account: Account,
}

pub(crate) struct Connection {
    pub client: usize,
    pub speaker: Speaker,
    cursors: Vec<(ConversationId, Number)>,
    /// The number of the account that its client knows.
    account: Option<Number>,
    /// The number that the account's live events follow.
    live_from: Number,
    /// Live frames that wait until the missed changes are sent.
    held: Option<Vec<Frame>>,
    /// Answers that must come before the held frames are released.
    awaited: usize,
    /// When the last frame will have reached the client.
    pub said_until: Duration,
    /// Its client has gone, and some frames have not reached it: no more will.
    cut: bool,
}

impl World<'_> {
    pub(crate) fn start_node(&mut self, node: usize) -> anyhow::Result<()> {
        let life = self.nodes[node].life + 1;
        if self.machine_down || self.nodes[node].cable_cut {
            // A node does not start without its database.
            self.plan_in(300_000, Happening::Heals(crate::agenda::Trouble::Node(node)));
            return Ok(());
        }
        let newest = self.database.newest_invalidation()?;
        let skew = i64::try_from(self.dice.below(7_200_000)).unwrap_or(0) - 3_600_000;
        let Node { slow, cable, .. } = self.nodes[node];
        let (cable, name) = (cable + 1, self.count());
        let (up, heads_at) = (true, self.now);
        self.nodes[node] =
            Node { up, life, slow, cable, skew, name, invalidations_after: newest, heads_at, ..Node::default() };
        note!(self, "node {node} starts, its clock off by {skew} ms");
        self.plan_in(1_000_000, Happening::Ticks { node, life });
        self.plan_in(50_000, Happening::SeeksRedis { node, life });
        Ok(())
    }

    /// Stops the node and clears its memory; its clients notice later.
    pub(crate) fn kill(&mut self, node: usize) {
        if !self.nodes[node].up {
            return;
        }
        let life = self.nodes[node].life;
        self.abandon_flights(node);
        self.redis.drop_line(node);
        let Node { slow, cable, cable_cut, .. } = self.nodes[node];
        self.nodes[node] = Node { life, slow, cable, cable_cut, ..Node::default() };
        for client in 0..self.clients.len() {
            let line = self.clients[client].line.as_ref().filter(|line| line.node == node && line.life == life);
            if let Some(connection) = line.map(|line| line.connection) {
                self.plan_in(1_500_000, Happening::LineIsBroken { client, connection });
            }
        }
    }

    pub(crate) fn reaches_database(&self, node: usize) -> bool {
        !self.machine_down && !self.nodes[node].cable_cut
    }

    // ---- requests of clients ----------------------------------------------------------------------

    pub(crate) fn hears_client(&mut self, node: usize, connection: u64, request: Request) {
        if let Request::Hello { client, speaker, account, cursors } = request {
            if self.clients[client].line.as_ref().is_some_and(|line| line.connection == connection) {
                let (held, live_from, said_until) = (Some(Vec::new()), Number(0), self.now);
                let (awaited, cut) = (0, false);
                let open = Connection { client, speaker, cursors, account, live_from, held, awaited, said_until, cut };
                self.attach(node, connection, open);
            }
            return;
        }
        let Some(open) = self.nodes[node].connections.get_mut(&connection) else { return };
        let gone = self.clients[open.client].line.as_ref().is_none_or(|line| line.connection != connection);
        if open.cut || gone && self.dice.chance(500) {
            open.cut = true;
            return;
        }
        let speaker = open.speaker.clone();
        match request {
            Request::Hello { .. } => {}
            Request::Do { request, command } => self.write(node, Job { connection, request, speaker, command }),
            Request::ReadAnew { request, conversation } => {
                self.ask(node, Question::Anew { connection, request, conversation });
            }
            Request::ReadAccount { request } => self.ask(node, Question::AccountAnew { connection, request }),
        }
    }

    fn attach(&mut self, node: usize, connection: u64, open: Connection) {
        let user = open.speaker.user;
        let hub = &mut self.nodes[node];
        hub.connections.insert(connection, open);
        let known = hub.people.get(&user).filter(|person| !person.subscribers.is_empty());
        if known.is_some_and(|person| person.belongs.iter().all(|id| hub.rooms.contains_key(id))) {
            self.enter(node, connection);
        } else {
            hub.loading += 1;
            let since = hub.tick;
            self.ask(node, Question::Belongings { connection, since });
        }
    }

    /// Takes the memberships of a new connection's person, and applies what has happened while they were read.
    pub(crate) fn loaded(&mut self, node: usize, connection: u64, since: u64, belongings: chat::Result<Belongings>) {
        let hub = &mut self.nodes[node];
        hub.loading = hub.loading.saturating_sub(1);
        let kept = if hub.loading == 0 { std::mem::take(&mut hub.kept) } else { hub.kept.clone() };
        let Some(user) = hub.connections.get(&connection).map(|open| open.speaker.user) else { return };
        let Ok(belongings) = belongings else { return self.close(node, connection) };
        if hub.people.contains_key(&user) {
            return self.enter(node, connection);
        }
        let mut meanwhile = Loading::default();
        kept.into_iter().filter(|(tick, _)| *tick > since).for_each(|(_, what)| meanwhile.add(user, what));
        let Belongings { account, memberships } = belongings;
        let places: BTreeMap<ConversationId, Number> = memberships
            .into_iter()
            .filter(|one| meanwhile.left.get(&one.conversation).is_none_or(|left| *left <= one.head))
            .map(|one| (one.conversation, one.head.max(meanwhile.head(one.conversation))))
            .collect();
        let (subscribers, belongs) = (BTreeSet::new(), places.keys().copied().collect());
        let account = Account::new(account, self.fault);
        self.nodes[node].people.insert(user, Person { subscribers, belongs, account });
        for (conversation, head) in places {
            self.listen_to(node, conversation, head);
        }
        self.enter(node, connection);
        // Changes since the reading come as events; those that the memberships have already come a second time.
        for one in meanwhile.told.iter().flat_map(|told| told.iter()) {
            if let Outgoing::Account(event) = one
                && event.account == user
            {
                self.take_account_event(node, event, false);
            }
        }
        self.note_account(node, user, meanwhile.account);
    }

    /// Subscribes a connection to its conversations, sends it the numbers after which live events follow, and begins to
    /// read what it has missed.
    fn enter(&mut self, node: usize, connection: u64) {
        let hub = &mut self.nodes[node];
        let Some(open) = hub.connections.get_mut(&connection) else { return };
        let Some(person) = hub.people.get_mut(&open.speaker.user) else { return };
        person.subscribers.insert(connection);
        let mut attached = Vec::new();
        for conversation in &person.belongs {
            if let Some(room) = hub.rooms.get_mut(conversation) {
                room.subscribers.insert(connection);
                attached.push((*conversation, room.sequence.last()));
            }
        }
        let of = |id: ConversationId| attached.iter().find(|(room, _)| *room == id).map(|(_, last)| *last);
        let missed: Vec<_> = open.cursors.iter().filter_map(|(id, cursor)| Some((*id, *cursor, of(*id)?))).collect();
        let live_from = person.account.told;
        let account = open.account.filter(|cursor| *cursor != live_from);
        open.live_from = live_from;
        open.awaited = missed.len() + usize::from(account.is_some());
        if self.fault == Some(Fault::HoldsNothingBack) {
            open.held = None;
        }
        self.send(node, connection, Frame::Welcome { account: live_from, attached });
        self.told_missed(node, connection, 0);
        if let Some(cursor) = account {
            self.ask(node, Question::AccountMissed { connection, cursor });
        }
        for (conversation, cursor, live_from) in missed {
            self.look_for_missed(node, connection, (conversation, cursor, live_from));
        }
    }

    /// Takes the changes of the account that a connection has missed.
    pub(crate) fn account_missed(&mut self, node: usize, connection: u64, changes: chat::Result<Rc<AccountChanges>>) {
        let Ok(changes) = changes else { return self.close(node, connection) };
        let Some(live_from) = self.nodes[node].connections.get(&connection).map(|open| open.live_from) else { return };
        let changes = (*changes).clone().until(live_from);
        if changes.reset {
            self.send(node, connection, Frame::AccountReset(changes.to));
        }
        for event in &changes.events {
            self.send(node, connection, Frame::Account { event: Rc::new(event.clone()), live: false });
        }
        if changes.more {
            self.ask(node, Question::AccountMissed { connection, cursor: changes.to });
        } else {
            self.told_missed(node, connection, 1);
        }
    }

    /// Gets the next piece of what a connection has missed: from an answer that was kept, or from the database.
    fn look_for_missed(
        &mut self,
        node: usize,
        connection: u64,
        (conversation, cursor, live_from): (ConversationId, Number, Number),
    ) {
        let now = self.now;
        let key = self.key_of_missed(conversation, cursor, live_from);
        let forever = self.fault == Some(Fault::KeepsOldAnswers);
        match self.nodes[node].missed.get(&key).filter(|(at, _)| forever || now - *at < KEPT) {
            Some((_, changes)) => {
                let changes = changes.clone();
                self.tell_missed(node, connection, changes, live_from);
            }
            None => self.ask(node, Question::Missed { connection, conversation, cursor, live_from }),
        }
    }

    fn key_of_missed(
        &self,
        conversation: ConversationId,
        cursor: Number,
        live_from: Number,
    ) -> (ConversationId, Number, Number) {
        let live_from = if self.fault == Some(Fault::KeepsOldAnswers) { Number(0) } else { live_from };
        (conversation, cursor, live_from)
    }

    /// Takes changes that a connection has missed.
    pub(crate) fn missed(
        &mut self,
        node: usize,
        connection: u64,
        (conversation, cursor, live_from): (ConversationId, Number, Number),
        changes: chat::Result<Rc<CaughtUp>>,
    ) {
        let Ok(changes) = changes else { return self.close(node, connection) };
        let changes = self.remember(node, changes, live_from);
        let key = self.key_of_missed(conversation, cursor, live_from);
        self.nodes[node].missed.insert(key, (self.now, changes.clone()));
        self.tell_missed(node, connection, changes, live_from);
    }

    /// Implements [`Fault::ResumesFromMemory`]: answers with what this node has received.
    fn remember(&self, node: usize, changes: Rc<CaughtUp>, live_from: Number) -> Rc<CaughtUp> {
        if self.fault != Some(Fault::ResumesFromMemory) {
            return changes;
        }
        let heard = self.nodes[node].memory.get(&changes.conversation.id).map(Vec::as_slice).unwrap_or_default();
        let known = |rev: Number| heard.iter().any(|event| event.number == rev);
        let mut remembered = (*changes).clone();
        remembered.messages.retain(|message| known(message.rev));
        remembered.members.retain(|member| known(member.rev));
        remembered.to = live_from.max(changes.from);
        remembered.more = false;
        Rc::new(remembered)
    }

    fn tell_missed(&mut self, node: usize, connection: u64, changes: Rc<CaughtUp>, live_from: Number) {
        let (conversation, to, more) = (changes.conversation.id, changes.to, changes.more);
        self.send(node, connection, Frame::Changes { changes, live: false });
        if more && self.nodes[node].connections.contains_key(&connection) {
            self.look_for_missed(node, connection, (conversation, to, live_from));
        } else {
            self.told_missed(node, connection, 1);
        }
    }

    /// Releases the held frames once no more answers are awaited.
    fn told_missed(&mut self, node: usize, connection: u64, told: usize) {
        let Some(open) = self.nodes[node].connections.get_mut(&connection) else { return };
        open.awaited = open.awaited.saturating_sub(told);
        if open.awaited == 0 {
            for frame in open.held.take().unwrap_or_default() {
                self.send(node, connection, frame);
            }
        }
    }

    /// Sends a live frame, after what the connection has missed.
    pub(crate) fn tell(&mut self, node: usize, connection: u64, frame: Frame) {
        let Some(open) = self.nodes[node].connections.get_mut(&connection) else { return };
        match &mut open.held {
            Some(held) => held.push(frame),
            None => self.send(node, connection, frame),
        }
    }

    /// Closes a connection: its client may reconnect.
    pub(crate) fn close(&mut self, node: usize, connection: u64) {
        self.send(node, connection, Frame::Closed);
        self.detach(node, connection);
    }

    pub(crate) fn detach(&mut self, node: usize, connection: u64) {
        let hub = &mut self.nodes[node];
        let Some(open) = hub.connections.remove(&connection) else { return };
        let user = open.speaker.user;
        let Some(person) = hub.people.get_mut(&user) else { return };
        person.subscribers.remove(&connection);
        let belongs = person.belongs.clone();
        if person.subscribers.is_empty() {
            hub.people.remove(&user);
        }
        for conversation in belongs {
            self.leave_room(node, conversation, &[connection]);
        }
    }
}

/// The occurrences that were kept while a person's memberships were being read.
#[derive(Default)]
struct Loading {
    told: Vec<Rc<Vec<Outgoing>>>,
    /// Conversations that the person has left.
    left: BTreeMap<ConversationId, Number>,
    /// The number that their account has reached.
    account: Number,
}

impl Loading {
    fn add(&mut self, me: UserId, what: Meanwhile) {
        match what {
            Meanwhile::Outgoing(told) => self.told.push(told),
            Meanwhile::Left(user, conversation, number) if user == me => {
                let left = self.left.entry(conversation).or_default();
                *left = number.max(*left);
            }
            Meanwhile::Account(user, number) if user == me => self.account = self.account.max(number),
            Meanwhile::Left(..) | Meanwhile::Account(..) => {}
        }
    }

    /// The number up to which a conversation's events were delivered here.
    fn head(&self, conversation: ConversationId) -> Number {
        let numbers = self.told.iter().flat_map(|told| told.iter()).filter_map(|one| match one {
            Outgoing::Event(event) if event.conversation == conversation => Some(event.number),
            _ => None,
        });
        numbers.max().unwrap_or_default()
    }
}
