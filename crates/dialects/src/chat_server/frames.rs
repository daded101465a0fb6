//! The frames of the old server, field by field, and the words in which it refuses.

use std::borrow::Cow;

use chat::{Error, ErrorCode, UserId, accounts, conversations::Conversation, identities::is_made_username, messages};
use serde::Serialize;

pub(super) use crate::output::write;
use crate::{Text, time::Time};

/// A frame of the form `{"type":…,"data":…}`.
#[derive(Serialize)]
struct Tagged<T> {
    #[serde(rename = "type")]
    kind: &'static str,
    data: T,
}

pub(super) fn tagged<T: Serialize>(kind: &'static str, data: T) -> Text {
    write(&Tagged { kind, data })
}

/// `join_ack`, `message_sent`: that it was done in this room.
pub(super) fn in_room(kind: &'static str, room: &str) -> Text {
    #[derive(Serialize)]
    struct InRoom<'a> {
        room: &'a str,
        status: &'static str,
    }
    tagged(kind, InRoom { room, status: "ok" })
}

/// `dm_sent`: that it was sent to this person.
pub(super) fn dm_sent(to: UserId) -> Text {
    #[derive(Serialize)]
    struct To {
        to: i64,
        status: &'static str,
    }
    tagged("dm_sent", To { to: to.0, status: "ok" })
}

/// A refusal.
pub(super) fn error(message: &str) -> Text {
    #[derive(Serialize)]
    struct Message<'a> {
        message: &'a str,
    }
    tagged("error", Message { message })
}

/// The name for the one field that the pages have: the username, unless it was made for somebody whose name in the host
/// is none that is allowed here.
fn called<'a>(username: &'a str, shown_name: &'a str) -> &'a str {
    if is_made_username(username) { shown_name } else { username }
}

/// A message, live or out of a direct history.
#[derive(Clone, Serialize)]
pub(super) struct Said<'a> {
    id: i64,
    #[serde(rename = "fromUser")]
    from_user: i64,
    username: &'a str,
    content: Cow<'a, str>,
    timestamp: Time,
    #[serde(skip_serializing_if = "Option::is_none")]
    room: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<i64>,
}

impl<'a> Said<'a> {
    /// A message in a room; nothing if it was deleted.
    pub(super) fn in_room(message: &'a messages::Message, room: &'a str) -> Option<Self> {
        Some(Self { room: Some(room), ..Self::new(message)? })
    }

    /// A message of one of a pair to the other; nothing if it was deleted.
    pub(super) fn direct(message: &'a messages::Message, (low, high): (UserId, UserId)) -> Option<Self> {
        let to = if message.author == low { high } else { low };
        Some(Self { to: Some(to.0), ..Self::new(message)? })
    }

    fn new(message: &'a messages::Message) -> Option<Self> {
        Some(Self {
            id: message.id.0,
            from_user: message.author.0,
            username: called(&message.author_name, &message.author_shown_name),
            content: message.words()?,
            timestamp: Time(message.created_at),
            room: None,
            to: None,
        })
    }
}

/// A message out of the REST back end. Its handlers and its pages had three names for the author and two for the time;
/// a message has all of them, and those of the socket.
#[derive(Serialize)]
pub(super) struct Kept<'a> {
    #[serde(flatten)]
    said: Said<'a>,
    from_user: i64,
    user_id: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    to_user: Option<i64>,
    created_at: Time,
}

impl<'a> From<Said<'a>> for Kept<'a> {
    fn from(said: Said<'a>) -> Self {
        let Said { from_user, to, timestamp, .. } = said;
        Self { said, from_user, user_id: from_user, to_user: to, created_at: timestamp }
    }
}

/// A room's history: an untyped frame for each message, as the old server sent them, then all of them in one
/// typed frame, as its other documents say. The old clients live with both and show nothing twice.
///
/// The untyped frames name no room, as they never did: a page compares the name with the room that was open when its
/// socket was opened, and drops what differs.
pub(super) fn room_history(room: &str, messages: &[messages::Message]) -> Vec<Text> {
    #[derive(Serialize)]
    struct History<'a> {
        #[serde(rename = "type")]
        kind: &'static str,
        room: &'a str,
        data: &'a [Said<'a>],
    }
    let said: Vec<Said<'_>> = messages.iter().filter_map(|message| Said::in_room(message, room)).collect();
    let whole = write(&History { kind: "room_history", room, data: &said });
    said.iter().map(|said| write(&Said { room: None, ..said.clone() })).chain([whole]).collect()
}

/// The history of a pair.
pub(super) fn dm_history(pair: (UserId, UserId), messages: &[messages::Message]) -> Text {
    let said: Vec<Said<'_>> = messages.iter().filter_map(|message| Said::direct(message, pair)).collect();
    tagged("dm_history", said)
}

/// A room, in the lists and answers of the old REST back end.
#[derive(Serialize)]
pub(super) struct Room<'a> {
    id: i64,
    /// The form that the old back end answered a creation with.
    room_id: i64,
    name: &'a str,
    description: &'a str,
    is_private: bool,
    member_count: i64,
    created_at: Time,
}

impl<'a> From<&'a Conversation> for Room<'a> {
    fn from(room: &'a Conversation) -> Self {
        Self {
            id: room.id.0,
            room_id: room.id.0,
            name: room.name.as_deref().unwrap_or_default(),
            description: room.topic.as_deref().unwrap_or_default(),
            is_private: room.visibility == chat::conversations::Visibility::Private,
            member_count: room.member_count,
            created_at: Time(room.created_at),
        }
    }
}

/// A person, in the lists and answers of the old REST back end.
#[derive(Serialize)]
pub(super) struct Person<'a> {
    id: i64,
    username: String,
    /// Only told to its owner; the field stays, because the old pages show it.
    email: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    #[serde(rename = "isOnline", skip_serializing_if = "Option::is_none")]
    is_online: Option<bool>,
}

impl<'a> Person<'a> {
    /// The speaker's own account.
    pub(super) fn own(account: &'a accounts::Account) -> Self {
        let email = account.email.as_deref().unwrap_or_default();
        Self { email, role: Some(account.role.name()), is_online: None, ..Self::other(account, false) }
    }

    /// Somebody else.
    pub(super) fn other(account: &'a accounts::Account, is_online: bool) -> Self {
        Self {
            id: account.id.0,
            username: called(&account.username, &account.shown_name()).to_owned(),
            email: "",
            role: None,
            is_online: Some(is_online),
        }
    }
}

/// A refusal's words, for people who read French. Those of the old server are given where it had any.
pub(super) fn words(error: &Error) -> String {
    let field = error.field.as_deref().unwrap_or_default().trim_start_matches('/');
    match error.code {
        ErrorCode::Malformed => "Message illisible.".into(),
        ErrorCode::TooSlow => "Message trop lent.".into(),
        ErrorCode::UpgradeRequired => "Connexion WebSocket requise.".into(),
        ErrorCode::Invalid if field == "text" => "Message vide ou trop long.".into(),
        ErrorCode::Invalid if field.is_empty() => "Demande invalide.".into(),
        ErrorCode::Invalid => format!("Champ « {field} » absent ou invalide."),
        ErrorCode::UnknownCommand => "Type de message inconnu.".into(),
        ErrorCode::MethodNotAllowed => "Méthode non autorisée.".into(),
        ErrorCode::TooLarge => "Message trop grand.".into(),
        ErrorCode::UnsupportedType | ErrorCode::RangeNotSatisfiable | ErrorCode::ChecksumMismatch => {
            "Fichier non accepté.".into()
        }
        ErrorCode::Locked => "Déjà en cours ; réessayez.".into(),
        ErrorCode::UnsupportedVersion => "Version non prise en charge.".into(),
        ErrorCode::FileInfected => "Fichier infecté.".into(),
        ErrorCode::Unauthenticated => "Authentification requise.".into(),
        ErrorCode::BadCredentials => "Identifiants invalides.".into(),
        ErrorCode::Forbidden | ErrorCode::ForbiddenOrigin | ErrorCode::NotAccepting => {
            "Permissions insuffisantes.".into()
        }
        ErrorCode::NotFound => "Introuvable.".into(),
        ErrorCode::Conflict | ErrorCode::IdempotencyMismatch => "Ce nom est déjà pris.".into(),
        ErrorCode::RateLimited => "Trop de messages ; réessayez dans un instant.".into(),
        ErrorCode::ConfirmationNeeded | ErrorCode::LimitReached => "Une limite est atteinte.".into(),
        ErrorCode::Unavailable | ErrorCode::StorageFull => {
            "Service momentanément indisponible ; le message n'est pas enregistré.".into()
        }
        ErrorCode::OutcomeUnknown => "Impossible de savoir si le message est enregistré.".into(),
        ErrorCode::NotImplemented => "Non pris en charge.".into(),
        ErrorCode::Internal => "Erreur interne du serveur.".into(),
    }
}
