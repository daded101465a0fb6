//! The server as people use it: one file per noun. After whatever anybody does here, `testkit` checks for
//! everybody that the old snapshot and the events they heard make what a fresh reading shows.
//!
//! On SQLite; on PostgreSQL when `PALABRE_TEST_POSTGRES` names one. `cargo xtask check` runs both.

mod accounts;
mod answers;
mod autobahn;
mod avatars;
mod below;
mod chat_server;
mod conversations;
mod crowd;
mod dawdlers;
mod drafts;
mod dreametrix;
mod emoji;
mod endpoints;
mod files;
mod forms;
mod hostile;
mod http;
mod identities;
mod inbox;
mod limits;
mod listing;
mod markers;
mod matcha;
mod members;
mod mentions;
mod messages;
mod names;
mod nodes;
mod notifications;
mod ops;
mod policies;
mod presence;
mod previews;
mod proxies;
mod push_devices;
mod reactions;
mod reminders;
mod rest;
mod resume;
mod saved;
mod search;
mod sessions;
mod statistics;
mod threads;
mod together;
mod turnover;
mod typing;
mod uploads;
mod user_groups;
mod versions;
mod web;
