//! Blobs in a bucket of an S3-compatible store: each is an object, named after its id behind a prefix.
//!
//! An upload is gathered in a local folder and sent when it is whole: a slow sender holds neither memory nor one of the
//! store's connections, and what is refused has never been in the bucket. What is larger than a part is sent in parts,
//! each read from the disk while it goes; the store shows an object only once it has all of them.
//!
//! This speaks the few requests that are needed, over connections of its own ([`line`]), signed by [`sign`]. The usual
//! library for it holds each part in memory while it is sent, and does not list the uploads that a crash has left.

mod line;
mod sign;
#[cfg(test)]
mod tests;
mod xml;

use std::{
    fs::File,
    ops::Range,
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};

use aws_lc_rs::digest;
use bytes::Bytes;
use chat::FileId;
use hyper::{Method, StatusCode};
use jiff::Timestamp;

use crate::{
    Blobs, Error, Folder, Reading, Result, Work, Writing,
    folder::{self, Unfinished, blocking, read_at},
};
use line::{Answer, Line, Sent};

/// The size of a part: a store takes at most 10,000 of them, and none but the last may be smaller than 5 MiB.
const PART: u64 = if cfg!(test) { 5 << 20 } else { 16 << 20 };
/// How often something is asked for that the store could not do just now.
const TRIES: u32 = 4;
/// The pause after the first try; after each further one it is four times as long.
const PAUSE: Duration = Duration::from_millis(100);
/// Objects that are listed by one question at most; more than this no store says.
const PAGE: usize = 1_000;
/// The bytes that are read of an answer that is not a blob.
const TEXT: usize = 4 << 20;
/// The hash of nothing.
const NOTHING: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// Where a bucket is, and who may use it.
#[derive(Clone)]
pub struct Bucket {
    /// The store's URL without a path; absent for AWS.
    pub endpoint: Option<String>,
    /// Its region.
    pub region: String,
    /// The bucket's name.
    pub name: String,
    /// The beginning of all objects' names, without slashes at its ends; may be empty.
    pub prefix: String,
    /// Who asks, and with what their requests are signed.
    pub access_key: String,
    /// See `access_key`.
    pub secret_key: String,
    /// Whether the bucket's name stands in the path, not in the host's name.
    pub path_style: bool,
    /// How the store is to encrypt objects: `AES256`, `aws:kms`, or `aws:kms=KEY`.
    pub encryption: Option<String>,
    /// The local folder in which uploads are gathered.
    pub gather: PathBuf,
}

/// A bucket with blobs.
#[derive(Clone)]
pub struct S3(Arc<Inner>);

struct Inner {
    line: Line,
    key: sign::Key,
    /// The beginning of every request's path.
    base: String,
    prefix: String,
    encryption: Vec<(&'static str, String)>,
    gather: Folder,
}

/// A request to the store.
struct Ask {
    method: Method,
    /// The object's name; empty for the bucket itself.
    object: String,
    query: Vec<(&'static str, String)>,
    headers: Vec<(&'static str, String)>,
    content: Content,
}

/// The content of a request.
enum Content {
    Text(Bytes),
    /// A part of a file, with its SHA-256.
    Part(Arc<File>, Range<u64>, String),
}

impl Ask {
    fn new(method: Method, object: String) -> Self {
        Self { method, object, query: Vec::new(), headers: Vec::new(), content: Content::Text(Bytes::new()) }
    }

    fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    fn content(self, content: Content) -> Self {
        Self { content, ..self }
    }
}

impl S3 {
    /// The bucket that is described. Nothing is asked of it yet.
    ///
    /// # Errors
    /// What is wrong with the endpoint, or that this machine trusts no authority.
    pub fn at(bucket: Bucket) -> std::result::Result<Self, String> {
        let aws = || format!("https://s3.{}.amazonaws.com", bucket.region);
        let line =
            Line::to(&bucket.endpoint.clone().unwrap_or_else(aws), (!bucket.path_style).then_some(&bucket.name))?;
        let base = if bucket.path_style { format!("/{}", sign::encoded(&bucket.name, false)) } else { String::new() };
        let prefix = if bucket.prefix.is_empty() { String::new() } else { format!("{}/", bucket.prefix) };
        let encryption = match bucket.encryption.as_deref().map(|how| how.split_once('=').unwrap_or((how, ""))) {
            None => Vec::new(),
            Some((how, "")) => vec![("x-amz-server-side-encryption", how.to_owned())],
            Some((how, key)) => vec![
                ("x-amz-server-side-encryption", how.to_owned()),
                ("x-amz-server-side-encryption-aws-kms-key-id", key.to_owned()),
            ],
        };
        let key = sign::Key { access: bucket.access_key, secret: bucket.secret_key, region: bucket.region };
        let gather = Folder::at(&bucket.gather);
        Ok(Self(Arc::new(Inner { line, key, base, prefix, encryption, gather })))
    }

    /// Whether the bucket can be written to, read and cleared.
    ///
    /// # Errors
    /// Why not.
    pub async fn check(&self) -> Result<()> {
        let name = format!("{}check-{}", self.0.prefix, std::process::id());
        let text = Bytes::from_static(b"palabre");
        let put = self.encrypted(Ask::new(Method::PUT, name.clone())).content(Content::Text(text.clone()));
        self.ask(&put).await?.text(TEXT).await?;
        let read = self.ask(&Ask::new(Method::GET, name.clone())).await?.text(TEXT).await?;
        self.ask(&Ask::new(Method::DELETE, name)).await?.text(TEXT).await?;
        if read == text {
            Ok(())
        } else {
            Err(Error::Unavailable("it gives back other bytes than it was given".into()))
        }
    }

    fn object(&self, id: FileId) -> String {
        format!("{}{id}", self.0.prefix)
    }

    fn encrypted(&self, ask: Ask) -> Ask {
        self.0.encryption.iter().fold(ask, |ask, (name, value)| ask.header(name, value.clone()))
    }

    /// Asks, again if the store could not do it just now: everything that is asked may be done twice.
    async fn ask(&self, ask: &Ask) -> Result<Answer> {
        let mut pause = PAUSE;
        for nth in 1.. {
            let failed = match self.ask_once(ask).await {
                Ok(answer) if answer.status().is_success() => return Ok(answer),
                Ok(answer) => refusal(ask, answer).await,
                Err(why) => Failed { error: Error::Unavailable(why), passes: true },
            };
            if !failed.passes || nth >= TRIES {
                return Err(failed.error);
            }
            tokio::time::sleep(pause).await;
            pause *= 4;
        }
        Err(Error::Unavailable("it was not asked".into()))
    }

    async fn ask_once(&self, ask: &Ask) -> std::result::Result<Answer, String> {
        let inner = &self.0;
        let path = format!("{}/{}", inner.base, sign::encoded(&ask.object, true));
        let query = sign::query(&ask.query);
        let (hash, length) = match &ask.content {
            Content::Text(text) if text.is_empty() => (NOTHING.to_owned(), 0),
            Content::Text(text) => (hash_of(text), text.len() as u64),
            Content::Part(_, range, hash) => (hash.clone(), range.end - range.start),
        };
        let date = sign::date(Timestamp::now());
        let mut headers: Vec<(&str, String)> = ask.headers.clone();
        headers.push(("host", inner.line.host().to_owned()));
        headers.push(("x-amz-content-sha256", hash.clone()));
        headers.push(("x-amz-date", date.clone()));
        headers.sort_unstable();
        let what =
            sign::What { method: ask.method.as_str(), path: &path, query: &query, headers: &headers, hash: &hash };
        let authorization = sign::authorization(&inner.key, &date, &what);
        let target = if query.is_empty() { path } else { format!("{path}?{query}") };
        let mut request = hyper::Request::builder().method(ask.method.clone()).uri(target);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        request = request.header("authorization", authorization).header("content-length", length);
        let sent = match &ask.content {
            Content::Text(text) => Sent::of_text(text.clone()),
            Content::Part(file, range, _) => Sent::of_file(file.clone(), range.clone()),
        };
        inner.line.send(request.body(sent).map_err(|error| error.to_string())?, length).await
    }

    /// The size of a blob.
    async fn size_of(&self, id: FileId) -> Result<u64> {
        let object = self.object(id);
        match self.ask(&Ask::new(Method::HEAD, object.clone())).await {
            Ok(answer) => {
                let size = answer.length().ok_or_else(|| Error::Unavailable("an object has no size".into()));
                answer.text(TEXT).await?;
                size
            }
            // An answer to this question has no words: whether the object or the bucket is missing says another.
            Err(Error::NotFound) => {
                let ask = Ask::new(Method::GET, object).header("range", "bytes=0-0");
                self.ask(&ask).await?.text(TEXT).await?;
                Err(Error::Unavailable("an object comes and goes".into()))
            }
            Err(error) => Err(error),
        }
    }

    /// Sends a file, which is readable from then on.
    async fn put(&self, id: FileId, file: Arc<File>) -> Result<()> {
        let size = file.metadata()?.len();
        if size > PART {
            return self.put_in_parts(id, &file, size).await;
        }
        let ask = self.encrypted(Ask::new(Method::PUT, self.object(id)));
        self.ask(&ask.content(part_of(&file, 0..size).await?)).await?.text(TEXT).await?;
        Ok(())
    }

    async fn put_in_parts(&self, id: FileId, file: &Arc<File>, size: u64) -> Result<()> {
        let object = self.object(id);
        let begin = self.encrypted(Ask::new(Method::POST, object.clone())).with("uploads", "");
        let begun = self.ask(&begin).await?.text(TEXT).await?;
        let upload = xml::first(&xml::read(&begun)?, "UploadId")
            .ok_or_else(|| Error::Unavailable("an upload in parts was begun without an id".into()))?;
        let put = self.put_parts(&object, &upload, file, size).await;
        if put.is_err() {
            // One that was completed after all, or cannot be given up now, is left to the sweep.
            let _given_up = self.ask(&Ask::new(Method::DELETE, object).with("uploadId", upload)).await;
            // Whether the last question was heard is seen by its effect.
            if self.size_of(id).await.is_ok_and(|there| there == size) {
                return Ok(());
            }
        }
        put
    }

    async fn put_parts(&self, object: &str, upload: &str, file: &Arc<File>, size: u64) -> Result<()> {
        let mut list = String::from("<CompleteMultipartUpload>");
        for (nth, from) in (1..).zip((0..size).step_by(usize::try_from(PART).unwrap_or(usize::MAX))) {
            let content = part_of(file, from..size.min(from + PART)).await?;
            let ask = Ask::new(Method::PUT, object.to_owned()).with("partNumber", nth.to_string());
            let answer = self.ask(&ask.with("uploadId", upload).content(content)).await?;
            let tag = answer.header("etag").unwrap_or_default();
            answer.text(TEXT).await?;
            list += &format!("<Part><PartNumber>{nth}</PartNumber><ETag>{}</ETag></Part>", xml::escaped(&tag));
        }
        list += "</CompleteMultipartUpload>";
        let ask = Ask::new(Method::POST, object.to_owned()).with("uploadId", upload);
        let text = self.ask(&ask.content(Content::Text(list.into()))).await?.text(TEXT).await?;
        // This answer begins before the store knows how it ends.
        match xml::first(&xml::read(&text)?, "Code") {
            None => Ok(()),
            Some(code) => Err(Error::Unavailable(format!("the parts were not put together: {code}"))),
        }
    }

    async fn list_now(&self, after: Option<FileId>, older_than: Duration, limit: usize) -> Result<Vec<FileId>> {
        let before = before(older_than);
        let mut last = after.map(|id| self.object(id)).unwrap_or_default();
        loop {
            let ask = Ask::new(Method::GET, String::new()).with("list-type", "2").with("prefix", &self.0.prefix);
            let ask = ask.with("max-keys", limit.clamp(1, PAGE).to_string()).with("start-after", &last);
            let text = self.ask(&ask).await?.text(TEXT).await?;
            let text = xml::read(&text)?;
            let (mut found, before_page) = (Vec::new(), last.clone());
            for entry in xml::elements(&text, "Contents") {
                last = xml::first(entry, "Key").unwrap_or_default();
                let id = last.strip_prefix(&self.0.prefix).and_then(FileId::parse);
                found.extend(id.filter(|_| is_before(entry, "LastModified", before)));
            }
            // A store that says that there is more, and gives no more, would be asked for ever.
            let is_over = last <= before_page || xml::first(&text, "IsTruncated").as_deref() != Some("true");
            if !found.is_empty() || is_over {
                return Ok(found);
            }
        }
    }

    /// Gives up uploads in parts that were never completed.
    async fn sweep_parts(&self, older_than: Duration) -> Result<usize> {
        let ask = Ask::new(Method::GET, String::new()).with("uploads", "").with("prefix", &self.0.prefix);
        let text = self.ask(&ask).await?.text(TEXT).await?;
        let (text, before) = (xml::read(&text)?, before(older_than));
        let mut swept = 0;
        for entry in xml::elements(&text, "Upload").filter(|entry| is_before(entry, "Initiated", before)) {
            let (Some(object), Some(upload)) = (xml::first(entry, "Key"), xml::first(entry, "UploadId")) else {
                continue;
            };
            if object.strip_prefix(&self.0.prefix).and_then(FileId::parse).is_none() {
                continue;
            }
            match self.ask(&Ask::new(Method::DELETE, object).with("uploadId", upload)).await {
                Ok(answer) => {
                    answer.text(TEXT).await?;
                    swept += 1;
                }
                Err(Error::NotFound) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(swept)
    }
}

impl Blobs for S3 {
    fn begin(&self, id: FileId) -> Work<'_, Box<dyn Writing>> {
        let (s3, gather) = (self.clone(), self.0.gather.clone());
        Box::pin(async move {
            let gathered = folder::Writer::new(blocking(move || gather.begin_now(id)).await?);
            Ok(Box::new(Sending { s3, id, gathered }) as _)
        })
    }

    fn open(&self, id: FileId) -> Work<'_, Box<dyn Reading>> {
        Box::pin(async move {
            let size = self.size_of(id).await?;
            let reader = Reader { s3: self.clone(), object: self.object(id), size, open: None, planned: 0..size };
            Ok(Box::new(reader) as _)
        })
    }

    fn remove(&self, id: FileId) -> Work<'_, ()> {
        Box::pin(async move {
            match self.ask(&Ask::new(Method::DELETE, self.object(id))).await {
                Ok(answer) => answer.text(TEXT).await.map(|_| ()),
                Err(Error::NotFound) => Ok(()),
                Err(error) => Err(error),
            }
        })
    }

    fn list(&self, after: Option<FileId>, older_than: Duration, limit: usize) -> Work<'_, Vec<FileId>> {
        Box::pin(self.list_now(after, older_than, limit))
    }

    fn sweep_unfinished(&self, older_than: Duration) -> Work<'_, usize> {
        Box::pin(async move {
            let gathered = self.0.gather.sweep_unfinished(older_than).await?;
            Ok(gathered + self.sweep_parts(older_than).await?)
        })
    }
}

/// An upload that is gathered in the local folder.
struct Sending {
    s3: S3,
    id: FileId,
    gathered: folder::Writer,
}

impl Writing for Sending {
    fn write(&mut self, bytes: Vec<u8>) -> Work<'_, ()> {
        self.gathered.write(bytes)
    }

    fn written(&mut self) -> Work<'_, Box<dyn Reading>> {
        self.gathered.written()
    }

    fn finish(mut self: Box<Self>) -> Work<'static, ()> {
        Box::pin(async move {
            let gathered: Unfinished = self.gathered.take()?;
            let put = self.s3.put(self.id, Arc::new(gathered.handle()?)).await;
            blocking(move || {
                drop(gathered);
                Ok(())
            })
            .await?;
            put
        })
    }
}

/// A blob that is read over one answer, and over another from where that has broken.
struct Reader {
    s3: S3,
    object: String,
    size: u64,
    open: Option<Open>,
    /// The bytes that will be read of it.
    planned: Range<u64>,
}

/// An answer that is being read.
struct Open {
    answer: Answer,
    /// The place of its next byte, and of its end.
    left: Range<u64>,
    /// Bytes that have come and were not asked for yet.
    rest: Bytes,
}

impl Reader {
    /// Some bytes from this place on, at most so many, at least one.
    async fn some(&mut self, at: u64, most: usize) -> Result<Bytes> {
        let mut open = match self.open.take().filter(|open| open.left.start == at) {
            Some(open) => open,
            None => self.ask(at).await?,
        };
        if open.rest.is_empty() {
            open.rest = open.answer.next().await?.filter(|some| !some.is_empty()).ok_or_else(broken_off)?;
        }
        let some = open.rest.split_to(most.min(open.rest.len()));
        open.left.start += some.len() as u64;
        if open.left.is_empty() {
            // Its end, after which the connection is free for the next question.
            open.answer.next().await?;
        } else {
            self.open = Some(open);
        }
        Ok(some)
    }

    async fn ask(&mut self, at: u64) -> Result<Open> {
        let end = if self.planned.contains(&at) { self.planned.end.min(self.size) } else { self.size };
        let range = format!("bytes={at}-{}", end.saturating_sub(1));
        let answer = self.s3.ask(&Ask::new(Method::GET, self.object.clone()).header("range", range)).await?;
        if answer.status() != StatusCode::PARTIAL_CONTENT && (at, end) != (0, self.size) {
            return Err(Error::Unavailable("the store does not give parts of an object".into()));
        }
        Ok(Open { answer, left: at..end, rest: Bytes::new() })
    }

    async fn read_now(&mut self, from: u64, most: usize) -> Result<Vec<u8>> {
        let left = usize::try_from(self.size.saturating_sub(from)).unwrap_or(usize::MAX);
        let wanted = most.min(left);
        let mut bytes = Vec::with_capacity(wanted);
        let mut failed = 0;
        while bytes.len() < wanted {
            match self.some(from + bytes.len() as u64, wanted - bytes.len()).await {
                Ok(some) => bytes.extend_from_slice(&some),
                Err(Error::Unavailable(_)) if failed < TRIES => failed += 1,
                Err(error) => return Err(error),
            }
        }
        Ok(bytes)
    }
}

impl Reading for Reader {
    fn size(&self) -> u64 {
        self.size
    }

    fn plan(&mut self, part: Range<u64>) {
        self.planned = part;
    }

    fn read(&mut self, from: u64, most: usize) -> Work<'_, Vec<u8>> {
        Box::pin(self.read_now(from, most))
    }
}

fn broken_off() -> Error {
    Error::Unavailable("an object ended before its end".into())
}

/// Why the store has not done something, and whether it may do it a moment later.
struct Failed {
    error: Error,
    passes: bool,
}

async fn refusal(ask: &Ask, answer: Answer) -> Failed {
    let status = answer.status();
    let text = answer.text(TEXT).await.unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let code = xml::first(&text, "Code").unwrap_or_default();
    let words = xml::first(&text, "Message").unwrap_or_default();
    let is_full =
        status == StatusCode::INSUFFICIENT_STORAGE || code.contains("StorageFull") || code.contains("QuotaExceeded");
    let error = match status {
        _ if is_full => Error::Full,
        StatusCode::NOT_FOUND if code != "NoSuchBucket" => Error::NotFound,
        _ => Error::Unavailable(format!("the S3 store answers {} {status} {code} {words}", ask.method)),
    };
    let passes = !is_full
        && (status.is_server_error()
            || [StatusCode::TOO_MANY_REQUESTS, StatusCode::REQUEST_TIMEOUT].contains(&status)
            // A connection that broke in an upload is answered so, by whom it has not reached.
            || code == "RequestTimeout");
    Failed { error, passes }
}

/// A part of a file, with its hash: the store refuses other bytes than these.
async fn part_of(file: &Arc<File>, range: Range<u64>) -> Result<Content> {
    let (source, of) = (file.clone(), range.clone());
    let hash = blocking(move || {
        let (mut context, mut at) = (digest::Context::new(&digest::SHA256), of.start);
        while at < of.end {
            let block = read_at(&source, at, usize::try_from(of.end - at).unwrap_or(usize::MAX).min(folder::BLOCK))?;
            if block.is_empty() {
                return Err(Error::Unavailable("what was gathered is shorter than it was".into()));
            }
            at += block.len() as u64;
            context.update(&block);
        }
        Ok(sign::hex(context.finish().as_ref()))
    });
    Ok(Content::Part(file.clone(), range, hash.await?))
}

fn hash_of(text: &[u8]) -> String {
    sign::hex(digest::digest(&digest::SHA256, text).as_ref())
}

/// The moment so long ago.
fn before(older_than: Duration) -> Timestamp {
    let at = SystemTime::now().checked_sub(older_than).unwrap_or(SystemTime::UNIX_EPOCH);
    Timestamp::try_from(at).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Whether a listed thing is of that moment or earlier; no if that cannot be told.
fn is_before(entry: &str, tag: &str, moment: Timestamp) -> bool {
    xml::first(entry, tag).and_then(|at| at.parse::<Timestamp>().ok()).is_some_and(|at| at <= moment)
}
