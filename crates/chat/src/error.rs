//! Refusals: a stable code, words for the caller, and when to try again.

use std::fmt;

/// The result of a command or a query.
pub type Result<T, E = Error> = std::result::Result<T, E>;

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $status:literal, $title:literal;)*) => {
        /// The reason of a refusal. The name is stable and part of the protocol.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ErrorCode {
            $($(#[$doc])* $variant,)*
        }

        impl ErrorCode {
            /// All codes, for the documents.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable name.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The HTTP status that carries it.
            #[must_use]
            pub fn status(self) -> u16 {
                match self { $(Self::$variant => $status,)* }
            }

            /// Its meaning, in a few words.
            #[must_use]
            pub fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)* }
            }
        }
    };
}

codes! {
    /// The bytes are not what the protocol speaks.
    Malformed = "malformed", 400, "The request cannot be read";
    /// A field is missing, of the wrong type, or out of its range.
    Invalid = "invalid", 422, "A field is not acceptable";
    /// No such command, path or method.
    UnknownCommand = "unknown_command", 404, "There is no such command";
    /// The path exists, but not with this method.
    MethodNotAllowed = "method_not_allowed", 405, "The method is not allowed here";
    /// Its bytes came too slowly.
    TooSlow = "too_slow", 408, "The request came too slowly";
    /// A WebSocket's path was asked for otherwise.
    UpgradeRequired = "upgrade_required", 426, "This is a WebSocket";
    /// Larger than the limit.
    TooLarge = "too_large", 413, "The request is too large";
    /// A file of a type that is not accepted here.
    UnsupportedType = "unsupported_type", 415, "Files of this type are not accepted";
    /// A header says what the bytes would have to be, and they are something else.
    ChecksumMismatch = "checksum_mismatch", 460, "The bytes do not have their checksum";
    /// Another request has it in hand.
    Locked = "locked", 423, "Another request has it in hand";
    /// A version of a protocol that is not spoken here.
    UnsupportedVersion = "unsupported_version", 412, "This version of the protocol is not spoken here";
    /// The scanner says that the file does harm.
    FileInfected = "file_infected", 422, "The file is infected";
    /// No byte of the file is in the range that was asked for.
    RangeNotSatisfiable = "range_not_satisfiable", 416, "The file does not have this range";
    /// No credential, or one that is not accepted.
    Unauthenticated = "unauthenticated", 401, "A valid credential is needed";
    /// Name or password is wrong.
    BadCredentials = "bad_credentials", 401, "Name or password is wrong";
    /// Known and understood, but not allowed.
    Forbidden = "forbidden", 403, "This is not allowed";
    /// The other person does not accept it; the answer never says why.
    NotAccepting = "not_accepting", 403, "The other person does not accept this";
    /// The request's `Origin` is not one of those that may connect.
    ForbiddenOrigin = "forbidden_origin", 403, "The origin is not allowed";
    /// Absent, or not the asker's to see: the answer is the same.
    NotFound = "not_found", 404, "There is no such thing, or you may not see it";
    /// The name, address or state is already taken.
    Conflict = "conflict", 409, "It conflicts with what is there";
    /// The client id was used before, with other content.
    IdempotencyMismatch = "idempotency_mismatch", 422, "The client id was used with other content";
    /// It would reach many people, and the sender has not said that they want that.
    ConfirmationNeeded = "confirmation_needed", 422, "It reaches many people: confirm it";
    /// Too often.
    RateLimited = "rate_limited", 429, "Too many requests";
    /// A countable limit is reached.
    LimitReached = "limit_reached", 422, "A limit is reached";
    /// The store cannot be reached now; nothing was stored.
    Unavailable = "unavailable", 503, "Not available at the moment";
    /// The connection to the store broke in the commit: repeat with the same client id.
    OutcomeUnknown = "outcome_unknown", 503, "The outcome is unknown; repeat with the same client id";
    /// The disk is full; nothing was stored.
    StorageFull = "storage_full", 507, "There is no room to store it";
    /// Not made yet.
    NotImplemented = "not_implemented", 501, "This is not implemented";
    /// A fault of the server; its log has the details under the request id.
    Internal = "internal", 500, "The server made a mistake";
}

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// The reason, for programs.
    pub code: ErrorCode,
    /// The reason, for people. Never contains what others may not see.
    pub detail: String,
    /// The field that was wrong, as a JSON Pointer (RFC 6901) into the input.
    pub field: Option<String>,
    /// How long to wait before trying again, in milliseconds.
    pub retry_after_ms: Option<i64>,
}

impl Error {
    /// A refusal with a code and a description.
    pub fn new(code: ErrorCode, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), field: None, retry_after_ms: None }
    }

    /// A field that is not acceptable. `field` is its name, or a JSON Pointer if nested.
    pub fn invalid(field: &str, detail: impl Into<String>) -> Self {
        let pointer = if field.starts_with('/') { field.to_owned() } else { format!("/{field}") };
        Self { field: Some(pointer), ..Self::new(ErrorCode::Invalid, detail) }
    }

    /// Not found, or not visible to the speaker.
    #[must_use]
    pub fn not_found(what: &str) -> Self {
        Self::new(ErrorCode::NotFound, format!("There is no such {what}, or you may not see it."))
    }

    /// Not allowed, with the reason.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(ErrorCode::Forbidden, detail)
    }

    /// Rate-limited; try again after so many milliseconds.
    #[must_use]
    pub fn rate_limited(what: &str, retry_after_ms: i64) -> Self {
        Self {
            retry_after_ms: Some(retry_after_ms),
            ..Self::new(ErrorCode::RateLimited, format!("Too many {what}; try again in {retry_after_ms} ms."))
        }
    }

    /// A countable limit is reached.
    pub fn limit_reached(detail: impl Into<String>) -> Self {
        Self::new(ErrorCode::LimitReached, detail)
    }

    /// A fault of the server. The caller gets no details; log them where this is made.
    #[must_use]
    pub fn internal() -> Self {
        Self::new(ErrorCode::Internal, "The server made a mistake; its operator can find it by the request id.")
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.name(), self.detail)
    }
}

impl std::error::Error for Error {}
