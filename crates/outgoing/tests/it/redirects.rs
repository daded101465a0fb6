//! The server that is really asked: after a name has changed its mind, and after redirects.

use std::sync::Arc;

use outgoing::{Bounds, Error, HeaderMap, Overlong, header};

use crate::stubs::{Names, Server, answer, client};

fn web() -> Bounds {
    Bounds::web(1_000, Overlong::Cut, &[])
}

#[tokio::test]
async fn the_address_that_was_judged_is_the_one_that_is_connected_to() {
    let good = Server::at("127.0.0.2", answer("200 OK", "", "good")).await;
    let secret = Server::beside(&good, "127.0.0.3", answer("200 OK", "", "secret")).await;
    // The first answer may be asked, the second may not: whoever resolves twice gets the second.
    let names = Arc::new(Names::default().with("rebinding.test", &[&["127.0.0.2"], &["127.0.0.3"]]));
    let client = client(&names, &["127.0.0.2/32".to_owned()]);
    let url = format!("http://rebinding.test:{}/", good.address.port());
    let answer = client.get(&url, HeaderMap::new(), &web()).await.expect("an answer");
    assert_eq!(&answer.body[..], b"good");
    assert_eq!(names.asked(), ["rebinding.test"]);
    assert!(good.requests()[0].contains(&format!("host: rebinding.test:{}", good.address.port())));
    // Asked again, it is resolved again, and judged again.
    let denied = client.get(&url, HeaderMap::new(), &web()).await.expect_err("it has changed its mind");
    assert!(matches!(denied, Error::Port(_)), "{denied}");
    assert_eq!(secret.requests(), [] as [String; 0]);
}

#[tokio::test]
async fn a_redirect_leads_nowhere_where_a_url_does_not() {
    let secret = Server::at("127.0.0.1", answer("200 OK", "", "secret")).await;
    let names = Arc::new(Names::default().with("good.test", &[&["127.0.0.9"]]).with("inside.test", &[&["127.0.0.1"]]));
    let port = secret.address.port();
    let places = [
        format!("http://127.0.0.1:{port}/"),
        format!("//127.0.0.1:{port}/"),
        format!("http://2130706433:{port}/"),
        format!("http://[::ffff:127.0.0.1]:{port}/"),
        format!("http://inside.test:{port}/"),
        format!("\\\\127.0.0.1:{port}\\"),
        "http://127.0.0.1/".to_owned(),
        "http://169.254.169.254/latest/meta-data/".to_owned(),
        "https://[fd00:ec2::254]/".to_owned(),
        "http://inside.test/".to_owned(),
        "file:///etc/passwd".to_owned(),
        format!("gopher://127.0.0.1:{port}/_x"),
        format!("http://user@good.test:{port}/"),
        "http://good.test:22/".to_owned(),
        "http://[::1".to_owned(),
    ];
    for status in ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"] {
        for place in &places {
            let hop = Server::at("127.0.0.9", answer(status, &format!("Location: {place}\r\n"), "")).await;
            // Only this one place is allowed, by its name.
            let allowed = format!("good.test:{}", hop.address.port());
            let url = format!("http://good.test:{}/", hop.address.port());
            let error = client(&names, &[allowed]).get(&url, HeaderMap::new(), &web()).await.expect_err(place);
            let expected = matches!(
                error,
                Error::Denied(..) | Error::Port(_) | Error::Scheme(_) | Error::Credentials | Error::Url
            );
            assert!(expected, "{place}: {error}");
        }
    }
    assert_eq!(secret.requests(), [] as [String; 0]);
}

#[tokio::test]
async fn three_redirects_are_followed_and_a_fourth_is_not() {
    let allowed = ["127.0.0.1/32".to_owned()];
    let mut last = Server::at("127.0.0.1", answer("200 OK", "", "here")).await;
    for hops in 1..=4 {
        let location = format!("Location: {}\r\n", last.url("/next?a=b#c"));
        last = Server::at("127.0.0.1", answer("302 Found", &location, "")).await;
        let got = client(&Arc::default(), &allowed).get(&last.url("/"), HeaderMap::new(), &web()).await;
        match hops {
            1..=3 => {
                let got = got.expect("an answer");
                assert_eq!((&got.body[..], got.url.as_str().ends_with("/next?a=b")), (&b"here"[..], true));
            }
            _ => assert_eq!(got.expect_err("too many"), Error::Redirects),
        }
    }
}

#[tokio::test]
async fn a_relative_redirect_stays_at_its_host_and_a_post_follows_none() {
    let server = Server::at("127.0.0.1", answer("302 Found", "Location: /elsewhere\r\n", "")).await;
    let client = client(&Arc::default(), &["127.0.0.1".to_owned()]);
    let error = client.get(&server.url("/"), HeaderMap::new(), &web()).await.expect_err("it goes round");
    assert_eq!(error, Error::Redirects);
    let asked: Vec<String> =
        server.requests().iter().map(|it| it.lines().next().unwrap_or_default().to_owned()).collect();
    assert_eq!(
        asked,
        ["GET / HTTP/1.1", "GET /elsewhere HTTP/1.1", "GET /elsewhere HTTP/1.1", "GET /elsewhere HTTP/1.1"]
    );
    let answer = client.post(&server.url("/"), HeaderMap::new(), "body".into(), &web()).await.expect("an answer");
    assert_eq!((answer.status.as_u16(), answer.header(header::LOCATION)), (302, Some("/elsewhere")));
    assert_eq!(server.requests().len(), 5);
}
