//! Whom the hub is about to tell of: what a host calls them has to be known before an old endpoint's subscribers are told.

use std::sync::atomic::Ordering;

use chat::{Outgoing, UserId, people::named_in};
use stream::{Heard, wire};

use super::{Control, State, gaps, nodes};

impl State {
    /// Whose numbers must be known before what was heard is told. Where nobody listens there are none to be told.
    pub(super) fn named_in_heard(&self, heard: &Heard) -> Vec<UserId> {
        let needed = self.numbers.are_spoken() && self.connections.load(Ordering::Relaxed) > 0;
        if needed { named_in_heard(heard) } else { Vec::new() }
    }

    /// The same for a request.
    pub(super) fn named_in_request(&self, request: &Control) -> Vec<UserId> {
        if self.numbers.are_spoken() { named_in_request(request) } else { Vec::new() }
    }

    /// Sees that the numbers of these people are known.
    pub(super) fn learn(&self, named: Vec<UserId>) -> impl Future<Output = ()> + Send + use<> {
        let numbers = self.numbers.clone();
        async move {
            if !named.is_empty() {
                numbers.learn(&named).await;
            }
        }
    }
}

fn named_in_told(told: &Outgoing) -> Vec<UserId> {
    match told {
        Outgoing::Event(event) => named_in(event),
        Outgoing::Account(event) => named_in(event),
        Outgoing::Notice(notice) => named_in(&notice.signal),
        Outgoing::Revocation(_) | Outgoing::Doubt | Outgoing::NewHistory => Vec::new(),
    }
}

fn named_in_heard(heard: &Heard) -> Vec<UserId> {
    match heard {
        Heard::Committed(batch) => batch.told.iter().flat_map(named_in_told).collect(),
        Heard::Said(_, words) => words
            .iter()
            .flat_map(|word| match word {
                wire::Heard::Outgoing(told) => named_in_told(told),
                wire::Heard::Number(_) => Vec::new(),
            })
            .collect(),
        Heard::People(_, word) => word.people.iter().map(|(user, _)| *user).collect(),
        Heard::Invalidation(_) | Heard::Listening(_) | Heard::Missed | Heard::Lost => Vec::new(),
    }
}

fn named_in_request(request: &Control) -> Vec<UserId> {
    match request {
        Control::Attach { subscriber, .. } => vec![subscriber.user],
        Control::Loaded { result: Ok(belongings), .. } => {
            belongings.memberships.iter().flat_map(|one| named_in(&one.place)).collect()
        }
        Control::Entered { entered, .. } => match &**entered {
            Ok(Some(super::newcomers::Entered { listed, since })) => {
                named_in(listed).into_iter().chain(since.iter().flat_map(named_in)).collect()
            }
            Ok(None) | Err(_) => Vec::new(),
        },
        Control::Card(account, _) => vec![account.id],
        Control::Typing { typist, .. } => vec![typist.user],
        Control::Gaps(gaps::Read::Changes(_, _, changes, _)) => match &**changes {
            Ok(changes) => named_in(changes),
            Err(_) => Vec::new(),
        },
        Control::Gaps(gaps::Read::Account(_, _, changes)) => match &**changes {
            Ok(changes) => named_in(changes),
            Err(_) => Vec::new(),
        },
        Control::Nodes(nodes::Read::Gone(Ok(people))) => people.iter().map(|(_, user, _)| *user).collect(),
        Control::Presence { user, .. } | Control::Activity { user, .. } => vec![*user],
        Control::Loaded { result: Err(_), .. }
        | Control::Gaps(gaps::Read::Heads(..) | gaps::Read::Lost(..))
        | Control::Nodes(nodes::Read::Gone(Err(_)) | nodes::Read::Standing(..))
        | Control::Detach { .. }
        | Control::Drain { .. } => Vec::new(),
    }
}
