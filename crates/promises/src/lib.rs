//! The common part of all judges: the [promises](Rule) by their names, and the [state](Known) of a conversation and of
//! an [account](KnownAccount) that a client must have after what it was sent.
//!
//! The simulation sees facts in the program's types, the towns of `testkit` see the protocol's objects, the checker and
//! `chaos` see recorded histories. Each of these is a [`Form`]; the reducer is the same for all, so that no judge is
//! milder than another.

mod account;
mod known;
mod rule;

pub use account::{AccountChange, AccountForm, KnownAccount, push_device_name, saved_name};
pub use chat::{
    ConversationId, Number, PushDeviceId, ReminderId, UserGroupId, UserId,
    drafts::DraftKey,
    threads::{Following, ThreadKey},
};
pub use known::{Change, Facts, Form, Known, NoThreads, Nobody, Place};
pub use rule::{Rule, Violation};
