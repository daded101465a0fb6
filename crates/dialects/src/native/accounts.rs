//! People and their accounts: what may be asked of them, and how they are shown.

use chat::{
    Error, Number, Query, UserId,
    accounts::{self, ProfileChange, Registration},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    fields::{self, Integer, Text},
    pages::{id_cursor, page_limit},
};
use crate::{input::nullable, time::Time};

macro_rules! with_profile {
    ($(#[$doc:meta])* struct $name:ident { $($extra:tt)* }) => {
        $(#[$doc])*
        #[derive(Deserialize, ToSchema)]
        #[serde(deny_unknown_fields)]
        pub(super) struct $name {
            $($extra)*
            /// The name shown to others.
            #[serde(default, deserialize_with = "nullable")]
            #[schema(value_type = Option<Text>)]
            display_name: Option<Option<Text>>,
            /// Given name.
            #[serde(default, deserialize_with = "nullable")]
            #[schema(value_type = Option<Text>)]
            first_name: Option<Option<Text>>,
            /// Family name.
            #[serde(default, deserialize_with = "nullable")]
            #[schema(value_type = Option<Text>)]
            last_name: Option<Option<Text>>,
            /// Date of birth, `YYYY-MM-DD`.
            #[serde(default, deserialize_with = "nullable")]
            #[schema(value_type = Option<Text>)]
            birth_date: Option<Option<Text>>,
            /// The profession of the person.
            #[serde(default, deserialize_with = "nullable")]
            #[schema(value_type = Option<Text>)]
            profession: Option<Option<Text>>,
            /// The city of the person.
            #[serde(default, deserialize_with = "nullable")]
            #[schema(value_type = Option<Text>)]
            city: Option<Option<Text>>,
            /// Preferred language, a BCP 47 tag.
            #[serde(default, deserialize_with = "nullable")]
            #[schema(value_type = Option<Text>)]
            language: Option<Option<Text>>,
            /// IANA time zone.
            #[serde(default, deserialize_with = "nullable")]
            #[schema(value_type = Option<Text>)]
            time_zone: Option<Option<Text>>,
            /// A line that the person shows to others.
            #[serde(default, deserialize_with = "nullable")]
            #[schema(value_type = Option<Text>)]
            status_message: Option<Option<Text>>,
        }

        impl $name {
            /// Takes the profile's fields out.
            fn profile(&mut self) -> ProfileChange {
                let take = |field: &mut Option<Option<Text>>| field.take().map(|value| value.map(|text| text.0));
                ProfileChange {
                    display_name: take(&mut self.display_name),
                    first_name: take(&mut self.first_name),
                    last_name: take(&mut self.last_name),
                    birth_date: take(&mut self.birth_date),
                    profession: take(&mut self.profession),
                    city: take(&mut self.city),
                    language: take(&mut self.language),
                    time_zone: take(&mut self.time_zone),
                    status_message: take(&mut self.status_message),
                }
            }
        }
    };
}

with_profile! {
    /// The fields that open an account.
    struct Register {
        /// 3 to 50 of `a-z A-Z 0-9 _ -`; never changes.
        username: Text,
        /// 8 to 256 characters.
        password: Text,
        /// An email address to log in with; others may name it as well.
        email: Option<Text>,
        /// The one-time secret that makes the first administrator.
        setup_secret: Option<Text>,
    }
}

with_profile! {
    /// The changes to the profile.
    struct UpdateAccount {}
}

impl From<Register> for Registration {
    fn from(mut register: Register) -> Self {
        let profile = register.profile();
        Self {
            username: register.username.0,
            password: register.password.0,
            email: register.email.map(|email| email.0),
            profile,
            setup_secret: register.setup_secret.map(|secret| secret.0),
        }
    }
}

impl From<UpdateAccount> for ProfileChange {
    fn from(mut update: UpdateAccount) -> Self {
        update.profile()
    }
}

/// The old and the new password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ChangePassword {
    /// The present password.
    pub(super) current: Text,
    /// The new one, 8 to 256 characters.
    pub(super) new: Text,
}

/// The present password and the new email address.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ChangeEmail {
    /// The present password.
    pub(super) current: Text,
    /// The new address; null for none. Nothing tells whether other accounts name it as well.
    pub(super) email: Option<Text>,
}

/// A person.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OfUser {
    /// Whom.
    pub(super) user: Integer,
}

/// People by the beginning of their name and which page of them, or by their ids.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FindUsers {
    /// Those of these ids, and nobody else; without `prefix`, `cursor` and `limit`.
    pub(super) users: Option<Vec<Integer>>,
    /// The `rev` that is known of each of `users`, in the same order; 0 if none is. Who has it still is left out.
    pub(super) revs: Option<Vec<Integer>>,
    /// The words to look for: each begins a word of one of the names. All if absent.
    pub(super) prefix: Option<Text>,
    /// The previous page's `next_cursor`.
    pub(super) cursor: Option<Text>,
    /// How many; 50 if absent.
    pub(super) limit: Option<Integer>,
}

impl FindUsers {
    pub(super) fn query(self) -> Result<Query, Error> {
        let Some(users) = self.users else {
            if self.revs.is_some() {
                return Err(Error::invalid("users", "users is missing: revs says what is known of them."));
            }
            return Ok(Query::Users {
                prefix: self.prefix.map(|prefix| prefix.0).unwrap_or_default(),
                after: id_cursor(self.cursor)?,
                limit: page_limit(self.limit)?,
            });
        };
        let others =
            [("prefix", self.prefix.is_some()), ("cursor", self.cursor.is_some()), ("limit", self.limit.is_some())];
        if let Some((other, _)) = others.iter().find(|(_, given)| *given) {
            return Err(Error::invalid(other, format!("{other} does not go with users.")));
        }
        let revs = self.revs.unwrap_or_default();
        Ok(Query::UsersById {
            users: users.iter().map(|id| UserId(id.0)).collect(),
            revs: revs.iter().map(|rev| Number(rev.0)).collect(),
        })
    }
}

/// A search for accounts, and the page of its results.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FindAccounts {
    /// The words to look for: each begins a word of one of the names, or it is the beginning of the email
    /// address. All if absent.
    pub(super) search: Option<Text>,
    /// The previous page's `next_cursor`.
    pub(super) cursor: Option<Text>,
    /// How many; 50 if absent.
    pub(super) limit: Option<Integer>,
}

/// An account and its role.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SetServerRole {
    /// Whom.
    pub(super) user: Integer,
    /// The new role.
    pub(super) role: fields::ServerRole,
}

/// An account, and whether it may be used.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SetActive {
    /// Whom.
    pub(super) user: Integer,
    /// False deactivates it.
    pub(super) active: bool,
}

/// A person, as short as can be.
#[derive(Serialize, ToSchema)]
pub struct Person<'a> {
    /// The account's id.
    id: i64,
    /// Its name.
    username: &'a str,
}

impl<'a> Person<'a> {
    /// The person of this id and name.
    #[must_use]
    pub fn new(user: UserId, username: &'a str) -> Self {
        Self { id: user.0, username }
    }
}

/// The public profile of a person.
#[derive(Serialize, ToSchema)]
pub struct User<'a> {
    /// The account's id.
    id: i64,
    /// Its unique name.
    username: &'a str,
    /// The name shown to others.
    display_name: Option<&'a str>,
    /// Given name.
    first_name: Option<&'a str>,
    /// Family name.
    last_name: Option<&'a str>,
    /// The profession of the person.
    profession: Option<&'a str>,
    /// The city of the person.
    city: Option<&'a str>,
    /// Preferred language, a BCP 47 tag.
    language: Option<&'a str>,
    /// IANA time zone.
    time_zone: Option<&'a str>,
    /// A line that the person shows to others.
    status_message: Option<&'a str>,
    /// The id of their picture, whose bytes are at `/v1/pictures/{id}`; `null` if they have none.
    avatar: Option<String>,
    /// The number of the last change of all this: of two readings, the one with the greater is newer.
    rev: i64,
}

impl<'a> From<&'a accounts::Account> for User<'a> {
    fn from(account: &'a accounts::Account) -> Self {
        let profile = &account.profile;
        Self {
            id: account.id.0,
            username: &account.username,
            display_name: profile.display_name.as_deref(),
            first_name: profile.first_name.as_deref(),
            last_name: profile.last_name.as_deref(),
            profession: profile.profession.as_deref(),
            city: profile.city.as_deref(),
            language: profile.language.as_deref(),
            time_zone: profile.time_zone.as_deref(),
            status_message: profile.status_message.as_deref(),
            avatar: account.avatar.map(|picture| picture.to_string()),
            rev: account.rev.0,
        }
    }
}

/// A page of people.
#[derive(Serialize, ToSchema)]
pub struct Users<'a> {
    /// The people.
    pub(crate) users: Vec<User<'a>>,
    /// Present if there are more: give it as `cursor`.
    pub(crate) next_cursor: Option<String>,
}

/// An account as its owner and administrators see it.
#[derive(Serialize, ToSchema)]
pub struct Account<'a> {
    #[serde(flatten)]
    user: User<'a>,
    /// The role of the account on the server.
    #[schema(value_type = fields::ServerRole)]
    role: &'static str,
    /// Its email address.
    email: Option<&'a str>,
    /// Date of birth, `YYYY-MM-DD`.
    birth_date: Option<&'a str>,
    /// False while an administrator has deactivated it.
    active: bool,
    /// When it was made.
    #[schema(value_type = fields::Moment)]
    created_at: Time,
    /// When its last connection ended.
    #[schema(value_type = Option<fields::Moment>)]
    last_seen_at: Option<Time>,
}

impl<'a> From<&'a accounts::Account> for Account<'a> {
    fn from(account: &'a accounts::Account) -> Self {
        Self {
            user: User::from(account),
            role: account.role.name(),
            email: account.email.as_deref(),
            birth_date: account.profile.birth_date.as_deref(),
            active: account.active,
            created_at: Time(account.created_at),
            last_seen_at: account.last_seen_at.map(Time),
        }
    }
}

/// A page of accounts.
#[derive(Serialize, ToSchema)]
pub struct Accounts<'a> {
    /// The accounts.
    pub(crate) accounts: Vec<Account<'a>>,
    /// Present if there are more: give it as `cursor`.
    pub(crate) next_cursor: Option<String>,
}
