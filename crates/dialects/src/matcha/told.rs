//! The events that both sockets have words for: new messages, reactions, typing and presence. Edits, deletions, markers
//! and memberships are seen when something is next read.

use chat::{ConversationId, Event, Fact, Millis, Signal, UserId, messages::Message, presence::Seen};

use super::frames::Action;
use crate::Text;

/// In which frames a socket tells it.
pub(super) struct Words {
    pub message: fn(&Message, Millis) -> Option<Text>,
    pub reaction: fn(&Message, UserId, &str, Action, Millis) -> Text,
    pub typing: fn(ConversationId, UserId, bool) -> Text,
    pub presence: fn(UserId, &Seen) -> Text,
}

impl Words {
    /// The frame of a numbered event.
    pub(super) fn event(&self, event: &Event) -> Option<Text> {
        let reaction =
            |message, user: &UserId, emoji: &str, action| (self.reaction)(message, *user, emoji, action, event.at);
        match &event.fact {
            Fact::MessageCreated(message) => (self.message)(message, event.at),
            Fact::ReactionAdded { message, user, emoji } => Some(reaction(message, user, emoji, Action::Add)),
            Fact::ReactionRemoved { message, user, emoji } => Some(reaction(message, user, emoji, Action::Remove)),
            Fact::MessageEdited(_)
            | Fact::MessageDeleted(_)
            | Fact::MessagePreviewed(_)
            | Fact::MemberJoined { .. }
            | Fact::MemberLeft { .. }
            | Fact::MemberUpdated(_)
            | Fact::ConversationCreated(_)
            | Fact::ConversationUpdated(_) => None,
        }
    }

    /// The frames of a signal: for presence, one of each person.
    pub(super) fn signal(&self, signal: &Signal) -> Vec<Text> {
        match signal {
            // Its clients know no threads, and would show it in the room.
            Signal::Typing { thread: Some(_), .. } => Vec::new(),
            Signal::Typing { conversation, thread: None, user, typing, .. } => {
                vec![(self.typing)(*conversation, *user, *typing)]
            }
            Signal::PresenceChanged { people, .. } => {
                people.iter().map(|(user, _, seen)| (self.presence)(*user, seen)).collect()
            }
            Signal::MarkerMoved { .. } | Signal::CardChanged { .. } | Signal::NotAMember(_) => Vec::new(),
        }
    }
}
