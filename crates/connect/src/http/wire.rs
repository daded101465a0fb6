//! A connection as hyper sees it: incoming bytes are read through [`Framing`], and writing is timed.
//!
//! A malformed request is replaced by a well-formed stand-in for hyper, so that it is answered in its turn and the
//! connection closed after it, by the same code as all others.

use std::{
    cell::RefCell,
    io::{self, ErrorKind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use hyper::rt::{Read, ReadBufCursor, Write};
use tokio::{io::AsyncWrite, net::TcpStream, time::Instant};

use super::{
    framing::{Framing, Refused},
    head::Refusal,
};
use crate::{connections::Seat, peer::Peer};

/// Bytes of one read, into a buffer of the thread.
const READ: usize = 16 * 1_024;
/// Bytes that are discarded from a client that goes on writing after the last answer.
const DISCARDED: usize = 256 * 1_024;
/// The request that hyper reads in place of a refused one.
const STAND_IN: &[u8] = b"GET /refused HTTP/1.1\r\nhost: refused\r\nconnection: close\r\n\r\n";
/// The refusal of a head that comes too slowly.
const TOO_SLOW: Refusal = Refusal { status: 408, detail: "The request's head came too slowly." };

thread_local! {
    static BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ].into_boxed_slice());
}

/// A connection that is read through [`Framing`] and timed by [`Peer`].
pub(crate) struct Wire {
    // Before `seat`, so that the file descriptor is free when the place is.
    stream: TcpStream,
    framing: Framing,
    /// Bytes that hyper may read, and how many of them it has read.
    passed: Vec<u8>,
    given: usize,
    end: Option<End>,
    discarded: usize,
    seat: Arc<Seat>,
}

/// The reason why nothing more is read.
#[derive(Clone, Copy)]
enum End {
    /// A request was refused; its stand-in was passed on.
    Refused,
    /// A body was refused, or comes too slowly.
    Broken(ErrorKind),
    /// The other side has closed, or its time is over.
    Closed,
}

impl Wire {
    pub(crate) fn new(stream: TcpStream, seat: Arc<Seat>) -> Self {
        Self { stream, framing: Framing::default(), passed: Vec::new(), given: 0, end: None, discarded: 0, seat }
    }

    /// The plain socket, the unread bytes after the handshake, and the connection's place.
    pub(crate) fn into_socket(self) -> (TcpStream, Vec<u8>, Arc<Seat>) {
        let unread = self.passed.get(self.given..).unwrap_or_default().to_vec();
        (self.stream, unread, self.seat)
    }

    fn peer(&self) -> &Peer {
        self.seat.peer()
    }

    /// Gives hyper the bytes that it may read; false if there are none.
    fn give(&mut self, buffer: &mut ReadBufCursor<'_>) -> bool {
        let rest = self.passed.get(self.given..).unwrap_or_default();
        let piece = rest.get(..rest.len().min(buffer.remaining())).unwrap_or_default();
        buffer.put_slice(piece);
        let gave = piece.len();
        self.given += gave;
        if self.given == self.passed.len() {
            // An idle connection owns no buffer.
            (self.passed, self.given) = (Vec::new(), 0);
        }
        gave > 0
    }

    /// Reads the bytes that have come; pending if none have.
    fn poll_fill(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let count = loop {
            let read = BUFFER.with_borrow_mut(|buffer| {
                let count = self.stream.try_read(buffer)?;
                let taken = self.framing.take(buffer.get(..count).unwrap_or_default(), &mut self.passed);
                if let Err(refused) = taken {
                    self.refuse(refused);
                }
                Ok(count)
            });
            match read {
                Err(error) if is_transient(&error) => ready!(self.stream.poll_read_ready(context))?,
                read => break read?,
            }
        };
        if count == 0 {
            self.end = Some(End::Closed);
        }
        self.peer().read(Instant::now(), count, self.framing.is_in_body());
        Poll::Ready(Ok(()))
    }

    fn refuse(&mut self, Refused { why, in_body }: Refused) {
        tracing::debug!(why = why.detail, "a request was refused");
        if in_body {
            self.end = Some(End::Broken(ErrorKind::InvalidData));
            return;
        }
        self.peer().refuse(self.framing.requests() + 1, why);
        self.passed.extend_from_slice(STAND_IN);
        self.end = Some(End::Refused);
    }

    /// Ends a connection whose time is over: with an answer, if a request has begun.
    fn give_up(&mut self) {
        if self.framing.is_in_head() {
            self.refuse(Refused { why: TOO_SLOW, in_body: false });
        } else if self.framing.is_in_body() {
            self.end = Some(End::Broken(ErrorKind::TimedOut));
        } else {
            self.end = Some(End::Closed);
        }
    }

    /// Reads and discards after the last answer, so that it is not lost in a reset, until the other side has closed or
    /// [`Peer`]'s clock for this has run out.
    fn poll_discard(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.peer().lingers(Instant::now());
        while self.discarded < DISCARDED {
            match BUFFER.with_borrow_mut(|buffer| self.stream.try_read(buffer)) {
                Ok(0) => break,
                Ok(count) => self.discarded += count,
                Err(error) if is_transient(&error) => match ready!(self.stream.poll_read_ready(context)) {
                    Ok(()) => {}
                    Err(_) => break,
                },
                Err(_) => break,
            }
        }
        Poll::Ready(())
    }

    /// Whether the other side may still be writing when the connection ends.
    fn is_talked_to(&self) -> bool {
        matches!(self.end, Some(End::Refused | End::Broken(_))) || self.framing.is_in_body()
    }

    /// Reports the result of a write to the clock.
    fn note(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match &written {
            Poll::Pending => self.peer().wrote_nothing(Instant::now()),
            Poll::Ready(Ok(count)) => self.peer().wrote(Instant::now(), *count),
            Poll::Ready(Err(_)) => {}
        }
        written
    }
}

fn is_transient(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

impl Read for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        mut buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let wire = self.get_mut();
        loop {
            if wire.give(&mut buffer) {
                return Poll::Ready(Ok(()));
            }
            match wire.end {
                // Nothing more is read after the stand-in.
                Some(End::Refused) => return Poll::Pending,
                Some(End::Broken(kind)) => return Poll::Ready(Err(kind.into())),
                Some(End::Closed) => return Poll::Ready(Ok(())),
                None if wire.peer().is_overdue() => wire.give_up(),
                None => {
                    let filled = wire.poll_fill(context);
                    if filled.is_pending() {
                        wire.peer().read_nothing(Instant::now(), wire.framing.is_in_body());
                    }
                    ready!(filled)?;
                }
            }
        }
    }
}

impl Write for Wire {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let wire = self.get_mut();
        let written = Pin::new(&mut wire.stream).poll_write(context, bytes);
        wire.note(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let wire = self.get_mut();
        let written = Pin::new(&mut wire.stream).poll_write_vectored(context, pieces);
        wire.note(written)
    }

    fn poll_flush(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // A TCP socket has nothing to flush.
        self.peer().wrote_all(Instant::now());
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let wire = self.get_mut();
        ready!(Pin::new(&mut wire.stream).poll_shutdown(context))?;
        if wire.is_talked_to() {
            ready!(wire.poll_discard(context));
        }
        Poll::Ready(Ok(()))
    }
}
