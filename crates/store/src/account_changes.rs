//! The account as a scope: its head, and one row for each thing of it that has changed.
//!
//! A person's own things (which conversations they are in, their profile, their drafts …) are alike on all their
//! devices, however long one was away. So each change takes the next number of the account, in the transaction that
//! makes it true, and leaves that number in the row of what it changed. "Everything after N" is the rows with a greater
//! number, as the things are now.

use chat::{
    AccountFact, ConversationId, Number, PushDeviceId, ReminderId, UserId, drafts::DraftKey, threads::ThreadKey,
};
use sqlx::FromRow;

use crate::{Conn, Result, appends::json_ids, unreadable};

const TABLE: &str = "account_changes";
/// How often tombstones are looked for that may go: with each number that this divides.
const PURGE_EVERY: i64 = 256;
/// How many numbers a tombstone is kept at least.
const KEPT: i64 = 2_048;
/// The sign before the root's `seq` in the key of a draft for a thread.
const IN_THREAD: char = 't';

// 4503599627370496 is the greatest number that can be: see `heads`.
statements! {
    BEGIN = "INSERT INTO account_heads (user_id, head) VALUES ($1, 0) ON CONFLICT (user_id) DO NOTHING";
    /// Never below what the rows hold: a damaged head gives no number twice.
    NEXT = "INSERT INTO account_heads (user_id, head)
            SELECT CAST($1 AS BIGINT), 1 + COALESCE(MAX(rev), 0) FROM account_changes
            WHERE user_id = $1 AND rev <= 4503599627370496
            ON CONFLICT (user_id) DO UPDATE SET head =
                CASE WHEN account_heads.head >= excluded.head AND account_heads.head <= 4503599627370496
                     THEN account_heads.head + 1 ELSE excluded.head END
            RETURNING head";
    CHANGE = "INSERT INTO account_changes (user_id, noun, key, rev, gone) VALUES ($1, $2, $3, $4, $5)
              ON CONFLICT (user_id, noun, key) DO UPDATE SET rev = excluded.rev, gone = excluded.gone";
    PURGE = "DELETE FROM account_changes WHERE user_id = $1 AND gone = 1 AND rev <= $2";
    RAISE_FLOOR = "UPDATE account_heads SET floor = $2 WHERE user_id = $1";
    HEAD = "SELECT head, floor FROM account_heads WHERE user_id = $1";
    HEADS = "SELECT a.user_id, a.head FROM json_each($1) AS j
             JOIN account_heads a ON a.user_id = CAST(j.value ->> 'v' AS BIGINT)";
    SINCE = "SELECT noun, key, rev, gone FROM account_changes WHERE user_id = $1 AND rev > $2 ORDER BY rev LIMIT CAST($3 AS BIGINT)";
}

/// The statement that locks these accounts' rows in one order, where other nodes write too.
pub(crate) fn lock_text(accounts: &[UserId]) -> String {
    let ids: Vec<String> = accounts.iter().map(|id| id.0.to_string()).collect();
    format!("SELECT user_id FROM account_heads WHERE user_id IN ({}) ORDER BY user_id FOR UPDATE", ids.join(", "))
}

/// A thing that belongs to an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Thing {
    /// Whether the person is in a conversation.
    Conversation(ConversationId),
    /// Whether it is out of their list. A thing of its own: who hides a conversation in which they are since a moment
    /// ago must be told of both.
    Hidden(ConversationId),
    /// The person's profile.
    Profile,
    /// A text that they have begun to write.
    Draft(DraftKey),
    /// A message that they want to be reminded of.
    Reminder(ReminderId),
    /// How much of their inbox they have read.
    Inbox,
    /// To which user groups they belong.
    UserGroups,
    /// Their own settings of a conversation.
    Settings(ConversationId),
    /// Their notification settings.
    Notifications,
    /// Whether they have saved a message.
    Saved(ConversationId, Number),
    /// Whether they are told on a device.
    PushDevice(PushDeviceId),
    /// Whether they follow a thread, and how far they have read it.
    Thread(ThreadKey),
}

impl Thing {
    /// The thing that a fact is about, and whether it is gone with it.
    #[must_use]
    pub fn of(fact: &AccountFact) -> (Self, bool) {
        match fact {
            AccountFact::ConversationAdded(listed) => (Self::Conversation(listed.conversation.id), false),
            AccountFact::ConversationRemoved { conversation, .. } => (Self::Conversation(*conversation), true),
            AccountFact::ConversationHidden { conversation, .. } => (Self::Hidden(*conversation), false),
            AccountFact::ProfileChanged(_) => (Self::Profile, false),
            AccountFact::DraftSaved(draft) => (Self::Draft(draft.key), false),
            AccountFact::DraftDiscarded(key) => (Self::Draft(*key), true),
            AccountFact::ReminderChanged(reminder) => (Self::Reminder(reminder.id), false),
            AccountFact::ConversationSettingsChanged { conversation, .. } => (Self::Settings(*conversation), false),
            AccountFact::NotificationsChanged(_) => (Self::Notifications, false),
            AccountFact::ReminderRemoved(id) => (Self::Reminder(*id), true),
            AccountFact::InboxRead(_) => (Self::Inbox, false),
            AccountFact::UserGroupsChanged(_) => (Self::UserGroups, false),
            AccountFact::MessageSaved(saved) => (Self::Saved(saved.conversation, saved.seq), false),
            AccountFact::MessageUnsaved { conversation, seq } => (Self::Saved(*conversation, *seq), true),
            AccountFact::PushDeviceAdded(device) => (Self::PushDevice(device.id), false),
            AccountFact::PushDeviceRemoved(id) => (Self::PushDevice(*id), true),
            AccountFact::ThreadFollowed(following) => (Self::Thread(following.key), false),
        }
    }

    fn parts(self) -> (&'static str, String) {
        match self {
            Self::Conversation(id) => ("conversation", id.to_string()),
            Self::Hidden(id) => ("hidden", id.to_string()),
            Self::Profile => ("profile", String::new()),
            Self::Inbox => ("inbox", String::new()),
            Self::UserGroups => ("user_groups", String::new()),
            Self::Reminder(id) => ("reminder", id.to_string()),
            Self::PushDevice(id) => ("push_device", id.to_string()),
            Self::Settings(id) => ("settings", id.to_string()),
            Self::Notifications => ("notifications", String::new()),
            Self::Saved(conversation, seq) => ("saved", format!("{conversation}/{seq}")),
            Self::Thread(ThreadKey { conversation, root }) => ("thread", format!("{conversation}/{root}")),
            Self::Draft(DraftKey { conversation, edit: Some(seq), .. }) => ("draft", format!("{conversation}/{seq}")),
            Self::Draft(DraftKey { conversation, thread: Some(root), .. }) => {
                ("draft", format!("{conversation}/{IN_THREAD}{root}"))
            }
            Self::Draft(DraftKey { conversation, .. }) => ("draft", conversation.to_string()),
        }
    }

    fn from_parts(noun: &str, key: &str) -> Option<Self> {
        let conversation = |text: &str| text.parse().ok().map(ConversationId);
        match noun {
            "conversation" => conversation(key).map(Self::Conversation),
            "hidden" => conversation(key).map(Self::Hidden),
            "profile" => Some(Self::Profile),
            "inbox" => Some(Self::Inbox),
            "user_groups" => Some(Self::UserGroups),
            "settings" => conversation(key).map(Self::Settings),
            "notifications" => Some(Self::Notifications),
            "reminder" => key.parse().ok().map(|id| Self::Reminder(ReminderId(id))),
            "push_device" => key.parse().ok().map(|id| Self::PushDevice(PushDeviceId(id))),
            "saved" => placed(key).map(|(conversation, seq)| Self::Saved(conversation, seq)),
            "draft" => {
                let (place, rest) = key.split_once('/').map_or((key, None), |(place, rest)| (place, Some(rest)));
                let thread = rest.and_then(|rest| rest.strip_prefix(IN_THREAD));
                let seq = rest.map(|rest| thread.unwrap_or(rest).parse().map(Number)).transpose().ok()?;
                let (edit, thread) = if thread.is_some() { (None, seq) } else { (seq, None) };
                Some(Self::Draft(DraftKey { conversation: conversation(place)?, edit, thread }))
            }
            "thread" => placed(key).map(|(conversation, root)| Self::Thread(ThreadKey { conversation, root })),
            _ => None,
        }
    }

    /// The conversation of which the present state is an entry in the person's list.
    #[must_use]
    pub fn listed(self) -> Option<ConversationId> {
        match self {
            Self::Conversation(id) | Self::Hidden(id) | Self::Settings(id) => Some(id),
            _ => None,
        }
    }
}

/// The key of what belongs to a message.
fn placed(key: &str) -> Option<(ConversationId, Number)> {
    let (conversation, seq) = key.split_once('/')?;
    Some((ConversationId(conversation.parse().ok()?), Number(seq.parse().ok()?)))
}

/// A thing that has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// What; nothing if this program does not know it.
    pub thing: Option<Thing>,
    /// The number of its last change.
    pub rev: Number,
    /// Whether there is no such thing any more.
    pub gone: bool,
}

#[derive(FromRow)]
struct Row {
    noun: String,
    key: String,
    rev: i64,
    gone: i64,
}

/// Begins the numbers of a new account.
pub(crate) async fn begin(conn: &mut Conn, account: UserId) -> Result<()> {
    sql!(conn, execute, BEGIN, account.0)?;
    Ok(())
}

/// Takes an account's next number.
pub(crate) async fn next_number(conn: &mut Conn, account: UserId) -> Result<Number> {
    let (number,) = sql!(conn, fetch_one as (i64,), NEXT, account.0)?;
    Ok(Number(number))
}

/// Leaves a number in the row of what it has changed.
pub(crate) async fn note(conn: &mut Conn, account: UserId, number: Number, fact: &AccountFact) -> Result<()> {
    let (thing, gone) = Thing::of(fact);
    let (noun, key) = thing.parts();
    sql!(conn, execute, CHANGE, account.0, noun, key, number.0, i64::from(gone))?;
    if number.0 % PURGE_EVERY == 0 && number.0 > KEPT {
        purge(conn, account, Number(number.0 - KEPT)).await?;
    }
    Ok(())
}

/// Forgets tombstones up to a number. Who has seen no more than that reads everything anew.
async fn purge(conn: &mut Conn, account: UserId, floor: Number) -> Result<()> {
    if sql!(conn, execute, PURGE, account.0, floor.0)? > 0 {
        sql!(conn, execute, RAISE_FLOOR, account.0, floor.0)?;
    }
    Ok(())
}

/// An account's head, and the number below which its tombstones are forgotten.
///
/// # Errors
/// Those of the database.
pub async fn head(conn: &mut Conn, account: UserId) -> Result<(Number, Number)> {
    let found = sql!(conn, fetch_optional as (i64, i64), HEAD, account.0)?;
    Ok(found.map_or_else(Default::default, |(head, floor)| (Number(head), Number(floor))))
}

/// The heads of these accounts; those that have none are left out.
///
/// # Errors
/// Those of the database.
pub async fn heads(conn: &mut Conn, accounts: &[UserId]) -> Result<Vec<(UserId, Number)>> {
    let rows = sql!(conn, fetch_all as (i64, i64), HEADS, json_ids(accounts.iter().map(|id| id.0))?)?;
    Ok(rows.into_iter().map(|(account, head)| (UserId(account), Number(head))).collect())
}

/// The things that have changed after a number, at most so many, in the order of the numbers.
///
/// # Errors
/// Those of the database.
pub async fn since(conn: &mut Conn, account: UserId, since: Number, limit: i64) -> Result<Vec<Change>> {
    let rows = sql!(conn, fetch_all as Row, SINCE, account.0, since.0, limit)?;
    let read = |row: Row| {
        let thing = Thing::from_parts(&row.noun, &row.key);
        if thing.is_none() {
            unreadable::note(TABLE, format!("user_id {account}, rev {}", row.rev), "noun and key");
        }
        Change { thing, rev: Number(row.rev), gone: row.gone != 0 }
    };
    Ok(rows.into_iter().map(read).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_are_read_as_they_were_written() {
        let conversation = ConversationId(12);
        for thing in [
            Thing::Conversation(conversation),
            Thing::Hidden(conversation),
            Thing::Profile,
            Thing::Settings(conversation),
            Thing::Notifications,
            Thing::Reminder(ReminderId(7)),
            Thing::PushDevice(PushDeviceId(3)),
            Thing::Inbox,
            Thing::UserGroups,
            Thing::Saved(conversation, Number(40)),
            Thing::Draft(DraftKey { conversation, edit: None, thread: None }),
            Thing::Draft(DraftKey { conversation, edit: Some(Number(40)), thread: None }),
            Thing::Draft(DraftKey { conversation, edit: None, thread: Some(Number(40)) }),
            Thing::Thread(ThreadKey { conversation, root: Number(40) }),
        ] {
            let (noun, key) = thing.parts();
            assert_eq!(Thing::from_parts(noun, &key), Some(thing));
        }
        let strange = [("draft", "12/x"), ("draft", ""), ("conversation", "a"), ("reminder", ""), ("poll", "1")];
        let strange = strange.into_iter().chain([("saved", "12"), ("saved", "12/"), ("saved", "x/1"), ("thread", "1")]);
        for (noun, key) in strange {
            assert_eq!(Thing::from_parts(noun, key), None, "{noun} {key}");
        }
    }
}
