//! How long, and with how much, somebody is borne with.

use chat::{Error, ErrorCode};
use subscribers::{
    CloseReason,
    frame::{self, Opcode},
};
use tokio::time::Instant;

use super::{Connection, SLOWEST, seconds};
use crate::transfer::Transfer;

/// Frames that could not be understood, or came too often, before the connection is closed.
const PATIENCE: u32 = 100;

impl Connection {
    /// Counts a frame that could not be understood.
    pub(super) fn offend(&mut self) -> Result<(), CloseReason> {
        self.offences += 1;
        if self.offences >= PATIENCE { Err(CloseReason::ProtocolViolation) } else { Ok(()) }
    }

    /// Counts a command that came too soon; refusals for other reasons do not count.
    pub(super) fn rush(&mut self, error: &Error) -> Result<(), CloseReason> {
        if error.code != ErrorCode::RateLimited {
            return Ok(());
        }
        self.offences += 1;
        let after = error.retry_after_ms.and_then(|ms| u32::try_from(ms).ok()).unwrap_or(1_000);
        if self.offences >= PATIENCE { Err(CloseReason::RateLimited(after.max(1_000))) } else { Ok(()) }
    }

    pub(super) fn deadline(&self) -> Instant {
        let limits = self.shared().limits();
        if self.subscriber.is_none() {
            // Whatever a stranger says meanwhile: it gives them no more time.
            return self.began + seconds(limits.authentication_seconds);
        }
        let silent = self.last_heard + seconds(limits.ping_seconds) * if self.asked { 2 } else { 1 };
        self.pending().map_or(silent, |pending| pending.min(silent))
    }

    /// When a message that has begun must have ended or gone on. Whoever does not take their answers is not read from,
    /// and has other clocks.
    fn pending(&self) -> Option<Instant> {
        self.begun.as_ref().filter(|_| !self.outbox.is_full()).map(Transfer::deadline)
    }

    pub(super) fn on_time(&mut self) -> Result<(), CloseReason> {
        if Instant::now() < self.deadline() {
            // Something was heard since the clock was set.
            return Ok(());
        }
        if self.subscriber.is_none() {
            return Err(CloseReason::Unauthenticated);
        }
        if self.pending().is_some_and(|pending| pending <= Instant::now()) {
            return Err(CloseReason::Silent);
        }
        let taken = self.writer.written() - std::mem::replace(&mut self.taken, self.writer.written());
        if self.asked && self.outbox.is_full() && taken >= SLOWEST {
            // What they say is not read while they still take what they have asked for.
            self.last_heard = Instant::now();
            return Ok(());
        }
        if self.asked {
            return Err(CloseReason::Silent);
        }
        self.asked = true;
        // Offences are forgiven with time.
        self.offences = 0;
        let mut ping = Vec::with_capacity(2);
        frame::write(&mut ping, Opcode::Ping, &[]);
        self.outbox.push_answer(ping.into());
        Ok(())
    }
}
