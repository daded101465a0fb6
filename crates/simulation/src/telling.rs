//! What a node tells its listeners, and who they are: events in the order of their numbers, whatever way they came.

use std::rc::Rc;

use chat::{ConversationId, Event, Fact, Number, UserId};
use store::Nudge;

use crate::{
    agenda::{Channel, Frame, Happening, Question},
    fault::Fault,
    node::Room,
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
        self.look_for_due(node, conversation);
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
        let listeners: Vec<u64> = room.listeners.iter().copied().collect();
        if self.fault == Some(Fault::ResumesFromMemory) {
            self.nodes[node].memory.entry(conversation).or_default().push(event.clone());
        }
        let event = Rc::new(event);
        for connection in listeners {
            self.tell(node, connection, Frame::Event(event.clone()));
        }
        match &event.fact {
            Fact::MemberJoined { member, .. } => {
                self.member_changed(node, member.user, conversation, Some(number));
                if self.fault != Some(Fault::AddsWithOldRows) {
                    self.begin_listening(node, member.user, conversation, number);
                }
            }
            Fact::MemberLeft { member, .. } => {
                self.member_changed(node, member.user, conversation, None);
                self.end_listening(node, member.user, conversation);
                // They may be back since, and then this node must know it also if nobody else listens here.
                self.look(node, member.user, conversation);
            }
            _ => {}
        }
    }

    /// There is a change of this number.
    pub(crate) fn heard_of(&mut self, node: usize, conversation: ConversationId, head: Number) {
        let now = self.instant();
        if let Some(room) = self.nodes[node].rooms.get_mut(&conversation) {
            room.sequence.heard_of(head, now);
            self.look_for_due(node, conversation);
        }
    }

    /// Plans to look again when something is due.
    pub(crate) fn look_for_due(&mut self, node: usize, conversation: ConversationId) {
        let life = self.nodes[node].life;
        let Some(due) = self.nodes[node].rooms.get(&conversation).and_then(|room| room.sequence.due()) else { return };
        let at = self.moment(due).max(self.now);
        let Some(room) = self.nodes[node].rooms.get_mut(&conversation) else { return };
        if room.wakes.is_none_or(|wakes| at < wakes) {
            room.wakes = Some(at);
            self.agenda.plan(at, Happening::Due { node, life, conversation });
        }
    }

    pub(crate) fn due(&mut self, node: usize, conversation: ConversationId) {
        let now = self.instant();
        let people = self.nodes[node].people.keys().copied().collect();
        let Some(room) = self.nodes[node].rooms.get_mut(&conversation) else { return };
        room.wakes = None;
        let born = room.born;
        if let Some(after) = room.sequence.read_after(now) {
            note!(self, "node {node} reads {} after {after}", self.room(conversation));
            self.ask(node, Question::Hole { room: born, conversation, after, people });
        }
        self.look_for_due(node, conversation);
    }

    // ---- who listens ------------------------------------------------------------------------------

    /// Keeps a change of a membership for those who are reading it.
    pub(crate) fn member_changed(
        &mut self,
        node: usize,
        user: UserId,
        conversation: ConversationId,
        joined: Option<Number>,
    ) {
        let hub = &mut self.nodes[node];
        hub.tick += 1;
        if hub.loading > 0 {
            hub.kept.push((hub.tick, user, conversation, joined));
        }
        if let Some(changed) = hub.looking.get_mut(&(user, conversation)) {
            *changed = true;
        }
    }

    /// Another node says at what to look again.
    pub(crate) fn nudged(&mut self, node: usize, nudge: Nudge) {
        match nudge {
            _ if self.fault == Some(Fault::IgnoresNudges) => {}
            Nudge::Belonging(user, conversation) => self.look(node, user, conversation),
            Nudge::Mute => self.ask_heads(node),
            Nudge::Standing(_) | Nudge::Hidden(..) | Nudge::Profile(_) => {}
        }
    }

    /// Looks whether somebody who is here belongs to a conversation; one look at a time.
    pub(crate) fn look(&mut self, node: usize, user: UserId, conversation: ConversationId) {
        let hub = &mut self.nodes[node];
        if !hub.connections.values().any(|open| open.speaker.user == user) {
            return;
        }
        if let Some(changed) = hub.looking.get_mut(&(user, conversation)) {
            *changed = true;
            return;
        }
        hub.looking.insert((user, conversation), false);
        self.ask(node, Question::Look { user, conversation });
    }

    pub(crate) fn looked(
        &mut self,
        node: usize,
        user: UserId,
        conversation: ConversationId,
        found: chat::Result<Option<Number>>,
    ) {
        let changed = self.nodes[node].looking.remove(&(user, conversation)).unwrap_or(false);
        let hub = &self.nodes[node];
        let coming = hub.connections.values().any(|open| open.speaker.user == user) && !hub.people.contains_key(&user);
        match found {
            // Something has happened since, or they are only just coming in.
            Ok(_) if changed || coming => self.look(node, user, conversation),
            Ok(Some(head)) => self.begin_listening(node, user, conversation, head),
            Ok(None) => self.end_listening(node, user, conversation),
            Err(_) => self.look(node, user, conversation),
        }
    }

    /// The room of a conversation, after this number if it is not there yet.
    pub(crate) fn listen_to(&mut self, node: usize, conversation: ConversationId, head: Number) {
        if self.nodes[node].rooms.contains_key(&conversation) {
            return self.heard_of(node, conversation, head);
        }
        let (born, sequence) = (self.count(), Sequence::new(head, self.fault));
        let room = Room { sequence, listeners: std::collections::BTreeSet::new(), born, wakes: None };
        self.nodes[node].rooms.insert(conversation, room);
        self.subscribe(node, conversation, true);
    }

    /// Somebody belongs to a conversation, by a row that was read at this head.
    pub(crate) fn begin_listening(&mut self, node: usize, user: UserId, conversation: ConversationId, head: Number) {
        let hub = &mut self.nodes[node];
        let Some(person) = hub.people.get_mut(&user).filter(|person| !person.belongs.contains(&conversation)) else {
            return;
        };
        let told = hub.rooms.get(&conversation).map_or(head, |room| room.sequence.last());
        if told > head && self.fault != Some(Fault::AddsWithOldRows) {
            // Others here were told more than this row knows: it is read again, or a hole would follow it.
            return self.look(node, user, conversation);
        }
        person.belongs.insert(conversation);
        let listeners: Vec<u64> = person.listeners.iter().copied().collect();
        if listeners.is_empty() {
            return;
        }
        self.listen_to(node, conversation, head);
        let Some(room) = self.nodes[node].rooms.get_mut(&conversation) else { return };
        room.listeners.extend(&listeners);
        for connection in listeners {
            self.tell(node, connection, Frame::Added(conversation, head));
        }
    }

    pub(crate) fn end_listening(&mut self, node: usize, user: UserId, conversation: ConversationId) {
        if self.fault == Some(Fault::ForgetsRemovals) {
            return;
        }
        let Some(person) = self.nodes[node].people.get_mut(&user) else { return };
        if !person.belongs.remove(&conversation) {
            return;
        }
        let listeners: Vec<u64> = person.listeners.iter().copied().collect();
        for connection in &listeners {
            self.tell(node, *connection, Frame::Removed(conversation));
        }
        self.leave_room(node, conversation, &listeners);
    }

    /// Takes connections out of a room; it goes with the last.
    pub(crate) fn leave_room(&mut self, node: usize, conversation: ConversationId, listeners: &[u64]) {
        let Some(room) = self.nodes[node].rooms.get_mut(&conversation) else { return };
        room.listeners.retain(|listener| !listeners.contains(listener));
        if room.listeners.is_empty() {
            self.nodes[node].rooms.remove(&conversation);
            self.subscribe(node, conversation, false);
        }
    }

    fn subscribe(&mut self, node: usize, conversation: ConversationId, wanted: bool) {
        let (wire, within) = (self.redis.wire(node), self.pace(node, self.weather.redis));
        let channel = Channel::Conversation(conversation);
        // One after the other, as they go over one line.
        let at = (self.now + std::time::Duration::from_micros(self.dice.between(1, within)))
            .max(self.nodes[node].subscribed_until + std::time::Duration::from_micros(1));
        self.nodes[node].subscribed_until = at;
        self.agenda.plan(at, Happening::Subscribes { node, wire, channel, wanted });
    }
}
