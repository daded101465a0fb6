//! Frames to steps.

use std::collections::BTreeMap;

use chat::{Command, ConversationId, Error, ErrorCode, Millis, UserId, accounts::Speaker};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use super::{
    frames::{self, CHAT, Fault},
    notifications,
};
use crate::{
    Step, Then,
    input::{Text, read},
    matcha::{
        fields::{Id, Reacting, Said, Tag, check_emoji, object, submission},
        steps,
        words::{self, Missing, NO_CONVERSATION_ID},
    },
};

/// The code of the refusal of a channel's name.
const WRONG_CHANNEL: &str = "invalid_channel_name";
/// The longest name of a channel.
const CHANNEL_LENGTH: usize = 50;

/// Reads a frame as a step. The connection was authenticated by its handshake.
#[must_use]
pub fn decode(speaker: Option<&Speaker>, frame: &str) -> Step {
    let understood = match speaker {
        Some(speaker) => understand(speaker.user, frame),
        None => {
            let stranger = Error::new(ErrorCode::Unauthenticated, "The handshake had no credential.");
            Err(Fault::of(stranger, Missing::User, "unauthenticated"))
        }
    };
    understood.unwrap_or_else(|fault| Step::Refuse(vec![fault.frame(None)]))
}

fn understand(speaker: UserId, frame: &str) -> Result<Step, Fault> {
    let unreadable = |error: Error| Fault::new("invalid_message_format", words::of_misunderstood(&error));
    let fields = object(frame).map_err(unreadable)?;
    let tag: Tag = read(frame).map_err(unreadable)?;
    let data = Data(&fields);
    Ok(match tag.kind.0.as_str() {
        "subscribe" => subscribe(speaker, data.channel()?, true),
        "unsubscribe" => subscribe(speaker, data.channel()?, false),
        "send_message" | "chat" => {
            let conversation = data.conversation("invalid_chat_data")?;
            send(speaker, conversation, data.read::<Said>("invalid_chat_data")?)?
        }
        "typing" => {
            let Writing { is_typing } = data.read("invalid_typing_data")?;
            typing(data.conversation("invalid_typing_data")?, is_typing.unwrap_or(true))
        }
        "join_conversation" => join(speaker, data.conversation("invalid_join_data")?),
        "reaction_add" => react(speaker, reacting(frame)?, true),
        "reaction_remove" => react(speaker, reacting(frame)?, false),
        "notification" => notifications::step(speaker, data.read("invalid_notification_data")?)?,
        "ping" => ping(speaker),
        _ => {
            let unknown = Error::new(ErrorCode::UnknownCommand, "There is no such type.");
            return Err(Fault::new("unknown_message_type", words::of(&unknown)));
        }
    })
}

/// The value under `data` in a frame.
struct Data<'a>(&'a BTreeMap<String, &'a RawValue>);

#[derive(Deserialize)]
struct Place {
    conversation_id: Option<Id>,
}

#[derive(Deserialize)]
struct Writing {
    is_typing: Option<bool>,
}

#[derive(Deserialize)]
struct Channel {
    channel: Text,
}

impl Data<'_> {
    fn text(&self) -> &str {
        self.0.get("data").map_or("null", |data| data.get()).trim_start()
    }

    /// The fields; `wrong` is what it is called if one of them is.
    fn read<T: DeserializeOwned>(&self, wrong: &'static str) -> Result<T, Fault> {
        read(self.text()).map_err(|error| match error.field.as_deref() {
            Some("") => Fault::new(wrong, "data must be an object."),
            Some("/conversation_id") => Fault::new("invalid_conversation_id", NO_CONVERSATION_ID),
            _ => Fault::new(wrong, error.detail),
        })
    }

    fn conversation(&self, wrong: &'static str) -> Result<ConversationId, Fault> {
        let id = self.read::<Place>(wrong)?.conversation_id;
        let missing = || Fault::new("missing_conversation_id", "conversation_id is missing.");
        Ok(ConversationId(id.ok_or_else(missing)?.0))
    }

    /// The name of a channel, which the old clients give alone or in an object.
    fn channel(&self) -> Result<String, Fault> {
        let wrong = |why: &str| Fault::new(WRONG_CHANNEL, why);
        match self.text().bytes().next() {
            Some(b'{') => self.read::<Channel>(WRONG_CHANNEL).map(|data| data.channel.0),
            Some(b'"') => match serde_json::from_str::<Text>(self.text()) {
                Ok(channel) => Ok(channel.0),
                Err(_) => Err(wrong("data is not the name of a channel.")),
            },
            _ => Err(wrong("data must be the name of a channel, or an object with a channel.")),
        }
    }
}

/// Says what is refused, and when.
pub(super) fn refuse(fault: Fault) -> Step {
    Step::Now(Box::new(move |now| Step::Say(vec![fault.frame(now.ok())])))
}

/// Says what the server refused.
pub(super) fn refused(error: Error, missing: Missing) -> Step {
    refuse(Fault::of(error, missing, "request_failed"))
}

/// Success is not answered: it is told as an event, or not at all.
fn silent(missing: Missing) -> Then<()> {
    Box::new(move |outcome| match outcome {
        Ok(()) => Step::Say(Vec::new()),
        Err(error) => refused(error, missing),
    })
}

/// Subscribes to a channel, or ends that. Channels that are no conversation are acknowledged: what they carried is
/// told to everybody whom it concerns.
fn subscribe(speaker: UserId, channel: String, hears: bool) -> Step {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if channel.is_empty() || channel.len() > CHANNEL_LENGTH || !channel.bytes().all(allowed) {
        let rule = format!("channel must have 1 to {CHANNEL_LENGTH} characters of A-Z, a-z, 0-9, _ and -.");
        return refuse(Fault::new(WRONG_CHANNEL, rule));
    }
    let Some(conversation) = channel.strip_prefix(CHAT) else { return acknowledge(speaker, channel, hears) };
    let Some(id) = Id::parse(conversation) else {
        return refused(Error::not_found("conversation"), Missing::Conversation);
    };
    let conversation = ConversationId(id.0);
    steps::conversation(
        conversation,
        Box::new(move |listed| match listed {
            Ok(_) => tune(conversation, hears, move || acknowledge(speaker, channel, hears)),
            Err(error) => refused(error, Missing::Conversation),
        }),
    )
}

fn acknowledge(speaker: UserId, channel: String, hears: bool) -> Step {
    at(Missing::Conversation, move |now| frames::subscription(speaker, &channel, hears, now))
}

/// Says a frame that has the time in it.
pub(super) fn at(missing: Missing, frame: impl FnOnce(Millis) -> String + Send + 'static) -> Step {
    Step::Now(Box::new(move |now| match now {
        Ok(now) => Step::Say(vec![frame(now)]),
        Err(error) => refused(error, missing),
    }))
}

fn tune(conversation: ConversationId, hears: bool, then: impl FnOnce() -> Step + Send + 'static) -> Step {
    Step::Tune {
        conversation,
        hears,
        then: Box::new(|tuned| match tuned {
            Ok(()) => then(),
            Err(error) => refused(error, Missing::Conversation),
        }),
    }
}

fn send(speaker: UserId, conversation: ConversationId, words: Said) -> Result<Step, Fault> {
    let text = words.text("message").map_err(|error| Fault::new("invalid_chat_data", error.detail))?;
    Ok(match submission(conversation, text) {
        Ok(submission) => Step::Send(
            submission,
            Box::new(move |sent| {
                vec![match sent {
                    Ok(sent) => frames::sent(speaker, &sent),
                    Err(error) => Fault::of(error, Missing::Conversation, "message_failed").frame(None),
                }]
            }),
        ),
        Err(error) => {
            let error_type = if error.detail == words::EMPTY { "empty_message" } else { "message_too_long" };
            refuse(Fault::new(error_type, error.detail))
        }
    })
}

/// A page that is written in shows the conversation, and does not subscribe again after it has come back.
fn typing(conversation: ConversationId, typing: bool) -> Step {
    let hear = move |told: Result<(), Error>| match told {
        Ok(()) if typing => tune(conversation, true, || Step::Say(Vec::new())),
        Ok(()) => Step::Say(Vec::new()),
        Err(error) => refused(error, Missing::Conversation),
    };
    steps::change(Command::Typing { conversation, thread: None, typing }, Missing::Conversation, Box::new(hear))
}

fn join(speaker: UserId, conversation: ConversationId) -> Step {
    steps::read_to_end(
        conversation,
        Box::new(move |read| match read {
            Ok(()) => tune(conversation, true, move || {
                at(Missing::Conversation, move |now| frames::joined(speaker, conversation, now))
            }),
            Err(error) => refused(error, Missing::Conversation),
        }),
    )
}

/// These frames have their fields beside the type.
fn reacting(frame: &str) -> Result<Reacting, Fault> {
    read(frame).map_err(|error| Fault::new("invalid_reaction_data", error.detail))
}

/// Adding a reaction that is there takes it back, as the old gateway did; its client counts on it.
fn react(speaker: UserId, Reacting { message_id, emoji }: Reacting, add: bool) -> Step {
    let emoji = match check_emoji(&emoji.0) {
        Ok(emoji) => emoji,
        Err(error) => return refuse(Fault::new("invalid_reaction_data", error.detail)),
    };
    steps::message(
        message_id,
        Box::new(move |message| match message {
            Err(error) => refused(error, Missing::Message),
            Ok(message) => {
                let mut same = message.reactions.iter().filter(|reaction| reaction.emoji == emoji);
                let add = add && !same.any(|reaction| reaction.users.contains(&speaker));
                steps::react((message.conversation, message.seq), emoji, add, silent(Missing::Message))
            }
        }),
    )
}

fn ping(speaker: UserId) -> Step {
    at(Missing::Conversation, move |now| frames::pong(speaker, now))
}
