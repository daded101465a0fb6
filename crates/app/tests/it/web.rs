//! The web client, as browsers get it. What is served depends on whether the client had been built when this program
//! was; `cargo xtask check` builds it first.

use palabre::config::Deployment;
use serde_json::{Value, json};
use testkit::{Answer, Town};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

const BROWSER: &str = "gzip, deflate, br, zstd";
/// Paths that may be typed into the address bar.
const PLACES: [&str; 16] = [
    "/",
    "/c/12",
    "/c/12/42",
    "/c/general%20talk",
    "/discover",
    "/activity",
    "/people",
    "/saved",
    "/settings",
    "/settings/sessions",
    "/admin",
    "/admin/figures",
    "/login",
    "/register",
    "/setup",
    "/welcome",
];

async fn get(town: &Town, path: &str, headers: &[(&str, &str)]) -> Answer {
    town.rest().ask_with("GET", path, None, &Value::Null, headers).await
}

/// Asks for a path as it stands: other clients tidy it up first.
async fn as_written(town: &Town, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(town.address()).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    (answer.split(' ').nth(1).unwrap().parse().unwrap(), answer)
}

#[tokio::test]
async fn every_place_of_the_client_is_its_page_and_asked_for_again() {
    let town = Town::opens().await;
    let page = get(&town, "/", &[]).await;
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(page.text.as_bytes(), web::client().plain);
    if !web::is_built() {
        assert!(page.text.contains("was not built") && page.text.contains("n’a pas été compilé"), "{}", page.text);
    }
    for path in PLACES {
        let answer = get(&town, path, &[]).await;
        assert_eq!((answer.status, &answer.text), (200, &page.text), "{path}");
        assert_eq!(answer.header("cache-control"), Some("no-cache"), "{path}");
        let etag = answer.header("etag").unwrap().to_owned();
        let same = get(&town, path, &[("if-none-match", &etag)]).await;
        assert_eq!((same.status, same.text.as_str()), (304, ""), "{path}");
        assert_eq!((same.header("etag"), same.header("cache-control")), (Some(&*etag), Some("no-cache")));
        assert_eq!(get(&town, path, &[("if-none-match", "\"another\"")]).await.status, 200, "{path}");
        let head = town.rest().ask("HEAD", path, None, &Value::Null).await;
        assert_eq!((head.status, head.text.as_str()), (200, ""), "{path}");
        assert_eq!(head.header("content-length"), Some(&*page.text.len().to_string()), "{path}");
        assert_eq!(town.request("POST", path, Value::Null).await.status, 405, "{path}");
    }
}

#[tokio::test]
async fn files_come_in_the_encoding_that_the_browser_takes() {
    let town = Town::opens().await;
    // The pages, and everything else of the client by its own path.
    let files = web::FILES.iter().filter(|file| !file.path.ends_with(".html")).map(|file| (file.path, file));
    for (path, file) in files.chain([("/", web::client())]) {
        for (accepted, coding, bytes) in [
            (BROWSER, file.brotli.map(|_| "br").or(file.gzip.map(|_| "gzip")), file.brotli.or(file.gzip)),
            ("gzip", file.gzip.map(|_| "gzip"), file.gzip),
            ("br;q=0, gzip;q=0", None, None),
            ("", None, None),
        ] {
            let answer = get(&town, path, &[("accept-encoding", accepted)]).await;
            assert_eq!((answer.status, answer.header("content-encoding")), (200, coding), "{path} {accepted}");
            let length = bytes.unwrap_or(file.plain).len().to_string();
            assert_eq!(answer.header("content-length"), Some(&*length), "{path} {accepted}");
            assert_eq!(answer.header("content-type"), Some(file.media_type), "{path}");
            assert_eq!(answer.header("vary"), Some("accept-encoding"), "{path}");
            assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
            let for_ever = path.starts_with("/assets/");
            let caching = if for_ever { "public, max-age=31536000, immutable" } else { "no-cache" };
            assert_eq!(answer.header("cache-control"), Some(caching), "{path}");
        }
    }
}

#[tokio::test]
async fn what_the_client_does_not_have_is_404_and_not_its_page() {
    let town = Town::opens().await;
    for path in [
        "/assets/nothing.js",
        "/assets/",
        "/assets/../index.html",
        "/assets/..%2findex.html",
        "/assets/%2e%2e/index.html",
        "/assets/..%2f..%2f..%2fetc%2fpasswd",
        "/assets//etc/passwd",
        "/assets/index.html%00.js",
        "/index.html",
        "/play.html",
        "/nothing",
        "/c",
        "/c/",
        "/login/x",
        "/favicon.ico/x",
    ] {
        let (status, answer) = as_written(&town, path).await;
        assert_eq!(status, 404, "{path}: {answer}");
        assert!(answer.contains("unknown_command") && !answer.contains("<html"), "{path}: {answer}");
    }
}

#[tokio::test]
async fn the_policy_of_the_pages_lets_nothing_in_from_elsewhere() {
    let town = Town::opens().await;
    let foreign = ("origin", "https://evil.example.org");
    for path in ["/", "/c/1", "/docs", "/assets/nothing.js"] {
        let answer = get(&town, path, &[foreign]).await;
        let policy = answer.header("content-security-policy").unwrap();
        for part in [
            "default-src 'none'",
            "script-src 'self';",
            "style-src 'self';",
            "connect-src 'self';",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "require-trusted-types-for 'script'",
            "trusted-types svelte-trusted-html palabre-worker",
        ] {
            assert!(policy.contains(part), "{path}: {part} is not in {policy}");
        }
        for gap in ["unsafe", "*", "http:", "https:", "allow-duplicates"] {
            assert!(!policy.contains(gap), "{path}: {gap} is in {policy}");
        }
        assert_eq!(answer.header("x-frame-options"), Some("DENY"), "{path}");
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"), "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), None, "{path}");
    }
}

#[tokio::test]
async fn the_playground_is_there_where_somebody_works_on_the_server() {
    let has_one = web::playground().is_some();
    for (environment, configured, served) in [
        (Deployment::Production, None, false),
        (Deployment::Staging, None, false),
        (Deployment::Development, None, true),
        (Deployment::Production, Some(true), true),
        (Deployment::Development, Some(false), false),
    ] {
        let town = Town::with(|config| {
            config.server.environment = environment;
            config.web.playground = configured;
        })
        .await;
        let answer = get(&town, "/play", &[]).await;
        let (wanted, why) = (served && has_one, format!("{environment} {configured:?}"));
        assert_eq!(answer.status, if wanted { 200 } else { 404 }, "{why}");
        if wanted {
            assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"), "{why}");
            assert_eq!(answer.header("cache-control"), Some("no-cache"), "{why}");
        } else {
            assert_eq!(answer.body["code"], "unknown_command", "{why}");
        }
        let told = town.request("GET", "/v1/server", Value::Null).await.granted();
        assert_eq!(told["playground"], served, "{why}");
    }
}

#[tokio::test]
async fn a_server_may_do_without_the_client() {
    let town = Town::with(|config| {
        config.web.client = false;
        config.server.environment = Deployment::Development;
    })
    .await;
    let index = get(&town, "/", &[]).await;
    assert!(index.status == 200 && index.text.contains("/docs"), "{}", index.text);
    for path in PLACES.iter().skip(1).chain(&["/play", "/favicon.svg"]) {
        get(&town, path, &[]).await.refused(404, "unknown_command");
    }
    assert_eq!(town.request("GET", "/v1/server", Value::Null).await.granted()["playground"], false);
}

#[tokio::test]
async fn a_device_installs_the_client_under_the_servers_name_and_finds_its_icons() {
    let name = "Atelier \"Öst\" 村";
    let town = Town::with(|config| config.server.name = name.to_owned()).await;
    let manifest = get(&town, "/manifest.webmanifest", &[]).await;
    if !web::is_built() {
        manifest.refused(404, "unknown_command");
        return;
    }
    assert_eq!(manifest.header("content-type"), Some("application/manifest+json"));
    let manifest = manifest.granted();
    assert_eq!((&manifest["name"], &manifest["short_name"]), (&json!(name), &json!(name)));
    let mut found = Vec::new();
    for icon in manifest["icons"].as_array().unwrap() {
        let path = format!("/{}", icon["src"].as_str().unwrap());
        let answer = get(&town, &path, &[]).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, icon["type"].as_str()), "{path}");
        if icon["type"] == "image/png" {
            let wide = width(&path);
            assert_eq!(icon["sizes"], format!("{wide}x{wide}"), "{path}");
            found.push((wide, icon["purpose"].as_str().unwrap().to_owned()));
        }
    }
    found.sort();
    let wanted = [(192, "any"), (192, "maskable"), (512, "any"), (512, "maskable")];
    assert_eq!(found, wanted.map(|(wide, purpose)| (wide, purpose.to_owned())));
    let page = get(&town, "/", &[]).await.text;
    assert!(page.contains("<link rel=\"apple-touch-icon\" href=\"/apple-touch-icon.png\""), "{page}");
    assert_eq!(width("/apple-touch-icon.png"), 180);
}

/// The width of a PNG among the files of the client, in pixels.
fn width(path: &str) -> u32 {
    let bytes = web::find(path).expect("it is there").plain;
    assert!(bytes.starts_with(b"\x89PNG\r\n\x1a\n"), "{path}");
    u32::from_be_bytes(bytes[16..20].try_into().unwrap())
}

/// On a local network the server is asked for under its address, which nobody has configured.
#[tokio::test]
async fn a_page_that_the_server_has_handed_out_connects_under_whatever_name() {
    let town = Town::opens().await;
    let port = town.address().port();
    let handshake = async |host: &str, origin: &str| {
        let headers = [("host", host), ("origin", origin)];
        town.handshake_at(town.address(), "/v1/ws", &headers).await.0
    };
    let here = format!("chat.local:{port}");
    assert_eq!(handshake(&here, &format!("http://{here}")).await, 101);
    assert_eq!(handshake(&here, &format!("https://{here}")).await, 101, "behind a proxy that speaks TLS");
    assert_eq!(handshake(&here, &format!("http://CHAT.local:{port}")).await, 101);
    for foreign in ["http://chat.local", "https://evil.example.org", "null", "chat.local", "file://", "http://"] {
        assert_eq!(handshake(&here, foreign).await, 403, "{foreign}");
    }
    assert_eq!(handshake("chat.local", &format!("http://chat.local.evil.org:{port}")).await, 403);
}
