//! Presence and typing: published, and never stored.

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

    /// Publishes all changes of presence since the last tick together, in conversations that are not too large.
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
                    // A conversation without subscribers here may have some on another node.
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
        // A person who shares several conversations gets it once, unless their dialect names the conversation.
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

    /// Notes that somebody begins or stops writing, and delivers it to the subscribers here. False if that changes
    /// nothing: their writing was not shown, or enough people write in a large channel already.
    pub(super) fn note_typing(&mut self, conversation: ConversationId, typist: Typist, typing: bool) -> bool {
        let is_large = self.is_large(conversation);
        let news = if typing {
            self.typing.start(conversation, typist.clone(), is_large, Instant::now()).then_some(typist)
        } else {
            self.typing.stop(conversation, typist.user)
        };
        let is_news = news.is_some();
        if let Some(typist) = news {
            self.tell_typing(conversation, typist, typing);
        }
        is_news
    }

    /// Whether a conversation has too many members for each of them to receive the presence of all others.
    pub(super) fn is_large(&self, conversation: ConversationId) -> bool {
        self.channels.get(&conversation).is_some_and(|channel| channel.member_count > self.presence_members)
    }

    pub(super) fn tell_typing(&mut self, conversation: ConversationId, typist: Typist, typing: bool) {
        let mut woken = Vec::new();
        let Typist { user, username, shown_name } = typist;
        let signal = Signal::Typing { conversation, user, username, shown_name, typing };
        self.tell_members(conversation, Some(user), &signal, &mut woken);
        woken.iter().for_each(|subscriber| subscriber.outbox.wake());
    }
}
