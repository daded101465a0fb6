//! One connection's life: frames in, commands in order, a goodbye with a code.
//!
//! An idle connection owns no buffer: it waits for readiness, reads into one that its thread lends, and
//! keeps only the bytes of an unfinished frame.

use std::{
    cell::RefCell,
    collections::VecDeque,
    future::Future,
    io::ErrorKind,
    net::IpAddr,
    pin::Pin,
    sync::{Arc, atomic::Ordering},
    task::{Context, Poll},
    time::Duration,
};

use chat::{ConversationId, Error, ErrorCode, Number, Signal, members::Departure};
use dialects::{Resume, Text, Then, Turn, Welcome};
use engine::{Arrival, Cost};
use subscribers::{
    Goodbye, Listener, Outbox, Tuning,
    frame::{self, Opcode},
};
use tokio::{
    net::TcpStream,
    time::{Instant, Sleep},
};

use crate::{
    Door, Shared,
    connections::Seat,
    incoming::{Heard, Incoming},
    missed::Piece,
    transfer::Transfer,
    turns::{Actor, Step},
    writer::Writer,
};

/// What one read takes; the buffer is the thread's.
const READ: usize = 64 * 1_024;
/// Sends of one connection that may wait for their commit.
const PIPELINE: u32 = 64;
/// Frames that could not be understood, or came too often, before the connection is closed.
const PATIENCE: u32 = 100;
/// After a goodbye, how long the client may take to say its own.
const FAREWELL: Duration = Duration::from_secs(2);
/// How long it may take to write the goodbye to one who is slow.
const SLOW_FAREWELL: Duration = Duration::from_secs(20);
/// Who takes fewer bytes than this in the time in which they would have been found silent is not waited for.
const SLOWEST: u64 = 16 * 1_024;

thread_local! {
    static BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ].into_boxed_slice());
}

/// Runs a connection to its end.
pub(crate) async fn run(
    door: Door,
    socket: TcpStream,
    seat: Arc<Seat>,
    early: Vec<u8>,
    actor: Actor,
    arrival: Option<Arc<Arrival>>,
    stranger: Option<IpAddr>,
) {
    let shared = door.shared.clone();
    shared.counters.sockets.fetch_add(1, Ordering::Relaxed);
    metrics::counter!("chat_websocket_connections_total").increment(1);
    let began = Instant::now();
    let frame_bytes = usize::try_from(shared.limits().frame_bytes).unwrap_or(usize::MAX);
    let connection = actor.connection.unwrap_or_default();
    let queue_bytes = usize::try_from(shared.limits().queue_bytes).unwrap_or(usize::MAX);
    let outbox = Arc::new(Outbox::new(queue_bytes));
    shared.note_unknown(connection, &outbox);
    seat.is_socket(&outbox);
    let mut life = Connection {
        writer: Writer::new(outbox.clone()),
        outbox,
        socket,
        seat,
        actor,
        arrival,
        stranger,
        listener: None,
        incoming: Incoming::new(frame_bytes),
        begun: None,
        heard: VecDeque::new(),
        offences: 0,
        began,
        last_heard: began,
        asked: false,
        taken: 0,
        door,
    };
    let goodbye = life.live(early).await;
    shared.is_known(connection);
    if let Some(listener) = life.listener.take() {
        Box::pin(shared.hub.detach(&listener)).await;
    }
    if let Some(address) = life.stranger.take() {
        shared.stranger_is_known(address);
    }
    life.seat.ends(Instant::now());
    Box::pin(life.part(goodbye)).await;
    shared.counters.sockets.fetch_sub(1, Ordering::Relaxed);
    metrics::histogram!("chat_websocket_connection_duration_seconds").record(began.elapsed());
    metrics::counter!("palabre_goodbyes_total", "code" => goodbye.name()).increment(1);
    tracing::debug!(%connection, goodbye = goodbye.name(), "a connection ended");
}

struct Connection {
    door: Door,
    socket: TcpStream,
    /// Dropped after the socket, so that its descriptor is free when its place is.
    seat: Arc<Seat>,
    outbox: Arc<Outbox>,
    writer: Writer,
    actor: Actor,
    /// Who came with a token in the handshake, until they are welcomed.
    arrival: Option<Arc<Arrival>>,
    /// The address under which it is counted while nobody has vouched for it.
    stranger: Option<IpAddr>,
    listener: Option<Arc<Listener>>,
    incoming: Incoming,
    /// The message or frame that the client has begun and not ended.
    begun: Option<Transfer>,
    /// What was read and not looked at yet.
    heard: VecDeque<Heard>,
    offences: u32,
    began: Instant,
    last_heard: Instant,
    /// Whether a ping has not been answered.
    asked: bool,
    /// How many bytes it had taken when its silence was last looked at.
    taken: u64,
}

enum Woken {
    Goodbye(Goodbye),
    /// What was read before can be looked at.
    Heard,
    Readable,
    Time,
}

impl Connection {
    fn shared(&self) -> &Shared {
        &self.door.shared
    }

    /// From the handshake to the goodbye; `early` came together with the handshake.
    async fn live(&mut self, early: Vec<u8>) -> Goodbye {
        if let Some(arrival) = self.arrival.clone()
            && !self.door.dialect.authenticates_in_band
        {
            self.seat.peer().has_credential();
            if let Err(error) = Box::pin(self.attach(&arrival)).await {
                self.say(vec![(self.door.dialect.refusal)(&error)]);
                return Box::pin(self.end(shut_out(&error, Goodbye::TooManyConnections))).await;
            }
            if let Some(speaker) = &self.actor.speaker {
                self.say((self.door.dialect.greeting)(speaker));
            }
            self.outbox.release();
        }
        let mut timer = Box::pin(tokio::time::sleep_until(self.deadline()));
        self.take(&early);
        drop(early);
        loop {
            // Whoever does not take their answers gets no more of them.
            while !self.outbox.is_full()
                && let Some(heard) = self.heard.pop_front()
            {
                if let Err(goodbye) = self.hear(heard).await {
                    return Box::pin(self.end(goodbye)).await;
                }
            }
            if self.outbox.is_full()
                && let Some(begun) = &mut self.begun
            {
                // It is not read meanwhile, so it is not the client that makes it wait.
                *begun = Transfer::new(Instant::now());
            }
            if self.heard.is_empty() {
                // An idle connection owns no queue.
                self.heard = VecDeque::new();
            }
            // Whoever has just authenticated may have less time now than before.
            let deadline = self.deadline();
            if deadline < timer.deadline() {
                timer.as_mut().reset(deadline);
            }
            match self.wait(&mut timer).await {
                Woken::Goodbye(goodbye) => return goodbye,
                Woken::Heard => {}
                Woken::Readable => self.read(),
                Woken::Time => match self.on_time() {
                    Ok(()) => timer.as_mut().reset(self.deadline()),
                    Err(goodbye) => return Box::pin(self.end(goodbye)).await,
                },
            }
        }
    }

    /// Waits for something to read, or for the clock, and writes meanwhile. While too much waits to be
    /// written nothing is read: a client that does not listen is not listened to.
    async fn wait(&mut self, timer: &mut Pin<Box<Sleep>>) -> Woken {
        std::future::poll_fn(|context: &mut Context<'_>| {
            if let Poll::Ready(goodbye) = self.writer.poll(&self.socket, context) {
                return Poll::Ready(Woken::Goodbye(goodbye));
            }
            if !self.outbox.is_full() {
                if !self.heard.is_empty() {
                    return Poll::Ready(Woken::Heard);
                }
                match self.socket.poll_read_ready(context) {
                    Poll::Ready(Ok(())) => return Poll::Ready(Woken::Readable),
                    Poll::Ready(Err(_)) => return Poll::Ready(Woken::Goodbye(Goodbye::Gone)),
                    Poll::Pending => {}
                }
            }
            timer.as_mut().poll(context).map(|()| Woken::Time)
        })
        .await
    }

    /// Waits for something else, and writes meanwhile.
    async fn while_writing<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Goodbye> {
        let mut work = std::pin::pin!(work);
        std::future::poll_fn(|context: &mut Context<'_>| {
            if let Poll::Ready(value) = work.as_mut().poll(context) {
                return Poll::Ready(Ok(value));
            }
            self.writer.poll(&self.socket, context).map(Err)
        })
        .await
    }

    /// Waits until no send is under way, so that answers keep the order of their commands.
    async fn settle(&mut self, at_most: u32) -> Result<(), Goodbye> {
        std::future::poll_fn(|context: &mut Context<'_>| {
            if let Poll::Ready(goodbye) = self.writer.poll(&self.socket, context) {
                return Poll::Ready(Err(goodbye));
            }
            if self.outbox.sends_in_flight() <= at_most { Poll::Ready(Ok(())) } else { Poll::Pending }
        })
        .await
    }

    // ---- reading --------------------------------------------------------------------------------

    fn read(&mut self) {
        BUFFER.with_borrow_mut(|buffer| match self.socket.try_read(buffer) {
            Ok(0) => self.heard.push_back(Heard::End(Goodbye::Gone)),
            Ok(count) => {
                self.last_heard = Instant::now();
                self.asked = false;
                self.take(buffer.get(..count).unwrap_or_default());
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            Err(_) => self.heard.push_back(Heard::End(Goodbye::Gone)),
        });
    }

    /// Takes bytes that came, and notes since when the client owes the end of what it has begun.
    fn take(&mut self, bytes: &[u8]) {
        let something_ended = self.incoming.take(bytes, &mut self.heard);
        if something_ended || !self.incoming.is_unfinished() {
            self.begun = None;
        }
        if self.incoming.is_unfinished() {
            let now = Instant::now();
            self.begun.get_or_insert_with(|| Transfer::new(now)).went_on(now, bytes.len());
        }
    }

    async fn hear(&mut self, heard: Heard) -> Result<(), Goodbye> {
        match heard {
            Heard::Text(text) => {
                let turn = (self.door.dialect.decode)(self.actor.speaker.as_ref(), &text);
                drop(text);
                self.take_turn(turn).await
            }
            Heard::Binary => self.refuse(Error::new(ErrorCode::Malformed, "Frames must be text in UTF-8.")).await,
            Heard::TooLarge => {
                let most = self.shared().limits().frame_bytes;
                self.refuse(Error::new(ErrorCode::TooLarge, format!("A frame may have at most {most} bytes."))).await
            }
            Heard::Ping(payload) => {
                let mut pong = Vec::with_capacity(payload.len() + 2);
                frame::write(&mut pong, Opcode::Pong, &payload);
                self.outbox.push_answer(pong.into());
                self.settle(u32::MAX).await
            }
            Heard::Pong => Ok(()),
            Heard::End(goodbye) => Err(goodbye),
        }
    }

    /// Refuses a message that no dialect gets to see.
    async fn refuse(&mut self, error: Error) -> Result<(), Goodbye> {
        self.settle(0).await?;
        self.say(vec![(self.door.dialect.refusal)(&error)]);
        self.offend()
    }

    // ---- commands -------------------------------------------------------------------------------

    async fn take_turn(&mut self, turn: Turn) -> Result<(), Goodbye> {
        let turn = match turn {
            Turn::Send(..) => turn,
            Turn::Refuse(texts) => {
                self.settle(0).await?;
                self.say(texts);
                return self.offend();
            }
            turn => {
                self.settle(0).await?;
                if let Err(error) = self.shared().admit(&self.actor, Cost::Request) {
                    self.say(vec![(self.door.dialect.refusal)(&error)]);
                    return self.rush(&error);
                }
                turn
            }
        };
        let mut turn = turn;
        loop {
            turn = match turn {
                Turn::Send(draft, then) => return self.send(draft, then).await,
                Turn::Tune { conversation, hears, then } => then(self.tune(conversation, hears)),
                Turn::Authenticate(token, resume, then) => {
                    return Box::pin(self.authenticate(token, resume, then)).await;
                }
                turn => {
                    let (shared, actor) = (self.door.shared.clone(), self.actor.clone());
                    // Boxed, because it is as large as the largest command, and a connection is mostly idle.
                    let driven = Box::pin(async move { shared.drive(&actor, turn).await });
                    match self.while_writing(driven).await? {
                        Step::Special(turn) => turn,
                        Step::Over(Turn::Say(texts)) => {
                            self.say(texts);
                            return self.settle(u32::MAX).await;
                        }
                        Step::Over(Turn::Refuse(texts)) => {
                            self.say(texts);
                            return self.offend();
                        }
                        Step::Over(_) => return Ok(()),
                    }
                }
            };
        }
    }

    /// Gives a send to the writer without waiting for its commit. The answer goes into the outbox
    /// together with the events of its batch.
    async fn send(
        &mut self,
        draft: chat::messages::Draft,
        then: Box<dyn FnOnce(chat::Result<chat::messages::Sent>) -> Vec<Text> + Send>,
    ) -> Result<(), Goodbye> {
        let admitted = self.actor.known().cloned().and_then(|speaker| {
            self.shared().admit(&self.actor, Cost::Message(self.door.pace))?;
            Ok(speaker)
        });
        let speaker = match admitted {
            Ok(speaker) => speaker,
            Err(error) => {
                self.settle(0).await?;
                self.say(then(Err(error.clone())));
                return self.rush(&error);
            }
        };
        self.settle(PIPELINE - 1).await?;
        let outbox = self.outbox.clone();
        outbox.begin_send();
        let done = Box::new(move |sent| {
            for text in then(sent) {
                outbox.push_answer(frame::text(&text));
            }
            outbox.end_send();
            outbox.wake();
        });
        let (engine, connection) = (self.shared().engine.clone(), self.actor.connection);
        let sending = Box::pin(async move { engine.send(&speaker, draft, connection, done).await });
        self.while_writing(sending).await
    }

    /// Turns a conversation on or off for this connection.
    fn tune(&self, conversation: ConversationId, hears: bool) -> chat::Result<()> {
        let most = usize::try_from(self.shared().limits().conversations_per_user).unwrap_or(usize::MAX);
        let tuning = self.listener.as_ref().and_then(|listener| listener.tuning.as_ref());
        match tuning {
            Some(tuning) if tuning.tune(conversation, hears, most) => Ok(()),
            Some(_) => Err(Error::limit_reached(format!("One connection may choose about {most} conversations."))),
            None => Err(Error::internal()),
        }
    }

    async fn authenticate(
        &mut self,
        token: Option<String>,
        resume: Resume,
        then: Then<Welcome>,
    ) -> Result<(), Goodbye> {
        // Of the time before: what the client is told afterwards is at least as new as the epoch that it is told.
        let epoch = self.shared().engine.epoch();
        self.seat.peer().has_credential();
        let welcome = match self.let_in(token, &epoch.id).await {
            Ok(welcome) => welcome,
            Err(error) => {
                let goodbye = shut_out(&error, Goodbye::Unauthenticated);
                let stays = matches!(error.code, ErrorCode::Conflict | ErrorCode::Unavailable);
                if stays && self.listener.is_none() {
                    // As with its clock, a failure gives it no more time.
                    self.seat.peer().needs_credential(self.began);
                }
                self.finish(then(Err(error))).await?;
                return if stays { Ok(()) } else { Err(goodbye) };
            }
        };
        if self.shared().engine.epoch() != epoch {
            return Err(Goodbye::NewHistory(0));
        }
        let belongs = welcome.conversations.clone();
        self.finish(then(Ok(welcome))).await?;
        // Of another history of the database, a cursor says nothing here, wherever it stands: it is taken for one
        // beyond every head, which is answered by a reset. One that does not say its history may be of another, if
        // there was another.
        let foreign = resume.epoch.map_or(epoch.is_later, |theirs| theirs != epoch.id);
        for (conversation, cursor) in resume.cursors {
            let cursor = if foreign { Number(chat::MAX_SAFE_INTEGER) } else { cursor };
            let live_from =
                belongs.binary_search_by_key(&conversation, |(id, _)| *id).ok().and_then(|at| belongs.get(at));
            self.catch_up(&epoch.id, conversation, cursor, live_from.map(|(_, number)| *number)).await?;
        }
        self.outbox.release();
        // It was they who waited: however long that took, they have not been silent.
        self.last_heard = Instant::now();
        self.settle(u32::MAX).await
    }

    async fn let_in(&mut self, token: Option<String>, epoch: &str) -> chat::Result<Welcome> {
        if self.listener.is_some() {
            return Err(Error::new(ErrorCode::Conflict, "This connection has authenticated already."));
        }
        let arrival = match token {
            Some(token) => self.shared().engine.authenticate(&token).await?,
            None => self.arrival.clone().ok_or_else(|| Error::new(ErrorCode::Unauthenticated, "A token is needed."))?,
        };
        let conversations = self.attach(&arrival).await?;
        let (account, speaker) = (arrival.account.clone(), arrival.speaker.clone());
        Ok(Welcome { account, speaker, server: self.shared().info_of(epoch.to_owned()), conversations })
    }

    /// Joins the listeners. Live frames are held back until the client knows where they begin. Where it fails, the
    /// connection is whose it was before, and the client may try again.
    async fn attach(&mut self, arrival: &Arrival) -> chat::Result<subscribers::Attached> {
        let speaker = arrival.speaker.clone();
        let listener = Arc::new(Listener {
            id: self.actor.connection.unwrap_or_default(),
            user: speaker.user,
            username: speaker.username.clone(),
            session: speaker.session,
            role: speaker.role,
            dialect: self.door.dialect,
            vouched_at: arrival.vouched_at,
            good_until: arrival.good_until,
            tuning: Tuning::new(self.door.dialect.hears),
            outbox: self.outbox.clone(),
        });
        // How many are authenticated already is known only now: at the handshake nobody was.
        if !self.seat.is_authenticated() {
            return Err(Error::rate_limited("connections", 1_000));
        }
        self.outbox.hold();
        let attached = self.shared().hub.attach(listener.clone()).await;
        let attached = attached.inspect_err(|_| self.seat.is_unauthenticated())?;
        self.listener = Some(listener);
        self.actor.speaker = Some(speaker);
        self.arrival = None;
        self.shared().is_known(self.actor.connection.unwrap_or_default());
        if let Some(address) = self.stranger.take() {
            self.shared().stranger_is_known(address);
        }
        Ok(attached)
    }

    /// Tells what was missed in one conversation, before anything live of it.
    async fn catch_up(
        &mut self,
        epoch: &str,
        conversation: ConversationId,
        cursor: Number,
        live_from: Option<Number>,
    ) -> Result<(), Goodbye> {
        let dialect = self.door.dialect;
        let Some(live_from) = live_from else {
            let signal = Signal::ConversationRemoved { conversation, departure: Departure::Left };
            self.say((dialect.signal)(None, &signal));
            return Ok(());
        };
        if cursor == live_from {
            return Ok(());
        }
        let mut at = cursor;
        loop {
            let piece = self.missed(epoch, conversation, at, live_from).await?;
            at = piece.to;
            self.outbox.push_answer(piece.frame);
            // The next is read when this one was taken: whoever is slow costs one piece, and gets further each time.
            self.drain().await?;
            // To the last piece, also beyond where live events begin: before it there is no state to apply them to.
            if !piece.more {
                return Ok(());
            }
        }
    }

    /// Reads the next piece of what was missed.
    async fn missed(
        &mut self,
        epoch: &str,
        conversation: ConversationId,
        at: Number,
        live_from: Number,
    ) -> Result<Piece, Goodbye> {
        let dialect = self.door.dialect;
        let (shared, user) = (self.door.shared.clone(), self.actor.known().map(|speaker| speaker.user));
        let key = (epoch.to_owned(), dialect, conversation, at, live_from);
        let reading = async move {
            let piece = shared.missed.between(&shared.engine, key).await?;
            // It knows of more than where they were a member: it is theirs if they are one still.
            let theirs = piece.head <= live_from || shared.engine.is_member(user?, conversation).await?;
            Ok::<_, Error>(theirs.then_some(piece))
        };
        let reading = engine::reading_for(self.actor.reader(), reading);
        match self.while_writing(reading).await? {
            Ok(Some(piece)) => Ok(piece),
            // Somebody has just put them out. Coming back they learn it, and nothing of what came after.
            Ok(None) => Err(Goodbye::Restart(0)),
            Err(error) => {
                // What is live would follow after a hole. Whoever comes back is told everything.
                tracing::warn!(%conversation, %error, "what was missed cannot be read now");
                Err(Goodbye::Restart(1_000))
            }
        }
    }

    /// Waits until the client has taken what it was told, but not for one who takes next to nothing.
    async fn drain(&mut self) -> Result<(), Goodbye> {
        let patience = 2 * seconds(self.shared().limits().ping_seconds);
        loop {
            let before = self.writer.written();
            let drained = std::future::poll_fn(|context: &mut Context<'_>| {
                if let Poll::Ready(goodbye) = self.writer.poll(&self.socket, context) {
                    return Poll::Ready(Err(goodbye));
                }
                if self.outbox.is_empty() { Poll::Ready(Ok(())) } else { Poll::Pending }
            });
            if let Ok(done) = tokio::time::timeout(patience, drained).await {
                return done;
            }
            if self.writer.written() - before < SLOWEST {
                return Err(Goodbye::SlowConsumer);
            }
        }
    }

    /// Says what a turn ends in.
    async fn finish(&mut self, turn: Turn) -> Result<(), Goodbye> {
        if let Turn::Say(texts) | Turn::Refuse(texts) = turn {
            self.say(texts);
        }
        self.settle(u32::MAX).await
    }

    fn say(&self, texts: Vec<Text>) {
        for text in texts {
            self.outbox.push_answer(frame::text(&text));
        }
    }

    // ---- patience -------------------------------------------------------------------------------

    /// Counts a frame that could not be understood.
    fn offend(&mut self) -> Result<(), Goodbye> {
        self.offences += 1;
        if self.offences >= PATIENCE { Err(Goodbye::ProtocolViolation) } else { Ok(()) }
    }

    /// Counts a command that came too soon; refusals for other reasons do not count.
    fn rush(&mut self, error: &Error) -> Result<(), Goodbye> {
        if error.code != ErrorCode::RateLimited {
            return Ok(());
        }
        self.offences += 1;
        let after = error.retry_after_ms.and_then(|ms| u32::try_from(ms).ok()).unwrap_or(1_000);
        if self.offences >= PATIENCE { Err(Goodbye::RateLimited(after.max(1_000))) } else { Ok(()) }
    }

    fn deadline(&self) -> Instant {
        let limits = self.shared().limits();
        if self.listener.is_none() {
            // Whatever a stranger says meanwhile: it gives them no more time.
            return self.began + seconds(limits.authentication_seconds);
        }
        let silent = self.last_heard + seconds(limits.ping_seconds) * if self.asked { 2 } else { 1 };
        self.owed().map_or(silent, |owed| owed.min(silent))
    }

    /// When a message that has begun must have ended or gone on. Whoever does not take their answers is not read from,
    /// and has other clocks.
    fn owed(&self) -> Option<Instant> {
        self.begun.as_ref().filter(|_| !self.outbox.is_full()).map(Transfer::deadline)
    }

    fn on_time(&mut self) -> Result<(), Goodbye> {
        if Instant::now() < self.deadline() {
            // Something was heard since the clock was set.
            return Ok(());
        }
        if self.listener.is_none() {
            return Err(Goodbye::Unauthenticated);
        }
        if self.owed().is_some_and(|owed| owed <= Instant::now()) {
            return Err(Goodbye::Silent);
        }
        let taken = self.writer.written() - std::mem::replace(&mut self.taken, self.writer.written());
        if self.asked && self.outbox.is_full() && taken >= SLOWEST {
            // What they say is not read while they still take what they have asked for.
            self.last_heard = Instant::now();
            return Ok(());
        }
        if self.asked {
            return Err(Goodbye::Silent);
        }
        self.asked = true;
        // Offences are forgiven with time.
        self.offences = 0;
        let mut ping = Vec::with_capacity(2);
        frame::write(&mut ping, Opcode::Ping, &[]);
        self.outbox.push_answer(ping.into());
        Ok(())
    }

    // ---- the end --------------------------------------------------------------------------------

    /// Ends with this goodbye; what waits before it is still written if the socket takes it.
    async fn end(&mut self, goodbye: Goodbye) -> Goodbye {
        if let Err(said_before) = self.settle(u32::MAX).await {
            return said_before;
        }
        self.outbox.end(goodbye);
        std::future::poll_fn(|context| self.writer.poll(&self.socket, context)).await
    }

    /// Writes the goodbye, and lets the client say its own before the socket is closed, so that ours is not lost in a
    /// reset.
    async fn part(&mut self, goodbye: Goodbye) {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        // Whoever is sent away for being slow is slow to learn it, too.
        let patience = if goodbye == Goodbye::SlowConsumer { SLOW_FAREWELL } else { FAREWELL };
        let peer = self.seat.peer().clone();
        let farewell = async {
            let written = std::future::poll_fn(|context| self.writer.poll_pending(&self.socket, context));
            let _too_slow = tokio::time::timeout(patience, written).await;
            let _gone = self.socket.shutdown().await;
            let mut rest = [0_u8; 512];
            let until_closed = async { while matches!(self.socket.read(&mut rest).await, Ok(count) if count > 0) {} };
            let _too_slow = tokio::time::timeout(FAREWELL, until_closed).await;
        };
        tokio::select! {
            () = farewell => {}
            () = peer.told_to_go() => {}
        }
    }
}

/// The goodbye to somebody who was not let in: a server that is full now may have room in a moment.
fn shut_out(error: &Error, otherwise: Goodbye) -> Goodbye {
    let after = error.retry_after_ms.and_then(|ms| u32::try_from(ms).ok()).unwrap_or(1_000);
    match error.code {
        ErrorCode::LimitReached => Goodbye::TooManyConnections,
        ErrorCode::RateLimited => Goodbye::Restart(after),
        _ => otherwise,
    }
}

fn seconds(count: i64) -> Duration {
    Duration::from_secs(u64::try_from(count).unwrap_or(1))
}
