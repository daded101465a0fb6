//! The documents' constraints on input fields: lengths, patterns, bounds, and fields that go together.
//!
//! The engine checks it, by the limits in force; whoever reads the documents should not have to find it out by being
//! refused. A test asks a real server about each field, with values on both sides of what is said here
//! (`app/tests/it/forms.rs`), so that the two cannot part.

use chat::{Limits, MAX_SAFE_INTEGER};
use serde_json::{Map, Value, json};

use super::table::Operation;

/// A text without NUL, which no text may hold.
pub(super) const TEXT: &str = "^[^\\u0000]*$";
/// The class of characters that can be seen by themselves: see `docs/protocol/text.md`.
macro_rules! visible {
    () => {
        "[^\\p{White_Space}\\p{Cc}\\p{Cf}\\p{M}\\p{Default_Ignorable_Code_Point}\\u2800]"
    };
}

/// Shown on one line: no control characters, but for blanks at the ends, which are taken off.
const LINE: &str =
    concat!("^\\p{White_Space}*[^\\p{Cc}\\u2028\\u2029]*", visible!(), "[^\\p{Cc}\\u2028\\u2029]*\\p{White_Space}*$");
/// Some lines without control characters.
const LINES: &str = "^(?:[^\\p{Cc}]|[\\t-\\r\\u0085])*$";
/// Something that can be seen.
const WRITTEN: &str = concat!("^[^\\u0000]*", visible!(), "[^\\u0000]*$");
/// One emoji, by the grammar of UTS 51.
const EMOJI: &str = "^(?:[0-9#*][\\ufe0e\\ufe0f]*\\u20e3|[\\u{1f1e6}-\\u{1f1ff}]{2}\
    |[\\p{Extended_Pictographic}\\p{Emoji_Modifier}][\\ufe0e\\ufe0f]*(?:\\p{Emoji_Modifier}|[\\u{e0030}-\\u{e0039}\\u{e0061}-\\u{e007a}]{3,6}\\u{e007f})?[\\ufe0e\\ufe0f]*\
    (?:\\u200d[\\p{Extended_Pictographic}\\p{Emoji_Modifier}][\\ufe0e\\ufe0f]*\\p{Emoji_Modifier}?[\\ufe0e\\ufe0f]*)*)$";
const USERNAME: &str = "^[A-Za-z0-9_-]{3,50}$";
/// The name of a user group: it ends where a text that calls it would end it.
const GROUP_NAME: &str = "^[A-Za-z0-9_][A-Za-z0-9_-]*[A-Za-z0-9_]$";
/// Words that mention everybody of a conversation, and so are nobody's name.
const CALLING: &str =
    "^([Hh][Ee][Rr][Ee]|[Aa][Ll][Ll]|[Rr][Oo][Oo][Mm]|[Ee][Vv][Ee][Rr][Yy][Oo][Nn][Ee]|[Cc][Hh][Aa][Nn][Nn][Ee][Ll])$";
/// The class of characters that no mail address has.
macro_rules! no_mail {
    () => {
        "\\p{White_Space}\\p{Cc}\\p{Default_Ignorable_Code_Point}@"
    };
}
const EMAIL: &str = concat!(
    "^[^",
    no_mail!(),
    "]+@[^",
    no_mail!(),
    ".]([^",
    no_mail!(),
    "]*\\.)+[^",
    no_mail!(),
    "]*[^",
    no_mail!(),
    ".]$"
);
/// The address of a push service; that it is public, and has TLS unless the operator allows it without, no pattern says.
const ADDRESS: &str = "^https?://[^/?#@]+(/|$)";
/// The tag of a language.
const TAG: &str = "^[A-Za-z0-9-]+$";
const DATE: &str = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$";
/// How far a clock is from UTC: at most 18 hours.
const UTC_OFFSET: &str = "^(Z|[+-]((0[0-9]|1[0-7]):[0-5][0-9]|18:00))$";
/// The name of a custom emoji.
const EMOJI_NAME: &str = "^[a-z0-9_]{2,32}$";
/// The pattern of `next_cursor` in lists of people and members.
const PLACE: &str = "^[0-9]{1,15}$";
/// The pattern of `next_cursor` in lists of conversations.
const POSITION: &str = "^[0-9]{0,15}(-[0-9]{1,15})+$";
/// The id of an item of the inbox.
const ITEM: &str = "^[0-9]{1,15}(\\.[0-9]{1,15}){2}$";
/// The pattern of `next_cursor` in lists of threads.
const THREAD_POSITION: &str = "^[0-9]{1,15}-[0-9]{1,15}-[0-9]{1,15}$";
/// The pattern of `next_cursor` in search results: with a hyphen in the order of relevance only.
const SEARCH_PLACE: &str = "^[0-9]{1,15}(-[0-9]{1,10}-[0-9]{1,15})?$";
/// A conversation's id as a key.
const ID: &str = "^[0-9]{1,16}$";
/// Characters of a mail address, and of what accounts are looked for by.
const EMAIL_LENGTH: i64 = 255;

/// Completes the schema of an operation's input.
pub(super) fn complete(operation: &Operation, input: &mut Value, limits: &Limits) {
    if let Some(fields) = input["properties"].as_object_mut() {
        for (field, schema) in fields {
            if let Some(said) = of_field(operation.name, field, limits) {
                put(schema, said);
            }
        }
    }
    let together = together(operation.name);
    if let (Some(input), Some(together)) = (input.as_object_mut(), together.as_object()) {
        input.extend(together.clone());
    }
}

/// The constraints on a field's value; absent where its type says it all.
fn of_field(operation: &str, field: &str, limits: &Limits) -> Option<Value> {
    Some(match (operation, field) {
        ("account.register", "username") => {
            json!({
                "type": "string", "pattern": USERNAME, "minLength": 3, "maxLength": 50, "not": { "pattern": CALLING },
            })
        }
        ("account.register", "password") | ("account.password", "new") => json!({
            "type": "string", "pattern": TEXT, "minLength": 8, "maxLength": 256,
            "description": "8 to 256 characters; one that is easy to guess is refused.",
        }),
        ("account.register" | "account.email", "email") => {
            json!({ "type": "string", "pattern": EMAIL, "maxLength": EMAIL_LENGTH })
        }
        ("user_group.create" | "user_group.rename", "name") => json!({
            "type": "string", "pattern": GROUP_NAME, "minLength": 2, "maxLength": 50, "not": { "pattern": CALLING },
        }),
        ("user_group.create" | "user_group.add" | "user_group.remove", "people") => {
            json!({ "maxItems": limits.user_group_people })
        }
        ("emoji.add", "name") => json!({ "type": "string", "pattern": EMOJI_NAME, "minLength": 2, "maxLength": 32 }),
        ("file.voice", "duration_ms") => {
            json!({ "type": "integer", "format": "int64", "minimum": 1, "maximum": limits.voice_ms })
        }
        ("file.voice", "waveform") => {
            json!({ "minItems": 1, "maxItems": chat::files::BARS, "items": { "type": "integer", "minimum": 0, "maximum": chat::files::HIGHEST } })
        }
        ("inbox.list", "cursor") | ("inbox.read", "all_to") => json!({ "type": "string", "pattern": ITEM }),
        ("inbox.read", "items") => {
            json!({ "maxItems": chat::inbox::SINGLE, "items": { "type": "string", "pattern": ITEM } })
        }
        ("push_device.add", "endpoint") => text(ADDRESS, 1_024),
        ("push_device.add", "language") => text(TAG, 35),
        (_, "birth_date") => json!({ "type": "string", "format": "date", "pattern": DATE }),
        (
            _,
            "display_name" | "first_name" | "last_name" | "profession" | "city" | "language" | "time_zone"
            | "status_message",
        ) => text(LINE, limits.profile_length),
        ("conversation.create" | "conversation.update", "name") => text(LINE, limits.name_length),
        (_, "topic") => json!({ "type": "string", "pattern": LINES, "maxLength": limits.topic_length }),
        (_, "prefix") => json!({ "type": "string", "pattern": TEXT, "maxLength": limits.name_length }),
        (_, "search") => json!({ "type": "string", "pattern": TEXT, "maxLength": EMAIL_LENGTH }),
        ("draft.save", "edit" | "parent" | "thread") => {
            json!({ "type": "integer", "format": "int64", "minimum": 1, "maximum": MAX_SAFE_INTEGER })
        }
        ("message.send", "text") => text(WRITTEN, limits.message_length),
        // The text of a message with files may be taken away.
        ("draft.save" | "message.reach" | "message.edit", "text") => {
            json!({ "type": "string", "pattern": TEXT, "maxLength": limits.message_length })
        }
        ("message.search" | "search.complete", "q") => {
            json!({ "type": "string", "pattern": TEXT, "maxLength": limits.search_length })
        }
        ("message.search", "cursor") => json!({ "type": "string", "pattern": SEARCH_PLACE }),
        ("search.complete", "limit") => limit(8, 20),
        ("message.search", "utc_offset") => json!({ "type": "string", "pattern": UTC_OFFSET }),
        ("message.search", "limit") => limit(20, limits.search_page),
        ("reaction.add", "emoji") => text(EMOJI, limits.emoji_length),
        ("message.history", "limit") => limit(50, limits.history_page),
        (_, "limit") => limit(50, limits.list_page),
        ("thread.list", "cursor") => json!({ "type": "string", "pattern": THREAD_POSITION }),
        ("conversation.list", "cursor") => json!({ "type": "string", "pattern": POSITION }),
        ("room.list", "cursor") => return None,
        (_, "cursor") => json!({ "type": "string", "pattern": PLACE }),
        ("user.list" | "presence.get", "users") => json!({ "maxItems": limits.list_page }),
        ("notifications.set", "keywords") => json!({
            "type": "array", "maxItems": limits.keywords_per_user, "items": text(WRITTEN, limits.keyword_length),
        }),
        ("authenticate", "cursors") => json!({ "propertyNames": { "pattern": ID } }),
        _ => return None,
    })
}

/// How long a page is: so much if nothing is asked for, and never more than the second.
fn limit(usual: i64, most: i64) -> Value {
    let usual = usual.min(most);
    json!({
        "type": "integer", "format": "int64", "minimum": 1, "maximum": MAX_SAFE_INTEGER, "default": usual,
        "description": format!("How many; {usual} if absent. More than {most} are never given."),
    })
}

/// The constraints on the name of a file.
pub(super) fn file_name() -> Value {
    text(LINE, chat::files::NAME_LENGTH)
}

/// A text with at least one character. Characters are Unicode scalar values, as JSON Schema counts them.
fn text(pattern: &str, most: i64) -> Value {
    json!({ "type": "string", "pattern": pattern, "minLength": 1, "maxLength": most })
}

/// Puts what is said into the schema of a field, which may allow `null` besides. Where the field's own schema was only
/// the name of a type, what is said stands in its place.
fn put(schema: &mut Value, said: Value) {
    let own = match schema["oneOf"].as_array_mut() {
        Some(choices) => choices.iter_mut().find(|choice| choice["type"] != "null"),
        None => Some(schema),
    };
    let (Some(Value::Object(own)), Value::Object(said)) = (own, said) else { return };
    if said.contains_key("type") {
        own.remove("$ref");
    }
    own.extend(said);
}

/// A page of a list is asked for, or what these fields name: not both.
fn either_page_or(these_absent: Value) -> Value {
    let page: Map<String, Value> =
        ["prefix", "cursor", "limit"].into_iter().map(|field| (field.into(), absent())).collect();
    json!({ "anyOf": [{ "properties": these_absent }, { "properties": page }] })
}

/// The constraints on fields that go together.
fn together(operation: &str) -> Value {
    match operation {
        "conversation.create" => json!({ "oneOf": [
            kind("room", &["name"], &["members", "user"]),
            kind("group", &["members"], &["topic", "visibility", "user"]),
            kind("direct", &["user"], &["name", "topic", "visibility", "members"]),
        ] }),
        // A draft that quotes a message may have no text yet; an edit quotes none.
        "draft.save" => json!({ "allOf": [without_each_other(&["edit", "thread"])], "anyOf": [
            { "properties": { "parent": absent(), "text": { "minLength": 1, "pattern": WRITTEN } } },
            { "properties": { "edit": absent(), "parent": { "not": absent() } }, "required": ["parent"] },
        ] }),
        "message.send" => json!({ "anyOf": [
            { "properties": { "also_in_room": { "not": { "const": true } } } },
            { "properties": { "thread": { "type": "integer", "minimum": 1 } }, "required": ["thread"] },
        ] }),
        "message.history" => without_each_other(&["before_seq", "after_seq", "around_seq"]),
        "inbox.read" => without_each_other(&["items", "all_to"]),
        "user.list" => either_page_or(json!({ "users": absent(), "revs": absent() })),
        "room.list" => either_page_or(json!({ "conversation": absent() })),
        _ => Value::Null,
    }
}

/// An absent field may also be written as `null`.
fn absent() -> Value {
    json!({ "type": "null" })
}

/// The fields of one kind of conversation: those that it needs, and those that are others'.
fn kind(name: &str, needed: &[&str], foreign: &[&str]) -> Value {
    let mut properties: Map<String, Value> = foreign.iter().map(|field| ((*field).into(), absent())).collect();
    properties.extend(needed.iter().map(|field| ((*field).into(), json!({ "not": absent() }))));
    properties.insert("kind".into(), json!({ "const": name }));
    json!({ "title": name, "properties": properties, "required": ([&["kind"], needed].concat()) })
}

/// At most one of these fields.
fn without_each_other(fields: &[&str]) -> Value {
    let only = |given: &&str| {
        let others = fields.iter().filter(|field| field != &given);
        json!({ "properties": others.map(|field| ((*field).into(), absent())).collect::<Map<_, _>>() })
    };
    json!({ "anyOf": fields.iter().map(only).collect::<Vec<_>>() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::native::{schemas::Parts, table::OPERATIONS};

    /// Texts of which nothing but their type is to be said: secrets, ids of elsewhere, and what is only compared.
    const ANY_TEXT: &[&str] = &[
        "authenticate token",
        "authenticate epoch",
        "account.register setup_secret",
        "session.create username",
        "session.create password",
        "session.refresh refresh_token",
        "account.password current",
        "account.email current",
        "room.get name",
        "room.list cursor",
        "push.open ticket",
        // Everything that exists can be removed, even if it exceeds today's limit.
        "reaction.remove emoji",
        "emoji.remove name",
    ];

    #[test]
    fn every_text_has_a_form_or_is_known_to_have_none() {
        let mut without = Vec::new();
        for operation in OPERATIONS {
            let mut input = operation.input.own(false, &mut Parts::new());
            complete(operation, &mut input, &Limits::default());
            let fields = input["properties"].as_object().cloned().unwrap_or_default();
            let bare = fields.into_iter().filter(|(_, schema)| schema.to_string().contains("schemas/Text\""));
            without.extend(bare.map(|(field, _)| format!("{} {field}", operation.name)));
        }
        without.sort();
        let mut known = ANY_TEXT.to_vec();
        known.sort_unstable();
        assert_eq!(without, known);
    }

    #[test]
    fn the_limits_in_force_are_said() {
        let limits = Limits { message_length: 7, ..Limits::default() };
        let said = of_field("message.send", "text", &limits).unwrap();
        assert_eq!(said["maxLength"], 7);
    }

    #[test]
    fn what_is_said_of_a_field_leaves_null_where_it_was() {
        let mut schema = json!({ "oneOf": [{ "$ref": "#/x", "description": "A name." }, { "type": "null" }] });
        put(&mut schema, text(LINE, 3));
        let own =
            json!({ "type": "string", "pattern": LINE, "minLength": 1, "maxLength": 3, "description": "A name." });
        assert_eq!(schema, json!({ "oneOf": [own, { "type": "null" }] }));
    }
}
