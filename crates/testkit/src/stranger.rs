//! A stranger: a plain socket without a model of the protocol, for what a person's client would not do.

use std::{fmt, net::SocketAddr, time::Duration};

use futures_util::{SinkExt, StreamExt};
use reqwest::header::{HeaderName, HeaderValue};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_websockets::{ClientBuilder, MaybeTlsStream, Message, WebSocketStream};

/// How long to wait for something that should come.
const PATIENCE: Duration = Duration::from_secs(30);

/// A socket. Its implementation shares no code with the server's.
pub(crate) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Opens a socket.
///
/// # Errors
/// The reason why it cannot be opened.
pub(crate) async fn connect(
    address: SocketAddr,
    path: &str,
    headers: &[(&str, &str)],
) -> Result<Socket, tokio_websockets::Error> {
    let mut builder = ClientBuilder::new().uri(&format!("ws://{address}{path}")).expect("an address");
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a header's name");
        builder = builder.add_header(name, HeaderValue::from_str(value).expect("a header's value"))?;
    }
    Ok(builder.connect().await?.0)
}

/// Makes a handshake by hand; returns the status and the head of the answer.
pub(crate) async fn shake_hands(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> (u16, String) {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let mut request = format!(
        "GET {path} HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    );
    if !headers.iter().any(|(name, _)| *name == "host") {
        request.push_str(&format!("Host: {address}\r\n"));
    }
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str("\r\n");
    stream.write_all(request.as_bytes()).await.expect("a request");
    let mut answer = Vec::new();
    let mut buffer = [0_u8; 4096];
    while !answer.windows(4).any(|window| window == b"\r\n\r\n") {
        let count = timeout(PATIENCE, stream.read(&mut buffer)).await.expect("an answer in time").expect("an answer");
        if count == 0 {
            break;
        }
        answer.extend_from_slice(&buffer[..count]);
    }
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
    (status, answer)
}

/// A plain WebSocket.
pub struct Stranger {
    socket: Socket,
}

impl fmt::Debug for Stranger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a stranger")
    }
}

impl Stranger {
    pub(crate) fn new(socket: Socket) -> Self {
        Self { socket }
    }

    /// Writes a frame.
    pub async fn writes(&mut self, text: impl ToString) {
        // If the server has gone, the next reading shows it.
        let _gone = self.socket.send(Message::text(text.to_string())).await;
    }

    /// Waits for the next text frame.
    ///
    /// # Panics
    /// If none comes.
    pub async fn hears(&mut self) -> Value {
        loop {
            let message = timeout(PATIENCE, self.socket.next()).await.expect("a frame in time");
            let message = message.expect("a frame").expect("a frame that can be read");
            assert!(!message.is_close(), "a close frame: {:?}", message.as_close());
            if let Some(text) = message.as_text() {
                return serde_json::from_str(text).unwrap_or_else(|_| panic!("not JSON: {text}"));
            }
        }
    }

    /// Waits for the next text frame, or the server's close frame.
    ///
    /// # Errors
    /// The close code; 1006 if the server closes without one.
    ///
    /// # Panics
    /// If neither comes.
    pub async fn hears_or_goodbye(&mut self) -> Result<Value, u16> {
        loop {
            let message = timeout(PATIENCE, self.socket.next()).await.expect("a frame in time");
            let Some(Ok(message)) = message else { return Err(1006) };
            if let Some((code, _)) = message.as_close() {
                return Err(code.into());
            }
            if let Some(text) = message.as_text() {
                return Ok(serde_json::from_str(text).unwrap_or_default());
            }
        }
    }

    /// Whether nothing comes for this time.
    pub async fn hears_nothing(&mut self, for_a_while: Duration) -> bool {
        timeout(for_a_while, self.hears()).await.is_err()
    }

    /// Waits for the server's close frame; returns its code and reason. Frames before it are skipped.
    ///
    /// # Panics
    /// If none comes.
    pub async fn is_sent_away(&mut self) -> (u16, Value) {
        loop {
            let message = timeout(PATIENCE, self.socket.next()).await.expect("a close frame in time");
            let message = message.expect("a close frame").expect("a frame that can be read");
            if let Some((code, reason)) = message.as_close() {
                return (code.into(), serde_json::from_str(reason).unwrap_or_default());
            }
        }
    }
}

/// A WebSocket connection at the level of bytes, for frames that no library would write.
#[derive(Debug)]
pub struct Wire {
    stream: TcpStream,
}

impl Wire {
    /// Connects to the native endpoint; sends nothing after the handshake.
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let mut stream = TcpStream::connect(address).await.expect("a connection");
        let request = format!(
            "GET /v1/ws HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.expect("a request");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.expect("an answer"));
        }
        assert!(head.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&head));
        Self { stream }
    }

    /// Writes bytes unchanged.
    pub async fn writes(&mut self, bytes: &[u8]) {
        // If the server has gone, the next reading shows it.
        let _gone = self.stream.write_all(bytes).await;
    }

    /// Writes a masked frame: its first byte (final bit, reserved bits, opcode) and its payload.
    pub async fn writes_frame(&mut self, first: u8, payload: &[u8]) {
        let mut frame = vec![first];
        match payload.len() {
            length @ 0..=125 => frame.push(0x80 | u8::try_from(length).unwrap_or_default()),
            length => {
                frame.push(0xfe);
                frame.extend(u16::try_from(length).expect("a short payload").to_be_bytes());
            }
        }
        let key = [7, 3, 1, 9];
        frame.extend(key);
        frame.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
        self.writes(&frame).await;
    }

    /// Waits for the next frame; returns its opcode and payload, or `None` once the server has closed.
    ///
    /// # Panics
    /// If none comes in time.
    pub async fn hears(&mut self) -> Option<(u8, Vec<u8>)> {
        timeout(PATIENCE, self.read_frame()).await.expect("a frame in time").ok()
    }

    async fn read_frame(&mut self) -> std::io::Result<(u8, Vec<u8>)> {
        let opcode = self.stream.read_u8().await? & 0x0f;
        let length = match self.stream.read_u8().await? {
            126 => u64::from(self.stream.read_u16().await?),
            127 => self.stream.read_u64().await?,
            short => u64::from(short),
        };
        let mut payload = vec![0; usize::try_from(length).unwrap_or_default()];
        self.stream.read_exact(&mut payload).await?;
        Ok((opcode, payload))
    }

    /// Waits for the next text frame and parses it as JSON.
    ///
    /// # Panics
    /// If something else comes.
    pub async fn hears_text(&mut self) -> Value {
        match self.hears().await {
            Some((1, payload)) => serde_json::from_slice(&payload).expect("JSON"),
            other => panic!("not a text: {other:?}"),
        }
    }

    /// Waits for the next answer, as JSON; events and pings before it are skipped.
    ///
    /// # Panics
    /// If the server closes, or sends something that is neither a text nor a ping.
    pub async fn hears_answer(&mut self) -> Value {
        self.hears_answer_if_it_stays().await.expect("the server to stay")
    }

    /// Waits for the next answer; `None` if the server closes.
    ///
    /// # Panics
    /// If the server sends something that is neither a text, a ping nor a close frame.
    pub async fn hears_answer_if_it_stays(&mut self) -> Option<Value> {
        loop {
            let (opcode, payload) = self.hears().await?;
            match opcode {
                1 => {
                    let frame: Value = serde_json::from_slice(&payload).expect("JSON");
                    if frame["re"].is_string() {
                        return Some(frame);
                    }
                }
                8 => return None,
                9 => {}
                other => panic!("neither a text nor a ping, but {other}: {payload:?}"),
            }
        }
    }

    /// Waits for a ping; frames before it are skipped.
    ///
    /// # Panics
    /// If none comes.
    pub async fn is_pinged(&mut self) {
        while self.hears().await.expect("a ping").0 != 9 {}
    }

    /// Waits for the server's close frame; returns its code, or `None` if the server closes without one.
    pub async fn is_sent_away(&mut self) -> Option<u16> {
        loop {
            match self.hears().await? {
                (8, payload) => return payload.first_chunk().map(|code| u16::from_be_bytes(*code)),
                _ => continue,
            }
        }
    }
}
