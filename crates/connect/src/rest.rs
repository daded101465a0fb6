//! Requests: the same commands as on the socket, one at a time.

use std::net::SocketAddr;

use axum::{
    body::{Body, Bytes},
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use chat::{Error, ErrorCode, sessions::Origin};
use dialects::{
    Dialect, Turn, chat_server, native,
    rest::{Call, Misrouted, RestAnswer},
};
use engine::{Allowance, Cost};
use http_body_util::{BodyExt, Limited};

use crate::{
    Door,
    authenticate::{bearer, client_address},
    headers::{self, RequestId},
    turns::{Actor, Step},
};

/// A route of either dialect.
enum Matched {
    Native(native::rest::Matched),
    ChatServer(chat_server::rest::Matched),
}

impl Matched {
    fn find(dialect: Dialect, method: &str, path: &str) -> Result<Self, Misrouted> {
        match dialect {
            Dialect::Native => native::rest::route(method, path).map(Self::Native),
            Dialect::ChatServer => chat_server::rest::route(method, path).map(Self::ChatServer),
        }
    }

    fn needs_speaker(&self) -> bool {
        match self {
            Self::Native(matched) => matched.needs_speaker(),
            Self::ChatServer(matched) => matched.needs_speaker(),
        }
    }

    fn path(&self) -> &'static str {
        match self {
            Self::Native(matched) => matched.path(),
            Self::ChatServer(matched) => matched.path(),
        }
    }

    fn call(&self, parts: &Parts, body: &[u8], actor: &Actor) -> Result<Call, Error> {
        let query = parts.uri.query().unwrap_or_default();
        let speaker = actor.speaker.as_ref();
        match self {
            Self::Native(matched) => {
                let key = match parts.headers.get("idempotency-key").map(HeaderValue::to_str) {
                    Some(Err(_)) => {
                        return Err(Error::new(ErrorCode::Malformed, "Idempotency-Key must be printable ASCII."));
                    }
                    Some(Ok(key)) => Some(key),
                    None => None,
                };
                native::rest::request(matched, query, body, key, speaker)
            }
            Self::ChatServer(matched) => {
                chat_server::rest::request(matched, query, body, bearer(&parts.headers, false), speaker)
            }
        }
    }
}

/// Answers a request of either dialect.
pub(crate) async fn answer(
    State(door): State<Door>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let request_id = parts.extensions.get::<RequestId>().map(|id| id.0.clone());
    let refuse = |error: &Error| refuse(&door, error, request_id.as_deref());
    let matched = match Matched::find(door.dialect, parts.method.as_str(), parts.uri.path()) {
        Ok(matched) => matched,
        Err(misrouted) => {
            let mut response = refuse(&misrouted.error);
            if let Ok(allow) = HeaderValue::from_str(&misrouted.allow.join(", "))
                && !misrouted.allow.is_empty()
            {
                response.headers_mut().insert(header::ALLOW, allow);
            }
            return response;
        }
    };
    let began = std::time::Instant::now();
    let outcome = carry_out(&door, peer, &matched, &parts, body).await;
    metrics::histogram!("chat_message_processing_duration_seconds", "operation" => matched.path())
        .record(began.elapsed());
    match outcome {
        Ok((answer, allowance)) => {
            let mut response = respond(answer);
            if let Some((policy, allowance)) = allowance {
                headers::rate(response.headers_mut(), policy, &allowance);
            }
            response
        }
        Err(error) => refuse(&error),
    }
}

type Answered = (RestAnswer, Option<(&'static str, Allowance)>);

async fn carry_out(
    door: &Door,
    peer: SocketAddr,
    matched: &Matched,
    parts: &Parts,
    body: Body,
) -> Result<Answered, Error> {
    let shared = &door.shared;
    let actor = Actor {
        speaker: match bearer(&parts.headers, door.dialect == Dialect::Native) {
            // A bad token is refused even where none is needed, but not where a new one is asked for.
            Some(token) if matched.needs_speaker() => Some(shared.engine.authenticate(token).await?.speaker.clone()),
            _ if matched.needs_speaker() => {
                return Err(Error::new(
                    ErrorCode::Unauthenticated,
                    "A token is needed: Authorization: Bearer <token>.",
                ));
            }
            _ => None,
        },
        connection: None,
        origin: Origin {
            agent: text_of(&parts.headers, header::USER_AGENT),
            address: Some(client_address(shared, peer, &parts.headers).to_string()),
        },
    };
    let body = read_body(door, &parts.headers, body).await?;
    let call = matched.call(parts, &body, &actor)?;
    let mut allowance = None;
    if !matches!(call.turn, Turn::Send(..)) {
        allowance = shared.admit(&actor, Cost::Request)?.map(|a| ("requests", a));
    }
    let mut turn = call.turn;
    loop {
        turn = match shared.drive(&actor, turn).await {
            Step::Special(Turn::Send(draft, then)) => {
                allowance = shared.admit(&actor, Cost::Message)?.map(|a| ("messages", a));
                let sent = send(door, &actor, draft).await;
                Turn::Say(then(sent))
            }
            Step::Special(_) => return Err(Error::new(ErrorCode::UnknownCommand, "This is for sockets only.")),
            Step::Over(_) => break,
        };
    }
    Ok((call.pending.outcome()?, allowance))
}

async fn send(door: &Door, actor: &Actor, draft: chat::messages::Draft) -> chat::Result<chat::messages::Sent> {
    let command = chat::Command::SendMessage(draft);
    match door.shared.engine.execute(actor.known()?, command, None).await? {
        chat::Reply::Sent(sent) => Ok(sent),
        _ => Err(Error::internal()),
    }
}

/// The body, if it is JSON and not too large; it is measured while it comes.
async fn read_body(door: &Door, headers: &HeaderMap, body: Body) -> Result<Bytes, Error> {
    let most = usize::try_from(door.shared.limits().frame_bytes).unwrap_or(usize::MAX);
    let body = Limited::new(body, most).collect().await.map_err(|error| {
        if error.is::<http_body_util::LengthLimitError>() {
            Error::new(ErrorCode::TooLarge, format!("A body may have at most {most} bytes."))
        } else {
            Error::new(ErrorCode::Malformed, "The body could not be read to its end.")
        }
    })?;
    let body = body.to_bytes();
    let media_type = text_of(headers, header::CONTENT_TYPE).unwrap_or_default();
    let json = media_type.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"));
    if !body.is_empty() && !json {
        return Err(Error::new(ErrorCode::Malformed, "The body must be JSON: Content-Type: application/json."));
    }
    Ok(body)
}

fn text_of(headers: &HeaderMap, name: header::HeaderName) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

fn respond(answer: RestAnswer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    match answer.body {
        Some(body) => (status, [(header::CONTENT_TYPE, "application/json")], body).into_response(),
        None => status.into_response(),
    }
}

/// A refusal in the words of the door's dialect.
pub(crate) fn refuse(door: &Door, error: &Error, request_id: Option<&str>) -> Response {
    let (media_type, (status, body)) = match door.dialect {
        Dialect::Native => (native::rest::PROBLEM_TYPE, native::rest::problem(error, request_id)),
        Dialect::ChatServer => (chat_server::rest::PROBLEM_TYPE, chat_server::rest::problem(error, request_id)),
    };
    if error.code == ErrorCode::Internal {
        tracing::error!(request_id, "a request failed by a mistake of the server");
    }
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, [(header::CONTENT_TYPE, media_type)], body).into_response();
    headers::retry_after(response.headers_mut(), error);
    if status == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}
