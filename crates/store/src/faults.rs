//! Values that deliberate faults of the store keep in memory where the database should be asked. Without debug
//! assertions of `chat` all of this does nothing.

use std::{
    collections::HashMap,
    sync::{LazyLock, Mutex, PoisonError},
};

use chat::{
    Millis,
    messages::Sent,
    mutants::{self, Mutant},
};

use crate::writer::NewMessage;

static SENT: LazyLock<Mutex<HashMap<(i64, String), Sent>>> = LazyLock::new(Mutex::default);
static COUNTERS: LazyLock<Mutex<HashMap<i64, i64>>> = LazyLock::new(Mutex::default);

/// The number after `head`.
pub(crate) fn next(conversation: i64, head: i64, now: Millis) -> i64 {
    if mutants::is(Mutant::ClockOrder) {
        return now.0.max(head + 1);
    }
    if !mutants::is(Mutant::CachedCounter) {
        return head + 1;
    }
    // It does not go back when the transaction does.
    let mut counters = COUNTERS.lock().unwrap_or_else(PoisonError::into_inner);
    let counter = counters.entry(conversation).or_insert(head);
    *counter = head.max(*counter) + 1;
    *counter
}

/// The answer to an earlier send under the same client id, if that is remembered here and not in the database.
pub(crate) fn repeat(append: &NewMessage) -> Option<Sent> {
    if !mutants::is(Mutant::CachedDedupe) {
        return None;
    }
    let sent = SENT.lock().unwrap_or_else(PoisonError::into_inner);
    let earlier = sent.get(&(append.author.user.0, append.submission.client_id.as_ref()?.as_str().to_owned()))?;
    Some(Sent { repeated: true, ..earlier.clone() })
}

/// Remembers the answer to a send.
pub(crate) fn remember(append: &NewMessage, sent: &Sent) {
    if let Some(client_id) = append.submission.client_id.as_ref().filter(|_| mutants::is(Mutant::CachedDedupe)) {
        let key = (append.author.user.0, client_id.as_str().to_owned());
        SENT.lock().unwrap_or_else(PoisonError::into_inner).insert(key, sent.clone());
    }
}
