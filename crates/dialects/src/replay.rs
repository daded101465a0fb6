//! Plays transcripts: conversations between a client, a dialect and a scripted server, without sockets.
//!
//! | line | meaning |
//! |---|---|
//! | `# …` | a remark |
//! | `as 3 ann user` | who is speaking from here on; `as nobody` for a connection without a credential |
//! | `> {…}` | a frame comes in |
//! | `> POST /path?query {…} @name:value` | a request comes in; each ` @name:value` at the end is a header |
//! | `> POST /path form a=b&file=@` | the same with the fields of a form; `@` stands for a file |
//! | `? …` | what the dialect wants done or asks |
//! | `= {…}` | what it is answered: see [`script`] |
//! | `! {…}` | something happened: an event, a signal, a catch-up, a refusal outside of a command |
//! | `< {…}` | a frame goes out; of an event: to every listener |
//! | `<others {…}` | the event is told to all but the connection that caused it |
//! | `<! {…}` | a frame goes out and counts against the connection |
//! | `< 201 {…}` | a request is answered |
//!
//! JSON is compared by value. A turn without `<` ends in silence. To write down what is said now, run the
//! tests with `REWRITE_TRANSCRIPTS=1`, and read the difference before keeping it.

use std::{collections::VecDeque, fs, path::Path};

use chat::{
    ClientId, Command, ConversationId, Error, ErrorCode, Event, Fact, Limits, MessageId, Millis, Number, Reply,
    SessionId, Signal, UserId, Visit,
    accounts::{Account, Profile, ServerRole, Speaker},
    conversations::{Conversation, Kind, Listed, Peer, Place, Visibility},
    figures::Kept,
    members::{Departure, Member, Role},
    messages::{Message, MessageType, Page, Sent},
    presence::{Presence, Seen},
    query::ListPosition,
    reactions::Reaction,
    receipts::Markers,
    reply::CaughtUp,
    sessions::{Session, Tokens},
};
use serde_json::{Value, json};

use crate::{
    AllFigures, Dialect, Figures, Resume, ServerInfo, Turn, Welcome,
    rest::{Body, Call, FormValue, Request},
};

/// 2025-01-01T12:00:00Z, the moment of everything in a transcript.
const NOON: Millis = Millis(1_735_732_800_000);

/// The transcripts of a dialect are in its folder, which may be one in another's.
fn transcripts(dialect: Dialect) -> PathBuf {
    let places = [dialect.name.to_owned(), dialect.name.replacen('_', "/", 1)];
    let mut folders = places.map(|place| Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(place)).into_iter();
    let folder = folders.find(|folder| folder.is_dir()).unwrap_or_else(|| panic!("{} has no folder", dialect.name));
    folder.join("transcripts")
}

/// Plays every transcript of a dialect and compares.
fn play_all(dialect: Dialect) {
    let folder = transcripts(dialect);
    let mut played = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let written = fs::read_to_string(&path).unwrap();
        let said = play(dialect, &written);
        if std::env::var_os("REWRITE_TRANSCRIPTS").is_some() {
            fs::write(&path, &said).unwrap();
        } else if let Some(difference) = difference(&written, &said) {
            panic!("{}: {difference}", path.display());
        }
        played += 1;
    }
    assert!(played > 0, "no transcripts in {}", folder.display());
}

#[test]
fn the_transcripts_of_every_dialect_hold() {
    for dialect in Dialect::all() {
        play_all(dialect);
    }
}

#[test]
fn a_transcript_that_is_wrong_is_noticed() {
    let right = "> {\"id\":\"1\",\"type\":\"ping\"}\n< {\"type\":\"pong\",\"re\":\"1\",\"data\":{}}\n";
    assert_eq!(difference(right, &play(Dialect::NATIVE, right)), None);
    for wrong in [
        right.replace("pong", "gnop"),
        right.replace("\"data\":{}", "\"data\":null"),
        right.lines().next().unwrap().to_owned(),
        format!("{right}< {{}}\n"),
        right.replace("< ", "<! "),
    ] {
        assert!(difference(&wrong, &play(Dialect::NATIVE, &wrong)).is_some(), "{wrong}");
    }
}

/// The first line at which two transcripts differ.
fn difference(written: &str, said: &str) -> Option<String> {
    let lines = |text: &str| -> Vec<String> {
        text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned).collect()
    };
    let (written, said) = (lines(written), lines(said));
    for index in 0..written.len().max(said.len()) {
        let (one, other) = (written.get(index), said.get(index));
        let equal = match (one, other) {
            (Some(one), Some(other)) => one == other || (one.starts_with('<') && same_frame(one, other)),
            _ => false,
        };
        if !equal {
            let show = |line: Option<&String>| line.cloned().unwrap_or_else(|| "(nothing)".into());
            return Some(format!("\n  written: {}\n  said:    {}", show(one), show(other)));
        }
    }
    None
}

fn same_frame(one: &str, other: &str) -> bool {
    let split = |line: &str| {
        let (mark, json) = line.split_at(line.find(['{', '[']).unwrap_or(line.len()));
        (mark.trim_end().to_owned(), serde_json::from_str::<Value>(json).ok())
    };
    split(one) == split(other)
}

/// Plays a transcript's incoming lines, and writes it as it now is.
fn play(dialect: Dialect, transcript: &str) -> String {
    let mut said = String::new();
    let mut speaker = Some(ann());
    let mut lines: VecDeque<&str> =
        transcript.lines().filter(|line| !line.starts_with('?') && !line.starts_with('<')).collect();
    while let Some(line) = lines.pop_front() {
        said.push_str(line);
        said.push('\n');
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(who) = line.strip_prefix("as ") {
            let words: Vec<&str> = who.split(' ').collect();
            speaker = match words[..] {
                ["nobody"] => None,
                [id, name, role] => {
                    Some(self::speaker(id.parse().unwrap(), name, ServerRole::from_name(role).unwrap()))
                }
                _ => panic!("not a speaker: {line}"),
            };
        } else if let Some(happened) = line.strip_prefix("! ") {
            tell(dialect, &serde_json::from_str(happened).unwrap_or_else(|e| panic!("{line}: {e}")), &mut said);
        } else if let Some(incoming) = line.strip_prefix("> ") {
            if incoming.starts_with(|first: char| first.is_ascii_uppercase()) {
                request(dialect, speaker.as_ref(), incoming, &mut lines, &mut said);
            } else {
                let incoming = expand(incoming);
                drive((dialect.decode)(speaker.as_ref(), &incoming), &mut lines, &mut said);
            }
        } else {
            panic!("nobody waits for this: {line}");
        }
    }
    said
}

/// `(deep)` and `(long)` stand for what is too large to be written down.
fn expand(incoming: &str) -> String {
    incoming.replace("(deep)", &"[".repeat(60_000)).replace("(long)", &"x".repeat(60_000))
}

/// Whoever speaks in the dialects' tests where nobody else does.
pub(crate) fn ann() -> Speaker {
    speaker(3, "ann", ServerRole::User)
}

fn speaker(id: i64, name: &str, role: ServerRole) -> Speaker {
    let shown_name = name.chars().take(1).flat_map(char::to_uppercase).chain(name.chars().skip(1)).collect();
    Speaker { user: UserId(id), username: name.into(), shown_name, role, session: Some(SessionId(7)) }
}

fn line(said: &mut String, mark: &str, text: &str) {
    said.push_str(mark);
    said.push(' ');
    said.push_str(&text.replace(&"x".repeat(60_000), "(long)"));
    said.push('\n');
}

/// Drives a turn to its end.
fn drive(mut turn: Turn, script: &mut VecDeque<&str>, said: &mut String) {
    loop {
        turn = match turn {
            Turn::Say(frames) => return frames.iter().for_each(|frame| line(said, "<", frame)),
            Turn::Refuse(frames) => return frames.iter().for_each(|frame| line(said, "<!", frame)),
            Turn::Do(command, then) => then(answer(&describe(&command), script, said).map(self::script)),
            Turn::Ask(query, then) => then(answer(&format!("{query:?}"), script, said).map(self::script)),
            Turn::Send(draft, then) => {
                let sent = answer(&format!("Send {draft:?}"), script, said).map(|value| sent(&value["sent"]));
                return then(sent).iter().for_each(|frame| line(said, "<", frame));
            }
            Turn::Visit(visit, then) => {
                then(answer(&describe_visit(&visit), script, said).map(|value| tokens(&value["tokens"])))
            }
            Turn::LogOut(then) => then(answer("LogOut", script, said).map(|_| ())),
            Turn::Authenticate(token, Resume { epoch, cursors }, then) => {
                let epoch = epoch.map(|epoch| format!(" of {epoch}")).unwrap_or_default();
                let asked = format!("Authenticate {token:?} {cursors:?}{epoch}");
                then(answer(&asked, script, said).map(|value| welcome(&value["welcome"])))
            }
            Turn::Server(then) => then(answer("Server", script, said).map(|_| server())),
            Turn::Figures(then) => then(answer("Figures", script, said).map(|_| FIGURES)),
            Turn::AllFigures(then) => then(answer("AllFigures", script, said).map(|_| all_figures())),
            Turn::Now(then) => then(answer("Now", script, said).map(|_| NOON)),
            Turn::Tune { conversation, hears, then } => {
                then(answer(&format!("Tune {conversation} {hears}"), script, said).map(|_| ()))
            }
        };
    }
}

/// Writes down what is asked, and takes the scripted answer.
fn answer(asked: &str, script: &mut VecDeque<&str>, said: &mut String) -> Result<Value, Error> {
    line(said, "?", asked);
    let scripted = script.pop_front().filter(|next| next.starts_with("= "));
    let scripted = scripted.unwrap_or_else(|| panic!("nothing is scripted as the answer to {asked}"));
    said.push_str(scripted);
    said.push('\n');
    let value: Value = serde_json::from_str(&scripted[2..]).unwrap_or_else(|e| panic!("{scripted}: {e}"));
    match value.get("error") {
        Some(_) => Err(error(&value)),
        None => Ok(value),
    }
}

fn request(
    dialect: Dialect,
    speaker: Option<&Speaker>,
    incoming: &str,
    script: &mut VecDeque<&str>,
    said: &mut String,
) {
    let mut words = incoming.split(" @");
    let incoming = words.next().unwrap_or_default();
    let headers: Vec<(&str, &str)> = words.map(|header| header.split_once(':').unwrap()).collect();
    let header = |name: &str| headers.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    let mut parts = incoming.splitn(3, ' ');
    let (method, target, body) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap_or_default());
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let body = body_of(body);
    let request = Request { speaker, query, body: &body, header: &header, base: "http://palabre.example" };
    let called: Result<Call, Error> =
        (dialect.route)(method, path).map_err(|misrouted| misrouted.error).and_then(|matched| {
            if let Some(speaker) = speaker.filter(|_| matched.needs_speaker) {
                (dialect.check_headers)(speaker, &header)?;
            }
            (matched.read)(&request)
        });
    let outcome = called.and_then(|Call { turn, pending }| {
        drive(turn, script, said);
        pending.outcome()
    });
    let (status, body) = match outcome {
        Ok(answer) => (answer.status, answer.body.unwrap_or_default()),
        Err(error) => {
            let refusal = (dialect.problem)(&error, Some("r1"));
            (refusal.status, refusal.body)
        }
    };
    line(said, "<", format!("{status} {body}").trim_end());
}

/// The body of a request as it is written in a transcript.
fn body_of(text: &str) -> Body {
    let Some(fields) = text.strip_prefix("form ") else { return Body::Json(expand(text).into_bytes()) };
    let field = |field: &str| match field.split_once('=').unwrap() {
        (name, "@") => (name.to_owned(), FormValue::File),
        (name, value) => (name.to_owned(), FormValue::Text(expand(value))),
    };
    Body::Form(fields.split('&').filter(|field| !field.is_empty()).map(field).collect())
}

fn tell(dialect: Dialect, happened: &Value, said: &mut String) {
    let place = place(&happened["in"]);
    if happened["refusal"].is_string() {
        line(said, "<", &(dialect.refusal)(&error(&json!({ "error": happened["refusal"] }))));
    } else if happened["signal"].is_string() {
        let signal = signal(happened);
        (dialect.signal)(Some(&place), &signal).iter().for_each(|text| line(said, "<", text));
    } else if happened["greeting"] == true {
        (dialect.greeting)(&ann()).iter().for_each(|text| line(said, "<", text));
    } else if happened["caught_up"].is_object() {
        let caught_up = caught_up(&happened["caught_up"]);
        if let Some(text) = (dialect.caught_up)(ConversationId(12), &caught_up) {
            line(said, "<", &text);
        }
    } else {
        let event = event(happened);
        if let Some(text) = (dialect.event)(&place, &event) {
            line(said, if (dialect.echoes)(&place, &event) { "<" } else { "<others" }, &text);
        }
    }
}

/// Commands have no `Debug`, because two of them hold passwords.
fn describe(command: &Command) -> String {
    match command {
        Command::SendMessage(draft) => format!("Send {draft:?}"),
        Command::EditMessage { conversation, seq, text } => format!("EditMessage {conversation} {seq} {text:?}"),
        Command::DeleteMessage { conversation, seq } => format!("DeleteMessage {conversation} {seq}"),
        Command::AddReaction { conversation, seq, emoji } => format!("AddReaction {conversation} {seq} {emoji}"),
        Command::RemoveReaction { conversation, seq, emoji } => format!("RemoveReaction {conversation} {seq} {emoji}"),
        Command::Mark { conversation, marker, seq } => format!("Mark {conversation} {marker:?} {seq}"),
        Command::CreateRoom { name, topic, visibility, client_id } => {
            format!("CreateRoom {name:?} {topic:?} {visibility:?} {client_id:?}")
        }
        Command::CreateGroup { name, members, client_id } => {
            format!("CreateGroup {name:?} {members:?} {client_id:?}")
        }
        Command::OpenDirect { user } => format!("OpenDirect {user}"),
        Command::JoinConversation(conversation) => format!("JoinConversation {conversation}"),
        Command::LeaveConversation(conversation) => format!("LeaveConversation {conversation}"),
        Command::HideConversation(conversation) => format!("HideConversation {conversation}"),
        Command::AddMember { conversation, user } => format!("AddMember {conversation} {user}"),
        Command::RemoveMember { conversation, user } => format!("RemoveMember {conversation} {user}"),
        Command::SetMemberRole { conversation, user, role } => format!("SetMemberRole {conversation} {user} {role:?}"),
        Command::UpdateConversation { conversation, name, topic, visibility } => {
            format!("UpdateConversation {conversation} {name:?} {topic:?} {visibility:?}")
        }
        Command::UpdateProfile(change) => format!("UpdateProfile {change:?}"),
        Command::ChangePassword { current, new } => format!("ChangePassword {current:?} {new:?}"),
        Command::EndSession(session) => format!("EndSession {session}"),
        Command::SetServerRole { user, role } => format!("SetServerRole {user} {role:?}"),
        Command::SetActive { user, active } => format!("SetActive {user} {active}"),
        Command::SetPresence(presence) => format!("SetPresence {presence:?}"),
        Command::Typing { conversation, typing } => format!("Typing {conversation} {typing}"),
    }
}

fn describe_visit(visit: &Visit) -> String {
    match visit {
        Visit::Register(r) => {
            format!("Register {:?} {:?} {:?} {:?} {:?}", r.username, r.password, r.email, r.setup_secret, r.profile)
        }
        Visit::LogIn { name, password } => format!("LogIn {name:?} {password:?}"),
        Visit::Refresh { token } => format!("Refresh {token:?}"),
    }
}

// What follows makes the vocabulary's nouns of short JSON; what is not given has a usual value.

fn int(value: &Value, usual: i64) -> i64 {
    value.as_i64().unwrap_or(usual)
}

fn text(value: &Value, usual: &str) -> String {
    value.as_str().unwrap_or(usual).to_owned()
}

fn optional(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn list<T>(value: &Value, make: impl Fn(&Value) -> T) -> Vec<T> {
    value.as_array().map(|items| items.iter().map(make).collect()).unwrap_or_default()
}

fn error(value: &Value) -> Error {
    let name = value["error"].as_str().unwrap();
    let code = ErrorCode::ALL.iter().find(|code| code.name() == name).unwrap_or_else(|| panic!("no code {name}"));
    Error {
        field: optional(&value["field"]),
        retry_after_ms: value["retry_after_ms"].as_i64(),
        ..Error::new(*code, text(&value["detail"], "Because."))
    }
}

/// A scripted reply: `{"done":true}`, `{"message":{…}}`, `{"conversation":{…}}`, `{"history":[…]}`, …; lists of
/// rooms and such may have a `next`.
fn script(value: Value) -> Reply {
    let next = &value["next"];
    let beside = |key: &str| matches!(key, "next" | "total");
    let (kind, inner) = value.as_object().and_then(|object| object.iter().find(|(key, _)| !beside(key))).unwrap();
    match kind.as_str() {
        "done" => Reply::Done,
        "tokens" => Reply::Tokens(Box::new(tokens(inner))),
        "sent" => Reply::Sent(sent(inner)),
        "message" => Reply::Message(Box::new(message(inner))),
        "conversation" => Reply::Conversation(Box::new(listed(inner))),
        "member" => Reply::Member(member(inner)),
        "account" => Reply::Account(Box::new(account(inner))),
        "user" => Reply::User(Box::new(account(inner))),
        "users" => Reply::Users { users: list(inner, account), next: next.as_i64().map(UserId) },
        "accounts" => Reply::Accounts { accounts: list(inner, account), next: next.as_i64().map(UserId) },
        "sessions" => Reply::Sessions(list(inner, |session| Session {
            id: SessionId(int(session, 7)),
            created_at: NOON,
            used_at: NOON.plus(1_500),
            expires_at: NOON.plus(86_400_000),
            agent: Some("curl".into()),
            address: None,
        })),
        "conversations" => Reply::Conversations {
            conversations: list(inner, listed),
            next: next.as_array().map(|at| ListPosition {
                active_at: at[0].as_i64(),
                conversation: ConversationId(int(&at[1], 0)),
                horizon: int(at.get(2).unwrap_or(&Value::Null), ListPosition::NO_HORIZON),
                listed: at.iter().skip(3).map(|id| ConversationId(int(id, 0))).collect(),
            }),
        },
        "rooms" => Reply::Rooms {
            rooms: list(inner, |room| (conversation(room), room["member"] == true)),
            next: optional(next),
        },
        "members" => Reply::Members { members: list(inner, member), next: next.as_i64().map(UserId) },
        "markers" => Reply::Markers(list(inner, markers)),
        "marked" => Reply::Marked(markers(inner)),
        "history" => Reply::History(Page {
            messages: list(&inner["messages"], message),
            has_more_before: inner["before"] == true,
            has_more_after: inner["after"] == true,
            head: Number(int(&inner["head"], 44)),
        }),
        "timeline" => Reply::Timeline { messages: list(inner, message), total: int(&value["total"], 0) },
        "caught_up" => Reply::CaughtUp(Box::new(caught_up(inner))),
        "presence" => Reply::Presence(list(inner, |one| (UserId(int(&one[0], 3)), seen(&one[1])))),
        other => panic!("no reply is called {other}"),
    }
}

fn seen(value: &Value) -> Seen {
    let presence = Presence::from_name(value.as_str().unwrap()).unwrap();
    Seen { presence, last_seen_at: (presence == Presence::Offline).then_some(NOON) }
}

fn sent(value: &Value) -> Sent {
    Sent {
        conversation: ConversationId(int(&value["conversation"], 12)),
        seq: Number(int(&value["seq"], 42)),
        id: MessageId(int(&value["id"], 100)),
        client_id: value["client_id"].as_str().map(|id| ClientId::parse(id).unwrap()),
        created_at: NOON,
        repeated: value["repeated"] == true,
    }
}

/// `{"id","seq","by":[id,name,shown name,role],"type","text","parent","edited","reactions":[[emoji,[ids]]]}`;
/// `"text":null` is a tombstone.
fn message(value: &Value) -> Message {
    let seq = int(&value["seq"], 42);
    let deleted = value.get("text").is_some_and(Value::is_null);
    Message {
        id: MessageId(int(&value["id"], 100)),
        conversation: ConversationId(int(&value["conversation"], 12)),
        seq: Number(seq),
        rev: Number(int(&value["rev"], seq)),
        author: UserId(int(&value["by"][0], 3)),
        author_name: text(&value["by"][1], "ann"),
        author_shown_name: text(&value["by"][2], "Ann Onyme"),
        author_role: ServerRole::from_name(&text(&value["by"][3], "user")).unwrap(),
        message_type: MessageType::from_name(&text(&value["type"], "text")).unwrap(),
        client_id: value["client_id"].as_str().map(|id| ClientId::parse(id).unwrap()),
        text: (!deleted).then(|| text(&value["text"], "Bonjour")),
        parent: value["parent"].as_i64().map(Number),
        created_at: NOON,
        edited_at: (value["edited"] == true).then(|| NOON.plus(60_001)),
        deleted_at: deleted.then(|| NOON.plus(60_002)),
        reactions: list(&value["reactions"], |one| Reaction {
            emoji: text(&one[0], "👍"),
            users: list(&one[1], |id| UserId(int(id, 3))),
        }),
    }
}

/// `{"id","kind","name","private","topic","pair":[a,b]}`.
fn conversation(value: &Value) -> Conversation {
    let place = place(value);
    let private = place.kind != Kind::Room || value["private"] == true;
    Conversation {
        id: ConversationId(int(&value["id"], 12)),
        kind: place.kind,
        visibility: if private { Visibility::Private } else { Visibility::Public },
        name: place.name,
        topic: optional(&value["topic"]),
        created_by: UserId(1),
        created_at: NOON,
        head: Number(int(&value["head"], 44)),
        rev: Number(1),
        member_count: 2,
        pair: place.pair,
    }
}

fn place(value: &Value) -> Place {
    let kind = Kind::from_name(&text(&value["kind"], "room")).unwrap();
    let pair = value["pair"].as_array().map(|pair| (UserId(int(&pair[0], 1)), UserId(int(&pair[1], 3))));
    let name = (kind == Kind::Room).then(|| text(&value["name"], "general")).or_else(|| optional(&value["name"]));
    Place { kind, name, pair }
}

fn listed(value: &Value) -> Listed {
    Listed {
        conversation: conversation(value),
        role: Role::from_name(&text(&value["role"], "member")).unwrap(),
        read_seq: Number(int(&value["read"], 40)),
        unread: int(&value["unread"], 2),
        last_message: value.get("last").map(message),
        peer: value.get("peer").map(|peer| Peer {
            user: UserId(int(&peer[0], 1)),
            username: text(&peer[1], "bob"),
            shown_name: shown_name(&text(&peer[1], "bob"), &peer[2], &peer[3]),
            display_name: None,
            first_name: optional(&peer[2]),
            last_name: optional(&peer[3]),
            presence: Presence::Online,
        }),
    }
}

/// First and last name if there are any, else the username.
fn shown_name(username: &str, first: &Value, last: &Value) -> String {
    let full = [first, last].map(|name| text(name, "")).join(" ");
    if full.trim().is_empty() { username.to_owned() } else { full.trim().to_owned() }
}

fn member(value: &Value) -> Member {
    Member {
        user: UserId(int(&value["user"][0], 3)),
        username: text(&value["user"][1], "ann"),
        shown_name: text(&value["user"][2], "Ann Onyme"),
        role: Role::from_name(&text(&value["role"], "left")),
        rev: Number(int(&value["rev"], 42)),
        joined_at: NOON,
    }
}

fn markers(value: &Value) -> Markers {
    Markers {
        user: UserId(int(&value["user"], 3)),
        read_seq: Number(int(&value["read"], 40)),
        delivered_seq: Number(int(&value["delivered"], 41)),
        read_at: value["read_at"].as_i64().map(|ms| NOON.plus(ms)),
    }
}

fn account(value: &Value) -> Account {
    Account {
        id: UserId(int(&value["id"], 3)),
        username: text(&value["name"], "ann"),
        email: optional(&value["email"]),
        role: ServerRole::User,
        active: value["active"] != false,
        profile: Profile {
            display_name: optional(&value["display_name"]),
            first_name: optional(&value["first_name"]),
            last_name: optional(&value["last_name"]),
            birth_date: optional(&value["birth_date"]),
            ..Profile::default()
        },
        created_at: NOON,
        last_seen_at: None,
    }
}

fn tokens(value: &Value) -> Tokens {
    Tokens {
        access_token: "eyJ".into(),
        expires_in: 3_600,
        refresh_token: "r-2".into(),
        session: SessionId(7),
        account: account(value),
    }
}

const FIGURES: Figures = Figures {
    connections: 5,
    people_here: 3,
    messages: 1_234,
    conversations: 17,
    uptime_seconds: 3_600,
    active_at: Some(NOON),
};

fn all_figures() -> AllFigures {
    let kept = Kept {
        accounts: 9,
        rooms: 8,
        groups: 5,
        directs: 4,
        messages: 1_234,
        messages_sent: 34,
        storage_bytes: 1_048_576,
    };
    let (connections, people_here, deliveries, uptime_seconds) = (5, 3, 99, 3_600);
    AllFigures { connections, people_here, deliveries, uptime_seconds, version: "0.1.0".into(), kept }
}

fn server() -> ServerInfo {
    ServerInfo {
        name: "Palabre".into(),
        version: "0.1.0".into(),
        epoch: "c0ffee".into(),
        limits: Limits::default(),
        open_registration: true,
        needs_administrator: false,
        playground: false,
    }
}

fn welcome(value: &Value) -> Welcome {
    Welcome {
        account: account(value),
        speaker: ann(),
        server: server(),
        conversations: vec![(ConversationId(12), Number(44)), (ConversationId(15), Number(3))],
    }
}

fn caught_up(value: &Value) -> CaughtUp {
    CaughtUp {
        from: Number(int(&value["from"], 40)),
        to: Number(int(&value["to"], 44)),
        conversation: conversation(&value["conversation"]),
        members: list(&value["members"], member),
        messages: list(&value["messages"], message),
        reset: value["reset"] == true,
        more: value["more"] == true,
    }
}

fn event(value: &Value) -> Event {
    let message = || message(&value["message"]);
    let user = UserId(int(&value["user"], 3));
    let emoji = text(&value["emoji"], "👍");
    let departure = if value["reason"] == "removed" { Departure::Removed } else { Departure::Left };
    let fact = match value["event"].as_str().unwrap() {
        "message.created" => Fact::MessageCreated(message()),
        "message.edited" => Fact::MessageEdited(message()),
        "message.deleted" => Fact::MessageDeleted(message()),
        "reaction.added" => Fact::ReactionAdded { message: message(), user, emoji },
        "reaction.removed" => Fact::ReactionRemoved { message: message(), user, emoji },
        "member.joined" => Fact::MemberJoined { member: member(&value["member"]), member_count: 3 },
        "member.left" => Fact::MemberLeft { member: member(&value["member"]), departure, member_count: 2 },
        "member.updated" => Fact::MemberUpdated(member(&value["member"])),
        "conversation.created" => Fact::ConversationCreated(conversation(&value["in"])),
        "conversation.updated" => Fact::ConversationUpdated(conversation(&value["in"])),
        other => panic!("no event is called {other}"),
    };
    let number = Number(int(&value["number"], 42));
    Event { conversation: ConversationId(12), number, actor: user, origin: None, at: NOON, fact }
}

fn signal(value: &Value) -> Signal {
    let conversation = ConversationId(12);
    match value["signal"].as_str().unwrap() {
        "conversation.added" => Signal::ConversationAdded(Box::new(listed(&value["in"]))),
        "conversation.removed" => Signal::ConversationRemoved { conversation, departure: Departure::Removed },
        "conversation.hidden" => Signal::ConversationHidden { conversation, at: Number(42) },
        "marker.moved" => Signal::MarkerMoved { conversation, markers: markers(&value["markers"]) },
        "typing" => {
            let (username, shown_name) = ("bob".into(), "Bob Bricoleur".into());
            Signal::Typing { conversation, user: UserId(1), username, shown_name, typing: value["typing"] == true }
        }
        "presence.changed" => Signal::PresenceChanged {
            conversation,
            people: list(&value["people"], |one| (UserId(int(&one[0], 1)), text(&one[1], "bob"), seen(&one[2]))),
        },
        "account.updated" => Signal::ProfileChanged(Box::new(account(&value["account"]))),
        other => panic!("no signal is called {other}"),
    }
}
