//! Where messages stand: in their conversation's room, or aside in a thread only.
//!
//! A page of the room must not read the messages that stand aside, of which a single thread may have a hundred thousand.
//! An index of the room would be a second one of all numbers, though, since most conversations have nothing aside.
//! So `messages_in_room` has only what was said in the room after something had been said aside; what was said before
//! the first message aside stands in the room altogether, and is found by its number.

/// Where a message stands, as the column `aside` says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stands {
    /// In the room, and nothing of the conversation stands aside before it.
    InRoom,
    /// In its thread only.
    Aside,
    /// In the room, after something that stands aside.
    InRoomAfterAsides,
}

impl Stands {
    pub(crate) const fn stored(self) -> i64 {
        match self {
            Self::InRoom => 0,
            Self::Aside => 1,
            Self::InRoomAfterAsides => 2,
        }
    }
}

/// The number of a conversation's first message that stands aside; without one, a number that no message has.
macro_rules! first_aside {
    ($conversation:expr) => {
        concat!(
            "(SELECT COALESCE(MIN(t.seq), 9223372036854775807) FROM messages t WHERE t.conversation_id = ",
            $conversation,
            " AND t.aside = 1)"
        )
    };
}
