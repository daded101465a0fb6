//! Quotas of people: what somebody does counts against themself, also where it is done to others.
//!
//! A group that others made with somebody, a room into which they were brought, a direct conversation that somebody
//! else opened with them: none of these takes anything from the person to whom it is done.

use chat::{Error, Millis, Result, UserId};
use store::{Conn, Unit};

use crate::Call;

/// Milliseconds in which [`chat::Limits::invitations_per_hour`] may be brought in.
const HOUR: i64 = 3_600_000;
const TOO_FAST: &str = "people into conversations in an hour; try again later";

impl Call {
    /// Refuses if the speaker is in as many conversations by their own doing as one may be.
    pub(crate) async fn require_own_room(&self, conn: &mut Conn) -> Result<()> {
        let most = self.settings.limits.conversations_per_user;
        if store::members::count_own(conn, self.speaker.user).await? >= most {
            return Err(Error::limit_reached(format!(
                "You may open or join at most {most} conversations; leave one first."
            )));
        }
        Ok(())
    }

    /// Refuses if the speaker may not bring these others into one more conversation.
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
        // Last, because it counts them: whoever is put out and brought in again has one row for all these times.
        if !self.rates.may_invite(me, others.len()) {
            return refusal(limits.invitations_per_hour, TOO_FAST);
        }
        Ok(())
    }
}
