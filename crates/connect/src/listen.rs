//! Listeners. Our own accept loop on hyper: a slow header ends in time, which `axum::serve` cannot do.

use std::{net::SocketAddr, time::Duration};

use axum::{Router, extract::ConnectInfo};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    sync::watch,
};
use tower::ServiceExt;

/// Connections that the kernel keeps for us between two accepts.
const BACKLOG: u32 = 4_096;
/// A request's head must be complete after this time.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// A request's head may have at most so many bytes.
const HEADER_BYTES: usize = 16_384;
/// A request's head may have at most so many fields.
const HEADER_FIELDS: usize = 64;
/// What is not sent yet, in bytes, that the system keeps of one connection.
#[cfg(target_os = "linux")]
const UNSENT: u32 = 65_536;

/// Opens a listening socket.
///
/// # Errors
/// If the address cannot be had.
pub fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Accepts until `stop` says so, then lets running requests end.
pub async fn serve(listener: TcpListener, router: Router, mut stop: watch::Receiver<bool>) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stopped(&mut stop) => return,
        };
        match accepted {
            Ok((stream, peer)) => {
                tokio::spawn(serve_connection(stream, peer, router.clone(), stop.clone()));
            }
            Err(error) => {
                // Out of descriptors, mostly: those who hold them must end first.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

/// Has the system keep little of what a client does not read: what waits then fills the outbox, which is bounded, and
/// not up to 4 MiB of the system's memory for each slow reader. What is on its way is not limited by this.
#[cfg(target_os = "linux")]
fn hold_little(stream: &TcpStream) -> std::io::Result<()> {
    socket2::SockRef::from(stream).set_tcp_notsent_lowat(UNSENT)
}

#[cfg(not(target_os = "linux"))]
fn hold_little(_stream: &TcpStream) -> std::io::Result<()> {
    Ok(())
}

async fn serve_connection(stream: TcpStream, peer: SocketAddr, router: Router, mut stop: watch::Receiver<bool>) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "the socket is gone already");
        return;
    }
    if let Err(error) = hold_little(&stream) {
        tracing::debug!(%error, "the system does not know how to keep little for slow readers");
    }
    let service = hyper::service::service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        router.clone().oneshot(request.map(axum::body::Body::new))
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(HEADER_BYTES)
        .max_headers(HEADER_FIELDS)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = Box::pin(connection);
    let ended = tokio::select! {
        ended = &mut connection => ended,
        () = stopped(&mut stop) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, %peer, "a connection ended early");
    }
}

/// Returns once the server is to stop, or nobody is left to say so.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _nobody_left = stop.wait_for(|stop| *stop).await.map(|_| ());
}
