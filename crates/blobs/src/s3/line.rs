//! Connections to a store: one question after another on each, kept for the next while they are young.

use std::{
    fs::File,
    future::Future,
    ops::Range,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::{
    Request, Response, StatusCode,
    body::{Body, Frame, Incoming, SizeHint},
    client::conn::http1::{Builder, SendRequest},
};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, task::JoinHandle, time::timeout};
use tokio_rustls::{
    TlsConnector,
    rustls::{ClientConfig, RootCertStore, pki_types::ServerName},
};

use crate::{
    Error, Result,
    folder::{BLOCK, read_at},
};

/// How long a connection may take to be made.
const CONNECTING: Duration = Duration::from_secs(5);
/// How long the store may take to answer, beside the time for what it is sent.
const ANSWERING: Duration = Duration::from_secs(30);
/// The slowest rate at which it may take bytes, in bytes a second.
const SLOWEST: u64 = 64 << 10;
/// How long a connection is kept that nobody uses, and how many are.
const KEPT_FOR: Duration = Duration::from_secs(20);
const KEPT: usize = 32;
/// The size of a connection's buffer, in bytes.
const BUFFER: usize = 128 << 10;

/// Connections that nobody uses, and since when.
type Idle = Arc<Mutex<Vec<(Instant, SendRequest<Sent>)>>>;

/// The way to a store.
pub(super) struct Line {
    /// Whom to connect to.
    name: String,
    port: u16,
    /// The host that a request names.
    host: String,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    idle: Idle,
}

impl Line {
    /// The way to the store of this URL, or to a bucket whose name stands before the store's.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn to(url: &str, bucket: Option<&String>) -> std::result::Result<Self, String> {
        let (scheme, rest) = url.split_once("://").ok_or("it is no URL")?;
        let is_tls = match scheme {
            "https" => true,
            "http" => false,
            _ => return Err("it begins neither with https:// nor with http://".to_owned()),
        };
        let authority = rest.trim_end_matches('/');
        if authority.is_empty() || authority.contains(['/', '?', '#', '@', ' ']) {
            return Err("it must be a host and perhaps a port, without a path or a name".to_owned());
        }
        let (name, port) = match authority.rsplit_once(':') {
            Some((name, port)) if !port.ends_with(']') => {
                (name, Some(port.parse().map_err(|_| "its port is no number")?))
            }
            _ => (authority, None),
        };
        let before = |text: &str| bucket.map_or(text.to_owned(), |bucket| format!("{bucket}.{text}"));
        let (name, host) = (before(name), before(authority));
        let bare = name.trim_start_matches('[').trim_end_matches(']').to_owned();
        let tls = if is_tls { Some((trust()?, server_name(&bare)?)) } else { None };
        let port = port.unwrap_or(if is_tls { 443 } else { 80 });
        Ok(Self { name: bare, port, host, tls, idle: Arc::default() })
    }

    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// Sends a request with a body of this length, and waits for the head of its answer.
    ///
    /// # Errors
    /// Why there is none, in words.
    pub(super) async fn send(&self, request: Request<Sent>, length: u64) -> std::result::Result<Answer, String> {
        let mut sender = match self.kept() {
            Some(sender) => sender,
            None => timeout(CONNECTING, self.connect()).await.map_err(|_| self.says("does not let anybody in"))??,
        };
        let patience = ANSWERING + Duration::from_secs(length / SLOWEST);
        let answer = timeout(patience, sender.send_request(request)).await.map_err(|_| self.says("does not answer"))?;
        let answer = answer.map_err(|error| self.says(&format!("broke off: {error}")))?;
        Ok(Answer { answer, sender: Some(sender), idle: self.idle.clone() })
    }

    /// A connection that is free and still open.
    fn kept(&self) -> Option<SendRequest<Sent>> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|(since, sender)| since.elapsed() < KEPT_FOR && sender.is_ready());
        idle.pop().map(|(_, sender)| sender)
    }

    async fn connect(&self) -> std::result::Result<SendRequest<Sent>, String> {
        let failed = |error: &dyn std::fmt::Display| self.says(&format!("cannot be reached: {error}"));
        let plain = TcpStream::connect((self.name.as_str(), self.port)).await.map_err(|error| failed(&error))?;
        // Without it small questions would wait for each other; if it cannot be set they do.
        let _set = plain.set_nodelay(true);
        let Some((tls, name)) = &self.tls else { return shake(plain).await.map_err(|error| failed(&error)) };
        let sealed = tls.connect(name.clone(), plain).await.map_err(|error| failed(&error))?;
        shake(sealed).await.map_err(|error| failed(&error))
    }

    fn says(&self, what: &str) -> String {
        format!("the S3 store at {}:{} {what}", self.name, self.port)
    }
}

async fn shake<I>(io: I) -> hyper::Result<SendRequest<Sent>>
where
    I: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) = Builder::new().max_buf_size(BUFFER).handshake(TokioIo::new(io)).await?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection to the S3 store broke");
        }
    });
    Ok(sender)
}

/// The authorities that this machine trusts.
fn trust() -> std::result::Result<TlsConnector, String> {
    let mut roots = RootCertStore::empty();
    let (good, _unreadable) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if good == 0 {
        return Err("this machine trusts no certificate authority; install the package ca-certificates".to_owned());
    }
    Ok(TlsConnector::from(Arc::new(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth())))
}

fn server_name(name: &str) -> std::result::Result<ServerName<'static>, String> {
    ServerName::try_from(name.to_owned()).map_err(|_| "its host cannot stand in a certificate".to_owned())
}

/// An answer, whose body is still to be read.
pub(super) struct Answer {
    answer: Response<Incoming>,
    sender: Option<SendRequest<Sent>>,
    idle: Idle,
}

impl Answer {
    pub(super) fn status(&self) -> StatusCode {
        self.answer.status()
    }

    pub(super) fn header(&self, name: &str) -> Option<String> {
        self.answer.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
    }

    /// The size of the object that was asked about.
    pub(super) fn length(&self) -> Option<u64> {
        self.header("content-length")?.parse().ok()
    }

    /// The next piece of the body; at its end the connection is free again.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>> {
        loop {
            let frame = timeout(ANSWERING, self.answer.body_mut().frame()).await;
            match frame.map_err(|_| Error::Unavailable("the S3 store does not go on".into()))? {
                None => {
                    self.give_back();
                    return Ok(None);
                }
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        return Ok(Some(data));
                    }
                }
                Some(Err(error)) => return Err(Error::Unavailable(format!("the S3 store broke off: {error}"))),
            }
        }
    }

    /// The whole body, of which there may be so much.
    pub(super) async fn text(mut self, most: usize) -> Result<Vec<u8>> {
        let mut text = Vec::new();
        while let Some(piece) = self.next().await? {
            if text.len() + piece.len() > most {
                return Err(Error::Unavailable("the S3 store says too much".into()));
            }
            text.extend_from_slice(&piece);
        }
        Ok(text)
    }

    fn give_back(&mut self) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = self.sender.take().filter(|_| idle.len() < KEPT) {
            idle.push((Instant::now(), sender));
        }
    }
}

/// The content of a request: a text, or a part of a file, which is read while it goes.
pub(super) enum Sent {
    Text(Option<Bytes>),
    File { file: Arc<File>, left: Range<u64>, reading: Option<JoinHandle<std::io::Result<Vec<u8>>>> },
}

impl Sent {
    pub(super) fn of_text(text: Bytes) -> Self {
        Self::Text((!text.is_empty()).then_some(text))
    }

    pub(super) fn of_file(file: Arc<File>, left: Range<u64>) -> Self {
        Self::File { file, left, reading: None }
    }

    fn left(&self) -> u64 {
        match self {
            Self::Text(text) => text.as_ref().map_or(0, |text| text.len() as u64),
            Self::File { left, .. } => left.end.saturating_sub(left.start),
        }
    }
}

impl Body for Sent {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<std::result::Result<Frame<Bytes>, Self::Error>>> {
        let size = self.left();
        match &mut *self {
            Self::Text(text) => Poll::Ready(text.take().map(|text| Ok(Frame::data(text)))),
            Self::File { .. } if size == 0 => Poll::Ready(None),
            Self::File { file, left, reading } => {
                let handle = reading.get_or_insert_with(|| {
                    let (file, from) = (file.clone(), left.start);
                    let most = usize::try_from(size).unwrap_or(BLOCK).min(BLOCK);
                    tokio::task::spawn_blocking(move || read_at(&file, from, most))
                });
                let block = ready!(Pin::new(handle).poll(context));
                *reading = None;
                Poll::Ready(Some(match block.map_err(std::io::Error::other).flatten() {
                    Ok(block) if block.is_empty() => Err(std::io::ErrorKind::UnexpectedEof.into()),
                    Ok(block) => {
                        left.start += block.len() as u64;
                        Ok(Frame::data(block.into()))
                    }
                    Err(error) => Err(error),
                }))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.left() == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_endpoint_is_a_host_and_perhaps_a_port() {
        let line = Line::to("http://127.0.0.1:9000/", None).unwrap();
        assert_eq!((line.name.as_str(), line.port, line.host()), ("127.0.0.1", 9_000, "127.0.0.1:9000"));
        let line = Line::to("http://s3.example.org", Some(&"files".to_owned())).unwrap();
        assert_eq!((line.name.as_str(), line.port, line.host()), ("files.s3.example.org", 80, "files.s3.example.org"));
        let line = Line::to("http://[::1]:9000", None).unwrap();
        assert_eq!((line.name.as_str(), line.port, line.host()), ("::1", 9_000, "[::1]:9000"));
        for bad in ["", "127.0.0.1:9000", "ftp://a", "http://", "http://a/path", "http://me@a", "http://a:port"] {
            assert!(Line::to(bad, None).is_err(), "{bad:?}");
        }
    }
}
