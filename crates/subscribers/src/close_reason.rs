//! Every close reason has a code. 1012 and 4000 to 4499 mean "come back", 4500 to 4999 "do not".

/// Why the server closes a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseReason {
    /// The server is stopping; come back after so many milliseconds.
    Restart(u32),
    /// Nothing was heard for too long; come back.
    Silent,
    /// Too much was waiting; come back and catch up.
    SlowConsumer,
    /// Far too many commands; come back after so many milliseconds.
    RateLimited(u32),
    /// The database has come back as another history; come back after so many milliseconds and read anew.
    NewHistory(u32),
    /// The host application's token has ended; come back with another.
    TokenExpired,
    /// No valid credential in time.
    Unauthenticated,
    /// Logged out, token revoked or password changed.
    SessionEnded,
    /// The account was deactivated.
    Deactivated,
    /// Bytes that are not WebSocket (RFC 6455).
    ProtocolError,
    /// A text that is not UTF-8.
    NotText,
    /// Far too many unreadable frames, or one that is far too large.
    ProtocolViolation,
    /// More sockets than one user may have.
    TooManyConnections,
    /// The client closed first, with this code.
    Closed(u16),
    /// The client has gone.
    Gone,
}

impl CloseReason {
    /// The close code.
    #[must_use]
    pub fn code(self) -> u16 {
        match self {
            Self::Restart(_) => 1012,
            Self::Silent => 4000,
            Self::SlowConsumer => 4008,
            Self::RateLimited(_) => 4009,
            Self::NewHistory(_) => 4010,
            Self::TokenExpired => 4011,
            Self::Unauthenticated => 4500,
            Self::SessionEnded => 4501,
            Self::Deactivated => 4502,
            Self::ProtocolError => 1002,
            Self::NotText => 1007,
            Self::ProtocolViolation => 4503,
            Self::TooManyConnections => 4504,
            Self::Closed(code) => code,
            Self::Gone => 1000,
        }
    }

    /// The stable name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Restart(_) => "restart",
            Self::Silent => "silent",
            Self::SlowConsumer => "slow_consumer",
            Self::RateLimited(_) => "rate_limited",
            Self::NewHistory(_) => "new_history",
            Self::TokenExpired => "token_expired",
            Self::Unauthenticated => "unauthenticated",
            Self::SessionEnded => "session_ended",
            Self::Deactivated => "deactivated",
            Self::ProtocolError => "protocol_error",
            Self::NotText => "not_text",
            Self::ProtocolViolation => "protocol_violation",
            Self::TooManyConnections => "too_many_connections",
            Self::Closed(_) | Self::Gone => "closed",
        }
    }

    /// The reason, as JSON of at most 123 bytes.
    #[must_use]
    pub fn reason(self) -> String {
        let code = self.name();
        match self {
            Self::Restart(ms) | Self::RateLimited(ms) | Self::NewHistory(ms) => {
                format!(r#"{{"code":"{code}","retry":true,"retry_after_ms":{ms}}}"#)
            }
            Self::Silent | Self::SlowConsumer | Self::TokenExpired => {
                format!(r#"{{"code":"{code}","retry":true,"retry_after_ms":250}}"#)
            }
            _ => format!(r#"{{"code":"{code}","retry":false}}"#),
        }
    }
}
