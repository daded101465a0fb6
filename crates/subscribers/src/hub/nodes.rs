//! Other nodes' invalidations, and the people who are connected to other nodes.
//!
//! An invalidation is obeyed by reading again what it is about: a repeated one does no harm, and a late one gives the
//! present state.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use chat::{
    ConversationId, ErrorCode, Millis, Notice, Outgoing, Result, SessionId, Signal, UserId,
    event::Audience,
    presence::{Presence, Seen},
    sessions::Standing,
};
use store::Invalidation;
use stream::{Hearing, People, people::BEAT};
use tokio::time::Instant;

use super::{Control, State, Typist};
use crate::{queue::Subscriber, revocations::verdict, typing::TypingPlace};

/// The state of this node's statements about its people, and of its questions to other nodes.
#[derive(Default)]
pub(super) struct Nodes {
    /// People whose presence has changed since it was last published.
    pub changed: HashMap<UserId, Presence>,
    /// The presence that people have chosen since then, and when.
    pub chosen: HashMap<UserId, (Presence, Millis)>,
    version: u64,
    beat_at: Option<Instant>,
    /// Nodes that were asked for all of their people, and when.
    asked: HashMap<i64, Instant>,
    /// The number of nodes that were heard when hearing last worked.
    others: usize,
    /// People whose standing could not be read, and who are to be rechecked.
    again: HashSet<UserId>,
}

impl Nodes {
    /// Forgets whom to recheck.
    pub(super) fn forget(&mut self) {
        self.again.clear();
    }
}

/// The result of a lookup.
pub(super) enum Read {
    /// A person's standing, with the sessions that were asked about.
    Standing(UserId, Vec<SessionId>, Result<Standing>),
    Gone(Result<Vec<(ConversationId, UserId, String)>>),
}

impl State {
    // ---- invalidations ------------------------------------------------------------------------

    pub(super) fn obey_invalidation(&mut self, invalidation: Invalidation) {
        match invalidation {
            Invalidation::Standing(user) => {
                self.revocations.invalidation(user);
                self.recheck_standing(user);
            }
            Invalidation::Account(user, number) => self.note_account(user, number),
            Invalidation::Mute => self.poll_faster(),
        }
    }

    /// Reads whether a person's connections may stay open.
    pub(super) fn recheck_standing(&mut self, user: UserId) {
        let Some(person) = self.people.get(&user).filter(|person| !person.subscribers.is_empty()) else { return };
        let sessions: HashSet<SessionId> =
            person.subscribers.iter().filter_map(|subscriber| subscriber.session).collect();
        let sessions: Vec<SessionId> = sessions.into_iter().collect();
        let reading = self.lookups.standing(user, sessions.clone());
        self.later(async move { Control::Nodes(Read::Standing(user, sessions, reading.await)) });
    }

    pub(super) fn nodes_read(&mut self, read: Read) {
        match read {
            Read::Standing(user, asked, standing) => self.judge(user, &asked, standing),
            Read::Gone(rows) => self.tell_gone(rows.unwrap_or_default()),
        }
    }

    fn judge(&mut self, user: UserId, asked: &[SessionId], standing: Result<Standing>) {
        let standing = match standing {
            Ok(standing) => standing,
            Err(error) => {
                // A deleted account needs no recheck.
                if error.code != ErrorCode::NotFound {
                    tracing::debug!(%user, %error, "what another node has changed cannot be read now");
                    self.nodes.again.insert(user);
                }
                return;
            }
        };
        let Some(person) = self.people.get(&user) else { return };
        // A connection that has come since with another session was not asked about.
        let concerned = |subscriber: &&Arc<Subscriber>| {
            !standing.active || subscriber.session.is_none_or(|session| asked.contains(&session))
        };
        for subscriber in person.subscribers.iter().filter(concerned) {
            if let Some(close_reason) = verdict(&standing, subscriber) {
                subscriber.outbox.end(close_reason);
            }
        }
        let subscribers = person.subscribers.clone();
        self.watch_live_sessions(&subscribers, &standing, Instant::now());
    }

    // ---- typing and presence ------------------------------------------------------------------

    /// Takes another node's words that have no number; returns those that are to be delivered unchanged.
    pub(super) fn foreign(&mut self, told: Outgoing) -> Option<Outgoing> {
        if let Outgoing::Notice(Notice {
            signal: Signal::Typing { conversation, thread, user, username, shown_name, typing },
            ..
        }) = told
        {
            // Typing is also recorded here, so that it ends by itself if that node dies.
            self.note_typing(TypingPlace { conversation, thread }, Typist { user, username, shown_name }, typing);
            return None;
        }
        Some(told)
    }

    pub(super) fn say_typing(&self, place: TypingPlace, typist: &Typist, typing: bool) {
        if !self.handle.is_heard() {
            return;
        }
        let (TypingPlace { conversation, thread }, Typist { user, username, shown_name }) = (place, typist.clone());
        let signal = Signal::Typing { conversation, thread, user, username, shown_name, typing };
        self.handle.say(Notice { to: Audience::OtherMembers(conversation, user), signal });
    }

    pub(super) fn hear_people(&mut self, node: i64, word: People) {
        let now = Instant::now();
        if word.ask == Some(self.handle.node()) {
            let (version, people, chosen) = (self.nodes.version, self.book.here(), self.choices());
            self.handle.say_people(People { version, all: true, people, chosen, ..People::default() });
        }
        if !word.spent.is_empty() {
            self.lookups.note_spent(word.spent.clone());
        }
        for (user, presence, at) in &word.chosen {
            self.adopt_choice(*user, *presence, *at);
        }
        if self.book.hear(node, word, now) {
            self.nodes.asked.remove(&node);
        } else if self.nodes.asked.get(&node).is_none_or(|at| now - *at >= BEAT) {
            self.nodes.asked.insert(node, now);
            let version = self.nodes.version;
            self.handle.say_people(People { version, ask: Some(node), ..People::default() });
        }
    }

    pub(super) fn on_tick_of_nodes(&mut self, now: Instant) {
        self.poll_heads(now);
        for user in std::mem::take(&mut self.nodes.again) {
            self.obey_invalidation(Invalidation::Standing(user));
        }
        if !self.handle.is_heard() {
            self.nodes.changed.clear();
            self.nodes.chosen.clear();
            return;
        }
        self.say_people(now);
        let gone = self.book.expire(now);
        if !gone.is_empty() {
            let reading = self.lookups.among(gone, self.channels.keys().copied().collect());
            self.later(async move { Control::Nodes(Read::Gone(reading.await)) });
        }
        self.share_rates();
    }

    fn share_rates(&mut self) {
        let others = self.book.nodes();
        metrics::gauge!("palabre_nodes_heard").set(others as f64);
        // Nodes that are not heard may be running all the same: as many as before are assumed.
        let heard = self.handle.hearing() == Hearing::Good;
        if heard {
            self.nodes.others = others;
        }
        self.lookups.share_rates(if heard { 1 } else { self.nodes.others + 1 });
    }

    /// Publishes the presence that has changed, or once a second that this node is alive.
    fn say_people(&mut self, now: Instant) {
        let people: Vec<(UserId, Presence)> = self.nodes.changed.drain().collect();
        let chosen = self.nodes.chosen.drain().map(|(user, (presence, at))| (user, presence, at)).collect();
        let spent = self.lookups.spent();
        let beat = self.nodes.beat_at.is_none_or(|at| now - at >= BEAT);
        if people.is_empty() && spent.is_empty() && !beat {
            return;
        }
        self.nodes.beat_at = Some(now);
        self.nodes.version += u64::from(!people.is_empty());
        self.handle.say_people(People { version: self.nodes.version, people, chosen, spent, ..People::default() });
    }

    /// Publishes that people have gone with their node, which cannot publish it itself.
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
