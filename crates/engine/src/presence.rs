//! Presence and typing: who may see whose, and who may be seen writing. Both are known to the hub and never stored.

use chat::{ConversationId, Number, Reply, Result, UserId, permission, policies::Ability, presence::Seen};

use crate::Call;

impl Call {
    pub(crate) async fn presence(&self, users: Vec<UserId>) -> Result<Reply> {
        self.check_how_many(&users)?;
        let mut people: Vec<(UserId, Seen)> = Vec::with_capacity(users.len());
        let mut conn = self.db.read().await?;
        let accounts = store::accounts::by_ids(&mut conn, &users).await?;
        for account in accounts.into_iter().filter(|a| a.active) {
            let known = permission::may_roam(self.speaker.role)
                || account.id == self.speaker.user
                || store::members::share(&mut conn, self.speaker.user, account.id).await?;
            if known {
                let mut seen = (self.here)(account.id);
                if seen.presence == chat::presence::Presence::Offline && seen.last_seen_at.is_none() {
                    seen.last_seen_at = account.last_seen_at;
                }
                people.push((account.id, seen));
            }
        }
        people.sort_unstable_by_key(|(user, _)| *user);
        Ok(Reply::Presence(people))
    }

    /// Whether it may be told that the speaker writes in a conversation, or in one of its threads.
    pub(crate) async fn typing(
        &self,
        conversation: ConversationId,
        thread: Option<Number>,
        typing: bool,
    ) -> Result<Reply> {
        let mut conn = self.db.read().await?;
        let access = self.access_in(&mut conn, conversation).await?;
        if let Some(root) = thread {
            access.root(&mut conn, root).await?;
        }
        if typing {
            access.may(if thread.is_some() { Ability::ReplyInThreads } else { Ability::Post })?;
        }
        Ok(Reply::Done)
    }
}
