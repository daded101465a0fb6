//! Changes that the operator makes from the command line: the same ones, by the right of having the machine.

mod import;

use chat::{
    ConversationId, Error, ErrorCode, Reply, Result, UserId,
    accounts::{Account, Profile, ServerRole, Speaker},
    conversations::{Conversation, Visibility},
    sessions::{Origin, Tokens},
};

use crate::{
    Call, Engine,
    accounts::{self, Opening, Right},
    jobs,
    passwords::{self, Share, Visitor},
    sessions,
};

pub use import::{Import, Outcome, Person};
pub use store::{jobs::Failed, search::Status};

const OPERATOR: Visitor = Visitor { share: Share::Operator, account: None };

/// Opens an account.
///
/// # Errors
/// As for a registration.
pub async fn add_user(
    engine: &Engine,
    username: &str,
    email: Option<String>,
    password: String,
    role: ServerRole,
) -> Result<Account> {
    accounts::check_username(username)?;
    passwords::check("password", &password, &engine.inner.about(username, email.as_deref()))?;
    let hash = accounts::hashed(engine, OPERATOR, password, email.as_deref()).await?;
    let (username, right) = (username.to_owned(), Right::Operator(role));
    accounts::create(engine, Opening { username, email, hash, right, profile: Profile::default() }).await
}

/// A page of all accounts, by id, after `after`.
///
/// # Errors
/// The store's.
pub async fn list_users(engine: &Engine, after: UserId, limit: i64) -> Result<Vec<Account>> {
    Ok(store::accounts::all(&mut *engine.inner.db.read().await?, after, limit).await?)
}

/// The account of this name.
///
/// # Errors
/// `not_found`, or the store's.
pub async fn find_user(engine: &Engine, username: &str) -> Result<Account> {
    let found = store::accounts::by_name(&mut *engine.inner.db.read().await?, username).await?;
    found.ok_or_else(|| Error::new(ErrorCode::NotFound, format!("There is no user called {username}.")))
}

/// Gives an account another password, and ends its sessions.
///
/// # Errors
/// As for a change of password.
pub async fn set_password(engine: &Engine, username: &str, password: String) -> Result<()> {
    let account = find_user(engine, username).await?;
    let email = account.email.as_deref();
    passwords::check("password", &password, &engine.inner.about(&account.username, email))?;
    let hash = accounts::hashed(engine, OPERATOR, password, email).await?;
    sessions::set_password(engine, account.id, None, hash, None).await
}

/// Gives an account another server role.
///
/// # Errors
/// `not_found`, or the store's.
pub async fn set_role(engine: &Engine, username: &str, role: ServerRole) -> Result<()> {
    let account = find_user(engine, username).await?;
    accounts::set_role(engine, None, account.id, role).await
}

/// Begins a session for an account, for scripts and tests.
///
/// # Errors
/// `not_found`, or the store's.
pub async fn token(engine: &Engine, username: &str) -> Result<Tokens> {
    let account = find_user(engine, username).await?;
    let origin = Origin { agent: Some("palabre user token".into()), address: None };
    let begun = sessions::begin(engine, account.id, origin, None, None).await?;
    begun.ok_or_else(|| Error::forbidden(format!("The account of {username} is deactivated.")))?.tokens()
}

/// How many active administrators there are.
///
/// # Errors
/// The store's.
pub async fn count_admins(engine: &Engine) -> Result<i64> {
    Ok(store::accounts::admins(&mut *engine.inner.db.read().await?).await?)
}

/// Opens a room on behalf of its owner.
///
/// # Errors
/// As for the owner themself.
pub async fn create_room(
    engine: &Engine,
    owner: &str,
    name: String,
    topic: Option<String>,
    visibility: Visibility,
) -> Result<Conversation> {
    let account = find_user(engine, owner).await?;
    let speaker = Speaker {
        user: account.id,
        shown_name: account.shown_name(),
        username: account.username,
        role: account.role,
        session: None,
    };
    let call = Call { engine: engine.clone(), speaker, origin: None };
    match call.create_room(name, topic, visibility, None).await? {
        Reply::Conversation(listed) => Ok(listed.conversation),
        _ => Err(Error::internal()),
    }
}

/// At most `limit` jobs that were given up, the oldest first.
///
/// # Errors
/// The store's.
pub async fn failed_jobs(engine: &Engine, limit: i64) -> Result<Vec<Failed>> {
    Ok(store::jobs::failed(&mut *engine.inner.db.read().await?, limit).await?)
}

/// The number of waiting jobs, and of those that were given up.
///
/// # Errors
/// The store's.
pub async fn count_jobs(engine: &Engine) -> Result<(i64, i64)> {
    Ok(store::jobs::counts(&mut *engine.inner.db.read().await?).await?)
}

/// How the index for searching stands.
///
/// # Errors
/// The store's.
pub async fn search_status(engine: &Engine) -> Result<Status> {
    Ok(store::search::status(&engine.inner.db).await?)
}

/// Empties the index for searching; whoever follows makes it anew.
///
/// # Errors
/// The store's.
pub async fn clear_search(engine: &Engine) -> Result<()> {
    Ok(store::search::clear(&engine.inner.db).await?)
}

/// Has a job that was given up tried again. Whether there was one of this kind and subject.
///
/// # Errors
/// The store's.
pub async fn retry_job(engine: &Engine, kind: String, subject: i64) -> Result<bool> {
    let work = engine.inner.writer.change(&[], None, move |unit| {
        Box::pin(async move {
            let now = jobs::now(unit).await?;
            Ok(store::jobs::again(&mut unit.conn, &kind, subject, now).await?)
        })
    });
    work.await
}

/// A page of all rooms, by name and id, after that of this name and id.
///
/// # Errors
/// The store's.
pub async fn list_rooms(engine: &Engine, after: (&str, ConversationId), limit: i64) -> Result<Vec<Conversation>> {
    Ok(store::conversations::all_rooms(&mut *engine.inner.db.read().await?, after, limit).await?)
}
