//! The server itself and what it says to no noun in particular: its limits, that something is done, and what is wrong.

use chat::Limits;
use serde::{Serialize, Serializer, ser::SerializeMap};
use utoipa::{PartialSchema, ToSchema};

/// Increases with every addition to the protocol, so that clients can ask what a server can do.
pub const FEATURE_LEVEL: i64 = 8;

/// The description of this server.
#[derive(Serialize, ToSchema)]
pub struct Server<'a> {
    /// The server's name.
    name: &'a str,
    /// The program's version.
    version: &'a str,
    /// Increases with every addition to the protocol.
    feature_level: i64,
    /// The id of this history of the database; when it changes, all cursors are void.
    epoch: &'a str,
    /// Whether anybody may open an account.
    open_registration: bool,
    /// Whether the set-up secret is waiting for the first administrator.
    needs_administrator: bool,
    /// Whether the playground is served.
    playground: bool,
    /// Whether previews of links are made, in conversations that want them.
    previews: bool,
    /// The id of the server's picture, whose bytes are at `/v1/server/avatar/{id}`; `null` if it has none.
    avatar: Option<String>,
    /// The limits in force.
    limits: LimitValues<'a>,
}

impl<'a> From<&'a crate::ServerInfo> for Server<'a> {
    fn from(server: &'a crate::ServerInfo) -> Self {
        Self {
            name: &server.name,
            version: &server.version,
            feature_level: FEATURE_LEVEL,
            epoch: &server.epoch,
            open_registration: server.open_registration,
            needs_administrator: server.needs_administrator,
            playground: server.playground,
            previews: server.previews,
            avatar: server.avatar.map(|picture| picture.to_string()),
            limits: LimitValues(&server.limits),
        }
    }
}

/// The limits in force, by name.
pub struct LimitValues<'a>(pub(crate) &'a Limits);

impl Serialize for LimitValues<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let values = self.0.values();
        let mut map = serializer.serialize_map(Some(values.len()))?;
        for (name, value) in values {
            map.serialize_entry(name, &value)?;
        }
        map.end()
    }
}

impl PartialSchema for LimitValues<'_> {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        let limits: serde_json::Map<String, serde_json::Value> = Limits::TABLE
            .iter()
            .map(|(name, default, _, _, meaning)| {
                let limit = serde_json::json!({
                    "type": "integer", "description": meaning.trim(), "examples": [default],
                });
                ((*name).to_owned(), limit)
            })
            .collect();
        super::schemas::literal(serde_json::json!({ "type": "object", "properties": limits }))
    }
}

impl ToSchema for LimitValues<'_> {
    fn name() -> std::borrow::Cow<'static, str> {
        "Limits".into()
    }
}

/// Nothing to add.
#[derive(Serialize, ToSchema)]
pub struct Done {}

/// A problem object (RFC 9457).
#[derive(Serialize, ToSchema)]
pub struct Problem<'a> {
    /// A stable address of this sort of problem.
    #[serde(rename = "type")]
    kind: String,
    /// The kind of problem, in a few words.
    title: &'static str,
    /// The HTTP status that carries it.
    status: u16,
    /// The mistake, in words for people.
    detail: &'a str,
    /// The sort of problem, for programs.
    code: &'static str,
    /// The fields that were wrong.
    errors: Vec<FieldProblem<'a>>,
    /// When to try again, in milliseconds.
    retry_after_ms: Option<i64>,
    /// The request, for the server's log.
    request_id: Option<&'a str>,
}

/// A field that was wrong.
#[derive(Serialize, ToSchema)]
pub struct FieldProblem<'a> {
    /// The field, as a JSON Pointer into the input.
    pointer: &'a str,
    /// The mistake in it.
    detail: &'a str,
}

impl<'a> Problem<'a> {
    /// The problem object of a refusal.
    #[must_use]
    pub fn new(error: &'a chat::Error, request_id: Option<&'a str>) -> Self {
        Self {
            kind: format!("https://palabre.chat/problems/{}", error.code.name()),
            title: error.code.title(),
            status: error.code.status(),
            detail: &error.detail,
            code: error.code.name(),
            errors: error.field.iter().map(|pointer| FieldProblem { pointer, detail: &error.detail }).collect(),
            retry_after_ms: error.retry_after_ms,
            request_id,
        }
    }
}
