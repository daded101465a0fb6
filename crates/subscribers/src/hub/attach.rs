//! Attaching and detaching connections.
//!
//! A connection is attached in three steps: its outbox begins to hold live frames back, the hub reads its person's
//! conversations, and it answers with the number after which each conversation's events follow. Changes that are
//! committed between the reading and the answer are not lost: while a reading is under way the hub keeps the batches,
//! and applies them to its result.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use chat::{ConnectionId, ConversationId, Error, Millis, Number, Outgoing, Result, UserId, presence::Presence};
use store::members::Belongings;
use tokio::{sync::oneshot, time::Instant};

use super::{Attached, Control, Person, State, account::Account};
use crate::{CloseReason, channel::Channel, queue::Subscriber};

/// The time within which all connections reconnect when the node starts over.
const OVER: Duration = Duration::from_secs(5);

pub(super) struct Loading {
    /// Conversations that the person has left meanwhile, with the number: the reading may be older than that.
    left: HashMap<ConversationId, Number>,
    /// The number that the account has reached meanwhile, as another node reports.
    pub(super) account: Number,
    /// Whether the hub has started over meanwhile: the reading may be older than that.
    is_stale: bool,
    waiting: Vec<(Arc<Subscriber>, oneshot::Sender<Result<Attached>>)>,
}

impl Loading {
    pub(super) fn has_left(&mut self, conversation: ConversationId, number: Number) {
        let left = self.left.entry(conversation).or_default();
        *left = number.max(*left);
    }

    fn of(subscriber: Arc<Subscriber>, answer: oneshot::Sender<Result<Attached>>) -> Self {
        Self { left: HashMap::new(), account: Number(0), is_stale: false, waiting: vec![(subscriber, answer)] }
    }
}

impl State {
    pub(super) fn attach(&mut self, subscriber: Arc<Subscriber>, answer: oneshot::Sender<Result<Attached>>) {
        let user = subscriber.user;
        let (chosen, chosen_at) = self.book.chosen_elsewhere(user).unwrap_or_default();
        let person = self.people.entry(user).or_insert_with(|| {
            Box::new(Person {
                username: subscriber.username.clone(),
                subscribers: Vec::new(),
                belongs: HashSet::new(),
                limited: HashMap::new(),
                account: None,
                // By default they are offline, which nobody can choose.
                chosen: if chosen == Presence::Offline { Presence::Online } else { chosen },
                chosen_at,
                said: Vec::new(),
                idle: Vec::new(),
                told: Presence::Offline,
                loading: None,
                alone_since: None,
                left_at: None,
            })
        });
        let waiting = person.loading.as_ref().map_or(0, |loading| loading.waiting.len());
        if person.subscribers.len() + waiting >= self.per_user {
            let _gone = answer
                .send(Err(Error::limit_reached(format!("One user may have at most {} connections.", self.per_user))));
            return;
        }
        match &mut person.loading {
            Some(loading) => loading.waiting.push((subscriber, answer)),
            None if person.account.is_none() || (person.subscribers.is_empty() && person.alone_since.is_none()) => {
                person.loading = Some(Loading::of(subscriber, answer));
                self.load(user);
            }
            // The conversations are known already, from another connection or from a moment ago.
            None => {
                let belongs: Vec<ConversationId> = person.belongs.iter().copied().collect();
                if belongs.iter().all(|id| self.channels.contains_key(id)) {
                    self.enter(subscriber, answer, &belongs);
                } else {
                    person.loading = Some(Loading::of(subscriber, answer));
                    self.load(user);
                }
            }
        }
    }

    fn load(&mut self, user: UserId) {
        let since = self.tick;
        *self.loading.entry(since).or_default() += 1;
        let reading = self.lookups.belongings(user);
        self.later(async move { Control::Loaded { user, since, result: reading.await } });
    }

    /// Ends a reading that began at this tick: batches from before the other readings are dropped.
    fn end_reading(&mut self, since: u64) {
        if let Some(count) = self.loading.get_mut(&since) {
            *count -= 1;
            if *count == 0 {
                self.loading.remove(&since);
            }
        }
        let oldest = self.loading.keys().next().copied().unwrap_or(u64::MAX);
        while self.batches.front().is_some_and(|(tick, _)| *tick <= oldest) {
            self.batches.pop_front();
        }
    }

    pub(super) fn loaded(&mut self, user: UserId, since: u64, result: Result<Belongings>) {
        let meanwhile: Vec<Arc<Vec<Outgoing>>> =
            self.batches.iter().filter(|(tick, _)| *tick > since).map(|(_, told)| told.clone()).collect();
        self.end_reading(since);
        let Some(person) = self.people.get_mut(&user) else { return };
        let Some(loading) = &mut person.loading else { return };
        if result.is_ok() && std::mem::take(&mut loading.is_stale) {
            return self.load(user);
        }
        let Some(loading) = person.loading.take() else { return };
        let belongings = match result {
            Ok(belongings) => belongings,
            Err(error) => {
                for (_, answer) in loading.waiting {
                    let _gone = answer.send(Err(error.clone()));
                }
                if person.subscribers.is_empty() {
                    person.alone_since.get_or_insert_with(Instant::now);
                    self.changed.insert(user);
                }
                return;
            }
        };
        let Belongings { account, mut memberships } = belongings;
        memberships.retain(|one| loading.left.get(&one.conversation).is_none_or(|left| *left <= one.head));
        person.account = Some(Account::new(account));
        let belongs: Vec<ConversationId> = memberships.iter().map(|one| one.conversation).collect();
        person.belongs = belongs.iter().copied().collect();
        let limited = memberships.iter().filter(|one| one.visible_from > Number(0));
        person.limited = limited.map(|one| (one.conversation, one.visible_from)).collect();
        // Those that are known here are as new as this reading, or newer.
        let unknown = memberships.into_iter().filter(|one| !self.channels.contains_key(&one.conversation));
        let mut places: HashMap<ConversationId, Box<Channel>> = unknown
            .map(|one| (one.conversation, Box::new(Channel::new(one.place, one.head, one.member_count))))
            .collect();
        meanwhile.iter().for_each(|told| bring_up_to(told, &mut places));
        for (id, channel) in places {
            self.channels.entry(id).or_insert_with(|| {
                self.handle.want(id, true);
                channel
            });
        }
        for (subscriber, answer) in loading.waiting {
            self.enter(subscriber, answer, &belongs);
        }
        self.forget_silent(&belongs);
        // Changes since the reading come as events; those that the memberships have already come a second time.
        for told in &meanwhile {
            self.take_account_events(user, told);
        }
        self.note_account(user, loading.account);
    }

    fn take_account_events(&mut self, user: UserId, told: &[Outgoing]) {
        for one in told {
            if let Outgoing::Account(event) = one
                && event.account == user
            {
                self.take_account_event(event, false);
            }
        }
    }

    /// Subscribes a connection to its person's conversations, and answers with the numbers after which events follow.
    fn enter(
        &mut self,
        subscriber: Arc<Subscriber>,
        answer: oneshot::Sender<Result<Attached>>,
        belongs: &[ConversationId],
    ) {
        let user = subscriber.user;
        let account = self.people.get(&user).and_then(|person| person.account.as_ref()).map(Account::told);
        let mut attached = Vec::with_capacity(belongs.len());
        let visible_from = self.people.get(&user).map(|person| person.limited.clone()).unwrap_or_default();
        for id in belongs {
            if let Some(channel) = self.channels.get_mut(id) {
                // A large channel may still have a chunk from before this number to hand out.
                self.deliveries.fetch_add(channel.flush(), Ordering::Relaxed);
                channel.add(subscriber.clone());
                channel.limit(user, visible_from.get(id).copied().unwrap_or_default());
                attached.push((*id, channel.gaps.last()));
            }
        }
        attached.sort_unstable();
        let id = subscriber.id;
        if let Some(close_reason) = self.revocations.missed(&subscriber) {
            subscriber.outbox.end(close_reason);
        }
        if self.draining {
            subscriber.outbox.end(CloseReason::Restart(0));
        }
        let doubtful = self.revocations.is_doubtful(&subscriber);
        let entered = subscriber.clone();
        if let Some(person) = self.people.get_mut(&user) {
            person.alone_since = None;
            if person.subscribers.is_empty() {
                self.people_here.fetch_add(1, Ordering::Relaxed);
            }
            person.subscribers.push(subscriber);
            self.connections.fetch_add(1, Ordering::Relaxed);
        }
        self.watch_expiry(&entered);
        self.note_presence(user);
        if doubtful {
            self.recheck_standing(user);
        }
        let account = account.unwrap_or_default();
        let attached = Attached { account, conversations: attached, visible_from };
        if answer.send(Ok(attached)).is_err() {
            // The connection has gone while it waited.
            self.detach(user, id);
        }
    }

    pub(super) fn detach(&mut self, user: UserId, id: ConnectionId) {
        let Some(person) = self.people.get_mut(&user) else { return };
        let Some(at) = person.subscribers.iter().position(|subscriber| subscriber.id == id) else { return };
        let gone = person.subscribers.remove(at);
        person.said.retain(|(connection, _)| *connection != id);
        person.idle.retain(|connection| *connection != id);
        self.activity.forget(id);
        person.left_at = Some(Instant::now());
        self.connections.fetch_sub(1, Ordering::Relaxed);
        if person.subscribers.is_empty() {
            self.people_here.fetch_sub(1, Ordering::Relaxed);
            person.alone_since = Some(Instant::now());
            (person.chosen, person.chosen_at) = (Presence::Online, Millis(0));
            self.changed.insert(user);
        }
        let belongs: Vec<ConversationId> = person.belongs.iter().copied().collect();
        if !person.subscribers.is_empty() {
            // Those that are left may be less present.
            self.note_presence(user);
        }
        self.forget_expiry(user, id);
        for conversation in &belongs {
            if let Some(channel) = self.channels.get_mut(conversation) {
                channel.remove(&gone);
            }
        }
        self.forget_silent(&belongs);
    }

    pub(super) fn forget_silent(&mut self, conversations: &[ConversationId]) {
        for id in conversations {
            if self.channels.get(id).is_none_or(|channel| !channel.subscribers.is_empty()) {
                continue;
            }
            self.handle.want(*id, false);
            // Their accounts waited for the channel; they are retried with the next tick.
            self.stalled.extend(self.channels.remove(id).into_iter().flat_map(|channel| channel.into_waiting()));
        }
    }

    pub(super) fn drain(&mut self, spread: Duration) {
        self.draining = true;
        self.send_away(spread, CloseReason::Restart);
    }

    /// Starts over, because the database has come back as another history.
    pub(super) fn follow_new_history(&mut self) {
        self.start_over(CloseReason::NewHistory);
        self.epoch = self.lookups.epoch();
        self.numbers.forget();
        // People who wait to be rechecked belong to the history before, and are read with everything else.
        self.nodes.forget();
    }

    /// Closes all connections and forgets everything, because changes may have been missed: all clients reconnect and
    /// read again.
    pub(super) fn start_over(&mut self, close_reason: impl Fn(u32) -> CloseReason) {
        tracing::warn!("changes may have been missed: all connections are told to come back");
        self.send_away(OVER, close_reason);
        self.generation += 1;
        self.lost = false;
        self.gaps.forget_damaged();
        for person in self.people.values_mut() {
            person.account = None;
            if let Some(loading) = &mut person.loading {
                loading.is_stale = true;
            }
        }
        for (conversation, _) in self.channels.drain() {
            self.handle.want(conversation, false);
        }
    }

    /// Closes all connections with a request to reconnect.
    fn send_away(&self, spread: Duration, close_reason: impl Fn(u32) -> CloseReason) {
        let all: Vec<&Arc<Subscriber>> = self.people.values().flat_map(|person| &person.subscribers).collect();
        let spread = u32::try_from(spread.as_millis()).unwrap_or(u32::MAX);
        let count = u32::try_from(all.len()).unwrap_or(u32::MAX).max(1);
        for (place, subscriber) in (0_u32..).zip(all) {
            // The times are evenly spread, so that clients do not all reconnect at once.
            let after = u64::from(spread) * u64::from(place) / u64::from(count);
            subscriber.outbox.end(close_reason(u32::try_from(after).unwrap_or(spread)));
        }
    }
}

/// Applies to what was read the batches that were published since.
fn bring_up_to(told: &[Outgoing], places: &mut HashMap<ConversationId, Box<Channel>>) {
    for one in told {
        if let Outgoing::Event(event) = one
            && let Some(channel) = places.get_mut(&event.conversation)
        {
            // Events with smaller numbers are in the database by now, where clients catch up from.
            channel.gaps.filled(channel.gaps.last().max(event.number), Instant::now());
        }
    }
}
