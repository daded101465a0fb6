//! HTTP/1.1 by the letter (RFC 9112), in front of hyper: hyper forgives what makes two readers of the same bytes see
//! different requests (lines that end in a bare LF, a length beside a coding, no host or two).
//!
//! [`head`] judges one head, [`framing`] finds where heads and bodies begin and end, both without I/O; [`wire`] reads a
//! connection through them and hands on to hyper what they have let pass.

pub(crate) mod framing;
pub(crate) mod head;
pub(crate) mod wire;
