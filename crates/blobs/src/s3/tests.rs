//! The bucket against a store of a hundred lines, which does what it is told to do wrong; and against another one, if
//! `PALABRE_TEST_S3` says where one is (`cargo xtask with-s3`).

use std::{
    collections::{BTreeMap, VecDeque},
    path::PathBuf,
    pin::Pin,
    sync::{Mutex, MutexGuard},
    task::{Context, Poll},
};

use http_body_util::{BodyExt as _, Either, Full};
use hyper::{
    Request, Response,
    body::{Body, Frame, Incoming, SizeHint},
    http::request::Parts,
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use super::*;

/// The fault of a store with a request.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    /// It refuses, and nothing happens.
    Busy,
    /// It does it, and the connection breaks before the answer.
    Deaf,
    /// It gives half of the body, and breaks.
    Half,
    /// It has no room.
    Full,
    /// It knows no such key.
    Forbidden,
}

#[derive(Default)]
struct Kept {
    objects: BTreeMap<String, Vec<u8>>,
    uploads: BTreeMap<String, (String, BTreeMap<u32, Vec<u8>>)>,
    /// With each of the next questions.
    faults: VecDeque<Option<Fault>>,
    asked: Vec<String>,
    encryption: Vec<String>,
    begun: u32,
}

#[derive(Clone, Default)]
struct Store(Arc<Mutex<Kept>>);

impl Store {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap()
    }

    async fn start() -> (Self, String) {
        let (store, listener) = (Self::default(), TcpListener::bind("127.0.0.1:0").await.unwrap());
        let address = listener.local_addr().unwrap();
        let serving = store.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let store = serving.clone();
                let serve = service_fn(move |request| store.clone().serve(request));
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), serve));
            }
        });
        (store, format!("http://{address}"))
    }

    async fn serve(self, request: Request<Incoming>) -> std::io::Result<Response<Either<Full<Bytes>, Half>>> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.map_err(std::io::Error::other)?.to_bytes();
        let query: BTreeMap<String, String> = head
            .uri
            .query()
            .unwrap_or_default()
            .split('&')
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .map(|(name, value)| (name.to_owned(), value.replace("%2F", "/")))
            .collect();
        let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        assert!(header("authorization").starts_with("AWS4-HMAC-SHA256 Credential=key/"), "unsigned");
        assert_eq!(header("x-amz-content-sha256"), hash_of(&body), "the hash is the body's");
        let object = head.uri.path().strip_prefix("/bucket/").expect("the bucket").to_owned();
        let fault = self.note(&head, header("x-amz-server-side-encryption"));
        let say = |status: u16, code: &str| {
            let text = format!("<Error><Code>{code}</Code></Error>");
            Ok(Response::builder().status(status).body(Either::Left(Full::from(text))).unwrap())
        };
        match fault {
            Some(Fault::Busy) => return say(503, "SlowDown"),
            Some(Fault::Full) => return say(507, "XMinioStorageFull"),
            Some(Fault::Forbidden) => return say(403, "InvalidAccessKeyId"),
            _ => {}
        }
        let answer = self.kept().answer(head.method.as_str(), &object, &query, header("range"), &body);
        match fault {
            Some(Fault::Deaf) => Err(std::io::ErrorKind::ConnectionReset.into()),
            Some(Fault::Half) => {
                let bytes = answer.into_body().collect().await.unwrap().to_bytes();
                let half = Half { claimed: bytes.len() as u64, bytes: Some(bytes.slice(..bytes.len() / 2)) };
                Ok(Response::builder().status(206).body(Either::Right(half)).unwrap())
            }
            _ => Ok(answer.map(Either::Left)),
        }
    }

    fn note(&self, head: &Parts, encryption: &str) -> Option<Fault> {
        let mut kept = self.kept();
        let range = head.headers.get("range").and_then(|range| range.to_str().ok()).unwrap_or_default();
        kept.asked.push(format!("{} {range}", head.method));
        kept.encryption.push(encryption.to_owned());
        kept.faults.pop_front().flatten()
    }
}

/// A body that ends too early.
struct Half {
    bytes: Option<Bytes>,
    claimed: u64,
}

impl Body for Half {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<std::io::Result<Frame<Bytes>>>> {
        let some = self.bytes.take().map(Frame::data);
        Poll::Ready(Some(some.ok_or_else(|| std::io::ErrorKind::ConnectionReset.into())))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.claimed)
    }
}

impl Kept {
    fn answer(
        &mut self,
        method: &str,
        object: &str,
        query: &BTreeMap<String, String>,
        range: &str,
        body: &Bytes,
    ) -> Response<Full<Bytes>> {
        let say = |status: u16, text: String| Response::builder().status(status).body(Full::from(text)).unwrap();
        let nothing = || say(404, "<Error><Code>NoSuchKey</Code></Error>".into());
        match (method, query.get("uploadId")) {
            ("POST", None) => {
                self.begun += 1;
                let id = format!("up&{}", self.begun);
                self.uploads.insert(id.clone(), (object.to_owned(), BTreeMap::new()));
                say(200, format!("<R><UploadId>{}</UploadId></R>", xml::escaped(&id)))
            }
            ("PUT", Some(id)) => {
                let part = query["partNumber"].parse().unwrap();
                let Some((_, parts)) = self.uploads.get_mut(&id.replace("%26", "&")) else { return nothing() };
                parts.insert(part, body.to_vec());
                Response::builder().header("etag", format!("\"{part}\"")).body(Full::default()).unwrap()
            }
            ("POST", Some(id)) => {
                let Some((object, parts)) = self.uploads.remove(&id.replace("%26", "&")) else { return nothing() };
                assert_eq!(xml::elements(&String::from_utf8_lossy(body), "Part").count(), parts.len());
                self.objects.insert(object, parts.into_values().flatten().collect());
                say(200, "<R/>".into())
            }
            ("DELETE", Some(id)) => {
                self.uploads.remove(&id.replace("%26", "&"));
                say(204, String::new())
            }
            ("PUT", None) => {
                self.objects.insert(object.to_owned(), body.to_vec());
                say(200, String::new())
            }
            ("DELETE", None) => {
                self.objects.remove(object);
                say(204, String::new())
            }
            _ if object.is_empty() && query.contains_key("uploads") => {
                let entry = |(id, (object, _)): (&String, &(String, BTreeMap<u32, Vec<u8>>))| {
                    let id = xml::escaped(id);
                    format!(
                        "<Upload><Key>{object}</Key><UploadId>{id}</UploadId><Initiated>2020-01-01T00:00:00.000Z</Initiated></Upload>"
                    )
                };
                say(200, format!("<R>{}</R>", self.uploads.iter().map(entry).collect::<String>()))
            }
            _ if object.is_empty() => {
                let most: usize = query["max-keys"].parse().unwrap();
                let (prefix, after) = (&query["prefix"], &query["start-after"]);
                let mut names = self.objects.keys().filter(|name| name.starts_with(prefix) && *name > after);
                let entry = |name: &String| {
                    format!(
                        "<Contents><Key>{name}</Key><LastModified>2020-01-01T00:00:00.000Z</LastModified></Contents>"
                    )
                };
                let entries: String = names.by_ref().take(most).map(entry).collect();
                let more = names.next().is_some();
                say(200, format!("<R><IsTruncated>{more}</IsTruncated>{entries}</R>"))
            }
            _ => {
                let Some(bytes) = self.objects.get(object) else { return nothing() };
                let Some((from, to)) = range.strip_prefix("bytes=").and_then(|range| range.split_once('-')) else {
                    let length = bytes.len();
                    let bytes = if method == "HEAD" { Vec::new() } else { bytes.clone() };
                    return Response::builder().header("content-length", length).body(bytes.into()).unwrap();
                };
                let (from, to): (usize, usize) = (from.parse().unwrap(), to.parse().unwrap());
                let part = bytes[from..bytes.len().min(to + 1)].to_vec();
                Response::builder().status(206).body(part.into()).unwrap()
            }
        }
    }
}

struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        let mut random = [0; 8];
        getrandom::fill(&mut random).unwrap();
        let path = std::env::temp_dir().join(format!("palabre-s3-{:016x}", u64::from_be_bytes(random)));
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn name(&self) -> String {
        self.0.file_name().unwrap().to_string_lossy().into_owned()
    }

    fn bucket(&self, endpoint: &str) -> Bucket {
        Bucket {
            endpoint: Some(endpoint.to_owned()),
            region: "us-east-1".into(),
            name: "bucket".into(),
            prefix: "some/prefix".into(),
            access_key: "key".into(),
            secret_key: "secret".into(),
            path_style: true,
            encryption: None,
            gather: self.0.join("uploads"),
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.0);
    }
}

fn id(first: u8, last: u8) -> FileId {
    let mut bits = [7; 16];
    (bits[0], bits[15]) = (first, last);
    FileId::of(bits)
}

fn bytes(size: u64) -> Vec<u8> {
    (0..size).map(|at| u8::try_from(at % 251).unwrap()).collect()
}

async fn put(s3: &S3, id: FileId, bytes: &[u8]) -> Result<()> {
    let mut writing = s3.begin(id).await?;
    for piece in bytes.chunks(1 << 20) {
        writing.write(piece.to_vec()).await?;
    }
    writing.finish().await
}

async fn whole(s3: &S3, id: FileId) -> Result<Vec<u8>> {
    let mut reading = s3.open(id).await?;
    let size = usize::try_from(reading.size()).unwrap();
    let mut all = Vec::new();
    while all.len() < size {
        all.extend(reading.read(all.len() as u64, 128 << 10).await?);
    }
    Ok(all)
}

/// Checks what must hold of every store.
async fn keeps(s3: &S3) {
    s3.check().await.unwrap();
    assert!(matches!(s3.open(id(1, 1)).await.map(drop), Err(Error::NotFound)));
    let small = bytes(300_000);
    let mut writing = s3.begin(id(1, 1)).await.unwrap();
    writing.write(small[..100].to_vec()).await.unwrap();
    assert_eq!(writing.written().await.unwrap().read(90, 99).await.unwrap(), small[90..100]);
    assert!(matches!(s3.open(id(1, 1)).await.map(drop), Err(Error::NotFound)), "not before it is whole");
    writing.write(small[100..].to_vec()).await.unwrap();
    writing.finish().await.unwrap();
    let mut reading = s3.open(id(1, 1)).await.unwrap();
    assert_eq!(reading.size(), 300_000);
    for (from, most) in [(0_usize, 10_usize), (10, 10), (299_999, 10), (5, 100_000), (100_005, 1)] {
        let read = reading.read(from as u64, most).await.unwrap();
        assert_eq!(read, small[from..small.len().min(from + most)], "{from} {most}");
    }
    assert_eq!(reading.read(300_000, 1).await.unwrap(), b"");
    // In parts, of which the last is a small one.
    let large = bytes(2 * PART + 70_000);
    put(s3, id(2, 1), &large).await.unwrap();
    assert!(whole(s3, id(2, 1)).await.unwrap() == large);
    for last in 2..5 {
        put(s3, id(1, last), b"x").await.unwrap();
    }
    let (mut found, mut last) = (Vec::new(), None);
    while let page = s3.list(last, Duration::ZERO, 2).await.unwrap()
        && !page.is_empty()
    {
        assert!(page.len() <= 2);
        last = page.last().copied();
        found.extend(page);
    }
    assert_eq!(found, [id(1, 1), id(1, 2), id(1, 3), id(1, 4), id(2, 1)]);
    for one in found {
        s3.remove(one).await.unwrap();
        s3.remove(one).await.unwrap();
    }
    assert_eq!(s3.list(None, Duration::ZERO, 9).await.unwrap(), []);
    assert_eq!(s3.sweep_unfinished(Duration::ZERO).await.unwrap(), 0);
}

#[tokio::test]
async fn a_bucket_keeps_blobs() {
    let (scratch, (store, endpoint)) = (Scratch::new(), Store::start().await);
    keeps(&S3::at(scratch.bucket(&endpoint)).unwrap()).await;
    assert!(store.kept().objects.is_empty());
    assert_eq!(std::fs::read_dir(scratch.0.join("uploads/unfinished")).unwrap().count(), 0, "nothing is left here");
}

#[tokio::test]
async fn a_bucket_of_another_store_keeps_blobs() {
    let Ok(endpoint) = std::env::var("PALABRE_TEST_S3") else { return };
    let scratch = Scratch::new();
    let bucket = Bucket { name: "palabre".into(), prefix: scratch.name(), ..scratch.bucket(&endpoint) };
    keeps(&S3::at(bucket.clone()).unwrap()).await;
    // One that is not there is not taken for a blob that is missing.
    let missing = S3::at(Bucket { name: "missing".into(), ..bucket }).unwrap();
    assert!(matches!(missing.check().await, Err(Error::Unavailable(_))));
    assert!(matches!(missing.open(id(1, 1)).await.map(drop), Err(Error::Unavailable(_))));
    assert!(matches!(put(&missing, id(1, 1), b"x").await, Err(Error::Unavailable(_))));
}

#[tokio::test]
async fn what_the_store_could_not_do_just_now_is_asked_again_and_done_once() {
    let (scratch, (store, endpoint)) = (Scratch::new(), Store::start().await);
    let s3 = S3::at(scratch.bucket(&endpoint)).unwrap();
    let large = bytes(PART + 1);
    // Each step of an upload in parts: begin, two parts, the end. After it each has been done once too often.
    for fault in [Fault::Busy, Fault::Deaf] {
        for step in 0..4 {
            store.kept().faults = std::iter::repeat_n(None, step).chain([Some(fault)]).collect();
            let file = id(fault as u8, u8::try_from(step).unwrap());
            put(&s3, file, &large).await.unwrap_or_else(|error| panic!("{fault:?} at step {step}: {error}"));
            assert!(whole(&s3, file).await.unwrap() == large, "{fault:?} at step {step}");
        }
    }
    // An upload that was begun twice is left over once, and swept.
    let left = store.kept().uploads.len();
    assert_eq!(left, 1);
    assert_eq!(s3.sweep_unfinished(Duration::from_secs(86_400)).await.unwrap(), left);
    assert!(store.kept().uploads.is_empty());
    // A download that breaks goes on where it was.
    store.kept().faults = VecDeque::from([Some(Fault::Deaf), None, Some(Fault::Half), Some(Fault::Half)]);
    assert!(whole(&s3, id(0, 0)).await.unwrap() == large);
}

#[tokio::test]
async fn a_store_that_is_away_or_full_or_refuses_says_so_and_nothing_is_kept() {
    let (scratch, (store, endpoint)) = (Scratch::new(), Store::start().await);
    let s3 = S3::at(scratch.bucket(&endpoint)).unwrap();
    store.kept().faults = VecDeque::from([Some(Fault::Full)]);
    assert!(matches!(put(&s3, id(1, 1), b"x").await, Err(Error::Full)));
    store.kept().faults = VecDeque::from([Some(Fault::Forbidden)]);
    let refused = put(&s3, id(1, 1), b"x").await.unwrap_err().to_string();
    assert!(refused.contains("403") && refused.contains("InvalidAccessKeyId"), "{refused}");
    store.kept().faults = VecDeque::from([Some(Fault::Busy); 4]);
    let busy = put(&s3, id(1, 1), b"x").await.unwrap_err().to_string();
    assert!(busy.contains("503") && busy.contains("SlowDown"), "{busy}");
    assert!(store.kept().objects.is_empty());
    let nobody = S3::at(scratch.bucket("http://127.0.0.1:1")).unwrap();
    for failed in [put(&nobody, id(1, 1), b"x").await, nobody.open(id(1, 1)).await.map(drop)] {
        assert!(matches!(&failed, Err(Error::Unavailable(why)) if why.contains("127.0.0.1:1")), "{failed:?}");
    }
    assert_eq!(std::fs::read_dir(scratch.0.join("uploads/unfinished")).unwrap().count(), 0);
}

#[tokio::test]
async fn what_is_kept_is_encrypted_as_it_was_asked_for() {
    let (scratch, (store, endpoint)) = (Scratch::new(), Store::start().await);
    let bucket = Bucket { encryption: Some("aws:kms=a-key".into()), ..scratch.bucket(&endpoint) };
    put(&S3::at(bucket).unwrap(), id(1, 1), &bytes(PART + 1)).await.unwrap();
    // At the beginning of an upload in parts; the parts are as it is.
    assert_eq!(store.kept().encryption, ["aws:kms", "", "", ""]);
}

#[tokio::test]
async fn the_part_that_is_wanted_is_asked_for_once_and_no_more() {
    let (scratch, (store, endpoint)) = (Scratch::new(), Store::start().await);
    let s3 = S3::at(scratch.bucket(&endpoint)).unwrap();
    let all = bytes(500_000);
    put(&s3, id(1, 1), &all).await.unwrap();
    store.kept().asked.clear();
    let mut reading = s3.open(id(1, 1)).await.unwrap();
    reading.plan(100..300_100);
    let mut read = Vec::new();
    while read.len() < 300_000 {
        read.extend(reading.read(100 + read.len() as u64, 100_000).await.unwrap());
        // Whoever has begun to read reads to the end, also of what was removed.
        s3.remove(id(1, 1)).await.unwrap();
    }
    assert!(read == all[100..300_100]);
    let asked = store.kept().asked.iter().filter(|asked| !asked.starts_with("DELETE")).cloned().collect::<Vec<_>>();
    assert_eq!(asked, ["HEAD ", "GET bytes=100-300099"]);
}
