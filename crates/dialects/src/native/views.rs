//! What the protocol's objects look like. They borrow from the vocabulary's nouns and are written straight
//! to text; the documents have their schemas from here.

use chat::{
    ConversationId, Limits, SessionId, UserId, accounts, conversations, members, messages, presence, reactions,
    receipts, reply, sessions,
};
use serde::{Serialize, Serializer, ser::SerializeMap};
use utoipa::{PartialSchema, ToSchema};

use super::fields;
use crate::time::Time;

/// Increases with every addition to the protocol, so that clients can ask what a server can do.
pub const FEATURE_LEVEL: i64 = 4;

/// A person, as short as can be.
#[derive(Serialize, ToSchema)]
pub struct Person<'a> {
    /// The account's id.
    id: i64,
    /// Its name.
    username: &'a str,
}

impl<'a> Person<'a> {
    /// The person of this id and name.
    #[must_use]
    pub fn new(user: UserId, username: &'a str) -> Self {
        Self { id: user.0, username }
    }
}

/// All the people who reacted to a message with the same emoji.
#[derive(Serialize, ToSchema)]
pub struct Reaction<'a> {
    /// The emoji, as it was sent.
    emoji: &'a str,
    /// Who used it, in order.
    #[schema(value_type = Vec<i64>)]
    users: Ids<'a>,
}

impl<'a> From<&'a reactions::Reaction> for Reaction<'a> {
    fn from(reaction: &'a reactions::Reaction) -> Self {
        Self { emoji: &reaction.emoji, users: Ids(&reaction.users) }
    }
}

/// People by id.
struct Ids<'a>(&'a [UserId]);

impl Serialize for Ids<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|user| user.0))
    }
}

/// A message in its present state.
#[derive(Serialize, ToSchema)]
pub struct Message<'a> {
    /// Unique on the server.
    id: i64,
    /// Where it was said.
    conversation: i64,
    /// Its place in the timeline: the number it was created with.
    seq: i64,
    /// The number of its last change.
    rev: i64,
    /// Who said it.
    author: Person<'a>,
    /// The sender's own id for the send.
    client_id: Option<&'a str>,
    /// What the text is about.
    #[schema(value_type = fields::MessageType)]
    message_type: &'static str,
    /// The text as it was written; `null` once deleted.
    text: Option<&'a str>,
    /// The `seq` of the message it answers.
    parent: Option<i64>,
    /// When it was stored.
    #[schema(value_type = fields::Moment)]
    created_at: Time,
    /// When its text was last changed.
    #[schema(value_type = Option<fields::Moment>)]
    edited_at: Option<Time>,
    /// When it was deleted.
    #[schema(value_type = Option<fields::Moment>)]
    deleted_at: Option<Time>,
    /// Who reacted how.
    reactions: Vec<Reaction<'a>>,
}

impl<'a> From<&'a messages::Message> for Message<'a> {
    fn from(message: &'a messages::Message) -> Self {
        Self {
            id: message.id.0,
            conversation: message.conversation.0,
            seq: message.seq.0,
            rev: message.rev.0,
            author: Person::new(message.author, &message.author_name),
            client_id: message.client_id.as_ref().map(chat::ClientId::as_str),
            message_type: message.message_type.name(),
            text: message.text.as_deref(),
            parent: message.parent.map(|number| number.0),
            created_at: Time(message.created_at),
            edited_at: message.edited_at.map(Time),
            deleted_at: message.deleted_at.map(Time),
            reactions: message.reactions.iter().map(Reaction::from).collect(),
        }
    }
}

/// The answer to a send: where the message stands.
#[derive(Serialize, ToSchema)]
pub struct MessageSent<'a> {
    /// Where.
    conversation: i64,
    /// The message's place.
    seq: i64,
    /// The message's id.
    id: i64,
    /// The sender's id for the send.
    client_id: Option<&'a str>,
    /// When it was stored.
    #[schema(value_type = fields::Moment)]
    created_at: Time,
    /// True if this send only repeated an earlier one.
    repeated: bool,
}

impl<'a> From<&'a messages::Sent> for MessageSent<'a> {
    fn from(sent: &'a messages::Sent) -> Self {
        Self {
            conversation: sent.conversation.0,
            seq: sent.seq.0,
            id: sent.id.0,
            client_id: sent.client_id.as_ref().map(chat::ClientId::as_str),
            created_at: Time(sent.created_at),
            repeated: sent.repeated,
        }
    }
}

/// A page of history, oldest first.
#[derive(Serialize, ToSchema)]
pub struct History<'a> {
    /// The messages, deleted ones included.
    messages: Vec<Message<'a>>,
    /// Whether there are older ones.
    has_more_before: bool,
    /// Whether there are newer ones.
    has_more_after: bool,
    /// The number of the conversation's last change when the page was read.
    head: i64,
}

impl<'a> From<&'a messages::Page> for History<'a> {
    fn from(page: &'a messages::Page) -> Self {
        Self {
            messages: page.messages.iter().map(Message::from).collect(),
            has_more_before: page.has_more_before,
            has_more_after: page.has_more_after,
            head: page.head.0,
        }
    }
}

/// A conversation's own row: what all of its members see alike.
#[derive(Serialize, ToSchema)]
pub struct ConversationRow<'a> {
    /// Its id.
    id: i64,
    /// What sort of conversation it is.
    #[schema(value_type = fields::Kind)]
    kind: &'static str,
    /// Who may find and enter it.
    #[schema(value_type = fields::Visibility)]
    visibility: &'static str,
    /// Its name, if it has one.
    name: Option<&'a str>,
    /// What it is about.
    topic: Option<&'a str>,
    /// Who opened it.
    created_by: i64,
    /// When.
    #[schema(value_type = fields::Moment)]
    created_at: Time,
    /// The number of the last change in it.
    head: i64,
    /// The number of the last change of this row.
    rev: i64,
    /// How many members it has.
    member_count: i64,
}

impl<'a> From<&'a conversations::Conversation> for ConversationRow<'a> {
    fn from(conversation: &'a conversations::Conversation) -> Self {
        Self {
            id: conversation.id.0,
            kind: conversation.kind.name(),
            visibility: conversation.visibility.name(),
            name: conversation.name.as_deref(),
            topic: conversation.topic.as_deref(),
            created_by: conversation.created_by.0,
            created_at: Time(conversation.created_at),
            head: conversation.head.0,
            rev: conversation.rev.0,
            member_count: conversation.member_count,
        }
    }
}

/// A conversation as one of its members sees it.
#[derive(Serialize, ToSchema)]
pub struct Conversation<'a> {
    #[serde(flatten)]
    row: ConversationRow<'a>,
    /// The member's role in it.
    #[schema(value_type = fields::Role)]
    role: &'static str,
    /// The member's read marker.
    read_seq: i64,
    /// Messages of others after the read marker; 1000 means "1000 or more".
    unread: i64,
    /// The newest message.
    last_message: Option<Message<'a>>,
    /// In a direct conversation, the other person.
    peer: Option<Peer<'a>>,
}

impl<'a> From<&'a conversations::Listed> for Conversation<'a> {
    fn from(listed: &'a conversations::Listed) -> Self {
        Self {
            row: ConversationRow::from(&listed.conversation),
            role: listed.role.name(),
            read_seq: listed.read_seq.0,
            unread: listed.unread,
            last_message: listed.last_message.as_ref().map(Message::from),
            peer: listed.peer.as_ref().map(Peer::from),
        }
    }
}

/// The other person of a direct conversation.
#[derive(Serialize, ToSchema)]
pub struct Peer<'a> {
    /// The account's id.
    id: i64,
    /// Its name.
    username: &'a str,
    /// What it calls itself.
    display_name: Option<&'a str>,
    /// Whether it is here now.
    #[schema(value_type = fields::ShownPresence)]
    presence: &'static str,
}

impl<'a> From<&'a conversations::Peer> for Peer<'a> {
    fn from(peer: &'a conversations::Peer) -> Self {
        Self {
            id: peer.user.0,
            username: &peer.username,
            display_name: peer.display_name.as_deref(),
            presence: peer.presence.name(),
        }
    }
}

/// A page of the speaker's conversations, most recently active first.
#[derive(Serialize, ToSchema)]
pub struct Conversations<'a> {
    /// The conversations.
    pub(crate) conversations: Vec<Conversation<'a>>,
    /// Present if there are more: give it as `cursor`.
    pub(crate) next_cursor: Option<String>,
}

/// A public room, or one of the speaker's own.
#[derive(Serialize, ToSchema)]
pub struct Room<'a> {
    #[serde(flatten)]
    pub(crate) row: ConversationRow<'a>,
    /// Whether the speaker is a member.
    pub(crate) member: bool,
}

/// A page of public rooms, by name.
#[derive(Serialize, ToSchema)]
pub struct Rooms<'a> {
    /// The rooms.
    pub(crate) rooms: Vec<Room<'a>>,
    /// Present if there are more: give it as `cursor`.
    pub(crate) next_cursor: Option<&'a str>,
}

/// A person's place in a conversation.
#[derive(Serialize, ToSchema)]
pub struct Member<'a> {
    /// Who.
    user: Person<'a>,
    /// The role; `null` once they have left.
    #[schema(value_type = Option<fields::Role>)]
    role: Option<&'static str>,
    /// The number of the last change of this membership.
    rev: i64,
    /// When they last joined.
    #[schema(value_type = fields::Moment)]
    joined_at: Time,
}

impl<'a> From<&'a members::Member> for Member<'a> {
    fn from(member: &'a members::Member) -> Self {
        Self {
            user: Person::new(member.user, &member.username),
            role: member.role.map(members::Role::name),
            rev: member.rev.0,
            joined_at: Time(member.joined_at),
        }
    }
}

/// A page of members.
#[derive(Serialize, ToSchema)]
pub struct Members<'a> {
    /// The members.
    pub(crate) members: Vec<Member<'a>>,
    /// Present if there are more: give it as `cursor`.
    pub(crate) next_cursor: Option<String>,
}

/// A member's markers.
#[derive(Serialize, ToSchema)]
pub struct Marker {
    /// Whose.
    user: i64,
    /// Everything up to here was read.
    read_seq: i64,
    /// Everything up to here reached one of the member's devices.
    delivered_seq: i64,
    /// When the read marker last moved.
    #[schema(value_type = Option<fields::Moment>)]
    read_at: Option<Time>,
}

impl From<&receipts::Markers> for Marker {
    fn from(markers: &receipts::Markers) -> Self {
        Self {
            user: markers.user.0,
            read_seq: markers.read_seq.0,
            delivered_seq: markers.delivered_seq.0,
            read_at: markers.read_at.map(Time),
        }
    }
}

/// The markers of a conversation's members.
#[derive(Serialize, ToSchema)]
pub struct Markers {
    /// One for each member who has any.
    pub(crate) markers: Vec<Marker>,
}

/// What everybody may know of a person.
#[derive(Serialize, ToSchema)]
pub struct User<'a> {
    /// The account's id.
    id: i64,
    /// Its unique name.
    username: &'a str,
    /// The name shown to others.
    display_name: Option<&'a str>,
    /// Given name.
    first_name: Option<&'a str>,
    /// Family name.
    last_name: Option<&'a str>,
    /// What the person does.
    profession: Option<&'a str>,
    /// Where the person lives.
    city: Option<&'a str>,
    /// Preferred language, a BCP 47 tag.
    language: Option<&'a str>,
    /// IANA time zone.
    time_zone: Option<&'a str>,
    /// A line that the person shows to others.
    status_message: Option<&'a str>,
}

impl<'a> From<&'a accounts::Account> for User<'a> {
    fn from(account: &'a accounts::Account) -> Self {
        let profile = &account.profile;
        Self {
            id: account.id.0,
            username: &account.username,
            display_name: profile.display_name.as_deref(),
            first_name: profile.first_name.as_deref(),
            last_name: profile.last_name.as_deref(),
            profession: profile.profession.as_deref(),
            city: profile.city.as_deref(),
            language: profile.language.as_deref(),
            time_zone: profile.time_zone.as_deref(),
            status_message: profile.status_message.as_deref(),
        }
    }
}

/// A page of people.
#[derive(Serialize, ToSchema)]
pub struct Users<'a> {
    /// The people.
    pub(crate) users: Vec<User<'a>>,
    /// Present if there are more: give it as `cursor`.
    pub(crate) next_cursor: Option<String>,
}

/// An account as its owner and administrators see it.
#[derive(Serialize, ToSchema)]
pub struct Account<'a> {
    #[serde(flatten)]
    user: User<'a>,
    /// What it may do on the server.
    #[schema(value_type = fields::ServerRole)]
    role: &'static str,
    /// Its mail address.
    email: Option<&'a str>,
    /// Date of birth, `YYYY-MM-DD`.
    birth_date: Option<&'a str>,
    /// False while an administrator has deactivated it.
    active: bool,
    /// When it was made.
    #[schema(value_type = fields::Moment)]
    created_at: Time,
    /// When its last connection ended.
    #[schema(value_type = Option<fields::Moment>)]
    last_seen_at: Option<Time>,
}

impl<'a> From<&'a accounts::Account> for Account<'a> {
    fn from(account: &'a accounts::Account) -> Self {
        Self {
            user: User::from(account),
            role: account.role.name(),
            email: account.email.as_deref(),
            birth_date: account.profile.birth_date.as_deref(),
            active: account.active,
            created_at: Time(account.created_at),
            last_seen_at: account.last_seen_at.map(Time),
        }
    }
}

/// A page of accounts.
#[derive(Serialize, ToSchema)]
pub struct Accounts<'a> {
    /// The accounts.
    pub(crate) accounts: Vec<Account<'a>>,
    /// Present if there are more: give it as `cursor`.
    pub(crate) next_cursor: Option<String>,
}

/// What a successful log-in gives.
#[derive(Serialize, ToSchema)]
pub struct Tokens<'a> {
    /// For the `Authorization: Bearer` header.
    access_token: &'a str,
    /// Always `Bearer`.
    token_type: &'static str,
    /// Seconds until the access token expires.
    expires_in: i64,
    /// The single-use token for the next pair. Using one twice ends the session.
    refresh_token: &'a str,
    /// The session that both belong to.
    session: i64,
    /// Whose they are.
    user: Account<'a>,
}

impl<'a> From<&'a sessions::Tokens> for Tokens<'a> {
    fn from(tokens: &'a sessions::Tokens) -> Self {
        Self {
            access_token: &tokens.access_token,
            token_type: "Bearer",
            expires_in: tokens.expires_in,
            refresh_token: &tokens.refresh_token,
            session: tokens.session.0,
            user: Account::from(&tokens.account),
        }
    }
}

/// A log-in, as its owner sees it.
#[derive(Serialize, ToSchema)]
pub struct Session<'a> {
    /// Its id.
    id: i64,
    /// When the password was checked.
    #[schema(value_type = fields::Moment)]
    created_at: Time,
    /// When its refresh token was last used.
    #[schema(value_type = fields::Moment)]
    used_at: Time,
    /// When it ends unless it is used.
    #[schema(value_type = fields::Moment)]
    expires_at: Time,
    /// The client's own description.
    agent: Option<&'a str>,
    /// The network address of the last use.
    address: Option<&'a str>,
    /// Whether this is the session that asks.
    current: bool,
}

impl<'a> Session<'a> {
    /// A session, as seen from the session `current`.
    #[must_use]
    pub fn new(session: &'a sessions::Session, current: Option<SessionId>) -> Self {
        Self {
            id: session.id.0,
            created_at: Time(session.created_at),
            used_at: Time(session.used_at),
            expires_at: Time(session.expires_at),
            agent: session.agent.as_deref(),
            address: session.address.as_deref(),
            current: current == Some(session.id),
        }
    }
}

/// The speaker's sessions.
#[derive(Serialize, ToSchema)]
pub struct Sessions<'a> {
    /// The sessions.
    pub(crate) sessions: Vec<Session<'a>>,
}

/// Whether somebody is here.
#[derive(Serialize, ToSchema)]
pub struct PersonPresence {
    /// Whose.
    user: i64,
    /// Here or not.
    #[schema(value_type = fields::ShownPresence)]
    presence: &'static str,
    /// When they were last here; `null` while they are.
    #[schema(value_type = Option<fields::Moment>)]
    last_seen_at: Option<Time>,
}

impl From<&(UserId, presence::Seen)> for PersonPresence {
    fn from((user, seen): &(UserId, presence::Seen)) -> Self {
        Self { user: user.0, presence: seen.presence.name(), last_seen_at: seen.last_seen_at.map(Time) }
    }
}

/// Who is here, of the people asked for.
#[derive(Serialize, ToSchema)]
pub struct Presences {
    /// The people.
    pub(crate) people: Vec<PersonPresence>,
}

/// What takes a client from one number of a conversation to another.
#[derive(Serialize, ToSchema)]
pub struct Changes<'a> {
    /// The number that the client had.
    from: i64,
    /// The number that it has after applying this.
    to: i64,
    /// True if too much has changed: forget the conversation and read it anew.
    reset: bool,
    /// True if this is a piece, and what changed after `to` is still to be told: the state is whole with the last
    /// piece, and `to` is the cursor until then.
    more: bool,
    /// The conversation as it stands; its `head` is beyond `to` where there is more to come.
    conversation: ConversationRow<'a>,
    /// Memberships that changed, departures included.
    members: Vec<Member<'a>>,
    /// Messages that are new or changed, by `seq`.
    messages: Vec<Message<'a>>,
}

impl<'a> From<&'a reply::CaughtUp> for Changes<'a> {
    fn from(caught_up: &'a reply::CaughtUp) -> Self {
        Self {
            from: caught_up.from.0,
            to: caught_up.to.0,
            reset: caught_up.reset,
            more: caught_up.more,
            conversation: ConversationRow::from(&caught_up.conversation),
            members: caught_up.members.iter().map(Member::from).collect(),
            messages: caught_up.messages.iter().map(Message::from).collect(),
        }
    }
}

/// The limits in force, by name.
pub struct LimitValues<'a>(pub(crate) &'a Limits);

impl Serialize for LimitValues<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let values = self.0.values();
        let mut map = serializer.serialize_map(Some(values.len()))?;
        for (name, value) in values {
            map.serialize_entry(name, &value)?;
        }
        map.end()
    }
}

impl PartialSchema for LimitValues<'_> {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        let limits: serde_json::Map<String, serde_json::Value> = Limits::TABLE
            .iter()
            .map(|(name, default, _, _, meaning)| {
                let limit = serde_json::json!({
                    "type": "integer", "description": meaning.trim(), "examples": [default],
                });
                ((*name).to_owned(), limit)
            })
            .collect();
        super::schemas::literal(serde_json::json!({ "type": "object", "properties": limits }))
    }
}

impl ToSchema for LimitValues<'_> {
    fn name() -> std::borrow::Cow<'static, str> {
        "Limits".into()
    }
}

/// What server this is.
#[derive(Serialize, ToSchema)]
pub struct Server<'a> {
    /// The server's name.
    name: &'a str,
    /// The program's version.
    version: &'a str,
    /// Increases with every addition to the protocol.
    feature_level: i64,
    /// The id of this history of the database; when it changes, all cursors are void.
    epoch: &'a str,
    /// Whether anybody may open an account.
    open_registration: bool,
    /// Whether the set-up secret is waiting for the first administrator.
    needs_administrator: bool,
    /// Whether the playground is served.
    playground: bool,
    /// The limits in force.
    limits: LimitValues<'a>,
}

impl<'a> From<&'a crate::ServerInfo> for Server<'a> {
    fn from(server: &'a crate::ServerInfo) -> Self {
        Self {
            name: &server.name,
            version: &server.version,
            feature_level: FEATURE_LEVEL,
            epoch: &server.epoch,
            open_registration: server.open_registration,
            needs_administrator: server.needs_administrator,
            playground: server.playground,
            limits: LimitValues(&server.limits),
        }
    }
}

/// How the server is doing.
#[derive(Serialize, ToSchema)]
pub struct Figures<'a> {
    /// Open authenticated connections, people's several ones counted each.
    connections: i64,
    /// People with at least one connection.
    people_here: i64,
    /// Accounts, deactivated ones too.
    accounts: i64,
    /// Conversations by kind.
    conversations: ConversationCounts,
    /// Messages since the database was made, deleted ones too.
    messages: i64,
    /// Messages stored since the server was started: the difference of two readings is a rate.
    messages_sent: i64,
    /// Batches of frames put into connections' queues since the server was started.
    deliveries: i64,
    /// Bytes that the database takes on its disk.
    storage_bytes: i64,
    /// Seconds since the server was started.
    uptime_seconds: i64,
    /// The program's version.
    version: &'a str,
}

/// How many conversations of each kind there are.
#[derive(Serialize, ToSchema)]
pub struct ConversationCounts {
    /// Rooms.
    rooms: i64,
    /// Groups.
    groups: i64,
    /// Direct conversations.
    direct: i64,
}

impl<'a> From<&'a crate::AllFigures> for Figures<'a> {
    fn from(figures: &'a crate::AllFigures) -> Self {
        let kept = &figures.kept;
        Self {
            connections: figures.connections,
            people_here: figures.people_here,
            accounts: kept.accounts,
            conversations: ConversationCounts { rooms: kept.rooms, groups: kept.groups, direct: kept.directs },
            messages: kept.messages,
            messages_sent: kept.messages_sent,
            deliveries: figures.deliveries,
            storage_bytes: kept.storage_bytes,
            uptime_seconds: figures.uptime_seconds,
            version: &figures.version,
        }
    }
}

/// A conversation and the number from which its live events follow.
#[derive(Serialize, ToSchema)]
pub struct Head {
    /// The conversation.
    id: i64,
    /// Its last number.
    head: i64,
}

/// What a connection is told when it is let in.
#[derive(Serialize, ToSchema)]
pub struct Authenticated<'a> {
    /// Who is speaking.
    user: Account<'a>,
    /// The session; `null` for a token of a host application.
    session: Option<i64>,
    /// The id of this history of the database; when it changes, all cursors are void.
    epoch: &'a str,
    /// Increases with every addition to the protocol.
    feature_level: i64,
    /// Seconds of silence after which the server pings.
    ping_seconds: i64,
    /// The limits in force.
    limits: LimitValues<'a>,
    /// Every conversation of the person, with the number from which live events follow.
    conversations: Vec<Head>,
}

impl<'a> From<&'a crate::Welcome> for Authenticated<'a> {
    fn from(welcome: &'a crate::Welcome) -> Self {
        let limits = &welcome.server.limits;
        Self {
            user: Account::from(&welcome.account),
            session: welcome.speaker.session.map(|session| session.0),
            epoch: &welcome.server.epoch,
            feature_level: FEATURE_LEVEL,
            ping_seconds: limits.ping_seconds,
            limits: LimitValues(limits),
            conversations: welcome.conversations.iter().map(|(id, head)| Head { id: id.0, head: head.0 }).collect(),
        }
    }
}

/// Nothing to add.
#[derive(Serialize, ToSchema)]
pub struct Done {}

/// A change of a message's reactions.
#[derive(Serialize, ToSchema)]
pub struct ReactionChange<'a> {
    /// The message in its new state.
    pub(crate) message: Message<'a>,
    /// By whom.
    pub(crate) user: i64,
    /// Which emoji.
    pub(crate) emoji: &'a str,
}

/// Somebody became a member.
#[derive(Serialize, ToSchema)]
pub struct Arrival<'a> {
    /// The new membership.
    pub(crate) member: Member<'a>,
    /// How many members there are now.
    pub(crate) member_count: i64,
}

/// Somebody is a member no more.
#[derive(Serialize, ToSchema)]
pub struct Leaving<'a> {
    /// The membership, without a role.
    pub(crate) member: Member<'a>,
    /// How many members there are now.
    pub(crate) member_count: i64,
    /// `left` or `removed`.
    pub(crate) reason: &'static str,
}

/// The person is a member no more.
#[derive(Serialize, ToSchema)]
pub struct Removal {
    /// `left` or `removed`.
    pub(crate) reason: &'static str,
}

/// Somebody writes, or has stopped.
#[derive(Serialize, ToSchema)]
pub struct Typing<'a> {
    /// Who.
    pub(crate) user: Person<'a>,
}

/// A person and whether they are here.
#[derive(Serialize, ToSchema)]
pub struct NamedPresence<'a> {
    /// Who.
    user: Person<'a>,
    /// Here or not.
    #[schema(value_type = fields::ShownPresence)]
    presence: &'static str,
    /// When they were last here; `null` while they are.
    #[schema(value_type = Option<fields::Moment>)]
    last_seen_at: Option<Time>,
}

impl<'a> From<&'a (UserId, String, presence::Seen)> for NamedPresence<'a> {
    fn from((user, username, seen): &'a (UserId, String, presence::Seen)) -> Self {
        Self {
            user: Person::new(*user, username),
            presence: seen.presence.name(),
            last_seen_at: seen.last_seen_at.map(Time),
        }
    }
}

/// People came, went or changed their presence.
#[derive(Serialize, ToSchema)]
pub struct PresenceChange<'a> {
    /// Who, and how they are now shown.
    pub(crate) people: Vec<NamedPresence<'a>>,
}

/// A problem object (RFC 9457).
#[derive(Serialize, ToSchema)]
pub struct Problem<'a> {
    /// A stable address of this sort of problem.
    #[serde(rename = "type")]
    kind: String,
    /// What sort of problem it is, in a few words.
    title: &'static str,
    /// The HTTP status that carries it.
    status: u16,
    /// What is wrong, for people.
    detail: &'a str,
    /// The sort of problem, for programs.
    code: &'static str,
    /// The fields that were wrong.
    errors: Vec<FieldProblem<'a>>,
    /// When to try again, in milliseconds.
    retry_after_ms: Option<i64>,
    /// The request, for the server's log.
    request_id: Option<&'a str>,
}

/// A field that was wrong.
#[derive(Serialize, ToSchema)]
pub struct FieldProblem<'a> {
    /// The field, as a JSON Pointer into the input.
    pointer: &'a str,
    /// What is wrong with it.
    detail: &'a str,
}

impl<'a> Problem<'a> {
    /// The problem object of a refusal.
    #[must_use]
    pub fn new(error: &'a chat::Error, request_id: Option<&'a str>) -> Self {
        Self {
            kind: format!("https://palabre.chat/problems/{}", error.code.name()),
            title: error.code.title(),
            status: error.code.status(),
            detail: &error.detail,
            code: error.code.name(),
            errors: error.field.iter().map(|pointer| FieldProblem { pointer, detail: &error.detail }).collect(),
            retry_after_ms: error.retry_after_ms,
            request_id,
        }
    }
}

/// Where a page of the conversation list ended, as an opaque cursor: time of last activity (nothing in the second
/// pass), conversation, horizon, and what is listed already.
#[must_use]
pub(crate) fn position_cursor(position: &chat::query::ListPosition) -> String {
    let active_at = position.active_at.map(|at| at.to_string()).unwrap_or_default();
    let mut cursor = format!("{active_at}-{}", position.conversation);
    if position.horizon == chat::query::ListPosition::NO_HORIZON {
        return cursor;
    }
    cursor.push_str(&format!("-{}", position.horizon));
    for id in &position.listed {
        cursor.push_str(&format!("-{id}"));
    }
    cursor
}

/// The position that [`position_cursor`] wrote, or a program of an earlier version: its lists had no second pass.
pub(crate) fn position_of(cursor: &str) -> Option<chat::query::ListPosition> {
    let (active_at, rest) = cursor.split_once('-')?;
    let mut numbers = rest.split('-').map(number);
    Some(chat::query::ListPosition {
        active_at: if active_at.is_empty() { None } else { Some(number(active_at)?) },
        conversation: ConversationId(numbers.next()??),
        horizon: numbers.next().unwrap_or(Some(chat::query::ListPosition::NO_HORIZON))?,
        listed: numbers.map(|id| id.map(ConversationId)).collect::<Option<_>>()?,
    })
}

/// A whole number from 0 to 2^53 − 1 in digits and nothing else.
pub(crate) fn number(text: &str) -> Option<i64> {
    let digits = !text.is_empty() && text.len() <= 16 && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten().filter(|n| *n <= chat::MAX_SAFE_INTEGER)
}
