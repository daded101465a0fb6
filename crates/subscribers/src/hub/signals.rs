//! Signals: what is told without a number, to those whom it concerns and in each one's dialect.

use std::sync::{Arc, atomic::Ordering};

use chat::{
    ConversationId, Notice, Signal, UserId,
    event::Audience,
    members::Departure,
    mutants::{self, Mutant},
};
use dialects::Dialect;

use super::State;
use crate::{frame, queue::Listener};

impl State {
    pub(super) fn tell_notice(&mut self, notice: &Notice, personal: &mut Vec<Arc<Listener>>) {
        // Whoever comes in is told the head from which events follow. The room here may stand elsewhere.
        if let (Signal::ConversationAdded(listed), Audience::User(user)) = (&notice.signal, notice.to)
            && self.is_here(user)
        {
            let (id, head) = (listed.conversation.id, listed.conversation.head);
            match self.rooms.get_mut(&id) {
                // It has gone on since this was said: told this head, they would miss what lies between.
                Some(room) if room.gaps.last() > head => {
                    self.was_not_told(user, id);
                    return self.look_at_belonging(user, id);
                }
                // It has not come so far: they would be told what is not for them, or what they have.
                Some(room) if room.gaps.last() < head => {
                    // Once, also if it was nudged twice.
                    room.later.retain(|(_, other)| {
                        other.to != notice.to || !matches!(other.signal, Signal::ConversationAdded(_))
                    });
                    room.later.push((head, notice.clone()));
                    return self.note_head(id, head);
                }
                _ => {}
            }
        }
        // Who belongs changes between two events: what was before is handed out to those who were there.
        match (&notice.signal, notice.to) {
            (Signal::ConversationAdded(listed), Audience::User(user)) => {
                self.belonging_changed(user, listed.conversation.id);
                self.begin_listening(user, listed);
            }
            (Signal::ConversationRemoved { .. }, _) if mutants::is(Mutant::PermissionAtConnect) => return,
            (Signal::ConversationRemoved { conversation, .. }, Audience::User(user)) => {
                self.belonging_changed(user, *conversation);
                // Its event has told them already.
                if !self.people.get(&user).is_some_and(|person| person.belongs.contains(conversation)) {
                    return;
                }
                self.end_listening(user, *conversation);
            }
            // What the one who hides had seen comes first: heard afterwards, it would bring the conversation back. And
            // what came after it has brought it back already.
            (Signal::ConversationHidden { conversation, at }, _) => {
                if let Some(room) = self.rooms.get_mut(conversation) {
                    if room.gaps.last() > *at {
                        return;
                    }
                    if room.gaps.last() < *at {
                        return room.later.push((*at, notice.clone()));
                    }
                    self.deliveries.fetch_add(room.flush(), Ordering::Relaxed);
                }
            }
            _ => {}
        }
        match notice.to {
            Audience::User(user) => {
                let conversation = conversation_of(&notice.signal);
                let place = conversation.and_then(|id| self.rooms.get(&id)).map(|room| &room.place);
                let Some(person) = self.people.get(&user) else { return };
                let mut frames = Frames::of(&notice.signal, place);
                for listener in &person.listeners {
                    if let Some(bytes) = frames.for_dialect(listener.dialect) {
                        listener.outbox.push(bytes);
                        personal.push(listener.clone());
                    }
                }
            }
            Audience::Members(conversation) => self.tell_members(conversation, None, &notice.signal, personal),
            Audience::OtherMembers(conversation, user) => {
                self.tell_members(conversation, Some(user), &notice.signal, personal);
            }
        }
    }

    /// A signal for those who listen to a conversation. It may be missed: it can be read fresh.
    pub(super) fn tell_members(
        &mut self,
        conversation: ConversationId,
        except: Option<UserId>,
        signal: &Signal,
        woken: &mut Vec<Arc<Listener>>,
    ) {
        // What another node says is not bounded by what this one would.
        let large = self.rooms.get(&conversation).is_some_and(|room| room.member_count > self.presence_members);
        if large && matches!(signal, Signal::PresenceChanged { .. }) {
            return;
        }
        self.tell_those(conversation, except, signal, woken, |_, _| true);
    }

    /// The same for those listeners to whom this frame is news.
    pub(super) fn tell_those(
        &mut self,
        conversation: ConversationId,
        except: Option<UserId>,
        signal: &Signal,
        woken: &mut Vec<Arc<Listener>>,
        mut is_news: impl FnMut(&Listener, &bytes::Bytes) -> bool,
    ) {
        let Some(room) = self.rooms.get_mut(&conversation) else { return };
        self.deliveries.fetch_add(room.flush(), Ordering::Relaxed);
        let mut frames = Frames::of(signal, Some(&room.place));
        // Who is here is wanted also of those whose words are not.
        let tuned = matches!(signal, Signal::Typing { .. });
        let wanted = |listener: &Listener| Some(listener.user) != except && (!tuned || listener.hears(conversation));
        for listener in room.listeners.iter().filter(|listener| wanted(listener)) {
            if let Some(bytes) = frames.for_dialect(listener.dialect).filter(|bytes| is_news(listener, bytes)) {
                listener.outbox.push_lossy(bytes);
                woken.push(listener.clone());
            }
        }
    }

    /// Somebody is a member no more, and no notice says so.
    pub(super) fn put_out(&mut self, user: UserId, conversation: ConversationId, departure: Departure) {
        if !self.people.get(&user).is_some_and(|person| person.belongs.contains(&conversation)) {
            return;
        }
        let signal = Signal::ConversationRemoved { conversation, departure };
        self.tell_one(Notice { to: Audience::User(user), signal });
    }

    /// Tells a notice of its own.
    pub(super) fn tell_one(&mut self, notice: Notice) {
        let mut woken = Vec::new();
        self.tell_notice(&notice, &mut woken);
        for listener in woken {
            listener.outbox.wake();
        }
    }
}

fn conversation_of(signal: &Signal) -> Option<ConversationId> {
    match signal {
        Signal::ConversationAdded(listed) => Some(listed.conversation.id),
        Signal::ConversationRemoved { conversation, .. }
        | Signal::ConversationHidden { conversation, .. }
        | Signal::MarkerMoved { conversation, .. }
        | Signal::Typing { conversation, .. }
        | Signal::PresenceChanged { conversation, .. } => Some(*conversation),
        Signal::ProfileChanged(_) => None,
    }
}

/// A signal's frame in each dialect, encoded when it is first wanted.
struct Frames<'a> {
    signal: &'a Signal,
    place: Option<&'a chat::conversations::Place>,
    encoded: [Option<bytes::Bytes>; Dialect::COUNT],
}

impl<'a> Frames<'a> {
    fn of(signal: &'a Signal, place: Option<&'a chat::conversations::Place>) -> Self {
        Self { signal, place, encoded: Default::default() }
    }

    fn for_dialect(&mut self, dialect: Dialect) -> Option<bytes::Bytes> {
        let (signal, place) = (self.signal, self.place);
        let encoded = self.encoded[dialect.place()].get_or_insert_with(|| {
            let mut frames = Vec::new();
            for text in (dialect.signal)(place, signal) {
                frame::write(&mut frames, frame::Opcode::Text, text.as_bytes());
            }
            frames.into()
        });
        (!encoded.is_empty()).then(|| encoded.clone())
    }
}
