//! Versions, the earlier texts of edited messages: how one asks for them, and how they are shown.

use chat::{ConversationId, Error, Number, Query, versions};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    accounts::Person,
    fields::{self, Integer, Text, number},
    pages::{CURSOR_DIGITS, page_limit, strange_cursor},
};
use crate::time::Time;

/// A message, and which page of its earlier texts.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ListVersions {
    /// Where.
    conversation: Integer,
    /// Which.
    seq: Integer,
    /// The previous page's `next_cursor`.
    cursor: Option<Text>,
    /// How many; 50 if absent.
    limit: Option<Integer>,
}

impl ListVersions {
    pub(super) fn query(self) -> Result<Query, Error> {
        let before = |Text(text)| number(&text).filter(|_| text.len() <= CURSOR_DIGITS).ok_or_else(strange_cursor);
        Ok(Query::Versions {
            conversation: ConversationId(self.conversation.0),
            seq: Number(self.seq.0),
            before: self.cursor.map(before).transpose()?.map(Number),
            limit: page_limit(self.limit)?,
        })
    }
}

/// An earlier text of a message.
#[derive(Serialize, ToSchema)]
pub struct Version<'a> {
    /// The `seq` of the event of the edit that replaced it.
    number: i64,
    /// The text as it was written.
    text: &'a str,
    /// The person who wrote it.
    editor: Person<'a>,
    /// When.
    #[schema(value_type = fields::Moment)]
    written_at: Time,
}

/// A page of the earlier texts of a message, the last one first.
#[derive(Serialize, ToSchema)]
pub struct Versions<'a> {
    /// The versions; none where the conversation keeps none.
    versions: Vec<Version<'a>>,
    /// Present if there are more: give it as `cursor`.
    next_cursor: Option<String>,
}

impl<'a> From<&'a versions::VersionPage> for Versions<'a> {
    fn from(page: &'a versions::VersionPage) -> Self {
        let version = |version: &'a versions::Version| Version {
            number: version.number.0,
            text: &version.text,
            editor: Person::new(version.editor, &version.editor_name),
            written_at: Time(version.written_at),
        };
        Self {
            versions: page.versions.iter().map(version).collect(),
            next_cursor: page.next.map(|number| number.to_string()),
        }
    }
}
