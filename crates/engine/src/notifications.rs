//! Notifications: a person's own settings, and why a message notifies them or does not.

use std::collections::BTreeSet;

use chat::{
    AccountFact, ConversationId, Error, Millis, Number, Reply, Result, UserId,
    messages::Message,
    notifications::{
        ConversationSettings, DAY_MINUTES, FOREVER, LocalTime, NotificationChange, NotificationDecision,
        NotificationLevel, NotificationSettings, Occasion, QuietHours, decide,
    },
    push_devices::PushExplained,
    search::Phrase,
};
use jiff::{Timestamp, tz::TimeZone};
use store::{Conn, Unit, members::Membership};

use crate::{Call, Engine, push_devices, text, threads::in_thread};

impl Call {
    pub(crate) async fn notifications(&self) -> Result<Reply> {
        let settings = store::notifications::of(&mut *self.db.read().await?, self.speaker.user).await?;
        Ok(Reply::Notifications(Box::new(settings)))
    }

    pub(crate) async fn set_notifications(&self, change: NotificationChange) -> Result<Reply> {
        let change = self.checked(change)?;
        let me = self.speaker.user;
        self.change(&[me.into()], move |unit| {
            Box::pin(async move {
                let before = store::notifications::of(&mut unit.conn, me).await?;
                let mut settings = changed(&before, change);
                if settings == before {
                    return Ok(Reply::Notifications(Box::new(before)));
                }
                settings.rev = unit.next_number_of(me).await?;
                store::notifications::set(&mut unit.conn, me, &settings).await?;
                let fact = AccountFact::NotificationsChanged(Box::new(settings.clone()));
                unit.record_of(me, settings.rev, fact).await?;
                Ok(Reply::Notifications(Box::new(settings)))
            })
        })
        .await
    }

    /// Changes what notifies in a conversation. It also holds after leaving and coming back.
    pub(crate) async fn set_conversation_notifications(
        &self,
        conversation: ConversationId,
        level: Option<Option<NotificationLevel>>,
        muted_until: Option<Option<Millis>>,
    ) -> Result<Reply> {
        if let Some(Some(until)) = muted_until
            && until <= self.engine.now()
        {
            return Err(Error::invalid("muted_until", "muted_until must be ahead; null ends a mute."));
        }
        self.change_settings(conversation, move |settings| {
            settings.level = level.unwrap_or(settings.level);
            settings.muted_until =
                muted_until.map_or(settings.muted_until, |until| until.map(|until| until.min(FOREVER)));
        })
        .await
    }

    /// Marks a conversation as unread from a message on. The read marker, which others see, only moves forward.
    pub(crate) async fn mark_unread(&self, conversation: ConversationId, seq: Number) -> Result<Reply> {
        let mut conn = self.db.read().await?;
        self.access_in(&mut conn, conversation).await?.live_message(&mut conn, seq).await?;
        drop(conn);
        self.change_settings(conversation, move |settings| settings.unread_from = Some(seq)).await
    }

    async fn change_settings(
        &self,
        conversation: ConversationId,
        change: impl FnOnce(&mut ConversationSettings) + Send + 'static,
    ) -> Result<Reply> {
        let (call, me) = (self.clone(), self.speaker.user);
        self.change(&[conversation.into(), me.into()], move |unit| {
            Box::pin(async move {
                let before = call.access_in(&mut unit.conn, conversation).await?.settings;
                let mut settings = before;
                change(&mut settings);
                if settings != before {
                    record(unit, conversation, me, settings).await?;
                }
                Ok(Reply::Conversation(Box::new(call.listed(&mut unit.conn, conversation).await?)))
            })
        })
        .await
    }

    /// Whether a message would have notified the speaker when it was sent, by their present settings.
    pub(crate) async fn explain_notification(&self, conversation: ConversationId, seq: Number) -> Result<Reply> {
        let mut conn = self.db.read().await?;
        let access = self.access_in(&mut conn, conversation).await?;
        let message = access.message(&mut conn, seq).await?;
        let decision =
            decided(&mut conn, self.speaker.user, access.conversation.kind, &access.settings, &message).await?;
        let pushes = push_devices::explained(&mut conn, self.speaker.user, &message, &decision).await?;
        Ok(Reply::NotificationExplained { decision: Box::new(decision), pushes })
    }

    fn checked(&self, change: NotificationChange) -> Result<NotificationChange> {
        let quiet = change.quiet.map(|quiet| quiet.map(checked_hours).transpose()).transpose()?;
        let keywords = change.keywords.map(|keywords| self.checked_keywords(&keywords)).transpose()?;
        Ok(NotificationChange { quiet, keywords, ..change })
    }

    /// Keywords without doubles, in their order.
    fn checked_keywords(&self, keywords: &[String]) -> Result<Vec<String>> {
        let limits = &self.settings.limits;
        let most = limits.keywords_per_user;
        if i64::try_from(keywords.len()).unwrap_or(i64::MAX) > most {
            return Err(Error::invalid("keywords", format!("keywords must be at most {most}.")));
        }
        let mut known = BTreeSet::new();
        let mut kept = Vec::new();
        for keyword in keywords {
            let keyword = keyword.trim();
            text::check("keywords", keyword, limits.keyword_length)?;
            let phrase = Phrase::of(keyword, false);
            let phrase =
                phrase.ok_or_else(|| Error::invalid("keywords", format!("There is no word in {keyword:?}.")))?;
            if known.insert(phrase.terms) {
                kept.push(keyword.to_owned());
            }
        }
        Ok(kept)
    }
}

/// Gives a member other settings, under the account's next number. The conversation and the account are locked.
pub(crate) async fn record(
    unit: &mut Unit,
    conversation: ConversationId,
    user: UserId,
    settings: ConversationSettings,
) -> Result<()> {
    store::notifications::set_here(&mut unit.conn, conversation, user, &settings).await?;
    let number = unit.next_number_of(user).await?;
    unit.record_of(user, number, AccountFact::ConversationSettingsChanged { conversation, settings }).await?;
    Ok(())
}

/// Whether a message would have notified a member when it was sent, by their present settings, and what has become of it
/// on their devices; for the operator.
///
/// # Errors
/// `not_found`, or the store's.
pub async fn explain(
    engine: &Engine,
    conversation: ConversationId,
    user: UserId,
    seq: Number,
) -> Result<(NotificationDecision, Vec<PushExplained>)> {
    let mut conn = engine.inner.db.read().await?;
    let found: Option<Membership> = store::members::membership(&mut conn, conversation, user).await?;
    let found = found.ok_or_else(|| Error::not_found("member"))?;
    let message = store::messages::one(&mut conn, conversation, seq).await?;
    let message = message.filter(|message| message.seq >= found.visible_from);
    let message = message.ok_or_else(|| Error::not_found("message"))?;
    let decision = decided(&mut conn, user, found.conversation.kind, &found.settings, &message).await?;
    let pushes = push_devices::explained(&mut conn, user, &message, &decision).await?;
    Ok((decision, pushes))
}

async fn decided(
    conn: &mut Conn,
    user: UserId,
    kind: chat::conversations::Kind,
    here: &ConversationSettings,
    message: &Message,
) -> Result<NotificationDecision> {
    let settings = store::notifications::of(conn, user).await?;
    let groups =
        if message.mentions.groups.is_empty() { Vec::new() } else { store::user_groups::of_user(conn, user).await? };
    let thread = in_thread(conn, user, message).await?;
    let text = message.text.as_deref().filter(|_| message.deleted_at.is_none());
    Ok(decide(&Occasion {
        is_own: message.author == user,
        text,
        mentions: message.mentions.are_for(user, &groups),
        // Whoever asks has read it, and wants to know what was before that.
        is_read: false,
        kind,
        here,
        settings: &settings,
        thread,
        now: message.created_at,
        local: settings.quiet.as_ref().and_then(|quiet| local_time(message.created_at, &quiet.time_zone)),
        // Nobody remembers whether they were busy then.
        is_busy: false,
    }))
}

/// A moment by the clock of a time zone; nothing if this program knows no such zone, or the moment is beyond its reach.
pub(crate) fn local_time(at: Millis, zone: &str) -> Option<LocalTime> {
    let local = Timestamp::from_millisecond(at.0).ok()?.to_zoned(TimeZone::get(zone).ok()?);
    let minute = i64::from(local.hour()) * 60 + i64::from(local.minute());
    Some(LocalTime { weekday: i64::from(local.weekday().to_monday_one_offset()), minute })
}

fn checked_hours(mut hours: QuietHours) -> Result<QuietHours> {
    let refuse = |detail: &str| Err(Error::invalid("quiet_hours", detail));
    hours.days.sort_unstable();
    hours.days.dedup();
    if hours.days.is_empty() || !hours.days.iter().all(|day| (1..=7).contains(day)) {
        return refuse("days must have at least one day: 1 for Monday to 7 for Sunday.");
    }
    if [hours.from, hours.to].iter().any(|minute| !(0..DAY_MINUTES).contains(minute)) {
        return refuse("from and to must be times of the day, from 00:00 to 23:59.");
    }
    if TimeZone::get(&hours.time_zone).is_err() {
        return refuse("time_zone must be a name of the IANA database, such as Europe/Paris.");
    }
    Ok(hours)
}

fn changed(before: &NotificationSettings, change: NotificationChange) -> NotificationSettings {
    NotificationSettings {
        rooms: change.rooms.unwrap_or(before.rooms),
        groups: change.groups.unwrap_or(before.groups),
        directs: change.directs.unwrap_or(before.directs),
        quiet: change.quiet.unwrap_or_else(|| before.quiet.clone()),
        keywords: change.keywords.unwrap_or_else(|| before.keywords.clone()),
        rev: before.rev,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The local day and time of a moment in UTC.
    fn local(utc: &str, zone: &str) -> (i64, i64, i64) {
        let at: Timestamp = utc.parse().expect("a moment");
        let LocalTime { weekday, minute } = local_time(Millis(at.as_millisecond()), zone).expect("a zone");
        (weekday, minute / 60, minute % 60)
    }

    #[test]
    fn the_time_of_day_follows_the_zone_through_both_changes_of_the_clock() {
        assert_eq!(local("2026-03-29T00:59:00Z", "Europe/Paris"), (7, 1, 59));
        assert_eq!(local("2026-03-29T01:00:00Z", "Europe/Paris"), (7, 3, 0), "an hour is left out");
        assert_eq!(local("2026-10-25T00:30:00Z", "Europe/Paris"), (7, 2, 30));
        assert_eq!(local("2026-10-25T01:30:00Z", "Europe/Paris"), (7, 2, 30), "an hour comes twice");
        assert_eq!(local("2026-01-04T20:00:00Z", "Pacific/Auckland"), (1, 9, 0), "it is Monday there");
        assert_eq!(local("2026-01-05T01:15:00Z", "Asia/Kathmandu"), (1, 7, 0));
        assert_eq!(local_time(Millis(0), "Mars/Olympus"), None);
        assert_eq!(local_time(Millis(i64::MAX), "Europe/Paris"), None);
    }

    #[test]
    fn quiet_hours_that_mean_nothing_are_refused() {
        let hours = |days: &[i64], from, to, zone: &str| {
            checked_hours(QuietHours { days: days.to_vec(), from, to, time_zone: zone.into() })
        };
        assert_eq!(hours(&[5, 1, 5], 0, 1_439, "UTC").map(|hours| hours.days), Ok(vec![1, 5]));
        for (days, from, to, zone) in [
            (&[][..], 0, 60, "UTC"),
            (&[0], 0, 60, "UTC"),
            (&[8], 0, 60, "UTC"),
            (&[1], -1, 60, "UTC"),
            (&[1], 0, 1_440, "UTC"),
            (&[1], 0, 60, ""),
            (&[1], 0, 60, "Mars/Olympus"),
        ] {
            assert!(hours(days, from, to, zone).is_err(), "{days:?} {from} {to} {zone}");
        }
    }
}
