//! The written form between nodes of a conversation's row.

use std::borrow::Cow;

use chat::{
    ConversationId, FileId, Millis, Number, UserId,
    conversations::{Conversation, Kind, Visibility},
};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub(super) struct ConversationForm<'a> {
    kind: Cow<'a, str>,
    visibility: Cow<'a, str>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    name: Option<Cow<'a, str>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    topic: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    avatar: Option<Cow<'a, str>>,
    by: i64,
    created: i64,
    head: i64,
    rev: i64,
    members: i64,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    edit_history: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pair: Option<(i64, i64)>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    previews: bool,
}

pub(super) fn conversation_form(row: &Conversation) -> ConversationForm<'_> {
    ConversationForm {
        kind: row.kind.name().into(),
        visibility: row.visibility.name().into(),
        name: row.name.as_ref().map(Into::into),
        topic: row.topic.as_ref().map(Into::into),
        avatar: row.avatar.map(|picture| picture.to_string().into()),
        by: row.created_by.0,
        created: row.created_at.0,
        head: row.head.0,
        rev: row.rev.0,
        members: row.member_count,
        edit_history: row.edit_history,
        pair: row.pair.map(|(low, high)| (low.0, high.0)),
        previews: row.previews,
    }
}

pub(super) fn row(id: ConversationId, form: ConversationForm<'_>) -> Option<Conversation> {
    Some(Conversation {
        id,
        kind: Kind::from_name(&form.kind)?,
        visibility: Visibility::from_name(&form.visibility)?,
        name: form.name.map(Cow::into_owned),
        topic: form.topic.map(Cow::into_owned),
        avatar: form.avatar.as_deref().and_then(FileId::parse),
        created_by: UserId(form.by),
        created_at: Millis(form.created),
        head: Number(form.head),
        rev: Number(form.rev),
        member_count: form.members,
        edit_history: form.edit_history,
        pair: form.pair.map(|(low, high)| (UserId(low), UserId(high))),
        previews: form.previews,
    })
}
