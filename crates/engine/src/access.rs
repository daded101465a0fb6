//! The only way to read a conversation or a message on a person's behalf: whatever they have no membership for is not
//! found.

use chat::{
    ConversationId, Error, Millis, Number, Result,
    conversations::Conversation,
    members::{Member, Role},
    messages::Message,
    notifications::ConversationSettings,
    policies::{Ability, Rights},
};
use store::{Conn, members::Membership};

use crate::Call;

/// A conversation, and the rights of one member in it.
pub(crate) struct Access {
    pub conversation: Conversation,
    /// The number from which on they see messages; 0 if they see all.
    pub visible_from: Number,
    /// Their own settings of the conversation.
    pub settings: ConversationSettings,
    /// Everything that decides what they may do.
    pub rights: Rights,
    /// The time for which the rights are decided.
    now: Millis,
}

impl Access {
    /// Refuses unless the member may do this here.
    pub(crate) fn may(&self, ability: Ability) -> Result<()> {
        self.rights.require(ability, self.now)
    }

    /// Refuses unless the member may say this where it stands: in the room, in a thread, or in both.
    pub(crate) fn may_say(&self, message: &Message) -> Result<()> {
        if message.is_in_room() {
            self.may(Ability::Post)?;
        }
        if message.thread.is_some() { self.may(Ability::ReplyInThreads) } else { Ok(()) }
    }

    /// Refuses unless the member may act on this one, who must have a lower role.
    pub(crate) fn may_act_on(&self, target: &Member) -> Result<()> {
        match target.role {
            Some(role) if self.rights.outranks(role) => Ok(()),
            _ => Err(Error::forbidden("You may act on members of a lower role only.")),
        }
    }

    /// Refuses unless the member may assign this role, which must not be above their own.
    pub(crate) fn may_give(&self, role: Role) -> Result<()> {
        if self.rights.may_give(role) {
            return Ok(());
        }
        Err(Error::forbidden("You may give roles below your own only."))
    }

    /// Whether the member sees the message with this number.
    pub(crate) fn sees(&self, seq: Number) -> bool {
        seq >= self.visible_from
    }

    /// A message, deleted or not. One that the member does not see is not found.
    pub(crate) async fn message(&self, conn: &mut Conn, seq: Number) -> Result<Message> {
        let message = store::messages::one(conn, self.conversation.id, seq).await?;
        message.filter(|message| self.sees(message.seq)).ok_or_else(|| Error::not_found("message"))
    }

    /// A message that is not deleted.
    pub(crate) async fn live_message(&self, conn: &mut Conn, seq: Number) -> Result<Message> {
        let message = self.message(conn, seq).await?;
        if message.deleted_at.is_none() { Ok(message) } else { Err(Error::not_found("message")) }
    }
}

impl Call {
    /// Looks up the conversation through the speaker's membership, on this connection; for changes, in their
    /// transaction.
    pub(crate) async fn access_in(&self, conn: &mut Conn, conversation: ConversationId) -> Result<Access> {
        self.access_by(store::members::membership(conn, conversation, self.speaker.user).await?)
    }

    /// The same for questions that a crowd asks at the same moment: together with those of others.
    pub(crate) async fn access(&self, conversation: ConversationId) -> Result<Access> {
        let found = self.engine.inner.memberships.ask((conversation, self.speaker.user)).await;
        self.access_by(found.unwrap_or_else(|| Err(Error::internal()))?)
    }

    fn access_by(&self, found: Option<Membership>) -> Result<Access> {
        let found = found.ok_or_else(|| Error::not_found("conversation"))?;
        let rights = found.rights(self.speaker.role);
        let (conversation, visible_from, settings) = (found.conversation, found.visible_from, found.settings);
        Ok(Access { conversation, visible_from, settings, rights, now: self.engine.now() })
    }
}
