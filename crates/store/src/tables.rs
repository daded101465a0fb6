//! The list of tables: every table that lasts, with its columns and what its rows belong to, in an order in which each
//! row finds those that it needs.
//!
//! Backup, restore and move, the seal of a database that was moved away, and the doctor read this list: a new table has
//! its entry here and nothing there. A test compares the list with what both databases have, so that a later migration
//! cannot be forgotten here.

/// The type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A 64-bit integer.
    Number,
    /// A text.
    Text,
}

/// A column.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    pub name: &'static str,
    pub kind: Kind,
}

/// The owner of a table's rows. It decides how a move finds the rows that have changed while it copied, and how
/// it compares both sides. The column that names it holds a number, is never null, and has an index that begins with
/// it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// None of those below: the rows are the server's, or belong to a row of another kind. A move reads the table whole
    /// into memory, also in the pause.
    Server,
    /// Nothing else: others belong to these rows, the accounts and the conversations. A move transfers them before the
    /// others, and reads the table whole. They are never deleted.
    Root,
    /// The account in this column. Its changes have no number: a move compares all rows, part by part, also in the
    /// pause.
    Account(&'static str),
    /// The conversation in this column.
    Conversation(&'static str, Changes),
    /// The message in this column. A row changes only together with its message's `rev`.
    Message(&'static str),
}

/// How the changes of a conversation's rows are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Changes {
    /// Not by numbers, as some changes have none: a move compares all rows, part by part, also in the pause.
    Unnumbered,
    /// By `rev`, the number of a row's last change, with an index on conversation and `rev`. No row is ever deleted: it
    /// stays as a tombstone.
    Rev,
    /// The same, with `seq`, the number with which a row was created. There is an index on conversation and `seq`, and
    /// one on conversation and `rev` of only those rows whose `rev` is the greater.
    SeqAndRev,
}

/// A table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Table {
    pub name: &'static str,
    /// The columns of its primary key: its first ones, in this order.
    pub key: &'static [&'static str],
    /// Columns that must be unique and may pass from one row to another: a move empties them in all changed rows before
    /// it writes any, for which it must read the table whole.
    pub exchanged: &'static [&'static str],
    pub columns: &'static [Column],
    pub owner: Owner,
}

/// Where accounts, conversations and messages are, by their `id`.
const ACCOUNTS: &str = "users";
pub(crate) const CONVERSATIONS: &str = "conversations";
pub(crate) const MESSAGES: &str = "messages";

impl Owner {
    /// The table of what a row belongs to, and the column that names it.
    pub(crate) fn named_by(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Server | Self::Root => None,
            Self::Account(column) => Some((ACCOUNTS, column)),
            Self::Conversation(column, _) => Some((CONVERSATIONS, column)),
            Self::Message(column) => Some((MESSAGES, column)),
        }
    }
}

impl Table {
    /// The names of all its columns.
    pub(crate) fn column_names(&self) -> Vec<&'static str> {
        self.columns.iter().map(|column| column.name).collect()
    }

    /// Whether the numbers of conversations tell which rows have changed.
    pub(crate) fn is_numbered(&self) -> bool {
        match self.owner {
            Owner::Server | Owner::Root | Owner::Account(_) | Owner::Conversation(_, Changes::Unnumbered) => false,
            Owner::Conversation(_, Changes::Rev | Changes::SeqAndRev) | Owner::Message(_) => true,
        }
    }

    /// The column of its primary key, if that is one number.
    pub(crate) fn id(&self) -> Option<&'static str> {
        match (self.key, self.columns.first()) {
            ([id], Some(Column { kind: Kind::Number, .. })) => Some(id),
            _ => None,
        }
    }
}

/// Tables, in their order. The list is an argument of what reads it, so that a test can give one with a table more.
pub(crate) type Tables = &'static [Table];

/// The table of this name.
pub(crate) fn named(tables: Tables, name: &str) -> Option<&'static Table> {
    tables.iter().find(|table| table.name == name)
}

/// Makes the entries of a list of tables.
macro_rules! tables {
    ($(
        $table:ident by ($($key:ident),+) $(exchanging ($($exchanged:ident),+))? of $owner:expr;
        { $($column:ident: $kind:ident),+ }
    )*) => {
        &[$($crate::tables::Table {
            name: stringify!($table),
            key: &[$(stringify!($key)),+],
            exchanged: &[$($(stringify!($exchanged)),+)?],
            columns: &[$($crate::tables::Column {
                name: stringify!($column), kind: $crate::tables::Kind::$kind
            }),+],
            owner: $owner,
        }),*]
    };
}

/// Every table of this program that lasts. Rows refer to rows of tables above their own.
pub(crate) static TABLES: Tables = tables! {
    meta by (key) of Owner::Server; { key: Text, value: Text }
    counters by (name) of Owner::Server; { name: Text, value: Number }
    users by (id) exchanging (email_key, external_id, look_key) of Owner::Root; {
        id: Number, username: Text, username_key: Text, email: Text, email_key: Text, password_hash: Text,
        external_id: Text, role: Text, display_name: Text, first_name: Text, last_name: Text, birth_date: Text,
        profession: Text, city: Text, language: Text, time_zone: Text, status_message: Text, created_at: Number,
        last_seen_at: Number, deactivated_at: Number, mail_key: Text, card_rev: Number,
        look_key: Text, search_key: Text, keyed: Text, avatar: Text
    }
    identities by (issuer, subject) of Owner::Account("user_id"); {
        issuer: Text, subject: Text, user_id: Number, created_at: Number, named_by: Number, awaited: Number
    }
    squatted_numbers by (issuer, subject) of Owner::Account("user_id"); {
        issuer: Text, subject: Text, user_id: Number
    }
    sessions by (id) of Owner::Account("user_id"); {
        id: Number, user_id: Number, agent: Text, address: Text, created_at: Number, used_at: Number,
        expires_at: Number, ends_at: Number, ended_at: Number
    }
    refresh_tokens by (hash) of Owner::Server; { hash: Text, session_id: Number, used_at: Number, successor: Text }
    conversations by (id) exchanging (name_key, look_key) of Owner::Root; {
        id: Number, kind: Text, visibility: Text, name: Text, name_key: Text, topic: Text, pair_low: Number,
        pair_high: Number, created_by: Number, client_id: Text, created_at: Number, head: Number, rev: Number,
        member_count: Number, active_at: Number, room_key: Text, look_key: Text, search_key: Text,
        keyed: Text, edit_history: Number, previews: Number, avatar: Text
    }
    // A marker moves without a number.
    members by (conversation_id, user_id) of Owner::Conversation("conversation_id", Changes::Unnumbered); {
        conversation_id: Number, user_id: Number, role: Text, rev: Number, joined_at: Number, read_seq: Number,
        delivered_seq: Number, read_at: Number, hidden_seq: Number, invited_by: Number, joined_number: Number,
        declined: Number, visible_from: Number, notify: Text, muted_until: Number, unread_from: Number
    }
    policies by (conversation_id) of Owner::Conversation("conversation_id", Changes::Unnumbered); {
        conversation_id: Number, rules: Text
    }
    grants by (conversation_id, user_id, ability) of Owner::Conversation("conversation_id", Changes::Unnumbered); {
        conversation_id: Number, user_id: Number, ability: Text, given: Number, ends_at: Number
    }
    messages by (id) of Owner::Conversation("conversation_id", Changes::SeqAndRev); {
        id: Number, conversation_id: Number, seq: Number, rev: Number, author_id: Number, client_id: Text,
        content_hash: Number, text: Text, parent: Number, created_at: Number, edited_at: Number,
        deleted_at: Number, message_type: Text, text_rev: Number, thread: Number, aside: Number, files: Number,
        preview: Number
    }
    threads by (conversation_id, seq) of Owner::Conversation("conversation_id", Changes::Rev); {
        conversation_id: Number, seq: Number, replies: Number, last_seq: Number, last_at: Number, participants: Text,
        rev: Number
    }
    // They go without a number, where a conversation keeps them no longer.
    message_versions by (conversation_id, seq, number) of Owner::Conversation("conversation_id", Changes::Unnumbered); {
        conversation_id: Number, seq: Number, number: Number, editor_id: Number, written_at: Number, text: Text
    }
    account_heads by (user_id) of Owner::Account("user_id"); { user_id: Number, head: Number, floor: Number }
    account_changes by (user_id, noun, key) of Owner::Account("user_id"); {
        user_id: Number, noun: Text, key: Text, rev: Number, gone: Number
    }
    drafts by (user_id, conversation_id, edit) of Owner::Account("user_id"); {
        user_id: Number, conversation_id: Number, edit: Number, text: Text, parent: Number, rev: Number,
        saved_at: Number
    }
    notification_settings by (user_id) of Owner::Account("user_id"); {
        user_id: Number, room_level: Text, group_level: Text, direct_level: Text, quiet_days: Text, quiet_from: Number,
        quiet_to: Number, time_zone: Text, keywords: Text, rev: Number
    }
    followed_threads by (user_id, conversation_id, seq) of Owner::Account("user_id"); {
        user_id: Number, conversation_id: Number, seq: Number, follows: Number, read_seq: Number, rev: Number,
        notify: Text
    }
    reactions by (message_id, emoji, user_id) of Owner::Message("message_id"); { message_id: Number, emoji: Text, user_id: Number, number: Number }
    previews by (message_id) of Owner::Message("message_id"); {
        message_id: Number, url: Text, site: Text, title: Text, description: Text
    }
    user_groups by (id) exchanging (name_key) of Owner::Server; {
        id: Number, name: Text, name_key: Text, created_at: Number
    }
    user_group_members by (group_id, user_id) of Owner::Account("user_id"); {
        group_id: Number, user_id: Number, added_at: Number
    }
    mentions by (message_id, user_id, reason, actor, emoji) of Owner::Message("message_id"); {
        message_id: Number, user_id: Number, reason: Text, actor: Number, emoji: Text, conversation_id: Number,
        seq: Number, number: Number, at: Number
    }
    broadcasts by (message_id, scope, group_id) of Owner::Message("message_id"); {
        message_id: Number, scope: Text, group_id: Number, actor: Number, conversation_id: Number, seq: Number,
        number: Number, at: Number
    }
    inbox_reads by (user_id) of Owner::Account("user_id"); {
        user_id: Number, all_to: Text, single: Text, rev: Number
    }
    reminders by (user_id, conversation_id, seq) of Owner::Account("user_id"); {
        user_id: Number, conversation_id: Number, seq: Number, id: Number, at: Number, created_at: Number, due_at: Number,
        rev: Number
    }
    // Where their bytes are, no database knows.
    files by (number) of Owner::Account("owner_id"); {
        number: Number, id: Text, owner_id: Number, name: Text, media_type: Text, size: Number, sha256: Text,
        width: Number, height: Number, created_at: Number, conversation_id: Number, seq: Number, message_id: Number,
        place: Number, gone_at: Number, blurhash: Text, held_by: Text, voice_ms: Number, waveform: Text
    }
    // Where theirs are, neither.
    thumbnails by (file, size) of Owner::Account("owner_id"); {
        file: Number, size: Text, owner_id: Number, id: Text, media_type: Text, bytes: Number
    }
    emoji by (name) of Owner::Server; { name: Text, picture: Text, added_by: Number, created_at: Number }
    saved_messages by (user_id, conversation_id, seq) of Owner::Account("user_id"); {
        user_id: Number, conversation_id: Number, seq: Number, message_id: Number, saved_at: Number, rev: Number
    }
    push_devices by (id) of Owner::Account("user_id"); {
        id: Number, user_id: Number, session_id: Number, endpoint: Text, p256dh: Text, auth: Text, agent: Text,
        language: Text, shows_text: Number, created_at: Number, rev: Number
    }
    push_conversations by (conversation_id) of Owner::Conversation("conversation_id", Changes::Unnumbered); {
        conversation_id: Number, seq: Number, goal: Number, after_user: Number, decided_at: Number
    }
    push_deliveries by (user_id, device_id, conversation_id, reminder_id) of Owner::Account("user_id"); {
        user_id: Number, device_id: Number, conversation_id: Number, reminder_id: Number, seq: Number, kind: Text,
        state: Text, at: Number, error: Text
    }
    // Its rows are about accounts and rooms.
    name_findings by (noun, subject, what) of Owner::Server; {
        noun: Text, subject: Number, what: Text, was: Text, name: Text, other: Number, found_at: Number
    }
    // Jobs belong to rows of several kinds.
    jobs by (kind, subject) of Owner::Server; {
        kind: Text, subject: Number, due_at: Number, tries: Number, claim: Number, failed_at: Number, error: Text
    }
};

/// Tables that stay where they are: what the migrations did, what nodes tell each other in passing, what is made anew of
/// the messages, and uploads that are not whole, whose parts no backup takes along.
pub(crate) const LEFT_BEHIND: &[&str] = &[
    "_sqlx_migrations",
    "nudges",
    "nodes",
    "follower_leases",
    "follower_cursors",
    "message_terms",
    "uploads",
    "upload_parts",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_row_belongs_to_is_a_number_and_a_numbered_row_has_its_number() {
        for table in TABLES {
            let is_number =
                |name: &str| table.columns.iter().any(|column| column.name == name && column.kind == Kind::Number);
            let numbers: &[&str] = match table.owner {
                Owner::Conversation(_, Changes::Rev) => &["rev"],
                Owner::Conversation(_, Changes::SeqAndRev) => &["seq", "rev"],
                _ => &[],
            };
            assert!(
                table.owner.named_by().iter().map(|(_, column)| column).chain(numbers).all(|name| is_number(name)),
                "{}",
                table.name
            );
            assert!(table.exchanged.iter().all(|name| table.column_names().contains(name)), "{}", table.name);
        }
    }

    #[test]
    fn what_may_be_exchanged_is_in_tables_that_are_read_whole() {
        for table in TABLES {
            assert!(table.exchanged.is_empty() || table.owner.named_by().is_none(), "{}", table.name);
        }
    }

    #[test]
    fn a_key_is_a_tables_first_columns() {
        for table in TABLES {
            let first: Vec<&str> = table.column_names().into_iter().take(table.key.len()).collect();
            assert_eq!(first, table.key, "{}", table.name);
        }
    }
}
