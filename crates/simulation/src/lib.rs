//! A world of its own: several nodes, one database, Redis, clients and everything that breaks, driven by one seed.
//!
//! Time is virtual and nothing sleeps; the same seed gives the same world, line by line. The parts that decide about
//! order and memory are the real code: the numbers, client ids and memberships of `store` and `engine` on a real SQLite
//! file, the order of events by [`stream::gaps`], the messages between nodes by [`stream::wire`]. The nodes around them
//! are models of `subscribers/src/hub.rs`, which runs as a task of its own and cannot be driven step by step.
//!
//! Read it in this order: [`world`], `agenda`, `writes`, `telling`, `account`, `reading`, `node`, `redis`, `client`,
//! `own_account`, `judge`. `failover` is a world of another kind: one in which the database goes back.

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
