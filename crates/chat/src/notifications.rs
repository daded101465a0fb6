//! Notifications: what somebody wants to be notified of, when they want quiet, and whether a message notifies them.
//!
//! [`decide`] is the only place where that is decided. Clients that notify by themselves decide by the same rules in the
//! same order; `docs/features/notifications.md` has them.

use crate::{
    Millis, Number,
    conversations::Kind,
    people::NamesPeople,
    search::{Phrase, matching},
};

/// Which messages of a conversation notify.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, NamesPeople)]
pub enum NotificationLevel {
    /// All of them.
    #[default]
    Everything,
    /// Those that mention the person, or contain one of their keywords.
    Mentions,
    /// None.
    Nothing,
}

impl NotificationLevel {
    /// All levels.
    pub const ALL: [Self; 3] = [Self::Everything, Self::Mentions, Self::Nothing];

    /// The level's name on the wire and in the database.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Everything => "everything",
            Self::Mentions => "mentions",
            Self::Nothing => "nothing",
        }
    }

    /// The level of this name, if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.name() == name)
    }
}

/// The moment that stands for a mute without an end: 9999-12-31T23:59:59Z.
pub const FOREVER: Millis = Millis(253_402_300_799_000);

/// One person's own settings of one conversation. Nobody else sees them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, NamesPeople)]
pub struct ConversationSettings {
    /// Which messages notify; absent: what the person has set for conversations of this kind.
    pub level: Option<NotificationLevel>,
    /// Nothing notifies before this moment.
    pub muted_until: Option<Millis>,
    /// The `seq` of the message from which on the person has marked the conversation as unread.
    pub unread_from: Option<Number>,
}

impl ConversationSettings {
    /// Until when the conversation is muted, if it is at this moment.
    #[must_use]
    pub fn mute(&self, now: Millis) -> Option<Millis> {
        self.muted_until.filter(|until| *until > now)
    }
}

/// One person's settings for all conversations. Nobody else sees them.
#[derive(Clone, Debug, Default, PartialEq, Eq, NamesPeople)]
pub struct NotificationSettings {
    /// The level of rooms that have none of their own.
    pub rooms: NotificationLevel,
    /// The level of groups that have none of their own.
    pub groups: NotificationLevel,
    /// The level of direct conversations that have none of their own.
    pub directs: NotificationLevel,
    /// When nothing notifies.
    pub quiet: Option<QuietHours>,
    /// Words that notify as a mention does.
    pub keywords: Vec<String>,
    /// The number of the last change in the person's account; 0 if nothing was ever set.
    pub rev: Number,
}

impl NotificationSettings {
    /// The level of conversations of a kind.
    #[must_use]
    pub fn level_of(&self, kind: Kind) -> NotificationLevel {
        match kind {
            Kind::Room => self.rooms,
            Kind::Group => self.groups,
            Kind::Direct => self.directs,
        }
    }
}

/// A change of [`NotificationSettings`]. Absent fields stay.
#[derive(Clone, Debug, Default, PartialEq, Eq, NamesPeople)]
pub struct NotificationChange {
    /// See [`NotificationSettings::rooms`].
    pub rooms: Option<NotificationLevel>,
    /// See [`NotificationSettings::groups`].
    pub groups: Option<NotificationLevel>,
    /// See [`NotificationSettings::directs`].
    pub directs: Option<NotificationLevel>,
    /// See [`NotificationSettings::quiet`]; `Some(None)` ends them.
    pub quiet: Option<Option<QuietHours>>,
    /// See [`NotificationSettings::keywords`].
    pub keywords: Option<Vec<String>>,
}

/// Minutes of a day.
pub const DAY_MINUTES: i64 = 1_440;

/// Hours of the week in which nothing notifies, by the clock of a time zone. Where the clock jumps, they jump with it.
#[derive(Clone, Debug, PartialEq, Eq, NamesPeople)]
pub struct QuietHours {
    /// The days on which they begin: 1 is Monday, 7 is Sunday. At least one, ascending.
    pub days: Vec<i64>,
    /// The minute of the day at which they begin: 0 to 1,439.
    pub from: i64,
    /// The minute of the day at which they end. Where it is not after `from`, it is of the next day; equal: a whole day.
    pub to: i64,
    /// The time zone's name in the IANA database, such as `Europe/Paris`.
    pub time_zone: String,
}

/// A day of the week and a minute of it, by the clock of some time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, NamesPeople)]
pub struct LocalTime {
    /// 1 is Monday, 7 is Sunday.
    pub weekday: i64,
    /// 0 to 1,439.
    pub minute: i64,
}

impl QuietHours {
    /// Whether it is quiet at this time of their time zone.
    #[must_use]
    pub fn hold(&self, at: LocalTime) -> bool {
        let begins_on = |day: i64| self.days.contains(&day);
        let yesterday = if at.weekday == 1 { 7 } else { at.weekday - 1 };
        if self.from < self.to {
            return begins_on(at.weekday) && (self.from..self.to).contains(&at.minute);
        }
        (begins_on(at.weekday) && at.minute >= self.from) || (begins_on(yesterday) && at.minute < self.to)
    }
}

/// The first of these keywords that is in a text: whole words, without regard to case and accents, as searching finds
/// them.
#[must_use]
pub fn keyword_in<'k>(text: &str, keywords: &'k [String]) -> Option<&'k str> {
    let is_there = |keyword: &&String| {
        Phrase::of(keyword, false).is_some_and(|phrase| matching::places(text, &[phrase], &[]).is_some())
    };
    keywords.iter().find(is_there).map(String::as_str)
}

/// A person's relation to the thread in which a message stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InThread {
    /// They follow it, perhaps with a level of its own.
    Followed(Option<NotificationLevel>),
    /// They do not follow it: of what stands in it alone only what is for them notifies.
    NotFollowed,
}

/// Everything that decides whether a message notifies somebody.
#[derive(Clone, Copy, Debug)]
pub struct Occasion<'a> {
    /// Whether the person is its author.
    pub is_own: bool,
    /// Its text; absent if it is deleted.
    pub text: Option<&'a str>,
    /// Whether it mentions the person.
    pub mentions: bool,
    /// Whether the person has read it.
    pub is_read: bool,
    /// The kind of its conversation.
    pub kind: Kind,
    /// The person's settings of the conversation.
    pub here: &'a ConversationSettings,
    /// Their settings for all conversations.
    pub settings: &'a NotificationSettings,
    /// The thread in which it stands; absent if it stands in none, or in the room as well as in one that they do not
    /// follow.
    pub thread: Option<InThread>,
    /// The moment for which is asked.
    pub now: Millis,
    /// The same in the time zone of their quiet hours; absent without quiet hours.
    pub local: Option<LocalTime>,
    /// Whether they ask not to be disturbed: see [`crate::presence::Presence::Busy`].
    pub is_busy: bool,
}

/// Why a message notifies, or why it does not. The order is that in which they are asked.
#[derive(Clone, Debug, PartialEq, Eq, NamesPeople)]
pub enum Why {
    /// It does not: the person wrote it.
    Own,
    /// It does not: it is deleted.
    Deleted,
    /// It does not: they have read it.
    Read,
    /// It does not: the conversation is muted.
    Muted {
        /// Until when; [`FOREVER`] is without an end.
        until: Millis,
    },
    /// It does not: nothing in this conversation notifies.
    Nothing,
    /// It does not: only mentions notify here, and it is none.
    NotMentioned,
    /// It does not: it is within their quiet hours.
    QuietHours,
    /// It does not: they ask not to be disturbed.
    Busy,
    /// It does: it mentions them.
    Mentioned,
    /// It does: it contains this keyword of theirs.
    Keyword(String),
    /// It does: everything in this conversation notifies.
    Everything,
}

impl Why {
    /// The name on the wire.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Deleted => "deleted",
            Self::Read => "read",
            Self::Muted { .. } => "muted",
            Self::Nothing => "nothing",
            Self::NotMentioned => "not_mentioned",
            Self::QuietHours => "quiet_hours",
            Self::Busy => "busy",
            Self::Mentioned => "mentioned",
            Self::Keyword(_) => "keyword",
            Self::Everything => "everything",
        }
    }
}

/// Whether a message notifies somebody, and why.
#[derive(Clone, Debug, PartialEq, Eq, NamesPeople)]
pub struct NotificationDecision {
    /// Whether it does.
    pub notifies: bool,
    /// Why, or why not.
    pub why: Why,
    /// The level that holds in the conversation.
    pub level: NotificationLevel,
    /// Whether the level was set for this conversation; else for all of its kind.
    pub is_own_level: bool,
    /// Whether the level is that of the thread in which the message stands.
    pub is_thread_level: bool,
}

/// Decides whether a message notifies somebody at some moment.
#[must_use]
pub fn decide(occasion: &Occasion<'_>) -> NotificationDecision {
    let Occasion { kind, here, settings, thread, .. } = *occasion;
    let around = here.level.unwrap_or_else(|| settings.level_of(kind));
    let of_thread = match thread {
        Some(InThread::Followed(level)) => level,
        Some(InThread::NotFollowed) => (around == NotificationLevel::Everything).then_some(NotificationLevel::Mentions),
        None => None,
    };
    let level = of_thread.unwrap_or(around);
    let (notifies, why) = match why_not(occasion, level) {
        Err(why) => (false, why),
        Ok(why) => (true, why),
    };
    let (is_own_level, is_thread_level) = (here.level.is_some() && of_thread.is_none(), of_thread.is_some());
    NotificationDecision { notifies, why, level, is_own_level, is_thread_level }
}

/// `Ok` if it notifies.
fn why_not(occasion: &Occasion<'_>, level: NotificationLevel) -> Result<Why, Why> {
    if occasion.is_own {
        return Err(Why::Own);
    }
    let text = occasion.text.ok_or(Why::Deleted)?;
    if occasion.is_read {
        return Err(Why::Read);
    }
    if let Some(until) = occasion.here.mute(occasion.now) {
        return Err(Why::Muted { until });
    }
    let called = match level {
        NotificationLevel::Nothing => return Err(Why::Nothing),
        NotificationLevel::Everything | NotificationLevel::Mentions if occasion.mentions => Some(Why::Mentioned),
        NotificationLevel::Everything | NotificationLevel::Mentions => {
            keyword_in(text, &occasion.settings.keywords).map(|keyword| Why::Keyword(keyword.to_owned()))
        }
    };
    let why = match (called, level) {
        (Some(why), _) => why,
        (None, NotificationLevel::Everything) => Why::Everything,
        (None, _) => return Err(Why::NotMentioned),
    };
    let is_quiet = occasion.settings.quiet.as_ref().zip(occasion.local).is_some_and(|(quiet, at)| quiet.hold(at));
    if is_quiet {
        return Err(Why::QuietHours);
    }
    if occasion.is_busy { Err(Why::Busy) } else { Ok(why) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis(1_735_732_800_000);

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    /// The decision about a message of somebody else, after a change of the occasion.
    fn decided<'a>(change: impl FnOnce(&mut Occasion<'a>)) -> (bool, Why) {
        let (here, settings): (&'a _, &'a _) = (Box::leak(Box::default()), Box::leak(Box::default()));
        let mut occasion = Occasion {
            is_own: false,
            text: Some("The cafe is open"),
            mentions: false,
            is_read: false,
            kind: Kind::Room,
            here,
            settings,
            thread: None,
            now: NOW,
            local: Some(LocalTime { weekday: 3, minute: 600 }),
            is_busy: false,
        };
        change(&mut occasion);
        let NotificationDecision { notifies, why, .. } = decide(&occasion);
        (notifies, why)
    }

    #[test]
    fn a_message_notifies_unless_something_says_no_and_the_first_that_does_is_named() {
        let muted = ConversationSettings { muted_until: Some(NOW.plus(1)), ..Default::default() };
        let over = ConversationSettings { muted_until: Some(NOW), ..Default::default() };
        let at = |level| ConversationSettings { level: Some(level), ..Default::default() };
        let (nothing, mentions) = (at(NotificationLevel::Nothing), at(NotificationLevel::Mentions));
        let whole_day = QuietHours { days: vec![3], from: 0, to: 0, time_zone: String::new() };
        let quiet = NotificationSettings { quiet: Some(whole_day), ..Default::default() };
        let keyed = NotificationSettings { keywords: words(&["tea", "Café"]), ..Default::default() };
        assert_eq!(decided(|_| {}), (true, Why::Everything));
        assert_eq!(decided(|it| (it.is_own, it.mentions) = (true, true)), (false, Why::Own));
        assert_eq!(decided(|it| it.text = None), (false, Why::Deleted));
        assert_eq!(decided(|it| it.is_read = true), (false, Why::Read));
        assert_eq!(
            decided(|it| (it.here, it.mentions) = (&muted, true)),
            (false, Why::Muted { until: NOW.plus(1) }),
            "a mute is stronger than a mention"
        );
        assert_eq!(decided(|it| it.here = &over), (true, Why::Everything), "it ends at its moment");
        assert_eq!(decided(|it| (it.here, it.mentions) = (&nothing, true)), (false, Why::Nothing));
        assert_eq!(decided(|it| it.here = &mentions), (false, Why::NotMentioned));
        assert_eq!(decided(|it| (it.here, it.mentions) = (&mentions, true)), (true, Why::Mentioned));
        assert_eq!(
            decided(|it| (it.here, it.settings) = (&mentions, &keyed)),
            (true, Why::Keyword("Café".into())),
            "without regard to case and accents"
        );
        assert_eq!(decided(|it| it.settings = &keyed).1, Why::Keyword("Café".into()), "also where everything notifies");
        assert_eq!(decided(|it| (it.settings, it.mentions) = (&quiet, true)), (false, Why::QuietHours));
        assert_eq!(decided(|it| (it.is_busy, it.mentions) = (true, true)), (false, Why::Busy));
    }

    #[test]
    fn a_conversation_has_its_own_level_or_that_of_its_kind() {
        let settings = NotificationSettings {
            rooms: NotificationLevel::Nothing,
            groups: NotificationLevel::Mentions,
            ..Default::default()
        };
        let kinds = [(Kind::Room, Why::Nothing), (Kind::Group, Why::NotMentioned), (Kind::Direct, Why::Everything)];
        for (kind, why) in kinds {
            assert_eq!(decided(|it| (it.kind, it.settings) = (kind, &settings)).1, why);
        }
        let all = ConversationSettings { level: Some(NotificationLevel::Everything), ..Default::default() };
        assert_eq!(decided(|it| (it.settings, it.here) = (&settings, &all)), (true, Why::Everything));
    }

    #[test]
    fn a_thread_has_its_own_level_and_of_one_that_is_not_followed_only_mentions_notify() {
        use NotificationLevel::{Everything, Mentions, Nothing};
        let muted = ConversationSettings { muted_until: Some(NOW.plus(1)), ..Default::default() };
        let at = |level| ConversationSettings { level: Some(level), ..Default::default() };
        let (all, mentions, none) = (at(Everything), at(Mentions), at(Nothing));
        let cases = [
            (&all, InThread::Followed(None), Why::Everything),
            (&none, InThread::Followed(None), Why::Nothing),
            (&mentions, InThread::Followed(Some(Everything)), Why::Everything),
            (&none, InThread::Followed(Some(Everything)), Why::Everything),
            (&all, InThread::Followed(Some(Mentions)), Why::NotMentioned),
            (&all, InThread::Followed(Some(Nothing)), Why::Nothing),
            (&all, InThread::NotFollowed, Why::NotMentioned),
            (&none, InThread::NotFollowed, Why::Nothing),
        ];
        for (here, thread, why) in cases {
            assert_eq!(decided(|it| (it.here, it.thread) = (here, Some(thread))).1, why, "{here:?} {thread:?}");
        }
        let called = |thread| decided(|it| (it.mentions, it.thread) = (true, Some(thread)));
        assert_eq!(called(InThread::NotFollowed), (true, Why::Mentioned));
        assert_eq!(called(InThread::Followed(Some(Nothing))), (false, Why::Nothing), "a muted thread stays silent");
        let everything = InThread::Followed(Some(Everything));
        let why = decided(|it| (it.here, it.thread) = (&muted, Some(everything))).1;
        assert_eq!(why, Why::Muted { until: NOW.plus(1) }, "a muted conversation mutes its threads");
    }

    #[test]
    fn quiet_hours_hold_on_their_days_and_across_midnight() {
        let hours = |days: &[i64], from, to| QuietHours { days: days.to_vec(), from, to, time_zone: String::new() };
        let at = |weekday, minute| LocalTime { weekday, minute };
        let lunch = hours(&[1, 5], 720, 780);
        assert!(lunch.hold(at(1, 720)) && lunch.hold(at(5, 779)));
        assert!(!lunch.hold(at(1, 719)) && !lunch.hold(at(1, 780)) && !lunch.hold(at(2, 740)));
        let sunday_night = hours(&[7], 1_320, 420);
        assert!(sunday_night.hold(at(7, 1_320)) && sunday_night.hold(at(7, 1_439)) && sunday_night.hold(at(1, 0)));
        assert!(sunday_night.hold(at(1, 419)) && !sunday_night.hold(at(1, 420)) && !sunday_night.hold(at(7, 419)));
        assert!(!sunday_night.hold(at(1, 1_320)), "Monday's night is not quiet");
        let saturday = hours(&[6], 0, 0);
        assert!(saturday.hold(at(6, 0)) && saturday.hold(at(6, 1_439)) && !saturday.hold(at(7, 0)));
    }

    #[test]
    fn keywords_are_whole_words_in_any_script() {
        let found = |text, keyword: &str| keyword_in(text, &words(&[keyword])).is_some();
        assert!(found("Is the DEPLOY done?", "deploy") && found("deploy-day", "deploy"));
        assert!(!found("redeployed", "deploy") && !found("deployed", "deploy"));
        assert!(found("on call tonight", "on call") && !found("on the call", "on call"));
        assert!(found("明天发布新版本", "发布") && !found("明天发新版本", "发布"));
        assert!(!found("anything", "…") && !found("", "deploy"));
    }
}
