//! How frames and bodies are written; shared by the dialects.

use serde::Serialize;

use crate::Text;

/// Writes a frame or a body. Only maps with keys that are no strings cannot be written, and there is none.
pub(crate) fn write<T: Serialize + ?Sized>(value: &T) -> Text {
    serde_json::to_string(value).unwrap_or_default()
}
