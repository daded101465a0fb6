//! Read and delivered markers, which only move forward. Whoever has marked a conversation as unread and reads on moves
//! that mark, too, which is a change of their account.

use chat::{
    ConversationId, Error, Number, Reply, Result, Scope,
    event::{Audience, Signal},
    markers::{Marker, Markers},
    notifications::ConversationSettings,
};
use store::Unit;

use crate::{Call, access::Access, notifications};

/// How many conversations are read to their end in one transaction, which locks them.
const TOGETHER: i64 = 100;

impl Call {
    pub(crate) async fn move_marker(&self, conversation: ConversationId, marker: Marker, seq: Number) -> Result<Reply> {
        if seq.0 < 0 {
            return Err(Error::invalid("seq", "seq must not be negative."));
        }
        // Hardly anybody has a mark, and a marker that moves should not lock its person's account.
        let moved = self.move_marker_of(conversation, marker, seq, false).await?;
        if let Some(markers) = moved {
            return Ok(Reply::Marker(markers));
        }
        self.move_marker_of(conversation, marker, seq, true).await?.map(Reply::Marker).ok_or_else(Error::internal)
    }

    /// Nothing is done and returned if the person has marked the conversation as unread, unless the account is locked.
    async fn move_marker_of(
        &self,
        conversation: ConversationId,
        marker: Marker,
        seq: Number,
        locks_account: bool,
    ) -> Result<Option<Markers>> {
        let call = self.clone();
        let mut scopes: Vec<Scope> = vec![conversation.into()];
        scopes.extend(locks_account.then_some(Scope::Account(self.speaker.user)));
        self.change(&scopes, move |unit| {
            Box::pin(async move {
                let access = call.access_in(&mut unit.conn, conversation).await?;
                let is_marked = marker == Marker::Read && access.settings.unread_from.is_some();
                if is_marked && !locks_account {
                    return Ok(None);
                }
                // A marker beyond the head would hide later messages.
                let seq = seq.min(access.conversation.head);
                let read = if marker == Marker::Read { seq } else { Number(0) };
                let markers = call.advance(unit, &access, read, seq).await?;
                if is_marked {
                    call.read_on(unit, &access, seq, markers.read_seq).await?;
                }
                Ok(Some(markers))
            })
        })
        .await
    }

    /// Moves markers forward and tells those who may know.
    async fn advance(&self, unit: &mut Unit, access: &Access, read: Number, delivered: Number) -> Result<Markers> {
        let (conversation, user) = (access.conversation.id, self.speaker.user);
        let moved = store::markers::advance(&mut unit.conn, conversation, user, read, delivered, unit.now).await?;
        let Some(markers) = moved else {
            let markers = store::markers::markers_of(&mut unit.conn, conversation, user).await?;
            return markers.ok_or_else(|| Error::not_found("conversation"));
        };
        let all = access.conversation.member_count <= self.settings.limits.presence_members;
        let to = if all { Audience::Members(conversation) } else { Audience::User(user) };
        unit.notify(to, Signal::MarkerMoved { conversation, markers });
        Ok(markers)
    }

    /// Moves the mark from which on the conversation is unread behind `seq`, and removes it at the end of what was read.
    async fn read_on(&self, unit: &mut Unit, access: &Access, seq: Number, read_seq: Number) -> Result<()> {
        let mark = access.settings.unread_from;
        let unread_from = if seq >= read_seq { None } else { mark.max(Some(seq.next())) };
        if unread_from == mark {
            return Ok(());
        }
        let settings = ConversationSettings { unread_from, ..access.settings };
        notifications::record(unit, access.conversation.id, self.speaker.user, settings).await
    }

    /// Reads all conversations to their ends, a bounded number of them in each transaction. Repeating it does no harm,
    /// and what comes meanwhile may stay unread.
    pub(crate) async fn read_all(&self) -> Result<Reply> {
        let mut after = ConversationId(0);
        loop {
            let user = self.speaker.user;
            let some = store::markers::unread(&mut *self.db.read().await?, user, after, TOGETHER).await?;
            let Some(last) = some.last() else { return Ok(Reply::Done) };
            after = *last;
            self.read_these(some).await?;
        }
    }

    async fn read_these(&self, conversations: Vec<ConversationId>) -> Result<()> {
        let call = self.clone();
        let mut scopes: Vec<Scope> = conversations.iter().map(|id| (*id).into()).collect();
        scopes.push(self.speaker.user.into());
        self.change(&scopes, move |unit| {
            Box::pin(async move {
                for conversation in conversations {
                    // They may have left it since.
                    let Ok(access) = call.access_in(&mut unit.conn, conversation).await else { continue };
                    let head = access.conversation.head;
                    let markers = call.advance(unit, &access, head, head).await?;
                    if access.settings.unread_from.is_some() {
                        call.read_on(unit, &access, head, markers.read_seq).await?;
                    }
                }
                Ok(())
            })
        })
        .await
    }

    pub(crate) async fn markers(&self, conversation: ConversationId) -> Result<Reply> {
        let mut conn = self.db.read().await?;
        self.access_in(&mut conn, conversation).await?;
        Ok(Reply::Markers(store::markers::markers(&mut conn, conversation).await?))
    }
}
