//! Compares what clients saw with what the server kept, and names the broken promises.
//!
//! Each client writes a history, to which it only adds: what it began, how that ended, every frame that it received.
//! After the faults, when nothing more happens, a fresh reader reads the conversations. From the two follows whether
//! the promises were kept: the rules are numbered as in the delivery contract. The checker does not know how the
//! histories came about.

mod accounts;
mod bounds;
mod court;
mod files;
mod later;
mod links;
mod search;
mod sight;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use promises::{Form, NoThreads, Nobody, Number, UserId};
use serde::Serialize;

pub use promises::{Rule, Violation};

pub use accounts::{AccountEvent, AccountLog, AccountWord};
pub use bounds::{Bound, Figures, Spell, Trouble, figures};
pub use files::{Carried, FileRead, FileStep, KeptFile, file_content};
pub use links::{Link, Linked, Picture};
pub(crate) use search::differences;

/// The hash of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Content(pub u64);

impl Content {
    /// The hash of a text (FNV-1a: the same in every run).
    #[must_use]
    pub fn of(text: &str) -> Self {
        Self(
            text.bytes()
                .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)),
        )
    }
}

/// A message as a client was shown it, or as it is kept at the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The number with which it was created.
    pub seq: i64,
    /// The number of its last change.
    pub rev: i64,
    /// Its id.
    pub id: i64,
    /// Its author.
    pub author: i64,
    /// The client id of its send.
    pub cid: Option<String>,
    /// Its text; `None` once deleted.
    pub content: Option<Content>,
    /// A hash of all its reactions; the same for all messages without one.
    pub reactions: Content,
}

/// The form of a conversation in histories: rows of messages, and nothing else.
#[derive(Clone, Copy, Debug)]
struct Rows;

impl Form for Rows {
    type Message = Row;
    type Member = Nobody;
    type Thread = NoThreads;
    type Row = ();

    fn message(row: &Row) -> (Number, Number) {
        (Number(row.seq), Number(row.rev))
    }

    fn thread(thread: &NoThreads) -> (Number, Number) {
        match *thread {}
    }

    fn take_thread(_message: &mut Self::Message) -> Option<NoThreads> {
        None
    }

    fn member(member: &Nobody) -> (UserId, Number, bool) {
        match *member {}
    }

    fn moved((): &mut (), _head: Number, _member_count: Option<i64>) {}
}

/// Something that a client did or received.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case", tag = "step")]
pub enum Step {
    /// A send began, or was repeated.
    Invoke {
        /// The conversation.
        conversation: i64,
        /// The client id.
        cid: String,
        /// The text.
        content: Content,
    },
    /// A send was acknowledged.
    Ok {
        /// The conversation.
        conversation: i64,
        /// The client id.
        cid: String,
        /// The number of the message.
        seq: i64,
        /// The message's id.
        message: i64,
        /// The epoch that the server named.
        epoch: String,
        /// Whether the server said that it only repeated an earlier answer.
        repeated: bool,
    },
    /// A send was definitely refused.
    Fail {
        /// The client id.
        cid: String,
    },
    /// The outcome of a send became unknown.
    Unknown {
        /// The client id.
        cid: String,
    },
    /// An edit began.
    Edit {
        /// The conversation.
        conversation: i64,
        /// The message.
        seq: i64,
        /// The new text.
        content: Content,
    },
    /// An edit was acknowledged.
    Edited {
        /// The conversation.
        conversation: i64,
        /// The message.
        seq: i64,
        /// The number of the edit.
        rev: i64,
    },
    /// A deletion began.
    Delete {
        /// The conversation.
        conversation: i64,
        /// The message.
        seq: i64,
    },
    /// A deletion was acknowledged.
    Deleted {
        /// The conversation.
        conversation: i64,
        /// The message.
        seq: i64,
        /// The number of the deletion.
        rev: i64,
    },
    /// A reaction, or its removal, began.
    React {
        /// The conversation.
        conversation: i64,
        /// The message.
        seq: i64,
    },
    /// A reaction was acknowledged.
    Reacted {
        /// The conversation.
        conversation: i64,
        /// The message.
        seq: i64,
        /// The number of the message's last change then.
        rev: i64,
    },
    /// Somebody began to be added to a conversation, or removed from it. For each person and conversation only one
    /// client does this, one after the other.
    Move {
        /// The conversation.
        conversation: i64,
        /// The person.
        user: i64,
        /// Whether they are to be a member.
        inside: bool,
    },
    /// It was acknowledged, or turned out to have been done before.
    Moved {
        /// The conversation.
        conversation: i64,
        /// The person.
        user: i64,
        /// Whether they are a member.
        inside: bool,
    },
    /// The client received that it is a member of a conversation from now on.
    Added {
        /// The conversation.
        conversation: i64,
        /// The number after which events follow.
        head: i64,
    },
    /// The client received that it is no longer a member of a conversation.
    Removed {
        /// The conversation.
        conversation: i64,
    },
    /// A page of history was read.
    Read {
        /// The conversation.
        conversation: i64,
        /// When the page was asked for.
        begun: u64,
        /// The head that the page gives.
        head: i64,
        /// The messages on it.
        rows: Vec<Row>,
    },
    /// A search was answered: what of it is in one conversation. Without rows: in all together nothing.
    Searched {
        /// The conversation; 0 if nothing was found.
        conversation: i64,
        /// When it was asked for.
        begun: u64,
        /// The messages that were found.
        rows: Vec<Row>,
    },
    /// The read marker was moved.
    MarkerMoved {
        /// The conversation.
        conversation: i64,
        /// When the move was asked for.
        begun: u64,
        /// The marker's number in the server's answer.
        read_seq: i64,
    },
    /// A read was refused: for this client the conversation does not exist.
    Denied {
        /// The conversation.
        conversation: i64,
    },
    /// A connection is authenticated.
    Welcome {
        /// The node.
        node: usize,
    },
    /// An event of the client's account.
    Account {
        /// The event.
        event: AccountEvent,
    },
    /// The client must read its account again.
    AccountReset,
    /// The client has read its account again.
    AccountRead {
        /// The number that it is at.
        to: i64,
        /// The present state, as one event for each thing.
        events: Vec<AccountEvent>,
    },
    /// A draft was saved or discarded.
    Drafted,
    /// A connection has received everything that had been missed before its welcome.
    CaughtUp,
    /// A connection is lost.
    Lost {
        /// The node.
        node: usize,
    },
    /// A connection resumes a conversation.
    Resume {
        /// The conversation.
        conversation: i64,
        /// The cursor; the first time, the head that the server gave.
        cursor: i64,
    },
    /// A live event.
    Event {
        /// The conversation.
        conversation: i64,
        /// Its number.
        seq: i64,
        /// The message in it, if it is about one.
        row: Option<Row>,
        /// Whether the message is new.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        created: bool,
        /// The person who has joined (true) or gone (false), if it is about that.
        #[serde(skip_serializing_if = "Option::is_none")]
        member: Option<(i64, bool)>,
    },
    /// Somebody asked for a reminder of a message. They ask once per message.
    Remind {
        /// The conversation.
        conversation: i64,
        /// The message.
        seq: i64,
    },
    /// A reminder was created.
    Reminded {
        /// The conversation.
        conversation: i64,
        /// The message.
        seq: i64,
        /// The reminder's id.
        reminder: i64,
    },
    /// A catch-up answer.
    Changes {
        /// The conversation.
        conversation: i64,
        /// The number after which it begins.
        from: i64,
        /// The number that it reaches.
        to: i64,
        /// Whether the conversation must be read again.
        reset: bool,
        /// The messages that changed, as they are now.
        rows: Vec<Row>,
    },
}

/// A step with its time and connection.
#[derive(Clone, Debug, Serialize)]
pub struct Entry {
    /// Monotonic time in nanoseconds, the same clock for all clients.
    pub at: u64,
    /// The connection, unique within the history.
    pub connection: u64,
    /// The step.
    #[serde(flatten)]
    pub step: Step,
}

/// Everything that one client did and received.
#[derive(Clone, Debug, Default, Serialize)]
pub struct History {
    /// The client's name in reports.
    pub client: String,
    /// The user it speaks for.
    pub author: i64,
    /// Whether it stops reading now and then, so that the time at which it received something says nothing about the
    /// server.
    pub dawdles: bool,
    /// The steps, in order.
    pub entries: Vec<Entry>,
}

/// A conversation as a fresh reader finds it at the end.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Log {
    /// Its id.
    pub conversation: i64,
    /// The number of its last change.
    pub head: i64,
    /// Its head when the clients began.
    pub base: i64,
    /// All its messages.
    pub rows: Vec<Row>,
    /// The numbers of changes that are not messages: of memberships and of the conversation itself.
    pub others: Vec<i64>,
    /// Its members at the end.
    pub members: Vec<i64>,
    /// Some members' read markers and unread counts.
    pub markers: Vec<Marker>,
}

/// A member's read marker, as a fresh reader finds it.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Marker {
    /// The member.
    pub user: i64,
    /// The read marker.
    pub read_seq: i64,
    /// The number of unread messages that the server reports.
    pub unread: i64,
}

/// The messages that a member finds in a conversation at the end, by author.
#[derive(Clone, Debug, Serialize)]
pub struct Searched {
    /// The conversation.
    pub conversation: i64,
    /// The messages found, after at most five seconds.
    pub rows: Vec<Row>,
    /// Whether that is everything, and not only the newest.
    pub whole: bool,
}

/// A reminder as its user finds it at the end, when all should be due.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Reminder {
    /// Its user.
    pub user: i64,
    /// Its id.
    pub id: i64,
    /// The message's conversation.
    pub conversation: i64,
    /// The message.
    pub seq: i64,
    /// Whether it is due.
    pub due: bool,
}

/// The checker's input.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// The clients' histories.
    pub histories: Vec<History>,
    /// The conversations at the end.
    pub logs: Vec<Log>,
    /// All reminders at the end.
    pub reminders: Vec<Reminder>,
    /// The messages that are found in the conversations at the end.
    pub searches: Vec<Searched>,
    /// The accounts at the end.
    pub accounts: Vec<AccountLog>,
    /// The acts with files, and their outcomes.
    pub carried: Vec<Carried>,
    /// The files that the database knows at the end.
    pub files: Vec<KeptFile>,
    /// The number of blobs without a row after two sweeps; `None` where nobody swept.
    pub orphans: Option<usize>,
    /// The links that were sent, and their previews at the end.
    pub linked: Vec<Linked>,
    /// Users who were never a member of any of the conversations, and must have seen nothing.
    pub strangers: BTreeSet<i64>,
}

/// Judges the evidence; an empty list means that every promise was kept.
#[must_use]
pub fn check(evidence: &Evidence) -> Vec<Violation> {
    check_and_count(evidence).0
}

/// Judges as [`check`] does, and counts how often each rule was applied.
#[must_use]
pub fn check_and_count(evidence: &Evidence) -> (Vec<Violation>, Vec<(Rule, u64)>) {
    let (mut violations, mut counts) = court::judge(evidence);
    let further = [
        sight::judge(evidence),
        accounts::judge(evidence),
        later::judge(evidence),
        search::judge(evidence),
        files::judge(evidence),
        links::judge(evidence),
    ];
    for (others, of_others) in further {
        violations.extend(others);
        counts.extend(of_others);
    }
    counts.sort_unstable();
    (violations, counts)
}
