//! The policies of conversations, and explanations of permissions.

use chat::{
    ConversationId, Error, Millis, Reply, Result, UserId,
    accounts::ServerRole,
    members::Role,
    policies::{Ability, Explanation},
};
use store::{Conn, members::Membership};

use crate::{Call, Engine};

impl Call {
    /// A member's abilities here, with the reasons. All members may ask about themselves.
    pub(crate) async fn abilities(&self, conversation: ConversationId, user: UserId) -> Result<Reply> {
        let mut conn = self.db.read().await?;
        let access = self.access_in(&mut conn, conversation).await?;
        if user != self.speaker.user {
            access.may(Ability::ExplainOthers)?;
        }
        let found = store::members::membership(&mut conn, conversation, user).await?;
        let found = found.ok_or_else(|| Error::not_found("member"))?;
        let server_role = self.server_role(&mut conn, user).await?;
        Ok(Reply::Abilities(Box::new(explanation(&found, server_role, self.engine.now()))))
    }

    /// A user's role on the server; `Guest` if there is no such account.
    pub(crate) async fn server_role(&self, conn: &mut Conn, user: UserId) -> Result<ServerRole> {
        if user == self.speaker.user {
            return Ok(self.speaker.role);
        }
        server_role(conn, user).await
    }
}

async fn server_role(conn: &mut Conn, user: UserId) -> Result<ServerRole> {
    Ok(store::accounts::by_id(conn, user).await?.map_or(ServerRole::Guest, |account| account.role))
}

fn explanation(found: &Membership, server_role: ServerRole, now: Millis) -> Explanation {
    let rights = found.rights(server_role);
    Explanation {
        role: found.role,
        acting_role: rights.acting_role(),
        visible_from: found.visible_from,
        decisions: Ability::ALL.into_iter().map(|ability| rights.decide(ability, now)).collect(),
    }
}

/// A member's abilities in a conversation, with the reasons, and their role on the server, for the operator.
///
/// # Errors
/// `not_found`, or the store's.
pub async fn explain(engine: &Engine, conversation: ConversationId, user: UserId) -> Result<(Explanation, ServerRole)> {
    let mut conn = engine.inner.db.read().await?;
    let found = store::members::membership(&mut conn, conversation, user).await?;
    let found = found.ok_or_else(|| Error::not_found("member"))?;
    let server_role = server_role(&mut conn, user).await?;
    Ok((explanation(&found, server_role, engine.now()), server_role))
}

/// Sets the role that an ability needs in a conversation, for the operator; `None` restores the default. Present
/// members go on seeing the same messages.
///
/// # Errors
/// `invalid`, `not_found`, or the store's.
pub async fn set_rule(
    engine: &Engine,
    conversation: ConversationId,
    ability: Ability,
    role: Option<Role>,
) -> Result<()> {
    if !ability.is_configurable() {
        return Err(Error::invalid("ability", format!("No role can be set for {}.", ability.name())));
    }
    engine
        .inner
        .writer
        .change(&[conversation.into()], None, move |unit| {
            Box::pin(async move {
                let found = store::conversations::by_id(&mut unit.conn, conversation).await?;
                found.ok_or_else(|| Error::not_found("conversation"))?;
                let mut policy = store::policies::of(&mut unit.conn, conversation).await?;
                policy.set(ability, role);
                Ok(store::policies::set(&mut unit.conn, conversation, &policy).await?)
            })
        })
        .await
}
