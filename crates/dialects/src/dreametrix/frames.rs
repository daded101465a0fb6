//! The frames of the old socket, field by field, and the words in which it refuses.

use std::borrow::Cow;

use chat::{
    ConversationId, Error, ErrorCode, Millis, UserId,
    conversations::{Conversation, Kind, Listed},
    members::Member,
    messages::Message,
    presence::{Presence, Seen},
};
use serde::Serialize;

use super::ids::Uuid;
use crate::{Text, output::write, time::Time};

/// A frame of the form `{"type":…,"data":…}`.
#[derive(Serialize)]
struct Tagged<T> {
    #[serde(rename = "type")]
    kind: &'static str,
    data: T,
}

fn tagged<T: Serialize>(kind: &'static str, data: T) -> Text {
    write(&Tagged { kind, data })
}

/// `pong`, `heartbeat_ack`: a frame that says nothing but its type.
pub(super) fn bare(kind: &'static str) -> Text {
    #[derive(Serialize)]
    struct Nothing {}
    tagged(kind, Nothing {})
}

/// `room_joined`, `room_left`.
pub(super) fn in_room(kind: &'static str, room: ConversationId) -> Text {
    #[derive(Serialize)]
    struct InRoom {
        #[serde(rename = "type")]
        kind: &'static str,
        room_id: i64,
    }
    write(&InRoom { kind, room_id: room.0 })
}

/// A refusal, where the document and the web client each look for it.
pub(super) fn error(message: &str) -> Text {
    #[derive(Serialize)]
    struct Refused<'a> {
        #[serde(rename = "type")]
        kind: &'static str,
        message: &'a str,
        data: Data<'a>,
    }
    #[derive(Serialize)]
    struct Data<'a> {
        error: &'a str,
    }
    write(&Refused { kind: "error", message, data: Data { error: message } })
}

/// When a message last changed in a way that this endpoint can tell.
pub(super) fn last_update(message: &Message) -> Time {
    Time(message.deleted_at.or(message.edited_at).unwrap_or(message.created_at))
}

/// `message`: that something was said.
pub(super) fn message(message: &Message, at: Millis) -> Text {
    #[derive(Serialize)]
    struct Frame<'a> {
        #[serde(rename = "type")]
        kind: &'static str,
        room_id: i64,
        timestamp: Time,
        data: Said<'a>,
    }
    #[derive(Serialize)]
    struct Said<'a> {
        id: i64,
        uuid: Uuid,
        content: Cow<'a, str>,
        /// The web client drops the message if this is not exactly the room's number.
        chat: i64,
        room_id: i64,
        sender: i64,
        sender_info: Sender<'a>,
        message_type: &'static str,
        status: &'static str,
        created_at: Time,
        last_update: Time,
        is_deleted: bool,
    }
    #[derive(Serialize)]
    struct Sender<'a> {
        id: i64,
        name: &'a str,
        role: &'static str,
        avatar: Option<&'a str>,
    }
    let data = Said {
        id: message.id.0,
        uuid: message.id.into(),
        content: message.words().unwrap_or_default(),
        chat: message.conversation.0,
        room_id: message.conversation.0,
        sender: message.author.0,
        sender_info: Sender {
            id: message.author.0,
            name: &message.author_shown_name,
            role: message.author_role.name(),
            avatar: None,
        },
        message_type: message.message_type.name(),
        status: "sent",
        created_at: Time(message.created_at),
        last_update: last_update(message),
        is_deleted: message.text.is_none(),
    };
    write(&Frame { kind: "message", room_id: message.conversation.0, timestamp: Time(at), data })
}

/// `typing`: that somebody is writing, or no longer.
pub(super) fn typing(conversation: ConversationId, user: UserId, shown_name: &str, typing: bool) -> Text {
    #[derive(Serialize)]
    struct Writing<'a> {
        user_id: i64,
        user_name: &'a str,
        room_id: i64,
        is_typing: bool,
    }
    tagged("typing", Writing { user_id: user.0, user_name: shown_name, room_id: conversation.0, is_typing: typing })
}

/// `user_status`: whether somebody is here.
pub(super) fn user_status(user: UserId, seen: Seen) -> Text {
    #[derive(Serialize)]
    struct Status {
        user_id: i64,
        status: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        last_seen: Option<Time>,
    }
    // The old clients know three words.
    let status = match seen.presence {
        Presence::Online => "online",
        Presence::Away | Presence::Busy => "away",
        Presence::Invisible | Presence::Offline => "offline",
    };
    tagged("user_status", Status { user_id: user.0, status, last_seen: seen.last_seen_at.map(Time) })
}

/// A change of a room, beside new messages.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Change<'a> {
    Message(Changed<'a>),
    ParticipantAdded(Participant<'a>),
    ParticipantUpdated(Participant<'a>),
    ParticipantRemoved(i64),
    /// A room that the subscriber now has, or its new name or description.
    Room(Described<'a>),
    /// The subscriber no longer has it, or no longer in their list.
    Removed(bool),
}

/// An edited or deleted message.
#[derive(Serialize)]
pub(super) struct Changed<'a> {
    id: i64,
    uuid: Uuid,
    content: Cow<'a, str>,
    last_update: Time,
    is_deleted: bool,
}

/// Somebody in a room.
#[derive(Serialize)]
pub(super) struct Participant<'a> {
    id: i64,
    username: &'a str,
    full_name: &'a str,
    role: Option<&'static str>,
}

/// A room's own row.
#[derive(Serialize)]
pub(super) struct Described<'a> {
    uuid: Uuid,
    name: Cow<'a, str>,
    details: &'a str,
    is_group: bool,
}

impl<'a> Change<'a> {
    pub(super) fn of_message(message: &'a Message) -> Self {
        Self::Message(Changed {
            id: message.id.0,
            uuid: message.id.into(),
            content: message.words().unwrap_or_default(),
            last_update: last_update(message),
            is_deleted: message.text.is_none(),
        })
    }

    pub(super) fn of_room(room: &'a Conversation) -> Self {
        Self::described(room, room.name.as_deref().unwrap_or_default().into())
    }

    /// The room as its new member sees it, who knows a direct one by the other person.
    pub(super) fn to_own(listed: &'a Listed) -> Self {
        let peer = listed.peer.as_ref().map(|peer| Cow::from(&*peer.shown_name));
        let name = listed.conversation.name.as_deref().map(Cow::from).or(peer);
        Self::described(&listed.conversation, name.unwrap_or_default())
    }

    fn described(room: &'a Conversation, name: Cow<'a, str>) -> Self {
        let details = room.topic.as_deref().unwrap_or_default();
        Self::Room(Described { uuid: room.id.into(), name, details, is_group: room.kind != Kind::Direct })
    }
}

impl<'a> From<&'a Member> for Participant<'a> {
    fn from(member: &'a Member) -> Self {
        let role = member.role.map(chat::members::Role::name);
        Self { id: member.user.0, username: &member.username, full_name: &member.shown_name, role }
    }
}

/// `room_update`: that something changed in a room.
pub(super) fn room_update(room: ConversationId, change: Change<'_>) -> Text {
    #[derive(Serialize)]
    struct Update<'a> {
        room_id: i64,
        #[serde(flatten)]
        change: Change<'a>,
    }
    tagged("room_update", Update { room_id: room.0, change })
}

/// The server's name of a field, and this endpoint's.
const NAMES: [(&str, &str); 4] =
    [("text", "content"), ("topic", "details"), ("user", "participants"), ("members", "participants")];

/// The field that is refused, if it is one, and the words, both in this endpoint's names.
pub(super) fn refusal(error: &Error) -> (Option<&str>, String) {
    // The server's own words advise to repeat with the same client id. There are none here.
    if error.code == ErrorCode::OutcomeUnknown {
        return (None, "Nobody knows whether it was done. Look before you try again.".to_owned());
    }
    let field = error.field.as_deref().and_then(|pointer| pointer.split('/').nth(1)).filter(|name| !name.is_empty());
    let ours = |name: &str| NAMES.iter().find(|(theirs, _)| *theirs == name).map(|(_, ours)| *ours);
    let Some((name, ours)) = field.and_then(|name| Some((name, ours(name)?))) else {
        return (field, error.detail.clone());
    };
    let words = match error.detail.strip_prefix(name) {
        Some(rest) if rest.starts_with(' ') => format!("{ours}{rest}"),
        _ => error.detail.clone(),
    };
    (Some(ours), words)
}

/// A refusal's words.
pub(super) fn words(error: &Error) -> String {
    refusal(error).1
}
