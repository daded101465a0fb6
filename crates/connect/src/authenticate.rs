//! Who is speaking, and from where.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, header};

use crate::Shared;

/// The token of an `Authorization: Bearer` header. The old doors' clients leave the scheme out.
pub(crate) fn bearer(headers: &HeaderMap, scheme_needed: bool) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?.trim();
    match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Some(token.trim()),
        None if !scheme_needed && !value.is_empty() => Some(value),
        _ => None,
    }
}

/// The token of a subprotocol `bearer.<token>`: the only header that a browser's socket can carry.
pub(crate) fn subprotocol_bearer(headers: &HeaderMap) -> Option<&str> {
    subprotocols(headers).find_map(|protocol| protocol.strip_prefix("bearer."))
}

/// The subprotocols that a client offers.
pub(crate) fn subprotocols(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    headers
        .get_all(header::SEC_WEBSOCKET_PROTOCOL)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
}

/// The value of `token=` in a query, wherever it stands.
pub(crate) fn query_token(query: &str) -> Option<&str> {
    query.split('&').find_map(|pair| pair.strip_prefix("token=")).filter(|token| !token.is_empty())
}

/// The client's address: the peer's, or what a trusted proxy says of it. Of several hops, the last one
/// that is not a proxy of ours; what stands further left may be invented.
pub(crate) fn client_address(shared: &Shared, peer: SocketAddr, headers: &HeaderMap) -> IpAddr {
    let mut address = peer.ip();
    let hops: Vec<IpAddr> = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|hop| hop.trim().parse().ok())
        .collect();
    for hop in hops.into_iter().rev() {
        if !(shared.is_trusted_proxy)(address) {
            break;
        }
        address = hop;
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: header::HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, header::HeaderValue::from_static(value))])
    }

    #[test]
    fn tokens_are_found_where_clients_put_them() {
        let with = |value| headers(header::AUTHORIZATION, value);
        assert_eq!(bearer(&with("Bearer abc"), true), Some("abc"));
        assert_eq!(bearer(&with("bearer abc"), true), Some("abc"));
        assert_eq!(bearer(&with("abc"), true), None);
        assert_eq!(bearer(&with("abc"), false), Some("abc"));
        assert_eq!(bearer(&with("Basic abc"), false), None);
        let offered = headers(header::SEC_WEBSOCKET_PROTOCOL, "palabre.v1, bearer.abc");
        assert_eq!(subprotocol_bearer(&offered), Some("abc"));
        assert_eq!(query_token("a=1&token=abc"), Some("abc"));
        assert_eq!(query_token("mytoken=abc"), None);
    }
}
