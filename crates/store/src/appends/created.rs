//! The event of a message that a batch has stored.

use chat::{Event, Fact, MessageId, Millis, Number, files::File, mentions::Mentions, messages::Message};

use super::joining::InThread;
use crate::writer::NewMessage;

/// The event that subscribers receive.
pub(super) fn created(
    append: &NewMessage,
    id: MessageId,
    (number, at): (Number, Millis),
    mentions: Mentions,
    (reply, files): (Option<InThread>, Vec<File>),
) -> Event {
    let message = Message {
        id,
        conversation: append.submission.conversation,
        seq: number,
        rev: number,
        author: append.author.user,
        author_name: append.author.username.clone(),
        author_shown_name: append.author.shown_name.clone(),
        author_role: append.author.role,
        message_type: append.submission.message_type,
        client_id: append.submission.client_id.clone(),
        text: Some(append.submission.text.clone()),
        parent: append.submission.parent,
        thread: reply.as_ref().map(|reply| reply.summary.root),
        also_in_room: reply.as_ref().is_some_and(|reply| reply.also_in_room),
        summary: None,
        created_at: at,
        edited_at: None,
        deleted_at: None,
        files,
        reactions: Vec::new(),
        mentions,
        preview: None,
    };
    Event {
        conversation: append.submission.conversation,
        number,
        actor: append.author.user,
        origin: append.origin,
        at,
        fact: Fact::MessageCreated(message),
        thread: reply.map(|reply| Box::new(reply.summary)),
    }
}
