//! What somebody who talks does how often.

/// What somebody does, out of a hundred things.
#[derive(Clone, Copy, Debug)]
pub struct Habits {
    /// Editing, or deleting: one in three.
    pub edit: u64,
    /// Reacting.
    pub react: u64,
    /// Putting somebody out of a conversation or bringing them in again.
    pub change_members: u64,
    /// Reading history, catching up, moving the read marker.
    pub read: u64,
    /// Asking to be reminded of what was heard, in a few seconds.
    pub remind: u64,
    /// Saving a draft, or dropping it: one in four.
    pub draft: u64,
    /// Milliseconds between two things.
    pub pause: (u64, u64),
    /// Connecting anew once in so many things.
    pub hop: u64,
    /// Whether they say nothing at all.
    pub silent: bool,
    /// Whether they stop reading for seconds now and then.
    pub dawdles: bool,
    /// By how many characters each text is longer than it need be.
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

    /// Reads and nothing else, as somebody does who is not let in anywhere.
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

    /// Listens, and stops reading for seconds now and then.
    #[must_use]
    pub fn dawdling() -> Self {
        Self { dawdles: true, pause: (1_500, 4_000), ..Self::listening() }
    }

    /// Listens and nothing else.
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
