//! Passwords: Argon2id off the asynchronous threads, a few at a time, in memory that is kept.

mod common;
mod foreign;
mod queue;

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use argon2::{
    Algorithm, Argon2, Block, Params, Version,
    password_hash::phc::{Output, PasswordHash, Salt},
};
use chat::{Error, Result, UserId, names};
use tokio::sync::oneshot;

use foreign::{Foreign, LARGEST};
use queue::Queue;

pub(crate) use common::{About, check};
pub(crate) use foreign::importable;
pub(crate) use queue::{Share, Visitor};

/// Memory in KiB, passes, lanes: the first of OWASP's recommendations for Argon2id.
const MEMORY: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// The most hashes at a time: 19 MiB are kept for each.
const AT_ONCE: usize = 4;
/// Salts that one log-in computes. Accounts of one mail address share one, unless they were opened at the same moment or
/// before there was sharing; however many are opened so, a log-in by the address costs three hashes at most.
const SALTS: usize = 3;
/// Held while a hash of another system is computed that needs more than an [`Arena`]: one such at a time, and its memory
/// goes back to the system.
static LARGE: Mutex<()> = Mutex::new(());
/// When to try again if too many wait.
const SOON_MS: i64 = 1_000;

/// The memory of one hash. It is allocated once and kept: an allocator that is asked for 19 MiB at a time, by many
/// threads, returns little of it to the system.
type Arena = Box<[Block]>;

/// Gives out turns at hashing. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Hasher {
    desk: Arc<Mutex<Desk>>,
    /// A hash of no password, compared when there is no account, so that both cases take as long.
    decoy: Arc<OnceLock<String>>,
}

struct Desk {
    /// Arenas that are free: there are none while somebody waits.
    idle: Vec<Arena>,
    /// How many more arenas may be allocated.
    left: usize,
    waiting: Queue<oneshot::Sender<Arena>>,
}

impl Hasher {
    /// A hasher for which this many requests may wait.
    pub(crate) fn new(waiting: usize) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self::with(cores.min(AT_ONCE), waiting)
    }

    fn with(at_once: usize, waiting: usize) -> Self {
        let desk = Desk { idle: Vec::new(), left: at_once, waiting: Queue::new(waiting) };
        Self { desk: Arc::new(Mutex::new(desk)), decoy: Arc::default() }
    }

    /// Waits for a turn.
    ///
    /// # Errors
    /// `rate_limited` if too many wait, of this network or in all.
    pub(crate) async fn turn(&self, visitor: Visitor) -> Result<Turn> {
        let arena = match self.take_or_wait(visitor)? {
            Ok(arena) => arena,
            // A request that is dropped from the queue is told to try again.
            Err(mut waiting) => (&mut waiting.woken).await.map_err(|_| too_many())?,
        };
        Ok(Turn { lease: Lease { arena: Some(arena), desk: self.desk.clone() }, decoy: self.decoy.clone() })
    }

    /// A free arena, or a place in the queue.
    fn take_or_wait(&self, visitor: Visitor) -> Result<std::result::Result<Arena, Waiting>> {
        let mut desk = open(&self.desk);
        if let Some(arena) = desk.idle.pop() {
            return Ok(Ok(arena));
        }
        if desk.left > 0 {
            desk.left -= 1;
            drop(desk);
            return Ok(Ok(vec![Block::new(); MEMORY as usize].into()));
        }
        let (waker, woken) = oneshot::channel();
        let share = visitor.share;
        let ticket = desk.waiting.enter(visitor, waker).ok_or_else(too_many)?;
        Ok(Err(Waiting { desk: self.desk.clone(), share, ticket, woken }))
    }
}

fn open(desk: &Mutex<Desk>) -> MutexGuard<'_, Desk> {
    desk.lock().unwrap_or_else(PoisonError::into_inner)
}

fn too_many() -> Error {
    Error::rate_limited("log-ins at once", SOON_MS)
}

/// Hands an arena to the next request, or keeps it until one comes.
fn hand_on(desk: &Mutex<Desk>, mut arena: Arena) {
    let mut desk = open(desk);
    while let Some(waker) = desk.waiting.next() {
        match waker.send(arena) {
            Ok(()) => return,
            // This request was dropped while it waited.
            Err(back) => arena = back,
        }
    }
    desk.idle.push(arena);
}

/// A place in the queue. Dropping it gives it up, with the arena that may just have come.
struct Waiting {
    desk: Arc<Mutex<Desk>>,
    share: Share,
    ticket: u64,
    woken: oneshot::Receiver<Arena>,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        open(&self.desk).waiting.leave(self.share, self.ticket);
        self.woken.close();
        if let Ok(arena) = self.woken.try_recv() {
            hand_on(&self.desk, arena);
        }
    }
}

/// An arena in use. Dropping it hands it on.
struct Lease {
    arena: Option<Arena>,
    desk: Arc<Mutex<Desk>>,
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(arena) = self.arena.take() {
            hand_on(&self.desk, arena);
        }
    }
}

/// A turn at hashing.
pub(crate) struct Turn {
    lease: Lease,
    decoy: Arc<OnceLock<String>>,
}

impl Turn {
    /// The PHC string of a password. Accounts that name one mail address share a salt (see [`Turn::find`]); otherwise
    /// it is random.
    pub(crate) async fn hash(self, password: String, salt: Option<Salt>) -> Result<String> {
        self.work(move |arena, _| hash(arena, &names::opaque(&password), salt)).await.map(|(_, hash)| hash)
    }

    /// Whose password it is of these people, the first of them if it is that of several. Without any, it takes as long
    /// as with one. Hashes from before passwords had one form are tried with the password as it came.
    pub(crate) async fn find(
        self,
        password: String,
        people: Vec<(UserId, String)>,
    ) -> Result<(Self, Option<(UserId, String)>)> {
        self.work(move |arena, decoy| {
            if people.is_empty() {
                let decoy = match decoy.get() {
                    Some(decoy) => decoy.clone(),
                    None => {
                        let hashed = hash(arena, "decoy", None)?;
                        decoy.get_or_init(|| hashed).clone()
                    }
                };
                find_any(arena, &password, &[(UserId(0), decoy)])?;
                return Ok(None);
            }
            find_any(arena, &password, &people)
        })
        .await
    }

    async fn work<T: Send + 'static>(
        mut self,
        work: impl FnOnce(&mut Arena, &OnceLock<String>) -> Result<T> + Send + 'static,
    ) -> Result<(Self, T)> {
        let done = tokio::task::spawn_blocking(move || {
            let arena = self.lease.arena.as_mut().ok_or_else(Error::internal)?;
            let result = work(arena, &self.decoy)?;
            Ok((self, result))
        });
        done.await.map_err(|_| Error::internal())?
    }
}

fn unreadable(error: impl std::fmt::Display) -> Error {
    tracing::error!(%error, "a stored password hash cannot be read");
    Error::internal()
}

/// Whether a stored hash was made as we make them. Others were imported, and are replaced when their password is at hand.
pub(crate) fn is_ours(stored: &str) -> bool {
    stored.starts_with(&format!("$argon2id$v=19$m={MEMORY},t={PASSES},p={LANES}$"))
}

/// The salt of a hash, which another of ours can share; none of one that was made elsewhere.
///
/// # Errors
/// `internal` if it is none.
pub(crate) fn salt_of(stored: &str) -> Result<Option<Salt>> {
    if !is_ours(stored) {
        return Ok(None);
    }
    Ok(PasswordHash::new(stored).map_err(unreadable)?.salt)
}

fn hash(arena: &mut Arena, password: &str, salt: Option<Salt>) -> Result<String> {
    let failed = |error: &dyn std::fmt::Display| {
        tracing::error!(%error, "a password could not be hashed");
        Error::internal()
    };
    let salt = match salt {
        Some(salt) => salt,
        None => {
            let mut random = [0_u8; argon2::RECOMMENDED_SALT_LEN];
            getrandom::fill(&mut random).map_err(|error| failed(&error))?;
            Salt::new(&random).map_err(|error| failed(&error))?
        }
    };
    let params = Params::new(MEMORY, PASSES, LANES, None).map_err(|error| failed(&error))?;
    let hash = PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: (&params).try_into().map_err(|error| failed(&error))?,
        salt: Some(salt),
        hash: None,
    };
    let output = compute(arena, password, &hash)?;
    Ok(PasswordHash { hash: Some(output), ..hash }.to_string())
}

/// Hashes a password with the parameters of another hash.
fn compute(arena: &mut Arena, password: &str, like: &PasswordHash) -> Result<Output> {
    let algorithm = Algorithm::try_from(like.algorithm.as_str()).map_err(unreadable)?;
    let version = like.version.map_or(Ok(Version::default()), Version::try_from).map_err(unreadable)?;
    let params = Params::try_from(like).map_err(unreadable)?;
    let salt = like.salt.ok_or_else(|| unreadable("it has no salt"))?;
    let length = params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN);
    let mut output = [0_u8; Output::MAX_LENGTH];
    let output = output.get_mut(..length).ok_or_else(|| unreadable("it is too long"))?;
    let needed = params.block_count();
    if needed > LARGEST {
        return Err(unreadable(format!("it needs {needed} KiB")));
    }
    let (mut large, _one_at_a_time);
    let memory = match arena.get_mut(..needed) {
        Some(memory) => memory,
        None => {
            _one_at_a_time = LARGE.lock().unwrap_or_else(PoisonError::into_inner);
            large = vec![Block::new(); needed];
            &mut large[..]
        }
    };
    Argon2::new(algorithm, version, params)
        .hash_password_into_with_memory(password.as_bytes(), &salt, output, memory)
        .map_err(unreadable)?;
    Output::new(output).map_err(unreadable)
}

/// [`find`] with the form of a password, and once more with the password as it came, if that is another.
fn find_any(arena: &mut Arena, password: &str, people: &[(UserId, String)]) -> Result<Option<(UserId, String)>> {
    let form = names::opaque(password);
    match find(arena, &form, people)? {
        None if form != password => find(arena, password, people),
        found => Ok(found),
    }
}

/// Whose password it is. What comes after [`SALTS`] different salts is passed over, unless it has one of these.
fn find(arena: &mut Arena, password: &str, people: &[(UserId, String)]) -> Result<Option<(UserId, String)>> {
    // Of one mail address they have one salt: it is computed once, and the time does not tell how many they are.
    let mut computed: Vec<(PasswordHash, Output)> = Vec::with_capacity(1);
    let mut foreign = 0;
    for (user, stored) in people {
        if let Some(other) = Foreign::read(stored)? {
            // No two of them share a salt.
            if computed.len() + foreign < SALTS {
                foreign += 1;
                if other.is_of(password) {
                    return Ok(Some((*user, stored.clone())));
                }
            }
            continue;
        }
        let hash = PasswordHash::new(stored).map_err(unreadable)?;
        let alike = |(other, _): &&(PasswordHash, Output)| {
            (other.algorithm, other.version, &other.params, other.salt)
                == (hash.algorithm, hash.version, &hash.params, hash.salt)
        };
        let known = computed.iter().find(alike).map(|(_, output)| *output);
        let output = match known {
            Some(output) => output,
            None if computed.len() + foreign < SALTS => compute(arena, password, &hash)?,
            None => continue,
        };
        // Compared in constant time.
        if hash.hash == Some(output) {
            return Ok(Some((*user, stored.clone())));
        }
        if known.is_none() {
            computed.push((hash, output));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use chat::network::Network;

    use super::*;

    fn stranger(last: u8) -> Visitor {
        Visitor { share: Share::Network(Network::of([192, 0, 2, last].into())), account: None }
    }

    #[tokio::test]
    async fn a_password_is_found_among_the_people_who_name_one_address() {
        let hasher = Hasher::with(1, queue::WAITING);
        let hash = async |password: &str, salt| {
            hasher.turn(stranger(1)).await.expect("free").hash(password.to_owned(), salt).await.expect("hashed")
        };
        let ann = hash("hello trees", None).await;
        assert!(ann.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{ann}");
        assert_ne!(hash("hello trees", None).await, ann, "salts are random");
        let bob = hash("hello hills", salt_of(&ann).expect("readable")).await;
        let people = vec![(UserId(1), ann), (UserId(2), bob)];
        for (password, whose) in [("hello trees", Some(1)), ("hello hills", Some(2)), ("hello", None)] {
            let turn = hasher.turn(stranger(1)).await.expect("free");
            let (_, found) = turn.find(password.to_owned(), people.clone()).await.expect("readable");
            assert_eq!(found.map(|(user, _)| user.0), whose, "{password}");
        }
        let turn = hasher.turn(stranger(1)).await.expect("free");
        assert!(turn.find("decoy".to_owned(), Vec::new()).await.expect("readable").1.is_none());
    }

    #[tokio::test]
    async fn a_password_is_the_same_in_all_normal_forms_and_old_hashes_are_tried_as_it_came() {
        let hasher = Hasher::with(1, queue::WAITING);
        let (one, two) = ("correct horse caf\u{e9}", "correct\u{a0}horse cafe\u{301}");
        let new = hasher.turn(stranger(1)).await.expect("free").hash(two.to_owned(), None).await.expect("hashed");
        // A program of before would have made this hash of it.
        let turn = hasher.turn(stranger(1)).await.expect("free");
        let (_, old) = turn.work(move |arena, _| hash(arena, two, None)).await.expect("hashed");
        for (stored, password, found) in [
            (&new, one, true),
            (&new, two, true),
            (&old, two, true),
            (&old, one, false),
            (&new, "Correct horse caf\u{e9}", false),
        ] {
            let turn = hasher.turn(stranger(1)).await.expect("free");
            let people = vec![(UserId(1), stored.clone())];
            assert_eq!(
                turn.find(password.to_owned(), people).await.expect("readable").1.is_some(),
                found,
                "{password}"
            );
        }
    }

    #[tokio::test]
    async fn logging_in_computes_three_salts_at_most_the_oldest_accounts_first() {
        let hasher = Hasher::with(1, queue::WAITING);
        let hash = async |password: &str, salt| {
            hasher.turn(stranger(1)).await.expect("free").hash(password.to_owned(), salt).await.expect("hashed")
        };
        let mut people = Vec::new();
        // These were registered at the same moment, so that none shares the salt of another.
        for id in 1..=4 {
            people.push((UserId(id), hash(&format!("hello {id}"), None).await));
        }
        let shared = salt_of(&people[0].1).expect("readable");
        people.push((UserId(5), hash("hello 5", shared).await));
        for (id, whose) in [(1, Some(1)), (3, Some(3)), (4, None), (5, Some(5))] {
            let turn = hasher.turn(stranger(1)).await.expect("free");
            let (_, found) = turn.find(format!("hello {id}"), people.clone()).await.expect("readable");
            assert_eq!(found.map(|(user, _)| user.0), whose, "{id}");
        }
    }

    #[tokio::test]
    async fn hashes_of_other_programs_are_read_if_they_do_not_need_too_much_memory() {
        let stored = |text: &str| vec![(UserId(1), text.to_owned())];
        // From the command line program of the reference implementation.
        let small = "$argon2i$v=19$m=4096,t=3,p=1$c29tZXNhbHQ$zuHJmEHcOMmgEjhxoBIqVMdgvmmcpmT3+8cfJyl5Ofc";
        let hasher = Hasher::with(1, queue::WAITING);
        for other in [
            "no hash",
            "$argon2id$v=19$m=999999,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        ] {
            let turn = hasher.turn(stranger(1)).await.expect("free");
            assert!(turn.find("x".into(), stored(other)).await.is_err(), "{other}");
        }
        let turn = hasher.turn(stranger(1)).await.expect("the arena came back");
        assert!(turn.find("not it".into(), stored(small)).await.expect("readable").1.is_none());
    }

    #[tokio::test]
    async fn as_many_arenas_as_turns_are_made_however_many_ask_and_leave() {
        let hasher = Hasher::with(1, queue::WAITING);
        let first = hasher.turn(stranger(1)).await.expect("free");
        let mut waiting: Vec<_> = (0..200).map(|at| Box::pin(hasher.turn(stranger(at)))).collect();
        let polled = futures_of(&mut waiting).await;
        assert_eq!(polled, 0, "there is one arena, and it is in use");
        drop(first);
        // The arena was handed to the first of them, which is dropped without having run.
        drop(waiting);
        let desk = open(&hasher.desk);
        assert_eq!((desk.idle.len(), desk.left), (1, 0));
    }

    /// Polls each future once; returns how many are ready.
    async fn futures_of<F: Future + Unpin>(futures: &mut [F]) -> usize {
        std::future::poll_fn(|context| {
            let ready = futures
                .iter_mut()
                .filter_map(|future| std::pin::Pin::new(future).poll(context).is_ready().then_some(()));
            std::task::Poll::Ready(ready.count())
        })
        .await
    }
}
