//! Saved messages: a person's own list, alike on all their devices. An entry outlives the person's membership and the
//! message itself, because only its person takes it off; the message is read anew each time, by those who may see it.

use std::collections::HashMap;

use chat::{
    AccountFact, ConversationId, Error, MessageId, Millis, Number, Reply, Result,
    conversations::Kind,
    messages::Message,
    saved::{SavedEntry, SavedMessage},
};
use store::Conn;

use crate::Call;

/// From the beginning of time to its end.
const ALWAYS: (Millis, Millis) = (Millis(0), Millis(i64::MAX));

impl Call {
    /// Saves a message; repeating it changes nothing.
    pub(crate) async fn save_message(&self, conversation: ConversationId, seq: Number) -> Result<Reply> {
        let (call, me) = (self.clone(), self.speaker.user);
        self.change(&[me.into()], move |unit| {
            Box::pin(async move {
                let access = call.access_in(&mut unit.conn, conversation).await?;
                let message = access.live_message(&mut unit.conn, seq).await?.id;
                if let Some(saved) = store::saved::one(&mut unit.conn, me, conversation, seq).await? {
                    return Ok(Reply::SavedMessage(saved));
                }
                call.require_room_to_save(&mut unit.conn).await?;
                let (saved_at, rev) = (unit.now, unit.next_number_of(me).await?);
                let saved = SavedMessage { message, conversation, seq, saved_at, rev };
                store::saved::save(&mut unit.conn, me, &saved).await?;
                unit.record_of(me, rev, AccountFact::MessageSaved(saved)).await?;
                Ok(Reply::SavedMessage(saved))
            })
        })
        .await
    }

    async fn require_room_to_save(&self, conn: &mut Conn) -> Result<()> {
        let most = self.settings.limits.saved_messages;
        if store::saved::count(conn, self.speaker.user).await? < most {
            return Ok(());
        }
        Err(Error::limit_reached(format!("You may save at most {most} messages: take some off first.")))
    }

    /// Takes a message off, even one that the person does not see any more.
    pub(crate) async fn unsave_message(&self, conversation: ConversationId, seq: Number) -> Result<Reply> {
        let me = self.speaker.user;
        self.change(&[me.into()], move |unit| {
            Box::pin(async move {
                if store::saved::unsave(&mut unit.conn, me, conversation, seq).await? {
                    let number = unit.next_number_of(me).await?;
                    unit.record_of(me, number, AccountFact::MessageUnsaved { conversation, seq }).await?;
                }
                Ok(Reply::Done)
            })
        })
        .await
    }

    /// A page of what the speaker has saved, with the messages if they are wanted.
    pub(crate) async fn saved_messages(&self, before: Option<Number>, limit: i64, messages: bool) -> Result<Reply> {
        let (me, limit) = (self.speaker.user, self.list_limit(limit));
        let mut conn = self.db.read().await?;
        let before = before.unwrap_or(Number(i64::MAX));
        let mut page = store::saved::before(&mut conn, me, before, limit + 1).await?;
        let more = page.len() as i64 > limit;
        page.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        let next = page.last().filter(|_| more).map(|saved| saved.rev);
        let ids: Vec<MessageId> = page.iter().map(|saved| saved.message).filter(|_| messages).collect();
        let mut seen: HashMap<MessageId, Message> = HashMap::new();
        if !ids.is_empty() {
            let found = store::messages::found(&mut conn, &ids, me, ALWAYS, &Kind::ALL).await?;
            seen.extend(found.into_iter().map(|message| (message.id, message)));
        }
        let entry = |saved: SavedMessage| SavedEntry { message: seen.remove(&saved.message), saved };
        Ok(Reply::SavedMessages { entries: page.into_iter().map(entry).collect(), next })
    }
}
