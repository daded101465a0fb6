//! Makes of short JSON what is about pictures and recordings.

use chat::{
    FileId, Number, UserId,
    emoji::{Emoji, EmojiList},
    files::Voice,
};
use serde_json::Value;

use super::{
    NOON,
    nouns::{int, list, text},
};

/// The id of a picture.
pub(super) fn picture(value: &Value) -> Option<FileId> {
    value.as_str().map(|id| FileId::parse(id).unwrap())
}

/// `{"name","picture"}`.
pub(super) fn emoji(value: &Value) -> Emoji {
    Emoji {
        name: text(&value["name"], "parrot"),
        picture: picture(&value["picture"]).unwrap_or(FileId::of([5; 16])),
        added_by: UserId(3),
        created_at: NOON,
    }
}

/// `{"rev","emoji"}`.
pub(super) fn emoji_list(value: &Value) -> EmojiList {
    EmojiList {
        rev: Number(int(&value["rev"], 7)),
        emoji: value["emoji"].is_array().then(|| list(&value["emoji"], emoji)),
    }
}

/// `[duration,bar …]`.
pub(super) fn voice(value: &Value) -> Option<Voice> {
    let (duration, bars) = value.as_array()?.split_first()?;
    let waveform = bars.iter().map(|bar| u8::try_from(int(bar, 0)).unwrap()).collect();
    Some(Voice { duration_ms: int(duration, 1_000), waveform })
}
