//! Makes the vocabulary's nouns of short JSON; what is not given has a usual value.

use chat::{
    AccountEvent, AccountFact, ClientId, ConversationId, Error, ErrorCode, Event, Fact, Limits, MessageId, Number,
    ReminderId, Reply, SessionId, Signal, UserGroupId, UserId,
    accounts::{Account, Profile, ServerRole},
    conversations::{Conversation, InRoom, Kind, Listed, Peer, Place, Visibility},
    drafts::Saved,
    markers::Markers,
    members::{Departure, Member, Role},
    mentions::Reached,
    messages::{Message, MessageType, Page, Sent},
    notifications::NotificationLevel,
    policies::{Ability, Explanation, Grant, Policy, Rights},
    presence::{Presence, Seen},
    query::ListPosition,
    reactions::Reaction,
    reminders::Reminder,
    reply::{AccountChanges, CaughtUp},
    saved::{SavedEntry, SavedMessage},
    search::{Highlight, Hit, Meant, Rank, SearchCursor, Suggestion},
    sessions::{Challenge, Session, Tokens, Visited},
    statistics::Stored,
    threads::{Followed, Following, Summary, ThreadKey, ThreadPosition},
    user_groups::{UserGroupPeople, UserGroups},
};
use serde_json::Value;

use super::{
    NOON, ann,
    kept::{draft, file, link, preview, upload},
    pictures::{emoji, emoji_list, picture},
    pushes::{push_device, push_explained, pushed_message},
    reached::{
        inbox_item, mentions, notification_decision, notification_settings, place_in_inbox, read_state, settings_here,
        user_group, versions,
    },
};
use crate::{AllStatistics, ServerInfo, Statistics, Welcome};

pub(super) fn int(value: &Value, usual: i64) -> i64 {
    value.as_i64().unwrap_or(usual)
}

pub(super) fn text(value: &Value, usual: &str) -> String {
    value.as_str().unwrap_or(usual).to_owned()
}

pub(super) fn optional(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

pub(super) fn list<T>(value: &Value, make: impl Fn(&Value) -> T) -> Vec<T> {
    value.as_array().map(|items| items.iter().map(make).collect()).unwrap_or_default()
}

pub(super) fn error(value: &Value) -> Error {
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
pub(super) fn script(value: Value) -> Reply {
    let next = &value["next"];
    let beside = |key: &str| matches!(key, "next" | "total" | "from");
    let (kind, inner) = value.as_object().and_then(|object| object.iter().find(|(key, _)| !beside(key))).unwrap();
    match kind.as_str() {
        "done" => Reply::Done,
        "tokens" => Reply::Tokens(Box::new(tokens(inner))),
        "sent" => Reply::Sent(sent(inner)),
        "file" => Reply::File(Box::new(file(inner))),
        "link" => Reply::FileLink(Box::new(link(inner))),
        "upload" => Reply::Upload(Box::new(upload(inner))),
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
        "abilities" => Reply::Abilities(Box::new(explanation(inner))),
        "markers" => Reply::Markers(list(inner, markers)),
        "found" => Reply::Found {
            hits: list(inner, |hit| Hit {
                message: message(hit),
                places: hit["highlights"].as_array().into_iter().flatten().map(highlight).collect(),
            }),
            next: next
                .is_array()
                .then(|| search_cursor(next))
                .or_else(|| next.as_i64().map(|id| SearchCursor { before: MessageId(id), below: None })),
        },
        "suggestions" => Reply::Suggestions {
            from: usize::try_from(int(&value["from"], 0)).unwrap(),
            suggestions: list(inner, |one| Suggestion {
                text: one["text"].as_str().unwrap().to_owned(),
                meaning: match (one["user"].is_object(), one["room"].is_object()) {
                    (true, _) => Some(Meant::Person(Box::new(account(&one["user"])))),
                    (_, true) => Some(Meant::Room(Box::new(conversation(&one["room"])))),
                    _ => None,
                },
            }),
        },
        "notifications" => Reply::Notifications(Box::new(notification_settings(inner))),
        "explained" => Reply::NotificationExplained {
            decision: Box::new(notification_decision(inner)),
            pushes: list(&value["pushes"], push_explained),
        },
        "push_device" => Reply::PushDevice(Box::new(push_device(inner))),
        "push_devices" => Reply::PushDevices { devices: list(inner, push_device), key: optional(&value["server_key"]) },
        "pushed_message" => Reply::PushedMessage(Box::new(pushed_message(inner))),
        "thread" => Reply::Thread(following(inner)),
        "threads" => Reply::Threads {
            threads: list(inner, |one| Followed {
                following: following(one),
                unread: int(&one["unread"], 1),
                counted_to: Number(int(&one["counted"], 43)),
                root: message(&one["message"]),
            }),
            next: next.as_i64().map(|last_at| ThreadPosition { last_at, key: following(inner).key }),
        },
        "reminder" => Reply::Reminder(reminder(inner)),
        "reminders" => Reply::Reminders(list(inner, reminder)),
        "saved_message" => Reply::SavedMessage(saved(inner)),
        "saved_messages" => Reply::SavedMessages {
            entries: list(inner, |one| SavedEntry { saved: saved(one), message: one.get("message").map(message) }),
            next: next.as_i64().map(Number),
        },
        "marker" => Reply::Marker(markers(inner)),
        "inbox" => Reply::Inbox {
            items: list(inner, inbox_item),
            next: next.as_str().map(place_in_inbox),
            state: read_state(&value["state"]),
        },
        "inbox_read" => Reply::InboxRead(read_state(inner)),
        "reach" => Reply::Reach(Reached { people: int(inner, 3), must_confirm: true, may_call_everybody: true }),
        "emoji" => Reply::Emoji(emoji(inner)),
        "emoji_list" => Reply::EmojiList(emoji_list(inner)),
        "user_groups" => Reply::UserGroups(UserGroups {
            rev: Number(int(&inner["rev"], 9)),
            groups: inner["groups"].is_array().then(|| list(&inner["groups"], user_group)),
        }),
        "user_group" => Reply::UserGroup(UserGroupPeople {
            group: user_group(inner),
            people: list(&inner["people"], |id| UserId(int(id, 3))),
        }),
        "history" => Reply::History(Page {
            messages: list(&inner["messages"], message),
            has_more_before: inner["before"] == true,
            has_more_after: inner["after"] == true,
            head: Number(int(&inner["head"], 44)),
        }),
        "versions" => Reply::Versions(versions(inner)),
        "timeline" => Reply::Timeline { messages: list(inner, message), total: int(&value["total"], 0) },
        "account_changes" => Reply::AccountChanges(Box::new(account_changes(inner))),
        "draft" => {
            let replaced = inner["replaced"].is_object().then(|| draft(&inner["replaced"]));
            Reply::DraftSaved(Box::new(Saved { draft: draft(inner), replaced }))
        }
        "drafts" => Reply::Drafts(list(inner, draft)),
        "caught_up" => Reply::CaughtUp(Box::new(caught_up(inner))),
        "presence" => Reply::Presence(list(inner, |one| (UserId(int(&one[0], 3)), seen(&one[1])))),
        other => panic!("no reply is called {other}"),
    }
}

fn search_cursor(value: &Value) -> SearchCursor {
    let rank = Rank { score: u32::try_from(int(&value[1], 0)).unwrap(), message: MessageId(int(&value[2], 0)) };
    SearchCursor { before: MessageId(int(&value[0], 0)), below: Some(rank) }
}

fn highlight(value: &Value) -> Highlight {
    let at = |end: usize| usize::try_from(int(&value[end], 0)).unwrap();
    (at(0), at(1))
}

pub(super) fn seen(value: &Value) -> Seen {
    let presence = Presence::from_name(value.as_str().unwrap()).unwrap();
    Seen { presence, last_seen_at: (presence == Presence::Offline).then_some(NOON) }
}

pub(super) fn sent(value: &Value) -> Sent {
    Sent {
        conversation: ConversationId(int(&value["conversation"], 12)),
        seq: Number(int(&value["seq"], 42)),
        id: MessageId(int(&value["id"], 100)),
        client_id: value["client_id"].as_str().map(|id| ClientId::parse(id).unwrap()),
        created_at: NOON,
        repeated: value["repeated"] == true,
    }
}

/// `{"id","seq","by":[id,name,shown name,role],"type","text","parent","thread","also_in_room","summary","edited",
/// "reactions":[[emoji,[ids]]]}`;
/// `"text":null` is a tombstone.
pub(super) fn message(value: &Value) -> Message {
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
        thread: value["thread"].as_i64().map(Number),
        also_in_room: value["also_in_room"] == true,
        summary: value.get("summary").map(|value| Box::new(summary(value))),
        created_at: NOON,
        edited_at: (value["edited"] == true).then(|| NOON.plus(60_001)),
        deleted_at: deleted.then(|| NOON.plus(60_002)),
        files: list(&value["files"], file),
        reactions: list(&value["reactions"], |one| Reaction {
            emoji: text(&one[0], "👍"),
            users: list(&one[1], |id| UserId(int(id, 3))),
        }),
        mentions: mentions(&value["mentions"]),
        preview: value.get("preview").map(|value| Box::new(preview(value))),
    }
}

/// `{"id","kind","name","private","topic","pair":[a,b]}`.
pub(super) fn conversation(value: &Value) -> Conversation {
    let place = place(value);
    let private = place.kind != Kind::Room || value["private"] == true;
    Conversation {
        id: ConversationId(int(&value["id"], 12)),
        kind: place.kind,
        visibility: if private { Visibility::Private } else { Visibility::Public },
        name: place.name,
        topic: optional(&value["topic"]),
        avatar: picture(&value["avatar"]),
        created_by: UserId(1),
        created_at: NOON,
        head: Number(int(&value["head"], 44)),
        rev: Number(1),
        member_count: 2,
        edit_history: value["edit_history"] == true,
        pair: place.pair,
        previews: value["previews"] == true,
    }
}

pub(super) fn place(value: &Value) -> Place {
    let kind = Kind::from_name(&text(&value["kind"], "room")).unwrap();
    let pair = value["pair"].as_array().map(|pair| (UserId(int(&pair[0], 1)), UserId(int(&pair[1], 3))));
    let name = (kind == Kind::Room).then(|| text(&value["name"], "general")).or_else(|| optional(&value["name"]));
    Place { kind, name, pair }
}

pub(super) fn listed(value: &Value) -> Listed {
    Listed {
        conversation: conversation(value),
        role: Role::from_name(&text(&value["role"], "member")).unwrap(),
        visible_from: Number(0),
        read_seq: Number(int(&value["read"], 40)),
        unread: int(&value["unread"], 2),
        unread_for_me: int(&value["for_me"], 1),
        settings: settings_here(&value["settings"]),
        last_message: value.get("last").map(message),
        room: value.get("room").map(|room| {
            Box::new(InRoom { unread: int(&room["unread"], 1), last_message: room.get("last").map(message) })
        }),
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
pub(super) fn shown_name(username: &str, first: &Value, last: &Value) -> String {
    let full = [first, last].map(|name| text(name, "")).join(" ");
    if full.trim().is_empty() { username.to_owned() } else { full.trim().to_owned() }
}

pub(super) fn member(value: &Value) -> Member {
    Member {
        user: UserId(int(&value["user"][0], 3)),
        username: text(&value["user"][1], "ann"),
        shown_name: text(&value["user"][2], "Ann Onyme"),
        role: Role::from_name(&text(&value["role"], "left")),
        rev: Number(int(&value["rev"], 42)),
        joined_at: NOON,
    }
}

fn explanation(value: &Value) -> Explanation {
    let rights = Rights {
        kind: Kind::from_name(&text(&value["kind"], "room")).unwrap(),
        visibility: Visibility::Private,
        members: 2,
        role: Role::from_name(&text(&value["role"], "member")).unwrap(),
        server_role: ServerRole::User,
        policy: Policy::default(),
        grants: list(&value["grants"], |grant| Grant {
            ability: Ability::from_name(&text(&grant["ability"], "post")).unwrap(),
            given: grant["given"].as_bool().unwrap_or_default(),
            ends_at: grant["ends_at"].as_i64().map(|ms| NOON.plus(ms)),
        }),
    };
    Explanation {
        role: rights.role,
        acting_role: rights.acting_role(),
        visible_from: Number(int(&value["visible_from"], 0)),
        decisions: [Ability::Post, Ability::Invite].map(|ability| rights.decide(ability, NOON)).to_vec(),
    }
}

pub(super) fn markers(value: &Value) -> Markers {
    Markers {
        user: UserId(int(&value["user"], 3)),
        read_seq: Number(int(&value["read"], 40)),
        delivered_seq: Number(int(&value["delivered"], 41)),
        read_at: value["read_at"].as_i64().map(|ms| NOON.plus(ms)),
    }
}

pub(super) fn reminder(value: &Value) -> Reminder {
    Reminder {
        id: ReminderId(int(&value["id"], 7)),
        user: UserId(3),
        conversation: ConversationId(int(&value["conversation"], 12)),
        seq: Number(int(&value["seq"], 42)),
        at: NOON.plus(86_400_000),
        created_at: NOON,
        due_at: (value["due"] == true).then(|| NOON.plus(86_400_010)),
        rev: Number(int(&value["rev"], 5)),
    }
}

pub(super) fn saved(value: &Value) -> SavedMessage {
    SavedMessage {
        message: MessageId(int(&value["id"], 7)),
        conversation: ConversationId(int(&value["conversation"], 12)),
        seq: Number(int(&value["seq"], 42)),
        saved_at: NOON,
        rev: Number(int(&value["rev"], 5)),
    }
}

pub(super) fn account(value: &Value) -> Account {
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
        avatar: picture(&value["avatar"]),
        rev: Number(int(&value["rev"], 0)),
        created_at: NOON,
        last_seen_at: None,
    }
}

/// The result of a visit: tokens, or `{"challenge":"…"}`.
pub(super) fn visited(value: &Value) -> Visited {
    if let Some(asks_for) = value["challenge"].as_str() {
        return Visited::Challenge(Challenge { asks_for: asks_for.to_owned(), token: "c-1".into() });
    }
    Visited::In(Box::new(tokens(&value["tokens"])))
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

/// The next piece of a body: `{"piece":"…"}`, or `{"piece":null}` at its end.
pub(super) fn piece(value: &Value) -> Option<Vec<u8>> {
    value["piece"].as_str().map(|text| text.as_bytes().to_vec())
}

pub(super) const STATISTICS: Statistics = Statistics {
    connections: 5,
    people_here: 3,
    messages: 1_234,
    conversations: 17,
    uptime_seconds: 3_600,
    active_at: Some(NOON),
};

pub(super) fn all_statistics() -> AllStatistics {
    let kept = Stored {
        accounts: 9,
        rooms: 8,
        groups: 5,
        directs: 4,
        messages: 1_234,
        messages_sent: 34,
        storage_bytes: 1_048_576,
        files: 7,
        file_bytes: 12_345_678,
        files_infected: 2,
        jobs_waiting: 6,
        jobs_failed: 1,
        search_behind: Some(6),
    };
    let (connections, people_here, deliveries, uptime_seconds) = (5, 3, 99, 3_600);
    AllStatistics { connections, people_here, deliveries, uptime_seconds, version: "0.1.0".into(), kept }
}

pub(super) fn server() -> ServerInfo {
    ServerInfo {
        name: "Palabre".into(),
        version: "0.1.0".into(),
        epoch: "c0ffee".into(),
        limits: Limits::default(),
        open_registration: true,
        needs_administrator: false,
        playground: false,
        previews: true,
        avatar: None,
    }
}

pub(crate) fn welcome(value: &Value) -> Welcome {
    Welcome {
        account: account(value),
        speaker: ann(),
        server: server(),
        account_seq: Number(7),
        conversations: vec![(ConversationId(12), Number(44)), (ConversationId(15), Number(3))],
    }
}

pub(super) fn caught_up(value: &Value) -> CaughtUp {
    CaughtUp {
        from: Number(int(&value["from"], 40)),
        to: Number(int(&value["to"], 44)),
        conversation: conversation(&value["conversation"]),
        members: list(&value["members"], member),
        messages: list(&value["messages"], message),
        threads: list(&value["threads"], summary),
        reset: value["reset"] == true,
        more: value["more"] == true,
    }
}

pub(super) fn event(value: &Value) -> Event {
    let message = || message(&value["message"]);
    let user = UserId(int(&value["user"], 3));
    let emoji = text(&value["emoji"], "👍");
    let departure = if value["reason"] == "removed" { Departure::Removed } else { Departure::Left };
    let fact = match value["event"].as_str().unwrap() {
        "message.created" => Fact::MessageCreated(message()),
        "message.edited" => Fact::MessageEdited(message()),
        "message.deleted" => Fact::MessageDeleted(message()),
        "message.previewed" => Fact::MessagePreviewed(message()),
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
    let thread = value.get("thread").map(|value| Box::new(summary(value)));
    Event { conversation: ConversationId(12), number, actor: user, origin: None, at: NOON, fact, thread }
}

pub(super) fn signal(value: &Value) -> Signal {
    let conversation = ConversationId(12);
    match value["signal"].as_str().unwrap() {
        "user.updated" => Signal::CardChanged { conversation, account: Box::new(account(&value["account"])) },
        "not.a.member" => Signal::NotAMember(conversation),
        "marker.moved" => Signal::MarkerMoved { conversation, markers: markers(&value["markers"]) },
        "typing" => {
            let (username, shown_name) = ("bob".into(), "Bob Bricoleur".into());
            let thread = value["thread"].as_i64().map(Number);
            let typing = value["typing"] == true;
            Signal::Typing { conversation, thread, user: UserId(1), username, shown_name, typing }
        }
        "presence.changed" => Signal::PresenceChanged {
            conversation,
            people: list(&value["people"], |one| (UserId(int(&one[0], 1)), text(&one[1], "bob"), seen(&one[2]))),
        },
        other => panic!("no signal is called {other}"),
    }
}

pub(super) fn account_event(value: &Value) -> AccountEvent {
    let conversation = ConversationId(12);
    let fact = match value["account_event"].as_str().unwrap() {
        "conversation.added" => AccountFact::ConversationAdded(Box::new(listed(&value["in"]))),
        "conversation.removed" => AccountFact::ConversationRemoved { conversation, departure: Departure::Removed },
        "conversation.hidden" => AccountFact::ConversationHidden { conversation, at: Number(42) },
        "account.updated" => AccountFact::ProfileChanged(Box::new(account(&value["account"]))),
        "draft.saved" => AccountFact::DraftSaved(draft(&value["draft"])),
        "conversation.settings" => {
            AccountFact::ConversationSettingsChanged { conversation, settings: settings_here(&value["settings"]) }
        }
        "notifications.changed" => {
            AccountFact::NotificationsChanged(Box::new(notification_settings(&value["notifications"])))
        }
        "reminder.changed" => AccountFact::ReminderChanged(reminder(&value["reminder"])),
        "inbox.read" => AccountFact::InboxRead(read_state(&value["state"])),
        "user_groups.changed" => AccountFact::UserGroupsChanged(list(&value["groups"], |id| UserGroupId(int(id, 4)))),
        "reminder.removed" => AccountFact::ReminderRemoved(reminder(&value["reminder"]).id),
        "thread.followed" => AccountFact::ThreadFollowed(following(&value["thread"])),
        "draft.discarded" => AccountFact::DraftDiscarded(draft(&value["draft"]).key),
        "push_device.added" => AccountFact::PushDeviceAdded(push_device(&value["device"])),
        "push_device.removed" => AccountFact::PushDeviceRemoved(push_device(&value["device"]).id),
        "message.saved" => AccountFact::MessageSaved(saved(&value["saved"])),
        "message.unsaved" => AccountFact::MessageUnsaved { conversation, seq: Number(42) },
        other => panic!("no event of an account is called {other}"),
    };
    let number = Number(int(&value["number"], 7));
    let after = Number(int(&value["after"], number.0 - 1));
    AccountEvent { account: UserId(3), after, number, origin: None, fact }
}

pub(super) fn account_changes(value: &Value) -> AccountChanges {
    let (from, to) = (Number(int(&value["from"], 5)), Number(int(&value["to"], 7)));
    let (reset, more) = (value["reset"] == true, value["more"] == true);
    AccountChanges { from, to, reset, more, events: list(&value["events"], account_event) }
}

/// `{"root","replies","last","by":[ids],"rev"}`.
fn summary(value: &Value) -> Summary {
    let last = Number(int(&value["last"], 44));
    Summary {
        root: Number(int(&value["root"], 40)),
        replies: int(&value["replies"], 1),
        last_seq: Some(last),
        last_at: Some(NOON),
        participants: list(&value["by"], |id| UserId(int(id, 3))),
        rev: Number(int(&value["rev"], last.0)),
    }
}

/// `{"root","follows","read","level","rev"}`.
fn following(value: &Value) -> Following {
    Following {
        key: ThreadKey { conversation: ConversationId(12), root: Number(int(&value["root"], 40)) },
        follows: value["follows"] != false,
        read_seq: Number(int(&value["read"], 41)),
        level: value["level"].as_str().and_then(NotificationLevel::from_name),
        rev: Number(int(&value["rev"], 7)),
    }
}
