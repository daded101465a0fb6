//! What a node asks of the database, and what it does with the answers.

use std::{collections::BTreeSet, rc::Rc, time::Duration};

use chat::{
    ConversationId, Error, ErrorCode, UserId,
    reply::{AccountChanges, CaughtUp},
};
use store::members::Belongings;

use crate::{
    agenda::{Answer, Frame, Happening, Question},
    fault::Fault,
    world::{World, note},
};

/// How often invalidations are read, and heads while Redis is away.
const EVERY: Duration = Duration::from_secs(1);
/// How often heads are asked for though Redis is there.
const SELDOM: Duration = Duration::from_secs(5);

fn away() -> Error {
    Error::new(ErrorCode::Unavailable, "The database is away.")
}

fn account_changes(answer: Answer) -> chat::Result<Rc<AccountChanges>> {
    match answer {
        Answer::AccountChanges(changes) => Ok(changes),
        _ => Err(Error::internal()),
    }
}

impl World<'_> {
    pub(crate) fn ask(&mut self, node: usize, question: Question) {
        let (life, cable) = (self.nodes[node].life, self.nodes[node].cable);
        let within = self.pace(node, self.weather.database);
        if self.reaches_database(node) {
            self.plan_in(within, Happening::Ask { node, life, cable, question });
        } else {
            self.plan_in(within + 200_000, Happening::Answered { node, life, cable, question, answer: Err(away()) });
        }
    }

    /// The database answers, with what is true at this moment.
    pub(crate) fn ask_now(&mut self, node: usize, cable: u32, question: Question) -> anyhow::Result<()> {
        let life = self.nodes[node].life;
        let answer = if self.reaches_database(node) { self.look_up(node, &question) } else { Err(away()) };
        if let Err(error) = &answer
            && !matches!(error.code, ErrorCode::Unavailable | ErrorCode::NotFound)
        {
            anyhow::bail!("the database answers {question:?} with {error}");
        }
        let within = self.pace(node, self.weather.database);
        self.plan_in(within, Happening::Answered { node, life, cable, question, answer });
        Ok(())
    }

    fn look_up(&self, node: usize, question: &Question) -> chat::Result<Answer> {
        let database = &self.database;
        let speaker = |connection: &u64| self.nodes[node].connections.get(connection).map(|open| &open.speaker);
        Ok(match question {
            Question::Belongings { connection, .. } => {
                let user = speaker(connection).map(|speaker| speaker.user);
                Answer::Belongings(user.map_or_else(|| Ok(Belongings::default()), |user| database.belongings(user))?)
            }
            Question::Listed { user, conversation, .. } => {
                Answer::Listed(Box::new(database.listed(*user, *conversation)?))
            }
            Question::Account { user, after } => {
                Answer::AccountChanges(Rc::new(database.account_changes(*user, *after)?))
            }
            Question::AccountMissed { connection, cursor } => match speaker(connection) {
                Some(speaker) => Answer::AccountChanges(Rc::new(database.account_piece(speaker.user, *cursor)?)),
                None => return Err(away()),
            },
            Question::AccountAnew { connection, .. } => match speaker(connection) {
                Some(speaker) => Answer::Account(Rc::new(database.account(speaker)?)),
                None => return Err(away()),
            },
            Question::Invalidations { after } => Answer::Invalidations(database.invalidations(*after)?),
            Question::Heads(conversations) => Answer::Heads(database.heads(conversations)?),
            Question::Missed { conversation, cursor, .. } => {
                Answer::Changes(Rc::new(database.piece(*conversation, *cursor)?))
            }
            Question::Gap { conversation, after, people, .. } => {
                let changes = Rc::new(database.changes(*conversation, *after)?);
                Answer::Gap(changes, database.among(people, *conversation)?)
            }
            Question::Anew { connection, conversation, .. } => match speaker(connection) {
                Some(speaker) => Answer::Snapshot(Rc::new(database.snapshot(speaker, *conversation)?)),
                None => return Err(away()),
            },
        })
    }

    pub(crate) fn answered(&mut self, node: usize, cable: u32, question: Question, answer: chat::Result<Answer>) {
        let answer = if cable == self.nodes[node].cable { answer } else { Err(away()) };
        match (question, answer) {
            (Question::Belongings { connection, since }, Ok(Answer::Belongings(found))) => {
                self.loaded(node, connection, since, Ok(found));
            }
            (Question::Belongings { connection, since }, Err(error)) => {
                self.loaded(node, connection, since, Err(error))
            }
            (Question::Listed { user, number, .. }, read) => {
                let listed = read.and_then(|read| match read {
                    Answer::Listed(listed) => Ok(*listed),
                    _ => Err(Error::internal()),
                });
                self.listed_read(node, user, number, listed);
            }
            (Question::Account { user, .. }, read) => {
                self.fill_account(node, user, read.and_then(account_changes));
            }
            (Question::AccountMissed { connection, .. }, read) => {
                self.account_missed(node, connection, read.and_then(account_changes));
            }
            (Question::AccountAnew { connection, request }, read) => {
                let read = read.and_then(|read| match read {
                    Answer::Account(account) => Ok(account),
                    _ => Err(Error::internal()),
                });
                self.send(node, connection, Frame::AccountRead { request, read });
            }
            (Question::Invalidations { .. }, read) => {
                self.nodes[node].reading_invalidations = false;
                let Ok(Answer::Invalidations(read)) = read else { return };
                // Its own as well, if they were written under an earlier name: it does not know that it wrote them.
                let own = self.nodes[node].name;
                for kept in read {
                    let foreign = self.invalidations_of.get(&kept.id) != Some(&own);
                    if foreign
                        && self.nodes[node].invalidations_heard.insert(kept.id)
                        && let Some(invalidation) = kept.invalidation
                    {
                        self.invalidated(node, invalidation);
                    }
                }
            }
            (Question::Heads(_), Ok(Answer::Heads(heads))) => {
                heads.into_iter().for_each(|(conversation, head)| self.heard_of(node, conversation, head));
            }
            (Question::Missed { connection, conversation, cursor, live_from }, Ok(Answer::Changes(changes))) => {
                self.missed(node, connection, (conversation, cursor, live_from), Ok(changes));
            }
            (Question::Missed { connection, conversation, cursor, live_from }, Err(error)) => {
                self.missed(node, connection, (conversation, cursor, live_from), Err(error));
            }
            (Question::Gap { room, conversation, people, .. }, Ok(Answer::Gap(changes, among))) => {
                let stays = people.into_iter().map(|user| (user, among.contains(&user))).collect();
                self.filled(node, room, conversation, &changes, stays);
            }
            (Question::Gap { room, conversation, .. }, Err(_)) => {
                let now = self.instant();
                let found = self.nodes[node].rooms.get_mut(&conversation).filter(|found| found.born == room);
                if let Some(found) = found {
                    found.sequence.failed(now);
                    self.look_for_due(node, conversation.into());
                }
            }
            (Question::Anew { connection, request, conversation }, read) => {
                let read = read.and_then(|read| match read {
                    Answer::Snapshot(snapshot) => Ok(snapshot),
                    _ => Err(Error::internal()),
                });
                self.send(node, connection, Frame::ReadAnew { request, conversation, read });
            }
            // Heads are asked for again soon.
            _ => {}
        }
    }

    /// What this node had missed was read: whoever may not know it goes first.
    fn filled(
        &mut self,
        node: usize,
        born: u64,
        conversation: ConversationId,
        changes: &Rc<CaughtUp>,
        stays: Vec<(UserId, bool)>,
    ) {
        let Some(room) = self.nodes[node].rooms.get(&conversation).filter(|room| room.born == born) else { return };
        let to = changes.to;
        let last = room.sequence.last();
        if to > last {
            // Whoever came in while this was read was not asked for. As in the hub, those are out who are shown to have
            // gone, and all if nothing is shown.
            let left: BTreeSet<UserId> =
                changes.members.iter().filter(|m| m.role.is_none() && m.rev > last).map(|m| m.user).collect();
            let asked: BTreeSet<UserId> = stays.iter().map(|(user, _)| *user).collect();
            let people = self.nodes[node].people.keys();
            let gone = people.filter(|user| left.contains(user) || changes.reset && !asked.contains(user));
            let gone = gone.map(|user| (*user, false));
            let missing =
                stays.into_iter().filter(|(_, stays)| !stays && changes.reset).chain(gone.collect::<Vec<_>>());
            for (user, _) in missing.collect::<Vec<_>>() {
                self.put_out(node, user, conversation, to);
            }
        }
        let now = self.instant();
        let Some(room) = self.nodes[node].rooms.get_mut(&conversation).filter(|room| room.born == born) else { return };
        let news = room.sequence.filled(to, now);
        let subscribers: Vec<u64> = room.subscribers.iter().copied().collect();
        note!(self, "node {node} has read {} up to {to}, news: {news}", self.room(conversation));
        if news {
            self.figures.gaps += 1;
            for connection in subscribers {
                self.tell(node, connection, Frame::Changes { changes: changes.clone(), live: true });
            }
        }
        self.tell_what_is_due(node, conversation);
        self.pass_waiting(node, conversation, born);
        self.look_for_due(node, conversation.into());
    }

    // ---- what is asked again and again ----------------------------------------------------------

    pub(crate) fn ticks(&mut self, node: usize) {
        let life = self.nodes[node].life;
        self.agenda.plan(self.now + EVERY, Happening::Ticks { node, life });
        let hub = &mut self.nodes[node];
        if !hub.reading_invalidations && self.fault != Some(Fault::IgnoresInvalidations) {
            hub.reading_invalidations = true;
            let after = hub.invalidations_after;
            self.ask(node, Question::Invalidations { after });
        }
        let hub = &self.nodes[node];
        if !hub.hears || self.now - hub.heads_at >= SELDOM {
            self.ask_heads(node);
        }
    }

    /// Asks for the heads of all that somebody here listens to.
    pub(crate) fn ask_heads(&mut self, node: usize) {
        let all = self.nodes[node].rooms.keys().copied().collect();
        self.nodes[node].heads_at = self.now;
        self.ask_heads_of(node, all);
    }

    pub(crate) fn ask_heads_of(&mut self, node: usize, conversations: Vec<ConversationId>) {
        if !conversations.is_empty() && self.fault != Some(Fault::NeverPolls) {
            self.ask(node, Question::Heads(conversations));
        }
    }
}
