//! The people whom a value names: every [`UserId`] in it, wherever it stands.
//!
//! By this whoever speaks to a host application's clients puts the host's numbers in the place of our ids, and back,
//! in one place for all endpoints. Each type of the vocabulary derives [`NamesPeople`], so a field that is added has to
//! say whether it names somebody, and nothing is left out but by `#[nobody]`, with the reason.

pub use chat_derive::NamesPeople;

use crate::{
    ClientId, ConnectionId, ConversationId, FileId, MessageId, Millis, Number, PushDeviceId, ReminderId, SessionId,
    UserGroupId, UserId,
};

/// A value that names people, or can.
pub trait NamesPeople {
    /// Shows each of them, to be read or to be replaced.
    fn each_person(&mut self, show: &mut dyn FnMut(&mut UserId));
}

/// All whom something names, some perhaps twice.
#[must_use]
pub fn named_in(value: &(impl NamesPeople + Clone)) -> Vec<UserId> {
    let mut named = Vec::new();
    value.clone().each_person(&mut |user| named.push(*user));
    named
}

impl NamesPeople for UserId {
    fn each_person(&mut self, show: &mut dyn FnMut(&mut UserId)) {
        show(self);
    }
}

impl<T: NamesPeople> NamesPeople for Vec<T> {
    fn each_person(&mut self, show: &mut dyn FnMut(&mut UserId)) {
        self.iter_mut().for_each(|one| one.each_person(show));
    }
}

impl<T: NamesPeople> NamesPeople for Option<T> {
    fn each_person(&mut self, show: &mut dyn FnMut(&mut UserId)) {
        self.iter_mut().for_each(|one| one.each_person(show));
    }
}

impl<T: NamesPeople> NamesPeople for Box<T> {
    fn each_person(&mut self, show: &mut dyn FnMut(&mut UserId)) {
        (**self).each_person(show);
    }
}

impl<A: NamesPeople, B: NamesPeople> NamesPeople for (A, B) {
    fn each_person(&mut self, show: &mut dyn FnMut(&mut UserId)) {
        self.0.each_person(show);
        self.1.each_person(show);
    }
}

impl<A: NamesPeople, B: NamesPeople, C: NamesPeople> NamesPeople for (A, B, C) {
    fn each_person(&mut self, show: &mut dyn FnMut(&mut UserId)) {
        self.0.each_person(show);
        self.1.each_person(show);
        self.2.each_person(show);
    }
}

/// Types that name nobody, whatever stands in them.
macro_rules! nobody {
    ($($of:ty),* $(,)?) => { $(
        impl NamesPeople for $of {
            fn each_person(&mut self, _: &mut dyn FnMut(&mut UserId)) {}
        }
    )* };
}

nobody!(bool, u8, u16, u32, i64, u64, usize, String);
nobody!(
    ClientId,
    ConnectionId,
    ConversationId,
    FileId,
    MessageId,
    Millis,
    Number,
    PushDeviceId,
    ReminderId,
    SessionId,
    UserGroupId,
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Command, Signal,
        conversations::Place,
        presence::{Presence, Seen},
    };

    #[test]
    fn everybody_whom_a_value_names_is_shown_once_for_each_place() {
        let place = Place { kind: crate::conversations::Kind::Direct, name: None, pair: Some((UserId(1), UserId(2))) };
        assert_eq!(named_in(&place), [UserId(1), UserId(2)]);
        let seen = Seen { presence: Presence::Online, last_seen_at: None };
        let people = vec![(UserId(4), String::new(), seen), (UserId(3), String::new(), seen)];
        let mut signal = Signal::PresenceChanged { conversation: ConversationId(9), people };
        signal.each_person(&mut |user| user.0 += 10);
        assert_eq!(named_in(&signal), [UserId(14), UserId(13)]);
        let mut command = Command::CreateGroup { name: None, members: vec![UserId(1), UserId(1)], client_id: None };
        command.each_person(&mut |user| user.0 = 5);
        assert!(matches!(command, Command::CreateGroup { members, .. } if members == [UserId(5), UserId(5)]));
    }
}
