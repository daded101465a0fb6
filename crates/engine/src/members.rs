//! Members: joining, leaving, adding, removing, and roles.

use chat::{
    AccountFact, ConversationId, Error, ErrorCode, Fact, Number, Reply, Result, UserId,
    conversations::{Conversation, Kind, Listed, Visibility},
    members::{Departure, Member, Role},
    permission,
    policies::{Ability, Rights},
};
use store::{
    Db, Unit,
    members::{Belongings, Membership, Return},
};

use crate::{
    Call,
    batcher::{Answers, each},
    conversations::require_active,
    history::cut,
};

/// Looks up the memberships of many people at a time.
pub(crate) struct Lookup {
    pub db: Db,
}

impl Answers<UserId, Result<Belongings>> for Lookup {
    async fn answer(&mut self, users: Vec<UserId>) -> Vec<Result<Belongings>> {
        let found = async {
            let mut conn = self.db.read().await?;
            let mut asked = users.clone();
            asked.sort_unstable();
            asked.dedup();
            store::members::of_users(&mut conn, &asked).await
        };
        let found = each(&users, found.await);
        found.into_iter().map(|found| found.map(Option::unwrap_or_default)).collect()
    }
}

/// Looks up how many people belong to conversations, each in one of theirs.
pub(crate) struct Memberships {
    pub db: Db,
}

impl Answers<(ConversationId, UserId), Result<Option<Membership>>> for Memberships {
    async fn answer(&mut self, places: Vec<(ConversationId, UserId)>) -> Vec<Result<Option<Membership>>> {
        let found = async { store::members::memberships(&mut *self.db.read().await?, &places).await };
        each(&places, found.await)
    }
}

impl Call {
    pub(crate) async fn members(
        &self,
        conversation: ConversationId,
        after: Option<UserId>,
        limit: i64,
    ) -> Result<Reply> {
        let limit = self.list_limit(limit);
        let mut conn = self.db.read().await?;
        self.access_in(&mut conn, conversation).await?;
        let mut members = store::members::page(&mut conn, conversation, after.unwrap_or_default(), limit + 1).await?;
        let next = cut(&mut members, limit).map(|last| last.user);
        Ok(Reply::Members { members, next })
    }

    pub(crate) async fn join(&self, conversation: ConversationId) -> Result<Reply> {
        if let Some(listed) = self.joined_already(conversation).await? {
            return Ok(Reply::Conversation(Box::new(listed)));
        }
        let call = self.clone();
        self.change(&[conversation.into(), self.speaker.user.into()], move |unit| {
            Box::pin(async move {
                let me = call.speaker.user;
                if store::members::membership(&mut unit.conn, conversation, me).await?.is_some() {
                    return call.show_in(unit, conversation).await;
                }
                let way_back = store::members::way_back(&mut unit.conn, conversation, me).await?;
                let room = store::conversations::by_id(&mut unit.conn, conversation).await?;
                let is_public = |c: &Conversation| c.kind == Kind::Room && c.visibility == Visibility::Public;
                let may_roam = permission::may_roam(call.speaker.role);
                let room = room.filter(|c| way_back == Return::AskedBack || (may_roam && is_public(c)));
                let room = room.ok_or_else(|| Error::not_found("conversation"))?;
                // In an empty room the first person to join becomes the owner.
                let role = if room.member_count == 0 { Role::Owner } else { Role::Member };
                call.bring_in(unit, &room, me, role).await.map(|_| ())
            })
        })
        .await?;
        self.conversation(conversation).await
    }

    /// The conversation, if there is nothing to change: the person is in it, and sees it in their list. A crowd that
    /// comes back joins where it is already, and the writer has no part in that.
    async fn joined_already(&self, conversation: ConversationId) -> Result<Option<Listed>> {
        let shown = self.shown(conversation).await?.filter(|shown| !shown.is_hidden);
        Ok(shown.map(|shown| shown.listed))
    }

    pub(crate) async fn add_member(&self, conversation: ConversationId, user: UserId) -> Result<Reply> {
        let call = self.clone();
        let scopes = [conversation.into(), user.into()];
        let added = self.change(&scopes, move |unit| {
            Box::pin(async move {
                let access = call.access_in(&mut unit.conn, conversation).await?;
                access.may(Ability::Invite)?;
                require_active(&mut unit.conn, "user", &[user]).await?;
                if let Some(member) = present(unit, conversation, user).await? {
                    return Ok(Some(member));
                }
                // Somebody who left of their own accord must return of their own accord. Only the invitation is
                // recorded.
                if store::members::way_back(&mut unit.conn, conversation, user).await? != Return::Open {
                    store::members::ask_back(&mut unit.conn, conversation, user).await?;
                    return Ok(None);
                }
                call.bring_in(unit, &access.conversation, user, Role::Member).await.map(Some)
            })
        });
        added.await?.map(Reply::Member).ok_or_else(not_accepting)
    }

    /// Refuses if the conversation has as many members as it may have.
    pub(crate) fn require_place(&self, conversation: &Conversation) -> Result<()> {
        let most = match conversation.kind {
            Kind::Room => self.settings.limits.room_members,
            _ => self.settings.limits.group_members,
        };
        if conversation.member_count >= most {
            return Err(Error::limit_reached(format!("It may have at most {most} members.")));
        }
        Ok(())
    }

    /// Makes somebody a member and records the events.
    async fn bring_in(&self, unit: &mut Unit, conversation: &Conversation, user: UserId, role: Role) -> Result<Member> {
        self.require_place(conversation)?;
        let by = self.speaker.user;
        if user == by {
            self.require_own_room(&mut unit.conn).await?;
        } else {
            self.require_may_bring(unit, &[user]).await?;
        }
        let id = conversation.id;
        let number = unit.next_number(id).await?;
        let now = unit.now;
        store::members::join_by(&mut unit.conn, id, user, role, number, now, Some(by)).await?;
        if !self.will_see_earlier_history(unit, conversation, user, role).await? {
            store::policies::see_from(&mut unit.conn, id, user, number).await?;
        }
        let member_count = store::conversations::count_members(&mut unit.conn, id, 1).await?;
        let member = one(unit, id, user).await?;
        unit.record(id, number, self.speaker.user, Fact::MemberJoined { member: member.clone(), member_count });
        self.tell_added(unit, id, user).await?;
        Ok(member)
    }

    /// Whether somebody who joins now will see earlier messages.
    async fn will_see_earlier_history(
        &self,
        unit: &mut Unit,
        conversation: &Conversation,
        user: UserId,
        role: Role,
    ) -> Result<bool> {
        let policy = store::policies::of(&mut unit.conn, conversation.id).await?;
        let grants = store::policies::grants(&mut unit.conn, conversation.id, user).await?;
        let server_role = self.server_role(&mut unit.conn, user).await?;
        let (kind, visibility) = (conversation.kind, conversation.visibility);
        let members = conversation.member_count;
        let rights = Rights { kind, visibility, members, role, server_role, policy, grants };
        Ok(rights.decide(Ability::SeeEarlierHistory, unit.now).may)
    }

    pub(crate) async fn leave(&self, conversation: ConversationId) -> Result<Reply> {
        let call = self.clone();
        self.change(&[conversation.into(), self.speaker.user.into()], move |unit| {
            Box::pin(async move {
                let access = call.access_in(&mut unit.conn, conversation).await?;
                access.may(Ability::Leave)?;
                call.put_out(unit, conversation, call.speaker.user, Departure::Left).await?;
                if access.rights.role == Role::Owner {
                    call.pass_on(unit, conversation).await?;
                }
                Ok(Reply::Done)
            })
        })
        .await
    }

    pub(crate) async fn remove_member(&self, conversation: ConversationId, user: UserId) -> Result<Reply> {
        if user == self.speaker.user {
            return self.leave(conversation).await;
        }
        let call = self.clone();
        self.change(&[conversation.into(), user.into()], move |unit| {
            Box::pin(async move {
                let access = call.access_in(&mut unit.conn, conversation).await?;
                access.may(Ability::RemoveMembers)?;
                let Some(target) = present(unit, conversation, user).await? else {
                    return call.withdraw(unit, conversation, user).await;
                };
                access.may_act_on(&target)?;
                call.put_out(unit, conversation, user, Departure::Removed).await?;
                if target.role == Some(Role::Owner) {
                    call.pass_on(unit, conversation).await?;
                }
                Ok(Reply::Done)
            })
        })
        .await
    }

    /// Withdraws the invitation to return of somebody who left of their own accord.
    async fn withdraw(&self, unit: &mut Unit, conversation: ConversationId, user: UserId) -> Result<Reply> {
        if store::members::way_back(&mut unit.conn, conversation, user).await? != Return::AskedBack {
            return Err(Error::not_found("member"));
        }
        store::members::withdraw(&mut unit.conn, conversation, user).await?;
        Ok(Reply::Done)
    }

    async fn put_out(
        &self,
        unit: &mut Unit,
        conversation: ConversationId,
        user: UserId,
        departure: Departure,
    ) -> Result<()> {
        let number = unit.next_number(conversation).await?;
        store::members::leave(&mut unit.conn, conversation, user, departure, number).await?;
        let member_count = store::conversations::count_members(&mut unit.conn, conversation, -1).await?;
        let member = one(unit, conversation, user).await?;
        unit.record(conversation, number, self.speaker.user, Fact::MemberLeft { member, departure, member_count });
        let number = unit.next_number_of(user).await?;
        Ok(unit.record_of(user, number, AccountFact::ConversationRemoved { conversation, departure }).await?)
    }

    /// When the last owner has gone, the member with the highest role and the longest membership becomes the owner.
    async fn pass_on(&self, unit: &mut Unit, conversation: ConversationId) -> Result<()> {
        if store::members::owners(&mut unit.conn, conversation).await? > 0 {
            return Ok(());
        }
        let Some(heir) = store::members::heir(&mut unit.conn, conversation).await? else { return Ok(()) };
        self.promote(unit, conversation, heir, Role::Owner).await.map(|_| ())
    }

    async fn promote(&self, unit: &mut Unit, conversation: ConversationId, user: UserId, role: Role) -> Result<Member> {
        let number: Number = unit.next_number(conversation).await?;
        store::members::set_role(&mut unit.conn, conversation, user, Some(role), number).await?;
        let member = one(unit, conversation, user).await?;
        unit.record(conversation, number, self.speaker.user, Fact::MemberUpdated(member.clone()));
        Ok(member)
    }

    pub(crate) async fn set_member_role(
        &self,
        conversation: ConversationId,
        user: UserId,
        role: Role,
    ) -> Result<Reply> {
        let call = self.clone();
        self.change(&[conversation.into()], move |unit| {
            Box::pin(async move {
                let access = call.access_in(&mut unit.conn, conversation).await?;
                access.may(Ability::SetRoles)?;
                let target = present(unit, conversation, user).await?.ok_or_else(|| Error::not_found("member"))?;
                if target.role == Some(role) {
                    return Ok(Reply::Member(target));
                }
                if user != call.speaker.user {
                    access.may_act_on(&target)?;
                }
                access.may_give(role)?;
                let last = target.role == Some(Role::Owner)
                    && store::members::owners(&mut unit.conn, conversation).await? == 1;
                if last {
                    return Err(Error::forbidden("The last owner must make another one first."));
                }
                call.promote(unit, conversation, user, role).await.map(Reply::Member)
            })
        })
        .await
    }
}

/// The same refusal for every reason why a person cannot be added, so that it says nothing about them.
fn not_accepting() -> Error {
    Error::new(
        ErrorCode::NotAccepting,
        "This person does not accept being brought in. If they wish to come, they can join by themselves.",
    )
}

/// A membership that must exist.
async fn one(unit: &mut Unit, conversation: ConversationId, user: UserId) -> Result<Member> {
    store::members::one(&mut unit.conn, conversation, user).await?.ok_or_else(Error::internal)
}

/// A present member.
async fn present(unit: &mut Unit, conversation: ConversationId, user: UserId) -> Result<Option<Member>> {
    Ok(store::members::one(&mut unit.conn, conversation, user).await?.filter(|m| m.role.is_some()))
}
