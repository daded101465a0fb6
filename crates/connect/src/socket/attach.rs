//! Authentication and catch-up: a client authenticates, is attached to the hub, and is sent what it has missed.

use std::{
    collections::HashMap,
    sync::Arc,
    task::{Context, Poll},
};

use chat::{ConversationId, Error, ErrorCode, Number, Signal};
use dialects::{Dialect, Resume, ServerInfo, Then, Welcome};
use engine::{Arrival, Extent};
use subscribers::{Attached, CloseReason, Subscriber, Tuning};
use tokio::time::Instant;

use super::{Connection, SLOWEST, seconds, shut_out};
use crate::missed::{Key, Piece};

/// The feature level from which on clients take a run of joins and leaves in a large conversation as one.
const GATHERS: i64 = 7;

/// The number from which on a person sees messages, in those conversations where they do not see all.
type VisibleFrom = HashMap<ConversationId, Number>;

impl Connection {
    pub(super) async fn authenticate(
        &mut self,
        token: Option<String>,
        resume: Resume,
        then: Then<Welcome>,
    ) -> Result<(), CloseReason> {
        // Read before anything else: whatever the client is sent afterwards is at least as new as this epoch.
        let epoch = self.shared().engine.epoch();
        self.seat.peer().has_credential();
        let (welcome, visible_from) = match self.let_in(token, resume.feature_level, &epoch.id).await {
            Ok(welcome) => welcome,
            Err(error) => {
                let close_reason = shut_out(&error, CloseReason::Unauthenticated);
                let stays = matches!(error.code, ErrorCode::Conflict | ErrorCode::Unavailable);
                if stays && self.subscriber.is_none() {
                    // As with its deadline, a failure gives the client no more time.
                    self.seat.peer().needs_credential(self.began);
                }
                self.finish(then(Err(error))).await?;
                return if stays { Ok(()) } else { Err(close_reason) };
            }
        };
        if self.shared().engine.epoch() != epoch {
            return Err(CloseReason::NewHistory(0));
        }
        let (belongs, account_seq) = (welcome.conversations.clone(), welcome.account_seq);
        self.finish(then(Ok(welcome))).await?;
        // A cursor of another history of the database means nothing here. It is treated as one beyond every head, which
        // is answered by a reset. A cursor without an epoch may be of another history, if there was one.
        let foreign = resume.epoch.map_or(epoch.is_later, |theirs| theirs != epoch.id);
        let known = |cursor| if foreign { Number(chat::MAX_SAFE_INTEGER) } else { cursor };
        if let Some(cursor) = resume.account.map(known).filter(|cursor| *cursor != account_seq) {
            Box::pin(self.catch_up_account(cursor, account_seq)).await?;
        }
        for (conversation, cursor) in resume.cursors {
            let cursor = known(cursor);
            let live_from =
                belongs.binary_search_by_key(&conversation, |(id, _)| *id).ok().and_then(|at| belongs.get(at));
            let sees_from = visible_from.get(&conversation).copied().unwrap_or_default();
            let live_from = live_from.map(|(_, number)| *number);
            Box::pin(self.catch_up(&epoch.id, (conversation, cursor), live_from, sees_from)).await?;
        }
        self.outbox.release();
        // The client has waited for the server: it does not count as silent, however long that took.
        self.last_heard = Instant::now();
        self.wait_for_pending_sends(u32::MAX).await
    }

    /// The welcome, and the conversations in which the person does not see all messages.
    async fn let_in(
        &mut self,
        token: Option<String>,
        feature_level: i64,
        epoch: &str,
    ) -> chat::Result<(Welcome, VisibleFrom)> {
        if self.subscriber.is_some() {
            return Err(Error::new(ErrorCode::Conflict, "This connection has authenticated already."));
        }
        let arrival = match token {
            Some(token) => self.shared().engine.authenticate(&token).await?,
            None => self.arrival.clone().ok_or_else(|| Error::new(ErrorCode::Unauthenticated, "A token is needed."))?,
        };
        let Attached { account: account_seq, conversations, visible_from } =
            self.attach(&arrival, feature_level).await?;
        // Live events follow `account_seq`: the profile must not be older than that.
        let mut account = arrival.account.clone();
        if account_seq > arrival.account_head {
            match self.shared().engine.account(account.id).await {
                Ok(now) => account = now,
                // The connection is attached, so this is no refusal any more.
                Err(error) => tracing::debug!(%error, "the profile in a greeting may be older than its number"),
            }
        }
        let speaker = arrival.speaker.clone();
        // Nobody is kept out for a picture.
        let avatar = self.shared().engine.server_avatar().await.unwrap_or_default();
        let server = ServerInfo { avatar, ..self.shared().info_of(epoch.to_owned()) };
        let welcome = Welcome { account, speaker, server, account_seq, conversations };
        Ok((welcome, visible_from))
    }

    /// Attaches the connection to the hub. Live frames are held until the client knows the numbers that they follow. If
    /// it fails, the connection is as before, and the client may try again.
    pub(super) async fn attach(&mut self, arrival: &Arrival, feature_level: i64) -> chat::Result<Attached> {
        let speaker = arrival.speaker.clone();
        let subscriber = Arc::new(Subscriber {
            id: self.actor.connection.unwrap_or_default(),
            user: speaker.user,
            username: speaker.username.clone(),
            session: speaker.session,
            role: speaker.role,
            dialect: self.endpoint.dialect,
            gathers: feature_level >= GATHERS && self.endpoint.dialect == Dialect::NATIVE,
            vouched_at: arrival.vouched_at,
            good_until: arrival.good_until,
            tuning: Tuning::new(self.endpoint.dialect.hears),
            outbox: self.outbox.clone(),
        });
        // Only now is the number of authenticated sockets checked: at the handshake this one was not authenticated.
        if !self.seat.is_authenticated() {
            return Err(Error::rate_limited("connections", 1_000));
        }
        self.outbox.hold();
        let attached = self.shared().hub.attach(subscriber.clone()).await;
        let attached = attached.inspect_err(|_| self.seat.is_unauthenticated())?;
        self.subscriber = Some(subscriber);
        let numbers = self.shared().numbers.clone();
        self.actor.spoken = Some(numbers.said(self.endpoint.dialect, speaker.clone()).await);
        self.actor.speaker = Some(speaker);
        self.arrival = None;
        self.shared().is_known(self.actor.connection.unwrap_or_default());
        if let Some(address) = self.counted_address.take() {
            self.shared().forget_unauthenticated(address);
        }
        Ok(attached)
    }

    /// Sends the missed changes of the account, before any live ones.
    async fn catch_up_account(&mut self, cursor: Number, live_from: Number) -> Result<(), CloseReason> {
        let Ok(user) = self.actor.known().map(|speaker| speaker.user) else { return Ok(()) };
        let mut at = cursor;
        loop {
            let engine = self.shared().engine.clone();
            let reading = async move { Box::pin(engine.account_changes(user, at, Extent::Piece)).await };
            let reading = engine::reading_for(self.actor.reader(), reading);
            let changes = match self.while_writing(reading).await? {
                Ok(changes) => changes.until(live_from),
                Err(error) => {
                    tracing::warn!(%user, %error, "what was missed of an account cannot be read now");
                    return Err(CloseReason::Restart(1_000));
                }
            };
            at = changes.to;
            let texts = self.shared().numbers.account_caught_up(self.endpoint.dialect, &changes).await;
            self.say(texts);
            self.drain().await?;
            if !changes.more {
                return Ok(());
            }
        }
    }

    /// Sends the missed changes of one conversation, before any live ones.
    async fn catch_up(
        &mut self,
        epoch: &str,
        (conversation, cursor): (ConversationId, Number),
        live_from: Option<Number>,
        visible_from: Number,
    ) -> Result<(), CloseReason> {
        let dialect = self.endpoint.dialect;
        let Some(live_from) = live_from else {
            let texts = self.shared().numbers.signal(dialect, None, &Signal::NotAMember(conversation));
            self.say(texts);
            return Ok(());
        };
        if cursor == live_from {
            return Ok(());
        }
        let epoch = epoch.to_owned();
        let mut key = Key { epoch, dialect, conversation, cursor, live_from, visible_from };
        loop {
            let piece = self.missed(key.clone()).await?;
            key.cursor = piece.to;
            self.outbox.push_answer(piece.frame);
            // The next piece is read when this one was taken: a slow client costs one piece of memory, and gets further
            // each time.
            self.drain().await?;
            // It goes on to the last piece, even beyond the number that live events follow: before it, the client has
            // no state to apply them to.
            if !piece.more {
                return Ok(());
            }
        }
    }

    /// Reads the next piece of a conversation's missed changes.
    async fn missed(&mut self, key: Key) -> Result<Piece, CloseReason> {
        let (conversation, live_from, visible_from) = (key.conversation, key.live_from, key.visible_from);
        let (shared, user) = (self.endpoint.shared.clone(), self.actor.known().map(|speaker| speaker.user));
        let reading = async move {
            let piece = shared.missed.between(&shared, key).await?;
            if piece.head <= live_from {
                return Ok(Some(piece));
            }
            // The piece contains changes from after the last check of membership: it is sent only if they are still a
            // member who sees the same messages.
            let sees_from = Box::pin(shared.engine.sees_from(user?, conversation)).await?;
            Ok::<_, Error>(Some(piece).filter(|_| sees_from == Some(visible_from)))
        };
        let reading = engine::reading_for(self.actor.reader(), reading);
        match self.while_writing(reading).await? {
            Ok(Some(piece)) => Ok(piece),
            // The person was removed just now. When the client reconnects it learns that, and nothing of what came
            // after.
            Ok(None) => Err(CloseReason::Restart(0)),
            Err(error) => {
                // Live events would follow after a gap. A client that reconnects gets everything.
                tracing::warn!(%conversation, %error, "what was missed cannot be read now");
                Err(CloseReason::Restart(1_000))
            }
        }
    }

    /// Waits until the client has taken everything that was sent; closes one that takes next to nothing.
    async fn drain(&mut self) -> Result<(), CloseReason> {
        let patience = 2 * seconds(self.shared().limits().ping_seconds);
        loop {
            let before = self.writer.written();
            let drained = std::future::poll_fn(|context: &mut Context<'_>| {
                if let Poll::Ready(close_reason) = self.writer.poll(&self.socket, context) {
                    return Poll::Ready(Err(close_reason));
                }
                if self.outbox.is_empty() { Poll::Ready(Ok(())) } else { Poll::Pending }
            });
            if let Ok(done) = tokio::time::timeout(patience, drained).await {
                return done;
            }
            if self.writer.written() - before < SLOWEST {
                return Err(CloseReason::SlowConsumer);
            }
        }
    }
}
