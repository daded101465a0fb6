//! Notifications: how one says what one wants to be notified of, and how that is shown.

use chat::{
    Command, ConversationId, Error, Number, Query,
    notifications::{self, NotificationChange, Why},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    fields::{self, DayTime, Instant, Integer, NotificationLevel, Text},
    push_devices::PushExplained,
};
use crate::{
    input::{given, nullable},
    time::Time,
};

/// Changes to one's own notification settings: absent fields stay.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SetNotifications {
    /// The messages that notify in rooms without a level of their own.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = NotificationLevel, required = false)]
    rooms: Option<NotificationLevel>,
    /// The same of groups.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = NotificationLevel, required = false)]
    groups: Option<NotificationLevel>,
    /// The same of direct conversations.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = NotificationLevel, required = false)]
    directs: Option<NotificationLevel>,
    /// When nothing notifies; null ends that.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<SetQuietHours>)]
    quiet_hours: Option<Option<SetQuietHours>>,
    /// Words that notify as mentions do: all of them anew.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Vec<Text>, required = false)]
    keywords: Option<Vec<Text>>,
}

/// Hours of the week in which nothing notifies.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SetQuietHours {
    /// The days on which they begin: 1 is Monday, 7 is Sunday.
    days: Vec<Integer>,
    /// When they begin.
    from: DayTime,
    /// When they end; on the next day if that is not after `from`.
    to: DayTime,
    /// By the clock of which time zone.
    time_zone: Text,
}

impl From<SetQuietHours> for notifications::QuietHours {
    fn from(hours: SetQuietHours) -> Self {
        Self {
            days: hours.days.iter().map(|day| day.0).collect(),
            from: hours.from.0,
            to: hours.to.0,
            time_zone: hours.time_zone.0,
        }
    }
}

impl From<SetNotifications> for Command {
    fn from(set: SetNotifications) -> Self {
        Self::SetNotifications(NotificationChange {
            rooms: set.rooms.map(|level| level.0),
            groups: set.groups.map(|level| level.0),
            directs: set.directs.map(|level| level.0),
            quiet: set.quiet_hours.map(|hours| hours.map(Into::into)),
            keywords: set.keywords.map(|words| words.into_iter().map(|word| word.0).collect()),
        })
    }
}

/// The changes to a conversation's notification settings: absent fields stay.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SetConversationNotifications {
    /// Which.
    conversation: Integer,
    /// The messages that notify; null: as in other conversations of its kind.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<NotificationLevel>)]
    level: Option<Option<NotificationLevel>>,
    /// Until when nothing notifies; null ends that. `9999-12-31T23:59:59Z` is without an end.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<Instant>)]
    muted_until: Option<Option<Instant>>,
}

impl SetConversationNotifications {
    pub(super) fn command(self) -> Result<Command, Error> {
        if self.level.is_none() && self.muted_until.is_none() {
            return Err(Error::invalid("level", "level or muted_until must be given."));
        }
        Ok(Command::SetConversationNotifications {
            conversation: ConversationId(self.conversation.0),
            level: self.level.map(|level| level.map(|level| level.0)),
            muted_until: self.muted_until.map(|until| until.map(|until| until.0)),
        })
    }
}

/// A message about which somebody asks why it notified them, or why it did not.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ExplainNotification {
    /// Where.
    conversation: Integer,
    /// The `seq` of the message.
    seq: Integer,
}

impl ExplainNotification {
    pub(super) fn query(&self) -> Query {
        Query::ExplainNotification { conversation: ConversationId(self.conversation.0), seq: Number(self.seq.0) }
    }
}

/// The member's own settings of a conversation; nobody else sees them.
#[derive(Serialize, ToSchema)]
pub struct ConversationSettings {
    /// The messages that notify; `null`: as in other conversations of its kind.
    #[schema(value_type = Option<fields::NotificationLevel>)]
    level: Option<&'static str>,
    /// Until when nothing notifies; it may be over. `9999-12-31T23:59:59.000Z` is without an end.
    #[schema(value_type = Option<fields::Moment>)]
    muted_until: Option<Time>,
    /// The `seq` of the message from which on the member has marked it as unread.
    unread_from: Option<i64>,
}

impl From<&notifications::ConversationSettings> for ConversationSettings {
    fn from(settings: &notifications::ConversationSettings) -> Self {
        Self {
            level: settings.level.map(notifications::NotificationLevel::name),
            muted_until: settings.muted_until.map(Time),
            unread_from: settings.unread_from.map(|seq| seq.0),
        }
    }
}

/// Hours of the week in which nothing notifies.
#[derive(Serialize, ToSchema)]
pub struct QuietHours<'a> {
    /// The days on which they begin: 1 is Monday, 7 is Sunday.
    days: &'a [i64],
    /// When they begin.
    #[schema(value_type = fields::DayTime)]
    from: String,
    /// When they end; on the next day if that is not after `from`.
    #[schema(value_type = fields::DayTime)]
    to: String,
    /// By the clock of which time zone.
    time_zone: &'a str,
}

impl<'a> From<&'a notifications::QuietHours> for QuietHours<'a> {
    fn from(hours: &'a notifications::QuietHours) -> Self {
        let clock = |minute: i64| format!("{:02}:{:02}", minute / 60, minute % 60);
        Self { days: &hours.days, from: clock(hours.from), to: clock(hours.to), time_zone: &hours.time_zone }
    }
}

/// A person's notification settings; nobody else sees them.
#[derive(Serialize, ToSchema)]
pub struct Notifications<'a> {
    /// The messages that notify in rooms without a level of their own.
    #[schema(value_type = fields::NotificationLevel)]
    rooms: &'static str,
    /// The same of groups.
    #[schema(value_type = fields::NotificationLevel)]
    groups: &'static str,
    /// The same of direct conversations.
    #[schema(value_type = fields::NotificationLevel)]
    directs: &'static str,
    /// When nothing notifies.
    quiet_hours: Option<QuietHours<'a>>,
    /// Words that notify as mentions do.
    keywords: &'a [String],
    /// The `account_seq` of their last change; 0 if nothing was ever set.
    rev: i64,
}

impl<'a> From<&'a notifications::NotificationSettings> for Notifications<'a> {
    fn from(settings: &'a notifications::NotificationSettings) -> Self {
        Self {
            rooms: settings.rooms.name(),
            groups: settings.groups.name(),
            directs: settings.directs.name(),
            quiet_hours: settings.quiet.as_ref().map(QuietHours::from),
            keywords: &settings.keywords,
            rev: settings.rev.0,
        }
    }
}

/// Whether a message notified somebody when it was sent, by their settings as they are now.
#[derive(Serialize, ToSchema)]
pub struct NotificationExplained<'a> {
    /// Whether it did.
    notifies: bool,
    /// The rule that decided it.
    #[schema(value_type = fields::Why)]
    why: &'static str,
    /// The level that holds for it.
    #[schema(value_type = fields::NotificationLevel)]
    level: &'static str,
    /// Whether the level was set for this conversation; else for all of its kind.
    own_level: bool,
    /// Whether the level is that of the thread in which it stands: the one that was set, or mentions where the thread is
    /// not followed.
    thread_level: bool,
    /// Until when the conversation is muted, if that decided it.
    #[schema(value_type = Option<fields::Moment>)]
    muted_until: Option<Time>,
    /// The keyword that is in it, if that decided it.
    keyword: Option<&'a str>,
    /// The states of its pushes on the speaker's devices; empty if none is told.
    pushes: Vec<PushExplained<'a>>,
}

impl<'a> NotificationExplained<'a> {
    pub(super) fn new(
        decision: &'a notifications::NotificationDecision,
        pushes: &'a [chat::push_devices::PushExplained],
    ) -> Self {
        let (mut muted_until, mut keyword) = (None, None);
        match &decision.why {
            Why::Muted { until } => muted_until = Some(Time(*until)),
            Why::Keyword(word) => keyword = Some(word.as_str()),
            _ => {}
        }
        Self {
            notifies: decision.notifies,
            why: decision.why.name(),
            level: decision.level.name(),
            own_level: decision.is_own_level,
            thread_level: decision.is_thread_level,
            muted_until,
            keyword,
            pushes: pushes.iter().map(PushExplained::from).collect(),
        }
    }
}
