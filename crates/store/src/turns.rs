//! Turns at reading: whoever asks for much waits for themselves, and others do not wait for them.
//!
//! A database has a few connections for reading, and a page of history may keep one for long. If they were given to
//! whoever came first, a stranger with hundreds of requests would keep everybody else waiting until their time was over.
//! So turns go round: each person, and each network of strangers, has one place in the round, however many of their
//! requests wait. What the server reads for itself has a round of its own.

use std::{
    collections::{HashMap, VecDeque},
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use chat::{UserId, network::Network};
use tokio::sync::oneshot;

/// On whose behalf something is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reader {
    /// The server's own, for nobody or for many together.
    Server,
    /// Somebody who has authenticated.
    Person(UserId),
    /// Strangers of one network.
    Network(Network),
}

tokio::task_local! {
    static READER: Reader;
}

/// Does some work whose readings wait in the turn of `reader`.
// No `async fn`: it would hold the work twice, as what it was given and as what it waits for.
pub fn reading_for<F: Future>(reader: Reader, work: F) -> impl Future<Output = F::Output> {
    READER.scope(reader, work)
}

/// Gives turns at reading. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Turns {
    desk: Arc<Mutex<Desk>>,
}

struct Desk {
    free: usize,
    server: Round<Reader, oneshot::Sender<Turn>>,
    others: Round<Reader, oneshot::Sender<Turn>>,
    /// Whether the server had the last turn: the two rounds take turns.
    server_was_last: bool,
}

/// A turn at reading. Dropped, it is the next one's.
pub(crate) struct Turn(Turns);

impl Turns {
    pub(crate) fn new(at_once: usize) -> Self {
        let desk = Desk { free: at_once, server: Round::default(), others: Round::default(), server_was_last: false };
        Self { desk: Arc::new(Mutex::new(desk)) }
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a turn of whoever this task reads for. A task that gives up waiting is passed over when its turn comes.
    pub(crate) async fn next(&self) -> Turn {
        let reader = READER.try_with(|reader| *reader).unwrap_or(Reader::Server);
        loop {
            let given = {
                let mut desk = self.desk();
                if desk.free > 0 {
                    desk.free -= 1;
                    return Turn(self.clone());
                }
                let (waker, given) = oneshot::channel();
                desk.round(reader).push(reader, waker);
                given
            };
            // The desk outlives whoever waits at it, so somebody gives this turn.
            if let Ok(turn) = given.await {
                return turn;
            }
        }
    }
}

impl Desk {
    fn round(&mut self, reader: Reader) -> &mut Round<Reader, oneshot::Sender<Turn>> {
        match reader {
            Reader::Server => &mut self.server,
            Reader::Person(_) | Reader::Network(_) => &mut self.others,
        }
    }

    /// The next of those who still wait.
    fn next(&mut self) -> Option<oneshot::Sender<Turn>> {
        loop {
            let (first, second) = match self.server_was_last {
                true => (&mut self.others, &mut self.server),
                false => (&mut self.server, &mut self.others),
            };
            let (waker, from_first) = match first.take() {
                Some(waker) => (waker, true),
                None => (second.take()?, false),
            };
            if !waker.is_closed() {
                self.server_was_last ^= from_first;
                return Some(waker);
            }
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut desk = self.0.desk();
        let Some(waker) = desk.next() else {
            desk.free += 1;
            return;
        };
        drop(desk);
        // A waiter that has gone at this moment drops it, and so hands it on.
        drop(waker.send(Turn(self.0.clone())));
    }
}

/// Things that wait, each of somebody: whoever has some has one place in the round, however many they are.
pub struct Round<K, T> {
    order: VecDeque<K>,
    waiting: HashMap<K, VecDeque<T>>,
    count: usize,
}

impl<K, T> Default for Round<K, T> {
    fn default() -> Self {
        Self { order: VecDeque::new(), waiting: HashMap::new(), count: 0 }
    }
}

impl<K: Copy + Eq + Hash, T> Round<K, T> {
    /// How many wait in all.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// How many wait of this one.
    #[must_use]
    pub fn of(&self, key: K) -> usize {
        self.waiting.get(&key).map_or(0, VecDeque::len)
    }

    /// All that wait, in no order.
    pub fn all(&self) -> impl Iterator<Item = &T> {
        self.waiting.values().flatten()
    }

    /// Of whom most are waiting, and how many.
    #[must_use]
    pub fn fullest(&self) -> Option<(K, usize)> {
        self.waiting.iter().map(|(key, waiting)| (*key, waiting.len())).max_by_key(|(_, count)| *count)
    }

    /// Waits behind the others of the same one.
    pub fn push(&mut self, key: K, waiting: T) {
        let of_key = self.waiting.entry(key).or_default();
        if of_key.is_empty() {
            self.order.push_back(key);
        }
        of_key.push_back(waiting);
        self.count += 1;
    }

    /// Takes the oldest of the one whose turn it is.
    pub fn take(&mut self) -> Option<T> {
        let key = self.order.pop_front()?;
        let of_key = self.waiting.get_mut(&key)?;
        let next = of_key.pop_front()?;
        self.count -= 1;
        if of_key.is_empty() {
            self.waiting.remove(&key);
        } else {
            self.order.push_back(key);
        }
        Some(next)
    }

    /// Has the newest of this one wait no longer.
    pub fn pop_newest(&mut self, key: K) {
        if self.waiting.get_mut(&key).is_some_and(|waiting| waiting.pop_back().is_some()) {
            self.left(key, 1);
        }
    }

    /// Has those of this one wait no longer that are not wanted.
    pub fn retain(&mut self, key: K, is_wanted: impl FnMut(&T) -> bool) {
        let Some(of_key) = self.waiting.get_mut(&key) else { return };
        let before = of_key.len();
        of_key.retain(is_wanted);
        let left = before - of_key.len();
        self.left(key, left);
    }

    fn left(&mut self, key: K, count: usize) {
        self.count -= count;
        if self.of(key) == 0 {
            self.waiting.remove(&key);
            self.order.retain(|other| *other != key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Has somebody ask for a turn, who notes it and gives it back when they had it.
    fn ask(turns: &Turns, reader: Reader, had: &Arc<Mutex<Vec<Reader>>>) -> tokio::task::JoinHandle<()> {
        let (turns, had) = (turns.clone(), had.clone());
        tokio::spawn(reading_for(reader, async move {
            let turn = turns.next().await;
            had.lock().unwrap().push(reader);
            drop(turn);
        }))
    }

    async fn settle() {
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn however_many_one_asks_for_another_is_next() {
        let (turns, had) = (Turns::new(1), Arc::default());
        let busy = turns.next().await;
        let (loud, quiet) = (Reader::Person(UserId(1)), Reader::Person(UserId(2)));
        let mut asked: Vec<_> = (0..100).map(|_| ask(&turns, loud, &had)).collect();
        settle().await;
        asked.push(ask(&turns, quiet, &had));
        asked.push(ask(&turns, Reader::Server, &had));
        settle().await;
        drop(busy);
        for asked in asked {
            asked.await.unwrap();
        }
        let had = had.lock().unwrap();
        assert_eq!(had.len(), 102);
        assert_eq!(had[..3], [Reader::Server, loud, quiet]);
        assert_eq!(turns.desk().free, 1);
    }

    #[tokio::test]
    async fn the_server_and_the_others_take_turns() {
        let (turns, had) = (Turns::new(1), Arc::default());
        let busy = turns.next().await;
        let person = Reader::Person(UserId(1));
        let asked: Vec<_> =
            [Reader::Server, Reader::Server, person, person].map(|reader| ask(&turns, reader, &had)).into();
        settle().await;
        drop(busy);
        for asked in asked {
            asked.await.unwrap();
        }
        assert_eq!(*had.lock().unwrap(), [Reader::Server, person, Reader::Server, person]);
    }

    #[tokio::test]
    async fn whoever_gave_up_waiting_is_passed_over() {
        let turns = Turns::new(2);
        let (one, two) = (turns.next().await, turns.next().await);
        for _ in 0..50 {
            let waited = tokio::time::timeout(Duration::from_millis(1), turns.next()).await;
            assert!(waited.is_err());
        }
        drop(one);
        let three = tokio::time::timeout(Duration::from_secs(1), turns.next()).await.expect("a turn is free");
        drop((two, three));
        let desk = turns.desk();
        assert_eq!((desk.free, desk.server.count()), (2, 0));
    }
}
