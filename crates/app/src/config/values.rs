//! Values that more than one key or layer must understand: addresses, origins, networks, durations.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
};

/// An address to listen on. `localhost` stands for 127.0.0.1; port 0 lets the system choose.
pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    let text = text.trim();
    let numeric = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
    numeric.as_deref().unwrap_or(text).parse().map_err(|_| "is not an address with a port".to_owned())
}

pub(super) const ADDRESS: &str =
    "an IP address and a port, such as \"127.0.0.1:8080\" or \"[::]:8080\"; port 0 takes a free one";

/// `scheme://host[:port]` as a browser writes it in `Origin`: lower case, the scheme's own port left out.
pub(super) fn origin(text: &str) -> Result<String, String> {
    let (scheme, authority) = split_url(text)?;
    if authority.contains(['/', '?', '#']) {
        return Err(format!("\"{text}\" has a path; an origin ends with its host or port"));
    }
    let (host, port) = host_and_port(authority).ok_or_else(|| format!("\"{text}\" has no valid host or port"))?;
    let own_port = if scheme == "https" { 443 } else { 80 };
    Ok(match port {
        Some(port) if port != own_port => format!("{scheme}://{host}:{port}"),
        _ => format!("{scheme}://{host}"),
    })
}

/// An address that people use: `http(s)://host[:port][/path]`, kept without a slash at its end.
pub(super) fn public_url(text: &str) -> Result<String, String> {
    let text = text.trim().trim_end_matches('/');
    let (scheme, rest) = split_url(text)?;
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    if path.contains(['?', '#', ' ']) || host_and_port(authority).is_none() {
        return Err("is not a plain address of a site".to_owned());
    }
    Ok(format!("{scheme}://{}{path}", authority.to_ascii_lowercase()))
}

fn split_url(text: &str) -> Result<(&'static str, &str), String> {
    for scheme in ["http", "https"] {
        if let Some(rest) =
            text.get(..scheme.len() + 3).filter(|head| head.eq_ignore_ascii_case(&format!("{scheme}://")))
        {
            return Ok((scheme, &text[rest.len()..]));
        }
    }
    Err(format!("\"{text}\" does not begin with http:// or https://"))
}

fn host_and_port(authority: &str) -> Option<(String, Option<u16>)> {
    let bracket = authority.rfind(']').map_or(0, |at| at + 1);
    let (host, port) = match authority[bracket..].rfind(':') {
        Some(colon) => {
            let port = &authority[bracket + colon + 1..];
            (&authority[..bracket + colon], Some(port.parse().ok().filter(|port| *port != 0)?))
        }
        None => (authority, None),
    };
    let inside = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let valid = match inside {
        Some(v6) => v6.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_')),
    };
    valid.then(|| (host.to_ascii_lowercase(), port))
}

/// A network address with a prefix length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("\"{text}\" is neither an IP address nor a network");
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix.parse::<u8>().map_err(|_| wrong())?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.unwrap_or(longest);
        if prefix > longest { Err(wrong()) } else { Ok(Self { address, prefix }) }
    }

    /// Whether the address belongs to the network. An IPv4 address mapped into IPv6 counts as IPv4.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(net), IpAddr::V4(other)) => same(net.to_bits().into(), other.to_bits().into(), 32, self.prefix),
            (IpAddr::V6(net), IpAddr::V6(other)) => same(net.to_bits(), other.to_bits(), 128, self.prefix),
            _ => false,
        }
    }
}

fn same(a: u128, b: u128, width: u8, prefix: u8) -> bool {
    (a ^ b).checked_shr(u32::from(width - prefix)).unwrap_or(0) == 0
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

/// Seconds of a duration such as `15m`, `7d`, `1h30m` or `45s`; a bare number counts seconds.
pub(crate) fn seconds(text: &str) -> Result<i64, String> {
    let wrong = || format!("\"{text}\" is not a duration such as 30s, 15m, 12h or 7d");
    let text = text.trim();
    if let Ok(bare) = text.parse::<u32>() {
        return Ok(bare.into());
    }
    let mut total: i64 = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
        let number: i64 = rest[..digits].parse().map_err(|_| wrong())?;
        let unit_end = rest[digits..].find(|c: char| c.is_ascii_digit()).map_or(rest.len(), |at| digits + at);
        let unit = match &rest[digits..unit_end] {
            "s" | "sec" | "secs" => 1,
            "m" | "min" | "mins" => 60,
            "h" | "hour" | "hours" => 3_600,
            "d" | "day" | "days" => 86_400,
            "w" | "week" | "weeks" => 7 * 86_400,
            _ => return Err(wrong()),
        };
        total = number.checked_mul(unit).and_then(|part| total.checked_add(part)).ok_or_else(wrong)?;
        rest = &rest[unit_end..];
    }
    if text.is_empty() { Err(wrong()) } else { Ok(total) }
}

/// One of a few words, compared without case.
pub(super) fn one_of<T: Copy>(text: &str, words: &[(&str, T)]) -> Result<T, String> {
    let text = text.trim();
    words
        .iter()
        .find(|(word, _)| word.eq_ignore_ascii_case(text))
        .map(|(_, value)| *value)
        .ok_or_else(|| "is none of the words that are known".to_owned())
}
