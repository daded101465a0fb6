//! Members of conversations: what may be asked of them, and how they are shown.

use chat::{ConversationId, UserId, members};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    accounts::Person,
    fields::{self, Integer, Text},
};
use crate::time::Time;

/// A conversation, and which page of its members.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MembersPage {
    /// Which.
    pub(super) conversation: Integer,
    /// The previous page's `next_cursor`.
    pub(super) cursor: Option<Text>,
    /// How many; 50 if absent.
    pub(super) limit: Option<Integer>,
}

/// A conversation and a person.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OfMember {
    /// Where.
    pub(super) conversation: Integer,
    /// Whom.
    pub(super) user: Integer,
}

impl OfMember {
    pub(super) fn place(&self) -> ConversationId {
        ConversationId(self.conversation.0)
    }

    pub(super) fn user(&self) -> UserId {
        UserId(self.user.0)
    }
}

/// A member and their role.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SetRole {
    /// Where.
    pub(super) conversation: Integer,
    /// Whom.
    pub(super) user: Integer,
    /// The new role.
    pub(super) role: fields::Role,
}

/// A person's place in a conversation.
#[derive(Serialize, ToSchema)]
pub struct Member<'a> {
    /// Who.
    user: Person<'a>,
    /// The role; `null` once they have left.
    #[schema(value_type = Option<fields::Role>)]
    role: Option<&'static str>,
    /// The number of the last change of this membership.
    rev: i64,
    /// When they last joined.
    #[schema(value_type = fields::Moment)]
    joined_at: Time,
}

impl<'a> From<&'a members::Member> for Member<'a> {
    fn from(member: &'a members::Member) -> Self {
        Self {
            user: Person::new(member.user, &member.username),
            role: member.role.map(members::Role::name),
            rev: member.rev.0,
            joined_at: Time(member.joined_at),
        }
    }
}

/// A page of members.
#[derive(Serialize, ToSchema)]
pub struct Members<'a> {
    /// The members.
    pub(crate) members: Vec<Member<'a>>,
    /// Present if there are more: give it as `cursor`.
    pub(crate) next_cursor: Option<String>,
}

/// Somebody became a member.
#[derive(Serialize, ToSchema)]
pub struct Arrival<'a> {
    /// The new membership.
    pub(crate) member: Member<'a>,
    /// How many members there are now.
    pub(crate) member_count: i64,
}

/// Somebody is a member no more.
#[derive(Serialize, ToSchema)]
pub struct Leaving<'a> {
    /// The membership, without a role.
    pub(crate) member: Member<'a>,
    /// How many members there are now.
    pub(crate) member_count: i64,
    /// `left` or `removed`.
    pub(crate) reason: &'static str,
}

/// People came and went, and nothing else happened meanwhile.
#[derive(Serialize, ToSchema)]
pub struct Turnover {
    /// The number of the first of these changes.
    from: i64,
    /// The number of the last of them.
    to: i64,
    /// How many members there are now.
    member_count: i64,
}

impl From<&chat::members::Turnover> for Turnover {
    fn from(turnover: &chat::members::Turnover) -> Self {
        let chat::members::Turnover { from, to, member_count } = *turnover;
        Self { from: from.0, to: to.0, member_count }
    }
}

/// The person is a member no more.
#[derive(Serialize, ToSchema)]
pub struct Removal {
    /// `left` or `removed`.
    pub(crate) reason: &'static str,
}
