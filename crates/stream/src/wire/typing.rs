//! The written form between nodes of typing: that somebody writes, or has stopped.

use std::borrow::Cow;

use chat::{ConversationId, Number, Signal, UserId};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub(super) struct TypingForm<'a> {
    pub(super) user: i64,
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    shown: Cow<'a, str>,
    on: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    thread: Option<i64>,
}

pub(super) fn typing_form<'a>(
    user: UserId,
    (username, shown_name): (&'a str, &'a str),
    thread: Option<Number>,
    typing: bool,
) -> TypingForm<'a> {
    let thread = thread.map(|root| root.0);
    TypingForm { user: user.0, name: username.into(), shown: shown_name.into(), on: typing, thread }
}

pub(super) fn typing(conversation: ConversationId, form: TypingForm<'_>) -> Signal {
    let (username, shown_name) = (form.name.into_owned(), form.shown.into_owned());
    let (user, thread) = (UserId(form.user), form.thread.map(Number));
    Signal::Typing { conversation, thread, user, username, shown_name, typing: form.on }
}
