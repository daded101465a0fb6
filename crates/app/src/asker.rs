//! The questions of the listeners and the stream to the engine. They hold it weakly: it ends before they do.

use std::{
    collections::HashMap,
    sync::{Arc, Weak},
    time::{Duration, Instant},
};

use chat::{
    ConversationId, Error, ErrorCode, Millis, Number, Result, Scope, SessionId, UserId,
    conversations::Listed,
    rates::Spent,
    reply::{AccountChanges, CaughtUp},
    sessions::Standing,
};
use engine::{Engine, Extent, Wanted};
use store::{Db, invalidations::Aging, members::Belongings};
use stream::{Address, Looked, Others, Secrets};
use subscribers::{Lookup, Lookups};

use crate::{clock::Compared, config::Config};

/// How often invalidations that everybody has read, and nodes that are gone, are forgotten.
const FORGET_EVERY: Duration = Duration::from_secs(60);

/// The way to the engine, as long as there is one.
#[derive(Clone)]
pub(crate) struct Asker(Weak<Engine>, Compared);

impl Asker {
    pub(crate) fn new(engine: &Arc<Engine>, clock: Compared) -> Self {
        let asker = Self(Arc::downgrade(engine), clock);
        tokio::spawn(asker.clone().forget());
        asker
    }

    fn ask<T, F>(&self, question: impl FnOnce(Arc<Engine>) -> F + Send + 'static) -> Lookup<T>
    where
        F: Future<Output = Result<T>> + Send,
    {
        let engine = self.0.upgrade();
        Box::pin(async move {
            match engine {
                Some(engine) => question(engine).await,
                None => Err(Error::new(ErrorCode::Unavailable, "The server is stopping.")),
            }
        })
    }

    /// How other nodes are heard and told.
    pub(crate) fn others(
        &self,
        config: &Config,
        db: &Db,
        newest_invalidation: i64,
        seal: (Secrets, [u8; 8]),
    ) -> Others {
        let redis = config.redis.url.as_ref();
        let (look, mute, (secrets, life)) = ((self.clone(), db.clone()), self.clone(), seal);
        Others {
            redis: redis.map(|url| Address { url: url.reveal().to_owned(), cluster: config.redis.cluster }),
            several: !db.is_sqlite(),
            epochs: db.epochs(),
            secrets,
            life,
            clock: self.1.clock(),
            node: db.node(),
            newest_invalidation,
            look: Box::new(move |after, limit| {
                let (asker, db) = look.clone();
                Box::pin(async move { asker.look(&db, after, limit).await })
            }),
            mute: Arc::new(move || {
                let said = mute.ask(|engine| async move { engine.say_mute().await });
                Box::pin(async move {
                    if let Err(error) = said.await {
                        tracing::debug!(%error, "that others cannot be told could not be noted");
                    }
                })
            }),
        }
    }

    /// Looks into the database for what other nodes have changed, for its time, and whether it is the same history.
    async fn look(&self, db: &Db, after: i64, limit: i64) -> Result<Looked> {
        let epoch = db.epochs().borrow().id.clone();
        let mut conn = db.read().await?;
        let begun = Instant::now();
        if let Some(theirs) = store::clock::now(&mut conn).await? {
            self.1.compare(begun, theirs);
        }
        let kept = store::invalidations::after(&mut conn, after, limit).await?;
        let newest = store::invalidations::newest(&mut conn).await?;
        if !db.is_same_history(&mut conn, self.1.clock()()).await? {
            let followed = self.ask(|engine| async move { engine.follow_history().await });
            // Not waited for: while the database takes no writes it cannot be done, and is tried with each look.
            tokio::spawn(followed);
        }
        Ok(Looked { kept, newest, own: db.node(), epoch })
    }

    async fn forget(self) {
        let mut ticks = tokio::time::interval(FORGET_EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut aging = Aging::default();
        while self.0.strong_count() > 0 {
            ticks.tick().await;
            if let Err(error) = self.forget_old(&mut aging).await {
                tracing::debug!(%error, "old invalidations and nodes cannot be forgotten now");
            }
        }
    }

    async fn forget_old(&self, aging: &mut Aging) -> Result<()> {
        let newest = self.ask(|engine| async move { engine.newest_invalidation().await }).await?;
        match aging.note(newest, Instant::now()) {
            Some(place) => self.ask(move |engine| async move { engine.forget_old(place).await }).await,
            None => Ok(()),
        }
    }
}

impl Lookups for Asker {
    fn belongings(&self, user: UserId) -> Lookup<Belongings> {
        self.ask(move |engine| async move { engine.belongings(user).await })
    }

    fn account_changes(&self, user: UserId, since: Number) -> Lookup<AccountChanges> {
        self.ask(move |engine| async move { engine.account_changes(user, since, Extent::Whole).await })
    }

    fn changes(&self, conversation: ConversationId, since: Number) -> Lookup<CaughtUp> {
        let wanted = Wanted { since, visible_from: Number(0), extent: Extent::Whole };
        self.ask(move |engine| async move { engine.changes_for_members(conversation, wanted).await })
    }

    fn heads(&self, conversations: Vec<ConversationId>) -> Lookup<Vec<(ConversationId, Number)>> {
        self.ask(move |engine| async move { engine.heads(&conversations).await })
    }

    fn standing(&self, user: UserId, sessions: Vec<SessionId>) -> Lookup<Standing> {
        self.ask(move |engine| async move { engine.standing(user, &sessions).await })
    }

    fn listed(&self, user: UserId, conversation: ConversationId) -> Lookup<Option<Listed>> {
        self.ask(move |engine| async move { engine.listed_for(user, conversation).await })
    }

    fn since_joining(&self, user: UserId, conversation: ConversationId) -> Lookup<Option<CaughtUp>> {
        self.ask(move |engine| async move { engine.changes_since_joining(user, conversation).await })
    }

    fn among(&self, users: Vec<UserId>, places: Vec<ConversationId>) -> Lookup<Vec<(ConversationId, UserId, String)>> {
        self.ask(move |engine| async move { engine.among(&users, &places).await })
    }

    fn subjects(&self, issuer: String, users: Vec<UserId>) -> Lookup<HashMap<UserId, String>> {
        self.ask(move |engine| async move { engine.subjects(&issuer, &users).await })
    }

    fn gone(&self, users: Vec<UserId>) {
        let noted = self.ask(|engine| async move { engine.note_last_seen(users).await });
        tokio::spawn(async move {
            if let Err(error) = noted.await {
                tracing::debug!(%error, "when people were last seen could not be noted");
            }
        });
    }

    fn spent(&self) -> Spent {
        self.0.upgrade().map(|engine| engine.spent()).unwrap_or_default()
    }

    fn note_spent(&self, spent: Spent) {
        if let Some(engine) = self.0.upgrade() {
            engine.note_spent(spent);
        }
    }

    fn share_rates(&self, nodes: usize) {
        if let Some(engine) = self.0.upgrade() {
            engine.share_rates(u32::try_from(nodes).unwrap_or(u32::MAX));
        }
    }

    fn now(&self) -> Millis {
        self.1.clock()()
    }

    fn epoch(&self) -> String {
        self.0.upgrade().map(|engine| engine.epoch().id).unwrap_or_default()
    }

    fn lost(&self, epoch: &str, scope: Scope, what: String) -> Lookup<bool> {
        let epoch = epoch.to_owned();
        self.ask(move |engine| async move { engine.note_lost(&epoch, scope, what).await })
    }
}
