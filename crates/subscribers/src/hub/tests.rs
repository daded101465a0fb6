//! Cases that are hard to bring about from outside: answers that come too late, or not at all.

mod accounts;
mod gap_reads;
mod presence;
mod turnover;

use std::sync::{Mutex, atomic::AtomicBool};

use chat::{
    AccountEvent, AccountFact, Event, Millis, Scope, SessionId,
    accounts::ServerRole,
    conversations::{Conversation, Kind, Listed, Place, Visibility},
    members::{Departure, Member, Role},
    messages::{Message, MessageType},
    rates::Spent,
    reply::{AccountChanges, CaughtUp},
    sessions::Standing,
};
use dialects::Dialect;
use store::members::Belonging;

use super::*;
use crate::{Lookup, Outbox};

const GARDEN: ConversationId = ConversationId(7);
const ANN: UserId = UserId(1);
const BOB: UserId = UserId(2);
const CID: UserId = UserId(3);

/// The heads of conversations.
type Heads = Vec<(ConversationId, Number)>;

/// Lookups that are answered when the test says so.
#[derive(Default)]
struct Desk {
    belongings: Mutex<VecDeque<Result<Belongings>>>,
    account_changes: Mutex<VecDeque<Result<AccountChanges>>>,
    listed: Mutex<VecDeque<Result<Option<Listed>>>>,
    since_joining: Mutex<VecDeque<Result<Option<CaughtUp>>>>,
    standing: Mutex<VecDeque<Result<Standing>>>,
    heads: Mutex<VecDeque<Result<Heads>>>,
    /// The epoch of the database's history.
    epoch: Mutex<String>,
    /// Whether heads that are too low are damaged, and nothing is lost.
    is_damaged: AtomicBool,
    /// The epochs in which a loss was reported.
    lost: Mutex<Vec<String>>,
}

fn take<T: Send + 'static>(answers: &Mutex<VecDeque<Result<T>>>) -> Lookup<T> {
    let answer = answers.lock().expect("a desk").pop_front().expect("nobody was to ask");
    Box::pin(async move { answer })
}

fn never<T: Send + 'static>() -> Lookup<T> {
    Box::pin(std::future::pending())
}

impl Lookups for Desk {
    fn belongings(&self, _: UserId) -> Lookup<Belongings> {
        take(&self.belongings)
    }
    fn account_changes(&self, _: UserId, _: Number) -> Lookup<AccountChanges> {
        take(&self.account_changes)
    }
    fn changes(&self, _: ConversationId, _: Number) -> Lookup<CaughtUp> {
        never()
    }
    fn heads(&self, _: Vec<ConversationId>) -> Lookup<Vec<(ConversationId, Number)>> {
        let answer = self.heads.lock().expect("a desk").pop_front();
        answer.map_or_else(never, |answer| Box::pin(async move { answer }))
    }
    fn standing(&self, _: UserId, _: Vec<SessionId>) -> Lookup<Standing> {
        take(&self.standing)
    }
    fn listed(&self, _: UserId, _: ConversationId) -> Lookup<Option<Listed>> {
        take(&self.listed)
    }
    fn since_joining(&self, _: UserId, _: ConversationId) -> Lookup<Option<CaughtUp>> {
        take(&self.since_joining)
    }
    fn among(&self, _: Vec<UserId>, _: Vec<ConversationId>) -> Lookup<Vec<(ConversationId, UserId, String)>> {
        never()
    }
    fn subjects(&self, _: String, _: Vec<UserId>) -> Lookup<HashMap<UserId, String>> {
        never()
    }
    fn epoch(&self) -> String {
        self.epoch.lock().expect("a desk").clone()
    }
    fn lost(&self, epoch: &str, _: Scope, _: String) -> Lookup<bool> {
        self.lost.lock().expect("a desk").push(epoch.to_owned());
        let is_damaged = self.is_damaged.load(Ordering::Relaxed);
        if is_damaged { Box::pin(std::future::ready(Ok(false))) } else { never() }
    }
    fn gone(&self, _: Vec<UserId>) {}
    fn spent(&self) -> Spent {
        Spent::default()
    }
    fn note_spent(&self, _: Spent) {}
    fn share_rates(&self, _: usize) {}
    fn now(&self) -> Millis {
        Millis(0)
    }
}

/// A hub that does one thing at a time.
struct Small {
    state: State,
    desk: Arc<Desk>,
    requests: mpsc::Receiver<Control>,
    _control: mpsc::Sender<Control>,
    /// The id of the last connection, and of its session.
    next: i64,
    /// How long the credentials of further connections last.
    good_for: Duration,
    /// Whether further connections come with a host application's token instead of a session.
    of_host: bool,
    /// Whether further connections take runs of joins and leaves as one.
    gathers: bool,
    /// The dialect of further connections.
    dialect: Dialect,
    /// The answers to attached connections, kept so that they do not count as gone.
    answered: Vec<oneshot::Receiver<Result<Attached>>>,
}

impl Small {
    fn new() -> Self {
        let (control, requests) = mpsc::channel(64);
        let desk = Arc::new(Desk::default());
        let numbers = Arc::new(Numbers::new(desk.clone(), &[]));
        let (handle, book) = (Stream::new().0.handle(), Arc::new(Book::default()));
        let state = State::new(desk.clone(), handle, book, numbers, &Limits::default(), control.downgrade());
        Self {
            state,
            desk,
            requests,
            _control: control,
            next: 0,
            good_for: Duration::from_secs(3_600),
            of_host: false,
            gathers: false,
            dialect: Dialect::NATIVE,
            answered: Vec::new(),
        }
    }

    fn answers_with(&self, belongings: Belongings) {
        self.desk.belongings.lock().expect("a desk").push_back(Ok(belongings));
    }

    /// Attaches a connection; its person's conversations are asked for.
    fn attaches(&mut self, user: UserId) -> (Arc<Subscriber>, oneshot::Receiver<Result<Attached>>) {
        self.next += 1;
        let subscriber = Arc::new(Subscriber {
            id: ConnectionId(self.next),
            user,
            username: format!("user{user}"),
            session: (!self.of_host).then_some(SessionId(self.next)),
            role: ServerRole::User,
            dialect: self.dialect,
            gathers: self.gathers,
            vouched_at: std::time::Instant::now(),
            good_until: std::time::Instant::now() + self.good_for,
            tuning: None,
            outbox: Arc::new(Outbox::new(100_000)),
        });
        let (answer, attached) = oneshot::channel();
        self.state.attach(subscriber.clone(), answer);
        (subscriber, attached)
    }

    /// An attached connection of a person with these memberships.
    async fn has(&mut self, user: UserId, belongings: Belongings) -> Arc<Subscriber> {
        self.answers_with(belongings);
        let (subscriber, attached) = self.attaches(user);
        self.serves().await;
        self.answered.push(attached);
        subscriber
    }

    /// The hub takes the next answer.
    async fn serves(&mut self) {
        let request = tokio::time::timeout(Duration::from_secs(10), self.requests.recv()).await;
        let request = request.expect("a request in time").expect("a request");
        self.state.serve(request);
    }

    /// An event arrives from another node.
    fn hears(&mut self, number: i64, fact: Fact) {
        let event = Event {
            conversation: GARDEN,
            number: Number(number),
            actor: ANN,
            origin: None,
            at: Millis(0),
            fact,
            thread: None,
        };
        self.state.tell(&Arc::new(vec![Outgoing::Event(event)]), Vec::new());
    }

    /// A change of an account is committed on this node.
    fn commits(&mut self, account: UserId, number: i64, fact: AccountFact) {
        self.state.tell(&Arc::new(vec![Outgoing::Account(of_account(account, number, fact))]), Vec::new());
    }

    /// Another node reports that an account has reached this number.
    fn is_invalidated(&mut self, account: UserId, number: i64) {
        self.state.obey_invalidation(store::Invalidation::Account(account, Number(number)));
    }

    /// The missing numbers are read, and the answer arrives.
    async fn reads(&mut self) {
        self.state.read_gaps();
        self.serves().await;
    }
}

fn of_account(account: UserId, number: i64, fact: AccountFact) -> AccountEvent {
    AccountEvent { account, after: Number(number - 1), number: Number(number), origin: None, fact }
}

fn account_changes(account: UserId, from: i64, events: Vec<(i64, AccountFact)>) -> AccountChanges {
    let to = events.last().map_or(from, |(number, _)| *number);
    let events = events.into_iter().map(|(number, fact)| of_account(account, number, fact)).collect();
    AccountChanges { from: Number(from), to: Number(to), events, reset: false, more: false }
}

fn removed() -> AccountFact {
    AccountFact::ConversationRemoved { conversation: GARDEN, departure: Departure::Removed }
}

/// The answer to an attached connection whose account has this number.
fn into(account: i64, conversations: &[(ConversationId, Number)]) -> Attached {
    let visible_from = HashMap::new();
    Attached { account: Number(account), conversations: conversations.to_vec(), visible_from }
}

fn belongs(user: UserId, head: i64) -> Belongings {
    let place = Place { kind: Kind::Room, name: None, pair: None };
    let one =
        Belonging { user, conversation: GARDEN, place, head: Number(head), member_count: 2, visible_from: Number(0) };
    Belongings { account: Number(1), memberships: vec![one] }
}

fn nothing() -> Belongings {
    Belongings { account: Number(0), memberships: Vec::new() }
}

fn left(user: UserId) -> Fact {
    let (username, rev) = (format!("user{user}"), Number(6));
    let member = Member { user, shown_name: username.clone(), username, role: None, rev, joined_at: Millis(0) };
    Fact::MemberLeft { member, departure: Departure::Removed, member_count: 1 }
}

fn listed(head: i64) -> Listed {
    let conversation = Conversation {
        id: GARDEN,
        kind: Kind::Room,
        visibility: Visibility::Public,
        name: Some("garden".into()),
        topic: None,
        avatar: None,
        created_by: ANN,
        created_at: Millis(0),
        head: Number(head),
        rev: Number(1),
        member_count: 2,
        edit_history: false,
        pair: None,
        previews: false,
    };
    Listed {
        conversation,
        role: Role::Member,
        read_seq: Number(0),
        visible_from: Number(0),
        unread: 0,
        unread_for_me: 0,
        settings: chat::notifications::ConversationSettings::default(),
        last_message: None,
        room: None,
        peer: None,
    }
}

fn added(head: i64) -> AccountFact {
    AccountFact::ConversationAdded(Box::new(listed(head)))
}

/// The frames that somebody was sent: each one's type, and the first number in it.
fn told(subscriber: &Subscriber) -> Vec<String> {
    let bytes: Vec<u8> = subscriber.outbox.take().0.into_iter().flatten().collect();
    let text = String::from_utf8_lossy(&bytes);
    let digits = |rest: &str| rest.chars().take_while(char::is_ascii_digit).collect::<String>();
    let one = |frame: &str| {
        let number = frame.split_once("seq\":").map(|(_, rest)| digits(rest)).unwrap_or_default();
        format!("{} {number}", frame.split('"').next().unwrap_or_default())
    };
    text.split("{\"type\":\"").skip(1).map(one).collect()
}

fn said(seq: i64) -> Fact {
    Fact::MessageCreated(Message {
        id: chat::MessageId(seq),
        conversation: GARDEN,
        seq: Number(seq),
        rev: Number(seq),
        author: ANN,
        author_name: "user1".into(),
        author_shown_name: "user1".into(),
        author_role: ServerRole::User,
        message_type: MessageType::Text,
        client_id: None,
        text: Some("not for everybody".into()),
        parent: None,
        thread: None,
        also_in_room: false,
        summary: None,
        created_at: Millis(0),
        edited_at: None,
        deleted_at: None,
        files: Vec::new(),
        reactions: Vec::new(),
        mentions: chat::mentions::Mentions::default(),
        preview: None,
    })
}

#[tokio::test]
async fn a_member_removed_while_attaching_receives_no_later_events() {
    let mut hub = Small::new();
    let ann = hub.has(ANN, belongs(ANN, 5)).await;
    // The memberships read for Bob are from before his removal, and arrive after it.
    hub.answers_with(belongs(BOB, 5));
    let (bob, attached) = hub.attaches(BOB);
    hub.hears(6, left(BOB));
    hub.hears(7, said(7));
    hub.serves().await;
    hub.hears(8, said(8));
    assert_eq!(attached.await.expect("an answer").expect("belongings"), into(1, &[]));
    assert_eq!(bob.outbox.take().0, VecDeque::<bytes::Bytes>::new());
    assert_eq!(ann.outbox.take().0.len(), 3);
}

#[tokio::test]
async fn batches_published_during_an_attach_are_kept_no_longer_than_it_needs() {
    let mut hub = Small::new();
    hub.answers_with(belongs(ANN, 5));
    let (_ann, _in) = hub.attaches(ANN);
    hub.hears(6, said(6));
    hub.answers_with(belongs(BOB, 6));
    let (_bob, _bob_in) = hub.attaches(BOB);
    hub.hears(7, said(7));
    assert_eq!(hub.state.batches.len(), 2);
    hub.serves().await;
    assert_eq!(hub.state.batches.len(), 1, "bob waits still, for what came after him");
    hub.serves().await;
    assert_eq!(hub.state.batches.len(), 0);
    hub.hears(8, said(8));
    assert_eq!(hub.state.batches.len(), 0);
}

#[tokio::test]
async fn a_removed_member_whom_the_reading_shows_as_back_is_attached() {
    let mut hub = Small::new();
    let _ann = hub.has(ANN, belongs(ANN, 5)).await;
    hub.answers_with(belongs(BOB, 7));
    let (_bob, attached) = hub.attaches(BOB);
    hub.hears(6, left(BOB));
    hub.serves().await;
    assert_eq!(attached.await.expect("an answer").expect("belongings"), into(1, &[(GARDEN, Number(6))]));
}

#[tokio::test]
async fn a_node_that_was_away_for_long_makes_all_clients_reconnect() {
    let mut hub = Small::new();
    let bob = hub.has(BOB, belongs(BOB, 5)).await;
    hub.state.hear(Heard::Lost);
    assert!(matches!(bob.outbox.take().1, Some(CloseReason::Restart(_))));
    // While the old connection is being closed, his conversations are read again.
    hub.answers_with(nothing());
    let (_again, attached) = hub.attaches(BOB);
    hub.serves().await;
    assert_eq!(attached.await.expect("an answer").expect("belongings"), into(0, &[]));
    hub.hears(6, said(6));
    assert!(hub.state.channels.is_empty());
}

#[tokio::test]
async fn a_connection_that_comes_during_a_check_of_older_sessions_stays() {
    let mut hub = Small::new();
    let old = hub.has(BOB, belongs(BOB, 5)).await;
    let nothing_lives = Standing { active: true, role: ServerRole::User, live: Default::default() };
    hub.desk.standing.lock().expect("a desk").push_back(Ok(nothing_lives));
    hub.state.obey_invalidation(store::Invalidation::Standing(BOB));
    let (new, _attached) = hub.attaches(BOB);
    hub.serves().await;
    assert_eq!(old.outbox.take().1, Some(CloseReason::SessionEnded));
    assert_eq!(new.outbox.take().1, None);
}

#[tokio::test]
async fn another_history_closes_every_connection_with_its_own_reason_and_is_read_again() {
    let mut hub = Small::new();
    let bob = hub.has(BOB, belongs(BOB, 16)).await;
    hub.state.tell(&Arc::new(vec![Outgoing::NewHistory]), Vec::new());
    let close_reason = bob.outbox.take().1.expect("a close reason");
    assert_eq!((close_reason.code(), close_reason.name()), (4010, "new_history"));
    // The number that the history before had reached belongs to another message now.
    let ann = hub.has(ANN, belongs(ANN, 10)).await;
    hub.hears(11, said(11));
    assert_eq!(told(&ann), ["message.created 11"]);
}

#[tokio::test]
async fn a_reading_of_the_history_before_attaches_nobody() {
    let mut hub = Small::new();
    hub.answers_with(belongs(BOB, 16));
    let (bob, attached) = hub.attaches(BOB);
    hub.state.tell(&Arc::new(vec![Outgoing::NewHistory]), Vec::new());
    hub.answers_with(belongs(BOB, 10));
    hub.serves().await;
    assert!(hub.state.channels.is_empty(), "it is read again");
    hub.serves().await;
    assert_eq!(attached.await.expect("an answer").expect("belongings"), into(1, &[(GARDEN, Number(10))]));
    hub.hears(11, said(11));
    assert_eq!(told(&bob), ["message.created 11"]);
}

#[tokio::test]
async fn an_expired_host_token_closes_its_socket_and_no_other_of_the_same_person() {
    let mut hub = Small::new();
    hub.of_host = true;
    hub.good_for = Duration::from_secs(60);
    let short = hub.has(BOB, belongs(BOB, 5)).await;
    hub.good_for = Duration::from_secs(600);
    let (long, _attached) = hub.attaches(BOB);
    hub.state.on_tick_of_expiry(Instant::now() + Duration::from_secs(59));
    assert_eq!(short.outbox.take().1, None);
    hub.state.on_tick_of_expiry(Instant::now() + Duration::from_secs(61));
    assert_eq!(short.outbox.take().1, Some(CloseReason::TokenExpired));
    assert_eq!(long.outbox.take().1, None);
}

#[tokio::test]
async fn a_session_that_ends_by_time_closes_its_sockets_unless_it_was_used() {
    let mut hub = Small::new();
    hub.good_for = Duration::from_secs(60);
    let used = hub.has(BOB, belongs(BOB, 5)).await;
    let (unused, _attached) = hub.attaches(BOB);
    let session = used.session.expect("of a session");
    let live = HashMap::from([(session, Duration::from_secs(300))]);
    let goes_on = Standing { active: true, role: ServerRole::User, live };
    hub.desk.standing.lock().expect("a desk").push_back(Ok(goes_on));
    hub.state.on_tick_of_expiry(Instant::now() + Duration::from_secs(61));
    hub.serves().await;
    assert_eq!(used.outbox.take().1, None);
    assert_eq!(unused.outbox.take().1, Some(CloseReason::SessionEnded));
    hub.state.detach(BOB, unused.id);
    // The session is rechecked when it should end next.
    hub.state.on_tick_of_expiry(Instant::now() + Duration::from_secs(299));
    let over = Standing { active: true, role: ServerRole::User, live: HashMap::new() };
    hub.desk.standing.lock().expect("a desk").push_back(Ok(over));
    hub.state.on_tick_of_expiry(Instant::now() + Duration::from_secs(301));
    hub.serves().await;
    assert_eq!(used.outbox.take().1, Some(CloseReason::SessionEnded));
}

#[tokio::test]
async fn a_session_that_cannot_be_checked_when_it_should_end_is_rechecked_later() {
    let mut hub = Small::new();
    hub.good_for = Duration::from_secs(60);
    let bob = hub.has(BOB, belongs(BOB, 5)).await;
    hub.desk.standing.lock().expect("a desk").push_back(Err(Error::new(ErrorCode::Unavailable, "Not now.")));
    hub.state.on_tick_of_expiry(Instant::now() + Duration::from_secs(61));
    hub.serves().await;
    assert_eq!(bob.outbox.take().1, None);
    let over = Standing { active: true, role: ServerRole::User, live: HashMap::new() };
    hub.desk.standing.lock().expect("a desk").push_back(Ok(over));
    hub.state.on_tick_of_nodes(Instant::now());
    hub.serves().await;
    assert_eq!(bob.outbox.take().1, Some(CloseReason::SessionEnded));
}

/// The membership of somebody who sees messages from this number on.
fn sees_from(number: i64, mut belongings: Belongings) -> Belongings {
    belongings.memberships.iter_mut().for_each(|one| one.visible_from = Number(number));
    belongings
}

fn edited(seq: i64, rev: i64) -> Message {
    let Fact::MessageCreated(message) = said(seq) else { unreachable!("it is one that was said") };
    Message { rev: Number(rev), edited_at: Some(Millis(0)), ..message }
}

#[tokio::test]
async fn a_member_who_does_not_see_a_message_gets_the_number_of_its_change_even_in_a_new_channel() {
    let mut hub = Small::new();
    let bob = hub.has(BOB, sees_from(4, belongs(BOB, 5))).await;
    hub.has(ANN, belongs(ANN, 5)).await;
    hub.hears(6, Fact::MessageEdited(edited(3, 6)));
    hub.hears(7, Fact::MessageEdited(edited(5, 7)));
    assert_eq!(told(&bob), ["event.hidden 6", "message.edited 7"]);
    // Bob disconnects, and the channel goes with him; somebody else brings it back before him.
    let (anns, bobs) = (ConnectionId(2), bob.id);
    hub.state.detach(BOB, bobs);
    hub.state.detach(ANN, anns);
    assert!(hub.state.channels.is_empty());
    hub.has(ANN, belongs(ANN, 7)).await;
    let (bob, attached) = hub.attaches(BOB);
    let attached = attached.await.expect("an answer").expect("belongings");
    assert_eq!(attached.visible_from.get(&GARDEN), Some(&Number(4)));
    hub.hears(8, Fact::MessageEdited(edited(3, 8)));
    assert_eq!(told(&bob), ["event.hidden 8"]);
}

#[tokio::test]
async fn a_filled_gap_leaves_out_messages_that_a_member_does_not_see() {
    let mut hub = Small::new();
    let bob = hub.has(BOB, sees_from(4, belongs(BOB, 5))).await;
    let ann = hub.has(ANN, belongs(ANN, 5)).await;
    let changes = CaughtUp {
        from: Number(5),
        to: Number(7),
        conversation: listed(7).conversation,
        members: Vec::new(),
        messages: vec![edited(3, 6), edited(5, 7)],
        threads: Vec::new(),
        reset: false,
        more: false,
    };
    let asked = gaps::Asked { generation: hub.state.generation, last: Number(5) };
    hub.state.note_head(GARDEN, Number(7));
    hub.state.gaps_read(gaps::Read::Changes(GARDEN, asked, Box::new(Ok(changes)), None));
    let texts = |subscriber: &Subscriber| {
        let bytes: Vec<u8> = subscriber.outbox.take().0.into_iter().flatten().collect();
        String::from_utf8_lossy(&bytes).matches("not for everybody").count()
    };
    assert_eq!((texts(&ann), texts(&bob)), (2, 1));
}
