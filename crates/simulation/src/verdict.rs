//! The end of a world: the state of each client is compared with a fresh reading.

use std::collections::BTreeMap;

use chat::{Command, ConversationId, messages::Message};
use promises::Rule;

use crate::world::World;

impl World<'_> {
    /// Judges everything once nothing more happens.
    pub(crate) fn judge_all(&mut self) {
        let mut kept = BTreeMap::new();
        for conversation in self.town.rooms.clone() {
            // The founder may have left: any member reads.
            let reader = self.town.people.iter().find(|person| self.judge.belongs(person.user, conversation)).cloned();
            let Some(reader) = reader else { continue };
            match self.database.snapshot(&reader, conversation) {
                Ok(snapshot) => {
                    let (head, told) = (snapshot.page.head, self.judge.head(conversation));
                    if head != told {
                        let place = self.room(conversation);
                        self.judge.accuse(Rule::I3, format!("the head of {place} is {head}, told was {told}"));
                    }
                    let read = snapshot.known();
                    // Summaries of threads are kept apart from the messages that they are about.
                    let apart = |message: &Message| Message { summary: None, ..message.clone() };
                    let messages = read.messages.values().cloned().eq(snapshot.page.messages.iter().map(apart));
                    if !messages || !read.members.values().eq(&snapshot.members) {
                        let place = self.room(conversation);
                        self.judge.accuse(Rule::I6, format!("{place} is read with repeats, or in another order"));
                    }
                    kept.insert(conversation, snapshot);
                }
                Err(error) => {
                    let place = self.room(conversation);
                    self.judge.accuse(Rule::I7, format!("{place} cannot be read by a member: {error}"));
                }
            }
        }
        for client in 0..self.clients.len() {
            self.judge_client(client, &kept);
            self.judge_account(client);
        }
        for conversation in self.town.rooms.clone() {
            // All members have left: somebody who joins now can read the messages.
            if !kept.contains_key(&conversation)
                && let Some(reader) = self.town.people.first().cloned()
            {
                self.database.commit(vec![(reader.clone(), Command::JoinConversation(conversation))]);
                kept.extend(self.database.snapshot(&reader, conversation).ok().map(|read| (conversation, read)));
            }
        }
        let messages = kept.into_iter().map(|(id, snapshot)| (id, snapshot.page.messages)).collect();
        self.judge.judge_sends(&messages);
    }

    /// Checks I7, and the law: old snapshot + events = fresh snapshot.
    fn judge_client(&mut self, client: usize, kept: &BTreeMap<ConversationId, crate::database::Snapshot>) {
        let user = self.user_of(client);
        let mut found = Vec::new();
        let me = &self.clients[client];
        if let Some(pending) = me.pending.front() {
            found.push(format!("{} was never answered", pending.cid));
        }
        for conversation in &self.town.rooms {
            let place = self.room(*conversation);
            let fresh = kept.get(conversation).filter(|_| self.judge.belongs(user, *conversation));
            match (me.known.get(conversation), fresh) {
                (None, None) => {}
                (Some(_), None) => found.push(format!("knows {place}, out of which they are")),
                (None, Some(_)) => found.push(format!("does not know {place}")),
                (Some(followed), Some(fresh)) => {
                    let (cursor, head) = (followed.known.cursor, fresh.page.head);
                    if followed.loading.is_some() {
                        found.push(format!("still reads {place}"));
                    } else if cursor != head {
                        found.push(format!("is at {cursor} of {place}, whose head is {head}"));
                    } else {
                        let differences = followed.known.differences(&fresh.known());
                        found.extend(differences.into_iter().map(|what| format!("has read {place}, where {what}")));
                    }
                }
            }
        }
        for what in found {
            self.judge.accuse(Rule::I7, format!("client {client} {what}"));
        }
    }

    /// Checks A1: old state of the account + events = fresh state.
    fn judge_account(&mut self, client: usize) {
        let mut found = Vec::new();
        let speaker = self.town.people[self.clients[client].person].clone();
        let me = &mut self.clients[client];
        match (&mut me.account.known, self.database.account(&speaker)) {
            (_, Err(error)) => found.push(format!("cannot read its account: {error}")),
            (None, _) => found.push("does not know its account".to_owned()),
            (Some(known), Ok(mut fresh)) => {
                for (conversation, followed) in &me.known {
                    known.happened(*conversation, followed.known.cursor);
                    fresh.happened(*conversation, followed.known.cursor);
                }
                if known.cursor != fresh.cursor {
                    found.push(format!("is at {} of its account, which is at {}", known.cursor, fresh.cursor));
                }
                let differences = known.differences(&fresh).into_iter();
                found.extend(differences.map(|what| format!("has an account in which {what}")));
            }
        }
        for what in found {
            self.judge.accuse(Rule::A1, format!("client {client} {what}"));
        }
    }
}
