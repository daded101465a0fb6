//! Deliberate faults, one for each promise of delivery, by which it is proven that the tests would see a real one.
//!
//! They exist only in a program that was built with the feature `mutants`, which no release is: without it [`is`] is
//! `false` for good, and the compiler leaves the faults out. With it, one of them is chosen when the program starts.

/// A deliberate fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    /// A send is acknowledged before it is committed.
    AckBeforeCommit,
    /// The database does not wait for the disk.
    SkipFsync,
    /// Numbers come from a counter in memory.
    CachedCounter,
    /// Others are told before the commit.
    FanOutBeforeCommit,
    /// Repeats are recognised only as long as this process remembers them.
    CachedDedupe,
    /// Catching up reads what this process has seen.
    ResumeFromMemory,
    /// What does not fit into a subscriber's outbox is left out.
    DropWhenFull,
    /// Whether somebody is a member is asked only when they connect.
    PermissionAtConnect,
    /// What other nodes told and did not arrive is not read from the database.
    NoReread,
    /// Numbers follow the clock.
    ClockOrder,
    /// The sender's id for a send is forgotten.
    ForgetClientIds,
    /// What was stored is refused now and then.
    RefuseAfterCommit,
    /// A database that has come back with less is taken for the same history.
    KeepHistory,
    /// A job that was claimed is its claimer's for good, even if they die.
    ClaimForGood,
}

impl Mutant {
    /// All of them, by name.
    pub const ALL: [(&'static str, Self); 14] = [
        ("ack-before-commit", Self::AckBeforeCommit),
        ("skip-fsync", Self::SkipFsync),
        ("cached-counter", Self::CachedCounter),
        ("fan-out-before-commit", Self::FanOutBeforeCommit),
        ("cached-dedupe", Self::CachedDedupe),
        ("resume-from-memory", Self::ResumeFromMemory),
        ("drop-when-full", Self::DropWhenFull),
        ("permission-at-connect", Self::PermissionAtConnect),
        ("no-reread", Self::NoReread),
        ("clock-order", Self::ClockOrder),
        ("forget-client-ids", Self::ForgetClientIds),
        ("refuse-after-commit", Self::RefuseAfterCommit),
        ("keep-history", Self::KeepHistory),
        ("claim-for-good", Self::ClaimForGood),
    ];
}

#[cfg(feature = "mutants")]
static CHOSEN: std::sync::OnceLock<Mutant> = std::sync::OnceLock::new();

/// Whether this fault is in force.
#[cfg(feature = "mutants")]
#[must_use]
pub fn is(mutant: Mutant) -> bool {
    CHOSEN.get() == Some(&mutant)
}

/// Whether this fault is in force: never, in this program.
#[cfg(not(feature = "mutants"))]
#[must_use]
pub const fn is(_mutant: Mutant) -> bool {
    false
}

/// Puts a fault into force, once and for good.
///
/// # Errors
/// The names that there are, if this is none of them, or one was chosen already.
#[cfg(feature = "mutants")]
pub fn choose(name: &str) -> Result<(), String> {
    let found = Mutant::ALL.iter().find(|(known, _)| *known == name);
    let (_, mutant) = found.ok_or_else(|| {
        let names: Vec<&str> = Mutant::ALL.iter().map(|(known, _)| *known).collect();
        format!("{name} is no mutant; there are {}", names.join(", "))
    })?;
    CHOSEN.set(*mutant).map_err(|_| "a mutant was chosen already".to_owned())
}
