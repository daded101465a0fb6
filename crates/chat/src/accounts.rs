//! Accounts: a person's identity on this server, and their profile.

use crate::{FileId, Millis, Number, SessionId, UserId, people::NamesPeople};

/// An account's role on the server as a whole. In a conversation, [`crate::members::Role`] decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, NamesPeople)]
pub enum ServerRole {
    /// Sees only the conversations it was brought into.
    Guest,
    /// An ordinary person or program.
    User,
    /// May delete messages and remove members in public rooms.
    Moderator,
    /// May do everything except in other people's private conversations.
    Admin,
}

impl ServerRole {
    /// All roles, lowest first.
    pub const ALL: [Self; 4] = [Self::Guest, Self::User, Self::Moderator, Self::Admin];

    /// The role's name on the wire and in the database.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Guest => "guest",
            Self::User => "user",
            Self::Moderator => "moderator",
            Self::Admin => "admin",
        }
    }

    /// The role of this name, if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

/// A person's profile. The fields are those of HyperChat (names, birth date, profession, city) and of Veza (display
/// name, language, time zone, status message).
#[derive(Clone, Debug, Default, PartialEq, Eq, NamesPeople)]
pub struct Profile {
    /// The name shown to others; if absent, see [`Account::shown_name`].
    pub display_name: Option<String>,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// Date of birth as `YYYY-MM-DD`.
    pub birth_date: Option<String>,
    /// The person's occupation.
    pub profession: Option<String>,
    /// The city that the person lives in.
    pub city: Option<String>,
    /// Preferred language, a BCP 47 tag such as `fr` or `en-GB`.
    pub language: Option<String>,
    /// IANA time zone, such as `Europe/Paris`.
    pub time_zone: Option<String>,
    /// A short text for others.
    pub status_message: Option<String>,
}

/// A change of a profile: absent fields stay, `Some(None)` clears.
#[derive(Clone, Debug, Default, PartialEq, Eq, NamesPeople)]
pub struct ProfileChange {
    /// See [`Profile::display_name`].
    pub display_name: Option<Option<String>>,
    /// See [`Profile::first_name`].
    pub first_name: Option<Option<String>>,
    /// See [`Profile::last_name`].
    pub last_name: Option<Option<String>>,
    /// See [`Profile::birth_date`].
    pub birth_date: Option<Option<String>>,
    /// See [`Profile::profession`].
    pub profession: Option<Option<String>>,
    /// See [`Profile::city`].
    pub city: Option<Option<String>>,
    /// See [`Profile::language`].
    pub language: Option<Option<String>>,
    /// See [`Profile::time_zone`].
    pub time_zone: Option<Option<String>>,
    /// See [`Profile::status_message`].
    pub status_message: Option<Option<String>>,
}

/// An account as its owner and administrators see it.
#[derive(Clone, Debug, PartialEq, Eq, NamesPeople)]
pub struct Account {
    /// Its id.
    pub id: UserId,
    /// Its username, which is unique without regard to case and never changes: 3 to 50 of `a-z A-Z 0-9 _ -`.
    pub username: String,
    /// Its mail address, unique if present.
    pub email: Option<String>,
    /// Its role on the server.
    pub role: ServerRole,
    /// False while an administrator has deactivated it.
    pub active: bool,
    /// Its profile.
    pub profile: Profile,
    /// Its picture, if it has one.
    pub avatar: Option<FileId>,
    /// The number, in the account, of the last change of its profile or picture: of two readings, the one with the greater number
    /// is newer.
    pub rev: Number,
    /// When it was made.
    pub created_at: Millis,
    /// When its last connection ended, if that is known and may be shown.
    pub last_seen_at: Option<Millis>,
}

impl Account {
    /// The name to show where there is room for one: the display name; otherwise first and last name; otherwise the
    /// username.
    #[must_use]
    pub fn shown_name(&self) -> String {
        let given = |name: &Option<String>| name.as_deref().map(str::trim).unwrap_or_default().to_owned();
        let full = format!("{} {}", given(&self.profile.first_name), given(&self.profile.last_name));
        [given(&self.profile.display_name), full.trim().to_owned()]
            .into_iter()
            .find(|name| !name.is_empty())
            .unwrap_or_else(|| self.username.clone())
    }
}

/// The author of a command. It is made only by verifying a credential.
#[derive(Clone, Debug, PartialEq, Eq, NamesPeople)]
pub struct Speaker {
    /// The account.
    pub user: UserId,
    /// Its username, so that events can carry it.
    pub username: String,
    /// Its name as others see it: see [`Account::shown_name`].
    pub shown_name: String,
    /// Its role on the server.
    pub role: ServerRole,
    /// The session; absent for tokens of a host application.
    pub session: Option<SessionId>,
}

/// The input for opening an account.
#[derive(Clone, PartialEq, Eq)]
pub struct Registration {
    /// See [`Account::username`].
    pub username: String,
    /// 8 to 256 characters.
    pub password: String,
    /// See [`Account::email`].
    pub email: Option<String>,
    /// The profile at the beginning.
    pub profile: ProfileChange,
    /// The one-time secret for creating the first administrator.
    pub setup_secret: Option<String>,
}
