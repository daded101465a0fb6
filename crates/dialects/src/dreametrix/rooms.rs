//! The requests about rooms: all conversations of the speaker, whatever their kind.

use chat::{
    Command, ConversationId, Error, ErrorCode, Reply, UserId,
    conversations::{Kind, Listed},
    markers::Marker,
    members::Member,
    messages::{MessageType, Sent, Submission},
    threads::Target,
};
use serde::Serialize;

use super::{
    fields::Fields,
    ids::RoomRef,
    pages::{Limits, Parameters, Part},
    steps::{Caller, anything, listed, members, members_of},
    views::{Room, matches, spoken},
};
use crate::{
    Step,
    input::{Integer, Text},
    rest::{Request, RestAnswer},
    steps::conversations,
};

/// Rooms on a page of the list.
const LIST: Limits = Limits { usual: 20, most: 100 };
/// The list is filtered and counted here; it ends here.
const LIST_END: usize = 5_000;
/// Messages that are told with a room.
const MESSAGES: i64 = 200;

/// The room that a text names.
///
/// # Errors
/// `not_found`.
pub(super) fn named(text: &str) -> Result<ConversationId, Error> {
    RoomRef::parse(text).and_then(|room| room.0).ok_or_else(|| Error::not_found("room"))
}

/// `GET /chats/rooms/`
pub(super) fn list(caller: Caller, request: &Request<'_>, path: &str) -> Result<Step, Error> {
    let parameters = Parameters::read(request.query)?;
    let wanted = |name| parameters.text(name).map(str::to_owned);
    let (name, details) = (wanted("name"), wanted("details"));
    let part = parameters.part(request, path, LIST)?;
    Ok(conversations(
        LIST_END,
        |_| true,
        Box::new(move |found| match found {
            Err(error) => caller.refuse(error),
            Ok(mut rooms) => {
                rooms.retain(|room| matches(room, name.as_deref(), details.as_deref()));
                let count = i64::try_from(rooms.len()).unwrap_or(i64::MAX);
                let skipped = usize::try_from(part.offset).unwrap_or(usize::MAX);
                let length = usize::try_from(part.limit).unwrap_or_default();
                let page: Vec<Listed> = rooms.into_iter().skip(skipped).take(length).collect();
                let done = Vec::with_capacity(page.len());
                with_members(caller, page.into_iter(), done, move |caller, rooms| show(&caller, &part, count, &rooms))
            }
        }),
    ))
}

fn show(caller: &Caller, part: &Part, count: i64, rooms: &[(Listed, Vec<Member>)]) -> Step {
    let rooms = rooms.iter().map(|(room, members)| Room::new(room, members, &caller.speaker));
    caller.answer(200, &part.page(count, rooms.collect()))
}

/// Adds its members to each room. One that the speaker has just left is not shown.
fn with_members(
    caller: Caller,
    mut rooms: std::vec::IntoIter<Listed>,
    mut done: Vec<(Listed, Vec<Member>)>,
    then: impl FnOnce(Caller, Vec<(Listed, Vec<Member>)>) -> Step + Send + 'static,
) -> Step {
    let Some(room) = rooms.next() else { return then(caller, done) };
    Step::Ask(
        members_of(room.conversation.id),
        Box::new(move |reply: Result<Reply, Error>| {
            match reply.and_then(|reply| members(reply).ok_or_else(Error::internal)) {
                Ok(members) => done.push((room, members)),
                Err(error) if error.code == ErrorCode::NotFound => {}
                Err(error) => return caller.refuse(error),
            }
            with_members(caller, rooms, done, then)
        }),
    )
}

/// `GET /chats/rooms/{id}/`
pub(super) fn get(caller: Caller, id: ConversationId) -> Step {
    caller.room(id, move |caller, room| {
        caller.members(id, move |caller, members| {
            caller.timeline(id, 0, MESSAGES, move |caller, (messages, _)| {
                caller.readers(&room.conversation.clone(), move |caller, readers| {
                    let room = Room::new(&room, &members, &caller.speaker).with_messages(&messages, &readers);
                    caller.answer(200, &room)
                })
            })
        })
    })
}

/// `POST /chats/rooms/` and `POST /chats/rooms/create/`, which alone knows a first message.
pub(super) fn create(caller: Caller, fields: &Fields<'_>, first_message: bool) -> Result<Step, Error> {
    let mut others: Vec<UserId> = fields.list("participants")?.into_iter().map(|Integer(id)| UserId(id)).collect();
    others.sort_unstable();
    others.dedup();
    others.retain(|user| *user != caller.speaker.user);
    let is_group = fields.get("is_group")?.unwrap_or(false) || others.len() > 1;
    let details = text(fields, "details")?;
    let first = if first_message { text(fields, "initial_message")? } else { None };
    if is_group {
        let name: Text = fields.need("name")?;
        let create = Command::CreateGroup { name: Some(name.0), members: others, client_id: None };
        return Ok(caller.act(create, listed, move |caller, room| match details {
            Some(details) => describe(caller, room.conversation.id, details, first),
            None => open(caller, room, first),
        }));
    }
    // A direct conversation is known by its pair: it has no name and no details of its own.
    let alone = || Error::invalid("participants", "participants must name somebody else, or is_group must be true.");
    let user = others.first().copied().ok_or_else(alone)?;
    Ok(caller.act(Command::OpenDirect { user }, listed, move |caller, room| open(caller, room, first)))
}

/// A text that is given and not empty.
fn text(fields: &Fields<'_>, name: &str) -> Result<Option<String>, Error> {
    Ok(fields.get::<Text>(name)?.map(|text| text.0).filter(|text| !text.trim().is_empty()))
}

fn describe(caller: Caller, conversation: ConversationId, details: String, first: Option<String>) -> Step {
    let update = Command::UpdateConversation {
        conversation,
        name: None,
        topic: Some(Some(details)),
        visibility: None,
        edit_history: None,
        previews: None,
    };
    caller.act(update, listed, move |caller, room| open(caller, room, first))
}

/// Says the first message in a new room, if there is one, and shows the room.
fn open(caller: Caller, room: Listed, first: Option<String>) -> Step {
    let conversation = room.conversation.id;
    caller.members(conversation, move |caller, members| match first {
        None => caller.answer(201, &Room::new(&room, &members, &caller.speaker)),
        Some(text) => {
            let submission = Submission {
                conversation,
                client_id: None,
                message_type: MessageType::Text,
                text,
                parent: None,
                files: Vec::new(),
                target: Target::Unaware,
                ..Submission::default()
            };
            Step::Send(
                submission.clone(),
                Box::new(move |sent| {
                    opened(&caller, room, &members, submission, sent);
                    Vec::new()
                }),
            )
        }
    })
}

fn opened(caller: &Caller, room: Listed, members: &[Member], submission: Submission, sent: Result<Sent, Error>) {
    let outcome = match sent {
        Ok(sent) => {
            let room = Listed { last_message: Some(spoken(&caller.speaker, submission, &sent)), ..room };
            let body = crate::output::write(&Room::new(&room, members, &caller.speaker));
            Ok(RestAnswer::json(201, body))
        }
        Err(error) if error.field.as_deref() == Some("/text") => {
            let detail = error.detail.replacen("text", "initial_message", 1);
            Err(Error { field: Some("/initial_message".into()), detail, ..error })
        }
        Err(error) => Err(error),
    };
    caller.desk.put(outcome);
}

/// `PUT` and `PATCH /chats/rooms/{id}/`
pub(super) fn update(caller: Caller, id: ConversationId, fields: &Fields<'_>) -> Result<Step, Error> {
    let name = fields.get::<Text>("name")?.map(|name| name.0);
    let details = fields.get::<Text>("details")?.map(|details| details.0);
    let topic = details.map(|details| Some(details).filter(|details| !details.is_empty()));
    let update = Command::UpdateConversation {
        conversation: id,
        name,
        topic,
        visibility: None,
        edit_history: None,
        previews: None,
    };
    Ok(caller.act(update, listed, move |caller, room| {
        caller.members(id, move |caller, members| caller.answer(200, &Room::new(&room, &members, &caller.speaker)))
    }))
}

/// `DELETE /chats/rooms/{id}/`: for the speaker alone.
pub(super) fn delete(caller: Caller, id: ConversationId) -> Step {
    caller.room(id, move |caller, room| {
        let command = match room.conversation.kind {
            Kind::Room | Kind::Group => Command::LeaveConversation(id),
            Kind::Direct => Command::HideConversation(id),
        };
        caller.act(command, anything, |caller, ()| caller.done())
    })
}

/// `POST /chats/rooms/{id}/mark_as_read/`
pub(super) fn mark_as_read(caller: Caller, id: ConversationId) -> Step {
    #[derive(Serialize)]
    struct Success {
        success: bool,
    }
    caller.room(id, move |caller, room| {
        let mark = Command::MoveMarker { conversation: id, marker: Marker::Read, seq: room.conversation.head };
        caller.act(mark, anything, |caller, ()| caller.answer(200, &Success { success: true }))
    })
}
