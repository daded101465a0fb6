//! Site addresses in one normal form: as browsers write the `Origin` of a page.
//!
//! Lower case, names in ASCII (IDNA), without the scheme's default port, without a dot at the end of a name. Addresses
//! from the configuration and from requests are brought into this form by the same function before they are compared.

use std::{fmt, net::IpAddr};

use url::{Host, Url};

/// The longest path that a public address may have, in bytes.
const LONGEST_PATH: usize = 200;

/// The server's public address: an origin, and optionally a path below which the server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl {
    origin: String,
    path: String,
}

/// The server's place on the web: its address, the proxies in front of it, and the pages that may connect to it.
pub struct Site {
    /// The public address.
    pub public_url: PublicUrl,
    /// Origins whose pages may connect, the server's own among them, in normal form ([`origin`]).
    pub allowed_origins: Vec<String>,
    /// Whether this address is a trusted proxy's, whose `X-Forwarded-For` may be believed.
    pub is_trusted_proxy: Box<dyn Fn(IpAddr) -> bool + Send + Sync>,
}

impl PublicUrl {
    /// Parses `http(s)://host[:port][/path]`.
    ///
    /// # Errors
    /// A description of the mistake, which continues a sentence that begins with the given text.
    pub fn parse(text: &str) -> Result<Self, String> {
        let url = plain_url(text)?;
        let origin = site(&url)?;
        let path = url.path().trim_end_matches('/');
        // The path is written into pages, headers and routes, so it may hold nothing that must be quoted there.
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~%/".contains(&b);
        if !path.bytes().all(plain) || path.contains("//") || path.len() > LONGEST_PATH {
            return Err(format!(
                "has a path other than /parts/of letters, digits, \"-\", \".\", \"_\" and \"~\", {LONGEST_PATH} at most"
            ));
        }
        Ok(Self { origin, path: path.to_owned() })
    }

    /// The origin of the server's pages: `https://chat.example.org`.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The prefix of the server's own paths: empty, or like `/chat`, without a slash at the end.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin, self.path)
    }
}

/// An origin in its normal form: `scheme://host`, with the port unless it is the scheme's default.
///
/// # Errors
/// A description of the mistake, which continues a sentence that begins with the given text.
pub fn origin(text: &str) -> Result<String, String> {
    let url = plain_url(text)?;
    let origin = site(&url)?;
    if url.path() != "/" {
        return Err("has a path; an origin ends with its host or port".to_owned());
    }
    Ok(origin)
}

/// Parses a web address that names a site and nothing else. The URL parser accepts, like browsers, much that an
/// operator did not mean (`https:host`, a line break inside), so that is refused first.
fn plain_url(text: &str) -> Result<Url, String> {
    let text = text.trim();
    let rest = ["http://", "https://"].iter().find_map(|scheme| {
        text.get(..scheme.len()).filter(|head| head.eq_ignore_ascii_case(scheme)).and(text.get(scheme.len()..))
    });
    let rest = rest.ok_or("does not begin with http:// or https://")?;
    for (found, wrong) in [
        (rest.is_empty() || rest.starts_with('/'), "names no host"),
        (rest.contains(['?', '#']), "has a query or a fragment"),
        (rest.contains('@'), "names a user"),
        (rest.contains(|c: char| c == '\\' || c.is_whitespace() || c.is_control()), "has a blank or a backslash"),
    ] {
        if found {
            return Err(wrong.to_owned());
        }
    }
    Url::parse(text).map_err(|error| format!("is no address of a site: {error}"))
}

/// Scheme, host and port.
fn site(url: &Url) -> Result<String, String> {
    let host = match url.host() {
        Some(Host::Domain(name)) => {
            let name = name.strip_suffix('.').unwrap_or(name);
            let label = |label: &str| {
                !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            };
            if !name.split('.').all(label) {
                return Err("has no valid host".to_owned());
            }
            name.to_owned()
        }
        Some(address) => address.to_string(),
        None => return Err("names no host".to_owned()),
    };
    // The parser leaves out the scheme's default port.
    match url.port() {
        Some(0) => Err("has port 0, which nobody can connect to".to_owned()),
        Some(port) => Ok(format!("{}://{host}:{port}", url.scheme())),
        None => Ok(format!("{}://{host}", url.scheme())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_has_one_form_however_it_was_written() {
        for (written, normal) in [
            ("https://chat.example.org", "https://chat.example.org"),
            ("https://chat.example.org/", "https://chat.example.org"),
            ("https://chat.example.org:443", "https://chat.example.org"),
            ("http://chat.example.org:80", "http://chat.example.org"),
            ("http://chat.example.org:443", "http://chat.example.org:443"),
            ("https://chat.example.org:0443", "https://chat.example.org"),
            ("https://chat.example.org:8443", "https://chat.example.org:8443"),
            (" HTTPS://CHAT.Example.ORG ", "https://chat.example.org"),
            ("https://chat.example.org.", "https://chat.example.org"),
            ("https://chat.example.org.:443/", "https://chat.example.org"),
            ("https://bücher.example", "https://xn--bcher-kva.example"),
            ("https://BÜCHER.example:443", "https://xn--bcher-kva.example"),
            ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example"),
            ("https://straße.example", "https://xn--strae-oqa.example"),
            ("https://ｃhat.example", "https://chat.example"),
            ("http://[::1]:80", "http://[::1]"),
            ("http://[2001:DB8:0:0::1]:8080", "http://[2001:db8::1]:8080"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("http://localhost", "http://localhost"),
            ("http://my_host", "http://my_host"),
        ] {
            assert_eq!(origin(written).as_deref(), Ok(normal), "{written}");
            assert_eq!(PublicUrl::parse(written).map(|url| url.to_string()).as_deref(), Ok(normal), "{written}");
        }
    }

    #[test]
    fn anything_but_a_plain_site_address_is_refused_with_the_reason() {
        for (written, reason) in [
            ("", "http://"),
            ("null", "http://"),
            ("*", "http://"),
            ("chat.example.org", "http://"),
            ("ftp://chat.example.org", "http://"),
            ("https:chat.example.org", "http://"),
            ("https://", "no host"),
            ("https:///chat.example.org", "no host"),
            ("https://:443", "empty host"),
            ("https://*.example.org", "valid host"),
            ("https://.", "valid host"),
            ("https://chat..example.org", "valid host"),
            ("https://chat.example.org..", "valid host"),
            ("https://ann@chat.example.org", "user"),
            ("https://ann:pw@chat.example.org", "user"),
            ("https://@chat.example.org", "user"),
            ("https://chat.example.org?a=1", "query"),
            ("https://chat.example.org/#a", "fragment"),
            ("https://chat.example.org\\evil.org", "backslash"),
            ("https://chat.exa\nmple.org", "blank"),
            ("https://chat.example.org https://evil.org", "blank"),
            ("https://chat.example.org:65536", "port"),
            ("https://chat.example.org:0", "port 0"),
            ("https://chat.example.org:https", "port"),
            ("https://[::1", "address"),
            ("https://[fe80::1%25eth0]", "address"),
            ("https://chat.example.org,https://evil.org", "valid host"),
        ] {
            for refused in [origin(written).unwrap_err(), PublicUrl::parse(written).map(|_| ()).unwrap_err()] {
                assert!(refused.contains(reason), "{written}: {refused}");
            }
        }
    }

    #[test]
    fn a_public_address_may_have_a_path_and_an_origin_may_not() {
        for (written, path) in [
            ("https://example.org/chat", "/chat"),
            ("https://example.org/chat/", "/chat"),
            ("https://example.org:443/a/B_c-d.e~f//", "/a/B_c-d.e~f"),
            ("https://example.org/a/../chat", "/chat"),
            ("https://example.org/caf%C3%A9", "/caf%C3%A9"),
            ("https://example.org/café", "/caf%C3%A9"),
        ] {
            let url = PublicUrl::parse(written).unwrap();
            assert_eq!((url.origin(), url.path()), ("https://example.org", path), "{written}");
            assert_eq!(PublicUrl::parse(&url.to_string()), Ok(url), "{written}: it is its own normal form");
            assert!(origin(written).unwrap_err().contains("path"), "{written}");
        }
        for written in [
            "https://example.org/a//b",
            "https://example.org/it's",
            "https://example.org/a&b",
            "https://example.org//chat",
        ] {
            assert!(PublicUrl::parse(written).unwrap_err().contains("path"), "{written}");
        }
        assert!(PublicUrl::parse(&format!("https://example.org/{}", "a".repeat(LONGEST_PATH))).is_err());
    }
}
