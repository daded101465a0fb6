//! Searching: what one may look for, and how what was found is shown.

use chat::{
    ConversationId, Error, MessageId, Query,
    search::{self, Rank, SearchCursor},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    accounts,
    fields::{Integer, Order, Text, number},
    messages,
    pages::{CURSOR_DIGITS, strange_cursor},
};

/// How many results a page has if nothing is asked for.
const PAGE_LENGTH: i64 = 20;

/// A search for messages.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SearchMessages {
    /// Words, `"phrases"`, `-excluded` words and operators, with spaces between them. `word*` finds words that begin so.
    /// Operators: `from:NAME` (or `from:me`), `in:ROOM` (a name, an id, or `in:@NAME` for a direct conversation),
    /// `before:`, `after:` and `on:` with a day such as `2026-11-30`, `has:link`, `has:file`, `has:image`, `has:reaction`, `is:edited`,
    /// `is:thread`, `type:room`, `type:group`, `type:direct`. All must hold; of several `from:`, `in:` or `type:` one.
    pub(super) q: Text,
    /// In this conversation only.
    pub(super) conversation: Option<Integer>,
    /// How far the clock of the days is from UTC: `+02:00`, `-05:00` or `Z`; `Z` if absent.
    pub(super) utc_offset: Option<Text>,
    /// `newest` first, or `best` first; `newest` if absent.
    pub(super) order: Option<Order>,
    /// The previous page's `next_cursor`, with the same search and order.
    pub(super) cursor: Option<Text>,
    /// How many; 20 if absent.
    pub(super) limit: Option<Integer>,
}

impl SearchMessages {
    pub(super) fn query(self) -> Result<Query, Error> {
        let order = self.order.map(|order| order.0).unwrap_or_default();
        let after = self.cursor.map(|Text(text)| place(&text, order).ok_or_else(strange_cursor)).transpose()?;
        let limit = match self.limit {
            Some(Integer(0)) => return Err(Error::invalid("limit", "limit must be at least 1.")),
            limit => limit.map_or(PAGE_LENGTH, |limit| limit.0),
        };
        Ok(Query::Search {
            q: self.q.0,
            utc_offset: self.utc_offset.map_or(Ok(0), |Text(text)| minutes(&text))?,
            conversation: self.conversation.map(|id| ConversationId(id.0)),
            order,
            after,
            limit,
        })
    }
}

/// The end of a page as a cursor.
pub(super) fn cursor_of(end: &SearchCursor) -> String {
    match end.below {
        None => end.before.to_string(),
        Some(Rank { score, message }) => format!("{}-{score}-{message}", end.before),
    }
}

/// The end that [`cursor_of`] wrote for a page in this order. The server gives no longer number.
fn place(cursor: &str, order: search::Order) -> Option<SearchCursor> {
    let short = |part: &str| number(part).filter(|_| part.len() <= CURSOR_DIGITS);
    let mut numbers = cursor.split('-').map(short);
    let before = MessageId(numbers.next()??);
    let Some(score) = numbers.next() else { return Some(SearchCursor { before, below: None }) };
    let below = Rank { score: u32::try_from(score?).ok()?, message: MessageId(numbers.next()??) };
    let is_good = numbers.next().is_none() && order == search::Order::Best;
    is_good.then_some(SearchCursor { before, below: Some(below) })
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
    /// The places of the words in its text: pairs of begin and end, in Unicode scalar values.
    highlights: Vec<[usize; 2]>,
}

impl<'a> From<&'a search::Hit> for SearchResult<'a> {
    fn from(hit: &'a search::Hit) -> Self {
        let highlights = hit.places.iter().map(|(start, end)| [*start, *end]).collect();
        Self { message: messages::Message::from(&hit.message), highlights }
    }
}

/// A page of messages that were found.
#[derive(Serialize, ToSchema)]
pub struct SearchResults<'a> {
    /// The messages, in the order that was asked for.
    pub(crate) results: Vec<SearchResult<'a>>,
    /// Present if there may be more. A page may be short, and even empty, and still have one: a search ends with what it
    /// has found when its time is over.
    pub(crate) next_cursor: Option<String>,
}

/// A search that is being typed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CompleteSearch {
    /// The text of the search field up to the caret.
    pub(super) q: Text,
    /// How many; 8 if absent, and 20 at most.
    pub(super) limit: Option<Integer>,
}

/// How many suggestions there are if nothing is asked for.
const SUGGESTIONS: i64 = 8;

impl CompleteSearch {
    pub(super) fn query(self) -> Result<Query, Error> {
        let limit = match self.limit {
            Some(Integer(0)) => return Err(Error::invalid("limit", "limit must be at least 1.")),
            limit => limit.map_or(SUGGESTIONS, |limit| limit.0),
        };
        Ok(Query::CompleteSearch { q: self.q.0, limit })
    }
}

/// Suggestions for completing a search.
#[derive(Serialize, ToSchema)]
pub struct SearchSuggestions<'a> {
    /// From which Unicode scalar value of `q` on a suggestion takes the place of what was typed.
    pub(crate) from: usize,
    /// The likeliest first.
    pub(crate) suggestions: Vec<SearchSuggestion<'a>>,
}

/// A suggestion.
#[derive(Serialize, ToSchema)]
pub struct SearchSuggestion<'a> {
    /// The text, such as `from:ann`; an operator without a value ends with its colon.
    text: &'a str,
    /// Whom it names.
    user: Option<accounts::User<'a>>,
    /// The room that it names.
    room: Option<NamedRoom<'a>>,
}

/// A room of which one is a member.
#[derive(Serialize, ToSchema)]
pub struct NamedRoom<'a> {
    /// The conversation's id.
    id: i64,
    /// Its name.
    name: Option<&'a str>,
}

impl<'a> From<&'a search::Suggestion> for SearchSuggestion<'a> {
    fn from(suggestion: &'a search::Suggestion) -> Self {
        let (user, room) = match &suggestion.meaning {
            None => (None, None),
            Some(search::Meant::Person(account)) => (Some(accounts::User::from(&**account)), None),
            Some(search::Meant::Room(room)) => (None, Some(NamedRoom { id: room.id.0, name: room.name.as_deref() })),
        };
        Self { text: &suggestion.text, user, room }
    }
}

#[cfg(test)]
mod tests {
    use chat::{
        MessageId,
        search::{Order, Rank, SearchCursor},
    };

    use super::{cursor_of, minutes, place};

    #[test]
    fn a_cursor_is_read_as_it_was_written_and_only_for_its_order() {
        let newest = SearchCursor { before: MessageId(40), below: None };
        let best = SearchCursor { below: Some(Rank { score: 1_700, message: MessageId(12) }), ..newest };
        assert_eq!((cursor_of(&newest).as_str(), cursor_of(&best).as_str()), ("40", "40-1700-12"));
        assert_eq!(place("40", Order::Newest), Some(newest));
        assert_eq!((place("40", Order::Best), place("40-1700-12", Order::Best)), (Some(newest), Some(best)));
        assert_eq!(place("40-1700-12", Order::Newest), None);
        for strange in
            ["", "-", "40-", "40-1", "40-1-", "40-1-2-3", "40--2", "x", "40-4294967296-1", "1234567890123456"]
        {
            assert_eq!(place(strange, Order::Best), None, "{strange}");
        }
    }

    #[test]
    fn a_distance_from_utc_is_read() {
        let read = |text| minutes(text).ok();
        assert_eq!(["Z", "+02:00", " 05:30", "-11:00"].map(read), [Some(0), Some(120), Some(330), Some(-660)]);
        for wrong in ["", "2", "+2:00", "+18:01", "+00:60", "+0200", "02:00", "+02:00:00", "+-2:00"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
