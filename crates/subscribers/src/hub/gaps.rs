//! Missing numbers: read from the database, and delivered in place of the events.
//!
//! Nothing is delivered out of turn, and nobody waits longer than a reading takes. The reading gives the present state
//! of whatever has changed. If that is nothing but new messages, they are delivered as those events; otherwise clients
//! of the native protocol get the frame with which they catch up, and old ones the events that correspond to it.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use chat::{
    ConversationId, ErrorCode, Event, Fact, Number, Result, Scope, UserId,
    members::Departure,
    messages::Message,
    reply::{AccountChanges, CaughtUp},
    threads::Summary,
};
use dialects::{Dialect, Text};
use stream::{Hearing, wire};
use tokio::time::{Duration, Instant};

use super::{CloseReason, Control, State, frame};
use crate::{audience::Audience, queue::Subscriber};

/// Gaps that are read at the same time.
const READINGS: usize = 16;
/// How often heads are asked for while other nodes are received well. It catches gaps that neither a message between
/// nodes nor a sequence number reveals.
const CALM: Duration = Duration::from_secs(5);
/// How often while they are not.
const ALERT: Duration = Duration::from_secs(1);
/// Heads that one lookup asks for.
const HEADS: usize = 2_000;

/// The gaps that are due, and the lookups that are under way.
#[derive(Default)]
pub(super) struct GapReads {
    due: BTreeSet<(Instant, Scope)>,
    reading: usize,
    /// Lookups of heads that are under way.
    asking: usize,
    asked_at: Option<Instant>,
    /// Whether a lookup of heads has failed.
    pending: bool,
    /// Those whose heads are too low because they are damaged.
    damaged: HashSet<Scope>,
    /// Until this time some node cannot publish.
    muted_until: Option<Instant>,
}

/// The result of a lookup.
pub(super) enum Read {
    /// The changes of a conversation; and the subscribers who are still members, if the changes are too many to list
    /// them.
    Changes(ConversationId, Asked, Box<Result<CaughtUp>>, Option<Members>),
    /// The changes of an account.
    Account(UserId, Asked, Box<Result<AccountChanges>>),
    /// The heads, with the numbers that were known here when they were asked for.
    Heads(u64, Result<Vec<(ConversationId, Number)>>, HashMap<ConversationId, Number>),
    /// Whether what was reported as lost is lost.
    Lost(u64, Scope, Result<bool>),
}

/// The subscribers who were asked about (`asked`), and those of them who are still members (`inside`).
pub(super) struct Members {
    pub(super) asked: HashSet<UserId>,
    pub(super) inside: HashSet<UserId>,
}

impl Members {
    /// The subscribers who are no longer members. Those who came after the lookup began were not asked about: they must
    /// reconnect, which shows whether they are members.
    fn missing(&self, subscribers: &[Arc<Subscriber>]) -> HashSet<UserId> {
        let (asked, since): (Vec<_>, Vec<_>) = subscribers.iter().partition(|one| self.asked.contains(&one.user));
        since.into_iter().for_each(|subscriber| subscriber.outbox.end(CloseReason::Restart(0)));
        asked.into_iter().map(|subscriber| subscriber.user).filter(|user| !self.inside.contains(user)).collect()
    }
}

/// The state in which a lookup began.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    /// How often the hub had started over.
    pub(super) generation: u64,
    /// The last number that was published here.
    pub(super) last: Number,
}

impl GapReads {
    /// Another history begins.
    pub(super) fn forget_damaged(&mut self) {
        self.damaged.clear();
    }

    /// When the next gap must be read.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due.first().filter(|_| self.reading < READINGS).map(|(due, _)| *due)
    }
}

impl State {
    /// Takes another node's words for the subscribers of a conversation.
    pub(super) fn take_words(&mut self, conversation: ConversationId, words: Vec<wire::Heard>) {
        let mut told = Vec::with_capacity(words.len());
        for word in words {
            match word {
                wire::Heard::Outgoing(one) => told.extend(self.foreign(one)),
                wire::Heard::Number(number) => self.note_head(conversation, number),
            }
        }
        self.tell(&told.into(), Vec::new());
    }

    /// Plans to read a scope whose next number is missing.
    pub(super) fn watch_gap(&mut self, scope: impl Into<Scope>) {
        let scope = scope.into();
        let due = match scope {
            Scope::Conversation(conversation) => {
                self.channels.get(&conversation).and_then(|channel| channel.gaps.due())
            }
            Scope::Account(user) => self.account_gaps(user).and_then(|gaps| gaps.due()),
        };
        if let Some(due) = due {
            self.gaps.due.insert((due, scope));
        }
    }

    /// Notes the database's head: numbers up to it that do not come by themselves are read.
    pub(super) fn note_head(&mut self, conversation: ConversationId, head: Number) {
        if let Some(channel) = self.channels.get_mut(&conversation) {
            channel.gaps.heard_of(head, Instant::now());
            self.watch_gap(conversation);
        }
    }

    /// Reads the gaps that are due, as many as may be read at once.
    pub(super) fn read_gaps(&mut self) {
        let now = Instant::now();
        while self.gaps.due().is_some_and(|due| due <= now) {
            let Some((_, scope)) = self.gaps.due.pop_first() else { return };
            let since = match scope {
                Scope::Conversation(conversation) => {
                    self.channels.get_mut(&conversation).and_then(|channel| channel.gaps.read_after(now))
                }
                Scope::Account(user) => self.account_gaps(user).and_then(|gaps| gaps.read_after(now)),
            };
            let Some(since) = since else {
                // The gap was filled, or is due later.
                self.watch_gap(scope);
                continue;
            };
            metrics::counter!("palabre_holes_read_total").increment(1);
            self.gaps.reading += 1;
            match scope {
                Scope::Conversation(conversation) => self.read_changes(conversation, since),
                Scope::Account(user) => self.read_account(user, since),
            }
        }
    }

    /// Reads the changes of a conversation after a number.
    fn read_changes(&self, conversation: ConversationId, since: Number) {
        let Some(channel) = self.channels.get(&conversation) else { return };
        let listening: Vec<UserId> = channel.subscribers.iter().map(|subscriber| subscriber.user).collect();
        let asked = Asked { generation: self.generation, last: since };
        let (lookups, reading) = (self.lookups.clone(), self.lookups.changes(conversation, since));
        self.later(async move {
            let changes = reading.await;
            let mut members = None;
            if changes.as_ref().is_ok_and(|changes| changes.reset) {
                let those = listening.iter().copied().collect();
                match lookups.among(listening, vec![conversation]).await {
                    Ok(rows) => {
                        let inside = rows.into_iter().map(|(_, user, _)| user).collect();
                        members = Some(Members { asked: those, inside });
                    }
                    Err(error) => {
                        return Control::Gaps(Read::Changes(conversation, asked, Box::new(Err(error)), None));
                    }
                }
            }
            Control::Gaps(Read::Changes(conversation, asked, Box::new(changes), members))
        });
    }

    pub(super) fn gaps_read(&mut self, read: Read) {
        match read {
            Read::Changes(conversation, asked, changes, members) => {
                self.gaps.reading = self.gaps.reading.saturating_sub(1);
                if asked.generation != self.generation {
                    return;
                }
                if let Ok(changes) = &*changes {
                    self.compare(conversation.into(), changes.to, asked.last);
                }
                self.fill(conversation, *changes, members.as_ref());
                self.watch_gap(conversation);
                self.hand_out(Vec::new());
            }
            Read::Account(user, asked, changes) => {
                self.gaps.reading = self.gaps.reading.saturating_sub(1);
                if asked.generation != self.generation {
                    return;
                }
                if let Ok(changes) = &*changes {
                    self.compare(user.into(), changes.to, asked.last);
                }
                self.fill_account(user, *changes);
                self.watch_gap(user);
                self.hand_out(Vec::new());
            }
            Read::Heads(generation, heads, known) => {
                self.gaps.asking = self.gaps.asking.saturating_sub(1);
                self.gaps.pending |= heads.is_err();
                for (conversation, head) in heads.unwrap_or_default() {
                    if generation == self.generation {
                        self.compare(conversation.into(), head, known.get(&conversation).copied().unwrap_or(Number(0)));
                        self.note_head(conversation, head);
                    }
                }
            }
            Read::Lost(generation, scope, is_lost) => {
                // If it is lost, this history ends, and with it this generation.
                if generation == self.generation && is_lost != Ok(true) {
                    self.lost = false;
                    self.gaps.damaged.extend(is_lost.is_ok().then_some(scope));
                }
            }
        }
    }

    /// Compares a head with the last number that was published when it was asked for. Only committed numbers are
    /// published; so a smaller head belongs to another history. A damaged head looks the same from here: whoever is told
    /// of it looks at the rows.
    fn compare(&mut self, scope: Scope, head: Number, told: Number) {
        if head >= told {
            self.gaps.damaged.remove(&scope);
        } else if !self.gaps.damaged.contains(&scope) && !std::mem::replace(&mut self.lost, true) {
            let what = match scope {
                Scope::Conversation(conversation) => format!("conversation {conversation}"),
                Scope::Account(user) => format!("account {user}"),
            };
            let what = format!("{what} had come to {told}, and is at {head}");
            let (generation, judging) = (self.generation, self.lookups.lost(&self.epoch, scope, what));
            self.later(async move { Control::Gaps(Read::Lost(generation, scope, judging.await)) });
        }
    }

    fn fill(&mut self, conversation: ConversationId, changes: Result<CaughtUp>, members: Option<&Members>) {
        let now = Instant::now();
        let Some(channel) = self.channels.get_mut(&conversation) else { return };
        let changes = match changes {
            Ok(changes) => changes,
            Err(error) => {
                if error.code != ErrorCode::NotFound {
                    tracing::debug!(%conversation, %error, "what was missed cannot be read now");
                }
                return channel.gaps.failed(now);
            }
        };
        let last = channel.gaps.last();
        // A removed member must get nothing of what followed, even if it is delivered in the same frame.
        let left = changes.members.iter().filter(|m| m.role.is_none() && m.rev > last).map(|m| (m.user, m.rev));
        let missing = members.map(|members| members.missing(&channel.subscribers)).unwrap_or_default();
        let gone: HashMap<UserId, Number> = missing.into_iter().map(|user| (user, changes.to)).chain(left).collect();
        for (user, number) in gone {
            self.put_out(user, conversation, number);
        }
        let Some(channel) = self.channels.get_mut(&conversation) else { return };
        self.deliveries.fetch_add(channel.flush(), super::Ordering::Relaxed);
        channel.place.name = changes.conversation.name.clone();
        channel.member_count = changes.conversation.member_count;
        if !channel.gaps.filled(changes.to, now) {
            return;
        }
        self.tell_changes(conversation, last, &changes);
        self.continue_waiting_accounts(conversation);
        self.publish_waiting(conversation);
    }

    /// Delivers the changes after `last`.
    fn tell_changes(&mut self, conversation: ConversationId, last: Number, changes: &CaughtUp) {
        let Some(channel) = self.channels.get_mut(&conversation) else { return };
        self.touched.add(conversation);
        channel.end_run(conversation, Instant::now());
        if let Some(messages) = new_messages(changes, last) {
            for message in messages {
                let event = Event { thread: thread_of(changes, message), ..created(message) };
                let listening = channel.listening;
                channel.add_event(&self.numbers, &event, &listening);
            }
            return;
        }
        let texts: Vec<Option<Text>> =
            Dialect::all().map(|dialect| self.numbers.caught_up(dialect, conversation, changes)).collect();
        let text_of = |dialect: Dialect| texts.get(dialect.place()).and_then(Option::as_deref);
        let mut old = channel.listening;
        for (audience, _) in Audience::all().filter(|(_, dialect)| text_of(*dialect).is_some()) {
            old[audience.place()] = 0;
        }
        if changes.reset {
            // An old client has no frame for a reset: it reconnects and reads what it shows.
            for subscriber in channel.subscribers.iter().filter(|subscriber| text_of(subscriber.dialect).is_none()) {
                subscriber.outbox.end(CloseReason::Restart(0));
            }
        } else if old.iter().any(|count| *count > 0) {
            for event in events(changes, last) {
                channel.add_event(&self.numbers, &event, &old);
            }
            self.deliveries.fetch_add(channel.flush(), super::Ordering::Relaxed);
        }
        for dialect in Dialect::all() {
            let Some(bytes) = text_of(dialect).map(frame::text) else { continue };
            for subscriber in channel.subscribers.iter().filter(|subscriber| subscriber.dialect == dialect) {
                let sees_from = channel.limited().sees_from(subscriber.user);
                let whole = sees_from == Number(0) || changes.reset;
                let seen = || self.numbers.caught_up(dialect, conversation, &changes.seen_from(sees_from));
                let bytes = if whole { Some(bytes.clone()) } else { seen().as_deref().map(frame::text) };
                bytes.into_iter().for_each(|bytes| subscriber.outbox.push(bytes));
            }
        }
        channel.unwoken += 1;
    }

    // ---- heads --------------------------------------------------------------------------------

    /// Asks for the heads of these conversations, because events of them may have been missed.
    pub(super) fn ask_heads(&mut self, conversations: &[ConversationId]) {
        for some in conversations.chunks(HEADS) {
            self.gaps.asking += 1;
            let generation = self.generation;
            let last = |id: &ConversationId| Some((*id, self.channels.get(id)?.gaps.last()));
            let known: HashMap<ConversationId, Number> = some.iter().filter_map(last).collect();
            let asking = self.lookups.heads(some.to_vec());
            self.later(async move { Control::Gaps(Read::Heads(generation, asking.await, known)) });
        }
    }

    /// Asks for all heads now.
    pub(super) fn ask_all_heads(&mut self) {
        self.gaps.asked_at = Some(Instant::now());
        self.gaps.pending = false;
        let all: Vec<ConversationId> = self.channels.keys().copied().collect();
        self.ask_heads(&all);
    }

    /// Polls heads faster for a while, because some node cannot publish.
    pub(super) fn poll_faster(&mut self) {
        let now = Instant::now();
        let news = self.gaps.muted_until.is_none_or(|until| until < now);
        self.gaps.muted_until = Some(now + 3 * ALERT);
        if news {
            self.ask_all_heads();
        }
    }

    /// Asks for heads as often as needed.
    pub(super) fn poll_heads(&mut self, now: Instant) {
        let muted = self.gaps.muted_until.is_some_and(|until| until > now);
        let every = match self.handle.hearing() {
            _ if self.gaps.pending || muted => ALERT,
            Hearing::Alone => return,
            Hearing::Good => CALM,
            Hearing::Poor => ALERT,
        };
        let due = self.gaps.asked_at.is_none_or(|at| now - at >= every);
        if due && self.gaps.asking == 0 {
            self.ask_all_heads();
        }
    }
}

/// The messages, if the changes after `last` are nothing but new messages, without a gap.
fn new_messages(changes: &CaughtUp, last: Number) -> Option<Vec<&Message>> {
    if changes.reset || changes.conversation.rev > last || changes.members.iter().any(|member| member.rev > last) {
        return None;
    }
    let fresh = |message: &&Message| message.rev > last;
    let mut messages: Vec<&Message> = changes.messages.iter().filter(fresh).collect();
    messages.sort_unstable_by_key(|message| message.seq);
    // A message above the answer's own number comes as an event.
    messages.retain(|message| message.seq <= changes.to);
    let whole = messages.iter().all(|message| message.seq == message.rev)
        && messages.iter().map(|message| message.seq.0).eq(last.0 + 1..=changes.to.0);
    whole.then_some(messages)
}

/// The events that an old client gets instead of the changes: one for each row.
pub(super) fn events(changes: &CaughtUp, last: Number) -> Vec<Event> {
    let mut events: Vec<(Number, Event)> = Vec::new();
    let conversation = changes.conversation.id;
    for member in changes.members.iter().filter(|member| member.rev > last && member.rev <= changes.to) {
        let (member, member_count) = (member.clone(), changes.conversation.member_count);
        let (actor, at, number) = (member.user, member.joined_at, member.rev);
        let fact = match member.role {
            Some(_) => Fact::MemberUpdated(member),
            None => Fact::MemberLeft { member, departure: Departure::Removed, member_count },
        };
        events.push((number, Event { conversation, number, actor, origin: None, at, fact, thread: None }));
    }
    let mut told = HashSet::new();
    for message in changes.messages.iter().filter(|message| message.rev > last && message.seq <= changes.to) {
        if !told.insert(message.seq) {
            continue;
        }
        let is_new = message.seq > last;
        let fact = match (is_new, message.deleted_at) {
            (true, None) => Fact::MessageCreated(message.clone()),
            (true, Some(_)) => continue,
            (false, None) => Fact::MessageEdited(message.clone()),
            (false, Some(_)) => Fact::MessageDeleted(message.clone()),
        };
        // A message that has changed since it was created is delivered as it is now, at the place where it was created.
        let place = if is_new { message.seq } else { message.rev };
        events.push((place, Event { fact, number: message.rev, ..created(message) }));
    }
    events.sort_by_key(|(place, _)| *place);
    events.into_iter().map(|(_, event)| event).collect()
}

fn created(message: &Message) -> Event {
    Event {
        conversation: message.conversation,
        number: message.seq,
        actor: message.author,
        origin: None,
        at: message.created_at,
        fact: Fact::MessageCreated(message.clone()),
        thread: None,
    }
}

/// The summary of the thread that a new message has changed last.
fn thread_of(changes: &CaughtUp, message: &Message) -> Option<Box<Summary>> {
    let is_its = |thread: &&Summary| message.thread == Some(thread.root) && thread.rev == message.seq;
    changes.threads.iter().find(is_its).cloned().map(Box::new)
}
