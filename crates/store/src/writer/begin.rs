//! How a transaction begins: on a connection that is good, and in the history that this node knows.

use std::time::{Duration, Instant};

use chat::Scope;

use super::Committer;
use crate::{
    Conn, Error, Result, conversations,
    heads::Heads,
    history::{self, Passage},
    unit::beginning_with,
};

/// When times of last activity that lie in the future are rechecked, where that failed.
const TIMES_AGAIN: Duration = Duration::from_mins(1);

impl Committer {
    /// Takes back what was dated while the clock was ahead, if that is due: at the start, and when the clock was put
    /// back. In a transaction of its own: the rows of a batch are locked in one order, and these are others. That it
    /// fails is no reason to refuse what people want to store.
    ///
    /// # Errors
    /// If no transaction can be begun; then the batch, which knows no other history, cannot either.
    pub(super) async fn take_back_future(&mut self) -> Result<()> {
        let (begun, now) = (Instant::now(), (self.clock)());
        if self.steady.is_put_back(now) {
            self.times_due = Some(begun);
        }
        if self.times_due.is_none_or(|due| due > begun) {
            return Ok(());
        }
        let mut conn = self.begin(Vec::new()).await?;
        self.times_due = Some(begun + TIMES_AGAIN);
        let taken = match conversations::take_back_future(&mut conn, now).await {
            Ok(taken) => taken,
            Err(error) => {
                tracing::warn!(%error, "times of last activity in the future could not be taken back");
                // A connection that cannot do this is found out by the batch's beginning.
                let _rolled_back = conn.run("ROLLBACK").await;
                self.conn = Some(conn);
                return Ok(());
            }
        };
        if let Err(error) = conn.run("COMMIT").await {
            tracing::warn!(%error, "it is not known whether times of last activity in the future were taken back");
            conn.discard().await;
            self.db.rename();
            return Ok(());
        }
        self.conn = Some(conn);
        self.mark.take().into_iter().for_each(|mark| self.db.history().passed(mark));
        self.times_due = None;
        if taken > 0 {
            tracing::warn!(
                conversations = taken,
                "the clock was ahead: times of last activity in the future are taken back"
            );
        }
        Ok(())
    }

    pub(super) async fn begin(&mut self, touched: Vec<Scope>) -> Result<Conn> {
        if let Some(mut conn) = self.conn.take() {
            match self.open(&mut conn, touched.clone()).await {
                Ok(true) => return Ok(conn),
                Ok(false) => return Err(self.follow(conn).await),
                // The database may have been away since the last batch: nothing was written, a new connection will tell.
                Err(error) => {
                    tracing::debug!(%error, "the writer's connection is not good any more");
                    conn.discard().await;
                }
            }
        }
        let mut conn = self.db.write().await?;
        match self.open(&mut conn, touched).await {
            Ok(true) => Ok(conn),
            Ok(false) => Err(self.follow(conn).await),
            Err(error) => {
                conn.discard().await;
                Err(error)
            }
        }
    }

    /// Begins the transaction; false if the database is not the history any more that this node knows. On PostgreSQL
    /// other nodes write too: the rows that the batch is known to change are locked first and in one order, so that two
    /// nodes never wait for each other.
    async fn open(&mut self, conn: &mut Conn, touched: Vec<Scope>) -> Result<bool> {
        let (now, history) = ((self.clock)(), self.db.history());
        if history.may_be_forgotten(now) {
            self.db.rename();
        }
        let node = self.db.node();
        match conn {
            Conn::Sqlite(_) => conn.run("BEGIN IMMEDIATE").await?,
            Conn::Postgres(postgres) => {
                let begin = beginning_with(touched);
                if let Some((pass, mark)) = history::passing(history, node, now) {
                    self.mark = Some(mark);
                    return Ok(history::run_text(postgres, format!("{begin}; {pass}")).await? == 1);
                }
                history::run_text(postgres, begin).await?;
            }
        }
        let passage = history::pass(conn, history, node, now).await?;
        self.mark = match passage {
            Passage::Known(mark) => Some(mark),
            Passage::Other => None,
        };
        Ok(self.mark.is_some())
    }

    /// Goes over to the database's new history, or begins one. Nothing of the batch is done: it was asked for by those
    /// who know the one before.
    async fn follow(&mut self, mut conn: Conn) -> Error {
        let followed = async {
            conn.run("ROLLBACK").await?;
            history::follow(&mut conn, self.db.history(), (self.clock)()).await
        };
        let is_another = match followed.await {
            Ok(is_another) => is_another,
            Err(error) => {
                conn.discard().await;
                return error;
            }
        };
        self.db.rename();
        // Its heads may be below what was given in the one before.
        self.heads = Heads::default();
        self.followed = Some(is_another);
        self.conn = Some(conn);
        Error::Unavailable(if is_another {
            "the database has come back as another history".to_owned()
        } else {
            "the database's history had not been begun yet".to_owned()
        })
    }
}
