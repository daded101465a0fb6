//! The hub: which connection listens to which conversation. One task owns it, so that order needs no locks.
//!
//! `attach` adds and removes connections, `account` delivers the events of accounts, `expiry` closes connections whose
//! credential has ended, `hand_out` moves what was published into the outboxes, `signals` delivers ephemeral events,
//! `presence` presence and typing. Events of other nodes take the same way as those that were committed here, but may
//! be late, doubled or lost: `gaps` reads the missing ones, `nodes` obeys the other nodes' invalidations.

mod account;
mod activity;
mod attach;
mod cards;
mod expiry;
mod gaps;
mod hand_out;
mod newcomers;
mod nodes;
mod numbers;
mod presence;
mod signals;
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
    ConnectionId, ConversationId, Error, ErrorCode, Fact, Limits, Millis, Number, Outgoing, Result, Revocation, UserId,
    accounts::Account,
    conversations::{Listed, Place},
    mutants::{self, Mutant},
    presence::Presence,
};
use store::members::Belongings;
use stream::{Batch, Handle, Heard, Stream, gaps::Turn};
use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};

use crate::{
    CloseReason,
    channel::{Channel, Waiting},
    frame,
    lookups::Lookups,
    numbers::Numbers,
    pace::MUCH,
    presence::{Book, Whose},
    queue::Subscriber,
    revocations::Revocations,
    typing::{Typing, TypingPlace, Typist},
};

/// How often presence is published and typing ends.
const TICK: Duration = Duration::from_millis(250);
/// How long a person may be without a connection before others are told that they have gone.
const GRACE: Duration = Duration::from_secs(2);
/// How long a connection may be on its way to the hub, in addition to the time that authentication may take.
const EN_ROUTE: Duration = Duration::from_secs(60);
/// Requests to the hub that may wait.
const QUEUE: usize = 16_384;

/// The numbers after which live events follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attached {
    /// The account's number.
    pub account: Number,
    /// The number of each of the person's conversations, by id.
    pub conversations: Vec<(ConversationId, Number)>,
    /// The number from which on the person sees messages, in those conversations where they do not see all.
    pub visible_from: HashMap<ConversationId, Number>,
}

enum Control {
    Attach { subscriber: Arc<Subscriber>, answer: oneshot::Sender<Result<Attached>> },
    Detach { user: UserId, id: ConnectionId },
    Loaded { user: UserId, since: u64, result: Result<Belongings> },
    Entered { user: UserId, number: Number, entered: Box<Result<Option<newcomers::Entered>>> },
    Card(Box<Account>, Result<Belongings>),
    Presence { user: UserId, presence: Presence, whose: Whose },
    Activity { user: UserId, id: ConnectionId },
    Typing { place: TypingPlace, typist: Typist, typing: bool },
    Drain { spread: Duration },
    Gaps(gaps::Read),
    Nodes(nodes::Read),
}

/// A handle to the hub. Cheap to clone.
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
        numbers: Arc<Numbers>,
        limits: &Limits,
    ) -> (Self, tokio::task::JoinHandle<()>) {
        let (control, requests) = mpsc::channel(QUEUE);
        let state = State::new(lookups, stream.handle(), book, numbers, limits, control.downgrade());
        let hub = Self {
            control,
            connections: state.connections.clone(),
            people: state.people_here.clone(),
            deliveries: state.deliveries.clone(),
        };
        let task = tokio::spawn(state.run(stream, requests));
        (hub, task)
    }

    /// Attaches a connection. Its outbox should hold live frames until its client has been sent the answer: the number
    /// after which each conversation's events follow.
    ///
    /// # Errors
    /// `limit_reached` if the user has too many connections; the store's errors.
    pub async fn attach(&self, subscriber: Arc<Subscriber>) -> Result<Attached> {
        let (answer, attached) = oneshot::channel();
        if self.control.send(Control::Attach { subscriber, answer }).await.is_err() {
            return Err(Error::new(ErrorCode::Unavailable, "The server is stopping."));
        }
        attached.await.unwrap_or_else(|_| Err(Error::new(ErrorCode::Unavailable, "The server is stopping.")))
    }

    /// Removes a connection.
    pub async fn detach(&self, subscriber: &Subscriber) {
        let (user, id) = (subscriber.user, subscriber.id);
        // A hub that has ended has removed all connections already.
        let _ended = self.control.send(Control::Detach { user, id }).await;
    }

    /// Sets the presence that a person has chosen, or that of one of their connections.
    pub async fn set_presence(&self, user: UserId, presence: Presence, whose: Whose) {
        let _ended = self.control.send(Control::Presence { user, presence, whose }).await;
    }

    /// Notes that somebody does something on one of their connections: they are not away.
    pub async fn show_activity(&self, user: UserId, id: ConnectionId) {
        let _ended = self.control.send(Control::Activity { user, id }).await;
    }

    /// Publishes that somebody writes, or has stopped.
    pub async fn set_typing(&self, place: TypingPlace, typist: Typist, typing: bool) {
        let _ended = self.control.send(Control::Typing { place, typist, typing }).await;
    }

    /// Closes all connections with a request to reconnect, each after another time within `spread`.
    pub async fn drain(&self, spread: Duration) {
        let _ended = self.control.send(Control::Drain { spread }).await;
    }

    /// The number of people who have a connection.
    #[must_use]
    pub fn people(&self) -> i64 {
        self.people.load(Ordering::Relaxed)
    }

    /// The number of attached connections.
    #[must_use]
    pub fn connections(&self) -> i64 {
        self.connections.load(Ordering::Relaxed)
    }

    /// How many batches of events were put into subscribers' outboxes since the start.
    #[must_use]
    pub fn deliveries(&self) -> i64 {
        i64::try_from(self.deliveries.load(Ordering::Relaxed)).unwrap_or(i64::MAX)
    }
}

struct Person {
    username: String,
    subscribers: Vec<Arc<Subscriber>>,
    belongs: HashSet<ConversationId>,
    /// The number from which on they see messages, in those conversations where they do not see all.
    limited: HashMap<ConversationId, Number>,
    /// `None` until their conversations were read: before that, "no conversation known" does not mean "none".
    account: Option<account::Account>,
    /// How they wish to be shown, wherever they are.
    chosen: Presence,
    /// When they said so, on whichever node; 0 if they never did.
    chosen_at: Millis,
    /// How some of their connections said to be; the others are online.
    said: Vec<(ConnectionId, Presence)>,
    /// Those that have shown activity once, and none for a while.
    idle: Vec<ConnectionId>,
    told: Presence,
    /// The connections that wait while the person's conversations are being read.
    loading: Option<attach::Loading>,
    /// When the last connection went.
    alone_since: Option<Instant>,
    /// When a connection of theirs last went.
    left_at: Option<Instant>,
}

struct State {
    lookups: Arc<dyn Lookups>,
    handle: Handle,
    gaps: gaps::GapReads,
    nodes: nodes::Nodes,
    book: Arc<Book>,
    /// The numbers that hosts give to people, for the subscribers of the old endpoints.
    numbers: Arc<Numbers>,
    connections: Arc<AtomicI64>,
    people_here: Arc<AtomicI64>,
    deliveries: Arc<AtomicU64>,
    per_user: usize,
    presence_members: i64,
    typing: Typing,
    activity: activity::Activity,
    control: mpsc::WeakSender<Control>,
    revocations: Revocations,
    /// In boxes, as the channels.
    people: HashMap<UserId, Box<Person>>,
    /// In boxes: a table of the channels themselves would have empty places of their size.
    channels: HashMap<ConversationId, Box<Channel>>,
    /// People whose accounts have an event that waits for a conversation.
    stalled: HashSet<UserId>,
    /// People whose presence must be published with the next tick.
    changed: HashSet<UserId>,
    /// Batches that were published while memberships were being read, each with its tick.
    batches: VecDeque<(u64, Arc<Vec<Outgoing>>)>,
    tick: u64,
    /// The number of readings of memberships that are under way, by the tick at which they began.
    loading: BTreeMap<u64, usize>,
    /// Whether the server is stopping: new connections are sent away.
    draining: bool,
    /// Counts how often the hub has started over: answers to earlier questions are ignored.
    generation: u64,
    /// The epoch of the history that everything here belongs to.
    epoch: String,
    /// Whether a loss in this history was reported: that is done once.
    lost: bool,
    touched: hand_out::Touched,
    expiry: expiry::Expiry,
}

impl State {
    fn new(
        lookups: Arc<dyn Lookups>,
        handle: Handle,
        book: Arc<Book>,
        numbers: Arc<Numbers>,
        limits: &Limits,
        control: mpsc::WeakSender<Control>,
    ) -> Self {
        let epoch = lookups.epoch();
        Self {
            lookups,
            handle,
            gaps: gaps::GapReads::default(),
            nodes: nodes::Nodes::default(),
            book,
            numbers,
            connections: Arc::default(),
            people_here: Arc::default(),
            deliveries: Arc::default(),
            per_user: usize::try_from(limits.connections_per_user).unwrap_or(usize::MAX),
            presence_members: limits.presence_members,
            typing: Typing::new(Duration::from_millis(u64::try_from(limits.typing_ms).unwrap_or(6_000))),
            activity: activity::Activity::new(limits.away_minutes),
            control,
            revocations: Revocations::new(
                EN_ROUTE + Duration::from_secs(u64::try_from(limits.authentication_seconds).unwrap_or(300)),
            ),
            people: HashMap::new(),
            channels: HashMap::new(),
            stalled: HashSet::new(),
            changed: HashSet::new(),
            batches: VecDeque::new(),
            tick: 0,
            loading: BTreeMap::new(),
            draining: false,
            generation: 0,
            epoch,
            lost: false,
            touched: hand_out::Touched::default(),
            expiry: expiry::Expiry::default(),
        }
    }

    async fn run(mut self, mut stream: Stream, mut requests: mpsc::Receiver<Control>) {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let (gap, crowd) = (self.gaps.due(), self.touched.due());
            tokio::select! {
                biased;
                heard = stream.next() => match heard {
                    Some(heard) => {
                        self.learn(self.named_in_heard(&heard)).await;
                        self.hear(heard);
                    }
                    None => return,
                },
                Some(request) = requests.recv() => {
                    self.learn(self.named_in_request(&request)).await;
                    self.serve(request);
                }
                () = wait(crowd), if crowd.is_some() => self.hand_out(Vec::new()),
                () = wait(gap), if gap.is_some() => self.read_gaps(),
                _ = ticks.tick() => self.on_tick(),
            }
        }
    }

    // ---- what was committed -------------------------------------------------------------------

    fn hear(&mut self, heard: Heard) {
        match heard {
            Heard::Committed(Batch { told, answers }) => self.tell(&told, answers),
            Heard::Said(conversation, words) => self.take_words(conversation, words),
            Heard::Invalidation(invalidation) => self.obey_invalidation(invalidation),
            Heard::Listening(conversations) => self.ask_heads(&conversations),
            Heard::Missed => self.ask_all_heads(),
            Heard::Lost => self.start_over(CloseReason::Restart),
            Heard::People(node, word) => self.hear_people(node, word),
        }
    }

    /// Publishes what was committed, here or on another node.
    fn tell(&mut self, told: &Arc<Vec<Outgoing>>, answers: Vec<Box<dyn FnOnce() + Send>>) {
        self.tick += 1;
        if !self.loading.is_empty() {
            self.batches.push_back((self.tick, told.clone()));
        }
        let mut personal: Vec<Arc<Subscriber>> = Vec::new();
        for (at, one) in told.iter().enumerate() {
            match one {
                Outgoing::Event(event) => self.take_event(event.conversation, event.number, (told.clone(), at)),
                Outgoing::Account(event) => {
                    self.take_account_event(event, true);
                    self.take_card(event);
                }
                Outgoing::Notice(notice) => self.tell_notice(notice, &mut personal),
                Outgoing::Revocation(revocation) => self.obey(revocation),
                Outgoing::Doubt => self.ask_all_heads(),
                Outgoing::NewHistory => self.follow_new_history(),
            }
        }
        self.hand_out(answers);
        for subscriber in personal {
            subscriber.outbox.wake();
        }
    }

    /// Publishes an event if its number is the next, and those that have waited for it.
    fn take_event(&mut self, conversation: ConversationId, number: Number, event: Waiting) {
        let Some(channel) = self.channels.get_mut(&conversation) else { return };
        match channel.gaps.offer(number, event, Instant::now()) {
            Turn::Now(event) => {
                self.tell_event(&event);
                self.continue_waiting_accounts(conversation);
                self.publish_waiting(conversation);
            }
            Turn::Later => self.watch_gap(conversation),
        }
    }

    fn publish_waiting(&mut self, conversation: ConversationId) {
        while let Some(event) = self.channels.get_mut(&conversation).and_then(|channel| channel.gaps.pop()) {
            self.tell_event(&event);
            self.continue_waiting_accounts(conversation);
        }
    }

    /// Continues the accounts that have waited for the number that was just published.
    fn continue_waiting_accounts(&mut self, conversation: ConversationId) {
        let Some(channel) = self.channels.get_mut(&conversation) else { return };
        for user in channel.take_waiting() {
            self.tell_account(user, false);
        }
    }

    fn tell_event(&mut self, (told, at): &Waiting) {
        let Some(Outgoing::Event(event)) = told.get(*at) else { return };
        if let Fact::MessageCreated(message) = &event.fact {
            self.stop_typing(message);
        }
        let Some(channel) = self.channels.get_mut(&event.conversation) else { return };
        if channel.chunk.is_empty() || channel.chunk.len() >= MUCH {
            self.touched.add(event.conversation);
        }
        if let Fact::ConversationUpdated(conversation) = &event.fact {
            channel.place.name = conversation.name.clone();
        }
        if let Some(member_count) = event.fact.members_after() {
            channel.member_count = member_count;
        }
        let (listening, due) = channel.gather(event, self.presence_members, Instant::now());
        channel.add_event(&self.numbers, event, &listening);
        if let Some(due) = due {
            self.touched.add_later(due, event.conversation);
        }
        // Removed at once, because the waiting events come next. The member learns of it by an event of their account.
        if let Fact::MemberLeft { member, .. } = &event.fact {
            self.put_out(member.user, event.conversation, event.number);
        }
    }

    fn begin_listening(&mut self, user: UserId, listed: &Listed) {
        let (row, conversation) = (&listed.conversation, listed.conversation.id);
        let Some(person) = self.people.get_mut(&user) else { return };
        person.belongs.insert(conversation);
        limit(&mut person.limited, listed);
        if person.subscribers.is_empty() {
            return;
        }
        let channel = self.channels.entry(conversation).or_insert_with(|| {
            self.handle.want(conversation, true);
            let place = Place { kind: row.kind, name: row.name.clone(), pair: row.pair };
            Box::new(Channel::new(place, row.head, row.member_count))
        });
        self.deliveries.fetch_add(channel.flush(), Ordering::Relaxed);
        channel.limit(user, listed.visible_from);
        for subscriber in &person.subscribers {
            channel.add(subscriber.clone());
        }
    }

    fn end_listening(&mut self, user: UserId, conversation: ConversationId) {
        if mutants::is(Mutant::PermissionAtConnect) {
            return;
        }
        let Some(person) = self.people.get_mut(&user) else { return };
        person.belongs.remove(&conversation);
        if let Some(channel) = self.channels.get_mut(&conversation) {
            self.deliveries.fetch_add(channel.flush(), Ordering::Relaxed);
            for subscriber in &person.subscribers {
                channel.remove(subscriber);
                subscriber.outbox.wake();
            }
        }
        self.forget_silent(&[conversation]);
    }

    fn obey(&mut self, revocation: &Revocation) {
        let people = &self.people;
        self.revocations
            .obey(revocation, |user| people.get(&user).map(|person| &*person.subscribers).unwrap_or_default());
    }

    // ---- requests -----------------------------------------------------------------------------

    fn serve(&mut self, request: Control) {
        match request {
            Control::Attach { subscriber, answer } => self.attach(subscriber, answer),
            Control::Detach { user, id } => self.detach(user, id),
            Control::Loaded { user, since, result } => self.loaded(user, since, result),
            Control::Entered { user, number, entered } => self.entered_read(user, number, *entered),
            Control::Card(account, belongings) => self.belongings_of_card(&account, belongings),
            Control::Presence { user, presence, whose } => self.set_presence(user, presence, whose),
            Control::Activity { user, id } => self.show_activity(user, id),
            Control::Typing { place, typist, typing } => {
                // Other nodes may have received a start that this node did not.
                let may_be_news = !typing && !self.is_large(place.conversation);
                if self.note_typing(place, typist.clone(), typing) || may_be_news {
                    self.say_typing(place, &typist, typing);
                }
            }
            Control::Drain { spread } => self.drain(spread),
            Control::Gaps(read) => self.gaps_read(read),
            Control::Nodes(read) => self.nodes_read(read),
        }
    }

    /// Runs a lookup, and sends its answer to the hub.
    fn later(&self, answer: impl Future<Output = Control> + Send + 'static) {
        let Some(control) = self.control.upgrade() else { return };
        tokio::spawn(async move {
            let answer = answer.await;
            let _ended = control.send(answer).await;
        });
    }

    fn on_tick(&mut self) {
        let now = Instant::now();
        for (place, typist) in self.typing.expired(now) {
            self.tell_typing(place, typist, false);
        }
        self.tell_stalled_accounts();
        self.on_tick_of_activity(now);
        self.tell_presence(now);
        self.on_tick_of_expiry(now);
        self.on_tick_of_nodes(now);
        metrics::gauge!("chat_websocket_connections_active").set(self.connections.load(Ordering::Relaxed) as f64);
    }
}

/// Notes the number from which on a member sees messages, if they do not see all.
fn limit(limited: &mut HashMap<ConversationId, Number>, listed: &Listed) {
    let conversation = listed.conversation.id;
    if listed.visible_from > Number(0) {
        limited.insert(conversation, listed.visible_from);
    } else {
        limited.remove(&conversation);
    }
}

/// Waits until this time. The caller checks first that there is one; without it, this returns at once.
async fn wait(until: Option<Instant>) {
    if let Some(until) = until {
        tokio::time::sleep_until(until).await;
    }
}
