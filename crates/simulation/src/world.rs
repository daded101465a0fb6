//! The world: everything in it, and the loop that runs it.

use std::{collections::BTreeMap, fmt, rc::Rc, time::Duration};

use chat::{AccountEvent, AccountFact, Command, ConversationId, Event, Fact, Outgoing, UserId};
use promises::Violation;
use tokio::time::Instant;

use crate::{
    agenda::{Agenda, Channel, Frame, Happening, Request, Trouble},
    client::Client,
    database::{Database, Town},
    dice::Dice,
    fault::Fault,
    judge::Judge,
    node::Node,
    redis::Redis,
    trace::Trace,
    writes::Flight,
};

/// For this long things break.
const TROUBLED: Duration = Duration::from_millis(4_500);
/// How long it takes, once nothing breaks any more, until everybody must know everything: the longest wait before a
/// client reconnects, the slowest polling, and a failed reading that is retried.
const QUIET: Duration = Duration::from_secs(12);

/// The parameters of a run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Plan {
    /// The seed of all randomness.
    pub seed: u64,
    /// The deliberate fault, if there is one.
    pub fault: Option<Fault>,
    /// Whether every line of the trace is printed.
    pub print: bool,
}

/// The outcome of a world.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The hash of the whole trace.
    pub hash: u64,
    /// The promises that were broken.
    pub violations: Vec<Violation>,
    /// Counts of what happened.
    pub figures: Figures,
}

/// Counts of what happened in a world, or in several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Numbered changes.
    pub changes: u64,
    /// Numbered changes of accounts.
    pub account_changes: u64,
    /// Sends that were acknowledged.
    pub acks: u64,
    /// Repeated sends that were recognised.
    pub repeats: u64,
    /// Commands that were answered with an unknown outcome.
    pub unknown: u64,
    /// Events that clients received.
    pub events: u64,
    /// Events of their accounts that clients received.
    pub account_events: u64,
    /// Gaps that nodes filled from the database.
    pub gaps: u64,
    /// Catch-up answers that clients got.
    pub catch_ups: u64,
    /// Conversations that clients read again in full.
    pub readings: u64,
    /// Things that broke.
    pub troubles: u64,
    /// Catch-up answers that showed a removed member something after their removal: see the judge.
    pub late: u64,
}

impl std::ops::AddAssign for Figures {
    fn add_assign(&mut self, other: Self) {
        self.changes += other.changes;
        self.account_changes += other.account_changes;
        self.account_events += other.account_events;
        self.acks += other.acks;
        self.repeats += other.repeats;
        self.unknown += other.unknown;
        self.events += other.events;
        self.gaps += other.gaps;
        self.catch_ups += other.catch_ups;
        self.readings += other.readings;
        self.troubles += other.troubles;
        self.late += other.late;
    }
}

/// The delays and losses of this world: the longest time that something takes, in microseconds, and how many of a
/// thousand messages between nodes are lost, doubled or late.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Weather {
    pub client: u64,
    pub database: u64,
    pub redis: u64,
    pub lost: u64,
    pub doubled: u64,
    pub late: u64,
    /// How many of a hundred actions of clients change memberships.
    pub restless: u64,
}

pub(crate) struct World<'d> {
    pub database: &'d mut Database,
    pub town: Town,
    pub dice: Dice,
    pub trace: Trace,
    pub agenda: Agenda,
    pub now: Duration,
    /// The real instant of the world's beginning; only differences count.
    begun: Instant,
    pub nodes: Vec<Node>,
    pub clients: Vec<Client>,
    pub redis: Redis,
    /// Whether the database machine is down.
    pub machine_down: bool,
    /// Transactions on their way into the database.
    pub flights: BTreeMap<u64, Flight>,
    /// The name of the node that wrote each invalidation: a node ignores its own.
    pub invalidations_of: BTreeMap<i64, u64>,
    pub weather: Weather,
    pub judge: Judge,
    pub figures: Figures,
    pub fault: Option<Fault>,
    /// Numbers connections, rooms, requests and flights.
    counted: u64,
    /// Whether nothing breaks any more, and no client begins anything new.
    pub quiet: bool,
}

/// Runs a world, and judges it.
///
/// # Errors
/// If the database fails by itself, which is not part of the simulation.
pub fn run(database: &mut Database, plan: Plan) -> anyhow::Result<Outcome> {
    let mut dice = Dice::new(plan.seed);
    database.set_clock(1_000_000);
    let (people, rooms) = (dice.between(2, 5), dice.between(1, 3));
    let (town, opened) = database.found(usize::try_from(people)?, usize::try_from(rooms)?)?;
    let weather = Weather {
        client: dice.pick(&[500, 5_000, 60_000]).unwrap_or(500),
        database: dice.pick(&[500, 3_000, 20_000]).unwrap_or(500),
        redis: dice.pick(&[300, 2_000, 20_000]).unwrap_or(300),
        lost: dice.pick(&[0, 0, 30, 250]).unwrap_or(0),
        doubled: dice.pick(&[0, 50, 200]).unwrap_or(0),
        late: dice.pick(&[0, 0, 60, 300]).unwrap_or(0),
        restless: dice.pick(&[10, 25, 60, 85]).unwrap_or(0),
    };
    let nodes = dice.between(2, 4);
    let mut world = World {
        judge: Judge::new(&town),
        nodes: (0..nodes).map(|_| Node::default()).collect(),
        clients: Vec::new(),
        redis: Redis::new(usize::try_from(nodes)?),
        machine_down: false,
        flights: BTreeMap::new(),
        invalidations_of: BTreeMap::new(),
        trace: Trace::new(plan.print),
        agenda: Agenda::default(),
        now: Duration::ZERO,
        begun: Instant::now(),
        figures: Figures::default(),
        fault: plan.fault,
        counted: 0,
        quiet: false,
        database,
        town,
        dice,
        weather,
    };
    world.begin(&opened)?;
    world.go_on(TROUBLED)?;
    world.heal()?;
    world.go_on(TROUBLED + QUIET)?;
    world.end()
}

/// Writes a line of the trace.
macro_rules! note {
    ($world:expr, $($what:tt)*) => {
        $world.trace.line($world.now, format_args!($($what)*))
    };
}
pub(crate) use note;

impl World<'_> {
    fn begin(&mut self, opened: &[Outgoing]) -> anyhow::Result<()> {
        note!(self, "{} people, {} rooms, {:?}", self.town.people.len(), self.town.rooms.len(), self.weather);
        self.judge.record(self.now, opened);
        self.settle();
        for node in 0..self.nodes.len() {
            self.start_node(node)?;
        }
        let clients = self.dice.between(self.town.people.len() as u64, self.town.people.len() as u64 + 2);
        for client in 0..usize::try_from(clients)? {
            self.clients.push(Client::new(client % self.town.people.len()));
            self.plan_in(100_000, Happening::Connects { client });
            self.plan_in(400_000, Happening::Acts { client });
        }
        self.plan_troubles(TROUBLED);
        Ok(())
    }

    /// Lets some people join some rooms.
    fn settle(&mut self) {
        let mut joins = Vec::new();
        for room in self.town.rooms.clone() {
            for person in self.town.people.clone().into_iter().skip(1) {
                if self.dice.chance(700) {
                    joins.push((person, Command::JoinConversation(room)));
                }
            }
        }
        let (told, _) = self.database.commit(joins);
        self.judge.record(self.now, &told);
    }

    fn go_on(&mut self, until: Duration) -> anyhow::Result<()> {
        while let Some((at, what)) = self.agenda.next() {
            if at > until {
                self.agenda.plan(at, what);
                break;
            }
            self.now = at;
            self.happen(what)?;
        }
        self.now = until;
        Ok(())
    }

    fn happen(&mut self, what: Happening) -> anyhow::Result<()> {
        match what {
            Happening::Acts { client } => self.acts(client),
            Happening::Connects { client } => self.connects(client),
            Happening::ToNode { node, life, connection, request } if self.lives(node, life) => {
                self.hears_client(node, connection, request);
            }
            Happening::ToClient { client, connection, frame } => self.hears_node(client, connection, frame),
            Happening::LineIsBroken { client, connection } => self.finds_line_broken(client, connection),
            Happening::ConnectionIsGone { node, life, connection } if self.lives(node, life) => {
                self.detach(node, connection);
            }
            // A transaction on its way to the database arrives there, even if its node has died.
            Happening::Commit { flight } => self.commit(flight),
            Happening::Committed { node, life, cable, jobs, written } if self.lives(node, life) => {
                self.committed(node, cable, jobs, written);
            }
            Happening::Ask { node, life, cable, question } if self.lives(node, life) => {
                self.ask_now(node, cable, question)?;
            }
            Happening::Answered { node, life, cable, question, answer } if self.lives(node, life) => {
                self.answered(node, cable, question, answer);
            }
            Happening::Due { node, life, scope } if self.lives(node, life) => self.due(node, scope),
            Happening::GoesOn { node, life } if self.lives(node, life) => self.goes_on(node),
            Happening::Mutes { node, life } if self.lives(node, life) => self.mutes(node)?,
            Happening::Repeats { client, cid } => self.repeats(client, &cid),
            Happening::Ticks { node, life } if self.lives(node, life) => self.ticks(node),
            Happening::AtRedis { node, wire, channel, letter } => self.at_redis(node, wire, channel, &letter),
            Happening::FromRedis { node, wire, letter } => self.hears_redis(node, wire, &letter),
            Happening::Subscribes { node, wire, channel, wanted } => self.subscribes(node, wire, channel, wanted),
            Happening::RedisIsAway { node, life } if self.lives(node, life) => self.redis_is_away(node),
            Happening::SeeksRedis { node, life } if self.lives(node, life) => self.seeks_redis(node),
            Happening::Breaks(trouble) => self.breaks(trouble),
            Happening::Heals(trouble) => self.heals(trouble)?,
            // It was meant for a node that has died since.
            _ => {}
        }
        Ok(())
    }

    fn lives(&self, node: usize, life: u32) -> bool {
        self.nodes.get(node).is_some_and(|node| node.up && node.life == life)
    }

    /// The present, as the real code needs it.
    pub(crate) fn instant(&self) -> Instant {
        self.begun + self.now
    }

    /// How long after the beginning an instant is.
    pub(crate) fn moment(&self, instant: Instant) -> Duration {
        instant.saturating_duration_since(self.begun)
    }

    /// Plans something for a random time within so many microseconds.
    pub(crate) fn plan_in(&mut self, within: u64, what: Happening) {
        let after = Duration::from_micros(self.dice.between(1, within.max(1)));
        self.agenda.plan(self.now + after, what);
    }

    pub(crate) fn count(&mut self) -> u64 {
        self.counted += 1;
        self.counted
    }

    /// A conversation by its place in the town: ids differ from run to run.
    pub(crate) fn room(&self, conversation: ConversationId) -> Named {
        Named('r', self.town.rooms.iter().position(|room| *room == conversation))
    }

    pub(crate) fn person(&self, user: UserId) -> Named {
        Named('p', self.town.people.iter().position(|person| person.user == user))
    }

    pub(crate) fn shown_frame(&self, frame: &Frame) -> String {
        match frame {
            Frame::Welcome { account, attached } => {
                let places: Vec<String> =
                    attached.iter().map(|(id, last)| format!("{}:{last}", self.room(*id))).collect();
                format!("welcome at {account} {}", places.join(" "))
            }
            Frame::Event(event) => self.shown(event),
            Frame::Changes { changes, live } => {
                let (id, messages, members) = (changes.conversation.id, changes.messages.len(), changes.members.len());
                let of = if *live { "its node's" } else { "its own" };
                let reset = match (changes.reset, changes.more) {
                    (true, _) => " reset",
                    (false, true) => " and more to come",
                    (false, false) => "",
                };
                let (from, to) = (changes.from, changes.to);
                format!("{} {from}..{to} {of} {messages} messages {members} members{reset}", self.room(id))
            }
            Frame::Account { event, live } => {
                let missed = if *live { "" } else { ", which was missed" };
                format!("{} after {}{missed}", self.shown_account(event), event.after)
            }
            Frame::AccountReset(to) => format!("account reset at {to}"),
            Frame::Answer { request, reply } => match reply {
                Ok(chat::Reply::Sent(sent)) => {
                    let repeated = if sent.repeated { " repeated" } else { "" };
                    format!("answer {request} sent {} {}{repeated}", self.room(sent.conversation), sent.seq)
                }
                Ok(_) => format!("answer {request} done"),
                Err(error) => format!("answer {request} {}", error.code.name()),
            },
            Frame::ReadAnew { request, conversation, read } => {
                let read = match read {
                    Ok(read) => format!("at {}", read.page.head),
                    Err(error) => error.code.name().to_owned(),
                };
                format!("answer {request} {} anew {read}", self.room(*conversation))
            }
            Frame::AccountRead { request, read } => {
                let read = match read {
                    Ok(read) => format!("at {}", read.cursor),
                    Err(error) => error.code.name().to_owned(),
                };
                format!("answer {request} the account anew {read}")
            }
            Frame::Closed => "closed".to_owned(),
        }
    }

    pub(crate) fn shown_account(&self, event: &AccountEvent) -> String {
        let what = match &event.fact {
            AccountFact::ConversationAdded(listed) => {
                format!("added to {} at {}", self.room(listed.conversation.id), listed.conversation.head)
            }
            AccountFact::ConversationRemoved { conversation, .. } => {
                format!("removed from {}", self.room(*conversation))
            }
            AccountFact::ConversationHidden { conversation, at } => {
                format!("hides {} at {at}", self.room(*conversation))
            }
            AccountFact::ProfileChanged(_) => "profile".to_owned(),
            AccountFact::ConversationSettingsChanged { conversation, settings } => {
                format!("settings of {}: {settings:?}", self.room(*conversation))
            }
            AccountFact::NotificationsChanged(settings) => format!("notifications: {}", settings.rooms.name()),
            AccountFact::DraftSaved(draft) => format!("draft in {}: {}", self.room(draft.key.conversation), draft.text),
            AccountFact::DraftDiscarded(key) => format!("no draft in {}", self.room(key.conversation)),
            AccountFact::ThreadFollowed(one) => format!("thread {}: {}", one.key.root, one.follows),
            other => format!("{other:?}"),
        };
        format!("{}#{} {what}", self.person(event.account), event.number)
    }

    pub(crate) fn shown(&self, event: &Event) -> String {
        let what = match &event.fact {
            Fact::MessageCreated(message) => format!("says {}", message.text.as_deref().unwrap_or_default()),
            Fact::MessageEdited(message) => format!("edits {}", message.seq),
            Fact::MessageDeleted(message) => format!("deletes {}", message.seq),
            Fact::MessagePreviewed(message) => format!("has another preview on {}", message.seq),
            Fact::ReactionAdded { message, .. } => format!("reacts to {}", message.seq),
            Fact::ReactionRemoved { message, .. } => format!("reacts no more to {}", message.seq),
            Fact::MemberJoined { member, .. } => format!("brings in {}", self.person(member.user)),
            Fact::MemberLeft { member, .. } => format!("puts out {}", self.person(member.user)),
            Fact::MemberUpdated(member) => format!("gives a role to {}", self.person(member.user)),
            Fact::ConversationCreated(_) => "opens".to_owned(),
            Fact::ConversationUpdated(_) => "describes".to_owned(),
        };
        format!("{}#{} {} {what}", self.room(event.conversation), event.number, self.person(event.actor))
    }

    /// Sends a frame to a client, after those that are still on their way.
    pub(crate) fn send(&mut self, node: usize, connection: u64, frame: Frame) {
        let within = self.pace(node, self.weather.client);
        let after = Duration::from_micros(self.dice.between(50, within));
        let Some(open) = self.nodes[node].connections.get_mut(&connection) else { return };
        let at = (self.now + after).max(open.said_until + Duration::from_micros(1));
        open.said_until = at;
        let client = open.client;
        self.agenda.plan(at, Happening::ToClient { client, connection, frame });
    }

    /// Sends a request to a node, after those that are still on their way.
    pub(crate) fn say(&mut self, client: usize, request: Request) {
        let after = Duration::from_micros(self.dice.between(50, self.weather.client));
        let Some(line) = &mut self.clients[client].line else { return };
        let at = (self.now + after).max(line.said_until + Duration::from_micros(1));
        line.said_until = at;
        let (node, life, connection) = (line.node, line.life, line.connection);
        self.agenda.plan(at, Happening::ToNode { node, life, connection, request });
    }

    /// The longest that something may take on this node, in microseconds.
    pub(crate) fn pace(&self, node: usize, usual: u64) -> u64 {
        if self.nodes[node].slow { usual * 25 } else { usual }
    }

    /// Publishes to other nodes, if Redis can be reached; a message may still be lost.
    pub(crate) fn publish(&mut self, node: usize, channel: Channel, letter: crate::agenda::Letter) -> bool {
        if !self.redis.reaches(node) {
            return false;
        }
        let wire = self.redis.wire(node);
        let within = self.pace(node, self.weather.redis);
        self.plan_in(within, Happening::AtRedis { node, wire, channel, letter: Rc::new(letter) });
        true
    }

    fn end(mut self) -> anyhow::Result<Outcome> {
        self.judge_all();
        let mut violations = self.judge.violations;
        violations.sort();
        violations.dedup();
        for violation in &violations {
            self.trace.line(self.now, format_args!("BROKEN {violation}"));
        }
        Ok(Outcome { hash: self.trace.hash(), violations, figures: self.figures })
    }

    /// Ends all troubles.
    fn heal(&mut self) -> anyhow::Result<()> {
        note!(self, "nothing breaks any more");
        self.quiet = true;
        self.weather = Weather { lost: 0, doubled: 0, late: 0, ..self.weather };
        self.heals(Trouble::Redis)?;
        self.heals(Trouble::Machine)?;
        for node in 0..self.nodes.len() {
            for trouble in [Trouble::Cable(node), Trouble::Wire(node), Trouble::Slowness(node), Trouble::Node(node)] {
                self.heals(trouble)?;
            }
        }
        Ok(())
    }
}

/// Somebody or something by its place in the town.
pub(crate) struct Named(char, Option<usize>);

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.1 {
            Some(place) => write!(f, "{}{place}", self.0),
            None => write!(f, "{}?", self.0),
        }
    }
}
