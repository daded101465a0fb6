//! REST: who is here.

use chat::{
    Command, Millis, UserId,
    presence::{Presence, Seen},
};
use serde::Serialize;

use super::{
    frames::{Here, is_online},
    rest::{done, end, success},
    steps,
    words::Missing,
};
use crate::{Step, rest::Desk, steps::seen, time::Time};

/// Says to others that one is here, or that one is not: the page says so when it is opened and closed, and another of
/// its person's may be open. Whoever stays connected by one alone is invisible.
pub(super) fn set(chosen: Presence, desk: Desk) -> Step {
    let words = if chosen == Presence::Online { "user set online" } else { "user set offline" };
    steps::change(
        Command::SetPresenceHere(chosen),
        Missing::User,
        Box::new(move |set| end(&desk, 200, set, |()| done(words))),
    )
}

/// The asker: the chat service had an answer of its own, and the service of the users another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Presence,
    OnlineStatus,
}

/// Whether somebody is here.
pub(super) fn of(user: UserId, form: Form, desk: Desk) -> Step {
    seen(
        vec![user],
        Box::new(move |seen| {
            let none = || Missing::User.name(chat::Error::not_found("user"));
            let one = seen.and_then(|seen| seen.into_iter().find(|(id, _)| *id == user).ok_or_else(none));
            match (one, form) {
                (Err(error), _) => desk.end(Err(error)),
                (Ok((_, seen)), Form::OnlineStatus) => end(&desk, 200, Ok(()), |()| success(&Here::new(user, &seen))),
                (Ok((_, seen)), Form::Presence) => with_activity(user, seen, desk),
            }
        }),
    )
}

/// People who are here are active now; others were last active when they were last here.
fn with_activity(user: UserId, seen: Seen, desk: Desk) -> Step {
    #[derive(Serialize)]
    struct Active {
        #[serde(flatten)]
        here: Here,
        last_activity: Option<Time>,
    }
    let said = move |at: Option<Millis>| success(&Active { here: Here::new(user, &seen), last_activity: at.map(Time) });
    if is_online(&seen) {
        Step::Now(Box::new(move |now| end(&desk, 200, now, |now| said(Some(*now)))))
    } else {
        end(&desk, 200, Ok(()), |()| said(seen.last_seen_at))
    }
}
