//! The one table of all operations: the socket's commands, the REST interface and both documents are
//! made of it. An operation reads an input object and says what is to be done; how it is answered
//! follows from the reply.

use chat::{
    Command, ConversationId, Error, ErrorCode, MessageId, Number, Query, ReminderId, SessionId, UserGroupId, UserId,
    Visit, accounts::Speaker, avatars::AvatarOf, markers::Marker, messages::Submission, sessions::Visited,
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    account_changes, accounts, avatars, conversations, drafts, emoji,
    encode::{self, Answer},
    files, inbox, markers, members, mentions, messages, notifications,
    pages::{id_cursor, page_limit},
    policies, presence, push_devices, reactions, reminders, saved,
    schemas::Shape,
    search, server, sessions, statistics, threads, typing, user_groups, versions, voices,
};
use crate::{Resume, Step};

/// An operation that clients may ask for.
pub struct Operation {
    /// The command's type on the socket.
    pub name: &'static str,
    /// The effect, in a line.
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

/// The type of a path or query parameter.
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

/// The request of an input object.
pub(crate) enum Asked {
    Do(Command),
    Ask(Query),
    Send(Submission),
    Visit(Visit),
    LogOut,
    Authenticate(Option<String>, Resume),
    Server,
    Statistics,
    OpenPush(String),
    Pong,
}

impl Operation {
    /// The operation of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        OPERATIONS.iter().find(|operation| operation.name == name)
    }

    /// Reads the input and says what is to be done; `end` makes of the answer what ends the step.
    ///
    /// # Errors
    /// Why the input is not acceptable, or that nobody has authenticated.
    pub(crate) fn step<E>(&'static self, speaker: Option<&Speaker>, input: &str, end: E) -> Result<Step, Error>
    where
        E: FnOnce(Result<Answer, Error>) -> Vec<crate::Text> + Send + 'static,
    {
        if self.speaker && speaker.is_none() {
            return Err(Error::new(ErrorCode::Unauthenticated, format!("{} needs a valid credential.", self.name)));
        }
        let session = speaker.and_then(|speaker| speaker.session);
        let answers = self.answers;
        Ok(match (self.read)(input)? {
            Asked::Do(command) => Step::Do(
                Box::new(command),
                Box::new(move |reply| Step::Say(end(reply.and_then(|r| encode::answer(&r, session, answers))))),
            ),
            Asked::Ask(query) => Step::Ask(
                query,
                Box::new(move |reply| Step::Say(end(reply.and_then(|r| encode::answer(&r, session, answers))))),
            ),
            Asked::Send(submission) => Step::Send(
                submission,
                Box::new(move |sent| {
                    end(sent.map(|sent| Answer::new("message.sent", &messages::MessageSent::from(&sent))))
                }),
            ),
            Asked::Visit(visit) => Step::Visit(
                visit,
                Box::new(move |visited| {
                    let tokens = visited.and_then(Visited::tokens);
                    Step::Say(end(tokens.map(|tokens| Answer::new("tokens", &sessions::Tokens::from(&tokens)))))
                }),
            ),
            Asked::LogOut => {
                Step::LogOut(Box::new(move |done| Step::Say(end(done.map(|()| Answer::new("done", &server::Done {}))))))
            }
            Asked::Authenticate(token, resume) => Step::Authenticate(
                token,
                resume,
                Box::new(move |welcome| {
                    Step::Say(end(welcome.map(|w| Answer::new("authenticated", &sessions::Authenticated::from(&w)))))
                }),
            ),
            Asked::Server => Step::Server(Box::new(move |server| {
                Step::Say(end(server.map(|server| Answer::new("server", &server::Server::from(&server)))))
            })),
            Asked::Statistics => Step::AllStatistics(Box::new(move |statistics| {
                let name = answers.first().copied().unwrap_or_default();
                Step::Say(end(
                    statistics.map(|statistics| Answer::new(name, &statistics::Statistics::from(&statistics)))
                ))
            })),
            Asked::OpenPush(ticket) => Step::OpenPush(
                ticket,
                Box::new(move |reply| Step::Say(end(reply.and_then(|r| encode::answer(&r, session, answers))))),
            ),
            Asked::Pong => Step::Say(end(Ok(Answer::new("pong", &server::Done {})))),
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

use ParameterKind::{Boolean as BOOL, Integer as INT, Integers as INTS, Text as TEXT};

type PathField = (&'static str, &'static str, ParameterKind);
const CONVERSATION: PathField = ("conversation", "conversation", INT);
const USER: PathField = ("user", "user", INT);
const GROUP: PathField = ("group", "group", INT);
const SEQ: PathField = ("message", "seq", INT);
const THREAD: PathField = ("thread", "thread", INT);
const PAGE: &[(&str, ParameterKind)] = &[("cursor", TEXT), ("limit", INT)];

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
    "authenticate" anyone ["authenticated" sessions::Authenticated<'static>]
        "Say who is speaking and from where to resume; the first command on every socket." []
        (sessions::Authenticate) |i| Ok(Asked::Authenticate(i.token.map(|t| t.0), Resume { epoch: i.epoch.map(|e| e.0), account: i.account_seq.map(|seq| Number(seq.0)), feature_level: i.feature_level.map_or(0, |level| level.0), cursors: i.cursors.0 }));
    "ping" anyone ["pong" server::Done]
        "Ask for a sign of life." []
        (Nothing) |_| Ok(Asked::Pong);
    "server.get" anyone ["server" server::Server<'static>]
        "The description of this server, and its limits." [route("GET", "/v1/server", 200, &[], &[])]
        (Nothing) |_| Ok(Asked::Server);
    "server.statistics" member ["statistics" statistics::Statistics<'static>]
        "How the server is doing. Administrators only." [route("GET", "/v1/server/statistics", 200, &[], &[])]
        (Nothing) |_| Ok(Asked::Statistics);
    "server.figures" member ["figures" statistics::Statistics<'static>]
        "The former name of server.statistics, for one more version." [route("GET", "/v1/server/figures", 200, &[], &[])]
        (Nothing) |_| Ok(Asked::Statistics);
    "server.avatar" member ["done" server::Done]
        "Show another picture of the server, or none. Administrators only."
        [route("PUT", "/v1/server/avatar", 204, &[], &[])]
        (avatars::SetAvatar) |i| order(i.command(AvatarOf::Server));
    "account.register" anyone ["tokens" sessions::Tokens<'static>]
        "Open an account." [route("POST", "/v1/accounts", 201, &[], &[])]
        (accounts::Register) |i| Ok(Asked::Visit(Visit::Register(Box::new(i.into()))));
    "account.list" member ["accounts" accounts::Accounts<'static>]
        "Accounts, deactivated ones too. Administrators only."
        [route("GET", "/v1/accounts", 200, &[], &[("search", TEXT), ("cursor", TEXT), ("limit", INT)])]
        (accounts::FindAccounts) |i| ask(Query::Accounts {
            search: i.search.map(|search| search.0).unwrap_or_default(),
            after: id_cursor(i.cursor)?,
            limit: page_limit(i.limit)?,
        });
    "session.create" anyone ["tokens" sessions::Tokens<'static>]
        "Log in." [route("POST", "/v1/sessions", 201, &[], &[])]
        (sessions::LogIn) |i| Ok(Asked::Visit(Visit::LogIn { name: i.username.0, password: i.password.0 }));
    "session.refresh" anyone ["tokens" sessions::Tokens<'static>]
        "Trade a refresh token for a new pair of tokens." [route("POST", "/v1/sessions/refresh", 200, &[], &[])]
        (sessions::Refresh) |i| Ok(Asked::Visit(Visit::Refresh { token: i.refresh_token.0 }));
    "session.list" member ["sessions" sessions::Sessions<'static>]
        "The speaker's own sessions." [route("GET", "/v1/sessions", 200, &[], &[])]
        (Nothing) |_| ask(Query::Sessions);
    "session.logout" member ["done" server::Done]
        "End the session that asks." [route("DELETE", "/v1/sessions/current", 204, &[], &[])]
        (Nothing) |_| Ok(Asked::LogOut);
    "session.end" member ["done" server::Done]
        "End one of the speaker's own sessions."
        [route("DELETE", "/v1/sessions/{session}", 204, &[("session", "session", INT)], &[])]
        (sessions::OfSession) |i| order(Command::EndSession(SessionId(i.session.0)));
    "account.get" member ["account" accounts::Account<'static>]
        "The speaker's own account." [route("GET", "/v1/users/me", 200, &[], &[])]
        (Nothing) |_| ask(Query::Me);
    "account.update" member ["account" accounts::Account<'static>]
        "Change the own profile: absent fields stay, null clears." [route("PATCH", "/v1/users/me", 200, &[], &[])]
        (accounts::UpdateAccount) |i| order(Command::UpdateProfile(i.into()));
    "account.sync" member ["account.changes" account_changes::AccountChanges]
        "Everything of the own account that has changed since a number of it."
        [route("GET", "/v1/users/me/changes", 200, &[], &[("since", INT)])]
        (account_changes::SyncAccount) |i| ask(Query::AccountChanges { since: Number(i.since.0) });
    "draft.list" member ["drafts" drafts::Drafts<'static>]
        "All drafts of the speaker." [route("GET", "/v1/drafts", 200, &[], &[])]
        (Nothing) |_| ask(Query::Drafts);
    "draft.save" member ["draft" drafts::SavedDraft<'static>]
        "Keep what one has begun to write, for all of one's devices. The later one wins."
        [route("PUT", "/v1/conversations/{conversation}/draft", 200, &[CONVERSATION], &[])]
        (drafts::SaveDraft) |i| order(i.into());
    "draft.discard" member ["done" server::Done]
        "Drop a draft: it was sent, or is not wanted any more."
        [route("DELETE", "/v1/conversations/{conversation}/draft", 204, &[CONVERSATION], &[("edit", INT), ("thread", INT)])]
        (drafts::OfDraft) |i| order(Command::DiscardDraft(i.key()));
    "account.password" member ["done" server::Done]
        "Change the own password; ends all other sessions." [route("PUT", "/v1/users/me/password", 204, &[], &[])]
        (accounts::ChangePassword) |i| order(Command::ChangePassword { current: i.current.0, new: i.new.0 });
    "account.email" member ["account" accounts::Account<'static>]
        "Give the own account another email address, or none." [route("PUT", "/v1/users/me/email", 200, &[], &[])]
        (accounts::ChangeEmail) |i| order(Command::ChangeEmail { current: i.current.0, email: i.email.map(|email| email.0) });
    "account.avatar" member ["account" accounts::Account<'static>]
        "Show another picture of oneself, or none." [route("PUT", "/v1/users/me/avatar", 200, &[], &[])]
        (avatars::SetAvatar) |i| order(i.command(AvatarOf::Me));
    "presence.set" member ["done" server::Done]
        "Be online, away, busy or invisible." [route("PUT", "/v1/users/me/presence", 204, &[], &[])]
        (presence::SetPresence) |i| order(Command::SetPresence(i.presence.0));
    "presence.active" member ["done" server::Done]
        "Say that one is doing something here. Who has said so, and on no device for a while, is shown as away."
        []
        (Nothing) |_| order(Command::ShowActivity);
    "presence.get" member ["presence" presence::Presences]
        "The presence of these people." [route("GET", "/v1/presence", 200, &[], &[("users", INTS)])]
        (presence::GetPresence) |i| ask(Query::Presence(i.users.iter().map(|id| UserId(id.0)).collect()));
    "user.get" member ["user" accounts::User<'static>]
        "Somebody's public profile." [route("GET", "/v1/users/{user}", 200, &[USER], &[])]
        (accounts::OfUser) |i| ask(Query::User(UserId(i.user.0)));
    "user.list" member ["users" accounts::Users<'static>]
        "People whose names have words that begin so, or those of some ids."
        [route("GET", "/v1/users", 200, &[], &[("users", INTS), ("revs", INTS), ("prefix", TEXT), ("cursor", TEXT), ("limit", INT)])]
        (accounts::FindUsers) |i| ask(i.query()?);
    "user.role" member ["account" accounts::Account<'static>]
        "Give an account another role on the server. Administrators only."
        [route("PUT", "/v1/users/{user}/role", 200, &[USER], &[])]
        (accounts::SetServerRole) |i| order(Command::SetServerRole { user: UserId(i.user.0), role: i.role.0 });
    "user.active" member ["account" accounts::Account<'static>]
        "Deactivate an account or bring it back. Administrators only."
        [route("PUT", "/v1/users/{user}/active", 200, &[USER], &[])]
        (accounts::SetActive) |i| order(Command::SetActive { user: UserId(i.user.0), active: i.active });
    "user.avatar" member ["user" accounts::User<'static>]
        "Take somebody's picture away. Moderators and administrators of the server only."
        [route("DELETE", "/v1/users/{user}/avatar", 200, &[USER], &[])]
        (accounts::OfUser) |i| order(Command::SetAvatar { of: AvatarOf::User(UserId(i.user.0)), picture: None });
    "conversation.create" member ["conversation" conversations::Conversation<'static>]
        "Open a room or a group, or get the direct conversation with somebody."
        [idempotent(route("POST", "/v1/conversations", 201, &[], &[]))]
        (conversations::CreateConversation) |i| order(i.command()?);
    "conversation.list" member ["conversations" conversations::Conversations<'static>]
        "The speaker's conversations, most recently active first."
        [route("GET", "/v1/conversations", 200, &[], &[("cursor", TEXT), ("limit", INT), ("hidden", BOOL)])]
        (conversations::ListConversations) |i| ask(i.query()?);
    "conversation.get" member ["conversation" conversations::Conversation<'static>]
        "One conversation, as its members see it."
        [route("GET", "/v1/conversations/{conversation}", 200, &[CONVERSATION], &[])]
        (conversations::OfConversation) |i| ask(Query::Conversation(i.id()));
    "conversation.update" member ["conversation" conversations::Conversation<'static>]
        "Rename, describe, open or close a room or group: absent fields stay."
        [route("PATCH", "/v1/conversations/{conversation}", 200, &[CONVERSATION], &[])]
        (conversations::UpdateConversation) |i| order(i.into());
    "conversation.avatar" member ["conversation" conversations::Conversation<'static>]
        "Show another picture of a room or group, or none."
        [route("PUT", "/v1/conversations/{conversation}/avatar", 200, &[CONVERSATION], &[])]
        (avatars::SetConversationAvatar) |i| order(Command::SetAvatar {
            of: AvatarOf::Conversation(ConversationId(i.conversation.0)),
            picture: i.picture.map(|key| key.0),
        });
    "conversation.join" member ["conversation" conversations::Conversation<'static>]
        "Enter a public room, or come back: to where one left and is wanted, or to what one has hidden." [route("POST", "/v1/conversations/{conversation}/join", 200, &[CONVERSATION], &[])]
        (conversations::OfConversation) |i| order(Command::JoinConversation(i.id()));
    "conversation.leave" member ["done" server::Done]
        "Leave a room or a group." [route("POST", "/v1/conversations/{conversation}/leave", 204, &[CONVERSATION], &[])]
        (conversations::OfConversation) |i| order(Command::LeaveConversation(i.id()));
    "conversation.hide" member ["done" server::Done]
        "Take a conversation out of one's own list until something happens in it."
        [route("POST", "/v1/conversations/{conversation}/hide", 204, &[CONVERSATION], &[])]
        (conversations::OfConversation) |i| order(Command::HideConversation(i.id()));
    "conversation.sync" member ["conversation.changes" conversations::Changes<'static>]
        "Everything that has changed since a number."
        [route("GET", "/v1/conversations/{conversation}/changes", 200, &[CONVERSATION], &[("since", INT)])]
        (conversations::SyncConversation) |i| ask(Query::CatchUp { conversation: ConversationId(i.conversation.0), since: Number(i.since.0) });
    "room.list" member ["rooms" conversations::Rooms<'static>]
        "Public rooms, by name: those whose name has words that begin so; or the one of an id."
        [route("GET", "/v1/rooms", 200, &[], &[("prefix", TEXT), ("cursor", TEXT), ("limit", INT), ("conversation", INT)])]
        (conversations::Find) |i| ask(i.query()?);
    "room.get" member ["conversation" conversations::Conversation<'static>, "room" conversations::Room<'static>]
        "A room by its name: as a member sees it, or as others find it."
        [route("GET", "/v1/rooms/{name}", 200, &[("name", "name", TEXT)], &[])]
        (conversations::OfName) |i| ask(Query::RoomByName(i.name.0));
    "direct.get" member ["conversation" conversations::Conversation<'static>]
        "The direct conversation with somebody, if there is one: asking opens none."
        [route("GET", "/v1/users/{user}/conversation", 200, &[USER], &[])]
        (accounts::OfUser) |i| ask(Query::DirectWith(UserId(i.user.0)));
    "member.list" member ["members" members::Members<'static>]
        "The members of a conversation."
        [route("GET", "/v1/conversations/{conversation}/members", 200, &[CONVERSATION], PAGE)]
        (members::MembersPage) |i| ask(Query::Members {
            conversation: ConversationId(i.conversation.0),
            after: id_cursor(i.cursor)?,
            limit: page_limit(i.limit)?,
        });
    "member.add" member ["member" members::Member<'static>]
        "Bring somebody into a room or group."
        [route("POST", "/v1/conversations/{conversation}/members", 201, &[CONVERSATION], &[])]
        (members::OfMember) |i| order(Command::AddMember { conversation: i.place(), user: i.user() });
    "member.update" member ["member" members::Member<'static>]
        "Give a member another role."
        [route("PATCH", "/v1/conversations/{conversation}/members/{user}", 200, &[CONVERSATION, USER], &[])]
        (members::SetRole) |i| order(Command::SetMemberRole {
            conversation: ConversationId(i.conversation.0),
            user: UserId(i.user.0),
            role: i.role.0,
        });
    "member.abilities" member ["abilities" policies::Abilities]
        "The abilities of a member in a conversation, and the reasons; of others for moderators and above."
        [route("GET", "/v1/conversations/{conversation}/members/{user}/abilities", 200, &[CONVERSATION, USER], &[])]
        (members::OfMember) |i| ask(Query::Abilities { conversation: i.place(), user: i.user() });
    "member.remove" member ["done" server::Done]
        "Put somebody out of a room or group."
        [route("DELETE", "/v1/conversations/{conversation}/members/{user}", 204, &[CONVERSATION, USER], &[])]
        (members::OfMember) |i| order(Command::RemoveMember { conversation: i.place(), user: i.user() });
    "message.send" member ["message.sent" messages::MessageSent<'static>]
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
        (messages::SendMessage) |i| Ok(Asked::Send(i.submission()?));
    "message.reach" member ["reach" mentions::Reach]
        "How many people a text would reach, for who wants to confirm it."
        [route("POST", "/v1/conversations/{conversation}/reach", 200, &[CONVERSATION], &[])]
        (mentions::AskReach) |i| ask(i.query());
    "file.get" member ["file" files::File<'static>]
        "A file, without its bytes, for those who may read it."
        [route("GET", "/v1/files/{file}/details", 200, &[("file", "file", TEXT)], &[])]
        (files::OfFile) |i| ask(Query::File(i.file.0));
    "file.link" member ["file.link" files::Link]
        "An address that opens a file without any other credential: for this session, and for nine minutes."
        [route("POST", "/v1/files/{file}/link", 201, &[("file", "file", TEXT)], &[])]
        (files::OfFile) |i| ask(Query::FileLink(i.file.0));
    "file.remove" member ["done" server::Done]
        "Remove an own file that no message holds yet; repeating it changes nothing."
        [route("DELETE", "/v1/files/{file}", 204, &[("file", "file", TEXT)], &[])]
        (files::OfFile) |i| order(Command::RemoveFile(i.file.0));
    "file.voice" member ["file" files::File<'static>]
        "Say of an own recording that no message holds yet that it is a voice message: how long it is, and how loud."
        [route("PUT", "/v1/files/{file}/voice", 200, &[("file", "file", TEXT)], &[])]
        (voices::SetVoice) |i| order(i.command()?);
    "message.search" member ["search.results" search::SearchResults<'static>]
        "Messages that the speaker may see and in which some words stand, newest or best first."
        [route(
            "GET",
            "/v1/search/messages",
            200,
            &[],
            &[
                ("q", TEXT),
                ("conversation", INT),
                ("utc_offset", TEXT),
                ("order", TEXT),
                ("cursor", TEXT),
                ("limit", INT),
            ],
        )]
        (search::SearchMessages) |i| ask(i.query()?);
    "search.complete" member ["search.suggestions" search::SearchSuggestions<'static>]
        "Suggestions for completing a search: operators, people, and rooms of one's own."
        [route("GET", "/v1/search/suggestions", 200, &[], &[("q", TEXT), ("limit", INT)])]
        (search::CompleteSearch) |i| ask(i.query()?);
    "message.history" member ["history" messages::History<'static>]
        "A page of messages: the newest, or those before, after or around a number; all, those in the room, or a thread's replies."
        [route(
            "GET",
            "/v1/conversations/{conversation}/messages",
            200,
            &[CONVERSATION],
            &[("before_seq", INT), ("after_seq", INT), ("around_seq", INT), ("thread", INT), ("limit", INT)],
        )]
        (messages::ReadHistory) |i| ask(i.query()?);
    "message.get" member ["message" messages::Message<'static>]
        "One message."
        [route("GET", "/v1/conversations/{conversation}/messages/{message}", 200, &[CONVERSATION, SEQ], &[])]
        (messages::OfMessage) |i| ask(Query::Message { conversation: i.place(), seq: i.seq() });
    "message.versions" member ["message.versions" versions::Versions<'static>]
        "The earlier texts of an edited message, the last one first, where its conversation keeps them."
        [route(
            "GET",
            "/v1/conversations/{conversation}/messages/{message}/versions",
            200,
            &[CONVERSATION, SEQ],
            PAGE,
        )]
        (versions::ListVersions) |i| ask(i.query()?);
    "message.find" member ["message" messages::Message<'static>]
        "One message, by its id alone."
        [route("GET", "/v1/messages/{message}", 200, &[("message", "message", INT)], &[])]
        (messages::FindMessage) |i| ask(Query::MessageById(MessageId(i.message.0)));
    "message.edit" member ["message" messages::Message<'static>]
        "Change the text of an own message."
        [route("PATCH", "/v1/conversations/{conversation}/messages/{message}", 200, &[CONVERSATION, SEQ], &[])]
        (messages::Edit) |i| order(Command::EditMessage {
            conversation: ConversationId(i.conversation.0),
            seq: Number(i.seq.0),
            text: i.text.0,
        });
    "message.delete" member ["message" messages::Message<'static>]
        "Turn a message into a tombstone."
        [route("DELETE", "/v1/conversations/{conversation}/messages/{message}", 200, &[CONVERSATION, SEQ], &[])]
        (messages::OfMessage) |i| order(Command::DeleteMessage { conversation: i.place(), seq: i.seq() });
    "preview.remove" member ["message" messages::Message<'static>]
        "Take the preview of its link off a message. Its author may, and whoever may delete it."
        [route("DELETE", "/v1/conversations/{conversation}/messages/{message}/preview", 200, &[CONVERSATION, SEQ], &[])]
        (messages::OfMessage) |i| order(Command::RemovePreview { conversation: i.place(), seq: i.seq() });
    "reaction.add" member ["message" messages::Message<'static>]
        "React to a message; repeating it changes nothing."
        [route(
            "PUT",
            "/v1/conversations/{conversation}/messages/{message}/reactions/{emoji}",
            200,
            &[CONVERSATION, SEQ, ("emoji", "emoji", TEXT)],
            &[],
        )]
        (reactions::React) |i| order(Command::AddReaction {
            conversation: ConversationId(i.conversation.0),
            seq: Number(i.seq.0),
            emoji: i.emoji.0,
        });
    "reaction.remove" member ["message" messages::Message<'static>]
        "Take an own reaction back; repeating it changes nothing."
        [route(
            "DELETE",
            "/v1/conversations/{conversation}/messages/{message}/reactions/{emoji}",
            200,
            &[CONVERSATION, SEQ, ("emoji", "emoji", TEXT)],
            &[],
        )]
        (reactions::React) |i| order(Command::RemoveReaction {
            conversation: ConversationId(i.conversation.0),
            seq: Number(i.seq.0),
            emoji: i.emoji.0,
        });
    "notifications.get" member ["notifications" notifications::Notifications<'static>]
        "The speaker's notification settings." [route("GET", "/v1/users/me/notifications", 200, &[], &[])]
        (Nothing) |_| ask(Query::Notifications);
    "notifications.set" member ["notifications" notifications::Notifications<'static>]
        "Say what one wants to be notified of: absent fields stay."
        [route("PATCH", "/v1/users/me/notifications", 200, &[], &[])]
        (notifications::SetNotifications) |i| order(i.into());
    "notifications.explain" member ["notification.explained" notifications::NotificationExplained<'static>]
        "Whether a message notified one when it was sent, by one's present settings, and why or why not."
        [route("GET", "/v1/conversations/{conversation}/messages/{message}/notification", 200, &[CONVERSATION, SEQ], &[])]
        (notifications::ExplainNotification) |i| ask(i.query());
    "conversation.notifications" member ["conversation" conversations::Conversation<'static>]
        "Say what notifies in a conversation, or mute it: absent fields stay."
        [route("PATCH", "/v1/conversations/{conversation}/notifications", 200, &[CONVERSATION], &[])]
        (notifications::SetConversationNotifications) |i| order(i.command()?);
    "thread.list" member ["threads" threads::Threads<'static>]
        "The threads that the speaker follows, the one with the newest reply first: all, or those with unread replies."
        [route("GET", "/v1/threads", 200, &[], &[("unread", BOOL), ("cursor", TEXT), ("limit", INT)])]
        (threads::ListThreads) |i| ask(i.query()?);
    "thread.follow" member ["thread" threads::Thread]
        "Follow a thread, or stop; taking part follows it, unless one has stopped."
        [route("PUT", "/v1/conversations/{conversation}/threads/{thread}", 200, &[CONVERSATION, THREAD], &[])]
        (threads::FollowThread) |i| order(i.into());
    "thread.notifications" member ["thread" threads::Thread]
        "Say which replies of a followed thread notify."
        [route("PATCH", "/v1/conversations/{conversation}/threads/{thread}/notifications", 200, &[CONVERSATION, THREAD], &[])]
        (threads::SetThreadNotifications) |i| order(i.command()?);
    "thread.read" member ["thread" threads::Thread]
        "A followed thread was read up to here."
        [route("PUT", "/v1/conversations/{conversation}/threads/{thread}/read", 200, &[CONVERSATION, THREAD], &[])]
        (threads::ReadThread) |i| order(i.into());
    "reminder.create" member ["reminder" reminders::Reminder]
        "Be reminded of a message at a moment; where one is to be already, then at this moment instead."
        [route("POST", "/v1/reminders", 201, &[], &[])]
        (reminders::CreateReminder) |i| order(Command::CreateReminder {
            conversation: ConversationId(i.conversation.0),
            seq: Number(i.seq.0),
            at: i.at.0,
        });
    "reminder.cancel" member ["done" server::Done]
        "Take a reminder back, or dismiss one that is due; repeating it changes nothing."
        [route("DELETE", "/v1/reminders/{reminder}", 204, &[("reminder", "reminder", INT)], &[])]
        (reminders::OfReminder) |i| order(Command::CancelReminder(ReminderId(i.reminder.0)));
    "reminder.list" member ["reminders" reminders::Reminders]
        "The speaker's own reminders by their moments: all, those that are due, or those that wait."
        [route("GET", "/v1/reminders", 200, &[], &[("due", BOOL)])]
        (reminders::ListReminders) |i| ask(Query::Reminders { due: i.due });
    "push_device.add" member ["push_device" push_devices::PushDevice<'static>]
        "Be told on this browser while it shows no page, as long as this session; repeating it changes nothing."
        [route("POST", "/v1/push-devices", 201, &[], &[])]
        (push_devices::AddPushDevice) |i| order(i.into());
    "push_device.remove" member ["done" server::Done]
        "Be told on a device no longer; repeating it changes nothing."
        [route("DELETE", "/v1/push-devices/{device}", 204, &[("device", "device", INT)], &[])]
        (push_devices::OfPushDevice) |i| order(Command::RemovePushDevice(i.id()));
    "push_device.list" member ["push_devices" push_devices::PushDevices<'static>]
        "The devices on which the speaker is told, and the key with which browsers subscribe."
        [route("GET", "/v1/push-devices", 200, &[], &[])]
        (Nothing) |_| ask(Query::PushDevices);
    "push.open" anyone ["pushed_message" push_devices::PushedMessage<'static>]
        "The parts of a pushed message that a device may show. The ticket that stood in the push is the credential."
        [route("POST", "/v1/push/open", 200, &[], &[])]
        (push_devices::OpenPush) |i| Ok(Asked::OpenPush(i.ticket.0));
    "inbox.list" member ["inbox" inbox::Inbox<'static>]
        "The inbox, newest first: mentions, replies, reactions and, if asked for, followed threads."
        [route("GET", "/v1/inbox", 200, &[], &[("cursor", TEXT), ("limit", INT), ("threads", BOOL)])]
        (inbox::ReadPage) |i| ask(i.query()?);
    "inbox.read" member ["inbox.state" inbox::InboxRead]
        "Mark items of the inbox as read, or everything up to one; repeating it changes nothing."
        [route("POST", "/v1/inbox/read", 200, &[], &[])]
        (inbox::MarkRead) |i| order(i.command()?);
    "user_group.list" member ["user_groups" user_groups::UserGroups<'static>]
        "The user groups of the server, unless the client knows them already."
        [route("GET", "/v1/user-groups", 200, &[], &[("rev", INT)])]
        (user_groups::ListUserGroups) |i| ask(i.query());
    "user_group.get" member ["user_group" user_groups::UserGroupPeople<'static>]
        "A user group with its people."
        [route("GET", "/v1/user-groups/{group}", 200, &[GROUP], &[])]
        (user_groups::OfUserGroup) |i| ask(Query::UserGroup(i.id()));
    "user_group.create" member ["user_group" user_groups::UserGroupPeople<'static>]
        "Make a user group. Moderators and administrators of the server only."
        [route("POST", "/v1/user-groups", 201, &[], &[])]
        (user_groups::CreateUserGroup) |i| order(Command::CreateUserGroup {
            name: i.name.0,
            people: user_groups::ids(&i.people.unwrap_or_default()),
        });
    "user_group.rename" member ["user_group" user_groups::UserGroupPeople<'static>]
        "Give a user group another name. Moderators and administrators of the server only."
        [route("PATCH", "/v1/user-groups/{group}", 200, &[GROUP], &[])]
        (user_groups::RenameUserGroup) |i| order(Command::RenameUserGroup {
            group: UserGroupId(i.group.0),
            name: i.name.0,
        });
    "user_group.delete" member ["done" server::Done]
        "Remove a user group; repeating it changes nothing. Moderators and administrators of the server only."
        [route("DELETE", "/v1/user-groups/{group}", 204, &[GROUP], &[])]
        (user_groups::OfUserGroup) |i| order(Command::DeleteUserGroup(i.id()));
    "user_group.add" member ["user_group" user_groups::UserGroupPeople<'static>]
        "Put people into a user group. Moderators and administrators of the server only."
        [route("POST", "/v1/user-groups/{group}/people", 200, &[GROUP], &[])]
        (user_groups::PeopleOfUserGroup) |i| order(Command::AddToUserGroup {
            group: UserGroupId(i.group.0),
            people: user_groups::ids(&i.people),
        });
    "user_group.remove" member ["user_group" user_groups::UserGroupPeople<'static>]
        "Take people out of a user group. Moderators and administrators of the server only."
        [route("POST", "/v1/user-groups/{group}/people/remove", 200, &[GROUP], &[])]
        (user_groups::PeopleOfUserGroup) |i| order(Command::RemoveFromUserGroup {
            group: UserGroupId(i.group.0),
            people: user_groups::ids(&i.people),
        });
    "emoji.list" member ["emoji_list" emoji::EmojiList<'static>]
        "The custom emoji of the server, unless the client knows them already."
        [route("GET", "/v1/emoji", 200, &[], &[("rev", INT)])]
        (emoji::ListEmoji) |i| ask(i.query());
    "emoji.add" member ["emoji" emoji::Emoji<'static>]
        "Add a custom emoji. Moderators and administrators of the server only."
        [route("POST", "/v1/emoji", 201, &[], &[])]
        (emoji::AddEmoji) |i| order(Command::AddEmoji { name: i.name.0, picture: i.picture.0 });
    "emoji.remove" member ["done" server::Done]
        "Remove a custom emoji; repeating it changes nothing. Moderators and administrators of the server only."
        [route("DELETE", "/v1/emoji/{name}", 204, &[("name", "name", TEXT)], &[])]
        (emoji::OfEmoji) |i| order(Command::RemoveEmoji(i.name.0));
    "message.save" member ["saved.message" saved::SavedMessage]
        "Save a message, to find it again; repeating it changes nothing."
        [route("PUT", "/v1/conversations/{conversation}/messages/{message}/saved", 200, &[CONVERSATION, SEQ], &[])]
        (messages::OfMessage) |i| order(Command::SaveMessage { conversation: i.place(), seq: i.seq() });
    "message.unsave" member ["done" server::Done]
        "Take a message off one's saved ones; repeating it changes nothing."
        [route("DELETE", "/v1/conversations/{conversation}/messages/{message}/saved", 204, &[CONVERSATION, SEQ], &[])]
        (messages::OfMessage) |i| order(Command::UnsaveMessage { conversation: i.place(), seq: i.seq() });
    "saved.list" member ["saved.messages" saved::SavedMessages<'static>]
        "The messages that the speaker has saved, the last one first."
        [route("GET", "/v1/saved", 200, &[], &[("cursor", TEXT), ("limit", INT), ("messages", BOOL)])]
        (saved::ListSaved) |i| ask(i.query()?);
    "marker.read" member ["marker" markers::Marker]
        "Everything up to here was read."
        [route("PUT", "/v1/conversations/{conversation}/read", 200, &[CONVERSATION], &[])]
        (messages::OfMessage) |i| order(Command::MoveMarker { conversation: i.place(), marker: Marker::Read, seq: i.seq() });
    "marker.unread" member ["conversation" conversations::Conversation<'static>]
        "Mark a conversation as unread from a message on, on all of one's devices, until one reads on."
        [route("PUT", "/v1/conversations/{conversation}/unread", 200, &[CONVERSATION], &[])]
        (messages::OfMessage) |i| order(Command::MarkUnread { conversation: i.place(), seq: i.seq() });
    "marker.read_all" member ["done" server::Done]
        "Everything in all of one's conversations was read." [route("PUT", "/v1/users/me/read", 204, &[], &[])]
        (Nothing) |_| order(Command::ReadAll);
    "marker.delivered" member ["marker" markers::Marker]
        "Everything up to here has reached a device."
        [route("PUT", "/v1/conversations/{conversation}/delivered", 200, &[CONVERSATION], &[])]
        (messages::OfMessage) |i| order(Command::MoveMarker { conversation: i.place(), marker: Marker::Delivered, seq: i.seq() });
    "marker.list" member ["markers" markers::Markers]
        "How far the members have read."
        [route("GET", "/v1/conversations/{conversation}/markers", 200, &[CONVERSATION], &[])]
        (conversations::OfConversation) |i| ask(Query::Markers(i.id()));
    "typing.set" member ["done" server::Done]
        "Tell the others that one is writing in the room or in a thread, or has stopped; it ends by itself."
        [route("PUT", "/v1/conversations/{conversation}/typing", 204, &[CONVERSATION], &[])]
        (typing::SetTyping) |i| order(Command::Typing {
            conversation: ConversationId(i.conversation.0),
            thread: i.thread.map(|root| Number(root.0)),
            typing: i.typing,
        });
}

/// No fields.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Nothing {}
