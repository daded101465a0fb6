//! The written form between nodes of a reaction that was added or removed, with the message as it is afterwards.

use std::borrow::Cow;

use chat::{UserId, messages::Message};
use serde::{Deserialize, Serialize};

use super::messages::{MessageForm, message_form};

#[derive(Serialize, Deserialize)]
pub(super) struct ReactedForm<'a> {
    #[serde(borrow)]
    pub(super) message: MessageForm<'a>,
    pub(super) user: i64,
    #[serde(borrow)]
    pub(super) emoji: Cow<'a, str>,
}

pub(super) fn reacted_form<'a>(message: &'a Message, user: UserId, emoji: &'a str) -> ReactedForm<'a> {
    ReactedForm { message: message_form(message), user: user.0, emoji: emoji.into() }
}
