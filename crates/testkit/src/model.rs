//! A client's state: a snapshot, and the rules of the protocol's "Coming back" that keep it true.
//!
//! It uses none of the server's code: it is written from the protocol's document alone, and reduced by the code that
//! all judges share.

use std::collections::{BTreeMap, BTreeSet};

use chat::notifications::NotificationLevel;
use promises::{
    AccountChange, AccountForm, Change, ConversationId, DraftKey, Following, Form, KnownAccount, Number, Place,
    PushDeviceId, ReminderId, ThreadKey, UserId, push_device_name, saved_name,
};
use serde_json::{Map, Value};

use crate::law::groups_thing;

/// The fields of a conversation's row: those that all members see alike.
const ROW: &str =
    "id kind visibility name topic avatar created_by created_at head rev member_count edit_history previews";

/// The protocol's objects, as they came.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Objects;

/// A conversation's state at one number.
pub type Snapshot = promises::Known<Objects>;

impl Form for Objects {
    type Message = Value;
    type Member = Value;
    type Thread = Value;
    type Row = Map<String, Value>;

    fn message(message: &Value) -> (Number, Number) {
        (at(message, "seq"), at(message, "rev"))
    }

    fn thread(thread: &Value) -> (Number, Number) {
        (at(thread, "root"), at(thread, "rev"))
    }

    fn take_thread(message: &mut Value) -> Option<Value> {
        let summary = message.get_mut("summary").map(Value::take);
        summary.filter(|summary| !summary.is_null())
    }

    fn member(member: &Value) -> (UserId, Number, bool) {
        let is_in = !member.get("role").is_some_and(Value::is_null);
        (UserId(at(&member["user"], "id").0), at(member, "rev"), is_in)
    }

    fn moved(row: &mut Map<String, Value>, head: Number, member_count: Option<i64>) {
        row.insert("head".into(), head.0.into());
        if let Some(count) = member_count {
            row.insert("member_count".into(), count.into());
        }
    }
}

impl AccountForm for Objects {
    type Profile = Value;
    type Draft = Value;
}

/// Fields of an account that do not belong to the profile: no event announces their changes.
const NO_PROFILE: [&str; 3] = ["last_seen_at", "role", "active"];

/// The profile in an account object.
pub fn profile_of(account: &Value) -> Value {
    let mut profile = account.clone();
    if let Some(fields) = profile.as_object_mut() {
        NO_PROFILE.iter().for_each(|name| _ = fields.remove(*name));
    }
    profile
}

/// A reminder as the law compares it: its id, the number of its last change, and whether it is due.
///
/// # Errors
/// The missing field.
pub fn reminder_of(data: &Value) -> Result<(ReminderId, Number, bool), String> {
    Ok((ReminderId(number(data, "id")?), Number(number(data, "rev")?), data["due"] == true))
}

/// A saved message as the law compares it: its name and the number with which it was saved.
///
/// # Errors
/// The missing field.
pub fn saved_of(data: &Value) -> Result<(String, String), String> {
    Ok((saved_key(data)?, number(data, "rev")?.to_string()))
}

/// A push device as the law compares it: its name, and everything that is said of it.
///
/// # Errors
/// The parts that are missing in it.
pub fn push_device_of(data: &Value) -> Result<(String, String), String> {
    Ok((push_device_name(PushDeviceId(number(data, "id")?)), data.to_string()))
}

fn saved_key(data: &Value) -> Result<String, String> {
    Ok(saved_name(ConversationId(number(data, "conversation")?), Number(number(data, "seq")?)))
}

/// The key of a draft object.
pub fn draft_key(draft: &Value) -> Result<DraftKey, String> {
    let seq = |field: &str| draft.get(field).and_then(Value::as_i64).map(Number);
    let (edit, thread) = (seq("edit"), seq("thread"));
    Ok(DraftKey { conversation: ConversationId(number(draft, "conversation")?), edit, thread })
}

/// A followed thread as the law compares it.
///
/// # Errors
/// The missing field.
pub fn thread_of(data: &Value) -> Result<Following, String> {
    let (conversation, root) = (ConversationId(number(data, "conversation")?), Number(number(data, "thread")?));
    let key = ThreadKey { conversation, root };
    let (read_seq, rev) = (Number(number(data, "read_seq")?), Number(number(data, "rev")?));
    let level = data["level"].as_str().and_then(NotificationLevel::from_name);
    Ok(Following { key, follows: data["follows"] == true, read_seq, level, rev })
}

fn at(object: &Value, field: &str) -> Number {
    Number(object.get(field).and_then(Value::as_i64).unwrap_or_default())
}

/// Checks that a message has the fields that identify it.
fn message(object: &Value) -> Result<Value, String> {
    number(object, "seq").and(number(object, "rev")).map(|_| object.clone())
}

/// Checks that a membership has the fields that identify it.
fn member(object: &Value) -> Result<Value, String> {
    let user = object.get("user").ok_or("a member is nobody")?;
    number(user, "id").and(number(object, "rev")).map(|_| object.clone())
}

/// The row in an object that has more fields.
pub fn row_of(conversation: &Value) -> Map<String, Value> {
    ROW.split(' ').map(|name| (name.to_owned(), conversation.get(name).cloned().unwrap_or_default())).collect()
}

/// A conversation that a client follows.
#[derive(Clone, Debug)]
pub struct Followed {
    /// Its state. Its cursor is negative while the first reading is under way.
    pub known: Snapshot,
    /// On this connection, the number of the last event, or the number after which events follow.
    live: Option<i64>,
    /// The end of the last changes that the server sent by itself: events may follow from there.
    told_to: Option<i64>,
    /// Whether missed changes are being sent in pieces, and the last has not come.
    awaits_more: bool,
}

/// The cursor of a conversation that was not read yet.
const UNREAD: Number = Number(-1);

/// The action that a frame requires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// None.
    Listen,
    /// Read this conversation again.
    Read(i64),
    /// Read the account again, with this number as its cursor.
    ReadAccount(i64),
}

/// The whole state of one client.
#[derive(Clone, Debug, Default)]
pub struct Model {
    conversations: BTreeMap<i64, Followed>,
    /// Conversations that the person has left.
    left: BTreeSet<i64>,
    /// The person's account; `None` before it was first read.
    account: Option<KnownAccount<Objects>>,
    /// On this connection, the number from which the account's live events follow.
    live_from: i64,
    /// The number of the account's last event on this connection.
    last: Option<i64>,
    /// On this connection, the number after which each conversation's events follow.
    began: BTreeMap<i64, i64>,
}

fn number(value: &Value, field: &str) -> Result<i64, String> {
    value.get(field).and_then(Value::as_i64).ok_or_else(|| format!("{field} is not a number in {value}"))
}

impl Model {
    /// A conversation that the person belongs to.
    pub fn get(&self, conversation: i64) -> Option<&Followed> {
        self.conversations.get(&conversation)
    }

    /// All conversations that the person belongs to.
    pub fn ids(&self) -> BTreeSet<i64> {
        self.conversations.keys().copied().collect()
    }

    /// All conversations that the person's list shows.
    pub fn shown(&self) -> BTreeSet<i64> {
        let is_hidden = |id: &i64| self.account.as_ref().is_some_and(|account| account.is_hidden(ConversationId(*id)));
        self.ids().into_iter().filter(|id| !is_hidden(id)).collect()
    }

    /// The person's account.
    pub fn account(&self) -> Option<&KnownAccount<Objects>> {
        self.account.as_ref()
    }

    /// The account's cursor for the next `authenticate`.
    pub fn account_seq(&self) -> Option<i64> {
        self.account.as_ref().map(|account| account.cursor.0)
    }

    /// Forgets the account, or replaces it by one that was read.
    pub fn put_account(&mut self, account: Option<KnownAccount<Objects>>) {
        self.account = account;
    }

    /// The number up to which each conversation is known.
    pub fn heads(&self) -> BTreeMap<i64, i64> {
        let head = |id: i64| self.began.get(&id).copied().unwrap_or_default();
        self.conversations.iter().map(|(id, one)| (*id, one.known.cursor.0.max(head(*id)))).collect()
    }

    /// A person's username, if they are a member of a known conversation.
    pub fn name(&self, user: i64) -> Option<String> {
        let member = self.conversations.values().find_map(|followed| followed.known.members.get(&UserId(user)))?;
        member["user"]["username"].as_str().map(str::to_owned)
    }

    /// All conversations that the person has left.
    pub fn left(&self) -> &BTreeSet<i64> {
        &self.left
    }

    /// The conversations' cursors for the next `authenticate`.
    pub fn cursors(&self) -> BTreeMap<String, i64> {
        let read = self.conversations.iter().filter(|(_, followed)| !followed.is_unread());
        read.map(|(id, followed)| (id.to_string(), followed.known.cursor.0)).collect()
    }

    /// Notes that the connection has ended: no events follow.
    pub fn hang_up(&mut self) {
        self.conversations.values_mut().for_each(|known| {
            (known.live, known.told_to, known.awaits_more) = (None, None, false);
        });
    }

    /// Takes the answer to `authenticate`; returns the conversations that must be read first.
    pub fn welcome(&mut self, data: &Value) -> Result<Vec<i64>, String> {
        let mut unknown = Vec::new();
        (self.live_from, self.last) = (number(data, "account_seq")?, None);
        self.began.clear();
        for entry in data.get("conversations").and_then(Value::as_array).ok_or("no conversations in the answer")? {
            let (id, head) = (number(entry, "id")?, number(entry, "head")?);
            self.began.insert(id, head);
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

    /// Begins to follow a conversation whose events follow after `head`; its snapshot must still be read.
    fn begin(&mut self, id: i64, head: i64) {
        self.left.remove(&id);
        self.began.insert(id, head);
        let known = Snapshot::at(UNREAD);
        self.conversations.insert(id, Followed { known, live: Some(head), told_to: None, awaits_more: false });
    }

    /// Replaces the known state by one that was read.
    pub fn read(&mut self, id: i64, snapshot: Snapshot) {
        if let Some(followed) = self.conversations.get_mut(&id) {
            followed.known = snapshot;
        }
    }

    /// Takes a frame that is not the answer to a command.
    ///
    /// # Errors
    /// A description of how the frame contradicts the protocol.
    pub fn hear(&mut self, frame: &Value) -> Result<Next, String> {
        let kind = frame.get("type").and_then(Value::as_str).ok_or("a frame has no type")?;
        let data = frame.get("data").ok_or("a frame has no data")?;
        if frame.get("account_seq").is_some() {
            return self.hear_account(kind, frame, data);
        }
        let Some(id) = frame.get("conversation").and_then(Value::as_i64) else {
            return if kind == "user.updated" { Ok(Next::Listen) } else { Err(format!("{kind} has no conversation")) };
        };
        if kind == "conversation.removed" {
            // This answers a cursor of a conversation that the person is no longer a member of.
            self.forget(id);
            return Ok(Next::Listen);
        }
        let known = self.conversations.get_mut(&id).ok_or_else(|| {
            let once = if self.left.contains(&id) { "one it left" } else { "one it never belonged to" };
            format!("{kind} is of a foreign conversation, {once}")
        })?;
        let head = frame.get("seq").or_else(|| data.get("to")).and_then(Value::as_i64);
        if let Some((account, head)) = self.account.as_mut().zip(head) {
            account.happened(ConversationId(id), Number(head));
        }
        match frame.get("seq").and_then(Value::as_i64) {
            Some(seq) => {
                known.take_event(kind, seq, data)?;
                known.take_thread(frame).map(|()| Next::Listen)
            }
            None if kind == "conversation.changes" => {
                known.hear_changes(data)?;
                Ok(if known.take_changes(data)? { Next::Read(id) } else { Next::Listen })
            }
            None if matches!(
                kind,
                "typing.started" | "typing.stopped" | "thread.typing" | "marker.moved" | "presence.changed"
            ) =>
            {
                Ok(Next::Listen)
            }
            None => Err(format!("{kind} has no number")),
        }
    }

    fn forget(&mut self, id: i64) {
        self.conversations.remove(&id);
        self.left.insert(id);
    }

    /// Takes an event of the account: each number once and in order, and none left out.
    fn hear_account(&mut self, kind: &str, frame: &Value, data: &Value) -> Result<Next, String> {
        let seq = number(frame, "account_seq")?;
        if kind == "account.reset" {
            self.last = Some(seq);
            return Ok(Next::ReadAccount(seq));
        }
        let after = frame.get("account_after").and_then(Value::as_i64).unwrap_or(seq - 1);
        if let Some(last) = self.last.replace(seq).filter(|last| seq <= *last) {
            return Err(format!("{kind} has number {seq} of the account, but follows {last}"));
        }
        let change = self.account_change(kind, frame, data)?;
        let account = self.account.as_mut().ok_or("the account's number was not told before its events")?;
        match account.place(Number(after), Number(seq)) {
            Place::Known => return Err(format!("{kind} has number {seq}, and was told before")),
            Place::Next => account.apply(Number(seq), change),
            Place::Beyond => {
                return Err(format!("{kind} has number {seq} after {after}, but the account is at {}", account.cursor));
            }
        }
        self.follow(kind, frame, data, seq > self.live_from)
    }

    fn account_change(&self, kind: &str, frame: &Value, data: &Value) -> Result<AccountChange<Objects>, String> {
        let place = || number(frame, "conversation");
        Ok(match kind {
            "conversation.added" => AccountChange::Added(ConversationId(place()?), data["settings"].to_string()),
            "conversation.settings" => AccountChange::Settings(ConversationId(place()?), data.to_string()),
            "notifications.changed" => AccountChange::Notifications(data.to_string()),
            "conversation.removed" => AccountChange::Removed(ConversationId(place()?)),
            "conversation.hidden" => AccountChange::Hidden(ConversationId(place()?), Number(number(data, "at")?)),
            "account.updated" => AccountChange::Profile(profile_of(data)),
            "draft.saved" => AccountChange::Draft(draft_key(data)?, data.clone()),
            "draft.discarded" => AccountChange::NoDraft(draft_key(data)?),
            "reminder.set" | "reminder.due" => {
                let (id, rev, due) = reminder_of(data)?;
                AccountChange::Reminder(id, rev, due)
            }
            "inbox.read" => AccountChange::Thing("inbox".into(), Some(data.to_string())),
            "user_groups.changed" => {
                let groups = data["groups"].as_array().into_iter().flatten().collect();
                AccountChange::Thing("user groups".into(), groups_thing(groups).map(|(_, state)| state))
            }
            "thread.followed" => match thread_of(data)? {
                following if following.follows => AccountChange::Thread(following),
                Following { key, .. } => AccountChange::NoThread(key),
            },
            "reminder.removed" => AccountChange::NoReminder(ReminderId(number(data, "id")?)),
            "push_device.added" => {
                let (name, state) = push_device_of(data)?;
                AccountChange::Thing(name, Some(state))
            }
            "push_device.removed" => AccountChange::Thing(push_device_name(PushDeviceId(number(data, "id")?)), None),
            "message.saved" => {
                let (name, state) = saved_of(data)?;
                AccountChange::Thing(name, Some(state))
            }
            "message.unsaved" => AccountChange::Thing(saved_key(data)?, None),
            _ => return Err(format!("{kind} is not an event of an account")),
        })
    }

    /// Begins or stops following a conversation. A missed event that comes now does not say from where the
    /// conversation's events follow: the welcome did.
    fn follow(&mut self, kind: &str, frame: &Value, data: &Value, is_live: bool) -> Result<Next, String> {
        match (kind, is_live) {
            ("conversation.added", true) => {
                let id = number(data, "id")?;
                // On a second connection a first reading may have brought it already.
                self.begin(id, number(data, "head")?);
                return Ok(Next::Read(id));
            }
            ("conversation.removed", _) => {
                let id = number(frame, "conversation")?;
                if is_live || !self.began.contains_key(&id) {
                    self.forget(id);
                }
            }
            _ => {}
        }
        Ok(Next::Listen)
    }

    /// Takes the answer to `conversation.sync`; returns whether the conversation must be read again.
    ///
    /// # Errors
    /// A description of how the answer contradicts the protocol.
    pub fn take_changes(&mut self, id: i64, data: &Value) -> Result<bool, String> {
        self.conversations.get_mut(&id).ok_or("it is not followed")?.take_changes(data)
    }
}

impl Followed {
    fn is_unread(&self) -> bool {
        self.known.cursor < Number(0)
    }

    fn take_event(&mut self, kind: &str, seq: i64, data: &Value) -> Result<(), String> {
        if self.awaits_more {
            return Err(format!("{kind} has number {seq}, and came before the last piece of what was missed"));
        }
        match self.live {
            Some(last) if seq == last + 1 || self.told_to.is_some_and(|to| seq == to + 1) => self.live = Some(seq),
            Some(last) => return Err(format!("{kind} has number {seq}, but follows {last}")),
            None => return Err(format!("{kind} came before it was said from where events follow")),
        }
        // Events cannot be applied to a conversation that was not read; the reading is under way.
        if self.is_unread() {
            return Ok(());
        }
        match self.known.place(Number(seq)) {
            Place::Known => Ok(()),
            Place::Next if self.known.apply(Number(seq), change(kind, seq, data)?) => Ok(()),
            Place::Next => Err(format!("{kind} {seq} holds an older state than is known: {data}")),
            Place::Beyond => Err(format!("{kind} has number {seq}, but the cursor is {}", self.known.cursor)),
        }
    }

    /// Takes what an event says of the thread that it changes.
    fn take_thread(&mut self, frame: &Value) -> Result<(), String> {
        let Some(thread) = frame.get("thread").filter(|_| !self.is_unread()) else { return Ok(()) };
        if number(thread, "rev")? != number(frame, "seq")? {
            return Err(format!("an event shows another state of its thread: {frame}"));
        }
        // A repeat may be older than what is known.
        self.known.put_thread(thread.clone());
        Ok(())
    }

    /// Takes changes that the server sent by itself: events follow from their end, or from where they did if the
    /// reading is newer.
    fn hear_changes(&mut self, data: &Value) -> Result<(), String> {
        self.told_to = Some(number(data, "to")?);
        self.awaits_more = data.get("more") == Some(&Value::Bool(true));
        Ok(())
    }

    /// Applies changes; returns whether the conversation must be read again.
    fn take_changes(&mut self, data: &Value) -> Result<bool, String> {
        let (from, to, cursor) = (number(data, "from")?, Number(number(data, "to")?), self.known.cursor);
        if Number(from) > cursor {
            return Err(format!("the changes begin at {from}, but the cursor is {cursor}"));
        }
        if data.get("reset") == Some(&Value::Bool(true)) {
            self.known.cursor = UNREAD;
            return Ok(true);
        }
        // Changes that are older than the known state bring nothing new.
        if to < cursor {
            return Ok(false);
        }
        let messages: Vec<Value> = list(data, "messages")?.iter().map(message).collect::<Result<_, _>>()?;
        let members: Vec<Value> = list(data, "members")?.iter().map(member).collect::<Result<_, _>>()?;
        let row = row_of(data.get("conversation").ok_or("changes without their conversation")?);
        let threads = list(data, "threads")?.clone();
        match self.known.catch_up(to, row, members, messages, threads) {
            0 => Ok(false),
            older => Err(format!("the changes up to {to} hold {older} older states than are known: {data}")),
        }
    }
}

/// The change that an event makes.
fn change(kind: &str, seq: i64, data: &Value) -> Result<Change<Objects>, String> {
    match kind {
        "message.created" | "message.edited" | "message.deleted" | "message.previewed" => {
            if number(data, "rev")? != seq {
                return Err(format!("{kind} {seq} holds another state: {data}"));
            }
            Ok(Change::Message(message(data)?))
        }
        "reaction.added" | "reaction.removed" => {
            Ok(Change::Message(message(data.get("message").ok_or("a reaction without its message")?)?))
        }
        "member.joined" | "member.left" => {
            let whose = member(data.get("member").ok_or("a membership without its member")?)?;
            Ok(Change::Member(whose, Some(number(data, "member_count")?)))
        }
        "event.hidden" => Ok(Change::Nothing),
        "member.updated" => Ok(Change::Member(member(data)?, None)),
        "conversation.updated" => Ok(Change::Row(row_of(data))),
        _ => Err(format!("{kind} is not an event that there is")),
    }
}

fn list<'a>(data: &'a Value, field: &str) -> Result<&'a Vec<Value>, String> {
    data.get(field).and_then(Value::as_array).ok_or_else(|| format!("changes without {field}"))
}

#[cfg(test)]
mod tests;
