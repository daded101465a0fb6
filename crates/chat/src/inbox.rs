//! The inbox: everything that was for one person, newest first. It is asked for by pages, and says nothing that its
//! person may not read in the conversations themselves.

use std::str::FromStr;

use crate::{ConversationId, MessageId, Millis, Number, UserGroupId, UserId, messages::Message, people::NamesPeople};

/// Items that can be read one by one before those that are older than all of them count as read.
pub const SINGLE: usize = 500;

/// The reason for which something is in somebody's inbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, NamesPeople)]
pub enum InboxReason {
    /// A text names the person.
    Mention,
    /// A message replies to one of theirs.
    Reply,
    /// Somebody has reacted to one of their messages.
    Reaction,
    /// A text names a user group of theirs.
    Group,
    /// A text calls those who are present.
    Here,
    /// A text calls everybody.
    Room,
    /// Others have replied in a thread that the person follows: the newest such reply. Only told to clients that ask for
    /// it.
    Thread,
}

impl InboxReason {
    /// All reasons. Where several are true of one message, the first counts.
    pub const ALL: [Self; 7] =
        [Self::Mention, Self::Reply, Self::Group, Self::Here, Self::Room, Self::Thread, Self::Reaction];

    /// The name on the wire and in the database.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Mention => "mention",
            Self::Reply => "reply",
            Self::Reaction => "reaction",
            Self::Group => "group",
            Self::Here => "here",
            Self::Room => "room",
            Self::Thread => "thread",
        }
    }

    /// The reason of this name, if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.name() == name)
    }
}

/// The place of an item among all: newer ones are greater. It also identifies the item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, NamesPeople)]
pub struct InboxPlace {
    /// When it happened.
    pub at: Millis,
    /// The message.
    pub message: MessageId,
    /// The person who caused it.
    // Places are opaque, and only our own clients have them.
    #[nobody]
    pub actor: UserId,
}

impl InboxPlace {
    /// After everything.
    pub const END: Self = Self {
        at: Millis(crate::MAX_SAFE_INTEGER),
        message: MessageId(crate::MAX_SAFE_INTEGER),
        actor: UserId(crate::MAX_SAFE_INTEGER),
    };
}

impl std::fmt::Display for InboxPlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.at.0, self.message, self.actor)
    }
}

impl FromStr for InboxPlace {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let number = |text: Option<&str>| -> Result<i64, ()> {
            let text = text.filter(|text| text.len() <= 15 && text.bytes().all(|b| b.is_ascii_digit())).ok_or(())?;
            text.parse().map_err(|_| ())
        };
        let mut parts = text.split('.');
        let (at, message, actor) = (number(parts.next())?, number(parts.next())?, number(parts.next())?);
        if parts.next().is_some() {
            return Err(());
        }
        Ok(Self { at: Millis(at), message: MessageId(message), actor: UserId(actor) })
    }
}

/// Something that was for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Its place in the inbox.
    pub place: InboxPlace,
    /// Why it is there.
    pub reason: InboxReason,
    /// The username of the person who caused it.
    pub actor_name: String,
    /// The emoji of a reaction.
    pub emoji: Option<String>,
    /// The user group that was named.
    pub group: Option<UserGroupId>,
    /// Whether the person has read it: by itself, with all others, or, but for reactions, in its conversation or thread.
    pub read: bool,
    /// The message as it is now.
    pub message: Message,
}

impl NamesPeople for Item {
    fn each_person(&mut self, show: &mut dyn FnMut(&mut UserId)) {
        let Self { place, reason: _, actor_name: _, emoji: _, group: _, read: _, message } = self;
        show(&mut place.actor);
        message.each_person(show);
    }
}

/// How much of the inbox its person has read, as it is kept in their account.
#[derive(Clone, Debug, Default, PartialEq, Eq, NamesPeople)]
pub struct ReadState {
    /// Everything up to here was read at once; absent if nothing was.
    pub all_to: Option<InboxPlace>,
    /// Newer entries that were read one by one, ascending.
    pub single: Vec<InboxPlace>,
    /// The number of its last change in the account.
    pub rev: Number,
}

impl ReadState {
    /// Whether an item was read, by itself or with all others.
    #[must_use]
    pub fn has(&self, place: InboxPlace) -> bool {
        self.all_to.is_some_and(|all_to| place <= all_to) || self.single.binary_search(&place).is_ok()
    }

    /// Adds what was read; false if all of it was read already.
    pub fn read(&mut self, change: &InboxReading) -> bool {
        let before = (self.all_to, self.single.len());
        match change {
            InboxReading::To(place) => self.all_to = self.all_to.max(Some(*place)),
            InboxReading::These(places) => {
                let new: Vec<InboxPlace> = places.iter().copied().filter(|place| !self.has(*place)).collect();
                self.single.extend(new);
                self.single.sort_unstable();
                self.single.dedup();
            }
        }
        let beyond = self.single.len().saturating_sub(SINGLE);
        if let Some(last) = beyond.checked_sub(1).and_then(|last| self.single.get(last)) {
            self.all_to = self.all_to.max(Some(*last));
        }
        let all_to = self.all_to;
        self.single.retain(|place| all_to.is_none_or(|all_to| *place > all_to));
        before != (self.all_to, self.single.len())
    }
}

/// The entries that somebody marks as read in their inbox.
#[derive(Clone, Debug, PartialEq, Eq, NamesPeople)]
pub enum InboxReading {
    /// These items.
    These(Vec<InboxPlace>),
    /// Everything up to this one.
    To(InboxPlace),
}

/// Where an item comes from, for those who look whether it may be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Source {
    /// The conversation.
    pub conversation: ConversationId,
    /// The message.
    pub seq: Number,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(at: i64) -> InboxPlace {
        InboxPlace { at: Millis(at), message: MessageId(at), actor: UserId(1) }
    }

    #[test]
    fn a_place_is_read_as_it_was_written() {
        assert_eq!(place(7).to_string().parse(), Ok(place(7)));
        for wrong in ["", "1", "1.2", "1.2.3.4", "1..3", "-1.2.3", "1.2.x", "1000000000000000.1.1", "+1.2.3"] {
            assert_eq!(wrong.parse::<InboxPlace>(), Err(()), "{wrong}");
        }
    }

    #[test]
    fn what_is_read_by_itself_stays_so_until_all_is_read() {
        let mut state = ReadState::default();
        assert!(state.read(&InboxReading::These(vec![place(5), place(3)])));
        assert!(!state.read(&InboxReading::These(vec![place(3)])), "repeating it changes nothing");
        assert!(state.has(place(3)) && state.has(place(5)) && !state.has(place(4)));
        assert!(state.read(&InboxReading::To(place(4))));
        assert_eq!(state.single, [place(5)]);
        assert!(!state.read(&InboxReading::To(place(2))), "it never goes back");
    }

    #[test]
    fn beyond_the_bound_what_is_older_counts_as_read() {
        let mut state = ReadState::default();
        let last = i64::try_from(SINGLE).unwrap() + 1;
        assert!(state.read(&InboxReading::These((2..=last).map(place).collect())));
        assert_eq!((state.all_to, state.single.len()), (None, SINGLE));
        assert!(state.read(&InboxReading::These(vec![place(last + 1)])));
        assert_eq!((state.all_to, state.single.len()), (Some(place(2)), SINGLE));
    }
}
