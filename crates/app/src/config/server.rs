//! `[server]`: how the server is reached.

use std::{
    fmt,
    net::{Ipv4Addr, SocketAddr},
};

use super::{
    key::{Key, text},
    old_endpoints::ORIGINS,
    values::{self, ADDRESS, Subnet},
};

/// How the server is reached.
#[derive(Clone, Debug, PartialEq)]
pub struct Server {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Its name for people.
    pub name: String,
    /// The address that people use, in its normal form, without a slash at its end; see [`super::Config::public_url`].
    pub public_url: Option<String>,
    /// Origins that may open a socket from a browser, beside the server's own; as browsers write them.
    pub allowed_origins: Vec<String>,
    /// Proxies whose word on a request is believed: `X-Forwarded-For`, `-Proto` and `-Host`.
    pub trusted_proxies: Vec<Subnet>,
    /// A listener of its own for `/metrics`.
    pub metrics_listen: Option<SocketAddr>,
    /// The purpose of the server.
    pub environment: Deployment,
    /// Seconds that stopping may take.
    pub shutdown_seconds: u64,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            name: "Palabre".to_owned(),
            public_url: None,
            allowed_origins: Vec::new(),
            trusted_proxies: Vec::new(),
            metrics_listen: None,
            environment: Deployment::Production,
            shutdown_seconds: 30,
        }
    }
}

/// The purpose of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deployment {
    /// Somebody works on it.
    Development,
    /// Tried before it goes to people.
    Staging,
    /// People use it.
    Production,
}

impl fmt::Display for Deployment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Development => "development",
            Self::Staging => "staging",
            Self::Production => "production",
        })
    }
}

const DEPLOYMENTS: &[(&str, Deployment)] = &[
    ("development", Deployment::Development),
    ("dev", Deployment::Development),
    ("staging", Deployment::Staging),
    ("test", Deployment::Staging),
    ("production", Deployment::Production),
    ("prod", Deployment::Production),
];

pub(super) fn keys() -> Vec<Key> {
    vec![
        Key::new(
            "server",
            "listen",
            "Where the server listens for HTTP and WebSocket. Set 0.0.0.0 or [::] to be reached from other machines.",
            ADDRESS,
            |_, config, input| input.text().and_then(values::address).map(|address| config.server.listen = address),
            |_, config| text(&config.server.listen),
        ),
        Key::new(
            "server",
            "name",
            "The server's name, shown to people.",
            "1 to 100 characters",
            |_, config, input| {
                let name = input.text()?.trim();
                if name.is_empty() || name.chars().count() > 100 || name.contains(char::is_control) {
                    return Err("is not a name".to_owned());
                }
                config.server.name = name.to_owned();
                Ok(())
            },
            |_, config| text(&config.server.name),
        ),
        Key::new(
            "server",
            "public_url",
            "The address that people use, if a proxy stands before the server. Its origin may open sockets. With a path, \
             everything is below it; the proxy may take the path off or not.",
            "http:// or https://, a host, and perhaps a port and a path; no user, query or fragment",
            |_, config, input| {
                input.text().and_then(values::public_url).map(|url| config.server.public_url = Some(url))
            },
            |_, config| config.server.public_url.as_ref().and_then(text),
        )
        .unset("\"https://chat.example.org\"", "http://localhost with the port of `listen`"),
        Key::new(
            "server",
            "allowed_origins",
            "Origins whose pages may open a socket from a browser, beside the server's own, in any form: case, the \
             scheme's own port and the like make no difference. They may at every endpoint, and each of the old ones \
             has a list of its own besides. Programs that send no `Origin` are not concerned.",
            ORIGINS,
            |_, config, input| values::origins(input).map(|origins| config.server.allowed_origins = origins),
            |_, config| Some(config.server.allowed_origins.clone().into()),
        ),
        Key::new(
            "server",
            "trusted_proxies",
            "Proxies whose word on a caller is believed: its address (`X-Forwarded-For`), and how and under which name it \
             asked (`X-Forwarded-Proto`, `X-Forwarded-Host`).",
            "a list of IP addresses and networks, such as [\"127.0.0.1\", \"10.0.0.0/8\"]",
            |_, config, input| {
                let networks = input.list()?.iter().map(|entry| Subnet::parse(entry)).collect::<Result<_, _>>()?;
                config.server.trusted_proxies = networks;
                Ok(())
            },
            |_, config| Some(config.server.trusted_proxies.iter().map(ToString::to_string).collect::<Vec<_>>().into()),
        ),
        Key::new(
            "server",
            "metrics_listen",
            "A listener of its own for `/metrics`, which the public one then no longer answers.",
            ADDRESS,
            |_, config, input| {
                input.text().and_then(values::address).map(|address| config.server.metrics_listen = Some(address))
            },
            |_, config| config.server.metrics_listen.as_ref().and_then(text),
        )
        .unset("\"127.0.0.1:9090\"", "`/metrics` is answered on `listen`"),
        Key::new(
            "server",
            "environment",
            "What this server is for. In development the playground is served (`web.playground`), the start tells where \
             the API is described, and pages of ports 3000 and 8000 of this machine may open sockets at those old \
             endpoints that admitted them and have no `allowed_origins` of their own.",
            "development (dev), staging (test) or production (prod)",
            |_, config, input| {
                config.server.environment = values::one_of(input.text()?, DEPLOYMENTS)?;
                Ok(())
            },
            |_, config| text(&config.server.environment),
        ),
        Key::new(
            "server",
            "shutdown_seconds",
            "Seconds that stopping may take: commits are finished and sockets are told to come back.",
            "1 to 3600",
            |_, config, input| input.within(1..=3_600).map(|seconds| config.server.shutdown_seconds = seconds),
            |_, config| i64::try_from(config.server.shutdown_seconds).ok().map(Into::into),
        ),
    ]
}
