//! Events and signals to frames. As on the service's socket, there are words for new messages, reactions, typing
//! and presence.

use chat::{Error, Event, Fact, Signal, accounts::Speaker};

use super::frames::{self, Fault};
use crate::{
    Text,
    matcha::{frames::Action, words::Missing},
};

/// What a connection is told first.
#[must_use]
pub fn greeting(speaker: &Speaker) -> Vec<Text> {
    vec![frames::connected(speaker.user)]
}

/// The frame of a numbered event.
#[must_use]
pub fn event(event: &Event) -> Option<Text> {
    let reaction = |message, user, emoji: &str, action| frames::reaction(message, user, emoji, action, event.at);
    match &event.fact {
        Fact::MessageCreated(message) => frames::chat_message(message),
        Fact::ReactionAdded { message, user, emoji } => Some(reaction(message, *user, emoji, Action::Add)),
        Fact::ReactionRemoved { message, user, emoji } => Some(reaction(message, *user, emoji, Action::Remove)),
        Fact::MessageEdited(_)
        | Fact::MessageDeleted(_)
        | Fact::MemberJoined { .. }
        | Fact::MemberLeft { .. }
        | Fact::MemberUpdated(_)
        | Fact::ConversationCreated(_)
        | Fact::ConversationUpdated(_) => None,
    }
}

/// The frames of a signal: for presence, one of each person.
#[must_use]
pub fn signal(signal: &Signal) -> Vec<Text> {
    match signal {
        Signal::Typing { conversation, user, typing, .. } => vec![frames::typing(*conversation, *user, *typing)],
        Signal::PresenceChanged { people, .. } => {
            people.iter().map(|(user, _, seen)| frames::presence(*user, seen)).collect()
        }
        Signal::ConversationAdded(_)
        | Signal::ConversationRemoved { .. }
        | Signal::ConversationHidden { .. }
        | Signal::MarkerMoved { .. }
        | Signal::ProfileChanged(_) => Vec::new(),
    }
}

/// The frame that refuses what answers to no frame.
#[must_use]
pub fn refusal(error: &Error) -> Text {
    Fault::of(error.clone(), Missing::Conversation, "request_failed").frame(None)
}
