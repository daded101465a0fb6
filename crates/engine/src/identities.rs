//! Identities: accounts for the people of host applications, when they come, and for those of them whom somebody names
//! before they come.
//!
//! Such an account takes its id from our own counter, like anybody's. What the host calls its people is an identity of
//! the account and nothing else.

use std::collections::HashMap;

use chat::{
    AccountFact, Command, Error, Result, Scope, UserId,
    accounts::{Account, Profile, ServerRole, Speaker},
    identities::{AWAITED_PER_DAY, HostNumber, Identity, NumberMeaning, Numbering, made_username},
    names, permission,
};
use store::{
    Conn, Unit,
    identities::{Known, NewIdentity},
};

use crate::{Call, Engine, accounts::check_username, quotas::Bringing, tokens::Called};

const DAY_MS: i64 = 86_400_000;
/// How often another username is made where one is taken.
const TRIES: usize = 8;

/// A host application, as far as the engine has to know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// Its name: what its people's identities have as their issuer.
    pub name: String,
    /// Whether its people get accounts at first sight.
    pub creates_users: bool,
}

/// Somebody for whom a host's token vouches.
#[derive(Clone)]
pub(crate) struct Vouched {
    pub identity: Identity,
    pub called: Called,
    pub role: Option<ServerRole>,
    /// Whether they get an account if they have none.
    pub creates: bool,
}

impl Vouched {
    /// Whether something is to be written before they are let in.
    pub(crate) fn needs_writing(&self, known: Option<&Known>) -> bool {
        known.map_or(self.creates, |known| known.awaited || known.unnoted)
    }
}

/// Brings the accounts of these people up to what their tokens say: makes those that are missing, names those who were
/// awaited.
pub(crate) async fn arrive(
    writer: &store::Writer,
    vouched: Vec<Vouched>,
    awaited: Vec<UserId>,
    name_length: i64,
) -> Result<HashMap<Identity, Account>> {
    let scopes: Vec<Scope> = awaited.into_iter().map(Scope::from).collect();
    writer
        .change(&scopes.clone(), None, move |unit| {
            Box::pin(async move {
                unit.conn.before_making("user").await?;
                let mut accounts = HashMap::new();
                for one in vouched {
                    let known = store::identities::by_subjects(&mut unit.conn, std::slice::from_ref(&one.identity));
                    let account = match known.await?.remove(&one.identity) {
                        Some(known) if known.unnoted => {
                            let new = NewIdentity { identity: &one.identity, user: known.account.id, named_by: None };
                            store::identities::add(&mut unit.conn, &new, unit.now).await?;
                            known.account
                        }
                        // Awaited, and found so only now: the next time they come their account is locked for it.
                        Some(known) if known.awaited && scopes.contains(&known.account.id.into()) => {
                            name_awaited(unit, &one, known.account, name_length).await?
                        }
                        Some(known) => known.account,
                        None if one.creates => create(unit, &one, None, name_length).await?,
                        None => continue,
                    };
                    accounts.insert(one.identity, account);
                }
                Ok(accounts)
            })
        })
        .await
}

/// Makes an account for somebody of a host. Without `named_by` they have come themselves.
async fn create(unit: &mut Unit, who: &Vouched, named_by: Option<UserId>, name_length: i64) -> Result<Account> {
    let id = store::accounts::next_id(&mut unit.conn).await?;
    let username = username(unit, who.called.username.as_deref(), id).await?;
    let profile = Profile { display_name: display_name(&who.called, name_length), ..Profile::default() };
    let new = store::accounts::NewAccount {
        id: Some(id),
        username: &username,
        email: None,
        password_hash: None,
        role: who.role.unwrap_or(ServerRole::User),
        profile: &profile,
    };
    store::accounts::create(&mut unit.conn, &new, unit.now).await?;
    let identity = NewIdentity { identity: &who.identity, user: id, named_by };
    store::identities::add(&mut unit.conn, &identity, unit.now).await?;
    store::accounts::by_id(&mut unit.conn, id).await?.ok_or_else(Error::internal)
}

/// Gives an account the names of the person for whom it was made before they came.
async fn name_awaited(unit: &mut Unit, who: &Vouched, mut account: Account, name_length: i64) -> Result<Account> {
    if !store::identities::has_come(&mut unit.conn, &who.identity).await? {
        return Ok(account);
    }
    if let Some(name) = who.called.username.as_deref()
        && is_free(&mut unit.conn, name).await?
    {
        store::accounts::rename(&mut unit.conn, account.id, name).await?;
        name.clone_into(&mut account.username);
    }
    account.profile.display_name = display_name(&who.called, name_length);
    account.rev = unit.next_number_of(account.id).await?;
    store::accounts::set_profile(&mut unit.conn, account.id, &account.profile, account.rev).await?;
    unit.record_of(account.id, account.rev, AccountFact::ProfileChanged(Box::new(account.clone()))).await?;
    Ok(account)
}

/// A person's display name, as the host writes it. Also where the username says the same: whoever shows names alone has
/// no other.
pub(crate) fn display_name(called: &Called, name_length: i64) -> Option<String> {
    let usable = |name: &Option<String>| name.as_deref().and_then(|name| shown_form(name, name_length));
    usable(&called.name).or_else(|| usable(&called.username))
}

/// A host's name as it can be shown: in the stored form of names, within the limit; nothing if there is nothing to see.
fn shown_form(name: &str, name_length: i64) -> Option<String> {
    let most = usize::try_from(name_length).unwrap_or(usize::MAX);
    let short: String = names::mended(name)?.chars().take(most).collect();
    names::mended(&short)
}

/// The username of a new account: the host's if it is allowed here and free, else one that is made. It never says who
/// somebody else is.
pub(crate) async fn username(unit: &mut Unit, wanted: Option<&str>, id: UserId) -> Result<String> {
    if let Some(name) = wanted
        && is_free(&mut unit.conn, name).await?
    {
        return Ok(name.to_owned());
    }
    let mut made = made_username(id, None);
    for _ in 0..TRIES {
        if is_free(&mut unit.conn, &made).await? {
            return Ok(made);
        }
        // Somebody has registered under it.
        let mut random = [0_u8; 4];
        getrandom::fill(&mut random).map_err(|_| Error::internal())?;
        made = made_username(id, Some(u32::from_be_bytes(random)));
    }
    Err(Error::internal())
}

/// Whether a new account may have this username: it is allowed, and nobody has it or one that looks like it.
pub(crate) async fn is_free(conn: &mut Conn, name: &str) -> Result<bool> {
    Ok(check_username(name).is_ok()
        && store::accounts::by_name(conn, name).await?.is_none()
        && store::user_groups::by_name(conn, name).await?.is_none()
        && !store::accounts::is_look_alike(conn, name).await?)
}

impl Engine {
    /// The subjects of these accounts in a host. Whoever has none there is left out.
    ///
    /// # Errors
    /// The store's.
    pub async fn subjects(&self, issuer: &str, users: &[UserId]) -> Result<HashMap<UserId, String>> {
        Ok(store::identities::of_users(&mut *self.inner.db.read().await?, issuer, users).await?)
    }

    /// Whether an endpoint of this host speaks the host's numbers: the host lets people in, or has.
    ///
    /// # Errors
    /// The store's.
    pub async fn has_people_of(&self, issuer: &str) -> Result<bool> {
        if self.inner.settings.hosts.iter().any(|host| host.name == issuer) {
            return Ok(true);
        }
        Ok(store::identities::are_there(&mut *self.inner.db.read().await?, issuer).await?)
    }

    /// The accounts of these numbers. Whoever is nobody's is left out.
    ///
    /// # Errors
    /// The store's.
    pub async fn accounts_of_numbers(
        &self,
        numbering: &Numbering,
        numbers: &[HostNumber],
    ) -> Result<HashMap<HostNumber, UserId>> {
        let mut found = HashMap::new();
        let mut asked = Vec::new();
        for number in numbers {
            match numbering.meaning(*number) {
                NumberMeaning::Account(user) => {
                    found.insert(*number, user);
                }
                NumberMeaning::Subject(subject) => {
                    asked.push((*number, Identity { issuer: numbering.issuer.clone(), subject }));
                }
                NumberMeaning::Nobody => {}
            }
        }
        let identities: Vec<Identity> = asked.iter().map(|(_, identity)| identity.clone()).collect();
        let known = store::identities::by_subjects(&mut *self.inner.db.read().await?, &identities).await?;
        let of = |identity: &Identity| known.get(identity).map(|known| known.account.id);
        found.extend(asked.iter().filter_map(|(number, identity)| Some((*number, of(identity)?))));
        Ok(found)
    }

    /// The accounts of people of a host whom the speaker writes to or brings in by this command, which names them by
    /// their host's numbers; the `known` ones have accounts. For those who have not come yet accounts are made that are
    /// theirs when they come: for all of them, or for none; and for none if the command would be refused.
    ///
    /// # Errors
    /// `not_found` if the host's people do not get accounts at first sight, or the speaker may not know people;
    /// `rate_limited` if the speaker would have named too many in a day; the refusal of the command.
    pub async fn accounts_awaited(
        &self,
        speaker: &Speaker,
        command: &Command,
        known: Vec<UserId>,
        identities: Vec<Identity>,
    ) -> Result<HashMap<Identity, UserId>> {
        let hosts = &self.inner.settings.hosts;
        let creates = |who: &Identity| hosts.iter().any(|host| host.name == who.issuer && host.creates_users);
        if !identities.iter().all(creates) || !permission::may_roam(speaker.role) {
            return Err(Error::not_found("user"));
        }
        let (author, name_length) = (speaker.user, self.inner.settings.limits.profile_length);
        let call = Call { engine: self.clone(), speaker: speaker.clone(), origin: None };
        let bringing = Bringing::of(&call, command, identities.len(), known)?;
        let change = self.inner.writer.change(&[], None, move |unit| {
            Box::pin(async move {
                // Two who name the same person, or one who names two: one after the other.
                unit.conn.before_making("user").await?;
                let known = store::identities::by_subjects(&mut unit.conn, &identities).await?;
                let missing: Vec<Identity> =
                    identities.into_iter().filter(|identity| !known.contains_key(identity)).collect();
                let since = unit.now.plus(-DAY_MS);
                let named = store::identities::named_since(&mut unit.conn, author, since).await?;
                let more = i64::try_from(missing.len()).unwrap_or(i64::MAX);
                if more > 0 && named.saturating_add(more) > AWAITED_PER_DAY {
                    return Err(too_many());
                }
                call.require_could_bring(unit, &bringing).await?;
                let mut accounts: HashMap<Identity, UserId> =
                    known.into_iter().map(|(identity, known)| (identity, known.account.id)).collect();
                for identity in missing {
                    let who = Vouched { identity, called: Called::default(), role: None, creates: true };
                    let account = create(unit, &who, Some(author), name_length).await?;
                    accounts.insert(who.identity, account.id);
                }
                Ok(accounts)
            })
        });
        change.await
    }
}

fn too_many() -> Error {
    let words = format!("You may write to at most {AWAITED_PER_DAY} people a day who have not been here yet.");
    Error { detail: words, ..Error::rate_limited("people who have not come", DAY_MS) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(username: Option<&str>, name: Option<&str>) -> Option<String> {
        let called = Called { username: username.map(str::to_owned), name: name.map(str::to_owned) };
        display_name(&called, 20)
    }

    #[test]
    fn a_hosts_name_is_shown_as_it_is_if_there_is_anything_to_see() {
        for name in ["Élodie Dupré", "张伟", "dave", "O'Neil", "a", "💃 Zoé"] {
            assert_eq!(shown(Some(name), None).as_deref(), Some(name));
            assert_eq!(shown(Some("login"), Some(name)).as_deref(), Some(name));
        }
        assert_eq!(shown(Some("  two\nlines "), None).as_deref(), Some("two lines"));
        assert_eq!(shown(Some(&"é".repeat(300)), None), Some("é".repeat(20)));
        for blank in ["", "  ", "\n\t", "\0", "\u{200b}", "\u{202e}\u{2060}"] {
            assert_eq!(shown(Some(blank), Some(blank)), None, "{blank:?}");
            assert_eq!(shown(Some("dave"), Some(blank)).as_deref(), Some("dave"));
        }
    }
}
