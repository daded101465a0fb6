//! The operator's routes: whether the server is alive, whether it is ready, and its metrics.

use std::{net::SocketAddr, sync::atomic::Ordering, time::Duration};

use axum::{
    Json,
    extract::{ConnectInfo, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;

use crate::{Endpoint, forwarded::client_address};

/// A database that does not answer within this time is not ready.
const PATIENCE: Duration = Duration::from_secs(2);

/// The header with which `/health` tells callers the address under which they are counted. It shows an operator whether
/// a proxy's header arrives and is believed; a caller learns nothing but its own address.
const CALLER: header::HeaderName = header::HeaderName::from_static("x-palabre-caller");

/// `GET /health`: answers as long as the process does.
pub(crate) async fn health(
    State(endpoint): State<Endpoint>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
) -> Response {
    let caller = client_address(&endpoint.shared, peer, &headers).to_string();
    ([(header::CONTENT_TYPE, "application/json"), (CALLER, &caller)], r#"{"status":"ok"}"#).into_response()
}

/// `GET /ready`: whether the server can work: the database answers and accepts writes, and the server is not stopping.
pub(crate) async fn ready(State(endpoint): State<Endpoint>) -> Response {
    if endpoint.shared.draining.load(Ordering::Relaxed) {
        return not_ready("the server is stopping");
    }
    let engine = &endpoint.shared.engine;
    if let Ok(Ok(Some(why))) = tokio::time::timeout(PATIENCE, engine.read_only()).await {
        return not_ready(why);
    }
    match tokio::time::timeout(PATIENCE, engine.check_database()).await {
        Ok(Ok(_)) => ([(header::CONTENT_TYPE, "application/json")], r#"{"status":"ready"}"#).into_response(),
        Ok(Err(error)) => not_ready(&error.detail),
        Err(_late) => not_ready("the database does not answer"),
    }
}

fn not_ready(why: &str) -> Response {
    let body = format!(r#"{{"status":"not ready","reason":"{why}"}}"#);
    (StatusCode::SERVICE_UNAVAILABLE, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

/// `GET /metrics`: metrics for Prometheus.
pub(crate) async fn metrics(State(endpoint): State<Endpoint>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], (endpoint.shared.metrics)()).into_response()
}

/// The page at `/` where the web client is not served, with a link to the documents. `below` is the path of the public
/// address.
pub(crate) fn index(below: &str) -> impl Fn() -> std::future::Ready<Response> + Clone + use<> {
    let page = Bytes::from(format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Palabre</title>\
         <h1>Palabre</h1><p>The server is running. <a href=\"{below}/docs\">API reference</a></p></html>"
    ));
    move || std::future::ready(([(header::CONTENT_TYPE, "text/html; charset=utf-8")], page.clone()).into_response())
}

/// One of the three files of the API reference.
pub(crate) fn document(media_type: &'static str, text: &'static str) -> Response {
    ([(header::CONTENT_TYPE, media_type)], text).into_response()
}

/// A generated JSON document.
pub(crate) fn generated(text: Bytes) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], text).into_response()
}

/// An empty JSON answer for unknown paths.
pub(crate) fn nothing_here() -> Response {
    (StatusCode::NOT_FOUND, Json(())).into_response()
}
