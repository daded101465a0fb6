//! The written form of what nodes publish to each other; the form of each noun is in the noun's file.
//!
//! A frame is for one conversation: `[{"event":…}, {"marker":…}, …]` in the order of the commits. Nodes of two versions
//! may run together for a while: unknown fields are ignored, and an event that cannot be read is only a missing number,
//! which is read from the database.

mod accounts;
mod conversations;
mod files;
mod markers;
mod members;
mod mentions;
mod messages;
mod presence;
mod previews;
mod reactions;
mod threads;
mod typing;

use chat::{
    ConversationId, Event, Fact, Millis, Notice, Number, Outgoing, Signal, UserId, event::Audience, members::Departure,
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use self::{
    accounts::{CardForm, card, card_form},
    conversations::{ConversationForm, conversation_form, row},
    markers::{MarkerForm, marker_form, markers},
    members::{MemberForm, member, member_form},
    messages::{MessageForm, message, message_form},
    presence::{SeenForm, presence, seen_form},
    reactions::{ReactedForm, reacted_form},
    threads::{SummaryForm, summary, summary_form},
    typing::{TypingForm, typing, typing_form},
};

/// One item of a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "nearly all are told; a box would cost an allocation for each message")]
pub enum Heard {
    /// It can be published here as it is.
    Outgoing(Outgoing),
    /// There is an event with this number; its content must be read from the database.
    Number(Number),
}

/// Encodes the items that are for one conversation; `None` if there are none.
#[must_use]
pub fn encode<'a>(told: impl Iterator<Item = &'a Outgoing>) -> Option<String> {
    let words: Vec<Word> = told.filter_map(word).collect();
    if words.is_empty() { None } else { serde_json::to_string(&words).ok() }
}

/// Decodes a frame that another node has published for this conversation.
#[must_use]
pub fn decode(conversation: ConversationId, frame: &str) -> Vec<Heard> {
    let words: Vec<&RawValue> = serde_json::from_str(frame).unwrap_or_else(|error| {
        tracing::warn!(%conversation, %error, "what another node told cannot be read");
        Vec::new()
    });
    words.into_iter().filter_map(|word| heard(conversation, word.get())).collect()
}

/// The conversation whose subscribers on other nodes are to receive it, if it is about one.
#[must_use]
pub fn about(told: &Outgoing) -> Option<ConversationId> {
    match told {
        Outgoing::Event(event) => Some(event.conversation),
        Outgoing::Notice(Notice { to: Audience::Members(id) | Audience::OtherMembers(id, _), .. }) => Some(*id),
        Outgoing::Notice(Notice { signal: Signal::MarkerMoved { conversation, .. }, .. }) => Some(*conversation),
        // Of account events, other nodes learn by an invalidation, and read the change from the database.
        Outgoing::Account(_)
        | Outgoing::Notice(_)
        | Outgoing::Revocation(_)
        | Outgoing::Doubt
        | Outgoing::NewHistory => None,
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

#[expect(clippy::large_enum_variant, reason = "nearly all are events; a box would cost an allocation for each message")]
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Word<'a> {
    #[serde(borrow)]
    Event(EventForm<'a>),
    Marker(MarkerForm),
    #[serde(borrow)]
    Typing(TypingForm<'a>),
    #[serde(borrow)]
    Presence(Vec<SeenForm<'a>>),
    #[serde(borrow)]
    Card(CardForm<'a>),
}

#[derive(Serialize, Deserialize)]
struct EventForm<'a> {
    n: i64,
    by: i64,
    at: i64,
    #[serde(borrow)]
    fact: FactForm<'a>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    thread: Option<SummaryForm>,
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
    Previewed(MessageForm<'a>),
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

// ---- writing --------------------------------------------------------------------------------------

fn word(told: &Outgoing) -> Option<Word<'_>> {
    match told {
        Outgoing::Event(event) => Some(Word::Event(EventForm {
            n: event.number.0,
            by: event.actor.0,
            at: event.at.0,
            fact: fact_form(&event.fact),
            thread: event.thread.as_deref().map(summary_form),
        })),
        Outgoing::Notice(Notice { to, signal }) => match signal {
            Signal::MarkerMoved { markers, .. } => Some(Word::Marker(marker_form(*to, markers))),
            Signal::Typing { thread, user, username, shown_name, typing, .. } => {
                Some(Word::Typing(typing_form(*user, (username, shown_name), *thread, *typing)))
            }
            Signal::PresenceChanged { people, .. } => Some(Word::Presence(people.iter().map(seen_form).collect())),
            Signal::CardChanged { account, .. } => Some(Word::Card(card_form(account))),
            Signal::NotAMember(_) => None,
        },
        Outgoing::Account(_) | Outgoing::Revocation(_) | Outgoing::Doubt | Outgoing::NewHistory => None,
    }
}

fn fact_form(fact: &Fact) -> FactForm<'_> {
    match fact {
        Fact::MessageCreated(message) => FactForm::Created(message_form(message)),
        Fact::MessageEdited(message) => FactForm::Edited(message_form(message)),
        Fact::MessageDeleted(message) => FactForm::Deleted(message_form(message)),
        Fact::MessagePreviewed(message) => FactForm::Previewed(message_form(message)),
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

// ---- reading --------------------------------------------------------------------------------------

fn read(conversation: ConversationId, word: Word<'_>) -> Option<Heard> {
    let notice = |to, signal| Some(Heard::Outgoing(Outgoing::Notice(Notice { to, signal })));
    let members = Audience::Members(conversation);
    match word {
        Word::Event(form) => {
            let (number, actor, at) = (Number(form.n), UserId(form.by), Millis(form.at));
            let thread = form.thread.map(summary).map(Box::new);
            // A fact of a later version is unknown here: the node reads the change from the database instead.
            Some(match fact(conversation, form.fact) {
                Some(fact) => {
                    let origin = None;
                    Heard::Outgoing(Outgoing::Event(Event { conversation, number, actor, origin, at, fact, thread }))
                }
                None => Heard::Number(number),
            })
        }
        Word::Marker(form) => {
            let markers = markers(&form);
            let to = if form.own { Audience::User(markers.user) } else { members };
            notice(to, Signal::MarkerMoved { conversation, markers })
        }
        Word::Typing(form) => {
            notice(Audience::OtherMembers(conversation, UserId(form.user)), typing(conversation, form))
        }
        Word::Presence(people) => notice(members, presence(conversation, people)),
        Word::Card(form) => notice(members, card(conversation, form)),
    }
}

fn fact(conversation: ConversationId, form: FactForm<'_>) -> Option<Fact> {
    Some(match form {
        FactForm::Created(form) => Fact::MessageCreated(message(conversation, form)?),
        FactForm::Edited(form) => Fact::MessageEdited(message(conversation, form)?),
        FactForm::Deleted(form) => Fact::MessageDeleted(message(conversation, form)?),
        FactForm::Previewed(form) => Fact::MessagePreviewed(message(conversation, form)?),
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

#[cfg(test)]
mod tests {
    use chat::{
        AccountEvent, AccountFact, ClientId, FileId, MessageId, UserGroupId,
        accounts::{Account, Profile, ServerRole},
        conversations::{Conversation, Kind, Visibility},
        files::{File, Voice},
        markers::Markers,
        members::{Member, Role},
        mentions::Mentions,
        messages::{Message, MessageType},
        presence::{Presence, Seen},
        previews::Preview,
        reactions::Reaction,
        threads::Summary,
    };

    use super::*;

    const HERE: ConversationId = ConversationId(12);

    fn a_summary() -> Summary {
        let mut summary = Summary::new(Number(1));
        summary.add(Number(3), UserId(1), Millis(5));
        summary
    }

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
            thread: Some(Number(1)),
            also_in_room: true,
            summary: Some(Box::new(a_summary())),
            created_at: Millis(5),
            edited_at: Some(Millis(6)),
            deleted_at: Some(Millis(7)),
            files: vec![a_file()],
            reactions: vec![Reaction { emoji: "👍".into(), users: vec![UserId(1), UserId(2)] }],
            mentions: Mentions {
                people: vec![UserId(2), UserId(5)],
                groups: vec![UserGroupId(3)],
                here: true,
                room: false,
                reply_to: Some(UserId(2)),
            },
            preview: Some(Box::new(Preview {
                url: "https://a.example/?a=\"b\"".into(),
                site: Some("A \"site\"".into()),
                title: "Title\u{2028}é".into(),
                description: Some("about".into()),
                image: Some(a_file()),
            })),
        }
    }

    fn a_file() -> File {
        File {
            id: FileId::of([9; 16]),
            name: "Été \"1\".png".into(),
            media_type: "image/png".into(),
            size: 123_456,
            sha256: "ab".repeat(32),
            pixels: Some((640, 480)),
            blurhash: Some("LEHV6nWB2yk8pyo0adR*.7kCMdnj".into()),
            voice: Some(Voice { duration_ms: 4_200, waveform: vec![0, 31, 7] }),
        }
    }

    /// An account without anything that only its owner may see.
    fn an_account() -> Account {
        let profile = Profile {
            display_name: Some("Ann \"é\"".into()),
            city: Some("Nîmes".into()),
            status_message: Some("back at 3".into()),
            ..Profile::default()
        };
        Account {
            id: UserId(4),
            username: "ann".into(),
            email: None,
            role: ServerRole::User,
            active: true,
            profile,
            avatar: Some(FileId::of([7; 16])),
            rev: Number(9),
            created_at: Millis(0),
            last_seen_at: None,
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
            avatar: Some(FileId::of([8; 16])),
            created_by: UserId(1),
            created_at: Millis(1),
            head: Number(8),
            rev: Number(8),
            member_count: 2,
            edit_history: true,
            pair: Some((UserId(1), UserId(4))),
            previews: true,
        };
        let (user, emoji) = (UserId(2), "👍".to_owned());
        vec![
            Fact::MessageCreated(message.clone()),
            Fact::MessageEdited(message.clone()),
            Fact::MessageDeleted(Message { text: None, ..message.clone() }),
            Fact::MessagePreviewed(message.clone()),
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

    fn told() -> Vec<Outgoing> {
        let mut told: Vec<Outgoing> = (8..)
            .zip(facts())
            .map(|(number, fact)| {
                let (actor, at) = (UserId(1), Millis(99));
                let thread = (number % 2 == 0).then(|| Box::new(a_summary()));
                let number = Number(number);
                Outgoing::Event(Event { conversation: HERE, number, actor, origin: None, at, fact, thread })
            })
            .collect();
        let markers =
            Markers { user: UserId(1), read_seq: Number(3), delivered_seq: Number(4), read_at: Some(Millis(1)) };
        let moved = Signal::MarkerMoved { conversation: HERE, markers };
        let (user, username, shown_name) = (UserId(1), "ann".to_owned(), "Ann".to_owned());
        let typing = Signal::Typing { conversation: HERE, thread: None, user, username, shown_name, typing: true };
        let seen = Seen { presence: Presence::Busy, last_seen_at: Some(Millis(3)) };
        let people = vec![(UserId(2), "bob".to_owned(), seen)];
        told.extend(
            [
                (Audience::Members(HERE), moved.clone()),
                (Audience::User(user), moved),
                (Audience::OtherMembers(HERE, user), typing),
                (Audience::Members(HERE), Signal::PresenceChanged { conversation: HERE, people }),
                (Audience::Members(HERE), Signal::CardChanged { conversation: HERE, account: Box::new(an_account()) }),
            ]
            .map(|(to, signal)| Outgoing::Notice(Notice { to, signal })),
        );
        told
    }

    #[test]
    fn everything_published_survives_encoding_and_decoding() {
        let frame = encode(told().iter()).expect("words");
        let heard = decode(HERE, &frame);
        assert_eq!(heard, told().into_iter().map(Heard::Outgoing).collect::<Vec<_>>());
    }

    #[test]
    fn an_item_of_a_later_version_is_read_as_a_number_or_ignored() {
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
    fn an_account_event_is_not_published_to_a_conversation() {
        let fact = AccountFact::ConversationHidden { conversation: HERE, at: Number(1) };
        let (after, number) = (Number(0), Number(1));
        let to_one = Outgoing::Account(AccountEvent { account: UserId(1), after, number, origin: None, fact });
        assert_eq!((about(&to_one), encode([&to_one].into_iter())), (None, None));
    }
}
