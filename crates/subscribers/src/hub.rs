//! The hub: who listens to what. One task owns it, so that order needs no locks.
//!
//! A connection comes in three steps: it is attached (its outbox holds live frames back), the hub
//! learns what its person belongs to, and answers with the number from which each conversation's
//! events will follow. Whatever is committed between the reading and the answer is not lost: while a
//! reading is under way the hub keeps the batches, and applies them to what was read.
//!
//! What other nodes tell comes the same way as what was committed here, but may be late, doubled or lost: `holes` reads
//! what is missing, `nodes` obeys what they have changed. `hand_out` gives it to those who listen.

mod hand_out;
mod holes;
mod nodes;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, HashMap, HashSet, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use chat::{
    ConnectionId, ConversationId, Error, ErrorCode, Fact, Limits, Notice, Number, Order, Result, Signal, Told, UserId,
    event::Audience,
    members::Departure,
    mutants::{self, Mutant},
    presence::{Presence, Seen},
};
use dialects::Dialect;
use store::members::Belonging;
use stream::{Batch, Heard, Stream, Voice, gaps::Turn};
use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};

use crate::{
    Goodbye, frame,
    lookups::Lookups,
    orders::Orders,
    pace::MUCH,
    presence::{Book, merged, seen},
    queue::Listener,
    room::{Room, Waiting},
    typing::{Typing, Typist},
};

/// How often presence is told and typing ends.
const TICK: Duration = Duration::from_millis(250);
/// How long a person may be without a connection before they are told to be gone.
const GRACE: Duration = Duration::from_secs(2);
/// How much longer than its authentication may take a connection may be on its way to the hub.
const WAY: Duration = Duration::from_secs(60);
/// How often what somebody belongs to is read again because it changes meanwhile; then they are let in all the same.
const AGAIN: u32 = 5;
/// Within this time all come back where the node starts over.
const OVER: Duration = Duration::from_secs(5);
/// Requests to the hub that may wait.
const QUEUE: usize = 16_384;

/// With which number each of a person's conversations begins to be live.
pub type Attached = Vec<(ConversationId, Number)>;

enum Control {
    Attach { listener: Arc<Listener>, answer: oneshot::Sender<Result<Attached>> },
    Detach { user: UserId, id: ConnectionId },
    Loaded { user: UserId, since: u64, result: Result<Vec<Belonging>> },
    Presence { user: UserId, presence: Presence },
    Typing { conversation: ConversationId, typist: Typist, typing: bool },
    Drain { spread: Duration },
    Holes(holes::Read),
    Nodes(nodes::Read),
}

/// The way to the hub. Cheap to clone.
#[derive(Clone)]
pub struct Hub {
    control: mpsc::Sender<Control>,
    connections: Arc<AtomicI64>,
    people: Arc<AtomicI64>,
    deliveries: Arc<AtomicU64>,
}

impl Hub {
    /// Starts the hub on a stream of committed batches. Its task ends when the stream does.
    #[must_use]
    pub fn start(
        stream: Stream,
        lookups: Arc<dyn Lookups>,
        book: Arc<Book>,
        limits: &Limits,
    ) -> (Self, tokio::task::JoinHandle<()>) {
        let (control, requests) = mpsc::channel(QUEUE);
        let state = State::new(lookups, stream.voice(), book, limits, control.downgrade());
        let hub = Self {
            control,
            connections: state.connections.clone(),
            people: state.people_here.clone(),
            deliveries: state.deliveries.clone(),
        };
        let task = tokio::spawn(state.run(stream, requests));
        (hub, task)
    }

    /// Attaches a connection. Its outbox should hold live frames until its client has been told the
    /// answer: the number after which each conversation's events follow.
    ///
    /// # Errors
    /// `limit_reached` if the user has too many connections, or the store's.
    pub async fn attach(&self, listener: Arc<Listener>) -> Result<Attached> {
        let (answer, attached) = oneshot::channel();
        if self.control.send(Control::Attach { listener, answer }).await.is_err() {
            return Err(Error::new(ErrorCode::Unavailable, "The server is stopping."));
        }
        attached.await.unwrap_or_else(|_| Err(Error::new(ErrorCode::Unavailable, "The server is stopping.")))
    }

    /// Takes a connection away.
    pub async fn detach(&self, listener: &Listener) {
        let (user, id) = (listener.user, listener.id);
        // A hub that has ended has let go of everybody already.
        let _ended = self.control.send(Control::Detach { user, id }).await;
    }

    /// Notes what a person chose to be.
    pub async fn set_presence(&self, user: UserId, presence: Presence) {
        let _ended = self.control.send(Control::Presence { user, presence }).await;
    }

    /// Tells the others that somebody writes, or has stopped.
    pub async fn set_typing(&self, conversation: ConversationId, typist: Typist, typing: bool) {
        let _ended = self.control.send(Control::Typing { conversation, typist, typing }).await;
    }

    /// Tells all connections to come back, each after another time within `spread`.
    pub async fn drain(&self, spread: Duration) {
        let _ended = self.control.send(Control::Drain { spread }).await;
    }

    /// How many people have a connection.
    #[must_use]
    pub fn people(&self) -> i64 {
        self.people.load(Ordering::Relaxed)
    }

    /// How many connections are attached.
    #[must_use]
    pub fn connections(&self) -> i64 {
        self.connections.load(Ordering::Relaxed)
    }

    /// How many batches of events were put into listeners' outboxes since the start.
    #[must_use]
    pub fn deliveries(&self) -> i64 {
        i64::try_from(self.deliveries.load(Ordering::Relaxed)).unwrap_or(i64::MAX)
    }
}

struct Person {
    username: String,
    listeners: Vec<Arc<Listener>>,
    belongs: HashSet<ConversationId>,
    /// Whether what they belong to was ever read: before that, nothing known is not the same as nothing.
    read: bool,
    chosen: Presence,
    told: Presence,
    /// While what they belong to is being read: the connections that wait for it.
    loading: Option<Loading>,
    /// When the last connection went.
    alone_since: Option<Instant>,
}

struct Loading {
    /// What of it another node has changed meanwhile.
    nudged: HashSet<ConversationId>,
    /// How often it was read for that.
    again: u32,
    waiting: Vec<(Arc<Listener>, oneshot::Sender<Result<Attached>>)>,
}

impl Loading {
    fn of(listener: Arc<Listener>, answer: oneshot::Sender<Result<Attached>>) -> Self {
        Self { nudged: HashSet::new(), again: 0, waiting: vec![(listener, answer)] }
    }
}

struct State {
    lookups: Arc<dyn Lookups>,
    voice: Voice,
    holes: holes::Holes,
    nodes: nodes::Nodes,
    book: Arc<Book>,
    connections: Arc<AtomicI64>,
    people_here: Arc<AtomicI64>,
    deliveries: Arc<AtomicU64>,
    per_user: usize,
    presence_members: i64,
    typing: Typing,
    control: mpsc::WeakSender<Control>,
    orders: Orders,
    people: HashMap<UserId, Person>,
    rooms: HashMap<ConversationId, Room>,
    /// Whose presence is to be told with the next tick.
    changed: HashSet<UserId>,
    /// Batches that were told while somebody's belongings were being read, with their place in time.
    batches: VecDeque<(u64, Arc<Vec<Told>>)>,
    tick: u64,
    /// How many people's belongings are being read, by the tick at which that began.
    loading: BTreeMap<u64, usize>,
    /// The server is stopping: whoever comes in is told to come back.
    draining: bool,
    touched: hand_out::Touched,
}

impl State {
    fn new(
        lookups: Arc<dyn Lookups>,
        voice: Voice,
        book: Arc<Book>,
        limits: &Limits,
        control: mpsc::WeakSender<Control>,
    ) -> Self {
        Self {
            lookups,
            voice,
            holes: holes::Holes::default(),
            nodes: nodes::Nodes::default(),
            book,
            connections: Arc::default(),
            people_here: Arc::default(),
            deliveries: Arc::default(),
            per_user: usize::try_from(limits.connections_per_user).unwrap_or(usize::MAX),
            presence_members: limits.presence_members,
            typing: Typing::new(Duration::from_millis(u64::try_from(limits.typing_ms).unwrap_or(6_000))),
            control,
            orders: Orders::new(WAY + Duration::from_secs(u64::try_from(limits.authentication_seconds).unwrap_or(300))),
            people: HashMap::new(),
            rooms: HashMap::new(),
            changed: HashSet::new(),
            batches: VecDeque::new(),
            tick: 0,
            loading: BTreeMap::new(),
            draining: false,
            touched: hand_out::Touched::default(),
        }
    }

    async fn run(mut self, mut stream: Stream, mut requests: mpsc::Receiver<Control>) {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let (hole, crowd) = (self.holes.due(), self.touched.due());
            tokio::select! {
                biased;
                heard = stream.next() => match heard {
                    Some(heard) => self.hear(heard),
                    None => return,
                },
                Some(request) = requests.recv() => self.serve(request),
                () = wait(crowd), if crowd.is_some() => self.hand_out(Vec::new()),
                () = wait(hole), if hole.is_some() => self.read_holes(),
                _ = ticks.tick() => self.on_tick(),
            }
        }
    }

    // ---- what was committed -------------------------------------------------------------------

    fn hear(&mut self, heard: Heard) {
        match heard {
            Heard::Committed(Batch { told, answers }) => self.tell(&told, false, answers),
            Heard::Said(conversation, words) => self.hear_said(conversation, words),
            Heard::Nudge(nudge) => self.obey_nudge(nudge),
            Heard::Listening(conversations) => self.ask_heads(&conversations),
            Heard::Missed => self.ask_all_heads(),
            Heard::Lost => self.start_over(),
            Heard::People(node, word) => self.hear_people(node, word),
        }
    }

    /// Tells what was committed, here or (`foreign`) on another node.
    fn tell(&mut self, told: &Arc<Vec<Told>>, foreign: bool, answers: Vec<Box<dyn FnOnce() + Send>>) {
        self.tick += 1;
        if !self.loading.is_empty() {
            self.batches.push_back((self.tick, told.clone()));
        }
        let mut personal: Vec<Arc<Listener>> = Vec::new();
        for (at, one) in told.iter().enumerate() {
            match one {
                Told::Event(event) => self.take_event(event.conversation, event.number, (told.clone(), at, foreign)),
                Told::Notice(notice) => self.tell_notice(notice, &mut personal),
                Told::Order(order) => self.obey(order),
                Told::Doubt => self.ask_all_heads(),
            }
        }
        self.hand_out(answers);
        for listener in personal {
            listener.outbox.wake();
        }
    }

    /// Tells an event if it is its turn, and those that have waited for it.
    fn take_event(&mut self, conversation: ConversationId, number: Number, event: Waiting) {
        let Some(room) = self.rooms.get_mut(&conversation) else { return };
        match room.gaps.offer(number, event, Instant::now()) {
            Turn::Now(event) => {
                self.tell_event(&event);
                self.tell_what_is_due(conversation);
                self.tell_those_that_waited(conversation);
            }
            Turn::Later => self.watch_hole(conversation),
        }
    }

    fn tell_those_that_waited(&mut self, conversation: ConversationId) {
        while let Some(event) = self.rooms.get_mut(&conversation).and_then(|room| room.gaps.pop()) {
            self.tell_event(&event);
            self.tell_what_is_due(conversation);
        }
    }

    /// Tells the notices that have waited for the number that was just told.
    fn tell_what_is_due(&mut self, conversation: ConversationId) {
        let Some(room) = self.rooms.get_mut(&conversation).filter(|room| !room.later.is_empty()) else { return };
        let last = room.gaps.last();
        let due: Vec<Notice> = room.later.extract_if(.., |(at, _)| *at <= last).map(|(_, notice)| notice).collect();
        for notice in due {
            self.tell_one(notice);
        }
    }

    fn tell_event(&mut self, (told, at, foreign): &Waiting) {
        let Some(Told::Event(event)) = told.get(*at) else { return };
        if let Fact::MessageCreated(message) = &event.fact
            && let Some(typist) = self.typing.stop(event.conversation, message.author)
        {
            self.tell_typing(event.conversation, typist, false);
        }
        let Some(room) = self.rooms.get_mut(&event.conversation) else { return };
        if room.chunk.is_empty() || room.chunk.len() >= MUCH {
            self.touched.add(event.conversation);
        }
        match &event.fact {
            Fact::ConversationUpdated(conversation) => room.place.name = conversation.name.clone(),
            Fact::MemberJoined { member_count, .. } | Fact::MemberLeft { member_count, .. } => {
                room.member_count = *member_count;
            }
            _ => {}
        }
        room.chunk.add(&room.place, event, &room.listening);
        // At once, for what has waited for this number is next, and its notice, if one was committed with it here, is not.
        if let Fact::MemberLeft { member, departure, .. } = &event.fact {
            self.put_out(member.user, event.conversation, *departure);
            if *foreign {
                // It may have waited for its turn, and they be back already.
                self.look_at_belonging(member.user, event.conversation);
            }
        }
    }

    fn tell_notice(&mut self, notice: &Notice, personal: &mut Vec<Arc<Listener>>) {
        // Whoever comes in is told the head from which events follow. The room here may stand elsewhere.
        if let (Signal::ConversationAdded(listed), Audience::User(user)) = (&notice.signal, notice.to)
            && self.is_here(user)
        {
            let (id, head) = (listed.conversation.id, listed.conversation.head);
            match self.rooms.get_mut(&id) {
                // It has gone on since this was said: told this head, they would miss what lies between.
                Some(room) if room.gaps.last() > head => {
                    self.was_not_told(user, id);
                    return self.look_at_belonging(user, id);
                }
                // It has not come so far: they would be told what is not for them, or what they have.
                Some(room) if room.gaps.last() < head => {
                    // Once, also if it was nudged twice.
                    room.later.retain(|(_, other)| {
                        other.to != notice.to || !matches!(other.signal, Signal::ConversationAdded(_))
                    });
                    room.later.push((head, notice.clone()));
                    return self.note_head(id, head);
                }
                _ => {}
            }
        }
        // Who belongs changes between two events: what was before is handed out to those who were there.
        match (&notice.signal, notice.to) {
            (Signal::ConversationAdded(listed), Audience::User(user)) => {
                self.belonging_changed(user, listed.conversation.id);
                let row = &listed.conversation;
                let place = chat::conversations::Place { kind: row.kind, name: row.name.clone(), pair: row.pair };
                self.begin_listening(user, row.id, place, row.head, row.member_count);
            }
            (Signal::ConversationRemoved { .. }, _) if mutants::is(Mutant::PermissionAtConnect) => return,
            (Signal::ConversationRemoved { conversation, .. }, Audience::User(user)) => {
                self.belonging_changed(user, *conversation);
                // Its event has told them already.
                if !self.people.get(&user).is_some_and(|person| person.belongs.contains(conversation)) {
                    return;
                }
                self.end_listening(user, *conversation);
            }
            // What the one who hides had seen comes first: heard afterwards, it would bring the conversation back. And
            // what came after it has brought it back already.
            (Signal::ConversationHidden { conversation, at }, _) => {
                if let Some(room) = self.rooms.get_mut(conversation) {
                    if room.gaps.last() > *at {
                        return;
                    }
                    if room.gaps.last() < *at {
                        return room.later.push((*at, notice.clone()));
                    }
                    self.deliveries.fetch_add(room.flush(), Ordering::Relaxed);
                }
            }
            _ => {}
        }
        match notice.to {
            Audience::User(user) => {
                let conversation = conversation_of(&notice.signal);
                let place = conversation.and_then(|id| self.rooms.get(&id)).map(|room| &room.place);
                let Some(person) = self.people.get(&user) else { return };
                let mut frames = Frames::of(&notice.signal, place);
                for listener in &person.listeners {
                    if let Some(bytes) = frames.for_dialect(listener.dialect) {
                        listener.outbox.push(bytes);
                        personal.push(listener.clone());
                    }
                }
            }
            Audience::Members(conversation) => self.tell_members(conversation, None, &notice.signal, personal),
            Audience::OtherMembers(conversation, user) => {
                self.tell_members(conversation, Some(user), &notice.signal, personal);
            }
        }
    }

    /// A signal for those who listen to a conversation. It may be missed: it can be read fresh.
    fn tell_members(
        &mut self,
        conversation: ConversationId,
        except: Option<UserId>,
        signal: &Signal,
        woken: &mut Vec<Arc<Listener>>,
    ) {
        // What another node says is not bounded by what this one would.
        let large = self.rooms.get(&conversation).is_some_and(|room| room.member_count > self.presence_members);
        if large && matches!(signal, Signal::PresenceChanged { .. }) {
            return;
        }
        self.tell_those(conversation, except, signal, woken, |_, _| true);
    }

    /// The same for those listeners to whom this frame is news.
    fn tell_those(
        &mut self,
        conversation: ConversationId,
        except: Option<UserId>,
        signal: &Signal,
        woken: &mut Vec<Arc<Listener>>,
        mut is_news: impl FnMut(&Listener, &bytes::Bytes) -> bool,
    ) {
        let Some(room) = self.rooms.get_mut(&conversation) else { return };
        self.deliveries.fetch_add(room.flush(), Ordering::Relaxed);
        let mut frames = Frames::of(signal, Some(&room.place));
        // Who is here is wanted also of those whose words are not.
        let tuned = matches!(signal, Signal::Typing { .. });
        let wanted = |listener: &Listener| Some(listener.user) != except && (!tuned || listener.hears(conversation));
        for listener in room.listeners.iter().filter(|listener| wanted(listener)) {
            if let Some(bytes) = frames.for_dialect(listener.dialect).filter(|bytes| is_news(listener, bytes)) {
                listener.outbox.push_lossy(bytes);
                woken.push(listener.clone());
            }
        }
    }

    fn begin_listening(
        &mut self,
        user: UserId,
        conversation: ConversationId,
        place: chat::conversations::Place,
        head: Number,
        member_count: i64,
    ) {
        let Some(person) = self.people.get_mut(&user) else { return };
        person.belongs.insert(conversation);
        if person.listeners.is_empty() {
            return;
        }
        let room = self.rooms.entry(conversation).or_insert_with(|| {
            self.voice.want(conversation, true);
            Room::new(place, head, member_count)
        });
        self.deliveries.fetch_add(room.flush(), Ordering::Relaxed);
        for listener in &person.listeners {
            room.add(listener.clone());
        }
    }

    fn end_listening(&mut self, user: UserId, conversation: ConversationId) {
        let Some(person) = self.people.get_mut(&user) else { return };
        person.belongs.remove(&conversation);
        if let Some(room) = self.rooms.get_mut(&conversation) {
            self.deliveries.fetch_add(room.flush(), Ordering::Relaxed);
            for listener in &person.listeners {
                room.remove(listener.id);
                listener.outbox.wake();
            }
        }
        self.forget_silent(&[conversation]);
    }

    /// Somebody is a member no more, and no notice says so.
    fn put_out(&mut self, user: UserId, conversation: ConversationId, departure: Departure) {
        if !self.people.get(&user).is_some_and(|person| person.belongs.contains(&conversation)) {
            return;
        }
        let signal = Signal::ConversationRemoved { conversation, departure };
        self.tell_one(Notice { to: Audience::User(user), signal });
    }

    /// Tells a notice of its own.
    fn tell_one(&mut self, notice: Notice) {
        let mut woken = Vec::new();
        self.tell_notice(&notice, &mut woken);
        for listener in woken {
            listener.outbox.wake();
        }
    }

    fn obey(&mut self, order: &Order) {
        let people = &self.people;
        self.orders.obey(order, |user| people.get(&user).map(|person| &*person.listeners).unwrap_or_default());
    }

    // ---- who comes and goes -------------------------------------------------------------------

    fn serve(&mut self, request: Control) {
        match request {
            Control::Attach { listener, answer } => self.attach(listener, answer),
            Control::Detach { user, id } => self.detach(user, id),
            Control::Loaded { user, since, result } => self.loaded(user, since, result),
            Control::Presence { user, presence } => {
                if let Some(person) = self.people.get_mut(&user) {
                    person.chosen = presence;
                    self.note_presence(user);
                }
            }
            Control::Typing { conversation, typist, typing } => {
                self.say_typing(conversation, &typist, typing);
                self.note_typing(conversation, typist, typing);
            }
            Control::Drain { spread } => self.drain(spread),
            Control::Holes(read) => self.holes_read(read),
            Control::Nodes(read) => self.nodes_read(read),
        }
    }

    fn attach(&mut self, listener: Arc<Listener>, answer: oneshot::Sender<Result<Attached>>) {
        let user = listener.user;
        let person = self.people.entry(user).or_insert_with(|| Person {
            username: listener.username.clone(),
            listeners: Vec::new(),
            belongs: HashSet::new(),
            read: false,
            chosen: Presence::Online,
            told: Presence::Offline,
            loading: None,
            alone_since: None,
        });
        let waiting = person.loading.as_ref().map_or(0, |loading| loading.waiting.len());
        if person.listeners.len() + waiting >= self.per_user {
            let _gone = answer
                .send(Err(Error::limit_reached(format!("One user may have at most {} connections.", self.per_user))));
            return;
        }
        match &mut person.loading {
            Some(loading) => loading.waiting.push((listener, answer)),
            None if !person.read || (person.listeners.is_empty() && person.alone_since.is_none()) => {
                person.loading = Some(Loading::of(listener, answer));
                self.load(user);
            }
            // Known already, from another connection or from a moment ago.
            None => {
                let belongs: Vec<ConversationId> = person.belongs.iter().copied().collect();
                if belongs.iter().all(|id| self.rooms.contains_key(id)) {
                    self.enter(listener, answer, &belongs);
                } else {
                    person.loading = Some(Loading::of(listener, answer));
                    self.load(user);
                }
            }
        }
    }

    /// Asks, and has the answer brought to the hub.
    fn later(&self, answer: impl Future<Output = Control> + Send + 'static) {
        let Some(control) = self.control.upgrade() else { return };
        tokio::spawn(async move {
            let answer = answer.await;
            let _ended = control.send(answer).await;
        });
    }

    fn load(&mut self, user: UserId) {
        let since = self.tick;
        *self.loading.entry(since).or_default() += 1;
        let reading = self.lookups.belongings(user);
        self.later(async move { Control::Loaded { user, since, result: reading.await } });
    }

    /// A reading that began at this tick has ended: what was told before the others began is not needed any more.
    fn end_reading(&mut self, since: u64) {
        if let Some(count) = self.loading.get_mut(&since) {
            *count -= 1;
            if *count == 0 {
                self.loading.remove(&since);
            }
        }
        let oldest = self.loading.keys().next().copied().unwrap_or(u64::MAX);
        while self.batches.front().is_some_and(|(tick, _)| *tick <= oldest) {
            self.batches.pop_front();
        }
    }

    fn loaded(&mut self, user: UserId, since: u64, result: Result<Vec<Belonging>>) {
        let meanwhile: Vec<Arc<Vec<Told>>> =
            self.batches.iter().filter(|(tick, _)| *tick > since).map(|(_, told)| told.clone()).collect();
        self.end_reading(since);
        let Some(person) = self.people.get_mut(&user) else { return };
        let Some(loading) = &mut person.loading else { return };
        if result.is_ok() && !loading.nudged.is_empty() && loading.again < AGAIN {
            // What was read may be from before that.
            loading.nudged.clear();
            loading.again += 1;
            return self.load(user);
        }
        let Some(loading) = person.loading.take() else { return };
        let belongings = match result {
            Ok(belongings) => belongings,
            Err(error) => {
                for (_, answer) in loading.waiting {
                    let _gone = answer.send(Err(error.clone()));
                }
                if person.listeners.is_empty() {
                    person.alone_since.get_or_insert_with(Instant::now);
                    self.changed.insert(user);
                }
                return self.look_at_belongings(user, loading.nudged);
            }
        };
        person.read = true;
        person.belongs = belongings.iter().map(|b| b.conversation).collect();
        let mut places: HashMap<ConversationId, Room> =
            belongings.into_iter().map(|b| (b.conversation, Room::new(b.place, b.head, b.member_count))).collect();
        for told in &meanwhile {
            apply(told, user, &mut person.belongs, &mut places);
        }
        let belongs: Vec<ConversationId> = person.belongs.iter().copied().collect();
        for (id, room) in places {
            if person.belongs.contains(&id) {
                self.rooms.entry(id).or_insert_with(|| {
                    self.voice.want(id, true);
                    room
                });
            }
        }
        for (listener, answer) in loading.waiting {
            self.enter(listener, answer, &belongs);
        }
        self.forget_silent(&belongs);
        self.look_at_belongings(user, loading.nudged);
    }

    /// What was changed while it was being read was not seen to its end.
    fn look_at_belongings(&mut self, user: UserId, nudged: HashSet<ConversationId>) {
        for conversation in nudged {
            self.look_at_belonging(user, conversation);
        }
    }

    /// Lets a connection listen to what its person belongs to, and answers from where on.
    fn enter(
        &mut self,
        listener: Arc<Listener>,
        answer: oneshot::Sender<Result<Attached>>,
        belongs: &[ConversationId],
    ) {
        let user = listener.user;
        let mut attached = Vec::with_capacity(belongs.len());
        for id in belongs {
            if let Some(room) = self.rooms.get_mut(id) {
                // A crowd may not have been told yet what comes before this.
                self.deliveries.fetch_add(room.flush(), Ordering::Relaxed);
                room.add(listener.clone());
                attached.push((*id, room.gaps.last()));
            }
        }
        attached.sort_unstable();
        let id = listener.id;
        if let Some(goodbye) = self.orders.missed(&listener) {
            listener.outbox.end(goodbye);
        }
        if self.draining {
            listener.outbox.end(Goodbye::Restart(0));
        }
        let doubtful = self.orders.is_doubtful(&listener);
        if let Some(person) = self.people.get_mut(&user) {
            person.alone_since = None;
            if person.listeners.is_empty() {
                self.people_here.fetch_add(1, Ordering::Relaxed);
            }
            person.listeners.push(listener);
            self.connections.fetch_add(1, Ordering::Relaxed);
        }
        self.note_presence(user);
        if doubtful {
            self.look_at_standing(user);
        }
        if answer.send(Ok(attached)).is_err() {
            // It has gone while it waited.
            self.detach(user, id);
        }
    }

    fn detach(&mut self, user: UserId, id: ConnectionId) {
        let Some(person) = self.people.get_mut(&user) else { return };
        let before = person.listeners.len();
        person.listeners.retain(|listener| listener.id != id);
        if person.listeners.len() == before {
            return;
        }
        self.connections.fetch_sub(1, Ordering::Relaxed);
        if person.listeners.is_empty() {
            self.people_here.fetch_sub(1, Ordering::Relaxed);
            person.alone_since = Some(Instant::now());
            person.chosen = Presence::Online;
            self.changed.insert(user);
        }
        let belongs: Vec<ConversationId> = person.belongs.iter().copied().collect();
        for conversation in &belongs {
            if let Some(room) = self.rooms.get_mut(conversation) {
                room.remove(id);
            }
        }
        self.forget_silent(&belongs);
    }

    fn forget_silent(&mut self, conversations: &[ConversationId]) {
        for id in conversations {
            if self.rooms.get(id).is_none_or(|room| !room.listeners.is_empty()) {
                continue;
            }
            self.voice.want(*id, false);
            let later = self.rooms.remove(id).map(|room| room.later).unwrap_or_default();
            for (_, notice) in later {
                if let (Signal::ConversationAdded(_), Audience::User(user)) = (notice.signal, notice.to) {
                    // They waited for a room that is no more.
                    self.look_at_belonging(user, *id);
                }
            }
        }
    }

    fn drain(&mut self, spread: Duration) {
        self.draining = true;
        self.send_away(spread);
    }

    /// What this node knows may have been changed without a word to it: everybody comes back, and is read anew.
    fn start_over(&mut self) {
        tracing::warn!("changes may have been missed: all connections are told to come back");
        self.send_away(OVER);
        self.people.values_mut().for_each(|person| person.read = false);
        for (conversation, _) in self.rooms.drain() {
            self.voice.want(conversation, false);
        }
    }

    /// Tells all connections to come back.
    fn send_away(&self, spread: Duration) {
        let all: Vec<&Arc<Listener>> = self.people.values().flat_map(|person| &person.listeners).collect();
        let spread = u32::try_from(spread.as_millis()).unwrap_or(u32::MAX);
        let count = u32::try_from(all.len()).unwrap_or(u32::MAX).max(1);
        for (place, listener) in (0_u32..).zip(all) {
            // Evenly spread, so that those who come back do not come all at once.
            let after = u64::from(spread) * u64::from(place) / u64::from(count);
            listener.outbox.end(Goodbye::Restart(u32::try_from(after).unwrap_or(spread)));
        }
    }

    // ---- presence and typing ------------------------------------------------------------------

    fn note_presence(&mut self, user: UserId) {
        if let Some(person) = self.people.get(&user) {
            let here = !person.listeners.is_empty();
            self.book.note(user, if here { person.chosen } else { Presence::Offline });
            self.changed.insert(user);
        }
    }

    fn on_tick(&mut self) {
        let now = Instant::now();
        for (conversation, typist) in self.typing.expired(now) {
            self.tell_typing(conversation, typist, false);
        }
        self.tell_presence(now);
        self.on_tick_of_nodes(now);
        metrics::gauge!("chat_websocket_connections_active").set(self.connections.load(Ordering::Relaxed) as f64);
    }

    /// Tells all changes since the last tick together, in conversations that are not too large.
    fn tell_presence(&mut self, now: Instant) {
        let at = self.lookups.now();
        let mut changes: HashMap<ConversationId, Vec<(UserId, String, Seen)>> = HashMap::new();
        let mut gone = Vec::new();
        for user in std::mem::take(&mut self.changed) {
            let Some(person) = self.people.get_mut(&user) else { continue };
            let leaving = person.listeners.is_empty() && person.loading.is_none();
            if leaving && person.alone_since.is_some_and(|since| now - since < GRACE) {
                self.changed.insert(user);
                continue;
            }
            let here = if leaving { Presence::Offline } else { person.chosen };
            self.nodes.changed.insert(user, here);
            let presence = merged(here, self.book.elsewhere(user));
            if presence.shown() != person.told.shown() {
                let hidden = presence == Presence::Invisible;
                for conversation in &person.belongs {
                    // Where nobody listens here, somebody may elsewhere.
                    let small = match self.rooms.get(conversation) {
                        Some(room) => room.member_count <= self.presence_members,
                        None => self.voice.is_heard(),
                    };
                    if small {
                        let change = (user, person.username.clone(), seen(presence, hidden, at));
                        changes.entry(*conversation).or_default().push(change);
                    }
                }
            }
            person.told = presence;
            if leaving {
                self.people.remove(&user);
                self.book.note(user, Presence::Offline);
                if presence == Presence::Offline {
                    gone.push(user);
                }
            }
        }
        let mut woken = Vec::new();
        // Those who share several conversations hear it once, unless their dialect says where.
        let mut said: HashSet<(ConnectionId, bytes::Bytes)> = HashSet::new();
        for (conversation, people) in changes {
            let signal = Signal::PresenceChanged { conversation, people };
            self.voice.say(Notice { to: Audience::Members(conversation), signal: signal.clone() });
            self.tell_those(conversation, None, &signal, &mut woken, |listener, frame| {
                listener.dialect.places_presence() || said.insert((listener.id, frame.clone()))
            });
        }
        woken.iter().for_each(|listener| listener.outbox.wake());
        if !gone.is_empty() {
            self.lookups.gone(gone);
        }
    }

    fn note_typing(&mut self, conversation: ConversationId, typist: Typist, typing: bool) {
        if typing {
            self.typing.start(conversation, typist.clone(), Instant::now());
            self.tell_typing(conversation, typist, true);
        } else if let Some(typist) = self.typing.stop(conversation, typist.user) {
            self.tell_typing(conversation, typist, false);
        }
    }

    fn tell_typing(&mut self, conversation: ConversationId, typist: Typist, typing: bool) {
        let mut woken = Vec::new();
        let Typist { user, username, shown_name } = typist;
        let signal = Signal::Typing { conversation, user, username, shown_name, typing };
        self.tell_members(conversation, Some(user), &signal, &mut woken);
        woken.iter().for_each(|listener| listener.outbox.wake());
    }
}

/// Waits for a moment that the caller knows to be there.
async fn wait(until: Option<Instant>) {
    if let Some(until) = until {
        tokio::time::sleep_until(until).await;
    }
}

/// Brings what was read up to what was told since.
fn apply(
    told: &[Told],
    user: UserId,
    belongs: &mut HashSet<ConversationId>,
    places: &mut HashMap<ConversationId, Room>,
) {
    for one in told {
        match one {
            Told::Event(event) => {
                if let Some(room) = places.get_mut(&event.conversation) {
                    // Whatever has a smaller number is in the database by now, from where clients are caught up.
                    room.gaps.filled(room.gaps.last().max(event.number), Instant::now());
                }
            }
            Told::Notice(Notice { to: Audience::User(whom), signal }) if *whom == user => match signal {
                Signal::ConversationAdded(listed) => {
                    let row = &listed.conversation;
                    let place = chat::conversations::Place { kind: row.kind, name: row.name.clone(), pair: row.pair };
                    belongs.insert(row.id);
                    places.entry(row.id).or_insert_with(|| Room::new(place, row.head, row.member_count));
                }
                Signal::ConversationRemoved { conversation, .. } => {
                    belongs.remove(conversation);
                }
                _ => {}
            },
            Told::Notice(_) | Told::Order(_) | Told::Doubt => {}
        }
    }
}

fn conversation_of(signal: &Signal) -> Option<ConversationId> {
    match signal {
        Signal::ConversationAdded(listed) => Some(listed.conversation.id),
        Signal::ConversationRemoved { conversation, .. }
        | Signal::ConversationHidden { conversation, .. }
        | Signal::MarkerMoved { conversation, .. }
        | Signal::Typing { conversation, .. }
        | Signal::PresenceChanged { conversation, .. } => Some(*conversation),
        Signal::ProfileChanged(_) => None,
    }
}

/// A signal's frame in each dialect, encoded when it is first wanted.
struct Frames<'a> {
    signal: &'a Signal,
    place: Option<&'a chat::conversations::Place>,
    encoded: [Option<bytes::Bytes>; Dialect::ALL.len()],
}

impl<'a> Frames<'a> {
    fn of(signal: &'a Signal, place: Option<&'a chat::conversations::Place>) -> Self {
        Self { signal, place, encoded: Default::default() }
    }

    fn for_dialect(&mut self, dialect: Dialect) -> Option<bytes::Bytes> {
        let (signal, place) = (self.signal, self.place);
        let encoded = self.encoded[dialect as usize].get_or_insert_with(|| {
            let mut frames = Vec::new();
            for text in dialect.signal(place, signal) {
                frame::write(&mut frames, frame::Opcode::Text, text.as_bytes());
            }
            frames.into()
        });
        (!encoded.is_empty()).then(|| encoded.clone())
    }
}
