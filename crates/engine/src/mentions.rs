//! Mentions: how many people a text would reach, and whom an edited text is for. For a new message that is decided in
//! the transaction which stores it (`store::appends`).

use chat::{
    ConversationId, Reply, Result,
    mentions::{Called, Mentions, Reach},
    messages::Message,
};
use store::Conn;

use crate::{Call, access::Access, text};

impl Call {
    /// How many people a text would reach, for a sender who wants to know before they send it.
    pub(crate) async fn reach(&self, conversation: ConversationId, text: &str) -> Result<Reply> {
        text::check_optional("text", text, self.settings.limits.message_length)?;
        let mut conn = self.db.read().await?;
        let access = self.access_in(&mut conn, conversation).await?;
        let called = Called::of_text(text);
        let mut resolved = store::mentions::resolve(&mut conn, conversation, &called).await?;
        resolved.people.retain(|person| *person != self.speaker.user);
        let unconfirmed = self.settings.limits.mentions_unconfirmed;
        Ok(Reply::Reach(resolved.reached(&called, &access.rights, unconfirmed, self.engine.now())))
    }

    /// Whom an edited text is for. It may call as many as it did; what it adds is not confirmed by anybody.
    pub(crate) async fn mentions_of_edit(
        &self,
        conn: &mut Conn,
        access: &Access,
        before: &Message,
        text: &str,
    ) -> Result<Mentions> {
        let called = Called::of_text(text);
        let resolved = store::mentions::resolve(conn, before.conversation, &called).await?;
        let (unconfirmed, now) = (self.settings.limits.mentions_unconfirmed, self.engine.now());
        let named: Vec<_> = resolved.groups.iter().map(|(group, _)| *group).collect();
        let mut mentions = resolved.mentions(&called, &access.rights, Reach::Unasked, unconfirmed, now)?;
        let kept = &before.mentions;
        mentions.here |= called.here && kept.here;
        mentions.room |= called.room && kept.room;
        mentions.groups.extend(named.iter().filter(|group| kept.groups.contains(group)));
        mentions.groups.sort_unstable();
        mentions.groups.dedup();
        mentions.reply_to = kept.reply_to;
        Ok(mentions)
    }
}
