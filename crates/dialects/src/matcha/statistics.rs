//! REST: how the service is doing.

use serde::Serialize;

use super::rest::{answer, end, success};
use crate::{Statistics, Step, output::write, rest::Desk, time::Time};

/// Exactly what the old service said, whose monitors compare it: without the envelope.
pub(super) fn health(desk: &Desk) -> Step {
    #[derive(Serialize)]
    struct Health {
        status: &'static str,
        service: &'static str,
        version: &'static str,
    }
    let health = Health { status: "ok", service: "chat-service", version: "1.0.0" };
    desk.end(Ok(answer(200, write(&health))))
}

#[derive(Serialize)]
struct Flat {
    #[serde(flatten)]
    websocket: Sockets,
    #[serde(flatten)]
    service: Service,
}

#[derive(Serialize)]
struct Groups {
    websocket: Sockets,
    service: Service,
    health: Health,
}

#[derive(Serialize)]
struct Sockets {
    active_connections: i64,
    connected_users: i64,
}

#[derive(Serialize)]
struct Service {
    total_messages_sent: i64,
    uptime_seconds: i64,
    last_activity: Option<Time>,
}

#[derive(Serialize)]
struct Health {
    status: &'static str,
}

impl From<&Statistics> for Flat {
    fn from(statistics: &Statistics) -> Self {
        Self {
            websocket: Sockets { active_connections: statistics.connections, connected_users: statistics.people_here },
            service: Service {
                total_messages_sent: statistics.messages,
                uptime_seconds: statistics.uptime_seconds,
                last_activity: statistics.active_at.map(Time),
            },
        }
    }
}

impl From<&Statistics> for Groups {
    fn from(statistics: &Statistics) -> Self {
        let Flat { websocket, service } = Flat::from(statistics);
        // A server that answers is well.
        Self { websocket, service, health: Health { status: "ok" } }
    }
}

/// All statistics side by side.
pub(super) fn flat(desk: Desk) -> Step {
    told(desk, |statistics| success(&Flat::from(statistics)))
}

/// The statistics by what they are about.
pub(super) fn in_groups(desk: Desk) -> Step {
    told(desk, |statistics| success(&Groups::from(statistics)))
}

fn told(desk: Desk, body: fn(&Statistics) -> String) -> Step {
    Step::Statistics(Box::new(move |statistics| end(&desk, 200, statistics, body)))
}
