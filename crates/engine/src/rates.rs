//! Rates: one per user for messages, one for all other requests, and one for adding others.

use std::{
    collections::HashMap,
    num::NonZeroU32,
    sync::{
        Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use chat::{Error, Limits, Result, UserId};
use governor::{
    NotUntil, Quota, RateLimiter,
    clock::{Clock, DefaultClock, QuantaInstant},
    middleware::{StateInformationMiddleware, StateSnapshot},
    state::keyed::DefaultKeyedStateStore,
};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
/// After this many decisions, users who have been silent long enough are forgotten.
const FORGET_EVERY: u32 = 100_000;

/// The kind of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cost {
    /// A message or an edit, at the rate of its endpoint.
    Message(Pace),
    /// Any other command or request.
    Request,
}

/// The rate of messages at an endpoint: an index into [`crate::Settings::paces`]. Endpoints with the same pace share
/// one count, over sockets and requests; and messages at one pace are also counted at all others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pace(pub usize);

/// The rest of a rate after a request was admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// The most requests at once.
    pub burst: u32,
    /// The requests that are left at once.
    pub remaining: u32,
    /// Milliseconds until one more is added.
    pub refill_ms: u64,
    /// Requests in a minute.
    pub per_minute: i64,
}

type Limiter = RateLimiter<i64, DefaultKeyedStateStore<i64>, DefaultClock, StateInformationMiddleware>;

pub(crate) struct Rates {
    messages: Vec<(Limiter, i64)>,
    requests: (Limiter, i64),
    /// People brought into conversations. Their rows count them, too, and survive a restart; but somebody who was put
    /// out and is brought in again has one row.
    invitations: Limiter,
    searches: Limiter,
    uploads: Limiter,
    decisions: AtomicU32,
    /// The requests that were spent here since other nodes were last told; absent where there are none.
    spent: Option<Mutex<HashMap<(UserId, u8), u32>>>,
    /// The cost of one request: the number of nodes, while they do not hear each other.
    price: AtomicU32,
}

/// The most entries that are kept between two reports, which are sent four times a second.
const TOLD: usize = 10_000;

impl Rates {
    pub(crate) fn new(limits: &Limits, paces: &[(i64, i64)], shared: bool) -> Self {
        let usual = (limits.messages_per_minute, limits.message_burst);
        Self {
            messages: std::iter::once(&usual)
                .chain(paces)
                .map(|&(per_minute, burst)| (limiter(MINUTE, per_minute, burst), per_minute))
                .collect(),
            requests: (limiter(MINUTE, limits.requests_per_minute, limits.request_burst), limits.requests_per_minute),
            invitations: limiter(HOUR, limits.invitations_per_hour, limits.invitations_per_hour),
            searches: limiter(MINUTE, limits.searches_per_minute, limits.search_burst),
            uploads: limiter(MINUTE, limits.uploads_per_minute, limits.upload_burst),
            decisions: AtomicU32::new(0),
            spent: shared.then(Mutex::default),
            price: AtomicU32::new(1),
        }
    }

    /// The rate at this place: first those of messages, then those of requests, invitations, searches and uploads.
    fn limiter(&self, place: u8) -> Option<&Limiter> {
        let others = [&self.requests.0, &self.invitations, &self.searches, &self.uploads];
        self.messages.iter().map(|(limiter, _)| limiter).chain(others).nth(usize::from(place))
    }

    fn note(&self, user: UserId, place: usize, count: u32) {
        let Some(mut spent) = self.spent.as_ref().and_then(|spent| spent.lock().ok()) else { return };
        if let Ok(place) = u8::try_from(place)
            && (spent.len() < TOLD || spent.contains_key(&(user, place)))
        {
            *spent.entry((user, place)).or_default() += count;
        }
    }

    /// The usage since the last call: for each user and rate, how much.
    pub(crate) fn spent(&self) -> Vec<(UserId, u8, u32)> {
        let spent = self.spent.as_ref().and_then(|spent| spent.lock().ok());
        let spent = spent.map(|mut spent| std::mem::take(&mut *spent)).unwrap_or_default();
        spent.into_iter().map(|((user, place), count)| (user, place, count)).collect()
    }

    /// Deducts the usage on another node.
    pub(crate) fn note_spent(&self, spent: Vec<(UserId, u8, u32)>) {
        for (user, place, count) in spent {
            let Some(limiter) = self.limiter(place) else { continue };
            charge(limiter, user, count);
            self.charge_others(user, usize::from(place), count);
        }
    }

    /// A message also costs as much at the paces of all other endpoints, as far as something is left there: only its
    /// own pace may refuse it, but nobody gets faster by changing endpoints.
    fn charge_others(&self, user: UserId, place: usize, count: u32) {
        if place >= self.messages.len() {
            return;
        }
        for (other, (limiter, _)) in self.messages.iter().enumerate() {
            if other != place {
                charge(limiter, user, count);
            }
        }
    }

    /// Sets the number of nodes that share the rates without hearing each other; 1 while they do hear each other.
    pub(crate) fn set_price(&self, nodes: u32) {
        self.price.store(nodes.max(1), Ordering::Relaxed);
    }

    pub(crate) fn admit(&self, user: UserId, cost: Cost) -> Result<Allowance> {
        if self.decisions.fetch_add(1, Ordering::Relaxed) % FORGET_EVERY == FORGET_EVERY - 1 {
            self.messages.iter().for_each(|(limiter, _)| limiter.retain_recent());
            self.requests.0.retain_recent();
            self.invitations.retain_recent();
            self.searches.retain_recent();
            self.uploads.retain_recent();
        }
        let ((limiter, per_minute), what, place) = match cost {
            Cost::Message(Pace(place)) => (self.messages.get(place).ok_or_else(Error::internal)?, "messages", place),
            Cost::Request => (&self.requests, "requests", self.messages.len()),
        };
        let price = self.price.load(Ordering::Relaxed);
        match take(limiter, user, price) {
            Ok(state) => {
                self.charge_others(user, place, price);
                self.note(user, place, 1);
                let quota = state.quota();
                Ok(Allowance {
                    burst: quota.burst_size().get(),
                    remaining: state.remaining_burst_capacity(),
                    refill_ms: u64::try_from(quota.replenish_interval().as_millis()).unwrap_or(u64::MAX),
                    per_minute: *per_minute,
                })
            }
            Err(not_yet) => {
                metrics::counter!("chat_rate_limit_exceeded_total", "action_type" => what).increment(1);
                let wait = not_yet.wait_time_from(DefaultClock::default().now());
                Err(Error::rate_limited(what, i64::try_from(wait.as_millis()).unwrap_or(i64::MAX).max(1)))
            }
        }
    }

    /// Whether somebody may add this many people now; if so, they are counted.
    pub(crate) fn may_invite(&self, user: UserId, people: usize) -> bool {
        let Some(count) = u32::try_from(people).ok().and_then(NonZeroU32::new) else { return people == 0 };
        if !matches!(self.invitations.check_key_n(&user.0, count), Ok(Ok(_))) {
            return false;
        }
        let others = self.price.load(Ordering::Relaxed).saturating_sub(1);
        charge(&self.invitations, user, count.get().saturating_mul(others));
        self.note(user, self.messages.len() + 1, count.get());
        true
    }

    /// Counts a search.
    pub(crate) fn admit_search(&self, user: UserId) -> Result<()> {
        self.admit_one(user, &self.searches, "searches", 2)
    }

    /// Counts an upload.
    pub(crate) fn admit_upload(&self, user: UserId) -> Result<()> {
        self.admit_one(user, &self.uploads, "uploads", 3)
    }

    /// Counts one of what has a rate of its own, which is the `nth` after those of messages.
    fn admit_one(&self, user: UserId, limiter: &Limiter, what: &'static str, nth: usize) -> Result<()> {
        let price = self.price.load(Ordering::Relaxed);
        if let Err(not_yet) = take(limiter, user, price) {
            metrics::counter!("chat_rate_limit_exceeded_total", "action_type" => what).increment(1);
            let wait = not_yet.wait_time_from(DefaultClock::default().now());
            return Err(Error::rate_limited(what, i64::try_from(wait.as_millis()).unwrap_or(i64::MAX).max(1)));
        }
        self.note(user, self.messages.len() + nth, 1);
        Ok(())
    }
}

/// Deducts a count from a rate, or what is left of it.
fn charge(limiter: &Limiter, user: UserId, count: u32) {
    for _ in 0..count {
        if limiter.check_key(&user.0).is_err() {
            break;
        }
    }
}

/// Deducts a request's price from a rate, or what is left if that is less than the price but not nothing.
fn take(limiter: &Limiter, user: UserId, price: u32) -> Result<StateSnapshot, NotUntil<QuantaInstant>> {
    let mut state = limiter.check_key(&user.0)?;
    for _ in 1..price {
        match limiter.check_key(&user.0) {
            Ok(less) => state = less,
            Err(_) => break,
        }
    }
    Ok(state)
}

fn limiter(span: Duration, in_span: i64, burst: i64) -> Limiter {
    // The configuration allows only 1 and more.
    let period = span / u32::try_from(in_span).unwrap_or(u32::MAX).max(1);
    let burst = NonZeroU32::new(u32::try_from(burst).unwrap_or(u32::MAX)).unwrap_or(NonZeroU32::MIN);
    let quota = Quota::with_period(period.max(Duration::from_nanos(1)))
        .unwrap_or_else(|| Quota::per_minute(burst))
        .allow_burst(burst);
    RateLimiter::keyed(quota).with_middleware::<StateInformationMiddleware>()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates(shared: bool) -> Rates {
        let limits = Limits { messages_per_minute: 1, message_burst: 6, ..Limits::default() };
        Rates::new(&limits, &[], shared)
    }

    fn admitted(rates: &Rates) -> usize {
        std::iter::from_fn(|| rates.admit(UserId(1), Cost::Message(Pace(0))).ok()).count()
    }

    #[test]
    fn usage_on_another_node_is_deducted_here() {
        let (one, other) = (rates(true), rates(true));
        for _ in 0..4 {
            one.admit(UserId(1), Cost::Message(Pace(0))).expect("within the burst");
        }
        one.admit(UserId(2), Cost::Request).expect("within the burst");
        let mut spent = one.spent();
        spent.sort_unstable();
        assert_eq!(spent, [(UserId(1), 0, 4), (UserId(2), 1, 1)]);
        assert!(one.spent().is_empty());
        other.note_spent(spent);
        assert_eq!(admitted(&other), 2);
        // More than there is, and a rate that does not exist here.
        other.note_spent(vec![(UserId(1), 0, u32::MAX), (UserId(1), 9, 1)]);
        assert!(rates(false).spent().is_empty());
    }

    #[test]
    fn a_pace_of_its_own_is_no_way_around_the_others() {
        let limits = Limits { messages_per_minute: 1, message_burst: 6, ..Limits::default() };
        let rates = || Rates::new(&limits, &[(1, 10)], true);
        let admitted = |rates: &Rates, pace: usize, most: usize| {
            (0..most).filter(|_| rates.admit(UserId(1), Cost::Message(Pace(pace))).is_ok()).count()
        };
        let fast_first = rates();
        assert_eq!((admitted(&fast_first, 1, 99), admitted(&fast_first, 0, 99)), (10, 0));
        let slow_first = rates();
        assert_eq!((admitted(&slow_first, 0, 99), admitted(&slow_first, 1, 99)), (6, 4));
        assert!(slow_first.admit(UserId(1), Cost::Request).is_ok(), "requests have a rate of their own");
        assert_eq!(admitted(&rates(), 1, 99), 10, "whoever uses one has all of it");
        // The same on another node.
        let there = rates();
        there.note_spent(fast_first.spent());
        assert_eq!((admitted(&there, 0, 99), admitted(&there, 1, 99)), (0, 0));
    }

    #[test]
    fn additions_of_members_are_bounded_on_all_nodes_together() {
        let limits = Limits { invitations_per_hour: 5, ..Limits::default() };
        let (one, other) = (Rates::new(&limits, &[], true), Rates::new(&limits, &[], true));
        assert!(one.may_invite(UserId(1), 0) && !one.may_invite(UserId(1), 6), "all of them, or nobody");
        assert!(one.may_invite(UserId(1), 4) && one.may_invite(UserId(2), 5));
        assert!(!one.may_invite(UserId(1), 2));
        other.note_spent(one.spent());
        assert!(!other.may_invite(UserId(1), 2) && other.may_invite(UserId(1), 1));
        assert!(other.admit(UserId(1), Cost::Request).is_ok(), "requests have a rate of their own");
        let alone = Rates::new(&limits, &[], true);
        alone.set_price(3);
        assert!(alone.may_invite(UserId(1), 2) && !alone.may_invite(UserId(1), 1));
    }

    #[test]
    fn nodes_that_do_not_hear_each_other_share_the_rate() {
        let rates = rates(true);
        rates.set_price(3);
        assert_eq!(admitted(&rates), 2);
        rates.set_price(0);
        assert_eq!(admitted(&rates), 0);
    }
}
