//! Input: bytes become messages, and messages become steps.

use std::{
    cell::RefCell,
    io::ErrorKind,
    pin::Pin,
    task::{Context, Poll, ready},
};

use chat::{Error, ErrorCode};
use subscribers::{
    CloseReason,
    frame::{self, Opcode},
};
use tokio::{
    io::{AsyncRead as _, ReadBuf},
    time::Instant,
};

use super::Connection;
use crate::{incoming::Heard, transfer::Transfer};

/// Bytes of one read, into a buffer of the thread.
const READ: usize = 64 * 1_024;

thread_local! {
    static BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ].into_boxed_slice());
}

impl Connection {
    /// Takes what has come, at most a buffer of it; ready once something has. By `poll_read` and not by `try_read`: it knows
    /// that a socket which gave less than was asked for is empty, and does not ask it once more.
    pub(super) fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<()> {
        BUFFER.with_borrow_mut(|buffer| {
            let mut read = ReadBuf::new(buffer);
            match ready!(Pin::new(&mut self.socket).poll_read(context, &mut read)) {
                Ok(()) if read.filled().is_empty() => self.heard.push_back(Heard::End(CloseReason::Gone)),
                Ok(()) => {
                    self.last_heard = Instant::now();
                    self.asked = false;
                    self.take(read.filled());
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => self.heard.push_back(Heard::End(CloseReason::Gone)),
            }
            Poll::Ready(())
        })
    }

    /// Takes bytes that have come, and starts the clock of what the client has begun and not ended.
    pub(super) fn take(&mut self, bytes: &[u8]) {
        let something_ended = self.incoming.take(bytes, &mut self.heard);
        if something_ended || !self.incoming.is_unfinished() {
            self.begun = None;
        }
        if self.incoming.is_unfinished() {
            let now = Instant::now();
            self.begun.get_or_insert_with(|| Transfer::new(now)).went_on(now, bytes.len());
        }
    }

    pub(super) async fn hear(&mut self, heard: Heard) -> Result<(), CloseReason> {
        match heard {
            Heard::Text(text) => {
                let step = (self.endpoint.dialect.decode)(self.actor.spoken.as_ref(), &text);
                drop(text);
                self.take_step(step).await
            }
            Heard::Binary => self.refuse(Error::new(ErrorCode::Malformed, "Frames must be text in UTF-8.")).await,
            Heard::TooLarge => {
                let most = self.shared().limits().frame_bytes;
                self.refuse(Error::new(ErrorCode::TooLarge, format!("A frame may have at most {most} bytes."))).await
            }
            Heard::Ping(payload) => {
                let mut pong = Vec::with_capacity(payload.len() + 2);
                frame::write(&mut pong, Opcode::Pong, &payload);
                self.outbox.push_answer(pong.into());
                self.wait_for_pending_sends(u32::MAX).await
            }
            Heard::Pong => Ok(()),
            Heard::End(close_reason) => Err(close_reason),
        }
    }

    /// Refuses a message before the dialect sees it.
    async fn refuse(&mut self, error: Error) -> Result<(), CloseReason> {
        self.wait_for_pending_sends(0).await?;
        self.say(vec![(self.endpoint.dialect.refusal)(&error)]);
        self.offend()
    }
}
