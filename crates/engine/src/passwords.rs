//! Passwords: Argon2id off the asynchronous threads, a few at a time.

use std::sync::{Arc, OnceLock};

use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version, password_hash::phc::PasswordHash};
use chat::{Error, Result};
use tokio::sync::Semaphore;

/// Memory in KiB, passes, lanes: OWASP's first recommendation for Argon2id.
const MEMORY: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// Log-ins that may wait for their turn; more are told to come back.
const WAITING: usize = 256;

/// The commonest passwords of eight and more characters; whoever tries to guess begins here.
const COMMON: &[&str] = &[
    "password",
    "password1",
    "password123",
    "passw0rd",
    "12345678",
    "123456789",
    "1234567890",
    "11111111",
    "00000000",
    "qwertyui",
    "qwerty123",
    "qwertyuiop",
    "azertyuiop",
    "azerty123",
    "1q2w3e4r",
    "1qaz2wsx",
    "iloveyou",
    "sunshine",
    "princess",
    "football",
    "baseball",
    "superman",
    "trustno1",
    "welcome1",
    "letmein1",
    "motdepasse",
    "admin123",
    "administrator",
    "changeme",
    "abcd1234",
    "abc12345",
    "88888888",
    "66666666",
    "87654321",
    "987654321",
    "asdfghjkl",
];

pub(crate) struct Hasher {
    permits: Arc<Semaphore>,
    /// The hash of nothing in particular, checked when there is no account, so that both take as long.
    decoy: Arc<OnceLock<String>>,
}

impl Hasher {
    pub(crate) fn new() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self { permits: Arc::new(Semaphore::new(cores)), decoy: Arc::default() }
    }

    /// The PHC string of a password.
    pub(crate) async fn hash(&self, password: String) -> Result<String> {
        self.work(move |_| hash(&password)).await
    }

    /// Whether it is the password of this hash; without a hash it takes as long, and is false.
    pub(crate) async fn verify(&self, password: String, stored: Option<String>) -> Result<bool> {
        self.work(move |decoy| {
            let known = stored.is_some();
            let against = match stored {
                Some(stored) => stored,
                None => match decoy.get() {
                    Some(decoy) => decoy.clone(),
                    None => decoy.get_or_init(|| hash("decoy").unwrap_or_default()).clone(),
                },
            };
            let parsed = PasswordHash::new(&against).map_err(|error| {
                tracing::error!(%error, "a stored password hash cannot be read");
                Error::internal()
            })?;
            Ok(argon2()?.verify_password(password.as_bytes(), &parsed).is_ok() && known)
        })
        .await
    }

    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce(&OnceLock<String>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        // Bounded: whoever floods the log-in waits here, not the server.
        static QUEUE: Semaphore = Semaphore::const_new(WAITING);
        let Ok(_place) = QUEUE.try_acquire() else {
            return Err(Error::rate_limited("log-ins at once", 1_000));
        };
        let permit = self.permits.clone().acquire_owned().await.map_err(|_| Error::internal())?;
        let decoy = self.decoy.clone();
        let done = tokio::task::spawn_blocking(move || {
            let result = work(&decoy);
            drop(permit);
            result
        });
        done.await.map_err(|_| Error::internal())?
    }
}

fn argon2() -> Result<Argon2<'static>> {
    let params = Params::new(MEMORY, PASSES, LANES, None).map_err(|_| Error::internal())?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash(password: &str) -> Result<String> {
    argon2()?.hash_password(password.as_bytes()).map(|hash| hash.to_string()).map_err(|error| {
        tracing::error!(%error, "a password could not be hashed");
        Error::internal()
    })
}

/// Refuses a password that is too short, too long, too common or the name itself.
pub(crate) fn check(field: &str, password: &str, username: &str) -> Result<()> {
    let length = password.chars().count();
    if !(8..=256).contains(&length) {
        return Err(Error::invalid(field, format!("{field} must have 8 to 256 characters.")));
    }
    if password.contains('\0') {
        return Err(Error::invalid(field, format!("{field} must not hold the NUL character.")));
    }
    let lower = password.to_lowercase();
    if COMMON.contains(&lower.as_str()) || lower == username.to_lowercase() {
        return Err(Error::invalid(field, format!("{field} is too easy to guess; choose another.")));
    }
    Ok(())
}
