//! The WebSocket handshake (RFC 6455 section 4): everything that can be refused is refused here, with
//! an HTTP status, before there is a socket.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use axum::{
    body::Body,
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, Version, header, request::Parts},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use chat::{Error, ErrorCode, sessions::Origin};
use dialects::rest::Cookie;
use engine::Arrival;
use hyper::upgrade::OnUpgrade;

use crate::{
    Endpoint, address,
    authenticate::{self, Known, lookup, subprotocols},
    below::Below,
    connections::Seat,
    forwarded::{self, client_address},
    headers::{self, PagesOrigin, is_allowed},
    http::wire::Wire,
    rest,
    socket::Connection,
    steps::Actor,
};

const ACCEPT_SUFFIX: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const VERSION: &str = "13";
const SUBPROTOCOL: &str = "palabre.v1";

/// `GET …/ws`.
pub(crate) async fn upgrade(
    State(endpoint): State<Endpoint>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let (mut parts, _empty) = request.into_parts();
    let on_upgrade = parts.extensions.remove::<OnUpgrade>();
    if let Err(refusal) = check_upgrade(&parts) {
        return refusal.answer(&endpoint);
    }
    match admit(&endpoint, peer, &parts).await {
        Ok(Admitted { response, actor, arrival, counted_address }) => {
            if let Some(on_upgrade) = on_upgrade {
                // Boxed, so that the connection's task keeps nothing of the handshake.
                let opening = Box::pin(open(endpoint, on_upgrade, actor, arrival, counted_address));
                tokio::spawn(async move {
                    let connection = opening.await;
                    if let Some(connection) = connection {
                        connection.run().await;
                    }
                });
            }
            response
        }
        Err(error) => rest::refuse(&endpoint, &error, None),
    }
}

/// An accepted handshake.
struct Admitted {
    response: Response,
    actor: Actor,
    /// The user whose token was verified in the handshake.
    arrival: Option<Arc<Arrival>>,
    /// The address under which an unauthenticated client is counted.
    counted_address: Option<IpAddr>,
}

/// Checks the handshake.
async fn admit(endpoint: &Endpoint, peer: SocketAddr, request: &Parts) -> Result<Admitted, Error> {
    let headers = &request.headers;
    check_origin(endpoint, peer, headers)?;
    let shared = &endpoint.shared;
    if shared.draining.load(std::sync::atomic::Ordering::Relaxed) || shared.sockets() >= shared.limits().connections {
        return Err(Error {
            retry_after_ms: Some(1_000),
            ..Error::new(ErrorCode::Unavailable, "The server takes no connections at the moment.")
        });
    }
    let address = client_address(shared, peer, headers);
    let seat = request.extensions.get::<Arc<Seat>>();
    if seat.is_some_and(|seat| !seat.may_become_socket()) {
        return Err(Error::rate_limited("connections", 1_000));
    }
    let known = authenticate::of_handshake(endpoint, headers, request.uri.query()).await?;
    if known.is_none() && !endpoint.dialect.authenticates_in_band {
        return Err(Error::new(ErrorCode::Unauthenticated, "A token is needed."));
    }
    let speaker = known.as_ref().map(|known| known.arrival.speaker.clone());
    let spoken = shared.numbers.said(endpoint.dialect, speaker.clone()).await;
    if let Some(spoken) = &spoken {
        (endpoint.dialect.check_headers)(spoken, &lookup(headers))?;
    }
    let counted_address = known.is_none().then_some(address);
    if counted_address.is_some_and(|address| !shared.admit_unauthenticated(address)) {
        return Err(Error::rate_limited("unauthenticated connections", 1_000));
    }
    let secure = forwarded::scheme(shared, peer, headers) == "https";
    let below = request.extensions.get::<Below>().filter(|below| below.asked).map_or("", |below| &*below.path);
    let cookie = known.as_ref().and_then(|known| cookie(endpoint, known, secure, below));
    let arrival = known.map(|known| known.arrival);
    let agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).map(str::to_owned);
    let actor = Actor {
        speaker,
        spoken,
        dialect: endpoint.dialect,
        connection: Some(shared.next_connection()),
        origin: Origin { agent, address: Some(address.to_string()) },
    };
    let mut response = switching(headers);
    if let Some(cookie) = cookie {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    Ok(Admitted { response, actor, arrival, counted_address })
}

/// The cookie for a browser that has sent a token and will reconnect without one.
fn cookie(endpoint: &Endpoint, known: &Known, secure: bool, below: &str) -> Option<HeaderValue> {
    let places = endpoint.dialect.credentials;
    let (name, token) = (places.cookie.filter(|_| places.gives_cookie)?, known.token.as_ref()?);
    let value = endpoint.shared.engine.cookie(&known.arrival.speaker, token).ok()?;
    let path = format!("{below}/");
    let cookie = Cookie { name, value: &value, path: &path, lasts: None, secure };
    HeaderValue::from_str(&cookie.to_string()).ok()
}

/// The reason why a request is not a handshake.
enum NoHandshake {
    /// It does not try to be one.
    Plain,
    /// It asks for another WebSocket version.
    OtherVersion,
    /// It is malformed.
    Malformed(&'static str),
}

impl NoHandshake {
    /// RFC 9110 section 15.5.22, RFC 6455 section 4.4: 426 names the protocol to change to.
    fn answer(self, endpoint: &Endpoint) -> Response {
        let error = match self {
            Self::Malformed(detail) => Error::new(ErrorCode::Malformed, detail),
            Self::OtherVersion => Error::new(ErrorCode::UpgradeRequired, "Sec-WebSocket-Version must be 13."),
            Self::Plain => {
                Error::new(endpoint.dialect.no_handshake, "This is a WebSocket; connect with a WebSocket client.")
            }
        };
        let mut response = rest::refuse(endpoint, &error, None);
        if error.code == ErrorCode::UpgradeRequired {
            let headers = response.headers_mut();
            headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
            headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade, close"));
            headers.insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static(VERSION));
        }
        response
    }
}

/// Checks a handshake's form (RFC 6455 section 4.2.1).
fn check_upgrade(request: &Parts) -> Result<(), NoHandshake> {
    use NoHandshake::{Malformed, OtherVersion, Plain};
    let headers = &request.headers;
    let holds = |name, word: &str| {
        headers
            .get_all(name)
            .iter()
            .filter_map(|value: &HeaderValue| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .any(|part| part.trim().eq_ignore_ascii_case(word))
    };
    let tries = [header::UPGRADE, header::SEC_WEBSOCKET_KEY, header::SEC_WEBSOCKET_VERSION];
    if !tries.iter().any(|name| headers.contains_key(name)) {
        return Err(Plain);
    }
    if request.method != Method::GET || request.version != Version::HTTP_11 {
        return Err(Malformed("A WebSocket's handshake is a GET of HTTP/1.1."));
    }
    if !holds(header::CONNECTION, "upgrade") || !holds(header::UPGRADE, "websocket") {
        return Err(Malformed("A WebSocket's handshake has Connection: Upgrade and Upgrade: websocket."));
    }
    if !headers.contains_key(header::SEC_WEBSOCKET_VERSION) {
        return Err(Malformed("Sec-WebSocket-Version must be 13."));
    }
    if only(headers, &header::SEC_WEBSOCKET_VERSION).is_none_or(|version| version != VERSION) {
        return Err(OtherVersion);
    }
    only(headers, &header::SEC_WEBSOCKET_KEY)
        .filter(|key| STANDARD.decode(key.as_bytes()).is_ok_and(|key| key.len() == 16))
        .map(|_| ())
        .ok_or(Malformed("Sec-WebSocket-Key must be 16 bytes in Base64, once."))
}

/// The value of a header that occurs exactly once.
fn only<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> Option<&'a HeaderValue> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none())
}

/// Checks the origin, because a page of a foreign site must not connect in its visitor's name. An endpoint whose only
/// credential is a token in the URL may admit all origins: no page has such a token by accident. A page of this very
/// server, under whatever name it was asked for, may connect where no cookie is used: it brings the token that it has,
/// and could do the same over REST.
fn check_origin(endpoint: &Endpoint, peer: SocketAddr, headers: &HeaderMap) -> Result<(), Error> {
    let with_token = endpoint.dialect.credentials.cookie.is_none();
    match PagesOrigin::of(headers) {
        PagesOrigin::None => Ok(()),
        PagesOrigin::One(origin) if is_allowed(endpoint, origin) => Ok(()),
        PagesOrigin::One(_) if !endpoint.restricts_origins => Ok(()),
        PagesOrigin::One(origin) if with_token && is_ours(origin, endpoint, peer, headers) => Ok(()),
        PagesOrigin::One(_) | PagesOrigin::Several => Err(Error::new(
            ErrorCode::ForbiddenOrigin,
            format!("Pages of this origin may not connect ({}).", headers::origins_key(endpoint)),
        )),
    }
}

/// Whether a page's origin is the host that it asks, both in normal form. `Host` may name the scheme's default port.
fn is_ours(origin: &HeaderValue, endpoint: &Endpoint, peer: SocketAddr, headers: &HeaderMap) -> bool {
    let ours = || {
        let page = origin.to_str().ok()?;
        let (scheme, of_page) = page.split_once("://")?;
        let host = forwarded::host(&endpoint.shared, peer, headers)?;
        // A page's origin has no slash at its end, and a trailing dot is part of the name.
        let same = address::origin(page).ok()? == address::origin(&format!("{scheme}://{host}")).ok()?;
        Some(same && !of_page.contains('/') && of_page.ends_with('.') == host.ends_with('.'))
    };
    ours().unwrap_or(false)
}

fn switching(headers: &HeaderMap) -> Response {
    let key = headers.get(header::SEC_WEBSOCKET_KEY).map(HeaderValue::as_bytes).unwrap_or_default();
    let mut digest = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY);
    digest.update(key);
    digest.update(ACCEPT_SUFFIX);
    let accept = STANDARD.encode(digest.finish());
    let mut response = (
        StatusCode::SWITCHING_PROTOCOLS,
        [(header::CONNECTION, "upgrade"), (header::UPGRADE, "websocket")],
        Body::empty(),
    )
        .into_response();
    if let Ok(accept) = HeaderValue::from_str(&accept) {
        response.headers_mut().insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    }
    if subprotocols(headers).any(|protocol| protocol == SUBPROTOCOL) {
        response.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
    }
    response
}

/// Waits for the protocol switch, and takes the plain socket from hyper. `None` if the client did not complete it.
async fn open(
    endpoint: Endpoint,
    on_upgrade: OnUpgrade,
    actor: Actor,
    arrival: Option<Arc<Arrival>>,
    counted_address: Option<IpAddr>,
) -> Option<Box<Connection>> {
    let switched = match on_upgrade.await {
        Ok(upgraded) => upgraded.downcast::<Wire>().map_err(|_| "not a connection of ours".to_owned()),
        Err(error) => Err(error.to_string()),
    };
    match switched {
        Ok(parts) => {
            let (socket, unread, seat) = parts.io.into_socket();
            // Copied, because hyper's slice would keep its whole read buffer alive.
            let early = [&parts.read_buf, &unread[..]].concat();
            drop((parts.read_buf, unread));
            Some(Connection::open(endpoint, socket, seat, &early, actor, arrival, counted_address))
        }
        Err(error) => {
            tracing::debug!(error, "a handshake was not completed");
            if let Some(address) = counted_address {
                endpoint.shared.forget_unauthenticated(address);
            }
            None
        }
    }
}
