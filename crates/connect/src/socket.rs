//! The life of one WebSocket connection: frames come in, commands run in order, and it ends with a close reason.
//!
//! An idle connection owns no buffer: it waits for readiness, reads into a buffer of its thread, and keeps only the
//! bytes of an unfinished frame.
//!
//! `messages` handles what comes in, `attach` authentication and catch-up, `patience` deadlines and offences.

mod attach;
mod messages;
mod patience;

use std::{
    collections::VecDeque,
    future::Future,
    net::IpAddr,
    pin::Pin,
    sync::{Arc, atomic::Ordering},
    task::{Context, Poll},
    time::Duration,
};

use chat::{ConversationId, Error, ErrorCode};
use dialects::{Step, Text};
use engine::{Arrival, Cost};
use subscribers::{CloseReason, Outbox, Subscriber, frame};
use tokio::{
    net::TcpStream,
    time::{Instant, Sleep},
};

use crate::{
    Endpoint, Shared,
    connections::Seat,
    incoming::{Heard, Incoming},
    steps::{Actor, Driven},
    transfer::Transfer,
    writer::Writer,
};

/// Sends of one connection that may wait for their commit.
const PIPELINE: u32 = 64;
/// After a close frame, how long the client may take to send its own.
const FAREWELL: Duration = Duration::from_secs(2);
/// How long writing the close frame to a slow client may take.
const SLOW_FAREWELL: Duration = Duration::from_secs(20);
/// A client that takes fewer bytes than this, in the time after which it would count as silent, is closed.
const SLOWEST: u64 = 16 * 1_024;

/// A client's socket after the handshake, and what is known of the client.
pub(crate) struct Connection {
    endpoint: Endpoint,
    socket: TcpStream,
    /// Dropped after the socket, so that the file descriptor is free when its place is.
    seat: Arc<Seat>,
    outbox: Arc<Outbox>,
    writer: Writer,
    actor: Actor,
    /// The user whose token came with the handshake, until they are welcomed.
    arrival: Option<Arc<Arrival>>,
    /// The address under which the connection is counted while it is unauthenticated.
    counted_address: Option<IpAddr>,
    subscriber: Option<Arc<Subscriber>>,
    incoming: Incoming,
    /// The clock of a message or frame that the client has begun and not ended.
    begun: Option<Transfer>,
    /// Items that were read and not handled yet.
    heard: VecDeque<Heard>,
    offences: u32,
    began: Instant,
    last_heard: Instant,
    /// Whether a ping has not been answered.
    asked: bool,
    /// The bytes that the client had taken when its silence was last checked.
    taken: u64,
}

enum Woken {
    CloseReason(CloseReason),
    /// Something was read, now or before.
    Heard,
    Time,
}

impl Connection {
    /// A connection whose handshake is over; `early` are the bytes that came together with it. It is in a box: moved
    /// from one future to the next it would have its place in each.
    pub(crate) fn open(
        endpoint: Endpoint,
        socket: TcpStream,
        seat: Arc<Seat>,
        early: &[u8],
        actor: Actor,
        arrival: Option<Arc<Arrival>>,
        counted_address: Option<IpAddr>,
    ) -> Box<Self> {
        let shared = &endpoint.shared;
        shared.counters.sockets.fetch_add(1, Ordering::Relaxed);
        metrics::counter!("chat_websocket_connections_total").increment(1);
        let began = Instant::now();
        let frame_bytes = usize::try_from(shared.limits().frame_bytes).unwrap_or(usize::MAX);
        let queue_bytes = usize::try_from(shared.limits().queue_bytes).unwrap_or(usize::MAX);
        let outbox = Arc::new(Outbox::new(queue_bytes));
        shared.note_unknown(actor.connection.unwrap_or_default(), &outbox);
        seat.is_socket(&outbox);
        let mut connection = Box::new(Self {
            writer: Writer::new(outbox.clone()),
            outbox,
            socket,
            seat,
            actor,
            arrival,
            counted_address,
            subscriber: None,
            incoming: Incoming::new(frame_bytes),
            begun: None,
            heard: VecDeque::new(),
            offences: 0,
            began,
            last_heard: began,
            asked: false,
            taken: 0,
            endpoint,
        });
        connection.take(early);
        connection
    }

    /// Runs to the end. An idle connection keeps this future: everything large that it waits for is in a box.
    pub(crate) async fn run(mut self: Box<Self>) {
        let close_reason = self.live().await;
        Box::pin(self.over(close_reason)).await;
    }

    async fn over(mut self: Box<Self>, close_reason: CloseReason) {
        let (shared, id) = (self.endpoint.shared.clone(), self.actor.connection.unwrap_or_default());
        shared.is_known(id);
        if let Some(subscriber) = self.subscriber.take() {
            shared.hub.detach(&subscriber).await;
        }
        if let Some(address) = self.counted_address.take() {
            shared.forget_unauthenticated(address);
        }
        self.seat.ends(Instant::now());
        self.part(close_reason).await;
        shared.counters.sockets.fetch_sub(1, Ordering::Relaxed);
        metrics::histogram!("chat_websocket_connection_duration_seconds").record(self.began.elapsed());
        metrics::counter!("palabre_goodbyes_total", "code" => close_reason.name()).increment(1);
        tracing::debug!(connection = %id, close_reason = close_reason.name(), "a connection ended");
    }

    fn shared(&self) -> &Shared {
        &self.endpoint.shared
    }

    /// Runs from the handshake to the close reason.
    async fn live(&mut self) -> CloseReason {
        if let Some(arrival) = self.arrival.clone()
            && !self.endpoint.dialect.authenticates_in_band
        {
            self.seat.peer().has_credential();
            if let Err(error) = Box::pin(self.attach(&arrival, 0)).await {
                self.say(vec![(self.endpoint.dialect.refusal)(&error)]);
                return Box::pin(self.end(shut_out(&error, CloseReason::TooManyConnections))).await;
            }
            if let Some(spoken) = &self.actor.spoken {
                self.say((self.endpoint.dialect.greeting)(spoken));
            }
            self.outbox.release();
        }
        let mut timer = Box::pin(tokio::time::sleep_until(self.deadline()));
        loop {
            // A client that does not read its answers gets no more of them.
            while !self.outbox.is_full()
                && let Some(heard) = self.heard.pop_front()
            {
                if let Err(close_reason) = Box::pin(self.hear(heard)).await {
                    return Box::pin(self.end(close_reason)).await;
                }
            }
            if self.outbox.is_full()
                && let Some(begun) = &mut self.begun
            {
                // The connection is not read meanwhile, so the wait is not the client's fault.
                *begun = Transfer::new(Instant::now());
            }
            if self.heard.is_empty() {
                // An idle connection owns no queue.
                self.heard = VecDeque::new();
            }
            // A client that has just authenticated may have an earlier deadline than before.
            let deadline = self.deadline();
            if deadline < timer.deadline() {
                timer.as_mut().reset(deadline);
            }
            match self.wait(&mut timer).await {
                Woken::CloseReason(close_reason) => return close_reason,
                Woken::Heard => {}
                Woken::Time => match self.on_time() {
                    Ok(()) => timer.as_mut().reset(self.deadline()),
                    Err(close_reason) => return Box::pin(self.end(close_reason)).await,
                },
            }
        }
    }

    /// Waits for input or for the timer, and writes meanwhile. While too much waits to be written nothing is read: a
    /// client must read its answers before it may ask for more.
    async fn wait(&mut self, timer: &mut Pin<Box<Sleep>>) -> Woken {
        std::future::poll_fn(|context: &mut Context<'_>| {
            if let Poll::Ready(close_reason) = self.writer.poll(&self.socket, context) {
                return Poll::Ready(Woken::CloseReason(close_reason));
            }
            if !self.outbox.is_full() {
                if !self.heard.is_empty() {
                    return Poll::Ready(Woken::Heard);
                }
                if self.poll_read(context).is_ready() {
                    return Poll::Ready(Woken::Heard);
                }
            }
            timer.as_mut().poll(context).map(|()| Woken::Time)
        })
        .await
    }

    /// Waits for other work, and writes meanwhile.
    async fn while_writing<T>(&mut self, work: impl Future<Output = T>) -> Result<T, CloseReason> {
        let mut work = std::pin::pin!(work);
        std::future::poll_fn(|context: &mut Context<'_>| {
            if let Poll::Ready(value) = work.as_mut().poll(context) {
                return Poll::Ready(Ok(value));
            }
            self.writer.poll(&self.socket, context).map(Err)
        })
        .await
    }

    /// Waits until at most `at_most` sends are pending. With 0, answers keep the order of their commands.
    async fn wait_for_pending_sends(&mut self, at_most: u32) -> Result<(), CloseReason> {
        std::future::poll_fn(|context: &mut Context<'_>| {
            if let Poll::Ready(close_reason) = self.writer.poll(&self.socket, context) {
                return Poll::Ready(Err(close_reason));
            }
            if self.outbox.sends_in_flight() <= at_most { Poll::Ready(Ok(())) } else { Poll::Pending }
        })
        .await
    }

    // ---- commands -------------------------------------------------------------------------------

    async fn take_step(&mut self, step: Step) -> Result<(), CloseReason> {
        let step = match step {
            Step::Send(..) => step,
            Step::Refuse(texts) => {
                self.wait_for_pending_sends(0).await?;
                self.say(texts);
                return self.offend();
            }
            step if step.is_paced_as_a_message() => {
                self.wait_for_pending_sends(0).await?;
                step
            }
            step => {
                self.wait_for_pending_sends(0).await?;
                if let Err(error) = self.shared().admit(&self.actor, Cost::Request) {
                    self.say(vec![(self.endpoint.dialect.refusal)(&error)]);
                    return self.rush(&error);
                }
                step
            }
        };
        let mut step = step;
        loop {
            let (paced, paid) = self.shared().pace(&self.actor, self.endpoint.pace, step);
            if let Err(error) = paid {
                self.finish(paced).await?;
                return self.rush(&error);
            }
            step = match paced {
                Step::Send(submission, then) => return self.send(submission, then).await,
                Step::Tune { conversation, hears, then } => then(self.tune(conversation, hears)),
                Step::Authenticate(token, resume, then) => {
                    return Box::pin(self.authenticate(token, resume, then)).await;
                }
                step => {
                    let (shared, actor) = (self.endpoint.shared.clone(), self.actor.clone());
                    // Boxed, because it is as large as the largest command, and a connection is mostly idle.
                    let driven = Box::pin(async move { shared.drive(&actor, step).await });
                    match self.while_writing(driven).await? {
                        Driven::Special(step) => step,
                        Driven::Over(Step::Say(texts)) => {
                            self.say(texts);
                            return self.wait_for_pending_sends(u32::MAX).await;
                        }
                        Driven::Over(Step::Refuse(texts)) => {
                            self.say(texts);
                            return self.offend();
                        }
                        Driven::Over(_) => return Ok(()),
                    }
                }
            };
        }
    }

    /// Gives a send to the writer without waiting for its commit. The answer goes into the outbox together with the
    /// events of its batch.
    async fn send(
        &mut self,
        submission: chat::messages::Submission,
        then: Box<dyn FnOnce(chat::Result<chat::messages::Sent>) -> Vec<Text> + Send>,
    ) -> Result<(), CloseReason> {
        let admitted = self.actor.known().cloned().and_then(|speaker| {
            self.shared().admit(&self.actor, Cost::Message(self.endpoint.pace))?;
            Ok(speaker)
        });
        let speaker = match admitted {
            Ok(speaker) => speaker,
            Err(error) => {
                self.wait_for_pending_sends(0).await?;
                self.say(then(Err(error.clone())));
                return self.rush(&error);
            }
        };
        self.wait_for_pending_sends(PIPELINE - 1).await?;
        let outbox = self.outbox.clone();
        outbox.begin_send();
        let unhear = self.hear_where_one_speaks(submission.conversation);
        let done = Box::new(move |sent: chat::Result<chat::messages::Sent>| {
            let is_not_theirs = sent.as_ref().is_err_and(|error| error.code == ErrorCode::NotFound);
            if is_not_theirs && let Some(unhear) = unhear {
                unhear();
            }
            for text in then(sent) {
                outbox.push_answer(frame::text(&text));
            }
            outbox.end_send();
            outbox.wake();
        });
        let (engine, connection) = (self.shared().engine.clone(), self.actor.connection);
        let sending = Box::pin(async move { engine.send(&speaker, submission, connection, done).await });
        self.while_writing(sending).await
    }

    /// Whoever speaks in a conversation hears it from there on, whatever this connection has chosen: clients of the old
    /// systems show what they say when they hear it, and do not choose again after they have come back. Gives what
    /// undoes it, if it has changed something: for a conversation that turns out not to be the speaker's.
    fn hear_where_one_speaks(&self, conversation: ConversationId) -> Option<impl FnOnce() + Send + use<>> {
        let subscriber = self.subscriber.clone().filter(|subscriber| !subscriber.hears(conversation))?;
        let most = self.most_choices();
        subscriber.tuning.as_ref()?.tune(conversation, true, most).then_some(move || {
            let _undone = subscriber.tuning.as_ref().map(|tuning| tuning.tune(conversation, false, most));
        })
    }

    /// Conversations about which one connection may choose.
    fn most_choices(&self) -> usize {
        usize::try_from(self.shared().limits().conversations_per_user).unwrap_or(usize::MAX)
    }

    /// Turns a conversation on or off for this connection.
    fn tune(&self, conversation: ConversationId, hears: bool) -> chat::Result<()> {
        let most = self.most_choices();
        let tuning = self.subscriber.as_ref().and_then(|subscriber| subscriber.tuning.as_ref());
        match tuning {
            Some(tuning) if tuning.tune(conversation, hears, most) => Ok(()),
            Some(_) => Err(Error::limit_reached(format!("One connection may choose about {most} conversations."))),
            None => Err(Error::internal()),
        }
    }

    /// Sends what a step ends with.
    async fn finish(&mut self, step: Step) -> Result<(), CloseReason> {
        if let Step::Say(texts) | Step::Refuse(texts) = step {
            self.say(texts);
        }
        self.wait_for_pending_sends(u32::MAX).await
    }

    fn say(&self, texts: Vec<Text>) {
        for text in texts {
            self.outbox.push_answer(frame::text(&text));
        }
    }

    // ---- the end --------------------------------------------------------------------------------

    /// Ends with this close reason; frames that wait before it are still written if the socket takes them.
    async fn end(&mut self, close_reason: CloseReason) -> CloseReason {
        if let Err(said_before) = self.wait_for_pending_sends(u32::MAX).await {
            return said_before;
        }
        self.outbox.end(close_reason);
        std::future::poll_fn(|context| self.writer.poll(&self.socket, context)).await
    }

    /// Writes the close frame, and waits for the client's own before the socket is closed, so that ours is not lost in
    /// a reset.
    async fn part(&mut self, close_reason: CloseReason) {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        // A client that is closed for being slow also reads the close frame slowly.
        let patience = if close_reason == CloseReason::SlowConsumer { SLOW_FAREWELL } else { FAREWELL };
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
            () = peer.must_close() => {}
        }
    }
}

/// The close reason for a client that could not be attached: a server that is full now may have room in a moment.
fn shut_out(error: &Error, otherwise: CloseReason) -> CloseReason {
    let after = error.retry_after_ms.and_then(|ms| u32::try_from(ms).ok()).unwrap_or(1_000);
    match error.code {
        ErrorCode::LimitReached => CloseReason::TooManyConnections,
        ErrorCode::RateLimited => CloseReason::Restart(after),
        _ => otherwise,
    }
}

fn seconds(count: i64) -> Duration {
    Duration::from_secs(u64::try_from(count).unwrap_or(1))
}
