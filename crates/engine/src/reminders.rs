//! Reminders: somebody wants to be told of a message again. Made by its person, due by a job, and there until they
//! dismiss it. A reminder says where the message is and never what it says: whoever has left meanwhile is reminded, and
//! does not get to the text.

use chat::{
    ConversationId, Error, Limits, Millis, Number, ReminderId, Reply, Result,
    reminders::{LATEST, SOONEST},
};
use store::{
    Conn,
    jobs::{self, Job, Kind},
    reminders,
};

use crate::{Call, Engine};

impl Call {
    pub(crate) async fn create_reminder(&self, conversation: ConversationId, seq: Number, at: Millis) -> Result<Reply> {
        check_moment(at, self.engine.now())?;
        let call = self.clone();
        let work = self.writer.change(&[], self.origin, move |unit| {
            Box::pin(async move {
                call.access_in(&mut unit.conn, conversation).await?;
                Self::live_message(&mut unit.conn, conversation, seq).await?;
                let (user, now) = (call.speaker.user, unit.now);
                let before = reminders::of_message(&mut unit.conn, user, conversation, seq).await?;
                match before {
                    Some(before) if before.at == at && before.due_at.is_none() => return Ok(Reply::Reminder(before)),
                    Some(_) => {}
                    None => call.check_room_for_a_reminder(&mut unit.conn).await?,
                }
                let reminder = reminders::put(&mut unit.conn, user, conversation, seq, at, now).await?;
                jobs::add(&mut unit.conn, Kind::Reminder, reminder.id.0, at).await?;
                Ok(Reply::Reminder(reminder))
            })
        });
        work.await
    }

    async fn check_room_for_a_reminder(&self, conn: &mut Conn) -> Result<()> {
        let Limits { reminders: most, .. } = self.settings.limits;
        if reminders::count(conn, self.speaker.user).await? < most {
            return Ok(());
        }
        Err(Error::limit_reached(format!("You may have at most {most} reminders; dismiss some that are due.")))
    }

    pub(crate) async fn cancel_reminder(&self, reminder: ReminderId) -> Result<Reply> {
        let user = self.speaker.user;
        let work = self.writer.change(&[], self.origin, move |unit| {
            Box::pin(async move {
                if reminders::remove(&mut unit.conn, user, reminder).await? {
                    jobs::remove(&mut unit.conn, Kind::Reminder, reminder.0).await?;
                }
                Ok(Reply::Done)
            })
        });
        work.await
    }

    pub(crate) async fn reminders(&self, due: Option<bool>) -> Result<Reply> {
        let mut all = reminders::of_user(&mut *self.db.read().await?, self.speaker.user).await?;
        all.retain(|reminder| due.is_none_or(|due| due == reminder.due_at.is_some()));
        Ok(Reply::Reminders(all))
    }
}

fn check_moment(at: Millis, now: Millis) -> Result<()> {
    let ahead = at.since(now);
    if ahead < SOONEST {
        return Err(Error::invalid("at", "at must be at least a second ahead."));
    }
    if ahead > LATEST {
        return Err(Error::invalid("at", "at must be within five years."));
    }
    Ok(())
}

/// Has a reminder become due, and ends its job.
pub(crate) async fn become_due(engine: &Engine, job: Job) -> Result<()> {
    let work = engine.inner.writer.change(&[], None, move |unit| {
        Box::pin(async move {
            if jobs::finish(&mut unit.conn, &job).await? {
                let now = unit.now;
                reminders::become_due(&mut unit.conn, ReminderId(job.subject), now).await?;
            }
            Ok(())
        })
    });
    work.await
}
