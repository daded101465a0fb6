//! What all judges share: the [promises](Rule) by their names, and what a client [knows](Known) of a
//! conversation and of its [account](KnownAccount) after what it was told.
//!
//! The simulation sees facts as the program has them, the towns of `testkit` objects as the protocol has them, its
//! checker and `chaos` what they have noted down. Each is a [`Form`]; the reducer is one, so that no judge can be
//! milder than another.

mod account;
mod known;
mod rule;

pub use account::{AccountChange, AccountForm, KnownAccount};
pub use chat::{ConversationId, Number, ReminderId, UserId, drafts::DraftKey};
pub use known::{Change, Facts, Form, Known, Nobody, Place};
pub use rule::{Rule, Violation};
