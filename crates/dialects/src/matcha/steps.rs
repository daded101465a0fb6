//! Steps that several frames and requests of these endpoints need before their own. The old protocol
//! names messages by their id alone, and reads a conversation to its end; the server knows places.

use chat::{
    Command, ConversationId, Error, MessageId, Number, Query, Reply, conversations::Listed, markers::Marker,
    messages::Message,
};

use super::{fields::Id, words::Missing};
use crate::{Step, Then, steps::strange};

/// A conversation of the speaker's.
pub(super) fn conversation(id: ConversationId, then: Then<Listed>) -> Step {
    Step::Ask(
        Query::Conversation(id),
        Box::new(move |reply| {
            then(reply.map_err(|error| Missing::Conversation.name(error)).and_then(|reply| match reply {
                Reply::Conversation(listed) => Ok(*listed),
                _ => strange(),
            }))
        }),
    )
}

/// A message by its id alone. These endpoints have no tombstones: what was deleted is not there.
pub(super) fn message(id: Id, then: Then<Message>) -> Step {
    Step::Ask(
        Query::MessageById(MessageId(id.0)),
        Box::new(move |reply| {
            let found = reply.and_then(|reply| match reply {
                Reply::Message(message) if message.text.is_none() => Err(Error::not_found("message")),
                Reply::Message(message) => Ok(*message),
                _ => strange(),
            });
            then(found.map_err(|error| Missing::Message.name(error)))
        }),
    )
}

/// Does something whose answer does not matter.
pub(super) fn change(command: Command, missing: Missing, then: Then<()>) -> Step {
    Step::Do(Box::new(command), Box::new(move |reply| then(reply.map(|_| ()).map_err(|error| missing.name(error)))))
}

/// Moves the speaker's read marker up to a number.
pub(super) fn mark_read(conversation: ConversationId, seq: Number, then: Then<()>) -> Step {
    change(Command::MoveMarker { conversation, marker: Marker::Read, seq }, Missing::Conversation, then)
}

/// Moves the speaker's read marker to the end of a conversation.
pub(super) fn read_to_end(id: ConversationId, then: Then<()>) -> Step {
    conversation(
        id,
        Box::new(move |listed| match listed {
            Ok(listed) => mark_read(id, listed.conversation.head, then),
            Err(error) => then(Err(error)),
        }),
    )
}

/// Adds a reaction to the message at this place, or takes it back.
pub(super) fn react(place: (ConversationId, Number), emoji: String, add: bool, then: Then<()>) -> Step {
    let (conversation, seq) = place;
    let command = if add {
        Command::AddReaction { conversation, seq, emoji }
    } else {
        Command::RemoveReaction { conversation, seq, emoji }
    };
    change(command, Missing::Message, then)
}
