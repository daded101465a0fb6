//! Voice messages: recordings that somebody has made for a message. How long one is and what it looks like is told by its
//! sender, so that everybody sees it before they have heard it.

use crate::people::NamesPeople;

/// How many bars a waveform has at most.
pub const BARS: usize = 100;
/// How high a bar is at most.
pub const HIGHEST: u8 = 31;
/// A bar's height is written as one of these characters.
const DIGITS: &[u8; 32] = b"0123456789abcdefghijklmnopqrstuv";

/// The length and loudness of a recording, as its client gives them.
#[derive(Clone, Debug, PartialEq, Eq, NamesPeople)]
pub struct Voice {
    /// How long it is, in milliseconds.
    pub duration_ms: i64,
    /// How loud it is, from its beginning to its end: at most [`BARS`] bars of 0 to [`HIGHEST`].
    pub waveform: Vec<u8>,
}

impl Voice {
    /// The waveform as the database has it: one character for each bar.
    #[must_use]
    pub fn written(&self) -> String {
        self.waveform.iter().map(|bar| char::from(DIGITS[usize::from((*bar).min(HIGHEST))])).collect()
    }

    /// Reads what [`Voice::written`] has written; nothing if it cannot be read.
    #[must_use]
    pub fn read(duration_ms: i64, waveform: &str) -> Option<Self> {
        let bar = |character: u8| {
            let place = DIGITS.iter().position(|digit| *digit == character)?;
            u8::try_from(place).ok()
        };
        let waveform: Vec<u8> = waveform.bytes().take(BARS).map(bar).collect::<Option<_>>()?;
        Some(Self { duration_ms, waveform })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_waveform_is_read_as_it_was_written() {
        let voice = Voice { duration_ms: 900_000, waveform: (0..=HIGHEST).collect() };
        assert_eq!(voice.written(), "0123456789abcdefghijklmnopqrstuv");
        assert_eq!(Voice::read(900_000, &voice.written()), Some(voice));
        assert_eq!(Voice::read(1, "0w"), None);
        assert_eq!(Voice::read(1, &"0".repeat(500)).map(|voice| voice.waveform.len()), Some(BARS));
    }
}
