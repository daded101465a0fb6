//! Other clients, which must not notice the attack: one asks for the server's health, from the hostile client's own
//! address, and a member sends messages on a socket that was opened before.

use std::{
    cell::RefCell,
    io::{Read, Write},
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail, ensure};
use serde_json::{Value, json};
use socket2::{Domain, Socket, Type};

use super::Verdict;

/// The member's address, which differs from the hostile client's.
pub const ELSEWHERE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
/// A handshake.
pub const HANDSHAKE: &str = "GET /v1/ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
/// The member's password.
pub const PASSWORD: &str = "a password that nobody guesses";
/// How long an answer is awaited, to measure its delay.
const AT_MOST: Duration = Duration::from_secs(10);
/// How often they ask.
const PACE: Duration = Duration::from_millis(100);

/// The other clients.
pub struct Others {
    server: SocketAddr,
    token: String,
    member: RefCell<Member>,
}

impl Others {
    /// Registers the member, who opens a room.
    pub fn come(server: SocketAddr) -> anyhow::Result<Self> {
        let account = json!({"username": "member", "password": PASSWORD});
        let answer = post(server, ELSEWHERE, "/v1/accounts", &account, AT_MOST)?;
        ensure!(matches!(answer.status, 200 | 201), "nobody can register: {}", answer.body);
        let tokens: Value = serde_json::from_str(&answer.body)?;
        let token = tokens["access_token"].as_str().context("a token")?;
        let mut member = Member::comes_from(ELSEWHERE, server, token)?;
        member.opens_room()?;
        Ok(Self { server, token: token.to_owned(), member: RefCell::new(member) })
    }

    /// The server's address.
    pub fn server(&self) -> SocketAddr {
        self.server
    }

    /// The member's access token.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Asks and sends for a while, and checks how long each answer took.
    pub fn watch_for(&self, time: Duration, during: &str, verdict: &mut Verdict) -> anyhow::Result<()> {
        let (mut healths, mut sends) = (Vec::new(), Vec::new());
        let began = Instant::now();
        while began.elapsed() < time {
            let asked = Instant::now();
            let well = health(self.server, AT_MOST);
            healths.push(asked.elapsed());
            if let Err(error) = well {
                verdict.judge(false, format!("{during}: /health is answered: {error:#}"));
            }
            let said = Instant::now();
            self.member.borrow_mut().says("still here").with_context(|| format!("{during}: a member's socket"))?;
            sends.push(said.elapsed());
            thread::sleep(PACE);
        }
        for (what, mut times) in [("/health", healths), ("a member's send", sends)] {
            times.sort();
            let worst = times.last().copied().unwrap_or_default();
            let median = times.get(times.len() / 2).copied().unwrap_or_default();
            println!("{during}: {what} in {median:.1?}, at worst {worst:.1?}");
            verdict.in_time(&format!("{during}: {what}"), worst);
        }
        Ok(())
    }
}

/// Asks for the server's health, on a connection of its own.
pub fn health(server: SocketAddr, patience: Duration) -> anyhow::Result<()> {
    let mut stream = TcpStream::connect_timeout(&server, patience)?;
    stream.set_read_timeout(Some(patience))?;
    stream.write_all(b"GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")?;
    let answer = read_answer(&mut stream)?;
    ensure!(answer.status == 200, "it is answered {}", answer.status);
    Ok(())
}

/// The answer to an HTTP request.
pub struct Answer {
    pub status: u16,
    pub body: String,
}

/// Posts JSON from this address.
pub fn post(server: SocketAddr, from: IpAddr, path: &str, body: &Value, patience: Duration) -> anyhow::Result<Answer> {
    let mut stream = connect_from(server, from, patience)?;
    let body = body.to_string();
    let length = body.len();
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes())?;
    read_answer(&mut stream)
}

/// Reads the answer on a connection that the server closes after it.
pub fn read_answer(stream: &mut TcpStream) -> anyhow::Result<Answer> {
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").context("the connection was closed without an answer")?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).context("a status")?;
    Ok(Answer { status, body: body.to_owned() })
}

fn connect_from(server: SocketAddr, from: IpAddr, patience: Duration) -> anyhow::Result<TcpStream> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::from((from, 0)).into())?;
    socket.connect_timeout(&server.into(), patience)?;
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(patience))?;
    Ok(stream)
}

/// A member with an open socket, and a room to send to.
pub struct Member {
    stream: TcpStream,
    room: i64,
    said: u64,
}

impl Member {
    /// Connects and authenticates.
    pub fn comes_from(address: IpAddr, server: SocketAddr, token: &str) -> anyhow::Result<Self> {
        let mut stream = connect_from(server, address, AT_MOST)?;
        stream.write_all(HANDSHAKE.as_bytes())?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte)?;
            head.extend(byte);
        }
        ensure!(head.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&head));
        let mut member = Self { stream, room: 0, said: 0 };
        member.asks(&json!({"id": "in", "type": "authenticate", "data": {"token": token}}))?;
        Ok(member)
    }

    fn opens_room(&mut self) -> anyhow::Result<()> {
        let data = json!({"kind": "room", "name": "garden"});
        let opened = self.asks(&json!({"id": "room", "type": "conversation.create", "data": data}))?;
        let data = &opened["data"];
        self.room = data["id"].as_i64().or(data["conversation"]["id"].as_i64()).context("a room")?;
        Ok(())
    }

    /// Sends a message, and waits until it is acknowledged.
    fn says(&mut self, text: &str) -> anyhow::Result<()> {
        self.said += 1;
        let id = format!("say{}", self.said);
        let data = json!({"conversation": self.room, "client_id": id, "text": text});
        self.asks(&json!({"id": id, "type": "message.send", "data": data})).map(|_| ())
    }

    /// Sends a command and waits for its answer.
    fn asks(&mut self, command: &Value) -> anyhow::Result<Value> {
        let text = command.to_string();
        let length = u16::try_from(text.len())?;
        let mut frame = vec![0x81];
        match u8::try_from(length) {
            Ok(short @ 0..=125) => frame.push(0x80 | short),
            _ => {
                frame.push(0x80 | 126);
                frame.extend(length.to_be_bytes());
            }
        }
        // With a mask of zeros, a masked payload equals the payload.
        frame.extend([&[0; 4], text.as_bytes()].concat());
        self.stream.write_all(&frame)?;
        loop {
            let (opcode, payload) = self.hears()?;
            match opcode {
                1 => {
                    let said: Value = serde_json::from_slice(&payload)?;
                    if said["re"] == command["id"] {
                        ensure!(said["error"].is_null(), "refused: {said}");
                        return Ok(said);
                    }
                }
                9 => self.stream.write_all(&[0x8a, 0x80, 0, 0, 0, 0])?,
                8 => bail!("sent away: {}", String::from_utf8_lossy(&payload)),
                _ => {}
            }
        }
    }

    fn hears(&mut self) -> anyhow::Result<(u8, Vec<u8>)> {
        let mut head = [0; 2];
        self.stream.read_exact(&mut head)?;
        let length = match head[1] {
            126 => {
                let mut length = [0; 2];
                self.stream.read_exact(&mut length)?;
                usize::from(u16::from_be_bytes(length))
            }
            127 => {
                let mut length = [0; 8];
                self.stream.read_exact(&mut length)?;
                usize::try_from(u64::from_be_bytes(length))?
            }
            short => usize::from(short),
        };
        let mut payload = vec![0; length];
        self.stream.read_exact(&mut payload)?;
        Ok((head[0] & 0x0f, payload))
    }
}
