//! Versions: earlier texts of edited messages, which are kept where the conversation wants it, and read by request alone.

use chat::{ConversationId, Number, Reply, Result, messages::Message, policies::Ability, versions::VersionPage};
use store::Unit;

use crate::{
    Call,
    access::Access,
    history::{cut, fitting},
};

impl Call {
    /// The earlier texts of a message, the last one first; none where the conversation keeps none. Of a deleted message
    /// there are none either: it is not found.
    pub(crate) async fn versions(
        &self,
        conversation: ConversationId,
        seq: Number,
        before: Option<Number>,
        limit: i64,
    ) -> Result<Reply> {
        let limit = self.list_limit(limit);
        let mut conn = self.db.read().await?;
        let access = self.access_in(&mut conn, conversation).await?;
        access.may(Ability::SeeEditHistory)?;
        access.live_message(&mut conn, seq).await?;
        let before = before.unwrap_or(Number(i64::MAX));
        let mut versions = store::versions::page(&mut conn, conversation, seq, before, limit + 1).await?;
        let mut more = cut(&mut versions, limit).is_some();
        let fitting = fitting(&versions, self.settings.limits.queue_bytes / 2, |version| version.text.len());
        more |= fitting < versions.len();
        versions.truncate(fitting);
        let next = versions.last().filter(|_| more).map(|version| version.number);
        Ok(Reply::Versions(VersionPage { versions, next }))
    }

    /// Keeps the text of a message that the edit of this number replaces, if the conversation wants it.
    pub(crate) async fn keep_version(
        &self,
        unit: &mut Unit,
        access: &Access,
        message: &Message,
        number: Number,
    ) -> Result<()> {
        if access.conversation.edit_history {
            let most = self.settings.limits.versions_per_message;
            store::versions::keep(&mut unit.conn, message, number, most).await?;
        }
        Ok(())
    }
}
