//! A TCP connection for HTTP that no library would write.

use std::{io, net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpSocket,
    net::TcpStream,
    time::timeout,
};

/// How long to wait for something that should come: longer than any timeout of the server.
const PATIENCE: Duration = Duration::from_secs(90);

/// A plain connection.
#[derive(Debug)]
pub struct Raw {
    stream: TcpStream,
    unread: Vec<u8>,
}

/// The answer to a request, as it was sent.
#[derive(Debug)]
pub struct RawAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The head in lower case, without its first line.
    pub head: String,
    /// The body.
    pub body: Vec<u8>,
}

impl RawAnswer {
    /// The value of a header, if there is one.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

impl Raw {
    /// Connects; sends nothing.
    ///
    /// # Panics
    /// If the connection fails.
    pub async fn connect(address: SocketAddr) -> Self {
        Self { stream: TcpStream::connect(address).await.expect("a connection"), unread: Vec::new() }
    }

    /// Connects with the smallest receive buffer that the system allows.
    ///
    /// # Panics
    /// If the connection fails.
    pub async fn connect_narrowly(address: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(1_024).expect("a small buffer");
        Self { stream: socket.connect(address).await.expect("a connection"), unread: Vec::new() }
    }

    /// Writes bytes unchanged; false if the server is known to have closed.
    pub async fn writes(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.stream.write_all(bytes.as_ref()).await.is_ok()
    }

    /// Waits for the next answer; `None` if the server closes instead.
    ///
    /// # Panics
    /// If neither happens in time, or the answer is not HTTP.
    pub async fn hears(&mut self) -> Option<RawAnswer> {
        timeout(PATIENCE, self.read_answer()).await.expect("an answer in time")
    }

    /// Waits until the head of the next answer has come, and leaves it to [`Raw::hears`]; false if the server closes
    /// instead.
    ///
    /// # Panics
    /// If neither happens in time.
    pub async fn is_answered(&mut self) -> bool {
        timeout(PATIENCE, self.read_head()).await.expect("an answer in time").is_some()
    }

    /// Where the head of the next answer ends.
    async fn read_head(&mut self) -> Option<usize> {
        loop {
            if let Some(at) = self.unread.windows(4).position(|four| four == b"\r\n\r\n") {
                return Some(at);
            }
            if self.read().await.ok()? == 0 {
                return None;
            }
        }
    }

    async fn read_answer(&mut self) -> Option<RawAnswer> {
        let end = self.read_head().await?;
        let head = String::from_utf8_lossy(&self.unread[..end]).into_owned();
        self.unread.drain(..end + 4);
        let (first, head) = head.split_once("\r\n").unwrap_or((&head, ""));
        let status = first.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        let mut answer = RawAnswer { status, head: head.to_lowercase(), body: Vec::new() };
        let length = answer.header("content-length").map_or(0, |length| length.parse().expect("a length"));
        while self.unread.len() < length {
            if self.read().await.ok()? == 0 {
                return None;
            }
        }
        answer.body = self.unread.drain(..length).collect();
        Some(answer)
    }

    async fn read(&mut self) -> io::Result<usize> {
        self.stream.read_buf(&mut self.unread).await
    }

    /// Waits until the server has closed; answers before that are skipped. Returns whether it has.
    pub async fn is_closed(&mut self) -> bool {
        let closed = async {
            loop {
                self.unread.clear();
                if !matches!(self.read().await, Ok(count) if count > 0) {
                    return;
                }
            }
        };
        timeout(PATIENCE, closed).await.is_ok()
    }
}
