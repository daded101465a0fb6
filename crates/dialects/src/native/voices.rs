//! Voice messages: what a recording says of itself, as it comes in and as it is shown.

use chat::{
    Command, Error,
    files::{self, HIGHEST},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::fields::{FileKey, Integer};

/// A recording, and what it says of itself.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SetVoice {
    /// Which: an uploaded recording of the speaker that no message holds yet.
    pub(super) file: FileKey,
    /// How long it is, in milliseconds.
    pub(super) duration_ms: Integer,
    /// How loud it is, from its beginning to its end: up to 100 numbers from 0 to 31.
    pub(super) waveform: Vec<Integer>,
}

impl SetVoice {
    pub(super) fn command(self) -> Result<Command, Error> {
        let bar = |bar: Integer| u8::try_from(bar.0).ok().filter(|bar| *bar <= HIGHEST);
        let waveform: Option<Vec<u8>> = self.waveform.into_iter().map(bar).collect();
        let waveform = waveform
            .ok_or_else(|| Error::invalid("waveform", format!("waveform must have numbers from 0 to {HIGHEST}.")))?;
        let voice = files::Voice { duration_ms: self.duration_ms.0, waveform };
        Ok(Command::SetVoice { file: self.file.0, voice })
    }
}

/// Duration and loudness of a voice message.
#[derive(Serialize, ToSchema)]
pub struct Voice<'a> {
    /// How long it is, in milliseconds.
    duration_ms: i64,
    /// How loud it is, from its beginning to its end: up to 100 numbers from 0 to 31.
    #[schema(value_type = Vec<i64>)]
    waveform: Bars<'a>,
}

impl<'a> From<&'a files::Voice> for Voice<'a> {
    fn from(voice: &'a files::Voice) -> Self {
        Self { duration_ms: voice.duration_ms, waveform: Bars(&voice.waveform) }
    }
}

/// Numbers, which bytes would not be.
struct Bars<'a>(&'a [u8]);

impl Serialize for Bars<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0)
    }
}
