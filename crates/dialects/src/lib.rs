//! How they say it: bytes to commands and queries, replies and events to bytes.
//!
//! A dialect is a pure translator. It performs no I/O and knows no clock; it sees neither sockets nor
//! the other dialects. What it wants done it says as a [`Turn`]; whoever holds the socket does it and
//! hands the result back. So a dialect can be tested by transcripts, line by line.

pub mod chat_server;
mod input;
pub mod native;
#[cfg(test)]
mod replay;
pub mod rest;
pub mod time;

use chat::{
    Command, ConversationId, Error, Event, Number, Query, Reply, Signal, Visit,
    accounts::Speaker,
    conversations::Place,
    messages::{Draft, Sent},
    sessions::Tokens,
};

/// The text of one outgoing frame.
pub type Text = String;

/// What a dialect does with a frame that came in: the next thing it needs, and how it goes on.
// A turn is made, matched and gone: boxing its rare large variant would buy nothing.
#[allow(clippy::large_enum_variant)]
pub enum Turn {
    /// Say these frames, and the turn is over.
    Say(Vec<Text>),
    /// Do this, then go on with the result.
    Do(Box<Command>, Then<Reply>),
    /// Ask this, then go on with the result.
    Ask(Query, Then<Reply>),
    /// Send this message. Apart from `Do` because sends are pipelined: the next frame is read while
    /// the commit is under way, so the continuation must be able to finish without asking more.
    Send(Draft, Box<dyn FnOnce(Result<Sent, Error>) -> Vec<Text> + Send>),
    /// Register, log in or refresh.
    Visit(Visit, Then<Tokens>),
    /// End the speaker's own session.
    LogOut(Then<()>),
    /// Say who is speaking and where to resume from. Without a token the handshake's is meant.
    Authenticate(Option<String>, Vec<(ConversationId, Number)>, Then<Welcome>),
    /// Tell what server this is.
    Server(Then<ServerInfo>),
    /// The frame was not understood: say these frames, and count it against the connection.
    Refuse(Vec<Text>),
}

/// How a turn goes on once a result is there.
pub type Then<T> = Box<dyn FnOnce(Result<T, Error>) -> Turn + Send>;

/// What a connection is told when it is let in.
pub struct Welcome {
    /// The account.
    pub account: chat::accounts::Account,
    /// Who is speaking.
    pub speaker: Speaker,
    /// What server this is.
    pub server: ServerInfo,
    /// Every conversation of the person, with the number from which live events follow.
    pub conversations: Vec<(ConversationId, Number)>,
}

/// What server this is.
#[derive(Clone)]
pub struct ServerInfo {
    /// The server's name, from its configuration.
    pub name: String,
    /// The program's version.
    pub version: String,
    /// The id of this history of the database; it changes when a backup is restored.
    pub epoch: String,
    /// The limits in force.
    pub limits: chat::Limits,
}

/// Which way of speaking a connection has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// Our own.
    Native,
    /// The first old door.
    ChatServer,
}

impl Dialect {
    /// All dialects; the index of one is `dialect as usize`.
    pub const ALL: [Self; 2] = [Self::Native, Self::ChatServer];

    /// Its name in logs, metrics and documents.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::ChatServer => "chat_server",
        }
    }

    /// Whether the connection must say `authenticate` first; the old doors are authenticated by
    /// their handshake alone.
    #[must_use]
    pub fn authenticates_in_band(self) -> bool {
        self == Self::Native
    }

    /// What a frame asks for. `speaker` is absent until the connection has authenticated.
    #[must_use]
    pub fn decode(self, speaker: Option<&Speaker>, frame: &str) -> Turn {
        match self {
            Self::Native => native::decode::decode(speaker, frame),
            Self::ChatServer => chat_server::decode::decode(speaker, frame),
        }
    }

    /// What a listener is told of a numbered event; nothing if this dialect has no word for it.
    /// Encoded once for all listeners of the dialect, whoever they are.
    #[must_use]
    pub fn event(self, place: &Place, event: &Event) -> Option<Text> {
        match self {
            Self::Native => Some(native::encode::event(event)),
            Self::ChatServer => chat_server::encode::event(place, event),
        }
    }

    /// Whether the connection that caused the event is told of it too.
    #[must_use]
    pub fn echoes(self, place: &Place, event: &Event) -> bool {
        match self {
            Self::Native => true,
            Self::ChatServer => chat_server::encode::echoes(place, event),
        }
    }

    /// What a listener is told of a signal; nothing if this dialect has no word for it.
    #[must_use]
    pub fn signal(self, place: Option<&Place>, signal: &Signal) -> Option<Text> {
        match self {
            Self::Native => Some(native::encode::signal(signal)),
            Self::ChatServer => chat_server::encode::signal(place, signal),
        }
    }

    /// What a reconnected listener is told of what it missed; nothing if this dialect has no word for it.
    #[must_use]
    pub fn caught_up(self, conversation: ConversationId, caught_up: &chat::reply::CaughtUp) -> Option<Text> {
        match self {
            Self::Native => Some(native::encode::caught_up(conversation, caught_up)),
            Self::ChatServer => None,
        }
    }

    /// How a refusal that answers no command is said (a frame too large, too many commands).
    #[must_use]
    pub fn refusal(self, error: &Error) -> Text {
        match self {
            Self::Native => native::encode::refusal(None, error),
            Self::ChatServer => chat_server::encode::refusal(error),
        }
    }
}
