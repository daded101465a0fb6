//! A request's body: JSON, the fields of a form, or pieces that are read on demand. Its size is checked as it comes.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, header},
};
use chat::{Error, ErrorCode};
use dialects::rest::{self, FormValue};
use http_body_util::{BodyDataStream, BodyExt, Limited};
use hyper::body::{Body as _, Frame};

/// The largest number of fields in a form.
const FIELDS: usize = 256;
/// Bytes of a refused body that are still read and discarded: the largest file that the old clients send, with some
/// room. Beyond it the connection is closed while the sender writes.
const DISCARDED: usize = 16 << 20;
/// How long discarding may take.
const DISCARDING: Duration = Duration::from_secs(10);

/// Reads a body of at most `most` bytes. Reading a form ends at the first file: no endpoint takes files in forms yet,
/// and the sender should be refused before the file has come. Many clients read the answer only after they have written
/// everything, so the rest is read and discarded meanwhile: closing the connection would lose the answer.
pub(crate) async fn read(most: i64, headers: &HeaderMap, body: Body) -> Result<rest::Body, Error> {
    let body = Lent(Arc::new(Mutex::new(body)));
    let _rest = Rest::of(headers, body.clone());
    read_lent(most, headers, body).await
}

/// Discards the unread rest of a body when it is dropped. A client that asks first (`Expect: 100-continue`) sends no
/// body after a refusal.
struct Rest(Option<Lent>);

impl Rest {
    fn of(headers: &HeaderMap, body: Lent) -> Self {
        Self((!headers.contains_key(header::EXPECT)).then_some(body))
    }
}

impl Drop for Rest {
    fn drop(&mut self) {
        if let Some(body) = self.0.take().filter(|body| !body.is_end_stream()) {
            tokio::spawn(tokio::time::timeout(DISCARDING, discard(body)));
        }
    }
}

/// A body that is read piece by piece. What is not read yet stays with the sender, except for what the connection has
/// buffered, which is bounded; the sender's clock rests meanwhile ([`Peer`](crate::peer::Peer)).
pub(crate) struct Pieces {
    body: Lent,
    most: u64,
    taken: u64,
    _rest: Rest,
}

impl Pieces {
    /// A body of at most `most` bytes.
    ///
    /// # Errors
    /// `too_large` if its `Content-Length` is larger.
    pub(crate) fn new(most: u64, headers: &HeaderMap, body: Body) -> Result<Self, Error> {
        let body = Lent(Arc::new(Mutex::new(body)));
        let pieces = Self { _rest: Rest::of(headers, body.clone()), body, most, taken: 0 };
        if content_length(headers).is_some_and(|length| length > most) { Err(too_large(most)) } else { Ok(pieces) }
    }

    /// The next piece; `None` at the end.
    ///
    /// # Errors
    /// `too_large`, `too_slow`, or `malformed` if the body ends too early.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<u8>>, Error> {
        while let Some(frame) = self.body.frame().await {
            let frame = frame.map_err(|error| unreadable(&error, "The body could not be read to its end."))?;
            // The other frames are trailers, which are ignored.
            let Ok(piece) = frame.into_data() else { continue };
            self.taken = self.taken.saturating_add(piece.len() as u64);
            if self.taken > self.most {
                return Err(too_large(self.most));
            }
            return Ok(Some(piece.into()));
        }
        Ok(None)
    }
}

/// A body that is shared between its reader and [`Rest`].
#[derive(Clone)]
struct Lent(Arc<Mutex<Body>>);

impl hyper::body::Body for Lent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner)).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_end_stream()
    }
}

async fn discard(mut body: Lent) {
    let mut left = DISCARDED;
    while let Some(Ok(frame)) = body.frame().await {
        left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
        if left == 0 {
            return;
        }
    }
}

async fn read_lent(most: i64, headers: &HeaderMap, body: Lent) -> Result<rest::Body, Error> {
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if kind == "multipart/form-data" {
        return read_multipart(most, media_type, body).await;
    }
    // A body whose `Content-Length` is too large is not read, and a client that asks first (`Expect`) is not told to
    // send it.
    if content_length(headers).is_some_and(|length| length > most as u64) {
        return Err(too_large(most));
    }
    let bytes = collect(most, body).await?;
    match kind.as_str() {
        _ if bytes.is_empty() => Ok(rest::Body::Json(Vec::new())),
        "application/json" => Ok(rest::Body::Json(bytes)),
        "application/x-www-form-urlencoded" => {
            let text = String::from_utf8(bytes).map_err(|_| malformed("The form is not text in UTF-8."))?;
            let fields = rest::query_pairs(&text)?;
            if fields.len() > FIELDS {
                return Err(too_many_fields());
            }
            Ok(rest::Body::Form(fields.into_iter().map(|(name, value)| (name, FormValue::Text(value))).collect()))
        }
        _ => Err(malformed("The body must be JSON: Content-Type: application/json.")),
    }
}

async fn collect(most: usize, body: Lent) -> Result<Vec<u8>, Error> {
    let body = Limited::new(body, most).collect().await.map_err(|error| {
        if error.is::<http_body_util::LengthLimitError>() {
            too_large(most)
        } else {
            unreadable(&*error, "The body could not be read to its end.")
        }
    })?;
    Ok(body.to_bytes().into())
}

async fn read_multipart(most: usize, media_type: &str, body: Lent) -> Result<rest::Body, Error> {
    let boundary = multer::parse_boundary(media_type).map_err(|_| malformed("The form's boundary is missing."))?;
    let limit = multer::SizeLimit::new().whole_stream(u64::try_from(most).unwrap_or(u64::MAX));
    let constraints = multer::Constraints::new().size_limit(limit);
    let mut form = multer::Multipart::with_constraints(BodyDataStream::new(body), boundary, constraints);
    let mut fields = Vec::new();
    while let Some(field) = form.next_field().await.map_err(|error| unreadable_form(&error, most))? {
        if fields.len() >= FIELDS {
            return Err(too_many_fields());
        }
        let name = field.name().ok_or_else(|| malformed("A field of the form has no name."))?.to_owned();
        if field.file_name().is_some() {
            fields.push((name, FormValue::File));
            break;
        }
        let bytes = field.bytes().await.map_err(|error| unreadable_form(&error, most))?;
        let text = String::from_utf8(bytes.into()).map_err(|_| Error {
            field: Some(format!("/{name}")),
            ..malformed("A field of the form is not text in UTF-8.")
        })?;
        fields.push((name, FormValue::Text(text)));
    }
    Ok(rest::Body::Form(fields))
}

fn unreadable_form(error: &multer::Error, most: usize) -> Error {
    match error {
        multer::Error::StreamSizeExceeded { .. } | multer::Error::FieldSizeExceeded { .. } => too_large(most),
        _ => unreadable(error, "The form could not be read to its end."),
    }
}

/// The error for a body that cannot be read to its end.
fn unreadable(error: &(dyn std::error::Error + 'static), detail: &str) -> Error {
    let causes = std::iter::successors(Some(error), |error| error.source());
    let is_late = |cause: &(dyn std::error::Error + 'static)| {
        cause.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::TimedOut)
    };
    if causes.into_iter().any(is_late) {
        return Error::new(ErrorCode::TooSlow, "The body came too slowly.");
    }
    malformed(detail)
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok())
}

fn too_large(most: impl std::fmt::Display) -> Error {
    Error::new(ErrorCode::TooLarge, format!("A body may have at most {most} bytes."))
}

fn too_many_fields() -> Error {
    malformed(&format!("A form may have at most {FIELDS} fields."))
}

fn malformed(detail: &str) -> Error {
    Error::new(ErrorCode::Malformed, detail)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    async fn read_as(kind: &str, text: &str) -> Result<rest::Body, ErrorCode> {
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, header::HeaderValue::from_str(kind).unwrap())]);
        read(1_000, &headers, Body::from(text.to_owned())).await.map_err(|error| error.code)
    }

    fn form(fields: &[(&str, Option<&str>)]) -> rest::Body {
        let value = |text: &Option<&str>| text.map_or(FormValue::File, |text| FormValue::Text(text.to_owned()));
        rest::Body::Form(fields.iter().map(|(name, text)| ((*name).to_owned(), value(text))).collect())
    }

    #[tokio::test]
    async fn forms_are_read_field_by_field_until_a_file_comes() {
        let text = |name: &str, value: &str| {
            format!("--B\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        };
        let file = "--B\r\ncontent-disposition: form-data; name=\"attachment\"; filename=\"a.png\"\r\n\r\nnever read";
        let kind = "multipart/form-data; boundary=B";
        let whole = format!("{}{}--B--\r\n", text("content", "Été"), text("participants", "2"));
        let fields = form(&[("content", Some("Été")), ("participants", Some("2"))]);
        assert_eq!(read_as(kind, &whole).await, Ok(fields));
        let with_file = format!("{}{file}", text("content", "x"));
        assert_eq!(read_as(kind, &with_file).await, Ok(form(&[("content", Some("x")), ("attachment", None)])));
        assert_eq!(read_as("multipart/form-data", &whole).await, Err(ErrorCode::Malformed));
        assert_eq!(read_as(kind, &text("content", "x")).await, Err(ErrorCode::Malformed), "it has no end");
        assert_eq!(read_as(kind, &text("content", &"x".repeat(2_000))).await, Err(ErrorCode::TooLarge));
        let many = text("a", "").repeat(300);
        let many = read(
            1_000_000,
            &HeaderMap::from_iter([(
                header::CONTENT_TYPE,
                header::HeaderValue::from_static("multipart/form-data; boundary=B"),
            )]),
            Body::from(format!("{many}--B--\r\n")),
        )
        .await;
        assert_eq!(many.unwrap_err().code, ErrorCode::Malformed);
    }

    #[tokio::test]
    async fn other_bodies_are_json_or_an_encoded_form() {
        let fields = form(&[("a", Some("1 2")), ("b", Some(""))]);
        assert_eq!(read_as("application/x-www-form-urlencoded", "a=1+2&b=").await, Ok(fields));
        assert_eq!(read_as("application/json; charset=utf-8", "{}").await, Ok(rest::Body::Json(b"{}".to_vec())));
        assert_eq!(read_as("text/plain", "").await, Ok(rest::Body::Json(Vec::new())));
        assert_eq!(read_as("text/plain", "x").await, Err(ErrorCode::Malformed));
        assert_eq!(read_as("application/json", &"x".repeat(1_001)).await, Err(ErrorCode::TooLarge));
    }

    /// A body of `count` pieces of 16 KiB, and a counter of those that were read.
    fn of_pieces(count: usize) -> (Body, Arc<AtomicUsize>) {
        let taken = Arc::new(AtomicUsize::new(0));
        (Body::new(OfPieces { left: count, taken: taken.clone() }), taken)
    }

    struct OfPieces {
        left: usize,
        taken: Arc<AtomicUsize>,
    }

    impl hyper::body::Body for OfPieces {
        type Data = Bytes;
        type Error = std::io::Error;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
            if self.left == 0 {
                return Poll::Ready(None);
            }
            self.left -= 1;
            self.taken.fetch_add(1, Ordering::Relaxed);
            Poll::Ready(Some(Ok(Frame::data(Bytes::from(vec![7; 16 << 10])))))
        }
    }

    #[tokio::test]
    async fn a_large_body_is_read_piece_by_piece_on_demand() {
        let count = (100 << 20) / (16 << 10);
        let (body, taken) = of_pieces(count);
        let mut pieces = Pieces::new(100 << 20, &HeaderMap::new(), body).unwrap();
        for nth in 1..=count {
            assert_eq!(pieces.next().await.unwrap().map(|piece| piece.len()), Some(16 << 10));
            assert_eq!(taken.load(Ordering::Relaxed), nth, "it waits with the sender");
        }
        assert_eq!(pieces.next().await, Ok(None));
    }

    #[tokio::test]
    async fn pieces_are_refused_beyond_their_limit_before_they_come_or_when_they_do() {
        let (body, taken) = of_pieces(3);
        let length = HeaderMap::from_iter([(header::CONTENT_LENGTH, header::HeaderValue::from(3 * (16 << 10)))]);
        let refused = Pieces::new(40_000, &length, body).map(|_| ()).map_err(|error| error.code);
        assert_eq!((refused, taken.load(Ordering::Relaxed)), (Err(ErrorCode::TooLarge), 0));
        let (body, _) = of_pieces(3);
        let mut pieces = Pieces::new(40_000, &HeaderMap::new(), body).unwrap();
        assert!(pieces.next().await.is_ok() && pieces.next().await.is_ok());
        assert_eq!(pieces.next().await.map_err(|error| error.code), Err(ErrorCode::TooLarge));
    }
}
