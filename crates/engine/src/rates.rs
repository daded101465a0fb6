//! How often one may speak: a rate per user for messages, and one for everything else.

use std::{
    num::NonZeroU32,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use chat::{Error, Limits, Result, UserId};
use governor::{
    Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    middleware::StateInformationMiddleware,
    state::keyed::DefaultKeyedStateStore,
};

/// After so many decisions, users who have been silent long enough are forgotten.
const FORGET_EVERY: u32 = 100_000;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cost {
    /// A message, at the pace of the door it comes through.
    Message(Pace),
    /// Any other command or request.
    Request,
}

/// How fast messages may come: the place of a rate in [`crate::Settings::paces`]. Doors that share a pace share the
/// count, whether over sockets or requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pace(pub usize);

/// What is left of a rate after a request was admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// Requests at once.
    pub burst: u32,
    /// Requests that are left at once.
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
    decisions: AtomicU32,
}

impl Rates {
    pub(crate) fn new(limits: &Limits, paces: &[(i64, i64)]) -> Self {
        let usual = (limits.messages_per_minute, limits.message_burst);
        Self {
            messages: std::iter::once(&usual)
                .chain(paces)
                .map(|&(per_minute, burst)| (limiter(per_minute, burst), per_minute))
                .collect(),
            requests: (limiter(limits.requests_per_minute, limits.request_burst), limits.requests_per_minute),
            decisions: AtomicU32::new(0),
        }
    }

    pub(crate) fn admit(&self, user: UserId, cost: Cost) -> Result<Allowance> {
        if self.decisions.fetch_add(1, Ordering::Relaxed) % FORGET_EVERY == FORGET_EVERY - 1 {
            self.messages.iter().for_each(|(limiter, _)| limiter.retain_recent());
            self.requests.0.retain_recent();
        }
        let ((limiter, per_minute), what) = match cost {
            Cost::Message(Pace(place)) => (self.messages.get(place).ok_or_else(Error::internal)?, "messages"),
            Cost::Request => (&self.requests, "requests"),
        };
        match limiter.check_key(&user.0) {
            Ok(state) => {
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
}

fn limiter(per_minute: i64, burst: i64) -> Limiter {
    // One every so often; the configuration admits 1 and more.
    let period = Duration::from_nanos(60_000_000_000 / u64::try_from(per_minute).unwrap_or(1).max(1));
    let burst = NonZeroU32::new(u32::try_from(burst).unwrap_or(u32::MAX)).unwrap_or(NonZeroU32::MIN);
    let quota = Quota::with_period(period.max(Duration::from_nanos(1)))
        .unwrap_or_else(|| Quota::per_minute(burst))
        .allow_burst(burst);
    RateLimiter::keyed(quota).with_middleware::<StateInformationMiddleware>()
}
