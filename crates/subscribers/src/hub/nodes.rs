//! What other nodes have changed, and who is connected to them.
//!
//! A nudge is obeyed by reading again what it is about: heard twice it does no harm, heard late it says what is true
//! now.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use chat::{
    ConversationId, ErrorCode, Notice, Number, Result, SessionId, Signal, Told, UserId,
    accounts::Account,
    conversations::Listed,
    event::Audience,
    members::Departure,
    presence::{Presence, Seen},
    sessions::Standing,
};
use store::Nudge;
use stream::{Hearing, People, people::BEAT};
use tokio::time::{Duration, Instant};

use super::{Control, State, Typist};
use crate::{orders::verdict, queue::Listener};

/// Within this time a nudge comes by Redis and again by way of the database.
const TWICE: Duration = Duration::from_secs(3);

/// What this node tells the others of its people, and what it wants to know.
#[derive(Default)]
pub(super) struct Nodes {
    /// Who has changed since others were last told.
    pub changed: HashMap<UserId, Presence>,
    version: u64,
    beat_at: Option<Instant>,
    /// Nodes that were asked for all of their people, and when.
    asked: HashMap<i64, Instant>,
    /// How many nodes were heard while they could be.
    others: usize,
    /// Who is being looked at, and whether that must be done again.
    looking: HashMap<(UserId, ConversationId), bool>,
    /// Who was told of a conversation a moment ago.
    told: HashMap<(UserId, ConversationId), Instant>,
    /// What could not be read, and is looked at again.
    again: HashSet<Nudge>,
}

impl Nodes {
    /// Forgets what is to be looked at again. What is being looked at now is looked at once more.
    pub(super) fn forget(&mut self) {
        self.again.clear();
        self.told.clear();
        self.looking.values_mut().for_each(|again| *again = true);
    }
}

/// What was read.
pub(super) enum Read {
    /// Of these sessions.
    Standing(UserId, Vec<SessionId>, Result<Standing>),
    Listed(UserId, ConversationId, Box<Result<Option<Listed>>>),
    Hidden(UserId, ConversationId, Result<Option<Number>>),
    Profile(UserId, Box<Result<Account>>),
    Gone(Result<Vec<(ConversationId, UserId, String)>>),
}

impl State {
    // ---- what must be obeyed ------------------------------------------------------------------

    pub(super) fn obey_nudge(&mut self, nudge: Nudge) {
        match nudge {
            Nudge::Standing(user) => {
                self.orders.nudge(user);
                self.look_at_standing(user);
            }
            Nudge::Belonging(user, conversation) => self.look_at_belonging(user, conversation),
            Nudge::Hidden(user, conversation) => {
                if self.is_here(user) {
                    let reading = self.lookups.hidden(user, conversation);
                    self.later(async move { Control::Nodes(Read::Hidden(user, conversation, reading.await)) });
                }
            }
            Nudge::Profile(user) => {
                if self.is_here(user) {
                    let reading = self.lookups.profile(user);
                    self.later(async move { Control::Nodes(Read::Profile(user, Box::new(reading.await))) });
                }
            }
            Nudge::Mute => self.look_out(),
        }
    }

    pub(super) fn is_here(&self, user: UserId) -> bool {
        self.people.get(&user).is_some_and(|person| !person.listeners.is_empty())
    }

    /// Reads whether a person's connections may stay.
    pub(super) fn look_at_standing(&mut self, user: UserId) {
        let Some(person) = self.people.get(&user).filter(|person| !person.listeners.is_empty()) else { return };
        let sessions: HashSet<SessionId> = person.listeners.iter().filter_map(|listener| listener.session).collect();
        let sessions: Vec<SessionId> = sessions.into_iter().collect();
        let reading = self.lookups.standing(user, sessions.clone());
        self.later(async move { Control::Nodes(Read::Standing(user, sessions, reading.await)) });
    }

    /// Reads whether a person belongs to a conversation.
    pub(super) fn look_at_belonging(&mut self, user: UserId, conversation: ConversationId) {
        let Some(person) = self.people.get_mut(&user) else { return };
        if let Some(loading) = &mut person.loading {
            loading.nudged.insert(conversation);
            return;
        }
        // One at a time, so that answers cannot come in the wrong order.
        if let Some(again) = self.nodes.looking.get_mut(&(user, conversation)) {
            *again = true;
            return;
        }
        self.nodes.looking.insert((user, conversation), false);
        let reading = self.lookups.listed(user, conversation);
        self.later(async move { Control::Nodes(Read::Listed(user, conversation, Box::new(reading.await))) });
    }

    /// An event or a notice says who belongs: what is being read may be older.
    pub(super) fn belonging_changed(&mut self, user: UserId, conversation: ConversationId) {
        if let Some(again) = self.nodes.looking.get_mut(&(user, conversation)) {
            *again = true;
        }
    }

    pub(super) fn nodes_read(&mut self, read: Read) {
        match read {
            Read::Standing(user, asked, standing) => self.judge(user, &asked, standing),
            Read::Listed(user, conversation, listed) => self.settle_belonging(user, conversation, *listed),
            Read::Hidden(user, conversation, hidden) => {
                if let Some(Some(at)) = self.known(Nudge::Hidden(user, conversation), hidden) {
                    self.tell_user(user, Signal::ConversationHidden { conversation, at });
                }
            }
            Read::Profile(user, account) => {
                if let Some(account) = self.known(Nudge::Profile(user), *account) {
                    self.tell_user(user, Signal::ProfileChanged(Box::new(account)));
                }
            }
            Read::Gone(rows) => self.tell_gone(rows.unwrap_or_default()),
        }
    }

    /// What was read for a nudge; nothing if it could not be, and will be looked at again.
    fn known<T>(&mut self, nudge: Nudge, read: Result<T>) -> Option<T> {
        read.inspect_err(|error| {
            // Who is not there any more need not be asked for.
            if error.code != ErrorCode::NotFound {
                tracing::debug!(?nudge, %error, "what another node has changed cannot be read now");
                self.nodes.again.insert(nudge);
            }
        })
        .ok()
    }

    fn judge(&mut self, user: UserId, asked: &[SessionId], standing: Result<Standing>) {
        let Some(standing) = self.known(Nudge::Standing(user), standing) else { return };
        let Some(person) = self.people.get(&user) else { return };
        // Who has come since with another session was not asked for.
        let concerned = |listener: &&Arc<Listener>| {
            !standing.active || listener.session.is_none_or(|session| asked.contains(&session))
        };
        for listener in person.listeners.iter().filter(concerned) {
            if let Some(goodbye) = verdict(&standing, listener) {
                listener.outbox.end(goodbye);
            }
        }
        let listeners = person.listeners.clone();
        self.watch_again(&listeners, &standing, Instant::now());
    }

    fn settle_belonging(&mut self, user: UserId, conversation: ConversationId, listed: Result<Option<Listed>>) {
        if self.nodes.looking.remove(&(user, conversation)) == Some(true) {
            return self.look_at_belonging(user, conversation);
        }
        let Some(listed) = self.known(Nudge::Belonging(user, conversation), listed) else { return };
        let Some(person) = self.people.get(&user) else { return };
        let belongs = person.belongs.contains(&conversation);
        let last = self.rooms.get(&conversation).map_or(Number(0), |room| room.gaps.last());
        match listed {
            // The room has gone on since this was read.
            Some(listed) if listed.conversation.head < last && (!belongs || !self.was_told(user, conversation)) => {
                self.look_at_belonging(user, conversation);
            }
            // One who belongs already has brought it back into their list; but each nudge comes twice.
            Some(listed) if !belongs || !self.was_told(user, conversation) => {
                self.nodes.told.insert((user, conversation), Instant::now());
                self.tell_user(user, Signal::ConversationAdded(Box::new(listed)));
            }
            None if belongs => {
                self.tell_user(user, Signal::ConversationRemoved { conversation, departure: Departure::Removed });
            }
            _ => {}
        }
    }

    fn was_told(&mut self, user: UserId, conversation: ConversationId) -> bool {
        self.nodes.told.retain(|_, at| at.elapsed() < TWICE);
        self.nodes.told.contains_key(&(user, conversation))
    }

    /// What somebody was to be told has become old before it was.
    pub(super) fn was_not_told(&mut self, user: UserId, conversation: ConversationId) {
        self.nodes.told.remove(&(user, conversation));
    }

    fn tell_user(&mut self, user: UserId, signal: Signal) {
        self.tell_one(Notice { to: Audience::User(user), signal });
        self.hand_out(Vec::new());
    }

    // ---- typing and presence ------------------------------------------------------------------

    /// What another node says, if it is to be told as it is.
    pub(super) fn foreign(&mut self, told: Told) -> Option<Told> {
        if let Told::Notice(Notice {
            signal: Signal::Typing { conversation, user, username, shown_name, typing },
            ..
        }) = told
        {
            // Noted here as well, so that it ends by itself if that node dies.
            self.note_typing(conversation, Typist { user, username, shown_name }, typing);
            return None;
        }
        Some(told)
    }

    pub(super) fn say_typing(&self, conversation: ConversationId, typist: &Typist, typing: bool) {
        if !self.voice.is_heard() {
            return;
        }
        let Typist { user, username, shown_name } = typist.clone();
        let signal = Signal::Typing { conversation, user, username, shown_name, typing };
        self.voice.say(Notice { to: Audience::OtherMembers(conversation, user), signal });
    }

    pub(super) fn hear_people(&mut self, node: i64, word: People) {
        let now = Instant::now();
        if word.ask == Some(self.voice.node()) {
            let (version, people) = (self.nodes.version, self.book.here());
            self.voice.say_people(People { version, all: true, people, ..People::default() });
        }
        if !word.spent.is_empty() {
            self.lookups.note_spent(word.spent.clone());
        }
        if self.book.hear(node, word, now) {
            self.nodes.asked.remove(&node);
        } else if self.nodes.asked.get(&node).is_none_or(|at| now - *at >= BEAT) {
            self.nodes.asked.insert(node, now);
            let version = self.nodes.version;
            self.voice.say_people(People { version, ask: Some(node), ..People::default() });
        }
    }

    pub(super) fn on_tick_of_nodes(&mut self, now: Instant) {
        self.poll_heads(now);
        for nudge in std::mem::take(&mut self.nodes.again) {
            self.obey_nudge(nudge);
        }
        if !self.voice.is_heard() {
            self.nodes.changed.clear();
            return;
        }
        self.say_people(now);
        let gone = self.book.expire(now);
        if !gone.is_empty() {
            let reading = self.lookups.among(gone, self.rooms.keys().copied().collect());
            self.later(async move { Control::Nodes(Read::Gone(reading.await)) });
        }
        self.share_rates();
    }

    fn share_rates(&mut self) {
        let others = self.book.nodes();
        metrics::gauge!("palabre_nodes_heard").set(others as f64);
        // Who is not heard may be there all the same: as many as there were.
        let heard = self.voice.hearing() == Hearing::Good;
        if heard {
            self.nodes.others = others;
        }
        self.lookups.share_rates(if heard { 1 } else { self.nodes.others + 1 });
    }

    /// Tells who has changed, or once a second that this node is there.
    fn say_people(&mut self, now: Instant) {
        let people: Vec<(UserId, Presence)> = self.nodes.changed.drain().collect();
        let spent = self.lookups.spent();
        let beat = self.nodes.beat_at.is_none_or(|at| now - at >= BEAT);
        if people.is_empty() && spent.is_empty() && !beat {
            return;
        }
        self.nodes.beat_at = Some(now);
        self.nodes.version += u64::from(!people.is_empty());
        self.voice.say_people(People { version: self.nodes.version, people, spent, ..People::default() });
    }

    /// People went with their node, which can say no more that they did.
    fn tell_gone(&mut self, rows: Vec<(ConversationId, UserId, String)>) {
        let seen = Seen { presence: Presence::Offline, last_seen_at: Some(self.lookups.now()) };
        let mut of: HashMap<ConversationId, Vec<(UserId, String, Seen)>> = HashMap::new();
        for (conversation, user, name) in rows {
            if self.book.look_up(user).presence == Presence::Offline {
                of.entry(conversation).or_default().push((user, name, seen));
            }
        }
        for (conversation, people) in of {
            let signal = Signal::PresenceChanged { conversation, people };
            self.tell_one(Notice { to: Audience::Members(conversation), signal });
        }
    }
}
