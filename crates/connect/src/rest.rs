//! Requests: the same commands as on the socket, one at a time.

use std::net::SocketAddr;

use axum::{
    body::Body,
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use chat::{Error, ErrorCode, accounts::Speaker, sessions::Origin};
use dialects::{
    Turn,
    rest::{Matched, RestAnswer},
};
use engine::{Allowance, Cost};

use crate::{
    Door,
    authenticate::{self, lookup},
    body,
    forwarded::{base, client_address},
    headers::{self, RequestId},
    turns::{Actor, Step},
};

/// Answers a request, in whichever dialect the door has.
pub(crate) async fn answer(
    State(door): State<Door>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let request_id = parts.extensions.get::<RequestId>().map(|id| id.0.clone());
    let refuse = |error: &Error| refuse(&door, error, request_id.as_deref());
    let matched = match (door.dialect.route)(parts.method.as_str(), parts.uri.path()) {
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
    metrics::histogram!("chat_message_processing_duration_seconds", "operation" => matched.path)
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
    let header = lookup(&parts.headers);
    let actor = Actor {
        speaker: speaker(door, matched, parts).await?,
        connection: None,
        origin: Origin {
            agent: text_of(&parts.headers, header::USER_AGENT),
            address: Some(client_address(shared, peer, &parts.headers).to_string()),
        },
    };
    let body = body::read(shared.limits().frame_bytes, &parts.headers, body).await?;
    let call = (matched.read)(&dialects::rest::Request {
        speaker: actor.speaker.as_ref(),
        query: parts.uri.query().unwrap_or_default(),
        body: &body,
        header: &header,
        base: &base(shared, peer, parts),
    })?;
    let mut allowance = None;
    if !call.turn.is_paced_as_a_message() {
        allowance = shared.admit(&actor, Cost::Request)?.map(|a| ("requests", a));
    }
    let mut turn = call.turn;
    loop {
        let (paced, paid) = shared.pace(&actor, door.pace, turn);
        allowance = paid?.map(|a| ("messages", a)).or(allowance);
        turn = match shared.drive(&actor, paced).await {
            Step::Special(Turn::Send(submission, then)) => {
                allowance = shared.admit(&actor, Cost::Message(door.pace))?.map(|a| ("messages", a));
                let sent = send(door, &actor, submission).await;
                Turn::Say(then(sent))
            }
            Step::Special(turn) if turn.is_paced_as_a_message() => turn,
            Step::Special(_) => return Err(Error::new(ErrorCode::UnknownCommand, "This is for sockets only.")),
            Step::Over(_) => break,
        };
    }
    Ok((call.pending.outcome()?, allowance))
}

async fn send(
    door: &Door,
    actor: &Actor,
    submission: chat::messages::Submission,
) -> chat::Result<chat::messages::Sent> {
    let command = chat::Command::SendMessage(submission);
    match door.shared.engine.execute(actor.known()?, command, None).await? {
        chat::Reply::Sent(sent) => Ok(sent),
        _ => Err(Error::internal()),
    }
}

/// Who speaks, where somebody must. A bad token is refused there, but not where a new one is asked for.
async fn speaker(door: &Door, matched: &Matched, parts: &Parts) -> Result<Option<Speaker>, Error> {
    if !matched.needs_speaker {
        return Ok(None);
    }
    let known = authenticate::of_request(door, &parts.method, &parts.headers).await?;
    let known = known
        .ok_or_else(|| Error::new(ErrorCode::Unauthenticated, "A token is needed: Authorization: Bearer <token>."))?;
    let speaker = known.arrival.speaker.clone();
    (door.dialect.check_headers)(&speaker, &lookup(&parts.headers))?;
    Ok(Some(speaker))
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
    let dialects::rest::Refusal { media_type, status, body } = (door.dialect.problem)(error, request_id);
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
