//! `[dreametrix]` and `[matcha]`: listeners of their own for clients that look for an old port. Without one their
//! clients use the common port.

use std::net::SocketAddr;

use super::{
    hosts,
    key::{Get, Key, Set, text},
    values::{self, ADDRESS},
};

/// An endpoint that is open on the common port, and on one of its own if it is given one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OldEndpoint {
    /// Where it listens besides the common port.
    pub listen: Option<SocketAddr>,
    /// Origins whose pages may connect here, besides those of `server.allowed_origins`.
    pub allowed_origins: Vec<String>,
    /// The host application whose endpoint it is; `default` if none is named.
    pub host: Option<String>,
}

/// The origins of one endpoint, in the words of its key.
pub(super) const ORIGINS: &str = "a list of scheme://host or scheme://host:port (no path, no `*`)";

pub(super) fn keys() -> Vec<Key> {
    vec![
        Key::new(
            "dreametrix",
            "listen",
            "Where the endpoint listens besides the common port. Its clients expect port 8000.",
            ADDRESS,
            |_, config, input| set(&mut config.dreametrix, input.text()?),
            |_, config| config.dreametrix.listen.as_ref().and_then(text),
        )
        .unset("\"127.0.0.1:8000\"", "the common port only"),
        host_key(
            "dreametrix",
            |_, config, input| input.text().and_then(hosts::name).map(|name| config.dreametrix.host = Some(name)),
            |_, config| config.dreametrix.host.clone().map(Into::into),
        ),
        Key::new(
            "dreametrix",
            "allowed_origins",
            "Origins whose pages may connect to this endpoint, besides those of `server.allowed_origins`.",
            ORIGINS,
            |_, config, input| values::origins(input).map(|origins| config.dreametrix.allowed_origins = origins),
            |_, config| Some(config.dreametrix.allowed_origins.clone().into()),
        ),
        Key::new(
            "matcha",
            "listen",
            "Where the endpoint listens besides the common port. Its clients expect port 8004.",
            ADDRESS,
            |_, config, input| set(&mut config.matcha, input.text()?),
            |_, config| config.matcha.listen.as_ref().and_then(text),
        )
        .unset("\"127.0.0.1:8004\"", "the common port only"),
        Key::new(
            "matcha",
            "allowed_origins",
            "Origins whose pages may connect to this endpoint, besides those of `server.allowed_origins`.",
            ORIGINS,
            |_, config, input| values::origins(input).map(|origins| config.matcha.allowed_origins = origins),
            |_, config| Some(config.matcha.allowed_origins.clone().into()),
        ),
        host_key(
            "matcha",
            |_, config, input| input.text().and_then(hosts::name).map(|name| config.matcha.host = Some(name)),
            |_, config| config.matcha.host.clone().map(Into::into),
        ),
    ]
}

/// The host whose endpoint it is.
pub(super) fn host_key(section: &'static str, set: Set, get: Get) -> Key {
    Key::new(
        section,
        "host",
        "The host application whose endpoint it is: people are known here by its numbers (docs/features/hosts.md).",
        hosts::NAME,
        set,
        get,
    )
    .unset("\"default\"", "`default`")
}

fn set(endpoint: &mut OldEndpoint, given: &str) -> Result<(), String> {
    endpoint.listen = Some(values::address(given)?);
    Ok(())
}
