//! A person: an account, a socket, what they know and what they have received.
//!
//! The methods for what they do are in `doing`, those for what they receive in `hearing`.

mod doing;
mod hearing;

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{
    sync::{Notify, mpsc, oneshot, watch},
    task::AbortHandle,
    time::{Instant, timeout, timeout_at},
};
use tokio_websockets::{CloseCode, Message};

use crate::{
    inbox::Inbox,
    law::{self, Depth},
    model::{Model, Next},
    rest::{Answer, Rest},
    stranger::{self, Socket},
    town::Shared,
};

/// How long to wait for something that should happen.
const PATIENCE: Duration = Duration::from_secs(30);
/// Frames that may wait to be written.
const UNSAID: usize = 65_536;

/// A room, group or direct conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Its id.
    pub id: i64,
}

/// The answer to a send.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    /// The conversation.
    pub room: Room,
    /// The message's number.
    pub seq: i64,
    /// The message's id.
    pub id: i64,
    /// The client id of the send.
    pub client_id: String,
    /// Whether the message had been stored before.
    pub repeated: bool,
}

/// The answer to a command.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The whole frame.
    pub frame: Value,
}

impl Reply {
    /// The answer's data.
    ///
    /// # Panics
    /// If it was refused.
    #[track_caller]
    pub fn granted(self) -> Value {
        assert_ne!(self.frame["type"], "error", "refused: {}", self.frame);
        self.frame["data"].clone()
    }

    /// The refusal's problem object.
    ///
    /// # Panics
    /// If it was not refused with this code.
    #[track_caller]
    pub fn refused(self, code: &str) -> Value {
        assert_eq!(self.frame["error"]["code"], code, "{}", self.frame);
        self.frame["error"].clone()
    }
}

/// The credentials of an account.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// The access token.
    pub access: String,
    /// The refresh token; empty with a host application's token.
    pub refresh: String,
    /// The session.
    pub session: i64,
}

struct Link {
    outgoing: mpsc::Sender<Message>,
    pause: watch::Sender<bool>,
    tasks: [AbortHandle; 2],
}

/// The part of a person that changes.
#[derive(Default)]
pub struct State {
    pub model: Model,
    pub inbox: Inbox,
    /// The head at which each conversation was last found correct.
    pub verified: BTreeMap<i64, i64>,
    /// The number at which the account was last found correct.
    pub verified_account: Option<i64>,
    pending: HashMap<String, oneshot::Sender<Value>>,
    link: Option<Link>,
    /// Whether the connection is authenticated.
    ready: bool,
    /// Whether they have stopped reading from the socket.
    deaf: bool,
    close_reason: Option<(u16, Value)>,
    /// A frame that contradicted the protocol.
    broken: Option<String>,
}

/// The inner part of a person, which clones share.
pub struct Inner {
    pub name: String,
    /// The node that they connect to: an index among the town's nodes.
    node: usize,
    pub id: i64,
    pub password: String,
    town: Arc<Shared>,
    tokens: Mutex<Tokens>,
    state: Mutex<State>,
    changed: Notify,
    next: AtomicU64,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Inner {
    pub fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Whether they are connected and read from the socket.
    ///
    /// # Panics
    /// If they have received something that contradicts the protocol.
    pub fn is_listening(&self) -> bool {
        let state = self.state();
        if let Some(broken) = &state.broken {
            panic!("{} was told what is against the protocol: {broken}", self.name);
        }
        state.ready && !state.deaf && state.link.is_some()
    }

    /// The node that they connect to.
    fn home(&self) -> &(Rest, SocketAddr) {
        &self.town.nodes[self.node % self.town.nodes.len()]
    }

    pub async fn rest(&self, method: &str, path: &str, body: &Value) -> Answer {
        let token = lock(&self.tokens).access.clone();
        self.home().0.ask(method, path, Some(&token), body).await
    }

    /// Waits until something has changed, or for a moment.
    pub async fn wait_a_little(&self) {
        let _time_is_over = timeout(Duration::from_millis(20), self.changed.notified()).await;
    }

    /// Waits until `look` returns something.
    async fn wait_for<T>(&self, what: &str, mut look: impl FnMut(&mut State) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let changed = self.changed.notified();
            let mut changed = std::pin::pin!(changed);
            changed.as_mut().enable();
            {
                let mut state = self.state();
                if let Some(broken) = &state.broken {
                    panic!("{} was told what is against the protocol: {broken}", self.name);
                }
                if let Some(found) = look(&mut state) {
                    return found;
                }
            }
            if timeout_at(deadline, changed).await.is_err() {
                let state = self.state();
                let (heard, close_reason) = (&state.inbox, &state.close_reason);
                panic!("{} waited in vain for {what}; unheard: {heard:?}; close_reason: {close_reason:?}", self.name);
            }
        }
    }

    /// Takes a frame of the server.
    async fn take(&self, text: &str) -> Result<(), String> {
        let frame: Value = serde_json::from_str(text).map_err(|error| format!("{error}: {text}"))?;
        if let Some(re) = frame.get("re") {
            return self.take_answer(re, &frame).await;
        }
        let next = self.state().model.hear(&frame).map_err(|broken| format!("{broken}: {text}"))?;
        match next {
            Next::Listen => {}
            Next::Read(id) => self.read(id).await,
            Next::ReadAccount(seq) => self.read_account(seq).await,
        }
        let mut state = self.state();
        let State { model, inbox, .. } = &mut *state;
        inbox.put(&frame, self.id, &|user| {
            if user == self.id { self.name.clone() } else { model.name(user).unwrap_or_else(|| user.to_string()) }
        });
        Ok(())
    }

    async fn take_answer(&self, re: &Value, frame: &Value) -> Result<(), String> {
        if frame["type"] == "authenticated" {
            let unknown = self.state().model.welcome(&frame["data"])?;
            for id in unknown {
                self.read(id).await;
            }
            if self.state().model.account().is_none() {
                self.read_account(frame["data"]["account_seq"].as_i64().unwrap_or_default()).await;
            }
            self.state().ready = true;
        }
        let mut state = self.state();
        match re.as_str() {
            None => state.inbox.refusals.push_back(frame["error"].clone()),
            Some(re) => match state.pending.remove(re) {
                Some(asker) => {
                    let _does_not_wait = asker.send(frame.clone());
                }
                None => return Err(format!("nobody asked {re}: {frame}")),
            },
        }
        Ok(())
    }

    async fn read(&self, id: i64) {
        if let Some(snapshot) = law::read(self, id, Depth::Page).await {
            let mut state = self.state();
            state.verified.remove(&id);
            state.model.read(id, snapshot);
        }
    }

    async fn read_account(&self, seq: i64) {
        let account = law::read_account(self, seq).await;
        let mut state = self.state();
        state.verified_account = None;
        state.model.put_account(account);
    }

    fn ended(&self, close_reason: Option<(u16, Value)>) {
        let mut state = self.state();
        state.ready = false;
        state.link = None;
        state.close_reason = state.close_reason.take().or(close_reason);
        state.pending.clear();
        state.model.hang_up();
        drop(state);
        self.changed.notify_waiters();
    }
}

/// Somebody with an account. Cheap to clone; a clone is the same person on the same connection.
#[derive(Clone)]
pub struct Person {
    inner: Arc<Inner>,
}

impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.inner.name)
    }
}

impl Person {
    pub(crate) fn new(town: Arc<Shared>, name: &str, password: &str, id: i64, tokens: Tokens) -> Self {
        let node = lock(&town.people).len();
        let inner = Arc::new(Inner {
            name: name.to_owned(),
            node,
            id,
            password: password.to_owned(),
            town: town.clone(),
            tokens: Mutex::new(tokens),
            state: Mutex::default(),
            changed: Notify::new(),
            next: AtomicU64::new(0),
        });
        lock(&town.people).push(inner.clone());
        Self { inner }
    }

    /// Their id.
    #[must_use]
    pub fn id(&self) -> i64 {
        self.inner.id
    }

    /// Their name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// Their password.
    #[must_use]
    pub fn password(&self) -> &str {
        &self.inner.password
    }

    /// Their tokens.
    #[must_use]
    pub fn tokens(&self) -> Tokens {
        lock(&self.inner.tokens).clone()
    }

    /// Replaces the tokens.
    pub fn takes_tokens(&self, answer: &Value) {
        *lock(&self.inner.tokens) = tokens_of(answer);
    }

    // ---- connecting -----------------------------------------------------------------------------

    /// Opens a socket and authenticates in the first frame, with the cursors of the known state.
    ///
    /// # Panics
    /// If they are refused.
    pub async fn comes(&self) -> Value {
        let socket = stranger::connect(self.inner.home().1, "/v1/ws", &[]).await.expect("a socket");
        self.talks_on(socket);
        let token = self.tokens().access;
        self.authenticates(self.resume(json!({"token": token, "cursors": self.cursors()}))).await.granted()
    }

    /// Adds the account's cursor to the data of `authenticate`.
    fn resume(&self, mut data: Value) -> Value {
        if let Some(seq) = self.inner.state().model.account_seq() {
            data["account_seq"] = seq.into();
        }
        data
    }

    /// Opens a socket with the credential in the handshake.
    ///
    /// # Panics
    /// If they are refused.
    pub async fn comes_with(&self, headers: &[(&str, &str)]) -> Value {
        let socket = stranger::connect(self.inner.home().1, "/v1/ws", headers).await.expect("a socket");
        self.talks_on(socket);
        self.authenticates(self.resume(json!({"cursors": self.cursors()}))).await.granted()
    }

    /// Reconnects; has caught up when this returns.
    ///
    /// # Panics
    /// If they are refused, or something was missed.
    pub async fn comes_back(&self) -> Value {
        let welcome = self.comes().await;
        self.lives_by_the_law(None).await;
        welcome
    }

    /// Opens a socket without sending anything.
    ///
    /// # Panics
    /// If it cannot be opened.
    pub async fn connects(&self) {
        let socket = stranger::connect(self.inner.home().1, "/v1/ws", &[]).await.expect("a socket");
        self.talks_on(socket);
    }

    /// The same person on another device, which knows nothing yet, connected.
    pub async fn on_another_device(&self) -> Self {
        let inner = &self.inner;
        let other = Self::new(inner.town.clone(), &inner.name, &inner.password, inner.id, self.tokens());
        other.comes().await;
        other
    }

    /// Sends `authenticate`. Without a cursor for the account, the account is read again.
    pub async fn authenticates(&self, data: Value) -> Reply {
        if data.get("account_seq").is_none() {
            self.inner.state().model.put_account(None);
        }
        self.begins("authenticate", data).await
    }

    /// The cursors of the known state.
    #[must_use]
    pub fn cursors(&self) -> Value {
        json!(self.inner.state().model.cursors())
    }

    fn talks_on(&self, socket: Socket) {
        let (mut sink, mut stream) = socket.split();
        let (outgoing, mut messages) = mpsc::channel::<Message>(UNSAID);
        let (pause, mut paused) = watch::channel(false);
        let writing = tokio::spawn(async move {
            while let Some(message) = messages.recv().await {
                if sink.send(message).await.is_err() {
                    return;
                }
            }
        });
        let mut state = self.inner.state();
        (state.close_reason, state.deaf) = (None, false);
        let inner = self.inner.clone();
        let reading = tokio::spawn(async move {
            let mut close_reason = None;
            loop {
                if paused.wait_for(|paused| !paused).await.is_err() {
                    break;
                }
                let Some(Ok(message)) = stream.next().await else { break };
                if let Some((code, reason)) = message.as_close() {
                    close_reason = Some((code.into(), serde_json::from_str(reason).unwrap_or_default()));
                    continue;
                }
                let Some(text) = message.as_text() else { continue };
                if let Err(broken) = inner.take(text).await {
                    inner.state().broken.get_or_insert(broken);
                }
                inner.changed.notify_waiters();
            }
            inner.ended(close_reason);
        });
        let tasks = [reading.abort_handle(), writing.abort_handle()];
        state.link = Some(Link { outgoing, pause, tasks });
    }

    /// Closes the connection in order.
    pub async fn hangs_up(&self) {
        self.writes_message(Message::close(Some(CloseCode::NORMAL_CLOSURE), ""));
        self.inner.wait_for("the end of the connection", |state| state.link.is_none().then_some(())).await;
    }

    /// Loses the connection, without a close frame.
    pub fn is_cut_off(&self) {
        let link = self.inner.state().link.take();
        for task in link.into_iter().flat_map(|link| link.tasks) {
            task.abort();
        }
        self.inner.ended(None);
    }

    /// Waits for the server's close frame; returns its code and its reason.
    pub async fn is_sent_away(&self) -> (u16, Value) {
        self.inner
            .wait_for("a close frame", |state| state.link.is_none().then(|| state.close_reason.clone()).flatten())
            .await
    }

    /// Whether they are connected.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.inner.state().link.is_some()
    }

    /// Stops reading from the socket.
    pub fn stops_listening(&self) {
        let mut state = self.inner.state();
        state.deaf = true;
        if let Some(link) = &state.link {
            link.pause.send_replace(true);
        }
    }

    /// Reads from the socket again.
    pub fn listens_again(&self) {
        let mut state = self.inner.state();
        state.deaf = false;
        if let Some(link) = &state.link {
            link.pause.send_replace(false);
        }
    }

    // ---- commands -------------------------------------------------------------------------------

    /// Sends a command and waits for the answer; then the law is checked.
    pub async fn asks(&self, kind: &str, data: Value) -> Reply {
        let touched = data["conversation"].as_i64();
        let reply = self.begins(kind, data).await;
        self.lives_by_the_law(touched).await;
        reply
    }

    /// Sends a command; the answer may be awaited. The law is not checked.
    ///
    /// # Panics
    /// If the connection ends before the answer.
    pub fn begins(&self, kind: &str, data: Value) -> impl Future<Output = Reply> + Send + use<> {
        let (answer, answered) = oneshot::channel();
        let id = format!("c{}", self.inner.next.fetch_add(1, Ordering::Relaxed));
        self.inner.state().pending.insert(id.clone(), answer);
        self.writes(&json!({"id": id, "type": kind, "data": data}).to_string());
        let (name, kind) = (self.inner.name.clone(), kind.to_owned());
        async move {
            match timeout(PATIENCE, answered).await {
                Ok(Ok(frame)) => Reply { frame },
                Ok(Err(_)) => panic!("{name}: the connection ended before {kind} was answered"),
                Err(_) => panic!("{name}: {kind} was not answered in time"),
            }
        }
    }

    /// Makes a request; after one that can change something, the law is checked.
    pub async fn requests(&self, method: &str, path: &str, body: Value) -> Answer {
        let answer = self.inner.rest(method, path, &body).await;
        if method != "GET" {
            let mut parts = path.split(['/', '?']).skip_while(|part| *part != "conversations").skip(1);
            self.lives_by_the_law(parts.next().and_then(|id| id.parse().ok())).await;
        }
        answer
    }

    /// Makes a request with further headers.
    pub async fn requests_with(&self, method: &str, path: &str, body: Value, headers: &[(&str, &str)]) -> Answer {
        let answer = self.inner.home().0.ask_with(method, path, Some(&self.tokens().access), &body, headers).await;
        self.lives_by_the_law(None).await;
        answer
    }

    /// Writes a text frame unchanged.
    pub fn writes(&self, text: &str) {
        self.writes_message(Message::text(text.to_owned()));
    }

    /// Writes a binary frame.
    pub fn writes_bytes(&self, bytes: &[u8]) {
        self.writes_message(Message::binary(bytes.to_vec()));
    }

    fn writes_message(&self, message: Message) {
        let state = self.inner.state();
        let link = state.link.as_ref().unwrap_or_else(|| panic!("{} is not connected", self.inner.name));
        match link.outgoing.try_send(message) {
            Ok(()) | Err(mpsc::error::TrySendError::Closed(_)) => {}
            Err(mpsc::error::TrySendError::Full(_)) => panic!("{} says too much at once", self.inner.name),
        }
    }

    /// Waits for the next refusal of a frame whose command id could not be read.
    pub async fn is_refused(&self, code: &str) -> Value {
        let refusal = self.inner.wait_for(code, |state| state.inbox.refusals.pop_front()).await;
        assert_eq!(refusal["code"], code, "{refusal}");
        refusal
    }

    async fn lives_by_the_law(&self, touched: Option<i64>) {
        self.inner.town.law(touched).await;
    }
}

/// Parses the answer to a send.
pub(crate) fn said(data: &Value) -> Said {
    Said {
        room: Room { id: data["conversation"].as_i64().expect("a conversation") },
        seq: data["seq"].as_i64().expect("a number"),
        id: data["id"].as_i64().expect("an id"),
        client_id: data["client_id"].as_str().unwrap_or_default().to_owned(),
        repeated: data["repeated"] == true,
    }
}

/// The tokens in an answer.
pub(crate) fn tokens_of(answer: &Value) -> Tokens {
    let text = |field: &str| answer[field].as_str().unwrap_or_default().to_owned();
    let session = answer["session"].as_i64().unwrap_or_default();
    Tokens { access: text("access_token"), refresh: text("refresh_token"), session }
}
