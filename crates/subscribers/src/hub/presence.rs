//! Who is here and who writes: told, and never stored.

use std::collections::{HashMap, HashSet};

use chat::{
    ConnectionId, ConversationId, Notice, Signal, UserId,
    event::Audience,
    presence::{Presence, Seen},
};
use tokio::time::Instant;

use super::{GRACE, State, Typist};
use crate::presence::{merged, seen};

impl State {
    pub(super) fn note_presence(&mut self, user: UserId) {
        if let Some(person) = self.people.get(&user) {
            let here = !person.subscribers.is_empty();
            self.book.note(user, if here { person.chosen } else { Presence::Offline });
            self.changed.insert(user);
        }
    }

    /// Tells all changes since the last tick together, in conversations that are not too large.
    pub(super) fn tell_presence(&mut self, now: Instant) {
        let at = self.lookups.now();
        let mut changes: HashMap<ConversationId, Vec<(UserId, String, Seen)>> = HashMap::new();
        let mut gone = Vec::new();
        for user in std::mem::take(&mut self.changed) {
            let Some(person) = self.people.get_mut(&user) else { continue };
            let leaving = person.subscribers.is_empty() && person.loading.is_none();
            if leaving && person.alone_since.is_some_and(|since| now - since < GRACE) {
                self.changed.insert(user);
                continue;
            }
            let here = if leaving { Presence::Offline } else { person.chosen };
            self.nodes.changed.insert(user, here);
            let presence = merged(here, self.book.elsewhere(user));
            if presence.shown() != person.told.shown() {
                let hidden = presence == Presence::Invisible;
                for conversation in &person.belongs {
                    // Where nobody listens here, somebody may elsewhere.
                    let small = match self.channels.get(conversation) {
                        Some(channel) => channel.member_count <= self.presence_members,
                        None => self.handle.is_heard(),
                    };
                    if small {
                        let change = (user, person.username.clone(), seen(presence, hidden, at));
                        changes.entry(*conversation).or_default().push(change);
                    }
                }
            }
            person.told = presence;
            if leaving {
                self.people.remove(&user);
                self.book.note(user, Presence::Offline);
                if presence == Presence::Offline {
                    gone.push(user);
                }
            }
        }
        let mut woken = Vec::new();
        // Those who share several conversations hear it once, unless their dialect says where.
        let mut said: HashSet<(ConnectionId, bytes::Bytes)> = HashSet::new();
        for (conversation, people) in changes {
            let signal = Signal::PresenceChanged { conversation, people };
            self.handle.say(Notice { to: Audience::Members(conversation), signal: signal.clone() });
            self.tell_those(conversation, None, &signal, &mut woken, |subscriber, frame| {
                subscriber.dialect.places_presence || said.insert((subscriber.id, frame.clone()))
            });
        }
        woken.iter().for_each(|subscriber| subscriber.outbox.wake());
        if !gone.is_empty() {
            self.lookups.gone(gone);
        }
    }

    pub(super) fn note_typing(&mut self, conversation: ConversationId, typist: Typist, typing: bool) {
        if typing {
            self.typing.start(conversation, typist.clone(), Instant::now());
            self.tell_typing(conversation, typist, true);
        } else if let Some(typist) = self.typing.stop(conversation, typist.user) {
            self.tell_typing(conversation, typist, false);
        }
    }

    pub(super) fn tell_typing(&mut self, conversation: ConversationId, typist: Typist, typing: bool) {
        let mut woken = Vec::new();
        let Typist { user, username, shown_name } = typist;
        let signal = Signal::Typing { conversation, user, username, shown_name, typing };
        self.tell_members(conversation, Some(user), &signal, &mut woken);
        woken.iter().for_each(|subscriber| subscriber.outbox.wake());
    }
}
