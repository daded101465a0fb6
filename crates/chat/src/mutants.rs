//! Deliberate faults, one for each promise of delivery. They prove that the tests would find a real fault.
//!
//! They exist only in a program built with debug assertions, which no release is: without them [`is`] is always
//! `false`, and the compiler leaves the faults out. With them, `MUTANT_OF_PALABRE` may choose one of them when the program
//! starts.

/// A deliberate fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    /// A send is acknowledged before it is committed.
    AckBeforeCommit,
    /// The database does not wait for the disk.
    SkipFsync,
    /// Numbers come from a counter in memory.
    CachedCounter,
    /// Subscribers are sent events before the commit.
    FanOutBeforeCommit,
    /// Repeats are recognised only as long as this process remembers them.
    CachedDedupe,
    /// Catch-up answers contain only what this process has seen.
    ResumeFromMemory,
    /// Frames that do not fit into a subscriber's outbox are left out.
    DropWhenFull,
    /// Membership is checked only when somebody connects.
    PermissionAtConnect,
    /// Events of other nodes that did not arrive are not read from the database.
    NoReread,
    /// Numbers follow the clock.
    ClockOrder,
    /// The sender's id for a send is forgotten.
    ForgetClientIds,
    /// A stored message is answered with a refusal now and then.
    RefuseAfterCommit,
    /// A database that has come back with less is taken for the same history.
    KeepHistory,
    /// A claimed job stays with the node that claimed it, even if that dies.
    ClaimForGood,
    /// A file's row is written before its bytes are in their place.
    RowBeforeBytes,
    /// An upload is acknowledged before its bytes are in their place.
    AckBeforeBytes,
    /// Whoever knows a file's id may read it.
    FilesForAnybody,
    /// The preview of a link that was taken off before it was there comes all the same.
    PreviewsComeBack,
}

impl Mutant {
    /// All faults, by name.
    pub const ALL: [(&'static str, Self); 18] = [
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
        ("row-before-bytes", Self::RowBeforeBytes),
        ("ack-before-bytes", Self::AckBeforeBytes),
        ("files-for-anybody", Self::FilesForAnybody),
        ("previews-come-back", Self::PreviewsComeBack),
    ];
}

#[cfg(debug_assertions)]
static CHOSEN: std::sync::OnceLock<Mutant> = std::sync::OnceLock::new();

/// Whether this fault is active.
#[cfg(debug_assertions)]
#[must_use]
pub fn is(mutant: Mutant) -> bool {
    CHOSEN.get() == Some(&mutant)
}

/// Whether this fault is active: never, in this program.
#[cfg(not(debug_assertions))]
#[must_use]
pub const fn is(_mutant: Mutant) -> bool {
    false
}

/// Activates a fault for the life of the process.
///
/// # Errors
/// The known names, if this is none of them; or that one was chosen already.
#[cfg(debug_assertions)]
pub fn choose(name: &str) -> Result<(), String> {
    let found = Mutant::ALL.iter().find(|(known, _)| *known == name);
    let (_, mutant) = found.ok_or_else(|| {
        let names: Vec<&str> = Mutant::ALL.iter().map(|(known, _)| *known).collect();
        format!("{name} is no mutant; there are {}", names.join(", "))
    })?;
    CHOSEN.set(*mutant).map_err(|_| "a mutant was chosen already".to_owned())
}
