//! What people do: with conversations, with what is said there, and with themselves.

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

    /// Brings people together.
    pub async fn opens_group(&self, with: &[&Self]) -> Room {
        let members: Vec<i64> = with.iter().map(|person| person.id()).collect();
        self.opens(json!({"kind": "group", "members": members})).await
    }

    /// Gets the direct conversation with somebody.
    pub async fn turns_to(&self, other: &Self) -> Room {
        self.opens(json!({"kind": "direct", "user": other.id()})).await
    }

    async fn opens(&self, what: Value) -> Room {
        let room = room(&self.asks("conversation.create", what).await.granted());
        self.knows_that(room, "conversation.added");
        room
    }

    /// What one did oneself is no news.
    fn knows_that(&self, room: Room, kind: &str) {
        let mut state = self.inner.state();
        for heard in &mut state.inbox.heard {
            heard.own |= heard.frame["type"] == kind && heard.frame["conversation"] == room.id;
        }
    }

    /// Enters a public room.
    pub async fn joins(&self, room: &Room) {
        self.asks("conversation.join", json!({"conversation": room.id})).await.granted();
        self.knows_that(*room, "conversation.added");
    }

    /// Leaves.
    pub async fn leaves(&self, room: &Room) {
        self.asks("conversation.leave", json!({"conversation": room.id})).await.granted();
        self.knows_that(*room, "conversation.removed");
    }

    /// Brings somebody in.
    pub async fn adds(&self, other: &Self, room: &Room) {
        self.asks("member.add", json!({"conversation": room.id, "user": other.id()})).await.granted();
    }

    /// Puts somebody out.
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

    /// Whether a conversation is not there for them.
    pub async fn does_not_see(&self, room: &Room) {
        self.requests("GET", &format!("/v1/conversations/{}", room.id), Value::Null).await.refused(404, "not_found");
    }

    /// The texts that they know of a conversation, by what they were told; `None` for tombstones.
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

    /// The number of the last change that they know.
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

    /// Says something.
    pub async fn says(&self, room: &Room, text: &str) -> Said {
        said(&self.asks("message.send", self.draft(room, text)).await.granted())
    }

    /// Says many things, without waiting for an answer between them.
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

    /// The data of a send under a new client id.
    #[must_use]
    pub fn draft(&self, room: &Room, text: &str) -> Value {
        json!({"conversation": room.id, "client_id": self.new_client_id(), "text": text})
    }

    // ---- drafts ---------------------------------------------------------------------------------

    /// Keeps what they have begun to write: the draft of this number, or a new one (0).
    pub async fn begins_to_write(&self, room: &Room, text: &str, since: i64) -> Value {
        let draft = json!({"conversation": room.id, "text": text, "since": since});
        self.asks("draft.save", draft).await.granted()
    }

    /// Drops what they have begun to write.
    pub async fn drops_draft(&self, room: &Room) {
        self.asks("draft.discard", json!({"conversation": room.id})).await.granted();
    }

    /// The texts of their drafts, as a fresh reading shows them.
    pub async fn drafts(&self) -> Vec<String> {
        let drafts = self.begins("draft.list", json!({})).await.granted();
        let text = |draft: &Value| draft["text"].as_str().unwrap_or_default().to_owned();
        drafts["drafts"].as_array().expect("drafts").iter().map(text).collect()
    }

    /// The number of the last change of their account that they know.
    #[must_use]
    pub fn account_seq(&self) -> i64 {
        self.inner.state().model.account_seq().unwrap_or_default()
    }

    /// Answers to something that was said.
    pub async fn replies(&self, to: &Said, text: &str) -> Said {
        let mut draft = self.draft(&to.room, text);
        draft["parent"] = to.seq.into();
        said(&self.asks("message.send", draft).await.granted())
    }

    /// Changes what they said.
    pub async fn edits(&self, said: &Said, text: &str) {
        self.asks("message.edit", at(said, json!({"text": text}))).await.granted();
    }

    /// Takes something back.
    pub async fn deletes(&self, said: &Said) {
        self.asks("message.delete", at(said, json!({}))).await.granted();
    }

    /// Puts an emoji on something that was said.
    pub async fn reacts(&self, said: &Said, emoji: &str) -> Value {
        self.asks("reaction.add", at(said, json!({"emoji": emoji}))).await.granted()
    }

    /// Takes an emoji back.
    pub async fn takes_back(&self, said: &Said, emoji: &str) -> Value {
        self.asks("reaction.remove", at(said, json!({"emoji": emoji}))).await.granted()
    }

    /// Reads up to what was said.
    pub async fn reads(&self, said: &Said) {
        self.asks("marker.read", at(said, json!({}))).await.granted();
    }

    /// Is writing.
    pub async fn types(&self, room: &Room) {
        self.asks("typing.set", json!({"conversation": room.id, "typing": true})).await.granted();
    }

    /// Is online, away, busy or invisible.
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
