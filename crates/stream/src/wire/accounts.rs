//! The written form between nodes of an account: what everybody may see, and nothing else.

use std::borrow::Cow;

use chat::{
    ConversationId, FileId, Millis, Number, Signal, UserId,
    accounts::{Account, Profile, ServerRole},
};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub(super) struct CardForm<'a> {
    user: i64,
    #[serde(borrow)]
    name: Cow<'a, str>,
    rev: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    display: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    first: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    profession: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    city: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    language: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    zone: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    avatar: Option<Cow<'a, str>>,
}

pub(super) fn card_form(account: &Account) -> CardForm<'_> {
    let text = |text: &'_ Option<String>| text.clone().map(Cow::Owned);
    let profile = &account.profile;
    CardForm {
        user: account.id.0,
        name: (&account.username).into(),
        rev: account.rev.0,
        display: text(&profile.display_name),
        first: text(&profile.first_name),
        last: text(&profile.last_name),
        profession: text(&profile.profession),
        city: text(&profile.city),
        language: text(&profile.language),
        zone: text(&profile.time_zone),
        status: text(&profile.status_message),
        avatar: account.avatar.map(|picture| picture.to_string().into()),
    }
}

pub(super) fn card(conversation: ConversationId, form: CardForm<'_>) -> Signal {
    let text = |text: Option<Cow<'_, str>>| text.map(Cow::into_owned);
    let account = Account {
        id: UserId(form.user),
        username: form.name.into_owned(),
        email: None,
        role: ServerRole::User,
        active: true,
        profile: Profile {
            display_name: text(form.display),
            first_name: text(form.first),
            last_name: text(form.last),
            birth_date: None,
            profession: text(form.profession),
            city: text(form.city),
            language: text(form.language),
            time_zone: text(form.zone),
            status_message: text(form.status),
        },
        avatar: form.avatar.as_deref().and_then(FileId::parse),
        rev: Number(form.rev),
        created_at: Millis(0),
        last_seen_at: None,
    };
    Signal::CardChanged { conversation, account: Box::new(account) }
}
