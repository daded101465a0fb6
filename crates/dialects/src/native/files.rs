//! Files: how they are uploaded, read and shown. Their bytes go over requests only, and never through this dialect: it
//! says which file is meant, and which part of it is the answer.

use std::ops::Range;

use chat::{
    Error, ErrorCode, FileId,
    files::{self, NewFile, ThumbnailSize},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::{
    avatars,
    encode::Answer,
    fields::{self, FileKey},
    rest::{self, PROBLEM_TYPE},
    schemas::{Parts, Shape},
    uploads::{self, Tus},
    voices::Voice,
};
use crate::{
    Step,
    rest::{Call, Captures, Cookie, Desk, Request, RestAnswer, Takes, query_pairs},
    time::Time,
};

/// The cookie with which a browser reads files.
pub(super) const COOKIE: &str = "palabre_files";
/// The policy under which a file is shown: scripts do not run, nothing is loaded, and it is of no origin.
pub(super) const SANDBOX: &str =
    "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'; sandbox";

/// A request whose body, or whose answer, is the bytes of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bytes {
    /// The body becomes a file.
    Upload,
    /// The answer is a file, or a part of it.
    Download,
    /// The answer is a picture in a size, or a part of it.
    Thumbnail,
    /// The answer brings the cookie with which a browser reads files.
    Cookie,
    /// It is about an upload in parts.
    Tus(Tus),
}

/// The requests that are about bytes: method, path, and which.
pub(super) const ROUTES: &[(&str, &str, Bytes)] = &[
    ("POST", "/v1/files", Bytes::Upload),
    ("GET", "/v1/files/{file}", Bytes::Download),
    ("GET", "/v1/files/{file}/thumbnail/{size}", Bytes::Thumbnail),
    ("POST", "/v1/files/cookie", Bytes::Cookie),
    ("OPTIONS", "/v1/files/uploads", Bytes::Tus(Tus::Options)),
    ("POST", "/v1/files/uploads", Bytes::Tus(Tus::Begin)),
    ("GET", "/v1/files/uploads/{upload}", Bytes::Tus(Tus::State)),
    ("PATCH", "/v1/files/uploads/{upload}", Bytes::Tus(Tus::Append)),
    ("DELETE", "/v1/files/uploads/{upload}", Bytes::Tus(Tus::Remove)),
    ("POST", "/v1/files/uploads/{upload}", Bytes::Tus(Tus::Overridden)),
];

impl Bytes {
    /// Its name, for logs and metrics.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Upload => "file.upload",
            Self::Download => "file.download",
            Self::Thumbnail => "file.thumbnail",
            Self::Cookie => "file.cookie",
            Self::Tus(tus) => tus.name(),
        }
    }

    /// How its body is read.
    pub(super) fn takes(self) -> Takes {
        match self {
            Self::Upload => Takes::File,
            Self::Download | Self::Thumbnail | Self::Cookie => Takes::Whole,
            Self::Tus(tus) => tus.takes(),
        }
    }

    /// Whether a credential is needed.
    pub(super) fn needs_speaker(self) -> bool {
        self != Self::Tus(Tus::Options)
    }

    /// Whether the file may be opened by what opens files and nothing else: the cookie, or a link.
    pub(super) fn reads(self) -> bool {
        matches!(self, Self::Download | Self::Thumbnail)
    }

    /// The headers of every answer, refusals included.
    pub(super) fn always(self) -> &'static [(&'static str, &'static str)] {
        if matches!(self, Self::Tus(_)) { uploads::ALWAYS } else { &[] }
    }

    /// Reads a request.
    pub(super) fn request(self, captures: &Captures, request: &Request<'_>) -> Result<Call, Error> {
        if request.speaker.is_none() && self.needs_speaker() {
            let detail = format!("{} needs a valid credential.", self.name());
            return Err(Error::new(ErrorCode::Unauthenticated, detail));
        }
        let (desk, pending) = Desk::new();
        let step = match self {
            Self::Upload => upload(request, desk)?,
            Self::Download => download(captures, request, desk)?,
            Self::Thumbnail => thumbnail(captures, request, desk)?,
            Self::Cookie => cookie(request, desk)?,
            Self::Tus(tus) => tus.step(captures, request, desk)?,
        };
        Ok(Call { step, pending })
    }

    /// Its description in the OpenAPI document.
    fn described(self, parts: &mut Parts) -> Value {
        let refused = json!({ "$ref": "#/components/responses/Problem" });
        let bytes = json!({ "type": "string", "format": "binary" });
        let parameter = |name: &str, place: &str, schema: Value, description: &str| {
            json!({ "name": name, "in": place, "required": place == "path" || name == "name", "schema": schema,
                    "description": description })
        };
        let statuses: &[&str] = match self {
            Self::Upload => &["400", "401", "403", "408", "413", "415", "422", "429", "503", "507", "default"],
            Self::Download | Self::Thumbnail => &["400", "401", "403", "404", "416", "422", "429", "503", "default"],
            Self::Tus(_) => &[
                "400", "401", "403", "404", "409", "412", "413", "415", "422", "423", "429", "460", "503", "507",
                "default",
            ],
            Self::Cookie => &["400", "401", "403", "422", "429", "503", "default"],
        };
        let mut responses: Map<String, Value> =
            statuses.iter().map(|status| ((*status).to_owned(), refused.clone())).collect();
        let (summary, parameters, body) = match self {
            Self::Upload => {
                let file = Shape::of::<File<'static>>().reference(true, parts);
                responses.insert(
                    "201".into(),
                    json!({
                        "description": "The file.", "content": { "application/json": { "schema": file } },
                    }),
                );
                let name = parameter("name", "query", super::forms::file_name(), "The name of the file.");
                let body = json!({ "required": true, "content": { "application/octet-stream": { "schema": bytes } } });
                ("Upload a file: the body is its bytes. It waits a day for a message.", vec![name], Some(body))
            }
            Self::Download => {
                let whole = json!({ "description": "The file's bytes.", "content": { "*/*": { "schema": bytes } } });
                responses.insert("200".into(), whole.clone());
                responses.insert("206".into(), whole);
                responses.insert("304".into(), json!({ "description": "The caller has it already (If-None-Match)." }));
                let id = json!({ "type": "string" });
                let save = json!({ "type": "boolean" });
                let parameters = vec![
                    parameter("file", "path", id, "Which."),
                    parameter("download", "query", save, "Whether it is to be saved and not shown."),
                    parameter("link", "query", json!({ "type": "string" }), "The token of a link, without any other."),
                    parameter("Range", "header", json!({ "type": "string" }), "One range of bytes."),
                ];
                ("The bytes of a file, for those who may see the message that holds it.", parameters, None)
            }
            Self::Thumbnail => {
                let whole =
                    json!({ "description": "The picture's bytes.", "content": { "image/*": { "schema": bytes } } });
                responses.insert("200".into(), whole);
                responses.insert("304".into(), json!({ "description": "The caller has it already (If-None-Match)." }));
                let size = json!({ "type": "string", "enum": ["small", "large"] });
                let parameters = vec![
                    parameter("file", "path", json!({ "type": "string" }), "Which."),
                    parameter("size", "path", size, "small: 640 pixels at most; large: 1,600."),
                    parameter("link", "query", json!({ "type": "string" }), "The token of a link, without any other."),
                ];
                ("A picture, smaller where there is a smaller one, for those who may read it.", parameters, None)
            }
            Self::Tus(tus) => {
                let (summary, parameters, body, answers) = tus.described(parts);
                responses.extend(answers);
                (summary, parameters, body)
            }
            Self::Cookie => {
                responses.insert("204".into(), json!({ "description": "The cookie is set." }));
                ("Let this browser read files by their addresses, for as long as the session.", Vec::new(), None)
            }
        };
        let mut described = json!({
            "operationId": self.name(),
            "summary": summary,
            "tags": ["file"],
            "security": [{ "bearer": [] }],
            "parameters": parameters,
            "responses": responses,
        });
        if let Some(body) = body {
            described["requestBody"] = body;
        }
        described
    }
}

/// Adds these requests to the OpenAPI document.
pub(super) fn describe(paths: &mut Map<String, Value>, parts: &mut Parts) {
    for (method, path, bytes) in ROUTES {
        let item = paths.entry(*path).or_insert_with(|| json!({}));
        item[method.to_ascii_lowercase()] = bytes.described(parts);
    }
}

/// The query parameters, each at most once, with these names only.
pub(super) fn parameters<const N: usize>(query: &str, names: [&str; N]) -> Result<[Option<String>; N], Error> {
    let mut found = [const { None }; N];
    for (name, value) in query_pairs(query)? {
        let place = names.iter().position(|known| *known == name);
        let slot = place.and_then(|place| found.get_mut(place));
        let slot = slot.ok_or_else(|| Error::invalid(&name, "There is no such query parameter here."))?;
        if slot.replace(value).is_some() {
            return Err(Error {
                field: Some(format!("/{name}")),
                ..Error::new(ErrorCode::Malformed, format!("{name} is given twice."))
            });
        }
    }
    Ok(found)
}

fn upload(request: &Request<'_>, desk: Desk) -> Result<Step, Error> {
    let [name] = parameters(request.query, ["name"])?;
    let name = name.ok_or_else(|| Error::invalid("name", "name is missing: what the file is called, as ?name=…"))?;
    let size = (request.header)("content-length").and_then(|length| length.trim().parse().ok());
    let answer = move |file: files::File| RestAnswer::json(201, Answer::new("file", &File::from(&file)).data);
    Ok(Step::Receive(NewFile { name, size }, Box::new(move |file| desk.end(file.map(answer)))))
}

fn download(captures: &Captures, request: &Request<'_>, desk: Desk) -> Result<Step, Error> {
    let [saved, _link] = parameters(request.query, ["download", "link"])?;
    let is_saved = match saved.as_deref() {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(Error::invalid("download", "download must be true or false.")),
    };
    let id = file_in(captures).ok_or_else(|| Error::not_found("file"))?;
    let header = |name: &str| (request.header)(name);
    let wishes =
        Wishes { is_saved, known: header("if-none-match"), range: header("range"), range_of: header("if-range") };
    Ok(Step::Open(id, Box::new(move |file| desk.end(file.map(|file| wishes.answer(&file))))))
}

/// The file that a path names.
pub(super) fn file_in(captures: &Captures) -> Option<FileId> {
    captures.first().and_then(|(_, text)| FileId::parse(text))
}

fn thumbnail(captures: &Captures, request: &Request<'_>, desk: Desk) -> Result<Step, Error> {
    let [_link] = parameters(request.query, ["link"])?;
    let id = file_in(captures).ok_or_else(|| Error::not_found("file"))?;
    let size = captures.get(1).and_then(|(_, text)| ThumbnailSize::from_name(text));
    let size = size.ok_or_else(|| Error::invalid("size", "size must be small or large."))?;
    let known = (request.header)("if-none-match");
    let answer = move |thumbnail: files::Thumbnail| {
        let tag = format!("\"{id}-{}\"", size.name());
        if known.as_deref().is_some_and(|known| names_tag(known, &tag)) {
            return dressed(RestAnswer::empty(304), &tag);
        }
        let bytes = u64::try_from(thumbnail.bytes).unwrap_or(0);
        dressed(RestAnswer::empty(200).with_stored(0..bytes), &tag)
            .with_header("content-type", thumbnail.media_type)
            .with_header("content-disposition", "inline".to_owned())
    };
    Ok(Step::OpenThumbnail(id, size, Box::new(move |opened| desk.end(opened.map(answer)))))
}

/// The cookie is sent back below the paths of files and of pictures only.
fn cookie(request: &Request<'_>, desk: Desk) -> Result<Step, Error> {
    let [] = parameters(request.query, [])?;
    let (scheme, rest) = request.base.split_once("://").unwrap_or_default();
    let below = rest.split_once('/').map(|(_, path)| format!("/{path}")).unwrap_or_default();
    let paths = [format!("{below}/v1/files"), format!("{below}{}", avatars::PATH)];
    let secure = scheme == "https";
    let answer = move |value: String| {
        let given = |answer: RestAnswer, path: &String| {
            answer.with_cookie(&Cookie { name: COOKIE, value: &value, path, lasts: None, secure })
        };
        paths.iter().fold(RestAnswer::empty(204), given)
    };
    Ok(Step::FilesCookie(Box::new(move |value| desk.end(value.map(answer)))))
}

/// The form in which a request wants a file.
struct Wishes {
    is_saved: bool,
    /// The state that they have, if they want only another one.
    known: Option<String>,
    range: Option<String>,
    /// The state that the range is of.
    range_of: Option<String>,
}

impl Wishes {
    fn answer(&self, file: &files::File) -> RestAnswer {
        // The bytes of a file never change.
        let tag = format!("\"{}\"", file.id);
        if self.known.as_deref().is_some_and(|known| names_tag(known, &tag)) {
            return dressed(RestAnswer::empty(304), &tag);
        }
        let size = u64::try_from(file.size).unwrap_or(0);
        let is_of_this = self.range_of.as_deref().is_none_or(|of| of.trim() == tag);
        let part = self.range.as_deref().filter(|_| is_of_this).and_then(|range| range_in(range, size));
        let answer = match part {
            None => RestAnswer::empty(200).with_stored(0..size),
            Some(Some(part)) => {
                let of = format!("bytes {}-{}/{size}", part.start, part.end - 1);
                RestAnswer::empty(206).with_stored(part).with_header("content-range", of)
            }
            Some(None) => return out_of_range(size),
        };
        let shown = if file.is_shown_inline() && !self.is_saved { "inline" } else { "attachment" };
        dressed(answer, &tag)
            .with_header("content-type", file.media_type.clone())
            .with_header("content-disposition", disposition(shown, &file.name))
    }
}

/// Adds the headers of every answer that is about a file's bytes. A browser may keep them, but asks each time whether
/// they may still be shown.
fn dressed(answer: RestAnswer, tag: &str) -> RestAnswer {
    answer
        .with_header("etag", tag.to_owned())
        .with_header("cache-control", "private, no-cache".to_owned())
        .with_header("accept-ranges", "bytes".to_owned())
        .with_header("content-security-policy", SANDBOX.to_owned())
}

fn out_of_range(size: u64) -> RestAnswer {
    let error = Error::new(ErrorCode::RangeNotSatisfiable, format!("The file has {size} bytes."));
    let (status, problem) = rest::problem(&error, None);
    RestAnswer::of(status, PROBLEM_TYPE, problem).with_header("content-range", format!("bytes */{size}"))
}

/// Whether an `If-None-Match` names this state.
pub(super) fn names_tag(known: &str, tag: &str) -> bool {
    known.split(',').map(str::trim).any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag)
}

/// The part of a file that a `Range` asks for: `None` if it is to be ignored, because it is of another unit, of several
/// parts, or not to be read; `Some(None)` if no byte of the file is in it.
fn range_in(range: &str, size: u64) -> Option<Option<Range<u64>>> {
    let (unit, range) = range.split_once('=')?;
    let (first, last) = range.trim().split_once('-')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        // A number that is too large is beyond every file.
        digits.then(|| text.parse().unwrap_or(u64::MAX))
    };
    let part = match (first, last) {
        ("", last) => size.saturating_sub(number(last)?)..size,
        (first, "") => number(first)?..size,
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            if last < first {
                return None;
            }
            first..size.min(last.saturating_add(1))
        }
    };
    Some(Some(part).filter(|part| part.start < part.end))
}

/// A `Content-Disposition` (RFC 6266): the name in the characters of RFC 8187, and for old clients in ASCII.
fn disposition(shown: &str, name: &str) -> String {
    let is_plain = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '%' | '/' | ';') || c == ' ';
    let plain: String = name.chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
    let mut encoded = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    format!("{shown}; filename=\"{plain}\"; filename*=UTF-8''{encoded}")
}

/// A file.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OfFile {
    /// Which.
    pub(super) file: FileKey,
}

/// A file that a message carries.
#[derive(Serialize, ToSchema)]
pub struct File<'a> {
    /// Its id: its bytes are at `/v1/files/{id}`.
    id: String,
    /// The name of the file.
    name: &'a str,
    /// Its media type, as its bytes tell it.
    media_type: &'a str,
    /// Its size in bytes.
    size: i64,
    /// The SHA-256 of its bytes, in hexadecimal digits.
    sha256: &'a str,
    /// An image's width in pixels, as it is shown; `null` for other files, and while it is not known.
    width: Option<i64>,
    /// Its height.
    height: Option<i64>,
    /// How an image looks from far away, as a blurhash (blurha.sh); `null` for other files, and if it cannot be decoded.
    blurhash: Option<&'a str>,
    /// Duration and loudness of a voice message, as its sender gives them; `null` for other files.
    voice: Option<Voice<'a>>,
}

/// An address that opens a file without any other credential.
#[derive(Serialize, ToSchema)]
pub struct Link {
    /// The path and query, below the server's address.
    path: String,
    /// When it opens nothing any more.
    #[schema(value_type = fields::Moment)]
    expires_at: Time,
}

impl From<&files::FileLink> for Link {
    fn from(link: &files::FileLink) -> Self {
        let path = format!("/v1/files/{}?link={}", link.file, link.token);
        Self { path, expires_at: Time(link.expires_at) }
    }
}

impl<'a> From<&'a files::File> for File<'a> {
    fn from(file: &'a files::File) -> Self {
        let (width, height) = file.pixels.unzip();
        Self {
            id: file.id.to_string(),
            name: &file.name,
            media_type: &file.media_type,
            size: file.size,
            sha256: &file.sha256,
            width,
            height,
            blurhash: file.blurhash.as_deref(),
            voice: file.voice.as_ref().map(Voice::from),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_a_part_of_the_file_or_ignored_or_refused() {
        let part = |range: &str| range_in(range, 10);
        assert_eq!(part("bytes=0-0"), Some(Some(0..1)));
        assert_eq!(part("bytes=2-5"), Some(Some(2..6)));
        assert_eq!(part("bytes=2-"), Some(Some(2..10)));
        assert_eq!(part("bytes=-3"), Some(Some(7..10)));
        assert_eq!(part("bytes=-30"), Some(Some(0..10)));
        assert_eq!(part("Bytes = 9-99999999999999999999999"), Some(Some(9..10)));
        for beyond in ["bytes=10-", "bytes=10-12", "bytes=-0", "bytes=99999999999999999999999-"] {
            assert_eq!(part(beyond), Some(None), "{beyond}");
        }
        for ignored in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=a-b",
            "bytes=5-2",
            "bytes=0-1,3-4",
            "lines=1-2",
            "bytes=+1-2",
            "bytes=0x1-2",
            "bytes=1 -2",
        ] {
            assert_eq!(part(ignored), None, "{ignored}");
        }
        assert_eq!(range_in("bytes=0-", 0), Some(None));
    }

    #[test]
    fn a_name_never_leaves_its_header() {
        assert_eq!(disposition("inline", "a b.png"), "inline; filename=\"a b.png\"; filename*=UTF-8''a%20b.png");
        let odd = disposition("attachment", "x\"; filename=evil.exe\r\nset-cookie: a\\%41/世.txt");
        assert_eq!(
            odd,
            "attachment; filename=\"x__ filename=evil.exe__set-cookie: a__41__.txt\"; \
             filename*=UTF-8''x%22%3B%20filename%3Devil.exe%0D%0Aset-cookie%3A%20a%5C%2541%2F%E4%B8%96.txt"
        );
    }

    #[test]
    fn a_state_is_found_among_others() {
        for known in ["\"a\"", "W/\"a\"", "\"b\", \"a\"", "*"] {
            assert!(names_tag(known, "\"a\""), "{known}");
        }
        for other in ["", "a", "\"ab\"", "\"b\""] {
            assert!(!names_tag(other, "\"a\""), "{other}");
        }
    }
}
