//! The written form between nodes of a message.

use std::borrow::Cow;

use chat::{
    ClientId, ConversationId, MessageId, Millis, Number, UserId,
    accounts::ServerRole,
    messages::{Message, MessageType},
    reactions::Reaction,
};
use serde::{Deserialize, Serialize};

use super::mentions::{MentionsForm, mentions, mentions_form};

use super::files::{FileForm, file, file_form};
use super::previews::{PreviewForm, preview, preview_form};
use super::threads::{SummaryForm, summary, summary_form};

#[derive(Serialize, Deserialize)]
pub(super) struct MessageForm<'a> {
    id: i64,
    seq: i64,
    rev: i64,
    author: i64,
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    shown: Cow<'a, str>,
    role: Cow<'a, str>,
    #[serde(rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    cid: Option<Cow<'a, str>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    text: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    parent: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    thread: Option<i64>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    room: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sum: Option<SummaryForm>,
    created: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    edited: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    deleted: Option<i64>,
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    files: Vec<FileForm<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    reactions: Vec<(Cow<'a, str>, Vec<i64>)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mentions: Option<MentionsForm>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    preview: Option<PreviewForm<'a>>,
}

pub(super) fn message_form(message: &Message) -> MessageForm<'_> {
    MessageForm {
        id: message.id.0,
        seq: message.seq.0,
        rev: message.rev.0,
        author: message.author.0,
        name: (&message.author_name).into(),
        shown: (&message.author_shown_name).into(),
        role: message.author_role.name().into(),
        kind: message.message_type.name().into(),
        cid: message.client_id.as_ref().map(|id| id.as_str().into()),
        text: message.text.as_ref().map(Into::into),
        parent: message.parent.map(|seq| seq.0),
        thread: message.thread.map(|root| root.0),
        room: message.also_in_room,
        sum: message.summary.as_deref().map(summary_form),
        created: message.created_at.0,
        edited: message.edited_at.map(|at| at.0),
        deleted: message.deleted_at.map(|at| at.0),
        files: message.files.iter().map(file_form).collect(),
        reactions: message
            .reactions
            .iter()
            .map(|one| ((&one.emoji).into(), one.users.iter().map(|user| user.0).collect()))
            .collect(),
        mentions: mentions_form(&message.mentions),
        preview: message.preview.as_deref().map(preview_form),
    }
}

pub(super) fn message(conversation: ConversationId, form: MessageForm<'_>) -> Option<Message> {
    Some(Message {
        id: MessageId(form.id),
        conversation,
        seq: Number(form.seq),
        rev: Number(form.rev),
        author: UserId(form.author),
        author_name: form.name.into_owned(),
        author_shown_name: form.shown.into_owned(),
        author_role: ServerRole::from_name(&form.role)?,
        message_type: MessageType::from_name(&form.kind)?,
        client_id: form.cid.map(|id| ClientId::parse(&id)).transpose().ok()?,
        text: form.text.map(Cow::into_owned),
        parent: form.parent.map(Number),
        thread: form.thread.map(Number),
        also_in_room: form.room,
        summary: form.sum.map(summary).map(Box::new),
        created_at: Millis(form.created),
        edited_at: form.edited.map(Millis),
        deleted_at: form.deleted.map(Millis),
        files: form.files.into_iter().map(file).collect::<Option<_>>()?,
        reactions: form
            .reactions
            .into_iter()
            .map(|(emoji, users)| Reaction {
                emoji: emoji.into_owned(),
                users: users.into_iter().map(UserId).collect(),
            })
            .collect(),
        mentions: form.mentions.map(mentions).unwrap_or_default(),
        preview: match form.preview {
            Some(form) => Some(Box::new(preview(form)?)),
            None => None,
        },
    })
}
