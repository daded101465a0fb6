//! Voice messages: what a recording says of itself, told by its owner before a message carries it.

use chat::{
    Error, ErrorCode, FileId, Reply, Result,
    files::{BARS, HIGHEST, Voice},
};
use store::files;

use crate::Call;

impl Call {
    pub(crate) async fn set_voice(&self, id: FileId, voice: Voice) -> Result<Reply> {
        self.check_voice(&voice)?;
        let user = self.speaker.user;
        self.change(&[user.into()], move |unit| {
            Box::pin(async move {
                let stored = files::by_id(&mut unit.conn, id).await?;
                let stored = stored.filter(|stored| stored.owner == user && stored.gone_at.is_none());
                let mut stored = stored.ok_or_else(|| Error::not_found("file"))?;
                if stored.file.voice.as_ref() == Some(&voice) {
                    return Ok(Reply::File(Box::new(stored.file)));
                }
                if !is_recording(&stored.file.media_type) {
                    let detail = format!("A voice message is a recording; this file is {}.", stored.file.media_type);
                    return Err(Error {
                        field: Some("/file".into()),
                        ..Error::new(ErrorCode::UnsupportedType, detail)
                    });
                }
                if stored.place.is_some() || !files::set_voice(&mut unit.conn, stored.number, &voice).await? {
                    return Err(Error::new(ErrorCode::Conflict, "This file is in use: it does not change any more."));
                }
                stored.file.voice = Some(voice);
                Ok(Reply::File(Box::new(stored.file)))
            })
        })
        .await
    }

    fn check_voice(&self, voice: &Voice) -> Result<()> {
        let most = self.settings.limits.voice_ms;
        if !(1..=most).contains(&voice.duration_ms) {
            let detail =
                format!("duration_ms must be from 1 to {most}: a voice message has at most so many milliseconds.");
            return Err(Error::invalid("duration_ms", detail));
        }
        let is_fit = (1..=BARS).contains(&voice.waveform.len()) && voice.waveform.iter().all(|bar| *bar <= HIGHEST);
        if is_fit {
            return Ok(());
        }
        Err(Error::invalid("waveform", format!("waveform must have 1 to {BARS} numbers from 0 to {HIGHEST}.")))
    }
}

/// Browsers record into containers that may hold films as well.
fn is_recording(media_type: &str) -> bool {
    media_type.starts_with("audio/") || matches!(media_type, "video/webm" | "video/mp4" | "video/ogg")
}
