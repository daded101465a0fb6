//! A chunk: the frames that are handed out together in one conversation, encoded once for each dialect present.

use bytes::Bytes;
use chat::{ConnectionId, ConversationId, Event, Number, conversations::Place, members::Turnover};
use dialects::{Dialect, Text};

use crate::{
    audience::{Audience, Listening},
    channel::Limited,
    frame,
    numbers::Numbers,
    queue::Subscriber,
};

/// The frames of one conversation that wait to be handed out. Nothing while none wait, as in nearly all conversations.
#[derive(Default)]
pub(crate) struct Chunk(Option<Box<Frames>>);

#[derive(Default)]
struct Frames {
    conversation: ConversationId,
    /// The number of events in it.
    events: u32,
    parts: [Part; Audience::COUNT],
}

#[derive(Default)]
struct Part {
    frames: Vec<u8>,
    /// Frames that the connection which caused them does not get, as byte ranges.
    skips: Vec<(usize, usize, ConnectionId)>,
    /// Frames about a message that not all subscribers see.
    veils: Vec<Veil>,
}

/// The replacement of a frame for subscribers who do not see its message: the event's bare number.
struct Veil {
    start: usize,
    end: usize,
    /// The number with which the message was created.
    seq: Number,
    /// The replacing frame; empty where the dialect has none for a bare number.
    instead: Vec<u8>,
}

impl Chunk {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The number of events in it.
    pub(crate) fn events(&self) -> u32 {
        self.0.as_ref().map_or(0, |frames| frames.events)
    }

    /// Its length in bytes, in the dialect in which it is longest.
    pub(crate) fn len(&self) -> usize {
        self.0.iter().flat_map(|frames| &frames.parts).map(|part| part.frames.len()).max().unwrap_or_default()
    }

    /// Adds an event, encoded for each dialect present; if some subscribers do not see all messages, also its bare
    /// number, and what it says without the thread whose root they do not see.
    pub(crate) fn add(
        &mut self,
        numbers: &Numbers,
        place: &Place,
        event: &Event,
        listening: &Listening,
        limited: &Limited,
    ) {
        let earlier = event.fact.message().map(|message| message.seq).filter(|seq| *seq < event.number);
        let earlier = earlier.filter(|_| !limited.is_empty());
        let rootless = event.thread.as_ref().filter(|_| !limited.is_empty());
        let rootless = rootless.map(|thread| (thread.root, Event { thread: None, ..event.clone() }));
        let mut native: Option<Option<Text>> = None;
        for (audience, dialect) in Audience::all() {
            if listening[audience.place()] == 0 {
                continue;
            }
            let encode = || numbers.event(dialect, place, event);
            let other;
            let text = if dialect == Dialect::NATIVE {
                &*native.get_or_insert_with(encode)
            } else {
                other = encode();
                &other
            };
            let Some(text) = text else { continue };
            let part = self.part(event.conversation, audience);
            let start = part.frames.len();
            frame::write(&mut part.frames, frame::Opcode::Text, text.as_bytes());
            if let Some(origin) = event.origin
                && !(dialect.echoes)(place, event)
            {
                part.skips.push((start, part.frames.len(), origin));
            }
            if let Some(seq) = earlier {
                let mut instead = Vec::new();
                if let Some(text) = (dialect.hidden)(event.conversation, event.number) {
                    frame::write(&mut instead, frame::Opcode::Text, text.as_bytes());
                }
                part.veils.push(Veil { start, end: part.frames.len(), seq, instead });
            }
            // Whoever does not see the message itself does not see the root either: the first replacement holds.
            if let Some((seq, event)) = &rootless {
                let mut instead = Vec::new();
                if let Some(text) = numbers.event(dialect, place, event) {
                    frame::write(&mut instead, frame::Opcode::Text, text.as_bytes());
                }
                part.veils.push(Veil { start, end: part.frames.len(), seq: *seq, instead });
            }
        }
        self.count();
    }

    /// Adds a run of joins and leaves, for those who take it as one.
    pub(crate) fn add_turnover(&mut self, conversation: ConversationId, turnover: &Turnover) {
        let Some(text) = (Dialect::NATIVE.turnover)(conversation, turnover) else { return };
        let part = self.part(conversation, Audience::GATHERING);
        frame::write(&mut part.frames, frame::Opcode::Text, text.as_bytes());
        self.count();
    }

    /// Where an audience's frames go.
    fn part(&mut self, conversation: ConversationId, audience: Audience) -> &mut Part {
        let frames = self.0.get_or_insert_default();
        frames.conversation = conversation;
        &mut frames.parts[audience.place()]
    }

    /// Counts one more event, if anybody is told of it.
    fn count(&mut self) {
        self.0.iter_mut().for_each(|frames| frames.events += 1);
    }

    /// Puts the same bytes into every subscriber's outbox; returns the number of outboxes.
    pub(crate) fn hand_out(self, subscribers: &[std::sync::Arc<Subscriber>], limited: &Limited) -> u64 {
        let Some(frames) = self.0 else { return 0 };
        let Frames { conversation, parts, .. } = *frames;
        let sealed: [Sealed; Audience::COUNT] = parts.map(Sealed::from);
        let mut handed = 0_u64;
        for subscriber in subscribers.iter().filter(|subscriber| subscriber.hears(conversation)) {
            let bytes =
                sealed[Audience::of(subscriber).place()].bytes_for(subscriber.id, limited.sees_from(subscriber.user));
            if !bytes.is_empty() {
                subscriber.outbox.push(bytes);
                handed += 1;
            }
        }
        metrics::counter!("palabre_deliveries_total").increment(handed);
        handed
    }
}

struct Sealed {
    bytes: Bytes,
    skips: Vec<(usize, usize, ConnectionId)>,
    veils: Vec<Veil>,
}

impl From<Part> for Sealed {
    fn from(part: Part) -> Self {
        Self { bytes: part.frames.into(), skips: part.skips, veils: part.veils }
    }
}

impl Sealed {
    /// The bytes for a subscriber who sees messages from this number on.
    fn bytes_for(&self, subscriber: ConnectionId, sees_from: Number) -> Bytes {
        let skips = self.skips.iter().filter(|(_, _, origin)| *origin == subscriber);
        let skips = skips.map(|(start, end, _)| (*start, *end, &[][..]));
        let veils = self.veils.iter().filter(|veil| veil.seq < sees_from);
        let veils = veils.map(|veil| (veil.start, veil.end, &*veil.instead));
        let mut cuts: Vec<(usize, usize, &[u8])> = skips.chain(veils).collect();
        if cuts.is_empty() {
            return self.bytes.clone();
        }
        cuts.sort_by_key(|(start, ..)| *start);
        // A frame that is both skipped and replaced is left out.
        cuts.dedup_by_key(|(start, ..)| *start);
        let mut rest = Vec::with_capacity(self.bytes.len());
        let mut from = 0;
        for (start, end, instead) in cuts {
            rest.extend_from_slice(&self.bytes[from..start]);
            rest.extend_from_slice(instead);
            from = end;
        }
        rest.extend_from_slice(&self.bytes[from..]);
        rest.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Number = Number(0);

    fn sealed() -> Sealed {
        let veil = |start, end, seq, instead: &[u8]| Veil { start, end, seq: Number(seq), instead: instead.to_vec() };
        Sealed {
            bytes: Bytes::from_static(b"one two four"),
            skips: vec![(0, 4, ConnectionId(1))],
            veils: vec![veil(4, 8, 5, b"2 "), veil(8, 12, 9, b"4")],
        }
    }

    #[test]
    fn subscribers_who_see_all_messages_share_the_same_bytes() {
        let sealed = sealed();
        assert_eq!(sealed.bytes_for(ConnectionId(2), ALL).as_ptr(), sealed.bytes.as_ptr());
        assert_eq!(sealed.bytes_for(ConnectionId(2), Number(5)).as_ptr(), sealed.bytes.as_ptr());
        assert_eq!(sealed.bytes_for(ConnectionId(1), ALL), "two four");
    }

    #[test]
    fn a_subscriber_who_does_not_see_a_message_gets_the_bare_number_of_its_change() {
        let sealed = sealed();
        assert_eq!(sealed.bytes_for(ConnectionId(2), Number(6)), "one 2 four");
        assert_eq!(sealed.bytes_for(ConnectionId(2), Number(10)), "one 2 4");
        assert_eq!(sealed.bytes_for(ConnectionId(1), Number(10)), "2 4");
    }
}
