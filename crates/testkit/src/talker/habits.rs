//! How often a talker does what.

/// The shares of a talker's actions, out of a hundred; the rest are sends.
#[derive(Clone, Copy, Debug)]
pub struct Habits {
    /// Editing, or deleting: one in three.
    pub edit: u64,
    /// Reacting.
    pub react: u64,
    /// Removing somebody from a conversation, or adding them again.
    pub change_members: u64,
    /// Reading history, catching up, moving the read marker.
    pub read: u64,
    /// Asking for a reminder of a received message, in a few seconds.
    pub remind: u64,
    /// Saving a draft, or discarding it: one in four.
    pub draft: u64,
    /// Milliseconds between two actions.
    pub pause: (u64, u64),
    /// Reconnecting once in so many actions.
    pub hop: u64,
    /// Whether they send nothing at all.
    pub silent: bool,
    /// Whether they stop reading for seconds now and then.
    pub dawdles: bool,
    /// The number of characters of padding in each text.
    pub padding: usize,
}

impl Habits {
    /// Mostly sends, some edits and reminders.
    #[must_use]
    pub fn talkative() -> Self {
        Self {
            edit: 6,
            react: 0,
            change_members: 0,
            read: 0,
            remind: 4,
            draft: 0,
            pause: (1, 15),
            hop: 500,
            silent: false,
            dawdles: false,
            padding: 0,
        }
    }

    /// The contract's mix, with drafts and reminders: some sixty sends, ten edits and deletions, five reactions, five
    /// changes of members, nine reads, five drafts, four reminders.
    #[must_use]
    pub fn mixed(pause: (u64, u64)) -> Self {
        Self {
            edit: 10,
            react: 5,
            change_members: 5,
            read: 9,
            remind: 4,
            draft: 5,
            pause,
            hop: 100,
            silent: false,
            dawdles: false,
            padding: 0,
        }
    }

    /// Reads and does nothing else, as a user does who is not a member of anything.
    #[must_use]
    pub fn prying() -> Self {
        Self {
            edit: 0,
            react: 0,
            change_members: 0,
            read: 100,
            remind: 0,
            draft: 0,
            pause: (50, 400),
            hop: 100,
            silent: false,
            dawdles: false,
            padding: 0,
        }
    }

    /// Only listens, and stops reading for seconds now and then.
    #[must_use]
    pub fn dawdling() -> Self {
        Self { dawdles: true, pause: (1_500, 4_000), ..Self::listening() }
    }

    /// Only listens.
    #[must_use]
    pub fn listening() -> Self {
        Self {
            edit: 0,
            react: 0,
            change_members: 0,
            read: 0,
            remind: 0,
            draft: 0,
            pause: (100, 200),
            hop: u64::MAX,
            silent: true,
            dawdles: false,
            padding: 0,
        }
    }
}
