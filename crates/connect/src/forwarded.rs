//! Reads what proxies say about a request: the client's address, and the address that it asked for.
//!
//! Only trusted proxies (`server.trusted_proxies`) are believed. The list is read from the right, where the nearest
//! proxy has written; everything left of the first address that is not a trusted proxy was written by the caller. The
//! `Forwarded` header of RFC 7239 is not read: a proxy that writes one of the two headers passes the other on
//! unchanged.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, HeaderName, header, request::Parts};

use crate::{Shared, address, below::Below};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// The longest chain of trusted proxies that is followed. A caller behind more counts as the last of them.
const LONGEST_WAY: usize = 32;

/// The client's address in its normal form (IPv4 is never written as IPv6): the peer's, or the one that trusted proxies
/// report. At an entry that cannot be parsed, the address is that of the proxy that wrote it; the caller's own claim is
/// never used instead.
pub(crate) fn client_address(shared: &Shared, peer: SocketAddr, headers: &HeaderMap) -> IpAddr {
    caller(peer.ip(), headers, &shared.site.is_trusted_proxy)
}

fn caller(peer: IpAddr, headers: &HeaderMap, is_trusted: &dyn Fn(IpAddr) -> bool) -> IpAddr {
    // Several header lines are one list, in their order.
    let lines = headers.get_all(FORWARDED_FOR).iter().rev();
    let mut entries = lines.flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','));
    let mut address = peer.to_canonical();
    for _ in 0..LONGEST_WAY {
        if !is_trusted(address) {
            break;
        }
        match entries.next().map(entry) {
            Some(Some(before)) => address = before,
            Some(None) | None => break,
        }
    }
    address
}

/// An entry of the list: an address, perhaps with a port, in brackets or in quotes, as proxies write it.
fn entry(bytes: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(bytes).ok()?.trim();
    let text = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    let address = match bare {
        Some(v6) => IpAddr::V6(v6.parse().ok()?),
        None => text.parse().or_else(|_| text.parse().map(|with_port: SocketAddr| with_port.ip())).ok()?,
    };
    let address = address.to_canonical();
    // Some proxies write the unspecified address when they do not know the client's.
    (!address.is_unspecified()).then_some(address)
}

/// The server's address as the caller sees it, for links: `https://chat.example.org`, with the path below which the
/// server is.
pub(crate) fn base(shared: &Shared, peer: SocketAddr, request: &Parts) -> String {
    let path = request.extensions.get::<Below>().map_or("", |below| &*below.path);
    let site = host(shared, peer, &request.headers)
        .and_then(|host| address::origin(&format!("{}://{host}", scheme(shared, peer, &request.headers))).ok());
    format!("{}{path}", site.as_deref().unwrap_or("http://localhost"))
}

/// The scheme that the caller used to reach the first proxy; of several values the first. A false value would affect
/// only the caller.
pub(crate) fn scheme(shared: &Shared, peer: SocketAddr, headers: &HeaderMap) -> &'static str {
    let secure = (shared.site.is_trusted_proxy)(peer.ip())
        && text(headers, FORWARDED_PROTO).and_then(first).is_some_and(|proto| proto.eq_ignore_ascii_case("https"));
    if secure { "https" } else { "http" }
}

/// The host that the caller asked for, with the port if it was named: from a trusted proxy, otherwise from `Host`.
pub(crate) fn host<'a>(shared: &Shared, peer: SocketAddr, headers: &'a HeaderMap) -> Option<&'a str> {
    let forwarded = text(headers, FORWARDED_HOST).and_then(first).filter(|_| (shared.site.is_trusted_proxy)(peer.ip()));
    forwarded.or_else(|| text(headers, header::HOST))
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn first(list: &str) -> Option<&str> {
    list.split(',').next().map(str::trim).filter(|entry| !entry.is_empty())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    /// Our proxies: 10.0.0.0/8 and 2001:db8:1::/48.
    fn ours(address: IpAddr) -> bool {
        match address {
            IpAddr::V4(v4) => v4.octets()[0] == 10,
            IpAddr::V6(v6) => v6.segments()[..3] == [0x2001, 0xdb8, 1],
        }
    }

    fn seen(peer: &str, lines: &[&[u8]]) -> String {
        let lines = lines.iter().map(|line| (FORWARDED_FOR, HeaderValue::from_bytes(line).unwrap()));
        caller(peer.parse().unwrap(), &HeaderMap::from_iter(lines), &ours).to_string()
    }

    #[test]
    fn the_caller_is_the_last_address_that_is_no_trusted_proxy() {
        for (peer, list, caller) in [
            ("9.9.9.9", "", "9.9.9.9"),
            ("9.9.9.9", "1.2.3.4", "9.9.9.9"),
            ("10.0.0.1", "1.2.3.4", "1.2.3.4"),
            ("10.0.0.1", "6.6.6.6, 1.2.3.4", "1.2.3.4"),
            ("10.0.0.1", "6.6.6.6, 1.2.3.4, 10.0.0.2", "1.2.3.4"),
            ("10.0.0.1", "6.6.6.6,1.2.3.4,10.0.0.2,10.9.9.9", "1.2.3.4"),
            ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
            ("2001:db8:1::5", "2001:db8:2::1", "2001:db8:2::1"),
        ] {
            assert_eq!(seen(peer, &[list.as_bytes()]), caller, "{peer} {list}");
        }
        assert_eq!(seen("10.0.0.1", &[]), "10.0.0.1", "a proxy that says nothing");
    }

    #[test]
    fn an_unreadable_entry_gives_the_proxy_that_wrote_it_and_never_the_callers_claim() {
        for unreadable in [
            "",
            " ",
            "unknown",
            "unix:",
            "_hidden",
            "localhost",
            "1.2.3",
            "1.2.3.4.5",
            "256.1.1.1",
            "1.2.3.4:",
            "1.2.3.4:x",
            "1.2.3.4:65536",
            "[2001:db8::1",
            "2001:db8::1]",
            "[1.2.3.4]",
            "[2001:db8::1]:",
            "fe80::1%eth0",
            "0.0.0.0",
            "::",
            "::ffff:0.0.0.0",
            "1.2.3.4 5.6.7.8",
            "1.2.3.4;proto=http",
            "for=1.2.3.4",
            "\"1.2.3.4",
            "01.2.3.4",
            "１.2.3.4",
        ] {
            let list = format!("6.6.6.6, {unreadable}");
            assert_eq!(seen("10.0.0.1", &[list.as_bytes()]), "10.0.0.1", "{unreadable}");
            let list = format!("6.6.6.6, {unreadable}, 10.0.0.2");
            assert_eq!(seen("10.0.0.1", &[list.as_bytes()]), "10.0.0.2", "{unreadable}");
            let list = format!("{unreadable}, 5.5.5.5");
            assert_eq!(seen("10.0.0.1", &[list.as_bytes()]), "5.5.5.5", "{unreadable}: it is not reached");
        }
        assert_eq!(seen("10.0.0.1", &[b"6.6.6.6, \xff\xfe"]), "10.0.0.1");
        assert_eq!(seen("10.0.0.1", &[b"\xff, 5.5.5.5"]), "5.5.5.5");
    }

    #[test]
    fn an_address_has_one_form_however_a_proxy_writes_it() {
        for (written, address) in [
            ("1.2.3.4:5678", "1.2.3.4"),
            ("\"1.2.3.4:5678\"", "1.2.3.4"),
            ("\t1.2.3.4 ", "1.2.3.4"),
            ("[2001:db8::1]:443", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("\"[2001:db8::1]:443\"", "2001:db8::1"),
            ("2001:DB8:0:0::1", "2001:db8::1"),
            ("::ffff:1.2.3.4", "1.2.3.4"),
            ("[::ffff:1.2.3.4]:443", "1.2.3.4"),
            ("::ffff:102:304", "1.2.3.4"),
        ] {
            assert_eq!(seen("10.0.0.1", &[written.as_bytes()]), address, "{written}");
        }
        assert_eq!(seen("::ffff:9.9.9.9", &[]), "9.9.9.9", "a listener on [::] sees IPv4 in this form");
        assert_eq!(seen("::ffff:10.0.0.1", &[b"::ffff:10.0.0.2"]), "10.0.0.2");
        assert_eq!(seen("::ffff:10.0.0.1", &[b"1.2.3.4, ::ffff:10.0.0.2"]), "1.2.3.4");
    }

    #[test]
    fn several_lines_are_one_list_in_their_order() {
        assert_eq!(seen("10.0.0.1", &[b"6.6.6.6", b"1.2.3.4"]), "1.2.3.4");
        assert_eq!(seen("10.0.0.1", &[b"6.6.6.6, 1.2.3.4", b"10.0.0.3, 10.0.0.2"]), "1.2.3.4");
        assert_eq!(seen("10.0.0.1", &[b"6.6.6.6", b""]), "10.0.0.1");
    }

    #[test]
    fn only_a_bounded_part_of_a_long_list_is_followed() {
        let all_ours = vec!["10.0.0.2"; 3_000].join(", ");
        assert_eq!(seen("10.0.0.1", &[format!("6.6.6.6, {all_ours}").as_bytes()]), "10.0.0.2");
        let invented = vec!["6.6.6.6"; 3_000].join(", ");
        assert_eq!(seen("10.0.0.1", &[format!("{invented}, 1.2.3.4").as_bytes()]), "1.2.3.4");
    }
}
