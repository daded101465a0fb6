//! What nodes tell each other, as it is written.
//!
//! A frame is for one conversation: `[{"event":…}, {"marker":…}, …]` in the order of the commits. Nodes of two
//! versions may talk for a while: fields that are not known are left aside, and an event that cannot be read is a
//! number that is missing, which the database has.

use std::borrow::Cow;

use chat::{
    ClientId, ConversationId, Event, Fact, MessageId, Millis, Notice, Number, Signal, Told, UserId,
    accounts::ServerRole,
    conversations::{Conversation, Kind, Visibility},
    event::Audience,
    members::{Departure, Member, Role},
    messages::{Message, MessageType},
    presence::{Presence, Seen},
    reactions::Reaction,
    receipts::Markers,
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// One thing out of a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "nearly all are told; a box would cost an allocation for each message")]
pub enum Heard {
    /// It can be told as it is.
    Told(Told),
    /// There is an event with this number; the database knows what it is.
    Number(Number),
}

/// Writes what others are to hear of one conversation; nothing if there is nothing.
#[must_use]
pub fn encode<'a>(told: impl Iterator<Item = &'a Told>) -> Option<String> {
    let words: Vec<Word> = told.filter_map(word).collect();
    if words.is_empty() { None } else { serde_json::to_string(&words).ok() }
}

/// Reads what another node has written of this conversation.
#[must_use]
pub fn decode(conversation: ConversationId, frame: &str) -> Vec<Heard> {
    let words: Vec<&RawValue> = serde_json::from_str(frame).unwrap_or_else(|error| {
        tracing::warn!(%conversation, %error, "what another node told cannot be read");
        Vec::new()
    });
    words.into_iter().filter_map(|word| heard(conversation, word.get())).collect()
}

/// The conversation whose listeners are to hear it on other nodes too, if it is about one.
#[must_use]
pub fn about(told: &Told) -> Option<ConversationId> {
    match told {
        Told::Event(event) => Some(event.conversation),
        Told::Notice(Notice { to: Audience::Members(id) | Audience::OtherMembers(id, _), .. }) => Some(*id),
        Told::Notice(Notice { signal: Signal::MarkerMoved { conversation, .. }, .. }) => Some(*conversation),
        Told::Notice(_) | Told::Order(_) | Told::Doubt | Told::NewHistory => None,
    }
}

fn heard(conversation: ConversationId, word: &str) -> Option<Heard> {
    match serde_json::from_str(word) {
        Ok(word) => read(conversation, word),
        Err(error) => {
            #[derive(Deserialize)]
            struct Numbered {
                event: Place,
            }
            #[derive(Deserialize)]
            struct Place {
                n: i64,
            }
            tracing::debug!(%conversation, %error, "a word of another node cannot be read");
            serde_json::from_str::<Numbered>(word).ok().map(|word| Heard::Number(Number(word.event.n)))
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "nearly all are events, and it lives for one line of code")]
enum Word<'a> {
    #[serde(borrow)]
    Event(EventForm<'a>),
    Marker(MarkerForm),
    #[serde(borrow)]
    Typing(TypingForm<'a>),
    #[serde(borrow)]
    Presence(Vec<SeenForm<'a>>),
}

#[derive(Serialize, Deserialize)]
struct EventForm<'a> {
    n: i64,
    by: i64,
    at: i64,
    #[serde(borrow)]
    fact: FactForm<'a>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum FactForm<'a> {
    #[serde(borrow)]
    Created(MessageForm<'a>),
    #[serde(borrow)]
    Edited(MessageForm<'a>),
    #[serde(borrow)]
    Deleted(MessageForm<'a>),
    #[serde(borrow)]
    Reacted(ReactedForm<'a>),
    #[serde(borrow)]
    Unreacted(ReactedForm<'a>),
    Joined(#[serde(borrow)] MemberForm<'a>, i64),
    Left(#[serde(borrow)] MemberForm<'a>, i64),
    Removed(#[serde(borrow)] MemberForm<'a>, i64),
    #[serde(borrow)]
    Member(MemberForm<'a>),
    #[serde(borrow)]
    Opened(ConversationForm<'a>),
    #[serde(borrow)]
    Updated(ConversationForm<'a>),
}

#[derive(Serialize, Deserialize)]
struct MessageForm<'a> {
    id: i64,
    seq: i64,
    rev: i64,
    author: i64,
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    shown: Cow<'a, str>,
    role: Cow<'a, str>,
    #[serde(rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    cid: Option<Cow<'a, str>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    text: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    parent: Option<i64>,
    created: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    edited: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    deleted: Option<i64>,
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    reactions: Vec<(Cow<'a, str>, Vec<i64>)>,
}

#[derive(Serialize, Deserialize)]
struct ReactedForm<'a> {
    #[serde(borrow)]
    message: MessageForm<'a>,
    user: i64,
    #[serde(borrow)]
    emoji: Cow<'a, str>,
}

#[derive(Serialize, Deserialize)]
struct MemberForm<'a> {
    user: i64,
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    shown: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    role: Option<Cow<'a, str>>,
    rev: i64,
    joined: i64,
}

#[derive(Serialize, Deserialize)]
struct ConversationForm<'a> {
    kind: Cow<'a, str>,
    visibility: Cow<'a, str>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    name: Option<Cow<'a, str>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    topic: Option<Cow<'a, str>>,
    by: i64,
    created: i64,
    head: i64,
    rev: i64,
    members: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pair: Option<(i64, i64)>,
}

#[derive(Serialize, Deserialize)]
struct MarkerForm {
    user: i64,
    read: i64,
    delivered: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at: Option<i64>,
    /// Whether nobody but its owner is to be told.
    #[serde(default)]
    own: bool,
}

#[derive(Serialize, Deserialize)]
struct TypingForm<'a> {
    user: i64,
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    shown: Cow<'a, str>,
    on: bool,
}

#[derive(Serialize, Deserialize)]
struct SeenForm<'a> {
    user: i64,
    #[serde(borrow)]
    name: Cow<'a, str>,
    presence: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last: Option<i64>,
}

// ---- writing --------------------------------------------------------------------------------------

fn word(told: &Told) -> Option<Word<'_>> {
    match told {
        Told::Event(event) => Some(Word::Event(EventForm {
            n: event.number.0,
            by: event.actor.0,
            at: event.at.0,
            fact: fact_form(&event.fact),
        })),
        Told::Notice(Notice { to, signal }) => match signal {
            Signal::MarkerMoved { markers, .. } => Some(Word::Marker(MarkerForm {
                user: markers.user.0,
                read: markers.read_seq.0,
                delivered: markers.delivered_seq.0,
                at: markers.read_at.map(|at| at.0),
                own: matches!(to, Audience::User(_)),
            })),
            Signal::Typing { user, username, shown_name, typing, .. } => Some(Word::Typing(TypingForm {
                user: user.0,
                name: username.into(),
                shown: shown_name.into(),
                on: *typing,
            })),
            Signal::PresenceChanged { people, .. } => Some(Word::Presence(people.iter().map(seen_form).collect())),
            Signal::ConversationAdded(_)
            | Signal::ConversationRemoved { .. }
            | Signal::ConversationHidden { .. }
            | Signal::ProfileChanged(_) => None,
        },
        Told::Order(_) | Told::Doubt | Told::NewHistory => None,
    }
}

fn seen_form((user, name, seen): &(UserId, String, Seen)) -> SeenForm<'_> {
    SeenForm {
        user: user.0,
        name: name.into(),
        presence: seen.presence.name().into(),
        last: seen.last_seen_at.map(|at| at.0),
    }
}

fn fact_form(fact: &Fact) -> FactForm<'_> {
    match fact {
        Fact::MessageCreated(message) => FactForm::Created(message_form(message)),
        Fact::MessageEdited(message) => FactForm::Edited(message_form(message)),
        Fact::MessageDeleted(message) => FactForm::Deleted(message_form(message)),
        Fact::ReactionAdded { message, user, emoji } => FactForm::Reacted(reacted_form(message, *user, emoji)),
        Fact::ReactionRemoved { message, user, emoji } => FactForm::Unreacted(reacted_form(message, *user, emoji)),
        Fact::MemberJoined { member, member_count } => FactForm::Joined(member_form(member), *member_count),
        Fact::MemberLeft { member, departure: Departure::Left, member_count } => {
            FactForm::Left(member_form(member), *member_count)
        }
        Fact::MemberLeft { member, departure: Departure::Removed, member_count } => {
            FactForm::Removed(member_form(member), *member_count)
        }
        Fact::MemberUpdated(member) => FactForm::Member(member_form(member)),
        Fact::ConversationCreated(row) => FactForm::Opened(conversation_form(row)),
        Fact::ConversationUpdated(row) => FactForm::Updated(conversation_form(row)),
    }
}

fn message_form(message: &Message) -> MessageForm<'_> {
    MessageForm {
        id: message.id.0,
        seq: message.seq.0,
        rev: message.rev.0,
        author: message.author.0,
        name: (&message.author_name).into(),
        shown: (&message.author_shown_name).into(),
        role: message.author_role.name().into(),
        kind: message.message_type.name().into(),
        cid: message.client_id.as_ref().map(|id| id.as_str().into()),
        text: message.text.as_ref().map(Into::into),
        parent: message.parent.map(|seq| seq.0),
        created: message.created_at.0,
        edited: message.edited_at.map(|at| at.0),
        deleted: message.deleted_at.map(|at| at.0),
        reactions: message
            .reactions
            .iter()
            .map(|one| ((&one.emoji).into(), one.users.iter().map(|user| user.0).collect()))
            .collect(),
    }
}

fn reacted_form<'a>(message: &'a Message, user: UserId, emoji: &'a str) -> ReactedForm<'a> {
    ReactedForm { message: message_form(message), user: user.0, emoji: emoji.into() }
}

fn member_form(member: &Member) -> MemberForm<'_> {
    MemberForm {
        user: member.user.0,
        name: (&member.username).into(),
        shown: (&member.shown_name).into(),
        role: member.role.map(|role| role.name().into()),
        rev: member.rev.0,
        joined: member.joined_at.0,
    }
}

fn conversation_form(row: &Conversation) -> ConversationForm<'_> {
    ConversationForm {
        kind: row.kind.name().into(),
        visibility: row.visibility.name().into(),
        name: row.name.as_ref().map(Into::into),
        topic: row.topic.as_ref().map(Into::into),
        by: row.created_by.0,
        created: row.created_at.0,
        head: row.head.0,
        rev: row.rev.0,
        members: row.member_count,
        pair: row.pair.map(|(low, high)| (low.0, high.0)),
    }
}

// ---- reading --------------------------------------------------------------------------------------

fn read(conversation: ConversationId, word: Word<'_>) -> Option<Heard> {
    let notice = |to, signal| Some(Heard::Told(Told::Notice(Notice { to, signal })));
    let members = Audience::Members(conversation);
    match word {
        Word::Event(form) => {
            let (number, actor, at) = (Number(form.n), UserId(form.by), Millis(form.at));
            // A name out of a later version: the database is asked, which says it in words that are known here.
            Some(match fact(conversation, form.fact) {
                Some(fact) => Heard::Told(Told::Event(Event { conversation, number, actor, origin: None, at, fact })),
                None => Heard::Number(number),
            })
        }
        Word::Marker(form) => {
            let user = UserId(form.user);
            let markers = Markers {
                user,
                read_seq: Number(form.read),
                delivered_seq: Number(form.delivered),
                read_at: form.at.map(Millis),
            };
            let to = if form.own { Audience::User(user) } else { members };
            notice(to, Signal::MarkerMoved { conversation, markers })
        }
        Word::Typing(form) => {
            let user = UserId(form.user);
            let (username, shown_name) = (form.name.into_owned(), form.shown.into_owned());
            let signal = Signal::Typing { conversation, user, username, shown_name, typing: form.on };
            notice(Audience::OtherMembers(conversation, user), signal)
        }
        Word::Presence(people) => {
            let people = people
                .into_iter()
                .filter_map(|one| {
                    let presence = Presence::from_name(&one.presence)?;
                    let seen = Seen { presence, last_seen_at: one.last.map(Millis) };
                    Some((UserId(one.user), one.name.into_owned(), seen))
                })
                .collect();
            notice(members, Signal::PresenceChanged { conversation, people })
        }
    }
}

fn fact(conversation: ConversationId, form: FactForm<'_>) -> Option<Fact> {
    Some(match form {
        FactForm::Created(form) => Fact::MessageCreated(message(conversation, form)?),
        FactForm::Edited(form) => Fact::MessageEdited(message(conversation, form)?),
        FactForm::Deleted(form) => Fact::MessageDeleted(message(conversation, form)?),
        FactForm::Reacted(form) => {
            let (user, emoji) = (UserId(form.user), form.emoji.into_owned());
            Fact::ReactionAdded { message: message(conversation, form.message)?, user, emoji }
        }
        FactForm::Unreacted(form) => {
            let (user, emoji) = (UserId(form.user), form.emoji.into_owned());
            Fact::ReactionRemoved { message: message(conversation, form.message)?, user, emoji }
        }
        FactForm::Joined(form, member_count) => Fact::MemberJoined { member: member(form)?, member_count },
        FactForm::Left(form, member_count) => {
            Fact::MemberLeft { member: member(form)?, departure: Departure::Left, member_count }
        }
        FactForm::Removed(form, member_count) => {
            Fact::MemberLeft { member: member(form)?, departure: Departure::Removed, member_count }
        }
        FactForm::Member(form) => Fact::MemberUpdated(member(form)?),
        FactForm::Opened(form) => Fact::ConversationCreated(row(conversation, form)?),
        FactForm::Updated(form) => Fact::ConversationUpdated(row(conversation, form)?),
    })
}

fn message(conversation: ConversationId, form: MessageForm<'_>) -> Option<Message> {
    Some(Message {
        id: MessageId(form.id),
        conversation,
        seq: Number(form.seq),
        rev: Number(form.rev),
        author: UserId(form.author),
        author_name: form.name.into_owned(),
        author_shown_name: form.shown.into_owned(),
        author_role: ServerRole::from_name(&form.role)?,
        message_type: MessageType::from_name(&form.kind)?,
        client_id: form.cid.map(|id| ClientId::parse(&id)).transpose().ok()?,
        text: form.text.map(Cow::into_owned),
        parent: form.parent.map(Number),
        created_at: Millis(form.created),
        edited_at: form.edited.map(Millis),
        deleted_at: form.deleted.map(Millis),
        reactions: form
            .reactions
            .into_iter()
            .map(|(emoji, users)| Reaction {
                emoji: emoji.into_owned(),
                users: users.into_iter().map(UserId).collect(),
            })
            .collect(),
    })
}

fn member(form: MemberForm<'_>) -> Option<Member> {
    let role = match form.role {
        Some(role) => Some(Role::from_name(&role)?),
        None => None,
    };
    Some(Member {
        user: UserId(form.user),
        username: form.name.into_owned(),
        shown_name: form.shown.into_owned(),
        role,
        rev: Number(form.rev),
        joined_at: Millis(form.joined),
    })
}

fn row(id: ConversationId, form: ConversationForm<'_>) -> Option<Conversation> {
    Some(Conversation {
        id,
        kind: Kind::from_name(&form.kind)?,
        visibility: Visibility::from_name(&form.visibility)?,
        name: form.name.map(Cow::into_owned),
        topic: form.topic.map(Cow::into_owned),
        created_by: UserId(form.by),
        created_at: Millis(form.created),
        head: Number(form.head),
        rev: Number(form.rev),
        member_count: form.members,
        pair: form.pair.map(|(low, high)| (UserId(low), UserId(high))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: ConversationId = ConversationId(12);

    fn a_message() -> Message {
        Message {
            id: MessageId(9),
            conversation: HERE,
            seq: Number(3),
            rev: Number(7),
            author: UserId(1),
            author_name: "ann".into(),
            author_shown_name: "Ann \"é\" \u{1f333}".into(),
            author_role: ServerRole::Admin,
            message_type: MessageType::Image,
            client_id: ClientId::parse("c-1").ok(),
            text: Some("line\nline \\ \u{2028}".into()),
            parent: Some(Number(2)),
            created_at: Millis(5),
            edited_at: Some(Millis(6)),
            deleted_at: Some(Millis(7)),
            reactions: vec![Reaction { emoji: "👍".into(), users: vec![UserId(1), UserId(2)] }],
        }
    }

    fn facts() -> Vec<Fact> {
        let message = a_message();
        let member = |role| Member {
            user: UserId(4),
            username: "dan".into(),
            shown_name: "Dan".into(),
            role,
            rev: Number(8),
            joined_at: Millis(1),
        };
        let row = Conversation {
            id: HERE,
            kind: Kind::Direct,
            visibility: Visibility::Private,
            name: Some("n".into()),
            topic: Some("t".into()),
            created_by: UserId(1),
            created_at: Millis(1),
            head: Number(8),
            rev: Number(8),
            member_count: 2,
            pair: Some((UserId(1), UserId(4))),
        };
        let (user, emoji) = (UserId(2), "👍".to_owned());
        vec![
            Fact::MessageCreated(message.clone()),
            Fact::MessageEdited(message.clone()),
            Fact::MessageDeleted(Message { text: None, ..message.clone() }),
            Fact::ReactionAdded { message: message.clone(), user, emoji: emoji.clone() },
            Fact::ReactionRemoved { message, user, emoji },
            Fact::MemberJoined { member: member(Some(Role::Owner)), member_count: 3 },
            Fact::MemberLeft { member: member(None), departure: Departure::Left, member_count: 2 },
            Fact::MemberLeft { member: member(None), departure: Departure::Removed, member_count: 2 },
            Fact::MemberUpdated(member(Some(Role::Moderator))),
            Fact::ConversationCreated(row.clone()),
            Fact::ConversationUpdated(row),
        ]
    }

    fn told() -> Vec<Told> {
        let mut told: Vec<Told> = (8..)
            .zip(facts())
            .map(|(number, fact)| {
                let (actor, at) = (UserId(1), Millis(99));
                Told::Event(Event { conversation: HERE, number: Number(number), actor, origin: None, at, fact })
            })
            .collect();
        let markers =
            Markers { user: UserId(1), read_seq: Number(3), delivered_seq: Number(4), read_at: Some(Millis(1)) };
        let moved = Signal::MarkerMoved { conversation: HERE, markers };
        let (user, username, shown_name) = (UserId(1), "ann".to_owned(), "Ann".to_owned());
        let typing = Signal::Typing { conversation: HERE, user, username, shown_name, typing: true };
        let seen = Seen { presence: Presence::Busy, last_seen_at: Some(Millis(3)) };
        let people = vec![(UserId(2), "bob".to_owned(), seen)];
        told.extend(
            [
                (Audience::Members(HERE), moved.clone()),
                (Audience::User(user), moved),
                (Audience::OtherMembers(HERE, user), typing),
                (Audience::Members(HERE), Signal::PresenceChanged { conversation: HERE, people }),
            ]
            .map(|(to, signal)| Told::Notice(Notice { to, signal })),
        );
        told
    }

    #[test]
    fn whatever_is_told_is_heard_as_it_was() {
        let frame = encode(told().iter()).expect("words");
        let heard = decode(HERE, &frame);
        assert_eq!(heard, told().into_iter().map(Heard::Told).collect::<Vec<_>>());
    }

    #[test]
    fn what_a_later_version_says_is_a_number_or_left_aside() {
        for (frame, heard) in [
            (r#"[{"event":{"n":5,"by":1,"at":2,"fact":{"pinned":{"x":1}}}}]"#, vec![Heard::Number(Number(5))]),
            (
                r#"[{"event":{"n":5,"fact":{"member":{"user":1,"name":"a","shown":"a","role":"king","rev":5,"joined":1}},"by":1,"at":2}}]"#,
                vec![Heard::Number(Number(5))],
            ),
            (r#"[{"poll":{"n":5}},{"event":{"n":6}}]"#, vec![Heard::Number(Number(6))]),
            ("not json", vec![]),
            (r#"{"event":1}"#, vec![]),
        ] {
            assert_eq!(decode(HERE, frame), heard, "{frame}");
        }
    }

    #[test]
    fn what_is_for_one_person_is_not_told_to_a_conversation() {
        let to_one = Told::Notice(Notice {
            to: Audience::User(UserId(1)),
            signal: Signal::ConversationHidden { conversation: HERE, at: Number(1) },
        });
        assert_eq!((about(&to_one), encode([&to_one].into_iter())), (None, None));
    }
}
