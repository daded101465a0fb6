//! The first old door: the chat-server's protocol, as its own clients speak it.

pub mod decode;
pub mod encode;
