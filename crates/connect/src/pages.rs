//! Serves the pages and files of the web client, from `web`, with caching and compression.
//!
//! One build works below every path of a site: its scripts and styles refer to each other by relative URLs, and its two
//! pages, which refer to them from the root, are rewritten once when the server starts. So is the manifest, by which a
//! device installs the client: there it has the server's name.

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    net::SocketAddr,
};

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{MethodRouter, get},
};
use bytes::Bytes;
use serde_json::Value;
use web::File;

use crate::{Endpoint, rest};

/// For files that never change: their names contain a digest of their content.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// For files that browsers must revalidate: an unchanged one is not sent again.
const ASK_AGAIN: &str = "no-cache";

/// The manifest by which a device installs the client.
const MANIFEST: &str = "/manifest.webmanifest";

/// The client's routes: each is answered with its one page.
pub(crate) const PLACES: &[&str] = &[
    "/",
    "/c/{*place}",
    "/discover",
    "/activity",
    "/people",
    "/saved",
    "/threads",
    "/settings",
    "/settings/{*place}",
    "/admin",
    "/admin/{*place}",
    "/login",
    "/register",
    "/setup",
    "/welcome",
];

/// The routes of the client's pages and files, and of the playground if it is served. `below` is the path of the public
/// address, `name` what people call the server.
pub(crate) fn routes(playground: bool, below: &str, name: &str) -> Router<Endpoint> {
    let mut router = Router::new().route("/assets/{*file}", get(asset));
    let client = Page::below(below, web::client());
    for place in PLACES {
        router = router.route(place, client.clone().served());
    }
    if let Some(page) = web::playground().filter(|_| playground) {
        router = router.route("/play", Page::below(below, page).served());
    }
    for file in web::FILES.iter().filter(|file| has_its_own_route(file)) {
        let page = if file.path == MANIFEST { Page::named(name, file) } else { Page::Built(file) };
        router = router.route(file.path, page.served());
    }
    router
}

/// A page of the client, with its links below the path of the public address, or a file beside it.
#[derive(Clone)]
enum Page {
    /// As it was built, because there is nothing to change.
    Built(&'static File),
    /// Rewritten: its etag, its media type and its bytes. Not compressed, because its some 1,500 bytes fit into one
    /// packet.
    Written(HeaderValue, &'static str, Bytes),
}

impl Page {
    fn below(path: &str, file: &'static File) -> Self {
        let etag = format!("{}{path}\"", file.etag.trim_end_matches('"'));
        match (HeaderValue::from_str(&etag), std::str::from_utf8(file.plain)) {
            // The build quotes all attributes, and names its own files from the root.
            (Ok(etag), Ok(text)) if !path.is_empty() => {
                Self::Written(etag, file.media_type, text.replace("=\"/", &format!("=\"{path}/")).into())
            }
            _ => Self::Built(file),
        }
    }

    /// A manifest under the server's name. It says of its own address where everything is.
    fn named(name: &str, file: &'static File) -> Self {
        let Ok(Value::Object(mut manifest)) = serde_json::from_slice(file.plain) else { return Self::Built(file) };
        if manifest.get("name").and_then(Value::as_str) == Some(name) {
            return Self::Built(file);
        }
        for field in ["name", "short_name"] {
            manifest.insert(field.to_owned(), name.into());
        }
        let mut hasher = DefaultHasher::new();
        name.hash(&mut hasher);
        let etag = format!("{}-{:016x}\"", file.etag.trim_end_matches('"'), hasher.finish());
        match HeaderValue::from_str(&etag) {
            Ok(etag) => Self::Written(etag, file.media_type, Value::Object(manifest).to_string().into()),
            Err(_) => Self::Built(file),
        }
    }

    fn served(self) -> MethodRouter<Endpoint> {
        get(move |headers: HeaderMap| async move { self.answer(&headers) })
    }

    fn answer(self, asked: &HeaderMap) -> Response {
        match self {
            Self::Built(file) => answer(file, ASK_AGAIN, asked),
            Self::Written(etag, media_type, text) => {
                cached(etag, ASK_AGAIN, asked, || ([(header::CONTENT_TYPE, media_type)], text).into_response())
            }
        }
    }
}

/// Whether a file has a route of its own: icons, the manifest and the like, which are neither pages nor assets.
fn has_its_own_route(file: &File) -> bool {
    !file.path.starts_with("/assets/") && !file.path.ends_with(".html")
}

/// Serves an asset; an unknown name is refused like any other path.
async fn asset(State(endpoint): State<Endpoint>, peer: ConnectInfo<SocketAddr>, request: Request) -> Response {
    match web::find(request.uri().path()) {
        Some(file) => answer(file, FOR_EVER, request.headers()),
        None => rest::answer(State(endpoint), peer, request).await,
    }
}

fn answer(file: &'static File, caching: &'static str, asked: &HeaderMap) -> Response {
    cached(HeaderValue::from_static(file.etag), caching, asked, || whole(file, asked))
}

/// The whole answer, or 304 if the browser has the content already.
fn cached(etag: HeaderValue, caching: &'static str, asked: &HeaderMap, whole: impl FnOnce() -> Response) -> Response {
    let has_it = asked.get_all(header::IF_NONE_MATCH).iter().any(|known| names(known, &etag));
    let mut response = if has_it { StatusCode::NOT_MODIFIED.into_response() } else { whole() };
    let headers = response.headers_mut();
    headers.insert(header::ETAG, etag);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    response
}

fn whole(file: &'static File, asked: &HeaderMap) -> Response {
    let accepted = |coding| accepts(asked, coding);
    let (bytes, coding) = match (file.brotli, file.gzip) {
        (Some(bytes), _) if accepted("br") => (bytes, Some("br")),
        (_, Some(bytes)) if accepted("gzip") => (bytes, Some("gzip")),
        _ => (file.plain, None),
    };
    let mut response = Body::from(Bytes::from_static(bytes)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(file.media_type));
    if let Some(coding) = coding {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
    }
    response
}

/// Whether an `If-None-Match` names this content, in whatever encoding.
fn names(known: &HeaderValue, etag: &HeaderValue) -> bool {
    let bare = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let (Ok(list), Ok(etag)) = (known.to_str(), etag.to_str()) else { return false };
    list.split(',').any(|tag| tag.trim() == "*" || bare(tag) == bare(etag))
}

/// Whether an encoding is accepted: by name or by `*`, and not with a weight of zero.
fn accepts(asked: &HeaderMap, coding: &str) -> bool {
    let lists = asked.get_all(header::ACCEPT_ENCODING).iter().filter_map(|list| list.to_str().ok());
    let mut by_star = false;
    for one in lists.flat_map(|list| list.split(',')) {
        let (name, weight) = one.split_once(';').unwrap_or((one, ""));
        let weight = weight.trim().strip_prefix("q=").and_then(|weight| weight.trim().parse::<f32>().ok());
        let wanted = weight.is_none_or(|weight| weight > 0.0);
        if name.trim().eq_ignore_ascii_case(coding) {
            return wanted;
        }
        by_star |= name.trim() == "*" && wanted;
    }
    by_star
}

#[cfg(test)]
mod tests {
    use super::*;

    static SCRIPT: File = File {
        path: "/assets/a-1.js",
        media_type: "text/javascript; charset=utf-8",
        etag: "W/\"1\"",
        plain: b"the whole script",
        brotli: Some(b"small"),
        gzip: Some(b"smaller"),
    };
    static ICON: File = File { path: "/icon.png", media_type: "image/png", brotli: None, gzip: None, ..SCRIPT };

    fn asked(name: header::HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[tokio::test]
    async fn a_file_is_sent_in_the_best_accepted_encoding() {
        for (file, list, coding, body) in [
            (&SCRIPT, "gzip, br", Some("br"), &b"small"[..]),
            (&SCRIPT, "gzip", Some("gzip"), b"smaller"),
            (&SCRIPT, "deflate", None, b"the whole script"),
            (&ICON, "gzip, br", None, b"the whole script"),
        ] {
            let response = answer(file, FOR_EVER, &asked(header::ACCEPT_ENCODING, list));
            let header = |name| response.headers().get(name).map(|value| value.to_str().unwrap());
            assert_eq!(header(header::CONTENT_ENCODING), coding, "{list}");
            assert_eq!(header(header::CONTENT_TYPE), Some(file.media_type));
            assert_eq!(header(header::CACHE_CONTROL), Some(FOR_EVER));
            assert_eq!(header(header::VARY), Some("accept-encoding"));
            assert_eq!(axum::body::to_bytes(response.into_body(), 100).await.unwrap(), body, "{list}");
        }
    }

    #[tokio::test]
    async fn a_browser_that_has_the_file_gets_304() {
        let response = answer(&SCRIPT, ASK_AGAIN, &asked(header::IF_NONE_MATCH, "W/\"1\""));
        assert_eq!(response.status(), StatusCode::NOT_MODIFIED);
        assert_eq!(
            (&response.headers()[header::ETAG], &response.headers()[header::CACHE_CONTROL]),
            (&"W/\"1\"".parse().unwrap(), &"no-cache".parse().unwrap())
        );
        assert!(axum::body::to_bytes(response.into_body(), 100).await.unwrap().is_empty());
        assert_eq!(answer(&SCRIPT, ASK_AGAIN, &asked(header::IF_NONE_MATCH, "W/\"2\"")).status(), StatusCode::OK);
    }

    #[tokio::test]
    async fn a_manifest_has_the_name_of_the_server_and_everything_else_as_it_was_built() {
        static MANIFEST: File = File {
            path: super::MANIFEST,
            media_type: "application/manifest+json",
            plain: br#"{"name": "Palabre", "short_name": "Palabre", "start_url": "./"}"#,
            brotli: None,
            gzip: None,
            ..SCRIPT
        };
        assert!(matches!(Page::named("Palabre", &MANIFEST), Page::Built(_)));
        let name = "L\u{2019}atelier \"du\" 村\\";
        let response = Page::named(name, &MANIFEST).answer(&HeaderMap::new());
        let etag = response.headers()[header::ETAG].clone();
        assert_eq!(response.headers()[header::CONTENT_TYPE], MANIFEST.media_type);
        let body = axum::body::to_bytes(response.into_body(), 1_000).await.unwrap();
        let read: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(read, serde_json::json!({"name": name, "short_name": name, "start_url": "./"}));
        // Whoever has it has it until the server is called something else.
        let asked = HeaderMap::from_iter([(header::IF_NONE_MATCH, etag)]);
        assert_eq!(Page::named(name, &MANIFEST).answer(&asked).status(), StatusCode::NOT_MODIFIED);
        assert_eq!(Page::named("Other", &MANIFEST).answer(&asked).status(), StatusCode::OK);
    }

    #[test]
    fn an_encoding_is_accepted_as_it_is_written() {
        for (list, br, gzip) in [
            ("gzip, deflate, br, zstd", true, true),
            ("br;q=0, gzip", false, true),
            ("gzip;q=0.5,BR ; q=0.001", true, true),
            ("*", true, true),
            ("*;q=0", false, false),
            ("br, *;q=0", true, false),
            ("gzip;q=0, *", true, false),
            ("identity", false, false),
            ("", false, false),
            ("brotli", false, false),
        ] {
            let asked = HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(list))]);
            assert_eq!((accepts(&asked, "br"), accepts(&asked, "gzip")), (br, gzip), "{list}");
        }
        assert!(!accepts(&HeaderMap::new(), "br"));
    }

    #[test]
    fn a_content_is_known_by_its_tag_in_a_list() {
        for (list, known) in [
            ("W/\"ab\"", true),
            ("\"ab\"", true),
            ("\"x\", W/\"ab\"", true),
            ("*", true),
            ("\"a\"", false),
            ("ab", false),
            ("", false),
        ] {
            assert_eq!(names(&HeaderValue::from_static(list), &HeaderValue::from_static("W/\"ab\"")), known, "{list}");
        }
    }
}
