//! What a node tells its subscribers, and who they are: events in the order of their numbers, whatever way they came.

use std::{collections::BTreeSet, rc::Rc, time::Duration};

use chat::{ConversationId, Event, Fact, Number, Scope, UserId};
use store::Invalidation;

use crate::{
    agenda::{Channel, Frame, Happening, Question},
    fault::Fault,
    node::{Meanwhile, Room},
    sequence::Sequence,
    world::{World, note},
};

impl World<'_> {
    // ---- events -----------------------------------------------------------------------------------

    /// An event has come, of this node or of another one.
    pub(crate) fn offer(&mut self, node: usize, event: Event) {
        let (conversation, now) = (event.conversation, self.instant());
        let Some(room) = self.nodes[node].rooms.get_mut(&conversation) else { return };
        let (born, next) = (room.born, room.sequence.offer(event, now));
        if let Some(event) = next {
            self.pass(node, born, event);
            self.pass_waiting(node, conversation, born);
        }
        self.look_for_due(node, conversation.into());
    }

    /// It is the turn of what has waited. One after the other: who listens may change with each.
    pub(crate) fn pass_waiting(&mut self, node: usize, conversation: ConversationId, born: u64) {
        loop {
            let room = self.nodes[node].rooms.get_mut(&conversation).filter(|room| room.born == born);
            let Some(event) = room.and_then(|room| room.sequence.pop()) else { return };
            self.pass(node, born, event);
        }
    }

    /// It is the turn of this event.
    fn pass(&mut self, node: usize, born: u64, event: Event) {
        let (conversation, number) = (event.conversation, event.number);
        let Some(room) = self.nodes[node].rooms.get(&conversation).filter(|room| room.born == born) else { return };
        let subscribers: Vec<u64> = room.subscribers.iter().copied().collect();
        if self.fault == Some(Fault::ResumesFromMemory) {
            self.nodes[node].memory.entry(conversation).or_default().push(event.clone());
        }
        let event = Rc::new(event);
        for connection in subscribers {
            self.tell(node, connection, Frame::Event(event.clone()));
        }
        // At once, for what has waited for this number is next. Their account's event tells them so.
        if let Fact::MemberLeft { member, .. } = &event.fact {
            self.put_out(node, member.user, conversation, number);
        }
        self.tell_what_is_due(node, conversation);
    }

    /// There is a change of this number.
    pub(crate) fn heard_of(&mut self, node: usize, conversation: ConversationId, head: Number) {
        let now = self.instant();
        if let Some(room) = self.nodes[node].rooms.get_mut(&conversation) {
            room.sequence.heard_of(head, now);
            self.look_for_due(node, conversation.into());
        }
    }

    /// Plans to look again when something is due.
    pub(crate) fn look_for_due(&mut self, node: usize, scope: Scope) {
        let life = self.nodes[node].life;
        let Some(due) = self.due_of(node, scope) else { return };
        let at = self.moment(due).max(self.now);
        let Some(wakes) = self.wakes(node, scope) else { return };
        if wakes.is_none_or(|wakes| at < wakes) {
            *wakes = Some(at);
            self.agenda.plan(at, Happening::Due { node, life, scope });
        }
    }

    fn wakes(&mut self, node: usize, scope: Scope) -> Option<&mut Option<Duration>> {
        match scope {
            Scope::Conversation(id) => self.nodes[node].rooms.get_mut(&id).map(|room| &mut room.wakes),
            Scope::Account(user) => self.account(node, user).map(|account| &mut account.wakes),
        }
    }

    pub(crate) fn due(&mut self, node: usize, scope: Scope) {
        if let Some(wakes) = self.wakes(node, scope) {
            *wakes = None;
        }
        match scope {
            Scope::Conversation(conversation) => self.read_conversation(node, conversation),
            Scope::Account(user) => self.read_account(node, user),
        }
        self.look_for_due(node, scope);
    }

    fn read_conversation(&mut self, node: usize, conversation: ConversationId) {
        let now = self.instant();
        let people = self.nodes[node].people.keys().copied().collect();
        let Some(room) = self.nodes[node].rooms.get_mut(&conversation) else { return };
        let born = room.born;
        if let Some(after) = room.sequence.read_after(now) {
            note!(self, "node {node} reads {} after {after}", self.room(conversation));
            self.ask(node, Question::Gap { room: born, conversation, after, people });
        }
    }

    fn read_account(&mut self, node: usize, user: UserId) {
        let now = self.instant();
        if let Some(after) = self.account(node, user).and_then(|account| account.sequence.read_after(now)) {
            note!(self, "node {node} reads the account of {} after {after}", self.person(user));
            self.ask(node, Question::Account { user, after });
        }
    }

    // ---- who listens ------------------------------------------------------------------------------

    /// Another node says at what to look again.
    pub(crate) fn invalidated(&mut self, node: usize, invalidation: Invalidation) {
        match invalidation {
            _ if self.fault == Some(Fault::IgnoresInvalidations) => {}
            Invalidation::Account(user, number) => self.note_account(node, user, number),
            Invalidation::Mute => self.ask_heads(node),
            Invalidation::Standing(_) => {}
        }
    }

    /// The room of a conversation, after this number if it is not there yet.
    pub(crate) fn listen_to(&mut self, node: usize, conversation: ConversationId, head: Number) {
        if self.nodes[node].rooms.contains_key(&conversation) {
            return self.heard_of(node, conversation, head);
        }
        let (born, sequence) = (self.count(), Sequence::new(head, self.fault));
        let room = Room { sequence, subscribers: BTreeSet::new(), born, wakes: None, later: Vec::new() };
        self.nodes[node].rooms.insert(conversation, room);
        self.subscribe(node, conversation, true);
    }

    /// Somebody belongs to a conversation, whose events they are told from here on.
    pub(crate) fn begin_listening(&mut self, node: usize, user: UserId, conversation: ConversationId, head: Number) {
        let Some(person) = self.nodes[node].people.get_mut(&user) else { return };
        person.belongs.insert(conversation);
        let subscribers: Vec<u64> = person.subscribers.iter().copied().collect();
        if subscribers.is_empty() {
            return;
        }
        self.listen_to(node, conversation, head);
        if let Some(room) = self.nodes[node].rooms.get_mut(&conversation) {
            room.subscribers.extend(&subscribers);
        }
    }

    /// Somebody is a member no more, since this number.
    pub(crate) fn put_out(&mut self, node: usize, user: UserId, conversation: ConversationId, number: Number) {
        self.nodes[node].keep(Meanwhile::Left(user, conversation, number));
        self.end_listening(node, user, conversation);
    }

    pub(crate) fn end_listening(&mut self, node: usize, user: UserId, conversation: ConversationId) {
        if self.fault == Some(Fault::ForgetsRemovals) {
            return;
        }
        let Some(person) = self.nodes[node].people.get_mut(&user) else { return };
        if person.belongs.remove(&conversation) {
            let subscribers: Vec<u64> = person.subscribers.iter().copied().collect();
            self.leave_room(node, conversation, &subscribers);
        }
    }

    /// Takes connections out of a room; it goes with the last.
    pub(crate) fn leave_room(&mut self, node: usize, conversation: ConversationId, subscribers: &[u64]) {
        let Some(room) = self.nodes[node].rooms.get_mut(&conversation) else { return };
        room.subscribers.retain(|subscriber| !subscribers.contains(subscriber));
        if room.subscribers.is_empty() {
            let later = std::mem::take(&mut room.later);
            self.nodes[node].rooms.remove(&conversation);
            // They waited for it, and begin it anew.
            later.into_iter().for_each(|(_, user)| self.stall(node, user));
            self.subscribe(node, conversation, false);
        }
    }

    fn subscribe(&mut self, node: usize, conversation: ConversationId, wanted: bool) {
        let (wire, within) = (self.redis.wire(node), self.pace(node, self.weather.redis));
        let channel = Channel::Conversation(conversation);
        // One after the other, as they go over one line.
        let at = (self.now + Duration::from_micros(self.dice.between(1, within)))
            .max(self.nodes[node].subscribed_until + Duration::from_micros(1));
        self.nodes[node].subscribed_until = at;
        self.agenda.plan(at, Happening::Subscribes { node, wire, channel, wanted });
    }
}
