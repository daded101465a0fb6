//! Lists by pages: how long a page is, and the cursors between them.

use chat::{ConversationId, Error, UserId};

use super::fields::{Integer, Text, number};

/// How many entries a page has if nothing is asked for.
const PAGE_LENGTH: i64 = 50;

/// How many entries are wanted. The engine knows the most that it gives.
pub(super) fn page_limit(limit: Option<Integer>) -> Result<i64, Error> {
    match limit {
        None => Ok(PAGE_LENGTH),
        Some(Integer(0)) => Err(Error::invalid("limit", "limit must be at least 1.")),
        Some(Integer(limit)) => Ok(limit),
    }
}

pub(super) fn strange_cursor() -> Error {
    Error::invalid("cursor", "cursor is not one that this server gave.")
}

/// Digits of a number in a cursor. The server gives none that is longer.
pub(super) const CURSOR_DIGITS: usize = 15;

pub(super) fn id_cursor(cursor: Option<Text>) -> Result<Option<UserId>, Error> {
    let number = |text: &str| number(text).filter(|_| text.len() <= CURSOR_DIGITS);
    cursor.map(|Text(text)| number(&text).map(UserId).ok_or_else(strange_cursor)).transpose()
}

pub(super) fn position_cursor(cursor: Option<Text>) -> Result<Option<chat::query::ListPosition>, Error> {
    let short = |text: &str| text.split('-').all(|part| part.len() <= CURSOR_DIGITS);
    let position = |text: &str| position_of(text).filter(|_| short(text));
    cursor.map(|Text(text)| position(&text).ok_or_else(strange_cursor)).transpose()
}

/// The end of a page of the conversation list, as an opaque cursor: time of last activity (nothing in the second
/// pass), conversation, horizon, and what is listed already.
#[must_use]
pub(super) fn cursor_of(position: &chat::query::ListPosition) -> String {
    let active_at = position.active_at.map(|at| at.to_string()).unwrap_or_default();
    let mut cursor = format!("{active_at}-{}", position.conversation);
    if position.horizon == chat::query::ListPosition::NO_HORIZON {
        return cursor;
    }
    cursor.push_str(&format!("-{}", position.horizon));
    for id in &position.listed {
        cursor.push_str(&format!("-{id}"));
    }
    cursor
}

/// The position that [`cursor_of`] wrote, or a program of an earlier version: its lists had no second pass.
fn position_of(cursor: &str) -> Option<chat::query::ListPosition> {
    let (active_at, rest) = cursor.split_once('-')?;
    let mut numbers = rest.split('-').map(number);
    Some(chat::query::ListPosition {
        active_at: if active_at.is_empty() { None } else { Some(number(active_at)?) },
        conversation: ConversationId(numbers.next()??),
        horizon: numbers.next().unwrap_or(Some(chat::query::ListPosition::NO_HORIZON))?,
        listed: numbers.map(|id| id.map(ConversationId)).collect::<Option<_>>()?,
    })
}
