//! What this node must know of changes that others made: read again from the database, never taken on trust.

use chat::{ConversationId, Error, Number, Result, SessionId, UserId, conversations::Listed, sessions::Standing};

use store::{Epoch, Invalidation};

use crate::{Engine, sessions};

impl Engine {
    /// What is still true of a person and of these sessions of theirs. What was remembered of tokens is forgotten.
    ///
    /// # Errors
    /// `not_found`, or the store's.
    pub async fn standing(&self, user: UserId, sessions: &[SessionId]) -> Result<Standing> {
        self.inner.speakers.invalidate_all();
        let mut conn = self.inner.db.read().await?;
        let account = store::accounts::by_id(&mut conn, user).await?.ok_or_else(|| Error::not_found("user"))?;
        let asked: Vec<(SessionId, UserId)> = sessions.iter().map(|session| (*session, user)).collect();
        let now = self.now();
        let live = store::sessions::live(&mut conn, &asked, now).await?;
        let live = live.into_iter().map(|(session, until)| (session, sessions::left(until, now))).collect();
        Ok(Standing { active: account.active, role: account.role, live })
    }

    /// A conversation as this person sees it; nothing if they do not belong to it.
    ///
    /// # Errors
    /// The store's.
    pub async fn listed_for(&self, user: UserId, conversation: ConversationId) -> Result<Option<Listed>> {
        let mut conn = self.inner.db.read().await?;
        let entry = store::listing::entry(&mut conn, user, conversation).await?;
        Ok(self.complete(&mut conn, user, entry.into_iter().collect()).await?.pop())
    }

    /// The number from which on a person sees a conversation's messages now; nothing if they are no member.
    ///
    /// # Errors
    /// The store's.
    pub async fn sees_from(&self, user: UserId, conversation: ConversationId) -> Result<Option<Number>> {
        let found = store::members::membership(&mut *self.inner.db.read().await?, conversation, user).await?;
        Ok(found.map(|membership| membership.visible_from))
    }

    /// Says in the database that this node cannot tell others what happens.
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

    /// Why the database takes no writes, if it takes none.
    ///
    /// # Errors
    /// The store's.
    pub async fn read_only(&self) -> Result<Option<&'static str>> {
        Ok(store::standby::read_only(&mut *self.inner.db.read().await?).await?)
    }

    /// The history of the database that this node knows.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.inner.db.epochs().borrow().clone()
    }

    /// Something is gone that was seen committed in the history with this epoch: a new one begins, unless one has
    /// begun already. In words for the operator.
    ///
    /// # Errors
    /// `unavailable`: the one error that is the rule here.
    pub async fn begin_new_history(&self, epoch: &str, why: String) -> Result<()> {
        if self.inner.db.note_lost(epoch, why) { self.follow_history().await } else { Ok(()) }
    }

    /// Has the writer compare the history with the database's and go over to that, if it is another.
    ///
    /// # Errors
    /// `unavailable` if it is; the store's.
    pub async fn follow_history(&self) -> Result<()> {
        // Each transaction begins with it, also an empty one.
        let followed = self.inner.writer.change(&[], None, |_| Box::pin(async { Ok(()) })).await;
        self.inner.speakers.invalidate_all();
        followed
    }

    /// Says in the database what this node is like.
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

    /// Forgets invalidations up to this place, and nodes that have not written for days.
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

    /// Which of these people, with their names, belong to which of these conversations.
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
