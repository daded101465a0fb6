//! Messages: sending, editing, deleting.

use chat::{
    ConnectionId, ConversationId, Error, Fact, Number, Reply, Result, Scope,
    accounts::Speaker,
    mentions::Called,
    messages::{Message, Sent, Submission},
    policies::Ability,
    threads::ThreadKey,
};
use store::{Append, NewMessage};
use tokio::sync::oneshot;

use crate::{Call, Inner, previews, text};

/// Checks what can be checked without the database. The rest is checked in the transaction, together with the
/// membership and the counter (`store::appends`).
fn check_send(inner: &Inner, submission: &Submission) -> Result<()> {
    let (limits, files) = (&inner.settings.limits, &submission.files);
    if files.is_empty() {
        return text::check("text", &submission.text, limits.message_length);
    }
    text::check_optional("text", &submission.text, limits.message_length)?;
    let most = limits.files_per_message;
    if i64::try_from(files.len()).is_ok_and(|count| count > most) {
        return Err(Error::invalid(
            "files",
            format!("A message may have at most {most} files; this has {}.", files.len()),
        ));
    }
    match (1..files.len()).find(|at| files[..*at].contains(&files[*at])) {
        Some(at) => Err(Error::invalid(&format!("/files/{at}"), "This file is named twice.")),
        None => Ok(()),
    }
}

pub(crate) async fn send(
    inner: &Inner,
    speaker: &Speaker,
    submission: Submission,
    origin: Option<ConnectionId>,
    done: Box<dyn FnOnce(Result<Sent>) + Send>,
) {
    if let Err(error) = check_send(inner, &submission) {
        done(Err(error));
        return;
    }
    metrics::counter!("chat_messages_received_total").increment(1);
    let called = Some(Called::of_text(&submission.text)).filter(|called| !called.is_empty()).map(Box::new);
    let unconfirmed = inner.settings.limits.mentions_unconfirmed;
    let has_link = previews::has_link(inner, &submission.text);
    let message = NewMessage { author: speaker.clone(), submission, origin, called, unconfirmed, has_link };
    inner.writer.append(Append { message, done }).await;
}

impl Call {
    pub(crate) async fn send_and_wait(&self, submission: Submission) -> Result<Sent> {
        let (answer, outcome) = oneshot::channel();
        let done = Box::new(move |sent| {
            // The message is stored even if the asker has gone.
            let _gone = answer.send(sent);
        });
        send(self, &self.speaker, submission, self.origin, done).await;
        outcome.await.unwrap_or_else(|_| Err(Error::internal()))
    }

    pub(crate) async fn edit_message(&self, conversation: ConversationId, seq: Number, text: String) -> Result<Reply> {
        text::check_optional("text", &text, self.settings.limits.message_length)?;
        let call = self.clone();
        self.change(&[conversation.into()], move |unit| {
            Box::pin(async move {
                let access = call.access_in(&mut unit.conn, conversation).await?;
                let message = access.live_message(&mut unit.conn, seq).await?;
                access.may_say(&message)?;
                if message.author != call.speaker.user {
                    return Err(Error::forbidden("Only its author may edit a message."));
                }
                if message.files.is_empty() {
                    text::check("text", &text, call.settings.limits.message_length)?;
                }
                if message.text.as_deref() == Some(text.as_str()) {
                    return Ok(Reply::Message(Box::new(message)));
                }
                let mentions = call.mentions_of_edit(&mut unit.conn, &access, &message, &text).await?;
                let number = unit.next_number(conversation).await?;
                let now = unit.now;
                store::mentions::change(&mut unit.conn, &message, &mentions, number, now).await?;
                call.keep_version(unit, &access, &message, number).await?;
                call.preview_after_edit(unit, &message, &text, access.conversation.previews).await?;
                store::messages::edit(&mut unit.conn, conversation, seq, &text, number, now).await?;
                let message = changed(unit, conversation, seq).await?;
                unit.record(conversation, number, call.speaker.user, Fact::MessageEdited(message.clone()));
                Ok(Reply::Message(Box::new(message)))
            })
        })
        .await
    }

    pub(crate) async fn delete_message(&self, conversation: ConversationId, seq: Number) -> Result<Reply> {
        let call = self.clone();
        self.change(&[conversation.into()], move |unit| {
            Box::pin(async move {
                let access = call.access_in(&mut unit.conn, conversation).await?;
                let message = access.live_message(&mut unit.conn, seq).await?;
                if message.author != call.speaker.user {
                    access.may(Ability::DeleteOthers)?;
                }
                let number = unit.next_number(conversation).await?;
                let now = unit.now;
                store::messages::delete(&mut unit.conn, &message, number, now).await?;
                let thread = match message.thread {
                    Some(root) => {
                        let key = ThreadKey { conversation, root };
                        Some(store::threads::lose_reply(&mut unit.conn, key, number).await?)
                    }
                    None => None,
                };
                let message = changed(unit, conversation, seq).await?;
                let fact = Fact::MessageDeleted(message.clone());
                unit.record_with(conversation, number, call.speaker.user, fact, thread);
                Ok(Reply::Message(Box::new(message)))
            })
        })
        .await
    }

    /// Runs a change that numbers these scopes, in the next transaction.
    pub(crate) async fn change<T, F>(&self, scopes: &[Scope], work: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'u> FnOnce(&'u mut store::Unit) -> store::writer::Work<'u, T> + Send + 'static,
    {
        self.writer.change(scopes, self.origin, work).await
    }
}

/// The message after a change. The thread about it has not changed with it, and is told apart.
pub(crate) async fn changed(unit: &mut store::Unit, conversation: ConversationId, seq: Number) -> Result<Message> {
    let message = store::messages::one(&mut unit.conn, conversation, seq).await?.ok_or_else(Error::internal)?;
    Ok(Message { summary: None, ..message })
}
