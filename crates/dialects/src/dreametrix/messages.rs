//! The requests about messages.

use chat::{
    Command, Error, MessageId,
    messages::{Message, MessageType, Submission},
    threads::Target,
};

use super::{
    fields::{Fields, missing},
    ids::{Noun, RoomRef, parse},
    pages::{Limits, Parameters},
    rooms,
    steps::{Caller, anything, message},
    views::{self, Readers, spoken},
};
use crate::{
    Step,
    input::Text,
    output::write,
    rest::{Request, RestAnswer},
};

/// Messages on a page.
const LIST: Limits = Limits { usual: 50, most: 200 };

/// The message that a text names.
///
/// # Errors
/// `not_found`.
pub(super) fn named(text: &str) -> Result<MessageId, Error> {
    parse(Noun::Message, text).flatten().map(MessageId).ok_or_else(|| Error::not_found("message"))
}

/// `GET /chats/messages/`
pub(super) fn list(caller: Caller, request: &Request<'_>, path: &str) -> Result<Step, Error> {
    let parameters = Parameters::read(request.query)?;
    let room = parameters.text("chat").ok_or_else(|| missing("chat"))?;
    RoomRef::parse(room).ok_or_else(|| Error::invalid("chat", "chat must be the id or the uuid of a room."))?;
    let id = rooms::named(room)?;
    let part = parameters.part(request, path, LIST)?;
    Ok(caller.room(id, move |caller, room| {
        caller.timeline(id, part.offset, part.limit, move |caller, (messages, count)| {
            caller.readers(&room.conversation, move |caller, readers| {
                let shown = messages.iter().map(|message| views::Message::with_person(message, &readers));
                caller.answer(200, &part.page(count, shown.collect()))
            })
        })
    }))
}

/// `POST /chats/messages/` and `POST /chats/messages/create/`
pub(super) fn create(caller: Caller, fields: &Fields<'_>) -> Result<Step, Error> {
    let room: RoomRef = match fields.get("chat_room_id")? {
        Some(room) => room,
        None => match fields.get("chat")? {
            Some(room) => room,
            None => fields.get("room_id")?.ok_or_else(|| missing("chat_room_id"))?,
        },
    };
    let message_type = message_type(fields)?;
    let text = content(fields)?;
    let conversation = room.0.ok_or_else(|| Error::not_found("room"))?;
    let submission =
        Submission { conversation, client_id: None, message_type, text, parent: None, target: Target::Unaware };
    Ok(Step::Send(
        submission.clone(),
        Box::new(move |sent| {
            caller.desk.put(sent.map(|sent| {
                let message = spoken(&caller.speaker, submission, &sent);
                // Nobody can have read it yet.
                let body = write(&views::Message::with_person(&message, &Readers::Many));
                RestAnswer::json(201, body)
            }));
            Vec::new()
        }),
    ))
}

fn message_type(fields: &Fields<'_>) -> Result<MessageType, Error> {
    let Some(name) = fields.get::<Text>("message_type")? else { return Ok(MessageType::Text) };
    MessageType::from_name(&name.0).ok_or_else(|| {
        let names = MessageType::ALL.map(MessageType::name).join(", ");
        Error::invalid("message_type", format!("message_type must be one of {names}."))
    })
}

/// A message's text. The web client sends an emoji in a field of its own, beside an empty content or none.
fn content(fields: &Fields<'_>) -> Result<String, Error> {
    let content = fields.get::<Text>("content")?.map(|content| content.0);
    let emoji = fields.get::<Text>("emoji")?.map(|emoji| emoji.0).filter(|emoji| !emoji.is_empty());
    let said = content.clone().filter(|content| !content.is_empty());
    said.or(emoji).or(content).ok_or_else(|| missing("content"))
}

/// `GET /chats/messages/{id}/`
pub(super) fn get(caller: Caller, id: MessageId) -> Step {
    caller.message(id, show)
}

/// Shows a message with who has read it.
fn show(caller: Caller, message: Message) -> Step {
    caller.room(message.conversation, move |caller, room| {
        caller.readers(&room.conversation, move |caller, readers| {
            caller.answer(200, &views::Message::with_person(&message, &readers))
        })
    })
}

/// `PUT` and `PATCH /chats/messages/{id}/`
pub(super) fn update(caller: Caller, id: MessageId, fields: &Fields<'_>) -> Result<Step, Error> {
    let text = content(fields)?;
    Ok(caller.message(id, move |caller, Message { conversation, seq, .. }| {
        caller.act(Command::EditMessage { conversation, seq, text }, message, show)
    }))
}

/// `DELETE /chats/messages/{id}/`
pub(super) fn delete(caller: Caller, id: MessageId) -> Step {
    caller.message(id, |caller, Message { conversation, seq, .. }| {
        caller.act(Command::DeleteMessage { conversation, seq }, anything, |caller, ()| caller.done())
    })
}
