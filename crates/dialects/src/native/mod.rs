//! The native dialect.

pub mod decode;
pub mod encode;
