//! The document says what is refused by form, and the server is asked whether it is so: for each operation and each
//! field a value of every sort, on both sides of every bound. What the document does not let in is refused with the
//! pointer of that field; what it lets in is not refused by form, whatever else may be against it.

use std::collections::BTreeMap;

use regex::Regex;
use serde_json::{Map, Value, json};
use testkit::{Answer, Person, Room, Town};

/// A place where a value can be put into a call.
struct Place {
    operation: String,
    method: String,
    path: String,
    field: String,
    /// `path`, `query` or `body`.
    part: &'static str,
    schema: Value,
    needed: bool,
}

/// Everything that the document has a schema of.
fn places(document: &Value) -> Vec<Place> {
    let mut places = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, described) in methods.as_object().unwrap() {
            let mut put = |field: &str, part, schema: &Value, needed| {
                places.push(Place {
                    operation: described["operationId"].as_str().unwrap().to_owned(),
                    method: method.to_uppercase(),
                    path: path.clone(),
                    field: field.to_owned(),
                    part,
                    schema: schema.clone(),
                    needed,
                });
            };
            for parameter in described["parameters"].as_array().into_iter().flatten() {
                let part = match parameter["in"].as_str() {
                    Some("path") => "path",
                    Some("query") => "query",
                    _ => continue,
                };
                put(parameter["name"].as_str().unwrap(), part, &parameter["schema"], parameter["required"] == true);
            }
            let body = &described["requestBody"]["content"]["application/json"]["schema"];
            let required = body["required"].as_array().cloned().unwrap_or_default();
            for (field, schema) in body["properties"].as_object().into_iter().flatten() {
                put(field, "body", schema, required.iter().any(|name| name == field));
            }
            assert!(body.is_null() || body["additionalProperties"] == false, "{path} {method}");
        }
    }
    places
}

/// Whether a schema lets a value in, by the words that the document uses.
fn lets_in(document: &Value, schema: &Value, value: &Value) -> bool {
    if let Some(reference) = schema["$ref"].as_str() {
        return lets_in(document, document.pointer(reference.trim_start_matches('#')).unwrap(), value);
    }
    let any = |word: &str| {
        schema[word].as_array().is_none_or(|choices| choices.iter().any(|one| lets_in(document, one, value)))
    };
    let types: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        _ => vec![],
    };
    let is = |name: &&str| match *name {
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "null" => value.is_null(),
        other => panic!("the type {other}"),
    };
    let least =
        |word: &str, have: Option<i64>| have.zip(schema[word].as_i64()).is_none_or(|(have, bound)| have >= bound);
    let most =
        |word: &str, have: Option<i64>| have.zip(schema[word].as_i64()).is_none_or(|(have, bound)| have <= bound);
    let characters = value.as_str().map(|text| text.chars().count() as i64);
    let entries = value.as_array().map(|items| items.len() as i64);
    // Beyond 64 bits a number is beyond every bound that the document has.
    let number = value.as_i64().or(value.is_u64().then_some(i64::MAX));
    let fits = value.as_str().zip(schema["pattern"].as_str()).is_none_or(|(text, pattern)| {
        // JSON Schema writes a code point as JavaScript does.
        Regex::new(&pattern.replace("\\u0000", "\\x00")).unwrap().is_match(text)
    });
    any("oneOf")
        && any("anyOf")
        && (schema["not"].is_null() || !lets_in(document, &schema["not"], value))
        && (types.is_empty() || types.iter().any(is))
        && schema["enum"].as_array().is_none_or(|known| known.contains(value))
        && least("minimum", number)
        && most("maximum", number)
        && least("minLength", characters)
        && most("maxLength", characters)
        && most("maxItems", entries)
        && least("minItems", entries)
        && fits
        && value.as_array().into_iter().flatten().all(|item| lets_in(document, &schema["items"], item))
        && value.as_object().is_none_or(|fields| {
            schema["required"]
                .as_array()
                .into_iter()
                .flatten()
                .all(|field| fields.contains_key(field.as_str().unwrap()))
        })
        && (schema["format"] != "date" || value.as_str().is_none_or(is_day))
}

/// The format `date` of RFC 3339.
fn is_day(text: &str) -> bool {
    matches!(text, "2000-01-02" | "2000-02-29" | "0001-01-01" | "9999-12-31")
}

/// Values of every sort; with those on both sides of each bound that the schema names.
fn values(schema: &Value) -> Vec<Value> {
    let mut values = vec![
        json!(null),
        json!(true),
        json!(false),
        json!({}),
        json!([]),
        json!([1]),
        json!([-1]),
        json!(["x"]),
        json!(-1),
        json!(0),
        json!(1),
        json!(1.5),
        json!(9_007_199_254_740_991_u64),
        json!(9_007_199_254_740_992_u64),
        json!(u64::MAX),
    ];
    let texts = [
        "",
        " ",
        "\t\n",
        "a",
        "ab",
        "ann",
        "Ann_-9",
        " ann",
        "ann ",
        "a b",
        "a\nb",
        "a\0b",
        "a\u{7f}b",
        "a\u{85}b",
        "\u{a0}ann",
        "ann\u{2003}",
        "a\u{200b}",
        "élodie",
        "你好",
        "👍",
        "👨\u{200d}👩\u{200d}👧",
        "ann@example.org",
        "a@b",
        "@b.c",
        "a@.b.c",
        "a@b.c.",
        "a@b@c.d",
        "a@b..c",
        "a b@c.d",
        "é@ü.example",
        "a@b.c",
        "2000-01-02",
        "2000-02-30",
        "2000-02-29",
        "2001-02-29",
        "0001-01-01",
        "0000-01-01",
        "9999-12-31",
        "2000-1-2",
        "2000-13-01",
        "2000-00-10",
        "2000-01-02T00:00:00Z",
        "2000-01-02T00:00:00",
        "2000-01-02T00:00:00.+01:00",
        "2000-01-02T00:00:00.123456789-11:30",
        "2000-01-02 00:00:00Z",
        "0",
        "12",
        "9007199254740991",
        "17-3",
        "17-",
        "-3",
        "1.5",
        "+1",
        "１２",
        "room",
        "member",
        "owner",
        "admin",
        "public",
        "private",
        "online",
        "offline",
        "text",
        "video",
        "correct horse battery",
        "with\"quote",
        "with\\slash",
        "a/b",
        "%41",
        "~",
    ];
    values.extend(texts.map(Value::from));
    let bounds = schema.to_string();
    for word in ["minLength", "maxLength"] {
        for bound in bounds.split(&format!("\"{word}\":")).skip(1).filter_map(|rest| {
            rest.split(|c: char| !c.is_ascii_digit()).next().and_then(|digits| digits.parse::<usize>().ok())
        }) {
            for length in [bound.saturating_sub(1), bound, bound + 1] {
                // One byte, two, and four: it is characters that are counted.
                values.extend(["x", "é", "🙂"].map(|one| Value::from(one.repeat(length))));
                let host = "@example.org";
                values.push(format!("{}{host}", "x".repeat(length.saturating_sub(host.len()))).into());
                values.push(format!("{}{host}", "é".repeat(length.saturating_sub(host.len()))).into());
            }
        }
    }
    if let Some(most) =
        bounds.split("\"maxItems\":").nth(1).and_then(|rest| rest.split(|c: char| !c.is_ascii_digit()).next())
    {
        let most: i64 = most.parse().unwrap();
        values.extend([most, most + 1].map(|length| json!((1..=length).collect::<Vec<_>>())));
    }
    values
}

/// A call that could be granted: what stands in the places of all needed fields.
fn usual(operation: &str, field: &str, room: i64, bob: i64) -> Value {
    match field {
        "conversation" => json!(room),
        "user" => json!(bob),
        "message" if operation == "message.send.put" => json!("a-client-id"),
        "message" | "seq" | "session" => json!(1),
        "kind" => json!("room"),
        "name" if operation.starts_with("user_group") => json!("gardeners"),
        "name" => json!("a usual name"),
        "group" => json!(1),
        "people" => json!([bob]),
        "username" => json!("somebody"),
        "password" | "current" | "new" => json!("a tree in the middle"),
        "refresh_token" => json!("x"),
        "presence" => json!("busy"),
        "users" => json!([bob]),
        "role" => json!("member"),
        "active" | "typing" => json!(true),
        "since" => json!(0),
        "text" => json!("hello"),
        "emoji" => json!("👍"),
        "at" => json!("2000-01-02T00:00:00Z"),
        "reminder" | "thread" => json!(1),
        "follows" => json!(true),
        "file" | "picture" => json!("00112233445566778899aabbccddeeff"),
        "size" => json!("small"),
        "duration_ms" => json!(1_000),
        "waveform" => json!([0, 31]),
        "q" => json!("garden"),
        "endpoint" => json!("https://push.example.org/a"),
        "keys" => json!({
            "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
            "auth": "BTBZMqHH6r4Tts7J_aSIgg",
        }),
        "ticket" => json!("a.b.c"),
        "device" => json!(1),
        other => panic!("{operation} needs {other}: say what it usually is"),
    }
}

/// The other fields that an operation needs, so that this one has a meaning.
fn besides(operation: &str, field: &str, bob: i64) -> Value {
    match (operation, field) {
        ("message.send" | "message.send.put", "also_in_room") => json!({ "thread": 1 }),
        ("conversation.create", "members") => json!({ "kind": "group" }),
        ("conversation.create", "user") => json!({ "kind": "direct" }),
        ("conversation.create", "kind") => json!({}),
        // Without a message to quote a draft needs a text that can be seen: that is said for both fields together.
        ("draft.save", "text") => json!({ "parent": 1 }),
        ("user.role", _) => json!({ "role": if field == "role" { "user" } else { "guest" } }),
        ("conversation.create", _) => json!({ "name": format!("a room with {bob}") }),
        _ => json!({}),
    }
}

fn percent(text: &str) -> String {
    text.bytes()
        .map(|b| {
            if b.is_ascii_alphanumeric() || b"-_~".contains(&b) {
                char::from(b).to_string()
            } else {
                format!("%{b:02X}")
            }
        })
        .collect()
}

/// A value as a parameter's text; absent if it has none.
fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Array(items) if items.len() != 1 || items[0].is_number() => {
            Some(items.iter().map(ToString::to_string).collect::<Vec<_>>().join(","))
        }
        _ => None,
    }
}

/// A parameter is a text: this is the value that it stands for by its schema.
fn read_back(document: &Value, schema: &Value, text: &str) -> Value {
    let target = schema["$ref"].as_str().map_or(schema, |r| document.pointer(r.trim_start_matches('#')).unwrap());
    let whole = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| text.parse::<u64>().ok()).flatten().map_or_else(|| json!(text), |number| json!(number))
    };
    match target["type"].as_str() {
        Some("integer") => whole(text),
        Some("boolean") if matches!(text, "true" | "false") => json!(text == "true"),
        Some("array") if text.is_empty() => json!([]),
        Some("array") => text.split(',').map(whole).collect(),
        _ => json!(text),
    }
}

/// Asks with a value in one place, and usual ones in all others.
async fn ask(
    who: &Person,
    town: &Town,
    all: &[Place],
    place: &Place,
    value: &Value,
    room: i64,
    bob: i64,
) -> Option<Answer> {
    let (mut path, mut query, mut body) = (place.path.clone(), Vec::new(), Map::new());
    let others = besides(&place.operation, &place.field, bob);
    body.extend(others.as_object().unwrap().clone());
    let same = |other: &&Place| other.method == place.method && other.path == place.path;
    for other in all.iter().filter(same) {
        let this = other.field == place.field && other.part == place.part;
        if !this && !other.needed {
            continue;
        }
        let value = if this { value.clone() } else { usual(&place.operation, &other.field, room, bob) };
        match other.part {
            "body" if this || !body.contains_key(&other.field) => drop(body.insert(other.field.clone(), value)),
            "body" => {}
            "path" => {
                // An empty or dotted step is another path.
                let text = as_text(&value).filter(|text| !text.is_empty())?;
                path = path.replace(&format!("{{{}}}", other.field), &percent(&text));
            }
            _ => query.push(format!("{}={}", other.field, percent(&as_text(&value)?))),
        }
    }
    if !query.is_empty() {
        path = format!("{path}?{}", query.join("&"));
    }
    let has_body = all.iter().any(|other| same(&other) && other.part == "body");
    let body = if has_body { Value::Object(body) } else { Value::Null };
    let token = &*who.tokens().access;
    Some(town.rest().ask(&place.method, &path, Some(token), &body).await)
}

/// The field that a refusal by form names.
fn refused_field(answer: &Answer) -> Option<String> {
    // Of these the form is good: it is what they say that is not.
    let not_form = [
        "too easy to guess",
        "There is no message with this seq",
        "at least a second ahead",
        "must be ahead",
        "no reply in a thread itself",
    ];
    let by_form = matches!(answer.status, 400 | 422) && !not_form.iter().any(|words| answer.text.contains(words));
    let pointer = answer.body["errors"][0]["pointer"].as_str()?;
    by_form.then(|| pointer.split('/').nth(1).unwrap_or_default().to_owned())
}

/// Whether a kind of conversation cannot do without a field that others can.
fn must_be_there(document: &Value, place: &Place) -> bool {
    let described = &document["paths"][&place.path][place.method.to_lowercase()];
    let kinds = described["requestBody"]["content"]["application/json"]["schema"]["oneOf"].as_array();
    let asked = besides(&place.operation, &place.field, 0)["kind"].clone();
    let kind = asked.as_str().unwrap_or("room").to_owned();
    let of_kind = kinds.into_iter().flatten().find(|one| one["properties"]["kind"]["const"] == *kind);
    of_kind.is_some_and(|one| one["required"].as_array().unwrap().iter().any(|field| *field == *place.field))
}

async fn compare(town: &Town, owner: &Person, bob: &Person, room: &Room) {
    let document = town.request("GET", "/v1/openapi.json", Value::Null).await.granted();
    let all = places(&document);
    let mut told: BTreeMap<String, usize> = BTreeMap::new();
    let mut differ = Vec::new();
    for place in &all {
        // It ends the session that asks, or the one that others ask with.
        if matches!(&*place.operation, "session.end" | "conversation.leave") && place.part != "path" {
            continue;
        }
        for value in values(&place.schema) {
            let destructive =
                matches!(&*place.method, "DELETE" | "POST") && place.part == "path" && place.path.ends_with('}');
            let leaves = place.operation == "conversation.leave" || place.operation == "conversation.hide";
            // Nothing that exists may be removed: such values are tested elsewhere.
            if (destructive || leaves) && (value == json!(1) || value == json!(room.id) || value == json!([1])) {
                continue;
            }
            let meant = if place.part == "body" {
                value.clone()
            } else {
                let Some(text) = as_text(&value) else { continue };
                read_back(&document, &place.schema, &text)
            };
            let Some(answer) = ask(owner, town, &all, place, &value, room.id, bob.id()).await else { continue };
            let field = if place.field == "message" && place.path.contains("{message}") && place.path.contains("{conv")
            {
                if place.operation == "message.send.put" { "client_id" } else { "seq" }
            } else {
                &place.field
            };
            let inside =
                lets_in(&document, &place.schema, &meant) && !(meant.is_null() && must_be_there(&document, place));
            let refused = refused_field(&answer);
            // Where pages go on has another form in each order of what was found, and the document knows both.
            let of_other_order = (&*place.operation, &*place.field) == ("message.search", "cursor");
            // That a standard emoji has this name no pattern says.
            let is_taken = &*place.operation == "emoji.add" && answer.text.contains("a standard emoji has this name");
            let agree = if inside {
                of_other_order || is_taken || refused.as_deref() != Some(field)
            } else {
                refused.as_deref() == Some(field)
            };
            *told.entry(if inside { "inside" } else { "outside" }.to_owned()).or_default() += 1;
            if !agree {
                let shown: String = value.to_string().chars().take(60).collect();
                differ.push(format!(
                    "{} {} {shown}: the document lets it {}, and the server says {} {}",
                    place.operation,
                    place.field,
                    if inside { "in" } else { "not in" },
                    answer.status,
                    answer.text.chars().take(200).collect::<String>(),
                ));
            }
        }
    }
    assert!(differ.is_empty(), "{} differ, of {told:?}:\n{}", differ.len(), differ.join("\n"));
    assert!(told["inside"] > 500 && told["outside"] > 2_000, "hardly anything was asked: {told:?}");
}

#[tokio::test]
async fn the_server_refuses_by_form_what_the_document_does_not_let_in_and_nothing_else() {
    let town = Town::with(|config| config.previews.enabled = true).await;
    let owner = town.admin("owner").await;
    let bob = town.absent("bob").await;
    let room = owner.opens_room("garden").await;
    compare(&town, &owner, &bob, &room).await;
}

#[tokio::test]
async fn the_document_says_the_limits_in_force() {
    let town = Town::with(|config| {
        config.limits.message_length = 7;
        config.limits.name_length = 5;
        config.limits.list_page = 3;
    })
    .await;
    let document = town.request("GET", "/v1/openapi.json", Value::Null).await.granted();
    let body = |path: &str, method: &str| {
        document["paths"][path][method]["requestBody"]["content"]["application/json"]["schema"]["properties"].clone()
    };
    assert_eq!(body("/v1/conversations/{conversation}/messages", "post")["text"]["maxLength"], 7);
    assert!(body("/v1/conversations", "post")["name"].to_string().contains("\"maxLength\":5"));
    let ann = town.absent("ann").await;
    let made = |name: &str| ann.requests("POST", "/v1/conversations", json!({ "kind": "room", "name": name }));
    made("sixsix").await.refused(422, "invalid");
    made("fives").await.granted();
}

#[tokio::test]
async fn the_document_says_which_fields_go_with_which_kind() {
    let town = Town::opens().await;
    let (ann, bob) = (town.absent("ann").await, town.absent("bob").await);
    let document = town.request("GET", "/v1/openapi.json", Value::Null).await.granted();
    let schema =
        &document["paths"]["/v1/conversations"]["post"]["requestBody"]["content"]["application/json"]["schema"];
    let extras = [
        ("name", json!("n")),
        ("topic", json!("t")),
        ("visibility", json!("private")),
        ("members", json!([bob.id()])),
        ("user", json!(bob.id())),
    ];
    for kind in ["room", "group", "direct"] {
        for chosen in 0..1_u32 << extras.len() {
            let given = extras.iter().enumerate().filter(|(at, _)| chosen & (1 << at) != 0).map(|(_, extra)| extra);
            let mut input: Map<String, Value> =
                given.clone().map(|(field, value)| ((*field).to_owned(), value.clone())).collect();
            input.insert("kind".to_owned(), json!(kind));
            let fitting = schema["oneOf"].as_array().unwrap().iter().filter(|one| {
                let needed = one["required"].as_array().unwrap();
                one["properties"]["kind"]["const"] == kind
                    && needed.iter().all(|field| input.contains_key(field.as_str().unwrap()))
                    && input.keys().all(|field| one["properties"][field]["type"] != "null")
            });
            let inside = fitting.count() == 1;
            // Two rooms of one name would be refused for another reason.
            if let Some(name) = input.get_mut("name") {
                *name = json!(format!("{kind} {chosen}"));
            }
            let answer = ann.requests("POST", "/v1/conversations", Value::Object(input.clone())).await;
            assert_eq!(refused_field(&answer).is_none(), inside, "{input:?}: {}", answer.text);
        }
    }
}
