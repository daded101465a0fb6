//! The first old door: the protocol of the chat-server and of the REST back end beside it, as their own
//! clients speak them. `quirks.md` lists what the old system does without saying so, and what we do.

pub mod decode;
pub mod encode;
mod frames;
pub mod rest;
mod steps;
