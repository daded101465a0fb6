//! Turns: doing what a dialect asked for, until it has nothing left to ask.

use chat::{
    Command, ConnectionId, ConversationId, Error, ErrorCode, Query, Reply, Result, accounts::Speaker,
    presence::Presence, sessions::Origin,
};
use dialects::Turn;
use engine::{Allowance, Cost, Pace, Reader};
use subscribers::typing::Typist;

use crate::Shared;

/// On whose behalf a turn is driven.
#[derive(Clone)]
pub(crate) struct Actor {
    /// Who speaks, if they have proven it.
    pub speaker: Option<Speaker>,
    /// On which connection, if it is a socket.
    pub connection: Option<ConnectionId>,
    /// Where from.
    pub origin: Origin,
}

impl Actor {
    pub(crate) fn known(&self) -> Result<&Speaker> {
        self.speaker.as_ref().ok_or_else(unauthenticated)
    }

    /// In whose turn the database is read for them.
    pub(crate) fn reader(&self) -> Reader {
        match &self.speaker {
            Some(speaker) => Reader::Person(speaker.user),
            None => Reader::Network(self.origin.network()),
        }
    }
}

pub(crate) fn unauthenticated() -> Error {
    Error::new(ErrorCode::Unauthenticated, "Authenticate first.")
}

/// What a turn has come to.
pub(crate) enum Step {
    /// It needs one of the things that only a socket does: send without waiting, authenticate, or choose what to
    /// hear; or only a request: give a piece of its body. Or it asks for something now that counts at the pace of
    /// messages.
    Special(Turn),
    /// It is over.
    Over(Turn),
}

/// The part of a command that is never stored. The hub tells it, once the engine has said that it may be told.
enum Unstored {
    Presence(Presence),
    Typing(ConversationId, bool),
}

impl Unstored {
    fn of(command: &Command) -> Option<Self> {
        match command {
            Command::SetPresence(presence) => Some(Self::Presence(*presence)),
            Command::Typing { conversation, typing } => Some(Self::Typing(*conversation, *typing)),
            _ => None,
        }
    }
}

impl Shared {
    /// Counts a request against its speaker's rate; strangers are limited where they come in.
    pub(crate) fn admit(&self, actor: &Actor, cost: Cost) -> Result<Option<Allowance>> {
        actor.speaker.as_ref().map(|speaker| self.engine.admit(speaker, cost)).transpose()
    }

    /// Counts a change that a turn asks for at the pace of messages, if it is one that is paced so. One that comes too
    /// soon has failed: the turn goes on with that.
    pub(crate) fn pace(&self, actor: &Actor, pace: Pace, turn: Turn) -> (Turn, Result<Option<Allowance>>) {
        match turn {
            Turn::Do(command, then) if command.is_paced_as_a_message() => {
                match self.admit(actor, Cost::Message(pace)) {
                    Ok(allowance) => (Turn::Do(command, then), Ok(allowance)),
                    Err(error) => (then(Err(error.clone())), Err(error)),
                }
            }
            turn => (turn, Ok(None)),
        }
    }

    /// Drives a turn until it ends, or needs something special. What it asks for first is counted already.
    pub(crate) fn drive(&self, actor: &Actor, turn: Turn) -> impl Future<Output = Step> {
        engine::reading_for(actor.reader(), self.until_special(actor, turn))
    }

    async fn until_special(&self, actor: &Actor, mut turn: Turn) -> Step {
        let mut is_first = true;
        loop {
            if !std::mem::take(&mut is_first) && turn.is_paced_as_a_message() {
                return Step::Special(turn);
            }
            turn = match turn {
                Turn::Do(command, then) => then(self.execute(actor, *command).await),
                Turn::Ask(query, then) => then(self.ask(actor, query).await),
                Turn::Visit(visit, then) => then(self.engine.visit(visit, actor.origin.clone()).await),
                Turn::LogOut(then) => then(match actor.known() {
                    Ok(speaker) => self.engine.log_out(speaker).await,
                    Err(error) => Err(error),
                }),
                Turn::Server(then) => then(self.server().await),
                Turn::Statistics(then) => then(self.statistics().await),
                Turn::AllStatistics(then) => then(match actor.known() {
                    Ok(speaker) => self.all_statistics(speaker).await,
                    Err(error) => Err(error),
                }),
                Turn::Now(then) => then(Ok(self.engine.now())),
                // A frame has no body besides itself.
                Turn::Piece(then) if actor.connection.is_some() => then(Err(Error::internal())),
                Turn::Piece(_) | Turn::Send(..) | Turn::Authenticate(..) | Turn::Tune { .. } => {
                    return Step::Special(turn);
                }
                Turn::Say(_) | Turn::Refuse(_) => return Step::Over(turn),
            };
        }
    }

    async fn execute(&self, actor: &Actor, command: Command) -> Result<Reply> {
        let speaker = actor.known()?;
        let unstored = Unstored::of(&command);
        let reply = self.engine.execute(speaker, command, actor.connection).await?;
        match unstored {
            Some(Unstored::Presence(presence)) => self.hub.set_presence(speaker.user, presence).await,
            Some(Unstored::Typing(conversation, typing)) => {
                let Speaker { user, username, shown_name, .. } = speaker.clone();
                self.hub.set_typing(conversation, Typist { user, username, shown_name }, typing).await;
            }
            None => {}
        }
        Ok(reply)
    }

    async fn ask(&self, actor: &Actor, query: Query) -> Result<Reply> {
        self.engine.ask(actor.known()?, query).await
    }
}
