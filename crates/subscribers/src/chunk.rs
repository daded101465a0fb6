//! A chunk: the frames that are handed out together in one conversation, encoded once for each dialect present.

use bytes::Bytes;
use chat::{ConnectionId, ConversationId, Event, conversations::Place};
use dialects::Dialect;

use crate::{frame, queue::Listener};

const DIALECTS: usize = Dialect::COUNT;

/// What was said in one conversation, until it is handed out.
#[derive(Default)]
pub(crate) struct Chunk {
    conversation: ConversationId,
    /// How many events it tells.
    pub(crate) events: u32,
    parts: [Part; DIALECTS],
}

#[derive(Default)]
struct Part {
    frames: Vec<u8>,
    /// Frames that the connection which caused them is not told, as byte ranges.
    skips: Vec<(usize, usize, ConnectionId)>,
}

impl Chunk {
    pub(crate) fn is_empty(&self) -> bool {
        self.parts.iter().all(|part| part.frames.is_empty())
    }

    /// Its bytes, in the dialect in which it is the longest.
    pub(crate) fn len(&self) -> usize {
        self.parts.iter().map(|part| part.frames.len()).max().unwrap_or_default()
    }

    /// Adds an event in the words of the dialects that are listening.
    pub(crate) fn add(&mut self, place: &Place, event: &Event, listening: &[u32; DIALECTS]) {
        self.conversation = event.conversation;
        self.events += 1;
        for dialect in Dialect::all() {
            if listening[dialect.place()] == 0 {
                continue;
            }
            let Some(text) = (dialect.event)(place, event) else { continue };
            let part = &mut self.parts[dialect.place()];
            let start = part.frames.len();
            frame::write(&mut part.frames, frame::Opcode::Text, text.as_bytes());
            if let Some(origin) = event.origin
                && !(dialect.echoes)(place, event)
            {
                part.skips.push((start, part.frames.len(), origin));
            }
        }
    }

    /// Puts the same bytes into every listener's queue; tells into how many.
    pub(crate) fn hand_out(self, listeners: &[std::sync::Arc<Listener>]) -> u64 {
        let conversation = self.conversation;
        let sealed: [Sealed; DIALECTS] = self.parts.map(Sealed::from);
        let mut handed = 0_u64;
        for listener in listeners.iter().filter(|listener| listener.hears(conversation)) {
            let bytes = sealed[listener.dialect.place()].bytes_for(listener.id);
            if !bytes.is_empty() {
                listener.outbox.push(bytes);
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
}

impl From<Part> for Sealed {
    fn from(part: Part) -> Self {
        Self { bytes: part.frames.into(), skips: part.skips }
    }
}

impl Sealed {
    fn bytes_for(&self, listener: ConnectionId) -> Bytes {
        if self.skips.iter().all(|(_, _, origin)| *origin != listener) {
            return self.bytes.clone();
        }
        let mut rest = Vec::with_capacity(self.bytes.len());
        let mut from = 0;
        for (start, end, _) in self.skips.iter().filter(|(_, _, origin)| *origin == listener) {
            rest.extend_from_slice(&self.bytes[from..*start]);
            from = *end;
        }
        rest.extend_from_slice(&self.bytes[from..]);
        rest.into()
    }
}
