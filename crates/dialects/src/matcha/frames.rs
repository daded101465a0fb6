//! The frames of the chat service's socket, field by field.

use std::borrow::Cow;

use chat::{ConversationId, Millis, UserId, messages::Message, presence, presence::Seen};
use serde::Serialize;

pub(super) use crate::output::write;
use crate::{Text, time::Time};

/// A frame of the service.
#[derive(Serialize)]
struct Frame<T> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    conversation_id: Option<i64>,
    data: T,
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<Time>,
}

fn frame<T: Serialize>(kind: &'static str, data: T) -> Text {
    write(&Frame { kind, conversation_id: None, data, timestamp: None })
}

fn in_conversation<T: Serialize>(kind: &'static str, conversation: ConversationId, data: T) -> Text {
    write(&Frame { kind, conversation_id: Some(conversation.0), data, timestamp: None })
}

/// `connected`: that the connection is let in.
pub(super) fn connected(user: UserId) -> Text {
    #[derive(Serialize)]
    struct Connected {
        user_id: i64,
        status: &'static str,
    }
    frame("connected", Connected { user_id: user.0, status: "connected" })
}

/// `new_message`; nothing if it was deleted.
pub(super) fn new_message(message: &Message, at: Millis) -> Option<Text> {
    #[derive(Serialize)]
    struct Said<'a> {
        id: i64,
        sender_id: i64,
        message: Cow<'a, str>,
        timestamp: Time,
        /// Nobody has read it yet; the field is what the old clients look for.
        read_at: Option<Time>,
    }
    let data = Said {
        id: message.id.0,
        sender_id: message.author.0,
        message: message.words()?,
        timestamp: Time(message.created_at),
        read_at: None,
    };
    let conversation_id = Some(message.conversation.0);
    Some(write(&Frame { kind: "new_message", conversation_id, data, timestamp: Some(Time(at)) }))
}

/// Whether a reaction came or went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Action {
    Add,
    Remove,
}

/// `reaction_update`.
pub(super) fn reaction(message: &Message, user: UserId, emoji: &str, action: Action) -> Text {
    #[derive(Serialize)]
    struct Reacted<'a> {
        message_id: i64,
        user_id: i64,
        emoji: &'a str,
        action: Action,
    }
    let data = Reacted { message_id: message.id.0, user_id: user.0, emoji, action };
    in_conversation("reaction_update", message.conversation, data)
}

/// `typing`.
pub(super) fn typing(conversation: ConversationId, user: UserId, is_typing: bool) -> Text {
    #[derive(Serialize)]
    struct Typing {
        user_id: i64,
        is_typing: bool,
    }
    in_conversation("typing", conversation, Typing { user_id: user.0, is_typing })
}

/// Whether somebody is here, as both sockets say it.
#[derive(Serialize)]
pub(super) struct Here {
    user_id: i64,
    is_online: bool,
    last_seen: Option<Time>,
}

impl Here {
    pub(super) fn new(user: UserId, seen: &Seen) -> Self {
        Self { user_id: user.0, is_online: is_online(seen), last_seen: seen.last_seen_at.map(Time) }
    }
}

/// The old system knows here and not here; who is away or busy is here.
pub(super) fn is_online(seen: &Seen) -> bool {
    seen.presence.shown() != presence::Presence::Offline
}

/// `presence_update`.
pub(super) fn presence(user: UserId, seen: &Seen) -> Text {
    frame("presence_update", Here::new(user, seen))
}

/// `error`.
pub(super) fn error(message: &str) -> Text {
    #[derive(Serialize)]
    struct Refused<'a> {
        code: &'static str,
        message: &'a str,
    }
    frame("error", Refused { code: "HANDLE_ERROR", message })
}
