//! The written form between nodes of a membership.

use std::borrow::Cow;

use chat::{
    Millis, Number, UserId,
    members::{Member, Role},
};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub(super) struct MemberForm<'a> {
    user: i64,
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    shown: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    role: Option<Cow<'a, str>>,
    rev: i64,
    joined: i64,
}

pub(super) fn member_form(member: &Member) -> MemberForm<'_> {
    MemberForm {
        user: member.user.0,
        name: (&member.username).into(),
        shown: (&member.shown_name).into(),
        role: member.role.map(|role| role.name().into()),
        rev: member.rev.0,
        joined: member.joined_at.0,
    }
}

pub(super) fn member(form: MemberForm<'_>) -> Option<Member> {
    let role = match form.role {
        Some(role) => Some(Role::from_name(&role)?),
        None => None,
    };
    Some(Member {
        user: UserId(form.user),
        username: form.name.into_owned(),
        shown_name: form.shown.into_owned(),
        role,
        rev: Number(form.rev),
        joined_at: Millis(form.joined),
    })
}
