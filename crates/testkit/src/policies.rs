//! Policies and grants in a town's conversations, set by an operator in its database, beside the running servers.

use std::time::Duration;

use chat::{ConversationId, FileId, UserId};
use store::{Db, Writer};
use tokio::{sync::mpsc, task::JoinHandle};

use crate::{Person, Room, Town};

pub use chat::{
    members::Role,
    policies::{Ability, Grant, Policy},
};

impl Town {
    /// Sets the role that an ability needs in a room; `None` restores the default.
    pub async fn sets(&self, room: &Room, ability: Ability, role: Option<Role>) {
        let room = ConversationId(room.id);
        let operator = self.operator().await;
        let scopes = [room.into()];
        let changed = operator.writer.change(&scopes, None, move |unit| {
            Box::pin(async move {
                let mut policy = store::policies::of(&mut unit.conn, room).await?;
                policy.set(ability, role);
                Ok(store::policies::set(&mut unit.conn, room, &policy).await?)
            })
        });
        changed.await.expect("another policy");
        operator.goes().await;
    }

    /// Grants somebody an ability in a room, or withdraws it, for so many milliseconds from now.
    pub async fn grants(&self, person: &Person, room: &Room, ability: Ability, given: bool, ms: Option<i64>) {
        let (room, user) = (ConversationId(room.id), UserId(person.id()));
        let grant = Grant { ability, given, ends_at: ms.map(|ms| app::parts::clock()().plus(ms)) };
        let operator = self.operator().await;
        let scopes = [room.into()];
        let changed = operator.writer.change(&scopes, None, move |unit| {
            Box::pin(async move { Ok(store::policies::grant(&mut unit.conn, room, user, grant).await?) })
        });
        changed.await.expect("another grant");
        operator.goes().await;
    }

    /// Makes it so that the day is over for which this file waits for a message.
    pub async fn has_waited_for(&self, file: FileId) {
        let operator = self.operator().await;
        let changed = operator.writer.change(&[], None, move |unit| {
            Box::pin(async move {
                let stored = store::files::by_id(&mut unit.conn, file).await?;
                let stored = stored.ok_or_else(|| chat::Error::not_found("file"))?;
                let (kind, now) = (store::jobs::Kind::File, unit.now);
                Ok(store::jobs::add(&mut unit.conn, kind, stored.number, now).await?)
            })
        });
        changed.await.expect("a job that is due");
        operator.goes().await;
    }

    /// Makes it so that the day is over in which this upload could have become whole.
    pub async fn has_waited_for_upload(&self, upload: FileId) {
        let operator = self.operator().await;
        let changed = operator.writer.change(&[], None, move |unit| {
            Box::pin(async move {
                let stored = store::uploads::by_id(&mut unit.conn, upload).await?;
                let stored = stored.ok_or_else(|| chat::Error::not_found("upload"))?;
                Ok(store::jobs::add(&mut unit.conn, store::jobs::Kind::Upload, stored.number, unit.now).await?)
            })
        });
        changed.await.expect("a job that is due");
        operator.goes().await;
    }

    /// The town's database, with the writer of an operator's command.
    async fn operator(&self) -> Operator {
        let url = self.config.database_url().reveal().to_owned();
        let options = store::Options { url, readers: 1, connect_timeout: Duration::from_secs(10) };
        let db = Db::open(&options).await.expect("the town's database");
        let (outlet, mut batches) = mpsc::channel::<(store::Committed, Vec<Box<dyn FnOnce() + Send>>)>(1);
        tokio::spawn(async move {
            while let Some((_, answers)) = batches.recv().await {
                answers.into_iter().for_each(|answer| answer());
            }
        });
        let (writer, task) = Writer::start(db.clone(), app::parts::clock(), outlet);
        Operator { db, writer, task }
    }
}

/// The connection of an operator's command.
struct Operator {
    db: Db,
    writer: Writer,
    task: JoinHandle<()>,
}

impl Operator {
    /// Closes everything.
    async fn goes(self) {
        drop(self.writer);
        self.task.await.expect("the writer has ended");
        self.db.close().await;
    }
}
