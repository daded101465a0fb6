//! Every route on one screen.

use std::sync::LazyLock;

use axum::{
    Router,
    extract::{Request, State},
    http::header,
    middleware,
    response::Response,
    routing::get,
};
use dialects::native;

use crate::{Door, handshake, headers, ops, rest};

/// The generated documents, written when they are first asked for.
static OPENAPI: LazyLock<String> = LazyLock::new(native::openapi::document);
static ASYNCAPI: LazyLock<String> = LazyLock::new(native::asyncapi::document);

/// The common port: our own protocol, its documents, and what the operator asks.
pub fn native(door: Door) -> Router {
    let mut router = Router::new()
        .route("/", get(ops::index))
        .route("/v1/ws", get(handshake::upgrade))
        .route("/v1/openapi.json", get(|| async { ops::generated(&OPENAPI) }))
        .route("/v1/asyncapi.json", get(|| async { ops::generated(&ASYNCAPI) }))
        .route("/health", get(ops::health))
        .route("/ready", get(ops::ready));
    for (path, media_type, text) in native::DOCS {
        router = router.route(path, get(move || async move { ops::document(media_type, text) }));
    }
    if door.shared.metrics_here {
        router = router.route("/metrics", get(ops::metrics));
    }
    finish(router.fallback(rest::answer), door)
}

/// The listener of chat-server's clients: a socket at any path, and the REST calls they make besides.
pub fn chat_server(door: Door) -> Router {
    finish(Router::new().fallback(socket_or_rest), door)
}

/// A listener for figures alone.
pub fn operator(door: Door) -> Router {
    let router = Router::new()
        .route("/metrics", get(ops::metrics))
        .route("/health", get(ops::health))
        .route("/ready", get(ops::ready))
        .fallback(|| async { ops::nothing_here() });
    finish(router, door)
}

fn finish(router: Router<Door>, door: Door) -> Router {
    router.layer(middleware::from_fn_with_state(door.clone(), headers::dress)).with_state(door)
}

async fn socket_or_rest(
    State(door): State<Door>,
    connect_info: axum::extract::ConnectInfo<std::net::SocketAddr>,
    request: Request,
) -> Response {
    let upgrades = request.headers().contains_key(header::UPGRADE);
    if upgrades {
        handshake::upgrade(State(door), connect_info, request).await
    } else {
        rest::answer(State(door), connect_info, request).await
    }
}
