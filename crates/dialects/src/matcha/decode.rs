//! Frames to steps.

use chat::{Command, ConversationId, Error, ErrorCode, accounts::Speaker};
use serde::Deserialize;

use super::{
    fields::{Id, Reacting, Said, Tag, check_emoji, object, submission},
    frames, steps,
    words::{self, Missing},
};
use crate::{Step, input::read};

/// Reads a frame as a step. The connection was authenticated by its handshake.
#[must_use]
pub fn decode(speaker: Option<&Speaker>, frame: &str) -> Step {
    if speaker.is_none() {
        return misunderstood(&Error::new(ErrorCode::Unauthenticated, "The handshake had no credential."));
    }
    understand(frame).unwrap_or_else(|error| misunderstood(&error))
}

fn misunderstood(error: &Error) -> Step {
    Step::Refuse(vec![frames::error(&words::of_misunderstood(error))])
}

fn refused(error: &Error) -> Step {
    Step::Say(vec![frames::error(&words::of(error))])
}

/// Success is not answered: it is told as an event, or not at all.
fn silent(outcome: Result<(), Error>) -> Step {
    match outcome {
        Ok(()) => Step::Say(Vec::new()),
        Err(error) => refused(&error),
    }
}

#[derive(Deserialize)]
struct Place {
    conversation_id: Id,
}

#[derive(Deserialize)]
struct Writing {
    is_typing: Option<bool>,
}

fn understand(frame: &str) -> Result<Step, Error> {
    object(frame)?;
    let tag: Tag = read(frame)?;
    let place = || read::<Place>(frame).map(|place| ConversationId(place.conversation_id.0));
    Ok(match tag.kind.0.as_str() {
        "send_message" => send(place()?, read::<Said>(frame)?.text("content")?),
        "join_conversation" => steps::read_to_end(place()?, Box::new(silent)),
        "typing" => typing(place()?, read::<Writing>(frame)?.is_typing.unwrap_or(true)),
        "reaction_add" => react(read(frame)?, true),
        "reaction_remove" => react(read(frame)?, false),
        _ => return Err(Error::new(ErrorCode::UnknownCommand, "There is no such type.")),
    })
}

/// The sender's own `new_message` is the confirmation.
fn send(conversation: ConversationId, text: String) -> Step {
    match submission(conversation, text) {
        Err(error) => refused(&error),
        Ok(submission) => Step::Send(
            submission,
            Box::new(|sent| match sent {
                Ok(_) => Vec::new(),
                Err(error) => vec![frames::error(&words::of(&Missing::Conversation.name(error)))],
            }),
        ),
    }
}

fn typing(conversation: ConversationId, typing: bool) -> Step {
    steps::change(Command::Typing { conversation, thread: None, typing }, Missing::Conversation, Box::new(silent))
}

/// A repeat changes nothing here: only the gateway toggles.
fn react(Reacting { message_id, emoji }: Reacting, add: bool) -> Step {
    let emoji = match check_emoji(&emoji.0) {
        Ok(emoji) => emoji,
        Err(error) => return refused(&error),
    };
    steps::message(
        message_id,
        Box::new(move |message| match message {
            Ok(message) => steps::react((message.conversation, message.seq), emoji, add, Box::new(silent)),
            Err(error) => refused(&error),
        }),
    )
}
