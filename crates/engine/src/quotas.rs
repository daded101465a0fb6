//! Quotas: an action counts against the person who does it, even if it concerns others.
//!
//! Groups that others opened with a person, rooms that they were added to, direct conversations that somebody else
//! opened with them: none of these uses up anything of that person's own quotas.

use chat::{Error, Millis, Result, UserId};
use store::{Conn, Unit};

use crate::Call;

/// The period of [`chat::Limits::invitations_per_hour`], in milliseconds.
const HOUR: i64 = 3_600_000;
const TOO_FAST: &str = "people into conversations in an hour; try again later";

impl Call {
    /// Refuses if the speaker has reached the limit of conversations that they opened or joined themselves.
    pub(crate) async fn require_own_room(&self, conn: &mut Conn) -> Result<()> {
        let most = self.settings.limits.conversations_per_user;
        if store::members::count_own(conn, self.speaker.user).await? >= most {
            return Err(Error::limit_reached(format!(
                "You may open or join at most {most} conversations; leave one first."
            )));
        }
        Ok(())
    }

    /// Refuses if the speaker may not add these others to one more conversation.
    pub(crate) async fn require_may_bring(&self, unit: &mut Unit, others: &[UserId]) -> Result<()> {
        if others.is_empty() {
            return Ok(());
        }
        let (me, limits) = (self.speaker.user, &self.settings.limits);
        let (now, asked) = (unit.now, i64::try_from(others.len()).unwrap_or(i64::MAX));
        let since = Millis(now.0.saturating_sub(HOUR));
        let (lasting, recent) = store::members::count_invited(&mut unit.conn, me, since, now).await?;
        let refusal = |most: i64, what: &str| Err(Error::limit_reached(format!("You may bring {most} {what}.")));
        if lasting.saturating_add(asked) > limits.invited_per_user {
            return refusal(limits.invited_per_user, "people into conversations at most");
        }
        if recent.saturating_add(asked) > limits.invitations_per_hour {
            return refusal(limits.invitations_per_hour, TOO_FAST);
        }
        if store::members::most_invited(&mut unit.conn, me, others).await? >= limits.invited_per_pair {
            return refusal(limits.invited_per_pair, "times the same person into a conversation at most");
        }
        // Checked last, because it counts them: somebody who is removed and added again has one row for all of these
        // times.
        if !self.rates.may_invite(me, others.len()) {
            return refusal(limits.invitations_per_hour, TOO_FAST);
        }
        Ok(())
    }
}
