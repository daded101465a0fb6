//! What comes in: bytes become messages, and messages steps.

use std::{cell::RefCell, io::ErrorKind};

use chat::{Error, ErrorCode};
use subscribers::{
    CloseReason,
    frame::{self, Opcode},
};
use tokio::time::Instant;

use super::Connection;
use crate::{incoming::Heard, transfer::Transfer};

/// What one read takes; the buffer is the thread's.
const READ: usize = 64 * 1_024;

thread_local! {
    static BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ].into_boxed_slice());
}

impl Connection {
    pub(super) fn read(&mut self) {
        BUFFER.with_borrow_mut(|buffer| match self.socket.try_read(buffer) {
            Ok(0) => self.heard.push_back(Heard::End(CloseReason::Gone)),
            Ok(count) => {
                self.last_heard = Instant::now();
                self.asked = false;
                self.take(buffer.get(..count).unwrap_or_default());
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            Err(_) => self.heard.push_back(Heard::End(CloseReason::Gone)),
        });
    }

    /// Takes bytes that came, and notes since when the client owes the end of what it has begun.
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
                let step = (self.endpoint.dialect.decode)(self.actor.speaker.as_ref(), &text);
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

    /// Refuses a message that no dialect gets to see.
    async fn refuse(&mut self, error: Error) -> Result<(), CloseReason> {
        self.wait_for_pending_sends(0).await?;
        self.say(vec![(self.endpoint.dialect.refusal)(&error)]);
        self.offend()
    }
}
