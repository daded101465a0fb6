//! Read and delivered markers, which only move forward.

use chat::{
    ConversationId, Error, Number, Reply, Result,
    event::{Audience, Signal},
    markers::Marker,
};

use crate::Call;

impl Call {
    pub(crate) async fn move_marker(&self, conversation: ConversationId, marker: Marker, seq: Number) -> Result<Reply> {
        if seq.0 < 0 {
            return Err(Error::invalid("seq", "seq must not be negative."));
        }
        let call = self.clone();
        self.change(&[conversation.into()], move |unit| {
            Box::pin(async move {
                let access = call.access_in(&mut unit.conn, conversation).await?;
                // A marker beyond the head would hide later messages.
                let seq = seq.min(access.conversation.head);
                let read = if marker == Marker::Read { seq } else { Number(0) };
                let (user, now) = (call.speaker.user, unit.now);
                let moved = store::markers::advance(&mut unit.conn, conversation, user, read, seq, now).await?;
                let Some(markers) = moved else {
                    let markers = store::markers::markers_of(&mut unit.conn, conversation, user).await?;
                    return markers.map(Reply::Marker).ok_or_else(|| Error::not_found("conversation"));
                };
                let all = access.conversation.member_count <= call.settings.limits.presence_members;
                let to = if all { Audience::Members(conversation) } else { Audience::User(user) };
                unit.notify(to, Signal::MarkerMoved { conversation, markers });
                Ok(Reply::Marker(markers))
            })
        })
        .await
    }

    pub(crate) async fn markers(&self, conversation: ConversationId) -> Result<Reply> {
        let mut conn = self.db.read().await?;
        self.access_in(&mut conn, conversation).await?;
        Ok(Reply::Markers(store::markers::markers(&mut conn, conversation).await?))
    }
}
