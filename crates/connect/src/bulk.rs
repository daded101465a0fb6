//! Bulk traffic: connections that carry a large body are served on threads of their own. On the threads of everything
//! else, a message would wait for each of a hundred files of which a block has come or is wanted.

use std::{
    future::{Future, poll_fn},
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum::body::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::{
    runtime::{Builder, Handle, Runtime},
    time::Instant,
};

use crate::peer::Peer;

/// A body of at least this many bytes is large.
const LARGE: u64 = 256 << 10;
/// The threads that may wait for a disk, for each thread that carries.
const WAITING: usize = 2;
/// The name of the threads, as the system's tools show it.
const NAME: &str = "bulk";

/// The threads of bulk traffic. By default there are none, and every connection is served where it was accepted.
#[derive(Default)]
pub struct Bulk(Option<Runtime>);

impl Bulk {
    /// Starts as many threads as half of the processors, one at least. The system takes turns between them and all others,
    /// so that a message never waits for more than its share of a processor.
    ///
    /// # Errors
    /// If the system gives no threads.
    pub fn start() -> io::Result<Self> {
        let threads = (std::thread::available_parallelism().map_or(1, usize::from) / 2).max(1);
        let runtime = Builder::new_multi_thread()
            .worker_threads(threads)
            .max_blocking_threads(threads * WAITING)
            .thread_name(NAME)
            .enable_all()
            .build()?;
        Ok(Self(Some(runtime)))
    }

    /// Spawns the task of a connection. It is served where it was spawned, and on the threads of bulk traffic while it
    /// carries a large body.
    pub(crate) fn spawn(&self, peer: Arc<Peer>, task: impl Future<Output = ()> + Send + 'static) {
        let usual = Handle::current();
        let bulk = self.0.as_ref().map_or_else(|| usual.clone(), |runtime| runtime.handle().clone());
        Served { task: Box::pin(task), peer, usual, bulk }.begin(false);
    }
}

/// A connection's task, and where it may be served.
struct Served {
    task: Pin<Box<dyn Future<Output = ()> + Send>>,
    peer: Arc<Peer>,
    usual: Handle,
    bulk: Handle,
}

impl Served {
    fn begin(mut self, on_bulk: bool) {
        let here = if on_bulk { &self.bulk } else { &self.usual }.clone();
        here.spawn(async move {
            let is_over = poll_fn(|context| match self.task.as_mut().poll(context) {
                Poll::Ready(()) => Poll::Ready(true),
                // Its sockets wake whoever polled last, so that it may go on elsewhere.
                Poll::Pending if self.peer.is_bulk() != on_bulk => Poll::Ready(false),
                Poll::Pending => Poll::Pending,
            });
            if !is_over.await {
                self.begin(!on_bulk);
            }
        });
    }
}

/// Whether a body is large, or may be.
pub(crate) fn is_large(body: &impl Body) -> bool {
    body.size_hint().upper().is_none_or(|most| most >= LARGE)
}

/// The large body of an answer. Its connection is told when the last of it was taken.
pub(crate) struct Given {
    body: axum::body::Body,
    peer: Arc<Peer>,
}

impl Given {
    pub(crate) fn new(body: axum::body::Body, peer: Arc<Peer>) -> Self {
        Self { body, peer }
    }
}

impl Body for Given {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Given {
    fn drop(&mut self) {
        self.peer.gave_answer(Instant::now());
    }
}

impl Drop for Bulk {
    fn drop(&mut self) {
        // Waiting for the threads would block the one on which this is dropped.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::sync::mpsc;

    use super::*;

    /// The thread on which a connection's task is each time it is woken.
    async fn served_on(bulk: &Bulk, peer: &Arc<Peer>) -> (mpsc::Sender<()>, mpsc::Receiver<String>) {
        let (wake, mut woken) = mpsc::channel(1);
        let (tell, told) = mpsc::channel(1);
        bulk.spawn(peer.clone(), async move {
            while woken.recv().await.is_some() {
                let name = std::thread::current().name().unwrap_or_default().to_owned();
                tell.send(name).await.unwrap();
            }
        });
        (wake, told)
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_connection_is_on_the_threads_of_bulk_traffic_while_it_carries_a_large_body() {
        let bulk = Bulk::start().unwrap();
        let peer = Arc::new(Peer::new(Instant::now()));
        let (wake, mut told) = served_on(&bulk, &peer).await;
        let begin_request = |is_bulk| assert_eq!(peer.begins_request(is_bulk), None);
        let answer = |is_bulk| {
            peer.has_answer(0, is_bulk);
            peer.wrote_all(Instant::now());
        };
        let large_request = || begin_request(true);
        let small_answer = || answer(false);
        let large_answer = || {
            begin_request(false);
            answer(true);
        };
        let its_end = || peer.gave_answer(Instant::now());
        let turns: [(&dyn Fn(), bool); _] =
            [(&large_request, true), (&small_answer, false), (&large_answer, true), (&its_end, false)];
        let mut is_on_bulk = async || {
            wake.send(()).await.unwrap();
            told.recv().await.unwrap() == NAME
        };
        for (turn, on_bulk) in turns {
            turn();
            // It looks where it should be after it was polled, so that it is still there once.
            let moves = async { while is_on_bulk().await != on_bulk {} };
            tokio::time::timeout(Duration::from_secs(30), moves).await.unwrap();
            assert_eq!(is_on_bulk().await, on_bulk, "and it stays");
        }
    }
}
