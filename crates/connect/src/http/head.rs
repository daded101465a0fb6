//! One request's head: checks it, and finds out how long the body is.

/// Fields that a head may have.
const FIELDS: usize = 64;

/// The refusal of a request before any handler sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// The reason, for people.
    pub detail: &'static str,
}

/// How the end of a request's body is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Length {
    /// By its length in bytes.
    Known(u64),
    /// By chunks, the last of which is empty.
    Chunked,
}

/// The part of a head that is needed to find the end of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub body: Length,
    /// Whether the bytes that follow may be another protocol.
    pub upgrades: bool,
}

pub(crate) const fn malformed(detail: &'static str) -> Refusal {
    Refusal { status: 400, detail }
}

/// Checks a whole head, including the empty line at its end. The caller has checked that lines end in CRLF.
pub(crate) fn read(head: &[u8]) -> Result<Head, Refusal> {
    let text = head.strip_suffix(b"\r\n\r\n").ok_or(malformed("The head has no end."))?;
    let mut lines = Lines(Some(text));
    let request = RequestLine::read(lines.next().unwrap_or_default())?;
    let mut fields = Fields::default();
    for (count, line) in lines.enumerate() {
        if count >= FIELDS {
            return Err(Refusal { status: 431, detail: "A request may have at most 64 header fields." });
        }
        fields.note(line)?;
    }
    request.check_host(&fields)?;
    let body = fields.body(&request)?;
    let upgrades = request.minor > 0 && fields.upgrades;
    if upgrades && body != Length::Known(0) {
        return Err(malformed("A WebSocket's handshake has no body."));
    }
    Ok(Head { body, upgrades })
}

/// The lines of a text, without their CRLF.
struct Lines<'a>(Option<&'a [u8]>);

impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let text = self.0?;
        let end = text.windows(2).position(|two| two == b"\r\n");
        self.0 = end.and_then(|end| text.get(end + 2..));
        Some(end.and_then(|end| text.get(..end)).unwrap_or(text))
    }
}

/// The first line of a request.
struct RequestLine<'a> {
    /// The `host:port` of a target like `https://host:port/path`.
    authority: Option<&'a [u8]>,
    /// The minor version; the major version is 1.
    minor: u8,
}

impl<'a> RequestLine<'a> {
    fn read(line: &'a [u8]) -> Result<Self, Refusal> {
        let mut parts = line.split(|byte| *byte == b' ');
        let (Some(method), Some(target), Some(version), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(malformed("A request begins with a method, a target and a version, one space between them."));
        };
        if !is_token(method) {
            return Err(malformed("The method is not a word."));
        }
        let minor = match version {
            b"HTTP/1.1" => 1,
            b"HTTP/1.0" => 0,
            [b'H', b'T', b'T', b'P', b'/', major, b'.', minor] if major.is_ascii_digit() && minor.is_ascii_digit() => {
                return Err(Refusal { status: 505, detail: "HTTP/1.1 is spoken here." });
            }
            _ => return Err(malformed("The version is none.")),
        };
        if method == b"CONNECT" {
            return Err(Refusal { status: 501, detail: "This is not a proxy." });
        }
        Ok(Self { authority: read_target(method, target)?, minor })
    }

    /// RFC 9112 section 3.2: exactly one host, equal to the target's if the target has one.
    fn check_host(&self, fields: &Fields<'_>) -> Result<(), Refusal> {
        match (fields.host, self.authority) {
            _ if fields.hosts > 1 => Err(malformed("There are several Host fields.")),
            (None, _) if self.minor > 0 => Err(malformed("A Host field is needed.")),
            (Some(host), Some(authority)) if !host.eq_ignore_ascii_case(authority) => {
                Err(malformed("The Host field is not the target's host."))
            }
            // `Host` may be empty if the target has no host.
            (Some(host), _) if !host.is_empty() => check_authority(host),
            _ => Ok(()),
        }
    }
}

/// The host of a target; `None` if it is a path.
fn read_target<'a>(method: &[u8], target: &'a [u8]) -> Result<Option<&'a [u8]>, Refusal> {
    const BAD: Refusal = malformed("The target is neither a path nor an address.");
    if target.iter().any(|byte| byte.is_ascii_control()) {
        return Err(BAD);
    }
    if target.contains(&b'#') {
        return Err(malformed("A target has no fragment (#)."));
    }
    match target {
        [b'/', ..] => Ok(None),
        b"*" if method == b"OPTIONS" => Ok(None),
        _ => {
            let scheme = target.windows(3).position(|three| three == b"://").ok_or(BAD)?;
            let (scheme, rest) =
                (target.get(..scheme).unwrap_or_default(), target.get(scheme + 3..).unwrap_or_default());
            if !scheme.eq_ignore_ascii_case(b"http") && !scheme.eq_ignore_ascii_case(b"https") {
                return Err(BAD);
            }
            let end = rest.iter().position(|byte| b"/?".contains(byte)).unwrap_or(rest.len());
            let authority = rest.get(..end).unwrap_or_default();
            check_authority(authority).map(|()| Some(authority))
        }
    }
}

/// The fields that matter here.
#[derive(Default)]
struct Fields<'a> {
    host: Option<&'a [u8]>,
    hosts: usize,
    lengths: usize,
    length: &'a [u8],
    /// The transfer codings, in their order.
    codings: Vec<&'a [u8]>,
    upgrades: bool,
}

impl<'a> Fields<'a> {
    fn note(&mut self, line: &'a [u8]) -> Result<(), Refusal> {
        let (name, value) = read_field(line)?;
        match name.to_ascii_lowercase().as_slice() {
            b"host" => {
                self.hosts += 1;
                self.host = Some(value);
            }
            b"content-length" => {
                self.lengths += 1;
                self.length = value;
            }
            b"transfer-encoding" => self.codings.extend(words(value)),
            b"upgrade" => self.upgrades |= words(value).any(|word| word.eq_ignore_ascii_case(b"websocket")),
            _ => {}
        }
        Ok(())
    }

    /// RFC 9112 section 6: exactly one way to find the length of the body.
    fn body(&self, request: &RequestLine<'_>) -> Result<Length, Refusal> {
        if self.codings.is_empty() {
            return self.known_length();
        }
        if request.minor == 0 {
            return Err(malformed("HTTP/1.0 knows no Transfer-Encoding."));
        }
        if self.lengths > 0 {
            return Err(malformed("There is a Content-Length beside a Transfer-Encoding."));
        }
        let is_chunked = |coding: &&[u8]| coding.eq_ignore_ascii_case(b"chunked");
        let last = self.codings.last().is_some_and(is_chunked);
        match (last, self.codings.iter().filter(|coding| is_chunked(coding)).count(), self.codings.len()) {
            (true, 1, 1) => Ok(Length::Chunked),
            (true, 1, _) => {
                Err(Refusal { status: 501, detail: "The only Transfer-Encoding that is known is chunked." })
            }
            _ => Err(malformed("Transfer-Encoding must end in chunked, once.")),
        }
    }

    fn known_length(&self) -> Result<Length, Refusal> {
        match self.lengths {
            0 => return Ok(Length::Known(0)),
            1 => {}
            _ => return Err(malformed("There are several Content-Length fields.")),
        }
        if self.length.is_empty() || !self.length.iter().all(u8::is_ascii_digit) {
            return Err(malformed("Content-Length is not a number."));
        }
        let digits = str::from_utf8(self.length).unwrap_or_default();
        let too_large = Refusal { status: 413, detail: "Content-Length is larger than anything." };
        digits.parse().map(Length::Known).map_err(|_| too_large)
    }
}

/// Splits a field's line into its name and its value.
pub(crate) fn read_field(line: &[u8]) -> Result<(&[u8], &[u8]), Refusal> {
    if line.first().is_some_and(|byte| matches!(byte, b' ' | b'\t')) {
        return Err(malformed("A field may not be folded."));
    }
    let colon = line.iter().position(|byte| *byte == b':').ok_or(malformed("A field has no colon."))?;
    let (name, value) = (line.get(..colon).unwrap_or_default(), line.get(colon + 1..).unwrap_or_default());
    if !is_token(name) {
        return Err(malformed("A field's name is not a word directly before its colon."));
    }
    if value.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t') {
        return Err(malformed("A field's value has a control character."));
    }
    Ok((name, trim(value)))
}

/// The elements of a comma-separated list.
fn words(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b',').map(trim).filter(|word| !word.is_empty())
}

fn trim(value: &[u8]) -> &[u8] {
    value.trim_ascii()
}

fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte))
}

/// Checks a host with an optional port: RFC 3986 section 3.2, but without user information, and with a name that is not
/// empty, as RFC 9110 section 4.2 demands.
fn check_authority(authority: &[u8]) -> Result<(), Refusal> {
    if authority.contains(&b'@') {
        return Err(malformed("A host is named without a user (@)."));
    }
    let port = match authority.strip_prefix(b"[") {
        Some(rest) => check_address(rest)?,
        None => check_name(authority)?,
    };
    let digits = match port {
        [] | [b':'] => return Ok(()),
        [b':', digits @ ..] => digits,
        _ => return Err(malformed("After the brackets of a host's address there is more than a port.")),
    };
    let is_port = digits.len() <= 5
        && digits.iter().all(u8::is_ascii_digit)
        && str::from_utf8(digits).is_ok_and(|digits| digits.parse::<u16>().is_ok());
    is_port.then_some(()).ok_or(malformed("A host's port is a number up to 65535."))
}

/// Checks an address in brackets, whose first bracket is consumed; returns what follows it.
fn check_address(rest: &[u8]) -> Result<&[u8], Refusal> {
    const BAD: Refusal = malformed("What a host has in brackets is not an IPv6 address.");
    let end = rest.iter().position(|byte| *byte == b']').ok_or(BAD)?;
    let address = rest.get(..end).and_then(|address| str::from_utf8(address).ok()).unwrap_or_default();
    address.parse::<std::net::Ipv6Addr>().map_err(|_| BAD)?;
    Ok(rest.get(end + 1..).unwrap_or_default())
}

/// Checks a host's name; returns what follows it.
fn check_name(authority: &[u8]) -> Result<&[u8], Refusal> {
    let (name, port) = authority.split_at(authority.iter().position(|byte| *byte == b':').unwrap_or(authority.len()));
    if name.is_empty() {
        return Err(malformed("A host has no name."));
    }
    if !name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=".contains(byte)) {
        return Err(malformed("A host's name has a character that none may have."));
    }
    let is_escape = |after: &[u8]| matches!(after, [a, b, ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit());
    if !name.split(|byte| *byte == b'%').skip(1).all(is_escape) {
        return Err(malformed("A host's name has a percent sign that is not followed by two hexadecimal digits."));
    }
    Ok(port)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_lines(lines: &[&str]) -> Result<Head, u16> {
        let head = format!("{}\r\n\r\n", lines.join("\r\n"));
        read(head.as_bytes()).map_err(|refusal| refusal.status)
    }

    #[test]
    fn valid_heads_pass_and_give_the_length_of_their_bodies() {
        let with = |fields: &[&str]| read_lines(&[&["GET / HTTP/1.1", "Host: a"][..], fields].concat());
        let none = Head { body: Length::Known(0), upgrades: false };
        assert_eq!(with(&[]), Ok(none));
        assert_eq!(with(&["X-Text:  é\t "]), Ok(none));
        assert_eq!(with(&["Content-Length: 12"]), Ok(Head { body: Length::Known(12), ..none }));
        assert_eq!(with(&["transfer-ENCODING:Chunked"]), Ok(Head { body: Length::Chunked, ..none }));
        assert_eq!(with(&["Upgrade: h2c, WebSocket"]), Ok(Head { upgrades: true, ..none }));
        assert_eq!(with(&["Upgrade: h2c", "Content-Length: 1"]), Ok(Head { body: Length::Known(1), ..none }));
        for host in [
            "",
            "localhost:8080",
            "a.example:",
            "a.example.",
            "a_b:65535",
            "caf%C3%a9.fr",
            "10.0.0.1",
            "[::1]:80",
            "[::1]:",
            "[::ffff:10.0.0.1]",
            "xn--caf-dma.fr",
        ] {
            assert_eq!(read_lines(&["GET / HTTP/1.1", &format!("Host: {host}")]), Ok(none), "{host}");
        }
        for target in ["http://a.example/x", "HTTPS://A.EXAMPLE", "http://a.example?x"] {
            assert_eq!(read_lines(&[&format!("GET {target} HTTP/1.1"), "Host: a.example"]), Ok(none), "{target}");
        }
        for target in ["/100%", "/%zz?a|b=[c]", "/?next=http://u@b:99999/"] {
            let read = read_lines(&[&format!("GET {target} HTTP/1.1"), "Host: a"]);
            assert_eq!(read, Ok(none), "browsers send {target}");
        }
        assert_eq!(read_lines(&["OPTIONS * HTTP/1.1", "Host: a"]), Ok(none));
        assert_eq!(read_lines(&["GET / HTTP/1.0"]), Ok(none), "HTTP/1.0 knows no Host");
        assert_eq!(read_lines(&["GET / HTTP/1.0", "Upgrade: websocket"]), Ok(none), "and no upgrade");
    }

    #[test]
    fn heads_that_two_parsers_may_read_differently_are_refused() {
        let with = |fields: &[&str]| read_lines(&[&["POST / HTTP/1.1", "Host: a"][..], fields].concat());
        for (status, fields) in [
            (400, &["Host: a"][..]),
            (400, &["Content-Length: 1", "Content-Length: 1"]),
            (400, &["Content-Length: 1", "Content-Length: 2"]),
            (400, &["Content-Length: 1, 1"]),
            (400, &["Content-Length: +1"]),
            (400, &["Content-Length: -1"]),
            (400, &["Content-Length: 0x1"]),
            (400, &["Content-Length: 1 1"]),
            (400, &["Content-Length:"]),
            (413, &["Content-Length: 99999999999999999999"]),
            (400, &["Content-Length: 1", "Transfer-Encoding: chunked"]),
            (400, &["Transfer-Encoding: chunked, chunked"]),
            (400, &["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"]),
            (400, &["Transfer-Encoding: chunked, gzip"]),
            (400, &["Transfer-Encoding: identity"]),
            (400, &["Transfer-Encoding: xchunked"]),
            (400, &["Transfer-Encoding: chunked;q=1"]),
            (501, &["Transfer-Encoding: gzip, chunked"]),
            (400, &["X-Text : a"]),
            (400, &["X Text: a"]),
            (400, &[": a"]),
            (400, &["X-Text"]),
            (400, &["X-Text: a", " b"]),
            (400, &["X-Text: a", "\tb"]),
            (400, &["X-Text: a\0b"]),
            (400, &["X-Text: a\x7fb"]),
            (400, &["Upgrade: websocket", "Content-Length: 1"]),
            (431, &["X-Text: a"; 64]),
        ] {
            assert_eq!(with(fields), Err(status), "{fields:?}");
        }
    }

    #[test]
    fn an_invalid_host_is_refused_with_the_reason_wherever_it_stands() {
        for (why, hosts) in [
            ("'s port", &["a:99999", "a:65536", "a:123456", "a:b", "a:1:2", "a:+1", "[::1]:99999", "http://a"][..]),
            ("a percent sign", &["a%zz", "a%", "%2", "a%2g.b:80", "%%20"]),
            ("a user", &["u@a", "@a", "u:p@a:80", "a@", "u@[::1]"]),
            ("in brackets", &["[::1", "[a]", "[]", "[]:80", "[10.0.0.1]", "[v1.a]", "[::1%25lo]"]),
            ("more than a port", &["[::1]a", "[::1][::1]"]),
            ("no name", &[":", ":80", "::1"]),
            ("a character", &["a b", "a/b", "é", "a,b c", "a]", "a[::1]", "a\\b", "a#b"]),
        ] {
            for host in hosts {
                let field = format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n");
                let target = format!("GET http://{host}/ HTTP/1.1\r\nHost: {host}\r\n\r\n");
                let is_a_target = !host.contains([' ', '/', '#']) && host.is_ascii();
                for head in std::iter::once(field).chain(is_a_target.then_some(target)) {
                    let refusal = read(head.as_bytes()).expect_err(&head);
                    let named = refusal.detail.contains(why);
                    assert!(refusal.status == 400 && named, "{head:?}: {refusal:?}");
                }
            }
        }
    }

    #[test]
    fn a_request_line_has_three_words() {
        for (status, line) in [
            (400, ""),
            (400, "GET /"),
            (400, "GET  / HTTP/1.1"),
            (400, "GET / HTTP/1.1 "),
            (400, " GET / HTTP/1.1"),
            (400, "GET /a b HTTP/1.1"),
            (400, "GET\t/ HTTP/1.1"),
            (400, "G(T / HTTP/1.1"),
            (400, "GET a HTTP/1.1"),
            (400, "GET * HTTP/1.1"),
            (400, "GET ftp://a/ HTTP/1.1"),
            (400, "GET http:///x HTTP/1.1"),
            (400, "GET http://u@a/ HTTP/1.1"),
            (400, "GET http://b/ HTTP/1.1"),
            (400, "GET http://a:80/ HTTP/1.1"),
            (400, "GET /#x HTTP/1.1"),
            (400, "GET /health?a#x HTTP/1.1"),
            (400, "GET http://a/#x HTTP/1.1"),
            (400, "GET http://a#x HTTP/1.1"),
            (400, "OPTIONS *#x HTTP/1.1"),
            (400, "GET / http/1.1"),
            (400, "GET / HTTP/11"),
            (505, "GET / HTTP/2.0"),
            (505, "GET / HTTP/1.2"),
            (501, "CONNECT a:80 HTTP/1.1"),
        ] {
            assert_eq!(read_lines(&[line, "Host: a"]), Err(status), "{line}");
        }
        assert_eq!(read_lines(&["GET / HTTP/1.1"]), Err(400), "no host");
        assert_eq!(read_lines(&["GET / HTTP/1.0", "Transfer-Encoding: chunked"]), Err(400));
    }
}
