//! How a device is told: by a job of the device, which sends what waits for it. A device that is told twice shows the
//! same once, so it does no harm if a node dies in between.

use std::time::{Duration, Instant};

use chat::{Millis, PushDeviceId, Result, Scope, push_devices::PushState};
use push::{PushMessage, PushOutcome, Subscription, Urgency};
use serde_json::json;
use store::{
    Unit,
    jobs::{self, Job},
    push_devices::{self, Delivery, PushTarget},
};

use super::{Pushing, pushing};
use crate::{Engine, jobs::now, tokens::Ticket};

/// Conversations of which a device is told in one go.
const AT_ONCE: i64 = 10;
/// How long a push service may take for one push.
const PATIENCE: Duration = Duration::from_secs(10);
/// After this time no further push is begun: with the last one, that is within the time that a job may take.
const ENOUGH: Duration = Duration::from_secs(6);
/// A day, in milliseconds: so long a push service may keep a push, and a ticket is good.
const DAY: i64 = 86_400_000;

/// The outcome of a job's deliveries.
#[derive(Debug, Default)]
struct Told {
    settled: Vec<(Delivery, PushState, Option<String>)>,
    /// The subscription is over, or its session is.
    is_over: bool,
    /// Nobody is told of anything: it was switched off.
    is_off: bool,
    /// The rest must be tried later, for this reason and perhaps after this pause.
    later: Option<(String, Option<Duration>)>,
}

/// Tells a device what waits for it, or removes it; ends the job.
pub(crate) async fn tell(engine: &Engine, job: Job) -> Result<()> {
    let device = PushDeviceId(job.subject);
    let told = told(engine, pushing(engine).as_ref(), device).await?;
    for (_, state, _) in &told.settled {
        metrics::counter!("palabre_pushes_total", "state" => state.name()).increment(1);
    }
    // Whose account may be numbered must be known before the transaction begins.
    let owner = store::push_devices::by_id(&mut *engine.inner.db.read().await?, device).await?.map(|it| it.user);
    let scopes: Vec<Scope> = owner.filter(|_| told.is_over).into_iter().map(Scope::from).collect();
    let work = engine.inner.writer.change(&scopes, None, move |unit| {
        Box::pin(async move {
            let at = now(unit).await?;
            if let Some((why, pause)) = &told.later {
                settle(unit, &told, at).await?;
                return put_off(unit, &job, why, *pause, at).await;
            }
            if !jobs::finish(&mut unit.conn, &job).await? {
                return Ok(());
            }
            if let Some(user) = owner.filter(|_| told.is_over) {
                metrics::counter!("palabre_push_devices_removed_total").increment(1);
                return super::remove(unit, user, device).await;
            }
            settle(unit, &told, at).await?;
            if told.is_off {
                // It would wait for ever, and have this job done again and again.
                push_devices::give_up(&mut unit.conn, device, at, "push.enabled is false").await?;
                return Ok(());
            }
            // Whatever came while the device was told found this job, and added none.
            if push_devices::has_waiting(&mut unit.conn, device).await? {
                jobs::add_once(&mut unit.conn, jobs::Kind::PushDevice, device.0, at).await?;
            }
            Ok(())
        })
    });
    work.await
}

async fn settle(unit: &mut Unit, told: &Told, at: Millis) -> Result<()> {
    for (delivery, state, error) in &told.settled {
        push_devices::settle(&mut unit.conn, delivery, (*state, at), error.as_deref()).await?;
    }
    Ok(())
}

/// Has the job tried again, or gives up what waits if it was tried too often: a push that comes hours late is none.
async fn put_off(unit: &mut Unit, job: &Job, why: &str, pause: Option<Duration>, at: Millis) -> Result<()> {
    let device = PushDeviceId(job.subject);
    let asked_for = pause.and_then(|pause| i64::try_from(pause.as_millis()).ok());
    match job.pause() {
        Some(ours) => {
            push_devices::note_error(&mut unit.conn, device, why).await?;
            let until = at.plus(asked_for.unwrap_or(ours).max(ours));
            jobs::put_off(&mut unit.conn, job, until, why).await?;
        }
        None if jobs::finish(&mut unit.conn, job).await? => {
            let lost = push_devices::give_up(&mut unit.conn, device, at, why).await?;
            metrics::counter!("palabre_pushes_total", "state" => PushState::GivenUp.name()).increment(lost);
        }
        None => {}
    }
    Ok(())
}

async fn told(engine: &Engine, pushing: Option<&Pushing>, device: PushDeviceId) -> Result<Told> {
    let mut told = Told::default();
    let mut conn = engine.inner.db.read().await?;
    let target = push_devices::target(&mut conn, device, engine.now()).await?;
    let Some(target) = target else { return Ok(told) };
    let Some(session) = push_devices::by_id(&mut conn, device).await?.map(|device| device.session) else {
        return Ok(told);
    };
    if target.goes_on == 0 {
        told.is_over = true;
        return Ok(told);
    }
    let Some(pushing) = pushing else {
        told.is_off = true;
        return Ok(told);
    };
    let waiting = push_devices::waiting(&mut conn, device, AT_ONCE).await?;
    drop(conn);
    let Ok(subscription) = subscription(&target) else {
        // The subscription was checked when it was stored.
        told.is_over = true;
        return Ok(told);
    };
    let begun = Instant::now();
    for waiting in waiting.into_iter().take_while(|_| begun.elapsed() < ENOUGH) {
        let delivery = waiting.delivery;
        if waiting.is_read || !waiting.is_there {
            let state = if waiting.is_read { PushState::Read } else { PushState::GivenUp };
            told.settled.push((delivery, state, (!waiting.is_there).then(|| "not_found".to_owned())));
            continue;
        }
        let ticket = Ticket::of(&delivery, session, Millis(engine.now().0 + DAY));
        let message = message(&delivery, &engine.inner.settings.keys.sign_ticket(&ticket, engine.now())?);
        let sent = pushing.push.send(&subscription, &message, engine.now().0 / 1_000);
        let outcome = tokio::time::timeout(PATIENCE, sent).await;
        match outcome.unwrap_or_else(|_| PushOutcome::Later("timeout".into(), None)) {
            PushOutcome::Taken => told.settled.push((delivery, PushState::Sent, None)),
            PushOutcome::Refused(why) => told.settled.push((delivery, PushState::GivenUp, Some(why))),
            PushOutcome::Over => {
                told.is_over = true;
                return Ok(told);
            }
            PushOutcome::Later(why, pause) => {
                told.later = Some((why, pause));
                return Ok(told);
            }
        }
    }
    Ok(told)
}

fn subscription(target: &PushTarget) -> std::result::Result<Subscription, push::Unacceptable> {
    Subscription::read(&target.endpoint, &target.p256dh, &target.auth)
}

/// The push for a device: which message, and the ticket with which it reads it. No text and no name.
fn message(delivery: &Delivery, ticket: &str) -> PushMessage {
    let Delivery { conversation, seq, kind, reminder, .. } = delivery;
    let payload = json!({
        "conversation": conversation.0,
        "seq": seq.0,
        "kind": kind.name(),
        "ticket": ticket,
    });
    let topic = if *reminder == 0 { format!("c{conversation}") } else { format!("r{reminder}") };
    let urgency = if kind.is_urgent() { Urgency::High } else { Urgency::Normal };
    PushMessage { payload: payload.to_string().into_bytes(), topic, urgency }
}
