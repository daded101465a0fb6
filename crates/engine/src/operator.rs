//! What the operator does from the command line: the same changes, by the right of having the machine.

use chat::{
    Error, ErrorCode, Reply, Result, UserId,
    accounts::{Account, Profile, ServerRole, Speaker},
    conversations::{Conversation, Visibility},
    sessions::{Origin, Tokens},
};

use crate::{Call, Engine, accounts, passwords, sessions};

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
    passwords::check("password", &password, username)?;
    let hash = engine.inner.hasher.hash(password).await?;
    accounts::create(engine, username.to_owned(), email, Some(hash), role, Profile::default()).await
}

/// A page of all accounts, by id, after `after`.
///
/// # Errors
/// The store's.
pub async fn list_users(engine: &Engine, after: UserId, limit: i64) -> Result<Vec<Account>> {
    Ok(store::accounts::all(&mut engine.inner.db.read().await?, after, limit).await?)
}

/// The account of this name.
///
/// # Errors
/// `not_found`, or the store's.
pub async fn find_user(engine: &Engine, username: &str) -> Result<Account> {
    let found = store::accounts::by_name(&mut engine.inner.db.read().await?, username).await?;
    found.ok_or_else(|| Error::new(ErrorCode::NotFound, format!("There is no user called {username}.")))
}

/// Gives an account another password and ends its sessions.
///
/// # Errors
/// As for a change of password.
pub async fn set_password(engine: &Engine, username: &str, password: String) -> Result<()> {
    let account = find_user(engine, username).await?;
    passwords::check("password", &password, &account.username)?;
    let hash = engine.inner.hasher.hash(password).await?;
    sessions::set_password(engine, account.id, hash, None).await
}

/// Gives an account another server role.
///
/// # Errors
/// `not_found`, or the store's.
pub async fn set_role(engine: &Engine, username: &str, role: ServerRole) -> Result<()> {
    let account = find_user(engine, username).await?;
    accounts::set_role(engine, None, account.id, role).await
}

/// Begins a session for an account, for programs and trials.
///
/// # Errors
/// `not_found`, or the store's.
pub async fn token(engine: &Engine, username: &str) -> Result<Tokens> {
    let account = find_user(engine, username).await?;
    if !account.active {
        return Err(Error::forbidden(format!("The account of {username} is deactivated.")));
    }
    let origin = Origin { agent: Some("palabre user token".into()), address: None };
    sessions::begin(engine, account, origin).await
}

/// How many active administrators there are.
///
/// # Errors
/// The store's.
pub async fn count_admins(engine: &Engine) -> Result<i64> {
    Ok(store::accounts::admins(&mut engine.inner.db.read().await?).await?)
}

/// Opens a room in the name of its owner.
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

/// A page of all rooms, by name, after `after`.
///
/// # Errors
/// The store's.
pub async fn list_rooms(engine: &Engine, after: &str, limit: i64) -> Result<Vec<Conversation>> {
    Ok(store::conversations::all_rooms(&mut engine.inner.db.read().await?, after, limit).await?)
}
