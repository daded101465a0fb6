//! REST: how the service is doing.

use serde::Serialize;

use super::rest::{answer, end, success};
use crate::{Figures, Turn, output::write, rest::Desk, time::Time};

/// Exactly what the old service said, whose monitors compare it: without the envelope.
pub(super) fn health(desk: &Desk) -> Turn {
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

impl From<&Figures> for Flat {
    fn from(figures: &Figures) -> Self {
        Self {
            websocket: Sockets { active_connections: figures.connections, connected_users: figures.people_here },
            service: Service {
                total_messages_sent: figures.messages,
                uptime_seconds: figures.uptime_seconds,
                last_activity: figures.active_at.map(Time),
            },
        }
    }
}

impl From<&Figures> for Groups {
    fn from(figures: &Figures) -> Self {
        let Flat { websocket, service } = Flat::from(figures);
        // Who is answered is answered by a server that is well.
        Self { websocket, service, health: Health { status: "ok" } }
    }
}

/// All figures side by side.
pub(super) fn flat(desk: Desk) -> Turn {
    told(desk, |figures| success(&Flat::from(figures)))
}

/// The figures by what they are about.
pub(super) fn in_groups(desk: Desk) -> Turn {
    told(desk, |figures| success(&Groups::from(figures)))
}

fn told(desk: Desk, body: fn(&Figures) -> String) -> Turn {
    Turn::Figures(Box::new(move |figures| end(&desk, 200, figures, body)))
}
