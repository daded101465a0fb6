//! A node: who listens to what on it, and how connections come and go. In the shape of `subscribers/src/hub.rs`, but
//! without bytes: what is told is looked at, not encoded.

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

/// How long an answer to those who come back is kept for others: that of `connect/src/missed.rs`.
const KEPT: Duration = Duration::from_secs(2);

#[derive(Default)]
pub(crate) struct Node {
    pub up: bool,
    /// Counts its starts.
    pub life: u32,
    pub slow: bool,
    /// How far its clock is off, in milliseconds.
    pub skew: i64,
    pub cable_cut: bool,
    /// Counts the ways to the database: what was asked over an earlier one is not answered.
    pub cable: u32,
    /// Whether it hears what others say, as far as it knows.
    pub hears: bool,
    pub rooms: BTreeMap<ConversationId, Room>,
    pub people: BTreeMap<UserId, Person>,
    pub connections: BTreeMap<u64, Connection>,
    /// How many readings of belongings are under way, and what has happened since the first of them began.
    pub loading: usize,
    kept: Vec<(u64, Meanwhile)>,
    tick: u64,
    /// Whose account has something to tell that waits for a conversation.
    pub stalled: BTreeSet<UserId>,
    /// Under which it writes invalidations: another one after a commit that it did not learn of.
    pub name: u64,
    /// The newest invalidation at its start: later ones are read again and again, as some become visible late.
    pub invalidations_after: i64,
    pub invalidations_heard: BTreeSet<i64>,
    pub reading_invalidations: bool,
    pub heads_at: Duration,
    /// When the last subscription will have arrived.
    pub subscribed_until: Duration,
    pub queue: VecDeque<Job>,
    pub writing: bool,
    /// It will say in the database that others were not told.
    pub muted: bool,
    pub missed: BTreeMap<(ConversationId, Number, Number), (Duration, Rc<CaughtUp>)>,
    /// What was told here, for the fault that resumes from it.
    pub memory: BTreeMap<ConversationId, Vec<Event>>,
    /// For the fault that numbers from memory.
    pub counters: BTreeMap<ConversationId, Number>,
}

/// What happens while somebody's belongings are being read.
#[derive(Clone, Debug)]
pub(crate) enum Meanwhile {
    /// This was told here.
    Outgoing(Rc<Vec<Outgoing>>),
    /// Somebody has left, with this number.
    Left(UserId, ConversationId, Number),
    /// Another node has brought an account to this number.
    Account(UserId, Number),
}

impl Node {
    /// Keeps what happens for those whose belongings are being read.
    pub(crate) fn keep(&mut self, what: Meanwhile) {
        self.tick += 1;
        if self.loading > 0 {
            self.kept.push((self.tick, what));
        }
    }
}

/// A conversation that somebody on this node listens to.
#[derive(Debug)]
pub(crate) struct Room {
    pub sequence: Sequence<Event>,
    pub subscribers: BTreeSet<u64>,
    /// Tells it from others of the same conversation, before and after.
    pub born: u64,
    /// When it will be looked for what is due.
    pub wakes: Option<Duration>,
    /// Whose account waits for a number which was not told yet.
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
    /// Live frames that wait until what was missed is told.
    held: Option<Vec<Frame>>,
    /// Answers that are still to come before the hold is released.
    awaited: usize,
    /// When the last frame will have arrived.
    pub said_until: Duration,
    /// Its client has gone and not all of what it said has arrived: nothing more does.
    cut: bool,
}

impl World<'_> {
    pub(crate) fn start_node(&mut self, node: usize) -> anyhow::Result<()> {
        let life = self.nodes[node].life + 1;
        if self.machine_down || self.nodes[node].cable_cut {
            // It does not start without its database.
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

    /// Everything in its memory is gone; its clients find out.
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

    // ---- what clients say -----------------------------------------------------------------------

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

    /// What a newcomer belongs to was read; what has happened meanwhile is applied to it.
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
        // What has changed since comes as events; what the memberships have already, a second time.
        for one in meanwhile.told.iter().flat_map(|told| told.iter()) {
            if let Outgoing::Account(event) = one
                && event.account == user
            {
                self.take_account_event(node, event, false);
            }
        }
        self.note_account(node, user, meanwhile.account);
    }

    /// Lets a connection listen, tells it from where on, and then what it has missed.
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

    /// What a connection has missed of its person's account was read.
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

    /// The next piece of what a connection has missed: somebody has just asked for the same, or it is read.
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

    /// What a connection has missed was read.
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

    /// The fault that knows only what this node has heard.
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

    /// Releases what was held back once nothing more is awaited.
    fn told_missed(&mut self, node: usize, connection: u64, told: usize) {
        let Some(open) = self.nodes[node].connections.get_mut(&connection) else { return };
        open.awaited = open.awaited.saturating_sub(told);
        if open.awaited == 0 {
            for frame in open.held.take().unwrap_or_default() {
                self.send(node, connection, frame);
            }
        }
    }

    /// Says something live: behind what is still to be said.
    pub(crate) fn tell(&mut self, node: usize, connection: u64, frame: Frame) {
        let Some(open) = self.nodes[node].connections.get_mut(&connection) else { return };
        match &mut open.held {
            Some(held) => held.push(frame),
            None => self.send(node, connection, frame),
        }
    }

    /// Ends a connection: its client may come back.
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

/// What has happened while somebody's belongings were being read.
#[derive(Default)]
struct Loading {
    told: Vec<Rc<Vec<Outgoing>>>,
    /// What they have left.
    left: BTreeMap<ConversationId, Number>,
    /// How far their account has come.
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

    /// How far a conversation was told here.
    fn head(&self, conversation: ConversationId) -> Number {
        let numbers = self.told.iter().flat_map(|told| told.iter()).filter_map(|one| match one {
            Outgoing::Event(event) if event.conversation == conversation => Some(event.number),
            _ => None,
        });
        numbers.max().unwrap_or_default()
    }
}
