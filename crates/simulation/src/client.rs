//! Clients: they send, change, connect, disconnect and come back, on any node, and apply what they receive by the rules
//! of the protocol.

use std::{
    collections::{BTreeMap, VecDeque},
    rc::Rc,
    time::Duration,
};

use chat::{
    AccountEvent, ClientId, Command, ConversationId, ErrorCode, Event, Number, Reply, UserId,
    messages::{MessageType, Submission},
    reply::CaughtUp,
    threads::Target,
};
use promises::{Change, Facts, Known, KnownAccount, Place, Rule};

use crate::{
    agenda::{Frame, Happening, Request},
    database::Snapshot,
    world::{World, note},
};

pub(crate) struct Client {
    /// The person whom this client speaks for.
    pub person: usize,
    pub line: Option<Line>,
    pub known: BTreeMap<ConversationId, Followed>,
    pub account: OwnAccount,
    pub pending: VecDeque<Pending>,
    /// Sends that were acknowledged, from which client ids are reused on purpose.
    acked: Vec<(ConversationId, ClientId)>,
    asked: BTreeMap<u64, Asked>,
    /// The position in each conversation's live events on this connection.
    pub heard: BTreeMap<ConversationId, Heard>,
    sent: u64,
}

/// The position in a conversation's live events.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Heard {
    /// No event has come yet: the first must be the one after this number.
    Nothing(Number),
    /// The last had this number.
    Last(Number),
}

/// The account as a client follows it.
#[derive(Default)]
pub(crate) struct OwnAccount {
    pub known: Option<KnownAccount<Facts>>,
    /// The request by which the account is being read again, and the number after which events follow; events that come
    /// meanwhile wait.
    pub loading: Option<(u64, Number)>,
    pub waiting: Vec<Rc<AccountEvent>>,
    /// The number of the last live event on this connection.
    pub heard: Number,
    /// The number of the last event among those that were missed.
    pub caught_up: Number,
}

/// A client's connection to a node.
#[derive(Debug)]
pub(crate) struct Line {
    pub node: usize,
    pub life: u32,
    pub connection: u64,
    pub said_until: Duration,
    /// Whether the node has sent its welcome.
    open: bool,
}

/// A conversation that a client follows.
pub(crate) struct Followed {
    pub known: Known<Facts>,
    /// The request by which the conversation is being read again; frames that come meanwhile wait.
    pub loading: Option<u64>,
    waiting: Vec<Frame>,
}

/// A send that is not acknowledged yet.
#[derive(Debug)]
pub(crate) struct Pending {
    pub cid: ClientId,
    conversation: ConversationId,
    text: String,
    target: Target,
    /// The connection on which the answer to the last attempt is awaited.
    asked_on: Option<u64>,
}

#[derive(Debug)]
enum Asked {
    Send(ClientId),
    /// A send with a known id and another text: it must be refused.
    Misuse(ClientId),
    Other,
}

impl Client {
    pub(crate) fn new(person: usize) -> Self {
        Self {
            person,
            line: None,
            known: BTreeMap::new(),
            account: OwnAccount::default(),
            pending: VecDeque::new(),
            acked: Vec::new(),
            asked: BTreeMap::new(),
            heard: BTreeMap::new(),
            sent: 0,
        }
    }
}

impl World<'_> {
    pub(crate) fn user_of(&self, client: usize) -> UserId {
        self.town.people[self.clients[client].person].user
    }

    // ---- the line ---------------------------------------------------------------------------------

    pub(crate) fn connects(&mut self, client: usize) {
        if self.clients[client].line.is_some() {
            return;
        }
        let node = usize::try_from(self.dice.below(self.nodes.len() as u64)).unwrap_or(0);
        if !self.nodes[node].up {
            self.plan_in(400_000, Happening::Connects { client });
            return;
        }
        let connection = self.count();
        note!(self, "client {client} connects to node {node}");
        let speaker = self.town.people[self.clients[client].person].clone();
        let (life, said_until) = (self.nodes[node].life, self.now);
        let me = &mut self.clients[client];
        me.line = Some(Line { node, life, connection, said_until, open: false });
        let read = me.known.iter().filter(|(_, followed)| followed.loading.is_none());
        let cursors = read.map(|(id, followed)| (*id, followed.known.cursor)).collect();
        me.account.waiting.clear();
        me.account.loading = None;
        let account = me.account.known.as_ref().map(|known| known.cursor);
        me.account.caught_up = account.unwrap_or_default();
        self.say(client, Request::Hello { client, speaker, account, cursors });
    }

    pub(crate) fn finds_line_broken(&mut self, client: usize, connection: u64) {
        let me = &mut self.clients[client];
        if me.line.as_ref().is_none_or(|line| line.connection != connection) {
            return;
        }
        me.line = None;
        me.asked.clear();
        me.heard.clear();
        me.pending.iter_mut().for_each(|pending| pending.asked_on = None);
        note!(self, "client {client} has no line");
        let rest = self.dice.pick(&[20_000, 300_000, 2_000_000]).unwrap_or(300_000);
        self.plan_in(rest, Happening::Connects { client });
    }

    /// Disconnects the client, on purpose or by a broken connection: the node notices later.
    pub(crate) fn break_line(&mut self, client: usize) {
        let Some(line) = &self.clients[client].line else { return };
        let (node, life, connection) = (line.node, line.life, line.connection);
        self.plan_in(1_500_000, Happening::ConnectionIsGone { node, life, connection });
        self.finds_line_broken(client, connection);
    }

    // ---- what it does of its own accord ---------------------------------------------------------

    pub(crate) fn acts(&mut self, client: usize) {
        if self.quiet {
            return;
        }
        // The fewer clients there are, the more each of them does.
        let pause = 90_000 * self.town.people.len() as u64;
        self.plan_in(pause, Happening::Acts { client });
        let me = &self.clients[client];
        if !me.line.as_ref().is_some_and(|line| line.open) {
            return;
        }
        let known: Vec<ConversationId> = me.known.keys().copied().collect();
        let any = self.town.rooms.clone();
        let somebody: Vec<UserId> = self.town.people.iter().map(|person| person.user).collect();
        let (Some(room), Some(user)) = (self.dice.pick(&any), self.dice.pick(&somebody)) else { return };
        let own = self.dice.pick(&known);
        if self.dice.chance(200) {
            return self.acts_on_account(client, own);
        }
        if self.dice.below(100) < self.weather.restless {
            return match (self.dice.below(5), own) {
                (0, Some(conversation)) => self.does(client, Command::LeaveConversation(conversation)),
                (1, Some(conversation)) => self.does(client, Command::AddMember { conversation, user }),
                (2, Some(conversation)) => self.does(client, Command::RemoveMember { conversation, user }),
                _ => self.does(client, Command::JoinConversation(room)),
            };
        }
        match (self.dice.below(100), own) {
            (0..66, Some(conversation)) => {
                for _ in 0..self.dice.pick(&[1, 1, 1, 2, 5]).unwrap_or(1) {
                    self.begin_send(client, conversation);
                }
            }
            (66..84, Some(conversation)) => self.changes_a_message(client, conversation),
            (84..89, _) => self.misuses_an_id(client),
            (89..92, _) => self.begin_send(client, room),
            _ => self.break_line(client),
        }
    }

    pub(crate) fn does(&mut self, client: usize, command: Command) {
        let request = self.count();
        self.clients[client].asked.insert(request, Asked::Other);
        self.say(client, Request::Do { request, command });
    }

    fn changes_a_message(&mut self, client: usize, conversation: ConversationId) {
        let user = self.user_of(client);
        let Some(followed) = self.clients[client].known.get(&conversation) else { return };
        let all: Vec<(Number, bool)> = followed
            .known
            .messages
            .values()
            .rev()
            .take(20)
            .map(|message| (message.seq, message.author == user))
            .collect();
        let Some((seq, own)) = self.dice.pick(&all) else { return };
        let command = match self.dice.below(10) {
            0..5 if own => {
                let text = format!("edit {} of client {client}", self.count());
                self.judge.edited(conversation, &text);
                Command::EditMessage { conversation, seq, text }
            }
            5..7 => Command::DeleteMessage { conversation, seq },
            _ => Command::AddReaction { conversation, seq, emoji: "👍".into() },
        };
        self.does(client, command);
    }

    fn begin_send(&mut self, client: usize, conversation: ConversationId) {
        let me = &mut self.clients[client];
        me.sent += 1;
        let name = format!("c{client}-{}", me.sent);
        let Ok(cid) = ClientId::parse(&name) else { return };
        let text = format!("message {name}");
        let target = target(me, conversation);
        me.pending.push_back(Pending { cid: cid.clone(), conversation, text, target, asked_on: None });
        self.repeats(client, cid.as_str());
    }

    /// Sends a pending message, for the first time or again.
    pub(crate) fn repeats(&mut self, client: usize, cid: &str) {
        let request = self.count();
        let user = self.user_of(client);
        let me = &mut self.clients[client];
        let Some(line) = me.line.as_ref().filter(|line| line.open) else { return };
        let connection = line.connection;
        let pending = me.pending.iter_mut().find(|pending| pending.cid.as_str() == cid && pending.asked_on.is_none());
        let Some(pending) = pending else { return };
        pending.asked_on = Some(connection);
        let (client_id, text, conversation) = (pending.cid.clone(), pending.text.clone(), pending.conversation);
        let target = pending.target;
        self.judge.invoke((user, &client_id), connection, conversation, &text);
        me.asked.insert(request, Asked::Send(client_id.clone()));
        note!(self, "client {client} sends {cid} to {}", self.room(conversation));
        self.say(client, Request::Do { request, command: send(conversation, client_id, text, target) });
    }

    fn misuses_an_id(&mut self, client: usize) {
        let me = &self.clients[client];
        let at = self.dice.below(me.acked.len() as u64);
        let Some((conversation, cid)) = me.acked.get(usize::try_from(at).unwrap_or(0)).cloned() else { return };
        let request = self.count();
        let text = format!("misuse {request} of {cid}");
        note!(self, "client {client} uses {cid} for another text");
        self.clients[client].asked.insert(request, Asked::Misuse(cid.clone()));
        self.say(client, Request::Do { request, command: send(conversation, cid, text, Target::Unaware) });
    }

    // ---- what it hears ----------------------------------------------------------------------------

    pub(crate) fn hears_node(&mut self, client: usize, connection: u64, frame: Frame) {
        if self.clients[client].line.as_ref().is_none_or(|line| line.connection != connection) {
            return;
        }
        note!(self, "client {client} hears {}", self.shown_frame(&frame));
        match frame {
            Frame::Welcome { account, attached } => {
                self.is_welcome(client, attached);
                self.follows_account(client, account);
            }
            Frame::Event(event) => self.hears_event(client, event),
            Frame::Changes { changes, live } => self.hears_changes(client, changes, live),
            Frame::Account { event, live } => self.hears_account_event(client, event, live),
            Frame::AccountReset(to) => self.reads_account(client, to),
            Frame::AccountRead { request, read } => self.has_read_account(client, request, read),
            Frame::Answer { request, reply } => self.is_answered(client, request, reply),
            Frame::ReadAnew { request, conversation, read } => self.has_read(client, request, conversation, read),
            Frame::Closed => self.finds_line_broken(client, connection),
        }
    }

    fn is_welcome(&mut self, client: usize, attached: Vec<(ConversationId, Number)>) {
        let me = &mut self.clients[client];
        if let Some(line) = &mut me.line {
            line.open = true;
        }
        me.heard = attached.iter().map(|(id, last)| (*id, Heard::Last(*last))).collect();
        let heard = &me.heard;
        me.known.retain(|id, _| heard.contains_key(id));
        let unread = |id: &ConversationId| me.known.get(id).is_none_or(|followed| followed.loading.is_some());
        let unread: Vec<ConversationId> = me.heard.keys().copied().filter(unread).collect();
        let pending: Vec<ClientId> = me.pending.iter().map(|pending| pending.cid.clone()).collect();
        for conversation in unread {
            self.reads_anew(client, conversation);
        }
        for cid in pending {
            self.repeats(client, cid.as_str());
        }
    }

    pub(crate) fn reads_anew(&mut self, client: usize, conversation: ConversationId) {
        let request = self.count();
        let followed = Followed { known: Known::default(), loading: Some(request), waiting: Vec::new() };
        self.clients[client].known.insert(conversation, followed);
        self.say(client, Request::ReadAnew { request, conversation });
    }

    fn has_read(
        &mut self,
        client: usize,
        request: u64,
        conversation: ConversationId,
        read: chat::Result<Rc<Snapshot>>,
    ) {
        let me = &mut self.clients[client];
        let Some(followed) = me.known.get_mut(&conversation).filter(|followed| followed.loading == Some(request))
        else {
            return;
        };
        match read {
            Ok(read) => {
                self.figures.readings += 1;
                let waiting = std::mem::take(&mut followed.waiting);
                (followed.known, followed.loading) = (read.known(), None);
                waiting.into_iter().for_each(|frame| self.apply(client, frame));
            }
            Err(error) if error.code == ErrorCode::NotFound => _ = me.known.remove(&conversation),
            Err(_) => self.reads_anew(client, conversation),
        }
    }

    fn hears_event(&mut self, client: usize, event: Rc<Event>) {
        let (conversation, number) = (event.conversation, event.number);
        self.figures.events += 1;
        let user = self.user_of(client);
        self.judge.hears_event(client, user, &event);
        let heard = self.clients[client].heard.insert(conversation, Heard::Last(number));
        let wrong = |heard: &Heard| match heard {
            Heard::Nothing(head) => number > head.next(),
            Heard::Last(last) => number != last.next(),
        };
        if let Some(last) = heard.filter(wrong) {
            let place = self.room(conversation);
            self.judge
                .accuse(Rule::I6, format!("client {client} heard {number} of {place} after {last:?} on one line"));
        }
        self.apply(client, Frame::Event(event));
    }

    fn hears_changes(&mut self, client: usize, changes: Rc<CaughtUp>, live: bool) {
        let conversation = changes.conversation.id;
        let user = self.user_of(client);
        self.figures.catch_ups += 1;
        self.figures.late += u64::from(self.judge.hears_changes(client, user, &changes, live, self.now));
        if live {
            let heard = self.clients[client].heard.entry(conversation).or_insert(Heard::Nothing(changes.from));
            let (Heard::Nothing(last) | Heard::Last(last)) = *heard;
            *heard = Heard::Last(changes.to.max(if let Heard::Last(last) = *heard { last } else { changes.to }));
            if changes.from > last {
                let place = self.room(conversation);
                let what =
                    format!("client {client} was taken from {} though it was at {last} of {place}", changes.from);
                self.judge.accuse(Rule::I6, what);
            }
        }
        self.apply(client, Frame::Changes { changes, live });
    }

    /// Applies a frame by the protocol's rule: the next number is applied, a number that is not larger is dropped, a
    /// gap must not occur.
    fn apply(&mut self, client: usize, frame: Frame) {
        let conversation = match &frame {
            Frame::Event(event) => event.conversation,
            Frame::Changes { changes, .. } => changes.conversation.id,
            _ => return,
        };
        let place = self.room(conversation);
        let Some(followed) = self.clients[client].known.get_mut(&conversation) else {
            return self.reads_anew(client, conversation);
        };
        if followed.loading.is_some() {
            return followed.waiting.push(frame);
        }
        let known = &mut followed.known;
        let cursor = known.cursor;
        let wrong = match frame {
            Frame::Event(event) => match known.place(event.number) {
                Place::Known => None,
                Place::Next if known.apply(event.number, Change::from(&event.fact)) => {
                    let is_newer = event.thread.as_deref().cloned().is_none_or(|thread| known.put_thread(thread));
                    (!is_newer).then(|| format!("hears with {} an older thread than it knows", event.number))
                }
                Place::Next => Some(format!("hears with {} something older than it knows", event.number)),
                Place::Beyond => Some(format!("hears {}", event.number)),
            },
            Frame::Changes { changes, .. } if changes.reset => return self.reads_anew(client, conversation),
            Frame::Changes { changes, .. } if changes.from > cursor => Some(format!("is taken from {}", changes.from)),
            Frame::Changes { changes, .. } if changes.to > cursor => {
                let (members, messages) = (changes.members.iter().cloned(), changes.messages.iter().cloned());
                let older = known.catch_up(changes.to, (), members, messages, changes.threads.iter().cloned());
                (older > 0).then(|| format!("is taken to {} with {older} older rows than it knows", changes.to))
            }
            _ => None,
        };
        if let Some(wrong) = wrong {
            self.judge.accuse(Rule::I6, format!("client {client} is at {cursor} of {place} and {wrong}"));
            self.reads_anew(client, conversation);
        }
    }

    fn is_answered(&mut self, client: usize, request: u64, reply: chat::Result<Reply>) {
        let user = self.user_of(client);
        match self.clients[client].asked.remove(&request) {
            Some(Asked::Send(cid)) => {
                self.judge.answer((user, &cid));
                self.send_is_answered(client, cid, reply);
            }
            Some(Asked::Misuse(cid)) => {
                if reply.is_ok() {
                    self.judge.accuse(Rule::P3, format!("another text under {cid} of {user} was accepted"));
                }
            }
            Some(Asked::Other) | None => {}
        }
    }

    fn send_is_answered(&mut self, client: usize, cid: ClientId, reply: chat::Result<Reply>) {
        let user = self.user_of(client);
        let me = &mut self.clients[client];
        let Some(at) = me.pending.iter().position(|pending| pending.cid == cid) else { return };
        let connection = me.line.as_ref().map_or(0, |line| line.connection);
        match reply {
            Ok(Reply::Sent(sent)) => {
                self.figures.acks += 1;
                self.figures.repeats += u64::from(sent.repeated);
                me.acked.push((sent.conversation, cid.clone()));
                me.pending.remove(at);
                self.judge.acknowledge((user, &cid), connection, &sent);
            }
            Err(error) if matches!(error.code, ErrorCode::Unavailable | ErrorCode::OutcomeUnknown) => {
                if let Some(pending) = me.pending.get_mut(at) {
                    pending.asked_on = None;
                }
                self.plan_in(500_000, Happening::Repeats { client, cid: cid.as_str().to_owned() });
            }
            _ => {
                me.pending.remove(at);
                self.judge.refuse((user, &cid));
            }
        }
    }
}

/// Where a client's next message is to stand: every third is a reply in the thread of the newest one that it knows.
fn target(client: &Client, conversation: ConversationId) -> Target {
    let newest = client.known.get(&conversation).and_then(|followed| followed.known.messages.values().next_back());
    match newest.filter(|_| client.sent.is_multiple_of(3)) {
        Some(newest) => {
            Target::Thread { root: newest.thread.unwrap_or(newest.seq), also_in_room: client.sent.is_multiple_of(2) }
        }
        None => Target::Unaware,
    }
}

fn send(conversation: ConversationId, cid: ClientId, text: String, target: Target) -> Command {
    let message_type = MessageType::Text;
    Command::SendMessage(Submission { conversation, client_id: Some(cid), message_type, text, parent: None, target })
}
