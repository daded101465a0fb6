//! Somebody in as many conversations as one may be in, whose line brings twenty kilobytes in a second.

use std::{net::SocketAddr, time::Duration};

use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};
use testkit::{Person, Town};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    time::{sleep, timeout},
};

const HANDSHAKE: &str = "GET /v1/ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
/// What comes in each tenth of a second.
const BYTES: usize = 2_000;
/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(120);

/// A line on which little comes at a time, and on which nothing piles up on our side.
struct SlowLine {
    stream: TcpStream,
    unread: Vec<u8>,
}

impl SlowLine {
    async fn opens(address: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(1_024).unwrap();
        let mut line = Self { stream: socket.connect(address).await.unwrap(), unread: Vec::new() };
        line.stream.write_all(HANDSHAKE.as_bytes()).await.unwrap();
        let end = loop {
            match line.unread.windows(4).position(|four| four == b"\r\n\r\n") {
                Some(end) => break end + 4,
                None => line.takes().await,
            }
        };
        line.unread.drain(..end);
        line
    }

    /// Takes what comes in a tenth of a second.
    async fn takes(&mut self) {
        sleep(Duration::from_millis(100)).await;
        let mut some = [0; BYTES];
        let count = self.stream.read(&mut some).await.expect("the line holds");
        assert!(count > 0, "the server has hung up");
        self.unread.extend(&some[..count]);
    }

    async fn asks(&mut self, command: &Value) {
        let text = command.to_string();
        let mut frame = vec![0x81, 0xfe];
        frame.extend(u16::try_from(text.len()).unwrap().to_be_bytes());
        frame.extend([[0; 4].as_slice(), text.as_bytes()].concat());
        self.stream.write_all(&frame).await.unwrap();
    }

    /// The next text, and how many bytes it has.
    async fn hears(&mut self) -> (Value, usize) {
        let whole = async {
            loop {
                match frame(&self.unread) {
                    Some((kind, from, to)) => {
                        let text: Vec<u8> = self.unread.drain(..to).skip(from).collect();
                        match kind {
                            0x81 => return (serde_json::from_slice(&text).unwrap(), text.len()),
                            0x89 => {}
                            other => panic!("a frame that begins with {other:#x}: {}", String::from_utf8_lossy(&text)),
                        }
                    }
                    None => self.takes().await,
                }
            }
        };
        timeout(PATIENCE, whole).await.expect("it comes in time")
    }
}

/// The first byte of a whole frame, and where its payload is.
fn frame(bytes: &[u8]) -> Option<(u8, usize, usize)> {
    let (from, length) = match *bytes.get(1)? {
        126 => (4, u64::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().unwrap()))),
        127 => (10, u64::from_be_bytes(bytes.get(2..10)?.try_into().unwrap())),
        short => (2, u64::from(short)),
    };
    let to = from + usize::try_from(length).unwrap();
    (bytes.len() >= to).then(|| (bytes[0], from, to))
}

/// Opens as many rooms, all but the last of which are closed to others; the id of that one.
async fn opens_rooms(town: &Town, person: &Person, count: i64) -> i64 {
    let token = person.tokens().access;
    let open = |number: i64| {
        let visibility = if number == count { "public" } else { "private" };
        let room = json!({"kind": "room", "name": format!("room {number}"), "visibility": visibility});
        let token = token.clone();
        async move { town.rest().ask("POST", "/v1/conversations", Some(&token), &room).await.granted()["id"].clone() }
    };
    stream::iter(1..count).map(open).buffer_unordered(8).collect::<Vec<_>>().await;
    open(count).await.as_i64().unwrap()
}

#[tokio::test]
async fn whoever_is_in_as_many_conversations_as_one_may_be_comes_in_over_a_slow_line_while_people_talk() {
    let limits = chat::Limits::default();
    let town = Town::opens().await;
    let (ann, bob) = (town.absent("ann").await, town.absent("bob").await);
    let square = opens_rooms(&town, &ann, limits.conversations_per_user).await;
    let beyond = json!({"kind": "room", "name": "one more", "visibility": "private"});
    let token = ann.tokens().access;
    town.rest().ask("POST", "/v1/conversations", Some(&token), &beyond).await.refused(422, "limit_reached");
    bob.requests("POST", &format!("/v1/conversations/{square}/join"), Value::Null).await.granted();

    let mut line = SlowLine::opens(town.address()).await;
    line.asks(&json!({"id": "1", "type": "authenticate", "data": {"token": token, "feature_level": 8}})).await;
    while line.unread.is_empty() {
        line.takes().await;
    }
    // The answer is under way; what is said meanwhile comes behind it.
    let path = format!("/v1/conversations/{square}/messages/c1");
    bob.requests("PUT", &path, json!({"text": "are you there?"})).await.granted();
    let (greeting, bytes) = line.hears().await;
    assert_eq!(greeting["type"], "authenticated", "{greeting}");
    let listed = greeting["data"]["conversations"].as_array().unwrap().len() as i64;
    assert_eq!(listed, limits.conversations_per_user);
    assert!(bytes > 100_000, "{bytes} bytes are no test of a slow line");
    assert!(bytes as i64 <= limits.queue_bytes, "{bytes} bytes are more than may wait for a reader");
    let (told, _) = line.hears().await;
    assert_eq!((&told["type"], &told["data"]["text"]), (&json!("message.created"), &json!("are you there?")));
    // The list comes by pages, which are no larger.
    line.asks(&json!({"id": "2", "type": "conversation.list", "data": {"limit": 200}})).await;
    let (page, bytes) = line.hears().await;
    assert_eq!((&page["re"], page["data"]["conversations"].as_array().map(Vec::len)), (&json!("2"), Some(200)));
    assert!(bytes as i64 <= limits.queue_bytes, "{bytes}");
}
