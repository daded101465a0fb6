//! Reads of a frame what the load must know, without parsing it: a million frames pass here in a second.

use super::socket::find;

/// The kind of a frame.
#[derive(Debug, PartialEq, Eq)]
pub enum Frame<'a> {
    /// The answer to a command.
    Answer {
        /// Its type; `error` is a refusal.
        kind: &'a [u8],
    },
    /// Something that happened in a conversation.
    Event {
        /// Its type.
        kind: &'a [u8],
        /// Where.
        conversation: i64,
        /// Its number; absent for a signal.
        seq: Option<i64>,
    },
    /// Something else.
    Other,
}

/// Reads a frame's envelope.
#[must_use]
pub fn frame(text: &[u8]) -> Frame<'_> {
    quick(text).or_else(|| slow(text)).unwrap_or(Frame::Other)
}

/// The envelope in the order of fields in which it is commonly written.
fn quick(text: &[u8]) -> Option<Frame<'_>> {
    if let Some(rest) = text.strip_prefix(b"{\"re\":\"") {
        let rest = &rest[rest.iter().position(|byte| *byte == b'"')?..];
        let kind = string(rest.strip_prefix(b"\",\"type\":\"")?)?;
        return Some(Frame::Answer { kind });
    }
    let rest = text.strip_prefix(b"{\"type\":\"")?;
    let kind = string(rest)?;
    let rest = rest[kind.len()..].strip_prefix(b"\",\"conversation\":")?;
    let (conversation, rest) = digits(rest)?;
    let seq = rest.strip_prefix(b",\"seq\":").and_then(digits).map(|(seq, _)| seq);
    if seq.is_none() && !rest.starts_with(b",\"data\":") && !rest.starts_with(b"}") {
        return None;
    }
    Some(Frame::Event { kind, conversation, seq })
}

#[derive(serde::Deserialize)]
struct Envelope<'a> {
    re: Option<serde::de::IgnoredAny>,
    #[serde(rename = "type", borrow)]
    kind: &'a str,
    conversation: Option<i64>,
    seq: Option<i64>,
}

/// The envelope in any order.
fn slow(text: &[u8]) -> Option<Frame<'_>> {
    let envelope: Envelope<'_> = serde_json::from_slice(text).ok()?;
    let kind = envelope.kind.as_bytes();
    if envelope.re.is_some() || kind == b"error" {
        return Some(Frame::Answer { kind });
    }
    Some(Frame::Event { kind, conversation: envelope.conversation?, seq: envelope.seq })
}

/// The number after the first `"name":`.
#[must_use]
pub fn number(text: &[u8], name: &str) -> Option<i64> {
    let key = format!("\"{name}\":");
    let at = find(text, key.as_bytes())? + key.len();
    digits(&text[at..]).map(|(number, _)| number)
}

/// The due time, in microseconds, that a message of the load carries.
#[must_use]
pub fn due(text: &[u8]) -> Option<u64> {
    let at = find(text, b":\"~")? + 3;
    let (micros, _) = digits(&text[at..])?;
    u64::try_from(micros).ok()
}

/// How many messages of the load a frame carries.
#[must_use]
pub fn messages(text: &[u8]) -> u64 {
    text.iter().filter(|byte| **byte == b'~').count() as u64
}

fn string(text: &[u8]) -> Option<&[u8]> {
    text.iter().position(|byte| *byte == b'"').map(|end| &text[..end])
}

fn digits(text: &[u8]) -> Option<(i64, &[u8])> {
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    if end == 0 || end > 18 {
        return None;
    }
    let number = text[..end].iter().fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'));
    Some((number, &text[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn envelopes_are_read_in_any_order() {
        let event = Frame::Event { kind: b"message.created", conversation: 12, seq: Some(42) };
        for text in [
            r#"{"type":"message.created","conversation":12,"seq":42,"data":{"seq":1}}"#,
            r#"{"conversation":12,"seq":42,"type":"message.created","data":{"seq":1}}"#,
            r#"{ "data":{"seq":1,"type":"x"}, "seq":42, "conversation":12, "type":"message.created"}"#,
        ] {
            assert_eq!(frame(text.as_bytes()), event, "{text}");
        }
        let answer = Frame::Answer { kind: b"message.sent" };
        for text in [r#"{"re":"c7","type":"message.sent","data":{}}"#, r#"{"type":"message.sent","re":"c7"}"#] {
            assert_eq!(frame(text.as_bytes()), answer, "{text}");
        }
        assert_eq!(frame(br#"{"re":null,"type":"error","error":{}}"#), Frame::Answer { kind: b"error" });
        let signal = Frame::Event { kind: b"typing.started", conversation: 3, seq: None };
        assert_eq!(frame(br#"{"type":"typing.started","conversation":3,"data":{}}"#), signal);
        assert_eq!(frame(br#"{"type":"presence.changed","data":{}}"#), Frame::Other);
        assert_eq!(frame(b"nonsense"), Frame::Other);
    }

    #[test]
    fn numbers_and_due_times_are_found() {
        let text = br#"{"type":"conversation.changes","conversation":1,"data":{"from":4,"to":17}}"#;
        assert_eq!((number(text, "from"), number(text, "to"), number(text, "x")), (Some(4), Some(17), None));
        assert_eq!(due(br#"{"data":{"text":"~0000000000012345xxxx"}}"#), Some(12345));
    }
}
