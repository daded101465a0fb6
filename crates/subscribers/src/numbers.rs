//! The numbers by which the clients of a host application know people, in the place of our ids.
//!
//! The dialects of the old systems know one number for each person, and take it for a user's id. Here it becomes that
//! of the endpoint's host before a dialect is given a value to say, whoever gives it: the hub or a connection. The way
//! back is in `connect`, where a dialect asks for something. So no dialect has to know of it, and none can forget it.
//!
//! An account's subject at a host never changes, so it is kept as long as the history of the database lasts. A host
//! may know somebody later whom it does not know yet.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

use chat::{
    AccountEvent, ConversationId, Event, Signal, UserId,
    accounts::Speaker,
    conversations::Place,
    identities::{HostNumber, Numbering},
    people::NamesPeople,
    reply::{AccountChanges, CaughtUp},
};
use dialects::{Dialect, Text};

use crate::Lookups;

/// How long it holds that a host does not know somebody.
const UNKNOWN: Duration = Duration::from_secs(60);
/// How long may be waited for the database. Whoever is not known by then has the number of those whom the host does not
/// know, which means nobody else.
const PATIENCE: Duration = Duration::from_secs(2);

/// The numbers that are spoken at this node's endpoints.
pub struct Numbers {
    lookups: Arc<dyn Lookups>,
    hosts: Vec<Host>,
    /// The place in `hosts` of each dialect's; absent where a dialect speaks our ids.
    of_dialect: [Option<usize>; Dialect::COUNT],
}

struct Host {
    numbering: Numbering,
    known: RwLock<HashMap<UserId, Entry>>,
    /// Whom the host's own numbers mean.
    meant: RwLock<HashMap<HostNumber, UserId>>,
}

#[derive(Clone, Copy)]
struct Entry {
    number: HostNumber,
    /// Until when it holds; absent if for ever.
    until: Option<Instant>,
}

impl Entry {
    fn holds(&self, now: Instant) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

impl Numbers {
    /// The numbers of these dialects. All others speak our ids.
    #[must_use]
    pub fn new(lookups: Arc<dyn Lookups>, dialects: &[(Dialect, Numbering)]) -> Self {
        let mut numbers = Self { lookups, hosts: Vec::new(), of_dialect: [None; Dialect::COUNT] };
        for (dialect, numbering) in dialects {
            let at = numbers.hosts.iter().position(|host| host.numbering == *numbering);
            let at = at.unwrap_or_else(|| {
                numbers.hosts.push(Host::of(numbering.clone()));
                numbers.hosts.len() - 1
            });
            if let Some(of_dialect) = numbers.of_dialect.get_mut(dialect.place()) {
                *of_dialect = Some(at);
            }
        }
        numbers
    }

    /// Whether any dialect speaks a host's numbers.
    #[must_use]
    pub fn are_spoken(&self) -> bool {
        !self.hosts.is_empty()
    }

    fn host(&self, dialect: Dialect) -> Option<&Host> {
        let at = self.of_dialect.get(dialect.place()).copied().flatten()?;
        self.hosts.get(at)
    }

    /// How a dialect numbers people; nothing if by our ids.
    #[must_use]
    pub fn numbering(&self, dialect: Dialect) -> Option<&Numbering> {
        self.host(dialect).map(|host| &host.numbering)
    }

    /// Sees that what hosts call these people is known here.
    pub async fn learn(&self, users: &[UserId]) {
        for host in &self.hosts {
            let unknown = host.unknown(users);
            if unknown.is_empty() {
                continue;
            }
            let asking = self.lookups.subjects(host.numbering.issuer.clone(), unknown.clone());
            match tokio::time::timeout(PATIENCE, asking).await {
                Ok(Ok(subjects)) => host.note(&unknown, &subjects),
                Ok(Err(error)) => {
                    tracing::warn!(%error, "what a host calls people cannot be read now");
                    host.wait(&unknown);
                }
                Err(_) => {
                    tracing::warn!("what a host calls people could not be read in time");
                    host.wait(&unknown);
                }
            }
        }
    }

    /// The number of somebody who was learnt before.
    #[must_use]
    pub fn number(&self, dialect: Dialect, user: UserId) -> Option<HostNumber> {
        self.host(dialect).map(|host| host.number(user))
    }

    /// Whom one of the host's own numbers means, if that is known here.
    #[must_use]
    pub fn meant(&self, dialect: Dialect, number: HostNumber) -> Option<UserId> {
        let host = self.host(dialect)?;
        host.meant.read().unwrap_or_else(PoisonError::into_inner).get(&number).copied()
    }

    /// Forgets everybody: the database has come back as another history, in which accounts may be others.
    pub fn forget(&self) {
        for host in &self.hosts {
            host.known.write().unwrap_or_else(PoisonError::into_inner).clear();
            host.meant.write().unwrap_or_else(PoisonError::into_inner).clear();
        }
    }

    /// The same value as a dialect is given it: with its host's numbers in the place of our ids.
    #[must_use]
    pub fn spoken<T: NamesPeople>(&self, dialect: Dialect, mut value: T) -> T {
        if let Some(host) = self.host(dialect) {
            host.put_into(&mut value);
        }
        value
    }

    /// The same value, once those whom it names are known.
    pub async fn said<T: NamesPeople + Clone>(&self, dialect: Dialect, value: T) -> T {
        if self.host(dialect).is_some() {
            self.learn(&chat::people::named_in(&value)).await;
        }
        self.spoken(dialect, value)
    }

    /// The first texts for a connection.
    pub async fn greeting(&self, dialect: Dialect, speaker: &Speaker) -> Vec<Text> {
        (dialect.greeting)(&self.said(dialect, speaker.clone()).await)
    }

    pub(crate) fn event(&self, dialect: Dialect, place: &Place, event: &Event) -> Option<Text> {
        match self.host(dialect) {
            None => (dialect.event)(place, event),
            Some(host) => (dialect.event)(&host.with(place), &host.with(event)),
        }
    }

    pub(crate) fn account(&self, dialect: Dialect, place: Option<&Place>, event: &AccountEvent) -> Vec<Text> {
        match self.host(dialect) {
            None => (dialect.account)(place, event),
            Some(host) => (dialect.account)(place.map(|place| host.with(place)).as_ref(), &host.with(event)),
        }
    }

    /// The texts for a subscriber about a signal.
    #[must_use]
    pub fn signal(&self, dialect: Dialect, place: Option<&Place>, signal: &Signal) -> Vec<Text> {
        match self.host(dialect) {
            None => (dialect.signal)(place, signal),
            Some(host) => (dialect.signal)(place.map(|place| host.with(place)).as_ref(), &host.with(signal)),
        }
    }

    /// The text for a subscriber about the changes that it missed in a conversation, once those who are named in it are
    /// known.
    #[must_use]
    pub fn caught_up(&self, dialect: Dialect, conversation: ConversationId, changes: &CaughtUp) -> Option<Text> {
        match self.host(dialect) {
            None => (dialect.caught_up)(conversation, changes),
            Some(host) => (dialect.caught_up)(conversation, &host.with(changes)),
        }
    }

    /// The texts for a subscriber about the changes that it missed of its account.
    pub async fn account_caught_up(&self, dialect: Dialect, changes: &AccountChanges) -> Vec<Text> {
        match self.host(dialect) {
            None => (dialect.account_caught_up)(changes),
            Some(_) => (dialect.account_caught_up)(&self.said(dialect, changes.clone()).await),
        }
    }
}

impl Host {
    fn of(numbering: Numbering) -> Self {
        Self { numbering, known: RwLock::default(), meant: RwLock::default() }
    }

    fn unknown(&self, users: &[UserId]) -> Vec<UserId> {
        let (known, now) = (self.known.read().unwrap_or_else(PoisonError::into_inner), Instant::now());
        let mut unknown: Vec<UserId> =
            users.iter().copied().filter(|user| known.get(user).is_none_or(|entry| !entry.holds(now))).collect();
        unknown.sort_unstable();
        unknown.dedup();
        unknown
    }

    fn note(&self, users: &[UserId], subjects: &HashMap<UserId, String>) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let mut meant = self.meant.write().unwrap_or_else(PoisonError::into_inner);
        for user in users {
            let subject = subjects.get(user);
            let own = subject.and_then(|subject| self.numbering.number_of_subject(subject));
            meant.extend(own.map(|number| (number, *user)));
            let number = self.numbering.number(*user, subject.map(String::as_str));
            let until = subject.is_none().then(|| Instant::now() + UNKNOWN);
            known.insert(*user, Entry { number, until });
        }
    }

    /// Numbers that could not be read are not asked for again at once: nobody should wait for a database that is away
    /// twice.
    fn wait(&self, users: &[UserId]) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let until = Some(Instant::now() + PATIENCE);
        for user in users {
            let number = self.numbering.number(*user, None);
            known.entry(*user).or_insert(Entry { number, until }).until = until;
        }
    }

    /// A number that has run out is still the best that is known.
    fn number(&self, user: UserId) -> HostNumber {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.get(&user).map_or_else(|| self.numbering.number(user, None), |entry| entry.number)
    }

    fn put_into(&self, value: &mut impl NamesPeople) {
        // In a dialect of an old system a user's id is the host's number, and nothing else.
        value.each_person(&mut |user| *user = UserId(self.number(*user).0));
    }

    fn with<T: NamesPeople + Clone>(&self, value: &T) -> T {
        let mut value = value.clone();
        self.put_into(&mut value);
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host() -> Host {
        Host::of(Numbering { issuer: "default".into(), offset: 1_000 })
    }

    #[test]
    fn whoever_the_host_does_not_know_is_asked_for_again_and_never_has_its_numbers() {
        let host = host();
        let users = [UserId(1), UserId(2), UserId(3), UserId(2)];
        assert_eq!(host.unknown(&users), [UserId(1), UserId(2), UserId(3)]);
        assert_eq!(host.number(UserId(2)), HostNumber(1_002), "not asked for yet");
        let subjects = [(UserId(1), "2".to_owned()), (UserId(3), "no number".to_owned())];
        host.note(&users, &subjects.into_iter().collect());
        assert_eq!(host.unknown(&users), []);
        let meant = |number| host.meant.read().unwrap().get(&HostNumber(number)).copied();
        assert_eq!((meant(2), meant(1_002), meant(1)), (Some(UserId(1)), None, None));
        let numbers = users.map(|user| host.number(user).0);
        assert_eq!(numbers, [2, 1_002, 1_003, 1_002]);
        let mut known = host.known.write().unwrap();
        known.values_mut().filter_map(|entry| entry.until.as_mut()).for_each(|until| *until = Instant::now());
        drop(known);
        assert_eq!(host.unknown(&users), [UserId(2)]);
        assert_eq!(host.number(UserId(2)), HostNumber(1_002));
        host.wait(&[UserId(2), UserId(4)]);
        assert_eq!((host.unknown(&[UserId(2), UserId(4)]), host.number(UserId(4))), (vec![], HostNumber(1_004)));
    }
}
