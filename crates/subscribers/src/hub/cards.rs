//! What people tell about themselves, told to those who share a conversation with them.

use std::collections::HashSet;

use chat::{
    AccountEvent, AccountFact, ConnectionId, ConversationId, Notice, Result, Signal, accounts::Account, event::Audience,
};
use store::members::Belongings;

use super::{Control, State};

impl State {
    /// Somebody has changed, here, what they tell about themselves.
    pub(super) fn take_card(&mut self, event: &AccountEvent) {
        let AccountFact::ProfileChanged(account) = &event.fact else { return };
        let known = self.people.get(&event.account).filter(|person| person.account.is_some());
        if let Some(person) = known {
            let conversations: Vec<ConversationId> = person.belongs.iter().copied().collect();
            return self.tell_card(account, &conversations);
        }
        // They are not here: it came over REST.
        let (account, reading) = (account.clone(), self.lookups.belongings(event.account));
        self.later(async move { Control::Card(account, reading.await) });
    }

    pub(super) fn belongings_of_card(&mut self, account: &Account, belongings: Result<Belongings>) {
        // Whoever is not told now asks for it when they come back.
        let memberships = belongings.map(|belongings| belongings.memberships).unwrap_or_default();
        let conversations: Vec<ConversationId> = memberships.iter().map(|one| one.conversation).collect();
        self.tell_card(account, &conversations);
    }

    /// In conversations that are not too large, as presence is told.
    fn tell_card(&mut self, account: &Account, conversations: &[ConversationId]) {
        let mut woken = Vec::new();
        // Those who share several conversations hear it once.
        let mut said: HashSet<ConnectionId> = HashSet::new();
        for conversation in conversations.iter().copied() {
            let small = match self.channels.get(&conversation) {
                Some(channel) => channel.member_count <= self.presence_members,
                None => self.handle.is_heard(),
            };
            if !small {
                continue;
            }
            let signal = Signal::CardChanged { conversation, account: Box::new(account.clone()) };
            self.handle.say(Notice { to: Audience::Members(conversation), signal: signal.clone() });
            self.tell_those(conversation, Some(account.id), &signal, &mut woken, |subscriber, _| {
                said.insert(subscriber.id)
            });
        }
        woken.iter().for_each(|subscriber| subscriber.outbox.wake());
    }
}
