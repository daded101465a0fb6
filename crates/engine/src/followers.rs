//! Followers: what reads conversations by number and keeps what follows from them. A node's workers ask here what they
//! follow, what has changed, and have it followed; what a follower keeps is in the file of its noun in `store`.

use std::collections::HashMap;

use chat::{ConversationId, Number, Result};
pub use store::{
    followers::{Follower, Shards, leases::Held},
    search::Pass,
};

use crate::Engine;

impl Engine {
    /// Before a follower begins: what it keeps is emptied if it was made by other rules.
    ///
    /// # Errors
    /// The store's.
    pub async fn prepare_to_follow(&self, follower: Follower) -> Result<()> {
        match follower {
            Follower::Search => Ok(store::search::check_version(&self.inner.db).await?),
        }
    }

    /// The shards that this node follows, looked at anew; to be asked once a second.
    ///
    /// # Errors
    /// The store's.
    pub async fn followed(&self, follower: Follower) -> Result<Held> {
        match follower {
            Follower::Search => Ok(store::search::look(&self.inner.db).await?),
        }
    }

    /// Leaves what this node follows to others.
    ///
    /// # Errors
    /// The store's.
    pub async fn stop_following(&self, follower: Follower) -> Result<()> {
        match follower {
            Follower::Search => Ok(store::search::leave(&self.inner.db).await?),
        }
    }

    /// All conversations of these shards of which a follower has not seen everything, and how far they have come.
    ///
    /// # Errors
    /// The store's.
    pub async fn not_followed_yet(&self, follower: Follower, shards: Shards) -> Result<Vec<(ConversationId, Number)>> {
        match follower {
            Follower::Search => Ok(store::search::behind(&self.inner.db, shards).await?),
        }
    }

    /// The conversations that other nodes have changed, as they have told a follower here.
    ///
    /// # Errors
    /// The store's.
    pub async fn told_to_follower(&self, follower: Follower) -> Result<Vec<(ConversationId, Number)>> {
        match follower {
            Follower::Search => Ok(store::search::told(&self.inner.db).await?),
        }
    }

    /// Tells a follower on whichever node how far these conversations have come.
    ///
    /// # Errors
    /// The store's.
    pub async fn tell_follower(&self, follower: Follower, heads: &[(ConversationId, Number)]) -> Result<()> {
        match follower {
            Follower::Search => Ok(store::search::tell(&self.inner.db, heads).await?),
        }
    }

    /// Has a follower read these conversations on from where it is, through so many numbers at most; not necessarily to
    /// their ends.
    ///
    /// # Errors
    /// The store's; the follower is then where it was.
    pub async fn follow(&self, follower: Follower, conversations: &[ConversationId], numbers: i64) -> Result<Pass> {
        match follower {
            Follower::Search => Ok(store::search::pass(&self.inner.db, conversations, numbers).await?),
        }
    }

    /// The heads that this node has committed since this was last asked; nothing if they were too many to be noted.
    #[must_use]
    pub fn committed_here(&self) -> Option<HashMap<ConversationId, Number>> {
        self.inner.db.wakes().take()
    }

    /// Waits until this node has committed something.
    pub async fn commits(&self) {
        self.inner.db.wakes().changed().await;
    }
}
