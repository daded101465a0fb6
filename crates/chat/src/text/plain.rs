//! A text without its markers, for where nothing can be drawn: notifications, quotes, lists, screen readers.

use super::{Meaning, Part, parts};

/// The shown form of a text, without markers: each quote, heading, item and block of code on lines of its own, items
/// behind `•` or their number.
#[must_use]
pub fn plain(text: &str) -> String {
    let mut plain = Plain { text: String::with_capacity(text.len()), breaks: false };
    plain.add(&parts(text));
    plain.text
}

struct Plain {
    text: String,
    /// Whether the next piece begins a line.
    breaks: bool,
}

impl Plain {
    fn add(&mut self, parts: &[Part<'_>]) {
        for part in parts {
            match &part.meaning {
                Meaning::Strong | Meaning::Emphasis | Meaning::Strike | Meaning::List => self.add(&part.parts),
                Meaning::Quote | Meaning::Heading(_) => self.block("", |plain| plain.add(&part.parts)),
                Meaning::Item(None) => self.block("• ", |plain| plain.add(&part.parts)),
                Meaning::Item(Some(number)) => self.block(&format!("{number}. "), |plain| plain.add(&part.parts)),
                Meaning::Code { block: true, .. } => {
                    self.block("", |plain| plain.piece(part.text.trim_end_matches(['\n', '\r'])));
                }
                _ => self.piece(&part.text),
            }
        }
    }

    fn piece(&mut self, piece: &str) {
        if piece.is_empty() {
            return;
        }
        if std::mem::take(&mut self.breaks) && !self.text.is_empty() && !self.text.ends_with(['\n', '\r']) {
            self.text.push('\n');
        }
        self.text.push_str(piece);
    }

    fn block(&mut self, sign: &str, content: impl FnOnce(&mut Self)) {
        self.breaks = true;
        self.piece(sign);
        content(self);
        self.breaks = true;
    }
}
