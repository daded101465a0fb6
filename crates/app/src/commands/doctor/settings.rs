//! The configuration: what is refused, and what is allowed but hardly meant.

use std::net::{IpAddr, Ipv4Addr};

use super::{finding::Finding, http::Place};
use crate::config::{Config, ConfigError, Deployment};

const CHECK: &str = "settings";

/// Settings that keep the server from starting at all.
pub(super) fn refused(error: &ConfigError) -> Vec<Finding> {
    let cure = "correct it; `palabre config docs` lists every key with what is allowed";
    error.problems.iter().map(|problem| Finding::problem(CHECK, problem, cure)).collect()
}

pub(super) fn examine(config: &Config) -> Vec<Finding> {
    let mut findings = many_nodes(config);
    if config.server.environment == Deployment::Production {
        findings.extend(production(config));
    } else {
        findings.push(Finding::note(CHECK, format!("server.environment is {}", config.server.environment)));
    }
    if config.server.trusted_proxies.iter().any(|network| network.contains(ANYBODY) && network.contains(ELSE)) {
        findings.push(Finding::warning(
            CHECK,
            "server.trusted_proxies holds everybody, so that anybody may claim any address and escape the limits",
            "name the proxies' own addresses",
        ));
    }
    if !findings.iter().any(|finding| finding.cure.is_some()) {
        findings.insert(0, Finding::good(CHECK, "the configuration is acceptable"));
    }
    findings
}

/// Two addresses that have nothing in common.
const ANYBODY: IpAddr = IpAddr::V4(Ipv4Addr::new(8, 8, 8, 8));
const ELSE: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 1));

/// Settings that nodes must share, and those that only nodes have a use for.
fn many_nodes(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    let is_sqlite = config.database_url().is_sqlite();
    if config.redis.url.is_some() && is_sqlite {
        findings.push(Finding::warning(
            CHECK,
            "redis.url is set, but the database is SQLite, which only one node can use",
            "remove redis.url, or set database.url to a PostgreSQL server",
        ));
    }
    if config.redis.url.is_some() && !is_sqlite && config.auth.jwt_secret.is_none() {
        findings.push(Finding::problem(
            CHECK,
            "auth.jwt_secret is not set: each node signs with a key of its own, and refuses the others' tokens",
            "set the same auth.jwt_secret on every node (`openssl rand -base64 32` makes one), and \
             auth.host_tokens = false unless a host application signs with it",
        ));
    }
    if config.auth.jwt_secret.is_some() && config.auth.host_tokens.is_none() {
        findings.push(Finding::note(
            CHECK,
            "whoever knows auth.jwt_secret may sign tokens for a host application's users; if there is none, set \
             auth.host_tokens = false",
        ));
    }
    findings
}

/// Settings from which people who do not sit at this machine would suffer.
fn production(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    match &config.server.public_url {
        None => findings.push(Finding::warning(
            CHECK,
            "server.public_url is not set: pages that a proxy serves under another address cannot open sockets, and \
             the way through the proxy cannot be checked",
            "set it to the address that people use, such as \"https://chat.example.org\"",
        )),
        Some(url) if url.starts_with("http://") && !is_here(url) => findings.push(Finding::warning(
            CHECK,
            format!("people reach {url} without TLS: passwords and messages can be read on the way"),
            "let the proxy speak TLS, and set server.public_url to its https:// address",
        )),
        Some(_) => {}
    }
    if config.server.metrics_listen.is_none() {
        findings.push(Finding::warning(
            CHECK,
            "/metrics is answered to everybody who reaches the server",
            "set server.metrics_listen = \"127.0.0.1:9100\", or refuse the path in the proxy",
        ));
    }
    findings
}

/// Whether a URL, in its normal form, leads to this very machine.
fn is_here(url: &str) -> bool {
    Place::parse(url).is_some_and(|place| place.is_here())
}
