//! A stranger: a socket that knows nothing and promises nothing. For what a person would not do.

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

/// What has not come after this time will not.
const PATIENCE: Duration = Duration::from_secs(10);

/// A socket. Its implementation shares no code with the server's.
pub(crate) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Opens a socket.
///
/// # Errors
/// Why there is none.
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

/// A handshake by hand; the status and the head of its answer.
pub(crate) async fn shake_hands(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> (u16, String) {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let mut request = format!(
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    );
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

/// A socket and nothing else.
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
        // If the server has gone, the next reading tells.
        let _gone = self.socket.send(Message::text(text.to_string())).await;
    }

    /// The next frame of text.
    ///
    /// # Panics
    /// If there is none.
    pub async fn hears(&mut self) -> Value {
        loop {
            let message = timeout(PATIENCE, self.socket.next()).await.expect("a frame in time");
            let message = message.expect("a frame").expect("a frame that can be read");
            assert!(!message.is_close(), "a goodbye: {:?}", message.as_close());
            if let Some(text) = message.as_text() {
                return serde_json::from_str(text).unwrap_or_else(|_| panic!("not JSON: {text}"));
            }
        }
    }

    /// Whether nothing comes for a while.
    pub async fn hears_nothing(&mut self, for_a_while: Duration) -> bool {
        timeout(for_a_while, self.hears()).await.is_err()
    }

    /// The server's goodbye; frames before it are passed over.
    ///
    /// # Panics
    /// If it says none.
    pub async fn is_sent_away(&mut self) -> (u16, Value) {
        loop {
            let message = timeout(PATIENCE, self.socket.next()).await.expect("a goodbye in time");
            let message = message.expect("a goodbye").expect("a frame that can be read");
            if let Some((code, reason)) = message.as_close() {
                return (code.into(), serde_json::from_str(reason).unwrap_or_default());
            }
        }
    }

    /// Whether the server sends a ping within this time.
    pub async fn is_pinged(&mut self, within: Duration) -> bool {
        let until_ping = async {
            loop {
                match self.socket.next().await {
                    Some(Ok(message)) if message.is_ping() => return true,
                    Some(Ok(_)) => {}
                    _ => return false,
                }
            }
        };
        timeout(within, until_ping).await.unwrap_or(false)
    }
}
