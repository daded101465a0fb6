//! The frames of the gateway's socket, field by field. It writes ids of people and conversations as texts, but for
//! those that its client compares with numbers.

use std::borrow::Cow;

use chat::{
    ConversationId, Error, ErrorCode, Millis, UserId,
    messages::{Message, Sent},
    presence::Seen,
};
use serde::Serialize;

use crate::{
    Text,
    matcha::{
        frames::{Action, Here},
        words::{self, Missing},
    },
    output::write,
    time::Time,
};

/// A frame of the gateway.
#[derive(Serialize)]
struct Frame<T> {
    #[serde(rename = "type")]
    kind: &'static str,
    data: T,
    #[serde(skip_serializing_if = "Option::is_none")]
    channel: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from_user: Option<String>,
}

fn frame<T>(kind: &'static str, data: T) -> Frame<T> {
    Frame { kind, data, channel: None, user_id: None, from_user: None }
}

fn to_user<T: Serialize>(kind: &'static str, user: UserId, data: T) -> Text {
    write(&Frame { user_id: Some(user.to_string()), ..frame(kind, data) })
}

/// The gateway counts most of its times in seconds.
fn seconds(at: Millis) -> i64 {
    at.0.div_euclid(1_000)
}

/// The beginning of the names of those channels that are conversations.
pub(super) const CHAT: &str = "chat_";
/// The channel of what concerns people.
const PEOPLE: &str = "user-updates";

/// `connection_ack`: that the connection is let in.
pub(super) fn connected(user: UserId) -> Text {
    #[derive(Serialize)]
    struct Connected {
        status: &'static str,
        user_id: String,
    }
    write(&frame("connection_ack", Connected { status: "connected", user_id: user.to_string() }))
}

/// `connection_ack`: that a conversation was entered.
pub(super) fn joined(user: UserId, conversation: ConversationId, at: Millis) -> Text {
    #[derive(Serialize)]
    struct Joined {
        status: &'static str,
        user_id: String,
        conversation_id: String,
        timestamp: i64,
    }
    let (user_id, conversation_id) = (user.to_string(), conversation.to_string());
    to_user("connection_ack", user, Joined { status: "joined", user_id, conversation_id, timestamp: seconds(at) })
}

/// `subscription_ack` and `unsubscription_ack`.
pub(super) fn subscription(user: UserId, channel: &str, subscribed: bool, at: Millis) -> Text {
    #[derive(Serialize)]
    struct Subscription<'a> {
        channel: &'a str,
        status: &'static str,
        timestamp: i64,
    }
    let (kind, status) =
        if subscribed { ("subscription_ack", "subscribed") } else { ("unsubscription_ack", "unsubscribed") };
    to_user(kind, user, Subscription { channel, status, timestamp: seconds(at) })
}

/// `chat_ack`: that a message is stored.
pub(super) fn sent(user: UserId, sent: &Sent) -> Text {
    #[derive(Serialize)]
    struct Stored {
        status: &'static str,
        timestamp: i64,
        conversation_id: String,
        message_id: i64,
    }
    let data = Stored {
        status: "success",
        timestamp: seconds(sent.created_at),
        conversation_id: sent.conversation.to_string(),
        message_id: sent.id.0,
    };
    to_user("chat_ack", user, data)
}

/// `chat_message`; nothing if it was deleted.
pub(super) fn chat_message(message: &Message) -> Option<Text> {
    #[derive(Serialize)]
    struct Said<'a> {
        conversation_id: String,
        message: Cow<'a, str>,
        from_user: String,
        /// As a text: the client cannot read a number, and takes it for now.
        timestamp: Time,
        #[serde(rename = "type")]
        kind: &'static str,
        message_id: i64,
        sender_id: i64,
        /// Nobody has read it yet; the field is what the client looks for.
        read_at: Option<Time>,
    }
    let data = Said {
        conversation_id: message.conversation.to_string(),
        message: message.words()?,
        from_user: message.author.to_string(),
        timestamp: Time(message.created_at),
        kind: "chat_message",
        message_id: message.id.0,
        sender_id: message.author.0,
        read_at: None,
    };
    let channel = Some(format!("{CHAT}{}", message.conversation));
    let from_user = Some(message.author.to_string());
    Some(write(&Frame { channel, from_user, ..frame("chat_message", data) }))
}

/// `reaction_update`. Its client compares these ids as numbers.
pub(super) fn reaction(message: &Message, user: UserId, emoji: &str, action: Action, at: Millis) -> Text {
    #[derive(Serialize)]
    struct Reacted<'a> {
        #[serde(rename = "type")]
        kind: &'static str,
        conversation_id: i64,
        message_id: i64,
        user_id: i64,
        emoji: &'a str,
        action: Action,
        timestamp: i64,
    }
    let data = Reacted {
        kind: "reaction_update",
        conversation_id: message.conversation.0,
        message_id: message.id.0,
        user_id: user.0,
        emoji,
        action,
        timestamp: seconds(at),
    };
    let channel = Some(format!("{CHAT}{}", message.conversation));
    write(&Frame { channel, ..frame("reaction_update", data) })
}

/// `typing`.
pub(super) fn typing(conversation: ConversationId, user: UserId, is_typing: bool) -> Text {
    #[derive(Serialize)]
    struct Typing {
        conversation_id: String,
        user_id: i64,
        is_typing: bool,
    }
    let data = Typing { conversation_id: conversation.to_string(), user_id: user.0, is_typing };
    write(&frame("typing", data))
}

/// `presence_update`, on the channel on which the client expects it.
pub(super) fn presence(user: UserId, seen: &Seen) -> Text {
    write(&Frame { channel: Some(PEOPLE.into()), ..frame("presence_update", Here::new(user, seen)) })
}

/// `pong`.
pub(super) fn pong(user: UserId, at: Millis) -> Text {
    #[derive(Serialize)]
    struct Pong {
        timestamp: Time,
    }
    to_user("pong", user, Pong { timestamp: Time(at) })
}

/// `notification_marked_read`.
pub(super) fn notification_read(user: UserId, notification: i64, at: Millis) -> Text {
    #[derive(Serialize)]
    struct Read {
        notification_id: String,
        status: &'static str,
        timestamp: i64,
    }
    let data = Read { notification_id: notification.to_string(), status: "read", timestamp: seconds(at) };
    to_user("notification_marked_read", user, data)
}

/// `all_notifications_marked_read`.
pub(super) fn notifications_read(user: UserId, at: Millis) -> Text {
    #[derive(Serialize)]
    struct Read {
        status: &'static str,
        timestamp: i64,
    }
    to_user("all_notifications_marked_read", user, Read { status: "all_read", timestamp: seconds(at) })
}

/// A refusal, in the gateway's words for programs and in those for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    error_type: &'static str,
    message: String,
}

impl Fault {
    pub(super) fn new(error_type: &'static str, message: impl Into<String>) -> Self {
        Self { error_type, message: message.into() }
    }

    /// A refusal by the server. `missing` is what may not be there, `otherwise` what is said of a refusal for which
    /// the gateway had no word.
    pub(super) fn of(error: Error, missing: Missing, otherwise: &'static str) -> Self {
        let error = missing.name(error);
        let error_type = match (error.code, missing) {
            // It knew no conversations that are not there: they are not the speaker's.
            (ErrorCode::NotFound, Missing::Conversation) | (ErrorCode::Forbidden, _) => "access_denied",
            (ErrorCode::NotFound, Missing::Message) => "message_not_found",
            (ErrorCode::RateLimited, _) => "rate_limited",
            (ErrorCode::Unavailable | ErrorCode::StorageFull, _) => "service_unavailable",
            (ErrorCode::TooLarge, _) => "message_too_long",
            (ErrorCode::Invalid, _) => "invalid_chat_data",
            (ErrorCode::Malformed, _) => "invalid_message_format",
            (ErrorCode::Unauthenticated | ErrorCode::BadCredentials, _) => "unauthenticated",
            _ => otherwise,
        };
        Self { error_type, message: words::of(&error) }
    }

    /// `error`, with the time if that is known.
    pub(super) fn frame(&self, at: Option<Millis>) -> Text {
        #[derive(Serialize)]
        struct Refused<'a> {
            error_type: &'static str,
            message: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            timestamp: Option<i64>,
        }
        let data = Refused { error_type: self.error_type, message: &self.message, timestamp: at.map(seconds) };
        write(&frame("error", data))
    }
}
