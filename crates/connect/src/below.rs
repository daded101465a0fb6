//! A server below a path of its site: `https://example.org/chat`.
//!
//! A proxy may pass a request on unchanged (`/chat/v1/ws`) or strip the path first (`/v1/ws`); both are understood.
//! That works only if none of the server's own paths begins with this path; otherwise the two cannot be told apart.

use std::sync::Arc;

use axum::{
    Router,
    extract::Request,
    http::uri::{PathAndQuery, Uri},
};
use tower::util::MapRequestLayer;

/// The path of the server, attached to requests when it is below one.
#[derive(Clone, Debug)]
pub(crate) struct Below {
    /// The prefix of links: `/chat`.
    pub path: Arc<str>,
    /// Whether the request came with the prefix: no proxy has stripped it.
    pub asked: bool,
}

/// The beginnings of the server's own paths, up to where they differ among paths of a kind.
const OWN: &[&str] = &[
    "/activity",
    "/admin",
    "/api/v1/auth",
    "/api/v1/chat",
    "/api/v1/users",
    "/apple-touch-icon.png",
    "/assets",
    "/c",
    "/chats",
    "/discover",
    "/docs",
    "/favicon.svg",
    "/health",
    "/icon-192.png",
    "/icon-512.png",
    "/icon-maskable-192.png",
    "/icon-maskable-512.png",
    "/icon-maskable.svg",
    "/login",
    "/manifest.webmanifest",
    "/sw.js",
    "/metrics",
    "/people",
    "/play",
    "/ready",
    "/register",
    "/saved",
    "/settings",
    "/setup",
    "/theme.js",
    "/threads",
    "/v1",
    "/welcome",
    "/ws",
];

/// The server's own path that would be confused with one below `path`, if there is one.
#[must_use]
pub fn rival(path: &str) -> Option<&'static str> {
    let within = |inner: &str, outer: &str| {
        inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    OWN.iter().copied().find(|own| !path.is_empty() && (within(own, path) || within(path, own)))
}

/// Makes a router accept requests below a path, too.
pub(crate) fn below(path: &str, router: Router) -> Router {
    if path.is_empty() {
        return router;
    }
    let path: Arc<str> = path.into();
    let service = tower::Layer::layer(&MapRequestLayer::new(move |request| taken_off(&path, request)), router);
    Router::new().fallback_service(service)
}

fn taken_off(path: &Arc<str>, mut request: Request) -> Request {
    let rest = rest(path, request.uri());
    request.extensions_mut().insert(Below { path: path.clone(), asked: rest.is_some() });
    if let Some(rest) = rest {
        *request.uri_mut() = rest;
    }
    request
}

/// The address without the prefix; `None` if it does not begin with it.
fn rest(path: &str, uri: &Uri) -> Option<Uri> {
    let asked = uri.path_and_query()?.as_str().strip_prefix(path)?;
    let rest = match asked.bytes().next() {
        Some(b'/') => asked.parse::<PathAndQuery>(),
        Some(b'?') | None => format!("/{asked}").parse(),
        Some(_) => return None,
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(rest.ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prefix_is_stripped_where_it_stands_and_nowhere_else() {
        for (asked, found) in [
            ("/chat", Some("/")),
            ("/chat/", Some("/")),
            ("/chat?a=/chat", Some("/?a=/chat")),
            ("/chat/v1/ws?token=x", Some("/v1/ws?token=x")),
            ("/chat/chat", Some("/chat")),
            ("/chat//x", Some("//x")),
            ("/chat/c/1%2F2", Some("/c/1%2F2")),
            ("http://h/chat/v1", Some("http://h/v1")),
            ("/", None),
            ("/v1/ws", None),
            ("/chats/12", None),
            ("/chat.html", None),
            ("/x/chat/v1", None),
            ("/CHAT/v1", None),
            ("*", None),
        ] {
            let rest = rest("/chat", &asked.parse().unwrap());
            assert_eq!(rest.map(|uri| uri.to_string()).as_deref(), found, "{asked}");
        }
    }

    #[test]
    fn a_path_that_collides_with_the_servers_own_is_found() {
        for (path, own) in [
            ("", None),
            ("/chat", None),
            ("/a/v1", None),
            ("/api/chat", None),
            ("/v", None),
            ("/chatsy", None),
            ("/v1", Some("/v1")),
            ("/c", Some("/c")),
            ("/c/x", Some("/c")),
            ("/chats", Some("/chats")),
            ("/api", Some("/api/v1/auth")),
            ("/api/v1", Some("/api/v1/auth")),
            ("/api/v1/chat/x", Some("/api/v1/chat")),
        ] {
            assert_eq!(rival(path), own, "{path}");
        }
    }

    #[test]
    fn every_path_of_pages_files_and_protocol_is_known_as_the_servers_own() {
        let protocol = dialects::native::table::OPERATIONS.iter().flat_map(|operation| operation.routes);
        let files = web::FILES.iter().map(|file| file.path).filter(|path| !path.ends_with(".html"));
        let paths = protocol
            .map(|route| route.path)
            .chain(crate::pages::PLACES.iter().copied().filter(|place| *place != "/"))
            .chain(dialects::native::DOCS.iter().map(|(path, ..)| *path))
            .chain(files);
        for path in paths {
            let first = path.split('{').next().unwrap_or_default().trim_end_matches('/');
            assert!(rival(first).is_some(), "{path} is not in the list");
        }
    }
}
