//! The bytes of files: from a request's body to where they are kept, and from there into an answer. Neither way is a
//! whole file ever in memory: what is not taken yet waits with its sender, and of what the connection has no room for yet
//! one block is read.

use std::{
    future::Future,
    ops::Range,
    pin::Pin,
    task::{Context, Poll},
};

use axum::body::Bytes;
use blobs::Reading;
use chat::{
    Error, ErrorCode, FileId,
    accounts::Speaker,
    files::{File, NewFile},
    uploads::{Checksum, Upload},
};
use engine::Engine;
use hyper::body::{Body, Frame, SizeHint};

use crate::body::Pieces;

/// Bytes that are read of a file at once.
const BLOCK: usize = 128 << 10;

/// Makes a file of a request's body.
///
/// # Errors
/// The engine's, or why the body cannot be read to its end.
pub(crate) async fn receive(
    engine: &Engine,
    speaker: &Speaker,
    new: NewFile,
    pieces: &mut Pieces,
) -> Result<File, Error> {
    let mut upload = engine.upload(speaker, new).await?;
    while let Some(piece) = pieces.next().await? {
        upload.write(&piece).await?;
    }
    upload.finish().await
}

/// Goes on with an upload by a request's body. When another request wants to go on with it, this one ends; what has come
/// by then is kept, also if the line breaks.
///
/// # Errors
/// The engine's, or why the body cannot be read to its end.
pub(crate) async fn append(
    engine: &Engine,
    speaker: &Speaker,
    (upload, offset): (FileId, i64),
    checksum: Option<Checksum>,
    pieces: &mut Pieces,
) -> Result<Upload, Error> {
    let mut appending = engine.append(speaker, upload, offset, checksum).await?;
    let asked = appending.is_asked_for();
    tokio::pin!(asked);
    loop {
        let piece = tokio::select! {
            piece = pieces.next() => piece?,
            () = &mut asked => {
                return Err(Error::new(ErrorCode::Locked, "Another request goes on with this upload."));
            }
        };
        match piece {
            Some(piece) => appending.write(&piece).await?,
            None => return appending.finish().await,
        }
    }
}

/// A part of a file, as the body of an answer.
pub(crate) struct Part {
    left: Range<u64>,
    state: State,
}

type Block = (Box<dyn Reading>, blobs::Result<Vec<u8>>);

enum State {
    Idle(Box<dyn Reading>),
    Reading(Pin<Box<dyn Future<Output = Block> + Send>>),
    /// It has been read, and nobody has asked for it yet.
    Read(Block),
    Over,
}

impl Part {
    pub(crate) fn new(mut reading: Box<dyn Reading>, part: Range<u64>) -> Self {
        reading.plan(part.clone());
        Self { left: part, state: State::Idle(reading) }
    }

    fn size(&self) -> u64 {
        self.left.end.saturating_sub(self.left.start)
    }

    /// Begins to read the next block: while this one is being written the disk need not wait.
    fn read_on(&self, reading: Box<dyn Reading>, context: &mut Context<'_>) -> State {
        if self.size() == 0 {
            return State::Idle(reading);
        }
        let most = usize::try_from(self.size()).unwrap_or(BLOCK).min(BLOCK);
        let mut next: Pin<Box<dyn Future<Output = Block> + Send>> = Box::pin(read(reading, self.left.start, most));
        match next.as_mut().poll(context) {
            Poll::Ready(block) => State::Read(block),
            Poll::Pending => State::Reading(next),
        }
    }
}

async fn read(mut reading: Box<dyn Reading>, from: u64, most: usize) -> Block {
    let block = reading.read(from, most).await;
    (reading, block)
}

impl Body for Part {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        loop {
            self.state = match std::mem::replace(&mut self.state, State::Over) {
                State::Over => return Poll::Ready(None),
                State::Idle(_) if self.size() == 0 => return Poll::Ready(None),
                State::Idle(reading) => self.read_on(reading, context),
                State::Reading(mut block) => match block.as_mut().poll(context) {
                    Poll::Ready(block) => State::Read(block),
                    Poll::Pending => {
                        self.state = State::Reading(block);
                        return Poll::Pending;
                    }
                },
                State::Read((reading, block)) => {
                    // An answer that cannot be continued is broken off, so that nobody takes its beginning for the whole.
                    let block = match block {
                        Ok(block) if block.is_empty() => {
                            return Poll::Ready(Some(Err(std::io::ErrorKind::UnexpectedEof.into())));
                        }
                        Ok(block) => block,
                        Err(error) => {
                            tracing::warn!(%error, "a file could not be read to its end");
                            return Poll::Ready(Some(Err(std::io::Error::other(error))));
                        }
                    };
                    self.left.start = self.left.start.saturating_add(block.len() as u64);
                    self.state = self.read_on(reading, context);
                    return Poll::Ready(Some(Ok(Frame::data(block.into()))));
                }
            };
        }
    }

    fn is_end_stream(&self) -> bool {
        self.size() == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.size())
    }
}
