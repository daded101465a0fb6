//! The network that an address belongs to: the unit in which limits for unauthenticated clients are counted.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

/// The bits of an IPv6 address that identify its owner. A customer is given at least a /64 (RFC 6177) and may use any
/// of its 2⁶⁴ addresses, so a limit per address would be useless.
const SITE: u32 = 64;
/// The prefix under which translators write IPv4 addresses as IPv6 (RFC 6052), without its last 32 bits.
const TRANSLATED: u128 = 0x0064_ff9b << 96;

/// One IPv4 address, or one IPv6 /64. Limits per network address count by this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Network(IpAddr);

impl Network {
    /// The network of an address. An IPv4 address is its own, also if it is written as IPv6 (`::ffff:192.0.2.1`, as a
    /// listener on `[::]` sees it, or `64:ff9b::192.0.2.1`).
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self(address),
            IpAddr::V6(v6) => Self(v6.to_ipv4_mapped().or_else(|| translated(v6)).map_or_else(|| site(v6), IpAddr::V4)),
        }
    }
}

fn site(address: Ipv6Addr) -> IpAddr {
    let host_bits = u128::BITS - SITE;
    IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> host_bits << host_bits))
}

fn translated(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let bits = address.to_bits() ^ TRANSLATED;
    u32::try_from(bits).ok().map(Ipv4Addr::from_bits)
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(address) => address.fmt(f),
            IpAddr::V6(address) => write!(f, "{address}/{SITE}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(address: &str) -> String {
        Network::of(address.parse().expect(address)).to_string()
    }

    #[test]
    fn an_ipv4_address_is_one_however_it_is_written() {
        for form in ["192.0.2.1", "::ffff:192.0.2.1", "::ffff:c000:201", "64:ff9b::192.0.2.1"] {
            assert_eq!(network(form), "192.0.2.1", "{form}");
        }
        assert_ne!(network("192.0.2.2"), network("192.0.2.1"));
    }

    #[test]
    fn all_addresses_of_an_ipv6_slash_64_are_one() {
        assert_eq!(network("2001:db8:1:2::1"), "2001:db8:1:2::/64");
        assert_eq!(network("2001:db8:1:2:ffff:ffff:ffff:ffff"), "2001:db8:1:2::/64");
        assert_eq!(network("2001:db8:1:3::1"), "2001:db8:1:3::/64");
        assert_eq!(network("::1"), "::/64");
        // Another network's translation prefix says nothing about the owner of the IPv4 address.
        assert_eq!(network("64:ff9b:1::192.0.2.1"), "64:ff9b:1::/64");
    }
}
