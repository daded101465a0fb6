//! The judge: sees every commit, every answer and every frame, and names the promises that were broken.
//!
//! It knows more than the checker of histories in `testkit`, which sees a server from outside and whose clients never
//! leave a conversation: here memberships come and go, and each frame can be compared with what was committed at that
//! moment.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use chat::{
    AccountEvent, AccountFact, ClientId, ConversationId, Event, Fact, Number, Outgoing, UserId,
    messages::{Message, Sent},
    reply::CaughtUp,
};
use promises::{Rule, Violation};
use store::account_changes::Thing;

use crate::database::Town;

/// For this long after a removal a catch-up answer may still show later events: the contract's bound without Redis.
const GRACE: Duration = Duration::from_secs(5);

#[derive(Debug)]
struct Send {
    conversation: ConversationId,
    text: String,
    /// When the send was first tried; moments only count what came before what.
    invoked: u64,
    acks: Vec<(u64, Sent)>,
    /// Attempts that are not answered yet: one of them may still be stored after another was refused.
    open: i64,
    refused: bool,
}

/// The events of a conversation, as the database committed them.
#[derive(Debug, Default)]
struct Log {
    events: Vec<Event>,
    /// Joins (`true`) and departures, each with its number and its time.
    memberships: Vec<(Number, UserId, bool, Duration)>,
}

#[derive(Debug, Default)]
pub(crate) struct Judge {
    pub violations: Vec<Violation>,
    rooms: Vec<ConversationId>,
    people: Vec<UserId>,
    logs: BTreeMap<ConversationId, Log>,
    /// The thing that each number of each account was given to.
    accounts: BTreeMap<UserId, BTreeMap<Number, Thing>>,
    sends: BTreeMap<(UserId, String), Send>,
    edits: BTreeSet<(ConversationId, String)>,
    /// For each connection, when each send began on it, and the numbers that its answers gave.
    begun: BTreeMap<(u64, String), u64>,
    answered: BTreeMap<(u64, ConversationId), Vec<(u64, Number)>>,
    moment: u64,
}

impl Judge {
    pub(crate) fn new(town: &Town) -> Self {
        let people = town.people.iter().map(|person| person.user).collect();
        Self { rooms: town.rooms.clone(), people, ..Self::default() }
    }

    pub(crate) fn accuse(&mut self, rule: Rule, detail: String) {
        self.violations.push(Violation { rule, detail });
    }

    fn name(&self, user: UserId) -> String {
        let place = self.people.iter().position(|person| *person == user);
        place.map_or_else(|| "somebody".to_owned(), |place| format!("p{place}"))
    }

    fn place(&self, conversation: ConversationId) -> String {
        let place = self.rooms.iter().position(|room| *room == conversation);
        place.map_or_else(|| "nowhere".to_owned(), |place| format!("r{place}"))
    }

    // ---- commands and commits ---------------------------------------------------------------------

    /// A transaction was committed.
    pub(crate) fn record(&mut self, at: Duration, told: &[Outgoing]) {
        for one in told {
            if let Outgoing::Account(event) = one {
                self.record_account_event(event);
            }
            let Outgoing::Event(event) = one else { continue };
            let log = self.logs.entry(event.conversation).or_default();
            let expected = i64::try_from(log.events.len()).unwrap_or(0) + 1;
            match &event.fact {
                Fact::ConversationCreated(_) => log.memberships.push((event.number, event.actor, true, at)),
                Fact::MemberJoined { member, .. } => log.memberships.push((event.number, member.user, true, at)),
                Fact::MemberLeft { member, .. } => log.memberships.push((event.number, member.user, false, at)),
                _ => {}
            }
            log.events.push(event.clone());
            if event.number.0 != expected {
                let place = self.place(event.conversation);
                self.accuse(Rule::I3, format!("{} was committed in {place} instead of {expected}", event.number));
            }
        }
    }

    fn record_account_event(&mut self, event: &AccountEvent) {
        let log = self.accounts.entry(event.account).or_default();
        let before = log.last_key_value().map_or(Number(event.number.0 - 1), |(number, _)| *number);
        log.insert(event.number, about(&event.fact));
        if event.number != before.next() {
            let (who, number) = (self.name(event.account), event.number);
            self.accuse(Rule::I3, format!("{number} was committed in the account of {who} after {before}"));
        }
    }

    fn next_moment(&mut self) -> u64 {
        self.moment += 1;
        self.moment
    }

    pub(crate) fn invoke(
        &mut self,
        (user, cid): (UserId, &ClientId),
        connection: u64,
        conversation: ConversationId,
        text: &str,
    ) {
        let invoked = self.next_moment();
        self.begun.insert((connection, cid.as_str().to_owned()), invoked);
        let send = self.sends.entry((user, cid.as_str().to_owned())).or_insert_with(|| Send {
            conversation,
            text: text.to_owned(),
            invoked,
            acks: Vec::new(),
            open: 0,
            refused: false,
        });
        send.open += 1;
    }

    pub(crate) fn answer(&mut self, (user, cid): (UserId, &ClientId)) {
        if let Some(send) = self.sends.get_mut(&(user, cid.as_str().to_owned())) {
            send.open -= 1;
        }
    }

    pub(crate) fn acknowledge(&mut self, (user, cid): (UserId, &ClientId), connection: u64, sent: &Sent) {
        let moment = self.next_moment();
        if let Some(send) = self.sends.get_mut(&(user, cid.as_str().to_owned())) {
            send.acks.push((moment, sent.clone()));
        }
        if let Some(begun) = self.begun.get(&(connection, cid.as_str().to_owned())).filter(|_| !sent.repeated) {
            self.answered.entry((connection, sent.conversation)).or_default().push((*begun, sent.seq));
        }
    }

    pub(crate) fn refuse(&mut self, (user, cid): (UserId, &ClientId)) {
        if let Some(send) = self.sends.get_mut(&(user, cid.as_str().to_owned())) {
            send.refused = true;
        }
    }

    pub(crate) fn edited(&mut self, conversation: ConversationId, text: &str) {
        self.edits.insert((conversation, text.to_owned()));
    }

    // ---- what clients receive ---------------------------------------------------------------------

    /// Checks I6, I10 and I11 for one live event.
    pub(crate) fn hears_event(&mut self, client: usize, user: UserId, event: &Event) {
        let (number, place) = (event.number, self.place(event.conversation));
        let who = format!("client {client} of {}", self.name(user));
        let at = usize::try_from(number.0 - 1).unwrap_or(usize::MAX);
        let kept = self.logs.get(&event.conversation).and_then(|log| log.events.get(at));
        match kept {
            None => self.accuse(Rule::I11, format!("{who} heard {number} of {place}, which is not kept")),
            Some(kept) if kept.fact != event.fact || kept.actor != event.actor => {
                self.accuse(Rule::I6, format!("{who} heard {number} of {place} otherwise than it is kept"));
            }
            Some(_) => {}
        }
        if self.gone_at(user, event.conversation, number).is_some() {
            self.accuse(Rule::I10, format!("{who} heard {number} of {place}, out of which they were"));
        }
    }

    /// Checks I11 for an event of an account: its number must have been given to the thing that it is about. The last
    /// of the missed events bears the number after which live ones follow, whatever it is about.
    pub(crate) fn hears_account_event(&mut self, client: usize, user: UserId, event: &AccountEvent, live: bool) {
        let kept = self.accounts.get(&event.account).and_then(|log| log.get(&event.number));
        let is_kept = kept.is_some_and(|thing| !live || *thing == about(&event.fact));
        let who = format!("client {client} of {}", self.name(user));
        if event.account != user {
            self.accuse(Rule::I10, format!("{who} heard of another's account"));
        } else if !is_kept {
            self.accuse(Rule::I11, format!("{who} heard {} of the account, which is not kept", event.number));
        }
    }

    /// When a person left a conversation for the last time, with a number below this one; `None` if they are still a
    /// member.
    fn gone_at(&self, user: UserId, conversation: ConversationId, number: Number) -> Option<Duration> {
        let own = self.logs.get(&conversation)?.memberships.iter().filter(|(_, whose, ..)| *whose == user);
        match own.max_by_key(|(number, ..)| *number) {
            Some((left, _, false, at)) if *left < number => Some(*at),
            Some(_) => None,
            None => Some(Duration::ZERO),
        }
    }

    /// Checks I10 and I11 for a catch-up answer. True if it shows a removed member what came after their removal.
    pub(crate) fn hears_changes(
        &mut self,
        client: usize,
        user: UserId,
        changes: &CaughtUp,
        live: bool,
        now: Duration,
    ) -> bool {
        let conversation = changes.conversation.id;
        let (who, place) = (format!("client {client} of {}", self.name(user)), self.place(conversation));
        let events = self.logs.get(&conversation).map(|log| log.events.as_slice()).unwrap_or_default();
        let head = Number(i64::try_from(events.len()).unwrap_or(0));
        let unknown: Vec<Number> =
            changes.messages.iter().filter(|message| !was_so(events, message)).map(|message| message.seq).collect();
        if changes.to > head {
            self.accuse(Rule::I11, format!("{who} was taken to {} of {place}, whose head is {head}", changes.to));
        }
        for seq in unknown {
            self.accuse(Rule::I11, format!("{who} was shown {seq} of {place} as it never was"));
        }
        let Some(gone) = self.gone_at(user, conversation, changes.to) else { return false };
        // A reset shows no changes.
        if changes.reset {
            return false;
        }
        if live || now - gone > GRACE {
            self.accuse(Rule::I10, format!("{who} was taken to {} of {place}, out of which they were", changes.to));
        }
        true
    }

    // ---- at the end -------------------------------------------------------------------------------

    /// Checks I1, I2, I4, I5, I8, I9 and I15 against the stored messages.
    pub(crate) fn judge_sends(&mut self, kept: &BTreeMap<ConversationId, Vec<Message>>) {
        let mut found = Vec::new();
        let mut texts: BTreeMap<&str, (&UserId, &str)> = BTreeMap::new();
        for ((user, cid), send) in &self.sends {
            texts.insert(&send.text, (user, cid));
        }
        let mut places: BTreeMap<(UserId, &str), (ConversationId, &Message)> = BTreeMap::new();
        for (conversation, message) in kept.iter().flat_map(|(id, all)| all.iter().map(move |message| (id, message))) {
            let created = self.created(*conversation, message.seq);
            let by = created.and_then(|text| texts.get(text).copied());
            let Some((user, cid)) = by.filter(|(user, _)| **user == message.author) else {
                found.push((Rule::I4, format!("nobody sent {} of {}", message.seq, self.place(*conversation))));
                continue;
            };
            let edited = |text: &String| self.edits.contains(&(*conversation, text.clone()));
            let same = message.text.as_deref() == created || message.rev > message.seq;
            if !same
                || message.rev > message.seq
                    && !message.text.as_ref().is_none_or(|t| edited(t) || Some(&**t) == created)
            {
                found
                    .push((Rule::I4, format!("{} of {} is not what was sent", message.seq, self.place(*conversation))));
            }
            if places.insert((*user, cid), (*conversation, message)).is_some() {
                found.push((Rule::I2, format!("{cid} of {} is kept twice", self.name(*user))));
            }
        }
        for ((user, cid), send) in &self.sends {
            let name = format!("{cid} of {}", self.name(*user));
            let kept = places.get(&(*user, cid.as_str()));
            if send.refused && send.open == 0 && (kept.is_some() || !send.acks.is_empty()) {
                found.push((Rule::I15, format!("{name} was refused and is kept")));
            }
            let Some((_, first)) = send.acks.first() else { continue };
            let other = |(_, ack): &(u64, Sent)| {
                (ack.seq, ack.id, ack.conversation) != (first.seq, first.id, first.conversation)
            };
            if send.acks.iter().any(other) {
                found.push((Rule::I5, format!("{name} was answered in two ways")));
            }
            if kept
                .is_none_or(|(id, message)| (*id, message.seq, message.id) != (send.conversation, first.seq, first.id))
            {
                found.push((Rule::I1, format!("{name}, acknowledged at {}, is not there", first.seq)));
            }
        }
        found.extend(self.order_of_senders());
        found.extend(self.order_in_time(&places));
        self.violations.extend(found.into_iter().map(|(rule, detail)| Violation { rule, detail }));
    }

    /// The text with which a message was created.
    fn created(&self, conversation: ConversationId, seq: Number) -> Option<&str> {
        let at = usize::try_from(seq.0 - 1).ok()?;
        match &self.logs.get(&conversation)?.events.get(at)?.fact {
            Fact::MessageCreated(message) => message.text.as_deref(),
            _ => None,
        }
    }

    fn order_of_senders(&self) -> Vec<(Rule, String)> {
        let mut found = Vec::new();
        for ((connection, conversation), answers) in &self.answered {
            let mut answers = answers.clone();
            answers.sort_unstable();
            for pair in answers.windows(2).filter(|pair| pair[0].1 >= pair[1].1) {
                let place = self.place(*conversation);
                let what = format!("on connection {connection} {} came before {} in {place}", pair[0].1, pair[1].1);
                found.push((Rule::I8, what));
            }
        }
        found
    }

    fn order_in_time(&self, places: &BTreeMap<(UserId, &str), (ConversationId, &Message)>) -> Vec<(Rule, String)> {
        let mut moments: BTreeMap<ConversationId, Vec<(u64, bool, Number)>> = BTreeMap::new();
        for ((user, cid), send) in &self.sends {
            let Some((conversation, message)) = places.get(&(*user, cid.as_str())) else { continue };
            let moments = moments.entry(*conversation).or_default();
            moments.push((send.invoked, false, message.seq));
            moments.extend(send.acks.first().map(|(at, _)| (*at, true, message.seq)));
        }
        let mut found = Vec::new();
        for (conversation, mut moments) in moments {
            moments.sort_unstable();
            let mut latest = Number(0);
            for (_, answered, seq) in moments {
                if answered {
                    latest = latest.max(seq);
                } else if seq < latest {
                    let place = self.place(conversation);
                    found.push((Rule::I9, format!("{seq} of {place} began after {latest} was acknowledged")));
                }
            }
        }
        found
    }

    pub(crate) fn head(&self, conversation: ConversationId) -> Number {
        Number(self.logs.get(&conversation).map_or(0, |log| i64::try_from(log.events.len()).unwrap_or(0)))
    }

    /// Whether a user is a member of a conversation, by what was committed.
    pub(crate) fn belongs(&self, user: UserId, conversation: ConversationId) -> bool {
        self.gone_at(user, conversation, Number(i64::MAX)).is_none()
    }
}

/// The thing that an event of an account is about. That a conversation was hidden may be delivered as a change of the
/// conversation itself.
fn about(fact: &AccountFact) -> Thing {
    match Thing::of(fact).0 {
        Thing::Hidden(conversation) => Thing::Conversation(conversation),
        thing => thing,
    }
}

/// Whether a message once was as it is shown.
fn was_so(events: &[Event], message: &Message) -> bool {
    let at = usize::try_from(message.rev.0 - 1).unwrap_or(usize::MAX);
    match events.get(at).map(|event| &event.fact) {
        Some(
            Fact::MessageCreated(kept)
            | Fact::MessageEdited(kept)
            | Fact::MessageDeleted(kept)
            | Fact::MessagePreviewed(kept)
            | Fact::ReactionAdded { message: kept, .. }
            | Fact::ReactionRemoved { message: kept, .. },
        ) => Message { summary: None, ..kept.clone() } == Message { summary: None, ..message.clone() },
        _ => false,
    }
}
