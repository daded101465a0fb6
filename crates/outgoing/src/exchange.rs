//! One request and its answer, on a connection of its own.

use std::net::{IpAddr, SocketAddr};

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::{
    HeaderMap, Method, Response,
    body::{Body, Incoming},
    client::conn::http1::{Builder, SendRequest},
    header::{self, HeaderValue},
};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    task::AbortHandle,
};
use tokio_rustls::rustls::pki_types::ServerName;

use crate::{Answer, Bounds, Error, Overlong, target::Target, trust::Trust};

/// Addresses of a host that are tried: more would only cost time.
const TRIED: usize = 4;
/// Bytes of an answer's head.
const HEAD: usize = 32_768;
/// Headers of an answer.
const HEADERS: usize = 100;

/// A request as it is sent.
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// Ends the task of a connection with whoever waits for it.
struct Serving(AbortHandle);

impl Drop for Serving {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Asks at one of these addresses, which were judged.
pub(crate) async fn exchange(
    target: &Target,
    addresses: &[IpAddr],
    request: Request,
    trust: &Trust,
    bounds: &Bounds,
) -> Result<Answer, Error> {
    let (mut sender, _serving) = connect(target, addresses, trust, bounds).await?;
    let response = sender.send_request(written(target, request)?).await.map_err(http)?;
    read(target, response, bounds).await
}

type Sender = SendRequest<Full<Bytes>>;

/// Connects to the first address that answers.
async fn connect(
    target: &Target,
    addresses: &[IpAddr],
    trust: &Trust,
    bounds: &Bounds,
) -> Result<(Sender, Serving), Error> {
    let mut failed = Error::Unreachable;
    for address in addresses.iter().take(TRIED) {
        let connecting = connect_to(target, SocketAddr::new(*address, target.port()), trust);
        match tokio::time::timeout(bounds.connect, connecting).await {
            Ok(Ok(connected)) => return Ok(connected),
            // An error of TLS tells more than that another address is away.
            Ok(Err(error @ Error::Tls(_))) => failed = error,
            Ok(Err(_)) | Err(_) => {}
        }
    }
    Err(failed)
}

async fn connect_to(target: &Target, address: SocketAddr, trust: &Trust) -> Result<(Sender, Serving), Error> {
    let plain = TcpStream::connect(address).await.map_err(|_| Error::Unreachable)?;
    // Without it small requests would only be slower.
    let _at_once = plain.set_nodelay(true);
    if !target.is_secure() {
        return serve(plain).await;
    }
    let wrong = |error: &dyn std::fmt::Display| Error::Tls(error.to_string());
    let name = match target.literal() {
        Some(address) => ServerName::from(address),
        None => ServerName::try_from(target.host().to_owned()).map_err(|error| wrong(&error))?,
    };
    serve(trust.connector()?.connect(name, plain).await.map_err(|error| wrong(&error))?).await
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(stream: S) -> Result<(Sender, Serving), Error> {
    let mut builder = Builder::new();
    builder.max_buf_size(HEAD).max_header_size(HEAD).max_headers(HEADERS);
    let (sender, connection) = builder.handshake(TokioIo::new(stream)).await.map_err(http)?;
    // If the connection fails, whoever reads the answer is told.
    let task = tokio::spawn(async move { drop(connection.await) });
    Ok((sender, Serving(task.abort_handle())))
}

/// The request as it is sent.
fn written(target: &Target, request: Request) -> Result<hyper::Request<Full<Bytes>>, Error> {
    let Request { method, mut headers, body } = request;
    let authority = HeaderValue::from_str(target.authority()).map_err(|_| Error::Url)?;
    headers.insert(header::HOST, authority);
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    let mut written = hyper::Request::new(Full::new(body));
    *written.method_mut() = method;
    *written.uri_mut() = target.path().parse().map_err(|_| Error::Url)?;
    *written.headers_mut() = headers;
    Ok(written)
}

async fn read(target: &Target, response: Response<Incoming>, bounds: &Bounds) -> Result<Answer, Error> {
    let (head, body) = response.into_parts();
    let mut answer = Answer {
        url: target.url.clone(),
        status: head.status,
        headers: head.headers,
        body: Bytes::new(),
        is_cut: false,
    };
    // Nobody reads the body of a redirect.
    if answer.status.is_redirection() {
        return Ok(answer);
    }
    if answer.status.is_success() {
        judge(&answer, bounds)?;
    }
    (answer.body, answer.is_cut) = body_of(body, bounds).await?;
    Ok(answer)
}

/// Whether the body is wanted.
fn judge(answer: &Answer, bounds: &Bounds) -> Result<(), Error> {
    if let Some(encoding) = answer.header(header::CONTENT_ENCODING).filter(|it| !it.eq_ignore_ascii_case("identity")) {
        return Err(Error::Encoded(encoding.chars().take(40).collect()));
    }
    let media = answer.header(header::CONTENT_TYPE).unwrap_or_default().split(';').next().unwrap_or_default();
    let media = media.trim().to_ascii_lowercase();
    let is_wanted = |wanted: &&str| media == **wanted || (wanted.ends_with('/') && media.starts_with(*wanted));
    if bounds.media.is_empty() || bounds.media.iter().any(is_wanted) {
        return Ok(());
    }
    Err(Error::Media(media.chars().take(80).collect()))
}

/// Reads a body as far as the bounds permit, and whether there was more.
async fn body_of(mut body: Incoming, bounds: &Bounds) -> Result<(Bytes, bool), Error> {
    let announced = body.size_hint().lower();
    if bounds.overlong == Overlong::Refused && announced > bounds.body as u64 {
        return Err(Error::TooLarge);
    }
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(http)?.into_data() else { continue };
        let room = bounds.body - whole.len();
        if data.len() <= room {
            whole.extend_from_slice(&data);
            continue;
        }
        if bounds.overlong == Overlong::Refused {
            return Err(Error::TooLarge);
        }
        whole.extend_from_slice(&data[..room]);
        return Ok((whole.freeze(), true));
    }
    Ok((whole.freeze(), false))
}

fn http(error: hyper::Error) -> Error {
    Error::Http(error.to_string())
}
