//! The gateway's socket: channels to subscribe to, and chat over them. `quirks.md` of the folder above is about both.

pub mod decode;
pub mod encode;
mod frames;
mod notifications;
