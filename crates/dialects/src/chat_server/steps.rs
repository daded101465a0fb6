//! Steps that several frames and requests of this endpoint need before their own. The old protocol
//! names rooms and people; the server knows conversations by id.

use chat::{
    Command, ConversationId, Error, Number, Query, Reply, UserId,
    accounts::Account,
    conversations::{Conversation, Kind, Visibility},
    messages::{Anchor, Message, View},
};

use crate::{
    Step, Then,
    steps::{PAGE, conversations, online, strange},
};

/// The histories' length if none is asked for, and the most that is given.
const HISTORY: (i64, i64) = (50, 1_000);
/// The lists of the old pages have no second page; they end here.
const LIST_END: usize = 5_000;

/// How many messages are to be given.
pub(super) fn history_length(asked: Option<i64>) -> usize {
    usize::try_from(asked.unwrap_or(HISTORY.0).clamp(1, HISTORY.1)).unwrap_or(1)
}

/// Finds a room, and enters it if it is public and the speaker is not in it: the old server let everybody
/// speak and read in every room without joining.
pub(super) fn enter(name: String, then: Then<Conversation>) -> Step {
    find(name, |found| match found {
        Ok((room, true)) => then(Ok(room)),
        Ok((room, false)) => Step::Do(
            Box::new(Command::JoinConversation(room.id)),
            Box::new(move |reply| match reply {
                Ok(_) => then(Ok(room)),
                Err(error) => then(Err(error)),
            }),
        ),
        Err(error) => then(Err(error)),
    })
}

/// Finds a room, and whether the speaker is in it.
pub(super) fn find(
    name: String,
    then: impl FnOnce(Result<(Conversation, bool), Error>) -> Step + Send + 'static,
) -> Step {
    Step::Ask(
        Query::RoomByName(name),
        Box::new(move |reply| {
            then(reply.and_then(|reply| match reply {
                Reply::Conversation(listed) => Ok((listed.conversation, true)),
                Reply::Rooms { rooms, .. } => rooms.into_iter().next().ok_or_else(|| Error::not_found("room")),
                _ => strange(),
            }))
        }),
    )
}

/// The newest messages, oldest first, tombstones left out.
pub(super) fn newest(conversation: ConversationId, length: usize, then: Then<Vec<Message>>) -> Step {
    older(conversation, Anchor::Latest, length, Vec::new(), then)
}

fn older(
    conversation: ConversationId,
    anchor: Anchor,
    length: usize,
    newer: Vec<Message>,
    then: Then<Vec<Message>>,
) -> Step {
    let missing = i64::try_from(length.saturating_sub(newer.len())).unwrap_or(PAGE);
    Step::Ask(
        Query::History { conversation, view: View::All, anchor, limit: missing.min(PAGE) },
        Box::new(move |reply| {
            let page = match reply {
                Ok(Reply::History(page)) => page,
                Ok(_) => return then(strange()),
                Err(error) => return then(Err(error)),
            };
            let oldest = page.messages.first().map(|message| message.seq);
            let mut messages: Vec<Message> = page.messages;
            messages.retain(|message| message.text.is_some());
            messages.extend(newer);
            match oldest {
                Some(seq) if page.has_more_before && messages.len() < length && seq > Number(1) => {
                    older(conversation, Anchor::Before(seq), length, messages, then)
                }
                _ => {
                    messages.drain(..messages.len().saturating_sub(length));
                    then(Ok(messages))
                }
            }
        }),
    )
}

/// The rooms that the speaker may see: the public ones and their own private ones.
pub(super) fn rooms(then: Then<Vec<Conversation>>) -> Step {
    public_rooms(
        None,
        Vec::new(),
        Box::new(move |public| match public {
            Err(error) => then(Err(error)),
            Ok(mut rooms) => conversations(
                LIST_END,
                |listed| listed.kind == Kind::Room && listed.visibility == Visibility::Private,
                Box::new(move |private| match private {
                    Ok(private) => {
                        rooms.extend(private.into_iter().map(|listed| listed.conversation));
                        then(Ok(rooms))
                    }
                    Err(error) => then(Err(error)),
                }),
            ),
        }),
    )
}

fn public_rooms(after: Option<String>, mut found: Vec<Conversation>, then: Then<Vec<Conversation>>) -> Step {
    Step::Ask(
        Query::Discover { prefix: String::new(), after, limit: PAGE },
        Box::new(move |reply| match reply {
            Ok(Reply::Rooms { rooms, next }) => {
                found.extend(rooms.into_iter().map(|(room, _)| room));
                match next {
                    Some(next) if found.len() < LIST_END => public_rooms(Some(next), found, then),
                    _ => then(Ok(found)),
                }
            }
            Ok(_) => then(strange()),
            Err(error) => then(Err(error)),
        }),
    )
}

/// Everybody, and whether they are here.
pub(super) fn people(then: Then<Vec<(Account, bool)>>) -> Step {
    more_people(None, Vec::new(), then)
}

fn more_people(after: Option<UserId>, mut found: Vec<(Account, bool)>, then: Then<Vec<(Account, bool)>>) -> Step {
    Step::Ask(
        Query::Users { prefix: String::new(), after, limit: PAGE },
        Box::new(move |reply| match reply {
            Ok(Reply::Users { users, next }) => online(
                users,
                Box::new(move |users| match users {
                    Err(error) => then(Err(error)),
                    Ok(users) => {
                        found.extend(users);
                        match next {
                            Some(next) if found.len() < LIST_END => more_people(Some(next), found, then),
                            _ => then(Ok(found)),
                        }
                    }
                }),
            ),
            Ok(_) => then(strange()),
            Err(error) => then(Err(error)),
        }),
    )
}
