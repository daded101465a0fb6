//! An audience: the subscribers of a channel who are sent the same bytes.

use dialects::Dialect;

use crate::queue::Subscriber;

/// The subscribers who speak one dialect; in the native one those who take runs of joins and leaves as one are an
/// audience of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Audience(usize);

impl Audience {
    /// How many there are.
    pub(crate) const COUNT: usize = Dialect::COUNT + 1;
    /// Those who take a run of joins and leaves as one.
    pub(crate) const GATHERING: Self = Self(Dialect::COUNT);

    /// To which a subscriber belongs.
    pub(crate) fn of(subscriber: &Subscriber) -> Self {
        if subscriber.gathers { Self::GATHERING } else { Self(subscriber.dialect.place()) }
    }

    /// All of them, with their dialects.
    pub(crate) fn all() -> impl Iterator<Item = (Self, Dialect)> {
        Dialect::all()
            .map(|dialect| (Self(dialect.place()), dialect))
            .chain(std::iter::once((Self::GATHERING, Dialect::NATIVE)))
    }

    /// Its place in a list that has one for each.
    pub(crate) fn place(self) -> usize {
        self.0
    }
}

/// How many subscribers each audience has.
pub(crate) type Listening = [u32; Audience::COUNT];
