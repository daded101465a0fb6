//! The only way to a conversation or a message on someone's behalf: what cannot be had through a
//! membership is not there.

use chat::{
    ConversationId, Error, Number, Result,
    conversations::Conversation,
    members::Role,
    messages::Message,
    permission::{self, Ability},
};
use store::Conn;

use crate::Call;

/// A conversation as somebody may act in it.
pub(crate) struct Access {
    pub conversation: Conversation,
    /// The member's own role.
    pub role: Role,
    /// The role in which they act: server staff have more in public rooms.
    pub acting: Role,
}

impl Access {
    /// Refuses unless the member may do this here.
    pub(crate) fn require(&self, ability: Ability) -> Result<()> {
        if permission::member_may(self.acting, self.conversation.kind, ability) {
            return Ok(());
        }
        Err(Error::forbidden(format!(
            "As {} of this {} you may not do this.",
            self.role.name(),
            self.conversation.kind.name()
        )))
    }
}

impl Call {
    /// The conversation through the speaker's membership, on a reading connection.
    pub(crate) async fn access(&self, conversation: ConversationId) -> Result<Access> {
        let mut conn = self.db.read().await?;
        self.access_in(&mut conn, conversation).await
    }

    /// The same on a given connection; inside the committing transaction for changes.
    pub(crate) async fn access_in(&self, conn: &mut Conn, conversation: ConversationId) -> Result<Access> {
        let found = store::members::membership(conn, conversation, self.speaker.user).await?;
        let (conversation, role) = found.ok_or_else(|| Error::not_found("conversation"))?;
        let acting = permission::acting_role(self.speaker.role, role, &conversation);
        Ok(Access { conversation, role, acting })
    }

    /// A message that is not deleted, of a conversation that the speaker had access to.
    pub(crate) async fn live_message(conn: &mut Conn, conversation: ConversationId, seq: Number) -> Result<Message> {
        let message = store::messages::one(conn, conversation, seq).await?;
        match message {
            Some(message) if message.deleted_at.is_none() => Ok(message),
            _ => Err(Error::not_found("message")),
        }
    }
}
