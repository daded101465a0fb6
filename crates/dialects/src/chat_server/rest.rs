//! The old REST back end's requests that its chat pages need, in its shapes. Driven like
//! [`native::rest`](crate::native::rest): [`route`], [`request`], drive the step, take the outcome, and say
//! every refusal by [`problem`].

use chat::{
    Command, Error, ErrorCode, Query, Reply, UserId, Visit,
    accounts::{ProfileChange, Registration},
    conversations::Visibility,
    sessions::Visited,
};
use serde::{Deserialize, Serialize};

use super::{
    frames::{self, Kept, Person, Room, Said},
    steps,
};
use crate::{
    Step, Then,
    input::{Text, read},
    rest::{Call, Desk, Found, Request, RestAnswer, Routes, query_pairs},
    steps::direct_with,
};

/// The purpose of a request, and the envelope of its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Me,
    Rooms(Envelope),
    CreateRoom,
    People,
    Person,
    DirectHistory,
    RoomHistory(Envelope),
    LogIn,
    Register,
    Refresh,
}

/// How the clients want lists. The old back end had three ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Envelope {
    /// `[…]`
    Bare,
    /// `{"messages":[…]}`
    Messages,
    /// `{"success":true,"data":[…]}`
    Success,
}

pub(crate) const ROUTES: &Routes<Operation> = &[
    ("GET", "/me", Operation::Me),
    ("GET", "/chat/rooms", Operation::Rooms(Envelope::Bare)),
    ("POST", "/chat/rooms", Operation::CreateRoom),
    ("GET", "/users/except-me", Operation::People),
    ("GET", "/users/{user}", Operation::Person),
    ("GET", "/chat/dm/{user}", Operation::DirectHistory),
    ("GET", "/chat/rooms/{room}/messages", Operation::RoomHistory(Envelope::Messages)),
    ("GET", "/api/v1/rooms", Operation::Rooms(Envelope::Success)),
    ("GET", "/api/v1/rooms/{room}/messages", Operation::RoomHistory(Envelope::Success)),
    ("POST", "/api/v1/auth/login", Operation::LogIn),
    ("POST", "/api/v1/auth/register", Operation::Register),
    ("POST", "/api/v1/auth/refresh", Operation::Refresh),
];

/// Whether a credential is needed.
pub(crate) fn needs_speaker(operation: Operation) -> bool {
    !matches!(operation, Operation::LogIn | Operation::Register | Operation::Refresh)
}

/// The status and the body of a refusal.
#[must_use]
pub fn problem(error: &Error) -> (u16, String) {
    #[derive(Serialize)]
    struct Refused<'a> {
        success: bool,
        error: &'a str,
        message: &'a str,
    }
    let words = match error.code {
        ErrorCode::UnknownCommand => "Introuvable.".to_owned(),
        ErrorCode::Malformed => "Requête illisible.".to_owned(),
        ErrorCode::RateLimited => "Trop de requêtes ; réessayez dans un instant.".to_owned(),
        _ => frames::words(error),
    };
    (error.code.status(), frames::write(&Refused { success: false, error: &words, message: &words }))
}

/// Reads a request.
///
/// # Errors
/// The refusal of a faulty request.
pub(crate) fn request(matched: &Found<Operation>, request: &Request<'_>) -> Result<Call, Error> {
    let (query, body) = (request.query, request.json()?);
    let (desk, pending) = Desk::new();
    let step = match matched.operation {
        Operation::LogIn => log_in(&input(body)?, desk)?,
        Operation::Register => register(input(body)?, desk),
        Operation::Refresh => refresh(body, bearer(request).as_deref(), desk)?,
        operation => {
            let speaker =
                request.speaker.ok_or_else(|| Error::new(ErrorCode::Unauthenticated, "A token is needed."))?;
            of_member(operation, speaker.user, matched, query, body, desk)?
        }
    };
    Ok(Call { step, pending })
}

fn of_member(
    operation: Operation,
    speaker: UserId,
    matched: &Found<Operation>,
    query: &str,
    body: &[u8],
    desk: Desk,
) -> Result<Step, Error> {
    let first = || matched.first().to_owned();
    let user = || user(matched.first());
    Ok(match operation {
        Operation::Me => me(desk),
        Operation::Rooms(envelope) => rooms(envelope, desk),
        Operation::CreateRoom => create_room(input(body)?, desk),
        Operation::People => people(speaker, desk),
        Operation::Person => person(user()?, desk),
        Operation::DirectHistory => direct_history(speaker, user()?, limit(query)?, desk),
        Operation::RoomHistory(envelope) => room_history(first(), limit(query)?, envelope, desk),
        Operation::LogIn | Operation::Register | Operation::Refresh => desk.end(Err(Error::internal())),
    })
}

/// A number in digits and nothing else, such as no sign.
fn user(text: &str) -> Result<UserId, Error> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits).map(UserId).ok_or_else(|| Error::not_found("user"))
}

fn input<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    let text = std::str::from_utf8(body).map_err(|_| Error::new(ErrorCode::Malformed, "The body is not UTF-8."))?;
    serde_json::from_str::<&serde_json::value::RawValue>(text)
        .map_err(|_| Error::new(ErrorCode::Malformed, "The body is not JSON."))?;
    read(text)
}

fn limit(query: &str) -> Result<Option<i64>, Error> {
    let pairs = query_pairs(query)?;
    let Some((_, text)) = pairs.into_iter().find(|(name, _)| name == "limit") else { return Ok(None) };
    text.parse().map(Some).map_err(|_| Error::invalid("limit", "limit must be a whole number."))
}

/// Ends a step with what was found, or with the refusal.
fn end<T>(desk: &Desk, status: u16, found: Result<T, Error>, body: impl FnOnce(&T) -> String) -> Step {
    desk.end(found.map(|found| RestAnswer::json(status, body(&found))))
}

fn list<T: Serialize>(envelope: Envelope, entries: &[T]) -> String {
    #[derive(Serialize)]
    struct Messages<'a, T> {
        messages: &'a [T],
    }
    match envelope {
        Envelope::Bare => frames::write(&entries),
        Envelope::Messages => frames::write(&Messages { messages: entries }),
        Envelope::Success => frames::write(&Success { success: true, data: entries }),
    }
}

#[derive(Serialize)]
struct Success<T> {
    success: bool,
    data: T,
}

fn me(desk: Desk) -> Step {
    Step::Ask(
        Query::Me,
        Box::new(move |reply| {
            let account = reply.and_then(|reply| match reply {
                Reply::Account(account) => Ok(account),
                _ => Err(Error::internal()),
            });
            end(&desk, 200, account, |account| frames::write(&Person::own(account)))
        }),
    )
}

fn rooms(envelope: Envelope, desk: Desk) -> Step {
    steps::rooms(Box::new(move |rooms| {
        end(&desk, 200, rooms, |rooms| list(envelope, &rooms.iter().map(Room::from).collect::<Vec<_>>()))
    }))
}

#[derive(Deserialize)]
struct NewRoom {
    name: Text,
    description: Option<Text>,
    is_private: Option<bool>,
}

fn create_room(room: NewRoom, desk: Desk) -> Step {
    let create = Command::CreateRoom {
        name: room.name.0,
        topic: room.description.map(|text| text.0).filter(|text| !text.is_empty()),
        visibility: if room.is_private == Some(true) { Visibility::Private } else { Visibility::Public },
        client_id: None,
    };
    Step::Do(
        Box::new(create),
        Box::new(move |reply| {
            let room = reply.and_then(|reply| match reply {
                Reply::Conversation(listed) => Ok(listed),
                _ => Err(Error::internal()),
            });
            end(&desk, 201, room, |listed| frames::write(&Room::from(&listed.conversation)))
        }),
    )
}

fn people(speaker: UserId, desk: Desk) -> Step {
    steps::people(Box::new(move |people| {
        end(&desk, 200, people, |people| {
            let others = people.iter().filter(|(account, _)| account.id != speaker);
            frames::write(&others.map(|(account, here)| Person::other(account, *here)).collect::<Vec<_>>())
        })
    }))
}

/// Asks for somebody; goes on only if there is such a person.
fn existing(
    user: UserId,
    desk: Desk,
    then: impl FnOnce(chat::accounts::Account, Desk) -> Step + Send + 'static,
) -> Step {
    Step::Ask(
        Query::User(user),
        Box::new(move |reply| match reply {
            Ok(Reply::User(account) | Reply::Account(account)) => then(*account, desk),
            Ok(_) => desk.end(Err(Error::internal())),
            Err(error) => desk.end(Err(error)),
        }),
    )
}

fn person(user: UserId, desk: Desk) -> Step {
    existing(user, desk, |account, desk| {
        crate::steps::online(
            vec![account],
            Box::new(move |people| {
                let one = people.and_then(|people| people.into_iter().next().ok_or_else(Error::internal));
                end(&desk, 200, one, |(account, here)| frames::write(&Person::other(account, *here)))
            }),
        )
    })
}

fn direct_history(speaker: UserId, with: UserId, limit: Option<i64>, desk: Desk) -> Step {
    let answer: Then<Vec<chat::messages::Message>> = {
        let desk = desk.clone();
        Box::new(move |messages| {
            end(&desk, 200, messages, |messages| {
                let said = messages.iter().filter_map(|message| Said::direct(message, (speaker, with)));
                list(Envelope::Messages, &said.map(Kept::from).collect::<Vec<_>>())
            })
        })
    };
    existing(with, desk, move |_, _| {
        direct_with(
            with,
            Box::new(move |direct| match direct {
                Ok(Some(direct)) => steps::newest(direct.conversation.id, steps::history_length(limit), answer),
                Ok(None) => answer(Ok(Vec::new())),
                Err(error) => answer(Err(error)),
            }),
        )
    })
}

fn room_history(room: String, limit: Option<i64>, envelope: Envelope, desk: Desk) -> Step {
    steps::enter(
        room,
        Box::new(move |room| match room {
            Err(error) => desk.end(Err(error)),
            Ok(room) => steps::newest(
                room.id,
                steps::history_length(limit),
                Box::new(move |messages| {
                    end(&desk, 200, messages, |messages| {
                        let name = room.name.as_deref().unwrap_or_default();
                        let said = messages.iter().filter_map(|message| Said::in_room(message, name));
                        list(envelope, &said.map(Kept::from).collect::<Vec<_>>())
                    })
                }),
            ),
        }),
    )
}

#[derive(Deserialize)]
struct Credentials {
    email: Option<Text>,
    username: Option<Text>,
    password: Text,
}

fn log_in(credentials: &Credentials, desk: Desk) -> Result<Step, Error> {
    let name = credentials.email.as_ref().or(credentials.username.as_ref());
    let name = name.ok_or_else(|| Error::invalid("email", "email is missing."))?.0.clone();
    Ok(visit(Visit::LogIn { name, password: credentials.password.0.clone() }, 200, desk))
}

#[derive(Deserialize)]
struct NewAccount {
    username: Text,
    email: Option<Text>,
    password: Text,
    first_name: Option<Text>,
    last_name: Option<Text>,
}

fn register(account: NewAccount, desk: Desk) -> Step {
    let registration = Registration {
        username: account.username.0,
        password: account.password.0,
        email: account.email.map(|email| email.0),
        profile: ProfileChange {
            first_name: account.first_name.map(|name| Some(name.0)),
            last_name: account.last_name.map(|name| Some(name.0)),
            ..ProfileChange::default()
        },
        setup_secret: None,
    };
    visit(Visit::Register(Box::new(registration)), 201, desk)
}

#[derive(Default, Deserialize)]
struct RefreshToken {
    refresh_token: Option<Text>,
}

/// The credential of the `Authorization` header, where a refresh may have its token.
fn bearer(request: &Request<'_>) -> Option<String> {
    let value = (request.header)("authorization")?;
    let token = value.split_once(' ').map_or(value.as_str(), |(_scheme, token)| token).trim();
    (!token.is_empty()).then(|| token.to_owned())
}

fn refresh(body: &[u8], bearer: Option<&str>, desk: Desk) -> Result<Step, Error> {
    let given: RefreshToken = if body.is_empty() { RefreshToken::default() } else { input(body)? };
    let token = given.refresh_token.map(|token| token.0).or_else(|| bearer.map(str::to_owned));
    let token = token.ok_or_else(|| Error::invalid("refresh_token", "refresh_token is missing."))?;
    Ok(visit(Visit::Refresh { token }, 200, desk))
}

fn visit(visit: Visit, status: u16, desk: Desk) -> Step {
    #[derive(Serialize)]
    struct Pair<'a> {
        user: Person<'a>,
        access_token: &'a str,
        refresh_token: &'a str,
        expires_in: i64,
    }
    Step::Visit(
        visit,
        Box::new(move |visited: Result<Visited, Error>| {
            end(&desk, status, visited.and_then(Visited::tokens), |tokens| {
                let data = Pair {
                    user: Person::own(&tokens.account),
                    access_token: &tokens.access_token,
                    refresh_token: &tokens.refresh_token,
                    expires_in: tokens.expires_in,
                };
                frames::write(&Success { success: true, data })
            })
        }),
    )
}
