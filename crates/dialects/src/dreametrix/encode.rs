//! Events and signals to frames. What is no new message is told as `room_update`, which the web client takes without
//! doing anything; reactions and markers have no word.

use chat::{
    AccountEvent, Error, Event, Fact, Signal,
    accounts::Speaker,
    event::ListChange,
    presence::{Presence, Seen},
};

use super::frames::{self, Change};
use crate::Text;

/// The first frame of a connection: its person is here.
#[must_use]
pub fn greeting(speaker: &Speaker) -> Vec<Text> {
    vec![frames::user_status(speaker.user, Seen { presence: Presence::Online, last_seen_at: None })]
}

/// The frame of a numbered event.
#[must_use]
pub fn event(event: &Event) -> Option<Text> {
    let change = match &event.fact {
        Fact::MessageCreated(message) => return Some(frames::message(message, event.at)),
        Fact::MessageEdited(message) | Fact::MessageDeleted(message) => Change::of_message(message),
        Fact::MemberJoined { member, .. } => Change::ParticipantAdded(member.into()),
        Fact::MemberUpdated(member) => Change::ParticipantUpdated(member.into()),
        Fact::MemberLeft { member, .. } => Change::ParticipantRemoved(member.user.0),
        Fact::ConversationUpdated(room) => Change::of_room(room),
        // Those in it are told by the event of their account.
        Fact::ConversationCreated(_)
        | Fact::MessagePreviewed(_)
        | Fact::ReactionAdded { .. }
        | Fact::ReactionRemoved { .. } => return None,
    };
    Some(frames::room_update(event.conversation, change))
}

/// The frames of a numbered event of the person's account.
#[must_use]
pub fn account(event: &AccountEvent) -> Vec<Text> {
    match event.fact.list_change() {
        Some(ListChange::Added(listed)) => {
            vec![frames::room_update(listed.conversation.id, Change::to_own(listed))]
        }
        Some(ListChange::Removed(conversation) | ListChange::Hidden { conversation, .. }) => {
            vec![frames::room_update(conversation, Change::Removed(true))]
        }
        None => Vec::new(),
    }
}

/// The frames of a signal.
#[must_use]
pub fn signal(signal: &Signal) -> Vec<Text> {
    match signal {
        // Its clients know no threads, and would show it in the room.
        Signal::Typing { thread: Some(_), .. } => Vec::new(),
        Signal::Typing { conversation, thread: None, user, shown_name, typing, .. } => {
            vec![frames::typing(*conversation, *user, shown_name, *typing)]
        }
        Signal::PresenceChanged { people, .. } => {
            people.iter().map(|(user, _, seen)| frames::user_status(*user, *seen)).collect()
        }
        Signal::MarkerMoved { .. } | Signal::CardChanged { .. } | Signal::NotAMember(_) => Vec::new(),
    }
}

/// The frame that refuses what answers to no frame.
#[must_use]
pub fn refusal(error: &Error) -> Text {
    frames::error(&frames::words(error))
}
