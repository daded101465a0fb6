//! Deliberate faults: a simulation that finds nothing proves nothing unless it can find something.

/// What a world may do wrong on purpose. Each breaks a promise that the tests expect to be found broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// What is missing is never read from the database.
    NeverReads,
    /// An event that comes before its turn is told at once.
    PassesGaps,
    /// An event that was told before is told again.
    PassesTwice,
    /// A reading that is older than what is known to exist is taken for the present.
    TakesOldReadings,
    /// Nobody asks the database for heads.
    NeverPolls,
    /// Sends are acknowledged before their commit.
    AnswersBeforeCommit,
    /// Subscribers are told before the commit.
    TellsBeforeCommit,
    /// Events are numbered from a counter in the node's memory.
    NumbersFromMemory,
    /// The senders' ids are not remembered.
    ForgetsClientIds,
    /// What was missed is told out of what the node has heard.
    ResumesFromMemory,
    /// An answer to those who come back is kept, whatever has been told since.
    KeepsOldAnswers,
    /// Live events overtake what was missed.
    HoldsNothingBack,
    /// Whoever is put out of a conversation is told what follows in it.
    ForgetsRemovals,
    /// Nobody reads the invalidations.
    IgnoresInvalidations,
    /// A node does not hear its own invalidations, also those of a commit that it did not learn of.
    IgnoresOwnInvalidations,
    /// Who comes in is added with a row that may be older than what others were told.
    AddsWithOldRows,
    /// Of an account is told what can be told, whatever waits before it.
    TellsAccountsOutOfTurn,
    /// What waits of an account is forgotten.
    ForgetsWaitingAccounts,
    /// What nobody knows is answered as a refusal.
    RefusesAfterCommit,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 19] = [
        Self::NeverReads,
        Self::PassesGaps,
        Self::PassesTwice,
        Self::TakesOldReadings,
        Self::NeverPolls,
        Self::AnswersBeforeCommit,
        Self::TellsBeforeCommit,
        Self::NumbersFromMemory,
        Self::ForgetsClientIds,
        Self::ResumesFromMemory,
        Self::KeepsOldAnswers,
        Self::HoldsNothingBack,
        Self::ForgetsRemovals,
        Self::IgnoresInvalidations,
        Self::IgnoresOwnInvalidations,
        Self::AddsWithOldRows,
        Self::TellsAccountsOutOfTurn,
        Self::ForgetsWaitingAccounts,
        Self::RefusesAfterCommit,
    ];
}
