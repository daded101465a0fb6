//! Every route on one screen, except those of the old systems' clients, which each dialect names itself.

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

use crate::{Endpoint, Shared, below::below, handshake, headers, ops, pages, rest};

/// The common port: the native protocol, its documents, the operator's routes, the old endpoints whose paths do not
/// collide, and the web client if it is served. All of it is also available below the path of the public address.
pub fn native(endpoint: Endpoint, others: &[Endpoint], serves_client: bool) -> Router {
    let url = endpoint.shared.site.public_url.clone();
    let first = if serves_client {
        let info = &endpoint.shared.info;
        pages::routes(info.playground, url.path(), &info.name)
    } else {
        Router::new().route("/", get(ops::index(url.path())))
    };
    let path = url.path().to_owned();
    let mut router = first
        .merge(paths(endpoint.dialect))
        .route(
            "/v1/openapi.json",
            generated(&endpoint, |shared| {
                native::openapi::document_below(shared.site.public_url.path(), shared.limits())
            }),
        )
        .route(
            "/v1/asyncapi.json",
            generated(&endpoint, |shared| {
                let url = &shared.site.public_url;
                native::asyncapi::document_at(url.origin(), url.path(), shared.limits())
            }),
        )
        .route("/health", get(ops::health))
        .route("/ready", get(ops::ready));
    for (path, media_type, text) in native::DOCS {
        router = router.route(path, get(move || async move { ops::document(media_type, text) }));
    }
    if endpoint.shared.metrics_here {
        router = router.route("/metrics", get(ops::metrics));
    }
    let others = others.iter().fold(Router::new(), |all, other| all.merge(finish(paths(other.dialect), other.clone())));
    below(&path, finish(router.fallback(rest::answer), endpoint).merge(others))
}

/// A generated document, written when it is first asked for: it contains the server's address and limits.
fn generated(endpoint: &Endpoint, write: fn(&Shared) -> String) -> MethodRouter<Endpoint> {
    let (shared, written) = (endpoint.shared.clone(), Arc::new(OnceLock::<Bytes>::new()));
    get(move || async move { ops::generated(written.get_or_init(|| write(&shared).into()).clone()) })
}

/// The paths of a dialect.
fn paths(dialect: Dialect) -> Router<Endpoint> {
    let sockets = dialect.paths.sockets.iter().fold(Router::new(), |router, path| router.route(path, socket()));
    dialect.paths.requests.iter().fold(sockets, |router, path| router.route(path, any(rest::answer)))
}

/// The route of a socket; other methods than GET are refused in the endpoint's dialect.
fn socket() -> MethodRouter<Endpoint> {
    get(handshake::upgrade).fallback(rest::answer)
}

/// The router of a dialect's own listener, with the paths of the dialects that are served beside it. A dialect without
/// socket paths accepts sockets at any path.
pub fn own(endpoint: Endpoint, beside: &[Endpoint]) -> Router {
    let router = paths(endpoint.dialect);
    let router = if endpoint.dialect.paths.sockets.is_empty() {
        router.fallback(socket_or_rest)
    } else {
        router.fallback(rest::answer)
    };
    beside.iter().fold(finish(router, endpoint), |all, other| all.merge(finish(paths(other.dialect), other.clone())))
}

/// The router of a listener for metrics alone.
pub fn operator(endpoint: Endpoint) -> Router {
    let router = Router::new()
        .route("/metrics", get(ops::metrics))
        .route("/health", get(ops::health))
        .route("/ready", get(ops::ready))
        .fallback(|| async { ops::nothing_here() });
    finish(router, endpoint)
}

fn finish(router: Router<Endpoint>, endpoint: Endpoint) -> Router {
    router.layer(middleware::from_fn_with_state(endpoint.clone(), headers::dress)).with_state(endpoint)
}

async fn socket_or_rest(
    State(endpoint): State<Endpoint>,
    connect_info: axum::extract::ConnectInfo<std::net::SocketAddr>,
    request: Request,
) -> Response {
    let upgrades = request.headers().contains_key(header::UPGRADE);
    if upgrades {
        handshake::upgrade(State(endpoint), connect_info, request).await
    } else {
        // Boxed, so that a crowd of handshakes needs no room for the largest request.
        Box::pin(rest::answer(State(endpoint), connect_info, request)).await
    }
}
