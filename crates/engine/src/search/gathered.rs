//! The results of a search while they are found, newest first, and the page that is made of them.

use chat::{
    MessageId,
    search::{Hit, Order, RANKED, Rank, SearchCursor},
};

use crate::history::cut;

/// What was found so far of a page.
pub(super) struct Gathered {
    order: Order,
    limit: i64,
    /// Only messages below this id are looked at.
    end: i64,
    /// By relevance: where the page before ended, among the same hits.
    below: Option<Rank>,
    hits: Vec<(Rank, Hit)>,
    /// How many were found, whether or not they are kept.
    seen: usize,
}

impl Gathered {
    pub(super) fn new(order: Order, limit: i64, end: i64, below: Option<Rank>) -> Self {
        Self { order, limit, end, below, hits: Vec::new(), seen: 0 }
    }

    /// Takes further hits, older than all before. If that is enough: the id of the oldest that counts.
    pub(super) fn take(&mut self, hits: Vec<(Rank, Hit)>) -> Option<i64> {
        let room = match self.order {
            Order::Newest => usize::MAX,
            Order::Best => RANKED.saturating_sub(self.seen),
        };
        let oldest = hits.iter().take(room).next_back().map(|(rank, _)| rank.message.0);
        let counted = hits.into_iter().take(room);
        let before = self.hits.len();
        self.hits.extend(counted.inspect(|_| self.seen += 1).filter(|(rank, _)| self.below.is_none_or(|b| *rank < b)));
        if self.order == Order::Best && self.hits.len() > before {
            // What is on no page of this answer is let go of: a text may be long.
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
    pub(super) fn page(mut self, stopped: Option<i64>) -> (Vec<Hit>, Option<SearchCursor>) {
        let last = cut(&mut self.hits, self.limit).map(|(rank, _)| *rank);
        let next = match (last, self.order) {
            (Some(rank), Order::Newest) => Some(SearchCursor { before: rank.message, below: None }),
            (Some(rank), Order::Best) => Some(SearchCursor { before: MessageId(self.end), below: Some(rank) }),
            (None, _) => stopped.map(|low| SearchCursor { before: MessageId(low), below: None }),
        };
        (self.hits.into_iter().map(|(_, hit)| hit).collect(), next)
    }
}
