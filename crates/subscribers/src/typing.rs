//! Typing: who writes in which conversation, until they stop, send, or their time runs out.

use std::collections::HashMap;

use chat::{ConversationId, Number, UserId};
use tokio::time::{Duration, Instant};

/// The place where somebody writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TypingPlace {
    /// The conversation.
    pub conversation: ConversationId,
    /// The `seq` of the message in whose thread they write; absent in the room.
    pub thread: Option<Number>,
}

impl From<ConversationId> for TypingPlace {
    fn from(conversation: ConversationId) -> Self {
        Self { conversation, thread: None }
    }
}

/// A person who writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Typist {
    /// Their account.
    pub user: UserId,
    /// Their username.
    pub username: String,
    /// Their name as others see it: see [`chat::accounts::Account::shown_name`].
    pub shown_name: String,
}

/// How many people of a large channel are shown as writing at once, in the room and in its threads, and how many of them may begin within a second.
/// Readers see "several people are typing" long before, so a sample is enough. It bounds the signals in a second to
/// three times this number: the starts, and the stops of those who were shown before or have begun since.
const SAMPLE: usize = 6;
/// The window in which so many may begin.
const WINDOW: Duration = Duration::from_secs(1);

/// The people who write, by conversation.
pub(crate) struct Typing {
    lasts: Duration,
    channels: HashMap<ConversationId, Writers>,
}

/// The people who write in one conversation.
struct Writers {
    writing: HashMap<(UserId, Option<Number>), (Instant, Typist)>,
    /// When the window began, and how many starts were published in it.
    window: (Instant, usize),
}

impl Typing {
    pub(crate) fn new(lasts: Duration) -> Self {
        Self { lasts, channels: HashMap::new() }
    }

    /// Records a start; repeating it extends the time. False if it must not be published: enough people write in this
    /// large channel already.
    pub(crate) fn start(&mut self, place: TypingPlace, typist: Typist, is_large: bool, now: Instant) -> bool {
        let TypingPlace { conversation, thread } = place;
        let fresh = || Writers { writing: HashMap::new(), window: (now, 0) };
        let channel = self.channels.entry(conversation).or_insert_with(fresh);
        if now.duration_since(channel.window.0) >= WINDOW {
            channel.window = (now, 0);
        }
        let is_shown = channel.writing.contains_key(&(typist.user, thread));
        let is_full = channel.window.1 >= SAMPLE || (!is_shown && channel.writing.len() >= SAMPLE);
        if is_large && is_full {
            return false;
        }
        channel.window.1 += 1;
        channel.writing.insert((typist.user, thread), (now + self.lasts, typist));
        true
    }

    /// Records a stop; returns the person if they were writing.
    pub(crate) fn stop(&mut self, place: TypingPlace, user: UserId) -> Option<Typist> {
        if self.channels.is_empty() {
            return None;
        }
        let writers = self.channels.get_mut(&place.conversation)?;
        writers.writing.remove(&(user, place.thread)).map(|(_, typist)| typist)
    }

    /// Removes and returns those whose time has run out.
    pub(crate) fn expired(&mut self, now: Instant) -> Vec<(TypingPlace, Typist)> {
        let mut expired = Vec::new();
        self.channels.retain(|conversation, channel| {
            let over = channel.writing.extract_if(|_, (until, _)| *until <= now);
            let place = |thread| TypingPlace { conversation: *conversation, thread };
            expired.extend(over.map(|((_, thread), (_, typist))| (place(thread), typist)));
            // The window is kept until it is over, even if nobody writes any more.
            !channel.writing.is_empty() || now.duration_since(channel.window.0) < WINDOW
        });
        expired
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typist(user: i64) -> Typist {
        Typist { user: UserId(user), username: format!("u{user}"), shown_name: format!("U{user}") }
    }

    #[tokio::test]
    async fn typing_ends_by_itself_and_repeating_it_gives_more_time() {
        let (channel, now) = (TypingPlace::from(ConversationId(1)), Instant::now());
        let mut typing = Typing::new(Duration::from_secs(6));
        assert!(typing.start(channel, typist(1), false, now));
        assert!(typing.start(channel, typist(1), false, now + Duration::from_secs(3)));
        assert!(typing.expired(now + Duration::from_secs(8)).is_empty());
        assert_eq!(typing.expired(now + Duration::from_secs(9)), [(channel, typist(1))]);
        assert_eq!(typing.stop(channel, UserId(1)), None);
        assert!(typing.channels.is_empty(), "nothing is kept of it");
    }

    /// A thousand people write for ten seconds: each repeats it every 300 ms, and stops now and then.
    #[tokio::test]
    async fn any_number_of_writers_in_a_large_channel_makes_few_signals_a_second() {
        let (channel, began) = (TypingPlace::from(ConversationId(1)), Instant::now());
        let mut typing = Typing::new(Duration::from_secs(6));
        let mut told = [0; 10];
        for millis in 0..10_000_u64 {
            let now = began + Duration::from_millis(millis);
            let second = usize::try_from(millis / 1_000).expect("few seconds");
            for user in (0..1_000).filter(|user| (user * 7 + millis) % 300 == 0) {
                told[second] += usize::from(typing.start(channel, typist(user.cast_signed()), true, now));
            }
            let stops = typing.stop(channel, UserId((millis * 31 % 1_000).cast_signed())).is_some();
            told[second] += usize::from(stops) + typing.expired(now).len();
        }
        assert!(told.iter().all(|signals| (1..=20).contains(signals)), "{told:?}");
    }

    #[tokio::test]
    async fn somebody_writes_in_the_room_and_in_a_thread_apart() {
        let (room, now) = (TypingPlace::from(ConversationId(1)), Instant::now());
        let thread = TypingPlace { thread: Some(Number(7)), ..room };
        let mut typing = Typing::new(Duration::from_secs(6));
        assert!(typing.start(room, typist(1), false, now));
        assert!(typing.start(thread, typist(1), false, now + Duration::from_secs(1)));
        assert_eq!(typing.expired(now + Duration::from_secs(6)), [(room, typist(1))]);
        assert_eq!(typing.stop(room, UserId(1)), None);
        assert_eq!(typing.stop(thread, UserId(1)), Some(typist(1)));
    }

    #[tokio::test]
    async fn in_a_small_channel_everybody_is_shown() {
        let (channel, now) = (TypingPlace::from(ConversationId(1)), Instant::now());
        let mut typing = Typing::new(Duration::from_secs(6));
        assert!((0..200).all(|user| typing.start(channel, typist(user), false, now)));
        assert_eq!(typing.expired(now + Duration::from_secs(6)).len(), 200);
    }
}
