//! Searching: the index proposes, the rows decide. What is shown is what its row says at this moment, to somebody whose
//! membership shows it at this moment.

mod completing;
mod gathered;

use std::time::Duration;

use chat::{
    ConversationId, Error, MessageId, Millis, Reply, Result,
    conversations::Kind,
    search::{self, Hit, Order, Rank, Search, SearchBounds, SearchCursor},
};
use store::search::{BLOCK, Needle};

use crate::Call;
use gathered::Gathered;

/// Messages that are read and looked at together: few at first, because a page may be full with them.
const PORTIONS: std::ops::RangeInclusive<i64> = 64..=256;
/// If so few of a range were proposed, or fewer, the next range may be larger.
const FEW: usize = 64;
/// How much larger.
const GROWTH: i64 = 4;
/// If a range took longer than this, the next is not larger.
const QUICK: Duration = Duration::from_millis(25);
/// Members of so many conversations search in those by the index; of more, what is found elsewhere is left out afterwards.
const NAMED: usize = 64;
/// How far a clock may be from UTC, in minutes.
const OFFSETS: std::ops::RangeInclusive<i64> = -1_080..=1_080;
/// Later than anything.
const NEVER: Millis = Millis(i64::MAX);

/// A request to search.
pub(crate) struct Asked {
    pub q: String,
    pub utc_offset: i64,
    pub conversation: Option<ConversationId>,
    pub order: Order,
    pub after: Option<SearchCursor>,
    pub limit: i64,
}

/// A search, with the ids that its names mean to the speaker.
struct Resolved {
    search: Search,
    needle: Needle,
    /// The conversations that were named; all if none was.
    within: Vec<ConversationId>,
}

impl Call {
    pub(crate) async fn search(&self, asked: Asked) -> Result<Reply> {
        let limits = &self.settings.limits;
        if !OFFSETS.contains(&asked.utc_offset) {
            return Err(Error::invalid("utc_offset", "utc_offset is from -1080 to 1080 minutes."));
        }
        let search = search::parse(&asked.q, asked.utc_offset, self.search_bounds())?;
        self.rates.admit_search(self.speaker.user)?;
        let nothing = || Ok(Reply::Found { hits: Vec::new(), next: None });
        if !search.has_anchor() {
            return nothing();
        }
        let limit = asked.limit.clamp(1, limits.search_page);
        let Some(resolved) = self.resolve(search, asked.conversation).await? else {
            return nothing();
        };
        let (newest, _) = store::messages::total(&mut *self.db.read().await?).await?;
        let end = asked.after.map_or(newest + 1, |after| after.before.0.clamp(0, newest + 1));
        let below = asked.after.and_then(|after| after.below);
        let gathered = Gathered::new(asked.order, limit, end, below);
        let (hits, next) = self.walk(&resolved, end, gathered).await?;
        Ok(Reply::Found { hits, next })
    }

    fn search_bounds(&self) -> SearchBounds {
        let limits = &self.settings.limits;
        SearchBounds { length: limits.search_length, terms: limits.search_terms }
    }

    /// Resolves the names in a search. Nothing if one means nothing to the speaker: whether it is not there or not
    /// theirs to see makes no difference, so nothing is found.
    async fn resolve(&self, search: Search, conversation: Option<ConversationId>) -> Result<Option<Resolved>> {
        let mut conn = self.db.read().await?;
        let mut authors = Vec::new();
        for name in &search.from {
            if name.eq_ignore_ascii_case("me") {
                authors.push(self.speaker.user);
            } else if let Some(account) = store::accounts::by_name(&mut conn, name).await? {
                authors.push(account.id);
            }
        }
        let mut within = Vec::new();
        for name in &search.within {
            within.extend(self.place(&mut conn, name).await?);
        }
        if let Some(id) = conversation {
            self.access_in(&mut conn, id).await?;
            within.retain(|place| *place == id);
            if search.within.is_empty() {
                within.push(id);
            }
        }
        let is_narrow = conversation.is_some() || !search.within.is_empty();
        if (authors.is_empty() && !search.from.is_empty()) || (within.is_empty() && is_narrow) {
            return Ok(None);
        }
        let mut conversations = within.clone();
        if !is_narrow {
            let own = i64::try_from(NAMED).unwrap_or(i64::MAX) + 1;
            conversations = store::members::conversations_of(&mut conn, self.speaker.user, own).await?;
            if conversations.is_empty() {
                return Ok(None);
            }
        }
        if conversations.len() > NAMED {
            conversations.clear();
        }
        let (words, not) = (search.words.clone(), search.not.clone());
        let needle = Needle { words, not, authors, conversations, has: search.has.clone() };
        Ok(Some(Resolved { search, needle, within }))
    }

    /// The conversation that the speaker calls so: by its id, by the name of a room, or by whom a direct one is with.
    async fn place(&self, conn: &mut store::Conn, name: &str) -> Result<Option<ConversationId>> {
        let me = self.speaker.user;
        if let Some(person) = name.strip_prefix('@') {
            let Some(other) = store::accounts::by_name(conn, person).await? else { return Ok(None) };
            let found = store::conversations::by_pair(conn, me.min(other.id), me.max(other.id)).await?;
            return Ok(found.map(|conversation| conversation.id));
        }
        if let Some(room) = store::conversations::public_by_name(conn, name).await? {
            return Ok(Some(room.id));
        }
        if let Some(own) = store::conversations::private_by_name(conn, me, name).await? {
            return Ok(Some(own.id));
        }
        Ok(name.parse().ok().map(ConversationId))
    }

    /// Walks back in time, range by range, until there is enough, nothing more, or no more time; then from where to go on.
    async fn walk(
        &self,
        resolved: &Resolved,
        end: i64,
        mut gathered: Gathered<Hit>,
    ) -> Result<(Vec<Hit>, Option<SearchCursor>)> {
        let began = self.engine.moment();
        let patience = Duration::from_millis(u64::try_from(self.settings.limits.search_ms).unwrap_or(0));
        // SQLite's index collects all words with a beginning in each question anew: then one range is all there is.
        let has_prefix = resolved.needle.words.iter().any(|phrase| phrase.prefix);
        let blocks = if has_prefix && self.db.is_sqlite() { i64::MAX } else { 1 };
        let (mut high, mut blocks, mut portion) = (end, blocks, *PORTIONS.start());
        while high > 0 {
            let low = ((high - 1).div_euclid(BLOCK) + 1).saturating_sub(blocks).max(0) * BLOCK;
            let step = self.engine.moment();
            let mut proposed = 0;
            while low < high {
                if self.engine.moment().saturating_sub(began) > patience {
                    return Ok(gathered.page(Some(high)));
                }
                let found = store::search::candidates(&self.db, &resolved.needle, (low, high), portion).await?;
                proposed += found.len();
                let is_last = (found.len() as i64) < portion;
                let lowest = found.last().map_or(low, |id| id.0);
                if let Some(last) = gathered.take(self.look_at(resolved, &found).await?) {
                    return Ok(gathered.page(Some(last)));
                }
                high = if is_last { low } else { lowest };
                portion = (portion * 2).min(*PORTIONS.end());
            }
            if proposed <= FEW && self.engine.moment().saturating_sub(step) < QUICK {
                blocks = blocks.saturating_mul(GROWTH);
            }
        }
        Ok(gathered.page(None))
    }

    /// Those of these messages that match the search, as their rows are now; newest first.
    async fn look_at(&self, resolved: &Resolved, ids: &[MessageId]) -> Result<Vec<(Rank, Hit)>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let Resolved { search, needle, within } = resolved;
        let time = (search.since.unwrap_or(Millis(0)), search.until.unwrap_or(NEVER));
        let kinds = if search.kinds.is_empty() { Kind::ALL.as_slice() } else { search.kinds.as_slice() };
        let me = self.speaker.user;
        let messages = store::messages::found(&mut *self.db.read().await?, ids, me, time, kinds).await?;
        let is_meant = |message: &chat::messages::Message| {
            (needle.authors.is_empty() || needle.authors.contains(&message.author))
                && (within.is_empty() || within.contains(&message.conversation))
        };
        let hit = |message: chat::messages::Message| {
            let matched = search.matched(&message).filter(|_| is_meant(&message))?;
            let rank = Rank { score: matched.score, message: message.id };
            Some((rank, Hit { message, places: matched.places }))
        };
        Ok(messages.into_iter().filter_map(hit).collect())
    }
}
