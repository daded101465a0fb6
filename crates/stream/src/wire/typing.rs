//! The written form between nodes of typing: that somebody writes, or has stopped.

use std::borrow::Cow;

use chat::{ConversationId, Signal, UserId};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub(super) struct TypingForm<'a> {
    pub(super) user: i64,
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    shown: Cow<'a, str>,
    on: bool,
}

pub(super) fn typing_form<'a>(user: UserId, username: &'a str, shown_name: &'a str, typing: bool) -> TypingForm<'a> {
    TypingForm { user: user.0, name: username.into(), shown: shown_name.into(), on: typing }
}

pub(super) fn typing(conversation: ConversationId, form: TypingForm<'_>) -> Signal {
    let (username, shown_name) = (form.name.into_owned(), form.shown.into_owned());
    Signal::Typing { conversation, user: UserId(form.user), username, shown_name, typing: form.on }
}
