//! Presence and rate usage: what nodes tell each other about people.
//!
//! Each node publishes what it knows of its own people, and repeats every second that it is alive. The people of a node
//! that was not heard for [`LEASE`] are forgotten, so that nobody stays online after their node has died.

use std::{borrow::Cow, time::Duration};

use chat::{
    Millis, UserId,
    presence::Presence,
    rates::{Spent, Try},
};
use serde::{Deserialize, Serialize};

/// How long a node's statements hold after it was last heard.
pub const LEASE: Duration = Duration::from_secs(5);
/// How often a node publishes that it is alive.
pub const BEAT: Duration = Duration::from_secs(1);

/// A node's statement about its people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct People {
    /// Counts the node's statements: a receiver that has missed one asks for all of its people.
    pub version: u64,
    /// Whether these are all of the node's people; otherwise those who have changed.
    pub all: bool,
    /// The people and their presence; `Offline` if they have gone.
    pub people: Vec<(UserId, Presence)>,
    /// The presence that some of them have chosen, and when: the latest choice holds on all nodes.
    pub chosen: Vec<(UserId, Presence, Millis)>,
    /// The node that is asked to publish all of its people.
    pub ask: Option<i64>,
    /// The usage of people's rates here since the last statement.
    pub spent: Spent,
}

#[derive(Serialize, Deserialize)]
struct Form<'a> {
    v: u64,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    all: bool,
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    people: Vec<(i64, Cow<'a, str>)>,
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    chosen: Vec<(i64, Cow<'a, str>, i64)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ask: Option<i64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    spent: Vec<(i64, u8, u32)>,
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    failed: Vec<Cow<'a, str>>,
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    registered: Vec<Cow<'a, str>>,
}

pub(crate) fn encode(word: &People) -> Option<Vec<u8>> {
    let (mut failed, mut registered) = (Vec::new(), Vec::new());
    for one in &word.spent.tries {
        match one {
            Try::LogIn(key) => failed.push(key.into()),
            Try::Registration(address) => registered.push(address.into()),
        }
    }
    let form = Form {
        v: word.version,
        all: word.all,
        people: word.people.iter().map(|(user, presence)| (user.0, presence.name().into())).collect(),
        chosen: word.chosen.iter().map(|(user, presence, at)| (user.0, presence.name().into(), at.0)).collect(),
        ask: word.ask,
        spent: word.spent.rates.iter().map(|(user, rate, count)| (user.0, *rate, *count)).collect(),
        failed,
        registered,
    };
    serde_json::to_vec(&form).ok()
}

pub(crate) fn decode(text: &str) -> Option<People> {
    let form: Form = serde_json::from_str(text).ok()?;
    let known = |(user, presence): (i64, Cow<str>)| Some((UserId(user), Presence::from_name(&presence)?));
    let choice =
        |(user, presence, at): (i64, Cow<str>, i64)| Some((UserId(user), Presence::from_name(&presence)?, Millis(at)));
    let failed = form.failed.into_iter().map(|key| Try::LogIn(key.into_owned()));
    let registered = form.registered.into_iter().map(|address| Try::Registration(address.into_owned()));
    let spent = Spent {
        rates: form.spent.into_iter().map(|(user, rate, count)| (UserId(user), rate, count)).collect(),
        tries: failed.chain(registered).collect(),
    };
    Some(People {
        version: form.v,
        all: form.all,
        people: form.people.into_iter().filter_map(known).collect(),
        chosen: form.chosen.into_iter().filter_map(choice).collect(),
        ask: form.ask,
        spent,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_about_people_survives_encoding_and_decoding() {
        let word = People {
            version: 7,
            all: true,
            people: vec![(UserId(1), Presence::Away), (UserId(2), Presence::Offline)],
            chosen: vec![(UserId(1), Presence::Busy, Millis(5))],
            ask: Some(9),
            spent: Spent {
                rates: vec![(UserId(1), 0, 3)],
                tries: vec![Try::LogIn("ann\0::1".into()), Try::Registration("::1".into())],
            },
        };
        let text = encode(&word).expect("JSON");
        assert_eq!(decode(std::str::from_utf8(&text).expect("UTF-8")), Some(word));
        assert_eq!(
            decode(r#"{"v":1,"people":[[1,"asleep"]],"more":1}"#),
            Some(People { version: 1, ..People::default() })
        );
        assert_eq!(decode("{}"), None);
    }
}
