//! The law: old snapshot + events = fresh snapshot. It is checked after everything that anybody does, for everybody who
//! is connected and all of their conversations; and conversations that they have left must be not found.

use std::{collections::BTreeMap, time::Duration};

use promises::{ConversationId, Following, Form as _, KnownAccount, Number, UserId};
use serde_json::Value;
use tokio::time::Instant;

use crate::{
    model::{Objects, Snapshot, draft_key, profile_of, push_device_of, reminder_of, row_of, saved_of, thread_of},
    person::Inner,
};

/// Somebody who has received nothing more for this long will receive nothing more. On a busy machine a thousand long
/// messages take longer than this, but not one of them.
const PATIENCE: Duration = Duration::from_secs(10);
/// However much keeps coming, what was missing should have come after this time.
const UTMOST: Duration = Duration::from_secs(90);
/// How often a reading is repeated because something changed while it went on.
const TRIES: usize = 50;

/// The largest number of unread messages that a list counts.
pub(crate) const UNREAD_CAP: usize = 100;

/// The result of a request.
enum Seen<T> {
    Here(T),
    NotFound,
    /// The credential is no longer valid, or the rate limit is reached: nothing can be said.
    Unknown,
}

async fn get(person: &Inner, path: &str) -> Seen<Value> {
    let answer = person.rest("GET", path, &Value::Null).await;
    match answer.status {
        200 => Seen::Here(answer.body),
        404 => Seen::NotFound,
        401 | 429 => Seen::Unknown,
        status => panic!("{}: GET {path} is answered by {status}: {}", person.name, answer.text),
    }
}

/// How far back to read.
#[derive(Clone, Copy)]
pub enum Depth {
    /// The newest page.
    Page,
    /// Back to this number.
    To(i64),
}

/// Reads a conversation as this person sees it, at one number.
pub async fn read(person: &Inner, id: i64, depth: Depth) -> Option<Snapshot> {
    for _ in 0..TRIES {
        match read_once(person, id, depth).await {
            Seen::Here(Some(snapshot)) => return Some(snapshot),
            Seen::Here(None) => tokio::task::yield_now().await,
            Seen::NotFound | Seen::Unknown => return None,
        }
    }
    panic!("{}: conversation {id} does not stand still", person.name);
}

macro_rules! seen {
    ($asked:expr) => {
        match $asked {
            Seen::Here(value) => value,
            Seen::NotFound => return Seen::NotFound,
            Seen::Unknown => return Seen::Unknown,
        }
    };
}

/// Reads once; `Here(None)` if something changed while it went on.
async fn read_once(person: &Inner, id: i64, depth: Depth) -> Seen<Option<Snapshot>> {
    let path = format!("/v1/conversations/{id}");
    let before = row_of(&seen!(get(person, &path).await));
    let mut snapshot = Snapshot::read(Number(before["head"].as_i64().unwrap_or_default()), before, [], []);
    let mut page = seen!(get(person, &format!("{path}/messages?limit=200")).await);
    loop {
        let messages = page["messages"].as_array().cloned().unwrap_or_default();
        let first = messages.first().and_then(|message| message["seq"].as_i64());
        messages.into_iter().for_each(|message| _ = snapshot.put_message(message));
        let Some(first) = first.filter(|_| page["has_more_before"] == true) else { break };
        match depth {
            Depth::To(floor) if floor < first => {}
            _ => {
                snapshot.floor = Number(first);
                break;
            }
        }
        page = seen!(get(person, &format!("{path}/messages?limit=200&before_seq={first}")).await);
    }
    let mut cursor = String::new();
    loop {
        let page = seen!(get(person, &format!("{path}/members?limit=200{cursor}")).await);
        page["members"].as_array().into_iter().flatten().for_each(|member| _ = snapshot.put_member(member.clone()));
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    let after = row_of(&seen!(get(person, &path).await));
    Seen::Here((after == snapshot.row).then_some(snapshot))
}

/// All conversations of a person, as their list shows them.
async fn list(person: &Inner) -> Option<BTreeMap<i64, Value>> {
    let mut all = BTreeMap::new();
    let mut cursor = String::new();
    loop {
        let Seen::Here(page) = get(person, &format!("/v1/conversations?limit=200{cursor}")).await else { return None };
        for conversation in page["conversations"].as_array().into_iter().flatten() {
            all.insert(conversation["id"].as_i64().unwrap_or_default(), conversation.clone());
        }
        let Some(next) = page["next_cursor"].as_str() else { return Some(all) };
        cursor = format!("&cursor={next}");
    }
}

/// Reads the account as its person sees it. A conversation that they belong to and that is not in their list is hidden,
/// up to where it is known. The state may be newer than the number after which events follow.
pub async fn read_account(person: &Inner, cursor: i64) -> Option<KnownAccount<Objects>> {
    let Seen::Here(me) = get(person, "/v1/users/me").await else { return None };
    let Seen::Here(drafts) = get(person, "/v1/drafts").await else { return None };
    let listed = list(person).await?;
    let drafts = drafts["drafts"].as_array().into_iter().flatten();
    let drafts = drafts.map(|draft| (draft_key(draft).expect("a draft has a place"), draft.clone()));
    let mut conversations: BTreeMap<ConversationId, Option<Number>> =
        listed.keys().map(|id| (ConversationId(*id), None)).collect();
    for (id, head) in person.state().model.heads() {
        conversations.entry(ConversationId(id)).or_insert(Some(Number(head)));
    }
    let Seen::Here(reminders) = get(person, "/v1/reminders").await else { return None };
    let reminders = reminders["reminders"].as_array().into_iter().flatten();
    let reminders = reminders.map(|reminder| reminder_of(reminder).expect("a reminder has a number"));
    let account = KnownAccount::read(Number(cursor), Some(profile_of(&me)), conversations, drafts);
    let Seen::Here(notifications) = get(person, "/v1/users/me/notifications").await else { return None };
    let settings = listed.iter().map(|(id, one)| (ConversationId(*id), one["settings"].to_string()));
    let account = account.with_settings(settings, notifications.to_string());
    let account = account.with_reminders(reminders).with_things(saved(person).await?);
    let account = account.with_things(reached(person).await?);
    let account = account.with_things(push_devices(person).await?);
    Some(account.with_threads(threads(person).await?))
}

/// To which user groups a person belongs, and how much of their inbox they have read; nothing of what never changed.
async fn reached(person: &Inner) -> Option<Vec<(String, String)>> {
    let Seen::Here(groups) = get(person, "/v1/user-groups").await else { return None };
    let groups = groups["groups"].as_array().into_iter().flatten().filter(|group| group["mine"] == true);
    let groups: Vec<&Value> = groups.map(|group| &group["id"]).collect();
    let Seen::Here(inbox) = get(person, "/v1/inbox?limit=1").await else { return None };
    let read = Some(&inbox["read"]).filter(|read| read["rev"] != 0);
    Some(groups_thing(groups).into_iter().chain(read.map(|read| ("inbox".to_owned(), read.to_string()))).collect())
}

/// The user groups of a person as a small thing; none if they belong to none.
pub fn groups_thing(groups: Vec<&Value>) -> Option<(String, String)> {
    let mut groups: Vec<String> = groups.into_iter().map(Value::to_string).collect();
    groups.sort_unstable();
    (!groups.is_empty()).then(|| ("user groups".to_owned(), groups.join(" ")))
}

/// The devices on which a person is told.
async fn push_devices(person: &Inner) -> Option<Vec<(String, String)>> {
    let Seen::Here(found) = get(person, "/v1/push-devices").await else { return None };
    let devices = found["devices"].as_array().into_iter().flatten();
    Some(devices.map(|device| push_device_of(device).expect("a device has an id")).collect())
}

/// The messages that a person has saved, page by page.
async fn saved(person: &Inner) -> Option<Vec<(String, String)>> {
    let mut all = Vec::new();
    let mut cursor = String::new();
    loop {
        let Seen::Here(page) = get(person, &format!("/v1/saved?messages=false{cursor}")).await else { return None };
        let entries = page["entries"].as_array().into_iter().flatten();
        all.extend(entries.map(|entry| saved_of(&entry["saved"]).expect("it has a place and a number")));
        let Some(next) = page["next_cursor"].as_str() else { return Some(all) };
        cursor = format!("&cursor={next}");
    }
}

/// All threads that a person follows.
async fn threads(person: &Inner) -> Option<Vec<Following>> {
    let mut all = Vec::new();
    let mut cursor = String::new();
    loop {
        let Seen::Here(page) = get(person, &format!("/v1/threads?limit=200{cursor}")).await else { return None };
        let threads = page["threads"].as_array().into_iter().flatten();
        all.extend(threads.map(|thread| thread_of(thread).expect("a thread has a place")));
        let Some(next) = page["next_cursor"].as_str() else { return Some(all) };
        cursor = format!("&cursor={next}");
    }
}

/// Checks the law for the account once; the error is the difference.
async fn judge_account(person: &Inner) -> Result<(), String> {
    let Some(cursor) = person.state().model.account_seq() else { return Err("their account was not read".to_owned()) };
    let changes = match get(person, &format!("/v1/users/me/changes?since={cursor}")).await {
        Seen::Here(changes) => changes,
        Seen::NotFound => panic!("{} has no account to ask for", person.name),
        Seen::Unknown => return Ok(()),
    };
    if changes["to"] != cursor {
        return Err(format!("their account is at {cursor}, but has come to {}", changes["to"]));
    }
    if person.state().verified_account == Some(cursor) {
        return Ok(());
    }
    let Some(fresh) = read_account(person, cursor).await else { return Ok(()) };
    let mut state = person.state();
    let differences = state.model.account().map(|known| known.differences(&fresh)).unwrap_or_default().join("; ");
    if !differences.is_empty() {
        return Err(format!("at {cursor} of their account {differences}"));
    }
    state.verified_account = Some(cursor);
    Ok(())
}

/// Waits until the person has received everything, and compares.
///
/// # Panics
/// If the law is broken.
pub async fn holds(person: &Inner, touched: Option<i64>) {
    let utmost = Instant::now() + UTMOST;
    let (mut deadline, mut difference) = (Instant::now() + PATIENCE, String::new());
    loop {
        if !person.is_listening() {
            return;
        }
        let Some(all) = list(person).await else { return };
        let verdict = match judge(person, &all, touched).await {
            Ok(()) => judge_account(person).await,
            broken => broken,
        };
        match verdict {
            Ok(()) => break,
            Err(_) if !person.is_listening() => return,
            Err(broken) if broken != difference => (deadline, difference) = (Instant::now() + PATIENCE, broken),
            Err(_) => {}
        }
        let now = Instant::now();
        assert!(now < deadline && now < utmost, "the law is broken for {}: {difference}", person.name);
        person.wait_a_little().await;
    }
    let left: Vec<i64> = person.state().model.left().iter().copied().collect();
    for id in left {
        let seen = get(person, &format!("/v1/conversations/{id}")).await;
        assert!(!matches!(seen, Seen::Here(_)), "{} still sees conversation {id}, which they left", person.name);
    }
}

/// Checks the law once; the error is a difference that may still disappear.
///
/// # Panics
/// If it is broken for good: at the same number, the known state differs from the one that was read.
async fn judge(person: &Inner, all: &BTreeMap<i64, Value>, touched: Option<i64>) -> Result<(), String> {
    let known: Vec<i64> = person.state().model.shown().into_iter().collect();
    let listed: Vec<i64> = all.keys().copied().collect();
    if known != listed {
        return Err(format!("they know of the conversations {known:?}, but belong to {listed:?}"));
    }
    for (&id, conversation) in all {
        let head = conversation["head"].as_i64().unwrap_or_default();
        let (floor, verified) = {
            let state = person.state();
            let Some(followed) = state.model.get(id) else { return Err(format!("conversation {id} is gone")) };
            let known = &followed.known;
            if known.cursor != Number(head) {
                return Err(format!("in conversation {id} they are at {}, but its head is {head}", known.cursor));
            }
            // The reading may be newer than the number given with it (ARCHITECTURE.md): its events are on the way.
            if conversation["last_message"]["rev"].as_i64().unwrap_or_default() > head {
                return Err(format!("the newest message of conversation {id} was read after its head {head}"));
            }
            same_as_listed(person, known, conversation);
            (known.floor.0, state.verified.get(&id) == Some(&head))
        };
        if verified && touched != Some(id) {
            continue;
        }
        let Some(fresh) = read(person, id, Depth::To(floor)).await else {
            return Err(format!("conversation {id} cannot be read"));
        };
        let mut state = person.state();
        let Some(followed) = state.model.get(id) else { return Err(format!("conversation {id} is gone")) };
        let (cursor, head) = (followed.known.cursor, fresh.cursor);
        if cursor != head {
            return Err(format!("in conversation {id} they are at {cursor}, but its head is {head}"));
        }
        let differences = followed.known.differences(&fresh).join("; ");
        let name = &person.name;
        assert!(differences.is_empty(), "the law is broken for {name} in conversation {id} at {head}: {differences}");
        state.verified.insert(id, head.0);
    }
    Ok(())
}

/// Checks that the list shows a conversation as it is known, at the same number.
fn same_as_listed(person: &Inner, known: &Snapshot, listed: &Value) {
    let (name, id) = (&person.name, &listed["id"]);
    assert_eq!(known.row, row_of(listed), "the list shows {name} conversation {id} otherwise");
    let newest = known.messages.last_key_value().map(|(_, message)| message.clone()).unwrap_or_default();
    let mut last = listed["last_message"].clone();
    Objects::take_thread(&mut last);
    assert_eq!(newest, last, "the list shows {name} another newest message in {id}");
    let role = known.members.get(&UserId(person.id)).map(|member| member["role"].clone()).unwrap_or_default();
    assert_eq!(role, listed["role"], "the list shows {name} another role in {id}");
    // Markers have no numbers, but the unread messages that follow from them can be counted.
    // So can those from the message on from which the conversation is marked as unread.
    let read = listed["read_seq"].as_i64().unwrap_or_default();
    let from = listed["settings"]["unread_from"].as_i64().map_or(Number(read).next(), Number);
    if known.floor < from {
        let unread = known
            .messages
            .range(from..)
            .filter(|(_, message)| message["author"]["id"] != person.id && message["deleted_at"].is_null());
        let unread: Vec<&Value> = unread.map(|(_, message)| message).collect();
        let in_room = unread.iter().filter(|message| is_in_room(message)).count().min(UNREAD_CAP);
        let all = unread.len().min(UNREAD_CAP);
        assert_eq!(listed["unread"], all, "the list counts otherwise for {name} in {id}");
        let shown = listed["room"].get("unread").unwrap_or(&listed["unread"]);
        assert_eq!(*shown, in_room, "the list counts otherwise for {name} in the room of {id}");
        // Of user groups a client knows no more than its own, and not since when.
        if unread.iter().all(|message| message["mentions"]["groups"].as_array().is_none_or(Vec::is_empty)) {
            let for_me = unread.iter().filter(|message| is_in_room(message) && is_for(person.id, listed, message));
            let for_me = for_me.count().min(UNREAD_CAP);
            assert_eq!(listed["unread_for_me"], for_me, "the list counts otherwise what is for {name} in {id}");
        }
    }
    // Of what the window does not reach nothing is known.
    let Some(newest) = known.messages.values().rev().find(|message| is_in_room(message)) else { return };
    let room = &listed["room"];
    let mut shown = if room.is_null() { listed["last_message"].clone() } else { room["last_message"].clone() };
    Objects::take_thread(&mut shown);
    assert_eq!(*newest, shown, "the list shows {name} another newest message in the room of {id}");
}

/// Whether a message stands in the room, and not in a thread only.
fn is_in_room(message: &Value) -> bool {
    message["thread"].is_null() || message["also_in_room"] == true
}

/// Whether a message is for a member of a conversation, no user groups considered.
fn is_for(me: i64, listed: &Value, message: &Value) -> bool {
    let mentions = &message["mentions"];
    listed["kind"] == "direct"
        || mentions["here"] == true
        || mentions["room"] == true
        || mentions["reply_to"] == me
        || mentions["people"].as_array().is_some_and(|people| people.contains(&Value::from(me)))
}
