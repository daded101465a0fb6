//! REST: what was said, and saying something.

use std::borrow::Cow;

use chat::{
    ConversationId, Error, Millis, Number, Query, Reply, UserId,
    markers::Markers,
    messages::{self, Sent},
};
use serde::{Deserialize, Serialize};

use super::{
    fields::{Id, Said, submission},
    reactions::{Reaction, of_message},
    rest::{Page, answer, end, success},
    words::Missing,
};
use crate::{Step, rest::Desk, steps::strange, time::Time};

/// How many messages are given when nothing is asked for.
const USUAL_PAGE: i64 = 50;

/// A message. `msg` is the old back end's name for the text, `message` the document's.
#[derive(Serialize)]
struct Message<'a> {
    id: i64,
    conv_id: i64,
    sender_id: i64,
    msg: Cow<'a, str>,
    message: Cow<'a, str>,
    time: Time,
    read_at: Option<Time>,
    reactions: Vec<Reaction<'a>>,
}

impl<'a> Message<'a> {
    /// A message of the history; nothing if it was deleted.
    fn new(message: &'a messages::Message, markers: &[Markers]) -> Option<Self> {
        let text = message.words()?;
        Some(Self {
            id: message.id.0,
            conv_id: message.conversation.0,
            sender_id: message.author.0,
            msg: text.clone(),
            message: text,
            time: Time(message.created_at),
            read_at: read_at(message.author, message.seq, markers).map(Time),
            reactions: of_message(message),
        })
    }

    /// A message that was just sent.
    fn sent(sent: &Sent, sender: UserId, text: &'a str) -> Self {
        Self {
            id: sent.id.0,
            conv_id: sent.conversation.0,
            sender_id: sender.0,
            msg: text.into(),
            message: text.into(),
            time: Time(sent.created_at),
            read_at: None,
            reactions: Vec::new(),
        }
    }
}

/// When a message had been read by another member than its author. Only the last move of a marker is known, so
/// that it may be later than the reading; of several readers the earliest such moment counts.
fn read_at(author: UserId, seq: Number, markers: &[Markers]) -> Option<Millis> {
    markers.iter().filter(|one| one.user != author && one.read_seq >= seq).filter_map(|one| one.read_at).min()
}

/// A page of messages, newest first.
pub(super) fn list(conversation: ConversationId, page: Page, desk: Desk) -> Step {
    Step::Ask(
        Query::Timeline { conversation, offset: page.offset, limit: page.limit_or(USUAL_PAGE) },
        Box::new(move |reply| {
            let messages = reply.map_err(|error| Missing::Conversation.name(error)).and_then(|reply| match reply {
                Reply::Timeline { messages, .. } => Ok(messages),
                _ => strange(),
            });
            match messages {
                Ok(messages) => with_markers(conversation, messages, desk),
                Err(error) => desk.end(Err(error)),
            }
        }),
    )
}

fn with_markers(conversation: ConversationId, messages: Vec<messages::Message>, desk: Desk) -> Step {
    Step::Ask(
        Query::Markers(conversation),
        Box::new(move |reply| {
            let markers = reply.map_err(|error| Missing::Conversation.name(error)).and_then(|reply| match reply {
                Reply::Markers(markers) => Ok(markers),
                _ => strange(),
            });
            end(&desk, 200, markers, |markers| {
                success(&messages.iter().filter_map(|message| Message::new(message, markers)).collect::<Vec<_>>())
            })
        }),
    )
}

#[derive(Deserialize)]
pub(super) struct To {
    conversation_id: Id,
}

/// Says something.
///
/// # Errors
/// `invalid` if there is no text, or one that these endpoints do not allow.
pub(super) fn send(to: To, words: Said, speaker: UserId, desk: Desk) -> Result<Step, Error> {
    let submission = submission(ConversationId(to.conversation_id.0), words.text("message")?)?;
    let text = submission.text.clone();
    Ok(Step::Send(
        submission,
        Box::new(move |sent| {
            let said = |sent: Sent| answer(201, success(&Message::sent(&sent, speaker, &text)));
            desk.put(sent.map(said).map_err(|error| Missing::Conversation.name(error)));
            Vec::new()
        }),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_was_read_when_the_first_of_the_others_had_read_it() {
        let markers = |user, read, at: Option<i64>| Markers {
            user: UserId(user),
            read_seq: Number(read),
            delivered_seq: Number(read),
            read_at: at.map(Millis),
        };
        let all = [markers(1, 9, Some(100)), markers(2, 5, Some(300)), markers(3, 7, Some(200)), markers(4, 9, None)];
        assert_eq!(read_at(UserId(1), Number(5), &all), Some(Millis(200)));
        assert_eq!(read_at(UserId(2), Number(5), &all), Some(Millis(100)));
        assert_eq!(read_at(UserId(1), Number(8), &all), None, "only its author and one without a time have read it");
        assert_eq!(read_at(UserId(1), Number(1), &all[..1]), None);
    }
}
