//! Uploads in parts, as tus 1.0 describes them (<https://tus.io/protocols/resumable-upload>): core, creation with the
//! first bytes, termination, checksum and expiration. What has come whole is a file, under the upload's own id.

use std::time::{Duration, UNIX_EPOCH};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chat::{
    Command, Error, ErrorCode, FileId, Millis, Reply,
    uploads::{Algorithm, Checksum, NewUpload, Upload},
};
use serde_json::{Map, Value, json};

use super::{
    encode::Answer,
    files::{File, parameters},
    schemas::{Parts, Shape},
};
use crate::{
    Step,
    rest::{Captures, Desk, Request, RestAnswer, Takes},
    step::Then,
};

/// The one version of tus that is spoken.
const VERSION: &str = "1.0.0";
/// The headers of every answer here, refusals included.
pub(super) const ALWAYS: &[(&str, &str)] = &[("tus-resumable", VERSION), ("tus-version", VERSION)];
/// The extensions of tus that are supported.
const EXTENSIONS: &str = "creation,creation-with-upload,termination,checksum,expiration";
/// The media type of bytes that go on with an upload.
const OFFSET_BYTES: &str = "application/offset+octet-stream";

/// A request about an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tus {
    /// Say which version and extensions of tus are supported.
    Options,
    /// Begin an upload, with its first bytes or without any.
    Begin,
    /// Say how far it has come.
    State,
    /// Go on with it.
    Append,
    /// Give it up.
    Remove,
    /// One of the last three, by a header: for who can send no other method.
    Overridden,
}

impl Tus {
    /// Its name, for logs and metrics.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Options => "upload.options",
            Self::Begin => "upload.begin",
            Self::State => "upload.state",
            Self::Append => "upload.append",
            Self::Remove => "upload.remove",
            Self::Overridden => "upload.overridden",
        }
    }

    /// How its body is read.
    pub(super) fn takes(self) -> Takes {
        match self {
            Self::Begin | Self::Append | Self::Overridden => Takes::File,
            Self::Options | Self::State | Self::Remove => Takes::Whole,
        }
    }

    /// The operation that it asks for.
    pub(super) fn step(self, captures: &Captures, request: &Request<'_>, desk: Desk) -> Result<Step, Error> {
        let [] = parameters(request.query, [])?;
        let header = |name: &str| (request.header)(name);
        if self == Self::Options {
            return Ok(Step::Server(Box::new(move |server| {
                let answer = server.map(|server| {
                    let algorithms: Vec<&str> = Algorithm::ALL.iter().map(|algorithm| algorithm.name()).collect();
                    RestAnswer::empty(204)
                        .with_header("tus-extension", EXTENSIONS.to_owned())
                        .with_header("tus-max-size", server.limits.file_bytes.to_string())
                        .with_header("tus-checksum-algorithm", algorithms.join(","))
                });
                desk.end(answer)
            })));
        }
        if header("tus-resumable").as_deref() != Some(VERSION) {
            let detail = format!("Tus-Resumable must be {VERSION}.");
            return Err(Error::new(ErrorCode::UnsupportedVersion, detail));
        }
        let id = || {
            let id = captures.first().and_then(|(_, text)| FileId::parse(text));
            id.ok_or_else(|| Error::not_found("upload"))
        };
        match self {
            Self::Options => Err(Error::internal()),
            Self::Begin => begin(request, desk),
            Self::State => Ok(Step::Do(Box::new(Command::CheckUpload(id()?)), then(desk, state))),
            Self::Append => append(request, id()?, desk),
            Self::Remove => Ok(Step::Do(
                Box::new(Command::RemoveUpload(id()?)),
                Box::new(move |done| desk.end(done.map(|_| RestAnswer::empty(204)))),
            )),
            Self::Overridden => match header("x-http-method-override").as_deref() {
                Some("PATCH") => Self::Append.step(captures, request, desk),
                Some("DELETE") => Self::Remove.step(captures, request, desk),
                Some("HEAD") => Self::State.step(captures, request, desk),
                _ => {
                    let detail = "Allowed here: GET, HEAD, PATCH, DELETE; or POST with one of the last three as \
                                  X-HTTP-Method-Override.";
                    Err(Error::new(ErrorCode::MethodNotAllowed, detail))
                }
            },
        }
    }

    /// Its description in the OpenAPI document: summary, parameters, body, and the answers.
    pub(super) fn described(self, parts: &mut Parts) -> (&'static str, Vec<Value>, Option<Value>, Map<String, Value>) {
        let header = |name: &str, required: bool, description: &str| {
            json!({ "name": name, "in": "header", "required": required, "schema": { "type": "string" },
                    "description": description })
        };
        let version = header("Tus-Resumable", true, "The version of tus: 1.0.0.");
        let offset = header("Upload-Offset", true, "How many bytes have come, as the caller believes.");
        let checksum = header("Upload-Checksum", false, "sha1 or sha256, a space, and the value in Base64.");
        let upload = json!({ "name": "upload", "in": "path", "required": true, "schema": { "type": "string" },
                             "description": "Which." });
        let bytes = json!({ "required": self == Self::Append,
                            "content": { OFFSET_BYTES: { "schema": { "type": "string", "format": "binary" } } } });
        let (summary, parameters, body, status, said) = match self {
            Self::Options => ("The supported version and extensions of tus.", Vec::new(), None, "204", "In headers."),
            Self::Begin => (
                "Begin to upload a file in parts, by tus 1.0; its first bytes may come along.",
                vec![
                    version,
                    header("Upload-Length", true, "How many bytes the file has."),
                    header("Upload-Metadata", false, "filename, a space, and the name in Base64."),
                    checksum,
                ],
                Some(bytes),
                "201",
                "It is begun; Location is its address. The file, if it is whole.",
            ),
            Self::State => {
                ("How far an own upload has come (HEAD).", vec![upload, version], None, "200", "In headers.")
            }
            Self::Append => (
                "Go on with an own upload. With its last bytes it is a file, under the same id.",
                vec![upload, version, offset, checksum],
                Some(bytes),
                "204",
                "The bytes are kept.",
            ),
            Self::Remove => ("Give an own upload up.", vec![upload, version], None, "204", "It is gone."),
            Self::Overridden => (
                "HEAD, PATCH or DELETE, for who can send none of them.",
                vec![upload, version, header("X-HTTP-Method-Override", true, "HEAD, PATCH or DELETE.")],
                None,
                "204",
                "As that method's.",
            ),
        };
        let mut answer = json!({ "description": said });
        if self == Self::Begin {
            let file = Shape::of::<File<'static>>().reference(true, parts);
            answer["content"] = json!({ "application/json": { "schema": file } });
        }
        (summary, parameters, body, Map::from_iter([(status.to_owned(), answer)]))
    }
}

/// Answers with an upload.
fn then(desk: Desk, answer: fn(&Upload) -> RestAnswer) -> Then<Reply> {
    Box::new(move |reply| match reply {
        Ok(Reply::Upload(upload)) => desk.end(Ok(answer(&upload))),
        Ok(_) => desk.end(Err(Error::internal())),
        Err(error) => desk.end(Err(error)),
    })
}

fn begin(request: &Request<'_>, desk: Desk) -> Result<Step, Error> {
    let header = |name: &str| (request.header)(name);
    if header("upload-defer-length").is_some() {
        return Err(Error::invalid("upload-length", "A file's size must be known when its upload begins."));
    }
    let size = whole("upload-length", header("upload-length"))?;
    let name = match header("upload-metadata") {
        Some(metadata) => name_in(&metadata)?.unwrap_or_else(|| "file".to_owned()),
        None => "file".to_owned(),
    };
    let place = format!("{}/v1/files/uploads", request.base);
    let has_bytes = header("content-type").is_some_and(|kind| is_offset_bytes(&kind));
    let checksum = checksum(header("upload-checksum"))?.filter(|_| has_bytes);
    let begun = move |upload: &Upload| {
        let answer = match &upload.file {
            Some(file) => RestAnswer::json(201, Answer::new("file", &File::from(file)).data),
            None => RestAnswer::empty(201),
        };
        with_place(answer, upload).with_header("location", format!("{place}/{}", upload.id))
    };
    let next: Then<Reply> = Box::new(move |reply| match reply {
        Ok(Reply::Upload(upload)) if has_bytes => {
            let id = upload.id;
            // It is begun, whatever becomes of its first bytes: how many are kept is said.
            let answer = move |appended: Result<Upload, Error>| match appended {
                Err(error) if error.code == ErrorCode::UnsupportedType => desk.end(Err(error)),
                appended => desk.end(Ok(begun(&appended.unwrap_or(*upload)))),
            };
            Step::Append { upload: id, offset: 0, checksum, then: Box::new(answer) }
        }
        Ok(Reply::Upload(upload)) => desk.end(Ok(begun(&upload))),
        Ok(_) => desk.end(Err(Error::internal())),
        Err(error) => desk.end(Err(error)),
    });
    Ok(Step::Do(Box::new(Command::BeginUpload(NewUpload { name, size })), next))
}

fn append(request: &Request<'_>, upload: FileId, desk: Desk) -> Result<Step, Error> {
    let header = |name: &str| (request.header)(name);
    if !header("content-type").is_some_and(|kind| is_offset_bytes(&kind)) {
        let detail = format!("The Content-Type must be {OFFSET_BYTES}.");
        return Err(Error::new(ErrorCode::UnsupportedType, detail));
    }
    let offset = whole("upload-offset", header("upload-offset"))?;
    let checksum = checksum(header("upload-checksum"))?;
    let answer = |upload: Upload| with_place(RestAnswer::empty(204), &upload);
    Ok(Step::Append { upload, offset, checksum, then: Box::new(move |upload| desk.end(upload.map(answer))) })
}

/// The answer to a HEAD. The name is told as it is kept.
fn state(upload: &Upload) -> RestAnswer {
    with_place(RestAnswer::empty(200), upload)
        .with_header("upload-length", upload.size.to_string())
        .with_header("upload-metadata", format!("filename {}", STANDARD.encode(&upload.name)))
}

/// Says how far it has come, and until when it may be gone on with.
fn with_place(answer: RestAnswer, upload: &Upload) -> RestAnswer {
    let answer = answer.with_header("upload-offset", upload.received.to_string());
    match upload.expires_at {
        Some(at) => answer.with_header("upload-expires", date(at)),
        None => answer,
    }
}

fn date(at: Millis) -> String {
    httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_millis(u64::try_from(at.0).unwrap_or(0)))
}

fn is_offset_bytes(media_type: &str) -> bool {
    media_type.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(OFFSET_BYTES)
}

/// A header's whole number.
fn whole(name: &str, value: Option<String>) -> Result<i64, Error> {
    let value = value.ok_or_else(|| Error::invalid(name, format!("{name} is missing.")))?;
    let digits = !value.is_empty() && value.len() <= 18 && value.bytes().all(|byte| byte.is_ascii_digit());
    let number = digits.then(|| value.parse().ok()).flatten();
    number.ok_or_else(|| Error::invalid(name, format!("{name} must be a whole number from 0 on.")))
}

/// The name of the file in `Upload-Metadata`: pairs of a key and a value in Base64.
fn name_in(metadata: &str) -> Result<Option<String>, Error> {
    for pair in metadata.split(',') {
        let (key, value) = pair.trim().split_once(' ').unwrap_or((pair.trim(), ""));
        if key == "filename" || key == "name" {
            let bytes = STANDARD.decode(value.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            let wrong = || Error::invalid("upload-metadata", "The filename must be UTF-8 in Base64.");
            return bytes.ok_or_else(wrong).map(Some);
        }
    }
    Ok(None)
}

fn checksum(header: Option<String>) -> Result<Option<Checksum>, Error> {
    let Some(header) = header else { return Ok(None) };
    let wrong = || {
        let detail = "Upload-Checksum must be sha1 or sha256, a space, and the value in Base64.";
        Error { field: Some("/upload-checksum".into()), ..Error::new(ErrorCode::Malformed, detail) }
    };
    let (name, value) = header.trim().split_once(' ').ok_or_else(wrong)?;
    let algorithm = Algorithm::from_name(name).ok_or_else(wrong)?;
    let value = STANDARD.decode(value.trim()).ok().filter(|value| value.len() == algorithm.length());
    Ok(Some(Checksum { algorithm, value: value.ok_or_else(wrong)? }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_among_the_metadata() {
        let found = |metadata: &str| name_in(metadata).unwrap();
        assert_eq!(found("filetype aW1hZ2UvcG5n,filename w4l0w6kucG5n").as_deref(), Some("Été.png"));
        assert_eq!(found("name YQ==, other").as_deref(), Some("a"));
        assert_eq!((found("other YQ=="), found("")), (None, None));
        for wrong in ["filename *", "filename /w=="] {
            assert_eq!(name_in(wrong).unwrap_err().code, ErrorCode::Invalid, "{wrong}");
        }
    }

    #[test]
    fn a_checksum_has_an_algorithm_that_is_known_and_as_many_bytes_as_that_gives() {
        let read = |text: &str| checksum(Some(text.to_owned()));
        let sha1 = read("sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=").unwrap().unwrap();
        assert_eq!((sha1.algorithm, sha1.value.len()), (Algorithm::Sha1, 20));
        for wrong in
            ["", "sha1", "md5 1B2M2Y8AsgTpgAmY7PhCfg==", "sha1 AAAA", "sha1 *", "sha256 Kq5sNclPz7QV2+lfQIuc6R7oRu0="]
        {
            assert_eq!(read(wrong).unwrap_err().code, ErrorCode::Malformed, "{wrong}");
        }
        assert_eq!(checksum(None).unwrap(), None);
    }

    #[test]
    fn numbers_are_digits_and_nothing_else() {
        let read = |text: &str| whole("upload-offset", Some(text.to_owned()));
        assert_eq!((read("0").unwrap(), read("10485760").unwrap()), (0, 10_485_760));
        for wrong in ["", "-1", "+1", " 1", "1e3", "99999999999999999999"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_moment_is_written_as_http_writes_it() {
        assert_eq!(date(Millis(784_111_777_000)), "Sun, 06 Nov 1994 08:49:37 GMT");
    }
}
