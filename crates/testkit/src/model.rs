//! What a client knows: a snapshot, and the rules of the protocol's "Coming back" that keep it true.
//!
//! Nothing of the server's own code is used here: it is written after the document alone.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

/// The fields of a conversation's row: what all members see alike.
const ROW: [&str; 10] =
    ["id", "kind", "visibility", "name", "topic", "created_by", "created_at", "head", "rev", "member_count"];

/// A conversation as it is known at one number.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// The row's fields by name.
    pub row: Map<String, Value>,
    /// Present members by id.
    pub members: BTreeMap<i64, Value>,
    /// Messages by `seq`, tombstones included.
    pub messages: BTreeMap<i64, Value>,
    /// Messages before this place are not known.
    pub floor: i64,
}

impl Snapshot {
    /// The number of the last change in it.
    pub fn head(&self) -> i64 {
        self.row.get("head").and_then(Value::as_i64).unwrap_or_default()
    }

    /// The same, with nothing before `floor`.
    fn above(&self, floor: i64) -> Self {
        let mut cut = self.clone();
        cut.floor = floor;
        cut.messages.retain(|seq, _| *seq >= floor);
        cut
    }

    /// What differs from a fresh reading, in words; nothing if they are the same.
    pub fn difference(&self, fresh: &Self) -> Option<String> {
        let floor = self.floor.max(fresh.floor);
        let (known, fresh) = (self.above(floor), fresh.above(floor));
        if known == fresh {
            return None;
        }
        let mut words = Vec::new();
        if known.row != fresh.row {
            let (known, fresh) = (Value::from(known.row.clone()), Value::from(fresh.row.clone()));
            words.push(format!("the row is known as {known}, but is {fresh}"));
        }
        for (what, known, fresh) in
            [("member", &known.members, &fresh.members), ("message", &known.messages, &fresh.messages)]
        {
            let ids: BTreeSet<_> = known.keys().chain(fresh.keys()).collect();
            for id in ids.into_iter().filter(|id| known.get(id) != fresh.get(id)) {
                let [known, fresh] = [known, fresh].map(|of| of.get(id).cloned().unwrap_or_default());
                words.push(format!("{what} {id} is known as {known}, but is {fresh}"));
            }
        }
        Some(words.join("; "))
    }
}

/// The row out of an object that has more.
pub fn row_of(conversation: &Value) -> Map<String, Value> {
    ROW.iter().map(|name| ((*name).to_owned(), conversation.get(*name).cloned().unwrap_or_default())).collect()
}

/// A conversation that a client follows.
#[derive(Clone, Debug)]
pub struct Known {
    /// The number of the last change that was seen; negative while the first reading is under way.
    pub cursor: i64,
    /// What is known.
    pub snapshot: Snapshot,
    /// On this connection, the number of the last event, or from which on events follow.
    live: Option<i64>,
    /// The end of the last changes that were told unasked: events may follow from there.
    told_to: Option<i64>,
    /// What was missed is being told in pieces, and the last has not come.
    awaits_more: bool,
}

/// What must be done after something was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing.
    Listen,
    /// Read this conversation anew.
    Read(i64),
}

/// Everything that one client knows.
#[derive(Clone, Debug, Default)]
pub struct Model {
    conversations: BTreeMap<i64, Known>,
    /// Those that it no longer belongs to.
    left: BTreeSet<i64>,
    /// Those that are out of its list until something happens in them.
    hidden: BTreeSet<i64>,
}

fn number(value: &Value, field: &str) -> Result<i64, String> {
    value.get(field).and_then(Value::as_i64).ok_or_else(|| format!("{field} is not a number in {value}"))
}

impl Model {
    /// A conversation that it belongs to.
    pub fn get(&self, conversation: i64) -> Option<&Known> {
        self.conversations.get(&conversation)
    }

    /// All that it belongs to.
    pub fn ids(&self) -> BTreeSet<i64> {
        self.conversations.keys().copied().collect()
    }

    /// All that its list shows.
    pub fn shown(&self) -> BTreeSet<i64> {
        self.ids().difference(&self.hidden).copied().collect()
    }

    /// How a person is called, if they are a member of anything known.
    pub fn name(&self, user: i64) -> Option<String> {
        let member = self.conversations.values().find_map(|known| known.snapshot.members.get(&user))?;
        member["user"]["username"].as_str().map(str::to_owned)
    }

    /// All that it once belonged to.
    pub fn left(&self) -> &BTreeSet<i64> {
        &self.left
    }

    /// The numbers to come back with.
    pub fn cursors(&self) -> BTreeMap<String, i64> {
        let read = self.conversations.iter().filter(|(_, known)| known.cursor >= 0);
        read.map(|(id, known)| (id.to_string(), known.cursor)).collect()
    }

    /// Forgets that events followed: the connection has ended.
    pub fn hang_up(&mut self) {
        self.conversations.values_mut().for_each(|known| {
            (known.live, known.told_to, known.awaits_more) = (None, None, false);
        });
    }

    /// Takes the answer to `authenticate`; those that must be read first.
    pub fn welcome(&mut self, data: &Value) -> Result<Vec<i64>, String> {
        let mut unknown = Vec::new();
        for entry in data.get("conversations").and_then(Value::as_array).ok_or("no conversations in the answer")? {
            let (id, head) = (number(entry, "id")?, number(entry, "head")?);
            match self.conversations.get_mut(&id) {
                Some(known) => known.live = Some(head),
                None => {
                    self.begin(id, head);
                    unknown.push(id);
                }
            }
        }
        Ok(unknown)
    }

    /// Begins to follow a conversation whose events follow from `head`; its snapshot is still to be read.
    fn begin(&mut self, id: i64, head: i64) {
        self.left.remove(&id);
        self.hidden.remove(&id);
        self.conversations.insert(
            id,
            Known { cursor: -1, snapshot: Snapshot::default(), live: Some(head), told_to: None, awaits_more: false },
        );
    }

    /// Puts what was read in place of what was known.
    pub fn read(&mut self, id: i64, snapshot: Snapshot) {
        if let Some(known) = self.conversations.get_mut(&id) {
            known.cursor = snapshot.head();
            known.snapshot = snapshot;
        }
    }

    /// Takes a frame that answers no command.
    ///
    /// # Errors
    /// What is not as the protocol says.
    pub fn hear(&mut self, frame: &Value) -> Result<Next, String> {
        let kind = frame.get("type").and_then(Value::as_str).ok_or("a frame has no type")?;
        let data = frame.get("data").ok_or("a frame has no data")?;
        let Some(id) = frame.get("conversation").and_then(Value::as_i64) else {
            return if kind == "account.updated" {
                Ok(Next::Listen)
            } else {
                Err(format!("{kind} has no conversation"))
            };
        };
        match kind {
            "conversation.hidden" => {
                self.hidden.insert(id);
                return Ok(Next::Listen);
            }
            "conversation.added" => {
                // On a second connection it may be known from a first reading already.
                self.begin(id, number(data, "head")?);
                return Ok(Next::Read(id));
            }
            "conversation.removed" => {
                self.conversations.remove(&id);
                self.hidden.remove(&id);
                self.left.insert(id);
                return Ok(Next::Listen);
            }
            _ => {}
        }
        let known = self.conversations.get_mut(&id).ok_or_else(|| {
            let once = if self.left.contains(&id) { "one it left" } else { "one it never belonged to" };
            format!("{kind} is of a foreign conversation, {once}")
        })?;
        if frame.get("seq").is_some() || kind == "conversation.changes" {
            self.hidden.remove(&id);
        }
        match frame.get("seq").and_then(Value::as_i64) {
            Some(seq) => known.take_event(kind, seq, data).map(|()| Next::Listen),
            None if kind == "conversation.changes" => {
                known.hear_changes(data)?;
                Ok(if known.take_changes(data)? { Next::Read(id) } else { Next::Listen })
            }
            None if matches!(kind, "typing.started" | "typing.stopped" | "marker.moved" | "presence.changed") => {
                Ok(Next::Listen)
            }
            None => Err(format!("{kind} has no number")),
        }
    }

    /// Takes the answer to `conversation.sync`; whether it must be read anew.
    ///
    /// # Errors
    /// What is not as the protocol says.
    pub fn take_changes(&mut self, id: i64, data: &Value) -> Result<bool, String> {
        self.conversations.get_mut(&id).ok_or("it is not followed")?.take_changes(data)
    }
}

impl Known {
    fn take_event(&mut self, kind: &str, seq: i64, data: &Value) -> Result<(), String> {
        if self.awaits_more {
            return Err(format!("{kind} has number {seq}, and came before the last piece of what was missed"));
        }
        match self.live {
            Some(last) if seq == last + 1 || self.told_to.is_some_and(|to| seq == to + 1) => self.live = Some(seq),
            Some(last) => return Err(format!("{kind} has number {seq}, but follows {last}")),
            None => return Err(format!("{kind} came before it was said from where events follow")),
        }
        // Nothing can be put on what could not be read: its end is on the way.
        if seq <= self.cursor || self.cursor < 0 {
            return Ok(());
        }
        if seq != self.cursor + 1 {
            return Err(format!("{kind} has number {seq}, but the cursor is {}", self.cursor));
        }
        self.apply(kind, seq, data)?;
        self.cursor = seq;
        self.snapshot.row.insert("head".into(), seq.into());
        Ok(())
    }

    fn apply(&mut self, kind: &str, seq: i64, data: &Value) -> Result<(), String> {
        match kind {
            "message.created" | "message.edited" | "message.deleted" => {
                if number(data, "rev")? != seq {
                    return Err(format!("{kind} {seq} holds another state: {data}"));
                }
                self.put_message(data)
            }
            "reaction.added" | "reaction.removed" => {
                self.put_message(data.get("message").ok_or("a reaction without its message")?)
            }
            "member.joined" | "member.left" => {
                self.snapshot.row.insert("member_count".into(), number(data, "member_count")?.into());
                self.put_member(data.get("member").ok_or("a membership without its member")?)
            }
            "member.updated" => self.put_member(data),
            "conversation.updated" => {
                self.snapshot.row = row_of(data);
                Ok(())
            }
            _ => Err(format!("{kind} is not an event that there is")),
        }
    }

    fn put_message(&mut self, message: &Value) -> Result<(), String> {
        let seq = number(message, "seq")?;
        if seq >= self.snapshot.floor {
            self.snapshot.messages.insert(seq, message.clone());
        }
        Ok(())
    }

    fn put_member(&mut self, member: &Value) -> Result<(), String> {
        let user = number(member.get("user").ok_or("a member is nobody")?, "id")?;
        if member.get("role").is_some_and(Value::is_null) {
            self.snapshot.members.remove(&user);
        } else {
            self.snapshot.members.insert(user, member.clone());
        }
        Ok(())
    }

    /// Changes that were not asked for: events follow from their end, or from where they did, if what was read is newer.
    fn hear_changes(&mut self, data: &Value) -> Result<(), String> {
        self.told_to = Some(number(data, "to")?);
        self.awaits_more = data.get("more") == Some(&Value::Bool(true));
        Ok(())
    }

    /// Whether the conversation must be read anew.
    fn take_changes(&mut self, data: &Value) -> Result<bool, String> {
        let (from, to) = (number(data, "from")?, number(data, "to")?);
        if from > self.cursor {
            return Err(format!("the changes begin at {from}, but the cursor is {}", self.cursor));
        }
        if data.get("reset") == Some(&Value::Bool(true)) {
            self.cursor = -1;
            return Ok(true);
        }
        // What is newer than these changes has been heard already, and stays.
        if to < self.cursor {
            return Ok(false);
        }
        for message in list(data, "messages")? {
            self.put_message(message)?;
        }
        for member in list(data, "members")? {
            self.put_member(member)?;
        }
        self.snapshot.row = row_of(data.get("conversation").ok_or("changes without their conversation")?);
        self.cursor = to;
        Ok(false)
    }
}

fn list<'a>(data: &'a Value, field: &str) -> Result<&'a Vec<Value>, String> {
    data.get(field).and_then(Value::as_array).ok_or_else(|| format!("changes without {field}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn message(seq: i64, rev: i64, text: &str) -> Value {
        json!({"seq": seq, "rev": rev, "text": text})
    }

    fn event(seq: i64, data: &Value) -> Value {
        json!({"type": "message.created", "conversation": 1, "seq": seq, "data": data})
    }

    fn following(head: i64) -> Model {
        let mut model = Model::default();
        assert_eq!(model.welcome(&json!({"conversations": [{"id": 1, "head": head}]})), Ok(vec![1]));
        model.read(1, Snapshot { row: row_of(&json!({"head": head})), ..Snapshot::default() });
        model
    }

    #[test]
    fn a_jump_a_repeat_and_a_foreign_conversation_are_noticed() {
        let mut model = following(3);
        assert_eq!(model.hear(&event(4, &message(4, 4, "a"))), Ok(Next::Listen));
        assert!(model.hear(&event(6, &message(6, 6, "c"))).is_err());
        assert!(model.hear(&event(4, &message(4, 4, "a"))).is_err());
        let foreign = json!({"type": "typing.started", "conversation": 2, "data": {}});
        assert!(model.hear(&foreign).is_err());
    }

    #[test]
    fn events_follow_from_the_end_of_changes_that_were_told_unasked() {
        let changes = json!({"type": "conversation.changes", "conversation": 1, "data": {"from": 3, "to": 5,
            "reset": false, "members": [], "messages": [], "conversation": {"head": 5}}});
        let (mut jumps, mut repeats, mut holes) = (following(3), following(3), following(3));
        for model in [&mut jumps, &mut repeats, &mut holes] {
            assert_eq!(model.hear(&changes), Ok(Next::Listen));
        }
        assert_eq!(jumps.hear(&event(6, &message(6, 6, "c"))), Ok(Next::Listen));
        // What was read was newer than the number from which events follow.
        assert_eq!(repeats.hear(&event(4, &message(4, 4, "a"))), Ok(Next::Listen));
        assert!(holes.hear(&event(7, &message(7, 7, "d"))).is_err());
    }

    #[test]
    fn events_and_changes_come_to_the_same() {
        let (mut heard, mut caught_up) = (following(3), following(3));
        heard.hear(&event(4, &message(4, 4, "a"))).unwrap();
        let edited = json!({"type": "message.edited", "conversation": 1, "seq": 5, "data": message(4, 5, "b")});
        heard.hear(&edited).unwrap();
        let changes = json!({"from": 3, "to": 5, "reset": false, "members": [], "messages": [message(4, 5, "b")],
            "conversation": {"head": 5}});
        assert_eq!(caught_up.take_changes(1, &changes), Ok(false));
        let (heard, caught_up) = (heard.get(1).unwrap(), caught_up.get(1).unwrap());
        assert_eq!(heard.snapshot.difference(&caught_up.snapshot), None);
        assert_eq!((heard.cursor, caught_up.cursor), (5, 5));
        let mut other = heard.snapshot.clone();
        other.messages.clear();
        assert!(other.difference(&heard.snapshot).unwrap().contains("message 4"));
    }
}
