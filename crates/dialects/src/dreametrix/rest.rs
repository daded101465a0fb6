//! The old REST interface, in its shapes: which request is for what.

use chat::{Error, ErrorCode};

use super::{fields::Fields, messages, rooms, steps::Caller, views};
use crate::rest::{Call, Desk, Found, Misrouted, Request, Routes};

/// The purpose of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Rooms,
    CreateRoom { first_message: bool },
    Room,
    UpdateRoom,
    DeleteRoom,
    MarkAsRead,
    Messages,
    CreateMessage,
    Message,
    UpdateMessage,
    DeleteMessage,
}

const ROUTES: &Routes<Operation> = &[
    ("GET", "/chats/rooms/", Operation::Rooms),
    ("POST", "/chats/rooms/", Operation::CreateRoom { first_message: false }),
    ("POST", "/chats/rooms/create/", Operation::CreateRoom { first_message: true }),
    ("GET", "/chats/rooms/{id}/", Operation::Room),
    ("PUT", "/chats/rooms/{id}/", Operation::UpdateRoom),
    ("PATCH", "/chats/rooms/{id}/", Operation::UpdateRoom),
    ("DELETE", "/chats/rooms/{id}/", Operation::DeleteRoom),
    ("POST", "/chats/rooms/{id}/mark_as_read/", Operation::MarkAsRead),
    ("GET", "/chats/messages/", Operation::Messages),
    ("POST", "/chats/messages/", Operation::CreateMessage),
    ("POST", "/chats/messages/create/", Operation::CreateMessage),
    ("GET", "/chats/messages/{id}/", Operation::Message),
    ("PUT", "/chats/messages/{id}/", Operation::UpdateMessage),
    ("PATCH", "/chats/messages/{id}/", Operation::UpdateMessage),
    ("DELETE", "/chats/messages/{id}/", Operation::DeleteMessage),
];

/// Finds the operation of a method and a path (still percent-encoded). The final slash may be missing.
///
/// # Errors
/// `unknown_command` (404), `method_not_allowed` (405), or `malformed` (400) if the path is not UTF-8.
pub(crate) fn route(method: &str, path: &str) -> Result<Found<Operation>, Misrouted> {
    Found::among(ROUTES, method, &format!("{}/", path.strip_suffix('/').unwrap_or(path)))
}

/// Reads a request.
///
/// # Errors
/// The refusal of a faulty request.
pub(crate) fn request(matched: &Found<Operation>, request: &Request<'_>) -> Result<Call, Error> {
    let speaker = request.speaker.ok_or_else(|| Error::new(ErrorCode::Unauthenticated, "A token is needed."))?;
    let (desk, pending) = Desk::new();
    let caller = Caller { speaker: speaker.clone(), desk };
    let named = matched.first();
    let fields = || Fields::body(request.body);
    let step = match matched.operation {
        Operation::Rooms => rooms::list(caller, request, matched.path)?,
        Operation::CreateRoom { first_message } => rooms::create(caller, &fields()?, first_message)?,
        Operation::Room => rooms::get(caller, rooms::named(named)?),
        Operation::UpdateRoom => rooms::update(caller, rooms::named(named)?, &fields()?)?,
        Operation::DeleteRoom => rooms::delete(caller, rooms::named(named)?),
        Operation::MarkAsRead => rooms::mark_as_read(caller, rooms::named(named)?),
        Operation::Messages => messages::list(caller, request, matched.path)?,
        Operation::CreateMessage => messages::create(caller, &fields()?)?,
        Operation::Message => messages::get(caller, messages::named(named)?),
        Operation::UpdateMessage => messages::update(caller, messages::named(named)?, &fields()?)?,
        Operation::DeleteMessage => messages::delete(caller, messages::named(named)?),
    };
    Ok(Call { step, pending })
}

/// The status and the body of a refusal.
#[must_use]
pub fn problem(error: &Error) -> (u16, String) {
    (error.code.status(), views::problem(error))
}
