//! Reminders: created by their owner, made due by a job, and kept until dismissed. A reminder names a message and does
//! not hold its text: somebody who has left the conversation meanwhile is still reminded, but cannot read the message.

use chat::{
    AccountFact, ConversationId, Error, Limits, Millis, Number, ReminderId, Reply, Result, Scope,
    reminders::{LATEST, Reminder, SOONEST},
};
use store::{
    Conn,
    jobs::{self, Job, Kind},
    reminders,
};

use crate::{Call, Engine, push_devices};

impl Call {
    pub(crate) async fn create_reminder(&self, conversation: ConversationId, seq: Number, at: Millis) -> Result<Reply> {
        check_moment(at, self.engine.now())?;
        let call = self.clone();
        self.change(&[self.speaker.user.into()], move |unit| {
            Box::pin(async move {
                let access = call.access_in(&mut unit.conn, conversation).await?;
                access.live_message(&mut unit.conn, seq).await?;
                let (user, now) = (call.speaker.user, unit.now);
                let before = reminders::of_message(&mut unit.conn, user, conversation, seq).await?;
                match before {
                    Some(before) if before.at == at && before.due_at.is_none() => return Ok(Reply::Reminder(before)),
                    Some(_) => {}
                    None => call.check_room_for_a_reminder(&mut unit.conn).await?,
                }
                let rev = unit.next_number_of(user).await?;
                let reminder = reminders::put(&mut unit.conn, user, conversation, seq, at, (now, rev)).await?;
                jobs::add(&mut unit.conn, Kind::Reminder, reminder.id.0, at).await?;
                unit.record_of(user, rev, AccountFact::ReminderChanged(reminder)).await?;
                Ok(Reply::Reminder(reminder))
            })
        })
        .await
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
        self.change(&[user.into()], move |unit| {
            Box::pin(async move {
                if reminders::remove(&mut unit.conn, user, reminder).await? {
                    jobs::remove(&mut unit.conn, Kind::Reminder, reminder.0).await?;
                    let number = unit.next_number_of(user).await?;
                    unit.record_of(user, number, AccountFact::ReminderRemoved(reminder)).await?;
                }
                Ok(Reply::Done)
            })
        })
        .await
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

/// Makes a reminder due, and ends its job.
pub(crate) async fn become_due(engine: &Engine, job: Job) -> Result<()> {
    let id = ReminderId(job.subject);
    // The owner, whose account will be numbered, must be known before the transaction begins. It never changes.
    let reminder = reminders::by_id(&mut *engine.inner.db.read().await?, id).await?;
    let scopes: Vec<Scope> = reminder.iter().map(|reminder| reminder.user.into()).collect();
    let tells = engine.inner.settings.push.is_some();
    let work = engine.inner.writer.change(&scopes, None, move |unit| {
        Box::pin(async move {
            if !jobs::finish(&mut unit.conn, &job).await? {
                return Ok(());
            }
            let Some(Reminder { user, .. }) = reminder else { return Ok(()) };
            // The reminder may have been removed meanwhile.
            if reminders::by_id(&mut unit.conn, id).await?.is_none() {
                return Ok(());
            }
            let (now, rev) = (unit.now, unit.next_number_of(user).await?);
            if let Some(reminder) = reminders::become_due(&mut unit.conn, id, (now, rev)).await? {
                unit.record_of(user, rev, AccountFact::ReminderChanged(reminder)).await?;
                if tells {
                    push_devices::remind(unit, &reminder).await?;
                }
            }
            Ok(())
        })
    });
    work.await
}
