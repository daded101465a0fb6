//! Reads invalidations out of the database, once a second, whatever becomes of Redis.

use std::{
    collections::{HashSet, VecDeque},
    time::Duration,
};

use chat::Result;
use store::invalidations::{KEPT, Kept};
use tokio::{sync::mpsc, time::Instant};

use crate::{Heard, Look, Looked};

/// How often the database is asked.
const EVERY: Duration = Duration::from_secs(1);
/// A transaction that began earlier may become visible later: so far back is read again.
const OVERLAP: Duration = Duration::from_secs(10);
/// Invalidations that one statement reads.
const AT_ONCE: i64 = 2_000;

/// What was read, and from where to read on.
struct Seen {
    /// Where reading begins: what is before was read long ago.
    floor: i64,
    /// The newest place after each reading of the last seconds.
    tops: VecDeque<(Instant, i64)>,
    seen: HashSet<i64>,
}

impl Seen {
    fn new(newest: i64) -> Self {
        Self { floor: newest, tops: VecDeque::new(), seen: HashSet::new() }
    }

    /// Those that are news, and not this node's own. Its own are rechecked with each reading: it takes another
    /// name when it does not know whether it has written them.
    fn news(&mut self, kept: Vec<Kept>, own: i64, now: Instant) -> Vec<store::Invalidation> {
        let top = kept.last().map_or(self.floor, |last| last.id);
        let news = kept.into_iter().filter(|one| one.node != own && self.seen.insert(one.id));
        let invalidations = news.filter_map(|one| one.invalidation).collect();
        self.tops.push_back((now, top));
        while let Some((at, top)) = self.tops.front().copied()
            && now - at >= OVERLAP
        {
            self.floor = self.floor.max(top);
            self.tops.pop_front();
        }
        let floor = self.floor;
        self.seen.retain(|id| *id > floor);
        invalidations
    }
}

/// Reads until nobody wants to hear any more.
pub(crate) async fn run(look: Look, newest: i64, heard: mpsc::Sender<Heard>) {
    let mut seen = Seen::new(newest);
    let mut epoch: Option<String> = None;
    let mut read_at = Instant::now();
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while !heard.is_closed() {
        ticks.tick().await;
        match read(&look, seen.floor).await {
            Ok(looked) => {
                let away = read_at.elapsed();
                read_at = Instant::now();
                // Of another history, or of one that has lost some: their places are given again.
                let is_foreign = epoch.replace(looked.epoch.clone()).is_some_and(|before| before != looked.epoch);
                // A node of the version before forgets the newest one, too: that there are none says nothing.
                let is_short = (1..seen.floor).contains(&looked.newest);
                if is_foreign || is_short {
                    seen = Seen::new(0);
                }
                if (away > KEPT / 2 || is_short) && heard.send(Heard::Lost).await.is_err() {
                    return;
                }
                if is_foreign || is_short {
                    continue;
                }
                for invalidation in seen.news(looked.kept, looked.own, Instant::now()) {
                    if heard.send(Heard::Invalidation(invalidation)).await.is_err() {
                        return;
                    }
                }
            }
            Err(error) => tracing::debug!(%error, "invalidations cannot be read now"),
        }
    }
}

/// All invalidations after a place.
async fn read(look: &Look, floor: i64) -> Result<Looked> {
    let mut all = look(floor, AT_ONCE).await?;
    let mut full = all.kept.len();
    while i64::try_from(full).unwrap_or(0) >= AT_ONCE
        && let Some(last) = all.kept.last().map(|last| last.id)
    {
        let more = look(last, AT_ONCE).await?;
        full = more.kept.len();
        let kept = all.kept.into_iter().chain(more.kept).collect();
        all = Looked { kept, ..more };
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chat::UserId;
    use store::Invalidation;

    use super::*;

    fn kept(id: i64, node: i64) -> Kept {
        Kept { id, node, invalidation: Some(Invalidation::Standing(UserId(id))) }
    }

    fn ids(invalidations: Vec<Invalidation>) -> Vec<i64> {
        invalidations.into_iter().map(|invalidation| invalidation.parts().1.map_or(0, |user| user.0)).collect()
    }

    #[tokio::test]
    async fn a_crowd_of_invalidations_is_read_to_its_end() {
        let all: Arc<Vec<Kept>> = Arc::new((1..=4_500).map(|id| kept(id, 2)).collect());
        let look: Look = Box::new(move |after, limit| {
            let kept = all.iter().filter(|one| one.id > after).take(limit as usize).copied().collect();
            let looked = Looked { kept, own: 1, newest: 4_500, ..Looked::default() };
            Box::pin(async move { Ok(looked) })
        });
        let Looked { kept, own, .. } = read(&look, 10).await.expect("invalidations");
        assert_eq!((kept.len(), kept.last().map(|last| last.id), own), (4_490, Some(4_500), 1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_node_that_was_away_for_long_starts_over() {
        let start = Instant::now();
        let look: Look = Box::new(move |_, _| {
            let away = (30..KEPT.as_secs()).contains(&start.elapsed().as_secs());
            let gone = || Err(chat::Error::internal());
            Box::pin(async move { if away { gone() } else { Ok(Looked { own: 1, ..Looked::default() }) } })
        });
        let (heard, mut hears) = mpsc::channel(1);
        let reading = tokio::spawn(run(look, 0, heard));
        assert!(matches!(hears.recv().await, Some(Heard::Lost)));
        assert_eq!(start.elapsed().as_secs(), KEPT.as_secs());
        let more = tokio::time::timeout(KEPT, hears.recv()).await;
        assert!(more.is_err(), "and goes on as before");
        reading.abort();
    }

    /// A look that shows these, one after the other, and the last again and again.
    fn looks(all: Vec<Looked>) -> Look {
        let turn = std::sync::atomic::AtomicUsize::new(0);
        Box::new(move |after, _| {
            let turn = turn.fetch_add(1, std::sync::atomic::Ordering::Relaxed).min(all.len() - 1);
            let mut looked = all[turn].clone();
            looked.kept.retain(|one| one.id > after);
            Box::pin(async move { Ok(looked) })
        })
    }

    /// What is heard next; nothing if that takes too long.
    async fn next(hears: &mut mpsc::Receiver<Heard>) -> Option<Heard> {
        tokio::time::timeout(KEPT, hears.recv()).await.ok().flatten()
    }

    fn looked(epoch: &str, ids: &[i64]) -> Looked {
        let kept: Vec<Kept> = ids.iter().map(|id| kept(*id, 2)).collect();
        let newest = ids.iter().copied().max().unwrap_or_default();
        Looked { kept, newest, own: 1, epoch: epoch.to_owned() }
    }

    #[tokio::test(start_paused = true)]
    async fn places_below_those_that_were_read_mean_that_anything_may_be_lost() {
        let look = looks(vec![looked("a", &[3]), looked("a", &[3]), looked("a", &[3, 4])]);
        let (heard, mut hears) = mpsc::channel(8);
        let reading = tokio::spawn(run(look, 40, heard));
        assert!(matches!(next(&mut hears).await, Some(Heard::Lost)));
        for user in [3, 4] {
            let next = next(&mut hears).await;
            assert!(
                matches!(next, Some(Heard::Invalidation(Invalidation::Standing(UserId(id)))) if id == user),
                "user {user}"
            );
        }
        reading.abort();
    }

    #[tokio::test(start_paused = true)]
    async fn that_a_node_of_the_version_before_has_forgotten_all_invalidations_is_nothing_to_worry_about() {
        let look = looks(vec![looked("a", &[41]), looked("a", &[]), looked("a", &[]), looked("a", &[42])]);
        let (heard, mut hears) = mpsc::channel(8);
        let reading = tokio::spawn(run(look, 40, heard));
        for user in [41, 42] {
            let next = next(&mut hears).await;
            assert!(
                matches!(next, Some(Heard::Invalidation(Invalidation::Standing(UserId(id)))) if id == user),
                "user {user}"
            );
        }
        reading.abort();
    }

    #[tokio::test(start_paused = true)]
    async fn of_another_history_all_invalidations_are_news_also_below_those_that_were_read() {
        let look = looks(vec![looked("a", &[41]), looked("b", &[30, 50])]);
        let (heard, mut hears) = mpsc::channel(8);
        let reading = tokio::spawn(run(look, 40, heard));
        for user in [41, 30, 50] {
            let next = next(&mut hears).await;
            assert!(
                matches!(next, Some(Heard::Invalidation(Invalidation::Standing(UserId(id)))) if id == user),
                "user {user}"
            );
        }
        reading.abort();
    }

    #[tokio::test(start_paused = true)]
    async fn places_that_jump_ahead_are_nothing_to_worry_about() {
        let look = looks(vec![looked("a", &[41]), looked("a", &[41, 74]), looked("a", &[41, 74, 1_074])]);
        let (heard, mut hears) = mpsc::channel(8);
        let reading = tokio::spawn(run(look, 40, heard));
        for user in [41, 74, 1_074] {
            let next = next(&mut hears).await;
            assert!(
                matches!(next, Some(Heard::Invalidation(Invalidation::Standing(UserId(id)))) if id == user),
                "user {user}"
            );
        }
        reading.abort();
    }

    #[test]
    fn what_becomes_visible_late_is_heard_and_nothing_twice() {
        let start = Instant::now();
        let mut seen = Seen::new(10);
        assert_eq!(ids(seen.news(vec![kept(12, 2), kept(13, 1)], 1, start)), [12]);
        // 11 was committed later than 12.
        assert_eq!(ids(seen.news(vec![kept(11, 2), kept(12, 2), kept(13, 1)], 1, start + EVERY)), [11]);
        assert_eq!(seen.floor, 10);
        let all = vec![kept(11, 2), kept(12, 2), kept(13, 1), kept(14, 2)];
        assert_eq!(ids(seen.news(all, 1, start + OVERLAP)), [14]);
        assert_eq!((seen.floor, seen.seen.len()), (13, 1), "what is long ago is not read again");
        // The node has taken another name: what it wrote last may not have been told.
        assert_eq!(ids(seen.news(vec![kept(14, 2), kept(15, 1)], 3, start + OVERLAP)), [15]);
    }
}
