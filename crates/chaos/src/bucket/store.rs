//! A small S3 store in a process of its own: it knows the requests that `blobs` makes and no others. What it has
//! acknowledged is in a folder and survives its death, as with any store that is worth the name; the stores of the test
//! suites keep everything in memory and cannot be killed. It moves bytes slowly, so that a kill meets transfers.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result};
use jiff::Timestamp;

/// Bytes that are moved before the next pause.
const PIECE: usize = 32 << 10;
/// The pause after each piece, and between the moment at which something is kept and its answer.
const PAUSE: Duration = Duration::from_millis(2);
/// Bytes of a request that is not an object.
const TEXT: u64 = 1 << 20;

/// The options of `chaos store`, which only `chaos` itself starts.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// The folder of the objects.
    #[arg(long)]
    pub folder: PathBuf,
    /// The address to listen on.
    #[arg(long)]
    pub listen: SocketAddr,
}

/// Serves until the process is killed.
///
/// # Errors
/// If the folder or the address cannot be used.
pub fn serve(options: &Options) -> Result<()> {
    let store = Arc::new(Store { folder: options.folder.clone(), names: AtomicU64::new(0) });
    for inner in [store.objects(), store.drafts(), store.uploads()] {
        fs::create_dir_all(&inner).with_context(|| format!("cannot make {}", inner.display()))?;
    }
    let listener = TcpListener::bind(options.listen).with_context(|| format!("cannot listen on {}", options.listen))?;
    for stream in listener.incoming() {
        let (store, stream) = (store.clone(), stream?);
        thread::spawn(move || {
            // A caller that goes away is not the store's business.
            let _gone = store.converse(stream);
        });
    }
    Ok(())
}

struct Store {
    folder: PathBuf,
    names: AtomicU64,
}

/// The head of a request.
struct Head {
    method: String,
    /// The object's name; empty for the bucket.
    key: String,
    query: BTreeMap<String, String>,
    headers: BTreeMap<String, String>,
}

/// An answer: its status, its content, and which part of an object.
enum Answer {
    Text(u16, String),
    /// The bytes of an object in this range; for `HEAD` they are only counted.
    Object {
        status: u16,
        file: File,
        from: u64,
        length: u64,
    },
}

impl Head {
    /// The next request's; `None` at the end of the connection.
    fn read(from: &mut BufReader<TcpStream>) -> io::Result<Option<Self>> {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            if from.by_ref().take(TEXT).read_line(&mut line)? == 0 {
                return Ok(None);
            }
            match line.trim_end() {
                "" => break,
                line => lines.push(line.to_owned()),
            }
        }
        let bad = || io::Error::from(io::ErrorKind::InvalidData);
        let (first, rest) = lines.split_first().ok_or_else(bad)?;
        let mut words = first.split(' ');
        let (method, target) = words.next().zip(words.next()).ok_or_else(bad)?;
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let key = path.trim_start_matches('/').split_once('/').map_or("", |(_, key)| key);
        let pair = |pair: &str| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (name.to_owned(), value.to_owned())
        };
        let header = |line: &String| {
            let (name, value) = line.split_once(':')?;
            Some((name.to_ascii_lowercase(), value.trim().to_owned()))
        };
        Ok(Some(Self {
            method: method.to_owned(),
            key: key.to_owned(),
            query: query.split('&').filter(|pair| !pair.is_empty()).map(pair).collect(),
            headers: rest.iter().filter_map(header).collect(),
        }))
    }

    fn length(&self) -> u64 {
        self.headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or_default()
    }

    fn asked(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str)
    }

    /// The range of an object of this size that is asked for: its status, its beginning, its length.
    fn range(&self, size: u64) -> (u16, u64, u64) {
        let range = self.headers.get("range").and_then(|range| range.strip_prefix("bytes=")?.split_once('-'));
        let Some((from, to)) = range.and_then(|(from, to)| Some((from.parse::<u64>().ok()?, to))) else {
            return (200, 0, size);
        };
        let end = to.parse().map_or(size, |last: u64| last.saturating_add(1).min(size));
        (206, from, end.saturating_sub(from))
    }
}

impl Store {
    fn objects(&self) -> PathBuf {
        self.folder.join("objects")
    }

    fn drafts(&self) -> PathBuf {
        self.folder.join("drafts")
    }

    fn uploads(&self) -> PathBuf {
        self.folder.join("uploads")
    }

    /// A path for something that is not whole yet.
    fn draft(&self) -> PathBuf {
        self.drafts().join(format!("{}.{}", std::process::id(), self.names.fetch_add(1, Relaxed)))
    }

    /// Answers one request after the other.
    fn converse(&self, stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let mut writer = stream.try_clone()?;
        let mut reader = BufReader::new(stream);
        while let Some(head) = Head::read(&mut reader)? {
            // All of a body comes before anything becomes of it: half of one is never an object.
            let body = self.draft();
            take(&mut reader, head.length(), &body)?;
            let answer = self.answer(&head, &body);
            let _moved = fs::remove_file(&body);
            thread::sleep(PAUSE);
            let answer = answer.unwrap_or_else(|error| match error.kind() {
                io::ErrorKind::NotFound => error_text(404, "NoSuchKey"),
                io::ErrorKind::InvalidInput => error_text(400, "InvalidArgument"),
                _ => error_text(500, "InternalError"),
            });
            give(&mut writer, answer, head.method == "HEAD")?;
        }
        Ok(())
    }

    fn answer(&self, head: &Head, body: &Path) -> io::Result<Answer> {
        let object = self.objects().join(checked(&head.key)?);
        let upload = match head.asked("uploadId") {
            Some(id) => Some(self.uploads().join(checked(id)?)),
            None => None,
        };
        let done = |status| Ok(Answer::Text(status, String::new()));
        match (head.method.as_str(), head.key.is_empty(), &upload) {
            ("PUT", true, _) => done(200),
            ("GET", true, _) if head.asked("uploads").is_some() => self.list_uploads(),
            ("GET", true, _) => self.list(head),
            ("PUT", false, Some(upload)) => {
                let part: u32 = head.asked("partNumber").and_then(|part| part.parse().ok()).ok_or_else(wrong)?;
                fs::metadata(upload)?;
                fs::rename(body, upload.join(format!("{part:05}")))?;
                done(200)
            }
            ("POST", false, Some(upload)) => self.complete(upload, body, &object),
            ("POST", false, None) => self.begin(&head.key),
            ("DELETE", false, Some(upload)) => fs::remove_dir_all(upload).and_then(|()| done(204)),
            ("PUT", false, None) => fs::rename(body, &object).and_then(|()| done(200)),
            ("DELETE", false, None) => match fs::remove_file(&object) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => done(204),
            },
            ("GET" | "HEAD", false, None) => {
                let file = File::open(&object)?;
                let (status, from, length) = head.range(file.metadata()?.len());
                Ok(Answer::Object { status, file, from, length })
            }
            _ => Err(wrong()),
        }
    }

    fn begin(&self, key: &str) -> io::Result<Answer> {
        let id = format!("u{}-{}", std::process::id(), self.names.fetch_add(1, Relaxed));
        let upload = self.uploads().join(&id);
        fs::create_dir(&upload)?;
        fs::write(upload.join("key"), key)?;
        Ok(Answer::Text(200, format!("<R><UploadId>{id}</UploadId></R>")))
    }

    /// Puts the parts together that the body names. The object is there at once or not at all.
    fn complete(&self, upload: &Path, body: &Path, object: &Path) -> io::Result<Answer> {
        let wanted = fs::read_to_string(body)?;
        let draft = self.draft();
        let mut whole = File::create(&draft)?;
        for number in values(&wanted, "PartNumber") {
            let part: u32 = number.parse().map_err(|_| wrong())?;
            io::copy(&mut File::open(upload.join(format!("{part:05}")))?, &mut whole)?;
        }
        fs::rename(draft, object)?;
        fs::remove_dir_all(upload)?;
        Ok(Answer::Text(200, "<R/>".to_owned()))
    }

    fn list(&self, head: &Head) -> io::Result<Answer> {
        let (prefix, after) = (head.asked("prefix").unwrap_or_default(), head.asked("start-after").unwrap_or_default());
        let most: usize = head.asked("max-keys").and_then(|most| most.parse().ok()).unwrap_or(1_000);
        let mut found = Vec::new();
        for entry in fs::read_dir(self.objects())? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with(prefix) && name.as_str() > after {
                found.push((name, entry));
            }
        }
        found.sort_by(|(one, _), (other, _)| one.cmp(other));
        let mut text = format!("<R><IsTruncated>{}</IsTruncated>", found.len() > most);
        for (name, entry) in found.into_iter().take(most) {
            // It may have been removed meanwhile.
            if let Ok(at) = changed(&entry.path()) {
                text += &format!("<Contents><Key>{name}</Key><LastModified>{at}</LastModified></Contents>");
            }
        }
        Ok(Answer::Text(200, text + "</R>"))
    }

    fn list_uploads(&self) -> io::Result<Answer> {
        let mut text = "<R>".to_owned();
        for entry in fs::read_dir(self.uploads())? {
            let entry = entry?;
            let place = entry.path().join("key");
            let (Ok(key), Ok(at)) = (fs::read_to_string(&place), changed(&place)) else { continue };
            let id = entry.file_name().to_string_lossy().into_owned();
            text += &format!("<Upload><Key>{key}</Key><UploadId>{id}</UploadId><Initiated>{at}</Initiated></Upload>");
        }
        Ok(Answer::Text(200, text + "</R>"))
    }
}

/// A name that leads nowhere else.
fn checked(name: &str) -> io::Result<&str> {
    if name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') { Ok(name) } else { Err(wrong()) }
}

fn wrong() -> io::Error {
    io::ErrorKind::InvalidInput.into()
}

fn changed(path: &Path) -> io::Result<Timestamp> {
    Timestamp::try_from(fs::metadata(path)?.modified()?).map_err(io::Error::other)
}

/// The contents of all elements of this name.
fn values<'a>(text: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let parts: Vec<&str> = text.split(open.as_str()).skip(1).collect();
    parts.into_iter().filter_map(move |part| part.split_once(close.as_str()).map(|(value, _)| value))
}

fn error_text(status: u16, code: &str) -> Answer {
    Answer::Text(status, format!("<Error><Code>{code}</Code></Error>"))
}

/// Takes a body of this length into a file.
fn take(from: &mut BufReader<TcpStream>, length: u64, place: &Path) -> io::Result<()> {
    if length == 0 {
        File::create(place)?;
        return Ok(());
    }
    let took = File::create(place).and_then(|mut file| carry(from, length, &mut file));
    if took.is_err() {
        let _half = fs::remove_file(place);
    }
    took
}

/// Moves exactly so many bytes, slowly.
fn carry(from: &mut impl io::Read, length: u64, to: &mut impl io::Write) -> io::Result<()> {
    let (mut left, mut piece) = (length, vec![0; PIECE]);
    while left > 0 {
        let wanted = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
        let some = piece.get_mut(..wanted).unwrap_or_default();
        from.read_exact(some)?;
        to.write_all(some)?;
        left -= wanted as u64;
        thread::sleep(PAUSE);
    }
    Ok(())
}

fn give(to: &mut TcpStream, answer: Answer, is_head: bool) -> io::Result<()> {
    let (status, length) = match &answer {
        Answer::Text(status, text) => (*status, text.len() as u64),
        Answer::Object { status, length, .. } => (*status, *length),
    };
    // An answer without content says nothing of its length.
    let length = if status == 204 { String::new() } else { format!("Content-Length: {length}\r\n") };
    write!(to, "HTTP/1.1 {status} Answer\r\nETag: \"e\"\r\n{length}\r\n")?;
    match answer {
        _ if is_head => Ok(()),
        Answer::Text(_, text) => to.write_all(text.as_bytes()),
        Answer::Object { mut file, from, length, .. } => {
            io::Seek::seek(&mut file, io::SeekFrom::Start(from))?;
            carry(&mut file, length, to)
        }
    }
}
