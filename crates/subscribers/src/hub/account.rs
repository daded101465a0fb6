//! Delivers the events of a person's account to their connections: each number once, in order, and not before the
//! conversation that the event names has reached the right number.
//!
//! Events of this node come with their batch. For events of other nodes the hub only learns how far the account has
//! come, and reads what has changed, like any gap. So memberships have one source on every node: the numbers of the
//! accounts.

use std::{collections::VecDeque, sync::atomic::Ordering};

use chat::{
    AccountEvent, AccountFact, ConversationId, Number, Result, Scope, UserId, conversations::Place, event::ListChange,
    reply::AccountChanges,
};
use dialects::Dialect;
use stream::{Gaps, gaps::Turn};
use tokio::time::Instant;

use super::{
    CloseReason, Control, Numbers, State, frame,
    gaps::{Asked, Read},
    newcomers::{Entered, Meanwhile},
};

/// The account of a person who is connected here, from a number on.
pub(super) struct Account {
    /// The numbers that have come.
    gaps: Gaps<AccountEvent>,
    /// The last number that was delivered to the person's connections.
    told: Number,
    /// Events whose number is next, but which wait for the conversation that the first of them names.
    waiting: VecDeque<AccountEvent>,
    /// Whether the conversation that the first of them names is being read again.
    reading: bool,
    /// The changes of that conversation before the person's old clients can hear it.
    meanwhile: Option<Meanwhile>,
}

impl Account {
    /// An account of which everything up to a number is known.
    pub(super) fn new(at: Number) -> Self {
        Self { gaps: Gaps::new(at), told: at, waiting: VecDeque::new(), reading: false, meanwhile: None }
    }

    /// The number after which a new connection's live events follow.
    pub(super) fn told(&self) -> Number {
        self.told
    }
}

/// Whether an event can be delivered now.
enum Moment {
    Now,
    /// The conversation has not reached the number yet: its earlier events come first.
    Later(ConversationId, Number),
    /// The conversation has moved on: what the event says of it is out of date.
    Over(ConversationId),
}

impl State {
    fn account(&mut self, user: UserId) -> Option<&mut Account> {
        self.people.get_mut(&user)?.account.as_mut()
    }

    /// Takes an event of an account that was committed on this node; `is_fresh` if it was committed just now.
    pub(super) fn take_account_event(&mut self, event: &AccountEvent, is_fresh: bool) {
        let (user, number) = (event.account, event.number);
        let Some(account) = self.account(user) else { return };
        let is_fresh = is_fresh && account.waiting.is_empty();
        match account.gaps.offer(number, event.clone(), Instant::now()) {
            Turn::Now(event) => {
                account.waiting.push_back(event);
                account.waiting.extend(std::iter::from_fn(|| account.gaps.pop()));
                self.tell_account(user, is_fresh);
            }
            Turn::Later => self.watch_gap(Scope::Account(user)),
        }
    }

    /// Notes that an account has reached this number, as another node reports.
    pub(super) fn note_account(&mut self, user: UserId, number: Number) {
        let Some(person) = self.people.get_mut(&user) else { return };
        if let Some(loading) = &mut person.loading {
            loading.account = loading.account.max(number);
        }
        if let Some(account) = &mut person.account {
            // The event itself is not on its way, so there is no use in waiting for it.
            account.gaps.heard_of(number, Instant::now());
            account.gaps.hurry(Instant::now());
            self.watch_gap(Scope::Account(user));
        }
    }

    pub(super) fn account_gaps(&mut self, user: UserId) -> Option<&mut Gaps<AccountEvent>> {
        self.account(user).map(|account| &mut account.gaps)
    }

    /// Reads the changes of an account after a number.
    pub(super) fn read_account(&self, user: UserId, since: Number) {
        let asked = Asked { generation: self.generation, last: since };
        let reading = self.lookups.account_changes(user, since);
        self.later(async move { Control::Gaps(Read::Account(user, asked, Box::new(reading.await))) });
    }

    /// Applies the missing changes of an account that were read.
    pub(super) fn fill_account(&mut self, user: UserId, changes: Result<AccountChanges>) {
        let now = Instant::now();
        let Some(account) = self.account(user) else { return };
        let changes = match changes {
            Ok(changes) => changes,
            Err(error) => {
                tracing::debug!(%user, %error, "what has changed of an account cannot be read now");
                return account.gaps.failed(now);
            }
        };
        if changes.reset {
            return self.send_back(user);
        }
        let last = account.gaps.last();
        if account.gaps.filled(changes.to, now) {
            account.waiting.extend(changes.events.into_iter().filter(|event| event.number > last));
        }
        account.waiting.extend(std::iter::from_fn(|| account.gaps.pop()));
        self.tell_account(user, false);
    }

    /// Closes the person's connections, because too much has changed to deliver it one by one: they reconnect and read
    /// it.
    fn send_back(&mut self, user: UserId) {
        let Some(person) = self.people.get_mut(&user) else { return };
        person.account = None;
        person.subscribers.iter().for_each(|subscriber| subscriber.outbox.end(CloseReason::Restart(0)));
    }

    /// Delivers the waiting events whose moment has come. `is_fresh` means that they come straight from their commit:
    /// then nothing can have happened since in a conversation that had no subscriber here.
    pub(super) fn tell_account(&mut self, user: UserId, mut is_fresh: bool) {
        while let Some(event) = self.account(user).and_then(|account| account.waiting.front()).cloned() {
            match self.moment_of(&event, is_fresh) {
                Moment::Now => {}
                Moment::Later(conversation, number) => return self.wait_for(user, conversation, number),
                Moment::Over(conversation) => return self.read_again(user, conversation, event.number),
            }
            if let Some(account) = self.account(user) {
                account.waiting.pop_front();
            }
            self.tell_account_event(event, is_fresh);
            is_fresh = false;
        }
    }

    fn moment_of(&self, event: &AccountEvent, is_fresh: bool) -> Moment {
        let (conversation, at) = match event.fact.list_change() {
            Some(ListChange::Added(listed)) if !is_fresh && self.lacks_meanwhile(event) => {
                return Moment::Over(listed.conversation.id);
            }
            Some(ListChange::Added(listed)) => (listed.conversation.id, listed.conversation.head),
            // Whatever the person had seen when they hid the conversation must come first, because a later event brings
            // the conversation back. And what comes afterwards has brought it back.
            Some(ListChange::Hidden { conversation, at }) => (conversation, at),
            Some(ListChange::Removed(_)) | None => return Moment::Now,
        };
        match self.channels.get(&conversation).map(|channel| channel.gaps.last()) {
            Some(last) if last < at => Moment::Later(conversation, at),
            Some(last) if last > at => Moment::Over(conversation),
            _ => Moment::Now,
        }
    }

    /// Whether the person has old clients, and what happened before these hear the conversation was not read yet.
    fn lacks_meanwhile(&self, event: &AccountEvent) -> bool {
        let account = self.people.get(&event.account).and_then(|person| person.account.as_ref());
        let read = account.and_then(|account| account.meanwhile.as_ref()).map(|meanwhile| meanwhile.number);
        read != Some(event.number) && self.has_old_clients(event.account)
    }

    fn wait_for(&mut self, user: UserId, conversation: ConversationId, number: Number) {
        self.stalled.insert(user);
        if let Some(channel) = self.channels.get_mut(&conversation) {
            channel.lets_wait(user, number);
        }
        self.note_head(conversation, number);
    }

    /// Reads again the conversation that an event is about.
    fn read_again(&mut self, user: UserId, conversation: ConversationId, number: Number) {
        let Some(account) = self.account(user) else { return };
        let is_being_read = std::mem::replace(&mut account.reading, true);
        self.stalled.insert(user);
        if !is_being_read {
            self.read_entered(user, conversation, number);
        }
    }

    /// Takes the conversation that was read again for the first waiting event.
    pub(super) fn entered_read(&mut self, user: UserId, number: Number, entered: Result<Option<Entered>>) {
        let Some(account) = self.account(user) else { return };
        account.reading = false;
        if account.waiting.front().is_none_or(|event| event.number != number) {
            return;
        }
        match entered {
            Ok(Some(Entered { listed, since })) => {
                account.meanwhile = since.map(|since| Meanwhile::of(number, &since, &listed));
                if let Some(event) = account.waiting.front_mut() {
                    event.fact = AccountFact::ConversationAdded(Box::new(listed));
                }
            }
            // The person has left since, and a later event says so.
            Ok(None) => drop(account.waiting.pop_front()),
            // It is retried with the next tick.
            Err(error) => return tracing::debug!(%user, %error, "a conversation cannot be read now"),
        }
        self.tell_account(user, false);
        self.hand_out(Vec::new());
    }

    /// Retries the accounts that wait: a conversation could not be read, or has lost its last subscriber meanwhile.
    pub(super) fn tell_stalled_accounts(&mut self) {
        for user in std::mem::take(&mut self.stalled) {
            self.tell_account(user, false);
        }
    }

    fn tell_account_event(&mut self, mut event: AccountEvent, is_fresh: bool) {
        let user = event.account;
        self.obey_account_fact(user, &event.fact, is_fresh);
        let conversation = event.fact.conversation();
        let place = conversation.and_then(|id| self.channels.get(&id)).map(|channel| &channel.place);
        let Some(person) = self.people.get_mut(&user) else { return };
        let Some(account) = &mut person.account else { return };
        event.after = std::mem::replace(&mut account.told, event.number);
        let mut encoded: [Option<bytes::Bytes>; Dialect::COUNT] = Default::default();
        for subscriber in &person.subscribers {
            let dialect = subscriber.dialect;
            let bytes = encoded[dialect.place()].get_or_insert_with(|| frames(&self.numbers, dialect, place, &event));
            if !bytes.is_empty() {
                subscriber.outbox.push(bytes.clone());
                subscriber.outbox.wake();
            }
        }
    }

    /// Applies a change of membership. It falls between two events of a conversation: earlier ones are handed out
    /// first, to those who were members then.
    fn obey_account_fact(&mut self, user: UserId, fact: &AccountFact, is_fresh: bool) {
        match fact.list_change() {
            Some(ListChange::Added(listed)) => {
                let conversation = listed.conversation.id;
                let is_new = !self.channels.contains_key(&conversation);
                self.begin_listening(user, listed);
                if is_new && !is_fresh {
                    self.ask_heads(&[conversation]);
                }
                if let Some(meanwhile) = self.account(user).and_then(|account| account.meanwhile.take()) {
                    self.tell_meanwhile(user, conversation, meanwhile);
                }
            }
            Some(ListChange::Removed(conversation)) => self.end_listening(user, conversation),
            Some(ListChange::Hidden { conversation, .. }) => {
                if let Some(channel) = self.channels.get_mut(&conversation) {
                    self.deliveries.fetch_add(channel.flush(), Ordering::Relaxed);
                }
            }
            None => {}
        }
    }
}

fn frames(numbers: &Numbers, dialect: Dialect, place: Option<&Place>, event: &AccountEvent) -> bytes::Bytes {
    let mut frames = Vec::new();
    for text in numbers.account(dialect, place, event) {
        frame::write(&mut frames, frame::Opcode::Text, text.as_bytes());
    }
    frames.into()
}
