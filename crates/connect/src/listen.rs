//! Listeners: an accept loop of our own on hyper, because `axum::serve` cannot time each wait for the other side or
//! bound the connections of each address.

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::ConnectInfo,
    http::{HeaderValue, Request, StatusCode, header},
    response::{IntoResponse, Response},
};
use chat::{ErrorCode, network::Network};
use hyper::{body::Incoming, server::conn::http1};
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    sync::watch,
    time::{Instant, MissedTickBehavior},
};
use tower::ServiceExt;

use crate::{
    Shared,
    bulk::{self, Given},
    connections::{Connections, Seat},
    forwarded::client_address,
    http::{head::Refusal, wire::Wire},
};

/// An answer of this many bytes triggers a check of all unread answers.
const LARGE_ANSWER: u64 = 65_536;
/// Connections that the kernel queues between two accepts.
const BACKLOG: u32 = 4_096;
/// Bytes that hyper may buffer of what comes in, and of what goes out.
const BUFFER: usize = 16_384;
/// How often connections are checked for deadlines.
const LOOK: Duration = Duration::from_millis(250);
/// How long accepting pauses when there was no file descriptor.
const REST: Duration = Duration::from_millis(10);
/// Unsent bytes of one connection that the system may keep.
#[cfg(target_os = "linux")]
const UNSENT: u32 = 65_536;

/// Opens a listening socket.
///
/// # Errors
/// If the address is not available.
pub fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Accepts until `stop` says so, then lets running requests end. The connections are counted in `connections`, which is
/// the table of all listeners or the operator's.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    shared: Arc<Shared>,
    connections: Arc<Connections>,
    mut stop: watch::Receiver<bool>,
) {
    let mut look = tokio::time::interval(LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            now = look.tick() => {
                connections.check(now);
                shared.missed.forget_old().await;
                shared.engine.forget_old_arrivals().await;
                continue;
            }
            () = stopped(&mut stop) => return,
        };
        match accepted {
            Ok((stream, peer)) => {
                let is_proxy = (shared.site.is_trusted_proxy)(peer.ip());
                // Without a place, the connection is closed at once.
                if let Some(seat) = connections.admit(Network::of(peer.ip()), is_proxy, Instant::now()) {
                    let connection =
                        Connection { shared: shared.clone(), seat: Arc::new(seat), peer, router: router.clone() };
                    let peer = connection.seat.peer().clone();
                    shared.bulk.spawn(peer, serve_connection(stream, connection, stop.clone()));
                    // Bytes that have already come are read before the next connection is accepted: in a flood, this
                    // connection would otherwise be closed to make room before anything of it was read.
                    tokio::task::yield_now().await;
                }
            }
            Err(error) => {
                // Mostly, file descriptors have run out: connections that the server waits for must be closed.
                let somebody_goes = shared.connections.make_room();
                tracing::warn!(%error, somebody_goes, "a connection could not be accepted");
                tokio::time::sleep(REST).await;
            }
        }
    }
}

/// Limits the unsent bytes that the system keeps for a slow reader. The rest then waits in the outbox, which is
/// bounded, instead of in up to 4 MiB of system memory per reader. Bytes that are on their way are not limited by this.
#[cfg(target_os = "linux")]
fn hold_little(stream: &TcpStream) -> std::io::Result<()> {
    socket2::SockRef::from(stream).set_tcp_notsent_lowat(UNSENT)
}

#[cfg(not(target_os = "linux"))]
fn hold_little(_stream: &TcpStream) -> std::io::Result<()> {
    Ok(())
}

/// A connection, as the handler of each of its requests needs it.
#[derive(Clone)]
struct Connection {
    shared: Arc<Shared>,
    seat: Arc<Seat>,
    peer: SocketAddr,
    router: Router,
}

async fn serve_connection(stream: TcpStream, connection: Connection, mut stop: watch::Receiver<bool>) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "the socket is gone already");
        return;
    }
    if let Err(error) = hold_little(&stream) {
        tracing::debug!(%error, "the system does not know how to keep little for slow readers");
    }
    let (peer, state) = (connection.peer, connection.seat.peer().clone());
    let wire = Wire::new(stream, connection.seat.clone());
    let service = hyper::service::service_fn(move |request| {
        // Called at once, and not when the answer is first polled, so that the time for a body that comes in between is
        // measured.
        let refusal = connection.seat.peer().begins_request(bulk::is_large(request.body()));
        connection.clone().answer(refusal, request)
    });
    let connection = http1::Builder::new().max_buf_size(BUFFER).serve_connection(wire, service).with_upgrades();
    let mut connection = Box::pin(connection);
    let mut is_stopping = false;
    let ended = loop {
        tokio::select! {
            ended = &mut connection => break ended,
            () = stopped(&mut stop), if !is_stopping => {
                is_stopping = true;
                connection.as_mut().graceful_shutdown();
            }
            () = state.told() => if state.is_evicted() {
                return;
            },
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, %peer, "a connection ended early");
    }
}

impl Connection {
    /// Answers one request; a refused one gets its refusal.
    async fn answer(self, refusal: Option<Refusal>, request: Request<Incoming>) -> Result<Response, Infallible> {
        let state = self.seat.peer().clone();
        let refusal = refusal.or_else(|| self.refuse_caller(&request));
        let response = match refusal {
            Some(refusal) => refuse(refusal),
            None => self.clone().route(request).await?,
        };
        let bytes = takes_memory(&response);
        let is_bulk = bulk::is_large(response.body());
        state.has_answer(bytes, is_bulk);
        if bytes >= LARGE_ANSWER {
            self.shared.connections.bound_answers();
        }
        Ok(if is_bulk { response.map(|body| Body::new(Given::new(body, state))) } else { response })
    }

    /// Counts a request from a trusted proxy for the address that the proxy names.
    fn refuse_caller(&self, request: &Request<Incoming>) -> Option<Refusal> {
        if !(self.shared.site.is_trusted_proxy)(self.peer.ip()) {
            return None;
        }
        let caller = client_address(&self.shared, self.peer, request.headers());
        let is_welcome = self.seat.belongs_to(Network::of(caller));
        (!is_welcome).then_some(Refusal { status: 429, detail: "There are too many requests of this address at once." })
    }

    async fn route(self, mut request: Request<Incoming>) -> Result<Response, Infallible> {
        let may_switch = request.headers().contains_key(header::UPGRADE);
        request.extensions_mut().insert(ConnectInfo(self.peer));
        request.extensions_mut().insert(self.seat);
        let mut response = self.router.oneshot(request.map(Body::new)).await?;
        if may_switch && response.status() != StatusCode::SWITCHING_PROTOCOLS {
            // The bytes that follow were not read as HTTP.
            close(&mut response);
        }
        Ok(response)
    }
}

/// The memory that an answer takes, in bytes. Files of the web client, which have a tag, are part of the program.
fn takes_memory(response: &Response) -> u64 {
    if response.headers().contains_key(header::ETAG) {
        0
    } else {
        hyper::body::Body::size_hint(response.body()).lower()
    }
}

/// The answer to a request that is not HTTP/1.1, or came too slowly.
fn refuse(Refusal { status, detail }: Refusal) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
    let title = status.canonical_reason().unwrap_or_default();
    let code = match status {
        StatusCode::REQUEST_TIMEOUT => ErrorCode::TooSlow,
        StatusCode::PAYLOAD_TOO_LARGE => ErrorCode::TooLarge,
        StatusCode::TOO_MANY_REQUESTS => ErrorCode::RateLimited,
        _ => ErrorCode::Malformed,
    };
    let body = format!(
        r#"{{"type":"about:blank","title":"{title}","status":{},"detail":"{detail}","code":"{}"}}"#,
        status.as_u16(),
        code.name(),
    );
    let mut response = (status, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response();
    close(&mut response);
    response
}

/// Announces that the connection is closed after the answer, in addition to its other `Connection` options.
fn close(response: &mut Response) {
    let headers = response.headers_mut();
    let options = headers.get_all(header::CONNECTION).iter().filter_map(|value| value.to_str().ok());
    if !options.flat_map(|value| value.split(',')).any(|option| option.trim() == "close") {
        headers.append(header::CONNECTION, HeaderValue::from_static("close"));
    }
}

/// Returns once the server must stop, or the sender of `stop` is gone.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _nobody_left = stop.wait_for(|stop| *stop).await.map(|_| ());
}
