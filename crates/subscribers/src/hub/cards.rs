//! Changed profiles, delivered to those who share a conversation with the person.

use std::collections::HashSet;

use chat::{
    AccountEvent, AccountFact, ConnectionId, ConversationId, Notice, Result, Signal, accounts::Account, event::Audience,
};
use store::members::Belongings;

use super::{Control, State};

impl State {
    /// Takes a profile that was changed on this node.
    pub(super) fn take_card(&mut self, event: &AccountEvent) {
        let AccountFact::ProfileChanged(account) = &event.fact else { return };
        let known = self.people.get(&event.account).filter(|person| person.account.is_some());
        if let Some(person) = known {
            let conversations: Vec<ConversationId> = person.belongs.iter().copied().collect();
            return self.tell_card(account, &conversations);
        }
        // The person has no connection here: the change came over REST.
        let (account, reading) = (account.clone(), self.lookups.belongings(event.account));
        self.later(async move { Control::Card(account, reading.await) });
    }

    pub(super) fn belongings_of_card(&mut self, account: &Account, belongings: Result<Belongings>) {
        // If it fails, clients read the profile when they next connect.
        let memberships = belongings.map(|belongings| belongings.memberships).unwrap_or_default();
        let conversations: Vec<ConversationId> = memberships.iter().map(|one| one.conversation).collect();
        self.tell_card(account, &conversations);
    }

    /// Delivers a profile in conversations that are not too large, as presence.
    fn tell_card(&mut self, account: &Account, conversations: &[ConversationId]) {
        let mut woken = Vec::new();
        // A person who shares several conversations gets it once.
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
