//! Drafts: rows and statements.

use chat::{
    ConversationId, Millis, Number, UserId,
    drafts::{Draft, DraftKey},
};
use sqlx::FromRow;

use crate::{
    Conn, Result,
    unreadable::{self, Rest, Salvage},
};

statements! {
    ALL = "SELECT conversation_id, edit, text, parent, rev, saved_at FROM drafts WHERE user_id = $1
           ORDER BY conversation_id, edit";
    ONE = "SELECT conversation_id, edit, text, parent, rev, saved_at FROM drafts
           WHERE user_id = $1 AND conversation_id = $2 AND edit = $3";
    SAVE = "INSERT INTO drafts (user_id, conversation_id, edit, text, parent, rev, saved_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7)
            ON CONFLICT (user_id, conversation_id, edit) DO UPDATE SET
                text = excluded.text, parent = excluded.parent, rev = excluded.rev, saved_at = excluded.saved_at";
    DISCARD = "DELETE FROM drafts WHERE user_id = $1 AND conversation_id = $2 AND edit = $3";
    COUNT = "SELECT COUNT(*) FROM drafts WHERE user_id = $1";
}

#[derive(FromRow)]
struct Row {
    conversation_id: i64,
    edit: i64,
    text: String,
    parent: Option<i64>,
    rev: i64,
    saved_at: i64,
}

impl Salvage for Row {
    fn salvage(rest: &Rest) -> Option<Self> {
        Some(Self {
            conversation_id: rest.number("conversation_id")?,
            edit: rest.number("edit")?,
            text: rest.text("text")?,
            parent: rest.number("parent"),
            rev: rest.number("rev").unwrap_or_default(),
            saved_at: rest.number("saved_at").unwrap_or_default(),
        })
    }
}

impl Row {
    fn read(self) -> Draft {
        let edit = (self.edit > 0).then_some(Number(self.edit));
        let thread = (self.edit < 0).then_some(Number(self.edit.saturating_neg()));
        Draft {
            key: DraftKey { conversation: ConversationId(self.conversation_id), edit, thread },
            text: self.text,
            parent: self.parent.map(Number),
            rev: Number(self.rev),
            saved_at: Millis(self.saved_at),
        }
    }
}

/// A new message has no `seq` yet, and no message has this one: 0 in the room, and in a thread the root's below zero.
fn edit_of(key: DraftKey) -> i64 {
    key.edit.map(|seq| seq.0).or(key.thread.map(|root| -root.0)).unwrap_or_default()
}

/// All of a person's drafts.
///
/// # Errors
/// Those of the database.
pub async fn all(conn: &mut Conn, user: UserId) -> Result<Vec<Draft>> {
    unreadable::readable(sql!(conn, salvage as Row, ALL, user.0)?, |row| Ok(row.read()))
}

/// One of them.
///
/// # Errors
/// Those of the database.
pub async fn one(conn: &mut Conn, user: UserId, key: DraftKey) -> Result<Option<Draft>> {
    let rows = sql!(conn, salvage as Row, ONE, user.0, key.conversation.0, edit_of(key))?;
    Ok(unreadable::readable(rows, |row: Row| Ok(row.read()))?.pop())
}

/// How many a person has.
///
/// # Errors
/// Those of the database.
pub async fn count(conn: &mut Conn, user: UserId) -> Result<i64> {
    let (count,) = sql!(conn, fetch_one as (i64,), COUNT, user.0)?;
    Ok(count)
}

/// Keeps a draft in the place of the one before.
///
/// # Errors
/// Those of the database.
pub async fn save(conn: &mut Conn, user: UserId, draft: &Draft) -> Result<()> {
    let (key, parent) = (draft.key, draft.parent.map(|seq| seq.0));
    let place = (key.conversation.0, edit_of(key));
    sql!(conn, execute, SAVE, user.0, place.0, place.1, &draft.text, parent, draft.rev.0, draft.saved_at.0)?;
    Ok(())
}

/// Drops a draft; false if there was none.
///
/// # Errors
/// Those of the database.
pub async fn discard(conn: &mut Conn, user: UserId, key: DraftKey) -> Result<bool> {
    Ok(sql!(conn, execute, DISCARD, user.0, key.conversation.0, edit_of(key))? > 0)
}
