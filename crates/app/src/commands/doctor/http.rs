//! A small HTTP client for one question at a time, with TLS: what a browser would meet on its way in.

use std::{
    io,
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, bail, ensure};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream, lookup_host},
};
use tokio_rustls::{
    TlsConnector,
    rustls::{ClientConfig, RootCertStore, pki_types::ServerName},
};

/// Bytes of an answer that are read at most.
const CEILING: u64 = 64 * 1024;
/// A question must be answered within this time.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// Where a URL leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub tls: bool,
    /// As it is written in the `Host` header.
    pub authority: String,
    host: String,
    port: u16,
    /// The prefix of the server's own paths.
    path: String,
}

impl Place {
    /// Reads `http://host`, `https://host:port/path` and the like.
    pub(super) fn parse(url: &str) -> Option<Self> {
        let (scheme, rest) = url.split_once("://")?;
        let tls = scheme == "https";
        let (authority, path) = rest
            .split_once('/')
            .map_or((rest, String::new()), |(host, path)| (host, format!("/{}", path.trim_end_matches('/'))));
        let usual = if tls { 443 } else { 80 };
        let bracket = authority.rfind(']').map_or(0, |at| at + 1);
        let (host, port) = match authority.get(bracket..)?.split_once(':') {
            Some((name, port)) => (format!("{}{name}", authority.get(..bracket)?), port.parse().ok()?),
            None => (authority.to_owned(), usual),
        };
        let host = host.trim_matches(['[', ']']).to_owned();
        Some(Self { tls, authority: authority.to_owned(), host, port, path })
    }

    /// Whether it is this very machine.
    pub(super) fn is_here(&self) -> bool {
        self.host == "localhost" || self.host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
    }

    /// The prefix of the server's own paths; empty if there is none.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// The address of one of the server's sockets.
    pub(super) fn socket(&self, path: &str) -> String {
        format!("{}://{}{}{path}", if self.tls { "wss" } else { "ws" }, self.authority, self.path)
    }

    /// As browsers write it.
    pub(super) fn origin(&self) -> String {
        format!("{}://{}", if self.tls { "https" } else { "http" }, self.authority)
    }
}

/// A connection, with or without TLS.
pub(super) trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// An answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub status: u16,
    headers: Vec<(String, String)>,
    pub body: String,
}

impl Answer {
    /// A header by its name in lower case.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Connects; the address from which, and the connection.
pub(super) async fn connect(place: &Place) -> anyhow::Result<(IpAddr, Box<dyn Wire>)> {
    let plain = within(reach(place)).await?.with_context(|| format!("{} cannot be reached", place.authority))?;
    let own = plain.local_addr()?.ip();
    if !place.tls {
        return Ok((own, Box::new(plain)));
    }
    let name = ServerName::try_from(place.host.clone()).context("its name cannot stand in a certificate")?;
    let shake = TlsConnector::from(Arc::new(trust()?)).connect(name, plain);
    let stream =
        within(shake).await?.with_context(|| format!("{} does not speak TLS as it should", place.authority))?;
    Ok((own, Box::new(stream)))
}

/// On this machine from an address that no proxy has, so that it can be told which of both a server saw.
async fn reach(place: &Place) -> io::Result<TcpStream> {
    let mut failed = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in lookup_host((place.host.as_str(), place.port)).await? {
        let connected = match address.ip() {
            IpAddr::V4(ip) if ip.is_loopback() => {
                let socket = TcpSocket::new_v4()?;
                // Where there is no such address, the usual one will do.
                let _same_as_others = socket.bind((Ipv4Addr::new(127, 0, 0, 2), 0).into());
                socket.connect(address).await
            }
            _ => TcpStream::connect(address).await,
        };
        match connected {
            Ok(stream) => return Ok(stream),
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

/// The authorities that this machine trusts.
fn trust() -> anyhow::Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    let (good, _unreadable) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    ensure!(good > 0, "this machine trusts no certificate authority; install the package ca-certificates");
    Ok(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth())
}

/// Asks for a path, with further headers.
pub(super) async fn get(place: &Place, path: &str, headers: &str) -> anyhow::Result<(IpAddr, Answer)> {
    let (own, mut wire) = connect(place).await?;
    let request = format!(
        "GET {}{path} HTTP/1.1\r\nHost: {}\r\nUser-Agent: palabre-doctor/{}\r\nAccept: */*\r\nConnection: close\r\n{headers}\r\n",
        place.path,
        place.authority,
        env!("CARGO_PKG_VERSION"),
    );
    let mut bytes = Vec::new();
    let asking = async {
        wire.write_all(request.as_bytes()).await?;
        // Some end a TLS connection without a close frame; what was read counts.
        match wire.take(CEILING).read_to_end(&mut bytes).await {
            Err(error) if error.kind() != std::io::ErrorKind::UnexpectedEof => Err(error),
            _ => Ok(()),
        }
    };
    within(asking).await?.with_context(|| format!("{} went away", place.authority))?;
    Ok((own, parse(&bytes)?))
}

/// The work's outcome, unless it takes too long.
pub(super) async fn within<T>(work: impl Future<Output = T>) -> anyhow::Result<T> {
    let late = || format!("there was no answer within {} seconds", PATIENCE.as_secs());
    tokio::time::timeout(PATIENCE, work).await.with_context(late)
}

fn parse(bytes: &[u8]) -> anyhow::Result<Answer> {
    let text = String::from_utf8_lossy(bytes);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { bail!("what answers does not speak HTTP") };
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.parse().ok());
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let answer = Answer { status: status.context("what answers does not speak HTTP")?, headers, body: body.to_owned() };
    let chunked = answer.header("transfer-encoding").is_some_and(|how| how.eq_ignore_ascii_case("chunked"));
    Ok(if chunked { Answer { body: unchunked(body), ..answer } } else { answer })
}

/// The chunks' contents, as far as they came.
fn unchunked(mut body: &str) -> String {
    let mut whole = String::new();
    while let Some((size, rest)) = body.split_once("\r\n") {
        let size = usize::from_str_radix(size.split(';').next().unwrap_or_default().trim(), 16).unwrap_or(0);
        let Some(chunk) = rest.get(..size).filter(|chunk| !chunk.is_empty()) else { break };
        whole.push_str(chunk);
        body = rest.get(size..).unwrap_or_default().trim_start_matches("\r\n");
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::{Place, parse};

    #[test]
    fn urls_are_taken_apart() {
        let place = |url| Place::parse(url).map(|place| (place.tls, place.host, place.port, place.path));
        assert_eq!(place("https://chat.example.org"), Some((true, "chat.example.org".into(), 443, "".into())));
        assert_eq!(place("http://localhost:8080/a/b"), Some((false, "localhost".into(), 8080, "/a/b".into())));
        assert_eq!(place("http://[::1]:81"), Some((false, "::1".into(), 81, "".into())));
        assert_eq!(place("https://[::1]"), Some((true, "::1".into(), 443, "".into())));
        assert_eq!(place("http://host:port"), None);
        let place = Place::parse("https://a.b:1/c").expect("a URL");
        assert_eq!(place.socket("/v1/ws"), "wss://a.b:1/c/v1/ws");
        assert_eq!(place.origin(), "https://a.b:1");
    }

    #[test]
    fn answers_are_read_whole_and_in_chunks() {
        let answer = parse(b"HTTP/1.1 200 OK\r\nDate: today\r\n\r\n{}").expect("HTTP");
        assert_eq!((answer.status, answer.header("date"), answer.body.as_str()), (200, Some("today"), "{}"));
        let chunked =
            b"HTTP/1.1 502 Bad Gateway\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x\r\nde\r\n0\r\n\r\n";
        let answer = parse(chunked).expect("HTTP");
        assert_eq!((answer.status, answer.body.as_str()), (502, "abcde"));
        assert!(parse(b"SSH-2.0-OpenSSH\r\n").is_err());
    }
}
