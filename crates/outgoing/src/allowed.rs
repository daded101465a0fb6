//! Destinations that an operator allows although their address is special or their port unusual: an internal service,
//! or a test's server.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    str::FromStr,
};

/// One entry of the configuration: a range of addresses at any port, or a host at one port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Allowed {
    /// All addresses that have the first `bits` bits in common with this one, at every port.
    Range {
        /// Any address of the range.
        address: IpAddr,
        /// How many bits they have in common.
        bits: u8,
    },
    /// A host by the name or the number that URLs have for it, at one port, whatever its addresses are.
    Host {
        /// In the form in which URLs are compared: lower case, punycode, IPv6 without brackets.
        host: String,
        /// The only port.
        port: u16,
    },
}

/// Why an entry is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "this is neither a range of addresses like 10.0.0.0/8 or fd00::/8, nor an address, nor a host with its port like search.internal:8080"
)]
pub struct NotAllowed;

impl Allowed {
    /// Whether it allows this host, at this port, with all these addresses.
    pub(crate) fn allows(&self, name: &str, wanted: u16, addresses: &[IpAddr]) -> bool {
        match self {
            Self::Range { address, bits } => addresses.iter().all(|other| in_common(*address, *other, *bits)),
            Self::Host { host, port } => host == name && *port == wanted,
        }
    }
}

/// Whether the first bits of two addresses are the same. An IPv4 address is never in a range of IPv6.
fn in_common(one: IpAddr, other: IpAddr, bits: u8) -> bool {
    let (one, other, width) = match (one, other) {
        (IpAddr::V4(one), IpAddr::V4(other)) => (u128::from(one.to_bits()), u128::from(other.to_bits()), 32),
        (IpAddr::V6(one), IpAddr::V6(other)) => (one.to_bits(), other.to_bits(), 128),
        _ => return false,
    };
    // Shifting by the whole width is no shift: nothing need be in common.
    (one ^ other).checked_shr(width - u32::from(bits)).unwrap_or(0) == 0
}

impl FromStr for Allowed {
    type Err = NotAllowed;

    fn from_str(text: &str) -> Result<Self, NotAllowed> {
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self::Range { address, bits: if address.is_ipv4() { 32 } else { 128 } });
        }
        if let Some((address, bits)) = text.split_once('/') {
            let address: IpAddr = address.parse().map_err(|_| NotAllowed)?;
            let bits: u8 = bits.parse().map_err(|_| NotAllowed)?;
            let most = if address.is_ipv4() { 32 } else { 128 };
            return if bits <= most { Ok(Self::Range { address, bits }) } else { Err(NotAllowed) };
        }
        if let Ok(place) = text.parse::<SocketAddr>() {
            return Ok(Self::Host { host: place.ip().to_string(), port: place.port() });
        }
        let (name, port) = text.rsplit_once(':').ok_or(NotAllowed)?;
        let port = port.parse().map_err(|_| NotAllowed)?;
        match url::Host::parse(name) {
            Ok(url::Host::Domain(host)) => Ok(Self::Host { host, port }),
            // A number in a form in which nobody would look for it.
            _ => Err(NotAllowed),
        }
    }
}

impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Range { address, bits } => write!(f, "{address}/{bits}"),
            Self::Host { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Host { host, port } => write!(f, "{host}:{port}"),
        }
    }
}
