//! Values that operators and proxies write in many forms, and the server knows in one: addresses, origins, callers.

use palabre::config::{self, Config, Input};
use serde_json::Value;
use testkit::Town;

/// A town whose operator wrote a key so; the value goes the way that a file's would.
async fn configured(path: &'static str, written: &str) -> Town {
    let mut given = Config::default();
    let key = config::keys().into_iter().find(|key| key.path() == path).expect(path);
    key.set(&mut given, Input::Text(written)).expect(written);
    Town::with(move |config| {
        config.server.public_url = given.server.public_url;
        config.server.allowed_origins = given.server.allowed_origins;
        config.server.trusted_proxies = given.server.trusted_proxies;
    })
    .await
}

#[tokio::test]
async fn a_page_of_the_public_address_opens_a_socket_however_the_operator_wrote_it() {
    for (written, origin) in [
        ("https://chat.example.org:443", "https://chat.example.org"),
        ("http://chat.example.org:80/", "http://chat.example.org"),
        ("HTTPS://CHAT.Example.ORG", "https://chat.example.org"),
        ("https://chat.example.org.", "https://chat.example.org"),
        ("https://bücher.example/", "https://xn--bcher-kva.example"),
        ("http://[2001:DB8:0::1]:80", "http://[2001:db8::1]"),
        ("https://chat.example.org:443/talk/", "https://chat.example.org"),
        ("https://chat.example.org:8443", "https://chat.example.org:8443"),
    ] {
        for key in ["server.public_url", "server.allowed_origins"] {
            if key == "server.allowed_origins" && written.contains("talk") {
                continue;
            }
            let town = configured(key, written).await;
            assert_eq!(town.handshake(&[("origin", origin)]).await.0, 101, "{key} = {written}");
            for foreign in
                ["https://evil.org", "null", "https://chat.example.org:444", "https://chat.example.org.evil.org"]
            {
                assert_eq!(town.turned_away(&[("origin", foreign)]).await, 403, "{key} = {written}: {foreign}");
            }
            let shared = town.rest().ask_with("GET", "/v1/server", None, &Value::Null, &[("origin", origin)]).await;
            assert_eq!(shared.header("access-control-allow-origin"), Some(origin), "{key} = {written}");
        }
    }
}

#[tokio::test]
async fn whoever_names_several_origins_has_none() {
    let town = configured("server.allowed_origins", "https://a.example,https://b.example").await;
    for one in ["https://a.example", "https://b.example"] {
        assert_eq!(town.handshake(&[("origin", one)]).await.0, 101, "{one}");
    }
    for several in
        ["https://a.example https://b.example", "https://a.example, https://b.example", "https://a.example,null"]
    {
        assert_eq!(town.turned_away(&[("origin", several)]).await, 403, "{several}");
    }
    let twice = [("origin", "https://a.example"), ("origin", "https://evil.example")];
    assert_eq!(town.turned_away(&twice).await, 403);
    let again = [("origin", "https://a.example"), ("origin", "https://a.example")];
    assert_eq!(town.turned_away(&again).await, 403);
}

#[tokio::test]
async fn a_page_is_the_servers_own_whether_or_not_the_usual_port_is_named() {
    let town = Town::opens().await;
    for (host, origin, status) in [
        ("chat.local:443", "https://chat.local", 101),
        ("chat.local:80", "http://chat.local", 101),
        ("CHAT.local", "https://chat.local", 101),
        ("[2001:DB8::1]:443", "https://[2001:db8::1]", 101),
        ("chat.local:80", "https://chat.local", 403),
        ("chat.local:443", "http://chat.local", 403),
        // No host at all: the reader of heads refuses it before anybody compares it.
        ("chat.local@evil.org", "https://evil.org", 400),
        ("chat.local/evil.org", "https://chat.local", 400),
        ("evil.org#chat.local", "https://evil.org#chat.local", 400),
    ] {
        let headers = [("host", host), ("origin", origin)];
        assert_eq!(town.handshake_at(town.address(), "/v1/ws", &headers).await.0, status, "{host} {origin}");
    }
}

#[tokio::test]
async fn a_host_that_a_trusted_proxy_hands_on_is_the_servers_own_and_nobody_elses_word_is() {
    let forwarded = [("host", "backend:8080"), ("x-forwarded-host", "chat.local"), ("origin", "https://chat.local")];
    let trusting = configured("server.trusted_proxies", "::ffff:127.0.0.1").await;
    assert_eq!(trusting.handshake_at(trusting.address(), "/v1/ws", &forwarded).await.0, 101);
    let wary = Town::opens().await;
    assert_eq!(wary.handshake_at(wary.address(), "/v1/ws", &forwarded).await.0, 403);
}

#[tokio::test]
async fn a_caller_is_counted_under_the_address_that_the_proxy_saw_and_never_under_an_invented_one() {
    let town = configured("server.trusted_proxies", "127.0.0.9/8").await;
    for (list, caller) in [
        ("9.9.9.9", "9.9.9.9"),
        ("6.6.6.6, 9.9.9.9:5678", "9.9.9.9"),
        ("6.6.6.6, [2001:db8::1]:443", "2001:db8::1"),
        ("6.6.6.6, ::ffff:9.9.9.9", "9.9.9.9"),
        ("6.6.6.6, 9.9.9.9, 127.0.0.2", "9.9.9.9"),
        ("6.6.6.6, unknown", "127.0.0.1"),
        ("6.6.6.6, unknown, 127.0.0.2", "127.0.0.2"),
        ("6.6.6.6,", "127.0.0.1"),
    ] {
        let headers = [("x-forwarded-for", list)];
        let health = town.rest().ask_with("GET", "/health", None, &Value::Null, &headers).await;
        assert_eq!(health.header("x-palabre-caller"), Some(caller), "{list}");
    }
    let wary = Town::opens().await;
    let health = wary.rest().ask_with("GET", "/health", None, &Value::Null, &[("x-forwarded-for", "9.9.9.9")]).await;
    assert_eq!(health.header("x-palabre-caller"), Some("127.0.0.1"), "nobody's word is believed");
}
