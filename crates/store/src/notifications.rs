//! Notification settings: rows and statements. Those of one conversation are columns of the membership, so that the list
//! and every access have them without another look-up; they change under the lock of the conversation, as all of that row.

use std::collections::HashMap;

use chat::{
    ConversationId, Millis, Number, UserId,
    notifications::{ConversationSettings, NotificationLevel, NotificationSettings, QuietHours},
};
use sqlx::FromRow;

use crate::{
    Conn, Error, Result,
    unreadable::{self, Rest, Salvage},
};

const TABLE: &str = "notification_settings";

/// The number from which on messages are unread to the member in the row `m`: the mark, or what comes after the read
/// marker.
macro_rules! unread_from {
    () => {
        "CASE WHEN m.unread_from > 0 THEN m.unread_from WHEN m.visible_from > m.read_seq THEN m.visible_from ELSE m.read_seq + 1 END"
    };
}

statements! {
    OF = "SELECT user_id, room_level, group_level, direct_level, quiet_days, quiet_from, quiet_to, time_zone, keywords, rev
          FROM notification_settings WHERE user_id = $1";
    OF_THESE = "SELECT f.user_id, f.room_level, f.group_level, f.direct_level, f.quiet_days, f.quiet_from, f.quiet_to, \
                       f.time_zone, f.keywords, f.rev
                FROM json_each($1) AS j JOIN notification_settings f ON f.user_id = CAST(j.value ->> 'v' AS BIGINT)";
    SET = "INSERT INTO notification_settings \
               (user_id, room_level, group_level, direct_level, quiet_days, quiet_from, quiet_to, time_zone, keywords, rev)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
           ON CONFLICT (user_id) DO UPDATE SET
               room_level = excluded.room_level, group_level = excluded.group_level, direct_level = excluded.direct_level,
               quiet_days = excluded.quiet_days, quiet_from = excluded.quiet_from, quiet_to = excluded.quiet_to,
               time_zone = excluded.time_zone, keywords = excluded.keywords, rev = excluded.rev";
    HERE = "SELECT notify, muted_until, unread_from FROM members
            WHERE conversation_id = $1 AND user_id = $2 AND role IS NOT NULL";
    SET_HERE = "UPDATE members SET notify = $3, muted_until = $4, unread_from = $5
                WHERE conversation_id = $1 AND user_id = $2 AND role IS NOT NULL";
}

#[derive(FromRow)]
struct SettingsRow {
    user_id: i64,
    room_level: String,
    group_level: String,
    direct_level: String,
    quiet_days: String,
    quiet_from: i64,
    quiet_to: i64,
    time_zone: String,
    keywords: String,
    rev: i64,
}

impl SettingsRow {
    fn read(self) -> NotificationSettings {
        let level = |name: &str| read_level(TABLE, name, self.user_id);
        let days: Vec<i64> = self.quiet_days.bytes().map(|digit| i64::from(digit) - i64::from(b'0')).collect();
        let keywords = serde_json::from_str(&self.keywords).unwrap_or_else(|_| {
            unreadable::note(TABLE, self.user_id, "keywords");
            Vec::new()
        });
        NotificationSettings {
            rooms: level(&self.room_level),
            groups: level(&self.group_level),
            directs: level(&self.direct_level),
            keywords,
            rev: Number(self.rev),
            quiet: (!days.is_empty()).then_some(QuietHours {
                days,
                from: self.quiet_from,
                to: self.quiet_to,
                time_zone: self.time_zone,
            }),
        }
    }
}

pub(crate) fn read_level(table: &'static str, name: &str, user: i64) -> NotificationLevel {
    NotificationLevel::from_name(name).unwrap_or_else(|| {
        unreadable::note(table, user, "level");
        NotificationLevel::default()
    })
}

/// The settings in the columns of a membership.
#[derive(FromRow)]
pub(crate) struct HereRow {
    pub(crate) notify: Option<String>,
    pub(crate) muted_until: Option<i64>,
    pub(crate) unread_from: i64,
}

impl Salvage for HereRow {
    fn salvage(rest: &Rest) -> Option<Self> {
        Some(Self {
            notify: rest.text("notify"),
            muted_until: rest.number("muted_until"),
            unread_from: rest.number("unread_from").unwrap_or_default(),
        })
    }
}

impl HereRow {
    pub(crate) fn read(&self, user: i64) -> ConversationSettings {
        ConversationSettings {
            level: self.notify.as_deref().map(|name| read_level("members", name, user)),
            muted_until: self.muted_until.map(Millis),
            unread_from: (self.unread_from > 0).then_some(Number(self.unread_from)),
        }
    }
}

/// A person's settings for all conversations; the default if they never set any.
///
/// # Errors
/// Those of the database.
pub async fn of(conn: &mut Conn, user: UserId) -> Result<NotificationSettings> {
    let row = sql!(conn, fetch_optional as SettingsRow, OF, user.0)?;
    Ok(row.map(SettingsRow::read).unwrap_or_default())
}

/// The settings of these people for all conversations. Those who never set any are left out: for them the default holds.
///
/// # Errors
/// Those of the database.
pub async fn of_these(conn: &mut Conn, users: &[UserId]) -> Result<HashMap<UserId, NotificationSettings>> {
    let ids = crate::appends::json_ids(users.iter().map(|user| user.0))?;
    let rows = sql!(conn, fetch_all as SettingsRow, OF_THESE, ids)?;
    Ok(rows.into_iter().map(|row| (UserId(row.user_id), row.read())).collect())
}

/// Gives a person these settings.
///
/// # Errors
/// Those of the database.
pub async fn set(conn: &mut Conn, user: UserId, settings: &NotificationSettings) -> Result<()> {
    let NotificationSettings { rooms, groups, directs, quiet, keywords, rev } = settings;
    let keywords =
        serde_json::to_string(keywords).map_err(|e| Error::Other(format!("keywords could not be written: {e}")))?;
    let days: String = quiet.iter().flat_map(|quiet| &quiet.days).map(i64::to_string).collect();
    let (from, to, zone) = quiet.as_ref().map_or((0, 0, ""), |quiet| (quiet.from, quiet.to, quiet.time_zone.as_str()));
    let (rooms, groups, directs) = (rooms.name(), groups.name(), directs.name());
    sql!(conn, execute, SET, user.0, rooms, groups, directs, days, from, to, zone, keywords, rev.0)?;
    Ok(())
}

/// A member's settings of a conversation; none if they are no member.
///
/// # Errors
/// Those of the database.
pub async fn here(conn: &mut Conn, conversation: ConversationId, user: UserId) -> Result<Option<ConversationSettings>> {
    let row = sql!(conn, fetch_optional as HereRow, HERE, conversation.0, user.0)?;
    Ok(row.map(|row| row.read(user.0)))
}

/// Gives a member these settings of a conversation.
///
/// # Errors
/// Those of the database.
pub async fn set_here(
    conn: &mut Conn,
    conversation: ConversationId,
    user: UserId,
    settings: &ConversationSettings,
) -> Result<()> {
    let (level, until) = (settings.level.map(NotificationLevel::name), settings.muted_until.map(|until| until.0));
    let unread_from = settings.unread_from.map_or(0, |seq| seq.0);
    sql!(conn, execute, SET_HERE, conversation.0, user.0, level, until, unread_from)?;
    Ok(())
}
