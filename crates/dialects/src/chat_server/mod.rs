//! The chat_server dialect.

pub mod decode;
pub mod encode;
