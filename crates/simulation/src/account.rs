//! How a node delivers events of accounts: each number once, in order, and not before the conversation that the event
//! names has reached the right number. Modelled on `subscribers/src/hub/account.rs`.

use std::{collections::VecDeque, rc::Rc, time::Duration};

use chat::{
    AccountEvent, AccountFact, ConversationId, Number, Scope, UserId, conversations::Listed, event::ListChange,
    reply::AccountChanges,
};

use crate::{
    agenda::{Frame, Happening, Question},
    fault::Fault,
    node::Meanwhile,
    sequence::Sequence,
    world::{World, note},
};

/// How often a node retries the delivery of waiting events.
const AGAIN: Duration = Duration::from_millis(250);

/// The account of a person who is connected here, from a number on.
#[derive(Debug)]
pub(crate) struct Account {
    pub sequence: Sequence<AccountEvent>,
    /// The last number that was delivered to the person's connections.
    pub told: Number,
    /// Events whose number is next, but which wait for the conversation that the first of them names.
    waiting: VecDeque<AccountEvent>,
    /// Whether that conversation is being read again.
    reading: bool,
    /// When the node next checks whether anything is due.
    pub wakes: Option<Duration>,
}

impl Account {
    pub(crate) fn new(at: Number, fault: Option<Fault>) -> Self {
        let sequence = Sequence::new(at, fault);
        Self { sequence, told: at, waiting: VecDeque::new(), reading: false, wakes: None }
    }
}

/// Whether an event can be delivered now.
enum Moment {
    Now,
    Later(ConversationId, Number),
    /// The conversation has moved on: what the event says of it is out of date.
    Over(ConversationId),
}

impl World<'_> {
    pub(crate) fn account(&mut self, node: usize, user: UserId) -> Option<&mut Account> {
        self.nodes[node].people.get_mut(&user).map(|person| &mut person.account)
    }

    /// Takes an event of an account that was committed on this node; `is_fresh` if it was committed just now.
    pub(crate) fn take_account_event(&mut self, node: usize, event: &AccountEvent, is_fresh: bool) {
        let (user, now) = (event.account, self.instant());
        let Some(account) = self.account(node, user) else { return };
        let is_fresh = is_fresh && account.waiting.is_empty();
        if let Some(event) = account.sequence.offer(event.clone(), now) {
            account.waiting.push_back(event);
            account.waiting.extend(std::iter::from_fn(|| account.sequence.pop()));
            self.tell_account(node, user, is_fresh);
        }
        self.look_for_due(node, user.into());
    }

    /// Notes that an account has reached this number, as another node reports.
    pub(crate) fn note_account(&mut self, node: usize, user: UserId, number: Number) {
        let now = self.instant();
        self.nodes[node].keep(Meanwhile::Account(user, number));
        let Some(account) = self.account(node, user) else { return };
        account.sequence.must_read_to(number, now);
        self.look_for_due(node, user.into());
    }

    /// Applies the missing changes of an account that were read from the database.
    pub(crate) fn fill_account(&mut self, node: usize, user: UserId, changes: chat::Result<Rc<AccountChanges>>) {
        let now = self.instant();
        let Some(account) = self.account(node, user) else { return };
        match changes {
            Err(_) => account.sequence.failed(now),
            Ok(changes) if changes.reset => return self.send_back(node, user),
            Ok(changes) => {
                let last = account.sequence.last();
                if account.sequence.filled(changes.to, now) {
                    account.waiting.extend(changes.events.iter().filter(|event| event.number > last).cloned());
                }
                account.waiting.extend(std::iter::from_fn(|| account.sequence.pop()));
                note!(self, "node {node} has read the account of {} up to {}", self.person(user), changes.to);
                self.tell_account(node, user, false);
            }
        }
        self.look_for_due(node, user.into());
    }

    /// Closes the person's connections, because too much has changed to deliver it one by one: they reconnect and read
    /// it.
    fn send_back(&mut self, node: usize, user: UserId) {
        let Some(person) = self.nodes[node].people.get(&user) else { return };
        for connection in person.subscribers.clone() {
            self.close(node, connection);
        }
    }

    /// Delivers the waiting events whose moment has come.
    pub(crate) fn tell_account(&mut self, node: usize, user: UserId, mut is_fresh: bool) {
        while let Some(event) = self.account(node, user).and_then(|account| account.waiting.front()).cloned() {
            match self.moment_of(node, &event.fact) {
                Moment::Now => {}
                Moment::Later(conversation, number) => return self.wait_for(node, user, conversation, number),
                Moment::Over(conversation) => return self.read_listed(node, user, conversation, event.number),
            }
            if let Some(account) = self.account(node, user) {
                account.waiting.pop_front();
            }
            self.tell_account_event(node, event, is_fresh);
            is_fresh = false;
        }
    }

    fn moment_of(&self, node: usize, fact: &AccountFact) -> Moment {
        let (conversation, at) = match fact.list_change() {
            Some(ListChange::Added(listed)) => (listed.conversation.id, listed.conversation.head),
            Some(ListChange::Hidden { conversation, at }) => (conversation, at),
            Some(ListChange::Removed(_)) | None => return Moment::Now,
        };
        let is_seen = self.fault != Some(Fault::AddsWithOldRows);
        match self.nodes[node].rooms.get(&conversation).map(|room| room.sequence.last()) {
            Some(last) if last < at => Moment::Later(conversation, at),
            Some(last) if last > at && is_seen => Moment::Over(conversation),
            _ => Moment::Now,
        }
    }

    fn wait_for(&mut self, node: usize, user: UserId, conversation: ConversationId, number: Number) {
        note!(self, "node {node} waits for {number} of {} for {}", self.room(conversation), self.person(user));
        self.waits_wrongly(node, user);
        self.stall(node, user);
        if let Some(room) = self.nodes[node].rooms.get_mut(&conversation) {
            room.later.retain(|(_, waiting)| *waiting != user);
            room.later.push((number, user));
        }
        self.heard_of(node, conversation, number);
    }

    /// Deliberate faults in the handling of an account whose first event must wait.
    fn waits_wrongly(&mut self, node: usize, user: UserId) {
        let fault = self.fault;
        let Some(account) = self.account(node, user) else { return };
        match fault {
            Some(Fault::ForgetsWaitingAccounts) => account.waiting.clear(),
            Some(Fault::TellsAccountsOutOfTurn) => {
                let behind: Vec<AccountEvent> = account.waiting.drain(1..).collect();
                behind.into_iter().for_each(|event| self.tell_account_event(node, event, false));
            }
            _ => {}
        }
    }

    pub(crate) fn stall(&mut self, node: usize, user: UserId) {
        let life = self.nodes[node].life;
        if self.nodes[node].stalled.is_empty() {
            self.agenda.plan(self.now + AGAIN, Happening::GoesOn { node, life });
        }
        self.nodes[node].stalled.insert(user);
    }

    /// Retries the accounts that wait: a conversation could not be read, or has lost its last subscriber meanwhile.
    pub(crate) fn goes_on(&mut self, node: usize) {
        for user in std::mem::take(&mut self.nodes[node].stalled) {
            self.tell_account(node, user, false);
        }
    }

    /// Continues the accounts that have waited for the number that was just delivered.
    pub(crate) fn continue_waiting_accounts(&mut self, node: usize, conversation: ConversationId) {
        let Some(room) = self.nodes[node].rooms.get_mut(&conversation) else { return };
        let last = room.sequence.last();
        let due: Vec<UserId> = room.later.extract_if(.., |(at, _)| *at <= last).map(|(_, user)| user).collect();
        due.into_iter().for_each(|user| self.tell_account(node, user, false));
    }

    /// Reads again the conversation that an event is about.
    fn read_listed(&mut self, node: usize, user: UserId, conversation: ConversationId, number: Number) {
        let Some(account) = self.account(node, user) else { return };
        let is_being_read = std::mem::replace(&mut account.reading, true);
        self.stall(node, user);
        if !is_being_read {
            self.ask(node, Question::Listed { user, conversation, number });
        }
    }

    /// Takes the conversation that was read again for the first waiting event.
    pub(crate) fn listed_read(
        &mut self,
        node: usize,
        user: UserId,
        number: Number,
        listed: chat::Result<Option<Listed>>,
    ) {
        let Some(account) = self.account(node, user) else { return };
        account.reading = false;
        if account.waiting.front().is_none_or(|event| event.number != number) {
            return;
        }
        match listed {
            Ok(Some(listed)) => {
                if let Some(event) = account.waiting.front_mut() {
                    event.fact = AccountFact::ConversationAdded(Box::new(listed));
                }
            }
            // The person has left since, and a later event says so.
            Ok(None) => drop(account.waiting.pop_front()),
            Err(_) => return,
        }
        self.tell_account(node, user, false);
    }

    fn tell_account_event(&mut self, node: usize, mut event: AccountEvent, is_fresh: bool) {
        let user = event.account;
        self.obey_account_fact(node, user, &event.fact, is_fresh);
        let Some(person) = self.nodes[node].people.get_mut(&user) else { return };
        event.after = std::mem::replace(&mut person.account.told, event.number);
        let event = Rc::new(event);
        for connection in person.subscribers.clone() {
            self.tell(node, connection, Frame::Account { event: event.clone(), live: true });
        }
    }

    fn obey_account_fact(&mut self, node: usize, user: UserId, fact: &AccountFact, is_fresh: bool) {
        match fact.list_change() {
            Some(ListChange::Added(listed)) => {
                let (id, head) = (listed.conversation.id, listed.conversation.head);
                let is_new = !self.nodes[node].rooms.contains_key(&id);
                self.begin_listening(node, user, id, head);
                if is_new && !is_fresh {
                    self.ask_heads_of(node, vec![id]);
                }
            }
            Some(ListChange::Removed(conversation)) => self.end_listening(node, user, conversation),
            Some(ListChange::Hidden { .. }) | None => {}
        }
    }

    /// When something of a scope has to be read.
    pub(crate) fn due_of(&mut self, node: usize, scope: Scope) -> Option<tokio::time::Instant> {
        match scope {
            Scope::Conversation(id) => self.nodes[node].rooms.get(&id)?.sequence.due(),
            Scope::Account(user) => self.account(node, user)?.sequence.due(),
        }
    }
}
