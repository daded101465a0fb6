//! Who is told on their devices of a conversation's new messages. Decided once for all of a conversation's messages that
//! came within a moment, by the same function that answers why a message notifies somebody. Of an older message are told
//! those whom an edit has called since, and nobody else.
//!
//! The cause of all this is a job of the conversation, added by whoever has committed a message, some seconds before it
//! is due: whoever reads the message meanwhile is not told of it.

use std::collections::{BTreeMap, HashMap, HashSet};

use chat::{
    ConversationId, MessageId, Millis, Number, Result, UserGroupId, UserId,
    conversations::{Conversation, Kind},
    messages::Message,
    notifications::{InThread, NotificationLevel, NotificationSettings, Occasion, decide as decide_one},
    presence::Presence,
    push_devices::{PushKind, kind_of},
};
use store::{
    Conn, Unit,
    jobs::{self, Job},
    mentions::{Callee, Calling},
    push_devices::{self, Delivery, Listening, PushProgress},
};

use super::pushing;
use crate::{Engine, jobs::now, notifications::local_time};

/// Devices of members that are looked at in one transaction.
const PORTION: i64 = 500;
/// Of more new messages only the newest are looked at: a device is told of one of them.
const MESSAGES: i64 = 200;
/// Messages that are older are not told of any more: a server that was away for a night does not ring for what was said
/// before it.
const FRESH: i64 = 3_600_000;
/// Whoever was told of a conversation within this time …
const JUST_NOW: i64 = 60_000;
/// … is told of what follows so many times later than of what comes out of the blue. What comes meanwhile is gathered.
const LATER: i64 = 4;

impl Engine {
    /// Waits until this node has committed a message.
    pub async fn message_commits(&self) {
        self.inner.db.message_wakes().changed().await;
    }

    /// Has it decided who is told of the messages that this node has committed since this was last asked. `all`: of all
    /// that it was not decided of, whoever has committed it; for once in a while.
    ///
    /// # Errors
    /// The store's; it is then to be asked for all.
    pub async fn decide_pushes(&self, all: bool) -> Result<()> {
        let Some(pushing) = pushing(self) else { return Ok(()) };
        let noted = self.inner.db.message_wakes().take();
        let mut conn = self.inner.db.read().await?;
        let these = match noted {
            Some(_) if all => None,
            noted => noted,
        };
        let conversations = match these {
            Some(noted) if noted.is_empty() => return Ok(()),
            Some(noted) => {
                let ids: Vec<ConversationId> = noted.into_keys().collect();
                push_devices::are_listened_to(&mut conn, &ids).await?
            }
            None => push_devices::undecided(&mut conn, Millis(self.now().0 - FRESH)).await?,
        };
        drop(conn);
        if conversations.is_empty() {
            return Ok(());
        }
        let wait = pushing.wait;
        let work = self.inner.writer.change(&[], None, move |unit| {
            Box::pin(async move {
                for conversation in conversations {
                    add_job(unit, conversation, wait).await?;
                }
                Ok(())
            })
        });
        work.await
    }

    /// How many pushes wait for their devices, and for how long the first of them does, in milliseconds; nothing where
    /// nobody is told.
    ///
    /// # Errors
    /// The store's.
    pub async fn waiting_pushes(&self) -> Result<Option<(i64, i64)>> {
        match pushing(self) {
            Some(_) => super::waiting(self).await.map(Some),
            None => Ok(None),
        }
    }

    /// Removes the devices whose session is over, whatever has ended it; for once in a while. How many devices there are.
    ///
    /// # Errors
    /// The store's.
    pub async fn sweep_push_devices(&self) -> Result<i64> {
        super::sweep(self).await
    }
}

/// Has it decided, after a moment, who is told of a conversation's new messages.
async fn add_job(unit: &mut Unit, conversation: ConversationId, wait: i64) -> Result<()> {
    let at = now(unit).await?;
    let before = push_devices::progress(&mut unit.conn, conversation).await?;
    let was_just_now = at.since(Millis(before.decided_at)) < JUST_NOW;
    let wait = if was_just_now { wait * LATER } else { wait };
    jobs::add_once(&mut unit.conn, jobs::Kind::Push, conversation.0, at.plus(wait)).await?;
    Ok(())
}

/// Decides for one portion of people, and ends the job; another is added if there are more people, or more was said.
pub(crate) async fn decide(engine: &Engine, job: Job) -> Result<()> {
    let conversation = ConversationId(job.subject);
    let decided = match pushing(engine) {
        Some(pushing) => Some((portion(engine, conversation).await?, pushing.wait)),
        // It was switched off meanwhile.
        None => None,
    };
    let work = engine.inner.writer.change(&[], None, move |unit| {
        Box::pin(async move {
            if !jobs::finish(&mut unit.conn, &job).await? {
                return Ok(());
            }
            let Some((Portion { progress, deliveries }, wait)) = decided else { return Ok(()) };
            let at = now(unit).await?;
            for delivery in &deliveries {
                push_devices::deliver(&mut unit.conn, delivery, at).await?;
            }
            push_devices::set_progress(&mut unit.conn, conversation, progress).await?;
            if progress.goal > 0 {
                jobs::add_once(&mut unit.conn, jobs::Kind::Push, conversation.0, at).await?;
            } else if push_devices::has_newer(&mut unit.conn, conversation, progress.seq).await? {
                // Whoever committed it found this job, and added none.
                add_job(unit, conversation, wait).await?;
            }
            Ok(())
        })
    });
    work.await
}

/// The decisions about a window of messages.
#[derive(Debug, Default)]
struct Portion {
    /// How far it has come with that.
    progress: PushProgress,
    /// The pushes that devices are to get.
    deliveries: Vec<Delivery>,
}

async fn portion(engine: &Engine, id: ConversationId) -> Result<Portion> {
    let now = engine.now();
    let mut conn = engine.inner.db.read().await?;
    let before = push_devices::progress(&mut conn, id).await?;
    let Some(conversation) = store::conversations::by_id(&mut conn, id).await? else { return Ok(Portion::default()) };
    let goes_on = before.goal > before.seq;
    let (goal, after) = if goes_on { (before.goal, before.after_user) } else { (conversation.head.0, 0) };
    let window = Window { after: Number(before.seq.min(goal)), to: Number(goal) };
    let messages = new_messages(&mut conn, id, window, now).await?;
    let mut listening = match messages.is_empty() {
        true => Vec::new(),
        false => push_devices::audience(&mut conn, id, UserId(after), now, PORTION).await?,
    };
    let is_last = i64::try_from(listening.len()).unwrap_or(i64::MAX) < PORTION;
    if !is_last && let Some(last) = listening.last().map(|one| one.user) {
        // Some of their devices may be in the next portion.
        listening.retain(|one| one.user != last);
    }
    let progress = match listening.last() {
        Some(last) if !is_last => {
            PushProgress { seq: before.seq, goal, after_user: last.user.0, decided_at: before.decided_at }
        }
        _ => PushProgress { seq: goal, goal: 0, after_user: 0, decided_at: before.decided_at },
    };
    let told = Telling::read(&mut conn, engine, conversation, (messages, window), &listening).await?;
    drop(conn);
    let deliveries = told.deliveries(&listening, now);
    let decided_at = if deliveries.is_empty() { progress.decided_at } else { now.0 };
    Ok(Portion { progress: PushProgress { decided_at, ..progress }, deliveries })
}

/// The numbers of which it is decided who is told: after the first and up to the second.
#[derive(Clone, Copy, Debug)]
struct Window {
    after: Number,
    to: Number,
}

impl Window {
    fn has(self, number: Number) -> bool {
        self.after < number && number <= self.to
    }
}

/// The newest of the messages of a window, oldest first, and before them those to which edits of that window have called
/// somebody; without what is too old to be told of.
async fn new_messages(conn: &mut Conn, id: ConversationId, window: Window, now: Millis) -> Result<Vec<Message>> {
    let Window { after, to } = window;
    let mut messages = store::messages::before(conn, id, to.next(), after.next(), MESSAGES).await?;
    messages.retain(|message| message.deleted_at.is_none() && now.since(message.created_at) < FRESH);
    let since = Millis(now.0 - FRESH);
    let mut edited = store::messages::called_by_edit(conn, id, after, since, MESSAGES).await?;
    edited.retain(|message| messages.iter().all(|new| new.id != message.id));
    edited.append(&mut messages);
    Ok(edited)
}

/// A message that somebody is told of.
#[derive(Clone, Copy, Debug)]
struct News {
    seq: Number,
    /// Since when it is for them.
    at: Millis,
    kind: PushKind,
}

/// Everything that decides who is told.
struct Telling<'e> {
    engine: &'e Engine,
    conversation: Conversation,
    messages: Vec<Message>,
    window: Window,
    /// Since when the messages that were edited are for those whom they call.
    callings: HashMap<MessageId, Vec<(Callee, Calling)>>,
    settings: HashMap<UserId, NotificationSettings>,
    default: NotificationSettings,
    /// The people of the user groups that the messages call.
    groups: HashMap<UserGroupId, HashSet<UserId>>,
    /// How far people have read the threads that they follow, and the levels that they have there.
    followed: HashMap<(UserId, Number), (Number, Option<NotificationLevel>)>,
}

impl<'e> Telling<'e> {
    async fn read(
        conn: &mut Conn,
        engine: &'e Engine,
        conversation: Conversation,
        (messages, window): (Vec<Message>, Window),
        listening: &[Listening],
    ) -> Result<Self> {
        let mut users: Vec<UserId> = listening.iter().map(|one| one.user).collect();
        users.dedup();
        let settings = store::notifications::of_these(conn, &users).await?;
        let mut groups = HashMap::new();
        for group in messages.iter().flat_map(|message| &message.mentions.groups) {
            if !groups.contains_key(group) {
                let people = store::user_groups::people(conn, *group).await?;
                groups.insert(*group, people.into_iter().collect());
            }
        }
        let edited: Vec<MessageId> =
            messages.iter().filter(|message| message.edited_at.is_some()).map(|message| message.id).collect();
        let callings = store::mentions::callings(conn, &edited).await?;
        let are_of_threads = messages.iter().any(|message| message.thread.is_some());
        let followed = match are_of_threads {
            true => push_devices::followers(conn, conversation.id, &users).await?,
            false => HashMap::new(),
        };
        let default = NotificationSettings::default();
        Ok(Self { engine, conversation, messages, window, callings, settings, default, groups, followed })
    }

    fn deliveries(&self, listening: &[Listening], now: Millis) -> Vec<Delivery> {
        let mut people: BTreeMap<UserId, Vec<&Listening>> = BTreeMap::new();
        for one in listening {
            people.entry(one.user).or_default().push(one);
        }
        let told = people.into_iter().flat_map(|(user, devices)| {
            let notifying = self.notifying(user, &devices, now);
            devices.into_iter().filter_map(move |device| self.delivery(device, &notifying))
        });
        told.collect()
    }

    /// The messages that notify somebody, since when, and how.
    fn notifying(&self, user: UserId, devices: &[&Listening], now: Millis) -> Vec<News> {
        let Some(member) = devices.first() else { return Vec::new() };
        let settings = self.settings.get(&user).unwrap_or(&self.default);
        let is_busy = (self.engine.inner.here)(user).presence == Presence::Busy;
        let local = settings.quiet.as_ref().and_then(|quiet| local_time(now, &quiet.time_zone));
        let seen = self.messages.iter().filter(|message| message.seq >= member.visible_from);
        let news = seen.filter_map(|message| {
            // An edit after the window is decided on with its own window.
            let (is_called, calling) = match self.calling(message, user) {
                Some(calling) if calling.number > self.window.to => (false, None),
                calling => (self.mentions(message, user), calling),
            };
            // Of an older message only those are told whom an edit of this window has called.
            if !self.is_new(message, now) && calling.is_none_or(|calling| !self.window.has(calling.number)) {
                return None;
            }
            let came = calling.unwrap_or(Calling { number: message.seq, at: message.created_at });
            let occasion = Occasion {
                is_own: message.author == user,
                text: message.text.as_deref(),
                mentions: is_called,
                is_read: came.number <= self.read_to(message, user, member.read_seq),
                kind: self.conversation.kind,
                here: &member.settings,
                settings,
                thread: self.in_thread(message, user),
                now,
                local,
                is_busy,
            };
            let decision = decide_one(&occasion);
            let is_direct = self.conversation.kind == Kind::Direct;
            let kind = kind_of(is_direct, &decision.why);
            decision.notifies.then_some(News { seq: message.seq, at: came.at, kind })
        });
        news.collect()
    }

    /// Whether a message was sent within the window and lately; else it is there because of an edit.
    fn is_new(&self, message: &Message, now: Millis) -> bool {
        self.window.has(message.seq) && now.since(message.created_at) < FRESH
    }

    /// By which edit a message was first for somebody, if it was by an edit. A direct message was always for them.
    fn calling(&self, message: &Message, user: UserId) -> Option<Calling> {
        if self.conversation.kind == Kind::Direct {
            return None;
        }
        let calls = |callee: &Callee| match callee {
            Callee::Person(person) => *person == user,
            Callee::Group(group) => self.groups.get(group).is_some_and(|people| people.contains(&user)),
            Callee::Everybody => true,
        };
        let callings = self.callings.get(&message.id)?.iter().filter(|(callee, _)| calls(callee));
        let first = callings.map(|(_, calling)| *calling).min_by_key(|calling| calling.number)?;
        (first.number > message.seq).then_some(first)
    }

    fn mentions(&self, message: &Message, user: UserId) -> bool {
        let groups: Vec<UserGroupId> = message
            .mentions
            .groups
            .iter()
            .copied()
            .filter(|group| self.groups.get(group).is_some_and(|people| people.contains(&user)))
            .collect();
        message.mentions.are_for(user, &groups)
    }

    /// A person's relation to the thread in which a message stands.
    fn in_thread(&self, message: &Message, user: UserId) -> Option<InThread> {
        match self.followed.get(&(user, message.thread?)) {
            Some((_, level)) => Some(InThread::Followed(*level)),
            None => (!message.is_in_room()).then_some(InThread::NotFollowed),
        }
    }

    /// How far somebody has read where a message stands.
    fn read_to(&self, message: &Message, user: UserId, in_room: Number) -> Number {
        let root = message.thread.filter(|_| !message.is_in_room());
        let followed = root.and_then(|root| self.followed.get(&(user, root)));
        followed.map_or(in_room, |(read, _)| *read)
    }

    /// The push for one device: about the newest of these, a message or an edit that calls somebody, in the manner of
    /// the most urgent. Whoever reads so far has read the others.
    fn delivery(&self, device: &Listening, notifying: &[News]) -> Option<Delivery> {
        let news = || notifying.iter().filter(|news| news.at >= device.since);
        let seq = news().max_by_key(|one| (one.at, one.kind.is_urgent(), one.seq))?.seq;
        let kind = news().rfind(|one| one.kind.is_urgent()).map_or(PushKind::Message, |one| one.kind);
        let (user, conversation) = (device.user, self.conversation.id);
        Some(Delivery { user, device: device.device, conversation, reminder: 0, seq, kind })
    }
}
