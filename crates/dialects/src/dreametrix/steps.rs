//! The questions that requests of this endpoint ask on their way. Each step goes on only if its question was answered;
//! a refusal ends the request.

use chat::{
    Command, ConversationId, Error, MessageId, Query, Reply,
    accounts::Speaker,
    conversations::{Conversation, Listed},
    members::Member,
    messages::Message,
};
use serde::Serialize;

use super::views::Readers;
use crate::{
    Step,
    output::write,
    rest::{Desk, RestAnswer},
    steps::PAGE,
};

/// The asker, and where the answer goes.
pub(super) struct Caller {
    pub speaker: Speaker,
    pub desk: Desk,
}

impl Caller {
    /// Ends the request with this body.
    pub(super) fn answer<T: Serialize>(&self, status: u16, body: &T) -> Step {
        self.desk.end(Ok(RestAnswer::json(status, write(body))))
    }

    /// Ends the request without a body.
    pub(super) fn done(&self) -> Step {
        self.desk.end(Ok(RestAnswer::empty(204)))
    }

    /// Ends the request with a refusal.
    pub(super) fn refuse(&self, error: Error) -> Step {
        self.desk.end(Err(error))
    }

    /// Asks, and goes on with what `pick` finds in the reply.
    pub(super) fn ask<T: 'static>(
        self,
        query: Query,
        pick: fn(Reply) -> Option<T>,
        then: impl FnOnce(Self, T) -> Step + Send + 'static,
    ) -> Step {
        Step::Ask(query, Box::new(move |reply| self.go_on(reply, pick, then)))
    }

    /// Does, and goes on with what `pick` finds in the reply.
    pub(super) fn act<T: 'static>(
        self,
        command: Command,
        pick: fn(Reply) -> Option<T>,
        then: impl FnOnce(Self, T) -> Step + Send + 'static,
    ) -> Step {
        Step::Do(Box::new(command), Box::new(move |reply| self.go_on(reply, pick, then)))
    }

    fn go_on<T>(
        self,
        reply: Result<Reply, Error>,
        pick: fn(Reply) -> Option<T>,
        then: impl FnOnce(Self, T) -> Step,
    ) -> Step {
        match reply.and_then(|reply| pick(reply).ok_or_else(Error::internal)) {
            Ok(found) => then(self, found),
            Err(error) => self.refuse(error),
        }
    }

    /// A conversation of the speaker.
    pub(super) fn room(self, id: ConversationId, then: impl FnOnce(Self, Listed) -> Step + Send + 'static) -> Step {
        self.ask(Query::Conversation(id), listed, then)
    }

    /// Those in a conversation; of a large one, the first.
    pub(super) fn members(
        self,
        conversation: ConversationId,
        then: impl FnOnce(Self, Vec<Member>) -> Step + Send + 'static,
    ) -> Step {
        self.ask(members_of(conversation), members, then)
    }

    /// A part of the messages, newest first, and how many there are.
    pub(super) fn timeline(
        self,
        conversation: ConversationId,
        offset: i64,
        limit: i64,
        then: impl FnOnce(Self, (Vec<Message>, i64)) -> Step + Send + 'static,
    ) -> Step {
        let pick = |reply| match reply {
            Reply::Timeline { messages, total } => Some((messages, total)),
            _ => None,
        };
        self.ask(Query::Timeline { conversation, offset, limit }, pick, then)
    }

    /// How far the members have read.
    pub(super) fn readers(
        self,
        room: &Conversation,
        then: impl FnOnce(Self, Readers) -> Step + Send + 'static,
    ) -> Step {
        if room.member_count > PAGE {
            return then(self, Readers::Many);
        }
        let pick = |reply| match reply {
            Reply::Markers(markers) => Some(Readers::Few(markers)),
            _ => None,
        };
        self.ask(Query::Markers(room.id), pick, then)
    }

    /// One message.
    pub(super) fn message(self, id: MessageId, then: impl FnOnce(Self, Message) -> Step + Send + 'static) -> Step {
        self.ask(Query::MessageById(id), message, then)
    }
}

/// The first page of the members of a conversation.
pub(super) fn members_of(conversation: ConversationId) -> Query {
    Query::Members { conversation, after: None, limit: PAGE }
}

pub(super) fn members(reply: Reply) -> Option<Vec<Member>> {
    match reply {
        Reply::Members { members, .. } => Some(members),
        _ => None,
    }
}

pub(super) fn listed(reply: Reply) -> Option<Listed> {
    match reply {
        Reply::Conversation(listed) => Some(*listed),
        _ => None,
    }
}

pub(super) fn message(reply: Reply) -> Option<Message> {
    match reply {
        Reply::Message(message) => Some(*message),
        _ => None,
    }
}

/// For what is done, whatever the reply says.
pub(super) fn anything(_: Reply) -> Option<()> {
    Some(())
}
