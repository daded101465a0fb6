//! Looks at the pages behind links, for the previews of messages.
//!
//! A message whose conversation wants it leaves a job. What is behind a link is asked for once, however many messages have
//! it within [`REMEMBERED`]: the answer is kept in memory, by the link alone. Whatever goes wrong, there is no preview,
//! and nobody is told why: the difference would be a map of the network.

mod charset;
mod looking;
mod oembed;
mod page;
mod rates;

use std::{sync::Arc, time::Duration};

use chat::{Error, ErrorCode, Result};
use engine::{Due, Engine, FoundPage, Job, Lane};
use moka::future::Cache;
use outgoing::{Outgoing, Url};
use tokio::{
    sync::{Semaphore, watch},
    task::JoinSet,
};

use looking::look_at;
use rates::Rates;

/// How often is looked at least for what other nodes have left.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Pages that are looked at together. More wait as jobs.
const AT_ONCE: usize = 8;
/// A page may take this long with all that belongs to it, well within its job's lease.
const PATIENCE: Duration = Duration::from_secs(20);
/// For how long it is remembered what is behind a link, or that there is nothing.
const REMEMBERED: Duration = Duration::from_secs(2 * 3_600);
/// Bytes of what is remembered.
const REMEMBERED_BYTES: u64 = 32 << 20;

/// The page behind a link, if it makes a preview.
type Seen = Option<Arc<FoundPage>>;

/// Whoever looks at pages on this node.
struct Looker {
    engine: Engine,
    outgoing: Outgoing,
    /// Where people find this server.
    own: Option<Url>,
    seen: Cache<String, Seen>,
    rates: Rates,
}

/// Works until it is told to stop. Links to `own`, the address of this server, are none to look behind: they lead to
/// conversations, which whoever belongs there sees by name.
pub(crate) async fn work(engine: Engine, outgoing: Outgoing, own: String, mut stopped: watch::Receiver<bool>) {
    let weigher = |link: &String, seen: &Seen| weight(link, seen);
    let seen = Cache::builder().max_capacity(REMEMBERED_BYTES).weigher(weigher).time_to_live(REMEMBERED).build();
    let looker = Arc::new(Looker { engine, outgoing, own: Url::parse(&own).ok(), seen, rates: Rates::default() });
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut looking = JoinSet::new();
    loop {
        let pause = match looker.take_due(&places, &mut looking).await {
            Ok(pause) => pause.min(LOOK_EVERY),
            Err(error) => {
                tracing::debug!(%error, "links cannot be looked for now");
                LOOK_EVERY
            }
        };
        tokio::select! {
            // An error would mean that nobody can stop it any more.
            _told = stopped.changed() => return,
            () = tokio::time::sleep(pause) => {}
            _done = looking.join_next(), if !looking.is_empty() => {}
        }
    }
}

/// Bytes that a remembered page takes, about.
fn weight(link: &str, seen: &Seen) -> u32 {
    let of_page = |page: &Arc<FoundPage>| {
        let image = page.image.as_ref().map_or(0, |image| image.bytes.len());
        page.site.len() + page.title.len() + page.description.len() + image
    };
    u32::try_from(link.len() + 200 + seen.as_ref().map_or(0, of_page)).unwrap_or(u32::MAX)
}

impl Looker {
    /// Begins with what is due, as far as there are places; returns how long to wait for the next.
    async fn take_due(self: &Arc<Self>, places: &Arc<Semaphore>, looking: &mut JoinSet<()>) -> Result<Duration> {
        let free = places.available_permits();
        if free == 0 {
            return Ok(LOOK_EVERY);
        }
        match self.engine.next_job(Lane::Pages).await? {
            Due::Never => return Ok(LOOK_EVERY),
            Due::In(left) => return Ok(left),
            Due::Now => {}
        }
        let jobs = self.engine.claim_jobs(Lane::Pages, i64::try_from(free).unwrap_or(1)).await?;
        // Others are doing what is due.
        if jobs.is_empty() {
            return Ok(LOOK_EVERY);
        }
        for job in jobs {
            // There is one: nobody else takes places.
            let Ok(place) = places.clone().acquire_owned().await else { break };
            let looker = self.clone();
            looking.spawn(async move {
                looker.attempt(job).await;
                drop(place);
            });
        }
        Ok(Duration::ZERO)
    }

    async fn attempt(&self, job: Job) {
        let (kind, message) = (job.kind.name(), job.subject);
        let late = u64::try_from(self.engine.now().since(job.due_at)).unwrap_or(0);
        metrics::histogram!("palabre_job_lateness_seconds", "kind" => kind).record(Duration::from_millis(late));
        let Err(error) = self.preview(job).await else {
            metrics::counter!("palabre_jobs_done_total", "kind" => kind).increment(1);
            return;
        };
        metrics::counter!("palabre_job_failures_total", "kind" => kind).increment(1);
        match self.engine.note_failed_job(job, &error).await {
            Ok(true) => {
                metrics::counter!("palabre_jobs_given_up_total", "kind" => kind).increment(1);
                tracing::error!(kind, message, %error, "a job was given up; palabre jobs lists it");
            }
            Ok(false) => tracing::warn!(kind, message, %error, "a preview was not kept and is tried again"),
            // It is tried again when its lease has run out.
            Err(noting) => tracing::warn!(kind, message, %error, %noting, "a preview was not kept"),
        }
    }

    /// Does a job: looks at its page, and keeps what it says.
    async fn preview(&self, job: Job) -> Result<()> {
        let wanted =
            self.engine.wanted_page(&job).await?.filter(|wanted| !is_same_site(self.own.as_ref(), &wanted.url));
        let Some(wanted) = wanted else {
            count("unwanted");
            return self.engine.keep_no_preview(job).await;
        };
        let looking = tokio::time::timeout(PATIENCE, self.seen_behind(&wanted.url, wanted.author.0));
        let Ok(Some(page)) = looking.await.map_err(|_| count("slow")) else {
            return self.engine.keep_no_preview(job).await;
        };
        let kept = tokio::time::timeout(PATIENCE, self.engine.keep_preview(job, wanted, FoundPage::clone(&page))).await;
        let is_kept = kept.unwrap_or_else(|_| Err(Error::new(ErrorCode::Unavailable, "The job took too long.")))?;
        count(if is_kept { "made" } else { "unwanted" });
        Ok(())
    }

    /// The page behind a link, for somebody who has given it.
    async fn seen_behind(&self, link: &str, author: i64) -> Seen {
        if let Some(seen) = self.seen.get(link).await {
            return seen;
        }
        if !self.rates.admit(link, author) {
            count("paced");
            return None;
        }
        // Whoever comes with the same link meanwhile waits for the one answer.
        let look = async {
            match look_at(&self.outgoing, link).await {
                Ok(page) => Some(Arc::new(page)),
                Err(why) => {
                    count(why.name());
                    tracing::debug!(%why, "there is no preview");
                    None
                }
            }
        };
        self.seen.get_with_by_ref(link, look).await
    }
}

/// Whether a link leads to this server.
fn is_same_site(own: Option<&Url>, link: &str) -> bool {
    own.is_some_and(|own| Url::parse(link).is_ok_and(|link| link.origin() == own.origin()))
}

/// Counts what became of a link.
fn count(outcome: &'static str) {
    metrics::counter!("palabre_previews_total", "outcome" => outcome).increment(1);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_to_this_server_are_told_from_others() {
        let own = Url::parse("https://chat.example/palabre").ok();
        for link in ["https://chat.example/c/12", "HTTPS://Chat.Example:443/palabre/c/12#5"] {
            assert!(is_same_site(own.as_ref(), link), "{link}");
        }
        for link in ["http://chat.example/", "https://chat.example:8443/", "https://other.example/", "no link"] {
            assert!(!is_same_site(own.as_ref(), link), "{link}");
        }
        assert!(!is_same_site(None, "https://chat.example/"));
    }
}
