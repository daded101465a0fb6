//! Versions: earlier texts of edited messages, which are kept where the conversation wants it, and read by request alone.

use chat::{
    ConversationId, Number, Reply, Result,
    messages::Message,
    policies::Ability,
    versions::{Version, VersionPage},
};
use store::Unit;

use crate::{Call, access::Access, history::cut};

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
        let more = cut(&mut versions, limit).is_some();
        let most = usize::try_from(self.settings.limits.queue_bytes).unwrap_or(usize::MAX) / 2;
        let cut_by_size = cut_to(&mut versions, most);
        let next = versions.last().filter(|_| more || cut_by_size).map(|version| version.number);
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

/// Cuts a page to so many bytes of text, but for its first entry: on a slow line what is told meanwhile waits behind it.
/// Returns whether anything was cut.
fn cut_to(versions: &mut Vec<Version>, most: usize) -> bool {
    /// About what an entry has besides its text, in bytes.
    const ENTRY: usize = 200;
    let mut bytes = 0_usize;
    let fits = |version: &&Version| {
        bytes = bytes.saturating_add(ENTRY + version.text.len());
        bytes <= most
    };
    let count = versions.iter().take_while(fits).count().max(1);
    let is_cut = count < versions.len();
    versions.truncate(count);
    is_cut
}

#[cfg(test)]
mod tests {
    use chat::{Millis, UserId};

    use super::*;

    #[test]
    fn a_page_has_as_many_texts_as_fit_and_at_least_one() {
        let page = |lengths: &[usize]| -> Vec<Version> {
            let version = |length: &usize| Version {
                number: Number(1),
                text: "x".repeat(*length),
                editor: UserId(1),
                editor_name: String::new(),
                written_at: Millis(0),
            };
            lengths.iter().map(version).collect()
        };
        for (lengths, kept) in [(&[800, 800, 800][..], 2), (&[5_000, 1], 1), (&[10, 10], 2), (&[], 0), (&[800, 801], 1)] {
            let mut versions = page(lengths);
            assert_eq!(cut_to(&mut versions, 2_000), kept < lengths.len(), "{lengths:?}");
            assert_eq!(versions.len(), kept, "{lengths:?}");
        }
    }
}
