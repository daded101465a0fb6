//! Work for later: it follows from what was committed, and is done off the path of whoever caused it.
//!
//! [`jobs`] does what is due, [`previews`] looks at the pages behind links, [`followers`] read conversations as they
//! change, [`files`] sweeps the store of files, [`pushes`] sees when somebody is to be told on their devices. Every node
//! has workers, and none of them leads: whoever finds a job due claims it for a while, and if they die, another does when that while is over. What is to be done is in `engine`; here is when, how
//! often, and what becomes of failures.

mod files;
mod followers;
mod jobs;
mod previews;
mod pushes;

use std::time::Duration;

use engine::{Engine, Follower, Lane};
use futures_util::future::join_all;
use outgoing::Outgoing;
use tokio::{sync::watch, task::JoinHandle};

/// Work that is under way when a node stops may take this long; afterwards its lease runs out, and another node does
/// it.
const FINISHING: Duration = Duration::from_secs(5);

/// The workers of a node.
pub struct Workers {
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Workers {
    /// Starts them. They hold the engine until they are stopped. Other servers are asked through `outgoing`; `own` is the address
    /// at which people find this one.
    #[must_use]
    pub fn start(engine: Engine, outgoing: Outgoing, own: String) -> Self {
        let (stop, stopped) = watch::channel(false);
        let mut tasks = Vec::new();
        for lane in [Lane::Here, Lane::Files, Lane::Devices] {
            tasks.push(tokio::spawn(jobs::work(engine.clone(), lane, stopped.clone())));
        }
        tasks.push(tokio::spawn(pushes::watch(engine.clone(), stopped.clone())));
        tasks.push(tokio::spawn(files::sweep(engine.clone(), stopped.clone())));
        tasks.push(tokio::spawn(previews::work(engine.clone(), outgoing, own, stopped.clone())));
        for follower in Follower::ALL {
            tasks.push(tokio::spawn(followers::work(engine.clone(), *follower, stopped.clone())));
        }
        Self { stop, tasks }
    }

    /// Whether one of them has ended by itself, which must never be.
    #[must_use]
    pub fn are_broken(&self) -> bool {
        self.tasks.iter().any(JoinHandle::is_finished)
    }

    /// Lets them finish what they are doing, and take nothing more.
    pub async fn stop(mut self) {
        // An error would mean that they have ended.
        let _ended = self.stop.send(true);
        if tokio::time::timeout(FINISHING, join_all(&mut self.tasks)).await.is_err() {
            tracing::warn!("a job was still being done when the time to stop was over");
            self.tasks.iter().for_each(JoinHandle::abort);
        }
    }
}
