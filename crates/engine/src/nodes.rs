//! Changes that other nodes have made: always read from the database again.

use chat::{
    ConversationId, Error, Number, Result, Scope, SessionId, UserId, conversations::Listed, sessions::Standing,
};

use store::{Epoch, Invalidation};

use crate::{Engine, sessions};

impl Engine {
    /// The present standing of a person and of these sessions of theirs. Drops the cached speakers.
    ///
    /// # Errors
    /// `not_found`, or the store's.
    pub async fn standing(&self, user: UserId, sessions: &[SessionId]) -> Result<Standing> {
        self.inner.forget_people();
        let mut conn = self.inner.db.read().await?;
        let account = store::accounts::by_id(&mut conn, user).await?.ok_or_else(|| Error::not_found("user"))?;
        let asked: Vec<(SessionId, UserId)> = sessions.iter().map(|session| (*session, user)).collect();
        let now = self.now();
        let live = store::sessions::live(&mut conn, &asked, now).await?;
        let live = live.into_iter().map(|(session, until)| (session, sessions::left(until, now))).collect();
        Ok(Standing { active: account.active, role: account.role, live })
    }

    /// A conversation as this person sees it; `None` if they are not a member.
    ///
    /// # Errors
    /// The store's.
    pub async fn listed_for(&self, user: UserId, conversation: ConversationId) -> Result<Option<Listed>> {
        let mut conn = self.inner.db.read().await?;
        let entry = store::listing::entry(&mut conn, user, conversation).await?;
        Ok(self.complete(&mut conn, entry.into_iter().collect()).await?.pop())
    }

    /// The number from which on a person sees a conversation's messages now; `None` if they are not a member.
    ///
    /// # Errors
    /// The store's.
    pub async fn sees_from(&self, user: UserId, conversation: ConversationId) -> Result<Option<Number>> {
        let found = store::members::membership(&mut *self.inner.db.read().await?, conversation, user).await?;
        Ok(found.map(|membership| membership.visible_from))
    }

    /// Writes to the database that this node cannot publish.
    ///
    /// # Errors
    /// The store's.
    pub async fn say_mute(&self) -> Result<()> {
        let node = self.inner.db.node();
        self.inner
            .writer
            .change(&[], None, move |unit| {
                Box::pin(async move {
                    Ok(store::invalidations::add(&mut unit.conn, &[Invalidation::Mute], node, unit.now).await?)
                })
            })
            .await
    }

    /// The reason why the database accepts no writes; `None` if it does.
    ///
    /// # Errors
    /// The store's.
    pub async fn read_only(&self) -> Result<Option<&'static str>> {
        Ok(store::standby::read_only(&mut *self.inner.db.read().await?).await?)
    }

    /// The epoch that this node knows.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.inner.db.epochs().borrow().clone()
    }

    /// Begins a new history, unless that has been done, because a change is gone that was committed in the history with
    /// this epoch. `why` is for the operator.
    ///
    /// # Errors
    /// `unavailable`, which is the usual result.
    pub async fn begin_new_history(&self, epoch: &str, why: String) -> Result<()> {
        if self.inner.db.note_lost(epoch, why) { self.follow_history().await } else { Ok(()) }
    }

    /// The same where a head is lower than it was, if the database has come back with less: true. False if the rows show
    /// that the head alone is damaged, which the conversation's next change mends.
    ///
    /// # Errors
    /// The store's.
    pub async fn note_lost(&self, epoch: &str, scope: Scope, why: String) -> Result<bool> {
        if let Scope::Conversation(conversation) = scope
            && store::heads::is_damaged(&mut *self.inner.db.read().await?, conversation).await?
        {
            return Ok(false);
        }
        // `unavailable` is the usual result.
        let _followed = self.begin_new_history(epoch, why).await;
        Ok(true)
    }

    /// Makes the writer compare its history with the database's, and follow the database if that has another.
    ///
    /// # Errors
    /// `unavailable` if it is another; the store's errors.
    pub async fn follow_history(&self) -> Result<()> {
        // Every transaction, even an empty one, begins with the comparison.
        let followed = self.inner.writer.change(&[], None, |_| Box::pin(async { Ok(()) })).await;
        self.inner.forget_people();
        followed
    }

    /// Writes a description of this node to the database.
    ///
    /// # Errors
    /// The store's.
    pub async fn say_about(&self, about: String) -> Result<()> {
        let db = self.inner.db.clone();
        self.inner
            .writer
            .change(&[], None, move |unit| {
                Box::pin(async move { Ok(store::nodes::say(&mut unit.conn, db.node(), &about).await?) })
            })
            .await
    }

    /// The place of the newest invalidation.
    ///
    /// # Errors
    /// The store's.
    pub async fn newest_invalidation(&self) -> Result<i64> {
        Ok(store::invalidations::newest(&mut *self.inner.db.read().await?).await?)
    }

    /// Deletes invalidations up to this place, and nodes that have not written for days.
    ///
    /// # Errors
    /// The store's.
    pub async fn forget_old(&self, place: i64) -> Result<()> {
        let db = self.inner.db.clone();
        self.inner
            .writer
            .change(&[], None, move |unit| {
                Box::pin(async move {
                    store::invalidations::forget(&mut unit.conn, place).await?;
                    Ok(db.forget_nodes(&mut unit.conn, unit.now).await?)
                })
            })
            .await
    }

    /// The heads of these conversations.
    ///
    /// # Errors
    /// The store's.
    pub async fn heads(&self, conversations: &[ConversationId]) -> Result<Vec<(ConversationId, Number)>> {
        Ok(store::conversations::heads(&mut *self.inner.db.read().await?, conversations).await?)
    }

    /// Those of these people, with their usernames, who are members of these conversations.
    ///
    /// # Errors
    /// The store's.
    pub async fn among(
        &self,
        users: &[UserId],
        conversations: &[ConversationId],
    ) -> Result<Vec<(ConversationId, UserId, String)>> {
        Ok(store::members::among(&mut *self.inner.db.read().await?, users, conversations).await?)
    }
}
