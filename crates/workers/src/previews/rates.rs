//! How many pages are looked at: of one host, so that nobody uses this server against another one, and for one person.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use outgoing::Url;

/// Pages of one host in a minute, on each node.
const OF_HOST: u32 = 30;
/// Pages for one person in a minute, on each node.
const FOR_PERSON: u32 = 20;
const MINUTE: Duration = Duration::from_secs(60);

/// The pages that were looked at in this minute.
#[derive(Default)]
pub(super) struct Rates(Mutex<Window>);

#[derive(Default)]
struct Window {
    since: Option<Instant>,
    hosts: HashMap<String, u32>,
    people: HashMap<i64, u32>,
}

impl Rates {
    /// Whether one more page may be looked at; it then counts.
    pub(super) fn admit(&self, link: &str, person: i64) -> bool {
        self.admit_at(link, person, Instant::now())
    }

    fn admit_at(&self, link: &str, person: i64, now: Instant) -> bool {
        let host = Url::parse(link).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
        let mut window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if window.since.is_none_or(|since| now.duration_since(since) >= MINUTE) {
            *window = Window { since: Some(now), ..Window::default() };
        }
        // Whoever has had enough does not use the host's share up.
        if !take(&mut window.people, person, FOR_PERSON) {
            return false;
        }
        take(&mut window.hosts, host, OF_HOST)
    }
}

/// Counts one more, if there may be.
fn take<K: std::hash::Hash + Eq>(counts: &mut HashMap<K, u32>, key: K, most: u32) -> bool {
    let count = counts.entry(key).or_default();
    let may = *count < most;
    *count += u32::from(may);
    may
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_and_a_person_have_so_many_pages_in_a_minute_and_no_more() {
        let (rates, begun) = (Rates::default(), Instant::now());
        let late = begun + MINUTE - Duration::from_millis(1);
        for page in 0..FOR_PERSON {
            assert!(rates.admit_at(&format!("https://a.example/{page}"), 1, begun));
        }
        assert!(!rates.admit_at("https://b.example/", 1, late), "another host, but the same person");
        for page in FOR_PERSON..OF_HOST {
            assert!(rates.admit_at(&format!("http://A.example/{page}"), 2, late));
        }
        assert!(!rates.admit_at("https://a.example/", 3, late), "another person, but the same host");
        assert!(rates.admit_at("https://b.example/", 3, late));
        assert!(rates.admit_at("https://a.example/", 1, begun + MINUTE));
    }
}
