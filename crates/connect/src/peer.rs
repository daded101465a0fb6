//! What one connection waits for, and since when: the other side, or us.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use subscribers::{CloseReason, Outbox};
use tokio::{sync::Notify, time::Instant};

use crate::{http::head::Refusal, transfer::Transfer};

/// A request's head must be complete after this time, counted from the moment from which it can come: of the connection,
/// or of the end of the answer before.
const HEAD: Duration = Duration::from_secs(10);
/// How long a receiver may take nothing of an answer. The system tells of progress in pieces of 32 KiB.
const ANSWER_IDLE: Duration = Duration::from_secs(30);
/// How long a connection that ends may go on being read, so that its last words are not lost in a reset; and how long
/// the last words to one whose time is over may take.
const LINGER: Duration = Duration::from_secs(2);
/// After which time somebody comes back who was sent away to make room.
const COME_BACK_MS: u32 = 1_000;

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Wait {
    /// Not the other side: a request is being worked on.
    Us,
    /// A request's head, since this moment.
    Head(Instant),
    /// The rest of a body.
    Body(Transfer),
    /// That an answer is taken.
    Answer(Transfer),
    /// What tells who speaks on a socket, which has a clock of its own.
    Credential(Instant),
    /// That it reads the last answer and closes.
    Linger(Instant),
    /// The other side's close reason on a socket, which has clocks of its own.
    Farewell(Instant),
}

impl Wait {
    /// Since when the other side is waited for.
    pub(crate) fn since(&self) -> Option<Instant> {
        match self {
            Self::Us => None,
            Self::Head(since) | Self::Credential(since) | Self::Linger(since) | Self::Farewell(since) => Some(*since),
            Self::Body(transfer) | Self::Answer(transfer) => Some(transfer.began()),
        }
    }

    /// Until when, where that is not seen to elsewhere.
    fn deadline(&self) -> Option<Instant> {
        match self {
            Self::Us | Self::Credential(_) | Self::Farewell(_) => None,
            Self::Head(since) => Some(*since + HEAD),
            Self::Body(transfer) | Self::Answer(transfer) => Some(transfer.deadline()),
            Self::Linger(since) => Some(*since + LINGER),
        }
    }

    /// For the metrics.
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

/// One connection, as all see it who have to do with it: its reader, its service, and the table of all.
pub(crate) struct Peer {
    state: Mutex<State>,
    /// It holds one permit, which is enough: there is one who waits at a time, its HTTP service or, after the upgrade,
    /// its socket, and whoever takes the permit looks at the state, where everything stands that was told.
    told: Notify,
}

struct State {
    wait: Wait,
    /// The clock of a body while nobody waits for more of it, and since when it rests.
    resting: Option<(Transfer, Instant)>,
    /// Whether a request is not answered yet.
    owes_answer: bool,
    /// Bytes of the answer that is being written, if it takes memory of its own.
    answer_bytes: u64,
    /// Requests that have come to the service.
    requests: u64,
    /// The request that is none, and why.
    refused: Option<(u64, Refusal)>,
    /// When its time was over.
    overdue: Option<Instant>,
    /// Whether it is to go at once.
    evicted: bool,
    /// Of a socket.
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

    /// What it waits for.
    pub(crate) fn wait(&self) -> Wait {
        self.state().wait
    }

    // ---- what its reader and its service see ----------------------------------------------------

    /// A request has come; the refusal if it is only there to be refused.
    pub(crate) fn begins_request(&self) -> Option<Refusal> {
        let mut state = self.state();
        state.requests += 1;
        state.owes_answer = true;
        (state.wait, state.resting) = (Wait::Us, None);
        let refusal = state.refused.filter(|(nth, _)| *nth == state.requests).map(|(_, why)| why);
        if refusal.is_none() {
            // It came at the last moment.
            state.overdue = None;
        }
        refusal
    }

    /// The answer is known; it is written next, and takes so many bytes of memory until then.
    pub(crate) fn has_answer(&self, bytes: u64) {
        let mut state = self.state();
        state.owes_answer = false;
        state.answer_bytes = bytes;
    }

    /// How many bytes of memory its answer takes, and since when the other side takes nothing of it, if it does not.
    pub(crate) fn unread(&self) -> (u64, Option<Instant>) {
        let state = self.state();
        let since = matches!(state.wait, Wait::Answer(_)).then(|| state.wait.since()).flatten();
        (state.answer_bytes, since)
    }

    /// The `nth` request is to be refused.
    pub(crate) fn refuse(&self, nth: u64, why: Refusal) {
        metrics::counter!("palabre_requests_refused_total", "status" => why.status.to_string()).increment(1);
        self.state().refused = Some((nth, why));
    }

    /// Nothing came; `in_body` if something has to. From here on the other side is waited for.
    pub(crate) fn read_nothing(&self, now: Instant, in_body: bool) {
        let mut state = self.state();
        if in_body && matches!(state.wait, Wait::Us | Wait::Head(_)) {
            let resting = state.resting.take();
            state.wait = Wait::Body(resting.map_or(Transfer::new(now), |(body, since)| body.after_rest(since, now)));
        }
    }

    /// Bytes came; `in_body` if there is still something of a body to come. Until it is asked for, it is not the other
    /// side that is waited for.
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

    /// The other side takes nothing at the moment.
    pub(crate) fn wrote_nothing(&self, now: Instant) {
        let mut state = self.state();
        if !matches!(state.wait, Wait::Answer(_)) {
            state.wait = Wait::Answer(Transfer::in_large_pieces(now, ANSWER_IDLE));
        }
    }

    /// Bytes were taken.
    pub(crate) fn wrote(&self, now: Instant, bytes: usize) {
        if let Wait::Answer(answer) = &mut self.state().wait {
            answer.went_on(now, bytes);
        }
    }

    /// Everything that was to be written is.
    pub(crate) fn wrote_all(&self, now: Instant) {
        let mut state = self.state();
        match (state.wait, state.owes_answer) {
            (Wait::Us | Wait::Answer(_), false) => (state.wait, state.answer_bytes) = (Wait::Head(now), 0),
            (Wait::Answer(_), true) => state.wait = Wait::Us,
            _ => {}
        }
    }

    /// The last answer is written; the other side may still be writing.
    pub(crate) fn lingers(&self, now: Instant) {
        let mut state = self.state();
        if !matches!(state.wait, Wait::Linger(_)) {
            state.wait = Wait::Linger(now);
        }
    }

    /// A close reason was said on a socket.
    pub(crate) fn parts(&self, now: Instant) {
        self.state().wait = Wait::Farewell(now);
    }

    /// It is a socket now, on which nobody has authenticated.
    pub(crate) fn is_socket(&self, now: Instant, outbox: &Arc<Outbox>) {
        let mut state = self.state();
        state.wait = Wait::Credential(now);
        state.outbox = Some(outbox.clone());
        if state.evicted {
            outbox.end(CloseReason::Restart(COME_BACK_MS));
        }
    }

    /// What tells who speaks has come: it is our turn.
    pub(crate) fn has_credential(&self) {
        self.state().wait = Wait::Us;
    }

    /// Who speaks could not be settled, and the socket stays; it has waited since this moment.
    pub(crate) fn needs_credential(&self, since: Instant) {
        self.state().wait = Wait::Credential(since);
    }

    // ---- what it is told ------------------------------------------------------------------------

    /// Tells it that its time is over, if it is: it gets its last words, and a moment later it goes.
    pub(crate) fn check(&self, now: Instant) {
        let mut state = self.state();
        match state.overdue {
            None if state.wait.deadline().is_some_and(|deadline| deadline <= now) => {
                tell_closed(state.wait.name());
                state.overdue = Some(now);
                // Whoever takes nothing takes no last words.
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

    /// Tells it to go at once, to make room.
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

    /// Whether its time is over.
    pub(crate) fn is_overdue(&self) -> bool {
        self.state().overdue.is_some()
    }

    /// Waits until it is to go at once.
    pub(crate) async fn told_to_go(&self) {
        loop {
            if self.state().evicted {
                return;
            }
            self.told.notified().await;
        }
    }

    /// Waits until something has changed that its reader should look at.
    pub(crate) async fn told(&self) {
        self.told.notified().await;
    }

    /// Whether it is to go at once.
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

    /// Whether its time is over at each of these seconds, asked one after another.
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
        peer.begins_request();
        assert_eq!(overdue_at(&peer, began, &[60]), [false], "it is our turn");
        peer.has_answer(0);
        peer.wrote_all(began + after(60));
        assert_eq!(overdue_at(&peer, began, &[69, 70]), [false, true]);
    }

    #[test]
    fn a_body_that_dribbles_has_ten_seconds_and_then_it_is_our_turn() {
        let began = Instant::now();
        for (bytes, is_overdue) in [(1, true), (2_048, false)] {
            let peer = Peer::new(began);
            peer.begins_request();
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
    fn the_clock_of_a_body_rests_while_nobody_asks_for_more_and_goes_on_where_it_was() {
        let began = Instant::now();
        let peer = Peer::new(began);
        peer.begins_request();
        peer.read_nothing(began, true);
        peer.read(began + after(9), 16, true);
        assert_eq!(overdue_at(&peer, began, &[600]), [false], "a minute for each piece is our business");
        peer.read_nothing(began + after(600), true);
        assert_eq!(overdue_at(&peer, began, &[600, 601]), [false, true], "it had used nine seconds of its ten");
    }

    #[test]
    fn an_answer_that_nobody_takes_has_thirty_seconds_and_no_last_words() {
        let began = Instant::now();
        let peer = Peer::new(began);
        peer.begins_request();
        peer.has_answer(0);
        peer.wrote_nothing(began);
        assert_eq!(overdue_at(&peer, began, &[29]), [false]);
        peer.wrote(began + after(29), 64 << 10);
        assert_eq!(overdue_at(&peer, began, &[58]), [false]);
        assert!(!peer.is_evicted());
        assert_eq!(overdue_at(&peer, began, &[59]), [true]);
        assert!(peer.is_evicted());
    }

    #[test]
    fn last_words_have_two_seconds() {
        let began = Instant::now();
        let peer = Peer::new(began);
        peer.check(began + after(10));
        assert!(peer.is_overdue() && !peer.is_evicted());
        peer.check(began + after(12));
        assert!(peer.is_evicted());
    }
}
