//! The answers of the old REST interface, field by field.

use std::borrow::Cow;

use std::collections::BTreeMap;

use chat::{
    Error,
    accounts::Speaker,
    conversations::{Kind, Listed},
    markers::Markers,
    members::{self, Member},
    messages::{self, Sent, Submission},
    names::compared,
};
use serde::Serialize;

use super::{
    frames::{last_update, refusal},
    ids::Uuid,
};
use crate::{output::write, time::Time};

/// A field that the clients know and this server has nothing for.
type Null = Option<()>;

/// Members whose names stand for a group that has none.
const NAMED: usize = 3;

/// A person.
#[derive(Serialize)]
pub(super) struct Person<'a> {
    id: i64,
    username: &'a str,
    full_name: &'a str,
    /// Only told to its owner.
    email: &'static str,
}

impl<'a> Person<'a> {
    fn author(message: &'a messages::Message) -> Self {
        let (username, full_name) = (&message.author_name, &message.author_shown_name);
        Self { id: message.author.0, username, full_name, email: "" }
    }
}

#[derive(Serialize)]
struct Participant<'a> {
    id: i64,
    username: &'a str,
    full_name: &'a str,
    email: &'static str,
    image_url: Null,
    role: Option<&'static str>,
}

impl<'a> From<&'a Member> for Participant<'a> {
    fn from(member: &'a Member) -> Self {
        Self {
            id: member.user.0,
            username: &member.username,
            full_name: &member.shown_name,
            email: "",
            image_url: None,
            role: member.role.map(members::Role::name),
        }
    }
}

/// The newest message of a room.
#[derive(Serialize)]
struct LastMessage<'a> {
    uuid: Uuid,
    created_at: Time,
    last_update: Time,
    content: Cow<'a, str>,
    message_type: &'static str,
    sender: Person<'a>,
    attachment_url: Null,
    voice_note_url: Null,
    is_deleted: bool,
    extra_data: Null,
}

impl<'a> From<&'a messages::Message> for LastMessage<'a> {
    fn from(message: &'a messages::Message) -> Self {
        Self {
            uuid: message.id.into(),
            created_at: Time(message.created_at),
            last_update: last_update(message),
            content: message.words().unwrap_or_default(),
            message_type: message.message_type.name(),
            sender: Person::author(message),
            attachment_url: None,
            voice_note_url: None,
            is_deleted: message.text.is_none(),
            extra_data: None,
        }
    }
}

/// A room: any conversation of the speaker.
#[derive(Serialize)]
pub(super) struct Room<'a> {
    id: i64,
    uuid: Uuid,
    name: String,
    details: &'a str,
    is_group: bool,
    is_deleted: bool,
    room_type: &'static str,
    participants: Vec<Participant<'a>>,
    last_message: Option<LastMessage<'a>>,
    unread_count: i64,
    school: Null,
    recipient: Null,
    created_at: Time,
    last_update: Time,
    extra_data: Null,
    participant_ids_cache: Vec<i64>,
    /// Sic. Only where one room is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    mmessages: Option<Vec<Message<'a, i64>>>,
}

impl<'a> Room<'a> {
    pub(super) fn new(listed: &'a Listed, members: &'a [Member], speaker: &Speaker) -> Self {
        let room = &listed.conversation;
        let is_group = room.kind != Kind::Direct;
        let created_at = Time(room.created_at);
        Self {
            id: room.id.0,
            uuid: room.id.into(),
            name: name(listed).unwrap_or_else(|| names(members, speaker)),
            details: room.topic.as_deref().unwrap_or_default(),
            is_group,
            is_deleted: false,
            room_type: if is_group { "group" } else { "private" },
            participants: members.iter().map(Participant::from).collect(),
            last_message: listed.last_message.as_ref().map(LastMessage::from),
            unread_count: listed.unread,
            school: None,
            recipient: None,
            created_at,
            last_update: listed.last_message.as_ref().map_or(created_at, last_update),
            extra_data: None,
            participant_ids_cache: members.iter().map(|member| member.user.0).collect(),
            mmessages: None,
        }
    }

    /// The same with its newest messages.
    pub(super) fn with_messages(self, messages: &'a [messages::Message], readers: &Readers) -> Self {
        let messages = messages.iter().map(|message| Message::new(message, message.author.0, readers));
        Self { mmessages: Some(messages.collect()), ..self }
    }
}

/// A room's name, or that of the other person; nothing for a group without a name.
fn name(listed: &Listed) -> Option<String> {
    listed.conversation.name.clone().or_else(|| listed.peer.as_ref().map(|peer| peer.shown_name.clone()))
}

/// The title of a room without a name: those who are in it with the speaker.
fn names(members: &[Member], speaker: &Speaker) -> String {
    let others = members.iter().filter(|member| member.user != speaker.user);
    let names: Vec<&str> = others.map(|member| member.shown_name.as_str()).take(NAMED).collect();
    if names.is_empty() { speaker.shown_name.clone() } else { names.join(", ") }
}

/// Whether a room's name and details hold these texts, without regard to case.
pub(super) fn matches(listed: &Listed, wanted_name: Option<&str>, details: Option<&str>) -> bool {
    let holds = |text: &str, part: Option<&str>| part.is_none_or(|part| compared(text).contains(&compared(part)));
    holds(&name(listed).unwrap_or_default(), wanted_name)
        && holds(listed.conversation.topic.as_deref().unwrap_or_default(), details)
}

/// How far the members of a room have come, by which messages are sent, delivered or read.
pub(super) enum Readers {
    /// Too many to look at each.
    Many,
    /// All of them.
    Few(Vec<Markers>),
}

impl Readers {
    fn status(&self, message: &messages::Message) -> &'static str {
        let Self::Few(markers) = self else { return "sent" };
        let others = || markers.iter().filter(|marker| marker.user != message.author);
        if others().next().is_none() {
            "sent"
        } else if others().all(|marker| marker.read_seq >= message.seq) {
            "read"
        } else if others().all(|marker| marker.delivered_seq >= message.seq) {
            "delivered"
        } else {
            "sent"
        }
    }
}

/// A message. Its sender is a person in some answers, and a number in others.
#[derive(Serialize)]
pub(super) struct Message<'a, S> {
    id: i64,
    uuid: Uuid,
    content: Cow<'a, str>,
    chat: i64,
    sender: S,
    message_type: &'static str,
    status: &'static str,
    created_at: Time,
    last_update: Time,
    is_deleted: bool,
    attachment_url: Null,
    voice_note_url: Null,
    school: Null,
    extra_data: Null,
}

impl<'a> Message<'a, Person<'a>> {
    pub(super) fn with_person(message: &'a messages::Message, readers: &Readers) -> Self {
        Self::new(message, Person::author(message), readers)
    }
}

impl<'a, S> Message<'a, S> {
    fn new(message: &'a messages::Message, sender: S, readers: &Readers) -> Self {
        Self {
            id: message.id.0,
            uuid: message.id.into(),
            content: message.words().unwrap_or_default(),
            chat: message.conversation.0,
            sender,
            message_type: message.message_type.name(),
            status: readers.status(message),
            created_at: Time(message.created_at),
            last_update: last_update(message),
            is_deleted: message.text.is_none(),
            attachment_url: None,
            voice_note_url: None,
            school: None,
            extra_data: None,
        }
    }
}

/// The message that a send has made.
pub(super) fn spoken(speaker: &Speaker, submission: Submission, sent: &Sent) -> messages::Message {
    messages::Message {
        id: sent.id,
        conversation: sent.conversation,
        seq: sent.seq,
        rev: sent.seq,
        author: speaker.user,
        author_name: speaker.username.clone(),
        author_shown_name: speaker.shown_name.clone(),
        author_role: speaker.role,
        message_type: submission.message_type,
        client_id: submission.client_id,
        text: Some(submission.text),
        parent: submission.parent,
        thread: None,
        also_in_room: false,
        summary: None,
        created_at: sent.created_at,
        edited_at: None,
        deleted_at: None,
        files: Vec::new(),
        reactions: Vec::new(),
        mentions: chat::mentions::Mentions::default(),
        preview: None,
    }
}

/// A refusal, under both names that the clients look for it, and by field as forms want it.
pub(super) fn problem(error: &Error) -> String {
    #[derive(Serialize)]
    struct Refused<'a> {
        detail: &'a str,
        message: &'a str,
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        errors: BTreeMap<&'a str, [&'a str; 1]>,
    }
    let (field, words) = refusal(error);
    let errors = field.map(|field| (field, [words.as_str()])).into_iter().collect();
    write(&Refused { detail: &words, message: &words, errors })
}
