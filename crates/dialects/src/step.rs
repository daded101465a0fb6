//! A step: what a dialect asks of whoever holds the socket, and what it is told in return.

use chat::{
    Command, ConversationId, Error, Number, Query, Reply, Visit,
    accounts::Speaker,
    messages::{Sent, Submission},
    sessions::Visited,
};

/// The text of one outgoing frame.
pub type Text = String;

/// What a dialect does with a frame that came in: the next thing it needs, and how it goes on.
// A step is made, matched and gone: boxing its rare large variant would buy nothing.
#[allow(clippy::large_enum_variant)]
pub enum Step {
    /// Say these frames, and the step is over.
    Say(Vec<Text>),
    /// Do this, then go on with the result.
    Do(Box<Command>, Then<Reply>),
    /// Ask this, then go on with the result.
    Ask(Query, Then<Reply>),
    /// Send this message. Apart from `Do` because sends are pipelined: the next frame is read while
    /// the commit is under way, so the continuation must be able to finish without asking more.
    Send(Submission, Box<dyn FnOnce(Result<Sent, Error>) -> Vec<Text> + Send>),
    /// Register, log in or refresh.
    Visit(Visit, Then<Visited>),
    /// End the speaker's own session.
    LogOut(Then<()>),
    /// Say who is speaking and where to resume from. Without a token the handshake's is meant.
    Authenticate(Option<String>, Resume, Then<Welcome>),
    /// Tell what server this is.
    Server(Then<ServerInfo>),
    /// Tell how the server is doing.
    Statistics(Then<Statistics>),
    /// Tell an administrator all about how the server is doing.
    AllStatistics(Then<AllStatistics>),
    /// Tell the time.
    Now(Then<chat::Millis>),
    /// From here on this connection hears the messages of this conversation, or does not. Only for the dialects
    /// whose clients choose ([`Hears`](crate::dialect::Hears)); what is heard is still what the person may read.
    Tune {
        /// Which conversation; the dialect has asked for it before, so that the speaker is a member.
        conversation: ConversationId,
        /// Whether to hear it.
        hears: bool,
        /// How the step goes on.
        then: Then<()>,
    },
    /// Give the next piece of the request's body; nothing once it has ended. Only for requests that
    /// [take it so](crate::rest::Takes::Pieces). What is not asked for waits with the sender.
    Piece(Then<Option<Vec<u8>>>),
    /// The frame was not understood: say these frames, and count it against the connection.
    Refuse(Vec<Text>),
}

impl Step {
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

/// How a step goes on once a result is there.
pub type Then<T> = Box<dyn FnOnce(Result<T, Error>) -> Step + Send>;

/// From where a client wants to resume.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resume {
    /// The history of the database of which the cursors are, if the client says so.
    pub epoch: Option<String>,
    /// The last number that it has seen of its account, if it says so.
    pub account: Option<Number>,
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
    /// The number from which live events of the account follow.
    pub account_seq: Number,
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
pub struct Statistics {
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
pub struct AllStatistics {
    /// Open connections, people's several ones counted each.
    pub connections: i64,
    /// People with at least one connection.
    pub people_here: i64,
    /// Batches of frames put into subscribers' outboxes since the start.
    pub deliveries: i64,
    /// Seconds since the server was started.
    pub uptime_seconds: i64,
    /// The program's version.
    pub version: String,
    /// What the store holds.
    pub kept: chat::statistics::Stored,
}
