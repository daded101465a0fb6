//! The works against a server of a hundred lines, which keeps its promises or, when told to, does not.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use base64::Engine as _;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc::{UnboundedSender, unbounded_channel},
};

use super::*;

/// The fault of the server with the event of every tenth message.
#[derive(Clone, Copy, PartialEq)]
enum Fault {
    None,
    Forget,
    Repeat,
    Swap,
    Refuse,
}

#[derive(Default)]
struct Room {
    name: String,
    members: BTreeSet<i64>,
    texts: Vec<String>,
    held_back: Option<String>,
}

#[derive(Default)]
struct World {
    users: BTreeMap<String, i64>,
    rooms: Vec<Room>,
    listeners: Vec<(i64, UnboundedSender<String>)>,
}

async fn serve(fault: Fault) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let world = Arc::new(Mutex::new(World::default()));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(converse(stream, Arc::clone(&world), fault));
        }
    });
    format!("ws://{address}")
}

async fn converse(stream: TcpStream, world: Arc<Mutex<World>>, fault: Fault) {
    let (mut reading, mut writing) = stream.into_split();
    let mut bytes = Vec::new();
    while socket::find(&bytes, b"\r\n\r\n").is_none() {
        if reading.read_buf(&mut bytes).await.unwrap_or_default() == 0 {
            return;
        }
    }
    bytes.clear();
    #[expect(
        clippy::disallowed_methods,
        reason = "the small server answers under a lock, so it cannot wait for a slow client"
    )]
    let (out, mut frames) = unbounded_channel::<String>();
    tokio::spawn(async move {
        let _ = writing.write_all(b"HTTP/1.1 101 Switching Protocols\r\n\r\n").await;
        while let Some(text) = frames.recv().await {
            let mut frame = vec![0x81, 127];
            frame.extend_from_slice(&(text.len() as u64).to_be_bytes());
            frame.extend_from_slice(text.as_bytes());
            let _ = writing.write_all(&frame).await;
        }
    });
    let mut user = 0;
    loop {
        while let Some((end, text)) = command(&bytes) {
            bytes.drain(..end);
            let command: Value = serde_json::from_slice(&text).unwrap();
            world.lock().unwrap().answer(&command, &mut user, &out, fault);
        }
        if reading.read_buf(&mut bytes).await.unwrap_or_default() == 0 {
            return;
        }
    }
}

/// The end and the text of the first complete frame of a client.
fn command(bytes: &[u8]) -> Option<(usize, Vec<u8>)> {
    let length = usize::from(bytes.get(1)? & 0x7f);
    let (start, length) = match length {
        126 => (4, usize::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?))),
        127 => (10, u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?) as usize),
        short => (2, short),
    };
    let mask = bytes.get(start..start + 4)?;
    let end = start + 4 + length;
    let text = bytes.get(start + 4..end)?.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
    Some((end, text))
}

/// Whom a text names.
fn named(text: &str, fault: Fault) -> Value {
    json!({"people": text.split('@').skip(1).filter(|_| fault != Fault::Forget).collect::<Vec<_>>()})
}

/// Whose token it is: of one person, there is another one each second.
fn holder(token: &str) -> String {
    let claims = token.split('.').nth(1).unwrap();
    let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(claims).unwrap();
    serde_json::from_slice::<Value>(&claims).unwrap()["user_id"].to_string()
}

impl World {
    fn answer(&mut self, command: &Value, user: &mut i64, out: &UnboundedSender<String>, fault: Fault) {
        let data = &command["data"];
        let answered = match command["type"].as_str().unwrap() {
            "authenticate" => Ok(self.welcome(data, user, out)),
            "room.get" => self.room_of(data).map(|id| ("room", json!({"id": id}))),
            "conversation.create" => {
                let name = data["name"].as_str().map_or(format!("direct {user} {}", data["user"]), str::to_owned);
                let members = [*user, data["user"].as_i64().unwrap_or(*user)].into();
                self.rooms.push(Room { name, members, ..Room::default() });
                Ok(("conversation", json!({"id": self.rooms.len()})))
            }
            "conversation.join" => {
                let room = data["conversation"].as_u64().unwrap() as usize;
                let members = &mut self.rooms[room - 1].members;
                members.insert(*user);
                let members = members.clone();
                let told = fault != Fault::Forget || members.len() < 10;
                let data = json!({"from": 1, "to": 1, "member_count": members.len()});
                self.signal(&members, room, "members.changed", &data, told);
                Ok(("conversation", json!({"id": room})))
            }
            "typing.set" => {
                let room = data["conversation"].as_u64().unwrap() as usize;
                let members = self.rooms[room - 1].members.clone();
                self.signal(&members, room, "typing.started", &json!({"user": {"id": user}}), true);
                Ok(("done", json!({})))
            }
            "message.history" => {
                let room = &self.rooms[data["conversation"].as_u64().unwrap() as usize - 1];
                let newest = room.texts.len().saturating_sub(data["limit"].as_u64().unwrap() as usize);
                let messages: Vec<Value> = room.texts[newest..]
                    .iter()
                    .map(|text| json!({"text": text, "mentions": named(text, fault)}))
                    .collect();
                Ok(("history", json!({"messages": messages, "head": room.texts.len()})))
            }
            "message.send" => {
                let room = data["conversation"].as_u64().unwrap() as usize;
                match self.rooms.get(room.wrapping_sub(1)).map(|room| room.texts.len() + 1) {
                    Some(seq) if fault == Fault::Refuse && seq % 10 == 0 => {
                        self.rooms[room - 1].texts.push(String::new());
                        Err(json!({"code": "rate_limited"}))
                    }
                    Some(seq) => Ok(("message.sent", json!({"conversation": room, "seq": seq, "id": seq}))),
                    None => Err(json!({"code": "not_found"})),
                }
            }
            other => panic!("{other} is not known here"),
        };
        // The order of fields is the one that the protocol shows.
        let re = &command["id"];
        let sent = answered.is_ok() && command["type"] == "message.send";
        let frame = match answered {
            Ok((kind, data)) => format!(r#"{{"re":{re},"type":"{kind}","data":{data}}}"#),
            Err(error) => format!(r#"{{"re":{re},"type":"error","error":{error}}}"#),
        };
        let _ = out.send(frame);
        if command["type"] == "authenticate" {
            self.catch_up(data, out);
        }
        if sent {
            self.tell(data, fault);
        }
    }

    fn signal(&self, members: &BTreeSet<i64>, room: usize, kind: &str, data: &Value, told: bool) {
        let frame = format!(r#"{{"type":"{kind}","conversation":{room},"data":{data}}}"#);
        let listeners = self.listeners.iter().filter(|(user, _)| told && members.contains(user));
        listeners.for_each(|(_, listener)| drop(listener.send(frame.clone())));
    }

    fn room_of(&self, data: &Value) -> Result<usize, Value> {
        let place = self.rooms.iter().position(|room| data["name"] == room.name.as_str());
        place.map(|place| place + 1).ok_or(json!({"code": "not_found"}))
    }

    fn welcome(&mut self, data: &Value, user: &mut i64, out: &UnboundedSender<String>) -> (&'static str, Value) {
        let next = self.users.len() as i64 + 1;
        *user = *self.users.entry(holder(data["token"].as_str().unwrap())).or_insert(next);
        self.listeners.push((*user, out.clone()));
        let listed = self.rooms.iter().enumerate().filter(|(_, room)| room.members.contains(user));
        let listed: Vec<Value> =
            listed.map(|(place, room)| json!({"id": place + 1, "head": room.texts.len()})).collect();
        ("authenticated", json!({"user": {"id": user}, "conversations": listed}))
    }

    fn catch_up(&self, data: &Value, out: &UnboundedSender<String>) {
        for (room, cursor) in data["cursors"].as_object().into_iter().flatten() {
            let texts = &self.rooms[room.parse::<usize>().unwrap() - 1].texts;
            let from = cursor.as_u64().unwrap() as usize;
            let messages: Vec<Value> = texts[from..].iter().map(|text| json!({"text": text})).collect();
            let data = json!({"from": from, "to": texts.len(), "reset": false, "messages": messages});
            let _ = out.send(format!(r#"{{"type":"conversation.changes","conversation":{room},"data":{data}}}"#));
        }
    }

    fn tell(&mut self, data: &Value, fault: Fault) {
        let place = data["conversation"].as_u64().unwrap() as usize;
        let room = &mut self.rooms[place - 1];
        room.texts.push(data["text"].as_str().unwrap().to_owned());
        let seq = room.texts.len();
        let text = &data["text"];
        let event = format!(
            r#"{{"type":"message.created","conversation":{place},"seq":{seq},"data":{{"seq":{seq},"text":{text}}}}}"#
        );
        let events = match fault {
            Fault::Forget if seq.is_multiple_of(10) => vec![],
            Fault::Repeat if seq.is_multiple_of(10) => vec![event.clone(), event],
            Fault::Swap if seq.is_multiple_of(10) => {
                room.held_back = Some(event);
                vec![]
            }
            _ => [event].into_iter().chain(room.held_back.take()).collect(),
        };
        for (user, listener) in self.listeners.iter().filter(|(user, _)| room.members.contains(user)) {
            assert!(*user > 0);
            events.iter().for_each(|event| drop(listener.send(event.clone())));
        }
    }
}

async fn measured(fault: Fault, work: Work) -> Report {
    let url = serve(fault).await;
    let common = Common {
        url: vec![url],
        secret: "a secret of the host".into(),
        server_pid: vec![std::process::id()],
        ..Common::default()
    };
    super::work(&Args { common, work }).await.unwrap()
}

fn small_room() -> Work {
    Work::W1c { members: 6, senders: 2 }
}

#[tokio::test]
async fn a_server_that_keeps_its_promises_is_clean() {
    let report = measured(Fault::None, small_room()).await;
    assert!(report.clean() && report.acks > 10 && report.acks == report.sent, "{report}");
    assert_eq!(report.deliveries, report.acks * 6);
    assert!(report.ack.is_some() && report.delivery.is_some() && report.deliveries_per_cpu_second.is_some());
    for work in [
        Work::W1 { members: 5, senders: 2, rate: 200.0 },
        Work::W2c { rooms: 3, members: 3, followers: false },
        Work::W3c { pairs: 3 },
    ] {
        let report = measured(Fault::None, work).await;
        assert!(report.clean() && report.acks > 10 && report.refused == 0, "{report}");
    }
}

#[tokio::test]
async fn what_a_server_does_wrong_is_counted() {
    let report = measured(Fault::Forget, small_room()).await;
    assert!(report.lost > 0 && report.duplicated == 0, "{report}");
    let report = measured(Fault::Repeat, small_room()).await;
    assert!(report.duplicated > 0 && report.lost == 0, "{report}");
    let report = measured(Fault::Swap, small_room()).await;
    assert!(report.out_of_order > 0, "{report}");
    let report = measured(Fault::Refuse, small_room()).await;
    assert!(report.refused > 0 && !report.complaints.is_empty(), "{report}");
}

#[tokio::test]
async fn idle_connections_histories_and_storms_are_measured() {
    let report = measured(Fault::None, Work::W4 { connections: 20, connecting: 5, large_bytes: 60_000 }).await;
    assert!(report.clean() && report.connections == 20 && report.rss_per_connection.is_some(), "{report}");

    let history =
        |page, fill| Work::W5 { messages: 500, fill, connections: 2, depth: 2, page, pages: history::Pages::Newest };
    let report = measured(Fault::None, history(50, true)).await;
    assert!(report.clean() && report.request.is_some() && report.requests_per_second > Some(10.0), "{report}");

    let report = measured(Fault::None, Work::W6 { clients: 30, messages: 7, connecting: None }).await;
    assert!(report.clean() && report.deliveries == 210 && report.catch_up.is_some(), "{report}");
}

#[tokio::test]
async fn a_history_that_is_too_short_is_told() {
    let url = serve(Fault::None).await;
    let common = Common { url: vec![url], secret: "a secret of the host".into(), ..Common::default() };
    let work =
        Work::W5 { messages: 500, fill: false, connections: 1, depth: 1, page: 50, pages: history::Pages::Newest };
    let error = super::work(&Args { common, work }).await.unwrap_err();
    assert!(error.to_string().contains("--fill"), "{error}");
}

#[tokio::test]
async fn of_a_square_each_must_know_how_many_they_are() {
    let square = Work::Squares { people: 12, typists: 5 };
    let report = measured(Fault::None, square.clone()).await;
    assert!(report.clean() && report.lost == 0 && report.deliveries > 0, "{report}");
    let signals = report.bounds.iter().find(|bound| bound.what.contains("typing")).expect("a bound");
    assert!(signals.measured > 0.0 && signals.most == 20.0, "{report}");
    // The last joins are not told.
    let report = measured(Fault::Forget, square).await;
    assert!(report.lost > 0 && !report.clean(), "{report}");
}

#[tokio::test]
async fn storms_are_measured_beside_their_bounds() {
    let storms = Work::Storms { clients: 20, rooms: 4, storms: 2, connecting: None };
    let report = measured(Fault::None, storms).await;
    assert!(report.clean() && report.bounds.len() == 5, "{report}");
    let wide = |fill| Work::Wide { conversations: 3, fill };
    let url = serve(Fault::None).await;
    let common = Common {
        url: vec![url],
        secret: "a secret of the host".into(),
        server_pid: vec![std::process::id()],
        ..Common::default()
    };
    let run = |fill| {
        let args = Args { common: common.clone(), work: wide(fill) };
        async move { super::work(&args).await }
    };
    let error = run(false).await.unwrap_err();
    assert!(error.to_string().contains("--fill"), "{error}");
    assert!(run(true).await.unwrap().bounds.is_empty());
    assert_eq!(run(false).await.unwrap().bounds.len(), 2);
}

#[tokio::test]
async fn what_names_people_is_compared_with_what_does_not_and_must_name_them() {
    let load = |members, named| Work::Mentions { members, named, senders: 2, listeners: 3, turns: 1 };
    let report = measured(Fault::None, load(12, 5)).await;
    assert!(report.clean() && report.sent > 10 && report.bounds.len() == 2, "{report}");
    assert!(report.bounds.iter().all(|bound| bound.measured > 0.0 && bound.most == 2.0), "{report}");
    for (fault, named, told) in [(Fault::None, 11, "of 12 members"), (Fault::Forget, 5, "names 0 people, not 5")] {
        let common = Common { url: vec![serve(fault).await], secret: "a secret".into(), ..Common::default() };
        let error = super::work(&Args { common, work: load(12, named) }).await.unwrap_err();
        assert!(error.to_string().contains(told), "{error}");
    }
}
