//! Files up and down: how much memory each transfer takes, how fast a file comes from the disk, beside another server if
//! one is named, and how long somebody's sends take meanwhile.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::{
    Common,
    crew::{Host, Person, together},
    histogram::{Histogram, Percentiles},
    load::nonce,
    report::Report,
    server::usage,
    socket::{Target, find},
};

/// Uploads of one person that are under way at the same time; the server's limit is a little higher.
const EACH: usize = 5;
/// Bytes that are written or read at once.
const BLOCK: usize = 256 << 10;
/// How often the server's memory is looked at.
const LOOK: Duration = Duration::from_millis(10);
/// Between two sends of the member who sends meanwhile.
const PACE: Duration = Duration::from_millis(20);
/// How long the member's sends are measured while nothing is carried.
const CALM: Duration = Duration::from_secs(2);

/// The files that are carried.
pub struct FilesLoad {
    /// Bytes of each file.
    pub bytes: usize,
    /// Transfers at the same time.
    pub transfers: usize,
    /// A URL of the same bytes on another server, to be read in turn with ours.
    pub against: Option<String>,
}

/// Uploads, downloads, and reads one file again and again.
///
/// # Errors
/// If a transfer fails.
pub async fn run(common: &Common, host: &Host, target: &Target, load: FilesLoad) -> Result<Report> {
    let FilesLoad { bytes, transfers, against } = load;
    let mut report = Report::new(format!("{transfers} files of {bytes} bytes at once, up and down"), &common.setting);
    report.connections = transfers;
    let people = host.people("files", transfers.div_ceil(EACH))?;
    let carriers: Vec<(Person, Target)> =
        (0..transfers).filter_map(|nth| Some((people.get(nth / EACH)?.clone(), target.clone()))).collect();
    // Memory that a first transfer allocates for good does not count for the others.
    let (owner, first) =
        (carriers.first().context("there is nobody")?.0.clone(), upload(target, &carriers[0].0, bytes).await?);
    download(target.address, &target.host, &path(&first), Some(&owner.token)).await?;
    let other = against.as_deref().map(parse).transpose()?;
    let sends = Sends::begin(host.clone())?;
    tokio::time::sleep(CALM).await;
    report.ack_calm = sends.so_far();
    report.remember("before", usage(&common.server_pid)?);
    let (files, up) = watched(
        common,
        together(carriers.clone(), transfers, move |(person, target)| async move {
            Ok((upload(&target, &person, bytes).await?, person, target))
        }),
    )
    .await?;
    report.ack_beside_uploads = sends.so_far();
    let (_, down) = watched(
        common,
        again_and_again(common.seconds, files.clone(), |(file, person, target)| async move {
            download(target.address, &target.host, &path(&file), Some(&person.token)).await.map(drop)
        }),
    )
    .await?;
    report.ack_beside_downloads = sends.so_far();
    let per_transfer = |peak: Option<u64>| peak.map(|peak| peak as f64 / transfers.max(1) as f64);
    (report.rss_per_upload, report.rss_per_download) = (per_transfer(up), per_transfer(down));
    if let Some(other) = &other {
        // The same load of the machine without ours: what is left of the times is the machine's.
        again_and_again(common.seconds, vec![other.clone(); transfers], |(address, host, path)| async move {
            download(address, &host, &path, None).await.map(drop)
        })
        .await?;
        report.ack_beside_others_downloads = sends.so_far();
    }
    sends.end()?;
    let begin = Instant::now();
    let (mut ours, mut others) = (Speed::default(), Speed::default());
    while begin.elapsed() < Duration::from_secs(common.seconds) {
        ours.take(download(target.address, &target.host, &path(&first), Some(&owner.token)).await?);
        if let Some((address, name, path)) = &other {
            others.take(download(*address, name, path, None).await?);
        }
    }
    report.seconds = begin.elapsed().as_secs_f64();
    report.bytes_per_second = ours.per_second();
    report.others_bytes_per_second = others.per_second();
    report.share_of_other = report.bytes_per_second.zip(report.others_bytes_per_second).map(|(own, other)| own / other);
    report.remember("after", usage(&common.server_pid)?);
    for (file, person) in files.iter().map(|(file, person, _)| (file, person)).chain([(&first, &owner)]) {
        ask(target.address, &head("DELETE", &path(file), &target.host, Some(&person.token), 0)).await?;
    }
    Ok(report)
}

fn path(file: &str) -> String {
    format!("/v1/files/{file}")
}

/// The place of a URL.
fn parse(url: &str) -> Result<(SocketAddr, String, String)> {
    let rest = url.strip_prefix("http://").context("--against must begin with http://")?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    Ok((host.parse().context("--against must name an address with a port")?, host.to_owned(), format!("/{path}")))
}

/// Does something, and looks at the server's memory meanwhile: how much it was more than before, at most.
async fn watched<T>(common: &Common, work: impl Future<Output = Result<T>>) -> Result<(T, Option<u64>)> {
    let Some(before) = usage(&common.server_pid)? else { return Ok((work.await?, None)) };
    let mut most = before.rss;
    let mut ticks = tokio::time::interval(LOOK);
    tokio::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return Ok((done?, Some(most.saturating_sub(before.rss)))),
            _ = ticks.tick() => most = most.max(usage(&common.server_pid)?.map_or(0, |now| now.rss)),
        }
    }
}

/// Does something with each item at the same time, and then again, for so many seconds.
async fn again_and_again<I, W>(seconds: u64, items: Vec<I>, work: impl Fn(I) -> W + Copy) -> Result<()>
where
    I: Clone + Send + 'static,
    W: Future<Output = Result<()>> + Send + 'static,
{
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(seconds) {
        together(items.clone(), items.len(), work).await?;
    }
    Ok(())
}

/// Bytes and the time that they took.
#[derive(Default)]
struct Speed {
    bytes: u64,
    seconds: f64,
}

impl Speed {
    fn take(&mut self, (bytes, took): (u64, Duration)) {
        self.bytes += bytes;
        self.seconds += took.as_secs_f64();
    }

    fn per_second(&self) -> Option<f64> {
        (self.bytes > 0).then(|| self.bytes as f64 / self.seconds.max(0.000_001))
    }
}

fn head(method: &str, path: &str, host: &str, token: Option<&str>, length: usize) -> String {
    let credential = token.map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default();
    let length = if method == "POST" { format!("content-length: {length}\r\n") } else { String::new() };
    format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n{credential}{length}\r\n")
}

/// Uploads a file of so many bytes. Returns its id.
async fn upload(target: &Target, person: &Person, bytes: usize) -> Result<String> {
    let mut stream = TcpStream::connect(target.address).await?;
    let head = head("POST", "/v1/files?name=bench.txt", &target.host, Some(&person.token), bytes);
    stream.write_all(head.as_bytes()).await?;
    let block = vec![b'a'; BLOCK.min(bytes)];
    let mut left = bytes;
    while left > 0 {
        let now = left.min(block.len());
        stream.write_all(&block[..now]).await?;
        left -= now;
    }
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let body = body_of(&answer)?;
    let file: Value = serde_json::from_slice(body).context("an upload was not answered with a file")?;
    file["id"].as_str().map(str::to_owned).with_context(|| format!("an upload was refused: {file}"))
}

/// Asks for something whose answer is short.
async fn ask(address: SocketAddr, head: &str) -> Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(head.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    body_of(&answer).map(drop)
}

fn body_of(answer: &[u8]) -> Result<&[u8]> {
    let end = find(answer, b"\r\n\r\n").context("an answer without an end of its head")?;
    answer.get(end + 4..).context("an answer without a body")
}

/// Reads a file to its end, and forgets it. Returns its size, and how long that took.
async fn download(address: SocketAddr, host: &str, path: &str, token: Option<&str>) -> Result<(u64, Duration)> {
    let begin = Instant::now();
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(head("GET", path, host, token, 0).as_bytes()).await?;
    let mut block = vec![0; BLOCK];
    let (mut start, mut read) = (Vec::new(), 0);
    let body = loop {
        let count = stream.read(&mut block).await?;
        ensure!(count > 0, "a download ended before its head");
        start.extend_from_slice(&block[..count]);
        if let Some(end) = find(&start, b"\r\n\r\n") {
            break start.len() - end - 4;
        }
    };
    if !start.starts_with(b"HTTP/1.1 200") {
        bail!("a download was answered with: {}", String::from_utf8_lossy(&start[..start.len().min(200)]));
    }
    read += body as u64;
    loop {
        match stream.read(&mut block).await? {
            0 => return Ok((read, begin.elapsed())),
            count => read += count as u64,
        }
    }
}

/// A member who sends all the while. They have a thread of their own, as they would have a machine: on that of the
/// transfers their answers would wait for a hundred sockets that are read, which is not the server's doing.
struct Sends {
    is_over: Arc<AtomicBool>,
    times: Arc<Mutex<Histogram>>,
    thread: std::thread::JoinHandle<Result<()>>,
}

impl Sends {
    fn begin(host: Host) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (is_over, times) = (Arc::new(AtomicBool::new(false)), Arc::<Mutex<Histogram>>::default());
        let (over, record) = (is_over.clone(), times.clone());
        let thread = std::thread::spawn(move || runtime.block_on(send_until(host, &over, &record)));
        Ok(Self { is_over, times, thread })
    }

    /// The times since this was last asked for.
    fn so_far(&self) -> Option<Percentiles> {
        std::mem::take(&mut *self.times.lock().unwrap_or_else(PoisonError::into_inner)).percentiles()
    }

    fn end(self) -> Result<()> {
        self.is_over.store(true, Relaxed);
        self.thread.join().map_err(|_| anyhow!("the member who sends has panicked"))?
    }
}

async fn send_until(host: Host, is_over: &AtomicBool, times: &Mutex<Histogram>) -> Result<()> {
    let sender = host.person("files-sender", 0)?;
    let room = host.room(&sender, "bench-files").await?;
    let (mut socket, _) = host.enter(&sender).await?;
    let nonce = nonce();
    for count in 0_u64.. {
        if is_over.load(Relaxed) {
            break;
        }
        let since = Instant::now();
        let message = json!({"conversation": room, "client_id": format!("{nonce}-{count}"), "text": "beside"});
        socket.call("message.send", &message).await?;
        let took = u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX);
        times.lock().unwrap_or_else(PoisonError::into_inner).record(took);
        tokio::time::sleep(PACE.saturating_sub(since.elapsed())).await;
    }
    socket.cut();
    Ok(())
}
