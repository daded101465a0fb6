//! Many connections of one hostile client, all of which do the same.

use std::{
    io::Write,
    net::{SocketAddr, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use super::ways::Way;

/// How long the client waits for a connection.
const CONNECT: Duration = Duration::from_secs(2);
/// How often it writes on each connection.
const PACE: Duration = Duration::from_secs(1);

/// The hostile client; it stops when this is dropped.
pub struct Crowd {
    gone: Arc<AtomicBool>,
    works: Option<JoinHandle<()>>,
}

impl Crowd {
    /// Opens this many connections, and writes on them in its way. Closed ones are opened again.
    pub fn come(address: SocketAddr, way: &Way, count: usize) -> Self {
        let gone = Arc::new(AtomicBool::new(false));
        let (stop, begins, goes_on) = (gone.clone(), way.begins.clone(), way.goes_on.clone());
        let works = thread::spawn(move || {
            let mut held: Vec<TcpStream> = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                while held.len() < count && !stop.load(Ordering::Relaxed) {
                    // A refused connection is one less to hold.
                    let Ok(stream) = open(address, &begins) else { break };
                    held.push(stream);
                }
                thread::sleep(PACE);
                held.retain_mut(|stream| goes_on.is_empty() || goes_on_with(stream, &goes_on));
            }
        });
        Self { gone, works: Some(works) }
    }
}

fn open(address: SocketAddr, begins: &[u8]) -> std::io::Result<TcpStream> {
    let mut stream = TcpStream::connect_timeout(&address, CONNECT)?;
    stream.set_nonblocking(true)?;
    // It does not matter if the server does not take it at once.
    let _written = stream.write(begins);
    Ok(stream)
}

/// Writes to a connection; false if it is closed.
fn goes_on_with(stream: &mut TcpStream, bytes: &[u8]) -> bool {
    // Writing a part of it is enough.
    let written = stream.write(bytes).map(|count| count > 0);
    written.unwrap_or_else(|error| error.kind() == std::io::ErrorKind::WouldBlock)
}

impl Drop for Crowd {
    fn drop(&mut self) {
        self.gone.store(true, Ordering::Relaxed);
        if let Some(works) = self.works.take() {
            let _panicked = works.join();
        }
    }
}
