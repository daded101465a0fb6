//! Accounts: rows and statements.

use chat::{
    FileId, Millis, Number, UserId,
    accounts::{Account, Profile, ServerRole},
    names::{compared, look_alike},
};

use sqlx::FromRow;

use crate::{
    Conn, Result, account_changes,
    appends::json_ids,
    names::{self, Sought},
    unreadable::{Rest, Salvage},
};

/// The columns of [`Row`].
macro_rules! columns {
    () => {
        "id, username, email, role, display_name, first_name, last_name, birth_date, profession, city, language, time_zone, status_message, avatar, card_rev, created_at, last_seen_at, deactivated_at"
    };
}

statements! {
    CREATE = "INSERT INTO users (id, username, username_key, email, mail_key, password_hash, role, display_name, \
                                 first_name, last_name, birth_date, profession, city, language, time_zone, status_message, created_at, \
                                 look_key, search_key, keyed)
              VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)";
    BY_ID = concat!("SELECT ", columns!(), " FROM users WHERE id = $1");
    BY_NAME = concat!("SELECT ", columns!(), " FROM users WHERE username_key = $1");
    BY_IDS = concat!("SELECT ", columns!(), " FROM users
             WHERE id IN (SELECT CAST(j.value ->> 'v' AS BIGINT) FROM json_each($1) AS j)");
    BY_LOOK = "SELECT id FROM users WHERE look_key = $1";
    /// Every word that is looked for must begin a word of a name.
    PAGE = concat!("SELECT ", columns!(), " FROM users
             WHERE id > $1 AND deactivated_at IS NULL AND ", names_hold!("$2", "$3", "username_key"), " ORDER BY id LIMIT CAST($4 AS BIGINT)");
    SEARCH = concat!("SELECT ", columns!(), " FROM users
             WHERE id > $1 AND ((", names_hold!("$2", "$3", "username_key"), ") OR mail_key LIKE $4 ESCAPE '\\' OR email_key LIKE $4 ESCAPE '\\')
             ORDER BY id LIMIT CAST($5 AS BIGINT)");
    ALL = concat!("SELECT ", columns!(), " FROM users WHERE id > $1 ORDER BY id LIMIT CAST($2 AS BIGINT)");
    PASSWORD_BY_NAME = "SELECT id, password_hash FROM users WHERE username_key = $1 AND password_hash IS NOT NULL";
    // A program of the version before writes `email_key` alone.
    PASSWORDS_BY_MAIL = "SELECT id, password_hash FROM users WHERE (mail_key = $1 OR email_key = $1) AND password_hash IS NOT NULL
                         AND deactivated_at IS NULL ORDER BY id LIMIT 1000";
    PASSWORD_OF = "SELECT id, password_hash FROM users WHERE id = $1";
    SET_PASSWORD = "UPDATE users SET password_hash = $2 WHERE id = $1";
    // They change nothing: whoever changes the account meanwhile, on another node, waits or is waited for.
    HOLD = "UPDATE users SET password_hash = password_hash WHERE id = $1 AND deactivated_at IS NULL";
    HOLD_PASSWORD = "UPDATE users SET password_hash = password_hash WHERE id = $1 AND deactivated_at IS NULL AND password_hash = $2";
    CHANGE_PASSWORD = "UPDATE users SET password_hash = $3 WHERE id = $1 AND password_hash = $2";
    SET_PROFILE = "UPDATE users SET display_name = $2, first_name = $3, last_name = $4, birth_date = $5, profession = $6, city = $7, \
                                    language = $8, time_zone = $9, status_message = $10, card_rev = $11, search_key = $12, keyed = $13 \
                   WHERE id = $1";
    RENAME = "UPDATE users SET username = $2, username_key = $3, look_key = $4, search_key = $5, keyed = $6 WHERE id = $1";
    // A program of the version before looks for `email_key` as well.
    SET_EMAIL = "UPDATE users SET email = $3, mail_key = $4, email_key = NULL, password_hash = $5, card_rev = $6
                 WHERE id = $1 AND password_hash = $2";
    IMPORT_EMAIL = "UPDATE users SET email = $2, mail_key = $3 WHERE id = $1";
    NAMED = "SELECT username, email FROM users WHERE id = $1";
    SET_ROLE = "UPDATE users SET role = $2 WHERE id = $1";
    SET_DEACTIVATED = "UPDATE users SET deactivated_at = $2 WHERE id = $1";
    SET_LAST_SEEN = "UPDATE users SET last_seen_at = $2 WHERE id IN (SELECT CAST(j.value ->> 'v' AS BIGINT) FROM json_each($1) AS j)";
    ADMINS = "SELECT COUNT(*) FROM users WHERE role = 'admin' AND deactivated_at IS NULL";
}

#[derive(FromRow)]
pub(crate) struct Row {
    id: i64,
    username: String,
    email: Option<String>,
    role: String,
    display_name: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    birth_date: Option<String>,
    profession: Option<String>,
    city: Option<String>,
    language: Option<String>,
    time_zone: Option<String>,
    status_message: Option<String>,
    avatar: Option<String>,
    card_rev: i64,
    created_at: i64,
    last_seen_at: Option<i64>,
    deactivated_at: Option<i64>,
}

impl Row {
    pub(crate) fn read(self) -> Result<Account> {
        // An unreadable role counts as the least one: nobody may do more than they should.
        let role = ServerRole::from_name(&self.role).unwrap_or_else(|| {
            crate::unreadable::note("users", self.id, "role");
            ServerRole::Guest
        });
        Ok(Account {
            id: UserId(self.id),
            username: self.username,
            email: self.email,
            role,
            active: self.deactivated_at.is_none(),
            profile: Profile {
                display_name: self.display_name,
                first_name: self.first_name,
                last_name: self.last_name,
                birth_date: self.birth_date,
                profession: self.profession,
                city: self.city,
                language: self.language,
                time_zone: self.time_zone,
                status_message: self.status_message,
            },
            avatar: self.avatar.as_deref().and_then(FileId::parse),
            rev: Number(self.card_rev),
            created_at: Millis(self.created_at),
            last_seen_at: self.last_seen_at.map(Millis),
        })
    }
}

/// A text that cannot be read costs its field and not the account: nobody is shut out for a damaged byte in their city.
impl Salvage for Row {
    fn salvage(rest: &Rest) -> Option<Self> {
        let id = rest.number("id")?;
        Some(Self {
            id,
            username: rest.text("username").unwrap_or_else(|| format!("user {id}")),
            email: rest.text("email"),
            role: rest.text("role").unwrap_or_default(),
            display_name: rest.text("display_name"),
            first_name: rest.text("first_name"),
            last_name: rest.text("last_name"),
            birth_date: rest.text("birth_date"),
            profession: rest.text("profession"),
            city: rest.text("city"),
            language: rest.text("language"),
            time_zone: rest.text("time_zone"),
            status_message: rest.text("status_message"),
            avatar: rest.text("avatar"),
            card_rev: rest.number("card_rev").unwrap_or_default(),
            created_at: rest.number("created_at").unwrap_or_default(),
            last_seen_at: rest.number("last_seen_at"),
            // A text there is no time; but whoever was deactivated stays so.
            deactivated_at: rest.number("deactivated_at").or_else(|| rest.text("deactivated_at").map(|_| 0)),
        })
    }
}

/// The contents of a new account.
pub struct NewAccount<'a> {
    /// Its id, if it was taken before with [`next_id`]; else the next.
    pub id: Option<UserId>,
    /// Its name.
    pub username: &'a str,
    /// Its mail address, which others may name as well.
    pub email: Option<&'a str>,
    /// The hashed password (PHC string), absent for a host application's users.
    pub password_hash: Option<&'a str>,
    /// Its role.
    pub role: ServerRole,
    /// Its profile.
    pub profile: &'a Profile,
}

/// Takes the id of an account that is to be stored.
///
/// # Errors
/// Those of the database.
pub async fn next_id(conn: &mut Conn) -> Result<UserId> {
    conn.next_id("user").await.map(UserId)
}

/// Stores a new account.
///
/// # Errors
/// [`crate::Error::Conflict`] if its name is taken.
pub async fn create(conn: &mut Conn, new: &NewAccount<'_>, now: Millis) -> Result<UserId> {
    let id = match new.id {
        Some(id) => id.0,
        None => next_id(conn).await?.0,
    };
    // Also of those whose names come from elsewhere, such as a host application.
    let p = &names::people::cleaned(new.profile);
    // One that looks like an older one is found by its name and by nothing that both have in common.
    let look = if is_look_alike(conn, new.username).await? { None } else { Some(look_alike(new.username)) };
    sql!(
        conn,
        execute,
        CREATE,
        id,
        new.username,
        compared(new.username),
        new.email,
        new.email.map(compared),
        new.password_hash,
        new.role.name(),
        p.display_name.as_deref(),
        p.first_name.as_deref(),
        p.last_name.as_deref(),
        p.birth_date.as_deref(),
        p.profession.as_deref(),
        p.city.as_deref(),
        p.language.as_deref(),
        p.time_zone.as_deref(),
        p.status_message.as_deref(),
        now.0,
        look,
        names::search_key(new.username, p),
        names::keyed(new.username, new.email, p)
    )?;
    account_changes::begin(conn, UserId(id)).await?;
    Ok(UserId(id))
}

/// Whether there is an account whose name looks like this one, or is the same.
///
/// # Errors
/// Those of the database.
pub async fn is_look_alike(conn: &mut Conn, username: &str) -> Result<bool> {
    Ok(sql!(conn, fetch_optional as (i64,), BY_LOOK, look_alike(username))?.is_some())
}

/// The account of this id.
///
/// # Errors
/// Those of the database.
pub async fn by_id(conn: &mut Conn, id: UserId) -> Result<Option<Account>> {
    sql!(conn, salvage as Row, BY_ID, id.0)?.pop().map(Row::read).transpose()
}

/// The account of this name.
///
/// # Errors
/// Those of the database.
pub async fn by_name(conn: &mut Conn, username: &str) -> Result<Option<Account>> {
    sql!(conn, salvage as Row, BY_NAME, compared(username))?.pop().map(Row::read).transpose()
}

/// The accounts of these ids, in no order.
///
/// # Errors
/// Those of the database.
pub async fn by_ids(conn: &mut Conn, ids: &[UserId]) -> Result<Vec<Account>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    sql!(conn, salvage as Row, BY_IDS, json_ids(ids.iter().map(|u| u.0))?)?.into_iter().map(Row::read).collect()
}

/// Active accounts with ids after `after`, of whose names every word of `search` begins one; all if there is none.
///
/// # Errors
/// Those of the database.
pub async fn page(conn: &mut Conn, search: &str, after: UserId, limit: i64) -> Result<Vec<Account>> {
    let sought = Sought::new(search)?;
    sql!(conn, salvage as Row, PAGE, after.0, sought.longest, sought.all, limit)?.into_iter().map(Row::read).collect()
}

/// The same of all accounts, and those whose mail address begins with `search`.
///
/// # Errors
/// Those of the database.
pub async fn search(conn: &mut Conn, search: &str, after: UserId, limit: i64) -> Result<Vec<Account>> {
    let (sought, mail) = (Sought::new(search)?, names::beginning_with(&compared(search)));
    sql!(conn, salvage as Row, SEARCH, after.0, sought.longest, sought.all, mail, limit)?
        .into_iter()
        .map(Row::read)
        .collect()
}

/// All accounts, for administrators and the operator.
///
/// # Errors
/// Those of the database.
pub async fn all(conn: &mut Conn, after: UserId, limit: i64) -> Result<Vec<Account>> {
    sql!(conn, salvage as Row, ALL, after.0, limit)?.into_iter().map(Row::read).collect()
}

/// The people who may log in under this username or mail address, each with their password hash: one by their username,
/// or all active ones who name the address, the oldest account first.
///
/// # Errors
/// Those of the database.
pub async fn passwords(conn: &mut Conn, name: &str) -> Result<Vec<(UserId, String)>> {
    let key = compared(name);
    // No username has this sign.
    let rows = if key.contains('@') {
        sql!(conn, fetch_all as (i64, String), PASSWORDS_BY_MAIL, key)?
    } else {
        sql!(conn, fetch_all as (i64, String), PASSWORD_BY_NAME, key)?
    };
    Ok(rows.into_iter().map(|(id, hash)| (UserId(id), hash)).collect())
}

/// The password hash of an account.
///
/// # Errors
/// Those of the database.
pub async fn password_of(conn: &mut Conn, id: UserId) -> Result<Option<String>> {
    Ok(sql!(conn, fetch_optional as (i64, Option<String>), PASSWORD_OF, id.0)?.and_then(|(_, hash)| hash))
}

/// Stores another password hash.
///
/// # Errors
/// Those of the database.
pub async fn set_password(conn: &mut Conn, id: UserId, hash: &str) -> Result<()> {
    sql!(conn, execute, SET_PASSWORD, id.0, hash)?;
    Ok(())
}

/// Holds an account as it is until the end of this transaction; false if it is not active, or its password hash is
/// another than this one.
///
/// # Errors
/// Those of the database.
pub async fn hold(conn: &mut Conn, id: UserId, hash: Option<&str>) -> Result<bool> {
    let held = match hash {
        Some(hash) => sql!(conn, execute, HOLD_PASSWORD, id.0, hash)?,
        None => sql!(conn, execute, HOLD, id.0)?,
    };
    Ok(held > 0)
}

/// Stores another password hash in place of this one; false if it is another by now.
///
/// # Errors
/// Those of the database.
pub async fn change_password(conn: &mut Conn, id: UserId, from: &str, to: &str) -> Result<bool> {
    Ok(sql!(conn, execute, CHANGE_PASSWORD, id.0, from, to)? > 0)
}

/// Gives another username to an account that nobody has used yet, and that was made for somebody who was named before
/// they came. Otherwise a username never changes.
///
/// # Errors
/// [`crate::Error::Conflict`] if the name is taken.
pub async fn rename(conn: &mut Conn, id: UserId, username: &str) -> Result<()> {
    let Some(account) = by_id(conn, id).await? else { return Ok(()) };
    let look = if is_look_alike(conn, username).await? { None } else { Some(look_alike(username)) };
    let (email, profile) = (account.email.as_deref(), &account.profile);
    let (search, keyed) = (names::search_key(username, profile), names::keyed(username, email, profile));
    sql!(conn, execute, RENAME, id.0, username, compared(username), look, search, keyed)?;
    Ok(())
}

/// Stores another mail address under this number of the account, with the password's hash for it in place of `from`;
/// false if the hash is another by now.
///
/// # Errors
/// Those of the database.
pub async fn set_email(
    conn: &mut Conn,
    id: UserId,
    from: &str,
    email: Option<&str>,
    to: &str,
    rev: Number,
) -> Result<bool> {
    Ok(sql!(conn, execute, SET_EMAIL, id.0, from, email, email.map(compared), to, rev.0)? > 0)
}

/// Stores the email address that an import names.
///
/// # Errors
/// Those of the database.
pub async fn import_email(conn: &mut Conn, id: UserId, email: Option<&str>) -> Result<()> {
    sql!(conn, execute, IMPORT_EMAIL, id.0, email, email.map(compared))?;
    Ok(())
}

/// Stores a profile, which was changed under this number of its account.
///
/// # Errors
/// Those of the database.
pub async fn set_profile(conn: &mut Conn, id: UserId, p: &Profile, rev: Number) -> Result<()> {
    let Some((username, email)) = sql!(conn, fetch_optional as (String, Option<String>), NAMED, id.0)? else {
        return Ok(());
    };
    sql!(
        conn,
        execute,
        SET_PROFILE,
        id.0,
        p.display_name.as_deref(),
        p.first_name.as_deref(),
        p.last_name.as_deref(),
        p.birth_date.as_deref(),
        p.profession.as_deref(),
        p.city.as_deref(),
        p.language.as_deref(),
        p.time_zone.as_deref(),
        p.status_message.as_deref(),
        rev.0,
        names::search_key(&username, p),
        names::keyed(&username, email.as_deref(), p)
    )?;
    Ok(())
}

/// Gives an account another server role.
///
/// # Errors
/// Those of the database.
pub async fn set_role(conn: &mut Conn, id: UserId, role: ServerRole) -> Result<()> {
    sql!(conn, execute, SET_ROLE, id.0, role.name())?;
    Ok(())
}

/// Deactivates an account at this moment, or brings it back.
///
/// # Errors
/// Those of the database.
pub async fn set_deactivated(conn: &mut Conn, id: UserId, at: Option<Millis>) -> Result<()> {
    sql!(conn, execute, SET_DEACTIVATED, id.0, at.map(|a| a.0))?;
    Ok(())
}

/// Notes when people were last here.
///
/// # Errors
/// Those of the database.
pub async fn set_last_seen(conn: &mut Conn, ids: &[UserId], at: Millis) -> Result<()> {
    sql!(conn, execute, SET_LAST_SEEN, json_ids(ids.iter().map(|u| u.0))?, at.0)?;
    Ok(())
}

/// How many active administrators there are.
///
/// # Errors
/// Those of the database.
pub async fn admins(conn: &mut Conn) -> Result<i64> {
    let (count,) = sql!(conn, fetch_one as (i64,), ADMINS)?;
    Ok(count)
}
