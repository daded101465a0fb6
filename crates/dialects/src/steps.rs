//! Steps that several dialects need to gather data.

use std::collections::HashMap;

use chat::{
    ConversationId, Error, ErrorCode, Query, Reply, UserId,
    accounts::Account,
    conversations::{Conversation, Listed},
    presence::{Presence, Seen},
    query::ListPosition,
};

use crate::{Step, Then};

/// Entries to ask for at a time.
pub(crate) const PAGE: i64 = 200;

/// The refusal for a reply that does not fit its query.
pub(crate) fn strange<T>() -> Result<T, Error> {
    Err(Error::internal())
}

/// The speaker's conversations that are `wanted`, most recently active first, at most `most`.
pub(crate) fn conversations(
    most: usize,
    wanted: impl Fn(&Conversation) -> bool + Send + 'static,
    then: Then<Vec<Listed>>,
) -> Step {
    more_conversations(None, Found::default(), most, wanted, then)
}

/// The entries of the pages so far. A conversation that has moved up meanwhile comes a second time and replaces its
/// entry.
#[derive(Default)]
struct Found {
    list: Vec<Listed>,
    places: HashMap<ConversationId, usize>,
}

impl Found {
    fn take(&mut self, listed: Listed) {
        let place = *self.places.entry(listed.conversation.id).or_insert(self.list.len());
        match self.list.get_mut(place) {
            Some(earlier) => *earlier = listed,
            None => self.list.push(listed),
        }
    }
}

fn more_conversations(
    after: Option<ListPosition>,
    mut found: Found,
    most: usize,
    wanted: impl Fn(&Conversation) -> bool + Send + 'static,
    then: Then<Vec<Listed>>,
) -> Step {
    Step::Ask(
        Query::Conversations { after, limit: PAGE },
        Box::new(move |reply| match reply {
            Ok(Reply::Conversations { conversations: listed, next }) => {
                listed.into_iter().filter(|listed| wanted(&listed.conversation)).for_each(|listed| found.take(listed));
                match next {
                    Some(next) if found.list.len() < most => more_conversations(Some(next), found, most, wanted, then),
                    _ => {
                        found.list.truncate(most);
                        then(Ok(found.list))
                    }
                }
            }
            Ok(_) => then(strange()),
            Err(error) => then(Err(error)),
        }),
    )
}

/// The speaker's direct conversation with somebody, if there is one. It is not opened.
pub(crate) fn direct_with(user: UserId, then: Then<Option<Listed>>) -> Step {
    Step::Ask(
        Query::DirectWith(user),
        Box::new(move |reply| match reply {
            Ok(Reply::Conversation(listed)) => then(Ok(Some(*listed))),
            Ok(_) => then(strange()),
            Err(error) if error.code == ErrorCode::NotFound => then(Ok(None)),
            Err(error) => then(Err(error)),
        }),
    )
}

/// The presence of these people, as others see it.
pub(crate) fn seen(users: Vec<UserId>, then: Then<Vec<(UserId, Seen)>>) -> Step {
    Step::Ask(
        Query::Presence(users),
        Box::new(move |reply| match reply {
            Ok(Reply::Presence(seen)) => then(Ok(seen)),
            Ok(_) => then(strange()),
            Err(error) => then(Err(error)),
        }),
    )
}

/// Adds to each of these people whether they are online.
pub(crate) fn online(users: Vec<Account>, then: Then<Vec<(Account, bool)>>) -> Step {
    seen(
        users.iter().map(|user| user.id).collect(),
        Box::new(move |seen| {
            then(seen.map(|seen| {
                let here = |id: UserId| {
                    seen.iter().any(|(user, seen)| *user == id && seen.presence.shown() != Presence::Offline)
                };
                users.into_iter().map(|user| (here(user.id), user)).map(|(here, user)| (user, here)).collect()
            }))
        }),
    )
}
