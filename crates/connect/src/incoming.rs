//! A client's bytes, made into messages (RFC 6455 sections 5 to 8), without I/O and without a clock.
//!
//! What the bytes mean does not depend on how the network has cut them, but for one thing: a text that is no UTF-8 is
//! found as early as its bytes show it, within a frame that has not ended too, and within one that is too large.

use std::collections::VecDeque;

use subscribers::{
    CloseReason,
    frame::{self, Frame, Mask, Opcode, Parsed},
};

/// Fragments of which one message may consist.
const FRAGMENTS: usize = 64;
/// Bytes by which a frame may exceed the limit and still be skipped; beyond it the connection ends.
const SKIPPED: u64 = 16 << 20;
/// The code of a close frame without one.
const NORMAL: u16 = 1000;

/// What a client said.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// A message of text.
    Text(String),
    /// A message of bytes.
    Binary,
    /// A message over the limit; what is left of it is skipped.
    TooLarge,
    /// A ping and its payload.
    Ping(Vec<u8>),
    /// A pong.
    Pong,
    /// The connection is to end: the client closes it in order, breaks the protocol, or has gone.
    End(CloseReason),
}

/// The bytes of one connection, on their way to messages.
#[derive(Debug)]
pub(crate) struct Incoming {
    /// Bytes that a message may have.
    most: usize,
    /// The beginning of a frame whose end has not come yet.
    unread: Vec<u8>,
    /// Bytes of that frame's payload that have been found to be text.
    seen: usize,
    /// A frame that was too large, whose end has not come yet.
    skip: Option<Skip>,
    /// The message whose last fragment has not come yet.
    message: Option<Message>,
    /// The text of the unfinished message or frame, as far as it is looked at.
    utf8: Utf8,
    ended: bool,
}

/// The fragments of a message whose last one has not come yet.
#[derive(Debug)]
struct Message {
    opcode: Opcode,
    bytes: Vec<u8>,
    fragments: usize,
    /// Whether it was refused as too large, so that its rest need only be text, if it is one.
    refused: bool,
}

/// A frame that is too large, and passed over.
#[derive(Debug)]
struct Skip {
    /// Bytes of its payload that are still to come.
    left: u64,
    mask: Mask,
    /// Whether it is of a text, which must be one all the same.
    is_text: bool,
    /// Whether its message ends with it.
    ends: bool,
}

impl Incoming {
    pub(crate) fn new(most: usize) -> Self {
        Self { most, unread: Vec::new(), seen: 0, skip: None, message: None, utf8: Utf8::default(), ended: false }
    }

    /// Whether the client has begun something that it has not ended.
    pub(crate) fn is_unfinished(&self) -> bool {
        !self.ended && (!self.unread.is_empty() || self.skip.is_some() || self.message.is_some())
    }

    /// Takes bytes as they came, and adds to `heard` what they complete. True if something ended with them, so that
    /// what is unfinished now has begun with them. After an end nothing more is heard.
    pub(crate) fn take(&mut self, fresh: &[u8], heard: &mut VecDeque<Heard>) -> bool {
        if self.unread.is_empty() {
            return self.take_frames(fresh, heard);
        }
        let mut bytes = std::mem::take(&mut self.unread);
        bytes.extend_from_slice(fresh);
        self.take_frames(&bytes, heard)
    }

    fn take_frames(&mut self, bytes: &[u8], heard: &mut VecDeque<Heard>) -> bool {
        let mut rest = bytes;
        let mut something_ended = false;
        while !self.ended && !rest.is_empty() {
            if let Some(skip) = self.skip.take() {
                let skipped = usize::try_from(skip.left).unwrap_or(usize::MAX).min(rest.len());
                heard.extend(self.pass_over(skip, rest.get(..skipped).unwrap_or_default()));
                rest = rest.get(skipped..).unwrap_or_default();
                continue;
            }
            match frame::parse(rest, self.most) {
                Parsed::Frame(frame, length) => {
                    heard.extend(self.take_frame(frame));
                    rest = rest.get(length..).unwrap_or_default();
                }
                Parsed::TooLarge { fin, opcode, header, length, mask } => {
                    let is_text = self.is_of_text(opcode);
                    heard.extend(self.skip_frame(fin, opcode, Skip { left: length, mask, is_text, ends: fin }));
                    rest = rest.get(header..).unwrap_or_default();
                }
                Parsed::Incomplete => {
                    self.unread = rest.to_vec();
                    heard.extend(self.look_ahead());
                    break;
                }
                Parsed::Invalid(why) => heard.push_back(self.fail(why)),
            }
            something_ended |= self.message.is_none();
        }
        something_ended
    }

    fn take_frame(&mut self, frame: Frame) -> Option<Heard> {
        let Frame { fin, opcode, payload } = frame;
        match (opcode, self.message.is_some()) {
            (Opcode::Ping, _) => Some(Heard::Ping(payload)),
            (Opcode::Pong, _) => Some(Heard::Pong),
            (Opcode::Close, _) => Some(self.close(&payload)),
            (Opcode::Continuation, false) => Some(self.fail("a continuation of nothing")),
            (Opcode::Text | Opcode::Binary, true) => Some(self.fail("a message within a message")),
            (Opcode::Text, false) if !self.is_text(&payload, fin) => Some(self.not_text()),
            (Opcode::Text | Opcode::Binary, false) if fin => self.end_message(opcode, payload),
            (Opcode::Text | Opcode::Binary, false) => {
                self.message = Some(Message { opcode, bytes: payload, fragments: 1, refused: false });
                None
            }
            (Opcode::Continuation, true) => self.take_fragment(fin, &payload),
        }
    }

    fn take_fragment(&mut self, fin: bool, payload: &[u8]) -> Option<Heard> {
        let mut message = self.message.take()?;
        message.fragments += 1;
        if message.fragments > FRAGMENTS {
            return Some(self.end(CloseReason::ProtocolViolation));
        }
        if message.opcode == Opcode::Text && !self.is_text(payload, fin) {
            return Some(self.not_text());
        }
        if message.refused {
            self.message = (!fin).then_some(message);
            return None;
        }
        if message.bytes.len() + payload.len() > self.most {
            return self.refuse(fin, message);
        }
        message.bytes.extend_from_slice(payload);
        if fin {
            return self.end_message(message.opcode, message.bytes);
        }
        self.message = Some(message);
        None
    }

    fn end_message(&mut self, opcode: Opcode, bytes: Vec<u8>) -> Option<Heard> {
        if opcode == Opcode::Binary {
            return Some(Heard::Binary);
        }
        match String::from_utf8(bytes) {
            Ok(text) => Some(Heard::Text(text)),
            Err(_) => Some(self.not_text()),
        }
    }

    /// Goes over a frame that is too large, whose place must be right all the same.
    fn skip_frame(&mut self, fin: bool, opcode: Opcode, skip: Skip) -> Option<Heard> {
        if skip.left > self.most as u64 + SKIPPED {
            return Some(self.end(CloseReason::ProtocolViolation));
        }
        self.skip = Some(skip);
        match (opcode, self.message.take()) {
            (Opcode::Continuation, None) => Some(self.fail("a continuation of nothing")),
            (Opcode::Continuation, Some(mut message)) => {
                message.fragments += 1;
                if message.refused {
                    self.message = (!fin).then_some(message);
                    return None;
                }
                self.refuse(fin, message)
            }
            (_, Some(_)) => Some(self.fail("a message within a message")),
            (_, None) => self.refuse(fin, Message { opcode, bytes: Vec::new(), fragments: 1, refused: true }),
        }
    }

    fn refuse(&mut self, fin: bool, message: Message) -> Option<Heard> {
        self.message = (!fin).then_some(Message { bytes: Vec::new(), refused: true, ..message });
        Some(Heard::TooLarge)
    }

    /// Passes over what has come of a frame that is too large. That it is refused does not make a text of it.
    fn pass_over(&mut self, mut skip: Skip, masked: &[u8]) -> Option<Heard> {
        skip.left -= masked.len() as u64;
        let (is_over, is_text) = (skip.left == 0, skip.is_text);
        if is_text && !self.is_text(&skip.mask.take_off(masked), is_over && skip.ends) {
            return Some(self.not_text());
        }
        self.skip = (!is_over).then_some(skip);
        None
    }

    /// Looks at what has come of an unfinished frame: a text that is none need not be waited for.
    fn look_ahead(&mut self) -> Option<Heard> {
        let (opcode, fresh) = frame::begun(&self.unread, self.seen)?;
        if !self.is_of_text(opcode) {
            return None;
        }
        self.seen += fresh.len();
        (!self.utf8.goes_on_with(&fresh)).then(|| self.not_text())
    }

    /// Whether the next frame, which is this, is a text or goes on with one.
    fn is_of_text(&self, opcode: Opcode) -> bool {
        match (opcode, &self.message) {
            (Opcode::Text, None) => true,
            (Opcode::Continuation, Some(message)) => message.opcode == Opcode::Text,
            _ => false,
        }
    }

    /// Whether a text's frame is text, which may have been looked at in part.
    fn is_text(&mut self, payload: &[u8], ends: bool) -> bool {
        let seen = std::mem::take(&mut self.seen);
        let goes_on = self.utf8.goes_on_with(payload.get(seen..).unwrap_or_default());
        goes_on && (!ends || std::mem::take(&mut self.utf8).is_whole())
    }

    /// The client's close frame: answered with its code if it is a good one.
    fn close(&mut self, payload: &[u8]) -> Heard {
        match read_close(payload) {
            Some(code) => self.end(CloseReason::Closed(code)),
            None => self.fail("a close frame of the wrong form"),
        }
    }

    fn not_text(&mut self) -> Heard {
        self.end(CloseReason::NotText)
    }

    fn fail(&mut self, why: &'static str) -> Heard {
        tracing::debug!(why, "not WebSocket");
        self.end(CloseReason::ProtocolError)
    }

    fn end(&mut self, close_reason: CloseReason) -> Heard {
        self.ended = true;
        (self.unread, self.message, self.skip) = (Vec::new(), None, None);
        Heard::End(close_reason)
    }
}

/// The code of a close frame; nothing if the frame, its code or its reason is of the wrong form.
fn read_close(payload: &[u8]) -> Option<u16> {
    if payload.is_empty() {
        return Some(NORMAL);
    }
    let (code, reason) = payload.split_first_chunk()?;
    let code = u16::from_be_bytes(*code);
    // Those of the RFC, those that were registered since, and those that are anybody's.
    let is_good = matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999);
    (is_good && str::from_utf8(reason).is_ok()).then_some(code)
}

/// Whether bytes that come in pieces are UTF-8.
#[derive(Debug, Default)]
struct Utf8 {
    /// The beginning of a character, at most three bytes.
    begun: Vec<u8>,
}

impl Utf8 {
    /// Whether the text can go on with these bytes.
    fn goes_on_with(&mut self, bytes: &[u8]) -> bool {
        let joined;
        let bytes = if self.begun.is_empty() {
            bytes
        } else {
            joined = [&self.begun, bytes].concat();
            &joined
        };
        match str::from_utf8(bytes) {
            Ok(_) => self.begun = Vec::new(),
            Err(error) if error.error_len().is_none() => {
                self.begun = bytes.get(error.valid_up_to()..).unwrap_or_default().to_vec();
            }
            Err(_) => return false,
        }
        true
    }

    /// Whether the text may end here.
    fn is_whole(&self) -> bool {
        self.begun.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: u8 = 0x81;
    const MOST: usize = 100;

    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let key = [7, 3, 1, 9];
        let mut frame = vec![first];
        match u8::try_from(payload.len()) {
            Ok(length @ 0..=125) => frame.push(0x80 | length),
            _ => {
                frame.push(0xfe);
                frame.extend((payload.len() as u16).to_be_bytes());
            }
        }
        frame.extend(key);
        frame.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
        frame
    }

    fn hears(pieces: &[&[u8]]) -> Vec<Heard> {
        let mut incoming = Incoming::new(MOST);
        let mut heard = VecDeque::new();
        for piece in pieces {
            incoming.take(piece, &mut heard);
        }
        heard.into()
    }

    fn text(text: &str) -> Heard {
        Heard::Text(text.to_owned())
    }

    /// What a client may send, and what it must not: the bytes, and what is heard.
    fn cases() -> Vec<(Vec<u8>, Vec<Heard>)> {
        let ping = Heard::Ping(b"x".to_vec());
        let error = || Heard::End(CloseReason::ProtocolError);
        let closes = |code: u16, reason: &[u8]| frame(0x88, &[&code.to_be_bytes(), reason].concat());
        vec![
            (frame(TEXT, "é".as_bytes()), vec![text("é")]),
            (frame(TEXT, b""), vec![text("")]),
            ([frame(1, b"a"), frame(0x89, b"x"), frame(0, b"b"), frame(0x80, b"c")].concat(), vec![ping, text("abc")]),
            ([frame(1, &[0xc3]), frame(0x80, &[0xa9])].concat(), vec![text("é")]),
            ([frame(2, &[0xff]), frame(0x80, &[0xff]), frame(TEXT, b"a")].concat(), vec![Heard::Binary, text("a")]),
            (frame(TEXT, &[0xff]), vec![Heard::End(CloseReason::NotText)]),
            ([frame(1, b"a"), frame(0, &[0xc3]), frame(0, b"b")].concat(), vec![Heard::End(CloseReason::NotText)]),
            ([frame(1, &[0xc3]), frame(0x80, b"")].concat(), vec![Heard::End(CloseReason::NotText)]),
            ([frame(0x80, b"a"), frame(TEXT, b"b")].concat(), vec![error()]),
            ([frame(1, b"a"), frame(TEXT, b"b")].concat(), vec![error()]),
            ([frame(1, b"a"), frame(0x82, &[1; 150])].concat(), vec![error()]),
            (frame(0x80, &[1; 150]), vec![error()]),
            ([frame(TEXT, &[b'a'; 101]), frame(TEXT, b"b")].concat(), vec![Heard::TooLarge, text("b")]),
            (
                [frame(1, &[b'a'; 60]), frame(0, &[b'a'; 60]), frame(0, b"b"), frame(0x80, b"c"), frame(TEXT, b"d")]
                    .concat(),
                vec![Heard::TooLarge, text("d")],
            ),
            (
                [frame(1, &[b'a'; 150]), frame(0, &[b'a'; 150]), frame(0x80, b"c"), frame(TEXT, b"d")].concat(),
                vec![Heard::TooLarge, text("d")],
            ),
            (
                [frame(TEXT, "é".repeat(60).as_bytes()), frame(2, &[0xff; 101]), frame(0x80, &[0xff; 101])].concat(),
                vec![Heard::TooLarge, Heard::TooLarge],
            ),
            ([frame(1, &[b'a'; 101]), frame(0, &[0xc3]), frame(0x80, &[0xa9])].concat(), vec![Heard::TooLarge]),
            ([frame(0x88, b""), frame(TEXT, b"a")].concat(), vec![Heard::End(CloseReason::Closed(1000))]),
            (closes(4999, "é".as_bytes()), vec![Heard::End(CloseReason::Closed(4999))]),
            (closes(1005, b""), vec![error()]),
            (closes(1000, &[0xff]), vec![error()]),
            (frame(0x88, &[3]), vec![error()]),
            (
                [frame(1, b"a"), (0..64).flat_map(|_| frame(0, b"")).collect()].concat(),
                vec![Heard::End(CloseReason::ProtocolViolation)],
            ),
        ]
    }

    #[test]
    fn what_is_heard_does_not_depend_on_how_the_bytes_are_cut() {
        for (bytes, heard) in cases() {
            assert_eq!(hears(&[&bytes]), heard, "{bytes:x?}");
            let crumbs: Vec<&[u8]> = bytes.chunks(1).collect();
            assert_eq!(hears(&crumbs), heard, "{bytes:x?}");
            for cut in 1..bytes.len() {
                assert_eq!(hears(&[&bytes[..cut], &bytes[cut..]]), heard, "{bytes:x?} cut at {cut}");
            }
        }
    }

    #[test]
    fn a_text_that_is_none_is_not_waited_for() {
        let bytes = frame(TEXT, &[&[b'a'; 50][..], &[0xf4, 0x90], &[b'a'; 40]].concat());
        assert_eq!(hears(&[&bytes[..57]]), [], "it may become a character");
        assert_eq!(hears(&[&bytes[..20], &bytes[20..57], &bytes[57..58]]), [Heard::End(CloseReason::NotText)]);
    }

    #[test]
    fn a_text_that_is_none_is_no_better_for_being_too_large() {
        let long = [b'a'; 101];
        let with = |end: &[u8]| [&long[..], end].concat();
        for frames in [
            vec![frame(TEXT, &with(&[0xff]))],
            vec![frame(TEXT, &with(&[0xc3]))],
            vec![frame(1, &with(&[0xc3])), frame(0x80, b"a")],
            vec![frame(1, &with(&[0xc3])), frame(0x80, &long)],
            vec![frame(1, &with(&[0xc3])), frame(0x80, b"")],
            vec![frame(1, &long), frame(0x80, &[0xff])],
            vec![frame(1, &long), frame(0x89, b""), frame(0, &with(&[0xff])), frame(0x80, b"")],
            vec![frame(1, &[b'a', 0xc3]), frame(0x80, &long)],
            vec![frame(1, &long[..60]), frame(0, &long[..60]), frame(0x80, &[0xff])],
        ] {
            let bytes = [frames.concat(), frame(TEXT, b"b")].concat();
            for size in [1, 7, bytes.len()] {
                let mut heard = hears(&bytes.chunks(size).collect::<Vec<_>>());
                heard.retain(|heard| !matches!(heard, Heard::Ping(_)));
                assert_eq!(heard, [Heard::TooLarge, Heard::End(CloseReason::NotText)], "{frames:x?} by {size}");
            }
        }
        let ends = frame(TEXT, &[&[0xff][..], &long].concat());
        assert_eq!(hears(&[&ends[..6]]), [Heard::TooLarge]);
        assert_eq!(hears(&[&ends[..7]]), [Heard::TooLarge, Heard::End(CloseReason::NotText)], "it is not waited for");
    }

    #[test]
    fn a_frame_that_is_far_too_large_is_not_skipped() {
        let head = |length: u64| [&[0x82, 0xff][..], &length.to_be_bytes(), &[0; 4]].concat();
        assert_eq!(hears(&[&head(SKIPPED + 100)]), [Heard::TooLarge]);
        assert_eq!(hears(&[&head(SKIPPED + 101)]), [Heard::End(CloseReason::ProtocolViolation)]);
    }

    #[test]
    fn one_knows_whether_a_client_has_something_to_finish() {
        let mut incoming = Incoming::new(MOST);
        let mut take = |bytes: &[u8]| (incoming.take(bytes, &mut VecDeque::new()), incoming.is_unfinished());
        assert_eq!(take(&frame(TEXT, b"a")), (true, false));
        assert_eq!(take(&frame(TEXT, b"a")[..4]), (false, true));
        assert_eq!(take(&frame(TEXT, b"a")[4..]), (true, false));
        assert_eq!(take(&frame(1, b"a")), (false, true));
        assert_eq!(take(&frame(0x89, b"a")), (false, true), "a ping between fragments ends nothing");
        assert_eq!(take(&[frame(0x80, b"a"), frame(1, b"b")].concat()), (true, true));
        assert_eq!(take(&frame(0x80, &[0; 200])[..50]), (true, true), "what is skipped has begun anew");
        assert_eq!(take(&frame(0x80, &[0; 200])[50..]), (false, false));
    }
}
