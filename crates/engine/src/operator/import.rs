//! Bringing people from another system: accounts for those whom a host application vouches for, before they come, and
//! for those who log in here with the passwords that they had.
//!
//! A person is made once: whoever is in the file again is left as they are. Many are made in one transaction, each
//! checked before any of them is written, so that what is wrong with one costs the others nothing.

use std::{
    collections::{HashMap, HashSet},
    hash::{DefaultHasher, Hash, Hasher as _},
};

use chat::{
    AccountFact, Error, Result, Scope, UserId,
    accounts::{Account, Profile, ServerRole},
    identities::{Identity, is_subject},
};
use store::{
    Conn, Unit,
    accounts::NewAccount,
    identities::{Known, NewIdentity},
};

use crate::{
    Engine,
    accounts::{check_email, check_username},
    identities::{self, is_free},
    passwords, text,
    tokens::Called,
};

/// Somebody to be imported, as a file names them. Empty texts are absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Person {
    /// Who they are in the host application.
    pub external_id: Option<String>,
    /// The host application's name, if it is not the usual one.
    pub host: Option<String>,
    /// The name that they log in with.
    pub username: Option<String>,
    /// The name that is shown to others.
    pub display_name: Option<String>,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// Mail address.
    pub email: Option<String>,
    /// The hash of their password, as the other system has it.
    pub password_hash: Option<String>,
}

/// The outcome for one person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// They have an account now. In a trial it has no id, and perhaps no name yet.
    Made {
        /// The name that they log in with.
        username: Option<String>,
        /// Their id here.
        id: Option<UserId>,
    },
    /// They had an account, which is as it was.
    Here {
        /// The name that they log in with.
        username: String,
        /// Their id here; absent if they stand in the same file before.
        id: Option<UserId>,
    },
    /// There is no account for them, and why.
    Refused(String),
}

/// An import, from its first person to its last.
pub struct Import {
    /// The host application of those who name none.
    host: String,
    /// In a trial, those who would have an account by now.
    tried: Option<HashSet<u64>>,
}

/// Somebody of whom everything is as it may be.
struct Checked {
    identity: Option<Identity>,
    called: Called,
    email: Option<String>,
    hash: Option<String>,
    profile: Profile,
}

impl Import {
    /// An import of people of this host application, unless they name another. In a trial nothing is written.
    #[must_use]
    pub fn of(host: String, is_trial: bool) -> Self {
        Self { host, tried: is_trial.then(HashSet::new) }
    }

    /// Makes accounts for those who have none; what became of each. All of them are made, or none.
    ///
    /// # Errors
    /// The store's: then nothing was made.
    pub async fn bring(&mut self, engine: &Engine, people: Vec<Person>) -> Result<Vec<Outcome>> {
        let checked: Vec<_> = people.into_iter().map(|person| self.check(engine, person)).collect();
        match &mut self.tried {
            Some(tried) => try_out(engine, tried, checked).await,
            None => write(engine, checked).await,
        }
    }

    fn check(&self, engine: &Engine, person: Person) -> std::result::Result<Checked, String> {
        let most = engine.inner.settings.limits.profile_length;
        let identity = self.identity(engine, person.external_id, person.host)?;
        let words = |error: Error| error.detail;
        match (&identity, &person.username) {
            (None, None) => return Err("external_id or username is needed".to_owned()),
            (None, Some(username)) => check_username(username).map_err(words)?,
            // A name that is no username here is shown as it is.
            (Some(_), _) => {}
        }
        let name = |field, raw: Option<String>| raw.map(|raw| text::name(field, &raw, most)).transpose().map_err(words);
        let display_name = name("display_name", person.display_name)?;
        let profile = Profile {
            first_name: name("first_name", person.first_name)?,
            last_name: name("last_name", person.last_name)?,
            ..Profile::default()
        };
        person.email.as_deref().map_or(Ok(()), check_email).map_err(words)?;
        let hash = person.password_hash.map(|hash| passwords::importable(&hash)).transpose();
        Ok(Checked {
            identity,
            called: Called { username: person.username, name: display_name },
            email: person.email,
            hash: hash.map_err(|why| format!("password_hash {why}"))?.flatten(),
            profile,
        })
    }

    fn identity(
        &self,
        engine: &Engine,
        external_id: Option<String>,
        host: Option<String>,
    ) -> std::result::Result<Option<Identity>, String> {
        let Some(subject) = external_id else {
            return if host.is_some() { Err("external_id is needed with host".to_owned()) } else { Ok(None) };
        };
        let issuer = host.unwrap_or_else(|| self.host.clone());
        let hosts = &engine.inner.settings.hosts;
        if !hosts.iter().any(|host| host.name == issuer) {
            let names: Vec<&str> = hosts.iter().map(|host| &*host.name).collect();
            let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            return Err(format!("there is no host {issuer:?}; the configuration has {names}"));
        }
        if !is_subject(&subject) {
            return Err("external_id must have 1 to 255 characters, none of them a control character".to_owned());
        }
        Ok(Some(Identity { issuer, subject }))
    }
}

fn identities_of(people: &[std::result::Result<Checked, String>]) -> Vec<Identity> {
    people.iter().flatten().filter_map(|one| one.identity.clone()).collect()
}

/// The outcomes that an import would have.
async fn try_out(
    engine: &Engine,
    tried: &mut HashSet<u64>,
    people: Vec<std::result::Result<Checked, String>>,
) -> Result<Vec<Outcome>> {
    let mut conn = engine.inner.db.read().await?;
    let known = store::identities::by_subjects(&mut conn, &identities_of(&people)).await?;
    let mut outcomes = Vec::with_capacity(people.len());
    for one in people {
        let one = match one {
            Ok(one) => one,
            Err(why) => {
                outcomes.push(Outcome::Refused(why));
                continue;
            }
        };
        let wanted = one.called.username.clone();
        let account = match (&one.identity, &wanted) {
            (Some(identity), _) => {
                known.get(identity).filter(|known| !known.awaited).map(|known| known.account.clone())
            }
            (None, Some(username)) => store::accounts::by_name(&mut conn, username).await?,
            (None, None) => None,
        };
        let name = wanted.as_deref().map(chat::names::compared);
        let is_new = match &one.identity {
            Some(identity) => tried.insert(fingerprint(identity)),
            None => !name.as_ref().is_some_and(|name| tried.contains(&fingerprint(name))),
        };
        outcomes.push(match account {
            Some(account) => Outcome::Here { username: account.username, id: Some(account.id) },
            None if !is_new => Outcome::Here { username: wanted.unwrap_or_default(), id: None },
            None if one.identity.is_none() && looks_like_another(&mut conn, wanted.as_deref()).await? => {
                Outcome::Refused(LOOKS_LIKE_ANOTHER.to_owned())
            }
            None => {
                let username = match wanted {
                    Some(wanted) if is_free(&mut conn, &wanted).await? => {
                        name.filter(|name| tried.insert(fingerprint(name))).map(|_| wanted)
                    }
                    _ => None,
                };
                Outcome::Made { username, id: None }
            }
        });
    }
    Ok(outcomes)
}

const LOOKS_LIKE_ANOTHER: &str = "username looks like that of another account";

async fn looks_like_another(conn: &mut Conn, name: Option<&str>) -> Result<bool> {
    match name {
        Some(name) => Ok(store::accounts::is_look_alike(conn, name).await?),
        None => Ok(false),
    }
}

fn fingerprint(of: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}

/// Makes the accounts.
async fn write(engine: &Engine, people: Vec<std::result::Result<Checked, String>>) -> Result<Vec<Outcome>> {
    let name_length = engine.inner.settings.limits.profile_length;
    let identities = identities_of(&people);
    let known = store::identities::by_subjects(&mut *engine.inner.db.read().await?, &identities).await?;
    // Those whom others have named before: their accounts change, and are locked for it.
    let awaited: Vec<UserId> = known.values().filter(|known| known.awaited).map(|known| known.account.id).collect();
    let scopes: Vec<Scope> = awaited.iter().copied().map(Scope::from).collect();
    let change = engine.inner.writer.change(&scopes, None, move |unit| {
        Box::pin(async move {
            unit.conn.before_making("user").await?;
            let mut known = store::identities::by_subjects(&mut unit.conn, &identities).await?;
            let mut outcomes = Vec::with_capacity(people.len());
            for one in people {
                outcomes.push(match one {
                    Err(why) => Outcome::Refused(why),
                    Ok(one) => bring_one(unit, one, &mut known, &awaited, name_length).await?,
                });
            }
            Ok(outcomes)
        })
    });
    change.await
}

async fn bring_one(
    unit: &mut Unit,
    one: Checked,
    known: &mut HashMap<Identity, Known>,
    awaited: &[UserId],
    name_length: i64,
) -> Result<Outcome> {
    let Some(identity) = one.identity.clone() else {
        let username = one.called.username.clone().unwrap_or_default();
        return match store::accounts::by_name(&mut unit.conn, &username).await? {
            Some(account) => Ok(Outcome::Here { username: account.username, id: Some(account.id) }),
            None if store::accounts::is_look_alike(&mut unit.conn, &username).await? => {
                Ok(Outcome::Refused(LOOKS_LIKE_ANOTHER.to_owned()))
            }
            None => Ok(made(&make(unit, one, name_length).await?)),
        };
    };
    let outcome = match known.get(&identity) {
        Some(found) if found.awaited && awaited.contains(&found.account.id) => {
            made(&fill(unit, one, found.account.clone(), name_length).await?)
        }
        Some(found) => {
            let (username, id) = (found.account.username.clone(), Some(found.account.id));
            return Ok(Outcome::Here { username, id });
        }
        None => made(&make(unit, one, name_length).await?),
    };
    // The same person may stand in the file again.
    let now = store::identities::by_subjects(&mut unit.conn, std::slice::from_ref(&identity)).await?;
    known.extend(now);
    Ok(outcome)
}

fn made(account: &Account) -> Outcome {
    Outcome::Made { username: Some(account.username.clone()), id: Some(account.id) }
}

/// Makes the account of somebody who has none.
async fn make(unit: &mut Unit, one: Checked, name_length: i64) -> Result<Account> {
    let id = store::accounts::next_id(&mut unit.conn).await?;
    let username = identities::username(unit, one.called.username.as_deref(), id).await?;
    let display_name = identities::display_name(&one.called, name_length);
    let new = NewAccount {
        id: Some(id),
        username: &username,
        email: one.email.as_deref(),
        password_hash: one.hash.as_deref(),
        role: ServerRole::User,
        profile: &Profile { display_name, ..one.profile },
    };
    store::accounts::create(&mut unit.conn, &new, unit.now).await?;
    if let Some(identity) = &one.identity {
        let new = NewIdentity { identity, user: id, named_by: None };
        store::identities::add(&mut unit.conn, &new, unit.now).await?;
    }
    store::accounts::by_id(&mut unit.conn, id).await?.ok_or_else(Error::internal)
}

/// Gives the account that was made for somebody whom others have named before to them.
async fn fill(unit: &mut Unit, one: Checked, mut account: Account, name_length: i64) -> Result<Account> {
    let Some(identity) = &one.identity else { return Ok(account) };
    if !store::identities::has_come(&mut unit.conn, identity).await? {
        return Ok(account);
    }
    if let Some(name) = one.called.username.as_deref()
        && is_free(&mut unit.conn, name).await?
    {
        store::accounts::rename(&mut unit.conn, account.id, name).await?;
        name.clone_into(&mut account.username);
    }
    let display_name = identities::display_name(&one.called, name_length);
    account.profile = Profile { display_name, ..one.profile };
    account.email = one.email;
    store::accounts::import_email(&mut unit.conn, account.id, account.email.as_deref()).await?;
    if let Some(hash) = &one.hash {
        store::accounts::set_password(&mut unit.conn, account.id, hash).await?;
    }
    account.rev = unit.next_number_of(account.id).await?;
    store::accounts::set_profile(&mut unit.conn, account.id, &account.profile, account.rev).await?;
    unit.record_of(account.id, account.rev, AccountFact::ProfileChanged(Box::new(account.clone()))).await?;
    Ok(account)
}
