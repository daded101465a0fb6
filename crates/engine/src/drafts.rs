//! Drafts: unsent texts, for all devices of their author. Only the author's own connections are sent their events.

use chat::{
    AccountFact, Error, Number, Reply, Result,
    drafts::{Draft, DraftKey, Saved},
};
use store::Unit;

use crate::{Call, text};

impl Call {
    pub(crate) async fn drafts(&self) -> Result<Reply> {
        Ok(Reply::Drafts(store::drafts::all(&mut *self.db.read().await?, self.speaker.user).await?))
    }

    /// Saves a draft. The later one wins; the replaced one is returned if this one was not begun from it.
    pub(crate) async fn save_draft(
        &self,
        key: DraftKey,
        text: String,
        parent: Option<Number>,
        since: Number,
    ) -> Result<Reply> {
        check_draft(key, &text, parent, self.settings.limits.message_length)?;
        let (call, me) = (self.clone(), self.speaker.user);
        self.change(&[me.into()], move |unit| {
            Box::pin(async move {
                call.require_may_write(unit, key).await?;
                let before = store::drafts::one(&mut unit.conn, me, key).await?;
                let mut draft = Draft { key, text, parent, rev: Number(0), saved_at: unit.now };
                if let Some(before) = before.clone().filter(|before| before.says_the_same(&draft)) {
                    return Ok(Reply::DraftSaved(Box::new(Saved { draft: before, replaced: None })));
                }
                if before.is_none() {
                    call.require_room_for_draft(unit).await?;
                }
                draft.rev = unit.next_number_of(me).await?;
                store::drafts::save(&mut unit.conn, me, &draft).await?;
                unit.record_of(me, draft.rev, AccountFact::DraftSaved(draft.clone())).await?;
                let replaced = before.filter(|before| before.rev != since);
                Ok(Reply::DraftSaved(Box::new(Saved { draft, replaced })))
            })
        })
        .await
    }

    /// Discards a draft, even in a conversation that the person has left: it is their own text.
    pub(crate) async fn discard_draft(&self, key: DraftKey) -> Result<Reply> {
        let me = self.speaker.user;
        self.change(&[me.into()], move |unit| {
            Box::pin(async move {
                if store::drafts::discard(&mut unit.conn, me, key).await? {
                    let number = unit.next_number_of(me).await?;
                    unit.record_of(me, number, AccountFact::DraftDiscarded(key)).await?;
                }
                Ok(Reply::Done)
            })
        })
        .await
    }

    /// Refuses unless the person is a member, the message to be edited exists and is theirs, and the thread exists.
    async fn require_may_write(&self, unit: &mut Unit, key: DraftKey) -> Result<()> {
        let access = self.access_in(&mut unit.conn, key.conversation).await?;
        if let Some(root) = key.thread {
            access.root(&mut unit.conn, root).await?;
        }
        let Some(seq) = key.edit else { return Ok(()) };
        let message = access.live_message(&mut unit.conn, seq).await?;
        if message.author != self.speaker.user {
            return Err(Error::forbidden("Only the author may edit a message."));
        }
        Ok(())
    }

    async fn require_room_for_draft(&self, unit: &mut Unit) -> Result<()> {
        let most = self.settings.limits.drafts_per_user;
        if store::drafts::count(&mut unit.conn, self.speaker.user).await? >= most {
            return Err(Error::limit_reached(format!("You may keep at most {most} drafts: discard one first.")));
        }
        Ok(())
    }
}

fn check_draft(key: DraftKey, text: &str, parent: Option<Number>, most: i64) -> Result<()> {
    if parent.is_some() {
        // Somebody has begun to answer a message, and written nothing yet.
        text::check_optional("text", text, most)?;
    } else {
        text::check("text", text, most)?;
    }
    if key.edit.is_some() && parent.is_some() {
        return Err(Error::invalid("parent", "parent does not belong to the draft of an edit."));
    }
    if key.edit.is_some() && key.thread.is_some() {
        return Err(Error::invalid("thread", "thread does not belong to the draft of an edit."));
    }
    let seqs = [("edit", key.edit), ("parent", parent), ("thread", key.thread)];
    if let Some((field, _)) = seqs.iter().find(|(_, seq)| seq.is_some_and(|seq| seq < Number(1))) {
        return Err(Error::invalid(field, format!("{field} must be the seq of a message: 1 or more.")));
    }
    Ok(())
}
