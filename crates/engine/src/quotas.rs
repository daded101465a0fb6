//! Quotas: an action counts against the person who does it, even if it concerns others.
//!
//! Groups that others opened with a person, rooms that they were added to, direct conversations that somebody else
//! opened with them: none of these uses up anything of that person's own quotas.

use chat::{Command, ConversationId, Error, Millis, Result, UserId, policies::Ability};
use store::{Conn, Unit};

use crate::{Call, conversations::require_active};

/// The period of [`chat::Limits::invitations_per_hour`], in milliseconds.
const HOUR: i64 = 3_600_000;
const TOO_FAST: &str = "people into conversations in an hour; try again later";

/// A command that would bring in people who have no account yet.
pub(crate) struct Bringing {
    /// How many have none.
    people: usize,
    /// The others whom it brings in.
    known: Vec<UserId>,
    /// To where, if it does not open a conversation of its own.
    to: Option<ConversationId>,
}

impl Bringing {
    /// The people whom this command would bring, if it can be done as far as this can be told without the database.
    pub(crate) fn of(call: &Call, command: &Command, people: usize, known: Vec<UserId>) -> Result<Self> {
        let to = match command {
            Command::CreateGroup { name, members, .. } => {
                call.group_of(name.clone(), members.clone())?;
                None
            }
            Command::AddMember { conversation, .. } => Some(*conversation),
            _ => None,
        };
        Ok(Self { people, known, to })
    }
}

impl Call {
    /// Refuses what would be refused once those whom it brings in had accounts.
    pub(crate) async fn require_could_bring(&self, unit: &mut Unit, bringing: &Bringing) -> Result<()> {
        require_active(&mut unit.conn, "members", &bringing.known).await?;
        if let Some(conversation) = bringing.to {
            let access = self.access_in(&mut unit.conn, conversation).await?;
            access.may(Ability::Invite)?;
            self.require_place(&access.conversation)?;
        } else {
            self.require_own_room(&mut unit.conn).await?;
        }
        self.require_quota_of_bringing(unit, bringing.people.saturating_add(bringing.known.len())).await
    }

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
        self.require_quota_of_bringing(unit, others.len()).await?;
        let (me, limits) = (self.speaker.user, &self.settings.limits);
        if store::members::most_invited(&mut unit.conn, me, others).await? >= limits.invited_per_pair {
            return too_many(limits.invited_per_pair, "times the same person into a conversation at most");
        }
        // Checked last, because it counts them: somebody who is removed and added again has one row for all of these
        // times.
        if !self.rates.may_invite(me, others.len()) {
            return too_many(limits.invitations_per_hour, TOO_FAST);
        }
        Ok(())
    }

    /// Refuses if the speaker has brought in too many to bring in so many more, whoever they are.
    async fn require_quota_of_bringing(&self, unit: &mut Unit, people: usize) -> Result<()> {
        let (me, limits) = (self.speaker.user, &self.settings.limits);
        let (now, asked) = (unit.now, i64::try_from(people).unwrap_or(i64::MAX));
        let since = Millis(now.0.saturating_sub(HOUR));
        let (lasting, recent) = store::members::count_invited(&mut unit.conn, me, since, now).await?;
        if lasting.saturating_add(asked) > limits.invited_per_user {
            return too_many(limits.invited_per_user, "people into conversations at most");
        }
        if recent.saturating_add(asked) > limits.invitations_per_hour {
            return too_many(limits.invitations_per_hour, TOO_FAST);
        }
        Ok(())
    }
}

fn too_many(most: i64, what: &str) -> Result<()> {
    Err(Error::limit_reached(format!("You may bring {most} {what}.")))
}
