//! Deliberate faults: a simulation that finds nothing proves nothing, unless it is known to find faults.

/// A deliberate fault of a world. Each breaks a promise, and the tests expect that it is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Missing changes are never read from the database.
    NeverReads,
    /// An event that comes before its turn is delivered at once.
    PassesGaps,
    /// An event that was delivered before is delivered again.
    PassesTwice,
    /// A reading that is older than the largest known number is taken for the present state.
    TakesOldReadings,
    /// Nobody asks the database for heads.
    NeverPolls,
    /// Sends are acknowledged before their commit.
    AnswersBeforeCommit,
    /// Events are published before their commit.
    TellsBeforeCommit,
    /// Events are numbered from a counter in the node's memory.
    NumbersFromMemory,
    /// Client ids of sends are not remembered.
    ForgetsClientIds,
    /// Missed changes are answered from the node's memory, not from the database.
    ResumesFromMemory,
    /// A catch-up answer is reused for others, whatever has been delivered since.
    KeepsOldAnswers,
    /// Live events overtake missed ones.
    HoldsNothingBack,
    /// A removed member still receives the events that follow.
    ForgetsRemovals,
    /// Invalidations are not read.
    IgnoresInvalidations,
    /// A node ignores all of its own invalidations, also those of a commit whose outcome it did not learn.
    IgnoresOwnInvalidations,
    /// A new member is added with a membership row that may be older than what others were sent.
    AddsWithOldRows,
    /// An account's events are delivered whenever one can be, even if an earlier one still waits.
    TellsAccountsOutOfTurn,
    /// An account's waiting events are forgotten.
    ForgetsWaitingAccounts,
    /// A command whose outcome is unknown is answered with a refusal.
    RefusesAfterCommit,
}

impl Fault {
    /// All faults.
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
