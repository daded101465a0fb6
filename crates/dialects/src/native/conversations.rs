//! Conversations: what may be asked of them, and how they are shown.

use chat::{Command, ConversationId, Error, Query, UserId, conversations, reply};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    fields::{self, Integer, Key, Text},
    members::Member,
    messages::Message,
    notifications::ConversationSettings,
    pages::{page_limit, position_cursor},
    threads::ThreadSummary,
};
use crate::{
    input::{given, nullable},
    time::Time,
};

/// A room, a group or a direct conversation. Which fields there are depends on the kind.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CreateConversation {
    /// The kind of conversation to open.
    pub(super) kind: fields::Kind,
    /// Rooms: the unique name, required. Groups: a name, if it is to have one.
    pub(super) name: Option<Text>,
    /// Rooms: what it is about.
    pub(super) topic: Option<Text>,
    /// Rooms: who may find and enter it; `public` if absent.
    pub(super) visibility: Option<fields::Visibility>,
    /// Groups: who else is in it, required.
    pub(super) members: Option<Vec<Integer>>,
    /// Direct: the other person, required.
    pub(super) user: Option<Integer>,
    /// Makes a repeat harmless.
    pub(super) client_id: Option<Key>,
}

impl CreateConversation {
    pub(super) fn command(self) -> Result<Command, Error> {
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
        Ok(match kind {
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
pub(super) struct OfConversation {
    /// Which.
    pub(super) conversation: Integer,
}

impl OfConversation {
    pub(super) fn id(&self) -> ConversationId {
        ConversationId(self.conversation.0)
    }
}

/// The changes to a conversation.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UpdateConversation {
    /// Which.
    pub(super) conversation: Integer,
    /// The new name.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Text, required = false)]
    pub(super) name: Option<Text>,
    /// The new topic; null clears it.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<Text>)]
    pub(super) topic: Option<Option<Text>>,
    /// Rooms only.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = fields::Visibility, required = false)]
    pub(super) visibility: Option<fields::Visibility>,
    /// Whether earlier texts of edited messages are kept for the members from now on; false removes those that there are.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = bool, required = false)]
    pub(super) edit_history: Option<bool>,
    /// Whether new messages get previews of their links.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = bool, required = false)]
    pub(super) previews: Option<bool>,
}

impl From<UpdateConversation> for Command {
    fn from(update: UpdateConversation) -> Self {
        Self::UpdateConversation {
            conversation: ConversationId(update.conversation.0),
            name: update.name.map(|name| name.0),
            topic: update.topic.map(|topic| topic.map(|text| text.0)),
            visibility: update.visibility.map(|visibility| visibility.0),
            edit_history: update.edit_history,
            previews: update.previews,
        }
    }
}

/// A conversation and a number.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SyncConversation {
    /// Which.
    pub(super) conversation: Integer,
    /// The last number that the client has seen.
    pub(super) since: Integer,
}

/// A room's name.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OfName {
    /// The name, in any case.
    pub(super) name: Text,
}

/// A page of the speaker's own conversations.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ListConversations {
    /// The previous page's `next_cursor`.
    pub(super) cursor: Option<Text>,
    /// How many; 50 if absent.
    pub(super) limit: Option<Integer>,
    /// Whether those that one has hidden are wanted, in place of the others.
    pub(super) hidden: Option<bool>,
}

impl ListConversations {
    pub(super) fn query(self) -> Result<Query, Error> {
        let (after, limit) = (position_cursor(self.cursor)?, page_limit(self.limit)?);
        Ok(match self.hidden {
            Some(true) => Query::HiddenConversations { after, limit },
            _ => Query::Conversations { after, limit },
        })
    }
}

/// The beginning of a name, and which page; or which room.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Find {
    /// The words to look for: each begins a word of the name. All if absent.
    pub(super) prefix: Option<Text>,
    /// The previous page's `next_cursor`.
    pub(super) cursor: Option<Text>,
    /// How many; 50 if absent.
    pub(super) limit: Option<Integer>,
    /// The one public room of this id, if it is there; without the other fields.
    pub(super) conversation: Option<Integer>,
}

impl Find {
    pub(super) fn query(self) -> Result<Query, Error> {
        let Some(room) = self.conversation else {
            let prefix = self.prefix.map(|prefix| prefix.0).unwrap_or_default();
            return Ok(Query::Discover { prefix, after: self.cursor.map(|c| c.0), limit: page_limit(self.limit)? });
        };
        let others =
            [("prefix", self.prefix.is_some()), ("cursor", self.cursor.is_some()), ("limit", self.limit.is_some())];
        if let Some((field, _)) = others.iter().find(|(_, given)| *given) {
            return Err(Error::invalid(
                field,
                format!("{field} does not go together with conversation: one room is asked for."),
            ));
        }
        Ok(Query::PublicRoom(ConversationId(room.0)))
    }
}

/// A conversation's own row: what all of its members see alike.
#[derive(Serialize, ToSchema)]
pub struct ConversationRow<'a> {
    /// Its id.
    id: i64,
    /// The kind of conversation.
    #[schema(value_type = fields::Kind)]
    kind: &'static str,
    /// The people who may find and enter it.
    #[schema(value_type = fields::Visibility)]
    visibility: &'static str,
    /// Its name, if it has one.
    name: Option<&'a str>,
    /// The subject of the conversation.
    topic: Option<&'a str>,
    /// The id of its picture, whose bytes are at `/v1/pictures/{id}`; `null` if it has none.
    avatar: Option<String>,
    /// The id of the person who opened it.
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
    /// Whether earlier texts of edited messages are kept for the members.
    edit_history: bool,
    /// Whether new messages get previews of their links.
    previews: bool,
}

impl<'a> From<&'a conversations::Conversation> for ConversationRow<'a> {
    fn from(conversation: &'a conversations::Conversation) -> Self {
        Self {
            id: conversation.id.0,
            kind: conversation.kind.name(),
            visibility: conversation.visibility.name(),
            name: conversation.name.as_deref(),
            topic: conversation.topic.as_deref(),
            avatar: conversation.avatar.map(|picture| picture.to_string()),
            created_by: conversation.created_by.0,
            created_at: Time(conversation.created_at),
            head: conversation.head.0,
            rev: conversation.rev.0,
            member_count: conversation.member_count,
            edit_history: conversation.edit_history,
            previews: conversation.previews,
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
    /// Messages of others after the read marker, or from the message on from which the member has marked it as unread;
    /// 100 means "100 or more".
    unread: i64,
    /// Those of them that are for the member: mentions, replies and calls of everybody; in a direct conversation all.
    unread_for_me: i64,
    /// The member's own settings.
    settings: ConversationSettings,
    /// The newest message.
    last_message: Option<Message<'a>>,
    /// The values of both without messages that are in threads only; `null` if they are the same.
    room: Option<InRoom<'a>>,
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
            unread_for_me: listed.unread_for_me,
            settings: ConversationSettings::from(&listed.settings),
            last_message: listed.last_message.as_ref().map(Message::from),
            room: listed.room.as_deref().map(InRoom::from),
            peer: listed.peer.as_ref().map(Peer::from),
        }
    }
}

/// The part of a conversation's entry that leaves out threads.
#[derive(Serialize, ToSchema)]
pub struct InRoom<'a> {
    /// Messages of others in the room after the read marker; 100 means "100 or more".
    unread: i64,
    /// The newest message in the room.
    last_message: Option<Message<'a>>,
}

impl<'a> From<&'a conversations::InRoom> for InRoom<'a> {
    fn from(room: &'a conversations::InRoom) -> Self {
        Self { unread: room.unread, last_message: room.last_message.as_ref().map(Message::from) }
    }
}

/// The other person of a direct conversation.
#[derive(Serialize, ToSchema)]
pub struct Peer<'a> {
    /// The account's id.
    id: i64,
    /// Its name.
    username: &'a str,
    /// The display name of the person.
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

/// One took the conversation out of one's list.
#[derive(Serialize, ToSchema)]
pub struct Hiding {
    /// The last `seq` before that: an event after it brings the conversation back.
    pub(crate) at: i64,
}

/// The changes that take a client from one number of a conversation to another.
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
    /// Messages that are new or changed, by `seq`; their `summary` is `null`.
    messages: Vec<Message<'a>>,
    /// The summaries of threads that have changed.
    threads: Vec<ThreadSummary<'a>>,
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
            threads: caught_up.threads.iter().map(ThreadSummary::from).collect(),
        }
    }
}
