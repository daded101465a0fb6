//! Push devices: rows and statements. A device belongs to a session, and counts as long as that goes on.

use std::collections::HashMap;

use chat::{
    ConversationId, Millis, Number, PushDeviceId, SessionId, UserId,
    notifications::{ConversationSettings, NotificationLevel},
    push_devices::{PushDevice, PushExplained, PushKind, PushState},
};
use sqlx::FromRow;

use crate::{Conn, Result, jobs, notifications::HereRow, threads, unreadable};

const TABLE: &str = "push_deliveries";

macro_rules! columns {
    () => {
        "d.id, d.user_id, d.session_id, d.agent, d.language, d.shows_text, d.created_at, d.rev"
    };
}

/// That the session of the device `d` goes on, and its person's account may be used, at this moment.
macro_rules! goes_on {
    ($now:literal) => {
        concat!(
            "EXISTS (SELECT 1 FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.id = d.session_id
                 AND s.user_id = d.user_id AND s.ended_at IS NULL AND s.expires_at > ",
            $now,
            " AND u.deactivated_at IS NULL)"
        )
    };
}

statements! {
    ADD = "INSERT INTO push_devices (id, user_id, session_id, endpoint, p256dh, auth, agent, language, shows_text, created_at, rev)
           VALUES ($1, $2, $3, $4, $5, $6, (SELECT agent FROM sessions WHERE id = $3), $7, $8, $9, $10)";
    OF_USER = concat!("SELECT ", columns!(), " FROM push_devices d WHERE d.user_id = $1 ORDER BY d.id");
    BY_ID = concat!("SELECT ", columns!(), " FROM push_devices d WHERE d.id = $1");
    /// Those whose place another takes: of the same session, or at the same address.
    REPLACED = concat!("SELECT ", columns!(), " FROM push_devices d WHERE d.session_id = $1 OR d.endpoint = $2 ORDER BY d.id");
    SAME = concat!("SELECT ", columns!(), " FROM push_devices d WHERE d.user_id = $1 AND d.session_id = $2 AND d.endpoint = $3
            AND d.p256dh = $4 AND d.auth = $5 AND d.language = $6 AND d.shows_text = $7");
    GIVE_UP = "UPDATE push_deliveries SET state = 'given_up', at = $2, error = $3 WHERE device_id = $1 AND state = 'waiting'";
    REMOVE = "DELETE FROM push_devices WHERE id = $1 AND user_id = $2";
    FORGET_DELIVERIES = "DELETE FROM push_deliveries WHERE user_id = $1 AND device_id = $2";
    COUNT = "SELECT COUNT(*) FROM push_devices WHERE user_id = $1";
    TARGET = concat!("SELECT d.endpoint, d.p256dh, d.auth, CAST(CASE WHEN ", goes_on!("$2"), " THEN 1 ELSE 0 END AS BIGINT) AS goes_on
              FROM push_devices d WHERE d.id = $1");
    /// Whose session has just ended: a job removes them.
    END = concat!("INSERT INTO jobs (kind, subject, due_at) SELECT 'push_device', d.id, CAST($2 AS BIGINT) FROM push_devices d
           WHERE d.user_id = $1 AND NOT ", goes_on!("$2"), " ON CONFLICT DO NOTHING");
    END_ALL = concat!("INSERT INTO jobs (kind, subject, due_at) SELECT 'push_device', d.id, CAST($1 AS BIGINT) FROM push_devices d
           WHERE NOT ", goes_on!("$1"), " ON CONFLICT DO NOTHING");
    /// Members who are told on devices, each with one row for each device.
    AUDIENCE = concat!("SELECT d.id, d.user_id, d.created_at, m.visible_from, m.read_seq, m.notify, m.muted_until, m.unread_from
                FROM members m JOIN push_devices d ON d.user_id = m.user_id
                WHERE m.conversation_id = $1 AND m.role IS NOT NULL AND m.user_id > $2 AND ", goes_on!("$3"), "
                ORDER BY m.user_id, d.id LIMIT CAST($4 AS BIGINT)");
    IS_LISTENED_TO = "SELECT CAST(j.value ->> 'v' AS BIGINT) FROM json_each($1) AS j
                      WHERE EXISTS (SELECT 1 FROM members m JOIN push_devices d ON d.user_id = m.user_id
                          WHERE m.conversation_id = CAST(j.value ->> 'v' AS BIGINT) AND m.role IS NOT NULL)";
    /// Conversations in which something was said since a moment and of which it was not decided yet who is told.
    BEHIND = "SELECT DISTINCT c.id FROM push_devices d JOIN members m ON m.user_id = d.user_id AND m.role IS NOT NULL
              JOIN conversations c ON c.id = m.conversation_id
              LEFT JOIN push_conversations p ON p.conversation_id = c.id
              WHERE c.active_at > $1 AND c.head > COALESCE(p.seq, 0)";
    PROGRESS = "SELECT seq, goal, after_user, decided_at FROM push_conversations WHERE conversation_id = $1";
    SET_PROGRESS = "INSERT INTO push_conversations (conversation_id, seq, goal, after_user, decided_at) VALUES ($1, $2, $3, $4, $5)
                    ON CONFLICT (conversation_id) DO UPDATE SET
                        seq = excluded.seq, goal = excluded.goal, after_user = excluded.after_user, decided_at = excluded.decided_at";
    HAS_NEWER = "SELECT COUNT(*) FROM (SELECT 1 FROM messages WHERE conversation_id = $1 AND seq > $2
                 UNION ALL SELECT 1 FROM messages x WHERE x.conversation_id = $1 AND x.rev > x.seq AND x.rev > $2
                  AND x.text_rev > $2 LIMIT 1) AS newer";
    /// A waiting push is replaced by a later one, and a message by an urgent push; an urgent one stays so, and waits
    /// since it began to.
    DELIVER = "INSERT INTO push_deliveries (user_id, device_id, conversation_id, reminder_id, seq, kind, state, at, error)
               VALUES ($1, $2, $3, $4, $5, $6, 'waiting', $7, NULL)
               ON CONFLICT (user_id, device_id, conversation_id, reminder_id) DO UPDATE SET
                   seq = excluded.seq, state = excluded.state, error = NULL,
                   kind = CASE WHEN push_deliveries.state = 'waiting' AND excluded.kind = 'message'
                               THEN push_deliveries.kind ELSE excluded.kind END,
                   at = CASE WHEN push_deliveries.state = 'waiting' THEN push_deliveries.at ELSE excluded.at END
               WHERE push_deliveries.seq <= excluded.seq OR push_deliveries.state <> 'waiting'
                  OR (push_deliveries.kind = 'message' AND excluded.kind <> 'message')";
    /// Told after an edit that called the person, a message is read when they have read beyond the edit; a direct message
    /// was for them before.
    WAITING = "SELECT w.user_id, w.conversation_id, w.reminder_id, w.seq, w.kind, n.thread, n.aside, m.role, m.visible_from, m.read_seq,
                      t.read_seq AS thread_read_seq, n.deleted_at,
                      (SELECT MIN(called.number) FROM conversations c, (
                           SELECT a.number FROM mentions a
                           WHERE a.message_id = n.id AND a.user_id = w.user_id AND a.reason <> 'reaction'
                           UNION ALL SELECT b.number FROM broadcasts b
                           WHERE b.message_id = n.id AND (b.scope <> 'group' OR EXISTS (SELECT 1 FROM user_group_members s
                               WHERE s.group_id = b.group_id AND s.user_id = w.user_id))) AS called
                       WHERE c.id = w.conversation_id AND c.kind <> 'direct') AS number
               FROM push_deliveries w
               LEFT JOIN members m ON m.conversation_id = w.conversation_id AND m.user_id = w.user_id
               LEFT JOIN messages n ON n.conversation_id = w.conversation_id AND n.seq = w.seq
               LEFT JOIN followed_threads t ON t.user_id = w.user_id AND t.conversation_id = w.conversation_id AND t.seq = n.thread
               WHERE w.device_id = $1 AND w.state = 'waiting' ORDER BY w.at, w.conversation_id LIMIT CAST($2 AS BIGINT)";
    SETTLE = "UPDATE push_deliveries SET state = $6, at = $7, error = $8
              WHERE user_id = $1 AND device_id = $2 AND conversation_id = $3 AND reminder_id = $4 AND seq = $5 AND state = 'waiting'";
    NOTE_ERROR = "UPDATE push_deliveries SET error = $2 WHERE device_id = $1 AND state = 'waiting'";
    /// Those that wait, and since when the first does; by the index of what waits.
    ALL_WAITING = "SELECT COUNT(*), COALESCE(MIN(at), 0) FROM push_deliveries WHERE state = 'waiting'";
    WAIT_FOR = "SELECT COUNT(*) FROM push_deliveries WHERE device_id = $1 AND state = 'waiting'";
    EXPLAIN = "SELECT d.id, w.seq, w.state, w.at, w.error FROM push_devices d
               LEFT JOIN push_deliveries w ON w.user_id = d.user_id AND w.device_id = d.id AND w.conversation_id = $2
                AND w.reminder_id = 0
               WHERE d.user_id = $1 ORDER BY d.id";
    TOTAL = "SELECT COUNT(*) FROM push_devices";
    FOLLOWERS = "SELECT f.user_id, f.seq, f.read_seq, f.notify FROM json_each($2) AS j
                 JOIN followed_threads f ON f.user_id = CAST(j.value ->> 'v' AS BIGINT)
                 WHERE f.conversation_id = $1 AND f.follows = 1";
}

#[derive(FromRow)]
struct Row {
    id: i64,
    user_id: i64,
    session_id: i64,
    agent: Option<String>,
    language: String,
    shows_text: i64,
    created_at: i64,
    rev: i64,
}

impl From<Row> for PushDevice {
    fn from(row: Row) -> Self {
        Self {
            id: PushDeviceId(row.id),
            user: UserId(row.user_id),
            session: SessionId(row.session_id),
            agent: row.agent,
            language: row.language,
            shows_text: row.shows_text != 0,
            created_at: Millis(row.created_at),
            rev: Number(row.rev),
        }
    }
}

/// A device that is to be stored.
#[derive(Clone, Copy, Debug)]
pub struct PushAddress<'a> {
    /// Where it is reached.
    pub endpoint: &'a str,
    /// Its public key, in base64url.
    pub p256dh: &'a str,
    /// Its secret, in base64url.
    pub auth: &'a str,
}

/// Stores a device, now and under a number of its person's account.
///
/// # Errors
/// Those of the database.
pub async fn add(
    conn: &mut Conn,
    (user, session): (UserId, SessionId),
    address: PushAddress<'_>,
    (language, shows_text): (&str, bool),
    (now, rev): (Millis, Number),
) -> Result<Option<PushDevice>> {
    let id = conn.next_id("push_device").await?;
    let PushAddress { endpoint, p256dh, auth } = address;
    let shows = i64::from(shows_text);
    sql!(conn, execute, ADD, id, user.0, session.0, endpoint, p256dh, auth, language, shows, now.0, rev.0)?;
    by_id(conn, PushDeviceId(id)).await
}

/// Somebody's devices. They are so few that they need no pages.
///
/// # Errors
/// Those of the database.
pub async fn of_user(conn: &mut Conn, user: UserId) -> Result<Vec<PushDevice>> {
    Ok(sql!(conn, fetch_all as Row, OF_USER, user.0)?.into_iter().map(PushDevice::from).collect())
}

/// A device.
///
/// # Errors
/// Those of the database.
pub async fn by_id(conn: &mut Conn, id: PushDeviceId) -> Result<Option<PushDevice>> {
    Ok(sql!(conn, fetch_optional as Row, BY_ID, id.0)?.map(PushDevice::from))
}

/// The devices whose place one of this session and at this address takes; perhaps somebody else's, who used the same
/// browser before.
///
/// # Errors
/// Those of the database.
pub async fn replaced_by(conn: &mut Conn, session: SessionId, endpoint: &str) -> Result<Vec<PushDevice>> {
    Ok(sql!(conn, fetch_all as Row, REPLACED, session.0, endpoint)?.into_iter().map(PushDevice::from).collect())
}

/// The device that a session has already at this address, with the same keys and wishes.
///
/// # Errors
/// Those of the database.
pub async fn same(
    conn: &mut Conn,
    (user, session): (UserId, SessionId),
    address: PushAddress<'_>,
    (language, shows_text): (&str, bool),
) -> Result<Option<PushDevice>> {
    let PushAddress { endpoint, p256dh, auth } = address;
    let shows = i64::from(shows_text);
    let row = sql!(conn, fetch_optional as Row, SAME, user.0, session.0, endpoint, p256dh, auth, language, shows)?;
    Ok(row.map(PushDevice::from))
}

/// Removes somebody's device, and what it was to be told. Whether there was one.
///
/// # Errors
/// Those of the database.
pub async fn remove(conn: &mut Conn, user: UserId, id: PushDeviceId) -> Result<bool> {
    sql!(conn, execute, FORGET_DELIVERIES, user.0, id.0)?;
    Ok(sql!(conn, execute, REMOVE, id.0, user.0)? == 1)
}

/// How many devices somebody has.
///
/// # Errors
/// Those of the database.
pub async fn count(conn: &mut Conn, user: UserId) -> Result<i64> {
    let (count,) = sql!(conn, fetch_one as (i64,), COUNT, user.0)?;
    Ok(count)
}

/// How many devices there are.
///
/// # Errors
/// Those of the database.
pub async fn total(conn: &mut Conn) -> Result<i64> {
    let (count,) = sql!(conn, fetch_one as (i64,), TOTAL)?;
    Ok(count)
}

/// Has the devices of somebody's sessions removed that do not go on.
///
/// # Errors
/// Those of the database.
pub async fn end_with_sessions(conn: &mut Conn, user: UserId, now: Millis) -> Result<()> {
    sql!(conn, execute, END, user.0, now.0)?;
    Ok(())
}

/// Has all devices removed whose session is over, whatever has ended it.
///
/// # Errors
/// Those of the database.
pub async fn end_with_all_sessions(conn: &mut Conn, now: Millis) -> Result<()> {
    sql!(conn, execute, END_ALL, now.0)?;
    Ok(())
}

/// Where a device is reached.
#[derive(Clone, Debug, FromRow, PartialEq, Eq)]
pub struct PushTarget {
    /// The address at its push service.
    pub endpoint: String,
    /// Its public key, in base64url.
    pub p256dh: String,
    /// Its secret, in base64url.
    pub auth: String,
    /// 0 if its session is over, or its person's account is deactivated.
    pub goes_on: i64,
}

/// Where a device is reached, and whether its session goes on.
///
/// # Errors
/// Those of the database.
pub async fn target(conn: &mut Conn, id: PushDeviceId, now: Millis) -> Result<Option<PushTarget>> {
    sql!(conn, fetch_optional as PushTarget, TARGET, id.0, now.0)
}

/// A device of a member who may be told of a conversation's messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listening {
    /// The device.
    pub device: PushDeviceId,
    /// Whose it is.
    pub user: UserId,
    /// Since when it is told.
    pub since: Millis,
    /// The number from which on the member sees messages.
    pub visible_from: Number,
    /// How far they have read.
    pub read_seq: Number,
    /// Their settings of the conversation.
    pub settings: ConversationSettings,
}

#[derive(FromRow)]
struct ListeningRow {
    id: i64,
    user_id: i64,
    created_at: i64,
    visible_from: i64,
    read_seq: i64,
    #[sqlx(flatten)]
    here: HereRow,
}

/// The devices of members after this person, at most so many, by their people.
///
/// # Errors
/// Those of the database.
pub async fn audience(
    conn: &mut Conn,
    conversation: ConversationId,
    after: UserId,
    now: Millis,
    limit: i64,
) -> Result<Vec<Listening>> {
    let rows = sql!(conn, fetch_all as ListeningRow, AUDIENCE, conversation.0, after.0, now.0, limit)?;
    let read = |row: ListeningRow| Listening {
        device: PushDeviceId(row.id),
        user: UserId(row.user_id),
        since: Millis(row.created_at),
        visible_from: Number(row.visible_from),
        read_seq: Number(row.read_seq),
        settings: row.here.read(row.user_id),
    };
    Ok(rows.into_iter().map(read).collect())
}

/// Those of these conversations that have a member who is told on a device.
///
/// # Errors
/// Those of the database.
pub async fn are_listened_to(conn: &mut Conn, these: &[ConversationId]) -> Result<Vec<ConversationId>> {
    let ids = crate::appends::json_ids(these.iter().map(|id| id.0))?;
    let rows = sql!(conn, fetch_all as (i64,), IS_LISTENED_TO, ids)?;
    Ok(rows.into_iter().map(|(id,)| ConversationId(id)).collect())
}

/// The conversations of people with devices that were active since a moment, and of which was not decided yet who is told
/// of their newest messages. All devices are looked at: for once in a while.
///
/// # Errors
/// Those of the database.
pub async fn undecided(conn: &mut Conn, since: Millis) -> Result<Vec<ConversationId>> {
    let rows = sql!(conn, fetch_all as (i64,), BEHIND, since.0)?;
    Ok(rows.into_iter().map(|(id,)| ConversationId(id)).collect())
}

/// How far it was decided who is told of a conversation's messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromRow)]
pub struct PushProgress {
    /// Up to this number it was decided for everybody.
    pub seq: i64,
    /// Up to this number it is being decided; 0 if not.
    pub goal: i64,
    /// For people up to this one that is done.
    pub after_user: i64,
    /// When it was last decided.
    pub decided_at: i64,
}

/// How far it was decided who is told of a conversation's messages.
///
/// # Errors
/// Those of the database.
pub async fn progress(conn: &mut Conn, conversation: ConversationId) -> Result<PushProgress> {
    Ok(sql!(conn, fetch_optional as PushProgress, PROGRESS, conversation.0)?.unwrap_or_default())
}

/// Notes how far it was decided.
///
/// # Errors
/// Those of the database.
pub async fn set_progress(conn: &mut Conn, conversation: ConversationId, progress: PushProgress) -> Result<()> {
    let PushProgress { seq, goal, after_user, decided_at } = progress;
    sql!(conn, execute, SET_PROGRESS, conversation.0, seq, goal, after_user, decided_at)?;
    Ok(())
}

/// Whether a conversation has messages, or texts that were edited, after this number.
///
/// # Errors
/// Those of the database.
pub async fn has_newer(conn: &mut Conn, conversation: ConversationId, seq: i64) -> Result<bool> {
    let (count,) = sql!(conn, fetch_one as (i64,), HAS_NEWER, conversation.0, seq)?;
    Ok(count > 0)
}

/// A push for a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The device's person.
    pub user: UserId,
    /// The device.
    pub device: PushDeviceId,
    /// Where the message is.
    pub conversation: ConversationId,
    /// The reminder that is due; 0 if it is about messages.
    pub reminder: i64,
    /// The newest message that it is about.
    pub seq: Number,
    /// Its subject.
    pub kind: PushKind,
}

/// Notes that a device is to be told, in place of what it was last told of the same, and has it done.
///
/// # Errors
/// Those of the database.
pub async fn deliver(conn: &mut Conn, delivery: &Delivery, now: Millis) -> Result<()> {
    let Delivery { user, device, conversation, reminder, seq, kind } = delivery;
    sql!(conn, execute, DELIVER, user.0, device.0, conversation.0, reminder, seq.0, kind.name(), now.0)?;
    jobs::add_once(conn, jobs::Kind::PushDevice, device.0, now).await
}

/// A push for a device, and the state of the message since the push was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The push.
    pub delivery: Delivery,
    /// Whether the person is still a member who sees the message, and it is not deleted.
    pub is_there: bool,
    /// Whether they have read it.
    pub is_read: bool,
}

#[derive(FromRow)]
struct WaitingRow {
    user_id: i64,
    conversation_id: i64,
    reminder_id: i64,
    seq: i64,
    kind: String,
    thread: Option<i64>,
    aside: Option<i64>,
    role: Option<String>,
    visible_from: Option<i64>,
    read_seq: Option<i64>,
    thread_read_seq: Option<i64>,
    deleted_at: Option<i64>,
    number: Option<i64>,
}

impl WaitingRow {
    fn read(self, device: PushDeviceId) -> Waiting {
        let kind = PushKind::from_name(&self.kind).unwrap_or_else(|| {
            unreadable::note(TABLE, format!("device_id {device}"), "kind");
            PushKind::Message
        });
        let stands_aside = self.aside == Some(1) && self.thread.is_some();
        let read_to = self.thread_read_seq.filter(|_| stands_aside).or(self.read_seq);
        Waiting {
            delivery: Delivery {
                user: UserId(self.user_id),
                device,
                conversation: ConversationId(self.conversation_id),
                reminder: self.reminder_id,
                seq: Number(self.seq),
                kind,
            },
            is_there: self.role.is_some()
                && self.visible_from.is_some_and(|from| from <= self.seq)
                && self.aside.is_some()
                && self.deleted_at.is_none(),
            is_read: self.reminder_id == 0 && read_to.is_some_and(|to| to >= self.number.unwrap_or(self.seq)),
        }
    }
}

/// The pushes that wait for a device, at most so many, the longest waiting first.
///
/// # Errors
/// Those of the database.
pub async fn waiting(conn: &mut Conn, device: PushDeviceId, limit: i64) -> Result<Vec<Waiting>> {
    let rows = sql!(conn, fetch_all as WaitingRow, WAITING, device.0, limit)?;
    Ok(rows.into_iter().map(|row| row.read(device)).collect())
}

/// Whether something waits for a device.
///
/// # Errors
/// Those of the database.
pub async fn has_waiting(conn: &mut Conn, device: PushDeviceId) -> Result<bool> {
    let (count,) = sql!(conn, fetch_one as (i64,), WAIT_FOR, device.0)?;
    Ok(count > 0)
}

/// How many deliveries wait, and since when the first of them does.
///
/// # Errors
/// Those of the database.
pub async fn all_waiting(conn: &mut Conn) -> Result<(i64, Millis)> {
    let (count, since) = sql!(conn, fetch_one as (i64, i64), ALL_WAITING)?;
    Ok((count, Millis(since)))
}

/// Notes what has become of a delivery, unless a newer message has taken its place.
///
/// # Errors
/// Those of the database.
pub async fn settle(
    conn: &mut Conn,
    delivery: &Delivery,
    (state, now): (PushState, Millis),
    error: Option<&str>,
) -> Result<()> {
    let Delivery { user, device, conversation, reminder, seq, .. } = delivery;
    let state = state.name();
    sql!(conn, execute, SETTLE, user.0, device.0, conversation.0, reminder, seq.0, state, now.0, error)?;
    Ok(())
}

/// Gives up everything that waits for a device, with this error. How much that was.
///
/// # Errors
/// Those of the database.
pub async fn give_up(conn: &mut Conn, device: PushDeviceId, now: Millis, error: &str) -> Result<u64> {
    sql!(conn, execute, GIVE_UP, device.0, now.0, error)
}

/// Notes with which error the last try for a device has ended.
///
/// # Errors
/// Those of the database.
pub async fn note_error(conn: &mut Conn, device: PushDeviceId, error: &str) -> Result<()> {
    sql!(conn, execute, NOTE_ERROR, device.0, error)?;
    Ok(())
}

/// The last push about a conversation to each of somebody's devices: up to which message, its state, when, and with
/// which error.
///
/// # Errors
/// Those of the database.
pub async fn explain(conn: &mut Conn, user: UserId, conversation: ConversationId) -> Result<Vec<PushExplained>> {
    type Found = (i64, Option<i64>, Option<String>, Option<i64>, Option<String>);
    let rows = sql!(conn, fetch_all as Found, EXPLAIN, user.0, conversation.0)?;
    let read = |(device, seq, state, at, error): Found| PushExplained {
        device: PushDeviceId(device),
        state: state.and_then(|state| {
            let found = PushState::from_name(&state);
            if found.is_none() {
                unreadable::note(TABLE, device, "state");
            }
            found
        }),
        seq: seq.map(Number),
        at: at.map(Millis),
        error,
    };
    Ok(rows.into_iter().map(read).collect())
}

/// How far these people have read the threads of a conversation that they follow, and the levels that they have there, by
/// person and root.
///
/// # Errors
/// Those of the database.
pub async fn followers(
    conn: &mut Conn,
    conversation: ConversationId,
    users: &[UserId],
) -> Result<HashMap<(UserId, Number), (Number, Option<NotificationLevel>)>> {
    let ids = crate::appends::json_ids(users.iter().map(|user| user.0))?;
    let rows = sql!(conn, fetch_all as (i64, i64, i64, Option<String>), FOLLOWERS, conversation.0, ids)?;
    let following = |(user, root, read, level): (i64, i64, i64, Option<String>)| {
        ((UserId(user), Number(root)), (Number(read), threads::level(level.as_deref(), user)))
    };
    Ok(rows.into_iter().map(following).collect())
}
