//! Drafts: how they are saved and shown.

use chat::{Command, ConversationId, Number, drafts};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::fields::{self, Integer, Text};
use crate::time::Time;

/// A text that the speaker has begun to write.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SaveDraft {
    /// Where.
    conversation: Integer,
    /// The `seq` of the own message that it will change; absent for a new message.
    edit: Option<Integer>,
    /// The `seq` of the message in whose thread it will stand; absent in the room, and not for an edit.
    thread: Option<Integer>,
    /// The text so far.
    text: Text,
    /// The `seq` of the message that it will answer; not for an edit.
    parent: Option<Integer>,
    /// The `rev` of the draft from which this one was begun; 0 or absent: from none.
    since: Option<Integer>,
}

impl From<SaveDraft> for Command {
    fn from(save: SaveDraft) -> Self {
        Self::SaveDraft {
            key: key(save.conversation, save.edit, save.thread),
            text: save.text.0,
            parent: save.parent.map(|seq| Number(seq.0)),
            since: Number(save.since.map_or(0, |rev| rev.0)),
        }
    }
}

/// A draft of one's own.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OfDraft {
    /// Where.
    conversation: Integer,
    /// The `seq` of the message that it would have changed; absent for a new message.
    edit: Option<Integer>,
    /// The `seq` of the message in whose thread it would have stood; absent in the room, and for an edit.
    thread: Option<Integer>,
}

impl OfDraft {
    pub(super) fn key(self) -> drafts::DraftKey {
        key(self.conversation, self.edit, self.thread)
    }
}

fn key(conversation: Integer, edit: Option<Integer>, thread: Option<Integer>) -> drafts::DraftKey {
    let seq = |seq: Option<Integer>| seq.map(|seq| Number(seq.0));
    drafts::DraftKey { conversation: ConversationId(conversation.0), edit: seq(edit), thread: seq(thread) }
}

/// The key of a draft.
#[derive(Serialize, ToSchema)]
pub struct DraftKey {
    /// Where.
    conversation: i64,
    /// The `seq` of the own message that it will change; `null` for a new message.
    edit: Option<i64>,
    /// The `seq` of the message in whose thread it will stand; `null` in the room, and for an edit.
    thread: Option<i64>,
}

impl From<&drafts::DraftKey> for DraftKey {
    fn from(key: &drafts::DraftKey) -> Self {
        Self {
            conversation: key.conversation.0,
            edit: key.edit.map(|seq| seq.0),
            thread: key.thread.map(|root| root.0),
        }
    }
}

/// A text that is not sent yet.
#[derive(Serialize, ToSchema)]
pub struct Draft<'a> {
    #[serde(flatten)]
    key: DraftKey,
    /// The text so far.
    text: &'a str,
    /// The `seq` of the message that it will answer.
    parent: Option<i64>,
    /// The `account_seq` of its last change.
    rev: i64,
    /// When it was saved.
    #[schema(value_type = fields::Moment)]
    saved_at: Time,
}

impl<'a> From<&'a drafts::Draft> for Draft<'a> {
    fn from(draft: &'a drafts::Draft) -> Self {
        Self {
            key: DraftKey::from(&draft.key),
            text: &draft.text,
            parent: draft.parent.map(|seq| seq.0),
            rev: draft.rev.0,
            saved_at: Time(draft.saved_at),
        }
    }
}

/// A draft as it is kept now.
#[derive(Serialize, ToSchema)]
pub struct SavedDraft<'a> {
    #[serde(flatten)]
    draft: Draft<'a>,
    /// The draft that it replaced, if that was saved elsewhere meanwhile: the later one wins, and this can be offered.
    replaced: Option<Draft<'a>>,
}

impl<'a> From<&'a drafts::Saved> for SavedDraft<'a> {
    fn from(saved: &'a drafts::Saved) -> Self {
        Self { draft: Draft::from(&saved.draft), replaced: saved.replaced.as_ref().map(Draft::from) }
    }
}

/// The speaker's drafts.
#[derive(Serialize, ToSchema)]
pub struct Drafts<'a> {
    /// All of them.
    pub(crate) drafts: Vec<Draft<'a>>,
}
