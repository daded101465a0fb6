//! The written form between nodes of the files of a message.

use std::borrow::Cow;

use chat::{
    FileId,
    files::{File, Voice},
};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub(super) struct FileForm<'a> {
    id: Cow<'a, str>,
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(rename = "type", borrow)]
    media_type: Cow<'a, str>,
    size: i64,
    #[serde(borrow)]
    sha256: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pixels: Option<(i64, i64)>,
    #[serde(default, skip_serializing_if = "Option::is_none", borrow)]
    blurhash: Option<Cow<'a, str>>,
    /// The duration and the waveform of a voice message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    voice: Option<(i64, Cow<'a, str>)>,
}

pub(super) fn file_form(file: &File) -> FileForm<'_> {
    FileForm {
        id: file.id.to_string().into(),
        name: (&file.name).into(),
        media_type: (&file.media_type).into(),
        size: file.size,
        sha256: (&file.sha256).into(),
        pixels: file.pixels,
        blurhash: file.blurhash.as_deref().map(Cow::from),
        voice: file.voice.as_ref().map(|voice| (voice.duration_ms, voice.written().into())),
    }
}

pub(super) fn file(form: FileForm<'_>) -> Option<File> {
    Some(File {
        id: FileId::parse(&form.id)?,
        name: form.name.into_owned(),
        media_type: form.media_type.into_owned(),
        size: form.size,
        sha256: form.sha256.into_owned(),
        pixels: form.pixels,
        blurhash: form.blurhash.map(Cow::into_owned),
        voice: form.voice.and_then(|(duration_ms, waveform)| Voice::read(duration_ms, &waveform)),
    })
}
