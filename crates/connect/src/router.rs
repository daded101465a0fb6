//! Every route on one screen.

use std::sync::{Arc, OnceLock};

use axum::{
    Router,
    extract::{Request, State},
    http::header,
    middleware,
    response::Response,
    routing::{MethodRouter, any, get},
};
use bytes::Bytes;
use dialects::{Dialect, native};

use crate::{Door, Shared, below::below, handshake, headers, ops, pages, rest};

/// The common port: our own protocol, its documents, what the operator asks, the old doors whose paths are their own,
/// and the web client if it is served. All of it is also below the path of the public address.
pub fn native(door: Door, dreametrix: Door, matcha: Door, serves_client: bool) -> Router {
    let url = door.shared.site.public_url.clone();
    let first = if serves_client {
        pages::routes(door.shared.info.playground, url.path())
    } else {
        Router::new().route("/", get(ops::index(url.path())))
    };
    let path = url.path().to_owned();
    let mut router = first
        .route("/v1/ws", get(handshake::upgrade))
        .route(
            "/v1/openapi.json",
            generated(&door, |shared| native::openapi::document_below(shared.site.public_url.path(), shared.limits())),
        )
        .route(
            "/v1/asyncapi.json",
            generated(&door, |shared| {
                let url = &shared.site.public_url;
                native::asyncapi::document_at(url.origin(), url.path(), shared.limits())
            }),
        )
        .route("/health", get(ops::health))
        .route("/ready", get(ops::ready));
    for (path, media_type, text) in native::DOCS {
        router = router.route(path, get(move || async move { ops::document(media_type, text) }));
    }
    if door.shared.metrics_here {
        router = router.route("/metrics", get(ops::metrics));
    }
    let gateway = matcha.speaking(Dialect::MatchaGateway);
    let old = finish(dreametrix_routes(), dreametrix)
        .merge(finish(matcha_routes(), matcha))
        .merge(finish(gateway_routes(), gateway));
    below(&path, finish(router.fallback(rest::answer), door).merge(old))
}

/// A generated document, written when it is first asked for: it says where the server is, and its limits.
fn generated(door: &Door, write: fn(&Shared) -> String) -> MethodRouter<Door> {
    let (shared, written) = (door.shared.clone(), Arc::new(OnceLock::<Bytes>::new()));
    get(move || async move { ops::generated(written.get_or_init(|| write(&shared).into()).clone()) })
}

/// The paths of the school messenger's clients.
fn dreametrix_routes() -> Router<Door> {
    Router::new().route("/ws/chat/", socket()).route("/ws/chat", socket()).route("/chats/{*path}", any(rest::answer))
}

/// The paths of the dating application's chat service, and what its clients ask of the services beside it.
fn matcha_routes() -> Router<Door> {
    Router::new()
        .route("/api/v1/chat/ws", socket())
        .route("/api/v1/chat/{*path}", any(rest::answer))
        .route("/api/v1/users/{user}/online-status", any(rest::answer))
        .route("/api/v1/auth/refresh", any(rest::answer))
}

/// The gateway's socket. Veza's clients will share its path: they bring no credential in the handshake.
fn gateway_routes() -> Router<Door> {
    Router::new().route("/ws", socket())
}

/// A socket's path; another method than its own is refused in the words of the door.
fn socket() -> MethodRouter<Door> {
    get(handshake::upgrade).fallback(rest::answer)
}

/// The listener of the school messenger's clients.
pub fn dreametrix(door: Door) -> Router {
    finish(dreametrix_routes().fallback(rest::answer), door)
}

/// The listener of the dating application's clients.
pub fn matcha(door: Door) -> Router {
    let gateway = finish(gateway_routes(), door.speaking(Dialect::MatchaGateway));
    finish(matcha_routes().fallback(rest::answer), door).merge(gateway)
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
