//! The cost of an answer, the headers of a request, and the exceptions of an operator.

use std::{sync::Arc, time::Duration};

use outgoing::{Allowed, Bounds, Error, HeaderMap, Overlong, header};

use crate::stubs::{Names, Server, answer, client};

fn web() -> Bounds {
    Bounds::web(1_000, Overlong::Refused, &[])
}

fn here() -> [String; 1] {
    ["127.0.0.0/8".to_owned()]
}

async fn got(server: &Server, bounds: &Bounds) -> Result<outgoing::Answer, Error> {
    client(&Arc::default(), &here()).get(&server.url("/"), HeaderMap::new(), bounds).await
}

#[tokio::test]
async fn a_body_may_be_as_long_as_its_bound_and_no_longer() {
    let cut = Bounds { overlong: Overlong::Cut, ..web() };
    let chunked = |length: usize| {
        let body = "a".repeat(length);
        format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{length:x}\r\n{body}\r\n0\r\n\r\n").into_bytes()
    };
    let until_close = |length: usize| format!("HTTP/1.1 200 OK\r\n\r\n{}", "a".repeat(length)).into_bytes();
    for length in [999, 1_000, 1_001] {
        for said in [answer("200 OK", "", &"a".repeat(length)), chunked(length), until_close(length)] {
            let server = Server::at("127.0.0.1", said).await;
            match got(&server, &web()).await {
                Ok(answer) => assert_eq!((answer.body.len(), answer.is_cut, length <= 1_000), (length, false, true)),
                Err(error) => assert_eq!((error, length), (Error::TooLarge, 1_001)),
            }
            let answer = got(&server, &cut).await.expect("an answer");
            assert_eq!((answer.body.len(), answer.is_cut), (length.min(1_000), length > 1_000));
        }
    }
}

#[tokio::test]
async fn headers_are_bounded() {
    for said in [
        format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "a".repeat(40_000)),
        format!("HTTP/1.1 200 OK\r\n{}\r\n", "X: a\r\n".repeat(101)),
        "SSH-2.0-OpenSSH_9.2\r\n\r\n".to_owned(),
        "HTTP/0.9 hello".to_owned(),
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello".to_owned(),
        String::new(),
    ] {
        let server = Server::at("127.0.0.1", said.clone()).await;
        let error = got(&server, &web()).await.expect_err("no HTTP");
        assert!(matches!(error, Error::Http(_)), "{:?}: {error}", said.get(..40));
    }
}

#[tokio::test]
async fn a_host_that_dawdles_is_not_waited_for() {
    let bounds = Bounds { whole: Duration::from_millis(300), ..web() };
    // Says the beginning of a head, or of a body, and nothing more.
    for said in ["HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"] {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}/", listener.local_addr().expect("it is bound"));
        let dawdling = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("somebody");
            tokio::io::AsyncWriteExt::write_all(&mut stream, said.as_bytes()).await.expect("they listen");
            // Until the client goes away.
            let mut rest = Vec::new();
            tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut rest).await.map(|_| ())
        });
        let error = client(&Arc::default(), &here()).get(&url, HeaderMap::new(), &bounds).await.expect_err(said);
        assert_eq!(error, Error::TooSlow);
        // The connection ends with the request.
        let _ended =
            tokio::time::timeout(Duration::from_secs(5), dawdling).await.expect("it has ended").expect("no panic");
    }
}

#[tokio::test]
async fn what_is_not_wanted_is_not_read() {
    let html = Bounds { media: &["text/html", "application/xhtml+xml"], ..web() };
    let images = Bounds { media: &["image/"], ..web() };
    for (media, is_html, is_image) in [
        ("text/html", true, false),
        ("Text/HTML; charset=utf-8", true, false),
        ("image/png", false, true),
        ("application/octet-stream", false, false),
        ("text/html5", false, false),
        ("", false, false),
    ] {
        let server = Server::at("127.0.0.1", answer("200 OK", &format!("Content-Type: {media}\r\n"), "x")).await;
        for (bounds, wanted) in [(&html, is_html), (&images, is_image)] {
            match got(&server, bounds).await {
                Ok(_) => assert!(wanted, "{media}"),
                Err(error) => assert!(!wanted && matches!(error, Error::Media(_)), "{media}: {error}"),
            }
        }
    }
    let server = Server::at("127.0.0.1", answer("200 OK", "Content-Encoding: gzip\r\n", "x")).await;
    assert_eq!(got(&server, &web()).await.expect_err("compressed"), Error::Encoded("gzip".to_owned()));
    // An error is an answer, whatever it consists of.
    let server = Server::at("127.0.0.1", answer("404 Not Found", "Content-Type: text/plain\r\n", "x")).await;
    assert_eq!(got(&server, &html).await.expect("an answer").status.as_u16(), 404);
}

#[tokio::test]
async fn a_request_says_who_we_are_and_nothing_else() {
    let server = Server::at("127.0.0.1", answer("200 OK", "Set-Cookie: a=b\r\n", "")).await;
    let client = client(&Arc::default(), &here());
    let mut headers = HeaderMap::new();
    headers.insert(header::ACCEPT, header::HeaderValue::from_static("text/html"));
    for _ in 0..2 {
        client.get(&server.url("/a?b=c#d"), headers.clone(), &web()).await.expect("an answer");
    }
    let address = server.address;
    let wanted = [
        "GET /a?b=c HTTP/1.1".to_owned(),
        "accept-encoding: identity".to_owned(),
        "accept: text/html".to_owned(),
        "connection: close".to_owned(),
        format!("host: {address}"),
        "user-agent: palabre-test".to_owned(),
    ];
    for request in server.requests() {
        let mut lines: Vec<&str> = request.lines().filter(|line| !line.is_empty()).collect();
        lines.sort_unstable();
        assert_eq!(lines, wanted);
    }
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn https_is_never_answered_by_who_speaks_in_clear() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("https://{}/secret", listener.local_addr().expect("it is bound"));
    let plain = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("somebody");
        let mut heard = vec![0; 4096];
        let read = tokio::io::AsyncReadExt::read(&mut stream, &mut heard).await.expect("a beginning");
        tokio::io::AsyncWriteExt::write_all(&mut stream, &answer("200 OK", "", "hello")).await.expect("they listen");
        heard.truncate(read);
        heard
    });
    let error = client(&Arc::default(), &here()).get(&url, HeaderMap::new(), &web()).await.expect_err("no TLS");
    assert!(matches!(error, Error::Tls(_)), "{error}");
    let heard = plain.await.expect("no panic");
    assert!(
        heard.first() == Some(&22) && !heard.windows(6).any(|word| word == b"secret"),
        "a handshake, and nothing else"
    );
}

#[tokio::test]
async fn a_call_is_made_by_https_alone() {
    let names = Arc::new(Names::default().with("push.test", &[&["93.184.216.34"]]));
    let client = client(&names, &[]);
    let call = Bounds::call();
    assert_eq!(client.check("http://push.test/a", &call), Err(Error::Scheme("http".to_owned())));
    assert_eq!(client.check("https://push.test:444/a", &call), Err(Error::Port(444)));
    for good in ["https://push.test/a", "https://push.test:8443/a"] {
        assert!(client.check(good, &call).is_ok());
    }
    let error = client.post("http://push.test/a", HeaderMap::new(), "".into(), &call).await.expect_err("http");
    assert_eq!(error, Error::Scheme("http".to_owned()));
}

#[tokio::test]
async fn what_an_operator_allows_may_be_asked_and_nothing_beside_it() {
    let names = Arc::new(
        Names::default().with("inside.test", &[&["127.0.0.1"]]).with("two.test", &[&["127.0.0.1", "10.0.0.1"]]),
    );
    let server = Server::at("127.0.0.1", answer("200 OK", "", "inside")).await;
    let port = server.address.port();
    let by_name = format!("http://inside.test:{port}/");
    for (allowed, url, may) in [
        (format!("inside.test:{port}"), &by_name, true),
        (format!("INSIDE.test:{port}"), &by_name, true),
        (format!("inside.test:{}", port ^ 1), &by_name, false),
        (format!("other.test:{port}"), &by_name, false),
        (format!("127.0.0.1:{port}"), &by_name, false),
        (format!("127.0.0.1:{port}"), &server.url("/"), true),
        (format!("127.0.0.1:{}", port ^ 1), &server.url("/"), false),
        ("127.0.0.1".to_owned(), &by_name, true),
        ("127.0.0.0/8".to_owned(), &by_name, true),
        ("127.0.0.2/31".to_owned(), &by_name, false),
        ("127.0.0.0/31".to_owned(), &by_name, true),
        ("0.0.0.0/0".to_owned(), &by_name, true),
        ("::/0".to_owned(), &by_name, false),
        // All addresses of a name must be allowed.
        ("127.0.0.0/8".to_owned(), &format!("http://two.test:{port}/"), false),
    ] {
        // A call, which else wants https: what is allowed may be asked without it.
        let got = client(&names, std::slice::from_ref(&allowed)).get(url, HeaderMap::new(), &Bounds::call()).await;
        assert_eq!(got.is_ok(), may, "{allowed}, {url}: {:?}", got.err());
    }
}

#[test]
fn what_may_be_allowed_is_written_in_a_few_forms() {
    for (text, shown) in [
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("10.1.2.3", "10.1.2.3/32"),
        ("fd00::/8", "fd00::/8"),
        ("::1", "::1/128"),
        ("127.0.0.1:8080", "127.0.0.1:8080"),
        ("[::1]:8080", "[::1]:8080"),
        ("Search.Internal:9200", "search.internal:9200"),
        ("bücher.test:80", "xn--bcher-kva.test:80"),
    ] {
        assert_eq!(text.parse::<Allowed>().map(|entry| entry.to_string()), Ok(shown.to_owned()), "{text}");
    }
    for wrong in [
        "",
        "a",
        "a.test",
        "10.0.0.0/33",
        "fd00::/129",
        "10.0.0/8",
        "a:70000",
        "a:",
        ":80",
        "http://a.test:80",
        "1.2.3:80",
        "*",
    ] {
        assert!(wrong.parse::<Allowed>().is_err(), "{wrong}");
    }
}
