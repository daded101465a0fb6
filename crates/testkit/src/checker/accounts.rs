//! A1: compares what each client was sent of its account with the account at the end.

use std::{collections::BTreeMap, convert::Infallible};

use promises::{AccountForm, ConversationId, DraftKey, KnownAccount, Number, Place};
use serde::Serialize;

use super::{Content, Evidence, History, Rule, Step, Violation};

/// The form of an account in histories: drafts by their texts, and no profile.
#[derive(Clone, Copy, Debug)]
struct Words;

impl AccountForm for Words {
    type Profile = Infallible;
    type Draft = Content;
}

type AccountChange = promises::AccountChange<Words>;

/// An event of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AccountEvent {
    /// Its number.
    pub seq: i64,
    /// The number that it follows.
    pub after: i64,
    /// The change that it announces.
    pub says: AccountWord,
}

/// The change that an event of an account announces.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountWord {
    /// They are a member of this conversation.
    Added(i64),
    /// They are no longer a member of it.
    Removed(i64),
    /// A draft in this conversation has this text.
    Draft(i64, Content),
    /// There is no draft in it.
    NoDraft(i64),
    /// A change that histories do not record.
    Other,
}

/// An account as a fresh reader finds it at the end.
#[derive(Clone, Debug, Default, Serialize)]
pub struct AccountLog {
    /// Its user.
    pub user: i64,
    /// The number of its last change.
    pub seq: i64,
    /// The conversations that they are a member of.
    pub conversations: Vec<i64>,
    /// The drafts by their conversations.
    pub drafts: BTreeMap<i64, Content>,
}

/// An account as one client knows it.
struct View {
    known: KnownAccount<Words>,
    /// The number of the last event on the present connection.
    last: Option<i64>,
    /// Events that came while everything was being read again.
    waiting: Option<Vec<AccountEvent>>,
}

/// Judges the rule, and counts how often it was applied.
pub(super) fn judge(evidence: &Evidence) -> (Vec<Violation>, Vec<(Rule, u64)>) {
    let (mut violations, mut applied) = (Vec::new(), 0);
    for history in &evidence.histories {
        let mut view = View::new();
        let mut found = Vec::new();
        for entry in &history.entries {
            found.extend(view.hear(&entry.step, &mut applied));
        }
        let log = evidence.accounts.iter().find(|log| log.user == history.author);
        found.extend(log.into_iter().flat_map(|log| view.ends(history, log)));
        applied += u64::from(log.is_some());
        let accuse = |detail| Violation { rule: Rule::A1, detail: format!("{} {detail}", history.client) };
        violations.extend(found.into_iter().map(accuse));
    }
    (violations, vec![(Rule::A1, applied)])
}

impl View {
    fn new() -> Self {
        Self { known: KnownAccount::read(Number(0), None, [], []), last: None, waiting: None }
    }

    fn hear(&mut self, step: &Step, applied: &mut u64) -> Vec<String> {
        match step {
            Step::Welcome { .. } => self.last = None,
            // The reading is started again on the next connection.
            Step::Lost { .. } if self.waiting.is_some() => *self = Self::new(),
            Step::Account { event } => {
                *applied += 1;
                return self.hear_event(event);
            }
            Step::AccountReset => *self = Self { waiting: Some(Vec::new()), last: self.last, ..Self::new() },
            Step::AccountRead { to, events } => return self.read(*to, events),
            _ => {}
        }
        Vec::new()
    }

    fn hear_event(&mut self, event: &AccountEvent) -> Vec<String> {
        let mut found = Vec::new();
        if let Some(last) = self.last.replace(event.seq).filter(|last| event.seq <= *last) {
            found.push(format!("was told {} of its account after {last} on one connection", event.seq));
        }
        match &mut self.waiting {
            Some(waiting) => waiting.push(event.clone()),
            None => found.extend(self.apply(event)),
        }
        found
    }

    fn apply(&mut self, event: &AccountEvent) -> Option<String> {
        let (seq, cursor) = (Number(event.seq), self.known.cursor);
        let place = self.known.place(Number(event.after), seq);
        match (place, change(&event.says)) {
            (Place::Known, _) => return None,
            (_, Some(change)) => self.known.apply(seq, change),
            (_, None) => self.known.cursor = seq,
        }
        (place == Place::Beyond).then(|| format!("was told {seq} of its account after {cursor}"))
    }

    /// Takes the account that was read again.
    fn read(&mut self, to: i64, events: &[AccountEvent]) -> Vec<String> {
        let waiting = self.waiting.take().unwrap_or_default();
        let mut found: Vec<String> = events.iter().filter_map(|event| self.apply(event)).collect();
        self.known.cursor = self.known.cursor.max(Number(to));
        found.extend(waiting.iter().filter_map(|event| self.apply(event)));
        found
    }

    /// The differences from what a fresh reader finds at the end.
    fn ends(&self, history: &History, log: &AccountLog) -> Vec<String> {
        // A client that was never welcomed knows nothing, and need not.
        if !history.entries.iter().any(|entry| matches!(entry.step, Step::Welcome { .. })) {
            return Vec::new();
        }
        if self.waiting.is_some() {
            return vec!["was never answered what its account is".to_owned()];
        }
        let (cursor, seq) = (self.known.cursor, Number(log.seq));
        let conversations = log.conversations.iter().map(|id| (ConversationId(*id), None));
        let drafts = log.drafts.iter().map(|(id, text)| (draft_in(*id), *text));
        let fresh = KnownAccount::read(seq, None, conversations, drafts);
        let mut found = self.known.differences(&fresh);
        if cursor != seq {
            found.push(format!("ended at {cursor} of its account, which is at {seq}"));
        }
        found
    }
}

fn draft_in(conversation: i64) -> DraftKey {
    DraftKey { conversation: ConversationId(conversation), edit: None, thread: None }
}

fn change(word: &AccountWord) -> Option<AccountChange> {
    Some(match word {
        AccountWord::Added(id) => AccountChange::Added(ConversationId(*id), String::new()),
        AccountWord::Removed(id) => AccountChange::Removed(ConversationId(*id)),
        AccountWord::Draft(id, text) => AccountChange::Draft(draft_in(*id), *text),
        AccountWord::NoDraft(id) => AccountChange::NoDraft(draft_in(*id)),
        AccountWord::Other => return None,
    })
}
