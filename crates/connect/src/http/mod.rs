//! Strict HTTP/1.1 (RFC 9112) in front of hyper. Hyper accepts input in which two parsers can see different requests
//! (lines that end in a bare LF, a length together with a transfer coding, no host or two).
//!
//! [`head`] checks one head, [`framing`] finds where heads and bodies begin and end, both without I/O; [`wire`] reads a
//! connection through them and passes on to hyper what they accept.

pub(crate) mod framing;
pub(crate) mod head;
pub(crate) mod wire;
