//! A connection's bounded queue. Putting something in never waits: a slow reader first misses presence and typing, then
//! loses its connection.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    task::Context,
    time::Instant,
};

use bytes::Bytes;
use chat::{
    ConnectionId, ConversationId, SessionId, UserId,
    accounts::ServerRole,
    mutants::{self, Mutant},
};
use dialects::Dialect;
use futures_util::task::AtomicWaker;

use crate::{CloseReason, Tuning};

/// The frames that wait to be written to one connection, and the waker of its writer.
pub struct Outbox {
    state: Mutex<State>,
    waker: AtomicWaker,
    awake: AtomicBool,
    /// Sends that are being committed and are not answered yet.
    in_flight: AtomicU32,
    most: usize,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Bytes>,
    /// Bytes of live frames in the queue, or taken and not written yet.
    live: usize,
    /// Bytes of answers. They do not count against a reader: whoever has asked for much is not slow because it takes
    /// long to arrive.
    answers: usize,
    /// Live frames that wait, during catch-up, until the missed changes are sent.
    held: Option<VecDeque<Bytes>>,
    /// Bytes in `held`. They cannot be written before the missed changes, so they do not count as waiting.
    held_bytes: usize,
    close_reason: Option<CloseReason>,
}

impl Outbox {
    /// An empty outbox for at most `most` waiting bytes.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self {
            state: Mutex::default(),
            waker: AtomicWaker::new(),
            awake: AtomicBool::new(false),
            in_flight: AtomicU32::new(0),
            most,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Queues live frames that must not be missed. If the queue was full before, the connection is closed: its client
    /// reconnects and catches up. A batch of any size counts as one piece, because all subscribers share its bytes.
    pub fn push(&self, frames: Bytes) {
        let mut state = self.state();
        let state = &mut *state;
        if state.close_reason.is_some() {
            return;
        }
        let waiting = if state.held.is_some() { &mut state.held_bytes } else { &mut state.live };
        if *waiting >= self.most {
            if mutants::is(Mutant::DropWhenFull) {
                return;
            }
            metrics::counter!("palabre_slow_consumers_total").increment(1);
            state.end(CloseReason::SlowConsumer);
            return;
        }
        *waiting += frames.len();
        state.held.as_mut().unwrap_or(&mut state.queue).push_back(frames);
    }

    /// Queues a live frame that may be missed: presence, typing. It is dropped when the queue is half full.
    pub fn push_lossy(&self, frames: Bytes) {
        let mut state = self.state();
        if state.close_reason.is_some() || state.held.is_some() || state.waiting() + frames.len() > self.most / 2 {
            return;
        }
        state.live += frames.len();
        state.queue.push_back(frames);
    }

    /// Queues an answer, ahead of the held frames. Answers are bounded by the reader, which takes no new command while
    /// [`Outbox::is_full`].
    pub fn push_answer(&self, frames: Bytes) {
        let mut state = self.state();
        if state.close_reason.is_none() {
            state.answers += frames.len();
            state.queue.push_back(frames);
        }
    }

    /// Holds live frames back until [`Outbox::release`].
    pub fn hold(&self) {
        self.state().held.get_or_insert_default();
    }

    /// Releases the live frames that were held back.
    pub fn release(&self) {
        let mut state = self.state();
        if let Some(held) = state.held.take() {
            state.queue.extend(held);
            state.live += std::mem::take(&mut state.held_bytes);
        }
    }

    /// Closes the connection: waiting frames are dropped, and only the close reason is still written.
    pub fn end(&self, close_reason: CloseReason) {
        self.state().end(close_reason);
        self.wake();
    }

    /// Whether no more commands should be taken until something has been written.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.state().waiting() > self.most / 2
    }

    /// Whether nothing waits to be written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.state().waiting() == 0
    }

    /// Wakes the writer; further calls have no effect until it has run.
    pub fn wake(&self) {
        if !self.awake.swap(true, Ordering::AcqRel) {
            self.waker.wake();
        }
    }

    /// Whether the writer was woken and has not run yet.
    pub(crate) fn is_awake(&self) -> bool {
        self.awake.load(Ordering::Acquire)
    }

    /// Takes everything that waits, and the close reason if there is one. The bytes count as waiting until
    /// [`Outbox::written`].
    pub fn take(&self) -> (VecDeque<Bytes>, Option<CloseReason>) {
        let mut state = self.state();
        // The queue is taken whole, so that an idle connection owns none.
        (std::mem::take(&mut state.queue), state.close_reason)
    }

    /// Notes that so many bytes were written. They count as live ones first, which errs in the reader's favour.
    pub fn written(&self, bytes: usize) {
        let mut state = self.state();
        let live = bytes.min(state.live);
        state.live -= live;
        state.answers = state.answers.saturating_sub(bytes - live);
    }

    /// Registers the one task that writes; call it before [`Outbox::take`].
    pub fn register(&self, context: &Context<'_>) {
        self.waker.register(context.waker());
        self.awake.store(false, Ordering::Release);
    }

    /// Notes that a send was given to the writer of the database.
    pub fn begin_send(&self) {
        self.in_flight.fetch_add(1, Ordering::AcqRel);
    }

    /// Notes that a send was answered.
    pub fn end_send(&self) {
        self.in_flight.fetch_sub(1, Ordering::AcqRel);
    }

    /// Sends that are not answered yet.
    #[must_use]
    pub fn sends_in_flight(&self) -> u32 {
        self.in_flight.load(Ordering::Acquire)
    }
}

impl State {
    fn waiting(&self) -> usize {
        self.live + self.answers
    }

    fn end(&mut self, close_reason: CloseReason) {
        if self.close_reason.is_none() {
            self.close_reason = Some(close_reason);
            self.queue = VecDeque::new();
            self.held = None;
            (self.live, self.answers, self.held_bytes) = (0, 0, 0);
        }
    }
}

/// An authenticated connection, as the hub knows it.
pub struct Subscriber {
    /// The connection's id.
    pub id: ConnectionId,
    /// Its user.
    pub user: UserId,
    /// Its user's username.
    pub username: String,
    /// The session that it belongs to; `None` with a host application's token.
    pub session: Option<SessionId>,
    /// Its user's role on the server, fixed while it is open.
    pub role: ServerRole,
    /// Its dialect.
    pub dialect: Dialect,
    /// Whether it takes a run of joins and leaves in a large channel as one.
    pub gathers: bool,
    /// When its credential was verified.
    pub vouched_at: Instant,
    /// When its credential ends, unless the session is used meanwhile.
    pub good_until: Instant,
    /// The conversations that it hears, where its client chooses; `None` where it does not.
    pub tuning: Option<Tuning>,
    /// Its outbox.
    pub outbox: Arc<Outbox>,
}

impl Subscriber {
    /// Whether this connection hears the conversation.
    #[must_use]
    pub fn hears(&self, conversation: ConversationId) -> bool {
        self.tuning.as_ref().is_none_or(|tuning| tuning.hears(conversation))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(outbox: &Outbox) -> Vec<Bytes> {
        outbox.take().0.into()
    }

    #[test]
    fn the_first_byte_too_many_ends_the_connection() {
        let outbox = Outbox::new(10);
        outbox.push(Bytes::from_static(b"12345"));
        outbox.push(Bytes::from_static(b"12345"));
        assert_eq!(outbox.take().1, None);
        outbox.push(Bytes::from_static(b"1"));
        assert_eq!(outbox.take(), (VecDeque::new(), Some(CloseReason::SlowConsumer)));
    }

    #[test]
    fn a_batch_of_any_size_is_taken_whole() {
        let outbox = Outbox::new(10);
        outbox.push(Bytes::from_static(b"more than ten bytes"));
        assert_eq!(outbox.take(), (VecDeque::from([Bytes::from_static(b"more than ten bytes")]), None));
        outbox.push(Bytes::from_static(b"1"));
        assert_eq!(outbox.take().1, Some(CloseReason::SlowConsumer), "it is not written yet");
    }

    #[test]
    fn large_answers_do_not_make_a_reader_slow() {
        let outbox = Outbox::new(10);
        outbox.push_answer(Bytes::from_static(b"a very long answer"));
        assert!(outbox.is_full());
        outbox.push(Bytes::from_static(b"1234567890"));
        assert_eq!(outbox.take().1, None);
        outbox.push(Bytes::from_static(b"1"));
        assert_eq!(outbox.take().1, Some(CloseReason::SlowConsumer));
    }

    #[test]
    fn held_frames_do_not_count_as_waiting() {
        let outbox = Outbox::new(10);
        outbox.hold();
        outbox.push(Bytes::from_static(b"1234567890"));
        assert!(!outbox.is_full(), "it cannot be written yet");
        outbox.push_answer(Bytes::from_static(b"missed"));
        let _written = outbox.take();
        outbox.written(6);
        outbox.release();
        assert!(outbox.is_full());
        assert_eq!(frames(&outbox), ["1234567890"]);
    }

    #[test]
    fn held_frames_are_bounded_too() {
        let outbox = Outbox::new(10);
        outbox.hold();
        outbox.push(Bytes::from_static(b"1234567890"));
        outbox.push(Bytes::from_static(b"1"));
        assert_eq!(outbox.take().1, Some(CloseReason::SlowConsumer));
    }

    #[test]
    fn presence_gives_way_before_messages_do() {
        let outbox = Outbox::new(10);
        outbox.push_lossy(Bytes::from_static(b"12345"));
        outbox.push_lossy(Bytes::from_static(b"1"));
        outbox.push(Bytes::from_static(b"12345"));
        assert_eq!(frames(&outbox), ["12345", "12345"]);
    }

    #[test]
    fn missed_changes_come_before_held_frames() {
        let outbox = Outbox::new(100);
        outbox.hold();
        outbox.push(Bytes::from_static(b"live"));
        outbox.push_answer(Bytes::from_static(b"missed"));
        assert_eq!(frames(&outbox), ["missed"]);
        outbox.release();
        assert_eq!(frames(&outbox), ["live"]);
    }

    #[test]
    fn written_bytes_make_room_again() {
        let outbox = Outbox::new(10);
        outbox.push(Bytes::from_static(b"1234567890"));
        assert!(outbox.is_full());
        let _taken = outbox.take();
        assert!(outbox.is_full(), "taken is not yet written");
        outbox.written(10);
        assert!(!outbox.is_full());
    }
}
