//! Clients' changes of their own accounts, and how they apply the accounts' events.

use std::rc::Rc;

use chat::{
    AccountEvent, AccountFact, Command, ConversationId, Number,
    accounts::ProfileChange,
    drafts::DraftKey,
    event::ListChange,
    notifications::{NotificationChange, NotificationLevel},
};
use promises::{AccountChange, Facts, KnownAccount, Place, Rule};

use crate::{agenda::Request, client::Heard, world::World};

impl World<'_> {
    /// A client changes something that only its own account's connections are sent.
    pub(crate) fn acts_on_account(&mut self, client: usize, own: Option<ConversationId>) {
        let text = format!("draft {} of client {client}", self.count());
        let Some(conversation) = own else {
            let profile = ProfileChange { city: Some(Some(text)), ..ProfileChange::default() };
            return self.does(client, Command::UpdateProfile(profile));
        };
        let key = self.draft_key(client, conversation);
        let command = match self.dice.below(10) {
            0..5 => Command::SaveDraft { key, text, parent: None, since: self.known_rev(client, key) },
            5..7 => Command::DiscardDraft(key),
            7 => Command::HideConversation(conversation),
            8 => self.sets_notifications(conversation),
            _ => Command::UpdateProfile(ProfileChange { city: Some(Some(text)), ..ProfileChange::default() }),
        };
        self.does(client, command);
    }

    /// Another setting of a conversation, or of all of them.
    fn sets_notifications(&mut self, conversation: ConversationId) -> Command {
        let level = self.dice.pick(&NotificationLevel::ALL).unwrap_or_default();
        if self.dice.chance(300) {
            return Command::SetNotifications(NotificationChange { rooms: Some(level), ..Default::default() });
        }
        Command::SetConversationNotifications { conversation, level: Some(Some(level)), muted_until: None }
    }

    /// The key of a draft: for a new message, or for an edit of one of the client's own messages.
    fn draft_key(&mut self, client: usize, conversation: ConversationId) -> DraftKey {
        let user = self.user_of(client);
        let messages = self.clients[client].known.get(&conversation).map(|followed| &followed.known.messages);
        let own = messages.into_iter().flat_map(|all| all.values()).filter(|message| message.author == user);
        let own: Vec<Number> = own.map(|message| message.seq).collect();
        let edit = if self.dice.chance(300) { self.dice.pick(&own) } else { None };
        DraftKey { conversation, edit, thread: None }
    }

    fn known_rev(&self, client: usize, key: DraftKey) -> Number {
        let known = self.clients[client].account.known.as_ref();
        known.and_then(|known| known.draft(key)).map_or(Number(0), |draft| draft.rev)
    }

    /// Begins to follow the account's live events, which have numbers above this one.
    pub(crate) fn follows_account(&mut self, client: usize, live_from: Number) {
        let own = &mut self.clients[client].account;
        own.heard = live_from;
        if own.known.is_none() {
            self.reads_account(client, live_from);
        }
    }

    /// Forgets the account and reads it again; events follow from this number on.
    pub(crate) fn reads_account(&mut self, client: usize, from: Number) {
        self.clients[client].account.waiting.clear();
        self.asks_for_account(client, from);
    }

    fn asks_for_account(&mut self, client: usize, from: Number) {
        let request = self.count();
        let own = &mut self.clients[client].account;
        (own.known, own.loading) = (None, Some((request, from)));
        self.say(client, Request::ReadAccount { request });
    }

    pub(crate) fn has_read_account(
        &mut self,
        client: usize,
        request: u64,
        read: chat::Result<Rc<KnownAccount<Facts>>>,
    ) {
        let own = &mut self.clients[client].account;
        let Some((_, from)) = own.loading.filter(|(asked, _)| *asked == request) else { return };
        let Ok(read) = read else { return self.asks_for_account(client, from) };
        let mut known = (*read).clone();
        // The state may be newer than `from`; the events that follow repeat the difference.
        known.cursor = from;
        (own.known, own.loading) = (Some(known), None);
        let waiting = std::mem::take(&mut own.waiting);
        waiting.into_iter().for_each(|event| self.applies_account_event(client, event));
    }

    /// Checks that each number comes once and in order on a connection, and that all of it was committed; then applies
    /// it.
    pub(crate) fn hears_account_event(&mut self, client: usize, event: Rc<AccountEvent>, live: bool) {
        self.figures.account_events += 1;
        let user = self.user_of(client);
        self.judge.hears_account_event(client, user, &event, live);
        let own = &mut self.clients[client].account;
        let last = if live { &mut own.heard } else { &mut own.caught_up };
        let before = std::mem::replace(last, event.number);
        if event.after != before || event.number <= before {
            let (after, number) = (event.after, event.number);
            let what =
                format!("client {client} heard {number} of its account after {after}, though it was at {before}");
            self.judge.accuse(Rule::A1, what);
        }
        if live && let AccountFact::ConversationAdded(listed) = &event.fact {
            let (id, head) = (listed.conversation.id, listed.conversation.head);
            self.clients[client].heard.insert(id, Heard::Nothing(head));
        }
        let event = if live { self.as_it_is_told(client, event) } else { event };
        if self.clients[client].account.loading.is_some() {
            self.clients[client].account.waiting.push(event.clone());
            // The conversations are followed in the meantime.
            return self.follows_fact(client, &event.fact);
        }
        self.applies_account_event(client, event);
    }

    /// Completes a live event that hides a conversation, which does not say up to which number: that is the number that
    /// the client has come to.
    fn as_it_is_told(&self, client: usize, event: Rc<AccountEvent>) -> Rc<AccountEvent> {
        let AccountFact::ConversationHidden { conversation, at } = event.fact else { return event };
        let heard = self.clients[client].heard.get(&conversation);
        let at = heard.map_or(at, |(Heard::Nothing(number) | Heard::Last(number))| *number);
        Rc::new(AccountEvent { fact: AccountFact::ConversationHidden { conversation, at }, ..(*event).clone() })
    }

    fn applies_account_event(&mut self, client: usize, event: Rc<AccountEvent>) {
        let Some(known) = &mut self.clients[client].account.known else { return };
        match known.place(event.after, event.number) {
            Place::Known => return,
            Place::Next => known.apply(event.number, AccountChange::from(&event.fact)),
            Place::Beyond => {
                let (cursor, number) = (known.cursor, event.number);
                self.judge
                    .accuse(Rule::A1, format!("client {client} is at {cursor} of its account and hears {number}"));
                return self.reads_account(client, number);
            }
        }
        self.follows_fact(client, &event.fact);
    }

    /// Begins or stops following a conversation.
    fn follows_fact(&mut self, client: usize, fact: &AccountFact) {
        match fact.list_change() {
            Some(ListChange::Added(listed)) => {
                let known = self.clients[client].known.get(&listed.conversation.id);
                let cursor = known.filter(|followed| followed.loading.is_none()).map(|followed| followed.known.cursor);
                if cursor.is_none_or(|cursor| cursor < listed.conversation.head) {
                    self.reads_anew(client, listed.conversation.id);
                }
            }
            Some(ListChange::Removed(conversation)) => {
                self.clients[client].heard.remove(&conversation);
                self.clients[client].known.remove(&conversation);
            }
            Some(ListChange::Hidden { .. }) | None => {}
        }
    }
}
