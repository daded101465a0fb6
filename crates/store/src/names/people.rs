//! The keys of people's names.

use chat::{
    AccountFact, Millis, UserId,
    accounts::{Account, Profile},
    names::{compared, look_alike, mended},
};

use super::{BATCH, Found, Settled, keyed, note, search_key};
use crate::{
    Conn, Result, account_changes, accounts,
    invalidations::{self, Invalidation},
};

statements! {
    STALE = "SELECT id FROM users WHERE id > $1 AND ($2 = 1 OR keyed IS DISTINCT FROM
                 username || '|' || COALESCE(email, '') || '|' || COALESCE(display_name, '') || '|' || COALESCE(first_name, '') \
                 || '|' || COALESCE(last_name, '')) ORDER BY id LIMIT CAST($3 AS BIGINT)";
    OF_LOOK = "SELECT id FROM users WHERE look_key = $1 AND id <> $2";
    FREE_LOOK = "UPDATE users SET look_key = NULL WHERE id = $1";
    KEYS = "UPDATE users SET look_key = $2, search_key = $3, mail_key = $4, keyed = $5 WHERE id = $1";
}

/// Makes the keys of the next accounts after this id; the last of them, if there may be more.
pub(super) async fn settle(
    conn: &mut Conn,
    after: i64,
    all: bool,
    (node, now): (i64, Millis),
    settled: &mut Settled,
) -> Result<Option<i64>> {
    // Nobody opens an account meanwhile, nor settles names on another node.
    conn.before_making("user").await?;
    let ids = sql!(conn, fetch_all as (i64,), STALE, after, i64::from(all), BATCH)?;
    let ids: Vec<UserId> = ids.into_iter().map(|(id,)| UserId(id)).collect();
    let mut people = accounts::by_ids(conn, &ids).await?;
    people.sort_unstable_by_key(|account| account.id);
    let mut changed = Vec::new();
    for mut account in people {
        if clean(conn, &mut account).await? {
            settled.cleaned += 1;
            changed.push(Invalidation::Account(account.id, account.rev));
        }
        put_keys(conn, &account, all, now, settled).await?;
        settled.keyed += 1;
    }
    invalidations::add(conn, &changed, node, now).await?;
    Ok(ids.last().map(|id| id.0))
}

/// A profile without what is not to be seen in it.
pub(crate) fn cleaned(p: &Profile) -> Profile {
    let of = |text: &Option<String>| text.as_deref().and_then(mended);
    Profile {
        display_name: of(&p.display_name),
        first_name: of(&p.first_name),
        last_name: of(&p.last_name),
        birth_date: p.birth_date.clone(),
        profession: of(&p.profession),
        city: of(&p.city),
        language: of(&p.language),
        time_zone: of(&p.time_zone),
        status_message: of(&p.status_message),
    }
}

/// Cleans an account's profile, and records the change; whether there was one.
async fn clean(conn: &mut Conn, account: &mut Account) -> Result<bool> {
    let profile = cleaned(&account.profile);
    if profile == account.profile {
        return Ok(false);
    }
    account.profile = profile;
    account.rev = account_changes::next_number(conn, account.id).await?;
    accounts::set_profile(conn, account.id, &account.profile, account.rev).await?;
    let fact = AccountFact::ProfileChanged(Box::new(account.clone()));
    account_changes::note(conn, account.id, account.rev, &fact).await?;
    Ok(true)
}

async fn put_keys(conn: &mut Conn, account: &Account, all: bool, now: Millis, settled: &mut Settled) -> Result<()> {
    let id = account.id.0;
    let mut look = Some(look_alike(&account.username));
    if let Some((other,)) = sql!(conn, fetch_optional as (i64,), OF_LOOK, look.as_deref(), id)? {
        // The older one has it; the keys of a newer one are made anew later.
        if all && other > id {
            sql!(conn, execute, FREE_LOOK, other)?;
        } else {
            settled.alike += 1;
            let found = Found { noun: "user", subject: id, what: "alike", was: None, name: None, other };
            note(conn, &found, now).await?;
            look = None;
        }
    }
    let (email, profile) = (account.email.as_deref(), &account.profile);
    let search = search_key(&account.username, profile);
    sql!(conn, execute, KEYS, id, look, search, email.map(compared), keyed(&account.username, email, profile))?;
    Ok(())
}
