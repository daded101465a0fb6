//! What is carried: every table with its columns, in an order in which each row finds those that it needs.
//!
//! A test compares this list with what both databases have, so that a later migration cannot be forgotten here.

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A 64-bit integer.
    Number,
    /// A text.
    Text,
}

/// A column.
#[derive(Debug)]
pub(super) struct Column {
    pub name: &'static str,
    pub kind: Kind,
}

/// A table.
#[derive(Debug)]
pub(super) struct Table {
    pub name: &'static str,
    /// What its primary key consists of: its first columns, in this order.
    pub key: &'static [&'static str],
    pub columns: &'static [Column],
}

impl Table {
    /// The table of this name.
    pub(super) fn named(name: &str) -> Option<&'static Self> {
        TABLES.iter().find(|table| table.name == name)
    }

    /// The names of all its columns.
    pub(super) fn column_names(&self) -> Vec<&'static str> {
        self.columns.iter().map(|column| column.name).collect()
    }
}

macro_rules! tables {
    ($($table:ident by ($($key:ident),+) { $($column:ident: $kind:ident),+ })*) => {
        /// Every table that is carried. Rows refer to rows of tables above their own.
        pub(super) static TABLES: &[Table] = &[$(Table {
            name: stringify!($table),
            key: &[$(stringify!($key)),+],
            columns: &[$(Column { name: stringify!($column), kind: Kind::$kind }),+],
        }),*];
    };
}

tables! {
    meta by (key) { key: Text, value: Text }
    counters by (name) { name: Text, value: Number }
    users by (id) {
        id: Number, username: Text, username_key: Text, email: Text, email_key: Text, password_hash: Text,
        external_id: Text, role: Text, display_name: Text, first_name: Text, last_name: Text, birth_date: Text,
        profession: Text, city: Text, language: Text, time_zone: Text, status_message: Text, created_at: Number,
        last_seen_at: Number, deactivated_at: Number, mail_key: Text
    }
    sessions by (id) {
        id: Number, user_id: Number, agent: Text, address: Text, created_at: Number, used_at: Number,
        expires_at: Number, ends_at: Number, ended_at: Number
    }
    refresh_tokens by (hash) { hash: Text, session_id: Number, used_at: Number, successor: Text }
    conversations by (id) {
        id: Number, kind: Text, visibility: Text, name: Text, name_key: Text, topic: Text, pair_low: Number,
        pair_high: Number, created_by: Number, client_id: Text, created_at: Number, head: Number, rev: Number,
        member_count: Number, active_at: Number, room_key: Text
    }
    members by (conversation_id, user_id) {
        conversation_id: Number, user_id: Number, role: Text, rev: Number, joined_at: Number, read_seq: Number,
        delivered_seq: Number, read_at: Number, hidden_seq: Number, invited_by: Number, joined_number: Number,
        declined: Number
    }
    messages by (id) {
        id: Number, conversation_id: Number, seq: Number, rev: Number, author_id: Number, client_id: Text,
        content_hash: Number, text: Text, parent: Number, created_at: Number, edited_at: Number,
        deleted_at: Number, message_type: Text
    }
    reactions by (message_id, emoji, user_id) { message_id: Number, emoji: Text, user_id: Number, number: Number }
}

/// Tables that stay where they are: what the migrations did, and what nodes tell each other in passing.
pub(super) const LEFT_BEHIND: &[&str] = &["_sqlx_migrations", "nudges", "nodes"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_a_tables_first_columns() {
        for table in TABLES {
            let first: Vec<&str> = table.column_names().into_iter().take(table.key.len()).collect();
            assert_eq!(first, table.key, "{}", table.name);
        }
    }
}
