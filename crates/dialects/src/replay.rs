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
//! | `= {…}` | what it is answered: see [`nouns::script`] |
//! | `! {…}` | something happened: an event, a signal, a catch-up, an event about a hidden message, a run of joins and leaves, a refusal outside of a command |
//! | `< {…}` | a frame goes out; of an event: to every listener |
//! | `<others {…}` | all but the connection that caused the event get this frame |
//! | `<! {…}` | a frame goes out and counts against the connection |
//! | `> PUT /path pieces` | the same with a body that comes when it is asked for |
//! | `< 201 {…}` | a request is answered; with ` @name:value` for each header and the media type of what is not JSON |
//!
//! JSON is compared by value. A step without `<` ends in silence. To write down what is said now, run the
//! tests with `REWRITE_TRANSCRIPTS=1`, and read the difference before keeping it.

mod kept;
pub(crate) mod nouns;
mod pictures;
mod pushes;
mod reached;
mod trial;

use std::{
    collections::VecDeque,
    fs,
    path::{Path, PathBuf},
};

use chat::{
    Command, ConversationId, Error, Millis, Number, SessionId, UserId, Visit,
    accounts::{ServerRole, Speaker},
    members::Turnover,
    messages::Submission,
};
use serde_json::{Value, json};

use self::{
    kept::{file, thumbnail, upload},
    nouns::{
        STATISTICS, account_changes, account_event, all_statistics, caught_up, error, event, piece, place, script,
        sent, server, signal, visited, welcome,
    },
};
use crate::{
    Dialect, Resume, Step,
    rest::{Body, Call, FormValue, JSON, Request, RestAnswer},
};

/// 2025-01-01T12:00:00Z, the time of everything in a transcript.
const NOON: Millis = Millis(1_735_732_800_000);

/// The transcripts of a dialect are in its folder, which may be inside another's.
fn transcripts(dialect: Dialect) -> PathBuf {
    let places = [dialect.name.to_owned(), dialect.name.replacen('_', "/", 1)];
    let mut folders = places.map(|place| Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(place)).into_iter();
    let folder = folders.find(|folder| folder.is_dir()).unwrap_or_else(|| panic!("{} has no folder", dialect.name));
    folder.join("transcripts")
}

/// Plays every transcript of a dialect and compares the result.
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

/// Plays a transcript's incoming lines, and returns the transcript with the present output.
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

/// `(deep)` and `(long)` stand for input that is too large to be written down.
fn expand(incoming: &str) -> String {
    incoming.replace("(deep)", &"[".repeat(60_000)).replace("(long)", &"x".repeat(60_000))
}

/// The speaker in the dialects' tests, unless a test names another.
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

/// Drives a step to its end.
fn drive(mut step: Step, script: &mut VecDeque<&str>, said: &mut String) {
    loop {
        step = match step {
            Step::Say(frames) => return frames.iter().for_each(|frame| line(said, "<", frame)),
            Step::Refuse(frames) => return frames.iter().for_each(|frame| line(said, "<!", frame)),
            Step::Do(command, then) => then(answer(&describe(&command), script, said).map(self::script)),
            Step::Ask(query, then) => then(answer(&format!("{query:?}"), script, said).map(self::script)),
            Step::Send(submission, then) => {
                let sent =
                    answer(&format!("Send {}", shown(&submission)), script, said).map(|value| sent(&value["sent"]));
                return then(sent).iter().for_each(|frame| line(said, "<", frame));
            }
            Step::Visit(visit, then) => {
                then(answer(&describe_visit(&visit), script, said).map(|value| visited(&value)))
            }
            Step::Piece(then) => then(answer("Piece", script, said).map(|value| piece(&value))),
            Step::Receive(new, then) => {
                then(answer(&format!("Receive {new:?}"), script, said).map(|value| file(&value["file"])))
            }
            Step::OpenPicture(id, then) => {
                then(answer(&format!("OpenPicture {id}"), script, said).map(|value| file(&value["file"])))
            }
            Step::Open(id, then) => then(answer(&format!("Open {id}"), script, said).map(|value| file(&value["file"]))),
            Step::OpenThumbnail(id, size, then) => {
                let opened = answer(&format!("Open {id} {}", size.name()), script, said);
                then(opened.map(|value| thumbnail(&value["thumbnail"])))
            }
            Step::Append { upload: id, offset, checksum, then } => {
                let checksum = checksum.map(|one| format!(" {} {:02x?}", one.algorithm.name(), one.value));
                let asked = format!("Append {id} {offset}{}", checksum.unwrap_or_default());
                then(answer(&asked, script, said).map(|value| upload(&value["upload"])))
            }
            Step::FilesCookie(then) => {
                then(answer("FilesCookie", script, said).map(|value| value["cookie"].as_str().unwrap().to_owned()))
            }
            Step::OpenPush(ticket, then) => then(answer(&format!("OpenPush {ticket}"), script, said).map(self::script)),
            Step::LogOut(then) => then(answer("LogOut", script, said).map(|_| ())),
            Step::Authenticate(token, Resume { epoch, account, feature_level, cursors }, then) => {
                let epoch = epoch.map(|epoch| format!(" of {epoch}")).unwrap_or_default();
                let account = account.map(|number| format!(" account {number}")).unwrap_or_default();
                let level = if feature_level > 0 { format!(" level {feature_level}") } else { String::new() };
                let asked = format!("Authenticate {token:?} {cursors:?}{account}{epoch}{level}");
                then(answer(&asked, script, said).map(|value| welcome(&value["welcome"])))
            }
            Step::Server(then) => then(answer("Server", script, said).map(|_| server())),
            Step::Statistics(then) => then(answer("Statistics", script, said).map(|_| STATISTICS)),
            Step::AllStatistics(then) => then(answer("AllStatistics", script, said).map(|_| all_statistics())),
            Step::Now(then) => then(answer("Now", script, said).map(|_| NOON)),
            Step::Tune { conversation, hears, then } => {
                then(answer(&format!("Tune {conversation} {hears}"), script, said).map(|_| ()))
            }
        };
    }
}

/// Writes down a question, and takes the scripted answer.
fn answer(asked: &str, script: &mut VecDeque<&str>, said: &mut String) -> Result<Value, Error> {
    line(said, "?", &without_usual(asked));
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

/// A query, without the fields that most leave as they are.
fn without_usual(asked: &str) -> String {
    const USUAL: [&str; 3] = [", target: Unaware", " view: All,", ", thread: None"];
    USUAL.iter().fold(asked.to_owned(), |asked, usual| asked.replace(usual, ""))
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
    let outcome = called.and_then(|Call { step, pending }| {
        drive(step, script, said);
        pending.outcome()
    });
    let answered = outcome.map_or_else(
        |error| {
            let refusal = (dialect.problem)(&error, Some("r1"));
            format!("{} {}", refusal.status, refusal.body)
        },
        |answer| describe_answer(&answer),
    );
    line(said, "<", answered.trim_end());
}

fn describe_answer(answer: &RestAnswer) -> String {
    let headers: String = answer.headers.iter().map(|(name, value)| format!(" @{name}:{value}")).collect();
    let content = answer.content.as_ref().map(|content| {
        let text = String::from_utf8_lossy(&content.bytes);
        if content.media_type == JSON { text.into_owned() } else { format!("{} {text}", content.media_type) }
    });
    let stored = answer.stored.as_ref().map(|part| format!("bytes {} to {} of the file", part.start, part.end));
    format!("{}{headers} {}", answer.status, content.or(stored).unwrap_or_default())
}

/// Parses the body of a request in a transcript.
fn body_of(text: &str) -> Body {
    if text == "pieces" {
        return Body::Pieces;
    }
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
    } else if happened["account_event"].is_string() {
        let event = account_event(happened);
        (dialect.account)(Some(&place), &event).iter().for_each(|text| line(said, "<", text));
    } else if happened["account_caught_up"].is_object() {
        let changes = account_changes(&happened["account_caught_up"]);
        (dialect.account_caught_up)(&changes).iter().for_each(|text| line(said, "<", text));
    } else if let Some(to) = happened["turnover"]["to"].as_i64() {
        let of = |field: &str| happened["turnover"][field].as_i64().unwrap_or_default();
        let turnover = Turnover { from: Number(of("from")), to: Number(to), member_count: of("member_count") };
        (dialect.turnover)(ConversationId(12), &turnover).iter().for_each(|text| line(said, "<", text));
    } else if let Some(number) = happened["hidden"].as_i64() {
        (dialect.hidden)(ConversationId(12), Number(number)).iter().for_each(|text| line(said, "<", text));
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

/// Describes a send, without what nearly all have alike.
fn shown(submission: &Submission) -> String {
    let text = format!("{submission:?}");
    [", reach: Unasked", ", reach: Agreed(0)"].iter().fold(text, |text, usual| text.replace(usual, ""))
}

/// Describes a command. Commands have no `Debug`, because two of them contain passwords.
fn describe(command: &Command) -> String {
    match command {
        Command::SendMessage(submission) => format!("Send {}", shown(submission)),
        Command::EditMessage { conversation, seq, text } => format!("EditMessage {conversation} {seq} {text:?}"),
        Command::DeleteMessage { conversation, seq } => format!("DeleteMessage {conversation} {seq}"),
        Command::AddReaction { conversation, seq, emoji } => format!("AddReaction {conversation} {seq} {emoji}"),
        Command::RemoveReaction { conversation, seq, emoji } => format!("RemoveReaction {conversation} {seq} {emoji}"),
        Command::ReadAll => "ReadAll".to_owned(),
        Command::MarkUnread { conversation, seq } => format!("MarkUnread {conversation} {seq}"),
        Command::SetConversationNotifications { conversation, level, muted_until } => {
            format!("SetConversationNotifications {conversation} {level:?} {muted_until:?}")
        }
        Command::SetNotifications(change) => format!("SetNotifications {change:?}"),
        Command::ShowActivity => "ShowActivity".to_owned(),
        Command::FollowThread { key, follows } => format!("FollowThread {key:?} {follows}"),
        Command::SetThreadNotifications { key, level } => format!("SetThreadNotifications {key:?} {level:?}"),
        Command::ReadThread { key, seq } => format!("ReadThread {key:?} {seq}"),
        Command::CreateReminder { conversation, seq, at } => format!("CreateReminder {conversation} {seq} {}", at.0),
        Command::ReadInbox(reading) => format!("ReadInbox {reading:?}"),
        Command::CreateUserGroup { name, people } => format!("CreateUserGroup {name:?} {people:?}"),
        Command::RenameUserGroup { group, name } => format!("RenameUserGroup {group} {name:?}"),
        Command::DeleteUserGroup(group) => format!("DeleteUserGroup {group}"),
        Command::AddToUserGroup { group, people } => format!("AddToUserGroup {group} {people:?}"),
        Command::RemoveFromUserGroup { group, people } => format!("RemoveFromUserGroup {group} {people:?}"),
        Command::CancelReminder(reminder) => format!("CancelReminder {reminder}"),
        Command::RemovePreview { conversation, seq } => format!("RemovePreview {conversation} {seq}"),
        Command::SetVoice { file, voice } => format!("SetVoice {file} {voice:?}"),
        Command::SetAvatar { of, picture } => format!("SetAvatar {of:?} {picture:?}"),
        Command::AddEmoji { name, picture } => format!("AddEmoji {name:?} {picture}"),
        Command::RemoveEmoji(name) => format!("RemoveEmoji {name:?}"),
        Command::RemoveFile(file) => format!("RemoveFile {file}"),
        Command::BeginUpload(new) => format!("BeginUpload {new:?}"),
        Command::CheckUpload(upload) => format!("CheckUpload {upload}"),
        Command::RemoveUpload(upload) => format!("RemoveUpload {upload}"),
        Command::AddPushDevice(new) => format!("{new:?}"),
        Command::RemovePushDevice(device) => format!("RemovePushDevice {device}"),
        Command::SaveMessage { conversation, seq } => format!("SaveMessage {conversation} {seq}"),
        Command::UnsaveMessage { conversation, seq } => format!("UnsaveMessage {conversation} {seq}"),
        Command::MoveMarker { conversation, marker, seq } => format!("MoveMarker {conversation} {marker:?} {seq}"),
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
        Command::UpdateConversation { conversation, name, topic, visibility, edit_history, previews } => {
            let kept = edit_history.map(|kept| format!(" edit_history {kept}")).unwrap_or_default();
            format!("UpdateConversation {conversation} {name:?} {topic:?} {visibility:?}{kept} {previews:?}")
        }
        Command::SaveDraft { key, text, parent, since } => format!("SaveDraft {key:?} {text:?} {parent:?} {since}"),
        Command::DiscardDraft(key) => format!("DiscardDraft {key:?}"),
        Command::UpdateProfile(change) => format!("UpdateProfile {change:?}"),
        Command::ChangePassword { current, new } => format!("ChangePassword {current:?} {new:?}"),
        Command::ChangeEmail { current, email } => format!("ChangeEmail {current:?} {email:?}"),
        Command::EndSession(session) => format!("EndSession {session}"),
        Command::SetServerRole { user, role } => format!("SetServerRole {user} {role:?}"),
        Command::SetActive { user, active } => format!("SetActive {user} {active}"),
        Command::SetPresence(presence) => format!("SetPresence {presence:?}"),
        Command::SetPresenceHere(presence) => format!("SetPresenceHere {presence:?}"),
        Command::Typing { conversation, thread, typing } => {
            let thread = thread.map(|root| format!(" in {root}")).unwrap_or_default();
            format!("Typing {conversation}{thread} {typing}")
        }
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
