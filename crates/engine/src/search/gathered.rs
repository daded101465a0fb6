//! The results of a search while they are found, newest first, and the page that is made of them.

use chat::{
    MessageId,
    search::{Order, RANKED, Rank, SearchCursor},
};

use crate::history::cut;

/// The hits of a page that were found so far; `H` is a hit.
pub(super) struct Gathered<H> {
    order: Order,
    limit: i64,
    /// Only messages below this id are looked at.
    end: i64,
    /// By relevance: where the page before ended, among the same hits.
    below: Option<Rank>,
    hits: Vec<(Rank, H)>,
    /// How many were found, whether or not they are kept.
    seen: usize,
}

impl<H> Gathered<H> {
    pub(super) fn new(order: Order, limit: i64, end: i64, below: Option<Rank>) -> Self {
        Self { order, limit, end, below, hits: Vec::new(), seen: 0 }
    }

    /// Takes further hits, older than all before. If that is enough: the id of the oldest that counts.
    pub(super) fn take(&mut self, hits: Vec<(Rank, H)>) -> Option<i64> {
        let room = match self.order {
            Order::Newest => usize::MAX,
            Order::Best => RANKED.saturating_sub(self.seen),
        };
        let oldest = hits.iter().take(room).next_back().map(|(rank, _)| rank.message.0);
        let counted = hits.into_iter().take(room);
        let before = self.hits.len();
        self.hits.extend(counted.inspect(|_| self.seen += 1).filter(|(rank, _)| self.below.is_none_or(|b| *rank < b)));
        if self.order == Order::Best && self.hits.len() > before {
            // Hits that are on no page of this answer are let go of: a text may be long.
            self.hits.sort_unstable_by_key(|(rank, _)| std::cmp::Reverse(*rank));
            self.hits.truncate(self.enough());
        }
        let is_enough = match self.order {
            Order::Newest => self.hits.len() >= self.enough(),
            Order::Best => self.seen >= RANKED,
        };
        oldest.filter(|_| is_enough)
    }

    /// One more than a page has, by which it is known that there are more.
    fn enough(&self) -> usize {
        usize::try_from(self.limit).unwrap_or(usize::MAX).saturating_add(1)
    }

    /// The page, and where the next one begins if there may be more. `stopped`: everything from this id on was looked
    /// at; absent if that is all.
    pub(super) fn page(mut self, stopped: Option<i64>) -> (Vec<H>, Option<SearchCursor>) {
        let last = cut(&mut self.hits, self.limit).map(|(rank, _)| *rank);
        let next = match (last, self.order) {
            (Some(rank), Order::Newest) => Some(SearchCursor { before: rank.message, below: None }),
            (Some(rank), Order::Best) => Some(SearchCursor { before: MessageId(self.end), below: Some(rank) }),
            (None, _) => stopped.map(|low| SearchCursor { before: MessageId(low), below: None }),
        };
        (self.hits.into_iter().map(|(_, hit)| hit).collect(), next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hit(id: i64) -> (Rank, i64) {
        (Rank { score: score(id), message: MessageId(id) }, id)
    }

    fn score(id: i64) -> u32 {
        u32::try_from(id * 7_919 % 101).unwrap()
    }

    /// The ids on each page of a search that hits every message up to a number, which come in portions.
    fn pages(order: Order, hits: i64, limit: i64, portion: usize) -> Vec<Vec<i64>> {
        let (mut pages, mut cursor) = (Vec::new(), Some(SearchCursor { before: MessageId(hits + 1), below: None }));
        while let Some(SearchCursor { before, below }) = cursor {
            let mut gathered = Gathered::new(order, limit, before.0, below);
            let all: Vec<i64> = (1..before.0).rev().collect();
            let portions = all.chunks(portion).map(|ids| ids.iter().map(|id| hit(*id)).collect());
            let stopped = portions.into_iter().find_map(|hits: Vec<_>| gathered.take(hits));
            let (page, next) = gathered.page(stopped);
            pages.push(page);
            cursor = next;
        }
        pages
    }

    #[test]
    fn every_hit_is_on_one_page_whatever_the_portions() {
        for (limit, portion) in [(1, 3), (7, 3), (7, 256), (50, 64), (200, 1)] {
            let newest = pages(Order::Newest, 60, limit, portion);
            assert_eq!(newest.concat(), (1..=60).rev().collect::<Vec<_>>(), "{limit} {portion}");
            let mut best: Vec<i64> = (1..=60).collect();
            best.sort_unstable_by_key(|id| std::cmp::Reverse((score(*id), *id)));
            let found = pages(Order::Best, 60, limit, portion);
            assert!(found.iter().rev().skip(1).all(|page| page.len() as i64 == limit));
            assert_eq!(found.concat(), best, "{limit} {portion}");
        }
    }

    #[test]
    fn the_newest_thousand_hits_are_put_in_order_together_and_then_the_older_ones() {
        let all = RANKED as i64 * 2 + 300;
        let mut expected = Vec::new();
        for newest in [all, all - RANKED as i64, all - 2 * RANKED as i64] {
            let mut ids: Vec<i64> = ((newest - RANKED as i64).max(0) + 1..=newest).collect();
            ids.sort_unstable_by_key(|id| std::cmp::Reverse((score(*id), *id)));
            expected.extend(ids);
        }
        for portion in [64, 256, 999] {
            assert_eq!(pages(Order::Best, all, 200, portion).concat(), expected, "{portion}");
        }
    }
}
