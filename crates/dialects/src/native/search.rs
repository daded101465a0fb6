//! Searching: what one may look for, and how what was found is shown.

use chat::{ConversationId, Error, MessageId, Query, search};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    fields::{Integer, Text, number},
    messages,
    pages::{CURSOR_DIGITS, strange_cursor},
};

/// How many results a page has if nothing is asked for.
const PAGE_LENGTH: i64 = 20;

/// What is looked for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SearchMessages {
    /// Words, `"phrases"`, `-excluded` words and operators, with spaces between them. `word*` finds words that begin so.
    /// Operators: `from:NAME` (or `from:me`), `in:ROOM` (a name, an id, or `in:@NAME` for a direct conversation),
    /// `before:`, `after:` and `on:` with a day such as `2026-11-30`, `has:link`, `has:reaction`, `is:edited`,
    /// `type:room`, `type:group`, `type:direct`. All must hold; of several `from:`, `in:` or `type:` one.
    pub(super) q: Text,
    /// In this conversation only.
    pub(super) conversation: Option<Integer>,
    /// How far the clock of the days is from UTC: `+02:00`, `-05:00` or `Z`; `Z` if absent.
    pub(super) utc_offset: Option<Text>,
    /// The previous page's `next_cursor`.
    pub(super) cursor: Option<Text>,
    /// How many; 20 if absent.
    pub(super) limit: Option<Integer>,
}

impl SearchMessages {
    pub(super) fn query(self) -> Result<Query, Error> {
        let before = self.cursor.map(|Text(text)| place(&text).ok_or_else(strange_cursor)).transpose()?;
        let limit = match self.limit {
            Some(Integer(0)) => return Err(Error::invalid("limit", "limit must be at least 1.")),
            limit => limit.map_or(PAGE_LENGTH, |limit| limit.0),
        };
        Ok(Query::Search {
            q: self.q.0,
            utc_offset: self.utc_offset.map_or(Ok(0), |Text(text)| minutes(&text))?,
            conversation: self.conversation.map(|id| ConversationId(id.0)),
            before,
            limit,
        })
    }
}

/// The message before which a page ends. The server gives no longer number.
fn place(cursor: &str) -> Option<MessageId> {
    number(cursor).filter(|_| cursor.len() <= CURSOR_DIGITS).map(MessageId)
}

/// How far a clock may be from UTC, in minutes.
const FURTHEST: i64 = 18 * 60;

/// Minutes ahead of UTC.
fn minutes(text: &str) -> Result<i64, Error> {
    let wrong = || Error::invalid("utc_offset", "utc_offset must be such as +02:00, -05:00 or Z.");
    if text == "Z" {
        return Ok(0);
    }
    // In the query of a URL a plus that is not encoded is a space.
    let (sign, rest) = match text.strip_prefix(['+', ' ']) {
        Some(rest) => (1, rest),
        None => (-1, text.strip_prefix('-').ok_or_else(wrong)?),
    };
    let two_digits = |text: &str| number(text).filter(|_| text.len() == 2);
    let (hours, minutes) = rest.split_once(':').ok_or_else(wrong)?;
    let (hours, minutes) = two_digits(hours).zip(two_digits(minutes)).ok_or_else(wrong)?;
    if hours * 60 + minutes > FURTHEST || minutes > 59 {
        return Err(wrong());
    }
    Ok(sign * (hours * 60 + minutes))
}

/// A message that was found.
#[derive(Serialize, ToSchema)]
pub struct SearchResult<'a> {
    /// The message as it is now.
    message: messages::Message<'a>,
    /// Where in its text the words stand: pairs of where each begins and ends, in Unicode scalar values.
    highlights: Vec<[usize; 2]>,
}

impl<'a> From<&'a search::Hit> for SearchResult<'a> {
    fn from(hit: &'a search::Hit) -> Self {
        let highlights = hit.places.iter().map(|(start, end)| [*start, *end]).collect();
        Self { message: messages::Message::from(&hit.message), highlights }
    }
}

/// What was found.
#[derive(Serialize, ToSchema)]
pub struct SearchResults<'a> {
    /// The messages, newest first.
    pub(crate) results: Vec<SearchResult<'a>>,
    /// Present if there may be more. A page may be short, and even empty, and still have one: a search ends with what it
    /// has found when its time is over.
    pub(crate) next_cursor: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::minutes;

    #[test]
    fn a_distance_from_utc_is_read() {
        let read = |text| minutes(text).ok();
        assert_eq!(["Z", "+02:00", " 05:30", "-11:00"].map(read), [Some(0), Some(120), Some(330), Some(-660)]);
        for wrong in ["", "2", "+2:00", "+18:01", "+00:60", "+0200", "02:00", "+02:00:00", "+-2:00"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
