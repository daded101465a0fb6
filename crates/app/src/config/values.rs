//! Values that more than one key or layer must understand: addresses, origins, networks, durations.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
};

use connect::PublicUrl;

use super::key::Input;

/// An address to listen on. `localhost` stands for 127.0.0.1; port 0 lets the system choose.
pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    let text = text.trim();
    let numeric = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
    numeric.as_deref().unwrap_or(text).parse().map_err(|_| "is not an address with a port".to_owned())
}

pub(super) const ADDRESS: &str =
    "an IP address and a port, such as \"127.0.0.1:8080\" or \"[::]:8080\"; port 0 takes a free one";

/// An origin in its normal form: as a browser writes it in `Origin`.
fn origin(text: &str) -> Result<String, String> {
    connect::address::origin(text).map_err(|wrong| format!("{text:?} {wrong}"))
}

/// A list of origins in their normal form.
pub(super) fn origins(input: Input<'_>) -> Result<Vec<String>, String> {
    input.list()?.iter().map(|entry| origin(entry)).collect()
}

/// An address that people use, `http(s)://host[:port][/path]`, in its normal form.
pub(super) fn public_url(text: &str) -> Result<String, String> {
    let url = PublicUrl::parse(text)?;
    match connect::below::rival(url.path()) {
        Some(own) => Err(format!(
            "is below {}, which cannot be told from the server's own path {own}; take another one",
            url.path()
        )),
        None => Ok(url.to_string()),
    }
}

/// Bits before an IPv4 address that is written as IPv6, `::ffff:10.0.0.1`.
const MAPPED: u8 = 96;

/// A network address with a prefix length, in its normal form: IPv4 is not written as IPv6, and what the prefix does
/// not cover is zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subnet {
    address: IpAddr,
    prefix: u8,
}

impl Subnet {
    /// Reads an address, or a network with its prefix.
    ///
    /// # Errors
    /// The fault in it, in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is neither an IP address nor a network");
        let (address, prefix) = match text.trim().split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text.trim(), None),
        };
        let written: IpAddr = address.parse().map_err(|_| wrong())?;
        let longest = if written.is_ipv4() { 32 } else { 128 };
        let digits = |text: &&str| text.bytes().all(|b| b.is_ascii_digit());
        let prefix: Option<u8> = prefix.map_or(Some(longest), |text| Some(text).filter(digits)?.parse().ok());
        let prefix = prefix.filter(|prefix| *prefix <= longest).ok_or_else(wrong)?;
        match (written, written.to_canonical(), prefix.checked_sub(MAPPED)) {
            (IpAddr::V6(_), IpAddr::V4(v4), Some(prefix)) => Ok(Self::new(v4.into(), prefix)),
            (IpAddr::V6(_), IpAddr::V4(_), None) => {
                Err(format!("{text:?} is wider than all of IPv4; write IPv4 networks as such, for example 10.0.0.0/8"))
            }
            _ => Ok(Self::new(written, prefix)),
        }
    }

    fn new(address: IpAddr, prefix: u8) -> Self {
        let address = match address {
            IpAddr::V4(v4) => {
                let mask = u32::MAX.checked_shl(u32::from(32 - prefix)).unwrap_or(0);
                IpAddr::V4(std::net::Ipv4Addr::from_bits(v4.to_bits() & mask))
            }
            IpAddr::V6(v6) => {
                let mask = u128::MAX.checked_shl(u32::from(128 - prefix)).unwrap_or(0);
                IpAddr::V6(std::net::Ipv6Addr::from_bits(v6.to_bits() & mask))
            }
        };
        Self { address, prefix }
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

impl fmt::Display for Subnet {
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
