//! Changes of an account: the query, and the form in which they are shown.

use chat::reply;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::{encode, fields::Integer};

/// A number of the account.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SyncAccount {
    /// The last `account_seq` that the client has applied.
    pub(super) since: Integer,
}

/// The changes that take a client from one number of its own account to another.
#[derive(Serialize, ToSchema)]
pub struct AccountChanges {
    /// The number that the client had.
    from: i64,
    /// The number that it has after applying these.
    to: i64,
    /// True if there was too much, or the number is not of this history: forget what is known of the account, read it
    /// anew, and go on from `to`.
    reset: bool,
    /// True if there is more: ask again with `since: to`.
    more: bool,
    /// Events as they are told live, one for each thing that has changed, in the order of their `account_seq`.
    #[schema(value_type = Vec<Object>)]
    events: Vec<Box<RawValue>>,
}

impl From<&reply::AccountChanges> for AccountChanges {
    fn from(changes: &reply::AccountChanges) -> Self {
        let frame = |event| RawValue::from_string(encode::account(event)).ok();
        Self {
            from: changes.from.0,
            to: changes.to.0,
            reset: changes.reset,
            more: changes.more,
            events: changes.events.iter().filter_map(frame).collect(),
        }
    }
}
