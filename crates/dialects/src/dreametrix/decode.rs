//! Frames to steps. The document's frames and those of the web client are understood alike.

use chat::{
    Command, ConversationId, Error, ErrorCode, Query,
    accounts::Speaker,
    messages::{MessageType, Submission},
    presence::Presence,
    threads::Target,
};

use super::{encode, fields::Fields, frames, ids::RoomRef};
use crate::{Step, input::Text};

/// Reads a frame as a step. The connection was authenticated by its handshake.
#[must_use]
pub fn decode(speaker: Option<&Speaker>, frame: &str) -> Step {
    if speaker.is_none() {
        return refuse(&Error::new(ErrorCode::Unauthenticated, "The handshake had no credential."));
    }
    understand(frame).unwrap_or_else(|error| refuse(&error))
}

fn refuse(error: &Error) -> Step {
    Step::Refuse(vec![encode::refusal(error)])
}

/// The refusal of what was asked of a room. One that is not there and one that is not the speaker's are the same.
fn refused(error: &Error) -> String {
    match error.code {
        ErrorCode::NotFound => frames::error("Invalid room ID"),
        _ => encode::refusal(error),
    }
}

fn understand(frame: &str) -> Result<Step, Error> {
    let fields = Fields::json(frame)?;
    let kind: Text = fields.need_at_top("type")?;
    match kind.0.as_str() {
        "join_room" => in_room(&fields, |room| hear(room, true)),
        "leave_room" => in_room(&fields, |room| hear(room, false)),
        "send_message" | "message" => {
            let content: Text = fields.need("content")?;
            in_room(&fields, |room| send(room, content.0))
        }
        "typing_start" => in_room(&fields, |room| typing(room, true)),
        "typing_stop" => in_room(&fields, |room| typing(room, false)),
        "typing" => {
            let is_typing = fields.need("is_typing")?;
            in_room(&fields, |room| typing(room, is_typing))
        }
        "user_status" => user_status(&fields.need::<Text>("status")?.0),
        "heartbeat" => Ok(Step::Say(vec![frames::bare("heartbeat_ack")])),
        "ping" => Ok(Step::Say(vec![frames::bare("pong")])),
        // The web client says by it who it thinks it is. Who it is, the handshake has shown.
        "auth" => Ok(Step::Say(Vec::new())),
        _ => Err(Error::new(ErrorCode::UnknownCommand, "Unknown message type")),
    }
}

/// Does something in the room of a frame, if it can be one.
fn in_room(fields: &Fields<'_>, act: impl FnOnce(ConversationId) -> Step) -> Result<Step, Error> {
    Ok(match fields.need("room_id")? {
        RoomRef(Some(room)) => act(room),
        RoomRef(None) => Step::Say(vec![refused(&Error::not_found("room"))]),
    })
}

/// Turns a room on or off for this connection, which takes a membership.
fn hear(room: ConversationId, hears: bool) -> Step {
    let told = if hears { "room_joined" } else { "room_left" };
    let tune = move || Step::Tune {
        conversation: room,
        hears,
        then: Box::new(move |tuned| {
            Step::Say(vec![match tuned {
                Ok(()) => frames::in_room(told, room),
                Err(error) => refused(&error),
            }])
        }),
    };
    Step::Ask(
        Query::Conversation(room),
        Box::new(move |reply| match reply {
            Ok(_) => tune(),
            Err(error) => Step::Say(vec![refused(&error)]),
        }),
    )
}

/// The sender learns of it as all others do, by the message itself.
fn send(conversation: ConversationId, text: String) -> Step {
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
    Step::Send(submission, Box::new(|sent| sent.err().iter().map(refused).collect()))
}

fn typing(conversation: ConversationId, typing: bool) -> Step {
    quietly(Command::Typing { conversation, thread: None, typing })
}

fn user_status(status: &str) -> Result<Step, Error> {
    let presence = match status {
        "online" => Presence::Online,
        "away" => Presence::Away,
        "busy" => Presence::Busy,
        // A page says so when it is closed, and whoever wants to be shown as gone.
        "offline" => Presence::Invisible,
        _ => return Err(Error::invalid("status", "status must be one of online, away, busy, offline.")),
    };
    Ok(quietly(Command::SetPresenceHere(presence)))
}

/// Does what is answered only if it is refused.
fn quietly(command: Command) -> Step {
    Step::Do(Box::new(command), Box::new(|reply| Step::Say(reply.err().iter().map(refused).collect())))
}
