//! Sessions: logging in, trading tokens, logging out, and telling who speaks.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use chat::{
    Error, ErrorCode, Millis, Reply, Result, SessionId, UserId,
    accounts::{Account, Profile, ServerRole, Speaker},
    event::Revocation,
    network::Network,
    sessions::{Challenge, Origin, Tokens, Visited},
};
use store::{Db, Unit, Writer, sessions::Use};

use crate::{
    Arrival, AsksFurther, Call, Clock, Engine, Inner, Settings,
    batcher::Answers,
    passwords::{self, Share, Visitor},
    throttle::Guess,
    tokens::{self, Claim},
};

/// Nothing is good for longer than this without being rechecked; a time without end would be no time.
const LONG: Duration = Duration::from_secs(366 * 86_400);

/// How much longer something is good.
pub(crate) fn left(until: Millis, now: Millis) -> Duration {
    Duration::from_millis(u64::try_from(until.since(now)).unwrap_or(0)).min(LONG)
}

/// How long a session lasts, in milliseconds.
#[derive(Clone, Copy)]
struct Lasts {
    /// Unused.
    idle_ms: i64,
    /// At all.
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
    let guess = Guess::log_in(&store::accounts::key(&name), network);
    metrics::counter!("auth_login_attempts_total").increment(1);
    let (people, user) = candidates(inner, &name, network).await?;
    // Told before anybody waits, and again when it is their turn: many may have waited together.
    inner.throttle.check(&guess, user.is_some(), engine.moment())?;
    let share = user.map_or(Share::Network(network), Share::Person);
    let visitor = Visitor { share, account: guess.account().map(str::to_owned) };
    let turn = inner.hasher.turn(visitor).await?;
    let attempt = inner.throttle.begin(guess, user.is_some(), engine.moment())?;
    let (turn, found) = turn.find(password, people).await?;
    drop(turn);
    // One answer for an unknown name, a wrong password and a deactivated account.
    let visited = match found {
        Some((user, hash)) => begin(engine, user, origin, Some(hash), inner.settings.asks_further.clone()).await?,
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

/// Who may log in under a name, and whom it names if that person has logged in from this network before. By a mail
/// address nobody is known: the answers would tell whether it belongs to somebody.
async fn candidates(inner: &Inner, name: &str, network: Network) -> Result<(Vec<(UserId, String)>, Option<UserId>)> {
    let mut conn = inner.db.read().await?;
    let people = store::accounts::passwords(&mut conn, name).await?;
    let named = people.first().filter(|_| !name.contains('@')).map(|(user, _)| *user);
    // Asked for nobody, too: it takes as long.
    let addresses = store::sessions::addresses(&mut conn, named.unwrap_or_default()).await?;
    let was_here = |address: &String| address.parse().is_ok_and(|address| Network::of(address) == network);
    Ok((people, named.filter(|_| addresses.iter().any(was_here))))
}

/// What a proven right to a session comes to.
enum Begun {
    Session(Box<Account>, SessionId),
    Challenge(Challenge),
}

/// Begins a session of somebody whose right to it was proven, by the password of this hash if there is one, unless more
/// is asked of them. None if the account is not active, or the password was changed meanwhile.
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

/// What came of presenting a refresh token.
enum Traded {
    For {
        user: UserId,
        session: SessionId,
    },
    /// It was used before: its session is over.
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
    // What strangers invent costs a look, and the writer nothing.
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
            inner.speakers.invalidate_all();
            Err(not_good())
        }
    }
}

/// Trades a refresh token for its successor. A used one is traded again, for the same successor, as long as nobody has
/// used that: then the answer did not arrive, or two tabs of one client asked at once. Otherwise two have it, and
/// nobody knows who of them is its owner.
async fn trade(unit: &mut Unit, presented: String, fresh_hash: String, origin: Origin, lasts: Lasts) -> Result<Traded> {
    let now = unit.now;
    let session = store::sessions::token(&mut unit.conn, &presented, now).await?.ok_or_else(not_good)?.session;
    // On another node it may be traded at this moment.
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
                // The key that successors are made with is another by now.
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

/// Whether two clients describe themselves alike, but for the numbers of their versions: a browser may have been
/// updated while the lid was closed.
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

/// Looks up who arrives, many at a time.
pub(crate) struct Arrivals {
    pub db: Db,
    pub writer: Writer,
    pub clock: Clock,
    pub create_host_users: bool,
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
        // Before the reading: what ends a session after this is an order that the hub remembers.
        let vouched_at = Instant::now();
        let now = (self.clock)();
        // By a clock that does not jump from here on.
        let in_time = |until: Millis| vouched_at + left(until, now);
        let mut conn = self.db.read().await?;
        let mut own = Vec::new();
        let mut hosts = Vec::new();
        for claim in claims {
            match claim {
                Claim::Own { user, session } => own.push((*session, *user)),
                Claim::Host { external_id, .. } => hosts.push(external_id.as_str()),
            }
        }
        let users: Vec<UserId> = own.iter().map(|(_, user)| *user).collect();
        let accounts: HashMap<UserId, Account> =
            store::accounts::by_ids(&mut conn, &users).await?.into_iter().map(|a| (a.id, a)).collect();
        let live = store::sessions::live(&mut conn, &own, now).await?;
        let mut guests = store::accounts::by_external_ids(&mut conn, &hosts).await?;
        drop(conn);
        self.create_missing(claims, &mut guests).await?;
        Ok(claims
            .iter()
            .map(|claim| match claim {
                Claim::Own { user, session } => match accounts.get(user) {
                    Some(account) if account.active => match live.get(session) {
                        Some(until) => Ok(arrival(account, account.role, Some(*session), vouched_at, in_time(*until))),
                        None => Err(session_over()),
                    },
                    _ => Err(session_over()),
                },
                Claim::Host { external_id, role, until, .. } => match guests.get(external_id) {
                    Some(account) if account.active => {
                        Ok(arrival(account, role.unwrap_or(account.role), None, vouched_at, in_time(*until)))
                    }
                    _ => Err(tokens::refused("There is no active account for this token.")),
                },
            })
            .collect())
    }

    /// Creates those whom a host application vouches for and who were never here.
    async fn create_missing(&self, claims: &[Claim], guests: &mut HashMap<String, Account>) -> Result<()> {
        if !self.create_host_users {
            return Ok(());
        }
        let mut missing: HashMap<String, (Option<String>, Option<ServerRole>)> = HashMap::new();
        for claim in claims {
            if let Claim::Host { external_id, username, role, .. } = claim
                && !guests.contains_key(external_id)
            {
                missing.entry(external_id.clone()).or_insert_with(|| (username.clone(), *role));
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        let created = self
            .writer
            .change(&[], None, move |unit| {
                Box::pin(async move {
                    unit.conn.before_making("user").await?;
                    let mut created = Vec::new();
                    for (external_id, (username, role)) in missing {
                        let account = create_host_user(unit, &external_id, username, role).await?;
                        created.push((external_id, account));
                    }
                    Ok(created)
                })
            })
            .await?;
        guests.extend(created);
        Ok(())
    }
}

fn session_over() -> Error {
    tokens::refused("The session is over. Log in again.")
}

fn arrival(
    account: &Account,
    role: ServerRole,
    session: Option<SessionId>,
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
    Arc::new(Arrival { speaker, account: account.clone(), vouched_at, good_until })
}

/// An account for a host's user. Their number there is their number here if it is free, because the
/// old clients know each other by it; an account that is already here is never taken over.
async fn create_host_user(
    unit: &mut Unit,
    external_id: &str,
    username: Option<String>,
    role: Option<ServerRole>,
) -> Result<Account> {
    let conn = &mut unit.conn;
    if let Some(account) = store::accounts::by_external_id(conn, external_id).await? {
        return Ok(account);
    }
    let wanted = external_id.parse().ok().filter(|id| (1..=i64::from(i32::MAX)).contains(id)).map(UserId);
    let id = match wanted {
        Some(id) if store::accounts::by_id(conn, id).await?.is_none() => Some(id),
        _ => None,
    };
    let display_name = username.clone();
    let mut name = crate::accounts::usable_name(username.as_deref().unwrap_or("user"));
    if store::accounts::by_name(conn, &name).await?.is_some() {
        let suffix: String = external_id.chars().filter(char::is_ascii_alphanumeric).take(12).collect();
        name = format!("{}_{suffix}", name.chars().take(30).collect::<String>());
    }
    let new = store::accounts::NewAccount {
        id,
        username: &name,
        email: None,
        password_hash: None,
        external_id: Some(external_id),
        role: role.unwrap_or(ServerRole::User),
        profile: &Profile { display_name: display_name.filter(|d| *d != name), ..Profile::default() },
    };
    let id = store::accounts::create(conn, &new, unit.now).await?;
    store::accounts::by_id(&mut unit.conn, id).await?.ok_or_else(Error::internal)
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

    pub(crate) async fn change_password(&self, current: String, new: String) -> Result<Reply> {
        let user = self.speaker.user;
        let account = store::accounts::by_id(&mut *self.db.read().await?, user).await?;
        let email = account.and_then(|account| account.email);
        let about = self.about(&self.speaker.username, email.as_deref());
        passwords::check("new", &new, &about)?;
        let guess = Guess::change(user);
        self.throttle.check(&guess, true, self.engine.moment())?;
        let turn = self.hasher.turn(Visitor { share: Share::Person(user), account: None }).await?;
        let attempt = self.throttle.begin(guess, true, self.engine.moment())?;
        let stored = store::accounts::password_of(&mut *self.db.read().await?, user).await?;
        let people: Vec<(UserId, String)> = stored.into_iter().map(|hash| (user, hash)).collect();
        let (turn, found) = turn.find(current, people).await?;
        let Some((_, old)) = found else {
            attempt.failed();
            return Err(wrong_password());
        };
        drop(attempt);
        let hash = turn.hash(new, passwords::salt_of(&old)?).await?;
        set_password(&self.engine, user, Some(old), hash, self.speaker.session).await?;
        Ok(Reply::Done)
    }
}

fn wrong_password() -> Error {
    Error { field: Some("/current".into()), ..Error::new(ErrorCode::BadCredentials, "The present password is wrong.") }
}

/// Stores a password hash in place of `old`, if that is given, and ends all sessions but one.
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
                        // Somebody else has changed it since it was compared.
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
    engine.inner.speakers.invalidate_all();
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
