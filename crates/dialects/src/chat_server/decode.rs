//! Frames to steps.

use chat::{
    Command, Error, ErrorCode, Query, Reply, UserId,
    accounts::Speaker,
    conversations::{Conversation, Kind},
    messages::{MessageType, Submission},
    threads::Target,
};
use serde::Deserialize;

use super::{frames, steps};
use crate::{
    Step,
    input::{Integer, Text, read},
    steps::direct_with,
};

/// Reads a frame as a step. The connection was authenticated by its handshake.
#[must_use]
pub fn decode(speaker: Option<&Speaker>, frame: &str) -> Step {
    let Some(speaker) = speaker else {
        return refuse(&Error::new(ErrorCode::Unauthenticated, "The handshake had no credential."));
    };
    understand(speaker, frame).unwrap_or_else(|error| refuse(&error))
}

fn refuse(error: &Error) -> Step {
    Step::Refuse(vec![frames::error(&frames::words(error))])
}

fn say(words: &str) -> Step {
    Step::Say(vec![frames::error(words)])
}

/// A refusal in the old server's words where it had some for what is missing, else in ours.
fn refused(error: &Error, missing: &str) -> Step {
    if error.code == ErrorCode::NotFound { say(missing) } else { say(&frames::words(error)) }
}

#[derive(Deserialize)]
struct Tag {
    #[serde(rename = "type")]
    kind: Text,
}

#[derive(Deserialize)]
struct InRoom {
    room: Text,
}

#[derive(Deserialize)]
struct ToRoom {
    room: Text,
    content: Text,
}

#[derive(Deserialize)]
struct ToPerson {
    to: Integer,
    content: Text,
}

#[derive(Deserialize)]
struct RoomHistory {
    room: Text,
    limit: Option<i64>,
}

#[derive(Deserialize)]
struct PersonHistory {
    with: Integer,
    limit: Option<i64>,
}

#[derive(Deserialize)]
struct Writing {
    room: Option<Text>,
    to: Option<Integer>,
    #[serde(rename = "isTyping")]
    is_typing: Option<bool>,
}

fn understand(speaker: &Speaker, frame: &str) -> Result<Step, Error> {
    let unreadable = || Error::new(ErrorCode::Malformed, "The frame is not a JSON object.");
    // Said apart from a wrong field: the whole frame is no JSON, or no object.
    serde_json::from_str::<std::collections::BTreeMap<String, &serde_json::value::RawValue>>(frame)
        .map_err(|_| unreadable())?;
    let tag: Tag = read(frame)?;
    Ok(match tag.kind.0.as_str() {
        "join" => join(read::<InRoom>(frame)?.room.0),
        "message" => {
            let ToRoom { room, content } = read(frame)?;
            message(room.0, content.0)
        }
        "dm" => {
            let ToPerson { to, content } = read(frame)?;
            dm(UserId(to.0), content.0)
        }
        "room_history" => {
            let RoomHistory { room, limit } = read(frame)?;
            room_history(room.0, limit)
        }
        "dm_history" => {
            let PersonHistory { with, limit } = read(frame)?;
            dm_history(speaker.user, UserId(with.0), limit)
        }
        "leave" => leave(read::<InRoom>(frame)?.room.0),
        "typing" => typing(read(frame)?),
        _ => return Err(Error::new(ErrorCode::UnknownCommand, "There is no such type.")),
    })
}

fn join(room: String) -> Step {
    steps::enter(
        room,
        Box::new(|room| match room {
            Ok(room) => Step::Say(vec![frames::in_room("join_ack", &name(room))]),
            Err(error) => refused(&error, "Room inexistante."),
        }),
    )
}

fn name(room: Conversation) -> String {
    room.name.unwrap_or_default()
}

/// The refusal of an empty text, before a room is entered or a conversation opened for it.
fn empty(content: &str) -> Option<Step> {
    (!chat::names::has_visible(content))
        .then(|| say(&frames::words(&Error::invalid("text", "text must not be empty."))))
}

fn message(room: String, content: String) -> Step {
    if let Some(refusal) = empty(&content) {
        return refusal;
    }
    steps::enter(
        room,
        Box::new(|room| match room {
            Ok(room) => send(&room, content, |room| frames::in_room("message_sent", &name(room))),
            Err(error) => refused(&error, "Impossible d'envoyer un message à une room inexistante."),
        }),
    )
}

fn dm(to: UserId, content: String) -> Step {
    if let Some(refusal) = empty(&content) {
        return refusal;
    }
    Step::Do(
        Box::new(Command::OpenDirect { user: to }),
        Box::new(move |reply| match reply {
            Ok(Reply::Conversation(listed)) => send(&listed.conversation, content, move |_| frames::dm_sent(to)),
            Ok(_) => say(&frames::words(&Error::internal())),
            Err(error) => refused(&error, "Utilisateur destinataire introuvable."),
        }),
    )
}

fn send(place: &Conversation, text: String, ack: impl FnOnce(Conversation) -> String + Send + 'static) -> Step {
    let submission = Submission {
        conversation: place.id,
        client_id: None,
        message_type: MessageType::Text,
        text,
        parent: None,
        files: Vec::new(),
        target: Target::Unaware,
        ..Submission::default()
    };
    let place = place.clone();
    Step::Send(
        submission,
        Box::new(move |sent| match sent {
            Ok(_) => vec![ack(place)],
            Err(error) => vec![frames::error(&frames::words(&error))],
        }),
    )
}

fn room_history(room: String, limit: Option<i64>) -> Step {
    steps::enter(
        room,
        Box::new(move |room| match room {
            Err(error) => refused(&error, "Room inconnue."),
            Ok(room) => steps::newest(
                room.id,
                steps::history_length(limit),
                Box::new(move |messages| match messages {
                    Ok(messages) => Step::Say(frames::room_history(&name(room), &messages)),
                    Err(error) => refused(&error, "Room inconnue."),
                }),
            ),
        }),
    )
}

const NOBODY: &str = "Utilisateur introuvable pour DM.";

fn dm_history(speaker: UserId, with: UserId, limit: Option<i64>) -> Step {
    Step::Ask(
        Query::User(with),
        Box::new(move |user| match user {
            Err(error) => refused(&error, NOBODY),
            Ok(_) => direct_with(
                with,
                Box::new(move |direct| match direct {
                    Err(error) => refused(&error, NOBODY),
                    Ok(None) => Step::Say(vec![frames::dm_history((speaker, with), &[])]),
                    Ok(Some(direct)) => steps::newest(
                        direct.conversation.id,
                        steps::history_length(limit),
                        Box::new(move |messages| match messages {
                            Ok(messages) => Step::Say(vec![frames::dm_history((speaker, with), &messages)]),
                            Err(error) => refused(&error, NOBODY),
                        }),
                    ),
                }),
            ),
        }),
    )
}

/// Leaving a room that one is not in, or that there is not, is done already.
fn leave(room: String) -> Step {
    steps::find(room, |found| match found {
        Ok((room, true)) => Step::Do(
            Box::new(Command::LeaveConversation(room.id)),
            Box::new(|reply| match reply {
                Ok(_) => Step::Say(Vec::new()),
                Err(error) => refused(&error, "Room inexistante."),
            }),
        ),
        Ok((_, false)) => Step::Say(Vec::new()),
        Err(error) => refused(&error, "Room inexistante."),
    })
}

/// Nobody waits for an answer to this, and nothing is lost if it fails: it is never answered.
fn typing(Writing { room, to, is_typing }: Writing) -> Step {
    let typing = is_typing.unwrap_or(true);
    let tell = move |conversation| {
        Step::Do(Box::new(Command::Typing { conversation, thread: None, typing }), Box::new(|_| Step::Say(Vec::new())))
    };
    match (room, to) {
        (Some(room), _) => steps::find(room.0, move |found| match found {
            Ok((room, true)) if room.kind == Kind::Room => tell(room.id),
            _ => Step::Say(Vec::new()),
        }),
        (None, Some(to)) => direct_with(
            UserId(to.0),
            Box::new(move |direct| match direct {
                Ok(Some(direct)) => tell(direct.conversation.id),
                _ => Step::Say(Vec::new()),
            }),
        ),
        (None, None) => Step::Say(Vec::new()),
    }
}
