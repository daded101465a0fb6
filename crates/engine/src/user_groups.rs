//! User groups: kept by the server's moderators and administrators, and named by everybody. Which groups a person
//! belongs to is numbered in their account; the list of all is asked for by the number of its last change.

use chat::{
    AccountFact, Error, ErrorCode, Number, Reply, Result, Scope, UserGroupId, UserId, permission,
    user_groups::UserGroupPeople,
};
use store::{Conn, Unit};

use crate::{Call, accounts::check_calling};

/// Characters of a name.
const NAME: std::ops::RangeInclusive<usize> = 2..=50;

impl Call {
    /// All groups. Everybody may know their names, who may be called by them.
    pub(crate) async fn user_groups(&self, rev: Option<Number>) -> Result<Reply> {
        let mut conn = self.db.read().await?;
        Ok(Reply::UserGroups(store::user_groups::all(&mut conn, self.speaker.user, rev).await?))
    }

    /// A group with its people. Guests know only the people with whom they share a conversation.
    pub(crate) async fn user_group(&self, group: UserGroupId) -> Result<Reply> {
        if !permission::may_roam(self.speaker.role) {
            return Err(Error::forbidden("Guests may not list people."));
        }
        self.group_reply(&mut *self.db.read().await?, group).await
    }

    pub(crate) async fn create_user_group(&self, name: String, people: Vec<UserId>) -> Result<Reply> {
        check_name(&name)?;
        let (call, people) = (self.clone(), self.checked_people(people)?);
        self.require_may_keep_groups()?;
        self.change(&scopes(&people), move |unit| {
            Box::pin(async move {
                call.require_room_for_group(&mut unit.conn).await?;
                require_free(unit, &name, None).await?;
                let group = store::user_groups::create(&mut unit.conn, &name, unit.now).await?;
                if !people.is_empty() {
                    store::user_groups::add(&mut unit.conn, group, &people, unit.now).await?;
                }
                tell(unit, &people).await?;
                call.group_reply(&mut unit.conn, group).await
            })
        })
        .await
    }

    pub(crate) async fn rename_user_group(&self, group: UserGroupId, name: String) -> Result<Reply> {
        check_name(&name)?;
        self.require_may_keep_groups()?;
        let call = self.clone();
        self.change(&[], move |unit| {
            Box::pin(async move {
                require_group(&mut unit.conn, group).await?;
                require_free(unit, &name, Some(group)).await?;
                store::user_groups::rename(&mut unit.conn, group, &name).await?;
                call.group_reply(&mut unit.conn, group).await
            })
        })
        .await
    }

    pub(crate) async fn delete_user_group(&self, group: UserGroupId) -> Result<Reply> {
        self.require_may_keep_groups()?;
        // Those whose accounts are numbered must be known before the transaction begins; it compares.
        let people = store::user_groups::people(&mut *self.db.read().await?, group).await?;
        self.change(&scopes(&people), move |unit| {
            Box::pin(async move {
                if store::user_groups::one(&mut unit.conn, UserId(0), group).await?.is_none() {
                    return Ok(Reply::Done);
                }
                if store::user_groups::people(&mut unit.conn, group).await? != people {
                    return Err(changed_meanwhile());
                }
                store::user_groups::delete(&mut unit.conn, group).await?;
                tell(unit, &people).await?;
                Ok(Reply::Done)
            })
        })
        .await
    }

    pub(crate) async fn add_to_user_group(&self, group: UserGroupId, people: Vec<UserId>) -> Result<Reply> {
        let (call, people) = (self.clone(), self.checked_people(people)?);
        self.require_may_keep_groups()?;
        self.change(&scopes(&people), move |unit| {
            Box::pin(async move {
                require_group(&mut unit.conn, group).await?;
                let there = store::user_groups::people(&mut unit.conn, group).await?;
                let new: Vec<UserId> = people.into_iter().filter(|person| !there.contains(person)).collect();
                if new.is_empty() {
                    return call.group_reply(&mut unit.conn, group).await;
                }
                let most = call.settings.limits.user_group_people;
                if i64::try_from(there.len() + new.len()).unwrap_or(i64::MAX) > most {
                    return Err(Error::limit_reached(format!("A user group may have at most {most} people.")));
                }
                store::user_groups::add(&mut unit.conn, group, &new, unit.now).await?;
                tell(unit, &new).await?;
                call.group_reply(&mut unit.conn, group).await
            })
        })
        .await
    }

    pub(crate) async fn remove_from_user_group(&self, group: UserGroupId, people: Vec<UserId>) -> Result<Reply> {
        let (call, people) = (self.clone(), self.checked_people(people)?);
        self.require_may_keep_groups()?;
        self.change(&scopes(&people), move |unit| {
            Box::pin(async move {
                require_group(&mut unit.conn, group).await?;
                let there = store::user_groups::people(&mut unit.conn, group).await?;
                let gone: Vec<UserId> = people.into_iter().filter(|person| there.contains(person)).collect();
                if !gone.is_empty() {
                    store::user_groups::remove(&mut unit.conn, group, &gone).await?;
                    tell(unit, &gone).await?;
                }
                call.group_reply(&mut unit.conn, group).await
            })
        })
        .await
    }

    fn require_may_keep_groups(&self) -> Result<()> {
        if permission::may_keep_user_groups(self.speaker.role) {
            return Ok(());
        }
        Err(Error::forbidden("Only moderators and administrators of the server may keep user groups."))
    }

    /// Each of these people once, no more than a group may have.
    fn checked_people(&self, mut people: Vec<UserId>) -> Result<Vec<UserId>> {
        people.sort_unstable();
        people.dedup();
        let most = self.settings.limits.user_group_people;
        if i64::try_from(people.len()).unwrap_or(i64::MAX) > most {
            return Err(Error::invalid("people", format!("people must have at most {most} entries.")));
        }
        Ok(people)
    }

    async fn require_room_for_group(&self, conn: &mut Conn) -> Result<()> {
        let most = self.settings.limits.user_groups;
        if store::user_groups::count(conn).await? < most {
            return Ok(());
        }
        Err(Error::limit_reached(format!("The server may have at most {most} user groups.")))
    }

    async fn group_reply(&self, conn: &mut Conn, group: UserGroupId) -> Result<Reply> {
        let found = store::user_groups::one(conn, self.speaker.user, group).await?;
        let found = found.ok_or_else(|| Error::not_found("user group"))?;
        let people = store::user_groups::people(conn, group).await?;
        Ok(Reply::UserGroup(UserGroupPeople { group: found, people }))
    }
}

fn scopes(people: &[UserId]) -> Vec<Scope> {
    people.iter().map(|person| (*person).into()).collect()
}

async fn require_group(conn: &mut Conn, group: UserGroupId) -> Result<()> {
    let found = store::user_groups::one(conn, UserId(0), group).await?;
    found.map(|_| ()).ok_or_else(|| Error::not_found("user group"))
}

/// Numbers the accounts of those who belong to other groups than before.
async fn tell(unit: &mut Unit, people: &[UserId]) -> Result<()> {
    for person in people {
        // Whoever is not active, or not there, was not put into the group.
        if store::accounts::by_id(&mut unit.conn, *person).await?.is_none() {
            continue;
        }
        let groups = store::user_groups::of_user(&mut unit.conn, *person).await?;
        let number = unit.next_number_of(*person).await?;
        unit.record_of(*person, number, AccountFact::UserGroupsChanged(groups)).await?;
    }
    Ok(())
}

/// Checks a group's name. It must not end with a hyphen, which a text that calls it would take for a sign behind it.
fn check_name(name: &str) -> Result<()> {
    check_calling("name", name)?;
    let inside = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if NAME.contains(&name.chars().count()) && name.chars().all(inside) && name.trim_matches('-') == name {
        return Ok(());
    }
    Err(Error::invalid("name", "name must have 2 to 50 characters of a-z, A-Z, 0-9, _ and, between them, -."))
}

/// Refuses a name that another group or a person has.
async fn require_free(unit: &mut Unit, name: &str, of: Option<UserGroupId>) -> Result<()> {
    // Nobody opens an account meanwhile, on whatever node.
    unit.conn.before_making("user").await?;
    let other = store::user_groups::by_name(&mut unit.conn, name).await?.filter(|found| Some(*found) != of);
    if other.is_none() && store::accounts::by_name(&mut unit.conn, name).await?.is_none() {
        return Ok(());
    }
    let taken = Error::new(ErrorCode::Conflict, "A user group or a person has this name already.");
    Err(Error { field: Some("/name".into()), ..taken })
}

fn changed_meanwhile() -> Error {
    Error { retry_after_ms: Some(100), ..Error::new(ErrorCode::Conflict, "The group has just changed. Try again.") }
}
