//! Judges what clients saw against what the server kept.
//!
//! Each client writes a history that only grows: what it began, how it ended, every frame it was given. After the
//! faults, when all is quiet, one fresh reader dumps the conversations. From the two follows whether the promises
//! were kept: the rules are numbered as in the delivery contract. Nothing here knows how the histories came about.

mod accounts;
mod bounds;
mod court;
mod later;
mod sight;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use promises::{Form, Nobody, Number, UserId};
use serde::Serialize;

pub use promises::{Rule, Violation};

pub use accounts::{AccountEvent, AccountLog, AccountWord};
pub use bounds::{Bound, Figures, Spell, Trouble, figures};

/// What a text was, without the text.
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

/// A message as a client was shown it, or as it is kept in the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Its place.
    pub seq: i64,
    /// The number of its last change.
    pub rev: i64,
    /// Its id.
    pub id: i64,
    /// Who said it.
    pub author: i64,
    /// The sender's id for the send.
    pub cid: Option<String>,
    /// Its text; absent once deleted.
    pub content: Option<Content>,
    /// Its reactions, all together; the same for all messages without one.
    pub reactions: Content,
}

/// What histories have of a conversation: rows of messages, and nothing else.
#[derive(Clone, Copy, Debug)]
struct Rows;

impl Form for Rows {
    type Message = Row;
    type Member = Nobody;
    type Row = ();

    fn message(row: &Row) -> (Number, Number) {
        (Number(row.seq), Number(row.rev))
    }

    fn member(member: &Nobody) -> (UserId, Number, bool) {
        match *member {}
    }

    fn moved((): &mut (), _head: Number, _member_count: Option<i64>) {}
}

/// Something that a client did or was told.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case", tag = "step")]
pub enum Step {
    /// A send began, or was repeated.
    Invoke {
        /// Where.
        conversation: i64,
        /// The sender's id for it.
        cid: String,
        /// What.
        content: Content,
    },
    /// A send was acknowledged.
    Ok {
        /// Where.
        conversation: i64,
        /// The sender's id for it.
        cid: String,
        /// The place it got.
        seq: i64,
        /// The message's id.
        message: i64,
        /// The database history that the server named.
        epoch: String,
        /// Whether the server said that it only repeated an earlier answer.
        repeated: bool,
    },
    /// A send was definitely refused.
    Fail {
        /// The sender's id for it.
        cid: String,
    },
    /// Nobody knows what became of a send.
    Unknown {
        /// The sender's id for it.
        cid: String,
    },
    /// An edit began.
    Edit {
        /// Where.
        conversation: i64,
        /// Of which message.
        seq: i64,
        /// The new text.
        content: Content,
    },
    /// An edit was acknowledged.
    Edited {
        /// Where.
        conversation: i64,
        /// Of which message.
        seq: i64,
        /// The number it got.
        rev: i64,
    },
    /// A deletion began.
    Delete {
        /// Where.
        conversation: i64,
        /// Of which message.
        seq: i64,
    },
    /// A deletion was acknowledged.
    Deleted {
        /// Where.
        conversation: i64,
        /// Of which message.
        seq: i64,
        /// The number it got.
        rev: i64,
    },
    /// A reaction began, or its taking back.
    React {
        /// Where.
        conversation: i64,
        /// To which message.
        seq: i64,
    },
    /// A reaction was acknowledged.
    Reacted {
        /// Where.
        conversation: i64,
        /// To which message.
        seq: i64,
        /// The number of the message's last change then.
        rev: i64,
    },
    /// Somebody's coming into a conversation began, or their going. For each person and conversation one client alone
    /// does this, and one thing after the other.
    Move {
        /// Where.
        conversation: i64,
        /// Who.
        user: i64,
        /// Whether they are to be a member.
        inside: bool,
    },
    /// It was acknowledged, or it turned out that it had been so before.
    Moved {
        /// Where.
        conversation: i64,
        /// Who.
        user: i64,
        /// Whether they are a member.
        inside: bool,
    },
    /// The client was told that it is in a conversation from now on.
    Added {
        /// Which.
        conversation: i64,
        /// The number after which events follow.
        head: i64,
    },
    /// The client was told that it is in a conversation no more.
    Removed {
        /// Which.
        conversation: i64,
    },
    /// A page of history was read.
    Read {
        /// Where.
        conversation: i64,
        /// When it was asked for.
        begun: u64,
        /// The head that the page tells.
        head: i64,
        /// The messages on it.
        rows: Vec<Row>,
    },
    /// The read marker was moved.
    MarkerMoved {
        /// Where.
        conversation: i64,
        /// When this was asked for.
        begun: u64,
        /// Where the server says that it is.
        read_seq: i64,
    },
    /// A read was refused: the conversation is not there for this client.
    Denied {
        /// Which.
        conversation: i64,
    },
    /// A connection is authenticated.
    Welcome {
        /// On which node.
        node: usize,
    },
    /// An event of the client's account.
    Account {
        /// What it says, and where it stands.
        event: AccountEvent,
    },
    /// The client must read its account anew.
    AccountReset,
    /// It has: everything of the account, as it now is.
    AccountRead {
        /// Up to this number.
        to: i64,
        /// An event for each thing.
        events: Vec<AccountEvent>,
    },
    /// A draft was saved or dropped.
    Drafted,
    /// A connection has been told all that had been missed before its welcome.
    CaughtUp,
    /// A connection is lost.
    Lost {
        /// On which node.
        node: usize,
    },
    /// A connection resumes a conversation.
    Resume {
        /// Which.
        conversation: i64,
        /// From where; at the first time, the head that the server told.
        cursor: i64,
    },
    /// A live event.
    Event {
        /// Where.
        conversation: i64,
        /// Its number.
        seq: i64,
        /// The message it carries, if it is about one.
        row: Option<Row>,
        /// Whether the message is new.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        created: bool,
        /// Whom it says to have come (true) or gone (false), if it is about that.
        #[serde(skip_serializing_if = "Option::is_none")]
        member: Option<(i64, bool)>,
    },
    /// Somebody asked to be reminded of a message. Of each they ask once.
    Remind {
        /// Where.
        conversation: i64,
        /// Of which message.
        seq: i64,
    },
    /// That was granted.
    Reminded {
        /// Where.
        conversation: i64,
        /// Of which message.
        seq: i64,
        /// The reminder's id.
        reminder: i64,
    },
    /// A catch-up answer.
    Changes {
        /// Where.
        conversation: i64,
        /// After this number.
        from: i64,
        /// Up to this one.
        to: i64,
        /// Whether the conversation must be read anew.
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
    /// What happened.
    #[serde(flatten)]
    pub step: Step,
}

/// Everything one client did and was told.
#[derive(Clone, Debug, Default, Serialize)]
pub struct History {
    /// The client's name in reports.
    pub client: String,
    /// The user it speaks for.
    pub author: i64,
    /// Whether it stops reading now and then, so that when it heard something says nothing about the server.
    pub dawdles: bool,
    /// In the order in which it happened.
    pub entries: Vec<Entry>,
}

/// A conversation as a fresh reader finds it in the end.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Log {
    /// Which.
    pub conversation: i64,
    /// The number of its last change.
    pub head: i64,
    /// Its head when the clients began.
    pub base: i64,
    /// All its messages.
    pub rows: Vec<Row>,
    /// The numbers of what is not a message: memberships, the conversation itself.
    pub others: Vec<i64>,
    /// Its members in the end.
    pub members: Vec<i64>,
    /// What some of them are told of their own reading.
    pub markers: Vec<Marker>,
}

/// How far somebody has read, as a fresh reading tells them.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Marker {
    /// Who.
    pub user: i64,
    /// The read marker.
    pub read_seq: i64,
    /// How many unread messages they are told of.
    pub unread: i64,
}

/// A reminder as its person finds it in the end, when all should be due.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Reminder {
    /// Whose.
    pub user: i64,
    /// Its id.
    pub id: i64,
    /// Where the message is.
    pub conversation: i64,
    /// Which message.
    pub seq: i64,
    /// Whether it is due.
    pub due: bool,
}

/// All that the checker needs.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// The clients' histories.
    pub histories: Vec<History>,
    /// The conversations in the end.
    pub logs: Vec<Log>,
    /// Everybody's reminders in the end.
    pub reminders: Vec<Reminder>,
    /// The accounts in the end.
    pub accounts: Vec<AccountLog>,
    /// Users who were never in any of them, and must have seen nothing.
    pub strangers: BTreeSet<i64>,
}

/// Judges the evidence; an empty list means that every promise was kept.
#[must_use]
pub fn check(evidence: &Evidence) -> Vec<Violation> {
    check_and_count(evidence).0
}

/// Judges as [`check`] does, and tells how often each rule was applied.
#[must_use]
pub fn check_and_count(evidence: &Evidence) -> (Vec<Violation>, Vec<(Rule, u64)>) {
    let (mut violations, mut counts) = court::judge(evidence);
    for (others, of_others) in [sight::judge(evidence), accounts::judge(evidence), later::judge(evidence)] {
        violations.extend(others);
        counts.extend(of_others);
    }
    counts.sort_unstable();
    (violations, counts)
}
