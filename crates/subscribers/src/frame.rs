//! WebSocket frames (RFC 6455 section 5), without I/O.
//!
//! Ours rather than a library's for two reasons, both measured in `docs/benchmarks/`: a whole batch is
//! framed once and the same bytes go to every socket, and an idle connection owns no buffer (the reader
//! borrows one and keeps only an unfinished frame).

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opcode {
    /// A later part of a message.
    Continuation,
    /// Text, or its first part.
    Text,
    /// Bytes, or their first part.
    Binary,
    /// Good-bye.
    Close,
    /// Are you there?
    Ping,
    /// I am.
    Pong,
}

/// A frame from a client, unmasked.
#[derive(Debug, PartialEq, Eq)]
pub struct Frame {
    /// Whether it ends its message.
    pub fin: bool,
    /// What it is.
    pub opcode: Opcode,
    /// Its content.
    pub payload: Vec<u8>,
}

/// What the bytes at hand are.
#[derive(Debug, PartialEq, Eq)]
pub enum Parsed {
    /// The beginning of a frame; more must come.
    Incomplete,
    /// A frame of so many bytes in all.
    Frame(Frame, usize),
    /// A data frame larger than the limit. It is skipped, and the connection lives.
    TooLarge {
        /// Whether it ends its message.
        fin: bool,
        /// What it is.
        opcode: Opcode,
        /// The bytes of its header, which have come.
        header: usize,
        /// The bytes of its payload.
        length: u64,
        /// With what that is masked.
        mask: Mask,
    },
    /// Not a frame that a client may send.
    Invalid(&'static str),
}

/// A frame's mask, at the place of the payload's next byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mask {
    key: [u8; 4],
    at: usize,
}

impl Mask {
    /// The payload's next bytes as they were meant; those after them are at their place then.
    pub fn take_off(&mut self, masked: &[u8]) -> Vec<u8> {
        let bytes = masked.iter().zip(self.key.iter().cycle().skip(self.at)).map(|(byte, key)| byte ^ key).collect();
        self.at = (self.at + masked.len()) % self.key.len();
        bytes
    }
}

/// The longest payload of a control frame.
pub const CONTROL_LENGTH: usize = 125;

/// Reads the frame at the beginning of `bytes`; payloads may have at most `most` bytes.
#[must_use]
pub fn parse(bytes: &[u8], most: usize) -> Parsed {
    let [first, second, rest @ ..] = bytes else { return Parsed::Incomplete };
    if first & 0x70 != 0 {
        return Parsed::Invalid("reserved bits are set, but no extension was agreed");
    }
    let Some(opcode) = opcode(first & 0x0f) else { return Parsed::Invalid("unknown opcode") };
    let fin = first & 0x80 != 0;
    if second & 0x80 == 0 {
        return Parsed::Invalid("a client's frames must be masked");
    }
    let short = u64::from(second & 0x7f);
    let control = matches!(opcode, Opcode::Close | Opcode::Ping | Opcode::Pong);
    if control && (!fin || short > CONTROL_LENGTH as u64) {
        return Parsed::Invalid("control frames must be whole and short");
    }
    let (length, rest) = match (short, rest) {
        (126, [a, b, rest @ ..]) => (u64::from(u16::from_be_bytes([*a, *b])), rest),
        (127, [a, b, c, d, e, f, g, h, rest @ ..]) => (u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]), rest),
        (126 | 127, _) => return Parsed::Incomplete,
        (short, rest) => (short, rest),
    };
    if length > i64::MAX as u64 {
        return Parsed::Invalid("the length is not a length");
    }
    if (short == 126 && length < 126) || (short == 127 && length <= 0xffff) {
        return Parsed::Invalid("the length is not written in the fewest bytes");
    }
    let header = bytes.len() - rest.len() + 4;
    let Some((key, rest)) = rest.split_first_chunk::<4>() else { return Parsed::Incomplete };
    if length > most as u64 {
        return Parsed::TooLarge { fin, opcode, header, length, mask: Mask { key: *key, at: 0 } };
    }
    let length = length as usize;
    let Some(masked) = rest.get(..length) else { return Parsed::Incomplete };
    let mut payload = masked.to_vec();
    unmask(&mut payload, *key);
    Parsed::Frame(Frame { fin, opcode, payload }, header + length)
}

/// What has come of the payload of a frame for which [`parse`] says [`Parsed::Incomplete`], unmasked from byte `from`
/// on: so that a text that is none is known before its end has come.
#[must_use]
pub fn begun(bytes: &[u8], from: usize) -> Option<(Opcode, Vec<u8>)> {
    let [first, second, ..] = bytes else { return None };
    let header = match second & 0x7f {
        126 => 8,
        127 => 14,
        _ => 6,
    };
    let key = *bytes.get(header - 4..header)?.first_chunk::<4>()?;
    let fresh = bytes.get(header + from..)?;
    Some((opcode(first & 0x0f)?, Mask { key, at: from % key.len() }.take_off(fresh)))
}

fn unmask(payload: &mut [u8], key: [u8; 4]) {
    // Eight bytes at a time; the rest one by one.
    let wide = u64::from_ne_bytes([key[0], key[1], key[2], key[3], key[0], key[1], key[2], key[3]]);
    let (words, rest) = payload.as_chunks_mut::<8>();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ wide).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(key.iter().cycle()) {
        *byte ^= key;
    }
}

fn opcode(bits: u8) -> Option<Opcode> {
    Some(match bits {
        0x0 => Opcode::Continuation,
        0x1 => Opcode::Text,
        0x2 => Opcode::Binary,
        0x8 => Opcode::Close,
        0x9 => Opcode::Ping,
        0xa => Opcode::Pong,
        _ => return None,
    })
}

/// Appends a whole, unmasked frame, as a server sends it.
pub fn write(out: &mut Vec<u8>, opcode: Opcode, payload: &[u8]) {
    let bits = match opcode {
        Opcode::Continuation => 0x0,
        Opcode::Text => 0x1,
        Opcode::Binary => 0x2,
        Opcode::Close => 0x8,
        Opcode::Ping => 0x9,
        Opcode::Pong => 0xa,
    };
    out.push(0x80 | bits);
    match payload.len() {
        length @ 0..=125 => out.push(length as u8),
        length @ 126..=0xffff => {
            out.push(126);
            out.extend_from_slice(&(length as u16).to_be_bytes());
        }
        length => {
            out.push(127);
            out.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(payload);
}

/// A text frame of its own.
#[must_use]
pub fn text(payload: &str) -> bytes::Bytes {
    let mut out = Vec::with_capacity(payload.len() + 10);
    write(&mut out, Opcode::Text, payload.as_bytes());
    out.into()
}

/// A close frame of its own.
#[must_use]
pub fn close(code: u16, reason: &str) -> bytes::Bytes {
    let mut payload = code.to_be_bytes().to_vec();
    // A reason longer than a control frame may hold would be ours to shorten; none is.
    payload.extend(reason.as_bytes().iter().take(CONTROL_LENGTH - 2));
    let mut out = Vec::with_capacity(payload.len() + 2);
    write(&mut out, Opcode::Close, &payload);
    out.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(fin: bool, opcode: u8, payload: &[u8]) -> Vec<u8> {
        let key = [1, 2, 3, 250];
        let mut out = vec![if fin { 0x80 | opcode } else { opcode }];
        match payload.len() {
            n @ 0..=125 => out.push(0x80 | n as u8),
            n @ 126..=0xffff => {
                out.push(0x80 | 126);
                out.extend_from_slice(&(n as u16).to_be_bytes());
            }
            n => {
                out.push(0x80 | 127);
                out.extend_from_slice(&(n as u64).to_be_bytes());
            }
        }
        out.extend_from_slice(&key);
        out.extend(payload.iter().zip(key.iter().cycle()).map(|(b, k)| b ^ k));
        out
    }

    #[test]
    fn frames_of_every_length_form_are_read_and_never_before_their_last_byte() {
        for length in [0, 1, 7, 8, 125, 126, 127, 4_096, 65_535, 65_536, 70_000] {
            let payload: Vec<u8> = (0..length).map(|i| i as u8).collect();
            let bytes = masked(true, 1, &payload);
            for cut in [0, 1, 2, 5, bytes.len() - 1] {
                assert_eq!(parse(&bytes[..cut.min(bytes.len() - 1)], 100_000), Parsed::Incomplete);
            }
            let frame = Frame { fin: true, opcode: Opcode::Text, payload };
            assert_eq!(parse(&bytes, 100_000), Parsed::Frame(frame, bytes.len()));
        }
    }

    #[test]
    fn what_no_client_may_send_is_invalid() {
        let unmasked = [0x81, 0x01, b'a'];
        let reserved = [0xc1, 0x80, 0, 0, 0, 0];
        let unknown = [0x83, 0x80, 0, 0, 0, 0];
        let broken_ping = [0x09, 0x80, 0, 0, 0, 0];
        let long_ping = [0x89, 0xfe, 0, 126, 0, 0, 0, 0];
        let negative = [0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        let long_form = [0x81, 0xfe, 0, 125, 0, 0, 0, 0];
        let longest_form = [0x81, 0xff, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0];
        for bytes in
            [&unmasked[..], &reserved, &unknown, &broken_ping, &long_ping, &negative, &long_form, &longest_form]
        {
            assert!(matches!(parse(bytes, 100), Parsed::Invalid(_)), "{bytes:?}");
        }
    }

    #[test]
    fn a_frame_over_the_limit_is_named_before_its_payload_has_come() {
        let bytes = masked(true, 1, &[0; 101]);
        let mask = Mask { key: [1, 2, 3, 250], at: 0 };
        let named = Parsed::TooLarge { fin: true, opcode: Opcode::Text, header: 6, length: 101, mask };
        assert_eq!(parse(&bytes[..6], 100), named);
        let whole_memory = [0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0];
        assert!(matches!(parse(&whole_memory, 100), Parsed::TooLarge { .. }));
    }

    #[test]
    fn a_mask_is_taken_off_piece_by_piece() {
        let payload = b"twelve bytes";
        let bytes = masked(true, 1, payload);
        let Parsed::TooLarge { header, mask, .. } = parse(&bytes, 5) else { panic!("it is too large") };
        for size in 1..=payload.len() {
            let mut mask = mask;
            let pieces: Vec<u8> = bytes[header..].chunks(size).flat_map(|piece| mask.take_off(piece)).collect();
            assert_eq!(pieces, payload, "{size}");
        }
    }

    #[test]
    fn a_payload_is_seen_as_it_comes() {
        for length in [5, 200, 70_000] {
            let payload: Vec<u8> = (0..length).map(|i| i as u8).collect();
            let bytes = masked(false, 1, &payload);
            let header = bytes.len() - payload.len();
            assert_eq!(begun(&bytes[..header - 1], 0), None);
            for from in [0, 1, 3, 4] {
                let seen = begun(&bytes[..header + 5], from);
                assert_eq!(seen, Some((Opcode::Text, payload[from..5].to_vec())), "{length} {from}");
            }
        }
    }

    #[test]
    fn a_close_frame_holds_every_goodbye_whole() {
        use crate::CloseReason;
        for close_reason in
            [CloseReason::Restart(u32::MAX), CloseReason::RateLimited(u32::MAX), CloseReason::TooManyConnections]
        {
            assert!(close_reason.reason().len() <= CONTROL_LENGTH - 2, "{close_reason:?}");
        }
    }
}
