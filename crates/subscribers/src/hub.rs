//! The hub: who listens to what. One task owns it, so that order needs no locks.
//!
//! A connection comes in three steps: it is attached (its outbox holds live frames back), the hub
//! learns what its person belongs to, and answers with the number from which each conversation's
//! events will follow. Whatever is committed between the reading and the answer is not lost: while a
//! reading is under way the hub keeps the batches, and applies them to what was read.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use chat::{
    ConnectionId, ConversationId, Error, ErrorCode, Event, Fact, Limits, Millis, Notice, Number, Order, Result, Signal,
    Told, UserId,
    event::Audience,
    presence::{Presence, Seen},
};
use dialects::Dialect;
use store::members::Belonging;
use stream::{Batch, Stream};
use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};

use crate::{
    Goodbye, frame,
    orders::Orders,
    presence::{Book, seen},
    queue::Listener,
    room::Room,
    typing::{Typing, Typist},
};

/// How often presence is told and typing ends.
const TICK: Duration = Duration::from_millis(250);
/// How long a person may be without a connection before they are told to be gone.
const GRACE: Duration = Duration::from_secs(2);
/// How much longer than its authentication may take a connection may be on its way to the hub.
const WAY: Duration = Duration::from_secs(60);
/// Requests to the hub that may wait.
const QUEUE: usize = 16_384;

/// With which number each of a person's conversations begins to be live.
pub type Attached = Vec<(ConversationId, Number)>;

/// A future of the hub's helpers.
pub type Lookup<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// What the hub asks of others.
pub struct Lookups {
    /// What a person belongs to.
    pub belongings: Box<dyn Fn(UserId) -> Lookup<Result<Vec<Belonging>>> + Send>,
    /// Notes that these people have gone.
    pub gone: Box<dyn Fn(Vec<UserId>) + Send>,
    /// The time.
    pub clock: Arc<dyn Fn() -> Millis + Send + Sync>,
}

enum Control {
    Attach { listener: Arc<Listener>, answer: oneshot::Sender<Result<Attached>> },
    Detach { user: UserId, id: ConnectionId },
    Loaded { user: UserId, result: Result<Vec<Belonging>> },
    Presence { user: UserId, presence: Presence },
    Typing { conversation: ConversationId, typist: Typist, typing: bool },
    Drain { spread: Duration },
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
        lookups: Lookups,
        book: Arc<Book>,
        limits: &Limits,
    ) -> (Self, tokio::task::JoinHandle<()>) {
        let (control, requests) = mpsc::channel(QUEUE);
        let connections = Arc::new(AtomicI64::new(0));
        let people_here = Arc::new(AtomicI64::new(0));
        let deliveries = Arc::new(AtomicU64::new(0));
        let hub = Self {
            control: control.clone(),
            connections: connections.clone(),
            people: people_here.clone(),
            deliveries: deliveries.clone(),
        };
        let state = State {
            lookups,
            book,
            connections,
            people_here,
            deliveries,
            per_user: usize::try_from(limits.connections_per_user).unwrap_or(usize::MAX),
            presence_members: limits.presence_members,
            typing: Typing::new(Duration::from_millis(u64::try_from(limits.typing_ms).unwrap_or(6_000))),
            control: control.downgrade(),
            orders: Orders::new(WAY + Duration::from_secs(u64::try_from(limits.authentication_seconds).unwrap_or(300))),
            people: HashMap::new(),
            rooms: HashMap::new(),
            changed: HashSet::new(),
            batches: VecDeque::new(),
            tick: 0,
            loading: 0,
            touched: Vec::new(),
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
    chosen: Presence,
    told: Presence,
    /// While what they belong to is being read: the connections that wait for it.
    loading: Option<Loading>,
    /// When the last connection went.
    alone_since: Option<Instant>,
}

struct Loading {
    since: u64,
    waiting: Vec<(Arc<Listener>, oneshot::Sender<Result<Attached>>)>,
}

struct State {
    lookups: Lookups,
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
    /// How many people's belongings are being read.
    loading: usize,
    /// Conversations of the present batch that have something to hand out.
    touched: Vec<ConversationId>,
}

impl State {
    async fn run(mut self, mut stream: Stream, mut requests: mpsc::Receiver<Control>) {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                batch = stream.next() => match batch {
                    Some(batch) => self.tell(batch),
                    None => return,
                },
                Some(request) = requests.recv() => self.serve(request),
                _ = ticks.tick() => self.on_tick(),
            }
        }
    }

    // ---- what was committed -------------------------------------------------------------------

    fn tell(&mut self, batch: Batch) {
        let told = Arc::new(batch.told);
        self.tick += 1;
        if self.loading > 0 {
            self.batches.push_back((self.tick, told.clone()));
        } else {
            self.batches.clear();
        }
        let mut personal: Vec<Arc<Listener>> = Vec::new();
        for one in told.iter() {
            match one {
                Told::Event(event) => self.tell_event(event),
                Told::Notice(notice) => self.tell_notice(notice, &mut personal),
                Told::Order(order) => self.obey(order),
            }
        }
        let touched = std::mem::take(&mut self.touched);
        for conversation in &touched {
            if let Some(room) = self.rooms.get_mut(conversation) {
                self.deliveries.fetch_add(room.flush(), Ordering::Relaxed);
            }
        }
        // The answers go into the same queues before anybody is woken, so that a sender's answer and
        // event are one write.
        for answer in batch.answers {
            answer();
        }
        for conversation in touched {
            for listener in self.rooms.get(&conversation).into_iter().flat_map(|room| &room.listeners) {
                listener.outbox.wake();
            }
        }
        for listener in personal {
            listener.outbox.wake();
        }
    }

    fn tell_event(&mut self, event: &Event) {
        if let Fact::MessageCreated(message) = &event.fact
            && let Some(typist) = self.typing.stop(event.conversation, message.author)
        {
            self.tell_typing(event.conversation, typist, false);
        }
        let Some(room) = self.rooms.get_mut(&event.conversation) else { return };
        if event.number <= room.last {
            return;
        }
        if event.number != room.last.next() {
            tracing::error!(conversation = %event.conversation, last = %room.last, next = %event.number, "events are missing");
        }
        room.last = event.number;
        if room.chunk.is_empty() {
            self.touched.push(event.conversation);
        }
        match &event.fact {
            Fact::ConversationUpdated(conversation) => room.place.name = conversation.name.clone(),
            Fact::MemberJoined { member_count, .. } | Fact::MemberLeft { member_count, .. } => {
                room.member_count = *member_count;
            }
            _ => {}
        }
        room.chunk.add(&room.place, event, &room.listening);
    }

    fn tell_notice(&mut self, notice: &Notice, personal: &mut Vec<Arc<Listener>>) {
        // Who belongs changes between two events: what was before is handed out to those who were there.
        match (&notice.signal, notice.to) {
            (Signal::ConversationAdded(listed), Audience::User(user)) => {
                let row = &listed.conversation;
                let place = chat::conversations::Place { kind: row.kind, name: row.name.clone(), pair: row.pair };
                self.begin_listening(user, row.id, place, row.head, row.member_count);
            }
            (Signal::ConversationRemoved { conversation, .. }, Audience::User(user)) => {
                self.end_listening(user, *conversation);
            }
            // What the one who hides had seen comes first: heard afterwards, it would bring the conversation back.
            (Signal::ConversationHidden { conversation }, _) => {
                if let Some(room) = self.rooms.get_mut(conversation) {
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
        let room = self.rooms.entry(conversation).or_insert_with(|| Room::new(place, head, member_count));
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
            if room.listeners.is_empty() {
                self.rooms.remove(&conversation);
            }
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
            Control::Loaded { user, result } => self.loaded(user, result),
            Control::Presence { user, presence } => {
                if let Some(person) = self.people.get_mut(&user) {
                    person.chosen = presence;
                    self.note_presence(user);
                }
            }
            Control::Typing { conversation, typist, typing } => {
                if typing {
                    self.typing.start(conversation, typist.clone(), Instant::now());
                    self.tell_typing(conversation, typist, true);
                } else if let Some(typist) = self.typing.stop(conversation, typist.user) {
                    self.tell_typing(conversation, typist, false);
                }
            }
            Control::Drain { spread } => self.drain(spread),
        }
    }

    fn attach(&mut self, listener: Arc<Listener>, answer: oneshot::Sender<Result<Attached>>) {
        let user = listener.user;
        let person = self.people.entry(user).or_insert_with(|| Person {
            username: listener.username.clone(),
            listeners: Vec::new(),
            belongs: HashSet::new(),
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
            None if person.listeners.is_empty() && person.alone_since.is_none() => {
                person.loading = Some(Loading { since: self.tick, waiting: vec![(listener, answer)] });
                self.load(user);
            }
            // Known already, from another connection or from a moment ago.
            None => {
                let belongs: Vec<ConversationId> = person.belongs.iter().copied().collect();
                if belongs.iter().all(|id| self.rooms.contains_key(id)) {
                    self.enter(listener, answer, &belongs);
                } else {
                    person.loading = Some(Loading { since: self.tick, waiting: vec![(listener, answer)] });
                    self.load(user);
                }
            }
        }
    }

    fn load(&mut self, user: UserId) {
        let Some(control) = self.control.upgrade() else { return };
        self.loading += 1;
        let reading = (self.lookups.belongings)(user);
        tokio::spawn(async move {
            let result = reading.await;
            let _ended = control.send(Control::Loaded { user, result }).await;
        });
    }

    fn loaded(&mut self, user: UserId, result: Result<Vec<Belonging>>) {
        self.loading = self.loading.saturating_sub(1);
        let Some(person) = self.people.get_mut(&user) else { return };
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
                return;
            }
        };
        person.belongs = belongings.iter().map(|b| b.conversation).collect();
        let mut places: HashMap<ConversationId, Room> =
            belongings.into_iter().map(|b| (b.conversation, Room::new(b.place, b.head, b.member_count))).collect();
        for (_, told) in self.batches.iter().filter(|(tick, _)| *tick > loading.since) {
            apply(told, user, &mut person.belongs, &mut places);
        }
        let belongs: Vec<ConversationId> = person.belongs.iter().copied().collect();
        for (id, room) in places {
            if person.belongs.contains(&id) {
                self.rooms.entry(id).or_insert(room);
            }
        }
        for (listener, answer) in loading.waiting {
            self.enter(listener, answer, &belongs);
        }
        self.forget_silent(&belongs);
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
                room.add(listener.clone());
                attached.push((*id, room.last));
            }
        }
        attached.sort_unstable();
        let id = listener.id;
        if let Some(goodbye) = self.orders.missed(&listener) {
            listener.outbox.end(goodbye);
        }
        if let Some(person) = self.people.get_mut(&user) {
            person.alone_since = None;
            if person.listeners.is_empty() {
                self.people_here.fetch_add(1, Ordering::Relaxed);
            }
            person.listeners.push(listener);
            self.connections.fetch_add(1, Ordering::Relaxed);
        }
        self.note_presence(user);
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
            if self.rooms.get(id).is_some_and(|room| room.listeners.is_empty()) {
                self.rooms.remove(id);
            }
        }
    }

    fn drain(&self, spread: Duration) {
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
        metrics::gauge!("chat_websocket_connections_active").set(self.connections.load(Ordering::Relaxed) as f64);
    }

    /// Tells all changes since the last tick together, in conversations that are not too large.
    fn tell_presence(&mut self, now: Instant) {
        let at = (self.lookups.clock)();
        let mut changes: HashMap<ConversationId, Vec<(UserId, String, Seen)>> = HashMap::new();
        let mut gone = Vec::new();
        for user in std::mem::take(&mut self.changed) {
            let Some(person) = self.people.get_mut(&user) else { continue };
            let leaving = person.listeners.is_empty() && person.loading.is_none();
            if leaving && person.alone_since.is_some_and(|since| now - since < GRACE) {
                self.changed.insert(user);
                continue;
            }
            let presence = if leaving { Presence::Offline } else { person.chosen };
            if presence.shown() != person.told.shown() {
                let hidden = presence == Presence::Invisible;
                for conversation in &person.belongs {
                    let small = self.rooms.get(conversation).is_some_and(|r| r.member_count <= self.presence_members);
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
                gone.push(user);
            }
        }
        let mut woken = Vec::new();
        // Those who share several conversations hear it once, unless their dialect says where.
        let mut said: HashSet<(ConnectionId, bytes::Bytes)> = HashSet::new();
        for (conversation, people) in changes {
            let signal = Signal::PresenceChanged { conversation, people };
            self.tell_those(conversation, None, &signal, &mut woken, |listener, frame| {
                listener.dialect.places_presence() || said.insert((listener.id, frame.clone()))
            });
        }
        woken.iter().for_each(|listener| listener.outbox.wake());
        if !gone.is_empty() {
            (self.lookups.gone)(gone);
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
                    room.last = room.last.max(event.number);
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
            Told::Notice(_) | Told::Order(_) => {}
        }
    }
}

fn conversation_of(signal: &Signal) -> Option<ConversationId> {
    match signal {
        Signal::ConversationAdded(listed) => Some(listed.conversation.id),
        Signal::ConversationRemoved { conversation, .. }
        | Signal::ConversationHidden { conversation }
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
