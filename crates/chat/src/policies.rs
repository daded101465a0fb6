//! Policies: the permissions of members in a conversation. Every one is decided by [`Rights::decide`], which also gives
//! the reason. It is a pure function, used by the engine, and by the store where a send is checked.

use crate::{
    Error, Millis, Result,
    accounts::ServerRole,
    conversations::{Kind, Visibility},
    members::Role,
    mentions,
};

/// An action of a member in a conversation. Actions without a feature yet (pinning) come with the feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ability {
    /// Send messages, edit one's own, and be seen typing.
    Post,
    /// Reply in threads, and edit one's own replies. Without a rule or a grant of its own it is decided as [`Self::Post`].
    ReplyInThreads,
    /// Send messages with files.
    Attach,
    /// Add a reaction. Removing one's own needs no ability.
    React,
    /// Call everybody with `@room`, or all who are present with `@here`.
    MentionEverybody,
    /// Add somebody.
    Invite,
    /// Remove somebody of a lower role.
    RemoveMembers,
    /// Delete somebody else's message.
    DeleteOthers,
    /// Change name, topic or visibility, or whether earlier texts of edited messages are kept.
    EditSettings,
    /// Give a role below one's own.
    SetRoles,
    /// See messages from before one's joining. It is decided at the moment of joining.
    SeeEarlierHistory,
    /// Read earlier texts of edited messages, where the conversation keeps them.
    SeeEditHistory,
    /// Ask for another member's abilities.
    ExplainOthers,
    /// Leave.
    Leave,
}

impl Ability {
    /// All abilities.
    pub const ALL: [Self; 14] = [
        Self::Post,
        Self::ReplyInThreads,
        Self::Attach,
        Self::React,
        Self::MentionEverybody,
        Self::Invite,
        Self::RemoveMembers,
        Self::DeleteOthers,
        Self::EditSettings,
        Self::SetRoles,
        Self::SeeEarlierHistory,
        Self::SeeEditHistory,
        Self::ExplainOthers,
        Self::Leave,
    ];

    /// The name on the wire and in the database.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Post => "post",
            Self::ReplyInThreads => "reply_in_threads",
            Self::Attach => "attach",
            Self::React => "react",
            Self::MentionEverybody => "mention_everybody",
            Self::Invite => "invite",
            Self::RemoveMembers => "remove_members",
            Self::DeleteOthers => "delete_others",
            Self::EditSettings => "edit_settings",
            Self::SetRoles => "set_roles",
            Self::SeeEarlierHistory => "see_earlier_history",
            Self::SeeEditHistory => "see_edit_history",
            Self::ExplainOthers => "explain_others",
            Self::Leave => "leave",
        }
    }

    /// The ability of this name, if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|ability| ability.name() == name)
    }

    /// Whether a policy and grants can change it. Nobody can be kept from leaving.
    #[must_use]
    pub fn is_configurable(self) -> bool {
        self != Self::Leave
    }

    /// The ability by which it is decided where nothing is said of itself. Whoever is kept from posting is kept from
    /// threads, which some clients show as a part of the room.
    #[must_use]
    pub fn follows(self) -> Option<Self> {
        (self == Self::ReplyInThreads).then_some(Self::Post)
    }

    /// The action, as a refusal describes it.
    fn deed(self) -> &'static str {
        match self {
            Self::Post => "post messages",
            Self::ReplyInThreads => "reply in threads",
            Self::Attach => "send files",
            Self::React => "react",
            Self::MentionEverybody => "mention everybody",
            Self::Invite => "bring people in",
            Self::RemoveMembers => "remove members",
            Self::DeleteOthers => "delete messages of others",
            Self::EditSettings => "change the settings",
            Self::SetRoles => "set roles",
            Self::SeeEarlierHistory => "see messages from before one's joining",
            Self::SeeEditHistory => "read earlier texts of edited messages",
            Self::ExplainOthers => "ask what others may do",
            Self::Leave => "leave",
        }
    }
}

/// The lowest role for an ability where the policy has no rule, in a conversation of so many members; `None` if nobody
/// has the ability in this kind of conversation.
#[must_use]
pub fn default_role(kind: Kind, members: i64, ability: Ability) -> Option<Role> {
    match (kind, ability) {
        (Kind::Room | Kind::Group, Ability::MentionEverybody) if members > mentions::SMALL => Some(Role::Moderator),
        (Kind::Room | Kind::Group, Ability::MentionEverybody) => Some(Role::Member),
        (
            _,
            Ability::Post
            | Ability::ReplyInThreads
            | Ability::Attach
            | Ability::React
            | Ability::SeeEarlierHistory
            | Ability::SeeEditHistory,
        ) => Some(Role::Member),
        // A direct conversation belongs to its pair: nobody joins, leaves or moderates.
        (Kind::Direct, _) => None,
        (_, Ability::Leave) => Some(Role::Member),
        // In a group every member may add people, and name it.
        (Kind::Group, Ability::Invite | Ability::EditSettings) => Some(Role::Member),
        (_, Ability::RemoveMembers | Ability::DeleteOthers | Ability::ExplainOthers) => Some(Role::Moderator),
        (_, Ability::Invite | Ability::EditSettings | Ability::SetRoles) => Some(Role::Admin),
    }
}

/// The roles that abilities need in one conversation. An empty policy is the default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    rules: Vec<(Ability, Role)>,
}

impl Policy {
    /// A policy under which only owners may do anything, for one that cannot be read.
    #[must_use]
    pub fn closed() -> Self {
        let rules = Ability::ALL.into_iter().filter(|ability| ability.is_configurable());
        Self { rules: rules.map(|ability| (ability, Role::Owner)).collect() }
    }

    /// The lowest role for an ability, if the policy has a rule for it.
    #[must_use]
    pub fn role_for(&self, ability: Ability) -> Option<Role> {
        self.rules.iter().find(|(of, _)| *of == ability).map(|(_, role)| *role)
    }

    /// Sets the lowest role for an ability; `None` restores the default. An ability that is not configurable is not
    /// changed.
    pub fn set(&mut self, ability: Ability, role: Option<Role>) {
        self.rules.retain(|(of, _)| *of != ability);
        self.rules.extend(role.filter(|_| ability.is_configurable()).map(|role| (ability, role)));
    }

    /// The rules, each with its ability.
    #[must_use]
    pub fn rules(&self) -> &[(Ability, Role)] {
        &self.rules
    }
}

/// An ability that was granted to one member or withdrawn from them, whatever their role. A mute is the withdrawal of
/// `post`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The ability.
    pub ability: Ability,
    /// True if it was granted, false if it was withdrawn.
    pub given: bool,
    /// When it ends; `None` if it does not end.
    pub ends_at: Option<Millis>,
}

impl Grant {
    fn is_in_force(&self, now: Millis) -> bool {
        self.ends_at.is_none_or(|end| now < end)
    }
}

/// Everything that decides a member's abilities in a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rights {
    /// The conversation's kind.
    pub kind: Kind,
    /// Whether the conversation is public.
    pub visibility: Visibility,
    /// How many members it has.
    pub members: i64,
    /// The member's role in it.
    pub role: Role,
    /// The member's role on the server.
    pub server_role: ServerRole,
    /// The conversation's policy.
    pub policy: Policy,
    /// The member's grants and withdrawals.
    pub grants: Vec<Grant>,
}

/// Whether a member may do something, and the reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The ability.
    pub ability: Ability,
    /// Whether they may do it.
    pub may: bool,
    /// The reason.
    pub reason: Reason,
}

/// The reason of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Nobody may do it in this kind of conversation.
    Kind,
    /// The role in which the member acts.
    Role {
        /// The lowest role for it.
        needed: Role,
        /// Whether the conversation's policy says so; otherwise it is the default.
        by_policy: bool,
    },
    /// A grant to the member, or a withdrawal.
    Grant(Grant),
}

impl Rights {
    /// The role in which the member acts: moderators and administrators of the server act as such in public rooms, and
    /// by their own role everywhere else.
    #[must_use]
    pub fn acting_role(&self) -> Role {
        let public = self.kind == Kind::Room && self.visibility == Visibility::Public;
        match self.server_role {
            ServerRole::Admin if public => self.role.max(Role::Admin),
            ServerRole::Moderator if public => self.role.max(Role::Moderator),
            _ => self.role,
        }
    }

    /// Whether the member may do this now, and why. A grant takes precedence over the role, the policy over the
    /// default.
    #[must_use]
    pub fn decide(&self, ability: Ability, now: Millis) -> Decision {
        let Some(default) = default_role(self.kind, self.members, ability) else {
            return Decision { ability, may: false, reason: Reason::Kind };
        };
        if let Some(grant) = self.grant_for(ability, now).or_else(|| self.grant_for(ability.follows()?, now)) {
            return Decision { ability, may: grant.given, reason: Reason::Grant(grant) };
        }
        let rule = self.policy.role_for(ability).or_else(|| self.policy.role_for(ability.follows()?));
        let needed = rule.unwrap_or(default);
        let reason = Reason::Role { needed, by_policy: rule.is_some() };
        Decision { ability, may: self.acting_role() >= needed, reason }
    }

    /// The grant or withdrawal of an ability that is in force.
    fn grant_for(&self, ability: Ability, now: Millis) -> Option<Grant> {
        let is_of_ability = |grant: &&Grant| grant.ability == ability && ability.is_configurable();
        self.grants.iter().filter(is_of_ability).find(|grant| grant.is_in_force(now)).copied()
    }

    /// Refuses unless the member may do this now.
    ///
    /// # Errors
    /// `forbidden`, with the role that is needed; with the remaining time, if a withdrawal ends.
    pub fn require(&self, ability: Ability, now: Millis) -> Result<()> {
        let decision = self.decide(ability, now);
        if decision.may {
            return Ok(());
        }
        let deed = ability.deed();
        Err(match decision.reason {
            Reason::Kind => Error::forbidden(format!("Nobody may {deed} in a {} conversation.", self.kind.name())),
            Reason::Role { needed, .. } => Error::forbidden(format!(
                "The role {} is needed to {deed} here; yours is {}.",
                needed.name(),
                self.role.name()
            )),
            Reason::Grant(Grant { ends_at: None, .. }) => {
                Error::forbidden(format!("You may not {deed} here: it was withdrawn from you."))
            }
            Reason::Grant(Grant { ends_at: Some(end), .. }) => {
                let remaining = end.since(now);
                let seconds = remaining.saturating_add(999) / 1_000;
                let detail = format!("You may not {deed} here: it was withdrawn from you for {seconds} s more.");
                Error { retry_after_ms: Some(remaining), ..Error::forbidden(detail) }
            }
        })
    }

    /// Whether the member may act on somebody with this role (remove them, change their role). Only owners may act on
    /// their equals.
    #[must_use]
    pub fn outranks(&self, target: Role) -> bool {
        let acting = self.acting_role();
        acting > target || acting == Role::Owner
    }

    /// Whether the member may assign this role: one below their own, or any for an owner.
    #[must_use]
    pub fn may_give(&self, role: Role) -> bool {
        self.outranks(role)
    }
}

/// A member's abilities: one decision for each, with its reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The member's role.
    pub role: Role,
    /// The role in which they act: in public rooms the server's staff act above their own role.
    pub acting_role: Role,
    /// The number from which on they see messages; 0 if they see all.
    pub visible_from: crate::Number,
    /// A decision for each ability.
    pub decisions: Vec<Decision>,
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis(5_000);

    fn rights(kind: Kind, role: Role) -> Rights {
        let (visibility, server_role) = (Visibility::Private, ServerRole::User);
        Rights { kind, visibility, members: 3, role, server_role, policy: Policy::default(), grants: Vec::new() }
    }

    /// The table as a person would write it, to compare with the function.
    fn table(role: Role, kind: Kind, ability: Ability) -> bool {
        let rank = match role {
            Role::Member => 0,
            Role::Moderator => 1,
            Role::Admin => 2,
            Role::Owner => 3,
        };
        let least = match (kind, ability) {
            (_, Ability::Post | Ability::ReplyInThreads) => 0,
            (_, Ability::Attach | Ability::React) => 0,
            (_, Ability::SeeEarlierHistory | Ability::SeeEditHistory) => 0,
            (Kind::Direct, _) => return false,
            (_, Ability::MentionEverybody) => 0,
            (Kind::Room, Ability::Invite) => 2,
            (Kind::Room, Ability::RemoveMembers) => 1,
            (Kind::Room, Ability::EditSettings) => 2,
            (Kind::Room, Ability::DeleteOthers) => 1,
            (Kind::Room, Ability::SetRoles) => 2,
            (Kind::Room, Ability::ExplainOthers) => 1,
            (Kind::Room, Ability::Leave) => 0,
            (Kind::Group, Ability::Invite) => 0,
            (Kind::Group, Ability::RemoveMembers) => 1,
            (Kind::Group, Ability::EditSettings) => 0,
            (Kind::Group, Ability::DeleteOthers) => 1,
            (Kind::Group, Ability::SetRoles) => 2,
            (Kind::Group, Ability::ExplainOthers) => 1,
            (Kind::Group, Ability::Leave) => 0,
        };
        rank >= least
    }

    #[test]
    fn without_a_policy_abilities_equal_the_table() {
        for role in Role::ALL {
            for kind in Kind::ALL {
                for ability in Ability::ALL {
                    let decision = rights(kind, role).decide(ability, NOW);
                    assert_eq!(decision.may, table(role, kind, ability), "{role:?} {kind:?} {ability:?}");
                    assert_eq!(rights(kind, role).require(ability, NOW).is_ok(), decision.may);
                }
            }
        }
    }

    #[test]
    fn a_policy_moves_the_role_that_is_needed_and_a_refusal_names_it() {
        let mut rights = rights(Kind::Room, Role::Member);
        rights.policy.set(Ability::Post, Some(Role::Moderator));
        let refusal = rights.require(Ability::Post, NOW).expect_err("a member may not");
        assert_eq!(refusal.detail, "The role moderator is needed to post messages here; yours is member.");
        assert!(rights.decide(Ability::React, NOW).may, "nothing else is changed");
        rights.role = Role::Moderator;
        assert_eq!(rights.require(Ability::Post, NOW), Ok(()));
        rights.role = Role::Member;
        rights.policy.set(Ability::Post, None);
        assert_eq!(rights.require(Ability::Post, NOW), Ok(()));
    }

    #[test]
    fn a_grant_or_withdrawal_takes_precedence_over_the_role_until_it_ends() {
        let mut rights = rights(Kind::Room, Role::Member);
        let grant = |given, ends_at: Option<i64>| Grant { ability: Ability::Post, given, ends_at: ends_at.map(Millis) };
        rights.grants = vec![grant(false, Some(5_001))];
        let refusal = rights.require(Ability::Post, NOW).expect_err("muted");
        assert_eq!(refusal.retry_after_ms, Some(1));
        assert_eq!(rights.require(Ability::Post, NOW.plus(1)), Ok(()), "the mute has ended by itself");
        rights.grants = vec![grant(false, None)];
        assert!(rights.require(Ability::Post, Millis(i64::MAX)).is_err());
        rights.policy.set(Ability::Post, Some(Role::Owner));
        rights.grants = vec![grant(true, None)];
        assert_eq!(rights.require(Ability::Post, NOW), Ok(()));
    }

    #[test]
    fn in_large_conversations_moderators_mention_everybody_unless_the_policy_says_otherwise() {
        for kind in [Kind::Room, Kind::Group] {
            for (members, role, may) in [
                (mentions::SMALL, Role::Member, true),
                (mentions::SMALL + 1, Role::Member, false),
                (mentions::SMALL + 1, Role::Moderator, true),
            ] {
                let mut rights = Rights { members, ..rights(kind, role) };
                assert_eq!(rights.decide(Ability::MentionEverybody, NOW).may, may, "{kind:?} {members} {role:?}");
                rights.policy.set(Ability::MentionEverybody, Some(Role::Member));
                assert!(rights.decide(Ability::MentionEverybody, NOW).may);
            }
        }
    }

    #[test]
    fn replies_are_decided_as_messages_unless_something_is_said_of_them() {
        let mut rights = rights(Kind::Room, Role::Member);
        let may = |rights: &Rights| rights.decide(Ability::ReplyInThreads, NOW).may;
        let grant = |ability, given| Grant { ability, given, ends_at: None };
        rights.policy.set(Ability::Post, Some(Role::Moderator));
        assert!(!may(&rights), "the policy of messages holds");
        rights.policy.set(Ability::ReplyInThreads, Some(Role::Member));
        assert!(may(&rights) && !rights.decide(Ability::Post, NOW).may, "its own rule goes before");
        rights.grants = vec![grant(Ability::Post, false)];
        assert!(!may(&rights), "who is mute is so in threads");
        rights.grants.push(grant(Ability::ReplyInThreads, true));
        assert!(may(&rights));
        rights.grants = vec![grant(Ability::ReplyInThreads, false)];
        rights.policy = Policy::default();
        assert!(!may(&rights) && rights.decide(Ability::Post, NOW).may);
    }

    #[test]
    fn nobody_can_be_kept_from_leaving() {
        let mut rights = rights(Kind::Room, Role::Member);
        rights.policy.set(Ability::Leave, Some(Role::Owner));
        rights.grants = vec![Grant { ability: Ability::Leave, given: false, ends_at: None }];
        assert!(rights.decide(Ability::Leave, NOW).may);
    }

    #[test]
    fn the_servers_staff_acts_as_such_only_in_public_rooms() {
        let mut rights = rights(Kind::Room, Role::Member);
        rights.server_role = ServerRole::Moderator;
        assert!(!rights.decide(Ability::DeleteOthers, NOW).may);
        rights.visibility = Visibility::Public;
        assert!(rights.decide(Ability::DeleteOthers, NOW).may && !rights.decide(Ability::Invite, NOW).may);
        rights.server_role = ServerRole::Admin;
        assert!(rights.decide(Ability::Invite, NOW).may && !rights.outranks(Role::Admin));
    }

    #[test]
    fn nobody_gives_or_takes_above_themselves() {
        for actor in Role::ALL {
            for other in Role::ALL {
                let of_lower_role = actor == Role::Owner || other < actor;
                assert_eq!(rights(Kind::Room, actor).may_give(other), of_lower_role);
                assert_eq!(rights(Kind::Room, actor).outranks(other), of_lower_role);
            }
        }
    }
}
