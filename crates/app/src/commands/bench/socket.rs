//! A WebSocket client that costs little: the load shares the machine with the server it measures.
//!
//! It shares no code with the server, so that the two cannot be wrong in the same way. The masking key is
//! zero, which is legal and saves a pass over each frame; an idle connection owns no buffer.

use std::{cell::RefCell, future::poll_fn, io, net::SocketAddr, pin::Pin, task::Poll, time::Duration};

use anyhow::{Context, Result, bail};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadBuf},
    net::TcpStream,
};

/// Bytes that one read may bring.
const SCRATCH: usize = 256 * 1024;
/// A frame larger than this is taken for nonsense.
const FRAME_CEILING: usize = 16 * 1024 * 1024;

thread_local! {
    /// One read buffer for all connections of a thread.
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; SCRATCH]);
}

/// Where the server is.
#[derive(Clone, Debug)]
pub struct Target {
    /// The value of the `Host` header.
    pub host: String,
    /// Where to connect.
    pub address: SocketAddr,
    /// The path of the native socket.
    pub path: String,
}

impl Target {
    /// Reads a `ws://host:port/path` address.
    ///
    /// # Errors
    /// If it is not such an address, cannot be resolved, or leaves this machine without permission.
    pub async fn parse(url: &str, allow_remote: bool) -> Result<Self> {
        let rest = url
            .strip_prefix("ws://")
            .or_else(|| url.strip_prefix("http://"))
            .context("the address must begin with ws:// (a load over TLS is not measured)")?;
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let path = if path.is_empty() { "/v1/ws".to_owned() } else { format!("/{path}") };
        let with_port = if host.rsplit(':').next().is_some_and(|port| port.parse::<u16>().is_ok()) {
            host.to_owned()
        } else {
            format!("{host}:80")
        };
        let addresses: Vec<SocketAddr> =
            tokio::net::lookup_host(&with_port).await.with_context(|| format!("cannot resolve {host}"))?.collect();
        if !allow_remote && !addresses.iter().all(|address| address.ip().is_loopback()) {
            bail!("{host} is not this machine; a load test of another needs --allow-remote");
        }
        let address = addresses.first().copied().with_context(|| format!("{host} has no address"))?;
        Ok(Self { host: host.to_owned(), address, path })
    }
}

/// The result of a read, besides text.
#[derive(Debug, PartialEq, Eq)]
pub enum Read {
    /// Some frames; there will be more.
    Some,
    /// The server sent a close frame, or just went.
    Closed(String),
}

/// One connection.
pub struct Socket {
    stream: TcpStream,
    /// The beginning of a frame whose end has not arrived.
    rest: Vec<u8>,
    /// Pongs to be sent with the next write.
    pongs: Vec<u8>,
}

impl Socket {
    /// Connects and shakes hands.
    ///
    /// # Errors
    /// If the server cannot be reached or does not speak WebSocket on the path.
    pub async fn open(target: &Target) -> Result<Self> {
        let stream = TcpStream::connect(target.address).await.context("cannot connect")?;
        stream.set_nodelay(true)?;
        let mut socket = Self { stream, rest: Vec::new(), pongs: Vec::new() };
        let request = format!(
            "GET {} HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: cGFsYWJyZS1iZW5jaC0hIQ==\r\n\
             Sec-WebSocket-Protocol: palabre.v1\r\n\r\n",
            target.path, target.host
        );
        socket.stream.write_all(request.as_bytes()).await?;
        socket.shake_hands().await?;
        Ok(socket)
    }

    async fn shake_hands(&mut self) -> Result<()> {
        let mut answer = Vec::with_capacity(512);
        loop {
            if let Some(end) = find(&answer, b"\r\n\r\n") {
                if !answer.starts_with(b"HTTP/1.1 101") {
                    let line = answer.split(|byte| *byte == b'\r').next().unwrap_or_default();
                    bail!("the handshake was answered with: {}", String::from_utf8_lossy(line));
                }
                self.rest = answer[end + 4..].to_vec();
                return Ok(());
            }
            if answer.len() > 16 * 1024 {
                bail!("the handshake's answer does not end");
            }
            if self.stream.read_buf(&mut answer).await? == 0 {
                bail!("the server closed the connection during the handshake");
            }
        }
    }

    /// Sends frames that [`frame`] made.
    ///
    /// # Errors
    /// If the connection is gone.
    pub async fn send(&mut self, frames: &[u8]) -> io::Result<()> {
        if !self.pongs.is_empty() {
            let pongs = std::mem::take(&mut self.pongs);
            self.stream.write_all(&pongs).await?;
        }
        self.stream.write_all(frames).await
    }

    /// Waits for bytes, and gives each complete text frame among them to `each`.
    ///
    /// # Errors
    /// If the server breaks the protocol.
    pub async fn read(&mut self, mut each: impl FnMut(&[u8])) -> Result<Read> {
        if !self.pongs.is_empty() {
            self.send(&[]).await.context("cannot answer a ping")?;
        }
        let Self { stream, rest, pongs } = self;
        // Frames may have come together with the handshake's answer.
        if !rest.is_empty() {
            let mut closed = None;
            let used = frames(rest, &mut each, pongs, &mut closed)?;
            rest.drain(..used);
            if let Some(reason) = closed {
                return Ok(Read::Closed(reason));
            }
            if used > 0 {
                return Ok(Read::Some);
            }
        }
        poll_fn(|context| {
            BUFFER.with_borrow_mut(|buffer| {
                let kept = rest.len();
                if buffer.len() < kept + SCRATCH {
                    buffer.resize(kept + SCRATCH, 0);
                }
                let mut into = ReadBuf::new(&mut buffer[kept..]);
                match Pin::new(&mut *stream).poll_read(context, &mut into) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(Err(error)) => return Poll::Ready(Ok(Read::Closed(error.to_string()))),
                    Poll::Ready(Ok(())) => {}
                }
                let read = into.filled().len();
                if read == 0 {
                    return Poll::Ready(Ok(Read::Closed("end of stream".into())));
                }
                buffer[..kept].copy_from_slice(rest);
                let all = &buffer[..kept + read];
                let mut closed = None;
                let used = match frames(all, &mut each, pongs, &mut closed) {
                    Ok(used) => used,
                    Err(error) => return Poll::Ready(Err(error)),
                };
                rest.clear();
                if used < all.len() {
                    rest.extend_from_slice(&all[used..]);
                } else if rest.capacity() > 64 * 1024 {
                    *rest = Vec::new();
                }
                Poll::Ready(Ok(closed.map_or(Read::Some, Read::Closed)))
            })
        })
        .await
    }

    /// Cuts the connection without a close frame and without leaving a port in TIME_WAIT.
    pub fn cut(self) {
        // If it fails, the socket closes in the ordinary way, which is as good for the measurement.
        let _ = self.stream.set_zero_linger();
    }

    /// Sends a command and waits for its answer, passing over events.
    ///
    /// # Errors
    /// The server's refusal, or the loss of the connection.
    pub async fn call(&mut self, command: &str, data: &serde_json::Value) -> Result<serde_json::Value> {
        let text = serde_json::json!({"id": "call", "type": command, "data": data}).to_string();
        let mut frames = Vec::with_capacity(text.len() + 16);
        frame(&mut frames, text.as_bytes());
        self.send(&frames).await?;
        let waiting = async {
            loop {
                let mut answer = None;
                let read = self
                    .read(|text| {
                        if answer.is_none() && find(&text[..text.len().min(64)], b"\"re\":\"call\"").is_some() {
                            answer = Some(text.to_vec());
                        }
                    })
                    .await?;
                if let Some(answer) = answer {
                    let mut value: serde_json::Value = serde_json::from_slice(&answer)?;
                    if value["type"] == "error" {
                        bail!("{command} was refused: {}", value["error"]);
                    }
                    return Ok(value["data"].take());
                }
                if let Read::Closed(reason) = read {
                    bail!("the server closed the connection instead of answering {command}: {reason}");
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(30), waiting)
            .await
            .with_context(|| format!("{command} was not answered within 30 s"))?
    }
}

/// Appends a text frame from a client.
pub fn frame(into: &mut Vec<u8>, text: &[u8]) {
    header(into, 0x81, text.len());
    into.extend_from_slice(text);
}

fn header(into: &mut Vec<u8>, first: u8, length: usize) {
    into.push(first);
    match length {
        0..=125 => into.push(0x80 | u8::try_from(length).unwrap_or_default()),
        126..=0xffff => {
            into.push(0x80 | 126);
            into.extend_from_slice(&u16::try_from(length).unwrap_or_default().to_be_bytes());
        }
        _ => {
            into.push(0x80 | 127);
            into.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    into.extend_from_slice(&[0; 4]);
}

/// Walks through the complete frames of `bytes` and returns how many bytes they took.
fn frames(
    bytes: &[u8],
    each: &mut impl FnMut(&[u8]),
    pongs: &mut Vec<u8>,
    closed: &mut Option<String>,
) -> Result<usize> {
    let mut at = 0;
    while let Some((first, start, length)) = frame_at(&bytes[at..])? {
        let (start, end) = (at + start, at + start + length);
        if end > bytes.len() {
            break;
        }
        let payload = &bytes[start..end];
        match first {
            0x81 => each(payload),
            0x89 => {
                header(pongs, 0x8a, payload.len());
                pongs.extend_from_slice(payload);
            }
            0x8a => {}
            0x88 => *closed = Some(close_reason(payload)),
            other => bail!("the server sent a frame that begins with {other:#x}"),
        }
        at = end;
    }
    Ok(at)
}

/// The first byte, the place of the payload and its length, once the header is complete.
fn frame_at(bytes: &[u8]) -> Result<Option<(u8, usize, usize)>> {
    let &[first, second, ref rest @ ..] = bytes else { return Ok(None) };
    if second & 0x80 != 0 {
        bail!("the server masked a frame");
    }
    let (start, length) = match (second, rest) {
        (126, [a, b, ..]) => (4, usize::from(u16::from_be_bytes([*a, *b]))),
        (127, [a, b, c, d, e, f, g, h, ..]) => {
            let length = u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]);
            (10, usize::try_from(length).unwrap_or(usize::MAX))
        }
        (126 | 127, _) => return Ok(None),
        (short, _) => (2, usize::from(short)),
    };
    if length > FRAME_CEILING {
        bail!("the server announced a frame of {length} bytes");
    }
    Ok(Some((first, start, length)))
}

fn close_reason(payload: &[u8]) -> String {
    match payload {
        [a, b, reason @ ..] => {
            format!("closed with {} {}", u16::from_be_bytes([*a, *b]), String::from_utf8_lossy(reason))
        }
        _ => "closed without a code".into(),
    }
}

/// Where `what` begins in `text`.
#[must_use]
pub fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    let first = *what.first()?;
    let mut from = 0;
    while let Some(step) = text.get(from..)?.iter().position(|byte| *byte == first) {
        let at = from + step;
        if text[at..].starts_with(what) {
            return Some(at);
        }
        from = at + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_survive_any_cut() {
        let mut bytes = Vec::new();
        for length in [0, 5, 125, 126, 300, 70_000] {
            bytes.push(0x81);
            match length {
                0..=125 => bytes.push(length as u8),
                126..=0xffff => {
                    bytes.push(126);
                    bytes.extend_from_slice(&(length as u16).to_be_bytes());
                }
                _ => {
                    bytes.push(127);
                    bytes.extend_from_slice(&(length as u64).to_be_bytes());
                }
            }
            bytes.resize(bytes.len() + length, b'x');
        }
        for cut in [0, 1, 2, 7, 150, bytes.len() - 1] {
            let (mut lengths, mut pongs, mut closed) = (Vec::new(), Vec::new(), None);
            let used = frames(&bytes[..cut], &mut |text| lengths.push(text.len()), &mut pongs, &mut closed).unwrap();
            let mut each = |text: &[u8]| lengths.push(text.len());
            assert_eq!(used + frames(&bytes[used..], &mut each, &mut pongs, &mut closed).unwrap(), bytes.len());
            assert_eq!(lengths, [0, 5, 125, 126, 300, 70_000]);
        }
    }

    #[test]
    fn pings_are_answered_and_goodbyes_told() {
        let (mut pongs, mut closed) = (Vec::new(), None);
        let bytes = [0x89, 2, b'h', b'i', 0x88, 2, 0x0f, 0xa8];
        assert_eq!(frames(&bytes, &mut |_| {}, &mut pongs, &mut closed).unwrap(), bytes.len());
        assert_eq!(pongs, [0x8a, 0x82, 0, 0, 0, 0, b'h', b'i']);
        assert_eq!(closed.as_deref(), Some("closed with 4008 "));
    }

    #[tokio::test]
    async fn only_this_machine_is_a_target_unless_allowed() {
        assert!(Target::parse("ws://192.0.2.1:80", false).await.is_err());
        assert!(Target::parse("ws://192.0.2.1:80", true).await.is_ok());
        let here = Target::parse("ws://127.0.0.1:8080", false).await.unwrap();
        assert_eq!((here.path.as_str(), here.address.port()), ("/v1/ws", 8080));
    }
}
