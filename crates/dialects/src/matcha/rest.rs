//! The old REST interface, in its shapes: every answer is JSON with `success`, because the web client throws at
//! anything else.

use chat::{
    ConversationId, Error, ErrorCode, MAX_SAFE_INTEGER, UserId, Visit, accounts::Speaker, presence::Presence,
    sessions::Visited,
};
use serde::{Deserialize, Serialize};

use super::{
    conversations,
    fields::Id,
    messages, presence, reactions, statistics,
    words::{self, NO_CONVERSATION_ID},
};
use crate::{
    Step,
    input::{Text, read},
    output::write,
    rest::{Call, Desk, Found, Request, RestAnswer, Routes, query_pairs},
};

/// The purpose of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Conversations,
    OpenConversation,
    HideConversation,
    Conversation,
    MarkRead,
    Messages,
    Send,
    React,
    Reactions,
    Unreact,
    SetPresence(Presence),
    Presence,
    OnlineStatus,
    Refresh,
    Health,
    Statistics,
    StatisticsInGroups,
}

pub(crate) const ROUTES: &Routes<Operation> = &[
    ("GET", "/api/v1/chat/conversations", Operation::Conversations),
    ("POST", "/api/v1/chat/conversations", Operation::OpenConversation),
    ("DELETE", "/api/v1/chat/conversations", Operation::HideConversation),
    ("GET", "/api/v1/chat/conversations/{conversation}", Operation::Conversation),
    ("PUT", "/api/v1/chat/conversations/{conversation}", Operation::MarkRead),
    ("PUT", "/api/v1/chat/conversations/{conversation}/", Operation::MarkRead),
    ("PUT", "/api/v1/chat/conversations/{conversation}/read", Operation::MarkRead),
    ("PUT", "/api/v1/chat/conversations/{conversation}/read/", Operation::MarkRead),
    ("GET", "/api/v1/chat/conversations/{conversation}/messages", Operation::Messages),
    ("POST", "/api/v1/chat/messages", Operation::Send),
    ("GET", "/api/v1/chat/messages/{message}/reactions", Operation::Reactions),
    ("DELETE", "/api/v1/chat/messages/{message}/reactions/{emoji}", Operation::Unreact),
    ("POST", "/api/v1/chat/reactions", Operation::React),
    ("PUT", "/api/v1/chat/presence/online", Operation::SetPresence(Presence::Online)),
    ("PUT", "/api/v1/chat/presence/offline", Operation::SetPresence(Presence::Invisible)),
    ("GET", "/api/v1/chat/users/{user}/presence", Operation::Presence),
    ("GET", "/api/v1/users/{user}/online-status", Operation::OnlineStatus),
    ("POST", "/api/v1/auth/refresh", Operation::Refresh),
    ("GET", "/health", Operation::Health),
    ("GET", "/stats", Operation::Statistics),
    ("GET", "/stats/detailed", Operation::StatisticsInGroups),
    ("GET", "/api/v1/chat/health", Operation::Health),
    ("GET", "/api/v1/chat/stats", Operation::Statistics),
    ("GET", "/api/v1/chat/stats/detailed", Operation::StatisticsInGroups),
];

/// Whether a credential is needed.
pub(crate) fn needs_speaker(operation: Operation) -> bool {
    !matches!(operation, Operation::Health | Operation::Refresh)
}

impl Found<Operation> {
    fn conversation(&self) -> Result<ConversationId, Error> {
        let id = Id::parse(self.captured("conversation")).map(|id| ConversationId(id.0));
        id.ok_or_else(|| Error::invalid("conversation_id", NO_CONVERSATION_ID))
    }

    fn message(&self) -> Result<Id, Error> {
        Id::parse(self.captured("message")).ok_or_else(|| Error::invalid("message_id", "invalid message ID"))
    }

    fn user(&self) -> Result<UserId, Error> {
        let id = Id::parse(self.captured("user")).map(|id| UserId(id.0));
        id.ok_or_else(|| Error::invalid("user_id", "invalid user ID"))
    }
}

/// The status and the body of a refusal.
#[must_use]
pub fn problem(error: &Error) -> (u16, String) {
    #[derive(Serialize)]
    struct Refused<'a> {
        success: bool,
        error: &'a str,
    }
    let status = match error.code.status() {
        // The old clients know no 422.
        422 => 400,
        status => status,
    };
    let words = match error.code {
        ErrorCode::UnknownCommand => "not found".to_owned(),
        ErrorCode::Malformed => format!("invalid request: {}", error.detail),
        _ => words::of(error),
    };
    (status, write(&Refused { success: false, error: &words }))
}

/// Reads a request.
///
/// # Errors
/// The refusal of a faulty request.
pub(crate) fn request(matched: &Found<Operation>, request: &Request<'_>) -> Result<Call, Error> {
    let (desk, pending) = Desk::new();
    let step = match matched.operation {
        Operation::Health => statistics::health(&desk),
        Operation::Refresh => refresh(input(request)?, desk),
        operation => {
            let speaker =
                request.speaker.ok_or_else(|| Error::new(ErrorCode::Unauthenticated, "A token is needed."))?;
            of_member(operation, speaker, matched, request, desk)?
        }
    };
    Ok(Call { step, pending })
}

fn of_member(
    operation: Operation,
    speaker: &Speaker,
    matched: &Found<Operation>,
    request: &Request<'_>,
    desk: Desk,
) -> Result<Step, Error> {
    Ok(match operation {
        Operation::Conversations => {
            let form = conversations::Form::of(request);
            conversations::list(page(request.query)?, form, desk)
        }
        Operation::OpenConversation => conversations::open(input(request)?, speaker.user, desk),
        Operation::HideConversation => conversations::hide(input(request)?, desk),
        Operation::Conversation => conversations::one(matched.conversation()?, desk),
        Operation::MarkRead => conversations::mark_read(matched.conversation()?, desk),
        Operation::Messages => messages::list(matched.conversation()?, page(request.query)?, desk),
        Operation::Send => messages::send(input(request)?, input(request)?, speaker.user, desk)?,
        Operation::React => reactions::add(input(request)?, speaker.user, desk)?,
        Operation::Reactions => reactions::list(matched.message()?, desk),
        Operation::Unreact => reactions::remove(matched.message()?, matched.captured("emoji").to_owned(), desk)?,
        Operation::SetPresence(chosen) => presence::set(chosen, desk),
        Operation::Presence => presence::of(matched.user()?, presence::Form::Presence, desk),
        Operation::OnlineStatus => presence::of(matched.user()?, presence::Form::OnlineStatus, desk),
        Operation::Statistics => statistics::flat(desk),
        Operation::StatisticsInGroups => statistics::in_groups(desk),
        Operation::Health | Operation::Refresh => desk.end(Err(Error::internal())),
    })
}

fn input<T: serde::de::DeserializeOwned>(request: &Request<'_>) -> Result<T, Error> {
    let body = request.json()?;
    let text = std::str::from_utf8(body).map_err(|_| Error::new(ErrorCode::Malformed, "The body is not UTF-8."))?;
    serde_json::from_str::<&serde_json::value::RawValue>(text)
        .map_err(|_| Error::new(ErrorCode::Malformed, "The body is not JSON."))?;
    read(text)
}

/// Which part of a list is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) limit: Option<i64>,
    pub(super) offset: i64,
}

/// The longest page of any list.
const PAGE: i64 = 1_000;

/// The part that the query asks for, moved into what there is: pages of 1 to [`PAGE`], from the first on.
fn page(query: &str) -> Result<Page, Error> {
    let pairs = query_pairs(query)?;
    let number = |name: &str| {
        let Some((_, text)) = pairs.iter().find(|(known, _)| known == name) else { return Ok(None) };
        let number = text.parse::<i64>().map_err(|_| Error::invalid(name, format!("{name} must be a whole number.")));
        number.map(Some)
    };
    Ok(Page {
        limit: number("limit")?.map(|limit| limit.clamp(1, PAGE)),
        offset: number("offset")?.unwrap_or_default().clamp(0, MAX_SAFE_INTEGER),
    })
}

impl Page {
    /// How many entries, if `usual` many are given when nothing is asked for.
    pub(super) fn limit_or(self, usual: i64) -> i64 {
        self.limit.unwrap_or(usual)
    }

    /// How many entries when all are wanted that one page can hold.
    pub(super) fn limit_or_all(self) -> i64 {
        self.limit_or(PAGE)
    }
}

/// The body of what went well.
pub(super) fn success<T: Serialize + ?Sized>(data: &T) -> String {
    #[derive(Serialize)]
    struct Success<'a, T: ?Sized> {
        success: bool,
        data: &'a T,
    }
    write(&Success { success: true, data })
}

/// The body of what is done and has nothing to show.
pub(super) fn done(message: &'static str) -> String {
    #[derive(Serialize)]
    struct Done {
        message: &'static str,
    }
    success(&Done { message })
}

/// The answer to a request.
pub(super) fn answer(status: u16, body: String) -> RestAnswer {
    RestAnswer::json(status, body)
}

/// Ends a step with what was found, or with the refusal.
pub(super) fn end<T>(desk: &Desk, status: u16, found: Result<T, Error>, body: impl FnOnce(&T) -> String) -> Step {
    desk.end(found.map(|found| answer(status, body(&found))))
}

#[derive(Deserialize)]
struct RefreshToken {
    refresh_token: Text,
}

fn refresh(given: RefreshToken, desk: Desk) -> Step {
    #[derive(Serialize)]
    struct Pair<'a> {
        access_token: &'a str,
        refresh_token: &'a str,
    }
    Step::Visit(
        Visit::Refresh { token: given.refresh_token.0 },
        Box::new(move |visited: Result<Visited, Error>| {
            end(&desk, 200, visited.and_then(Visited::tokens), |tokens| {
                success(&Pair { access_token: &tokens.access_token, refresh_token: &tokens.refresh_token })
            })
        }),
    )
}

/// The methods and the paths that there are.
#[cfg(test)]
pub(super) fn paths() -> impl Iterator<Item = (&'static str, &'static str)> {
    ROUTES.iter().map(|&(method, path, _)| (method, path))
}
