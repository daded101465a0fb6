//! Accounts: registration, profiles, and what administrators may change.

use std::collections::HashMap;

use chat::{
    AccountFact, Error, ErrorCode, Number, Reply, Result, UserId,
    accounts::{Account, Profile, ProfileChange, Registration, ServerRole},
    event::Revocation,
    names, permission,
    sessions::{Origin, Visited},
};

use store::Unit;

use crate::{
    Call, Engine,
    passwords::{self, Share, Visitor},
    sessions, text, tokens,
};

const USERNAME: std::ops::RangeInclusive<usize> = 3..=50;
/// The largest number of characters in a mail address.
const EMAIL_LENGTH: usize = 255;

pub(crate) async fn register(engine: &Engine, registration: Registration, origin: Origin) -> Result<Visited> {
    let inner = &engine.inner;
    let Registration { username, password, email, profile, setup_secret } = registration;
    check_username(&username)?;
    passwords::check("password", &password, &inner.about(&username, email.as_deref()))?;
    if let Some(email) = &email {
        check_email(email)?;
    }
    let profile = merged(Profile::default(), profile, inner.settings.limits.profile_length)?;
    check_right(engine, setup_secret.as_deref())?;
    let network = origin.network();
    inner.throttle.register(network, engine.moment())?;
    let visitor = Visitor { share: Share::Network(network), account: None };
    let hash = hashed(engine, visitor, password, email.as_deref()).await?;
    let right = if setup_secret.is_some() { Right::SetupSecret } else { Right::Registration };
    let account = create(engine, Opening { username, email, hash, right, profile }).await;
    if right == Right::SetupSecret && matches!(&account, Ok(_) | Err(Error { code: ErrorCode::Forbidden, .. })) {
        // The secret has been used, by this account or by another.
        *inner.setup_secret.lock().map_err(|_| Error::internal())? = None;
    }
    let begun = sessions::begin(engine, account?.id, origin, None, inner.settings.asks_further.clone()).await?;
    begun.ok_or_else(|| Error::forbidden("The account was deactivated at once."))
}

/// Hashes a password. Accounts with the same mail address share the salt of the first: then logging in with the address
/// takes one hash, however many accounts it has, and its duration does not reveal whether there are others.
pub(crate) async fn hashed(engine: &Engine, visitor: Visitor, password: String, email: Option<&str>) -> Result<String> {
    let mut salt = None;
    if let Some(email) = email {
        let others = store::accounts::passwords(&mut *engine.inner.db.read().await?, email).await?;
        let ours = others.iter().find(|(_, hash)| passwords::is_ours(hash));
        salt = ours.map(|(_, hash)| passwords::salt_of(hash)).transpose()?.flatten();
    }
    engine.inner.hasher.turn(visitor).await?.hash(password, salt).await
}

/// The right by which an account is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Right {
    /// Registration is open to everybody.
    Registration,
    /// The one-time secret for creating the first administrator.
    SetupSecret,
    /// The operator creates it with a role.
    Operator(ServerRole),
}

/// The checked input for opening an account.
pub(crate) struct Opening {
    pub username: String,
    pub email: Option<String>,
    pub hash: String,
    pub right: Right,
    pub profile: Profile,
}

/// Stores a checked account.
pub(crate) async fn create(engine: &Engine, opening: Opening) -> Result<Account> {
    engine.inner.writer.change(&[], None, move |unit| Box::pin(store_new(unit, opening))).await
}

async fn store_new(unit: &mut Unit, opening: Opening) -> Result<Account> {
    let Opening { username, email, hash, right, profile } = opening;
    // Accounts are created one after the other, even on several nodes.
    unit.conn.before_making("user").await?;
    let role = match right {
        Right::Registration => ServerRole::User,
        Right::Operator(role) => role,
        // Several registrations may have come with the secret at once: the first of them uses it up.
        Right::SetupSecret if store::accounts::admins(&mut unit.conn).await? == 0 => ServerRole::Admin,
        Right::SetupSecret => return Err(used_up()),
    };
    if store::accounts::by_name(&mut unit.conn, &username).await?.is_some() {
        return Err(taken("username", "This username is taken."));
    }
    if store::user_groups::by_name(&mut unit.conn, &username).await?.is_some() {
        return Err(taken("username", "A user group has this name."));
    }
    if store::accounts::is_look_alike(&mut unit.conn, &username).await? {
        return Err(taken("username", "Somebody has a username that looks like this one. Choose another."));
    }
    let new = store::accounts::NewAccount {
        id: None,
        username: &username,
        email: email.as_deref(),
        password_hash: Some(&hash),
        role,
        profile: &profile,
    };
    let id = store::accounts::create(&mut unit.conn, &new, unit.now).await?;
    store::accounts::by_id(&mut unit.conn, id).await?.ok_or_else(Error::internal)
}

/// Refuses a registration without the right to it.
fn check_right(engine: &Engine, setup_secret: Option<&str>) -> Result<()> {
    let Some(given) = setup_secret else {
        if engine.inner.settings.open_registration {
            return Ok(());
        }
        return Err(Error::forbidden("Registration is closed on this server."));
    };
    let expected = engine.inner.setup_secret.lock().map_err(|_| Error::internal())?.clone();
    match expected {
        Some(expected) if tokens::same_secret(given, &expected) => Ok(()),
        _ => Err(used_up()),
    }
}

fn used_up() -> Error {
    Error { field: Some("/setup_secret".into()), ..Error::forbidden("The setup secret is wrong, or was used already.") }
}

fn taken(field: &str, detail: &str) -> Error {
    Error { field: Some(format!("/{field}")), ..Error::new(ErrorCode::Conflict, detail) }
}

/// Words that call everybody of a place, here or in other systems, and so are nobody's name.
const CALLING: &[&str] = &["here", "all", "room", "everyone", "channel"];

/// Refuses a name that calls many.
pub(crate) fn check_calling(field: &str, name: &str) -> Result<()> {
    if CALLING.iter().any(|calling| names::compared(calling) == names::compared(name)) {
        return Err(Error::invalid(field, format!("{field} must not be {name}: @{name} calls many.")));
    }
    Ok(())
}

pub(crate) fn check_username(username: &str) -> Result<()> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    check_calling("username", username)?;
    if USERNAME.contains(&username.chars().count()) && username.chars().all(allowed) {
        return Ok(());
    }
    Err(Error::invalid("username", "username must have 3 to 50 characters of a-z, A-Z, 0-9, _ and -."))
}

pub(crate) fn check_email(email: &str) -> Result<()> {
    let plausible = email.chars().count() <= EMAIL_LENGTH
        && !email.contains(|c: char| c.is_whitespace() || c.is_control() || names::is_hidden(c))
        && email.split_once('@').is_some_and(|(local, host)| {
            !local.is_empty()
                && host.contains('.')
                && !host.starts_with('.')
                && !host.ends_with('.')
                && !host.contains('@')
        });
    if plausible {
        Ok(())
    } else {
        Err(Error::invalid("email", "email must be an email address such as ann@example.org."))
    }
}

/// Applies a checked change to a profile.
fn merged(mut profile: Profile, change: ProfileChange, most: i64) -> Result<Profile> {
    let put = |slot: &mut Option<String>, field: &str, value: Option<Option<String>>| -> Result<()> {
        if let Some(value) = value {
            *slot = value.map(|text| text::name(field, &text, most)).transpose()?;
        }
        Ok(())
    };
    if let Some(Some(date)) = &change.birth_date
        && !is_date(date)
    {
        return Err(Error::invalid("birth_date", "birth_date must be a date such as 1990-12-31."));
    }
    put(&mut profile.display_name, "display_name", change.display_name)?;
    put(&mut profile.first_name, "first_name", change.first_name)?;
    put(&mut profile.last_name, "last_name", change.last_name)?;
    put(&mut profile.birth_date, "birth_date", change.birth_date)?;
    put(&mut profile.profession, "profession", change.profession)?;
    put(&mut profile.city, "city", change.city)?;
    put(&mut profile.language, "language", change.language)?;
    put(&mut profile.time_zone, "time_zone", change.time_zone)?;
    put(&mut profile.status_message, "status_message", change.status_message)?;
    Ok(profile)
}

/// Whether a text is a day of the calendar, written `YYYY-MM-DD`.
fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let [year, month, day] = parts.as_slice() else { return false };
    let number = |part: &str, digits: usize| {
        (part.len() == digits && part.bytes().all(|b| b.is_ascii_digit())).then(|| part.parse::<u32>().unwrap_or(0))
    };
    let (Some(year), Some(month), Some(day)) = (number(year, 4), number(month, 2), number(day, 2)) else {
        return false;
    };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return false,
    };
    year >= 1 && (1..=last).contains(&day)
}

impl Call {
    pub(crate) async fn me(&self) -> Result<Reply> {
        Ok(Reply::Account(Box::new(self.account(self.speaker.user).await?)))
    }

    async fn account(&self, user: UserId) -> Result<Account> {
        store::accounts::by_id(&mut *self.db.read().await?, user).await?.ok_or_else(|| Error::not_found("user"))
    }

    /// A user's public profile. Guests see only people with whom they share a conversation.
    pub(crate) async fn user(&self, user: UserId) -> Result<Reply> {
        let account = self.account(user).await?;
        if !permission::may_roam(self.speaker.role)
            && user != self.speaker.user
            && !store::members::share(&mut *self.db.read().await?, self.speaker.user, user).await?
        {
            return Err(Error::not_found("user"));
        }
        if permission::may_administer(self.speaker.role) {
            return Ok(Reply::Account(Box::new(account)));
        }
        Ok(Reply::User(Box::new(account)))
    }

    pub(crate) async fn user_by_name(&self, name: &str) -> Result<Reply> {
        let found = store::accounts::by_name(&mut *self.db.read().await?, name).await?;
        self.user(found.ok_or_else(|| Error::not_found("user"))?.id).await
    }

    pub(crate) async fn users(&self, prefix: &str, after: Option<UserId>, limit: i64) -> Result<Reply> {
        if !permission::may_roam(self.speaker.role) {
            return Err(Error::forbidden("Guests may not list people."));
        }
        text::check_optional("prefix", prefix, self.settings.limits.name_length)?;
        let limit = self.list_limit(limit);
        let (mut conn, after) = (self.db.read().await?, after.unwrap_or_default());
        let mut users = if prefix.is_empty() && permission::may_administer(self.speaker.role) {
            store::accounts::all(&mut conn, after, limit + 1).await?
        } else {
            store::accounts::page(&mut conn, prefix, after, limit + 1).await?
        };
        let next = crate::history::cut(&mut users, limit).map(|last| last.id);
        Ok(Reply::Users { users, next })
    }

    /// The public profiles of these people, deactivated accounts included, because their messages remain. Guests see
    /// only people with whom they share a conversation. Profiles that the client knows in their present state are left
    /// out.
    pub(crate) async fn users_by_id(&self, users: Vec<UserId>, revs: &[Number]) -> Result<Reply> {
        self.check_how_many(&users)?;
        if !revs.is_empty() && revs.len() != users.len() {
            return Err(Error::invalid("revs", "revs must have as many numbers as users has people."));
        }
        let known: HashMap<UserId, Number> = users.iter().copied().zip(revs.iter().copied()).collect();
        let mut conn = self.db.read().await?;
        let mut found = store::accounts::by_ids(&mut conn, &users).await?;
        found.retain(|account| known.get(&account.id) != Some(&account.rev));
        if !permission::may_roam(self.speaker.role) {
            let mut known = Vec::with_capacity(found.len());
            for account in found {
                let is_known = account.id == self.speaker.user
                    || store::members::share(&mut conn, self.speaker.user, account.id).await?;
                known.extend(is_known.then_some(account));
            }
            found = known;
        }
        found.sort_unstable_by_key(|account| account.id);
        Ok(Reply::Users { users: found, next: None })
    }

    pub(crate) fn check_how_many(&self, users: &[UserId]) -> Result<()> {
        let most = self.settings.limits.list_page;
        if i64::try_from(users.len()).is_ok_and(|asked| asked <= most) {
            return Ok(());
        }
        Err(Error::invalid("users", format!("users may name at most {most} people.")))
    }

    pub(crate) async fn accounts(&self, search: &str, after: Option<UserId>, limit: i64) -> Result<Reply> {
        if !permission::may_administer(self.speaker.role) {
            return Err(Error::forbidden("Only administrators may list accounts."));
        }
        text::check_optional("search", search, EMAIL_LENGTH as i64)?;
        let limit = self.list_limit(limit);
        let (mut conn, after) = (self.db.read().await?, after.unwrap_or_default());
        let mut accounts = if search.is_empty() {
            store::accounts::all(&mut conn, after, limit + 1).await?
        } else {
            store::accounts::search(&mut conn, search, after, limit + 1).await?
        };
        let next = crate::history::cut(&mut accounts, limit).map(|last| last.id);
        Ok(Reply::Accounts { accounts, next })
    }

    pub(crate) async fn update_profile(&self, change: ProfileChange) -> Result<Reply> {
        let user = self.speaker.user;
        let most = self.settings.limits.profile_length;
        let account = self
            .writer
            .change(&[user.into()], self.origin, move |unit| {
                Box::pin(async move {
                    let found = store::accounts::by_id(&mut unit.conn, user).await?;
                    let mut account = found.ok_or_else(|| Error::not_found("user"))?;
                    let profile = merged(account.profile.clone(), change, most)?;
                    if profile == account.profile {
                        return Ok(account);
                    }
                    account.profile = profile;
                    account.rev = unit.next_number_of(user).await?;
                    store::accounts::set_profile(&mut unit.conn, user, &account.profile, account.rev).await?;
                    let fact = AccountFact::ProfileChanged(Box::new(account.clone()));
                    unit.record_of(user, account.rev, fact).await?;
                    Ok(account)
                })
            })
            .await?;
        self.forget_people();
        Ok(Reply::Account(Box::new(account)))
    }

    pub(crate) async fn set_server_role(&self, user: UserId, role: ServerRole) -> Result<Reply> {
        self.require_admin(user, "role")?;
        set_role(&self.engine, Some(self.speaker.user), user, role).await?;
        Ok(Reply::Account(Box::new(self.account(user).await?)))
    }

    pub(crate) async fn set_active(&self, user: UserId, active: bool) -> Result<Reply> {
        self.require_admin(user, "active")?;
        let by = self.speaker.user;
        self.writer
            .change(&[], None, move |unit| {
                Box::pin(async move {
                    require_still_admin(unit, by).await?;
                    let account = store::accounts::by_id(&mut unit.conn, user).await?;
                    if account.ok_or_else(|| Error::not_found("user"))?.active == active {
                        return Ok(());
                    }
                    let now = unit.now;
                    store::accounts::set_deactivated(&mut unit.conn, user, (!active).then_some(now)).await?;
                    if !active {
                        store::sessions::end_others(&mut unit.conn, user, None, now).await?;
                        unit.revoke(Revocation::Deactivated(user));
                    }
                    Ok(())
                })
            })
            .await?;
        self.forget_people();
        Ok(Reply::Account(Box::new(self.account(user).await?)))
    }

    /// Administrators may change others; themselves only from the command line, so that one always remains.
    fn require_admin(&self, target: UserId, field: &str) -> Result<()> {
        if !permission::may_administer(self.speaker.role) {
            return Err(Error::forbidden("Only administrators may do this."));
        }
        if target == self.speaker.user {
            return Err(Error::invalid(field, "You cannot change your own account in this way."));
        }
        Ok(())
    }
}

/// Refuses unless the user is still an administrator: two may demote each other at the same moment, and then only the
/// first may succeed. Checked in the transaction, and together with the rule that nobody changes themselves, this
/// always leaves one.
async fn require_still_admin(unit: &mut Unit, user: UserId) -> Result<()> {
    // Roles are changed one after the other, even on several nodes.
    unit.conn.before_making("user").await?;
    let account = store::accounts::by_id(&mut unit.conn, user).await?;
    if account.is_some_and(|account| account.active && permission::may_administer(account.role)) {
        return Ok(());
    }
    Err(Error::forbidden("Only administrators may do this, and you are one no more."))
}

/// Gives an account another role, on behalf of an administrator or of the operator.
pub(crate) async fn set_role(engine: &Engine, by: Option<UserId>, user: UserId, role: ServerRole) -> Result<()> {
    engine
        .inner
        .writer
        .change(&[], None, move |unit| {
            Box::pin(async move {
                if let Some(by) = by {
                    require_still_admin(unit, by).await?;
                }
                let account = store::accounts::by_id(&mut unit.conn, user).await?;
                if account.ok_or_else(|| Error::not_found("user"))?.role == role {
                    return Ok(());
                }
                store::accounts::set_role(&mut unit.conn, user, role).await?;
                unit.revoke(Revocation::RoleChanged { user, role });
                Ok(())
            })
        })
        .await?;
    engine.inner.forget_people();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_days_of_the_calendar() {
        for good in ["2000-02-29", "1990-12-31", "0001-01-01"] {
            assert!(is_date(good), "{good}");
        }
        for bad in ["1900-02-29", "2001-13-01", "2001-04-31", "2001-4-3", "", "hello", "2001-01-01T00:00", "20010101"] {
            assert!(!is_date(bad), "{bad}");
        }
    }

    #[test]
    fn mail_addresses_are_plausible() {
        for good in ["ann@example.org", "a+b@mail.example.org"] {
            assert!(check_email(good).is_ok(), "{good}");
        }
        for bad in ["ann", "@example.org", "ann@", "ann@host", "a b@example.org", "a@b@example.org", "a@.org"] {
            assert!(check_email(bad).is_err(), "{bad}");
        }
    }
}
