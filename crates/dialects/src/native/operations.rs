//! The one table of all operations: the socket's commands, the REST interface and both documents are
//! made of it. An operation reads an input object and says what is to be done; how it is answered
//! follows from the reply.

use chat::{
    Command, ConversationId, Error, ErrorCode, MessageId, Number, Query, SessionId, UserId, Visit,
    accounts::{ProfileChange, Registration, Speaker},
    conversations,
    messages::{Anchor, Draft},
    receipts::Marker,
};
use serde::{
    Deserialize, Deserializer,
    de::{Error as _, MapAccess, Visitor},
};
use utoipa::ToSchema;

use super::{
    encode::{self, Answer},
    fields::{self, Integer, Key, Text},
    schemas::Shape,
    views,
};
use crate::{
    Resume, Turn,
    input::{given, nullable},
};

/// What may be asked of the server in one go.
pub struct Operation {
    /// The command's type on the socket.
    pub name: &'static str,
    /// What it does, in a line.
    pub summary: &'static str,
    /// Whether it needs somebody who has authenticated.
    pub speaker: bool,
    /// The answers' types on the socket, the usual one first.
    pub answers: &'static [&'static str],
    /// How it is asked for over REST; empty for what only a socket needs.
    pub routes: &'static [Route],
    /// The input object.
    pub input: Shape,
    /// The answers' objects, in the order of `answers`.
    pub outputs: &'static [Shape],
    /// Reads the input object.
    pub(crate) read: fn(&str) -> Result<Asked, Error>,
}

/// A method and a path of the REST interface.
pub struct Route {
    /// The method.
    pub method: &'static str,
    /// The path, with placeholders: `/v1/users/{user}`.
    pub path: &'static str,
    /// The status of success.
    pub status: u16,
    /// The path's placeholders: the input fields that they stand for.
    pub path_fields: &'static [(&'static str, &'static str, ParameterKind)],
    /// Query parameters; each is an input field of the same name.
    pub query: &'static [(&'static str, ParameterKind)],
    /// Whether an `Idempotency-Key` header stands for the field `client_id`.
    pub idempotency_key: bool,
}

/// What a path or query parameter holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParameterKind {
    /// A whole number.
    Integer,
    /// A text.
    Text,
    /// `true` or `false`.
    Boolean,
    /// Whole numbers with commas between them.
    Integers,
}

/// What an input object asks for.
pub(crate) enum Asked {
    Do(Command),
    Ask(Query),
    Send(Draft),
    Visit(Visit),
    LogOut,
    Authenticate(Option<String>, Resume),
    Server,
    Figures,
    Pong,
}

impl Operation {
    /// The operation of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        OPERATIONS.iter().find(|operation| operation.name == name)
    }

    /// Reads the input and says what is to be done; `end` makes of the answer what ends the turn.
    ///
    /// # Errors
    /// Why the input is not acceptable, or that nobody has authenticated.
    pub(crate) fn turn<E>(&'static self, speaker: Option<&Speaker>, input: &str, end: E) -> Result<Turn, Error>
    where
        E: FnOnce(Result<Answer, Error>) -> Vec<crate::Text> + Send + 'static,
    {
        if self.speaker && speaker.is_none() {
            return Err(Error::new(ErrorCode::Unauthenticated, format!("{} needs a valid credential.", self.name)));
        }
        let session = speaker.and_then(|speaker| speaker.session);
        let one_room = self.name == "room.get";
        Ok(match (self.read)(input)? {
            Asked::Do(command) => Turn::Do(
                Box::new(command),
                Box::new(move |reply| Turn::Say(end(reply.and_then(|r| encode::answer(&r, session, one_room))))),
            ),
            Asked::Ask(query) => Turn::Ask(
                query,
                Box::new(move |reply| Turn::Say(end(reply.and_then(|r| encode::answer(&r, session, one_room))))),
            ),
            Asked::Send(draft) => Turn::Send(
                draft,
                Box::new(move |sent| {
                    end(sent.map(|sent| Answer::new("message.sent", &views::MessageSent::from(&sent))))
                }),
            ),
            Asked::Visit(visit) => Turn::Visit(
                visit,
                Box::new(move |tokens| {
                    Turn::Say(end(tokens.map(|tokens| Answer::new("tokens", &views::Tokens::from(&tokens)))))
                }),
            ),
            Asked::LogOut => {
                Turn::LogOut(Box::new(move |done| Turn::Say(end(done.map(|()| Answer::new("done", &views::Done {}))))))
            }
            Asked::Authenticate(token, resume) => Turn::Authenticate(
                token,
                resume,
                Box::new(move |welcome| {
                    Turn::Say(end(welcome.map(|w| Answer::new("authenticated", &views::Authenticated::from(&w)))))
                }),
            ),
            Asked::Server => Turn::Server(Box::new(move |server| {
                Turn::Say(end(server.map(|server| Answer::new("server", &views::Server::from(&server)))))
            })),
            Asked::Figures => Turn::AllFigures(Box::new(move |figures| {
                Turn::Say(end(figures.map(|figures| Answer::new("figures", &views::Figures::from(&figures)))))
            })),
            Asked::Pong => Turn::Say(end(Ok(Answer::new("pong", &views::Done {})))),
        })
    }
}

const fn route(
    method: &'static str,
    path: &'static str,
    status: u16,
    path_fields: &'static [(&'static str, &'static str, ParameterKind)],
    query: &'static [(&'static str, ParameterKind)],
) -> Route {
    Route { method, path, status, path_fields, query, idempotency_key: false }
}

const fn idempotent(route: Route) -> Route {
    Route { idempotency_key: true, ..route }
}

use ParameterKind::{Integer as INT, Integers as INTS, Text as TEXT};

type PathField = (&'static str, &'static str, ParameterKind);
const CONVERSATION: PathField = ("conversation", "conversation", INT);
const USER: PathField = ("user", "user", INT);
const SEQ: PathField = ("message", "seq", INT);
const PAGE: &[(&str, ParameterKind)] = &[("cursor", TEXT), ("limit", INT)];
const FOUND: &[(&str, ParameterKind)] = &[("prefix", TEXT), ("cursor", TEXT), ("limit", INT)];

macro_rules! operations {
    ($($name:literal $who:ident [$($answer:literal $output:ty),*] $summary:literal $routes:tt
       ($input:ty) $read:expr;)*) => {
        /// All operations, in the order of the protocol's page.
        pub static OPERATIONS: &[Operation] = &[$(Operation {
            name: $name,
            summary: $summary,
            speaker: operations!(@who $who),
            answers: &[$($answer),*],
            routes: &$routes,
            input: Shape::of::<$input>(),
            outputs: &[$(Shape::of::<$output>()),*],
            read: |text| {
                let read: fn($input) -> Result<Asked, Error> = $read;
                read(crate::input::read::<$input>(text)?)
            },
        },)*];
    };
    (@who anyone) => { false };
    (@who member) => { true };
}

fn ask(query: Query) -> Result<Asked, Error> {
    Ok(Asked::Ask(query))
}

fn order(command: Command) -> Result<Asked, Error> {
    Ok(Asked::Do(command))
}

operations! {
    "authenticate" anyone ["authenticated" views::Authenticated<'static>]
        "Say who is speaking and from where to resume; the first command on every socket." []
        (Authenticate) |i| Ok(Asked::Authenticate(i.token.map(|t| t.0), Resume { epoch: i.epoch.map(|e| e.0), cursors: i.cursors.0 }));
    "ping" anyone ["pong" views::Done]
        "Ask for a sign of life." []
        (Nothing) |_| Ok(Asked::Pong);
    "server.get" anyone ["server" views::Server<'static>]
        "What server this is, and its limits." [route("GET", "/v1/server", 200, &[], &[])]
        (Nothing) |_| Ok(Asked::Server);
    "server.figures" member ["figures" views::Figures<'static>]
        "How the server is doing. Administrators only." [route("GET", "/v1/server/figures", 200, &[], &[])]
        (Nothing) |_| Ok(Asked::Figures);
    "account.register" anyone ["tokens" views::Tokens<'static>]
        "Open an account." [route("POST", "/v1/accounts", 201, &[], &[])]
        (Register) |i| Ok(Asked::Visit(Visit::Register(Box::new(i.into()))));
    "account.list" member ["accounts" views::Accounts<'static>]
        "Accounts, deactivated ones too. Administrators only."
        [route("GET", "/v1/accounts", 200, &[], &[("search", TEXT), ("cursor", TEXT), ("limit", INT)])]
        (FindAccounts) |i| ask(Query::Accounts {
            search: i.search.map(|search| search.0).unwrap_or_default(),
            after: id_cursor(i.cursor)?,
            limit: page_limit(i.limit)?,
        });
    "session.create" anyone ["tokens" views::Tokens<'static>]
        "Log in." [route("POST", "/v1/sessions", 201, &[], &[])]
        (LogIn) |i| Ok(Asked::Visit(Visit::LogIn { name: i.username.0, password: i.password.0 }));
    "session.refresh" anyone ["tokens" views::Tokens<'static>]
        "Trade a refresh token for a new pair of tokens." [route("POST", "/v1/sessions/refresh", 200, &[], &[])]
        (Refresh) |i| Ok(Asked::Visit(Visit::Refresh { token: i.refresh_token.0 }));
    "session.list" member ["sessions" views::Sessions<'static>]
        "The speaker's own sessions." [route("GET", "/v1/sessions", 200, &[], &[])]
        (Nothing) |_| ask(Query::Sessions);
    "session.logout" member ["done" views::Done]
        "End the session that asks." [route("DELETE", "/v1/sessions/current", 204, &[], &[])]
        (Nothing) |_| Ok(Asked::LogOut);
    "session.end" member ["done" views::Done]
        "End one of the speaker's own sessions."
        [route("DELETE", "/v1/sessions/{session}", 204, &[("session", "session", INT)], &[])]
        (OfSession) |i| order(Command::EndSession(SessionId(i.session.0)));
    "account.get" member ["account" views::Account<'static>]
        "The speaker's own account." [route("GET", "/v1/users/me", 200, &[], &[])]
        (Nothing) |_| ask(Query::Me);
    "account.update" member ["account" views::Account<'static>]
        "Change the own profile: absent fields stay, null clears." [route("PATCH", "/v1/users/me", 200, &[], &[])]
        (UpdateAccount) |i| order(Command::UpdateProfile(i.into()));
    "account.password" member ["done" views::Done]
        "Change the own password; ends all other sessions." [route("PUT", "/v1/users/me/password", 204, &[], &[])]
        (ChangePassword) |i| order(Command::ChangePassword { current: i.current.0, new: i.new.0 });
    "presence.set" member ["done" views::Done]
        "Be online, away, busy or invisible." [route("PUT", "/v1/users/me/presence", 204, &[], &[])]
        (SetPresence) |i| order(Command::SetPresence(i.presence.0));
    "presence.get" member ["presence" views::Presences]
        "Who is here, of these people." [route("GET", "/v1/presence", 200, &[], &[("users", INTS)])]
        (GetPresence) |i| ask(Query::Presence(i.users.iter().map(|id| UserId(id.0)).collect()));
    "user.get" member ["user" views::User<'static>]
        "Somebody's public profile." [route("GET", "/v1/users/{user}", 200, &[USER], &[])]
        (OfUser) |i| ask(Query::User(UserId(i.user.0)));
    "user.list" member ["users" views::Users<'static>]
        "People whose name begins with a text, or those of some ids."
        [route("GET", "/v1/users", 200, &[], &[("users", INTS), ("prefix", TEXT), ("cursor", TEXT), ("limit", INT)])]
        (FindUsers) FindUsers::asked;
    "user.role" member ["account" views::Account<'static>]
        "Give an account another role on the server. Administrators only."
        [route("PUT", "/v1/users/{user}/role", 200, &[USER], &[])]
        (SetServerRole) |i| order(Command::SetServerRole { user: UserId(i.user.0), role: i.role.0 });
    "user.active" member ["account" views::Account<'static>]
        "Deactivate an account or bring it back. Administrators only."
        [route("PUT", "/v1/users/{user}/active", 200, &[USER], &[])]
        (SetActive) |i| order(Command::SetActive { user: UserId(i.user.0), active: i.active });
    "conversation.create" member ["conversation" views::Conversation<'static>]
        "Open a room or a group, or get the direct conversation with somebody."
        [idempotent(route("POST", "/v1/conversations", 201, &[], &[]))]
        (CreateConversation) CreateConversation::asked;
    "conversation.list" member ["conversations" views::Conversations<'static>]
        "The speaker's conversations, most recently active first."
        [route("GET", "/v1/conversations", 200, &[], PAGE)]
        (Page) |i| ask(Query::Conversations { after: position_cursor(i.cursor)?, limit: page_limit(i.limit)? });
    "conversation.get" member ["conversation" views::Conversation<'static>]
        "One conversation, as its members see it."
        [route("GET", "/v1/conversations/{conversation}", 200, &[CONVERSATION], &[])]
        (OfConversation) |i| ask(Query::Conversation(i.id()));
    "conversation.update" member ["conversation" views::Conversation<'static>]
        "Rename, describe, open or close a room or group: absent fields stay."
        [route("PATCH", "/v1/conversations/{conversation}", 200, &[CONVERSATION], &[])]
        (UpdateConversation) |i| order(i.into());
    "conversation.join" member ["conversation" views::Conversation<'static>]
        "Enter a public room, or come back to where one left and is wanted." [route("POST", "/v1/conversations/{conversation}/join", 200, &[CONVERSATION], &[])]
        (OfConversation) |i| order(Command::JoinConversation(i.id()));
    "conversation.leave" member ["done" views::Done]
        "Leave a room or a group." [route("POST", "/v1/conversations/{conversation}/leave", 204, &[CONVERSATION], &[])]
        (OfConversation) |i| order(Command::LeaveConversation(i.id()));
    "conversation.hide" member ["done" views::Done]
        "Take a conversation out of one's own list until something happens in it."
        [route("POST", "/v1/conversations/{conversation}/hide", 204, &[CONVERSATION], &[])]
        (OfConversation) |i| order(Command::HideConversation(i.id()));
    "conversation.sync" member ["conversation.changes" views::Changes<'static>]
        "Everything that has changed since a number."
        [route("GET", "/v1/conversations/{conversation}/changes", 200, &[CONVERSATION], &[("since", INT)])]
        (SyncConversation) |i| ask(Query::CatchUp { conversation: ConversationId(i.conversation.0), since: Number(i.since.0) });
    "room.list" member ["rooms" views::Rooms<'static>]
        "Public rooms, by name." [route("GET", "/v1/rooms", 200, &[], FOUND)]
        (Find) |i| ask(Query::Discover {
            prefix: i.prefix(),
            after: i.cursor.map(|c| c.0),
            limit: page_limit(i.limit)?,
        });
    "room.get" member ["conversation" views::Conversation<'static>, "room" views::Room<'static>]
        "A room by its name: as a member sees it, or as others find it."
        [route("GET", "/v1/rooms/{name}", 200, &[("name", "name", TEXT)], &[])]
        (OfName) |i| ask(Query::RoomByName(i.name.0));
    "direct.get" member ["conversation" views::Conversation<'static>]
        "The direct conversation with somebody, if there is one: asking opens none."
        [route("GET", "/v1/users/{user}/conversation", 200, &[USER], &[])]
        (OfUser) |i| ask(Query::DirectWith(UserId(i.user.0)));
    "member.list" member ["members" views::Members<'static>]
        "The members of a conversation."
        [route("GET", "/v1/conversations/{conversation}/members", 200, &[CONVERSATION], PAGE)]
        (MembersPage) |i| ask(Query::Members {
            conversation: ConversationId(i.conversation.0),
            after: id_cursor(i.cursor)?,
            limit: page_limit(i.limit)?,
        });
    "member.add" member ["member" views::Member<'static>]
        "Bring somebody into a room or group."
        [route("POST", "/v1/conversations/{conversation}/members", 201, &[CONVERSATION], &[])]
        (OfMember) |i| order(Command::AddMember { conversation: i.place(), user: i.user() });
    "member.update" member ["member" views::Member<'static>]
        "Give a member another role."
        [route("PATCH", "/v1/conversations/{conversation}/members/{user}", 200, &[CONVERSATION, USER], &[])]
        (SetRole) |i| order(Command::SetMemberRole {
            conversation: ConversationId(i.conversation.0),
            user: UserId(i.user.0),
            role: i.role.0,
        });
    "member.remove" member ["done" views::Done]
        "Put somebody out of a room or group."
        [route("DELETE", "/v1/conversations/{conversation}/members/{user}", 204, &[CONVERSATION, USER], &[])]
        (OfMember) |i| order(Command::RemoveMember { conversation: i.place(), user: i.user() });
    "message.send" member ["message.sent" views::MessageSent<'static>]
        "Say something. With a client id it can be repeated without harm."
        [
            idempotent(route("POST", "/v1/conversations/{conversation}/messages", 201, &[CONVERSATION], &[])),
            route(
                "PUT",
                "/v1/conversations/{conversation}/messages/{message}",
                201,
                &[CONVERSATION, ("message", "client_id", TEXT)],
                &[],
            ),
        ]
        (SendMessage) |i| Ok(Asked::Send(i.into()));
    "message.history" member ["history" views::History<'static>]
        "A page of messages: the newest, or those before, after or around a number."
        [route(
            "GET",
            "/v1/conversations/{conversation}/messages",
            200,
            &[CONVERSATION],
            &[("before_seq", INT), ("after_seq", INT), ("around_seq", INT), ("limit", INT)],
        )]
        (History) History::asked;
    "message.get" member ["message" views::Message<'static>]
        "One message."
        [route("GET", "/v1/conversations/{conversation}/messages/{message}", 200, &[CONVERSATION, SEQ], &[])]
        (OfMessage) |i| ask(Query::Message { conversation: i.place(), seq: i.seq() });
    "message.find" member ["message" views::Message<'static>]
        "One message, by its id alone."
        [route("GET", "/v1/messages/{message}", 200, &[("message", "message", INT)], &[])]
        (FindMessage) |i| ask(Query::MessageById(MessageId(i.message.0)));
    "message.edit" member ["message" views::Message<'static>]
        "Change the text of an own message."
        [route("PATCH", "/v1/conversations/{conversation}/messages/{message}", 200, &[CONVERSATION, SEQ], &[])]
        (Edit) |i| order(Command::EditMessage {
            conversation: ConversationId(i.conversation.0),
            seq: Number(i.seq.0),
            text: i.text.0,
        });
    "message.delete" member ["message" views::Message<'static>]
        "Turn a message into a tombstone."
        [route("DELETE", "/v1/conversations/{conversation}/messages/{message}", 200, &[CONVERSATION, SEQ], &[])]
        (OfMessage) |i| order(Command::DeleteMessage { conversation: i.place(), seq: i.seq() });
    "reaction.add" member ["message" views::Message<'static>]
        "React to a message; repeating it changes nothing."
        [route(
            "PUT",
            "/v1/conversations/{conversation}/messages/{message}/reactions/{emoji}",
            200,
            &[CONVERSATION, SEQ, ("emoji", "emoji", TEXT)],
            &[],
        )]
        (React) |i| order(Command::AddReaction {
            conversation: ConversationId(i.conversation.0),
            seq: Number(i.seq.0),
            emoji: i.emoji.0,
        });
    "reaction.remove" member ["message" views::Message<'static>]
        "Take an own reaction back; repeating it changes nothing."
        [route(
            "DELETE",
            "/v1/conversations/{conversation}/messages/{message}/reactions/{emoji}",
            200,
            &[CONVERSATION, SEQ, ("emoji", "emoji", TEXT)],
            &[],
        )]
        (React) |i| order(Command::RemoveReaction {
            conversation: ConversationId(i.conversation.0),
            seq: Number(i.seq.0),
            emoji: i.emoji.0,
        });
    "marker.read" member ["marker" views::Marker]
        "Everything up to here was read."
        [route("PUT", "/v1/conversations/{conversation}/read", 200, &[CONVERSATION], &[])]
        (OfMessage) |i| order(Command::Mark { conversation: i.place(), marker: Marker::Read, seq: i.seq() });
    "marker.delivered" member ["marker" views::Marker]
        "Everything up to here has reached a device."
        [route("PUT", "/v1/conversations/{conversation}/delivered", 200, &[CONVERSATION], &[])]
        (OfMessage) |i| order(Command::Mark { conversation: i.place(), marker: Marker::Delivered, seq: i.seq() });
    "marker.list" member ["markers" views::Markers]
        "How far the members have read."
        [route("GET", "/v1/conversations/{conversation}/markers", 200, &[CONVERSATION], &[])]
        (OfConversation) |i| ask(Query::Markers(i.id()));
    "typing.set" member ["done" views::Done]
        "Tell the others that one is writing, or has stopped; it ends by itself."
        [route("PUT", "/v1/conversations/{conversation}/typing", 204, &[CONVERSATION], &[])]
        (SetTyping) |i| order(Command::Typing { conversation: ConversationId(i.conversation.0), typing: i.typing });
}

/// How many entries a page has if nothing is asked for.
const PAGE_LENGTH: i64 = 50;

/// How many entries are wanted. The engine knows the most that it gives.
fn page_limit(limit: Option<Integer>) -> Result<i64, Error> {
    match limit {
        None => Ok(PAGE_LENGTH),
        Some(Integer(0)) => Err(Error::invalid("limit", "limit must be at least 1.")),
        Some(Integer(limit)) => Ok(limit),
    }
}

fn strange_cursor() -> Error {
    Error::invalid("cursor", "cursor is not one that this server gave.")
}

/// Digits of a number in a cursor. The server gives none that is longer.
const CURSOR_DIGITS: usize = 15;

fn id_cursor(cursor: Option<Text>) -> Result<Option<UserId>, Error> {
    let number = |text: &str| views::number(text).filter(|_| text.len() <= CURSOR_DIGITS);
    cursor.map(|Text(text)| number(&text).map(UserId).ok_or_else(strange_cursor)).transpose()
}

fn position_cursor(cursor: Option<Text>) -> Result<Option<chat::query::ListPosition>, Error> {
    let short = |text: &str| text.split('-').all(|part| part.len() <= CURSOR_DIGITS);
    let position = |text: &str| views::position_of(text).filter(|_| short(text));
    cursor.map(|Text(text)| position(&text).ok_or_else(strange_cursor)).transpose()
}

/// No fields.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// Who is speaking, and from where to resume.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Authenticate {
    /// The access token; absent if the handshake had it.
    token: Option<Text>,
    /// The `epoch` with which the cursors were told; if it is not the server's any more, each is answered by a reset.
    epoch: Option<Text>,
    /// For each conversation (its id as the key) the last number that the client has seen.
    #[serde(default)]
    #[schema(value_type = Option<std::collections::BTreeMap<String, Integer>>)]
    cursors: Cursors,
}

#[derive(Default)]
struct Cursors(Vec<(ConversationId, Number)>);

impl<'de> Deserialize<'de> for Cursors {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Cursors;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object of conversation ids and numbers")
            }

            fn visit_unit<E: serde::de::Error>(self) -> Result<Cursors, E> {
                Ok(Cursors::default())
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Cursors, A::Error> {
                let mut cursors = Vec::new();
                while let Some((key, Integer(since))) = map.next_entry::<String, Integer>()? {
                    let id = views::number(&key)
                        .ok_or_else(|| A::Error::custom("must have ids of conversations as its keys"))?;
                    cursors.push((ConversationId(id), Number(since)));
                }
                Ok(Cursors(cursors))
            }
        }
        deserializer.deserialize_any(Entries)
    }
}

macro_rules! with_profile {
    ($(#[$doc:meta])* struct $name:ident { $($extra:tt)* }) => {
        $(#[$doc])*
        #[derive(Deserialize, ToSchema)]
        #[serde(deny_unknown_fields)]
        struct $name {
            $($extra)*
            /// The name shown to others.
            #[serde(default, deserialize_with = "nullable")]
            #[schema(value_type = Option<Text>)]
            display_name: Option<Option<Text>>,
            /// Given name.
            #[serde(default, deserialize_with = "nullable")]
            #[schema(value_type = Option<Text>)]
            first_name: Option<Option<Text>>,
            /// Family name.
            #[serde(default, deserialize_with = "nullable")]
            #[schema(value_type = Option<Text>)]
            last_name: Option<Option<Text>>,
            /// Date of birth, `YYYY-MM-DD`.
            #[serde(default, deserialize_with = "nullable")]
            #[schema(value_type = Option<Text>)]
            birth_date: Option<Option<Text>>,
            /// What the person does.
            #[serde(default, deserialize_with = "nullable")]
            #[schema(value_type = Option<Text>)]
            profession: Option<Option<Text>>,
            /// Where the person lives.
            #[serde(default, deserialize_with = "nullable")]
            #[schema(value_type = Option<Text>)]
            city: Option<Option<Text>>,
            /// Preferred language, a BCP 47 tag.
            #[serde(default, deserialize_with = "nullable")]
            #[schema(value_type = Option<Text>)]
            language: Option<Option<Text>>,
            /// IANA time zone.
            #[serde(default, deserialize_with = "nullable")]
            #[schema(value_type = Option<Text>)]
            time_zone: Option<Option<Text>>,
            /// A line that the person shows to others.
            #[serde(default, deserialize_with = "nullable")]
            #[schema(value_type = Option<Text>)]
            status_message: Option<Option<Text>>,
        }

        impl $name {
            /// Takes the profile's fields out.
            fn profile(&mut self) -> ProfileChange {
                let take = |field: &mut Option<Option<Text>>| field.take().map(|value| value.map(|text| text.0));
                ProfileChange {
                    display_name: take(&mut self.display_name),
                    first_name: take(&mut self.first_name),
                    last_name: take(&mut self.last_name),
                    birth_date: take(&mut self.birth_date),
                    profession: take(&mut self.profession),
                    city: take(&mut self.city),
                    language: take(&mut self.language),
                    time_zone: take(&mut self.time_zone),
                    status_message: take(&mut self.status_message),
                }
            }
        }
    };
}

with_profile! {
    /// What is needed to open an account.
    struct Register {
        /// 3 to 50 of `a-z A-Z 0-9 _ -`; never changes.
        username: Text,
        /// 8 to 256 characters.
        password: Text,
        /// A mail address, unique on the server.
        email: Option<Text>,
        /// The one-time secret that makes the first administrator.
        setup_secret: Option<Text>,
    }
}

with_profile! {
    /// What is to change in the profile.
    struct UpdateAccount {}
}

impl From<Register> for Registration {
    fn from(mut register: Register) -> Self {
        let profile = register.profile();
        Self {
            username: register.username.0,
            password: register.password.0,
            email: register.email.map(|email| email.0),
            profile,
            setup_secret: register.setup_secret.map(|secret| secret.0),
        }
    }
}

impl From<UpdateAccount> for ProfileChange {
    fn from(mut update: UpdateAccount) -> Self {
        update.profile()
    }
}

/// Name and password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct LogIn {
    /// Username or mail address.
    username: Text,
    /// The password.
    password: Text,
}

/// A refresh token.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Refresh {
    /// The token; it is used up.
    refresh_token: Text,
}

/// A session.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct OfSession {
    /// Which.
    session: Integer,
}

/// The old and the new password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangePassword {
    /// The present password.
    current: Text,
    /// The new one, 8 to 256 characters.
    new: Text,
}

/// A presence.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SetPresence {
    /// How to be shown.
    presence: fields::Presence,
}

/// Some people.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct GetPresence {
    /// Whom.
    users: Vec<Integer>,
}

/// A person.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct OfUser {
    /// Whom.
    user: Integer,
}

/// The beginning of a name, and which page.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Find {
    /// Beginning of the name; all if absent.
    prefix: Option<Text>,
    /// The previous page's `next_cursor`.
    cursor: Option<Text>,
    /// How many; 50 if absent.
    limit: Option<Integer>,
}

impl Find {
    fn prefix(&self) -> String {
        self.prefix.as_ref().map(|prefix| prefix.0.clone()).unwrap_or_default()
    }
}

/// People by the beginning of their name and which page of them, or by their ids.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct FindUsers {
    /// Those of these ids, and nobody else; without the other fields.
    users: Option<Vec<Integer>>,
    /// Beginning of the name; all if absent.
    prefix: Option<Text>,
    /// The previous page's `next_cursor`.
    cursor: Option<Text>,
    /// How many; 50 if absent.
    limit: Option<Integer>,
}

impl FindUsers {
    fn asked(self) -> Result<Asked, Error> {
        let Some(users) = self.users else {
            return ask(Query::Users {
                prefix: self.prefix.map(|prefix| prefix.0).unwrap_or_default(),
                after: id_cursor(self.cursor)?,
                limit: page_limit(self.limit)?,
            });
        };
        let others =
            [("prefix", self.prefix.is_some()), ("cursor", self.cursor.is_some()), ("limit", self.limit.is_some())];
        if let Some((other, _)) = others.iter().find(|(_, given)| *given) {
            return Err(Error::invalid(other, format!("{other} does not go with users.")));
        }
        ask(Query::UsersById(users.iter().map(|id| UserId(id.0)).collect()))
    }
}

/// What accounts are looked for by, and which page.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct FindAccounts {
    /// Beginning of the username, the mail address, or the display, first or last name, in any case; all if absent.
    search: Option<Text>,
    /// The previous page's `next_cursor`.
    cursor: Option<Text>,
    /// How many; 50 if absent.
    limit: Option<Integer>,
}

/// Which page of a list.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Page {
    /// The previous page's `next_cursor`.
    cursor: Option<Text>,
    /// How many; 50 if absent.
    limit: Option<Integer>,
}

/// An account and its role.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SetServerRole {
    /// Whom.
    user: Integer,
    /// The new role.
    role: fields::ServerRole,
}

/// An account, and whether it may be used.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SetActive {
    /// Whom.
    user: Integer,
    /// False deactivates it.
    active: bool,
}

/// A room, a group or a direct conversation. Which fields there are depends on the kind.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CreateConversation {
    /// What sort of conversation it is to be.
    kind: fields::Kind,
    /// Rooms: the unique name, required. Groups: a name, if it is to have one.
    name: Option<Text>,
    /// Rooms: what it is about.
    topic: Option<Text>,
    /// Rooms: who may find and enter it; `public` if absent.
    visibility: Option<fields::Visibility>,
    /// Groups: who else is in it, required.
    members: Option<Vec<Integer>>,
    /// Direct: the other person, required.
    user: Option<Integer>,
    /// Makes a repeat harmless.
    client_id: Option<Key>,
}

impl CreateConversation {
    fn asked(self) -> Result<Asked, Error> {
        use conversations::{Kind, Visibility};
        let kind = self.kind.0;
        let there = [
            ("name", self.name.is_some(), kind != Kind::Direct),
            ("topic", self.topic.is_some(), kind == Kind::Room),
            ("visibility", self.visibility.is_some(), kind == Kind::Room),
            ("members", self.members.is_some(), kind == Kind::Group),
            ("user", self.user.is_some(), kind == Kind::Direct),
        ];
        if let Some((field, ..)) = there.iter().find(|(_, given, fitting)| *given && !fitting) {
            let detail = format!("{field} does not belong to a conversation of kind {}.", kind.name());
            return Err(Error::invalid(field, detail));
        }
        let missing = |field: &str| Error::invalid(field, format!("{field} is missing."));
        let client_id = self.client_id.map(|key| key.0);
        order(match kind {
            Kind::Room => Command::CreateRoom {
                name: self.name.ok_or_else(|| missing("name"))?.0,
                topic: self.topic.map(|topic| topic.0),
                visibility: self.visibility.map_or(Visibility::Public, |visibility| visibility.0),
                client_id,
            },
            Kind::Group => Command::CreateGroup {
                name: self.name.map(|name| name.0),
                members: self.members.ok_or_else(|| missing("members"))?.iter().map(|id| UserId(id.0)).collect(),
                client_id,
            },
            // One per pair: a repeat is harmless without a client id.
            Kind::Direct => Command::OpenDirect { user: UserId(self.user.ok_or_else(|| missing("user"))?.0) },
        })
    }
}

/// A conversation.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct OfConversation {
    /// Which.
    conversation: Integer,
}

impl OfConversation {
    fn id(&self) -> ConversationId {
        ConversationId(self.conversation.0)
    }
}

/// What is to change in a conversation.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct UpdateConversation {
    /// Which.
    conversation: Integer,
    /// The new name.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Text, required = false)]
    name: Option<Text>,
    /// The new topic; null clears it.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<Text>)]
    topic: Option<Option<Text>>,
    /// Rooms only.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = fields::Visibility, required = false)]
    visibility: Option<fields::Visibility>,
}

impl From<UpdateConversation> for Command {
    fn from(update: UpdateConversation) -> Self {
        Self::UpdateConversation {
            conversation: ConversationId(update.conversation.0),
            name: update.name.map(|name| name.0),
            topic: update.topic.map(|topic| topic.map(|text| text.0)),
            visibility: update.visibility.map(|visibility| visibility.0),
        }
    }
}

/// A conversation and a number.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SyncConversation {
    /// Which.
    conversation: Integer,
    /// The last number that the client has seen.
    since: Integer,
}

/// A room's name.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct OfName {
    /// The name, in any case.
    name: Text,
}

/// A conversation, and which page of its members.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct MembersPage {
    /// Which.
    conversation: Integer,
    /// The previous page's `next_cursor`.
    cursor: Option<Text>,
    /// How many; 50 if absent.
    limit: Option<Integer>,
}

/// A conversation and a person.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct OfMember {
    /// Where.
    conversation: Integer,
    /// Whom.
    user: Integer,
}

impl OfMember {
    fn place(&self) -> ConversationId {
        ConversationId(self.conversation.0)
    }

    fn user(&self) -> UserId {
        UserId(self.user.0)
    }
}

/// A member and their role.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SetRole {
    /// Where.
    conversation: Integer,
    /// Whom.
    user: Integer,
    /// The new role.
    role: fields::Role,
}

/// A message that is to be sent.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SendMessage {
    /// Where.
    conversation: Integer,
    /// Chosen by the client; makes a repeat harmless for ever.
    client_id: Option<Key>,
    /// What the text is about; `text` if absent.
    message_type: Option<fields::MessageType>,
    /// The text.
    text: Text,
    /// The `seq` of the message that it answers.
    parent: Option<Integer>,
}

impl From<SendMessage> for Draft {
    fn from(send: SendMessage) -> Self {
        Self {
            conversation: ConversationId(send.conversation.0),
            client_id: send.client_id.map(|key| key.0),
            message_type: send.message_type.map(|kind| kind.0).unwrap_or_default(),
            text: send.text.0,
            parent: send.parent.map(|seq| Number(seq.0)),
        }
    }
}

/// A conversation, and which part of its history. At most one of the three numbers.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct History {
    /// Where.
    conversation: Integer,
    /// The messages just before this number; without the other two.
    before_seq: Option<Integer>,
    /// The messages just after this number; without the other two.
    after_seq: Option<Integer>,
    /// The messages on both sides of this number; without the other two.
    around_seq: Option<Integer>,
    /// How many; 50 if absent.
    limit: Option<Integer>,
}

impl History {
    fn asked(self) -> Result<Asked, Error> {
        let anchor = match (self.before_seq, self.after_seq, self.around_seq) {
            (None, None, None) => Anchor::Latest,
            (Some(seq), None, None) => Anchor::Before(Number(seq.0)),
            (None, Some(seq), None) => Anchor::After(Number(seq.0)),
            (None, None, Some(seq)) => Anchor::Around(Number(seq.0)),
            (_, second, third) => {
                let field = if third.is_some() && second.is_none() { "around_seq" } else { "after_seq" };
                return Err(Error::invalid(field, "Only one of before_seq, after_seq and around_seq may be given."));
            }
        };
        ask(Query::History {
            conversation: ConversationId(self.conversation.0),
            anchor,
            limit: page_limit(self.limit)?,
        })
    }
}

/// A message, by its id.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct FindMessage {
    /// Which.
    message: Integer,
}

/// A message, by its place.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct OfMessage {
    /// Where.
    conversation: Integer,
    /// Which.
    seq: Integer,
}

impl OfMessage {
    fn place(&self) -> ConversationId {
        ConversationId(self.conversation.0)
    }

    fn seq(&self) -> Number {
        Number(self.seq.0)
    }
}

/// A message and its new text.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Edit {
    /// Where.
    conversation: Integer,
    /// Which.
    seq: Integer,
    /// The new text.
    text: Text,
}

/// A message and an emoji.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct React {
    /// Where.
    conversation: Integer,
    /// Which.
    seq: Integer,
    /// The emoji.
    emoji: Text,
}

/// A conversation, and whether one is writing in it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SetTyping {
    /// Where.
    conversation: Integer,
    /// Started or stopped.
    typing: bool,
}
