//! Accounts: who a person is on this server, and what they tell about themselves.

use crate::{Millis, Number, SessionId, UserId};

/// What an account may do on the server as a whole. In a conversation, [`crate::members::Role`] decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ServerRole {
    /// Sees only the conversations it was brought into.
    Guest,
    /// An ordinary person or program.
    User,
    /// May delete messages and remove members in public rooms.
    Moderator,
    /// May do everything that is not somebody's private conversation.
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

/// What a person tells about themselves. Fields of HyperChat (names, birth date, profession, city)
/// and of Veza (display name, language, time zone, status message).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// The name shown to others; the username where it is absent.
    pub display_name: Option<String>,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// Date of birth as `YYYY-MM-DD`.
    pub birth_date: Option<String>,
    /// What the person does.
    pub profession: Option<String>,
    /// Where the person lives.
    pub city: Option<String>,
    /// Preferred language, a BCP 47 tag such as `fr` or `en-GB`.
    pub language: Option<String>,
    /// IANA time zone, such as `Europe/Paris`.
    pub time_zone: Option<String>,
    /// A line that the person shows to others.
    pub status_message: Option<String>,
}

/// A change of a profile: absent fields stay, `Some(None)` clears.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its id.
    pub id: UserId,
    /// Its unique name: 3 to 50 of `a-z A-Z 0-9 _ -`; compared without case; never changes.
    pub username: String,
    /// Its mail address, unique if present.
    pub email: Option<String>,
    /// What it may do on the server.
    pub role: ServerRole,
    /// False while an administrator has deactivated it.
    pub active: bool,
    /// What it tells about itself.
    pub profile: Profile,
    /// The number, in the account, of the last change of what it tells: of two readings the one with the greater is
    /// newer.
    pub rev: Number,
    /// When it was made.
    pub created_at: Millis,
    /// When its last connection ended, if that is known and it may be told.
    pub last_seen_at: Option<Millis>,
}

impl Account {
    /// What a person is called where there is room for one name: the display name; else first and last name; else
    /// the username.
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

/// Who gives a command: had by checking a credential, and by nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Speaker {
    /// The account.
    pub user: UserId,
    /// Its name, so that events can carry it.
    pub username: String,
    /// What it is called: see [`Account::shown_name`].
    pub shown_name: String,
    /// What it may do on the server.
    pub role: ServerRole,
    /// The log-in, absent for tokens of a host application.
    pub session: Option<SessionId>,
}

/// What is needed to open an account.
#[derive(Clone, PartialEq, Eq)]
pub struct Registration {
    /// See [`Account::username`].
    pub username: String,
    /// 8 to 256 characters.
    pub password: String,
    /// See [`Account::email`].
    pub email: Option<String>,
    /// What the account tells about itself from the start.
    pub profile: ProfileChange,
    /// The one-time secret that makes the first administrator.
    pub setup_secret: Option<String>,
}
