//! Conversations: opening, listing, discovering and changing them.

use chat::{
    AccountFact, ClientId, ConversationId, Error, ErrorCode, Fact, Number, Reply, Result, Scope, UserId,
    conversations::{Kind, Listed, Visibility},
    members::Role,
    permission,
    policies::Ability,
    query::ListPosition,
};
use store::{Conn, Unit, conversations::NewConversation};

use crate::{
    Call,
    history::{cut, fitting, text_bytes},
    listing::{self, Shown},
    text,
};

impl Call {
    pub(crate) async fn create_room(
        &self,
        name: String,
        topic: Option<String>,
        visibility: Visibility,
        client_id: Option<ClientId>,
    ) -> Result<Reply> {
        self.require_roaming("open rooms")?;
        let name = text::name("name", &name, self.settings.limits.name_length)?;
        let topic = self.topic(topic)?;
        let call = self.clone();
        self.open(&[self.speaker.user], move |unit| {
            Box::pin(async move {
                let me = call.speaker.user;
                if let Some(earlier) = call.earlier(&mut unit.conn, client_id.as_ref(), Kind::Room, Some(&name)).await?
                {
                    return Ok(earlier);
                }
                // Only public rooms are asked: of others' private ones nobody must hear.
                if visibility == Visibility::Public {
                    require_free_name(&mut unit.conn, &name).await?;
                }
                let new = NewConversation {
                    kind: Kind::Room,
                    visibility,
                    name: Some(&name),
                    topic: topic.as_deref(),
                    pair: None,
                    created_by: me,
                    client_id: client_id.as_ref(),
                };
                call.create(unit, &new, &[(me, Role::Owner)]).await
            })
        })
        .await
    }

    pub(crate) async fn create_group(
        &self,
        name: Option<String>,
        members: Vec<UserId>,
        client_id: Option<ClientId>,
    ) -> Result<Reply> {
        let (name, others) = self.group_of(name, members)?;
        let call = self.clone();
        let people: Vec<UserId> = others.iter().copied().chain([self.speaker.user]).collect();
        self.open(&people, move |unit| {
            Box::pin(async move {
                let me = call.speaker.user;
                if let Some(earlier) =
                    call.earlier(&mut unit.conn, client_id.as_ref(), Kind::Group, name.as_deref()).await?
                {
                    return Ok(earlier);
                }
                require_active(&mut unit.conn, "members", &others).await?;
                let new = NewConversation {
                    kind: Kind::Group,
                    visibility: Visibility::Private,
                    name: name.as_deref(),
                    topic: None,
                    pair: None,
                    created_by: me,
                    client_id: client_id.as_ref(),
                };
                let mut people = vec![(me, Role::Owner)];
                people.extend(others.iter().map(|user| (*user, Role::Member)));
                call.create(unit, &new, &people).await
            })
        })
        .await
    }

    /// The name and the other members of a group that may be opened, as far as this can be told without the database.
    pub(crate) fn group_of(&self, name: Option<String>, members: Vec<UserId>) -> Result<(Option<String>, Vec<UserId>)> {
        self.require_roaming("open groups")?;
        let name = name.map(|name| text::name("name", &name, self.settings.limits.name_length)).transpose()?;
        let mut others = members;
        others.sort_unstable();
        others.dedup();
        others.retain(|user| *user != self.speaker.user);
        let most = self.settings.limits.group_members;
        if i64::try_from(others.len()).unwrap_or(i64::MAX) >= most {
            return Err(Error::limit_reached(format!("A group may have at most {most} members.")));
        }
        Ok((name, others))
    }

    pub(crate) async fn open_direct(&self, user: UserId) -> Result<Reply> {
        let me = self.speaker.user;
        let (low, high) = (me.min(user), me.max(user));
        // Nearly always it exists already; then nothing is written.
        let found = store::conversations::by_pair(&mut *self.db.read().await?, low, high).await?;
        if let Some(found) = found {
            self.show(found.id).await?;
            return self.conversation(found.id).await;
        }
        if user != me {
            self.require_roaming("write to people first")?;
        }
        let call = self.clone();
        self.open(&[low, high], move |unit| {
            Box::pin(async move {
                if let Some(found) = store::conversations::by_pair(&mut unit.conn, low, high).await? {
                    return Ok(found.id);
                }
                require_active(&mut unit.conn, "user", &[user]).await?;
                let new = NewConversation {
                    kind: Kind::Direct,
                    visibility: Visibility::Private,
                    name: None,
                    topic: None,
                    pair: Some((low, high)),
                    created_by: me,
                    client_id: None,
                };
                let people: &[(UserId, Role)] =
                    if low == high { &[(me, Role::Member)] } else { &[(low, Role::Member), (high, Role::Member)] };
                call.create(unit, &new, people).await
            })
        })
        .await
    }

    /// The speaker's direct conversation with somebody; it is not opened.
    pub(crate) async fn direct_with(&self, user: UserId) -> Result<Reply> {
        let me = self.speaker.user;
        let found = store::conversations::by_pair(&mut *self.db.read().await?, me.min(user), me.max(user)).await?;
        let found = found.ok_or_else(|| Error::not_found("conversation"))?;
        self.conversation(found.id).await
    }

    /// Hides a conversation from the speaker's list until something happens in it.
    pub(crate) async fn hide(&self, conversation: ConversationId) -> Result<Reply> {
        let call = self.clone();
        self.change(&[conversation.into(), self.speaker.user.into()], move |unit| {
            Box::pin(async move {
                let head = call.access_in(&mut unit.conn, conversation).await?.conversation.head;
                let me = call.speaker.user;
                if store::members::hidden(&mut unit.conn, conversation, me).await?.is_some() {
                    return Ok(Reply::Done);
                }
                store::members::hide(&mut unit.conn, conversation, me, head).await?;
                let number = unit.next_number_of(me).await?;
                unit.record_of(me, number, AccountFact::ConversationHidden { conversation, at: head }).await?;
                Ok(Reply::Done)
            })
        })
        .await
    }

    /// Shows a hidden direct conversation in the speaker's list again, because they have opened it.
    async fn show(&self, conversation: ConversationId) -> Result<()> {
        if store::members::hidden(&mut *self.db.read().await?, conversation, self.speaker.user).await?.is_none() {
            return Ok(());
        }
        let call = self.clone();
        self.change(&[conversation.into(), self.speaker.user.into()], move |unit| {
            Box::pin(async move { call.show_in(unit, conversation).await })
        })
        .await
    }

    /// Brings a conversation back into the speaker's list, if they have hidden it.
    pub(crate) async fn show_in(&self, unit: &mut Unit, conversation: ConversationId) -> Result<()> {
        let me = self.speaker.user;
        if store::members::hidden(&mut unit.conn, conversation, me).await?.is_none() {
            return Ok(());
        }
        store::members::show(&mut unit.conn, conversation, me).await?;
        self.tell_added(unit, conversation, me).await
    }

    /// Runs a change that makes a conversation of these people, and answers with what it made.
    async fn open<F>(&self, people: &[UserId], work: F) -> Result<Reply>
    where
        F: for<'u> FnOnce(&'u mut Unit) -> store::writer::Work<'u, ConversationId> + Send + 'static,
    {
        let scopes: Vec<Scope> = people.iter().map(|user| Scope::Account(*user)).collect();
        let id = self
            .change(&scopes, move |unit| {
                Box::pin(async move {
                    unit.conn.before_making("conversation").await?;
                    work(unit).await
                })
            })
            .await?;
        self.conversation(id).await
    }

    /// The conversation that an earlier request with the same client id has created.
    async fn earlier(
        &self,
        conn: &mut Conn,
        client_id: Option<&ClientId>,
        kind: Kind,
        name: Option<&str>,
    ) -> Result<Option<ConversationId>> {
        let Some(client_id) = client_id else { return Ok(None) };
        let Some(earlier) = store::conversations::by_client_id(conn, self.speaker.user, client_id).await? else {
            return Ok(None);
        };
        if earlier.kind != kind || earlier.name.as_deref() != name {
            return Err(Error::new(
                ErrorCode::IdempotencyMismatch,
                "This client id was used for another conversation. Choose a new one for each.",
            ));
        }
        Ok(Some(earlier.id))
    }

    /// Stores a conversation with its first members, and records their events.
    async fn create(
        &self,
        unit: &mut Unit,
        new: &NewConversation<'_>,
        people: &[(UserId, Role)],
    ) -> Result<ConversationId> {
        let now = unit.now;
        self.require_own_room(&mut unit.conn).await?;
        let others: Vec<UserId> = people.iter().map(|(user, _)| *user).filter(|user| *user != new.created_by).collect();
        self.require_may_bring(unit, &others).await?;
        let id = match store::conversations::create(&mut unit.conn, new, now).await {
            Err(store::Error::Conflict(_)) => return Err(name_taken()),
            created => created?,
        };
        for (user, role) in people {
            let by = Some(new.created_by);
            store::members::join_by(&mut unit.conn, id, *user, *role, Number(1), now, by).await?;
        }
        let count = i64::try_from(people.len()).unwrap_or(i64::MAX);
        store::conversations::count_members(&mut unit.conn, id, count).await?;
        let conversation = store::conversations::by_id(&mut unit.conn, id).await?.ok_or_else(Error::internal)?;
        unit.record(id, Number(1), self.speaker.user, Fact::ConversationCreated(conversation));
        for (user, _) in people {
            self.tell_added(unit, id, *user).await?;
        }
        Ok(id)
    }

    /// Records the event that tells a person's own connections that they are now a member.
    pub(crate) async fn tell_added(&self, unit: &mut Unit, conversation: ConversationId, user: UserId) -> Result<()> {
        let entry = store::listing::entry(&mut unit.conn, user, conversation).await?;
        if let Some(listed) = self.engine.complete(&mut unit.conn, entry.into_iter().collect()).await?.pop() {
            let number = unit.next_number_of(user).await?;
            unit.record_of(user, number, AccountFact::ConversationAdded(Box::new(listed))).await?;
        }
        Ok(())
    }

    /// The form in which a topic is kept; none if nothing of it can be seen.
    fn topic(&self, topic: Option<String>) -> Result<Option<String>> {
        let topic = topic.map(|topic| text::lines("topic", &topic, self.settings.limits.topic_length)).transpose()?;
        Ok(topic.filter(|topic| !topic.is_empty()))
    }

    pub(crate) fn require_roaming(&self, what: &str) -> Result<()> {
        if permission::may_roam(self.speaker.role) {
            return Ok(());
        }
        Err(Error::forbidden(format!("Guests may not {what}.")))
    }

    pub(crate) async fn update_conversation(
        &self,
        conversation: ConversationId,
        name: Option<String>,
        topic: Option<Option<String>>,
        visibility: Option<Visibility>,
        edit_history: Option<bool>,
        previews: Option<bool>,
    ) -> Result<Reply> {
        self.require_previews(previews)?;
        let name = name.map(|name| text::name("name", &name, self.settings.limits.name_length)).transpose()?;
        let topic = topic.map(|topic| self.topic(topic)).transpose()?;
        let call = self.clone();
        self.change(&[conversation.into()], move |unit| {
            Box::pin(async move {
                let access = call.access_in(&mut unit.conn, conversation).await?;
                access.may(Ability::EditSettings)?;
                let before = access.conversation;
                if visibility.is_some() && before.kind != Kind::Room {
                    return Err(Error::invalid("visibility", "Only rooms can be public."));
                }
                let mut after = before.clone();
                after.name = name.or(after.name);
                after.topic = topic.unwrap_or(after.topic);
                after.visibility = visibility.unwrap_or(after.visibility);
                after.edit_history = edit_history.unwrap_or(after.edit_history);
                after.previews = previews.unwrap_or(after.previews);
                if after == before {
                    return Ok(());
                }
                let number = unit.next_number(conversation).await?;
                (after.rev, after.head) = (number, number);
                match store::conversations::update(&mut unit.conn, &after).await {
                    Err(store::Error::Conflict(_)) => return Err(name_taken()),
                    updated => updated?,
                }
                if before.visibility == Visibility::Public && after.visibility == Visibility::Private {
                    // Those invitations to return were made when anybody could join.
                    store::members::withdraw_all(&mut unit.conn, conversation).await?;
                }
                if before.edit_history && !after.edit_history {
                    store::versions::clear_all(&mut unit.conn, conversation).await?;
                }
                unit.record(conversation, number, call.speaker.user, Fact::ConversationUpdated(after));
                Ok(())
            })
        })
        .await?;
        self.conversation(conversation).await
    }

    pub(crate) async fn conversation(&self, conversation: ConversationId) -> Result<Reply> {
        let shown = self.shown(conversation).await?.ok_or_else(|| Error::not_found("conversation"))?;
        Ok(Reply::Conversation(Box::new(shown.listed)))
    }

    /// The conversation as the speaker has it, looked up together with what others ask for at the same moment; `None`
    /// if they are no member.
    pub(crate) async fn shown(&self, conversation: ConversationId) -> Result<Option<Shown>> {
        let found = self.engine.inner.shown.ask((conversation, self.speaker.user)).await;
        found.unwrap_or_else(|| Err(Error::internal()))
    }

    pub(crate) async fn listed(&self, conn: &mut Conn, conversation: ConversationId) -> Result<Listed> {
        let entry = store::listing::entry(conn, self.speaker.user, conversation).await?;
        let listed = self.engine.complete(conn, entry.into_iter().collect()).await?.pop();
        listed.ok_or_else(|| Error::not_found("conversation"))
    }

    pub(crate) async fn conversations(&self, after: Option<ListPosition>, limit: i64) -> Result<Reply> {
        let mut limit = self.list_limit(limit);
        let now = self.engine.now();
        let mut conn = self.db.read().await?;
        loop {
            let (entries, next) = listing::page(&mut conn, self.speaker.user, after.clone(), limit, now).await?;
            let conversations = self.engine.complete(&mut conn, entries).await?;
            match self.fitting(&conversations) {
                Some(fewer) => limit = fewer,
                None => return Ok(Reply::Conversations { conversations, next }),
            }
        }
    }

    pub(crate) async fn hidden_conversations(&self, after: Option<ListPosition>, limit: i64) -> Result<Reply> {
        let mut limit = self.list_limit(limit);
        let mut conn = self.db.read().await?;
        loop {
            let (entries, next) = listing::hidden(&mut conn, self.speaker.user, after.clone(), limit).await?;
            let conversations = self.engine.complete(&mut conn, entries).await?;
            match self.fitting(&conversations) {
                Some(fewer) => limit = fewer,
                None => return Ok(Reply::Conversations { conversations, next }),
            }
        }
    }

    /// How many entries a page may have, if these are more than a connection's queue may hold: on a slow line what is
    /// told meanwhile waits behind the page.
    fn fitting(&self, conversations: &[Listed]) -> Option<i64> {
        let in_room =
            |listed: &Listed| listed.room.as_ref().and_then(|room| room.last_message.as_ref()).map_or(0, text_bytes);
        let text = |listed: &Listed| listed.last_message.as_ref().map_or(0, text_bytes) + in_room(listed);
        let count = fitting(conversations, self.settings.limits.queue_bytes, text);
        (count < conversations.len()).then(|| i64::try_from(count).unwrap_or(1))
    }

    /// A public room by its id: what a link to it leads to. Private ones and absent ones are answered alike.
    pub(crate) async fn public_room(&self, room: ConversationId) -> Result<Reply> {
        self.require_roaming("discover rooms")?;
        let rooms = store::conversations::public_by_id(&mut *self.db.read().await?, self.speaker.user, room).await?;
        Ok(Reply::Rooms { rooms, next: None })
    }

    pub(crate) async fn discover(&self, prefix: &str, after: Option<String>, limit: i64) -> Result<Reply> {
        self.require_roaming("discover rooms")?;
        text::check_optional("prefix", prefix, self.settings.limits.name_length)?;
        let limit = self.list_limit(limit);
        let mut conn = self.db.read().await?;
        let after = after.unwrap_or_default();
        let mut rooms = store::conversations::public(&mut conn, self.speaker.user, prefix, &after, limit + 1).await?;
        let next = cut(&mut rooms, limit).and_then(|(last, _)| last.name.clone());
        Ok(Reply::Rooms { rooms, next })
    }

    /// A room by its name: the public one, or else the oldest private one of which the speaker is a member. Other
    /// people's private rooms are not found, and looking for their names takes as long as for any other.
    pub(crate) async fn room_by_name(&self, name: &str) -> Result<Reply> {
        let mut conn = self.db.read().await?;
        if let Some(room) = store::conversations::public_by_name(&mut conn, name).await? {
            if let Some(listed) = self.listed(&mut conn, room.id).await.map(Some).or_else(absent)? {
                return Ok(Reply::Conversation(Box::new(listed)));
            }
            if permission::may_roam(self.speaker.role) {
                return Ok(Reply::Rooms { rooms: vec![(room, false)], next: None });
            }
        }
        let own = store::conversations::private_by_name(&mut conn, self.speaker.user, name).await?;
        let own = own.ok_or_else(|| Error::not_found("room"))?;
        Ok(Reply::Conversation(Box::new(self.listed(&mut conn, own.id).await?)))
    }
}

/// Turns `not_found` into `None`.
fn absent<T>(error: Error) -> Result<Option<T>> {
    if error.code == ErrorCode::NotFound { Ok(None) } else { Err(error) }
}

/// Refuses unless all of these are active accounts.
pub(crate) async fn require_active(conn: &mut Conn, field: &str, users: &[UserId]) -> Result<()> {
    let found = store::accounts::by_ids(conn, users).await?;
    for user in users {
        if !found.iter().any(|account| account.id == *user && account.active) {
            return Err(Error { field: Some(format!("/{field}")), ..Error::not_found("user") });
        }
    }
    Ok(())
}

/// Refuses a name that a public room has, or that looks like one's.
async fn require_free_name(conn: &mut Conn, name: &str) -> Result<()> {
    if store::conversations::public_by_name(conn, name).await?.is_some() {
        return Err(taken("A public room of this name exists already."));
    }
    if store::conversations::is_look_alike(conn, name).await? {
        return Err(taken("A public room exists whose name looks like this one. Choose another."));
    }
    Ok(())
}

fn name_taken() -> Error {
    taken("A public room of this name, or of one that looks like it, exists already.")
}

fn taken(detail: &str) -> Error {
    Error { field: Some("/name".into()), ..Error::new(ErrorCode::Conflict, detail) }
}
