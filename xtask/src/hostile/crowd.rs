//! So many connections of one stranger that all do the same.

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

/// How long the stranger waits for a connection.
const CONNECT: Duration = Duration::from_secs(2);
/// How often it goes on.
const PACE: Duration = Duration::from_secs(1);

/// The stranger; it goes with this.
pub struct Crowd {
    gone: Arc<AtomicBool>,
    works: Option<JoinHandle<()>>,
}

impl Crowd {
    /// Comes with so many connections, and goes on with them in its way. Whatever the server closes is opened again.
    pub fn come(address: SocketAddr, way: &Way, count: usize) -> Self {
        let gone = Arc::new(AtomicBool::new(false));
        let (stop, begins, goes_on) = (gone.clone(), way.begins.clone(), way.goes_on.clone());
        let works = thread::spawn(move || {
            let mut held: Vec<TcpStream> = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                while held.len() < count && !stop.load(Ordering::Relaxed) {
                    // One that is refused is one less to hold.
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
    // What the server does not take at once it need not have.
    let _written = stream.write(begins);
    Ok(stream)
}

/// Whether there is still somebody to write to.
fn goes_on_with(stream: &mut TcpStream, bytes: &[u8]) -> bool {
    // A part of it is as good as all.
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
