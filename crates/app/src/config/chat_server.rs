//! `[chat_server]`: the endpoint for clients of the old chat-server.

use std::net::{Ipv4Addr, SocketAddr};

use super::{
    hosts,
    key::{Key, text},
    old_endpoints::ORIGINS,
    values::{self, ADDRESS},
};

/// The endpoint for clients of the old chat-server; see [`ChatServer::address`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChatServer {
    /// Where it listens.
    pub listen: Option<SocketAddr>,
    /// Whether it is open.
    pub enabled: Option<bool>,
    /// Origins whose pages may connect here. While there are none, those of any page may that have a token.
    pub allowed_origins: Vec<String>,
    /// The host application whose endpoint it is; `default` if none is named.
    pub host: Option<String>,
}

impl ChatServer {
    /// Where the endpoint listens, if it is open: it is if it was enabled, or if it was given an address
    /// and not disabled. Without an address it is where the old server was, on 127.0.0.1:9001.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        let usual = SocketAddr::from((Ipv4Addr::LOCALHOST, 9001));
        self.enabled.unwrap_or(self.listen.is_some()).then(|| self.listen.unwrap_or(usual))
    }
}

pub(super) fn keys() -> Vec<Key> {
    vec![
        Key::new(
            "chat_server",
            "listen",
            "Where the endpoint listens. Its clients expect port 9001.",
            ADDRESS,
            |_, config, input| {
                input.text().and_then(values::address).map(|address| config.chat_server.listen = Some(address))
            },
            |_, config| config.chat_server.listen.as_ref().and_then(text),
        )
        .unset("\"127.0.0.1:9001\"", "127.0.0.1:9001 if the endpoint is enabled"),
        Key::new(
            "chat_server",
            "enabled",
            "Whether the endpoint is open.",
            "true or false",
            |_, config, input| input.boolean().map(|on| config.chat_server.enabled = Some(on)),
            |_, config| config.chat_server.enabled.map(Into::into),
        )
        .unset("true", "true if `listen` is set, else false"),
        Key::new(
            "chat_server",
            "allowed_origins",
            "If there are any, only their pages may connect to this endpoint, with the server's own and those of \
             `server.allowed_origins`. Else any page may that has a token for its address.",
            ORIGINS,
            |_, config, input| values::origins(input).map(|origins| config.chat_server.allowed_origins = origins),
            |_, config| Some(config.chat_server.allowed_origins.clone().into()),
        ),
        super::old_endpoints::host_key(
            "chat_server",
            |_, config, input| input.text().and_then(hosts::name).map(|name| config.chat_server.host = Some(name)),
            |_, config| config.chat_server.host.clone().map(Into::into),
        ),
    ]
}
