//! Avatars and other pictures that no message carries: how they are chosen, and how their bytes are asked for. The address
//! of a picture is its id, so what was read once is never asked for again.

use chat::{Command, Error, ErrorCode, FileId, avatars::AvatarOf, files};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::{
    fields::{FileKey, Integer},
    files::{COOKIE, SANDBOX, names_tag},
};
use crate::{
    Step,
    rest::{Call, Captures, Desk, Request, RestAnswer, query_pairs},
};

/// The picture that is to be shown.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SetAvatar {
    /// An uploaded PNG, JPEG or WebP of the speaker that nothing holds yet; null takes the picture away.
    pub(super) picture: Option<FileKey>,
}

impl SetAvatar {
    pub(super) fn command(self, of: AvatarOf) -> Command {
        Command::SetAvatar { of, picture: self.picture.map(|key| key.0) }
    }
}

/// A room or group, and the picture that it is to show.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SetConversationAvatar {
    /// Which.
    pub(super) conversation: Integer,
    /// An uploaded PNG, JPEG or WebP of the speaker that nothing holds yet; null takes the picture away.
    pub(super) picture: Option<FileKey>,
}

/// A request for the bytes of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Picture {
    /// Of a person, a room or an emoji, for those who may see it.
    Held,
    /// Of the server, for everybody.
    OfServer,
}

/// The requests for pictures: method, path, and which.
pub(super) const ROUTES: &[(&str, &str, Picture)] =
    &[("GET", "/v1/pictures/{picture}", Picture::Held), ("GET", "/v1/server/avatar/{picture}", Picture::OfServer)];

/// The path below which pictures are that need the cookie of [`super::files`].
pub(super) const PATH: &str = "/v1/pictures";

impl Picture {
    /// Its name, for logs and metrics.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Held => "picture.download",
            Self::OfServer => "server.avatar.download",
        }
    }

    /// Whether a credential is needed.
    pub(super) fn needs_speaker(self) -> bool {
        self == Self::Held
    }

    /// The cookie that is a credential here.
    pub(super) fn files_cookie(self) -> Option<&'static str> {
        (self == Self::Held).then_some(COOKIE)
    }

    /// Reads a request.
    pub(super) fn request(self, captures: &Captures, request: &Request<'_>) -> Result<Call, Error> {
        if self.needs_speaker() && request.speaker.is_none() {
            let detail = format!("{} needs a valid credential.", self.name());
            return Err(Error::new(ErrorCode::Unauthenticated, detail));
        }
        if let Some((name, _)) = query_pairs(request.query)?.into_iter().next() {
            return Err(Error::invalid(&name, "There is no such query parameter here."));
        }
        let nothing = || Error::not_found("picture");
        let id = captures.first().and_then(|(_, text)| FileId::parse(text)).ok_or_else(nothing)?;
        let known = (request.header)("if-none-match");
        let (desk, pending) = Desk::new();
        let step = Step::OpenPicture(
            id,
            Box::new(move |file| desk.end(file.map(|file| self.answer(&file, known.as_deref())))),
        );
        Ok(Call { step, pending })
    }

    fn answer(self, file: &files::File, known: Option<&str>) -> RestAnswer {
        let tag = format!("\"{}\"", file.id);
        let whose = if self == Self::OfServer { "public" } else { "private" };
        let dressed = |answer: RestAnswer| {
            answer
                .with_header("etag", tag.clone())
                .with_header("cache-control", format!("{whose}, max-age=31536000, immutable"))
                .with_header("content-security-policy", SANDBOX.to_owned())
        };
        if known.is_some_and(|known| names_tag(known, &tag)) {
            return dressed(RestAnswer::empty(304));
        }
        let size = u64::try_from(file.size).unwrap_or(0);
        dressed(RestAnswer::empty(200).with_stored(0..size))
            .with_header("content-type", file.media_type.clone())
            .with_header("content-disposition", "inline".to_owned())
    }

    fn described(self) -> Value {
        let refused = json!({ "$ref": "#/components/responses/Problem" });
        let statuses: &[&str] = match self {
            Self::Held => &["400", "401", "404", "422", "429", "503", "default"],
            Self::OfServer => &["400", "404", "422", "429", "503", "default"],
        };
        let mut responses: Map<String, Value> =
            statuses.iter().map(|status| ((*status).to_owned(), refused.clone())).collect();
        let bytes = json!({ "type": "string", "format": "binary" });
        let content = json!({ "image/png": { "schema": bytes }, "image/jpeg": { "schema": bytes },
                              "image/webp": { "schema": bytes }, "image/gif": { "schema": bytes } });
        responses.insert("200".into(), json!({ "description": "The picture's bytes.", "content": content }));
        responses.insert("304".into(), json!({ "description": "The caller has it already (If-None-Match)." }));
        let (summary, tag, security) = match self {
            Self::Held => {
                ("The avatar of a person or a room, or a custom emoji.", "picture", json!([{ "bearer": [] }]))
            }
            Self::OfServer => ("The server's avatar.", "server", json!([])),
        };
        json!({
            "operationId": self.name(),
            "summary": summary,
            "tags": [tag],
            "security": security,
            "parameters": [{ "name": "picture", "in": "path", "required": true, "schema": { "type": "string" },
                             "description": "Which." }],
            "responses": responses,
        })
    }
}

/// Adds these requests to the OpenAPI document.
pub(super) fn describe(paths: &mut Map<String, Value>) {
    for (method, path, picture) in ROUTES {
        let item = paths.entry(*path).or_insert_with(|| json!({}));
        item[method.to_ascii_lowercase()] = picture.described();
    }
}
