//! A world of its own: several nodes, one database, Redis, clients and everything that breaks, driven by one seed.
//!
//! Time is virtual and nobody sleeps; the same seed gives the same world, line by line. What decides about order and
//! memory is the real code: the numbers, client ids and memberships of `store` and `engine` on a real SQLite file, the
//! order of events by [`stream::gaps`], what nodes tell each other by [`stream::wire`]. The nodes around them are models
//! in the shape of `subscribers/src/hub.rs`, which a task of its own runs and which cannot be driven step by step.
//!
//! Read it in this order: [`world`], `agenda`, `writes`, `telling`, `account`, `reading`, `node`, `redis`, `client`, `own_account`, `judge`. `failover` is a world
//! of another kind: one in which the database goes back.

mod account;
mod agenda;
mod client;
mod database;
mod dice;
mod failover;
mod fault;
mod judge;
mod node;
mod own_account;
mod reading;
mod redis;
mod sequence;
mod telling;
mod trace;
mod troubles;
mod verdict;
mod world;
mod writes;

pub use database::Database;
pub use failover::{Failovers, Slip, go_back};
pub use fault::Fault;
pub use promises::{Rule, Violation};
pub use world::{Figures, Outcome, Plan, run};
