//! Sessions: logging in, refreshing tokens, logging out, and authentication.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::{Duration, Instant},
};

use chat::{
    AccountFact, Error, ErrorCode, Millis, Number, Reply, Result, SessionId, UserId,
    accounts::{Account, ServerRole, Speaker},
    event::Revocation,
    identities::Identity,
    network::Network,
    sessions::{Challenge, Origin, Tokens, Visited},
};
use store::{Db, Unit, Writer, identities::Known, sessions::Use};

use crate::{
    Arrival, AsksFurther, Call, Clock, Engine, Inner, Settings, accounts,
    batcher::Answers,
    identities::{self, Vouched},
    passwords::{self, Share, Visitor},
    throttle::Guess,
    tokens::{self, Claim},
};

/// The longest time after which a credential is checked again; later times could overflow.
const LONG: Duration = Duration::from_secs(366 * 86_400);

/// The remaining time, at most [`LONG`].
pub(crate) fn left(until: Millis, now: Millis) -> Duration {
    Duration::from_millis(u64::try_from(until.since(now)).unwrap_or(0)).min(LONG)
}

/// The lifetime of a session, in milliseconds.
#[derive(Clone, Copy)]
struct Lasts {
    /// If it is not used.
    idle_ms: i64,
    /// In any case.
    whole_ms: i64,
}

impl Lasts {
    fn of(settings: &Settings) -> Self {
        Self { idle_ms: settings.idle_seconds * 1_000, whole_ms: settings.session_seconds * 1_000 }
    }
}

pub(crate) async fn log_in(engine: &Engine, name: String, password: String, origin: Origin) -> Result<Visited> {
    let inner = &engine.inner;
    let network = origin.network();
    let guess = Guess::log_in(&chat::names::compared(&name), network);
    metrics::counter!("auth_login_attempts_total").increment(1);
    let (people, user) = candidates(inner, &name, network).await?;
    // Checked before the request waits, and again when its turn comes: many may have waited together.
    inner.throttle.check(&guess, user.is_some(), engine.moment())?;
    let share = user.map_or(Share::Network(network), Share::Person);
    let visitor = Visitor { share, account: guess.account().map(str::to_owned) };
    let turn = inner.hasher.turn(visitor).await?;
    let attempt = inner.throttle.begin(guess, user.is_some(), engine.moment())?;
    let (turn, found) = turn.find(password.clone(), people).await?;
    // A hash that another system has made is replaced now that the password is at hand.
    let ours = match &found {
        Some((_, hash)) if !passwords::is_ours(hash) => Some(turn.hash(password, None).await?),
        _ => {
            drop(turn);
            None
        }
    };
    // One answer for an unknown name, a wrong password and a deactivated account.
    let visited = match found {
        Some((user, hash)) => {
            let asks = inner.settings.asks_further.clone();
            let visited = begin(engine, user, origin, Some(hash.clone()), asks).await?;
            if let (Some(_), Some(ours)) = (&visited, ours) {
                replace_hash(engine, user, hash, ours).await;
            }
            visited
        }
        None => None,
    };
    let Some(visited) = visited else {
        attempt.failed();
        metrics::counter!("auth_login_failures_total").increment(1);
        metrics::counter!("chat_auth_requests_total", "status" => "failure", "method" => "password").increment(1);
        return Err(Error::new(ErrorCode::BadCredentials, "Name or password is wrong."));
    };
    drop(attempt);
    metrics::counter!("chat_auth_requests_total", "status" => "success", "method" => "password").increment(1);
    Ok(visited)
}

/// Stores another hash of the same password. Where that fails, the next log-in does it.
async fn replace_hash(engine: &Engine, user: UserId, old: String, ours: String) {
    let replaced = engine
        .inner
        .writer
        .change(&[], None, move |unit| {
            Box::pin(async move { Ok(store::accounts::change_password(&mut unit.conn, user, &old, &ours).await?) })
        })
        .await;
    if let Err(error) = replaced {
        tracing::warn!(%user, %error, "an imported password hash was not replaced");
    }
}

/// Who may log in under a name, and whom it names if that person has logged in from this network before. By a mail
/// address nobody is known: the answers would tell whether it belongs to somebody.
async fn candidates(inner: &Inner, name: &str, network: Network) -> Result<(Vec<(UserId, String)>, Option<UserId>)> {
    let mut conn = inner.db.read().await?;
    let people = store::accounts::passwords(&mut conn, name).await?;
    let named = people.first().filter(|_| !name.contains('@')).map(|(user, _)| *user);
    // Looked up even for nobody, so that it takes as long.
    let addresses = store::sessions::addresses(&mut conn, named.unwrap_or_default()).await?;
    let was_here = |address: &String| address.parse().is_ok_and(|address| Network::of(address) == network);
    Ok((people, named.filter(|_| addresses.iter().any(was_here))))
}

/// The result of beginning a session.
enum Begun {
    Session(Box<Account>, SessionId),
    Challenge(Challenge),
}

/// Begins a session for somebody who has proven their right to it, by a password with this hash if there is one, unless
/// a further proof is needed. `None` if the account is not active, or the password was changed meanwhile.
pub(crate) async fn begin(
    engine: &Engine,
    user: UserId,
    origin: Origin,
    hash: Option<String>,
    asks_further: Option<AsksFurther>,
) -> Result<Option<Visited>> {
    let inner = &engine.inner;
    let Lasts { idle_ms, whole_ms } = Lasts::of(&inner.settings);
    let (refresh_token, token_hash) = tokens::new_refresh_token()?;
    let begun = inner
        .writer
        .change(&[], None, move |unit| {
            Box::pin(async move {
                if !store::accounts::hold(&mut unit.conn, user, hash.as_deref()).await? {
                    return Ok(None);
                }
                let account = store::accounts::by_id(&mut unit.conn, user).await?.ok_or_else(Error::internal)?;
                if let Some(challenge) = asks_further.and_then(|asks| asks(&account)) {
                    return Ok(Some(Begun::Challenge(challenge)));
                }
                let now = unit.now;
                let (expires, ends) = (now.plus(idle_ms.min(whole_ms)), now.plus(whole_ms));
                let session = store::sessions::create(&mut unit.conn, user, &origin, now, expires, ends).await?;
                store::sessions::add_token(&mut unit.conn, &token_hash, session).await?;
                Ok(Some(Begun::Session(Box::new(account), session)))
            })
        })
        .await?;
    let visited = begun.map(|begun| match begun {
        Begun::Session(account, session) => {
            issue(engine, *account, session, refresh_token).map(Box::new).map(Visited::In)
        }
        Begun::Challenge(challenge) => Ok(Visited::Challenge(challenge)),
    });
    visited.transpose()
}

fn issue(engine: &Engine, account: Account, session: SessionId, refresh_token: String) -> Result<Tokens> {
    let settings = &engine.inner.settings;
    let expires_in = settings.access_seconds;
    let access_token =
        settings.keys.sign(account.id, session, &account.username, account.role, engine.now(), expires_in)?;
    Ok(Tokens { access_token, expires_in, refresh_token, session, account })
}

/// The result of presenting a refresh token.
enum Traded {
    For {
        user: UserId,
        session: SessionId,
    },
    /// It was used before: its session has ended.
    Reused {
        user: UserId,
        session: SessionId,
        why: &'static str,
    },
}

pub(crate) async fn refresh(engine: &Engine, token: String, origin: Origin) -> Result<Tokens> {
    let inner = &engine.inner;
    let lasts = Lasts::of(&inner.settings);
    let presented = tokens::refresh_hash(&token);
    // An invented token costs one reading, and no write.
    let known = store::sessions::token(&mut *inner.db.read().await?, &presented, engine.now()).await?;
    known.filter(|token| token.live).ok_or_else(not_good)?;
    let (fresh, fresh_hash) = inner.settings.keys.successor(&token);
    let traded =
        inner.writer.change(&[], None, move |unit| Box::pin(trade(unit, presented, fresh_hash, origin, lasts))).await?;
    match traded {
        Traded::For { user, session } => {
            let account = store::accounts::by_id(&mut *inner.db.read().await?, user).await?;
            let account = account.filter(|a| a.active).ok_or_else(not_good)?;
            issue(engine, account, session, fresh)
        }
        Traded::Reused { user, session, why } => {
            tracing::warn!(%user, %session, why, "a used refresh token came back; its session is ended");
            metrics::counter!("security_suspicious_activities_total").increment(1);
            inner.forget_people();
            Err(not_good())
        }
    }
}

/// Trades a refresh token for its successor. A used one is traded again, for the same successor, as long as that was
/// not used: then the answer did not arrive, or two tabs of one client asked at once. Otherwise two parties have the
/// token, and it is unknown which of them is its owner.
async fn trade(unit: &mut Unit, presented: String, fresh_hash: String, origin: Origin, lasts: Lasts) -> Result<Traded> {
    let now = unit.now;
    let session = store::sessions::token(&mut unit.conn, &presented, now).await?.ok_or_else(not_good)?.session;
    // Another node may be trading it at this moment.
    store::sessions::lock(&mut unit.conn, session).await?;
    let token = store::sessions::token(&mut unit.conn, &presented, now).await?.ok_or_else(not_good)?;
    if !token.live {
        return Err(not_good());
    }
    let user = token.user;
    let why = match token.used {
        Use::Unused => {
            store::sessions::use_token(&mut unit.conn, &presented, &fresh_hash, now).await?;
            None
        }
        Use::Traded(_) if !is_same_client(token.agent.as_deref(), origin.agent.as_deref()) => {
            Some("by another client than the one that has used it")
        }
        Use::Traded(next) => {
            if next != fresh_hash {
                // The key for successors has changed since.
                store::sessions::replace_successor(&mut unit.conn, &presented, &next, &fresh_hash).await?;
            }
            None
        }
        Use::Over => Some("after its successor was used"),
    };
    if let Some(why) = why {
        store::sessions::end(&mut unit.conn, session, user, now).await?;
        unit.revoke(Revocation::SessionEnded { user, session });
        return Ok(Traded::Reused { user, session, why });
    }
    store::sessions::add_token(&mut unit.conn, &fresh_hash, session).await?;
    store::sessions::note_use(&mut unit.conn, session, &origin, now, now.plus(lasts.idle_ms), now.plus(lasts.whole_ms))
        .await?;
    Ok(Traded::For { user, session })
}

/// Whether two clients have the same description apart from version numbers: a browser may have been updated in
/// between.
fn is_same_client(one: Option<&str>, other: Option<&str>) -> bool {
    let name = |agent: Option<&str>| -> Option<String> {
        agent.map(|agent| agent.chars().filter(|c| !c.is_ascii_digit() && *c != '.').collect())
    };
    name(one) == name(other)
}

fn not_good() -> Error {
    tokens::refused("The refresh token is not good, or no longer. Log in again.")
}

pub(crate) async fn authenticate(inner: &Inner, claim: Claim) -> Result<Arc<Arrival>> {
    if let Some(arrival) = inner.speakers.get(&claim).await {
        return Ok(arrival);
    }
    let arrival = inner.arrivals.ask(claim.clone()).await.unwrap_or_else(|| Err(Error::internal()))?;
    inner.speakers.insert(claim, arrival.clone()).await;
    Ok(arrival)
}

/// Authenticates many claims at a time.
pub(crate) struct Arrivals {
    pub db: Db,
    pub writer: Writer,
    pub clock: Clock,
    /// Hosts whose people get an account at first sight.
    pub creating: HashSet<String>,
    /// Characters of a name at most.
    pub name_length: i64,
}

impl Answers<Claim, Result<Arc<Arrival>>> for Arrivals {
    async fn answer(&mut self, claims: Vec<Claim>) -> Vec<Result<Arc<Arrival>>> {
        match self.look_up(&claims).await {
            Ok(speakers) => speakers,
            Err(error) => claims.iter().map(|_| Err(error.clone())).collect(),
        }
    }
}

impl Arrivals {
    async fn look_up(&self, claims: &[Claim]) -> Result<Vec<Result<Arc<Arrival>>>> {
        // Taken before the reading: a session that ends after this moment causes a revocation, which the hub remembers.
        let vouched_at = Instant::now();
        let now = (self.clock)();
        // From here on counted by a clock that does not jump.
        let in_time = |until: Millis| vouched_at + left(until, now);
        let mut conn = self.db.read().await?;
        let mut own = Vec::new();
        let mut hosts = Vec::new();
        for claim in claims {
            match claim {
                Claim::Own { user, session } => own.push((*session, *user)),
                Claim::Host { identity, .. } => hosts.push(identity.clone()),
            }
        }
        let users: Vec<UserId> = own.iter().map(|(_, user)| *user).collect();
        // Before the accounts, so that what these lack has a larger number.
        let heads: HashMap<UserId, Number> =
            store::account_changes::heads(&mut conn, &users).await?.into_iter().collect();
        let accounts: HashMap<UserId, Account> =
            store::accounts::by_ids(&mut conn, &users).await?.into_iter().map(|a| (a.id, a)).collect();
        let live = store::sessions::live(&mut conn, &own, now).await?;
        let known = store::identities::by_subjects(&mut conn, &hosts).await?;
        drop(conn);
        let guests = self.bring_up(claims, known).await?;
        Ok(claims
            .iter()
            .map(|claim| match claim {
                Claim::Own { user, session } => match accounts.get(user) {
                    Some(account) if account.active => match live.get(session) {
                        Some(until) => {
                            let speaks_as = (account.role, Some(*session), None);
                            let head = heads.get(user).copied().unwrap_or_default();
                            Ok(arrival((account, head), speaks_as, vouched_at, in_time(*until)))
                        }
                        None => Err(session_over()),
                    },
                    _ => Err(session_over()),
                },
                Claim::Host { identity, role, until, .. } => match guests.get(identity) {
                    Some((account, head)) if account.active => {
                        let speaks_as = (role.unwrap_or(account.role), None, Some(identity.clone()));
                        Ok(arrival((account, *head), speaks_as, vouched_at, in_time(*until)))
                    }
                    _ => Err(tokens::refused("There is no active account for this token.")),
                },
            })
            .collect())
    }

    /// The accounts of those whom host applications vouch for: those who were never here are created, if their host's
    /// people are, and those whom others have named before they came get their names. With each is how far it had come
    /// when it was read.
    async fn bring_up(
        &self,
        claims: &[Claim],
        known: HashMap<Identity, Known>,
    ) -> Result<HashMap<Identity, (Account, Number)>> {
        let mut arriving: HashMap<&Identity, Vouched> = HashMap::new();
        for claim in claims {
            if let Claim::Host { identity, called, role, .. } = claim {
                let creates = self.creating.contains(&identity.issuer);
                let one = Vouched { identity: identity.clone(), called: called.clone(), role: *role, creates };
                if one.needs_writing(known.get(identity)) {
                    arriving.entry(identity).or_insert(one);
                }
            }
        }
        let arriving: Vec<Vouched> = arriving.into_values().collect();
        let awaited = known.values().filter(|known| known.awaited).map(|known| known.account.id).collect();
        let mut accounts: HashMap<Identity, (Account, Number)> =
            known.into_iter().map(|(identity, known)| (identity, (known.account, known.account_head))).collect();
        if !arriving.is_empty() {
            let arrived = identities::arrive(&self.writer, arriving, awaited, self.name_length).await?;
            accounts.extend(arrived.into_iter().map(|(identity, account)| (identity, (account, Number::default()))));
        }
        Ok(accounts)
    }
}

fn session_over() -> Error {
    tokens::refused("The session is over. Log in again.")
}

/// Somebody who is let in: with which role, in which session of ours or as whom of a host.
fn arrival(
    (account, account_head): (&Account, Number),
    (role, session, identity): (ServerRole, Option<SessionId>, Option<Identity>),
    vouched_at: Instant,
    good_until: Instant,
) -> Arc<Arrival> {
    let speaker = Speaker {
        user: account.id,
        username: account.username.clone(),
        shown_name: account.shown_name(),
        role,
        session,
    };
    Arc::new(Arrival { speaker, account: account.clone(), account_head, identity, vouched_at, good_until })
}

impl Inner {
    /// Forgets what was read of people a moment ago: somebody has another name, another role, or may no longer speak.
    pub(crate) fn forget_people(&self) {
        self.speakers.invalidate_all();
        self.newest.forget();
    }
}

impl Engine {
    /// Lets go of credentials and pages that are older than is remembered. The caches do so only when they are used, and
    /// after a storm nobody may use them.
    pub async fn forget_old_arrivals(&self) {
        self.inner.speakers.run_pending_tasks().await;
        self.inner.newest.forget_old().await;
    }
}

impl Call {
    pub(crate) async fn sessions(&self) -> Result<Reply> {
        let now = self.engine.now();
        let mut conn = self.db.read().await?;
        Ok(Reply::Sessions(store::sessions::of_user(&mut conn, self.speaker.user, now).await?))
    }

    pub(crate) async fn end_session(&self, session: SessionId) -> Result<Reply> {
        let user = self.speaker.user;
        self.writer
            .change(&[], None, move |unit| {
                Box::pin(async move {
                    let now = unit.now;
                    if !store::sessions::end(&mut unit.conn, session, user, now).await? {
                        return Err(Error::not_found("session"));
                    }
                    unit.revoke(Revocation::SessionEnded { user, session });
                    Ok(())
                })
            })
            .await?;
        self.speakers.invalidate(&Claim::Own { user, session }).await;
        Ok(Reply::Done)
    }

    /// Gives the account another mail address, or none. Accounts that name one address share a salt, so the password is
    /// hashed anew.
    pub(crate) async fn change_email(&self, current: String, email: Option<String>) -> Result<Reply> {
        let user = self.speaker.user;
        let mut salt = None;
        if let Some(email) = &email {
            accounts::check_email(email)?;
            let others = store::accounts::passwords(&mut *self.db.read().await?, email).await?;
            let first = others.iter().find(|(other, _)| *other != user);
            salt = first.map(|(_, hash)| passwords::salt_of(hash)).transpose()?.flatten();
        }
        let (turn, old) = self.own_password(current.clone()).await?;
        passwords::check("current", &current, &self.about(&self.speaker.username, email.as_deref()))?;
        let hash = match salt {
            Some(salt) => turn.hash(current, Some(salt)).await?,
            None => old.clone(),
        };
        let account = self
            .writer
            .change(&[user.into()], self.origin, move |unit| {
                Box::pin(async move {
                    let found = store::accounts::by_id(&mut unit.conn, user).await?;
                    let mut account = found.ok_or_else(|| Error::not_found("user"))?;
                    if account.email == email {
                        return Ok(account);
                    }
                    account.email = email;
                    account.rev = unit.next_number_of(user).await?;
                    let new = account.email.as_deref();
                    if !store::accounts::set_email(&mut unit.conn, user, &old, new, &hash, account.rev).await? {
                        return Err(wrong_password());
                    }
                    let fact = AccountFact::ProfileChanged(Box::new(account.clone()));
                    unit.record_of(user, account.rev, fact).await?;
                    Ok(account)
                })
            })
            .await?;
        self.forget_people();
        Ok(Reply::Account(Box::new(account)))
    }

    pub(crate) async fn change_password(&self, current: String, new: String) -> Result<Reply> {
        let user = self.speaker.user;
        let account = store::accounts::by_id(&mut *self.db.read().await?, user).await?;
        let email = account.and_then(|account| account.email);
        let about = self.about(&self.speaker.username, email.as_deref());
        passwords::check("new", &new, &about)?;
        let (turn, old) = self.own_password(current).await?;
        let hash = turn.hash(new, passwords::salt_of(&old)?).await?;
        set_password(&self.engine, user, Some(old), hash, self.speaker.session).await?;
        Ok(Reply::Done)
    }
}

impl Call {
    /// Compares what was given as the speaker's password with theirs; the hash of it, and the turn in which more may be
    /// hashed. Whoever guesses is slowed down as at a log-in.
    async fn own_password(&self, given: String) -> Result<(passwords::Turn, String)> {
        let user = self.speaker.user;
        let guess = Guess::change(user);
        self.throttle.check(&guess, true, self.engine.moment())?;
        let turn = self.hasher.turn(Visitor { share: Share::Person(user), account: None }).await?;
        let attempt = self.throttle.begin(guess, true, self.engine.moment())?;
        let stored = store::accounts::password_of(&mut *self.db.read().await?, user).await?;
        let people: Vec<(UserId, String)> = stored.into_iter().map(|hash| (user, hash)).collect();
        let (turn, found) = turn.find(given, people).await?;
        let Some((_, old)) = found else {
            attempt.failed();
            return Err(wrong_password());
        };
        drop(attempt);
        Ok((turn, old))
    }
}

fn wrong_password() -> Error {
    Error { field: Some("/current".into()), ..Error::new(ErrorCode::BadCredentials, "The present password is wrong.") }
}

/// Stores a password hash, in place of `old` if that is given, and ends all sessions but one.
pub(crate) async fn set_password(
    engine: &Engine,
    user: UserId,
    old: Option<String>,
    hash: String,
    except: Option<SessionId>,
) -> Result<()> {
    engine
        .inner
        .writer
        .change(&[], None, move |unit| {
            Box::pin(async move {
                let now: Millis = unit.now;
                match old {
                    Some(old) if !store::accounts::change_password(&mut unit.conn, user, &old, &hash).await? => {
                        // Somebody has changed it since it was compared.
                        return Err(wrong_password());
                    }
                    Some(_) => {}
                    None => store::accounts::set_password(&mut unit.conn, user, &hash).await?,
                }
                store::sessions::end_others(&mut unit.conn, user, except, now).await?;
                unit.revoke(Revocation::SessionsEnded { user, except });
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
    fn a_client_is_the_same_after_an_update_and_another_is_another() {
        let firefox = |version: &str| format!("Mozilla/5.0 (X11; Linux x86_64; rv:{version}) Gecko Firefox/{version}");
        assert!(is_same_client(Some(&firefox("141.0")), Some(&firefox("142.0.1"))));
        assert!(is_same_client(None, None));
        assert!(!is_same_client(Some(&firefox("141.0")), Some("curl/8.5.0")));
        assert!(!is_same_client(Some("phone"), None));
    }
}
