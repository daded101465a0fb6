//! A server below a path of its site (`public_url = "https://example.org/chat"`), behind a proxy that takes the path
//! off before it passes a request on, or that does not.

use serde_json::{Value, json};
use testkit::{Answer, Town};

const ORIGIN: &str = "https://example.org";

async fn below(path: &str) -> Town {
    let url = format!("{ORIGIN}{path}");
    Town::with(move |config| {
        config.server.public_url = Some(url.clone());
        config.web.playground = Some(true);
    })
    .await
}

async fn get(town: &Town, path: &str, headers: &[(&str, &str)]) -> Answer {
    town.rest().ask_with("GET", path, None, &Value::Null, headers).await
}

/// The addresses that a page names.
fn named(page: &str) -> Vec<&str> {
    let after = |start| page.split(start).skip(1).filter_map(|rest: &str| rest.split('"').next());
    after("href=\"").chain(after("src=\"")).filter(|link| !link.starts_with("data:")).collect()
}

#[tokio::test]
async fn every_path_is_served_with_and_without_the_path_before_it() {
    let town = below("/chat").await;
    for path in [
        "/",
        "/c/12",
        "/login",
        "/play",
        "/docs",
        "/docs/docs.js",
        "/v1/server",
        "/v1/openapi.json",
        "/health",
        "/ready",
    ] {
        let bare = get(&town, path, &[]).await;
        let whole = get(&town, &format!("/chat{path}"), &[]).await;
        assert_eq!((bare.status, whole.status), (200, 200), "{path}");
        assert_eq!(bare.text, whole.text, "{path}");
    }
    assert_eq!(get(&town, "/chat", &[]).await.status, 200, "without a slash at the end");
    for path in ["/nothing", "/chat/nothing", "/chat/chat/login", "/chatter/login", "/Chat/login"] {
        get(&town, path, &[]).await.refused(404, "unknown_command");
    }
    // Requests below the path are served.
    let ann = town.absent("ann").await;
    let room = json!({ "kind": "room", "name": "Lobby" });
    let token = Some(&*ann.tokens().access);
    let made = town.rest().ask_with("POST", "/chat/v1/conversations", token, &room, &[]).await.granted();
    let found = format!("/chat/v1/conversations/{}?x=1", made["id"]);
    town.rest().ask_with("GET", &found, token, &Value::Null, &[]).await.refused(422, "invalid");
}

#[tokio::test]
async fn the_pages_name_nothing_outside_the_path() {
    if !web::is_built() {
        return assert!(get(&below("/chat").await, "/chat/", &[]).await.text.contains("was not built"));
    }
    let town = below("/chat").await;
    for path in ["/", "/c/12", "/chat/settings/sessions", "/play", "/chat/play"] {
        let answer = get(&town, path, &[("accept-encoding", "br, gzip")]).await;
        assert!(answer.text.contains("<meta name=\"palabre-base\" content=\"/chat/\" />"), "{path}");
        let links = named(&answer.text);
        assert!(links.len() >= 4, "{path}: {links:?}");
        for link in links {
            assert!(link.starts_with("/chat/"), "{path} names {link}");
            // The proxy may take the path off.
            for asked in [link, link.strip_prefix("/chat").unwrap()] {
                assert_eq!(get(&town, asked, &[]).await.status, 200, "{path} names {asked}");
            }
        }
        let etag = answer.header("etag").unwrap();
        assert_eq!(get(&town, path, &[("if-none-match", etag)]).await.status, 304, "{path}");
        let elsewhere = below("/talk").await;
        assert_eq!(get(&elsewhere, "/", &[("if-none-match", etag)]).await.status, 200, "another path is another page");
    }
    // The addresses inside files are relative to them.
    let manifest = get(&town, "/chat/manifest.webmanifest", &[]).await;
    assert_eq!((&manifest.body["start_url"], &manifest.body["icons"][0]["src"]), (&json!("./"), &json!("favicon.svg")));
    let styles = web::FILES.iter().filter(|file| file.path.ends_with(".css"));
    for (path, text) in styles.map(|file| (file.path, String::from_utf8_lossy(file.plain))) {
        assert!(!text.contains("url(/") && !text.contains("url(\"/"), "{path} names something from the root");
    }
}

#[tokio::test]
async fn documents_and_links_say_where_the_server_is() {
    let town = below("/chat").await;
    let openapi = get(&town, "/chat/v1/openapi.json", &[]).await.granted();
    assert_eq!(openapi["servers"], json!([{ "url": "/chat" }]));
    let asyncapi = get(&town, "/v1/asyncapi.json", &[]).await.granted();
    assert_eq!(asyncapi["servers"]["own"], json!({ "host": "example.org", "protocol": "wss", "pathname": "/chat" }));
    for link in named(&get(&town, "/chat/docs", &[]).await.text).into_iter().filter(|link| !link.starts_with('#')) {
        assert!(!link.starts_with('/'), "{link} is not beside the page");
        assert_eq!(get(&town, &format!("/chat/{link}"), &[]).await.status, 200, "{link}");
    }
    let plain = Town::with(|config| {
        config.server.public_url = Some(format!("{ORIGIN}/chat"));
        config.web.client = false;
    })
    .await;
    assert_eq!(named(&get(&plain, "/", &[]).await.text), ["/chat/docs"]);
    let root = Town::opens().await;
    assert_eq!(get(&root, "/v1/openapi.json", &[]).await.body["servers"], json!([{ "url": "/" }]));
}

#[tokio::test]
async fn a_socket_opens_below_the_path_for_pages_of_the_site() {
    let town = below("/chat").await;
    for path in ["/chat/v1/ws", "/v1/ws"] {
        let from = |origin| town.handshake_at(town.address(), path, origin);
        assert_eq!(from(&[("origin", ORIGIN)]).await.0, 101, "{path}");
        assert_eq!(from(&[("origin", "https://example.org/chat")]).await.0, 403, "{path}: no browser says that");
        assert_eq!(from(&[("origin", "https://evil.org")]).await.0, 403, "{path}");
    }
}

#[tokio::test]
async fn a_path_that_the_server_has_itself_is_refused_at_the_start() {
    for path in ["/v1", "/c", "/assets", "/ws", "/api"] {
        let mut config = palabre::config::Config::default();
        let key = palabre::config::keys().into_iter().find(|key| key.path() == "server.public_url").unwrap();
        let url = format!("{ORIGIN}{path}");
        let refused = key.set(&mut config, palabre::config::Input::Text(&url)).unwrap_err();
        assert!(refused.contains("server.public_url") && refused.contains(path), "{refused}");
    }
}
