//! In which words these endpoints refuse: those of the old system where it had some.

use chat::{Error, ErrorCode};

/// A text that is longer than these endpoints allow.
pub(super) const TOO_LONG: &str = "message too long";
/// A text that says nothing.
pub(super) const EMPTY: &str = "message is empty";
/// The refusal of what cannot be the id of a conversation.
pub(super) const NO_CONVERSATION_ID: &str = "invalid conversation ID";

/// Things that may turn out not to be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Missing {
    Conversation,
    Message,
    User,
}

impl Missing {
    /// That it is not there, or not the speaker's to see.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Conversation => "conversation not found",
            Self::Message => "message not found",
            Self::User => "user not found",
        }
    }

    /// The refusal, with these words if it is that there is no such thing.
    pub(super) fn name(self, error: Error) -> Error {
        if error.code == ErrorCode::NotFound { Error { detail: self.words().into(), ..error } } else { error }
    }
}

/// The words of a refusal.
pub(super) fn of(error: &Error) -> String {
    match error.code {
        ErrorCode::Malformed => "invalid message format".into(),
        ErrorCode::TooSlow => "request timeout".into(),
        ErrorCode::UpgradeRequired => "websocket upgrade required".into(),
        ErrorCode::Invalid if error.field.as_deref() == Some("/conversation_id") => NO_CONVERSATION_ID.into(),
        // The detail of an invalid field names it; that of a missing thing was given by [`Missing::name`].
        ErrorCode::Invalid | ErrorCode::NotFound => error.detail.clone(),
        ErrorCode::UnknownCommand => "unknown message type".into(),
        ErrorCode::MethodNotAllowed => "method not allowed".into(),
        ErrorCode::TooLarge => TOO_LONG.into(),
        ErrorCode::UnsupportedType | ErrorCode::RangeNotSatisfiable | ErrorCode::ChecksumMismatch => {
            "file not accepted".into()
        }
        ErrorCode::Locked => "it is in use; try again".into(),
        ErrorCode::UnsupportedVersion => "version not supported".into(),
        ErrorCode::FileInfected => "the file is infected".into(),
        ErrorCode::Unauthenticated => "missing or invalid token".into(),
        ErrorCode::BadCredentials => "invalid token".into(),
        ErrorCode::Forbidden | ErrorCode::NotAccepting => "access denied".into(),
        ErrorCode::ForbiddenOrigin => "origin not allowed".into(),
        ErrorCode::Conflict | ErrorCode::IdempotencyMismatch => "it conflicts with what is there".into(),
        ErrorCode::RateLimited => "rate limited".into(),
        ErrorCode::ConfirmationNeeded | ErrorCode::LimitReached => "a limit is reached".into(),
        ErrorCode::Unavailable | ErrorCode::StorageFull => "service unavailable".into(),
        ErrorCode::OutcomeUnknown => "it is not known whether this was stored".into(),
        ErrorCode::NotImplemented => "not supported".into(),
        ErrorCode::Internal => "internal error".into(),
    }
}

/// The words for a frame that could not be understood.
pub(super) fn of_misunderstood(error: &Error) -> String {
    match error.field.as_deref() {
        Some("/conversation_id") | None => of(error),
        Some(_) => format!("invalid message format: {}", error.detail),
    }
}
