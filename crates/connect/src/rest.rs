//! HTTP requests: the same commands as on the socket, one at a time.

use std::net::SocketAddr;

use axum::{
    body::Body,
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use blobs::Reading;
use chat::{Error, ErrorCode, accounts::Speaker, sessions::Origin};
use dialects::{
    Step,
    rest::{Matched, RestAnswer, Takes},
};
use engine::{Allowance, Cost};

use crate::{
    Endpoint,
    authenticate::{self, lookup},
    body::{self, Pieces},
    files::{self, Part},
    forwarded::{base, client_address},
    headers::{self, RequestId},
    steps::{Actor, Driven},
};

/// Answers a request, in the endpoint's dialect.
pub(crate) async fn answer(
    State(endpoint): State<Endpoint>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let request_id = parts.extensions.get::<RequestId>().map(|id| id.0.clone());
    let refuse = |error: &Error| refuse(&endpoint, error, request_id.as_deref());
    let matched = match (endpoint.dialect.route)(parts.method.as_str(), parts.uri.path()) {
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
    let outcome = carry_out(&endpoint, peer, &matched, &parts, body).await;
    metrics::histogram!("chat_message_processing_duration_seconds", "operation" => matched.path)
        .record(began.elapsed());
    let mut response = match outcome {
        Ok((answer, allowance)) => {
            let mut response = respond(answer).unwrap_or_else(|error| refuse(&error));
            if let Some((policy, allowance)) = allowance {
                headers::rate(response.headers_mut(), policy, &allowance);
            }
            response
        }
        Err(error) => refuse(&error),
    };
    for (name, value) in matched.always {
        response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    response
}

/// The answer, and the file that was opened for it.
struct Answer {
    said: RestAnswer,
    opened: Option<Box<dyn Reading>>,
}

type Answered = (Answer, Option<(&'static str, Allowance)>);

async fn carry_out(
    endpoint: &Endpoint,
    peer: SocketAddr,
    matched: &Matched,
    parts: &Parts,
    body: Body,
) -> Result<Answered, Error> {
    let shared = &endpoint.shared;
    let header = lookup(&parts.headers);
    let speaker = speaker(endpoint, matched, parts).await?;
    let actor = Actor {
        spoken: shared.numbers.said(endpoint.dialect, speaker.clone()).await,
        speaker,
        connection: None,
        dialect: endpoint.dialect,
        origin: Origin {
            agent: text_of(&parts.headers, header::USER_AGENT),
            address: Some(client_address(shared, peer, &parts.headers).to_string()),
        },
    };
    let (body, mut pieces) = match matched.takes {
        Takes::Whole => (body::read(shared.limits().frame_bytes, &parts.headers, body).await?, None),
        Takes::Pieces { most } => (dialects::rest::Body::Pieces, Some(Pieces::new(most, &parts.headers, body)?)),
        Takes::File => {
            let most = u64::try_from(shared.limits().file_bytes).unwrap_or(0);
            (dialects::rest::Body::Pieces, Some(Pieces::new(most, &parts.headers, body)?))
        }
    };
    let call = (matched.read)(&dialects::rest::Request {
        speaker: actor.spoken.as_ref(),
        query: parts.uri.query().unwrap_or_default(),
        body: &body,
        header: &header,
        base: &base(shared, peer, parts),
    })?;
    let mut allowance = None;
    if !call.step.is_paced_as_a_message() {
        allowance = shared.admit(&actor, Cost::Request)?.map(|a| ("requests", a));
    }
    let mut opened = None;
    let mut step = call.step;
    loop {
        let (paced, paid) = shared.pace(&actor, endpoint.pace, step);
        allowance = paid?.map(|a| ("messages", a)).or(allowance);
        step = match shared.drive(&actor, paced).await {
            Driven::Special(Step::Send(submission, then)) => {
                allowance = shared.admit(&actor, Cost::Message(endpoint.pace))?.map(|a| ("messages", a));
                let sent = send(endpoint, &actor, submission).await;
                Step::Say(then(sent))
            }
            Driven::Special(Step::Piece(then)) => match &mut pieces {
                Some(pieces) => then(pieces.next().await),
                None => then(Err(Error::internal())),
            },
            Driven::Special(Step::Receive(new, then)) => match &mut pieces {
                Some(pieces) => then(files::receive(&shared.engine, actor.known()?, new, pieces).await),
                None => then(Err(Error::internal())),
            },
            Driven::Special(Step::Append { upload, offset, checksum, then }) => match &mut pieces {
                Some(pieces) => {
                    let place = (upload, offset);
                    then(files::append(&shared.engine, actor.known()?, place, checksum, pieces).await)
                }
                None => then(Err(Error::internal())),
            },
            Driven::Special(Step::OpenThumbnail(id, size, then)) => {
                match shared.engine.open_thumbnail(actor.known()?, id, size).await {
                    Ok((thumbnail, reading)) => {
                        opened = Some(reading);
                        then(Ok(thumbnail))
                    }
                    Err(error) => then(Err(error)),
                }
            }
            Driven::Special(Step::Open(id, then)) => match shared.engine.open_file(actor.known()?, id).await {
                Ok((file, reading)) => {
                    opened = Some(reading);
                    then(Ok(file))
                }
                Err(error) => then(Err(error)),
            },
            Driven::Special(Step::OpenPicture(id, then)) => {
                match shared.engine.open_picture(actor.speaker.as_ref(), id).await {
                    Ok((file, reading)) => {
                        opened = Some(reading);
                        then(Ok(file))
                    }
                    Err(error) => then(Err(error)),
                }
            }
            Driven::Special(step) if step.is_paced_as_a_message() => step,
            Driven::Special(_) => return Err(Error::new(ErrorCode::UnknownCommand, "This is for sockets only.")),
            Driven::Over(_) => break,
        };
    }
    Ok((Answer { said: call.pending.outcome()?, opened }, allowance))
}

async fn send(
    endpoint: &Endpoint,
    actor: &Actor,
    submission: chat::messages::Submission,
) -> chat::Result<chat::messages::Sent> {
    let command = chat::Command::SendMessage(submission);
    match endpoint.shared.engine.execute(actor.known()?, command, None).await? {
        chat::Reply::Sent(sent) => Ok(sent),
        _ => Err(Error::internal()),
    }
}

/// Verifies the speaker where the route needs one. An invalid token is refused there, but not on routes that issue a
/// new one.
async fn speaker(endpoint: &Endpoint, matched: &Matched, parts: &Parts) -> Result<Option<Speaker>, Error> {
    if !matched.needs_speaker {
        return Ok(None);
    }
    let mut known = authenticate::of_request(endpoint, &parts.method, &parts.headers).await?;
    if let (None, Some(name)) = (&known, matched.files_cookie) {
        known = authenticate::of_files_cookie(endpoint, &parts.headers, name).await?;
    }
    if let (None, Some(file)) = (&known, matched.linked) {
        known = authenticate::of_file_link(endpoint, parts.uri.query(), file).await?;
    }
    let known = known
        .ok_or_else(|| Error::new(ErrorCode::Unauthenticated, "A token is needed: Authorization: Bearer <token>."))?;
    let speaker = known.arrival.speaker.clone();
    let spoken = endpoint.shared.numbers.said(endpoint.dialect, speaker.clone()).await;
    (endpoint.dialect.check_headers)(&spoken, &lookup(&parts.headers))?;
    Ok(Some(speaker))
}

fn text_of(headers: &HeaderMap, name: header::HeaderName) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

/// The HTTP answer. A status or header that HTTP does not allow is the dialect's mistake and an internal error; it is
/// not left out.
fn respond(Answer { said: answer, opened }: Answer) -> Result<Response, Error> {
    let status = StatusCode::from_u16(answer.status).map_err(|_| Error::internal())?;
    let mut response = match (answer.content, answer.stored) {
        (Some(content), _) => (status, [(header::CONTENT_TYPE, content.media_type)], content.bytes).into_response(),
        (None, Some(part)) => {
            let reading = opened.ok_or_else(Error::internal)?;
            (status, Body::new(Part::new(reading, part))).into_response()
        }
        (None, None) => status.into_response(),
    };
    for (name, value) in answer.headers {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| Error::internal())?;
        let value = HeaderValue::try_from(value).map_err(|_| Error::internal())?;
        response.headers_mut().append(name, value);
    }
    Ok(response)
}

/// A refusal in the endpoint's dialect.
pub(crate) fn refuse(endpoint: &Endpoint, error: &Error, request_id: Option<&str>) -> Response {
    let dialects::rest::Refusal { media_type, status, body } = (endpoint.dialect.problem)(error, request_id);
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
