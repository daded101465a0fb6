//! REST: the speaker's conversations.

use std::borrow::Cow;

use chat::{
    Command, ConversationId, Error, Reply, UserId,
    conversations::{Kind, Listed, Peer},
};
use serde::{Deserialize, Serialize};

use super::{
    fields::Id,
    rest::{Page, done, end, success},
    steps,
    words::Missing,
};
use crate::{
    Step,
    rest::{Desk, Request},
    steps::{conversations, direct_with, strange},
    time::Time,
};

/// The list is counted up to here; nobody has reached it yet.
const LIST_END: usize = 5_000;

/// How the list is wrapped. The document and the web client contradict each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// The document's: `[…]`.
    Array,
    /// The web client's: `{"conversations":[…],"has_more","total"}`.
    Object,
}

impl Form {
    /// A client that was written by the document sends the header that it demands; a browser never does.
    pub(super) fn of(request: &Request<'_>) -> Self {
        if (request.header)("x-user-id").is_some() { Self::Array } else { Self::Object }
    }
}

/// A conversation, with the fields of the document's form and of the web client's.
#[derive(Serialize)]
struct Entry<'a> {
    id: i64,
    user1_id: i64,
    user2_id: Option<i64>,
    last_message_content: Cow<'a, str>,
    last_message_at: Option<Time>,
    created_at: Time,
    updated_at: Time,
    last_message: Cow<'a, str>,
    unread_count: i64,
    other_user: Option<Other<'a>>,
}

#[derive(Serialize)]
struct Other<'a> {
    id: i64,
    username: &'a str,
    first_name: &'a str,
    last_name: &'a str,
    /// Pictures are another system's; the field is what the old clients look for.
    avatar: &'static str,
}

impl<'a> From<&'a Peer> for Other<'a> {
    fn from(peer: &'a Peer) -> Self {
        let given = |name: &'a Option<String>| name.as_deref().unwrap_or_default();
        // The web client shows the first name, and a blank without one.
        let (first_name, last_name) = match given(&peer.first_name) {
            blank if blank.trim().is_empty() => (peer.shown_name.as_str(), ""),
            first_name => (first_name, given(&peer.last_name)),
        };
        Self { id: peer.user.0, username: &peer.username, first_name, last_name, avatar: "" }
    }
}

impl<'a> From<&'a Listed> for Entry<'a> {
    fn from(listed: &'a Listed) -> Self {
        let conversation = &listed.conversation;
        let (user1, user2) = match conversation.pair {
            Some((low, high)) => (low, Some(high)),
            None => (conversation.created_by, None),
        };
        let last = listed.last_message.as_ref();
        let words = last.and_then(|message| message.words()).unwrap_or_default();
        let at = last.map(|message| message.created_at);
        Self {
            id: conversation.id.0,
            user1_id: user1.0,
            user2_id: user2.map(|user| user.0),
            last_message_content: words.clone(),
            last_message_at: at.map(Time),
            created_at: Time(conversation.created_at),
            updated_at: Time(at.unwrap_or(conversation.created_at)),
            last_message: words,
            unread_count: listed.unread,
            other_user: listed.peer.as_ref().map(Other::from),
        }
    }
}

/// The speaker's direct conversations, most recently active first.
pub(super) fn list(page: Page, form: Form, desk: Desk) -> Step {
    conversations(
        LIST_END,
        |listed| listed.kind == Kind::Direct,
        Box::new(move |all| end(&desk, 200, all, |all| part(all, page, form))),
    )
}

fn part(all: &[Listed], page: Page, form: Form) -> String {
    #[derive(Serialize)]
    struct Part<'a> {
        conversations: &'a [Entry<'a>],
        has_more: bool,
        total: usize,
    }
    let at = |number| usize::try_from(number).unwrap_or(usize::MAX);
    let (offset, limit) = (at(page.offset), at(page.limit_or_all()));
    let entries: Vec<Entry<'_>> = all.iter().skip(offset).take(limit).map(Entry::from).collect();
    let has_more = offset.saturating_add(entries.len()) < all.len();
    match form {
        Form::Array => success(&entries),
        Form::Object => success(&Part { conversations: &entries, has_more, total: all.len() }),
    }
}

/// One conversation, of whatever kind.
pub(super) fn one(id: ConversationId, desk: Desk) -> Step {
    steps::conversation(id, Box::new(move |listed| end(&desk, 200, listed, |listed| success(&Entry::from(listed)))))
}

#[derive(Deserialize)]
pub(super) struct With {
    user_id: Id,
}

/// The conversation with somebody; the same one for either of them, whether it was there or not.
pub(super) fn open(With { user_id }: With, speaker: UserId, desk: Desk) -> Step {
    let user = UserId(user_id.0);
    if user == speaker {
        let oneself = Error::invalid("user_id", "user_id must be somebody else: nobody converses with themselves.");
        return desk.end(Err(oneself));
    }
    Step::Do(
        Box::new(Command::OpenDirect { user }),
        Box::new(move |reply| {
            let listed = reply.map_err(|error| Missing::User.name(error)).and_then(|reply| match reply {
                Reply::Conversation(listed) => Ok(listed),
                _ => strange(),
            });
            end(&desk, 201, listed, |listed| success(&Entry::from(&**listed)))
        }),
    )
}

#[derive(Deserialize)]
pub(super) struct Without {
    target_user_id: Id,
}

/// Takes the conversation with somebody out of the speaker's list. The other one keeps it.
pub(super) fn hide(Without { target_user_id }: Without, desk: Desk) -> Step {
    direct_with(
        UserId(target_user_id.0),
        Box::new(move |direct| {
            let none = || Missing::Conversation.name(Error::not_found("conversation"));
            match direct.and_then(|direct| direct.ok_or_else(none)) {
                Err(error) => desk.end(Err(error)),
                Ok(direct) => steps::change(
                    Command::HideConversation(direct.conversation.id),
                    Missing::Conversation,
                    Box::new(move |hidden| end(&desk, 200, hidden, |()| done("conversation deleted"))),
                ),
            }
        }),
    )
}

/// Moves the speaker's read marker to the end.
pub(super) fn mark_read(id: ConversationId, desk: Desk) -> Step {
    steps::read_to_end(id, Box::new(move |read| end(&desk, 200, read, |()| done("messages marked as read"))))
}
