//! A connection's bounded queue. Putting something in never waits: a slow reader pays itself, first
//! with presence and typing, then with its connection.

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

/// What waits to be written to one connection, and the way to wake its writer.
pub struct Outbox {
    state: Mutex<State>,
    waker: AtomicWaker,
    awake: AtomicBool,
    /// Sends that were given to the writer and not answered yet.
    in_flight: AtomicU32,
    most: usize,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Bytes>,
    /// Live bytes in the queue, or taken and not written yet.
    live: usize,
    /// The same of answers. Whoever has asked for much is not slow because it takes long to come.
    answers: usize,
    /// While catching up, live frames wait behind what was missed.
    held: Option<VecDeque<Bytes>>,
    /// Bytes in `held`. They cannot be written before what was missed, so nobody waits for that.
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

    /// Queues live frames that must not be missed. A queue that was full before ends the connection: its client comes
    /// back and catches up. However much is said at once, it is one piece, and all subscribers share its bytes.
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

    /// Queues a live frame that may be missed: presence, typing. Dropped when the queue is half full.
    pub fn push_lossy(&self, frames: Bytes) {
        let mut state = self.state();
        if state.close_reason.is_some() || state.held.is_some() || state.waiting() + frames.len() > self.most / 2 {
            return;
        }
        state.live += frames.len();
        state.queue.push_back(frames);
    }

    /// Queues an answer, ahead of what is held. Answers are bounded by the reader, who takes no new
    /// command while [`Outbox::is_full`].
    pub fn push_answer(&self, frames: Bytes) {
        let mut state = self.state();
        if state.close_reason.is_none() {
            state.answers += frames.len();
            state.queue.push_back(frames);
        }
    }

    /// From now on live frames wait until [`Outbox::release`].
    pub fn hold(&self) {
        self.state().held.get_or_insert_default();
    }

    /// Lets go of the live frames that were held.
    pub fn release(&self) {
        let mut state = self.state();
        if let Some(held) = state.held.take() {
            state.queue.extend(held);
            state.live += std::mem::take(&mut state.held_bytes);
        }
    }

    /// Ends the connection: what waits is dropped, the close reason is all that is still written.
    pub fn end(&self, close_reason: CloseReason) {
        self.state().end(close_reason);
        self.wake();
    }

    /// Whether no more commands should be taken until something has been written.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.state().waiting() > self.most / 2
    }

    /// Whether everything that may be written now has been.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.state().waiting() == 0
    }

    /// Wakes the writer, once however often it is called.
    pub fn wake(&self) {
        if !self.awake.swap(true, Ordering::AcqRel) {
            self.waker.wake();
        }
    }

    /// Whether its writer was woken and has not looked yet.
    pub(crate) fn is_awake(&self) -> bool {
        self.awake.load(Ordering::Acquire)
    }

    /// Takes everything that waits, and the close reason if there is one. The bytes count as waiting until
    /// [`Outbox::written`].
    pub fn take(&self) -> (VecDeque<Bytes>, Option<CloseReason>) {
        let mut state = self.state();
        // Taken whole, so that an idle connection owns no queue.
        (std::mem::take(&mut state.queue), state.close_reason)
    }

    /// So many bytes have been written. They count as live ones first, which does their reader no wrong.
    pub fn written(&self, bytes: usize) {
        let mut state = self.state();
        let live = bytes.min(state.live);
        state.live -= live;
        state.answers = state.answers.saturating_sub(bytes - live);
    }

    /// To be called by the one task that writes, before it looks with [`Outbox::take`].
    pub fn register(&self, context: &Context<'_>) {
        self.waker.register(context.waker());
        self.awake.store(false, Ordering::Release);
    }

    /// A send was given to the writer.
    pub fn begin_send(&self) {
        self.in_flight.fetch_add(1, Ordering::AcqRel);
    }

    /// A send was answered.
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
    /// Which connection.
    pub id: ConnectionId,
    /// Whose.
    pub user: UserId,
    /// Their name.
    pub username: String,
    /// Of which log-in.
    pub session: Option<SessionId>,
    /// What its person may do on the server, as long as it is open.
    pub role: ServerRole,
    /// How it speaks.
    pub dialect: Dialect,
    /// When its credential was found good.
    pub vouched_at: Instant,
    /// When what it came with ends, unless it is used meanwhile.
    pub good_until: Instant,
    /// Which conversations it hears, if its client chooses.
    pub tuning: Option<Tuning>,
    /// What waits for it.
    pub outbox: Arc<Outbox>,
}

impl Subscriber {
    /// Whether its client wants to hear this conversation.
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
    fn what_is_said_at_once_is_taken_however_much_it_is() {
        let outbox = Outbox::new(10);
        outbox.push(Bytes::from_static(b"more than ten bytes"));
        assert_eq!(outbox.take(), (VecDeque::from([Bytes::from_static(b"more than ten bytes")]), None));
        outbox.push(Bytes::from_static(b"1"));
        assert_eq!(outbox.take().1, Some(CloseReason::SlowConsumer), "it is not written yet");
    }

    #[test]
    fn whoever_has_asked_for_much_is_not_slow() {
        let outbox = Outbox::new(10);
        outbox.push_answer(Bytes::from_static(b"a very long answer"));
        assert!(outbox.is_full());
        outbox.push(Bytes::from_static(b"1234567890"));
        assert_eq!(outbox.take().1, None);
        outbox.push(Bytes::from_static(b"1"));
        assert_eq!(outbox.take().1, Some(CloseReason::SlowConsumer));
    }

    #[test]
    fn nobody_waits_for_what_is_held() {
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
    fn what_is_held_is_bounded_too() {
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
    fn what_was_missed_comes_before_what_is_held() {
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
