//! Asking a scanner whether a file does harm: clamd, by its `INSTREAM` command, over TCP or a Unix socket. The bytes are
//! sent to it; it needs no access to where they are kept.

use std::{path::PathBuf, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpStream, UnixStream},
    sync::Semaphore,
    time::timeout,
};

use crate::{Reading, folder::BLOCK};

/// Files that are scanned at once; others wait. clamd has ten threads unless it is told otherwise.
const AT_ONCE: usize = 4;
/// How long a connection may take to be made, and how long a file may wait for its turn.
const CONNECTING: Duration = Duration::from_secs(5);
const WAITING: Duration = Duration::from_secs(60);
/// How long it may take to judge, beside the time for the bytes at the slowest rate, in bytes a second.
const JUDGING: Duration = Duration::from_secs(60);
const SLOWEST: u64 = 1 << 20;
/// The bytes that are read of its answer.
const ANSWER: u64 = 4_096;

/// Where a scanner listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScannerAddress {
    /// `HOST:PORT`.
    Tcp(String),
    /// A socket's path.
    Unix(PathBuf),
}

/// A scanner.
#[derive(Clone, Debug)]
pub struct Scanner {
    address: ScannerAddress,
    places: Arc<Semaphore>,
}

/// A scanner's verdict on a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It knows of no harm.
    Clean,
    /// It does harm; what the scanner calls it.
    Infected(String),
    /// It is larger than the scanner takes.
    TooLarge,
}

/// A connection to a scanner.
trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Wire for T {}

impl Scanner {
    /// The scanner that listens there.
    #[must_use]
    pub fn at(address: ScannerAddress) -> Self {
        Self { address, places: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// Has a file judged.
    ///
    /// # Errors
    /// Why there is no verdict, in words: it is away, too slow, or says what nobody understands.
    pub async fn judge(&self, mut file: Box<dyn Reading>) -> Result<Verdict, String> {
        let turn = timeout(WAITING, self.places.acquire()).await.map_err(|_| "the scanner has too much to do")?;
        let _turn = turn.map_err(|_| "the scanner is not asked any more")?;
        let patience = JUDGING + Duration::from_secs(file.size() / SLOWEST);
        timeout(patience, self.ask(&mut *file)).await.map_err(|_| "the scanner takes too long")?
    }

    /// Asks for its version and that of its signatures.
    ///
    /// # Errors
    /// Why it says nothing.
    pub async fn version(&self) -> Result<String, String> {
        let asking = async {
            let mut wire = self.connect().await?;
            wire.write_all(b"zVERSION\0").await.map_err(|error| said(&error))?;
            answer(&mut *wire).await
        };
        timeout(CONNECTING, asking).await.map_err(|_| "the scanner does not answer")?
    }

    async fn ask(&self, file: &mut dyn Reading) -> Result<Verdict, String> {
        let mut wire = self.connect().await?;
        let sent = send(&mut *wire, file).await?;
        // One that has seen enough answers and leaves; what it said can still be read.
        match (verdict(&answer(&mut *wire).await.unwrap_or_default()), sent) {
            (Ok(Verdict::Clean), Err(error)) => Err(said(&error)),
            (Err(_), Err(error)) => Err(said(&error)),
            (verdict, _) => verdict,
        }
    }

    async fn connect(&self) -> Result<Box<dyn Wire>, String> {
        let connecting = async {
            Ok::<Box<dyn Wire>, std::io::Error>(match &self.address {
                ScannerAddress::Tcp(address) => Box::new(TcpStream::connect(address).await?),
                ScannerAddress::Unix(path) => Box::new(UnixStream::connect(path).await?),
            })
        };
        let connected = timeout(CONNECTING, connecting).await.map_err(|_| "the scanner lets nobody in")?;
        connected.map_err(|error| format!("the scanner cannot be reached: {error}"))
    }
}

/// Sends a file: each block behind its length, and a length of nothing at its end. The outer error is the file's.
async fn send(wire: &mut dyn Wire, file: &mut dyn Reading) -> Result<std::io::Result<()>, String> {
    let mut at = 0;
    let mut sent = wire.write_all(b"zINSTREAM\0").await;
    while sent.is_ok() && at < file.size() {
        let block = file.read(at, BLOCK).await.map_err(|error| error.to_string())?;
        if block.is_empty() {
            return Err("a file ended before its end".to_owned());
        }
        at += block.len() as u64;
        let length = u32::try_from(block.len()).unwrap_or(u32::MAX).to_be_bytes();
        sent = async {
            wire.write_all(&length).await?;
            wire.write_all(&block).await
        }
        .await;
    }
    Ok(match sent {
        Ok(()) => wire.write_all(&[0; 4]).await,
        Err(error) => Err(error),
    })
}

async fn answer(wire: &mut dyn Wire) -> Result<String, String> {
    let mut bytes = Vec::new();
    // It closes the connection behind its answer, and resets it if it has not read everything; the answer counts then.
    let read = wire.take(ANSWER).read_to_end(&mut bytes).await;
    if !bytes.ends_with(&[0]) {
        return Err(read.map_or_else(|error| said(&error), |_| "the scanner does not finish what it says".to_owned()));
    }
    Ok(String::from_utf8_lossy(&bytes).trim_matches(['\0', '\n', ' ']).to_owned())
}

fn said(error: &std::io::Error) -> String {
    format!("the scanner went away: {error}")
}

fn verdict(answer: &str) -> Result<Verdict, String> {
    let words = answer.strip_prefix("stream:").map_or(answer, str::trim);
    if words == "OK" {
        return Ok(Verdict::Clean);
    }
    if let Some(name) = words.strip_suffix(" FOUND") {
        return Ok(Verdict::Infected(name.to_owned()));
    }
    if words.starts_with("INSTREAM size limit exceeded") {
        return Ok(Verdict::TooLarge);
    }
    Err(format!("the scanner says: {words}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_scanner_calls_good_is_good() {
        assert_eq!(verdict("stream: OK"), Ok(Verdict::Clean));
        assert_eq!(verdict("stream: Eicar-Test-Signature FOUND"), Ok(Verdict::Infected("Eicar-Test-Signature".into())));
        assert_eq!(verdict("INSTREAM size limit exceeded. ERROR"), Ok(Verdict::TooLarge));
        for other in ["", "stream: ERROR", "stream: OK FOUND not", "UNKNOWN COMMAND", "NOT OK", "OK?"] {
            assert!(verdict(other).is_err(), "{other:?}");
        }
    }
}
