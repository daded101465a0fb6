//! The only one who writes to a connection: everything that waits goes out in one write.

use std::{
    collections::VecDeque,
    io::{ErrorKind, IoSlice},
    sync::Arc,
    task::{Context, Poll},
};

use bytes::{Buf, Bytes};
use subscribers::{CloseReason, Outbox, frame};
use tokio::net::TcpStream;

/// Pieces that one write takes.
const PIECES: usize = 64;

/// What is on its way out.
pub(crate) struct Writer {
    outbox: Arc<Outbox>,
    pending: VecDeque<Bytes>,
    close_reason: Option<CloseReason>,
    written: u64,
}

impl Writer {
    pub(crate) fn new(outbox: Arc<Outbox>) -> Self {
        Self { outbox, pending: VecDeque::new(), close_reason: None, written: 0 }
    }

    /// How many bytes the socket has taken since it was opened.
    pub(crate) fn written(&self) -> u64 {
        self.written
    }

    /// Writes what there is and the socket takes. Ready with the close reason once there is one, written or not: whoever
    /// has been sent away is obeyed no more, also if they do not listen; or with [`CloseReason::Gone`] if the socket has
    /// broken. Pending otherwise, to be woken by either side.
    pub(crate) fn poll(&mut self, socket: &TcpStream, context: &mut Context<'_>) -> Poll<CloseReason> {
        loop {
            self.outbox.register(context);
            let (queue, close_reason) = self.outbox.take();
            if let (Some(close_reason), None) = (close_reason, self.close_reason) {
                self.close_reason = Some(close_reason);
                // What is half written must be finished, or the close reason could not be read.
                self.pending.truncate(1);
                self.pending.push_back(frame::close(close_reason.code(), &close_reason.reason()));
            } else if self.close_reason.is_none() {
                if self.pending.is_empty() {
                    self.pending = queue;
                } else {
                    self.pending.extend(queue);
                }
            }
            let wrote_something = !self.pending.is_empty();
            match (self.poll_pending(socket, context), self.close_reason) {
                (Poll::Ready(Err(())), close_reason) => return Poll::Ready(close_reason.unwrap_or(CloseReason::Gone)),
                (_, Some(close_reason)) => return Poll::Ready(close_reason),
                // More may have come meanwhile.
                (Poll::Ready(Ok(())), None) if wrote_something => {}
                (_, None) => return Poll::Pending,
            }
        }
    }

    /// Writes what is pending to its end; an error if the socket has broken.
    pub(crate) fn poll_pending(&mut self, socket: &TcpStream, context: &mut Context<'_>) -> Poll<Result<(), ()>> {
        while !self.pending.is_empty() {
            match self.write_some(socket) {
                Ok(0) => return Poll::Ready(Err(())),
                Ok(written) => {
                    self.written += written as u64;
                    self.outbox.written(written);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => match socket.poll_write_ready(context) {
                    Poll::Ready(Ok(())) => {}
                    Poll::Ready(Err(_)) => return Poll::Ready(Err(())),
                    Poll::Pending => return Poll::Pending,
                },
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Poll::Ready(Err(())),
            }
        }
        Poll::Ready(Ok(()))
    }

    fn write_some(&mut self, socket: &TcpStream) -> std::io::Result<usize> {
        let written = match self.pending.front() {
            Some(only) if self.pending.len() == 1 => socket.try_write(only)?,
            _ => {
                let mut pieces = [IoSlice::new(&[]); PIECES];
                let mut count = 0;
                for (piece, bytes) in pieces.iter_mut().zip(&self.pending) {
                    *piece = IoSlice::new(bytes);
                    count += 1;
                }
                socket.try_write_vectored(pieces.get(..count).unwrap_or_default())?
            }
        };
        let mut left = written;
        while let Some(front) = self.pending.front_mut() {
            if front.len() > left {
                front.advance(left);
                break;
            }
            left -= front.len();
            self.pending.pop_front();
        }
        if self.pending.is_empty() {
            // An idle connection owns no queue.
            self.pending = VecDeque::new();
        }
        Ok(written)
    }
}
