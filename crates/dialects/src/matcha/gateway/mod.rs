//! The gateway's socket: channels to subscribe to, and chat over them.

pub mod decode;
pub mod encode;
