//! How they say it: bytes to commands and queries, replies and events to bytes.
//!
//! A dialect is a pure translator. It performs no I/O and knows no clock; it sees neither sockets nor
//! the other dialects. What it wants done it says as a [`Turn`]; whoever holds the socket does it and
//! hands the result back. So a dialect can be tested by transcripts, line by line.

pub mod chat_server;
pub mod dreametrix;
mod input;
pub mod matcha;
pub mod native;
mod output;
#[cfg(test)]
mod replay;
pub mod rest;
mod steps;
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
    Authenticate(Option<String>, Resume, Then<Welcome>),
    /// Tell what server this is.
    Server(Then<ServerInfo>),
    /// Tell how the server is doing.
    Figures(Then<Figures>),
    /// Tell an administrator all about how the server is doing.
    AllFigures(Then<AllFigures>),
    /// Tell the time.
    Now(Then<chat::Millis>),
    /// From here on this connection hears the messages of this conversation, or does not. Only for the dialects
    /// whose clients choose ([`Dialect::hears`]); what is heard is still what the person may read.
    Tune {
        /// Which conversation; the dialect has asked for it before, so that the speaker is a member.
        conversation: ConversationId,
        /// Whether to hear it.
        hears: bool,
        /// How the turn goes on.
        then: Then<()>,
    },
    /// The frame was not understood: say these frames, and count it against the connection.
    Refuse(Vec<Text>),
}

impl Turn {
    /// Whether what it asks for first counts at the pace of messages.
    #[must_use]
    pub fn is_paced_as_a_message(&self) -> bool {
        match self {
            Self::Send(..) => true,
            Self::Do(command, _) => command.is_paced_as_a_message(),
            _ => false,
        }
    }
}

/// How a turn goes on once a result is there.
pub type Then<T> = Box<dyn FnOnce(Result<T, Error>) -> Turn + Send>;

/// From where a client wants to resume.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resume {
    /// The history of the database of which the cursors are, if the client says so.
    pub epoch: Option<String>,
    /// The last number that it has seen of each conversation.
    pub cursors: Vec<(ConversationId, Number)>,
}

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
    /// The id of this history of the database; it changes when a backup is restored. Looked up when it is asked for.
    pub epoch: String,
    /// The limits in force.
    pub limits: chat::Limits,
    /// Whether anybody may open an account.
    pub open_registration: bool,
    /// Whether the set-up secret is waiting for the first administrator. Looked up when it is asked for.
    pub needs_administrator: bool,
    /// Whether the playground is served.
    pub playground: bool,
}

/// How the server is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figures {
    /// Open connections, people's several ones counted each.
    pub connections: i64,
    /// People with at least one connection.
    pub people_here: i64,
    /// Messages since the database was made.
    pub messages: i64,
    /// Conversations.
    pub conversations: i64,
    /// Seconds since the server was started.
    pub uptime_seconds: i64,
    /// When something was last stored, if that is known.
    pub active_at: Option<chat::Millis>,
}

/// How the server is doing, for administrators.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllFigures {
    /// Open connections, people's several ones counted each.
    pub connections: i64,
    /// People with at least one connection.
    pub people_here: i64,
    /// Batches of frames put into listeners' outboxes since the start.
    pub deliveries: i64,
    /// Seconds since the server was started.
    pub uptime_seconds: i64,
    /// The program's version.
    pub version: String,
    /// What the store holds.
    pub kept: chat::figures::Kept,
}

/// Where a dialect's clients carry their credential, besides the `Authorization` header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// Whether the header's scheme (`Bearer`) may not be left out.
    pub scheme_needed: bool,
    /// Whether a socket's handshake may have it in a subprotocol `bearer.<token>`.
    pub subprotocol: bool,
    /// Whether a socket's handshake may have it in `?token=`.
    pub in_query: bool,
    /// The cookie that may hold it.
    pub cookie: Option<&'static str>,
    /// Whether a handshake that was opened by a token is given the cookie, for clients that come back without.
    pub gives_cookie: bool,
}

/// Which conversations a connection hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hears {
    /// All of its person's.
    All,
    /// All of its person's but those that it turned off.
    AllBut,
    /// Those that it asked for.
    Chosen,
}

/// Which way of speaking a connection has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// Our own.
    Native,
    /// The first old door.
    ChatServer,
    /// The school messenger's.
    Dreametrix,
    /// The dating application's chat service.
    Matcha,
    /// The socket of the gateway in front of it. Its requests are those of [`Dialect::Matcha`].
    MatchaGateway,
}

impl Dialect {
    /// All dialects; the index of one is `dialect as usize`.
    pub const ALL: [Self; 5] = [Self::Native, Self::ChatServer, Self::Dreametrix, Self::Matcha, Self::MatchaGateway];

    /// Its name in logs, metrics and documents.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::ChatServer => "chat_server",
            Self::Dreametrix => "dreametrix",
            Self::Matcha => "matcha",
            Self::MatchaGateway => "matcha_gateway",
        }
    }

    /// Where its clients carry their credential.
    #[must_use]
    pub fn credentials(self) -> Credentials {
        let old = Credentials {
            scheme_needed: false,
            subprotocol: false,
            // Our own door takes no token in the URL, where it would end in logs.
            in_query: true,
            cookie: None,
            gives_cookie: false,
        };
        match self {
            Self::Native => Credentials { scheme_needed: true, subprotocol: true, in_query: false, ..old },
            Self::ChatServer => old,
            Self::Dreametrix => Credentials { cookie: Some(dreametrix::COOKIE), gives_cookie: true, ..old },
            Self::Matcha | Self::MatchaGateway => Credentials { cookie: Some(matcha::COOKIE), ..old },
        }
    }

    /// Refuses a request or handshake whose headers contradict its credential.
    ///
    /// # Errors
    /// `forbidden`.
    pub fn check_headers(self, speaker: &Speaker, header: rest::Headers<'_>) -> Result<(), Error> {
        match self {
            Self::Native | Self::ChatServer | Self::Dreametrix => Ok(()),
            Self::Matcha | Self::MatchaGateway => matcha::check_headers(speaker, header),
        }
    }

    /// Whether it says in which conversation somebody's presence is told. Where it does not, those who share several
    /// would hear the same several times.
    #[must_use]
    pub fn places_presence(self) -> bool {
        self == Self::Native
    }

    /// Which conversations its connections hear.
    #[must_use]
    pub fn hears(self) -> Hears {
        match self {
            Self::Native | Self::ChatServer | Self::Matcha => Hears::All,
            Self::Dreametrix => Hears::AllBut,
            Self::MatchaGateway => Hears::Chosen,
        }
    }

    /// What a connection is told first, once its handshake has let it in.
    #[must_use]
    pub fn greeting(self, speaker: &Speaker) -> Vec<Text> {
        match self {
            Self::Native | Self::ChatServer => Vec::new(),
            Self::Dreametrix => dreametrix::encode::greeting(speaker),
            Self::Matcha => matcha::encode::greeting(speaker),
            Self::MatchaGateway => matcha::gateway::encode::greeting(speaker),
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
            Self::Dreametrix => dreametrix::decode::decode(speaker, frame),
            Self::Matcha => matcha::decode::decode(speaker, frame),
            Self::MatchaGateway => matcha::gateway::decode::decode(speaker, frame),
        }
    }

    /// What a listener is told of a numbered event; nothing if this dialect has no word for it.
    /// Encoded once for all listeners of the dialect, whoever they are.
    #[must_use]
    pub fn event(self, place: &Place, event: &Event) -> Option<Text> {
        match self {
            Self::Native => Some(native::encode::event(event)),
            Self::ChatServer => chat_server::encode::event(place, event),
            Self::Dreametrix => dreametrix::encode::event(event),
            Self::Matcha => matcha::encode::event(event),
            Self::MatchaGateway => matcha::gateway::encode::event(event),
        }
    }

    /// Whether the connection that caused the event is told of it too.
    #[must_use]
    pub fn echoes(self, place: &Place, event: &Event) -> bool {
        match self {
            Self::ChatServer => chat_server::encode::echoes(place, event),
            Self::Native | Self::Dreametrix | Self::Matcha | Self::MatchaGateway => true,
        }
    }

    /// What a listener is told of a signal, frame by frame; nothing if this dialect has no word for it.
    #[must_use]
    pub fn signal(self, place: Option<&Place>, signal: &Signal) -> Vec<Text> {
        match self {
            Self::Native => vec![native::encode::signal(signal)],
            Self::ChatServer => chat_server::encode::signal(place, signal).into_iter().collect(),
            Self::Dreametrix => dreametrix::encode::signal(signal),
            Self::Matcha => matcha::encode::signal(signal),
            Self::MatchaGateway => matcha::gateway::encode::signal(signal),
        }
    }

    /// What a reconnected listener is told of what it missed; nothing if this dialect has no word for it.
    #[must_use]
    pub fn caught_up(self, conversation: ConversationId, caught_up: &chat::reply::CaughtUp) -> Option<Text> {
        match self {
            Self::Native => Some(native::encode::caught_up(conversation, caught_up)),
            Self::ChatServer | Self::Dreametrix | Self::Matcha | Self::MatchaGateway => None,
        }
    }

    /// How a refusal that answers no command is said (a frame too large, too many commands).
    #[must_use]
    pub fn refusal(self, error: &Error) -> Text {
        match self {
            Self::Native => native::encode::refusal(None, error),
            Self::ChatServer => chat_server::encode::refusal(error),
            Self::Dreametrix => dreametrix::encode::refusal(error),
            Self::Matcha => matcha::encode::refusal(error),
            Self::MatchaGateway => matcha::gateway::encode::refusal(error),
        }
    }

    /// Finds what a request's method and path (still percent-encoded) are for.
    ///
    /// # Errors
    /// `unknown_command` (404), `method_not_allowed` (405), or `malformed` (400) if the path is not UTF-8.
    pub fn route(self, method: &str, path: &str) -> Result<rest::Matched, rest::Misrouted> {
        use rest::{Found, InDialect};
        let found = match self {
            Self::Native => native::rest::route(method, path).map(InDialect::Native),
            Self::ChatServer => Found::among(chat_server::rest::ROUTES, method, path).map(InDialect::ChatServer),
            Self::Dreametrix => dreametrix::rest::route(method, path).map(InDialect::Dreametrix),
            Self::Matcha | Self::MatchaGateway => {
                Found::among(matcha::rest::ROUTES, method, path).map(InDialect::Matcha)
            }
        };
        found.map(rest::Matched)
    }

    /// How a request is refused: the media type, the status and the body.
    #[must_use]
    pub fn problem(self, error: &Error, request_id: Option<&str>) -> (&'static str, u16, String) {
        let (media_type, (status, body)) = match self {
            Self::Native => (native::rest::PROBLEM_TYPE, native::rest::problem(error, request_id)),
            Self::ChatServer => (rest::JSON, chat_server::rest::problem(error)),
            Self::Dreametrix => (rest::JSON, dreametrix::rest::problem(error)),
            Self::Matcha | Self::MatchaGateway => (rest::JSON, matcha::rest::problem(error)),
        };
        (media_type, status, body)
    }
}
