//! Policies and grants: rows and statements. A membership is read together with both ([`crate::members`]), and so is
//! what a send needs of them ([`crate::appends`]).

use std::collections::BTreeMap;

use chat::{
    ConversationId, Millis, Number, UserId,
    members::Role,
    policies::{Ability, Grant, Policy},
};
use sqlx::FromRow;

use crate::{Conn, Error, Result, unreadable};

const TABLE: &str = "policies";

statements! {
    OF = "SELECT rules FROM policies WHERE conversation_id = $1";
    SET = "INSERT INTO policies (conversation_id, rules) VALUES ($1, $2)
           ON CONFLICT (conversation_id) DO UPDATE SET rules = excluded.rules";
    GRANTS = "SELECT ability, given, ends_at FROM grants WHERE conversation_id = $1 AND user_id = $2";
    GRANT = "INSERT INTO grants (conversation_id, user_id, ability, given, ends_at) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (conversation_id, user_id, ability) DO UPDATE SET given = excluded.given, ends_at = excluded.ends_at";
    SEE_FROM = "UPDATE members SET visible_from = $3 WHERE conversation_id = $1 AND user_id = $2";
}

#[derive(FromRow)]
struct GrantRow {
    ability: String,
    given: i64,
    ends_at: Option<i64>,
}

/// The grant of a row; nothing for an ability that this program does not know.
pub(crate) fn read_grant(ability: &str, given: i64, ends_at: Option<i64>) -> Option<Grant> {
    let ability = Ability::from_name(ability)?;
    Some(Grant { ability, given: given == 1, ends_at: ends_at.map(Millis) })
}

/// The policy of a row's rules. One that cannot be read is a closed one; abilities that this program does not know are
/// left out.
pub(crate) fn read_rules(rules: Option<&str>, conversation: i64) -> Policy {
    let Some(rules) = rules else { return Policy::default() };
    parse_rules(rules).unwrap_or_else(|| {
        unreadable::note(TABLE, conversation, "rules");
        Policy::closed()
    })
}

fn parse_rules(rules: &str) -> Option<Policy> {
    let rules: BTreeMap<String, String> = serde_json::from_str(rules).ok()?;
    let mut policy = Policy::default();
    for (ability, role) in rules {
        let role = Role::from_name(&role)?;
        if let Some(ability) = Ability::from_name(&ability) {
            policy.set(ability, Some(role));
        }
    }
    Some(policy)
}

/// The policy of a conversation; the default if it has no row.
///
/// # Errors
/// Those of the database.
pub async fn of(conn: &mut Conn, conversation: ConversationId) -> Result<Policy> {
    let found = sql!(conn, fetch_optional as (String,), OF, conversation.0)?;
    Ok(read_rules(found.as_ref().map(|(rules,)| rules.as_str()), conversation.0))
}

/// Gives a conversation this policy.
///
/// # Errors
/// Those of the database.
pub async fn set(conn: &mut Conn, conversation: ConversationId, policy: &Policy) -> Result<()> {
    let rules: BTreeMap<&str, &str> =
        policy.rules().iter().map(|(ability, role)| (ability.name(), role.name())).collect();
    let rules =
        serde_json::to_string(&rules).map_err(|e| Error::Other(format!("a policy could not be written: {e}")))?;
    sql!(conn, execute, SET, conversation.0, rules)?;
    Ok(())
}

/// The grants to this person here and the withdrawals, of members and others, ended or not.
///
/// # Errors
/// Those of the database.
pub async fn grants(conn: &mut Conn, conversation: ConversationId, user: UserId) -> Result<Vec<Grant>> {
    let rows = sql!(conn, fetch_all as GrantRow, GRANTS, conversation.0, user.0)?;
    Ok(rows.into_iter().filter_map(|row| read_grant(&row.ability, row.given, row.ends_at)).collect())
}

/// Gives an ability to this person here, or withdraws it from them; what was said of it before counts no more.
///
/// # Errors
/// Those of the database.
pub async fn grant(conn: &mut Conn, conversation: ConversationId, user: UserId, grant: Grant) -> Result<()> {
    let (given, ends_at) = (i64::from(grant.given), grant.ends_at.map(|end| end.0));
    sql!(conn, execute, GRANT, conversation.0, user.0, grant.ability.name(), given, ends_at)?;
    Ok(())
}

/// Lets a member see nothing that was said before this number. Joining anew forgets it.
///
/// # Errors
/// Those of the database.
pub async fn see_from(conn: &mut Conn, conversation: ConversationId, user: UserId, from: Number) -> Result<()> {
    sql!(conn, execute, SEE_FROM, conversation.0, user.0, from.0)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_that_cannot_be_read_let_nobody_but_owners_do_anything() {
        for wrong in ["", "[]", "{\"post\":1}", "{\"post\":\"king\"}"] {
            assert_eq!(read_rules(Some(wrong), 1), Policy::closed(), "{wrong}");
        }
        assert_eq!(read_rules(Some("{\"levitate\":\"owner\"}"), 1), Policy::default(), "of a later program");
        assert_eq!(read_rules(None, 1), Policy::default());
    }
}
