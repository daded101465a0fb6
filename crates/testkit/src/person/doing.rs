//! Methods for a person's actions: on conversations, on messages, and on their account.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use super::{Person, Reply, Room, Said, said};

impl Person {
    // ---- conversations --------------------------------------------------------------------------

    /// Opens a public room.
    pub async fn opens_room(&self, name: &str) -> Room {
        self.opens(json!({"kind": "room", "name": name})).await
    }

    /// Opens a private room.
    pub async fn opens_private_room(&self, name: &str) -> Room {
        self.opens(json!({"kind": "room", "name": name, "visibility": "private"})).await
    }

    /// Opens a group with these people.
    pub async fn opens_group(&self, with: &[&Self]) -> Room {
        let members: Vec<i64> = with.iter().map(|person| person.id()).collect();
        self.opens(json!({"kind": "group", "members": members})).await
    }

    /// Opens the direct conversation with somebody.
    pub async fn turns_to(&self, other: &Self) -> Room {
        self.opens(json!({"kind": "direct", "user": other.id()})).await
    }

    async fn opens(&self, what: Value) -> Room {
        let room = room(&self.asks("conversation.create", what).await.granted());
        self.knows_that(room, "conversation.added");
        room
    }

    /// Marks a received frame of this kind as the person's own doing.
    fn knows_that(&self, room: Room, kind: &str) {
        let mut state = self.inner.state();
        for heard in &mut state.inbox.heard {
            heard.own |= heard.frame["type"] == kind && heard.frame["conversation"] == room.id;
        }
    }

    /// Joins a public room.
    pub async fn joins(&self, room: &Room) {
        self.asks("conversation.join", json!({"conversation": room.id})).await.granted();
        self.knows_that(*room, "conversation.added");
    }

    /// Leaves a conversation.
    pub async fn leaves(&self, room: &Room) {
        self.asks("conversation.leave", json!({"conversation": room.id})).await.granted();
        self.knows_that(*room, "conversation.removed");
    }

    /// Adds somebody.
    pub async fn adds(&self, other: &Self, room: &Room) {
        self.asks("member.add", json!({"conversation": room.id, "user": other.id()})).await.granted();
    }

    /// Removes somebody.
    pub async fn removes(&self, other: &Self, room: &Room) {
        self.asks("member.remove", json!({"conversation": room.id, "user": other.id()})).await.granted();
    }

    /// Gives somebody a role.
    pub async fn makes(&self, other: &Self, role: &str, room: &Room) -> Reply {
        self.asks("member.update", json!({"conversation": room.id, "user": other.id(), "role": role})).await
    }

    /// A conversation as they see it in their list.
    pub async fn sees(&self, room: &Room) -> Value {
        self.requests("GET", &format!("/v1/conversations/{}", room.id), Value::Null).await.granted()
    }

    /// Checks that a conversation does not exist for them.
    pub async fn does_not_see(&self, room: &Room) {
        self.requests("GET", &format!("/v1/conversations/{}", room.id), Value::Null).await.refused(404, "not_found");
    }

    /// The texts of the known messages of a conversation; `None` for tombstones.
    #[must_use]
    pub fn knows(&self, room: &Room) -> Vec<Option<String>> {
        let state = self.inner.state();
        let followed = state.model.get(room.id);
        followed
            .into_iter()
            .flat_map(|followed| followed.known.messages.values())
            .map(|m| m["text"].as_str().map(str::to_owned))
            .collect()
    }

    /// The number of the last known change of a conversation.
    #[must_use]
    pub fn cursor(&self, room: &Room) -> i64 {
        self.inner.state().model.get(room.id).map_or(0, |followed| followed.known.cursor.0)
    }

    // ---- messages -------------------------------------------------------------------------------

    /// A client id that was never used.
    #[must_use]
    pub fn new_client_id(&self) -> String {
        format!("{}-{}", self.inner.name, self.inner.town.sends.fetch_add(1, Ordering::Relaxed))
    }

    /// Sends a message.
    pub async fn says(&self, room: &Room, text: &str) -> Said {
        said(&self.asks("message.send", self.draft(room, text)).await.granted())
    }

    /// Sends many messages, without waiting for an answer between them.
    pub async fn says_all<T: AsRef<str>>(&self, room: &Room, texts: impl IntoIterator<Item = T>) -> Vec<Said> {
        let sends: Vec<_> =
            texts.into_iter().map(|text| self.begins("message.send", self.draft(room, text.as_ref()))).collect();
        let mut all = Vec::new();
        for send in sends {
            all.push(said(&send.await.granted()));
        }
        self.lives_by_the_law(Some(room.id)).await;
        all
    }

    /// Replies in the thread about a message.
    pub async fn says_in_thread(&self, root: &Said, text: &str) -> Said {
        let mut send = self.draft(&root.room, text);
        send["thread"] = root.seq.into();
        said(&self.asks("message.send", send).await.granted())
    }

    /// The data of a send, with a new client id.
    #[must_use]
    pub fn draft(&self, room: &Room, text: &str) -> Value {
        json!({"conversation": room.id, "client_id": self.new_client_id(), "text": text})
    }

    // ---- drafts ---------------------------------------------------------------------------------

    /// Saves a draft that replaces the one of number `since`; 0 for a new one.
    pub async fn begins_to_write(&self, room: &Room, text: &str, since: i64) -> Value {
        let draft = json!({"conversation": room.id, "text": text, "since": since});
        self.asks("draft.save", draft).await.granted()
    }

    /// Discards a draft.
    pub async fn drops_draft(&self, room: &Room) {
        self.asks("draft.discard", json!({"conversation": room.id})).await.granted();
    }

    /// The texts of their drafts, as a fresh reading shows them.
    pub async fn drafts(&self) -> Vec<String> {
        let drafts = self.begins("draft.list", json!({})).await.granted();
        let text = |draft: &Value| draft["text"].as_str().unwrap_or_default().to_owned();
        drafts["drafts"].as_array().expect("drafts").iter().map(text).collect()
    }

    /// The number of the last known change of the account.
    #[must_use]
    pub fn account_seq(&self) -> i64 {
        self.inner.state().model.account_seq().unwrap_or_default()
    }

    /// Replies to a message.
    pub async fn replies(&self, to: &Said, text: &str) -> Said {
        let mut draft = self.draft(&to.room, text);
        draft["parent"] = to.seq.into();
        said(&self.asks("message.send", draft).await.granted())
    }

    /// Edits a message.
    pub async fn edits(&self, said: &Said, text: &str) {
        self.asks("message.edit", at(said, json!({"text": text}))).await.granted();
    }

    /// Deletes a message.
    pub async fn deletes(&self, said: &Said) {
        self.asks("message.delete", at(said, json!({}))).await.granted();
    }

    /// Adds a reaction.
    pub async fn reacts(&self, said: &Said, emoji: &str) -> Value {
        self.asks("reaction.add", at(said, json!({"emoji": emoji}))).await.granted()
    }

    /// Removes a reaction.
    pub async fn takes_back(&self, said: &Said, emoji: &str) -> Value {
        self.asks("reaction.remove", at(said, json!({"emoji": emoji}))).await.granted()
    }

    /// Moves the read marker to a message.
    pub async fn reads(&self, said: &Said) {
        self.asks("marker.read", at(said, json!({}))).await.granted();
    }

    /// Begins to type.
    pub async fn types(&self, room: &Room) {
        self.asks("typing.set", json!({"conversation": room.id, "typing": true})).await.granted();
    }

    /// Sets the presence: online, away, busy or invisible.
    pub async fn is_now(&self, presence: &str) {
        self.asks("presence.set", json!({"presence": presence})).await.granted();
    }
}

fn room(conversation: &Value) -> Room {
    Room { id: conversation["id"].as_i64().expect("a conversation") }
}

fn at(said: &Said, mut data: Value) -> Value {
    data["conversation"] = said.room.id.into();
    data["seq"] = said.seq.into();
    data
}
