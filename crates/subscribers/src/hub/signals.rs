//! Signals, which are ephemeral events: delivered without a number, to those whom they concern, in each one's dialect.

use std::sync::{Arc, atomic::Ordering};

use chat::{ConversationId, Notice, Number, Signal, UserId, event::Audience};
use dialects::Dialect;

use super::State;
use crate::{frame, numbers::Numbers, queue::Subscriber};

impl State {
    pub(super) fn tell_notice(&mut self, notice: &Notice, personal: &mut Vec<Arc<Subscriber>>) {
        match notice.to {
            Audience::User(user) => {
                let place = self.channels.get(&conversation_of(&notice.signal)).map(|channel| &channel.place);
                let Some(person) = self.people.get(&user) else { return };
                let mut frames = Frames::of(&self.numbers, &notice.signal, place);
                for subscriber in &person.subscribers {
                    if let Some(bytes) = frames.for_dialect(subscriber.dialect) {
                        subscriber.outbox.push(bytes);
                        personal.push(subscriber.clone());
                    }
                }
            }
            Audience::Members(conversation) => self.tell_members(conversation, None, &notice.signal, personal),
            Audience::OtherMembers(conversation, user) => {
                self.tell_members(conversation, Some(user), &notice.signal, personal);
            }
        }
    }

    /// Delivers a signal to the subscribers of a conversation. They may miss it: the state can be read again.
    pub(super) fn tell_members(
        &mut self,
        conversation: ConversationId,
        except: Option<UserId>,
        signal: &Signal,
        woken: &mut Vec<Arc<Subscriber>>,
    ) {
        // This node's bound on presence also holds for signals of other nodes.
        if self.is_large(conversation) && matches!(signal, Signal::PresenceChanged { .. } | Signal::CardChanged { .. })
        {
            return;
        }
        self.tell_those(conversation, except, signal, woken, |_, _| true);
    }

    /// Delivers a signal to the subscribers whose connection `is_news` accepts.
    pub(super) fn tell_those(
        &mut self,
        conversation: ConversationId,
        except: Option<UserId>,
        signal: &Signal,
        woken: &mut Vec<Arc<Subscriber>>,
        mut is_news: impl FnMut(&Subscriber, &bytes::Bytes) -> bool,
    ) {
        let Some(channel) = self.channels.get_mut(&conversation) else { return };
        self.deliveries.fetch_add(channel.flush(), Ordering::Relaxed);
        let mut frames = Frames::of(&self.numbers, signal, Some(&channel.place));
        // Muted conversations still receive presence, but not typing.
        let tuned = matches!(signal, Signal::Typing { .. });
        // Who does not see a thread's root must not learn of the thread.
        let root = if let Signal::Typing { thread, .. } = signal { *thread } else { None };
        let limited = channel.limited();
        let wanted = |subscriber: &Subscriber| {
            Some(subscriber.user) != except
                && (!tuned || subscriber.hears(conversation))
                && root.is_none_or(|root| root >= limited.sees_from(subscriber.user))
        };
        for subscriber in channel.subscribers.iter().filter(|subscriber| wanted(subscriber)) {
            if let Some(bytes) = frames.for_dialect(subscriber.dialect).filter(|bytes| is_news(subscriber, bytes)) {
                subscriber.outbox.push_lossy(bytes);
                woken.push(subscriber.clone());
            }
        }
    }

    /// Removes somebody from a conversation that they have left with this number.
    pub(super) fn put_out(&mut self, user: UserId, conversation: ConversationId, number: Number) {
        let Some(person) = self.people.get_mut(&user) else { return };
        if let Some(loading) = &mut person.loading {
            loading.has_left(conversation, number);
        }
        if person.belongs.contains(&conversation) {
            self.end_listening(user, conversation);
        }
    }

    /// Delivers a single notice.
    pub(super) fn tell_one(&mut self, notice: Notice) {
        let mut woken = Vec::new();
        self.tell_notice(&notice, &mut woken);
        for subscriber in woken {
            subscriber.outbox.wake();
        }
    }
}

fn conversation_of(signal: &Signal) -> ConversationId {
    match signal {
        Signal::NotAMember(conversation)
        | Signal::MarkerMoved { conversation, .. }
        | Signal::Typing { conversation, .. }
        | Signal::CardChanged { conversation, .. }
        | Signal::PresenceChanged { conversation, .. } => *conversation,
    }
}

/// A signal's frame in each dialect, encoded when it is first needed.
struct Frames<'a> {
    numbers: &'a Numbers,
    signal: &'a Signal,
    place: Option<&'a chat::conversations::Place>,
    encoded: [Option<bytes::Bytes>; Dialect::COUNT],
}

impl<'a> Frames<'a> {
    fn of(numbers: &'a Numbers, signal: &'a Signal, place: Option<&'a chat::conversations::Place>) -> Self {
        Self { numbers, signal, place, encoded: Default::default() }
    }

    fn for_dialect(&mut self, dialect: Dialect) -> Option<bytes::Bytes> {
        let (numbers, signal, place) = (self.numbers, self.signal, self.place);
        let encoded = self.encoded[dialect.place()].get_or_insert_with(|| {
            let mut frames = Vec::new();
            for text in numbers.signal(dialect, place, signal) {
                frame::write(&mut frames, frame::Opcode::Text, text.as_bytes());
            }
            frames.into()
        });
        (!encoded.is_empty()).then(|| encoded.clone())
    }
}
