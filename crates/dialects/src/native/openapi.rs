//! The OpenAPI 3.1 document of the REST interface, made of the operations' table and the nouns' schemas.

use chat::{ErrorCode, Limits};
use serde_json::{Map, Value, json};

use super::{
    avatars, files, forms,
    schemas::{Parts, Shape},
    server,
    table::{OPERATIONS, Operation, ParameterKind, Route},
};

/// The protocol's version, which is also the first part of its paths.
pub(super) const VERSION: &str = "1";

/// The document, as pretty JSON. The same every time.
#[must_use]
pub fn document() -> String {
    document_below("", &Limits::default())
}

/// The document of a server with these limits that is below a path of its site (`/chat`; empty for none).
#[must_use]
pub fn document_below(path: &str, limits: &Limits) -> String {
    let mut parts = Parts::new();
    let mut paths: Map<String, Value> = Map::new();
    for operation in OPERATIONS {
        for (index, route) in operation.routes.iter().enumerate() {
            let item = paths.entry(route.path).or_insert_with(|| json!({}));
            item[route.method.to_ascii_lowercase()] = described(operation, index, route, limits, &mut parts);
        }
    }
    files::describe(&mut paths, &mut parts);
    avatars::describe(&mut paths);
    let problem = problem(&mut parts);
    let document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Palabre",
            "version": VERSION,
            "description": "Rooms, groups and direct conversations. Everything that the socket at /v1/ws can do, \
                            as requests. Unknown fields and parameters are refused; answers may grow new ones.",
        },
        "servers": [{ "url": if path.is_empty() { "/" } else { path } }],
        "tags": tags(),
        "paths": paths,
        "components": {
            "schemas": parts,
            "responses": {
                "Problem": {
                    "description": "A refusal, as a problem object (RFC 9457).",
                    "content": { "application/problem+json": { "schema": problem } },
                },
            },
            "securitySchemes": {
                "bearer": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT" },
            },
        },
    });
    pretty(&document)
}

pub(super) fn pretty(document: &Value) -> String {
    let mut text = serde_json::to_string_pretty(document).unwrap_or_default();
    text.push('\n');
    text
}

/// A reference to the problem object, with all codes that there are.
pub(super) fn problem(parts: &mut Parts) -> Value {
    let reference = Shape::of::<server::Problem<'static>>().reference(true, parts);
    if let Some(code) = parts.get_mut("Problem").map(|problem| &mut problem["properties"]["code"]) {
        code["enum"] = ErrorCode::ALL.iter().map(|code| code.name()).collect();
    }
    reference
}

/// The group of an operation, from its name.
pub(super) fn topic(operation: &Operation) -> &'static str {
    operation.name.split('.').next().unwrap_or(operation.name)
}

fn tags() -> Vec<Value> {
    let mut topics: Vec<&str> = Vec::new();
    for operation in OPERATIONS.iter().filter(|operation| !operation.routes.is_empty()) {
        if !topics.contains(&topic(operation)) {
            topics.push(topic(operation));
        }
    }
    topics.iter().map(|topic| json!({ "name": topic })).collect()
}

fn described(operation: &Operation, index: usize, route: &Route, limits: &Limits, parts: &mut Parts) -> Value {
    let mut input = operation.input.own(false, parts);
    forms::complete(operation, &mut input, limits);
    let parameters = parameters(route, &mut input);
    let mut described = json!({
        "operationId": if index == 0 {
            operation.name.to_owned()
        } else {
            format!("{}.{}", operation.name, route.method.to_ascii_lowercase())
        },
        "summary": operation.summary,
        "tags": [topic(operation)],
        "security": if operation.speaker { json!([{ "bearer": [] }]) } else { json!([]) },
        "responses": responses(operation, route, parts),
    });
    if !parameters.is_empty() {
        described["parameters"] = Value::Array(parameters);
    }
    if input["properties"].as_object().is_some_and(|properties| !properties.is_empty()) {
        let needed = input["required"].as_array().is_some_and(|fields| !fields.is_empty());
        described["requestBody"] = json!({
            "required": needed,
            "content": { "application/json": { "schema": input } },
        });
    }
    described
}

/// The route's parameters; they are taken out of the input, whose rest is the body.
fn parameters(route: &Route, input: &mut Value) -> Vec<Value> {
    let path = route.path_fields.iter().map(|(placeholder, field, kind)| (*placeholder, *field, *kind, "path"));
    let query = route.query.iter().map(|(field, kind)| (*field, *field, *kind, "query"));
    let mut parameters: Vec<Value> = path
        .chain(query)
        .map(|(name, field, kind, place)| {
            let required = place == "path" || is_required(input, field);
            let property = input["properties"].as_object_mut().and_then(|fields| fields.remove(field));
            let mut parameter = json!({ "name": name, "in": place, "required": required });
            let mut schema = present(property.unwrap_or_default());
            if let Some(description) = schema.as_object_mut().and_then(|schema| schema.remove("description")) {
                parameter["description"] = description;
            }
            parameter["schema"] = schema;
            if kind == ParameterKind::Integers {
                parameter["style"] = json!("form");
                parameter["explode"] = json!(false);
            }
            if let Some(required) = input["required"].as_array_mut() {
                required.retain(|known| known != field);
            }
            parameter
        })
        .collect();
    if input["required"].as_array().is_some_and(Vec::is_empty)
        && let Some(input) = input.as_object_mut()
    {
        input.remove("required");
    }
    if route.idempotency_key {
        parameters.push(json!({
            "name": "Idempotency-Key", "in": "header", "required": false,
            "description": "Stands for the field client_id.",
            "schema": { "$ref": "#/components/schemas/Key" },
        }));
    }
    parameters
}

fn is_required(input: &Value, field: &str) -> bool {
    input["required"].as_array().is_some_and(|required| required.iter().any(|known| known == field))
}

/// The schema of a value that is there: without `null`.
fn present(mut schema: Value) -> Value {
    if let Some(types) = schema["type"].as_array_mut() {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            schema["type"] = only.clone();
        }
    }
    let Some(choices) = schema["oneOf"].as_array() else { return schema };
    let mut rest = choices.iter().filter(|choice| choice["type"] != "null");
    match (rest.next(), rest.next()) {
        (Some(only), None) => {
            let mut only = only.clone();
            if let Some(description) = schema.get("description") {
                only["description"] = description.clone();
            }
            only
        }
        _ => schema,
    }
}

fn responses(operation: &Operation, route: &Route, parts: &mut Parts) -> Value {
    let refused = json!({ "$ref": "#/components/responses/Problem" });
    let mut responses = json!({ "400": refused, "422": refused, "429": refused, "503": refused, "default": refused });
    let mut give = |wanted: bool, statuses: &[&str]| {
        for status in statuses.iter().filter(|_| wanted) {
            responses[*status] = refused.clone();
        }
    };
    give(operation.speaker, &["401", "403"]);
    give(operation.speaker && !route.path_fields.is_empty(), &["404"]);
    give(route.method != "GET", &["409", "413", "507"]);
    responses[route.status.to_string()] = if route.status == 204 {
        json!({ "description": "It is done." })
    } else {
        json!({
            "description": format!("The {}.", operation.answers.join(" or ").replace('.', " ")),
            "content": { "application/json": { "schema": one_of(operation.outputs, parts) } },
        })
    };
    responses
}

fn one_of(outputs: &[Shape], parts: &mut Parts) -> Value {
    let mut references: Vec<Value> = outputs.iter().map(|output| output.reference(true, parts)).collect();
    if references.len() == 1 { references.remove(0) } else { json!({ "oneOf": references }) }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Every reference in a document leads somewhere.
    pub(crate) fn assert_no_loose_ends(document: &Value) {
        fn walk(root: &Value, value: &Value, met: &mut usize) {
            match value {
                Value::Object(object) => {
                    if let Some(Value::String(reference)) = object.get("$ref") {
                        let target = root.pointer(reference.strip_prefix('#').unwrap());
                        assert!(target.is_some_and(|target| target != &json!({})), "{reference} leads nowhere");
                        *met += 1;
                    }
                    object.values().for_each(|value| walk(root, value, met));
                }
                Value::Array(items) => items.iter().for_each(|value| walk(root, value, met)),
                _ => {}
            }
        }
        let mut met = 0;
        walk(document, document, &mut met);
        assert!(met > 50, "{met} references");
    }

    #[test]
    fn every_operation_is_in_the_document() {
        let document: Value = serde_json::from_str(&document()).unwrap();
        let mut routes = 0;
        for operation in OPERATIONS {
            for route in operation.routes {
                let there = &document["paths"][route.path][route.method.to_ascii_lowercase()];
                assert_eq!(there["summary"], operation.summary, "{} {}", route.method, route.path);
                let success = &there["responses"][route.status.to_string()];
                assert_eq!(success.get("content").is_some(), route.status != 204, "{}", operation.name);
                assert_eq!(there["security"].as_array().unwrap().len(), usize::from(operation.speaker));
                routes += 1;
            }
        }
        let documented: usize =
            document["paths"].as_object().unwrap().values().map(|p| p.as_object().unwrap().len()).sum();
        assert_eq!(documented, routes + files::ROUTES.len() + avatars::ROUTES.len());
        assert_no_loose_ends(&document);
    }

    #[test]
    fn every_field_is_documented_once() {
        let document: Value = serde_json::from_str(&document()).unwrap();
        let send = &document["paths"]["/v1/conversations/{conversation}/messages/{message}"]["put"];
        let body = &send["requestBody"]["content"]["application/json"]["schema"];
        let fields: Vec<&String> = body["properties"].as_object().unwrap().keys().collect();
        assert_eq!(fields, ["also_in_room", "files", "message_type", "parent", "reach", "text", "thread"]);
        assert_eq!(body["required"], json!(["text"]));
        assert_eq!(body["additionalProperties"], false);
        assert_eq!(send["parameters"].as_array().unwrap().len(), 2);
        let message = &document["components"]["schemas"]["Message"];
        assert_eq!(message["required"].as_array().unwrap().len(), message["properties"].as_object().unwrap().len());
    }

    #[test]
    fn the_document_is_the_same_every_time() {
        assert_eq!(document(), document());
    }
}
