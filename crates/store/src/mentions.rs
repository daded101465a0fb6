//! Mentions: rows and statements. Whom a message is for is stored with it: one row for each person, and one for each
//! call of many.

use std::collections::HashMap;

use chat::{
    ConversationId, MessageId, Millis, Number, UserGroupId, UserId,
    inbox::InboxReason,
    mentions::{Called, Mentions, Resolved},
    messages::Message,
    policies::{Ability, Grant},
};
use serde::Serialize;
use sqlx::FromRow;

use crate::{
    Conn, Result,
    appends::{json, json_ids},
    policies,
};

/// How many messages after the read marker are for a member: of the membership `m` in the conversation `c`.
/// Counted by indexes, up to [`chat::limits::UNREAD_CAP`], without what stands in threads only. Rows of deleted messages
/// are gone.
macro_rules! unread_for_me {
    () => {
        concat!(
            "(SELECT COUNT(DISTINCT called.seq) FROM (
             SELECT a.seq FROM mentions a
                 WHERE a.user_id = m.user_id AND a.conversation_id = c.id AND a.seq >= ",
            unread_from!(),
            "
                 AND a.reason <> 'reaction' AND a.actor <> m.user_id
                 AND NOT EXISTS (SELECT 1 FROM messages x WHERE x.id = a.message_id AND x.aside = 1)
             UNION ALL SELECT b.seq FROM broadcasts b
                 WHERE b.conversation_id = c.id AND b.seq >= ",
            unread_from!(),
            " AND b.actor <> m.user_id
                 AND NOT EXISTS (SELECT 1 FROM messages y WHERE y.id = b.message_id AND y.aside = 1)
                 AND (b.scope <> 'group' OR EXISTS (SELECT 1 FROM user_group_members s
                      WHERE s.group_id = b.group_id AND s.user_id = m.user_id AND s.added_at <= b.at))
             LIMIT 100) AS called)"
        )
    };
}

statements! {
    /// Each name with the member of its conversation and the user group that have it, and how many members of the
    /// conversation belong to that group.
    RESOLVE = "SELECT CAST(j.value ->> 'i' AS BIGINT) AS i, m.user_id, g.id AS group_id,
                      CASE WHEN g.id IS NULL THEN 0 ELSE (SELECT COUNT(*) FROM user_group_members s
                          JOIN members b ON b.conversation_id = CAST(j.value ->> 'c' AS BIGINT) AND b.user_id = s.user_id
                           AND b.role IS NOT NULL WHERE s.group_id = g.id) END AS size
               FROM json_each($1) AS j
               LEFT JOIN users u ON u.username_key = j.value ->> 'n' AND u.deactivated_at IS NULL
               LEFT JOIN members m ON m.conversation_id = CAST(j.value ->> 'c' AS BIGINT) AND m.user_id = u.id AND m.role IS NOT NULL
               LEFT JOIN user_groups g ON g.name_key = j.value ->> 'n'
               WHERE m.user_id IS NOT NULL OR g.id IS NOT NULL";
    /// Whether the ability to mention everybody was given to authors or withdrawn from them.
    GRANTS = "SELECT CAST(j.value ->> 'i' AS BIGINT) AS i, g.given, g.ends_at FROM json_each($1) AS j
              JOIN grants g ON g.conversation_id = CAST(j.value ->> 'c' AS BIGINT) AND g.user_id = CAST(j.value ->> 'u' AS BIGINT)
               AND g.ability = 'mention_everybody'";
    ADD = "INSERT INTO mentions (message_id, user_id, reason, actor, emoji, conversation_id, seq, number, at)
           SELECT CAST(j.value ->> 'm' AS BIGINT), CAST(j.value ->> 't' AS BIGINT), j.value ->> 'r', CAST(j.value ->> 'u' AS BIGINT),
                  j.value ->> 'e', CAST(j.value ->> 'c' AS BIGINT), CAST(j.value ->> 's' AS BIGINT),
                  CAST(j.value ->> 'n' AS BIGINT), CAST(j.value ->> 'a' AS BIGINT)
           FROM json_each($1) AS j";
    ADD_BROADCASTS = "INSERT INTO broadcasts (message_id, scope, group_id, actor, conversation_id, seq, number, at)
           SELECT CAST(j.value ->> 'm' AS BIGINT), j.value ->> 'r', CAST(j.value ->> 't' AS BIGINT), CAST(j.value ->> 'u' AS BIGINT),
                  CAST(j.value ->> 'c' AS BIGINT), CAST(j.value ->> 's' AS BIGINT),
                  CAST(j.value ->> 'n' AS BIGINT), CAST(j.value ->> 'a' AS BIGINT)
           FROM json_each($1) AS j";
    OF = "SELECT message_id, reason, user_id AS target FROM mentions
          WHERE reason <> 'reaction' AND message_id IN (SELECT CAST(j.value ->> 'v' AS BIGINT) FROM json_each($1) AS j)
          UNION ALL SELECT message_id, scope, group_id FROM broadcasts
          WHERE message_id IN (SELECT CAST(k.value ->> 'v' AS BIGINT) FROM json_each($1) AS k) ORDER BY target";
    /// When each person and each group was first called by these messages; of calls to all, the group is 0.
    CALLED = "SELECT message_id, user_id, CAST(0 AS BIGINT) AS group_id, MIN(number) AS number, MIN(at) AS at FROM mentions
              WHERE reason <> 'reaction' AND message_id IN (SELECT CAST(j.value ->> 'v' AS BIGINT) FROM json_each($1) AS j)
              GROUP BY message_id, user_id
              UNION ALL SELECT message_id, NULL, group_id, MIN(number), MIN(at) FROM broadcasts
              WHERE message_id IN (SELECT CAST(k.value ->> 'v' AS BIGINT) FROM json_each($1) AS k)
              GROUP BY message_id, group_id";
    REMOVE = "DELETE FROM mentions WHERE message_id = $1 AND reason = $2 AND user_id = $3";
    REMOVE_BROADCAST = "DELETE FROM broadcasts WHERE message_id = $1 AND scope = $2 AND group_id = $3";
    UNREACT = "DELETE FROM mentions WHERE message_id = $1 AND reason = 'reaction' AND actor = $2 AND emoji = $3";
    CLEAR = "DELETE FROM mentions WHERE message_id = $1";
    CLEAR_BROADCASTS = "DELETE FROM broadcasts WHERE message_id = $1";
}

/// A text of a batch, by its place in it.
pub(crate) struct Text<'a> {
    pub index: usize,
    pub conversation: ConversationId,
    pub author: UserId,
    pub called: &'a Called,
}

#[derive(Serialize)]
struct Name<'a> {
    i: usize,
    c: i64,
    n: &'a str,
}

#[derive(Serialize)]
struct Author {
    i: usize,
    c: i64,
    u: i64,
}

#[derive(FromRow)]
struct ResolvedRow {
    i: i64,
    user_id: Option<i64>,
    group_id: Option<i64>,
    size: i64,
}

/// The meaning of the names in texts, by one statement for all of them; none for texts that call nobody.
pub(crate) async fn resolve_all(conn: &mut Conn, texts: &[Text<'_>]) -> Result<HashMap<usize, Resolved>> {
    let names = texts
        .iter()
        .flat_map(|text| text.called.names.iter().map(|name| Name { i: text.index, c: text.conversation.0, n: name }));
    let names: Vec<Name<'_>> = names.collect();
    let mut found: HashMap<usize, Resolved> = HashMap::new();
    if names.is_empty() {
        return Ok(found);
    }
    for row in sql!(conn, fetch_all as ResolvedRow, RESOLVE, json(&names)?)? {
        let resolved = found.entry(usize::try_from(row.i).unwrap_or_default()).or_default();
        resolved.people.extend(row.user_id.map(UserId));
        resolved.groups.extend(row.group_id.map(|group| (UserGroupId(group), row.size)));
    }
    for resolved in found.values_mut() {
        resolved.people.sort_unstable();
        resolved.groups.sort_unstable();
    }
    Ok(found)
}

/// The meaning of the names that a text calls, in a conversation.
///
/// # Errors
/// Those of the database.
pub async fn resolve(conn: &mut Conn, conversation: ConversationId, called: &Called) -> Result<Resolved> {
    let text = Text { index: 0, conversation, author: UserId(0), called };
    Ok(resolve_all(conn, &[text]).await?.remove(&0).unwrap_or_default())
}

/// The grants of authors whose texts call everybody.
pub(crate) async fn grants(conn: &mut Conn, texts: &[Text<'_>]) -> Result<HashMap<usize, Grant>> {
    let calling = texts.iter().filter(|text| text.called.calls_everybody());
    let authors: Vec<Author> =
        calling.map(|text| Author { i: text.index, c: text.conversation.0, u: text.author.0 }).collect();
    if authors.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = sql!(conn, fetch_all as (i64, i64, Option<i64>), GRANTS, json(&authors)?)?;
    let read = |(i, given, ends_at)| {
        let grant = policies::read_grant(Ability::MentionEverybody.name(), given, ends_at)?;
        Some((usize::try_from(i).ok()?, grant))
    };
    Ok(rows.into_iter().filter_map(read).collect())
}

/// A message whose mentions are stored, and the change that made them.
#[derive(Clone, Copy)]
pub(crate) struct Cause {
    pub message: MessageId,
    pub conversation: ConversationId,
    pub seq: Number,
    pub actor: UserId,
    pub number: Number,
    pub at: Millis,
}

/// Rows to be stored.
#[derive(Default)]
pub(crate) struct Rows {
    people: Vec<Row>,
    broadcasts: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    m: i64,
    /// The person or the user group.
    t: i64,
    r: &'static str,
    u: i64,
    e: String,
    c: i64,
    s: i64,
    n: i64,
    a: i64,
}

impl Rows {
    /// Adds those whom a message is for.
    pub(crate) fn add(&mut self, cause: Cause, mentions: &Mentions) {
        let people = mentions.people.iter().map(|person| (InboxReason::Mention, person.0));
        let people = people.chain(mentions.reply_to.map(|author| (InboxReason::Reply, author.0)));
        self.people.extend(people.map(|(reason, target)| row(cause, reason, target, "")));
        let groups = mentions.groups.iter().map(|group| (InboxReason::Group, group.0));
        let everybody = [(mentions.here, InboxReason::Here), (mentions.room, InboxReason::Room)];
        let everybody = everybody.into_iter().filter(|(calls, _)| *calls).map(|(_, reason)| (reason, 0));
        self.broadcasts.extend(groups.chain(everybody).map(|(reason, target)| row(cause, reason, target, "")));
    }

    /// Stores them.
    pub(crate) async fn store(&self, conn: &mut Conn) -> Result<()> {
        if !self.people.is_empty() {
            sql!(conn, execute, ADD, json(&self.people)?)?;
        }
        if !self.broadcasts.is_empty() {
            sql!(conn, execute, ADD_BROADCASTS, json(&self.broadcasts)?)?;
        }
        Ok(())
    }
}

fn row(cause: Cause, reason: InboxReason, target: i64, emoji: &str) -> Row {
    Row {
        m: cause.message.0,
        t: target,
        r: reason.name(),
        u: cause.actor.0,
        e: emoji.to_owned(),
        c: cause.conversation.0,
        s: cause.seq.0,
        n: cause.number.0,
        a: cause.at.0,
    }
}

/// Whom these messages are for. Those that are for nobody are left out.
///
/// # Errors
/// Those of the database.
pub async fn of(conn: &mut Conn, messages: &[MessageId]) -> Result<HashMap<MessageId, Mentions>> {
    let rows = sql!(conn, fetch_all as (i64, String, i64), OF, json_ids(messages.iter().map(|m| m.0))?)?;
    let mut found: HashMap<MessageId, Mentions> = HashMap::new();
    for (message, reason, target) in rows {
        let mentions = found.entry(MessageId(message)).or_default();
        match InboxReason::from_name(&reason) {
            Some(InboxReason::Mention) => mentions.people.push(UserId(target)),
            Some(InboxReason::Reply) => mentions.reply_to = Some(UserId(target)),
            Some(InboxReason::Group) => mentions.groups.push(UserGroupId(target)),
            Some(InboxReason::Here) => mentions.here = true,
            Some(InboxReason::Room) => mentions.room = true,
            // No message is for somebody because of these.
            Some(InboxReason::Reaction | InboxReason::Thread) | None => {}
        }
    }
    Ok(found)
}

/// Who was called by a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Callee {
    /// This person: named, or replied to.
    Person(UserId),
    /// This user group.
    Group(UserGroupId),
    /// All.
    Everybody,
}

/// Under which number a message came to be for somebody, and when: its own, or that of an edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Calling {
    /// The number.
    pub number: Number,
    /// The moment.
    pub at: Millis,
}

/// Since when these messages are for those whom they call. Those that call nobody are left out.
///
/// # Errors
/// Those of the database.
pub async fn callings(conn: &mut Conn, messages: &[MessageId]) -> Result<HashMap<MessageId, Vec<(Callee, Calling)>>> {
    type Found = (i64, Option<i64>, i64, i64, i64);
    let mut found: HashMap<MessageId, Vec<(Callee, Calling)>> = HashMap::new();
    if messages.is_empty() {
        return Ok(found);
    }
    let rows = sql!(conn, fetch_all as Found, CALLED, json_ids(messages.iter().map(|m| m.0))?)?;
    for (message, person, group, number, at) in rows {
        let callee = match (person, group) {
            (Some(person), _) => Callee::Person(UserId(person)),
            (None, 0) => Callee::Everybody,
            (None, group) => Callee::Group(UserGroupId(group)),
        };
        let calling = Calling { number: Number(number), at: Millis(at) };
        found.entry(MessageId(message)).or_default().push((callee, calling));
    }
    Ok(found)
}

/// Makes an edited message be for others, under this number: those who are no longer named are removed, those who were
/// not are added, and nothing changes for all others.
///
/// # Errors
/// Those of the database.
pub async fn change(conn: &mut Conn, message: &Message, to: &Mentions, number: Number, now: Millis) -> Result<()> {
    let from = &message.mentions;
    for person in from.people.iter().filter(|person| !to.people.contains(person)) {
        sql!(conn, execute, REMOVE, message.id.0, InboxReason::Mention.name(), person.0)?;
    }
    let groups =
        from.groups.iter().filter(|group| !to.groups.contains(group)).map(|group| (InboxReason::Group, group.0));
    let everybody = [(from.here && !to.here, InboxReason::Here), (from.room && !to.room, InboxReason::Room)];
    let everybody = everybody.into_iter().filter(|(gone, _)| *gone).map(|(_, reason)| (reason, 0));
    for (reason, group) in groups.chain(everybody) {
        sql!(conn, execute, REMOVE_BROADCAST, message.id.0, reason.name(), group)?;
    }
    let added = Mentions {
        people: to.people.iter().copied().filter(|person| !from.people.contains(person)).collect(),
        groups: to.groups.iter().copied().filter(|group| !from.groups.contains(group)).collect(),
        here: to.here && !from.here,
        room: to.room && !from.room,
        reply_to: None,
    };
    let mut rows = Rows::default();
    rows.add(cause(message, message.author, number, now), &added);
    rows.store(conn).await
}

fn cause(message: &Message, actor: UserId, number: Number, at: Millis) -> Cause {
    Cause { message: message.id, conversation: message.conversation, seq: message.seq, actor, number, at }
}

/// Notes that somebody has reacted to a message, for its author.
///
/// # Errors
/// Those of the database.
pub async fn react(
    conn: &mut Conn,
    message: &Message,
    actor: UserId,
    emoji: &str,
    number: Number,
    now: Millis,
) -> Result<()> {
    if message.author == actor {
        return Ok(());
    }
    let row = row(cause(message, actor, number, now), InboxReason::Reaction, message.author.0, emoji);
    Rows { people: vec![row], broadcasts: Vec::new() }.store(conn).await
}

/// Forgets that somebody has reacted.
///
/// # Errors
/// Those of the database.
pub async fn unreact(conn: &mut Conn, message: MessageId, actor: UserId, emoji: &str) -> Result<()> {
    sql!(conn, execute, UNREACT, message.0, actor.0, emoji)?;
    Ok(())
}

/// Forgets whom a message was for.
///
/// # Errors
/// Those of the database.
pub async fn clear(conn: &mut Conn, message: MessageId) -> Result<()> {
    sql!(conn, execute, CLEAR, message.0)?;
    sql!(conn, execute, CLEAR_BROADCASTS, message.0)?;
    Ok(())
}
