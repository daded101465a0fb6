//! Executes the steps of a dialect until nothing is left to do.

use chat::{
    Command, ConnectionId, ConversationId, Error, ErrorCode, Number, Query, Reply, Result, Visit,
    accounts::Speaker,
    presence::Presence,
    sessions::{Origin, Visited},
};
use dialects::{Dialect, Step};
use engine::{Allowance, Cost, Pace, Reader};
use subscribers::{
    Whose,
    typing::{TypingPlace, Typist},
};

use crate::Shared;

/// The client on whose behalf a step is executed.
#[derive(Clone)]
pub(crate) struct Actor {
    /// The authenticated speaker, if there is one.
    pub speaker: Option<Speaker>,
    /// The connection, if it is a socket.
    pub connection: Option<ConnectionId>,
    /// The address that the client comes from.
    pub origin: Origin,
    /// How they speak.
    pub dialect: Dialect,
    /// Who speaks, as their dialect knows them: by the number of its host.
    pub spoken: Option<Speaker>,
}

impl Actor {
    pub(crate) fn known(&self) -> Result<&Speaker> {
        self.speaker.as_ref().ok_or_else(unauthenticated)
    }

    /// The reader under which database reads take turns.
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

/// The result of driving a step.
pub(crate) enum Driven {
    /// A step that only a socket can do (send without waiting, authenticate, choose which conversations to hear) or
    /// only a request (give a piece of its body, make a file of it, open a file for the answer), or a change that counts against the rate of messages.
    Special(Step),
    /// The last step.
    Over(Step),
}

/// The part of a command that is never stored. The hub publishes it after the engine has allowed it.
enum Unstored {
    Presence(Presence),
    PresenceHere(Presence),
    Activity,
    Typing(ConversationId, Option<Number>, bool),
}

impl Unstored {
    fn of(command: &Command) -> Option<Self> {
        match command {
            Command::SetPresence(presence) => Some(Self::Presence(*presence)),
            Command::SetPresenceHere(presence) => Some(Self::PresenceHere(*presence)),
            Command::ShowActivity => Some(Self::Activity),
            Command::Typing { conversation, thread, typing } => Some(Self::Typing(*conversation, *thread, *typing)),
            _ => None,
        }
    }
}

impl Shared {
    /// Counts a request against its speaker's rate; unauthenticated clients are limited elsewhere.
    pub(crate) fn admit(&self, actor: &Actor, cost: Cost) -> Result<Option<Allowance>> {
        actor.speaker.as_ref().map(|speaker| self.engine.admit(speaker, cost)).transpose()
    }

    /// Counts a change against the rate of messages, if its command is one that counts there. One that comes too soon
    /// fails, and the step continues with that result.
    pub(crate) fn pace(&self, actor: &Actor, pace: Pace, step: Step) -> (Step, Result<Option<Allowance>>) {
        match step {
            Step::Do(command, then) if command.is_paced_as_a_message() => {
                match self.admit(actor, Cost::Message(pace)) {
                    Ok(allowance) => (Step::Do(command, then), Ok(allowance)),
                    Err(error) => (then(Err(error.clone())), Err(error)),
                }
            }
            step => (step, Ok(None)),
        }
    }

    /// Drives a step until it ends, or needs something special. The step's first request must have been counted
    /// already.
    pub(crate) fn drive(&self, actor: &Actor, step: Step) -> impl Future<Output = Driven> {
        engine::reading_for(actor.reader(), self.until_special(actor, step))
    }

    async fn until_special(&self, actor: &Actor, mut step: Step) -> Driven {
        // Large futures are boxed: each step then takes as much room as itself, and not as the largest.
        let mut is_first = true;
        loop {
            if !std::mem::take(&mut is_first) && step.is_paced_as_a_message() {
                return Driven::Special(step);
            }
            step = match step {
                Step::Do(command, then) => then(Box::pin(self.execute(actor, *command)).await),
                Step::Ask(query, then) => then(Box::pin(self.ask(actor, query)).await),
                Step::Visit(visit, then) => then(Box::pin(self.visit(actor, visit)).await),
                Step::LogOut(then) => then(match actor.known() {
                    Ok(speaker) => Box::pin(self.engine.log_out(speaker)).await,
                    Err(error) => Err(error),
                }),
                Step::Server(then) => then(self.server().await),
                Step::Statistics(then) => then(self.statistics().await),
                Step::AllStatistics(then) => then(match actor.known() {
                    Ok(speaker) => self.all_statistics(speaker).await,
                    Err(error) => Err(error),
                }),
                Step::FilesCookie(then) => then(actor.known().and_then(|speaker| self.engine.files_cookie(speaker))),
                // The ticket is the credential, and says for whose numbers: a device of our own clients.
                Step::OpenPush(ticket, then) => then(self.engine.open_push(&ticket).await),
                Step::Now(then) => then(Ok(self.engine.now())),
                // A frame has no body besides itself.
                Step::Piece(then) if actor.connection.is_some() => then(Err(Error::internal())),
                Step::Receive(_, then) | Step::Open(_, then) | Step::OpenPicture(_, then)
                    if actor.connection.is_some() =>
                {
                    then(Err(Error::internal()))
                }
                Step::OpenThumbnail(_, _, then) if actor.connection.is_some() => then(Err(Error::internal())),
                Step::Append { then, .. } if actor.connection.is_some() => then(Err(Error::internal())),
                Step::Piece(_)
                | Step::Receive(..)
                | Step::Append { .. }
                | Step::Open(..)
                | Step::OpenThumbnail(..)
                | Step::OpenPicture(..)
                | Step::Send(..)
                | Step::Authenticate(..)
                | Step::Tune { .. } => return Driven::Special(step),
                Step::Say(_) | Step::Refuse(_) => return Driven::Over(step),
            };
        }
    }

    async fn execute(&self, actor: &Actor, command: Command) -> Result<Reply> {
        let speaker = actor.known()?;
        let command = self.meant_by_command(actor.dialect, speaker, command).await?;
        let unstored = Unstored::of(&command);
        let reply = self.engine.execute(speaker, command, actor.connection).await?;
        match unstored {
            Some(Unstored::Presence(presence)) => {
                self.hub.set_presence(speaker.user, presence, Whose::Person(actor.connection)).await;
            }
            Some(Unstored::PresenceHere(presence)) => {
                let whose =
                    actor.connection.map_or(Whose::Session(speaker.session, actor.dialect.system), Whose::Connection);
                self.hub.set_presence(speaker.user, presence, whose).await;
            }
            // Only a connection can go on showing activity: a request shows nothing of the time after it.
            Some(Unstored::Activity) => {
                if let Some(connection) = actor.connection {
                    self.hub.show_activity(speaker.user, connection).await;
                }
            }
            Some(Unstored::Typing(conversation, thread, typing)) => {
                let Speaker { user, username, shown_name, .. } = speaker.clone();
                let place = TypingPlace { conversation, thread };
                self.hub.set_typing(place, Typist { user, username, shown_name }, typing).await;
            }
            None => {}
        }
        Ok(self.numbers.said(actor.dialect, reply).await)
    }

    async fn ask(&self, actor: &Actor, query: Query) -> Result<Reply> {
        let speaker = actor.known()?;
        let query = self.meant_by_query(actor.dialect, query).await?;
        let reply = self.engine.ask(speaker, query).await?;
        Ok(self.numbers.said(actor.dialect, reply).await)
    }

    async fn visit(&self, actor: &Actor, visit: Visit) -> Result<Visited> {
        let visited = self.engine.visit(visit, actor.origin.clone()).await?;
        self.shown_to_visitor(actor.dialect, visited).await
    }
}
