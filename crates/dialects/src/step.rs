//! A step: a dialect's request to the owner of the socket, and how it continues with the result.

use chat::{
    Command, ConversationId, Error, FileId, Number, Query, Reply, Visit,
    accounts::Speaker,
    files::{File, NewFile, Thumbnail, ThumbnailSize},
    messages::{Sent, Submission},
    sessions::Visited,
    uploads::{Checksum, Upload},
};

/// The text of one outgoing frame.
pub type Text = String;

/// A dialect's reaction to a frame: the next thing that it needs, and how it continues.
// A step lives briefly: boxing its rare large variant would gain nothing.
#[allow(clippy::large_enum_variant)]
pub enum Step {
    /// Send these frames; the step is over.
    Say(Vec<Text>),
    /// Execute this command, then continue with the result.
    Do(Box<Command>, Then<Reply>),
    /// Execute this query, then continue with the result.
    Ask(Query, Then<Reply>),
    /// Send this message. Separate from `Do` because sends are pipelined: the next frame is read while the commit is
    /// under way, so the continuation must be able to finish without further requests.
    Send(Submission, Box<dyn FnOnce(Result<Sent, Error>) -> Vec<Text> + Send>),
    /// Register, log in or refresh.
    Visit(Visit, Then<Visited>),
    /// End the speaker's own session.
    LogOut(Then<()>),
    /// Authenticate, and resume from these numbers. Without a token, the handshake's credential is used.
    Authenticate(Option<String>, Resume, Then<Welcome>),
    /// Get the description of this server.
    Server(Then<ServerInfo>),
    /// Get the server's public statistics.
    Statistics(Then<Statistics>),
    /// Get the server's statistics for administrators.
    AllStatistics(Then<AllStatistics>),
    /// Get the value of a cookie with which a browser reads files.
    FilesCookie(Then<String>),
    /// Get what a device may show of a message, with the ticket that stood in its push.
    OpenPush(String, Then<Reply>),
    /// Get the present time.
    Now(Then<chat::Millis>),
    /// Turn a conversation's messages on or off for this connection. Only for the dialects whose clients choose
    /// ([`Hears`](crate::dialect::Hears)); the choice gives no permission to read.
    Tune {
        /// The conversation; the dialect has queried it before, so the speaker is a member.
        conversation: ConversationId,
        /// Whether it is turned on.
        hears: bool,
        /// How the step continues.
        then: Then<()>,
    },
    /// Get the next piece of the request's body; `None` at its end. Only for requests that [read it in
    /// pieces](crate::rest::Takes::Pieces). What is not read waits with the sender.
    Piece(Then<Option<Vec<u8>>>),
    /// Make a file of the request's body. Only for requests that [take one](crate::rest::Takes::File). It is streamed to
    /// where files are kept, and waits for a message.
    Receive(NewFile, Then<File>),
    /// Go on with an upload from so many bytes, by the request's body, whose bytes must have the checksum if there is one.
    /// Only for requests that [take a file](crate::rest::Takes::File).
    Append {
        /// Which.
        upload: FileId,
        /// How many bytes have come of it.
        offset: i64,
        /// The checksum that the bytes must have.
        checksum: Option<Checksum>,
        /// How the step continues.
        then: Then<Upload>,
    },
    /// Open a picture in a size; a part of it can then be the answer. Only for requests.
    OpenThumbnail(FileId, ThumbnailSize, Then<Thumbnail>),
    /// Open a file that the speaker may read; a part of it can then be the answer
    /// ([`stored`](crate::rest::RestAnswer::stored)). Only for requests.
    Open(FileId, Then<File>),
    /// Open a picture that no message carries: of a person, a room, the server or an emoji. A stranger may open the
    /// server's only. Only for requests.
    OpenPicture(FileId, Then<File>),
    /// The frame is invalid: send these frames, and count it against the connection.
    Refuse(Vec<Text>),
}

impl Step {
    /// Whether its first request counts against the rate of messages.
    #[must_use]
    pub fn is_paced_as_a_message(&self) -> bool {
        match self {
            Self::Send(..) => true,
            Self::Do(command, _) => command.is_paced_as_a_message(),
            _ => false,
        }
    }
}

/// How a step continues with a result.
pub type Then<T> = Box<dyn FnOnce(Result<T, Error>) -> Step + Send>;

/// The numbers from which a client resumes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resume {
    /// The epoch of the database that the cursors belong to, if the client gives it.
    pub epoch: Option<String>,
    /// The last number of its account that it has seen, if it gives it.
    pub account: Option<Number>,
    /// The feature level of the native protocol that it was written for; 0 if it gives none.
    pub feature_level: i64,
    /// The last number that it has seen of each conversation.
    pub cursors: Vec<(ConversationId, Number)>,
}

/// The data of a successful authentication.
pub struct Welcome {
    /// The account.
    pub account: chat::accounts::Account,
    /// The speaker.
    pub speaker: Speaker,
    /// The description of this server.
    pub server: ServerInfo,
    /// The number after which live events of the account follow.
    pub account_seq: Number,
    /// Every conversation of the person, with the number after which live events follow.
    pub conversations: Vec<(ConversationId, Number)>,
}

/// The description of this server.
#[derive(Clone)]
pub struct ServerInfo {
    /// The server's name, from its configuration.
    pub name: String,
    /// The program's version.
    pub version: String,
    /// The epoch of the database; it changes when a backup is restored. Read on demand.
    pub epoch: String,
    /// The limits in force.
    pub limits: chat::Limits,
    /// Whether anybody may open an account.
    pub open_registration: bool,
    /// Whether the set-up secret is needed for creating the first administrator. Read on demand.
    pub needs_administrator: bool,
    /// Whether the playground is served.
    pub playground: bool,
    /// Whether previews of links are made.
    pub previews: bool,
    /// The server's picture, if it has one. Read on demand.
    pub avatar: Option<FileId>,
}

/// The server's public statistics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statistics {
    /// Open connections; several connections of one person count separately.
    pub connections: i64,
    /// People with at least one connection.
    pub people_here: i64,
    /// Messages since the database was created.
    pub messages: i64,
    /// Conversations.
    pub conversations: i64,
    /// Seconds since the server was started.
    pub uptime_seconds: i64,
    /// When something was last stored, if that is known.
    pub active_at: Option<chat::Millis>,
}

/// The server's statistics for administrators.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllStatistics {
    /// Open connections; several connections of one person count separately.
    pub connections: i64,
    /// People with at least one connection.
    pub people_here: i64,
    /// Batches of frames put into subscribers' outboxes since the start.
    pub deliveries: i64,
    /// Seconds since the server was started.
    pub uptime_seconds: i64,
    /// The program's version.
    pub version: String,
    /// Counts of what the store holds.
    pub kept: chat::statistics::Stored,
}
