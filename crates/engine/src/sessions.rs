//! Sessions: logging in, trading tokens, logging out, and telling who speaks.

use std::{collections::HashMap, sync::Arc};

use chat::{
    Error, ErrorCode, Millis, Reply, Result, SessionId, UserId,
    accounts::{Account, Profile, ServerRole, Speaker},
    event::Order,
    sessions::{Origin, Tokens},
};
use store::{Db, Unit, Writer};

use crate::{
    Arrival, Call, Clock, Engine, Inner,
    batcher::Answers,
    tokens::{self, Claim},
};

/// A lost answer to a refresh may be asked for again within this time, by the same client.
const REPEAT_MS: i64 = 10_000;

pub(crate) async fn log_in(engine: &Engine, name: String, password: String, origin: Origin) -> Result<Tokens> {
    let inner = &engine.inner;
    let (account_key, address) = (store::accounts::key(&name), origin.address.clone().unwrap_or_default());
    let attempt = inner.throttle.log_in(&account_key, &address, engine.now())?;
    metrics::counter!("auth_login_attempts_total").increment(1);
    let found = store::accounts::password(&mut inner.db.read().await?, &name).await?;
    let (user, hash) = found.map_or((None, None), |(user, hash)| (Some(user), hash));
    let right = inner.hasher.verify(password, hash).await?;
    // One answer for an unknown name, a wrong password and a deactivated account.
    let account = match user {
        Some(user) if right => store::accounts::by_id(&mut inner.db.read().await?, user).await?.filter(|a| a.active),
        _ => None,
    };
    let Some(account) = account else {
        attempt.failed();
        metrics::counter!("auth_login_failures_total").increment(1);
        metrics::counter!("chat_auth_requests_total", "status" => "failure", "method" => "password").increment(1);
        return Err(Error::new(ErrorCode::BadCredentials, "Name or password is wrong."));
    };
    drop(attempt);
    metrics::counter!("chat_auth_requests_total", "status" => "success", "method" => "password").increment(1);
    begin(engine, account, origin).await
}

/// Begins a session of an account whose right to it was proven.
pub(crate) async fn begin(engine: &Engine, account: Account, origin: Origin) -> Result<Tokens> {
    let inner = &engine.inner;
    let user = account.id;
    let idle_ms = inner.settings.idle_seconds * 1_000;
    let whole_ms = inner.settings.session_seconds * 1_000;
    let (refresh_token, hash) = tokens::new_refresh_token()?;
    let session = inner
        .writer
        .change(None, None, move |unit| {
            Box::pin(async move {
                let now = unit.now;
                let (expires, ends) = (now.plus(idle_ms.min(whole_ms)), now.plus(whole_ms));
                let session = store::sessions::create(&mut unit.conn, user, &origin, now, expires, ends).await?;
                store::sessions::add_token(&mut unit.conn, &hash, session).await?;
                Ok(session)
            })
        })
        .await?;
    issue(engine, account, session, refresh_token)
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
    },
}

pub(crate) async fn refresh(engine: &Engine, token: String, origin: Origin) -> Result<Tokens> {
    let inner = &engine.inner;
    let idle_ms = inner.settings.idle_seconds * 1_000;
    let presented = tokens::refresh_hash(&token);
    let (fresh, fresh_hash) = tokens::new_refresh_token()?;
    let traded = inner
        .writer
        .change(None, None, move |unit| Box::pin(trade(unit, presented, fresh_hash, origin, idle_ms)))
        .await?;
    match traded {
        Traded::For { user, session } => {
            let account = store::accounts::by_id(&mut inner.db.read().await?, user).await?;
            let account = account.filter(|a| a.active).ok_or_else(not_good)?;
            issue(engine, account, session, fresh)
        }
        Traded::Reused { user } => {
            tracing::warn!(%user, "a used refresh token came back; its session is ended");
            metrics::counter!("security_suspicious_activities_total").increment(1);
            inner.speakers.invalidate_all();
            Err(not_good())
        }
    }
}

async fn trade(unit: &mut Unit, presented: String, fresh_hash: String, origin: Origin, idle_ms: i64) -> Result<Traded> {
    let now = unit.now;
    let token = store::sessions::token(&mut unit.conn, &presented, now).await?.ok_or_else(not_good)?;
    if !token.live {
        return Err(not_good());
    }
    let (user, session) = (token.user, token.session);
    if !store::sessions::use_token(&mut unit.conn, &presented, now).await? {
        // If it was not when it was read, another node has traded it since.
        let used_at = token.used_at.unwrap_or(now);
        let same_client = token.agent.is_some() && token.agent == origin.agent;
        if !(same_client && now.since(used_at) <= REPEAT_MS) {
            store::sessions::end(&mut unit.conn, session, user, now).await?;
            unit.order(Order::SessionEnded { user, session });
            return Ok(Traded::Reused { user });
        }
    }
    store::sessions::add_token(&mut unit.conn, &fresh_hash, session).await?;
    store::sessions::note_use(&mut unit.conn, session, &origin, now, now.plus(idle_ms)).await?;
    Ok(Traded::For { user, session })
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
        let vouched_at = std::time::Instant::now();
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
        let live = store::sessions::live(&mut conn, &own, (self.clock)()).await?;
        let mut guests = store::accounts::by_external_ids(&mut conn, &hosts).await?;
        drop(conn);
        self.create_missing(claims, &mut guests).await?;
        Ok(claims
            .iter()
            .map(|claim| match claim {
                Claim::Own { user, session } => match accounts.get(user) {
                    Some(account) if account.active && live.contains(session) => {
                        Ok(arrival(account, account.role, Some(*session), vouched_at))
                    }
                    _ => Err(tokens::refused("The session is over. Log in again.")),
                },
                Claim::Host { external_id, role, .. } => match guests.get(external_id) {
                    Some(account) if account.active => {
                        Ok(arrival(account, role.unwrap_or(account.role), None, vouched_at))
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
            if let Claim::Host { external_id, username, role } = claim
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
            .change(None, None, move |unit| {
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

fn arrival(
    account: &Account,
    role: ServerRole,
    session: Option<SessionId>,
    vouched_at: std::time::Instant,
) -> Arc<Arrival> {
    let speaker = Speaker {
        user: account.id,
        username: account.username.clone(),
        shown_name: account.shown_name(),
        role,
        session,
    };
    Arc::new(Arrival { speaker, account: account.clone(), vouched_at })
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
    let new = store::accounts::New {
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
            .change(None, None, move |unit| {
                Box::pin(async move {
                    let now = unit.now;
                    if !store::sessions::end(&mut unit.conn, session, user, now).await? {
                        return Err(Error::not_found("session"));
                    }
                    unit.order(Order::SessionEnded { user, session });
                    Ok(())
                })
            })
            .await?;
        self.speakers.invalidate(&Claim::Own { user, session }).await;
        Ok(Reply::Done)
    }

    pub(crate) async fn change_password(&self, current: String, new: String) -> Result<Reply> {
        let user = self.speaker.user;
        let address = format!("change of {user}");
        crate::passwords::check("new", &new, &self.speaker.username)?;
        let attempt = self.throttle.log_in(&self.speaker.username, &address, self.engine.now())?;
        let stored = store::accounts::password_of(&mut self.db.read().await?, user).await?;
        if !self.hasher.verify(current, stored).await? {
            attempt.failed();
            return Err(Error {
                field: Some("/current".into()),
                ..Error::new(ErrorCode::BadCredentials, "The present password is wrong.")
            });
        }
        drop(attempt);
        let hash = self.hasher.hash(new).await?;
        self.set_password(user, hash, self.speaker.session).await?;
        Ok(Reply::Done)
    }

    /// Stores a password hash and ends all sessions but one.
    pub(crate) async fn set_password(&self, user: UserId, hash: String, except: Option<SessionId>) -> Result<()> {
        set_password(&self.engine, user, hash, except).await
    }
}

pub(crate) async fn set_password(engine: &Engine, user: UserId, hash: String, except: Option<SessionId>) -> Result<()> {
    engine
        .inner
        .writer
        .change(None, None, move |unit| {
            Box::pin(async move {
                let now: Millis = unit.now;
                store::accounts::set_password(&mut unit.conn, user, &hash).await?;
                store::sessions::end_others(&mut unit.conn, user, except, now).await?;
                unit.order(Order::SessionsEnded { user, except });
                Ok(())
            })
        })
        .await?;
    engine.inner.speakers.invalidate_all();
    Ok(())
}
