//! Decides what a failover may lose, and what clients must be told of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    time::Instant,
};

use super::{TOLD_WITHIN, client::State};

/// An event of the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// It accepts no writes for a while.
    ReadOnly,
    /// It dies, and its synchronous standby takes over.
    Promotion,
    /// It dies, and an older copy takes over.
    Behind,
}

/// The observations of one deed.
#[derive(Debug)]
pub struct Evidence {
    /// The deed.
    pub deed: Deed,
    /// Acknowledgements after this moment may be lost, if any may.
    pub from: Instant,
    /// When the database accepted connections again.
    pub to: Instant,
    /// The clients' states at the end.
    pub clients: Vec<State>,
    /// The messages at the end: client ids and numbers.
    pub kept: BTreeMap<String, i64>,
    /// Each node's epoch at the end.
    pub epochs: Vec<String>,
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let acks: usize = self.clients.iter().map(|client| client.acks.len()).sum();
        let told = self.clients.iter().filter_map(|client| client.told).max();
        write!(f, "{acks} acknowledged, {} of them lost", self.lost().len())?;
        told.map_or(Ok(()), |told| {
            write!(f, ", all told {:.1} s after", told.saturating_duration_since(self.to).as_secs_f64())
        })
    }
}

impl Evidence {
    /// Acknowledged messages that are not there, or have another number.
    fn lost(&self) -> Vec<(&String, &String, Instant)> {
        let acks = self.clients.iter().flat_map(|client| &client.acks);
        acks.filter(|(cid, seq, ..)| self.kept.get(cid) != Some(seq))
            .map(|(cid, _, epoch, at)| (cid, epoch, *at))
            .collect()
    }
}

/// The broken promises, described.
pub fn judge(evidence: &Evidence) -> Vec<String> {
    let mut broken = Vec::new();
    let last = evidence.epochs.first().cloned().unwrap_or_default();
    if evidence.epochs.iter().any(|epoch| *epoch != last) {
        broken.push(format!("the nodes are in different histories: {:?}", evidence.epochs));
    }
    let epochs: BTreeSet<&String> = evidence
        .clients
        .iter()
        .flat_map(|client| client.acks.iter().map(|(_, _, epoch, _)| epoch).chain(&client.epoch))
        .collect();
    let changed = epochs.iter().any(|epoch| **epoch != last);
    for (cid, epoch, at) in evidence.lost() {
        if *epoch == last {
            broken.push(format!("{cid} was acknowledged in this history and is not there"));
        } else if at < evidence.from {
            broken.push(format!("{cid} was acknowledged before the copy was made and is not there"));
        }
    }
    if evidence.deed == Deed::Behind {
        if !changed {
            broken.push("the epoch is the one from before".to_owned());
        }
    } else if changed {
        broken.push("the epoch is another one, though nothing was lost".to_owned());
    }
    let twice = epochs.len() > 2;
    if twice {
        broken.push(format!("the history has changed more than once: {epochs:?}"));
    }
    for (index, client) in evidence.clients.iter().enumerate() {
        broken.extend(judge_client(evidence, index, client, &last));
    }
    broken
}

fn judge_client(evidence: &Evidence, index: usize, client: &State, last: &String) -> Vec<String> {
    let mut broken: Vec<String> = client.wrong.iter().map(|what| format!("client {index}: {what}")).collect();
    match (evidence.deed, client.told) {
        (Deed::Behind, None) => broken.push(format!("client {index} was never told of another history")),
        (Deed::Behind, Some(told)) if told.saturating_duration_since(evidence.to) > TOLD_WITHIN => {
            broken.push(format!("client {index} was told {:?} after", told - evidence.to));
        }
        (Deed::Promotion | Deed::ReadOnly, _) if !client.closed.is_empty() => {
            broken.push(format!("client {index} was sent away with {:?}", client.closed));
        }
        _ => {}
    }
    if client.epoch.as_ref() != Some(last) {
        broken.push(format!("client {index} is in another history in the end"));
    }
    let kept: BTreeMap<i64, &String> = evidence.kept.iter().map(|(cid, seq)| (*seq, cid)).collect();
    let known: BTreeMap<i64, &String> = client.known.messages.values().map(|(seq, cid)| (*seq, cid)).collect();
    if known != kept {
        let differing = known.iter().find(|(seq, cid)| kept.get(seq) != Some(cid));
        let what = differing.map_or_else(
            || "lacks something".to_owned(),
            |(seq, cid)| format!("has {cid} at {seq}, where {:?} is", kept.get(seq)),
        );
        broken.push(format!("client {index} {what}"));
    }
    broken
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use promises::{Known, Number};

    use super::*;

    /// Two messages, of which the second was lost; one client, which was told of the new history.
    fn evidence(deed: Deed) -> Evidence {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let ack = |cid: &str, seq, second| (cid.to_owned(), seq, "before".to_owned(), at(second));
        let is_behind = deed == Deed::Behind;
        let epoch = if is_behind { "after" } else { "before" };
        let mut kept = BTreeMap::from([("a".to_owned(), 2)]);
        if !is_behind {
            kept.insert("b".to_owned(), 3);
        }
        let client = State {
            epoch: Some(epoch.to_owned()),
            known: Known::read(Number(3), (), [], kept.iter().map(|(cid, seq)| (*seq, cid.clone()))),
            acks: vec![ack("a", 2, 1), ack("b", 3, 3)],
            told: is_behind.then(|| at(6)),
            ..State::default()
        };
        Evidence { deed, from: at(2), to: at(5), clients: vec![client], kept, epochs: vec![epoch.to_owned(); 3] }
    }

    fn broken(deed: Deed, change: impl Fn(&mut Evidence)) -> Vec<String> {
        let mut evidence = evidence(deed);
        change(&mut evidence);
        judge(&evidence)
    }

    #[test]
    fn messages_missing_in_the_copy_may_be_lost_if_all_clients_are_told() {
        for deed in [Deed::Behind, Deed::Promotion, Deed::ReadOnly] {
            assert_eq!(broken(deed, |_| {}), [""; 0], "{deed:?}");
        }
    }

    #[test]
    fn each_way_to_break_the_promise_is_found() {
        let is_broken = |deed, change: &dyn Fn(&mut Evidence)| !broken(deed, change).is_empty();
        // The epoch stays the same, and clients keep what is lost.
        assert!(is_broken(Deed::Behind, &|it| it.epochs = vec!["before".to_owned(); 3]));
        assert!(is_broken(Deed::Behind, &|it| it.epochs[2] = "another".to_owned()));
        assert!(is_broken(Deed::Behind, &|it| it.clients[0].told = None));
        assert!(is_broken(Deed::Behind, &|it| it.clients[0].told = Some(it.to + Duration::from_secs(11))));
        assert!(is_broken(Deed::Behind, &|it| _ = it.clients[0].known.put_message((3, "b".to_owned()))));
        assert!(is_broken(Deed::Behind, &|it| it.kept.clear()));
        assert!(is_broken(Deed::Behind, &|it| it.clients[0].acks[1].2 = "after".to_owned()));
        assert!(is_broken(Deed::Behind, &|it| it.clients[0].wrong.push("a gap".to_owned())));
        for deed in [Deed::Promotion, Deed::ReadOnly] {
            assert!(is_broken(deed, &|it| _ = it.kept.remove("b")));
            assert!(is_broken(deed, &|it| it.epochs = vec!["after".to_owned(); 3]));
            assert!(is_broken(deed, &|it| it.clients[0].closed.push((4010, it.to))));
        }
    }
}
