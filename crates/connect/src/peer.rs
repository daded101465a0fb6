//! Tracks whose turn it is on a connection, the other side's or the server's, and since when.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use subscribers::{CloseReason, Outbox};
use tokio::{sync::Notify, time::Instant};

use crate::{http::head::Refusal, transfer::Transfer};

/// The time within which a request's head must be complete, counted from when it can begin: from the connection, or
/// from the end of the answer before.
const HEAD: Duration = Duration::from_secs(10);
/// How long a client may read nothing of an answer. The system reports progress in steps of 32 KiB.
const ANSWER_IDLE: Duration = Duration::from_secs(30);
/// How long a closing connection is still read, so that the last answer is not lost in a reset; and how long writing
/// the last answer may take after a deadline.
const LINGER: Duration = Duration::from_secs(2);
/// The time after which a client that was closed to make room may reconnect.
const COME_BACK_MS: u32 = 1_000;

/// The event that a connection waits for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Wait {
    /// The server: a request is being worked on.
    Us,
    /// A request's head, since this time.
    Head(Instant),
    /// The rest of a body.
    Body(Transfer),
    /// The client reading an answer.
    Answer(Transfer),
    /// A credential on a socket; its deadline is kept elsewhere.
    Credential(Instant),
    /// The client reading the last answer and closing.
    Linger(Instant),
    /// The client's close frame on a socket; its deadline is kept elsewhere.
    Farewell(Instant),
}

impl Wait {
    /// The time since which the other side is waited for; `None` if the server works.
    pub(crate) fn since(&self) -> Option<Instant> {
        match self {
            Self::Us => None,
            Self::Head(since) | Self::Credential(since) | Self::Linger(since) | Self::Farewell(since) => Some(*since),
            Self::Body(transfer) | Self::Answer(transfer) => Some(transfer.began()),
        }
    }

    /// The deadline, unless it is kept elsewhere.
    fn deadline(&self) -> Option<Instant> {
        match self {
            Self::Us | Self::Credential(_) | Self::Farewell(_) => None,
            Self::Head(since) => Some(*since + HEAD),
            Self::Body(transfer) | Self::Answer(transfer) => Some(transfer.deadline()),
            Self::Linger(since) => Some(*since + LINGER),
        }
    }

    /// The name in the metrics.
    fn name(&self) -> &'static str {
        match self {
            Self::Us => "us",
            Self::Head(_) => "head",
            Self::Body(_) => "body",
            Self::Answer(_) => "answer",
            Self::Credential(_) => "credential",
            Self::Linger(_) => "linger",
            Self::Farewell(_) => "farewell",
        }
    }
}

/// The state of one connection, shared by its reader, its service, and the table of all connections.
pub(crate) struct Peer {
    state: Mutex<State>,
    /// Holds at most one permit, which is enough: only one task waits at a time, the HTTP service or, after the
    /// upgrade, the socket; and it reads everything that has changed from `state`.
    told: Notify,
}

struct State {
    wait: Wait,
    /// The paused clock of a body while nobody reads it, and since when it is paused.
    resting: Option<(Transfer, Instant)>,
    /// Whether a request is not answered yet.
    owes_answer: bool,
    /// The bytes of the answer that is being written, if it takes memory of its own.
    answer_bytes: u64,
    /// Whether the request's or the answer's body is large.
    is_bulk: bool,
    /// Requests that have come to the service.
    requests: u64,
    /// The malformed request and its refusal: the `nth`, and why.
    refused: Option<(u64, Refusal)>,
    /// When a deadline was missed.
    overdue: Option<Instant>,
    /// Whether it must be closed at once.
    evicted: bool,
    /// The outbox, if it is a socket.
    outbox: Option<Arc<Outbox>>,
}

impl Peer {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            state: Mutex::new(State {
                wait: Wait::Head(now),
                resting: None,
                owes_answer: false,
                answer_bytes: 0,
                is_bulk: false,
                requests: 0,
                refused: None,
                overdue: None,
                evicted: false,
                outbox: None,
            }),
            told: Notify::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The event that the connection waits for.
    pub(crate) fn wait(&self) -> Wait {
        self.state().wait
    }

    // ---- reported by its reader and its service -------------------------------------------------

    /// Notes that a request has reached the service, with a large body or not; returns the refusal if it is a stand-in
    /// for a refused one.
    pub(crate) fn begins_request(&self, is_bulk: bool) -> Option<Refusal> {
        let mut state = self.state();
        state.is_bulk = is_bulk;
        state.requests += 1;
        state.owes_answer = true;
        (state.wait, state.resting) = (Wait::Us, None);
        let refusal = state.refused.filter(|(nth, _)| *nth == state.requests).map(|(_, why)| why);
        if refusal.is_none() {
            // The request came just after its deadline was missed.
            state.overdue = None;
        }
        refusal
    }

    /// Notes that the answer is known and will be written; it takes `bytes` of memory until then. The server still owes
    /// the rest of a large body, which comes in pieces.
    pub(crate) fn has_answer(&self, bytes: u64, is_bulk: bool) {
        let mut state = self.state();
        state.is_bulk |= is_bulk;
        state.owes_answer = is_bulk;
        state.answer_bytes = bytes;
    }

    /// Notes that nothing more is owed of a large body, of which a part may not be written yet.
    pub(crate) fn gave_answer(&self, now: Instant) {
        let mut state = self.state();
        state.owes_answer = false;
        if state.wait == Wait::Us {
            (state.wait, state.answer_bytes, state.is_bulk) = (Wait::Head(now), 0, false);
        }
    }

    /// Whether it carries a large body at the moment.
    pub(crate) fn is_bulk(&self) -> bool {
        self.state().is_bulk
    }

    /// The memory that its answer takes, in bytes, and since when the client reads nothing of it, if it does not.
    pub(crate) fn unread(&self) -> (u64, Option<Instant>) {
        let state = self.state();
        let since = matches!(state.wait, Wait::Answer(_)).then(|| state.wait.since()).flatten();
        (state.answer_bytes, since)
    }

    /// Notes that the `nth` request must be refused.
    pub(crate) fn refuse(&self, nth: u64, why: Refusal) {
        metrics::counter!("palabre_requests_refused_total", "status" => why.status.to_string()).increment(1);
        self.state().refused = Some((nth, why));
    }

    /// Notes that no bytes have come; `in_body` if some must. From now on the other side is waited for.
    pub(crate) fn read_nothing(&self, now: Instant, in_body: bool) {
        let mut state = self.state();
        if in_body && matches!(state.wait, Wait::Us | Wait::Head(_)) {
            let resting = state.resting.take();
            state.wait = Wait::Body(resting.map_or(Transfer::new(now), |(body, since)| body.after_rest(since, now)));
        }
    }

    /// Notes that bytes have come; `in_body` if more of a body must come. Until the body is read again, the other side
    /// is not waited for.
    pub(crate) fn read(&self, now: Instant, bytes: usize, in_body: bool) {
        let mut state = self.state();
        let turn = if state.owes_answer { Wait::Us } else { Wait::Head(now) };
        match (state.wait, state.resting) {
            (Wait::Body(mut body), _) if in_body => {
                body.went_on(now, bytes);
                (state.wait, state.resting) = (turn, Some((body, now)));
            }
            (Wait::Body(_), _) => state.wait = turn,
            (_, Some((mut body, since))) if in_body => {
                body.went_on(since, bytes);
                state.resting = Some((body, since));
            }
            _ => {}
        }
    }

    /// Notes that the other side accepts no bytes at the moment.
    pub(crate) fn wrote_nothing(&self, now: Instant) {
        let mut state = self.state();
        if !matches!(state.wait, Wait::Answer(_)) {
            state.wait = Wait::Answer(Transfer::in_large_pieces(now, ANSWER_IDLE));
        }
    }

    /// Notes that the other side has accepted bytes.
    pub(crate) fn wrote(&self, now: Instant, bytes: usize) {
        if let Wait::Answer(answer) = &mut self.state().wait {
            answer.went_on(now, bytes);
        }
    }

    /// Notes that everything was written.
    pub(crate) fn wrote_all(&self, now: Instant) {
        let mut state = self.state();
        match (state.wait, state.owes_answer) {
            (Wait::Us | Wait::Answer(_), false) => {
                (state.wait, state.answer_bytes, state.is_bulk) = (Wait::Head(now), 0, false);
            }
            (Wait::Answer(_), true) => state.wait = Wait::Us,
            _ => {}
        }
    }

    /// Notes that the last answer is written; the other side may still be writing.
    pub(crate) fn lingers(&self, now: Instant) {
        let mut state = self.state();
        if !matches!(state.wait, Wait::Linger(_)) {
            state.wait = Wait::Linger(now);
        }
    }

    /// Notes that a close frame was sent on a socket.
    pub(crate) fn parts(&self, now: Instant) {
        self.state().wait = Wait::Farewell(now);
    }

    /// Notes that it is a socket now, without an authenticated user.
    pub(crate) fn is_socket(&self, now: Instant, outbox: &Arc<Outbox>) {
        let mut state = self.state();
        state.wait = Wait::Credential(now);
        state.outbox = Some(outbox.clone());
        if state.evicted {
            outbox.end(CloseReason::Restart(COME_BACK_MS));
        }
    }

    /// Notes that a credential has come, which the server now verifies.
    pub(crate) fn has_credential(&self) {
        self.state().wait = Wait::Us;
    }

    /// Notes that the credential could not be verified and the socket stays open; it has waited since this time.
    pub(crate) fn needs_credential(&self, since: Instant) {
        self.state().wait = Wait::Credential(since);
    }

    // ---- decided by the table of all connections ------------------------------------------------

    /// Checks the deadline. When it is missed, the connection gets a last answer, and a moment later it is closed.
    pub(crate) fn check(&self, now: Instant) {
        let mut state = self.state();
        match state.overdue {
            None if state.wait.deadline().is_some_and(|deadline| deadline <= now) => {
                tell_closed(state.wait.name());
                state.overdue = Some(now);
                // A client that reads nothing would not read a last answer.
                state.evicted |= matches!(state.wait, Wait::Answer(_) | Wait::Linger(_));
                self.told.notify_one();
            }
            Some(since) if since + LINGER <= now && !state.evicted => {
                state.evicted = true;
                self.told.notify_one();
            }
            _ => {}
        }
    }

    /// Closes it at once, to make room.
    pub(crate) fn evict(&self) {
        let mut state = self.state();
        if !state.evicted {
            tell_closed("room");
            state.evicted = true;
            if let Some(outbox) = &state.outbox {
                outbox.end(CloseReason::Restart(COME_BACK_MS));
            }
            self.told.notify_one();
        }
    }

    /// Whether a deadline was missed.
    pub(crate) fn is_overdue(&self) -> bool {
        self.state().overdue.is_some()
    }

    /// Waits until it must be closed at once.
    pub(crate) async fn must_close(&self) {
        loop {
            if self.state().evicted {
                return;
            }
            self.told.notified().await;
        }
    }

    /// Waits until the state has changed in a way that concerns its reader.
    pub(crate) async fn told(&self) {
        self.told.notified().await;
    }

    /// Whether it must be closed at once.
    pub(crate) fn is_evicted(&self) -> bool {
        self.state().evicted
    }
}

fn tell_closed(reason: &'static str) {
    metrics::counter!("palabre_connections_closed_total", "reason" => reason).increment(1);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// Whether a deadline is missed at each of these seconds, checked one after another.
    fn overdue_at(peer: &Peer, began: Instant, seconds: &[u64]) -> Vec<bool> {
        let check = |second: &u64| {
            peer.check(began + after(*second));
            peer.is_overdue()
        };
        seconds.iter().map(check).collect()
    }

    #[test]
    fn a_head_has_ten_seconds_from_the_connection_and_from_the_answer_before() {
        let began = Instant::now();
        assert_eq!(overdue_at(&Peer::new(began), began, &[9, 10]), [false, true]);
        let peer = Peer::new(began);
        peer.begins_request(false);
        assert_eq!(overdue_at(&peer, began, &[60]), [false], "it is our turn");
        peer.has_answer(0, false);
        peer.wrote_all(began + after(60));
        assert_eq!(overdue_at(&peer, began, &[69, 70]), [false, true]);
    }

    #[test]
    fn a_slow_body_has_ten_seconds_and_a_whole_one_ends_the_wait() {
        let began = Instant::now();
        for (bytes, is_overdue) in [(1, true), (2_048, false)] {
            let peer = Peer::new(began);
            peer.begins_request(false);
            peer.read_nothing(began, true);
            for second in 1..=20 {
                peer.read(began + after(second), bytes, true);
                peer.read_nothing(began + after(second), true);
                peer.check(began + after(second));
            }
            assert_eq!(peer.is_overdue(), is_overdue, "{bytes}");
            peer.read(began + after(20), 1, false);
            assert_eq!(peer.wait(), Wait::Us);
        }
    }

    #[test]
    fn the_clock_of_a_body_pauses_while_nobody_reads_it() {
        let began = Instant::now();
        let peer = Peer::new(began);
        peer.begins_request(false);
        peer.read_nothing(began, true);
        peer.read(began + after(9), 16, true);
        assert_eq!(overdue_at(&peer, began, &[600]), [false], "a minute for each piece is our business");
        peer.read_nothing(began + after(600), true);
        assert_eq!(overdue_at(&peer, began, &[600, 601]), [false, true], "it had used nine seconds of its ten");
    }

    #[test]
    fn an_unread_answer_has_thirty_seconds_and_no_last_answer() {
        let began = Instant::now();
        let peer = Peer::new(began);
        peer.begins_request(false);
        peer.has_answer(0, false);
        peer.wrote_nothing(began);
        assert_eq!(overdue_at(&peer, began, &[29]), [false]);
        peer.wrote(began + after(29), 64 << 10);
        assert_eq!(overdue_at(&peer, began, &[58]), [false]);
        assert!(!peer.is_evicted());
        assert_eq!(overdue_at(&peer, began, &[59]), [true]);
        assert!(peer.is_evicted());
    }

    #[test]
    fn a_large_answer_is_owed_until_its_last_piece_was_taken() {
        let began = Instant::now();
        let peer = Peer::new(began);
        peer.begins_request(false);
        peer.has_answer(0, true);
        peer.wrote_all(began);
        assert_eq!(overdue_at(&peer, began, &[60]), [false], "the store is slow, not the client");
        peer.wrote_nothing(began + after(60));
        assert_eq!(overdue_at(&peer, began, &[89]), [false]);
        peer.gave_answer(began + after(89));
        assert!(peer.is_bulk(), "a part of it is not written yet");
        peer.wrote_all(began + after(89));
        assert!(!peer.is_bulk());
        assert_eq!(overdue_at(&peer, began, &[98, 99]), [false, true], "the next request has ten seconds");
    }

    #[test]
    fn a_last_answer_has_two_seconds() {
        let began = Instant::now();
        let peer = Peer::new(began);
        peer.check(began + after(10));
        assert!(peer.is_overdue() && !peer.is_evicted());
        peer.check(began + after(12));
        assert!(peer.is_evicted());
    }
}
