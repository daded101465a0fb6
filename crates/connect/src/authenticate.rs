//! Finds and verifies the credentials of a handshake or a request.

use std::sync::Arc;

use axum::http::{HeaderMap, Method, header};
use chat::{Error, ErrorCode, FileId};
use engine::Arrival;

use crate::{
    Endpoint,
    headers::{self, PagesOrigin, is_allowed},
    steps::unauthenticated,
};

/// A credential. Browsers send a cookie whatever page asks them to, but never a token.
enum Credential<'a> {
    Token(&'a str),
    Cookie(&'a str),
}

/// A person whose credential was verified.
pub(crate) struct Known {
    pub arrival: Arc<Arrival>,
    /// The verified token; `None` if the credential was a cookie.
    pub token: Option<String>,
}

/// Verifies a handshake's credentials: the first valid one counts, in order of preference.
pub(crate) async fn of_handshake(
    endpoint: &Endpoint,
    headers: &HeaderMap,
    query: Option<&str>,
) -> Result<Option<Known>, Error> {
    let places = endpoint.dialect.credentials;
    let mut found: Vec<Credential<'_>> =
        bearer(headers, places.scheme_needed).into_iter().map(Credential::Token).collect();
    if places.subprotocol {
        found.extend(subprotocol_bearer(headers).map(Credential::Token));
    }
    if places.in_query {
        found.extend(query.and_then(query_token).map(Credential::Token));
    }
    found.extend(places.cookie.and_then(|name| cookie(headers, name)).map(Credential::Cookie));
    // A page of any origin can open a socket with its visitor's cookies.
    first_good(endpoint, headers, found, true).await
}

/// Verifies a request's credentials.
pub(crate) async fn of_request(
    endpoint: &Endpoint,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Option<Known>, Error> {
    let places = endpoint.dialect.credentials;
    let mut found: Vec<Credential<'_>> =
        bearer(headers, places.scheme_needed).into_iter().map(Credential::Token).collect();
    found.extend(places.cookie.and_then(|name| cookie(headers, name)).map(Credential::Cookie));
    // Browsers send no `Origin` when a page reads from its own site; and pages of other sites cannot read the answer.
    first_good(endpoint, headers, found, !method.is_safe()).await
}

/// Verifies the cookie with which a browser reads files. It is asked for by no page but ours: pages of other sites can
/// neither read what it opens nor show it.
pub(crate) async fn of_files_cookie(
    endpoint: &Endpoint,
    headers: &HeaderMap,
    name: &str,
) -> Result<Option<Known>, Error> {
    let Some(cookie) = cookie(headers, name) else { return Ok(None) };
    let arrival = endpoint.shared.engine.authenticate_files_cookie(cookie).await?;
    endpoint.check_number(&arrival)?;
    Ok(Some(Known { arrival, token: None }))
}

/// Verifies a link to a file: a token in the query, good for this file and nothing else.
pub(crate) async fn of_file_link(
    endpoint: &Endpoint,
    query: Option<&str>,
    file: FileId,
) -> Result<Option<Known>, Error> {
    let pairs = dialects::rest::query_pairs(query.unwrap_or_default())?;
    let Some((_, token)) = pairs.iter().find(|(name, _)| name == "link") else { return Ok(None) };
    let arrival = endpoint.shared.engine.authenticate_file_link(token, file).await?;
    endpoint.check_number(&arrival)?;
    Ok(Some(Known { arrival, token: None }))
}

async fn first_good(
    endpoint: &Endpoint,
    headers: &HeaderMap,
    found: Vec<Credential<'_>>,
    origin_needed: bool,
) -> Result<Option<Known>, Error> {
    if found.is_empty() {
        return Ok(None);
    }
    let engine = &endpoint.shared.engine;
    let mut refusal = unauthenticated();
    for credential in found {
        let (outcome, token) = match credential {
            Credential::Token(token) => (engine.authenticate(token).await, Some(token.to_owned())),
            Credential::Cookie(cookie) => {
                if let Err(error) = check_cookies_origin(endpoint, headers, origin_needed) {
                    refusal = error;
                    continue;
                }
                (engine.authenticate_cookie(cookie).await, None)
            }
        };
        match outcome {
            Ok(arrival) => match endpoint.check_number(&arrival) {
                Ok(()) => return Ok(Some(Known { arrival, token })),
                Err(error) => refusal = error,
            },
            Err(error) => refusal = error,
        }
    }
    Err(refusal)
}

/// Checks that the page's origin is allowed, where a cookie is the only credential.
fn check_cookies_origin(endpoint: &Endpoint, headers: &HeaderMap, needed: bool) -> Result<(), Error> {
    match PagesOrigin::of(headers) {
        PagesOrigin::One(origin) if is_allowed(endpoint, origin) => Ok(()),
        PagesOrigin::None if !needed => Ok(()),
        _ => Err(Error::new(
            ErrorCode::ForbiddenOrigin,
            format!("With a cookie, an Origin that is allowed is needed ({}).", headers::origins_key(endpoint)),
        )),
    }
}

/// The value of a cookie.
fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(known, value)| (known == name && !value.is_empty()).then_some(value))
}

/// Looks up a header by its name in lower case; invalid UTF-8 is replaced.
pub(crate) fn lookup(headers: &HeaderMap) -> impl Fn(&str) -> Option<String> {
    move |name| headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}

/// The token of an `Authorization: Bearer` header. Clients of the old endpoints omit the scheme.
pub(crate) fn bearer(headers: &HeaderMap, scheme_needed: bool) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?.trim();
    match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Some(token.trim()),
        None if !scheme_needed && !value.is_empty() => Some(value),
        _ => None,
    }
}

/// The token of a subprotocol `bearer.<token>`: the only header that a browser's WebSocket can set.
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

/// The value of the parameter `token` in a query.
pub(crate) fn query_token(query: &str) -> Option<&str> {
    query.split('&').find_map(|pair| pair.strip_prefix("token=")).filter(|token| !token.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: header::HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, header::HeaderValue::from_static(value))])
    }

    #[test]
    fn a_cookie_is_found_among_others() {
        let with = |value| headers(header::COOKIE, value);
        assert_eq!(cookie(&with("a=1; sessionid=abc; b=2"), "sessionid"), Some("abc"));
        assert_eq!(cookie(&with("sessionid=a=b"), "sessionid"), Some("a=b"));
        for other in ["xsessionid=abc", "sessionid=", "sessionid", "SESSIONID=abc"] {
            assert_eq!(cookie(&with(other), "sessionid"), None, "{other}");
        }
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
