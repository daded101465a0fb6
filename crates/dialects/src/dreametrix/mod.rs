//! The school messenger's door: the protocol of Dreametrix' document and of the web client that was made for it.
//! `quirks.md` lists what the old system does without saying so, and what we do.

pub mod decode;
pub mod encode;
mod fields;
mod frames;
#[cfg(test)]
mod hostile;
mod ids;
mod messages;
mod pages;
pub mod rest;
mod rooms;
mod steps;
mod views;

/// The cookie in which a browser keeps its session.
pub const COOKIE: &str = "sessionid";
