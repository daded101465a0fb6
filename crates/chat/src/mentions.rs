//! Mentions: the people whom a message calls. The server resolves the names in a text when the message is stored, and
//! the message then names ids.
//!
//! A person is called by their username, a user group by its name, those who are present by `@here`, and everybody by
//! `@room`. Names that nobody here has, and names of people who are not members, stay plain text: that says nothing
//! about whether there is such a person.

use crate::{
    Error, ErrorCode, Millis, Result, UserGroupId, UserId,
    people::NamesPeople,
    policies::{Ability, Rights},
    text,
};

/// Different names of one text that are looked up; later ones stay plain text.
pub const NAMES: usize = 50;
/// Up to so many members, everybody may mention everybody; in larger conversations it needs the role of a moderator.
pub const SMALL: i64 = 100;

/// The word for those who are present.
const HERE: &str = "here";
/// The words for everybody, here and in other systems.
const ROOM: [&str; 4] = ["room", "all", "everyone", "channel"];

/// Those whom a message is for.
#[derive(Clone, Debug, Default, PartialEq, Eq, NamesPeople)]
pub struct Mentions {
    /// The people whom its text names, by id.
    pub people: Vec<UserId>,
    /// The user groups that its text names, by id.
    pub groups: Vec<UserGroupId>,
    /// Whether it calls those who are present.
    pub here: bool,
    /// Whether it calls everybody.
    pub room: bool,
    /// The author of the message that it replies to, unless they reply to themselves.
    pub reply_to: Option<UserId>,
}

impl Mentions {
    /// Whether it is for nobody in particular.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether it is for a person, who belongs to these user groups.
    #[must_use]
    pub fn are_for(&self, user: UserId, groups: &[UserGroupId]) -> bool {
        self.here
            || self.room
            || self.reply_to == Some(user)
            || self.people.contains(&user)
            || self.groups.iter().any(|group| groups.contains(group))
    }
}

/// The names that a text calls, in the form in which they are compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Called {
    /// Usernames and names of user groups, each once, in the order of the text.
    pub names: Vec<String>,
    /// Whether `@here` stands in it.
    pub here: bool,
    /// Whether `@room` stands in it.
    pub room: bool,
}

impl Called {
    /// The names that stand in a text. What stands in code or in a link calls nobody.
    #[must_use]
    pub fn of_text(text: &str) -> Self {
        if !text::may_mention(text) {
            return Self::default();
        }
        let names = text::mentioned(text);
        Self::of_names(names.iter().map(String::as_str))
    }

    /// The same of names that were found already.
    #[must_use]
    pub fn of_names<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut called = Self::default();
        for name in names {
            match name {
                HERE => called.here = true,
                name if ROOM.contains(&name) => called.room = true,
                name if called.names.len() < NAMES && !called.names.iter().any(|known| known == name) => {
                    called.names.push(name.to_owned());
                }
                _ => {}
            }
        }
        called
    }

    /// Whether nobody is called.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty() && !self.calls_everybody()
    }

    /// Whether it calls everybody, or all who are present.
    #[must_use]
    pub fn calls_everybody(&self) -> bool {
        self.here || self.room
    }
}

/// How many people a sender has agreed to reach.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, NamesPeople)]
pub enum Reach {
    /// Their endpoint does not ask. What would need to be confirmed stays plain text.
    #[default]
    Unasked,
    /// So many. If the message reaches more, and more than need no confirmation, it is refused.
    Agreed(i64),
}

/// How many people a text would reach if it were sent now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, NamesPeople)]
pub struct Reached {
    /// How many people, the sender left out.
    pub people: i64,
    /// Whether the sender must confirm that they want to reach so many.
    pub must_confirm: bool,
    /// Whether the sender may call everybody here.
    pub may_call_everybody: bool,
}

/// The people whom the names in a text mean in its conversation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resolved {
    /// The members with these names, by id.
    pub people: Vec<UserId>,
    /// The user groups with these names, by id, each with how many members of the conversation belong to it.
    pub groups: Vec<(UserGroupId, i64)>,
}

impl Resolved {
    /// How many people would be reached by somebody with these rights, and whether they must confirm it.
    #[must_use]
    pub fn reached(&self, called: &Called, rights: &Rights, unconfirmed: i64, now: Millis) -> Reached {
        let others = rights.members.saturating_sub(1).max(0);
        let may_call_everybody = rights.decide(Ability::MentionEverybody, now).may;
        let everybody = called.calls_everybody() && may_call_everybody;
        let named = self.groups.iter().map(|(_, size)| *size).sum::<i64>();
        let named = named.saturating_add(i64::try_from(self.people.len()).unwrap_or(i64::MAX)).min(others);
        let people = if everybody { others } else { named };
        let must_confirm = (everybody || !self.groups.is_empty()) && people > unconfirmed;
        Reached { people, must_confirm, may_call_everybody }
    }

    /// Those whom the text is for, if it is sent by somebody with these rights. Without the ability, a word for
    /// everybody stays plain text.
    ///
    /// # Errors
    /// `confirmation_needed` if it reaches more people than the sender has agreed to.
    pub fn mentions(
        self,
        called: &Called,
        rights: &Rights,
        reach: Reach,
        unconfirmed: i64,
        now: Millis,
    ) -> Result<Mentions> {
        let Reached { people, must_confirm, may_call_everybody } = self.reached(called, rights, unconfirmed, now);
        let mut mentions = Mentions {
            people: self.people,
            groups: self.groups.into_iter().map(|(group, _)| group).collect(),
            here: called.here && may_call_everybody,
            room: called.room && may_call_everybody,
            reply_to: None,
        };
        match reach {
            Reach::Unasked if must_confirm => {
                (mentions.here, mentions.room) = (false, false);
                mentions.groups.clear();
            }
            Reach::Agreed(agreed) if must_confirm && agreed < people => return Err(confirmation_needed(people)),
            Reach::Unasked | Reach::Agreed(_) => {}
        }
        Ok(mentions)
    }
}

fn confirmation_needed(people: i64) -> Error {
    let detail = format!("This reaches {people} people. To confirm it, send it again with a reach of {people}.");
    Error { field: Some("/reach".into()), ..Error::new(ErrorCode::ConfirmationNeeded, detail) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        accounts::ServerRole,
        conversations::{Kind, Visibility},
        members::Role,
        policies::Policy,
    };

    fn rights(members: i64, role: Role) -> Rights {
        let (visibility, server_role) = (Visibility::Private, ServerRole::User);
        Rights { kind: Kind::Room, visibility, members, role, server_role, policy: Policy::default(), grants: vec![] }
    }

    #[test]
    fn reaching_many_must_be_confirmed_with_as_many_as_it_is() {
        let called = Called::of_text("@room");
        let send = |members, reach| {
            Resolved::default().mentions(&called, &rights(members, Role::Member), reach, 20, Millis(0))
        };
        assert!(send(21, Reach::Agreed(0)).is_ok_and(|mentions| mentions.room), "twenty need no confirmation");
        let refusal = send(22, Reach::Agreed(20)).expect_err("twenty-one need one");
        assert_eq!((refusal.code, refusal.field.as_deref()), (ErrorCode::ConfirmationNeeded, Some("/reach")));
        assert!(refusal.detail.contains("21 people"), "{}", refusal.detail);
        assert!(send(22, Reach::Agreed(21)).is_ok_and(|mentions| mentions.room));
        assert_eq!(send(22, Reach::Unasked), Ok(Mentions::default()), "who cannot be asked reaches nobody");
    }

    #[test]
    fn without_the_ability_a_word_for_everybody_is_plain_text() {
        let called = Called::of_text("@here @room");
        let send =
            |role| Resolved::default().mentions(&called, &rights(SMALL + 1, role), Reach::Agreed(0), 20, Millis(0));
        assert_eq!(send(Role::Member), Ok(Mentions::default()), "nothing to confirm either");
        assert!(send(Role::Moderator).is_err());
    }

    #[test]
    fn user_groups_count_and_people_alone_need_no_confirmation() {
        let called = Called::of_text("@team");
        let many = |groups: Vec<(UserGroupId, i64)>, people: i64| Resolved {
            people: (1..=people).map(UserId).collect(),
            groups,
        };
        let reached = |resolved: &Resolved| resolved.reached(&called, &rights(60, Role::Member), 20, Millis(0));
        assert!(!reached(&many(vec![(UserGroupId(1), 20)], 0)).must_confirm);
        assert!(reached(&many(vec![(UserGroupId(1), 20)], 1)).must_confirm);
        assert_eq!(reached(&many(vec![(UserGroupId(1), 400)], 1)).people, 59, "no more than there are");
        assert!(!reached(&many(vec![], 50)).must_confirm, "each was named");
    }

    #[test]
    fn names_are_found_once_and_words_for_everybody_are_no_names() {
        let called = Called::of_text("@Ann, @bob and @ANN: @here! `@carol` https://x.org/@dan");
        assert_eq!(called, Called { names: vec!["ann".into(), "bob".into()], here: true, room: false });
        for word in ["@room", "@All", "@everyone", "@channel", "\u{ff20}room"] {
            assert!(Called::of_text(word).room, "{word}");
        }
        assert!(Called::of_text("mail ann@example.org").is_empty());
        assert!(Called::of_text("nobody").is_empty());
    }

    #[test]
    fn fifty_names_are_looked_up_and_no_more() {
        let text = |most: usize| (0..most).map(|n| format!("@n{n} ")).collect::<String>();
        assert_eq!(Called::of_text(&text(NAMES)).names.len(), NAMES);
        let called = Called::of_text(&format!("{}@room", text(NAMES + 1)));
        assert_eq!((called.names.len(), called.room), (NAMES, true));
        assert_eq!(called.names.last().map(String::as_str), Some("n49"));
    }
}
