//! Presence and typing: published, and never stored.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use chat::{
    ConnectionId, ConversationId, Millis, Notice, Signal, UserId,
    event::Audience,
    messages::Message,
    presence::{Presence, Seen},
};
use tokio::time::Instant;

use super::{GRACE, Person, State, Typist};
use crate::{
    presence::{Whose, merged, seen},
    queue::Subscriber,
    typing::TypingPlace,
};

impl Person {
    /// How they are here: as they wish; else as the most present of their connections.
    fn presence(&self) -> Presence {
        let said = |subscriber: &Arc<Subscriber>| {
            let said = self.said.iter().find(|(connection, _)| *connection == subscriber.id);
            let unsaid = if self.idle.contains(&subscriber.id) { Presence::Away } else { Presence::Online };
            said.map_or(unsaid, |(_, presence)| *presence)
        };
        match self.subscribers.iter().map(said).reduce(merged) {
            None => Presence::Offline,
            Some(most) if self.chosen == Presence::Online => most,
            Some(_) => self.chosen,
        }
    }

    fn set_presence(&mut self, presence: Presence, whose: Whose) {
        let connections: Vec<ConnectionId> = match whose {
            Whose::Person(None) => {
                self.chosen = presence;
                self.said.clear();
                return;
            }
            Whose::Person(Some(id)) => {
                let is_away = presence == Presence::Away;
                self.chosen = if is_away { Presence::Online } else { presence };
                self.said.retain(|(connection, _)| *connection != id);
                self.said.extend(is_away.then_some((id, presence)));
                return;
            }
            Whose::Connection(id) => self.subscribers.iter().map(|one| one.id).filter(|one| *one == id).collect(),
            Whose::Session(session, system) => {
                let is_meant = |one: &&Arc<Subscriber>| one.session == session && one.dialect.system == system;
                self.subscribers.iter().filter(is_meant).map(|one| one.id).collect()
            }
        };
        let is_closing = matches!(whose, Whose::Session(..)) && self.left_at.is_some_and(|at| at.elapsed() < GRACE);
        if (connections.len() > 1 || is_closing) && presence != Presence::Online {
            return;
        }
        self.said.retain(|(connection, _)| !connections.contains(connection));
        if presence != Presence::Online {
            self.said.extend(connections.into_iter().map(|connection| (connection, presence)));
        }
    }
}

impl State {
    pub(super) fn set_presence(&mut self, user: UserId, presence: Presence, whose: Whose) {
        if let Some(person) = self.people.get_mut(&user) {
            person.set_presence(presence, whose);
            if matches!(whose, Whose::Person(_)) {
                person.chosen_at = self.lookups.now().max(person.chosen_at.plus(1));
                self.nodes.chosen.insert(user, (person.chosen, person.chosen_at));
            }
            self.note_presence(user);
        }
    }

    /// Takes what somebody has chosen to be on another node, unless they have chosen again since.
    pub(super) fn adopt_choice(&mut self, user: UserId, presence: Presence, at: Millis) {
        let Some(person) = self.people.get_mut(&user).filter(|person| person.chosen_at < at) else { return };
        (person.chosen, person.chosen_at) = (presence, at);
        self.note_presence(user);
    }

    /// The presence that everybody here has chosen, and when.
    pub(super) fn choices(&self) -> Vec<(UserId, Presence, Millis)> {
        let chose = self.people.iter().filter(|(_, person)| person.chosen_at > Millis(0));
        chose.map(|(user, person)| (*user, person.chosen, person.chosen_at)).collect()
    }

    pub(super) fn note_presence(&mut self, user: UserId) {
        if let Some(person) = self.people.get(&user) {
            self.book.note(user, person.presence());
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
            // A person without a connection who is not leaving is on their way in.
            let comes = person.subscribers.is_empty() && !leaving;
            let here = if comes { person.chosen } else { person.presence() };
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
    pub(super) fn note_typing(&mut self, place: TypingPlace, typist: Typist, typing: bool) -> bool {
        let is_large = self.is_large(place.conversation);
        let news = if typing {
            self.typing.start(place, typist.clone(), is_large, Instant::now()).then_some(typist)
        } else {
            self.typing.stop(place, typist.user)
        };
        let is_news = news.is_some();
        if let Some(typist) = news {
            self.tell_typing(place, typist, typing);
        }
        is_news
    }

    /// Whether a conversation has too many members for each of them to receive the presence of all others.
    pub(super) fn is_large(&self, conversation: ConversationId) -> bool {
        self.channels.get(&conversation).is_some_and(|channel| channel.member_count > self.presence_members)
    }

    /// Ends the writing of a message's author: what they wrote is said. Who does not know threads has written a reply in
    /// the room.
    pub(super) fn stop_typing(&mut self, message: &Message) {
        let room = TypingPlace::from(message.conversation);
        let thread = TypingPlace { thread: message.thread, ..room };
        for place in [thread, room] {
            if let Some(typist) = self.typing.stop(place, message.author) {
                self.tell_typing(place, typist, false);
                return;
            }
        }
    }

    pub(super) fn tell_typing(&mut self, place: TypingPlace, typist: Typist, typing: bool) {
        let mut woken = Vec::new();
        let (TypingPlace { conversation, thread }, Typist { user, username, shown_name }) = (place, typist);
        let signal = Signal::Typing { conversation, thread, user, username, shown_name, typing };
        self.tell_members(conversation, Some(user), &signal, &mut woken);
        woken.iter().for_each(|subscriber| subscriber.outbox.wake());
    }
}
