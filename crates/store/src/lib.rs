//! The database: SQL, migrations and the committing writer. Only this crate contains SQL.
//!
//! One SQL text serves both databases: `$1` parameters, 64-bit integers for ids and times, `RETURNING`,
//! `ON CONFLICT`, and whole batches as one JSON parameter. Read it in this order: [`db`] opens a
//! database, [`schema`] says whether its tables are this program's, [`unit`] is what one transaction collects, [`writer`] commits; then a file per noun.

#[macro_use]
mod sql;
#[macro_use]
mod aside;
#[macro_use]
pub mod names;
#[macro_use]
pub mod mentions;
#[macro_use]
pub mod notifications;
#[macro_use]
pub mod conversations;

pub mod account_changes;
pub mod damage;
pub mod db;
pub mod error;
mod faults;
pub mod followers;
pub mod heads;
pub mod health;
pub mod lock;
mod rows;
pub mod schema;
#[macro_use]
mod tables;
pub mod unit;
mod unreadable;
pub mod writer;

pub mod accounts;
pub mod appends;
pub mod avatars;
pub mod catch_up;
pub mod clock;
pub mod doctor;
pub mod drafts;
pub mod emoji;
pub mod files;
pub mod history;
pub mod identities;
pub mod inbox;
pub mod invalidations;
pub mod jobs;
pub mod listing;
pub mod markers;
pub mod members;
pub mod messages;
pub mod nodes;
pub mod policies;
pub mod previews;
pub mod push_devices;
pub mod reactions;
pub mod reminders;
#[cfg(feature = "rewind")]
mod rewind;
pub mod saved;
pub mod search;
pub mod sessions;
pub mod standby;
pub mod statistics;
pub mod threads;
pub mod transfer;
pub mod turns;
pub mod uploads;
pub mod user_groups;
pub mod versions;

pub use damage::Damage;
pub use db::{Conn, Db, Options};
pub use error::{Error, Result};
pub use history::Epoch;
pub use invalidations::Invalidation;
pub use schema::Schema;
pub use unit::{Committed, Unit};
pub use writer::{Append, NewMessage, Writer};

/// Every statement of the crate by name, for the test that prepares them all on both databases.
#[must_use]
pub fn statements() -> Vec<(&'static str, &'static str)> {
    [
        db::STATEMENTS,
        accounts::STATEMENTS,
        identities::STATEMENTS,
        sessions::STATEMENTS,
        conversations::STATEMENTS,
        names::STATEMENTS,
        names::people::STATEMENTS,
        names::rooms::STATEMENTS,
        heads::STATEMENTS,
        members::STATEMENTS,
        messages::STATEMENTS,
        appends::STATEMENTS,
        reactions::STATEMENTS,
        mentions::STATEMENTS,
        inbox::STATEMENTS,
        user_groups::STATEMENTS,
        versions::STATEMENTS,
        reminders::STATEMENTS,
        saved::STATEMENTS,
        push_devices::STATEMENTS,
        jobs::STATEMENTS,
        markers::STATEMENTS,
        notifications::STATEMENTS,
        policies::STATEMENTS,
        listing::STATEMENTS,
        statistics::STATEMENTS,
        catch_up::STATEMENTS,
        account_changes::STATEMENTS,
        drafts::STATEMENTS,
        files::STATEMENTS,
        files::thumbnails::STATEMENTS,
        uploads::STATEMENTS,
        avatars::STATEMENTS,
        emoji::STATEMENTS,
        threads::STATEMENTS,
        previews::STATEMENTS,
        followers::STATEMENTS,
        history::STATEMENTS,
        health::STATEMENTS,
        transfer::lifecycle::STATEMENTS,
        transfer::restore::STATEMENTS,
        nodes::STATEMENTS,
        invalidations::STATEMENTS,
    ]
    .concat()
}
