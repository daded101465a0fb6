//! Writes frames and bodies; shared by the dialects.

use serde::Serialize;

use crate::Text;

/// Writes a frame or a body as JSON. Only maps with keys that are not strings could fail, and there are none.
pub(crate) fn write<T: Serialize + ?Sized>(value: &T) -> Text {
    serde_json::to_string(value).unwrap_or_default()
}
