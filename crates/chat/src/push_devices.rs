//! Push devices: where somebody wants to be told while none of their pages is open, and what becomes of what they are
//! told there. A device is told where a message is, never what it says; it reads the message like any other reader, if
//! its person still may.

use crate::{ConversationId, Millis, Number, PushDeviceId, SessionId, UserId, notifications::Why, people::NamesPeople};

/// A browser that somebody wants to be told on. There is at most one for each session, and it ends with the session.
#[derive(Clone, Debug, PartialEq, Eq, NamesPeople)]
pub struct PushDevice {
    /// Its id.
    pub id: PushDeviceId,
    /// Whose it is; nobody else sees it.
    pub user: UserId,
    /// The session that subscribed.
    pub session: SessionId,
    /// The browser's own description (`User-Agent`) at that time.
    pub agent: Option<String>,
    /// The language in which it tells, a BCP 47 tag.
    pub language: String,
    /// Whether it shows what messages say; else only that there are some.
    pub shows_text: bool,
    /// When it was added.
    pub created_at: Millis,
    /// The number of its last change in its person's account.
    pub rev: Number,
}

/// A browser's subscription, as the browser gives it.
#[derive(Clone, Debug, PartialEq, Eq, NamesPeople)]
pub struct NewPushDevice {
    /// The address at its push service.
    pub endpoint: String,
    /// Its public key, in base64url.
    pub p256dh: String,
    /// Its secret, in base64url.
    pub auth: String,
    /// See [`PushDevice::language`].
    pub language: String,
    /// See [`PushDevice::shows_text`].
    pub shows_text: bool,
}

/// The subject of a push.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, NamesPeople)]
pub enum PushKind {
    /// A message in a direct conversation.
    Direct,
    /// A message that is for the person: it mentions them, or holds one of their keywords.
    Mention,
    /// Another message.
    Message,
    /// A reminder that is due.
    Reminder,
}

impl PushKind {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Direct, Self::Mention, Self::Message, Self::Reminder];

    /// The name on the wire and in the database.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Mention => "mention",
            Self::Message => "message",
            Self::Reminder => "reminder",
        }
    }

    /// The kind of this name, if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether the device must be woken at once.
    #[must_use]
    pub fn is_urgent(self) -> bool {
        self != Self::Message
    }
}

/// The state of the last push about a conversation to a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, NamesPeople)]
pub enum PushState {
    /// It is to be sent, at once or after a pause.
    Waiting,
    /// The device's push service has taken it.
    Sent,
    /// The person read the message before it was sent.
    Read,
    /// The push service will never take it, or was asked too often.
    GivenUp,
}

impl PushState {
    /// All states.
    pub const ALL: [Self; 4] = [Self::Waiting, Self::Sent, Self::Read, Self::GivenUp];

    /// The name on the wire and in the database.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Sent => "sent",
            Self::Read => "read",
            Self::GivenUp => "given_up",
        }
    }

    /// The state of this name, if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// The last push about a conversation to one device, for the explanation of a message.
#[derive(Clone, Debug, PartialEq, Eq, NamesPeople)]
pub struct PushExplained {
    /// The device.
    pub device: PushDeviceId,
    /// Its state; absent if there was none about this message or a later one, or an edit of an earlier message
    /// was told since.
    pub state: Option<PushState>,
    /// Up to which message it told; a later one than was asked for if that was gathered with others.
    pub seq: Option<Number>,
    /// When it came into its state.
    pub at: Option<Millis>,
    /// The push service's answer if it did not take it, such as a status.
    pub error: Option<String>,
}

/// The parts of a message that a device may show after a push about it.
#[derive(Clone, Debug, PartialEq, Eq, NamesPeople)]
pub struct PushedMessage {
    /// Where it is.
    pub conversation: ConversationId,
    /// Which it is.
    pub seq: Number,
    /// The root of the thread in which it stands aside from the room.
    pub thread: Option<Number>,
    /// The subject of the push.
    pub kind: PushKind,
    /// The name of the conversation; absent if it has none, as direct conversations.
    pub name: Option<String>,
    /// The name that is shown of its author.
    pub author: String,
    /// Its text, without markers and not in full; absent if the device shows no text, or there is none.
    pub text: Option<String>,
    /// Whether the person has read it.
    pub is_read: bool,
    /// The person's unread messages of the conversation, counted up to 100.
    pub unread: i64,
    /// The device's language.
    pub language: String,
}

/// The order in which reasons count: whether a message is for the person counts for how they are told.
#[must_use]
pub fn kind_of(is_direct: bool, why: &Why) -> PushKind {
    match why {
        _ if is_direct => PushKind::Direct,
        Why::Mentioned | Why::Keyword(_) => PushKind::Mention,
        _ => PushKind::Message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_and_states_are_found_by_their_names() {
        for kind in PushKind::ALL {
            assert_eq!(PushKind::from_name(kind.name()), Some(kind));
        }
        for state in PushState::ALL {
            assert_eq!(PushState::from_name(state.name()), Some(state));
        }
        assert_eq!((PushKind::from_name(""), PushState::from_name("lost")), (None, None));
    }

    #[test]
    fn what_is_for_the_person_wakes_a_device_at_once() {
        assert_eq!(kind_of(true, &Why::Everything), PushKind::Direct);
        assert_eq!(kind_of(false, &Why::Mentioned), PushKind::Mention);
        assert_eq!(kind_of(false, &Why::Keyword("tea".into())), PushKind::Mention);
        assert_eq!(kind_of(false, &Why::Everything), PushKind::Message);
        assert!(PushKind::Direct.is_urgent() && PushKind::Mention.is_urgent() && PushKind::Reminder.is_urgent());
        assert!(!PushKind::Message.is_urgent());
    }
}
