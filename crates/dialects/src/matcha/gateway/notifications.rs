//! Notifications. The service that kept them is no part of this product: a message of others that was not read is
//! a notification, under the message's id.

use chat::{ConversationId, ErrorCode, Number, UserId};
use serde::Deserialize;

use super::{
    decode::{at, refused},
    frames::{self, Fault},
};
use crate::{
    Step,
    input::Text,
    matcha::{fields::Id, steps, words::Missing},
    steps::conversations,
};

/// The code of the refusal of an action on notifications.
const WRONG: &str = "invalid_notification_data";
/// Conversations whose marker one frame moves at most.
const AT_ONCE: usize = 200;
/// Conversations that are looked through for something unread.
const LIST_END: usize = 5_000;

#[derive(Deserialize)]
pub(super) struct Notification {
    action: Text,
    notification_id: Option<Id>,
}

/// An action on notifications.
pub(super) fn step(speaker: UserId, asked: Notification) -> Result<Step, Fault> {
    match (asked.action.0.as_str(), asked.notification_id) {
        ("mark_read", Some(id)) => Ok(mark_read(speaker, id)),
        ("mark_read", None) => Err(Fault::new(WRONG, "notification_id is missing.")),
        ("mark_all_read", _) => Ok(mark_all_read(speaker)),
        _ => Err(Fault::new(WRONG, "action must be mark_read or mark_all_read.")),
    }
}

/// Reads up to the message that the notification is about.
fn mark_read(speaker: UserId, id: Id) -> Step {
    steps::message(
        id,
        Box::new(move |message| match message {
            Err(error) => refused(error, Missing::Message),
            Ok(message) => steps::mark_read(
                message.conversation,
                message.seq,
                Box::new(move |read| match read {
                    Ok(()) => at(Missing::Message, move |now| frames::notification_read(speaker, id.0, now)),
                    Err(error) => refused(error, Missing::Conversation),
                }),
            ),
        }),
    )
}

fn mark_all_read(speaker: UserId) -> Step {
    conversations(
        LIST_END,
        |_| true,
        Box::new(move |all| match all {
            Err(error) => refused(error, Missing::Conversation),
            Ok(all) => {
                let unread = all.iter().filter(|listed| listed.unread > 0).take(AT_ONCE);
                let ends = unread.map(|listed| (listed.conversation.id, listed.conversation.head)).collect();
                mark_ends(speaker, ends)
            }
        }),
    )
}

/// Reads one conversation after the other to its end. One that the speaker has left meanwhile has nothing unread.
fn mark_ends(speaker: UserId, mut ends: Vec<(ConversationId, Number)>) -> Step {
    let Some((conversation, head)) = ends.pop() else {
        return at(Missing::Conversation, move |now| frames::notifications_read(speaker, now));
    };
    steps::mark_read(
        conversation,
        head,
        Box::new(move |read| match read {
            Err(error) if error.code != ErrorCode::NotFound => refused(error, Missing::Conversation),
            _ => mark_ends(speaker, ends),
        }),
    )
}
